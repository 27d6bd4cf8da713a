//! Structured control, branches and returns; and what the operators that move values move.

use ghost_wasm::internals::Op;

use super::{Label, Machine};
use crate::code::Step;
use crate::error::Error;

impl Machine<'_> {
    /// Whether an `end` is the one that closes the function's body.
    pub(super) fn closes_body(&self, op: Op) -> Result<bool, Error> {
        Ok(op == Op::End && self.labels.len() == self.frame()?.labels_base + 1)
    }

    /// The values that the operator is charged for: the label's for a branch (taken or not), the results
    /// for a return, the arguments for a call.
    pub(super) fn values_moved(&self, step: &Step) -> Result<usize, Error> {
        let instr = step.instr;
        Ok(match instr.op {
            Op::Br | Op::BrIf => self.label(instr.x)?.arity,
            // All labels of a `br_table` have the same arity.
            Op::BrTable => self.label(self.br_table_label(step, u32::MAX)?)?.arity,
            Op::Return => self.frame()?.result_count,
            Op::End if self.closes_body(instr.op)? => self.frame()?.result_count,
            Op::Call | Op::ReturnCall => {
                let func = self.instance()?.func(instr.x)?;
                self.store.func(func)?.ty.params().len()
            }
            Op::CallIndirect | Op::ReturnCallIndirect => self.instance()?.func_type(instr.x)?.params().len(),
            _ => 0,
        })
    }

    pub(super) fn control(&mut self, step: Step) -> Result<(), Error> {
        let at = self.frame()?.pc - 1;
        match step.instr.op {
            Op::Block => self.enter_block(step, step.end + 1),
            // A branch to a loop continues with the loop itself.
            Op::Loop => self.enter_block(step, at),
            Op::If => {
                let condition = self.pop_u32()?;
                self.enter_block(step, step.end + 1)?;
                if condition == 0 {
                    // Past the `else`, or to the `end` where there is none.
                    let otherwise = if step.alt == step.end { step.end } else { step.alt + 1 };
                    self.frame_mut()?.pc = otherwise;
                }
                Ok(())
            }
            // Reached by falling out of the first arm.
            Op::Else => {
                self.frame_mut()?.pc = step.end;
                Ok(())
            }
            Op::End => self.labels.pop().map(drop).ok_or(Error::Bug("no label to end")),
            Op::Br => self.branch(step.instr.x),
            Op::BrIf => {
                if self.pop_u32()? != 0 {
                    return self.branch(step.instr.x);
                }
                Ok(())
            }
            Op::BrTable => {
                let index = self.pop_u32()?;
                let label = self.br_table_label(&step, index)?;
                self.branch(label)
            }
            Op::Return => {
                let frame = self.frame()?;
                let outermost = self.labels.len() - frame.labels_base - 1;
                self.branch(outermost as u32)
            }
            _ => Err(Error::Bug("not control")),
        }
    }

    /// Pushes the label of a block whose parameters are on the stack.
    fn enter_block(&mut self, step: Step, continuation: usize) -> Result<(), Error> {
        let (params, results) = self.instance()?.module.block_arity(step.instr.block_type())?;
        let arity = if step.instr.op == Op::Loop { params } else { results };
        let height = self.values.len().checked_sub(params).ok_or(Error::Bug("parameters are missing"))?;
        self.labels.push(Label { arity, height, continuation });
        Ok(())
    }

    /// The label that `index` selects; the default for whatever is too large.
    fn br_table_label(&self, step: &Step, index: u32) -> Result<u32, Error> {
        let at = step.alt + index.min(step.instr.x) as usize;
        self.frame()?.code.targets.get(at).copied().ok_or(Error::Bug("no such target"))
    }

    fn label(&self, depth: u32) -> Result<Label, Error> {
        let at = self.labels.len().checked_sub(depth as usize + 1);
        match at {
            Some(at) if at >= self.frame()?.labels_base => {
                self.labels.get(at).copied().ok_or(Error::Bug("no such label"))
            }
            _ => Err(Error::Bug("no such label")),
        }
    }

    /// Takes the label's values along, drops what lies below them, and goes on where the label says.
    fn branch(&mut self, depth: u32) -> Result<(), Error> {
        let label = self.label(depth)?;
        let taken = self.pop_many(label.arity)?;
        if self.values.len() < label.height {
            return Err(Error::Bug("operands are missing"));
        }
        self.values.truncate(label.height);
        self.values.extend(taken);
        self.labels.truncate(self.labels.len() - depth as usize - 1);
        self.frame_mut()?.pc = label.continuation;
        Ok(())
    }
}
