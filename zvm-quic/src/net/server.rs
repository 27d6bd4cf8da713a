//! The server: an endpoint, its connections, and the staged modules it finds when it starts.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, Incoming, Runtime, TokioRuntime, VarInt};
use tokio::task::JoinHandle;

use super::serve::{Shared, serve};
use super::tls::{Identity, Pin, TlsError};
use super::{Congestion, millis, transport};
use crate::node::Node;
use crate::proto::message::Hash;
use crate::proto::pace::Slots;
use crate::proto::sink::ModuleSink;
use crate::proto::table::{CloseCode, Limits};
use crate::store::{Staged, Staging, StoreError};

/// What a server needs beside the node.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Its key.
    pub identity: Identity,
    /// The folder of the staging store.
    pub staging_dir: PathBuf,
    /// Limits.
    pub limits: Limits,
    /// How fast answers are sent.
    pub congestion: Congestion,
}

/// Why a server does not start.
#[derive(Debug)]
pub enum ServerError {
    /// Another program listens there.
    PortInUse(SocketAddr),
    /// The socket.
    Io(io::Error),
    /// The key.
    Tls(TlsError),
    /// The staging store.
    Store(StoreError),
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ServerError::PortInUse(address) => {
                write!(f, "{address} is in use: another node may be running; choose another port")
            }
            ServerError::Io(error) => write!(f, "cannot listen: {error}"),
            ServerError::Tls(error) => error.fmt(f),
            ServerError::Store(error) => write!(f, "staging store: {error}"),
        }
    }
}

impl std::error::Error for ServerError {}

/// What a server found in its staging store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerReport {
    /// Modules staged again.
    pub staged: Vec<Hash>,
    /// Files set aside, and why.
    pub damaged: Vec<(Hash, String)>,
}

/// A running server. Dropped, it stops at once.
pub struct Server<N: Node> {
    endpoint: Endpoint,
    address: SocketAddr,
    pin: Pin,
    report: ServerReport,
    accepting: JoinHandle<()>,
    shared: Arc<Shared<N>>,
    /// Alive while any task still holds the socket.
    held: Weak<dyn AsyncUdpSocket>,
}

impl<N: Node> std::fmt::Debug for Server<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("pin", &self.pin)
            .finish_non_exhaustive()
    }
}

impl<N: Node> Server<N> {
    /// Listens, then checks the staged modules of a former run (hash and validation) and hands them to the
    /// node, then accepts connections. Wants a tokio runtime.
    ///
    /// # Errors
    /// `PortInUse`, `Io`, `Tls`, `Store`. A damaged module is none: see [`report`](Server::report).
    pub async fn start(config: ServerConfig, node: Arc<N>) -> Result<Server<N>, ServerError> {
        let tls = config.identity.server_config().map_err(ServerError::Tls)?;
        let crypto = QuicServerConfig::try_from(tls)
            .map_err(|error| ServerError::Tls(TlsError::Key(error.to_string())))?;
        let mut quic = quinn::ServerConfig::with_crypto(Arc::new(crypto));
        quic.transport_config(Arc::new(transport(&config.limits, config.congestion)));
        let socket = UdpSocket::bind(config.listen).map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => ServerError::PortInUse(config.listen),
            _ => ServerError::Io(error),
        })?;
        let runtime = Arc::new(TokioRuntime);
        let socket = runtime.wrap_udp_socket(socket).map_err(ServerError::Io)?;
        let held = Arc::downgrade(&socket);
        let endpoint =
            Endpoint::new_with_abstract_socket(EndpointConfig::default(), Some(quic), socket, runtime)
                .map_err(ServerError::Io)?;
        let address = endpoint.local_addr().map_err(ServerError::Io)?;
        let limits = config.limits;
        let (dir, spool_bytes_max, work_node) = (config.staging_dir, limits.spool_bytes_max, node.clone());
        let loading = tokio::task::spawn_blocking(move || {
            let staging = Staging::open(dir, spool_bytes_max)?;
            let report = restage(&staging, &*work_node)?;
            Ok((staging, report))
        });
        let (staging, report) = match loading.await {
            Ok(result) => result.map_err(ServerError::Store)?,
            Err(error) => return Err(ServerError::Io(io::Error::other(error))),
        };
        let slots = Mutex::new(Slots::new(&limits));
        let shared = Arc::new(Shared { node, staging, limits, slots, born: Instant::now() });
        let accepting = tokio::spawn(accept(endpoint.clone(), shared.clone()));
        Ok(Server { endpoint, address, pin: config.identity.pin(), report, accepting, shared, held })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its clients pin.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// What it found when it started.
    pub fn report(&self) -> &ServerReport {
        &self.report
    }

    /// The modules staged now.
    pub fn staged(&self) -> Vec<Staged> {
        self.shared.staging.list()
    }

    /// Tells the clients and ends; the port is free afterwards.
    pub async fn close(self) {
        self.cut();
        self.endpoint.wait_idle().await;
        let held = self.held.clone();
        drop(self);
        // quinn lets go of the socket in a task of its own and tells nobody.
        while held.strong_count() > 0 {
            tokio::time::sleep(millis(1)).await;
        }
    }

    fn cut(&self) {
        self.accepting.abort();
        let code = CloseCode::ShuttingDown;
        self.endpoint.close(VarInt::from_u32(code.number()), code.name().as_bytes());
    }
}

impl<N: Node> Drop for Server<N> {
    fn drop(&mut self) {
        self.cut();
    }
}

/// Validates what the store has and hands it to the node; what fails is set aside.
fn restage<N: Node>(staging: &Staging, node: &N) -> Result<ServerReport, StoreError> {
    let mut report = ServerReport::default();
    for staged in staging.list() {
        match restage_one(staging, node, &staged) {
            Ok(()) => report.staged.push(staged.code_hash),
            Err(why) => {
                staging.set_aside(&staged.code_hash)?;
                tracing::warn!("a staged module is unusable and was set aside: {why}");
                report.damaged.push((staged.code_hash, why));
            }
        }
    }
    Ok(report)
}

fn restage_one<N: Node>(staging: &Staging, node: &N, staged: &Staged) -> Result<(), String> {
    let bytes = staging.load(&staged.code_hash).map_err(|error| error.to_string())?;
    let mut sink = node.sink(&staged.profile).ok_or("its profile is not accepted any more")?;
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let used = sink.feed(rest, u64::MAX).map_err(|reject| reject.text)?;
        rest = rest.get(used..).unwrap_or(&[]);
    }
    let module = sink.finish().map_err(|reject| reject.text)?;
    node.stage(&staged.code_hash, module, bytes).map_err(|refusal| refusal.to_string())
}

async fn accept<N: Node>(endpoint: Endpoint, shared: Arc<Shared<N>>) {
    while let Some(incoming) = endpoint.accept().await {
        let open = u32::try_from(endpoint.open_connections()).unwrap_or(u32::MAX);
        if open >= shared.limits.connections_max {
            incoming.refuse();
        } else if open >= shared.limits.connections_before_retry && !incoming.remote_address_validated() {
            // An address that may be retried: checked on the line above.
            let _ = incoming.retry();
        } else {
            tokio::spawn(connection(incoming, shared.clone()));
        }
    }
}

async fn connection<N: Node>(incoming: Incoming, shared: Arc<Shared<N>>) {
    let connection = match incoming.await {
        Ok(connection) => connection,
        Err(error) => {
            tracing::debug!("a handshake failed: {error}");
            return;
        }
    };
    let peer = connection.remote_address().ip();
    while let Ok((send, recv)) = connection.accept_bi().await {
        tokio::spawn(serve(shared.clone(), peer, send, recv));
    }
}
