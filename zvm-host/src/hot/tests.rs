use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::crypto;
use crate::types::hex;

#[derive(Clone, Debug, Default)]
struct Keys {
    keys: BTreeMap<Vec<u8>, Vec<u8>>,
    reads: u32,
    writes: u32,
}

impl SystemState for Keys {
    type Error = StoreError;

    fn read(&mut self, key: &[u8]) -> Result<Option<Arc<[u8]>>, StoreError> {
        self.reads += 1;
        Ok(self.keys.get(key).map(|value| value[..].into()))
    }

    fn set(&mut self, key: &[u8], value: Option<Vec<u8>>) -> Result<(), StoreError> {
        self.writes += 1;
        match value {
            Some(value) => self.keys.insert(key.to_vec(), value),
            None => self.keys.remove(key),
        };
        Ok(())
    }
}

fn code(n: u32) -> Hash {
    crypto::sha256(&n.to_le_bytes())
}

/// Code, weight, blocks, height; nothing where an entry has left.
type Place = Option<(u32, u32, u8, u64)>;

/// The rules again, over lists.
#[derive(Default)]
struct Model {
    /// From the tail to the head.
    lists: [VecDeque<Place>; 2],
}

impl Model {
    fn find(&self, code: u32) -> Option<(usize, usize)> {
        let within =
            |list: &VecDeque<Place>| list.iter().position(|entry| entry.is_some_and(|entry| entry.0 == code));
        within(&self.lists[0]).map(|at| (0, at)).or(within(&self.lists[1]).map(|at| (1, at)))
    }

    fn sums(&self, list: usize) -> (u32, u64) {
        let there = self.lists[list].iter().flatten();
        (there.clone().count() as u32, there.map(|entry| u64::from(entry.1)).sum())
    }

    fn room(&mut self, list: usize, weight: u32) -> bool {
        let (count_max, weight_max) = BOUNDS[list];
        if u64::from(weight) > weight_max {
            return false;
        }
        let (mut scanned, mut evicted) = (0, 0);
        loop {
            let (count, sum) = self.sums(list);
            if count < count_max && sum + u64::from(weight) <= weight_max {
                return true;
            }
            if scanned == SCAN_MAX || evicted == EVICTIONS_MAX {
                return false;
            }
            match self.lists[list].pop_front() {
                None => return false,
                Some(None) => {}
                Some(Some(_)) => evicted += 1,
            }
            scanned += 1;
        }
    }

    fn touch(&mut self, code: u32, weight: u32, height: u64) {
        let Some((list, at)) = self.find(code) else {
            if self.room(0, weight) {
                self.lists[0].push_back(Some((code, weight, 1, height)));
            }
            return;
        };
        let (_, weight, blocks, last) = self.lists[list][at].unwrap();
        let is_behind = |model: &Model, at: usize| (model.lists[list].len() - at) as u64 >= MOVE_DISTANCE;
        if list == 1 {
            if is_behind(self, at) {
                let entry = self.lists[1][at].take();
                self.lists[1].push_back(entry);
            }
        } else if last != height {
            let used = (code, weight, (blocks + 1).min(PROMOTION_BLOCKS), height);
            if used.2 == PROMOTION_BLOCKS && self.room(1, weight) {
                self.lists[0][at] = None;
                self.lists[1].push_back(Some(used));
            } else if is_behind(self, at) {
                self.lists[0][at] = None;
                self.lists[0].push_back(Some(used));
            } else {
                self.lists[0][at] = Some(used);
            }
        }
    }

    fn hot(&self) -> Vec<Hash> {
        let mut all: Vec<Hash> = self.lists.iter().flatten().flatten().map(|entry| code(entry.0)).collect();
        all.sort();
        all
    }
}

/// Everything that the keys say fits together; gives the code in the set.
fn check(keys: &mut Keys) -> Vec<Hash> {
    let queues = queues(keys).unwrap();
    let mut sums = [(0, 0); 2];
    let mut hot = Vec::new();
    let mut places = 0;
    for (key, value) in keys.keys.clone() {
        match key[1] {
            1 => {
                let entry = Entry::decode(&value).unwrap();
                let queue = queues.of(entry.segment);
                assert!((queue.tail..queue.head).contains(&entry.place));
                assert_eq!(
                    keys.keys.get(&place_key(entry.segment, entry.place)).map(Vec::as_slice),
                    Some(&key[2..])
                );
                let sum = &mut sums[entry.segment as usize];
                *sum = (sum.0 + 1, sum.1 + u64::from(entry.weight));
                hot.push(Hash::try_from(&key[2..]).unwrap());
            }
            2 => places += 1,
            _ => assert_eq!(key, queues_key()),
        }
    }
    assert_eq!(places, hot.len());
    for (queue, ((count, weight), (count_max, weight_max))) in queues.0.iter().zip(sums.iter().zip(BOUNDS)) {
        assert_eq!((queue.count, queue.weight), (*count, *weight));
        assert!(*count <= count_max && *weight <= weight_max);
    }
    hot
}

fn sequence(seed: u64, len: usize, codes: u32) -> impl Iterator<Item = (u32, u32, u64)> {
    let mut x = seed | 1;
    (0..len).map(move |at| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        // Some codes are used much more often than others, and some are large.
        let n = (x as u32 % codes).min((x >> 32) as u32 % codes);
        let weight = if n % 50 == 7 { 3 << 20 } else { 1_000 + n * 37 % 20_000 };
        (n, weight, at as u64 / 20)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn prop_the_set_is_the_models(seed: u64, codes in 10u32..6_000) {
        let (mut keys, mut model) = (Keys::default(), Model::default());
        for (at, (n, weight, height)) in sequence(seed, 6_000, codes).enumerate() {
            (keys.reads, keys.writes) = (0, 0);
            prop_assert_eq!(is_hot(&mut keys, &code(n)).unwrap(), model.find(n).is_some());
            touch(&mut keys, &code(n), weight, height).unwrap();
            model.touch(n, weight, height);
            // One use has bounded work, whatever the set is like.
            prop_assert!(keys.reads <= 3 + SCAN_MAX + EVICTIONS_MAX, "{} reads", keys.reads);
            prop_assert!(keys.writes <= 4 + 2 * EVICTIONS_MAX, "{} writes", keys.writes);
            if at % 997 == 0 {
                prop_assert_eq!(check(&mut keys), model.hot());
            }
        }
        prop_assert_eq!(check(&mut keys), model.hot());
    }
}

#[test]
fn hot_code_is_used_without_writing() {
    let mut keys = Keys::default();
    for height in 1..=8 {
        touch(&mut keys, &code(1), 100, height).unwrap();
    }
    assert_eq!(queues(&mut keys).unwrap().0[1].count, 1, "protected after eight blocks");
    keys.writes = 0;
    for height in 9..100 {
        touch(&mut keys, &code(1), 100, height).unwrap();
    }
    assert_eq!(keys.writes, 0);
}

#[test]
fn new_code_does_not_evict_protected_code() {
    let mut keys = Keys::default();
    for height in 1..=8 {
        touch(&mut keys, &code(0), 100, height).unwrap();
    }
    for n in 1..5_000 {
        touch(&mut keys, &code(n), 5 << 20, 9).unwrap();
    }
    assert!(is_hot(&mut keys, &code(0)).unwrap());
    assert!(is_hot(&mut keys, &code(4_999)).unwrap());
    assert!(!is_hot(&mut keys, &code(4_998)).unwrap());
    assert!(!is_hot(&mut keys, &code(5_000)).unwrap());
    touch(&mut keys, &code(5_000), (8 << 20) + 1, 9).unwrap();
    assert!(!is_hot(&mut keys, &code(5_000)).unwrap(), "larger than its queue");
}

/// Two builds that give this have the same rules and layouts.
#[test]
fn golden_set() {
    let mut keys = Keys::default();
    touch(&mut keys, &[7; 32], 0x0002_0304, 5).unwrap();
    let mut entry = [vec![5, 1], vec![7; 32]].concat();
    let queues = "0100000000000000 0000000000000000 01000000 0403020000000000";
    assert_eq!(hex(&keys.keys[&vec![5, 0]]), queues.replace(' ', "") + &"00".repeat(28));
    assert_eq!(hex(&keys.keys[&entry]), "00 0000000000000000 04030200 01 0500000000000000".replace(' ', ""));
    entry = vec![5, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(keys.keys[&entry], vec![7; 32]);

    let mut keys = Keys::default();
    for (n, weight, height) in sequence(42, 20_000, 4_000) {
        touch(&mut keys, &code(n), weight, height).unwrap();
    }
    let mut all = Writer::default();
    for (key, value) in &keys.keys {
        all.sized(key).sized(value);
    }
    assert_eq!(
        hex(&crypto::sha256(&all.finish())),
        "346754b175cfdf56b2008c604058ec1236000f942e66479446e11779a59ee769"
    );
}
