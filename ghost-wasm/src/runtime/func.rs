//! Functions: handles, calls with dynamic and static types, host functions.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;

use super::caller::Caller;
use super::context::{AsContext, AsContextMut};
use super::driver;
use super::store::HostFn;
use super::typed::{IntoFunc, WasmParams, WasmResults};
use super::value::Val;
use crate::Error;
use crate::table::errors::ErrorCode;
use crate::types::FuncType;

/// A handle to a function.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, Func, Store, Val};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut store = Store::new(&Engine::default(), ());
/// let add = Func::wrap(&mut store, |a: i32, b: i32| a.wrapping_add(b))?;
/// assert_eq!(add.ty(&store).to_string(), "[i32 i32] -> [i32]");
/// let mut results = [Val::I32(0)];
/// add.call(&mut store, &[Val::I32(2), Val::I32(3)], &mut results)?;
/// assert_eq!(results, [Val::I32(5)]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Func {
    pub(crate) store: u64,
    pub(crate) index: u32,
}

/// A host function of dynamic type.
pub(crate) fn host_func<T: 'static>(
    ty: &FuncType,
    f: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
) -> HostFn<T> {
    let ty = ty.clone();
    Arc::new(move |caller: Caller<'_, T>, slots: &mut [u64]| {
        let id = caller.store.inner.id;
        let args: Vec<Val> =
            ty.params().iter().zip(slots.iter()).map(|(&ty, &slot)| Val::from_slot(ty, slot, id)).collect();
        let mut results: Vec<Val> = ty.results().iter().map(|&ty| Val::default_for(ty)).collect();
        f(caller, &args, &mut results)?;
        for ((value, &ty), slot) in results.iter().zip(ty.results()).zip(slots.iter_mut()) {
            if value.ty() != ty {
                return Err(Error::new(ErrorCode::WrongType));
            }
            if !value.belongs(id) {
                return Err(Error::new(ErrorCode::WrongStore));
            }
            *slot = value.to_slot();
        }
        Ok(())
    })
}

impl Func {
    /// A host function of a type known at run time.
    pub fn new<C: AsContextMut>(
        mut store: C,
        ty: FuncType,
        f: impl Fn(Caller<'_, C::Data>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<Func, Error>
    where
        C::Data: 'static,
    {
        let store = store.as_context_mut();
        let index = store.add_host(&ty, host_func(&ty, f))?;
        Ok(Func { store: store.inner.id, index })
    }

    /// A host function from a closure: its types tell the function's type.
    pub fn wrap<C: AsContextMut, P, R>(mut store: C, f: impl IntoFunc<C::Data, P, R>) -> Result<Func, Error> {
        let store = store.as_context_mut();
        let (ty, host) = f.into_func();
        let index = store.add_host(&ty, host)?;
        Ok(Func { store: store.inner.id, index })
    }

    /// Its type.
    ///
    /// # Panics
    /// With a handle of another store; see [`try_ty`](Func::try_ty).
    pub fn ty(&self, store: impl AsContext) -> FuncType {
        super::store::own(self.try_ty(store))
    }

    /// Its type.
    ///
    /// # Errors
    /// `WrongStore`.
    pub fn try_ty(&self, store: impl AsContext) -> Result<FuncType, Error> {
        let store = &store.as_context().inner;
        Ok(store.type_of(store.func(*self)?.ty)?.clone())
    }

    /// Calls it.
    ///
    /// # Errors
    /// `WrongArguments`, `WrongStore`, `Poisoned`; `Trap`, `OutOfGas`, what a host function failed with.
    pub fn call(&self, mut store: impl AsContextMut, args: &[Val], results: &mut [Val]) -> Result<(), Error> {
        let store = store.as_context_mut();
        let entity = store.inner.func(*self)?;
        let ty = store.inner.type_of(entity.ty)?.clone();
        if args.len() != ty.params().len() || results.len() != ty.results().len() {
            return Err(Error::new(ErrorCode::WrongArguments));
        }
        let mut slots = vec![0; args.len().max(results.len())];
        for ((value, &ty), slot) in args.iter().zip(ty.params()).zip(slots.iter_mut()) {
            if value.ty() != ty {
                return Err(Error::new(ErrorCode::WrongArguments));
            }
            store.inner.check_value(*value, ty)?;
            *slot = value.to_slot();
        }
        driver::call(store, self.index, &mut slots)?;
        let id = store.inner.id;
        for ((value, &ty), &slot) in results.iter_mut().zip(ty.results()).zip(slots.iter()) {
            *value = Val::from_slot(ty, slot, id);
        }
        Ok(())
    }

    /// The function with its types checked once.
    ///
    /// # Errors
    /// `WrongType`, `WrongStore`.
    pub fn typed<P: WasmParams, R: WasmResults>(
        &self,
        store: impl AsContext,
    ) -> Result<TypedFunc<P, R>, Error> {
        let ty = self.try_ty(store)?;
        if !P::matches(ty.params()) || !R::matches(ty.results()) {
            return Err(Error::new(ErrorCode::WrongType));
        }
        Ok(TypedFunc { func: *self, types: PhantomData })
    }
}

/// A function whose types are known at compile time.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, ErrorCode, Instance, Module, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bytes = wat::parse_str(
///     r#"(module (func (export "divide") (param i32 i32) (result i32 i32)
///         (i32.div_s (local.get 0) (local.get 1)) (i32.rem_s (local.get 0) (local.get 1))))"#,
/// )?;
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &Module::new(&engine, &bytes)?, &[])?;
/// let divide = instance.get_typed_func::<(i32, i32), (i32, i32)>(&store, "divide")?;
/// assert_eq!(divide.call(&mut store, (17, 5))?, (3, 2));
/// // Types are compared here, not at each call.
/// let error = instance.get_typed_func::<i64, ()>(&store, "divide").unwrap_err();
/// assert_eq!(error.code(), ErrorCode::WrongType);
/// # Ok(())
/// # }
/// ```
pub struct TypedFunc<P, R> {
    func: Func,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P, R> Copy for TypedFunc<P, R> {}

impl<P, R> core::fmt::Debug for TypedFunc<P, R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("TypedFunc").field(&self.func).finish()
    }
}

impl<P: WasmParams, R: WasmResults> TypedFunc<P, R> {
    /// The function.
    pub fn func(&self) -> Func {
        self.func
    }

    /// Calls it.
    ///
    /// # Errors
    /// As [`Func::call`].
    pub fn call(&self, mut store: impl AsContextMut, params: P) -> Result<R, Error> {
        let store = store.as_context_mut();
        store.inner.func(self.func)?;
        // Sixteen parameters at most, and as many results.
        let mut slots = [0_u64; 16];
        let len = P::COUNT.max(R::COUNT);
        let slots = slots.get_mut(..len).ok_or_else(|| Error::new(ErrorCode::WrongArguments))?;
        params.to_slots(slots);
        driver::call(store, self.func.index, slots)?;
        Ok(R::from_slots(slots))
    }
}
