//! Contracts streamed over QUIC into the decoder: valid when the last byte arrives.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod proto;
