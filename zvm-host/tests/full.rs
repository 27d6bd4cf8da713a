//! A disk that is full from any byte of a commit on: what is told, what can still be read, and that all goes
//! on when there is room, without opening the store again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::Arc;

use common::medium::Image;
use common::*;
use zvm_host::chain::ChainError;
use zvm_host::state::{StateView, StoreError};
use zvm_host::{Address, Answer, Body, Chain, ChainConfig, ChainInfo, ContractModule, Hash, RedbBackend};

const NOBODY: Address = Address([0x77; 20]);
const COUNTER: &[u8] = include_bytes!("../../contracts/counter/counter.wasm");
const ALL: usize = usize::MAX;

fn net(image: &Arc<Image>) -> Net {
    Net::over(Arc::new(RedbBackend::over(image.clone()).unwrap()))
}

fn is_full(error: &ChainError) -> bool {
    assert!(error.to_string().contains("the disk is full"), "{error}");
    matches!(error, ChainError::Store(StoreError::Full(_)))
}

/// What a process that starts now finds, on a disk with room.
fn restart(image: &Image) -> ChainInfo {
    let copy = Arc::new(Image::new(image.file()));
    let store = Arc::new(RedbBackend::over(copy).unwrap());
    Chain::open(store, &genesis(), ChainConfig::default()).unwrap().info()
}

/// Everything that a reader may ask of the second block.
fn check_reads(net: &Net, counter: &Address, call_id: &Hash, held: &dyn StateView) {
    assert_eq!(net.balance(&NOBODY), 5);
    assert_eq!(net.chain.receipt(call_id).unwrap().unwrap().height, 2);
    assert_eq!(net.chain.block(1).unwrap().unwrap().calls.len(), 1);
    let asked = net.query(*counter, &[0x6d, 0x4c, 0xe6, 0x3c]);
    assert_eq!(asked.status, zvm_host::Status::Success);
    // A view that was taken before the disk was full.
    assert_eq!(held.place(call_id).unwrap().is_some(), net.chain.receipt(call_id).unwrap().is_some());
}

/// A chain of a deployed counter and a transfer.
fn two_blocks() -> (Vec<u8>, Address, Hash) {
    let image = Arc::new(Image::new(Vec::new()));
    let mut net = net(&image);
    let counter = net.deployed(COUNTER, &[]);
    let record = net.included(&alice(), Body { value: 5, ..Body::call(1, NOBODY, &[]) });
    drop(net);
    (image.file(), counter, record.receipt.call_id)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The limit was not reached.
    Done,
    /// It was refused, and it did not happen.
    Refused,
    /// It was refused, and a restart at that moment finds it done.
    Unsure,
}

/// A view's head and values.
fn shown(view: &dyn StateView) -> (Option<zvm_host::state::Head>, Vec<Vec<u8>>) {
    let mut values = Vec::new();
    let mut add = |key: &[u8], value: &[u8]| {
        values.push([key, value].concat());
        Ok(())
    };
    view.values(&mut add).unwrap();
    (view.head().unwrap(), values)
}

/// The work is refused with this limit, everything is read meanwhile, and it is done when there is room.
fn refuse_then_do(
    (file, counter, call_id): &(Vec<u8>, Address, Hash),
    limit: (usize, usize),
    work: &dyn Fn(&mut Net) -> Result<(), ChainError>,
) -> Outcome {
    let image = Arc::new(Image::new(file.clone()));
    let mut net = net(&image);
    let older = net.store.snapshot().unwrap();
    net.store.note_staged(&[9; 32], b"of no module").unwrap();
    let held = net.store.snapshot().unwrap();
    let before_shown = shown(&*held);
    let before = net.chain.info();
    image.limit(limit.0, limit.1);
    let Err(error) = work(&mut net) else { return Outcome::Done };
    assert!(is_full(&error));
    assert_eq!(net.chain.info(), before);
    check_reads(&net, counter, call_id, &*held);
    let mut outcome = Outcome::Refused;
    if restart(&image) != before {
        outcome = Outcome::Unsure;
    }
    // Still full: the same again.
    assert!(is_full(&work(&mut net).unwrap_err()));
    check_reads(&net, counter, call_id, &*held);
    assert!(outcome == Outcome::Unsure || restart(&image) == before);

    image.limit(ALL, ALL);
    work(&mut net).unwrap();
    assert_eq!(restart(&image), net.chain.info());
    // The view that was the newest one shows what it showed; an older one may say that it cannot.
    assert_eq!(shown(&*held), before_shown);
    match older.head() {
        Ok(head) => assert_eq!(head, before_shown.0),
        Err(error) => assert!(matches!(error, StoreError::Medium(_)), "{error}"),
    }
    drop((held, older));
    net.included(&bob(), Body { value: 1, ..Body::call(net.nonce(&bob()), NOBODY, &[]) });
    assert_eq!(restart(&image), net.chain.info());
    outcome
}

/// How much the work writes, and in how many calls.
fn measure(
    base: &(Vec<u8>, Address, Hash),
    work: &dyn Fn(&mut Net) -> Result<(), ChainError>,
) -> (usize, usize) {
    let image = Arc::new(Image::new(base.0.clone()));
    let mut net = net(&image);
    image.limit(ALL, ALL);
    work(&mut net).unwrap();
    let (room, calls) = image.left();
    (ALL - room, ALL - calls)
}

/// Each call that writes or makes durable fails in turn, and the disk is full at bytes all over the commit.
fn at_every_position(work: &dyn Fn(&mut Net) -> Result<(), ChainError>, step: usize) {
    let base = two_blocks();
    let (bytes, calls) = measure(&base, work);
    let outcomes: Vec<Outcome> = (0..calls).map(|call| refuse_then_do(&base, (ALL, call), work)).collect();
    // If the medium takes the new header, says that it did not, and then does not take the old one either, only
    // the next start can tell; the last calls may be the library's tidying up behind the commit.
    let unsure = outcomes.iter().filter(|outcome| **outcome == Outcome::Unsure).count();
    let done = outcomes.iter().rev().take_while(|outcome| **outcome == Outcome::Done).count();
    let refused = outcomes.iter().filter(|outcome| **outcome == Outcome::Refused).count();
    assert!(unsure <= 1 && done <= 2 && unsure + done + refused == calls, "{outcomes:?}");

    let positions =
        (0..bytes).step_by(step).chain([1, 4_095, 4_096, 4_097, bytes - 4_097, bytes - 4_096, bytes - 1]);
    for room in positions {
        let outcome = refuse_then_do(&base, (room, ALL), work);
        assert!(outcome == Outcome::Refused || room + 8_192 > bytes, "{room} of {bytes} bytes: {outcome:?}");
    }
    assert!(calls >= 4 && bytes > 20_000, "{calls} calls, {bytes} bytes");
}

#[test]
fn a_block() {
    at_every_position(
        &|net| {
            let nonce = net.nonce(&alice());
            let wire = net.sign(&alice(), Body { value: 7, ..Body::call(nonce, NOBODY, &[]) });
            let included = net.chain.submit(&wire, 0)?;
            assert!(matches!(included, Answer::Included(_)), "{included:?}");
            assert_eq!(net.balance(&NOBODY), 12);
            Ok(())
        },
        1_021,
    );
}

/// A module of a megabyte, for which the file has to become longer.
#[test]
fn a_module() {
    let mut module = COUNTER.to_vec();
    let len = 1_000_000u32;
    module.push(0);
    module.extend([(len & 0x7f) as u8 | 0x80, (len >> 7 & 0x7f) as u8 | 0x80, (len >> 14) as u8, 1, b'p']);
    module.resize(module.len() + len as usize - 2, 7);
    at_every_position(
        &|net| {
            let contract = ContractModule::new(net.chain.engine(), &module).unwrap();
            let hash = net.chain.stage_module(zvm_host::Owner::default(), contract, &module, 0)?;
            assert_eq!(net.chain.module_bytes(&hash).unwrap().unwrap()[..], module);
            Ok(())
        },
        131_071,
    );
}

/// The root is that of a chain whose disk was never full.
#[test]
fn the_chain_is_that_of_a_disk_with_room() {
    let image = Arc::new(Image::new(Vec::new()));
    let (mut net, mut other) = (net(&image), Net::new());
    for nonce in 0..20 {
        let body = || Body { value: 7, ..Body::call(nonce, NOBODY, &[]) };
        let wire = net.sign(&alice(), body());
        for room in [nonce as usize * 1_500, 3] {
            image.limit(room, ALL);
            if let Err(error) = net.chain.submit(&wire, 0) {
                assert!(is_full(&error));
            }
        }
        image.limit(ALL, ALL);
        let answer = net.chain.submit(&wire, 0).unwrap();
        assert!(matches!(answer, Answer::Included(_) | Answer::Duplicate(_)), "{answer:?}");
        other.included(&alice(), body());
        assert_eq!(net.chain.info(), other.chain.info());
    }
    assert_eq!(restart(&image), net.chain.info());
}

/// A disk without room for a new store: nothing is there afterwards, and later it is made.
#[test]
fn a_new_store_is_made_whole_or_not_at_all() {
    for calls in 0..40 {
        let image = Arc::new(Image::new(Vec::new()));
        image.limit(ALL, calls);
        let open = || {
            let store = RedbBackend::over(image.clone())?;
            Chain::open(Arc::new(store), &genesis(), ChainConfig::default())
        };
        match open() {
            Ok(chain) => {
                assert_eq!(chain.info().height, 0);
                assert!(calls > 4, "{calls}");
                return;
            }
            Err(error) => assert!(is_full(&error)),
        }
    }
    panic!("a new store takes more than 40 calls");
}
