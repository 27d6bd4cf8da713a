//! The code of a module.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::map::{CodeMap, MapEntry};
use super::record::{CodeRecord, Word};

/// A translated body, before the code has its final place.
#[derive(Clone, Debug)]
pub struct RecordDraft {
    pub start: u32,
    pub frame_slots: u32,
    pub zero_from: u16,
    pub zero_count: u16,
    pub enter_cost: u32,
    pub func: u32,
}

/// All bodies of a module. Immutable; addresses into it are valid as long as it lives.
#[derive(Debug)]
pub struct ModuleCode {
    /// Never changed: addresses into it are in the records.
    words: Vec<Word>,
    /// By defined function.
    records: Box<[CodeRecord]>,
    starts: Box<[u32]>,
    map: CodeMap,
    /// Of code that is stepped through: the number of the op at each position.
    #[cfg(feature = "internals")]
    pub numbers: alloc::vec::Vec<u16>,
}

/// An op has at most this many words besides `br_table`'s targets: reading operands of a failed charge may
/// look this far.
const PADDING: usize = 4;

/// Gives back what is left over of room that was made for more, unless that is so small, as it mostly is, that it
/// would cost more than it is worth.
fn give_back<T>(list: &mut Vec<T>) {
    if list.capacity() - list.len() > list.len() / 8 {
        list.shrink_to_fit();
    }
}

impl ModuleCode {
    pub(crate) fn new(mut words: Vec<u64>, drafts: Vec<RecordDraft>, mut map: CodeMap) -> ModuleCode {
        words.resize(words.len() + PADDING, 0);
        give_back(&mut words);
        // Of a body that was translated by itself most of it is left over.
        give_back(&mut map.groups);
        give_back(&mut map.steps);
        let base = words.as_ptr();
        let starts = drafts.iter().map(|draft| draft.start).collect();
        let records = drafts
            .into_iter()
            .map(|draft| CodeRecord {
                code: base.wrapping_add(draft.start as usize),
                frame_slots: draft.frame_slots,
                zero_from: draft.zero_from,
                zero_count: draft.zero_count,
                enter_cost: draft.enter_cost,
                func: draft.func,
            })
            .collect();
        ModuleCode {
            words,
            records,
            starts,
            map,
            #[cfg(feature = "internals")]
            numbers: Vec::new(),
        }
    }

    /// Records by defined function.
    pub fn records(&self) -> &[CodeRecord] {
        &self.records
    }

    /// Where each body starts, by defined function.
    #[cfg(feature = "internals")]
    pub fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// The number of words that are code.
    #[cfg(feature = "internals")]
    pub fn len_without_padding(&self) -> usize {
        self.words.len() - PADDING
    }

    /// All words.
    #[cfg(feature = "internals")]
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// The op at an address (`here`) or the call before it, and whose body it is in.
    pub fn place(&self, ip: *const Word, here: bool) -> Option<(MapEntry, u32)> {
        let position = self.position(ip)?;
        let entry = if here { self.map.at(position) } else { self.map.before(position) }?;
        Some((entry, self.function_at(entry.position)?))
    }

    /// The first word: no two codes that live have the same.
    pub fn base(&self) -> *const Word {
        self.words.as_ptr()
    }

    /// The position of an address, if it lies in this code.
    pub fn position(&self, ip: *const Word) -> Option<u32> {
        let bytes = (ip as usize).checked_sub(self.words.as_ptr() as usize)?;
        let position = bytes / size_of::<Word>();
        (position < self.words.len()).then_some(position as u32)
    }

    /// The function (by module index) whose body holds a position.
    fn function_at(&self, position: u32) -> Option<u32> {
        let after = self.starts.partition_point(|&start| start <= position);
        self.records.get(after.checked_sub(1)?).map(|record| record.func)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_that_is_left_over_is_given_back() {
        let entry = MapEntry { position: 0, offset: 0, due: 0 };
        let (mut words, mut map) = (Vec::with_capacity(1_000), CodeMap::default());
        words.resize(96, 7);
        map.steps.reserve(1_000);
        map.groups.reserve(1_000);
        map.add(&[entry; 17]).unwrap();
        let code = ModuleCode::new(words, Vec::new(), map);
        assert_eq!((code.words.len(), code.map.groups.len(), code.map.steps.len()), (96 + PADDING, 1, 16));
        assert!(
            code.words.capacity() <= 112
                && code.map.groups.capacity() == 1
                && code.map.steps.capacity() <= 18
        );
    }
}
