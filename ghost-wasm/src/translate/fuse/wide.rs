//! Fusion of two integer operators of which one has, or both have, a constant of 64 bits.

use super::super::Translator;
use super::super::emit::{Operand, Popped, fields, fits};
use super::super::rows::result_of;
use super::{At, can_be_third, row_of};
use crate::code::inst::{Family, WIDE_BOTH_SECOND_OF, WIDE_FIRST_SECOND_OF, WIDE_SECOND_SECOND_OF};
use crate::table::ops::Op;

impl Translator {
    /// `(a first constant) op c`, where the op at `position` has a constant of 64 bits and has just made the left operand.
    pub(super) fn fuse_wide_first(&mut self, position: u32, op: Op, mut other: Popped) -> bool {
        let (family, first, variant) = self.inst_at(position).parts();
        let first = family.rows()[usize::from(first)];
        let (operands, constant) = (self.word_at(position + 1), self.word_at(position + 2));
        let a_in_acc = variant >= 2;
        if let Operand::Const(value) = other.operand()
            && !fits(value)
        {
            let Some(row) = row_of(Family::WideBoth, WIDE_BOTH_SECOND_OF, first, op) else { return false };
            self.take_back(position, None);
            let inst = Family::WideBoth.inst(row, if a_in_acc { 2 } else { 0 });
            self.produce(inst, &[operands & !0xffff, constant, value], result_of(op), false);
            return true;
        }
        let row = row_of(Family::WideFirst, WIDE_FIRST_SECOND_OF, first, op);
        let Some(row) = row.filter(|_| can_be_third(other)) else { return false };
        self.take_back(position, Some(&mut other));
        let (kind, c) = match other.operand() {
            Operand::Const(value) => (2, value & 0xffff),
            _ => (0, self.in_slot(other).field()),
        };
        let inst = Family::WideFirst.inst(row, kind + if a_in_acc { 4 } else { 0 });
        self.produce(inst, &[fields(0, operands >> 16 & 0xffff, c, 0), constant], result_of(op), false);
        true
    }

    /// `(a first b) op constant`, if the left operand was just made by an operator that goes with it.
    pub fn fuse_wide_second(&mut self, op: Op, left: Popped, constant: u64) -> bool {
        let Some(position) = self.just_made(left.operand()) else { return false };
        let (family, first, variant) = self.inst_at(position).parts();
        if family != Family::IntBinary {
            return false;
        }
        let first = family.rows()[usize::from(first)];
        let Some(row) = row_of(Family::WideSecond, WIDE_SECOND_SECOND_OF, first, op) else { return false };
        let Some((a, b)) = self.operands_of(position, first, variant) else { return false };
        self.take_back(position, None);
        let variant = if a == At::Acc { 4 } else { 0 } + if matches!(b, At::Short(_)) { 2 } else { 0 };
        let inst = Family::WideSecond.inst(row, variant);
        self.produce(inst, &[fields(0, a.field(), b.field(), 0), constant], result_of(op), false);
        true
    }
}
