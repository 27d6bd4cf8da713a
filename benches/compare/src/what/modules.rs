//! The modules that are not kernels: small ones of this project, and the real ones that `modules/fetch` brings.

use std::path::Path;

use super::Case;
use crate::engine::{Entry, Failure, Input};

const TINY: &str = include_str!("../../modules/tiny.wat");
const ONE_PAGE: &str = include_str!("../../modules/one_page.wat");
const SEVENTEEN_PAGES: &str = include_str!("../../modules/seventeen_pages.wat");

const COUNTER: &[u8] = include_bytes!("../../../../contracts/counter/counter.wasm");
const TOKEN: &[u8] = include_bytes!("../../../../contracts/token/token.wasm");

/// The selector of `get()`.
const GET: Input = [0x6d, 0x4c, 0xe6, 0x3c];
/// The selector of `total_supply()`.
const TOTAL_SUPPLY: Input = [0x39, 0x40, 0xe9, 0xee];

/// A page of the system, not of WebAssembly.
const PAGE_BYTES: u64 = 4096;

pub fn starting() -> Result<Vec<Case>, Failure> {
    Ok(vec![
        run("tiny", assembled(TINY)?, "no memory", 21, 42, 0),
        query("counter", COUNTER, "contracts/counter, Zig, get()", GET),
        query("token", TOKEN, "contracts/token, Rust, total_supply()", TOTAL_SUPPLY),
    ])
}

pub fn small() -> Result<Vec<Case>, Failure> {
    Ok(vec![
        run("one_page", assembled(ONE_PAGE)?, "memory of 1 page, touches 4 KiB", 7, 71, PAGE_BYTES),
        run(
            "seventeen_pages",
            assembled(SEVENTEEN_PAGES)?,
            "memory of 17 pages, rustc's default, touches 3 × 4 KiB",
            7,
            23,
            3 * PAGE_BYTES,
        ),
    ])
}

/// What `modules/fetch` brings.
const REAL: &[(&str, &str)] = &[
    ("sqlite", "SQLite by Emscripten, sql.js 1.13.0"),
    ("esbuild", "esbuild by Go, esbuild-wasm 0.28.2"),
    ("swc", "swc by rustc, @swc/wasm-web 1.16.18"),
];

pub fn real(folder: &Path) -> Result<Vec<Case>, Failure> {
    let read = |&(name, about): &(&'static str, &str)| {
        let file = folder.join(name).with_extension("wasm");
        let bytes = std::fs::read(&file)
            .map_err(|why| format!("{}: {why}; benches/compare/modules/fetch brings it", file.display()))?;
        // It lives as long as the program: a few dozen megabytes.
        Ok(run(name, Vec::leak(bytes), about, 0, 0, 0))
    };
    REAL.iter().map(read).collect()
}

fn assembled(text: &str) -> Result<&'static [u8], Failure> {
    Ok(Vec::leak(wat::parse_str(text)?))
}

fn run(
    name: &'static str,
    wasm: &'static [u8],
    about: &str,
    argument: i32,
    expected: i64,
    touched_bytes: u64,
) -> Case {
    let about = format!("{} bytes, {about}", wasm.len());
    Case { name, about, wasm, entry: Entry::Run, argument, expected, touched_bytes }
}

/// A query of an empty store: status 0.
fn query(name: &'static str, wasm: &'static [u8], about: &str, input: Input) -> Case {
    let about = format!("{} bytes, {about}", wasm.len());
    Case { name, about, wasm, entry: Entry::Query(input), argument: 0, expected: 0, touched_bytes: 0 }
}
