//! The host module `spectest` that scripts import from, as data: every backend builds it from here.

use ghost_wasm::ValType;

use crate::WastVal;
use WastVal::{F32, F64, I32, I64};

/// The module's name.
pub const MODULE: &str = "spectest";

/// The types of parameters that occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
}

impl Param {
    /// The engine's name for it.
    pub fn val_type(self) -> ValType {
        match self {
            Param::I32 => ValType::I32,
            Param::I64 => ValType::I64,
            Param::F32 => ValType::F32,
            Param::F64 => ValType::F64,
        }
    }
}

/// The functions: they take values, do nothing and return nothing.
pub const FUNCTIONS: &[(&str, &[Param])] = &[
    ("print", &[]),
    ("print_i32", &[Param::I32]),
    ("print_i64", &[Param::I64]),
    ("print_f32", &[Param::F32]),
    ("print_f64", &[Param::F64]),
    ("print_i32_f32", &[Param::I32, Param::F32]),
    ("print_f64_f64", &[Param::F64, Param::F64]),
];

/// The globals, all immutable.
pub const GLOBALS: &[(&str, WastVal)] = &[
    ("global_i32", I32(666)),
    ("global_i64", I64(666)),
    ("global_f32", F32(0x4426_a666)),
    ("global_f64", F64(0x4084_d4cc_cccc_cccd)),
];

/// The table of functions: name, least and greatest number of entries.
pub const TABLE: (&str, u32, u32) = ("table", 10, 20);

/// The memory: name, least and greatest number of pages.
pub const MEMORY: (&str, u32, u32) = ("memory", 1, 2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_float_globals_are_666_and_six_tenths() {
        assert_eq!(GLOBALS[2].1, F32(666.6_f32.to_bits()));
        assert_eq!(GLOBALS[3].1, F64(666.6_f64.to_bits()));
    }
}
