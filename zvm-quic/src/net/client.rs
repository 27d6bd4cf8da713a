//! The client: asks, uploads, and tries again when the connection is cut.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, ConnectionError, Endpoint, RecvStream, VarInt, WriteError};
use tokio::sync::Mutex;

use super::tls::{self, Pin, SERVER_NAME, TlsError};
use super::{Congestion, millis, transport};
use crate::proto::codec::{Blob, Malformed, Wire};
use crate::proto::frame::{Answer, AnswerReader, Refusal, Request};
use crate::proto::message::{
    AccountAnswer, AccountRequest, Address, CALL_NO_WAIT, CallId, CallRequest, ChainAnswer, ChainRequest,
    Hash, HealthAnswer, HealthRequest, ProofAnswer, ProofRequest, QueryAnswer, QueryRequest, ReceiptRequest,
    RecordAnswer, SimulateAnswer, SimulateRequest, UploadAnswer,
};
use crate::proto::send::{Backoff, Send};
use crate::proto::table::{AnswerCode, CloseCode, Limits};

const READ_BYTES: usize = 64 << 10;

/// Whom to talk to, and how.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The server.
    pub server: SocketAddr,
    /// Its key's fingerprint.
    pub pin: Pin,
    /// Limits.
    pub limits: Limits,
    /// How fast uploads are sent.
    pub congestion: Congestion,
}

/// How to upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadOptions {
    /// The profile's hash; zeros: the chain's own.
    pub profile: Hash,
    /// Whether to have the SHA-256 compared, too.
    pub sha256: bool,
    /// Bytes handed to the connection at once.
    pub chunk_bytes: usize,
}

impl Default for UploadOptions {
    fn default() -> UploadOptions {
        UploadOptions { profile: [0; 32], sha256: false, chunk_bytes: 16 << 10 }
    }
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadProgress {
    /// Bytes sent, in this attempt.
    pub bytes_sent: u64,
    /// Bytes to send.
    pub bytes_total: u64,
    /// Which attempt: 1, or more after cuts.
    pub attempt: u32,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallAnswer {
    /// It is in a block; the host's record.
    Included(Vec<u8>),
    /// It was executed before; its record.
    Duplicate(Vec<u8>),
    /// It waits for its block; its id.
    Accepted(Hash),
}

/// Why a call has no answer.
#[derive(Debug)]
pub struct CallError {
    /// Why.
    pub error: ClientError,
    /// Whether the call was sent again after a cut: then it may have been executed all the same.
    pub resent: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum ClientError {
    /// The node said no, and why.
    Refused(Refusal),
    /// The server's key is not the pinned one, or it could not prove that it has it.
    Untrusted(String),
    /// No connection, or it was cut, as often as was tried.
    Unreachable {
        /// How often.
        attempts: u32,
        /// What happened last.
        last: String,
    },
    /// The server does not speak the protocol.
    Protocol(Malformed),
    /// What was asked for is too long to ask.
    TooLong(&'static str),
    /// The local socket.
    Io(io::Error),
    /// The local cryptography.
    Tls(TlsError),
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ClientError::Refused(refusal) => refusal.fmt(f),
            ClientError::Untrusted(text) => write!(f, "the server is not the one expected: {text}"),
            ClientError::Unreachable { attempts, last } => {
                write!(f, "the server cannot be reached ({attempts} attempts): {last}")
            }
            ClientError::Protocol(error) => write!(f, "the server's answer is not understood: {error}"),
            ClientError::TooLong(what) => write!(f, "the {what} is too long"),
            ClientError::Io(error) => write!(f, "cannot open a socket: {error}"),
            ClientError::Tls(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ClientError {}

/// Why one attempt failed.
enum Failure {
    /// The connection broke: another attempt may succeed, and what this one asked for may have been done.
    Cut(String),
    /// Nothing was asked for, or the node said to come again: nothing was done.
    Later(String),
    Final(ClientError),
}

impl Failure {
    /// The same before anything was sent.
    fn unsent(self) -> Failure {
        match self {
            Failure::Cut(why) => Failure::Later(why),
            other => other,
        }
    }
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Failure {
        // RFC 9001, 4.8: 0x100 to 0x1ff carry the alerts of the handshake.
        let crypto = |code: u64| (0x100..0x200).contains(&code);
        match &error {
            ConnectionError::TransportError(inner) if crypto(inner.code.into()) => {
                // What rustls puts before the verifier's own words.
                let reason = inner.reason.strip_prefix("unexpected error: ").unwrap_or(&inner.reason);
                Failure::Final(ClientError::Untrusted(reason.into()))
            }
            ConnectionError::ConnectionClosed(close) if crypto(close.error_code.into()) => {
                Failure::Final(ClientError::Untrusted(error.to_string()))
            }
            _ => Failure::Cut(error.to_string()),
        }
    }
}

impl From<Malformed> for Failure {
    fn from(error: Malformed) -> Failure {
        Failure::Final(ClientError::Protocol(error))
    }
}

fn cut(error: impl std::fmt::Display) -> Failure {
    Failure::Cut(error.to_string())
}

fn granted<T>(result: Result<T, Refusal>) -> Result<T, Failure> {
    result.map_err(|refusal| match refusal.code.is_transient() {
        true => Failure::Later(refusal.to_string()),
        false => Failure::Final(ClientError::Refused(refusal)),
    })
}

/// A client of one server. Connects when it must; many requests may be under way at once.
pub struct Client {
    config: ClientConfig,
    endpoint: Endpoint,
    connection: Mutex<Option<Connection>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that is not connected yet. Wants a tokio runtime.
    ///
    /// # Errors
    /// `Io`, `Tls`.
    pub fn new(config: ClientConfig) -> Result<Client, ClientError> {
        let any = match config.server {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let mut endpoint = Endpoint::client(any).map_err(ClientError::Io)?;
        let tls = tls::client_config(config.pin).map_err(ClientError::Tls)?;
        let crypto = QuicClientConfig::try_from(tls)
            .map_err(|error| ClientError::Tls(TlsError::Key(error.to_string())))?;
        let mut quic = quinn::ClientConfig::new(Arc::new(crypto));
        let mut transport = transport(&config.limits, config.congestion);
        // A call may wait for its block longer than the connection may be silent.
        transport.keep_alive_interval(Some(millis(config.limits.idle_ms / 3)));
        quic.transport_config(Arc::new(transport));
        endpoint.set_default_client_config(quic);
        Ok(Client { config, endpoint, connection: Mutex::new(None) })
    }

    /// Connects, if not connected.
    ///
    /// # Errors
    /// `Unreachable`, `Untrusted`.
    pub async fn connect(&self) -> Result<(), ClientError> {
        let mut retry = Retry::new(&self.config.limits);
        loop {
            match self.connection().await {
                Ok(_) => return Ok(()),
                Err(failure) => retry.after(failure).await?,
            }
        }
    }

    /// Streams a module to the server, which validates it meanwhile. After a cut it begins again.
    /// `progress` hears of every chunk handed to the connection.
    ///
    /// # Errors
    /// `Refused` with code, validator's code and offset; `Unreachable`; `Untrusted`.
    pub async fn upload(
        &self,
        module: &[u8],
        options: UploadOptions,
        mut progress: impl FnMut(UploadProgress),
    ) -> Result<UploadAnswer, ClientError> {
        let mut upload = Send::new(module, options.profile, options.sha256);
        let mut retry = Retry::new(&self.config.limits);
        loop {
            upload.restart();
            let attempt = retry.attempt;
            let progress = |bytes_sent| {
                let bytes_total = u64::try_from(module.len()).unwrap_or(u64::MAX);
                let bytes_sent = u64::try_from(bytes_sent).unwrap_or(u64::MAX);
                progress(UploadProgress { bytes_sent, bytes_total, attempt });
            };
            match self.upload_once(module, &mut upload, options, progress).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => retry.after(failure).await?,
            }
        }
    }

    /// Submits a signed call; with `wait`, returns when it is in a block. Sent again after a cut: its id
    /// keeps it from being executed twice.
    ///
    /// # Errors
    /// `Refused`, `Unreachable`, `Untrusted`, `TooLong`.
    pub async fn call(&self, envelope: &[u8], wait: bool) -> Result<CallAnswer, ClientError> {
        self.call_with_resends(envelope, wait).await.map(|(answer, _)| answer).map_err(|error| error.error)
    }

    /// As [`call`](Client::call), and whether the call was sent again after a cut. If so, a duplicate may be
    /// the call of this very client, and a refusal for its nonce does not tell that it was not executed.
    ///
    /// # Errors
    /// As [`call`](Client::call).
    pub async fn call_with_resends(
        &self,
        envelope: &[u8],
        wait: bool,
    ) -> Result<(CallAnswer, bool), CallError> {
        let once = |error| CallError { error, resent: false };
        let envelope = Blob::new(envelope.to_vec()).map_err(|_| once(ClientError::TooLong("signed call")))?;
        let flags = if wait { 0 } else { CALL_NO_WAIT };
        let mut resent = false;
        let asked = self.ask_again(Request::Call(CallRequest { flags, envelope }), &mut resent).await;
        let answer = asked.map_err(|error| CallError { error, resent })?;
        let record = |answer: &Answer| answer.message::<RecordAnswer>().map(|m| m.record.into_vec());
        match answer.code {
            AnswerCode::Accepted => answer.message::<CallId>().map(|m| CallAnswer::Accepted(m.call_id)),
            AnswerCode::Duplicate => record(&answer).map(CallAnswer::Duplicate),
            _ => record(&answer).map(CallAnswer::Included),
        }
        .map(|answer| (answer, resent))
        .map_err(|error| CallError { error: ClientError::Protocol(error), resent })
    }

    /// Runs a contract's `query`; `gas_limit` 0 is what the node allows.
    ///
    /// # Errors
    /// As [`call`](Client::call).
    pub async fn query(
        &self,
        target: Address,
        gas_limit: u64,
        input: &[u8],
    ) -> Result<QueryAnswer, ClientError> {
        let input = Blob::new(input.to_vec()).map_err(|_| ClientError::TooLong("input"))?;
        self.message(Request::Query(QueryRequest { target, gas_limit, input })).await
    }

    /// What a call would lead to.
    ///
    /// # Errors
    /// As [`call`](Client::call).
    pub async fn simulate(&self, envelope: &[u8]) -> Result<SimulateAnswer, ClientError> {
        let envelope = Blob::new(envelope.to_vec()).map_err(|_| ClientError::TooLong("envelope"))?;
        self.message(Request::Simulate(SimulateRequest { envelope })).await
    }

    /// What a state holds under a full key, with the proof; `u64::MAX` is the newest state. The proof is not checked
    /// here.
    ///
    /// # Errors
    /// As [`call`](Client::call).
    pub async fn proof(&self, height: u64, full_key: &[u8]) -> Result<ProofAnswer, ClientError> {
        let key = Blob::new(full_key.to_vec()).map_err(|_| ClientError::TooLong("key"))?;
        self.message(Request::Proof(ProofRequest { height, key })).await
    }

    /// The record of an executed call; `NotFound` when there is none.
    ///
    /// # Errors
    /// As [`call`](Client::call).
    pub async fn receipt(&self, call_id: Hash) -> Result<Vec<u8>, ClientError> {
        let answer: RecordAnswer = self.message(Request::Receipt(ReceiptRequest { call_id })).await?;
        Ok(answer.record.into_vec())
    }

    /// An account.
    ///
    /// # Errors
    /// As [`call`](Client::call).
    pub async fn account(&self, address: Address) -> Result<AccountAnswer, ClientError> {
        self.message(Request::Account(AccountRequest { address })).await
    }

    /// The chain.
    ///
    /// # Errors
    /// As [`call`](Client::call).
    pub async fn chain(&self) -> Result<ChainAnswer, ClientError> {
        self.message(Request::Chain(ChainRequest {})).await
    }

    /// Whether the node answers.
    ///
    /// # Errors
    /// As [`call`](Client::call).
    pub async fn health(&self) -> Result<HealthAnswer, ClientError> {
        self.message(Request::Health(HealthRequest {})).await
    }

    /// Says goodbye.
    pub async fn close(self) {
        let code = CloseCode::Done;
        self.endpoint.close(VarInt::from_u32(code.number()), code.name().as_bytes());
        self.endpoint.wait_idle().await;
    }

    async fn message<M: Wire>(&self, request: Request) -> Result<M, ClientError> {
        self.ask(request).await?.message().map_err(ClientError::Protocol)
    }

    async fn ask(&self, request: Request) -> Result<Answer, ClientError> {
        self.ask_again(request, &mut false).await
    }

    /// Asks until there is an answer; `resent` becomes true when an attempt was cut.
    async fn ask_again(&self, request: Request, resent: &mut bool) -> Result<Answer, ClientError> {
        let bytes = request.encode();
        let mut retry = Retry::new(&self.config.limits);
        loop {
            match self.ask_once(&bytes).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => {
                    *resent |= matches!(failure, Failure::Cut(_));
                    retry.after(failure).await?;
                }
            }
        }
    }

    async fn ask_once(&self, bytes: &[u8]) -> Result<Answer, Failure> {
        let connection = self.connection().await.map_err(Failure::unsent)?;
        let opened = connection.open_bi().await;
        let (mut send, recv) = opened.map_err(|error| Failure::from(error).unsent())?;
        match send.write_all(bytes).await {
            Ok(()) => drop(send.finish()),
            // The answer says why.
            Err(WriteError::Stopped(_)) => {}
            Err(error) => return Err(cut(error)),
        }
        granted(self.answer(recv).await?)
    }

    async fn upload_once(
        &self,
        module: &[u8],
        upload: &mut Send,
        options: UploadOptions,
        mut progress: impl FnMut(usize),
    ) -> Result<UploadAnswer, Failure> {
        let (mut send, recv) = self.connection().await?.open_bi().await?;
        let mut next = Some(upload.start().encode());
        let mut at = 0;
        while let Some(bytes) = next {
            match send.write_all(&bytes).await {
                Ok(()) => progress(at),
                Err(WriteError::Stopped(_)) => upload.stop(),
                Err(error) => return Err(cut(error)),
            }
            next = upload.next(options.chunk_bytes.max(1)).and_then(|range| {
                at = upload.sent(range.len());
                module.get(range).map(<[u8]>::to_vec)
            });
        }
        // Fails only when the server has stopped the stream; its answer says why.
        let _ = send.finish();
        let answer = self.answer(recv).await?;
        granted(upload.answer(answer)?)
    }

    async fn answer(&self, mut recv: RecvStream) -> Result<Result<Answer, Refusal>, Failure> {
        let mut reader = AnswerReader::new();
        let read = async {
            while let Some(chunk) = recv.read_chunk(READ_BYTES, true).await.map_err(cut)? {
                reader.feed(&chunk.bytes)?;
            }
            Ok(reader.end()?)
        };
        tokio::time::timeout(millis(self.config.limits.answer_ms_max), read)
            .await
            .map_err(|_| cut("no answer in time"))?
    }

    async fn connection(&self) -> Result<Connection, Failure> {
        let mut slot = self.connection.lock().await;
        if let Some(open) = slot.as_ref().filter(|open| open.close_reason().is_none()) {
            return Ok(open.clone());
        }
        let connecting = self.endpoint.connect(self.config.server, SERVER_NAME).map_err(cut)?;
        let patience = millis(self.config.limits.connect_ms_max);
        let connection =
            tokio::time::timeout(patience, connecting).await.map_err(|_| cut("no handshake in time"))??;
        *slot = Some(connection.clone());
        Ok(connection)
    }
}

#[cfg(test)]
impl Client {
    /// Closes the connection without a word to whoever uses it.
    pub(crate) async fn cut(&self) {
        self.connection().await.ok().expect("connected").close(VarInt::from_u32(0), b"");
    }

    /// The same client from this address of the machine.
    pub(crate) fn bound_to(self, address: std::net::IpAddr) -> Client {
        let socket = std::net::UdpSocket::bind((address, 0)).expect("an address of this machine");
        self.endpoint.rebind(socket).expect("a socket");
        self
    }

    /// A stream to misbehave on.
    pub(crate) async fn raw_stream(&self) -> (quinn::SendStream, RecvStream) {
        self.connection().await.ok().expect("connected").open_bi().await.expect("a stream")
    }

    /// The answer on it.
    pub(crate) async fn raw_answer(&self, recv: RecvStream) -> Result<Answer, Refusal> {
        self.raw_answer_unless_cut(recv).await.expect("an answer")
    }

    /// The answer on it; nothing when the connection is cut before.
    pub(crate) async fn raw_answer_unless_cut(&self, recv: RecvStream) -> Option<Result<Answer, Refusal>> {
        self.answer(recv).await.ok()
    }
}

/// Pauses between the attempts at one request.
struct Retry {
    backoff: Backoff,
    attempt: u32,
}

impl Retry {
    fn new(limits: &Limits) -> Retry {
        Retry { backoff: Backoff::new(limits), attempt: 1 }
    }

    /// Waits before the next attempt, or gives up.
    async fn after(&mut self, failure: Failure) -> Result<(), ClientError> {
        let last = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Cut(last) | Failure::Later(last) => last,
        };
        let attempts = self.attempt;
        // Without randomness all clients come back at the same time: worse, not wrong.
        let pause = self.backoff.next(getrandom::u64().unwrap_or(0));
        let Some(pause) = pause else { return Err(ClientError::Unreachable { attempts, last }) };
        tracing::debug!("attempt {attempts} failed, again in {pause:?}: {last}");
        tokio::time::sleep(pause).await;
        self.attempt = attempts.saturating_add(1);
        Ok(())
    }
}

// A client's futures may move between threads.
const _: fn() = || {
    fn send<T: core::marker::Send>(_: T) {}
    let _ = |client: &Client| send(client.chain());
    let _ = |client: &Client| send(client.upload(&[], UploadOptions::default(), |_| {}));
};
