//! Reads a module from a file: `.wasm`, or `.wat` translated by the crate `wat`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ghost_wasm::Profile;
use ghost_wasm::table::limits::Limits;

use crate::failure::{Exit, Failure};

/// The bytes of a module in binary or text form.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = read_bounded(path)?;
    if bytes.starts_with(b"\0asm") || !is_text(path) {
        return Ok(bytes);
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Failure::new(Exit::Failed, "text", "the text is not UTF-8").in_file(path))?;
    wat::parse_str(text).map_err(|mut error| {
        error.set_path(path);
        Failure::new(Exit::Failed, "text", error)
    })
}

/// A profile by its name.
pub fn profile(name: &str) -> Result<Profile, String> {
    Profile::ALL.iter().find(|profile| profile.name() == name).cloned().ok_or_else(|| {
        let names: Vec<_> = Profile::ALL.iter().map(Profile::name).collect();
        format!("the profiles are {}", names.join(", "))
    })
}

fn is_text(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wat")
}

/// One byte more than any profile takes is enough to be refused for.
fn read_bounded(path: &Path) -> Result<Vec<u8>, Failure> {
    let most = u64::from(Limits::JS_API.module_bytes).saturating_add(1);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| Failure::io(path, &error))?;
    file.take(most).read_to_end(&mut bytes).map_err(|error| Failure::io(path, &error))?;
    Ok(bytes)
}
