//! Modules by content hash: validated ones in memory, so that a call does not validate again. What is not
//! there is read and validated anew; translated code never comes from a store.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ghost_wasm::Engine;

use crate::contract::ContractModule;
use crate::crypto;
use crate::state::StoreError;
use crate::types::{Hash, hex};

/// Bytes of modules (as WebAssembly) that are kept ready.
pub const CACHE_LEN_MAX: u64 = 64 * 1024 * 1024;

/// What is known of a module.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is a contract.
    Valid(ContractModule),
    /// It is none; why, in words.
    Invalid(String),
    /// Its bytes are not here.
    Missing,
}

#[derive(Debug, Default)]
struct Entries {
    modules: BTreeMap<Hash, (ContractModule, u64)>,
    len: u64,
    clock: u64,
}

/// Validated modules.
#[derive(Debug)]
pub struct ModuleCache {
    engine: Engine,
    entries: Mutex<Entries>,
}

impl ModuleCache {
    /// Nothing yet.
    pub fn new(engine: Engine) -> ModuleCache {
        ModuleCache { engine, entries: Mutex::default() }
    }

    /// Keeps a module, dropping those used longest ago.
    pub fn insert(&self, module: ContractModule) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.clock = entries.clock.saturating_add(1);
        let now = entries.clock;
        let len = module.len();
        if entries.modules.insert(module.code_hash(), (module, now)).is_none() {
            entries.len = entries.len.saturating_add(len);
        }
        while entries.len > CACHE_LEN_MAX {
            let oldest = entries.modules.iter().min_by_key(|(_, (_, used))| *used).map(|(hash, _)| *hash);
            let Some((dropped, _)) = oldest.and_then(|hash| entries.modules.remove(&hash)) else { break };
            entries.len = entries.len.saturating_sub(dropped.len());
        }
    }

    /// The module with this hash; `load` gives its bytes if it is not ready. Bytes with another hash are a
    /// corrupt store.
    pub fn module(
        &self,
        code_hash: &Hash,
        load: impl FnOnce() -> Result<Option<Vec<u8>>, StoreError>,
    ) -> Result<Verdict, StoreError> {
        {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            entries.clock = entries.clock.saturating_add(1);
            let now = entries.clock;
            if let Some((module, used)) = entries.modules.get_mut(code_hash) {
                *used = now;
                return Ok(Verdict::Valid(module.clone()));
            }
        }
        let Some(bytes) = load()? else { return Ok(Verdict::Missing) };
        if crypto::blake3(&bytes) != *code_hash {
            return Err(StoreError::Corrupt(format!("the module {} has other bytes", hex(code_hash))));
        }
        Ok(match ContractModule::new(&self.engine, &bytes) {
            Ok(module) => {
                self.insert(module.clone());
                Verdict::Valid(module)
            }
            Err(error) => Verdict::Invalid(error.to_string()),
        })
    }
}
