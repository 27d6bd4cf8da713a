//! Finds out that nobody listens at an address. A closed port is answered with an ICMP message, which a
//! connected socket hears of (RFC 1122, 4.1.3.3) and a QUIC endpoint, whose socket is not connected, does not.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;

/// What is sent: no QUIC packet, so a server drops it without an answer.
const PROBE: [u8; 1] = [0];
/// Between two probes: the first one may be lost.
const EVERY: Duration = Duration::from_millis(250);

/// Ends when the system says that `node` cannot be reached or that nobody listens there; otherwise never.
/// Run it beside the handshake: whether somebody answers is decided there.
pub async fn refused(node: SocketAddr) -> io::Error {
    match probe(node).await {
        Err(error) if says_no(&error) => error,
        _ => std::future::pending().await,
    }
}

fn says_no(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused
            // Windows tells a closed port of a datagram like this.
            | ErrorKind::ConnectionReset
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
    )
}

async fn probe(node: SocketAddr) -> io::Result<Infallible> {
    let any = match node {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(node).await?;
    loop {
        // An error of an earlier probe comes out here or below.
        socket.send(&PROBE).await?;
        // Datagrams that come are of no interest; they must not make the probes more frequent.
        let heard = tokio::time::timeout(EVERY, async {
            loop {
                if let Err(error) = socket.recv(&mut [0]).await {
                    return error;
                }
            }
        });
        if let Ok(error) = heard.await {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_port_is_told_and_an_open_one_is_not() {
        let open = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = open.local_addr().expect("bound");
        let heard = tokio::time::timeout(EVERY * 3, refused(address)).await;
        assert!(heard.is_err(), "somebody listens: {heard:?}");
        // It was asked more than once, with what is no QUIC packet.
        for _ in 0..2 {
            assert_eq!(open.recv_from(&mut [1; 9]).await.map(|(len, _)| len).ok(), Some(1));
        }
        drop(open);
        let heard = tokio::time::timeout(Duration::from_secs(10), refused(address)).await.expect("told");
        assert!(says_no(&heard), "{heard}");
    }
}
