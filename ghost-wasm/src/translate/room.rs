//! Room in the lists that grow with a body, made before each operator and each target of a `br_table`: the
//! allocator's refusal is an error there, and no list grows by itself. Knows nothing of what is put into them.

use alloc::vec::Vec;

use super::Translator;
use crate::Error;
use crate::table::errors::ErrorCode;

/// Ops that an operator makes at most, besides those that put values into their slots.
const OPS_PER_OPERATOR: usize = 16;
/// Words of an op at most, with its part of a charge op.
const WORDS_PER_OP: usize = 8;
/// Values that an operator pushes at most: the results of a call or a block.
const VALUES_PER_OPERATOR: usize = 1_024;
/// What of the map an operator fills at most.
const NOTES_PER_OPERATOR: usize = 4;
/// Room in the lists that every operator adds little to is made for so many at once.
const OPERATORS: u32 = 64;

/// Room is made for operand stacks of this height at least.
const HEIGHT_MIN: usize = 32;

/// Up to here there is room for another operator.
#[derive(Debug, Default)]
pub struct RoomyTo {
    /// Words of code.
    code: usize,
    /// Values on the operand stack.
    height: usize,
}

pub(super) fn refused(_: alloc::collections::TryReserveError) -> Error {
    Error::new(ErrorCode::OutOfMemory)
}

/// Makes room for `more` in a list that grows with the code section, of which `read` bytes of `all` are read. Twice
/// the room as usual, but no more than the rest of the section seems to need.
fn reserve<T>(list: &mut Vec<T>, more: usize, (all, read): (u64, u64)) -> Result<(), Error> {
    let needed = list.len() + more;
    if needed <= list.capacity() {
        return Ok(());
    }
    let doubled = needed.max(list.capacity() * 2);
    let room = if read == 0 {
        doubled
    } else {
        // A little more than in proportion, because code is not everywhere the same.
        let seems = list.len() as u128 * u128::from(all) * 17 / 16 / u128::from(read);
        needed.max(doubled.min(seems as usize + more))
    };
    list.try_reserve_exact(room - list.len()).map_err(refused)
}

/// Capacities of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room([usize; 6]);

impl Translator {
    /// Makes room for what one operator, or one target of a `br_table`, can add.
    #[inline(always)]
    pub fn make_room(&mut self) -> Result<(), Error> {
        if self.roomy_for == 0
            || self.code.len() > self.roomy_to.code
            || self.stack.height() > self.roomy_to.height
        {
            self.make_more_room()?;
        }
        self.roomy_for = self.roomy_for.wrapping_sub(1);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn make_more_room(&mut self) -> Result<(), Error> {
        let operators = OPERATORS as usize;
        let height = self.stack.height().next_power_of_two().max(HEIGHT_MIN);
        let words = (OPS_PER_OPERATOR + height) * WORDS_PER_OP;
        let expected = self.expected();
        reserve(&mut self.code, words, expected)?;
        let values = height - self.stack.height() + VALUES_PER_OPERATOR;
        self.stack.entries.try_reserve(values).map_err(refused)?;
        self.roomy_to = RoomyTo { code: self.code.capacity() - words, height };
        reserve(&mut self.map, operators * NOTES_PER_OPERATOR, expected)?;
        self.fixups.try_reserve(operators).map_err(refused)?;
        self.frames.try_reserve(operators).map_err(refused)?;
        self.stubs.try_reserve(operators).map_err(refused)?;
        self.roomy_for = OPERATORS;
        Ok(())
    }

    /// How much of the code section was read: its length, and the part.
    fn expected(&self) -> (u64, u64) {
        let read = u64::from(self.offset).saturating_sub(self.section.start);
        (self.section.end.saturating_sub(self.section.start), read)
    }

    /// Makes room for the stubs of a `br_table` whose last target has come: one for each open block at most.
    #[cold]
    #[inline(never)]
    pub fn make_room_for_stubs(&mut self) -> Result<(), Error> {
        let stubs = self.stubs.len();
        self.roomy_for = 0;
        self.code.try_reserve((OPS_PER_OPERATOR + stubs) * WORDS_PER_OP).map_err(refused)?;
        self.fixups.try_reserve(1 + stubs).map_err(refused)
    }

    /// To see that no list has grown by itself.
    pub fn room(&self) -> Room {
        Room([
            self.code.capacity(),
            self.map.capacity(),
            self.fixups.capacity(),
            self.frames.capacity(),
            self.stack.entries.capacity(),
            self.stubs.capacity(),
        ])
    }
}
