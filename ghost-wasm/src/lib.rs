//! A WebAssembly decoder, validator and interpreter with exact gas, fed chunk by chunk.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod backtrace;
mod binary;
mod code;
mod error;
mod exec;
mod heap;
mod runtime;
pub mod table;
mod translate;
mod types;
mod valid;

pub use backtrace::{Backtrace, FrameInfo};
pub use error::{Error, Trap};
pub use runtime::caller::Caller;
pub use runtime::config::{Config, Translation};
pub use runtime::context::{AsContext, AsContextMut};
pub use runtime::engine::Engine;
pub use runtime::func::{Func, TypedFunc};
pub use runtime::global::Global;
pub use runtime::instance::{Extern, Instance};
pub use runtime::interrupt::Interrupt;
pub use runtime::item::{Item, Refusal};
pub use runtime::limiter::ResourceLimiter;
pub use runtime::linker::Linker;
pub use runtime::memory::Memory;
pub use runtime::module::{ExportType, ImportType, Module};
pub use runtime::pool::InstancePool;
pub use runtime::pre::InstancePre;
pub use runtime::profile::Profile;
pub use runtime::store::Store;
pub use runtime::stream::{ModuleStream, Progress};
pub use runtime::table::Table;
pub use runtime::typed::{IntoFunc, WasmParams, WasmResults, WasmReturn, WasmTy};
pub use runtime::value::Val;
pub use table::errors::{ErrorCode, ErrorKind, TrapCode};
pub use types::{ExternType, FuncType, GlobalType, MemoryType, TableType, ValType};
pub use valid::rules::ConstGlobals;

/// The examples of the README are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

/// What the oracle and the tools look at. Not a stable interface.
#[cfg(feature = "internals")]
pub mod internals {
    pub use crate::binary::cursor::{Cursor, Fault};
    pub use crate::binary::instr::{BlockType, Instr};
    pub use crate::binary::opcode::instr as read_instr;
    pub use crate::code::inst::{
        BRANCH_LOAD_OF, FLOAT_SECOND_OF, Family, InstId, LOAD_FLOAT_SECOND_OF, LOAD_OF, SECOND_OF,
        WIDE_BOTH_SECOND_OF, WIDE_FIRST_SECOND_OF, WIDE_SECOND_SECOND_OF,
    };
    pub use crate::exec::num;
    pub use crate::runtime::datas::{DataSegment, DataSegments};
    pub use crate::runtime::module::{
        ConstExpr, CustomSection, ElemItem, ElemSegment, Export, ExternKind, Import, ModuleData, Names,
        SegmentMode,
    };
    pub use crate::runtime::stream::Stream;
    pub use crate::table::ops::{Imm, Op, Signature};
    pub use crate::valid::env::{BodySink, ModuleEnv};
    pub use crate::valid::no_sink::NoSink;
    pub use crate::valid::slowly::Slowly;

    /// The internal code of a module, as text: see `code/disasm.rs`.
    ///
    /// # Errors
    /// Those of the module.
    pub fn disassemble(engine: &crate::Engine, bytes: &[u8]) -> Result<alloc::string::String, crate::Error> {
        Ok(crate::code::disasm::disassemble(&canonical(engine, bytes)?))
    }

    /// The same, decoded and validated by the general path alone.
    ///
    /// # Errors
    /// Those of the module.
    pub fn disassemble_slowly(
        engine: &crate::Engine,
        bytes: &[u8],
    ) -> Result<alloc::string::String, crate::Error> {
        let mut translator = decoded(engine, bytes, Slowly(translator(engine)))?.0;
        Ok(crate::code::disasm::disassemble(&translator.take_code()?))
    }

    /// How many of a module's internal instructions only charge gas.
    ///
    /// # Errors
    /// Those of the module.
    pub fn charge_ops(engine: &crate::Engine, bytes: &[u8]) -> Result<usize, crate::Error> {
        Ok(crate::code::disasm::charge_ops(&canonical(engine, bytes)?))
    }

    fn canonical(
        engine: &crate::Engine,
        bytes: &[u8],
    ) -> Result<crate::code::module::ModuleCode, crate::Error> {
        decoded(engine, bytes, translator(engine))?.take_code()
    }

    fn translator(engine: &crate::Engine) -> crate::translate::Translator {
        let profile = engine.profile();
        crate::translate::Translator::new(profile.schedule(), profile.limits().frame_slots).canonical()
    }

    fn decoded<S: BodySink>(engine: &crate::Engine, bytes: &[u8], sink: S) -> Result<S, crate::Error> {
        let mut stream = Stream::new(engine, sink);
        stream.feed(bytes)?;
        Ok(stream.finish()?.1)
    }

    /// The name of an internal instruction, by its number among the steps of a store.
    pub fn instruction_name(number: u16) -> alloc::string::String {
        crate::code::disasm::name(crate::code::inst::InstId(number))
    }

    /// What a public module was made from.
    pub fn module_data(module: &crate::Module) -> &ModuleData {
        &module.inner.data
    }
}
