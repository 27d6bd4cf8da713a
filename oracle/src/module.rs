//! A module as the oracle runs it: what the decoder and the validator of the engine leave, and the bodies
//! as they were reported. Executes nothing.

use std::sync::Arc;

use ghost_wasm::internals::{
    BlockType, BodySink, ElemSegment, ExternKind, Instr, ModuleData, ModuleEnv, SegmentMode, Stream,
};
use ghost_wasm::table::limits::{Limit, Limits};
use ghost_wasm::{Config, Engine, FuncType, Profile, ValType};

use crate::code::{Code, CodeBuilder};
use crate::error::Error;

/// The limits that the oracle checks while it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreLimits {
    pub memory_pages: u32,
    pub table_entries: u32,
    pub frames: u64,
    pub slots: u64,
    pub nesting: u64,
}

impl StoreLimits {
    pub fn of(limits: &Limits) -> StoreLimits {
        StoreLimits {
            memory_pages: limits.memory_pages,
            table_entries: limits.table_entries,
            frames: limits.frames.into(),
            slots: limits.value_stack_slots.into(),
            nesting: limits.host_nesting.into(),
        }
    }
}

/// An index space and an index in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    pub(crate) kind: ExternKind,
    pub(crate) index: u32,
}

/// A valid module.
#[derive(Debug)]
pub struct Module {
    data: ModuleData,
    codes: Vec<Arc<Code>>,
}

impl Module {
    /// Decodes and validates a module that is there as a whole.
    pub fn new(profile: &Profile, bytes: &[u8]) -> Result<Arc<Module>, Error> {
        let mut stream = ModuleStream::new(profile);
        stream.feed(bytes)?;
        stream.finish()
    }

    /// What the decoder read and the validator accepted.
    pub fn data(&self) -> &ModuleData {
        &self.data
    }

    /// Names and items of the exports, in order.
    pub(crate) fn exports(&self) -> impl Iterator<Item = (&str, Item)> {
        self.data.exports.iter().map(|e| (&*e.name, Item { kind: e.kind, index: e.index }))
    }

    pub(crate) fn code(&self, func_index: u32) -> Result<&Arc<Code>, Error> {
        let at = func_index.checked_sub(self.data.env.imported_funcs);
        at.and_then(|at| self.codes.get(at as usize)).ok_or(Error::Bug("no such body"))
    }

    pub(crate) fn func_type(&self, func_index: u32) -> Result<&FuncType, Error> {
        self.data.env.func_type(func_index).ok_or(Error::Bug("no such function"))
    }

    /// How many parameters and results a block has.
    pub(crate) fn block_arity(&self, ty: BlockType) -> Result<(usize, usize), Error> {
        let (params, results) = self.data.env.block_type(ty).ok_or(Error::Bug("no such block type"))?;
        Ok((params.len(), results.len()))
    }

    pub(crate) fn elem(&self, index: u32) -> Result<&ElemSegment, Error> {
        self.data.elems.get(index as usize).ok_or(Error::Bug("no such element segment"))
    }

    pub(crate) fn data_bytes(&self, index: u32) -> Result<&[u8], Error> {
        let segment = self.data.datas.get(index as usize).ok_or(Error::Bug("no such data segment"))?;
        Ok(self.data.datas.bytes_of(segment))
    }

    pub(crate) fn data_mode(&self, index: u32) -> Result<&SegmentMode, Error> {
        Ok(&self.data.datas.get(index as usize).ok_or(Error::Bug("no such data segment"))?.mode)
    }
}

/// A module on its way in, in chunks of any size.
#[derive(Debug)]
pub struct ModuleStream {
    stream: Stream<Recorder>,
}

impl ModuleStream {
    /// A stream at its first byte.
    pub fn new(profile: &Profile) -> ModuleStream {
        let frame_slots_max = profile.limits().frame_slots;
        let engine = Engine::new(&Config::new(profile.clone()));
        let recorder = Recorder { frame_slots_max, ..Recorder::default() };
        ModuleStream { stream: Stream::new(&engine, recorder) }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.stream.feed(bytes)?)
    }

    /// The end of the bytes.
    pub fn finish(self) -> Result<Arc<Module>, Error> {
        let (data, recorder) = self.stream.finish()?;
        Ok(Arc::new(Module { data, codes: recorder.codes }))
    }
}

/// Keeps every body that the validator accepts.
#[derive(Debug, Default)]
struct Recorder {
    codes: Vec<Arc<Code>>,
    current: Option<CodeBuilder>,
    frame_slots_max: u32,
}

impl BodySink for Recorder {
    fn begin(&mut self, env: &ModuleEnv, func: u32, _: u32) -> Result<(), ghost_wasm::Error> {
        self.current = Some(CodeBuilder::new(env, func));
        Ok(())
    }

    fn locals(&mut self, _: &ModuleEnv, count: u32, ty: ValType) -> Result<(), ghost_wasm::Error> {
        if let Some(body) = &mut self.current {
            body.locals(count, ty);
        }
        Ok(())
    }

    fn instr(&mut self, env: &ModuleEnv, instr: &Instr, offset: u32) -> Result<(), ghost_wasm::Error> {
        if let Some(body) = &mut self.current {
            body.instr(env, instr, offset);
        }
        Ok(())
    }

    fn br_table_target(
        &mut self,
        _: &ModuleEnv,
        label: u32,
        _: bool,
        _: u32,
    ) -> Result<(), ghost_wasm::Error> {
        if let Some(body) = &mut self.current {
            body.br_table_target(label);
        }
        Ok(())
    }

    fn finish(&mut self, _: &ModuleEnv) -> Result<(), ghost_wasm::Error> {
        let Some(body) = self.current.take() else { return Ok(()) };
        let code = body.finish();
        let most = u64::from(self.frame_slots_max);
        if code.frame_slots > most {
            return Err(ghost_wasm::Error::limit(Limit::FrameSlots, most));
        }
        self.codes.push(Arc::new(code));
        Ok(())
    }
}
