//! Contracts on ghost-wasm: signed calls, host functions, journaled state, receipts.
//!
//! The way of a call: [`envelope`] (its bytes and signature) → [`chain`] (admission, payment, blocks) →
//! `exec` (an instance, host functions, the journal) → [`receipt`] → [`state`] (values, receipts, blocks
//! and root in one transaction). [`Chain`] is the door that a node uses.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic))]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod codec;
pub mod crypto;
pub mod envelope;
pub mod key;
pub mod receipt;
mod types;

pub use types::{Address, Hash, ParseError, hex, parse_hash, unhex};
