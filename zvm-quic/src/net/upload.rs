//! One upload: waits for its place, reads the module, has it staged. Knows no endpoint.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Notify;

use super::serve::{Arrivals, End, Shared, blocking, inside};
use crate::node::Node;
use crate::proto::frame::{Refusal, UploadStart};
use crate::proto::message::{Hash, UploadAnswer};
use crate::proto::pace::Peer;
use crate::proto::receive::{Receive, admit_length};
use crate::proto::slots::{Slots, Ticket, Turn};
use crate::proto::table::{AnswerCode, Limits, StopCode};
use crate::spool::{DISK_FULL, Spool, SpoolError};

/// Between two tries to write while the spool is full: a displaced upload lets go within it.
const SPOOL_RETRY: Duration = Duration::from_millis(20);

/// [`Slots`] for tasks: wakes those whom a change concerns.
pub(super) struct Gate {
    state: Mutex<State>,
    born: Instant,
}

struct State {
    slots: Slots,
    woken: BTreeMap<Ticket, Arc<Notify>>,
}

impl State {
    fn wake(&self, ticket: Option<Ticket>) {
        if let Some(woken) = ticket.and_then(|ticket| self.woken.get(&ticket)) {
            woken.notify_one();
        }
    }
}

impl Gate {
    pub(super) fn new(limits: &Limits, born: Instant) -> Gate {
        let state = State { slots: Slots::new(limits), woken: BTreeMap::new() };
        Gate { state: Mutex::new(state), born }
    }

    /// How many uploads are under way.
    pub(super) fn total(&self) -> u32 {
        self.state().slots.total()
    }

    fn now(&self) -> Duration {
        self.born.elapsed()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is made whole under the lock: a panic elsewhere leaves the state sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the upload that lags too much end, if there is one.
    fn displace(&self) {
        let mut state = self.state();
        let displaced = state.slots.displace(self.now());
        state.wake(displaced);
        state.wake(state.slots.head());
    }

    fn arrive(&self, peer: Peer) -> Result<Slot<'_>, Refusal> {
        let mut state = self.state();
        let ticket = state.slots.arrive(peer)?;
        let woken = Arc::new(Notify::new());
        state.woken.insert(ticket, woken.clone());
        Ok(Slot { gate: self, ticket, woken })
    }
}

/// A place among the uploads under way, or in the queue for one; free again when dropped.
pub(super) struct Slot<'a> {
    gate: &'a Gate,
    ticket: Ticket,
    /// Its turn may have come, or it was displaced.
    woken: Arc<Notify>,
}

impl Slot<'_> {
    fn poll(&self) -> Turn {
        let mut state = self.gate.state();
        let turn = state.slots.poll(self.ticket, self.gate.now());
        if let Turn::Begins(displaced) = turn {
            state.wake(displaced);
            state.wake(state.slots.head());
        }
        turn
    }

    /// Waits for the upload's turn.
    async fn turn(&self, arrivals: &mut Arrivals<'_>) -> Result<(), End> {
        loop {
            let Turn::Waits(until) = self.poll() else { return Ok(()) };
            let ask_again = async {
                match until {
                    Some(until) => tokio::time::sleep_until((self.gate.born + until).into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.woken.notified() => {}
                () = ask_again => {}
                () = arrivals.gone() => return Err(End::Gone),
            }
        }
    }

    /// The node waits for bytes from now on.
    pub(super) fn awaits(&self) {
        self.gate.state().slots.awaits(self.ticket, self.gate.now());
    }

    /// Bytes came, or the end.
    pub(super) fn received(&self, count: usize) {
        self.gate.state().slots.received(self.ticket, self.gate.now(), count);
    }

    fn check(&self) -> Result<(), Refusal> {
        self.gate.state().slots.check(self.ticket)
    }

    /// Ends when the place is lost.
    pub(super) async fn lost(&self) -> Refusal {
        loop {
            if let Err(refusal) = self.check() {
                return refusal;
            }
            self.woken.notified().await;
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        state.woken.remove(&self.ticket);
        state.slots.leave(self.ticket);
        state.wake(state.slots.head());
    }
}

pub(super) async fn upload<'a, N: Node>(
    shared: &'a Arc<Shared<N>>,
    peer: IpAddr,
    arrivals: &mut Arrivals<'a>,
    start: UploadStart,
    first: Bytes,
) -> Result<UploadAnswer, End> {
    admit_length(&start, &shared.limits)?;
    let code_hash = start.header.digest;
    let peer = Peer::of(peer);
    let profile = profile(shared, peer, start.header.profile).await?;
    let no_profile = || Refusal::new(AnswerCode::ProfileRefused, "not a profile of this node").at(11);
    let sink = shared.node.sink(&profile).ok_or_else(no_profile)?;
    let node = shared.node.clone();
    if inside(&shared.room, peer, move || node.claim(peer, &code_hash)).await? {
        arrivals.stop(StopCode::AlreadyHave);
        return Ok(known(code_hash));
    }
    let slot = shared.gate.arrive(peer)?;
    slot.turn(arrivals).await?;
    slot.received(first.len());
    arrivals.slot = Some(slot);
    let mut spool = shared.spools.begin(start.header.length).map_err(spool_refusal)?;
    let mut receive = Receive::new(start, sink);
    let mut next = Some(first);
    while let Some(chunk) = next {
        let mut rest: &[u8] = &chunk;
        while !rest.is_empty() {
            let fed = receive.feed(rest, shared.limits.work_per_poll)?;
            if let Some(group) = fed.group {
                write(shared, arrivals, &mut spool, &group).await?;
            }
            rest = rest.get(fed.used..).unwrap_or(&[]);
            if !rest.is_empty() {
                tokio::task::yield_now().await;
            }
        }
        next = arrivals.next().await?;
    }
    let received = receive.finish()?;
    let node = shared.node.clone();
    write(shared, arrivals, &mut spool, &received.tail).await?;
    let keep = move || {
        // Read back: the node hashes what the disk has.
        let bytes = spool.read().map_err(spool_refusal)?;
        node.stage(peer, &code_hash, received.module, bytes)?;
        Ok(received.answer)
    };
    // One that came so far waits for its turn inside the node; there are no more of them than places.
    blocking(shared.room.wait().await?, keep).await.map_err(End::Refused)
}

/// Appends to the spool; while it is full, uploads that lag are displaced.
async fn write<N: Node>(
    shared: &Shared<N>,
    arrivals: &Arrivals<'_>,
    spool: &mut Spool,
    group: &[u8],
) -> Result<(), End> {
    // Long enough for whoever stops sending now to lag too much.
    let patience = super::millis(shared.limits.fair_lag_ms).saturating_mul(2);
    let begun = Instant::now();
    loop {
        // 16 KiB into the page cache: shorter than a way to another thread. Nobody syncs it.
        match spool.write(group) {
            Err(SpoolError::Full) if begun.elapsed() < patience => shared.gate.displace(),
            written => return written.map_err(spool_refusal).map_err(End::Refused),
        }
        if let Some(slot) = &arrivals.slot {
            slot.check()?;
        }
        tokio::time::sleep(SPOOL_RETRY).await;
    }
}

/// The profile meant: zeros are the chain's own.
async fn profile<N: Node>(shared: &Arc<Shared<N>>, peer: Peer, profile: Hash) -> Result<Hash, Refusal> {
    if profile != [0; 32] {
        return Ok(profile);
    }
    let node = shared.node.clone();
    Ok(inside(&shared.reads, peer, move || node.chain()).await?.profile)
}

fn known(code_hash: Hash) -> UploadAnswer {
    UploadAnswer {
        known: 1,
        functions_valid_before_last_chunk: 0,
        functions_total: 0,
        bytes: 0,
        work: 0,
        code_hash,
    }
}

fn spool_refusal(error: SpoolError) -> Refusal {
    match error {
        SpoolError::Full => Refusal::new(AnswerCode::SpoolFull, error.to_string()),
        SpoolError::DiskFull { .. } => {
            tracing::warn!("spool: {error}");
            Refusal::new(AnswerCode::StoreFailed, DISK_FULL)
        }
        SpoolError::Io { .. } | SpoolError::Damaged(_) => {
            // Paths are the node's business.
            tracing::error!("spool: {error}");
            Refusal::new(AnswerCode::StoreFailed, "the node could not write the module down")
        }
    }
}
