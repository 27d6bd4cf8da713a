//! Fusion of branches with what makes their condition: comparison, sum, test, load.

use super::super::Translator;
use super::super::emit::{Operand, Popped, fields, fields_x};
use super::super::rows::{exchanged, negated};
use super::{At, WithLoad, short_x, with_load};
use crate::code::inst::{BRANCH_LOAD_OF, Family, InstId, LOAD_BRANCH_KEEP, pair};
use crate::code::map::MapEntry;
use crate::table::ops::Op;

static LOAD_BRANCH_ROWS: WithLoad = with_load(Family::LoadBranch, BRANCH_LOAD_OF);

/// A comparison that a branch makes: its operator, and its operands as in [`Family::IntBranch`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Comparison {
    pub op: Op,
    pub variant: u16,
    pub operands: u64,
}

impl Comparison {
    pub fn left(self) -> u64 {
        self.operands >> 16 & 0xffff
    }

    pub fn right(self) -> u64 {
        self.operands >> 32 & 0xffff
    }

    /// As a comparison of what the last op has made, on the left, with something else: the operator, and where that
    /// is. What was made is in the accumulator, and maybe in a slot.
    pub fn of_what_was_made(self, slot: Option<u64>) -> Option<(Op, At)> {
        let (l, r) = (self.left(), self.right());
        let (in_left, in_right) = (slot == Some(l), slot == Some(r));
        match self.variant {
            0 if in_left && !in_right => Some((self.op, At::Slot(r))),
            0 if in_right && !in_left => Some((exchanged(self.op), At::Slot(l))),
            1 if !in_left => Some((exchanged(self.op), At::Slot(l))),
            2 if in_left => Some((self.op, At::Short(short_x(self.operands)?))),
            3 => Some((self.op, At::Short(short_x(self.operands)?))),
            _ => None,
        }
    }
}

/// A branch on a condition, with the map's entry of a load in it.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    pub inst: InstId,
    pub operands: u64,
    pub note: Option<MapEntry>,
}

impl Translator {
    /// The branch that jumps if the condition is `sense`, with as much of what makes the condition as fits.
    pub fn fuse_branch(&mut self, condition: Popped, sense: bool) -> Branch {
        let (op, variant, operands) = match self.just_made(condition.operand()) {
            Some(position) => {
                let (family, row, variant) = self.inst_at(position).parts();
                let op = family.rows()[usize::from(row)];
                let operands = self.word_at(position + 1);
                match family {
                    Family::IntCompare => {
                        self.retract(position);
                        (if sense { op } else { negated(op) }, variant / 2, operands)
                    }
                    Family::FloatCompare => {
                        self.retract(position);
                        let inst = Family::FloatBranch.inst(row, variant / 2 * 2 + u16::from(!sense));
                        return Branch { inst, operands, note: None };
                    }
                    _ => (if sense { Op::I32Ne } else { Op::I32Eq }, 3, 0),
                }
            }
            None => {
                let op = if sense { Op::I32Ne } else { Op::I32Eq };
                match self.no_const(condition) {
                    Operand::Slot(slot) => (op, 2, fields_x(0, slot.field(), 0)),
                    _ => (op, 3, 0),
                }
            }
        };
        // Every comparison has its branch.
        let row = Family::IntBranch.row_of(op).unwrap_or(0);
        let unfused = Branch { inst: Family::IntBranch.inst(row, variant), operands, note: None };
        let further = self.with_last(Comparison { op, variant, operands }, condition.height());
        further.unwrap_or_else(|| self.through_acc(unfused, variant))
    }

    /// The branch together with the last op, if there is such an op.
    fn with_last(&mut self, compared: Comparison, height: usize) -> Option<Branch> {
        let position = self.last.get()?;
        match self.inst_at(position).parts().0 {
            Family::IntBinary => {
                self.fuse_latch(position, compared, height).or_else(|| self.fuse_test(position, compared))
            }
            Family::Load => self.fuse_load_branch(position, compared, height),
            Family::Moves => {
                self.fuse_latch_two(position, compared).or_else(|| self.fuse_copy_branch(position, compared))
            }
            _ => None,
        }
    }

    /// A branch on a slot that the accumulator has too.
    fn through_acc(&self, branch: Branch, variant: u16) -> Branch {
        let slot_is = |at: u32| {
            self.mirror.is_some_and(|mirror| {
                mirror.slot.field() == branch.operands >> at & 0xffff && self.mirrors(mirror.slot, false)
            })
        };
        // Slot-slot to slot-accumulator, slot-immediate to accumulator-immediate.
        let by = if (variant == 0 && slot_is(32)) || (variant == 2 && slot_is(16)) { 1 } else { 0 };
        Branch { inst: InstId(branch.inst.0 + by), ..branch }
    }

    /// The last op adds, and the branch compares the sum.
    fn fuse_latch(&mut self, position: u32, compared: Comparison, height: usize) -> Option<Branch> {
        let (family, row, add_variant) = self.inst_at(position).parts();
        let add = if is_wide(compared.op) { Op::I64Add } else { Op::I32Add };
        if *family.rows().get(usize::from(row))? != add {
            return None;
        }
        let made_in = (add_variant % 2 == 0).then_some(self.word_at(position + 1) & 0xffff);
        let (op, right) = compared.of_what_was_made(made_in)?;
        // Where the sum goes: its slot, or one that is free now, because the branch has used it up.
        let d = made_in.unwrap_or_else(|| self.slots.operand(height).field());
        let (a, step) = match self.operands_of(position, add, add_variant | 1)? {
            (At::Slot(a), step @ (At::Slot(_) | At::Short(_))) => (a, step),
            _ => return None,
        };
        let kinds = match (step, right) {
            (At::Short(_), At::Slot(_)) => 0,
            (At::Short(_), _) => 1,
            (_, At::Slot(_)) => 2,
            (_, _) => 3,
        };
        self.retract(position);
        let inst = Family::Latch.inst(Family::Latch.row_of(op)?, kinds);
        Some(Branch { inst, operands: fields(d, a, step.field(), right.field()), note: None })
    }

    /// The last op's result is compared with zero.
    fn fuse_test(&mut self, position: u32, compared: Comparison) -> Option<Branch> {
        let Comparison { op, variant, operands } = compared;
        if variant != 3 || operands >> 32 != 0 {
            return None;
        }
        let zero = match op {
            Op::I32Eq | Op::I64Eq => 4,
            Op::I32Ne | Op::I64Ne => 0,
            _ => return None,
        };
        let (family, row, made) = self.inst_at(position).parts();
        if made % 2 == 0 {
            return None;
        }
        let tested = *family.rows().get(usize::from(row))?;
        let row = Family::Test.row_of(tested)?;
        // A 64-bit result of which the low half alone is compared is something else.
        if is_wide(op) != (tested == Op::I64And) {
            return None;
        }
        let word = self.word_at(position + 1);
        let (kinds, operands) = match made - 1 {
            pair::SLOT_SLOT => (0, word),
            pair::SLOT_IMM => (1, word),
            pair::ACC_SLOT => (2, word),
            pair::SLOT_ACC => (2, word >> 16 << 32),
            pair::ACC_IMM => (3, word),
            _ => return None,
        };
        self.retract(position);
        Some(Branch { inst: Family::Test.inst(row, kinds + zero), operands, note: None })
    }

    /// The last op loads one side of the comparison.
    fn fuse_load_branch(&mut self, position: u32, compared: Comparison, height: usize) -> Option<Branch> {
        let (_, row, load_variant) = self.inst_at(position).parts();
        if load_variant > 3 {
            return None;
        }
        if load_variant % 2 == 0 {
            return self.fuse_load_branch_keep(position, compared);
        }
        let address_in_acc = load_variant == 3;
        let (op, right) = match compared.variant {
            1 | 3 => compared.of_what_was_made(None)?,
            _ => return None,
        };
        let row = u16::from(LOAD_BRANCH_ROWS[op as usize][usize::from(row)].checked_sub(1)?);
        let word = self.word_at(position + 1);
        let note = self.notes.pop();
        let flushed = self.flushed.get();
        self.retract(position);
        let right = match (right, flushed) {
            // The other side had been forced out of the accumulator by the load.
            (At::Slot(slot), Some((made_by, entry)))
                if entry as usize >= height && self.slots.operand(entry as usize).field() == slot =>
            {
                self.undirect(made_by);
                At::Acc
            }
            (right, _) => right,
        };
        let kinds = match (address_in_acc, right) {
            (false, At::Slot(_)) => 0,
            (false, At::Short(_)) => 1,
            (false, At::Acc) => 2,
            (true, At::Slot(_)) => 3,
            (true, _) => 4,
        };
        let operands = fields_x(word >> 16 & 0xffff, right.field(), (word >> 32) as u32);
        Some(Branch { inst: Family::LoadBranch.inst(row, kinds), operands, note })
    }

    /// The same where what was loaded goes to a slot.
    fn fuse_load_branch_keep(&mut self, position: u32, compared: Comparison) -> Option<Branch> {
        let (_, row, load_variant) = self.inst_at(position).parts();
        let word = self.word_at(position + 1);
        let (d, offset) = (word & 0xffff, word >> 32);
        if offset > 0xffff {
            return None;
        }
        // Nothing was emitted since: the accumulator has what was loaded.
        let (op, right) = compared.of_what_was_made(Some(d))?;
        let row = u16::from(LOAD_BRANCH_ROWS[op as usize][usize::from(row)].checked_sub(1)?);
        let note = self.notes.pop();
        self.retract(position);
        // The variant of the load says whether its address is in the accumulator.
        let kinds = LOAD_BRANCH_KEEP + load_variant + if matches!(right, At::Slot(_)) { 0 } else { 1 };
        let operands = fields(d, word >> 16 & 0xffff, right.field(), offset);
        Some(Branch { inst: Family::LoadBranch.inst(row, kinds), operands, note })
    }
}

/// Whether a comparison is of i64.
fn is_wide(op: Op) -> bool {
    matches!(
        op,
        Op::I64Eq
            | Op::I64Ne
            | Op::I64LtS
            | Op::I64LtU
            | Op::I64GtS
            | Op::I64GtU
            | Op::I64LeS
            | Op::I64LeU
            | Op::I64GeS
            | Op::I64GeU
    )
}
