//! Admission, nonces, the queue, payment and blocks: everything about a chain that needs no contract.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use proptest::prelude::*;
use zvm_host::receipt::Header;
use zvm_host::table::host_gas;
use zvm_host::{Address, Answer, Block, Body, Kind, RefusalCode, Status};

const NOBODY: Address = Address([0x77; 20]);

fn transfer(nonce: u64, to: Address, value: u128) -> Body {
    Body { value, ..Body::call(nonce, to, &[]) }
}

#[test]
fn a_transfer_costs_what_it_must() {
    let mut net = Net::new();
    let mut body = transfer(0, address(&bob()), 1_000);
    (body.gas_price, body.gas_limit) = (3, 400_000);
    let wire = net.sign(&alice(), body);
    let gas = host_gas::intrinsic(wire.len());
    let Answer::Included(record) = net.chain.submit(&wire, 5_000).unwrap() else { panic!() };
    assert_eq!((record.receipt.status, record.receipt.gas_used), (Status::Success, gas));
    let fee = 3 * u128::from(gas);
    assert_eq!(net.balance(&address(&alice())), SUPPLY - 1_000 - fee);
    assert_eq!(net.balance(&address(&bob())), SUPPLY + 1_000);
    assert_eq!(net.balance(&SEALER), fee);
    assert_eq!(net.nonce(&alice()), 1);
    // A new account is paid for by its bytes: key and value.
    let record = net.included(&alice(), transfer(1, NOBODY, 1));
    assert_eq!(record.receipt.gas_used, gas + host_gas::GROWTH_BYTE * (21 + 85));
    assert_eq!(net.all_balances(), 2 * SUPPLY);
}

#[test]
fn blocks_follow_each_other() {
    let mut net = Net::new();
    let genesis_hash = net.chain.info().genesis_hash;
    let Block { header: block_zero, calls } = net.chain.block(0).unwrap().unwrap();
    assert_eq!((block_zero.hash(), calls.len(), block_zero.timestamp), (genesis_hash, 0, 1_000));
    let mut parent: Header = block_zero;
    // The clock stands still, goes on, and goes back.
    for (nonce, (now, want)) in [(0, 1_001), (9_000, 9_000), (5, 9_001)].into_iter().enumerate() {
        let wire = net.sign(&alice(), transfer(nonce as u64, NOBODY, 1));
        let Answer::Included(record) = net.chain.submit(&wire, now).unwrap() else { panic!() };
        let Block { header, calls } = net.chain.block(record.height).unwrap().unwrap();
        assert_eq!((header.timestamp, header.height), (want, nonce as u64 + 1));
        assert_eq!((header.parent, header.pre_state_root), (parent.hash(), parent.state_root));
        assert_eq!((header.hash(), header.state_root), (record.block_hash, record.state_root));
        assert_eq!(header.gas_used, record.receipt.gas_used);
        assert_eq!(calls, std::slice::from_ref(&wire));
        assert_eq!(header.calls_root, zvm_host::crypto::merkle_root(&[&wire]));
        assert_eq!(header.receipts_root, zvm_host::crypto::merkle_root(&[record.receipt.encode()]));
        parent = header;
    }
    assert_eq!(net.chain.head(), &parent);
    assert!(net.chain.block(4).unwrap().is_none());
}

#[test]
fn what_is_not_admitted_changes_nothing() {
    type Change = fn(&mut Body);
    let cases: [(Change, RefusalCode); 9] = [
        (|body| body.gas_limit = 10_000_000_001, RefusalCode::GasLimit),
        (|body| body.gas_limit = 310_000, RefusalCode::GasLimit),
        (|body| body.valid_until = 65_538, RefusalCode::ValidTooLong),
        (|body| body.nonce = 65, RefusalCode::NonceTooFar),
        (|body| body.value = SUPPLY, RefusalCode::Balance),
        (|body| body.value = u128::MAX, RefusalCode::Balance),
        (|body| body.gas_price = u64::MAX, RefusalCode::Balance),
        (
            |body| (body.kind, body.target, body.payload) = (Kind::Deploy, Address::ZERO, vec![9; 32]),
            RefusalCode::MissingCode,
        ),
        (|body| (body.nonce, body.value) = (64, SUPPLY), RefusalCode::Balance),
    ];
    let mut net = Net::new();
    let before = net.chain.info();
    for (index, (change, code)) in cases.into_iter().enumerate() {
        let mut body = transfer(0, NOBODY, 1);
        change(&mut body);
        assert_eq!(refusal(net.submit(&alice(), body)), code, "case {index}");
    }
    let mut free = transfer(0, NOBODY, 1);
    (free.gas_limit, free.valid_until) = (GAS, 9);
    let wire = free.sign(&alice(), &before.genesis_hash).encode();
    assert_eq!(refusal(net.chain.submit(&wire, 0).unwrap()), RefusalCode::PriceTooLow);
    // The last block that `valid_until` may name, and the first that is past.
    net.included(&alice(), Body { valid_until: 65_537, ..transfer(0, NOBODY, 1) });
    assert_eq!(
        refusal(net.submit(&alice(), Body { valid_until: 1, ..transfer(1, NOBODY, 1) })),
        RefusalCode::Expired
    );
    assert_eq!(net.chain.info().height, 1);
    assert_eq!(net.chain.waiting(), 0);
}

#[test]
fn a_bad_signature_is_status_7_and_leaves_no_trace() {
    let mut net = Net::new();
    let mut wire = net.sign(&alice(), transfer(0, NOBODY, 1));
    *wire.last_mut().unwrap() ^= 1;
    let Answer::Refused(refused) = net.chain.submit(&wire, 0).unwrap() else { panic!() };
    assert_eq!(
        (refused.code, refused.status),
        (RefusalCode::Authentication, Some(Status::AuthenticationFailed))
    );
    assert_eq!((net.nonce(&alice()), net.chain.info().height), (0, 0));
    // A good signature for another chain is a bad one here.
    let mut body = transfer(0, NOBODY, 1);
    (body.gas_limit, body.gas_price, body.valid_until) = (GAS, 1, 9);
    let elsewhere = body.sign(&alice(), &[9; 32]).encode();
    assert_eq!(refusal(net.chain.submit(&elsewhere, 0).unwrap()), RefusalCode::Authentication);
    for junk in [&b""[..], b"\x01", b"\x02\x00", &[0xff; 300]] {
        assert_eq!(refusal(net.chain.submit(junk, 0).unwrap()), RefusalCode::Malformed);
    }
}

#[test]
fn a_call_is_executed_once() {
    let mut net = Net::new();
    let wire = net.sign(&alice(), transfer(0, NOBODY, 1));
    let Answer::Included(first) = net.chain.submit(&wire, 0).unwrap() else { panic!() };
    let Answer::Duplicate(again) = net.chain.submit(&wire, 0).unwrap() else { panic!() };
    assert_eq!(first, again);
    assert_eq!((net.chain.info().height, net.balance(&NOBODY)), (1, 1));
    // Another call with the same nonce.
    assert_eq!(refusal(net.submit(&alice(), transfer(0, NOBODY, 2))), RefusalCode::NonceUsed);
}

#[test]
fn calls_in_any_order_are_executed_in_order() {
    let mut net = Net::new();
    let wires: Vec<Vec<u8>> = (0..=64).map(|nonce| net.sign(&alice(), transfer(nonce, NOBODY, 1))).collect();
    for wire in wires.iter().skip(1).rev() {
        assert!(matches!(net.chain.submit(wire, 0).unwrap(), Answer::Queued(_)));
    }
    assert!(matches!(net.chain.submit(&wires[5], 0).unwrap(), Answer::Queued(_)));
    assert_eq!(refusal(net.submit(&alice(), transfer(5, NOBODY, 9))), RefusalCode::NonceTaken);
    assert_eq!((net.chain.waiting(), net.chain.info().height), (64, 0));
    assert!(matches!(net.chain.submit(&wires[0], 0).unwrap(), Answer::Included(_)));
    assert_eq!((net.chain.waiting(), net.chain.info().height, net.nonce(&alice())), (0, 65, 65));
    assert_eq!(net.balance(&NOBODY), 65);
    for wire in &wires {
        let Answer::Duplicate(record) = net.chain.submit(wire, 0).unwrap() else { panic!() };
        assert_eq!(record.receipt.status, Status::Success);
    }
}

#[test]
fn all_calls_that_wait_are_covered() {
    let mut net = Net::new();
    let poor = zvm_host::crypto::SigningKey::from_seed(&[3; 32]);
    net.included(&alice(), transfer(0, address(&poor), 2_000_000));
    let mut second = transfer(1, NOBODY, 500_000);
    second.gas_limit = 400_000;
    assert!(matches!(net.submit(&poor, second), Answer::Queued(_)));
    let mut first = transfer(0, NOBODY, 1_500_000);
    first.gas_limit = 400_000;
    assert_eq!(refusal(net.submit(&poor, first.clone())), RefusalCode::Balance);
    first.value = 500_000;
    assert_eq!(net.included(&poor, first).receipt.status, Status::Success);
    assert_eq!((net.chain.waiting(), net.nonce(&poor)), (0, 2));
    assert_eq!(net.all_balances(), 2 * SUPPLY);
}

/// A call that is left out of a block takes nobody along: those behind it wait, and nothing is tried over and over.
#[test]
fn what_waits_behind_a_call_that_was_left_out_is_not_ready() {
    let mut net = Net::new();
    let bodies = [Body::deploy(0, &[7; 32], &[]), transfer(1, NOBODY, 1), transfer(2, NOBODY, 1)];
    let mut ids = Vec::new();
    for body in bodies {
        let envelope = zvm_host::Envelope::decode(&net.sign(&alice(), body)).unwrap();
        let call = net.chain.authenticator().check(vec![envelope]).remove(0).unwrap();
        ids.push(call.call_id);
        net.chain.admit(call).unwrap();
    }
    let job = net.chain.begin_block(0, usize::MAX).unwrap();
    let decided = net.chain.seal_now(job);
    assert_eq!((decided.len(), decided[0].0), (1, ids[0]), "the module is not here");
    assert!(!net.chain.has_ready());
    assert!(net.chain.begin_block(0, usize::MAX).is_none());
    assert_eq!(net.chain.waiting(), 2);
    // The call that was missing comes: all of them go.
    assert_eq!(net.included(&alice(), transfer(0, NOBODY, 1)).receipt.status, Status::Success);
    assert_eq!((net.chain.waiting(), net.nonce(&alice())), (0, 3));
}

#[test]
fn value_to_oneself_changes_nothing_but_the_fee() {
    let mut net = Net::new();
    let record = net.included(&alice(), transfer(0, address(&alice()), 5));
    assert_eq!(net.balance(&address(&alice())), SUPPLY - u128::from(record.receipt.gas_used));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is sent, no unit appears or is lost, and the root is that of the values.
    #[test]
    fn prop_units_are_constant(
        calls in prop::collection::vec((any::<bool>(), 0u8..4, 0u128..SUPPLY, 300_000u64..500_000, 1u64..1_000, 0usize..3), 1..16),
    ) {
        let mut net = Net::new();
        for (from_alice, to, value, gas_limit, gas_price, payload) in calls {
            let key = if from_alice { alice() } else { bob() };
            let to = [address(&alice()), address(&bob()), SEALER, NOBODY][usize::from(to)];
            let body = Body { value, gas_limit, gas_price, payload: vec![1; payload], ..transfer(net.nonce(&key), to, 0) };
            let _ = net.submit(&key, body);
            prop_assert_eq!(net.all_balances(), 2 * SUPPLY);
        }
        // Opening compares the root with the values.
        let again = Net::over(net.store.clone());
        prop_assert_eq!(again.chain.info(), net.chain.info());
    }

    #[test]
    fn fuzz_no_bytes_make_the_chain_panic(wire in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut net = Net::new();
        prop_assert_eq!(refusal(net.chain.submit(&wire, 0).unwrap()), RefusalCode::Malformed);
    }
}
