//! The model of the operand stack: where each value is.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::ops::Range;

use super::slots::SlotIdx;
pub use super::value::{Entry, Loc};
use super::value::{Operand, Popped};
use crate::types::ValType;

/// No entry.
pub const NONE: u32 = u32::MAX;

/// The operand stack of the body at hand.
#[derive(Debug, Default)]
pub struct Stack {
    pub entries: Vec<Entry>,
    /// By a local's number + 1: the topmost entry that still reads it. As long as the highest local that was ever
    /// read needs, not as the body at hand declares; all `NONE` between bodies. The first means nothing: what reads no
    /// local writes it.
    readers: Vec<u32>,
    /// All entries below are in their own slots, if they are below `low` too.
    settled: usize,
    /// So are those from the first of these to below the second: what branches that take many values along have
    /// put there above values that wait.
    own: (usize, usize),
    /// The lowest height since the two above were true of the whole stack. Values are popped far more often than
    /// somebody asks where they are.
    low: usize,
    /// The entry that is in the integer accumulator, or [`NONE`].
    acc: u32,
    /// The entry that is in the float accumulator, or [`NONE`].
    float_acc: u32,
}

impl Stack {
    /// Starts a body.
    pub fn open(&mut self) {
        self.truncate(0);
        debug_assert!(
            self.readers.iter().skip(1).all(|&reader| reader == NONE),
            "a reader outlived its entry"
        );
        self.settled = 0;
        self.own = (0, 0);
        self.low = usize::MAX;
        self.acc = NONE;
        self.float_acc = NONE;
    }

    /// The number of values.
    #[inline]
    pub fn height(&self) -> usize {
        self.entries.len()
    }

    /// Pushes a value that is in its own slot, or a constant.
    #[inline(always)]
    pub fn push(&mut self, operand: Operand, ty: ValType) {
        self.entries.push(Entry::new(operand, ty));
    }

    /// Pushes a value that is still to be read from a local.
    #[inline(always)]
    pub fn push_local(&mut self, local: u32, slot: SlotIdx, ty: ValType) {
        let link = self.read(local, self.entries.len() as u32);
        self.entries.push(Entry::reading(slot, ty, link));
    }

    /// Pushes a value that an op puts into an accumulator.
    #[inline(always)]
    pub fn push_acc(&mut self, position: u32, ty: ValType, float: bool) {
        let index = self.entries.len() as u32;
        let operand = if float {
            self.float_acc = index;
            Operand::FloatAcc(position)
        } else {
            self.acc = index;
            Operand::Acc(position)
        };
        self.push(operand, ty);
    }

    /// Makes an entry the topmost that reads a local; the one it was.
    #[inline]
    fn read(&mut self, local: u32, index: u32) -> u32 {
        let Some(reader) = self.readers.get_mut(local as usize + 1) else {
            debug_assert!(false, "a local is read that `more_readers` was not told of");
            return NONE;
        };
        core::mem::replace(reader, index)
    }

    /// Whether a local may be read.
    #[inline(always)]
    pub fn has_reader(&self, local: u32) -> bool {
        (local as usize).wrapping_add(1) < self.readers.len()
    }

    /// Lets a local be read.
    #[cold]
    #[inline(never)]
    pub fn more_readers(&mut self, local: u32) -> Result<(), TryReserveError> {
        let count = local as usize + 2;
        self.readers.try_reserve(count.saturating_sub(self.readers.len()))?;
        self.readers.resize(count, NONE);
        Ok(())
    }

    /// Takes the topmost value off. (Validation has made sure that there is one.)
    #[inline(always)]
    pub fn pop(&mut self) -> Popped {
        let Some(entry) = self.entries.pop() else {
            debug_assert!(false, "operand stack underflow after validation");
            return Popped::new(Operand::Const(0), ValType::I32, 0);
        };
        let index = self.entries.len();
        self.unlink(entry);
        self.popped_to(index);
        entry.popped(index)
    }

    /// Takes the two topmost values off: the lower, the upper one.
    #[inline(always)]
    pub fn pop_two(&mut self) -> (Popped, Popped) {
        let Some(&[lower, upper]) = self.entries.last_chunk() else {
            let upper = self.pop();
            return (self.pop(), upper);
        };
        let index = self.entries.len() - 2;
        self.entries.truncate(index);
        // From the top down: both may read one local.
        self.unlink(upper);
        self.unlink(lower);
        self.popped_to(index);
        (lower.popped(index), upper.popped(index + 1))
    }

    /// The values from `index` on were popped. What comes there may be elsewhere than in its own slot.
    #[inline(always)]
    fn popped_to(&mut self, index: usize) {
        self.low = self.low.min(index);
        self.forget_acc(index as u32);
    }

    /// No entry is in that accumulator.
    pub fn leave_acc(&mut self, float: bool) {
        if float {
            self.float_acc = NONE;
        } else {
            self.acc = NONE;
        }
    }

    /// No entry from `index` on is in an accumulator.
    #[inline(always)]
    fn forget_acc(&mut self, index: u32) {
        // Without branches: whether an operand was in an accumulator is hard to foretell.
        self.acc = if self.acc >= index { NONE } else { self.acc };
        self.float_acc = if self.float_acc >= index { NONE } else { self.float_acc };
    }

    /// What is known to be in its own slot, now that values above [`Stack::low`] may be others.
    fn bring_up(&mut self) {
        self.settled = self.settled.min(self.low);
        self.own.1 = self.own.1.min(self.low);
        self.low = usize::MAX;
    }

    /// Whether all values are known to be in their own slots.
    #[inline]
    pub fn is_settled(&self) -> bool {
        self.settled.min(self.low) >= self.entries.len()
    }

    /// All values are in their own slots: those of blocks are where they begin and where they end.
    pub fn all_settled(&mut self) {
        self.bring_up();
        self.settled = self.entries.len();
        debug_assert!(self.entries.iter().rev().take(64).all(Entry::is_own), "a value is elsewhere");
    }

    /// The entries from `from` on that may not be in their own slots: above those that are known to be, below them.
    pub fn unsettled(&mut self, from: usize) -> (Range<usize>, Range<usize>) {
        self.bring_up();
        let (start, end) = self.own;
        let from = from.max(self.settled);
        if start >= end || end <= from {
            return (from..self.entries.len(), 0..0);
        }
        (end..self.entries.len(), from..start)
    }

    /// All entries from `from` on are in their own slots, those that [`Stack::unsettled`] has named too.
    pub fn settle(&mut self, from: usize) {
        debug_assert!(self.entries.iter().skip(from).all(Entry::is_own), "a value is elsewhere");
        debug_assert!(self.low == usize::MAX, "`unsettled` has not been asked");
        self.forget_acc(from as u32);
        let (start, end) = self.own;
        let height = self.entries.len();
        if from <= self.settled {
            self.settled = height;
        }
        self.own = (if start < end && from <= end { start.min(from) } else { from }, height);
    }

    /// The topmost `count` entries, which were just pushed, are in their own slots. Of those that lie apart from others
    /// which are known to be, the longer list is remembered.
    #[inline]
    pub fn settle_new(&mut self, count: usize) {
        self.bring_up();
        let height = self.entries.len();
        let from = height.saturating_sub(count);
        debug_assert!(self.entries.iter().skip(from).all(Entry::is_own), "a value is elsewhere");
        let (start, end) = self.own;
        if from <= self.settled {
            self.settled = height;
        } else if start < end && from == end {
            self.own.1 = height;
        } else if end.saturating_sub(start) <= count {
            self.own = (from, height);
        }
    }

    /// Forgets that the topmost entry with this content reads a local.
    #[inline(always)]
    fn unlink(&mut self, entry: Entry) {
        if let Some(reader) = self.readers.get_mut(entry.reader()) {
            *reader = entry.link();
        }
    }

    /// The entry that is in an accumulator, and the op that put it there.
    #[inline(always)]
    pub fn in_acc(&self, float: bool) -> Option<(u32, u32)> {
        let index = if float { self.float_acc } else { self.acc };
        if index == NONE {
            return None;
        }
        let Loc::Acc(position) = self.entries.get(index as usize)?.loc() else { return None };
        Some((index, position))
    }

    /// Drops values down to a height.
    #[inline(always)]
    pub fn truncate(&mut self, height: usize) {
        if height >= self.entries.len() {
            return;
        }
        if self.is_settled() {
            // What is in its own slot is known to nobody else.
            self.entries.truncate(height);
            self.low = self.low.min(height);
        } else {
            self.drop_to(height);
        }
    }

    #[inline(never)]
    fn drop_to(&mut self, height: usize) {
        self.bring_up();
        let (start, end) = self.own;
        while self.entries.len() > height.max(self.settled) {
            if self.entries.len() == end && start < end {
                self.entries.truncate(height.max(start));
            } else {
                self.pop();
            }
        }
        self.entries.truncate(height);
        self.popped_to(self.entries.len());
    }

    /// The topmost entry that still reads a local.
    #[inline]
    pub fn reader(&self, local: u32) -> u32 {
        self.readers.get(local as usize + 1).copied().unwrap_or(NONE)
    }

    /// Nobody reads the local any more.
    pub fn clear_reader(&mut self, local: u32) {
        if let Some(reader) = self.readers.get_mut(local as usize + 1) {
            *reader = NONE;
        }
    }

    /// The entry at `index`, which was in its own slot, is in an accumulator again.
    pub fn regain(&mut self, index: usize, made_by: u32, float: bool) {
        let Some(entry) = self.entries.get_mut(index) else { return };
        self.low = self.low.min(index);
        if float {
            *entry = Entry::new(Operand::FloatAcc(made_by), entry.ty());
            self.float_acc = index as u32;
        } else {
            *entry = Entry::new(Operand::Acc(made_by), entry.ty());
            self.acc = index as u32;
        }
    }

    /// The entry at `index` is in its own slot now; [`Stack::settle`] or [`Stack::leave_acc`] follows. Entries that read locals may only be changed from the top
    /// down, or all readers of a local at once.
    pub fn put_own(&mut self, index: usize, slot: SlotIdx) {
        let Some(entry) = self.entries.get_mut(index) else { return };
        let before = core::mem::replace(entry, entry.settled(slot));
        self.unlink(before);
    }

    /// The entry at `index`, which was read from a local, is in its own slot now; the next that reads that local.
    pub fn preserve(&mut self, index: u32, slot: SlotIdx) -> u32 {
        let Some(entry) = self.entries.get_mut(index as usize) else { return NONE };
        core::mem::replace(entry, entry.settled(slot)).link()
    }
}
