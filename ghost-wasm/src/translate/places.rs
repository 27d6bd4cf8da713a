//! Reads and writes of globals and locals.

use super::Translator;
use super::emit::{Operand, Popped, fields_x};
use super::fuse::is_step;
use crate::code::inst::{Family, moves};
use crate::types::ValType;
use crate::valid::env::ModuleEnv;

impl Translator {
    pub fn global_get(&mut self, env: &ModuleEnv, global: u32) {
        let ty = env.globals.get(global as usize).map_or(ValType::I32, |global| global.content);
        let at = Popped::new(Operand::Const(0), ty, self.stack.height());
        self.slots.reach(self.stack.height() + 1);
        self.produce_int(Family::Moves.inst(0, moves::GLOBAL_GET), &[fields_x(0, 0, global)], at);
    }

    pub fn global_set(&mut self, global: u32) {
        let popped = self.pop();
        match popped.operand() {
            Operand::Const(value) => {
                let inst = Family::Moves.inst(0, moves::GLOBAL_SET_CONST);
                self.emit(inst, &[fields_x(0, 0, global), value]);
            }
            Operand::Acc(_) => {
                let inst = Family::Moves.inst(0, moves::GLOBAL_SET_ACC);
                self.emit(inst, &[fields_x(0, 0, global)]);
            }
            _ => {
                let slot = self.in_slot(popped);
                let inst = Family::Moves.inst(0, moves::GLOBAL_SET_SLOT);
                self.emit(inst, &[fields_x(0, slot.field(), global)]);
            }
        }
    }

    /// `local.set`.
    #[inline(never)]
    pub fn take_local(&mut self, local: u32) {
        let popped = self.pop();
        self.set_local(local, popped);
    }

    /// Puts a value into a local. The op that made the value writes the local itself, if it is the last one and nobody
    /// waits to read the local's old value.
    #[inline(always)]
    fn set_local(&mut self, local: u32, popped: Popped) {
        let to = self.slots.local(local);
        match popped.operand() {
            Operand::Acc(position) | Operand::FloatAcc(position)
                if self.last.is(position) && self.stack.reader(local) == super::stack::NONE =>
            {
                if is_step(self.redirect(position, to)) {
                    self.fuse_step(position);
                }
            }
            Operand::Const(value) => {
                self.preserve(local);
                self.emit_const(to, value);
            }
            Operand::Slot(slot) if slot == to => {}
            Operand::Slot(slot)
                if slot == self.slots.operand(popped.height())
                    && self.stack.reader(local) == super::stack::NONE
                    && self.redirect_low(slot, to) => {}
            _ => {
                let slot = self.in_slot(popped);
                self.preserve(local);
                self.emit_copy(to, slot);
            }
        }
    }

    /// `local.tee`: as `local.set`, and the value stays.
    #[inline(never)]
    pub fn tee_local(&mut self, local: u32) {
        let popped = self.pop();
        self.set_local(local, popped);
        match popped.operand() {
            Operand::Const(value) => self.push_const(value, popped.ty()),
            _ => self.push_local(local, popped.ty()),
        }
    }
}
