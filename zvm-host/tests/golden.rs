//! Gas and roots of the example contracts, blessed on purpose (`ZVM_BLESS=1`): a change of gas shows in a
//! diff.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fmt::Write as _;

use common::*;
use zvm_host::crypto::selector;
use zvm_host::hex;

const COUNTER: &[u8] = include_bytes!("../../contracts/counter/counter.wasm");
const TOKEN: &[u8] = include_bytes!("../../contracts/token/token.wasm");

fn run() -> String {
    let mut net = Net::new();
    let mut out = String::new();
    let mut note = |what: &str, record: zvm_host::Record| {
        let receipt = &record.receipt;
        let (status, gas) = (receipt.status.name(), receipt.gas_used);
        let _ = writeln!(out, "{what:<24} {status:<12} {gas:>12} gas  logs {}", hex(&receipt.logs_root[..4]));
        receipt.created
    };
    let counter = note("counter init", net.deploy(&alice(), COUNTER, &[]));
    for method in ["increment()", "increment()", "reset()", "get()"] {
        note(&format!("counter {method}"), net.call(&alice(), counter, &selector(method)));
    }
    let mut init = b"\x05\0\0\0Ghost\x03\0\0\0GST\x12".to_vec();
    init.extend_from_slice(&1_000u128.to_le_bytes());
    let token = note("token init", net.deploy(&alice(), TOKEN, &init));
    let transfer = |amount: u128| {
        [&selector("transfer(address,uint128)")[..], &address(&bob()).0, &amount.to_le_bytes()].concat()
    };
    for amount in [300, 300, 1_000] {
        note(&format!("token transfer {amount}"), net.call(&alice(), token, &transfer(amount)));
    }
    out
}

#[test]
fn gas_of_the_examples() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/gas.txt");
    let found = run();
    assert_eq!(found, run(), "the same calls must cost the same");
    if std::env::var_os("ZVM_BLESS").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    let blessed = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, blessed, "gas changed: run this test with ZVM_BLESS=1 and say so in the changelog");
}
