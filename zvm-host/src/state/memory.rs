//! The store of tests and throw-away chains: ordered maps in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::backend::{Commit, Head, StateBackend, StoreError, Visit};
use crate::types::Hash;

#[derive(Debug, Default)]
struct Maps {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    records: BTreeMap<Hash, Vec<u8>>,
    blocks: BTreeMap<u64, (Vec<u8>, Vec<Vec<u8>>)>,
    staged: BTreeMap<Hash, Vec<u8>>,
    head: Option<Head>,
}

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryBackend(Mutex<Maps>);

impl MemoryBackend {
    /// An empty store.
    pub fn new() -> MemoryBackend {
        MemoryBackend::default()
    }

    fn maps(&self) -> MutexGuard<'_, Maps> {
        // No operation leaves the maps half changed, so a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateBackend for MemoryBackend {
    fn value(&self, full_key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.maps().values.get(full_key).cloned())
    }

    fn values(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.maps().values.iter().try_for_each(|(key, value)| visit(key, value))
    }

    fn head(&self) -> Result<Option<Head>, StoreError> {
        Ok(self.maps().head.clone())
    }

    fn record(&self, call_id: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.maps().records.get(call_id).cloned())
    }

    fn header(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.maps().blocks.get(&height).map(|(header, _)| header.clone()))
    }

    fn calls(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.maps().blocks.get(&height).map(|(_, calls)| calls.clone()).unwrap_or_default())
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let mut maps = self.maps();
        for (key, value) in &commit.values {
            match value {
                Some(value) => maps.values.insert(key.clone(), value.clone()),
                None => maps.values.remove(key),
            };
        }
        maps.records.extend(commit.records.iter().cloned());
        maps.blocks.insert(commit.height, (commit.head.header.clone(), commit.calls.clone()));
        maps.head = Some(commit.head.clone());
        for hash in &commit.unstage {
            maps.staged.remove(hash);
        }
        Ok(())
    }

    fn stage(&self, code_hash: &Hash, bytes: &[u8]) -> Result<(), StoreError> {
        self.maps().staged.insert(*code_hash, bytes.to_vec());
        Ok(())
    }

    fn unstage(&self, code_hash: &Hash) -> Result<(), StoreError> {
        self.maps().staged.remove(code_hash);
        Ok(())
    }

    fn staged(&self, code_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.maps().staged.get(code_hash).cloned())
    }

    fn all_staged(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.maps().staged.iter().try_for_each(|(hash, bytes)| visit(hash, bytes))
    }
}
