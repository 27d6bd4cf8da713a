//! Appending ops to the code, patching them, and getting operands where an op wants them.

use core::ops::Range;

use super::Translator;
use super::fuse::{self, Mirror};
use super::slots::SlotIdx;
use super::stack::{Entry, NONE};
use super::value::{Flushed, Last};
pub use super::value::{Operand, Popped};
use crate::code::inst::{Family, InstId, moves};
use crate::code::map::MapEntry;
use crate::exec::dispatch;
use crate::types::ValType;

/// Packs the four u16 fields of an operand word.
pub const fn fields(f0: u64, f1: u64, f2: u64, f3: u64) -> u64 {
    f0 | f1 << 16 | f2 << 32 | f3 << 48
}

/// Packs two u16 fields and a u32 field.
pub const fn fields_x(f0: u64, f1: u64, x: u32) -> u64 {
    f0 | f1 << 16 | (x as u64) << 32
}

/// Words of an op at most, besides the targets of a `br_table`.
const OP_WORDS_MAX: usize = 4;

/// Whether a constant is the sign extension of its low half.
pub const fn fits(value: u64) -> bool {
    value as i32 as i64 as u64 == value
}

impl Translator {
    /// Appends an op as it is.
    #[inline(always)]
    pub fn append<const N: usize>(&mut self, inst: InstId, words: &[u64; N]) -> u32 {
        const { assert!(N < OP_WORDS_MAX) };
        let position = self.code.len();
        // There is room for it.
        let mut op = [0; OP_WORDS_MAX];
        let first = dispatch::numbered(inst, 1 + N);
        op.iter_mut().zip([first].iter().chain(words)).for_each(|(to, &word)| *to = word);
        self.code.extend_from_slice(op.get(..1 + N).unwrap_or_default());
        self.run.handlers += 1;
        position as u32
    }

    /// Appends an op, with a charge before it if there was none for long.
    #[inline(always)]
    pub fn emit<const N: usize>(&mut self, inst: InstId, words: &[u64; N]) -> u32 {
        self.charge_if_due();
        self.before = (self.last, self.flushed);
        let position = self.append(inst, words);
        self.last = Last::new(position);
        self.flushed = Flushed::NONE;
        position
    }

    /// Appends an op that can trap.
    #[inline]
    pub fn emit_trapping<const N: usize>(&mut self, inst: InstId, words: &[u64; N]) -> u32 {
        let position = self.emit(inst, words);
        self.note(position, self.run.pending as i32);
        position
    }

    /// Notes the operator's place for the op at `position`.
    #[inline]
    pub fn note(&mut self, position: u32, due: i32) {
        self.notes.push(MapEntry { position, offset: self.offset, due });
    }

    /// Removes the op emitted last, so that another can take its place; what was the last one before is it
    /// again.
    pub fn retract(&mut self, position: u32) {
        self.code.truncate(position as usize);
        self.run.handlers = self.run.handlers.saturating_sub(1);
        (self.last, self.flushed) = core::mem::replace(&mut self.before, (Last::NONE, Flushed::NONE));
    }

    /// The instruction at a position of the body at hand.
    #[inline]
    pub fn inst_at(&self, position: u32) -> InstId {
        InstId(self.code.get(position as usize).copied().unwrap_or(0) as u16)
    }

    /// A word of the code.
    #[inline]
    pub fn word_at(&self, position: u32) -> u64 {
        self.code.get(position as usize).copied().unwrap_or(0)
    }

    /// A half word of the code, by its index in halves.
    pub fn quarter(&self, index: u32) -> u32 {
        let word = self.word_at(index / 2);
        if index.is_multiple_of(2) { word as u32 } else { (word >> 32) as u32 }
    }

    /// Writes a half word of the code.
    pub fn set_quarter(&mut self, index: u32, value: u32) {
        if let Some(word) = self.code.get_mut(index as usize / 2) {
            let shift = index % 2 * 32;
            *word = *word & !(0xffff_ffff << shift) | u64::from(value) << shift;
        }
    }

    /// Makes the op at `position`, whose result goes to an accumulator, write a slot; what it is then.
    #[inline]
    pub fn redirect(&mut self, position: u32, slot: SlotIdx) -> InstId {
        let at = position as usize;
        let Some([word, operands, ..]) = self.code.get_mut(at..) else {
            debug_assert!(false, "an op that is not there");
            return InstId(0);
        };
        *word -= 1;
        let inst = InstId(*word as u16);
        *operands = *operands & !0xffff | slot.field();
        if self.last.is(position) && fuse::writes_acc_too(inst) {
            self.mirror = Some(Mirror { position, slot, float: self.made_float });
        }
        inst
    }

    /// The result's slot of an op that was emitted without it.
    pub fn set_result(&mut self, position: u32, slot: SlotIdx) {
        if let Some(operands) = self.code.get_mut(position as usize + 1) {
            *operands |= slot.field();
        }
    }

    /// The reverse of [`redirect`](Translator::redirect).
    pub fn undirect(&mut self, position: u32) {
        self.mirror = None;
        let at = position as usize;
        if let Some([inst, operands, ..]) = self.code.get_mut(at..) {
            *inst += 1;
            *operands &= !0xffff;
        }
    }

    /// Pushes a value that is in its own slot.
    #[inline]
    pub fn push_own(&mut self, ty: ValType) {
        let own = self.slots.operand(self.stack.height());
        self.stack.push(Operand::Slot(own), ty);
        self.slots.reach(self.stack.height());
    }

    /// Pushes values that are in their own slots.
    pub fn push_all_own(&mut self, types: &[ValType]) {
        let slots = self.slots.operands_from(self.stack.height());
        self.stack.entries.extend(slots.zip(types).map(|(slot, &ty)| Entry::in_slot(slot, ty)));
        self.slots.reach(self.stack.height());
    }

    /// Pushes a value that waits in a local.
    #[inline(always)]
    pub fn push_local(&mut self, local: u32, ty: ValType) {
        self.stack.push_local(local, self.slots.local(local), ty);
        self.slots.reach(self.stack.height());
    }

    /// Pushes a constant.
    #[inline(always)]
    pub fn push_const(&mut self, value: u64, ty: ValType) {
        self.stack.push(Operand::Const(value), ty);
        self.slots.reach(self.stack.height());
    }

    /// Takes a value off the stack.
    #[inline]
    pub fn pop(&mut self) -> Popped {
        self.stack.pop()
    }

    /// Takes two values off: the lower, the upper one.
    #[inline]
    pub fn pop_two(&mut self) -> (Popped, Popped) {
        self.stack.pop_two()
    }

    /// Copies a slot.
    pub fn emit_copy(&mut self, to: SlotIdx, from: SlotIdx) {
        if to != from && !self.fuse_move(to, Ok(from)) {
            let inst = Family::Moves.inst(0, moves::COPY);
            self.emit(inst, &[fields(to.field(), from.field(), 0, 0)]);
        }
    }

    /// Puts a constant into a slot.
    pub fn emit_const(&mut self, to: SlotIdx, value: u64) {
        if fits(value) {
            if !self.fuse_move(to, Err(value as u32)) {
                let inst = Family::Moves.inst(0, moves::CONST32);
                self.emit(inst, &[fields_x(to.field(), 0, value as u32)]);
            }
        } else {
            self.emit(Family::Moves.inst(0, moves::CONST64), &[to.field(), value]);
        }
    }

    /// The slot of an operand; puts it into its own slot if it is in none.
    pub fn in_slot(&mut self, popped: Popped) -> SlotIdx {
        let own = self.slots.operand(popped.height());
        match popped.operand() {
            Operand::Slot(slot) => return slot,
            Operand::Const(value) => self.emit_const(own, value),
            Operand::Acc(position) | Operand::FloatAcc(position) => {
                self.redirect(position, own);
            }
        }
        own
    }

    /// An operand that may be in a slot or an accumulator, but not a constant.
    pub fn no_const(&mut self, popped: Popped) -> Operand {
        match popped.operand() {
            Operand::Const(_) => Operand::Slot(self.in_slot(popped)),
            operand => operand,
        }
    }

    /// Puts the value at `index` into its own slot. From the top down where several are to be moved.
    #[inline(always)]
    fn settle_entry(&mut self, index: usize) {
        let Some(&entry) = self.stack.entries.get(index).filter(|entry| !entry.is_own()) else { return };
        let own = self.slots.operand(index);
        match entry.operand() {
            Operand::Slot(from) => self.emit_copy(own, from),
            Operand::Const(value) => self.emit_const(own, value),
            Operand::Acc(position) | Operand::FloatAcc(position) => {
                self.redirect(position, own);
            }
        }
        self.stack.put_own(index, own);
    }

    /// Puts the topmost `count` values into their own slots.
    #[inline]
    pub fn settle_top(&mut self, count: usize) {
        if count != 0 && !self.stack.is_settled() {
            self.settle_some(count);
        }
    }

    #[inline(never)]
    fn settle_some(&mut self, count: usize) {
        let from = self.stack.height().saturating_sub(count);
        let (upper, lower) = self.stack.unsettled(from);
        upper.rev().for_each(|index| self.settle_entry(index));
        if !lower.is_empty() {
            self.settle_lower(lower);
        }
        self.stack.settle(from);
    }

    #[cold]
    #[inline(never)]
    fn settle_lower(&mut self, range: Range<usize>) {
        range.rev().for_each(|index| self.settle_entry(index));
    }

    /// Puts all values into their own slots.
    pub fn settle_all(&mut self) {
        self.settle_top(self.stack.height());
    }

    /// Gets the value out of an accumulator, because it will be overwritten.
    #[inline]
    pub fn free_acc(&mut self, float: bool) -> Flushed {
        match self.stack.in_acc(float) {
            Some((index, position)) => self.free(index, position, float),
            None => Flushed::NONE,
        }
    }

    #[inline(never)]
    fn free(&mut self, index: u32, position: u32, float: bool) -> Flushed {
        let own = self.slots.operand(index as usize);
        self.redirect(position, own);
        self.stack.put_own(index as usize, own);
        self.stack.leave_acc(float);
        Flushed::new(position, index)
    }

    /// Gets all values out of the accumulators.
    pub fn free_accs(&mut self) {
        self.free_acc(false);
        self.free_acc(true);
    }

    /// Pushes the result of an op that is emitted now and has popped an operand, or told
    /// [`Slots::reach`](super::slots::Slots::reach) of the result. `inst` is the variant with the result in a slot; the
    /// field for it is zero in `words`.
    #[inline(never)]
    pub fn produce<const N: usize>(&mut self, inst: InstId, words: &[u64; N], ty: ValType, traps: bool) {
        self.produce_here(inst, words, (ty, ty.is_float()), traps);
    }

    /// The same without a call, for the most frequent operators.
    #[inline(always)]
    pub fn produce_here<const N: usize>(
        &mut self,
        inst: InstId,
        words: &[u64; N],
        (ty, float): (ValType, bool),
        traps: bool,
    ) {
        let freed = self.free_acc(float);
        let to_acc = InstId(inst.0 + 1);
        let position = if traps { self.emit_trapping(to_acc, words) } else { self.emit(to_acc, words) };
        self.flushed = freed;
        self.made_float = float;
        self.stack.push_acc(position, ty, float);
    }

    /// Emits what still reads `local`, because it will be written.
    pub fn preserve(&mut self, local: u32) {
        let mut index = self.stack.reader(local);
        self.stack.clear_reader(local);
        let from = self.slots.local(local);
        while index != NONE {
            let own = self.slots.operand(index as usize);
            self.emit_copy(own, from);
            index = self.stack.preserve(index, own);
        }
    }
}
