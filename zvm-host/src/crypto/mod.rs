//! Hashes and signatures: thin wrappers around well-kept crates. No policy is made here, except the one
//! that must be the same for every caller: which signatures are valid, and what division by 0 gives.

pub mod ed25519;
mod hashes;
pub mod secp256k1;
mod signing;
pub mod u256;

pub use ed25519::{VerifyError, verify};
pub use hashes::{blake3, keccak256, merkle_root, selector, sha256, sha256_parts};
pub use signing::SigningKey;
