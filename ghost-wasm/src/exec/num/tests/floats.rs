//! Float operators and conversions: bit for bit against the standard library for numbers, by rule for NaNs,
//! and by table where the rule is subtle.

use super::*;
use crate::exec::num::sqrt::by_integers;

macro_rules! float_tests {
    (
        $module:ident $float:ident $bits:ident $patterns:ident $nan:ident $sign:literal $soft_sqrt:ident;
        $add:ident $sub:ident $mul:ident $div:ident $min:ident $max:ident $copysign:ident
        $abs:ident $neg:ident $ceil:ident $floor:ident $trunc:ident $nearest:ident $sqrt:ident
        $eq:ident $ne:ident $lt:ident $gt:ident $le:ident $ge:ident
    ) => {
        mod $module {
            use super::*;

            const SIGN: $bits = 1 << $sign;
            const INF: $bits = $nan & ($nan << 1);
            /// A signalling NaN with a payload, a negative quiet one, and the canonical one.
            const NANS: [$bits; 3] = [INF | 1, SIGN | $nan | 5, $nan];

            fn float(bits: $bits) -> $float {
                $float::from_bits(bits)
            }

            /// The bits a float operator must answer where the machine answers `value`.
            ///
            /// Opaque, lest the compiler drop the replacement of the NaN here as it might in the operator.
            fn expected(value: $float) -> $bits {
                let value = core::hint::black_box(value);
                if value.is_nan() { $nan } else { value.to_bits() }
            }

            fn pairs() -> Vec<($float, $float)> {
                let patterns = $patterns();
                let edges = [0, SIGN, 1, SIGN | 1, INF, SIGN | INF, INF - 1, NANS[0], NANS[1]];
                let mut pairs: Vec<_> =
                    patterns.windows(2).map(|two| (float(two[0]), float(two[1]))).collect();
                for &a in patterns.iter().step_by(16) {
                    pairs.extend(edges.iter().flat_map(|&b| [(float(a), float(b)), (float(b), float(a))]));
                    pairs.push((float(a), float(a ^ SIGN)));
                }
                pairs
            }

            #[test]
            fn arithmetic_has_one_nan() {
                for (a, b) in pairs() {
                    assert_eq!($add(a, b).to_bits(), expected(a + b), "{a:e} {b:e}");
                    assert_eq!($sub(a, b).to_bits(), expected(a - b), "{a:e} {b:e}");
                    assert_eq!($mul(a, b).to_bits(), expected(a * b), "{a:e} {b:e}");
                    assert_eq!($div(a, b).to_bits(), expected(a / b), "{a:e} {b:e}");
                }
                let (zero, inf) = (0.0, float(INF));
                for made in [$div(zero, zero), $sub(inf, inf), $mul(zero, inf), $div(inf, inf), $sqrt(-1.0)] {
                    assert_eq!(made.to_bits(), $nan);
                }
                for nan in NANS {
                    for passed in [$add(float(nan), 1.0), $min(1.0, float(nan)), $max(float(nan), inf)] {
                        assert_eq!(passed.to_bits(), $nan);
                    }
                    for unary in [$ceil, $floor, $trunc, $nearest, $sqrt] {
                        assert_eq!(unary(float(nan)).to_bits(), $nan);
                    }
                }
            }

            #[test]
            fn minimum_and_maximum_order_the_zeros() {
                for (a, b) in pairs() {
                    let (min, max) = if a.is_nan() || b.is_nan() {
                        ($nan, $nan)
                    } else {
                        // The total order is the numeric one, with -0 below +0.
                        let swap = a.total_cmp(&b).is_gt();
                        if swap { (b.to_bits(), a.to_bits()) } else { (a.to_bits(), b.to_bits()) }
                    };
                    assert_eq!($min(a, b).to_bits(), min, "{a:e} {b:e}");
                    assert_eq!($max(a, b).to_bits(), max, "{a:e} {b:e}");
                }
                for (a, b) in [(0.0, -0.0), (-0.0, 0.0)] {
                    assert_eq!($min(a, b).to_bits(), SIGN);
                    assert_eq!($max(a, b).to_bits(), 0);
                }
            }

            #[test]
            fn sign_operators_keep_payloads() {
                for (a, b) in pairs() {
                    let (bits, sign) = (a.to_bits(), b.to_bits() & SIGN);
                    assert_eq!($abs(a).to_bits(), bits & !SIGN);
                    assert_eq!($neg(a).to_bits(), bits ^ SIGN);
                    assert_eq!($copysign(a, b).to_bits(), bits & !SIGN | sign);
                }
                assert_eq!($neg(float(INF | 1)).to_bits(), SIGN | INF | 1);
                assert_eq!($abs(float(SIGN | INF | 1)).to_bits(), INF | 1);
                assert_eq!($copysign(float(INF | 1), -1.0).to_bits(), SIGN | INF | 1);
            }

            #[test]
            fn comparisons_are_false_for_nans() {
                for (a, b) in pairs().into_iter().flat_map(|(a, b)| [(a, b), (a, a)]) {
                    use core::cmp::Ordering::{Equal, Greater, Less};
                    let order = a.partial_cmp(&b);
                    assert_eq!(($eq(a, b), $ne(a, b)), (order == Some(Equal), order != Some(Equal)));
                    assert_eq!(($lt(a, b), $gt(a, b)), (order == Some(Less), order == Some(Greater)));
                    let (le, ge) = ([Some(Less), Some(Equal)], [Some(Greater), Some(Equal)]);
                    assert_eq!(($le(a, b), $ge(a, b)), (le.contains(&order), ge.contains(&order)));
                }
                assert!($eq(0.0, -0.0));
                assert!(!$lt(-0.0, 0.0));
            }

            #[test]
            fn rounding_keeps_the_sign_of_zero() {
                // Operand, then ceil, floor, trunc, nearest.
                let table: [($float, [$float; 4]); 16] = [
                    (0.0, [0.0, 0.0, 0.0, 0.0]),
                    (-0.0, [-0.0, -0.0, -0.0, -0.0]),
                    (0.3, [1.0, 0.0, 0.0, 0.0]),
                    (-0.3, [-0.0, -1.0, -0.0, -0.0]),
                    (0.5, [1.0, 0.0, 0.0, 0.0]),
                    (-0.5, [-0.0, -1.0, -0.0, -0.0]),
                    (0.75, [1.0, 0.0, 0.0, 1.0]),
                    (-0.75, [-0.0, -1.0, -0.0, -1.0]),
                    (1.5, [2.0, 1.0, 1.0, 2.0]),
                    (-1.5, [-1.0, -2.0, -1.0, -2.0]),
                    (2.5, [3.0, 2.0, 2.0, 2.0]),
                    (-2.5, [-2.0, -3.0, -2.0, -2.0]),
                    (float(1), [1.0, 0.0, 0.0, 0.0]),
                    (float(SIGN | 1), [-0.0, -1.0, -0.0, -0.0]),
                    (float(INF), [float(INF); 4]),
                    (float(SIGN | INF), [float(SIGN | INF); 4]),
                ];
                for (a, [ceil, floor, trunc, nearest]) in table {
                    assert_eq!($ceil(a).to_bits(), ceil.to_bits(), "{a:e}");
                    assert_eq!($floor(a).to_bits(), floor.to_bits(), "{a:e}");
                    assert_eq!($trunc(a).to_bits(), trunc.to_bits(), "{a:e}");
                    assert_eq!($nearest(a).to_bits(), nearest.to_bits(), "{a:e}");
                }
            }

            #[cfg(feature = "std")]
            #[test]
            fn rounding_agrees_with_the_library() {
                for bits in $patterns() {
                    let a = float(bits);
                    assert_eq!($ceil(a).to_bits(), expected(a.ceil()), "{a:e}");
                    assert_eq!($floor(a).to_bits(), expected(a.floor()), "{a:e}");
                    assert_eq!($trunc(a).to_bits(), expected(a.trunc()), "{a:e}");
                    assert_eq!($nearest(a).to_bits(), expected(a.round_ties_even()), "{a:e}");
                }
            }

            #[test]
            fn square_roots_agree() {
                for bits in $patterns() {
                    for a in [float(bits), float(bits & !SIGN)] {
                        assert_eq!($sqrt(a).to_bits(), expected(by_integers::$soft_sqrt(a)), "{a:e}");
                    }
                }
                for (a, root) in [(0.0, 0.0), (-0.0, -0.0), (4.0, 2.0), (0.25, 0.5), (float(INF), float(INF))]
                {
                    assert_eq!($sqrt(a).to_bits(), root.to_bits());
                    assert_eq!(by_integers::$soft_sqrt(a).to_bits(), root.to_bits());
                }
            }
        }
    };
}

float_tests! {
    narrow f32 u32 bits32 CANONICAL_NAN_F32 31 sqrt_f32;
    f32_add f32_sub f32_mul f32_div f32_min f32_max f32_copysign
    f32_abs f32_neg f32_ceil f32_floor f32_trunc f32_nearest f32_sqrt
    f32_eq f32_ne f32_lt f32_gt f32_le f32_ge
}

float_tests! {
    wide f64 u64 bits64 CANONICAL_NAN_F64 63 sqrt_f64;
    f64_add f64_sub f64_mul f64_div f64_min f64_max f64_copysign
    f64_abs f64_neg f64_ceil f64_floor f64_trunc f64_nearest f64_sqrt
    f64_eq f64_ne f64_lt f64_gt f64_le f64_ge
}

/// The whole part, exactly, computed from the bits; what lies beyond 127 bits is the nearest `i128`.
fn whole_part(a: f64) -> i128 {
    let bits = a.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1075;
    let significand = i128::from(bits & ((1 << 52) - 1) | 1 << 52);
    let magnitude = match exponent {
        ..-52 => 0,
        -52..0 => significand >> -exponent,
        0..74 => significand << exponent,
        _ => i128::MAX,
    };
    if a.is_sign_negative() { -magnitude } else { magnitude }
}

macro_rules! truncation_test {
    ($name:ident $patterns:ident $float:ident $int:ident $carrier:ident; $trapping:ident $saturating:ident) => {
        #[test]
        fn $name() {
            let (low, high) = ($int::MIN as i128, $int::MAX as i128);
            // The bounds as floats, with their neighbours, besides the common operands.
            let mut patterns = $patterns();
            for bound in [$int::MIN as $float, $int::MAX as $float, -1.0, 0.0] {
                let bits = bound.to_bits();
                patterns.extend([bits.wrapping_sub(1), bits, bits.wrapping_add(1)]);
                patterns.extend([(bound - 1.0).to_bits(), (bound + 1.0).to_bits(), (bound - 0.5).to_bits()]);
                patterns.extend([(bound - 0.999).to_bits(), (bound + 0.999).to_bits()]);
            }
            for bits in patterns {
                let a = $float::from_bits(bits);
                let whole = whole_part(a.into());
                let (mut trapping, mut saturating) = (Ok(whole as $carrier), whole as $carrier);
                if a.is_nan() {
                    (trapping, saturating) = (Err(NumTrap::BadConversion), 0);
                } else if whole < low {
                    (trapping, saturating) = (Err(NumTrap::IntegerOverflow), $int::MIN as $carrier);
                } else if whole > high {
                    (trapping, saturating) = (Err(NumTrap::IntegerOverflow), $int::MAX as $carrier);
                }
                assert_eq!($trapping(a), trapping, "{a:e}");
                assert_eq!($saturating(a), saturating, "{a:e}");
            }
        }
    };
}

truncation_test!(truncates_f32_to_i32 bits32 f32 i32 u32; i32_trunc_f32_s i32_trunc_sat_f32_s);
truncation_test!(truncates_f32_to_u32 bits32 f32 u32 u32; i32_trunc_f32_u i32_trunc_sat_f32_u);
truncation_test!(truncates_f64_to_i32 bits64 f64 i32 u32; i32_trunc_f64_s i32_trunc_sat_f64_s);
truncation_test!(truncates_f64_to_u32 bits64 f64 u32 u32; i32_trunc_f64_u i32_trunc_sat_f64_u);
truncation_test!(truncates_f32_to_i64 bits32 f32 i64 u64; i64_trunc_f32_s i64_trunc_sat_f32_s);
truncation_test!(truncates_f32_to_u64 bits32 f32 u64 u64; i64_trunc_f32_u i64_trunc_sat_f32_u);
truncation_test!(truncates_f64_to_i64 bits64 f64 i64 u64; i64_trunc_f64_s i64_trunc_sat_f64_s);
truncation_test!(truncates_f64_to_u64 bits64 f64 u64 u64; i64_trunc_f64_u i64_trunc_sat_f64_u);

/// An integer rounded to `digits` significant bits, to nearest even.
fn round_integer(value: i128, digits: u32) -> i128 {
    let magnitude = value.unsigned_abs();
    let excess = (128 - magnitude.leading_zeros()).saturating_sub(digits);
    let unit = 1_u128 << excess;
    let (down, rest) = (magnitude / unit, magnitude % unit);
    let up = rest * 2 > unit || rest * 2 == unit && down % 2 == 1;
    let rounded = ((down + u128::from(up)) * unit) as i128;
    if value < 0 { -rounded } else { rounded }
}

#[test]
fn integers_round_to_the_nearest_float() {
    for a in words64() {
        let narrow = a as u32;
        let (u32_value, i32_value) = (i128::from(narrow), i128::from(narrow as i32));
        let (u64_value, i64_value) = (i128::from(a), i128::from(a as i64));
        for (float, value) in [
            (f32_convert_i32_s(narrow), i32_value),
            (f32_convert_i32_u(narrow), u32_value),
            (f32_convert_i64_s(a), i64_value),
            (f32_convert_i64_u(a), u64_value),
        ] {
            assert_eq!(whole_part(float.into()), round_integer(value, 24), "{value}");
        }
        for (float, value) in [
            (f64_convert_i32_s(narrow), i32_value),
            (f64_convert_i32_u(narrow), u32_value),
            (f64_convert_i64_s(a), i64_value),
            (f64_convert_i64_u(a), u64_value),
        ] {
            assert_eq!(whole_part(float), round_integer(value, 53), "{value}");
        }
    }
    assert_eq!(f32_convert_i32_s(0).to_bits(), 0);
    assert_eq!(f32_convert_i32_s(0x0100_0001), 16_777_216.0);
    assert_eq!(f32_convert_i32_s(0x0100_0003), 16_777_220.0);
    assert_eq!(f64_convert_i64_u(u64::MAX), 18_446_744_073_709_551_616.0);
}

#[test]
fn widening_and_narrowing_lose_payloads_only() {
    for bits in bits32() {
        let a = f32::from_bits(bits);
        let wide = f64_promote_f32(a);
        if a.is_nan() {
            assert_eq!(wide.to_bits(), CANONICAL_NAN_F64);
            assert_eq!(f32_demote_f64(f64::from(a)).to_bits(), CANONICAL_NAN_F32);
        } else {
            assert_eq!(wide, f64::from(a));
            assert_eq!(f32_demote_f64(wide).to_bits(), bits);
        }
    }
    // Bits of the operand and of the result: ties, overflow, subnormals, underflow, signs.
    for (wide, narrow) in [
        (0x3ff0_0000_1000_0000, 0x3f80_0000_u32),
        (0x3ff0_0000_1000_0001, 0x3f80_0001),
        (0x3ff0_0000_3000_0000, 0x3f80_0002),
        (0x47ef_ffff_efff_ffff, 0x7f7f_ffff),
        (0x47ef_ffff_f000_0000, 0x7f80_0000),
        (0x7fef_ffff_ffff_ffff, 0x7f80_0000),
        (0xffef_ffff_ffff_ffff, 0xff80_0000),
        (0x3690_0000_0000_0000, 0x0000_0000),
        (0x3690_0000_0000_0001, 0x0000_0001),
        (0xb690_0000_0000_0000, 0x8000_0000),
        (0x380f_ffff_ffff_ffff, 0x0080_0000),
        (0x0000_0000_0000_0001, 0x0000_0000),
        (0x8000_0000_0000_0000, 0x8000_0000),
        (0x7ff0_0000_0000_0001, CANONICAL_NAN_F32),
        (0xfff8_0000_0000_0000, CANONICAL_NAN_F32),
    ] {
        assert_eq!(f32_demote_f64(f64::from_bits(wide)).to_bits(), narrow, "{wide:#x}");
    }
}

#[test]
fn reinterpretation_keeps_all_bits() {
    for bits in bits32() {
        assert_eq!(i32_reinterpret_f32(f32_reinterpret_i32(bits)), bits);
        assert_eq!(f32_reinterpret_i32(bits).to_bits(), bits);
    }
    for bits in bits64() {
        assert_eq!(i64_reinterpret_f64(f64_reinterpret_i64(bits)), bits);
        assert_eq!(f64_reinterpret_i64(bits).to_bits(), bits);
    }
}
