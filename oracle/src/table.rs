//! A table of references. Knows bounds and sizes, not who asks.

use ghost_wasm::TableType;

/// A table. Entries are references as the value stack holds them: 0 is null, else an index + 1.
#[derive(Clone, Debug)]
pub struct Table {
    entries: Vec<u64>,
    ty: TableType,
}

impl Table {
    /// `None` if the host has no room for it.
    pub(crate) fn new(ty: TableType, init: u64) -> Option<Table> {
        let mut table = Table { entries: Vec::new(), ty };
        table.grow(ty.min, init)?;
        Some(table)
    }

    /// The type: the size of now, and the declared maximum.
    pub fn ty(&self) -> TableType {
        TableType { min: self.size(), ..self.ty }
    }

    /// The number of entries.
    pub fn size(&self) -> u32 {
        self.entries.len() as u32
    }

    /// All entries.
    pub fn entries(&self) -> &[u64] {
        &self.entries
    }

    /// Whether `len` entries at `at` lie inside.
    pub fn holds(&self, at: u32, len: u32) -> bool {
        u64::from(at) + u64::from(len) <= u64::from(self.size())
    }

    /// An entry; `None` if there is none at `at`.
    pub fn get(&self, at: u32) -> Option<u64> {
        self.entries.get(at as usize).copied()
    }

    /// Changes an entry; `None` if there is none at `at`.
    pub(crate) fn set(&mut self, at: u32, entry: u64) -> Option<()> {
        *self.entries.get_mut(at as usize)? = entry;
        Some(())
    }

    /// Whether it may have `count` more: the declared maximum, else `entries_max`, decides.
    pub(crate) fn may_grow(&self, count: u32, entries_max: u32) -> bool {
        let max = self.ty.max.map_or(entries_max, |max| max.min(entries_max));
        u64::from(self.size()) + u64::from(count) <= u64::from(max)
    }

    /// Adds entries; `None` if the host has no room. The caller has asked [`may_grow`](Table::may_grow).
    pub(crate) fn grow(&mut self, count: u32, entry: u64) -> Option<()> {
        self.entries.try_reserve(count as usize).ok()?;
        self.entries.resize(self.entries.len() + count as usize, entry);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ghost_wasm::ValType;

    #[test]
    fn keeps_its_bounds() {
        let ty = TableType { element: ValType::FuncRef, min: 2, max: Some(4) };
        let mut table = Table::new(ty, 0).expect("two entries fit");
        assert_eq!(table.get(1), Some(0));
        assert_eq!(table.get(2), None);
        assert!(table.set(1, 7).is_some());
        assert!(table.set(2, 7).is_none());
        assert!(table.holds(2, 0));
        assert!(!table.holds(2, 1));
        assert!(!table.holds(u32::MAX, u32::MAX));
        assert!(table.may_grow(2, 100));
        assert!(!table.may_grow(3, 100));
        assert!(!table.may_grow(2, 3));
        assert!(table.grow(2, 9).is_some());
        assert_eq!(table.entries(), [0, 7, 9, 9]);
        assert_eq!(table.ty().min, 4);
    }
}
