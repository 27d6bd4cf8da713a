//! The model of the operand stack: where each value is.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use crate::types::ValType;

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loc {
    /// In its own slot.
    Own,
    /// Still to be read from a local; `link` is the next lower entry that reads the same local.
    Local(u32),
    /// A constant: integers sign-extended to 64 bits, floats as their bits.
    Const(u64),
    /// In the integer accumulator; `link` is the op that put it there.
    Acc,
    /// In the float accumulator; likewise.
    FloatAcc,
}

/// An entry of the operand stack.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub loc: Loc,
    pub ty: ValType,
    pub link: u32,
}

/// No entry.
pub const NONE: u32 = u32::MAX;

/// The operand stack of the body at hand.
#[derive(Debug, Default)]
pub struct Stack {
    pub entries: Vec<Entry>,
    /// By local: the topmost entry that still reads it. As long as the highest local that was ever read needs,
    /// not as the body at hand declares; all `NONE` between bodies.
    readers: Vec<u32>,
    /// All entries below are in their own slots.
    pub settled: usize,
    /// So are those from the first of these to below the second: what branches that take many values along have
    /// put there above values that wait.
    own: (usize, usize),
    /// The entry that is in the integer accumulator.
    pub acc: Option<u32>,
    /// The entry that is in the float accumulator.
    pub float_acc: Option<u32>,
}

impl Stack {
    /// Starts a body.
    pub fn open(&mut self) {
        self.truncate(0);
        debug_assert!(self.readers.iter().all(|&reader| reader == NONE), "a reader outlived its entry");
        self.settled = 0;
        self.own = (0, 0);
        self.acc = None;
        self.float_acc = None;
    }

    /// The number of values.
    #[inline]
    pub fn height(&self) -> usize {
        self.entries.len()
    }

    /// Pushes a value; `link` is used by accumulators only.
    #[inline(always)]
    pub fn push(&mut self, loc: Loc, ty: ValType, link: u32) {
        let index = self.entries.len() as u32;
        let mut link = link;
        match loc {
            Loc::Local(local) => link = self.read(local, index),
            Loc::Acc => self.acc = Some(index),
            Loc::FloatAcc => self.float_acc = Some(index),
            Loc::Own | Loc::Const(_) => {}
        }
        self.entries.push(Entry { loc, ty, link });
    }

    /// Makes an entry the topmost that reads a local; the one it was.
    #[inline]
    fn read(&mut self, local: u32, index: u32) -> u32 {
        let Some(reader) = self.readers.get_mut(local as usize) else {
            debug_assert!(false, "a local is read that `more_readers` was not told of");
            return NONE;
        };
        core::mem::replace(reader, index)
    }

    /// Whether a local may be read.
    #[inline(always)]
    pub fn has_reader(&self, local: u32) -> bool {
        (local as usize) < self.readers.len()
    }

    /// Lets a local be read.
    #[cold]
    #[inline(never)]
    pub fn more_readers(&mut self, local: u32) -> Result<(), TryReserveError> {
        let count = local as usize + 1;
        self.readers.try_reserve(count.saturating_sub(self.readers.len()))?;
        self.readers.resize(count, NONE);
        Ok(())
    }

    /// Whether a value can be pushed without the allocator.
    #[inline(always)]
    pub fn has_room(&self) -> bool {
        self.entries.len() < self.entries.capacity()
    }

    /// Takes the topmost value off, with its height. (Validation has made sure that there is one.)
    #[inline]
    pub fn pop(&mut self) -> (Entry, usize) {
        let Some(entry) = self.entries.pop() else {
            debug_assert!(false, "operand stack underflow after validation");
            return (Entry { loc: Loc::Own, ty: ValType::I32, link: NONE }, 0);
        };
        let index = self.entries.len();
        self.unlink(entry);
        self.unsettle(index);
        (entry, index)
    }

    /// The entry at `index` and those above may be elsewhere than in their own slots.
    #[inline(always)]
    pub fn unsettle(&mut self, index: usize) {
        self.settled = self.settled.min(index);
        self.own.1 = self.own.1.min(index);
    }

    /// The entries from `from` on that may not be in their own slots: above those that are known to be, below them.
    pub fn unsettled(&self, from: usize) -> [core::ops::Range<usize>; 2] {
        let (start, end) = self.own;
        let from = from.max(self.settled);
        if start >= end || end <= from {
            return [from..self.entries.len(), 0..0];
        }
        [end..self.entries.len(), from..start]
    }

    /// All entries from `from` on are in their own slots.
    pub fn settle(&mut self, from: usize) {
        debug_assert!(
            self.entries.iter().skip(from).all(|entry| entry.loc == Loc::Own),
            "a value is elsewhere"
        );
        let (start, end) = self.own;
        let height = self.entries.len();
        if from <= self.settled {
            self.settled = height;
        }
        self.own = (if start < end && from <= end { start.min(from) } else { from }, height);
    }

    /// Forgets what points at the topmost entry with this content.
    #[inline]
    fn unlink(&mut self, entry: Entry) {
        match entry.loc {
            Loc::Local(local) => {
                if let Some(reader) = self.readers.get_mut(local as usize) {
                    *reader = entry.link;
                }
            }
            Loc::Acc => self.acc = None,
            Loc::FloatAcc => self.float_acc = None,
            Loc::Own | Loc::Const(_) => {}
        }
    }

    /// Drops values down to a height.
    #[inline]
    pub fn truncate(&mut self, height: usize) {
        while self.entries.len() > height.max(self.settled) {
            self.pop();
        }
        // What is in its own slot is known to nobody else.
        self.entries.truncate(height);
        self.unsettle(self.entries.len());
    }

    /// The topmost entry that still reads a local.
    #[inline]
    pub fn reader(&self, local: u32) -> u32 {
        self.readers.get(local as usize).copied().unwrap_or(NONE)
    }

    /// Nobody reads the local any more.
    pub fn clear_reader(&mut self, local: u32) {
        if let Some(reader) = self.readers.get_mut(local as usize) {
            *reader = NONE;
        }
    }

    /// The entry at `index`, which was in its own slot, is in an accumulator again.
    pub fn regain(&mut self, index: usize, made_by: u32, float: bool) {
        let Some(entry) = self.entries.get_mut(index) else { return };
        entry.link = made_by;
        self.settled = self.settled.min(index);
        self.own.1 = self.own.1.min(index);
        if float {
            entry.loc = Loc::FloatAcc;
            self.float_acc = Some(index as u32);
        } else {
            entry.loc = Loc::Acc;
            self.acc = Some(index as u32);
        }
    }

    /// Changes where the entry at `index` is. Entries that read locals may only be changed from the top
    /// down, or all readers of a local at once.
    pub fn relocate(&mut self, index: usize, loc: Loc) {
        let Some(&entry) = self.entries.get(index) else { return };
        self.unlink(entry);
        let mut link = NONE;
        if let Loc::Local(local) = loc {
            link = self.read(local, index as u32);
        }
        if let Some(entry) = self.entries.get_mut(index) {
            entry.loc = loc;
            entry.link = link;
        }
    }
}
