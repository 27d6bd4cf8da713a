//! The hot set: the code that every node keeps ready to run. Code outside of it is priced by the work of making it
//! ready, so that what a call costs never depends on a node's cache. The set is part of the state: it follows from
//! the calls alone. `docs/hot-set.md` has the rules and layouts.
//!
//! Two queues. New code waits in *probation*; after it was used in [`PROMOTION_BLOCKS`] blocks it moves to *protected*.
//! Each queue evicts only its own, oldest first. An entry moves to the head only when it is [`MOVE_DISTANCE`] or more
//! behind it, so that using hot code hardly ever writes.
//!
//! A queue is a list whose entries name their neighbours. Nothing is left where an entry was, so that no use has to
//! look for the oldest entry. One use evicts at most [`EVICTIONS_MAX`] entries. Code that does not fit then stays where
//! it is: outside, or in probation.

use std::sync::Arc;

use crate::codec::{CodecError, Reader, Writer};
use crate::state::{Journal, JournalError, StoreError};
use crate::table::host_gas::{COLD_BASE, DEPLOY_WORK};
use crate::types::Hash;

#[cfg(test)]
mod tests;

/// Blocks that code is used in before it is protected.
pub const PROMOTION_BLOCKS: u8 = 8;
/// How far behind the head an entry moves when it is used.
pub const MOVE_DISTANCE: u64 = 1_024;
/// Entries that one use evicts at most.
pub const EVICTIONS_MAX: u32 = 8;
/// Entries and weight of each queue at most: a quarter of 4,096 codes and 32 MiB is for probation.
pub(crate) const BOUNDS: [(u32, u64); 2] = [(1_024, 8 << 20), (3_072, 24 << 20)];

/// What all keys of the host itself begin with.
const SYSTEM: u8 = 5;

/// Where the set lies.
pub trait SystemState {
    /// Why a key cannot be read.
    type Error: From<StoreError>;

    /// The value of a system key.
    ///
    /// # Errors
    /// The store's.
    fn read(&mut self, key: &[u8]) -> Result<Option<Arc<[u8]>>, Self::Error>;

    /// Sets a system key for good, or removes it.
    ///
    /// # Errors
    /// The store's.
    fn set(&mut self, key: &[u8], value: Option<Vec<u8>>) -> Result<(), Self::Error>;
}

impl SystemState for Journal {
    type Error = JournalError;

    fn read(&mut self, key: &[u8]) -> Result<Option<Arc<[u8]>>, JournalError> {
        self.read_system(key)
    }

    fn set(&mut self, key: &[u8], value: Option<Vec<u8>>) -> Result<(), JournalError> {
        self.write_lasting(key, value.map(Into::into))
    }
}

/// A queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment {
    Probation = 0,
    Protected = 1,
}

/// Stands for no code: no bytes have this hash.
const NOBODY: Hash = [0; 32];

/// Where a queue begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Queue {
    /// The number of the next entry that comes to the head.
    next: u64,
    count: u32,
    weight: u64,
    /// At the tail; `NOBODY` in an empty queue.
    oldest: Hash,
    /// At the head.
    newest: Hash,
}

/// The two queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Queues([Queue; 2]);

/// Code in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    segment: Segment,
    /// Rises from the tail to the head.
    number: u64,
    weight: u32,
    /// Blocks that it was used in, up to the promotion.
    blocks: u8,
    /// The last of them.
    height: u64,
    /// The neighbour towards the tail, or `NOBODY`.
    older: Hash,
    /// The neighbour towards the head, or `NOBODY`.
    newer: Hash,
}

/// Gas of entering code outside the set: room is made for it, and it is made ready.
pub fn cold_gas(work: u64) -> u64 {
    COLD_BASE.saturating_add(DEPLOY_WORK.saturating_mul(work))
}

/// Whether code is in the set.
///
/// # Errors
/// The state's.
pub fn is_hot<S: SystemState>(state: &mut S, code_hash: &Hash) -> Result<bool, S::Error> {
    Ok(entry(state, code_hash)?.is_some())
}

/// Uses code in the block of this height.
///
/// # Errors
/// The state's.
pub fn touch<S: SystemState>(
    state: &mut S,
    code_hash: &Hash,
    weight: u32,
    height: u64,
) -> Result<(), S::Error> {
    let found = entry(state, code_hash)?;
    if found.is_some_and(|entry| entry.segment == Segment::Probation && entry.height == height) {
        return Ok(());
    }
    let before = queues(state)?;
    let mut queues = before;
    match found {
        None => come_in(state, &mut queues, code_hash, weight, height)?,
        Some(entry) if entry.segment == Segment::Probation => {
            use_in_probation(state, &mut queues, code_hash, &entry, height)?;
        }
        Some(entry) if is_behind(&queues, &entry) => {
            take_out(state, &mut queues, &entry)?;
            append(state, &mut queues, code_hash, entry)?;
        }
        Some(_) => {}
    }
    if queues == before { Ok(()) } else { state.set(&queues_key(), Some(queues.encode())) }
}

/// Code from outside.
fn come_in<S: SystemState>(
    state: &mut S,
    queues: &mut Queues,
    code_hash: &Hash,
    weight: u32,
    height: u64,
) -> Result<(), S::Error> {
    if !make_room(state, queues, Segment::Probation, weight)? {
        return Ok(());
    }
    let segment = Segment::Probation;
    let new = Entry { segment, number: 0, weight, blocks: 1, height, older: NOBODY, newer: NOBODY };
    append(state, queues, code_hash, new)
}

/// The first use in a block of an entry in probation.
fn use_in_probation<S: SystemState>(
    state: &mut S,
    queues: &mut Queues,
    code_hash: &Hash,
    entry: &Entry,
    height: u64,
) -> Result<(), S::Error> {
    let blocks = entry.blocks.saturating_add(1).min(PROMOTION_BLOCKS);
    let used = Entry { blocks, height, ..*entry };
    if blocks == PROMOTION_BLOCKS && make_room(state, queues, Segment::Protected, entry.weight)? {
        take_out(state, queues, entry)?;
        return append(state, queues, code_hash, Entry { segment: Segment::Protected, ..used });
    }
    if is_behind(queues, entry) {
        take_out(state, queues, entry)?;
        return append(state, queues, code_hash, used);
    }
    put_entry(state, code_hash, &used)
}

fn is_behind(queues: &Queues, entry: &Entry) -> bool {
    queues.of(entry.segment).next.saturating_sub(entry.number) >= MOVE_DISTANCE
}

/// Evicts from a queue until so much weight fits; says whether it does. What was evicted stays so if it does not.
fn make_room<S: SystemState>(
    state: &mut S,
    queues: &mut Queues,
    segment: Segment,
    weight: u32,
) -> Result<bool, S::Error> {
    let (count_max, weight_max) = BOUNDS.get(segment as usize).copied().unwrap_or_default();
    let weight = u64::from(weight);
    if weight > weight_max {
        return Ok(false);
    }
    let queue = queues.of_mut(segment);
    let fits = |queue: &Queue| queue.count < count_max && queue.weight.saturating_add(weight) <= weight_max;
    let mut evicted = 0_u32;
    while !fits(queue) && evicted < EVICTIONS_MAX {
        let found = member(state, &queue.oldest)?;
        state.set(&entry_key(&queue.oldest), None)?;
        queue.leave(found.weight);
        queue.oldest = found.newer;
        evicted = evicted.saturating_add(1);
    }
    // Only the one that is the oldest now has lost a neighbour.
    if queue.oldest == NOBODY {
        queue.newest = NOBODY;
    } else if evicted > 0 {
        let oldest = member(state, &queue.oldest)?;
        put_entry(state, &queue.oldest, &Entry { older: NOBODY, ..oldest })?;
    }
    Ok(fits(queue))
}

/// Takes an entry out of its queue; its own key stays.
fn take_out<S: SystemState>(state: &mut S, queues: &mut Queues, entry: &Entry) -> Result<(), S::Error> {
    let queue = queues.of_mut(entry.segment);
    queue.leave(entry.weight);
    if entry.older == NOBODY {
        queue.oldest = entry.newer;
    } else {
        let older = member(state, &entry.older)?;
        put_entry(state, &entry.older, &Entry { newer: entry.newer, ..older })?;
    }
    if entry.newer == NOBODY {
        queue.newest = entry.older;
    } else {
        let newer = member(state, &entry.newer)?;
        put_entry(state, &entry.newer, &Entry { older: entry.older, ..newer })?;
    }
    Ok(())
}

/// Puts an entry at the head of its queue.
fn append<S: SystemState>(
    state: &mut S,
    queues: &mut Queues,
    code_hash: &Hash,
    entry: Entry,
) -> Result<(), S::Error> {
    let queue = queues.of_mut(entry.segment);
    let (number, older) = (queue.next, queue.newest);
    if older == NOBODY {
        queue.oldest = *code_hash;
    } else {
        let newest = member(state, &older)?;
        put_entry(state, &older, &Entry { newer: *code_hash, ..newest })?;
    }
    queue.next = number.saturating_add(1);
    queue.count = queue.count.saturating_add(1);
    queue.weight = queue.weight.saturating_add(u64::from(entry.weight));
    queue.newest = *code_hash;
    put_entry(state, code_hash, &Entry { number, older, newer: NOBODY, ..entry })
}

fn queues_key() -> [u8; 2] {
    [SYSTEM, 0]
}

fn entry_key(code_hash: &Hash) -> Vec<u8> {
    [&[SYSTEM, 1], &code_hash[..]].concat()
}

fn queues<S: SystemState>(state: &mut S) -> Result<Queues, S::Error> {
    match state.read(&queues_key())? {
        None => Ok(Queues::default()),
        Some(bytes) => {
            Ok(Queues::decode(&bytes).map_err(|_| corrupt("the queues of the hot set cannot be read"))?)
        }
    }
}

fn entry<S: SystemState>(state: &mut S, code_hash: &Hash) -> Result<Option<Entry>, S::Error> {
    let Some(bytes) = state.read(&entry_key(code_hash))? else { return Ok(None) };
    Ok(Some(Entry::decode(&bytes).map_err(|_| corrupt("an entry of the hot set cannot be read"))?))
}

/// An entry that a queue or a neighbour names.
fn member<S: SystemState>(state: &mut S, code_hash: &Hash) -> Result<Entry, S::Error> {
    Ok(entry(state, code_hash)?.ok_or_else(|| corrupt("the hot set names code that is not in it"))?)
}

fn put_entry<S: SystemState>(state: &mut S, code_hash: &Hash, entry: &Entry) -> Result<(), S::Error> {
    state.set(&entry_key(code_hash), Some(entry.encode()))
}

fn corrupt(text: &str) -> StoreError {
    StoreError::Corrupt(text.into())
}

impl Queue {
    fn leave(&mut self, weight: u32) {
        self.count = self.count.saturating_sub(1);
        self.weight = self.weight.saturating_sub(u64::from(weight));
    }
}

impl Queues {
    fn of(&self, segment: Segment) -> &Queue {
        let Queues([probation, protected]) = self;
        match segment {
            Segment::Probation => probation,
            Segment::Protected => protected,
        }
    }

    fn of_mut(&mut self, segment: Segment) -> &mut Queue {
        let Queues([probation, protected]) = self;
        match segment {
            Segment::Probation => probation,
            Segment::Protected => protected,
        }
    }

    /// `(next u64 ‖ count u32 ‖ weight u64 ‖ oldest 32 ‖ newest 32)` of probation, then of protected.
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        for queue in &self.0 {
            out.u64(queue.next).u32(queue.count).u64(queue.weight);
            out.bytes(&queue.oldest).bytes(&queue.newest);
        }
        out.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Queues, CodecError> {
        let mut reader = Reader::new(bytes);
        let mut queue = || {
            Ok(Queue {
                next: reader.u64()?,
                count: reader.u32()?,
                weight: reader.u64()?,
                oldest: reader.array()?,
                newest: reader.array()?,
            })
        };
        let queues = Queues([queue()?, queue()?]);
        reader.end()?;
        Ok(queues)
    }
}

impl Entry {
    /// `segment u8 ‖ number u64 ‖ weight u32 ‖ blocks u8 ‖ height u64 ‖ older 32 ‖ newer 32`.
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(self.segment as u8).u64(self.number).u32(self.weight).u8(self.blocks).u64(self.height);
        out.bytes(&self.older).bytes(&self.newer);
        out.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Entry, CodecError> {
        let mut reader = Reader::new(bytes);
        let segment = match reader.u8()? {
            0 => Segment::Probation,
            1 => Segment::Protected,
            _ => return Err(CodecError::BadValue("segment")),
        };
        let entry = Entry {
            segment,
            number: reader.u64()?,
            weight: reader.u32()?,
            blocks: reader.u8()?,
            height: reader.u64()?,
            older: reader.array()?,
            newer: reader.array()?,
        };
        reader.end()?;
        Ok(entry)
    }
}
