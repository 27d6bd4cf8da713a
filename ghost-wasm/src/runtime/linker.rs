//! Linkers: names to what they stand for.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::caller::Caller;
use super::context::AsContextMut;
use super::engine::Engine;
use super::func::host_func;
use super::instance::{Extern, Instance};
use super::module::Module;
use super::pre::{InstancePre, Provided};
use super::store::HostFn;
use super::typed::IntoFunc;
use super::value::Val;
use crate::Error;
use crate::table::errors::ErrorCode;
use crate::types::{ExternType, FuncType};

enum Definition<T> {
    Host(FuncType, HostFn<T>),
    Item(Extern),
}

/// What modules may import, by module and name. Host functions are independent of any store.
///
/// # Example
/// ```
/// use ghost_wasm::{Caller, Engine, Linker, Module, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bytes = wat::parse_str(
///     r#"(module (import "env" "count" (func $count (param i32))) (func (export "run") (call $count (i32.const 3))))"#,
/// )?;
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("env", "count", |mut caller: Caller<'_, i32>, by: i32| *caller.data_mut() += by)?;
/// let mut store = Store::new(&engine, 0);
/// let instance = linker.instantiate(&mut store, &Module::new(&engine, &bytes)?)?;
/// instance.get_typed_func::<(), ()>(&store, "run")?.call(&mut store, ())?;
/// assert_eq!(*store.data(), 3);
/// # Ok(())
/// # }
/// ```
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
    ///
    /// # Example
    /// ```
    /// use ghost_wasm::{Engine, Linker, Module, Store};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = Engine::default();
    /// let library = wat::parse_str(r#"(module (func (export "twice") (param i32) (result i32)
    ///     (i32.mul (local.get 0) (i32.const 2))))"#)?;
    /// let user = wat::parse_str(r#"(module (import "library" "twice" (func $twice (param i32) (result i32)))
    ///     (func (export "run") (result i32) (call $twice (i32.const 21))))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// let mut linker = Linker::new(&engine);
    /// let library = linker.instantiate(&mut store, &Module::new(&engine, &library)?)?;
    /// linker.instance(&mut store, "library", library)?;
    /// let user = linker.instantiate(&mut store, &Module::new(&engine, &user)?)?;
    /// assert_eq!(user.get_typed_func::<(), i32>(&store, "run")?.call(&mut store, ())?, 42);
    /// # Ok(())
    /// # }
    /// ```
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

    /// Looks up once what a module imports: types of host functions are compared here, whatever else a store
    /// has when the module is instantiated.
    ///
    /// # Errors
    /// `Link`; `WrongStore` for a module of another engine.
    pub fn instantiate_pre(&self, module: &Module) -> Result<InstancePre<T>, Error> {
        let data = &module.inner.data;
        let mut imports = Vec::with_capacity(data.imports.len());
        for import in &data.imports {
            let error =
                |code| Error::new(code).with_detail(alloc::format!("{}.{}", import.module, import.name));
            let found = self.definitions.get(&*import.module).and_then(|names| names.get(&*import.name));
            imports.push(match found {
                None => return Err(error(ErrorCode::UnknownImport)),
                Some(Definition::Item(item)) => Provided::Item(*item),
                Some(Definition::Host(ty, host)) => {
                    if data.extern_type(import.kind, import.index) != Some(ExternType::Func(ty.clone())) {
                        return Err(error(ErrorCode::IncompatibleImport));
                    }
                    Provided::Host(ty.clone(), host.clone())
                }
            });
        }
        InstancePre::new(&self.engine, module, imports)
    }

    /// Instantiates a module with what is defined, and runs its start function.
    ///
    /// # Errors
    /// As [`Instance::new`].
    pub fn instantiate(
        &self,
        store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance, Error> {
        self.instantiate_pre(module)?.instantiate(store)
    }
}
