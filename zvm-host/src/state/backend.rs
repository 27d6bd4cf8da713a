//! What a store must do. Nothing about how.

use std::fmt;
use std::sync::Arc;

use crate::types::Hash;

/// The format of stores on disk that this program reads and writes.
pub const FORMAT_NOW: &str = "zvm-store-3";

/// A store failed or holds what it should not. Nothing was changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The medium refused: no permission, in use, a fault of the device.
    Medium(String),
    /// The medium has no room, in its words. What is stored can be read; writing goes on when there is room.
    Full(String),
    /// The store was written in a format that this program does not read; the text is its name.
    Format(String),
    /// What is stored is not what was written; the text says what.
    Corrupt(String),
    /// The stored root is not the root of the stored values.
    RootMismatch {
        /// The root that was committed.
        stored: Hash,
        /// The root of what is there.
        found: Hash,
    },
    /// The store belongs to another chain.
    OtherChain {
        /// The genesis hash of the store.
        stored: Hash,
        /// The genesis hash that was asked for.
        wanted: Hash,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::types::hex;
        match self {
            StoreError::Medium(text) => write!(f, "the store cannot be used: {text}"),
            StoreError::Full(text) => write!(f, "the disk is full, the store was left as it is: {text}"),
            StoreError::Format(name) => write!(
                f,
                "the store cannot be used: it has the format `{name}`, this program reads `{FORMAT_NOW}`; it was left as it is"
            ),
            StoreError::Corrupt(text) => write!(f, "the store is corrupt: {text}; it was left as it is"),
            StoreError::RootMismatch { stored, found } => write!(
                f,
                "the store is corrupt: its values have the root {}, committed was {}; it was left as it is",
                hex(found),
                hex(stored)
            ),
            StoreError::OtherChain { stored, wanted } => {
                write!(f, "the store belongs to the chain with genesis {}, not {}", hex(stored), hex(wanted))
            }
        }
    }
}

impl std::error::Error for StoreError {}

/// The newest block of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Hash of the genesis block.
    pub genesis_hash: Hash,
    /// The encoded header of the newest block.
    pub header: Vec<u8>,
}

/// Bytes that are shared.
pub type Bytes = Arc<[u8]>;
/// A value; nothing for an absent key.
pub type Value = Option<Bytes>;
/// A full key with its new value; nothing = removed.
pub type Change = (Bytes, Value);
/// A full key with its value.
pub type Pair = (Vec<u8>, Bytes);
/// A block with the ids of its calls.
pub type Calls = (u64, Vec<Hash>);

/// Everything that one block changes; committed as a whole or not at all.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Full keys with their new values.
    pub values: Vec<Change>,
    /// Modules that come into the state, with their hashes.
    pub codes: Vec<(Hash, Bytes)>,
    /// Call ids with their encoded records, in the order of the calls.
    pub records: Vec<(Hash, Vec<u8>)>,
    /// Blocks whose records are kept no longer, with the ids of their calls.
    pub prune: Vec<Calls>,
    /// Heights below this one have no records any more.
    pub records_from: u64,
    /// Wire bytes of the signed calls, in order.
    pub calls: Vec<Bytes>,
    /// The height of the block.
    pub height: u64,
    /// The new head.
    pub head: Head,
    /// With block 0: the canonical bytes of the genesis.
    pub genesis: Option<Vec<u8>>,
    /// Staged modules that became state and leave the staging store.
    pub unstage: Vec<Hash>,
}

/// What is called for each stored value or module.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError>;

/// What running contracts read, at one height.
pub trait ValueView: Send + Sync {
    /// The value of a full key.
    ///
    /// # Errors
    /// The store.
    fn value(&self, full_key: &[u8]) -> Result<Value, StoreError>;
    /// The first entry whose full key is greater than `after`.
    ///
    /// # Errors
    /// The store.
    fn next(&self, after: &[u8]) -> Result<Option<Pair>, StoreError>;
    /// The bytes of a module that is in the state; not hashed here.
    ///
    /// # Errors
    /// The store.
    fn code(&self, code_hash: &Hash) -> Result<Value, StoreError>;
    /// The bytes of a staged module.
    ///
    /// # Errors
    /// The store.
    fn staged(&self, code_hash: &Hash) -> Result<Value, StoreError>;
}

impl fmt::Debug for dyn ValueView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ValueView")
    }
}

/// What a store had at one height. A view keeps answering that, whatever is committed meanwhile; readers
/// never wait for the writer. Holding one keeps its version of the data, on disk too: let it go soon.
pub trait StateView: ValueView {
    /// All values, in order of their keys.
    fn values(&self, visit: Visit<'_>) -> Result<(), StoreError>;
    /// The canonical bytes of the genesis; nothing in a new store.
    fn genesis(&self) -> Result<Option<Vec<u8>>, StoreError>;
    /// The newest block; nothing in a new store.
    fn head(&self) -> Result<Option<Head>, StoreError>;
    /// Where a call was executed: the height, and its place among the calls of that block.
    fn place(&self, call_id: &Hash) -> Result<Option<(u64, u32)>, StoreError>;
    /// The encoded record of the call at a place.
    fn record(&self, height: u64, index: u32) -> Result<Option<Vec<u8>>, StoreError>;
    /// All modules of the state, in order of their hashes.
    fn codes(&self, visit: Visit<'_>) -> Result<(), StoreError>;
    /// The height from which on records are kept; those of blocks below were pruned.
    fn records_from(&self) -> Result<u64, StoreError>;
    /// The encoded header of a block.
    fn header(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError>;
    /// The wire bytes of the signed calls of a block.
    fn calls(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError>;
    /// The note of a staged module.
    fn staged_note(&self, code_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError>;
    /// All staged modules, in order of their hashes. One that is damaged has no bytes: it can be uploaded
    /// again, so the rest of the store stays of use.
    fn all_staged(&self, visit: Visit<'_>) -> Result<(), StoreError>;
}

/// A store of values, records and blocks, and beside it of staged modules. Reads go through a
/// [`StateView`]; there is one writer.
pub trait StateBackend: Send + Sync {
    /// The store as it is now. Costs the same however much is stored.
    fn snapshot(&self) -> Result<Arc<dyn StateView>, StoreError>;
    /// Applies a block, durably, in one transaction.
    fn commit(&self, commit: &Commit) -> Result<(), StoreError>;
    /// Keeps a module that no block names, durably, with a note of who staged it.
    fn stage(&self, code_hash: &Hash, bytes: &[u8], note: &[u8]) -> Result<(), StoreError>;
    /// Gives a staged module another note, durably.
    fn note_staged(&self, code_hash: &Hash, note: &[u8]) -> Result<(), StoreError>;
    /// Drops a staged module and its note, if there.
    fn unstage(&self, code_hash: &Hash) -> Result<(), StoreError>;
}
