//! The store's gas, and how it is handed to handlers in slices.
//!
//! The register, of 32 bits, holds a slice; the rest stays here. A handler whose charge fails returns to the driver,
//! which calls [`Meter::refill`]. That bounds the native stack even where no call in tail position becomes
//! a jump: the slice starts small and grows only while the native depth measured at the exits stays
//! shallow.

use super::ctx::{Ctx, Exit};

/// Whether code pays. `--cfg ghost_unmetered` compiles the charges out, to measure what gas costs and for nothing
/// else: guests then run as long as they like, what is said of gas is meaningless, and a build in which a call
/// in tail position is a call may exhaust the native stack.
pub const METERED: bool = !cfg!(ghost_unmetered);

/// Native bytes between the driver and a failing charge that still count as "no growth".
const DEPTH_MAX_BYTES: usize = 512;
/// The first slice, in gas.
const SLICE_FIRST: i64 = 64;
/// The largest slice, in gas. Where all handlers jump, none is so large that the native stack would notice; where some
/// call, code that has run without these for long may come to a loop of them, and then a slice must fit on the
/// stack. (A slice of 16,384 lasts a microsecond, and the way to the driver and back takes 2 % of that.)
const SLICE_MAX: i64 = if cfg!(ghost_jumps) { 1 << 18 } else { 1 << 14 };
/// What the register may hold, either way: a slice, or what was paid ahead beyond one.
const REGISTER_MAX: i64 = 1 << 30;
const _: () = assert!(SLICE_MAX <= REGISTER_MAX);
/// Unlimited: far from overflow in any sum of costs.
pub const GAS_UNLIMITED: u64 = 1 << 62;

/// Gas of a store.
#[derive(Debug)]
pub struct Meter {
    /// What is left beyond the slice that is handed out. Negative while a run is overdrawn.
    bank: i64,
    limit: u64,
    /// Kept out of reach of an inner call under a cap.
    reserved: u64,
    /// What was left when the gas ran out at an op that can run again (negative if overdrawn).
    suspended: Option<i64>,
    /// Something ran out whose end a host function has seen: more gas would have changed what it did.
    lost: bool,
    slice: i64,
    /// The slice may still grow.
    growing: bool,
    /// A fixed slice, for tests.
    fixed: Option<i64>,
}

/// More was asked for than is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfGas;

/// How the gas of an entry ran out in guest code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With more gas the entry can go on; so much was left (negative if overdrawn).
    Resumable(i64),
    /// It cannot.
    Final,
}

impl Default for Meter {
    fn default() -> Meter {
        Meter {
            bank: GAS_UNLIMITED as i64,
            limit: GAS_UNLIMITED,
            reserved: 0,
            suspended: None,
            lost: false,
            slice: SLICE_FIRST,
            growing: true,
            fixed: None,
        }
    }
}

impl Meter {
    /// As it was when new, but for what it has learned of slices.
    pub fn reset(&mut self) {
        *self = Meter { slice: self.slice, growing: self.growing, ..Meter::default() };
    }

    /// Sets the limit, and what is used to zero. Only while nothing is handed out.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit.min(GAS_UNLIMITED);
        // What a cap keeps out of reach comes back when the cap ends.
        self.bank = self.limit.saturating_sub(self.reserved) as i64;
    }

    /// What is left while nothing is handed out.
    pub fn left(&self) -> u64 {
        self.bank.max(0) as u64
    }

    /// What was used while nothing is handed out; never more than the limit.
    pub fn used(&self) -> u64 {
        self.limit.saturating_sub(self.left()).saturating_sub(self.reserved)
    }

    /// Leaves at most `cap` within reach; says how much more there was, for [`release`](Meter::release).
    pub fn reserve(&mut self, cap: u64) -> u64 {
        let beyond = self.left().saturating_sub(cap);
        self.bank -= beyond as i64;
        self.reserved += beyond;
        beyond
    }

    /// Puts what [`reserve`](Meter::reserve) took away back.
    pub fn release(&mut self, beyond: u64) {
        self.reserved -= beyond;
        self.bank += beyond as i64;
    }

    /// All further slices have this size: for tests of the exits.
    #[cfg(feature = "internals")]
    pub fn fix_slice(&mut self, slice: Option<u64>) {
        self.fixed = slice.map(|slice| slice.min(REGISTER_MAX as u64) as i64);
    }

    /// Takes `cost` from what is left; on failure all of it is gone. Only while nothing is handed out.
    pub fn charge(&mut self, cost: u64) -> Result<(), OutOfGas> {
        if cost > self.left() {
            self.bank = 0;
            self.lost |= self.reserved == 0;
            return Err(OutOfGas);
        }
        self.bank -= cost as i64;
        Ok(())
    }

    /// Puts back what was charged. Only while nothing is handed out.
    pub fn refund(&mut self, gas: u64) -> Result<(), OutOfGas> {
        if gas > self.used() {
            return Err(OutOfGas);
        }
        self.bank += gas as i64;
        Ok(())
    }

    /// Hands the first slice of a run to `cx`.
    pub fn lend(&mut self, cx: &mut Ctx) {
        let give = self.bank.min(self.size());
        self.bank -= give;
        cx.set_gas(give);
    }

    /// Takes what is left of the slice back.
    pub fn collect(&mut self, cx: &mut Ctx) {
        self.bank += cx.gas();
        cx.set_gas(0);
    }

    /// Takes the slice back and settles what the run owes: `due` is what the naive sum is ahead of what has
    /// been paid (negative if the run had paid ahead). On failure all gas is gone. The op would run again
    /// if the call is resumed: `undo` is what it has paid itself.
    pub fn settle(&mut self, cx: &mut Ctx, due: i64, undo: i64) -> Result<(), OutOfGas> {
        self.collect(cx);
        if self.bank < due {
            return Err(self.run_out(self.bank + undo));
        }
        self.bank -= due;
        Ok(())
    }

    /// The gas has run out at an op that can run again; `left` is what there was before it.
    pub fn run_out(&mut self, left: i64) -> OutOfGas {
        self.bank = 0;
        self.suspended = Some(left);
        OutOfGas
    }

    /// An entry from the host begins with no other below it.
    pub fn begin(&mut self) {
        self.lost = false;
    }

    /// How an entry's gas ran out, if it did so in guest code; asking forgets it.
    pub fn take_end(&mut self, outermost: bool) -> Option<End> {
        let left = self.suspended.take()?;
        if !outermost {
            // Under a cap more gas would have changed nothing.
            self.lost |= self.reserved == 0;
        }
        Some(if outermost && !self.lost { End::Resumable(left) } else { End::Final })
    }

    /// Whether all gas has gone in a call that is over: not only what a cap left within reach.
    pub fn lost(&self) -> bool {
        self.lost
    }

    /// The gas ran out where a function was to be entered; nothing of it has run.
    pub fn run_out_at_entry(&mut self) {
        self.run_out(0);
        self.lost |= self.reserved == 0;
    }

    /// All that is left is gone.
    pub fn exhaust(&mut self) {
        self.bank = 0;
    }

    /// Adds gas to the limit for a run that goes on with `left`.
    pub fn resume(&mut self, left: i64, gas: u64) {
        let gas = gas.min(GAS_UNLIMITED - self.limit);
        self.limit += gas;
        // Zero, unless the limit was set anew meanwhile.
        self.bank += left + gas as i64;
    }

    /// After a failed charge: hands out what the op needs and the rest of a slice, or reports out-of-gas, in
    /// which case all gas is gone. What an op pays ahead may overdraw the bank: the run goes on to its next
    /// charge or trap, which settles it.
    pub fn refill(&mut self, cx: &mut Ctx, exit: Exit) -> Result<(), OutOfGas> {
        let charge = cx.failed_charge(exit);
        // The failed charge has been subtracted; undo it, the op runs again.
        self.bank += cx.gas() + charge.cost;
        if self.bank < charge.due_now {
            cx.set_gas(0);
            return Err(self.run_out(self.bank));
        }
        self.adapt(cx.native_depth());
        let give = self.bank.min(self.size()).max(charge.cost);
        self.bank -= give;
        cx.set_gas(give);
        Ok(())
    }

    fn size(&self) -> i64 {
        self.fixed.unwrap_or(self.slice)
    }

    fn adapt(&mut self, depth_bytes: usize) {
        if depth_bytes >= DEPTH_MAX_BYTES {
            self.growing = false;
            self.slice = SLICE_FIRST;
        } else if self.growing && self.slice < SLICE_MAX {
            self.slice *= 4;
        }
    }
}
