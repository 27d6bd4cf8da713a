//! Keys from ECDSA signatures on secp256k1, the curve of Bitcoin and Ethereum.
//!
//! # The rule
//! A key is recovered if and only if
//! 1. `r` and `s` are in `1..n`, n being the order of the group, and `s ≤ (n − 1) / 2`: of the two signatures that
//!    anyone can make of each other, only one counts (as Ethereum's transactions and Soroban have it; the EVM's
//!    precompile takes both);
//! 2. the recovery id is 0 to 3: bit 0 says that the point R has an odd y, bit 1 that its x is `r + n`, which must be
//!    below p, the field's prime. Ethereum's `v` is 27 more, or `35 + 2 · chain id` more;
//! 3. there is a point R with that x;
//! 4. the key `(s R − z G) / r` is not the point at infinity; z is the hash as a number mod n.
//!
//! The hash is taken as it is. Whoever lets others choose it proves nothing: a key can be found for any signature.

use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use k256::elliptic_curve::scalar::IsHigh;

#[cfg(test)]
mod tests;

/// The number of the rule; part of the hash of the chain's rules.
pub const RULE: u32 = 1;

/// The key that signed a hash, x ‖ y, each 32 bytes, big-endian; the signature is r ‖ s, big-endian too.
pub fn recover(hash: &[u8; 32], signature: &[u8; 64], recovery_id: u8) -> Option<[u8; 64]> {
    let recovery_id = RecoveryId::from_byte(recovery_id)?;
    let signature = Signature::from_slice(signature).ok()?;
    if signature.s().is_high().into() {
        return None;
    }
    let key = VerifyingKey::recover_from_prehash(hash, &signature, recovery_id).ok()?;
    // 4 ‖ x ‖ y.
    let point = key.to_sec1_point(false);
    point.as_bytes().get(1..)?.try_into().ok()
}
