//! The authenticated tree: a binary trie over the hashes of keys whose root depends on the set of keys
//! and values alone, never on the order of changes. Nodes are shared between versions, so that a new root
//! is known before the old tree is let go.

use std::sync::Arc;

use zvm_proof::tree::{self as rule, EMPTY, goes_right};

use crate::types::Hash;

mod prove;
#[cfg(test)]
mod tests;

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
    value_hash: Hash,
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
                let path = rule::path(key);
                let leaf = value.map(|value| {
                    let value_hash = rule::value_hash(value);
                    Arc::new(Leaf { path, value_hash, hash: rule::leaf(&path, &value_hash) })
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

fn join(left: Node, right: Node) -> Node {
    match (&left, &right) {
        (Node::Empty, Node::Empty) => Node::Empty,
        (Node::Leaf(_), Node::Empty) => left,
        (Node::Empty, Node::Leaf(_)) => right,
        _ => {
            let hash = rule::inner(&left.hash(), &right.hash());
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
