//! Who signed: from wire bytes to calls whose signatures count, one by one or many together. Knows no state, so it
//! runs beside everything else.
//!
//! A key that was decompressed once is kept for the next signature. No verdict depends on that, nor on what else is
//! in a batch.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::admission::{RefusalCode, Refused};
use crate::block::Ready;
use crate::crypto::ed25519::{self, PublicKey, Signed, VerifyError};
use crate::envelope::{Auth, Envelope};
use crate::types::Hash;

/// Keys that are kept at most; each takes about 250 bytes.
const KEYS_MAX: usize = 65_536;

/// Checks signatures for one chain.
#[derive(Debug)]
pub struct Authenticator {
    genesis_hash: Hash,
    keys: Mutex<BTreeMap<[u8; 32], PublicKey>>,
}

/// A call whose signature is to be checked, with what it covers.
struct Claim {
    at: usize,
    envelope: Envelope,
    key: PublicKey,
    signature: [u8; 64],
    signed: Vec<u8>,
}

impl Authenticator {
    /// For the chain with this genesis.
    pub fn new(genesis_hash: Hash) -> Authenticator {
        Authenticator { genesis_hash, keys: Mutex::default() }
    }

    /// Checks calls of one peer together: one bad signature costs its batch some work. The verdicts are in the order
    /// of the calls, and each is what the call alone would get. Those of accounts that are contracts pass: their code
    /// judges them, in the block.
    pub fn check(&self, calls: Vec<Envelope>) -> Vec<Result<Ready, Refused>> {
        let mut verdicts: Vec<Option<Result<Ready, Refused>>> = Vec::new();
        let mut claims = Vec::new();
        for (at, envelope) in calls.into_iter().enumerate() {
            let early = match self.claim(at, envelope) {
                Ok(Claimed::Key(claim)) => {
                    claims.push(*claim);
                    None
                }
                Ok(Claimed::Contract(envelope)) => Some(self.ready(envelope)),
                Err(error) => Some(Err(refused(error))),
            };
            verdicts.push(early);
        }
        let good = self.verify(&claims);
        for (claim, good) in claims.into_iter().zip(good) {
            if let Some(slot) = verdicts.get_mut(claim.at) {
                *slot = Some(good.map_err(refused).and_then(|()| self.ready(claim.envelope)));
            }
        }
        let missing = || Err(refused(VerifyError::BadSignature));
        verdicts.into_iter().map(|verdict| verdict.unwrap_or_else(missing)).collect()
    }

    fn verify(&self, claims: &[Claim]) -> Vec<Result<(), VerifyError>> {
        if let [only] = claims {
            return vec![only.key.verify(&only.signature, &only.signed)];
        }
        let signed: Vec<Signed<'_>> = claims
            .iter()
            .map(|claim| Signed { key: &claim.key, signature: &claim.signature, message: &claim.signed })
            .collect();
        let Some(mut random) = numbers() else {
            // The system gives no random numbers: one by one needs none.
            return claims.iter().map(|claim| claim.key.verify(&claim.signature, &claim.signed)).collect();
        };
        ed25519::verify_batch(&signed, &mut random)
    }

    fn claim(&self, at: usize, envelope: Envelope) -> Result<Claimed, VerifyError> {
        let Auth::Key { key, signature } = envelope.auth else { return Ok(Claimed::Contract(envelope)) };
        let key = self.key(&key)?;
        let signed = envelope.signed_bytes(&self.genesis_hash);
        Ok(Claimed::Key(Box::new(Claim { at, envelope, key, signature, signed })))
    }

    fn key(&self, bytes: &[u8; 32]) -> Result<PublicKey, VerifyError> {
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(bytes).copied();
        if let Some(key) = known {
            return Ok(key);
        }
        let key = PublicKey::decode(bytes)?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEYS_MAX {
            keys.clear();
        }
        keys.insert(*bytes, key);
        Ok(key)
    }

    fn ready(&self, envelope: Envelope) -> Result<Ready, Refused> {
        let signer = envelope.claimed_signer();
        if signer.is_zero() {
            return Err(Refused::new(RefusalCode::Authentication, "the zero address cannot sign"));
        }
        Ok(Ready::new(envelope, signer, &self.genesis_hash))
    }
}

enum Claimed {
    Key(Box<Claim>),
    Contract(Envelope),
}

fn refused(error: VerifyError) -> Refused {
    Refused::new(RefusalCode::Authentication, format!("authentication failed: {error}"))
}

/// Numbers that nobody can foresee; nothing if the system has none.
fn numbers() -> Option<impl FnMut() -> u128> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).ok()?;
    let mut stream = blake3::Hasher::new_keyed(&seed).finalize_xof();
    Some(move || {
        let mut bytes = [0; 16];
        stream.fill(&mut bytes);
        u128::from_le_bytes(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningKey;
    use crate::envelope::Body;
    use crate::types::Address;

    /// A batch says of each call what it would say of the call alone, whatever else is in it.
    #[test]
    fn a_batch_says_what_each_alone_would_get() {
        let genesis = [7; 32];
        let calls: Vec<Envelope> = (0..40u8)
            .map(|n| {
                let key = SigningKey::from_seed(&[n % 5; 32]);
                let mut call = Body::call(u64::from(n), Address([n; 20]), b"x").sign(&key, &genesis);
                match (&mut call.auth, n % 7) {
                    (Auth::Key { signature, .. }, 3) => signature[5] ^= 1,
                    (Auth::Key { key, .. }, 5) => *key = [0xff; 32],
                    (auth, 6) => *auth = Auth::Contract { account: Address([n; 20]), proof: vec![n] },
                    _ => {}
                }
                call
            })
            .collect();
        let together = Authenticator::new(genesis).check(calls.clone());
        for (call, together) in calls.into_iter().zip(together) {
            let alone = Authenticator::new(genesis).check(vec![call.clone()]).remove(0);
            let signer = call.authenticate(&genesis);
            assert_eq!(together.is_ok(), signer.is_ok());
            assert_eq!(
                together.as_ref().map(|ready| ready.call_id).ok(),
                alone.map(|ready| ready.call_id).ok()
            );
            if let Ok(ready) = together {
                assert_eq!((ready.signer, ready.call_id), (signer.unwrap(), call.call_id(&genesis)));
                assert_eq!(ready.wire[..], call.encode());
            }
        }
    }
}
