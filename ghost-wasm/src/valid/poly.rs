//! The operators whose types the stack or the module decides, and the immediates that name parts of the
//! module.
//!
//! <https://www.w3.org/TR/wasm-core-2/#instructions%E2%91%A2>

use super::body::BodyValidator;
use super::env::ModuleEnv;
use super::operands::{ANY, Kind};
use crate::Error;
use crate::binary::instr::Instr;
use crate::table::errors::ErrorCode;
use crate::table::ops::{Imm, Op, Signature};
use crate::types::{FuncType, GlobalType, TableType, ValType};

const I32: u8 = ValType::I32 as u8;

impl BodyValidator {
    /// An operator without a fixed signature; says whether it ended the body.
    #[inline]
    pub(super) fn poly(&mut self, env: &ModuleEnv, op: Op, instr: &Instr) -> Result<bool, Error> {
        match op {
            Op::LocalGet => {
                let ty = self.local(instr.x)?;
                self.stacks.push(ty)?;
                self.count(1);
            }
            Op::LocalSet => {
                let ty = self.local(instr.x)?;
                self.stacks.pop(ty)?;
                self.count(1);
            }
            Op::LocalTee => {
                let ty = self.local(instr.x)?;
                self.stacks.pop(ty)?;
                self.stacks.push(ty)?;
                self.count(2);
            }
            Op::Block => self.open(env, Kind::Block, instr.block_type())?,
            Op::Loop => self.open(env, Kind::Loop, instr.block_type())?,
            Op::If => {
                self.stacks.pop(I32)?;
                self.count(1);
                self.open(env, Kind::If, instr.block_type())?;
            }
            Op::End => return self.end(env),
            Op::Br => {
                let types = self.stacks.label(instr.x)?.label_types(env);
                self.stacks.pop_all(types)?;
                self.count(types.len());
                self.stacks.set_unreachable();
            }
            Op::BrIf => {
                self.stacks.pop(I32)?;
                let types = self.stacks.label(instr.x)?.label_types(env);
                self.stacks.pop_push(types)?;
                self.count(types.len().wrapping_mul(2).wrapping_add(1));
            }
            Op::Call => {
                let ty = env
                    .func_type(instr.x)
                    .ok_or_else(|| self.stacks.unknown(ErrorCode::UnknownFunction, instr.x))?;
                self.apply(ty)?;
            }
            Op::Drop => {
                self.stacks.pop_any()?;
                self.count(1);
            }
            Op::GlobalGet => {
                let global = self.global(env, instr.x)?;
                self.stacks.push(global.content as u8)?;
                self.count(1);
            }
            Op::GlobalSet => {
                let global = self.global(env, instr.x)?;
                if !global.mutable {
                    return Err(self.stacks.error(ErrorCode::ImmutableGlobal));
                }
                self.stacks.pop(global.content as u8)?;
                self.count(1);
            }
            _ => self.rare(env, instr)?,
        }
        Ok(false)
    }

    #[inline(never)]
    fn rare(&mut self, env: &ModuleEnv, instr: &Instr) -> Result<(), Error> {
        match instr.op {
            Op::Unreachable => self.stacks.set_unreachable(),
            Op::Else => self.else_(env)?,
            Op::BrTable => self.br_table()?,
            Op::Return => {
                let func = self.stacks.outer.first().copied().unwrap_or(self.stacks.frame);
                let (_, results) = func.types(env);
                self.stacks.pop_all(results)?;
                self.count(results.len());
                self.stacks.set_unreachable();
            }
            Op::CallIndirect => {
                let ty = self.indirect(env, instr)?;
                self.apply(ty)?;
            }
            Op::ReturnCall => {
                let ty = env
                    .func_type(instr.x)
                    .ok_or_else(|| self.stacks.unknown(ErrorCode::UnknownFunction, instr.x))?;
                self.tail(env, ty)?;
            }
            Op::ReturnCallIndirect => {
                let ty = self.indirect(env, instr)?;
                self.tail(env, ty)?;
            }
            Op::Select => self.select()?,
            Op::SelectT => {
                let ty = instr.ref_type().map_or(ANY, |ty| ty as u8);
                self.stacks.pop(I32)?;
                self.stacks.pop(ty)?;
                self.stacks.pop(ty)?;
                self.stacks.push(ty)?;
                self.count(4);
            }
            Op::TableGet => {
                let table = self.table(env, instr.x)?;
                self.stacks.pop(I32)?;
                self.stacks.push(table.element as u8)?;
                self.count(2);
            }
            Op::TableSet => {
                let table = self.table(env, instr.x)?;
                self.stacks.pop(table.element as u8)?;
                self.stacks.pop(I32)?;
                self.count(2);
            }
            Op::TableGrow => {
                let table = self.table(env, instr.x)?;
                self.stacks.pop(I32)?;
                self.stacks.pop(table.element as u8)?;
                self.stacks.push(I32)?;
                self.count(3);
            }
            Op::TableFill => {
                let table = self.table(env, instr.x)?;
                self.stacks.pop(I32)?;
                self.stacks.pop(table.element as u8)?;
                self.stacks.pop(I32)?;
                self.count(3);
            }
            Op::RefNull => {
                self.stacks.push(instr.ref_type().map_or(ANY, |ty| ty as u8))?;
                self.count(1);
            }
            Op::RefIsNull => {
                let found = self.stacks.pop_any()?;
                if ValType::from_byte(found).is_some_and(ValType::is_num) {
                    return Err(self
                        .stacks
                        .error(ErrorCode::TypeMismatch)
                        .with_detail("expected a reference"));
                }
                self.stacks.push(I32)?;
                self.count(2);
            }
            op => match op.signature() {
                // Fixed, but not for the hot path.
                Signature::Fixed { params, results } => {
                    self.stacks.pop_all(params)?;
                    self.stacks.push_all(results)?;
                    self.count(params.len().wrapping_add(results.len()));
                }
                // Every operator is fixed, in `poly` or above; a new row of the table without code is refused.
                Signature::Poly => return Err(self.stacks.error(ErrorCode::Unsupported)),
            },
        }
        Ok(())
    }

    /// The callee's type of an indirect call; its index is popped.
    fn indirect<'e>(&mut self, env: &'e ModuleEnv, instr: &Instr) -> Result<&'e FuncType, Error> {
        let table = self.table(env, instr.y)?;
        if table.element != ValType::FuncRef {
            return Err(self
                .stacks
                .error(ErrorCode::TypeMismatch)
                .with_detail("a table of functions is needed"));
        }
        let ty = env
            .types
            .get(instr.x as usize)
            .ok_or_else(|| self.stacks.unknown(ErrorCode::UnknownType, instr.x))?;
        self.stacks.pop(I32)?;
        self.count(1);
        Ok(ty)
    }

    /// A call in place of a return: the callee's results are the caller's.
    ///
    /// <https://webassembly.github.io/spec/core/valid/instructions.html#xref-syntax-instructions-syntax-instr-control-mathsf-return-call-x>
    fn tail(&mut self, env: &ModuleEnv, ty: &FuncType) -> Result<(), Error> {
        self.stacks.pop_all(ty.params())?;
        self.count(ty.params().len());
        let func = self.stacks.outer.first().copied().unwrap_or(self.stacks.frame);
        let (_, results) = func.types(env);
        if ty.results() != results {
            return Err(self
                .stacks
                .error(ErrorCode::TypeMismatch)
                .with_detail("the callee of a tail call has other results"));
        }
        self.stacks.set_unreachable();
        Ok(())
    }

    /// Pops a function's parameters and pushes its results.
    fn apply(&mut self, ty: &FuncType) -> Result<(), Error> {
        self.stacks.pop_all(ty.params())?;
        self.stacks.push_all(ty.results())?;
        self.count(ty.params().len().wrapping_add(ty.results().len()));
        Ok(())
    }

    /// `select` without types: two numbers of one type.
    fn select(&mut self) -> Result<(), Error> {
        self.stacks.pop(I32)?;
        let first = self.stacks.pop_any()?;
        let second = self.stacks.pop_any()?;
        let number = |ty: u8| ValType::from_byte(ty).is_none_or(ValType::is_num);
        if !number(first) || !number(second) || (first != second && first != ANY && second != ANY) {
            return Err(self
                .stacks
                .error(ErrorCode::TypeMismatch)
                .with_detail("two numbers of one type are needed"));
        }
        self.stacks.push(if first == ANY { second } else { first })?;
        self.count(4);
        Ok(())
    }

    fn else_(&mut self, env: &ModuleEnv) -> Result<(), Error> {
        let frame = self.stacks.frame;
        if frame.kind != Kind::If {
            return Err(self.stacks.error(ErrorCode::EndExpected).with_detail("else without if"));
        }
        let (params, results) = frame.types(env);
        self.stacks.end_frame(results)?;
        self.stacks.frame.kind = Kind::Else;
        self.stacks.frame.unreachable = false;
        self.stacks.push_all(params)?;
        self.count(params.len().wrapping_add(results.len()));
        Ok(())
    }

    #[inline]
    fn end(&mut self, env: &ModuleEnv) -> Result<bool, Error> {
        let frame = self.stacks.frame;
        let (params, results) = frame.types(env);
        if frame.kind == Kind::If && params != results {
            return Err(self
                .stacks
                .error(ErrorCode::TypeMismatch)
                .with_detail("if without else changes types"));
        }
        let there = self.stacks.end_frame(results)?;
        self.count(results.len().wrapping_mul(2));
        match self.stacks.outer.pop() {
            None => Ok(true),
            Some(outer) => {
                self.stacks.frame = outer;
                if there {
                    self.stacks.take_back(results.len());
                } else {
                    self.stacks.push_all(results)?;
                }
                Ok(false)
            }
        }
    }

    #[inline]
    fn global(&self, env: &ModuleEnv, index: u32) -> Result<GlobalType, Error> {
        let global = env.globals.get(index as usize).copied();
        global.ok_or_else(|| self.stacks.unknown(ErrorCode::UnknownGlobal, index))
    }

    fn table(&self, env: &ModuleEnv, index: u32) -> Result<TableType, Error> {
        let table = env.tables.get(index as usize).copied();
        table.ok_or_else(|| self.stacks.unknown(ErrorCode::UnknownTable, index))
    }

    fn memory(&self, env: &ModuleEnv) -> Result<(), Error> {
        if env.memories.is_empty() { Err(self.stacks.unknown(ErrorCode::UnknownMemory, 0)) } else { Ok(()) }
    }

    fn elem(&self, env: &ModuleEnv, index: u32) -> Result<ValType, Error> {
        let elem = env.elems.get(index as usize).copied();
        elem.ok_or_else(|| self.stacks.unknown(ErrorCode::UnknownElem, index))
    }

    fn data(&self, env: &ModuleEnv, index: u32) -> Result<(), Error> {
        match env.data_count {
            None => Err(self.stacks.error(ErrorCode::DataCountRequired)),
            Some(count) if index < count => Ok(()),
            Some(_) => Err(self.stacks.unknown(ErrorCode::UnknownData, index)),
        }
    }

    /// The parts of the module that an operator with a fixed signature names.
    #[inline(never)]
    pub(super) fn immediates(&self, env: &ModuleEnv, instr: &Instr) -> Result<(), Error> {
        match instr.op.imm() {
            Imm::Memory | Imm::MemoryCopy => self.memory(env),
            Imm::MemoryInit => {
                if env.data_count.is_some() {
                    self.memory(env)?;
                }
                self.data(env, instr.x)
            }
            Imm::Data => self.data(env, instr.x),
            Imm::Elem => self.elem(env, instr.x).map(drop),
            Imm::Table => self.table(env, instr.x).map(drop),
            Imm::TableInit => {
                let table = self.table(env, instr.y)?;
                let elem = self.elem(env, instr.x)?;
                self.same_elements(table.element, elem)
            }
            Imm::TableCopy => {
                let (to, from) = (self.table(env, instr.x)?, self.table(env, instr.y)?);
                self.same_elements(to.element, from.element)
            }
            Imm::Func => {
                if env.func_type(instr.x).is_none() {
                    return Err(self.stacks.unknown(ErrorCode::UnknownFunction, instr.x));
                }
                match env.declared_refs.get(instr.x as usize) {
                    Some(true) => Ok(()),
                    _ => Err(self.stacks.unknown(ErrorCode::UndeclaredRef, instr.x)),
                }
            }
            _ => Ok(()),
        }
    }

    fn same_elements(&self, a: ValType, b: ValType) -> Result<(), Error> {
        if a == b {
            return Ok(());
        }
        Err(self.stacks.error(ErrorCode::TypeMismatch).with_detail("elements of different types"))
    }
}
