//! Validation against `wasmparser`: generated modules and mutations of them are accepted by both or by
//! neither. What fails by a limit of ours alone is not compared. `GHOST_WASM_CASES=100` runs more.

mod common;

use common::{Rng, cases, engine, mutate, smith, whole};
use ghost_wasm::{ErrorKind, Profile};
use wasmparser::{Validator, WasmFeatures};

fn features(profile: &Profile) -> WasmFeatures {
    let one = WasmFeatures::MUTABLE_GLOBAL | WasmFeatures::FLOATS | WasmFeatures::GC_TYPES;
    let two = one
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY;
    match profile.name() {
        "wasm-1" => one,
        "wasm-2" => two,
        "latest" => {
            two | WasmFeatures::EXTENDED_CONST | WasmFeatures::TAIL_CALL | WasmFeatures::WIDE_ARITHMETIC
        }
        _ => two | WasmFeatures::EXTENDED_CONST,
    }
}

fn check(profile: &Profile, bytes: &[u8]) -> bool {
    let ours = whole(&engine(profile), bytes);
    if ours.code().is_some_and(|code| code.kind() == ErrorKind::Limit) {
        return false;
    }
    let theirs = Validator::new_with_features(features(profile)).validate_all(bytes);
    let theirs_text = theirs.as_ref().err().map(ToString::to_string);
    if theirs_text
        .as_ref()
        .is_some_and(|text| text.contains("exceeds limit") || text.contains("out of bounds: limit"))
    {
        return false;
    }
    assert_eq!(ours.is_valid(), theirs.is_ok(), "{ours:?}\nagainst {theirs_text:?}\n{bytes:02x?}");
    ours.is_valid()
}

#[test]
fn generated_modules() {
    let mut rng = Rng(11);
    for _ in 0..cases(400) {
        let bytes = smith(&mut rng, true);
        assert!(check(&Profile::LATEST, &bytes), "wasm-smith makes valid modules: {bytes:02x?}");
    }
}

#[test]
fn generated_modules_under_older_rules() {
    let mut rng = Rng(12);
    for _ in 0..cases(300) {
        let bytes = smith(&mut rng, true);
        check(&Profile::WASM_2, &bytes);
    }
}

#[test]
fn generated_modules_with_random_bodies() {
    let mut rng = Rng(13);
    for _ in 0..cases(300) {
        let bytes = smith(&mut rng, false);
        check(&Profile::LATEST, &bytes);
    }
}

#[test]
fn mutations() {
    let mut rng = Rng(14);
    let (mut valid, mut all) = (0, 0);
    for _ in 0..cases(150) {
        let bytes = smith(&mut rng, true);
        for _ in 0..25 {
            let mutant = mutate(&mut rng, &bytes);
            valid += usize::from(check(&Profile::LATEST, &mutant));
            all += 1;
        }
    }
    assert!(valid > 0 && valid < all, "the mutations reach both answers: {valid} of {all}");
}
