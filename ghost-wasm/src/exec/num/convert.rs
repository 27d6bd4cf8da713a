//! Conversions between the number types.

use super::{FloatBits, NumTrap};

/// The low 32 bits.
#[inline(always)]
pub fn i32_wrap_i64(a: u64) -> u32 {
    a as u32
}

/// Widens with the sign.
#[inline(always)]
pub fn i64_extend_i32_s(a: u32) -> u64 {
    a as i32 as u64
}

/// Widens with zeros.
#[inline(always)]
pub fn i64_extend_i32_u(a: u32) -> u64 {
    u64::from(a)
}

/// Defines the trapping and the saturating truncation of a float type to an integer type. A float can be
/// truncated if it lies strictly between the two bounds: the first whose whole part is too small and the
/// first whose whole part is too large. Both are floats of the type, so the comparisons are exact.
macro_rules! truncations {
    ($($trapping:ident $saturating:ident ($float:ty) -> $int:ty as $carrier:ty, $below:literal, $above:literal;)+) => {$(
        #[doc = concat!("Drops the fraction. Traps for a NaN and outside `", stringify!($int), "`.")]
        #[inline(always)]
        pub fn $trapping(a: $float) -> Result<$carrier, NumTrap> {
            if a > $below && a < $above {
                return Ok(a as $int as $carrier);
            }
            Err(if a.is_nan() { NumTrap::BadConversion } else { NumTrap::IntegerOverflow })
        }

        #[doc = concat!("Drops the fraction; the nearest `", stringify!($int), "` for what lies outside, 0 for a NaN.")]
        #[inline(always)]
        pub fn $saturating(a: $float) -> $carrier {
            a as $int as $carrier
        }
    )+};
}

truncations! {
    i32_trunc_f32_s i32_trunc_sat_f32_s (f32) -> i32 as u32, -2147483904.0, 2147483648.0;
    i32_trunc_f32_u i32_trunc_sat_f32_u (f32) -> u32 as u32, -1.0, 4294967296.0;
    i32_trunc_f64_s i32_trunc_sat_f64_s (f64) -> i32 as u32, -2147483649.0, 2147483648.0;
    i32_trunc_f64_u i32_trunc_sat_f64_u (f64) -> u32 as u32, -1.0, 4294967296.0;
    i64_trunc_f32_s i64_trunc_sat_f32_s (f32) -> i64 as u64, -9223373136366403584.0, 9223372036854775808.0;
    i64_trunc_f32_u i64_trunc_sat_f32_u (f32) -> u64 as u64, -1.0, 18446744073709551616.0;
    i64_trunc_f64_s i64_trunc_sat_f64_s (f64) -> i64 as u64, -9223372036854777856.0, 9223372036854775808.0;
    i64_trunc_f64_u i64_trunc_sat_f64_u (f64) -> u64 as u64, -1.0, 18446744073709551616.0;
}

/// Defines the conversions of an integer type to a float type, which round to nearest even.
macro_rules! conversions {
    ($($name:ident ($carrier:ty as $int:ty) -> $float:ty;)+) => {$(
        #[doc = concat!("The nearest float to the operand as `", stringify!($int), "`, ties to even.")]
        #[inline(always)]
        pub fn $name(a: $carrier) -> $float {
            a as $int as $float
        }
    )+};
}

conversions! {
    f32_convert_i32_s (u32 as i32) -> f32;
    f32_convert_i32_u (u32 as u32) -> f32;
    f32_convert_i64_s (u64 as i64) -> f32;
    f32_convert_i64_u (u64 as u64) -> f32;
    f64_convert_i32_s (u32 as i32) -> f64;
    f64_convert_i32_u (u32 as u32) -> f64;
    f64_convert_i64_s (u64 as i64) -> f64;
    f64_convert_i64_u (u64 as u64) -> f64;
}

/// Narrows, rounding to nearest even; the payload of a NaN is lost.
#[inline(always)]
pub fn f32_demote_f64(a: f64) -> f32 {
    (a as f32).canonical()
}

/// Widens exactly; the payload of a NaN is lost.
#[inline(always)]
pub fn f64_promote_f32(a: f32) -> f64 {
    f64::from(a).canonical()
}

/// The bits of a float, NaN payloads included.
#[inline(always)]
pub fn i32_reinterpret_f32(a: f32) -> u32 {
    a.to_bits()
}

/// The bits of a float, NaN payloads included.
#[inline(always)]
pub fn i64_reinterpret_f64(a: f64) -> u64 {
    a.to_bits()
}

/// The float with these bits, NaN payloads included.
#[inline(always)]
pub fn f32_reinterpret_i32(a: u32) -> f32 {
    f32::from_bits(a)
}

/// The float with these bits, NaN payloads included.
#[inline(always)]
pub fn f64_reinterpret_i64(a: u64) -> f64 {
    f64::from_bits(a)
}
