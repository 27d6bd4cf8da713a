//! Fusion: when an operator takes up what the op before has just made, that op is taken back and one op does
//! the work of both. Each form is a row of a family (`code/inst.rs`); here is only when it applies.
//!
//! Only the op emitted last can be taken back, and only if no label stands behind it ([`Translator::last`] is
//! `None` then). What it had forced out of an accumulator returns there.

mod along;
mod branch;
mod step;
mod wide;

pub use along::{BrWith, CallWith};
pub use branch::Branch;
pub use step::is_step;

use super::Translator;
use super::emit::{Operand, Popped, fields};
use super::rows::{commutes, result_of};
use super::slots::SlotIdx;
use crate::code::inst::{
    FLOAT_SECOND_OF, Family, InstId, LOAD_BRANCH_KEEP, LOAD_FLOAT_SECOND_OF, LOAD_OF, SECOND_OF, moves, pair,
    sum, triple,
};
use crate::code::map::MapEntry;
use crate::exec::dispatch;
use crate::table::ops::Op;
use crate::types::ValType;

/// A result that is in a slot and in an accumulator.
#[derive(Clone, Copy, Debug)]
pub struct Mirror {
    pub position: u32,
    pub slot: SlotIdx,
    pub float: bool,
}

/// Where an operand of a fused op is, with its field.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Slot(u64),
    Acc,
    /// A constant of 16 bits.
    Short(u64),
}

impl At {
    fn field(self) -> u64 {
        match self {
            At::Slot(field) | At::Short(field) => field,
            At::Acc => 0,
        }
    }
}

/// An address: two slots, or a slot and a constant.
#[derive(Clone, Copy, Debug)]
pub enum Sum {
    Slots(u64, u64),
    Const(u64, u32),
}

/// Whether the form of an op whose result goes to a slot leaves it in the accumulator too. (Moves do not: they
/// are also made while the accumulator holds something else.)
pub fn writes_acc_too(inst: InstId) -> bool {
    let moves = Family::Moves.base()..Family::Size.base();
    let selects = Family::CompareSelect.base()..Family::LoadFloatPair.base();
    !moves.contains(&inst.0) && !selects.contains(&inst.0)
}

/// A 16-bit field for a constant, if it is the sign extension of 16 bits.
fn short(value: u64) -> Option<u64> {
    (i64::from(value as i16).cast_unsigned() == value).then_some(value & 0xffff)
}

/// The same for the u32 field of an op, which is sign-extended itself.
fn short_x(word: u64) -> Option<u64> {
    short(i64::from((word >> 32) as i32).cast_unsigned())
}

/// The row of two operators in a family of pairs with few rows.
fn row_of(family: Family, seconds: &[Op], first: Op, second: Op) -> Option<u16> {
    let mut rows = family.rows().iter().zip(seconds);
    rows.position(|pair| pair == (&first, &second)).map(|row| row as u16)
}

/// Whether a pair of integer operators has a form with this third operand: a slot, a constant of 16 bits.
fn can_be_third(other: Popped) -> bool {
    match other.operand() {
        Operand::Slot(_) => true,
        Operand::Const(value) => short(value).is_some(),
        _ => false,
    }
}

const BINARIES: usize = Family::IntBinary.rows().len();

/// By the rows of two integer operators: the row of their pair + 1.
static PAIR_ROWS: [[u8; BINARIES]; BINARIES] = {
    let mut table = [[0; BINARIES]; BINARIES];
    let firsts = Family::Pair.rows();
    assert!(firsts.len() < 255);
    let mut row = 0;
    while row < firsts.len() {
        match (Family::IntBinary.row_of(firsts[row]), Family::IntBinary.row_of(SECOND_OF[row])) {
            (Some(first), Some(second)) => table[first as usize][second as usize] = row as u8 + 1,
            _ => panic!("a pair of operators that are none of the family"),
        }
        row += 1;
    }
    table
};

const LOADS: usize = Family::Load.rows().len();

/// By an operator and the row of a load: the row + 1 of a family in which both are one op.
type WithLoad = [[u8; LOADS]; Op::ALL.len()];

const fn with_load(family: Family, loads: &[Op]) -> WithLoad {
    let mut table = [[0; LOADS]; Op::ALL.len()];
    let rows = family.rows();
    assert!(rows.len() == loads.len() && rows.len() < 255);
    let mut row = 0;
    while row < rows.len() {
        match Family::Load.row_of(loads[row]) {
            Some(load) => table[rows[row] as usize][load as usize] = row as u8 + 1,
            None => panic!("a load that is none of the family"),
        }
        row += 1;
    }
    table
}

static LOAD_OP_ROWS: WithLoad = with_load(Family::LoadOp, LOAD_OF);

impl Translator {
    /// The op that has just made the operand in an accumulator.
    fn just_made(&self, operand: Operand) -> Option<u32> {
        match operand {
            Operand::Acc(position) | Operand::FloatAcc(position) if self.last.is(position) => Some(position),
            _ => None,
        }
    }

    /// Whether an accumulator has what is in some slot.
    #[inline(always)]
    pub fn has_mirror(&self) -> bool {
        self.mirror.is_some_and(|mirror| self.last.is(mirror.position))
    }

    /// Whether the integer accumulator has what is in a slot.
    pub fn mirrors(&self, slot: SlotIdx, float: bool) -> bool {
        self.mirror.is_some_and(|mirror| {
            self.last.is(mirror.position) && mirror.slot == slot && mirror.float == float
        })
    }

    /// What an accumulator will have in common with a slot where the branch `inst`, which is appended next, is not taken.
    pub fn mirror_after(&self, inst: InstId, operands: u64) -> Option<Mirror> {
        let (family, _, variant) = inst.parts();
        let writes = match family {
            Family::Latch => Some(operands & 0xffff),
            Family::LatchTwo => Some(operands >> 16 & 0xffff),
            Family::LoadBranch if variant >= LOAD_BRANCH_KEEP => Some(operands & 0xffff),
            _ => None,
        };
        if let Some(field) = writes {
            return Some(Mirror { position: 0, slot: SlotIdx::of_field(field), float: false });
        }
        let copies_to = (family == Family::CopyBranch).then_some(operands & 0xffff);
        let still = |mirror: &Mirror| {
            self.last.is(mirror.position) && copies_to.is_none_or(|slot| slot != mirror.slot.field())
        };
        self.mirror.filter(still)
    }

    /// Takes the last op back. What it had forced out of an accumulator is there again, be it `other` (an
    /// operand that is off the stack) or on the stack.
    fn take_back(&mut self, position: u32, other: Option<&mut Popped>) {
        let flushed = self.flushed.get();
        self.retract(position);
        let Some((made_by, entry)) = flushed else { return };
        let index = entry as usize;
        let own = self.slots.operand(index);
        if let Some(other) = other
            && other.height() == index
        {
            if other.operand() == Operand::Slot(own) {
                self.undirect(made_by);
                let float = other.ty().is_float();
                *other = other.at(if float { Operand::FloatAcc(made_by) } else { Operand::Acc(made_by) });
            }
            return;
        }
        let Some(&kept) = self.stack.entries.get(index) else { return };
        if kept.is_own() {
            self.undirect(made_by);
            self.stack.regain(index, made_by, kept.ty().is_float());
        }
    }

    /// Whether the operand was just made by an operator that pairs with `op`.
    pub fn pairs(&self, operand: Operand, op: Op) -> bool {
        let Some(position) = self.just_made(operand) else { return false };
        let (family, row, variant) = self.inst_at(position).parts();
        let Some(second) = Family::IntBinary.row_of(op).filter(|_| family == Family::IntBinary) else {
            return false;
        };
        let first = Family::IntBinary.rows()[usize::from(row)];
        PAIR_ROWS[usize::from(row)][usize::from(second)] != 0
            && self.operands_of(position, first, variant).is_some()
    }

    /// `(a first b) op c`, if one of the operands was just made by an operator that pairs with `op`.
    pub fn fuse_pair(&mut self, op: Op, row: u16, left: Popped, right: Popped) -> bool {
        let (position, other) = match (self.just_made(left.operand()), self.just_made(right.operand())) {
            (Some(position), _) => (position, right),
            (None, Some(position)) if commutes(op) => (position, left),
            _ => return false,
        };
        match self.inst_at(position).parts().0 {
            Family::IntBinary => self.fuse_int_pair(position, op, row, other),
            Family::WideBinary => self.fuse_wide_first(position, op, other),
            _ => false,
        }
    }

    /// `(a first b) op c`, where the op at `position` has just made the left operand.
    fn fuse_int_pair(&mut self, position: u32, op: Op, row: u16, mut other: Popped) -> bool {
        let (family, first_row, variant) = self.inst_at(position).parts();
        let pair_row = PAIR_ROWS[usize::from(first_row)][usize::from(row)];
        let first = family.rows()[usize::from(first_row)];
        let fits = pair_row != 0 && can_be_third(other);
        let Some((a, b)) = self.operands_of(position, first, variant).filter(|_| fits) else { return false };
        self.take_back(position, Some(&mut other));
        let c = match other.operand() {
            Operand::Slot(slot) => At::Slot(slot.field()),
            Operand::Const(value) => At::Short(value & 0xffff),
            _ => At::Acc,
        };
        let variant = match (a, b, c) {
            (At::Slot(_), At::Slot(_), At::Slot(_)) => triple::SLOT_SLOT_SLOT,
            (At::Slot(_), At::Slot(_), At::Short(_)) => triple::SLOT_SLOT_IMM,
            (At::Slot(_), At::Slot(_), At::Acc) => triple::SLOT_SLOT_ACC,
            (At::Slot(_), _, At::Slot(_)) => triple::SLOT_IMM_SLOT,
            (At::Slot(_), _, At::Short(_)) => triple::SLOT_IMM_IMM,
            (At::Slot(_), _, At::Acc) => triple::SLOT_IMM_ACC,
            (_, At::Slot(_), At::Slot(_)) => triple::ACC_SLOT_SLOT,
            (_, At::Slot(_), _) => triple::ACC_SLOT_IMM,
            (_, _, At::Slot(_)) => triple::ACC_IMM_SLOT,
            (_, _, _) => triple::ACC_IMM_IMM,
        };
        let inst = Family::Pair.inst(u16::from(pair_row) - 1, variant);
        self.produce(inst, &[fields(0, a.field(), b.field(), c.field())], result_of(op), false);
        true
    }

    /// The operands of a binary op whose result is in the accumulator, as the first two of a pair.
    fn operands_of(&self, position: u32, op: Op, variant: u16) -> Option<(At, At)> {
        let word = self.word_at(position + 1);
        let (l, r) = (At::Slot(word >> 16 & 0xffff), At::Slot(word >> 32 & 0xffff));
        Some(match variant.checked_sub(1)? {
            pair::SLOT_SLOT => (l, r),
            pair::ACC_SLOT => (At::Acc, r),
            pair::SLOT_ACC if commutes(op) => (At::Acc, l),
            pair::SLOT_IMM => (l, At::Short(short_x(word)?)),
            pair::ACC_IMM => (At::Acc, At::Short(short_x(word)?)),
            _ => return None,
        })
    }

    /// The same for floats.
    pub fn fuse_float_pair(&mut self, op: Op, left: Popped, right: Popped) -> bool {
        let (position, mut other, swapped) =
            match (self.just_made(left.operand()), self.just_made(right.operand())) {
                (Some(position), _) => (position, right, false),
                (None, Some(position)) => (position, left, true),
                _ => return false,
            };
        let (family, row, variant) = self.inst_at(position).parts();
        if !matches!(other.operand(), Operand::Slot(_)) {
            return false;
        }
        if family == Family::LoadOp {
            return self.fuse_load_float_pair(position, op, other, swapped);
        }
        if family != Family::FloatBinary {
            return false;
        }
        let first = family.rows()[usize::from(row)];
        let Some(pair_row) = row_of(Family::FloatPair, FLOAT_SECOND_OF, first, op) else { return false };
        let Some((a, b @ At::Slot(_))) = self.operands_of(position, first, variant) else { return false };
        self.take_back(position, Some(&mut other));
        let (c, c_field) = match other.operand() {
            Operand::Slot(slot) => (0, slot.field()),
            _ => (2, 0),
        };
        let variant = if a == At::Acc { 4 } else { c } + if swapped { 6 } else { 0 };
        let inst = Family::FloatPair.inst(pair_row, variant);
        self.produce(inst, &[fields(0, a.field(), b.field(), c_field)], result_of(op), false);
        true
    }

    /// The same where the first operator has loaded one of its operands.
    fn fuse_load_float_pair(&mut self, position: u32, op: Op, mut other: Popped, swapped: bool) -> bool {
        let (family, row, variant) = self.inst_at(position).parts();
        let first = family.rows()[usize::from(row)];
        let row = row_of(Family::LoadFloatPair, LOAD_FLOAT_SECOND_OF, first, op);
        let Some(pair_row) = row else { return false };
        // Left operand in the accumulator; the address a sum.
        let (left_in_acc, by_sum) = match variant - 1 {
            0 => (false, false),
            4 => (true, false),
            sum::LOAD_OP => (false, true),
            10 => (true, true),
            _ => return false,
        };
        let (operands, offset) = (self.word_at(position + 1), self.word_at(position + 2));
        let note = self.notes.pop();
        self.take_back(position, Some(&mut other));
        let (c, c_field) = match other.operand() {
            Operand::Slot(slot) => (if left_in_acc { 4 } else { 0 }, slot.field()),
            _ => (2, 0),
        };
        let variant = c + if by_sum { 6 } else { 0 } + if swapped { 12 } else { 0 };
        let inst = Family::LoadFloatPair.inst(pair_row, variant);
        let words = [operands & !0xffff, offset & 0xffff_ffff | c_field << 32];
        self.produce(inst, &words, result_of(op), false);
        self.move_note(note);
        true
    }

    /// Puts the entry of an op that was taken back to the op that was just emitted.
    fn move_note(&mut self, note: Option<MapEntry>) {
        if let (Some(note), Some(position)) = (note, self.last.get()) {
            self.notes.push(MapEntry { position, ..note });
        }
    }

    /// If the right operand was loaded by the op emitted last: one op that loads and computes.
    #[inline(always)]
    pub fn fuse_load(&mut self, op: Op, left: Popped, right: Popped) -> bool {
        self.just_made(right.operand()).is_some_and(|position| self.fuse_load_at(position, op, left))
    }

    #[inline(never)]
    fn fuse_load_at(&mut self, position: u32, op: Op, mut left: Popped) -> bool {
        let (family, load_row, variant) = self.inst_at(position).parts();
        if family != Family::Load || !matches!(left.operand(), Operand::Slot(_)) {
            return false;
        }
        let Some(row) = LOAD_OP_ROWS[op as usize][usize::from(load_row)].checked_sub(1) else { return false };
        let load = self.word_at(position + 1);
        // Address fields, offset, and the variant with the left operand in a slot, in the accumulator.
        let (address, offset, variants) = match variant - 1 {
            0 => (load >> 16 & 0xffff, load >> 32, (0, 4)),
            2 => (0, load >> 32, (2, 6)),
            sum::LOAD_SLOT => (load >> 16 & 0xffff_ffff, load >> 48, (sum::LOAD_OP, sum::LOAD_OP + 2)),
            _ => return false,
        };
        let note = self.notes.pop();
        self.take_back(position, Some(&mut left));
        let (variant, left) = match left.operand() {
            Operand::Slot(slot) => (variants.0, slot.field()),
            _ => (variants.1, 0),
        };
        let inst = Family::LoadOp.inst(u16::from(row), variant);
        self.produce(inst, &[left << 16 | address << 32, offset], result_of(op), false);
        self.move_note(note);
        true
    }

    /// If the address is a sum that was just made, and the offset fits the form: its parts.
    #[inline(always)]
    pub fn fuse_address(&mut self, address: Popped, offset: u64) -> Option<Sum> {
        if address.is_made() && offset <= 0xffff { self.fuse_made_address(address, offset) } else { None }
    }

    #[inline(never)]
    fn fuse_made_address(&mut self, address: Popped, offset: u64) -> Option<Sum> {
        let position = self.just_made(address.operand())?;
        let (family, row, variant) = self.inst_at(position).parts();
        if family != Family::IntBinary || family.rows()[usize::from(row)] != Op::I32Add {
            return None;
        }
        let word = self.word_at(position + 1);
        let a = word >> 16 & 0xffff;
        let sum = match variant - 1 {
            pair::SLOT_SLOT => Sum::Slots(a, word >> 32 & 0xffff),
            pair::SLOT_IMM if offset == 0 => Sum::Const(a, (word >> 32) as u32),
            _ => return None,
        };
        self.take_back(position, None);
        Some(sum)
    }

    /// If the op emitted last is a copy or a constant of 32 bits: one op for it and the move that follows.
    pub fn fuse_move(&mut self, to: SlotIdx, from: Result<SlotIdx, u32>) -> bool {
        let Some(position) = self.last.get() else { return false };
        let last = self.inst_at(position);
        let was_const = last == Family::Moves.inst(0, moves::CONST32);
        if !was_const && last != Family::Moves.inst(0, moves::COPY) {
            return false;
        }
        let second = to.field() << 32 | from.map_or(0, |slot| slot.field()) << 48;
        let (variant, constant) = match (was_const, from) {
            (false, Ok(_)) => (moves::COPY_TWO, None),
            (false, Err(value)) => (moves::COPY_CONST, Some(value)),
            (true, Ok(_)) => (moves::CONST_COPY, Some(0)),
            (true, Err(value)) => (moves::CONST_TWO, Some(value)),
        };
        if let Some([inst, operands, ..]) = self.code.get_mut(position as usize..) {
            let words = if constant.is_some() { 3 } else { 2 };
            *inst = dispatch::numbered(Family::Moves.inst(0, variant), words);
            let first = if was_const { *operands >> 32 } else { 0 };
            *operands = *operands & 0xffff_ffff | second;
            if let Some(value) = constant {
                self.code.push(first | u64::from(value) << 32);
            }
        }
        true
    }

    /// If the condition of a `select` was just made by a comparison: takes it back. Its row, variant, operands.
    pub fn fuse_select(&mut self, condition: Operand) -> Option<(u16, u16, u64)> {
        let position = self.just_made(condition)?;
        let (family, row, variant) = self.inst_at(position).parts();
        if family != Family::IntCompare {
            return None;
        }
        let operands = self.word_at(position + 1);
        self.retract(position);
        Some((row, variant - 1, operands))
    }

    /// Whether the accumulator already holds the i32 at `position` with zeros above it.
    pub fn is_zero_extended(&self, position: u32) -> bool {
        let (family, row, _) = self.inst_at(position).parts();
        let op = match family {
            Family::Pair => SECOND_OF.get(usize::from(row)).copied(),
            Family::IntBinary
            | Family::Division
            | Family::IntCompare
            | Family::FloatCompare
            | Family::Unary
            | Family::UnaryTrapping
            | Family::Load
            | Family::LoadOp
            | Family::LoadStep => family.rows().get(usize::from(row)).copied(),
            _ => None,
        };
        op.is_some_and(|op| result_of(op) == ValType::I32)
    }
}
