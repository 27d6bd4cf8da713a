//! From code positions back to the module's bytes, and what a trap there owes.

use alloc::vec::Vec;

/// One op that can trap or call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapEntry {
    /// The op's first word, counted from the module's first.
    pub position: u32,
    /// The operator's offset in the module.
    pub offset: u32,
    /// What the naive sum of costs, this operator included, is ahead of what has been paid. Negative where
    /// an edge has paid ahead.
    pub due: i32,
}

/// All of them, ascending by position.
#[derive(Clone, Debug, Default)]
pub struct CodeMap {
    pub(crate) entries: Vec<MapEntry>,
}

impl CodeMap {
    /// The entry of the op at `position`.
    pub fn at(&self, position: u32) -> Option<MapEntry> {
        let index = self.entries.binary_search_by_key(&position, |entry| entry.position).ok()?;
        self.entries.get(index).copied()
    }

    /// The last entry before `position`: of the call that returns there.
    pub fn before(&self, position: u32) -> Option<MapEntry> {
        let after = self.entries.partition_point(|entry| entry.position < position);
        self.entries.get(after.checked_sub(1)?).copied()
    }
}
