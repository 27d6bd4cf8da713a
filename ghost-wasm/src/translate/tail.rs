//! Tail calls: ops that end a run and the body's reachable code. The arguments are put in their own slots; the op
//! moves them to the frame's start, where its own function's parameters are no longer needed.

use super::Translator;
use super::emit::{Operand, fields_x};
use crate::code::inst::{Family, control};
use crate::code::record::record_bytes;
use crate::exec::ctx::Service;
use crate::table::gas::GasClass;
use crate::valid::env::ModuleEnv;

impl Translator {
    /// `return_call`.
    pub fn return_call(&mut self, env: &ModuleEnv, func: u32) {
        let Some(ty) = env.func_type(func) else { return };
        let params = ty.params().len();
        self.owe_with_values(GasClass::Call, params);
        let (from, cost) = self.pay_tail(params);
        let position = match func.checked_sub(env.imported_funcs) {
            Some(defined) => {
                let inst = Family::Control.inst(0, control::RETURN_CALL);
                self.append(inst, &[fields_x(0, from, record_bytes(defined)), cost])
            }
            None => self.append_service(Service::TailImport, 0, func, from as u32, cost),
        };
        self.end_tail(position);
    }

    /// `return_call_indirect`.
    pub fn return_call_indirect(&mut self, env: &ModuleEnv, ty: u32, table: u32) {
        let Some(callee) = env.types.get(ty as usize) else { return };
        let params = callee.params().len();
        self.owe_with_values(GasClass::CallIndirect, params);
        let index = self.pop();
        let index = self.condition(index);
        let (from, cost) = self.pay_tail(params);
        let (variant, slot) = match index {
            Operand::Slot(slot) => (control::RETURN_CALL_INDIRECT_SLOT, slot.field()),
            _ => (control::RETURN_CALL_INDIRECT_ACC, 0),
        };
        let words = [fields_x(0, slot, table), cost | u64::from(ty) << 32, from];
        let position = self.append(Family::Control.inst(0, variant), &words);
        self.end_tail(position);
    }

    /// Puts the arguments in their slots and pays; where they start, and the cost.
    fn pay_tail(&mut self, params: usize) -> (u64, u64) {
        self.settle_top(params);
        let from = self.slots.operand(self.stack.height().saturating_sub(params)).field();
        self.charge_if_due();
        (from, self.pay())
    }

    fn end_tail(&mut self, position: u32) {
        self.note(position, 0);
        self.run.map_from = self.notes.len();
        self.end_reachable();
    }
}
