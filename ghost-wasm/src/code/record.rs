//! The record of a translated function, which calls go through.

/// A word of internal code.
pub type Word = u64;

/// Where a translated function's code is, and what entering it takes. Lives in the module. A power of two in
/// size.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub struct CodeRecord {
    /// The first word. Points into a boxed slice that the module owns.
    pub code: *const Word,
    /// Slots of the frame: parameters, locals, operands at their highest.
    pub frame_slots: u32,
    /// The first declared local's slot: what is below are parameters.
    pub zero_from: u16,
    /// Number of declared locals, to be zeroed.
    pub zero_count: u16,
    /// What `enter` costs. Part of the body's first charge; a failing stack check needs it alone.
    pub enter_cost: u32,
    /// The function's index in its module.
    pub func: u32,
}

/// A record with this many slots is that of a function which is not translated yet: no value stack has room
/// for such a frame, so that a call leaves to the driver before it has done anything. (An address plus so
/// many slots must not wrap: only where addresses have 64 bits.)
const UNTRANSLATED_SLOTS: u32 = u32::MAX;

/// A module that defines more functions is refused.
pub const RECORDS_MAX: usize = 1 << 26;
const _: () = assert!(RECORDS_MAX * size_of::<CodeRecord>() <= u32::MAX as usize);

/// How far the record of the function that is defined at `index` is from the first one: what a call names. Indices are
/// below [`RECORDS_MAX`].
pub const fn record_bytes(index: u32) -> u32 {
    index.wrapping_mul(size_of::<CodeRecord>() as u32)
}

impl CodeRecord {
    /// The record of function `func` of its module before it is translated.
    pub fn untranslated(func: u32) -> CodeRecord {
        CodeRecord {
            code: core::ptr::null(),
            frame_slots: UNTRANSLATED_SLOTS,
            zero_from: 0,
            zero_count: 0,
            enter_cost: 0,
            func,
        }
    }

    /// Whether there is no code yet.
    pub fn is_untranslated(&self) -> bool {
        self.code.is_null()
    }
}
