//! Builds a `#![no_std]` static library with its own panic handler against the verifier.

use std::path::Path;
use std::process::Command;

#[test]
fn a_library_without_std_builds() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/no_std_crate");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_std_crate");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--lib", "--manifest-path"])
        .arg(here.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let library = target.join("debug").join("libno_std_verifier.a");
    assert!(library.exists(), "{} was built", library.display());
}
