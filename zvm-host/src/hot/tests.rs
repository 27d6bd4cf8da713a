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

/// An entry of a list.
#[derive(Clone, Copy, Debug)]
struct Place {
    code: u32,
    weight: u32,
    blocks: u8,
    height: u64,
    number: u64,
}

/// The rules again, over lists.
#[derive(Default)]
struct Model {
    /// From the tail to the head.
    lists: [VecDeque<Place>; 2],
    /// How many have come to each head.
    came: [u64; 2],
}

impl Model {
    fn find(&self, code: u32) -> Option<(usize, usize)> {
        let within = |list: &VecDeque<Place>| list.iter().position(|place| place.code == code);
        within(&self.lists[0]).map(|at| (0, at)).or(within(&self.lists[1]).map(|at| (1, at)))
    }

    fn room(&mut self, list: usize, weight: u32) -> bool {
        let (count_max, weight_max) = BOUNDS[list];
        if u64::from(weight) > weight_max {
            return false;
        }
        for evicted in 0.. {
            let sum: u64 = self.lists[list].iter().map(|place| u64::from(place.weight)).sum();
            if self.lists[list].len() < count_max as usize && sum + u64::from(weight) <= weight_max {
                return true;
            }
            if evicted == EVICTIONS_MAX {
                return false;
            }
            self.lists[list].pop_front();
        }
        false
    }

    fn push(&mut self, list: usize, place: Place) {
        self.lists[list].push_back(Place { number: self.came[list], ..place });
        self.came[list] += 1;
    }

    fn touch(&mut self, code: u32, weight: u32, height: u64) {
        let Some((list, at)) = self.find(code) else {
            if self.room(0, weight) {
                self.push(0, Place { code, weight, blocks: 1, height, number: 0 });
            }
            return;
        };
        let place = self.lists[list][at];
        let is_behind = self.came[list] - place.number >= MOVE_DISTANCE;
        if list == 1 {
            if is_behind {
                self.lists[1].remove(at);
                self.push(1, place);
            }
        } else if place.height != height {
            let used = Place { blocks: (place.blocks + 1).min(PROMOTION_BLOCKS), height, ..place };
            if used.blocks == PROMOTION_BLOCKS && self.room(1, place.weight) {
                self.lists[0].remove(at);
                self.push(1, used);
            } else if is_behind {
                self.lists[0].remove(at);
                self.push(0, used);
            } else {
                self.lists[0][at] = used;
            }
        }
    }

    /// Hashes, from the tail to the head.
    fn hot(&self) -> [Vec<Hash>; 2] {
        self.lists.each_ref().map(|list| list.iter().map(|place| code(place.code)).collect())
    }
}

/// Everything that the keys say fits together; gives the code in each queue from the tail to the head.
fn check(keys: &mut Keys) -> [Vec<Hash>; 2] {
    let queues = queues(keys).unwrap();
    let lists = [Segment::Probation, Segment::Protected].map(|segment| {
        let (queue, (count_max, weight_max)) = (queues.of(segment), BOUNDS[segment as usize]);
        let (mut list, mut weight) = (Vec::new(), 0);
        let (mut at, mut older, mut number) = (queue.oldest, NOBODY, None);
        while at != NOBODY {
            let entry = entry(keys, &at).unwrap().unwrap();
            assert_eq!((entry.segment, entry.older), (segment, older));
            assert!(number < Some(entry.number));
            assert!(entry.number < queue.next);
            list.push(at);
            weight += u64::from(entry.weight);
            (older, number, at) = (at, Some(entry.number), entry.newer);
        }
        assert_eq!(queue.newest, older);
        assert_eq!((queue.count as usize, queue.weight), (list.len(), weight));
        assert!(queue.count <= count_max);
        assert!(queue.weight <= weight_max);
        list
    });
    // Nothing else is there: no entry that is in no list.
    let entries = keys.keys.keys().filter(|key| **key != queues_key()).count();
    assert_eq!(entries, lists.iter().map(Vec::len).sum::<usize>());
    lists
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
            prop_assert!(keys.reads <= 7 + EVICTIONS_MAX, "{} reads", keys.reads);
            prop_assert!(keys.writes <= 6 + EVICTIONS_MAX, "{} writes", keys.writes);
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
    touch(&mut keys, &[8; 32], 0x0100_0000, 6).unwrap();
    touch(&mut keys, &[9; 32], 1, 0x0102_0304_0506_0708).unwrap();
    let (none, seven, nine) = ("00".repeat(32), "07".repeat(32), "09".repeat(32));
    let golden = [
        (vec![5, 0], format!("0200000000000000 02000000 0503020000000000 {seven} {nine}") + &"00".repeat(84)),
        (
            [vec![5, 1], vec![7; 32]].concat(),
            format!("00 0000000000000000 04030200 01 0500000000000000 {none} {nine}"),
        ),
        (
            [vec![5, 1], vec![9; 32]].concat(),
            format!("00 0100000000000000 01000000 01 0807060504030201 {seven} {none}"),
        ),
    ];
    assert_eq!(keys.keys.len(), golden.len(), "the second is larger than its queue");
    for (key, value) in golden {
        assert_eq!(hex(&keys.keys[&key]), value.replace(' ', ""));
    }

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
        "37704c755907f61bdb31803eee06863870c426f263c5ecdbe26e695a51de6aba"
    );
}

/// However often protected code has moved, there is room for what is due at once, by bounded work.
#[test]
fn moves_do_not_hold_up_promotions() {
    let mut keys = Keys::default();
    let mut height = 0;
    let many = 1_100;
    for n in 0..many {
        for _ in 0..PROMOTION_BLOCKS {
            height += 1;
            touch(&mut keys, &code(n), 1_000, height).unwrap();
        }
    }
    // Fill protected by weight, then have everything move many times.
    let large = 22 << 20;
    let mut n = many;
    while queues(&mut keys).unwrap().0[1].weight < large {
        for _ in 0..PROMOTION_BLOCKS {
            height += 1;
            touch(&mut keys, &code(n), 2 << 20, height).unwrap();
        }
        n += 1;
    }
    for _ in 0..30 {
        for n in 0..many {
            touch(&mut keys, &code(n), 1_000, height).unwrap();
        }
    }
    for _ in 0..PROMOTION_BLOCKS {
        height += 1;
        touch(&mut keys, &code(n), 3 << 20, height).unwrap();
    }
    let entry = entry(&mut keys, &code(n)).unwrap().unwrap();
    assert_eq!(entry.segment, Segment::Protected);
}
