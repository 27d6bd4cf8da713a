//! The table of engines: name, the package it comes from, settings, and which groups ask it.

use super::{Failure, METERED, Questions};
use crate::lock;
use crate::what::What;

/// One engine in one configuration.
#[derive(Debug)]
pub struct Engine {
    pub name: &'static str,
    /// The package, and the beginning of its version where there are several.
    package: (&'static str, &'static str),
    /// What was set, for the report.
    settings: &'static str,
    /// The groups it answers in.
    pub groups: &'static [What],
    /// Whether it may take the process down: it is tried out in another one first.
    pub fragile: bool,
    pub make: fn() -> Result<Box<dyn Questions>, Failure>,
}

impl Engine {
    /// Package, version and settings.
    pub fn about(&self) -> String {
        let (package, version) = self.package;
        let version = lock::version(package, version).unwrap_or("of unknown version");
        format!("{package} {version}, {}", self.settings)
    }
}

/// What an engine that only runs modules is asked.
#[cfg(any(feature = "stitch", feature = "wasm3", feature = "wasmtime"))]
const RUNS: &[What] = &[What::Kernels, What::Start, What::Instances, What::Memory];

const OURS: &str = if METERED {
    "this tree, gas on, Profile::WASM_2_EXT"
} else {
    "this tree, charges compiled out, Profile::WASM_2_EXT"
};

macro_rules! engines {
    ($($(#[$cfg:meta])? $name:literal: $package:literal $version:literal, $settings:expr,
        $groups:expr, $make:expr $(, fragile: $fragile:literal)?;)*) => {
        /// Every engine compiled in; the order is the order of the columns.
        pub const ENGINES: &[Engine] = &[$($(#[$cfg])? Engine {
            name: $name,
            package: ($package, $version),
            settings: $settings,
            groups: $groups,
            fragile: false $(|| $fragile)?,
            make: $make,
        }),*];
    };
}

engines! {
    "ghost": "ghost-wasm" "", OURS,
        &[What::Kernels, What::Start, What::Instances, What::Memory, What::Validate, What::Translate], super::ghost::whole;
    "ghost-lazy": "ghost-wasm" "", "the same, functions translated at their first call",
        &[What::Start], super::ghost::lazy;
    "ghost-pool": "ghost-wasm" "", "the same, host functions resolved once, stores used again",
        &[What::Instances, What::Memory], super::ghost_pool::make;
    "ghost-chunks": "ghost-wasm" "", "the same, fed in chunks of 1,200 bytes",
        &[What::Validate, What::Translate], super::ghost::chunks;
    #[cfg(feature = "silverfir")]
    "silverfir": "sf-nano-core" "", "its interpreter alone, no gas",
        &[What::Kernels, What::Start, What::Instances, What::Memory, What::Validate], super::silverfir::make;
    #[cfg(feature = "wasmi")]
    "wasmi+fuel": "wasmi" "2", "fuel on, else default", &[What::Kernels], super::wasmi::metered;
    #[cfg(feature = "wasmi")]
    "wasmi": "wasmi" "2", "default: fuel off, translation at the first call",
        &[What::Kernels, What::Start, What::Instances, What::Memory, What::Validate], super::wasmi::unmetered;
    #[cfg(feature = "wasmi")]
    "wasmi-eager": "wasmi" "2", "fuel off, translation at once", &[What::Start, What::Translate], super::wasmi::eager;
    #[cfg(feature = "wasmi1")]
    "wasmi1-eager": "wasmi" "1", "fuel off, translation at once", &[What::Start, What::Translate], super::wasmi1::eager;
    #[cfg(feature = "wasmparser")]
    "wasmparser": "wasmparser" "0.263", "WebAssembly 2.0", &[What::Validate], super::wasmparser::make;
    #[cfg(feature = "stitch")]
    "stitch": "makepad-stitch" "", "no gas", RUNS, super::stitch::make, fragile: true;
    #[cfg(feature = "wasm3")]
    "wasm3": "wasm3x" "", "Wasm3 0.9.0 in C, no gas", RUNS, super::wasm3::make, fragile: true;
    #[cfg(feature = "tinywasm")]
    "tinywasm": "tinywasm" "", "fuel off",
        &[What::Kernels, What::Start, What::Instances, What::Memory, What::Translate], super::tinywasm::unmetered;
    #[cfg(feature = "tinywasm")]
    "tinywasm+fuel": "tinywasm" "", "fuel on", &[What::Kernels], super::tinywasm::metered;
    #[cfg(feature = "wasmtime")]
    "pulley+fuel": "wasmtime" "", "Pulley, fuel on", RUNS, super::wasmtime::pulley_metered;
    #[cfg(feature = "wasmtime")]
    "cranelift": "wasmtime" "", "Cranelift, fuel off", RUNS, super::wasmtime::cranelift;
    #[cfg(feature = "wasmtime")]
    "cranelift+fuel": "wasmtime" "", "Cranelift, fuel on", &[What::Kernels], super::wasmtime::cranelift_metered;
}
