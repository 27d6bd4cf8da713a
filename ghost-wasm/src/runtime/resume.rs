//! Calls that are suspended, and how they go on: with more gas, or with the results of the host function that
//! has yielded. At most one call of a store is suspended; `driver.rs` keeps its frames in place.

use alloc::vec;
use alloc::vec::Vec;

use super::context::AsContextMut;
use super::driver::{self, Entry, Place};
use super::func::{Func, TypedFunc};
use super::instance::Instance;
use super::store::{Store, StoreInner};
use super::typed::{WasmParams, WasmResults};
use super::value::Val;
use crate::Error;
use crate::table::errors::ErrorCode;
use crate::types::{FuncType, ValType};

/// A call that can go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suspended {
    pub entry: Entry,
    pub wait: Wait,
}

/// What a suspended call waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    /// Gas; so much was left when it ran out (negative if overdrawn).
    Gas { left: i64 },
    /// The results of a host function of this type (its canonical number), from this slot on.
    Results { ty: u32, base: usize, place: Place },
}

/// What a suspended call goes on with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer<'a> {
    Gas(u64),
    /// Values as they lie in slots, of the right types.
    Results(&'a [u64]),
}

fn nothing(why: &str) -> Error {
    Error::new(ErrorCode::NothingToResume).with_detail(why)
}

impl StoreInner {
    /// The type of the suspended call's function.
    fn suspended_type(&self) -> Result<&FuncType, Error> {
        let suspended = self.suspended.ok_or_else(|| Error::new(ErrorCode::NothingToResume))?;
        self.type_of(self.func(Func { store: self.id, index: suspended.entry.func })?.ty)
    }

    /// The types that the suspended call waits for.
    fn awaited(&self) -> Result<&[ValType], Error> {
        match self.suspended.map(|suspended| suspended.wait) {
            Some(Wait::Results { ty, .. }) => Ok(self.type_of(ty)?.results()),
            Some(Wait::Gas { .. }) => Err(nothing("the call waits for gas")),
            None => Err(Error::new(ErrorCode::NothingToResume)),
        }
    }

    /// Whether the suspended call waits for gas.
    fn awaits_gas(&self) -> Result<(), Error> {
        match self.suspended.map(|suspended| suspended.wait) {
            Some(Wait::Gas { .. }) => Ok(()),
            Some(Wait::Results { .. }) => Err(nothing("the call waits for a host function's results")),
            None => Err(Error::new(ErrorCode::NothingToResume)),
        }
    }

    /// The results of the host function that has yielded, as they lie in slots.
    fn answer(&self, values: &[Val]) -> Result<Vec<u64>, Error> {
        let types = self.awaited()?;
        if values.len() != types.len() || values.iter().zip(types).any(|(value, &ty)| value.ty() != ty) {
            return Err(Error::new(ErrorCode::WrongArguments));
        }
        values.iter().zip(types).try_for_each(|(value, &ty)| self.check_value(*value, ty))?;
        Ok(values.iter().map(|value| value.to_slot()).collect())
    }
}

impl<T> Store<T> {
    /// Goes on with the call that ended out of gas, with `gas` more. Possible if the gas ran out in guest code
    /// that the host had called directly; the outcome is that of one call with the sum of all gas.
    ///
    /// # Errors
    /// `NothingToResume`, `WrongArguments`: nothing has changed. Those of the call, out of gas and a yield
    /// among them.
    pub fn resume(&mut self, gas: u64, results: &mut [Val]) -> Result<(), Error> {
        self.inner.awaits_gas()?;
        self.go_on(Answer::Gas(gas), results)
    }

    /// Goes on with the call that a host function has interrupted by [`Error::yield_with`]: `values` are that
    /// function's results. Possible if guest code that the host had called directly had called the function.
    /// The outcome is as if the function had returned the values; what it was about to charge, the host has
    /// charged before it yields. Until then no other call can begin in the store, but memories, tables and
    /// globals may be read and written.
    ///
    /// # Errors
    /// `NothingToResume`, `WrongArguments`, `WrongStore`: nothing has changed. Those of the call, out of gas
    /// and another yield among them.
    pub fn resume_with(&mut self, values: &[Val], results: &mut [Val]) -> Result<(), Error> {
        let values = self.inner.answer(values)?;
        self.go_on(Answer::Results(&values), results)
    }

    /// Gives up the call that a host function has interrupted, as if the function had failed: what guest and
    /// host have written stays, and the store is free for other calls.
    ///
    /// # Errors
    /// `NothingToResume`, also for a call that has run out of gas: what that has written is not defined.
    pub fn abandon(&mut self) -> Result<(), Error> {
        self.inner.awaited()?;
        if let Some(suspended) = self.inner.suspended.take() {
            driver::drop_entry(&mut self.inner, &suspended.entry);
        }
        Ok(())
    }

    fn go_on(&mut self, answer: Answer<'_>, results: &mut [Val]) -> Result<(), Error> {
        let ty = self.inner.suspended_type()?.clone();
        if results.len() != ty.results().len() {
            return Err(Error::new(ErrorCode::WrongArguments));
        }
        let mut slots = vec![0; results.len()];
        driver::resume(self, answer, &mut slots)?;
        let id = self.inner.id;
        for ((value, &ty), &slot) in results.iter_mut().zip(ty.results()).zip(slots.iter()) {
            *value = Val::from_slot(ty, slot, id);
        }
        Ok(())
    }
}

impl<P: WasmParams, R: WasmResults> TypedFunc<P, R> {
    /// As [`Store::resume`], for a call of this function.
    ///
    /// # Errors
    /// As [`Store::resume`]; `WrongStore`, and `NothingToResume` if the call was of another function.
    pub fn resume(&self, mut store: impl AsContextMut, gas: u64) -> Result<R, Error> {
        let store = store.as_context_mut();
        self.is_suspended(&store.inner)?;
        store.inner.awaits_gas()?;
        self.go_on(store, Answer::Gas(gas))
    }

    /// As [`Store::resume_with`], for a call of this function.
    ///
    /// # Errors
    /// As [`Store::resume_with`]; `NothingToResume` if the call was of another function.
    pub fn resume_with<V: WasmResults>(&self, mut store: impl AsContextMut, values: V) -> Result<R, Error> {
        let store = store.as_context_mut();
        self.is_suspended(&store.inner)?;
        if !V::matches(store.inner.awaited()?) {
            return Err(Error::new(ErrorCode::WrongArguments));
        }
        // Twelve values at most.
        let mut slots = [0_u64; 16];
        let slots = slots.get_mut(..V::COUNT).ok_or_else(|| Error::new(ErrorCode::WrongArguments))?;
        values.into_slots(slots);
        self.go_on(store, Answer::Results(slots))
    }

    fn is_suspended(&self, store: &StoreInner) -> Result<(), Error> {
        store.func(self.func())?;
        match store.suspended {
            Some(suspended) if suspended.entry.func == self.func().index => Ok(()),
            Some(_) => Err(nothing("the suspended call is of another function")),
            None => Err(Error::new(ErrorCode::NothingToResume)),
        }
    }

    fn go_on<T>(&self, store: &mut Store<T>, answer: Answer<'_>) -> Result<R, Error> {
        let mut slots = [0_u64; 16];
        let slots = slots.get_mut(..R::COUNT).ok_or_else(|| Error::new(ErrorCode::WrongArguments))?;
        driver::resume(store, answer, slots)?;
        Ok(R::from_slots(slots))
    }
}

impl Instance {
    /// As [`Store::resume`], for an instantiation whose start function has run out of gas.
    ///
    /// # Errors
    /// As [`Store::resume`]; `NothingToResume` if no start function is suspended.
    pub fn resume(mut store: impl AsContextMut, gas: u64) -> Result<Instance, Error> {
        let store = store.as_context_mut();
        let instance = starting(&store.inner)?;
        store.resume(gas, &mut [])?;
        Ok(instance)
    }

    /// As [`Store::resume_with`], for an instantiation whose start function was interrupted.
    ///
    /// # Errors
    /// As [`Store::resume_with`]; `NothingToResume` if no start function is suspended.
    pub fn resume_with(mut store: impl AsContextMut, values: &[Val]) -> Result<Instance, Error> {
        let store = store.as_context_mut();
        let instance = starting(&store.inner)?;
        store.resume_with(values, &mut [])?;
        Ok(instance)
    }
}

/// The instance whose start function is suspended.
fn starting(store: &StoreInner) -> Result<Instance, Error> {
    let suspended = store.suspended.ok_or_else(|| Error::new(ErrorCode::NothingToResume))?;
    let index = suspended.entry.start_of.ok_or_else(|| nothing("the suspended call is no start function"))?;
    Ok(Instance { store: store.id, index })
}
