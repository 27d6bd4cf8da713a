//! Square roots, correctly rounded everywhere: by the library the build has, else by integers. The ways agree
//! to the bit, which the tests hold them to.
//!
//! The NaN is chosen by the bits of the operand. Chosen by a comparison of floats, of the operand or of the
//! root, it would not do: LLVM holds a root's own NaN for as good as any and drops the choice.

use core::hint::cold_path;

use super::{CANONICAL_NAN_F32, CANONICAL_NAN_F64};

/// Square root, rounded to nearest even; -0 for -0, a NaN for what lies below.
#[inline(always)]
pub fn f32_sqrt(a: f32) -> f32 {
    let bits = a.to_bits();
    if bits <= f32::INFINITY.to_bits() {
        machine::sqrt_f32(a)
    } else if bits == (-0_f32).to_bits() {
        a
    } else {
        cold_path();
        f32::from_bits(CANONICAL_NAN_F32)
    }
}

/// Square root, rounded to nearest even; -0 for -0, a NaN for what lies below.
#[inline(always)]
pub fn f64_sqrt(a: f64) -> f64 {
    let bits = a.to_bits();
    if bits <= f64::INFINITY.to_bits() {
        machine::sqrt_f64(a)
    } else if bits == (-0_f64).to_bits() {
        a
    } else {
        cold_path();
        f64::from_bits(CANONICAL_NAN_F64)
    }
}

// `core` has no square root that safe code may call. `std` has, and compiles it to the instruction where the
// target surely has one.
#[cfg(feature = "std")]
mod machine {
    #[inline(always)]
    pub fn sqrt_f32(a: f32) -> f32 {
        a.sqrt()
    }

    #[inline(always)]
    pub fn sqrt_f64(a: f64) -> f64 {
        a.sqrt()
    }
}

#[cfg(all(not(feature = "std"), feature = "libm"))]
mod machine {
    pub use libm::{sqrt as sqrt_f64, sqrtf as sqrt_f32};
}

#[cfg(not(any(feature = "std", feature = "libm")))]
use by_integers as machine;

/// Square roots out of integer ones. Compiled everywhere, so that it is tested against the instruction where
/// there is one.
#[allow(dead_code, reason = "used by builds without another way, and by the tests")]
pub(super) mod by_integers {
    use super::CANONICAL_NAN_F64;

    /// Width of the fraction field.
    const FRACTION: u32 = 52;
    /// What the exponent field holds for an exponent of 0.
    const BIAS: i32 = 1023;
    /// The bit above the fraction that normal numbers imply.
    const IMPLIED: u64 = 1 << FRACTION;

    pub fn sqrt_f32(a: f32) -> f32 {
        // Rounding twice does no harm here: the wider type has more than twice the digits and two more, and
        // so a root never lies close enough to the middle of two narrow neighbours to be moved onto it.
        sqrt_f64(f64::from(a)) as f32
    }

    pub fn sqrt_f64(a: f64) -> f64 {
        if a == 0.0 || a == f64::INFINITY {
            return a;
        }
        if a.is_nan() || a < 0.0 {
            return f64::from_bits(CANONICAL_NAN_F64);
        }
        let (significand, exponent) = decompose(a);
        // a = radicand * 2^(exponent - shift). An even power can be halved, and the shift leaves a radicand
        // in 2^106..2^108, whose root in 2^53..2^54 has one bit more than the result holds.
        let shift = if exponent & 1 == 0 { FRACTION + 2 } else { FRACTION + 3 };
        let root = (u128::from(significand) << shift).isqrt() as u64;
        // The extra bit alone decides the rounding: were the exact root a tie, its square would need more
        // bits than the significand has.
        let rounded = (root + 1) >> 1;
        let field = (exponent - shift as i32) / 2 + 1 + FRACTION as i32 + BIAS;
        f64::from_bits(((field as u64) << FRACTION) + (rounded - IMPLIED))
    }

    /// Splits a positive finite number into `significand * 2^exponent`, the significand in 2^52..2^53 for
    /// subnormal numbers as well.
    fn decompose(a: f64) -> (u64, i32) {
        let bits = a.to_bits();
        let field = (bits >> FRACTION) as i32;
        let fraction = bits & (IMPLIED - 1);
        if field == 0 {
            let lift = fraction.leading_zeros() - IMPLIED.leading_zeros();
            return (fraction << lift, 1 - BIAS - FRACTION as i32 - lift as i32);
        }
        (fraction | IMPLIED, field - BIAS - FRACTION as i32)
    }
}
