//! What branches and calls take along: the move or the sum that was emitted last.

use super::super::Translator;
use super::super::emit::fields;
use super::branch::{Branch, Comparison};
use super::step::STEP;
use super::{At, short, short_x};
use crate::code::inst::{Family, InstId, br_with, call_with, moves};

/// What a call does before.
#[derive(Clone, Copy, Debug)]
pub struct CallWith {
    pub inst: InstId,
    /// A constant of 16 bits.
    pub step: u64,
    /// Two slots.
    pub slots: u64,
}

/// What a branch does before.
#[derive(Clone, Copy, Debug)]
pub struct BrWith {
    pub inst: InstId,
    /// Two fields.
    pub operands: u64,
    /// The constants of two sums.
    pub steps: Option<u64>,
}

const COPY: InstId = Family::Moves.inst(0, moves::COPY);
const ADD_TWO: InstId = Family::Moves.inst(0, moves::ADD_TWO);

/// The slot and the step of a sum in place, twice; from the words of [`moves::ADD_TWO`].
fn sums_in_place(operands: u64, constants: u64) -> Option<[(u64, u64); 2]> {
    let field = |at: u32| operands >> at & 0xffff;
    if field(0) != field(16) || field(32) != field(48) {
        return None;
    }
    let step = |low: u64| short(i64::from(low as i32).cast_unsigned());
    Some([(field(0), step(constants)?), (field(32), step(constants >> 32)?)])
}

/// A step of 8 bits from one of 16.
fn byte(step: u64) -> Option<u64> {
    let step = step as i16;
    i8::try_from(step).is_ok().then_some(u64::from(step as u8))
}

impl Translator {
    /// If a call can take the last op along: takes it back.
    pub fn take_along_call(&mut self) -> Option<CallWith> {
        let position = self.last.get()?;
        let word = self.word_at(position + 1);
        let (variant, step) = match self.inst_at(position) {
            COPY => (call_with::COPY, 0),
            STEP => (call_with::ADD, short_x(word)?),
            _ => return None,
        };
        self.retract(position);
        Some(CallWith { inst: Family::CallWith.inst(0, variant), step, slots: word & 0xffff_ffff })
    }

    /// If a `br` can take the last op along: takes it back.
    pub fn take_along_br(&mut self) -> Option<BrWith> {
        let position = self.last.get()?;
        let (word, more) = (self.word_at(position + 1), self.word_at(position + 2));
        let (variant, operands, steps) = match self.inst_at(position) {
            COPY => (br_with::COPY, word & 0xffff_ffff, None),
            STEP if word & 0xffff == word >> 16 & 0xffff => {
                (br_with::ADD, word & 0xffff | short_x(word)? << 16, None)
            }
            ADD_TWO => {
                let [(d, first), (e, second)] = sums_in_place(word, more)?;
                (br_with::ADD_TWO, d | e << 16, Some(first | second << 16))
            }
            _ => return None,
        };
        self.retract(position);
        Some(BrWith { inst: Family::BrWith.inst(0, variant), operands, steps })
    }

    /// The last op copies a slot, and the branch compares slots, or a slot and a short constant.
    pub(super) fn fuse_copy_branch(&mut self, position: u32, compared: Comparison) -> Option<Branch> {
        let (kind, right) = match compared.variant {
            0 => (0, compared.right()),
            2 => (1, short_x(compared.operands)?),
            _ => return None,
        };
        if self.inst_at(position) != COPY {
            return None;
        }
        let word = self.word_at(position + 1);
        self.retract(position);
        let inst = Family::CopyBranch.inst(Family::CopyBranch.row_of(compared.op)?, kind);
        let operands = fields(word & 0xffff, compared.left(), right, word >> 16 & 0xffff);
        Some(Branch { inst, operands, note: None })
    }

    /// The last op adds to two slots in place, and the branch compares the second with a third slot.
    pub(super) fn fuse_latch_two(&mut self, position: u32, compared: Comparison) -> Option<Branch> {
        if self.inst_at(position) != ADD_TWO {
            return None;
        }
        let [(d, first), (e, second)] =
            sums_in_place(self.word_at(position + 1), self.word_at(position + 2))?;
        let (op, right) = match compared.of_what_was_made(Some(e))? {
            (op, At::Slot(right)) if d != e && right != d => (op, right),
            _ => return None,
        };
        let steps = byte(first)? | byte(second)? << 8;
        let inst = Family::LatchTwo.inst(Family::LatchTwo.row_of(op)?, 0);
        self.retract(position);
        Some(Branch { inst, operands: fields(d, e, right, steps), note: None })
    }
}
