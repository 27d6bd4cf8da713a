//! Tables.

use alloc::vec::Vec;
use core::cell::Cell;

use super::context::{AsContext, AsContextMut};
use super::value::Val;
use crate::Error;
use crate::exec::view::TableView;
use crate::heap;
use crate::table::errors::ErrorCode;
use crate::types::TableType;

/// A table of a store. Boxed, so that its view stays in place. An entry is a reference's number + 1; 0 is
/// null.
#[derive(Debug)]
pub(crate) struct TableEntity {
    entries: Vec<u32>,
    view: TableView,
    pub ty: TableType,
    /// The profile's limit.
    entries_max: u32,
    /// Entries have been handed out to be written, or were added.
    written: bool,
}

impl TableEntity {
    pub fn new(ty: TableType, entries_max: u32, init: u32) -> Result<TableEntity, Error> {
        let view = TableView { base: Cell::new(core::ptr::null()), len: Cell::new(0) };
        let mut table = TableEntity { entries: Vec::new(), view, ty, entries_max, written: false };
        table.grow_to(ty.min, init)?;
        Ok(table)
    }

    pub fn view(&self) -> *const TableView {
        &raw const self.view
    }

    pub fn size(&self) -> u32 {
        self.entries.len() as u32
    }

    /// The current type, for linking.
    pub fn current_ty(&self) -> TableType {
        TableType { min: self.size(), ..self.ty }
    }

    /// The size after growing, if declared maximum and profile allow it.
    pub fn grown(&self, by: u32) -> Option<u32> {
        let most = self.ty.max.unwrap_or(u32::MAX).min(self.entries_max);
        self.size().checked_add(by).filter(|&size| size <= most)
    }

    /// Grows to a size that [`grown`](TableEntity::grown) has allowed.
    pub fn grow_to(&mut self, size: u32, init: u32) -> Result<(), Error> {
        let size = size as usize;
        self.entries
            .try_reserve_exact(size.saturating_sub(self.entries.len()))
            .map_err(|_| Error::new(ErrorCode::OutOfMemory))?;
        self.entries.resize(size, init);
        self.written = true;
        self.refresh();
        Ok(())
    }

    fn refresh(&mut self) {
        self.view.base.set(self.entries.as_ptr());
        self.view.len.set(self.entries.len() as u64);
    }

    /// Bytes of memory that it has allocated.
    pub fn heap_bytes(&self) -> u64 {
        heap::list(&self.entries)
    }

    pub fn entries(&self) -> &[u32] {
        &self.entries
    }

    /// Entries, to be written.
    pub fn entries_mut(&mut self) -> &mut [u32] {
        self.written = true;
        &mut self.entries
    }

    /// The table holds what [`reset`](TableEntity::reset) will bring back.
    pub fn begin(&mut self) {
        self.written = false;
    }

    /// Makes the table hold `entries`, which it has held before; nothing is done if it was not written since.
    pub fn reset(&mut self, entries: &[u32]) {
        if self.written {
            self.entries.clear();
            self.entries.extend_from_slice(entries);
            self.refresh();
            self.written = false;
        }
    }
}

/// A handle to a table.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, Func, Store, Table, TableType, Val, ValType};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut store = Store::new(&Engine::default(), ());
/// let ty = TableType { element: ValType::FuncRef, min: 2, max: None };
/// let table = Table::new(&mut store, ty, Val::FuncRef(None))?;
/// let func = Func::wrap(&mut store, || ())?;
/// table.set(&mut store, 1, Val::FuncRef(Some(func)))?;
/// assert_eq!(table.get(&store, 1)?, Val::FuncRef(Some(func)));
/// assert_eq!(table.grow(&mut store, 3, Val::FuncRef(None))?, 2);
/// assert_eq!(table.size(&store), 5);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    pub(crate) store: u64,
    pub(crate) index: u32,
}

impl Table {
    /// A new table filled with `init`.
    ///
    /// # Errors
    /// `WrongType`, `WrongStore`, `Poisoned`, `Limit`, `HostFault`.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Val) -> Result<Table, Error> {
        let store = &mut store.as_context_mut().inner;
        let init = store.reference(init, ty.element)?;
        let index = store.add_table(ty, init)?;
        Ok(Table { store: store.id, index })
    }

    /// Its type, with the current size as minimum.
    ///
    /// # Panics
    /// With a handle of another store, or of a poisoned one; see [`try_ty`](Table::try_ty).
    pub fn ty(&self, store: impl AsContext) -> TableType {
        super::store::own(self.try_ty(store))
    }

    /// Its type, with the current size as minimum.
    ///
    /// # Errors
    /// `WrongStore`, `Poisoned`.
    pub fn try_ty(&self, store: impl AsContext) -> Result<TableType, Error> {
        Ok(store.as_context().inner.table(*self)?.current_ty())
    }

    /// The number of entries.
    ///
    /// # Panics
    /// With a handle of another store, or of a poisoned one; see [`try_size`](Table::try_size).
    pub fn size(&self, store: impl AsContext) -> u32 {
        super::store::own(self.try_size(store))
    }

    /// The number of entries.
    ///
    /// # Errors
    /// `WrongStore`, `Poisoned`.
    pub fn try_size(&self, store: impl AsContext) -> Result<u32, Error> {
        Ok(store.as_context().inner.table(*self)?.size())
    }

    /// An entry.
    ///
    /// # Errors
    /// `OutOfBounds`, `WrongStore`, `Poisoned`.
    pub fn get(&self, store: impl AsContext, index: u32) -> Result<Val, Error> {
        let store = &store.as_context().inner;
        let table = store.table(*self)?;
        let entry = table.entries().get(index as usize);
        let entry = entry.ok_or_else(|| Error::new(ErrorCode::OutOfBounds))?;
        Ok(Val::from_slot(table.ty.element, u64::from(*entry), store.id))
    }

    /// Changes an entry.
    ///
    /// # Errors
    /// `OutOfBounds`, `WrongType`, `WrongStore`, `Poisoned`.
    pub fn set(&self, mut store: impl AsContextMut, index: u32, value: Val) -> Result<(), Error> {
        let store = &mut store.as_context_mut().inner;
        let value = store.reference(value, store.table(*self)?.ty.element)?;
        let entry = store.table_mut(*self)?.entries_mut().get_mut(index as usize);
        *entry.ok_or_else(|| Error::new(ErrorCode::OutOfBounds))? = value;
        Ok(())
    }

    /// Grows by `by` entries of `init`; says the size before.
    ///
    /// # Errors
    /// `GrowRefused`, `WrongType`, `WrongStore`, `Poisoned`, `HostFault`.
    pub fn grow(&self, mut store: impl AsContextMut, by: u32, init: Val) -> Result<u32, Error> {
        let store = &mut store.as_context_mut().inner;
        let init = store.reference(init, store.table(*self)?.ty.element)?;
        let table = store.table(*self)?;
        let before = table.size();
        let size = table.grown(by).ok_or_else(|| Error::new(ErrorCode::GrowRefused))?;
        store.allow_table(before, size)?;
        store.table_mut(*self)?.grow_to(size, init)?;
        Ok(before)
    }
}
