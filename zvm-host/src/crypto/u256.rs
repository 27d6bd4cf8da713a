//! Arithmetic on unsigned 256-bit numbers as contracts see it: 32 bytes, little-endian, modulo 2^256. Dividing by 0
//! gives 0, and so does a modulus of 0, as in the EVM. The numbers are `ruint`'s (docs/decisions/0010).

use ruint::aliases::U256;

#[cfg(test)]
mod tests;

/// A number, little-endian.
pub type Word = [u8; 32];

fn number(word: &Word) -> U256 {
    U256::from_le_bytes(*word)
}

fn word(number: U256) -> Word {
    number.to_le_bytes()
}

/// a + b, and whether it overflowed.
pub fn add(a: &Word, b: &Word) -> (Word, bool) {
    let (sum, overflowed) = number(a).overflowing_add(number(b));
    (word(sum), overflowed)
}

/// a − b, and whether b is larger.
pub fn sub(a: &Word, b: &Word) -> (Word, bool) {
    let (difference, overflowed) = number(a).overflowing_sub(number(b));
    (word(difference), overflowed)
}

/// a · b, and whether it overflowed.
pub fn mul(a: &Word, b: &Word) -> (Word, bool) {
    let (product, overflowed) = number(a).overflowing_mul(number(b));
    (word(product), overflowed)
}

/// a / b, rounded down; 0 if b is 0.
pub fn div(a: &Word, b: &Word) -> Word {
    word(number(a).checked_div(number(b)).unwrap_or_default())
}

/// a mod b; 0 if b is 0.
pub fn rem(a: &Word, b: &Word) -> Word {
    word(number(a).checked_rem(number(b)).unwrap_or_default())
}

/// a + b mod a modulus, the sum not cut to 256 bits; 0 if the modulus is 0.
pub fn add_mod(a: &Word, b: &Word, modulus: &Word) -> Word {
    word(number(a).add_mod(number(b), number(modulus)))
}

/// a · b mod a modulus, the product not cut to 256 bits; 0 if the modulus is 0.
pub fn mul_mod(a: &Word, b: &Word, modulus: &Word) -> Word {
    word(number(a).mul_mod(number(b), number(modulus)))
}

/// A power; 0 to the 0 is 1. At most 16 multiplications for each of the exponent's [`significant_bytes`].
pub fn pow(base: &Word, exponent: &Word) -> Word {
    word(number(base).wrapping_pow(number(exponent)))
}

/// A power mod a modulus; 0 if the modulus is 0. At most 16 [`mul_mod`] for each of the exponent's
/// [`significant_bytes`].
pub fn pow_mod(base: &Word, exponent: &Word, modulus: &Word) -> Word {
    word(number(base).pow_mod(number(exponent), number(modulus)))
}

/// −1, 0 or 1: a is less than b, equal, greater.
pub fn cmp(a: &Word, b: &Word) -> i32 {
    i32::from(number(a) > number(b)).wrapping_sub(i32::from(number(a) < number(b)))
}

/// Bytes up to the highest that is not 0.
pub fn significant_bytes(word: &Word) -> usize {
    number(word).byte_len()
}
