//! Integer operators. The operands are bit patterns; signed operators look at them as two's complement.

use super::{NumTrap, both_widths};

both_widths! { u32 | u64;
    /// Sum modulo 2^N.
    i32_add i64_add (a, b) -> same = a.wrapping_add(b);
    /// Difference modulo 2^N.
    i32_sub i64_sub (a, b) -> same = a.wrapping_sub(b);
    /// Product modulo 2^N.
    i32_mul i64_mul (a, b) -> same = a.wrapping_mul(b);

    /// Signed quotient, rounded towards zero. Traps for a zero divisor and for `MIN / -1`.
    i32_div_s i64_div_s (a, b) -> partial = {
        if b == 0 {
            return Err(NumTrap::DivisionByZero);
        }
        match a.cast_signed().checked_div(b.cast_signed()) {
            Some(quotient) => Ok(quotient.cast_unsigned()),
            None => Err(NumTrap::IntegerOverflow),
        }
    };
    /// Unsigned quotient, rounded towards zero. Traps for a zero divisor.
    i32_div_u i64_div_u (a, b) -> partial = a.checked_div(b).ok_or(NumTrap::DivisionByZero);
    /// Remainder of the signed division, with the sign of the dividend. Traps for a zero divisor only: the
    /// remainder of `MIN / -1` is 0 although the quotient overflows.
    i32_rem_s i64_rem_s (a, b) -> partial = {
        if b == 0 {
            return Err(NumTrap::DivisionByZero);
        }
        Ok(a.cast_signed().wrapping_rem(b.cast_signed()).cast_unsigned())
    };
    /// Remainder of the unsigned division. Traps for a zero divisor.
    i32_rem_u i64_rem_u (a, b) -> partial = a.checked_rem(b).ok_or(NumTrap::DivisionByZero);

    /// Bitwise and.
    i32_and i64_and (a, b) -> same = a & b;
    /// Bitwise or.
    i32_or i64_or (a, b) -> same = a | b;
    /// Bitwise exclusive or.
    i32_xor i64_xor (a, b) -> same = a ^ b;
    // Shifts and rotations count modulo N. N divides 2^32, so the low half of a 64-bit count is enough.
    /// Shift left by `b` modulo N.
    i32_shl i64_shl (a, b) -> same = a.wrapping_shl(b as u32);
    /// Shift right by `b` modulo N, filling with the sign.
    i32_shr_s i64_shr_s (a, b) -> same = a.cast_signed().wrapping_shr(b as u32).cast_unsigned();
    /// Shift right by `b` modulo N, filling with zeros.
    i32_shr_u i64_shr_u (a, b) -> same = a.wrapping_shr(b as u32);
    /// Rotation left by `b` modulo N.
    i32_rotl i64_rotl (a, b) -> same = a.rotate_left(b as u32);
    /// Rotation right by `b` modulo N.
    i32_rotr i64_rotr (a, b) -> same = a.rotate_right(b as u32);

    /// Count of leading zeros; N for 0.
    i32_clz i64_clz (a) -> same = a.leading_zeros() as _;
    /// Count of trailing zeros; N for 0.
    i32_ctz i64_ctz (a) -> same = a.trailing_zeros() as _;
    /// Count of ones.
    i32_popcnt i64_popcnt (a) -> same = a.count_ones() as _;

    /// The low 8 bits, sign-extended.
    i32_extend8_s i64_extend8_s (a) -> same = (a as i8) as _;
    /// The low 16 bits, sign-extended.
    i32_extend16_s i64_extend16_s (a) -> same = (a as i16) as _;

    /// Is it zero?
    i32_eqz i64_eqz (a) -> bool = a == 0;
    /// Equal.
    i32_eq i64_eq (a, b) -> bool = a == b;
    /// Not equal.
    i32_ne i64_ne (a, b) -> bool = a != b;
    /// Signed less than.
    i32_lt_s i64_lt_s (a, b) -> bool = a.cast_signed() < b.cast_signed();
    /// Unsigned less than.
    i32_lt_u i64_lt_u (a, b) -> bool = a < b;
    /// Signed greater than.
    i32_gt_s i64_gt_s (a, b) -> bool = a.cast_signed() > b.cast_signed();
    /// Unsigned greater than.
    i32_gt_u i64_gt_u (a, b) -> bool = a > b;
    /// Signed less than or equal.
    i32_le_s i64_le_s (a, b) -> bool = a.cast_signed() <= b.cast_signed();
    /// Unsigned less than or equal.
    i32_le_u i64_le_u (a, b) -> bool = a <= b;
    /// Signed greater than or equal.
    i32_ge_s i64_ge_s (a, b) -> bool = a.cast_signed() >= b.cast_signed();
    /// Unsigned greater than or equal.
    i32_ge_u i64_ge_u (a, b) -> bool = a >= b;
}

/// The low 32 bits, sign-extended.
#[inline(always)]
pub fn i64_extend32_s(a: u64) -> u64 {
    (a as i32) as u64
}
