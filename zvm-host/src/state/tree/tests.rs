//! The tree against its definition, and its proofs against the verifier.

use super::*;
use crate::crypto::sha256;
use crate::types::hex;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Set = BTreeMap<Vec<u8>, Vec<u8>>;

/// The definition, without a tree: split the sorted leaves by each bit in turn.
fn root_by_definition(set: &Set) -> Hash {
    fn below(leaves: &[(Hash, Hash)], depth: usize) -> Hash {
        match leaves {
            [] => EMPTY,
            [(_, leaf)] => *leaf,
            _ => {
                let (right, left): (Vec<_>, Vec<_>) =
                    leaves.iter().partition(|(path, _)| path[depth / 8] >> (7 - depth % 8) & 1 == 1);
                sha256(&[&[1], &below(&left, depth + 1)[..], &below(&right, depth + 1)[..]].concat())
            }
        }
    }
    let leaves: Vec<(Hash, Hash)> = set
        .iter()
        .map(|(key, value)| {
            let path = sha256(&[&[2], &key[..]].concat());
            (path, sha256(&[&[0], &path[..], &sha256(value)[..]].concat()))
        })
        .collect();
    below(&leaves, 0)
}

fn one(tree: &Tree, key: &[u8], value: Option<&[u8]>) -> Tree {
    tree.with([(key, value)])
}

#[test]
fn golden_roots() {
    let empty = Tree::default();
    assert_eq!(empty.root(), EMPTY);
    let leaf = one(&empty, b"k", Some(b"v"));
    let path = sha256(b"\x02k");
    assert_eq!(leaf.root(), sha256(&[&[0], &path[..], &sha256(b"v")[..]].concat()));
    let keys: Vec<[u8; 1]> = (0..8).map(|n| [n]).collect();
    let eight = empty.with(keys.iter().map(|key| (&key[..], Some(&key[..]))));
    assert_eq!(hex(&eight.root()), "4463c3422b1513e54aea2fbd442a6528a1aef62dc93eb008292d72872ff5860e");
}

proptest! {
    /// Any order and grouping of inserts, overwrites and removals leads to the root of the set.
    #[test]
    fn prop_the_root_is_a_function_of_the_set(
        steps in prop::collection::vec(
            prop::collection::vec((0u8..40, prop::option::of(0u8..4)), 0..12), 0..12),
    ) {
        let (mut tree, mut set) = (Tree::default(), Set::new());
        for step in &steps {
            let changes: Vec<([u8; 1], Option<[u8; 1]>)> =
                step.iter().map(|(key, value)| ([*key], value.map(|value| [value]))).collect();
            tree = tree.with(changes.iter().map(|(k, v)| (&k[..], v.as_ref().map(|v| &v[..]))));
            for (key, value) in &changes {
                match value {
                    Some(value) => set.insert(key.to_vec(), value.to_vec()),
                    None => set.remove(&key[..]),
                };
            }
            prop_assert_eq!(tree.len(), set.len());
            prop_assert_eq!(tree.root(), root_by_definition(&set));
        }
        let mut again = Tree::default();
        for (key, value) in set.iter().rev() {
            again = one(&again, key, Some(value));
        }
        prop_assert_eq!(again.root(), tree.root());
        for key in set.keys() {
            again = one(&again, key, None);
        }
        prop_assert_eq!(again.root(), EMPTY);
    }
}

#[test]
fn an_old_version_is_not_changed_by_a_new_one() {
    let old = one(&Tree::default(), b"a", Some(b"1"));
    let root = old.root();
    let new = one(&old, b"b", Some(b"2"));
    assert_ne!(new.root(), root);
    assert_eq!(old.root(), root);
    assert_eq!(one(&new, b"b", None).root(), root);
}

use zvm_proof::{Entry, PartialTree, ProofError, StateProof};

fn whole(set: &Set) -> Tree {
    Tree::default().with(set.iter().map(|(key, value)| (&key[..], Some(&value[..]))))
}

#[test]
fn golden_proofs() {
    let set: Set = (0..8_u8).map(|n| (vec![n], vec![n])).collect();
    let tree = whole(&set);
    let single = |key: &[u8]| hex(&sha256(&tree.prove(key).encode()));
    assert_eq!(single(&[3]), GOLDEN_SINGLE);
    assert_eq!(single(&[9]), GOLDEN_ABSENT);
    let without = tree.with([(&[3][..], None), (&[4], None), (&[5], None)]);
    let keys: [&[u8]; 3] = [&[3], &[4], &[5]];
    assert_eq!(hex(&sha256(&tree.prove_many(keys, &without))), GOLDEN_MANY);
}

const GOLDEN_SINGLE: &str = "391639a53f533942f6adb14688c12932ea25544ffea97f5c15cafdbb6c625762";
const GOLDEN_ABSENT: &str = "d0dfe316a4c744fe55464e284dbee52b1d4f8da27f78c20eb3412e405649dae0";
const GOLDEN_MANY: &str = "b7aa9ca3aeafb7c5265c9079909c9e6b1ead24c8d2261807d75bb067adc09f13";

proptest! {
    /// Each key, present or absent, has a proof; no proof says anything else, and no byte of it can be changed.
    #[test]
    fn prop_single_proofs_hold_and_nothing_else(keys in prop::collection::btree_set(0u8..60, 0..40), asked in 0u8..60) {
        let set: Set = keys.iter().map(|key| (vec![*key], vec![*key, 1])).collect();
        let (tree, key, value) = (whole(&set), [asked], [asked, 1]);
        let proof = tree.prove(&key);
        let claimed = keys.contains(&asked).then_some(&value[..]);
        prop_assert_eq!(proof.verify(&tree.root(), &key, claimed), Ok(()));
        let other = if claimed.is_some() { None } else { Some(&value[..]) };
        prop_assert!(proof.verify(&tree.root(), &key, other).is_err());
        prop_assert!(proof.verify(&tree.root(), &key, Some(b"else")).is_err());
        let bytes = proof.encode();
        prop_assert_eq!(StateProof::decode(&bytes), Ok(proof));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let refused = StateProof::decode(&changed).and_then(|proof| proof.verify(&tree.root(), &key, claimed));
            prop_assert!(refused.is_err(), "byte {}", at);
            prop_assert!(StateProof::decode(&bytes[..at]).is_err());
        }
    }

    /// The root that the partial tree computes is the tree's, for any set, any touched keys and any changes to
    /// some of them; and no byte of the proof can be changed.
    #[test]
    fn prop_the_partial_tree_is_the_tree(
        keys in prop::collection::btree_set(0u8..48, 0..24),
        touched in prop::collection::btree_map(0u8..48, prop::option::of(prop::option::of(0u8..4)), 0..10),
        flip in any::<prop::sample::Index>(),
    ) {
        let set: Set = keys.iter().map(|key| (vec![*key], vec![*key, 1])).collect();
        let tree = whole(&set);
        let mut listed: Vec<Vec<u8>> = touched.keys().map(|key| vec![*key]).collect();
        listed.sort_by_key(|key| rule::path(key));
        let entries: Vec<Entry<'_>> =
            listed.iter().map(|key| Entry { key, value: set.get(key).map(Vec::as_slice) }).collect();
        let changes: Vec<([u8; 1], Option<[u8; 1]>)> = touched
            .iter()
            .filter_map(|(key, change)| Some(([*key], (*change)?.map(|value| [value]))))
            .collect();
        let changes = || changes.iter().map(|(key, value)| (&key[..], value.as_ref().map(|value| &value[..])));
        let after = tree.with(changes());
        let proof = tree.prove_many(listed.iter().map(Vec::as_slice), &after);
        let partial = PartialTree::verify(&tree.root(), &entries, &proof).unwrap();
        prop_assert_eq!(partial.root_after(changes()), Ok(after.root()));
        // Anything else in its place is refused, now or when the changes are made.
        if !proof.is_empty() {
            let mut changed = proof.clone();
            changed[flip.index(proof.len())] ^= 1;
            let refused = PartialTree::verify(&tree.root(), &entries, &changed).and_then(|partial| partial.root_after(changes()));
            prop_assert!(refused.is_err());
        }
        for end in 0..proof.len() {
            prop_assert!(PartialTree::verify(&tree.root(), &entries, &proof[..end]).is_err());
        }
        // A proof for other changes is refused, unless both open the same.
        let reads = tree.prove_many(listed.iter().map(Vec::as_slice), &tree);
        let partial = PartialTree::verify(&tree.root(), &entries, &reads).unwrap();
        prop_assert_eq!(partial.root_after([]), Ok(tree.root()));
        prop_assert_eq!(partial.root_after(changes()).is_ok(), reads == proof);
        // A value that is not the key's is refused.
        for at in 0..entries.len() {
            let mut lie = entries.clone();
            lie[at].value = if lie[at].value.is_some() { None } else { Some(b"lie") };
            prop_assert!(PartialTree::verify(&tree.root(), &lie, &proof).is_err());
            lie[at].value = Some(b"other");
            prop_assert!(PartialTree::verify(&tree.root(), &lie, &proof).is_err());
        }
    }
}

/// The cases on which the rule for opened subtrees turns.
#[test]
fn edges_of_the_partial_tree() {
    let set: Set = (0..32_u8).map(|n| (vec![n], vec![n])).collect();
    let tree = whole(&set);
    let check = |tree: &Tree, set: &Set, keys: &[u8], changes: &[(u8, Option<u8>)]| {
        let mut listed: Vec<Vec<u8>> = keys.iter().map(|key| vec![*key]).collect();
        listed.sort_by_key(|key| rule::path(key));
        let entries: Vec<Entry<'_>> =
            listed.iter().map(|key| Entry { key, value: set.get(key).map(Vec::as_slice) }).collect();
        let changes: Vec<_> =
            changes.iter().map(|(key, value)| ([*key], value.map(|value| [value]))).collect();
        let changes =
            || changes.iter().map(|(key, value)| (&key[..], value.as_ref().map(|value| &value[..])));
        let after = tree.with(changes());
        let proof = tree.prove_many(listed.iter().map(Vec::as_slice), &after);
        let partial = PartialTree::verify(&tree.root(), &entries, &proof).unwrap();
        assert_eq!(partial.root_after(changes()), Ok(after.root()));
    };
    let empty = (Tree::default(), Set::new());
    check(&empty.0, &empty.1, &[], &[]);
    check(&empty.0, &empty.1, &[1], &[]);
    check(&empty.0, &empty.1, &[1, 2, 3], &[(1, Some(1)), (2, Some(2))]);
    check(&tree, &set, &[], &[]);
    let all: Vec<u8> = (0..32).collect();
    let none: Vec<_> = all.iter().map(|key| (*key, None)).collect();
    check(&tree, &set, &all, &none);
    for kept in 0..32 {
        // All but one go: it rises to the root.
        check(&tree, &set, &all, &[&none[..kept], &none[kept + 1..]].concat());
        check(&tree, &set, &[kept as u8], &[(kept as u8, None)]);
        for new in 32..40 {
            // An insert beside a removed leaf.
            check(&tree, &set, &[kept as u8, new], &[(kept as u8, None), (new, Some(0))]);
        }
    }
    let unlisted = PartialTree::verify(&tree.root(), &[], &tree.prove_many([], &tree)).unwrap();
    assert_eq!(unlisted.root_after([(&[1][..], None)]), Err(ProofError::TooLittle));
    let twice = [Entry { key: &[1], value: None }; 2];
    assert_eq!(PartialTree::verify(&tree.root(), &twice, &[1, 0]).err(), Some(ProofError::Unordered));
}
