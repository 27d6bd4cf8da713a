//! Every operation against `ethnum`, which shares no code with `ruint`. It has no modular arithmetic: there the
//! judge adds and doubles, one bit at a time.

use ethnum::U256 as Judge;
use proptest::prelude::*;

use super::*;

const ZERO: Word = [0; 32];
const MAX: Word = [0xff; 32];

fn small(number: u8) -> Word {
    let mut word = ZERO;
    word[0] = number;
    word
}

fn judge(word: &Word) -> Judge {
    Judge::from_le_bytes(*word)
}

/// a + b mod m, of a and b below m.
fn judge_add(a: Judge, b: Judge, m: Judge) -> Judge {
    let (sum, carry) = a.overflowing_add(b);
    if carry || sum >= m { sum.wrapping_sub(m) } else { sum }
}

fn judge_add_mod(a: Judge, b: Judge, m: Judge) -> Judge {
    if m == 0 { Judge::ZERO } else { judge_add(a % m, b % m, m) }
}

fn judge_mul_mod(a: Judge, b: Judge, m: Judge) -> Judge {
    if m == 0 {
        return Judge::ZERO;
    }
    let mut product = Judge::ZERO;
    for bit in (0..256).rev() {
        product = judge_add(product, product, m);
        if (b >> bit) & Judge::ONE == Judge::ONE {
            product = judge_add(product, a % m, m);
        }
    }
    product
}

/// The exponent from its highest bit down; `times` multiplies.
fn judge_power(base: Judge, exponent: Judge, one: Judge, times: impl Fn(Judge, Judge) -> Judge) -> Judge {
    (0..256 - exponent.leading_zeros()).rev().fold(one, |power, bit| {
        let square = times(power, power);
        if (exponent >> bit) & Judge::ONE == Judge::ONE { times(square, base) } else { square }
    })
}

fn check(a: &Word, b: &Word, m: &Word) {
    let (x, y, n) = (judge(a), judge(b), judge(m));
    let flagged = |(result, flag): (Judge, bool)| (result.to_le_bytes(), flag);
    assert_eq!(add(a, b), flagged(x.overflowing_add(y)), "{x} + {y}");
    assert_eq!(sub(a, b), flagged(x.overflowing_sub(y)), "{x} - {y}");
    assert_eq!(mul(a, b), flagged(x.overflowing_mul(y)), "{x} * {y}");
    assert_eq!(div(a, b), x.checked_div(y).unwrap_or(Judge::ZERO).to_le_bytes(), "{x} / {y}");
    assert_eq!(rem(a, b), x.checked_rem(y).unwrap_or(Judge::ZERO).to_le_bytes(), "{x} % {y}");
    assert_eq!(cmp(a, b), x.cmp(&y) as i32, "{x} <=> {y}");
    assert_eq!(add_mod(a, b, m), judge_add_mod(x, y, n).to_le_bytes(), "{x} + {y} mod {n}");
    assert_eq!(mul_mod(a, b, m), judge_mul_mod(x, y, n).to_le_bytes(), "{x} * {y} mod {n}");
    let bytes = a.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    assert_eq!(significant_bytes(a), bytes, "{x}");
}

fn check_powers(a: &Word, b: &Word, m: &Word) {
    let (x, y, n) = (judge(a), judge(b), judge(m));
    let power = judge_power(x, y, Judge::ONE, Judge::wrapping_mul);
    assert_eq!(pow(a, b), power.to_le_bytes(), "{x} ^ {y}");
    let one = if n <= 1 { Judge::ZERO } else { Judge::ONE };
    let power = judge_power(x, y, one, |a, b| judge_mul_mod(a, b, n));
    assert_eq!(pow_mod(a, b, m), power.to_le_bytes(), "{x} ^ {y} mod {n}");
}

/// Numbers at whose edges implementations slip: ends of the range and of each limb, and their neighbours.
fn edges() -> Vec<Word> {
    let mut edges = vec![ZERO, small(1), small(2), small(3), MAX];
    for bit in [63, 64, 127, 128, 191, 192, 255] {
        let power = Judge::ONE << bit;
        edges.extend([power - 1, power, power + 1].map(Judge::to_le_bytes));
    }
    edges.extend([Judge::MAX - 1, Judge::MAX - 2].map(Judge::to_le_bytes));
    edges
}

#[test]
fn edges_agree() {
    let edges = edges();
    for a in &edges {
        for b in &edges {
            for m in &edges {
                check(a, b, m);
            }
        }
    }
}

#[test]
fn powers_of_edges_agree() {
    let edges = edges();
    let few = [&edges[0], &edges[1], &edges[3], &edges[4], &edges[10], &edges[25]];
    for a in few {
        for b in few {
            for m in few {
                check_powers(a, b, m);
            }
        }
    }
}

/// What the documentation says, in numbers that one can check by hand.
#[test]
fn the_rules_by_hand() {
    assert_eq!(add(&MAX, &small(1)), (ZERO, true));
    assert_eq!(add(&MAX, &ZERO), (MAX, false));
    assert_eq!(sub(&ZERO, &small(1)), (MAX, true));
    assert_eq!(mul(&MAX, &MAX), (small(1), true));
    assert_eq!(mul(&MAX, &small(1)), (MAX, false));
    for a in [ZERO, small(1), MAX] {
        assert_eq!(div(&a, &ZERO), ZERO);
        assert_eq!(rem(&a, &ZERO), ZERO);
        for b in [ZERO, small(1), MAX] {
            for modulus in [ZERO, small(1)] {
                assert_eq!(add_mod(&a, &b, &modulus), ZERO);
                assert_eq!(mul_mod(&a, &b, &modulus), ZERO);
                assert_eq!(pow_mod(&a, &b, &modulus), ZERO);
            }
        }
    }
    // Neither sum nor product is cut before it is reduced: 2^256 = 6 mod 10.
    assert_eq!(add_mod(&MAX, &small(1), &small(10)), small(6));
    assert_eq!(mul_mod(&MAX, &MAX, &small(10)), small(5));
    assert_eq!(pow(&ZERO, &ZERO), small(1));
    assert_eq!(pow(&ZERO, &MAX), ZERO);
    assert_eq!(pow(&MAX, &MAX), MAX);
    assert_eq!(pow(&small(3), &small(5)), small(243));
    assert_eq!(pow_mod(&ZERO, &ZERO, &small(7)), small(1));
    assert_eq!(pow_mod(&small(3), &small(5), &small(7)), small(5));
    // Fermat: x^(p−1) = 1 for the prime 2^255 − 19.
    let mut prime = MAX;
    (prime[0], prime[31]) = (0xed, 0x7f);
    assert_eq!(pow_mod(&small(2), &sub(&prime, &small(1)).0, &prime), small(1));
    assert_eq!([cmp(&ZERO, &MAX), cmp(&MAX, &MAX), cmp(&MAX, &ZERO)], [-1, 0, 1]);
    assert_eq!([ZERO, small(1), MAX].map(|word| significant_bytes(&word)), [0, 1, 32]);
}

/// A number of any length, with limbs of zeros and ones among random ones.
fn words() -> impl Strategy<Value = Word> {
    let limb = prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), Just(1 << 63), 0..4u64];
    let limbs = (proptest::array::uniform4(limb), 0..=4usize).prop_map(|(limbs, used)| {
        let mut word = ZERO;
        for (chunk, limb) in word.chunks_mut(8).zip(&limbs[..used]) {
            chunk.copy_from_slice(&limb.to_le_bytes());
        }
        word
    });
    prop_oneof![4 => limbs, 1 => proptest::sample::select(edges())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn operations_agree(a in words(), b in words(), m in words()) {
        check(&a, &b, &m);
        // Quotients with a remainder next to the divisor.
        check(&mul(&a, &b).0, &b, &add(&m, &b).0);
        check(&sub(&mul(&a, &b).0, &small(1)).0, &b, &a);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn powers_agree(a in words(), b in words(), m in words()) {
        check_powers(&a, &b, &m);
    }
}
