//! Uploaded modules that no block names yet: who holds which, since when, and which go when a limit is
//! reached. Their bytes and these notes are in the store; time is an argument.
//!
//! Each owner has a quota and displaces its own modules only. When all quotas together are more than the
//! store takes, a newcomer is refused until something expires.

use std::collections::BTreeMap;
use std::fmt;

use ghost_wasm::Engine;

use crate::codec::{CodecError, Reader, Writer};
use crate::contract::ContractModule;
use crate::crypto;
use crate::state::{StateBackend, StoreError};
use crate::types::Hash;

/// Owners of one module at most: a note stays below 2 KiB. Further ones may use the module and do not keep
/// it.
pub const HOLDERS_MAX: usize = 64;

/// Whom a staged module counts for, as the embedder tells peers apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner(pub [u8; 8]);

/// What may be staged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagingLimits {
    /// Bytes of all modules: what a node spends on uploads that nobody paid for.
    pub len_max: u64,
    /// Modules in all: their index is in memory, and each has a row in the store.
    pub count_max: usize,
    /// Bytes of one owner's modules: an eighth of the whole, four of the largest modules.
    pub owner_len_max: u64,
    /// Modules of one owner.
    pub owner_count_max: usize,
    /// Milliseconds that an owner's claim lasts: a deploy follows its upload within seconds, and a store
    /// that was filled up takes modules again after this time.
    pub keep_ms: u64,
}

impl Default for StagingLimits {
    fn default() -> StagingLimits {
        StagingLimits {
            len_max: 64 * 1024 * 1024,
            count_max: 4_096,
            owner_len_max: 8 * 1024 * 1024,
            owner_count_max: 64,
            keep_ms: 60 * 60 * 1_000,
        }
    }
}

/// Why a module is not staged. Nothing changed.
#[derive(Debug)]
pub enum StagingError {
    /// A limit that this owner cannot make room under; the text says which.
    Full(String),
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for StagingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StagingError::Full(text) => f.write_str(text),
            StagingError::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StagingError {}

impl From<StoreError> for StagingError {
    fn from(error: StoreError) -> StagingError {
        StagingError::Store(error)
    }
}

/// An owner's claim to a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hold {
    owner: Owner,
    /// Orders all claims by age, whatever the clock did.
    sequence: u64,
    since_ms: u64,
}

#[derive(Clone, Debug, Default)]
struct Staged {
    len: u64,
    holds: Vec<Hold>,
}

/// The staged modules.
#[derive(Debug)]
pub struct Staging {
    limits: StagingLimits,
    modules: BTreeMap<Hash, Staged>,
    /// All claims by owner and age.
    by_owner: BTreeMap<(Owner, u64), Hash>,
    /// All claims by age.
    by_age: BTreeMap<u64, (Owner, Hash)>,
    len: u64,
    damaged: Vec<(Hash, String)>,
}

impl Staging {
    /// Reads what is staged. Each module is hashed and validated again: here the bytes come from a disk.
    /// One that does not hold is dropped, since whoever wants it can upload it again.
    ///
    /// # Errors
    /// The store.
    pub fn open(
        store: &dyn StateBackend,
        engine: &Engine,
        limits: StagingLimits,
    ) -> Result<Staging, StoreError> {
        let mut staging = Staging {
            limits,
            modules: BTreeMap::new(),
            by_owner: BTreeMap::new(),
            by_age: BTreeMap::new(),
            len: 0,
            damaged: Vec::new(),
        };
        let view = store.snapshot()?;
        view.all_staged(&mut |key, bytes| {
            let Ok(hash) = <Hash>::try_from(key) else {
                tracing::warn!("a staged module has a name that is no hash");
                return Ok(());
            };
            let note = match view.staged_note(&hash) {
                Err(StoreError::Corrupt(why)) => Err(why),
                other => Ok(other?.unwrap_or_default()),
            };
            let read = check(engine, &hash, bytes).and_then(|()| {
                decode_note(&note?).map_err(|error| format!("the note of who staged it: {error}"))
            });
            match read {
                Ok(holds) if holds.iter().any(|hold| staging.by_age.contains_key(&hold.sequence)) => {
                    staging.damaged.push((hash, "the note of who staged it is another's".into()));
                }
                Ok(holds) => staging.insert(&hash, Staged { len: bytes.len() as u64, holds }),
                Err(why) => staging.damaged.push((hash, why)),
            }
            Ok(())
        })?;
        for (hash, why) in &staging.damaged {
            tracing::warn!(module = crate::types::hex(hash), why, "dropped a damaged staged module");
            store.unstage(hash)?;
        }
        Ok(staging)
    }

    /// What was dropped at open, and why.
    pub fn damaged(&self) -> &[(Hash, String)] {
        &self.damaged
    }

    /// How many modules are staged.
    pub fn count(&self) -> usize {
        self.modules.len()
    }

    /// Bytes of the modules that are staged.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether no module is staged.
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty()
    }

    /// Whether a module is staged.
    pub fn has(&self, code_hash: &Hash) -> bool {
        self.modules.contains_key(code_hash)
    }

    /// Stores a module for an owner, or has the owner hold one that is staged. The owner's oldest modules go
    /// when its own quota is used up; a module that others hold, too, stays.
    ///
    /// # Errors
    /// `Full`, `Store`.
    pub fn add(
        &mut self,
        store: &dyn StateBackend,
        owner: Owner,
        code_hash: &Hash,
        bytes: &[u8],
        now_ms: u64,
    ) -> Result<(), StagingError> {
        self.expire(store, now_ms)?;
        let is_new = !self.has(code_hash);
        if !is_new && !self.wants_hold(owner, code_hash, now_ms) {
            return Ok(());
        }
        let leaving = self.room(owner, code_hash, bytes.len() as u64)?;
        for hash in &leaving {
            self.release(store, owner, hash)?;
        }
        let since_ms = now_ms;
        let hold = Hold { owner, sequence: self.next_sequence(), since_ms };
        let mut staged = self.modules.get(code_hash).cloned().unwrap_or_default();
        staged.holds.retain(|other| other.owner != owner);
        staged.holds.push(hold);
        let note = encode_note(&staged.holds);
        if is_new {
            staged.len = bytes.len() as u64;
            store.stage(code_hash, bytes, &note)?;
        } else {
            store.note_staged(code_hash, &note)?;
        }
        self.forget(code_hash);
        self.insert(code_hash, staged);
        Ok(())
    }

    /// Has an owner hold a module, if it is staged; says whether it is.
    ///
    /// # Errors
    /// `Full`, `Store`.
    pub fn claim(
        &mut self,
        store: &dyn StateBackend,
        owner: Owner,
        code_hash: &Hash,
        now_ms: u64,
    ) -> Result<bool, StagingError> {
        self.expire(store, now_ms)?;
        if !self.has(code_hash) {
            return Ok(false);
        }
        self.add(store, owner, code_hash, &[], now_ms)?;
        Ok(true)
    }

    /// Forgets a module that left the store.
    pub fn forget(&mut self, code_hash: &Hash) {
        let Some(staged) = self.modules.remove(code_hash) else { return };
        self.len = self.len.saturating_sub(staged.len);
        for hold in &staged.holds {
            self.by_age.remove(&hold.sequence);
            self.by_owner.remove(&(hold.owner, hold.sequence));
        }
    }

    fn insert(&mut self, code_hash: &Hash, staged: Staged) {
        self.len = self.len.saturating_add(staged.len);
        for hold in &staged.holds {
            self.by_age.insert(hold.sequence, (hold.owner, *code_hash));
            self.by_owner.insert((hold.owner, hold.sequence), *code_hash);
        }
        self.modules.insert(*code_hash, staged);
    }

    fn next_sequence(&self) -> u64 {
        self.by_age.last_key_value().map_or(0, |(newest, _)| newest.saturating_add(1))
    }

    /// An owner's modules, oldest first.
    fn of_owner(&self, owner: Owner) -> impl Iterator<Item = (&Hash, &Staged)> {
        let hashes = self.by_owner.range((owner, 0)..=(owner, u64::MAX)).map(|(_, hash)| hash);
        hashes.filter_map(|hash| self.modules.get(hash).map(|staged| (hash, staged)))
    }

    /// Whether a staged module's note must change for the owner: a claim is written again after half its
    /// time only, so that a request without a module costs no write each time.
    fn wants_hold(&self, owner: Owner, code_hash: &Hash, now_ms: u64) -> bool {
        let Some(staged) = self.modules.get(code_hash) else { return false };
        match staged.holds.iter().find(|hold| hold.owner == owner) {
            Some(hold) => hold.since_ms.saturating_add(self.limits.keep_ms / 2) <= now_ms,
            None => staged.holds.len() < HOLDERS_MAX,
        }
    }

    /// Which of the owner's modules it must let go to hold this one.
    fn room(&self, owner: Owner, code_hash: &Hash, len: u64) -> Result<Vec<Hash>, StagingError> {
        let limits = &self.limits;
        let staged = self.modules.get(code_hash);
        let len = staged.map_or(len, |staged| staged.len);
        if len > limits.owner_len_max.min(limits.len_max) {
            let max = limits.owner_len_max.min(limits.len_max);
            return Err(StagingError::Full(format!("a module of {len} bytes; a peer may stage {max}")));
        }
        let own: Vec<_> = self.of_owner(owner).filter(|(hash, _)| *hash != code_hash).collect();
        let mut own_len: u64 = own.iter().map(|(_, staged)| staged.len).sum();
        let mut own_count = own.len();
        let (mut total, mut count) = (self.len, self.modules.len());
        let mut leaving = Vec::new();
        for (hash, other) in own {
            if own_count < limits.owner_count_max && own_len.saturating_add(len) <= limits.owner_len_max {
                break;
            }
            leaving.push(*hash);
            own_count = own_count.saturating_sub(1);
            own_len = own_len.saturating_sub(other.len);
            if other.holds.len() <= 1 {
                total = total.saturating_sub(other.len);
                count = count.saturating_sub(1);
            }
        }
        let is_full = total.saturating_add(len) > limits.len_max || count >= limits.count_max;
        if staged.is_none() && is_full {
            let text = format!(
                "{count} modules of {total} bytes wait for their deploys, which is all this node takes; \
                 each is kept for {} minutes at most",
                limits.keep_ms / 60_000
            );
            return Err(StagingError::Full(text));
        }
        Ok(leaving)
    }

    /// Ends an owner's claim; the module goes with its last one.
    fn release(
        &mut self,
        store: &dyn StateBackend,
        owner: Owner,
        code_hash: &Hash,
    ) -> Result<(), StoreError> {
        let Some(staged) = self.modules.get(code_hash) else { return Ok(()) };
        let mut staged = staged.clone();
        staged.holds.retain(|hold| hold.owner != owner);
        if staged.holds.is_empty() {
            store.unstage(code_hash)?;
            self.forget(code_hash);
        } else {
            store.note_staged(code_hash, &encode_note(&staged.holds))?;
            self.forget(code_hash);
            self.insert(code_hash, staged);
        }
        Ok(())
    }

    /// Ends the claims whose time is over.
    fn expire(&mut self, store: &dyn StateBackend, now_ms: u64) -> Result<(), StoreError> {
        loop {
            let Some((_, (owner, hash))) = self.by_age.first_key_value() else { return Ok(()) };
            let (owner, hash) = (*owner, *hash);
            let hold = self.modules.get_mut(&hash);
            let hold = hold.and_then(|staged| staged.holds.iter_mut().find(|hold| hold.owner == owner));
            let Some(hold) = hold else { return Ok(()) };
            // A clock that was ahead when the module came must not keep it, and all behind it, for ever.
            hold.since_ms = hold.since_ms.min(now_ms);
            if now_ms.saturating_sub(hold.since_ms) < self.limits.keep_ms {
                return Ok(());
            }
            self.release(store, owner, &hash)?;
        }
    }
}

/// note = version u8 = 1 ‖ for each owner: owner 8 ‖ sequence u64 ‖ since u64 (unix milliseconds)
fn encode_note(holds: &[Hold]) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(1);
    for hold in holds {
        out.bytes(&hold.owner.0).u64(hold.sequence).u64(hold.since_ms);
    }
    out.finish()
}

fn decode_note(bytes: &[u8]) -> Result<Vec<Hold>, CodecError> {
    let mut reader = Reader::new(bytes);
    if reader.u8()? != 1 {
        return Err(CodecError::BadValue("version"));
    }
    let mut holds: Vec<Hold> = Vec::new();
    while reader.end().is_err() {
        let hold = Hold { owner: Owner(reader.array()?), sequence: reader.u64()?, since_ms: reader.u64()? };
        let is_double = |other: &Hold| other.owner == hold.owner || other.sequence == hold.sequence;
        if holds.len() >= HOLDERS_MAX || holds.iter().any(is_double) {
            return Err(CodecError::BadValue("owners"));
        }
        holds.push(hold);
    }
    if holds.is_empty() { Err(CodecError::BadValue("owners")) } else { Ok(holds) }
}

fn check(engine: &Engine, hash: &Hash, bytes: &[u8]) -> Result<(), String> {
    // The border between the disk that keeps uploads and a node that starts.
    if crypto::blake3(bytes) != *hash {
        return Err("its bytes are not those of its name".into());
    }
    ContractModule::hashed(engine, bytes, *hash).map(drop).map_err(|error| error.to_string())
}
