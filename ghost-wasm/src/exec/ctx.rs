//! The execution context: what handlers share besides their registers, how a run starts and how it ends.

mod tail;

use core::ptr;

use super::stack::{AllocFailed, Frame, Stack};
use super::view::{CodeRecord, FuncView, InstanceView, Word};

/// Why handlers stopped. The number is what the leaving handler returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Exit {
    /// The function that the host entered has returned.
    Done = 0,
    /// The charge of an op failed that has one cost.
    Charge,
    /// The charge of a conditional op failed on the edge that jumps.
    ChargeTaken,
    /// The charge of a conditional op failed on the edge that falls through.
    ChargeFall,
    /// A trap; its code is in [`Ctx::trap`].
    Trap,
    /// The value stack must grow to hold the frame of [`Ctx::callee`].
    SlotsFull,
    /// The return stack must grow.
    FramesFull,
    /// The driver has work; which is in [`Ctx::service`].
    Service,
    /// A function has returned into another instance.
    SwitchBack,
    /// One op of code that is stepped through is next (`exec/step.rs`).
    Step,
}

impl Exit {
    pub(super) fn from_raw(raw: u64) -> Exit {
        const ALL: [Exit; 10] = [
            Exit::Done,
            Exit::Charge,
            Exit::ChargeTaken,
            Exit::ChargeFall,
            Exit::Trap,
            Exit::SlotsFull,
            Exit::FramesFull,
            Exit::Service,
            Exit::SwitchBack,
            Exit::Step,
        ];
        ALL[raw as usize % ALL.len()]
    }
}

/// Work that a handler leaves to the driver. The op has four words: handler; `a` (u16), `b` (u16), `x`
/// (u32); cost (u32), 0; `y` (u32), 0. Unless said otherwise, operands are in slots `a`, `a + 1`, `a + 2`
/// in the order of the WebAssembly stack, the result goes to slot `a`, the cost is the operator's base and has
/// been charged, and the run goes on at the next op ([`Ctx::advance`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Service {
    /// Call of imported function `x`; arguments from slot `a` on, results to the same place.
    CallImport = 0,
    /// Call of the store's function [`Ctx::payload`] (a host function, or one of another instance);
    /// arguments from slot `a` on, results to the same place.
    CallRef,
    /// `memory.grow`.
    MemoryGrow,
    /// `memory.copy`.
    MemoryCopy,
    /// `memory.fill`.
    MemoryFill,
    /// `memory.init` of segment `x`.
    MemoryInit,
    /// `data.drop` of segment `x`.
    DataDrop,
    /// `table.get` of table `x`.
    TableGet,
    /// `table.set` of table `x`.
    TableSet,
    /// `table.size` of table `x`.
    TableSize,
    /// `table.grow` of table `x`.
    TableGrow,
    /// `table.fill` of table `x`.
    TableFill,
    /// `table.copy` to table `x` from table `y`.
    TableCopy,
    /// `table.init` from segment `x` to table `y`.
    TableInit,
    /// `elem.drop` of segment `x`.
    ElemDrop,
    /// `ref.func` of function `x`.
    RefFunc,
    /// Tail call of imported function `x`; arguments from slot `y` on, results to the frame's start (`a` is 0). The
    /// run goes on where the running function was called.
    TailImport,
    /// Tail call of the store's function [`Ctx::payload`], likewise.
    TailRef,
    /// Nothing: the native stack unwinds where calls in tail position are calls. The accumulators stay.
    Pause,
}

impl Service {
    /// All services, by number.
    pub const ALL: [Service; 19] = [
        Service::CallImport,
        Service::CallRef,
        Service::MemoryGrow,
        Service::MemoryCopy,
        Service::MemoryFill,
        Service::MemoryInit,
        Service::DataDrop,
        Service::TableGet,
        Service::TableSet,
        Service::TableSize,
        Service::TableGrow,
        Service::TableFill,
        Service::TableCopy,
        Service::TableInit,
        Service::ElemDrop,
        Service::RefFunc,
        Service::TailImport,
        Service::TailRef,
        Service::Pause,
    ];
}

/// Words of a service op.
pub const SERVICE_WORDS: usize = 4;

/// The operands of a service op.
#[derive(Clone, Copy, Debug)]
pub struct ServiceArgs {
    /// The first operand's slot.
    pub a: u16,
    /// First index.
    pub x: u32,
    /// Second index.
    pub y: u32,
}

/// Shared state of handlers and driver.
///
/// Invariants, on which the handlers' unsafe code rests:
/// - `ip` is at an op of code that the translator made for `instance`'s module, or at the codes of
///   `exits.rs`;
/// - `fp ..= fp + frame_slots` of the running function lies inside `stack.slots`, whose end is `slots_end`;
/// - `frames_top` is inside `stack.frames`, whose end is `frames_end`;
/// - `memory`, `memory_len`, `globals`, `tables`, `records`, `type_ids` are those of `instance`;
///   `funcs` are those of the store.
#[derive(Debug)]
#[repr(C)]
pub struct Ctx {
    pub(super) memory_len: u64,
    pub(super) slots_end: *mut u64,
    pub(super) frames_top: *mut Frame,
    pub(super) frames_end: *mut Frame,
    pub(super) globals: *const *mut u64,
    pub(super) records: *const CodeRecord,
    pub(super) tables: *const *const super::view::TableView,
    pub(super) funcs: *const FuncView,
    pub(super) type_ids: *const u32,
    pub(super) instance: *const InstanceView,
    pub(super) memory: *mut u8,
    pub(super) ip: *const Word,
    pub(super) fp: *mut u64,
    pub(super) gas: i64,
    pub(super) acc: u64,
    pub(super) facc: f64,
    pub(super) callee: *const CodeRecord,
    pub(super) payload: u64,
    pub(super) service: u32,
    pub(super) trap: u32,
    /// Native stack address at the last exit by a failed charge: how deep the handlers were.
    pub(super) probe: usize,
    /// How far below the driver that was.
    pub(super) depth_bytes: usize,
    stack: Stack,
    /// Slots in use below the next entry from the host.
    entry_base: usize,
}

// SAFETY: all pointers lead into what the store owns (stack, views), and the store owns the context.
unsafe impl Send for Ctx {}

/// Where a run stood before an entry from the host; put back by [`Ctx::leave`].
#[derive(Clone, Copy, Debug)]
pub struct Saved {
    ip: *const Word,
    fp_index: usize,
    depth: usize,
    instance: *const InstanceView,
    entry_base: usize,
}

// SAFETY: its pointers lead where those of the context do, and only the store that owns both uses them.
unsafe impl Send for Saved {}

/// What a failed charge would have cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// All of it.
    pub cost: i64,
    /// What must be there; the rest was paid ahead of the run that follows.
    pub due_now: i64,
}

/// The stack's limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackError {
    /// "call stack exhausted"
    Exhausted,
    /// The allocator refused.
    Alloc,
}

impl From<AllocFailed> for StackError {
    fn from(_: AllocFailed) -> StackError {
        StackError::Alloc
    }
}

impl Ctx {
    /// A context that runs nothing yet.
    pub fn new(slots_max: usize, frames_max: usize) -> Ctx {
        Ctx {
            memory_len: 0,
            slots_end: ptr::null_mut(),
            frames_top: ptr::null_mut(),
            frames_end: ptr::null_mut(),
            globals: ptr::null(),
            records: ptr::null(),
            tables: ptr::null(),
            funcs: ptr::null(),
            type_ids: ptr::null(),
            instance: ptr::null(),
            memory: ptr::null_mut(),
            ip: ptr::null(),
            fp: ptr::null_mut(),
            gas: 0,
            acc: 0,
            facc: 0.0,
            callee: ptr::null(),
            payload: 0,
            service: 0,
            trap: 0,
            probe: 0,
            depth_bytes: 0,
            stack: Stack::new(slots_max, frames_max),
            entry_base: 0,
        }
    }

    /// The gas left of the slice that was handed out. Negative after a failed charge.
    pub fn gas(&self) -> i64 {
        self.gas
    }

    /// Hands out a slice.
    pub fn set_gas(&mut self, gas: i64) {
        self.gas = gas;
    }

    /// Bytes of memory that it has allocated: the stacks.
    pub fn heap_bytes(&self) -> u64 {
        self.stack.heap_bytes()
    }

    /// Which work is asked for after [`Exit::Service`].
    pub fn service(&self) -> Service {
        Service::ALL[self.service as usize % Service::ALL.len()]
    }

    /// The number of the trap after [`Exit::Trap`].
    pub fn trap(&self) -> u32 {
        self.trap
    }

    /// What [`Service::CallRef`] calls: index of a function in the store.
    pub fn payload(&self) -> u64 {
        self.payload
    }

    /// The running instance's number in its store; `None` outside a run.
    pub fn instance_index(&self) -> Option<u32> {
        // SAFETY: `instance` is null or points at a live view (invariant of the type).
        unsafe { self.instance.as_ref() }.map(|view| view.index)
    }

    /// The running instance's view.
    pub fn instance_ptr(&self) -> *const InstanceView {
        self.instance
    }

    /// Reads memory, globals, tables again: after anything that may have moved or grown them.
    pub fn refresh(&mut self) {
        // SAFETY: `instance` is null or points at a live view (invariant of the type).
        let Some(view) = (unsafe { self.instance.as_ref() }) else { return };
        self.globals = view.globals;
        self.tables = view.tables;
        self.records = view.records;
        self.type_ids = view.type_ids;
        // SAFETY: a view's memory is null or points at a live `MemoryView` (invariant of the view).
        match unsafe { view.memory.as_ref() } {
            Some(memory) => {
                self.memory = memory.base.get();
                self.memory_len = memory.len.get();
            }
            None => {
                self.memory = ptr::NonNull::dangling().as_ptr();
                self.memory_len = 0;
            }
        }
    }

    /// The function table of the store has moved.
    pub fn set_funcs(&mut self, funcs: *const FuncView) {
        self.funcs = funcs;
    }
}

impl Ctx {
    /// Starts an entry from the host: the stack above what is in use is free for it. Undo with
    /// [`leave`](Ctx::leave), in any outcome.
    pub fn arrive(&mut self) -> Result<Saved, StackError> {
        self.stack.warm()?;
        self.update_ends();
        if self.frames_top.is_null() {
            self.frames_top = self.stack.frames.as_mut_ptr();
            self.fp = self.stack.slots.as_mut_ptr();
        }
        Ok(Saved {
            ip: self.ip,
            fp_index: self.index_of(self.fp),
            depth: self.depth(),
            instance: self.instance,
            entry_base: self.entry_base,
        })
    }

    /// Ends an entry from the host: drops its frames and puts the state before it back.
    pub fn leave(&mut self, saved: Saved) {
        self.ip = saved.ip;
        self.fp = self.pointer_to(saved.fp_index);
        self.frames_top = self.stack.frames.as_mut_ptr().wrapping_add(saved.depth);
        self.instance = saved.instance;
        self.entry_base = saved.entry_base;
        self.refresh();
    }

    /// As it was when new: no run is under way. Keeps the stacks, unless they have grown large; what they hold
    /// is never read before it is written.
    pub fn reset(&mut self) {
        self.stack.trim();
        self.slots_end = ptr::null_mut();
        self.frames_top = ptr::null_mut();
        self.frames_end = ptr::null_mut();
        self.instance = ptr::null();
        self.ip = ptr::null();
        self.fp = ptr::null_mut();
        self.gas = 0;
        self.entry_base = 0;
    }

    /// Number of return records in use: of activations, the host's functions included.
    pub fn depth(&self) -> usize {
        (self.frames_top as usize).wrapping_sub(self.stack.frames.as_ptr() as usize) / size_of::<Frame>()
    }

    /// The first slot that an entry from the host may use.
    pub fn entry_base(&self) -> usize {
        self.entry_base
    }

    /// The slot index (from the stack's bottom) of slot `a` of the running frame.
    pub fn absolute(&self, a: u16) -> usize {
        self.index_of(self.fp).saturating_add(usize::from(a))
    }

    /// Slots by absolute index: `len` of them from `start`. Grows the stack if it must.
    pub fn slots_mut(&mut self, start: usize, len: usize) -> Result<&mut [u64], StackError> {
        self.need_slots(start.saturating_add(len))?;
        self.stack.slots.get_mut(start..start.saturating_add(len)).ok_or(StackError::Exhausted)
    }

    /// Enters a function of instance `instance`, whose arguments are at absolute slot `base`; it returns to
    /// `ret`. Pushes a return record, zeroes the locals. Gas: nothing is charged here; the body's first
    /// charge holds `enter_cost`, and if this fails with `Exhausted` the caller owes
    /// `enter_cost`.
    pub fn enter(
        &mut self,
        record: *const CodeRecord,
        instance: *const InstanceView,
        base: usize,
        ret: *const Word,
    ) -> Result<(), StackError> {
        // SAFETY: records are those of live instances (contract of the views).
        let record = unsafe { &*record };
        self.push_frame(ret)?;
        if let Err(error) = self.need_slots(base.saturating_add(record.frame_slots as usize)) {
            self.pop_frame();
            return Err(error);
        }
        let first = base + usize::from(record.zero_from);
        if let Some(locals) = self.stack.slots.get_mut(first..first + usize::from(record.zero_count)) {
            locals.fill(0);
        }
        self.fp = self.pointer_to(base);
        self.ip = record.code;
        if instance != self.instance {
            self.instance = instance;
            self.refresh();
        }
        Ok(())
    }

    /// Pushes the return record that a host function's activation counts as. `base` and `len` are the slots
    /// of its arguments and results, above which a nested entry starts. The counterpart is
    /// [`leave_host`](Ctx::leave_host) with the returned value.
    pub fn enter_host(&mut self, base: usize, len: usize) -> Result<usize, StackError> {
        self.push_frame(self.ip)?;
        if let Err(error) = self.need_slots(base.saturating_add(len)) {
            self.pop_frame();
            return Err(error);
        }
        let before = self.entry_base;
        self.entry_base = base + len;
        Ok(before)
    }

    /// Pops a host function's return record.
    pub fn leave_host(&mut self, before: usize) {
        self.entry_base = before;
        self.pop_frame();
    }

    /// Back to instance `instance` at `ip`: the driver's answer to [`Exit::SwitchBack`].
    pub fn switch_back(&mut self, instance: *const InstanceView, ip: *const Word) {
        self.instance = instance;
        self.ip = ip;
        self.refresh();
    }

    /// Where the run stands: at the op that exited.
    pub fn ip(&self) -> *const Word {
        self.ip
    }

    /// Goes on behind a service op. Its result, if it has one, is in slot `a`; the op that follows may take
    /// it from an accumulator.
    pub fn advance(&mut self) {
        let result = self.slot(usize::from(self.service_args().a));
        self.acc = result;
        self.facc = f64::from_bits(result);
        self.skip();
    }

    /// Goes on behind a service op that does nothing.
    pub fn skip(&mut self) {
        self.ip = self.ip.wrapping_add(SERVICE_WORDS);
    }

    /// Return addresses of the activations from number `from` on, innermost first.
    pub fn return_addresses(&self, from: usize) -> impl Iterator<Item = *const Word> + '_ {
        let depth = self.depth();
        self.stack.frames.get(from..depth).unwrap_or_default().iter().rev().map(|frame| frame.ip)
    }

    /// The operands of a service op.
    pub fn service_args(&self) -> ServiceArgs {
        ServiceArgs { a: self.word(1) as u16, x: (self.word(1) >> 32) as u32, y: self.word(3) as u32 }
    }

    /// A slot of the running frame.
    pub fn slot(&self, a: usize) -> u64 {
        self.stack.slots.get(self.index_of(self.fp).saturating_add(a)).copied().unwrap_or(0)
    }

    /// Writes a slot of the running frame.
    pub fn set_slot(&mut self, a: usize, value: u64) {
        let index = self.index_of(self.fp).saturating_add(a);
        if let Some(slot) = self.stack.slots.get_mut(index) {
            *slot = value;
        }
    }

    /// What the charge that failed (`exit`) costs.
    pub fn failed_charge(&self, exit: Exit) -> Charge {
        let (costs, more) = (self.word(2), self.word(3));
        match exit {
            Exit::ChargeTaken => {
                Charge { cost: i64::from(costs as u32), due_now: i64::from((more >> 32) as u32) }
            }
            Exit::ChargeFall => {
                Charge { cost: (costs >> 32) as i64, due_now: i64::from((more >> 32) as u32) }
            }
            _ => Charge { cost: i64::from(costs as u32), due_now: i64::from(costs as u32) },
        }
    }

    /// Makes room after [`Exit::SlotsFull`] or [`Exit::FramesFull`], and takes the call's charge back,
    /// because the op runs again. `Exhausted`: the limit is reached; the charge stays, and the callee's
    /// `enter_cost` ([`callee_enter_cost`](Ctx::callee_enter_cost)) is owed besides.
    pub fn grow_stack(&mut self, exit: Exit) -> Result<(), StackError> {
        if exit == Exit::FramesFull {
            let depth = self.depth();
            if !self.stack.grow_frames()? {
                return Err(StackError::Exhausted);
            }
            self.frames_top = self.stack.frames.as_mut_ptr().wrapping_add(depth);
            self.update_ends();
        } else {
            // SAFETY: the leaving handler has set `callee` to a live record.
            let slots = unsafe { (*self.callee).frame_slots } as usize;
            let base = self.absolute(self.word(1) as u16);
            self.need_slots(base.saturating_add(slots))?;
        }
        self.repeat_call();
        Ok(())
    }

    /// After [`Exit::SlotsFull`]: the function (by module index) that was called, if it is not translated yet.
    pub fn untranslated_callee(&self) -> Option<u32> {
        // SAFETY: the leaving handler has set `callee` to a live record.
        let record = unsafe { &*self.callee };
        record.is_untranslated().then_some(record.func)
    }

    /// Gives back what the call at `ip` has paid: it runs again.
    pub fn repeat_call(&mut self) {
        self.gas += i64::from(self.word(2) as u32);
    }

    /// The `enter_cost` of the function whose frame did not fit.
    pub fn callee_enter_cost(&self) -> u32 {
        // SAFETY: the leaving handler has set `callee` to a live record.
        unsafe { (*self.callee).enter_cost }
    }

    /// Native stack between the driver and the last failed charge. A nonsense value counts as deep.
    pub fn native_depth(&self) -> usize {
        self.depth_bytes
    }

    /// Word `n` of the op at `ip`.
    fn word(&self, n: usize) -> u64 {
        // SAFETY: `ip` is at an op (invariant), and asked for are only words that the op has: exits name
        // the kind of op, and every charging op has at least four words or is followed by another op.
        unsafe { *self.ip.add(n) }
    }

    fn push_frame(&mut self, ret: *const Word) -> Result<(), StackError> {
        if self.frames_top == self.frames_end {
            let depth = self.depth();
            if !self.stack.grow_frames()? {
                return Err(StackError::Exhausted);
            }
            self.frames_top = self.stack.frames.as_mut_ptr().wrapping_add(depth);
            self.update_ends();
        }
        let frame = Frame { ip: ret, fp: self.fp };
        // SAFETY: `frames_top` is inside `stack.frames` and below its end, as just checked.
        unsafe { *self.frames_top = frame };
        self.frames_top = self.frames_top.wrapping_add(1);
        Ok(())
    }

    fn pop_frame(&mut self) {
        self.frames_top = self.frames_top.wrapping_sub(1);
    }

    fn need_slots(&mut self, slots: usize) -> Result<(), StackError> {
        if slots <= self.stack.slots.len() {
            return Ok(());
        }
        let index = self.index_of(self.fp);
        if !self.stack.grow_slots(slots)? {
            return Err(StackError::Exhausted);
        }
        self.fp = self.pointer_to(index);
        self.update_ends();
        Ok(())
    }

    fn update_ends(&mut self) {
        self.slots_end = self.pointer_to(self.stack.slots.len());
        let frames = self.stack.frames.len();
        self.frames_end = self.stack.frames.as_mut_ptr().wrapping_add(frames);
    }

    fn index_of(&self, fp: *mut u64) -> usize {
        (fp as usize).wrapping_sub(self.stack.slots.as_ptr() as usize) / size_of::<u64>()
    }

    fn pointer_to(&mut self, index: usize) -> *mut u64 {
        self.stack.slots.as_mut_ptr().wrapping_add(index)
    }
}
