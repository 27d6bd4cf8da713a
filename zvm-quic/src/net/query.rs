//! Queries under way: how many, whose, and what ends them early. Nobody pays for a query, so one whose asker
//! is gone must not go on.
//!
//! Each runs on a thread of its own, beside the chain: the kernel takes turns between them and with the
//! node's other threads, in slices of a few milliseconds. Nothing here needs to.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ghost_wasm::Interrupt;
use quinn::SendStream;

use super::serve::{End, Shared, blocking};
use crate::node::Node;
use crate::proto::frame::{Refusal, encode_answer};
use crate::proto::message::QueryRequest;
use crate::proto::pace::Peer;
use crate::proto::table::{AnswerCode, Limits};

/// The queries under way.
pub(super) struct Queries {
    total_max: usize,
    per_peer_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    newest: u64,
    running: BTreeMap<u64, (Peer, Interrupt)>,
    stopped: bool,
}

impl Queries {
    pub(super) fn new(limits: &Limits) -> Arc<Queries> {
        let count = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        Arc::new(Queries {
            total_max: count(limits.queries_at_once),
            per_peer_max: count(limits.queries_per_peer),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is made whole under the lock: a panic elsewhere leaves the state sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: &Arc<Queries>, peer: Peer) -> Result<Running, Refusal> {
        let mut state = self.state();
        if state.stopped {
            return Err(Refusal::new(AnswerCode::ShuttingDown, "the node ends"));
        }
        let own = state.running.values().filter(|(of, _)| *of == peer).count();
        if own >= self.per_peer_max || state.running.len() >= self.total_max {
            return Err(Refusal::new(AnswerCode::Busy, "the node has enough queries under way"));
        }
        state.newest = state.newest.saturating_add(1);
        let (number, interrupt) = (state.newest, Interrupt::new());
        state.running.insert(number, (peer, interrupt.clone()));
        Ok(Running { queries: self.clone(), number, interrupt })
    }

    /// Ends all queries and lets no more begin.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        state.running.values().for_each(|(_, interrupt)| interrupt.interrupt());
    }
}

/// A query under way; its place is free when dropped.
struct Running {
    queries: Arc<Queries>,
    number: u64,
    interrupt: Interrupt,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.queries.state().running.remove(&self.number);
    }
}

/// Runs a query as long as somebody wants its answer.
pub(super) async fn query<N: Node>(
    shared: &Arc<Shared<N>>,
    peer: IpAddr,
    query: QueryRequest,
    send: &SendStream,
) -> Result<Vec<u8>, End> {
    let running = shared.queries.begin(Peer::of(peer))?;
    let (interrupt, flag) = (running.interrupt.clone(), running.interrupt.clone());
    let node = shared.node.clone();
    // The place is taken until the query has ended, whoever has gone meanwhile; and a server that closes waits
    // for it.
    let held = (running, shared.clone());
    let work =
        blocking(held, move || node.query(&query.target, query.gas_limit, query.input.as_slice(), &flag));
    tokio::select! {
        answer = work => Ok(encode_answer(AnswerCode::Ok, &answer?)),
        // The asker stopped the stream, or the connection is gone.
        _ = send.stopped() => {
            interrupt.interrupt();
            Err(End::Gone)
        }
    }
}
