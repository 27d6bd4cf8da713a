//! Arithmetic on 256-bit numbers: 32 bytes each, little-endian. Operands may overlap the result, since all are
//! read before it is written.

use super::super::host::{Guest, HostEnd};
use super::charge_len;
use crate::crypto::u256::{self, Word};
use crate::table::host_fns::{HostFn, row};

pub fn u256_add(guest: &mut impl Guest, a: u32, b: u32, out: u32) -> Result<i32, HostEnd> {
    put_flagged(guest, [a, b], out, |[a, b]| u256::add(a, b))
}

pub fn u256_sub(guest: &mut impl Guest, a: u32, b: u32, out: u32) -> Result<i32, HostEnd> {
    put_flagged(guest, [a, b], out, |[a, b]| u256::sub(a, b))
}

pub fn u256_mul(guest: &mut impl Guest, a: u32, b: u32, out: u32) -> Result<i32, HostEnd> {
    put_flagged(guest, [a, b], out, |[a, b]| u256::mul(a, b))
}

pub fn u256_div(guest: &mut impl Guest, a: u32, b: u32, out: u32) -> Result<(), HostEnd> {
    put(guest, [a, b], out, |[a, b]| u256::div(a, b))
}

pub fn u256_rem(guest: &mut impl Guest, a: u32, b: u32, out: u32) -> Result<(), HostEnd> {
    put(guest, [a, b], out, |[a, b]| u256::rem(a, b))
}

pub fn u256_addmod(guest: &mut impl Guest, a: u32, b: u32, modulus: u32, out: u32) -> Result<(), HostEnd> {
    put(guest, [a, b, modulus], out, |[a, b, modulus]| u256::add_mod(a, b, modulus))
}

pub fn u256_mulmod(guest: &mut impl Guest, a: u32, b: u32, modulus: u32, out: u32) -> Result<(), HostEnd> {
    put(guest, [a, b, modulus], out, |[a, b, modulus]| u256::mul_mod(a, b, modulus))
}

pub fn u256_pow(guest: &mut impl Guest, base: u32, exponent: u32, out: u32) -> Result<(), HostEnd> {
    let [base, exponent] = read(guest, [base, exponent])?;
    let out = guest.range(out, 32)?;
    charge_exponent(guest, &row::u256_pow, &exponent)?;
    guest.put(out, &u256::pow(&base, &exponent));
    Ok(())
}

pub fn u256_powmod(
    guest: &mut impl Guest,
    base: u32,
    exponent: u32,
    modulus: u32,
    out: u32,
) -> Result<(), HostEnd> {
    let [base, exponent, modulus] = read(guest, [base, exponent, modulus])?;
    let out = guest.range(out, 32)?;
    charge_exponent(guest, &row::u256_powmod, &exponent)?;
    guest.put(out, &u256::pow_mod(&base, &exponent, &modulus));
    Ok(())
}

pub fn u256_cmp(guest: &mut impl Guest, a: u32, b: u32) -> Result<i32, HostEnd> {
    let [a, b] = read(guest, [a, b])?;
    Ok(u256::cmp(&a, &b))
}

/// Reads operands; their ranges are checked in order.
fn read<const N: usize>(guest: &impl Guest, operands: [u32; N]) -> Result<[Word; N], HostEnd> {
    let mut words = [Word::default(); N];
    for (word, ptr) in words.iter_mut().zip(operands) {
        *word = guest.array(guest.range(ptr, 32)?);
    }
    Ok(words)
}

/// Writes what comes of operands.
fn put<const N: usize>(
    guest: &mut impl Guest,
    operands: [u32; N],
    out: u32,
    of: impl FnOnce(&[Word; N]) -> Word,
) -> Result<(), HostEnd> {
    let words = read(guest, operands)?;
    let out = guest.range(out, 32)?;
    guest.put(out, &of(&words));
    Ok(())
}

/// Writes what comes of operands; 1 if it did not fit.
fn put_flagged<const N: usize>(
    guest: &mut impl Guest,
    operands: [u32; N],
    out: u32,
    of: impl FnOnce(&[Word; N]) -> (Word, bool),
) -> Result<i32, HostEnd> {
    let words = read(guest, operands)?;
    let out = guest.range(out, 32)?;
    let (result, overflowed) = of(&words);
    guest.put(out, &result);
    Ok(i32::from(overflowed))
}

/// Squarings and multiplications follow the length of the exponent, so it is paid by the byte.
fn charge_exponent(guest: &mut impl Guest, row: &HostFn, exponent: &Word) -> Result<(), HostEnd> {
    charge_len(guest, row, u256::significant_bytes(exponent))
}
