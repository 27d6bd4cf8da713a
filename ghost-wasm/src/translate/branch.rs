//! Branches, returns, calls: ops that end a run.

use super::Translator;
use super::control::{FrameKind, Jump, PendingTable, distance};
use super::emit::{Operand, Popped, fields, fields_x, fits};
use super::fuse::{BrWith, Branch, CallWith, Mirror};
use super::stack::{Loc, NONE};
use super::value::{Flushed, Last};
use crate::Error;
use crate::code::inst::{Family, control, moves};
use crate::code::map::MapEntry;
use crate::code::record::record_bytes;
use crate::exec::ctx::Service;
use crate::exec::dispatch;
use crate::table::gas::GasClass;
use crate::types::ValType;
use crate::valid::env::ModuleEnv;

impl Translator {
    /// What an operator costs that statically moves `values`.
    pub fn owe_with_values(&mut self, class: GasClass, values: usize) {
        let values = u32::try_from(values).unwrap_or(u32::MAX);
        self.owe(self.schedule.class(class).saturating_add(self.schedule.per_value.saturating_mul(values)));
    }

    /// Emits a jump that is taken if the condition is `sense`, and pays. The target is to be filled in.
    pub fn emit_branch_if(&mut self, condition: Popped, sense: bool) -> u32 {
        let Branch { inst, operands, note } = self.fuse_branch(condition, sense);
        match note {
            // The load in it was checked for a charge when it was emitted; its entry belongs to the run that
            // ends here.
            Some(note) => self.notes.push(MapEntry { position: self.code.len() as u32, ..note }),
            None => self.charge_if_due(),
        }
        let cost = self.pay();
        let mirror = self.mirror_after(inst, operands);
        let position = self.append(inst, &[operands, cost | cost << 32, cost << 32]);
        // What follows is reached by this edge alone: it may take from the accumulator what is there.
        self.last = mirror.map_or(Last::NONE, |_| Last::new(position));
        self.mirror = mirror.map(|mirror| Mirror { position, ..mirror });
        self.flushed = Flushed::NONE;
        self.run.handlers = 0;
        position
    }

    /// Emits `br` and pays. The target is to be filled in.
    pub fn emit_br(&mut self) -> u32 {
        self.charge_if_due();
        let with = self.take_along_br();
        let cost = self.pay();
        match with {
            Some(BrWith { inst, operands, steps: Some(steps) }) => {
                self.append(inst, &[operands, cost, steps])
            }
            Some(BrWith { inst, operands, steps: None }) => self.append(inst, &[operands, cost]),
            None => self.append(Family::Control.inst(0, control::BR), &[0, cost]),
        }
    }

    /// Moves the topmost values to where a label expects them. May change where they are; the stack keeps
    /// its height.
    fn move_to_label(&mut self, height: usize, arity: usize) {
        let top = self.stack.height();
        let from = top.saturating_sub(arity);
        if arity == 0 {
            return;
        }
        if from == height {
            self.settle_top(arity);
            return;
        }
        let to = self.slots.operand(height);
        if arity == 1 {
            let popped = self.pop();
            match popped.operand() {
                // Not the high half of two results: the low one, which is dropped here, may have that slot.
                Operand::Acc(position) | Operand::FloatAcc(position)
                    if self.last.is(position) && !self.makes_two(position) =>
                {
                    self.redirect(position, to);
                }
                Operand::Const(value) => self.emit_const(to, value),
                _ => {
                    let slot = self.in_slot(popped);
                    self.emit_copy(to, slot);
                }
            }
            self.push_own(popped.ty());
            return;
        }
        self.settle_top(arity);
        let own = self.slots.operand(from);
        let inst = Family::Moves.inst(0, moves::COPY_RANGE);
        self.emit(inst, &[fields_x(to.field(), own.field(), arity as u32)]);
    }

    /// Points a jump to a label. What it pays ahead for the code there is added to its cost.
    fn aim(&mut self, frame: usize, jump: Jump) {
        let Some(target) = self.frames.get(frame) else { return };
        if target.kind == FrameKind::Loop {
            let (ahead, start) = (target.ahead, target.start);
            self.jump_to(jump, start);
            self.set_quarter(jump.cost, self.quarter(jump.cost) + ahead);
            return;
        }
        let mut list = target.waiting;
        self.wait(&mut list, jump);
        if let Some(target) = self.frames.get_mut(frame) {
            target.waiting = list;
        }
    }

    /// Notes where a jump back to a loop stands: it pays, so that the gas of a loop runs out there.
    fn note_jump_back(&mut self, to: FrameKind, op: u32) {
        let noted = self.notes.last().is_some_and(|note| note.position >= op);
        if to == FrameKind::Loop && !noted {
            self.note(op, 0);
            self.run.map_from = self.notes.len();
        }
    }

    /// `br`.
    pub fn br(&mut self, depth: u32) {
        let Some((index, frame)) = self.label(depth) else { return };
        let (kind, height, arity) = (frame.kind, frame.height(), frame.arity());
        self.owe_with_values(GasClass::Br, arity);
        if kind == FrameKind::Function {
            self.emit_return(arity);
        } else {
            self.move_to_label(height, arity);
            let op = self.emit_br();
            self.note_jump_back(kind, op);
            self.aim(index, Jump::br(op));
        }
        self.end_reachable();
    }

    /// `br_if`.
    pub fn br_if(&mut self, depth: u32) {
        let Some((index, frame)) = self.label(depth) else { return };
        let (kind, height, arity) = (frame.kind, frame.height(), frame.arity());
        self.owe_with_values(GasClass::BrIf, arity);
        let condition = self.pop();
        let in_place = self.stack.height().saturating_sub(arity) == height;
        if kind != FrameKind::Function && (arity == 0 || in_place) {
            self.settle_top(arity);
            let op = self.emit_branch_if(condition, true);
            self.note_jump_back(kind, op);
            self.aim(index, Jump::conditional(op));
            self.begin_on_edge(op * 2 + 5);
            return;
        }
        // The moves belong to the taken edge alone: jump over them if it is not taken.
        if kind == FrameKind::Function && arity <= 1 {
            self.settle_if_acc(arity);
        } else {
            self.settle_top(arity);
        }
        let skip = self.emit_branch_if(condition, false);
        if kind == FrameKind::Function {
            self.emit_return_kept(arity);
        } else {
            let (to, from) =
                (self.slots.operand(height), self.slots.operand(self.stack.height().saturating_sub(arity)));
            let inst = Family::Moves.inst(0, moves::COPY_RANGE);
            self.append(inst, &[fields_x(to.field(), from.field(), arity as u32)]);
            let op = self.append(Family::Control.inst(0, control::BR), &[0, 0]);
            self.aim(index, Jump::br(op));
        }
        let after = self.code.len() as u32;
        self.set_quarter(skip * 2 + 6, distance(skip, after));
        self.begin_on_edge(skip * 2 + 4);
        self.last = Last::NONE;
    }

    /// Puts the topmost value into its slot if it is in an accumulator.
    fn settle_if_acc(&mut self, arity: usize) {
        if arity == 1 && matches!(self.stack.entries.last().map(|entry| entry.loc()), Some(Loc::Acc(_))) {
            self.settle_top(1);
        }
    }

    /// A return on one edge of a branch: everything is paid, the values stay on the model's stack.
    fn emit_return_kept(&mut self, results: usize) {
        let top = self.stack.height();
        let inst = |variant| Family::Control.inst(0, variant);
        match (results, self.stack.entries.last().map(|entry| entry.loc())) {
            (0, _) => self.append(inst(control::RETURN_NONE), &[0, 0]),
            (1, Some(Loc::Const(value))) if fits(value) => {
                self.append(inst(control::RETURN_CONST), &[fields_x(0, 0, value as u32), 0])
            }
            (1, Some(Loc::Local(local))) => {
                let slot = self.slots.local(local);
                self.append(inst(control::RETURN_SLOT), &[fields(0, slot.field(), 0, 0), 0])
            }
            (1, Some(Loc::Const(value))) => {
                let own = self.slots.operand(top.saturating_sub(1));
                self.append(Family::Moves.inst(0, moves::CONST64), &[own.field(), value]);
                self.append(inst(control::RETURN_SLOT), &[fields(0, own.field(), 0, 0), 0])
            }
            (1, _) => {
                let own = self.slots.operand(top.saturating_sub(1));
                self.append(inst(control::RETURN_SLOT), &[fields(0, own.field(), 0, 0), 0])
            }
            _ => {
                let from = self.slots.operand(top.saturating_sub(results));
                self.append(inst(control::RETURN_MANY), &[fields_x(from.field(), 0, results as u32), 0])
            }
        };
    }

    /// Returns and pays.
    pub fn emit_return(&mut self, results: usize) {
        let inst = |variant| Family::Control.inst(0, variant);
        let (inst, operands) = match results {
            0 => (inst(control::RETURN_NONE), 0),
            1 => {
                let popped = self.pop();
                match popped.operand() {
                    Operand::Slot(slot) => (inst(control::RETURN_SLOT), fields(0, slot.field(), 0, 0)),
                    Operand::Acc(_) => (inst(control::RETURN_ACC), 0),
                    Operand::FloatAcc(_) => (inst(control::RETURN_FLOAT), 0),
                    Operand::Const(value) if fits(value) => {
                        (inst(control::RETURN_CONST), fields_x(0, 0, value as u32))
                    }
                    Operand::Const(_) => {
                        let slot = self.in_slot(popped);
                        (inst(control::RETURN_SLOT), fields(0, slot.field(), 0, 0))
                    }
                }
            }
            _ => {
                self.settle_top(results);
                let from = self.slots.operand(self.stack.height().saturating_sub(results));
                (inst(control::RETURN_MANY), fields_x(from.field(), 0, results as u32))
            }
        };
        self.charge_if_due();
        let cost = self.pay();
        self.append(inst, &[operands, cost]);
        self.last = Last::NONE;
        self.flushed = Flushed::NONE;
    }

    /// `return`.
    pub fn return_(&mut self, env: &ModuleEnv) {
        let results = env.func_type(self.func).map_or(0, |ty| ty.results().len());
        self.owe_with_values(GasClass::Return, results);
        self.emit_return(results);
        self.end_reachable();
    }

    /// `br_table`, before its targets are known.
    pub fn br_table(&mut self, count: u32) {
        let index = self.pop();
        self.table = Some(PendingTable { index, count, op: None });
    }

    /// A target of the `br_table`.
    pub fn table_target(&mut self, depth: u32) {
        let Some((index, frame)) = self.label(depth) else { return };
        let (kind, height, arity) = (frame.kind, frame.height(), frame.arity());
        let op = match &self.table {
            Some(PendingTable { op: Some((op, _)), .. }) => *op,
            _ => self.open_table(arity),
        };
        let entry = self.code.len() as u32;
        self.code.push(0);
        let in_place = self.stack.height().saturating_sub(arity) == height;
        if kind != FrameKind::Function && (arity == 0 || in_place) {
            self.aim(index, Jump::table(entry, op));
        } else if let Some(frame) = self.frames.get_mut(index) {
            let before = core::mem::replace(&mut frame.stub, entry);
            if before == NONE {
                self.stubs.push(index as u32);
            }
            self.set_quarter(entry * 2, before);
        }
    }

    /// Emits a `br_table` whose labels take `arity` values along.
    fn open_table(&mut self, arity: usize) -> u32 {
        let Some((index, count)) = self.table.as_ref().map(|table| (table.index, table.count)) else {
            return 0;
        };
        self.owe_with_values(GasClass::BrTable, arity);
        // The index is above the values: it stays where it is while they settle.
        let operand = self.condition(index);
        self.settle_top(arity);
        self.charge_if_due();
        let cost = self.pay();
        let (variant, slot) = match operand {
            Operand::Slot(slot) if !self.mirrors(slot, false) => (control::BR_TABLE_SLOT, slot.field()),
            _ => (control::BR_TABLE_ACC, 0),
        };
        let inst = Family::Control.inst(0, variant);
        let op = self.append(inst, &[fields_x(slot, 0, count), cost]);
        self.note(op, 0);
        self.run.map_from = self.notes.len();
        // Its targets are still to come.
        if let Some(first) = self.code.get_mut(op as usize) {
            *first = dispatch::numbered(inst, 0);
        }
        if let Some(table) = &mut self.table {
            table.op = Some((op, arity));
        }
        op
    }

    /// After the last target: what moves values on the way to a label, once for each label.
    pub fn close_table(&mut self) -> Result<(), Error> {
        self.make_room_for_stubs()?;
        let mut stubs = core::mem::take(&mut self.stubs);
        let room = self.room();
        if let Some((op, arity)) = self.table.take().and_then(|table| table.op) {
            for index in stubs.drain(..) {
                let start = self.code.len() as u32;
                let mut next = self.table_stub(index as usize, arity);
                // Each target has the place of the one before it that names the same label.
                while next != NONE {
                    let entry = next;
                    next = self.quarter(entry * 2);
                    self.set_quarter(entry * 2, distance(op, start));
                }
            }
        }
        debug_assert_eq!(room, self.room(), "the stubs need more room than is made for them");
        self.stubs = stubs;
        self.end_reachable();
        Ok(())
    }

    /// Moves the values of a `br_table` and goes on to the label; the last of its targets.
    fn table_stub(&mut self, index: usize, arity: usize) -> u32 {
        let Some(frame) = self.frames.get_mut(index) else { return NONE };
        let targets = core::mem::replace(&mut frame.stub, NONE);
        let (kind, height) = (frame.kind, frame.height());
        if kind == FrameKind::Function {
            let from = self.slots.operand(self.stack.height().saturating_sub(arity));
            let (variant, operands) = match arity {
                0 => (control::RETURN_NONE, 0),
                1 => (control::RETURN_SLOT, fields(0, from.field(), 0, 0)),
                _ => (control::RETURN_MANY, fields_x(from.field(), 0, arity as u32)),
            };
            self.append(Family::Control.inst(0, variant), &[operands, 0]);
            return targets;
        }
        let to = self.slots.operand(height);
        let from = self.slots.operand(self.stack.height().saturating_sub(arity));
        self.append(
            Family::Moves.inst(0, moves::COPY_RANGE),
            &[fields_x(to.field(), from.field(), arity as u32)],
        );
        let op = self.append(Family::Control.inst(0, control::BR), &[0, 0]);
        self.aim(index, Jump::br(op));
        targets
    }

    /// Pops arguments and pushes results of a call that was emitted.
    fn after_call(&mut self, position: u32, params: usize, results: &[ValType]) {
        self.stack.truncate(self.stack.height().saturating_sub(params));
        self.push_all_own(results);
        self.stack.settle_new(results.len());
        self.run.handlers = 0;
        self.made(position, results);
    }

    /// An op has put its results, from the topmost values' slots on, and a single one is in an accumulator as
    /// well. (`advance` in `exec/ctx.rs` and the returns see to that.)
    fn made(&mut self, position: u32, results: &[ValType]) {
        self.flushed = Flushed::NONE;
        self.last = Last::NONE;
        if let &[ty] = results {
            let slot = self.slots.operand(self.stack.height().saturating_sub(1));
            self.last = Last::new(position);
            self.mirror = Some(Mirror { position, slot, float: ty.is_float() });
        }
    }

    /// `call`.
    pub fn call(&mut self, env: &ModuleEnv, func: u32) {
        let Some(ty) = env.func_type(func) else { return };
        let params = ty.params().len();
        self.owe_with_values(GasClass::Call, params);
        self.settle_top(params);
        self.free_accs();
        let base = self.slots.operand(self.stack.height().saturating_sub(params));
        self.charge_if_due();
        let cost = self.pay();
        let position = match func.checked_sub(env.imported_funcs) {
            Some(defined) => {
                let with = self.take_along_call();
                let call = CallWith { inst: Family::Control.inst(0, control::CALL), step: 0, slots: 0 };
                let CallWith { inst, step, slots } = with.unwrap_or(call);
                let operands = fields_x(base.field(), step, record_bytes(defined));
                self.append(inst, &[operands, cost | slots << 32])
            }
            None => self.append_service(Service::CallImport, base.field(), func, 0, cost),
        };
        self.note(position, 0);
        self.run.map_from = self.notes.len();
        self.after_call(position, params, ty.results());
    }

    /// `call_indirect`.
    pub fn call_indirect(&mut self, env: &ModuleEnv, ty: u32, table: u32) {
        let Some(callee) = env.types.get(ty as usize) else { return };
        let params = callee.params().len();
        self.owe_with_values(GasClass::CallIndirect, params);
        let index = self.pop();
        let index = self.condition(index);
        self.settle_top(params);
        self.free_accs();
        let base = self.slots.operand(self.stack.height().saturating_sub(params)).field();
        let (variant, slot) = match index {
            Operand::Slot(slot) => (control::CALL_INDIRECT_SLOT, slot.field()),
            _ => (control::CALL_INDIRECT_ACC, 0),
        };
        self.charge_if_due();
        let cost = self.pay();
        let position = self.append(
            Family::Control.inst(0, variant),
            &[fields_x(base, slot, table), cost | u64::from(ty) << 32, 0],
        );
        self.note(position, 0);
        self.run.map_from = self.notes.len();
        self.after_call(position, params, callee.results());
    }

    /// Appends an op that the driver does.
    pub fn append_service(&mut self, service: Service, a: u64, x: u32, y: u32, cost: u64) -> u32 {
        self.append(Family::Service.inst(0, service as u16), &[fields_x(a, 0, x), cost, u64::from(y)])
    }

    /// An operator that the driver does: operands in slots, the result (if any) to the first one's.
    pub fn service(&mut self, service: Service, operands: usize, x: u32, y: u32, result: Option<ValType>) {
        self.settle_top(operands);
        self.free_accs();
        let base = self.stack.height().saturating_sub(operands);
        let a = self.slots.operand(base).field();
        self.charge_if_due();
        let cost = self.pay();
        let position = self.append_service(service, a, x, y, cost);
        self.note(position, 0);
        self.run.map_from = self.notes.len();
        self.stack.truncate(base);
        if let Some(ty) = result {
            self.push_own(ty);
        }
        self.run.handlers = 0;
        self.made(position, result.as_slice());
    }
}
