//! What handlers see of functions, tables and instances: plain pointers, filled in by the runtime.
//!
//! Invariant of every view: the pointers point at memory that the store keeps alive and in place for as
//! long as code can run on them. The runtime refreshes those that may move (see each field).

use alloc::boxed::Box;
use core::cell::Cell;

pub use crate::code::record::{CodeRecord, Word};
use crate::heap;

// SAFETY: a record is read-only after translation and its pointer leads to read-only memory that the
// module owns (`Module` keeps both in one allocation's lifetime).
unsafe impl Send for CodeRecord {}
// SAFETY: as above.
unsafe impl Sync for CodeRecord {}

/// A function of a store.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FuncView {
    /// Its code record; null for a host function.
    pub record: *const CodeRecord,
    /// The instance it belongs to; null for a host function.
    pub instance: *const InstanceView,
    /// Its type's canonical number in the store: equal numbers, equal types.
    pub type_id: u32,
}

/// A table's entries as `call_indirect` sees them. An entry is a store function's index + 1; 0 is null.
#[derive(Debug)]
#[repr(C)]
pub struct TableView {
    /// The first entry. Refreshed by the runtime after every growth.
    pub base: Cell<*const u32>,
    /// The number of entries.
    pub len: Cell<u64>,
}

/// A mark stands for 2 to this bytes of a memory.
pub const PART_SHIFT: u32 = 12;
/// The mark of a part of a memory that was written.
pub const MARKED: u8 = 1;
/// A store may write this many bytes of the part that follows the one it marks.
pub const STORE_REACH: usize = 15;

/// A linear memory as loads and stores see it. The byte at `base - 1 - p` is the mark of part `p`.
#[derive(Debug)]
#[repr(C)]
pub struct MemoryView {
    /// The first byte. Refreshed by the runtime after every growth.
    pub base: Cell<*mut u8>,
    /// The length in bytes.
    pub len: Cell<u64>,
}

/// An instance. The store keeps it boxed, so that it never moves.
#[derive(Debug)]
#[repr(C)]
pub struct InstanceView {
    /// Memory 0, or a static empty one.
    pub memory: *const MemoryView,
    /// Global cells, by global index. A global is a `Cell<u64>` that the store keeps boxed.
    pub globals: *const *mut u64,
    /// Tables, by table index.
    pub tables: *const *const TableView,
    /// Code records of the functions that the module defines, by function index minus imported ones.
    pub records: *const CodeRecord,
    /// Canonical type numbers, by type index.
    pub type_ids: *const u32,
    /// Number of the instance in its store: for the driver.
    pub index: u32,
}

/// An instance's view together with the lists it points into.
#[derive(Debug)]
pub struct OwnedView {
    view: Box<InstanceView>,
    globals: Box<[*mut u64]>,
    tables: Box<[*const TableView]>,
    type_ids: Box<[u32]>,
}

impl OwnedView {
    /// A view with its final address; memory, globals and tables are to be filled in.
    pub fn new(index: u32, records: *const CodeRecord, type_ids: Box<[u32]>) -> OwnedView {
        let view = Box::new(InstanceView {
            memory: core::ptr::null(),
            globals: core::ptr::null(),
            tables: core::ptr::null(),
            records,
            type_ids: type_ids.as_ptr(),
            index,
        });
        OwnedView { view, globals: Box::new([]), tables: Box::new([]), type_ids }
    }

    /// Where the view is, as long as the owner lives.
    pub fn address(&self) -> *const InstanceView {
        &raw const *self.view
    }

    /// Bytes of memory that it has allocated.
    pub fn heap_bytes(&self) -> u64 {
        heap::boxed(&*self.view)
            + heap::boxed(&*self.globals)
            + heap::boxed(&*self.tables)
            + heap::boxed(&*self.type_ids)
    }

    /// The canonical number of a type of the module.
    pub fn type_id(&self, ty: u32) -> Option<u32> {
        self.type_ids.get(ty as usize).copied()
    }

    /// Fills in what the instance has.
    pub fn fill(
        &mut self,
        memory: *const MemoryView,
        globals: Box<[*mut u64]>,
        tables: Box<[*const TableView]>,
    ) {
        self.globals = globals;
        self.tables = tables;
        self.view.memory = memory;
        self.view.globals = self.globals.as_ptr();
        self.view.tables = self.tables.as_ptr();
    }
}

/// A call into another instance, to be undone when it returns.
#[derive(Clone, Copy, Debug)]
pub struct Switch {
    /// The caller's instance.
    pub instance: *const InstanceView,
    /// Where it goes on.
    pub ip: *const Word,
}

// SAFETY (of the six below): views are plain data to everybody but the handlers of the one store that owns
// them, and a store runs on one thread at a time.
unsafe impl Send for FuncView {}
// SAFETY: see above.
unsafe impl Send for TableView {}
// SAFETY: see above.
unsafe impl Send for MemoryView {}
// SAFETY: see above.
unsafe impl Send for InstanceView {}
// SAFETY: see above.
unsafe impl Send for Switch {}
// SAFETY: see above.
unsafe impl Send for OwnedView {}
