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
use tokio::sync::Semaphore;

use super::serve::{End, Shared, blocking};
use crate::node::Node;
use crate::proto::codec::Wire;
use crate::proto::frame::{Refusal, encode_answer};
use crate::proto::pace::Peer;
use crate::proto::table::{AnswerCode, Limits};

/// The queries under way, and those that wait for their turn.
pub(super) struct Queries {
    /// First come, first served: whoever asks again and again does not keep others out.
    turns: Arc<Semaphore>,
    total_max: usize,
    per_peer_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    newest: u64,
    /// With those that wait.
    asked: BTreeMap<u64, (Peer, Interrupt)>,
    stopped: bool,
}

impl Queries {
    pub(super) fn new(limits: &Limits) -> Arc<Queries> {
        let count = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let at_once = count(limits.queries_at_once).min(Semaphore::MAX_PERMITS);
        Arc::new(Queries {
            turns: Arc::new(Semaphore::new(at_once)),
            total_max: at_once.saturating_add(count(limits.queries_waiting)),
            per_peer_max: count(limits.queries_per_peer),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is made whole under the lock: a panic elsewhere leaves the state sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(self: &Arc<Queries>, peer: Peer) -> Result<Asked, Refusal> {
        let mut state = self.state();
        if state.stopped {
            return Err(Refusal::new(AnswerCode::ShuttingDown, "the node ends"));
        }
        let own = state.asked.values().filter(|(of, _)| *of == peer).count();
        if own >= self.per_peer_max || state.asked.len() >= self.total_max {
            return Err(Refusal::new(AnswerCode::Busy, "the node has enough queries under way"));
        }
        state.newest = state.newest.saturating_add(1);
        let (number, interrupt) = (state.newest, Interrupt::new());
        state.asked.insert(number, (peer, interrupt.clone()));
        Ok(Asked { queries: self.clone(), number, interrupt })
    }

    /// How many run or wait.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.state().asked.len()
    }

    /// Ends all queries and lets no more begin.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        self.turns.close();
        state.asked.values().for_each(|(_, interrupt)| interrupt.interrupt());
    }
}

/// A query that runs or waits; its place is free when dropped.
struct Asked {
    queries: Arc<Queries>,
    number: u64,
    interrupt: Interrupt,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.queries.state().asked.remove(&self.number);
    }
}

/// Runs something that nobody pays for, in its turn and as long as somebody wants its answer.
pub(super) async fn unpaid<N: Node, M: Wire + Send + 'static>(
    shared: &Arc<Shared<N>>,
    peer: IpAddr,
    send: &SendStream,
    work: impl FnOnce(&N, &Interrupt) -> Result<M, Refusal> + Send + 'static,
) -> Result<Vec<u8>, End> {
    let asked = shared.queries.ask(Peer::of(peer))?;
    let turn = tokio::select! {
        turn = shared.queries.turns.clone().acquire_owned() => turn,
        _ = send.stopped() => return Err(End::Gone),
    };
    let turn = turn.map_err(|_| Refusal::new(AnswerCode::ShuttingDown, "the node ends"))?;
    let (interrupt, flag) = (asked.interrupt.clone(), asked.interrupt.clone());
    let node = shared.node.clone();
    // The place is taken until the work has ended, whoever has gone meanwhile; and a server that closes waits
    // for it.
    let held = (asked, turn, shared.clone());
    let work = blocking(held, move || work(&node, &flag));
    tokio::select! {
        answer = work => Ok(encode_answer(AnswerCode::Ok, &answer?)),
        // The asker stopped the stream, or the connection is gone.
        _ = send.stopped() => {
            interrupt.interrupt();
            Err(End::Gone)
        }
    }
}
