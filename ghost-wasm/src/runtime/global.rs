//! Globals.

use super::context::{AsContext, AsContextMut};
use super::value::Val;
use crate::Error;
use crate::table::errors::ErrorCode;
use crate::types::GlobalType;

/// A handle to a global.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, Global, GlobalType, Store, Val, ValType};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut store = Store::new(&Engine::default(), ());
/// let ty = GlobalType { content: ValType::I64, mutable: true };
/// let global = Global::new(&mut store, ty, Val::I64(1))?;
/// global.set(&mut store, Val::I64(2))?;
/// assert_eq!(global.get(&store).i64(), Some(2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global {
    pub(crate) store: u64,
    pub(crate) index: u32,
}

impl Global {
    /// A new global.
    ///
    /// # Errors
    /// `WrongType`, `WrongStore`, `Poisoned`.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, value: Val) -> Result<Global, Error> {
        let store = &mut store.as_context_mut().inner;
        store.usable()?;
        store.check_value(value, ty.content)?;
        let index = store.add_global(ty, value.to_slot());
        Ok(Global { store: store.id, index })
    }

    /// Its type.
    ///
    /// # Panics
    /// With a handle of another store, or of a poisoned one; see [`try_ty`](Global::try_ty).
    pub fn ty(&self, store: impl AsContext) -> GlobalType {
        super::store::own(self.try_ty(store))
    }

    /// Its type.
    ///
    /// # Errors
    /// `WrongStore`, `Poisoned`.
    pub fn try_ty(&self, store: impl AsContext) -> Result<GlobalType, Error> {
        Ok(store.as_context().inner.global(*self)?.ty)
    }

    /// Its value.
    ///
    /// # Panics
    /// With a handle of another store, or of a poisoned one; see [`try_get`](Global::try_get).
    pub fn get(&self, store: impl AsContext) -> Val {
        super::store::own(self.try_get(store))
    }

    /// Its value.
    ///
    /// # Errors
    /// `WrongStore`, `Poisoned`.
    pub fn try_get(&self, store: impl AsContext) -> Result<Val, Error> {
        let store = &store.as_context().inner;
        let global = store.global(*self)?;
        Ok(Val::from_slot(global.ty.content, global.value.get(), store.id))
    }

    /// Changes its value.
    ///
    /// # Errors
    /// `WrongType` (also for an immutable global), `WrongStore`, `Poisoned`.
    pub fn set(&self, mut store: impl AsContextMut, value: Val) -> Result<(), Error> {
        let store = &mut store.as_context_mut().inner;
        let global = store.global(*self)?;
        if !global.ty.mutable {
            return Err(Error::new(ErrorCode::WrongType).with_detail("the global is immutable"));
        }
        store.check_value(value, global.ty.content)?;
        global.value.set(value.to_slot());
        Ok(())
    }
}
