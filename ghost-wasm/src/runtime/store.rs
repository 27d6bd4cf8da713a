//! The store: everything that instances own, and the embedder's data.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering};

use super::caller::Caller;
use super::driver::Yielded;
use super::engine::Engine;
use super::func::Func;
use super::global::Global;
use super::instance::InstanceEntity;
use super::interrupt::Interrupt;
use super::lazy::LazyCodes;
use super::limiter::ResourceLimiter;
use super::memory::{LinearMemory, Memory};
use super::module::Code;
use super::pool::Reuse;
use super::resume::Suspended;
use super::table::{Table, TableEntity};
use super::value::Val;
use crate::Error;
use crate::code::map::MapEntry;
use crate::exec::ctx::Ctx;
use crate::exec::gas::Meter;
use crate::exec::view::{CodeRecord, FuncView, InstanceView, Switch, Word};
use crate::heap;
use crate::table::errors::ErrorCode;
use crate::table::limits::Limit;
use crate::types::{FuncType, GlobalType, MemoryType, TableType, ValType};

/// A host function: takes arguments from and leaves results in raw slots.
pub(crate) type HostFn<T> = Arc<dyn Fn(Caller<'_, T>, &mut [u64]) -> Result<(), Error> + Send + Sync>;

/// Whose function it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FuncKind {
    /// Function number `defined` (without imported ones) of an instance's module.
    Wasm { instance: u32, defined: u32 },
    /// Number in [`Store::hosts`].
    Host(u32),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct FuncEntity {
    pub kind: FuncKind,
    /// Canonical number of its type.
    pub ty: u32,
}

#[derive(Debug)]
pub(crate) struct GlobalEntity {
    pub ty: GlobalType,
    /// Boxed, so that code can name its address.
    pub value: Box<Cell<u64>>,
}

/// The part of a store that does not depend on the embedder's data.
pub(crate) struct StoreInner {
    pub id: u64,
    pub engine: Engine,
    pub cx: Box<Ctx>,
    pub meter: Meter,
    pub funcs: Vec<FuncEntity>,
    /// What handlers see of `funcs`; always as long.
    pub views: Vec<FuncView>,
    #[expect(clippy::vec_box, reason = "views are named by address: an entity must not move")]
    pub tables: Vec<Box<TableEntity>>,
    #[expect(clippy::vec_box, reason = "views are named by address: an entity must not move")]
    pub memories: Vec<Box<LinearMemory>>,
    pub globals: Vec<GlobalEntity>,
    pub instances: Vec<InstanceEntity>,
    /// Code of modules that are translated as their functions are called.
    pub lazy: LazyCodes,
    types: Vec<FuncType>,
    /// The numbers of `types`, in the order of the types: small, because every live instance has one.
    type_ids: Vec<u32>,
    pub switches: Vec<Switch>,
    /// Entries from the host that are running.
    pub nesting: u32,
    /// Guest code has run out of gas or was interrupted: what memories, tables and globals hold is not defined.
    pub poisoned: bool,
    /// How the embedder ends a call.
    pub interrupt: Option<Interrupt>,
    /// A call has been ended by it: those below it end, too.
    pub interrupted: bool,
    /// A host function has yielded; set until the entry that it ends is finished.
    pub yielded: Option<Yielded>,
    /// The call that can go on.
    pub suspended: Option<Suspended>,
    pub limiter: Option<Box<dyn ResourceLimiter>>,
    /// How it is used again.
    pub reuse: Option<Reuse>,
    #[cfg(feature = "internals")]
    pub steps: crate::exec::step::Steps,
}

/// The world of a set of instances: their functions, memories, tables and globals, their gas, and `T`.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, Instance, Module, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, &wat::parse_str(r#"(module (func (export "nothing")))"#)?)?;
/// let mut store = Store::new(&engine, "my data");
/// store.set_gas(10_000);
/// let instance = Instance::new(&mut store, &module, &[])?;
/// instance.get_typed_func::<(), ()>(&store, "nothing")?.call(&mut store, ())?;
/// assert_eq!(store.gas_used() + store.gas_left(), 10_000);
/// assert_eq!(store.into_data(), "my data");
/// # Ok(())
/// # }
/// ```
pub struct Store<T> {
    pub(crate) inner: StoreInner,
    pub(crate) hosts: Vec<HostFn<T>>,
    pub(crate) data: T,
}

impl<T> core::fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Store").field("id", &self.inner.id).finish_non_exhaustive()
    }
}

fn internal() -> Error {
    Error::new(ErrorCode::Internal)
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// A number that no other store has, nor anything else that is numbered here.
pub(crate) fn next_id() -> u64 {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

/// The value of an accessor that the embedder used with the right store.
///
/// # Panics
/// With the error's text, for a handle of another store or a store that is poisoned: documented at each
/// accessor that uses it; each has a `try_` twin.
#[expect(clippy::panic, reason = "documented misuse of an infallible accessor")]
pub(crate) fn own<V>(result: Result<V, Error>) -> V {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

impl<T> Store<T> {
    /// An empty store. Its gas is unlimited until [`set_gas`](Store::set_gas).
    pub fn new(engine: &Engine, data: T) -> Store<T> {
        let limits = engine.profile().limits();
        let inner = StoreInner {
            id: next_id(),
            engine: engine.clone(),
            cx: Box::new(Ctx::new(limits.value_stack_slots as usize, limits.frames as usize)),
            meter: Meter::default(),
            funcs: Vec::new(),
            views: Vec::new(),
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            instances: Vec::new(),
            lazy: LazyCodes::default(),
            types: Vec::new(),
            type_ids: Vec::new(),
            switches: Vec::new(),
            nesting: 0,
            poisoned: false,
            interrupt: None,
            interrupted: false,
            yielded: None,
            suspended: None,
            limiter: None,
            reuse: None,
            #[cfg(feature = "internals")]
            steps: Default::default(),
        };
        Store { inner, hosts: Vec::new(), data }
    }

    /// The engine it belongs to.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        &self.data
    }

    /// The embedder's data, to be changed.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.data
    }

    /// The embedder's data; the rest is dropped.
    pub fn into_data(self) -> T {
        self.data
    }

    /// Sets the gas limit (at most 2^62) and what is used to zero. To be called between calls; a host
    /// function uses [`Caller::with_gas_cap`].
    pub fn set_gas(&mut self, limit: u64) {
        self.inner.meter.set_limit(limit);
    }

    /// What is left of the limit.
    pub fn gas_left(&self) -> u64 {
        self.inner.meter.left()
    }

    /// What was used since the limit was set. After out-of-gas: the limit.
    pub fn gas_used(&self) -> u64 {
        self.inner.meter.used()
    }

    /// Takes gas for work that the embedder does while a host function's yield has suspended a call, or between
    /// calls.
    ///
    /// # Errors
    /// `OutOfGas`: all gas is gone. A suspended call should be given up ([`Store::abandon`]).
    pub fn charge(&mut self, gas: u64) -> Result<(), Error> {
        self.inner.meter.charge(gas).map_err(|_| Error::new(ErrorCode::OutOfGas))
    }

    /// Gives back gas that was [charged](Store::charge) and not needed, so that it counts as left again.
    ///
    /// # Errors
    /// `WrongArguments` when so much was not used; nothing has changed.
    pub fn refund(&mut self, gas: u64) -> Result<(), Error> {
        self.inner.meter.refund(gas).map_err(|_| Error::new(ErrorCode::WrongArguments))
    }

    /// Sets, or takes away, the flag with which other threads end this store's calls. A call that is ended so fails
    /// with `Interrupted`, which is no outcome: neither a trap nor out-of-gas. What memories, tables and
    /// globals then hold is not defined, and how much gas was used is not exact: the store answers `Poisoned` and
    /// can only be dropped, or put back into its [`InstancePool`](crate::InstancePool). How soon a call ends:
    /// [`Interrupt`]. Calls that are not ended are as without a flag.
    pub fn set_interrupt(&mut self, interrupt: Option<Interrupt>) {
        self.inner.interrupt = interrupt;
    }

    /// Asks `limiter` before a memory or table is made or grows. Not for contracts: what a guest sees must not
    /// depend on the host.
    pub fn limiter(&mut self, limiter: impl ResourceLimiter + 'static) {
        self.inner.limiter = Some(Box::new(limiter));
    }

    /// Fixes the size of the slices in which gas is handed to the handlers. Changes nothing that can be
    /// observed but time: for tests.
    #[cfg(feature = "internals")]
    pub fn fix_gas_slice(&mut self, slice: Option<u64>) {
        self.inner.meter.fix_slice(slice);
    }

    /// What was counted so far, if the engine steps ([`Config::stepping`](crate::Config::stepping)).
    #[cfg(feature = "internals")]
    pub fn steps(&self) -> &crate::exec::step::Steps {
        &self.inner.steps
    }

    /// How many functions of modules that are translated lazily have been: for tests.
    #[cfg(feature = "internals")]
    pub fn functions_translated(&self) -> usize {
        self.inner.lazy.translated()
    }

    /// Adds a host function.
    pub(crate) fn add_host(&mut self, ty: &FuncType, host: HostFn<T>) -> Result<u32, Error> {
        self.inner.usable()?;
        let number = self.hosts.len() as u32;
        self.hosts.push(host);
        let ty = self.inner.type_id(ty);
        let view = FuncView { record: core::ptr::null(), instance: core::ptr::null(), type_id: ty };
        self.inner.add_func(FuncEntity { kind: FuncKind::Host(number), ty }, view)
    }
}

impl Drop for StoreInner {
    fn drop(&mut self) {
        for memory in self.memories.drain(..) {
            memory.retire(self.engine.spare());
        }
    }
}

impl StoreInner {
    /// The canonical number of a type.
    pub fn type_id(&mut self, ty: &FuncType) -> u32 {
        let found = self.type_ids.binary_search_by(|&id| self.types.get(id as usize).cmp(&Some(ty)));
        match found {
            Ok(at) => self.type_ids.get(at).copied().unwrap_or(0),
            Err(at) => {
                let id = self.types.len() as u32;
                self.types.push(ty.clone());
                self.type_ids.insert(at, id);
                id
            }
        }
    }

    /// The type with a canonical number.
    pub fn type_of(&self, id: u32) -> Result<&FuncType, Error> {
        self.types.get(id as usize).ok_or_else(|| Error::new(ErrorCode::Internal))
    }

    /// Takes the numbers of all types from this one on back. Nothing may have them any more.
    pub fn forget_types(&mut self, from: usize) {
        if from < self.types.len() {
            self.types.truncate(from);
            self.type_ids.retain(|&id| (id as usize) < from);
        }
    }

    /// Bytes of memory that it has allocated. What it shares with modules and linkers is not in it, nor are the
    /// buffers of translation, which an idle store does not have.
    pub fn heap_bytes(&self) -> u64 {
        let tables = self.tables.iter().map(|table| heap::boxed(&**table) + table.heap_bytes());
        let memories = self.memories.iter().map(|memory| heap::boxed(&**memory) + memory.heap_bytes());
        let globals = self.globals.iter().map(|global| heap::boxed(&*global.value));
        let instances = self.instances.iter().map(InstanceEntity::heap_bytes);
        tables.chain(memories).chain(globals).chain(instances).sum::<u64>()
            + heap::boxed(&*self.cx)
            + self.cx.heap_bytes()
            + heap::list(&self.funcs)
            + heap::list(&self.views)
            + heap::list(&self.tables)
            + heap::list(&self.memories)
            + heap::list(&self.globals)
            + heap::list(&self.instances)
            + heap::list(&self.types)
            + heap::list(&self.type_ids)
            + heap::list(&self.switches)
            + self.lazy.heap_bytes()
    }

    /// How many types have a number.
    pub fn type_count(&self) -> usize {
        self.types.len()
    }

    pub fn add_func(&mut self, entity: FuncEntity, view: FuncView) -> Result<u32, Error> {
        let index = self.funcs.len() as u32;
        self.funcs.push(entity);
        self.views.push(view);
        self.cx.set_funcs(self.views.as_ptr());
        Ok(index)
    }

    pub fn add_memory(&mut self, ty: MemoryType) -> Result<u32, Error> {
        self.usable()?;
        let most = self.engine.profile().limits().memory_pages;
        if ty.min > most {
            return Err(Error::limit(Limit::MemoryPages, u64::from(most)));
        }
        self.allow_memory(0, ty.min)?;
        self.memories.push(Box::new(LinearMemory::new(ty, most, self.engine.spare())?));
        Ok(self.memories.len() as u32 - 1)
    }

    pub fn add_table(&mut self, ty: TableType, init: u32) -> Result<u32, Error> {
        self.usable()?;
        let most = self.engine.profile().limits().table_entries;
        if ty.min > most {
            return Err(Error::limit(Limit::TableEntries, u64::from(most)));
        }
        self.allow_table(0, ty.min)?;
        self.tables.push(Box::new(TableEntity::new(ty, most, init)?));
        Ok(self.tables.len() as u32 - 1)
    }

    /// What the embedder's limiter says to a memory of `pages`.
    pub fn allow_memory(&mut self, before: u32, pages: u32) -> Result<(), Error> {
        let allowed = self.limiter.as_mut().is_none_or(|limiter| limiter.memory(before, pages));
        if allowed { Ok(()) } else { Err(Error::new(ErrorCode::GrowRefused)) }
    }

    /// What the embedder's limiter says to a table of `entries`.
    pub fn allow_table(&mut self, before: u32, entries: u32) -> Result<(), Error> {
        let allowed = self.limiter.as_mut().is_none_or(|limiter| limiter.table(before, entries));
        if allowed { Ok(()) } else { Err(Error::new(ErrorCode::GrowRefused)) }
    }

    pub fn add_global(&mut self, ty: GlobalType, value: u64) -> u32 {
        self.globals.push(GlobalEntity { ty, value: Box::new(Cell::new(value)) });
        self.globals.len() as u32 - 1
    }

    /// Whether a handle is of this store.
    fn mine(&self, store: u64) -> Result<(), Error> {
        if store == self.id { Ok(()) } else { Err(Error::new(ErrorCode::WrongStore)) }
    }

    /// Whether a handle is of this store, and what it names is defined.
    fn open(&self, store: u64) -> Result<(), Error> {
        self.mine(store)?;
        self.usable()
    }

    pub fn func(&self, func: Func) -> Result<FuncEntity, Error> {
        self.mine(func.store)?;
        self.funcs.get(func.index as usize).copied().ok_or_else(internal)
    }

    pub fn memory(&self, memory: Memory) -> Result<&LinearMemory, Error> {
        self.open(memory.store)?;
        self.memories.get(memory.index as usize).map(|memory| &**memory).ok_or_else(internal)
    }

    pub fn memory_mut(&mut self, memory: Memory) -> Result<&mut LinearMemory, Error> {
        self.open(memory.store)?;
        self.memories.get_mut(memory.index as usize).map(|memory| &mut **memory).ok_or_else(internal)
    }

    pub fn table(&self, table: Table) -> Result<&TableEntity, Error> {
        self.open(table.store)?;
        self.tables.get(table.index as usize).map(|table| &**table).ok_or_else(internal)
    }

    pub fn table_mut(&mut self, table: Table) -> Result<&mut TableEntity, Error> {
        self.open(table.store)?;
        self.tables.get_mut(table.index as usize).map(|table| &mut **table).ok_or_else(internal)
    }

    pub fn global(&self, global: Global) -> Result<&GlobalEntity, Error> {
        self.open(global.store)?;
        self.globals.get(global.index as usize).ok_or_else(internal)
    }

    pub fn instance(&self, index: u32) -> Result<&InstanceEntity, Error> {
        self.instances.get(index as usize).ok_or_else(|| Error::new(ErrorCode::Internal))
    }

    /// Checks a value that the host gives.
    pub fn check_value(&self, value: Val, ty: ValType) -> Result<(), Error> {
        if value.ty() != ty {
            return Err(Error::new(ErrorCode::WrongType));
        }
        if !value.belongs(self.id) {
            return Err(Error::new(ErrorCode::WrongStore));
        }
        Ok(())
    }

    /// A reference that the host gives, as a table entry.
    pub fn reference(&self, value: Val, ty: ValType) -> Result<u32, Error> {
        self.check_value(value, ty)?;
        Ok(value.to_slot() as u32)
    }

    /// Looks whether the embedder wants the call to end.
    #[inline]
    pub fn check_interrupt(&mut self) -> Result<(), Error> {
        match &self.interrupt {
            Some(interrupt) if interrupt.is_interrupted() => Err(self.end_interrupted()),
            _ => Ok(()),
        }
    }

    #[cold]
    fn end_interrupted(&mut self) -> Error {
        self.interrupted = true;
        self.poisoned = true;
        Error::new(ErrorCode::Interrupted)
    }

    /// Whether what the store holds is defined: guest code has neither run out of gas in it nor been interrupted.
    pub fn usable(&self) -> Result<(), Error> {
        if self.poisoned { Err(Error::new(ErrorCode::Poisoned)) } else { Ok(()) }
    }

    /// Whether a call may begin: the frames of a suspended one would be in its way.
    pub fn idle(&self) -> Result<(), Error> {
        self.usable()?;
        if self.suspended.is_some() { Err(Error::new(ErrorCode::Suspended)) } else { Ok(()) }
    }

    /// Code and view of a WebAssembly function, and what entering it costs. Translates it if it must be.
    pub fn code_of(
        &mut self,
        instance: u32,
        defined: u32,
    ) -> Result<(*const CodeRecord, *const InstanceView, u32), Error> {
        let instance = self.instances.get(instance as usize).ok_or_else(internal)?;
        let view = instance.view.address();
        let (record, enter_cost) = match &instance.module.inner.code {
            Code::Eager(code) => {
                let record = code.records().get(defined as usize).ok_or_else(internal)?;
                (core::ptr::from_ref(record), record.enter_cost)
            }
            Code::Lazy(bodies) => self.lazy.record(instance, bodies, defined)?,
        };
        Ok((record, view, enter_cost))
    }

    /// The op at an address (`here`) or the call before it, and the function that it is in.
    pub fn place(&self, instance: u32, ip: *const Word, here: bool) -> Option<(MapEntry, u32)> {
        let instance = self.instances.get(instance as usize)?;
        match &instance.module.inner.code {
            Code::Eager(code) => code.place(ip, here),
            Code::Lazy(_) => self.lazy.place(instance, ip, here),
        }
    }

    /// The function that an address lies in, and the offset of the last operator before it that has one.
    pub fn near(&self, instance: u32, ip: *const Word) -> Option<(u32, Option<u32>)> {
        let instance = self.instances.get(instance as usize)?;
        match &instance.module.inner.code {
            Code::Eager(code) => code.near(ip),
            Code::Lazy(_) => self.lazy.near(instance, ip),
        }
    }
}

const _: () = {
    const fn send<T: Send>() {}
    send::<Store<()>>();
};
