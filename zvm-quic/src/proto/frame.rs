//! Requests and answers around the messages: kind ‖ version ‖ body, and code ‖ length ‖ body. Reads them
//! from chunks of any size; buffers what has arrived, never what was declared. Knows no stream.

use super::codec::{Malformed, Text, Wire};
use super::message::{
    AccountRequest, CallRequest, ChainRequest, ErrorBody, Hash, HealthRequest, NO_OFFSET, ProofRequest,
    QueryRequest, ReceiptRequest, SimulateRequest, UPLOAD_SHA256, UploadHeader, decode, encode,
};
use super::table::{
    ANSWER_BYTES_MAX, AnswerCode, ENVELOPE_BYTES_MAX, KEY_BYTES_MAX, Kind, QUERY_INPUT_BYTES_MAX, VERSION,
};

/// Bytes before a request's body.
pub const REQUEST_PREFIX_BYTES: usize = 2;
/// Bytes before an answer's body.
pub const ANSWER_PREFIX_BYTES: usize = 6;
/// Bytes of an upload's header without SHA-256, kind and version included.
pub const UPLOAD_HEADER_BYTES: usize = REQUEST_PREFIX_BYTES + 1 + 8 + 32 + 32;

/// A request that is not granted, or an answer that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub code: AnswerCode,
    /// A finer code; 0 is none.
    pub detail: u32,
    /// The byte at fault.
    pub offset: Option<u64>,
    /// For people.
    pub text: String,
}

impl Refusal {
    /// A refusal without place.
    #[cold]
    pub fn new(code: AnswerCode, text: impl Into<String>) -> Refusal {
        Refusal { code, detail: 0, offset: None, text: text.into() }
    }

    /// The same, with a finer code.
    pub fn with_detail(mut self, detail: u32) -> Refusal {
        self.detail = detail;
        self
    }

    /// The same, at a byte.
    pub fn at(mut self, offset: u64) -> Refusal {
        self.offset = Some(offset);
        self
    }
}

impl From<Malformed> for Refusal {
    fn from(error: Malformed) -> Refusal {
        let offset = u64::try_from(error.offset).unwrap_or(NO_OFFSET);
        Refusal::new(AnswerCode::Malformed, error.to_string()).at(offset)
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.code, self.text)
    }
}

impl core::error::Error for Refusal {}

/// A request whose bytes are all there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each holds the message of its name")]
pub enum Request {
    Call(CallRequest),
    Query(QueryRequest),
    Simulate(SimulateRequest),
    Proof(ProofRequest),
    Receipt(ReceiptRequest),
    Account(AccountRequest),
    Chain(ChainRequest),
    Health(HealthRequest),
}

impl Request {
    /// The bytes that ask for it.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, body) = match self {
            Request::Call(m) => (Kind::Call, encode(m)),
            Request::Query(m) => (Kind::Query, encode(m)),
            Request::Simulate(m) => (Kind::Simulate, encode(m)),
            Request::Proof(m) => (Kind::Proof, encode(m)),
            Request::Receipt(m) => (Kind::Receipt, encode(m)),
            Request::Account(m) => (Kind::Account, encode(m)),
            Request::Chain(m) => (Kind::Chain, encode(m)),
            Request::Health(m) => (Kind::Health, encode(m)),
        };
        [&[kind.number(), VERSION][..], &body].concat()
    }
}

/// What an upload announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadStart {
    /// The fixed fields.
    pub header: UploadHeader,
    /// The SHA-256 to compare at the end.
    pub sha256: Option<Hash>,
}

impl UploadStart {
    /// The bytes before the module's.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![Kind::Upload.number(), VERSION];
        self.header.put(&mut out);
        if let Some(sha256) = &self.sha256 {
            sha256.put(&mut out);
        }
        out
    }
}

impl Kind {
    /// Bytes of a request's body at most; for an upload those of its header.
    pub const fn body_bytes_max(self) -> usize {
        match self {
            Kind::Upload => UPLOAD_HEADER_BYTES - REQUEST_PREFIX_BYTES + 32,
            Kind::Call => 1 + 4 + ENVELOPE_BYTES_MAX,
            Kind::Query => 20 + 8 + 4 + QUERY_INPUT_BYTES_MAX,
            Kind::Simulate => 4 + ENVELOPE_BYTES_MAX,
            Kind::Proof => 8 + 4 + KEY_BYTES_MAX,
            Kind::Receipt => 32,
            Kind::Account => 20,
            Kind::Chain | Kind::Health => 0,
        }
    }
}

/// What the bytes so far amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A request that is not complete before the stream ends.
    More,
    /// An upload's header; the module begins behind the first `used` of the bytes just given.
    Upload {
        /// What it announces.
        start: UploadStart,
        /// Bytes of the last chunk that belong to the header.
        used: usize,
    },
}

/// Reads one request from the chunks of a stream.
#[derive(Debug, Default)]
pub struct RequestReader {
    buffer: Vec<u8>,
}

impl RequestReader {
    /// A reader at a stream's first byte.
    pub fn new() -> RequestReader {
        RequestReader::default()
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// `UnknownKind`, `UnknownVersion`, `TooLong`, `Unsupported`: as soon as the bytes that show it are here.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Taken, Refusal> {
        let mut used = 0;
        loop {
            let need = self.need()?;
            let missing = need.saturating_sub(self.buffer.len());
            if missing == 0 {
                return self.complete(bytes.len() > used).map(|start| match start {
                    Some(start) => Taken::Upload { start, used },
                    None => Taken::More,
                });
            }
            let rest = bytes.get(used..).unwrap_or(&[]);
            if rest.is_empty() {
                return Ok(Taken::More);
            }
            let take = rest.get(..missing).unwrap_or(rest);
            self.buffer.extend(take);
            used = used.saturating_add(take.len());
        }
    }

    /// The stream ended: the request.
    ///
    /// # Errors
    /// `Malformed`: the bytes are not a whole request.
    pub fn end(self) -> Result<Request, Refusal> {
        let short = || Refusal::new(AnswerCode::Malformed, "the request ends early").at(self.len());
        let (kind, body) = match (self.kind()?, self.buffer.get(REQUEST_PREFIX_BYTES..)) {
            (Some(kind), Some(body)) => (kind, body),
            _ => return Err(short()),
        };
        let at = REQUEST_PREFIX_BYTES;
        let request = match kind {
            Kind::Upload => return Err(short()),
            Kind::Call => {
                let call: CallRequest = decode(body, at)?;
                if call.flags & !super::message::CALL_NO_WAIT != 0 {
                    return Err(Refusal::new(AnswerCode::Unsupported, "reserved call flags").at(2));
                }
                Request::Call(call)
            }
            Kind::Query => Request::Query(decode(body, at)?),
            Kind::Simulate => Request::Simulate(decode(body, at)?),
            Kind::Proof => Request::Proof(decode(body, at)?),
            Kind::Receipt => Request::Receipt(decode(body, at)?),
            Kind::Account => Request::Account(decode(body, at)?),
            Kind::Chain => Request::Chain(decode(body, at)?),
            Kind::Health => Request::Health(decode(body, at)?),
        };
        Ok(request)
    }

    fn len(&self) -> u64 {
        u64::try_from(self.buffer.len()).unwrap_or(NO_OFFSET)
    }

    fn kind(&self) -> Result<Option<Kind>, Refusal> {
        let Some(&number) = self.buffer.first() else { return Ok(None) };
        let kind = Kind::from_number(number).ok_or_else(|| {
            Refusal::new(AnswerCode::UnknownKind, format!("unknown kind {number:#04x}")).at(0)
        })?;
        match self.buffer.get(1) {
            None | Some(&VERSION) => Ok(Some(kind)),
            Some(other) => {
                Err(Refusal::new(AnswerCode::UnknownVersion, format!("unknown version {other}")).at(1))
            }
        }
    }

    /// How many bytes can be taken before something is decided.
    fn need(&self) -> Result<usize, Refusal> {
        let Some(kind) = self.kind()? else { return Ok(1) };
        let Some(flags) = self.buffer.get(REQUEST_PREFIX_BYTES) else {
            let first_of_body =
                usize::from(self.buffer.len() >= REQUEST_PREFIX_BYTES && kind.body_bytes_max() > 0);
            return Ok(REQUEST_PREFIX_BYTES.saturating_add(first_of_body));
        };
        if kind != Kind::Upload {
            return Ok(REQUEST_PREFIX_BYTES.saturating_add(kind.body_bytes_max()));
        }
        if flags & !UPLOAD_SHA256 != 0 {
            return Err(Refusal::new(AnswerCode::Unsupported, "reserved upload flags").at(2));
        }
        Ok(UPLOAD_HEADER_BYTES.saturating_add(if flags & UPLOAD_SHA256 != 0 { 32 } else { 0 }))
    }

    /// All bytes that the kind may have are here.
    fn complete(&self, more: bool) -> Result<Option<UploadStart>, Refusal> {
        if self.kind()? == Some(Kind::Upload) {
            let mut reader = super::codec::Reader::new(
                self.buffer.get(REQUEST_PREFIX_BYTES..).unwrap_or(&[]),
                REQUEST_PREFIX_BYTES,
            );
            let header = UploadHeader::take(&mut reader)?;
            let sha256 =
                if header.flags & UPLOAD_SHA256 != 0 { Some(Hash::take(&mut reader)?) } else { None };
            return Ok(Some(UploadStart { header, sha256 }));
        }
        if more {
            return Err(Refusal::new(AnswerCode::TooLong, "the request is too long").at(self.len()));
        }
        Ok(None)
    }
}

/// The bytes of an answer that grants.
pub fn encode_answer(code: AnswerCode, body: &impl Wire) -> Vec<u8> {
    let body = encode(body);
    let mut out = Vec::with_capacity(ANSWER_PREFIX_BYTES.saturating_add(body.len()));
    code.number().put(&mut out);
    u32::try_from(body.len()).unwrap_or(u32::MAX).put(&mut out);
    out.extend(body);
    out
}

/// The bytes of an answer that refuses.
pub fn encode_refusal(refusal: &Refusal) -> Vec<u8> {
    let body = ErrorBody {
        detail: refusal.detail,
        offset: refusal.offset.unwrap_or(NO_OFFSET),
        text: Text::clipped(&refusal.text),
    };
    encode_answer(refusal.code, &body)
}

/// An answer whose bytes are all there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How the request ended; not an error.
    pub code: AnswerCode,
    /// The kind's body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as the message that belongs to the request.
    ///
    /// # Errors
    /// It is another one.
    pub fn message<M: Wire>(&self) -> Result<M, Malformed> {
        decode(&self.body, ANSWER_PREFIX_BYTES)
    }
}

/// Reads one answer from the chunks of a stream.
#[derive(Debug, Default)]
pub struct AnswerReader {
    buffer: Vec<u8>,
}

impl AnswerReader {
    /// A reader at a stream's first byte.
    pub fn new() -> AnswerReader {
        AnswerReader::default()
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// More bytes than an answer may have, or than this one announced.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        self.buffer.extend(bytes);
        match self.body_len()?.map(|len| ANSWER_PREFIX_BYTES.saturating_add(len)) {
            Some(end) if self.buffer.len() > end => {
                Err(Malformed { offset: end, expected: "the end of the answer" })
            }
            _ => Ok(()),
        }
    }

    /// The stream ended: the answer, or the refusal it carries.
    ///
    /// # Errors
    /// The bytes are not a whole answer.
    pub fn end(self) -> Result<Result<Answer, Refusal>, Malformed> {
        let early = Malformed { offset: self.buffer.len(), expected: "the rest of the answer" };
        let body_len = self.body_len()?.ok_or(early)?;
        let mut reader = super::codec::Reader::new(&self.buffer, 0);
        let at = reader.malformed("an answer code");
        let code = AnswerCode::from_number(u16::take(&mut reader)?).ok_or(at)?;
        u32::take(&mut reader)?;
        let body = reader.take(body_len, early.expected)?;
        if !code.is_error() {
            return Ok(Ok(Answer { code, body: body.to_vec() }));
        }
        let error: ErrorBody = decode(body, ANSWER_PREFIX_BYTES)?;
        Ok(Err(Refusal {
            code,
            detail: error.detail,
            offset: (error.offset != NO_OFFSET).then_some(error.offset),
            text: error.text.as_str().to_owned(),
        }))
    }

    fn body_len(&self) -> Result<Option<usize>, Malformed> {
        let Some(prefix) = self.buffer.get(..ANSWER_PREFIX_BYTES) else { return Ok(None) };
        let mut reader = super::codec::Reader::new(prefix, 0);
        u16::take(&mut reader)?;
        let at = reader.malformed("a length within its bound");
        match usize::try_from(u32::take(&mut reader)?) {
            Ok(len) if len <= ANSWER_BYTES_MAX => Ok(Some(len)),
            _ => Err(at),
        }
    }
}
