//! The chain as those see it who only read: at one height, beside the writer and each other. Must not know
//! how blocks are made.
//!
//! After each change the chain publishes a [`ChainReader`]; it holds one view of the store, so all that it
//! answers is of one height, and nothing that it does waits for a block or holds one up.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use ghost_wasm::Interrupt;

use crate::chain::ChainError;
use crate::crypto;
use crate::exec::apply::{self, ApplyError, Machine, Outcome};
use crate::exec::host::BlockContext;
use crate::receipt::{Diagnostics, Header, Record, Status, logs_root};
use crate::state::{Account, Journal, StateView, StoreError, code_key};
use crate::types::{Address, Hash, hex};

/// What a query gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryResult {
    /// How it ended.
    pub status: Status,
    /// The contract's own code.
    pub revert_code: i32,
    /// Which trap.
    pub trap_code: u8,
    /// Gas it took.
    pub gas_used: u64,
    /// What it returned.
    pub return_data: Vec<u8>,
    /// For people.
    pub diagnostics: Diagnostics,
    /// The block whose state was asked.
    pub height: u64,
}

/// A block as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its header.
    pub header: Header,
    /// The wire bytes of its signed calls.
    pub calls: Vec<Vec<u8>>,
}

/// What a node tells about its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainInfo {
    /// The chain's number.
    pub chain_id: u64,
    /// Hash of block 0; signatures name it.
    pub genesis_hash: Hash,
    /// The newest block.
    pub height: u64,
    /// Its hash.
    pub head_hash: Hash,
    /// Its time, unix milliseconds.
    pub timestamp: u64,
    /// Its state root.
    pub state_root: Hash,
    /// The rules.
    pub profile_hash: Hash,
    /// Gas of a block.
    pub gas_limit: u64,
    /// Base units per gas that a call must offer.
    pub gas_price_floor: u64,
}

impl ChainInfo {
    pub(crate) fn new(head: &Header, head_hash: Hash, genesis_hash: Hash, gas_price_floor: u64) -> ChainInfo {
        ChainInfo {
            chain_id: head.chain_id,
            genesis_hash,
            height: head.height,
            head_hash,
            timestamp: head.timestamp,
            state_root: head.state_root,
            profile_hash: head.profile_hash,
            gas_limit: head.gas_limit,
            gas_price_floor,
        }
    }
}

/// What the chain gives to its readers.
pub(crate) struct At {
    pub machine: Arc<Machine>,
    pub view: Arc<dyn StateView>,
    pub genesis_hash: Hash,
    pub head: Header,
    pub head_hash: Hash,
    pub gas_price_floor: u64,
    pub query_gas_max: u64,
    pub staged_count: usize,
}

/// The chain at one height. Clones share it. It keeps that version of the data, on disk too: let it go soon.
#[derive(Clone)]
pub struct ChainReader(Arc<At>);

impl fmt::Debug for ChainReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainReader").field("height", &self.0.head.height).finish_non_exhaustive()
    }
}

impl ChainReader {
    pub(crate) fn new(at: At) -> ChainReader {
        ChainReader(Arc::new(at))
    }

    /// What a node tells about its chain.
    pub fn info(&self) -> ChainInfo {
        let At { head, head_hash, genesis_hash, gas_price_floor, .. } = &*self.0;
        ChainInfo::new(head, *head_hash, *genesis_hash, *gas_price_floor)
    }

    /// The newest block's header.
    pub fn head(&self) -> &Header {
        &self.0.head
    }

    /// The store at this height.
    pub fn view(&self) -> &Arc<dyn StateView> {
        &self.0.view
    }

    /// A block.
    pub fn block(&self, height: u64) -> Result<Option<Block>, ChainError> {
        let view = &self.0.view;
        let Some(bytes) = view.header(height)? else { return Ok(None) };
        let header = Header::decode(&bytes)
            .map_err(|error| StoreError::Corrupt(format!("the block {height}: {error}")))?;
        let calls = view.calls(height)?;
        if header.height != height || header.calls_root != crypto::merkle_root(&calls) {
            return Err(StoreError::Corrupt(format!("the block {height} has other calls")).into());
        }
        Ok(Some(Block { header, calls }))
    }

    /// An account; absent ones are all defaults.
    pub fn account(&self, address: &Address) -> Result<Account, ChainError> {
        Ok(Journal::new(Arc::clone(&self.0.view)).account(address)?)
    }

    /// What came of a call.
    pub fn receipt(&self, call_id: &Hash) -> Result<Option<Record>, ChainError> {
        let view = &self.0.view;
        let Some(bytes) = view.record(call_id)? else { return Ok(None) };
        let record = Record::decode(&bytes)
            .map_err(|error| StoreError::Corrupt(format!("the receipt {}: {error}", hex(call_id))))?;
        check_record(&**view, call_id, &record)?;
        Ok(Some(record))
    }

    /// The bytes of a module that is here: staged, or the code of a contract.
    pub fn module_bytes(&self, code_hash: &Hash) -> Result<Option<Vec<u8>>, ChainError> {
        match self.0.view.value(&code_key(code_hash))? {
            Some(bytes) => Ok(Some(bytes)),
            None => Ok(self.0.view.staged(code_hash)?),
        }
    }

    /// How many modules are staged.
    pub fn staged_count(&self) -> usize {
        self.0.staged_count
    }

    /// Asks a contract. The gas is bounded by the node's cap; setting `interrupt` ends it within a millisecond
    /// or so.
    ///
    /// # Errors
    /// `Interrupted`, or a fault of the node.
    pub fn query(
        &self,
        address: &Address,
        input: &[u8],
        gas: u64,
        interrupt: &Interrupt,
    ) -> Result<QueryResult, ChainError> {
        let At { machine, view, head, query_gas_max, .. } = &*self.0;
        let height = head.height;
        let block = BlockContext { chain_id: head.chain_id, height, timestamp: head.timestamp };
        let gas = gas.min(*query_gas_max);
        let Outcome { status, revert_code, trap_code, gas_used, return_data, diagnostics, .. } =
            apply::query(machine, view, *address, input, block, gas, interrupt).map_err(
                |error| match error {
                    ApplyError::Store(error) => ChainError::Store(error),
                    ApplyError::Fault(text) => ChainError::Fault(text),
                    ApplyError::Interrupted => ChainError::Interrupted,
                    ApplyError::NotIncludable(refused) => ChainError::Fault(refused.text),
                    ApplyError::MissingCode(hash) => {
                        ChainError::Fault(format!("missing code {}", hex(&hash)))
                    }
                },
            )?;
        Ok(QueryResult { status, revert_code, trap_code, gas_used, return_data, diagnostics, height })
    }
}

/// Where the newest [`ChainReader`] is found, without the chain itself. Clones are the same place.
#[derive(Clone, Debug)]
pub struct Readers(Arc<RwLock<Result<ChainReader, String>>>);

impl Readers {
    pub(crate) fn new(first: ChainReader) -> Readers {
        Readers(Arc::new(RwLock::new(Ok(first))))
    }

    /// The newest one.
    ///
    /// # Errors
    /// `Fault` when the store could not be read after the newest block.
    pub fn newest(&self) -> Result<ChainReader, ChainError> {
        let newest = self.0.read().unwrap_or_else(PoisonError::into_inner);
        newest.clone().map_err(ChainError::Fault)
    }

    pub(crate) fn publish(&self, reader: Result<ChainReader, String>) {
        // The one before is let go of outside the lock: that may take the store's locks.
        let _before = {
            let mut newest = self.0.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *newest, reader)
        };
    }
}

/// A stored record must be the one its block committed to; only the diagnostics are not hashed.
fn check_record(view: &dyn StateView, call_id: &Hash, record: &Record) -> Result<(), StoreError> {
    let receipt = &record.receipt;
    let header = view.header(record.height)?.and_then(|bytes| Header::decode(&bytes).ok());
    let is_of_block = header.is_some_and(|header| {
        header.hash() == record.block_hash
            && header.receipts_root == crypto::merkle_root(&[receipt.encode()])
            && (header.pre_state_root, header.state_root) == (record.pre_state_root, record.state_root)
    });
    let is_whole = receipt.call_id == *call_id
        && receipt.return_data_hash == crypto::sha256(&record.return_data)
        && receipt.logs_root == logs_root(&record.logs);
    if is_of_block && is_whole {
        return Ok(());
    }
    Err(StoreError::Corrupt(format!("the receipt {} is not that of its block", hex(call_id))))
}

const _: () = {
    const fn send_sync<T: Send + Sync>() {}
    send_sync::<ChainReader>();
    send_sync::<Readers>();
};
