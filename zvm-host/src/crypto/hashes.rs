//! SHA-256, Keccak-256, BLAKE3 and the RFC 6962 tree over SHA-256.

use sha2::{Digest, Sha256};
use sha3::Keccak256;

use crate::types::Hash;

/// SHA-256 (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// SHA-256 of the parts, joined.
pub fn sha256_parts(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Keccak-256 with the original padding, as Ethereum uses it (not SHA3-256).
pub fn keccak256(bytes: &[u8]) -> Hash {
    Keccak256::digest(bytes).into()
}

/// BLAKE3 with 32 bytes of output.
pub fn blake3(bytes: &[u8]) -> Hash {
    *::blake3::hash(bytes).as_bytes()
}

/// The first four bytes of the Keccak-256 of a signature text such as `transfer(address,uint128)`.
pub fn selector(signature: &str) -> [u8; 4] {
    let [a, b, c, d, ..] = keccak256(signature.as_bytes());
    [a, b, c, d]
}

/// The root of the RFC 6962 tree over `leaves`; of none: the SHA-256 of nothing.
pub fn merkle_root<T: AsRef<[u8]>>(leaves: &[T]) -> Hash {
    let items: Vec<Hash> = leaves.iter().map(|leaf| zvm_proof::list::item(leaf.as_ref())).collect();
    zvm_proof::list::root(&items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::hex;

    #[test]
    fn published_vectors() {
        type Case = (fn(&[u8]) -> Hash, &'static [u8], &'static str);
        let cases: [Case; 6] = [
            (sha256, b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (sha256, b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (keccak256, b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
            (keccak256, b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
            (blake3, b"", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
            (blake3, b"abc", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
        ];
        for (hash, input, want) in cases {
            assert_eq!(hex(&hash(input)), want);
        }
        assert_eq!(hex(&selector("transfer(address,uint256)")), "a9059cbb");
    }

    /// The definition of the RFC over the items themselves, as an oracle.
    fn by_definition(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => sha256(b""),
            [leaf] => sha256_parts(&[&[0], leaf]),
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                zvm_proof::tree::inner(&by_definition(&leaves[..split]), &by_definition(&leaves[split..]))
            }
        }
    }

    #[test]
    fn merkle_roots_follow_the_rfc() {
        let mut leaves: Vec<Vec<u8>> = Vec::new();
        for count in 0..70u8 {
            assert_eq!(merkle_root(&leaves), by_definition(&leaves), "{count} leaves");
            leaves.push(vec![count; usize::from(count) % 5]);
        }
        // Of the Certificate Transparency test data: the tree of the eight inputs.
        let inputs = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let leaves: Vec<Vec<u8>> = inputs.iter().map(|text| crate::types::unhex(text).unwrap()).collect();
        assert_eq!(
            hex(&merkle_root(&leaves)),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        );
    }
}
