//! The state after a block that is not durable yet: what it changes, over the state that the store has.

use std::sync::Arc;

use super::Built;
use crate::state::{Pair, StoreError, Value, ValueView};
use crate::types::Hash;

/// A view with one more block. The view beneath may have that block already: then nothing changes.
#[derive(Debug)]
pub struct Layered {
    below: Arc<dyn ValueView>,
    block: Arc<Built>,
}

impl Layered {
    /// The state after a block.
    pub fn new(below: Arc<dyn ValueView>, block: Arc<Built>) -> Layered {
        Layered { below, block }
    }

    fn place(&self, full_key: &[u8]) -> Result<usize, usize> {
        self.block.changes.binary_search_by(|(key, _)| key[..].cmp(full_key))
    }
}

impl ValueView for Layered {
    fn value(&self, full_key: &[u8]) -> Result<Value, StoreError> {
        match self.place(full_key).ok().and_then(|at| self.block.changes.get(at)) {
            Some((_, value)) => Ok(value.clone()),
            None => self.below.value(full_key),
        }
    }

    fn next(&self, after: &[u8]) -> Result<Option<Pair>, StoreError> {
        let from = self.place(after).map_or_else(|at| at, |at| at.saturating_add(1));
        let mut changes = self.block.changes.get(from..).unwrap_or_default().iter().peekable();
        let mut below = self.below.next(after)?;
        loop {
            let Some((key, value)) = changes.peek() else { return Ok(below) };
            match &below {
                Some((next, _)) if next[..] < key[..] => return Ok(below),
                Some((next, _)) if next[..] == key[..] => below = self.below.next(key)?,
                _ => {
                    if let Some(value) = value {
                        return Ok(Some((key.to_vec(), Arc::clone(value))));
                    }
                    changes.next();
                }
            }
        }
    }

    fn code(&self, code_hash: &Hash) -> Result<Value, StoreError> {
        match self.block.codes.iter().find(|(hash, _)| hash == code_hash) {
            Some((_, bytes)) => Ok(Some(Arc::clone(bytes))),
            None => self.below.code(code_hash),
        }
    }

    fn staged(&self, code_hash: &Hash) -> Result<Value, StoreError> {
        self.below.staged(code_hash)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::state::{Commit, MemoryBackend, StateBackend};

    proptest! {
        #[test]
        fn prop_a_layer_is_a_map_with_changes(
            below in prop::collection::btree_map(0u8..20, 0u8..4, 0..12),
            changes in prop::collection::btree_map(0u8..20, prop::option::of(4u8..8), 0..12),
        ) {
            let store = MemoryBackend::new();
            let values = below.iter().map(|(key, value)| ([*key][..].into(), Some([*value][..].into()))).collect();
            store.commit(&Commit { values, ..Commit::default() }).unwrap();
            let block = Built {
                changes: changes.iter().map(|(key, value)| ([*key][..].into(), value.map(|value| [value][..].into()))).collect(),
                ..Built::empty_for_tests()
            };
            let layered = Layered::new(store.snapshot().unwrap(), Arc::new(block));
            let mut model: BTreeMap<u8, u8> = below.clone();
            for (key, value) in &changes {
                match value {
                    Some(value) => model.insert(*key, *value),
                    None => model.remove(key),
                };
            }
            for key in 0u8..21 {
                prop_assert_eq!(layered.value(&[key]).unwrap().map(|value| value[0]), model.get(&key).copied());
                let next = layered.next(&[key]).unwrap().map(|(key, value)| (key[0], value[0]));
                prop_assert_eq!(next, model.range(key + 1..).next().map(|(key, value)| (*key, *value)));
            }
        }
    }
}
