//! Drives [`crate::proto`] with quinn and tokio. Decides nothing that the protocol decides.

pub mod client;
mod held;
mod query;
mod serve;
pub mod server;
mod share;
#[cfg(test)]
mod tests;
pub mod tls;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use quinn::{IdleTimeout, TransportConfig, VarInt};

use crate::proto::table::Limits;

/// How fast to send into a network that loses packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Congestion {
    /// Cautious and fair; slow on links that lose packets for other reasons than load.
    #[default]
    Cubic,
    /// Models the link; several times faster on lossy ones. quinn calls it experimental.
    Bbr,
}

fn transport(limits: &Limits, congestion: Congestion) -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(limits.streams_per_connection))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(limits.stream_window_bytes))
        .receive_window(VarInt::from_u32(limits.connection_window_bytes))
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(
            u32::try_from(limits.idle_ms).unwrap_or(u32::MAX),
        ))));
    if congestion == Congestion::Bbr {
        transport.congestion_controller_factory(Arc::new(quinn::congestion::BbrConfig::default()));
    }
    transport
}

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
