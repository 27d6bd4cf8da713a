//! The door to the host: admission of signed calls, blocks of the development chain (one call each),
//! queries, and what people ask about state and receipts. Time comes in as an argument.

use std::fmt;
use std::sync::Arc;

use ghost_wasm::{Engine, Interrupt};

use crate::admission::{self, Place};
use crate::cache::ModuleCache;
use crate::contract::{self, ContractModule, ContractStream};
use crate::crypto;
use crate::envelope::Envelope;
use crate::exec::apply::{self, Applied, ApplyError, Call, Machine, Outcome};
use crate::exec::host::BlockContext;
use crate::exec::instance::Instances;
use crate::genesis::{Genesis, GenesisError};
use crate::pool::{NONCES_AHEAD_MAX, Pool, Queued, Waiting};
use crate::reader::At;
use crate::receipt::{Header, Receipt, Record, logs_root};
use crate::rules;
use crate::staging::{Owner, Staging, StagingError, StagingLimits};
use crate::state::{Account, Commit, Head, StateBackend, StateView, StoreError, Tree, account_key, code_key};
use crate::types::{Address, Hash, hex};

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
pub use crate::reader::{Block, ChainInfo, ChainReader, QueryResult, Readers};

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
            ChainError::StagingFull(text) => f.write_str(text),
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

/// A chain over a store.
pub struct Chain {
    engine: Engine,
    /// For what is not going to run.
    judge: Engine,
    machine: Arc<Machine>,
    store: Arc<dyn StateBackend>,
    config: ChainConfig,
    genesis_hash: Hash,
    head: Header,
    head_hash: Hash,
    tree: Tree,
    pool: Pool,
    staging: Staging,
    readers: Readers,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("height", &self.head.height).finish_non_exhaustive()
    }
}

/// The genesis of the chain in a store; nothing in a new one.
///
/// # Errors
/// `Store`: it cannot be read, or has lost its genesis.
pub fn stored_genesis(store: &dyn StateBackend) -> Result<Option<Genesis>, ChainError> {
    let view = store.snapshot()?;
    match view.genesis()? {
        Some(bytes) => Ok(Some(Genesis::decode(&bytes).map_err(ChainError::Genesis)?)),
        None if view.head()?.is_none() => Ok(None),
        None => Err(StoreError::Corrupt("it has lost its genesis".into()).into()),
    }
}

impl Chain {
    /// Opens the chain of a store, or begins one in an empty store. Every value is read and the root
    /// compared; staged modules are hashed and validated again.
    pub fn open(
        store: Arc<dyn StateBackend>,
        genesis: &Genesis,
        config: ChainConfig,
    ) -> Result<Chain, ChainError> {
        genesis.check().map_err(ChainError::Genesis)?;
        let (engine, judge) = (contract::engine(), contract::judging_engine());
        let profile_hash = rules::profile_hash(&engine, genesis.gas_limit);
        let first = genesis.header(&profile_hash);
        let genesis_hash = first.hash();
        let view = store.snapshot()?;
        if view.head()?.is_none() {
            check_empty(&*view)?;
            store.commit(&Commit {
                values: genesis.values(),
                records: Vec::new(),
                calls: Vec::new(),
                height: 0,
                head: Head { genesis_hash, header: first.encode() },
                genesis: Some(genesis.encode()),
                ..Commit::default()
            })?;
        }
        let corrupt = |text: &str| ChainError::Store(StoreError::Corrupt(text.into()));
        let view = store.snapshot()?;
        let stored = view.head()?.ok_or_else(|| corrupt("it has no newest block"))?;
        let head = Header::decode(&stored.header).map_err(|_| corrupt("its newest block cannot be read"))?;
        if head.profile_hash != profile_hash {
            return Err(ChainError::OtherRules { stored: head.profile_hash, here: profile_hash });
        }
        if stored.genesis_hash != genesis_hash {
            let stored = stored.genesis_hash;
            return Err(StoreError::OtherChain { stored, wanted: genesis_hash }.into());
        }
        check_headers(&*view, &head)?;
        let tree = rebuild(&*view)?;
        if tree.root() != head.state_root {
            return Err(StoreError::RootMismatch { stored: head.state_root, found: tree.root() }.into());
        }
        let resident_max = config.resident_len_max / 2;
        let instances = Instances::new(&engine, resident_max);
        let instances = instances.map_err(|error| ChainError::Fault(error.to_string()))?;
        let cache = ModuleCache::new(engine.clone(), resident_max);
        let machine = Arc::new(Machine { cache, instances, stop: Interrupt::new() });
        let staging = Staging::open(&*store, &judge, config.staging.clone())?;
        let head_hash = head.hash();
        let pool = Pool::default();
        let readers = Readers::new(ChainReader::new(At {
            machine: Arc::clone(&machine),
            view: store.snapshot()?,
            genesis_hash,
            head: head.clone(),
            head_hash,
            gas_price_floor: config.gas_price_floor,
            query_gas_max: config.query_gas_max,
            staged_count: staging.count(),
        }));
        Ok(Chain {
            engine,
            judge,
            machine,
            store,
            config,
            genesis_hash,
            head,
            head_hash,
            tree,
            pool,
            staging,
            readers,
        })
    }

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

    /// The chain as it is now, read anew.
    pub fn reader(&self) -> Result<ChainReader, ChainError> {
        Ok(ChainReader::new(At {
            machine: Arc::clone(&self.machine),
            view: self.store.snapshot()?,
            genesis_hash: self.genesis_hash,
            head: self.head.clone(),
            head_hash: self.head_hash,
            gas_price_floor: self.config.gas_price_floor,
            query_gas_max: self.config.query_gas_max,
            staged_count: self.staging.count(),
        }))
    }

    /// Shows the readers what has changed. The change itself is done: trouble is the readers'.
    fn publish(&self) {
        self.readers.publish(self.reader().map_err(|error| error.to_string()));
    }

    /// What a node tells about its chain.
    pub fn info(&self) -> ChainInfo {
        ChainInfo::new(&self.head, self.head_hash, self.genesis_hash, self.config.gas_price_floor)
    }

    /// The newest block's header.
    pub fn head(&self) -> &Header {
        &self.head
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
    pub fn module_bytes(&self, code_hash: &Hash) -> Result<Option<Vec<u8>>, ChainError> {
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

    /// Takes a signed call: into a block, into the queue, or not at all. `now_ms` is the node's clock; a
    /// block's time is later than its parent's, whatever the clock says. Calls that waited for this one
    /// are executed with it.
    pub fn submit(&mut self, wire: &[u8], now_ms: u64) -> Result<Answer, ChainError> {
        let envelope = match Envelope::decode(wire) {
            Ok(envelope) => envelope,
            Err(error) => return Ok(refused(RefusalCode::Malformed, error.to_string())),
        };
        if let Some(refused) = self.refuse_cheaply(&envelope) {
            return Ok(refused);
        }
        let signer = match envelope.authenticate(&self.genesis_hash) {
            Ok(signer) => signer,
            Err(error) => return Ok(refused(RefusalCode::Authentication, error.to_string())),
        };
        let call_id = envelope.call_id(&self.genesis_hash);
        if let Some(record) = self.receipt(&call_id)? {
            return Ok(Answer::Duplicate(Box::new(record)));
        }
        let account = self.account(&signer)?;
        if let Some(refused) = self.refuse_by_account(&envelope, &signer, &account) {
            return Ok(refused);
        }
        let call = Waiting { call_id, signer, envelope };
        if call.envelope.body.nonce > account.nonce {
            return Ok(self.wait(call));
        }
        let answer = self.include(&call, now_ms)?;
        if matches!(answer, Answer::Included(_)) {
            // The answer is true whatever becomes of the calls behind it; trouble shows at their own answers.
            if let Err(error) = self.release(&signer, now_ms) {
                tracing::error!(%error, "a waiting call could not be executed");
            }
        }
        Ok(answer)
    }

    /// How many calls wait for their nonce.
    pub fn waiting(&self) -> usize {
        self.pool.count()
    }

    /// What can be seen without the signature and the account.
    fn refuse_cheaply(&self, envelope: &Envelope) -> Option<Answer> {
        let body = &envelope.body;
        let floor = self.config.gas_price_floor;
        if body.gas_price < floor {
            let text = format!("gas price {} is below the floor of {floor}", body.gas_price);
            return Some(refused(RefusalCode::PriceTooLow, text));
        }
        admission::gas(envelope, self.head.gas_limit).err().map(Answer::Refused)
    }

    /// The conditions of a block at the next one, but for nonces ahead, which may wait.
    fn refuse_by_account(&self, envelope: &Envelope, signer: &Address, account: &Account) -> Option<Answer> {
        let place = Place { height: self.head.height.saturating_add(1), gas_left: self.head.gas_limit };
        let admitted = admission::conditions(envelope, signer, account, place, NONCES_AHEAD_MAX);
        admitted.err().map(Answer::Refused)
    }

    fn wait(&mut self, call: Waiting) -> Answer {
        let (call_id, nonce) = (call.call_id, call.envelope.body.nonce);
        match self.pool.add(call) {
            Queued::Now | Queued::Before => Answer::Queued(call_id),
            Queued::NonceTaken => {
                refused(RefusalCode::NonceTaken, format!("another call with nonce {nonce} waits"))
            }
            Queued::Full => refused(RefusalCode::QueueFull, "too many calls wait; try again later"),
        }
    }

    /// Executes the calls of a signer that wait for the nonce that is now next.
    fn release(&mut self, signer: &Address, now_ms: u64) -> Result<(), ChainError> {
        loop {
            let account = self.account(signer)?;
            let Some(call) = self.pool.take(signer, account.nonce) else { break };
            // Balance and height are not what they were when it came: a call that lost its cover is dropped.
            if self.refuse_by_account(&call.envelope, signer, &account).is_some() {
                break;
            }
            if !matches!(self.include(&call, now_ms)?, Answer::Included(_)) {
                break;
            }
        }
        self.pool.expire(self.head.height.saturating_add(1));
        Ok(())
    }

    fn context(&self, height: u64, timestamp: u64) -> BlockContext {
        BlockContext { chain_id: self.head.chain_id, height, timestamp }
    }

    /// Makes the next block of one call. On an error nothing has changed.
    fn include(&mut self, call: &Waiting, now_ms: u64) -> Result<Answer, ChainError> {
        if self.tree.len() >= self.config.keys_max {
            let text = format!("the state has {} keys, which is all this node keeps", self.tree.len());
            return Ok(refused(RefusalCode::StateFull, text));
        }
        let height = self.head.height.saturating_add(1);
        let timestamp = now_ms.max(self.head.timestamp.saturating_add(1));
        let block = self.context(height, timestamp);
        let applied = Call {
            envelope: &call.envelope,
            signer: call.signer,
            block,
            block_gas_left: self.head.gas_limit,
        };
        let Applied { mut journal, outcome, deployed: module } =
            match apply::apply(&self.machine, &self.store.snapshot()?, &applied) {
                Ok(applied) => applied,
                Err(ApplyError::NotIncludable(refused)) => return Ok(Answer::Refused(refused)),
                Err(ApplyError::MissingCode(hash)) => {
                    return Ok(refused(RefusalCode::MissingCode, format!("missing code {}", hex(&hash))));
                }
                Err(ApplyError::Fault(text)) => return Err(ChainError::Fault(text)),
                Err(ApplyError::Interrupted) => return Err(ChainError::Interrupted),
                Err(ApplyError::Store(error)) => return Err(error.into()),
            };
        let fee = u128::from(outcome.gas_used).saturating_mul(u128::from(call.envelope.body.gas_price));
        let sealer = self.head.sealer;
        let mut account = journal.account(&sealer)?;
        account.balance = account.balance.saturating_add(fee);
        journal.set_account(&sealer, &account);

        let tree = self.tree.with(journal.changes());
        let receipt = receipt(call.call_id, &outcome);
        let wire = call.envelope.encode();
        let header = Header {
            chain_id: self.head.chain_id,
            height,
            timestamp,
            parent: self.head_hash,
            pre_state_root: self.head.state_root,
            state_root: tree.root(),
            calls_root: crypto::merkle_root(&[&wire]),
            receipts_root: crypto::merkle_root(&[receipt.encode()]),
            profile_hash: self.head.profile_hash,
            gas_used: outcome.gas_used,
            gas_limit: self.head.gas_limit,
            sealer,
        };
        let head_hash = header.hash();
        let record = Record {
            receipt,
            height,
            block_hash: head_hash,
            pre_state_root: header.pre_state_root,
            state_root: header.state_root,
            return_data: outcome.return_data,
            logs: outcome.logs,
            diagnostics: outcome.diagnostics.kept(),
        };
        let deployed = call.envelope.body.deploy_parts().filter(|_| !record.receipt.created.is_zero());
        let unstage: Vec<Hash> = deployed.into_iter().map(|(hash, _)| hash).collect();
        let (prune, records_from) = self.prunable(height)?;
        self.store.commit(&Commit {
            values: journal.into_changes(),
            records: vec![(call.call_id, record.encode())],
            prune,
            records_from,
            calls: vec![wire],
            height,
            head: Head { genesis_hash: self.genesis_hash, header: header.encode() },
            genesis: None,
            unstage: unstage.clone(),
        })?;
        unstage.iter().for_each(|hash| self.staging.forget(hash));
        (self.head, self.head_hash, self.tree) = (header, head_hash, tree);
        // Only now it is a contract's code: what nobody has paid for is not kept translated.
        module.into_iter().for_each(|module| self.machine.cache.insert(module));
        self.publish();
        Ok(Answer::Included(Box::new(record)))
    }

    /// The calls whose records the block of this height ends the keeping of, and the height from which on
    /// records are kept then.
    fn prunable(&self, height: u64) -> Result<(Vec<Hash>, u64), ChainError> {
        let view = self.store.snapshot()?;
        let from = view.records_from()?;
        let Some(kept) = self.config.records_kept_blocks else { return Ok((Vec::new(), from)) };
        // The newest block's are always kept: its answer is under way.
        let first_kept = height.saturating_add(1).saturating_sub(kept.max(1));
        let end = first_kept.min(from.saturating_add(PRUNE_BLOCKS_MAX)).max(from);
        let mut calls = Vec::new();
        for height in from..end {
            for wire in view.calls(height)? {
                let corrupt = |error| StoreError::Corrupt(format!("a call of block {height}: {error}"));
                calls.push(Envelope::decode(&wire).map_err(corrupt)?.call_id(&self.genesis_hash));
            }
        }
        Ok((calls, end))
    }
}

/// Blocks whose records one commit prunes at most: a node that was told to keep fewer of them catches up without
/// holding a block up.
const PRUNE_BLOCKS_MAX: u64 = 16;

fn receipt(call_id: Hash, outcome: &Outcome) -> Receipt {
    Receipt {
        call_id,
        status: outcome.status,
        revert_code: outcome.revert_code,
        trap_code: outcome.trap_code,
        gas_used: outcome.gas_used,
        created: outcome.created,
        return_data_hash: crypto::sha256(&outcome.return_data),
        logs_root: logs_root(&outcome.logs),
    }
}

fn refused(code: RefusalCode, text: impl Into<String>) -> Answer {
    Answer::Refused(Refused::new(code, text))
}

/// A store without a newest block must have nothing else: a genesis written over what is left of a chain
/// would destroy it.
fn check_empty(view: &dyn StateView) -> Result<(), StoreError> {
    let lost = || StoreError::Corrupt("it has lost its newest block".into());
    if view.header(0)?.is_some() || view.genesis()?.is_some() {
        return Err(lost());
    }
    view.values(&mut |_, _| Err(lost()))
}

/// Each header names the one before, down to block 0: so that the newest one stands for them all.
fn check_headers(view: &dyn StateView, newest: &Header) -> Result<(), StoreError> {
    let mut parent = None;
    let mut last = None;
    for height in 0..=newest.height {
        let corrupt = |text: &str| StoreError::Corrupt(format!("the header of block {height} {text}"));
        let bytes = view.header(height)?.ok_or_else(|| corrupt("is missing"))?;
        let header = Header::decode(&bytes).map_err(|_| corrupt("cannot be read"))?;
        if header.height != height || parent.is_some_and(|parent| parent != header.parent) {
            return Err(corrupt("is that of another block"));
        }
        parent = Some(header.hash());
        last = Some(header);
    }
    if last.as_ref() == Some(newest) {
        return Ok(());
    }
    Err(StoreError::Corrupt("the newest header is not that of the newest block".into()))
}

/// The tree of all values, in pieces, so that what is read is not held at once.
fn rebuild(view: &dyn StateView) -> Result<Tree, StoreError> {
    const PIECE_LEN: usize = 4 * 1024 * 1024;
    let mut tree = Tree::default();
    let mut piece: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut piece_len = 0usize;
    let add = |tree: &Tree, piece: &[(Vec<u8>, Vec<u8>)]| {
        tree.with(piece.iter().map(|(key, value)| (&key[..], Some(&value[..]))))
    };
    view.values(&mut |key, value| {
        if key.first() == Some(&1) {
            let account = <[u8; 20]>::try_from(key.get(1..).unwrap_or_default()).map(Address);
            if account.map(|address| account_key(&address)).ok().as_deref() != Some(key) {
                return Err(StoreError::Corrupt("the key of an account has a wrong length".into()));
            }
        }
        piece.push((key.to_vec(), value.to_vec()));
        piece_len = piece_len.saturating_add(key.len()).saturating_add(value.len());
        if piece_len > PIECE_LEN {
            tree = add(&tree, &piece);
            piece.clear();
            piece_len = 0;
        }
        Ok(())
    })?;
    Ok(add(&tree, &piece))
}
