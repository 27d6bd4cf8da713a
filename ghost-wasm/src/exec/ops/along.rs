//! Branches and calls that take a move or a sum along: what compiled code does last before it loops or calls. What
//! is written is written when nothing can fail any more, because an op that leaves runs again; but a copy may be made
//! twice.

use super::super::num;
use super::super::regs::{F0, F1, F2, F3, Handler, I, Raw, Regs, S, Short, W2, handler};
use super::super::view::Word;
use super::int::{Compare, op};
use crate::exec::ctx::Ctx;
use crate::table::insts::{for_each_i32_compare, for_each_int_compare};

/// Halves of word 2.
const W2_HALVES: [usize; 4] = [8, 9, 10, 11];
/// Halves of word 3.
const W3_HALVES: [usize; 2] = [12, 13];

impl Regs {
    /// The field at half `at`, sign-extended.
    #[inline(always)]
    fn short(&self, at: usize) -> u32 {
        i32::from(self.half(at) as u16 as i16).cast_unsigned()
    }

    /// The signed bytes of the field at half `at`.
    #[inline(always)]
    fn bytes(&self, at: usize) -> [u32; 2] {
        (self.half(at) as u16).to_le_bytes().map(|byte| i32::from(byte.cast_signed()).cast_unsigned())
    }

    /// `slot = slot + step`.
    #[inline(always)]
    fn step(&mut self, slot: usize, step: u32) {
        let value = num::i32_add(self.slot_low(slot), step);
        self.set_slot(slot, u64::from(value));
    }
}

handler! {
    /// `d = a`, then `call`. Words: handler; base, -, the record in bytes; cost, d, a.
    fn call_copy [] (r) {
        if !r.pay(W2) {
            return r.out_of_slice();
        }
        let record = r.record();
        r.enter::<S>(record, 3, |r| {
            let value = r.slot(r.half(W2_HALVES[3]));
            r.set_slot(r.half(W2_HALVES[2]), value);
        })
    }
}

handler! {
    /// `d = a + step`, then `call`. Words: handler; base, step, the record in bytes; cost, d, a.
    fn call_add [] (r) {
        if !r.pay(W2) {
            return r.out_of_slice();
        }
        let record = r.record();
        r.enter::<S>(record, 3, |r| {
            let value = num::i32_add(r.slot_low(r.half(W2_HALVES[3])), r.short(F1));
            r.set_slot(r.half(W2_HALVES[2]), u64::from(value));
        })
    }
}

/// See [`crate::code::inst`].
pub const CALL_WITH: [Handler; 2] = [call_copy, call_add];

handler! {
    /// `d = a`, then `br`. Words: handler; d, a, ahead; cost, target.
    fn br_copy [] (r) {
        r.br_with(|r| {
            let value = r.slot(r.half(F1));
            r.set_slot(r.half(F0), value);
        })
    }
}

handler! {
    /// `d = d + step`, then `br`. Words: handler; d, step, ahead; cost, target.
    fn br_add [] (r) {
        r.br_with(|r| r.step(r.half(F0), r.short(F1)))
    }
}

handler! {
    /// `d = d + step`, `e = e + step`, then `br`. Words: handler; d, e, ahead; cost, target; the steps.
    fn br_add_two [] (r) {
        r.br_with(|r| {
            r.step(r.half(F0), r.short(W3_HALVES[0]));
            r.step(r.half(F1), r.short(W3_HALVES[1]));
        })
    }
}

/// See [`crate::code::inst`].
pub const BR_WITH: [Handler; 3] = [br_copy, br_add, br_add_two];

handler! {
    /// `d = a`, then jumps if `l op r`. Words: handler; d, l, r (or 16 bits), a; cost taken, cost fall; target, due
    /// now.
    fn copy_branch [O: Compare<T: Short>, const R: u8] (r) {
        let value = r.slot(r.half(F3));
        r.set_slot(r.half(F0), value);
        if O::eval(r.get::<O::T, S>(F1), r.get_short::<O::T, R>(F2)) { r.take() } else { r.fall() }
    }
}

macro_rules! copy_branch_table {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        &[$([copy_branch::<op::$name, S>, copy_branch::<op::$name, I>]),*]
    };
}
/// See [`crate::code::inst`].
pub const COPY_BRANCH: &[[Handler; 2]] = for_each_int_compare!(copy_branch_table);

handler! {
    /// `d = d + step`, `e = e + step`, then jumps if `e op r`; three different slots. Words: handler; d, e, r, steps of
    /// 8 bits; cost taken, cost fall; target, due now.
    fn latch_two [O: Compare<T = u32>] (r) {
        let [first, second] = r.bytes(F3);
        let d = num::i32_add(r.slot_low(r.half(F0)), first);
        let e = num::i32_add(r.slot_low(r.half(F1)), second);
        r.acc = u64::from(e);
        let jumps = O::eval(e, r.slot_low(r.half(F2)));
        r.branch_with(jumps, |r| {
            r.set_slot(r.half(F0), u64::from(d));
            r.set_slot(r.half(F1), u64::from(e));
        })
    }
}

macro_rules! latch_two_table {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        &[$([latch_two::<op::$name>]),*]
    };
}
/// See [`crate::code::inst`].
pub const LATCH_TWO: &[[Handler; 1]] = for_each_i32_compare!(latch_two_table);
