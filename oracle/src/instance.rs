//! An instance: which addresses of the store its module's indices mean; and the look-ups by address.
//! Every index was checked by the validator, so a failing look-up is a bug.

use std::sync::Arc;

use ghost_wasm::FuncType;
use ghost_wasm::internals::ExternKind;

use crate::constant::Scope;
use crate::error::Error;
use crate::memory::Memory;
use crate::module::{Item, Module};
use crate::store::{Func, Global, Store};
use crate::table::Table;
use crate::value::{Extern, FuncAddr, GlobalAddr, InstanceAddr, MemoryAddr, TableAddr};

/// An instance.
#[derive(Debug)]
pub(crate) struct Instance {
    pub module: Arc<Module>,
    pub funcs: Vec<FuncAddr>,
    pub tables: Vec<TableAddr>,
    pub memories: Vec<MemoryAddr>,
    pub globals: Vec<GlobalAddr>,
    /// By element segment: its references; none once dropped.
    pub elems: Vec<Vec<u64>>,
    /// By data segment: whether it was dropped.
    pub dropped_datas: Vec<bool>,
}

impl Instance {
    /// What constant expressions may name.
    pub fn scope(&self) -> Scope<'_> {
        Scope { funcs: &self.funcs, globals: &self.globals }
    }

    /// What an index of the module means.
    pub fn resolve(&self, item: Item) -> Option<Extern> {
        let at = item.index as usize;
        Some(match item.kind {
            ExternKind::Func => Extern::Func(*self.funcs.get(at)?),
            ExternKind::Table => Extern::Table(*self.tables.get(at)?),
            ExternKind::Memory => Extern::Memory(*self.memories.get(at)?),
            ExternKind::Global => Extern::Global(*self.globals.get(at)?),
        })
    }

    pub fn func(&self, index: u32) -> Result<FuncAddr, Error> {
        self.funcs.get(index as usize).copied().ok_or(Error::Bug("no such function"))
    }

    pub fn table(&self, index: u32) -> Result<TableAddr, Error> {
        self.tables.get(index as usize).copied().ok_or(Error::Bug("no such table"))
    }

    pub fn memory(&self, index: u32) -> Result<MemoryAddr, Error> {
        self.memories.get(index as usize).copied().ok_or(Error::Bug("no such memory"))
    }

    pub fn global(&self, index: u32) -> Result<GlobalAddr, Error> {
        self.globals.get(index as usize).copied().ok_or(Error::Bug("no such global"))
    }

    /// A function type of the module, by its type index.
    pub fn func_type(&self, type_index: u32) -> Result<&FuncType, Error> {
        self.module.data().env.types.get(type_index as usize).ok_or(Error::Bug("no such type"))
    }
}

macro_rules! by_address {
    ($($name:ident, $name_mut:ident: $addr:ty => $items:ident: $item:ty;)*) => {
        impl Store {
            $(
                pub(crate) fn $name(&self, addr: $addr) -> Result<&$item, Error> {
                    self.$items.get(addr.index()).ok_or(Error::Bug("no such address"))
                }

                pub(crate) fn $name_mut(&mut self, addr: $addr) -> Result<&mut $item, Error> {
                    self.$items.get_mut(addr.index()).ok_or(Error::Bug("no such address"))
                }
            )*
        }
    };
}

by_address! {
    table_inst, table_inst_mut: TableAddr => tables: Table;
    memory_inst, memory_inst_mut: MemoryAddr => memories: Memory;
    global_inst, global_inst_mut: GlobalAddr => globals: Global;
    instance, instance_mut: InstanceAddr => instances: Instance;
}

impl Store {
    pub(crate) fn func(&self, addr: FuncAddr) -> Result<&Func, Error> {
        self.funcs.get(addr.index()).ok_or(Error::Bug("no such address"))
    }
}
