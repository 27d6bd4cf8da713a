//! Rounding to whole numbers, exact and with the sign of zero kept, without an instruction for it: the
//! baseline of x86-64 has none, and `core` offers none.

use super::{FloatBits, both_widths, f32_abs, f32_copysign, f64_abs, f64_copysign};

both_widths! { f32 | f64;
    /// The smallest whole number not below; -0 for what lies above -1 and below 0.
    f32_ceil f64_ceil (a) -> same = {
        let cut = a.cut();
        // Only a positive value lies above its cut; one more is exact, since fractions end long before 2^53.
        if a > cut { cut + 1.0 } else { cut }
    };
    /// The largest whole number not above.
    f32_floor f64_floor (a) -> same = {
        let cut = a.cut();
        if a < cut { cut - 1.0 } else { cut }
    };
    /// The whole number next towards zero.
    f32_trunc f64_trunc (a) -> same = a.cut();
    /// The nearest whole number, of two equally near ones the even one.
    f32_nearest f64_nearest (a) -> same = a.round_even();
}

/// The two ways of rounding the operators are made of. Both answer a NaN with the canonical one.
trait Round {
    /// Rounds towards zero.
    fn cut(self) -> Self;
    /// Rounds to nearest, ties to even.
    fn round_even(self) -> Self;
}

/// `$copysign` and `$abs` are the type's operators, `$fraction` the width of its fraction field and `$bias`
/// that of its exponent.
macro_rules! impl_round {
    ($float:ty, $bits:ty, $abs:ident, $copysign:ident, $fraction:literal, $bias:literal) => {
        impl Round for $float {
            #[inline(always)]
            fn cut(self) -> Self {
                let magnitude = $abs(self);
                if magnitude < 1.0 {
                    return $copysign(0.0, self);
                }
                if magnitude < Self::WHOLE_FROM {
                    let bits = self.to_bits();
                    // The exponent lies in 0..fraction here, so it counts the fraction bits worth keeping.
                    let exponent = (magnitude.to_bits() >> $fraction) - $bias;
                    let dropped = (<$bits>::MAX >> (<$bits>::BITS - $fraction)) >> exponent;
                    return Self::from_bits(bits & !dropped);
                }
                self.canonical()
            }

            #[inline(always)]
            fn round_even(self) -> Self {
                let magnitude = $abs(self);
                if magnitude < Self::WHOLE_FROM {
                    // From 2^fraction on, neighbours lie 1 apart: the sum is rounded to a whole number in
                    // just the way wanted, and taking the addend off again is exact.
                    return $copysign((magnitude + Self::WHOLE_FROM) - Self::WHOLE_FROM, self);
                }
                self.canonical()
            }
        }
    };
}

impl_round!(f32, u32, f32_abs, f32_copysign, 23, 127);
impl_round!(f64, u64, f64_abs, f64_copysign, 52, 1023);
