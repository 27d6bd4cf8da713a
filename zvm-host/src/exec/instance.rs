//! One call of one entry point in a fresh instance: the only file that knows how the engine runs code.

use ghost_wasm::{Engine, Module};

use super::host::HostState;

/// How an entry point ended.
#[derive(Debug)]
pub enum End {
    /// It returned this.
    Returned(i32),
    /// `revert` was called with this code.
    Reverted(i32),
    /// Something was not allowed.
    Denied(String),
    /// There is no such entry point.
    MissingEntry,
    /// A trap: its number and what it says.
    Trapped(u8, String),
    /// The gas is gone.
    OutOfGas,
    /// The node's own trouble.
    Fault(String),
}

/// What a run leaves.
#[derive(Debug)]
pub struct Run {
    /// How it ended.
    pub end: End,
    /// Gas it took of what it was given.
    pub gas_used: u64,
    /// The host's data.
    pub state: HostState,
}

/// Makes instances.
#[derive(Debug)]
pub struct Instances {}

impl Instances {
    /// Resolves the host functions once.
    pub fn new(_engine: &Engine) -> Instances {
        Instances {}
    }

    /// Runs the entry point of the frame.
    pub fn run(&self, _module: &Module, state: HostState, _gas: u64) -> Run {
        Run { end: End::Fault("the engine's runtime is not in yet".into()), gas_used: 0, state }
    }
}
