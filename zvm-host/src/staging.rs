//! Uploaded modules that no block names yet: which are there, and who goes when room is needed. Their bytes
//! are in the store.

use std::collections::VecDeque;

use ghost_wasm::Engine;

use crate::contract::ContractModule;
use crate::crypto;
use crate::state::{StateBackend, StoreError};
use crate::types::Hash;

/// The staged modules, oldest first.
#[derive(Debug)]
pub struct Staging {
    order: VecDeque<(Hash, u64)>,
    len: u64,
    len_max: u64,
    damaged: Vec<(Hash, String)>,
}

impl Staging {
    /// Reads what is staged. Each module is hashed and validated again; one that does not hold is dropped,
    /// since whoever wants it can upload it again.
    pub fn open(store: &dyn StateBackend, engine: &Engine, len_max: u64) -> Result<Staging, StoreError> {
        let mut staging = Staging { order: VecDeque::new(), len: 0, len_max, damaged: Vec::new() };
        store.snapshot()?.all_staged(&mut |key, bytes| {
            let Ok(hash) = <Hash>::try_from(key) else {
                tracing::warn!("a staged module has a name that is no hash");
                return Ok(());
            };
            match check(engine, &hash, bytes) {
                Ok(()) => staging.keep(&hash, bytes.len()),
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
        self.order.len()
    }

    /// Whether a module is staged.
    pub fn has(&self, code_hash: &Hash) -> bool {
        self.order.iter().any(|(hash, _)| hash == code_hash)
    }

    /// Stores a module, dropping the oldest ones if room is needed.
    pub fn add(
        &mut self,
        store: &dyn StateBackend,
        code_hash: &Hash,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let needed = bytes.len() as u64;
        if needed > self.len_max {
            let text = format!("a module of {needed} bytes, staged are at most {}", self.len_max);
            return Err(StoreError::Medium(text));
        }
        while self.len.saturating_add(needed) > self.len_max {
            let Some((oldest, len)) = self.order.front().copied() else { break };
            store.unstage(&oldest)?;
            self.order.pop_front();
            self.len = self.len.saturating_sub(len);
        }
        store.stage(code_hash, bytes)?;
        self.keep(code_hash, bytes.len());
        Ok(())
    }

    /// Forgets a module that left the store.
    pub fn forget(&mut self, code_hash: &Hash) {
        self.order.retain(|(hash, _)| hash != code_hash);
        self.len = self.order.iter().map(|(_, len)| *len).sum();
    }

    fn keep(&mut self, code_hash: &Hash, len: usize) {
        let len = len as u64;
        self.order.push_back((*code_hash, len));
        self.len = self.len.saturating_add(len);
    }
}

fn check(engine: &Engine, hash: &Hash, bytes: &[u8]) -> Result<(), String> {
    if crypto::blake3(bytes) != *hash {
        return Err("its bytes are not those of its name".into());
    }
    ContractModule::new(engine, bytes).map(drop).map_err(|error| error.to_string())
}
