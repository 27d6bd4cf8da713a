//! The internal instructions: families of handlers, one row per operator in each family. A family fixes
//! operand layout and variants; its rows name the WebAssembly operator, the operand type and the pure
//! function that computes it.
//!
//! `InstId`s (`code/inst.rs`) and the tables of handlers (`exec/`) are both derived from these lists and
//! nothing else, so the two cannot disagree.

/// Integer operators of two operands that cannot trap.
macro_rules! for_each_int_binary {
    ($mac:ident) => {
        $mac! {
            I32Add, u32, i32_add; I32Sub, u32, i32_sub; I32Mul, u32, i32_mul; I32And, u32, i32_and;
            I32Or, u32, i32_or; I32Xor, u32, i32_xor; I32Shl, u32, i32_shl; I32ShrS, u32, i32_shr_s;
            I32ShrU, u32, i32_shr_u; I32Rotl, u32, i32_rotl; I32Rotr, u32, i32_rotr;
            I64Add, u64, i64_add; I64Sub, u64, i64_sub; I64Mul, u64, i64_mul; I64And, u64, i64_and;
            I64Or, u64, i64_or; I64Xor, u64, i64_xor; I64Shl, u64, i64_shl; I64ShrS, u64, i64_shr_s;
            I64ShrU, u64, i64_shr_u; I64Rotl, u64, i64_rotl; I64Rotr, u64, i64_rotr;
        }
    };
}
pub(crate) use for_each_int_binary;

/// Integer operators whose right operand may be a constant of 64 bits.
macro_rules! for_each_wide_binary {
    ($mac:ident) => {
        $mac! {
            I64Add, u64, i64_add; I64Sub, u64, i64_sub; I64Mul, u64, i64_mul; I64And, u64, i64_and;
            I64Or, u64, i64_or; I64Xor, u64, i64_xor;
        }
    };
}
pub(crate) use for_each_wide_binary;

/// Sums and differences of 128 bits.
macro_rules! for_each_sum128 {
    ($mac:ident) => {
        $mac! { I64Add128, u64, i64_add128; I64Sub128, u64, i64_sub128; }
    };
}
pub(crate) use for_each_sum128;

/// Products of 128 bits.
macro_rules! for_each_mul_wide {
    ($mac:ident) => {
        $mac! { I64MulWideS, u64, i64_mul_wide_s; I64MulWideU, u64, i64_mul_wide_u; }
    };
}
pub(crate) use for_each_mul_wide;

/// Integer operators of two operands that can trap.
macro_rules! for_each_int_division {
    ($mac:ident) => {
        $mac! {
            I32DivS, u32, i32_div_s; I32DivU, u32, i32_div_u; I32RemS, u32, i32_rem_s; I32RemU, u32, i32_rem_u;
            I64DivS, u64, i64_div_s; I64DivU, u64, i64_div_u; I64RemS, u64, i64_rem_s; I64RemU, u64, i64_rem_u;
        }
    };
}
pub(crate) use for_each_int_division;

/// Integer comparisons of i32, and then others. (`eqz` is `eq` with an immediate.)
macro_rules! for_each_i32_compare {
    ($mac:ident $(, $($more:tt)*)?) => {
        $mac! {
            I32Eq, u32, i32_eq; I32Ne, u32, i32_ne; I32LtS, u32, i32_lt_s; I32LtU, u32, i32_lt_u;
            I32GtS, u32, i32_gt_s; I32GtU, u32, i32_gt_u; I32LeS, u32, i32_le_s; I32LeU, u32, i32_le_u;
            I32GeS, u32, i32_ge_s; I32GeU, u32, i32_ge_u;
            $($($more)*)?
        }
    };
}
pub(crate) use for_each_i32_compare;

/// All integer comparisons.
macro_rules! for_each_int_compare {
    ($mac:ident) => {
        crate::table::insts::for_each_i32_compare! {
            $mac,
            I64Eq, u64, i64_eq; I64Ne, u64, i64_ne; I64LtS, u64, i64_lt_s; I64LtU, u64, i64_lt_u;
            I64GtS, u64, i64_gt_s; I64GtU, u64, i64_gt_u; I64LeS, u64, i64_le_s; I64LeU, u64, i64_le_u;
            I64GeS, u64, i64_ge_s; I64GeU, u64, i64_ge_u;
        }
    };
}
pub(crate) use for_each_int_compare;

/// Float operators of two operands.
macro_rules! for_each_float_binary {
    ($mac:ident) => {
        $mac! {
            F32Add, f32, f32_add; F32Sub, f32, f32_sub; F32Mul, f32, f32_mul; F32Div, f32, f32_div;
            F32Min, f32, f32_min; F32Max, f32, f32_max; F32Copysign, f32, f32_copysign;
            F64Add, f64, f64_add; F64Sub, f64, f64_sub; F64Mul, f64, f64_mul; F64Div, f64, f64_div;
            F64Min, f64, f64_min; F64Max, f64, f64_max; F64Copysign, f64, f64_copysign;
        }
    };
}
pub(crate) use for_each_float_binary;

/// Float comparisons.
macro_rules! for_each_float_compare {
    ($mac:ident) => {
        $mac! {
            F32Eq, f32, f32_eq; F32Ne, f32, f32_ne; F32Lt, f32, f32_lt; F32Gt, f32, f32_gt;
            F32Le, f32, f32_le; F32Ge, f32, f32_ge;
            F64Eq, f64, f64_eq; F64Ne, f64, f64_ne; F64Lt, f64, f64_lt; F64Gt, f64, f64_gt;
            F64Le, f64, f64_le; F64Ge, f64, f64_ge;
        }
    };
}
pub(crate) use for_each_float_compare;

/// Operators of one operand that cannot trap: operand type, result type.
macro_rules! for_each_unary {
    ($mac:ident) => {
        $mac! {
            I32Clz, u32, u32, i32_clz; I32Ctz, u32, u32, i32_ctz; I32Popcnt, u32, u32, i32_popcnt;
            I64Clz, u64, u64, i64_clz; I64Ctz, u64, u64, i64_ctz; I64Popcnt, u64, u64, i64_popcnt;
            I32Extend8S, u32, u32, i32_extend8_s; I32Extend16S, u32, u32, i32_extend16_s;
            I64Extend8S, u64, u64, i64_extend8_s; I64Extend16S, u64, u64, i64_extend16_s;
            I64Extend32S, u64, u64, i64_extend32_s;
            I64ExtendI32S, u32, u64, i64_extend_i32_s; I64ExtendI32U, u32, u64, i64_extend_i32_u;
            I32WrapI64, u64, u32, i32_wrap_i64;
            F32Abs, f32, f32, f32_abs; F32Neg, f32, f32, f32_neg; F32Ceil, f32, f32, f32_ceil;
            F32Floor, f32, f32, f32_floor; F32Trunc, f32, f32, f32_trunc; F32Nearest, f32, f32, f32_nearest;
            F32Sqrt, f32, f32, f32_sqrt;
            F64Abs, f64, f64, f64_abs; F64Neg, f64, f64, f64_neg; F64Ceil, f64, f64, f64_ceil;
            F64Floor, f64, f64, f64_floor; F64Trunc, f64, f64, f64_trunc; F64Nearest, f64, f64, f64_nearest;
            F64Sqrt, f64, f64, f64_sqrt;
            F32ConvertI32S, u32, f32, f32_convert_i32_s; F32ConvertI32U, u32, f32, f32_convert_i32_u;
            F32ConvertI64S, u64, f32, f32_convert_i64_s; F32ConvertI64U, u64, f32, f32_convert_i64_u;
            F64ConvertI32S, u32, f64, f64_convert_i32_s; F64ConvertI32U, u32, f64, f64_convert_i32_u;
            F64ConvertI64S, u64, f64, f64_convert_i64_s; F64ConvertI64U, u64, f64, f64_convert_i64_u;
            F32DemoteF64, f64, f32, f32_demote_f64; F64PromoteF32, f32, f64, f64_promote_f32;
            I32ReinterpretF32, f32, u32, i32_reinterpret_f32; I64ReinterpretF64, f64, u64, i64_reinterpret_f64;
            F32ReinterpretI32, u32, f32, f32_reinterpret_i32; F64ReinterpretI64, u64, f64, f64_reinterpret_i64;
            I32TruncSatF32S, f32, u32, i32_trunc_sat_f32_s; I32TruncSatF32U, f32, u32, i32_trunc_sat_f32_u;
            I32TruncSatF64S, f64, u32, i32_trunc_sat_f64_s; I32TruncSatF64U, f64, u32, i32_trunc_sat_f64_u;
            I64TruncSatF32S, f32, u64, i64_trunc_sat_f32_s; I64TruncSatF32U, f32, u64, i64_trunc_sat_f32_u;
            I64TruncSatF64S, f64, u64, i64_trunc_sat_f64_s; I64TruncSatF64U, f64, u64, i64_trunc_sat_f64_u;
        }
    };
}
pub(crate) use for_each_unary;

/// Operators of one operand that can trap.
macro_rules! for_each_unary_trapping {
    ($mac:ident) => {
        $mac! {
            I32TruncF32S, f32, u32, i32_trunc_f32_s; I32TruncF32U, f32, u32, i32_trunc_f32_u;
            I32TruncF64S, f64, u32, i32_trunc_f64_s; I32TruncF64U, f64, u32, i32_trunc_f64_u;
            I64TruncF32S, f32, u64, i64_trunc_f32_s; I64TruncF32U, f32, u64, i64_trunc_f32_u;
            I64TruncF64S, f64, u64, i64_trunc_f64_s; I64TruncF64U, f64, u64, i64_trunc_f64_u;
        }
    };
}
pub(crate) use for_each_unary_trapping;

/// Loads: result type, type in memory, and whether the value is extended by its sign.
macro_rules! for_each_load {
    ($mac:ident) => {
        $mac! {
            I32Load, u32, u32; I64Load, u64, u64; F32Load, f32, f32; F64Load, f64, f64;
            I32Load8S, u32, i8; I32Load8U, u32, u8; I32Load16S, u32, i16; I32Load16U, u32, u16;
            I64Load8S, u64, i8; I64Load8U, u64, u8; I64Load16S, u64, i16; I64Load16U, u64, u16;
            I64Load32S, u64, i32; I64Load32U, u64, u32;
        }
    };
}
pub(crate) use for_each_load;

/// Stores: operand type, type in memory.
macro_rules! for_each_store {
    ($mac:ident) => {
        $mac! {
            I32Store, u32, u32; I64Store, u64, u64; F32Store, f32, f32; F64Store, f64, f64;
            I32Store8, u32, u8; I32Store16, u32, u16; I64Store8, u64, u8; I64Store16, u64, u16;
            I64Store32, u64, u32;
        }
    };
}
pub(crate) use for_each_store;

/// Operators whose right operand may be loaded in the same op: type, type in memory, which load.
macro_rules! for_each_load_op {
    ($mac:ident) => {
        $mac! {
            I32Add, u32, u32, I32Load; I32Sub, u32, u32, I32Load; I32Mul, u32, u32, I32Load;
            I32And, u32, u32, I32Load; I32Or, u32, u32, I32Load; I32Xor, u32, u32, I32Load;
            I64Add, u64, u64, I64Load; I64Sub, u64, u64, I64Load; I64Mul, u64, u64, I64Load;
            I64And, u64, u64, I64Load; I64Or, u64, u64, I64Load; I64Xor, u64, u64, I64Load;
            F32Add, f32, f32, F32Load; F32Sub, f32, f32, F32Load; F32Mul, f32, f32, F32Load;
            F64Add, f64, f64, F64Load; F64Sub, f64, f64, F64Load; F64Mul, f64, f64, F64Load;
            I32Add, u32, u8, I32Load8U; I32Sub, u32, u8, I32Load8U; I32And, u32, u8, I32Load8U;
            I32Or, u32, u8, I32Load8U; I32Xor, u32, u8, I32Load8U; I64Add, u64, u8, I64Load8U;
            I64Or, u64, u8, I64Load8U; I64Xor, u64, u8, I64Load8U; I64Add, u64, u32, I64Load32U;
            I64Mul, u64, u32, I64Load32U; I64Xor, u64, u32, I64Load32U;
        }
    };
}
pub(crate) use for_each_load_op;

/// Two integer operators in one op, the second taking the first one's result as its left operand: first,
/// second, type. Those that follow each other in code of several compilers.
macro_rules! for_each_int_pair {
    ($mac:ident) => {
        $mac! {
            I32Add, I32Add, u32; I32Add, I32And, u32; I32Add, I32Shl, u32; I32Add, I32Xor, u32;
            I32Add, I32ShrU, u32; I32Add, I32Sub, u32;
            I32Sub, I32Add, u32; I32Sub, I32And, u32;
            I32Mul, I32Add, u32; I32Mul, I32Xor, u32; I32Mul, I32ShrU, u32; I32Mul, I32Sub, u32;
            I32And, I32Add, u32; I32And, I32Shl, u32; I32And, I32Or, u32; I32And, I32Xor, u32;
            I32And, I32And, u32; I32And, I32ShrU, u32; I32And, I32Sub, u32; I32And, I32Mul, u32;
            I32Or, I32Or, u32; I32Or, I32And, u32; I32Or, I32Shl, u32;
            I32Xor, I32And, u32; I32Xor, I32Xor, u32; I32Xor, I32Rotl, u32; I32Xor, I32Mul, u32;
            I32Xor, I32Add, u32; I32Xor, I32ShrU, u32; I32Xor, I32Shl, u32; I32Xor, I32Or, u32;
            I32Shl, I32Add, u32; I32Shl, I32Or, u32; I32Shl, I32Xor, u32; I32Shl, I32ShrS, u32;
            I32Shl, I32ShrU, u32; I32Shl, I32And, u32;
            I32ShrU, I32And, u32; I32ShrU, I32Xor, u32; I32ShrU, I32Or, u32; I32ShrU, I32Shl, u32;
            I32ShrU, I32Add, u32; I32ShrU, I32Mul, u32; I32ShrU, I32Sub, u32;
            I32ShrS, I32And, u32; I32ShrS, I32Add, u32; I32ShrS, I32Xor, u32;
            I32Rotl, I32Xor, u32; I32Rotl, I32Add, u32;
            I64Add, I64Add, u64; I64Add, I64And, u64; I64Add, I64Shl, u64; I64Add, I64Xor, u64;
            I64Add, I64ShrU, u64; I64Add, I64Sub, u64;
            I64Sub, I64Add, u64; I64Sub, I64And, u64;
            I64Mul, I64Add, u64; I64Mul, I64Xor, u64; I64Mul, I64ShrU, u64; I64Mul, I64Sub, u64;
            I64And, I64Add, u64; I64And, I64Shl, u64; I64And, I64Or, u64; I64And, I64Xor, u64;
            I64And, I64And, u64; I64And, I64ShrU, u64; I64And, I64Sub, u64; I64And, I64Mul, u64;
            I64Or, I64Or, u64; I64Or, I64And, u64; I64Or, I64Shl, u64;
            I64Xor, I64And, u64; I64Xor, I64Xor, u64; I64Xor, I64Rotl, u64; I64Xor, I64Mul, u64;
            I64Xor, I64Add, u64; I64Xor, I64ShrU, u64; I64Xor, I64Shl, u64; I64Xor, I64Or, u64;
            I64Shl, I64Add, u64; I64Shl, I64Or, u64; I64Shl, I64Xor, u64; I64Shl, I64ShrS, u64;
            I64Shl, I64ShrU, u64; I64Shl, I64And, u64;
            I64ShrU, I64And, u64; I64ShrU, I64Xor, u64; I64ShrU, I64Or, u64; I64ShrU, I64Shl, u64;
            I64ShrU, I64Add, u64; I64ShrU, I64Mul, u64; I64ShrU, I64Sub, u64;
            I64ShrS, I64And, u64; I64ShrS, I64Add, u64; I64ShrS, I64Xor, u64;
            I64Rotl, I64Xor, u64; I64Rotl, I64Add, u64;
        }
    };
}
pub(crate) use for_each_int_pair;

/// Integer operators in pairs, the first with a constant of 64 bits on its right: first, second, type. (Hashes multiply,
/// then shift, rotate or mix.)
macro_rules! for_each_wide_first {
    ($mac:ident) => {
        $mac! {
            I64Mul, I64ShrU, u64; I64Mul, I64Rotl, u64; I64Mul, I64Xor, u64; I64Mul, I64Add, u64;
            I64Add, I64ShrU, u64; I64Add, I64Xor, u64; I64Add, I64And, u64; I64And, I64ShrU, u64;
        }
    };
}
pub(crate) use for_each_wide_first;

/// The same, the second with such a constant.
macro_rules! for_each_wide_second {
    ($mac:ident) => {
        $mac! {
            I64Xor, I64Mul, u64; I64Add, I64Mul, u64; I64Rotl, I64Mul, u64; I64Xor, I64Add, u64;
            I64Add, I64And, u64; I64And, I64And, u64; I64Xor, I64And, u64; I64ShrU, I64And, u64;
        }
    };
}
pub(crate) use for_each_wide_second;

/// The same, both with such constants.
macro_rules! for_each_wide_both {
    ($mac:ident) => {
        $mac! { I64Mul, I64Add, u64; I64Add, I64And, u64; }
    };
}
pub(crate) use for_each_wide_both;

/// Operators whose result a branch may test against zero in the same op.
macro_rules! for_each_test {
    ($mac:ident) => {
        $mac! { I32And, u32, i32_and; I64And, u64, i64_and; }
    };
}
pub(crate) use for_each_test;

/// Comparisons one side of which may be loaded in the op that branches: comparison, type, type in memory,
/// which load.
macro_rules! for_each_load_branch {
    ($mac:ident) => {
        $mac! {
            I32Eq, u32, u32, I32Load; I32Ne, u32, u32, I32Load; I32LtS, u32, u32, I32Load;
            I32LtU, u32, u32, I32Load; I32GtS, u32, u32, I32Load; I32GtU, u32, u32, I32Load;
            I32LeS, u32, u32, I32Load; I32LeU, u32, u32, I32Load; I32GeS, u32, u32, I32Load;
            I32GeU, u32, u32, I32Load; I32Eq, u32, u8, I32Load8U; I32Ne, u32, u8, I32Load8U;
            I32LtS, u32, u8, I32Load8U; I32LtU, u32, u8, I32Load8U; I32GtS, u32, u8, I32Load8U;
            I32GtU, u32, u8, I32Load8U; I32LeS, u32, u8, I32Load8U; I32LeU, u32, u8, I32Load8U;
            I32GeS, u32, u8, I32Load8U; I32GeU, u32, u8, I32Load8U; I64Eq, u64, u64, I64Load;
            I64Ne, u64, u64, I64Load; I64LtS, u64, u64, I64Load; I64LtU, u64, u64, I64Load;
            I64GtS, u64, u64, I64Load; I64GtU, u64, u64, I64Load; I64LeS, u64, u64, I64Load;
            I64LeU, u64, u64, I64Load; I64GeS, u64, u64, I64Load; I64GeU, u64, u64, I64Load;
        }
    };
}
pub(crate) use for_each_load_branch;

/// Float operators in pairs: first, second, type.
macro_rules! for_each_float_pair {
    ($mac:ident) => {
        $mac! {
            F32Mul, F32Add, f32; F32Mul, F32Sub, f32; F32Add, F32Add, f32; F32Add, F32Mul, f32;
            F32Sub, F32Mul, f32;
            F64Mul, F64Add, f64; F64Mul, F64Sub, f64; F64Add, F64Add, f64; F64Add, F64Mul, f64;
            F64Sub, F64Mul, f64;
        }
    };
}
pub(crate) use for_each_float_pair;

/// Float operators in pairs, the first with its right operand loaded: first, second, type, which load.
macro_rules! for_each_load_float_pair {
    ($mac:ident) => {
        $mac! {
            F32Mul, F32Add, f32, F32Load; F32Mul, F32Sub, f32, F32Load;
            F64Mul, F64Add, f64, F64Load; F64Mul, F64Sub, f64, F64Load;
        }
    };
}
pub(crate) use for_each_load_float_pair;
