//! State: keys, accounts, the store behind it, the journal over it and the tree that sums it up. Knows
//! nothing of calls or gas.

mod backend;
mod entry;
mod guard;
mod journal;
mod medium;
mod memory;
mod paged;
mod redb;
mod tree;

pub use backend::{Commit, FORMAT_NOW, Head, StateBackend, StateView, StoreError, Visit};
pub use journal::{Checkpoint, JOURNAL_LEN_MAX, Journal, JournalFull};
pub use medium::Medium;
pub use memory::MemoryBackend;
pub use redb::RedbBackend;
pub use tree::Tree;

use crate::codec::{CodecError, Reader, Writer};
use crate::types::{Address, Hash};

/// Bytes of a contract's key at most.
pub const USER_KEY_LEN_MAX: usize = 256;
/// Bytes of a stored value at most.
pub const VALUE_LEN_MAX: usize = 64 * 1024;

/// The full key of an account.
pub fn account_key(address: &Address) -> Vec<u8> {
    [&[1], &address.0[..]].concat()
}

/// The full key of a contract's storage slot.
pub fn storage_key(address: &Address, user_key: &[u8]) -> Vec<u8> {
    [&[2], &address.0[..], user_key].concat()
}

/// The full key of a module's bytes.
pub fn code_key(code_hash: &Hash) -> Vec<u8> {
    [&[3], &code_hash[..]].concat()
}

/// What the state knows of an address. All defaults is the same as absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Calls signed so far; of a contract: contracts created so far.
    pub nonce: u64,
    /// Base units.
    pub balance: u128,
    /// Hash of the module; zero for none.
    pub code_hash: Hash,
    /// Who may migrate the contract; zero for nobody.
    pub admin: Address,
}

impl Account {
    /// Bytes of an encoded account.
    pub const LEN: usize = 1 + 8 + 16 + 32 + 20;

    /// Whether the address holds code.
    pub fn has_code(&self) -> bool {
        self.code_hash != [0; 32]
    }

    /// The stored bytes; nothing for an account that is all defaults.
    pub fn encode(&self) -> Option<Vec<u8>> {
        if *self == Account::default() {
            return None;
        }
        let mut out = Writer::with_capacity(Account::LEN);
        out.u8(1).u64(self.nonce).u128(self.balance).bytes(&self.code_hash).bytes(&self.admin.0);
        Some(out.finish())
    }

    /// Reads the stored bytes.
    pub fn decode(bytes: &[u8]) -> Result<Account, CodecError> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != 1 {
            return Err(CodecError::BadValue("account version"));
        }
        let account = Account {
            nonce: reader.u64()?,
            balance: reader.u128()?,
            code_hash: reader.array()?,
            admin: Address(reader.array()?),
        };
        reader.end()?;
        if account == Account::default() { Err(CodecError::BadValue("account")) } else { Ok(account) }
    }
}
