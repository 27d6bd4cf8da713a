//! Function bodies full of control flow: nested blocks with parameters and results, branches that carry
//! values, writes to locals whose old value waits on the operand stack, loads that feed arithmetic. Every
//! body is valid; what it computes does not matter.

use std::ops::RangeInclusive;

use arbitrary::{Result, Unstructured};
use ghost_wasm::ValType;
use ghost_wasm::internals::{Imm, Op, Signature};
use wasm_encoder::{BlockType, Encode, Function, Instruction};

use crate::program::{Shape, encoder_type};

const OPERANDS_MAX: usize = 40;
const DEPTH_MAX: usize = 12;

struct Frame {
    /// Operands below it.
    height: usize,
    params: Vec<ValType>,
    results: Vec<ValType>,
    is_loop: bool,
    /// An `if` whose `else` has not come.
    open_if: bool,
    unreachable: bool,
}

impl Frame {
    fn label(&self) -> &[ValType] {
        if self.is_loop { &self.params } else { &self.results }
    }
}

/// Writes one body.
pub struct Body<'a, 'b> {
    u: &'a mut Unstructured<'b>,
    shape: &'a Shape,
    code: Vec<u8>,
    stack: Vec<ValType>,
    frames: Vec<Frame>,
    locals: Vec<ValType>,
}

/// The body of the function at `index` of `shape`'s own functions.
pub fn body(u: &mut Unstructured<'_>, shape: &Shape, index: usize) -> Result<Function> {
    let (params, results) = shape.types[shape.funcs[index]].clone();
    let mut extra = Vec::new();
    for _ in 0..u.int_in_range(0..=5)? {
        extra.push(value_type(u)?);
    }
    let locals = [params, extra.clone()].concat();
    let frame =
        Frame { height: 0, params: vec![], results, is_loop: false, open_if: false, unreachable: false };
    let mut body = Body { u, shape, code: vec![], stack: vec![], frames: vec![frame], locals };
    let mut steps = body.u.int_in_range(4..=160)?;
    while steps > 0 && !body.u.is_empty() {
        body.step()?;
        steps -= 1;
    }
    while !body.frames.is_empty() {
        body.close()?;
    }
    let mut function = Function::new_with_locals_types(extra.into_iter().map(encoder_type));
    function.raw(body.code);
    Ok(function)
}

/// A type for a value; references are rare.
pub fn value_type(u: &mut Unstructured<'_>) -> Result<ValType> {
    use ValType::*;
    Ok(*u.choose(&[I32, I32, I32, I32, I64, I64, I64, F32, F64, F64, FuncRef, ExternRef])?)
}

impl Body<'_, '_> {
    fn emit(&mut self, instruction: Instruction<'_>) {
        instruction.encode(&mut self.code);
    }

    /// A constant in a range; not yet counted as an operand.
    fn number(&mut self, range: RangeInclusive<i32>) -> Result<()> {
        let value = self.u.int_in_range(range)?;
        self.emit(Instruction::I32Const(value));
        Ok(())
    }

    fn op(&mut self, op: Op) {
        let code = op.code();
        if code > 0xff {
            self.code.extend([(code >> 8) as u8, code as u8]);
        } else {
            self.code.push(code as u8);
        }
    }

    /// Operands of the innermost block.
    fn own(&self) -> &[ValType] {
        let height = self.frames.last().map_or(0, |frame| frame.height);
        self.stack.get(height..).unwrap_or(&[])
    }

    fn pop(&mut self, count: usize) {
        self.stack.truncate(self.stack.len() - count);
    }

    /// Makes the top operands be `types`: those that are there already, and new ones.
    fn need(&mut self, types: &[ValType]) -> Result<()> {
        let keep = (0..=types.len()).rev().find(|&n| self.own().ends_with(&types[..n])).unwrap_or(0);
        for &ty in &types[keep..] {
            self.value(ty)?;
        }
        Ok(())
    }

    /// Pushes a new value, and leaves alone what is below it.
    fn value(&mut self, ty: ValType) -> Result<()> {
        let locals: Vec<u32> =
            (0..self.locals.len() as u32).filter(|&i| self.locals[i as usize] == ty).collect();
        let globals: Vec<u32> =
            (0..self.shape.globals.len() as u32).filter(|&i| self.shape.globals[i as usize] == ty).collect();
        match self.u.int_in_range(0..=9)? {
            0..=4 if !locals.is_empty() => {
                let local = *self.u.choose(&locals)?;
                self.emit(Instruction::LocalGet(local));
            }
            5 if !globals.is_empty() => {
                let global = *self.u.choose(&globals)?;
                self.emit(Instruction::GlobalGet(global));
            }
            6 | 7 if !matches!(ty, ValType::FuncRef | ValType::ExternRef) => return self.load_fresh(ty),
            _ => self.constant(ty)?,
        }
        self.stack.push(ty);
        Ok(())
    }

    fn constant(&mut self, ty: ValType) -> Result<()> {
        match ty {
            ValType::I32 => {
                let edge = [0, 1, -1, 2, 8, 31, 32, 255, 65_532, i32::MIN, i32::MAX, 0x1234_5678];
                let value = if self.u.ratio(3, 4)? { *self.u.choose(&edge)? } else { self.u.arbitrary()? };
                self.emit(Instruction::I32Const(value));
            }
            ValType::I64 => {
                let edge = [0, 1, -1, 63, 1 << 31, 1 << 32, i64::from(i32::MIN), i64::MIN, i64::MAX];
                let value = if self.u.ratio(3, 4)? { *self.u.choose(&edge)? } else { self.u.arbitrary()? };
                self.emit(Instruction::I64Const(value));
            }
            ValType::F32 => {
                let edge = [0.0, -0.0, 1.0, -1.5, f32::INFINITY, f32::NAN, 3e9, f32::MIN_POSITIVE];
                let value: f32 = if self.u.ratio(3, 4)? { *self.u.choose(&edge)? } else { self.float32()? };
                self.emit(Instruction::F32Const(value.into()));
            }
            ValType::F64 => {
                let edge = [0.0, -0.0, 1.0, -1.5, f64::NEG_INFINITY, f64::NAN, 1e19, 5e-324];
                let value: f64 = if self.u.ratio(3, 4)? { *self.u.choose(&edge)? } else { self.float64()? };
                self.emit(Instruction::F64Const(value.into()));
            }
            ValType::FuncRef => {
                if self.u.ratio(1, 3)? {
                    self.emit(Instruction::RefNull(wasm_encoder::HeapType::FUNC));
                } else {
                    let func = self.u.int_in_range(0..=self.shape.func_count() - 1)?;
                    self.emit(Instruction::RefFunc(func));
                }
            }
            ValType::ExternRef => self.emit(Instruction::RefNull(wasm_encoder::HeapType::EXTERN)),
        }
        Ok(())
    }

    fn float32(&mut self) -> Result<f32> {
        Ok(f32::from_bits(self.u.arbitrary()?))
    }

    fn float64(&mut self) -> Result<f64> {
        Ok(f64::from_bits(self.u.arbitrary()?))
    }

    /// An operator of the table whose signature is fixed.
    fn fixed(&mut self, op: Op, params: &[ValType], results: &[ValType]) -> Result<()> {
        self.need(params)?;
        self.op(op);
        match op.imm() {
            Imm::Nil => {}
            Imm::MemArg(natural) => {
                let offset: u32 = *self.u.choose(&[0, 0, 1, 8, 60_000, 65_535, 70_000])?;
                let align = u32::from(natural.min(self.u.int_in_range(0..=3)?));
                align.encode(&mut self.code);
                offset.encode(&mut self.code);
            }
            _ => self.code.push(0),
        }
        self.pop(params.len());
        self.stack.extend(results);
        Ok(())
    }

    /// A load whose address may be the top operand.
    fn load(&mut self, ty: ValType) -> Result<()> {
        let loads: Vec<Op> = self.shape.loads.iter().copied().filter(|&op| gives(op, ty)).collect();
        let op = *self.u.choose(&loads)?;
        // Half of the addresses are near enough to be in bounds.
        if self.own().last() != Some(&ValType::I32) || self.u.ratio(1, 2)? {
            self.number(0..=4_096)?;
            self.stack.push(ValType::I32);
        } else {
            self.emit(Instruction::I32Const(0xfff));
            self.op(Op::I32And);
        }
        self.fixed(op, &[ValType::I32], &[ty])
    }

    fn block_types(&mut self) -> Result<(Vec<ValType>, Vec<ValType>, BlockType)> {
        if self.u.ratio(1, 3)? {
            return Ok((vec![], vec![], BlockType::Empty));
        }
        if self.u.ratio(1, 3)? {
            let ty = value_type(self.u)?;
            return Ok((vec![], vec![ty], BlockType::Result(encoder_type(ty))));
        }
        let index = self.u.choose_index(self.shape.types.len())?;
        let (params, results) = self.shape.types[index].clone();
        Ok((params, results, BlockType::FunctionType(index as u32)))
    }

    fn open(&mut self) -> Result<()> {
        let (params, mut results, mut ty) = self.block_types()?;
        let kind = self.u.int_in_range(0..=2)?;
        if kind == 2 && self.u.ratio(1, 4)? && params.is_empty() {
            // May stay without an `else`.
            (results, ty) = (vec![], BlockType::Empty);
        }
        self.need(&params)?;
        match kind {
            0 => self.emit(Instruction::Block(ty)),
            1 => self.emit(Instruction::Loop(ty)),
            _ => {
                self.condition_above(&params)?;
                self.emit(Instruction::If(ty));
            }
        }
        self.frames.push(Frame {
            height: self.stack.len() - params.len(),
            params,
            results,
            is_loop: kind == 1,
            open_if: kind == 2,
            unreachable: false,
        });
        Ok(())
    }

    /// Leaves exactly the block's results, or less where the code is unreachable.
    fn settle(&mut self) -> Result<()> {
        let Some(frame) = self.frames.last() else { return Ok(()) };
        let (results, unreachable) = (frame.results.clone(), frame.unreachable);
        if unreachable && self.u.ratio(1, 2)? && results.ends_with(self.own()) {
            return Ok(());
        }
        while !results.starts_with(self.own()) {
            self.emit(Instruction::Drop);
            self.pop(1);
        }
        for &ty in &results[self.own().len()..] {
            self.value(ty)?;
        }
        Ok(())
    }

    /// Ends the innermost arm or block.
    fn close(&mut self) -> Result<()> {
        self.settle()?;
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        self.stack.truncate(frame.height);
        if frame.open_if {
            let needs_else = frame.params != frame.results;
            frame.open_if = false;
            frame.unreachable = false;
            if needs_else || self.u.ratio(1, 2)? {
                self.stack.extend(self.frames.last().map(|frame| frame.params.clone()).unwrap_or_default());
                self.emit(Instruction::Else);
                return Ok(());
            }
        }
        if let Some(frame) = self.frames.pop() {
            self.stack.extend(frame.results);
            self.emit(Instruction::End);
        }
        Ok(())
    }

    /// A condition; often the countdown of a local, as compilers write loops.
    fn condition(&mut self) -> Result<()> {
        if self.own().last() == Some(&ValType::I32) && self.u.ratio(1, 2)? {
            return Ok(());
        }
        let counter = self.locals.iter().position(|&ty| ty == ValType::I32);
        if let Some(counter) = counter.filter(|_| !self.u.is_empty())
            && self.u.ratio(1, 2)?
        {
            let counter = counter as u32;
            self.emit(Instruction::LocalGet(counter));
            let step = *self.u.choose(&[-1, -1, 1, 7])?;
            self.emit(Instruction::I32Const(step));
            self.op(Op::I32Add);
            self.emit(Instruction::LocalTee(counter));
            self.stack.push(ValType::I32);
            if self.u.ratio(1, 2)? {
                self.number(-2..=20)?;
                let compare = *self.u.choose(&[Op::I32GtS, Op::I32LtU, Op::I32Ne, Op::I32GeS])?;
                self.op(compare);
            }
            if self.u.ratio(1, 6)? {
                self.op(Op::I32Eqz);
            }
            return Ok(());
        }
        let compares: Vec<Op> = self.shape.compares.clone();
        let op = *self.u.choose(&compares)?;
        let Signature::Fixed { params, results } = op.signature() else { return Ok(()) };
        self.fixed(op, params, results)
    }

    /// A condition for the next instruction to pop, with `types` below it.
    fn condition_above(&mut self, types: &[ValType]) -> Result<()> {
        self.condition()?;
        self.pop(1);
        // It may have eaten what was there.
        if !self.own().ends_with(types) {
            self.emit(Instruction::Drop);
            self.need(types)?;
            self.number(0..=1)?;
        }
        Ok(())
    }

    fn label(&mut self) -> Result<(u32, Vec<ValType>)> {
        let depth = self.u.int_in_range(0..=self.frames.len() - 1)?;
        let frame = &self.frames[self.frames.len() - 1 - depth];
        Ok((depth as u32, frame.label().to_vec()))
    }

    /// The code after this is not reached.
    fn cut(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            self.stack.truncate(frame.height);
            frame.unreachable = true;
        }
    }

    fn branch(&mut self) -> Result<()> {
        match self.u.int_in_range(0..=19)? {
            0..=11 => {
                let (depth, types) = self.label()?;
                self.need(&types)?;
                self.condition_above(&types)?;
                self.emit(Instruction::BrIf(depth));
            }
            12..=15 => {
                let (depth, types) = self.label()?;
                let same: Vec<u32> = (0..self.frames.len() as u32)
                    .filter(|&d| self.frames[self.frames.len() - 1 - d as usize].label() == types)
                    .collect();
                let mut targets = Vec::new();
                for _ in 0..self.u.int_in_range(0..=5)? {
                    targets.push(*self.u.choose(&same)?);
                }
                self.need(&types)?;
                if self.u.ratio(1, 2)? {
                    self.number(-1..=6)?;
                } else {
                    self.number(0..=64)?;
                    self.op(Op::I32Load8U);
                    self.code.extend([0, 0]);
                    self.emit(Instruction::I32Const(7));
                    self.op(Op::I32And);
                }
                self.emit(Instruction::BrTable(targets.into(), depth));
                self.cut();
            }
            16 | 17 => {
                let (depth, types) = self.label()?;
                self.need(&types)?;
                self.emit(Instruction::Br(depth));
                self.cut();
            }
            18 => {
                let types = self.frames[0].results.clone();
                self.need(&types)?;
                self.emit(Instruction::Return);
                self.cut();
            }
            _ if self.u.ratio(1, 4)? => {
                self.emit(Instruction::Unreachable);
                self.cut();
            }
            _ => self.emit(Instruction::Nop),
        }
        Ok(())
    }

    fn local(&mut self) -> Result<()> {
        if self.locals.is_empty() {
            return Ok(());
        }
        let local = self.u.choose_index(self.locals.len())?;
        let ty = self.locals[local];
        let local = local as u32;
        // Reads of it that wait on the stack.
        for _ in 0..self.u.int_in_range(0..=3)? {
            self.emit(Instruction::LocalGet(local));
            self.stack.push(ty);
        }
        if self.u.ratio(1, 2)? {
            self.value(ty)?;
        } else {
            self.arithmetic(Some(ty))?;
        }
        if self.u.ratio(1, 3)? {
            self.emit(Instruction::LocalTee(local));
        } else {
            self.emit(Instruction::LocalSet(local));
            self.pop(1);
        }
        Ok(())
    }

    /// An operator on numbers; of the result type `want`, if that is a number's.
    fn arithmetic(&mut self, want: Option<ValType>) -> Result<()> {
        let shape = self.shape;
        let ops: Vec<Op> =
            shape.numeric.iter().copied().filter(|&op| want.is_none_or(|ty| gives(op, ty))).collect();
        if ops.is_empty() {
            return self.value(want.unwrap_or(ValType::I32));
        }
        let mut op = *self.u.choose(&ops)?;
        // Operators that trap end the run: rarely.
        if shape.trapping.contains(&op) && self.u.ratio(7, 8)? {
            op = *self.u.choose(&ops)?;
        }
        let Signature::Fixed { params, results } = op.signature() else { return Ok(()) };
        // The second operand often comes straight from memory.
        if let [first, second] = *params
            && self.u.ratio(1, 3)?
        {
            self.need(&[first])?;
            self.load_fresh(second)?;
        }
        self.fixed(op, params, results)
    }

    /// A load at an address of its own.
    fn load_fresh(&mut self, ty: ValType) -> Result<()> {
        let loads: Vec<Op> = self.shape.loads.iter().copied().filter(|&op| gives(op, ty)).collect();
        let op = *self.u.choose(&loads)?;
        let address = self.locals.iter().position(|&ty| ty == ValType::I32);
        match address {
            Some(local) if self.u.ratio(1, 2)? => self.emit(Instruction::LocalGet(local as u32)),
            _ => {
                self.number(0..=512)?;
            }
        }
        self.stack.push(ValType::I32);
        self.fixed(op, &[ValType::I32], &[ty])
    }

    fn call(&mut self) -> Result<()> {
        let shape = self.shape;
        if self.u.ratio(2, 3)? {
            let func = self.u.int_in_range(0..=shape.func_count() - 1)?;
            let (params, results) = shape.signature(func).clone();
            self.need(&params)?;
            self.emit(Instruction::Call(func));
            self.pop(params.len());
            self.stack.extend(results);
        } else {
            let ty = self.u.choose_index(shape.types.len())?;
            let (params, results) = shape.types[ty].clone();
            self.need(&params)?;
            let index = self.u.int_in_range(0..=shape.func_count())?;
            self.emit(Instruction::I32Const(index as i32));
            self.emit(Instruction::CallIndirect { type_index: ty as u32, table_index: 0 });
            self.pop(params.len());
            self.stack.extend(results);
        }
        Ok(())
    }

    fn select(&mut self) -> Result<()> {
        let ty = value_type(self.u)?;
        self.need(&[ty])?;
        self.value(ty)?;
        self.value(ValType::I32)?;
        if matches!(ty, ValType::FuncRef | ValType::ExternRef) || self.u.ratio(1, 4)? {
            self.emit(Instruction::TypedSelect(encoder_type(ty)));
        } else {
            self.emit(Instruction::Select);
        }
        self.pop(2);
        Ok(())
    }

    fn store(&mut self) -> Result<()> {
        let op = *self.u.choose(&self.shape.stores)?;
        let Signature::Fixed { params, .. } = op.signature() else { return Ok(()) };
        self.number(0..=1_024)?;
        self.stack.push(ValType::I32);
        if self.u.ratio(1, 2)? {
            self.arithmetic(Some(params[1]))?;
        }
        self.fixed(op, params, &[])
    }

    /// Operators on whole memories and tables.
    fn bulk(&mut self) -> Result<()> {
        match self.u.int_in_range(0..=7)? {
            0 => self.fixed(Op::MemorySize, &[], &[ValType::I32])?,
            1 => {
                self.number(-1..=2)?;
                self.stack.push(ValType::I32);
                self.fixed(Op::MemoryGrow, &[ValType::I32], &[ValType::I32])?;
            }
            kind @ 2..=4 => {
                for _ in 0..3 {
                    let edge = *self.u.choose(&[0, 1, 7, 100, 1_000, 65_536])?;
                    self.emit(Instruction::I32Const(edge));
                }
                match kind {
                    2 => self.emit(Instruction::MemoryFill(0)),
                    3 => self.emit(Instruction::MemoryCopy { src_mem: 0, dst_mem: 0 }),
                    _ => self.emit(Instruction::MemoryInit { mem: 0, data_index: 0 }),
                }
            }
            5 => {
                self.number(0..=6)?;
                self.emit(Instruction::TableGet(0));
                self.stack.push(ValType::FuncRef);
            }
            6 => {
                self.number(0..=6)?;
                self.value(ValType::FuncRef)?;
                self.emit(Instruction::TableSet(0));
                self.pop(1);
            }
            _ => {
                self.value(ValType::FuncRef)?;
                self.emit(Instruction::RefIsNull);
                self.pop(1);
                self.stack.push(ValType::I32);
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        while self.own().len() > OPERANDS_MAX {
            self.emit(Instruction::Drop);
            self.pop(1);
        }
        match self.u.int_in_range(0..=31)? {
            0..=4 if self.frames.len() < DEPTH_MAX => self.open(),
            5..=7 if self.frames.len() > 1 => self.close(),
            8..=12 => self.branch(),
            13..=17 => self.local(),
            18..=22 => self.arithmetic(None),
            23 | 24 => self.call(),
            25 => self.select(),
            26 => self.store(),
            27 => {
                let ty = *self.u.choose(&[ValType::I32, ValType::I64, ValType::F32, ValType::F64])?;
                self.load(ty)
            }
            28 => self.bulk(),
            29 if !self.own().is_empty() => {
                self.emit(Instruction::Drop);
                self.pop(1);
                Ok(())
            }
            30 => self.global(),
            _ => {
                let ty = value_type(self.u)?;
                self.value(ty)
            }
        }
    }

    fn global(&mut self) -> Result<()> {
        let global = self.u.choose_index(self.shape.globals.len())?;
        let ty = self.shape.globals[global];
        self.need(&[ty])?;
        self.emit(Instruction::GlobalSet(global as u32));
        self.pop(1);
        Ok(())
    }
}

fn gives(op: Op, ty: ValType) -> bool {
    matches!(op.signature(), Signature::Fixed { results, .. } if *results == [ty])
}
