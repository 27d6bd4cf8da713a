//! A contract's own keys and values.

use super::super::host::{Guest, HostEnd, HostTrap};
use super::output::within;
use super::{charge_len, len_i32};
use crate::state::{USER_KEY_LEN_MAX, VALUE_LEN_MAX, storage_key};
use crate::table::host_fns::{HostFn, row};
use crate::table::host_gas::{GROWTH_BYTE, REMOVE};

pub fn storage_read(
    guest: &mut impl Guest,
    key: u32,
    key_len: u32,
    out: u32,
    cap: u32,
) -> Result<i32, HostEnd> {
    let key = guest.range(key, key_len)?;
    let out = guest.range(out, cap)?;
    let Some(value) = lookup(guest, &row::storage_read, key)? else { return Ok(-1) };
    guest.put(out, &value);
    Ok(len_i32(value.len()))
}

pub fn storage_has(guest: &mut impl Guest, key: u32, key_len: u32) -> Result<i32, HostEnd> {
    let key = guest.range(key, key_len)?;
    Ok(i32::from(lookup(guest, &row::storage_has, key)?.is_some()))
}

pub fn storage_len(guest: &mut impl Guest, key: u32, key_len: u32) -> Result<i32, HostEnd> {
    let key = guest.range(key, key_len)?;
    Ok(lookup(guest, &row::storage_len, key)?.map_or(-1, |value| len_i32(value.len())))
}

pub fn storage_remove(guest: &mut impl Guest, key: u32, key_len: u32) -> Result<i32, HostEnd> {
    let key = guest.range(key, key_len)?;
    let full_key = full_key(guest, key.clone())?;
    let Some(_) = lookup(guest, &row::storage_remove, key)? else { return Ok(0) };
    guest.charge(REMOVE)?;
    write(guest, &full_key, None)?;
    Ok(1)
}

pub fn storage_write(
    guest: &mut impl Guest,
    key: u32,
    key_len: u32,
    value: u32,
    len: u32,
) -> Result<(), HostEnd> {
    let key = guest.range(key, key_len)?;
    let value = guest.range(value, len)?;
    let full_key = full_key(guest, key.clone())?;
    within(value.len(), VALUE_LEN_MAX, "bytes of a stored value")?;
    charge_len(guest, &row::storage_write, key.len().saturating_add(value.len()))?;
    let old_len = match guest.state().journal.read(&full_key)? {
        None => 0,
        Some(old) => full_key.len().saturating_add(old.len()),
    };
    // Freeing gives nothing back: only growth is counted.
    let growth = full_key.len().saturating_add(value.len()).saturating_sub(old_len);
    guest.charge(GROWTH_BYTE.saturating_mul(growth as u64))?;
    let value = guest.bytes(value).to_vec();
    write(guest, &full_key, Some(value))
}

/// Reads and pays by the length of key and value; the length of a value is known only once it is read.
fn lookup(
    guest: &mut impl Guest,
    row: &HostFn,
    key: std::ops::Range<usize>,
) -> Result<Option<Vec<u8>>, HostEnd> {
    let full_key = full_key(guest, key.clone())?;
    let value = guest.state().journal.read(&full_key)?;
    let len = key.len().saturating_add(value.as_ref().map_or(0, Vec::len));
    charge_len(guest, row, len)?;
    let diagnostics = &mut guest.state_mut().diagnostics;
    diagnostics.reads = diagnostics.reads.saturating_add(1);
    Ok(value)
}

fn write(guest: &mut impl Guest, full_key: &[u8], value: Option<Vec<u8>>) -> Result<(), HostEnd> {
    let state = guest.state_mut();
    state.journal.write(full_key, value).map_err(|full| HostEnd::Trap(HostTrap::Limit, full.to_string()))?;
    state.diagnostics.writes = state.diagnostics.writes.saturating_add(1);
    Ok(())
}

fn full_key(guest: &impl Guest, key: std::ops::Range<usize>) -> Result<Vec<u8>, HostEnd> {
    within(key.len(), USER_KEY_LEN_MAX, "bytes of a key")?;
    Ok(storage_key(&guest.state().frame.address, guest.bytes(key)))
}
