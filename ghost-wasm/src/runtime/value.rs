//! Values as an embedder sees them, and as they lie in slots.

use super::func::Func;
use crate::types::ValType;

/// A WebAssembly value. Floats are kept as bits, so that NaN payloads survive.
///
/// # Example
/// ```
/// use ghost_wasm::{Val, ValType};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let half = Val::F64(0.5_f64.to_bits());
/// assert_eq!((half.ty(), half.f64(), half.i64()), (ValType::F64, Some(0.5), None));
/// assert_eq!(Val::default_for(ValType::ExternRef), Val::ExternRef(None));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Val {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A reference to a function.
    FuncRef(Option<Func>),
    /// A reference to something of the host's: any number below `u32::MAX`.
    ExternRef(Option<u32>),
}

impl Val {
    /// Its type.
    pub fn ty(&self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::FuncRef(_) => ValType::FuncRef,
            Val::ExternRef(_) => ValType::ExternRef,
        }
    }

    /// Zero or null of a type.
    pub fn default_for(ty: ValType) -> Val {
        match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::FuncRef => Val::FuncRef(None),
            ValType::ExternRef => Val::ExternRef(None),
        }
    }

    /// The value, if it is an `i32`.
    pub fn i32(&self) -> Option<i32> {
        if let Val::I32(value) = *self { Some(value) } else { None }
    }

    /// The value, if it is an `i64`.
    pub fn i64(&self) -> Option<i64> {
        if let Val::I64(value) = *self { Some(value) } else { None }
    }

    /// The value, if it is an `f32`.
    pub fn f32(&self) -> Option<f32> {
        if let Val::F32(bits) = *self { Some(f32::from_bits(bits)) } else { None }
    }

    /// The value, if it is an `f64`.
    pub fn f64(&self) -> Option<f64> {
        if let Val::F64(bits) = *self { Some(f64::from_bits(bits)) } else { None }
    }

    /// As it lies in a slot. The caller has checked that a function is of the right store.
    pub(crate) fn to_slot(self) -> u64 {
        match self {
            Val::I32(value) => u64::from(value as u32),
            Val::I64(value) => value as u64,
            Val::F32(bits) => u64::from(bits),
            Val::F64(bits) => bits,
            Val::FuncRef(func) => func.map_or(0, |func| u64::from(func.index) + 1),
            Val::ExternRef(value) => value.map_or(0, |value| u64::from(value) + 1),
        }
    }

    /// From a slot of the store with this id.
    pub(crate) fn from_slot(ty: ValType, slot: u64, store: u64) -> Val {
        let reference = (slot as u32).checked_sub(1);
        match ty {
            ValType::I32 => Val::I32(slot as i32),
            ValType::I64 => Val::I64(slot as i64),
            ValType::F32 => Val::F32(slot as u32),
            ValType::F64 => Val::F64(slot),
            ValType::FuncRef => Val::FuncRef(reference.map(|index| Func { store, index })),
            ValType::ExternRef => Val::ExternRef(reference),
        }
    }

    /// Whether it may be given to the store with this id: a function must be of that store, an external
    /// reference in range.
    pub(crate) fn belongs(&self, store: u64) -> bool {
        match self {
            Val::FuncRef(Some(func)) => func.store == store,
            Val::ExternRef(Some(value)) => *value < u32::MAX,
            _ => true,
        }
    }
}

macro_rules! from_number {
    ($($t:ty => $variant:ident $convert:expr;)*) => {
        $(impl From<$t> for Val {
            fn from(value: $t) -> Val {
                Val::$variant($convert(value))
            }
        })*
    };
}
from_number! {
    i32 => I32 core::convert::identity;
    u32 => I32 |value: u32| value as i32;
    i64 => I64 core::convert::identity;
    u64 => I64 |value: u64| value as i64;
    f32 => F32 f32::to_bits;
    f64 => F64 f64::to_bits;
}
