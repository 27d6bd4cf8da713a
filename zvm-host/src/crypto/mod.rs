//! Hashes and signatures: thin wrappers around well-kept crates. No policy is made here, except the one
//! that must be the same for every caller: which Ed25519 signatures are valid.

pub mod ed25519;
mod hashes;
mod signing;

pub use ed25519::{VerifyError, verify};
pub use hashes::{blake3, keccak256, merkle_root, selector, sha256, sha256_parts};
pub use signing::SigningKey;
