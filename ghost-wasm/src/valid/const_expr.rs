//! Constant expressions: what initialises globals and places segments.
//!
//! <https://www.w3.org/TR/wasm-core-2/#constant-expressions%E2%91%A0>

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::env::ModuleEnv;
use super::rules::{ConstGlobals, Rules};
use crate::Error;
use crate::binary::instr::Instr;
use crate::heap;
use crate::table::errors::ErrorCode;
use crate::table::features::Feature;
use crate::table::limits::Limit;
use crate::table::ops::{Op, Signature};
use crate::types::ValType;

/// A validated constant expression.
#[derive(Clone, Debug)]
pub struct ConstExpr {
    body: Body,
    /// The offset of the first operator in the module.
    #[cfg_attr(not(feature = "internals"), expect(dead_code, reason = "for those who look at modules"))]
    pub offset: u32,
}

/// Operators without the final `end`: hardly ever is it more than one, and some modules have 100,000 segments.
#[derive(Clone, Debug)]
enum Body {
    One(Instr),
    Some(Box<[Instr]>),
}

impl ConstExpr {
    /// The operators, without the final `end`.
    pub fn instrs(&self) -> &[Instr] {
        match &self.body {
            Body::One(instr) => core::slice::from_ref(instr),
            Body::Some(instrs) => instrs,
        }
    }

    /// Bytes of memory that it has allocated.
    pub fn heap_bytes(&self) -> u64 {
        match &self.body {
            Body::One(_) => 0,
            Body::Some(instrs) => heap::boxed(&**instrs),
        }
    }
}

/// Validates constant expressions, one after the other.
#[derive(Debug)]
pub struct ConstValidator {
    want: ValType,
    start: u32,
    stack: Vec<ValType>,
    instrs: Vec<Instr>,
}

impl Default for ConstValidator {
    fn default() -> ConstValidator {
        ConstValidator { want: ValType::I32, start: 0, stack: Vec::new(), instrs: Vec::new() }
    }
}

impl ConstValidator {
    /// Begins with an expression at `start` that must yield `want`.
    pub fn begin(&mut self, want: ValType, start: u32) {
        (self.want, self.start) = (want, start);
        self.stack.clear();
        self.instrs.clear();
    }

    /// An operator; says whether it was the final `end`. Functions that `ref.func` names become declared.
    /// Adds to `work` as [`BodyValidator`](super::body::BodyValidator) does.
    pub fn instr(
        &mut self,
        env: &mut ModuleEnv,
        rules: &Rules,
        instr: &Instr,
        offset: u32,
        work: &mut u64,
    ) -> Result<bool, Error> {
        let at = u64::from(offset);
        rules.check(Limit::BodyBytes, u64::from(offset.wrapping_sub(self.start)), at)?;
        let (pops, pushed): (&[ValType], ValType) = match instr.op {
            Op::End => {
                *work = work.wrapping_add(3);
                return self.end(at).map(|()| true);
            }
            Op::I32Const => (&[], ValType::I32),
            Op::I64Const => (&[], ValType::I64),
            Op::F32Const => (&[], ValType::F32),
            Op::F64Const => (&[], ValType::F64),
            Op::RefNull => (&[], instr.ref_type().unwrap_or(ValType::FuncRef)),
            Op::RefFunc => {
                if env.func_type(instr.x).is_none() {
                    return Err(Error::at(ErrorCode::UnknownFunction, at).with_operand(instr.x));
                }
                env.declare(instr.x);
                (&[], ValType::FuncRef)
            }
            Op::GlobalGet => (&[], global(env, rules, instr.x, at)?),
            op if op.is_extended_const() && rules.has(Feature::ExtendedConst) => match op.signature() {
                Signature::Fixed { params, results: &[result] } => (params, result),
                _ => return Err(Error::at(ErrorCode::ConstExprRequired, at)),
            },
            op => {
                let error = Error::at(ErrorCode::ConstExprRequired, at).with_detail(op.text());
                return Err(if op.is_extended_const() { error.needs(Feature::ExtendedConst) } else { error });
            }
        };
        for &want in pops.iter().rev() {
            if self.stack.pop() != Some(want) {
                return Err(Error::at(ErrorCode::TypeMismatch, at));
            }
        }
        self.stack.push(pushed);
        rules.check(Limit::OperandHeight, self.stack.len() as u64, at)?;
        *work = work.wrapping_add(pops.len() as u64).wrapping_add(2);
        self.instrs.push(*instr);
        Ok(false)
    }

    fn end(&self, at: u64) -> Result<(), Error> {
        if *self.stack == [self.want] {
            return Ok(());
        }
        Err(Error::at(ErrorCode::TypeMismatch, at)
            .with_detail("a constant expression yields exactly one value of its type"))
    }

    /// The expression, when its `end` was accepted.
    pub fn finish(&self) -> ConstExpr {
        let body = match *self.instrs {
            [instr] => Body::One(instr),
            ref instrs => Body::Some(instrs.into()),
        };
        ConstExpr { body, offset: self.start }
    }
}

/// The type of a global that a constant expression reads. In 2.0 the others do not exist for it; mutable ones
/// are not constant.
fn global(env: &ModuleEnv, rules: &Rules, index: u32, at: u64) -> Result<ValType, Error> {
    let known = match rules.const_globals {
        ConstGlobals::Imported => env.imported_globals as usize,
        ConstGlobals::Earlier => env.globals.len(),
    };
    match env.globals.get(index as usize) {
        Some(global) if (index as usize) < known => {
            if global.mutable {
                return Err(Error::at(ErrorCode::ConstExprRequired, at).with_detail("a mutable global"));
            }
            Ok(global.content)
        }
        found => {
            let error = Error::at(ErrorCode::UnknownGlobal, at).with_operand(index);
            // An immutable one of the module itself.
            let by_gc = found.is_some_and(|global| !global.mutable);
            Err(if by_gc { error.needs(Feature::Gc) } else { error })
        }
    }
}
