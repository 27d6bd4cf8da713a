//! Who can displace whose staged modules: nobody but their owner.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use common::*;
use proptest::prelude::*;
use zvm_host::chain::ChainError;
use zvm_host::state::StateBackend;
use zvm_host::{
    Body, Chain, ChainConfig, ContractModule, MemoryBackend, Owner, RedbBackend, StagingLimits, Status,
};

const COUNTER: &[u8] = include_bytes!("../../contracts/counter/counter.wasm");
const VICTIM: Owner = Owner([1; 8]);
const OTHER: Owner = Owner([2; 8]);

/// The counter with a custom section that makes it another module, of this many bytes more.
fn variant(number: u64, padding: usize) -> Vec<u8> {
    let mut content = vec![1, b'p'];
    content.extend(number.to_le_bytes());
    content.resize(2 + 8 + padding, 0x5a);
    let mut out = COUNTER.to_vec();
    out.push(0);
    let mut len = content.len();
    while len >= 0x80 {
        out.push((len & 0x7f) as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend(content);
    out
}

fn open(store: Arc<dyn StateBackend>, staging: StagingLimits) -> Chain {
    Chain::open(store, &genesis(), ChainConfig { staging, ..ChainConfig::default() }).unwrap()
}

fn add(chain: &mut Chain, owner: Owner, wasm: &[u8], now_ms: u64) -> Result<[u8; 32], ChainError> {
    let module = ContractModule::new(chain.engine(), wasm).unwrap();
    chain.stage_module(owner, module, wasm, now_ms)
}

fn deploys(chain: &mut Chain, hash: &[u8; 32]) -> bool {
    let mut body = Body::deploy(chain.account(&address(&alice())).unwrap().nonce, hash, &[]);
    (body.gas_limit, body.gas_price, body.valid_until) = (GAS, 1, chain.info().height + 10);
    let wire = body.sign(&alice(), &chain.info().genesis_hash).encode();
    match chain.submit(&wire, 0).unwrap() {
        zvm_host::Answer::Included(record) => record.receipt.status == Status::Success,
        _ => false,
    }
}

/// What emptied staging once: 34 of the largest uploads by a peer without funds.
#[test]
fn a_peer_displaces_only_its_own_modules() {
    let mut chain = open(Arc::new(MemoryBackend::new()), StagingLimits::default());
    let victims = add(&mut chain, VICTIM, COUNTER, 0).unwrap();
    let flood: Vec<_> =
        (0..34).map(|n| add(&mut chain, OTHER, &variant(n, 2_000_000), 1 + n).unwrap()).collect();
    assert!(chain.has_module(&victims).unwrap());
    let left: Vec<bool> = flood.iter().map(|hash| chain.has_module(hash).unwrap()).collect();
    assert_eq!(left, [vec![false; 30], vec![true; 4]].concat(), "four fit 8 MiB, the newest stay");
    assert!(deploys(&mut chain, &victims));
}

fn redb(dir: &Path) -> Arc<dyn StateBackend> {
    Arc::new(RedbBackend::open(&dir.join("chain")).unwrap())
}

/// Age is kept: after a restart, and another, the oldest goes, whatever the order of the hashes.
#[test]
fn age_and_owners_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let limits = StagingLimits { owner_count_max: 6, ..StagingLimits::default() };
    let mut chain = open(redb(dir.path()), limits.clone());
    let of_victim = add(&mut chain, VICTIM, COUNTER, 0).unwrap();
    let mut staged: Vec<_> = (0..6).map(|n| add(&mut chain, OTHER, &variant(n, 9), 0).unwrap()).collect();
    for number in 6..12 {
        drop(chain);
        chain = open(redb(dir.path()), limits.clone());
        assert_eq!(chain.staged_count(), 7);
        let oldest = staged.remove(0);
        // A clock that was set back changes nothing.
        staged.push(add(&mut chain, OTHER, &variant(number, 9), 0).unwrap());
        assert!(!chain.has_module(&oldest).unwrap());
        assert!(staged.iter().all(|hash| chain.has_module(hash).unwrap()));
        assert!(chain.has_module(&of_victim).unwrap());
    }
}

#[test]
fn a_module_of_two_peers_stays_while_either_holds_it() {
    let limits = StagingLimits { owner_count_max: 2, ..StagingLimits::default() };
    let store = Arc::new(MemoryBackend::new());
    let mut chain = open(store.clone(), limits.clone());
    let both = add(&mut chain, VICTIM, &variant(0, 0), 0).unwrap();
    // The second peer's upload ends with "known"; that holds it as well.
    assert!(chain.claim_module(OTHER, &both, 1).unwrap());
    assert!(!chain.claim_module(OTHER, &[9; 32], 1).unwrap());
    add(&mut chain, VICTIM, &variant(1, 0), 2).unwrap();
    add(&mut chain, VICTIM, &variant(2, 0), 3).unwrap();
    assert!(chain.has_module(&both).unwrap(), "the other holds it");
    drop(chain);
    let mut chain = open(store, limits);
    assert!(chain.has_module(&both).unwrap());
    // It counts for the other's quota, too.
    add(&mut chain, OTHER, &variant(3, 0), 4).unwrap();
    assert!(chain.has_module(&both).unwrap());
    add(&mut chain, OTHER, &variant(4, 0), 5).unwrap();
    assert!(!chain.has_module(&both).unwrap());
    assert_eq!(chain.staged_count(), 4);
}

#[test]
fn a_full_store_refuses_and_opens_again_when_claims_expire() {
    let limits =
        StagingLimits { count_max: 8, owner_count_max: 4, keep_ms: 1_000, ..StagingLimits::default() };
    let store = Arc::new(MemoryBackend::new());
    let mut chain = open(store.clone(), limits.clone());
    for owner in 0..2 {
        for number in 0..4 {
            add(&mut chain, Owner([owner; 8]), &variant(u64::from(owner) * 10 + number, 0), 500).unwrap();
        }
    }
    let newcomer = Owner([9; 8]);
    for now in [500, 1_499] {
        let refused = add(&mut chain, newcomer, COUNTER, now);
        assert!(matches!(refused, Err(ChainError::StagingFull(_))), "{refused:?}");
        assert_eq!(chain.staged_count(), 8);
    }
    // Whoever has modules there may exchange its own.
    add(&mut chain, Owner([1; 8]), &variant(99, 0), 1_000).unwrap();
    drop(chain);
    // The restart does not make them younger.
    let mut chain = open(store, limits);
    let hash = add(&mut chain, newcomer, COUNTER, 1_500).unwrap();
    assert_eq!(chain.staged_count(), 2, "what was staged at 1,000, and this one");
    assert!(deploys(&mut chain, &hash));
    assert_eq!(chain.staged_count(), 1);
    // A clock that was far ahead for a moment locks nothing up.
    add(&mut chain, newcomer, &variant(1, 0), u64::MAX).unwrap();
    add(&mut chain, newcomer, &variant(2, 0), 2_000).unwrap();
    add(&mut chain, newcomer, &variant(3, 0), 3_000).unwrap();
    assert_eq!(chain.staged_count(), 1, "both are gone a second later");
}

/// A claim is renewed by asking again, late in its time; asking often writes nothing.
#[test]
fn asking_again_renews_a_claim() {
    let limits = StagingLimits { keep_ms: 1_000, ..StagingLimits::default() };
    let store = Arc::new(MemoryBackend::new());
    let mut chain = open(store.clone(), limits);
    let hash = add(&mut chain, VICTIM, COUNTER, 0).unwrap();
    let note = || store.snapshot().unwrap().staged_note(&hash).unwrap();
    let first = note();
    assert!(chain.claim_module(VICTIM, &hash, 499).unwrap());
    assert_eq!(note(), first);
    assert!(chain.claim_module(VICTIM, &hash, 900).unwrap());
    assert_ne!(note(), first);
    assert!(chain.claim_module(VICTIM, &hash, 1_899).unwrap());
    assert!(!chain.claim_module(VICTIM, &hash, 2_899).unwrap());
    assert_eq!(chain.staged_count(), 0);
}

/// A note that cannot be read, or that is another module's, costs its module and nothing else.
#[test]
fn damaged_notes_cost_one_module_each() {
    let store = Arc::new(MemoryBackend::new());
    let mut chain = open(store.clone(), StagingLimits::default());
    let hashes: Vec<_> = (0..4).map(|n| add(&mut chain, VICTIM, &variant(n, 0), 0).unwrap()).collect();
    drop(chain);
    let view = store.snapshot().unwrap();
    let (first, good) = (view.staged_note(&hashes[0]).unwrap().unwrap(), 3);
    store.note_staged(&hashes[0], &first[..first.len() - 1]).unwrap();
    store.note_staged(&hashes[1], &[1]).unwrap();
    store.note_staged(&hashes[2], &view.staged_note(&hashes[good]).unwrap().unwrap()).unwrap();
    let chain = open(store, StagingLimits::default());
    // Of two with one place in the order, the first by hash stays.
    assert_eq!((chain.staged_count(), chain.damaged_staged().len()), (1, 3));
    assert!(!chain.has_module(&hashes[0]).unwrap() && !chain.has_module(&hashes[1]).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Against a model with one list per owner, through restarts: what an owner has is its own newest, whatever
    /// the others do.
    #[test]
    fn every_owner_has_its_own_newest(
        steps in prop::collection::vec((0u8..4, 0u64..12, any::<bool>()), 1..60),
    ) {
        const OWN: usize = 3;
        let limits = StagingLimits { owner_count_max: OWN, ..StagingLimits::default() };
        let store = Arc::new(MemoryBackend::new());
        let mut chain = open(store.clone(), limits.clone());
        let mut model: BTreeMap<u8, Vec<[u8; 32]>> = BTreeMap::new();
        for (owner, number, restart) in steps {
            let hash = add(&mut chain, Owner([owner; 8]), &variant(number, 0), 7).unwrap();
            let own = model.entry(owner).or_default();
            if !own.contains(&hash) {
                own.push(hash);
                if own.len() > OWN {
                    own.remove(0);
                }
            }
            if restart {
                drop(chain);
                chain = open(store.clone(), limits.clone());
            }
            let mut all: Vec<_> = model.values().flatten().copied().collect();
            all.sort_unstable();
            all.dedup();
            prop_assert!(all.iter().all(|hash| chain.has_module(hash).unwrap()));
            prop_assert_eq!(chain.staged_count(), all.len());
        }
    }
}
