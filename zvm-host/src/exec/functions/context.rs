//! Who calls whom, when and with what.

use super::super::host::{Guest, HostEnd};
use super::{charge_len, len_i32};
use crate::table::host_fns::row;
use crate::types::Address;

pub fn input_len(guest: &mut impl Guest) -> Result<i32, HostEnd> {
    Ok(len_i32(guest.state().frame.input.len()))
}

pub fn input_read(guest: &mut impl Guest, out: u32, cap: u32) -> Result<i32, HostEnd> {
    let out = guest.range(out, cap)?;
    let input = guest.state().frame.input.clone();
    charge_len(guest, &row::input_read, input.len().min(out.len()))?;
    guest.put(out, &input);
    Ok(len_i32(input.len()))
}

pub fn self_address(guest: &mut impl Guest, out: u32) -> Result<(), HostEnd> {
    let address = guest.state().frame.address;
    put_address(guest, out, address)
}

pub fn caller(guest: &mut impl Guest, out: u32) -> Result<(), HostEnd> {
    let address = guest.state().frame.caller;
    put_address(guest, out, address)
}

pub fn origin(guest: &mut impl Guest, out: u32) -> Result<(), HostEnd> {
    let address = guest.state().tx.origin.address;
    put_address(guest, out, address)
}

pub fn caller_key(guest: &mut impl Guest, out: u32, cap: u32) -> Result<i32, HostEnd> {
    let out = guest.range(out, cap)?;
    let state = guest.state();
    let is_signer = state.frame.caller == state.tx.origin.address;
    let Some(key) = state.tx.origin.key.filter(|_| is_signer) else { return Ok(0) };
    charge_len(guest, &row::caller_key, key.len().min(out.len()))?;
    guest.put(out, &key);
    Ok(len_i32(key.len()))
}

pub fn value(guest: &mut impl Guest, out: u32) -> Result<(), HostEnd> {
    let out = guest.range(out, 16)?;
    let value = guest.state().frame.value;
    guest.put(out, &value.to_le_bytes());
    Ok(())
}

pub fn balance(guest: &mut impl Guest, address: u32, out: u32) -> Result<(), HostEnd> {
    let address = guest.range(address, 20)?;
    let address = Address(guest.array(address));
    put_balance(guest, address, out)
}

pub fn self_balance(guest: &mut impl Guest, out: u32) -> Result<(), HostEnd> {
    let address = guest.state().frame.address;
    put_balance(guest, address, out)
}

pub fn chain_id(guest: &mut impl Guest) -> Result<i64, HostEnd> {
    Ok(guest.state().tx.block.chain_id.cast_signed())
}

pub fn block_height(guest: &mut impl Guest) -> Result<i64, HostEnd> {
    Ok(guest.state().tx.block.height.cast_signed())
}

pub fn block_timestamp(guest: &mut impl Guest) -> Result<i64, HostEnd> {
    Ok(guest.state().tx.block.timestamp.cast_signed())
}

pub fn gas_left(guest: &mut impl Guest) -> Result<i64, HostEnd> {
    Ok(guest.gas_left().cast_signed())
}

fn put_address(guest: &mut impl Guest, out: u32, address: Address) -> Result<(), HostEnd> {
    let out = guest.range(out, 20)?;
    guest.put(out, &address.0);
    Ok(())
}

fn put_balance(guest: &mut impl Guest, address: Address, out: u32) -> Result<(), HostEnd> {
    let out = guest.range(out, 16)?;
    let balance = guest.state_mut().tx.journal.account(&address)?.balance;
    guest.put(out, &balance.to_le_bytes());
    Ok(())
}
