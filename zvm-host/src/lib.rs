//! Contracts on ghost-wasm: signed calls, host functions, journaled state, receipts.
//!
//! The way of a call: [`envelope`] (its bytes and signature) → [`chain`] (admission, payment, blocks) →
//! `exec` (an instance, host functions, the journal) → [`receipt`] → [`state`] (values, receipts, blocks
//! and root in one transaction). [`Chain`] is the door that a node uses.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic))]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod cache;
pub mod chain;
pub mod codec;
pub mod contract;
pub mod crypto;
pub mod envelope;
pub mod exec;
pub mod genesis;
pub mod key;
pub mod pool;
pub mod receipt;
mod staging;
pub mod state;
pub mod table;
mod types;

pub use chain::{
    Answer, Block, Chain, ChainConfig, ChainError, ChainInfo, QueryResult, RefusalCode, Refused,
};
pub use contract::{ContractError, ContractModule, ContractStream, contract_stream};
pub use envelope::{Body, Envelope, Kind};
pub use genesis::Genesis;
pub use receipt::{LogEntry, Receipt, Record, Status};
pub use state::{Account, MemoryBackend, RedbBackend};
pub use types::{Address, Hash, ParseError, hex, parse_hash, unhex};
