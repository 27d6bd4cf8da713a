//! Opening a chain: nothing is written before it is known whose store it is, and nothing is believed that can be
//! compared.

use std::collections::VecDeque;
use std::sync::Arc;

use ghost_wasm::Interrupt;

use super::{Chain, ChainConfig, ChainError, Tip};
use crate::authenticate::Authenticator;
use crate::cache::ModuleCache;
use crate::contract;
use crate::exec::apply::Machine;
use crate::exec::instance::Instances;
use crate::genesis::Genesis;
use crate::natives::Natives;
use crate::pool::Pool;
use crate::reader::{At, ChainReader, Readers};
use crate::receipt::Header;
use crate::rules;
use crate::staging::Staging;
use crate::state::{CodeLeaf, Commit, Head, StateBackend, StateView, StoreError, Tree, account_key};
use crate::types::Address;

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
        let natives = Natives::new(config.natives).map_err(ChainError::Natives)?;
        let policy = config.policy.clone();
        let profile_hash = rules::profile_hash(&engine, genesis.gas_limit, natives, policy.as_deref());
        let first = genesis.header(&profile_hash);
        let genesis_hash = first.hash();
        let view = store.snapshot()?;
        if view.head()?.is_none() {
            check_empty(&*view)?;
            store.commit(&Commit {
                values: genesis.values(),
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
        let machine = Arc::new(Machine { cache, instances, natives, policy, stop: Interrupt::new() });
        let staging = Staging::open(&*store, &judge, config.staging.clone())?;
        let hash = head.hash();
        let durable = Tip { header: head.clone(), hash, view: store.snapshot()?, tree: tree.clone() };
        let readers = Readers::new(ChainReader::new(At {
            machine: Arc::clone(&machine),
            view: store.snapshot()?,
            genesis_hash,
            head,
            head_hash: hash,
            tree,
            states: VecDeque::new(),
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
            authenticator: Arc::new(Authenticator::new(genesis_hash)),
            tip: durable.clone(),
            durable,
            storing: None,
            states: VecDeque::new(),
            pool: Pool::default(),
            staging,
            readers,
        })
    }
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
        if key.first() == Some(&3) && CodeLeaf::decode(value).is_err() {
            return Err(StoreError::Corrupt("the leaf of a module cannot be read".into()));
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
