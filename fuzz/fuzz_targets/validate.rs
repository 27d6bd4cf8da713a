//! We accept what `wasmparser` accepts. Limits are ours alone and are not compared.
#![no_main]

use arbitrary::Unstructured;
use ghost_fuzz::{decode, module};
use ghost_wasm::{Config, Engine, ErrorKind, Profile};
use libfuzzer_sys::fuzz_target;
use wasmparser::{Validator, WasmFeatures};

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    let Ok(bytes) = module(&mut u) else { return };
    let engine = Engine::new(&Config::new(Profile::WASM_2_EXT));
    let ours = decode(&engine, &bytes, || (usize::MAX, u64::MAX));
    if ours.kind() == Some(ErrorKind::Limit) {
        return;
    }
    let features = WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::FLOATS
        | WasmFeatures::GC_TYPES
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::EXTENDED_CONST;
    let theirs = Validator::new_with_features(features).validate_all(&bytes);
    assert_eq!(ours.kind().is_none(), theirs.is_ok(), "{ours:?}\n{:?}\n{bytes:02x?}", theirs.err());
});
