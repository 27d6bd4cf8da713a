//! The registers of the machine, and the few operations on them that need `unsafe`. Handlers are
//! written in terms of these, so that each is one readable line of semantics.
//!
//! A [`Regs`] exists only inside a handler. Its invariants are those of [`Ctx`] with `ip`, `fp`,
//! `mem` in registers: `ip` is at an op whose handler is the running one, so that every operand word the
//! handler names is there; slot numbers in operands are below the function's `frame_slots` (made in
//! `translate/slots.rs`, `frame_slots` is the maximum over all that were made); `cx` is the context of the
//! run, to which nothing else refers meanwhile.

use super::ctx::Ctx;
use super::view::Word;
use crate::code::inst::TARGET_BIAS;

/// What a handler returns: the number of a [`super::ctx::Exit`].
pub type Raw = u64;

/// Defines `extern` function items with the handlers' calling convention: on x86-64 the one with six integer
/// argument registers, also on Windows.
macro_rules! handler {
    ($(#[$meta:meta])* fn $name:ident [$($generics:tt)*] ($r:ident) $body:block) => {
        #[cfg(target_arch = "x86_64")]
        $(#[$meta])*
        pub unsafe extern "sysv64" fn $name<$($generics)*>(
            ip: *const Word, fp: *mut u64, mem: *mut u8, acc: u64, gas: i32, cx: *mut Ctx, facc: f64,
        ) -> Raw {
            #[allow(unused_mut, reason = "some handlers change no register")]
            let mut $r = Regs { ip, fp, mem, cx, gas, acc, facc };
            $body
        }
        #[cfg(not(target_arch = "x86_64"))]
        $(#[$meta])*
        pub unsafe extern "C" fn $name<$($generics)*>(
            ip: *const Word, fp: *mut u64, mem: *mut u8, acc: u64, gas: i32, cx: *mut Ctx, facc: f64,
        ) -> Raw {
            #[allow(unused_mut, reason = "some handlers change no register")]
            let mut $r = Regs { ip, fp, mem, cx, gas, acc, facc };
            $body
        }
    };
}
pub(super) use handler;

/// A handler.
#[cfg(target_arch = "x86_64")]
pub type Handler = unsafe extern "sysv64" fn(*const Word, *mut u64, *mut u8, u64, i32, *mut Ctx, f64) -> Raw;
/// A handler.
#[cfg(not(target_arch = "x86_64"))]
pub type Handler = unsafe extern "C" fn(*const Word, *mut u64, *mut u8, u64, i32, *mut Ctx, f64) -> Raw;

/// The machine's registers.
#[derive(Clone, Copy)]
pub struct Regs {
    pub ip: *const Word,
    pub fp: *mut u64,
    pub mem: *mut u8,
    pub cx: *mut Ctx,
    pub gas: i32,
    pub acc: u64,
    pub facc: f64,
}

/// Operand in a slot.
pub const S: u8 = 0;
/// Operand in an accumulator.
pub const A: u8 = 1;
/// Operand in the code.
pub const I: u8 = 2;

/// Position of a u16 field, in halves of the op.
pub const F0: usize = 4;
/// The second one.
pub const F1: usize = 5;
/// The third one.
pub const F2: usize = 6;
/// The fourth one.
pub const F3: usize = 7;
/// Position of the u32 field that shares its word with `F0` and `F1`, in quarters of the op.
pub const X: usize = 3;
/// Low half of word 2.
pub const W2: usize = 4;
/// High half of word 2.
pub const W2H: usize = 5;
/// Low half of word 3.
pub const W3: usize = 6;

/// On a big-endian host the parts of a word lie the other way round.
const HALF_FLIP: usize = if cfg!(target_endian = "big") { 3 } else { 0 };
const QUARTER_FLIP: usize = if cfg!(target_endian = "big") { 1 } else { 0 };

impl Regs {
    /// A u16 field of the op.
    #[inline(always)]
    pub fn half(&self, at: usize) -> usize {
        // SAFETY: the op has the word that its handler names (invariant).
        usize::from(unsafe { *self.ip.cast::<u16>().add(at ^ HALF_FLIP) })
    }

    /// A u32 field of the op.
    #[inline(always)]
    pub fn quarter(&self, at: usize) -> u32 {
        // SAFETY: the op has the word that its handler names (invariant).
        unsafe { *self.ip.cast::<u32>().add(at ^ QUARTER_FLIP) }
    }

    /// A word of the op.
    #[inline(always)]
    pub fn word(&self, at: usize) -> u64 {
        // SAFETY: the op has the word that its handler names (invariant).
        unsafe { *self.ip.add(at) }
    }

    /// A slot.
    #[inline(always)]
    pub fn slot(&self, index: usize) -> u64 {
        // SAFETY: index < frame_slots, checked in translate/slots.rs; the frame lies in the stack.
        unsafe { *self.fp.add(index) }
    }

    /// The low half of a slot.
    #[inline(always)]
    pub fn slot_low(&self, index: usize) -> u32 {
        // SAFETY: as for `slot`; a slot has two aligned quarters.
        unsafe { *self.fp.add(index).cast::<u32>().add(QUARTER_FLIP) }
    }

    /// Writes a slot.
    #[inline(always)]
    pub fn set_slot(&mut self, index: usize, value: u64) {
        // SAFETY: index < frame_slots, checked in translate/slots.rs; the frame lies in the stack.
        unsafe { *self.fp.add(index) = value }
    }

    /// The context.
    #[inline(always)]
    pub fn cx(&mut self) -> &mut Ctx {
        // SAFETY: `cx` points at the run's context, to which nothing else refers meanwhile (invariant).
        unsafe { &mut *self.cx }
    }

    /// Goes on with the op `words` further on.
    #[inline(always)]
    pub fn next(self, words: usize) -> Raw {
        // SAFETY: every op but those that end a body is followed by an op (the translator ends each body
        // with a return).
        let ip = unsafe { self.ip.add(words) };
        Regs { ip, ..self }.dispatch()
    }

    /// Goes on with the op that a target names: so many bytes away, [`TARGET_BIAS`] added.
    #[inline(always)]
    #[cfg_attr(
        target_arch = "x86_64",
        allow(
            clippy::pointers_in_nomem_asm_block,
            reason = "a sum is made; nothing is read or written there"
        )
    )]
    pub fn jump(self, target: u32) -> Raw {
        // A loop cannot be faster than the way from one `ip` to the next, whatever is predicted: what it takes to load
        // the target and add it. Without a sign to be extended that is 5 cycles on Zen 5, with one 6.
        #[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64", not(miri))))]
        let ip = self.ip.wrapping_byte_add(target as usize).wrapping_byte_sub(TARGET_BIAS as usize);
        // The same. The compiler would make the sum in another register and move it here: one instruction more for
        // each jump.
        #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(miri)))]
        let ip = {
            let mut ip = self.ip;
            // SAFETY: a sum of registers. Targets are made in translate/control.rs, always the start of an op of the
            // same body.
            unsafe {
                core::arch::asm!(
                    "lea {ip}, [{ip} + {target} - {bias}]",
                    ip = inout(reg) ip,
                    target = in(reg) u64::from(target),
                    bias = const TARGET_BIAS,
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
            ip
        };
        Regs { ip, ..self }.dispatch()
    }

    /// Runs the op at `ip`.
    #[inline(always)]
    pub fn dispatch(self) -> Raw {
        // SAFETY: the first word of an op is the address of its handler, written from a `Handler` by
        // `exec/dispatch.rs`; `ip` is at an op.
        let handler = unsafe { core::mem::transmute::<usize, Handler>(*self.ip as usize) };
        // SAFETY: the registers are passed on with their invariants.
        unsafe { handler(self.ip, self.fp, self.mem, self.acc, self.gas, self.cx, self.facc) }
    }

    /// Goes to a cold handler, keeping the op.
    #[inline(always)]
    pub fn leave(self, to: Handler) -> Raw {
        // SAFETY: the registers are passed on with their invariants.
        unsafe { to(self.ip, self.fp, self.mem, self.acc, self.gas, self.cx, self.facc) }
    }

    /// Saves what an exit must keep.
    #[inline(always)]
    pub fn save(&mut self) {
        let Regs { ip, fp, gas, acc, facc, .. } = *self;
        let cx = self.cx();
        cx.ip = ip;
        cx.fp = fp;
        cx.gas = i64::from(gas);
        cx.acc = acc;
        cx.facc = facc;
    }
}

/// A type that operands have. Floats use the float accumulator.
pub trait Num: Copy {
    /// From a slot.
    fn slot(r: &Regs, index: usize) -> Self;
    /// To a slot.
    fn set_slot(self, r: &mut Regs, index: usize);
    /// From the accumulator.
    fn acc(r: &Regs) -> Self;
    /// To the accumulator.
    fn set_acc(self, r: &mut Regs);
    /// From the code: integers from a sign-extended u32 field, floats from word 2.
    fn imm(r: &Regs) -> Self;
}

impl Num for u32 {
    #[inline(always)]
    fn slot(r: &Regs, index: usize) -> u32 {
        r.slot_low(index)
    }
    #[inline(always)]
    fn set_slot(self, r: &mut Regs, index: usize) {
        r.set_slot(index, u64::from(self));
    }
    #[inline(always)]
    fn acc(r: &Regs) -> u32 {
        r.acc as u32
    }
    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.acc = u64::from(self);
    }
    #[inline(always)]
    fn imm(r: &Regs) -> u32 {
        r.quarter(X)
    }
}

impl Num for u64 {
    #[inline(always)]
    fn slot(r: &Regs, index: usize) -> u64 {
        r.slot(index)
    }
    #[inline(always)]
    fn set_slot(self, r: &mut Regs, index: usize) {
        r.set_slot(index, self);
    }
    #[inline(always)]
    fn acc(r: &Regs) -> u64 {
        r.acc
    }
    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.acc = self;
    }
    #[inline(always)]
    fn imm(r: &Regs) -> u64 {
        r.quarter(X) as i32 as i64 as u64
    }
}

impl Num for bool {
    #[inline(always)]
    fn slot(r: &Regs, index: usize) -> bool {
        r.slot_low(index) != 0
    }
    #[inline(always)]
    fn set_slot(self, r: &mut Regs, index: usize) {
        r.set_slot(index, u64::from(self));
    }
    #[inline(always)]
    fn acc(r: &Regs) -> bool {
        r.acc as u32 != 0
    }
    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.acc = u64::from(self);
    }
    #[inline(always)]
    fn imm(r: &Regs) -> bool {
        r.quarter(X) != 0
    }
}

/// An integer that a field of 16 bits can hold.
pub trait Short: Num {
    /// By sign extension.
    fn short(value: i16) -> Self;
}

impl Short for u32 {
    #[inline(always)]
    fn short(value: i16) -> u32 {
        i32::from(value).cast_unsigned()
    }
}

impl Short for u64 {
    #[inline(always)]
    fn short(value: i16) -> u64 {
        i64::from(value).cast_unsigned()
    }
}

/// The f32 that the float accumulator holds in its low half.
#[inline(always)]
fn low_float(facc: f64) -> f32 {
    f32::from_bits(facc.to_bits() as u32)
}

impl Num for f32 {
    #[inline(always)]
    fn slot(r: &Regs, index: usize) -> f32 {
        f32::from_bits(r.slot_low(index))
    }
    #[inline(always)]
    fn set_slot(self, r: &mut Regs, index: usize) {
        r.set_slot(index, u64::from(self.to_bits()));
    }
    #[inline(always)]
    fn acc(r: &Regs) -> f32 {
        low_float(r.facc)
    }
    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.facc = f64::from_bits(u64::from(self.to_bits()));
    }
    #[inline(always)]
    fn imm(r: &Regs) -> f32 {
        f32::from_bits(r.quarter(W2))
    }
}

impl Num for f64 {
    #[inline(always)]
    fn slot(r: &Regs, index: usize) -> f64 {
        f64::from_bits(r.slot(index))
    }
    #[inline(always)]
    fn set_slot(self, r: &mut Regs, index: usize) {
        r.set_slot(index, self.to_bits());
    }
    #[inline(always)]
    fn acc(r: &Regs) -> f64 {
        r.facc
    }
    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.facc = self;
    }
    #[inline(always)]
    fn imm(r: &Regs) -> f64 {
        f64::from_bits(r.word(2))
    }
}

impl Regs {
    /// An operand of kind `K`: the field at half `at`, an accumulator, or from the code.
    #[inline(always)]
    pub fn get<T: Num, const K: u8>(&self, at: usize) -> T {
        match K {
            S => T::slot(self, self.half(at)),
            A => T::acc(self),
            _ => T::imm(self),
        }
    }

    /// An operand of kind `K` whose constants are 16 bits, sign-extended, in the field itself.
    #[inline(always)]
    pub fn get_short<T: Short, const K: u8>(&self, at: usize) -> T {
        match K {
            S => T::slot(self, self.half(at)),
            A => T::acc(self),
            _ => T::short(self.half(at) as u16 as i16),
        }
    }

    /// A result to kind `D`: the slot in the first field, or an accumulator. With the result in a slot the
    /// accumulator has it too: the translator has emptied it for either, and an op that follows at once
    /// need not wait for the slot.
    #[inline(always)]
    pub fn put<T: Num, const D: u8>(&mut self, value: T) {
        value.set_acc(self);
        if D == S {
            value.set_slot(self, self.half(F0));
        }
    }

    /// As [`put`](Regs::put), but a result in a slot leaves the accumulators alone.
    #[inline(always)]
    pub fn put_only<T: Num, const D: u8>(&mut self, value: T) {
        match D {
            S => value.set_slot(self, self.half(F0)),
            _ => value.set_acc(self),
        }
    }
}
