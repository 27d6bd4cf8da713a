//! The driver: starts runs, answers the handlers' exits, calls host functions. Nothing here is hot.

use alloc::vec;

use super::caller::Caller;
use super::resume::{Answer, Suspended, Wait};
use super::services;
use super::store::{FuncKind, Store, StoreInner};
use super::trace;
use crate::Error;
use crate::error::Trap;
use crate::exec::ctx::{Exit, Saved, StackError};
use crate::exec::exits::{halt_code, switch_back_code};
use crate::exec::gas::End;
use crate::exec::view::{InstanceView, Switch};
use crate::table::errors::{ErrorCode, TrapCode};

/// Calls a function from the host. `slots` has room for arguments and results; the types are right.
pub(crate) fn call<T>(store: &mut Store<T>, func: u32, slots: &mut [u64]) -> Result<(), Error> {
    store.inner.idle()?;
    store.inner.check_interrupt()?;
    let entity = store.inner.funcs.get(func as usize).copied();
    let entity = entity.ok_or_else(|| Error::new(ErrorCode::Internal))?;
    // Host functions too: a guest can have one call itself, and that uses native stack.
    if store.inner.nesting >= store.inner.engine.profile().limits().host_nesting {
        return Err(trap(TrapCode::StackExhausted));
    }
    let outermost = store.inner.nesting == 0;
    if outermost {
        store.inner.meter.begin();
    }
    match entity.kind {
        FuncKind::Host(host) => {
            let id = store.inner.id;
            store.inner.nesting += 1;
            let result = call_host(store, host, None, slots);
            if store.inner.id == id {
                store.inner.nesting -= 1;
                // With the host's frame in between there is nothing to resume.
                store.inner.poisoned |= outermost && result.as_ref().is_err_and(Error::is_out_of_gas);
            }
            result.map_err(Error::not_resumable)
        }
        FuncKind::Wasm { instance, defined } => {
            let saved = store.inner.cx.arrive().map_err(host_fault)?;
            let switches = store.inner.switches.len();
            store.inner.nesting += 1;
            let base = store.inner.cx.entry_base();
            let depth = store.inner.cx.depth();
            let entry = Entry { func, store: store.inner.id, saved, switches, base, depth, start_of: None };
            let result = enter(store, instance, defined, &entry, slots);
            finish(store, entry, outermost, result)
        }
    }
}

/// An entry from the host; kept if it can be resumed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The function entered.
    pub func: u32,
    /// The instance whose start function it is.
    pub start_of: Option<u32>,
    /// The store that it is of.
    store: u64,
    saved: Saved,
    /// Height of the driver's list of switches.
    switches: usize,
    /// First slot of arguments and results.
    base: usize,
    /// Return records below.
    depth: usize,
}

/// Ends an entry, or keeps it if all that is missing is gas or a host function's results.
fn finish<T>(
    store: &mut Store<T>,
    entry: Entry,
    outermost: bool,
    result: Result<(), Error>,
) -> Result<(), Error> {
    let inner = &mut store.inner;
    if inner.id != entry.store {
        // Nothing of the entry is here (see `call_host`).
        return result.map_err(Error::not_resumable);
    }
    inner.nesting -= 1;
    let end = inner.meter.take_end(outermost);
    // What guest code has written when its gas runs out is not defined: a run pays at its end, and may go on
    // overdrawn (docs/decisions/0005).
    inner.poisoned |= end.is_some() || outermost && result.as_ref().is_err_and(Error::is_out_of_gas);
    let yielded = inner.yielded.take().filter(|_| outermost && !inner.poisoned);
    if let Some(End::Resumable(left)) = end {
        inner.suspended = Some(Suspended { entry, wait: Wait::Gas { left } });
        return result;
    }
    if let Some(Yielded { ty, base, place }) = yielded {
        inner.suspended = Some(Suspended { entry, wait: Wait::Results { ty, base, place } });
        let types = inner.type_of(ty)?.results();
        return result.map_err(|error| error.awaiting(types));
    }
    drop_entry(inner, &entry);
    result.map_err(Error::not_resumable)
}

/// Forgets the frames of an entry.
pub(crate) fn drop_entry(inner: &mut StoreInner, entry: &Entry) {
    inner.switches.truncate(entry.switches);
    inner.cx.leave(entry.saved);
}

/// A host function called from WebAssembly has yielded: its type, the slot of its first result, and where it was called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Yielded {
    ty: u32,
    base: usize,
    place: Place,
}

/// Goes on with the suspended call, which waits for this answer. `slots` has room for the call's results.
pub(crate) fn resume<T>(store: &mut Store<T>, answer: Answer<'_>, slots: &mut [u64]) -> Result<(), Error> {
    let inner = &mut store.inner;
    let suspended = inner.suspended.ok_or_else(|| Error::new(ErrorCode::NothingToResume))?;
    match (suspended.wait, answer) {
        (Wait::Gas { left }, Answer::Gas(gas)) => inner.meter.resume(left, gas),
        (Wait::Results { base, place, .. }, Answer::Results(values)) => {
            inner.cx.slots_mut(base, values.len()).map_err(host_fault)?.copy_from_slice(values);
            host_returns(inner, place);
        }
        _ => return Err(Error::new(ErrorCode::NothingToResume)),
    }
    inner.suspended = None;
    inner.poisoned = false;
    inner.nesting += 1;
    inner.cx.set_funcs(inner.views.as_ptr());
    inner.cx.refresh();
    inner.meter.lend(&mut inner.cx);
    let result = run_to_end(store, &suspended.entry, slots);
    finish(store, suspended.entry, true, result)
}

/// Whether the running entry ends with this error: not by a yield, unless a host function's call is in between.
fn ends(inner: &StoreInner, error: &Error) -> bool {
    !error.is_yield() || inner.nesting > 1
}

/// Runs until the entry returns, and fetches its results.
fn run_to_end<T>(store: &mut Store<T>, entry: &Entry, slots: &mut [u64]) -> Result<(), Error> {
    if let Err(mut error) = run(store) {
        // With another store in its place the stacks are gone, too.
        if store.inner.id == entry.store && ends(&store.inner, &error) {
            trace::add_running(&store.inner, entry.depth, error.backtrace_mut());
        }
        return Err(error);
    }
    let inner = &mut store.inner;
    inner.meter.collect(&mut inner.cx);
    let stack = inner.cx.slots_mut(entry.base, slots.len()).map_err(host_fault)?;
    slots.copy_from_slice(stack);
    Ok(())
}

fn enter<T>(
    store: &mut Store<T>,
    instance: u32,
    defined: u32,
    entry: &Entry,
    slots: &mut [u64],
) -> Result<(), Error> {
    let inner = &mut store.inner;
    let (record, view, enter_cost) = inner.code_of(instance, defined)?;
    match inner.cx.slots_mut(entry.base, slots.len()) {
        Ok(stack) => stack.copy_from_slice(slots),
        Err(error) => return Err(stack_error(inner, error, enter_cost)),
    }
    inner.cx.set_funcs(inner.views.as_ptr());
    if let Err(error) = inner.cx.enter(record, view, entry.base, halt_code()) {
        return Err(stack_error(inner, error, enter_cost));
    }
    inner.meter.lend(&mut inner.cx);
    run_to_end(store, entry, slots)
}

/// Runs until the latest entry returns. On an error all gas has been collected.
fn run<T>(store: &mut Store<T>) -> Result<(), Error> {
    loop {
        let inner = &mut store.inner;
        // Before the handlers get control, whatever the driver had it for: also after a service, which hands
        // out a new slice, so that a loop of them would never use one up.
        if let Err(error) = inner.check_interrupt() {
            inner.meter.collect(&mut inner.cx);
            return Err(error);
        }
        let exit = inner.cx.run();
        #[cfg(feature = "internals")]
        let exit = step(inner, exit);
        match exit {
            Exit::Done => return Ok(()),
            Exit::Charge | Exit::ChargeTaken | Exit::ChargeFall => {
                if inner.meter.refill(&mut inner.cx, exit).is_err() {
                    return Err(Error::new(ErrorCode::OutOfGas));
                }
            }
            Exit::Trap => {
                let code = TrapCode::from_u8(inner.cx.trap() as u8);
                let code = code.ok_or_else(|| Error::new(ErrorCode::Internal))?;
                let due = due_here(inner);
                return Err(trap_here(inner, code, due, 0));
            }
            Exit::SlotsFull if inner.cx.untranslated_callee().is_some() => {
                if let Err(error) = translate_callee(inner) {
                    inner.meter.collect(&mut inner.cx);
                    return Err(error);
                }
            }
            Exit::SlotsFull | Exit::FramesFull => match inner.cx.grow_stack(exit) {
                Ok(()) => {}
                Err(StackError::Exhausted) => {
                    let due = i64::from(inner.cx.callee_enter_cost());
                    let paid = inner.cx.failed_charge(Exit::Charge).cost;
                    return Err(trap_here(inner, TrapCode::StackExhausted, due, paid));
                }
                Err(error) => {
                    inner.meter.collect(&mut inner.cx);
                    return Err(host_fault(error));
                }
            },
            Exit::Service => services::serve(store)?,
            Exit::Step => return Err(Error::new(ErrorCode::Internal)),
            Exit::SwitchBack => {
                let back = inner.switches.pop().ok_or_else(|| Error::new(ErrorCode::Internal))?;
                inner.cx.switch_back(back.instance, back.ip);
            }
        }
    }
}

/// Runs code that stops before each op until something else than a stop comes.
#[cfg(feature = "internals")]
fn step(inner: &mut StoreInner, mut exit: Exit) -> Exit {
    while exit == Exit::Step {
        let inst = inner.cx.instance_index().and_then(|index| {
            let super::module::Code::Eager(code) = &inner.instances.get(index as usize)?.module.inner.code
            else {
                return None;
            };
            code.number_at(inner.cx.ip())
        });
        let Some(inst) = inst.map(crate::code::inst::InstId) else { return exit };
        inner.steps.note(inst);
        exit = inner.cx.run_op(inst);
    }
    exit
}

/// Translates the function that was called, and has the call run again.
#[cold]
fn translate_callee(inner: &mut StoreInner) -> Result<(), Error> {
    let internal = || Error::new(ErrorCode::Internal);
    let func = inner.cx.untranslated_callee().ok_or_else(internal)?;
    let instance = inner.cx.instance_index().ok_or_else(internal)?;
    let imported = inner.instance(instance)?.module.inner.data.env.imported_funcs;
    inner.code_of(instance, func.checked_sub(imported).ok_or_else(internal)?)?;
    inner.cx.repeat_call();
    Ok(())
}

/// A trap at the op that exited: settles the gas first, whose end takes precedence. `due` is what is owed
/// besides, `paid` what the op itself has paid.
pub(crate) fn trap_here(inner: &mut StoreInner, code: TrapCode, due: i64, paid: i64) -> Error {
    if inner.meter.settle(&mut inner.cx, due, paid).is_err() {
        return Error::new(ErrorCode::OutOfGas);
    }
    trap(code)
}

/// All gas is gone.
pub(crate) fn out_of_gas(inner: &mut StoreInner) -> Error {
    inner.cx.set_gas(0);
    Error::new(ErrorCode::OutOfGas)
}

/// What the naive sum at the op that trapped is ahead of what has been paid.
fn due_here(inner: &StoreInner) -> i64 {
    let ip = inner.cx.ip();
    let place = inner.cx.instance_index().and_then(|instance| inner.place(instance, ip, true));
    debug_assert!(place.is_some(), "an op trapped that has no entry in the map");
    place.map_or(0, |(entry, _)| i64::from(entry.due))
}

pub(crate) fn trap(code: TrapCode) -> Error {
    Error::from_trap(Trap::new(code))
}

fn host_fault(_: StackError) -> Error {
    Error::new(ErrorCode::OutOfMemory)
}

/// The stack check after `enter` was paid. Nothing is handed out.
fn stack_error(inner: &mut StoreInner, error: StackError, enter_cost: u32) -> Error {
    match error {
        StackError::Alloc => host_fault(error),
        StackError::Exhausted => match inner.meter.charge(u64::from(enter_cost)) {
            Ok(()) => trap(TrapCode::StackExhausted),
            Err(_) => {
                inner.meter.run_out_at_entry();
                Error::new(ErrorCode::OutOfGas)
            }
        },
    }
}

/// A host function on raw slots. Nothing is handed out meanwhile: its gas is exact.
fn call_host<T>(
    store: &mut Store<T>,
    host: u32,
    instance: Option<u32>,
    slots: &mut [u64],
) -> Result<(), Error> {
    let function = store.hosts.get(host as usize).cloned();
    let function = function.ok_or_else(|| Error::new(ErrorCode::Internal))?;
    let before = (store.inner.id, store.inner.nesting);
    let result = function(Caller { store, instance }, slots);
    // A caller hands the store out as `&mut`: the function may have put another one in its place, and what
    // ran may be gone. Or it has caught a panic that went through a call, which was then not ended.
    if (store.inner.id, store.inner.nesting) != before {
        return Err(Error::new(ErrorCode::WrongStore)
            .with_detail("a host function exchanged its store or broke a call off"));
    }
    if store.inner.interrupted {
        // Whatever the function has made of it.
        return Err(Error::new(ErrorCode::Interrupted));
    }
    result
}

/// A host function has returned, but a call that it made ran out of gas in guest code: no guest goes on
/// over what that has left.
fn end_after_inner(inner: &mut StoreInner) -> Error {
    if inner.meter.lost() {
        inner.meter.exhaust();
        return Error::new(ErrorCode::OutOfGas);
    }
    Error::new(ErrorCode::Poisoned).with_detail("a call under a gas cap has run out of it")
}

/// Where the frame of a callee begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// At this slot of the caller's, where its arguments are.
    Slot(u16),
    /// Where the caller's does, which is over: a tail call. The arguments are at the slots `from` on.
    Caller { from: usize },
}

/// The results of a host function are there: the guest goes on.
fn host_returns(inner: &mut StoreInner, place: Place) {
    match place {
        Place::Slot(_) => inner.cx.advance(),
        Place::Caller { .. } => inner.cx.return_from_host(),
    }
}

/// The running function is about to be replaced by one of another instance: what it returns to, if that is its own
/// instance's code, must be returned to with a switch. A record is changed once, however many tail calls follow.
fn return_with_switch(inner: &mut StoreInner, instance: *const InstanceView) {
    let ip = inner.cx.return_address();
    if ip != halt_code() && ip != switch_back_code() {
        inner.cx.set_return_address(switch_back_code());
        inner.switches.push(Switch { instance, ip });
    }
}

/// A call that a handler leaves to the driver. It has been charged.
pub(crate) fn call_from_wasm<T>(store: &mut Store<T>, func: u32, place: Place) -> Result<(), Error> {
    let inner = &mut store.inner;
    let entity = inner.funcs.get(func as usize).copied();
    let entity = entity.ok_or_else(|| Error::new(ErrorCode::Internal))?;
    let base = inner.cx.absolute(if let Place::Slot(a) = place { a } else { 0 });
    match entity.kind {
        FuncKind::Wasm { instance, defined } => {
            let (record, view, enter_cost) = inner.code_of(instance, defined)?;
            let caller = inner.cx.instance_ptr();
            let ip = inner.cx.ip();
            let entered = match place {
                Place::Slot(_) => inner.cx.enter(record, view, base, switch_back_code()),
                Place::Caller { from } => inner.cx.replace(record, view, from),
            };
            match (entered, place) {
                (Ok(()), Place::Slot(_)) => {
                    let ip = ip.wrapping_add(crate::exec::ctx::SERVICE_WORDS);
                    inner.switches.push(Switch { instance: caller, ip });
                    Ok(())
                }
                (Ok(()), Place::Caller { .. }) => {
                    return_with_switch(inner, caller);
                    Ok(())
                }
                (Err(StackError::Exhausted), _) => {
                    let paid = inner.cx.failed_charge(Exit::Charge).cost;
                    Err(trap_here(inner, TrapCode::StackExhausted, i64::from(enter_cost), paid))
                }
                (Err(error), _) => {
                    inner.meter.collect(&mut inner.cx);
                    Err(host_fault(error))
                }
            }
        }
        FuncKind::Host(host) => {
            let ty = inner.type_of(entity.ty)?;
            let (params, results) = (ty.params().len(), ty.results().len());
            let len = params.max(results);
            let entered = match place {
                Place::Slot(_) => inner.cx.enter_host(base, len),
                Place::Caller { from } => inner.cx.replace_by_host(from, params, len),
            };
            let before = match entered {
                Ok(before) => before,
                Err(StackError::Exhausted) => {
                    return Err(trap_here(inner, TrapCode::StackExhausted, 0, 0));
                }
                Err(error) => {
                    inner.meter.collect(&mut inner.cx);
                    return Err(host_fault(error));
                }
            };
            inner.meter.collect(&mut inner.cx);
            let mut small = [0_u64; 16];
            let mut large;
            let slots = match small.get_mut(..len) {
                Some(slots) => slots,
                None => {
                    large = vec![0; len];
                    &mut large[..]
                }
            };
            slots.copy_from_slice(inner.cx.slots_mut(base, len).map_err(host_fault)?);
            let instance = inner.cx.instance_index();
            let id = inner.id;
            let outcome = call_host(store, host, instance, slots);
            let inner = &mut store.inner;
            if inner.id == id {
                match place {
                    Place::Slot(_) => inner.cx.leave_host(before),
                    Place::Caller { .. } => inner.cx.leave_replacing_host(before),
                }
            }
            if let Err(mut error) = outcome {
                if inner.id == id && ends(inner, &error) {
                    trace::add_host(inner, host, instance, error.backtrace_mut());
                }
                inner.yielded = error.is_yield().then_some(Yielded { ty: entity.ty, base, place });
                return Err(error);
            }
            if inner.poisoned {
                return Err(end_after_inner(inner));
            }
            inner.cx.slots_mut(base, len).map_err(host_fault)?.copy_from_slice(slots);
            inner.cx.set_funcs(inner.views.as_ptr());
            inner.cx.refresh();
            host_returns(inner, place);
            inner.meter.lend(&mut inner.cx);
            Ok(())
        }
    }
}
