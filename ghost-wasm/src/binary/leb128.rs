//! LEB128 integers: at most ceil(N/7) bytes for N bits, padding within that allowed, the unused bits of the
//! last byte equal to what the value extends with.
//!
//! <https://www.w3.org/TR/wasm-core-2/#integers%E2%91%A4>

use super::cursor::{Cursor, Fault, Read};
use crate::table::errors::ErrorCode;

/// Another byte of the integer follows.
pub const CONTINUED: u8 = 0x80;
const PAYLOAD: u8 = 0x7f;

impl Cursor<'_> {
    /// An unsigned integer of `bits` bits.
    fn unsigned(&mut self, bits: u32) -> Read<u64> {
        let mut value = 0_u64;
        let mut shift = 0_u32;
        loop {
            let left = bits.saturating_sub(shift);
            if left == 0 {
                return Err(Fault::Bad(ErrorCode::IntegerTooLong));
            }
            let byte = self.u8()?;
            let payload = byte & PAYLOAD;
            if left < 7 && payload >> left != 0 {
                return Err(Fault::Bad(ErrorCode::IntegerTooLarge));
            }
            value |= u64::from(payload) << shift;
            if byte & CONTINUED == 0 {
                return Ok(value);
            }
            shift = shift.saturating_add(7);
        }
    }

    /// A signed integer of `bits` bits, sign-extended.
    fn signed(&mut self, bits: u32) -> Read<i64> {
        let mut value = 0_u64;
        let mut shift = 0_u32;
        loop {
            let left = bits.saturating_sub(shift);
            if left == 0 {
                return Err(Fault::Bad(ErrorCode::IntegerTooLong));
            }
            let byte = self.u8()?;
            let payload = byte & PAYLOAD;
            if left < 7 {
                // The sign bit and all above it.
                let sign = PAYLOAD << left.saturating_sub(1) & PAYLOAD;
                if payload & sign != 0 && payload & sign != sign {
                    return Err(Fault::Bad(ErrorCode::IntegerTooLarge));
                }
            }
            value |= u64::from(payload) << shift;
            shift = shift.saturating_add(7);
            if byte & CONTINUED == 0 {
                let unused = 64_u32.saturating_sub(shift);
                return Ok((value << unused).cast_signed() >> unused);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn u32_long(&mut self) -> Read<u32> {
        #[expect(clippy::cast_possible_truncation, reason = "the reader was asked for 32 bits")]
        self.unsigned(32).map(|value| value as u32)
    }

    /// A `u32`.
    #[inline]
    pub fn u32(&mut self) -> Read<u32> {
        // Almost every index is below 128.
        let byte = self.peek()?;
        if byte & CONTINUED == 0 {
            self.u8()?;
            return Ok(u32::from(byte));
        }
        self.u32_long()
    }

    /// A one-bit unsigned integer: the flag of limits.
    pub fn u1(&mut self) -> Read<bool> {
        Ok(self.unsigned(1)? != 0)
    }

    /// A `u64`. No item of this version needs one yet; the property tests cover it with the others.
    #[cfg_attr(not(feature = "internals"), expect(dead_code, reason = "for 64-bit memories"))]
    pub fn u64(&mut self) -> Read<u64> {
        self.unsigned(64)
    }

    /// An `s32`, sign-extended.
    #[inline]
    pub fn s32(&mut self) -> Read<i64> {
        self.short_or(32)
    }

    /// An `s33`, sign-extended.
    #[inline]
    pub fn s33(&mut self) -> Read<i64> {
        self.short_or(33)
    }

    /// An `s64`.
    #[inline]
    pub fn s64(&mut self) -> Read<i64> {
        self.short_or(64)
    }

    #[inline]
    fn short_or(&mut self, bits: u32) -> Read<i64> {
        let byte = self.peek()?;
        if byte & CONTINUED == 0 {
            self.u8()?;
            // Bit 6 is the sign.
            return Ok(i64::from((byte << 1).cast_signed() >> 1));
        }
        self.signed(bits)
    }
}
