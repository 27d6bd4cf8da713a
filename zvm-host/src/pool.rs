//! Signed calls that wait for their nonce: a client's parallel streams arrive in any order. Bounded per
//! key and in all. A node's memory, not consensus.

use std::collections::BTreeMap;

use crate::envelope::Envelope;
use crate::types::{Address, Hash};

/// How far ahead of its account a nonce may be.
pub const NONCES_AHEAD_MAX: u64 = 64;
/// Calls that wait, of all keys.
pub const WAITING_MAX: usize = 4_096;
/// Their bytes.
pub const WAITING_LEN_MAX: usize = 16 * 1024 * 1024;

/// A call that waits; its signature counts.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its name.
    pub call_id: Hash,
    /// Who signed.
    pub signer: Address,
    /// The call.
    pub envelope: Envelope,
}

/// What became of a call that should wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued {
    /// It waits.
    Now,
    /// It waited already.
    Before,
    /// Another call with this nonce waits.
    NonceTaken,
    /// No room.
    Full,
}

/// Calls by signer and nonce.
#[derive(Debug, Default)]
pub struct Pool {
    waiting: BTreeMap<(Address, u64), Waiting>,
    len: usize,
}

impl Pool {
    /// Lets a call wait.
    pub fn add(&mut self, call: Waiting) -> Queued {
        let slot = (call.signer, call.envelope.body.nonce);
        if let Some(other) = self.waiting.get(&slot) {
            return if other.call_id == call.call_id { Queued::Before } else { Queued::NonceTaken };
        }
        let len = self.len.saturating_add(call.envelope.wire_len());
        if self.waiting.len() >= WAITING_MAX || len > WAITING_LEN_MAX {
            return Queued::Full;
        }
        self.len = len;
        self.waiting.insert(slot, call);
        Queued::Now
    }

    /// Takes the call of a signer with this nonce.
    pub fn take(&mut self, signer: &Address, nonce: u64) -> Option<Waiting> {
        let call = self.waiting.remove(&(*signer, nonce))?;
        self.len = self.len.saturating_sub(call.envelope.wire_len());
        Some(call)
    }

    /// Drops calls that are valid no longer at `height`.
    pub fn expire(&mut self, height: u64) {
        self.waiting.retain(|_, call| call.envelope.body.valid_until >= height);
        self.len = self.waiting.values().map(|call| call.envelope.wire_len()).sum();
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.waiting.len()
    }
}
