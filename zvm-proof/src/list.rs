//! Lists of a block (calls, receipts, logs): the tree of RFC 6962 over SHA-256, and proofs that an item is in
//! it (RFC 9162, 2.1.3).

use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::tree::inner;
use crate::{Hash, ProofError};

/// Hashes of a proof at most: one for each bit of an item's place.
pub const SIBLINGS_MAX: usize = 64;

/// The hash of an item: SHA-256(0x00 ‖ item).
pub fn item(bytes: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
}

/// The root of a list of item hashes; of none: the SHA-256 of nothing.
pub fn root(items: &[Hash]) -> Hash {
    match items {
        [] => Sha256::digest([]).into(),
        [only] => *only,
        _ => {
            let (left, right) = items.split_at(split(items.len()));
            inner(&root(left), &root(right))
        }
    }
}

/// The proof that item number `index` is in the list, from the item up; nothing if there is no such item.
pub fn prove(items: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= items.len() {
        return None;
    }
    let mut siblings = Vec::new();
    let (mut part, mut index) = (items, index);
    while part.len() > 1 {
        let (left, right) = part.split_at(split(part.len()));
        let (into, beside) = if index < left.len() { (left, right) } else { (right, left) };
        index = index.checked_sub(left.len()).unwrap_or(index);
        siblings.push(root(beside));
        part = into;
    }
    siblings.reverse();
    Some(siblings)
}

/// Checks that `bytes` are item number `index` of the list of `count` items with this root.
///
/// # Errors
/// `OtherKey` if there can be no such item, `Malformed` for another number of siblings, `OtherRoot`.
pub fn verify(
    root: &Hash,
    count: u64,
    index: u64,
    bytes: &[u8],
    siblings: &[Hash],
) -> Result<(), ProofError> {
    if index >= count {
        return Err(ProofError::OtherKey);
    }
    let mut hash = item(bytes);
    let (mut place, mut last) = (index, count.saturating_sub(1));
    for sibling in siblings {
        if last == 0 {
            return Err(ProofError::Malformed);
        }
        if place & 1 == 1 || place == last {
            hash = inner(sibling, &hash);
            // An item at the end that has no neighbour on its level rises to where it has one.
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            hash = inner(&hash, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Malformed);
    }
    if hash == *root { Ok(()) } else { Err(ProofError::OtherRoot) }
}

/// The largest power of two below `len`, which is at least 2.
fn split(len: usize) -> usize {
    1 << len.saturating_sub(1).checked_ilog2().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_of_lists_of_every_length_is_proven() {
        for count in 0..36_u64 {
            let items: Vec<Hash> = (0..count).map(|n| item(&n.to_le_bytes())).collect();
            let root = root(&items);
            assert_eq!(prove(&items, count as usize), None);
            for index in 0..count {
                let siblings = prove(&items, index as usize).unwrap();
                assert!(siblings.len() <= SIBLINGS_MAX);
                let bytes = index.to_le_bytes();
                assert_eq!(verify(&root, count, index, &bytes, &siblings), Ok(()), "{index} of {count}");
                assert!(verify(&root, count, index, b"another", &siblings).is_err());
                for other in (0..count + 2).filter(|other| *other != index) {
                    assert!(verify(&root, count, other, &bytes, &siblings).is_err(), "{other} of {count}");
                }
                for end in 0..siblings.len() {
                    assert!(verify(&root, count, index, &bytes, &siblings[..end]).is_err());
                }
                let longer = [&siblings[..], &[[7; 32]]].concat();
                assert!(verify(&root, count, index, &bytes, &longer).is_err());
            }
        }
    }
}
