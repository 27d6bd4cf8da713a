//! The rule against RFC 8032's vectors, against a foreign implementation of the same equation, and against a
//! golden list of every kind of signature on which implementations differ. `tests/ed25519.py` judges that list
//! with plain integers.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as BASE, EIGHT_TORSION};
use proptest::prelude::*;

use super::*;
use crate::crypto::SigningKey;
use crate::types::{hex, unhex};

const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/ed25519.txt");
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn array<const N: usize>(text: &str) -> [u8; N] {
    unhex(text).unwrap().try_into().unwrap()
}

/// A line of the list.
#[derive(Clone, Debug)]
struct Case {
    kind: String,
    key: [u8; 32],
    signature: [u8; 64],
    message: Vec<u8>,
}

impl Case {
    fn verdict(&self) -> Result<(), VerifyError> {
        verify(&self.key, &self.signature, &self.message)
    }

    fn line(&self) -> String {
        let verdict = match self.verdict() {
            Ok(()) => "counts",
            Err(VerifyError::BadKey) => "bad_key",
            Err(VerifyError::BadSignature) => "bad_signature",
        };
        let message = if self.message.is_empty() { "-".into() } else { hex(&self.message) };
        format!("{} {} {} {message} {verdict}\n", self.kind, hex(&self.key), hex(&self.signature))
    }
}

/// Numbers that are the same in every run.
fn scalar(label: &str, number: usize) -> Scalar {
    let wide: [u8; 64] =
        Sha512::new().chain_update(label).chain_update(number.to_le_bytes()).finalize().into();
    Scalar::from_bytes_mod_order_wide(&wide)
}

fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let wide: [u8; 64] =
        Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize().into();
    Scalar::from_bytes_mod_order_wide(&wide)
}

/// Signs with the secret scalar `a` for a key with these bytes and a commitment with those, whatever they are.
fn signed(kind: &str, key: [u8; 32], a: Scalar, r_bytes: [u8; 32], r: Scalar, message: Vec<u8>) -> Case {
    let s = r + challenge(&r_bytes, &key, &message) * a;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r_bytes);
    signature[32..].copy_from_slice(s.as_bytes());
    Case { kind: kind.into(), key, signature, message }
}

/// S with the order added: the same scalar in a second way.
fn plus_order(mut signature: [u8; 64]) -> [u8; 64] {
    let mut carry = 0_u16;
    for (digit, order) in signature[32..].iter_mut().zip(ORDER) {
        carry += u16::from(*digit) + u16::from(order);
        *digit = carry as u8;
        carry >>= 8;
    }
    signature
}

/// y + p, for the y below 19, which have a second encoding; with and without the sign bit.
fn second_encodings() -> Vec<[u8; 32]> {
    (0..19_u8)
        .flat_map(|y| [with_ends([0xff; 32], 0xed + y, 0x7f), with_ends([0xff; 32], 0xed + y, 0xff)])
        .chain([with_ends([0; 32], 0x01, 0x80), with_ends([0xff; 32], 0xec, 0xff)])
        .collect()
}

fn cases() -> Vec<Case> {
    let mut list = Vec::new();
    let (a, r) = (scalar("secret", 0), scalar("nonce", 0));
    let key = (BASE * a).compress().to_bytes();
    let commitment = (BASE * r).compress().to_bytes();
    let torsion = |n: usize| EIGHT_TORSION[n];
    for len in [0, 1, 2, 31, 63, 64, 65, 111, 112, 128, 255] {
        let message: Vec<u8> = (0..len).map(|n| n as u8).collect();
        let seed = scalar("seed", len).to_bytes();
        let signing = SigningKey::from_seed(&seed);
        let signature = signing.sign(&message);
        let good = Case { kind: "good".into(), key: signing.public(), signature, message };
        list.push(good.clone());
        for bit in [0, 100, 255, 256, 300, 511] {
            let mut case = Case { kind: "flipped".into(), ..good.clone() };
            case.signature[bit / 8] ^= 1 << (bit % 8);
            list.push(case);
        }
        list.push(Case { kind: "other_message".into(), message: b"other".to_vec(), ..good.clone() });
        list.push(Case { kind: "other_key".into(), key, ..good.clone() });
        list.push(Case { kind: "s_plus_order".into(), signature: plus_order(good.signature), ..good });
    }
    for (n, s) in
        [ORDER, with_ends([0; 32], 0, 0x20), with_ends([0xff; 32], 0xff, 0x1f)].into_iter().enumerate()
    {
        let mut case = signed("s_too_large", key, a, commitment, r, vec![n as u8]);
        case.signature[32..].copy_from_slice(&s);
        list.push(case);
    }
    for n in 0..8 {
        let (weak, message) = (torsion(n).compress().to_bytes(), vec![n as u8]);
        list.push(signed("small_order_r", key, a, weak, Scalar::ZERO, message.clone()));
        list.push(signed("mixed_order_r", key, a, (BASE * r + torsion(n)).compress().to_bytes(), r, message));
        for m in 0..8 {
            let other = torsion(m).compress().to_bytes();
            list.push(signed("small_order_key", weak, Scalar::ZERO, other, Scalar::ZERO, vec![m as u8]));
            let mixed = (BASE * a + torsion(n)).compress().to_bytes();
            list.push(signed("mixed_order_key", mixed, a, commitment, r, vec![m as u8]));
            let both = (BASE * r + torsion(m)).compress().to_bytes();
            list.push(signed("mixed_order_both", mixed, a, both, r, vec![m as u8]));
        }
    }
    for (n, bytes) in second_encodings().into_iter().enumerate() {
        list.push(signed("second_encoding_key", bytes, Scalar::ZERO, commitment, r, vec![n as u8]));
        list.push(signed("second_encoding_r", key, a, bytes, Scalar::ZERO, vec![n as u8]));
    }
    for y in 2..40_u8 {
        let bytes = with_ends([0; 32], y, 0);
        list.push(signed("small_y_key", bytes, Scalar::ZERO, commitment, r, vec![y]));
        list.push(signed("small_y_r", key, a, bytes, Scalar::ZERO, vec![y]));
    }
    list
}

/// RFC 8032, 7.1: tests 1, 2 and 3.
#[test]
fn published_vectors() {
    let cases = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];
    for (seed, key, message, signature) in cases {
        let signing = SigningKey::from_seed(&array(seed));
        let message = unhex(message).unwrap();
        assert_eq!(signing.public(), array::<32>(key));
        assert_eq!(signing.sign(&message), array::<64>(signature));
        assert_eq!(verify(&array(key), &array(signature), &message), Ok(()));
        assert_eq!(verify(&array(key), &array(signature), b"other"), Err(VerifyError::BadSignature));
    }
}

/// The list is what it was: a change of one verdict splits nodes.
#[test]
fn golden_verdicts() {
    let list: String = cases().iter().map(Case::line).collect();
    if std::env::var_os("ZVM_BLESS").is_some() {
        std::fs::write(LIST, &list).unwrap();
    }
    assert!(list == std::fs::read_to_string(LIST).unwrap_or_default(), "{LIST} differs");
}

/// What the rule says of each kind, in words.
#[test]
fn every_kind_is_judged_as_the_rule_says() {
    for case in cases() {
        let wanted = match case.kind.as_str() {
            "good" | "small_order_r" | "mixed_order_r" | "mixed_order_both" => Some(Ok(())),
            // Torsion 0 is no mixed order; all others count, too.
            "mixed_order_key" => Some(Ok(())),
            "small_order_key" | "second_encoding_key" => Some(Err(VerifyError::BadKey)),
            "second_encoding_r" | "s_plus_order" | "s_too_large" | "other_message" | "other_key"
            | "flipped" => Some(Err(VerifyError::BadSignature)),
            // Some are points and some are not.
            _ => None,
        };
        if let Some(wanted) = wanted {
            assert_eq!(case.verdict(), wanted, "{case:?}");
        }
    }
}

/// The same equation by another implementation, which takes keys and commitments that this rule refuses.
#[test]
fn the_equation_is_that_of_zip_215() {
    let mut counted = 0;
    for case in cases() {
        let foreign = ed25519_zebra::VerificationKey::try_from(case.key).is_ok_and(|key| {
            key.verify(&ed25519_zebra::Signature::from_bytes(&case.signature), &case.message).is_ok()
        });
        let r: [u8; 32] = case.signature[..32].try_into().unwrap();
        let strict = is_canonical(&case.key) && is_canonical(&r) && !SMALL_ORDER.contains(&case.key);
        assert_eq!(case.verdict().is_ok(), foreign && strict, "{case:?}");
        counted += usize::from(foreign);
    }
    assert!(counted > 200, "{counted}");
}

/// The bytes in this file are the canonical encodings of the library's eight points, each once.
#[test]
fn the_small_order_list_is_whole() {
    for point in EIGHT_TORSION {
        let bytes = point.compress().to_bytes();
        assert_eq!(SMALL_ORDER.iter().filter(|listed| **listed == bytes).count(), 1);
        assert!(is_canonical(&bytes));
    }
    for bytes in second_encodings() {
        assert!(!is_canonical(&bytes), "{}", hex(&bytes));
    }
    assert!(is_canonical(&with_ends([0xff; 32], 0xec, 0x7f)));
}

fn batch(cases: &[&Case]) -> Vec<Result<(), VerifyError>> {
    let keys: Vec<_> = cases.iter().filter_map(|case| PublicKey::decode(&case.key).ok()).collect();
    assert_eq!(keys.len(), cases.len(), "keys are decoded before a batch");
    let signed: Vec<_> = keys
        .iter()
        .zip(cases)
        .map(|(key, case)| Signed { key, signature: &case.signature, message: &case.message })
        .collect();
    let mut number = 0_u64;
    verify_batch(&signed, &mut || {
        number += 1;
        let wide: [u8; 64] = Sha512::digest(number.to_le_bytes()).into();
        u128::from_le_bytes(wide[..16].try_into().unwrap())
    })
}

/// Keys of mixed order are what batches without the cofactor judge by chance: here in batches of every size.
#[test]
fn batches_of_every_size_count_mixed_orders() {
    let all = cases();
    let mixed: Vec<_> = all.iter().filter(|case| case.kind.starts_with("mixed_order")).collect();
    for size in 1..=mixed.len() {
        assert!(batch(&mixed[mixed.len() - size..]).iter().all(Result::is_ok), "{size}");
    }
    assert_eq!(batch(&[]), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Any choice, order and number of signatures, good and bad: each gets the verdict it gets alone.
    #[test]
    fn prop_batch_is_single(picks in prop::collection::vec(any::<prop::sample::Index>(), 0..40)) {
        let all: Vec<_> = cases().into_iter().filter(|case| PublicKey::decode(&case.key).is_ok()).collect();
        let picked: Vec<_> = picks.iter().map(|pick| pick.get(&all)).collect();
        let single: Vec<_> = picked.iter().map(|case| case.verdict()).collect();
        prop_assert_eq!(batch(&picked), single);
    }
}

/// One bad signature among many good ones does not take them along, wherever it is.
#[test]
fn a_bad_one_is_found_at_every_place() {
    let all = cases();
    let good: Vec<_> = all.iter().filter(|case| case.kind == "good").collect();
    let bad = all.iter().find(|case| case.kind == "other_message").unwrap();
    for place in 0..=good.len() {
        let mut list = good.clone();
        list.insert(place, bad);
        let verdicts = batch(&list);
        for (at, verdict) in verdicts.iter().enumerate() {
            assert_eq!(verdict.is_ok(), at != place, "{at} of {place}");
        }
    }
}
