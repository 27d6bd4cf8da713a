//! The native codec, as much of it as a token needs: little-endian integers of fixed width,
//! raw addresses, strings as `len u32 ‖ bytes`. One value has one encoding.

use crate::revert::{self, Revert};

/// The first 20 bytes of a hash: of a key, or of a contract's origin.
pub type Address = [u8; 20];

/// Reads arguments in order.
pub struct Args<'a> {
    rest: &'a [u8],
}

impl<'a> Args<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Args { rest: bytes }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Revert> {
        if len > self.rest.len() {
            return Err(revert::BAD_ARGUMENTS);
        }
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Revert> {
        self.take(N)?.try_into().map_err(|_| revert::BAD_ARGUMENTS)
    }

    pub fn byte(&mut self) -> Result<u8, Revert> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub fn amount(&mut self) -> Result<u128, Revert> {
        Ok(u128::from_le_bytes(self.array()?))
    }

    pub fn address(&mut self) -> Result<Address, Revert> {
        self.array()
    }

    /// UTF-8 of at most `size_max` bytes.
    pub fn string(&mut self, size_max: usize) -> Result<&'a [u8], Revert> {
        let len = u32::from_le_bytes(self.array()?) as usize;
        if len > size_max {
            return Err(revert::BAD_ARGUMENTS);
        }
        let bytes = self.take(len)?;
        core::str::from_utf8(bytes).map_err(|_| revert::BAD_ARGUMENTS)?;
        Ok(bytes)
    }

    /// After the last argument: a byte left over is an error.
    pub fn end(&self) -> Result<(), Revert> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(revert::BAD_ARGUMENTS)
        }
    }
}

/// Collects return data. What would not fit is a bug of this contract and is cut off.
pub struct Reply {
    bytes: [u8; Reply::SIZE_MAX],
    len: usize,
}

impl Reply {
    pub const SIZE_MAX: usize = 64;

    pub fn new() -> Self {
        Reply { bytes: [0; Reply::SIZE_MAX], len: 0 }
    }

    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        let room = self.bytes.iter_mut().skip(self.len);
        let mut written = 0;
        for (to, from) in room.zip(bytes) {
            *to = *from;
            written += 1;
        }
        self.len += written;
    }

    pub fn amount(&mut self, amount: u128) {
        self.raw(&amount.to_le_bytes());
    }

    pub fn string(&mut self, bytes: &[u8]) {
        self.raw(&(bytes.len() as u32).to_le_bytes());
        self.raw(bytes);
    }
}
