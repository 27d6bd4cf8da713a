//! The store on disk: what a restart keeps, and what a damaged file gets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::medium::Image;
use common::*;
use zvm_host::chain::ChainError;
use zvm_host::state::{StateBackend, StoreError};
use zvm_host::{Address, Body, Chain, ChainConfig, Hash, RedbBackend};

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
        let values = vec![(b"\x02spoiled"[..].into(), Some(b"x"[..].into()))];
        let commit = zvm_host::state::Commit { values, height: info.height, head, ..Default::default() };
        store.commit(&commit).unwrap();
    }
    let error = open(&path).unwrap_err();
    assert!(
        matches!(error, ChainError::Store(StoreError::RootMismatch { stored, .. }) if stored == info.state_root)
    );
}

/// All that a chain tells about its blocks.
#[derive(Debug, PartialEq)]
struct Told {
    info: zvm_host::ChainInfo,
    blocks: Vec<zvm_host::Block>,
    records: Vec<zvm_host::Record>,
    balance: u128,
    code: Vec<u8>,
    staged: Vec<u8>,
}

/// What a chain of these calls, and this staged module, tells; or that it noticed damage.
fn told(chain: &Chain, call_ids: &[Hash], code: &Hash, staged: &Hash) -> Result<Told, ChainError> {
    let info = chain.info();
    let bytes = chain.module_bytes(code)?.expect("code does not vanish");
    assert_eq!(zvm_host::crypto::blake3(&bytes), *code);
    let records = call_ids.iter().map(|id| Ok(chain.receipt(id)?.expect("a receipt does not vanish")));
    let blocks = (0..=info.height).map(|height| Ok(chain.block(height)?.expect("a block does not vanish")));
    Ok(Told {
        records: records.collect::<Result<_, ChainError>>()?,
        blocks: blocks.collect::<Result<_, ChainError>>()?,
        balance: chain.account(&NOBODY)?.balance,
        code: bytes.to_vec(),
        staged: match chain.module_bytes(staged)? {
            Some(bytes) => bytes.to_vec(),
            // Dropped at open, and told.
            None if chain.damaged_staged().len() == 1 => Vec::new(),
            None => panic!("a staged module does not vanish"),
        },
        info,
    })
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// A chain of a contract and two transfers with a staged module, as bytes of its file, and what it tells.
struct Whole {
    file: Vec<u8>,
    call_ids: Vec<Hash>,
    code: Hash,
    staged: Hash,
    told: Told,
}

impl Whole {
    fn new() -> Whole {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let code = contract("", "i32.const 0", "i32.const 1", "i32.const 0");
        let staged = {
            let mut net = net(&path);
            net.deployed(&code, &[]);
            for nonce in 1..3 {
                net.included(&alice(), Body { value: 5, ..Body::call(nonce, NOBODY, &[]) });
            }
            net.stage(&contract("", "i32.const 0", "i32.const 0", "i32.const 0"))
        };
        let chain = open(&path).unwrap();
        let call_ids = (1..=3).map(|height| {
            let calls = chain.block(height).unwrap().unwrap().calls;
            zvm_host::Envelope::decode(&calls[0]).unwrap().call_id(&chain.info().genesis_hash)
        });
        let call_ids: Vec<_> = call_ids.collect();
        let code = zvm_host::crypto::blake3(&code);
        let told = told(&chain, &call_ids, &code, &staged).unwrap();
        drop(chain);
        Whole { file: fs::read(&path).unwrap(), call_ids, code, staged, told }
    }

    /// The store of the file with some of its bits turned.
    fn damaged(&self, at: usize, bits: u8) -> Result<RedbBackend, StoreError> {
        let mut bad = self.file.clone();
        bad[at] ^= bits;
        RedbBackend::over(Arc::new(Image::new(bad)))
    }

    /// What a chain over it tells: everything as it was, or that there is damage.
    fn told_with_damage(&self, at: usize, bits: u8) -> Result<Told, ChainError> {
        let chain = Chain::open(Arc::new(self.damaged(at, bits)?), &genesis(), ChainConfig::default())?;
        told(&chain, &self.call_ids, &self.code, &self.staged)
    }

    /// All that the store shows.
    fn shown(&self, store: &dyn StateBackend) -> Result<Pairs, StoreError> {
        let view = store.snapshot()?;
        let mut all = Vec::new();
        let mut add = |key: &[u8], value: &[u8]| {
            all.push((key.to_vec(), value.to_vec()));
            Ok(())
        };
        view.values(&mut add)?;
        view.all_staged(&mut add)?;
        view.codes(&mut add)?;
        add(b"note", &view.staged_note(&self.staged)?.expect("a note does not vanish"))?;
        let head = view.head()?.expect("a head does not vanish");
        add(&head.genesis_hash, &head.header)?;
        add(b"genesis", &view.genesis()?.expect("a genesis does not vanish"))?;
        for id in &self.call_ids {
            let (height, index) = view.place(id)?.expect("a place does not vanish");
            add(id, &view.record(height, index)?.expect("a receipt does not vanish"))?;
        }
        for height in 0..=3u64 {
            add(b"header", &view.header(height)?.expect("a header does not vanish"))?;
            add(b"calls", &view.calls(height)?.concat())?;
        }
        Ok(all)
    }
}

/// Each entry of each table as it stands in the file: key, and value with its checksum.
fn entries(file: &[u8]) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    use redb::{ReadableDatabase, ReadableTable, TableHandle};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    fs::write(&path, file).unwrap();
    let read = redb::Database::open(&path).unwrap().begin_read().unwrap();
    let mut all = Vec::new();
    for handle in read.list_tables().unwrap() {
        let name = handle.name().to_string();
        let table: redb::TableDefinition<'_, &[u8], &[u8]> = redb::TableDefinition::new(&name);
        for entry in read.open_table(table).unwrap().iter().unwrap() {
            let (key, value) = entry.unwrap();
            all.push((name.clone(), key.value().to_vec(), value.value().to_vec()));
        }
    }
    all
}

/// Each bit of each entry of each table is turned, in its key, its value and its checksum, wherever copies of
/// it stand in the file: what is told is right, or names the damage. A copy of an older page may be damaged
/// without harm, so of each bit at least one copy must be noticed.
#[test]
fn each_bit_of_each_entry_counts() {
    let whole = Whole::new();
    let entries = entries(&whole.file);
    let tables: std::collections::BTreeSet<_> = entries.iter().map(|(table, ..)| table.as_str()).collect();
    assert_eq!(
        tables.into_iter().collect::<Vec<_>>(),
        ["calls", "codes", "headers", "meta", "places", "records", "staged", "staged_notes", "values"]
    );
    let places = |part: &[u8]| -> Vec<usize> {
        let windows = whole.file.windows(part.len()).enumerate();
        windows.filter(|(_, window)| *window == part).map(|(at, _)| at).collect()
    };
    let mut bits: Vec<(String, Vec<usize>, u8)> = Vec::new();
    for (table, key, stored) in &entries {
        // The keys of one block stand in a row, as do their values: a short key is found with its neighbours.
        let parts = if key.len() > 8 { vec![key, stored] } else { vec![stored] };
        for part in parts {
            let places = places(part);
            assert!(!places.is_empty(), "{table}");
            for offset in 0..part.len() {
                let copies: Vec<usize> = places.iter().map(|place| place + offset).collect();
                bits.extend((0..8).map(|bit| (table.clone(), copies.clone(), 1 << bit)));
            }
        }
    }
    let heights: Vec<u8> = (0u64..=3).flat_map(u64::to_be_bytes).collect();
    for place in places(&heights) {
        for offset in 0..heights.len() {
            bits.extend((0..8).map(|bit| ("heights".into(), vec![place + offset], 1 << bit)));
        }
    }
    let good = whole.shown(&RedbBackend::over(Arc::new(Image::new(whole.file.clone()))).unwrap());
    let good = good.unwrap();
    let next = AtomicUsize::new(0);
    let check = || {
        while let Some((table, copies, bit)) = bits.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcomes = copies.iter().map(|at| {
                let shown = whole.damaged(*at, *bit).and_then(|store| whole.shown(&store));
                match shown {
                    // A damaged module has no bytes, and is dropped when a chain is opened.
                    Ok(shown)
                        if shown.iter().any(|(key, value)| key.len() == 32 && value.is_empty())
                            && table.starts_with("staged") =>
                    {
                        true
                    }
                    Ok(shown) => {
                        assert!(shown == good, "{table}: byte {at}, bit {bit:#x}: something else is told");
                        false
                    }
                    Err(error) => {
                        let text = error.to_string();
                        assert!(
                            text.contains("corrupt: table `") || text.contains("corrupt: the file"),
                            "{text}"
                        );
                        true
                    }
                }
            });
            // Each copy is damaged and read, whatever became of the one before.
            let outcomes: Vec<bool> = outcomes.collect();
            assert!(
                outcomes.contains(&true) || table == "heights",
                "{table}: bytes {copies:?}, bit {bit:#x}"
            );
        }
    };
    std::thread::scope(|scope| {
        let checks = [scope.spawn(check), scope.spawn(check)];
        checks.into_iter().for_each(|check| check.join().unwrap());
    });
    assert!(bits.len() > 20_000, "{}", bits.len());
}

/// Damage anywhere in the file gives an error or the whole chain: never a panic, another state or another
/// receipt.
#[test]
fn a_damaged_file_never_gives_another_state() {
    let whole = Whole::new();
    let used: Vec<usize> = (0..whole.file.len()).filter(|at| whole.file[*at] != 0).collect();
    let step = (used.len() / 1_000).max(1);
    let mut noticed = 0;
    for at in used.iter().step_by(step) {
        match whole.told_with_damage(*at, 0x55) {
            Ok(told) if told.staged.is_empty() => noticed += 1,
            Ok(told) => assert_eq!(told, whole.told, "byte {at}"),
            Err(error) => {
                assert!(error.to_string().contains("corrupt"), "{error}");
                noticed += 1;
            }
        }
    }
    // Most of the file are pages of older blocks.
    assert!(noticed >= 30, "only {noticed} spots of 1,000 were noticed");
}

/// The format before this one had no checksums; a later one is not known here.
#[test]
fn other_formats_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    for name in ["zvm-store-1", "zvm-store-2", "zvm-store-7"] {
        {
            let table: redb::TableDefinition<'_, &[u8], &[u8]> = redb::TableDefinition::new("meta");
            let write = redb::Database::create(&path).unwrap().begin_write().unwrap();
            let stored = match name {
                "zvm-store-1" => name.as_bytes().to_vec(),
                _ => {
                    let mut words =
                        [&4u32.to_le_bytes()[..], b"meta", &6u32.to_le_bytes(), b"format"].concat();
                    words.extend(name.as_bytes());
                    [name.as_bytes(), &blake3::hash(&words).as_bytes()[..8]].concat()
                }
            };
            write.open_table(table).unwrap().insert(&b"format"[..], &stored[..]).unwrap();
            write.commit().unwrap();
        }
        let error = RedbBackend::open(&path).unwrap_err();
        assert!(matches!(&error, StoreError::Format(found) if found == name), "{error}");
        assert!(error.to_string().contains("`zvm-store-3`"), "{error}");
    }
}

#[test]
fn a_cut_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    three_blocks(&path);
    let good = fs::read(&path).unwrap();
    let outcomes = [10, 4_096, good.len() / 2, good.len() - 1].map(|len| {
        fs::write(&path, &good[..len]).unwrap();
        open(&path).is_err()
    });
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
    let mut outcomes = Vec::new();
    for mark in [&b"head"[..], b"format", b"zvm-store-3", b"values", b"meta", b"headers"] {
        for (at, _) in good.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark) {
            let mut bad = good.clone();
            bad[at] ^= 0x01;
            fs::write(&path, &bad).unwrap();
            outcomes.push((mark, at, open(&path).map(|chain| chain.info())));
        }
    }
    assert!(outcomes.len() >= 6);
    for (mark, at, outcome) in outcomes {
        if let Ok(found) = outcome {
            assert_eq!(found, info, "{} at {at}", String::from_utf8_lossy(mark));
        }
    }
}
