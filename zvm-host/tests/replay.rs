//! Blocks run again over their witnesses: the same block, and nothing else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
mod puppet;

use common::*;
use proptest::prelude::*;
use puppet::{puppet, script};
use zvm_host::chain::machine;
use zvm_host::replay::{Bundle, Witness};
use zvm_host::{Body, ChainConfig, Envelope, Kind};

/// A chain of blocks of many calls: payments, deploys, one of a module that is none, calls between contracts, reverts,
/// a migration.
fn chain() -> Net {
    let mut net = Net::new();
    let one = net.deployed(&puppet(true), &script().end());
    let code_hash = net.chain.account(&one).unwrap().code_hash;
    let bad = wat::parse_str("(module)").unwrap();
    let bad_hash = zvm_host::crypto::blake3(&bad);
    net.store.stage(&bad_hash, &bad, &[]).unwrap();
    let new = net.stage(&puppet(false));
    for round in 0..4u8 {
        let (mut by_alice, mut by_bob) = (net.nonce(&alice()), net.nonce(&bob()));
        let nobody = zvm_host::Address([0x70 + round; 20]);
        let calls = [
            (true, Body { value: 5, ..Body::call(0, nobody, &[]) }),
            (false, Body { value: 9, ..Body::call(0, one, &script().store(round, 1).end()) }),
            (true, Body::call(0, one, &script().create(&code_hash, 1, &script().store(1, 2).end()).end())),
            (true, Body::call(0, one, &script().call(one, &script().store(7, 7)).op(8, &[&[1]]).revert())),
            (false, Body::deploy(0, &bad_hash, &[])),
            (false, Body::call(0, one, &script().op(13, &[]).0)),
            (true, Body::migrate(0, one, &new, &[])),
        ];
        for (is_alice, mut body) in calls.into_iter().take(if round == 3 { 7 } else { 6 }) {
            let (key, nonce) = if is_alice { (alice(), &mut by_alice) } else { (bob(), &mut by_bob) };
            body.gas_limit = if body.kind == Kind::Migrate { GAS } else { 20_000_000 };
            body.nonce = *nonce;
            *nonce += 1;
            let envelope = Envelope::decode(&net.sign(&key, body)).unwrap();
            let call = net.chain.authenticator().check(vec![envelope]).remove(0).unwrap();
            net.chain.admit(call).unwrap();
        }
        let job = net.chain.begin_block(0, usize::MAX).unwrap();
        let decided = net.chain.seal_now(job);
        assert!(
            decided.iter().all(|(_, decided)| matches!(decided, zvm_host::Decided::Included(_))),
            "{decided:?}"
        );
    }
    net
}

fn bundle(net: &Net, height: u64) -> Bundle {
    let view = net.store.snapshot().unwrap();
    Bundle::make(&*view, &genesis(), ChainConfig::default(), height, &mut |_| {}).unwrap()
}

#[test]
fn every_block_is_replayed_from_its_file() {
    let net = chain();
    let machine = machine(&ChainConfig::default()).unwrap();
    for height in 1..=net.chain.info().height {
        let made = bundle(&net, height);
        let bytes = made.encode();
        let read = Bundle::decode(&bytes).unwrap();
        assert_eq!(read, made);
        let built = read.replay(&machine).unwrap();
        assert_eq!(built.header, net.chain.block(height).unwrap().unwrap().header);
        for record in &built.records {
            assert_eq!(net.chain.receipt(&record.receipt.call_id).unwrap().unwrap(), *record, "texts too");
        }
    }
    let view = net.store.snapshot().unwrap();
    let none = Bundle::make(&*view, &genesis(), ChainConfig::default(), 99, &mut |_| {});
    assert!(none.unwrap_err().to_string().contains("there is no block"));
}

/// The witness is exact: a key or a module more or less is refused, as is any other value.
#[test]
fn more_or_less_is_refused() {
    let net = chain();
    let machine = machine(&ChainConfig::default()).unwrap();
    let good = bundle(&net, 3);
    let other = bundle(&net, 2);
    let refused = |change: &dyn Fn(&mut Bundle)| {
        let mut bad = good.clone();
        change(&mut bad);
        bad.replay(&machine).unwrap_err().to_string()
    };
    for at in 0..good.witness.values.len() {
        let text = refused(&|bundle| drop(bundle.witness.values.remove(at)));
        assert!(text.contains("witness"), "{text}");
        let text = refused(&|bundle| match &mut bundle.witness.values[at].1 {
            Some(value) => value[0] ^= 1,
            none => *none = Some(vec![1]),
        });
        assert!(text.contains("witness"), "{text}");
    }
    for at in 0..good.witness.codes.len() {
        let text = refused(&|bundle| drop(bundle.witness.codes.remove(at)));
        assert!(text.contains("witness"), "{text}");
    }
    let text = refused(&|bundle| bundle.witness.codes.push(b"more".as_slice().into()));
    assert!(text.contains("modules"), "{text}");
    assert!(refused(&|bundle| bundle.witness = other.witness.clone()).contains("another state"));
    assert!(refused(&|bundle| drop(bundle.calls.pop())).contains("calls_root"));
    assert!(refused(&|bundle| drop(bundle.records.pop())).contains("number of records"));
    assert!(refused(&|bundle| bundle.records[0].receipt.gas_used += 1).contains("record of call 0"));
    assert!(refused(&|bundle| bundle.header.state_root[0] ^= 1).contains("state_root"));
    assert!(refused(&|bundle| bundle.genesis_hash[0] ^= 1).contains("signature"));
    for len in 0..40 {
        assert!(Bundle::decode(&good.encode()[..len]).is_err());
    }
    assert!(Witness::decode(&[&good.witness.encode()[..], &[0]].concat()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A file with some bit turned never gives another block: it is refused, or only texts for people differ.
    #[test]
    fn prop_a_turned_bit_never_gives_another_block(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        thread_local! {
            static GOOD: (Vec<u8>, zvm_host::receipt::Header) = {
                let net = chain();
                let good = bundle(&net, 3);
                (good.encode(), good.header)
            };
        }
        GOOD.with(|(good, header)| {
            let mut bad = good.clone();
            let at = at.index(bad.len());
            bad[at] ^= 1 << bit;
            let machine = machine(&ChainConfig::default()).unwrap();
            if let Ok(built) = Bundle::decode(&bad).map_err(|_| ()).and_then(|bundle| bundle.replay(&machine).map_err(|_| ())) {
                prop_assert_eq!(&built.header, header);
            }
            Ok(())
        })?;
    }
}
