//! What the driver does to the stacks when a function is replaced by another: tail calls that leave the instance.

use core::ptr;

use super::{Ctx, StackError};
use crate::exec::view::{CodeRecord, InstanceView, Word};

impl Ctx {
    /// Enters a function of instance `instance` in the running function's place: the arguments are moved from slot
    /// `from` on to the frame's start, and the return record stays. Gas as for [`enter`](Ctx::enter).
    pub fn replace(
        &mut self,
        record: *const CodeRecord,
        instance: *const InstanceView,
        from: usize,
    ) -> Result<(), StackError> {
        // SAFETY: records are those of live instances (contract of the views).
        let record = unsafe { &*record };
        let params = usize::from(record.zero_from);
        let base = self.move_down(from, params, record.frame_slots as usize)?;
        let first = base + params;
        if let Some(locals) = self.stack.slots.get_mut(first..first + usize::from(record.zero_count)) {
            locals.fill(0);
        }
        self.ip = record.code;
        if instance != self.instance {
            self.instance = instance;
            self.refresh();
        }
        Ok(())
    }

    /// As [`enter_host`](Ctx::enter_host), for a host function that takes the running function's place: its activation
    /// is the one whose return record is there. Moves its `params` arguments to the frame's start.
    pub fn replace_by_host(&mut self, from: usize, params: usize, len: usize) -> Result<usize, StackError> {
        let base = self.move_down(from, params, len)?;
        let before = self.entry_base;
        self.entry_base = base + len;
        Ok(before)
    }

    /// A host function that has taken a function's place returns in its name. As from every return, a single result
    /// is in the accumulators, too.
    pub fn return_from_host(&mut self) {
        let result = self.slot(0);
        self.acc = result;
        self.facc = f64::from_bits(result);
        self.pop_frame();
        if let Some(frame) = self.stack.frames.get(self.depth()) {
            self.ip = frame.ip;
            self.fp = frame.fp;
        }
    }

    /// The host function that has taken a function's place is over.
    pub fn leave_replacing_host(&mut self, before: usize) {
        self.entry_base = before;
    }

    /// Where the running function returns to.
    pub fn return_address(&self) -> *const Word {
        let frame = self.depth().checked_sub(1).and_then(|last| self.stack.frames.get(last));
        frame.map_or(ptr::null(), |frame| frame.ip)
    }

    /// Makes the running function return elsewhere.
    pub fn set_return_address(&mut self, ip: *const Word) {
        let last = self.depth().checked_sub(1);
        if let Some(frame) = last.and_then(|last| self.stack.frames.get_mut(last)) {
            frame.ip = ip;
        }
    }

    /// Moves `count` slots from `from` on to the frame's start, once `len` slots fit there; says where that is.
    fn move_down(&mut self, from: usize, count: usize, len: usize) -> Result<usize, StackError> {
        let base = self.absolute(0);
        self.need_slots(base.saturating_add(len))?;
        let first = base.saturating_add(from);
        let end = first.saturating_add(count);
        if end <= self.stack.slots.len() {
            self.stack.slots.copy_within(first..end, base);
        }
        Ok(base)
    }
}
