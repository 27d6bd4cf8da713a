//! What the targets share: modules from fuzzed bytes, and what can be seen of decoding them.

use std::fmt::Write;

use arbitrary::{Result, Unstructured};
use ghost_wasm::internals::{BodySink, Instr, ModuleEnv, Stream};
use ghost_wasm::{Engine, Error, ErrorCode, ErrorKind, ValType};

/// The module header.
pub const HEADER: &[u8] = b"\0asm\x01\0\0\0";

/// A module: mostly what wasm-smith makes of the bytes, with a few bytes changed; otherwise the bytes
/// themselves.
pub fn module(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    if u.ratio(1, 3)? {
        let rest = u.bytes(u.len())?;
        return Ok(if rest.starts_with(b"\0asm") { rest.to_vec() } else { [HEADER, rest].concat() });
    }
    let config = wasm_smith::Config {
        allow_invalid_funcs: u.ratio(1, 4)?,
        bulk_memory_enabled: true,
        reference_types_enabled: true,
        multi_value_enabled: true,
        sign_extension_ops_enabled: true,
        saturating_float_to_int_enabled: true,
        extended_const_enabled: true,
        compact_imports_enabled: false,
        simd_enabled: false,
        relaxed_simd_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        custom_page_sizes_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        wide_arithmetic_enabled: false,
        custom_descriptors_enabled: false,
        max_memories: 1,
        max_tables: 4,
        generate_custom_sections: true,
        ..wasm_smith::Config::default()
    };
    let changes: Vec<(u16, u8)> = if u.ratio(1, 2)? { u.arbitrary()? } else { Vec::new() };
    let mut bytes = wasm_smith::Module::new(config, u)?.to_bytes();
    for (at, value) in changes.into_iter().take(8) {
        let at = usize::from(at) % bytes.len();
        bytes[at] = value;
    }
    Ok(bytes)
}

/// Writes down what a sink hears.
#[derive(Default)]
pub struct Log(String);

impl BodySink for Log {
    fn begin(&mut self, _: &ModuleEnv, func: u32, offset: u32) -> core::result::Result<(), Error> {
        writeln!(self.0, "func {func} {offset}").expect("a string");
        Ok(())
    }
    fn locals(&mut self, _: &ModuleEnv, count: u32, ty: ValType) -> core::result::Result<(), Error> {
        writeln!(self.0, "locals {count} {ty}").expect("a string");
        Ok(())
    }
    fn instr(&mut self, _: &ModuleEnv, instr: &Instr, offset: u32) -> core::result::Result<(), Error> {
        writeln!(self.0, "{instr:?} {offset}").expect("a string");
        Ok(())
    }
    fn br_table_target(
        &mut self,
        _: &ModuleEnv,
        label: u32,
        default: bool,
        offset: u32,
    ) -> core::result::Result<(), Error> {
        writeln!(self.0, "target {label} {default} {offset}").expect("a string");
        Ok(())
    }
    fn finish(&mut self, _: &ModuleEnv) -> core::result::Result<(), Error> {
        self.0.push_str("end\n");
        Ok(())
    }
}

/// What can be seen of a module, or of its error.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The module, the operators, the work.
    Module(String, u64),
    /// The error.
    Failed(ErrorCode, Option<u64>, String),
}

impl Outcome {
    /// The kind of the error, if it is one.
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Outcome::Module(..) => None,
            Outcome::Failed(code, ..) => Some(code.kind()),
        }
    }
}

/// Decodes a module in pieces; `next` says how long each is, and how much work may be done at once.
pub fn decode(engine: &Engine, mut bytes: &[u8], mut next: impl FnMut() -> (usize, u64)) -> Outcome {
    let mut stream = Stream::new(engine, Log::default());
    let mut run = || {
        while !bytes.is_empty() {
            let (len, work) = next();
            let (mut piece, rest) = bytes.split_at(len.min(bytes.len()));
            while !piece.is_empty() {
                let taken = stream.feed_bounded(piece, work)?;
                assert!(taken > 0, "each call makes progress");
                piece = &piece[taken..];
            }
            bytes = rest;
        }
        Ok(())
    };
    let fed: core::result::Result<(), Error> = run();
    match fed.and_then(|()| stream.finish()) {
        Ok((data, log)) => Outcome::Module(format!("{data:?}\n{}", log.0), data.work),
        Err(error) => Outcome::Failed(error.code(), error.offset(), error.to_string()),
    }
}
