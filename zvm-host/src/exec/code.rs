//! The code of contracts: from its leaf and bytes in the state, or from staging, to a module that can run. And
//! what cold code costs. Knows no frame.

use std::sync::Arc;

use super::apply::{ApplyError, Machine};
use super::host::HostEnd;
use super::transaction::Transaction;
use crate::cache::Verdict;
use crate::contract::ContractModule;
use crate::crypto;
use crate::hot;
use crate::state::{CodeLeaf, Journal, StoreError, code_key};
use crate::types::{Hash, hex};

/// The leaf of code that is in the state; nothing if it is not.
pub fn leaf(journal: &mut Journal, code_hash: &Hash) -> Result<Option<CodeLeaf>, HostEnd> {
    let Some(bytes) = journal.read(&code_key(code_hash))? else { return Ok(None) };
    let leaf = CodeLeaf::decode(&bytes)
        .map_err(|error| HostEnd::Fault(format!("the code leaf {}: {error}", hex(code_hash))))?;
    Ok(Some(leaf))
}

/// The leaf of a contract's code, which must be there.
pub fn leaf_of_contract(journal: &mut Journal, code_hash: &Hash) -> Result<CodeLeaf, HostEnd> {
    leaf(journal, code_hash)?
        .ok_or_else(|| HostEnd::Fault(format!("the code {} of a contract is missing", hex(code_hash))))
}

/// What entering this code costs beyond the instance: nothing if it is hot. Uses the code, which changes the hot set
/// at once and for good. `charge` takes the gas before anything changes.
pub fn warm(
    tx: &mut Transaction,
    code_hash: &Hash,
    leaf: &CodeLeaf,
    charge: impl FnOnce(u64) -> Result<(), HostEnd>,
) -> Result<(), HostEnd> {
    if !hot::is_hot(&mut tx.journal, code_hash)? {
        let gas = hot::cold_gas(leaf.work);
        charge(gas)?;
        tx.cold_gas = tx.cold_gas.saturating_add(gas);
    }
    touch(tx, code_hash, leaf)
}

/// Uses code, which changes the hot set at once and for good.
pub fn touch(tx: &mut Transaction, code_hash: &Hash, leaf: &CodeLeaf) -> Result<(), HostEnd> {
    hot::touch(&mut tx.journal, code_hash, leaf.weight, tx.block.height)?;
    Ok(())
}

/// The module of code that is in the state.
pub fn module(machine: &Machine, journal: &mut Journal, code_hash: &Hash) -> Result<ContractModule, HostEnd> {
    journal.use_code(code_hash);
    match machine.cache.module(code_hash, || journal.code(code_hash))? {
        Verdict::Valid(module) => Ok(module),
        Verdict::Invalid(text) => {
            Err(StoreError::Corrupt(format!("the code of a contract is not a contract: {text}")).into())
        }
        Verdict::Missing => Err(StoreError::Corrupt("the code of a contract is missing".into()).into()),
    }
}

/// The bytes of a module that a signed call names: of the state, or staged.
pub struct Named {
    /// The bytes.
    pub bytes: Arc<[u8]>,
    /// Whether they are not yet in the state.
    pub is_new: bool,
}

/// Compares the bytes with the hash: the border between the disk that keeps uploads and the state, also when the
/// module is ready in memory.
///
/// # Errors
/// `Corrupt`.
pub fn compare(named: &Named, code_hash: &Hash) -> Result<(), ApplyError> {
    if crypto::blake3(&named.bytes) == *code_hash {
        return Ok(());
    }
    Err(StoreError::Corrupt(format!("the module {} has other bytes", hex(code_hash))).into())
}

/// Finds the module that a signed call names; its bytes are not yet compared.
///
/// # Errors
/// `MissingCode`; the store.
pub fn named(journal: &mut Journal, code_hash: &Hash) -> Result<Named, ApplyError> {
    let is_new = journal.read(&code_key(code_hash))?.is_none();
    // One that is not in the state may lie beside it all the same: a call that failed has named it.
    let found = match journal.code(code_hash)? {
        None if is_new => journal.view().staged(code_hash)?,
        found => found,
    };
    let bytes = match found {
        Some(bytes) => bytes,
        None if is_new => return Err(ApplyError::MissingCode(*code_hash)),
        None => return Err(StoreError::Corrupt(format!("the code {} is missing", hex(code_hash))).into()),
    };
    journal.use_code(code_hash);
    Ok(Named { bytes, is_new })
}

/// Moves a module's bytes into the state, if they are not there.
pub fn keep(
    tx: &mut Transaction,
    code_hash: &Hash,
    named: &Named,
    module: &ContractModule,
) -> Result<CodeLeaf, HostEnd> {
    let leaf = module.leaf();
    if named.is_new {
        tx.journal.write(&code_key(code_hash), Some(leaf.encode().into()))?;
    }
    Ok(leaf)
}
