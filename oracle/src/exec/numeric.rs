//! Operators that compute from operands alone: the numerics of the engine, which the oracle shares, applied
//! to the upper values of the stack. Every row names an operator and the function of the same name.

use ghost_wasm::TrapCode;
use ghost_wasm::internals::Op;
use ghost_wasm::internals::num::{self, NumTrap};

use super::Machine;
use crate::error::Error;

/// What a value of the stack is read as.
trait Operand {
    fn of(raw: u64) -> Self;
}

/// What goes back to the stack, or why nothing does.
trait Outcome {
    fn raw(self) -> Result<u64, NumTrap>;
}

macro_rules! carried {
    ($($ty:ty, $raw:ident => $of:expr, $val:ident => $to:expr;)*) => {$(
        impl Operand for $ty {
            fn of($raw: u64) -> $ty {
                $of
            }
        }

        impl Outcome for $ty {
            fn raw(self) -> Result<u64, NumTrap> {
                let $val = self;
                Ok($to)
            }
        }
    )*};
}

carried! {
    u32, raw => raw as u32, val => u64::from(val);
    u64, raw => raw, val => val;
    f32, raw => f32::from_bits(raw as u32), val => u64::from(val.to_bits());
    f64, raw => f64::from_bits(raw), val => val.to_bits();
}

impl Outcome for bool {
    fn raw(self) -> Result<u64, NumTrap> {
        Ok(u64::from(self))
    }
}

impl<T: Outcome> Outcome for Result<T, NumTrap> {
    fn raw(self) -> Result<u64, NumTrap> {
        self?.raw()
    }
}

fn trapped(trap: NumTrap) -> Error {
    Error::trap(match trap {
        NumTrap::DivisionByZero => TrapCode::IntegerDivisionByZero,
        NumTrap::IntegerOverflow => TrapCode::IntegerOverflow,
        NumTrap::BadConversion => TrapCode::BadConversionToInteger,
    })
}

impl Machine<'_> {
    fn unary<A: Operand, R: Outcome>(&mut self, op: impl Fn(A) -> R) -> Result<(), Error> {
        let operand = A::of(self.pop()?);
        let result = op(operand).raw().map_err(trapped)?;
        self.push(result)
    }

    fn binary<A: Operand, R: Outcome>(&mut self, op: impl Fn(A, A) -> R) -> Result<(), Error> {
        let second = A::of(self.pop()?);
        let first = A::of(self.pop()?);
        let result = op(first, second).raw().map_err(trapped)?;
        self.push(result)
    }

    fn wide(&mut self, op: impl Fn((u64, u64), (u64, u64)) -> (u64, u64)) -> Result<(), Error> {
        let (high, low) = (self.pop()?, self.pop()?);
        let second = (low, high);
        let (high, low) = (self.pop()?, self.pop()?);
        self.push_halves(op((low, high), second))
    }

    fn wide_product(&mut self, op: impl Fn(u64, u64) -> (u64, u64)) -> Result<(), Error> {
        let (second, first) = (self.pop()?, self.pop()?);
        self.push_halves(op(first, second))
    }

    fn push_halves(&mut self, (low, high): (u64, u64)) -> Result<(), Error> {
        self.push(low)?;
        self.push(high)
    }

    pub(super) fn numeric(&mut self, op: Op) -> Result<(), Error> {
        use Op::*;
        match op {
            I32Eqz => self.unary(num::i32_eqz),
            I64Eqz => self.unary(num::i64_eqz),
            I32Clz => self.unary(num::i32_clz),
            I32Ctz => self.unary(num::i32_ctz),
            I32Popcnt => self.unary(num::i32_popcnt),
            I64Clz => self.unary(num::i64_clz),
            I64Ctz => self.unary(num::i64_ctz),
            I64Popcnt => self.unary(num::i64_popcnt),
            F32Abs => self.unary(num::f32_abs),
            F32Neg => self.unary(num::f32_neg),
            F32Ceil => self.unary(num::f32_ceil),
            F32Floor => self.unary(num::f32_floor),
            F32Trunc => self.unary(num::f32_trunc),
            F32Nearest => self.unary(num::f32_nearest),
            F32Sqrt => self.unary(num::f32_sqrt),
            F64Abs => self.unary(num::f64_abs),
            F64Neg => self.unary(num::f64_neg),
            F64Ceil => self.unary(num::f64_ceil),
            F64Floor => self.unary(num::f64_floor),
            F64Trunc => self.unary(num::f64_trunc),
            F64Nearest => self.unary(num::f64_nearest),
            F64Sqrt => self.unary(num::f64_sqrt),
            I32WrapI64 => self.unary(num::i32_wrap_i64),
            I32TruncF32S => self.unary(num::i32_trunc_f32_s),
            I32TruncF32U => self.unary(num::i32_trunc_f32_u),
            I32TruncF64S => self.unary(num::i32_trunc_f64_s),
            I32TruncF64U => self.unary(num::i32_trunc_f64_u),
            I64ExtendI32S => self.unary(num::i64_extend_i32_s),
            I64ExtendI32U => self.unary(num::i64_extend_i32_u),
            I64TruncF32S => self.unary(num::i64_trunc_f32_s),
            I64TruncF32U => self.unary(num::i64_trunc_f32_u),
            I64TruncF64S => self.unary(num::i64_trunc_f64_s),
            I64TruncF64U => self.unary(num::i64_trunc_f64_u),
            F32ConvertI32S => self.unary(num::f32_convert_i32_s),
            F32ConvertI32U => self.unary(num::f32_convert_i32_u),
            F32ConvertI64S => self.unary(num::f32_convert_i64_s),
            F32ConvertI64U => self.unary(num::f32_convert_i64_u),
            F32DemoteF64 => self.unary(num::f32_demote_f64),
            F64ConvertI32S => self.unary(num::f64_convert_i32_s),
            F64ConvertI32U => self.unary(num::f64_convert_i32_u),
            F64ConvertI64S => self.unary(num::f64_convert_i64_s),
            F64ConvertI64U => self.unary(num::f64_convert_i64_u),
            F64PromoteF32 => self.unary(num::f64_promote_f32),
            I32ReinterpretF32 => self.unary(num::i32_reinterpret_f32),
            I64ReinterpretF64 => self.unary(num::i64_reinterpret_f64),
            F32ReinterpretI32 => self.unary(num::f32_reinterpret_i32),
            F64ReinterpretI64 => self.unary(num::f64_reinterpret_i64),
            I32Extend8S => self.unary(num::i32_extend8_s),
            I32Extend16S => self.unary(num::i32_extend16_s),
            I64Extend8S => self.unary(num::i64_extend8_s),
            I64Extend16S => self.unary(num::i64_extend16_s),
            I64Extend32S => self.unary(num::i64_extend32_s),
            I32TruncSatF32S => self.unary(num::i32_trunc_sat_f32_s),
            I32TruncSatF32U => self.unary(num::i32_trunc_sat_f32_u),
            I32TruncSatF64S => self.unary(num::i32_trunc_sat_f64_s),
            I32TruncSatF64U => self.unary(num::i32_trunc_sat_f64_u),
            I64TruncSatF32S => self.unary(num::i64_trunc_sat_f32_s),
            I64TruncSatF32U => self.unary(num::i64_trunc_sat_f32_u),
            I64TruncSatF64S => self.unary(num::i64_trunc_sat_f64_s),
            I64TruncSatF64U => self.unary(num::i64_trunc_sat_f64_u),
            I32Eq => self.binary(num::i32_eq),
            I32Ne => self.binary(num::i32_ne),
            I32LtS => self.binary(num::i32_lt_s),
            I32LtU => self.binary(num::i32_lt_u),
            I32GtS => self.binary(num::i32_gt_s),
            I32GtU => self.binary(num::i32_gt_u),
            I32LeS => self.binary(num::i32_le_s),
            I32LeU => self.binary(num::i32_le_u),
            I32GeS => self.binary(num::i32_ge_s),
            I32GeU => self.binary(num::i32_ge_u),
            I64Eq => self.binary(num::i64_eq),
            I64Ne => self.binary(num::i64_ne),
            I64LtS => self.binary(num::i64_lt_s),
            I64LtU => self.binary(num::i64_lt_u),
            I64GtS => self.binary(num::i64_gt_s),
            I64GtU => self.binary(num::i64_gt_u),
            I64LeS => self.binary(num::i64_le_s),
            I64LeU => self.binary(num::i64_le_u),
            I64GeS => self.binary(num::i64_ge_s),
            I64GeU => self.binary(num::i64_ge_u),
            F32Eq => self.binary(num::f32_eq),
            F32Ne => self.binary(num::f32_ne),
            F32Lt => self.binary(num::f32_lt),
            F32Gt => self.binary(num::f32_gt),
            F32Le => self.binary(num::f32_le),
            F32Ge => self.binary(num::f32_ge),
            F64Eq => self.binary(num::f64_eq),
            F64Ne => self.binary(num::f64_ne),
            F64Lt => self.binary(num::f64_lt),
            F64Gt => self.binary(num::f64_gt),
            F64Le => self.binary(num::f64_le),
            F64Ge => self.binary(num::f64_ge),
            I32Add => self.binary(num::i32_add),
            I32Sub => self.binary(num::i32_sub),
            I32Mul => self.binary(num::i32_mul),
            I32DivS => self.binary(num::i32_div_s),
            I32DivU => self.binary(num::i32_div_u),
            I32RemS => self.binary(num::i32_rem_s),
            I32RemU => self.binary(num::i32_rem_u),
            I32And => self.binary(num::i32_and),
            I32Or => self.binary(num::i32_or),
            I32Xor => self.binary(num::i32_xor),
            I32Shl => self.binary(num::i32_shl),
            I32ShrS => self.binary(num::i32_shr_s),
            I32ShrU => self.binary(num::i32_shr_u),
            I32Rotl => self.binary(num::i32_rotl),
            I32Rotr => self.binary(num::i32_rotr),
            I64Add => self.binary(num::i64_add),
            I64Sub => self.binary(num::i64_sub),
            I64Mul => self.binary(num::i64_mul),
            I64DivS => self.binary(num::i64_div_s),
            I64DivU => self.binary(num::i64_div_u),
            I64RemS => self.binary(num::i64_rem_s),
            I64RemU => self.binary(num::i64_rem_u),
            I64And => self.binary(num::i64_and),
            I64Or => self.binary(num::i64_or),
            I64Xor => self.binary(num::i64_xor),
            I64Shl => self.binary(num::i64_shl),
            I64ShrS => self.binary(num::i64_shr_s),
            I64ShrU => self.binary(num::i64_shr_u),
            I64Rotl => self.binary(num::i64_rotl),
            I64Rotr => self.binary(num::i64_rotr),
            F32Add => self.binary(num::f32_add),
            F32Sub => self.binary(num::f32_sub),
            F32Mul => self.binary(num::f32_mul),
            F32Div => self.binary(num::f32_div),
            F32Min => self.binary(num::f32_min),
            F32Max => self.binary(num::f32_max),
            F32Copysign => self.binary(num::f32_copysign),
            F64Add => self.binary(num::f64_add),
            F64Sub => self.binary(num::f64_sub),
            F64Mul => self.binary(num::f64_mul),
            F64Div => self.binary(num::f64_div),
            F64Min => self.binary(num::f64_min),
            F64Max => self.binary(num::f64_max),
            F64Copysign => self.binary(num::f64_copysign),
            I64Add128 => self.wide(num::i64_add128),
            I64Sub128 => self.wide(num::i64_sub128),
            I64MulWideS => self.wide_product(num::i64_mul_wide_s),
            I64MulWideU => self.wide_product(num::i64_mul_wide_u),
            _ => Err(Error::Bug("not a numeric operator")),
        }
    }
}
