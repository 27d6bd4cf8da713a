//! Fixed-width little-endian fields, written and read one after the other. What the layouts mean is
//! their owners' business; here only: no byte is read twice, none is left over, nothing is allocated
//! before its bytes are there.

use std::fmt;

/// Why bytes could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecError {
    /// The bytes end inside a field.
    UnexpectedEnd,
    /// Bytes follow the last field.
    TrailingBytes,
    /// A field has a value that nothing is encoded as.
    BadValue(&'static str),
    /// A length is above its limit.
    TooLong(&'static str),
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodecError::UnexpectedEnd => f.write_str("unexpected end of the bytes"),
            CodecError::TrailingBytes => f.write_str("trailing bytes"),
            CodecError::BadValue(field) => write!(f, "no such {field}"),
            CodecError::TooLong(field) => write!(f, "{field} is too long"),
        }
    }
}

impl std::error::Error for CodecError {}

/// Appends fields to a byte string.
#[derive(Clone, Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// An empty byte string with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Writer {
        Writer(Vec::with_capacity(capacity))
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Writer {
        self.0.push(value);
        self
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) -> &mut Writer {
        self.bytes(&value.to_le_bytes())
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) -> &mut Writer {
        self.bytes(&value.to_le_bytes())
    }

    /// Sixteen bytes.
    pub fn u128(&mut self, value: u128) -> &mut Writer {
        self.bytes(&value.to_le_bytes())
    }

    /// The bytes as they are, without a length.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Writer {
        self.0.extend_from_slice(bytes);
        self
    }

    /// The length as u32, then the bytes. Every caller's bytes are bounded far below 4 GiB.
    pub fn sized(&mut self, bytes: &[u8]) -> &mut Writer {
        self.count(bytes.len());
        self.bytes(bytes)
    }

    /// How many items follow, as u32. Every caller's lists are bounded far below 2^32 items.
    pub fn count(&mut self, len: usize) -> &mut Writer {
        self.u32(u32::try_from(len).unwrap_or(u32::MAX))
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Takes fields off the front of a byte string.
#[derive(Clone, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    /// The next `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(CodecError::UnexpectedEnd)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(CodecError::UnexpectedEnd)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, CodecError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, CodecError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, CodecError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Sixteen bytes.
    pub fn u128(&mut self) -> Result<u128, CodecError> {
        self.array().map(u128::from_le_bytes)
    }

    /// A length as u32 that is at most `max`, then that many bytes. `field` names them in the error.
    pub fn sized(&mut self, max: usize, field: &'static str) -> Result<&'a [u8], CodecError> {
        let len = usize::try_from(self.u32()?).map_err(|_| CodecError::TooLong(field))?;
        if len > max {
            return Err(CodecError::TooLong(field));
        }
        self.bytes(len)
    }

    /// A count as u32 that is at most `max`, then that many items. `field` names them in the error.
    pub fn list<T>(
        &mut self,
        max: usize,
        field: &'static str,
        mut item: impl FnMut(&mut Reader<'a>) -> Result<T, CodecError>,
    ) -> Result<Vec<T>, CodecError> {
        let len = self.u32()? as usize;
        if len > max {
            return Err(CodecError::TooLong(field));
        }
        (0..len).map(|_| item(self)).collect()
    }

    /// Succeeds when nothing is left.
    pub fn end(&self) -> Result<(), CodecError> {
        if self.0.is_empty() { Ok(()) } else { Err(CodecError::TrailingBytes) }
    }
}
