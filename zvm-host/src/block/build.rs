//! Builds a block, call by call.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{BlockSums, CALLS_LEN_MAX, CALLS_MAX};
use crate::admission::{RefusalCode, Refused};
use crate::crypto;
use crate::envelope::Envelope;
use crate::exec::apply::{self, ApplyError, Call, Machine, Outcome};
use crate::exec::host::BlockContext;
use crate::exec::transaction::Transaction;
use crate::receipt::{Header, Receipt, Record};
use crate::state::{Change, Journal, StoreError, Tree, ValueView};
use crate::types::{Address, Hash, hex};

/// What the chain above says about a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Env {
    /// Unix milliseconds; greater than the parent's.
    pub timestamp: u64,
    /// Who gets the fees.
    pub sealer: Address,
}

/// An authentic call.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Its name.
    pub call_id: Hash,
    /// Who signed.
    pub signer: Address,
    /// The call.
    pub envelope: Arc<Envelope>,
    /// Its wire form.
    pub wire: Arc<[u8]>,
}

impl Ready {
    /// A call whose signature was checked.
    pub fn new(envelope: Envelope, signer: Address, genesis_hash: &Hash) -> Ready {
        let call_id = envelope.call_id(genesis_hash);
        let wire = envelope.encode().into();
        Ready { call_id, signer, envelope: Arc::new(envelope), wire }
    }
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is in the block.
    Included,
    /// It cannot be in this block, for this reason; the block is as before.
    LeftOut(Refused),
    /// The block has no room for it; a later one may.
    Full,
}

/// Why a block cannot be built on this node.
#[derive(Debug)]
pub enum BuildError {
    /// A call met a fault of this node; it is not in the block, which is as before.
    Fault(String),
    /// It was ended from outside.
    Interrupted,
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for BuildError {
    fn from(error: StoreError) -> BuildError {
        BuildError::Store(error)
    }
}

impl From<ApplyError> for BuildError {
    fn from(error: ApplyError) -> BuildError {
        match error {
            ApplyError::Store(error) => BuildError::Store(error),
            ApplyError::Interrupted => BuildError::Interrupted,
            ApplyError::Fault(text) => BuildError::Fault(text),
            ApplyError::NotIncludable(refused) => BuildError::Fault(refused.text),
            ApplyError::MissingCode(hash) => BuildError::Fault(format!("missing code {}", hex(&hash))),
        }
    }
}

/// A block that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// Its header.
    pub header: Header,
    /// Its hash.
    pub hash: Hash,
    /// Wire bytes of the calls.
    pub calls: Vec<Arc<[u8]>>,
    /// What came of each.
    pub records: Vec<Record>,
    /// What the block changes, in order of the keys.
    pub changes: Vec<Change>,
    /// Modules that its calls were the first to name.
    pub codes: Vec<(Hash, Arc<[u8]>)>,
    /// Staged modules that its calls named.
    pub unstage: Vec<Hash>,
}

/// A block without its state root.
#[derive(Debug)]
pub struct Outline {
    parent: Header,
    parent_hash: Hash,
    env: Env,
    height: u64,
    gas_used: u64,
    calls: Vec<Ready>,
    outcomes: Vec<Outcome>,
    /// What the block changes, in order of the keys.
    pub changes: Vec<Change>,
    codes: Vec<(Hash, Arc<[u8]>)>,
    /// Keys that it has read, with what they held before it; if it was told to keep them.
    pub reads: Vec<Read>,
    /// Modules that were used.
    pub used_codes: Vec<Hash>,
}

/// A full key with what it held.
pub type Read = (Vec<u8>, Option<Vec<u8>>);

/// A block under way.
#[derive(Debug)]
pub struct Builder<'a> {
    machine: &'a Machine,
    parent: &'a Header,
    parent_hash: Hash,
    env: Env,
    block: BlockContext,
    view: Arc<dyn ValueView>,
    /// Nothing only after a panic.
    tx: Option<Box<Transaction>>,
    keeps_reads: bool,
    calls: Vec<Ready>,
    outcomes: Vec<Outcome>,
    calls_len: usize,
}

impl<'a> Builder<'a> {
    /// An empty block behind `parent`, whose state is `view`.
    pub fn new(
        machine: &'a Machine,
        parent: &'a Header,
        parent_hash: Hash,
        view: Arc<dyn ValueView>,
        env: Env,
    ) -> Builder<'a> {
        let height = parent.height.saturating_add(1);
        let block = BlockContext { chain_id: parent.chain_id, height, timestamp: env.timestamp };
        Builder {
            machine,
            parent,
            parent_hash,
            env,
            block,
            view,
            tx: None,
            keeps_reads: false,
            calls: Vec::new(),
            outcomes: Vec::new(),
            calls_len: 0,
        }
    }

    /// Keeps what is read, for a witness. To be called first.
    pub fn keep_reads(mut self) -> Builder<'a> {
        self.keeps_reads = true;
        self
    }

    /// How many calls are in it.
    pub fn count(&self) -> usize {
        self.calls.len()
    }

    /// What came of the calls so far.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    fn fresh(&self) -> Box<Transaction> {
        let mut journal = Journal::new(Arc::clone(&self.view));
        if self.keeps_reads {
            journal.keep_reads();
        }
        Box::new(Transaction::new(journal, self.block))
    }

    /// Runs a call, if the block has room for it and its conditions hold.
    ///
    /// # Errors
    /// As [`BuildError`] says; the block is as before.
    pub fn add(&mut self, call: &Ready) -> Result<Added, BuildError> {
        let len = self.calls_len.saturating_add(call.wire.len());
        if self.calls.len() >= CALLS_MAX || len > CALLS_LEN_MAX {
            return Ok(Added::Full);
        }
        let tx = match self.tx.take() {
            Some(tx) => tx,
            None => self.again()?,
        };
        // A panic is a fault of this node: the call is left out, and the block is what the others make of it.
        let ran = catch_unwind(AssertUnwindSafe(|| self.run(tx, call)));
        let (tx, applied) = ran.map_err(|panic| BuildError::Fault(said(&*panic)))?;
        self.tx = Some(tx);
        match applied {
            Ok(outcome) => {
                self.calls.push(call.clone());
                self.outcomes.push(outcome);
                self.calls_len = len;
                Ok(Added::Included)
            }
            Err(ApplyError::NotIncludable(refused)) => {
                let limit = call.envelope.body.gas_limit;
                let is_full = refused.code == RefusalCode::GasLimit && limit <= self.parent.gas_limit;
                Ok(if is_full && !self.calls.is_empty() { Added::Full } else { Added::LeftOut(refused) })
            }
            Err(ApplyError::MissingCode(hash)) => {
                let text = format!("missing code {}", hex(&hash));
                Ok(Added::LeftOut(Refused::new(RefusalCode::MissingCode, text)))
            }
            Err(other) => Err(other.into()),
        }
    }

    fn run(&self, mut tx: Box<Transaction>, call: &Ready) -> apply::Done<Result<Outcome, ApplyError>> {
        let used = match BlockSums::of(&mut tx.journal) {
            Ok(sums) => sums.gas_used,
            Err(error) => return (tx, Err(error)),
        };
        let call = Call {
            envelope: &call.envelope,
            call_id: call.call_id,
            signer: call.signer,
            block_gas_left: self.parent.gas_limit.saturating_sub(used),
        };
        apply::apply(self.machine, &self.machine.stop, tx, &call)
    }

    /// The transaction after the calls so far, run again if there are any.
    fn again(&self) -> Result<Box<Transaction>, BuildError> {
        let mut tx = self.fresh();
        for call in &self.calls {
            let (back, applied) = self.run(tx, call);
            applied?;
            tx = back;
        }
        Ok(tx)
    }

    /// Ends the block: the sealer gets the fees.
    ///
    /// # Errors
    /// The store.
    pub fn end(mut self) -> Result<Outline, BuildError> {
        let mut tx = match self.tx.take() {
            Some(tx) => tx,
            None => self.again()?,
        };
        let sums = BlockSums::take(&mut tx.journal)?;
        let paid = tx.journal.unlimited(|journal| {
            let mut account = journal.account(&self.env.sealer)?;
            account.balance = account.balance.saturating_add(sums.fees);
            journal.set_account(&self.env.sealer, &account)
        });
        paid.map_err(ApplyError::from)?;
        let mut reads = Vec::new();
        if self.keeps_reads {
            let kept = tx.journal.reads();
            reads.extend(kept.map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec))));
        }
        let used_codes = tx.journal.used_codes().copied().collect();
        let (changes, codes) = tx.journal.into_changes();
        Ok(Outline {
            parent: self.parent.clone(),
            parent_hash: self.parent_hash,
            env: self.env,
            height: self.block.height,
            gas_used: sums.gas_used,
            calls: self.calls,
            outcomes: self.outcomes,
            changes,
            codes: codes.into_iter().collect(),
            reads,
            used_codes,
        })
    }
}

impl Outline {
    /// The block, whose changes lead to this state root.
    pub fn seal(self, state_root: Hash) -> Built {
        let receipts: Vec<Receipt> = self
            .calls
            .iter()
            .zip(&self.outcomes)
            .map(|(call, outcome)| Receipt::of(call.call_id, outcome))
            .collect();
        let encoded: Vec<Vec<u8>> = receipts.iter().map(Receipt::encode).collect();
        let calls: Vec<Arc<[u8]>> = self.calls.iter().map(|call| Arc::clone(&call.wire)).collect();
        let header = Header {
            chain_id: self.parent.chain_id,
            height: self.height,
            timestamp: self.env.timestamp,
            parent: self.parent_hash,
            pre_state_root: self.parent.state_root,
            state_root,
            calls_root: crypto::merkle_root(&calls),
            receipts_root: crypto::merkle_root(&encoded),
            profile_hash: self.parent.profile_hash,
            gas_used: self.gas_used,
            gas_limit: self.parent.gas_limit,
            sealer: self.env.sealer,
        };
        let hash = header.hash();
        let unstage = self.outcomes.iter().filter_map(|outcome| outcome.deployed).collect();
        let records = receipts.into_iter().zip(self.outcomes).map(|(receipt, outcome)| Record {
            receipt,
            height: self.height,
            block_hash: hash,
            pre_state_root: header.pre_state_root,
            state_root,
            return_data: outcome.return_data,
            logs: outcome.logs,
            diagnostics: outcome.diagnostics.kept(),
        });
        let records = records.collect();
        Built { hash, calls, records, changes: self.changes, codes: self.codes, unstage, header }
    }

    /// The block, with the tree of the state after it.
    pub fn seal_with(self, before: &Tree) -> (Built, Tree) {
        let tree = before.with(self.changes.iter().map(|(key, value)| (&key[..], value.as_deref())));
        (self.seal(tree.root()), tree)
    }
}

#[cfg(test)]
impl Built {
    /// A block without anything.
    pub(crate) fn empty_for_tests() -> Built {
        let genesis = crate::genesis::Genesis {
            chain_id: 1,
            timestamp: 0,
            gas_limit: 1,
            sealer: Address::ZERO,
            balances: Vec::new(),
        };
        let header = genesis.header(&[0; 32]);
        Built {
            hash: header.hash(),
            header,
            calls: Vec::new(),
            records: Vec::new(),
            changes: Vec::new(),
            codes: Vec::new(),
            unstage: Vec::new(),
        }
    }
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_string());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the host panicked: {}", text.unwrap_or_default())
}
