//! The machine: a stack of values, a stack of frames, and a loop that charges for an operator and then
//! executes it. One machine serves one entry from the host; a call from WebAssembly to WebAssembly never
//! uses the native stack.

mod bulk;
mod call;
mod control;
mod numeric;
mod state;

use std::sync::Arc;

use ghost_wasm::TrapCode;
use ghost_wasm::internals::Op;

use crate::code::{Code, Step};
use crate::error::{Error, Trap, TrapFrame};
use crate::instance::Instance;
use crate::store::Store;
use crate::value::{FuncAddr, InstanceAddr, Val};

/// Where a branch to it goes, and with how many values.
#[derive(Clone, Copy, Debug)]
struct Label {
    /// Values that a branch takes along.
    arity: usize,
    /// Height of the value stack below them.
    height: usize,
    /// Position of the next operator after a branch.
    continuation: usize,
}

/// An active WebAssembly function.
#[derive(Debug)]
struct Frame {
    instance: InstanceAddr,
    code: Arc<Code>,
    /// The next operator. One past the last: the function is done.
    pc: usize,
    /// Where its locals, labels and operands start.
    locals_base: usize,
    labels_base: usize,
    values_base: usize,
    result_count: usize,
}

/// An entry from the host.
#[derive(Debug)]
struct Machine<'s> {
    store: &'s mut Store,
    values: Vec<u64>,
    locals: Vec<u64>,
    labels: Vec<Label>,
    frames: Vec<Frame>,
    /// It ends because a host function failed.
    host_failed: bool,
}

impl Store {
    /// Calls a function from the host.
    pub fn invoke(&mut self, func: FuncAddr, args: &[Val]) -> Result<Vec<Val>, Error> {
        let ty = self.funcs.get(func.index()).ok_or(Error::Usage("no such function"))?.ty.clone();
        if !args.iter().map(|arg| arg.ty()).eq(ty.params().iter().copied()) {
            return Err(Error::Usage("arguments of other types"));
        }
        self.check_refs(args)?;
        if self.spent {
            return Err(Error::Usage("the store ran out of gas"));
        }
        let before = self.depth;
        let outcome = self.enter_from_host(func, args);
        self.depth = before;
        let values = outcome?;
        if values.len() != ty.results().len() {
            return Err(Error::Bug("not as many results as declared"));
        }
        Ok(ty.results().iter().zip(values).map(|(ty, raw)| Val::from_raw(*ty, raw)).collect())
    }

    /// The values that are left when the function has returned.
    fn enter_from_host(&mut self, func: FuncAddr, args: &[Val]) -> Result<Vec<u64>, Error> {
        let values = args.iter().map(|arg| arg.to_raw()).collect();
        let inner = self.depth.nesting > 0;
        let mut machine = Machine {
            store: self,
            values,
            locals: Vec::new(),
            labels: Vec::new(),
            frames: Vec::new(),
            host_failed: false,
        };
        match machine.call_from_host(func).and_then(|()| machine.run()) {
            Ok(()) => Ok(machine.values),
            Err(Error::OutOfGas) => {
                machine.store.spent |= inner && !machine.host_failed;
                Err(Error::OutOfGas)
            }
            Err(Error::Trap(trap)) => Err(Error::Trap(machine.located(trap))),
            Err(error) => Err(error),
        }
    }

    /// The stack check: one frame more, and slots up to `slots`.
    fn push_frame(&mut self, slots: u64) -> Result<(), Error> {
        let frames = self.depth.frames + 1;
        if frames > self.limits.frames || slots > self.limits.slots {
            return Err(Error::trap(TrapCode::StackExhausted));
        }
        self.depth.frames = frames;
        Ok(())
    }

    fn pop_frame(&mut self) {
        self.depth.frames -= 1;
    }

    /// References to functions must be of this store.
    fn check_refs(&self, vals: &[Val]) -> Result<(), Error> {
        let known = |val: &Val| match val {
            Val::FuncRef(Some(func)) => func.index() < self.funcs.len(),
            _ => true,
        };
        if vals.iter().all(known) { Ok(()) } else { Err(Error::Usage("a function of another store")) }
    }
}

impl Machine<'_> {
    fn run(&mut self) -> Result<(), Error> {
        while let Some(frame) = self.frames.last() {
            match frame.code.steps.get(frame.pc).copied() {
                Some(step) => self.step(step)?,
                None => self.leave()?,
            }
        }
        Ok(())
    }

    /// Charges for one operator and executes it.
    fn step(&mut self, step: Step) -> Result<(), Error> {
        let op = step.instr.op;
        let values = self.values_moved(&step)?;
        let class = if self.closes_body(op)? { Op::Return.class() } else { op.class() };
        self.store.charge_class(class, values)?;
        self.store.count_op(op);
        self.frame_mut()?.pc += 1;
        self.execute(step)
    }

    fn execute(&mut self, step: Step) -> Result<(), Error> {
        let i = step.instr;
        match i.op {
            Op::Unreachable => Err(Error::trap(TrapCode::Unreachable)),
            Op::Nop => Ok(()),
            Op::Block
            | Op::Loop
            | Op::If
            | Op::Else
            | Op::End
            | Op::Br
            | Op::BrIf
            | Op::BrTable
            | Op::Return => self.control(step),
            Op::Call => self.call(self.instance()?.func(i.x)?),
            Op::CallIndirect => {
                let func = self.selected(i.x, i.y)?;
                self.call(func)
            }
            Op::ReturnCall => self.tail_call(self.instance()?.func(i.x)?),
            Op::ReturnCallIndirect => {
                let func = self.selected(i.x, i.y)?;
                self.tail_call(func)
            }
            Op::Drop => self.pop().map(drop),
            Op::Select | Op::SelectT => {
                let (condition, second, first) = (self.pop_u32()?, self.pop()?, self.pop()?);
                self.push(if condition != 0 { first } else { second })
            }
            Op::LocalGet => {
                let value = *self.local(i.x)?;
                self.push(value)
            }
            Op::LocalSet => {
                let value = self.pop()?;
                *self.local(i.x)? = value;
                Ok(())
            }
            Op::LocalTee => {
                let value = self.pop()?;
                *self.local(i.x)? = value;
                self.push(value)
            }
            Op::GlobalGet
            | Op::GlobalSet
            | Op::TableGet
            | Op::TableSet
            | Op::TableSize
            | Op::MemorySize
            | Op::RefNull
            | Op::RefIsNull
            | Op::RefFunc => self.state(i),
            Op::MemoryGrow
            | Op::MemoryInit
            | Op::MemoryCopy
            | Op::MemoryFill
            | Op::DataDrop
            | Op::TableGrow
            | Op::TableInit
            | Op::TableCopy
            | Op::TableFill
            | Op::ElemDrop => self.bulk(i),
            Op::I32Const | Op::F32Const => self.push(u64::from(i.z as u32)),
            Op::I64Const | Op::F64Const => self.push(i.z),
            _ if matches!(i.op.imm(), ghost_wasm::internals::Imm::MemArg(_)) => self.access(i),
            _ => self.numeric(i.op),
        }
    }

    // The stack of values. Operands of the labels around are out of reach: the validator saw to it, and
    // here it is checked.

    fn push(&mut self, value: u64) -> Result<(), Error> {
        self.values.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Result<u64, Error> {
        let floor = self.labels.last().map_or(0, |label| label.height);
        if self.values.len() <= floor {
            return Err(Error::Bug("an operand is missing"));
        }
        self.values.pop().ok_or(Error::Bug("an operand is missing"))
    }

    fn pop_u32(&mut self) -> Result<u32, Error> {
        Ok(self.pop()? as u32)
    }

    /// Takes the upper `count` values away, the lowest of them first in the answer.
    fn pop_many(&mut self, count: usize) -> Result<Vec<u64>, Error> {
        let at = self.values.len().checked_sub(count).ok_or(Error::Bug("operands are missing"))?;
        Ok(self.values.split_off(at))
    }

    /// Slots that are in use: of what lies below this entry, locals, and operands.
    fn slots_in_use(&self) -> u64 {
        self.store.depth.slots + self.locals.len() as u64 + self.values.len() as u64
    }

    // What is around.

    fn frame(&self) -> Result<&Frame, Error> {
        self.frames.last().ok_or(Error::Bug("no frame"))
    }

    fn frame_mut(&mut self) -> Result<&mut Frame, Error> {
        self.frames.last_mut().ok_or(Error::Bug("no frame"))
    }

    fn local(&mut self, index: u32) -> Result<&mut u64, Error> {
        let at = self.frame()?.locals_base + index as usize;
        self.locals.get_mut(at).ok_or(Error::Bug("no such local"))
    }

    fn instance_addr(&self) -> Result<InstanceAddr, Error> {
        Ok(self.frame()?.instance)
    }

    fn instance(&self) -> Result<&Instance, Error> {
        self.store.instance(self.instance_addr()?)
    }

    /// The trap, with the frames that it unwinds.
    fn located(&self, mut trap: Box<Trap>) -> Box<Trap> {
        // What comes out of a host function with frames was located where it happened.
        if trap.frames.is_empty() {
            trap.frames = self.frames.iter().rev().map(Frame::place).collect();
        }
        trap
    }
}

impl Frame {
    fn place(&self) -> TrapFrame {
        let current = self.pc.checked_sub(1).and_then(|at| self.code.steps.get(at));
        TrapFrame { func_index: self.code.func_index, offset: current.map(|step| step.offset) }
    }
}
