//! Every input that once made a property fail, and every module that did: `found/TARGET/*` are inputs of a
//! fuzz target, `found/modules/*.wasm` modules, `found/programs/*.wasm` programs to be run.

use std::fs;
use std::path::{Path, PathBuf};

use ghost_wasm::Profile;
use ghost_wasm_fuzz::program::Program;
use ghost_wasm_fuzz::{TARGETS, decode, execute, validate};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("found").join(folder);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

#[test]
fn found_inputs_pass() {
    for (name, check) in TARGETS {
        for file in files(name) {
            println!("{}", file.display());
            check(&fs::read(file).expect("a file of the table can be read"));
        }
    }
}

#[test]
fn found_modules_pass() {
    let modules = files("modules");
    assert!(!modules.is_empty());
    for file in modules {
        println!("{}", file.display());
        let bytes = fs::read(file).expect("a file of the table can be read");
        validate::check_bytes(&bytes);
        for profile in Profile::ALL {
            decode::check_bytes(&bytes, profile, 1);
        }
    }
}

#[test]
fn found_programs_pass() {
    let programs = files("programs");
    assert!(!programs.is_empty());
    for file in programs {
        println!("{}", file.display());
        let bytes = fs::read(file).expect("a file of the table can be read");
        for seed in 0..4 {
            execute::check_program(
                &Program { bytes: bytes.clone(), nan_free: true, ask_peer: false },
                seed,
                11,
            );
        }
    }
}
