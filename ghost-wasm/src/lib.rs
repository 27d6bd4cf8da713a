//! A WebAssembly decoder, validator and interpreter with exact gas, fed chunk by chunk; `no_std` + `alloc`.
//!
//! It is made for programs that run code they do not trust and have to agree on what it did: contracts, plug-ins,
//! agents. A module is decoded, validated and translated while its bytes arrive; what a run costs, traps with and
//! returns is the same on every machine.
//!
//! # Example
//! ```
//! use ghost_wasm::{Engine, Linker, Module, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bytes = wat::parse_str(
//!     r#"(module
//!         (import "env" "limit" (func $limit (result i32)))
//!         (func (export "min") (param i32) (result i32)
//!             (select (local.get 0) (call $limit) (i32.lt_s (local.get 0) (call $limit)))))"#,
//! )?;
//! let engine = Engine::default();
//! let module = Module::new(&engine, &bytes)?;
//! let mut linker = Linker::new(&engine);
//! linker.func_wrap("env", "limit", || 10)?;
//!
//! let mut store = Store::new(&engine, ());
//! store.set_gas(100_000);
//! let instance = linker.instantiate(&mut store, &module)?;
//! let min = instance.get_typed_func::<i32, i32>(&store, "min")?;
//! assert_eq!(min.call(&mut store, 25)?, 10);
//! println!("{} gas", store.gas_used());
//! # Ok(())
//! # }
//! ```
//!
//! # By task
//! `docs/embed.md` in the repository has a runnable example for each line.
//!
//! | to do this | begin here |
//! |---|---|
//! | load a module that is whole, or one that arrives | [`Module::new`], [`ModuleStream`] |
//! | refuse imports, exports or custom sections | [`ModuleStream::with_policy`] |
//! | see what a module imports and exports | [`Module::imports`], [`Module::exports`] |
//! | give it host functions, memories, other instances | [`Linker`], [`Func::wrap`], [`Caller`] |
//! | call it | [`Instance::get_typed_func`], [`Func::call`] with [`Val`] |
//! | read and write what it has | [`Memory`], [`Table`], [`Global`] |
//! | limit what it computes, and go on with more | [`Store::set_gas`], [`TypedFunc::resume`], [`Caller::charge`] |
//! | let a host function answer later | [`Error::yield_with`], [`TypedFunc::resume_with`], [`Store::abandon`] |
//! | end a call from another thread | [`Interrupt`] |
//! | choose proposals, limits and prices | [`Profile`], [`Config`], [`table`] |
//! | limit the memory of one store | [`ResourceLimiter`] |
//! | know what went wrong, and where | [`Error`], [`ErrorCode`], [`Backtrace`] |
//! | start many instances of one module | [`InstancePre`], [`InstancePool`] |
//! | translate functions at their first call | [`Config::translation`] |
//!
//! # What is promised
//! - **Gas is exact.** Each operator has a price of the profile's schedule ([`table::gas`]). A call that runs out has used
//!   its limit, to the unit; slices, fused instructions, pools and lazy translation change no number.
//! - **Chunks do not matter.** The same bytes give the same module, or the same error with the same offset, however they
//!   are cut. Nothing is allocated because a module declares a size.
//! - **Equal profiles, equal results.** Values (NaNs too), traps, gas and refusals depend on the [`Profile`], the module, the
//!   arguments and the host functions, and on nothing else. Backtraces and texts are diagnostics: no result depends
//!   on them. [`Interrupt`], [`ResourceLimiter`] and a host without memory are the exceptions, and say so.
//! - **Bad input is an error, never a panic.** The official test suite passes in full (`docs/conformance.md`); an independent
//!   interpreter and gas meter, `wasmparser` and generated programs check the engine.
//! - **`unsafe` is in two places**, the interpreter's core and the memory, and denied by lint elsewhere.
//!
//! # Limits
//! - WebAssembly 2.0 without SIMD, with extended constant expressions; tail calls and wide arithmetic in
//!   [`Profile::LATEST`]. Not: SIMD, threads, exceptions, garbage collection, several memories, 64-bit memories,
//!   components. A module that needs one of these is told so ([`Error::proposal`], `docs/features.md`).
//! - There is no WASI and no compiler: host functions are yours, and code is interpreted.
//! - Each profile limits modules and calls ([`table::limits`], `docs/limits.md`); up to 12 values are taken or given by
//!   typed functions, more by [`Func::call`].
//! - A [`Store`] is used by one thread at a time. [`Engine`], [`Module`], [`Linker`] and [`InstancePre`] are shared freely.
//!
//! # Features of the crate
//! | feature | default | |
//! |---|---|---|
//! | `std` | yes | the platform's square roots, and room for memories to grow; the engine needs `alloc` only |
//! | `libm` | no | square roots without `std` on targets that have no instruction for them |
//! | `extra-checks` | no | the assertions of the hot path, in release builds too |
//! | `internals` | no | what tests and tools look at; not a stable interface |
//!
//! # Coming from wasmtime or wasmi
//! [`Engine`], [`Config`], [`Module`], [`Store`], [`Linker`], [`Instance`], [`Func`], [`TypedFunc`], [`Memory`], [`Table`], [`Global`],
//! [`Val`] and [`Caller`] are what they are there. Fuel is called gas: `set_fuel` is [`Store::set_gas`], `get_fuel` is
//! [`Store::gas_left`]. Epochs are an [`Interrupt`], async host functions are [`Error::yield_with`], resumable calls
//! [`TypedFunc::resume`], the pooling allocator an [`InstancePool`]. Accessors that panic with a handle of another
//! store have twins named `try_…` that do not.
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

/// So are those of the page for embedders, which are run, too.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embed.md")]
mod embed {}

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
