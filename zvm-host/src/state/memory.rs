//! The store of tests and throw-away chains: ordered maps in memory. The maps share what did not change
//! between versions, so that a view costs nothing and a commit what it changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rpds::RedBlackTreeMapSync as Map;

use super::backend::{Commit, Head, StateBackend, StateView, StoreError, Visit};
use crate::types::Hash;

type Bytes = Arc<[u8]>;
/// A header and the signed calls.
type Block = Arc<(Vec<u8>, Vec<Vec<u8>>)>;

#[derive(Clone, Debug, Default)]
struct Maps {
    values: Map<Bytes, Bytes>,
    records: Map<Hash, Bytes>,
    records_from: u64,
    blocks: Map<u64, Block>,
    staged: Map<Hash, Bytes>,
    notes: Map<Hash, Bytes>,
    head: Option<Head>,
    genesis: Option<Vec<u8>>,
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
    fn snapshot(&self) -> Result<Arc<dyn StateView>, StoreError> {
        Ok(Arc::new(self.maps().clone()))
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let mut maps = self.maps();
        for (key, value) in &commit.values {
            match value {
                Some(value) => maps.values.insert_mut(key[..].into(), value[..].into()),
                None => drop(maps.values.remove_mut(&key[..])),
            };
        }
        for (call_id, record) in &commit.records {
            maps.records.insert_mut(*call_id, record[..].into());
        }
        for call_id in &commit.prune {
            maps.records.remove_mut(call_id);
        }
        maps.records_from = maps.records_from.max(commit.records_from);
        let block = (commit.head.header.clone(), commit.calls.clone());
        maps.blocks.insert_mut(commit.height, Arc::new(block));
        maps.head = Some(commit.head.clone());
        if let Some(genesis) = &commit.genesis {
            maps.genesis = Some(genesis.clone());
        }
        for hash in &commit.unstage {
            maps.staged.remove_mut(hash);
            maps.notes.remove_mut(hash);
        }
        Ok(())
    }

    fn stage(&self, code_hash: &Hash, bytes: &[u8], note: &[u8]) -> Result<(), StoreError> {
        let mut maps = self.maps();
        maps.staged.insert_mut(*code_hash, bytes.into());
        maps.notes.insert_mut(*code_hash, note.into());
        Ok(())
    }

    fn note_staged(&self, code_hash: &Hash, note: &[u8]) -> Result<(), StoreError> {
        self.maps().notes.insert_mut(*code_hash, note.into());
        Ok(())
    }

    fn unstage(&self, code_hash: &Hash) -> Result<(), StoreError> {
        let mut maps = self.maps();
        maps.staged.remove_mut(code_hash);
        maps.notes.remove_mut(code_hash);
        Ok(())
    }
}

impl StateView for Maps {
    fn value(&self, full_key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.values.get(full_key).map(|value| value.to_vec()))
    }

    fn values(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.values.iter().try_for_each(|(key, value)| visit(key, value))
    }

    fn genesis(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.genesis.clone())
    }

    fn records_from(&self) -> Result<u64, StoreError> {
        Ok(self.records_from)
    }

    fn head(&self) -> Result<Option<Head>, StoreError> {
        Ok(self.head.clone())
    }

    fn record(&self, call_id: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.records.get(call_id).map(|record| record.to_vec()))
    }

    fn header(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.blocks.get(&height).map(|block| block.0.clone()))
    }

    fn calls(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.blocks.get(&height).map(|block| block.1.clone()).unwrap_or_default())
    }

    fn staged(&self, code_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.staged.get(code_hash).map(|bytes| bytes.to_vec()))
    }

    fn staged_note(&self, code_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.notes.get(code_hash).map(|note| note.to_vec()))
    }

    fn all_staged(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.staged.iter().try_for_each(|(hash, bytes)| visit(hash, bytes))
    }
}
