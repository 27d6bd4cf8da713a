//! A function body as it is executed: the operators as decoded, and beside each structured one where its
//! arms lie. Also the frame's size. Owns what is computed at load; executes nothing.

use ghost_wasm::ValType;
use ghost_wasm::internals::{Instr, ModuleEnv, Op};

use crate::height::Height;

/// A function body.
#[derive(Debug)]
pub(crate) struct Code {
    /// The function's index in its module.
    pub func_index: u32,
    /// Declared locals, parameters excluded.
    pub local_count: u32,
    /// The operators, the body's final `end` included.
    pub steps: Vec<Step>,
    /// Labels of all `br_table`s, each with its default last.
    pub targets: Vec<u32>,
    /// What a frame counts on the value stack: parameters, locals, maximal operand height.
    pub frame_slots: u64,
}

/// An operator in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub instr: Instr,
    /// Its first byte in the module.
    pub offset: u32,
    /// For `block`, `loop`, `if` and `else`: the position of the matching `end`.
    pub end: usize,
    /// For `if`: the position of its `else`, or without one of its `end`. For `br_table`: where its labels start
    /// in [`Code::targets`].
    pub alt: usize,
}

/// Builds [`Code`] from what the validator reports.
#[derive(Debug)]
pub(crate) struct CodeBuilder {
    code: Code,
    /// Positions of the structured operators that are open.
    open: Vec<usize>,
    height: Height,
    param_count: u32,
}

impl CodeBuilder {
    pub fn new(env: &ModuleEnv, func_index: u32) -> CodeBuilder {
        let params = env.func_type(func_index).map_or(0, |ty| ty.params().len());
        CodeBuilder {
            code: Code { func_index, local_count: 0, steps: Vec::new(), targets: Vec::new(), frame_slots: 0 },
            open: Vec::new(),
            height: Height::new(),
            param_count: params as u32,
        }
    }

    pub fn locals(&mut self, count: u32, _ty: ValType) {
        self.code.local_count = self.code.local_count.saturating_add(count);
    }

    pub fn instr(&mut self, env: &ModuleEnv, instr: &Instr, offset: u32) {
        let at = self.code.steps.len();
        let alt = if instr.op == Op::BrTable { self.code.targets.len() } else { at };
        self.code.steps.push(Step { instr: *instr, offset, end: at, alt });
        match instr.op {
            Op::Block | Op::Loop | Op::If => self.open.push(at),
            Op::Else => {
                let Some(opener) = self.open.last_mut() else { return };
                if let Some(step) = self.code.steps.get_mut(*opener) {
                    step.alt = at;
                }
            }
            Op::End => {
                if let Some(opener) = self.open.pop() {
                    self.close(opener, at);
                }
            }
            _ => {}
        }
        self.height.after(env, instr);
    }

    /// Tells the structured operator at `opener`, and its `else`, where they end.
    fn close(&mut self, opener: usize, end: usize) {
        let Some(step) = self.code.steps.get_mut(opener) else { return };
        step.end = end;
        if step.instr.op != Op::If {
            return;
        }
        if step.alt == opener {
            step.alt = end;
            return;
        }
        let otherwise = step.alt;
        if let Some(step) = self.code.steps.get_mut(otherwise) {
            step.end = end;
        }
    }

    pub fn br_table_target(&mut self, label: u32) {
        self.code.targets.push(label);
    }

    /// The finished body. `frame_slots` is final here.
    pub fn finish(mut self) -> Code {
        self.code.frame_slots =
            u64::from(self.param_count) + u64::from(self.code.local_count) + self.height.max() as u64;
        self.code
    }
}
