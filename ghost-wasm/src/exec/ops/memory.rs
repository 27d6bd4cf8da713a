//! Loads, stores, operators with a loaded operand, `memory.size`.
//!
//! The effective address is the sum of two u32 in a u64, so it cannot overflow; one comparison with the
//! memory's length decides.

use super::super::regs::{A, F0, F1, F2, F3, Handler, I, Num, Raw, Regs, S, W2, X, handler};
use super::super::view::{MARKED, PART_SHIFT, STORE_REACH, Word};
use super::int::{Binary, op};
use crate::exec::ctx::Ctx;
use crate::table::errors::TrapCode;
use crate::table::insts::{for_each_load, for_each_load_op, for_each_store};

/// A value anywhere in memory. (`read_unaligned` would take the address of a local in builds with
/// debug assertions and cost the jump to the next handler.)
#[repr(C, packed)]
#[derive(Clone, Copy)]
struct Unaligned<T: Copy>(T);

/// A type in memory, little-endian.
pub trait Cell: Copy {
    fn little_endian(self) -> Self;
}

macro_rules! impl_cell {
    ($($t:ty)*) => { $(impl Cell for $t {
        #[inline(always)]
        fn little_endian(self) -> $t {
            <$t>::from_le(self)
        }
    })* };
}
impl_cell!(u8 i8 u16 i16 u32 i32 u64);

impl Cell for f32 {
    #[inline(always)]
    fn little_endian(self) -> f32 {
        if cfg!(target_endian = "big") { f32::from_bits(self.to_bits().swap_bytes()) } else { self }
    }
}

impl Cell for f64 {
    #[inline(always)]
    fn little_endian(self) -> f64 {
        if cfg!(target_endian = "big") { f64::from_bits(self.to_bits().swap_bytes()) } else { self }
    }
}

/// From the type in memory to the operand's, and back.
pub trait Extend<M: Cell>: Num {
    fn extend(cell: M) -> Self;
}

/// From the operand's type to the one in memory.
pub trait Narrow<M: Cell>: Num {
    fn narrow(self) -> M;
}

macro_rules! impl_extend {
    ($($m:ty => $t:ty),*) => { $(impl Extend<$m> for $t {
        #[inline(always)]
        fn extend(cell: $m) -> $t {
            cell as $t
        }
    })* };
}
impl_extend!(u8 => u32, i8 => u32, u16 => u32, i16 => u32, u32 => u32, u8 => u64, i8 => u64, u16 => u64,
    i16 => u64, u32 => u64, i32 => u64, u64 => u64, f32 => f32, f64 => f64);

macro_rules! impl_narrow {
    ($($t:ty => $m:ty),*) => { $(impl Narrow<$m> for $t {
        #[inline(always)]
        fn narrow(self) -> $m {
            self as $m
        }
    })* };
}
impl_narrow!(u32 => u8, u32 => u16, u32 => u32, u64 => u8, u64 => u16, u64 => u32, u64 => u64, f32 => f32,
    f64 => f64);

impl Regs {
    /// The address operand of kind `K` in field `at`, plus the offset. For an address in the code the sum was
    /// made by the translator.
    #[inline(always)]
    pub(super) fn effective<const K: u8>(&self, at: usize, offset: u32) -> u64 {
        match K {
            I => u64::from(offset),
            _ => u64::from(self.get::<u32, K>(at)) + u64::from(offset),
        }
    }

    /// The sum (modulo 2^32) of the slot in field `at` and another slot (in field `by`), plus the offset; or of
    /// that slot and the constant in the code, without one.
    #[inline(always)]
    pub(super) fn effective_sum<const B: u8>(&self, at: usize, by: usize, offset: u32) -> u64 {
        let a = self.get::<u32, S>(at);
        match B {
            I => u64::from(a.wrapping_add(self.quarter(X))),
            _ => u64::from(a.wrapping_add(self.get::<u32, S>(by))) + u64::from(offset),
        }
    }

    /// Whether `size` bytes at `address` are inside the memory.
    #[inline(always)]
    pub(super) fn inside(mut self, address: u64, size: usize) -> bool {
        address + size as u64 <= self.cx().memory_len
    }

    #[inline(always)]
    pub(super) fn load<M: Cell>(&self, address: u64) -> M {
        debug_assert!(self.inside(address, size_of::<M>()));
        // SAFETY: inside the memory, checked by the caller; any alignment.
        let cell = unsafe { (*self.mem.add(address as usize).cast::<Unaligned<M>>()).0 };
        cell.little_endian()
    }

    /// Writes, and marks the part of the memory that holds the first byte (see `runtime/memory.rs`).
    #[inline(always)]
    pub(super) fn store<M: Cell>(&self, address: u64, value: M) {
        const { assert!(size_of::<M>() <= STORE_REACH + 1) };
        debug_assert!(self.inside(address, size_of::<M>()));
        // SAFETY: inside the memory, checked by the caller; any alignment.
        unsafe { (*self.mem.add(address as usize).cast::<Unaligned<M>>()).0 = value.little_endian() };
        let mark = !((address >> PART_SHIFT) as isize);
        // SAFETY: the address is inside the memory, so its part has a mark below the bytes (`MemoryView`).
        unsafe { *self.mem.offset(mark) = MARKED };
    }

    #[inline(always)]
    pub(super) fn out_of_bounds(self) -> Raw {
        self.trap::<{ TrapCode::MemoryOutOfBounds as u8 }>()
    }
}

handler! {
    /// `d = memory[a + offset]`. Words: handler; d, a, offset.
    fn load [T: Extend<M>, M: Cell, const K: u8, const D: u8] (r) {
        let address = r.effective::<K>(F1, r.quarter(X));
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        let value = T::extend(r.load::<M>(address));
        r.put::<T, D>(value);
        r.next(2)
    }
}

handler! {
    /// `d = memory[(a + b) + offset]`. Words: handler; d, a, b, offset — or d, a, imm32, without an offset.
    fn load_sum [T: Extend<M>, M: Cell, const B: u8, const D: u8] (r) {
        let address = r.effective_sum::<B>(F1, F2, r.half(F3) as u32);
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        let value = T::extend(r.load::<M>(address));
        r.put::<T, D>(value);
        r.next(2)
    }
}

handler! {
    /// `memory[(a + b) + offset] = v`. Words: handler; a, v, b, offset — or a, v, imm32, without an offset.
    fn store_sum [T: Narrow<M>, M: Cell, const B: u8, const V: u8] (r) {
        let address = r.effective_sum::<B>(F0, F2, r.half(F3) as u32);
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        r.store(address, r.get::<T, V>(F1).narrow());
        r.next(2)
    }
}

handler! {
    /// `memory[(a + b) + offset] = constant`. Words: handler; a, -, b, offset — or a, -, imm32, without an
    /// offset; low 32 bits, to be sign-extended.
    fn store_const_sum [T: Narrow<M> + Immediate, M: Cell, const B: u8] (r) {
        let address = r.effective_sum::<B>(F0, F2, r.half(F3) as u32);
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        r.store(address, T::from_low(r.quarter(W2)).narrow());
        r.next(3)
    }
}

handler! {
    /// `d = l op memory[(a + b) + offset]`. Words: handler; d, l, a, b; offset.
    fn load_op_sum [O: Binary<T: Extend<M>>, M: Cell, const L: u8, const D: u8] (r) {
        let address = r.effective_sum::<S>(F2, F3, r.quarter(W2));
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        let value = O::eval(r.get::<O::T, L>(F1), O::T::extend(r.load::<M>(address)));
        r.put::<O::T, D>(value);
        r.next(3)
    }
}

handler! {
    /// `memory[a + offset] = v`. Words: handler; a, v, offset; and if `v` is a constant, its low 32 bits.
    fn store [T: Narrow<M>, M: Cell, const K: u8, const V: u8] (r) {
        let address = r.effective::<K>(F0, r.quarter(X));
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        r.store(address, r.get::<T, V>(F1).narrow());
        r.next(2)
    }
}

/// An integer that a constant in the code can be.
pub trait Immediate: Num {
    fn from_low(low: u32) -> Self;
}
impl Immediate for u32 {
    #[inline(always)]
    fn from_low(low: u32) -> u32 {
        low
    }
}
impl Immediate for u64 {
    #[inline(always)]
    fn from_low(low: u32) -> u64 {
        low as i32 as i64 as u64
    }
}

handler! {
    /// `memory[a + offset] = constant`. Words: handler; a, -, offset; low 32 bits, to be sign-extended.
    fn store_const [T: Narrow<M> + Immediate, M: Cell, const K: u8] (r) {
        let address = r.effective::<K>(F0, r.quarter(X));
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        r.store(address, T::from_low(r.quarter(W2)).narrow());
        r.next(3)
    }
}

handler! {
    /// `d = l op memory[a + offset]`. Words: handler; d, l, a; offset.
    fn load_op [O: Binary<T: Extend<M>>, M: Cell, const L: u8, const K: u8, const D: u8] (r) {
        let address = r.effective::<K>(F2, r.quarter(W2));
        if !r.inside(address, size_of::<M>()) {
            return r.out_of_bounds();
        }
        let value = O::eval(r.get::<O::T, L>(F1), O::T::extend(r.load::<M>(address)));
        r.put::<O::T, D>(value);
        r.next(3)
    }
}

handler! {
    /// `d = memory.size`. Words: handler; d.
    fn size [const D: u8] (r) {
        let pages = (r.cx().memory_len >> 16) as u32;
        r.put::<u32, D>(pages);
        r.next(2)
    }
}

macro_rules! load_table {
    ($($name:ident, $t:ty, $m:ty;)*) => {
        &[$([
            load::<$t, $m, S, S>,
            load::<$t, $m, S, A>,
            load::<$t, $m, A, S>,
            load::<$t, $m, A, A>,
            load::<$t, $m, I, S>,
            load::<$t, $m, I, A>,
            load_sum::<$t, $m, S, S>,
            load_sum::<$t, $m, S, A>,
            load_sum::<$t, $m, I, S>,
            load_sum::<$t, $m, I, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const LOAD: &[[Handler; 10]] = for_each_load!(load_table);

macro_rules! store_table {
    ($($name:ident, $t:ty, $m:ty;)*) => {
        &[$([
            store::<$t, $m, S, S>,
            store::<$t, $m, S, A>,
            store::<$t, $m, A, S>,
            store::<$t, $m, I, S>,
            store::<$t, $m, I, A>,
            // Address and value both in the accumulator: floats only, they have their own.
            store::<$t, $m, A, A>,
            store_sum::<$t, $m, S, S>,
            store_sum::<$t, $m, S, A>,
            store_sum::<$t, $m, I, S>,
            store_sum::<$t, $m, I, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const STORE: &[[Handler; 10]] = for_each_store!(store_table);

macro_rules! store_consts {
    ($t:ty, $m:ty) => {
        [
            store_const::<$t, $m, S>,
            store_const::<$t, $m, A>,
            store_const::<$t, $m, I>,
            store_const_sum::<$t, $m, S>,
            store_const_sum::<$t, $m, I>,
        ]
    };
}
/// Constants stored, by the width in memory: 8, 16, 32, 64 bits. See [`crate::code::inst`].
pub const STORE_CONST: [[Handler; 5]; 4] =
    [store_consts!(u32, u8), store_consts!(u32, u16), store_consts!(u32, u32), store_consts!(u64, u64)];

macro_rules! load_op_table {
    ($($name:ident, $t:ty, $m:ty, $load:ident;)*) => {
        &[$([
            load_op::<op::$name, $m, S, S, S>,
            load_op::<op::$name, $m, S, S, A>,
            load_op::<op::$name, $m, S, A, S>,
            load_op::<op::$name, $m, S, A, A>,
            load_op::<op::$name, $m, A, S, S>,
            load_op::<op::$name, $m, A, S, A>,
            // Operand and address both in accumulators: floats only.
            load_op::<op::$name, $m, A, A, S>,
            load_op::<op::$name, $m, A, A, A>,
            load_op_sum::<op::$name, $m, S, S>,
            load_op_sum::<op::$name, $m, S, A>,
            load_op_sum::<op::$name, $m, A, S>,
            load_op_sum::<op::$name, $m, A, A>,
        ]),*]
    };
}
/// See [`crate::code::inst`].
pub const LOAD_OP: &[[Handler; 12]] = for_each_load_op!(load_op_table);

/// See [`crate::code::inst`].
pub const SIZE: [Handler; 2] = [size::<S>, size::<A>];
