//! Recovery against libsecp256k1, the C library of Bitcoin, which shares no code with `k256`. It makes the
//! signatures, and judges what is recovered from them and from bytes that are no signatures.

use proptest::prelude::*;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId as JudgeId};
use secp256k1::{Message, SecretKey};

use super::recover;
use crate::crypto::{keccak256, sha256};
use crate::types::{hex, unhex};

/// The order of the group.
const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
/// (n − 1) / 2, the largest s that counts, and the next one.
const HALF: &str = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
const ABOVE_HALF: &str = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1";
/// p − n, the least r whose x = r + n is no coordinate, and its neighbours.
const P_LESS_N: [&str; 3] = [
    "000000000000000000000000000000014551231950b75fc4402da1722fc9baed",
    "000000000000000000000000000000014551231950b75fc4402da1722fc9baee",
    "000000000000000000000000000000014551231950b75fc4402da1722fc9baef",
];
/// The generator's x; its y is even.
const GENERATOR_X: &str = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

fn array<const N: usize>(text: &str) -> [u8; N] {
    unhex(text).unwrap().try_into().unwrap()
}

fn number(value: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&value.to_be_bytes());
    bytes
}

fn joined(r: &[u8; 32], s: &[u8; 32]) -> [u8; 64] {
    [*r, *s].concat().try_into().unwrap()
}

/// n − s.
fn opposite(s: &[u8]) -> [u8; 32] {
    let number = |bytes: &[u8]| ruint::aliases::U256::from_be_slice(bytes);
    number(&array::<32>(ORDER)).wrapping_sub(number(s)).to_be_bytes()
}

/// What the rule says, by the other library, which takes a high s as well.
fn judged(hash: &[u8; 32], signature: &[u8; 64], id: u8) -> Option<[u8; 64]> {
    let id = JudgeId::try_from(i32::from(id)).ok()?;
    if signature[32..] > array::<32>(HALF)[..] {
        return None;
    }
    let signature = RecoverableSignature::from_compact(signature, id).ok()?;
    let key = signature.recover(Message::from_digest(*hash)).ok()?;
    key.serialize_uncompressed()[1..].try_into().ok()
}

fn signed(seed: u64, hash: &[u8; 32]) -> ([u8; 64], u8, [u8; 64]) {
    let key = SecretKey::from_secret_bytes(sha256(&seed.to_be_bytes())).unwrap();
    let signature = RecoverableSignature::sign_ecdsa_recoverable(Message::from_digest(*hash), &key);
    let (id, bytes) = signature.serialize_compact();
    let public = key.public_key().serialize_uncompressed();
    (bytes, id.to_u8(), public[1..].try_into().unwrap())
}

#[test]
fn keys_of_signers_are_recovered() {
    for seed in 0..200 {
        let hash = sha256(&[seed as u8, 1]);
        let (signature, id, key) = signed(seed, &hash);
        assert_eq!(recover(&hash, &signature, id), Some(key), "{seed}");
        // The other R gives another key, and so does another hash.
        let other = recover(&hash, &signature, id ^ 1);
        assert_eq!(other, judged(&hash, &signature, id ^ 1));
        assert_ne!(other, Some(key));
        assert_ne!(recover(&sha256(&hash), &signature, id), Some(key));
        // The same signature turned around would give the same key; it is refused.
        let (r, s) = signature.split_at(32);
        let turned = joined(&r.try_into().unwrap(), &opposite(s));
        assert_eq!(recover(&hash, &turned, id ^ 1), None, "{seed}");
    }
}

/// The vector of Ethereum's precompile has a high s: it counts when it is turned around.
#[test]
fn the_vector_of_ethereum() {
    let hash = array("18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c");
    let r = array("73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f");
    let s = array("eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549");
    let v: u8 = 28;
    assert_eq!(recover(&hash, &joined(&r, &s), v - 27), None);
    let key = recover(&hash, &joined(&r, &opposite(&s)), (v - 27) ^ 1).unwrap();
    assert_eq!(hex(&keccak256(&key)[12..]), "a94f5374fce5edbc8e2a8697c15331677e6ebf0b");
}

#[test]
fn numbers_at_the_edges_agree() {
    let hash = sha256(b"edges");
    let (signature, ..) = signed(1, &hash);
    let (r, s): ([u8; 32], [u8; 32]) =
        (signature[..32].try_into().unwrap(), signature[32..].try_into().unwrap());
    let numbers = [ORDER, HALF, ABOVE_HALF, GENERATOR_X].into_iter().chain(P_LESS_N).map(array);
    let numbers: Vec<[u8; 32]> =
        numbers.chain([opposite(&number(1)), [0xff; 32], r, s]).chain((0..40).map(number)).collect();
    let mut found = [0; 4];
    for hash in [hash, [0; 32], [0xff; 32], array(ORDER)] {
        for id in 0..=255 {
            // All ids of a few, all numbers of the ids that there are.
            for a in numbers.iter().take(if id < 4 { usize::MAX } else { 1 }) {
                for signature in [joined(a, &s), joined(&r, a), joined(a, a)] {
                    let key = recover(&hash, &signature, id);
                    assert_eq!(key, judged(&hash, &signature, id), "{} {id}", hex(&signature));
                    if key.is_some() {
                        found[usize::from(id)] += 1;
                    }
                }
            }
        }
    }
    // Of an x above n, too, which no signer will ever meet.
    assert!(found.iter().all(|found| *found > 20), "{found:?}");
    assert!(recover(&hash, &joined(&r, &array(HALF)), 0).is_some());
    assert_eq!(recover(&hash, &joined(&r, &array(ABOVE_HALF)), 0), None);
    assert_eq!(recover(&hash, &joined(&[0; 32], &s), 0), None);
    assert_eq!(recover(&hash, &joined(&r, &[0; 32]), 0), None);
    for v in [4, 27, 28, 255] {
        assert_eq!(recover(&hash, &signature, v), None);
    }
}

/// s R = z G: the key would be the point at infinity. One more, and there is a key.
#[test]
fn the_point_at_infinity_is_no_key() {
    let r = array(GENERATOR_X);
    for z in [1, 2, 77] {
        let (none, some) = (joined(&r, &number(z)), joined(&r, &number(z + 1)));
        assert_eq!(recover(&number(z), &none, 0), None);
        assert_eq!(judged(&number(z), &none, 0), None);
        assert!(recover(&number(z), &some, 0).is_some());
        assert_eq!(recover(&number(z), &some, 0), judged(&number(z), &some, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_agree(
        hash in any::<[u8; 32]>(), r in any::<[u8; 32]>(), s in any::<[u8; 32]>(), id in 0..5u8, cut in 0..2u8,
    ) {
        let mut signature = joined(&r, &s);
        signature[32] >>= cut;
        prop_assert_eq!(recover(&hash, &signature, id), judged(&hash, &signature, id));
    }
}
