//! `zvm node`: serves a chain of one folder until it is told to stop.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use zvm_host::chain::stored_genesis;
use zvm_host::state::StoreError;
use zvm_host::{Address, Chain, ChainConfig, ChainError, Genesis, RedbBackend, hex};
use zvm_quic::net::Congestion;
use zvm_quic::net::server::bind;
use zvm_quic::{ChainNode, Identity, Limits, Sealing, Server, ServerConfig, ServerError};

use crate::client::runtime;
use crate::dev;
use crate::endpoint::Endpoint;
use crate::failure::{Exit, Failure};
use crate::foreign::{foreign, is_unseen};
use crate::output::{BAD, BOLD, Done, Output, styled};
use crate::watch::{Watch, Watched};

/// Gas of a block of the development chain: about a second of the reference machine.
const BLOCK_GAS: u64 = 10_000_000_000;
/// How long the lookup of the name to listen at may take.
const LOOKUP: Duration = Duration::from_secs(10);
/// How long the node's last words may take once it is to end.
const LAST_WORDS: Duration = Duration::from_secs(1);
pub(super) const STORE_FILE: &str = "chain.redb";
const KEY_FILE: &str = "tls.key";
const SPOOL_DIR: &str = "uploads";

/// Serve a chain
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the chain; made if it is not there
    #[arg(long, value_name = "DIR", required_unless_present = "dev")]
    dir: Option<PathBuf>,

    /// For development: fund keys that everybody has and print them, and a line for each call; without --dir in
    /// a folder that is removed at the end
    #[arg(long)]
    dev: bool,

    /// Where to listen; port 0: any free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:4433")]
    listen: Endpoint,

    /// A balance of a new chain's genesis, in base units; may be given often
    #[arg(long, value_name = "ADDRESS=UNITS", value_parser = parse_balance)]
    fund: Vec<(Address, u128)>,

    /// The number of a new chain
    #[arg(long, value_name = "NUMBER")]
    chain_id: Option<u64>,

    /// Blocks whose receipts are kept with return data, logs and texts; default: all
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u64).range(1..))]
    keep_records: Option<u64>,

    /// When a block is made: `eager` (of what came while the one before was stored), `instant` (one for each call),
    /// `interval:MS` or `interval:MS:CALLS` (each so often, if a call is there; so many calls at most)
    #[arg(long, value_name = "RULE", default_value = "eager", value_parser = parse_sealing)]
    seal: Sealing,
}

fn parse_sealing(text: &str) -> Result<Sealing, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no number"));
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        ["eager"] => Ok(Sealing::default()),
        ["instant"] => Ok(Sealing::Instant),
        ["interval", ms] => Ok(Sealing::Interval { ms: number(ms)?.max(1), calls_max: usize::MAX }),
        ["interval", ms, calls] => {
            let calls_max = usize::try_from(number(calls)?.max(1)).unwrap_or(usize::MAX);
            Ok(Sealing::Interval { ms: number(ms)?.max(1), calls_max })
        }
        _ => Err("eager, instant, interval:MS or interval:MS:CALLS expected".into()),
    }
}

fn parse_balance(text: &str) -> Result<(Address, u128), String> {
    let (address, units) = text.split_once('=').ok_or("ADDRESS=UNITS expected")?;
    let address = address.parse::<Address>().map_err(|error| error.to_string())?;
    let units = units.replace('_', "").parse().map_err(|_| format!("`{units}` is no amount"))?;
    Ok((address, units))
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let runtime = runtime()?;
    outlive_file_limits(&runtime)?;
    let stop = StopSignal::new(&runtime)?;
    let listen = args.listen.resolve(LOOKUP)?;
    let temporary = match &args.dir {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|error| Failure::new(Exit::Usage, "io", error))?),
    };
    let dir = args.dir.as_deref().or(temporary.as_ref().map(TempDir::path)).unwrap_or(Path::new("."));
    let watch = args.dev.then(|| Watch::new(out));
    let config = ChainConfig { records_kept_blocks: args.keep_records, ..ChainConfig::default() };
    let settings = Settings { config, sealing: args.seal, watch };
    let running = Running::start(&runtime, dir, &listen, settings, |kept| genesis(&args, dir, kept))?;
    let info = running.node.lock().info();
    out.line(format_args!("listening    {}", styled(BOLD, running.server.address())));
    out.line(format_args!("fingerprint  {}", styled(BOLD, running.server.pin())));
    let dev = if args.dev { dev_keys(dir, &running, out)? } else { Vec::new() };
    out.line(format_args!("chain        {}  genesis {}", info.chain_id, hex(&info.genesis_hash)));
    out.line(format_args!("height       {}  state root {}", info.height, hex(&info.state_root)));
    let damaged = running.node.lock().damaged_staged().to_vec();
    for (hash, why) in &damaged {
        out.failure(&Failure::new(
            Exit::Failed,
            "store",
            format!("the staged module {} was damaged and dropped, upload it again: {why}", hex(hash)),
        ));
    }
    out.event(
        "node",
        "listening",
        json!({
            "address": running.server.address().to_string(),
            "pin": running.server.pin().to_string(),
            "chain_id": info.chain_id.to_string(),
            "genesis_hash": hex(&info.genesis_hash),
            "height": info.height.to_string(),
            "state_root": hex(&info.state_root),
            "dev": dev,
            "damaged": damaged.iter().map(|(hash, _)| hex(hash)).collect::<Vec<_>>(),
        }),
    );
    runtime.block_on(stop.wait())?;
    let readers = running.node.clone();
    // Not before: what is under way would be waited for.
    running.stop(&runtime);
    let info = readers.reader().map_err(|error| Failure::new(Exit::Failed, "store", error))?.info();
    out.note("stopped");
    Ok(Done::ok(json!({ "height": info.height.to_string(), "state_root": hex(&info.state_root) }))
        .within(LAST_WORDS))
}

/// Writes the files of the development keys, shows them, and how to use them in a shell.
fn dev_keys(dir: &Path, running: &Running, out: &Output) -> Result<Vec<Value>, Failure> {
    out.line(styled(BAD, "dev keys     PUBLIC: everybody has them; never send them anything of worth"));
    let mut shown = Vec::new();
    let mut first = None;
    for dev in dev::keys() {
        let path = dev.write(dir)?;
        out.line(format_args!(
            "  {:<10} {}  {}",
            dev.name,
            dev.address(),
            foreign(&path.display().to_string())
        ));
        shown.push(json!({
            "name": dev.name, "address": dev.address().to_string(), "key_file": path.display().to_string()
        }));
        first.get_or_insert(path);
    }
    // In quotes, as a shell reads it.
    let key = first.unwrap_or_default().display().to_string().replace('\'', "'\\''");
    // As it is, if it can be shown: a shell keeps the backslashes that stand in quotes.
    let key = if key.chars().any(is_unseen) { foreign(&key) } else { key };
    out.line(format_args!(
        "  export ZVM_NODE={} ZVM_PIN={} ZVM_KEY='{}'",
        running.server.address(),
        running.server.pin(),
        key
    ));
    Ok(shown)
}

/// How a chain is served.
#[derive(Debug, Default)]
pub struct Settings {
    /// What the node decides for itself.
    pub config: ChainConfig,
    /// When blocks are made.
    pub sealing: Sealing,
    /// Hears of each answer.
    pub watch: Option<Watch>,
}

/// A chain that is served.
#[derive(Debug)]
pub struct Running {
    /// The chain.
    pub node: Arc<ChainNode>,
    /// Its server.
    pub server: Server<Watched>,
}

impl Running {
    /// Opens the chain of a folder and listens at the first address that can be had. `genesis` is given that of the
    /// chain, or nothing for a new one, and says which one is meant.     ///
    /// The store is locked before anything is looked at, and a new chain is made last: a start that fails
    /// before leaves nothing behind.
    pub fn start(
        runtime: &Runtime,
        dir: &Path,
        listen: &[SocketAddr],
        settings: Settings,
        genesis: impl FnOnce(Option<Genesis>) -> Result<Genesis, Failure>,
    ) -> Result<Running, Failure> {
        let is_new = !dir.exists();
        fs::create_dir_all(dir).map_err(|error| Failure::io(dir, &error))?;
        let running = Running::start_in(runtime, dir, listen, settings, genesis);
        if running.is_err() && is_new {
            // Only if it is empty.
            let _ = fs::remove_dir(dir);
        }
        running
    }

    fn start_in(
        runtime: &Runtime,
        dir: &Path,
        listen: &[SocketAddr],
        settings: Settings,
        genesis: impl FnOnce(Option<Genesis>) -> Result<Genesis, Failure>,
    ) -> Result<Running, Failure> {
        let Settings { config, sealing, watch } = settings;
        let store = RedbBackend::open(&dir.join(STORE_FILE)).map_err(|error| chain_failure(&error.into()))?;
        let kept = stored_genesis(&store).map_err(|error| chain_failure(&error))?;
        let genesis = genesis(kept)?;
        let (listen, socket) = bind_first(listen)?;
        let identity = Identity::load_or_create(&dir.join(KEY_FILE))
            .map_err(|error| Failure::new(Exit::Failed, "key", error))?;
        let server_config = ServerConfig {
            listen,
            identity,
            spool_dir: dir.join(SPOOL_DIR),
            limits: Limits::default(),
            congestion: Congestion::Cubic,
        };
        let store = Arc::new(store);
        let chain = Chain::open(store.clone(), &genesis, config).map_err(|error| chain_failure(&error))?;
        let node = Arc::new(ChainNode::sealing(chain, sealing));
        let server = runtime.block_on(Server::start_on(
            socket,
            server_config,
            Arc::new(Watched::new(node.clone(), watch)),
        ));
        let server = server.map_err(|error| server_failure(listen, error))?;
        store.log_damage();
        Ok(Running { node, server })
    }

    /// Closes the connections; the port and the store are free afterwards.
    pub fn stop(self, runtime: &Runtime) {
        runtime.block_on(self.server.close());
    }
}

/// A socket at the first of the addresses that can be had; if none can, why not the first one.
fn bind_first(addresses: &[SocketAddr]) -> Result<(SocketAddr, UdpSocket), Failure> {
    let mut first = None;
    for &listen in addresses {
        match bind(listen) {
            Ok(socket) => return Ok((listen, socket)),
            Err(error) => first = first.or(Some(server_failure(listen, error))),
        }
    }
    Err(first.unwrap_or_else(|| Failure::new(Exit::Network, "network", "no address to listen at")))
}

fn server_failure(listen: SocketAddr, error: ServerError) -> Failure {
    match error {
        ServerError::PortInUse(_) => Failure::new(Exit::Network, "network", error),
        ServerError::Io(_) => Failure::new(Exit::Network, "network", format_args!("{listen}: {error}")),
        ServerError::Tls(_) => Failure::new(Exit::Failed, "key", error),
        ServerError::Spool(_) => Failure::new(Exit::Failed, "store", error),
    }
}

/// A chain that does not open, in words that say what to do.
pub(super) fn chain_failure(error: &ChainError) -> Failure {
    let failure = Failure::new(Exit::Failed, "store", error);
    match error {
        ChainError::Store(StoreError::Medium(_)) => {
            failure.with_help("see whether another node serves the folder, and whether it can be written")
        }
        ChainError::Store(StoreError::Full(_)) => failure.with_help("make room on the disk of the folder"),
        ChainError::Store(StoreError::Format(_)) => {
            failure.with_help("run the version of the program that wrote it, or begin a new chain")
        }
        ChainError::Store(_) => {
            failure.with_help("restore the folder from a copy, or begin a new chain in another one")
        }
        ChainError::OtherRules { .. } => {
            failure.with_help("run the version of the program that wrote it, or begin a new chain")
        }
        _ => failure,
    }
}

/// Whether a folder holds a chain.
pub fn holds_chain(dir: &Path) -> bool {
    dir.join(STORE_FILE).exists()
}

/// The genesis of the folder's chain, or that of a new one.
fn genesis(args: &Args, dir: &Path, kept: Option<Genesis>) -> Result<Genesis, Failure> {
    let public = dev::keys().filter(|_| args.dev).map(|dev| (dev.address(), dev::COINS));
    let fund: Vec<_> = public.chain(args.fund.iter().copied()).collect();
    let Some(kept) = kept else {
        let genesis = new_genesis(args.chain_id.unwrap_or(1), now_ms(), fund);
        genesis.check().map_err(|error| Failure::usage(format!("--fund: {error}")))?;
        return Ok(genesis);
    };
    // The same command must start the same node again.
    let is_open = fund.is_empty();
    let asked = new_genesis(args.chain_id.unwrap_or(kept.chain_id), 0, fund);
    let same_balances = is_open || asked.balances == kept.balances;
    if !same_balances || asked.chain_id != kept.chain_id {
        return Err(Failure::usage(format_args!(
            "{} holds a chain already, with another genesis; a genesis cannot be changed",
            dir.display()
        ))
        .with_help("leave out --fund, --dev and --chain-id, or choose another folder"));
    }
    Ok(kept)
}

/// The genesis of a development chain.
pub fn new_genesis(
    chain_id: u64,
    timestamp: u64,
    balances: impl IntoIterator<Item = (Address, u128)>,
) -> Genesis {
    // Fees go to an address that nobody holds the key of.
    let sealer = Address([0xfe; 20]);
    Genesis { chain_id, timestamp, gas_limit: BLOCK_GAS, sealer, balances: Vec::new() }
        .with_balances(balances)
}

/// Unix milliseconds.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A file that reaches its limit of length is a disk without room, which is told, not the end of the node:
/// with a handler for the signal, which then stays, the write fails instead.
fn outlive_file_limits(runtime: &Runtime) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let _entered = runtime.enter();
        let handled = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))
            .map_err(|error| Failure::new(Exit::Failed, "io", format!("signals: {error}")))?;
        drop(handled);
    }
    #[cfg(not(unix))]
    let _ = runtime;
    Ok(())
}

/// What tells the node to stop. Made before the node says that it listens: whoever reads that may tell it at once.
#[cfg(unix)]
struct StopSignal {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignal {
    fn new(runtime: &Runtime) -> Result<StopSignal, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let _entered = runtime.enter();
        let made = |kind| signal(kind).map_err(|error| signals_failed(&error));
        Ok(StopSignal {
            interrupt: made(SignalKind::interrupt())?,
            terminate: made(SignalKind::terminate())?,
        })
    }

    async fn wait(mut self) -> Result<(), Failure> {
        tokio::select! {
            _ = self.interrupt.recv() => Ok(()),
            _ = self.terminate.recv() => Ok(()),
        }
    }
}

#[cfg(not(unix))]
struct StopSignal;

#[cfg(not(unix))]
impl StopSignal {
    fn new(_: &Runtime) -> Result<StopSignal, Failure> {
        Ok(StopSignal)
    }

    async fn wait(self) -> Result<(), Failure> {
        tokio::signal::ctrl_c().await.map_err(|error| signals_failed(&error))
    }
}

fn signals_failed(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, "io", format!("signals: {error}"))
}
