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

pub use backend::{
    Bytes, Calls, Change, Commit, FORMAT_NOW, Head, Pair, StateBackend, StateView, StoreError, Value,
    ValueView, Visit,
};
pub use journal::{Checkpoint, FIRST_READS_LEN_MAX, FIRST_READS_MAX, Journal, JournalError, UNDO_LEN_MAX};
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

/// The full key of a module's leaf.
pub fn code_key(code_hash: &Hash) -> Vec<u8> {
    [&[3], &code_hash[..]].concat()
}

/// What the state knows of an address. All defaults is the same as absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Calls signed so far.
    pub nonce: u64,
    /// Base units.
    pub balance: u128,
    /// Hash of the module; zero for none.
    pub code_hash: Hash,
    /// Who may migrate the contract; zero for nobody.
    pub admin: Address,
    /// Contracts that the contract has created.
    pub created: u64,
}

impl Account {
    /// Bytes of an encoded account.
    pub const LEN: usize = 1 + 8 + 16 + 32 + 20 + 8;

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
        out.u64(self.created);
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
            created: reader.u64()?,
        };
        reader.end()?;
        if account == Account::default() { Err(CodecError::BadValue("account")) } else { Ok(account) }
    }
}

/// An account; absent ones are all defaults.
///
/// # Errors
/// The store.
pub fn read_account(view: &dyn ValueView, address: &Address) -> Result<Account, StoreError> {
    match view.value(&account_key(address))? {
        None => Ok(Account::default()),
        Some(bytes) => Account::decode(&bytes)
            .map_err(|error| StoreError::Corrupt(format!("the account {address}: {error}"))),
    }
}

/// What the state knows of a module: enough to price it before its bytes are touched, which lie in the store under
/// their hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeLeaf {
    /// Bytes.
    pub len: u32,
    /// Units of the work of validating it.
    pub work: u64,
    /// What it counts for in the hot set.
    pub weight: u32,
    /// Pages that its memory begins with.
    pub pages: u32,
}

impl CodeLeaf {
    /// The stored bytes: `0x01 ‖ len u32 ‖ work u64 ‖ weight u32 ‖ pages u32`.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(21);
        out.u8(1).u32(self.len).u64(self.work).u32(self.weight).u32(self.pages);
        out.finish()
    }

    /// Reads the stored bytes.
    pub fn decode(bytes: &[u8]) -> Result<CodeLeaf, CodecError> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != 1 {
            return Err(CodecError::BadValue("code leaf version"));
        }
        let (len, work) = (reader.u32()?, reader.u64()?);
        let leaf = CodeLeaf { len, work, weight: reader.u32()?, pages: reader.u32()? };
        reader.end()?;
        Ok(leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::hex;

    #[test]
    fn golden_leaves() {
        let leaf = CodeLeaf { len: 1, work: 2, weight: 3, pages: 4 };
        assert_eq!(hex(&leaf.encode()), "01 01000000 0200000000000000 03000000 04000000".replace(' ', ""));
        assert_eq!(CodeLeaf::decode(&leaf.encode()), Ok(leaf));
        let account =
            Account { nonce: 1, balance: 2, code_hash: [3; 32], admin: Address([4; 20]), created: 5 };
        let bytes = account.encode().unwrap();
        let want = [
            "01 0100000000000000 02",
            &"00".repeat(15),
            &"03".repeat(32),
            &"04".repeat(20),
            "0500000000000000",
        ];
        assert_eq!(hex(&bytes), want.concat().replace(' ', ""));
        assert_eq!((bytes.len(), Account::decode(&bytes)), (Account::LEN, Ok(account)));
        for len in 0..bytes.len() {
            assert!(
                Account::decode(&bytes[..len]).is_err()
                    && CodeLeaf::decode(&leaf.encode()[..len.min(20)]).is_err()
            );
        }
    }
}
