//! Two integer operators in one op with constants of 64 bits, which have words of their own: hashes, generators of
//! numbers, bytes of a word looked at together.

use super::super::regs::{A, F1, F2, Handler, I, Raw, Regs, S, handler};
use super::super::view::Word;
use super::int::{Binary, op};
use crate::exec::ctx::Ctx;
use crate::table::insts::{for_each_wide_both, for_each_wide_first, for_each_wide_second};

handler! {
    /// `d = (a first constant) second c`. Words: handler; d, a, c (or 16 bits); the constant.
    fn wide_first [P: Binary<T = u64>, Q: Binary<T = u64>, const L: u8, const C: u8, const D: u8] (r) {
        let first = P::eval(r.get::<u64, L>(F1), r.word(2));
        let value = Q::eval(first, r.get_short::<u64, C>(F2));
        r.put::<u64, D>(value);
        r.next(3)
    }
}

handler! {
    /// `d = (a first b) second constant`. Words: handler; d, a, b (or 16 bits); the constant.
    fn wide_second [P: Binary<T = u64>, Q: Binary<T = u64>, const L: u8, const R: u8, const D: u8] (r) {
        let first = P::eval(r.get::<u64, L>(F1), r.get_short::<u64, R>(F2));
        let value = Q::eval(first, r.word(2));
        r.put::<u64, D>(value);
        r.next(3)
    }
}

handler! {
    /// `d = (a first constant) second constant`. Words: handler; d, a; the constants.
    fn wide_both [P: Binary<T = u64>, Q: Binary<T = u64>, const L: u8, const D: u8] (r) {
        let value = Q::eval(P::eval(r.get::<u64, L>(F1), r.word(2)), r.word(3));
        r.put::<u64, D>(value);
        r.next(4)
    }
}

macro_rules! wide_first_table {
    ($($first:ident, $second:ident, $t:ty;)*) => {
        &[$([
            wide_first::<op::$first, op::$second, S, S, S>,
            wide_first::<op::$first, op::$second, S, S, A>,
            wide_first::<op::$first, op::$second, S, I, S>,
            wide_first::<op::$first, op::$second, S, I, A>,
            wide_first::<op::$first, op::$second, A, S, S>,
            wide_first::<op::$first, op::$second, A, S, A>,
            wide_first::<op::$first, op::$second, A, I, S>,
            wide_first::<op::$first, op::$second, A, I, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const WIDE_FIRST: &[[Handler; 8]] = for_each_wide_first!(wide_first_table);

macro_rules! wide_second_table {
    ($($first:ident, $second:ident, $t:ty;)*) => {
        &[$([
            wide_second::<op::$first, op::$second, S, S, S>,
            wide_second::<op::$first, op::$second, S, S, A>,
            wide_second::<op::$first, op::$second, S, I, S>,
            wide_second::<op::$first, op::$second, S, I, A>,
            wide_second::<op::$first, op::$second, A, S, S>,
            wide_second::<op::$first, op::$second, A, S, A>,
            wide_second::<op::$first, op::$second, A, I, S>,
            wide_second::<op::$first, op::$second, A, I, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const WIDE_SECOND: &[[Handler; 8]] = for_each_wide_second!(wide_second_table);

macro_rules! wide_both_table {
    ($($first:ident, $second:ident, $t:ty;)*) => {
        &[$([
            wide_both::<op::$first, op::$second, S, S>,
            wide_both::<op::$first, op::$second, S, A>,
            wide_both::<op::$first, op::$second, A, S>,
            wide_both::<op::$first, op::$second, A, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const WIDE_BOTH: &[[Handler; 4]] = for_each_wide_both!(wide_both_table);
