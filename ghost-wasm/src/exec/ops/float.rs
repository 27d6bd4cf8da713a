//! Float arithmetic and comparisons.

use super::super::num;
use super::super::regs::{A, F1, F2, Handler, I, Raw, Regs, S, handler};
use super::super::view::Word;
use super::int::{Binary, Compare, impl_binary, impl_compare, op, seven_by_two};
use crate::exec::ctx::Ctx;
use crate::table::insts::{for_each_float_binary, for_each_float_compare};

for_each_float_binary!(impl_binary);
for_each_float_compare!(impl_compare);

handler! {
    /// `d = l op r`. Words: handler; d, l, r; and if one is in the code, its bits.
    fn binary [O: Binary, const L: u8, const R: u8, const D: u8] (r) {
        let value = O::eval(r.get::<O::T, L>(F1), r.get::<O::T, R>(F2));
        r.put::<O::T, D>(value);
        r.next(if L == I || R == I { 3 } else { 2 })
    }
}

handler! {
    /// `d = l op r` as 0 or 1.
    fn compare [O: Compare, const L: u8, const R: u8, const D: u8] (r) {
        let value = O::eval(r.get::<O::T, L>(F1), r.get::<O::T, R>(F2));
        r.put::<bool, D>(value);
        r.next(if R == I { 3 } else { 2 })
    }
}

handler! {
    /// Jumps if `l op r` is `SENSE`. Words as for integer comparisons.
    fn branch_compare [O: Compare, const L: u8, const R: u8, const SENSE: bool] (r) {
        if O::eval(r.get::<O::T, L>(F1), r.get::<O::T, R>(F2)) == SENSE { r.take() } else { r.fall() }
    }
}

macro_rules! binary_table {
    ($($name:ident, $t:ty, $f:ident;)*) => { &[$(seven_by_two!(binary, $name)),*] };
}
/// See [`crate::code::inst`].
pub const BINARY: &[[Handler; 14]] = for_each_float_binary!(binary_table);

macro_rules! compare_table {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        &[$([
            compare::<op::$name, S, S, S>,
            compare::<op::$name, S, S, A>,
            compare::<op::$name, S, A, S>,
            compare::<op::$name, S, A, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const COMPARE: &[[Handler; 4]] = for_each_float_compare!(compare_table);

macro_rules! branch_table {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        &[$([
            branch_compare::<op::$name, S, S, true>,
            branch_compare::<op::$name, S, S, false>,
            branch_compare::<op::$name, S, A, true>,
            branch_compare::<op::$name, S, A, false>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const BRANCH: &[[Handler; 4]] = for_each_float_compare!(branch_table);
