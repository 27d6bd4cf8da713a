//! The cold ends of handlers: failed charges, traps, full stacks, work for the driver. Each saves the
//! registers and returns the exit's number.
//!
//! They must not return a constant: the compiler would then know the value in the hot handler, turn the
//! jump into a call and save registers around it.

use super::ctx::{Ctx, Exit, Service};
use super::gas::METERED;
use super::regs::{Handler, Raw, Regs, W2, X, handler};
use super::view::Word;
use crate::table::errors::TrapCode;

#[inline(always)]
pub(super) fn exit(mut r: Regs, exit: Exit) -> Raw {
    r.save();
    core::hint::black_box(exit as Raw)
}

handler! {
    /// A charge failed. How deep the native stack is tells the driver how large a slice may be.
    #[cold]
    #[inline(never)]
    fn charge_failed [const EXIT: u64] (r) {
        let here = 0_u8;
        r.cx().probe = core::ptr::from_ref(&here) as usize;
        r.save();
        core::hint::black_box(EXIT)
    }
}

handler! {
    /// A trap.
    #[cold]
    #[inline(never)]
    fn trap [const CODE: u8] (r) {
        r.cx().trap = u32::from(CODE);
        exit(r, Exit::Trap)
    }
}

handler! {
    /// The value stack is full.
    #[cold]
    #[inline(never)]
    fn slots_full [] (r) {
        exit(r, Exit::SlotsFull)
    }
}

handler! {
    /// The return stack is full.
    #[cold]
    #[inline(never)]
    fn frames_full [] (r) {
        exit(r, Exit::FramesFull)
    }
}

handler! {
    /// The host's entry has returned.
    #[cold]
    #[inline(never)]
    fn halt [] (r) {
        exit(r, Exit::Done)
    }
}

handler! {
    /// Returned into another instance.
    #[cold]
    #[inline(never)]
    fn switch_back [] (r) {
        exit(r, Exit::SwitchBack)
    }
}

handler! {
    /// Work for the driver, already charged.
    #[cold]
    #[inline(never)]
    fn serve [const SERVICE: u32] (r) {
        r.cx().service = SERVICE;
        exit(r, Exit::Service)
    }
}

handler! {
    /// An op that the driver does.
    fn service [const SERVICE: u32] (r) {
        if r.pay(W2) { r.leave(serve::<SERVICE>) } else { r.out_of_slice() }
    }
}

handler! {
    /// `unreachable`.
    fn unreachable [] (r) {
        r.trap::<{ TrapCode::Unreachable as u8 }>()
    }
}

handler! {
    /// A charge of its own. Words: handler; -, ahead; cost.
    fn charge [] (r) {
        if !r.pay(W2) {
            return r.out_of_slice();
        }
        r.pay_ahead(r.quarter(X));
        r.next(3)
    }
}

impl Regs {
    /// Charges the cost in field `at`. False: the slice does not suffice.
    #[inline(always)]
    pub fn pay(&mut self, at: usize) -> bool {
        if !METERED {
            return true;
        }
        self.gas = self.gas.wrapping_sub(self.quarter(at).cast_signed());
        self.gas >= 0
    }

    /// Charges what is paid ahead for the run that follows. If that is more than there is, the run goes on to
    /// its next charge, which fails, or its trap, which settles.
    #[inline(always)]
    pub fn pay_ahead(&mut self, cost: u32) {
        if METERED {
            self.gas = self.gas.wrapping_sub(cost.cast_signed());
        }
    }

    /// The way out when [`pay`](Regs::pay) failed.
    #[inline(always)]
    pub fn out_of_slice(self) -> Raw {
        self.leave(charge_failed::<{ Exit::Charge as u64 }>)
    }

    /// The way out with a trap.
    #[inline(always)]
    pub fn trap<const CODE: u8>(self) -> Raw {
        self.leave(trap::<CODE>)
    }
}

#[repr(transparent)]
struct Code([Handler; 1]);

static HALT: Code = Code([halt]);
static SWITCH_BACK: Code = Code([switch_back]);

/// Code that ends an entry from the host.
pub fn halt_code() -> *const Word {
    core::ptr::from_ref(&HALT).cast()
}

/// Code that asks the driver to go back to another instance.
pub fn switch_back_code() -> *const Word {
    core::ptr::from_ref(&SWITCH_BACK).cast()
}

/// Handlers of the services, by number.
pub const SERVICES: [Handler; Service::ALL.len()] = [
    service::<{ Service::CallImport as u32 }>,
    service::<{ Service::CallRef as u32 }>,
    service::<{ Service::MemoryGrow as u32 }>,
    service::<{ Service::MemoryCopy as u32 }>,
    service::<{ Service::MemoryFill as u32 }>,
    service::<{ Service::MemoryInit as u32 }>,
    service::<{ Service::DataDrop as u32 }>,
    service::<{ Service::TableGet as u32 }>,
    service::<{ Service::TableSet as u32 }>,
    service::<{ Service::TableSize as u32 }>,
    service::<{ Service::TableGrow as u32 }>,
    service::<{ Service::TableFill as u32 }>,
    service::<{ Service::TableCopy as u32 }>,
    service::<{ Service::TableInit as u32 }>,
    service::<{ Service::ElemDrop as u32 }>,
    service::<{ Service::RefFunc as u32 }>,
    service::<{ Service::TailImport as u32 }>,
    service::<{ Service::TailRef as u32 }>,
    service::<{ Service::Pause as u32 }>,
];

impl Ctx {
    /// Runs from `ip` until a handler exits.
    pub fn run(&mut self) -> Exit {
        self.run_from(Regs::dispatch)
    }

    /// Starts handlers with the registers of the context.
    #[inline(always)]
    pub(super) fn run_from(&mut self, start: impl FnOnce(Regs) -> Raw) -> Exit {
        let here = 0_u8;
        self.probe = 0;
        let base = core::ptr::from_ref(&here) as usize;
        let regs = Regs {
            ip: self.ip,
            fp: self.fp,
            mem: self.memory,
            cx: self,
            gas: self.gas as i32,
            acc: self.acc,
            facc: self.facc,
        };
        let exit = Exit::from_raw(start(regs));
        self.depth_bytes = base.wrapping_sub(self.probe);
        exit
    }
}
