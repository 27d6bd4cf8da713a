//! Says whether the handlers are compiled so that each call in tail position becomes a jump (`cfg(ghost_jumps)`). The
//! engine is correct either way; with jumps it can hand out larger slices of gas (`src/exec/gas.rs`).

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(ghost_jumps)");
    let is = |name: &str, values: &[&str]| env::var(name).is_ok_and(|value| values.contains(&value.as_str()));
    // Where `.ci/jumps` shows it. At levels 1 and z some handlers call, and with debug assertions.
    let jumps = is("OPT_LEVEL", &["2", "3", "s"])
        && is("CARGO_CFG_TARGET_ARCH", &["x86_64"])
        && env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_none()
        && env::var_os("CARGO_FEATURE_EXTRA_CHECKS").is_none();
    if jumps {
        println!("cargo::rustc-cfg=ghost_jumps");
    }
}
