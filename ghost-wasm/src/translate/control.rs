//! Blocks and labels. At a label all values are in fixed slots, nothing is in an accumulator, and no gas is
//! pending.

use super::Translator;
use super::emit::{Operand, Popped};
use super::stack::NONE;
use super::value::{Flushed, Last};
use crate::binary::instr::Instr;
use crate::code::inst::TARGET_BIAS;
use crate::table::gas::GasClass;
use crate::types::ValType;
use crate::valid::env::ModuleEnv;

/// What opened a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    Function,
    Block,
    Loop,
    If,
    Else,
}

/// From one position of a body to another, as targets in the code are given: in bytes, with a bias. Bodies end far from
/// where 31 bits do (see `room.rs`).
pub fn distance(from: u32, to: u32) -> u32 {
    to.wrapping_sub(from).wrapping_mul(size_of::<u64>() as u32).wrapping_add(TARGET_BIAS)
}

/// A branch whose target is not known yet.
#[derive(Clone, Copy, Debug)]
pub struct Fixup {
    /// Where the target goes, in quarters of words.
    pub quarter: u32,
    /// The op that it is relative to.
    pub op: u32,
    /// What the branch pays ahead goes there, likewise.
    pub cost: u32,
    /// The next fixup of the same label.
    pub next: u32,
}

/// An open block.
#[derive(Clone, Debug)]
pub struct Frame {
    pub kind: FrameKind,
    /// Height of the operand stack below the block's parameters.
    pub height: usize,
    pub params: usize,
    pub results: usize,
    pub ty: BlockTypes,
    /// First of the fixups that wait for the block's end.
    pub fixups: u32,
    /// Of the `br_table` at hand, the last target that names the label and needs moves first.
    pub stub: u32,
    /// A loop's first op.
    pub start: u32,
    /// The run that it was opened in.
    pub run: u32,
    /// What a jump back to a loop pays ahead.
    pub ahead: u32,
    /// Of an `if`: the jump to `else` (or the end).
    pub otherwise: Option<Fixup>,
}

/// Where a block's types come from.
#[derive(Clone, Copy, Debug)]
pub enum BlockTypes {
    /// The function's results.
    Function,
    /// The block's own.
    Block(crate::binary::instr::BlockType),
}

impl Frame {
    /// The outermost frame.
    pub fn function(results: usize) -> Frame {
        Frame {
            kind: FrameKind::Function,
            height: 0,
            params: 0,
            results,
            ty: BlockTypes::Function,
            fixups: NONE,
            stub: NONE,
            start: 0,
            run: 0,
            ahead: 0,
            otherwise: None,
        }
    }

    /// How many values a branch to the label takes along.
    pub fn arity(&self) -> usize {
        if self.kind == FrameKind::Loop { self.params } else { self.results }
    }
}

/// A `br_table` whose targets are arriving.
#[derive(Debug)]
pub struct PendingTable {
    pub index: Popped,
    /// Targets without the default.
    pub count: u32,
    /// The op and how many values move, once the first target has told.
    pub op: Option<(u32, usize)>,
}

impl Translator {
    /// `block`, `loop`, `if`.
    pub fn open_block(&mut self, env: &ModuleEnv, kind: FrameKind, instr: &Instr) {
        let ty = instr.block_type();
        let (params, results) = env.block_type(ty).map_or((0, 0), |(p, r)| (p.len(), r.len()));
        let condition = (kind == FrameKind::If).then(|| self.pop());
        self.settle_all();
        let mut frame = Frame {
            kind,
            height: self.stack.height().saturating_sub(params),
            params,
            results,
            ty: BlockTypes::Block(ty),
            fixups: NONE,
            stub: NONE,
            start: 0,
            run: 0,
            ahead: 0,
            otherwise: None,
        };
        match condition {
            Some(condition) => {
                let op = self.emit_branch_if(condition, false);
                frame.otherwise = Some(Fixup { quarter: op * 2 + 6, op, cost: op * 2 + 4, next: NONE });
                self.begin_on_edge(op * 2 + 5);
            }
            None if kind == FrameKind::Loop => {
                self.settle();
                self.begin_loop();
                self.last = Last::NONE;
                frame.start = self.code.len() as u32;
            }
            None => {}
        }
        frame.run = self.run.number;
        self.frames.push(frame);
    }

    /// `else`.
    pub fn open_else(&mut self, env: &ModuleEnv) {
        let Some(mut frame) = self.frames.pop() else { return };
        if self.reachable {
            self.settle_top(frame.results);
            let op = self.emit_br();
            self.add_fixup(&mut frame.fixups, op * 2 + 5, op, op * 2 + 3);
        }
        self.stack.truncate(frame.height);
        self.stack.settled = self.stack.settled.min(frame.height);
        if let BlockTypes::Block(ty) = frame.ty
            && let Some((params, _)) = env.block_type(ty)
        {
            self.push_all_own(params);
        }
        self.stack.settled = self.stack.height();
        if let Some(fixup) = frame.otherwise.take() {
            self.resolve(fixup);
            self.begin_on_edge(fixup.cost);
        }
        self.last = Last::NONE;
        self.reachable = true;
        frame.kind = FrameKind::Else;
        self.frames.push(frame);
    }

    /// `end`.
    pub fn close_block(&mut self, env: &ModuleEnv) {
        let Some(frame) = self.frames.pop() else { return };
        if frame.kind == FrameKind::Function {
            if self.reachable {
                self.owe_with_values(GasClass::Return, frame.results);
                self.emit_return(frame.results);
            }
            return;
        }
        let joined = frame.fixups != NONE;
        let falls = self.reachable;
        if falls {
            if joined || frame.otherwise.is_some() {
                self.settle_top(frame.results);
                self.settle();
            }
        } else {
            self.stack.truncate(frame.height);
            self.stack.settled = self.stack.height();
            self.push_results(env, frame.ty);
            self.stack.settled = self.stack.height();
            self.begin_run();
        }
        if joined || frame.otherwise.is_some() || !falls {
            self.meet(falls);
            if let Some(fixup) = frame.otherwise {
                self.resolve(fixup);
                self.add_edge(fixup.cost);
            }
            let mut next = frame.fixups;
            while let Some(&fixup) = self.fixups.get(next as usize) {
                self.resolve(fixup);
                self.add_edge(fixup.cost);
                next = fixup.next;
            }
            self.last = Last::NONE;
            self.flushed = Flushed::NONE;
        }
        self.reachable = true;
    }

    /// Pushes a block's results, which are in their slots.
    fn push_results(&mut self, env: &ModuleEnv, ty: BlockTypes) {
        let results: &[ValType] = match ty {
            BlockTypes::Block(ty) => env.block_type(ty).map_or(&[], |(_, results)| results),
            BlockTypes::Function => env.func_type(self.func).map_or(&[], |ty| ty.results()),
        };
        self.push_all_own(results);
    }

    /// Adds a branch to a label's list.
    pub fn add_fixup(&mut self, list: &mut u32, quarter: u32, op: u32, cost: u32) {
        let index = self.fixups.len() as u32;
        self.fixups.push(Fixup { quarter, op, cost, next: *list });
        *list = index;
    }

    /// The label is here.
    pub fn resolve(&mut self, fixup: Fixup) {
        let here = self.code.len() as u32;
        self.set_quarter(fixup.quarter, distance(fixup.op, here));
    }

    /// The frame of a label, counted from the innermost; and its index.
    pub fn label(&self, depth: u32) -> Option<(usize, &Frame)> {
        let index = self.frames.len().checked_sub(1 + depth as usize)?;
        Some((index, self.frames.get(index)?))
    }

    /// Nothing follows until the block ends.
    pub fn end_reachable(&mut self) {
        self.reachable = false;
        self.dead_blocks = 0;
        self.last = Last::NONE;
        self.flushed = Flushed::NONE;
        let height = self.frames.last().map_or(0, |frame| frame.height);
        self.stack.truncate(height);
    }

    /// Whether a constant operand must go to a slot first; conditions are never immediates.
    pub fn condition(&mut self, popped: Popped) -> Operand {
        self.no_const(popped)
    }
}
