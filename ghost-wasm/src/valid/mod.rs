//! Validation: module rules and the algorithm of the specification's appendix for function bodies.
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

pub mod body;
pub mod const_expr;
pub mod env;
pub mod kind;
pub mod locals;
pub mod module;
#[cfg(feature = "internals")]
pub mod no_sink;
mod operands;
mod poly;
pub mod quick;
pub mod rules;
#[cfg(feature = "internals")]
pub mod slowly;
