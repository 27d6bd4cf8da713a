//! The node that serves a [`zvm_host::Chain`]: translates between the protocol's words and the host's, and
//! reads the wall clock, which the chain does not.

use std::sync::MutexGuard;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ghost_wasm::{Engine, Interrupt};
use zvm_host::state::StoreError;
use zvm_host::{
    Chain, ChainError, ChainReader, ContractError, ContractModule, ContractStream, Owner, Readers,
    RefusalCode, Refused, contract_stream,
};

use crate::node::{Node, Submitted};
use crate::producer::{Fate, Producer, Received, Sealing};
use crate::proto::codec::{Blob, Text};
use crate::proto::frame::Refusal;
use crate::proto::message::{
    AccountAnswer, Address, ChainAnswer, Hash, ProofAnswer, QueryAnswer, SimulateAnswer,
};
use crate::proto::pace::Peer;
use crate::proto::sink::{ModuleSink, RejectInfo, SinkProgress};
use crate::proto::table::{AnswerCode, DIAGNOSTICS_BYTES_MAX, ENVELOPE_BYTES_MAX};
use crate::spool::DISK_FULL;

const _: () = assert!(zvm_host::diagnostics::KEPT_LEN_MAX <= DIAGNOSTICS_BYTES_MAX);

/// How long a call waits for those before it before its sender hears that it waits.
const GAP_PATIENCE: Duration = Duration::from_secs(1);

/// A chain behind a server.
#[derive(Debug)]
pub struct ChainNode {
    engine: Engine,
    profile: Hash,
    module_bytes_max: u64,
    producer: Producer,
    /// What only reads goes by these, and never waits for the chain.
    readers: Readers,
    stop: Interrupt,
}

impl ChainNode {
    /// Serves `chain`, with blocks as they come.
    pub fn new(chain: Chain) -> ChainNode {
        ChainNode::sealing(chain, Sealing::default())
    }

    /// Serves `chain`, with blocks by this rule.
    pub fn sealing(chain: Chain, sealing: Sealing) -> ChainNode {
        let engine = chain.judging_engine().clone();
        let module_bytes_max = u64::from(engine.profile().limits().module_bytes);
        let profile = chain.info().profile_hash;
        let (readers, stop) = (chain.readers(), chain.interrupt());
        let producer = Producer::start(chain, sealing);
        ChainNode { engine, profile, module_bytes_max, producer, readers, stop }
    }

    /// Makes a block of what is ready, also of nothing, at this time (unix milliseconds) or just after its parent.
    ///
    /// # Errors
    /// `Internal` when it cannot be stored, `ShuttingDown`.
    pub async fn mine(&self, timestamp: u64) -> Result<(), Refusal> {
        match self.producer.mine(timestamp).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(text)) => Err(Refusal::new(AnswerCode::Internal, text)),
            Err(_) => Err(ending()),
        }
    }

    /// The chain at its newest block, without waiting for one that is being made.
    ///
    /// # Errors
    /// `Internal` when the store cannot be read.
    pub fn reader(&self) -> Result<ChainReader, Refusal> {
        self.readers.newest().map_err(|error| fault(&error))
    }

    /// Whether a block is being built.
    pub fn is_building(&self) -> bool {
        self.producer.is_building()
    }

    /// The chain, for as long as the guard lives: calls and uploads wait meanwhile, and this waits for them.
    pub fn lock(&self) -> MutexGuard<'_, Chain> {
        self.producer.chain()
    }
}

/// What became of a call, as its sender hears it.
fn told(fate: Fate) -> Result<Submitted, Refusal> {
    match fate {
        Fate::Included(record) => Ok(Submitted::Included(record.receipt.call_id, record.encode())),
        Fate::Duplicate(record) => Ok(Submitted::Duplicate(record.receipt.call_id, record.encode())),
        Fate::Refused(refused) => Err(not_admitted(refused)),
        Fate::Failed(error) => Err(fault(&error)),
    }
}

fn not_admitted(refused: Refused) -> Refusal {
    let code = match refused.code {
        RefusalCode::Authentication => AnswerCode::AuthenticationFailed,
        _ => AnswerCode::CallRefused,
    };
    Refusal::new(code, refused.text).with_detail(refused.code as u32)
}

fn ending() -> Refusal {
    Refusal::new(AnswerCode::ShuttingDown, "the node ends")
}

fn fault(error: &ChainError) -> Refusal {
    if let ChainError::Interrupted = error {
        return Refusal::new(AnswerCode::ShuttingDown, "the node ends");
    }
    if let ChainError::Store(StoreError::Corrupt(_)) = error {
        // The store logs where, once.
        return Refusal::new(AnswerCode::Internal, "the store of the node is damaged");
    }
    if let ChainError::Store(StoreError::Full(_)) = error {
        tracing::warn!("nothing can be stored: {error}");
        return Refusal::new(AnswerCode::StoreFailed, DISK_FULL);
    }
    tracing::error!("the chain failed: {error}");
    Refusal::new(AnswerCode::Internal, "a fault of the node")
}

fn owner(peer: Peer) -> Owner {
    Owner(peer.to_bytes())
}

/// Unix milliseconds.
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// A contract's bytes on their way in.
#[derive(Debug)]
pub struct ContractSink(ContractStream);

fn reject(error: &ContractError, at: u64) -> RejectInfo {
    RejectInfo { code: error.code(), offset: error.offset().unwrap_or(at), text: error.to_string() }
}

impl ModuleSink for ContractSink {
    type Module = ContractModule;

    fn feed(&mut self, bytes: &[u8], work: u64) -> Result<usize, RejectInfo> {
        let at = self.0.progress().bytes;
        self.0.feed_bounded(bytes, work).map_err(|error| reject(&error, at))
    }

    fn progress(&self) -> SinkProgress {
        let progress = self.0.progress();
        SinkProgress { functions_valid: progress.functions_valid, work: progress.work }
    }

    fn finish(self, digest: &Hash) -> Result<ContractModule, RejectInfo> {
        let at = self.0.progress().bytes;
        self.0.finish(*digest).map_err(|error| reject(&error, at))
    }
}

impl Node for ChainNode {
    type Sink = ContractSink;

    fn sink(&self, profile: &Hash) -> Option<ContractSink> {
        (*profile == self.profile).then(|| ContractSink(contract_stream(&self.engine)))
    }

    fn claim(&self, peer: Peer, code_hash: &Hash) -> Result<bool, Refusal> {
        self.lock().claim_module(owner(peer), code_hash, now_ms()).map_err(|error| fault(&error))
    }

    fn stage(&self, peer: Peer, _: &Hash, module: ContractModule, bytes: Vec<u8>) -> Result<(), Refusal> {
        let staged = self.lock().stage_module(owner(peer), module, &bytes, now_ms());
        staged.map(drop).map_err(|error| match error {
            ChainError::StagingFull(text) => Refusal::new(AnswerCode::StagingFull, text),
            ChainError::Store(StoreError::Full(_)) => fault(&error),
            ChainError::Store(_) | ChainError::WrongBytes => {
                tracing::error!("a module could not be staged: {error}");
                Refusal::new(AnswerCode::StoreFailed, "the node could not write the module down")
            }
            _ => fault(&error),
        })
    }

    fn staged(&self) -> Result<u32, Refusal> {
        Ok(u32::try_from(self.reader()?.staged_count()).unwrap_or(u32::MAX))
    }

    async fn submit(&self, peer: Peer, envelope: Vec<u8>, wait: bool) -> Result<Submitted, Refusal> {
        let envelope = self.producer.gate().decode(&envelope).map_err(not_admitted)?;
        let busy = || Refusal::new(AnswerCode::Busy, "too many calls are on their way");
        let received = self.producer.submit(peer, envelope).ok_or_else(busy)?;
        let (call_id, has_gap, fate) = match received.await.map_err(|_| ending())? {
            Received::Decided(fate) => return told(fate),
            Received::Waits { call_id, has_gap, fate } => (call_id, has_gap, fate),
        };
        if !wait {
            return Ok(Submitted::Accepted(call_id));
        }
        let fate = match has_gap {
            false => fate.await,
            true => match tokio::time::timeout(GAP_PATIENCE, fate).await {
                Ok(fate) => fate,
                Err(_) => return Ok(Submitted::Accepted(call_id)),
            },
        };
        told(fate.map_err(|_| ending())?)
    }

    fn query(
        &self,
        target: &Address,
        gas_limit: u64,
        input: &[u8],
        interrupt: &Interrupt,
    ) -> Result<QueryAnswer, Refusal> {
        let gas = if gas_limit == 0 { u64::MAX } else { gas_limit };
        let result = self.reader()?.query(&zvm_host::Address(*target), input, gas, interrupt);
        let result = result.map_err(|error| fault(&error))?;
        let too_long = |_| Refusal::new(AnswerCode::QueryFailed, "the answer is too long to send");
        Ok(QueryAnswer {
            status: result.status as u8,
            code: result.revert_code,
            gas_used: result.gas_used,
            return_data: Blob::new(result.return_data).map_err(too_long)?,
            text: Text::clipped(&result.diagnostics.texts.join("\n")),
            diagnostics: Blob::new(result.diagnostics.kept().encode()).map_err(too_long)?,
        })
    }

    fn simulate(&self, envelope: &[u8], interrupt: &Interrupt) -> Result<SimulateAnswer, Refusal> {
        let envelope = self.producer.gate().decode(envelope).map_err(not_admitted)?;
        let simulated = self.reader()?.simulate(&envelope, interrupt).map_err(|error| fault(&error))?;
        let (record, cold_gas) = simulated.map_err(not_admitted)?;
        let too_long = |_| Refusal::new(AnswerCode::QueryFailed, "the answer is too long to send");
        Ok(SimulateAnswer { cold_gas, record: Blob::new(record.encode()).map_err(too_long)? })
    }

    fn proof(&self, height: u64, key: &[u8]) -> Result<ProofAnswer, Refusal> {
        let reader = self.reader()?;
        let height = if height == u64::MAX { reader.head().height } else { height };
        let proven = reader.prove(height, key).map_err(|error| fault(&error))?;
        let kept = reader.provable();
        let missing = || {
            let text = format!("states are kept of the blocks {} to {}", kept.start(), kept.end());
            Refusal::new(AnswerCode::NotFound, text)
        };
        let proven = proven.ok_or_else(missing)?;
        let block = reader.block(height).map_err(|error| fault(&error))?.ok_or_else(missing)?;
        let too_long = |_| Refusal::new(AnswerCode::Internal, "the proof is too long to send");
        Ok(ProofAnswer {
            header: Blob::new(block.header.encode()).map_err(too_long)?,
            has_value: proven.value.is_some().into(),
            value: Blob::new(proven.value.map(|value| value.to_vec()).unwrap_or_default())
                .map_err(too_long)?,
            proof: Blob::new(proven.proof.encode()).map_err(too_long)?,
        })
    }

    fn receipt(&self, call_id: &Hash) -> Result<Option<Vec<u8>>, Refusal> {
        let reader = self.reader()?;
        if let Some(record) = reader.receipt(call_id).map_err(|error| fault(&error))? {
            return Ok(Some(record.encode()));
        }
        let from = reader.view().records_from().map_err(|error| fault(&ChainError::Store(error)))?;
        if from == 0 {
            return Ok(None);
        }
        let text =
            format!("no call with this id was executed since block {from}; older receipts are not kept");
        Err(Refusal::new(AnswerCode::NotFound, text))
    }

    fn account(&self, address: &Address) -> Result<AccountAnswer, Refusal> {
        let account = self.reader()?.account(&zvm_host::Address(*address)).map_err(|error| fault(&error))?;
        Ok(AccountAnswer { nonce: account.nonce, balance: account.balance, code_hash: account.code_hash })
    }

    fn chain(&self) -> Result<ChainAnswer, Refusal> {
        let info = self.reader()?.info();
        Ok(ChainAnswer {
            chain_id: info.chain_id,
            genesis_hash: info.genesis_hash,
            height: info.height,
            block_hash: info.head_hash,
            state_root: info.state_root,
            timestamp: info.timestamp,
            gas_price_floor: info.gas_price_floor,
            block_gas_limit: info.gas_limit,
            profile: info.profile_hash,
            module_bytes_max: self.module_bytes_max,
            envelope_bytes_max: u32::try_from(ENVELOPE_BYTES_MAX).unwrap_or(u32::MAX),
        })
    }

    fn stop(&self) {
        self.stop.interrupt();
        self.producer.stop();
    }
}
