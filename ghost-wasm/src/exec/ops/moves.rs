//! Copies, constants, `select`, globals.

use super::super::num;
use super::super::regs::{A, F0, F1, F2, F3, Handler, I, Raw, Regs, S, W2, W2H, X, handler};
use super::super::view::Word;
use crate::exec::ctx::Ctx;

handler! {
    /// Slot to slot. Words: handler; d, a.
    fn copy [] (r) {
        let value = r.slot(r.half(F1));
        r.set_slot(r.half(F0), value);
        r.next(2)
    }
}

handler! {
    /// Two copies, the second after the first. Words: handler; d, a, d, a.
    fn copy_two [] (r) {
        let value = r.slot(r.half(F1));
        r.set_slot(r.half(F0), value);
        let value = r.slot(r.half(F3));
        r.set_slot(r.half(F2), value);
        r.next(2)
    }
}

handler! {
    /// Two i32 sums, the second after the first. Words: handler; d, a, d, a; imm32, imm32.
    fn add_two [] (r) {
        let value = num::i32_add(r.slot_low(r.half(F1)), r.quarter(W2));
        r.set_slot(r.half(F0), u64::from(value));
        let value = num::i32_add(r.slot_low(r.half(F3)), r.quarter(W2H));
        r.set_slot(r.half(F2), u64::from(value));
        r.acc = u64::from(value);
        r.next(3)
    }
}

handler! {
    /// A move and a move after it. Words: handler; d, a, d, a; imm32 of the first if it is a constant, of the second.
    fn move_two [const FIRST: u8, const SECOND: u8] (r) {
        let value = if FIRST == I { r.quarter(W2) as i32 as i64 as u64 } else { r.slot(r.half(F1)) };
        r.set_slot(r.half(F0), value);
        let value = if SECOND == I { r.quarter(W2H) as i32 as i64 as u64 } else { r.slot(r.half(F3)) };
        r.set_slot(r.half(F2), value);
        r.next(3)
    }
}

handler! {
    /// A constant that fits 32 bits, sign-extended. Words: handler; d, -, imm32.
    fn const32 [const D: u8] (r) {
        let value = r.get::<u64, I>(F1);
        r.put_only::<u64, D>(value);
        r.next(2)
    }
}

handler! {
    /// Any constant. Words: handler; d; bits.
    fn const64 [const D: u8] (r) {
        let value = r.word(2);
        r.put_only::<u64, D>(value);
        r.next(3)
    }
}

handler! {
    /// `count` slots to lower or equal ones, ascending. Words: handler; d, a, count.
    fn copy_range [] (r) {
        let (to, from, count) = (r.half(F0), r.half(F1), r.quarter(X) as usize);
        let mut at = 0;
        while at < count {
            let value = r.slot(from + at);
            r.set_slot(to + at, value);
            at += 1;
        }
        r.next(2)
    }
}

handler! {
    /// `d = c ? a : b`. Words: handler; d, a, b, c.
    fn select [const C: u8, const D: u8] (r) {
        let at = if r.get::<bool, C>(F3) { r.half(F1) } else { r.half(F2) };
        let value = r.slot(at);
        r.put_only::<u64, D>(value);
        r.next(2)
    }
}

handler! {
    /// `d = global`. Words: handler; d, -, index.
    fn global_get [const D: u8] (r) {
        let cell = r.global(r.quarter(X) as usize);
        // SAFETY: the cell of a global of the running instance (see `Regs::global`).
        let value = unsafe { *cell };
        r.put_only::<u64, D>(value);
        r.next(2)
    }
}

handler! {
    /// `global = a`. Words: handler; -, a, index; and if `a` is a constant, its bits.
    fn global_set [const K: u8] (r) {
        let cell = r.global(r.quarter(X) as usize);
        let value = if K == I { r.word(2) } else { r.get::<u64, K>(F1) };
        // SAFETY: the cell of a global of the running instance (see `Regs::global`).
        unsafe { *cell = value };
        r.next(if K == I { 3 } else { 2 })
    }
}

impl Regs {
    /// The cell of a global.
    #[inline(always)]
    fn global(mut self, index: usize) -> *mut u64 {
        let globals = self.cx().globals;
        // SAFETY: index < number of globals of the module (checked in valid/), and `globals` are the cells
        // of an instance of it.
        unsafe { *globals.add(index) }
    }
}

/// See [`crate::code::inst`].
pub const MOVES: [Handler; 20] = [
    copy,
    const32::<S>,
    const32::<A>,
    const64::<S>,
    const64::<A>,
    copy_range,
    select::<S, S>,
    select::<S, A>,
    select::<A, S>,
    select::<A, A>,
    global_get::<S>,
    global_get::<A>,
    global_set::<S>,
    global_set::<A>,
    global_set::<I>,
    copy_two,
    add_two,
    move_two::<S, I>,
    move_two::<I, S>,
    move_two::<I, I>,
];
