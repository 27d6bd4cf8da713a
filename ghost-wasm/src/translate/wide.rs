//! Wide arithmetic: operators with two results. The high half is a result like others, first in the accumulator; the
//! low one goes to its own slot, or straight to the local that takes it.

use super::Translator;
use super::emit::{Operand, Popped, fields};
use super::slots::SlotIdx;
use crate::code::inst::{Family, sum128};
use crate::table::ops::Op;
use crate::types::ValType;

/// A constant that is the sign extension of its low 16 bits: those.
fn small(popped: Popped) -> Option<u64> {
    match popped.operand() {
        Operand::Const(value) if value as i16 as u64 == value => Some(value & 0xffff),
        _ => None,
    }
}

impl Translator {
    /// Whether the op at `position` has two results.
    pub fn makes_two(&self, position: u32) -> bool {
        matches!(self.inst_at(position).parts().0, Family::Sum128 | Family::MulWide)
    }

    /// Sums of 128 bits. A high half is often zero: it may be a constant in the code.
    pub fn sum128(&mut self, op: Op) {
        let Some(row) = Family::Sum128.row_of(op) else { return };
        let (mut right, mut right_high) = self.pop_two();
        let (mut left, mut left_high) = self.pop_two();
        let low = left.height();
        if op == Op::I64Add128 && small(left_high).is_some() && small(right_high).is_none() {
            core::mem::swap(&mut left, &mut right);
            core::mem::swap(&mut left_high, &mut right_high);
        }
        let (left, right) = (self.in_slot(left).field(), self.in_slot(right).field());
        let (variant, left_high, right_high, constant) = match (small(left_high), small(right_high)) {
            (Some(left_high), Some(right_high)) => (sum128::IMM_IMM, 0, right_high, left_high),
            (_, Some(right_high)) => (sum128::SLOT_IMM, self.in_slot(left_high).field(), right_high, 0),
            _ => {
                let left_high = self.in_slot(left_high).field();
                (sum128::SLOT_SLOT, left_high, self.in_slot(right_high).field(), 0)
            }
        };
        let to = self.low_result(low);
        let words = [fields(0, left, left_high, right), fields(right_high, to, constant, 0)];
        self.produce(Family::Sum128.inst(row, variant), &words, ValType::I64, false);
    }

    /// Products of 128 bits.
    pub fn mul_wide(&mut self, op: Op) {
        let Some(row) = Family::MulWide.row_of(op) else { return };
        let (left, right) = self.pop_two();
        let low = left.height();
        let (left, right) = (self.in_slot(left).field(), self.in_slot(right).field());
        let to = self.low_result(low);
        self.produce(Family::MulWide.inst(row, 0), &[fields(0, left, right, to)], ValType::I64, false);
    }

    /// Pushes the low half, which the op that follows puts into its own slot.
    fn low_result(&mut self, height: usize) -> u64 {
        debug_assert_eq!(height, self.stack.height(), "the operands are popped");
        let own = self.slots.operand(height);
        self.stack.push(Operand::Slot(own), ValType::I64);
        own.field()
    }

    /// If the op emitted last has put the low half of its result into `own`: makes it write `to` instead.
    pub fn redirect_low(&mut self, own: SlotIdx, to: SlotIdx) -> bool {
        let Some(position) = self.last.get() else { return false };
        // Where the op has the slot of its low result: word, and bits to the right of it.
        let (word, shift) = match self.inst_at(position).parts().0 {
            Family::Sum128 => (2, 16),
            Family::MulWide => (1, 48),
            _ => return false,
        };
        let Some(word) = self.code.get_mut(position as usize + word) else { return false };
        if *word >> shift & 0xffff != own.field() {
            return false;
        }
        *word = *word & !(0xffff << shift) | to.field() << shift;
        // The high half, if it went to the same local, is there no longer.
        self.mirror = None;
        true
    }
}
