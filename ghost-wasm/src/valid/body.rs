//! Validates function bodies, operator by operator: fixed signatures from the table here, the others in
//! `poly`. One validator serves all bodies of a module and keeps its buffers.
//!
//! Counts work by `table/work.rs`.

use super::env::{BodySink, ModuleEnv};
use super::locals::Locals;
use super::operands::{ANY, PAD, Stacks};
use crate::Error;
use crate::binary::instr::{BlockType, Instr};
use crate::table::errors::ErrorCode;
use crate::table::limits::{Limit, Limits};
use crate::table::ops::{Imm, Op, Signature};
use crate::table::work;
use crate::types::ValType;
use alloc::vec::Vec;

/// What the hot path knows of an operator.
#[derive(Clone, Copy)]
pub(super) struct Fixed {
    /// The popped types, the last one in the highest byte.
    pub(super) want: u32,
    /// `0xff` for each popped value.
    pub(super) mask: u32,
    /// How many values are popped; [`POLY`] if hand-written code decides.
    pub(super) pops: u8,
    /// The pushed type, or 0.
    pub(super) result: u8,
    /// Its weight and, if the signature is fixed, the values popped and pushed.
    pub(super) work: u8,
    pub(super) check: Check,
}

/// What must be checked of the immediates of an operator with a fixed signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Nothing,
    /// The memory exists; the alignment exponent is at most this.
    Access(u8),
    /// Something rare.
    Other,
}

const POLY: u8 = 0xff;
const OPS: usize = Op::ALL.len();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated at compile time, on rows with at most four operands"
)]
pub(super) static FIXED: [Fixed; OPS] = {
    let poly = Fixed { want: 0, mask: 0, pops: POLY, result: 0, work: 1, check: Check::Other };
    let mut table = [poly; OPS];
    let mut row = 0;
    while row < OPS {
        table[row].work = work::weight(Op::ALL[row]);
        // The few operators with two results are not of the hot path: `poly.rs` reads their signatures.
        if let Signature::Fixed { params, results } = Op::ALL[row].signature()
            && results.len() <= 1
        {
            assert!(params.len() <= PAD, "a signature for the hot path");
            let (mut want, mut mask, mut at) = (0, 0, 0);
            while at < params.len() {
                let shift = 8 * (PAD - params.len() + at);
                want |= (params[at] as u32) << shift;
                mask |= 0xff << shift;
                at += 1;
            }
            let check = match Op::ALL[row].imm() {
                Imm::MemArg(natural) => Check::Access(natural),
                Imm::Nil | Imm::I32 | Imm::I64 | Imm::F32 | Imm::F64 => Check::Nothing,
                _ => Check::Other,
            };
            table[row] = Fixed {
                want,
                mask,
                pops: params.len() as u8,
                result: if results.len() == 1 { results[0] as u8 } else { 0 },
                work: work::weight(Op::ALL[row]) + (params.len() + results.len()) as u8,
                check,
            };
        }
        row += 1;
    }
    table
};

/// Validates the bodies of a module.
#[derive(Debug)]
pub struct BodyValidator {
    pub(super) stacks: Stacks,
    pub(super) locals: Locals,
    /// Work done in all bodies so far.
    pub(super) work: u64,
    nesting_max: u32,
    locals_max: u32,
    br_table_targets_max: u32,
    /// Declared runs, kept until their sum is known to be within the limit.
    runs: Vec<(u32, ValType)>,
    /// Where the locals limit was passed.
    over_at: Option<u32>,
    /// Arity of the targets of the current `br_table`.
    pub(super) br_table_arity: Option<usize>,
    br_table_targets: u32,
}

impl BodyValidator {
    /// A validator for one module.
    pub fn new(limits: &Limits) -> BodyValidator {
        BodyValidator {
            stacks: Stacks::new(limits.operand_height),
            locals: Locals::new(),
            work: 0,
            nesting_max: limits.nesting,
            locals_max: limits.locals,
            br_table_targets_max: limits.br_table_targets,
            runs: Vec::new(),
            over_at: None,
            br_table_arity: None,
            br_table_targets: 0,
        }
    }

    /// Work done in all bodies so far.
    #[inline]
    pub fn work(&self) -> u64 {
        self.work
    }

    /// Starts the body of a function.
    pub fn begin(&mut self, env: &ModuleEnv, func: u32) {
        let type_index = env.funcs.get(func as usize).copied().unwrap_or(u32::MAX);
        self.stacks.start(BlockType::Type(type_index));
        self.locals.start(env.func_type(func));
        self.runs.clear();
        self.over_at = None;
    }

    /// A declared run of locals at `offset`.
    pub fn locals(&mut self, count: u32, ty: ValType, offset: u32) -> Result<(), Error> {
        if self.locals.push(count, ty).is_none() {
            return Err(Error::at(ErrorCode::TooManyLocals, u64::from(offset)));
        }
        if self.locals.count() > self.locals_max {
            self.over_at.get_or_insert(offset);
        }
        self.runs.push((count, ty));
        Ok(())
    }

    /// All locals are declared; a sink hears of them only now, when they are within the limit.
    pub fn locals_done<S: BodySink>(&mut self, env: &ModuleEnv, sink: &mut S) -> Result<(), Error> {
        if let Some(offset) = self.over_at {
            let most = u64::from(self.locals_max);
            return Err(Error::limit(Limit::Locals, most).with_offset(u64::from(offset)));
        }
        self.runs.iter().try_for_each(|&(count, ty)| sink.locals(env, count, ty))
    }

    /// An operator, `op` with the immediates of `instr`; says whether it ended the body.
    #[inline(always)]
    pub fn instr(&mut self, env: &ModuleEnv, op: Op, instr: &Instr, offset: u32) -> Result<bool, Error> {
        self.stacks.offset = offset;
        #[expect(clippy::indexing_slicing, reason = "the table has a row for each operator")]
        let fixed = &FIXED[op as usize];
        self.work = self.work.wrapping_add(u64::from(fixed.work));
        if fixed.pops == POLY {
            return self.poly(env, op, instr);
        }
        match fixed.check {
            Check::Nothing => {}
            Check::Access(natural) => {
                if env.memories.is_empty() {
                    return Err(self.stacks.unknown(ErrorCode::UnknownMemory, 0));
                }
                if instr.y > u32::from(natural) {
                    return Err(self.stacks.error(ErrorCode::BadAlignment));
                }
            }
            Check::Other => self.immediates(env, instr)?,
        }
        if !self.stacks.apply_quickly(fixed.want, fixed.mask, fixed.pops, fixed.result) {
            self.fixed_slowly(op, fixed.result)?;
        }
        Ok(false)
    }

    /// Pops by the algorithm: something is wrong, there is too little room, or the code is unreachable.
    #[cold]
    #[inline(never)]
    fn fixed_slowly(&mut self, op: Op, result: u8) -> Result<(), Error> {
        if let Signature::Fixed { params, .. } = op.signature() {
            self.stacks.pop_all(params)?;
        }
        if result == 0 { Ok(()) } else { self.stacks.push(result) }
    }

    /// Whether one more block would be too many.
    #[inline(always)]
    pub(super) fn is_deepest(&self) -> bool {
        // The frames are the outer ones and the innermost.
        self.stacks.outer.len().saturating_add(2) > self.nesting_max as usize
    }

    /// Opens a block: its parameters are popped and pushed again inside.
    pub(super) fn open(
        &mut self,
        env: &ModuleEnv,
        kind: super::operands::Kind,
        ty: BlockType,
    ) -> Result<(), Error> {
        let Some((params, _)) = env.block_type(ty) else {
            let BlockType::Type(index) = ty else { return Err(self.stacks.error(ErrorCode::UnknownType)) };
            return Err(self.stacks.unknown(ErrorCode::UnknownType, index));
        };
        // Mostly they are there just as the block takes them, and stay.
        let there = self.stacks.has_on_top(params);
        if !there {
            self.stacks.pop_each(params)?;
        }
        if self.is_deepest() {
            return Err(self.stacks.over(Limit::Nesting, self.nesting_max));
        }
        if !there {
            self.stacks.push_all(params)?;
        }
        self.stacks.open(kind, ty, params.len());
        self.count(params.len().wrapping_mul(2));
        Ok(())
    }

    /// Values on the operand stack.
    #[inline(always)]
    pub fn height(&self) -> u32 {
        self.stacks.values()
    }

    /// Blocks that are open, the body included: each needs an `end`.
    pub fn open_blocks(&self) -> u64 {
        (self.stacks.outer.len() as u64).saturating_add(1)
    }

    /// Counts values moved as work.
    #[inline]
    pub(super) fn count(&mut self, values: usize) {
        self.work = self.work.wrapping_add(values as u64);
    }

    /// A target of the `br_table` that [`instr`](BodyValidator::instr) accepted last.
    pub fn br_table_target(
        &mut self,
        env: &ModuleEnv,
        label: u32,
        default: bool,
        offset: u32,
    ) -> Result<(), Error> {
        self.stacks.offset = offset;
        if !default {
            self.br_table_targets = self.br_table_targets.wrapping_add(1);
            if self.br_table_targets > self.br_table_targets_max {
                return Err(self.stacks.over(Limit::BrTableTargets, self.br_table_targets_max));
            }
        }
        let types = self.stacks.label(label)?.label_types(env);
        self.count(types.len().wrapping_add(work::TABLE_LABEL));
        let arity = *self.br_table_arity.get_or_insert(types.len());
        if arity != types.len() {
            return Err(self.stacks.error(ErrorCode::TypeMismatch).with_detail("labels of different arity"));
        }
        self.stacks.check_top(types)?;
        if default {
            self.stacks.set_unreachable();
        }
        Ok(())
    }

    pub(super) fn br_table(&mut self) -> Result<(), Error> {
        self.stacks.pop(ValType::I32 as u8)?;
        self.count(1);
        self.br_table_arity = None;
        self.br_table_targets = 0;
        Ok(())
    }

    /// The type of a local, as a byte.
    #[inline(always)]
    pub(super) fn local(&self, index: u32) -> Result<u8, Error> {
        match self.locals.get(index) {
            Some(ty) => Ok(ty as u8),
            None => Err(self.stacks.unknown(ErrorCode::UnknownLocal, index)),
        }
    }
}

// The padding compares as no type, and no type is ANY.
const _: () = assert!(ValType::from_byte(ANY).is_none());
