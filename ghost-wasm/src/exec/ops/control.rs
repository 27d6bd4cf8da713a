//! Branches, calls, returns.

use super::super::exits::{frames_full, slots_full};
use super::super::regs::{A, F0, F1, Handler, I, Raw, Regs, S, W2, W2H, W3, X, handler};
use super::super::stack::Frame;
use super::super::view::{CodeRecord, FuncView, Word};
use crate::exec::ctx::{Ctx, Exit, Service};
use crate::exec::exits::{charge_failed, serve, trap};
use crate::table::errors::TrapCode;

impl Regs {
    /// The edge of a conditional op that jumps. Words 2 and 3: cost taken, cost fall; target, due now.
    #[inline(always)]
    pub fn take(self) -> Raw {
        self.take_with(|_| {})
    }

    /// The edge of a conditional op that goes on.
    #[inline(always)]
    pub fn fall(self) -> Raw {
        self.fall_with(|_| {})
    }

    /// One of the two, for an op that writes something. That is done when the edge is paid: a charge that fails runs
    /// the op again, which must not see it.
    #[inline(always)]
    pub(super) fn branch_with(self, jumps: bool, write: impl FnOnce(&mut Regs)) -> Raw {
        if jumps { self.take_with(write) } else { self.fall_with(write) }
    }

    #[inline(always)]
    fn take_with(mut self, write: impl FnOnce(&mut Regs)) -> Raw {
        if !self.pay(W2) {
            return self.leave(charge_failed::<{ Exit::ChargeTaken as u64 }>);
        }
        write(&mut self);
        let target = self.quarter(W3);
        self.jump(target)
    }

    #[inline(always)]
    fn fall_with(mut self, write: impl FnOnce(&mut Regs)) -> Raw {
        if !self.pay(W2H) {
            return self.leave(charge_failed::<{ Exit::ChargeFall as u64 }>);
        }
        write(&mut self);
        self.next(4)
    }

    /// `br`, for an op that writes something when it has paid. Words: handler; -, ahead; cost, target.
    #[inline(always)]
    pub(super) fn br_with(mut self, write: impl FnOnce(&mut Regs)) -> Raw {
        if !self.pay(W2) {
            return self.out_of_slice();
        }
        write(&mut self);
        self.pay_ahead(self.quarter(X));
        let target = self.quarter(W2H);
        self.jump(target)
    }
}

handler! {
    /// `br`. Words: handler; -, ahead; cost, target.
    fn br [] (r) {
        r.br_with(|_| {})
    }
}

handler! {
    /// `br_table`. Words: handler; a, -, count; cost; then count + 1 words with a target each and what its edge
    /// pays ahead.
    fn br_table [const K: u8] (r) {
        if !r.pay(W2) {
            return r.out_of_slice();
        }
        let index = r.get::<u32, K>(F0);
        // A branch, not a minimum: the way from the index to the next op is what an interpreter that is interpreted
        // waits for, and a processor predicts this.
        if index >= r.quarter(X) {
            return r.leave(br_table_default);
        }
        r.by_table(index as usize)
    }
}

handler! {
    /// A `br_table` that has paid, and whose index is that of the default or above.
    #[inline(never)]
    fn br_table_default [] (r) {
        let last = r.quarter(X) as usize;
        r.by_table(last)
    }
}

impl Regs {
    /// Goes where a `br_table` has its target number `index`.
    #[inline(always)]
    fn by_table(mut self, index: usize) -> Raw {
        let entry = self.word(3 + index);
        self.pay_ahead((entry >> 32) as u32);
        self.jump(entry as u32)
    }
}

handler! {
    /// `call` of a function of the same module. Words: handler; base, -, the record in bytes; cost.
    fn call [] (r) {
        if !r.pay(W2) {
            return r.out_of_slice();
        }
        let record = r.record();
        r.enter::<S>(record, 3, |_| {})
    }
}

handler! {
    /// `call_indirect`. Words: handler; base, index, table; cost, type.
    fn call_indirect [const K: u8] (r) {
        if !r.pay(W2) {
            return r.out_of_slice();
        }
        let func = match r.select_callee::<K>() {
            Ok((func, _)) => func,
            Err(trap) => return r.leave(trap),
        };
        if func.instance != r.cx().instance {
            return r.leave(call_elsewhere::<K, { Service::CallRef as u32 }>);
        }
        r.enter::<K>(func.record, 4, |_| {})
    }
}

handler! {
    /// An indirect call, already charged, of a function that is not of the running instance: work for the driver.
    #[cold]
    #[inline(never)]
    fn call_elsewhere [const K: u8, const SERVICE: u32] (r) {
        // Selected once more: the way that is taken often need not keep the reference.
        match r.select_callee::<K>() {
            Ok((_, reference)) => {
                r.cx().payload = u64::from(reference - 1);
                r.leave(serve::<SERVICE>)
            }
            Err(trap) => r.leave(trap),
        }
    }
}

impl Regs {
    /// The function that an indirect call selects, with its reference; or the trap to leave with. Words of the
    /// op: handler; -, index, table; -, type.
    #[inline(always)]
    pub(super) fn select_callee<const K: u8>(&mut self) -> Result<(FuncView, u32), Handler> {
        let index = u64::from(self.get::<u32, K>(F1));
        let table = self.quarter(X) as usize;
        // SAFETY: the table's index is below the module's number of tables (checked in valid/), and views
        // are live (invariant of the context).
        let table = unsafe { &**self.cx().tables.add(table) };
        if index >= table.len.get() {
            return Err(trap::<{ TrapCode::UndefinedElement as u8 }>);
        }
        // SAFETY: below the length that belongs to the base.
        let reference = unsafe { *table.base.get().add(index as usize) };
        if reference == 0 {
            return Err(trap::<{ TrapCode::IndirectCallToNull as u8 }>);
        }
        let ty = self.quarter(W2H) as usize;
        // SAFETY: the type's index is below the module's number of types (checked in valid/).
        let type_id = unsafe { *self.cx().type_ids.add(ty) };
        // SAFETY: a non-null reference is the index + 1 of a function of the store.
        let func = unsafe { *self.cx().funcs.add(reference as usize - 1) };
        if func.type_id != type_id {
            return Err(trap::<{ TrapCode::BadSignature as u8 }>);
        }
        Ok((func, reference))
    }

    /// The record that a call names by its distance in bytes from the first one.
    #[inline(always)]
    pub(super) fn record(&mut self) -> *const CodeRecord {
        let bytes = self.quarter(X) as usize;
        self.cx().records.wrapping_byte_add(bytes)
    }

    /// Enters a function of the running instance; its arguments start at the slot in the first field; it
    /// returns to the op `words` further on. Where its frame does not fit, the op will run again: `K` says whether it
    /// reads the accumulator; `at_last` is done when the frame has its place.
    #[inline(always)]
    pub(super) fn enter<const K: u8>(
        mut self,
        record: *const CodeRecord,
        words: usize,
        at_last: impl FnOnce(&mut Regs),
    ) -> Raw {
        // SAFETY: records of live instances are live (invariant of the context).
        let callee = unsafe { &*record };
        let fp = self.fp.wrapping_add(self.half(F0));
        let slots = callee.frame_slots as usize;
        let end = fp.wrapping_add(slots);
        if K != A {
            // Nothing is in the accumulator, so its register is free for what follows; what is left in it is the same
            // everywhere.
            self.acc = slots as u64;
        }
        let frame = Frame { ip: self.ip.wrapping_add(words), fp: self.fp };
        let cx = self.cx();
        if end > cx.slots_end {
            cx.callee = record;
            return self.leave(slots_full);
        }
        if cx.frames_top == cx.frames_end {
            cx.callee = record;
            return self.leave(frames_full);
        }
        // SAFETY: below the end of the return stack, as just checked.
        unsafe { *cx.frames_top = frame };
        cx.frames_top = cx.frames_top.wrapping_add(1);
        at_last(&mut self);
        callee.zero_locals(fp);
        Regs { ip: callee.code, fp, ..self }.dispatch()
    }

    /// Pops a return record and goes on there.
    #[inline(always)]
    fn back(mut self) -> Raw {
        let cx = self.cx();
        cx.frames_top = cx.frames_top.wrapping_sub(1);
        // SAFETY: every activation has pushed a record, and only its return pops it.
        let frame = unsafe { *cx.frames_top };
        Regs { ip: frame.ip, fp: frame.fp, ..self }.dispatch()
    }
}

impl CodeRecord {
    /// Zeroes the declared locals in the frame that begins at `fp`, of which the caller has checked that it lies in
    /// the stack.
    #[inline(always)]
    pub(super) fn zero_locals(&self, fp: *mut u64) {
        let count = usize::from(self.zero_count);
        if count == 0 {
            return;
        }
        let mut local = fp.wrapping_add(usize::from(self.zero_from));
        let after = local.wrapping_add(count);
        while local < after {
            // A volatile write, so that the loop is not turned into a call of `memset`.
            // SAFETY: locals are below `frame_slots`, which lie in the stack, as the caller has checked.
            unsafe { local.write_volatile(0) };
            local = local.wrapping_add(1);
        }
    }
}

handler! {
    /// `return` without results. Words: handler; -; cost.
    fn return_none [] (r) {
        if r.pay(W2) { r.back() } else { r.out_of_slice() }
    }
}

handler! {
    /// `return` of one result. Words: handler; -, a (or imm32); cost.
    fn return_one [const K: u8] (r) {
        if !r.pay(W2) {
            return r.out_of_slice();
        }
        let value = r.get::<u64, K>(F1);
        r.set_slot(0, value);
        // The caller may take it from either accumulator, whatever its type.
        r.acc = value;
        if K != A {
            r.facc = f64::from_bits(value);
        }
        r.back()
    }
}

handler! {
    /// `return` of one result that is in the float accumulator, as 64 bits (an f32 in the low half).
    fn return_float [] (r) {
        if !r.pay(W2) {
            return r.out_of_slice();
        }
        let value = r.facc.to_bits();
        r.set_slot(0, value);
        r.back()
    }
}

handler! {
    /// `return` of several results. Words: handler; a, -, count; cost.
    fn return_many [] (r) {
        if !r.pay(W2) {
            return r.out_of_slice();
        }
        let (from, count) = (r.half(F0), r.quarter(X) as usize);
        let mut at = 0;
        while at < count {
            let value = r.slot(from + at);
            r.set_slot(at, value);
            at += 1;
        }
        r.back()
    }
}

/// See [`crate::code::inst`].
pub const CONTROL: [Handler; 17] = [
    super::super::exits::unreachable,
    super::super::exits::charge,
    br,
    br_table::<S>,
    br_table::<A>,
    call,
    call_indirect::<S>,
    call_indirect::<A>,
    return_none,
    return_one::<S>,
    return_one::<A>,
    return_one::<I>,
    return_float,
    return_many,
    super::tail::return_call,
    super::tail::return_call_indirect::<S>,
    super::tail::return_call_indirect::<A>,
];
