//! The rules of the token and what it keeps.
//!
//! | key | value |
//! |---|---|
//! | `a` | the admin's address |
//! | `s` | total supply, u128 |
//! | `n`, `y`, `d` | name, symbol, decimals (u8) |
//! | `b` ‖ holder 20 | balance, u128; absent = 0 |
//! | `l` ‖ owner 20 ‖ spender 20 | allowance, u128; absent = 0 |
//!
//! The sum of all balances equals the supply. It is what lets `deposit` add without a check
//! of its own: no balance exceeds the supply, and the supply is checked in `mint`.

use crate::abi::{Address, Args, Reply};
use crate::env;
use crate::keccak::keccak256;
use crate::revert::{self, Revert};

const NAME_SIZE_MAX: usize = 32;
const SYMBOL_SIZE_MAX: usize = 16;
/// An allowance of this amount is never used up.
const UNLIMITED: u128 = u128::MAX;

const ZERO: Address = [0; 20];
/// `Transfer(from, to, amount)`: mint is a transfer from the zero address.
const TRANSFER: [u8; 32] = keccak256("Transfer(address,address,uint128)");
/// `Approval(owner, spender, amount)`.
const APPROVAL: [u8; 32] = keccak256("Approval(address,address,uint128)");

const ADMIN: &[u8] = b"a";
const SUPPLY: &[u8] = b"s";
const NAME: &[u8] = b"n";
const SYMBOL: &[u8] = b"y";
const DECIMALS: &[u8] = b"d";

pub fn init(args: &mut Args, _: &mut Reply) -> Result<(), Revert> {
    let name = args.string(NAME_SIZE_MAX)?;
    let symbol = args.string(SYMBOL_SIZE_MAX)?;
    let decimals = args.byte()?;
    let supply = args.amount()?;
    args.end()?;
    let admin = env::caller();
    env::storage_write(ADMIN, &admin);
    env::storage_write(NAME, name);
    env::storage_write(SYMBOL, symbol);
    env::storage_write(DECIMALS, &[decimals]);
    issue(&admin, supply)
}

pub fn mint(args: &mut Args, _: &mut Reply) -> Result<(), Revert> {
    let (to, amount) = (args.address()?, args.amount()?);
    args.end()?;
    if env::caller() != stored_admin()? {
        return Err(revert::NOT_ADMIN);
    }
    issue(&to, amount)
}

pub fn transfer(args: &mut Args, _: &mut Reply) -> Result<(), Revert> {
    let (to, amount) = (args.address()?, args.amount()?);
    args.end()?;
    shift(&env::caller(), &to, amount)
}

pub fn approve(args: &mut Args, _: &mut Reply) -> Result<(), Revert> {
    let (spender, amount) = (args.address()?, args.amount()?);
    args.end()?;
    let owner = env::caller();
    write_amount(&allowance_key(&owner, &spender), amount);
    announce(APPROVAL, &owner, &spender, amount);
    Ok(())
}

pub fn transfer_from(args: &mut Args, _: &mut Reply) -> Result<(), Revert> {
    let (from, to, amount) = (args.address()?, args.address()?, args.amount()?);
    args.end()?;
    let key = allowance_key(&from, &env::caller());
    let allowed = read_amount(&key)?;
    let left = allowed.checked_sub(amount).ok_or(revert::INSUFFICIENT_ALLOWANCE)?;
    if allowed != UNLIMITED {
        write_amount(&key, left);
    }
    shift(&from, &to, amount)
}

pub fn balance_of(args: &mut Args, reply: &mut Reply) -> Result<(), Revert> {
    let holder = args.address()?;
    args.end()?;
    reply.amount(read_amount(&balance_key(&holder))?);
    Ok(())
}

pub fn allowance(args: &mut Args, reply: &mut Reply) -> Result<(), Revert> {
    let (owner, spender) = (args.address()?, args.address()?);
    args.end()?;
    reply.amount(read_amount(&allowance_key(&owner, &spender))?);
    Ok(())
}

pub fn total_supply(args: &mut Args, reply: &mut Reply) -> Result<(), Revert> {
    args.end()?;
    reply.amount(read_amount(SUPPLY)?);
    Ok(())
}

pub fn admin(args: &mut Args, reply: &mut Reply) -> Result<(), Revert> {
    args.end()?;
    reply.raw(&stored_admin()?);
    Ok(())
}

pub fn name(args: &mut Args, reply: &mut Reply) -> Result<(), Revert> {
    args.end()?;
    read_string(NAME, reply)
}

pub fn symbol(args: &mut Args, reply: &mut Reply) -> Result<(), Revert> {
    args.end()?;
    read_string(SYMBOL, reply)
}

pub fn decimals(args: &mut Args, reply: &mut Reply) -> Result<(), Revert> {
    args.end()?;
    let mut decimals = [0];
    read_exact(DECIMALS, &mut decimals)?;
    reply.raw(&decimals);
    Ok(())
}

/// New tokens for `to`.
fn issue(to: &Address, amount: u128) -> Result<(), Revert> {
    let supply = read_amount(SUPPLY)?.checked_add(amount).ok_or(revert::SUPPLY_OVERFLOW)?;
    write_amount(SUPPLY, supply);
    deposit(to, amount)?;
    announce(TRANSFER, &ZERO, to, amount);
    Ok(())
}

/// The order of read and write makes a transfer to oneself change nothing.
fn shift(from: &Address, to: &Address, amount: u128) -> Result<(), Revert> {
    let key = balance_key(from);
    let left = read_amount(&key)?.checked_sub(amount).ok_or(revert::INSUFFICIENT_BALANCE)?;
    write_amount(&key, left);
    deposit(to, amount)?;
    announce(TRANSFER, from, to, amount);
    Ok(())
}

fn deposit(to: &Address, amount: u128) -> Result<(), Revert> {
    if *to == ZERO {
        return Err(revert::ZERO_ADDRESS);
    }
    let key = balance_key(to);
    let balance = read_amount(&key)?.checked_add(amount).ok_or(revert::SUPPLY_OVERFLOW)?;
    write_amount(&key, balance);
    Ok(())
}

/// Both parties are indexed topics, widened to a word as Solidity does: 12 zero bytes in front.
fn announce(event: [u8; 32], from: &Address, to: &Address, amount: u128) {
    env::emit(&[event, word(from), word(to)], &amount.to_le_bytes());
}

fn word(address: &Address) -> [u8; 32] {
    let mut word = [0; 32];
    for (to, from) in word.iter_mut().skip(12).zip(address) {
        *to = *from;
    }
    word
}

fn balance_key(holder: &Address) -> [u8; 21] {
    let mut key = [b'b'; 21];
    for (to, from) in key.iter_mut().skip(1).zip(holder) {
        *to = *from;
    }
    key
}

fn allowance_key(owner: &Address, spender: &Address) -> [u8; 41] {
    let mut key = [b'l'; 41];
    for (to, from) in key.iter_mut().skip(1).zip(owner.iter().chain(spender)) {
        *to = *from;
    }
    key
}

fn stored_admin() -> Result<Address, Revert> {
    let mut admin = ZERO;
    read_exact(ADMIN, &mut admin)?;
    Ok(admin)
}

fn read_amount(key: &[u8]) -> Result<u128, Revert> {
    let mut word = [0; 16];
    match env::storage_read(key, &mut word) {
        None => Ok(0),
        Some(16) => Ok(u128::from_le_bytes(word)),
        Some(_) => Err(revert::CORRUPT_STATE),
    }
}

/// Zero is kept as absence, so that an emptied account leaves nothing behind.
fn write_amount(key: &[u8], amount: u128) {
    if amount == 0 {
        env::storage_remove(key);
    } else {
        env::storage_write(key, &amount.to_le_bytes());
    }
}

fn read_exact(key: &[u8], out: &mut [u8]) -> Result<(), Revert> {
    if env::storage_read(key, out) == Some(out.len()) {
        Ok(())
    } else {
        Err(revert::CORRUPT_STATE)
    }
}

fn read_string(key: &[u8], reply: &mut Reply) -> Result<(), Revert> {
    let mut text = [0; NAME_SIZE_MAX];
    let len = env::storage_read(key, &mut text).ok_or(revert::CORRUPT_STATE)?;
    reply.string(text.get(..len).ok_or(revert::CORRUPT_STATE)?);
    Ok(())
}
