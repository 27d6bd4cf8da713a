//! Validated modules in memory, by content hash, so that a call does not validate again: code of contracts
//! only, bounded by the memory that it takes. What is not there is read and validated anew; translated code
//! never comes from a store. No outcome depends on what is here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ghost_wasm::Engine;

use crate::contract::{ContractError, ContractModule};
use crate::crypto;
use crate::state::StoreError;
use crate::types::{Hash, hex};

/// What is known of a module.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is a contract.
    Valid(ContractModule),
    /// Not a contract; the reason.
    Invalid(String),
    /// Its bytes are not here.
    Missing,
}

#[derive(Debug, Default)]
struct Entries {
    modules: BTreeMap<Hash, (ContractModule, u64)>,
    /// By the time of their last use.
    by_use: BTreeMap<u64, Hash>,
    resident_bytes: u64,
    clock: u64,
}

impl Entries {
    fn tick(&mut self) -> u64 {
        self.clock = self.clock.saturating_add(1);
        self.clock
    }

    fn remove(&mut self, code_hash: &Hash) -> Option<ContractModule> {
        let (module, used) = self.modules.remove(code_hash)?;
        self.by_use.remove(&used);
        self.resident_bytes = self.resident_bytes.saturating_sub(module.resident_bytes());
        Some(module)
    }
}

/// Validated modules.
#[derive(Debug)]
pub struct ModuleCache {
    engine: Engine,
    resident_max: u64,
    entries: Mutex<Entries>,
}

impl ModuleCache {
    /// Nothing yet, and never more than this many bytes.
    pub fn new(engine: Engine, resident_max: u64) -> ModuleCache {
        ModuleCache { engine, resident_max, entries: Mutex::default() }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // A panic between two steps leaves at worst a module that is counted and not found.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of memory that the modules here take.
    pub fn resident_bytes(&self) -> u64 {
        self.entries().resident_bytes
    }

    /// Keeps a module, dropping those used longest ago; not one that is larger than all may be.
    pub fn insert(&self, module: ContractModule) {
        let bytes = module.resident_bytes();
        if bytes > self.resident_max {
            return;
        }
        // Dropped when the lock is free again: a large one takes a while.
        let mut dropped = Vec::new();
        let mut entries = self.entries();
        let code_hash = module.code_hash();
        dropped.extend(entries.remove(&code_hash));
        while entries.resident_bytes.saturating_add(bytes) > self.resident_max {
            let Some(oldest) = entries.by_use.values().next().copied() else { break };
            dropped.extend(entries.remove(&oldest));
        }
        let now = entries.tick();
        entries.by_use.insert(now, code_hash);
        entries.modules.insert(code_hash, (module, now));
        entries.resident_bytes = entries.resident_bytes.saturating_add(bytes);
        drop(entries);
    }

    /// The module with this hash, if it is ready.
    pub fn ready(&self, code_hash: &Hash) -> Option<ContractModule> {
        let mut entries = self.entries();
        let now = entries.tick();
        let (module, used) = entries.modules.get_mut(code_hash)?;
        let (module, before) = (module.clone(), std::mem::replace(used, now));
        entries.by_use.remove(&before);
        entries.by_use.insert(now, *code_hash);
        Some(module)
    }

    /// The module that these bytes are, if it is ready, and validated otherwise; it is not kept. The caller has
    /// compared the bytes with the hash.
    ///
    /// # Errors
    /// Why they are not a contract.
    pub fn validate(&self, code_hash: &Hash, bytes: &[u8]) -> Result<ContractModule, ContractError> {
        match self.ready(code_hash) {
            Some(module) => Ok(module),
            None => ContractModule::hashed(&self.engine, bytes, *code_hash),
        }
    }

    /// The code of a contract; `load` gives its bytes if it is not ready, and then it is kept.
    ///
    /// # Errors
    /// The store; `Corrupt` for bytes with another hash.
    pub fn module(
        &self,
        code_hash: &Hash,
        load: impl FnOnce() -> Result<Option<Arc<[u8]>>, StoreError>,
    ) -> Result<Verdict, StoreError> {
        if let Some(module) = self.ready(code_hash) {
            return Ok(Verdict::Valid(module));
        }
        let Some(bytes) = load()? else { return Ok(Verdict::Missing) };
        // The border between the disk that keeps the state and what runs.
        if crypto::blake3(&bytes) != *code_hash {
            return Err(StoreError::Corrupt(format!("the module {} has other bytes", hex(code_hash))));
        }
        Ok(match ContractModule::hashed(&self.engine, &bytes, *code_hash) {
            Ok(module) => {
                self.insert(module.clone());
                Verdict::Valid(module)
            }
            Err(error) => Verdict::Invalid(error.to_string()),
        })
    }
}
