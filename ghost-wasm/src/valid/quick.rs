//! The operators that most code consists of, read and validated in one step each from a window of bytes.
//!
//! Whatever is unusual about one is left to the general path (`opcode.rs`, `body.rs`), which begins again
//! with the operator and gives the only answer there is: a wrong type, unreachable code, a limit, a proposal that is
//! off. Nothing is changed before it is certain that all is well. What has but a long immediate has a way of its own.

use super::body::{BodyValidator, Check, FIXED};
use super::env::{BodySink, ModuleEnv};
use super::kind::Kind;
use super::operands::{self, NO_TYPE};
use crate::Error;
use crate::binary::cursor::Cursor;
use crate::binary::instr::{BlockType, Instr};
use crate::binary::leb128::CONTINUED;
use crate::binary::opcode;
use crate::binary::window::{self, WINDOW};
use crate::table::features::{Feature, FeatureSet};
use crate::table::ops::Op;
use crate::table::work;
use crate::types::ValType;

/// What an opcode means, in 16 bytes.
#[derive(Clone, Copy)]
struct Row {
    /// As in the table of signatures.
    want: u32,
    mask: u32,
    result: u8,
    work: u8,
    align: u8,
    op: Op,
    feature: u8,
    kind: Kind,
}

const GENERAL: Row = Row {
    want: 0,
    mask: 0,
    result: 0,
    work: 0,
    align: 0,
    op: Op::Unreachable,
    feature: 0,
    kind: Kind::Other,
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
            rows[byte] = Row {
                want: fixed.want,
                mask: fixed.mask,
                result: fixed.result,
                work: fixed.work,
                align: if let Check::Access(natural) = fixed.check { natural } else { 0 },
                op,
                feature: op.feature() as u8,
                kind: Kind::of(op),
            };
        }
        byte += 1;
    }
    rows
};

#[inline(always)]
fn row_of(byte: u8) -> &'static Row {
    #[expect(clippy::indexing_slicing, reason = "a byte is an index below 256")]
    &ROWS[byte as usize]
}

/// The kinds of the operators that bytes begin.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
static KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = ROWS[byte].kind;
        let mvp = ROWS[byte].feature == Feature::Mvp as u8;
        assert!(mvp || matches!(kinds[byte], Kind::Other | Kind::Unary), "no other kind asks for a feature");
        byte += 1;
    }
    kinds
};

/// The kind of the operator that a byte begins.
#[inline(always)]
pub fn kind_of(byte: u8) -> Kind {
    #[expect(clippy::indexing_slicing, reason = "a byte is an index below 256")]
    KINDS[byte as usize]
}

/// Where an operator is, counted from where what was read ends: its offset is asked for by few.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub end: u32,
    pub left: u32,
}

impl Place {
    /// The operator's offset in the module.
    #[inline(always)]
    pub fn offset(self) -> u32 {
        self.end.wrapping_sub(self.left)
    }
}

/// An operator that was taken.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    len: u32,
    /// The kind of the one that follows. It is looked up before the sink is told of this one, so that it is known when
    /// the branch by it comes: that is the branch that processors foretell least.
    pub next: Kind,
}

impl Taken {
    /// Its bytes: fewer than a window has.
    #[inline(always)]
    pub fn len(self) -> usize {
        self.len as usize % WINDOW
    }

    #[inline(always)]
    fn of(window: &[u8; WINDOW], len: u32) -> Taken {
        #[expect(clippy::indexing_slicing, reason = "below the window's length")]
        let next = kind_of(window[len as usize % WINDOW]);
        Taken { len, next }
    }
}

const I32: u8 = ValType::I32 as u8;

impl BodyValidator {
    /// Takes the operator at the start of the window, which is of that kind, if it is a usual one. None: it is not.
    #[inline(always)]
    pub fn quick<S: BodySink>(
        &mut self,
        env: &ModuleEnv,
        features: FeatureSet,
        (kind, window): (Kind, &[u8; WINDOW]),
        place: Place,
        sink: &mut S,
    ) -> Result<Option<Taken>, Error> {
        let [byte, first, ..] = *window;
        // Each kind's arm calls the sink by itself, with a kind that is known there.
        macro_rules! tell {
            ($kind:ident, $len:expr, $instr:expr) => {{
                let taken = Taken::of(window, $len);
                sink.of_kind(env, Kind::$kind, &$instr, place.offset())?;
                taken
            }};
        }
        macro_rules! plain {
            ($kind:ident, $pops:literal) => {{
                let row = row_of(byte);
                if !self.apply_quickly(row, $pops) {
                    return Ok(None);
                }
                tell!($kind, 1, Instr::plain(row.op))
            }};
        }
        macro_rules! access {
            ($kind:ident, $pops:literal) => {{
                let row = row_of(byte);
                let Some((base, len)) = window::u32(word_at::<2>(window)) else { return Ok(None) };
                if env.memories.is_empty() || first > row.align || !self.apply_quickly(row, $pops) {
                    return Ok(None);
                }
                tell!(
                    $kind,
                    len.wrapping_add(2),
                    Instr { y: u32::from(first), z: u64::from(base), ..Instr::plain(row.op) }
                )
            }};
        }
        macro_rules! open {
            ($kind:ident, $pops:literal) => {{
                let Some(ty) = opcode::short_block_type(first, features) else { return Ok(None) };
                if !self.open_quickly(Op::$kind, operands::Kind::$kind, $pops, ty) {
                    return Ok(None);
                }
                tell!($kind, 2, Instr::block(Op::$kind, ty))
            }};
        }
        macro_rules! branch {
            ($kind:ident, $conditions:literal) => {{
                if first & CONTINUED != 0 || !self.branch_quickly(Op::$kind, u32::from(first), $conditions) {
                    return Ok(None);
                }
                tell!($kind, 2, Instr { x: u32::from(first), ..Instr::plain(Op::$kind) })
            }};
        }
        macro_rules! local {
            ($kind:ident, $pops:literal) => {{
                let Some(ty) = self.locals.direct(first) else { return Ok(None) };
                if !self.stacks.is_on_top(ty as u8) {
                    return Ok(None);
                }
                self.stacks.drop_quickly($pops);
                self.count_of(Op::$kind, 2_u32.wrapping_sub($pops));
                tell!($kind, 2, Instr { x: u32::from(first), ..Instr::plain(Op::$kind) })
            }};
        }
        macro_rules! constant {
            ($op:ident, $ty:ident, $read:ident) => {{
                let Some((value, len)) = window::$read(word_at::<1>(window)) else {
                    return Ok(None);
                };
                if !self.stacks.push_quickly(ValType::$ty as u8) {
                    return Ok(None);
                }
                self.count_of(Op::$op, 1);
                let taken = Taken::of(window, len.wrapping_add(1));
                sink.constant(env, ValType::$ty, value, place.offset())?;
                taken
            }};
        }
        let taken = match kind {
            Kind::LocalGet => {
                let Some(ty) = self.locals.direct(first) else { return Ok(None) };
                if !self.stacks.push_quickly(ty as u8) {
                    return Ok(None);
                }
                self.count_of(Op::LocalGet, 1);
                let taken = Taken::of(window, 2);
                sink.local_get(env, u32::from(first), Some(ty), place.offset())?;
                taken
            }
            Kind::I32Const => constant!(I32Const, I32, s32),
            Kind::I64Const => constant!(I64Const, I64, s64),
            Kind::LocalSet => local!(LocalSet, 1),
            Kind::LocalTee => local!(LocalTee, 0),
            Kind::IntBinary => plain!(IntBinary, 2),
            Kind::IntCompare => plain!(IntCompare, 2),
            Kind::FloatBinary => plain!(FloatBinary, 2),
            Kind::FloatCompare => plain!(FloatCompare, 2),
            Kind::IntZero => plain!(IntZero, 1),
            Kind::Unary => {
                if features.bits() >> row_of(byte).feature & 1 == 0 {
                    return Ok(None);
                }
                plain!(Unary, 1)
            }
            Kind::Load => access!(Load, 1),
            Kind::Store => access!(Store, 2),
            Kind::End => {
                if !self.end_quickly() {
                    return Ok(None);
                }
                tell!(End, 1, Instr::plain(Op::End))
            }
            Kind::Call => {
                let Some((func, len)) = window::u32(word_at::<1>(window)) else { return Ok(None) };
                let Some(ty) = env.func_type(func) else { return Ok(None) };
                if !self.stacks.call_quickly(ty.params(), ty.results()) {
                    return Ok(None);
                }
                self.count_of(Op::Call, 0);
                self.count(ty.params().len().wrapping_add(ty.results().len()));
                tell!(Call, len.wrapping_add(1), Instr { x: func, ..Instr::plain(Op::Call) })
            }
            Kind::Block => open!(Block, 0),
            Kind::Loop => open!(Loop, 0),
            Kind::If => open!(If, 1),
            Kind::Br => branch!(Br, 0),
            Kind::BrIf => branch!(BrIf, 1),
            Kind::Drop => {
                if !self.stacks.has_operand() {
                    return Ok(None);
                }
                self.stacks.drop_quickly(1);
                self.count_of(Op::Drop, 1);
                tell!(Drop, 1, Instr::plain(Op::Drop))
            }
            Kind::GlobalGet => {
                let Some((index, len)) = window::u32(word_at::<1>(window)) else { return Ok(None) };
                let Some(global) = env.globals.get(index as usize) else { return Ok(None) };
                if !self.stacks.push_quickly(global.content as u8) {
                    return Ok(None);
                }
                self.count_of(Op::GlobalGet, 1);
                tell!(GlobalGet, len.wrapping_add(1), Instr { x: index, ..Instr::plain(Op::GlobalGet) })
            }
            Kind::GlobalSet => {
                let Some((index, len)) = window::u32(word_at::<1>(window)) else { return Ok(None) };
                let Some(global) = env.globals.get(index as usize) else { return Ok(None) };
                if !global.mutable || !self.stacks.is_on_top(global.content as u8) {
                    return Ok(None);
                }
                self.stacks.drop_quickly(1);
                self.count_of(Op::GlobalSet, 1);
                tell!(GlobalSet, len.wrapping_add(1), Instr { x: index, ..Instr::plain(Op::GlobalSet) })
            }
            Kind::Nop => {
                self.count_of(Op::Nop, 0);
                tell!(Nop, 1, Instr::plain(Op::Nop))
            }
            Kind::Unreachable => {
                self.stacks.set_unreachable();
                self.count_of(Op::Unreachable, 0);
                tell!(Unreachable, 1, Instr::plain(Op::Unreachable))
            }
            Kind::Return => {
                let func = self.stacks.outer.first().unwrap_or(&self.stacks.frame);
                let (_, results) = func.types(env);
                if !self.stacks.has_on_top(results) {
                    return Ok(None);
                }
                self.stacks.set_unreachable();
                self.count_of(Op::Return, 0);
                self.count(results.len());
                tell!(Return, 1, Instr::plain(Op::Return))
            }
            Kind::Select => {
                if !self.stacks.select_quickly() {
                    return Ok(None);
                }
                self.count_of(Op::Select, 4);
                tell!(Select, 1, Instr::plain(Op::Select))
            }
            Kind::Other => return Ok(None),
        };
        Ok(Some(taken))
    }

    /// Takes the operator at the start of `bytes` if it would be a usual one but for an immediate that is too long for the
    /// readers of words: an address, a hash, a mask, a label far out. Its length; None: it is not, or does not end here.
    #[inline(always)]
    pub fn long<S: BodySink>(
        &mut self,
        env: &ModuleEnv,
        bytes: &[u8],
        offset: u32,
        sink: &mut S,
    ) -> Result<Option<usize>, Error> {
        let Some((&byte, behind)) = bytes.split_first() else { return Ok(None) };
        let mut c = Cursor::new(behind);
        let kind = kind_of(byte);
        match kind {
            Kind::I32Const | Kind::I64Const => {
                let (op, ty, value) = if kind == Kind::I32Const {
                    (Op::I32Const, ValType::I32, c.s32())
                } else {
                    (Op::I64Const, ValType::I64, c.s64())
                };
                let Ok(value) = value else { return Ok(None) };
                if !self.stacks.push_quickly(ty as u8) {
                    return Ok(None);
                }
                self.count_of(op, 1);
                sink.constant(env, ty, value.cast_unsigned(), offset)?;
            }
            Kind::Br | Kind::BrIf => {
                let (op, conditions) = if kind == Kind::Br { (Op::Br, 0) } else { (Op::BrIf, 1) };
                let Ok(depth) = c.u32() else { return Ok(None) };
                if !self.branch_quickly(op, depth, conditions) {
                    return Ok(None);
                }
                sink.instr(env, &Instr { x: depth, ..Instr::plain(op) }, offset)?;
            }
            _ => return Ok(None),
        }
        Ok(Some(c.consumed().wrapping_add(1)))
    }

    /// Counts an operator's weight, and values that it moves.
    #[inline(always)]
    fn count_of(&mut self, op: Op, values: u32) {
        self.work = self.work.wrapping_add(u64::from(work::weight(op))).wrapping_add(u64::from(values));
    }

    /// The `end` of a block without parameters.
    #[inline(always)]
    fn end_quickly(&mut self) -> bool {
        let frame = &self.stacks.frame;
        let Some(results) = frame.short_results() else { return false };
        // Blocks without parameters and with a result are no `if` without `else`.
        if (frame.kind == operands::Kind::If && results != NO_TYPE) || !self.stacks.holds_just(results) {
            return false;
        }
        let Some(outer) = self.stacks.outer.pop() else { return false };
        self.stacks.frame = outer;
        self.count_of(Op::End, if results == NO_TYPE { 0 } else { 2 });
        true
    }

    /// A block without parameters.
    #[inline(always)]
    fn open_quickly(&mut self, op: Op, kind: operands::Kind, pops: u32, ty: BlockType) -> bool {
        if (pops != 0 && !self.stacks.is_on_top(I32)) || self.is_deepest() {
            return false;
        }
        self.stacks.drop_quickly(pops);
        self.stacks.open(kind, ty, 0);
        self.count_of(op, pops);
        true
    }

    /// A branch to a label that takes one value along, or none.
    #[inline(always)]
    fn branch_quickly(&mut self, op: Op, depth: u32, conditions: u32) -> bool {
        let Some(label) = self.stacks.frame_of(depth) else { return false };
        let values = match label.short_results() {
            // The label of a loop takes its parameters.
            Some(_) if label.kind == operands::Kind::Loop => NO_TYPE,
            Some(values) => values,
            None => return false,
        };
        if (conditions != 0 && !self.stacks.is_on_top(I32))
            || (values != NO_TYPE && !self.stacks.is_under(conditions, values))
        {
            return false;
        }
        if conditions != 0 {
            self.stacks.drop_quickly(conditions);
            self.count_of(op, if values == NO_TYPE { 1 } else { 3 });
        } else {
            self.stacks.set_unreachable();
            self.count_of(op, if values == NO_TYPE { 0 } else { 1 });
        }
        true
    }

    /// Pops and pushes by a fixed signature.
    #[inline(always)]
    fn apply_quickly(&mut self, row: &Row, pops: u8) -> bool {
        let done = self.stacks.apply_quickly(row.want, row.mask, pops, row.result);
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
