//! Rust types that stand for WebAssembly types, and closures that stand for functions.

use alloc::sync::Arc;

use super::caller::Caller;
use super::store::HostFn;
use crate::Error;
use crate::types::{FuncType, ValType};

/// A Rust type with a WebAssembly type.
pub trait WasmTy: Copy + Send + Sync + 'static {
    /// The WebAssembly type.
    const TYPE: ValType;
    /// As it lies in a slot.
    fn to_slot(self) -> u64;
    /// From a slot.
    fn from_slot(slot: u64) -> Self;
}

macro_rules! wasm_ty {
    ($($t:ty, $ty:ident, |$v:ident| $to:expr, |$s:ident| $from:expr;)*) => {
        $(impl WasmTy for $t {
            const TYPE: ValType = ValType::$ty;
            fn to_slot(self) -> u64 {
                let $v = self;
                $to
            }
            fn from_slot($s: u64) -> $t {
                $from
            }
        })*
    };
}
wasm_ty! {
    i32, I32, |v| u64::from(v as u32), |s| s as i32;
    u32, I32, |v| u64::from(v), |s| s as u32;
    i64, I64, |v| v as u64, |s| s as i64;
    u64, I64, |v| v, |s| s;
    f32, F32, |v| u64::from(v.to_bits()), |s| f32::from_bits(s as u32);
    f64, F64, |v| v.to_bits(), |s| f64::from_bits(s);
}

/// Parameters: one [`WasmTy`], or a tuple.
pub trait WasmParams {
    /// How many.
    const COUNT: usize;
    /// Whether these are the types.
    fn matches(types: &[ValType]) -> bool;
    /// Into slots, of which there are enough.
    fn to_slots(self, slots: &mut [u64]);
}

/// Results: nothing, one [`WasmTy`], or a tuple.
pub trait WasmResults {
    /// How many.
    const COUNT: usize;
    /// Whether these are the types.
    fn matches(types: &[ValType]) -> bool;
    /// The types.
    fn types() -> impl Iterator<Item = ValType>;
    /// From slots, of which there are enough.
    fn from_slots(slots: &[u64]) -> Self;
    /// Into slots, of which there are enough.
    fn into_slots(self, slots: &mut [u64]);
}

impl<A: WasmTy> WasmResults for A {
    const COUNT: usize = 1;
    fn matches(types: &[ValType]) -> bool {
        types == [A::TYPE]
    }
    fn types() -> impl Iterator<Item = ValType> {
        [A::TYPE].into_iter()
    }
    fn from_slots(slots: &[u64]) -> A {
        A::from_slot(slots.first().copied().unwrap_or(0))
    }
    fn into_slots(self, slots: &mut [u64]) {
        if let Some(slot) = slots.first_mut() {
            *slot = self.to_slot();
        }
    }
}

impl<A: WasmTy> WasmParams for A {
    const COUNT: usize = 1;
    fn matches(types: &[ValType]) -> bool {
        types == [A::TYPE]
    }
    fn to_slots(self, slots: &mut [u64]) {
        if let Some(slot) = slots.first_mut() {
            *slot = self.to_slot();
        }
    }
}

/// What a host closure may return: results, or an error instead.
pub trait WasmReturn {
    /// The results.
    type Results: WasmResults;
    /// As a result.
    fn into_result(self) -> Result<Self::Results, Error>;
}

impl<R: WasmResults> WasmReturn for R {
    type Results = R;
    fn into_result(self) -> Result<R, Error> {
        Ok(self)
    }
}

impl<R: WasmResults> WasmReturn for Result<R, Error> {
    type Results = R;
    fn into_result(self) -> Result<R, Error> {
        self
    }
}

/// A closure that can be a host function, with or without a [`Caller`] as its first parameter.
pub trait IntoFunc<T, P, R> {
    /// Its type, and the function on raw slots.
    #[doc(hidden)]
    fn into_func(self) -> (FuncType, HostFn<T>);
}

macro_rules! tuples {
    ($($count:literal: $($p:ident)*;)*) => {
        $(
            #[allow(unused_variables, unused_mut, non_snake_case, clippy::unused_unit, reason = "the empty tuple uses none")]
            impl<$($p: WasmTy),*> WasmParams for ($($p,)*) {
                const COUNT: usize = $count;
                fn matches(types: &[ValType]) -> bool {
                    types == [$($p::TYPE),*]
                }
                fn to_slots(self, slots: &mut [u64]) {
                    let ($($p,)*) = self;
                    let mut slots = slots.iter_mut();
                    $(if let Some(slot) = slots.next() {
                        *slot = $p.to_slot();
                    })*
                }
            }

            #[allow(unused_variables, unused_mut, non_snake_case, clippy::unused_unit, reason = "the empty tuple uses none")]
            impl<$($p: WasmTy),*> WasmResults for ($($p,)*) {
                const COUNT: usize = $count;
                fn matches(types: &[ValType]) -> bool {
                    types == [$($p::TYPE),*]
                }
                fn types() -> impl Iterator<Item = ValType> {
                    [$($p::TYPE),*].into_iter()
                }
                fn from_slots(slots: &[u64]) -> Self {
                    let mut slots = slots.iter().copied();
                    ($($p::from_slot(slots.next().unwrap_or(0)),)*)
                }
                fn into_slots(self, slots: &mut [u64]) {
                    WasmParams::to_slots(self, slots);
                }
            }

            #[allow(unused_variables, unused_mut, non_snake_case, clippy::unused_unit, reason = "the empty tuple uses none")]
            impl<T, F, R, $($p: WasmTy),*> IntoFunc<T, ($($p,)*), R> for F
            where
                F: Fn($($p),*) -> R + Send + Sync + 'static,
                R: WasmReturn,
            {
                fn into_func(self) -> (FuncType, HostFn<T>) {
                    let ty = FuncType::new([$($p::TYPE),*], R::Results::types());
                    let host = move |_: Caller<'_, T>, slots: &mut [u64]| {
                        let mut from = slots.iter().copied();
                        $(let $p = $p::from_slot(from.next().unwrap_or(0));)*
                        self($($p),*).into_result()?.into_slots(slots);
                        Ok(())
                    };
                    (ty, Arc::new(host))
                }
            }

            #[allow(unused_variables, unused_mut, non_snake_case, clippy::unused_unit, reason = "the empty tuple uses none")]
            impl<T, F, R, $($p: WasmTy),*> IntoFunc<T, (Caller<'_, T>, $($p,)*), R> for F
            where
                F: Fn(Caller<'_, T>, $($p),*) -> R + Send + Sync + 'static,
                R: WasmReturn,
            {
                fn into_func(self) -> (FuncType, HostFn<T>) {
                    let ty = FuncType::new([$($p::TYPE),*], R::Results::types());
                    let host = move |caller: Caller<'_, T>, slots: &mut [u64]| {
                        let mut from = slots.iter().copied();
                        $(let $p = $p::from_slot(from.next().unwrap_or(0));)*
                        self(caller, $($p),*).into_result()?.into_slots(slots);
                        Ok(())
                    };
                    (ty, Arc::new(host))
                }
            }
        )*
    };
}
tuples! {
    0: ;
    1: A1;
    2: A1 A2;
    3: A1 A2 A3;
    4: A1 A2 A3 A4;
    5: A1 A2 A3 A4 A5;
    6: A1 A2 A3 A4 A5 A6;
    7: A1 A2 A3 A4 A5 A6 A7;
    8: A1 A2 A3 A4 A5 A6 A7 A8;
    9: A1 A2 A3 A4 A5 A6 A7 A8 A9;
    10: A1 A2 A3 A4 A5 A6 A7 A8 A9 A10;
    11: A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11;
    12: A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12;
}
