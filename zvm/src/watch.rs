//! The node of `zvm node --dev`: the chain's node, and a line for each call and query that it answered. Lines go
//! through a bounded queue to a thread of their own: a reader that does not read costs lines, no call waits.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use ghost_wasm::Interrupt;
use serde_json::json;
use zvm_host::{Envelope, Hash, Kind, Record, Status, hex};
use zvm_quic::proto::message::{
    AccountAnswer, Address, ChainAnswer, ProofAnswer, QueryAnswer, SimulateAnswer,
};
use zvm_quic::proto::pace::Peer;
use zvm_quic::proto::sink::ModuleSink;
use zvm_quic::{ChainNode, Node, Refusal, Submitted};

use crate::foreign::foreign;
use crate::output::{BAD, DIM, GOOD, Output, styled};
use crate::receipt;

/// Lines that wait for the reader of standard output.
const LINES_MAX: usize = 4_096;

/// What was answered.
#[derive(Debug)]
pub struct Answered {
    kind: &'static str,
    target: zvm_host::Address,
    status: String,
    good: bool,
    gas: Option<u64>,
    took: Duration,
    height: Option<u64>,
    call_id: Option<Hash>,
    /// Why, in words of contracts and of the chain.
    why: String,
}

/// Takes what was answered.
#[derive(Clone, Debug)]
pub struct Watch(SyncSender<Answered>);

impl Watch {
    /// Shows each answer as a line, or as an event.
    pub fn new(out: &Output) -> Watch {
        let (send, answers) = sync_channel::<Answered>(LINES_MAX);
        let out = out.clone();
        std::thread::spawn(move || answers.iter().for_each(|answered| answered.show(&out)));
        Watch(send)
    }

    fn tell(&self, answered: Answered) {
        // A full queue: the reader has more than it reads.
        let _ = self.0.try_send(answered);
    }
}

impl Answered {
    fn show(&self, out: &Output) {
        let micros = self.took.as_micros();
        out.tell(format_args!(
            "{:<8} {}  {}{}  {}{}",
            self.kind,
            self.target,
            styled(if self.good { GOOD } else { BAD }, foreign(&self.status)),
            self.gas.map(|gas| format!("  gas {gas}")).unwrap_or_default(),
            styled(DIM, format_args!("{}.{:03} ms", micros / 1_000, micros % 1_000)),
            self.end(),
        ));
        out.event(
            "node",
            "answered",
            json!({
                "kind": self.kind,
                "target": self.target.to_string(),
                "status": self.status,
                "gas_used": self.gas.map(|gas| gas.to_string()),
                "micros": u64::try_from(micros).unwrap_or(u64::MAX),
                "height": self.height.map(|height| height.to_string()),
                "call_id": self.call_id.map(|id| hex(&id)),
                "text": self.why,
            }),
        );
    }

    fn end(&self) -> String {
        let block =
            self.height.map(|height| styled(DIM, format_args!("  block {height}"))).unwrap_or_default();
        let id =
            self.call_id.map(|id| styled(DIM, format_args!("  {}", receipt::short(&id)))).unwrap_or_default();
        let why = if self.why.is_empty() { String::new() } else { format!("  {}", foreign(&self.why)) };
        format!("{block}{id}{why}")
    }
}

/// A chain's node that may be watched.
#[derive(Debug)]
pub struct Watched {
    node: Arc<ChainNode>,
    watch: Option<Arc<Watch>>,
}

impl Watched {
    /// Serves `node`.
    pub fn new(node: Arc<ChainNode>, watch: Option<Watch>) -> Watched {
        Watched { node, watch: watch.map(Arc::new) }
    }
}

/// What became of a signed call.
fn submitted(envelope: &[u8], answer: &Result<Submitted, Refusal>, took: Duration) -> Option<Answered> {
    let body = Envelope::decode(envelope).ok()?.body;
    let kind = match body.kind {
        Kind::Deploy => "deploy",
        Kind::Call => "call",
        Kind::Migrate => "migrate",
    };
    let plain = |status: &str, why: String| Answered {
        kind,
        target: body.target,
        status: status.into(),
        good: false,
        gas: None,
        took,
        height: None,
        call_id: None,
        why,
    };
    Some(match answer {
        Ok(Submitted::Included(_, bytes)) => {
            let record = Record::decode(bytes).ok()?;
            let reverted = crate::abi::revert_text(&record.return_data);
            let is_made = !record.receipt.created.is_zero();
            Answered {
                target: if is_made { record.receipt.created } else { body.target },
                status: record.receipt.status.name().into(),
                good: record.receipt.status == Status::Success,
                gas: Some(record.receipt.gas_used),
                height: Some(record.height),
                call_id: Some(record.receipt.call_id),
                why: reverted.filter(|_| record.receipt.status == Status::Reverted).unwrap_or_default(),
                ..plain("", String::new())
            }
        }
        Ok(Submitted::Duplicate(..)) => plain("duplicate", String::new()),
        Ok(Submitted::Accepted(id)) => Answered { call_id: Some(*id), ..plain("waits", String::new()) },
        Err(refusal) => plain("refused", refusal.text.as_str().into()),
    })
}

impl Node for Watched {
    type Sink = <ChainNode as Node>::Sink;

    fn sink(&self, profile: &Hash) -> Option<Self::Sink> {
        self.node.sink(profile)
    }

    fn claim(&self, peer: Peer, code_hash: &Hash) -> Result<bool, Refusal> {
        self.node.claim(peer, code_hash)
    }

    fn stage(
        &self,
        peer: Peer,
        code_hash: &Hash,
        module: <Self::Sink as ModuleSink>::Module,
        bytes: Vec<u8>,
    ) -> Result<(), Refusal> {
        self.node.stage(peer, code_hash, module, bytes)
    }

    fn staged(&self) -> Result<u32, Refusal> {
        self.node.staged()
    }

    async fn submit(&self, peer: Peer, envelope: Vec<u8>, wait: bool) -> Result<Submitted, Refusal> {
        let Some(watch) = &self.watch else { return self.node.submit(peer, envelope, wait).await };
        let began = Instant::now();
        let answer = self.node.submit(peer, envelope.clone(), wait).await;
        if let Some(answered) = submitted(&envelope, &answer, began.elapsed()) {
            let watch = Arc::clone(watch);
            // Whoever reads the lines may be slow: the server goes on meanwhile.
            tokio::task::spawn_blocking(move || watch.tell(answered));
        }
        answer
    }

    fn query(
        &self,
        target: &Address,
        gas_limit: u64,
        input: &[u8],
        interrupt: &Interrupt,
    ) -> Result<QueryAnswer, Refusal> {
        let began = Instant::now();
        let answer = self.node.query(target, gas_limit, input, interrupt);
        if let Some(watch) = &self.watch {
            let took = began.elapsed();
            let (status, gas, why) = match &answer {
                Ok(asked) => {
                    let why = crate::abi::revert_text(asked.return_data.as_slice()).unwrap_or_default();
                    (Status::from_u8(asked.status).map_or("unknown", Status::name), Some(asked.gas_used), why)
                }
                Err(refusal) => ("refused", None, refusal.text.as_str().into()),
            };
            watch.tell(Answered {
                kind: "query",
                target: zvm_host::Address(*target),
                status: status.into(),
                good: status == Status::Success.name(),
                gas,
                took,
                height: None,
                call_id: None,
                why: if status == Status::Success.name() { String::new() } else { why },
            });
        }
        answer
    }

    fn simulate(&self, envelope: &[u8], interrupt: &Interrupt) -> Result<SimulateAnswer, Refusal> {
        self.node.simulate(envelope, interrupt)
    }

    fn proof(&self, height: u64, key: &[u8]) -> Result<ProofAnswer, Refusal> {
        self.node.proof(height, key)
    }

    fn receipt(&self, call_id: &Hash) -> Result<Option<Vec<u8>>, Refusal> {
        self.node.receipt(call_id)
    }

    fn account(&self, address: &Address) -> Result<AccountAnswer, Refusal> {
        self.node.account(address)
    }

    fn chain(&self) -> Result<ChainAnswer, Refusal> {
        self.node.chain()
    }

    fn stop(&self) {
        self.node.stop();
    }
}
