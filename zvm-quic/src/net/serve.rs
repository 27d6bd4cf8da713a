//! One stream at a time: reads a request, has it done, writes the answer. Knows no endpoint.

use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use quinn::{ReadError, RecvStream, SendStream, VarInt};
use tokio::sync::Semaphore;

use crate::node::{Node, Submitted};
use crate::proto::codec::{Blob, Wire};
use crate::proto::frame::{
    Refusal, Request, RequestReader, Taken, UploadStart, encode_answer, encode_refusal,
};
use crate::proto::message::{CALL_NO_WAIT, CallId, Hash, HealthAnswer, RecordAnswer, UploadAnswer};
use crate::proto::pace::{Pace, Peer, Slots};
use crate::proto::receive::{Receive, admit_length};
use crate::proto::table::{AnswerCode, Limits, StopCode};
use crate::spool::{SpoolDir, SpoolError};

const READ_BYTES: usize = 64 << 10;

/// What all streams share.
pub(super) struct Shared<N> {
    pub(super) node: Arc<N>,
    pub(super) spools: SpoolDir,
    pub(super) limits: Limits,
    pub(super) slots: Mutex<Slots>,
    /// Requests that may be inside the node.
    pub(super) room: Semaphore,
    pub(super) born: Instant,
}

/// Why there is no answer to write, or which.
enum End {
    Refused(Refusal),
    /// The other side is gone or gave the stream up.
    Gone,
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> End {
        End::Refused(refusal)
    }
}

/// The bytes of a request, with the pace they come at.
struct Arrivals {
    recv: RecvStream,
    pace: Pace,
    born: Instant,
}

impl Arrivals {
    fn now(&self) -> Duration {
        self.born.elapsed()
    }

    /// The next bytes; nothing at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, End> {
        self.pace.excuse(self.now());
        loop {
            let deadline = tokio::time::Instant::from_std(self.born + self.pace.deadline());
            match tokio::time::timeout_at(deadline, self.recv.read_chunk(READ_BYTES, true)).await {
                Err(_) => self.pace.check(self.now())?,
                Ok(Ok(Some(chunk))) => {
                    self.pace.received(self.now(), chunk.bytes.len());
                    self.pace.check(self.now())?;
                    return Ok(Some(chunk.bytes));
                }
                Ok(Ok(None)) => return Ok(None),
                Ok(Err(ReadError::IllegalOrderedRead)) => {
                    return Err(Refusal::new(AnswerCode::Internal, "the stream is read out of order").into());
                }
                Ok(Err(_)) => return Err(End::Gone),
            }
        }
    }

    fn stop(&mut self, code: StopCode) {
        // Fails only when the stream has ended anyway.
        let _ = self.recv.stop(VarInt::from_u32(code.number()));
    }
}

/// Serves one stream.
pub(super) async fn serve<N: Node>(
    shared: Arc<Shared<N>>,
    peer: IpAddr,
    mut send: SendStream,
    recv: RecvStream,
) {
    let pace = Pace::new(&shared.limits, shared.born.elapsed());
    let mut arrivals = Arrivals { recv, pace, born: shared.born };
    let answer = match answer(&shared, peer, &mut arrivals).await {
        Ok(answer) => answer,
        Err(End::Refused(refusal)) => {
            tracing::debug!(
                code = refusal.code.name(),
                detail = refusal.detail,
                "request refused: {}",
                refusal.text
            );
            arrivals.stop(StopCode::Refused);
            encode_refusal(&refusal)
        }
        Err(End::Gone) => {
            let _ = send.reset(VarInt::from_u32(StopCode::Cancelled.number()));
            return;
        }
    };
    let write = async {
        if send.write_all(&answer).await.is_ok() && send.finish().is_ok() {
            // Until the client has it, or is gone: the stream must not be dropped before.
            let _ = send.stopped().await;
        }
    };
    if tokio::time::timeout(super::millis(shared.limits.idle_ms), write).await.is_err() {
        tracing::debug!("an answer was not taken in time");
    }
}

async fn answer<N: Node>(
    shared: &Arc<Shared<N>>,
    peer: IpAddr,
    arrivals: &mut Arrivals,
) -> Result<Vec<u8>, End> {
    let mut reader = RequestReader::new();
    while let Some(chunk) = arrivals.next().await? {
        if let Taken::Upload { start, used } = reader.feed(&chunk)? {
            let answer = upload(shared, peer, arrivals, start, chunk.slice(used..)).await?;
            return Ok(encode_answer(AnswerCode::Ok, &answer));
        }
    }
    request(shared, reader.end()?).await.map_err(End::Refused)
}

/// Runs what may block off the event loop.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!("a request failed inside the node: {error}");
            Err(Refusal::new(AnswerCode::Internal, "a fault of the node"))
        }
    }
}

async fn request<N: Node>(shared: &Arc<Shared<N>>, request: Request) -> Result<Vec<u8>, Refusal> {
    // Whoever leaves does not take back what was begun: without a bound, clients that come and go could pile
    // up work without end.
    let Ok(_room) = shared.room.try_acquire() else {
        return Err(Refusal::new(AnswerCode::Busy, "the node has too many requests under way"));
    };
    let node = shared.node.clone();
    match request {
        Request::Call(call) => {
            let wait = call.flags & CALL_NO_WAIT == 0;
            match blocking(move || node.submit(call.envelope.as_slice(), wait)).await? {
                Submitted::Included(record) => record_answer(AnswerCode::Ok, record),
                Submitted::Duplicate(record) => record_answer(AnswerCode::Duplicate, record),
                Submitted::Accepted(call_id) => Ok(encode_answer(AnswerCode::Accepted, &CallId { call_id })),
            }
        }
        Request::Query(query) => {
            let run = move || node.query(&query.target, query.gas_limit, query.input.as_slice());
            granted(blocking(run)).await
        }
        Request::Receipt(ask) => match blocking(move || node.receipt(&ask.call_id)).await? {
            Some(record) => record_answer(AnswerCode::Ok, record),
            None => Err(Refusal::new(AnswerCode::NotFound, "no call with this id was executed")),
        },
        Request::Account(ask) => granted(blocking(move || node.account(&ask.address))).await,
        Request::Chain(_) => {
            let mut chain = blocking(move || node.chain()).await?;
            chain.module_bytes_max = chain.module_bytes_max.min(shared.limits.module_bytes_max);
            Ok(encode_answer(AnswerCode::Ok, &chain))
        }
        Request::Health(_) => {
            let (height, staged) = blocking(move || Ok((node.chain()?.height, node.staged()?))).await?;
            let uploads = shared.slots.lock().unwrap_or_else(PoisonError::into_inner).total();
            Ok(encode_answer(AnswerCode::Ok, &HealthAnswer { height, uploads, staged }))
        }
    }
}

async fn granted<M: Wire>(result: impl Future<Output = Result<M, Refusal>>) -> Result<Vec<u8>, Refusal> {
    Ok(encode_answer(AnswerCode::Ok, &result.await?))
}

fn record_answer(code: AnswerCode, record: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    let record = Blob::new(record)
        .map_err(|_| Refusal::new(AnswerCode::Internal, "the call's record is too long to send"))?;
    Ok(encode_answer(code, &RecordAnswer { record }))
}

/// A place among the uploads under way, free again when dropped.
struct Slot<'a> {
    slots: &'a Mutex<Slots>,
    peer: Peer,
}

impl<'a> Slot<'a> {
    fn take(slots: &'a Mutex<Slots>, peer: Peer) -> Result<Slot<'a>, Refusal> {
        slots.lock().unwrap_or_else(PoisonError::into_inner).take(peer)?;
        Ok(Slot { slots, peer })
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).release(self.peer);
    }
}

async fn upload<N: Node>(
    shared: &Arc<Shared<N>>,
    peer: IpAddr,
    arrivals: &mut Arrivals,
    start: UploadStart,
    first: Bytes,
) -> Result<UploadAnswer, End> {
    admit_length(&start, &shared.limits)?;
    let code_hash = start.header.digest;
    let profile = profile(shared, start.header.profile).await?;
    let no_profile = || Refusal::new(AnswerCode::ProfileRefused, "not a profile of this node").at(11);
    let sink = shared.node.sink(&profile).ok_or_else(no_profile)?;
    let node = shared.node.clone();
    let peer = Peer::of(peer);
    if blocking(move || node.claim(peer, &code_hash)).await? {
        arrivals.stop(StopCode::AlreadyHave);
        return Ok(known(code_hash));
    }
    let _slot = Slot::take(&shared.slots, peer)?;
    let mut spool = shared.spools.begin(start.header.length).map_err(spool_refusal)?;
    let mut receive = Receive::new(start, sink);
    let mut next = Some(first);
    while let Some(chunk) = next {
        let mut rest: &[u8] = &chunk;
        while !rest.is_empty() {
            let fed = receive.feed(rest, shared.limits.work_per_poll)?;
            if let Some(group) = fed.group {
                // 16 KiB into the page cache: shorter than a way to another thread. Nobody syncs it.
                spool.write(&group).map_err(spool_refusal)?;
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
    let keep = move || {
        spool.write(&received.tail).map_err(spool_refusal)?;
        // Read back and hashed: the node gets what the disk has.
        let bytes = spool.read(&code_hash).map_err(spool_refusal)?;
        node.stage(peer, &code_hash, received.module, bytes)?;
        Ok(received.answer)
    };
    blocking(keep).await.map_err(End::Refused)
}

/// The profile meant: zeros are the chain's own.
async fn profile<N: Node>(shared: &Arc<Shared<N>>, profile: Hash) -> Result<Hash, Refusal> {
    if profile != [0; 32] {
        return Ok(profile);
    }
    let node = shared.node.clone();
    Ok(blocking(move || node.chain()).await?.profile)
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
        SpoolError::Io { .. } | SpoolError::Damaged(_) => {
            // Paths are the node's business.
            tracing::error!("spool: {error}");
            Refusal::new(AnswerCode::StoreFailed, "the node could not write the module down")
        }
    }
}
