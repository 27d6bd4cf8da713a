//! Globals, tables entry by entry, references, and memory access by load and store.

use ghost_wasm::TrapCode;
use ghost_wasm::internals::{Instr, Op};

use super::Machine;
use crate::error::Error;

impl Machine<'_> {
    pub(super) fn state(&mut self, i: Instr) -> Result<(), Error> {
        let table_bounds = || Error::trap(TrapCode::TableOutOfBounds);
        match i.op {
            Op::GlobalGet => {
                let global = self.instance()?.global(i.x)?;
                let value = self.store.global_inst(global)?.raw;
                self.push(value)
            }
            Op::GlobalSet => {
                let value = self.pop()?;
                let global = self.instance()?.global(i.x)?;
                self.store.global_inst_mut(global)?.raw = value;
                Ok(())
            }
            Op::TableGet => {
                let at = self.pop_u32()?;
                let table = self.instance()?.table(i.x)?;
                let entry = self.store.table_inst(table)?.get(at).ok_or_else(table_bounds)?;
                self.push(entry)
            }
            Op::TableSet => {
                let (entry, at) = (self.pop()?, self.pop_u32()?);
                let table = self.instance()?.table(i.x)?;
                self.store.table_inst_mut(table)?.set(at, entry).ok_or_else(table_bounds)
            }
            Op::TableSize => {
                let table = self.instance()?.table(i.x)?;
                let size = self.store.table_inst(table)?.size();
                self.push(size.into())
            }
            Op::MemorySize => {
                let memory = self.instance()?.memory(i.x)?;
                let pages = self.store.memory_inst(memory)?.size_pages();
                self.push(pages.into())
            }
            Op::RefNull => self.push(0),
            Op::RefIsNull => {
                let reference = self.pop()?;
                self.push(u64::from(reference == 0))
            }
            Op::RefFunc => {
                let func = self.instance()?.func(i.x)?;
                self.push(crate::value::Val::FuncRef(Some(func)).to_raw())
            }
            _ => Err(Error::Bug("not an operator on state")),
        }
    }

    /// Loads and stores.
    pub(super) fn access(&mut self, i: Instr) -> Result<(), Error> {
        use Op::*;
        match i.op {
            I32Load | F32Load | I64Load32U => self.load_bytes(i, u32::from_le_bytes, u64::from),
            I64Load | F64Load => self.load_bytes(i, u64::from_le_bytes, u64::from),
            I32Load8U | I64Load8U => self.load_bytes(i, u8::from_le_bytes, u64::from),
            I32Load16U | I64Load16U => self.load_bytes(i, u16::from_le_bytes, u64::from),
            I32Load8S => self.load_bytes(i, i8::from_le_bytes, |v| u64::from(i32::from(v) as u32)),
            I32Load16S => self.load_bytes(i, i16::from_le_bytes, |v| u64::from(i32::from(v) as u32)),
            I64Load8S => self.load_bytes(i, i8::from_le_bytes, |v| i64::from(v) as u64),
            I64Load16S => self.load_bytes(i, i16::from_le_bytes, |v| i64::from(v) as u64),
            I64Load32S => self.load_bytes(i, i32::from_le_bytes, |v| i64::from(v) as u64),
            I32Store | F32Store | I64Store32 => self.store_bytes(i, |v| (v as u32).to_le_bytes()),
            I64Store | F64Store => self.store_bytes(i, u64::to_le_bytes),
            I32Store8 | I64Store8 => self.store_bytes(i, |v| (v as u8).to_le_bytes()),
            I32Store16 | I64Store16 => self.store_bytes(i, |v| (v as u16).to_le_bytes()),
            _ => Err(Error::Bug("not a memory access")),
        }
    }

    fn load_bytes<const N: usize, T>(
        &mut self,
        i: Instr,
        decode: impl Fn([u8; N]) -> T,
        extend: impl Fn(T) -> u64,
    ) -> Result<(), Error> {
        let at = u64::from(self.pop_u32()?) + i.z;
        let memory = self.instance()?.memory(i.x)?;
        let mut bytes = [0; N];
        let read = self.store.memory_inst(memory)?.read(at, &mut bytes);
        read.ok_or_else(|| Error::trap(TrapCode::MemoryOutOfBounds))?;
        self.push(extend(decode(bytes)))
    }

    fn store_bytes<const N: usize>(
        &mut self,
        i: Instr,
        encode: impl Fn(u64) -> [u8; N],
    ) -> Result<(), Error> {
        let (value, address) = (self.pop()?, self.pop_u32()?);
        let at = u64::from(address) + i.z;
        let memory = self.instance()?.memory(i.x)?;
        let written = self.store.memory_inst_mut(memory)?.write(at, &encode(value));
        written.ok_or_else(|| Error::trap(TrapCode::MemoryOutOfBounds))
    }
}
