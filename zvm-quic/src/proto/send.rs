//! The sending side: what to send of a module, what a stop or an answer means, when to try again after a
//! cut. Knows no stream and no clock; randomness is an argument.

use core::ops::Range;
use core::time::Duration;

use sha2::{Digest, Sha256};

use super::codec::Malformed;
use super::frame::{Answer, Refusal, UploadStart};
use super::message::{Hash, UPLOAD_SHA256, UploadAnswer, UploadHeader};
use super::table::Limits;

/// An upload under way.
#[derive(Debug)]
pub struct Send {
    start: UploadStart,
    sent: usize,
    len: usize,
    stopped: bool,
}

impl Send {
    /// An upload of `module`; `profile` zeros is the chain's own.
    pub fn new(module: &[u8], profile: Hash, with_sha256: bool) -> Send {
        let header = UploadHeader {
            flags: if with_sha256 { UPLOAD_SHA256 } else { 0 },
            length: u64::try_from(module.len()).unwrap_or(u64::MAX),
            profile,
            digest: blake3::hash(module).into(),
        };
        let sha256 = with_sha256.then(|| Sha256::digest(module).into());
        Send { start: UploadStart { header, sha256 }, sent: 0, len: module.len(), stopped: false }
    }

    /// What is announced.
    pub fn start(&self) -> &UploadStart {
        &self.start
    }

    /// The bytes to send next, `max` at most; none when all are sent or the other side has stopped us.
    pub fn next(&self, max: usize) -> Option<Range<usize>> {
        let end = self.sent.saturating_add(max).min(self.len);
        (!self.stopped && end > self.sent).then_some(self.sent..end)
    }

    /// `count` bytes more were handed over; the sum.
    pub fn sent(&mut self, count: usize) -> usize {
        self.sent = self.sent.saturating_add(count).min(self.len);
        self.sent
    }

    /// The receiver wants no more bytes; its answer says why.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// The connection was cut: begin again.
    pub fn restart(&mut self) {
        self.sent = 0;
        self.stopped = false;
    }

    /// The answer.
    ///
    /// # Errors
    /// `Malformed`: it is none, or that of another module.
    pub fn answer(
        &self,
        answer: Result<Answer, Refusal>,
    ) -> Result<Result<UploadAnswer, Refusal>, Malformed> {
        let answer = match answer {
            Ok(answer) => answer.message::<UploadAnswer>()?,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if answer.code_hash != self.start.header.digest {
            return Err(Malformed { offset: 0, expected: "the uploaded module's identity" });
        }
        Ok(Ok(answer))
    }
}

/// When to try again: twice as late each time, within bounds, and never all clients at once.
#[derive(Clone, Debug)]
pub struct Backoff {
    attempt: u32,
    attempts_max: u32,
    pause: Duration,
    pause_max: Duration,
}

impl Backoff {
    /// Before the first failure.
    pub fn new(limits: &Limits) -> Backoff {
        Backoff {
            attempt: 0,
            attempts_max: limits.retry_attempts_max,
            pause: Duration::from_millis(limits.retry_initial_ms),
            pause_max: Duration::from_millis(limits.retry_pause_ms_max),
        }
    }

    /// After a failure: how long to wait, between a half and the whole of the pause as `random` says;
    /// nothing when it is time to give up.
    pub fn next(&mut self, random: u64) -> Option<Duration> {
        self.attempt = self.attempt.saturating_add(1);
        if self.attempt >= self.attempts_max {
            return None;
        }
        let pause = self.pause.min(self.pause_max);
        self.pause = pause.saturating_mul(2);
        let half = u64::try_from(pause.as_nanos() / 2).unwrap_or(u64::MAX);
        let part = random.checked_rem(half.saturating_add(1)).unwrap_or(0);
        Some(Duration::from_nanos(half.saturating_add(part)))
    }
}
