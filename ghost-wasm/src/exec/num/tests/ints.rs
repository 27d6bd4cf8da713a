//! Integer operators against 128-bit arithmetic and the standard library's checked operations.

use super::*;

/// Neighbours of the list as pairs, and each value with the divisors and counts that matter most.
fn pairs<T: Copy>(values: &[T], edges: &[T]) -> Vec<(T, T)> {
    let mut pairs: Vec<(T, T)> = values.windows(2).map(|two| (two[0], two[1])).collect();
    for &a in values.iter().take(1000) {
        pairs.extend(edges.iter().map(|&b| (a, b)));
    }
    pairs
}

macro_rules! int_tests {
    (
        $module:ident $carrier:ident $signed:ident $words:ident; $add:ident $sub:ident $mul:ident
        $div_s:ident $div_u:ident $rem_s:ident $rem_u:ident
        $and:ident $or:ident $xor:ident $shl:ident $shr_s:ident $shr_u:ident $rotl:ident $rotr:ident
        $clz:ident $ctz:ident $popcnt:ident $extend8:ident $extend16:ident
        $eqz:ident $eq:ident $ne:ident $lt_s:ident $lt_u:ident $gt_s:ident $gt_u:ident
        $le_s:ident $le_u:ident $ge_s:ident $ge_u:ident
    ) => {
        mod $module {
            use super::*;

            const MIN: $carrier = $signed::MIN as $carrier;
            const MAX: $carrier = $signed::MAX as $carrier;
            const ONES: $carrier = $carrier::MAX;
            const BITS: $carrier = $carrier::BITS as $carrier;

            fn operands() -> Vec<($carrier, $carrier)> {
                let edges = [0, 1, 2, 7, BITS - 1, BITS, BITS + 1, MIN, MAX, ONES, ONES - 1];
                let mut values: Vec<$carrier> = edges.to_vec();
                values.extend($words());
                pairs(&values, &edges)
            }

            #[test]
            fn arithmetic_wraps() {
                for (a, b) in operands() {
                    let (wide_a, wide_b) = (a as i128, b as i128);
                    assert_eq!($add(a, b), (wide_a + wide_b) as $carrier, "{a} {b}");
                    assert_eq!($sub(a, b), (wide_a - wide_b) as $carrier, "{a} {b}");
                    assert_eq!($mul(a, b), (a as u128).wrapping_mul(b as u128) as $carrier, "{a} {b}");
                    assert_eq!(($and(a, b), $or(a, b), $xor(a, b)), (a & b, a | b, a ^ b), "{a} {b}");
                }
            }

            #[test]
            fn division_traps_where_it_must() {
                for (a, b) in operands() {
                    let (wide_a, wide_b) = (a as $signed as i128, b as $signed as i128);
                    let zero = Err(NumTrap::DivisionByZero);
                    let (mut div_s, mut div_u, mut rem_s, mut rem_u) = (zero, zero, zero, zero);
                    if b != 0 {
                        let quotient = wide_a / wide_b;
                        div_s = if quotient > $signed::MAX as i128 {
                            Err(NumTrap::IntegerOverflow)
                        } else {
                            Ok(quotient as $carrier)
                        };
                        div_u = Ok((a as u128 / b as u128) as $carrier);
                        rem_s = Ok((wide_a % wide_b) as $carrier);
                        rem_u = Ok((a as u128 % b as u128) as $carrier);
                    }
                    assert_eq!($div_s(a, b), div_s, "{a} {b}");
                    assert_eq!($div_u(a, b), div_u, "{a} {b}");
                    assert_eq!($rem_s(a, b), rem_s, "{a} {b}");
                    assert_eq!($rem_u(a, b), rem_u, "{a} {b}");
                }
                assert_eq!($div_s(MIN, ONES), Err(NumTrap::IntegerOverflow));
                assert_eq!($rem_s(MIN, ONES), Ok(0));
                assert_eq!($div_s(MIN, 0), Err(NumTrap::DivisionByZero));
                assert_eq!($div_u(MIN, ONES), Ok(0));
            }

            #[test]
            fn shifts_count_modulo_the_width() {
                for (a, b) in operands() {
                    let count = (b % BITS) as u32;
                    let twice = (a as u128) << $carrier::BITS | a as u128;
                    assert_eq!($shl(a, b), ((a as u128) << count) as $carrier, "{a} {b}");
                    assert_eq!($shr_u(a, b), ((a as u128) >> count) as $carrier, "{a} {b}");
                    assert_eq!($shr_s(a, b), ((a as $signed as i128) >> count) as $carrier, "{a} {b}");
                    assert_eq!($rotl(a, b), ((twice << count) >> $carrier::BITS) as $carrier, "{a} {b}");
                    assert_eq!($rotr(a, b), (twice >> count) as $carrier, "{a} {b}");
                }
            }

            #[test]
            fn counts_match_the_digits() {
                for a in $words() {
                    let digits = format!("{a:0width$b}", width = BITS as usize);
                    let run = |digits: &mut dyn Iterator<Item = char>| {
                        digits.take_while(|&digit| digit == '0').count() as $carrier
                    };
                    assert_eq!($clz(a), run(&mut digits.chars()), "{a}");
                    assert_eq!($ctz(a), run(&mut digits.chars().rev()), "{a}");
                    assert_eq!($popcnt(a), digits.matches('1').count() as $carrier, "{a}");
                }
                assert_eq!(($clz(0), $ctz(0), $popcnt(0)), (BITS, BITS, 0));
            }

            #[test]
            fn extension_copies_the_sign() {
                let extend = |a: $carrier, bits: u32| {
                    let sign = (1 as $carrier) << (bits - 1);
                    let low = a & (sign | (sign - 1));
                    if a & sign == 0 { low } else { low.wrapping_sub(sign << 1) }
                };
                for a in $words() {
                    assert_eq!($extend8(a), extend(a, 8), "{a}");
                    assert_eq!($extend16(a), extend(a, 16), "{a}");
                }
                assert_eq!(($extend8(0x80), $extend8(0x17f)), ((-128 as $signed) as $carrier, 127));
                assert_eq!(($extend16(0x8000), $extend16(0x17fff)), ((-32768 as $signed) as $carrier, 32767));
            }

            #[test]
            fn comparisons_see_the_sign_they_should() {
                for (a, b) in operands().into_iter().flat_map(|(a, b)| [(a, b), (a, a)]) {
                    use core::cmp::Ordering::{Greater, Less};
                    let unsigned = a.cmp(&b);
                    let signed = (a as $signed).cmp(&(b as $signed));
                    assert_eq!(($eq(a, b), $ne(a, b)), (a == b, a != b), "{a} {b}");
                    assert_eq!(($lt_u(a, b), $ge_u(a, b)), (unsigned == Less, unsigned != Less), "{a} {b}");
                    assert_eq!(
                        ($gt_u(a, b), $le_u(a, b)),
                        (unsigned == Greater, unsigned != Greater),
                        "{a} {b}"
                    );
                    assert_eq!(($lt_s(a, b), $ge_s(a, b)), (signed == Less, signed != Less), "{a} {b}");
                    assert_eq!(($gt_s(a, b), $le_s(a, b)), (signed == Greater, signed != Greater), "{a} {b}");
                    assert_eq!($eqz(a), a == 0, "{a}");
                }
                assert_eq!(($lt_s(ONES, 0), $lt_u(ONES, 0)), (true, false));
            }
        }
    };
}

int_tests! {
    narrow u32 i32 words32; i32_add i32_sub i32_mul i32_div_s i32_div_u i32_rem_s i32_rem_u
    i32_and i32_or i32_xor i32_shl i32_shr_s i32_shr_u i32_rotl i32_rotr
    i32_clz i32_ctz i32_popcnt i32_extend8_s i32_extend16_s
    i32_eqz i32_eq i32_ne i32_lt_s i32_lt_u i32_gt_s i32_gt_u i32_le_s i32_le_u i32_ge_s i32_ge_u
}

int_tests! {
    wide u64 i64 words64; i64_add i64_sub i64_mul i64_div_s i64_div_u i64_rem_s i64_rem_u
    i64_and i64_or i64_xor i64_shl i64_shr_s i64_shr_u i64_rotl i64_rotr
    i64_clz i64_ctz i64_popcnt i64_extend8_s i64_extend16_s
    i64_eqz i64_eq i64_ne i64_lt_s i64_lt_u i64_gt_s i64_gt_u i64_le_s i64_le_u i64_ge_s i64_ge_u
}

#[test]
fn widths_convert() {
    for a in words64() {
        assert_eq!(u64::from(i32_wrap_i64(a)), a & 0xffff_ffff);
        assert_eq!(i64_extend_i32_u(a as u32), a & 0xffff_ffff);
        assert_eq!(i64_extend_i32_s(a as u32), i64_extend32_s(a));
        let high = if a & 0x8000_0000 == 0 { 0 } else { 0xffff_ffff };
        assert_eq!(i64_extend32_s(a), high << 32 | a & 0xffff_ffff);
    }
}
