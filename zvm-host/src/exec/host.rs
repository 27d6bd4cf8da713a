//! What a running contract sees of its host: the context of the call, the journal, what it has put out.
//! Host functions are written against [`Guest`], so that they know no engine.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::transaction::Transaction;
use crate::state::StoreError;
use crate::table::host_fns::{HostFn, Place};
use crate::types::{Address, Hash};

/// An entry point of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Part of a deploy, or of `create`.
    Init,
    /// A signed call, or `call`.
    Invoke,
    /// A question that nobody signed.
    Query,
    /// Part of a switch to new code.
    Migrate,
    /// Whether a call that names the contract as its signer is the contract's.
    CheckAuth,
}

impl Entry {
    /// All of them.
    pub const ALL: &'static [Entry] =
        &[Entry::Init, Entry::Invoke, Entry::Query, Entry::Migrate, Entry::CheckAuth];

    /// The name of the export.
    pub const fn export(self) -> &'static str {
        match self {
            Entry::Init => "init",
            Entry::Invoke => "invoke",
            Entry::Query => "query",
            Entry::Migrate => "migrate",
            Entry::CheckAuth => "check_auth",
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
    /// Whether it, or a frame that called it, was called so that it changes nothing.
    pub is_static: bool,
    /// Whether it is part of a question that nobody signed.
    pub is_query: bool,
    /// The running contract.
    pub address: Address,
    /// Who called it.
    pub caller: Address,
    /// Base units that came along.
    pub value: u128,
    /// The input.
    pub input: Arc<[u8]>,
}

impl FrameContext {
    /// Where the frame stands in the table of what is legal where.
    pub const fn place(&self) -> Place {
        match self.entry {
            _ if self.is_query => Place::Query,
            Entry::CheckAuth => Place::CheckAuth,
            _ if self.is_static => Place::Static,
            Entry::Query => Place::Static,
            Entry::Init | Entry::Invoke | Entry::Migrate => Place::Changing,
        }
    }
}

/// What a frame asks the executor for, in place of a host function's result.
#[derive(Clone, Debug)]
pub enum Request {
    /// Call a contract, or send it base units.
    Call {
        /// Whom.
        to: Address,
        /// Base units that go along.
        value: u128,
        /// Gas at most.
        gas: u64,
        /// The input.
        input: Arc<[u8]>,
        /// So that it changes nothing.
        is_static: bool,
        /// `query` instead of `invoke`.
        is_query: bool,
    },
    /// Make a contract.
    Create {
        /// Its code.
        code_hash: Hash,
        /// Base units that go along.
        value: u128,
        /// Gas at most.
        gas: u64,
        /// The input of `init`.
        input: Arc<[u8]>,
        /// Where its address goes.
        out: Range<usize>,
    },
    /// Give a contract other code.
    Migrate {
        /// Which.
        to: Address,
        /// Its new code.
        code_hash: Hash,
        /// The input of `migrate`.
        input: Arc<[u8]>,
    },
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a call to another contract")
    }
}

impl std::error::Error for Request {}

/// The data of a store while a contract runs.
#[derive(Debug)]
pub struct HostState {
    /// The frame.
    pub frame: FrameContext,
    /// What it shares with the other frames of the signed call, while it is the one that runs.
    pub tx: Box<Transaction>,
    /// Whether the module's start function runs.
    pub in_start: bool,
    /// What `return_data` or `revert` was last given.
    pub return_data: Vec<u8>,
    /// What the last inner call returned.
    pub returned: Arc<[u8]>,
    /// Where each iteration of a query is: the last full key, and the prefix; nothing when it is over.
    pub iterators: Vec<Option<Iteration>>,
}

/// An iteration over keys with one prefix.
#[derive(Clone, Debug)]
pub struct Iteration {
    /// What all full keys begin with.
    pub prefix: Vec<u8>,
    /// The last full key that was given.
    pub last: Option<Vec<u8>>,
}

impl HostState {
    /// A frame at its start.
    pub fn new(frame: FrameContext, tx: Box<Transaction>) -> HostState {
        HostState {
            frame,
            tx,
            in_start: false,
            return_data: Vec::new(),
            returned: Arc::default(),
            iterators: Vec::new(),
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
    /// A flag or a handle is none that there is.
    Argument = 131;
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
    /// Not an end: the executor does what is asked, and the frame goes on with its answer.
    Ask(Request),
}

impl fmt::Display for HostEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostEnd::Revert(code) => write!(f, "reverted with code {code}"),
            HostEnd::Denied(text) | HostEnd::Trap(_, text) | HostEnd::Fault(text) => f.write_str(text),
            HostEnd::OutOfGas => f.write_str("out of gas"),
            HostEnd::Ask(request) => request.fmt(f),
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
        let state = self.state();
        let place = state.frame.place();
        if !row.legal.allows(place) {
            return Err(HostEnd::Denied(format!("`{}` is not allowed in {}", row.name, place.doc())));
        }
        if state.in_start && !row.legal.in_start() {
            return Err(HostEnd::Denied(format!("`{}` is not allowed in a start function", row.name)));
        }
        Ok(())
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
