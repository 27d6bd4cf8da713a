//! Blocks, step by step: [`Chain::begin_block`] takes calls from the pool, [`Job::run`] builds the block,
//! [`Chain::sealed`] makes it the newest one, [`Commitment::run`] stores it, [`Chain::committed`] tells the readers.
//! Running and storing need no lock on the chain. At most one block is built and not stored: the next one may be
//! built meanwhile, and is dropped if storing fails.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::{Chain, ChainError, Ready, Refused, Tip};
use crate::block::{self, Added, BuildError, Builder, Built, CheckError, Env, Layered};
use crate::envelope::Envelope;
use crate::exec::apply::Machine;
use crate::receipt::{Header, Record};
use crate::replay::{Bundle, Witness};
use crate::state::{Bytes, Calls, Commit, Head, StateBackend, StoreError, Tree, ValueView, read_account};
use crate::types::{Address, Hash};

/// Blocks whose records one commit prunes at most: a node that was told to keep fewer of them catches up without
/// holding a block up.
const PRUNE_BLOCKS_MAX: u64 = 16;

/// What became of a call.
#[derive(Debug)]
pub enum Decided {
    /// It is in a block, which is stored.
    Included(Box<Record>),
    /// It is in none, for this reason.
    Refused(Refused),
    /// This node could not finish it.
    Failed(ChainError),
}

/// A call and what became of it.
pub type Decision = (Hash, Decided);

/// A block to be built.
#[derive(Debug)]
pub struct Job {
    machine: Arc<Machine>,
    parent: Header,
    parent_hash: Hash,
    view: Arc<dyn ValueView>,
    tree: Tree,
    env: Env,
    calls: Vec<Ready>,
}

/// What a [`Job`] led to.
#[derive(Debug)]
pub struct Sealed {
    /// The block, if a call is in it, with the tree after it.
    block: Option<(Built, Tree)>,
    /// The calls in it.
    included: Vec<Ready>,
    /// Calls that wait again.
    back: Vec<Ready>,
    /// Calls that will be in no block.
    left_out: Vec<(Ready, Decided)>,
}

/// A block to be stored.
pub struct Commitment {
    store: Arc<dyn StateBackend>,
    block: Arc<Built>,
    tree: Tree,
    genesis_hash: Hash,
    records_kept_blocks: Option<u64>,
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commitment").field("height", &self.height()).finish_non_exhaustive()
    }
}

impl Job {
    /// Builds the block.
    pub fn run(self) -> Sealed {
        let Job { machine, parent, parent_hash, view, tree, env, calls } = self;
        let mut builder = Builder::new(&machine, &parent, parent_hash, view, env);
        let mut sealed = Sealed { block: None, included: Vec::new(), back: Vec::new(), left_out: Vec::new() };
        let mut calls = calls.into_iter();
        for call in calls.by_ref() {
            match builder.add(&call) {
                Ok(Added::Included) => sealed.included.push(call),
                Ok(Added::Full) => {
                    sealed.back.push(call);
                    break;
                }
                // One before it was left out: it waits for another with that nonce.
                Ok(Added::LeftOut(refused)) if refused.code == super::RefusalCode::NonceTooFar => {
                    sealed.back.push(call);
                }
                Ok(Added::LeftOut(refused)) => sealed.left_out.push((call, Decided::Refused(refused))),
                Err(error) => {
                    let ends = !matches!(error, BuildError::Fault(_));
                    sealed.left_out.push((call, Decided::Failed(failed(error))));
                    if ends {
                        break;
                    }
                }
            }
        }
        sealed.back.extend(calls);
        if builder.count() == 0 {
            return sealed;
        }
        match builder.end() {
            Ok(outline) => sealed.block = Some(outline.seal_with(&tree)),
            Err(error) => {
                let text = failed(error).to_string();
                let included = std::mem::take(&mut sealed.included).into_iter();
                sealed
                    .left_out
                    .extend(included.map(|call| (call, Decided::Failed(ChainError::Fault(text.clone())))));
            }
        }
        sealed
    }
}

impl Sealed {
    /// Who signed its calls, also those that are not in the block.
    fn signers(&self) -> BTreeSet<Address> {
        let left_out = self.left_out.iter().map(|(call, _)| call);
        self.included.iter().chain(&self.back).chain(left_out).map(|call| call.signer).collect()
    }

    /// How many calls are in the block.
    pub fn count(&self) -> usize {
        self.included.len()
    }
}

fn failed(error: BuildError) -> ChainError {
    match error {
        BuildError::Fault(text) => ChainError::Fault(text),
        BuildError::Interrupted => ChainError::Interrupted,
        BuildError::Store(error) => ChainError::Store(error),
    }
}

impl Commitment {
    /// Stores the block, durably.
    ///
    /// # Errors
    /// The store's; nothing was stored.
    pub fn run(&self) -> Result<(), StoreError> {
        let Built { header, calls, records, changes, codes, unstage, .. } = &*self.block;
        let (prune, records_from) = self.prunable(header.height)?;
        self.store.commit(&Commit {
            values: changes.clone(),
            codes: codes.clone(),
            records: records.iter().map(|record| (record.receipt.call_id, record.encode())).collect(),
            prune,
            records_from,
            calls: calls.clone(),
            height: header.height,
            head: Head { genesis_hash: self.genesis_hash, header: header.encode() },
            genesis: None,
            unstage: unstage.clone(),
        })
    }

    /// The height of the block.
    pub fn height(&self) -> u64 {
        self.block.header.height
    }

    /// The blocks whose records this block ends the keeping of, with their calls, and the height from which on
    /// records are kept then.
    fn prunable(&self, height: u64) -> Result<(Vec<Calls>, u64), StoreError> {
        let view = self.store.snapshot()?;
        let from = view.records_from()?;
        let Some(kept) = self.records_kept_blocks else { return Ok((Vec::new(), from)) };
        // The newest block's are always kept: its answer is under way.
        let first_kept = height.saturating_add(1).saturating_sub(kept.max(1));
        let end = first_kept.min(from.saturating_add(PRUNE_BLOCKS_MAX)).max(from);
        let mut blocks = Vec::new();
        for height in from..end {
            let corrupt = |error| StoreError::Corrupt(format!("a call of block {height}: {error}"));
            let ids = view.calls(height)?.into_iter().map(|wire| {
                Envelope::decode(&wire).map(|call| call.call_id(&self.genesis_hash)).map_err(corrupt)
            });
            blocks.push((height, ids.collect::<Result<_, _>>()?));
        }
        Ok((blocks, end))
    }
}

impl Chain {
    /// Takes calls for a block of at most so many; nothing if none is ready.
    pub fn begin_block(&mut self, now_ms: u64, calls_max: usize) -> Option<Job> {
        self.see_staged();
        self.pool.expire(self.tip.header.height.saturating_add(1));
        let calls = self.pool.take(calls_max.min(block::CALLS_MAX), block::CALLS_LEN_MAX);
        if calls.is_empty() {
            return None;
        }
        Some(self.job(calls, now_ms))
    }

    /// A block of these calls, which need not be from the pool; also of none.
    fn job(&self, calls: Vec<Ready>, now_ms: u64) -> Job {
        let Tip { header, hash, view, tree } = self.tip.clone();
        let timestamp = now_ms.max(header.timestamp.saturating_add(1));
        let env = Env { timestamp, sealer: header.sealer };
        Job { machine: Arc::clone(&self.machine), parent: header, parent_hash: hash, view, tree, env, calls }
    }

    /// Makes a block that was built the newest one, which is then to be stored. Calls that are in no block are
    /// decided. A block behind one that could not be stored is dropped: its calls wait again.
    pub fn sealed(&mut self, sealed: Sealed) -> (Option<Commitment>, Vec<Decision>) {
        if sealed.block.as_ref().is_some_and(|(block, _)| block.header.parent != self.tip.hash) {
            return (None, self.discard(sealed));
        }
        let signers = sealed.signers();
        let Sealed { block, included, back, left_out } = sealed;
        let mut decisions: Vec<Decision> = Vec::new();
        for (call, decided) in left_out {
            self.pool.decided(&call);
            decisions.push((call.call_id, decided));
        }
        let commitment = block.map(|(built, tree)| {
            let block = Arc::new(built);
            let calls = included.iter().map(|call| call.call_id).collect();
            self.storing = Some((Arc::clone(&block), calls));
            let view: Arc<dyn ValueView> =
                Arc::new(Layered::new(Arc::clone(&self.durable.view), Arc::clone(&block)));
            self.tip = Tip { header: block.header.clone(), hash: block.hash, view, tree: tree.clone() };
            Commitment {
                store: Arc::clone(&self.store),
                block,
                tree,
                genesis_hash: self.genesis_hash,
                records_kept_blocks: self.config.records_kept_blocks,
            }
        });
        included.iter().for_each(|call| self.pool.decided(call));
        back.into_iter().rev().for_each(|call| self.pool.put_back(call));
        // All of them: what waits behind a call that was left out is not ready.
        self.refresh(signers);
        decisions.extend(self.dropped());
        (commitment, decisions)
    }

    /// Has the pool see the accounts of signers after a block.
    fn refresh(&mut self, signers: BTreeSet<Address>) {
        for signer in signers {
            // What cannot be read now shows when the next call of the signer runs.
            if let Ok(account) = read_account(&*self.tip.view, &signer) {
                self.pool.refresh(&signer, &account);
            }
        }
    }

    /// Calls that the pool has dropped since the last time.
    pub fn dropped(&mut self) -> Vec<Decision> {
        let dropped = self.pool.dropped().into_iter();
        dropped.map(|(call_id, refused)| (call_id, Decided::Refused(refused))).collect()
    }

    fn discard(&mut self, sealed: Sealed) -> Vec<Decision> {
        let signers = sealed.signers();
        let Sealed { included, back, left_out, .. } = sealed;
        let mut decisions = Vec::new();
        for (call, decided) in left_out {
            self.pool.decided(&call);
            decisions.push((call.call_id, decided));
        }
        back.into_iter().rev().chain(included.into_iter().rev()).for_each(|call| self.pool.put_back(call));
        self.refresh(signers);
        decisions
    }

    /// The newest block is stored: readers see it from now on.
    pub fn committed(&mut self, commitment: Commitment) -> Vec<Decision> {
        let Commitment { block, tree, .. } = commitment;
        block.unstage.iter().for_each(|hash| self.staging.forget(hash));
        let before = std::mem::replace(&mut self.durable.tree, tree);
        self.states.push_back((self.durable.header.height, before));
        while self.states.len() > self.config.states_kept {
            self.states.pop_front();
        }
        (self.durable.header, self.durable.hash) = (block.header.clone(), block.hash);
        self.storing = None;
        match self.store.snapshot() {
            Ok(view) => self.durable.view = view,
            // The block's changes are known; what is under them is as before.
            Err(error) => {
                tracing::error!(%error, "the store cannot be read after a block");
                let below = Arc::clone(&self.durable.view);
                self.durable.view = Arc::new(Layered::new(below, Arc::clone(&block)));
            }
        }
        if self.tip.hash == self.durable.hash {
            self.tip = self.durable.clone();
        }
        self.publish();
        let records = match Arc::try_unwrap(block) {
            Ok(block) => block.records,
            Err(block) => block.records.clone(),
        };
        records
            .into_iter()
            .map(|record| (record.receipt.call_id, Decided::Included(Box::new(record))))
            .collect()
    }

    /// The newest block could not be stored: it never was. Its calls are decided by what went wrong.
    pub fn failed(&mut self, commitment: Commitment, error: StoreError) -> Vec<Decision> {
        self.tip = self.durable.clone();
        self.storing = None;
        let mut error = Some(error);
        let mut decisions = Vec::new();
        for record in &commitment.block.records {
            let text = "the block could not be stored";
            // All of them hear the same; the first has the error itself.
            let error = match (&error, error.is_some()) {
                (Some(StoreError::Full(text)), _) => StoreError::Full(text.clone()),
                (_, true) => error.take().unwrap_or_else(|| StoreError::Medium(text.into())),
                _ => StoreError::Medium(text.into()),
            };
            decisions.push((record.receipt.call_id, Decided::Failed(ChainError::Store(error))));
        }
        let claimed = |wire: &Bytes| Envelope::decode(wire).ok().map(|envelope| envelope.claimed_signer());
        self.refresh(commitment.block.calls.iter().filter_map(claimed).collect());
        decisions
    }

    /// Builds and stores a block at once.
    pub fn seal_now(&mut self, job: Job) -> Vec<Decision> {
        let (commitment, mut decisions) = self.sealed(job.run());
        if let Some(commitment) = commitment {
            decisions.extend(match commitment.run() {
                Ok(()) => self.committed(commitment),
                Err(error) => self.failed(commitment, error),
            });
        }
        decisions
    }

    /// Makes an empty block, stored at once.
    ///
    /// # Errors
    /// The store.
    pub fn seal_empty(&mut self, now_ms: u64) -> Result<(), ChainError> {
        let Job { machine, parent, parent_hash, view, tree, env, .. } = self.job(Vec::new(), now_ms);
        let outline = Builder::new(&machine, &parent, parent_hash, view, env).end().map_err(failed)?;
        self.take_built(outline.seal_with(&tree))
    }

    /// Takes a block that somebody else has made: checks it, and stores it.
    ///
    /// # Errors
    /// `WrongBlock`; `MissingCode` until the module is staged; a fault of this node. Nothing has changed.
    pub fn take_block(&mut self, header: &Header, calls: &[Vec<u8>]) -> Result<(), ChainError> {
        self.see_staged();
        let Tip { header: parent, hash, view, tree } = self.durable.clone();
        let checked =
            block::check(&self.machine, &self.genesis_hash, (&parent, hash), (view, &tree), header, calls);
        let checked = checked.map_err(|error| match error {
            CheckError::Difference(difference) => ChainError::WrongBlock(difference.to_string()),
            CheckError::MissingCode(text) => ChainError::MissingCode(text),
            CheckError::Build(error) => failed(error),
        })?;
        self.take_built(checked)
    }

    /// A block behind the newest one, checked, with its witness; it is not taken.
    ///
    /// # Errors
    /// As [`Chain::take_block`].
    pub fn bundle(&mut self, header: &Header, calls: &[Vec<u8>]) -> Result<Bundle, ChainError> {
        self.see_staged();
        let Tip { header: parent, hash, view, tree } = self.durable.clone();
        let env = Env { timestamp: header.timestamp, sealer: header.sealer };
        let mut builder = Builder::new(&self.machine, &parent, hash, Arc::clone(&view), env).keep_reads();
        let wrong = |error: CheckError| match error {
            CheckError::Difference(difference) => ChainError::WrongBlock(difference.to_string()),
            CheckError::MissingCode(text) => ChainError::MissingCode(text),
            CheckError::Build(error) => failed(error),
        };
        block::check_header(&parent, hash, header, calls).map_err(wrong)?;
        for (at, wire) in calls.iter().enumerate() {
            let call = block::authentic(&self.genesis_hash, at, wire).map_err(wrong)?;
            match builder.add(&call).map_err(failed)? {
                Added::Included => {}
                Added::LeftOut(refused) => {
                    return Err(ChainError::WrongBlock(format!("call {at}: {refused}")));
                }
                Added::Full => return Err(ChainError::WrongBlock(format!("call {at} is beyond the limits"))),
            }
        }
        let outline = builder.end().map_err(failed)?;
        let witness = Witness::of(&outline, &tree, &*view)?;
        let (built, _) = outline.seal_with(&tree);
        block::compare(&built.header, header).map_err(wrong)?;
        let calls = calls.to_vec();
        let genesis_hash = self.genesis_hash;
        Ok(Bundle { genesis_hash, parent, header: built.header, calls, records: built.records, witness })
    }

    fn take_built(&mut self, block: (Built, Tree)) -> Result<(), ChainError> {
        let sealed =
            Sealed { block: Some(block), included: Vec::new(), back: Vec::new(), left_out: Vec::new() };
        let (Some(commitment), _) = self.sealed(sealed) else { return Ok(()) };
        match commitment.run() {
            Ok(()) => drop(self.committed(commitment)),
            Err(error) => {
                self.tip = self.durable.clone();
                self.storing = None;
                return Err(error.into());
            }
        }
        Ok(())
    }
}
