//! Stores that fail or lie, and contracts that try to be executed for nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::*;
use zvm_host::chain::ChainError;
use zvm_host::state::{Commit, Head, StateBackend, StateView, StoreError, ValueView, Visit};
use zvm_host::table::host_gas;
use zvm_host::{Address, Answer, Body, Chain, ChainConfig, Genesis, Hash, MemoryBackend, Owner, Status};

const COUNTER: &[u8] = include_bytes!("../../contracts/counter/counter.wasm");
const NOBODY: Address = Address([0x77; 20]);

/// A store in memory that can be full, and can have lost the entry of its newest block.
#[derive(Default)]
struct Faulty {
    inner: MemoryBackend,
    full: AtomicBool,
    headless: AtomicBool,
}

impl Faulty {
    fn room(&self) -> Result<(), StoreError> {
        if self.full.load(Ordering::Relaxed) {
            return Err(StoreError::Medium("no space left on device".into()));
        }
        Ok(())
    }
}

impl StateBackend for Faulty {
    fn snapshot(&self) -> Result<Arc<dyn StateView>, StoreError> {
        let view = self.inner.snapshot()?;
        if self.headless.load(Ordering::Relaxed) { Ok(Arc::new(Headless(view))) } else { Ok(view) }
    }
    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        self.room()?;
        self.inner.commit(commit)
    }
    fn stage(&self, code_hash: &Hash, bytes: &[u8], note: &[u8]) -> Result<(), StoreError> {
        self.room()?;
        self.inner.stage(code_hash, bytes, note)
    }
    fn note_staged(&self, code_hash: &Hash, note: &[u8]) -> Result<(), StoreError> {
        self.room()?;
        self.inner.note_staged(code_hash, note)
    }
    fn unstage(&self, code_hash: &Hash) -> Result<(), StoreError> {
        self.inner.unstage(code_hash)
    }
}

/// A view that lost the entry of its newest block.
struct Headless(Arc<dyn StateView>);

impl ValueView for Headless {
    fn value(&self, full_key: &[u8]) -> Result<Option<Arc<[u8]>>, StoreError> {
        self.0.value(full_key)
    }
    fn next(&self, after: &[u8]) -> Result<Option<(Vec<u8>, Arc<[u8]>)>, StoreError> {
        self.0.next(after)
    }
    fn code(&self, code_hash: &Hash) -> Result<Option<Arc<[u8]>>, StoreError> {
        self.0.code(code_hash)
    }
    fn staged(&self, code_hash: &Hash) -> Result<Option<Arc<[u8]>>, StoreError> {
        self.0.staged(code_hash)
    }
}

impl StateView for Headless {
    fn values(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.0.values(visit)
    }
    fn genesis(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.genesis()
    }
    fn records_from(&self) -> Result<u64, StoreError> {
        self.0.records_from()
    }
    fn head(&self) -> Result<Option<Head>, StoreError> {
        Ok(None)
    }
    fn place(&self, call_id: &Hash) -> Result<Option<(u64, u32)>, StoreError> {
        self.0.place(call_id)
    }
    fn record(&self, height: u64, index: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.record(height, index)
    }
    fn codes(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.0.codes(visit)
    }
    fn header(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.header(height)
    }
    fn calls(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        self.0.calls(height)
    }
    fn staged_note(&self, code_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.staged_note(code_hash)
    }
    fn all_staged(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.0.all_staged(visit)
    }
}

fn values(store: &dyn StateBackend) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    let mut add = |key: &[u8], value: &[u8]| {
        all.push((key.to_vec(), value.to_vec()));
        Ok(())
    };
    store.snapshot().unwrap().values(&mut add).unwrap();
    all
}

/// A full disk: nothing changes, and when there is room again the same call leads to the same block.
#[test]
fn a_block_that_cannot_be_stored_never_happened() {
    let store = Arc::new(Faulty::default());
    let (mut net, mut other) = (Net::over(store.clone()), Net::new());
    for net in [&mut net, &mut other] {
        net.included(&alice(), Body { value: 5, ..Body::call(0, NOBODY, &[]) });
    }
    let (info, before) = (net.chain.info(), values(&*store));
    store.full.store(true, Ordering::Relaxed);
    let wire = net.sign(&alice(), Body { value: 5, ..Body::call(1, NOBODY, &[]) });
    assert!(matches!(net.chain.submit(&wire, 0), Err(ChainError::Store(StoreError::Medium(_)))));
    let module = zvm_host::ContractModule::new(net.chain.engine(), COUNTER).unwrap();
    let hash = module.code_hash();
    assert!(net.chain.stage_module(Owner::default(), module, COUNTER, 0).is_err());
    assert!(!net.chain.has_module(&hash).unwrap());
    assert_eq!((net.chain.info(), values(&*store)), (info, before));
    store.full.store(false, Ordering::Relaxed);
    let again = net.chain.submit(&wire, 0).unwrap();
    assert!(matches!(again, Answer::Included(_)));
    other.included(&alice(), Body { value: 5, ..Body::call(1, NOBODY, &[]) });
    assert_eq!(net.chain.info(), other.chain.info());
}

/// A store that lost the entry of its newest block is not an empty one: a genesis written into it would
/// destroy what is still there.
#[test]
fn a_store_without_its_newest_block_is_not_begun_anew() {
    let store = Arc::new(Faulty::default());
    let mut net = Net::over(store.clone());
    net.included(&alice(), Body { value: 5, ..Body::call(0, NOBODY, &[]) });
    drop(net);
    let before = values(&*store);
    store.headless.store(true, Ordering::Relaxed);
    let opened = Chain::open(store.clone(), &genesis(), ChainConfig::default());
    assert!(matches!(opened, Err(ChainError::Store(StoreError::Corrupt(_)))), "{opened:?}");
    assert_eq!(values(&*store), before);
    store.headless.store(false, Ordering::Relaxed);
    assert_eq!(Net::over(store).chain.info().height, 1);
}

/// The bytes that a deploy makes state are hashed, even when their module is ready in memory: a damaged
/// page of the staging store must not become another root than other nodes have.
#[test]
fn damaged_staged_bytes_never_become_code() {
    let mut net = Net::new();
    let hash = net.stage(COUNTER);
    let mut bad = COUNTER.to_vec();
    *bad.last_mut().unwrap() ^= 1;
    net.store.stage(&hash, &bad, &[]).unwrap();
    let info = net.chain.info();
    let wire = net.sign(&alice(), Body::deploy(0, &hash, &[]));
    let answer = net.chain.submit(&wire, 0);
    assert!(matches!(answer, Err(ChainError::Store(StoreError::Corrupt(_)))), "{answer:?}");
    assert_eq!(net.chain.info(), info);
}

fn module(fields: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {fields}
            (func (export "init") (result i32) (i32.const 0))
            (func (export "invoke") (result i32) (i32.const 0)))"#
    );
    wat::parse_str(text).unwrap()
}

/// Whatever a module does while it is instantiated ends in a receipt: a call without one is work for
/// nothing.
#[test]
fn every_instantiation_is_paid_for() {
    let memory = r#"(memory (export "memory") 1)"#;
    let cases = [
        (format!("{memory} (func $s unreachable) (start $s)"), Status::RuntimeError),
        (format!("{memory} (func $s (loop (br 0))) (start $s)"), Status::OutOfGas),
        (format!("{memory} (func $s (call $s)) (start $s)"), Status::RuntimeError),
        (format!(r#"{memory} (data (i32.const 65535) "ab")"#), Status::RuntimeError),
        (format!("{memory} (table 1 funcref) (func $s) (elem (i32.const 1) $s)"), Status::RuntimeError),
        (
            format!(
                r#"(import "env" "log" (func $log (param i32 i32))) {memory}
                   (func $s (call $log (i32.const 0) (i32.const 3))) (start $s)"#
            ),
            Status::Success,
        ),
        (
            format!(
                r#"(import "env" "revert" (func $revert (param i32 i32 i32))) {memory}
                   (func $s (call $revert (i32.const 3) (i32.const 0) (i32.const 0))) (start $s)"#
            ),
            Status::Reverted,
        ),
    ];
    let mut net = Net::new();
    for (fields, status) in cases {
        let record = net.deploy(&alice(), &module(&fields), &[]);
        assert_eq!(record.receipt.status, status, "{fields}: {:?}", record.diagnostics);
        assert_eq!(net.all_balances(), 2 * SUPPLY);
    }
}

/// Pages that a module begins with cost what it would cost to grow by them, beyond those that each
/// instance has for its price.
#[test]
fn the_first_pages_of_a_memory_are_paid_for() {
    let mut net = Net::new();
    let mut gas = |pages: u32| {
        // The same length for all.
        let memory = format!(r#"(memory (export "memory") {pages} 64)"#);
        let at = net.deployed(&module(&memory), &[]);
        net.call(&bob(), at, &[]).receipt.gas_used
    };
    let base = gas(1);
    assert_eq!(gas(16), base);
    assert_eq!(gas(17), base + host_gas::MEMORY_PAGE);
    assert_eq!(gas(63), base + 47 * host_gas::MEMORY_PAGE);
}

/// The largest limits of gas and price do not overflow anything.
#[test]
fn the_largest_gas_limit_is_a_limit_like_any_other() {
    let supply = u128::from(1u64 << 62) * u128::from(u64::MAX) + 1;
    let genesis = Genesis { gas_limit: 1 << 62, balances: vec![(address(&alice()), supply)], ..genesis() };
    let store = Arc::new(MemoryBackend::new());
    let mut chain = Chain::open(store, &genesis, ChainConfig::default()).unwrap();
    let module = zvm_host::ContractModule::new(chain.engine(), COUNTER).unwrap();
    let hash = chain.stage_module(Owner::default(), module, COUNTER, 0).unwrap();
    let mut body = Body::deploy(0, &hash, &[]);
    (body.gas_limit, body.gas_price, body.valid_until) = (1 << 62, u64::MAX, 100);
    let wire = body.clone().sign(&alice(), &chain.info().genesis_hash).encode();
    let Answer::Included(record) = chain.submit(&wire, 0).unwrap() else { panic!() };
    assert_eq!(record.receipt.status, Status::Success, "{:?}", record.diagnostics);
    let fee = u128::from(record.receipt.gas_used) * u128::from(u64::MAX);
    assert_eq!(chain.account(&address(&alice())).unwrap().balance, supply - fee);
    assert_eq!(chain.account(&genesis.sealer).unwrap().balance, fee);
    // One unit of value more than the rest covers.
    body.nonce = 1;
    let wire = body.sign(&alice(), &chain.info().genesis_hash).encode();
    assert!(matches!(chain.submit(&wire, 0).unwrap(), Answer::Refused(_)));
}
