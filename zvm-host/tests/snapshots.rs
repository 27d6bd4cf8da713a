//! Views of a store at one height: what they show does not change, whatever is committed after them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use zvm_host::state::{Commit, Head, StateBackend, StateView};
use zvm_host::{Hash, MemoryBackend, RedbBackend};

/// All that a view shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shown {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    records: BTreeMap<Hash, Vec<u8>>,
    blocks: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    staged: BTreeMap<Vec<u8>, Vec<u8>>,
    head: Option<Head>,
    genesis: Option<Vec<u8>>,
}

fn shown(view: &dyn StateView, call_ids: &[Hash]) -> Shown {
    let mut shown =
        Shown { head: view.head().unwrap(), genesis: view.genesis().unwrap(), ..Shown::default() };
    view.values(&mut |key, value| {
        assert_eq!(view.value(key).unwrap().as_deref(), Some(value));
        shown.values.insert(key.to_vec(), value.to_vec());
        Ok(())
    })
    .unwrap();
    view.all_staged(&mut |hash, bytes| {
        assert_eq!(view.staged(hash.try_into().unwrap()).unwrap().as_deref(), Some(bytes));
        assert!(view.staged_note(hash.try_into().unwrap()).unwrap().is_some());
        shown.staged.insert(hash.to_vec(), bytes.to_vec());
        Ok(())
    })
    .unwrap();
    for id in call_ids {
        let place = view.place(id).unwrap();
        let record = place.and_then(|(height, index)| view.record(height, index).unwrap());
        shown.records.extend(record.map(|record| (*id, record)));
    }
    for height in 0.. {
        let Some(header) = view.header(height).unwrap() else { break };
        shown.blocks.push((header, view.calls(height).unwrap()));
    }
    shown
}

#[derive(Clone, Debug)]
enum Step {
    Commit { values: Vec<(u8, Option<Vec<u8>>)>, unstage: Vec<u8> },
    Stage(u8, u8),
    Unstage(u8),
    Hold,
    LetGo(usize),
}

fn step() -> impl Strategy<Value = Step> {
    // Values of more than a page of the file, too.
    let value = (any::<u8>(), prop_oneof![Just(1usize), Just(100), Just(9_000)]);
    let value = value.prop_map(|(byte, len)| vec![byte; len]);
    let change = (0u8..12, prop::option::of(value));
    prop_oneof![
        4 => (prop::collection::vec(change, 0..6), prop::collection::vec(0u8..4, 0..2))
            .prop_map(|(values, unstage)| Step::Commit { values, unstage }),
        1 => (0u8..4, any::<u8>()).prop_map(|(name, byte)| Step::Stage(name, byte)),
        1 => (0u8..4).prop_map(Step::Unstage),
        3 => Just(Step::Hold),
        1 => any::<usize>().prop_map(Step::LetGo),
    ]
}

/// Runs the steps on a store and on a model that keeps whole copies.
fn check(store: &dyn StateBackend, steps: &[Step]) {
    let mut model = Shown::default();
    let mut call_ids = Vec::new();
    let mut held: Vec<(Arc<dyn StateView>, Shown)> = Vec::new();
    for step in steps {
        match step {
            Step::Commit { values, unstage } => {
                let height = model.blocks.len() as u64;
                let id = [height as u8; 32];
                let record = vec![height as u8; 40];
                let head = Head { genesis_hash: [7; 32], header: vec![height as u8; 9] };
                let calls = vec![vec![height as u8; 3]; height as usize % 3];
                let commit = Commit {
                    values: values
                        .iter()
                        .map(|(key, value)| ([*key][..].into(), value.as_deref().map(Into::into)))
                        .collect(),
                    records: vec![(id, record.clone())],
                    calls: calls.iter().map(|call| call[..].into()).collect(),
                    height,
                    head: head.clone(),
                    genesis: (height == 0).then(|| vec![7; 30]),
                    unstage: unstage.iter().map(|name| [*name; 32]).collect(),
                    ..Commit::default()
                };
                store.commit(&commit).unwrap();
                for (key, value) in values {
                    match value {
                        Some(value) => model.values.insert(vec![*key], value.clone()),
                        None => model.values.remove(&vec![*key]),
                    };
                }
                unstage.iter().for_each(|name| drop(model.staged.remove(&vec![*name; 32])));
                model.records.insert(id, record);
                model.blocks.push((head.header.clone(), calls));
                model.head = Some(head);
                model.genesis = Some(vec![7; 30]);
                call_ids.push(id);
            }
            Step::Stage(name, byte) => {
                store.stage(&[*name; 32], &[*byte; 50], &[*byte; 20]).unwrap();
                model.staged.insert(vec![*name; 32], vec![*byte; 50]);
            }
            Step::Unstage(name) => {
                store.unstage(&[*name; 32]).unwrap();
                model.staged.remove(&vec![*name; 32]);
            }
            Step::Hold => held.push((store.snapshot().unwrap(), model.clone())),
            Step::LetGo(index) if !held.is_empty() => drop(held.swap_remove(index % held.len())),
            Step::LetGo(_) => {}
        }
        for (view, then) in &held {
            assert_eq!(&shown(&**view, &call_ids), then);
        }
        assert_eq!(shown(&*store.snapshot().unwrap(), &call_ids), model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn prop_a_view_keeps_its_height(steps in prop::collection::vec(step(), 1..24)) {
        check(&MemoryBackend::new(), &steps);
        let folder = tempfile::tempdir().unwrap();
        check(&RedbBackend::open(&folder.path().join("store")).unwrap(), &steps);
    }
}

/// Readers on threads of their own, each on views that it takes and holds, while one writer commits: the
/// sum over all accounts is the same in each view, and a height that was seen never goes back.
#[test]
fn readers_see_whole_blocks_while_the_writer_commits() {
    let folder = tempfile::tempdir().unwrap();
    let redb = RedbBackend::open(&folder.path().join("store")).unwrap();
    for store in [&MemoryBackend::new() as &dyn StateBackend, &redb] {
        let block = |height: u64| Commit {
            // What one of two keys gets, the other loses.
            values: vec![
                (b"a"[..].into(), Some((1_000 + height).to_le_bytes()[..].into())),
                (b"b"[..].into(), Some((1_000 - height).to_le_bytes()[..].into())),
            ],
            height,
            head: Head { genesis_hash: [0; 32], header: height.to_le_bytes().to_vec() },
            ..Commit::default()
        };
        store.commit(&block(0)).unwrap();
        let done = AtomicBool::new(false);
        let read = || {
            let (mut seen, mut views) = (0, 0u64);
            while !done.load(Ordering::Relaxed) || views == 0 {
                let view = store.snapshot().unwrap();
                let number = |bytes: Option<std::sync::Arc<[u8]>>| {
                    u64::from_le_bytes(bytes.unwrap()[..].try_into().unwrap())
                };
                let height = number(view.head().unwrap().map(|head| head.header.into()));
                assert!(height >= seen);
                for _ in 0..3 {
                    let sum = number(view.value(b"a").unwrap()) + number(view.value(b"b").unwrap());
                    assert_eq!((sum, number(view.value(b"a").unwrap())), (2_000, 1_000 + height));
                    std::thread::yield_now();
                }
                (seen, views) = (height, views + 1);
            }
            views
        };
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..3).map(|_| scope.spawn(read)).collect();
            for height in 1..=40 {
                store.commit(&block(height)).unwrap();
            }
            done.store(true, Ordering::Relaxed);
            assert!(readers.into_iter().all(|reader| reader.join().unwrap() > 0));
        });
    }
}
