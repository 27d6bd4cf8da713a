//! Which Ed25519 signatures count: one rule for envelopes and for contracts, the same for one signature and
//! for a batch, because two nodes that disagree on one signature have split.
//!
//! # The rule
//! A signature `R ‖ S` of a message by a key `A` counts if and only if
//! 1. `S < L`, the order of the base point;
//! 2. `A` and `R` are canonical encodings of points: without bit 255 below p, and not the two encodings of
//!    `x = 0` with the sign bit set;
//! 3. `A` is none of the eight points of small order (`R` may be one);
//! 4. `[8][S]B = [8]R + [8][k]A` with `k = SHA-512(R ‖ A ‖ message) mod L`.
//!
//! The cofactor 8 takes every term into the group of prime order. There, a random combination of equations
//! holds if and only if each of them does, up to a chance of 2^−127: a batch and its single signatures cannot
//! disagree. Without the cofactor they do, for keys of mixed order. The equation is that of ZIP-215 (Zcash);
//! conditions 2 and 3 are stricter and looked at first, on bytes.

use std::fmt;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use sha2::{Digest, Sha512};

#[cfg(test)]
mod tests;

/// The number of the rule; part of the hash of the chain's rules. 1 was the equation without the cofactor.
pub const RULE: u32 = 2;

/// The encodings of the eight points of small order, each in its canonical form.
const SMALL_ORDER: [[u8; 32]; 8] = [
    // Order 1: y = 1.
    with_ends([0; 32], 0x01, 0x00),
    // Order 2: y = −1.
    with_ends([0xff; 32], 0xec, 0x7f),
    // Order 4: y = 0, both signs of x.
    [0; 32],
    with_ends([0; 32], 0x00, 0x80),
    // Order 8: two values of y, both signs of x.
    ORDER_EIGHT,
    with_ends(ORDER_EIGHT, 0xc7, 0xfa),
    ORDER_EIGHT_MINUS,
    with_ends(ORDER_EIGHT_MINUS, 0x26, 0x85),
];

const ORDER_EIGHT: [u8; 32] = [
    0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
    0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
];

const ORDER_EIGHT_MINUS: [u8; 32] = [
    0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
    0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
];

const fn with_ends(mut bytes: [u8; 32], first: u8, last: u8) -> [u8; 32] {
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// The key breaks condition 2 or 3.
    BadKey,
    /// The signature breaks one of the conditions.
    BadSignature,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            VerifyError::BadKey => "the key is not a canonical Ed25519 point, or is of small order",
            VerifyError::BadSignature => "the signature does not match the key and the message",
        })
    }
}

impl std::error::Error for VerifyError {}

/// A public key that meets its conditions, decompressed: worth keeping, since that is a tenth of the work of
/// checking one signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    bytes: [u8; 32],
    minus: EdwardsPoint,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", crate::types::hex(&self.bytes))
    }
}

impl PublicKey {
    /// Decodes a key.
    ///
    /// # Errors
    /// `BadKey`.
    pub fn decode(bytes: &[u8; 32]) -> Result<PublicKey, VerifyError> {
        if SMALL_ORDER.contains(bytes) {
            return Err(VerifyError::BadKey);
        }
        let point = decompress(bytes).ok_or(VerifyError::BadKey)?;
        Ok(PublicKey { bytes: *bytes, minus: -point })
    }

    /// The bytes that were decoded.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.bytes
    }

    /// Checks one signature.
    ///
    /// # Errors
    /// `BadSignature`.
    pub fn verify(&self, signature: &[u8; 64], message: &[u8]) -> Result<(), VerifyError> {
        let equation = Equation::new(&Signed { key: self, signature, message })?;
        // [S]B − [k]A by the base point's table, then the same difference that a batch looks at.
        let sum = EdwardsPoint::vartime_double_scalar_mul_basepoint(&equation.k, &self.minus, &equation.s);
        judge((sum - equation.r).mul_by_cofactor().is_identity())
    }
}

/// A message with the key that shall have signed it.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Who shall have signed.
    pub key: &'a PublicKey,
    /// `R ‖ S`.
    pub signature: &'a [u8; 64],
    /// What shall have been signed.
    pub message: &'a [u8],
}

/// Checks one signature by a key that is not decoded yet.
///
/// # Errors
/// `BadKey`, `BadSignature`.
pub fn verify(key: &[u8; 32], signature: &[u8; 64], message: &[u8]) -> Result<(), VerifyError> {
    PublicKey::decode(key)?.verify(signature, message)
}

/// Checks many signatures together, for about a third of the work: one verdict for each, the same as
/// [`PublicKey::verify`] gives. A batch that does not hold is halved until the bad ones are alone, so that one
/// bad signature costs about log2(n) batches more: keep the signatures of different senders apart.
///
/// `random` gives numbers that who made the signatures cannot foresee.
pub fn verify_batch(signed: &[Signed<'_>], random: &mut dyn FnMut() -> u128) -> Vec<Result<(), VerifyError>> {
    let mut verdicts = vec![Err(VerifyError::BadSignature); signed.len()];
    let equations: Vec<(usize, Equation)> = signed
        .iter()
        .enumerate()
        .filter_map(|(place, signed)| Some((place, Equation::new(signed).ok()?)))
        .collect();
    let mut waiting = vec![&equations[..]];
    while let Some(part) = waiting.pop() {
        if hold(part, random) {
            for (place, _) in part {
                if let Some(verdict) = verdicts.get_mut(*place) {
                    *verdict = Ok(());
                }
            }
        } else if part.len() > 1 {
            let (left, right) = part.split_at(part.len() / 2);
            waiting.extend([right, left]);
        }
    }
    verdicts
}

/// The parts of condition 4; conditions 1 and 2 hold.
struct Equation {
    r: EdwardsPoint,
    s: Scalar,
    k: Scalar,
    minus_key: EdwardsPoint,
}

impl Equation {
    fn new(signed: &Signed<'_>) -> Result<Equation, VerifyError> {
        let (r_bytes, s_bytes) = signed.signature.split_at(32);
        let r_bytes = <&[u8; 32]>::try_from(r_bytes).map_err(|_| VerifyError::BadSignature)?;
        let s_bytes = <[u8; 32]>::try_from(s_bytes).map_err(|_| VerifyError::BadSignature)?;
        let s = Option::from(Scalar::from_canonical_bytes(s_bytes)).ok_or(VerifyError::BadSignature)?;
        let r = decompress(r_bytes).ok_or(VerifyError::BadSignature)?;
        let wide: [u8; 64] = Sha512::new()
            .chain_update(r_bytes)
            .chain_update(signed.key.bytes)
            .chain_update(signed.message)
            .finalize()
            .into();
        let k = Scalar::from_bytes_mod_order_wide(&wide);
        Ok(Equation { r, s, k, minus_key: signed.key.minus })
    }
}

/// Whether `[8] Σ z ([S]B − R − [k]A)` is the identity, with a random `z` for each equation.
fn hold(equations: &[(usize, Equation)], random: &mut dyn FnMut() -> u128) -> bool {
    let mut base = Scalar::ZERO;
    let mut scalars = Vec::with_capacity(equations.len().saturating_mul(2).saturating_add(1));
    let mut points = Vec::with_capacity(scalars.capacity());
    for (_, equation) in equations {
        // Never zero, which would leave the equation out.
        let z = Scalar::from(random() | 1);
        base += z * equation.s;
        scalars.extend([z, z * equation.k]);
        points.extend([-equation.r, equation.minus_key]);
    }
    scalars.push(base);
    points.push(curve25519_dalek::constants::ED25519_BASEPOINT_POINT);
    EdwardsPoint::vartime_multiscalar_mul(scalars, points).mul_by_cofactor().is_identity()
}

fn judge(holds: bool) -> Result<(), VerifyError> {
    if holds { Ok(()) } else { Err(VerifyError::BadSignature) }
}

/// The point of a canonical encoding. The library takes y modulo p, and x = 0 with either sign.
fn decompress(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    is_canonical(bytes).then(|| CompressedEdwardsY(*bytes).decompress()).flatten()
}

/// Whether y, which is the bytes without bit 255, is below p = 2^255 − 19, and x = 0 has no sign. x is 0 for
/// y = 1 and y = −1.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    let y_is_below_p = *last & 0x7f != 0x7f || *first < 0xed || middle.iter().any(|byte| *byte != 0xff);
    let signed_zero = [with_ends([0; 32], 0x01, 0x80), with_ends([0xff; 32], 0xec, 0xff)];
    y_is_below_p && !signed_zero.contains(bytes)
}
