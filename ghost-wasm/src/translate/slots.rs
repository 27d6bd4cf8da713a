//! Slot numbers. The only file that makes a [`SlotIdx`]: a slot is the sum of the widths below it, never a
//! count of values.

use core::ops::RangeFrom;

use crate::types::ValType;

/// A slot of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotIdx(u16);

impl SlotIdx {
    /// The slot with the number of a field.
    #[inline(always)]
    pub fn of_field(field: u64) -> SlotIdx {
        SlotIdx(field as u16)
    }

    /// The number, for an operand field.
    #[inline(always)]
    pub fn field(self) -> u64 {
        u64::from(self.0)
    }
}

/// Slots of one body.
#[derive(Debug, Default)]
pub struct Slots {
    locals: u32,
    /// The most operands there were.
    highest: usize,
    max: u32,
}

/// The width of a value in slots.
const fn width(ty: ValType) -> u32 {
    match ty {
        ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 | ValType::FuncRef | ValType::ExternRef => {
            1
        }
    }
}

// While every width is one, the sum of widths below an operand is its height. A wider type must bring a
// prefix sum per entry here; this stops the build until it does.
const _: () = assert!(width(ValType::I32) == 1 && width(ValType::ExternRef) == 1);

impl Slots {
    /// Starts a body with that many locals, parameters included.
    pub fn open(&mut self, locals: u32, max: u32) {
        *self = Slots { locals, highest: 0, max };
    }

    /// The slot of a local.
    #[inline]
    pub fn local(&self, index: u32) -> SlotIdx {
        debug_assert!(index < self.locals);
        SlotIdx(index as u16)
    }

    /// The own slot of the operand at a height. Not noted as used: see [`Slots::reach`].
    #[inline]
    pub fn operand(&self, height: usize) -> SlotIdx {
        SlotIdx((self.locals as usize).saturating_add(height).min(usize::from(u16::MAX)) as u16)
    }

    /// The numbers of the own slots of the operands from a height on. Some are too large if the frame is: nobody may
    /// use them before [`Slots::overflow`] is asked.
    #[inline]
    pub fn operands_from(&self, height: usize) -> RangeFrom<u64> {
        self.operand(height).field()..
    }

    /// Notes that operands reach this height (the number of them).
    #[inline(always)]
    pub fn reach(&mut self, height: usize) {
        self.highest = self.highest.max(height);
    }

    /// So many operands fit into the frame.
    pub fn height_max(&self) -> usize {
        self.max.saturating_sub(self.locals) as usize
    }

    /// Whether the frame is larger than the limit.
    #[inline]
    pub fn overflow(&self) -> bool {
        self.locals > self.max || self.highest > self.height_max()
    }

    /// Parameters, locals and operands at their highest.
    pub fn frame_slots(&self) -> u32 {
        // Both are within limits of 32 bits.
        self.locals.saturating_add(self.highest as u32)
    }
}
