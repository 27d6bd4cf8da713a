//! Why something ended other than by returning. The kinds are never mixed.

use core::fmt;

use ghost_wasm::{ErrorKind, TrapCode};

/// What went wrong.
#[derive(Debug)]
pub enum Error {
    /// The module is malformed, invalid, too large (also its memories and tables, when it is instantiated),
    /// or needs a proposal that the profile lacks.
    Module(ghost_wasm::Error),
    /// What a module imports is not there, or is something else.
    Link {
        /// `unknown import` or `incompatible import type`.
        text: &'static str,
        /// The import's module name.
        module: String,
        /// The import's name.
        name: String,
    },
    /// The program trapped.
    Trap(Box<Trap>),
    /// The gas limit does not cover the next step.
    OutOfGas,
    /// A host function's own error.
    Host(Box<dyn core::error::Error>),
    /// The machine that runs this has no room.
    HostFault,
    /// The embedder asked for something that makes no sense.
    Usage(&'static str),
    /// Cannot happen: the validator let something through, or the oracle is wrong.
    Bug(&'static str),
}

/// A trap: what happened, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// What happened.
    pub code: TrapCode,
    /// The active WebAssembly functions down to the nearest host frame, the innermost first.
    pub frames: Vec<TrapFrame>,
}

/// One active function at a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrapFrame {
    /// The function's index in its module.
    pub func_index: u32,
    /// The operator that was being executed: its offset in the module. `None` before the first one.
    pub offset: Option<u32>,
}

impl Error {
    pub(crate) fn trap(code: TrapCode) -> Error {
        Error::Trap(Box::new(Trap { code, frames: Vec::new() }))
    }

    /// The trap's code, if it is one.
    pub fn trap_code(&self) -> Option<TrapCode> {
        match self {
            Error::Trap(trap) => Some(trap.code),
            _ => None,
        }
    }

    /// The engine's name for the kind of error. What cannot happen has none.
    pub fn kind(&self) -> Option<ErrorKind> {
        Some(match self {
            Error::Module(error) => error.kind(),
            Error::Link { .. } => ErrorKind::Link,
            Error::Trap(_) => ErrorKind::Trap,
            Error::OutOfGas => ErrorKind::OutOfGas,
            Error::Host(_) => ErrorKind::Host,
            Error::HostFault => ErrorKind::HostFault,
            Error::Usage(_) => ErrorKind::Usage,
            Error::Bug(_) => return None,
        })
    }

    /// A host function's own error.
    pub fn host(error: impl core::error::Error + 'static) -> Error {
        Error::Host(Box::new(error))
    }
}

impl From<ghost_wasm::Error> for Error {
    fn from(error: ghost_wasm::Error) -> Error {
        Error::Module(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Module(error) => error.fmt(f),
            Error::Link { text, module, name } => write!(f, "{text}: {module:?} {name:?}"),
            Error::Trap(trap) => f.write_str(trap.code.text()),
            Error::OutOfGas => f.write_str("out of gas"),
            Error::Host(error) => error.fmt(f),
            Error::HostFault => f.write_str("the host is out of memory"),
            Error::Usage(what) => write!(f, "misuse: {what}"),
            Error::Bug(what) => write!(f, "cannot happen: {what}"),
        }
    }
}

impl core::error::Error for Error {}
