//! The hot set: the code that every node keeps ready to run. Code outside of it is priced by the work of making it
//! ready, so that what a call costs never depends on a node's cache. The set is part of the state: it follows from
//! the calls alone. `docs/hot-set.md` has the rules and layouts.
//!
//! Two queues. New code waits in *probation*; after it was used in [`PROMOTION_BLOCKS`] blocks it moves to *protected*.
//! Each queue evicts only its own, oldest first. An entry moves to the head only when it is [`MOVE_DISTANCE`] or more
//! behind it, so that using hot code hardly ever writes.
//!
//! One use looks at no more than [`SCAN_MAX`] places and evicts no more than [`EVICTIONS_MAX`] entries. What does
//! not fit then stays where it is: outside, or in probation.

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
/// Places that one use looks at for something to evict.
pub const SCAN_MAX: u32 = 64;
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

/// Where a queue begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Queue {
    /// The next place.
    head: u64,
    /// No place before it is taken.
    tail: u64,
    count: u32,
    weight: u64,
}

/// The two queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Queues([Queue; 2]);

/// Code in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    segment: Segment,
    place: u64,
    weight: u32,
    /// Blocks that it was used in, up to the promotion.
    blocks: u8,
    /// The last of them.
    height: u64,
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
    let Some(entry) = entry(state, code_hash)? else {
        let mut queues = queues(state)?;
        let new = Entry { segment: Segment::Probation, place: 0, weight, blocks: 1, height };
        if make_room(state, &mut queues, Segment::Probation, weight)? {
            append(state, &mut queues, code_hash, new)?;
        }
        return put_queues(state, &queues);
    };
    match entry.segment {
        Segment::Probation if entry.height != height => {
            let blocks = entry.blocks.saturating_add(1).min(PROMOTION_BLOCKS);
            let used = Entry { blocks, height, ..entry };
            let mut queues = queues(state)?;
            if blocks == PROMOTION_BLOCKS && make_room(state, &mut queues, Segment::Protected, entry.weight)?
            {
                remove(state, &mut queues, &entry)?;
                append(state, &mut queues, code_hash, Entry { segment: Segment::Protected, ..used })?;
            } else if is_behind(&queues, &entry) {
                remove(state, &mut queues, &entry)?;
                append(state, &mut queues, code_hash, used)?;
            } else {
                state.set(&entry_key(code_hash), Some(used.encode()))?;
            }
            put_queues(state, &queues)
        }
        Segment::Probation => Ok(()),
        Segment::Protected => {
            let mut queues = queues(state)?;
            if !is_behind(&queues, &entry) {
                return Ok(());
            }
            remove(state, &mut queues, &entry)?;
            append(state, &mut queues, code_hash, entry)?;
            put_queues(state, &queues)
        }
    }
}

fn is_behind(queues: &Queues, entry: &Entry) -> bool {
    queues.of(entry.segment).head.saturating_sub(entry.place) >= MOVE_DISTANCE
}

/// Evicts from a queue until so much weight fits; says whether it does.
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
    let (mut scanned, mut evicted) = (0_u32, 0_u32);
    loop {
        let queue = queues.of(segment);
        if queue.count < count_max && queue.weight.saturating_add(weight) <= weight_max {
            return Ok(true);
        }
        if scanned == SCAN_MAX || evicted == EVICTIONS_MAX || queue.tail >= queue.head {
            return Ok(false);
        }
        let oldest = queue.tail;
        queues.of_mut(segment).tail = oldest.saturating_add(1);
        scanned = scanned.saturating_add(1);
        let Some(bytes) = state.read(&place_key(segment, oldest))? else { continue };
        let code_hash = Hash::try_from(&bytes[..]).map_err(|_| corrupt("a place of the hot set is cut"))?;
        let Some(found) = entry(state, &code_hash)? else {
            return Err(corrupt("a place of the hot set names code that is not in it").into());
        };
        remove(state, queues, &found)?;
        state.set(&entry_key(&code_hash), None)?;
        evicted = evicted.saturating_add(1);
    }
}

/// Takes an entry out of its queue; its own key stays.
fn remove<S: SystemState>(state: &mut S, queues: &mut Queues, entry: &Entry) -> Result<(), S::Error> {
    let queue = queues.of_mut(entry.segment);
    queue.count = queue.count.saturating_sub(1);
    queue.weight = queue.weight.saturating_sub(u64::from(entry.weight));
    state.set(&place_key(entry.segment, entry.place), None)
}

/// Puts an entry at the head of its queue.
fn append<S: SystemState>(
    state: &mut S,
    queues: &mut Queues,
    code_hash: &Hash,
    entry: Entry,
) -> Result<(), S::Error> {
    let queue = queues.of_mut(entry.segment);
    let place = queue.head;
    queue.head = place.saturating_add(1);
    queue.count = queue.count.saturating_add(1);
    queue.weight = queue.weight.saturating_add(u64::from(entry.weight));
    state.set(&place_key(entry.segment, place), Some(code_hash.to_vec()))?;
    state.set(&entry_key(code_hash), Some(Entry { place, ..entry }.encode()))
}

fn queues_key() -> [u8; 2] {
    [SYSTEM, 0]
}

fn entry_key(code_hash: &Hash) -> Vec<u8> {
    [&[SYSTEM, 1], &code_hash[..]].concat()
}

/// Places are big-endian, so that they lie in order.
fn place_key(segment: Segment, place: u64) -> Vec<u8> {
    [&[SYSTEM, 2, segment as u8], &place.to_be_bytes()[..]].concat()
}

fn queues<S: SystemState>(state: &mut S) -> Result<Queues, S::Error> {
    match state.read(&queues_key())? {
        None => Ok(Queues::default()),
        Some(bytes) => {
            Ok(Queues::decode(&bytes).map_err(|_| corrupt("the queues of the hot set cannot be read"))?)
        }
    }
}

fn put_queues<S: SystemState>(state: &mut S, queues: &Queues) -> Result<(), S::Error> {
    state.set(&queues_key(), Some(queues.encode()))
}

fn entry<S: SystemState>(state: &mut S, code_hash: &Hash) -> Result<Option<Entry>, S::Error> {
    let Some(bytes) = state.read(&entry_key(code_hash))? else { return Ok(None) };
    Ok(Some(Entry::decode(&bytes).map_err(|_| corrupt("an entry of the hot set cannot be read"))?))
}

fn corrupt(text: &str) -> StoreError {
    StoreError::Corrupt(text.into())
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

    /// `(head u64 ‖ tail u64 ‖ count u32 ‖ weight u64)` of probation, then of protected.
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        for queue in &self.0 {
            out.u64(queue.head).u64(queue.tail).u32(queue.count).u64(queue.weight);
        }
        out.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Queues, CodecError> {
        let mut reader = Reader::new(bytes);
        let mut queue = || {
            Ok(Queue {
                head: reader.u64()?,
                tail: reader.u64()?,
                count: reader.u32()?,
                weight: reader.u64()?,
            })
        };
        let queues = Queues([queue()?, queue()?]);
        reader.end()?;
        Ok(queues)
    }
}

impl Entry {
    /// `segment u8 ‖ place u64 ‖ weight u32 ‖ blocks u8 ‖ height u64`.
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(self.segment as u8).u64(self.place).u32(self.weight).u8(self.blocks).u64(self.height);
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
            place: reader.u64()?,
            weight: reader.u32()?,
            blocks: reader.u8()?,
            height: reader.u64()?,
        };
        reader.end()?;
        Ok(entry)
    }
}
