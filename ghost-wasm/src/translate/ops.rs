//! Everything that is not control: operators by family.

use super::Translator;
use super::control::FrameKind;
use super::emit::{Operand, Popped, fields, fields_x, fits};
use super::fuse::Sum;
use super::rows::{FORMS, ROWS, Row, commutes, exchanged, may_emit_nothing, result_of};
use crate::binary::instr::Instr;
use crate::code::inst::{Family, InstId, control, moves, pair, sum};
use crate::exec::ctx::Service;
use crate::table::ops::Op;
use crate::types::ValType;
use crate::valid::env::ModuleEnv;
use crate::valid::kind::Kind;

impl Translator {
    /// An operator of a kind, where it can be reached.
    #[inline(always)]
    pub fn operator_of(&mut self, env: &ModuleEnv, kind: Kind, instr: &Instr) {
        let (op, x) = (instr.op, instr.x);
        let row = &ROWS[op as usize];
        if may_emit_nothing(kind) {
            self.charge_what_waits();
        }
        // Those control operators owe by themselves, with the values they move.
        match kind {
            Kind::Block => return self.open_block(env, FrameKind::Block, instr),
            Kind::Loop => return self.open_block(env, FrameKind::Loop, instr),
            Kind::End => return self.close_block(env),
            Kind::Br => return self.br(x),
            Kind::BrIf => return self.br_if(x),
            Kind::Call => return self.call(env, x),
            Kind::Return => return self.return_(env),
            Kind::Other => return self.other(env, instr),
            _ => self.owe(self.schedule.class(row.class)),
        }
        match kind {
            Kind::LocalSet => self.take_local(x),
            Kind::LocalTee => self.tee_local(x),
            Kind::IntBinary => self.int_binary(op, row),
            Kind::FloatBinary => self.float_binary(op, row),
            Kind::IntCompare | Kind::FloatCompare => self.compare(op, row),
            Kind::Unary => self.unary(op, row),
            Kind::Load => self.load(row, instr.z),
            Kind::Store => self.store(op, row, instr.z),
            Kind::If => self.open_block(env, FrameKind::If, instr),
            Kind::Select => self.select(),
            Kind::Nop => {}
            Kind::GlobalGet => self.global_get(env, x),
            Kind::GlobalSet => self.global_set(x),
            _ => self.simple(instr),
        }
    }

    /// An operator.
    pub fn operator(&mut self, env: &ModuleEnv, instr: &Instr) {
        if self.reachable {
            self.operator_of(env, ROWS[instr.op as usize].kind, instr)
        } else {
            self.skip(env, instr)
        }
    }

    /// An operator that cannot be reached.
    fn skip(&mut self, env: &ModuleEnv, instr: &Instr) {
        match instr.op {
            Op::Block | Op::Loop | Op::If => self.dead_blocks += 1,
            Op::Else if self.dead_blocks == 0 => self.open_else(env),
            Op::End if self.dead_blocks == 0 => self.close_block(env),
            Op::End => self.dead_blocks -= 1,
            _ => {}
        }
    }

    /// Operators of kinds that have little to do.
    #[inline(never)]
    fn simple(&mut self, instr: &Instr) {
        match instr.op {
            Op::Unreachable => {
                self.emit_trapping(Family::Control.inst(0, control::UNREACHABLE), &[0]);
                self.end_reachable();
            }
            Op::Drop => {
                self.pop();
            }
            Op::LocalGet => {
                let ty = self.local_type(instr.x);
                self.push_local(instr.x, ty);
            }
            Op::I32Const => self.push_const(instr.z as i32 as i64 as u64, ValType::I32),
            Op::I64Const => self.push_const(instr.z, ValType::I64),
            Op::I32Eqz => self.compare_zero(Op::I32Eq),
            _ => self.compare_zero(Op::I64Eq),
        }
    }

    /// Operators without a kind.
    #[inline(never)]
    fn other(&mut self, env: &ModuleEnv, instr: &Instr) {
        let op = instr.op;
        match op {
            Op::Else => return self.open_else(env),
            Op::BrTable => return self.br_table(instr.x),
            Op::CallIndirect => return self.call_indirect(env, instr.x, instr.y),
            Op::ReturnCall => return self.return_call(env, instr.x),
            Op::ReturnCallIndirect => return self.return_call_indirect(env, instr.x, instr.y),
            _ => {
                self.charge_what_waits();
                self.owe(self.schedule.class(op.class()));
            }
        }
        match op {
            Op::SelectT => self.select(),
            Op::F32Const => self.push_const(instr.z as i32 as i64 as u64, ValType::F32),
            Op::F64Const => self.push_const(instr.z, ValType::F64),
            Op::RefNull => self.push_const(0, instr.ref_type().unwrap_or(ValType::FuncRef)),
            Op::RefIsNull => self.compare_zero(Op::I64Eq),
            Op::MemorySize => {
                self.slots.reach(self.stack.height() + 1);
                self.produce(Family::Size.inst(0, 0), &[0], ValType::I32, false);
            }
            Op::I64Add128 | Op::I64Sub128 => self.sum128(op),
            Op::I64MulWideS | Op::I64MulWideU => self.mul_wide(op),
            _ => self.driver_op(env, instr),
        }
    }

    /// Operators that the driver does.
    fn driver_op(&mut self, env: &ModuleEnv, instr: &Instr) {
        let (x, y) = (instr.x, instr.y);
        let element = |table: u32| env.tables.get(table as usize).map_or(ValType::FuncRef, |ty| ty.element);
        match instr.op {
            Op::MemoryGrow => self.service(Service::MemoryGrow, 1, x, 0, Some(ValType::I32)),
            Op::MemoryCopy => self.service(Service::MemoryCopy, 3, x, y, None),
            Op::MemoryFill => self.service(Service::MemoryFill, 3, x, 0, None),
            Op::MemoryInit => self.service(Service::MemoryInit, 3, x, y, None),
            Op::DataDrop => self.service(Service::DataDrop, 0, x, 0, None),
            Op::TableGet => self.service(Service::TableGet, 1, x, 0, Some(element(x))),
            Op::TableSet => self.service(Service::TableSet, 2, x, 0, None),
            Op::TableSize => self.service(Service::TableSize, 0, x, 0, Some(ValType::I32)),
            Op::TableGrow => self.service(Service::TableGrow, 2, x, 0, Some(ValType::I32)),
            Op::TableFill => self.service(Service::TableFill, 3, x, 0, None),
            Op::TableCopy => self.service(Service::TableCopy, 3, x, y, None),
            Op::TableInit => self.service(Service::TableInit, 3, x, y, None),
            Op::ElemDrop => self.service(Service::ElemDrop, 0, x, 0, None),
            Op::RefFunc => self.service(Service::RefFunc, 0, x, 0, Some(ValType::FuncRef)),
            _ => {}
        }
    }

    #[inline]
    pub fn local_type(&self, local: u32) -> ValType {
        self.locals.get(local).unwrap_or(ValType::I32)
    }

    /// Field and kind of a pair of operands, constants that do not fit having gone to slots.
    #[inline(always)]
    fn pair(&mut self, mut left: Popped, mut right: Popped) -> (u16, u64) {
        // Most constants are on the right, and fit.
        if left.is_const() || (right.is_const() && !fits(right.payload())) {
            (left, right) = self.constants_that_fit(left, right);
        }
        // By a table, because which they are is as good as random.
        let form = &FORMS[left.kind()][right.kind()];
        let operand = |value: Popped, (mask, shift): (u32, u8)| (value.payload() & u64::from(mask)) << shift;
        (form.variant, operand(left, form.left) | operand(right, form.right))
    }

    /// One of the two at most stays a constant, and only if it is the sign extension of its low half.
    #[inline(never)]
    fn constants_that_fit(&mut self, mut left: Popped, mut right: Popped) -> (Popped, Popped) {
        let both = matches!((left.operand(), right.operand()), (Operand::Const(_), Operand::Const(_)));
        for (index, popped) in [&mut left, &mut right].into_iter().enumerate() {
            if let Operand::Const(value) = popped.operand()
                && (!fits(value) || (both && index == 0))
            {
                *popped = popped.at(Operand::Slot(self.in_slot(*popped)));
            }
        }
        (left, right)
    }

    /// The variant that takes an operand from the accumulator, if that has what is in the operand's slot.
    #[inline(always)]
    fn through_acc_pair(&self, left: Popped, right: Popped, variant: u16, float: bool) -> u16 {
        if !self.has_mirror() {
            return variant;
        }
        let mirrored =
            |popped: Popped| matches!(popped.operand(), Operand::Slot(slot) if self.mirrors(slot, float));
        match variant {
            pair::SLOT_SLOT if mirrored(left) => pair::ACC_SLOT,
            pair::SLOT_SLOT if mirrored(right) => pair::SLOT_ACC,
            pair::SLOT_IMM if mirrored(left) => pair::ACC_IMM,
            pair::IMM_SLOT if mirrored(right) => pair::IMM_ACC,
            other => other,
        }
    }

    #[inline(never)]
    fn int_binary(&mut self, op: Op, mut row: &'static Row) {
        let (mut left, mut right) = self.pop_two();
        if left.is_made() || right.is_made() {
            // Only what was just made is fused with.
            match self.fuse_int_binary(op, row, left, right) {
                Some(unfused) => (row, left, right) = unfused,
                None => return,
            }
        } else if left.is_const() && commutes(op) {
            core::mem::swap(&mut left, &mut right);
        }
        if right.is_const() && row.family == Family::IntBinary && self.wide(op, left, right) {
            return;
        }
        let (variant, operands) = self.pair(left, right);
        let variant = self.through_acc_pair(left, right, variant, false);
        if row.family == Family::Division {
            self.produce(row.inst(variant), &[operands], row.result, true);
        } else {
            self.produce_here(row.inst(variant), &[operands], (row.result, false), false);
        }
    }

    /// An operator with an operand in the accumulator; if it cannot be fused, its row and operands in the order that has
    /// a form.
    #[inline(never)]
    fn fuse_int_binary(
        &mut self,
        op: Op,
        row: &'static Row,
        mut left: Popped,
        mut right: Popped,
    ) -> Option<(&'static Row, Popped, Popped)> {
        if commutes(op) && (left.is_const() || (left.is_made() && !right.is_const())) {
            core::mem::swap(&mut left, &mut right);
        }
        let (op, row) = self.negation(op, row, &mut left, &mut right);
        if row.family == Family::IntBinary
            && (self.fuse_load(op, left, right) || self.fuse_pair(op, row.row(), left, right))
        {
            return None;
        }
        Some((row, left, right))
    }

    /// `0 - x` as `x * -1`, if `x` was just made: the product pairs with what made it.
    fn negation(
        &self,
        op: Op,
        row: &'static Row,
        left: &mut Popped,
        right: &mut Popped,
    ) -> (Op, &'static Row) {
        let product = match op {
            Op::I32Sub => Op::I32Mul,
            Op::I64Sub => Op::I64Mul,
            _ => return (op, row),
        };
        if left.operand() != Operand::Const(0) || !self.pairs(right.operand(), product) {
            return (op, row);
        }
        let minus_one = Operand::Const(u64::MAX);
        (*left, *right) = (*right, left.at(minus_one));
        (product, &ROWS[product as usize])
    }

    /// An operator with a constant of 64 bits on the right.
    fn wide(&mut self, op: Op, left: Popped, right: Popped) -> bool {
        let Operand::Const(value) = right.operand() else { return false };
        let Some(row) = Family::WideBinary.row_of(op).filter(|_| !fits(value)) else { return false };
        if self.fuse_wide_second(op, left, value) {
            return true;
        }
        let (variant, slot) = match self.no_const(left) {
            Operand::Slot(slot) => (0, slot.field()),
            _ => (2, 0),
        };
        let inst = Family::WideBinary.inst(row, variant);
        self.produce(inst, &[fields(0, slot, 0, 0), value], result_of(op), false);
        true
    }

    #[inline(never)]
    fn float_binary(&mut self, op: Op, row: &'static Row) {
        let (mut left, mut right) = self.pop_two();
        if commutes(op) && (left.is_const() || (left.is_made() && !right.is_const())) {
            core::mem::swap(&mut left, &mut right);
        }
        if self.fuse_load(op, left, right) || self.fuse_float_pair(op, left, right) {
            return;
        }
        if matches!((left.operand(), right.operand()), (Operand::Const(_), Operand::Const(_))) {
            left = left.at(Operand::Slot(self.in_slot(left)));
        }
        let acc = |operand| matches!(operand, Operand::FloatAcc(_));
        let slot = |operand| if let Operand::Slot(slot) = operand { slot.field() } else { 0 };
        let (l, r) = (left.operand(), right.operand());
        let operands = fields(0, slot(l), slot(r), 0);
        let (variant, bits) = match (l, r) {
            (Operand::Const(bits), _) if acc(r) => (pair::IMM_ACC, Some(bits)),
            (Operand::Const(bits), _) => (pair::IMM_SLOT, Some(bits)),
            (_, Operand::Const(bits)) if acc(l) => (pair::ACC_IMM, Some(bits)),
            (_, Operand::Const(bits)) => (pair::SLOT_IMM, Some(bits)),
            _ if acc(l) => (pair::ACC_SLOT, None),
            _ if acc(r) => (pair::SLOT_ACC, None),
            _ => (pair::SLOT_SLOT, None),
        };
        let variant = self.through_acc_pair(left, right, variant, true);
        let inst = row.inst(variant);
        match bits {
            Some(bits) => self.produce(inst, &[operands, bits], row.result, false),
            None => self.produce(inst, &[operands], row.result, false),
        }
    }

    #[inline(never)]
    fn compare(&mut self, op: Op, row: &'static Row) {
        let ((mut left, mut right), mut op) = (self.pop_two(), op);
        // A constant that is no immediate goes to a slot before the operands find their places: there is no
        // form with the accumulator on the left and a slot on the right.
        let float = row.family == Family::FloatCompare;
        if left.is_const() || right.is_const() {
            for popped in [&mut left, &mut right] {
                if matches!(popped.operand(), Operand::Const(value) if float || !fits(value)) {
                    *popped = popped.at(self.no_const(*popped));
                }
            }
        }
        if left.is_const() || (left.is_made() && !right.is_const()) {
            core::mem::swap(&mut left, &mut right);
            op = exchanged(op);
        }
        let mirrored =
            |popped: Popped| matches!(popped.operand(), Operand::Slot(slot) if self.mirrors(slot, float));
        if self.has_mirror() && mirrored(left) && matches!(right.operand(), Operand::Slot(_)) {
            core::mem::swap(&mut left, &mut right);
            op = exchanged(op);
        }
        let (variant, operands) = self.pair(left, right);
        let variant = match self.through_acc_pair(left, right, variant, float) {
            // Both are the same.
            pair::ACC_SLOT => pair::SLOT_ACC,
            pair::SLOT_ACC => 2,
            pair::SLOT_IMM => 4,
            pair::ACC_IMM => 6,
            other => {
                debug_assert_eq!(other, pair::SLOT_SLOT, "comparisons have no such form");
                0
            }
        };
        self.produce(ROWS[op as usize].inst(variant), &[operands], ValType::I32, false);
    }

    /// `eqz`, `ref.is_null`.
    #[inline(never)]
    fn compare_zero(&mut self, op: Op) {
        let popped = self.pop();
        let operand = self.no_const(popped);
        let row = Family::IntCompare.row_of(op).unwrap_or(0);
        let (variant, slot) = match operand {
            Operand::Slot(slot) => (4, slot.field()),
            _ => (6, 0),
        };
        self.produce(Family::IntCompare.inst(row, variant), &[fields_x(0, slot, 0)], ValType::I32, false);
    }

    #[inline(never)]
    fn unary(&mut self, op: Op, row: &'static Row) {
        let popped = self.pop();
        let ty = row.result;
        // The low half of a slot is the i32; bits are bits: no op is needed to see them so.
        let alias = matches!(
            op,
            Op::I32WrapI64
                | Op::I32ReinterpretF32
                | Op::I64ReinterpretF64
                | Op::F32ReinterpretI32
                | Op::F64ReinterpretI64
        );
        match popped.operand() {
            Operand::Slot(slot) if alias => {
                if slot == self.slots.operand(popped.height()) {
                    self.push_own(ty);
                } else {
                    self.push_local(slot.field() as u32, ty);
                }
                return;
            }
            // The accumulator's low half is the i32 likewise; the op that filled it stays the one to redirect.
            Operand::Acc(position) if op == Op::I32WrapI64 => {
                self.stack.push_acc(position, ty, false);
                return;
            }
            // An i32 is made with zeros above it.
            Operand::Acc(position) if op == Op::I64ExtendI32U && self.is_zero_extended(position) => {
                self.stack.push_acc(position, ty, false);
                return;
            }
            Operand::Const(value) if alias => {
                let value = if matches!(ty, ValType::I32 | ValType::F32) {
                    value as i32 as i64 as u64
                } else {
                    value
                };
                return self.push_const(value, ty);
            }
            _ => {}
        }
        let (variant, slot) = match self.no_const(popped) {
            Operand::Slot(slot) => (0, slot.field()),
            _ => (2, 0),
        };
        let traps = row.family == Family::UnaryTrapping;
        self.produce(row.inst(variant), &[fields(0, slot, 0, 0)], ty, traps);
    }

    #[inline(never)]
    fn load(&mut self, row: &'static Row, offset: u64) {
        let popped = self.pop();
        if popped.is_made() {
            if let Some(address) = self.fuse_address(popped, offset) {
                let (variant, operands) = match address {
                    Sum::Slots(a, b) => (sum::LOAD_SLOT, fields(0, a, b, offset)),
                    Sum::Const(a, b) => (sum::LOAD_IMM, fields_x(0, a, b)),
                };
                return self.produce(row.inst(variant), &[operands], row.result, true);
            }
        } else if self.fuse_step_load(row.row(), popped, offset as u32, row.result) {
            return;
        }
        let (variant, slot, offset) = self.address(popped, offset as u32);
        let result = (row.result, row.result.is_float());
        self.produce_here(row.inst(variant * 2), &[fields_x(0, slot, offset)], result, true);
    }

    /// An address: kind (slot, acc, code), slot, offset or sum.
    fn address(&mut self, popped: Popped, offset: u32) -> (u16, u64, u32) {
        if popped.is_made() {
            return (1, 0, offset);
        }
        if popped.is_const()
            && let Some(sum) = (popped.payload() as u32).checked_add(offset)
        {
            return (2, 0, sum);
        }
        let slot = self.in_slot(popped);
        (u16::from(self.mirrors(slot, false)), slot.field(), offset)
    }

    #[inline(never)]
    fn store(&mut self, op: Op, row: &'static Row, offset: u64) {
        let (address, value) = self.pop_two();
        if value.is_const() && fits(value.payload()) {
            let bits = value.payload();
            let width = match op {
                Op::I32Store8 | Op::I64Store8 => 0,
                Op::I32Store16 | Op::I64Store16 => 1,
                Op::I64Store | Op::F64Store => 3,
                _ => 2,
            };
            let low = u64::from(bits as u32);
            if let Some(address) = self.fuse_address(address, offset) {
                let (kind, operands) = match address {
                    Sum::Slots(a, b) => (sum::CONST_SLOT, fields(a, 0, b, offset)),
                    Sum::Const(a, b) => (sum::CONST_IMM, fields_x(a, 0, b)),
                };
                self.emit_trapping(Family::StoreConst.inst(width, kind), &[operands, low]);
                return;
            }
            let (kind, slot, offset) = self.address(address, offset as u32);
            self.emit_trapping(Family::StoreConst.inst(width, kind), &[fields_x(slot, 0, offset), low]);
            return;
        }
        let value = self.no_const(value);
        if let Operand::Slot(slot) = value
            && let Some(address) = self.fuse_address(address, offset)
        {
            let (variant, operands) = match address {
                Sum::Slots(a, b) => (sum::STORE_SLOT, fields(a, slot.field(), b, offset)),
                Sum::Const(a, b) => (sum::STORE_IMM, fields_x(a, slot.field(), b)),
            };
            self.emit_trapping(row.inst(variant), &[operands]);
            return;
        }
        let float = matches!(op, Op::F32Store | Op::F64Store);
        let through_acc = matches!(value, Operand::Slot(slot) if self.mirrors(slot, float));
        let (kind, slot, offset) = self.address(address, offset as u32);
        let (variant, value) = match (kind, value) {
            (0, Operand::Slot(value)) => (u16::from(through_acc), value.field()),
            (0, _) => (1, 0),
            (1, Operand::Slot(value)) => (2, value.field()),
            (1, _) => (5, 0),
            (_, Operand::Slot(value)) => (3, value.field()),
            (_, _) => (4, 0),
        };
        self.emit_trapping(row.inst(variant), &[fields_x(slot, value, offset)]);
    }

    fn select(&mut self) {
        let (condition, b, a) = (self.pop(), self.pop(), self.pop());
        if let Some((row, variant, compared)) = self.fuse_select(condition.operand()) {
            let (b_slot, a_slot) = (self.in_slot(b), self.in_slot(a));
            let operands = fields(0, a_slot.field(), b_slot.field(), compared >> 16 & 0xffff);
            let inst = Family::CompareSelect.inst(row, variant);
            return self.produce_int(inst, &[operands, compared >> 32], a);
        }
        let condition = self.no_const(condition);
        let (b_slot, a_slot) = (self.in_slot(b), self.in_slot(a));
        let (variant, slot) = match condition {
            Operand::Slot(slot) => (moves::SELECT_SLOT, slot.field()),
            _ => (moves::SELECT_ACC, 0),
        };
        let operands = fields(0, a_slot.field(), b_slot.field(), slot);
        self.produce_int(Family::Moves.inst(0, variant), &[operands], a);
    }

    /// Pushes a result of an op that has no form for the float accumulator. The result's field is zero.
    pub fn produce_int<const N: usize>(&mut self, inst: InstId, words: &[u64; N], at: Popped) {
        if at.ty().is_float() {
            let own = self.slots.operand(at.height());
            let position = self.emit(inst, words);
            self.set_result(position, own);
            self.push_own(at.ty());
        } else {
            self.produce(inst, words, at.ty(), false);
        }
    }
}
