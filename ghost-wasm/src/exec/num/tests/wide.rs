//! Wide arithmetic against sums with carries and products by halves, which know no integer of 128 bits.

use alloc::vec::Vec;

use super::words64;
use crate::exec::num::*;

fn sum((a_low, a_high): (u64, u64), (b_low, b_high): (u64, u64)) -> (u64, u64) {
    let (low, carry) = a_low.overflowing_add(b_low);
    (low, a_high.wrapping_add(b_high).wrapping_add(u64::from(carry)))
}

fn negative((low, high): (u64, u64)) -> (u64, u64) {
    sum((!low, !high), (1, 0))
}

fn product(a: u64, b: u64) -> (u64, u64) {
    let halves = |word: u64| (word & 0xffff_ffff, word >> 32);
    let ((a0, a1), (b0, b1)) = (halves(a), halves(b));
    let mut total = (a0 * b0, a1 * b1);
    for middle in [a0 * b1, a1 * b0] {
        total = sum(total, (middle << 32, middle >> 32));
    }
    total
}

#[test]
fn wide_operators() {
    let words: Vec<u64> =
        words64().into_iter().step_by(7).take(120).chain([0, 1, 1 << 63, u64::MAX]).collect();
    for (at, &a) in words.iter().enumerate() {
        for &b in &words {
            let (c, d) = (words[(at + 3) % words.len()], a.rotate_left(7) ^ b);
            assert_eq!(i64_add128((a, c), (b, d)), sum((a, c), (b, d)));
            assert_eq!(i64_sub128((a, c), (b, d)), sum((a, c), negative((b, d))));
            assert_eq!(i64_mul_wide_u(a, b), product(a, b));
            let size = product((a as i64).unsigned_abs(), (b as i64).unsigned_abs());
            let signed = if (a ^ b) >> 63 == 1 { negative(size) } else { size };
            assert_eq!(i64_mul_wide_s(a, b), signed, "{a:#x} {b:#x}");
        }
    }
}
