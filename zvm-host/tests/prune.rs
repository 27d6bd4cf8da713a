//! Records of old blocks go when a node keeps only so many; nothing else changes by it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::Arc;

use common::*;
use zvm_host::state::StateBackend;
use zvm_host::{Answer, Body, Chain, ChainConfig, MemoryBackend, RedbBackend, RefusalCode};

fn config(kept: Option<u64>) -> ChainConfig {
    ChainConfig { records_kept_blocks: kept, ..ChainConfig::default() }
}

fn transfer(nonce: u64) -> Body {
    Body {
        value: 1,
        gas_limit: 400_000,
        gas_price: 1,
        valid_until: 1_000,
        ..Body::call(nonce, address(&bob()), &[])
    }
}

/// Sends the call with this nonce and gives its wire bytes.
fn send(chain: &mut Chain, nonce: u64) -> Vec<u8> {
    let wire = transfer(nonce).sign(&alice(), &chain.info().genesis_hash).encode();
    assert!(matches!(chain.submit(&wire, 1).unwrap(), Answer::Included(_)), "{nonce}");
    wire
}

/// Which of the calls have a record.
fn kept(chain: &Chain, wires: &[Vec<u8>]) -> Vec<u64> {
    let genesis_hash = chain.info().genesis_hash;
    let id = |wire: &Vec<u8>| zvm_host::Envelope::decode(wire).unwrap().call_id(&genesis_hash);
    let has = |(at, wire): (usize, &Vec<u8>)| {
        chain.receipt(&id(wire)).unwrap().map(|record| {
            assert_eq!(record.height, at as u64 + 1);
            record.height
        })
    };
    wires.iter().enumerate().filter_map(has).collect()
}

fn check(store: Arc<dyn StateBackend>) {
    let mut chain = Chain::open(Arc::clone(&store), &genesis(), config(None)).unwrap();
    let mut wires: Vec<_> = (0..40).map(|nonce| send(&mut chain, nonce)).collect();
    assert_eq!(kept(&chain, &wires), (1..=40).collect::<Vec<_>>());
    drop(chain);
    // Told to keep three, it prunes sixteen blocks with each new one until it has caught up.
    let mut chain = Chain::open(Arc::clone(&store), &genesis(), config(Some(3))).unwrap();
    for (nonce, first) in [(40, 16), (41, 32), (42, 41), (43, 42), (44, 43)] {
        wires.push(send(&mut chain, nonce));
        assert_eq!(kept(&chain, &wires), (first..=nonce + 1).collect::<Vec<_>>(), "after {nonce}");
        assert_eq!(store.snapshot().unwrap().records_from().unwrap(), first);
    }
    // The blocks are still there, and what was executed is not executed again.
    for height in 1..=45 {
        assert_eq!(chain.block(height).unwrap().unwrap().calls, [wires[height as usize - 1].clone()]);
    }
    assert_eq!(refusal(chain.submit(&wires[0], 1).unwrap()), RefusalCode::NonceUsed);
    assert!(matches!(chain.submit(&wires[44], 1).unwrap(), Answer::Duplicate(_)));
    let root = chain.info().state_root;
    drop(chain);
    // Keeping all again brings nothing back, and prunes nothing more.
    let mut chain = Chain::open(Arc::clone(&store), &genesis(), config(None)).unwrap();
    assert_eq!(chain.info().state_root, root);
    wires.push(send(&mut chain, 45));
    assert_eq!(kept(&chain, &wires), [43, 44, 45, 46]);
}

#[test]
fn old_records_go_in_memory() {
    check(Arc::new(MemoryBackend::new()));
}

#[test]
fn old_records_go_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    check(Arc::new(RedbBackend::open(&dir.path().join("chain.redb")).unwrap()));
}

/// What a node keeps is no rule: two that keep other records have the same blocks.
#[test]
fn blocks_do_not_depend_on_what_is_kept() {
    let run = |kept| {
        let mut chain = Chain::open(Arc::new(MemoryBackend::new()), &genesis(), config(kept)).unwrap();
        (0..20).for_each(|nonce| drop(send(&mut chain, nonce)));
        chain.info().head_hash
    };
    assert_eq!(run(None), run(Some(1)));
}
