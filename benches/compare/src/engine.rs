//! What the harness asks of an engine, and the table of engines there are.
//!
//! Knows nothing of time: an adapter answers questions, the groups of `what/` ask them in turn.

mod ghost;
mod ghost_pool;
mod host;
#[cfg(feature = "silverfir")]
mod silverfir;
#[cfg(feature = "stitch")]
mod stitch;
#[cfg(feature = "tinywasm")]
mod tinywasm;
#[cfg(feature = "wasm3")]
mod wasm3;
#[cfg(feature = "wasmi")]
mod wasmi;
#[cfg(feature = "wasmi1")]
mod wasmi1;
#[cfg(feature = "wasmparser")]
mod wasmparser;
#[cfg(feature = "wasmtime")]
mod wasmtime;

mod table;

use std::error::Error;

pub use table::{ENGINES, Engine};

/// Why an engine does not answer a question, in its own words.
pub type Failure = Box<dyn Error>;

/// How a module is entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Its export `run: [i32] -> [i64]`. Nothing is imported.
    Run,
    /// A contract's export `query: [] -> [i32]`, with this input, over a store in which nothing is.
    Query(Input),
}

/// The whole input of a call to a contract: a selector.
pub type Input = [u8; 4];

/// What a call came back with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Returned {
    pub value: i64,
    /// Gas or fuel in the engine's own unit; none when it is not metered.
    pub gas_used: Option<u64>,
}

/// An adapter. One value is one engine in one configuration; everything it keeps is set up before any clock runs.
pub trait Peer {
    /// A module, ready to be instantiated any number of times.
    type Module: 'static;
    /// An instance in a store of its own.
    type Live: 'static;

    /// All that the engine does with bytes before it can instantiate.
    fn compile(&self, wasm: &[u8]) -> Result<Self::Module, Failure>;

    fn instantiate(&self, module: &Self::Module, entry: Entry) -> Result<Self::Live, Failure>;

    /// Calls what the entry names. Gas, where it is on, is filled up before and never runs out.
    fn call(&self, live: &mut Self::Live, argument: i32) -> Result<Returned, Failure>;

    /// Decodes and validates, keeping nothing.
    fn validate(&self, _wasm: &[u8]) -> Result<(), Failure> {
        Err("cannot validate without translating".into())
    }

    /// Validates and translates all of a module.
    fn translate(&self, wasm: &[u8]) -> Result<(), Failure> {
        self.compile(wasm).map(drop)
    }
}

/// A question, answered as often as it is asked.
pub type Work = Box<dyn FnMut() -> Result<Returned, Failure>>;

/// The questions that the groups ask, the same for every engine.
pub trait Questions {
    /// Calls one instance again and again.
    fn calls(self: Box<Self>, wasm: &'static [u8], entry: Entry, argument: i32) -> Result<Work, Failure>;

    /// From bytes to the first return, everything dropped afterwards.
    fn starts(self: Box<Self>, wasm: &'static [u8], entry: Entry, argument: i32) -> Result<Work, Failure>;

    /// Instantiates, calls and drops, of one module.
    fn instances(self: Box<Self>, wasm: &'static [u8], entry: Entry, argument: i32) -> Result<Work, Failure>;

    /// Instances of one module that stay alive, each called once.
    fn keeps(self: Box<Self>, wasm: &'static [u8], entry: Entry, argument: i32) -> Result<Work, Failure>;

    fn validates(self: Box<Self>, wasm: &'static [u8]) -> Result<Work, Failure>;

    fn translates(self: Box<Self>, wasm: &'static [u8]) -> Result<Work, Failure>;
}

/// What a question without a value comes back with.
const DONE: Returned = Returned { value: 0, gas_used: None };

impl<P: Peer + 'static> Questions for P {
    fn calls(self: Box<Self>, wasm: &'static [u8], entry: Entry, argument: i32) -> Result<Work, Failure> {
        let module = self.compile(wasm)?;
        let mut live = self.instantiate(&module, entry)?;
        Ok(Box::new(move || self.call(&mut live, argument)))
    }

    fn starts(self: Box<Self>, wasm: &'static [u8], entry: Entry, argument: i32) -> Result<Work, Failure> {
        Ok(Box::new(move || {
            let module = self.compile(wasm)?;
            let mut live = self.instantiate(&module, entry)?;
            self.call(&mut live, argument)
        }))
    }

    fn instances(self: Box<Self>, wasm: &'static [u8], entry: Entry, argument: i32) -> Result<Work, Failure> {
        let module = self.compile(wasm)?;
        Ok(Box::new(move || {
            let mut live = self.instantiate(&module, entry)?;
            self.call(&mut live, argument)
        }))
    }

    fn keeps(self: Box<Self>, wasm: &'static [u8], entry: Entry, argument: i32) -> Result<Work, Failure> {
        let module = self.compile(wasm)?;
        let mut kept = Vec::new();
        Ok(Box::new(move || {
            let mut live = self.instantiate(&module, entry)?;
            let returned = self.call(&mut live, argument)?;
            kept.push(live);
            Ok(returned)
        }))
    }

    fn validates(self: Box<Self>, wasm: &'static [u8]) -> Result<Work, Failure> {
        Ok(Box::new(move || self.validate(wasm).map(|()| DONE)))
    }

    fn translates(self: Box<Self>, wasm: &'static [u8]) -> Result<Work, Failure> {
        Ok(Box::new(move || self.translate(wasm).map(|()| DONE)))
    }
}

/// Larger than anything here uses, smaller than any engine's counter.
const GAS: u64 = 1 << 50;

/// Whether ghost-wasm was built with its charges, like everywhere but where their cost is measured.
pub const METERED: bool = !cfg!(ghost_unmetered);

/// What ghost-wasm has used of its gas; nothing is known of that where the charges are compiled out.
fn ghost_used(left: u64) -> Option<u64> {
    METERED.then(|| GAS.saturating_sub(left))
}

/// What an engine says that is given a contract but no host functions here.
#[cfg(any(feature = "silverfir", feature = "stitch", feature = "tinywasm", feature = "wasm3"))]
fn run_only(entry: Entry) -> Result<(), Failure> {
    match entry {
        Entry::Run => Ok(()),
        Entry::Query(_) => Err("no host functions were written for this engine".into()),
    }
}
