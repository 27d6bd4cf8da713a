//! What a running contract sees of its host: the context of the call, the journal, what it has put out.
//! Host functions are written against [`Guest`], so that they know no engine.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::receipt::{Diagnostics, LogEntry};
use crate::state::{Journal, StoreError};
use crate::table::host_fns::{HostFn, Legal};
use crate::types::Address;

/// An entry point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Part of a deploy.
    Init,
    /// A signed call.
    Invoke,
    /// A question.
    Query,
}

impl Entry {
    /// The name of the export.
    pub const fn export(self) -> &'static str {
        match self {
            Entry::Init => "init",
            Entry::Invoke => "invoke",
            Entry::Query => "query",
        }
    }

    fn allows(self, legal: Legal) -> bool {
        match legal {
            Legal::Anywhere => true,
            Legal::Changing => self != Entry::Query,
        }
    }
}

/// What is constant during a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockContext {
    /// The chain's number.
    pub chain_id: u64,
    /// The block's height.
    pub height: u64,
    /// Unix milliseconds.
    pub timestamp: u64,
}

/// What is constant during a frame.
#[derive(Clone, Debug)]
pub struct FrameContext {
    /// How it was entered.
    pub entry: Entry,
    /// The running contract.
    pub address: Address,
    /// Who called it.
    pub caller: Address,
    /// Who signed.
    pub origin: Address,
    /// The signer's key; nothing in a query.
    pub origin_key: Option<[u8; 32]>,
    /// Base units that came along.
    pub value: u128,
    /// The input.
    pub input: Arc<[u8]>,
    /// The block.
    pub block: BlockContext,
}

/// The data of a store while a contract runs.
#[derive(Debug)]
pub struct HostState {
    /// The frame.
    pub frame: FrameContext,
    /// The state.
    pub journal: Journal,
    /// Log entries so far, and the bytes of their data.
    pub logs: Vec<LogEntry>,
    /// See `logs`.
    pub logs_len: usize,
    /// What `return_data` or `revert` was last given.
    pub return_data: Vec<u8>,
    /// For people.
    pub diagnostics: Diagnostics,
    /// Bytes of `debug` texts read so far.
    pub debug_len: usize,
}

impl HostState {
    /// A frame at its start.
    pub fn new(frame: FrameContext, journal: Journal) -> HostState {
        HostState {
            frame,
            journal,
            logs: Vec::new(),
            logs_len: 0,
            return_data: Vec::new(),
            diagnostics: Diagnostics::default(),
            debug_len: 0,
        }
    }
}

macro_rules! traps {
    ($(#[doc = $doc:literal] $name:ident = $number:literal;)*) => {
        /// Trap codes of the host, above the engine's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum HostTrap { $(#[doc = $doc] $name = $number,)* }

        impl HostTrap {
            /// All of them.
            pub const ALL: &'static [HostTrap] = &[$(HostTrap::$name),*];

            /// When it happens.
            pub const fn doc(self) -> &'static str {
                match self { $(HostTrap::$name => $doc.trim_ascii(),)* }
            }
        }
    };
}

traps! {
    /// `abort` was called.
    Abort = 128;
    /// A pointer and a length reach beyond the memory.
    OutOfBounds = 129;
    /// A key, value, log entry, text or journal is beyond its limit.
    Limit = 130;
}

/// Why a host function ended the call.
#[derive(Debug)]
pub enum HostEnd {
    /// `revert(code, …)`; the data is in the state.
    Revert(i32),
    /// Not legal in this entry point.
    Denied(String),
    /// A trap.
    Trap(HostTrap, String),
    /// The gas is gone.
    OutOfGas,
    /// The node's own trouble: no receipt may come of this call.
    Fault(String),
}

impl fmt::Display for HostEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostEnd::Revert(code) => write!(f, "reverted with code {code}"),
            HostEnd::Denied(text) | HostEnd::Trap(_, text) | HostEnd::Fault(text) => f.write_str(text),
            HostEnd::OutOfGas => f.write_str("out of gas"),
        }
    }
}

impl std::error::Error for HostEnd {}

impl From<StoreError> for HostEnd {
    fn from(error: StoreError) -> HostEnd {
        HostEnd::Fault(error.to_string())
    }
}

/// A running instance as host functions see it.
pub trait Guest {
    /// Its memory.
    fn memory(&self) -> &[u8];
    /// Copies what fits into a checked range.
    fn put(&mut self, range: Range<usize>, bytes: &[u8]);
    /// The host's data.
    fn state(&self) -> &HostState;
    /// The host's data.
    fn state_mut(&mut self) -> &mut HostState;
    /// Takes gas before work is done.
    fn charge(&mut self, gas: u64) -> Result<(), HostEnd>;
    /// Gas that is left.
    fn gas_left(&self) -> u64;

    /// What every host function begins with: the base price, then whether it is legal here.
    fn enter(&mut self, row: &HostFn) -> Result<(), HostEnd> {
        self.charge(row.price.base)?;
        let entry = self.state().frame.entry;
        if entry.allows(row.legal) {
            return Ok(());
        }
        Err(HostEnd::Denied(format!("`{}` is not allowed in `{}`", row.name, entry.export())))
    }

    /// Checks that the range lies in memory.
    fn range(&self, ptr: u32, len: u32) -> Result<Range<usize>, HostEnd> {
        let start = ptr as usize;
        let end = start.checked_add(len as usize).filter(|end| *end <= self.memory().len());
        end.map(|end| start..end).ok_or_else(|| {
            let text =
                format!("{len} bytes at {ptr:#x} are not within the memory of {} bytes", self.memory().len());
            HostEnd::Trap(HostTrap::OutOfBounds, text)
        })
    }

    /// The bytes of a checked range.
    fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.memory().get(range).unwrap_or_default()
    }

    /// The bytes of a checked range, as an array.
    fn array<const N: usize>(&self, range: Range<usize>) -> [u8; N] {
        self.bytes(range).try_into().unwrap_or([0; N])
    }
}
