//! What a run left, in a form that is equal for equal runs on any engine.

use ghost_wasm::{TrapCode, ValType};

/// A value; references as whether they are null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number's type and bits.
    Bits(ValType, u64),
    /// A reference's type and whether it is null.
    Null(ValType, bool),
}

impl Value {
    /// The same with one NaN for all.
    pub fn without_nan_bits(self) -> Value {
        match self {
            Value::Bits(ValType::F32, bits) if f32::from_bits(bits as u32).is_nan() => {
                Value::Bits(ValType::F32, 0x7fc0_0000)
            }
            Value::Bits(ValType::F64, bits) if f64::from_bits(bits).is_nan() => {
                Value::Bits(ValType::F64, 0x7ff8_0000_0000_0000)
            }
            value => value,
        }
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With results.
    Done(Vec<Value>),
    /// With a trap, in this function at this operator, where that is known.
    Trap(TrapCode, Option<(u32, u32)>),
    /// For want of gas.
    OutOfGas,
    /// It could not begin: a limit, a memory that may not be made.
    Refused(String),
}

/// A whole run: instantiation and one call of each exported function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Each step's end, with the gas used by then.
    pub ends: Vec<(End, u64)>,
    /// Exported memories.
    pub memories: Vec<Vec<u8>>,
    /// Exported globals.
    pub globals: Vec<Value>,
    /// Exported tables: which entries are null.
    pub tables: Vec<Vec<bool>>,
}

impl Outcome {
    /// Gas used when it ended.
    pub fn gas_used(&self) -> u64 {
        self.ends.last().map_or(0, |(_, gas)| *gas)
    }

    /// Whether it ended for want of gas.
    pub fn is_out_of_gas(&self) -> bool {
        matches!(self.ends.last(), Some((End::OutOfGas, _)))
    }
}

/// The argument at a position of a function's parameters; references are null.
pub fn argument(ty: ValType, seed: u64, position: usize) -> u64 {
    let mixed = seed.wrapping_add(position as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let small = mixed >> 59;
    match ty {
        ValType::I32 if mixed & 3 != 0 => small,
        ValType::I32 => mixed >> 32,
        ValType::I64 if mixed & 3 != 0 => small,
        ValType::I64 => mixed,
        ValType::F32 => u64::from((small as f32 - 7.5).to_bits()),
        ValType::F64 => (small as f64 - 7.5).to_bits(),
        ValType::FuncRef | ValType::ExternRef => 0,
    }
}

/// What the host function `mix` answers.
pub fn mix(a: i32, b: i64) -> i64 {
    b.rotate_left(7) ^ i64::from(a)
}

/// What `mix` costs.
pub const MIX_GAS: u64 = 13;
