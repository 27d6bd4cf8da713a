//! Contracts streamed over QUIC into the decoder: valid when the last byte arrives.
//!
//! [`proto`] is the protocol without a network; [`net`] drives it with quinn and tokio; [`spool`] has
//! the uploads under way on disk; [`Node`] is what a server serves.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod chain;
pub mod net;
mod node;
mod producer;
pub mod proto;
pub mod spool;

pub use chain::ChainNode;
pub use net::client::{
    CallAnswer, CallError, Client, ClientConfig, ClientError, UploadOptions, UploadProgress,
};
pub use net::server::{Server, ServerConfig, ServerError};
pub use net::tls::{Identity, Pin, TlsError};
pub use node::{Node, Submitted};
pub use producer::Sealing;
pub use proto::frame::Refusal;
pub use proto::table::Limits;
