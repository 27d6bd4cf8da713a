//! Changes of one block on their way to the store: what is read sees them, checkpoints undo them. The
//! state below is never touched.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::backend::{StateView, StoreError};
use super::{Account, account_key};
use crate::types::Address;

/// Bytes of keys and values that one signed call may journal.
pub const JOURNAL_LEN_MAX: usize = 4 * 1024 * 1024;

/// A point to go back to. Points nest: going back to one forgets those made after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checkpoint(usize);

/// The limit of a journal is reached; nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalFull;

impl fmt::Display for JournalFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one call journals at most {JOURNAL_LEN_MAX} bytes")
    }
}

impl std::error::Error for JournalFull {}

type Value = Option<Vec<u8>>;

/// Uncommitted changes over the state at one height.
pub struct Journal {
    view: Arc<dyn StateView>,
    /// What was written, over what the view has.
    changes: BTreeMap<Vec<u8>, Value>,
    /// For each write: the key, and what `changes` had for it before.
    undo: Vec<(Vec<u8>, Option<Value>)>,
    /// Bytes written since the last [`Journal::begin_call`]; going back does not lower it.
    written_len: usize,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("changes", &self.changes.len()).finish_non_exhaustive()
    }
}

impl Journal {
    /// Nothing changed yet.
    pub fn new(view: Arc<dyn StateView>) -> Journal {
        Journal { view, changes: BTreeMap::new(), undo: Vec::new(), written_len: 0 }
    }

    /// Starts the count of bytes of a signed call.
    pub fn begin_call(&mut self) {
        self.written_len = 0;
    }

    /// The state beneath, without the changes.
    pub fn view(&self) -> &dyn StateView {
        &*self.view
    }

    /// Takes the journal away, with its checkpoints; an unchanged one over the same view stays.
    pub fn take(&mut self) -> Journal {
        let empty = Journal::new(Arc::clone(&self.view));
        std::mem::replace(self, empty)
    }

    /// The value of a full key.
    pub fn read(&self, full_key: &[u8]) -> Result<Value, StoreError> {
        match self.changes.get(full_key) {
            Some(value) => Ok(value.clone()),
            None => self.view.value(full_key),
        }
    }

    /// Sets a key, or removes it.
    pub fn write(&mut self, full_key: &[u8], value: Value) -> Result<(), JournalFull> {
        let len = full_key.len().saturating_add(value.as_ref().map_or(0, Vec::len));
        let total = self.written_len.saturating_add(len);
        if total > JOURNAL_LEN_MAX {
            return Err(JournalFull);
        }
        self.written_len = total;
        self.set(full_key, value);
        Ok(())
    }

    /// An account; absent ones are all defaults.
    pub fn account(&self, address: &Address) -> Result<Account, StoreError> {
        match self.read(&account_key(address))? {
            None => Ok(Account::default()),
            Some(bytes) => Account::decode(&bytes)
                .map_err(|error| StoreError::Corrupt(format!("the account {address}: {error}"))),
        }
    }

    /// Sets an account. Not counted: how many accounts a call touches is bounded elsewhere.
    pub fn set_account(&mut self, address: &Address, account: &Account) {
        self.set(&account_key(address), account.encode());
    }

    /// Sets a key without counting its bytes: for what the host itself writes.
    pub fn set(&mut self, full_key: &[u8], value: Value) {
        let before = self.changes.insert(full_key.to_vec(), value);
        self.undo.push((full_key.to_vec(), before));
    }

    /// A point to go back to.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(self.undo.len())
    }

    /// Undoes everything written since.
    pub fn rollback(&mut self, to: Checkpoint) {
        while self.undo.len() > to.0 {
            match self.undo.pop() {
                Some((key, Some(before))) => self.changes.insert(key, before),
                Some((key, None)) => self.changes.remove(&key).flatten().map(Some),
                None => return,
            };
        }
    }

    /// What changed, in order of the keys.
    pub fn changes(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.changes.iter().map(|(key, value)| (&key[..], value.as_deref()))
    }

    /// The changes, for a commit.
    pub fn into_changes(self) -> Vec<(Vec<u8>, Value)> {
        self.changes.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Commit, MemoryBackend, StateBackend};
    use proptest::prelude::*;

    fn store(values: &[(&[u8], &[u8])]) -> Arc<dyn StateView> {
        let store = MemoryBackend::new();
        let commit = Commit {
            values: values.iter().map(|(key, value)| (key.to_vec(), Some(value.to_vec()))).collect(),
            ..Commit::default()
        };
        store.commit(&commit).unwrap();
        store.snapshot().unwrap()
    }

    #[test]
    fn reads_see_writes_and_the_store_does_not() {
        let store = store(&[(b"a", b"1"), (b"b", b"2")]);
        let mut journal = Journal::new(Arc::clone(&store));
        journal.write(b"a", Some(b"x".to_vec())).unwrap();
        journal.write(b"b", None).unwrap();
        assert_eq!(journal.read(b"a").unwrap(), Some(b"x".to_vec()));
        assert_eq!(journal.read(b"b").unwrap(), None);
        assert_eq!(store.value(b"a").unwrap(), Some(b"1".to_vec()));
        let list: Vec<_> = journal.changes().collect();
        assert_eq!(list, [(&b"a"[..], Some(&b"x"[..])), (b"b", None)]);
    }

    #[test]
    fn an_account_of_defaults_is_absent() {
        let mut journal = Journal::new(store(&[]));
        let address = Address([1; 20]);
        journal.set_account(&address, &Account { balance: 5, ..Account::default() });
        assert_eq!(journal.account(&address).unwrap().balance, 5);
        journal.set_account(&address, &Account::default());
        assert_eq!(journal.read(&account_key(&address)).unwrap(), None);
    }

    #[test]
    fn the_limit_counts_what_is_undone_too() {
        let mut journal = Journal::new(store(&[]));
        let value = vec![0; 1024 * 1024 - 1];
        for _ in 0..4 {
            let point = journal.checkpoint();
            journal.write(b"k", Some(value.clone())).unwrap();
            journal.rollback(point);
        }
        assert_eq!(journal.write(b"k", Some(vec![])), Err(JournalFull));
        assert_eq!(journal.read(b"k").unwrap(), None);
        journal.begin_call();
        assert_eq!(journal.write(b"k", Some(vec![])), Ok(()));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Write(u8, Option<u8>),
        Mark,
        Back,
        Keep,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0u8..6, prop::option::of(0u8..3)).prop_map(|(key, value)| Step::Write(key, value)),
            2 => Just(Step::Mark),
            1 => Just(Step::Back),
            1 => Just(Step::Keep),
        ]
    }

    proptest! {
        /// Against a model that keeps a whole copy for each checkpoint.
        #[test]
        fn prop_going_back_restores_everything(steps in prop::collection::vec(step(), 0..60)) {
            let store = store(&[(&[0], b"s"), (&[1], b"t")]);
            let mut journal = Journal::new(store);
            let mut model = BTreeMap::from([(0u8, b's'), (1, b't')]);
            let mut points = Vec::new();
            for step in steps {
                match step {
                    Step::Write(key, value) => {
                        journal.write(&[key], value.map(|value| vec![value])).unwrap();
                        match value {
                            Some(value) => model.insert(key, value),
                            None => model.remove(&key),
                        };
                    }
                    Step::Mark => points.push((journal.checkpoint(), model.clone())),
                    Step::Back => {
                        if let Some((point, saved)) = points.pop() {
                            journal.rollback(point);
                            model = saved;
                        }
                    }
                    Step::Keep => {
                        points.pop();
                    }
                }
                for key in 0u8..6 {
                    prop_assert_eq!(journal.read(&[key]).unwrap(), model.get(&key).map(|value| vec![*value]));
                }
            }
        }
    }
}
