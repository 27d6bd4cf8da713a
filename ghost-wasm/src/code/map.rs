//! From code positions back to the module's bytes, and what a trap there owes.
//!
//! A third of all ops have an entry, and hardly any is ever read: the entries of a group are kept as differences in
//! one word each, so that a module's code needs less memory, which would have to be got and cleared as it is loaded.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use crate::heap;

/// One op that can trap or call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapEntry {
    /// The op's first word, counted from the first of its part of the module's code.
    pub position: u32,
    /// The operator's offset in the module.
    pub offset: u32,
    /// What the naive sum of costs, this operator included, is ahead of what has been paid. Negative where
    /// an edge has paid ahead.
    pub due: i32,
}

/// What an entry adds to the position and the offset of the one before it, and what it owes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step(u32);

const POSITION_BITS: u32 = 8;
const OFFSET_BITS: u32 = 10;
const DUE_BITS: u32 = 32 - POSITION_BITS - OFFSET_BITS;

impl Step {
    /// If it fits.
    #[inline(always)]
    fn between(before: MapEntry, entry: MapEntry) -> Option<Step> {
        let position = entry.position.wrapping_sub(before.position);
        let offset = entry.offset.wrapping_sub(before.offset);
        let due = entry.due << (32 - DUE_BITS) >> (32 - DUE_BITS);
        let fits =
            (position >> POSITION_BITS) | (offset >> OFFSET_BITS) | (due ^ entry.due).cast_unsigned() == 0;
        fits.then(|| {
            Step(position | offset << POSITION_BITS | due.cast_unsigned() << (POSITION_BITS + OFFSET_BITS))
        })
    }

    fn from(self, before: MapEntry) -> MapEntry {
        MapEntry {
            position: before.position + (self.0 & ((1 << POSITION_BITS) - 1)),
            offset: before.offset + (self.0 >> POSITION_BITS & ((1 << OFFSET_BITS) - 1)),
            due: self.0.cast_signed() >> (POSITION_BITS + OFFSET_BITS),
        }
    }
}

/// Entries that follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    first: MapEntry,
    /// Where the steps to the others begin. They end where those of the next group begin.
    steps: u32,
}

/// Steps of a group at most: so many are taken to find an entry.
const STEPS_MAX: usize = 31;

/// All of them, ascending by position.
#[derive(Clone, Debug, Default)]
pub struct CodeMap {
    pub(super) groups: Vec<Group>,
    pub(super) steps: Vec<Step>,
}

impl CodeMap {
    /// Adds the entries of a body, ascending, behind all others.
    pub fn add(&mut self, entries: &[MapEntry]) -> Result<(), TryReserveError> {
        // Mostly all are steps but one in [`STEPS_MAX`].
        self.steps.try_reserve(entries.len())?;
        let mut rest = entries;
        while let [first, others @ ..] = rest {
            self.groups.try_reserve(1)?;
            self.groups.push(Group { first: *first, steps: self.steps.len() as u32 });
            let mut steps = [Step(0); STEPS_MAX];
            let mut count = 0;
            for ((&before, &entry), to) in rest.iter().zip(others).zip(&mut steps) {
                let Some(step) = Step::between(before, entry) else { break };
                *to = step;
                count += 1;
            }
            self.steps.extend_from_slice(steps.get(..count).unwrap_or_default());
            rest = others.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Bytes of memory that it has allocated.
    pub fn heap_bytes(&self) -> u64 {
        heap::list(&self.groups) + heap::list(&self.steps)
    }

    /// The entry of the op at `position`.
    pub fn at(&self, position: u32) -> Option<MapEntry> {
        self.up_to(position).filter(|entry| entry.position == position)
    }

    /// The last entry before `position`: of the call that returns there.
    pub fn before(&self, position: u32) -> Option<MapEntry> {
        self.up_to(position.checked_sub(1)?)
    }

    /// The last entry at `position` or before.
    pub fn up_to(&self, position: u32) -> Option<MapEntry> {
        let after = self.groups.partition_point(|group| group.first.position <= position);
        let group = self.groups.get(after.checked_sub(1)?)?;
        let end = self.groups.get(after).map_or(self.steps.len(), |next| next.steps as usize);
        let mut entry = group.first;
        for step in self.steps.get(group.steps as usize..end)? {
            let next = step.from(entry);
            if next.position > position {
                break;
            }
            entry = next;
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn entries_are_found_again() {
        let mut entries = vec![];
        let (mut position, mut offset) = (0_u32, 100_u32);
        for index in 0..5_000_u32 {
            // Differences that fit a step and those that do not, of each field by itself.
            position += 2 + index * 7 % 5 + if index % 97 == 0 { 255 } else { 0 };
            offset += 1 + index * 5 % 9 + if index % 89 == 0 { 1_020 } else { 0 };
            let due = match index % 83 {
                0 => 8_191,
                1 => 8_192,
                2 => -8_192,
                3 => -8_193,
                4 => i32::MAX,
                5 => i32::MIN,
                _ => index as i32 % 300 - 100,
            };
            entries.push(MapEntry { position, offset, due });
        }
        let mut map = CodeMap::default();
        // Bodies of different lengths, some without an entry. An offset may lie before the one of the entry before it.
        entries[400].offset = 7;
        let (mut from, mut body) = (0, 0);
        while from < entries.len() {
            let to = entries.len().min(from + body * 11 % 70);
            map.add(&entries[from..to]).expect("memory");
            (from, body) = (to, body + 1);
        }
        assert!(map.steps.len() > 4_000 && map.groups.len() > 400);
        assert_eq!(map.steps.len() + map.groups.len(), entries.len());
        let mut last = None;
        let mut next = entries.iter();
        for position in 0..=position + 1 {
            assert_eq!(map.before(position), last);
            let here = next.as_slice().first().filter(|entry| entry.position == position).copied();
            assert_eq!(map.at(position), here);
            if here.is_some() {
                last = here;
                next.next();
            }
        }
        assert_eq!(last, entries.last().copied());
    }
}
