//! The store of tests and throw-away chains: ordered maps in memory. The maps share what did not change
//! between versions, so that a view costs nothing and a commit what it changes.

use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rpds::RedBlackTreeMapSync as Map;

use super::backend::{
    Bytes, Commit, Head, Pair, StateBackend, StateView, StoreError, Value, ValueView, Visit,
};
use crate::types::Hash;

/// A header and the signed calls.
type Block = Arc<(Vec<u8>, Vec<Bytes>)>;

#[derive(Clone, Debug, Default)]
struct Maps {
    values: Map<Bytes, Bytes>,
    codes: Map<Hash, Bytes>,
    records: Map<(u64, u32), Bytes>,
    places: Map<Hash, (u64, u32)>,
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
                Some(value) => maps.values.insert_mut(Arc::clone(key), Arc::clone(value)),
                None => drop(maps.values.remove_mut(&key[..])),
            };
        }
        for (code_hash, bytes) in &commit.codes {
            maps.codes.insert_mut(*code_hash, Arc::clone(bytes));
        }
        for ((call_id, record), index) in commit.records.iter().zip(0..) {
            maps.records.insert_mut((commit.height, index), record[..].into());
            maps.places.insert_mut(*call_id, (commit.height, index));
        }
        for (height, calls) in &commit.prune {
            for (call_id, index) in calls.iter().zip(0..) {
                maps.places.remove_mut(call_id);
                maps.records.remove_mut(&(*height, index));
            }
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

impl ValueView for Maps {
    fn value(&self, full_key: &[u8]) -> Result<Value, StoreError> {
        Ok(self.values.get(full_key).cloned())
    }

    fn next(&self, after: &[u8]) -> Result<Option<Pair>, StoreError> {
        let range = (Bound::Excluded(after), Bound::Unbounded);
        let next = self.values.range::<[u8], _>(range).next();
        Ok(next.map(|(key, value)| (key.to_vec(), Arc::clone(value))))
    }

    fn code(&self, code_hash: &Hash) -> Result<Value, StoreError> {
        Ok(self.codes.get(code_hash).cloned())
    }

    fn staged(&self, code_hash: &Hash) -> Result<Value, StoreError> {
        Ok(self.staged.get(code_hash).cloned())
    }
}

impl StateView for Maps {
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

    fn place(&self, call_id: &Hash) -> Result<Option<(u64, u32)>, StoreError> {
        Ok(self.places.get(call_id).copied())
    }

    fn record(&self, height: u64, index: u32) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.records.get(&(height, index)).map(|record| record.to_vec()))
    }

    fn codes(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.codes.iter().try_for_each(|(hash, bytes)| visit(hash, bytes))
    }

    fn header(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.blocks.get(&height).map(|block| block.0.clone()))
    }

    fn calls(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let calls = self.blocks.get(&height).map(|block| block.1.iter().map(|call| call.to_vec()).collect());
        Ok(calls.unwrap_or_default())
    }

    fn staged_note(&self, code_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.notes.get(code_hash).map(|note| note.to_vec()))
    }

    fn all_staged(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.staged.iter().try_for_each(|(hash, bytes)| visit(hash, bytes))
    }
}
