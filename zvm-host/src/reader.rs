//! The chain as those see it who only read: at one height, beside the writer and each other. Must not know
//! how blocks are made.
//!
//! After each change the chain publishes a [`ChainReader`]; it holds one view of the store, so all that it
//! answers is of one height, and nothing that it does waits for a block or holds one up.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use ghost_wasm::Interrupt;

use crate::admission::{RefusalCode, Refused};
use crate::block::Ready;
use crate::chain::ChainError;
use crate::crypto;
use crate::envelope::Envelope;
use crate::exec::apply::{self, ApplyError, Call, Machine, Outcome, Question};
use crate::exec::auth;
use crate::exec::host::BlockContext;
use crate::exec::transaction::Transaction;
use crate::receipt::{Diagnostics, Header, Receipt, Record, Status, logs_root};
use crate::state::{Account, Journal, StateView, StoreError, Tree, Value, ValueView, read_account};
use crate::types::{Address, Hash, hex};
use zvm_proof::StateProof;

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

/// What a state says of a key.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The block.
    pub height: u64,
    /// The root of the state after it.
    pub state_root: Hash,
    /// The value, if the block is the newest and the key is there.
    pub value: Value,
    /// What shows it.
    pub proof: StateProof,
}

/// What the chain gives to its readers.
pub(crate) struct At {
    pub machine: Arc<Machine>,
    pub view: Arc<dyn StateView>,
    pub genesis_hash: Hash,
    pub head: Header,
    pub head_hash: Hash,
    /// The tree of the newest state.
    pub tree: Tree,
    /// Those of the states before it, the newest last.
    pub states: VecDeque<(u64, Tree)>,
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
        Ok(read_account(&*self.0.view, address)?)
    }

    /// What came of a call.
    pub fn receipt(&self, call_id: &Hash) -> Result<Option<Record>, ChainError> {
        let view = &self.0.view;
        let Some((height, index)) = view.place(call_id)? else { return Ok(None) };
        let corrupt = |why: &str| StoreError::Corrupt(format!("the receipt {} {why}", hex(call_id)));
        let bytes = view.record(height, index)?.ok_or_else(|| corrupt("is missing"))?;
        let record = Record::decode(&bytes).map_err(|_| corrupt("cannot be read"))?;
        check_record(&**view, call_id, (height, index), &record)?;
        Ok(Some(record))
    }

    /// The tree of the state after a block, if it is one of the last.
    fn tree(&self, height: u64) -> Option<&Tree> {
        let At { head, tree, states, .. } = &*self.0;
        if height == head.height {
            return Some(tree);
        }
        states.iter().find(|(at, _)| *at == height).map(|(_, tree)| tree)
    }

    /// What the state after a block says of a key, with the proof; nothing for a block whose state is not kept. Check
    /// it against the block's state root. The value is in it only if the block is the newest.
    ///
    /// # Errors
    /// The store.
    pub fn prove(&self, height: u64, full_key: &[u8]) -> Result<Option<Proven>, ChainError> {
        let Some(tree) = self.tree(height) else { return Ok(None) };
        let is_newest = height == self.0.head.height;
        let value = if is_newest { self.0.view.value(full_key)? } else { None };
        Ok(Some(Proven { height, state_root: tree.root(), value, proof: tree.prove(full_key) }))
    }

    /// The heights of the states that proofs can be made of.
    pub fn provable(&self) -> std::ops::RangeInclusive<u64> {
        let At { head, states, .. } = &*self.0;
        states.front().map_or(head.height, |(height, _)| *height)..=head.height
    }

    /// The bytes of a module that is here: staged, or the code of a contract.
    pub fn module_bytes(&self, code_hash: &Hash) -> Result<Option<Arc<[u8]>>, ChainError> {
        match self.0.view.code(code_hash)? {
            Some(bytes) => Ok(Some(bytes)),
            None => Ok(self.0.view.staged(code_hash)?),
        }
    }

    /// How many modules are staged.
    pub fn staged_count(&self) -> usize {
        self.0.staged_count
    }

    /// Whether the account that signed a call agrees to it now, if the account is a contract; before it waits for a
    /// block, where the account is asked again.
    ///
    /// # Errors
    /// A fault of the node.
    pub fn check_auth(&self, call: &Ready) -> Result<Result<(), Refused>, ChainError> {
        if !call.envelope.is_by_contract() {
            return Ok(Ok(()));
        }
        let At { machine, view, head, .. } = &*self.0;
        let block = BlockContext {
            chain_id: head.chain_id,
            height: head.height.saturating_add(1),
            timestamp: head.timestamp.saturating_add(1),
        };
        let journal = Journal::new(Arc::clone(view) as Arc<dyn ValueView>);
        auth::agrees(machine, Box::new(Transaction::new(journal, block)), call).map_err(failed)
    }

    /// What a call would lead to as the only one of the next block, and what of its gas is for cold code; nothing
    /// changes. Its signature is not looked at, and its gas is bounded by the node's cap for queries. Of an account that is
    /// a contract the code is asked, as in a block.
    ///
    /// # Errors
    /// `Interrupted`, or a fault of the node. The inner error says why the call could not be in a block.
    pub fn simulate(
        &self,
        envelope: &Envelope,
        interrupt: &Interrupt,
    ) -> Result<Result<(Record, u64), Refused>, ChainError> {
        let At { machine, view, head, genesis_hash, query_gas_max, .. } = &*self.0;
        let call_id = envelope.call_id(genesis_hash);
        let mut bounded = envelope.clone();
        bounded.body.gas_limit = bounded.body.gas_limit.min(*query_gas_max);
        let height = head.height.saturating_add(1);
        let timestamp = head.timestamp.saturating_add(1);
        let block = BlockContext { chain_id: head.chain_id, height, timestamp };
        let journal = Journal::new(Arc::clone(view) as Arc<dyn ValueView>);
        let call = Call {
            envelope: &bounded,
            call_id,
            signer: envelope.claimed_signer(),
            block_gas_left: head.gas_limit,
        };
        let tx = Box::new(Transaction::new(journal, block));
        let outcome = match apply::apply(machine, interrupt, tx, &call).1 {
            Ok(outcome) => outcome,
            Err(ApplyError::NotIncludable(refused)) => return Ok(Err(refused)),
            Err(ApplyError::MissingCode(hash)) => {
                let text = format!("missing code {}", hex(&hash));
                return Ok(Err(Refused::new(RefusalCode::MissingCode, text)));
            }
            Err(error) => return Err(failed(error)),
        };
        let record = Record {
            receipt: Receipt::of(call_id, &outcome),
            height,
            block_hash: [0; 32],
            pre_state_root: head.state_root,
            state_root: [0; 32],
            return_data: outcome.return_data,
            logs: outcome.logs,
            diagnostics: outcome.diagnostics.kept(),
        };
        Ok(Ok((record, outcome.cold_gas)))
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
        let journal = Journal::new(Arc::clone(view) as Arc<dyn ValueView>);
        let tx = Box::new(Transaction::new(journal, block));
        let question = Question { address: *address, input, gas };
        let Outcome { status, revert_code, trap_code, gas_used, return_data, diagnostics, .. } =
            apply::query(machine, tx, question, interrupt).map_err(failed)?;
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

fn failed(error: ApplyError) -> ChainError {
    match error {
        ApplyError::Store(error) => ChainError::Store(error),
        ApplyError::Fault(text) => ChainError::Fault(text),
        ApplyError::Interrupted => ChainError::Interrupted,
        ApplyError::NotIncludable(refused) => ChainError::Fault(refused.text),
        ApplyError::MissingCode(hash) => ChainError::Fault(format!("missing code {}", hex(&hash))),
    }
}

/// A stored record must be the one its block committed to; only the diagnostics are not hashed. Of a block with many
/// calls, the receipts beside it are not read again: each was compared when it was stored.
fn check_record(
    view: &dyn StateView,
    call_id: &Hash,
    (height, index): (u64, u32),
    record: &Record,
) -> Result<(), StoreError> {
    let receipt = &record.receipt;
    let header = view.header(height)?.and_then(|bytes| Header::decode(&bytes).ok());
    let is_of_block = header.is_some_and(|header| {
        let alone = crypto::merkle_root(&[receipt.encode()]);
        record.height == height
            && header.hash() == record.block_hash
            && (header.pre_state_root, header.state_root) == (record.pre_state_root, record.state_root)
            && (index > 0
                || header.receipts_root == alone
                || view.record(height, 1).is_ok_and(|next| next.is_some()))
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
