//! Which Ed25519 signatures count. One rule for envelopes and for contracts, stricter than RFC 8032 where
//! implementations differ, because two nodes that disagree on one signature have split.

use std::fmt;

use ed25519_dalek::{Signature, Signer, VerifyingKey};
use zeroize::Zeroizing;

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// The key is not the canonical encoding of a point.
    BadKey,
    /// The equation does not hold, or one of the strict conditions.
    BadSignature,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            VerifyError::BadKey => "the key is not a canonical Ed25519 point",
            VerifyError::BadSignature => "the signature does not match the key and the message",
        })
    }
}

impl std::error::Error for VerifyError {}

/// Checks a signature: S < L; key and R canonical and not of small order; `[S]B = R + [k]A` without the
/// cofactor. Never in batches: batch equations accept and refuse other mixed-order keys.
pub fn verify(key: &[u8; 32], signature: &[u8; 64], message: &[u8]) -> Result<(), VerifyError> {
    let point = VerifyingKey::from_bytes(key).map_err(|_| VerifyError::BadKey)?;
    // Decompression takes y modulo p and x = 0 with either sign; only what it gives back is canonical.
    if point.to_edwards().compress().as_bytes() != key {
        return Err(VerifyError::BadKey);
    }
    point.verify_strict(message, &Signature::from_bytes(signature)).map_err(|_| VerifyError::BadSignature)
}

/// An Ed25519 secret, wiped when dropped, never shown.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key that grows from a seed (RFC 8032's private key).
    pub fn from_seed(seed: &[u8; 32]) -> SigningKey {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::unhex;

    fn array<const N: usize>(text: &str) -> [u8; N] {
        unhex(text).unwrap().try_into().unwrap()
    }

    /// RFC 8032, 7.1, tests 1 and 2.
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

    /// S and S + L are the same scalar; only the smaller is a signature.
    #[test]
    fn a_scalar_beyond_the_order_is_refused() {
        const ORDER: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let key = SigningKey::from_seed(&[1; 32]);
        let mut signature = key.sign(b"m");
        assert_eq!(verify(&key.public(), &signature, b"m"), Ok(()));
        let mut carry = 0u16;
        for (digit, order) in signature[32..].iter_mut().zip(ORDER) {
            carry += u16::from(*digit) + u16::from(order);
            *digit = carry as u8;
            carry >>= 8;
        }
        assert_eq!(verify(&key.public(), &signature, b"m"), Err(VerifyError::BadSignature));
    }

    /// With a key of small order and R of small order, S = 0 satisfies the cofactored equation for every
    /// message; and y = p + 1 is another way to write y = 1, x = -0 another way to write x = 0.
    #[test]
    fn weak_and_second_encodings_are_refused() {
        let mut one = [0u8; 32];
        one[0] = 1;
        let mut p_plus_one = [0xffu8; 32];
        (p_plus_one[0], p_plus_one[31]) = (0xee, 0x7f);
        let mut negative_zero = one;
        negative_zero[31] = 0x80;
        let order_eight = array("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
        let mut signature = [0u8; 64];
        for weak in [one, [0; 32], order_eight] {
            signature[..32].copy_from_slice(&weak);
            for message in 0..16u8 {
                assert_eq!(verify(&weak, &signature, &[message]), Err(VerifyError::BadSignature));
            }
        }
        signature[..32].copy_from_slice(&one);
        assert_eq!(verify(&p_plus_one, &signature, b""), Err(VerifyError::BadKey));
        assert_eq!(verify(&negative_zero, &signature, b""), Err(VerifyError::BadKey));
        // Not a point at all.
        let mut none = [0u8; 32];
        none[0] = 2;
        assert_eq!(verify(&none, &signature, b""), Err(VerifyError::BadKey));
        // A good key with R written in a second way.
        let key = SigningKey::from_seed(&[1; 32]).public();
        signature[..32].copy_from_slice(&p_plus_one);
        assert_eq!(verify(&key, &signature, b""), Err(VerifyError::BadSignature));
    }

    /// A key with a component of order eight. Without the cofactor a signature counts exactly when the
    /// challenge kills that component: k divisible by 8. Batches and the cofactored equation say otherwise,
    /// and so would split the nodes that use them.
    #[test]
    fn a_mixed_order_key_is_judged_without_the_cofactor() {
        use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as B, EIGHT_TORSION};
        use curve25519_dalek::scalar::Scalar;
        use sha2::{Digest, Sha512};
        let (secret, nonce) = (Scalar::from(0x1234_5678u64), Scalar::from(0x9abc_def0u64));
        let key = (B * secret + EIGHT_TORSION[1]).compress().to_bytes();
        let commitment = (B * nonce).compress().to_bytes();
        let mut seen = [0; 2];
        for message in 0..64u8 {
            let wide: [u8; 64] = Sha512::new()
                .chain_update(commitment)
                .chain_update(key)
                .chain_update([message])
                .finalize()
                .into();
            let challenge = Scalar::from_bytes_mod_order_wide(&wide);
            let response = (nonce + challenge * secret).to_bytes();
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&commitment);
            signature[32..].copy_from_slice(&response);
            let counts = challenge.to_bytes()[0].is_multiple_of(8);
            assert_eq!(verify(&key, &signature, &[message]).is_ok(), counts, "message {message}");
            seen[usize::from(counts)] += 1;
        }
        assert!(seen[0] > 0);
        assert!(seen[1] > 0);
    }
}
