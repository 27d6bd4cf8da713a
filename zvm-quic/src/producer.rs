//! Makes blocks of the calls that come in: three threads around a [`Chain`], which itself knows neither threads nor
//! clock.
//!
//! ```text
//! submit ──▶ admission: signatures, many at once ──▶ pool ──▶ sealer: builds block N + 1 ──▶ storer: stores block N ──▶ answers
//! ```
//! An answer leaves when its block is durable. The chain's lock is held to take calls and to exchange the newest block,
//! never while a block is built or stored.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use zvm_host::chain::Commitment;
use zvm_host::{
    Admitted, Authenticator, Chain, ChainError, Decided, Decision, Envelope, Gate, Hash, Readers, Ready,
    Record, Refused,
};

use crate::chain::now_ms;
use crate::proto::pace::Peer;

/// Calls that one batch of signatures has at most.
const BATCH_MAX: usize = 1_024;
/// Calls that are on their way to the admission thread at most.
const ARRIVING_MAX: usize = 8_192;
/// Bad signatures after which a peer's calls are checked one by one, and last.
const BAD_MAX: u32 = 3;
/// How long they count.
const BAD_FOR: Duration = Duration::from_secs(60);
/// Peers whose bad signatures are counted at most.
const BAD_PEERS_MAX: usize = 4_096;
/// So many ready calls are a block's worth: it is built while the one before is being stored.
const WORTH_A_BLOCK: usize = 512;

/// When a block is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// Of what came while the block before was being stored; a call waits no longer than this for that.
    Eager {
        /// Milliseconds.
        wait_ms: u64,
    },
    /// A block for each call.
    Instant,
    /// A block each so often, if a call is there.
    Interval {
        /// Milliseconds.
        ms: u64,
        /// Calls of a block at most.
        calls_max: usize,
    },
    /// When [`ChainNode::mine`](crate::ChainNode::mine) says so.
    Manual,
}

impl Default for Sealing {
    fn default() -> Sealing {
        Sealing::Eager { wait_ms: 20 }
    }
}

impl Sealing {
    fn calls_max(self) -> usize {
        match self {
            Sealing::Instant => 1,
            Sealing::Interval { calls_max, .. } => calls_max,
            Sealing::Eager { .. } | Sealing::Manual => usize::MAX,
        }
    }
}

/// What became of a call.
#[derive(Debug)]
pub enum Fate {
    /// It is in a block.
    Included(Box<Record>),
    /// It was executed before.
    Duplicate(Box<Record>),
    /// It is in none.
    Refused(Refused),
    /// The node could not finish it.
    Failed(ChainError),
}

/// What a call hears first.
#[derive(Debug)]
pub enum Received {
    /// It is decided.
    Decided(Fate),
    /// It waits for a block.
    Waits {
        /// Its name.
        call_id: Hash,
        /// Whether calls before it have not come yet.
        has_gap: bool,
        /// Its fate.
        fate: oneshot::Receiver<Fate>,
    },
}

/// A call on its way in.
#[derive(Debug)]
struct Arriving {
    peer: Peer,
    envelope: Envelope,
    reply: oneshot::Sender<Received>,
}

/// What the sealer waits for.
#[derive(Debug, Default)]
struct Signals {
    /// When the oldest call that no block has taken came.
    ready_since: Option<Instant>,
    /// A block is being stored.
    is_storing: bool,
    /// Blocks to make by hand.
    mine: Vec<Mine>,
    is_over: bool,
}

/// A block to make by hand.
#[derive(Debug)]
struct Mine {
    timestamp: u64,
    done: oneshot::Sender<Result<(), String>>,
}

/// What the threads share.
#[derive(Debug)]
struct Shared {
    chain: Mutex<Chain>,
    readers: Readers,
    authenticator: Arc<Authenticator>,
    gate: Gate,
    sealing: Sealing,
    waiters: Mutex<HashMap<Hash, Vec<oneshot::Sender<Fate>>>>,
    signals: Mutex<Signals>,
    changed: Condvar,
    is_building: AtomicBool,
}

impl Shared {
    fn chain(&self) -> MutexGuard<'_, Chain> {
        // The chain commits in transactions of its store; a panic elsewhere leaves it as of the last one.
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signals(&self) -> MutexGuard<'_, Signals> {
        self.signals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiters(&self) -> MutexGuard<'_, HashMap<Hash, Vec<oneshot::Sender<Fate>>>> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, change: impl FnOnce(&mut Signals)) {
        change(&mut self.signals());
        self.changed.notify_all();
    }

    /// Tells those who wait what became of their calls.
    fn tell(&self, decisions: Vec<Decision>) {
        let mut waiters = self.waiters();
        for (call_id, decided) in decisions {
            let Some(waiting) = waiters.remove(&call_id) else { continue };
            let mut waiting = waiting.into_iter();
            let Some(first) = waiting.next() else { continue };
            // The others asked for the same call again.
            let again = |decided: &Decided| match decided {
                Decided::Included(record) => Fate::Duplicate(record.clone()),
                Decided::Refused(refused) => Fate::Refused(refused.clone()),
                Decided::Failed(error) => Fate::Failed(ChainError::Fault(error.to_string())),
            };
            for other in waiting {
                let _ = other.send(again(&decided));
            }
            let _ = first.send(match decided {
                Decided::Included(record) => Fate::Included(record),
                Decided::Refused(refused) => Fate::Refused(refused),
                Decided::Failed(error) => Fate::Failed(error),
            });
        }
    }
}

/// What a thread does.
type Body = Box<dyn FnOnce() + Send>;

/// The threads.
#[derive(Debug)]
pub struct Producer {
    shared: Arc<Shared>,
    arriving: Mutex<Option<mpsc::Sender<Arriving>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Producer {
    /// Starts them.
    pub fn start(chain: Chain, sealing: Sealing) -> Producer {
        let (arriving, arrivals) = mpsc::channel(ARRIVING_MAX);
        let (to_store, commitments) = std::sync::mpsc::channel();
        let shared = Arc::new(Shared {
            readers: chain.readers(),
            authenticator: chain.authenticator(),
            gate: chain.gate(),
            sealing,
            chain: Mutex::new(chain),
            waiters: Mutex::default(),
            signals: Mutex::default(),
            changed: Condvar::new(),
            is_building: AtomicBool::new(false),
        });
        let spawn = |name: &str, body: Body| std::thread::Builder::new().name(name.into()).spawn(body);
        let (admission, sealer, storer) = (shared.clone(), shared.clone(), shared.clone());
        let bodies: [(&str, Body); 3] = [
            ("zvm-admission", Box::new(move || admit(&admission, arrivals))),
            ("zvm-sealer", Box::new(move || seal(&sealer, &to_store))),
            ("zvm-storer", Box::new(move || store(&storer, &commitments))),
        ];
        let mut threads = Vec::new();
        for (name, body) in bodies {
            match spawn(name, body) {
                Ok(thread) => threads.push(thread),
                Err(error) => tracing::error!("the thread {name} could not be started: {error}"),
            }
        }
        Producer { shared, arriving: Mutex::new(Some(arriving)), threads: Mutex::new(threads) }
    }

    /// The chain, for as long as the guard lives: admission and the exchange of blocks wait meanwhile.
    pub fn chain(&self) -> MutexGuard<'_, Chain> {
        self.shared.chain()
    }

    /// Whether a block is being built.
    pub fn is_building(&self) -> bool {
        self.shared.is_building.load(Ordering::Relaxed)
    }

    /// What is asked of a call before its signature.
    pub fn gate(&self) -> Gate {
        self.shared.gate
    }

    /// Takes a call in. Nothing if too many are on their way, or the node ends.
    pub fn submit(&self, peer: Peer, envelope: Envelope) -> Option<oneshot::Receiver<Received>> {
        let (reply, received) = oneshot::channel();
        let arriving = self.arriving.lock().unwrap_or_else(PoisonError::into_inner);
        arriving.as_ref()?.try_send(Arriving { peer, envelope, reply }).ok()?;
        Some(received)
    }

    /// Makes a block of what is ready, also of nothing, at this time or just after its parent.
    pub fn mine(&self, timestamp: u64) -> oneshot::Receiver<Result<(), String>> {
        let (done, mined) = oneshot::channel();
        self.shared.signal(|signals| signals.mine.push(Mine { timestamp, done }));
        mined
    }

    /// Takes no further call; what waits for a block hears that the node ends.
    pub fn stop(&self) {
        self.arriving.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.shared.signal(|signals| signals.is_over = true);
        self.shared.waiters().clear();
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.stop();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the node panicked");
            }
        }
    }
}

/// Bad signatures of a peer.
#[derive(Clone, Copy, Debug)]
struct Bad {
    count: u32,
    since: Instant,
}

/// Checks signatures and lets calls wait.
fn admit(shared: &Shared, mut arrivals: mpsc::Receiver<Arriving>) {
    let mut bad: BTreeMap<Peer, Bad> = BTreeMap::new();
    while let Some(first) = arrivals.blocking_recv() {
        let mut batches: BTreeMap<Peer, Vec<Arriving>> = BTreeMap::new();
        let mut count = 1_usize;
        batches.entry(first.peer).or_default().push(first);
        while count < BATCH_MAX
            && let Ok(next) = arrivals.try_recv()
        {
            batches.entry(next.peer).or_default().push(next);
            count = count.saturating_add(1);
        }
        let now = Instant::now();
        bad.retain(|_, bad| now.duration_since(bad.since) < BAD_FOR);
        let (doubted, trusted): (Vec<_>, Vec<_>) =
            batches.into_iter().partition(|(peer, _)| bad.get(peer).is_some_and(|bad| bad.count >= BAD_MAX));
        for (peer, batch) in trusted {
            note_bad(&mut bad, peer, check(shared, batch), now);
        }
        for (peer, batch) in doubted {
            for call in batch {
                note_bad(&mut bad, peer, check(shared, vec![call]), now);
            }
        }
    }
}

fn note_bad(bad: &mut BTreeMap<Peer, Bad>, peer: Peer, count: u32, now: Instant) {
    if count == 0 || (bad.len() >= BAD_PEERS_MAX && !bad.contains_key(&peer)) {
        return;
    }
    let entry = bad.entry(peer).or_insert(Bad { count: 0, since: now });
    entry.count = entry.count.saturating_add(count);
}

/// Checks the signatures of one peer's calls together, and lets them wait. Says how many were bad.
fn check(shared: &Shared, batch: Vec<Arriving>) -> u32 {
    let mut replies = Vec::with_capacity(batch.len());
    let envelopes = batch.into_iter().map(|Arriving { envelope, reply, .. }| {
        replies.push(reply);
        envelope
    });
    let envelopes: Vec<Envelope> = envelopes.collect();
    let verdicts = shared.authenticator.check(envelopes);
    let mut bad = 0_u32;
    let mut good = Vec::new();
    for (verdict, reply) in verdicts.into_iter().zip(replies) {
        match verdict.map_err(Fate::Refused).and_then(|call| agrees(shared, call)) {
            Ok(call) => good.push((call, reply)),
            Err(fate) => {
                bad = bad.saturating_add(1);
                let _ = reply.send(Received::Decided(fate));
            }
        }
    }
    wait(shared, good);
    bad
}

/// Asks an account that is a contract.
fn agrees(shared: &Shared, call: Ready) -> Result<Ready, Fate> {
    if !call.envelope.is_by_contract() {
        return Ok(call);
    }
    let judged = shared.readers.newest().and_then(|reader| reader.check_auth(&call));
    match judged {
        Ok(Ok(())) => Ok(call),
        Ok(Err(refused)) => Err(Fate::Refused(refused)),
        Err(error) => Err(Fate::Failed(error)),
    }
}

/// Lets authentic calls wait for a block.
fn wait(shared: &Shared, calls: Vec<(Ready, oneshot::Sender<Received>)>) {
    if calls.is_empty() {
        return;
    }
    let mut chain = shared.chain();
    let mut waiting = Vec::new();
    for (call, reply) in calls {
        let (call_id, signer, nonce) = (call.call_id, call.signer, call.envelope.body.nonce);
        match chain.admit(call) {
            Ok(Admitted::Waits(_)) => waiting.push((call_id, signer, nonce, reply)),
            Ok(Admitted::Duplicate(record)) => drop(reply.send(Received::Decided(Fate::Duplicate(record)))),
            Ok(Admitted::Refused(refused)) => drop(reply.send(Received::Decided(Fate::Refused(refused)))),
            Err(error) => drop(reply.send(Received::Decided(Fate::Failed(error)))),
        }
    }
    {
        // Under the chain's lock: no block can be decided before those who wait for it are known.
        let mut waiters = shared.waiters();
        for (call_id, signer, nonce, reply) in waiting {
            let (tell, fate) = oneshot::channel();
            let has_gap = chain.has_gap(&signer, nonce);
            if reply.send(Received::Waits { call_id, has_gap, fate }).is_ok() {
                waiters.entry(call_id).or_default().push(tell);
            }
        }
    }
    let dropped = chain.dropped();
    let has_ready = chain.has_ready();
    drop(chain);
    shared.tell(dropped);
    if has_ready {
        shared.signal(|signals| {
            signals.ready_since.get_or_insert_with(Instant::now);
        });
    }
}

/// What the sealer does next.
enum Next {
    Block,
    Mine(Mine),
    End,
}

/// Waits until a block is due.
fn next(shared: &Shared, last: Instant) -> Next {
    let mut signals = shared.signals();
    loop {
        if signals.is_over {
            return Next::End;
        }
        if !signals.mine.is_empty() && !signals.is_storing {
            return Next::Mine(signals.mine.remove(0));
        }
        let now = Instant::now();
        let due = signals.ready_since.and_then(|since| due(shared, &signals, since, last));
        match due {
            Some(due) if due <= now => {
                signals.ready_since = None;
                return Next::Block;
            }
            Some(due) => {
                let rest = due.saturating_duration_since(now);
                signals =
                    shared.changed.wait_timeout(signals, rest).unwrap_or_else(PoisonError::into_inner).0;
            }
            None => signals = shared.changed.wait(signals).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// When the calls that are ready since then become a block; nothing if that is not up to time.
fn due(shared: &Shared, signals: &Signals, since: Instant, last: Instant) -> Option<Instant> {
    match shared.sealing {
        Sealing::Manual => None,
        Sealing::Instant => Some(since),
        Sealing::Interval { ms, .. } => last.checked_add(Duration::from_millis(ms)),
        Sealing::Eager { wait_ms } if signals.is_storing => {
            // The lock on the chain is not taken while that on the signals is held by who holds the chain's.
            let is_worth = shared.chain.try_lock().is_ok_and(|chain| chain.waiting() >= WORTH_A_BLOCK);
            if is_worth { Some(since) } else { since.checked_add(Duration::from_millis(wait_ms)) }
        }
        Sealing::Eager { .. } => Some(since),
    }
}

/// Builds blocks.
fn seal(shared: &Shared, to_store: &std::sync::mpsc::Sender<Commitment>) {
    let mut last = Instant::now();
    loop {
        match next(shared, last) {
            Next::End => return,
            Next::Mine(mine) => mine_one(shared, mine, to_store),
            Next::Block => {
                last = Instant::now();
                block(shared, now_ms(), to_store);
            }
        }
    }
}

/// Builds a block of what is ready, and hands it to who stores it when the one before is stored.
fn block(shared: &Shared, timestamp: u64, to_store: &std::sync::mpsc::Sender<Commitment>) {
    let Some(job) = shared.chain().begin_block(timestamp, shared.sealing.calls_max()) else { return };
    shared.is_building.store(true, Ordering::Relaxed);
    let sealed = job.run();
    shared.is_building.store(false, Ordering::Relaxed);
    drop(stored(shared));
    // If the block before could not be stored, this one is dropped, and its calls wait again.
    let mut chain = shared.chain();
    let (commitment, decisions) = chain.sealed(sealed);
    let has_ready = chain.has_ready();
    drop(chain);
    shared.tell(decisions);
    shared.signal(|signals| {
        signals.is_storing = commitment.is_some();
        if has_ready {
            signals.ready_since.get_or_insert_with(Instant::now);
        }
    });
    if let Some(commitment) = commitment
        && to_store.send(commitment).is_err()
    {
        tracing::error!("the thread that stores blocks is gone");
        shared.signal(|signals| signals.is_over = true);
    }
}

/// Waits until no block is being stored.
fn stored(shared: &Shared) -> MutexGuard<'_, Signals> {
    let mut signals = shared.signals();
    while signals.is_storing {
        signals = shared.changed.wait(signals).unwrap_or_else(PoisonError::into_inner);
    }
    signals
}

fn mine_one(shared: &Shared, mine: Mine, to_store: &std::sync::mpsc::Sender<Commitment>) {
    let Mine { timestamp, done } = mine;
    let before = shared.chain().head().height;
    shared.signals().ready_since = None;
    block(shared, timestamp, to_store);
    drop(stored(shared));
    let mut chain = shared.chain();
    let mined = match chain.head().height {
        height if height == before => chain.seal_empty(timestamp).map_err(|error| error.to_string()),
        _ => Ok(()),
    };
    drop(chain);
    let _ = done.send(mined);
}

/// Stores blocks and answers their calls.
fn store(shared: &Shared, commitments: &std::sync::mpsc::Receiver<Commitment>) {
    while let Ok(commitment) = commitments.recv() {
        let stored = commitment.run();
        let mut chain = shared.chain();
        let decisions = match stored {
            Ok(()) => chain.committed(commitment),
            Err(error) => chain.failed(commitment, error),
        };
        let has_ready = chain.has_ready();
        drop(chain);
        shared.signal(|signals| {
            signals.is_storing = false;
            if has_ready {
                signals.ready_since.get_or_insert_with(Instant::now);
            }
        });
        shared.tell(decisions);
    }
}
