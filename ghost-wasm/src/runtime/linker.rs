//! Linkers: names to what they stand for.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::caller::Caller;
use super::context::AsContextMut;
use super::engine::Engine;
use super::func::{Func, host_func};
use super::instance::{Extern, Instance};
use super::module::Module;
use super::store::{HostFn, Store};
use super::typed::IntoFunc;
use super::value::Val;
use crate::Error;
use crate::table::errors::ErrorCode;
use crate::types::FuncType;

enum Definition<T> {
    Host(FuncType, HostFn<T>),
    Item(Extern),
}

/// What modules may import, by module and name. Host functions are independent of any store.
pub struct Linker<T> {
    engine: Engine,
    definitions: BTreeMap<String, BTreeMap<String, Definition<T>>>,
}

impl<T> core::fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Linker").field("modules", &self.definitions.len()).finish_non_exhaustive()
    }
}

impl<T: 'static> Linker<T> {
    /// A linker without definitions.
    pub fn new(engine: &Engine) -> Linker<T> {
        Linker { engine: engine.clone(), definitions: BTreeMap::new() }
    }

    /// The engine it belongs to.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    fn insert(&mut self, module: &str, name: &str, definition: Definition<T>) -> Result<&mut Self, Error> {
        let names = self.definitions.entry(module.into()).or_default();
        if names.contains_key(name) {
            let what = alloc::format!("{module}.{name}");
            return Err(Error::new(ErrorCode::DuplicateDefinition).with_detail(what));
        }
        names.insert(name.into(), definition);
        Ok(self)
    }

    /// Defines a host function from a closure: its types tell the function's type.
    ///
    /// # Errors
    /// `DuplicateDefinition`.
    pub fn func_wrap<P, R>(
        &mut self,
        module: &str,
        name: &str,
        f: impl IntoFunc<T, P, R>,
    ) -> Result<&mut Self, Error> {
        let (ty, host) = f.into_func();
        self.insert(module, name, Definition::Host(ty, host))
    }

    /// Defines a host function of a type known at run time.
    ///
    /// # Errors
    /// `DuplicateDefinition`.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        f: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<&mut Self, Error> {
        let host = host_func(&ty, f);
        self.insert(module, name, Definition::Host(ty, host))
    }

    /// Defines something of a store; the linker is then for that store only.
    ///
    /// # Errors
    /// `DuplicateDefinition`.
    pub fn define(&mut self, module: &str, name: &str, item: impl Into<Extern>) -> Result<&mut Self, Error> {
        self.insert(module, name, Definition::Item(item.into()))
    }

    /// Defines all exports of an instance under a module name.
    ///
    /// # Errors
    /// `DuplicateDefinition`, `WrongStore`.
    pub fn instance(
        &mut self,
        store: impl AsContextMut<Data = T>,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Self, Error> {
        for (name, item) in instance.exports(&store)? {
            self.insert(module, name, Definition::Item(item))?;
        }
        Ok(self)
    }

    fn resolve(&self, store: &mut Store<T>, module: &str, name: &str) -> Result<Extern, Error> {
        match self.definitions.get(module).and_then(|names| names.get(name)) {
            None => {
                let what = alloc::format!("{module}.{name}");
                Err(Error::new(ErrorCode::UnknownImport).with_detail(what))
            }
            Some(Definition::Item(item)) => Ok(*item),
            Some(Definition::Host(ty, host)) => {
                let index = store.add_host(ty, host.clone())?;
                Ok(Extern::Func(Func { store: store.inner.id, index }))
            }
        }
    }

    /// Instantiates a module with what is defined, and runs its start function.
    ///
    /// # Errors
    /// As [`Instance::new`].
    pub fn instantiate(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance, Error> {
        let store = store.as_context_mut();
        let mut imports = Vec::with_capacity(module.inner.data.imports.len());
        for import in &module.inner.data.imports {
            imports.push(self.resolve(store, &import.module, &import.name)?);
        }
        Instance::new(store, module, &imports)
    }
}
