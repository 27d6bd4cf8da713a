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
}

impl Staging {
    /// Reads what is staged. Each module is hashed and validated again; one that does not hold is dropped,
    /// since whoever wants it can upload it again.
    pub fn open(store: &dyn StateBackend, engine: &Engine, len_max: u64) -> Result<Staging, StoreError> {
        let mut staging = Staging { order: VecDeque::new(), len: 0, len_max };
        let mut bad: Vec<Vec<u8>> = Vec::new();
        store.all_staged(&mut |key, bytes| {
            match <Hash>::try_from(key) {
                Ok(hash) if crypto::blake3(bytes) == hash && ContractModule::new(engine, bytes).is_ok() => {
                    staging.keep(&hash, bytes.len());
                }
                _ => bad.push(key.to_vec()),
            }
            Ok(())
        })?;
        for key in bad {
            tracing::warn!(module = crate::types::hex(&key), "dropped a damaged staged module");
            if let Ok(hash) = <Hash>::try_from(&key[..]) {
                store.unstage(&hash)?;
            }
        }
        Ok(staging)
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
