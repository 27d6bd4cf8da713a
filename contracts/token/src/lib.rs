//! A fungible token: the entry points and the table of methods.
//!
//! Owns the way from input bytes to a method and from its outcome to the host.
//! Knows nothing of balances (`ledger`) nor of pointers (`env`).
#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]

mod abi;
mod env;
mod keccak;
mod ledger;
mod revert;

use abi::{Args, Reply};
use revert::Revert;

/// Longest input any method of this contract can need: `init` with a full name and symbol.
const INPUT_SIZE_MAX: usize = 128;

/// What a method does with its arguments; what it writes to the reply is the return data.
type Method = fn(&mut Args, &mut Reply) -> Result<(), Revert>;

/// One row per method: its Solidity signature text, which gives the selector, and its code.
type Table = &'static [([u8; 4], Method)];

/// Methods that may write, reached through `invoke`.
const CALLS: Table = &[
    (keccak::selector("mint(address,uint128)"), ledger::mint),
    (keccak::selector("transfer(address,uint128)"), ledger::transfer),
    (keccak::selector("approve(address,uint128)"), ledger::approve),
    (keccak::selector("transfer_from(address,address,uint128)"), ledger::transfer_from),
];

/// Methods that only read, reached through `query` and, for other contracts, through `invoke`.
const VIEWS: Table = &[
    (keccak::selector("balance_of(address)"), ledger::balance_of),
    (keccak::selector("allowance(address,address)"), ledger::allowance),
    (keccak::selector("total_supply()"), ledger::total_supply),
    (keccak::selector("admin()"), ledger::admin),
    (keccak::selector("name()"), ledger::name),
    (keccak::selector("symbol()"), ledger::symbol),
    (keccak::selector("decimals()"), ledger::decimals),
];

/// Runs once, inside the deploy: `name string ‖ symbol string ‖ decimals u8 ‖ supply u128`.
#[no_mangle]
pub extern "C" fn init() -> i32 {
    enter(|input, reply| run(ledger::init, input, reply))
}

/// A signed call or another contract's: `selector 4 ‖ arguments`.
#[no_mangle]
pub extern "C" fn invoke() -> i32 {
    enter(|input, reply| dispatch(&[CALLS, VIEWS], input, reply))
}

/// A question to the latest state: `selector 4 ‖ arguments`, views only.
#[no_mangle]
pub extern "C" fn query() -> i32 {
    enter(|input, reply| dispatch(&[VIEWS], input, reply))
}

fn enter(body: impl FnOnce(&[u8], &mut Reply) -> Result<(), Revert>) -> i32 {
    let mut buffer = [0; INPUT_SIZE_MAX];
    let mut reply = Reply::new();
    let outcome = if env::value() != 0 {
        // No method pays anything out: coins that came along would stay here for ever.
        Err(revert::VALUE_NOT_ACCEPTED)
    } else {
        match env::input(&mut buffer) {
            Some(input) => body(input, &mut reply),
            None => Err(revert::INPUT_TOO_LONG),
        }
    };
    match outcome {
        Ok(()) => {
            env::return_data(reply.bytes());
            0
        }
        Err(why) => why.raise(),
    }
}

fn dispatch(tables: &[Table], input: &[u8], reply: &mut Reply) -> Result<(), Revert> {
    let selector = input.get(..4).ok_or(revert::UNKNOWN_METHOD)?;
    let row = tables.iter().flat_map(|table| table.iter()).find(|row| row.0 == selector);
    let (_, method) = row.ok_or(revert::UNKNOWN_METHOD)?;
    run(*method, input.get(4..).unwrap_or(&[]), reply)
}

/// The arguments are read, and found to be all there is, before the method has any effect:
/// each method calls `Args::end` after its last argument.
fn run(method: Method, args: &[u8], reply: &mut Reply) -> Result<(), Revert> {
    method(&mut Args::new(args), reply)
}

/// Reached only by a bug: every expected failure is a `Revert`.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
