//! The operand stack and the control stack of the appendix algorithm, and what pops and pushes do to them.
//!
//! <https://www.w3.org/TR/wasm-core-2/#validation-algorithm%E2%91%A0>

use alloc::format;
use alloc::vec::Vec;

use super::env::ModuleEnv;
use crate::Error;
use crate::binary::instr::BlockType;
use crate::table::errors::ErrorCode;
use crate::table::limits::Limit;
use crate::types::ValType;

/// An operand of any type: what unreachable code pops below its frame.
pub(super) const ANY: u8 = 0;

/// No type at all, where one byte says which or that there is none.
pub(super) const NO_TYPE: u8 = 0;

/// Unused entries under the first operand, so that the top four bytes can always be read.
pub(super) const PAD: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Func,
    Block,
    Loop,
    If,
    Else,
}

/// A frame of the control stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) ty: BlockType,
    /// Height of the operand stack under the frame's parameters.
    pub(super) base: u32,
    pub(super) kind: Kind,
    pub(super) unreachable: bool,
}

/// Both stacks of one body.
#[derive(Debug)]
pub(super) struct Stacks {
    /// Bytes of value types, or [`ANY`]; above `top` they mean nothing. At most `height_max` long.
    buffer: Vec<u8>,
    /// How many there are, the padding included.
    top: usize,
    /// The enclosing frames, without the innermost.
    pub(super) outer: Vec<Frame>,
    /// The innermost frame.
    pub(super) frame: Frame,
    /// The offset of the current operator.
    pub(super) offset: u32,
    /// The most entries of `types`, the padding included.
    height_max: usize,
}

/// Values that the buffer has room for at first.
const BUFFER_MIN: usize = 64;

fn name(byte: u8) -> &'static str {
    ValType::from_byte(byte).map_or("any", ValType::text)
}

impl Stacks {
    pub(super) fn new(height_max: u32) -> Stacks {
        Stacks {
            buffer: Vec::new(),
            top: 0,
            outer: Vec::new(),
            frame: Frame { ty: BlockType::Empty, base: 0, kind: Kind::Func, unreachable: false },
            offset: 0,
            height_max: (height_max as usize).saturating_add(PAD),
        }
    }

    pub(super) fn start(&mut self, ty: BlockType) {
        if self.buffer.is_empty() {
            self.grow();
        }
        self.buffer.iter_mut().take(PAD).for_each(|under| *under = ANY);
        self.top = PAD;
        self.outer.clear();
        self.frame = Frame { ty, base: self.height(), kind: Kind::Func, unreachable: false };
    }

    #[cold]
    #[inline(never)]
    pub(super) fn error(&self, code: ErrorCode) -> Error {
        Error::at(code, u64::from(self.offset))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn unknown(&self, code: ErrorCode, index: u32) -> Error {
        self.error(code).with_operand(index)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn over(&self, limit: Limit, most: u32) -> Error {
        Error::limit(limit, u64::from(most)).with_offset(u64::from(self.offset))
    }

    #[cold]
    #[inline(never)]
    fn mismatch(&self, want: u8, found: Option<u8>) -> Error {
        let found = found.map_or("nothing", name);
        self.error(ErrorCode::TypeMismatch).with_detail(format!("expected {}, found {found}", name(want)))
    }

    #[inline(always)]
    pub(super) fn height(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "the operand_height limit is a u32")]
        let height = self.top as u32;
        height
    }

    /// The number of values: the height without the padding.
    #[inline(always)]
    pub(super) fn values(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "the operand_height limit is a u32")]
        let values = self.top.saturating_sub(PAD) as u32;
        values
    }

    #[inline(always)]
    pub(super) fn push(&mut self, ty: u8) -> Result<(), Error> {
        if self.push_quickly(ty) { Ok(()) } else { self.push_slowly(ty) }
    }

    /// Pushes, if there is room in the buffer.
    #[inline(always)]
    pub(super) fn push_quickly(&mut self, ty: u8) -> bool {
        let Some(place) = self.buffer.get_mut(self.top) else { return false };
        *place = ty;
        self.top = self.top.wrapping_add(1);
        true
    }

    /// Whether the frame's operand with so many others above it has just this type.
    #[inline(always)]
    pub(super) fn is_under(&self, others: u32, ty: u8) -> bool {
        let at = self.top.wrapping_sub(1).wrapping_sub(others as usize);
        self.buffer.get(at) == Some(&ty) && at >= self.frame.base as usize
    }

    /// Whether the frame's top operand has just this type.
    #[inline(always)]
    pub(super) fn is_on_top(&self, ty: u8) -> bool {
        self.is_under(0, ty)
    }

    /// Drops operands that are known to be there.
    #[inline(always)]
    pub(super) fn drop_quickly(&mut self, count: u32) {
        self.top = self.top.wrapping_sub(count as usize);
    }

    /// Pops and pushes by a fixed signature (`FIXED` in `body.rs`), if the operands are there and of its types.
    #[inline(always)]
    pub(super) fn apply_quickly(&mut self, want: u32, mask: u32, pops: u8, result: u8) -> bool {
        let under = self.top.wrapping_sub(PAD);
        let Some(top) = self.buffer.get(under..).and_then(|top| top.first_chunk::<PAD>()) else {
            return false;
        };
        let height = self.top.wrapping_sub(usize::from(pops));
        if (u32::from_le_bytes(*top) ^ want) & mask != 0 || height < self.frame.base as usize {
            return false;
        }
        let Some(place) = self.buffer.get_mut(height) else { return false };
        // Without a result what is written lies above the top.
        *place = result;
        self.top = height.wrapping_add(usize::from(result != 0));
        true
    }

    /// Pops a condition and two numbers of one type, and pushes one of them, if they are there.
    #[inline(always)]
    pub(super) fn select_quickly(&mut self) -> bool {
        let from = self.top.wrapping_sub(3);
        let Some(&[first, second, condition]) = self.buffer.get(from..).and_then(|top| top.first_chunk())
        else {
            return false;
        };
        let number = ValType::from_byte(first).is_some_and(ValType::is_num);
        if from < self.frame.base as usize || condition != ValType::I32 as u8 || first != second || !number {
            return false;
        }
        self.top = self.top.wrapping_sub(2);
        true
    }

    /// Whether the frame has an operand.
    #[inline(always)]
    pub(super) fn has_operand(&self) -> bool {
        self.top > self.frame.base as usize
    }

    /// Whether the frame's only operand has this type; or it has none, for [`NO_TYPE`].
    #[inline(always)]
    pub(super) fn holds_just(&self, ty: u8) -> bool {
        let base = self.frame.base as usize;
        match self.top.wrapping_sub(base) {
            0 => ty == NO_TYPE,
            1 => ty != NO_TYPE && self.buffer.get(base) == Some(&ty),
            _ => false,
        }
    }

    /// Opens a frame without parameters.
    #[inline(always)]
    pub(super) fn open_quickly(&mut self, kind: Kind, ty: BlockType) {
        let frame = Frame { ty, base: self.height(), kind, unreachable: false };
        self.outer.push(core::mem::replace(&mut self.frame, frame));
    }

    /// Pops parameters and pushes results, if the parameters are there and there is room.
    #[inline(always)]
    pub(super) fn call_quickly(&mut self, params: &[ValType], results: &[ValType]) -> bool {
        if !self.has_on_top(params) {
            return false;
        }
        let from = self.top.wrapping_sub(params.len());
        let end = from.wrapping_add(results.len());
        let Some(places) = self.buffer.get_mut(from..end) else { return false };
        places.iter_mut().zip(results).for_each(|(place, &ty)| *place = ty as u8);
        self.top = end;
        true
    }

    /// The frame that a label names, if there is one.
    #[inline(always)]
    pub(super) fn frame_of(&self, depth: u32) -> Option<&Frame> {
        if depth == 0 {
            return Some(&self.frame);
        }
        self.outer.get(self.outer.len().checked_sub(depth as usize)?)
    }

    /// More room, up to the limit.
    fn grow(&mut self) {
        let len = self.buffer.len().saturating_mul(2).max(BUFFER_MIN).min(self.height_max);
        self.buffer.resize(len, ANY);
    }

    /// Pushes where the buffer is full.
    #[cold]
    #[inline(never)]
    fn push_slowly(&mut self, ty: u8) -> Result<(), Error> {
        self.grow();
        if self.push_quickly(ty) { Ok(()) } else { Err(self.too_high()) }
    }

    /// The frame's operands.
    #[inline(always)]
    fn operands(&self) -> &[u8] {
        self.buffer.get(self.frame.base as usize..self.top).unwrap_or_default()
    }

    /// Takes an operand off that is known to be there.
    #[inline(always)]
    fn take(&mut self) -> u8 {
        self.top = self.top.wrapping_sub(1);
        self.buffer.get(self.top).copied().unwrap_or(ANY)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn too_high(&self) -> Error {
        let most = u32::try_from(self.height_max.saturating_sub(PAD)).unwrap_or(u32::MAX);
        self.over(Limit::OperandHeight, most)
    }

    pub(super) fn push_all(&mut self, types: &[ValType]) -> Result<(), Error> {
        types.iter().try_for_each(|&ty| self.push(ty as u8))
    }

    /// Whether the frame's top operands have just these types.
    #[inline]
    pub(super) fn has_on_top(&self, types: &[ValType]) -> bool {
        let there = self.operands();
        let Some(at) = there.len().checked_sub(types.len()) else { return false };
        let found = there.get(at..).unwrap_or_default();
        // Without a way out in between, so that many are compared at a time.
        found.iter().zip(types).fold(0, |differ, (&found, &want)| differ | found ^ want as u8) == 0
    }

    /// Pops any operand.
    #[inline]
    pub(super) fn pop_any(&mut self) -> Result<u8, Error> {
        if self.height() > self.frame.base {
            return Ok(self.take());
        }
        if self.frame.unreachable {
            Ok(ANY)
        } else {
            Err(self.error(ErrorCode::TypeMismatch).with_detail("nothing to pop"))
        }
    }

    /// Pops an operand of type `want`, or of any type if `want` is [`ANY`].
    #[inline]
    pub(super) fn pop(&mut self, want: u8) -> Result<u8, Error> {
        if self.height() > self.frame.base {
            let found = self.take();
            if found == want || found == ANY || want == ANY {
                return Ok(found);
            }
            return Err(self.mismatch(want, Some(found)));
        }
        if self.frame.unreachable { Ok(want) } else { Err(self.mismatch(want, None)) }
    }

    #[inline]
    pub(super) fn pop_all(&mut self, types: &[ValType]) -> Result<(), Error> {
        if !self.has_on_top(types) {
            return self.pop_each(types);
        }
        self.top = self.top.wrapping_sub(types.len());
        Ok(())
    }

    /// Pops by the algorithm: something is wrong, or the code is unreachable.
    #[inline(never)]
    fn pop_each(&mut self, types: &[ValType]) -> Result<(), Error> {
        types.iter().rev().try_for_each(|&ty| self.pop(ty as u8).map(drop))
    }

    /// Pops `types` and pushes them again, unless an operand's type is known better than that: what `br_if`
    /// does. The operands under an unreachable frame's base appear.
    pub(super) fn pop_push(&mut self, types: &[ValType]) -> Result<(), Error> {
        if self.has_on_top(types) {
            return Ok(());
        }
        self.pop_each(types)?;
        self.push_all(types)
    }

    /// Fails unless the top operands have these types; changes nothing.
    #[inline]
    pub(super) fn check_top(&self, types: &[ValType]) -> Result<(), Error> {
        if self.has_on_top(types) { Ok(()) } else { self.check_each(types) }
    }

    #[inline(never)]
    fn check_each(&self, types: &[ValType]) -> Result<(), Error> {
        let mut found = self.operands().iter().rev();
        for &want in types.iter().rev() {
            match found.next() {
                Some(&found) if found == want as u8 || found == ANY => {}
                None if self.frame.unreachable => return Ok(()),
                found => return Err(self.mismatch(want as u8, found.copied())),
            }
        }
        Ok(())
    }

    /// What follows in this frame is unreachable.
    pub(super) fn set_unreachable(&mut self) {
        self.top = self.frame.base as usize;
        self.frame.unreachable = true;
    }

    /// Opens a frame; its parameters were popped.
    pub(super) fn open(&mut self, kind: Kind, ty: BlockType, params: &[ValType]) -> Result<(), Error> {
        self.open_quickly(kind, ty);
        self.push_all(params)
    }

    /// Pops the frame's results and fails if more is left.
    pub(super) fn end_frame(&mut self, results: &[ValType]) -> Result<(), Error> {
        self.pop_all(results)?;
        if self.height() == self.frame.base {
            return Ok(());
        }
        Err(self.error(ErrorCode::TypeMismatch).with_detail("values left over at the end of a block"))
    }

    /// The frame that a label names.
    pub(super) fn label(&self, depth: u32) -> Result<Frame, Error> {
        self.frame_of(depth).copied().ok_or_else(|| self.unknown(ErrorCode::UnknownLabel, depth))
    }
}

impl Frame {
    /// The type of the only result of a block without parameters, [`NO_TYPE`] if it has no result. None: its type
    /// is one of the module's.
    #[inline(always)]
    pub(super) fn short_results(&self) -> Option<u8> {
        match self.ty {
            BlockType::Empty => Some(NO_TYPE),
            BlockType::Value(ty) => Some(ty as u8),
            BlockType::Type(_) => None,
        }
    }

    /// Parameters and results.
    pub(super) fn types<'e>(&self, env: &'e ModuleEnv) -> (&'e [ValType], &'e [ValType]) {
        // A frame is opened only after its type was found.
        env.block_type(self.ty).unwrap_or((&[], &[]))
    }

    /// What a branch to the frame's label takes along.
    pub(super) fn label_types<'e>(&self, env: &'e ModuleEnv) -> &'e [ValType] {
        let (params, results) = self.types(env);
        if self.kind == Kind::Loop { params } else { results }
    }
}
