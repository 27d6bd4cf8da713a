//! The server: an endpoint and its connections.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Instant;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, Incoming, Runtime, TokioRuntime, VarInt};
use tokio::task::JoinHandle;

use super::held::Held;
use super::query::Queries;
use super::serve::{Shared, serve};
use super::share::{Room, Share, Shares};
use super::tls::{Identity, Pin, TlsError};
use super::upload::Gate;
use super::{Congestion, millis, transport};
use crate::node::Node;
use crate::proto::pace::Peer;
use crate::proto::table::{CloseCode, Limits};
use crate::spool::{SpoolDir, SpoolError};

/// What a server needs beside the node.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Its key.
    pub identity: Identity,
    /// The folder of the uploads under way.
    pub spool_dir: PathBuf,
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
    /// The folder of the uploads under way.
    Spool(SpoolError),
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ServerError::PortInUse(address) => {
                write!(f, "{address} is in use: another node may be running; choose another port")
            }
            ServerError::Io(error) => write!(f, "cannot listen: {error}"),
            ServerError::Tls(error) => error.fmt(f),
            ServerError::Spool(error) => write!(f, "uploads: {error}"),
        }
    }
}

impl std::error::Error for ServerError {}

/// The socket of a server. A program that makes something for its server, such as a chain, has the socket
/// first: whether the address is free is known before anything is made.
///
/// # Errors
/// `PortInUse`, `Io`.
pub fn bind(listen: SocketAddr) -> Result<UdpSocket, ServerError> {
    UdpSocket::bind(listen).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ServerError::PortInUse(listen),
        _ => ServerError::Io(error),
    })
}

/// A running server. Dropped, it stops at once.
pub struct Server<N: Node> {
    endpoint: Endpoint,
    address: SocketAddr,
    pin: Pin,
    accepting: JoinHandle<()>,
    /// Alive while any task still holds the socket.
    held: Weak<dyn AsyncUdpSocket>,
    /// Alive while any request is under way.
    serving: Weak<Shared<N>>,
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
    /// Listens, removes what a former run left of its uploads, then accepts connections. Wants a tokio
    /// runtime.
    ///
    /// # Errors
    /// `PortInUse`, `Io`, `Tls`, `Spool`.
    pub async fn start(config: ServerConfig, node: Arc<N>) -> Result<Server<N>, ServerError> {
        let socket = bind(config.listen)?;
        Server::start_on(socket, config, node).await
    }

    /// As [`start`](Server::start), on a socket of [`bind`].
    ///
    /// # Errors
    /// `Io`, `Tls`, `Spool`.
    pub async fn start_on(
        socket: UdpSocket,
        config: ServerConfig,
        node: Arc<N>,
    ) -> Result<Server<N>, ServerError> {
        let tls = config.identity.server_config().map_err(ServerError::Tls)?;
        let crypto = QuicServerConfig::try_from(tls)
            .map_err(|error| ServerError::Tls(TlsError::Key(error.to_string())))?;
        let mut quic = quinn::ServerConfig::with_crypto(Arc::new(crypto));
        quic.transport_config(Arc::new(transport(&config.limits, config.congestion)));
        let runtime = Arc::new(TokioRuntime);
        let socket = runtime.wrap_udp_socket(socket).map_err(ServerError::Io)?;
        let held = Arc::downgrade(&socket);
        let endpoint =
            Endpoint::new_with_abstract_socket(EndpointConfig::default(), Some(quic), socket, runtime)
                .map_err(ServerError::Io)?;
        let address = endpoint.local_addr().map_err(ServerError::Io)?;
        let limits = config.limits;
        let (dir, bytes_max) = (config.spool_dir, limits.spool_bytes_max);
        let opened = tokio::task::spawn_blocking(move || SpoolDir::open(dir, bytes_max)).await;
        let spools =
            opened.map_err(|error| ServerError::Io(io::Error::other(error)))?.map_err(ServerError::Spool)?;
        let requests = || Room::new(limits.requests_at_once, limits.requests_per_peer);
        let (room, reads) = (requests(), requests());
        let calls = Room::new(limits.calls_at_once, limits.calls_per_peer);
        let answers = Held::new(&limits);
        let queries = Queries::new(&limits);
        let born = Instant::now();
        let gate = Gate::new(&limits, born);
        let shared =
            Arc::new(Shared { node, spools, limits, gate, queries, room, reads, calls, answers, born });
        let serving = Arc::downgrade(&shared);
        let accepting = tokio::spawn(accept(endpoint.clone(), shared));
        let pin = config.identity.pin();
        Ok(Server { endpoint, address, pin, accepting, held, serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its clients pin.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// Tells the clients and the node and ends; afterwards the port is free and nothing holds the node any more.
    pub async fn close(self) {
        self.cut();
        self.endpoint.wait_idle().await;
        let (held, serving) = (self.held.clone(), self.serving.clone());
        drop(self);
        // quinn lets go of the socket in a task of its own and tells nobody; what a request has begun inside
        // the node ends at its next look at the interrupt, or with the block that is being stored.
        while held.strong_count() > 0 || serving.strong_count() > 0 {
            tokio::time::sleep(millis(1)).await;
        }
    }

    fn cut(&self) {
        self.accepting.abort();
        if let Some(shared) = self.serving.upgrade() {
            shared.queries.stop();
            shared.node.stop();
        }
        let code = CloseCode::ShuttingDown;
        self.endpoint.close(VarInt::from_u32(code.number()), code.name().as_bytes());
    }
}

#[cfg(test)]
impl<N: Node> Server<N> {
    /// How many queries run or wait.
    pub(crate) fn queries(&self) -> usize {
        self.serving.upgrade().map_or(0, |shared| shared.queries.count())
    }
}

impl<N: Node> Drop for Server<N> {
    fn drop(&mut self) {
        self.cut();
    }
}

async fn accept<N: Node>(endpoint: Endpoint, shared: Arc<Shared<N>>) {
    let limits = &shared.limits;
    // With those that are being made.
    let connections = Shares::new(limits.connections_per_peer);
    while let Some(incoming) = endpoint.accept().await {
        let open = u32::try_from(endpoint.open_connections()).unwrap_or(u32::MAX);
        let peer = Peer::of(incoming.remote_address().ip());
        let own = connections.of(peer);
        // Forged packets must not use up a peer's share.
        let is_many = open >= limits.connections_before_retry || own >= limits.connections_per_peer / 2;
        if is_many && !incoming.remote_address_validated() && open < limits.connections_max {
            // An address that may be retried: checked on the line above.
            let _ = incoming.retry();
            continue;
        }
        match connections.take(peer).filter(|_| open < limits.connections_max) {
            Some(share) => drop(tokio::spawn(connection(incoming, share, shared.clone()))),
            None => incoming.refuse(),
        }
    }
}

async fn connection<N: Node>(incoming: Incoming, share: Share, shared: Arc<Shared<N>>) {
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
    drop(share);
}
