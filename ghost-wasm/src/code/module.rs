//! The code of a module, in parts.
//!
//! A part has some bodies, as many as go into a piece of memory that allocators keep for the next one who asks. All bodies
//! in one list would be got from the system, page by page, for each module that is loaded, and given back; that took a
//! third of the time of loading a large one.

use alloc::boxed::Box;
use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use super::map::{CodeMap, MapEntry};
use super::record::{CodeRecord, Word};
use crate::heap;

/// A part with so many words is complete when the next body begins.
pub const PART_WORDS: usize = 8 << 10;

/// Room is made for so many times as many bodies as there are, at most.
const AHEAD_MAX: usize = 64;

/// A translated body, before the code has its final place.
#[derive(Clone, Debug)]
pub struct RecordDraft {
    /// Counted from the first word of the part.
    pub start: u32,
    pub frame_slots: u32,
    pub zero_from: u16,
    pub zero_count: u16,
    pub enter_cost: u32,
    pub func: u32,
}

/// Bodies that follow each other.
#[derive(Debug)]
struct Part {
    /// Never changed: addresses into it are in the records.
    words: Vec<Word>,
    /// The number of its first body.
    first: usize,
    /// Where each body starts.
    starts: Box<[u32]>,
    map: CodeMap,
    /// Of code that is stepped through: the number of the op at each position.
    #[cfg(feature = "internals")]
    numbers: Vec<u16>,
}

/// All bodies of a module. Addresses into it are valid as long as it lives.
#[derive(Debug, Default)]
pub struct ModuleCode {
    /// By defined function.
    records: Vec<CodeRecord>,
    /// As they were completed; by address once all of them are.
    parts: Vec<Part>,
}

/// An op has at most this many words besides `br_table`'s targets: reading operands of a failed charge may
/// look this far.
const PADDING: usize = 4;

/// Gives back what is left over of room that was made for more, unless that is so small, as it mostly is, that it
/// would cost more than it is worth.
pub(crate) fn give_back<T>(list: &mut Vec<T>) {
    if list.capacity() - list.len() > list.len() / 8 {
        list.shrink_to_fit();
    }
}

impl ModuleCode {
    /// Adds a part: its words, the bodies in it, its map; leaves these lists empty. The numbers of its ops, if it is to be
    /// stepped through.
    pub(crate) fn add(
        &mut self,
        words: &mut Vec<Word>,
        drafts: &mut Vec<RecordDraft>,
        map: &mut CodeMap,
        #[cfg(feature = "internals")] numbers: Vec<u16>,
    ) -> Result<(), TryReserveError> {
        self.parts.try_reserve(1)?;
        self.records.try_reserve(drafts.len())?;
        words.try_reserve_exact(PADDING)?;
        let mut starts = Vec::new();
        starts.try_reserve_exact(drafts.len())?;
        let (mut words, mut map) = (core::mem::take(words), core::mem::take(map));
        words.resize(words.len() + PADDING, 0);
        give_back(&mut words);
        give_back(&mut map.groups);
        give_back(&mut map.steps);
        let (base, first) = (words.as_ptr(), self.records.len());
        starts.extend(drafts.iter().map(|draft| draft.start));
        self.records.extend(drafts.drain(..).map(|draft| CodeRecord {
            code: base.wrapping_add(draft.start as usize),
            frame_slots: draft.frame_slots,
            zero_from: draft.zero_from,
            zero_count: draft.zero_count,
            enter_cost: draft.enter_cost,
            func: draft.func,
        }));
        self.parts.push(Part {
            words,
            first,
            starts: starts.into_boxed_slice(),
            map,
            #[cfg(feature = "internals")]
            numbers,
        });
        Ok(())
    }

    /// Makes room for `more` bodies of `all` that the module says it has: for all of them at once, where that is not many
    /// times as many as there are.
    pub(crate) fn make_room_for(&mut self, more: usize, all: usize) -> Result<(), TryReserveError> {
        let needed = self.records.len() + more;
        if needed <= self.records.capacity() {
            return Ok(());
        }
        let room = all.min(needed.saturating_mul(AHEAD_MAX)).max(needed);
        self.records.try_reserve_exact(room - self.records.len())
    }

    /// Makes room in the map of the next part for what that of the last one has, and some more.
    pub(crate) fn make_room_in(&self, map: &mut CodeMap) -> Result<(), TryReserveError> {
        let Some(Part { map: last, .. }) = self.parts.last() else { return Ok(()) };
        let more = |len: usize| len + len / 4;
        map.groups.try_reserve_exact(more(last.groups.len()))?;
        map.steps.try_reserve_exact(more(last.steps.len()))
    }

    /// All parts are there.
    pub(crate) fn complete(mut self) -> ModuleCode {
        give_back(&mut self.records);
        self.parts.sort_unstable_by_key(|part| part.words.as_ptr());
        self
    }

    /// Bytes of memory that it has allocated.
    pub fn heap_bytes(&self) -> u64 {
        let parts = self.parts.iter().map(|part| {
            let bytes = heap::list(&part.words) + heap::boxed(&*part.starts) + part.map.heap_bytes();
            #[cfg(feature = "internals")]
            let bytes = bytes + heap::list(&part.numbers);
            bytes
        });
        heap::list(&self.records) + heap::list(&self.parts) + parts.sum::<u64>()
    }

    /// Records by defined function.
    pub fn records(&self) -> &[CodeRecord] {
        &self.records
    }

    /// The words of the body of a defined function.
    #[cfg(feature = "internals")]
    pub fn body(&self, number: usize) -> Option<&[Word]> {
        let part = self
            .parts
            .iter()
            .find(|part| number.checked_sub(part.first).is_some_and(|index| index < part.starts.len()))?;
        let start = *part.starts.get(number - part.first)? as usize;
        let end = part
            .starts
            .get(number - part.first + 1)
            .map_or(part.words.len() - PADDING, |&next| next as usize);
        part.words.get(start..end)
    }

    /// Of code that is stepped through: the number of the op at an address.
    #[cfg(feature = "internals")]
    pub fn number_at(&self, ip: *const Word) -> Option<u16> {
        let (part, position) = self.part(ip)?;
        part.numbers.get(position as usize).copied()
    }

    /// The op at an address (`here`) or the call before it, and whose body it is in.
    pub fn place(&self, ip: *const Word, here: bool) -> Option<(MapEntry, u32)> {
        let (part, position) = self.part(ip)?;
        let entry = if here { part.map.at(position) } else { part.map.before(position) }?;
        let after = part.starts.partition_point(|&start| start <= entry.position);
        let record = self.records.get(part.first + after.checked_sub(1)?)?;
        Some((entry, record.func))
    }

    /// The function whose code an address lies in, and the operator's offset of the last entry before it in that
    /// function, if there is one.
    pub fn near(&self, ip: *const Word) -> Option<(u32, Option<u32>)> {
        let (part, position) = self.part(ip)?;
        let index = part.starts.partition_point(|&start| start <= position).checked_sub(1)?;
        let start = *part.starts.get(index)?;
        let entry = part.map.up_to(position).filter(|entry| entry.position >= start);
        let record = self.records.get(part.first + index)?;
        Some((record.func, entry.map(|entry| entry.offset)))
    }

    /// The lowest address of its code: no two codes that live have the same. (One that is a single body, as it is here
    /// asked of, has all its code behind it.)
    pub fn base(&self) -> *const Word {
        self.parts.first().map_or(core::ptr::null(), |part| part.words.as_ptr())
    }

    /// The part that an address lies in, and the position there.
    fn part(&self, ip: *const Word) -> Option<(&Part, u32)> {
        let after = self.parts.partition_point(|part| part.words.as_ptr() <= ip);
        let part = self.parts.get(after.checked_sub(1)?)?;
        let position = (ip as usize - part.words.as_ptr() as usize) / size_of::<Word>();
        (position < part.words.len()).then_some((part, position as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(len: usize, funcs: core::ops::Range<u32>) -> (Vec<u64>, Vec<RecordDraft>, CodeMap) {
        let (mut words, mut map) = (Vec::with_capacity(1_000), CodeMap::default());
        words.resize(len, 7);
        let drafts = funcs
            .clone()
            .map(|func| RecordDraft {
                start: (func - funcs.start) * 10,
                frame_slots: 1,
                zero_from: 0,
                zero_count: 0,
                enter_cost: 4,
                func,
            })
            .collect();
        // An entry at the sixth word of each body, of a call of two words.
        for func in funcs.clone() {
            let position = (func - funcs.start) * 10 + 5;
            map.add(&[MapEntry { position, offset: 100 * func, due: 3 }]).unwrap();
        }
        (words, drafts, map)
    }

    fn add(code: &mut ModuleCode, len: usize, funcs: core::ops::Range<u32>) {
        let (mut words, mut drafts, mut map) = part(len, funcs);
        code.add(
            &mut words,
            &mut drafts,
            &mut map,
            #[cfg(feature = "internals")]
            Vec::new(),
        )
        .unwrap();
        assert!(words.is_empty() && drafts.is_empty() && map.groups.is_empty() && map.steps.is_empty());
    }

    #[test]
    fn room_that_is_left_over_is_given_back() {
        let mut code = ModuleCode::default();
        add(&mut code, 96, 0..9);
        let part = &code.parts[0];
        assert_eq!((part.words.len(), part.map.groups.len()), (96 + PADDING, 9));
        assert!(part.words.capacity() <= 112 && part.map.groups.capacity() <= 10);
    }

    #[test]
    fn room_is_made_for_all_bodies_unless_they_are_very_many() {
        let room = |more, all| {
            let mut code = ModuleCode::default();
            code.make_room_for(more, all).unwrap();
            code.records.capacity()
        };
        assert_eq!([room(20, 20), room(20, 1_000), room(20, 1_000_000)], [20, 1_000, 20 * AHEAD_MAX]);
        assert_eq!(room(20, 0), 20);
    }

    #[test]
    fn places_are_found_in_every_part() {
        let mut code = ModuleCode::default();
        // Parts of many sizes, so that their addresses are in no order.
        let mut func = 3;
        for len in [200, 30, 4_000, 10, 700, 50, 90, 2_000, 10] {
            add(&mut code, len, func..func + len as u32 / 10);
            func += len as u32 / 10;
        }
        let code = code.complete();
        assert!(code.parts.is_sorted_by_key(|part| part.words.as_ptr()));
        assert_eq!(code.records().len(), func as usize - 3);
        for (number, record) in code.records().iter().enumerate() {
            assert_eq!(record.func, number as u32 + 3);
            let found = |words: usize, here| {
                let place = code.place(record.code.wrapping_add(words), here);
                place.map(|(entry, func)| (entry.offset, func))
            };
            let expected = Some((100 * record.func, record.func));
            assert_eq!(found(5, true), expected);
            assert_eq!(found(4, true), None);
            // The way back from the call leads behind it.
            assert_eq!(found(7, false), expected);
        }
        let nowhere = code.parts[8].words.as_ptr_range().end;
        assert_eq!(code.place(nowhere, true), None);
        assert_eq!(code.place(core::ptr::null(), false), None);
    }
}
