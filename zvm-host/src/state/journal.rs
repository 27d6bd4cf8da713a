//! Changes of one block on their way to the store: reads see them, checkpoints undo those of the call that
//! runs. The state below is never touched.
//!
//! One list has an entry for each key that was read or written, in the order of first use. Its first values are
//! what the block has read, its last values what the block writes; both follow from the calls alone.

use std::fmt;
use std::sync::Arc;

// Seeded anew in each process, so that nobody can make keys that meet; iteration is in order of insertion.
use foldhash::quality::RandomState;
use indexmap::{IndexMap, IndexSet};

use super::backend::{Bytes, Change, StoreError, Value, ValueView};
use super::{Account, account_key};
use crate::types::{Address, Hash};

/// Keys that one signed call may be the first to touch.
pub const FIRST_READS_MAX: u32 = 4_096;
/// Bytes of keys and values that one signed call may be the first to touch.
pub const FIRST_READS_LEN_MAX: usize = 1024 * 1024;
/// Bytes that are kept to undo one signed call.
pub const UNDO_LEN_MAX: usize = 16 * 1024 * 1024;
/// What a value to go back to counts for besides its bytes.
const UNDO_ENTRY_LEN: usize = 64;
/// Bytes of values that were only read and stay at hand for the next call of the block. Nothing depends on it.
const CACHED_LEN_MAX: usize = 32 * 1024 * 1024;
/// Where transient storage lies: never in the state, and gone at the end of the call.
const TRANSIENT: u8 = 4;

/// A point to go back to. Points nest: going back to one forgets those made after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checkpoint(usize);

/// Why the journal refuses. Nothing was changed.
#[derive(Debug)]
pub enum JournalError {
    /// A limit of one signed call; the text says which.
    Limit(&'static str),
    /// The store.
    Store(StoreError),
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalError::Limit(what) => write!(f, "one call may not have more {what}"),
            JournalError::Store(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for JournalError {}

impl From<StoreError> for JournalError {
    fn from(error: StoreError) -> JournalError {
        JournalError::Store(error)
    }
}

/// What is known of a key.
#[derive(Debug)]
struct Entry {
    /// Before the block.
    first: Value,
    /// Now.
    now: Value,
    /// The last call that touched it.
    call: u32,
}

/// A change of the call that runs, so that it can be undone.
#[derive(Debug)]
struct Undo {
    entry: usize,
    before: Value,
}

/// Uncommitted changes over the state at one height.
pub struct Journal {
    view: Arc<dyn ValueView>,
    entries: IndexMap<Box<[u8]>, Entry, RandomState>,
    /// Modules that calls of this block were the first to name.
    codes: IndexMap<Hash, Arc<[u8]>>,
    codes_before: usize,
    /// Modules that were used.
    used: IndexSet<Hash>,
    used_before: usize,
    undo: Vec<Undo>,
    undo_len: usize,
    /// For a call that is left out: what its lasting changes replaced, by entry, and how many entries there were
    /// before it. A key that is changed often counts once: nothing bounds how often.
    lasting: IndexMap<usize, Value, RandomState>,
    entries_before: usize,
    /// Counts the calls of the block; 0 outside of calls, where no limit holds.
    call: u32,
    first_reads: u32,
    first_reads_len: usize,
    /// Entries of transient storage of this call.
    transient: Vec<usize>,
    cached_len: usize,
    keeps_reads: bool,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl Journal {
    /// Nothing changed yet.
    pub fn new(view: Arc<dyn ValueView>) -> Journal {
        Journal {
            view,
            entries: IndexMap::default(),
            codes: IndexMap::new(),
            codes_before: 0,
            used: IndexSet::new(),
            used_before: 0,
            undo: Vec::new(),
            undo_len: 0,
            lasting: IndexMap::default(),
            entries_before: 0,
            call: 0,
            first_reads: 0,
            first_reads_len: 0,
            transient: Vec::new(),
            cached_len: 0,
            keeps_reads: false,
        }
    }

    /// Keeps all that is read until the end, for [`Journal::reads`].
    pub fn keep_reads(&mut self) {
        self.keeps_reads = true;
    }

    /// Starts the limits of a signed call.
    pub fn begin_call(&mut self) {
        self.call = self.call.saturating_add(1);
        (self.first_reads, self.first_reads_len) = (0, 0);
        self.entries_before = self.entries.len();
        (self.codes_before, self.used_before) = (self.codes.len(), self.used.len());
    }

    /// Leaves a signed call out, as if it had never begun: also what it has read is not the block's.
    pub fn leave_out_call(&mut self) {
        self.rollback(Checkpoint(0));
        while let Some((entry, before)) = self.lasting.pop() {
            self.put_back(Undo { entry, before });
        }
        self.transient.clear();
        self.entries.truncate(self.entries_before);
        self.codes.truncate(self.codes_before);
        self.used.truncate(self.used_before);
    }

    /// Ends a signed call: what it changed stays, its transient storage is gone.
    pub fn end_call(&mut self) {
        self.undo.clear();
        self.lasting.clear();
        self.undo_len = 0;
        for entry in std::mem::take(&mut self.transient) {
            if let Some((_, entry)) = self.entries.get_index_mut(entry) {
                entry.now = None;
            }
        }
        if self.cached_len > CACHED_LEN_MAX && !self.keeps_reads {
            self.entries.retain(|_, entry| entry.now != entry.first);
            self.cached_len = 0;
        }
    }

    /// The state beneath, without the changes.
    pub fn view(&self) -> &Arc<dyn ValueView> {
        &self.view
    }

    /// The value of a full key.
    ///
    /// # Errors
    /// `Limit` when the call has touched too much; the store.
    pub fn read(&mut self, full_key: &[u8]) -> Result<Value, JournalError> {
        let entry = self.touch(full_key)?;
        Ok(self.entries.get_index(entry).and_then(|(_, entry)| entry.now.clone()))
    }

    /// The place of a key's entry, which is read if this is the first time.
    fn touch(&mut self, full_key: &[u8]) -> Result<usize, JournalError> {
        if let Some((place, _, entry)) = self.entries.get_full_mut(full_key) {
            if entry.call != self.call {
                let len = full_key.len().saturating_add(value_len(&entry.now));
                // Counted first: a key that is refused stays untouched.
                let call = self.call;
                count_first(call, &mut self.first_reads, &mut self.first_reads_len, len)?;
                entry.call = call;
            }
            return Ok(place);
        }
        let first = if full_key.first() == Some(&TRANSIENT) { None } else { self.view.value(full_key)? };
        let len = full_key.len().saturating_add(value_len(&first));
        count_first(self.call, &mut self.first_reads, &mut self.first_reads_len, len)?;
        self.cached_len = self.cached_len.saturating_add(len);
        let entry = Entry { now: first.clone(), first, call: self.call };
        Ok(self.entries.insert_full(full_key.into(), entry).0)
    }

    /// The value of a key that only the host uses: whoever causes that pays for it otherwise, and it is no read of
    /// the call's.
    ///
    /// # Errors
    /// The store.
    pub fn read_system(&mut self, full_key: &[u8]) -> Result<Value, JournalError> {
        self.unlimited(|journal| journal.read(full_key))
    }

    /// Lets the host itself read and write: the limits of a call are not for what ends it.
    pub fn unlimited<T>(&mut self, f: impl FnOnce(&mut Journal) -> T) -> T {
        let call = std::mem::take(&mut self.call);
        let done = f(self);
        self.call = call;
        done
    }

    /// Sets a key, or removes it; undone with the frame.
    ///
    /// # Errors
    /// `Limit` when the call has touched or overwritten too much; the store.
    pub fn write(&mut self, full_key: &[u8], value: Value) -> Result<(), JournalError> {
        let place = self.touch(full_key)?;
        let Some((_, entry)) = self.entries.get_index_mut(place) else { return Ok(()) };
        let len = self.undo_len.saturating_add(UNDO_ENTRY_LEN).saturating_add(value_len(&entry.now));
        if self.call != 0 && len > UNDO_LEN_MAX {
            return Err(JournalError::Limit("bytes to undo"));
        }
        self.undo_len = len;
        let before = std::mem::replace(&mut entry.now, value);
        self.undo.push(Undo { entry: place, before });
        Ok(())
    }

    /// Sets a key for good: not undone with a frame. Only for keys that nothing else writes, and not counted.
    ///
    /// # Errors
    /// The store.
    pub fn write_lasting(&mut self, full_key: &[u8], value: Value) -> Result<(), JournalError> {
        let place = self.unlimited(|journal| journal.touch(full_key))?;
        if let Some((_, entry)) = self.entries.get_index_mut(place) {
            let before = std::mem::replace(&mut entry.now, value);
            self.lasting.entry(place).or_insert(before);
        }
        Ok(())
    }

    /// A contract's transient value in this call.
    pub fn read_transient(&self, address: &Address, user_key: &[u8]) -> Value {
        // Not looked for in the store, and no first read of it: nothing is there when a call begins.
        self.entries.get(&transient_key(address, user_key)[..]).and_then(|entry| entry.now.clone())
    }

    /// Sets a contract's transient value, until the end of the call; undone with the frame.
    ///
    /// # Errors
    /// As [`Journal::write`].
    pub fn write_transient(
        &mut self,
        address: &Address,
        user_key: &[u8],
        value: Value,
    ) -> Result<(), JournalError> {
        let key = transient_key(address, user_key);
        self.write(&key, value)?;
        if let Some(place) = self.entries.get_index_of(&key[..]) {
            self.transient.push(place);
        }
        Ok(())
    }

    /// An account; absent ones are all defaults.
    ///
    /// # Errors
    /// As [`Journal::read`].
    pub fn account(&mut self, address: &Address) -> Result<Account, JournalError> {
        match self.read(&account_key(address))? {
            None => Ok(Account::default()),
            Some(bytes) => Ok(Account::decode(&bytes)
                .map_err(|error| StoreError::Corrupt(format!("the account {address}: {error}")))?),
        }
    }

    /// Sets an account; undone with the frame.
    ///
    /// # Errors
    /// As [`Journal::write`].
    pub fn set_account(&mut self, address: &Address, account: &Account) -> Result<(), JournalError> {
        self.write(&account_key(address), account.encode().map(Into::into))
    }

    /// The bytes of a module that is in the state, or comes into it with this block.
    ///
    /// # Errors
    /// The store.
    pub fn code(&self, code_hash: &Hash) -> Result<Value, StoreError> {
        match self.codes.get(code_hash) {
            Some(bytes) => Ok(Some(Arc::clone(bytes))),
            None => self.view.code(code_hash),
        }
    }

    /// Notes that a module is used, for a witness.
    pub fn use_code(&mut self, code_hash: &Hash) {
        self.used.insert(*code_hash);
    }

    /// The modules that were used, in the order of first use.
    pub fn used_codes(&self) -> impl Iterator<Item = &Hash> {
        self.used.iter()
    }

    /// Adds the bytes of a module that a call names. They are kept with the block, whatever becomes of the call: who
    /// runs it again needs them.
    pub fn add_code(&mut self, code_hash: Hash, bytes: Arc<[u8]>) {
        self.codes.insert(code_hash, bytes);
    }

    /// A point to go back to.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(self.undo.len())
    }

    /// Undoes everything written since.
    pub fn rollback(&mut self, to: Checkpoint) {
        while self.undo.len() > to.0 {
            let Some(undo) = self.undo.pop() else { return };
            let len = UNDO_ENTRY_LEN.saturating_add(value_len(&undo.before));
            self.undo_len = self.undo_len.saturating_sub(len);
            self.put_back(undo);
        }
    }

    fn put_back(&mut self, undo: Undo) {
        if let Some((_, entry)) = self.entries.get_index_mut(undo.entry) {
            entry.now = undo.before;
        }
    }

    /// Keys written since a point, with their values now; one that was written often comes often.
    pub fn written_since(&self, from: Checkpoint) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let undo = self.undo.get(from.0..).unwrap_or_default();
        undo.iter()
            .filter_map(|undo| self.entries.get_index(undo.entry))
            .map(|(key, entry)| (&key[..], entry.now.as_deref()))
    }

    /// Every key that was touched, with its value before the block; in the order of first use.
    pub fn reads(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.entries
            .iter()
            .filter(|(key, _)| key.first() != Some(&TRANSIENT))
            .map(|(key, entry)| (&key[..], entry.first.as_deref()))
    }

    /// What the block changes, in order of the keys; and the modules that its calls were the first to name.
    pub fn into_changes(self) -> (Vec<Change>, IndexMap<Hash, Bytes>) {
        let mut changes: Vec<Change> = self
            .entries
            .into_iter()
            .filter(|(key, entry)| entry.now != entry.first && key.first() != Some(&TRANSIENT))
            .map(|(key, entry)| (key.into(), entry.now))
            .collect();
        changes.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        (changes, self.codes)
    }
}

/// The key of a transient value, beside the keys of the state.
fn transient_key(address: &Address, user_key: &[u8]) -> Vec<u8> {
    [&[TRANSIENT], &address.0[..], user_key].concat()
}

fn value_len(value: &Value) -> usize {
    value.as_ref().map_or(0, |value| value.len())
}

/// Counts a key that this call is the first to touch.
fn count_first(call: u32, count: &mut u32, len: &mut usize, key_len: usize) -> Result<(), JournalError> {
    if call == 0 {
        return Ok(());
    }
    let (next, next_len) = (count.saturating_add(1), len.saturating_add(key_len));
    if next > FIRST_READS_MAX {
        return Err(JournalError::Limit("keys"));
    }
    if next_len > FIRST_READS_LEN_MAX {
        return Err(JournalError::Limit("bytes of keys and values"));
    }
    (*count, *len) = (next, next_len);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::state::{Commit, MemoryBackend, StateBackend};
    use proptest::prelude::*;

    fn store(values: &[(&[u8], &[u8])]) -> Arc<dyn ValueView> {
        let store = MemoryBackend::new();
        let commit = Commit {
            values: values.iter().map(|(key, value)| ((*key).into(), Some((*value).into()))).collect(),
            ..Commit::default()
        };
        store.commit(&commit).unwrap();
        store.snapshot().unwrap()
    }

    fn some(value: &[u8]) -> Value {
        Some(value.into())
    }

    #[test]
    fn reads_see_writes_and_the_store_does_not() {
        let store = store(&[(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]);
        let mut journal = Journal::new(Arc::clone(&store));
        journal.write(b"a", some(b"x")).unwrap();
        journal.write(b"b", None).unwrap();
        journal.write(b"c", some(b"y")).unwrap();
        journal.write(b"c", some(b"3")).unwrap();
        assert_eq!(journal.read(b"a").unwrap(), some(b"x"));
        assert_eq!(journal.read(b"b").unwrap(), None);
        assert_eq!(journal.read(b"d").unwrap(), None);
        assert_eq!(store.value(b"a").unwrap(), some(b"1"));
        let reads: Vec<_> =
            journal.reads().map(|(key, first)| (key.to_vec(), first.map(<[u8]>::to_vec))).collect();
        let read = |key: &[u8], value: Option<&[u8]>| (key.to_vec(), value.map(<[u8]>::to_vec));
        assert_eq!(
            reads,
            [read(b"a", Some(b"1")), read(b"b", Some(b"2")), read(b"c", Some(b"3")), read(b"d", None)]
        );
        let (changes, _) = journal.into_changes();
        assert_eq!(changes, [((*b"a").as_slice().into(), some(b"x")), ((*b"b").as_slice().into(), None)]);
    }

    #[test]
    fn an_account_of_defaults_is_absent() {
        let mut journal = Journal::new(store(&[]));
        let address = Address([1; 20]);
        journal.set_account(&address, &Account { balance: 5, ..Account::default() }).unwrap();
        assert_eq!(journal.account(&address).unwrap().balance, 5);
        journal.set_account(&address, &Account::default()).unwrap();
        assert_eq!(journal.read(&account_key(&address)).unwrap(), None);
    }

    #[test]
    fn lasting_writes_are_not_undone() {
        let mut journal = Journal::new(store(&[]));
        journal.begin_call();
        let point = journal.checkpoint();
        journal.write(b"a", some(b"1")).unwrap();
        journal.write_lasting(b"b", some(b"2")).unwrap();
        journal.rollback(point);
        assert_eq!((journal.read(b"a").unwrap(), journal.read(b"b").unwrap()), (None, some(b"2")));
    }

    /// Nothing bounds how often a call changes the hot set, but what a call that is left out goes back to does not grow
    /// with it.
    #[test]
    fn lasting_writes_of_a_call_that_is_left_out_are_undone() {
        let mut journal = Journal::new(store(&[(b"b", b"1")]));
        journal.begin_call();
        journal.write_lasting(b"b", some(b"2")).unwrap();
        journal.end_call();
        journal.begin_call();
        for n in 0..100 {
            journal.write_lasting(b"b", some(&[n])).unwrap();
            journal.write_lasting(b"c", some(&[n])).unwrap();
        }
        assert_eq!(journal.lasting.len(), 2);
        journal.leave_out_call();
        assert_eq!(journal.read_system(b"b").unwrap(), some(b"2"));
        let changes: Vec<Change> = vec![(b"b"[..].into(), some(b"2"))];
        assert_eq!(journal.into_changes().0, changes);
    }

    #[test]
    fn transient_values_end_with_the_call_and_are_undone() {
        let mut journal = Journal::new(store(&[]));
        let [one, two] = [Address([1; 20]), Address([2; 20])];
        journal.begin_call();
        journal.write_transient(&one, b"k", some(b"v")).unwrap();
        let point = journal.checkpoint();
        journal.write_transient(&one, b"k", some(b"w")).unwrap();
        assert_eq!(journal.read_transient(&one, b"k"), some(b"w"));
        assert_eq!(journal.read_transient(&two, b"k"), None);
        journal.rollback(point);
        assert_eq!(journal.read_transient(&one, b"k"), some(b"v"));
        journal.end_call();
        journal.begin_call();
        assert_eq!(journal.read_transient(&one, b"k"), None);
        assert_eq!(journal.reads().count(), 0);
        assert!(journal.into_changes().0.is_empty());
    }

    /// The limits are those of one call, whatever calls before it in the block have read.
    #[test]
    fn first_reads_are_counted_a_call() {
        let mut journal = Journal::new(store(&[]));
        let key = |n: u32| n.to_le_bytes();
        for _ in 0..2 {
            journal.begin_call();
            for n in 0..FIRST_READS_MAX {
                journal.read(&key(n)).unwrap();
            }
            journal.read(&key(0)).unwrap();
            assert!(matches!(journal.read(&key(FIRST_READS_MAX)), Err(JournalError::Limit("keys"))));
            journal.end_call();
        }
        let value = vec![0; FIRST_READS_LEN_MAX / 2 - 1];
        let mut journal = Journal::new(store(&[(b"a", &value), (b"b", &value), (b"c", b"")]));
        journal.begin_call();
        journal.read(b"a").unwrap();
        journal.read(b"b").unwrap();
        assert!(matches!(journal.read(b"c"), Err(JournalError::Limit("bytes of keys and values"))));
        journal.begin_call();
        journal.read(b"c").unwrap();
    }

    #[test]
    fn what_can_be_undone_is_bounded() {
        let mut journal = Journal::new(store(&[]));
        journal.begin_call();
        let value: Value = Some(vec![0; 1024 * 1024 - UNDO_ENTRY_LEN].into());
        let start = journal.checkpoint();
        journal.write(b"k", value.clone()).unwrap();
        for _ in 0..15 {
            journal.write(b"k", value.clone()).unwrap();
        }
        assert!(matches!(journal.write(b"k", value.clone()), Err(JournalError::Limit("bytes to undo"))));
        journal.rollback(start);
        assert_eq!(journal.undo_len, 0);
        journal.write(b"k", value).unwrap();
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
            4 => (10u8..16, prop::option::of(0u8..3)).prop_map(|(key, value)| Step::Write(key, value)),
            2 => Just(Step::Mark),
            1 => Just(Step::Back),
            1 => Just(Step::Keep),
        ]
    }

    proptest! {
        /// Against a model that keeps a whole copy for each checkpoint.
        #[test]
        fn prop_going_back_restores_everything(steps in prop::collection::vec(step(), 0..60)) {
            let store = store(&[(&[10], b"s"), (&[11], b"t")]);
            let mut journal = Journal::new(store);
            let start = BTreeMap::from([(10u8, b's'), (11, b't')]);
            let mut model = start.clone();
            let mut points = Vec::new();
            for step in steps {
                match step {
                    Step::Write(key, value) => {
                        journal.write(&[key], value.map(|value| [value].as_slice().into())).unwrap();
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
                for key in 10u8..16 {
                    let found = journal.read(&[key]).unwrap().map(|value| value[0]);
                    prop_assert_eq!(found, model.get(&key).copied());
                }
            }
            let (changes, _) = journal.into_changes();
            let mut after = start;
            for (key, value) in changes {
                match value {
                    Some(value) => after.insert(key[0], value[0]),
                    None => after.remove(&key[0]),
                };
            }
            prop_assert_eq!(after, model);
        }
    }
}
