//! Fusion of two integer operators of which one has, or both have, a constant of 64 bits.

use super::super::Translator;
use super::super::emit::{Operand, Popped, fields, fits};
use super::super::ops::{commutes, result_of};
use super::{At, short};
use crate::code::inst::{Family, WIDE_BOTH_SECOND_OF, WIDE_FIRST_SECOND_OF, WIDE_SECOND_SECOND_OF};
use crate::table::ops::Op;

/// The row of two operators.
fn row_of(family: Family, seconds: &[Op], first: Op, second: Op) -> Option<u16> {
    let mut rows = family.rows().iter().zip(seconds);
    rows.position(|pair| pair == (&first, &second)).map(|row| row as u16)
}

impl Translator {
    /// `(a first constant) op c`, if one of the operands was just made by an operator with a constant of 64 bits.
    pub fn fuse_wide_first(&mut self, op: Op, left: Popped, right: Popped) -> bool {
        let (position, mut other) = match (self.just_made(left.operand()), self.just_made(right.operand())) {
            (Some(position), _) => (position, right),
            (None, Some(position)) if commutes(op) => (position, left),
            _ => return false,
        };
        let (family, first, variant) = self.inst_at(position).parts();
        if family != Family::WideBinary {
            return false;
        }
        let first = family.rows()[usize::from(first)];
        let (operands, constant) = (self.word_at(position + 1), self.word_at(position + 2));
        let a_in_acc = variant >= 2;
        if let Operand::Const(value) = other.operand()
            && !fits(value)
        {
            let row = row_of(Family::WideBoth, WIDE_BOTH_SECOND_OF, first, op);
            let Some(row) = row else { return false };
            self.take_back(position, None);
            let inst = Family::WideBoth.inst(row, if a_in_acc { 2 } else { 0 });
            self.produce(inst, &[operands & !0xffff, constant, value], result_of(op), false);
            return true;
        }
        let fits = match other.operand() {
            Operand::Slot(_) => true,
            Operand::Const(value) => short(value).is_some(),
            _ => false,
        };
        let row = row_of(Family::WideFirst, WIDE_FIRST_SECOND_OF, first, op);
        let Some(row) = row.filter(|_| fits) else { return false };
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
