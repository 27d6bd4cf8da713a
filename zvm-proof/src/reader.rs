//! Reads a proof's bytes from the front.

use crate::{Hash, ProofError};

pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ProofError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(ProofError::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ProofError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn hash(&mut self) -> Result<Hash, ProofError> {
        self.array()
    }

    pub(crate) fn end(&self) -> Result<(), ProofError> {
        if self.0.is_empty() { Ok(()) } else { Err(ProofError::Malformed) }
    }
}
