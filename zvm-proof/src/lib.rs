//! Proofs about a ZVM chain, checked without a store: what a state root says of a key, what is in a block's
//! lists, and which root a set of changes leads to.
//!
//! Owns the rules of the authenticated tree ([`tree`]), three kinds of proof and their bytes. Knows no store,
//! no call and no header; `no_std` with `alloc`. Hashes are SHA-256; numbers are little-endian.
//!
//! | to check | use |
//! |---|---|
//! | one key: present with a value, or absent | [`StateProof`] |
//! | many keys, and the root after changes to them | [`PartialTree`] |
//! | a receipt or call in a block | [`list::verify`] |
//!
//! # Example
//! ```
//! use zvm_proof::{StateProof, tree};
//!
//! // A tree of one key: its root is the leaf's hash, its proof has no siblings.
//! let root = tree::leaf(&tree::path(b"key"), &tree::value_hash(b"value"));
//! let proof = StateProof::decode(&[1, 1, 0, 0])?;
//! assert_eq!(proof.verify(&root, b"key", Some(b"value")), Ok(()));
//! assert!(proof.verify(&root, b"key", Some(b"another")).is_err());
//! # Ok::<(), zvm_proof::ProofError>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects)
)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod error;
pub mod list;
mod partial;
mod reader;
mod state;
pub mod tree;

pub use error::ProofError;
pub use partial::{Entry, PartialTree};
pub use state::{Place, StateProof};

/// A SHA-256.
pub type Hash = [u8; 32];
