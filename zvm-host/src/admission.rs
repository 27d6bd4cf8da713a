//! When a signed call may be in a block, stated once: a node's door asks the same conditions as the block
//! itself, so that what it admits is included. What is only a node's own (price floor, queue, room) is in
//! `chain.rs`.

use std::fmt;

use crate::envelope::{Body, Envelope, VALID_BLOCKS_MAX};
use crate::receipt::Status;
use crate::state::Account;
use crate::table::host_gas;
use crate::types::Address;

macro_rules! refusals {
    ($(#[doc = $doc:literal] $name:ident = $number:literal, $text:literal;)*) => {
        /// Why a signed call was not admitted. The number goes over the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum RefusalCode { $(#[doc = $doc] $name = $number,)* }

        impl RefusalCode {
            /// All codes.
            pub const ALL: &'static [RefusalCode] = &[$(RefusalCode::$name),*];

            /// The name in JSON.
            pub const fn name(self) -> &'static str {
                match self { $(RefusalCode::$name => $text,)* }
            }

            /// When it is given.
            pub const fn doc(self) -> &'static str {
                match self { $(RefusalCode::$name => $doc.trim_ascii(),)* }
            }
        }
    };
}

refusals! {
    /// Not the bytes of a signed call.
    Malformed = 1, "malformed";
    /// The signature does not count, or the address may not sign: status 7.
    Authentication = 2, "authentication_failed";
    /// The gas price is below the node's floor.
    PriceTooLow = 3, "price_too_low";
    /// The gas limit is above the block's, or below what the envelope itself costs.
    GasLimit = 4, "gas_limit";
    /// `valid_until` has passed.
    Expired = 5, "expired";
    /// `valid_until` is too far ahead.
    ValidTooLong = 6, "valid_too_long";
    /// The balance does not cover gas and value.
    Balance = 7, "balance";
    /// A call with this nonce is in a block.
    NonceUsed = 8, "nonce_used";
    /// The nonce is more than 64 ahead.
    NonceTooFar = 9, "nonce_too_far";
    /// Another call with this nonce waits.
    NonceTaken = 10, "nonce_taken";
    /// Too many calls wait.
    QueueFull = 11, "queue_full";
    /// The module that a deploy names is not here; upload it first.
    MissingCode = 12, "missing_code";
    /// The chain has no more room.
    StateFull = 13, "state_full";
}

/// A call that was not admitted: nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub code: RefusalCode,
    /// Status 7 if it could not be authenticated.
    pub status: Option<Status>,
    /// Why, in words.
    pub text: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Refused {
    /// A refusal; its status follows from the code.
    pub fn new(code: RefusalCode, text: impl Into<String>) -> Refused {
        let status = (code == RefusalCode::Authentication).then_some(Status::AuthenticationFailed);
        Refused { code, status, text: text.into() }
    }
}

fn require(holds: bool, code: RefusalCode, text: impl FnOnce() -> String) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(Refused::new(code, text())) }
}

/// A place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The block's height.
    pub height: u64,
    /// Gas that the calls before it leave of the block's.
    pub gas_left: u64,
}

/// All conditions for an authentic call at this place; what its gas costs at most. Its nonce may be
/// `nonces_ahead` ahead of the account's: none in a block.
///
/// # Errors
/// The first condition that does not hold: signer, validity, nonce, gas, balance.
pub fn conditions(
    envelope: &Envelope,
    signer: &Address,
    account: &Account,
    place: Place,
    nonces_ahead: u64,
) -> Result<u128, Refused> {
    let body = &envelope.body;
    may_sign(envelope, signer, account)?;
    validity(body, place.height)?;
    nonce(body, account, nonces_ahead)?;
    gas(envelope, place.gas_left)?;
    cover(body, account)
}

/// Keys of contracts do not exist, nobody has the key of the zero address, and only a contract judges by its code.
/// That the code is hot, and agrees, is seen when the call runs.
fn may_sign(envelope: &Envelope, signer: &Address, account: &Account) -> Result<(), Refused> {
    let code = RefusalCode::Authentication;
    require(!signer.is_zero(), code, || "the zero address cannot sign".into())?;
    if envelope.is_by_contract() {
        return require(account.has_code(), code, || format!("{signer} has no code that could judge"));
    }
    require(!account.has_code(), code, || "an address with code cannot sign by key".into())
}

/// height ≤ `valid_until` ≤ height + 65,536.
fn validity(body: &Body, height: u64) -> Result<(), Refused> {
    let until = body.valid_until;
    require(height <= until, RefusalCode::Expired, || {
        format!("the call was valid until block {until}, the next is {height}")
    })?;
    require(until <= height.saturating_add(VALID_BLOCKS_MAX), RefusalCode::ValidTooLong, || {
        format!("a call is valid for at most {VALID_BLOCKS_MAX} blocks after {height}")
    })
}

fn nonce(body: &Body, account: &Account, ahead: u64) -> Result<(), Refused> {
    let (given, next) = (body.nonce, account.nonce);
    require(given >= next, RefusalCode::NonceUsed, || format!("nonce {given} is used, the next is {next}"))?;
    // The last nonce has no successor.
    let is_near = given <= next.saturating_add(ahead) && given < u64::MAX;
    require(is_near, RefusalCode::NonceTooFar, || format!("nonce {given} is too far ahead of {next}"))
}

/// What the envelope itself costs ≤ the gas limit ≤ what the block has left. Needs no account.
///
/// # Errors
/// `GasLimit`.
pub fn gas(envelope: &Envelope, gas_left: u64) -> Result<(), Refused> {
    let (limit, intrinsic) = (envelope.body.gas_limit, host_gas::intrinsic(envelope.wire_len()));
    require((intrinsic..=gas_left).contains(&limit), RefusalCode::GasLimit, || {
        format!("gas limit {limit} is not between {intrinsic} and {gas_left}")
    })
}

/// Gas at its price and the value ≤ the balance.
fn cover(body: &Body, account: &Account) -> Result<u128, Refused> {
    let gas = u128::from(body.gas_limit).saturating_mul(u128::from(body.gas_price));
    let is_covered = gas.checked_add(body.value).is_some_and(|needed| needed <= account.balance);
    require(is_covered, RefusalCode::Balance, || {
        let (balance, value) = (account.balance, body.value);
        format!("the balance of {balance} does not cover gas for {gas} and value {value}")
    })?;
    Ok(gas)
}
