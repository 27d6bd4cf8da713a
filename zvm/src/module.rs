//! Reads a module from a file or from standard input: `.wasm`, or `.wat` translated by the crate `wat`.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use ghost_wasm::Profile;
use ghost_wasm::table::limits::Limits;

use crate::failure::{Exit, Failure};

/// The bytes of a module in binary or text form.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = read_bounded(path)?;
    if bytes.starts_with(b"\0asm") || !is_text(path, &bytes) {
        return Ok(bytes);
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Failure::new(Exit::Failed, "text", "the text is not UTF-8").in_file(path))?;
    wat::parse_str(text).map_err(|mut error| {
        error.set_path(path);
        Failure::new(Exit::Failed, "text", error)
    })
}

/// Reads a profile's name; help and errors list all that there are.
pub fn profiles() -> impl TypedValueParser<Value = Profile> {
    let known = |name: String| Profile::ALL.iter().find(|profile| profile.name() == name).cloned();
    PossibleValuesParser::new(Profile::ALL.iter().map(Profile::name))
        .try_map(move |name| known(name).ok_or("no profile of this name"))
}

/// A name says what a file must be; standard input has none, so there its first byte decides.
fn is_text(path: &Path, bytes: &[u8]) -> bool {
    if is_stdin(path) { looks_like_text(bytes) } else { path.extension().is_some_and(|end| end == "wat") }
}

/// Whether it begins like a module in text form.
pub fn looks_like_text(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start(), [b'(' | b';', ..])
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// One byte more than any profile takes is enough to be refused for.
fn read_bounded(path: &Path) -> Result<Vec<u8>, Failure> {
    let most = u64::from(Limits::JS_API.module_bytes).saturating_add(1);
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::io(path, &error))?;
    Ok(bytes)
}
