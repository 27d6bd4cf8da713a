//! Translated modules and idle instances stay within their bound, whatever is uploaded, deployed and called;
//! and no outcome depends on what is kept.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use common::*;
use zvm_host::{Answer, Body, Chain, ChainConfig, ContractModule, MemoryBackend, Owner, Record, Status};

const MIB: u64 = 1024 * 1024;

/// Bytes that are allocated.
static TAKEN: AtomicI64 = AtomicI64::new(0);

struct Counting;

#[expect(unsafe_code, reason = "an allocator that counts")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        TAKEN.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        TAKEN.fetch_add(size as i64 - layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test at a time, since the allocator counts for all threads.
static ALONE: Mutex<()> = Mutex::new(());

fn leb(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(content.len()), content].concat()
}

/// A contract of few bytes that takes much memory: empty passive segments. Which one is in its name section's
/// place.
fn hostile(number: u8, segments: usize) -> Vec<u8> {
    let head = wat::parse_str(
        r#"(module (memory (export "memory") 16)
            (func (export "init") (result i32) (i32.const 0))
            (func (export "invoke") (result i32)
                (memory.fill (i32.const 0) (i32.const 7) (i32.const 1000000))
                (i32.load8_u (i32.const 5)) (drop) (i32.const 0))
            (func (export "query") (result i32) (i32.const 0)))"#,
    )
    .unwrap();
    let data = [leb(segments), [1, 0].repeat(segments)].concat();
    [head, section(11, &data), section(0, &[1, b'n', number])].concat()
}

fn chain(resident_len_max: u64) -> Chain {
    let config = ChainConfig { resident_len_max, ..ChainConfig::default() };
    Chain::open(Arc::new(MemoryBackend::new()), &genesis(), config).unwrap()
}

fn run(chain: &mut Chain, mut body: Body) -> Record {
    body.nonce = chain.account(&address(&alice())).unwrap().nonce;
    (body.gas_limit, body.gas_price, body.valid_until) = (GAS, 1, chain.info().height + 10);
    let wire = body.sign(&alice(), &chain.info().genesis_hash).encode();
    match chain.submit(&wire, 0).unwrap() {
        Answer::Included(record) => *record,
        other => panic!("{other:?}"),
    }
}

fn stage(chain: &mut Chain, owner: u8, wasm: &[u8]) -> [u8; 32] {
    let module = ContractModule::new(chain.engine(), wasm).unwrap();
    chain.stage_module(Owner([owner; 8]), module, wasm, 0).unwrap()
}

#[test]
fn what_is_kept_is_bounded_and_changes_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    const MODULES: u8 = 24;
    const SEGMENTS: usize = 100_000;
    let bound = 32 * MIB;
    let wasm: Vec<Vec<u8>> = (0..MODULES).map(|number| hostile(number, SEGMENTS)).collect();
    let one = ContractModule::new(chain(0).engine(), &wasm[0]).unwrap().resident_bytes();
    assert!(u64::from(MODULES) * one > 2 * bound, "together they are far too much: {one} each");

    let mut records = Vec::new();
    // Nothing is kept, few are kept, all are.
    for (resident_len_max, keeps) in [(0, false), (bound, true), (u64::MAX, true)] {
        let mut chain = chain(resident_len_max);
        let before = TAKEN.load(Ordering::Relaxed);
        let mut outcomes = Vec::new();
        // Nobody has paid for these: nothing of them is in memory but their bytes in the store.
        let hashes: Vec<_> = wasm.iter().zip(0..).map(|(wasm, n)| stage(&mut chain, n / 4, wasm)).collect();
        assert_eq!(chain.resident_bytes(), 0, "uploads are not kept translated");
        let mut most = 0;
        let mut contracts = Vec::new();
        for hash in &hashes {
            let record = run(&mut chain, Body::deploy(0, hash, &[]));
            assert_eq!(record.receipt.status, Status::Success, "{:?}", record.diagnostics);
            contracts.push(record.receipt.created);
            outcomes.push(record);
            most = most.max(chain.resident_bytes());
        }
        for round in 0..3 {
            for contract in contracts.iter().rev().cycle().skip(round).take(contracts.len()) {
                outcomes.push(run(&mut chain, Body::call(0, *contract, &[])));
                chain.query(contract, &[], GAS).unwrap();
                most = most.max(chain.resident_bytes());
            }
        }
        assert!(most <= resident_len_max, "{most} of {resident_len_max}");
        assert_eq!(most > 0, keeps);
        let taken = (TAKEN.load(Ordering::Relaxed) - before) as u64;
        // The store in memory has each module, and records of every call.
        let stored: usize = wasm.iter().map(Vec::len).sum();
        println!("bound {resident_len_max}: resident {most}, allocated {taken}, modules stored {stored}");
        if resident_len_max < u64::MAX {
            assert!(taken <= resident_len_max + 2 * stored as u64 + 4 * MIB, "{taken}");
        } else {
            assert!(most > 2 * bound, "without a bound they are all kept");
        }
        records.push((chain.info(), outcomes));
    }
    let (first, rest) = records.split_first().unwrap();
    for (info, outcomes) in rest {
        assert_eq!(info, &first.0);
        assert!(outcomes == &first.1, "records with gas and diagnostics are equal");
    }
}

/// Uploads are judged as deploys are, and take no memory for code.
#[test]
fn uploads_are_judged_alike_without_code() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let chain = chain(0);
    let token = include_bytes!("../../contracts/token/token.wasm");
    let run = ContractModule::new(chain.engine(), token).unwrap();
    let judged = ContractModule::new(chain.judging_engine(), token).unwrap();
    assert_eq!(run.module().work(), judged.module().work());
    assert_eq!(run.memory_pages(), judged.memory_pages());
    println!("{} bytes: {} to run, {} to judge", token.len(), run.resident_bytes(), judged.resident_bytes());
    assert!(judged.resident_bytes() < run.resident_bytes());
    for cut in [1, token.len() / 2, token.len() - 1] {
        let error = |engine| ContractModule::new(engine, &token[..cut]).unwrap_err().to_string();
        assert_eq!(error(chain.engine()), error(chain.judging_engine()));
    }
}

/// A deploy that fails leaves nothing translated behind.
#[test]
fn a_failed_deploy_is_not_kept() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut chain = chain(256 * MIB);
    let wasm = contract("", "(i32.const 1)", "(i32.const 0)", "(i32.const 0)");
    let hash = stage(&mut chain, 1, &wasm);
    for _ in 0..2 {
        let record = run(&mut chain, Body::deploy(0, &hash, &[]));
        assert_eq!(record.receipt.status, Status::Reverted);
        assert_eq!(chain.resident_bytes(), 0);
    }
}
