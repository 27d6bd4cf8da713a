//! The part of a tree that a list of keys touches: enough to look them up, and to compute the root after changes
//! to them, without the rest of the state.
//!
//! ```text
//! proof = 0x01 ‖ node                          nodes in pre-order
//! node  = 0                                     nothing
//!       | 1                                     the leaf of a listed key
//!       | 2 ‖ path 32 ‖ value hash 32           the leaf of a key that is not listed
//!       | 3 ‖ node ‖ node                       an inner node with listed keys below
//!       | 4 ‖ hash 32                           a subtree without listed keys
//!       | 5 ‖ left 32 ‖ right 32                the same, opened: it is an inner node
//! ```
//! A subtree without listed keys is *opened* (written as 2 or 5 in place of 4) if and only if its neighbour is
//! empty after the changes: then, and only then, it matters whether it is a leaf, which rises, or an inner node,
//! which does not. So each claim has one proof, and more or less than that is refused.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::reader::Reader;
use crate::tree::{self, DEPTH_MAX, EMPTY};
use crate::{Hash, ProofError};

/// The first byte of a proof.
pub const VERSION: u8 = 1;

/// A key of the list, with its value before the changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The full key.
    pub key: &'a [u8],
    /// Its value; nothing if it is absent.
    pub value: Option<&'a [u8]>,
}

/// The part of a tree that some keys touch; its root was checked.
#[derive(Clone, Debug)]
pub struct PartialTree {
    top: Node,
    /// The paths of the listed keys, rising.
    listed: Vec<Hash>,
}

#[derive(Clone, Copy, Debug)]
struct Leaf {
    path: Hash,
    value_hash: Hash,
}

impl Leaf {
    fn hash(&self) -> Hash {
        tree::leaf(&self.path, &self.value_hash)
    }
}

#[derive(Clone, Debug)]
enum Node {
    Empty,
    /// The leaf of a listed key, or what lies where a listed key would.
    Leaf(Leaf),
    Inner(Box<(Node, Node)>),
    /// Without listed keys, and not opened.
    Hidden(Hash),
    OpenedLeaf(Leaf),
    OpenedInner(Hash),
}

/// A listed key below the node that is read.
struct Listed {
    path: Hash,
    value_hash: Option<Hash>,
}

/// A key after the changes.
struct Change {
    path: Hash,
    value_hash: Option<Hash>,
}

impl PartialTree {
    /// Checks that under `root` the keys have these values. The entries are in the order of their paths, each
    /// once ([`tree::path`]).
    ///
    /// This alone does not judge which subtrees are opened: [`root_after`](PartialTree::root_after) does, also
    /// for no changes.
    ///
    /// # Errors
    /// `Unordered`, `Malformed`, `OtherKey`, `OtherRoot`.
    pub fn verify(root: &Hash, entries: &[Entry<'_>], proof: &[u8]) -> Result<PartialTree, ProofError> {
        let listed: Vec<Listed> = entries
            .iter()
            .map(|entry| Listed {
                path: tree::path(entry.key),
                value_hash: entry.value.map(tree::value_hash),
            })
            .collect();
        if !listed.is_sorted_by(|a, b| a.path < b.path) {
            return Err(ProofError::Unordered);
        }
        let mut reader = Reader::new(proof);
        if reader.u8()? != VERSION {
            return Err(ProofError::Malformed);
        }
        let (top, hash) = read(&mut reader, 0, &mut [0; 32], &listed)?;
        reader.end()?;
        if hash != *root {
            return Err(ProofError::OtherRoot);
        }
        Ok(PartialTree { top, listed: listed.into_iter().map(|listed| listed.path).collect() })
    }

    /// The root after changes to listed keys: full keys with new values, or nothing to remove them. Of two
    /// changes of one key the later one counts.
    ///
    /// # Errors
    /// `TooLittle` for a key that is not listed; `TooLittle`, `TooMuch` if another set of subtrees should be
    /// opened.
    pub fn root_after<'a>(
        &self,
        changes: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Result<Hash, ProofError> {
        let mut list: Vec<Change> = changes
            .into_iter()
            .map(|(key, value)| Change { path: tree::path(key), value_hash: value.map(tree::value_hash) })
            .collect();
        // Stable, and turned round: of equal paths the latest comes first, and stays.
        list.reverse();
        list.sort_by_key(|change| change.path);
        list.dedup_by_key(|change| change.path);
        if list.iter().any(|change| self.listed.binary_search(&change.path).is_err()) {
            return Err(ProofError::TooLittle);
        }
        match after(&self.top, 0, &list)? {
            After::OpenedLeaf(_) | After::OpenedInner(_) => Err(ProofError::TooMuch),
            other => Ok(other.hash()),
        }
    }
}

/// Reads a node at `depth` below `prefix`, with the listed keys below it.
fn read(
    reader: &mut Reader<'_>,
    depth: usize,
    prefix: &mut Hash,
    listed: &[Listed],
) -> Result<(Node, Hash), ProofError> {
    let mut present = listed.iter().filter_map(|listed| Some((listed.path, listed.value_hash?)));
    match reader.u8()? {
        0 => match present.next() {
            None => Ok((Node::Empty, EMPTY)),
            Some(_) => Err(ProofError::OtherKey),
        },
        1 => match (present.next(), present.next()) {
            (Some((path, value_hash)), None) => {
                let leaf = Leaf { path, value_hash };
                Ok((Node::Leaf(leaf), leaf.hash()))
            }
            _ => Err(ProofError::OtherKey),
        },
        2 => {
            let leaf = Leaf { path: reader.hash()?, value_hash: reader.hash()? };
            let is_listed = listed.binary_search_by(|listed| listed.path.cmp(&leaf.path)).is_ok();
            if present.next().is_some() || is_listed {
                return Err(ProofError::OtherKey);
            }
            if !tree::share(&leaf.path, prefix, depth) {
                return Err(ProofError::Malformed);
            }
            let node = if listed.is_empty() { Node::OpenedLeaf(leaf) } else { Node::Leaf(leaf) };
            Ok((node, leaf.hash()))
        }
        3 if !listed.is_empty() && depth < DEPTH_MAX => {
            let middle = listed.partition_point(|listed| !tree::goes_right(&listed.path, depth));
            let (to_left, to_right) = listed.split_at_checked(middle).ok_or(ProofError::Malformed)?;
            let next = depth.saturating_add(1);
            let (left, left_hash) = read(reader, next, prefix, to_left)?;
            let bit = 0x80 >> (depth & 7);
            let byte = prefix.get_mut(depth >> 3).ok_or(ProofError::Malformed)?;
            *byte |= bit;
            let right = read(reader, next, prefix, to_right);
            if let Some(byte) = prefix.get_mut(depth >> 3) {
                *byte &= !bit;
            }
            let (right, right_hash) = right?;
            Ok((Node::Inner(Box::new((left, right))), tree::inner(&left_hash, &right_hash)))
        }
        4 if listed.is_empty() => {
            let hash = reader.hash()?;
            if hash == EMPTY { Err(ProofError::Malformed) } else { Ok((Node::Hidden(hash), hash)) }
        }
        5 if listed.is_empty() => {
            let hash = tree::inner(&reader.hash()?, &reader.hash()?);
            Ok((Node::OpenedInner(hash), hash))
        }
        _ => Err(ProofError::Malformed),
    }
}

/// A subtree after the changes.
enum After {
    Empty,
    Leaf(Leaf),
    Inner(Hash),
    /// Untouched, so as it was.
    Hidden(Hash),
    OpenedLeaf(Leaf),
    OpenedInner(Hash),
}

impl After {
    fn hash(&self) -> Hash {
        match self {
            After::Empty => EMPTY,
            After::Leaf(leaf) | After::OpenedLeaf(leaf) => leaf.hash(),
            After::Inner(hash) | After::Hidden(hash) | After::OpenedInner(hash) => *hash,
        }
    }

    fn is_opened(&self) -> bool {
        matches!(self, After::OpenedLeaf(_) | After::OpenedInner(_))
    }
}

fn after(node: &Node, depth: usize, changes: &[Change]) -> Result<After, ProofError> {
    match node {
        // No key below is listed, so none is changed.
        Node::Hidden(hash) => Ok(After::Hidden(*hash)),
        Node::OpenedLeaf(leaf) => Ok(After::OpenedLeaf(*leaf)),
        Node::OpenedInner(hash) => Ok(After::OpenedInner(*hash)),
        Node::Empty => Ok(grow(&leaves(None, changes), depth)),
        Node::Leaf(leaf) => Ok(grow(&leaves(Some(*leaf), changes), depth)),
        Node::Inner(children) => {
            let middle = changes.partition_point(|change| !tree::goes_right(&change.path, depth));
            let (to_left, to_right) = changes.split_at_checked(middle).ok_or(ProofError::Malformed)?;
            let next = depth.saturating_add(1);
            join(after(&children.0, next, to_left)?, after(&children.1, next, to_right)?)
        }
    }
}

/// The leaves of a subtree that had at most one, in the order of their paths.
fn leaves(old: Option<Leaf>, changes: &[Change]) -> Vec<Leaf> {
    let stays = old.filter(|old| changes.iter().all(|change| change.path != old.path));
    let set =
        changes.iter().filter_map(|change| Some(Leaf { path: change.path, value_hash: change.value_hash? }));
    let mut list: Vec<Leaf> = set.chain(stays).collect();
    list.sort_by_key(|leaf| leaf.path);
    list
}

/// The subtree of these leaves.
fn grow(leaves: &[Leaf], depth: usize) -> After {
    match leaves {
        [] => After::Empty,
        [only] => After::Leaf(*only),
        _ => {
            let middle = leaves.partition_point(|leaf| !tree::goes_right(&leaf.path, depth));
            let (left, right) = leaves.split_at_checked(middle).unwrap_or((leaves, &[]));
            let next = depth.saturating_add(1);
            After::Inner(tree::inner(&grow(left, next).hash(), &grow(right, next).hash()))
        }
    }
}

/// The parent of two subtrees; holds the proof to the rule on what is opened.
fn join(left: After, right: After) -> Result<After, ProofError> {
    let hash = tree::inner(&left.hash(), &right.hash());
    match (left, right) {
        (After::Empty, After::Empty) => Ok(After::Empty),
        (After::Empty, other) | (other, After::Empty) => match other {
            After::Hidden(_) => Err(ProofError::TooLittle),
            After::Leaf(leaf) | After::OpenedLeaf(leaf) => Ok(After::Leaf(leaf)),
            After::Empty | After::Inner(_) | After::OpenedInner(_) => Ok(After::Inner(hash)),
        },
        (left, right) if left.is_opened() || right.is_opened() => Err(ProofError::TooMuch),
        _ => Ok(After::Inner(hash)),
    }
}
