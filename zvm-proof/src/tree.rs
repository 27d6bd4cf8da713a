//! The rules of the authenticated tree: a binary trie over the hashes of keys. A subtree with one leaf is that
//! leaf's hash, at whatever depth; so the root depends on the set of keys and values alone.

use sha2::{Digest, Sha256};

use crate::Hash;

/// The hash of a subtree without leaves.
pub const EMPTY: Hash = [0; 32];
/// Bits of a path; no leaf lies deeper.
pub const DEPTH_MAX: usize = 256;

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Where a full key lies: SHA-256(0x02 ‖ key), read from the most significant bit of the first byte.
pub fn path(full_key: &[u8]) -> Hash {
    sha256(&[&[2], full_key])
}

/// The hash of a value.
pub fn value_hash(value: &[u8]) -> Hash {
    sha256(&[value])
}

/// The hash of a leaf: SHA-256(0x00 ‖ path ‖ value hash).
pub fn leaf(path: &Hash, value_hash: &Hash) -> Hash {
    sha256(&[&[0], path, value_hash])
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
pub fn inner(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// Whether a path goes right below `depth`; `false` beyond its end.
pub fn goes_right(path: &Hash, depth: usize) -> bool {
    path.get(depth >> 3).is_some_and(|byte| byte << (depth & 7) & 0x80 != 0)
}

/// Whether two paths are the same for the first `depth` bits.
pub fn share(left: &Hash, right: &Hash, depth: usize) -> bool {
    let first_other = left.iter().zip(right).position(|(a, b)| a != b);
    first_other.is_none_or(|byte| {
        let differing = left.get(byte).zip(right.get(byte)).map_or(0, |(a, b)| a ^ b);
        byte.saturating_mul(8).saturating_add(differing.leading_zeros() as usize) >= depth
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_from_the_front() {
        let mut path = [0; 32];
        (path[0], path[31]) = (0b1010_0000, 1);
        let right: std::vec::Vec<usize> = (0..300).filter(|depth| goes_right(&path, *depth)).collect();
        assert_eq!(right, [0, 2, 255]);
    }

    #[test]
    fn shared_bits_end_at_the_first_other_one() {
        let zero = [0; 32];
        for bit in 0..256 {
            let mut other = zero;
            other[bit / 8] = 0x80 >> (bit % 8);
            for depth in 0..=256 {
                assert_eq!(share(&zero, &other, depth), depth <= bit, "{bit} {depth}");
            }
        }
        assert!(share(&zero, &zero, 256));
    }
}
