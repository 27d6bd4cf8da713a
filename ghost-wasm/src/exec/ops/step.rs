//! Loads and stores with the step of a pointer or a counter: `x = *++p`, `x = *p++`, `*p++ = x`. The operand words are
//! those of the two ops that each stands for.

use super::super::regs::{A, F0, F1, Handler, Num, Raw, Regs, S, W2H, X, handler};
use super::super::view::Word;
use super::fused::{Counter, Word32};
use super::memory::{Cell, Extend, Narrow};
use crate::exec::ctx::Ctx;
use crate::table::insts::{for_each_load, for_each_store};

/// Fields of word 2: where the sum goes, and of what.
const TO: usize = 8;
const FROM: usize = 9;

impl Regs {
    /// `e = b + step`; the sum.
    #[inline(always)]
    fn step_of<C: Counter + Word32>(&mut self) -> C {
        let sum = C::slot(self, self.half(FROM)).sum(C::low(self.quarter(W2H)));
        let to = self.half(TO);
        sum.set_slot(self, to);
        sum
    }
}

handler! {
    /// `e = b + step`, then `d = memory[a + offset]`. Words: handler; d, a, offset; e, b, step.
    fn step_load [T: Extend<M>, M: Cell, C: Counter + Word32, const D: u8] (r) {
        r.step_of::<C>();
        let address = r.effective::<S>(F1, r.quarter(X));
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        let value = T::extend(r.load::<M>(address));
        r.put::<T, D>(value);
        r.next(3)
    }
}

handler! {
    /// `e = b + step`, then `d = memory[e + offset]`. Words as there.
    fn step_load_there [T: Extend<M>, M: Cell, const D: u8] (r) {
        let address = u64::from(r.step_of::<u32>()) + u64::from(r.quarter(X));
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        let value = T::extend(r.load::<M>(address));
        r.put::<T, D>(value);
        r.next(3)
    }
}

handler! {
    /// `d = memory[a + offset]`, then `e = b + step`. Words as there.
    fn load_step [T: Extend<M>, M: Cell, C: Counter + Word32] (r) {
        let address = r.effective::<S>(F1, r.quarter(X));
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        let (value, to) = (T::extend(r.load::<M>(address)), r.half(F0));
        value.set_slot(&mut r, to);
        r.step_of::<C>().set_acc(&mut r);
        r.next(3)
    }
}

handler! {
    /// `memory[a + offset] = v`, then `e = b + step`. Words: handler; a, v, offset; e, b, step.
    fn store_step [T: Narrow<M>, M: Cell, const V: u8] (r) {
        let address = r.effective::<S>(F0, r.quarter(X));
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        r.store(address, r.get::<T, V>(F1).narrow());
        r.step_of::<u32>().set_acc(&mut r);
        r.next(3)
    }
}

macro_rules! load_step_table {
    ($($name:ident, $t:ty, $m:ty;)*) => {
        &[$([
            step_load::<$t, $m, u32, S>,
            step_load::<$t, $m, u32, A>,
            step_load_there::<$t, $m, S>,
            step_load_there::<$t, $m, A>,
            step_load::<$t, $m, u64, S>,
            step_load::<$t, $m, u64, A>,
            load_step::<$t, $m, u32>,
            load_step::<$t, $m, u64>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const LOAD_STEP: &[[Handler; 8]] = for_each_load!(load_step_table);

macro_rules! store_step_table {
    ($($name:ident, $t:ty, $m:ty;)*) => {
        &[$([store_step::<$t, $m, S>, store_step::<$t, $m, A>]),*]
    };
}
/// See [`crate::code::inst`].
pub const STORE_STEP: &[[Handler; 2]] = for_each_store!(store_step_table);
