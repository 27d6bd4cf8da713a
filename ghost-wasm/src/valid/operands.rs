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
        let Some(top) = self.buffer.get(..self.top).and_then(|there| there.last_chunk::<PAD>()) else {
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

    /// Opens a frame whose parameters are on top.
    #[inline(always)]
    pub(super) fn open(&mut self, kind: Kind, ty: BlockType, params: usize) {
        #[expect(clippy::cast_possible_truncation, reason = "the operand_height limit is a u32")]
        let base = self.top.wrapping_sub(params) as u32;
        let frame = Frame { ty, base, kind, unreachable: false };
        self.outer.push(core::mem::replace(&mut self.frame, frame));
    }

    /// Pops parameters and pushes results, if the parameters are there and there is room.
    #[inline(always)]
    pub(super) fn call_quickly(&mut self, params: &[ValType], results: &[ValType]) -> bool {
        if !self.has_on_top(params) {
            return false;
        }
        self.put(self.top.wrapping_sub(params.len()), results)
    }

    /// Puts operands from `from` on, where nothing is above them, if there is room.
    #[inline(always)]
    fn put(&mut self, from: usize, types: &[ValType]) -> bool {
        let end = from.wrapping_add(types.len());
        let Some(places) = self.buffer.get_mut(from..end) else { return false };
        places.iter_mut().zip(types).for_each(|(place, &ty)| *place = ty as u8);
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

    #[inline]
    pub(super) fn push_all(&mut self, types: &[ValType]) -> Result<(), Error> {
        if self.put(self.top, types) { Ok(()) } else { self.push_each(types) }
    }

    /// Pushes where the buffer is full.
    #[cold]
    #[inline(never)]
    fn push_each(&mut self, types: &[ValType]) -> Result<(), Error> {
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

    /// How many operands popping these types takes off, if they can be popped: in unreachable code some may be
    /// missing, and some be of any type.
    fn fitting(&self, types: &[ValType]) -> Option<usize> {
        let there = self.operands();
        let count = there.len().min(types.len());
        if count < types.len() && !self.frame.unreachable {
            return None;
        }
        let found = there.get(there.len().wrapping_sub(count)..)?;
        let wanted = types.get(types.len().wrapping_sub(count)..)?;
        let differs = |found: u8, want: u8| if found == ANY { 0 } else { found ^ want };
        let all = found.iter().zip(wanted).fold(0, |all, (&found, &want)| all | differs(found, want as u8));
        (all == 0).then_some(count)
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
    pub(super) fn pop_each(&mut self, types: &[ValType]) -> Result<(), Error> {
        if let Some(count) = self.fitting(types) {
            self.top = self.top.wrapping_sub(count);
            return Ok(());
        }
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
        if self.fitting(types).is_some() {
            return Ok(());
        }
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

    /// Pops the frame's results and fails if more is left. Says whether the results had just these types: what was
    /// popped last is still there for [`take_back`](Stacks::take_back).
    #[inline]
    pub(super) fn end_frame(&mut self, results: &[ValType]) -> Result<bool, Error> {
        let there = self.has_on_top(results);
        if there {
            self.top = self.top.wrapping_sub(results.len());
        } else {
            self.pop_each(results)?;
        }
        if self.height() == self.frame.base {
            return Ok(there);
        }
        Err(self.error(ErrorCode::TypeMismatch).with_detail("values left over at the end of a block"))
    }

    /// Pushes the types that were popped last.
    #[inline]
    pub(super) fn take_back(&mut self, count: usize) {
        self.top = self.top.wrapping_add(count);
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

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    const TYPES: [ValType; 3] = [ValType::I32, ValType::I64, ValType::F32];

    /// All lists of up to three items, the rest from a byte each.
    fn lists<T: Copy>(items: &[T]) -> Vec<Vec<T>> {
        let longer = |lists: &[Vec<T>]| -> Vec<Vec<T>> {
            lists
                .iter()
                .flat_map(|list| items.iter().map(|&item| [list.clone(), vec![item]].concat()))
                .collect()
        };
        let (none, one) = (vec![Vec::new()], longer(&[Vec::new()]));
        let two = longer(&one);
        let three = longer(&two);
        [none, one, two, three].concat()
    }

    fn holding(under: &[u8], operands: &[u8], unreachable: bool) -> Stacks {
        let mut stacks = Stacks::new(10);
        stacks.start(BlockType::Empty);
        under.iter().for_each(|&ty| stacks.push(ty).unwrap());
        stacks.open(Kind::Block, BlockType::Empty, 0);
        operands.iter().for_each(|&ty| stacks.push(ty).unwrap());
        stacks.frame.unreachable = unreachable;
        stacks
    }

    #[test]
    fn lists_are_popped_as_their_types_one_by_one() {
        let bytes = TYPES.map(|ty| ty as u8);
        let found = lists(&[&bytes[..2], &[ANY]].concat());
        let (mut popped, mut refused) = (0, 0);
        for (operands, wanted) in
            found.iter().flat_map(|found| lists(&TYPES).into_iter().map(move |w| (found, w)))
        {
            for unreachable in [false, true] {
                let before = || holding(&bytes, operands, unreachable);
                let mut slowly = before();
                let expected = wanted.iter().rev().try_for_each(|&ty| slowly.pop(ty as u8).map(drop));
                let expected = expected.map(|()| slowly.top).map_err(|error| error.to_string());
                let what = format!("{operands:?} {wanted:?} {unreachable}");

                let mut stacks = before();
                let found = stacks.pop_all(&wanted).map(|()| stacks.top).map_err(|error| error.to_string());
                assert_eq!(found, expected, "{what}");

                let mut stacks = before();
                let found = stacks.check_top(&wanted).map_err(|error| error.to_string());
                assert_eq!(found.is_ok(), expected.is_ok(), "{what}");
                assert_eq!(stacks.top, before().top, "{what}");

                let pushed = stacks.pop_push(&wanted);
                assert_eq!(pushed.is_ok(), expected.is_ok(), "{what}");
                if let Ok(top) = expected {
                    assert_eq!(stacks.top, top + wanted.len(), "{what}");
                    assert!(stacks.has_on_top(&wanted), "{what}");
                    popped += 1;
                } else {
                    refused += 1;
                }
            }
        }
        assert!(popped > 100 && refused > 100, "{popped} {refused}");
    }
}
