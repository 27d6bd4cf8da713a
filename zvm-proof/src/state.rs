//! What a state root says of one key.
//!
//! ```text
//! proof = 0x01 ‖ place ‖ count u16 ‖ sibling 32 each, from the leaf up
//! place = 0 nothing there · 1 the key's leaf · 2 another leaf: path 32 ‖ value hash 32
//! ```

use alloc::vec::Vec;

use crate::reader::Reader;
use crate::tree::{self, DEPTH_MAX, EMPTY};
use crate::{Hash, ProofError};

const VERSION: u8 = 1;

/// What is where the key's path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An empty subtree: the key is absent.
    Nothing,
    /// The key's own leaf.
    Leaf,
    /// The leaf of another key, which is alone below this point: the key is absent.
    Other {
        /// Its path.
        path: Hash,
        /// The hash of its value.
        value_hash: Hash,
    },
}

/// The proof that a key has a value, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateProof {
    /// What is where the key's path ends.
    pub place: Place,
    /// The hashes beside the path, from the leaf up; at most 256.
    pub siblings: Vec<Hash>,
}

impl StateProof {
    /// The bytes of a proof.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.push(VERSION);
        match &self.place {
            Place::Nothing => out.push(0),
            Place::Leaf => out.push(1),
            Place::Other { path, value_hash } => {
                out.push(2);
                out.extend_from_slice(path);
                out.extend_from_slice(value_hash);
            }
        }
        let count = u16::try_from(self.siblings.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&count.to_le_bytes());
        self.siblings.iter().for_each(|sibling| out.extend_from_slice(sibling));
        out
    }

    /// Reads what [`StateProof::encode`] wrote.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn decode(bytes: &[u8]) -> Result<StateProof, ProofError> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(ProofError::Malformed);
        }
        let place = match reader.u8()? {
            0 => Place::Nothing,
            1 => Place::Leaf,
            2 => Place::Other { path: reader.hash()?, value_hash: reader.hash()? },
            _ => return Err(ProofError::Malformed),
        };
        let count = usize::from(u16::from_le_bytes(reader.array()?));
        if count > DEPTH_MAX {
            return Err(ProofError::Malformed);
        }
        let siblings = (0..count).map(|_| reader.hash()).collect::<Result<_, _>>()?;
        reader.end()?;
        Ok(StateProof { place, siblings })
    }

    /// Checks that under `root` the key has this value, or is absent.
    ///
    /// # Errors
    /// `OtherKey`, `OtherRoot`, `Malformed`.
    pub fn verify(&self, root: &Hash, full_key: &[u8], value: Option<&[u8]>) -> Result<(), ProofError> {
        let path = tree::path(full_key);
        let depth = self.siblings.len();
        if depth > DEPTH_MAX {
            return Err(ProofError::Malformed);
        }
        let mut hash = match (&self.place, value) {
            (Place::Nothing, None) => EMPTY,
            (Place::Leaf, Some(value)) => tree::leaf(&path, &tree::value_hash(value)),
            (Place::Other { path: other, value_hash }, None)
                if *other != path && tree::share(other, &path, depth) =>
            {
                tree::leaf(other, value_hash)
            }
            _ => return Err(ProofError::OtherKey),
        };
        for (sibling, depth) in self.siblings.iter().zip((0..depth).rev()) {
            hash = if tree::goes_right(&path, depth) {
                tree::inner(sibling, &hash)
            } else {
                tree::inner(&hash, sibling)
            };
        }
        if hash == *root { Ok(()) } else { Err(ProofError::OtherRoot) }
    }
}
