//! Float arithmetic, comparisons and sign operators.
//!
//! IEEE 754 fixes every result but the bits of a NaN; those are made canonical after the operation, which is
//! one comparison that almost always falls through.

use super::{FloatBits, both_widths};

both_widths! { f32 | f64;
    /// Sum.
    f32_add f64_add (a, b) -> same = (a + b).canonical();
    /// Difference.
    f32_sub f64_sub (a, b) -> same = (a - b).canonical();
    /// Product.
    f32_mul f64_mul (a, b) -> same = (a * b).canonical();
    /// Quotient; never traps.
    f32_div f64_div (a, b) -> same = (a / b).canonical();

    /// The smaller operand; -0 is smaller than +0, and a NaN wins.
    f32_min f64_min (a, b) -> same = {
        if a < b {
            a
        } else if b < a {
            b
        } else if a == b {
            // Equal values differ only as zeros of two signs.
            if a.is_sign_negative() { a } else { b }
        } else {
            (a + b).canonical()
        }
    };
    /// The larger operand; +0 is larger than -0, and a NaN wins.
    f32_max f64_max (a, b) -> same = {
        if a > b {
            a
        } else if b > a {
            b
        } else if a == b {
            if a.is_sign_negative() { b } else { a }
        } else {
            (a + b).canonical()
        }
    };

    /// Equal; false if either is a NaN.
    f32_eq f64_eq (a, b) -> bool = a == b;
    /// Not equal; true if either is a NaN.
    f32_ne f64_ne (a, b) -> bool = a != b;
    /// Less than; false if either is a NaN.
    f32_lt f64_lt (a, b) -> bool = a < b;
    /// Greater than; false if either is a NaN.
    f32_gt f64_gt (a, b) -> bool = a > b;
    /// Less than or equal; false if either is a NaN.
    f32_le f64_le (a, b) -> bool = a <= b;
    /// Greater than or equal; false if either is a NaN.
    f32_ge f64_ge (a, b) -> bool = a >= b;
}

/// The sign bit of an `f32`.
const SIGN_F32: u32 = 1 << 31;
/// The sign bit of an `f64`.
const SIGN_F64: u64 = 1 << 63;

/// Clears the sign bit, of a NaN too.
#[inline(always)]
pub fn f32_abs(a: f32) -> f32 {
    f32::from_bits(a.to_bits() & !SIGN_F32)
}

/// Clears the sign bit, of a NaN too.
#[inline(always)]
pub fn f64_abs(a: f64) -> f64 {
    f64::from_bits(a.to_bits() & !SIGN_F64)
}

/// Flips the sign bit, of a NaN too.
#[inline(always)]
pub fn f32_neg(a: f32) -> f32 {
    f32::from_bits(a.to_bits() ^ SIGN_F32)
}

/// Flips the sign bit, of a NaN too.
#[inline(always)]
pub fn f64_neg(a: f64) -> f64 {
    f64::from_bits(a.to_bits() ^ SIGN_F64)
}

/// `a` with the sign bit of `b`, whether NaNs or not.
#[inline(always)]
pub fn f32_copysign(a: f32, b: f32) -> f32 {
    f32::from_bits(a.to_bits() & !SIGN_F32 | b.to_bits() & SIGN_F32)
}

/// `a` with the sign bit of `b`, whether NaNs or not.
#[inline(always)]
pub fn f64_copysign(a: f64, b: f64) -> f64 {
    f64::from_bits(a.to_bits() & !SIGN_F64 | b.to_bits() & SIGN_F64)
}
