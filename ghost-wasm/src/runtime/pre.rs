//! A module with its imports looked up: what is the same for all its instances is done once.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::context::AsContextMut;
use super::engine::Engine;
use super::func::Func;
use super::instance::{Extern, Instance, fits, prepare, start};
use super::module::Module;
use super::pool;
use super::store::{HostFn, Store, next_id};
use super::undo::all_or_nothing;
use crate::Error;
use crate::heap;
use crate::table::errors::ErrorCode;
use crate::types::FuncType;

/// What a linker has found for an import.
pub(crate) enum Provided<T> {
    /// A host function of the right type.
    Host(FuncType, HostFn<T>),
    /// Something of a store, which is asked for its type there.
    Item(Extern),
}

struct Shared<T> {
    module: Module,
    imports: Vec<Provided<T>>,
    /// A number of its own.
    id: u64,
}

/// A module with its imports looked up by [`Linker::instantiate_pre`](crate::Linker::instantiate_pre). Cheap
/// to clone.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, Linker, Module, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, &wat::parse_str(r#"(module (memory (export "memory") 1))"#)?)?;
/// let pre = Linker::new(&engine).instantiate_pre(&module)?;
/// for number in 0..3 {
///     let mut store = Store::new(&engine, number);
///     let instance = pre.instantiate(&mut store)?;
///     assert!(instance.get_memory(&store, "memory").is_some());
/// }
/// # Ok(())
/// # }
/// ```
pub struct InstancePre<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Clone for InstancePre<T> {
    fn clone(&self) -> Self {
        InstancePre { shared: self.shared.clone() }
    }
}

impl<T> core::fmt::Debug for InstancePre<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InstancePre").field("imports", &self.shared.imports.len()).finish_non_exhaustive()
    }
}

fn other_engine(what: &str) -> Error {
    Error::new(ErrorCode::WrongStore).with_detail(what)
}

impl<T> InstancePre<T> {
    /// `imports` are those of the module, in its order.
    pub(crate) fn new(
        engine: &Engine,
        module: &Module,
        imports: Vec<Provided<T>>,
    ) -> Result<InstancePre<T>, Error> {
        if !Engine::same(engine, module.engine()) {
            return Err(other_engine("module and linker have different engines"));
        }
        Ok(InstancePre { shared: Arc::new(Shared { module: module.clone(), imports, id: next_id() }) })
    }

    /// Bytes of memory that it and its clones share, without the module's and what they share with the linker.
    pub(crate) fn heap_bytes(&self) -> u64 {
        heap::shared(size_of::<Shared<T>>()) + heap::list(&self.shared.imports)
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.shared.module
    }

    pub(crate) fn id(&self) -> u64 {
        self.shared.id
    }

    /// Whether instances depend on nothing but the module and host functions.
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.imports.iter().all(|import| matches!(import, Provided::Host(..)))
    }

    /// Instantiates the module, and runs its start function.
    ///
    /// # Errors
    /// As [`Instance::new`].
    pub fn instantiate(&self, mut store: impl AsContextMut<Data = T>) -> Result<Instance, Error> {
        let store = store.as_context_mut();
        store.inner.idle()?;
        let module = self.module();
        if !Engine::same(module.engine(), store.engine()) {
            return Err(other_engine("module and store have different engines"));
        }
        if pool::wake(&mut store.inner, self.id())? {
            return start(store, pool::INSTANCE);
        }
        let reuse = pool::first_use(store, self.id());
        let left = store.inner.meter.left();
        let index = all_or_nothing(store, |store| {
            let imports = self.provide(store)?;
            prepare(&mut store.inner, module, &imports)
        })?;
        if let Some(reuse) = reuse {
            let gas = left - store.inner.meter.left();
            pool::remember(store, reuse, gas)?;
        }
        start(store, index)
    }

    /// The imports as things of the store.
    fn provide(&self, store: &mut Store<T>) -> Result<Vec<Extern>, Error> {
        let data = &self.module().inner.data;
        let mut given = Vec::with_capacity(self.shared.imports.len());
        for (import, provided) in data.imports.iter().zip(&self.shared.imports) {
            given.push(match provided {
                Provided::Host(ty, host) => {
                    let index = store.add_host(ty, host.clone())?;
                    Extern::Func(Func { store: store.inner.id, index })
                }
                Provided::Item(item) => {
                    let want = data.extern_type(import.kind, import.index);
                    let want = want.ok_or_else(|| Error::new(ErrorCode::Internal))?;
                    if !fits(&store.inner, *item, &want)? {
                        let what = alloc::format!("{}.{}", import.module, import.name);
                        return Err(Error::new(ErrorCode::IncompatibleImport).with_detail(what));
                    }
                    *item
                }
            });
        }
        Ok(given)
    }
}

const _: () = {
    const fn send_sync<T: Send + Sync>() {}
    send_sync::<InstancePre<()>>();
};
