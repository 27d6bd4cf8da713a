//! The same bytes cut anywhere, taken by the general path alone or by the quick one too, give the same module, the
//! same operators to the translator, the same work; or the same error.

use std::fmt::Write;

use arbitrary::Unstructured;
use ghost_wasm::internals::{BodySink, Instr, ModuleEnv, Slowly, Stream};
use ghost_wasm::{Config, Engine, Error, ErrorCode, Profile, ValType};

use crate::validate::module_bytes;

/// The property.
pub fn check(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let (Ok(cuts), Ok(profile)) = (u.arbitrary::<u64>(), u.choose_index(Profile::ALL.len())) else { return };
    let Ok(bytes) = module_bytes(&mut u) else { return };
    check_bytes(&bytes, &Profile::ALL[profile], cuts);
}

/// The property for a module's bytes; `cuts` decides where they are cut.
pub fn check_bytes(bytes: &[u8], profile: &Profile, cuts: u64) {
    let engine = Engine::new(&Config::new(profile.clone()));
    let whole = decode(&engine, bytes, || (usize::MAX, u64::MAX));
    let slow = decode_by(&engine, bytes, Slowly(Log::default()), |log| log.0, || (usize::MAX, u64::MAX));
    assert_eq!(whole, slow, "by the general path alone; left is by both");
    assert_eq!(whole, decode(&engine, bytes, || (7, u64::MAX)), "pieces of 7 bytes; left is the whole");
    if bytes.len() < 4_096 {
        assert_eq!(whole, decode(&engine, bytes, || (1, u64::MAX)), "single bytes; left is the whole");
    }
    let mut state = cuts | 1;
    let random = decode(&engine, bytes, || (next(&mut state), u64::MAX));
    assert_eq!(whole, random, "pieces of any size; left is the whole");
    let bounded = decode(&engine, bytes, || (next(&mut state), next(&mut state) as u64 / 4));
    assert_eq!(whole, bounded, "stops by work; left is the whole");
}

fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
    let most = [3, 20, 200, 5_000][(*state >> 60) as usize & 3];
    (*state >> 33) as usize % most + 1
}

/// What can be seen of a module, or of its error.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// The module and the operators.
    Module(String),
    /// The error.
    Failed(ErrorCode, Option<u64>, String),
}

/// Decodes a module in pieces; `next` says how long each is, and how much work may be done at once.
fn decode(engine: &Engine, bytes: &[u8], next: impl FnMut() -> (usize, u64)) -> Outcome {
    decode_by(engine, bytes, Log::default(), |log| log, next)
}

fn decode_by<S: BodySink>(
    engine: &Engine,
    bytes: &[u8],
    sink: S,
    log: impl FnOnce(S) -> Log,
    next: impl FnMut() -> (usize, u64),
) -> Outcome {
    let mut stream = Stream::new(engine, sink);
    match feed(&mut stream, bytes, next).and_then(|()| stream.finish()) {
        Ok((data, sink)) => Outcome::Module(format!("{data:?}\n{}", log(sink).0)),
        Err(error) => {
            assert_ne!(error.code(), ErrorCode::Internal, "{error}");
            Outcome::Failed(error.code(), error.offset(), error.to_string())
        }
    }
}

fn feed<S: BodySink>(
    stream: &mut Stream<S>,
    bytes: &[u8],
    mut next: impl FnMut() -> (usize, u64),
) -> Result<(), Error> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (len, work) = next();
        let piece = &rest[..len.min(rest.len())];
        let taken = stream.feed_bounded(piece, work)?;
        assert!(taken > 0 && taken <= piece.len(), "{taken} bytes taken of {}", piece.len());
        rest = &rest[taken..];
        assert_eq!(stream.progress().bytes, (bytes.len() - rest.len()) as u64);
    }
    Ok(())
}

/// Writes down what a sink hears.
#[derive(Default)]
struct Log(String);

impl Log {
    fn line(&mut self, line: std::fmt::Arguments<'_>) -> Result<(), Error> {
        writeln!(self.0, "{line}").map_err(|_| Error::new(ErrorCode::Internal))
    }
}

impl BodySink for Log {
    fn begin(&mut self, _: &ModuleEnv, func: u32, offset: u32) -> Result<(), Error> {
        self.line(format_args!("func {func} {offset}"))
    }
    fn locals(&mut self, _: &ModuleEnv, count: u32, ty: ValType) -> Result<(), Error> {
        self.line(format_args!("locals {count} {ty}"))
    }
    fn instr(&mut self, _: &ModuleEnv, instr: &Instr, offset: u32) -> Result<(), Error> {
        self.line(format_args!("{instr:?} {offset}"))
    }
    fn br_table_target(
        &mut self,
        _: &ModuleEnv,
        label: u32,
        default: bool,
        offset: u32,
    ) -> Result<(), Error> {
        self.line(format_args!("target {label} {default} {offset}"))
    }
    fn finish(&mut self, _: &ModuleEnv) -> Result<(), Error> {
        self.line(format_args!("end"))
    }
}
