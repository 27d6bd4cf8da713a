//! The operators that most code consists of, read and validated in one step each from a window of bytes.
//!
//! Whatever is unusual about one is left to the general path (`opcode.rs`, `body.rs`), which begins again
//! with the operator and gives the only answer there is: a long immediate, a wrong type, unreachable code, a
//! limit, a proposal that is off. Nothing is changed before it is certain that all is well.

use super::body::{BodyValidator, Check, FIXED};
use super::env::{BodySink, ModuleEnv};
use super::operands::{Kind, NO_TYPE};
use crate::Error;
use crate::binary::instr::{BlockType, Instr};
use crate::binary::leb128::CONTINUED;
use crate::binary::opcode;
use crate::binary::window::{self, WINDOW};
use crate::table::features::FeatureSet;
use crate::table::ops::{Imm, Op, Signature};
use crate::types::ValType;

/// How an operator is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// By the general path.
    General,
    /// A fixed signature, no immediate.
    Plain,
    /// A fixed signature and a place in memory.
    Access,
    I32Const,
    I64Const,
    LocalGet,
    LocalSet,
    LocalTee,
    Drop,
    GlobalGet,
    GlobalSet,
    /// `block`, `loop`, `if`.
    Open,
    End,
    Br,
    BrIf,
    Call,
}

/// What an opcode means, in 16 bytes.
#[derive(Clone, Copy)]
struct Row {
    /// As in the table of signatures.
    want: u32,
    mask: u32,
    pops: u8,
    result: u8,
    work: u8,
    align: u8,
    op: Op,
    feature: u8,
    shape: Shape,
}

const GENERAL: Row = Row {
    want: 0,
    mask: 0,
    pops: 0,
    result: 0,
    work: 0,
    align: 0,
    op: Op::Unreachable,
    feature: 0,
    shape: Shape::General,
};

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
static ROWS: [Row; 256] = {
    let mut rows = [GENERAL; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let op = Op::from_byte(byte as u8);
        if let Some(op) = op {
            let fixed = &FIXED[op as usize];
            let align = if let Check::Access(natural) = fixed.check { natural } else { 0 };
            let shape = match (op, op.imm(), op.signature()) {
                (Op::LocalGet, _, _) => Shape::LocalGet,
                (Op::LocalSet, _, _) => Shape::LocalSet,
                (Op::LocalTee, _, _) => Shape::LocalTee,
                (Op::I32Const, _, _) => Shape::I32Const,
                (Op::I64Const, _, _) => Shape::I64Const,
                (Op::Drop, _, _) => Shape::Drop,
                (Op::GlobalGet, _, _) => Shape::GlobalGet,
                (Op::GlobalSet, _, _) => Shape::GlobalSet,
                (Op::Block | Op::Loop | Op::If, _, _) => Shape::Open,
                (Op::End, _, _) => Shape::End,
                (Op::Br, _, _) => Shape::Br,
                (Op::BrIf, _, _) => Shape::BrIf,
                (Op::Call, _, _) => Shape::Call,
                (_, Imm::Nil, Signature::Fixed { results: [] | [_], .. }) => Shape::Plain,
                (_, Imm::MemArg(_), Signature::Fixed { results: [] | [_], .. }) => Shape::Access,
                _ => Shape::General,
            };
            rows[byte] = Row {
                want: fixed.want,
                mask: fixed.mask,
                pops: fixed.pops,
                result: fixed.result,
                work: fixed.work,
                align,
                op,
                feature: op.feature() as u8,
                shape,
            };
        }
        byte += 1;
    }
    rows
};

const I32: u8 = ValType::I32 as u8;

impl BodyValidator {
    /// Takes the operator at the start of the window, if it is a usual one: its length. None: it is not.
    #[inline(always)]
    pub fn quick<S: BodySink>(
        &mut self,
        env: &ModuleEnv,
        features: FeatureSet,
        window: &[u8; WINDOW],
        offset: u32,
        sink: &mut S,
    ) -> Result<Option<u32>, Error> {
        let [byte, first, ..] = *window;
        #[expect(clippy::indexing_slicing, reason = "a byte is an index below 256")]
        let row = &ROWS[byte as usize];
        if features.bits() >> row.feature & 1 == 0 {
            return Ok(None);
        }
        let len = match row.shape {
            Shape::LocalGet => {
                let Some(ty) = self.locals.direct(first) else { return Ok(None) };
                if !self.stacks.push_quickly(ty as u8) {
                    return Ok(None);
                }
                self.count_of(row, 1);
                sink.local_get(env, u32::from(first), Some(ty), offset)?;
                2
            }
            Shape::LocalSet | Shape::LocalTee => {
                let Some(ty) = self.locals.direct(first) else { return Ok(None) };
                let pops = u32::from(row.shape == Shape::LocalSet);
                if !self.stacks.is_on_top(ty as u8) {
                    return Ok(None);
                }
                self.stacks.drop_quickly(pops);
                self.count_of(row, 2_u32.wrapping_sub(pops));
                sink.instr(env, &Instr { x: u32::from(first), ..Instr::plain(row.op) }, offset)?;
                2
            }
            Shape::I32Const | Shape::I64Const => {
                let narrow = row.shape == Shape::I32Const;
                let (most, ty) = if narrow { (4, I32) } else { (8, ValType::I64 as u8) };
                let Some((value, len)) = window::signed(word_at::<1>(window), most) else { return Ok(None) };
                if !self.stacks.push_quickly(ty) {
                    return Ok(None);
                }
                self.work = self.work.wrapping_add(u64::from(row.work));
                if narrow {
                    sink.i32_const(env, value, offset)?;
                } else {
                    sink.instr(env, &Instr { z: value, ..Instr::plain(row.op) }, offset)?;
                }
                len.wrapping_add(1)
            }
            Shape::Plain => {
                if !self.apply_quickly(row) {
                    return Ok(None);
                }
                sink.instr(env, &Instr::plain(row.op), offset)?;
                1
            }
            Shape::Access => {
                let Some((place, len)) = window::u32(word_at::<2>(window)) else { return Ok(None) };
                if env.memories.is_empty() || first > row.align || !self.apply_quickly(row) {
                    return Ok(None);
                }
                let instr = Instr { y: u32::from(first), z: u64::from(place), ..Instr::plain(row.op) };
                sink.instr(env, &instr, offset)?;
                len.wrapping_add(2)
            }
            Shape::End => {
                if !self.end_quickly(row) {
                    return Ok(None);
                }
                sink.instr(env, &Instr::plain(Op::End), offset)?;
                1
            }
            Shape::Call => {
                let Some((func, len)) = window::u32(word_at::<1>(window)) else { return Ok(None) };
                let Some(ty) = env.func_type(func) else { return Ok(None) };
                if !self.stacks.call_quickly(ty.params(), ty.results()) {
                    return Ok(None);
                }
                self.count_of(row, 0);
                self.count(ty.params().len().wrapping_add(ty.results().len()));
                sink.instr(env, &Instr { x: func, ..Instr::plain(Op::Call) }, offset)?;
                len.wrapping_add(1)
            }
            Shape::Open => {
                let Some(ty) = opcode::short_block_type(first, features) else { return Ok(None) };
                if !self.open_quickly(row, ty) {
                    return Ok(None);
                }
                sink.instr(env, &Instr::block(row.op, ty), offset)?;
                2
            }
            Shape::Br | Shape::BrIf => {
                if !self.branch_quickly(row, first) {
                    return Ok(None);
                }
                sink.instr(env, &Instr { x: u32::from(first), ..Instr::plain(row.op) }, offset)?;
                2
            }
            Shape::Drop => {
                if !self.stacks.has_operand() {
                    return Ok(None);
                }
                self.stacks.drop_quickly(1);
                self.count_of(row, 1);
                sink.instr(env, &Instr::plain(Op::Drop), offset)?;
                1
            }
            Shape::GlobalGet | Shape::GlobalSet => {
                let Some((index, len)) = window::u32(word_at::<1>(window)) else { return Ok(None) };
                let Some(global) = env.globals.get(index as usize) else { return Ok(None) };
                let ty = global.content as u8;
                if row.shape == Shape::GlobalGet {
                    if !self.stacks.push_quickly(ty) {
                        return Ok(None);
                    }
                } else {
                    if !global.mutable || !self.stacks.is_on_top(ty) {
                        return Ok(None);
                    }
                    self.stacks.drop_quickly(1);
                }
                self.count_of(row, 1);
                sink.instr(env, &Instr { x: index, ..Instr::plain(row.op) }, offset)?;
                len.wrapping_add(1)
            }
            Shape::General => return Ok(None),
        };
        Ok(Some(len))
    }

    /// Counts an operator's weight, and values that it moves.
    #[inline(always)]
    fn count_of(&mut self, row: &Row, values: u32) {
        self.work = self.work.wrapping_add(u64::from(row.work)).wrapping_add(u64::from(values));
    }

    /// The `end` of a block without parameters.
    #[inline(always)]
    fn end_quickly(&mut self, row: &Row) -> bool {
        let frame = &self.stacks.frame;
        let Some(results) = frame.short_results() else { return false };
        // Blocks without parameters and with a result are no `if` without `else`.
        if (frame.kind == Kind::If && results != NO_TYPE) || !self.stacks.holds_just(results) {
            return false;
        }
        let Some(outer) = self.stacks.outer.pop() else { return false };
        self.stacks.frame = outer;
        self.count_of(row, if results == NO_TYPE { 0 } else { 2 });
        true
    }

    /// A block without parameters.
    #[inline(always)]
    fn open_quickly(&mut self, row: &Row, ty: BlockType) -> bool {
        let (kind, pops) = match row.op {
            Op::Block => (Kind::Block, 0),
            Op::Loop => (Kind::Loop, 0),
            _ => (Kind::If, 1),
        };
        if (pops != 0 && !self.stacks.is_on_top(I32)) || self.is_deepest() {
            return false;
        }
        self.stacks.drop_quickly(pops);
        self.stacks.open_quickly(kind, ty);
        self.count_of(row, pops);
        true
    }

    /// A branch to a label that takes one value along, or none.
    #[inline(always)]
    fn branch_quickly(&mut self, row: &Row, depth: u8) -> bool {
        let Some(label) = self.stacks.frame_of(u32::from(depth)) else { return false };
        let values = match label.short_results() {
            _ if depth & CONTINUED != 0 => return false,
            // The label of a loop takes its parameters.
            Some(_) if label.kind == Kind::Loop => NO_TYPE,
            Some(values) => values,
            None => return false,
        };
        let conditions = u32::from(row.shape == Shape::BrIf);
        if (conditions != 0 && !self.stacks.is_on_top(I32))
            || (values != NO_TYPE && !self.stacks.is_under(conditions, values))
        {
            return false;
        }
        if conditions != 0 {
            self.stacks.drop_quickly(conditions);
            self.count_of(row, if values == NO_TYPE { 1 } else { 3 });
        } else {
            self.stacks.set_unreachable();
            self.count_of(row, if values == NO_TYPE { 0 } else { 1 });
        }
        true
    }

    /// Pops and pushes by a fixed signature.
    #[inline(always)]
    fn apply_quickly(&mut self, row: &Row) -> bool {
        let done = self.stacks.apply_quickly(row.want, row.mask, row.pops, row.result);
        if done {
            self.work = self.work.wrapping_add(u64::from(row.work));
        }
        done
    }
}

/// Eight bytes of the window.
#[inline(always)]
fn word_at<const AT: usize>(window: &[u8; WINDOW]) -> u64 {
    const { assert!(AT + 8 <= WINDOW) };
    window.get(AT..).and_then(|rest| rest.first_chunk()).map_or(0, |&bytes| u64::from_le_bytes(bytes))
}
