//! What the harness needs of an engine, and the table of engines there are.
//!
//! Knows nothing of time: an adapter sets a module up once and then answers calls.

#[cfg(feature = "ghost")]
mod ghost;
#[cfg(feature = "silverfir")]
mod silverfir;
#[cfg(feature = "wasmi")]
mod wasmi;

use std::error::Error;

/// A kernel set up in one engine, ready to be called again and again.
pub trait Instance {
    /// Calls `run(argument)`. Gas, where it is on, is filled up before and never runs out.
    fn run(&mut self, argument: i32) -> Result<i64, Box<dyn Error>>;

    /// Gas or fuel used by the last call, in the engine's own unit; none when it is not metered.
    fn gas_used(&self) -> Option<u64>;
}

/// Decodes, validates and instantiates; translation too, as far as the engine does it at this point.
pub type Load = fn(&[u8]) -> Result<Box<dyn Instance>, Box<dyn Error>>;

/// One engine in one configuration.
#[derive(Debug)]
pub struct Engine {
    pub name: &'static str,
    /// Version and settings, for the report.
    pub about: &'static str,
    pub load: Load,
}

/// Every engine compiled in; the order is the order of the columns.
pub const ENGINES: &[Engine] = &[
    #[cfg(feature = "ghost")]
    Engine {
        name: "ghost",
        about: "ghost-wasm of this tree, gas on, Profile::WASM_2_EXT",
        load: ghost::load,
    },
    #[cfg(feature = "silverfir")]
    Engine {
        name: "silverfir",
        about: "silverfir-nano (sf-nano-core) 0.6.0, its interpreter alone; it cannot meter",
        load: silverfir::load,
    },
    #[cfg(feature = "wasmi")]
    Engine {
        name: "wasmi+fuel",
        about: "wasmi 2.0.0, fuel on, default features and settings",
        load: wasmi::metered,
    },
    #[cfg(feature = "wasmi")]
    Engine {
        name: "wasmi",
        about: "wasmi 2.0.0, fuel off, default features and settings",
        load: wasmi::unmetered,
    },
];

/// What the ratios are taken against.
pub const BASELINE: &str = "wasmi+fuel";

/// Larger than any kernel uses, smaller than any engine's counter.
const GAS: u64 = 1 << 50;
