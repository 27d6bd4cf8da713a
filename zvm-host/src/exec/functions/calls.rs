//! What a contract does with others. The functions check and copy their arguments; the executor does the rest,
//! while the frame waits.

use std::sync::Arc;

use super::super::host::{Guest, HostEnd, HostTrap, Request};
use super::{charge_len, len_i32};
use crate::receipt::Status;
use crate::table::host_fns::row;
use crate::table::host_gas::CALL_VALUE;
use crate::types::Address;

/// Flag of `call`: static.
const FLAG_STATIC: i32 = 1;
/// Flag of `call`: the `query` of the contract.
const FLAG_QUERY: i32 = 2;

pub fn call(
    guest: &mut impl Guest,
    to: u32,
    value: u32,
    gas: u64,
    input: u32,
    len: u32,
    flags: i32,
) -> Result<i32, HostEnd> {
    let to = guest.range(to, 20)?;
    let value = guest.range(value, 16)?;
    let input = guest.range(input, len)?;
    charge_len(guest, &row::call, input.len())?;
    if flags & !(FLAG_STATIC | FLAG_QUERY) != 0 {
        return Err(HostEnd::Trap(HostTrap::Argument, format!("{flags:#x} has flags that `call` does not")));
    }
    let value = value_of(guest, value)?;
    Err(HostEnd::Ask(Request::Call {
        to: Address(guest.array(to)),
        value,
        gas,
        input: guest.bytes(input).into(),
        is_static: flags != 0,
        is_query: flags & FLAG_QUERY != 0,
    }))
}

pub fn create(
    guest: &mut impl Guest,
    code_hash: u32,
    value: u32,
    gas: u64,
    input: u32,
    len: u32,
    out: u32,
) -> Result<i32, HostEnd> {
    let code_hash = guest.range(code_hash, 32)?;
    let value = guest.range(value, 16)?;
    let input = guest.range(input, len)?;
    let out = guest.range(out, 20)?;
    charge_len(guest, &row::create, input.len())?;
    let value = value_of(guest, value)?;
    let (code_hash, input) = (guest.array(code_hash), guest.bytes(input).into());
    Err(HostEnd::Ask(Request::Create { code_hash, value, gas, input, out }))
}

pub fn migrate(
    guest: &mut impl Guest,
    contract: u32,
    code_hash: u32,
    input: u32,
    len: u32,
) -> Result<i32, HostEnd> {
    let contract = guest.range(contract, 20)?;
    let code_hash = guest.range(code_hash, 32)?;
    let input = guest.range(input, len)?;
    charge_len(guest, &row::migrate, input.len())?;
    Err(HostEnd::Ask(Request::Migrate {
        to: Address(guest.array(contract)),
        code_hash: guest.array(code_hash),
        input: guest.bytes(input).into(),
    }))
}

pub fn set_admin(guest: &mut impl Guest, contract: u32, admin: u32) -> Result<i32, HostEnd> {
    let contract = guest.range(contract, 20)?;
    let admin = guest.range(admin, 20)?;
    let (contract, admin) = (Address(guest.array(contract)), Address(guest.array(admin)));
    let state = guest.state_mut();
    let mut account = state.tx.journal.account(&contract)?;
    if !account.has_code() || account.admin != state.frame.address {
        return Ok(i32::from(Status::PolicyDenied as u8));
    }
    account.admin = admin;
    state.tx.set_account(&contract, &account)?;
    Ok(0)
}

pub fn returned_len(guest: &mut impl Guest) -> Result<i32, HostEnd> {
    Ok(len_i32(guest.state().returned.len()))
}

pub fn returned_read(guest: &mut impl Guest, out: u32, cap: u32) -> Result<i32, HostEnd> {
    let out = guest.range(out, cap)?;
    let returned = Arc::clone(&guest.state().returned);
    charge_len(guest, &row::returned_read, returned.len().min(out.len()))?;
    guest.put(out, &returned);
    Ok(len_i32(returned.len()))
}

/// Base units that shall go along, which are paid for.
fn value_of(guest: &mut impl Guest, value: std::ops::Range<usize>) -> Result<u128, HostEnd> {
    let value = u128::from_le_bytes(guest.array(value));
    if value != 0 {
        guest.charge(CALL_VALUE)?;
    }
    Ok(value)
}
