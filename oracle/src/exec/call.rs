//! Calls: into WebAssembly by pushing a frame, into the host by a native call.

use ghost_wasm::{FuncType, TrapCode};

use super::{Frame, Label, Machine};
use crate::error::Error;
use crate::store::{Func, FuncKind, HostFn};
use crate::value::{FuncAddr, InstanceAddr, Val};

impl Machine<'_> {
    /// Calls a function whose arguments are on the stack, from WebAssembly.
    pub(super) fn call(&mut self, func: FuncAddr) -> Result<(), Error> {
        let caller = self.instance_addr()?;
        self.call_by(caller, func)
    }

    /// Calls a function whose arguments are on the stack, in place of the running one: that is gone, with all it
    /// had, before the callee begins.
    pub(super) fn tail_call(&mut self, func: FuncAddr) -> Result<(), Error> {
        let caller = self.instance_addr()?;
        let args = self.pop_many(self.store.func(func)?.ty.params().len())?;
        let frame = self.frames.pop().ok_or(Error::Bug("no frame"))?;
        self.labels.truncate(frame.labels_base);
        self.values.truncate(frame.values_base);
        self.locals.truncate(frame.locals_base);
        self.store.pop_frame();
        self.values.extend(args);
        self.call_by(caller, func).map_err(|error| match error {
            // If there is no room for the callee, it is the running function that has failed.
            Error::Trap(mut trap) if trap.frames.is_empty() => {
                trap.frames =
                    core::iter::once(&frame).chain(self.frames.iter().rev()).map(Frame::place).collect();
                Error::Trap(trap)
            }
            error => error,
        })
    }

    fn call_by(&mut self, caller: InstanceAddr, func: FuncAddr) -> Result<(), Error> {
        let Func { ty, kind } = self.store.func(func)?.clone();
        match kind {
            FuncKind::Wasm(instance, index) => self.enter(instance, index, &ty, 0),
            FuncKind::Host(host) => {
                let args = self.pop_many(ty.params().len())?;
                let above = self.slots_in_use() + ty.params().len().max(ty.results().len()) as u64;
                self.store.push_frame(above)?;
                let below = core::mem::replace(&mut self.store.depth.slots, above);
                self.call_host(&ty, &*host, Some(caller), &args)?;
                if self.store.spent {
                    return Err(Error::OutOfGas);
                }
                self.store.depth.slots = below;
                self.store.pop_frame();
                Ok(())
            }
        }
    }

    /// Calls a function whose arguments are on the stack, from the host.
    pub(super) fn call_from_host(&mut self, func: FuncAddr) -> Result<(), Error> {
        let Func { ty, kind } = self.store.func(func)?.clone();
        if self.store.depth.nesting >= self.store.limits.nesting {
            return Err(Error::trap(TrapCode::StackExhausted));
        }
        self.store.depth.nesting += 1;
        match kind {
            FuncKind::Wasm(instance, index) => self.enter(instance, index, &ty, ty.results().len()),
            FuncKind::Host(host) => {
                let args = self.pop_many(ty.params().len())?;
                self.call_host(&ty, &*host, None, &args)
            }
        }
    }

    fn call_host(
        &mut self,
        ty: &FuncType,
        host: &HostFn,
        caller: Option<InstanceAddr>,
        args: &[u64],
    ) -> Result<(), Error> {
        let args: Vec<Val> = ty.params().iter().zip(args).map(|(ty, raw)| Val::from_raw(*ty, *raw)).collect();
        let results = host(self.store, caller, &args).inspect_err(|_| self.host_failed = true)?;
        if !results.iter().map(|val| val.ty()).eq(ty.results().iter().copied()) {
            return Err(Error::Usage("a host function returned other types than it declares"));
        }
        self.store.check_refs(&results)?;
        self.values.extend(results.iter().map(|val| val.to_raw()));
        Ok(())
    }

    /// The function that an indirect call selects.
    pub(super) fn selected(&mut self, type_index: u32, table_index: u32) -> Result<FuncAddr, Error> {
        let index = self.pop_u32()?;
        let table = self.instance()?.table(table_index)?;
        let entry = self.store.table_inst(table)?.get(index);
        let entry = entry.ok_or_else(|| Error::trap(TrapCode::UndefinedElement))?;
        let null = || Error::trap(TrapCode::IndirectCallToNull);
        let func = FuncAddr(entry.checked_sub(1).ok_or_else(null)? as u32);
        if self.store.func(func)?.ty != *self.instance()?.func_type(type_index)? {
            return Err(Error::trap(TrapCode::BadSignature));
        }
        Ok(func)
    }

    /// Enters a WebAssembly function: the pseudo-operator `enter` is paid, then the stack is checked. It must
    /// have room for `slots_min`, too.
    fn enter(
        &mut self,
        instance: InstanceAddr,
        func_index: u32,
        ty: &FuncType,
        slots_min: usize,
    ) -> Result<(), Error> {
        let module = &self.store.instance(instance)?.module;
        let code = module.code(func_index)?.clone();
        let cost = self.store.schedule.enter_cost(code.local_count);
        self.store.charge(u64::from(cost))?;
        let args = self.pop_many(ty.params().len())?;
        let above = self.slots_in_use() + code.frame_slots.max(slots_min as u64);
        self.store.push_frame(above)?;

        let locals_base = self.locals.len();
        self.locals.extend(args);
        self.locals.resize(self.locals.len() + code.local_count as usize, 0);
        let result_count = ty.results().len();
        let body = Label { arity: result_count, height: self.values.len(), continuation: code.steps.len() };
        let labels_base = self.labels.len();
        self.labels.push(body);
        let values_base = self.values.len();
        self.frames.push(Frame {
            instance,
            code,
            pc: 0,
            locals_base,
            labels_base,
            values_base,
            result_count,
        });
        Ok(())
    }

    /// Leaves a function whose results, and nothing else of it, are on the stack.
    pub(super) fn leave(&mut self) -> Result<(), Error> {
        let frame = self.frames.pop().ok_or(Error::Bug("no frame"))?;
        if self.values.len() != frame.values_base + frame.result_count {
            return Err(Error::Bug("a function leaves more or less than its results"));
        }
        if self.labels.len() != frame.labels_base {
            return Err(Error::Bug("a function leaves labels"));
        }
        self.locals.truncate(frame.locals_base);
        self.store.pop_frame();
        Ok(())
    }
}
