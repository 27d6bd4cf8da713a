//! One stream at a time: reads a request, has it done, writes the answer. Knows no endpoint.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ghost_wasm::Interrupt;
use quinn::{ReadError, RecvStream, SendStream, VarInt};

use super::held::Held;
use super::query::{Queries, unpaid};
use super::share::Room;
use super::upload::{Gate, Slot, upload};
use crate::node::{Node, Submitted};
use crate::proto::codec::{Blob, Wire};
use crate::proto::frame::{Refusal, Request, RequestReader, Taken, encode_answer, encode_refusal};
use crate::proto::message::{CALL_NO_WAIT, CallId, Hash, HealthAnswer, RecordAnswer};
use crate::proto::pace::{Pace, Peer};
use crate::proto::table::{AnswerCode, Limits, StopCode};
use crate::spool::SpoolDir;

const READ_BYTES: usize = 64 << 10;

/// What all streams share.
pub(super) struct Shared<N> {
    pub(super) node: Arc<N>,
    pub(super) spools: SpoolDir,
    pub(super) limits: Limits,
    /// Who may upload.
    pub(super) gate: Gate,
    /// The queries under way.
    pub(super) queries: Arc<Queries>,
    /// Requests that may be inside the node and change it: they wait for each other.
    pub(super) room: Room,
    /// Requests that may be inside the node and only read: those that change it do not keep them out.
    pub(super) reads: Room,
    /// Signed calls under way; they wait for a block, and not for each other.
    pub(super) calls: Room,
    /// Answers that wait until they are taken.
    pub(super) answers: Arc<Held>,
    pub(super) born: Instant,
}

/// Why there is no answer to write, or which.
pub(super) enum End {
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
pub(super) struct Arrivals<'a> {
    recv: RecvStream,
    pace: Pace,
    born: Instant,
    /// The place of an upload, which it can lose while it waits for bytes.
    pub(super) slot: Option<Slot<'a>>,
}

impl Arrivals<'_> {
    fn now(&self) -> Duration {
        self.born.elapsed()
    }

    /// The next bytes; nothing at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, End> {
        self.pace.excuse(self.now());
        if let Some(slot) = &self.slot {
            slot.awaits();
        }
        let read = self.read().await;
        if let Some(slot) = &self.slot {
            slot.received(read.as_ref().map_or(0, |chunk| chunk.as_ref().map_or(0, Bytes::len)));
        }
        read
    }

    async fn read(&mut self) -> Result<Option<Bytes>, End> {
        loop {
            let deadline = tokio::time::Instant::from_std(self.born + self.pace.deadline());
            let read = tokio::select! {
                read = tokio::time::timeout_at(deadline, self.recv.read_chunk(READ_BYTES, true)) => read,
                refusal = lost(self.slot.as_ref()) => return Err(refusal.into()),
            };
            match read {
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

    /// Ends when the other side gives the stream up or is gone, and never after it has sent all.
    pub(super) async fn gone(&mut self) {
        if let Ok(None) = self.recv.received_reset().await {
            std::future::pending().await
        }
    }

    pub(super) fn stop(&mut self, code: StopCode) {
        // Fails only when the stream has ended anyway.
        let _ = self.recv.stop(VarInt::from_u32(code.number()));
    }
}

/// Ends when the place is lost; never for a request that needs none.
async fn lost(slot: Option<&Slot<'_>>) -> Refusal {
    match slot {
        Some(slot) => slot.lost().await,
        None => std::future::pending().await,
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
    let mut arrivals = Arrivals { recv, pace, born: shared.born, slot: None };
    let (answer, _holding) = match answer(&shared, peer, &mut arrivals, &send).await {
        Ok(Answer { whole, instead }) => match shared.answers.hold(Peer::of(peer), whole.len()) {
            Some(holding) => (whole, Some(holding)),
            None => (instead.unwrap_or_else(|| encode_refusal(&too_many_answers())), None),
        },
        Err(End::Refused(refusal)) => {
            tracing::debug!(
                code = refusal.code.name(),
                detail = refusal.detail,
                "request refused: {}",
                refusal.text
            );
            arrivals.stop(StopCode::Refused);
            (encode_refusal(&refusal), None)
        }
        Err(End::Gone) => {
            let _ = send.reset(VarInt::from_u32(StopCode::Cancelled.number()));
            return;
        }
    };
    // An upload gives its place up before its answer is on its way.
    drop(arrivals);
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

/// An answer, and what goes in its place when this peer, or all of them, let too much wait. Something executed is never
/// told as refused.
pub(super) struct Answer {
    whole: Vec<u8>,
    instead: Option<Vec<u8>>,
}

impl From<Vec<u8>> for Answer {
    fn from(whole: Vec<u8>) -> Answer {
        Answer { whole, instead: None }
    }
}

fn too_many_answers() -> Refusal {
    Refusal::new(AnswerCode::Busy, "too many answers wait until they are taken")
}

async fn answer<'a, N: Node>(
    shared: &'a Arc<Shared<N>>,
    peer: IpAddr,
    arrivals: &mut Arrivals<'a>,
    send: &SendStream,
) -> Result<Answer, End> {
    let mut reader = RequestReader::new();
    while let Some(chunk) = arrivals.next().await? {
        if let Taken::Upload { start, used } = reader.feed(&chunk)? {
            let answer = upload(shared, peer, arrivals, start, chunk.slice(used..)).await?;
            return Ok(encode_answer(AnswerCode::Ok, &answer).into());
        }
    }
    request(shared, peer, reader.end()?, send).await
}

/// Runs what may block off the event loop, if the node has room for one more of this peer.
///
/// Whoever leaves does not take back what was begun: without a bound, clients that come and go could pile up
/// work without end.
pub(super) async fn inside<T: Send + 'static>(
    room: &Room,
    peer: Peer,
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    blocking(room.enter(peer)?, work).await
}

/// Runs what may block off the event loop. It takes up `room` until it ends.
pub(super) async fn blocking<T: Send + 'static>(
    room: impl Send + 'static,
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let run = move || {
        let _room = room;
        work()
    };
    match tokio::task::spawn_blocking(run).await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!("a request failed inside the node: {error}");
            Err(Refusal::new(AnswerCode::Internal, "a fault of the node"))
        }
    }
}

async fn request<N: Node>(
    shared: &Arc<Shared<N>>,
    peer: IpAddr,
    request: Request,
    send: &SendStream,
) -> Result<Answer, End> {
    let node = shared.node.clone();
    let from = Peer::of(peer);
    match request {
        Request::Call(call) => {
            let wait = call.flags & CALL_NO_WAIT == 0;
            let _room = shared.calls.enter(from)?;
            match node.submit(from, call.envelope.into_vec(), wait).await? {
                Submitted::Included(id, record) => executed(AnswerCode::Ok, id, record),
                Submitted::Duplicate(id, record) => executed(AnswerCode::Duplicate, id, record),
                Submitted::Accepted(call_id) => {
                    Ok(encode_answer(AnswerCode::Accepted, &CallId { call_id }).into())
                }
            }
        }
        Request::Query(asked) => {
            let work = move |node: &N, flag: &Interrupt| {
                node.query(&asked.target, asked.gas_limit, asked.input.as_slice(), flag)
            };
            unpaid(shared, peer, send, work).await.map(Answer::from)
        }
        Request::Simulate(asked) => {
            let work = move |node: &N, flag: &Interrupt| node.simulate(asked.envelope.as_slice(), flag);
            unpaid(shared, peer, send, work).await.map(Answer::from)
        }
        Request::Proof(asked) => {
            let work = move || node.proof(asked.height, asked.key.as_slice());
            granted(inside(&shared.reads, from, work)).await.map(Answer::from)
        }
        Request::Receipt(ask) => match inside(&shared.reads, from, move || node.receipt(&ask.call_id)).await?
        {
            Some(record) => record_answer(AnswerCode::Ok, record).map(Answer::from),
            None => Err(Refusal::new(AnswerCode::NotFound, "no call with this id was executed").into()),
        },
        Request::Account(ask) => {
            granted(inside(&shared.reads, from, move || node.account(&ask.address))).await.map(Answer::from)
        }
        Request::Chain(_) => {
            let mut chain = inside(&shared.reads, from, move || node.chain()).await?;
            chain.module_bytes_max = chain.module_bytes_max.min(shared.limits.module_bytes_max);
            Ok(encode_answer(AnswerCode::Ok, &chain).into())
        }
        Request::Health(_) => {
            let (height, staged) =
                inside(&shared.reads, from, move || Ok((node.chain()?.height, node.staged()?))).await?;
            let uploads = shared.gate.total();
            Ok(encode_answer(AnswerCode::Ok, &HealthAnswer { height, uploads, staged }).into())
        }
    }
}

async fn granted<M: Wire>(result: impl Future<Output = Result<M, Refusal>>) -> Result<Vec<u8>, End> {
    Ok(encode_answer(AnswerCode::Ok, &result.await?))
}

/// The answer of a call that was executed; its sender can ask for the receipt if the node cannot hold all of it.
fn executed(code: AnswerCode, call_id: Hash, record: Vec<u8>) -> Result<Answer, End> {
    let instead = encode_answer(AnswerCode::Accepted, &CallId { call_id });
    Ok(Answer { whole: record_answer(code, record)?, instead: Some(instead) })
}

fn record_answer(code: AnswerCode, record: Vec<u8>) -> Result<Vec<u8>, End> {
    let record = Blob::new(record)
        .map_err(|_| Refusal::new(AnswerCode::Internal, "the call's record is too long to send"))?;
    Ok(encode_answer(code, &RecordAnswer { record }))
}
