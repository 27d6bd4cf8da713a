//! Constant expressions and element items, charged operator by operator; their `end` is free. The value
//! of one is the u64 that the value stack would hold.

use ghost_wasm::internals::{ConstExpr, ElemItem, Instr, Op};

use crate::error::Error;
use crate::store::Store;
use crate::value::{FuncAddr, GlobalAddr, Val};

/// What a constant expression may name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub funcs: &'a [FuncAddr],
    pub globals: &'a [GlobalAddr],
}

impl Store {
    pub(crate) fn evaluate(&mut self, scope: Scope<'_>, expr: &ConstExpr) -> Result<u64, Error> {
        let mut stack = Vec::new();
        for instr in expr.instrs() {
            let value = self.evaluate_instr(scope, instr, &mut stack)?;
            stack.push(value);
        }
        match stack.as_slice() {
            [value] => Ok(*value),
            _ => Err(Error::Bug("a constant expression leaves one value")),
        }
    }

    fn evaluate_instr(
        &mut self,
        scope: Scope<'_>,
        instr: &Instr,
        stack: &mut Vec<u64>,
    ) -> Result<u64, Error> {
        self.charge_op(instr.op)?;
        let mut operand = || stack.pop().ok_or(Error::Bug("an operand is missing"));
        Ok(match instr.op {
            Op::I32Const | Op::F32Const => u64::from(instr.z as u32),
            Op::I64Const | Op::F64Const => instr.z,
            Op::RefNull => 0,
            Op::RefFunc => func_ref(scope, instr.x)?,
            Op::GlobalGet => self.global_value(scope, instr.x)?,
            Op::I32Add | Op::I32Sub | Op::I32Mul => {
                let (second, first) = (operand()? as u32, operand()? as u32);
                u64::from(match instr.op {
                    Op::I32Add => first.wrapping_add(second),
                    Op::I32Sub => first.wrapping_sub(second),
                    _ => first.wrapping_mul(second),
                })
            }
            Op::I64Add | Op::I64Sub | Op::I64Mul => {
                let (second, first) = (operand()?, operand()?);
                match instr.op {
                    Op::I64Add => first.wrapping_add(second),
                    Op::I64Sub => first.wrapping_sub(second),
                    _ => first.wrapping_mul(second),
                }
            }
            _ => return Err(Error::Bug("not a constant operator")),
        })
    }

    /// A function or null in an element item costs what a constant costs; a global what reading it does.
    pub(crate) fn evaluate_item(&mut self, scope: Scope<'_>, item: ElemItem) -> Result<u64, Error> {
        match item {
            ElemItem::Func(index) => {
                self.charge_op(Op::I32Const)?;
                func_ref(scope, index)
            }
            ElemItem::Null => {
                self.charge_op(Op::I32Const)?;
                Ok(0)
            }
            ElemItem::Global(index) => {
                self.charge_op(Op::GlobalGet)?;
                self.global_value(scope, index)
            }
        }
    }

    fn global_value(&self, scope: Scope<'_>, index: u32) -> Result<u64, Error> {
        let global = scope.globals.get(index as usize).ok_or(Error::Bug("no such global"))?;
        Ok(self.global_inst(*global)?.raw)
    }
}

fn func_ref(scope: Scope<'_>, index: u32) -> Result<u64, Error> {
    let func = scope.funcs.get(index as usize).ok_or(Error::Bug("no such function"))?;
    Ok(Val::FuncRef(Some(*func)).to_raw())
}
