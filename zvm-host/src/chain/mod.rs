//! The door to the host: signed calls come in, wait in the pool, and leave in blocks. Time comes in as an argument,
//! and threads are the caller's: [`Chain::submit`] does everything at once, and its steps can be had one by one, so
//! that blocks are built and stored beside admission.
//!
//! `open.rs`: opening a store and checking it. `admit.rs`: what may wait. `seal.rs`: blocks.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use ghost_wasm::{Engine, Interrupt};

use crate::authenticate::Authenticator;
use crate::block::{Built, Layered, Ready};
use crate::cache::ModuleCache;
use crate::contract::{self, ContractModule, ContractStream};
use crate::crypto;
use crate::exec::apply::Machine;
use crate::exec::instance::Instances;
use crate::exec::policy::Policy;
use crate::genesis::GenesisError;
use crate::natives::{Native, Natives};
use crate::pool::Pool;
use crate::reader::At;
use crate::receipt::{Header, Record};
use crate::staging::{Owner, Staging, StagingError, StagingLimits};
use crate::state::{Account, StateBackend, StoreError, Tree, ValueView, code_key};
use crate::types::{Address, Hash, hex};

mod admit;
mod open;
mod seal;

pub use admit::{Admitted, Gate};
pub use open::stored_genesis;
pub use seal::{Commitment, Decided, Decision, Job, Sealed};

/// What is needed to run the calls of a chain, without the chain: for [`Bundle::replay`](crate::replay::Bundle::replay).
///
/// # Errors
/// `Natives`; a fault of this node.
pub fn machine(config: &ChainConfig) -> Result<Machine, ChainError> {
    let engine = contract::engine();
    let resident_max = config.resident_len_max / 2;
    let instances = Instances::new(&engine, resident_max);
    let instances = instances.map_err(|error| ChainError::Fault(error.to_string()))?;
    let cache = ModuleCache::new(engine, resident_max);
    let natives = Natives::new(config.natives).map_err(ChainError::Natives)?;
    Ok(Machine { cache, instances, natives, policy: config.policy.clone(), stop: Interrupt::new() })
}

/// What a node decides for itself.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// Base units per gas that a call must offer.
    pub gas_price_floor: u64,
    /// Gas of a query at most. Nobody pays for it, and no block is made meanwhile: a tenth of a second.
    pub query_gas_max: u64,
    /// Bytes of memory that translated modules and idle instances may take; half of it each, and an instance
    /// counts with its module. Besides, there is what runs: one call and the node's queries.
    pub resident_len_max: u64,
    /// What may be staged, in all and by one owner.
    pub staging: StagingLimits,
    /// Blocks whose records (return data, logs, texts) are kept; nothing: all. Headers and calls stay.
    pub records_kept_blocks: Option<u64>,
    /// Keys of the state at most; the tree over them is in memory.
    pub keys_max: usize,
    /// States before the newest that proofs can be made of.
    pub states_kept: usize,
    /// Native modules of the chain; part of its rules.
    pub natives: &'static [Native],
    /// The chain's policy, if it has one; part of its rules.
    pub policy: Option<Arc<dyn Policy>>,
}

impl Default for ChainConfig {
    fn default() -> ChainConfig {
        ChainConfig {
            gas_price_floor: 1,
            query_gas_max: 1_000_000_000,
            resident_len_max: 256 * 1024 * 1024,
            staging: StagingLimits::default(),
            records_kept_blocks: None,
            keys_max: 20_000_000,
            states_kept: 64,
            natives: &[],
            policy: None,
        }
    }
}

/// What became of a submitted call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is in a block.
    Included(Box<Record>),
    /// It was executed before; this is what came of it then.
    Duplicate(Box<Record>),
    /// It waits for calls with smaller nonces; ask for its receipt by this name.
    Queued(Hash),
    /// It was not admitted.
    Refused(Refused),
}

pub use crate::admission::{RefusalCode, Refused};
pub use crate::reader::{Block, ChainInfo, ChainReader, Proven, QueryResult, Readers};

/// A failure that is not the caller's.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChainError {
    /// The store.
    Store(StoreError),
    /// The genesis.
    Genesis(GenesisError),
    /// The store was written under other rules.
    OtherRules {
        /// Hash of the rules of the newest block.
        stored: Hash,
        /// Hash of this program's rules.
        here: Hash,
    },
    /// The table of native modules is not one; the text says why.
    Natives(String),
    /// A block of somebody else's that is wrong; the text says where.
    WrongBlock(String),
    /// A block of somebody else's names code that is not here; the text says which.
    MissingCode(String),
    /// Bytes and module do not belong together.
    WrongBytes,
    /// The staged modules leave no room for another; nothing was stored.
    StagingFull(String),
    /// This node could not finish a call; nothing was stored.
    Fault(String),
    /// What ran was ended before its outcome; nothing was stored.
    Interrupted,
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChainError::Store(error) => write!(f, "{error}"),
            ChainError::Genesis(error) => write!(f, "{error}"),
            ChainError::OtherRules { stored, here } => write!(
                f,
                "the store was written under the rules {}, this program has {}",
                hex(stored),
                hex(here)
            ),
            ChainError::StagingFull(text) | ChainError::Natives(text) | ChainError::MissingCode(text) => {
                f.write_str(text)
            }
            ChainError::WrongBlock(text) => write!(f, "the block is wrong: {text}"),
            ChainError::WrongBytes => f.write_str("the bytes are not those of the module"),
            ChainError::Interrupted => f.write_str("ended before its outcome"),
            ChainError::Fault(text) => write!(f, "the node could not finish the call: {text}"),
        }
    }
}

impl std::error::Error for ChainError {}

impl From<StoreError> for ChainError {
    fn from(error: StoreError) -> ChainError {
        ChainError::Store(error)
    }
}

impl From<StagingError> for ChainError {
    fn from(error: StagingError) -> ChainError {
        match error {
            StagingError::Full(text) => ChainError::StagingFull(text),
            StagingError::Store(error) => ChainError::Store(error),
        }
    }
}

/// A block with the state after it.
#[derive(Clone)]
struct Tip {
    header: Header,
    hash: Hash,
    view: Arc<dyn ValueView>,
    tree: Tree,
}

/// A chain over a store.
pub struct Chain {
    engine: Engine,
    /// For what is not going to run.
    judge: Engine,
    machine: Arc<Machine>,
    store: Arc<dyn StateBackend>,
    config: ChainConfig,
    genesis_hash: Hash,
    authenticator: Arc<Authenticator>,
    /// The newest block that is stored.
    durable: Tip,
    /// The newest block that was built; the same, or the next one, which is being stored.
    tip: Tip,
    /// The block that is being stored, and the calls in it.
    storing: Option<(Arc<Built>, BTreeSet<Hash>)>,
    /// States before the newest, the newest last.
    states: VecDeque<(u64, Tree)>,
    pool: Pool,
    staging: Staging,
    readers: Readers,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("height", &self.durable.header.height).finish_non_exhaustive()
    }
}

impl Chain {
    /// The engine that modules of this chain are made with.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine that uploads are judged with; their modules are staged and never run.
    pub fn judging_engine(&self) -> &Engine {
        &self.judge
    }

    /// A stream for an upload.
    pub fn contract_stream(&self) -> ContractStream {
        contract::contract_stream(&self.judge)
    }

    /// Where the newest reader is found, for those who must not wait for the chain.
    pub fn readers(&self) -> Readers {
        self.readers.clone()
    }

    /// Ends the signed call under way, and each later one, without an outcome: for a node that stops.
    pub fn interrupt(&self) -> Interrupt {
        self.machine.stop.clone()
    }

    /// Checks signatures of calls of this chain, beside everything else.
    pub fn authenticator(&self) -> Arc<Authenticator> {
        Arc::clone(&self.authenticator)
    }

    /// The chain as it is now, read anew.
    pub fn reader(&self) -> Result<ChainReader, ChainError> {
        Ok(ChainReader::new(At {
            machine: Arc::clone(&self.machine),
            view: self.store.snapshot()?,
            genesis_hash: self.genesis_hash,
            head: self.durable.header.clone(),
            head_hash: self.durable.hash,
            tree: self.durable.tree.clone(),
            states: self.states.clone(),
            gas_price_floor: self.config.gas_price_floor,
            query_gas_max: self.config.query_gas_max,
            staged_count: self.staging.count(),
        }))
    }

    /// Has the next block see what is staged now.
    fn see_staged(&mut self) {
        // The view may have the block that is being stored already, which changes nothing under that block.
        if let Ok(view) = self.store.snapshot() {
            self.durable.view = view;
            self.tip.view = match &self.storing {
                Some((block, _)) => Arc::new(Layered::new(Arc::clone(&self.durable.view), Arc::clone(block))),
                None => Arc::clone(&self.durable.view),
            };
        }
    }

    /// Shows the readers what has changed. The change itself is done: trouble is the readers'.
    fn publish(&self) {
        self.readers.publish(self.reader().map_err(|error| error.to_string()));
    }

    /// What a node tells about its chain.
    pub fn info(&self) -> ChainInfo {
        ChainInfo::new(
            &self.durable.header,
            self.durable.hash,
            self.genesis_hash,
            self.config.gas_price_floor,
        )
    }

    /// The newest block's header.
    pub fn head(&self) -> &Header {
        &self.durable.header
    }

    /// As [`ChainReader::block`].
    pub fn block(&self, height: u64) -> Result<Option<Block>, ChainError> {
        self.reader()?.block(height)
    }

    /// As [`ChainReader::account`], in the newest state.
    pub fn account(&self, address: &Address) -> Result<Account, ChainError> {
        self.reader()?.account(address)
    }

    /// As [`ChainReader::receipt`].
    pub fn receipt(&self, call_id: &Hash) -> Result<Option<Record>, ChainError> {
        self.reader()?.receipt(call_id)
    }

    /// As [`ChainReader::module_bytes`].
    pub fn module_bytes(&self, code_hash: &Hash) -> Result<Option<Arc<[u8]>>, ChainError> {
        self.reader()?.module_bytes(code_hash)
    }

    /// As [`ChainReader::query`], to its end.
    pub fn query(&self, address: &Address, input: &[u8], gas: u64) -> Result<QueryResult, ChainError> {
        self.reader()?.query(address, input, gas, &Interrupt::new())
    }

    /// Whether a module is here: staged, or the code of a contract.
    pub fn has_module(&self, code_hash: &Hash) -> Result<bool, ChainError> {
        Ok(self.staging.has(code_hash) || self.store.snapshot()?.value(&code_key(code_hash))?.is_some())
    }

    /// Whether a module is here, as [`has_module`](Chain::has_module) says; one that is staged is from now on
    /// held by this owner, too, as if it had uploaded it.
    pub fn claim_module(&mut self, owner: Owner, code_hash: &Hash, now_ms: u64) -> Result<bool, ChainError> {
        if self.store.snapshot()?.value(&code_key(code_hash))?.is_some() {
            return Ok(true);
        }
        let claimed = self.staging.claim(&*self.store, owner, code_hash, now_ms);
        // What expired is gone also when the claim fails.
        self.publish();
        Ok(claimed?)
    }

    /// How many modules are staged.
    pub fn staged_count(&self) -> usize {
        self.staging.count()
    }

    /// Staged modules that were damaged when the chain was opened, and why. They were dropped: whoever
    /// wants one uploads it again.
    pub fn damaged_staged(&self) -> &[(Hash, String)] {
        self.staging.damaged()
    }

    /// Bytes of memory that translated modules and idle instances take.
    pub fn resident_bytes(&self) -> u64 {
        let Machine { cache, instances, .. } = &*self.machine;
        cache.resident_bytes().saturating_add(instances.resident_bytes())
    }

    /// Keeps an uploaded module, durably, until a deploy names it, its owner stages more than its quota, or its
    /// time is over.
    pub fn stage_module(
        &mut self,
        owner: Owner,
        module: ContractModule,
        bytes: &[u8],
        now_ms: u64,
    ) -> Result<Hash, ChainError> {
        // That it is valid is all that counts of the translated module: a deploy makes it again.
        let code_hash = module.code_hash();
        drop(module);
        // The border between whoever received the bytes, and maybe had them on a disk, and the store.
        if crypto::blake3(bytes) != code_hash {
            return Err(ChainError::WrongBytes);
        }
        if !self.claim_module(owner, &code_hash, now_ms)? {
            let added = self.staging.add(&*self.store, owner, &code_hash, bytes, now_ms);
            self.publish();
            added?;
        }
        Ok(code_hash)
    }
}
