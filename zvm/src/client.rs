//! The client's side of the commands that talk to a node: whom to ask, how long to wait, what an error
//! means for the exit code.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ghost_wasm::ErrorCode;
use tokio::runtime::Runtime;
use zvm_host::crypto::SigningKey;
use zvm_host::table::host_gas;
use zvm_host::{Address, Body, Diagnostics, Hash, Record, RefusalCode, hex, key};
use zvm_quic::net::Congestion;
use zvm_quic::proto::message::{AccountAnswer, ChainAnswer, HealthAnswer, ProofAnswer, UploadAnswer};
use zvm_quic::proto::table::AnswerCode;
use zvm_quic::{
    CallAnswer, CallError, Client, ClientConfig, ClientError, Limits, Pin, Refusal, UploadOptions,
    UploadProgress,
};

use crate::disasm::Excerpt;
use crate::endpoint::Endpoint;
use crate::failure::{Code, Exit, Failure};
use crate::output::{BOLD, Output, styled};
use crate::probe;

/// Blocks that a call stays valid for, at least; at most twice as many.
const VALID_BLOCKS: u64 = 4_096;
/// How long a nonce is chosen again while other calls of the signer take it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a call that waits for others is asked for.
const WAIT: Duration = Duration::from_secs(10);
/// Milliseconds between two choices of a nonce at most.
const SPREAD_MS_MAX: u64 = 100;

/// Which node to ask
#[derive(Clone, Debug, clap::Args)]
pub struct Remote {
    /// The node's address
    #[arg(
        long,
        value_name = "HOST:PORT",
        env = "ZVM_NODE",
        hide_env_values = true,
        default_value = "127.0.0.1:4433"
    )]
    node: Endpoint,

    /// The fingerprint of the node's key, as `zvm node` prints it
    #[arg(long, value_name = "HEX", env = "ZVM_PIN", hide_env_values = true, value_parser = parse_pin)]
    pin: Pin,

    /// Seconds to wait for a connection
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    timeout: u64,
}

fn parse_pin(text: &str) -> Result<Pin, String> {
    text.parse::<Pin>().map_err(|error| error.to_string())
}

/// Gas and price of a signed call
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Offer {
    /// Gas at most; what is not used is not paid
    #[arg(long, value_name = "GAS")]
    gas: Option<u64>,

    /// Base units per gas; default: what the node asks for
    #[arg(long, value_name = "UNITS")]
    price: Option<u64>,

    /// Base units of the native coin that go along
    #[arg(long, value_name = "UNITS", default_value_t = 0)]
    value: u128,

    /// The call's nonce; default: the account's next
    #[arg(long)]
    nonce: Option<u64>,

    /// The last block that may include the call; default: some thousand blocks ahead
    #[arg(long, value_name = "HEIGHT")]
    valid_until: Option<u64>,
}

/// A call that was executed.
#[derive(Debug)]
pub struct Sent {
    /// Its record.
    pub record: Record,
    /// It had been executed before it was sent: nothing was executed now.
    pub duplicate: bool,
}

/// What a node answered to a call.
struct Answered {
    answer: CallAnswer,
    /// The connection was cut, and the call sent again.
    resent: bool,
}

/// A node that answers.
pub struct Session {
    runtime: Arc<Runtime>,
    client: Client,
    node: SocketAddr,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("node", &self.node).finish_non_exhaustive()
    }
}

/// A runtime for the commands that need the network.
pub fn runtime() -> Result<Arc<Runtime>, Failure> {
    Runtime::new().map(Arc::new).map_err(|error| Failure::new(Exit::Network, "network", error))
}

impl Session {
    /// Connects to the first address of the node that answers. Each address has an equal share of the time that
    /// is left.
    pub fn open(remote: &Remote) -> Result<Session, Failure> {
        let runtime = runtime()?;
        let deadline = Instant::now().checked_add(Duration::from_secs(remote.timeout));
        let left = || match deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => Duration::from_secs(remote.timeout),
        };
        let addresses = remote.node.resolve(left())?;
        let mut failures = Vec::new();
        for (at, &node) in addresses.iter().enumerate() {
            let waiting = u32::try_from(addresses.len().saturating_sub(at)).unwrap_or(u32::MAX);
            let patience = left().checked_div(waiting).unwrap_or_default();
            match Session::connect(runtime.clone(), node, remote.pin, patience) {
                Ok(session) => return Ok(session),
                Err(failure) => failures.push(failure),
            }
        }
        Err(nobody(&remote.node, failures))
    }

    /// Connects on a runtime that is already there.
    pub fn connect(
        runtime: Arc<Runtime>,
        node: SocketAddr,
        pin: Pin,
        patience: Duration,
    ) -> Result<Session, Failure> {
        const IS_ONE_THERE: &str = "is a node running there? `zvm node` prints its address";
        let client = runtime.block_on(async {
            let limits = Limits::default();
            let client =
                Client::new(ClientConfig { server: node, pin, limits, congestion: Congestion::Cubic })
                    .map_err(|error| failure(&error, node))?;
            let connected = async {
                tokio::select! {
                    biased;
                    connected = client.connect() => connected.map_err(|error| failure(&error, node)),
                    error = probe::refused(node) => {
                        let text = match error.kind() {
                            ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => {
                                format!("{node} cannot be reached: {error}")
                            }
                            _ => format!("nobody listens at {node}"),
                        };
                        Err(Failure::new(Exit::Network, "network", text).with_help(IS_ONE_THERE))
                    }
                }
            };
            match tokio::time::timeout(patience, connected).await {
                Ok(connected) => connected?,
                Err(_) => {
                    let text = format!("{node} does not answer within {:.1} s", patience.as_secs_f64());
                    return Err(Failure::new(Exit::Network, "network", text).with_help(IS_ONE_THERE));
                }
            }
            Ok(client)
        })?;
        Ok(Session { runtime, client, node })
    }

    /// Says goodbye.
    pub fn close(self) {
        self.runtime.block_on(self.client.close());
    }

    /// The chain.
    pub fn chain(&self) -> Result<ChainAnswer, Failure> {
        self.runtime.block_on(self.client.chain()).map_err(|error| failure(&error, self.node))
    }

    /// An account.
    pub fn account(&self, address: &Address) -> Result<AccountAnswer, Failure> {
        self.runtime.block_on(self.client.account(address.0)).map_err(|error| failure(&error, self.node))
    }

    /// The record of an executed call.
    pub fn receipt(&self, id: &Hash) -> Result<Record, Failure> {
        let bytes =
            self.runtime.block_on(self.client.receipt(*id)).map_err(|error| failure(&error, self.node))?;
        let wrong = |text: String| Failure::new(Exit::Network, "network", format!("a receipt: {text}"));
        let record = Record::decode(&bytes).map_err(|error| wrong(error.to_string()))?;
        if record.receipt.call_id != *id {
            return Err(wrong(format!("the node sent that of the call {}", hex(&record.receipt.call_id))));
        }
        Ok(record)
    }

    /// Whether the node answers, and what it has under way.
    pub fn health(&self) -> Result<HealthAnswer, Failure> {
        self.runtime.block_on(self.client.health()).map_err(|error| failure(&error, self.node))
    }

    /// Streams a module to the node, with a bar where a terminal shows it and a pause after each chunk.
    pub fn upload(
        &self,
        module: &[u8],
        options: UploadOptions,
        pause: Duration,
        path: &Path,
        out: &Output,
    ) -> Result<UploadAnswer, Failure> {
        let bar = out.byte_bar(u64::try_from(module.len()).unwrap_or(u64::MAX), "streaming");
        let progress = |progress: UploadProgress| {
            bar.set_position(progress.bytes_sent);
            if progress.attempt > 1 {
                bar.set_prefix(format!("attempt {}", progress.attempt));
            }
            // On the caller's thread: the connection is driven by others meanwhile.
            std::thread::sleep(pause);
        };
        let answer = self.runtime.block_on(self.client.upload(module, options, progress));
        if answer.is_ok() {
            bar.finish();
        } else {
            bar.abandon();
        }
        answer.map_err(|error| refused_module(&error, self.node, module, path))
    }

    /// Fills in what the body leaves open, signs it and sends it. A nonce that is chosen here and that another
    /// call took meanwhile is chosen again.
    pub fn call(&self, body: Body, offer: &Offer, signer: &SigningKey) -> Result<Sent, Failure> {
        let began = Instant::now();
        for attempt in 1_u64.. {
            let (body, chain) = self.complete(body.clone(), offer, signer)?;
            let nonce = body.nonce;
            let wire = body.sign(signer, &chain.genesis_hash).encode();
            let answered = self.send_once(&wire);
            if offer.nonce.is_some() {
                return answered.and_then(|answer| self.executed(answer, Duration::ZERO));
            }
            match answered {
                // An equal call of another process; this one was not executed.
                Ok(Answered { answer: CallAnswer::Duplicate(_), resent: false }) => {}
                Ok(answer) => return self.executed(answer, WAIT),
                Err(failure) if !is_nonce_taken(&failure) => return Err(failure),
                Err(_) => {}
            }
            if began.elapsed() > PATIENCE {
                let text = format!(
                    "other calls of this signer took {attempt} nonces, {nonce} the last; this call was not executed"
                );
                return Err(Failure::new(Exit::Failed, "nonce", text)
                    .with_help("send fewer calls of one key at once, or number them with --nonce"));
            }
            // Many that try again at the same time would take each other's nonces again.
            let spread = getrandom::u64().unwrap_or(0) % SPREAD_MS_MAX.min(attempt.saturating_mul(2));
            std::thread::sleep(Duration::from_millis(spread));
        }
        Err(Failure::new(Exit::Failed, "nonce", "no nonce was free"))
    }

    /// Sends a signed call as it is and waits for its block.
    pub fn send(&self, wire: &[u8]) -> Result<Record, Failure> {
        self.send_once(wire).and_then(|answer| self.executed(answer, Duration::ZERO)).map(|sent| sent.record)
    }

    fn send_once(&self, wire: &[u8]) -> Result<Answered, Failure> {
        match self.runtime.block_on(self.client.call_with_resends(wire, true)) {
            Ok((answer, resent)) => Ok(Answered { answer, resent }),
            Err(CallError { error, resent }) => {
                let failure = failure(&error, self.node);
                if resent && is_nonce_taken(&failure) {
                    let text = format!(
                        "{}, but the connection was cut before: the call may have been executed",
                        failure.text
                    );
                    return Err(Failure::new(Exit::Network, "network", text)
                        .with_help("see the account's nonce and the last blocks before you send it again"));
                }
                Err(failure)
            }
        }
    }

    /// The record of a call that was executed, now or before; one that waits is asked for until `patience` ends.
    fn executed(&self, answered: Answered, patience: Duration) -> Result<Sent, Failure> {
        let record = |bytes: &[u8]| {
            Record::decode(bytes)
                .map_err(|error| Failure::new(Exit::Network, "network", format!("a receipt: {error}")))
        };
        let id = match answered.answer {
            CallAnswer::Included(bytes) => return Ok(Sent { record: record(&bytes)?, duplicate: false }),
            // After a cut it is this very call that was executed.
            CallAnswer::Duplicate(bytes) => {
                return Ok(Sent { record: record(&bytes)?, duplicate: !answered.resent });
            }
            CallAnswer::Accepted(id) => id,
        };
        let began = Instant::now();
        while began.elapsed() < patience {
            match self.runtime.block_on(self.client.receipt(id)) {
                Ok(bytes) => return Ok(Sent { record: record(&bytes)?, duplicate: false }),
                Err(ClientError::Refused(refusal)) if refusal.code == AnswerCode::NotFound => {}
                Err(error) => return Err(failure(&error, self.node)),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let text = format!("the call {} still waits for its block", hex(&id));
        Err(Failure::new(Exit::Failed, "waiting", text)
            .with_help("calls of this signer with smaller nonces are missing"))
    }

    /// Nonce, price, gas and validity.
    pub fn complete(
        &self,
        mut body: Body,
        offer: &Offer,
        signer: &SigningKey,
    ) -> Result<(Body, ChainAnswer), Failure> {
        /// What a call may use unless its sender says otherwise: about 0.1 s of the reference machine.
        const GAS_DEFAULT: u64 = 1_000_000_000;
        let chain = self.chain()?;
        let AccountAnswer { nonce, balance, .. } = self.account(&key::address(&signer.public()))?;
        body.nonce = offer.nonce.unwrap_or(nonce);
        body.valid_until = offer.valid_until.unwrap_or_else(|| {
            // Some blocks more or less: two equal calls of one key are two calls, not one and its duplicate.
            let more = getrandom::u64().unwrap_or(0) % VALID_BLOCKS;
            chain.height.saturating_add(VALID_BLOCKS).saturating_add(more)
        });
        body.value = offer.value;
        body.gas_price = offer.price.unwrap_or(chain.gas_price_floor);
        let affordable = balance.saturating_sub(body.value) / u128::from(body.gas_price.max(1));
        let affordable = u64::try_from(affordable).unwrap_or(u64::MAX);
        let most = GAS_DEFAULT.min(chain.block_gas_limit);
        body.gas_limit = offer.gas.unwrap_or_else(|| {
            // Less than any call costs would be refused for its gas, and hide that it is coins that are missing.
            let least = host_gas::intrinsic(body.clone().sign(signer, &chain.genesis_hash).wire_len());
            if affordable < least { most } else { most.min(affordable) }
        });
        Ok((body, chain))
    }

    /// Whether the signer has the coins that a call may take, before anything is sent. `least` is the gas without
    /// which the call cannot succeed.
    pub fn check_money(
        &self,
        body: Body,
        offer: &Offer,
        signer: &SigningKey,
        least: impl FnOnce(usize) -> u64,
    ) -> Result<(), Failure> {
        let (body, chain) = self.complete(body, offer, signer)?;
        let address = key::address(&signer.public());
        let balance = self.account(&address)?.balance;
        // A limit that was not given follows the balance, down to what is of no use.
        let gas = match offer.gas {
            Some(gas) => gas,
            None => body.gas_limit.max(least(body.clone().sign(signer, &chain.genesis_hash).wire_len())),
        };
        let cost = u128::from(gas).saturating_mul(u128::from(body.gas_price)).saturating_add(body.value);
        if cost <= balance {
            return Ok(());
        }
        let value =
            if body.value == 0 { String::new() } else { format!(", and {} to send along", body.value) };
        let text = format!(
            "{address} has {balance} base units; {cost} are needed: {gas} gas at {} each{value}",
            body.gas_price
        );
        Err(Failure::new(Exit::Failed, "balance", text)
            .with_help("send coins to the address, or sign with another key"))
    }

    /// What a state holds under a full key, with a proof that is not checked here.
    pub fn proof(&self, height: u64, full_key: &[u8]) -> Result<ProofAnswer, Failure> {
        self.runtime.block_on(self.client.proof(height, full_key)).map_err(|error| failure(&error, self.node))
    }

    /// What a call would lead to: its record, and gas for cold code.
    pub fn simulate(&self, body: Body, offer: &Offer, signer: &SigningKey) -> Result<(Record, u64), Failure> {
        let (body, chain) = self.complete(body, offer, signer)?;
        let wire = body.sign(signer, &chain.genesis_hash).encode();
        let answer =
            self.runtime.block_on(self.client.simulate(&wire)).map_err(|error| failure(&error, self.node))?;
        let record = Record::decode(answer.record.as_slice())
            .map_err(|error| Failure::new(Exit::Network, "network", format!("a receipt: {error}")))?;
        Ok((record, answer.cold_gas))
    }

    /// Asks a contract: status, its code, gas, return data, words.
    pub fn query(&self, target: &Address, gas: u64, input: &[u8]) -> Result<Asked, Failure> {
        let answer = self
            .runtime
            .block_on(self.client.query(target.0, gas, input))
            .map_err(|error| failure(&error, self.node))?;
        let diagnostics = Diagnostics::decode(answer.diagnostics.as_slice()).map_err(|error| {
            Failure::new(Exit::Network, "network", format_args!("the node's answer is not readable: {error}"))
        })?;
        Ok(Asked {
            diagnostics,
            status: answer.status,
            code: answer.code,
            gas_used: answer.gas_used,
            text: answer.text.as_str().to_string(),
            return_data: answer.return_data.into_vec(),
        })
    }
}

/// What a query gave.
#[derive(Clone, Debug)]
pub struct Asked {
    /// As in a receipt.
    pub status: u8,
    /// The contract's own code.
    pub code: i32,
    /// Gas used.
    pub gas_used: u64,
    /// The contract's answer.
    pub return_data: Vec<u8>,
    /// Words for people.
    pub text: String,
    /// The same with the backtrace.
    pub diagnostics: Diagnostics,
}

/// Whether a call was refused because another one has its nonce.
fn is_nonce_taken(failure: &Failure) -> bool {
    let taken = [RefusalCode::NonceUsed, RefusalCode::NonceTaken].map(|code| code as u32);
    failure.detail.is_some_and(|detail| taken.contains(&detail))
        && failure
            .code
            .as_ref()
            .is_some_and(|code| code.number == u32::from(AnswerCode::CallRefused.number()))
}

/// No address of a node led to it: each one's failure, as one. Somebody with another key weighs most.
fn nobody(node: &Endpoint, mut failures: Vec<Failure>) -> Failure {
    let worst = failures.iter().position(|failure| failure.kind == "untrusted").unwrap_or(0);
    let texts: Vec<_> = failures.iter().map(|failure| failure.text.clone()).collect();
    if failures.is_empty() {
        return Failure::new(Exit::Network, "network", format_args!("{node} has no address"));
    }
    let mut failure = failures.swap_remove(worst);
    if texts.len() > 1 {
        failure.text = format!("no address of {node} leads to the node: {}", texts.join("; "));
    }
    failure
}

/// A client's error, with the exit code it leads to.
fn failure(error: &ClientError, node: SocketAddr) -> Failure {
    match error {
        ClientError::Refused(refusal) => refused(refusal),
        ClientError::Untrusted(_) => Failure::new(Exit::Network, "untrusted", error).with_help(format_args!(
            "the key at {node} is not the pinned one; if the node was set up anew, pin the fingerprint it prints"
        )),
        ClientError::Unreachable { .. } => Failure::new(Exit::Network, "network", format!("{node}: {error}"))
            .with_help("is a node running there? `zvm node` prints its address"),
        ClientError::TooLong(_) => Failure::usage(error),
        _ => Failure::new(Exit::Network, "network", format!("{node}: {error}")),
    }
}

fn refused(refusal: &Refusal) -> Failure {
    let exit = match refusal.code {
        AnswerCode::Busy | AnswerCode::ShuttingDown | AnswerCode::TooSlow | AnswerCode::Internal => {
            Exit::Network
        }
        _ => Exit::Failed,
    };
    let mut failure = Failure::new(exit, "refused", &refusal.text);
    failure.code = Some(Code { name: refusal.code.name().into(), number: u32::from(refusal.code.number()) });
    failure.offset = refusal.offset;
    failure.detail = Some(refusal.detail);
    failure
}

/// A refused module is shown like one that was validated here: the bytes are at hand.
fn refused_module(error: &ClientError, node: SocketAddr, module: &[u8], path: &Path) -> Failure {
    let mut failure = failure(error, node).in_file(path);
    if let ClientError::Refused(refusal) = error
        && refusal.code == AnswerCode::ModuleRefused
    {
        // What is missing at the end has no place: the offset is the module's length.
        failure.offset = refusal.offset.filter(|&offset| offset < module.len() as u64);
        failure.excerpt = refusal.offset.and_then(|offset| Excerpt::at(module, offset));
        let code = ErrorCode::ALL.iter().copied().find(|code| u32::from(code.number()) == refusal.detail);
        // The host's own rules have the numbers of the engine's kind for refusals.
        let by_policy = refusal.detail >> 8 == u32::from(ErrorCode::Refused.number() >> 8);
        if let Some(code) = code.or(by_policy.then_some(ErrorCode::Refused)) {
            failure.kind = code.kind().text().into();
            failure.code = Some(Code { name: code.name().into(), number: refusal.detail });
            failure.help = Some(code.help().into());
        }
    }
    failure
}

/// Tells how the node took a module.
pub fn show_upload(out: &Output, answer: &UploadAnswer) {
    out.line(format_args!("  code hash     {}", hex(&answer.code_hash)));
    if answer.known != 0 {
        out.line("  the node had it already and took nothing");
        return;
    }
    out.line(format_args!("  taken         {} bytes, work {}", answer.bytes, answer.work));
    out.line(format_args!(
        "  validated     {} of {} functions before the last bytes arrived",
        styled(BOLD, answer.functions_valid_before_last_chunk),
        answer.functions_total
    ));
}
