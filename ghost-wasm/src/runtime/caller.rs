//! What a host function sees of its caller.

use super::instance::{Extern, Instance};
use super::store::Store;
use crate::Error;
use crate::table::errors::ErrorCode;

/// The store that calls a host function, and the instance whose code does.
///
/// # Example
/// ```
/// use ghost_wasm::{Caller, Engine, Error, ErrorCode, Extern, Linker, Module, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bytes = wat::parse_str(
///     r#"(module (import "env" "fill" (func $fill (param i32 i32))) (memory (export "memory") 1)
///         (func (export "run") (param i32) (call $fill (local.get 0) (i32.const 4))))"#,
/// )?;
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("env", "fill", |mut caller: Caller<'_, u8>, at: u32, len: u32| -> Result<(), Error> {
///     // Pay before the work.
///     caller.charge(100 + u64::from(len))?;
///     let memory = caller.get_export("memory").and_then(Extern::into_memory);
///     let memory = memory.ok_or_else(|| Error::new(ErrorCode::UnknownExport).with_detail("memory"))?;
///     let (bytes, value) = memory.try_data_and_store_mut(&mut caller)?;
///     let range = bytes.get_mut(at as usize..).and_then(|rest| rest.get_mut(..len as usize));
///     range.ok_or_else(|| Error::new(ErrorCode::OutOfBounds))?.fill(*value);
///     Ok(())
/// })?;
/// let mut store = Store::new(&engine, 9_u8);
/// let instance = linker.instantiate(&mut store, &Module::new(&engine, &bytes)?)?;
/// let run = instance.get_typed_func::<u32, ()>(&store, "run")?;
/// run.call(&mut store, 8)?;
/// let memory = instance.get_memory(&store, "memory").ok_or("no memory")?;
/// assert_eq!(memory.data(&store)[7..13], [0, 9, 9, 9, 9, 0]);
/// assert_eq!(run.call(&mut store, u32::MAX).unwrap_err().code(), ErrorCode::OutOfBounds);
/// # Ok(())
/// # }
/// ```
pub struct Caller<'a, T> {
    pub(crate) store: &'a mut Store<T>,
    pub(crate) instance: Option<u32>,
}

impl<T> core::fmt::Debug for Caller<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Caller").field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl<T> Caller<'_, T> {
    /// The embedder's data.
    pub fn data(&self) -> &T {
        &self.store.data
    }

    /// The embedder's data, to be changed.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.store.data
    }

    /// The calling instance; none if the host calls its own function.
    pub fn instance(&self) -> Option<Instance> {
        self.instance.map(|index| Instance { store: self.store.inner.id, index })
    }

    /// An export of the calling instance.
    pub fn get_export(&self, name: &str) -> Option<Extern> {
        self.instance()?.try_get_export(&*self.store, name).ok().flatten()
    }

    /// The gas that is left, exactly.
    pub fn gas_left(&self) -> u64 {
        self.store.gas_left()
    }

    /// Takes gas for the host's work.
    ///
    /// # Errors
    /// `OutOfGas`: all gas is gone; the host function is to return this error.
    pub fn charge(&mut self, gas: u64) -> Result<(), Error> {
        self.store.inner.meter.charge(gas).map_err(|_| Error::new(ErrorCode::OutOfGas))
    }

    /// Looks whether the embedder wants the call to end ([`Store::set_interrupt`]): for host functions that take long.
    ///
    /// # Errors
    /// `Interrupted`; the host function is to return it. The call ends with it in any case.
    pub fn check_interrupt(&mut self) -> Result<(), Error> {
        self.store.inner.check_interrupt()
    }

    /// Lets `f` use at most `gas`; what it leaves goes back. Running out of the cap alone is an error of the
    /// inner call (`OutOfGasCap`). If that happened in guest code, the store is poisoned: what the guest has
    /// written is not defined, and no guest goes on over it; a call from which the caller is to go on in any
    /// case belongs into a store of its own. A failed [`charge`](Caller::charge) leaves everything defined.
    ///
    /// # Errors
    /// Those of `f`.
    ///
    /// # Example
    /// ```
    /// use ghost_wasm::{Caller, Engine, Error, ErrorCode, Linker, Module, Store};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bytes = wat::parse_str(
    ///     r#"(module (import "env" "try" (func $try (result i32))) (func (export "run") (result i32) (call $try)))"#,
    /// )?;
    /// let engine = Engine::default();
    /// let mut linker = Linker::new(&engine);
    /// linker.func_wrap("env", "try", |mut caller: Caller<'_, ()>| -> Result<i32, Error> {
    ///     match caller.with_gas_cap(500, |caller| caller.charge(600)) {
    ///         Err(error) if error.code() == ErrorCode::OutOfGasCap => Ok(0),
    ///         ended => ended.map(|()| 1),
    ///     }
    /// })?;
    /// let mut store = Store::new(&engine, ());
    /// store.set_gas(100_000);
    /// let instance = linker.instantiate(&mut store, &Module::new(&engine, &bytes)?)?;
    /// assert_eq!(instance.get_typed_func::<(), i32>(&store, "run")?.call(&mut store, ())?, 0);
    /// // The cap is gone, the rest is there.
    /// assert!(store.gas_used() >= 500 && store.gas_left() > 90_000);
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_gas_cap<R>(
        &mut self,
        gas: u64,
        f: impl FnOnce(&mut Self) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let id = self.store.inner.id;
        let reserved = self.store.inner.meter.reserve(gas);
        let result = f(self);
        // `f` may have put another store in this one's place.
        if self.store.inner.id == id {
            self.store.inner.meter.release(reserved);
        }
        result.map_err(|error| {
            if error.code() == ErrorCode::OutOfGas && reserved > 0 {
                error.recoded(ErrorCode::OutOfGasCap)
            } else {
                error
            }
        })
    }
}
