//! Calls: into WebAssembly by pushing a frame, into the host by a native call.

use ghost_wasm::TrapCode;

use super::{Frame, Label, Machine};
use crate::error::Error;
use crate::store::FuncKind;
use crate::value::{FuncAddr, InstanceAddr, Val};

impl Machine<'_> {
    /// Calls a function whose arguments are on the stack.
    pub(super) fn call(&mut self, func: FuncAddr) -> Result<(), Error> {
        let func = self.store.func(func)?.clone();
        match func.kind {
            FuncKind::Wasm(instance, index) => self.enter(instance, index, func.ty.results().len()),
            FuncKind::Host(host) => {
                let caller = self.frames.last().map(|frame| frame.instance);
                let raw = self.pop_many(func.ty.params().len())?;
                let args: Vec<Val> =
                    func.ty.params().iter().zip(raw).map(|(ty, raw)| Val::from_raw(*ty, raw)).collect();
                self.store.push_frame(0)?;
                let results = host(self.store, caller, &args)?;
                self.store.pop_frame(0);
                if !results.iter().map(|val| val.ty()).eq(func.ty.results().iter().copied()) {
                    return Err(Error::Usage("a host function returned other types than it declares"));
                }
                self.store.check_refs(&results)?;
                self.values.extend(results.iter().map(|val| val.to_raw()));
                Ok(())
            }
        }
    }

    pub(super) fn call_indirect(&mut self, type_index: u32, table_index: u32) -> Result<(), Error> {
        let index = self.pop_u32()?;
        let table = self.instance()?.table(table_index)?;
        let entry = self.store.table_inst(table)?.get(index);
        let entry = entry.ok_or_else(|| Error::trap(TrapCode::UndefinedElement))?;
        let null = || Error::trap(TrapCode::IndirectCallToNull);
        let func = FuncAddr(entry.checked_sub(1).ok_or_else(null)? as u32);
        if self.store.func(func)?.ty != *self.instance()?.func_type(type_index)? {
            return Err(Error::trap(TrapCode::BadSignature));
        }
        self.call(func)
    }

    /// Enters a WebAssembly function: the pseudo-operator `enter` is paid, then the stack is checked.
    fn enter(&mut self, instance: InstanceAddr, func_index: u32, result_count: usize) -> Result<(), Error> {
        let module = &self.store.instance(instance)?.module;
        let code = module.code(func_index)?.clone();
        let param_count = module.func_type(func_index)?.params().len();
        let cost = self.store.schedule.enter_cost(code.local_count);
        self.store.charge(u64::from(cost))?;
        self.store.push_frame(code.frame_slots)?;

        let args = self.pop_many(param_count)?;
        let locals_base = self.locals.len();
        self.locals.extend(args);
        self.locals.resize(self.locals.len() + code.local_count as usize, 0);
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
        self.store.pop_frame(frame.code.frame_slots);
        Ok(())
    }
}
