//! Tail calls: the callee takes the running function's place, its return record included.

use super::super::exits::slots_full;
use super::super::regs::{F1, Raw, Regs, W2, W3, handler};
use super::super::view::{CodeRecord, Word};
use super::control::call_elsewhere;
use crate::exec::ctx::{Ctx, Service};

handler! {
    /// `return_call` of a function of the same module. Words: handler; 0, first argument, the record in bytes; cost.
    fn return_call [] (r) {
        if !r.pay(W2) {
            return r.out_of_slice();
        }
        let record = r.record();
        let from = r.half(F1);
        r.replace(record, from)
    }
}

handler! {
    /// `return_call_indirect`. Words: handler; 0, index, table; cost, type; first argument.
    fn return_call_indirect [const K: u8] (r) {
        if !r.pay(W2) {
            return r.out_of_slice();
        }
        let func = match r.select_callee::<K>() {
            Ok((func, _)) => func,
            Err(trap) => return r.leave(trap),
        };
        if func.instance != r.cx().instance {
            return r.leave(call_elsewhere::<K, { Service::TailRef as u32 }>);
        }
        let from = r.quarter(W3) as usize;
        r.replace(func.record, from)
    }
}

impl Regs {
    /// Enters a function of the running instance in the running one's frame; its arguments are moved there
    /// from the slots `from` on.
    #[inline(always)]
    fn replace(mut self, record: *const CodeRecord, from: usize) -> Raw {
        // SAFETY: records of live instances are live (invariant of the context).
        let callee = unsafe { &*record };
        let end = self.fp.wrapping_add(callee.frame_slots as usize);
        let cx = self.cx();
        if end > cx.slots_end {
            cx.callee = record;
            return self.leave(slots_full);
        }
        // What is below the first declared local are the parameters.
        let count = usize::from(callee.zero_from);
        let mut at = 0;
        while at < count {
            let value = self.slot(from + at);
            // Ascending, to the same slot or a lower one. A volatile write, so that the loop is not turned into a call
            // of `memmove`.
            // SAFETY: parameters are below the callee's `frame_slots`, which lie in the stack, as checked.
            unsafe { self.fp.add(at).write_volatile(value) };
            at += 1;
        }
        callee.zero_locals(self.fp);
        Regs { ip: callee.code, ..self }.dispatch()
    }
}
