//! Room in the lists that grow with a body, made before each operator and each target of a `br_table`: the
//! allocator's refusal is an error there, and no list grows by itself. Knows nothing of what is put into them.

use alloc::vec::Vec;

use super::Translator;
use crate::Error;
use crate::code::module::PART_WORDS;
use crate::table::errors::ErrorCode;

/// Ops that an operator makes at most, besides those that put values into their slots.
const OPS_PER_OPERATOR: usize = 16;
/// Words of an op at most, with its part of a charge op.
const WORDS_PER_OP: usize = 8;
/// Values that an operator pushes at most: the results of a call or a block.
const VALUES_PER_OPERATOR: usize = 1_024;
/// Entries for the map that an operator makes at most.
const NOTES_PER_OPERATOR: usize = 4;

/// Labels of a `br_table` that need moves, for which room is made at once.
const STUBS: usize = 64;

/// Words of a body at most: targets are counted in bytes, in 31 bits, and fields in halves of words from where its part
/// begins. Operators make some words for each of their bytes, so that bodies within the limits are far shorter.
const BODY_WORDS_MAX: usize = 1 << 27;

/// Room is made for operand stacks of this height at least.
const HEIGHT_MIN: usize = 32;

/// Up to here there is room for another operator.
#[derive(Debug, Default)]
pub struct RoomyTo {
    /// Words of code.
    code: usize,
    /// Values on the operand stack.
    height: usize,
    /// Below this height a value that only waits can be pushed as it is: into the list, and into the frame.
    pub(super) waiting: usize,
}

pub(super) fn refused(_: alloc::collections::TryReserveError) -> Error {
    Error::new(ErrorCode::OutOfMemory)
}

/// Makes room for `more` in a list that grows with the code section, of which `read` bytes of `all` are read. Half
/// as much again as there was, but no more than the rest of the section seems to need. (A body that is translated by itself
/// has no section: there is less of it than was read.)
fn reserve<T>(list: &mut Vec<T>, more: usize, (all, read): (u64, u64)) -> Result<(), Error> {
    let needed = list.len() + more;
    if needed <= list.capacity() {
        return Ok(());
    }
    let larger = needed.max(list.capacity().saturating_add(list.capacity() / 2));
    // A little more than in proportion, because code is not everywhere the same.
    let seems = (list.len() as u64).saturating_mul(all).checked_div(read).filter(|_| all >= read);
    let room = match seems {
        Some(seems) => {
            let seems = usize::try_from(seems.saturating_add(seems / 16)).unwrap_or(usize::MAX);
            needed.max(larger.min(seems.saturating_add(more)))
        }
        None => larger,
    };
    list.try_reserve_exact(room - list.len()).map_err(refused)
}

/// Capacities of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room([usize; 5]);

impl Translator {
    /// Makes room for what one operator can add.
    #[inline(always)]
    pub fn make_room(&mut self) -> Result<(), Error> {
        if self.stack.height() > self.roomy_to.height {
            self.make_more_room()?;
        }
        self.make_room_for_code()
    }

    /// The same for an operator that leaves no more values than it found.
    #[inline(always)]
    pub fn make_room_for_code(&mut self) -> Result<(), Error> {
        if self.code.len() > self.roomy_to.code { self.make_more_room() } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn make_more_room(&mut self) -> Result<(), Error> {
        if self.code.len() - self.start > BODY_WORDS_MAX {
            return Err(self.body_too_long());
        }
        let height = self.stack.height().next_power_of_two().max(HEIGHT_MIN);
        // Values that have to be moved only wait, or are in an accumulator: those that were there, and of all that were
        // pushed since just those that were below this height.
        let words = (OPS_PER_OPERATOR + height) * WORDS_PER_OP;
        let expected = self.expected();
        reserve(&mut self.code, words, expected)?;
        let values = height - self.stack.height() + VALUES_PER_OPERATOR;
        self.stack.entries.try_reserve(values).map_err(refused)?;
        let waiting = height.min(self.slots.height_max());
        self.roomy_to = RoomyTo { code: self.code.capacity() - words, height, waiting };
        Ok(())
    }

    /// Makes room for what the operators that are announced add to lists that each adds little to.
    pub fn make_room_ahead(&mut self, operators: usize) -> Result<(), Error> {
        self.notes.try_reserve(operators * NOTES_PER_OPERATOR).map_err(refused)?;
        // With the function's own.
        self.frames.try_reserve(operators + 1).map_err(refused)
    }

    /// Makes room for a target of a `br_table`: it may be the first that names its label.
    #[inline(always)]
    pub fn make_room_for_target(&mut self) -> Result<(), Error> {
        if self.stubs.len() == self.stubs.capacity() {
            self.stubs.try_reserve(STUBS).map_err(refused)?;
        }
        self.make_room()
    }

    /// Makes room for another part, if there is enough left to fill it.
    pub fn make_room_for_part(&mut self) -> Result<(), Error> {
        // Some more for the last of its bodies. Most operators make half a word for each of their bytes.
        const WORDS: usize = PART_WORDS / 2 * 3;
        if self.section.end.saturating_sub(self.part_from) >= 2 * WORDS as u64 {
            self.code.try_reserve_exact(WORDS).map_err(refused)?;
            self.parts.make_room_in(&mut self.map).map_err(refused)?;
        }
        Ok(())
    }

    /// How much of the code section was read since the part at hand began: its length from there on, and how much of
    /// that.
    fn expected(&self) -> (u64, u64) {
        let read = u64::from(self.offset).saturating_sub(self.part_from);
        (self.section.end.saturating_sub(self.part_from), read)
    }

    /// Makes room for the stubs of a `br_table` whose last target has come: one for each open block at most.
    #[cold]
    #[inline(never)]
    pub fn make_room_for_stubs(&mut self) -> Result<(), Error> {
        let stubs = self.stubs.len();
        self.code.try_reserve((OPS_PER_OPERATOR + stubs) * WORDS_PER_OP).map_err(refused)
    }

    /// To see that no list has grown by itself.
    pub fn room(&self) -> Room {
        Room([
            self.code.capacity(),
            self.notes.capacity(),
            self.frames.capacity(),
            self.stack.entries.capacity(),
            self.stubs.capacity(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: usize = 1 << 20;
    const MORE: usize = 384;

    /// How often a list grows until it has `LEN` entries; at each of them its capacity is within `most`.
    fn growths(section: impl Fn(usize) -> (u64, u64), most: impl Fn(usize) -> usize) -> usize {
        let (mut list, mut growths) = (Vec::<u64>::new(), 0);
        for len in 0..LEN {
            let before = list.capacity();
            reserve(&mut list, MORE, section(len)).unwrap();
            assert!(
                list.capacity() >= len + MORE && list.capacity() <= most(len),
                "{len}: {}",
                list.capacity()
            );
            growths += usize::from(list.capacity() != before);
            list.push(0);
        }
        growths
    }

    fn half_more(len: usize) -> usize {
        (len + MORE) / 2 * 3
    }

    #[test]
    fn room_grows_in_proportion_wherever_the_code_is() {
        let all = LEN as u64;
        // Nothing is known of a section: bodies that are translated by themselves, at any offset.
        assert!(growths(|_| (0, 0), half_more) < 30);
        assert!(growths(|len| (0, 1_000 + len as u64), half_more) < 30);
        // As much code from each byte: no more room than that needs.
        let even = growths(|len| (all, len as u64), |_| LEN * 17 / 16 + 2 * MORE);
        assert!(even < 40, "{even}");
        // All of it from the section's last bytes.
        let late = growths(|len| (all, all - (LEN - len) as u64 / 16), half_more);
        assert!(late < 150, "{late}");
        // Much from its first bytes, and a section that says it is long.
        assert!(growths(|len| (u64::from(u32::MAX), 1 + len as u64 / 1_000), half_more) < 30);
        assert!(growths(|_| (u64::MAX, 1), half_more) < 30);
    }
}
