//! The store: everything that instances are made of, by address. Nothing in it is ever removed, so that
//! an address stays what it was even if an instantiation failed half-way.

use std::rc::Rc;

use ghost_wasm::internals::Op;
use ghost_wasm::table::gas::{GasClass, Schedule};
use ghost_wasm::table::limits::Limit;
use ghost_wasm::{FuncType, GlobalType, MemoryType, Profile, TableType};

use crate::error::Error;
use crate::gas::Meter;
use crate::instance::Instance;
use crate::memory::Memory;
use crate::module::StoreLimits;
use crate::table::Table;
use crate::value::{Extern, FuncAddr, GlobalAddr, InstanceAddr, MemoryAddr, TableAddr, Val};

/// What a host function is: it gets the store, the instance that called it (`None` when the host did),
/// and the arguments.
pub type HostFn = dyn Fn(&mut Store, Option<InstanceAddr>, &[Val]) -> Result<Vec<Val>, Error>;

#[derive(Clone)]
pub(crate) enum FuncKind {
    /// The function at this index of an instance's module.
    Wasm(InstanceAddr, u32),
    Host(Rc<HostFn>),
}

#[derive(Clone)]
pub(crate) struct Func {
    pub ty: FuncType,
    pub kind: FuncKind,
}

/// A global.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Global {
    pub ty: GlobalType,
    pub raw: u64,
}

/// How much of the limits on the stack is in use, over all activations of the store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Depth {
    /// Active functions.
    pub frames: u64,
    /// Slots below those of the innermost entry from the host.
    pub slots: u64,
    /// Entries from the host.
    pub nesting: u64,
}

/// A store.
pub struct Store {
    pub(crate) limits: StoreLimits,
    pub(crate) schedule: Schedule,
    pub(crate) meter: Meter,
    pub(crate) depth: Depth,
    /// An inner call ran out of gas in WebAssembly: nothing runs any more.
    pub(crate) spent: bool,
    pub(crate) funcs: Vec<Func>,
    pub(crate) tables: Vec<Table>,
    pub(crate) memories: Vec<Memory>,
    pub(crate) globals: Vec<Global>,
    pub(crate) instances: Vec<Instance>,
    op_counts: Vec<u64>,
}

impl core::fmt::Debug for Store {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Store")
            .field("meter", &self.meter)
            .field("instances", &self.instances.len())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// A store under a profile's limits and prices, with gas without end.
    pub fn new(profile: &Profile) -> Store {
        Store {
            limits: StoreLimits::of(profile.limits()),
            schedule: profile.schedule().clone(),
            meter: Meter { used: 0, limit: u64::MAX },
            depth: Depth::default(),
            spent: false,
            funcs: Vec::new(),
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            instances: Vec::new(),
            op_counts: vec![0; Op::ALL.len()],
        }
    }

    /// Sets the gas limit and starts counting from zero.
    pub fn set_gas(&mut self, limit: u64) {
        self.meter = Meter { used: 0, limit };
    }

    /// Gas used since [`set_gas`](Store::set_gas). After out-of-gas this is the limit.
    pub fn gas_used(&self) -> u64 {
        self.meter.used
    }

    /// The gas that is left.
    pub fn gas_left(&self) -> u64 {
        self.meter.limit - self.meter.used
    }

    /// Charges what a host function costs.
    pub fn charge(&mut self, cost: u64) -> Result<(), Error> {
        self.meter.charge(cost)
    }

    /// Charges and counts an operator that stands outside of function bodies: it costs its class.
    pub(crate) fn charge_op(&mut self, op: Op) -> Result<(), Error> {
        self.charge_class(op.class(), 0)?;
        self.count_op(op);
        Ok(())
    }

    /// Charges what an operator costs by a class, and `values` times the price of a value that it moves.
    pub(crate) fn charge_class(&mut self, class: GasClass, values: usize) -> Result<(), Error> {
        let cost = u64::from(self.schedule.class(class)) + u64::from(self.schedule.per_value) * values as u64;
        self.meter.charge(cost)
    }

    /// How often each operator was executed, by position in `Op::ALL`.
    pub fn op_counts(&self) -> &[u64] {
        &self.op_counts
    }

    pub(crate) fn count_op(&mut self, op: Op) {
        if let Some(count) = self.op_counts.get_mut(op as usize) {
            *count += 1;
        }
    }

    /// Adds a host function.
    pub fn new_func(
        &mut self,
        ty: FuncType,
        func: impl Fn(&mut Store, Option<InstanceAddr>, &[Val]) -> Result<Vec<Val>, Error> + 'static,
    ) -> FuncAddr {
        self.add_func(Func { ty, kind: FuncKind::Host(Rc::new(func)) })
    }

    pub(crate) fn add_func(&mut self, func: Func) -> FuncAddr {
        self.funcs.push(func);
        FuncAddr(self.funcs.len() as u32 - 1)
    }

    /// Adds a memory of zeroes.
    pub fn new_memory(&mut self, ty: MemoryType) -> Result<MemoryAddr, Error> {
        if ty.min > self.limits.memory_pages {
            return Err(limit(Limit::MemoryPages, self.limits.memory_pages));
        }
        self.memories.push(Memory::new(ty));
        Ok(MemoryAddr(self.memories.len() as u32 - 1))
    }

    /// Adds a table of `init`.
    pub fn new_table(&mut self, ty: TableType, init: Val) -> Result<TableAddr, Error> {
        if init.ty() != ty.element {
            return Err(Error::Usage("a table of another type"));
        }
        if ty.min > self.limits.table_entries {
            return Err(limit(Limit::TableEntries, self.limits.table_entries));
        }
        self.tables.push(Table::new(ty, init.to_raw()).ok_or(Error::HostFault)?);
        Ok(TableAddr(self.tables.len() as u32 - 1))
    }

    /// Adds a global.
    pub fn new_global(&mut self, ty: GlobalType, init: Val) -> Result<GlobalAddr, Error> {
        if init.ty() != ty.content {
            return Err(Error::Usage("a global of another type"));
        }
        self.globals.push(Global { ty, raw: init.to_raw() });
        Ok(GlobalAddr(self.globals.len() as u32 - 1))
    }

    /// A function's type.
    pub fn func_type(&self, func: FuncAddr) -> Option<&FuncType> {
        Some(&self.funcs.get(func.index())?.ty)
    }

    /// A global's type.
    pub fn global_type(&self, global: GlobalAddr) -> Option<GlobalType> {
        Some(self.globals.get(global.index())?.ty)
    }

    /// A global's value.
    pub fn global(&self, global: GlobalAddr) -> Option<Val> {
        let global = self.globals.get(global.index())?;
        Some(Val::from_raw(global.ty.content, global.raw))
    }

    /// Changes a mutable global.
    pub fn set_global(&mut self, global: GlobalAddr, val: Val) -> Result<(), Error> {
        match self.globals.get_mut(global.index()) {
            Some(global) if global.ty.mutable && global.ty.content == val.ty() => {
                global.raw = val.to_raw();
                Ok(())
            }
            _ => Err(Error::Usage("not a global that may hold this")),
        }
    }

    /// A memory.
    pub fn memory(&self, memory: MemoryAddr) -> Option<&Memory> {
        self.memories.get(memory.index())
    }

    /// A memory, to be written by the host.
    pub fn memory_mut(&mut self, memory: MemoryAddr) -> Option<&mut Memory> {
        self.memories.get_mut(memory.index())
    }

    /// A table.
    pub fn table(&self, table: TableAddr) -> Option<&Table> {
        self.tables.get(table.index())
    }

    /// All memories, in the order of creation.
    pub fn memories(&self) -> &[Memory] {
        &self.memories
    }

    /// All tables, in the order of creation.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The values of all globals, in the order of creation.
    pub fn globals(&self) -> impl Iterator<Item = Val> + '_ {
        self.globals.iter().map(|global| Val::from_raw(global.ty.content, global.raw))
    }

    /// What an instance exports under a name.
    pub fn export(&self, instance: InstanceAddr, name: &str) -> Option<Extern> {
        let instance = self.instances.get(instance.index())?;
        let export = instance.module.exports().find(|export| export.0 == name)?;
        instance.resolve(export.1)
    }

    /// All exports of an instance, in the module's order.
    pub fn exports(&self, instance: InstanceAddr) -> Vec<(String, Extern)> {
        let Some(instance) = self.instances.get(instance.index()) else { return Vec::new() };
        instance
            .module
            .exports()
            .filter_map(|(name, item)| Some((name.to_owned(), instance.resolve(item)?)))
            .collect()
    }
}

fn limit(limit: Limit, most: u32) -> Error {
    Error::Module(ghost_wasm::Error::limit(limit, most.into()))
}
