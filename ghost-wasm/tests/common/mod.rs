//! What the tests of the decoder and validator share: running a module through the stream in pieces, a sink
//! that writes down what it hears, small generators.
#![allow(dead_code, reason = "each test file uses a part")]

use std::fmt::Write;

use ghost_wasm::internals::{BodySink, Instr, ModuleData, ModuleEnv, Stream};
use ghost_wasm::{Config, Engine, Error, ErrorCode, Profile, ValType};

/// Writes down every call.
#[derive(Default)]
pub struct Log(pub String);

impl BodySink for Log {
    fn begin(&mut self, _: &ModuleEnv, func: u32, offset: u32) -> Result<(), Error> {
        writeln!(self.0, "func {func} @{offset}").expect("a string");
        Ok(())
    }
    fn locals(&mut self, _: &ModuleEnv, count: u32, ty: ValType) -> Result<(), Error> {
        writeln!(self.0, "  locals {count} {ty}").expect("a string");
        Ok(())
    }
    fn instr(&mut self, _: &ModuleEnv, instr: &Instr, offset: u32) -> Result<(), Error> {
        writeln!(self.0, "  {instr:?} @{offset}").expect("a string");
        Ok(())
    }
    fn br_table_target(
        &mut self,
        _: &ModuleEnv,
        label: u32,
        default: bool,
        offset: u32,
    ) -> Result<(), Error> {
        writeln!(self.0, "  target {label} {default} @{offset}").expect("a string");
        Ok(())
    }
    fn finish(&mut self, _: &ModuleEnv) -> Result<(), Error> {
        self.0.push_str("end\n");
        Ok(())
    }
}

/// All that can be seen of a module, or of its error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    Module {
        seen: String,
        work: u64,
    },
    /// `code` is the specification's, whatever proposal would allow the module.
    Failed {
        code: ErrorCode,
        offset: Option<u64>,
        text: String,
    },
}

impl Outcome {
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Outcome::Module { .. } => None,
            Outcome::Failed { code, .. } => Some(*code),
        }
    }

    pub fn offset(&self) -> Option<u64> {
        match self {
            Outcome::Module { .. } => None,
            Outcome::Failed { offset, .. } => *offset,
        }
    }

    pub fn is_valid(&self) -> bool {
        self.code().is_none()
    }
}

fn outcome(result: Result<(ModuleData, Log), Error>) -> Outcome {
    match result {
        Ok((data, log)) => Outcome::Module { work: data.work, seen: format!("{data:?}\n{}", log.0) },
        Err(error) => {
            Outcome::Failed { code: error.spec_code(), offset: error.offset(), text: error.to_string() }
        }
    }
}

pub fn engine(profile: &Profile) -> Engine {
    Engine::new(&Config::new(profile.clone()))
}

/// The whole module at once.
pub fn whole(engine: &Engine, bytes: &[u8]) -> Outcome {
    pieces(engine, std::iter::once(bytes))
}

/// The module in these pieces.
pub fn pieces<'a>(engine: &Engine, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut stream = Stream::new(engine, Log::default());
    for piece in pieces {
        if let Err(error) = stream.feed(piece) {
            return outcome(Err(error));
        }
    }
    outcome(stream.finish())
}

/// The module cut where `next` says: each call gives the length of a piece.
pub fn cut(engine: &Engine, mut bytes: &[u8], mut next: impl FnMut() -> usize) -> Outcome {
    let mut stream = Stream::new(engine, Log::default());
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(next().min(bytes.len()));
        if let Err(error) = stream.feed(piece) {
            return outcome(Err(error));
        }
        bytes = rest;
    }
    outcome(stream.finish())
}

/// The module with no more than `work()` done at a time.
pub fn bounded(engine: &Engine, mut bytes: &[u8], mut work: impl FnMut() -> u64) -> Outcome {
    let mut stream = Stream::new(engine, Log::default());
    while !bytes.is_empty() {
        match stream.feed_bounded(bytes, work()) {
            Ok(taken) => {
                assert!(taken > 0, "each call makes progress");
                bytes = &bytes[taken..];
            }
            Err(error) => return outcome(Err(error)),
        }
    }
    outcome(stream.finish())
}

/// What text in the text format becomes.
pub fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The module header.
pub const HEADER: &[u8] = b"\0asm\x01\0\0\0";

/// A module of hand-made sections.
pub fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    for (id, content) in sections {
        bytes.push(*id);
        bytes.extend(leb(content.len() as u64));
        bytes.extend(*content);
    }
    bytes
}

/// A module with one function of type `[] -> []` (or `types`' first) and this body, size and locals included.
pub fn function(body: &[u8]) -> Vec<u8> {
    let mut code = vec![1];
    code.extend(leb(body.len() as u64));
    code.extend(body);
    module(&[(1, b"\x01\x60\x00\x00"), (3, b"\x01\x00"), (10, &code)])
}

/// A LEB128 number.
pub fn leb(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return bytes;
        }
    }
}

/// A small generator of numbers: the tests must be the same each time.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        // xorshift64*, <https://doi.org/10.18637/jss.v008.i14> with the multiplier of Vigna's variant.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// Changes a few bytes: replaced, removed, doubled, or with one bit flipped.
pub fn mutate(rng: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.below(3) {
        if bytes.len() <= HEADER.len() {
            break;
        }
        let at = if rng.below(50) == 0 { rng.below(bytes.len()) } else { 8 + rng.below(bytes.len() - 8) };
        match rng.below(6) {
            0 => bytes[at] = rng.next() as u8,
            1 => bytes[at] ^= 1 << rng.below(8),
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, bytes[at]),
            4 => bytes[at] = [0x00, 0x0b, 0x40, 0x7f, 0x80, 0xff, 0x70, 0x05][rng.below(8)],
            _ => bytes[at] = bytes[at].wrapping_add(1),
        }
    }
    if rng.below(8) == 0 {
        let end = rng.below(bytes.len() + 1);
        bytes.truncate(end);
    }
    bytes
}

/// How many cases a test runs: `GHOST_WASM_CASES` times its usual number.
pub fn cases(usual: usize) -> usize {
    let factor = std::env::var("GHOST_WASM_CASES").ok().and_then(|text| text.parse::<usize>().ok());
    usual * factor.unwrap_or(1)
}

/// A module of wasm-smith's with the features of `Profile::LATEST`.
pub fn smith(rng: &mut Rng, valid_bodies: bool) -> Vec<u8> {
    let len = 200 + rng.below(3000);
    let seed = rng.bytes(len);
    let mut u = arbitrary::Unstructured::new(&seed);
    let config = wasm_smith::Config {
        allow_invalid_funcs: !valid_bodies,
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
        tail_call_enabled: true,
        threads_enabled: false,
        shared_everything_threads_enabled: false,
        memory64_enabled: false,
        wide_arithmetic_enabled: true,
        custom_descriptors_enabled: false,
        max_memories: 1,
        max_tables: 4,
        max_funcs: 12,
        max_instructions: 200,
        generate_custom_sections: true,
        ..wasm_smith::Config::default()
    };
    let module = wasm_smith::Module::new(config, &mut u).expect("any bytes make a module");
    module.to_bytes()
}
