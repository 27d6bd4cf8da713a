//! Signed calls that wait for a block: a queue for each signer, in order of nonces. Bounded for each signer and in
//! all. A node's memory, not consensus.
//!
//! The call with the next nonce of each signer is *ready*. A block takes ready calls by price, then by arrival. What a
//! block has taken stays known here until the block is decided.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::admission::{RefusalCode, Refused};
use crate::block::Ready;
use crate::state::Account;
use crate::types::{Address, Hash};

/// How far ahead of its account a nonce may be.
pub const NONCES_AHEAD_MAX: u64 = 64;
/// Calls that wait, of all signers.
pub const WAITING_MAX: usize = 32_768;
/// Their bytes.
pub const WAITING_LEN_MAX: usize = 64 * 1024 * 1024;

/// What became of a call that should wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queued {
    /// It waits.
    Now,
    /// It waits already, or is in a block that is being made.
    Before,
    /// It does not.
    Refused(Refused),
}

/// A call that will not be in a block, and why.
pub type Dropped = (Hash, Refused);

#[derive(Debug)]
struct Waiting {
    call: Ready,
    arrival: u64,
}

impl Waiting {
    fn price(&self) -> u64 {
        self.call.envelope.body.gas_price
    }

    /// What it costs at most.
    fn cost(&self) -> u128 {
        cost(&self.call)
    }
}

/// What a call costs its signer at most.
fn cost(call: &Ready) -> u128 {
    let body = &call.envelope.body;
    u128::from(body.gas_limit).saturating_mul(u128::from(body.gas_price)).saturating_add(body.value)
}

/// The calls of a signer.
#[derive(Debug, Default)]
struct Queue {
    /// The next nonce of a block.
    next: u64,
    calls: BTreeMap<u64, Waiting>,
    /// Of all of them.
    cost: u128,
}

/// Where a call stands among those that are ready: the highest price first, then the oldest.
type Rank = (Reverse<u64>, u64, Address);

/// Calls by signer and nonce.
#[derive(Debug, Default)]
pub struct Pool {
    queues: BTreeMap<Address, Queue>,
    ids: BTreeMap<Hash, (Address, u64)>,
    ready: BTreeSet<Rank>,
    /// By price, the lowest first, and of one price the newest.
    cheapest: BTreeSet<(u64, Reverse<u64>, Address, u64)>,
    /// By the last height.
    expiring: BTreeSet<(u64, Address, u64)>,
    /// Calls that a block has taken; and the cost of each by signer and nonce.
    taken: BTreeSet<Hash>,
    taken_costs: BTreeMap<(Address, u64), u128>,
    dropped: Vec<Dropped>,
    len: usize,
    arrivals: u64,
}

impl Pool {
    /// Lets a call wait whose conditions hold for `account`, its signer's, at the newest block that was built.
    pub fn add(&mut self, call: Ready, account: &Account) -> Queued {
        if self.ids.contains_key(&call.call_id) || self.taken.contains(&call.call_id) {
            return Queued::Before;
        }
        let (signer, nonce) = (call.signer, call.envelope.body.nonce);
        if self.taken_costs.contains_key(&(signer, nonce)) {
            let text = format!("another call with nonce {nonce} is in a block that is being made");
            return Queued::Refused(Refused::new(RefusalCode::NonceTaken, text));
        }
        let pending = self.taken_of(&signer).map(|(_, cost)| *cost).fold(0, u128::saturating_add);
        let queue = self.queues.get(&signer);
        let replaced = queue.and_then(|queue| queue.calls.get(&nonce));
        if let Some(other) = replaced {
            let least = least_price(other.price());
            if call.envelope.body.gas_price < least {
                let text = format!(
                    "another call with nonce {nonce} waits; at a gas price of {least} this one would replace it"
                );
                return Queued::Refused(Refused::new(RefusalCode::NonceTaken, text));
            }
        }
        let others = queue.map_or(0, |queue| queue.cost).saturating_sub(replaced.map_or(0, Waiting::cost));
        let sum = others.saturating_add(pending).saturating_add(cost(&call));
        if sum > account.balance {
            let text =
                format!("the balance of {} does not cover the {sum} of all waiting calls", account.balance);
            return Queued::Refused(Refused::new(RefusalCode::Balance, text));
        }
        if !self.has_room(&call) {
            return Queued::Refused(Refused::new(
                RefusalCode::QueueFull,
                "too many calls wait; try again later",
            ));
        }
        if let Some(other) = self.remove(&signer, nonce) {
            let text = "another call with this nonce and a higher price took its place";
            self.dropped.push((other.call.call_id, Refused::new(RefusalCode::NonceTaken, text)));
        }
        self.arrivals = self.arrivals.saturating_add(1);
        let next = account.nonce.max(self.next_of(&signer));
        self.queues.entry(signer).or_default();
        self.advance(&signer, next);
        self.insert(Waiting { call, arrival: self.arrivals });
        Queued::Now
    }

    /// Nonces and costs of a signer's calls that a block has taken.
    fn taken_of(&self, signer: &Address) -> impl DoubleEndedIterator<Item = (u64, &u128)> {
        let all = (*signer, 0)..=(*signer, u64::MAX);
        self.taken_costs.range(all).map(|((_, nonce), cost)| (*nonce, cost))
    }

    /// The next nonce that no block has taken.
    fn next_of(&self, signer: &Address) -> u64 {
        self.taken_of(signer).next_back().map_or(0, |(nonce, _)| nonce.saturating_add(1))
    }

    /// Makes room by dropping calls with lower prices, and those behind them.
    fn has_room(&mut self, call: &Ready) -> bool {
        loop {
            let len = self.len.saturating_add(call.wire.len());
            if self.ids.len() < WAITING_MAX && len <= WAITING_LEN_MAX {
                return true;
            }
            let Some(&(price, _, signer, nonce)) = self.cheapest.first() else { return false };
            if price >= call.envelope.body.gas_price || signer == call.signer {
                return false;
            }
            let behind: Vec<u64> = self
                .queues
                .get(&signer)
                .map(|queue| queue.calls.range(nonce..).map(|(nonce, _)| *nonce).collect())
                .unwrap_or_default();
            for nonce in behind {
                if let Some(other) = self.remove(&signer, nonce) {
                    let text = "calls with higher prices took its place";
                    self.dropped.push((other.call.call_id, Refused::new(RefusalCode::QueueFull, text)));
                }
            }
        }
    }

    fn insert(&mut self, waiting: Waiting) {
        let (signer, nonce) = (waiting.call.signer, waiting.call.envelope.body.nonce);
        self.ids.insert(waiting.call.call_id, (signer, nonce));
        self.len = self.len.saturating_add(waiting.call.wire.len());
        self.cheapest.insert((waiting.price(), Reverse(waiting.arrival), signer, nonce));
        self.expiring.insert((waiting.call.envelope.body.valid_until, signer, nonce));
        let queue = self.queues.entry(signer).or_default();
        queue.cost = queue.cost.saturating_add(waiting.cost());
        if queue.next == nonce {
            self.ready.insert((Reverse(waiting.price()), waiting.arrival, signer));
        }
        queue.calls.insert(nonce, waiting);
    }

    fn remove(&mut self, signer: &Address, nonce: u64) -> Option<Waiting> {
        let queue = self.queues.get_mut(signer)?;
        let waiting = queue.calls.remove(&nonce)?;
        queue.cost = queue.cost.saturating_sub(waiting.cost());
        if queue.calls.is_empty() {
            self.queues.remove(signer);
        }
        self.ids.remove(&waiting.call.call_id);
        self.len = self.len.saturating_sub(waiting.call.wire.len());
        self.cheapest.remove(&(waiting.price(), Reverse(waiting.arrival), *signer, nonce));
        self.expiring.remove(&(waiting.call.envelope.body.valid_until, *signer, nonce));
        self.ready.remove(&(Reverse(waiting.price()), waiting.arrival, *signer));
        Some(waiting)
    }

    /// Takes the calls for a block: at most so many, of so many bytes in all.
    pub fn take(&mut self, count_max: usize, len_max: usize) -> Vec<Ready> {
        let mut calls = Vec::new();
        let mut len = 0_usize;
        while calls.len() < count_max {
            let Some((_, _, signer)) = self.ready.first().copied() else { break };
            let Some(nonce) = self.queues.get(&signer).map(|queue| queue.next) else { break };
            let Some(waiting) = self.remove(&signer, nonce) else { break };
            self.advance(&signer, nonce.saturating_add(1));
            len = len.saturating_add(waiting.call.wire.len());
            let is_full = len > len_max;
            self.taken.insert(waiting.call.call_id);
            self.taken_costs.insert((signer, nonce), waiting.cost());
            calls.push(waiting.call);
            if is_full {
                break;
            }
        }
        calls
    }

    /// Sets the next nonce of a signer's queue, if there is one.
    fn advance(&mut self, signer: &Address, next: u64) {
        let Some(queue) = self.queues.get_mut(signer) else { return };
        if let Some(ready) = queue.calls.get(&queue.next) {
            self.ready.remove(&(Reverse(ready.price()), ready.arrival, *signer));
        }
        queue.next = next;
        if let Some(ready) = queue.calls.get(&next) {
            self.ready.insert((Reverse(ready.price()), ready.arrival, *signer));
        }
    }

    /// A call that was taken is in a block, or will be in none.
    pub fn decided(&mut self, call: &Ready) {
        self.taken.remove(&call.call_id);
        self.taken_costs.remove(&(call.signer, call.envelope.body.nonce));
    }

    /// A call that was taken is in no block yet: it waits again, before those behind it.
    pub fn put_back(&mut self, call: Ready) {
        self.decided(&call);
        let (signer, nonce) = (call.signer, call.envelope.body.nonce);
        let next = self.queues.get(&signer).map_or(nonce, |queue| queue.next.min(nonce));
        self.advance(&signer, next);
        self.queues.entry(signer).or_default().next = next;
        // The oldest of all.
        self.insert(Waiting { call, arrival: 0 });
    }

    /// Goes on from a signer's account after a block: calls whose nonces are used, or that it does not cover any
    /// more, are dropped.
    pub fn refresh(&mut self, signer: &Address, account: &Account) {
        let Some(queue) = self.queues.get(signer) else { return };
        let mut sum = 0_u128;
        let mut gone = Vec::new();
        for (nonce, waiting) in &queue.calls {
            let with = sum.saturating_add(waiting.cost());
            if *nonce < account.nonce {
                let text = format!("nonce {nonce} is used, the next is {}", account.nonce);
                gone.push((*nonce, Refused::new(RefusalCode::NonceUsed, text)));
            } else if with > account.balance {
                let text = format!("the balance of {} does not cover it any more", account.balance);
                gone.push((*nonce, Refused::new(RefusalCode::Balance, text)));
            } else {
                sum = with;
            }
        }
        for (nonce, refused) in gone {
            if let Some(waiting) = self.remove(signer, nonce) {
                self.dropped.push((waiting.call.call_id, refused));
            }
        }
        self.advance(signer, account.nonce.max(self.next_of(signer)));
    }

    /// Drops calls that are valid no longer at `height`.
    pub fn expire(&mut self, height: u64) {
        while let Some(&(until, signer, nonce)) = self.expiring.first() {
            if until >= height {
                break;
            }
            let Some(waiting) = self.remove(&signer, nonce) else { break };
            let text = format!("the call was valid until block {until}, the next is {height}");
            self.dropped.push((waiting.call.call_id, Refused::new(RefusalCode::Expired, text)));
        }
    }

    /// Calls that were dropped since the last time, and why.
    pub fn dropped(&mut self) -> Vec<Dropped> {
        std::mem::take(&mut self.dropped)
    }

    /// Whether a call waits, or is in a block that is being made.
    pub fn has(&self, call_id: &Hash) -> bool {
        self.ids.contains_key(call_id) || self.taken.contains(call_id)
    }

    /// Whether a call with this nonce waits behind others that have not come.
    pub fn has_gap(&self, signer: &Address, nonce: u64) -> bool {
        let Some(queue) = self.queues.get(signer).filter(|queue| queue.next < nonce) else { return false };
        let before = queue.calls.range(queue.next..nonce).count() as u64;
        before < nonce.saturating_sub(queue.next)
    }

    /// Whether a block could take a call.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// How many are ready at most: of each signer all behind one another.
    pub fn count(&self) -> usize {
        self.ids.len()
    }
}

/// The least price of a call that takes another one's place.
fn least_price(old: u64) -> u64 {
    old.saturating_add(old.div_ceil(10).max(1))
}

#[cfg(test)]
mod tests;
