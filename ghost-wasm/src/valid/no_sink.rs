//! A listener for those who only validate.

use super::env::{BodySink, ModuleEnv};
use crate::Error;
use crate::binary::instr::Instr;
use crate::types::ValType;

/// Listens to nothing: validation alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSink;

impl BodySink for NoSink {
    fn begin(&mut self, _: &ModuleEnv, _: u32, _: u32) -> Result<(), Error> {
        Ok(())
    }
    fn locals(&mut self, _: &ModuleEnv, _: u32, _: ValType) -> Result<(), Error> {
        Ok(())
    }
    fn instr(&mut self, _: &ModuleEnv, _: &Instr, _: u32) -> Result<(), Error> {
        Ok(())
    }
    fn br_table_target(&mut self, _: &ModuleEnv, _: u32, _: bool, _: u32) -> Result<(), Error> {
        Ok(())
    }
    fn finish(&mut self, _: &ModuleEnv) -> Result<(), Error> {
        Ok(())
    }
}
