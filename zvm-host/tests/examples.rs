//! One contract in four languages (`contracts/examples`): each is deployed and called, and all must answer alike.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use zvm_host::crypto::{keccak256, selector};
use zvm_host::{Body, Record, Status};

const EXAMPLES: [(&str, &[u8], &str); 4] = [
    ("c", include_bytes!("../../contracts/examples/c/tally.wasm"), "integer overflow"),
    ("zig", include_bytes!("../../contracts/examples/zig/tally.wasm"), "integer overflow"),
    ("rust", include_bytes!("../../contracts/examples/rust/tally.wasm"), "attempt to add with overflow"),
    (
        "assemblyscript",
        include_bytes!("../../contracts/examples/assemblyscript/tally.wasm"),
        "integer overflow",
    ),
];

fn sized(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes(), text].concat()
}

fn add(step: u64) -> Vec<u8> {
    [&selector("add(uint64)")[..], &step.to_le_bytes()].concat()
}

/// Code and text of a revert.
fn reverted(record: &Record, language: &str) -> (i32, String) {
    assert_eq!(record.receipt.status, Status::Reverted, "{language}: {:?}", record.diagnostics);
    assert_eq!(record.return_data[..4], selector("Error(string)"), "{language}");
    let text = &record.return_data[8..];
    assert_eq!(record.return_data[4..8], (text.len() as u32).to_le_bytes(), "{language}");
    (record.receipt.revert_code, String::from_utf8(text.to_vec()).unwrap())
}

#[test]
fn the_examples_add_and_answer() {
    for (language, wasm, _) in EXAMPLES {
        let mut net = Net::new();
        let at = net.deployed(wasm, &sized(b"steps"));
        for (step, total) in [(5u64, 5u64), (0, 5), (37, 42)] {
            let record = net.call(&bob(), at, &add(step));
            assert_eq!(record.receipt.status, Status::Success, "{language}: {:?}", record.diagnostics);
            assert_eq!(record.return_data, total.to_le_bytes(), "{language}");
            let log = &record.logs[0];
            assert_eq!(record.logs.len(), 1, "{language}");
            assert_eq!((log.address, &log.data[..]), (at, &step.to_le_bytes()[..]), "{language}");
            let caller = [&[0; 12][..], &address(&bob()).0].concat();
            assert_eq!(log.topics[0], keccak256(b"Added(address,uint64)"), "{language}");
            assert_eq!(log.topics[1..], [<[u8; 32]>::try_from(caller).unwrap()], "{language}");
        }
        let total = selector("total()");
        let asked = net.query(at, &total);
        assert_eq!((asked.status, &asked.return_data[..]), (Status::Success, &42u64.to_le_bytes()[..]));
        assert_eq!(net.call(&bob(), at, &total).return_data, 42u64.to_le_bytes(), "{language}");
        assert_eq!(net.query(at, &selector("name()")).return_data, sized(b"steps"), "{language}");
    }
}

#[test]
fn the_examples_refuse_what_they_do_not_know_and_coins() {
    let malformed = (2, "tally: malformed arguments".to_string());
    let unknown = (1, "tally: unknown method".to_string());
    for (language, wasm, _) in EXAMPLES {
        let mut net = Net::new();
        // No length; lengths that lie; a name of 33 bytes; then the longest.
        let long = sized(&[b'n'; 33]);
        for input in [&b""[..], &[1, 0, 0], &[2, 0, 0, 0, b'x'], &[0, 0, 0, 0, b'x'], &[255; 8], &long] {
            let record = net.deploy(&alice(), wasm, input);
            assert_eq!(reverted(&record, language), malformed, "{language} {input:?}");
        }
        let at = net.deployed(wasm, &sized(&[b'n'; 32]));
        assert_eq!(net.query(at, &selector("name()")).return_data, sized(&[b'n'; 32]), "{language}");
        assert_eq!(reverted(&net.call(&bob(), at, &[]), language), unknown);
        assert_eq!(reverted(&net.call(&bob(), at, &add(1)[..3]), language), unknown);
        assert_eq!(reverted(&net.call(&bob(), at, &selector("sub(uint64)")), language), unknown);
        for method in ["total()", "name()", "add(uint64)"] {
            let input = [&selector(method)[..], &[0]].concat();
            assert_eq!(reverted(&net.call(&bob(), at, &input), language), malformed, "{language} {method}");
        }
        // A query must not reach what writes.
        let asked = net.query(at, &add(1));
        assert_eq!((asked.status, asked.revert_code), (Status::Reverted, 1), "{language}");

        let mut body = Body::call(net.nonce(&bob()), at, &add(1));
        body.value = 1;
        let record = net.included(&bob(), body);
        assert_eq!(reverted(&record, language), (3, "tally: coins are not accepted".into()));
        assert_eq!(net.balance(&at), 0, "{language}");
        assert_eq!(net.query(at, &selector("total()")).return_data, 0u64.to_le_bytes(), "{language}");
    }
}

#[test]
fn a_panic_of_each_language_is_told_in_the_receipt() {
    for (language, wasm, text) in EXAMPLES {
        let mut net = Net::new();
        let at = net.deployed(wasm, &sized(b""));
        assert_eq!(net.call(&bob(), at, &add(u64::MAX)).receipt.status, Status::Success, "{language}");
        let record = net.call(&bob(), at, &add(1));
        assert_eq!(record.receipt.status, Status::RuntimeError, "{language}");
        assert!(record.diagnostics.texts.iter().any(|note| note.contains(text)), "{language}: {record:?}");
        assert!(!record.diagnostics.backtrace.is_empty(), "{language}: {record:?}");
        assert_eq!(net.query(at, &selector("total()")).return_data, u64::MAX.to_le_bytes(), "{language}");
    }
}
