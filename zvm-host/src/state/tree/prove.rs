//! Proofs about a tree; `zvm-proof` has their layouts and checks them.

use zvm_proof::tree::{self as rule, DEPTH_MAX};
use zvm_proof::{Place, StateProof};

use super::{Node, Tree};
use crate::types::Hash;

/// A node that is not there.
const NOTHING: &Node = &Node::Empty;

impl Tree {
    /// The proof of what the tree says of a key.
    pub fn prove(&self, full_key: &[u8]) -> StateProof {
        let path = rule::path(full_key);
        let mut siblings = Vec::new();
        let mut node = &self.root;
        while let Node::Inner(inner) = node {
            let (into, beside) = if rule::goes_right(&path, siblings.len()) {
                (&inner.right, &inner.left)
            } else {
                (&inner.left, &inner.right)
            };
            siblings.push(beside.hash());
            node = into;
        }
        siblings.reverse();
        let place = match node {
            Node::Leaf(leaf) if leaf.path == path => Place::Leaf,
            Node::Leaf(leaf) => Place::Other { path: leaf.path, value_hash: leaf.value_hash },
            Node::Empty | Node::Inner(_) => Place::Nothing,
        };
        StateProof { place, siblings }
    }

    /// The part of this tree that these keys touch, for [`zvm_proof::PartialTree`]: enough to check what this
    /// tree says of them, and that changes to them lead to the root of `after`. For a proof of reads alone,
    /// `after` is this tree.
    pub fn prove_many<'a>(&self, full_keys: impl IntoIterator<Item = &'a [u8]>, after: &Tree) -> Vec<u8> {
        let mut paths: Vec<Hash> = full_keys.into_iter().map(rule::path).collect();
        paths.sort_unstable();
        paths.dedup();
        let mut out = vec![1];
        match paths.is_empty() {
            true => untouched(&self.root, false, &mut out),
            false => touched(&self.root, &after.root, 0, &paths, &mut out),
        }
        out
    }
}

/// Writes a node that has listed keys below it; `after` is what is there after the changes.
fn touched(node: &Node, after: &Node, depth: usize, paths: &[Hash], out: &mut Vec<u8>) {
    match node {
        Node::Empty => out.push(0),
        Node::Leaf(leaf) if paths.binary_search(&leaf.path).is_ok() => out.push(1),
        Node::Leaf(_) => untouched(node, true, out),
        Node::Inner(inner) => {
            out.push(3);
            let middle = paths.partition_point(|path| !rule::goes_right(path, depth));
            let (to_left, to_right) = paths.split_at(middle);
            let (left_after, right_after) = halves(after, depth);
            let next = depth.saturating_add(1);
            if to_left.is_empty() {
                untouched(&inner.left, matches!(right_after, Node::Empty), out);
            } else {
                touched(&inner.left, left_after, next, to_left, out);
            }
            if to_right.is_empty() {
                untouched(&inner.right, matches!(left_after, Node::Empty), out);
            } else {
                touched(&inner.right, right_after, next, to_right, out);
            }
        }
    }
}

/// Writes a node without listed keys below it.
fn untouched(node: &Node, is_opened: bool, out: &mut Vec<u8>) {
    match node {
        Node::Empty => out.push(0),
        Node::Leaf(leaf) if is_opened => {
            out.push(2);
            out.extend_from_slice(&leaf.path);
            out.extend_from_slice(&leaf.value_hash);
        }
        Node::Inner(inner) if is_opened => {
            out.push(5);
            out.extend_from_slice(&inner.left.hash());
            out.extend_from_slice(&inner.right.hash());
        }
        Node::Leaf(_) | Node::Inner(_) => {
            out.push(4);
            out.extend_from_slice(&node.hash());
        }
    }
}

/// What is left and right below `depth`: a lone leaf has risen to where it is alone.
fn halves(node: &Node, depth: usize) -> (&Node, &Node) {
    debug_assert!(depth < DEPTH_MAX, "two leaves have different paths");
    match node {
        Node::Empty => (NOTHING, NOTHING),
        Node::Leaf(leaf) if rule::goes_right(&leaf.path, depth) => (NOTHING, node),
        Node::Leaf(_) => (node, NOTHING),
        Node::Inner(inner) => (&inner.left, &inner.right),
    }
}
