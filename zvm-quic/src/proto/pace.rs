//! How slow a sender may be, and who counts as one peer. Time is an argument, counted from any fixed start.

use core::net::IpAddr;
use core::time::Duration;

use super::frame::Refusal;
use super::table::{AnswerCode, Limits};

/// Watches the arrival of one request.
#[derive(Clone, Debug)]
pub struct Pace {
    idle: Duration,
    window: Duration,
    window_bytes: u64,
    heard: Duration,
    window_start: Duration,
    bytes: u64,
}

impl Pace {
    /// A request that begins `now`.
    pub fn new(limits: &Limits, now: Duration) -> Pace {
        Pace {
            idle: Duration::from_millis(limits.idle_ms),
            window: Duration::from_millis(limits.pace_ms),
            window_bytes: limits.pace_bytes,
            heard: now,
            window_start: now,
            bytes: 0,
        }
    }

    /// `count` bytes came.
    pub fn received(&mut self, now: Duration, count: usize) {
        self.heard = now;
        self.bytes = self.bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// The receiver itself kept the sender waiting until `now`, since the last bytes came.
    pub fn excuse(&mut self, now: Duration) {
        self.window_start = self.window_start.saturating_add(now.saturating_sub(self.heard));
        self.heard = now;
    }

    /// When to [`check`](Pace::check) next, if nothing comes.
    pub fn deadline(&self) -> Duration {
        self.heard.saturating_add(self.idle).min(self.window_start.saturating_add(self.window))
    }

    /// Whether the sender is still fast enough.
    ///
    /// # Errors
    /// `TooSlow`.
    pub fn check(&mut self, now: Duration) -> Result<(), Refusal> {
        if now >= self.heard.saturating_add(self.idle) {
            return Err(Refusal::new(AnswerCode::TooSlow, "nothing came for too long"));
        }
        if now >= self.window_start.saturating_add(self.window) {
            if self.bytes < self.window_bytes {
                return Err(Refusal::new(AnswerCode::TooSlow, "the bytes come too slowly"));
            }
            self.window_start = now;
            self.bytes = 0;
        }
        Ok(())
    }
}

/// Whom uploads count for: an IPv4 address, or the /56 of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer([u8; 8]);

impl Peer {
    /// Bytes that tell it apart from every other peer.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0
    }

    /// The peer behind an address.
    pub fn of(address: IpAddr) -> Peer {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                Peer([4, 0, 0, 0, a, b, c, d])
            }
            IpAddr::V6(v6) => {
                let [a, b, c, d, e, f, g, ..] = v6.octets();
                Peer([6, a, b, c, d, e, f, g])
            }
        }
    }
}
