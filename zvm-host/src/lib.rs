//! Contracts on ghost-wasm: signed calls, host functions, journaled state, receipts.
//!
//! The way of a call: [`envelope`] (its bytes) → [`authenticate`] (its signature) → [`chain`] (admission, [`pool`],
//! blocks) → [`block`] (a block, call by call) → [`exec`] (payment, frames, host functions) → [`receipt`] → [`state`]
//! (values, receipts, blocks and root in one transaction). [`Chain`] is the door that a node uses.
//!
//! ```
//! use std::sync::Arc;
//! use zvm_host::{Answer, Body, Chain, ChainConfig, Genesis, MemoryBackend, Owner, Status, crypto, key};
//!
//! let signer = key::generate()?;
//! let address = key::address(&signer.public());
//! let genesis = Genesis {
//!     chain_id: 1,
//!     timestamp: 0,
//!     gas_limit: 10_000_000_000,
//!     sealer: address,
//!     balances: vec![(address, 10_u128.pow(18))],
//! };
//! let mut chain = Chain::open(Arc::new(MemoryBackend::new()), &genesis, ChainConfig::default())?;
//!
//! // A module arrives in pieces; it is staged when it is whole.
//! let bytes = wat::parse_str(
//!     r#"(module (memory (export "memory") 1)
//!         (func (export "init") (result i32) (i32.const 0))
//!         (func (export "invoke") (result i32) (i32.const 7)))"#,
//! )?;
//! let mut upload = chain.contract_stream();
//! for piece in bytes.chunks(16) {
//!     upload.feed(piece)?;
//! }
//! let code_hash = chain.stage_module(Owner::default(), upload.finish(crypto::blake3(&bytes))?, &bytes, 1_000)?;
//!
//! // Deploy it, then call it: `invoke` returns 7, which is a revert.
//! let mut run = |mut body: Body| {
//!     (body.gas_limit, body.gas_price, body.valid_until) = (10_000_000, 1, 100);
//!     let wire = body.sign(&signer, &chain.info().genesis_hash).encode();
//!     chain.submit(&wire, 1_000)
//! };
//! let Answer::Included(deployed) = run(Body::deploy(0, &code_hash, b""))? else { panic!("not in a block") };
//! assert_eq!(deployed.receipt.status, Status::Success);
//! let Answer::Included(called) = run(Body::call(1, deployed.receipt.created, b""))? else { panic!("nor this") };
//! assert_eq!((called.receipt.status, called.receipt.revert_code), (Status::Reverted, 7));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic))]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod admission;
pub mod authenticate;
pub mod block;
pub mod cache;
pub mod chain;
pub mod codec;
pub mod contract;
pub mod crypto;
pub mod diagnostics;
pub mod envelope;
pub mod exec;
pub mod genesis;
pub mod hot;
pub mod key;
pub mod natives;
pub mod pool;
mod reader;
pub mod receipt;
pub mod replay;
pub mod rules;
pub mod staging;
pub mod state;
pub mod table;
mod types;

pub use authenticate::Authenticator;
pub use block::Ready;
pub use chain::{
    Admitted, Answer, Block, Chain, ChainConfig, ChainError, ChainInfo, ChainReader, Decided, Decision, Gate,
    Proven, QueryResult, Readers, RefusalCode, Refused,
};
pub use contract::{ContractError, ContractModule, ContractStream, contract_stream};
pub use diagnostics::{Diagnostics, TraceFrame};
pub use envelope::{Auth, Body, Envelope, Kind};
pub use genesis::Genesis;
pub use receipt::{LogEntry, Receipt, Record, Status};
pub use staging::{Owner, StagingError, StagingLimits};
pub use state::{Account, CodeLeaf, MemoryBackend, RedbBackend};
pub use types::{Address, Hash, ParseError, hex, parse_hash, unhex};
