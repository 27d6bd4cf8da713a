//! The value stack and the return stack of a store. Both start small, grow on demand and have limits
//! that the profile fixes.

use alloc::vec::Vec;

use super::view::Word;
use crate::heap;

/// A return record: where the caller goes on.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Frame {
    /// The next instruction of the caller.
    pub ip: *const Word,
    /// The caller's frame.
    pub fp: *mut u64,
}

/// Memory for slots and return records. `Ctx` holds pointers into it.
#[derive(Debug)]
pub struct Stack {
    pub(super) slots: Vec<u64>,
    pub(super) frames: Vec<Frame>,
    slots_max: usize,
    frames_max: usize,
}

// SAFETY: the pointers in `frames` lead into `slots` and into code that the store keeps alive; nothing
// else has them, and they are used only while the store runs.
unsafe impl Send for Stack {}

/// The allocator refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocFailed;

const SLOTS_FIRST: usize = 64;
const FRAMES_FIRST: usize = 16;
/// Stacks that have grown beyond this many first sizes are not kept for a next use.
const KEPT_MAX: usize = 256;
const EMPTY_FRAME: Frame = Frame { ip: core::ptr::null(), fp: core::ptr::null_mut() };

impl Stack {
    /// A stack with its limits, in slots and return records.
    pub fn new(slots_max: usize, frames_max: usize) -> Stack {
        Stack { slots: Vec::new(), frames: Vec::new(), slots_max, frames_max }
    }

    /// Bytes of memory that it has allocated.
    pub(super) fn heap_bytes(&self) -> u64 {
        heap::list(&self.slots) + heap::list(&self.frames)
    }

    /// Gives memory back that a single deep run has taken. Nothing may be in use.
    pub(super) fn trim(&mut self) {
        if self.slots.len() > SLOTS_FIRST * KEPT_MAX || self.frames.len() > FRAMES_FIRST * KEPT_MAX {
            self.slots = Vec::new();
            self.frames = Vec::new();
        }
    }

    /// Makes room for the smallest size. Called before a first run.
    pub(super) fn warm(&mut self) -> Result<(), AllocFailed> {
        if self.slots.is_empty() {
            resize(&mut self.slots, SLOTS_FIRST.min(self.slots_max), 0)?;
        }
        if self.frames.is_empty() {
            resize(&mut self.frames, FRAMES_FIRST.min(self.frames_max), EMPTY_FRAME)?;
        }
        Ok(())
    }

    /// Grows so that `slots` fit: `Ok(false)` if that is beyond the limit.
    pub(super) fn grow_slots(&mut self, slots: usize) -> Result<bool, AllocFailed> {
        if slots > self.slots_max {
            return Ok(false);
        }
        let wanted = slots.max(self.slots.len().saturating_mul(2)).min(self.slots_max);
        let old = self.slots.as_mut_ptr();
        resize(&mut self.slots, wanted, 0)?;
        let new = self.slots.as_mut_ptr();
        for frame in &mut self.frames {
            if !frame.fp.is_null() {
                // Both allocations hold the same slots at the same distances.
                let distance = (frame.fp as usize).wrapping_sub(old as usize) / size_of::<u64>();
                frame.fp = new.wrapping_add(distance);
            }
        }
        Ok(true)
    }

    /// Doubles the return stack: `Ok(false)` at the limit.
    pub(super) fn grow_frames(&mut self) -> Result<bool, AllocFailed> {
        if self.frames.len() >= self.frames_max {
            return Ok(false);
        }
        let wanted = self.frames.len().saturating_mul(2).max(FRAMES_FIRST).min(self.frames_max);
        resize(&mut self.frames, wanted, EMPTY_FRAME)?;
        Ok(true)
    }
}

fn resize<T: Clone>(list: &mut Vec<T>, len: usize, value: T) -> Result<(), AllocFailed> {
    list.try_reserve_exact(len.saturating_sub(list.len())).map_err(|_| AllocFailed)?;
    list.resize(len, value);
    Ok(())
}
