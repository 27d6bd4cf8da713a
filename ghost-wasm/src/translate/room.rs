//! Room in the lists that grow with a body, made before each operator and each target of a `br_table`: the
//! allocator's refusal is an error there, and no list grows by itself. Knows nothing of what is put into them.

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

/// What a list has room for without the allocator.
fn spare<T>(list: &alloc::vec::Vec<T>) -> usize {
    list.capacity().wrapping_sub(list.len())
}

pub(super) fn refused(_: alloc::collections::TryReserveError) -> Error {
    Error::new(ErrorCode::OutOfMemory)
}

/// Capacities of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room([usize; 6]);

impl Translator {
    /// Makes room for what one operator, or one target of a `br_table`, can add.
    #[inline(always)]
    pub fn make_room(&mut self) -> Result<(), Error> {
        let words = self.stack.height().wrapping_add(OPS_PER_OPERATOR).wrapping_mul(WORDS_PER_OP);
        if self.roomy_for == 0
            || spare(&self.code) < words
            || spare(&self.stack.entries) < VALUES_PER_OPERATOR
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
        self.code.try_reserve((OPS_PER_OPERATOR + self.stack.height()) * WORDS_PER_OP).map_err(refused)?;
        self.stack.entries.try_reserve(VALUES_PER_OPERATOR).map_err(refused)?;
        self.map.try_reserve(operators * NOTES_PER_OPERATOR).map_err(refused)?;
        self.fixups.try_reserve(operators).map_err(refused)?;
        self.frames.try_reserve(operators).map_err(refused)?;
        self.stubs.try_reserve(operators).map_err(refused)?;
        self.roomy_for = OPERATORS;
        Ok(())
    }

    /// Makes room for the stubs of a `br_table` whose last target has come: one for each open block at most.
    #[cold]
    #[inline(never)]
    pub fn make_room_for_stubs(&mut self) -> Result<(), Error> {
        let stubs = self.stubs.len();
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
