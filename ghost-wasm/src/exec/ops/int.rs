//! Integer arithmetic, comparisons, compare and branch, operators of one operand.

use super::super::num::{self, NumTrap};
use super::super::regs::{A, F1, F2, Handler, I, Num, Raw, Regs, S, handler};
use super::super::view::Word;
use crate::exec::ctx::Ctx;
use crate::table::errors::TrapCode;
use crate::table::insts::{
    for_each_int_binary, for_each_int_compare, for_each_int_division, for_each_unary,
    for_each_unary_trapping, for_each_wide_binary,
};

/// An operator of two operands.
pub trait Binary {
    type T: Num;
    fn eval(a: Self::T, b: Self::T) -> Self::T;
}

/// An operator of two operands that can trap.
pub trait Division {
    type T: Num;
    fn eval(a: Self::T, b: Self::T) -> Result<Self::T, NumTrap>;
}

/// A comparison.
pub trait Compare {
    type T: Num;
    fn eval(a: Self::T, b: Self::T) -> bool;
}

/// An operator of one operand.
pub trait Unary {
    type T: Num;
    type R: Num;
    fn eval(a: Self::T) -> Self::R;
}

/// An operator of one operand that can trap.
pub trait UnaryTrapping {
    type T: Num;
    type R: Num;
    fn eval(a: Self::T) -> Result<Self::R, NumTrap>;
}

/// Marker types, named as the operators.
pub mod op {
    macro_rules! markers {
        ($($name:ident, $t:ty, $f:ident;)*) => { $(pub struct $name;)* };
    }
    macro_rules! unary_markers {
        ($($name:ident, $t:ty, $r:ty, $f:ident;)*) => { $(pub struct $name;)* };
    }
    crate::table::insts::for_each_int_binary!(markers);
    crate::table::insts::for_each_int_division!(markers);
    crate::table::insts::for_each_int_compare!(markers);
    crate::table::insts::for_each_float_binary!(markers);
    crate::table::insts::for_each_float_compare!(markers);
    crate::table::insts::for_each_unary!(unary_markers);
    crate::table::insts::for_each_unary_trapping!(unary_markers);
}

/// Implements `Binary` for each row.
macro_rules! impl_binary {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        $(impl Binary for op::$name {
            type T = $t;
            #[inline(always)]
            fn eval(a: $t, b: $t) -> $t {
                num::$f(a, b)
            }
        })*
    };
}
pub(super) use impl_binary;
for_each_int_binary!(impl_binary);

macro_rules! impl_division {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        $(impl Division for op::$name {
            type T = $t;
            #[inline(always)]
            fn eval(a: $t, b: $t) -> Result<$t, NumTrap> {
                num::$f(a, b)
            }
        })*
    };
}
for_each_int_division!(impl_division);

/// Implements `Compare` for each row.
macro_rules! impl_compare {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        $(impl Compare for op::$name {
            type T = $t;
            #[inline(always)]
            fn eval(a: $t, b: $t) -> bool {
                num::$f(a, b)
            }
        })*
    };
}
pub(super) use impl_compare;
for_each_int_compare!(impl_compare);

macro_rules! impl_unary {
    ($($name:ident, $t:ty, $r:ty, $f:ident;)*) => {
        $(impl Unary for op::$name {
            type T = $t;
            type R = $r;
            #[inline(always)]
            fn eval(a: $t) -> $r {
                num::$f(a)
            }
        })*
    };
}
for_each_unary!(impl_unary);

macro_rules! impl_unary_trapping {
    ($($name:ident, $t:ty, $r:ty, $f:ident;)*) => {
        $(impl UnaryTrapping for op::$name {
            type T = $t;
            type R = $r;
            #[inline(always)]
            fn eval(a: $t) -> Result<$r, NumTrap> {
                num::$f(a)
            }
        })*
    };
}
for_each_unary_trapping!(impl_unary_trapping);

/// The field of the right operand: the third, or the second where the left one is in the code.
const fn right_field(l: u8) -> usize {
    if l == I { F1 } else { F2 }
}

handler! {
    /// `d = l op r`. Words: handler; d, l, r — or d, slot, imm32.
    fn binary [O: Binary, const L: u8, const R: u8, const D: u8] (r) {
        let value = O::eval(r.get::<O::T, L>(F1), r.get::<O::T, R>(right_field(L)));
        r.put::<O::T, D>(value);
        r.next(2)
    }
}

handler! {
    /// `d = a op constant`. Words: handler; d, a; the constant.
    fn wide [O: Binary<T = u64>, const K: u8, const D: u8] (r) {
        let value = O::eval(r.get::<u64, K>(F1), r.word(2));
        r.put::<u64, D>(value);
        r.next(3)
    }
}

handler! {
    /// `d = l op r`, or a trap.
    fn division [O: Division, const L: u8, const R: u8, const D: u8] (r) {
        match O::eval(r.get::<O::T, L>(F1), r.get::<O::T, R>(right_field(L))) {
            Ok(value) => {
                r.put::<O::T, D>(value);
                r.next(2)
            }
            Err(why) => r.num_trap(why),
        }
    }
}

handler! {
    /// `d = l op r` as 0 or 1.
    fn compare [O: Compare, const L: u8, const R: u8, const D: u8] (r) {
        let value = O::eval(r.get::<O::T, L>(F1), r.get::<O::T, R>(F2));
        r.put::<bool, D>(value);
        r.next(2)
    }
}

handler! {
    /// Jumps if `l op r`. Words: handler; -, l, r (or imm32); cost taken, cost fall; target, due now.
    fn branch_compare [O: Compare, const L: u8, const R: u8] (r) {
        if O::eval(r.get::<O::T, L>(F1), r.get::<O::T, R>(F2)) { r.take() } else { r.fall() }
    }
}

handler! {
    /// `d = op a`. Words: handler; d, a.
    fn unary [O: Unary, const K: u8, const D: u8] (r) {
        let value = O::eval(r.get::<O::T, K>(F1));
        r.put::<O::R, D>(value);
        r.next(2)
    }
}

handler! {
    /// `d = op a`, or a trap.
    fn unary_trapping [O: UnaryTrapping, const K: u8, const D: u8] (r) {
        match O::eval(r.get::<O::T, K>(F1)) {
            Ok(value) => {
                r.put::<O::R, D>(value);
                r.next(2)
            }
            Err(why) => r.num_trap(why),
        }
    }
}

impl Regs {
    /// The trap of a numeric operator.
    #[inline(always)]
    pub fn num_trap(self, why: NumTrap) -> Raw {
        match why {
            NumTrap::DivisionByZero => self.trap::<{ TrapCode::IntegerDivisionByZero as u8 }>(),
            NumTrap::IntegerOverflow => self.trap::<{ TrapCode::IntegerOverflow as u8 }>(),
            NumTrap::BadConversion => self.trap::<{ TrapCode::BadConversionToInteger as u8 }>(),
        }
    }
}

/// Seven kinds of operand pairs, each with the result in a slot or an accumulator.
macro_rules! seven_by_two {
    ($handler:ident, $name:ident) => {
        [
            $handler::<op::$name, S, S, S>,
            $handler::<op::$name, S, S, A>,
            $handler::<op::$name, S, A, S>,
            $handler::<op::$name, S, A, A>,
            $handler::<op::$name, A, S, S>,
            $handler::<op::$name, A, S, A>,
            $handler::<op::$name, S, I, S>,
            $handler::<op::$name, S, I, A>,
            $handler::<op::$name, A, I, S>,
            $handler::<op::$name, A, I, A>,
            $handler::<op::$name, I, S, S>,
            $handler::<op::$name, I, S, A>,
            $handler::<op::$name, I, A, S>,
            $handler::<op::$name, I, A, A>,
        ]
    };
}
pub(super) use seven_by_two;

macro_rules! binary_table {
    ($($name:ident, $t:ty, $f:ident;)*) => { &[$(seven_by_two!(binary, $name)),*] };
}
/// See [`crate::code::inst`].
pub const BINARY: &[[Handler; 14]] = for_each_int_binary!(binary_table);

macro_rules! wide_table {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        &[$([
            wide::<op::$name, S, S>,
            wide::<op::$name, S, A>,
            wide::<op::$name, A, S>,
            wide::<op::$name, A, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const WIDE: &[[Handler; 4]] = for_each_wide_binary!(wide_table);

macro_rules! division_table {
    ($($name:ident, $t:ty, $f:ident;)*) => { &[$(seven_by_two!(division, $name)),*] };
}
/// See [`crate::code::inst`].
pub const DIVISION: &[[Handler; 14]] = for_each_int_division!(division_table);

macro_rules! compare_table {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        &[$([
            compare::<op::$name, S, S, S>,
            compare::<op::$name, S, S, A>,
            compare::<op::$name, S, A, S>,
            compare::<op::$name, S, A, A>,
            compare::<op::$name, S, I, S>,
            compare::<op::$name, S, I, A>,
            compare::<op::$name, A, I, S>,
            compare::<op::$name, A, I, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const COMPARE: &[[Handler; 8]] = for_each_int_compare!(compare_table);

macro_rules! branch_table {
    ($($name:ident, $t:ty, $f:ident;)*) => {
        &[$([
            branch_compare::<op::$name, S, S>,
            branch_compare::<op::$name, S, A>,
            branch_compare::<op::$name, S, I>,
            branch_compare::<op::$name, A, I>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const BRANCH: &[[Handler; 4]] = for_each_int_compare!(branch_table);

macro_rules! unary_table {
    ($($name:ident, $t:ty, $r:ty, $f:ident;)*) => {
        &[$([
            unary::<op::$name, S, S>,
            unary::<op::$name, S, A>,
            unary::<op::$name, A, S>,
            unary::<op::$name, A, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const UNARY: &[[Handler; 4]] = for_each_unary!(unary_table);

macro_rules! unary_trapping_table {
    ($($name:ident, $t:ty, $r:ty, $f:ident;)*) => {
        &[$([
            unary_trapping::<op::$name, S, S>,
            unary_trapping::<op::$name, S, A>,
            unary_trapping::<op::$name, A, S>,
            unary_trapping::<op::$name, A, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const UNARY_TRAPPING: &[[Handler; 4]] = for_each_unary_trapping!(unary_trapping_table);
