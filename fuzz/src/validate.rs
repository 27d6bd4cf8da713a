//! The engine accepts exactly what `wasmparser` accepts with the same proposals, limits aside; the profile
//! of contracts differs from that of WebAssembly 2.0 by limits alone.

use arbitrary::{Result, Unstructured};
use ghost_wasm::{Config, Engine, ErrorKind, Module, Profile};
use wasmparser::{Validator, WasmFeatures};

use crate::program;

/// Bytes that are a module or nearly one.
pub fn module_bytes(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut bytes = match u.int_in_range(0..=7)? {
        0 | 1 => return Ok(u.bytes(u.len())?.to_vec()),
        2 | 3 => return Ok([b"\0asm\x01\0\0\0", u.bytes(u.len())?].concat()),
        4 => program::program(u)?.bytes,
        5 => {
            let config: wasm_smith::Config = u.arbitrary()?;
            wasm_smith::Module::new(config, u)?.to_bytes()
        }
        _ => {
            let mut config = program::enabled();
            config.generate_custom_sections = true;
            config.max_imports = 10;
            wasm_smith::Module::new(config, u)?.to_bytes()
        }
    };
    damage(u, &mut bytes)?;
    Ok(bytes)
}

/// Changes a few bytes.
fn damage(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    for _ in 0..u.int_in_range(0..=3)? {
        if bytes.is_empty() {
            return Ok(());
        }
        let at = u.choose_index(bytes.len())?;
        match u.int_in_range(0..=5)? {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, u.arbitrary()?),
            2 => bytes.truncate(at),
            3 => bytes[at] = bytes[at].wrapping_add(1),
            4 => bytes[at] ^= 1 << u.int_in_range(0..=7)?,
            _ => bytes[at] = u.arbitrary()?,
        }
    }
    Ok(())
}

/// The property.
pub fn check(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let Ok(bytes) = module_bytes(&mut u) else { return };
    check_bytes(&bytes);
}

/// The property for a module's bytes.
pub fn check_bytes(bytes: &[u8]) {
    let wasm_1 = WasmFeatures::GC_TYPES | WasmFeatures::FLOATS | WasmFeatures::MUTABLE_GLOBAL;
    let wasm_2 = wasm_1
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY;
    against(bytes, &Profile::WASM_1, wasm_1);
    against(bytes, &Profile::WASM_2, wasm_2);
    let extended = wasm_2 | WasmFeatures::EXTENDED_CONST;
    against(bytes, &Profile::WASM_2_EXT, extended);
    let latest = extended | WasmFeatures::TAIL_CALL | WasmFeatures::WIDE_ARITHMETIC;
    against(bytes, &Profile::LATEST, latest);

    let contract = load(bytes, &Profile::CONTRACT_V1);
    if contract.as_ref().is_err_and(|error| error.kind() == ErrorKind::Limit) {
        return;
    }
    let text = |result: std::result::Result<Module, ghost_wasm::Error>| {
        result.map(|module| module.work()).map_err(|error| error.to_string())
    };
    assert_eq!(
        text(load(bytes, &Profile::WASM_2_EXT)),
        text(contract),
        "left is WebAssembly 2.0, right the profile of contracts"
    );
}

fn load(bytes: &[u8], profile: &Profile) -> std::result::Result<Module, ghost_wasm::Error> {
    Module::new(&Engine::new(&Config::new(profile.clone())), bytes)
}

fn against(bytes: &[u8], profile: &Profile, features: WasmFeatures) {
    let found = load(bytes, profile);
    let expected = Validator::new_with_features(features).validate_all(bytes);
    match (&found, &expected) {
        (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
        (Err(error), Ok(_)) if error.kind() == ErrorKind::Limit => {}
        (Err(error), Ok(_)) => panic!("{}: refused, and wasmparser accepts: {error}", profile.name()),
        (Ok(_), Err(error)) if is_limit(error) => {}
        (Ok(_), Err(error)) => panic!("{}: accepted, and wasmparser refuses: {error}", profile.name()),
    }
}

/// Whether an error is about a number of wasmparser's own.
fn is_limit(error: &wasmparser::BinaryReaderError) -> bool {
    ["exceeds limit", "exceed maximum", "out of bounds count"]
        .iter()
        .any(|text| error.message().contains(text))
}
