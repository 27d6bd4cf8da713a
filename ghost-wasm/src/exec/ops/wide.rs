//! Wide arithmetic: two results, the low half to a slot, the high half to a slot or the accumulator.

use super::super::regs::{A, F1, F2, F3, Handler, I, Raw, Regs, S, handler};
use super::super::view::Word;
use crate::exec::ctx::Ctx;
use crate::exec::num;
use crate::table::insts::{for_each_mul_wide, for_each_sum128};

/// The first half of word 2.
const F4: usize = 8;
/// The second one.
const F5: usize = 9;
/// The third one.
const F6: usize = 10;

/// What an operator on integers of 128 bits computes.
pub trait Sum {
    /// Of the halves, the low one first.
    fn of(a: (u64, u64), b: (u64, u64)) -> (u64, u64);
}

/// What an operator computes that makes an integer of 128 bits of two of 64.
pub trait Product {
    /// The low half first.
    fn of(a: u64, b: u64) -> (u64, u64);
}

/// The operators, as types.
mod op {
    use super::{Product, Sum, for_each_mul_wide, for_each_sum128, num};

    macro_rules! sums {
        ($($name:ident, $t:ty, $f:ident;)*) => {$(
            pub struct $name;
            impl Sum for $name {
                #[inline(always)]
                fn of(a: ($t, $t), b: ($t, $t)) -> ($t, $t) {
                    num::$f(a, b)
                }
            }
        )*};
    }
    for_each_sum128!(sums);

    macro_rules! products {
        ($($name:ident, $t:ty, $f:ident;)*) => {$(
            pub struct $name;
            impl Product for $name {
                #[inline(always)]
                fn of(a: $t, b: $t) -> ($t, $t) {
                    num::$f(a, b)
                }
            }
        )*};
    }
    for_each_mul_wide!(products);
}

impl Regs {
    /// A high half: a slot, or a constant of 16 bits, sign-extended.
    #[inline(always)]
    fn high<const K: u8>(&self, at: usize) -> u64 {
        if K == I { self.half(at) as i16 as u64 } else { self.slot(self.half(at)) }
    }
}

handler! {
    /// `dl:dh = al:ah op bl:bh`. Words: handler; dh, al, ah, bl; bh, dl, and for a constant `ah` its place. The
    /// low half is written last: if both go to one local, it is the one that stays.
    fn sum [O: Sum, const L: u8, const R: u8, const D: u8] (r) {
        let a = (r.slot(r.half(F1)), r.high::<L>(if L == I { F6 } else { F2 }));
        let b = (r.slot(r.half(F3)), r.high::<R>(F4));
        let (low, high) = O::of(a, b);
        r.put::<u64, D>(high);
        r.set_slot(r.half(F5), low);
        r.next(3)
    }
}

handler! {
    /// `dl:dh = a op b`. Words: handler; dh, a, b, dl. The low half is written last.
    fn product [O: Product, const D: u8] (r) {
        let (low, high) = O::of(r.slot(r.half(F1)), r.slot(r.half(F2)));
        r.put::<u64, D>(high);
        r.set_slot(r.half(F3), low);
        r.next(2)
    }
}

macro_rules! sum_table {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        &[$([
            sum::<op::$name, S, S, S>,
            sum::<op::$name, S, S, A>,
            sum::<op::$name, S, I, S>,
            sum::<op::$name, S, I, A>,
            sum::<op::$name, I, I, S>,
            sum::<op::$name, I, I, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const SUM: &[[Handler; 6]] = for_each_sum128!(sum_table);

macro_rules! product_table {
    ($($name:ident, $t:ty, $f:ident;)*) => { &[$([product::<op::$name, S>, product::<op::$name, A>]),*] };
}
/// See [`crate::code::inst`].
pub const PRODUCT: &[[Handler; 2]] = for_each_mul_wide!(product_table);
