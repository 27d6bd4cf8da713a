//! Runs WebAssembly script files (`.wast`) on an engine and counts every directive.
//!
//! The runner knows scripts, counting and comparing; it knows no engine. An engine is a [`Backend`]. Each
//! assertion checks the *kind* of the error and its text: a runner that accepts any error hides bugs.
//!
//! An *engine assertion* is every `assert_*` directive except `assert_malformed` on quoted text, which tests
//! a text parser and never reaches the engine. Those are counted apart.

mod backend;
mod backend_ghost;
mod backend_oracle;
mod chunking;
mod compare;
mod files;
pub mod nearest;
mod report;
mod script;
pub mod spectest;
mod value;
pub mod wording;

pub use backend::{Backend, Failure, FailureKind, InstanceId, ModuleId};
pub use backend_ghost::GhostBackend;
pub use backend_oracle::OracleBackend;
pub use chunking::{Chunking, Pieces};
pub use files::{FileError, run_paths};
pub use report::{Count, Finding, Kind, Outcome, Report};
pub use script::{Options, run_script};
pub use value::WastVal;
