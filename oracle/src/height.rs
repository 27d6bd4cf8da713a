//! The maximal operand height of a body over reachable code: one of the three parts of a frame's size,
//! and therefore consensus.
//!
//! The height is taken after each reachable operator but the body's final `end`, after which there is no
//! frame any more; a body starts at height 0. An operator is
//! unreachable when it follows `unreachable`, `br`, `br_table`, `return` or a tail call before the `else` or `end` of
//! the innermost block that contains both. That `else` or `end` is reachable again exactly when the block
//! itself was entered by reachable code, whether or not anything branches there.

use ghost_wasm::internals::{Instr, ModuleEnv, Op, Signature};

#[derive(Debug)]
struct Block {
    /// Operands below the block's parameters.
    base: usize,
    params: usize,
    results: usize,
    reachable: bool,
}

/// Follows the height operator by operator.
#[derive(Debug)]
pub(crate) struct Height {
    now: usize,
    max: usize,
    reachable: bool,
    blocks: Vec<Block>,
}

impl Height {
    /// At the start of a body.
    pub fn new() -> Height {
        let body = Block { base: 0, params: 0, results: 0, reachable: true };
        Height { now: 0, max: 0, reachable: true, blocks: vec![body] }
    }

    /// The greatest height so far.
    pub fn max(&self) -> usize {
        self.max
    }

    /// Takes an operator of a valid body into account.
    pub fn after(&mut self, env: &ModuleEnv, instr: &Instr) {
        match instr.op {
            Op::Block | Op::Loop | Op::If => self.open(env, instr),
            Op::Else => {
                if let Some(block) = self.blocks.last() {
                    self.reachable = block.reachable;
                    self.now = block.base + block.params;
                }
            }
            Op::End => {
                let Some(block) = self.blocks.pop() else { return };
                if self.blocks.is_empty() {
                    return;
                }
                self.reachable = block.reachable;
                self.now = block.base + block.results;
            }
            _ if !self.reachable => {}
            Op::Unreachable | Op::Br | Op::BrTable | Op::Return | Op::ReturnCall | Op::ReturnCallIndirect => {
                self.reachable = false
            }
            _ => {
                let (popped, pushed) = pops_and_pushes(env, instr);
                self.now = self.now.saturating_sub(popped) + pushed;
            }
        }
        if self.reachable {
            self.max = self.max.max(self.now);
        }
    }

    fn open(&mut self, env: &ModuleEnv, instr: &Instr) {
        let (params, results) =
            env.block_type(instr.block_type()).map_or((0, 0), |(p, r)| (p.len(), r.len()));
        if self.reachable && instr.op == Op::If {
            self.now = self.now.saturating_sub(1);
        }
        let base = self.now.saturating_sub(params);
        self.blocks.push(Block { base, params, results, reachable: self.reachable });
    }
}

/// How many operands an operator takes and leaves, structured operators and unconditional branches aside.
fn pops_and_pushes(env: &ModuleEnv, instr: &Instr) -> (usize, usize) {
    let func =
        |ty: Option<&ghost_wasm::FuncType>| ty.map_or((0, 0), |t| (t.params().len(), t.results().len()));
    if let Signature::Fixed { params, results } = instr.op.signature() {
        return (params.len(), results.len());
    }
    match instr.op {
        Op::Call => func(env.func_type(instr.x)),
        Op::CallIndirect => {
            let (params, results) = func(env.types.get(instr.x as usize));
            (params + 1, results)
        }
        Op::Drop | Op::LocalSet | Op::GlobalSet | Op::BrIf => (1, 0),
        Op::LocalTee | Op::RefIsNull | Op::TableGet => (1, 1),
        Op::LocalGet | Op::GlobalGet | Op::RefNull => (0, 1),
        Op::Select | Op::SelectT => (3, 1),
        Op::TableSet => (2, 0),
        Op::TableGrow => (2, 1),
        Op::TableFill => (3, 0),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ghost_wasm::ValType;
    use ghost_wasm::internals::BlockType;

    fn max(body: &[Instr]) -> usize {
        let env = ModuleEnv::default();
        let mut height = Height::new();
        for instr in body {
            height.after(&env, instr);
        }
        height.max()
    }

    fn plain(op: Op) -> Instr {
        Instr::plain(op)
    }

    #[test]
    fn counts_reachable_operands_only() {
        let (konst, add, drop, end) =
            (plain(Op::I32Const), plain(Op::I32Add), plain(Op::Drop), plain(Op::End));
        assert_eq!(max(&[end]), 0);
        assert_eq!(max(&[konst, konst, add, drop, end]), 2);
        assert_eq!(max(&[plain(Op::Unreachable), konst, konst, drop, drop, end]), 0);
        assert_eq!(max(&[plain(Op::Unreachable), end]), 0, "the final end leaves no frame");
        let block = Instr::block(Op::Block, BlockType::Value(ValType::I32));
        assert_eq!(max(&[block, plain(Op::Unreachable), end, konst, add, drop, end]), 2);
        assert_eq!(max(&[plain(Op::Unreachable), block, konst, konst, end, end]), 0);
        let branch = Instr::block(Op::If, BlockType::Empty);
        let otherwise = plain(Op::Else);
        let body =
            [konst, branch, plain(Op::Return), konst, konst, konst, otherwise, konst, konst, add, drop];
        assert_eq!(max(&[&body[..], &[end, end]].concat()), 2);
    }
}
