//! Ops that do the work of two or three: what follows each other often enough in compiled code to be worth
//! a handler. Each is the composition of functions that the single ops use.

use super::super::regs::{A, F0, F1, F2, F3, Handler, I, Num, Raw, Regs, S, Short, W2, X, handler};
use super::super::view::Word;
use super::int::{Binary, Compare, op};
use super::memory::{Cell, Extend};
use crate::exec::ctx::Ctx;
use crate::table::insts::{
    for_each_float_pair, for_each_int_compare, for_each_int_pair, for_each_load_branch,
    for_each_load_float_pair, for_each_test,
};

handler! {
    /// `d = (a first b) second c`. Words: handler; d, a, b, c; constants are 16 bits in their fields.
    fn pair [
        P: Binary<T: Short>, Q: Binary<T = P::T>, const L: u8, const R: u8, const C: u8, const D: u8,
    ] (r) {
        let first = P::eval(r.get::<P::T, L>(F1), r.get_short::<P::T, R>(F2));
        let value = Q::eval(first, r.get_short::<P::T, C>(F3));
        r.put::<P::T, D>(value);
        r.next(2)
    }
}

handler! {
    /// `d = (a first b) second c`, or with `c` on the left. Words: handler; d, a, b, c.
    fn float_pair [
        P: Binary, Q: Binary<T = P::T>, const L: u8, const C: u8, const SWAPPED: bool, const D: u8,
    ] (r) {
        let first = P::eval(r.get::<P::T, L>(F1), r.get::<P::T, S>(F2));
        let other = r.get::<P::T, C>(F3);
        let value = if SWAPPED { Q::eval(other, first) } else { Q::eval(first, other) };
        r.put::<P::T, D>(value);
        r.next(2)
    }
}

/// A type that a loop counts in.
pub trait Counter: Short {
    fn sum(self, step: Self) -> Self;
}
impl Counter for u32 {
    #[inline(always)]
    fn sum(self, step: u32) -> u32 {
        super::super::num::i32_add(self, step)
    }
}
impl Counter for u64 {
    #[inline(always)]
    fn sum(self, step: u64) -> u64 {
        super::super::num::i64_add(self, step)
    }
}

handler! {
    /// `d = a + step`, then jumps if `d op r`. Words: handler; d, a, step, r; cost taken, cost fall; target, due
    /// now. The charge comes before `d` is written: a failed one runs the op again.
    fn latch [O: Compare<T: Counter>, const STEP: u8, const R: u8] (r) {
        let value = r.get::<O::T, S>(F1).sum(r.get_short::<O::T, STEP>(F2));
        let jumps = O::eval(value, r.get_short::<O::T, R>(F3));
        r.keep_and_branch::<O::T, S>(value, jumps)
    }
}

handler! {
    /// Jumps if `(a op b) != 0` is `SENSE`. Words: handler; -, a, b (or imm32); cost taken, cost fall; target, due
    /// now.
    fn test [O: Binary<T: PartialEq + Default>, const L: u8, const R: u8, const SENSE: bool] (r) {
        let value = O::eval(r.get::<O::T, L>(F1), r.get::<O::T, R>(F2));
        if (value != O::T::default()) == SENSE { r.take() } else { r.fall() }
    }
}

handler! {
    /// Jumps if `memory[a + offset] op r`. Words: handler; a, r, offset; cost taken, cost fall; target, due now.
    fn load_branch [O: Compare<T: Extend<M> + Short>, M: Cell, const K: u8, const R: u8] (r) {
        let address = r.effective::<K>(F0, r.quarter(X));
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        let loaded = O::T::extend(r.load::<M>(address));
        if O::eval(loaded, r.get_short::<O::T, R>(F1)) { r.take() } else { r.fall() }
    }
}

handler! {
    /// As [`load_branch`], with `d = memory[a + offset]`. Words: handler; d, a, r, offset (16 bits); as there.
    fn load_branch_keep [O: Compare<T: Extend<M> + Short>, M: Cell, const K: u8, const R: u8] (r) {
        let address = r.effective::<K>(F1, r.half(F3) as u32);
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        let value = O::T::extend(r.load::<M>(address));
        let jumps = O::eval(value, r.get_short::<O::T, R>(F2));
        r.keep_and_branch::<O::T, K>(value, jumps)
    }
}

impl Regs {
    /// Branches, and writes `d` when the edge is paid. The accumulator has it at once, unless the op, which may run
    /// again, reads its operand of kind `K` there.
    #[inline(always)]
    fn keep_and_branch<T: Num, const K: u8>(mut self, value: T, jumps: bool) -> Raw {
        if K != A {
            value.set_acc(&mut self);
        }
        self.branch_with(jumps, |r| r.put::<T, S>(value))
    }
}

handler! {
    /// `d = (l first memory[a + offset]) second c`, or with `c` on the left. Words: handler; d, l, a, b; offset, c (16
    /// bits). `b` is the second part of the address if it is a sum.
    fn load_float_pair [
        P: Binary<T: Extend<P::T> + Cell>, Q: Binary<T = P::T>, const L: u8, const SUM: bool, const C: u8,
        const SWAPPED: bool, const D: u8,
    ] (r) {
        let offset = r.quarter(W2);
        let address =
            if SUM { r.effective_sum::<S>(F2, F3, offset) } else { r.effective::<S>(F2, offset) };
        if !r.inside(address, size_of::<P::T>()) {
            return r.out_of_bounds();
        }
        let first = P::eval(r.get::<P::T, L>(F1), r.load::<P::T>(address));
        let other = r.get::<P::T, C>(C_FIELD);
        let value = if SWAPPED { Q::eval(other, first) } else { Q::eval(first, other) };
        r.put::<P::T, D>(value);
        r.next(3)
    }
}

/// Position of the third half of word 2.
const C_FIELD: usize = 10;

handler! {
    /// `d = (l op r) ? a : b`. Words: handler; d, a, b, l; r or imm32.
    fn compare_select [O: Compare<T: Word32>, const L: u8, const R: u8, const D: u8] (r) {
        let right = match R {
            S => O::T::slot(&r, r.half(8)),
            A => O::T::acc(&r),
            _ => O::T::low(r.quarter(W2)),
        };
        let at = if O::eval(r.get::<O::T, L>(F3), right) { r.half(F1) } else { r.half(F2) };
        let value = r.slot(at);
        r.put_only::<u64, D>(value);
        r.next(3)
    }
}

/// An integer from the low half of a word, sign-extended.
pub trait Word32: Num {
    fn low(low: u32) -> Self;
}
impl Word32 for u32 {
    #[inline(always)]
    fn low(low: u32) -> u32 {
        low
    }
}
impl Word32 for u64 {
    #[inline(always)]
    fn low(low: u32) -> u64 {
        i64::from(low.cast_signed()).cast_unsigned()
    }
}

macro_rules! pair_table {
    ($($first:ident, $second:ident, $t:ty;)*) => {
        &[$([
            pair::<op::$first, op::$second, S, S, S, S>,
            pair::<op::$first, op::$second, S, S, S, A>,
            pair::<op::$first, op::$second, S, S, I, S>,
            pair::<op::$first, op::$second, S, S, I, A>,
            pair::<op::$first, op::$second, S, S, A, S>,
            pair::<op::$first, op::$second, S, S, A, A>,
            pair::<op::$first, op::$second, S, I, S, S>,
            pair::<op::$first, op::$second, S, I, S, A>,
            pair::<op::$first, op::$second, S, I, I, S>,
            pair::<op::$first, op::$second, S, I, I, A>,
            pair::<op::$first, op::$second, S, I, A, S>,
            pair::<op::$first, op::$second, S, I, A, A>,
            pair::<op::$first, op::$second, A, S, S, S>,
            pair::<op::$first, op::$second, A, S, S, A>,
            pair::<op::$first, op::$second, A, S, I, S>,
            pair::<op::$first, op::$second, A, S, I, A>,
            pair::<op::$first, op::$second, A, I, S, S>,
            pair::<op::$first, op::$second, A, I, S, A>,
            pair::<op::$first, op::$second, A, I, I, S>,
            pair::<op::$first, op::$second, A, I, I, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const PAIR: &[[Handler; 20]] = for_each_int_pair!(pair_table);

macro_rules! float_pair_table {
    ($($first:ident, $second:ident, $t:ty;)*) => {
        &[$([
            float_pair::<op::$first, op::$second, S, S, false, S>,
            float_pair::<op::$first, op::$second, S, S, false, A>,
            float_pair::<op::$first, op::$second, S, A, false, S>,
            float_pair::<op::$first, op::$second, S, A, false, A>,
            float_pair::<op::$first, op::$second, A, S, false, S>,
            float_pair::<op::$first, op::$second, A, S, false, A>,
            float_pair::<op::$first, op::$second, S, S, true, S>,
            float_pair::<op::$first, op::$second, S, S, true, A>,
            float_pair::<op::$first, op::$second, S, A, true, S>,
            float_pair::<op::$first, op::$second, S, A, true, A>,
            float_pair::<op::$first, op::$second, A, S, true, S>,
            float_pair::<op::$first, op::$second, A, S, true, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const FLOAT_PAIR: &[[Handler; 12]] = for_each_float_pair!(float_pair_table);

macro_rules! latch_table {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        &[$([
            latch::<op::$name, I, S>,
            latch::<op::$name, I, I>,
            latch::<op::$name, S, S>,
            latch::<op::$name, S, I>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const LATCH: &[[Handler; 4]] = for_each_int_compare!(latch_table);

macro_rules! test_table {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        &[$([
            test::<op::$name, S, S, true>,
            test::<op::$name, S, I, true>,
            test::<op::$name, A, S, true>,
            test::<op::$name, A, I, true>,
            test::<op::$name, S, S, false>,
            test::<op::$name, S, I, false>,
            test::<op::$name, A, S, false>,
            test::<op::$name, A, I, false>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const TEST: &[[Handler; 8]] = for_each_test!(test_table);

macro_rules! load_branch_table {
    ($($name:ident, $t:ty, $m:ty, $load:ident;)*) => {
        &[$([
            load_branch::<op::$name, $m, S, S>,
            load_branch::<op::$name, $m, S, I>,
            load_branch::<op::$name, $m, S, A>,
            load_branch::<op::$name, $m, A, S>,
            load_branch::<op::$name, $m, A, I>,
            load_branch_keep::<op::$name, $m, S, S>,
            load_branch_keep::<op::$name, $m, S, I>,
            load_branch_keep::<op::$name, $m, A, S>,
            load_branch_keep::<op::$name, $m, A, I>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const LOAD_BRANCH: &[[Handler; 9]] = for_each_load_branch!(load_branch_table);

macro_rules! compare_select_table {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        &[$([
            compare_select::<op::$name, S, S, S>,
            compare_select::<op::$name, S, S, A>,
            compare_select::<op::$name, S, A, S>,
            compare_select::<op::$name, S, A, A>,
            compare_select::<op::$name, S, I, S>,
            compare_select::<op::$name, S, I, A>,
            compare_select::<op::$name, A, I, S>,
            compare_select::<op::$name, A, I, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const COMPARE_SELECT: &[[Handler; 8]] = for_each_int_compare!(compare_select_table);

macro_rules! load_float_pair_table {
    ($($first:ident, $second:ident, $t:ty, $load:ident;)*) => {
        &[$([
            load_float_pair::<op::$first, op::$second, S, false, S, false, S>,
            load_float_pair::<op::$first, op::$second, S, false, S, false, A>,
            load_float_pair::<op::$first, op::$second, S, false, A, false, S>,
            load_float_pair::<op::$first, op::$second, S, false, A, false, A>,
            load_float_pair::<op::$first, op::$second, A, false, S, false, S>,
            load_float_pair::<op::$first, op::$second, A, false, S, false, A>,
            load_float_pair::<op::$first, op::$second, S, true, S, false, S>,
            load_float_pair::<op::$first, op::$second, S, true, S, false, A>,
            load_float_pair::<op::$first, op::$second, S, true, A, false, S>,
            load_float_pair::<op::$first, op::$second, S, true, A, false, A>,
            load_float_pair::<op::$first, op::$second, A, true, S, false, S>,
            load_float_pair::<op::$first, op::$second, A, true, S, false, A>,
            load_float_pair::<op::$first, op::$second, S, false, S, true, S>,
            load_float_pair::<op::$first, op::$second, S, false, S, true, A>,
            load_float_pair::<op::$first, op::$second, S, false, A, true, S>,
            load_float_pair::<op::$first, op::$second, S, false, A, true, A>,
            load_float_pair::<op::$first, op::$second, A, false, S, true, S>,
            load_float_pair::<op::$first, op::$second, A, false, S, true, A>,
            load_float_pair::<op::$first, op::$second, S, true, S, true, S>,
            load_float_pair::<op::$first, op::$second, S, true, S, true, A>,
            load_float_pair::<op::$first, op::$second, S, true, A, true, S>,
            load_float_pair::<op::$first, op::$second, S, true, A, true, A>,
            load_float_pair::<op::$first, op::$second, A, true, S, true, S>,
            load_float_pair::<op::$first, op::$second, A, true, S, true, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const LOAD_FLOAT_PAIR: &[[Handler; 24]] = for_each_load_float_pair!(load_float_pair_table);
