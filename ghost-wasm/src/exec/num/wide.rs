//! Wide arithmetic: integers of 128 bits in two halves, the low one first.

/// A 128-bit integer of its halves.
#[inline(always)]
fn join((low, high): (u64, u64)) -> u128 {
    u128::from(low) | u128::from(high) << 64
}

/// The halves of a 128-bit integer.
#[inline(always)]
fn split(value: u128) -> (u64, u64) {
    (value as u64, (value >> 64) as u64)
}

/// Sum modulo 2^128.
#[inline(always)]
pub fn i64_add128(a: (u64, u64), b: (u64, u64)) -> (u64, u64) {
    split(join(a).wrapping_add(join(b)))
}

/// Difference modulo 2^128.
#[inline(always)]
pub fn i64_sub128(a: (u64, u64), b: (u64, u64)) -> (u64, u64) {
    split(join(a).wrapping_sub(join(b)))
}

/// The whole product of two signed integers.
#[inline(always)]
pub fn i64_mul_wide_s(a: u64, b: u64) -> (u64, u64) {
    let product = i128::from(a.cast_signed()).wrapping_mul(i128::from(b.cast_signed()));
    split(product.cast_unsigned())
}

/// The whole product of two unsigned integers.
#[inline(always)]
pub fn i64_mul_wide_u(a: u64, b: u64) -> (u64, u64) {
    split(u128::from(a).wrapping_mul(u128::from(b)))
}
