//! The authenticated tree: a binary trie over the hashes of keys whose root depends on the set of keys
//! and values alone, never on the order of changes. Nodes are shared between versions, so that a new root
//! is known before the old tree is let go.

use std::sync::Arc;

use crate::crypto::{sha256, sha256_parts};
use crate::types::Hash;

const EMPTY: Hash = [0; 32];

/// A version of the tree. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    root: Node,
    len: usize,
}

#[derive(Clone, Debug, Default)]
enum Node {
    #[default]
    Empty,
    /// The only leaf below this point, at whatever depth.
    Leaf(Arc<Leaf>),
    /// At least two leaves below.
    Inner(Arc<Inner>),
}

#[derive(Debug)]
struct Leaf {
    path: Hash,
    hash: Hash,
}

#[derive(Debug)]
struct Inner {
    left: Node,
    right: Node,
    hash: Hash,
}

/// A key's new leaf, or its removal.
struct Change {
    path: Hash,
    leaf: Option<Arc<Leaf>>,
}

impl Tree {
    /// The root; 32 zero bytes for the empty set.
    pub fn root(&self) -> Hash {
        self.root.hash()
    }

    /// How many keys are in the set.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The tree after `changes`: full keys with values, or nothing to remove them. Of two changes of one
    /// key the later one counts.
    pub fn with<'a>(&self, changes: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> Tree {
        let mut list: Vec<Change> = changes
            .into_iter()
            .map(|(key, value)| {
                let path = sha256_parts(&[&[2], key]);
                let leaf = value.map(|value| {
                    let hash = sha256_parts(&[&[0], &path, &sha256(value)]);
                    Arc::new(Leaf { path, hash })
                });
                Change { path, leaf }
            })
            .collect();
        // Stable, so equal paths keep their order.
        list.sort_by_key(|change| change.path);
        let mut unique: Vec<Change> = Vec::with_capacity(list.len());
        for change in list {
            match unique.last_mut() {
                Some(last) if last.path == change.path => *last = change,
                _ => unique.push(change),
            }
        }
        let mut len = self.len;
        let root = update(&self.root, 0, &unique, &mut len);
        Tree { root, len }
    }
}

impl Node {
    fn hash(&self) -> Hash {
        match self {
            Node::Empty => EMPTY,
            Node::Leaf(leaf) => leaf.hash,
            Node::Inner(inner) => inner.hash,
        }
    }
}

/// The bit of a path that decides at `depth`; the most significant comes first.
fn goes_right(path: &Hash, depth: usize) -> bool {
    path.get(depth / 8).is_some_and(|byte| byte << (depth % 8) & 0x80 != 0)
}

fn join(left: Node, right: Node) -> Node {
    match (&left, &right) {
        (Node::Empty, Node::Empty) => Node::Empty,
        (Node::Leaf(_), Node::Empty) => left,
        (Node::Empty, Node::Leaf(_)) => right,
        _ => {
            let hash = sha256_parts(&[&[1], &left.hash(), &right.hash()]);
            Node::Inner(Arc::new(Inner { left, right, hash }))
        }
    }
}

/// The node after `changes`, which are sorted, unique, and all below it. Recursion ends at 256 levels:
/// there, paths are equal.
fn update(node: &Node, depth: usize, changes: &[Change], len: &mut usize) -> Node {
    if changes.is_empty() {
        return node.clone();
    }
    match (node, changes) {
        (Node::Empty, [only]) => match &only.leaf {
            None => Node::Empty,
            Some(leaf) => {
                *len = len.saturating_add(1);
                Node::Leaf(Arc::clone(leaf))
            }
        },
        (Node::Leaf(old), [only]) if old.path == only.path => match &only.leaf {
            None => {
                *len = len.saturating_sub(1);
                Node::Empty
            }
            Some(leaf) => Node::Leaf(Arc::clone(leaf)),
        },
        (Node::Leaf(_), [Change { leaf: None, .. }]) => node.clone(),
        _ => {
            let middle = changes.partition_point(|change| !goes_right(&change.path, depth));
            let (to_left, to_right) = changes.split_at(middle);
            let (left, right) = match node {
                Node::Empty => (Node::Empty, Node::Empty),
                Node::Leaf(leaf) if goes_right(&leaf.path, depth) => (Node::Empty, node.clone()),
                Node::Leaf(_) => (node.clone(), Node::Empty),
                Node::Inner(inner) => (inner.left.clone(), inner.right.clone()),
            };
            let next = depth.saturating_add(1);
            join(update(&left, next, to_left, len), update(&right, next, to_right, len))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
