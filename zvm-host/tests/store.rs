//! The store on disk: what a restart keeps, and what a damaged file gets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use common::*;
use zvm_host::chain::ChainError;
use zvm_host::state::{StateBackend, StoreError};
use zvm_host::{Address, Body, Chain, ChainConfig, RedbBackend};

const NOBODY: Address = Address([0x77; 20]);

fn open(path: &Path) -> Result<Chain, ChainError> {
    Chain::open(Arc::new(RedbBackend::open(path)?), &genesis(), ChainConfig::default())
}

fn net(path: &Path) -> Net {
    Net::over(Arc::new(RedbBackend::open(path).unwrap()))
}

/// A chain of three transfers on disk; its store is closed.
fn three_blocks(path: &Path) -> zvm_host::ChainInfo {
    let mut net = net(path);
    for nonce in 0..3 {
        net.included(&alice(), Body { value: 5, ..Body::call(nonce, NOBODY, &[]) });
    }
    net.chain.info()
}

#[test]
fn a_restart_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let info = three_blocks(&path);
    let mut again = net(&path);
    assert_eq!(again.chain.info(), info);
    assert_eq!(again.balance(&NOBODY), 15);
    let calls = again.chain.block(2).unwrap().unwrap().calls;
    let call_id = zvm_host::Envelope::decode(&calls[0]).unwrap().call_id(&info.genesis_hash);
    let record = again.chain.receipt(&call_id).unwrap().unwrap();
    assert_eq!(record.height, 2);
    assert_eq!(again.included(&alice(), Body::call(3, NOBODY, &[])).height, 4);
}

#[test]
fn both_stores_lead_to_the_same_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut memory = Net::new();
    for nonce in 0..3 {
        memory.included(&alice(), Body { value: 5, ..Body::call(nonce, NOBODY, &[]) });
    }
    assert_eq!(three_blocks(&path), memory.chain.info());
}

#[test]
fn a_store_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let _held = RedbBackend::open(&path).unwrap();
    assert!(matches!(RedbBackend::open(&path), Err(StoreError::Medium(_))));
}

#[test]
fn a_file_that_is_something_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    for bytes in [b"a letter to my aunt".to_vec(), vec![0x41; 1 << 20]] {
        fs::write(&path, &bytes).unwrap();
        let error = open(&path).unwrap_err();
        assert!(
            matches!(error, ChainError::Store(StoreError::Corrupt(_) | StoreError::Medium(_))),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    assert!(RedbBackend::open(folder.path()).is_err(), "a folder");
}

#[test]
fn another_genesis_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    three_blocks(&path);
    let mut other = genesis();
    other.chain_id = 8;
    let store = Arc::new(RedbBackend::open(&path).unwrap());
    let error = Chain::open(store, &other, ChainConfig::default()).unwrap_err();
    assert!(matches!(error, ChainError::Store(StoreError::OtherChain { .. })), "{error}");
}

/// A value that changed behind the chain's back, and a head that lies about the root.
#[test]
fn a_wrong_root_is_found_at_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let info = three_blocks(&path);
    {
        let store = RedbBackend::open(&path).unwrap();
        let head = store.snapshot().unwrap().head().unwrap().unwrap();
        let values = vec![(b"\x02spoiled".to_vec(), Some(b"x".to_vec()))];
        let commit = zvm_host::state::Commit { values, height: info.height, head, ..Default::default() };
        store.commit(&commit).unwrap();
    }
    let error = open(&path).unwrap_err();
    assert!(
        matches!(error, ChainError::Store(StoreError::RootMismatch { stored, .. }) if stored == info.state_root)
    );
}

/// What a chain tells about its three blocks, or that it noticed the damage.
fn read_all(chain: &Chain, good: &[(zvm_host::Hash, zvm_host::Record)]) -> Result<(), ChainError> {
    for (call_id, record) in good {
        // A damaged call id: its entry is there, and cannot be found by its name.
        let Some(mut found) = chain.receipt(call_id)? else {
            return Err(StoreError::Corrupt("a receipt vanished".into()).into());
        };
        // Texts and counts are for people and not hashed.
        found.diagnostics = record.diagnostics.clone();
        assert_eq!(&found, record);
        assert!(chain.block(record.height)?.is_some());
    }
    assert_eq!(chain.account(&NOBODY)?.balance, 15);
    Ok(())
}

/// Damage anywhere in the file gives an error or the whole chain: never a panic, another state or another
/// receipt.
#[test]
fn a_damaged_file_never_gives_another_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let info = three_blocks(&path);
    let records: Vec<_> = {
        let chain = open(&path).unwrap();
        let ids = (1..=3).map(|height| {
            let calls = chain.block(height).unwrap().unwrap().calls;
            zvm_host::Envelope::decode(&calls[0]).unwrap().call_id(&info.genesis_hash)
        });
        ids.map(|call_id| (call_id, chain.receipt(&call_id).unwrap().unwrap())).collect()
    };
    let good = fs::read(&path).unwrap();
    let used: Vec<usize> = (0..good.len()).filter(|at| good[*at] != 0).collect();
    // Quiet: what the library says about its own pages is not the test's output.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let step = (used.len() / 250).max(1);
    let outcomes: Vec<_> = used
        .iter()
        .step_by(step)
        .map(|&at| {
            let mut bad = good.clone();
            bad[at] ^= 0x55;
            fs::write(&path, &bad).unwrap();
            let outcome = std::panic::catch_unwind(|| {
                open(&path).and_then(|chain| read_all(&chain, &records).map(|()| chain.info()))
            });
            (at, outcome)
        })
        .collect();
    std::panic::set_hook(hook);
    let mut noticed = 0;
    for (at, outcome) in outcomes {
        match outcome.unwrap_or_else(|_| panic!("a panic, or another receipt, with byte {at} damaged")) {
            // The rest of the newest header is not covered by the root.
            Ok(found) => assert_eq!(found.state_root, info.state_root, "byte {at}"),
            Err(_) => noticed += 1,
        }
    }
    assert!(noticed >= 10, "only {noticed} spots of 250 were noticed");
}

#[test]
fn a_cut_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    three_blocks(&path);
    let good = fs::read(&path).unwrap();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcomes = [10, 4_096, good.len() / 2, good.len() - 1].map(|len| {
        fs::write(&path, &good[..len]).unwrap();
        open(&path).is_err()
    });
    std::panic::set_hook(hook);
    assert_eq!(outcomes, [true; 4]);
}

/// The entries that say what the file is and which block is the newest, each damaged in turn: no new chain
/// may begin over what is there.
#[test]
fn a_store_that_lost_its_marks_is_not_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let info = three_blocks(&path);
    let good = fs::read(&path).unwrap();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut outcomes = Vec::new();
    for mark in [&b"head"[..], b"format", b"zvm-store-1", b"values", b"meta", b"headers"] {
        for (at, _) in good.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark) {
            let mut bad = good.clone();
            bad[at] ^= 0x01;
            fs::write(&path, &bad).unwrap();
            outcomes.push((mark, at, open(&path).map(|chain| chain.info())));
        }
    }
    std::panic::set_hook(hook);
    assert!(outcomes.len() >= 6);
    for (mark, at, outcome) in outcomes {
        if let Ok(found) = outcome {
            assert_eq!(found, info, "{} at {at}", String::from_utf8_lossy(mark));
        }
    }
}
