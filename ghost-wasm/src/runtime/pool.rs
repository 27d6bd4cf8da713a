//! Pools: stores with an instance of one module that are used again. A store that comes back is made as if it
//! were new and its module prepared in it, in time that depends on what was written, not on what was declared.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::memory::Image;
use super::pre::InstancePre;
use super::store::{HostFn, Store, StoreInner, next_id};
use crate::Error;
use crate::heap;
use crate::table::errors::ErrorCode;

/// The number of the instance that a pool's store has.
pub(crate) const INSTANCE: u32 = 0;

/// What the parts of a store are when its instance is prepared and has not run.
#[derive(Debug)]
pub(crate) struct Template {
    sizes: Sizes,
    /// What preparing costs.
    gas: u64,
    globals: Vec<u64>,
    tables: Vec<Vec<u32>>,
    images: Vec<Image>,
    dropped_elems: Vec<bool>,
    dropped_datas: Vec<bool>,
}

impl Template {
    /// Bytes of memory that it takes.
    fn heap_bytes(&self) -> u64 {
        let tables = self.tables.iter().map(heap::list);
        let images = self.images.iter().map(Image::heap_bytes);
        heap::shared(size_of::<Template>())
            + heap::list(&self.globals)
            + heap::list(&self.tables)
            + heap::list(&self.images)
            + heap::list(&self.dropped_elems)
            + heap::list(&self.dropped_datas)
            + tables.chain(images).sum::<u64>()
    }
}

/// How many things a store has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub hosts: usize,
    pub funcs: usize,
    pub tables: usize,
    pub memories: usize,
    pub globals: usize,
    pub instances: usize,
    pub types: usize,
    pub lazy: usize,
}

impl Sizes {
    pub fn of<T>(inner: &StoreInner, hosts: &[HostFn<T>]) -> Sizes {
        Sizes {
            hosts: hosts.len(),
            funcs: inner.funcs.len(),
            tables: inner.tables.len(),
            memories: inner.memories.len(),
            globals: inner.globals.len(),
            instances: inner.instances.len(),
            types: inner.type_count(),
            lazy: inner.lazy.count(),
        }
    }
}

/// How far a store of a pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is in it.
    Empty,
    /// Its instance is prepared.
    Prepared,
    /// Its instance has been given out.
    Used,
}

/// What makes a store one of a pool.
#[derive(Debug)]
pub(crate) struct Reuse {
    /// Of which [`InstancePre`].
    pre: u64,
    phase: Phase,
    /// There from the first instance of a pool on.
    template: Option<Arc<Template>>,
}

/// Gives out the prepared instance, if the store has one of this kind: with the same effects on limiter and gas
/// as preparing it anew.
pub(crate) fn wake(inner: &mut StoreInner, pre: u64) -> Result<bool, Error> {
    let Some(reuse) = inner.reuse.as_ref() else { return Ok(false) };
    let Some(template) = reuse.template.clone() else { return Ok(false) };
    if reuse.pre != pre || reuse.phase != Phase::Prepared {
        return Ok(false);
    }
    if inner.limiter.is_some() {
        for entries in &template.tables {
            inner.allow_table(0, entries.len() as u32)?;
        }
        for at in 0..template.images.len() {
            let pages = inner.memories.get(at).map_or(0, |memory| memory.pages());
            inner.allow_memory(0, pages)?;
        }
    }
    inner.meter.charge(template.gas).map_err(|_| Error::new(ErrorCode::OutOfGas))?;
    if let Some(reuse) = inner.reuse.as_mut() {
        reuse.phase = Phase::Used;
    }
    Ok(true)
}

/// Whether what is about to be prepared can be used again. Whatever interrupts that leaves the store one that
/// is used once.
pub(crate) fn first_use<T>(store: &mut Store<T>, pre: u64) -> Option<Reuse> {
    let reuse = store.inner.reuse.take()?;
    if reuse.phase == Phase::Used {
        // A second instance: told by its size when the store comes back.
        store.inner.reuse = Some(reuse);
        return None;
    }
    (reuse.pre == pre && Sizes::of(&store.inner, &store.hosts) == Sizes::default()).then_some(reuse)
}

/// Keeps what has just been prepared as what a reset brings back.
pub(crate) fn remember<T>(store: &mut Store<T>, reuse: Reuse, gas: u64) -> Result<(), Error> {
    let sizes = Sizes::of(&store.inner, &store.hosts);
    let inner = &mut store.inner;
    let template = match reuse.template {
        Some(template) => template,
        None => {
            let entity = inner.instance(INSTANCE)?;
            let images: Result<_, Error> = inner.memories.iter().map(|memory| memory.image()).collect();
            Arc::new(Template {
                sizes,
                gas,
                globals: inner.globals.iter().map(|global| global.value.get()).collect(),
                tables: inner.tables.iter().map(|table| table.entries().to_vec()).collect(),
                images: images?,
                dropped_elems: entity.dropped_elems.clone(),
                dropped_datas: entity.dropped_datas.clone(),
            })
        }
    };
    debug_assert_eq!(template.sizes, sizes, "two stores with the same instance alone");
    debug_assert_eq!(template.gas, gas, "two stores with the same instance alone");
    for (memory, image) in inner.memories.iter_mut().zip(&template.images) {
        memory.begin(image);
    }
    for table in &mut inner.tables {
        table.begin();
    }
    inner.reuse = Some(Reuse { phase: Phase::Used, template: Some(template), ..reuse });
    Ok(())
}

/// Brings a store back to where its instance is prepared. On an error it is of no more use.
fn reset(inner: &mut StoreInner, template: &Template) -> Result<(), Error> {
    let Some(entity) = inner.instances.first_mut() else { return Err(Error::new(ErrorCode::Internal)) };
    entity.dropped_elems.clone_from(&template.dropped_elems);
    entity.dropped_datas.clone_from(&template.dropped_datas);
    for (memory, image) in inner.memories.iter_mut().zip(&template.images) {
        memory.reset(image)?;
    }
    for (table, entries) in inner.tables.iter_mut().zip(&template.tables) {
        table.reset(entries);
    }
    for (global, &value) in inner.globals.iter().zip(&template.globals) {
        global.value.set(value);
    }
    Ok(())
}

/// A store without its data.
struct Idle<T> {
    inner: StoreInner,
    hosts: Vec<HostFn<T>>,
}

/// Stores for instances of one module, used again one after the other.
///
/// [`take`](InstancePool::take) gives a store in which [`InstancePre::instantiate`] of [`pre`](InstancePool::pre)
/// is cheap; everything else is as in a store of [`Store::new`]: results, gas, limits, errors. A store that is
/// not [`put`](InstancePool::put) back is not missed.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, InstancePool, Linker, Module};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bytes = wat::parse_str(
///     r#"(module (memory 1) (func (export "poke") (result i32)
///         (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1))) (i32.load8_u (i32.const 0))))"#,
/// )?;
/// let engine = Engine::default();
/// let pre = Linker::new(&engine).instantiate_pre(&Module::new(&engine, &bytes)?)?;
/// let mut pool = InstancePool::new(pre, 4);
/// for request in ["first", "second"] {
///     let mut store = pool.take(request);
///     let instance = pool.pre().instantiate(&mut store)?;
///     let poke = instance.get_typed_func::<(), i32>(&store, "poke")?;
///     assert_eq!(poke.call(&mut store, ())?, 1, "as in a new store");
///     assert_eq!(pool.put(store), request);
/// }
/// # Ok(())
/// # }
/// ```
pub struct InstancePool<T> {
    pre: InstancePre<T>,
    idle: Vec<Idle<T>>,
    idle_max: usize,
    template: Option<Arc<Template>>,
}

impl<T> core::fmt::Debug for InstancePool<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InstancePool").field("idle", &self.idle.len()).finish_non_exhaustive()
    }
}

impl<T> InstancePool<T> {
    /// A pool that keeps at most `idle_max` stores while nobody uses them. Instances that import something of a
    /// store, and not only host functions, are not used again.
    pub fn new(pre: InstancePre<T>, idle_max: usize) -> InstancePool<T> {
        let idle_max = if pre.is_closed() { idle_max } else { 0 };
        InstancePool { pre, idle: Vec::new(), idle_max, template: None }
    }

    /// What its instances are made of.
    pub fn pre(&self) -> &InstancePre<T> {
        &self.pre
    }

    /// Stores that are ready to be taken.
    pub fn idle(&self) -> usize {
        self.idle.len()
    }

    /// Bytes of memory that the idle stores take, with their memories (also what was never written of them), tables,
    /// stacks and lazily made code, and what the pool keeps to bring them back. The module is not in it
    /// ([`Module::resident_bytes`](crate::Module::resident_bytes) of [`pre`](InstancePool::pre)'s), nor are stores that
    /// are taken. Besides, an engine keeps up to four spaces of at most 2 MiB each for the next memories.
    pub fn resident_bytes(&self) -> u64 {
        let stores = self.idle.iter().map(|idle| idle.inner.heap_bytes() + heap::list(&idle.hosts));
        let template = self.template.as_ref().map_or(0, |template| template.heap_bytes());
        heap::list(&self.idle) + stores.sum::<u64>() + template + self.pre.heap_bytes()
    }

    /// A store without instances and with unlimited gas.
    pub fn take(&mut self, data: T) -> Store<T> {
        if let Some(Idle { inner, hosts }) = self.idle.pop() {
            return Store { inner, hosts, data };
        }
        let mut store = Store::new(self.pre.module().engine(), data);
        if self.idle_max > 0 {
            let template = self.template.clone();
            store.inner.reuse = Some(Reuse { pre: self.pre.id(), phase: Phase::Empty, template });
        }
        store
    }

    /// Takes a store back, whatever has become of it. All handles to what is in it are void. A store that cannot
    /// be used again, as one with something added to it, is dropped. Gives the store's data.
    pub fn put(&mut self, store: Store<T>) -> T {
        let Store { mut inner, hosts, data } = store;
        if self.idle.len() < self.idle_max && self.accept(&mut inner, &hosts) {
            self.idle.push(Idle { inner, hosts });
        }
        data
    }

    fn accept(&mut self, inner: &mut StoreInner, hosts: &[HostFn<T>]) -> bool {
        let Some(reuse) = inner.reuse.as_mut() else { return false };
        let Some(template) = reuse.template.clone() else { return false };
        let ready = reuse.pre == self.pre.id() && reuse.phase != Phase::Empty;
        reuse.phase = Phase::Prepared;
        // A host function may have exchanged the store of a call for another one: it is still in use.
        if !ready || inner.nesting != 0 || Sizes::of(inner, hosts) != template.sizes {
            return false;
        }
        inner.id = next_id();
        inner.cx.reset();
        inner.meter.reset();
        inner.switches.clear();
        inner.lazy.trim();
        inner.poisoned = false;
        inner.yielded = None;
        inner.suspended = None;
        inner.limiter = None;
        inner.interrupt = None;
        inner.interrupted = false;
        if reset(inner, &template).is_err() {
            return false;
        }
        self.template.get_or_insert(template);
        true
    }
}

const _: () = {
    const fn send<T: Send>() {}
    send::<InstancePool<()>>();
};
