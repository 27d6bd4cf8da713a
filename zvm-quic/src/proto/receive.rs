//! The receiving side of an upload: counts, hashes and validates what arrives, in groups of 16 KiB, and
//! gives out the module only when length, digests and validator agree. Knows no stream, file or clock.

use sha2::{Digest, Sha256};

use super::frame::{Refusal, UploadStart};
use super::message::{Hash, UploadAnswer};
use super::sink::{ModuleSink, RejectInfo};
use super::table::{AnswerCode, GROUP_BYTES, Limits};

/// What one call of [`Receive::feed`] did.
#[derive(Debug, PartialEq, Eq)]
pub struct Fed {
    /// Bytes taken from the front of what was given.
    pub used: usize,
    /// A group that became full: the next bytes of the spool file.
    pub group: Option<Vec<u8>>,
}

/// A module that is whole, matches its digests and is valid.
#[derive(Debug)]
pub struct Received<M> {
    /// The module.
    pub module: M,
    /// The last bytes of the spool file.
    pub tail: Vec<u8>,
    /// What to tell the sender once the module is stored.
    pub answer: UploadAnswer,
}

/// An upload under way.
#[derive(Debug)]
pub struct Receive<S> {
    start: UploadStart,
    sink: S,
    bytes: u64,
    group: Vec<u8>,
    blake3: blake3::Hasher,
    sha256: Option<Sha256>,
    valid_before_last: Option<u32>,
}

/// Whether an upload of this length may begin.
///
/// # Errors
/// `LengthRefused`.
pub fn admit_length(start: &UploadStart, limits: &Limits) -> Result<(), Refusal> {
    let length = start.header.length;
    if length == 0 || length > limits.module_bytes_max {
        let text = format!("a module of {length} bytes; this node takes 1 to {}", limits.module_bytes_max);
        return Err(Refusal::new(AnswerCode::LengthRefused, text).at(3));
    }
    Ok(())
}

impl<S: ModuleSink> Receive<S> {
    /// An upload at its first byte, whose length [`admit_length`] admitted.
    pub fn new(start: UploadStart, sink: S) -> Receive<S> {
        let sha256 = start.sha256.map(|_| Sha256::new());
        Receive {
            start,
            sink,
            bytes: 0,
            group: Vec::new(),
            blake3: blake3::Hasher::new(),
            sha256,
            valid_before_last: None,
        }
    }

    /// What was announced.
    pub fn start(&self) -> &UploadStart {
        &self.start
    }

    /// Takes bytes of an arrival: all, or until `work` is done or a group is full. Call again with the rest.
    ///
    /// # Errors
    /// `ModuleRefused` at the first byte at fault, `LengthMismatch` at the first byte too many. The upload
    /// is over then.
    pub fn feed(&mut self, bytes: &[u8], work: u64) -> Result<Fed, Refusal> {
        let missing = self.start.header.length.saturating_sub(self.bytes);
        if missing == 0 && !bytes.is_empty() {
            return Err(Refusal::new(AnswerCode::LengthMismatch, "more bytes than announced").at(self.bytes));
        }
        let arriving = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if arriving >= missing && self.valid_before_last.is_none() {
            self.valid_before_last = Some(self.sink.progress().functions_valid);
        }
        let room = GROUP_BYTES.saturating_sub(self.group.len());
        let limit = usize::try_from(missing).unwrap_or(usize::MAX).min(room);
        let bytes = bytes.get(..limit).unwrap_or(bytes);
        let used = if bytes.is_empty() { 0 } else { self.sink.feed(bytes, work).map_err(refused)? };
        let bytes = bytes.get(..used).unwrap_or(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.group.extend(bytes);
        let group = (self.group.len() >= GROUP_BYTES).then(|| self.close_group());
        Ok(Fed { used: bytes.len(), group })
    }

    /// The sender ended the stream.
    ///
    /// # Errors
    /// `LengthMismatch`, `DigestMismatch`, `Sha256Mismatch`, `ModuleRefused`, in this order.
    pub fn finish(mut self) -> Result<Received<S::Module>, Refusal> {
        let announced = self.start.header.length;
        if self.bytes != announced {
            let text = format!("{announced} bytes announced, {} came", self.bytes);
            return Err(Refusal::new(AnswerCode::LengthMismatch, text).at(self.bytes));
        }
        let tail = self.close_group();
        // The border between the wire and the node.
        let digest: Hash = self.blake3.finalize().into();
        if digest != self.start.header.digest {
            return Err(Refusal::new(AnswerCode::DigestMismatch, "the BLAKE3 digest is another"));
        }
        if let (Some(hasher), Some(announced)) = (self.sha256, self.start.sha256) {
            let sha256: Hash = hasher.finalize().into();
            if sha256 != announced {
                return Err(Refusal::new(AnswerCode::Sha256Mismatch, "the SHA-256 is another"));
            }
        }
        let progress = self.sink.progress();
        let module = self.sink.finish(&digest).map_err(refused)?;
        let answer = UploadAnswer {
            known: 0,
            functions_valid_before_last_chunk: self.valid_before_last.unwrap_or(0),
            functions_total: progress.functions_valid,
            bytes: self.bytes,
            work: progress.work,
            code_hash: digest,
        };
        Ok(Received { module, tail, answer })
    }

    fn close_group(&mut self) -> Vec<u8> {
        let group = core::mem::take(&mut self.group);
        self.blake3.update(&group);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(&group);
        }
        group
    }
}

fn refused(reject: RejectInfo) -> Refusal {
    Refusal::new(AnswerCode::ModuleRefused, reject.text).with_detail(reject.code).at(reject.offset)
}
