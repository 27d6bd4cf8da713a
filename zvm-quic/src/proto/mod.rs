//! The protocol without a network: bytes, time and randomness are arguments. Must not know tokio, sockets,
//! files or clocks.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )
)]

pub mod codec;
pub mod doc;
pub mod frame;
pub mod message;
pub mod pace;
pub mod receive;
pub mod send;
pub mod sink;
pub mod slots;
pub mod table;
#[cfg(test)]
mod tests;
