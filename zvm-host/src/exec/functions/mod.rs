//! The host functions, a file a chapter. Each is one function over [`Guest`](super::host::Guest): the
//! caller has charged the base price and checked legality (from the table) before it runs.

pub mod calls;
pub mod context;
pub mod hashes;
pub mod output;
pub mod storage;
pub mod u256;

use super::host::{Guest, HostEnd};
use crate::table::host_fns::HostFn;

/// Charges the part of a row's price that depends on a length.
fn charge_len(guest: &mut impl Guest, row: &HostFn, len: usize) -> Result<(), HostEnd> {
    guest.charge(row.price.by_len(u64::try_from(len).unwrap_or(u64::MAX)))
}

/// Lengths that a guest sees are far below 2^31.
fn len_i32(len: usize) -> i32 {
    i32::try_from(len).unwrap_or(i32::MAX)
}
