//! What each peer has of something that a node has only so much of.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::proto::frame::Refusal;
use crate::proto::pace::Peer;
use crate::proto::table::AnswerCode;

/// How much each peer has.
#[derive(Debug)]
pub(super) struct Shares {
    peer_max: u32,
    taken: Mutex<BTreeMap<Peer, u32>>,
}

impl Shares {
    /// At most so much for each.
    pub(super) fn new(peer_max: u32) -> Arc<Shares> {
        Arc::new(Shares { peer_max, taken: Mutex::default() })
    }

    fn taken(&self) -> MutexGuard<'_, BTreeMap<Peer, u32>> {
        // Each change is made whole under the lock: a panic elsewhere leaves the counts sound.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a peer has.
    pub(super) fn of(&self, peer: Peer) -> u32 {
        self.taken().get(&peer).copied().unwrap_or(0)
    }

    /// One more for a peer, if it may have it.
    pub(super) fn take(self: &Arc<Shares>, peer: Peer) -> Option<Share> {
        let mut taken = self.taken();
        let own = taken.get(&peer).copied().unwrap_or(0);
        if own >= self.peer_max {
            return None;
        }
        taken.insert(peer, own.saturating_add(1));
        Some(Share { shares: self.clone(), peer })
    }
}

/// One of what a peer has; given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    shares: Arc<Shares>,
    peer: Peer,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.shares.taken();
        if let Some(own) = taken.get_mut(&self.peer) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.remove(&self.peer);
            }
        }
    }
}

/// Room for requests inside the node.
#[derive(Debug)]
pub(super) struct Room {
    all: Arc<Semaphore>,
    shares: Arc<Shares>,
}

impl Room {
    /// Room for so many, and for so many of one peer.
    pub(super) fn new(all: u32, per_peer: u32) -> Room {
        let all = usize::try_from(all).unwrap_or(usize::MAX);
        Room { all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))), shares: Shares::new(per_peer) }
    }

    /// Room for one more of a peer, held by what is returned.
    ///
    /// # Errors
    /// `Busy`.
    pub(super) fn enter(&self, peer: Peer) -> Result<(OwnedSemaphorePermit, Share), Refusal> {
        let busy = |text| Refusal::new(AnswerCode::Busy, text);
        let share = self.shares.take(peer);
        let share = share.ok_or_else(|| busy("the node has too many requests of this peer under way"))?;
        let all = self.all.clone().try_acquire_owned();
        Ok((all.map_err(|_| busy("the node has too many requests under way"))?, share))
    }

    /// Room for one that has a bound of its own, as soon as there is some.
    ///
    /// # Errors
    /// `ShuttingDown`.
    pub(super) async fn wait(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let room = self.all.clone().acquire_owned().await;
        room.map_err(|_| Refusal::new(AnswerCode::ShuttingDown, "the node ends"))
    }
}
