//! Immediates read from a window of bytes that are known to be there, without a look at where they end. Only
//! short integers: those that every width of its kind can hold, whatever their bits.

use super::leb128;
use crate::table::ops::Op;

/// Bytes of a window: an opcode, a byte and the longest integer here.
pub const WINDOW: usize = 16;

/// The bits that say that another byte follows.
const CONTINUED: u64 = u64::from_le_bytes([leb128::CONTINUED; 8]);
/// The same of four bytes.
const CONTINUED_4: u32 = u32::from_le_bytes([leb128::CONTINUED; 4]);

/// The length of the LEB128 integer in the lowest bytes of `word`; 9 if it does not end there.
#[inline(always)]
fn len(word: u64) -> u32 {
    ((!word & CONTINUED).trailing_zeros() >> 3).wrapping_add(1)
}

/// The same in four bytes; 5 if it does not end there.
#[inline(always)]
fn len_4(word: u32) -> u32 {
    ((!word & CONTINUED_4).trailing_zeros() >> 3).wrapping_add(1)
}

/// The payload of an integer of so many bytes, 1 to 8, in the lowest ones of `word`.
#[inline(always)]
fn unsigned_of(word: u64, len: u32) -> u64 {
    // The length's bytes, then groups of 7, 14 and 28 bits moved together.
    let bits = word & (u64::MAX >> (64_u32.wrapping_sub(len.wrapping_mul(8)) & 63)) & !CONTINUED;
    let pairs = bits & 0x007f_007f_007f_007f | (bits & 0x7f00_7f00_7f00_7f00) >> 1;
    let fours = pairs & 0x0000_3fff_0000_3fff | (pairs & 0x3fff_0000_3fff_0000) >> 2;
    fours & 0x0fff_ffff | (fours & 0x0fff_ffff_0000_0000) >> 4
}

/// The same of 1 to 4 bytes.
#[inline(always)]
fn unsigned_of_4(word: u32, len: u32) -> u32 {
    let bits = word & (u32::MAX >> (32_u32.wrapping_sub(len.wrapping_mul(8)) & 31)) & !CONTINUED_4;
    let pairs = bits & 0x007f_007f | (bits & 0x7f00_7f00) >> 1;
    pairs & 0x3fff | (pairs & 0x3fff_0000) >> 2
}

/// The low half of a word.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
fn low(word: u64) -> u32 {
    word as u32
}

/// A `u32` of at most four bytes, with its length.
#[inline(always)]
pub fn u32(word: u64) -> Option<(u32, u32)> {
    let word = low(word);
    // Almost all have one byte.
    if word & 0x80 == 0 {
        return Some((word & 0x7f, 1));
    }
    let len = len_4(word);
    (len <= 4).then(|| (unsigned_of_4(word, len), len))
}

/// A signed integer of at most four bytes, sign-extended, with its length.
#[inline(always)]
pub fn s32(word: u64) -> Option<(u64, u32)> {
    let word = low(word);
    let len = len_4(word);
    let unused = 32_u32.wrapping_sub(len.wrapping_mul(7)) & 31;
    let value = (unsigned_of_4(word, len) << unused).cast_signed() >> unused;
    (len <= 4).then(|| (i64::from(value).cast_unsigned(), len))
}

/// The same of at most eight bytes.
#[inline(always)]
pub fn s64(word: u64) -> Option<(u64, u32)> {
    let len = len(word);
    let unused = 64_u32.wrapping_sub(len.wrapping_mul(7)) & 63;
    let value = (unsigned_of(word, len) << unused).cast_signed() >> unused;
    (len <= 8).then(|| (value.cast_unsigned(), len))
}

/// An operator that only puts a value on the stack, with its length: what half of all code consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    LocalGet(u32),
    /// Sign-extended.
    I32Const(u64),
}

const LOCAL_GET: u8 = Op::LocalGet.code().to_le_bytes()[0];
const I32_CONST: u8 = Op::I32Const.code().to_le_bytes()[0];

/// Such an operator at the start of valid code, if its immediate is short.
#[inline(always)]
pub fn value(code: &[u8]) -> Option<(Value, usize)> {
    let &[byte, rest @ ..] = code.first_chunk::<9>()?;
    match byte {
        LOCAL_GET => {
            let (local, len) = u32(u64::from_le_bytes(rest))?;
            Some((Value::LocalGet(local), len.wrapping_add(1) as usize))
        }
        I32_CONST => {
            let (value, len) = s32(u64::from_le_bytes(rest))?;
            Some((Value::I32Const(value), len.wrapping_add(1) as usize))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{s32, s64, u32};
    use crate::binary::cursor::Cursor;

    /// Every length and the values around every change of length, against the reader byte by byte.
    #[test]
    fn reads_what_the_cursor_reads() {
        let mut words = 0;
        for len in 1..=8_u32 {
            for pattern in 0..64_u64 {
                let mut bytes = [0xff_u8; 16];
                for (at, byte) in bytes.iter_mut().take(len as usize).enumerate() {
                    let mixed = pattern.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (at * 7);
                    let payload = mixed.to_le_bytes()[0] & 0x7f;
                    let payload = match pattern {
                        0 => 0,
                        1 => 0x7f,
                        2 => 0x40,
                        3 => 0x3f,
                        _ => payload,
                    };
                    *byte = payload | if at + 1 == len as usize { 0 } else { 0x80 };
                }
                let word = u64::from_le_bytes(*bytes.first_chunk().expect("16 bytes"));
                let whole = |bytes| Cursor::new(bytes);
                if len <= 4 {
                    let mut c = whole(&bytes);
                    assert_eq!(u32(word), Some((c.u32().expect("short"), len)));
                    let mut c = whole(&bytes);
                    assert_eq!(s32(word), Some((c.s32().expect("short").cast_unsigned(), len)));
                } else {
                    assert_eq!(u32(word), None);
                    assert_eq!(s32(word), None);
                }
                let mut c = whole(&bytes);
                assert_eq!(s64(word), Some((c.s64().expect("short").cast_unsigned(), len)));
                words += 1;
            }
        }
        assert_eq!(words, 512);
        assert_eq!(s64(u64::MAX), None);
    }
}
