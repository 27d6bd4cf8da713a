//! Who may upload: places among the uploads under way, the queue for them, and who gives a place up when
//! others wait. Time is an argument, counted from any fixed start.
//!
//! An upload's *lag* is the time that the node waited for its bytes beyond what they take at the fair rate;
//! bytes that come faster make up for earlier lag and earn no credit. While nobody waits, lag is harmless.
//! When all places are taken and somebody waits, the upload with the largest lag above the limit goes.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use super::frame::Refusal;
use super::pace::Peer;
use super::table::{AnswerCode, Limits};

/// The name of an upload in [`Slots`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// What a waiting upload learns when it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It has a place. The upload named lost its own for it, and must end.
    Begins(Option<Ticket>),
    /// It waits. Asking again makes sense when an upload ends or leaves the queue, and at this time.
    Waits(Option<Duration>),
}

#[derive(Clone, Copy, Debug)]
struct Upload {
    peer: Peer,
    lag: Duration,
    /// Since when the node waits for its bytes; nothing while the node itself is at work.
    since: Option<Duration>,
}

impl Upload {
    fn lag(&self, now: Duration) -> Duration {
        let waited = self.since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        self.lag.saturating_add(waited)
    }
}

/// The uploads under way and those that wait for a place.
#[derive(Debug)]
pub struct Slots {
    per_peer_max: u32,
    total_max: usize,
    waiting_max: usize,
    fair_bytes_per_s: u64,
    lag_max: Duration,
    newest: u64,
    running: BTreeMap<Ticket, Upload>,
    waiting: VecDeque<(Ticket, Peer)>,
    peers: BTreeMap<Peer, u32>,
}

impl Slots {
    /// No upload yet.
    pub fn new(limits: &Limits) -> Slots {
        let count = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        Slots {
            per_peer_max: limits.uploads_per_peer,
            total_max: count(limits.uploads_total),
            waiting_max: count(limits.uploads_waiting),
            fair_bytes_per_s: limits.fair_bytes_per_s.max(1),
            lag_max: Duration::from_millis(limits.fair_lag_ms),
            newest: 0,
            running: BTreeMap::new(),
            waiting: VecDeque::new(),
            peers: BTreeMap::new(),
        }
    }

    /// An upload comes, at the end of the queue. Its next step is [`poll`](Slots::poll); its last one
    /// [`leave`](Slots::leave).
    ///
    /// # Errors
    /// `TooManyUploads`: of this peer, of which one may wait, or in the queue.
    pub fn arrive(&mut self, peer: Peer) -> Result<Ticket, Refusal> {
        let own = self.peers.get(&peer).copied().unwrap_or(0);
        let is_full = self.running.len() >= self.total_max || !self.waiting.is_empty();
        let waits = self.waiting.iter().any(|(_, other)| *other == peer);
        if own >= self.per_peer_max || (is_full && (waits || self.waiting.len() >= self.waiting_max)) {
            return Err(Refusal::new(AnswerCode::TooManyUploads, "too many uploads under way"));
        }
        self.newest = self.newest.saturating_add(1);
        let ticket = Ticket(self.newest);
        self.peers.insert(peer, own.saturating_add(1));
        self.waiting.push_back((ticket, peer));
        Ok(ticket)
    }

    /// Gives a waiting upload a place, if it is its turn.
    pub fn poll(&mut self, ticket: Ticket, now: Duration) -> Turn {
        let Some(&(head, peer)) = self.waiting.front() else { return Turn::Waits(None) };
        if head != ticket {
            return Turn::Waits(None);
        }
        let mut displaced = None;
        if self.running.len() >= self.total_max {
            displaced = self.displace(now);
            if displaced.is_none() {
                return Turn::Waits(self.next_displaceable());
            }
        }
        self.waiting.pop_front();
        self.running.insert(ticket, Upload { peer, lag: Duration::ZERO, since: None });
        Turn::Begins(displaced)
    }

    /// Takes the place of the upload that lags most, if one lags too much.
    pub fn displace(&mut self, now: Duration) -> Option<Ticket> {
        let lags = self.running.iter().map(|(ticket, upload)| (upload.lag(now), *ticket));
        let (lag, ticket) = lags.max()?;
        if lag <= self.lag_max {
            return None;
        }
        self.leave(ticket);
        Some(ticket)
    }

    /// When the first upload will lag too much, if nothing more comes of it.
    pub fn next_displaceable(&self) -> Option<Duration> {
        let due = |upload: &Upload| {
            let left = self.lag_max.saturating_sub(upload.lag);
            // A place is free only beyond the limit.
            upload.since.map(|since| since.saturating_add(left).saturating_add(Duration::from_millis(1)))
        };
        self.running.values().filter_map(due).min()
    }

    /// Who is next in the queue.
    pub fn head(&self) -> Option<Ticket> {
        self.waiting.front().map(|(ticket, _)| *ticket)
    }

    /// The node begins to wait for an upload's bytes.
    pub fn awaits(&mut self, ticket: Ticket, now: Duration) {
        if let Some(upload) = self.running.get_mut(&ticket) {
            upload.since.get_or_insert(now);
        }
    }

    /// Bytes of an upload came, or its end did; the node is at work on it.
    pub fn received(&mut self, ticket: Ticket, now: Duration, count: usize) {
        let nanos = u128::try_from(count).unwrap_or(u128::MAX).saturating_mul(1_000_000_000);
        let worth = nanos.checked_div(u128::from(self.fair_bytes_per_s)).unwrap_or(u128::MAX);
        let worth = Duration::from_nanos(u64::try_from(worth).unwrap_or(u64::MAX));
        if let Some(upload) = self.running.get_mut(&ticket) {
            upload.lag = upload.lag(now).saturating_sub(worth);
            upload.since = None;
        }
    }

    /// Whether an upload has its place still.
    ///
    /// # Errors
    /// `TooSlow`.
    pub fn check(&self, ticket: Ticket) -> Result<(), Refusal> {
        if self.running.contains_key(&ticket) {
            return Ok(());
        }
        Err(Refusal::new(AnswerCode::TooSlow, "others wait, and the bytes come too slowly"))
    }

    /// An upload is over, or gives up waiting. Nothing for one that was displaced.
    pub fn leave(&mut self, ticket: Ticket) {
        let running = self.running.remove(&ticket).map(|upload| upload.peer);
        let queued = self.waiting.iter().position(|(other, _)| *other == ticket);
        let waiting = queued.and_then(|at| self.waiting.remove(at)).map(|(_, peer)| peer);
        let Some(peer) = running.or(waiting) else { return };
        if let Some(own) = self.peers.get_mut(&peer) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.peers.remove(&peer);
            }
        }
    }

    /// How many are under way.
    pub fn total(&self) -> u32 {
        u32::try_from(self.running.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    fn peer(number: u32) -> Peer {
        Peer::of(core::net::IpAddr::from(number.to_be_bytes()))
    }

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn places_are_counted_and_the_queue_is_in_order() {
        let limits =
            Limits { uploads_per_peer: 2, uploads_total: 3, uploads_waiting: 2, ..Limits::default() };
        let mut slots = Slots::new(&limits);
        let begin = |slots: &mut Slots, number| {
            let ticket = slots.arrive(peer(number)).unwrap();
            assert_eq!(slots.poll(ticket, MS), Turn::Begins(None));
            ticket
        };
        let first = begin(&mut slots, 1);
        begin(&mut slots, 1);
        assert_eq!(slots.arrive(peer(1)).unwrap_err().code, AnswerCode::TooManyUploads);
        begin(&mut slots, 2);
        let waits = slots.arrive(peer(2)).unwrap();
        let behind = slots.arrive(peer(3)).unwrap();
        assert!(slots.arrive(peer(3)).is_err(), "one of a peer waits");
        assert!(slots.arrive(peer(4)).is_err(), "the queue is full");
        assert_eq!(slots.poll(waits, MS), Turn::Waits(None));
        slots.leave(first);
        assert_eq!(slots.poll(behind, MS), Turn::Waits(None), "not its turn");
        assert_eq!(slots.head(), Some(waits));
        assert_eq!(slots.poll(waits, MS), Turn::Begins(None));
        slots.leave(behind);
        assert_eq!((slots.total(), slots.head()), (3, None));
        assert!(slots.arrive(peer(4)).is_ok());
    }

    #[test]
    fn the_slowest_goes_and_no_sooner_than_it_lags() {
        let limits = Limits { uploads_total: 2, ..Limits::default() };
        let mut slots = Slots::new(&limits);
        let mut begin = |number| {
            let ticket = slots.arrive(peer(number)).unwrap();
            assert_eq!(slots.poll(ticket, MS), Turn::Begins(None));
            slots.awaits(ticket, Duration::ZERO);
            ticket
        };
        let (slow, silent) = (begin(1), begin(2));
        slots.received(slow, at(1_000), 3_300);
        slots.awaits(slow, at(1_000));
        let newcomer = slots.arrive(peer(3)).unwrap();
        assert_eq!(slots.poll(newcomer, at(2_000)), Turn::Waits(Some(at(2_001))));
        assert_eq!(slots.poll(newcomer, at(2_001)), Turn::Begins(Some(silent)));
        assert_eq!(slots.check(silent).unwrap_err().code, AnswerCode::TooSlow);
        assert!(slots.check(slow).is_ok());
        // Its owner is told in its own time; that changes nothing.
        slots.leave(silent);
        assert_eq!(slots.total(), 2);
    }

    /// What happens to one simulated upload.
    struct Sim {
        ticket: Ticket,
        rate: u64,
        left: u64,
        begun: bool,
        next: Duration,
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        /// An honest client at 64 KB/s or more, in chunks of up to 32 KiB that come up to half a second
        /// late, has a place within a bounded time, whatever a hundred times as many slow addresses do that
        /// come back at once; and it keeps its place to the end.
        #[test]
        fn slow_addresses_hold_nobody_up(
            slow_rates in prop::collection::vec(0u64..20_000, 1..8),
            honest_rate in 64_000u64..500_000,
            honest_chunk in 1_000u64..32_768,
            late_ms in prop::collection::vec(0u64..500, 1..16),
            from_ms in 0u64..5_000,
        ) {
            const PLACES: u32 = 4;
            const SLOW: u32 = 32;
            const HONEST: u32 = 1_000;
            let limits = Limits { uploads_total: PLACES, uploads_waiting: SLOW + 1, ..Limits::default() };
            // A slow one goes after 2 s ÷ (1 − 20/64) at most; all those ahead in the queue, four at a time.
            let bound = at(3_000) * (SLOW / PLACES + 1);
            let mut slots = Slots::new(&limits);
            let mut slow: BTreeMap<u32, Sim> = BTreeMap::new();
            let mut honest: Option<Sim> = None;
            let (mut sent, mut chunks, mut turn_at) = (0u64, 0usize, Duration::ZERO);
            let mut is_done = false;
            for step in 0..12_000u64 {
                let now = at(step * 10);
                for number in 0..SLOW {
                    if !slow.contains_key(&number) && let Ok(ticket) = slots.arrive(peer(number)) {
                        let rate = slow_rates[number as usize % slow_rates.len()];
                        slow.insert(number, Sim { ticket, rate, left: 2 << 20, begun: false, next: now });
                    }
                }
                if honest.is_none() && now >= at(from_ms) {
                    let ticket = slots.arrive(peer(HONEST)).unwrap();
                    honest = Some(Sim { ticket, rate: honest_rate, left: 1 << 20, begun: false, next: now });
                    turn_at = now;
                }
                while let Some(head) = slots.head() {
                    let Turn::Begins(displaced) = slots.poll(head, now) else { break };
                    slots.awaits(head, now);
                    for sim in slow.values_mut().chain(honest.as_mut()).filter(|sim| sim.ticket == head) {
                        (sim.begun, sim.next) = (true, now);
                    }
                    if let Some(displaced) = displaced {
                        prop_assert!(honest.as_ref().is_none_or(|sim| sim.ticket != displaced));
                        slow.retain(|_, sim| sim.ticket != displaced);
                    }
                }
                for sim in slow.values_mut().filter(|sim| sim.begun && sim.next <= now) {
                    slots.received(sim.ticket, now, sim.rate as usize / 100);
                    slots.awaits(sim.ticket, now);
                    sim.left = sim.left.saturating_sub(sim.rate / 100);
                }
                if let Some(sim) = honest.as_mut() {
                    if sim.begun && turn_at != Duration::MAX {
                        prop_assert!(now - turn_at <= bound, "waited {:?}", now - turn_at);
                        (turn_at, sim.next) = (Duration::MAX, now);
                    }
                    prop_assert!(sim.begun || now - turn_at <= bound);
                    if sim.begun {
                        slots.check(sim.ticket).map_err(|refusal| TestCaseError::fail(refusal.text))?;
                        // The chunks' times at the honest rate, each late by its own delay.
                        let begun = sim.next;
                        loop {
                            let due = at((sent + honest_chunk) * 1_000 / honest_rate);
                            let late = at(late_ms[chunks % late_ms.len()]);
                            if now < begun + due + late || sim.left == 0 { break; }
                            slots.received(sim.ticket, now, honest_chunk as usize);
                            slots.awaits(sim.ticket, now);
                            (sent, chunks) = (sent + honest_chunk, chunks + 1);
                            sim.left = sim.left.saturating_sub(honest_chunk);
                        }
                        if sim.left == 0 {
                            slots.leave(sim.ticket);
                            is_done = true;
                            break;
                        }
                    }
                }
            }
            prop_assert!(is_done, "the honest upload came to its end");
        }
    }
}
