//! A listener that is told the same by the general path alone: what the quick one must give, too. For tests.

use super::env::{BodySink, ModuleEnv};
use crate::Error;
use crate::binary::instr::Instr;
use crate::types::ValType;

/// Passes on what it hears. No operator is taken by `valid/quick.rs`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slowly<S>(pub S);

impl<S: BodySink> BodySink for Slowly<S> {
    const QUICK: bool = false;

    fn code(&mut self, start: u64, end: u64) {
        self.0.code(start, end);
    }
    fn begin(&mut self, env: &ModuleEnv, func: u32, offset: u32) -> Result<(), Error> {
        self.0.begin(env, func, offset)
    }
    fn locals(&mut self, env: &ModuleEnv, count: u32, ty: ValType) -> Result<(), Error> {
        self.0.locals(env, count, ty)
    }
    fn ahead(&mut self, operators: usize) -> Result<(), Error> {
        self.0.ahead(operators)
    }
    fn instr(&mut self, env: &ModuleEnv, instr: &Instr, offset: u32) -> Result<(), Error> {
        self.0.instr(env, instr, offset)
    }
    fn br_table_target(
        &mut self,
        env: &ModuleEnv,
        label: u32,
        default: bool,
        offset: u32,
    ) -> Result<(), Error> {
        self.0.br_table_target(env, label, default, offset)
    }
    fn height(&mut self, height: u32) -> Result<(), Error> {
        self.0.height(height)
    }
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.bytes(bytes);
    }
    fn finish(&mut self, env: &ModuleEnv) -> Result<(), Error> {
        self.0.finish(env)
    }
}
