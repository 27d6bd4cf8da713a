//! Answers that wait until somebody takes them: how many bytes of them the node holds, for each peer and in all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::proto::pace::Peer;
use crate::proto::table::Limits;

/// Answers up to this long are not counted: there are no more of them than streams.
const SMALL_LEN: usize = 4 << 10;

#[derive(Debug, Default)]
struct Counts {
    all: u64,
    peers: BTreeMap<Peer, u64>,
}

/// The bytes of answers under way.
#[derive(Debug)]
pub(super) struct Held {
    all_max: u64,
    peer_max: u64,
    counts: Mutex<Counts>,
}

impl Held {
    pub(super) fn new(limits: &Limits) -> Arc<Held> {
        let Limits { answer_bytes_total: all_max, answer_bytes_per_peer: peer_max, .. } = *limits;
        Arc::new(Held { all_max, peer_max, counts: Mutex::default() })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Each change is made whole under the lock.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an answer of so many bytes wait for this peer; nothing if there is no room for it.
    pub(super) fn hold(self: &Arc<Held>, peer: Peer, len: usize) -> Option<Holding> {
        let len = if len <= SMALL_LEN { 0 } else { len as u64 };
        let mut counts = self.counts();
        let all = counts.all.saturating_add(len);
        let own = counts.peers.get(&peer).copied().unwrap_or(0).saturating_add(len);
        if len > 0 && (all > self.all_max || own > self.peer_max) {
            return None;
        }
        counts.all = all;
        if own > 0 {
            counts.peers.insert(peer, own);
        }
        Some(Holding { held: self.clone(), peer, len })
    }
}

/// An answer that is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Holding {
    held: Arc<Held>,
    peer: Peer,
    len: u64,
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut counts = self.held.counts();
        counts.all = counts.all.saturating_sub(self.len);
        if let Some(own) = counts.peers.get_mut(&self.peer) {
            *own = own.saturating_sub(self.len);
            if *own == 0 {
                counts.peers.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn bytes_are_bounded_for_each_and_for_all() {
        let limits =
            Limits { answer_bytes_total: 30_000, answer_bytes_per_peer: 20_000, ..Limits::default() };
        let held = Held::new(&limits);
        let peer = |last: u8| Peer::of(IpAddr::from([10, 0, 0, last]));
        let first = held.hold(peer(1), 20_000).unwrap();
        assert!(held.hold(peer(1), SMALL_LEN + 1).is_none(), "its share is used up");
        assert!(held.hold(peer(1), SMALL_LEN).is_some(), "small ones are not counted");
        let second = held.hold(peer(2), 10_000).unwrap();
        assert!(held.hold(peer(3), 5_000).is_none(), "all of it is used up");
        drop(first);
        assert!(held.hold(peer(3), 5_000).is_some());
        drop(second);
        let counts = held.counts();
        assert_eq!((counts.all, counts.peers.len()), (0, 0));
    }
}
