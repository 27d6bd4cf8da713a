//! Where a node is: an IP address or a host name, and a port. Owns the lookup of names; knows no protocol.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::failure::{Exit, Failure};

/// Bytes of a host name at most (RFC 1035, 2.3.4).
const NAME_LEN_MAX: usize = 253;
/// Addresses of one name that are tried: whoever answers for a name must not decide how long that takes.
const ADDRESSES_MAX: usize = 16;

/// An address to talk to or to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// An address.
    Ip(SocketAddr),
    /// A host name and a port.
    Name(String, u16),
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Endpoint, String> {
        if let Ok(address) = text.parse() {
            return Ok(Endpoint::Ip(address));
        }
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        let name_and_port = text.rsplit_once(':').and_then(|(name, port)| {
            // Not `+1`, which Rust would read, too.
            let port = port.parse().ok().filter(|_| port.chars().all(|c| c.is_ascii_digit()))?;
            let labels = name.strip_suffix('.').unwrap_or(name);
            (name.len() <= NAME_LEN_MAX && labels.split('.').all(is_label)).then(|| (name.to_string(), port))
        });
        let Some((name, port)) = name_and_port else {
            return Err(
                "an address or a host name, and a port expected, such as 127.0.0.1:4433, [::1]:4433 \
                        or node.example:4433"
                    .into(),
            );
        };
        Ok(Endpoint::Name(name, port))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Ip(address) => address.fmt(f),
            Endpoint::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

impl Endpoint {
    /// Its addresses in the order of the system's resolver, at least one, each once.
    ///
    /// # Errors
    /// `network` when the name has no address, or no answer comes in time.
    pub fn resolve(&self, patience: Duration) -> Result<Vec<SocketAddr>, Failure> {
        let (name, port) = match self {
            Endpoint::Ip(address) => return Ok(vec![*address]),
            Endpoint::Name(name, port) => (name.clone(), *port),
        };
        let failed = |why: String| {
            Failure::new(
                Exit::Network,
                "network",
                format_args!("the host name `{name}` has no address: {why}"),
            )
            .with_help("see how it is spelled, and whether this machine can look names up")
        };
        // The system's lookup cannot be ended: nobody waits for a thread that is still in it.
        let (send, answer) = channel();
        let asked = (name.clone(), port);
        std::thread::spawn(move || send.send(asked.to_socket_addrs().map(|found| found.collect::<Vec<_>>())));
        let found = answer
            .recv_timeout(patience)
            .map_err(|_| failed(format!("no answer within {} s", patience.as_secs())))?
            .map_err(|error| failed(error.to_string()))?;
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in found {
            if !addresses.contains(&address) && addresses.len() < ADDRESSES_MAX {
                addresses.push(address);
            }
        }
        if addresses.is_empty() { Err(failed("the answer is empty".into())) } else { Ok(addresses) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_with_a_port() {
        for good in ["127.0.0.1:4433", "[::1]:1", "localhost:0", "node-1.example.:65535", "a_b:1", "xn--a:1"]
        {
            assert_eq!(good.parse::<Endpoint>().map(|it| it.to_string()).as_deref(), Ok(good));
        }
        assert!(matches!("[::1]:1".parse(), Ok(Endpoint::Ip(_))));
        let long = format!("{}:1", ["a"; 128].join("."));
        let label = format!("{}:1", "a".repeat(64));
        for bad in [
            "",
            ":1",
            "a",
            "a:",
            "a:65536",
            "a:+1",
            "::1:1",
            "a..b:1",
            ".:1",
            "a b:1",
            "ä:1",
            "http://a:1",
            "a:1/",
            &long,
            &label,
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_has_its_addresses_and_one_that_is_none_says_so() {
        let found = Endpoint::Name("localhost".into(), 7).resolve(Duration::from_secs(30)).expect("found");
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 7), "{found:?}");
        // RFC 6761, 6.4: no such name resolves.
        let failure = Endpoint::Name("nobody.invalid".into(), 1).resolve(Duration::from_secs(30));
        let failure = failure.expect_err("no address");
        assert!(failure.text.contains("`nobody.invalid` has no address"), "{}", failure.text);
    }
}
