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

/// A jump, or a target of a `br_table`.
#[derive(Clone, Copy, Debug)]
pub struct Jump {
    /// Where the target goes, in quarters of words.
    pub target: u32,
    /// Where the cost goes that it pays ahead, likewise.
    pub cost: u32,
    /// The op that the target is relative to.
    op: u32,
    kind: u32,
}

impl Jump {
    const BR: u32 = 0;
    const IF: u32 = 1;
    const TABLE: u32 = 2;

    /// `br` at this position.
    pub const fn br(op: u32) -> Jump {
        Jump { target: op * 2 + 5, cost: op * 2 + 3, op, kind: Jump::BR }
    }

    /// The edge that jumps of a conditional op at this position.
    pub const fn conditional(op: u32) -> Jump {
        Jump { target: op * 2 + 6, cost: op * 2 + 4, op, kind: Jump::IF }
    }

    /// A target at position `entry`, of the op at `op`.
    pub const fn table(entry: u32, op: u32) -> Jump {
        Jump { target: entry * 2, cost: entry * 2 + 1, op, kind: Jump::TABLE }
    }
}

// Of a jump that is no target of a `br_table` the target says where the rest is.
const _: () = {
    let (br, conditional) = (Jump::br(100), Jump::conditional(100));
    assert!(br.target / 2 - 2 - Jump::BR == 100 && br.target - 2 == br.cost);
    assert!(conditional.target / 2 - 2 - Jump::IF == 100 && conditional.target - 2 == conditional.cost);
};

/// Jumps that wait for their label: the last one, in whose target stands the one before it, and so on. A body has fewer
/// than 2^28 words (`room.rs`), so that there are two bits to say what kind of jump it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting(u32);

impl Waiting {
    pub const NONE: Waiting = Waiting(u32::MAX);

    fn of(jump: Jump) -> Waiting {
        debug_assert!(jump.target >> 30 == 0);
        Waiting(jump.target << 2 | jump.kind)
    }
}

/// An open block. It is copied when it is opened and when it is closed.
#[derive(Clone, Debug)]
pub struct Frame {
    pub kind: FrameKind,
    /// Height of the operand stack below the block's parameters.
    height: u32,
    params: u32,
    results: u32,
    pub ty: BlockTypes,
    /// What waits for the block's end.
    pub waiting: Waiting,
    /// Of the `br_table` at hand, the last target that names the label and needs moves first.
    pub stub: u32,
    /// A loop's first op.
    pub start: u32,
    /// The run that it was opened in.
    pub run: u32,
    /// What a jump back to a loop pays ahead.
    pub ahead: u32,
    /// Of an `if`: the op that jumps to `else` (or the end).
    otherwise: u32,
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
            results: results as u32,
            ty: BlockTypes::Function,
            waiting: Waiting::NONE,
            stub: NONE,
            start: 0,
            run: 0,
            ahead: 0,
            otherwise: NONE,
        }
    }

    /// How many values a branch to the label takes along.
    pub fn arity(&self) -> usize {
        (if self.kind == FrameKind::Loop { self.params } else { self.results }) as usize
    }

    /// The jump to `else`, if that is still to come.
    fn otherwise(&self) -> Option<Jump> {
        (self.otherwise != NONE).then(|| Jump::conditional(self.otherwise))
    }

    /// How many values there are when it ends.
    fn results(&self) -> usize {
        self.results as usize
    }

    /// The height of the operand stack below its values.
    pub fn height(&self) -> usize {
        self.height as usize
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
            // Within the limits of operand stacks and of types.
            height: self.stack.height().saturating_sub(params) as u32,
            params: params as u32,
            results: results as u32,
            ty: BlockTypes::Block(ty),
            waiting: Waiting::NONE,
            stub: NONE,
            start: 0,
            run: 0,
            ahead: 0,
            otherwise: NONE,
        };
        match condition {
            Some(condition) => {
                let op = self.emit_branch_if(condition, false);
                frame.otherwise = op;
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
            self.settle_top(frame.results());
            let op = self.emit_br();
            self.wait(&mut frame.waiting, Jump::br(op));
        }
        self.stack.truncate(frame.height());
        if let BlockTypes::Block(ty) = frame.ty
            && let Some((params, _)) = env.block_type(ty)
        {
            self.push_all_own(params);
        }
        self.stack.all_settled();
        if let Some(jump) = frame.otherwise() {
            frame.otherwise = NONE;
            self.resolve(jump);
            self.begin_on_edge(jump.cost);
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
                self.owe_with_values(GasClass::Return, frame.results());
                self.emit_return(frame.results());
            }
            return;
        }
        let joined = frame.waiting != Waiting::NONE || frame.otherwise != NONE;
        let falls = self.reachable;
        if falls {
            if joined {
                self.settle_top(frame.results());
                self.settle();
            }
        } else {
            self.stack.truncate(frame.height());
            self.push_results(env, frame.ty);
            self.stack.all_settled();
            self.begin_run();
        }
        if joined || !falls {
            self.meet(falls);
            if let Some(jump) = frame.otherwise() {
                self.resolve(jump);
                self.add_edge(jump.cost);
            }
            let mut waiting = frame.waiting;
            while let Some(jump) = self.next_waiting(&mut waiting) {
                self.resolve(jump);
                self.add_edge(jump.cost);
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

    /// Adds a jump to those that wait for a label. Its fields have no other use until that is met.
    pub fn wait(&mut self, list: &mut Waiting, jump: Jump) {
        self.set_quarter(jump.target, list.0);
        if jump.kind == Jump::TABLE {
            self.set_quarter(jump.cost, jump.op);
        }
        *list = Waiting::of(jump);
    }

    /// Takes one off again.
    fn next_waiting(&mut self, list: &mut Waiting) -> Option<Jump> {
        if *list == Waiting::NONE {
            return None;
        }
        let (target, kind) = (list.0 >> 2, list.0 & 3);
        *list = Waiting(self.quarter(target));
        if kind == Jump::TABLE {
            let cost = target + 1;
            let op = self.quarter(cost);
            self.set_quarter(cost, 0);
            return Some(Jump { target, cost, op, kind });
        }
        Some(Jump { target, cost: target - 2, op: target / 2 - 2 - kind, kind })
    }

    /// The label is here.
    fn resolve(&mut self, jump: Jump) {
        let here = self.code.len() as u32;
        self.jump_to(jump, here);
    }

    /// Writes the target of a jump.
    pub fn jump_to(&mut self, jump: Jump, target: u32) {
        self.set_quarter(jump.target, distance(jump.op, target));
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
        let height = self.frames.last().map_or(0, Frame::height);
        self.stack.truncate(height);
    }

    /// Whether a constant operand must go to a slot first; conditions are never immediates.
    pub fn condition(&mut self, popped: Popped) -> Operand {
        self.no_const(popped)
    }
}
