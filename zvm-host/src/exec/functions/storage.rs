//! A contract's own keys and values.

use super::super::host::Iteration;
use super::super::host::{Guest, HostEnd, HostTrap};
use super::output::within;
use super::{charge_len, len_i32};
use crate::state::{USER_KEY_LEN_MAX, VALUE_LEN_MAX, Value, storage_key};
use crate::table::host_fns::{HostFn, row};
use crate::table::host_gas::{GROWTH_BYTE, REMOVE};

/// Iterations of a frame that are under way.
pub const ITERATORS_MAX: usize = 16;

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
    let old_len = match guest.state_mut().tx.journal.read(&full_key)? {
        None => 0,
        Some(old) => full_key.len().saturating_add(old.len()),
    };
    // Freeing gives nothing back: only growth is counted.
    let growth = full_key.len().saturating_add(value.len()).saturating_sub(old_len);
    guest.charge(GROWTH_BYTE.saturating_mul(growth as u64))?;
    let value = guest.bytes(value).into();
    write(guest, &full_key, Some(value))
}

pub fn storage_iter(guest: &mut impl Guest, prefix: u32, prefix_len: u32) -> Result<i32, HostEnd> {
    let prefix = guest.range(prefix, prefix_len)?;
    let prefix = full_key(guest, prefix)?;
    let iterators = &mut guest.state_mut().iterators;
    within(iterators.len().saturating_add(1), ITERATORS_MAX, "iterators")?;
    let handle = len_i32(iterators.len());
    iterators.push(Some(Iteration { last: None, prefix }));
    Ok(handle)
}

pub fn storage_next(
    guest: &mut impl Guest,
    iter: i32,
    key: u32,
    key_cap: u32,
    value: u32,
    value_cap: u32,
) -> Result<i64, HostEnd> {
    let key_out = guest.range(key, key_cap)?;
    let value_out = guest.range(value, value_cap)?;
    let known = usize::try_from(iter).ok().and_then(|at| guest.state().iterators.get(at)).cloned();
    let Some(iteration) = known else {
        return Err(HostEnd::Trap(HostTrap::Argument, format!("there is no iterator {iter}")));
    };
    let Some(Iteration { prefix, last }) = iteration else { return Ok(-1) };
    // A query changes nothing, so that what is in the state is all there is.
    let view = guest.state().tx.journal.view().clone();
    let next = match &last {
        Some(last) => view.next(last)?,
        None => match view.value(&prefix)? {
            Some(value) => Some((prefix.clone(), value)),
            None => view.next(&prefix)?,
        },
    };
    let next = next.filter(|(key, _)| key.starts_with(&prefix));
    let iteration = next.as_ref().map(|(key, _)| Iteration { prefix, last: Some(key.clone()) });
    if let Some(slot) = usize::try_from(iter).ok().and_then(|at| guest.state_mut().iterators.get_mut(at)) {
        *slot = iteration;
    }
    let Some((full_key, value)) = next else { return Ok(-1) };
    let user_key = full_key.get(STORAGE_PREFIX_LEN..).unwrap_or_default();
    charge_len(guest, &row::storage_next, user_key.len().saturating_add(value.len()))?;
    guest.put(key_out, user_key);
    guest.put(value_out, &value);
    Ok(i64::from(len_i32(user_key.len())) << 32 | i64::from(len_i32(value.len())))
}

pub fn transient_read(
    guest: &mut impl Guest,
    key: u32,
    key_len: u32,
    out: u32,
    cap: u32,
) -> Result<i32, HostEnd> {
    let key = guest.range(key, key_len)?;
    let out = guest.range(out, cap)?;
    within(key.len(), USER_KEY_LEN_MAX, "bytes of a key")?;
    let state = guest.state();
    let value = state.tx.journal.read_transient(&state.frame.address, guest.bytes(key.clone()));
    let len = key.len().saturating_add(value.as_ref().map_or(0, |value| value.len()));
    charge_len(guest, &row::transient_read, len)?;
    let Some(value) = value else { return Ok(-1) };
    guest.put(out, &value);
    Ok(len_i32(value.len()))
}

pub fn transient_write(
    guest: &mut impl Guest,
    key: u32,
    key_len: u32,
    value: u32,
    len: u32,
) -> Result<(), HostEnd> {
    let key = guest.range(key, key_len)?;
    let value = guest.range(value, len)?;
    within(key.len(), USER_KEY_LEN_MAX, "bytes of a key")?;
    within(value.len(), VALUE_LEN_MAX, "bytes of a transient value")?;
    charge_len(guest, &row::transient_write, key.len().saturating_add(value.len()))?;
    let address = guest.state().frame.address;
    let (key, value) = (guest.bytes(key).to_vec(), guest.bytes(value).into());
    guest.state_mut().tx.write_transient(&address, &key, Some(value))
}

/// Reads and pays by the length of key and value; the length of a value is known only once it is read.
fn lookup(guest: &mut impl Guest, row: &HostFn, key: std::ops::Range<usize>) -> Result<Value, HostEnd> {
    let full_key = full_key(guest, key.clone())?;
    let value = guest.state_mut().tx.journal.read(&full_key)?;
    let len = key.len().saturating_add(value.as_ref().map_or(0, |value| value.len()));
    charge_len(guest, row, len)?;
    let diagnostics = &mut guest.state_mut().tx.diagnostics;
    diagnostics.reads = diagnostics.reads.saturating_add(1);
    Ok(value)
}

fn write(guest: &mut impl Guest, full_key: &[u8], value: Value) -> Result<(), HostEnd> {
    let tx = &mut guest.state_mut().tx;
    tx.write(full_key, value)?;
    tx.diagnostics.writes = tx.diagnostics.writes.saturating_add(1);
    Ok(())
}

/// Bytes of a storage slot's full key before the contract's own.
const STORAGE_PREFIX_LEN: usize = 1 + 20;

fn full_key(guest: &impl Guest, key: std::ops::Range<usize>) -> Result<Vec<u8>, HostEnd> {
    within(key.len(), USER_KEY_LEN_MAX, "bytes of a key")?;
    Ok(storage_key(&guest.state().frame.address, guest.bytes(key)))
}
