//! Pure numerics: one function for each numeric operator of WebAssembly 2.0 without SIMD and of wide arithmetic,
//! named as the operator with its dots turned into underscores.
//!
//! Owns the meaning of the operators: wrapping, trapping, rounding and NaNs. Knows nothing of slots, frames,
//! memories, gas or trap reports; nothing here allocates, panics or depends on the machine.
//!
//! Integers travel as their bit patterns in `u32` and `u64`; the operator, not the type, carries the sign.
//! Comparisons answer `bool`.
//!
//! # NaNs
//! The specification leaves the bits of a computed NaN open, and machines differ. Here each NaN that a float
//! operator makes or passes on is the positive canonical one ([`CANONICAL_NAN_F32`], [`CANONICAL_NAN_F64`]).
//! Only `neg`, `abs`, `copysign` and the reinterpretations keep payloads; they work on the bits.
//!
//! Source: WebAssembly core specification 2.0, "Execution / Numerics".

use core::hint::cold_path;

mod convert;
mod float;
mod int;
mod round;
mod sqrt;
#[cfg(test)]
mod tests;
mod wide;

pub use convert::*;
pub use float::*;
pub use int::*;
pub use round::*;
pub use sqrt::*;
pub use wide::*;

/// Bits of the NaN that 32-bit float operators produce.
pub const CANONICAL_NAN_F32: u32 = 0x7fc0_0000;
/// Bits of the NaN that 64-bit float operators produce.
pub const CANONICAL_NAN_F64: u64 = 0x7ff8_0000_0000_0000;

/// Why a partial operator has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumTrap {
    /// Integer division or remainder by zero.
    DivisionByZero,
    /// A quotient or a truncated float that the integer type cannot hold.
    IntegerOverflow,
    /// Truncation of a NaN.
    BadConversion,
}

/// Defines an operator for both widths from one body. A row reads
/// `name32 name64 (operands) -> Result = body`, where the operand type is the pair given first and `same`
/// as the result stands for the operand type.
macro_rules! both_widths {
    ($narrow:ty | $wide:ty; $(
        $(#[$doc:meta])*
        $name32:ident $name64:ident ($($arg:ident),+) -> $result:tt = $body:expr;
    )+) => {$(
        both_widths!(@one $(#[$doc])* $name32 [$($arg)+] $narrow, $result, $body);
        both_widths!(@one $(#[$doc])* $name64 [$($arg)+] $wide, $result, $body);
    )+};
    (@one $(#[$doc:meta])* $name:ident [$($arg:ident)+] $ty:ty, same, $body:expr) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $name($($arg: $ty),+) -> $ty {
            $body
        }
    };
    (@one $(#[$doc:meta])* $name:ident [$($arg:ident)+] $ty:ty, bool, $body:expr) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $name($($arg: $ty),+) -> bool {
            $body
        }
    };
    (@one $(#[$doc:meta])* $name:ident [$($arg:ident)+] $ty:ty, partial, $body:expr) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $name($($arg: $ty),+) -> Result<$ty, NumTrap> {
            $body
        }
    };
}
use both_widths;

/// What the float operators need to know of their type's bits.
trait FloatBits: Copy {
    /// The value itself, or the canonical NaN in place of any NaN.
    ///
    /// A jump that is never taken, rather than a blend of both values: nothing waits for the comparison.
    /// Not for square roots: see `sqrt.rs`.
    fn canonical(self) -> Self;
    /// The largest power of two below which the type has fractions.
    const WHOLE_FROM: Self;
}

impl FloatBits for f32 {
    #[inline(always)]
    fn canonical(self) -> Self {
        if self.is_nan() {
            cold_path();
            f32::from_bits(CANONICAL_NAN_F32)
        } else {
            self
        }
    }
    const WHOLE_FROM: Self = 8_388_608.0; // 2^23
}

impl FloatBits for f64 {
    #[inline(always)]
    fn canonical(self) -> Self {
        if self.is_nan() {
            cold_path();
            f64::from_bits(CANONICAL_NAN_F64)
        } else {
            self
        }
    }
    const WHOLE_FROM: Self = 4_503_599_627_370_496.0; // 2^52
}
