//! A block: made, checked and committed by the same pure code. [`Builder`] runs signed calls one after the other and
//! knows neither clock, store nor thread; [`check`] builds a block again and compares.
//!
//! Whatever one call hands to the next is in the state, [`BlockSums`] among it, so that any run of calls is a
//! function of a state root.

mod build;
mod check;
mod sums;
mod view;

pub use build::{Added, BuildError, Builder, Built, Env, Outline, Read, Ready};
pub use check::{CheckError, Difference, check};
pub(crate) use check::{authentic, check_header, compare};
pub use sums::BlockSums;
pub use view::Layered;

/// Calls of a block at most.
pub const CALLS_MAX: usize = 10_000;
/// Bytes of their wire forms at most.
pub const CALLS_LEN_MAX: usize = 4 * 1024 * 1024;
