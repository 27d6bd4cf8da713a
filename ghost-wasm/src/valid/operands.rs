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
    /// Bytes of value types, or [`ANY`].
    pub(super) types: Vec<u8>,
    /// The enclosing frames, without the innermost.
    pub(super) outer: Vec<Frame>,
    /// The innermost frame.
    pub(super) frame: Frame,
    /// The offset of the current operator.
    pub(super) offset: u32,
    /// The most entries of `types`, the padding included.
    pub(super) height_max: usize,
}

fn name(byte: u8) -> &'static str {
    ValType::from_byte(byte).map_or("any", ValType::text)
}

impl Stacks {
    pub(super) fn new(height_max: u32) -> Stacks {
        Stacks {
            types: Vec::new(),
            outer: Vec::new(),
            frame: Frame { ty: BlockType::Empty, base: 0, kind: Kind::Func, unreachable: false },
            offset: 0,
            height_max: (height_max as usize).saturating_add(PAD),
        }
    }

    pub(super) fn start(&mut self, ty: BlockType) {
        self.types.clear();
        self.types.extend([ANY; PAD]);
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
        let height = self.types.len() as u32;
        height
    }

    /// The number of values: the height without the padding.
    #[inline(always)]
    pub(super) fn values(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "the operand_height limit is a u32")]
        let values = self.types.len().saturating_sub(PAD) as u32;
        values
    }

    #[inline(always)]
    pub(super) fn push(&mut self, ty: u8) -> Result<(), Error> {
        if self.types.len() >= self.height_max {
            return Err(self.too_high());
        }
        self.types.push(ty);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    pub(super) fn too_high(&self) -> Error {
        let most = u32::try_from(self.height_max.saturating_sub(PAD)).unwrap_or(u32::MAX);
        self.over(Limit::OperandHeight, most)
    }

    pub(super) fn push_all(&mut self, types: &[ValType]) -> Result<(), Error> {
        if self.types.len().saturating_add(types.len()) > self.height_max {
            return Err(self.too_high());
        }
        self.types.extend(types.iter().map(|&ty| ty as u8));
        Ok(())
    }

    /// Whether the frame's top operands have just these types.
    #[inline]
    fn has_on_top(&self, types: &[ValType]) -> bool {
        let there = self.types.get(self.frame.base as usize..).unwrap_or_default();
        let Some(at) = there.len().checked_sub(types.len()) else { return false };
        let found = there.get(at..).unwrap_or_default();
        // Without a way out in between, so that many are compared at a time.
        found.iter().zip(types).fold(0, |differ, (&found, &want)| differ | found ^ want as u8) == 0
    }

    /// Pops any operand.
    #[inline]
    pub(super) fn pop_any(&mut self) -> Result<u8, Error> {
        if self.height() > self.frame.base {
            return Ok(self.types.pop().unwrap_or(ANY));
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
            let found = self.types.pop().unwrap_or(ANY);
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
        let height = self.types.len().wrapping_sub(types.len());
        self.types.truncate(height);
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
        let there = self.types.get(self.frame.base as usize..).unwrap_or_default();
        let mut found = there.iter().rev();
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
        self.types.truncate(self.frame.base as usize);
        self.frame.unreachable = true;
    }

    /// Opens a frame; its parameters were popped.
    pub(super) fn open(&mut self, kind: Kind, ty: BlockType, params: &[ValType]) -> Result<(), Error> {
        let frame = Frame { ty, base: self.height(), kind, unreachable: false };
        self.outer.push(core::mem::replace(&mut self.frame, frame));
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
        if depth == 0 {
            return Ok(self.frame);
        }
        let at = self.outer.len().checked_sub(depth as usize);
        at.and_then(|at| self.outer.get(at))
            .copied()
            .ok_or_else(|| self.unknown(ErrorCode::UnknownLabel, depth))
    }
}

impl Frame {
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
