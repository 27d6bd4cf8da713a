//! A position in the bytes that are there. Running out of them is no error here: the caller knows whether
//! more can come.

use crate::table::errors::ErrorCode;

/// Why an item could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The bytes end inside the item.
    More,
    /// The item is malformed, whatever follows.
    Bad(ErrorCode),
}

/// What reading yields.
pub type Read<T> = Result<T, Fault>;

/// A position in a slice.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> Cursor<'a> {
    /// The first byte of `bytes`.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { rest: bytes, len: bytes.len() }
    }

    /// How many bytes were read.
    #[inline]
    pub fn consumed(&self) -> usize {
        self.len.wrapping_sub(self.rest.len())
    }

    /// The bytes behind the position.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Passes bytes that are known to be there.
    #[inline]
    pub fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// The next byte.
    #[inline]
    pub fn u8(&mut self) -> Read<u8> {
        let (&first, rest) = self.rest.split_first().ok_or(Fault::More)?;
        self.rest = rest;
        Ok(first)
    }

    /// The next byte, without passing it.
    #[inline]
    pub fn peek(&self) -> Read<u8> {
        self.rest.first().copied().ok_or(Fault::More)
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (first, rest) = self.rest.split_first_chunk::<N>().ok_or(Fault::More)?;
        self.rest = rest;
        Ok(*first)
    }

    /// A byte that must be zero.
    pub fn zero_byte(&mut self) -> Read<()> {
        match self.u8()? {
            0 => Ok(()),
            _ => Err(Fault::Bad(ErrorCode::ZeroByteExpected)),
        }
    }
}
