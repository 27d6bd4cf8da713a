//! What the runner asks of an engine.

use crate::{Chunking, Options, WastVal};

/// A module that the backend has decoded and validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleId(pub usize);

/// A module that the backend has instantiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceId(pub usize);

/// The kinds of failure a script can tell apart; a backend never maps one kind to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// The bytes are no module.
    Malformed,
    /// The module breaks a rule of validation.
    Invalid,
    /// The imports cannot be satisfied.
    Link,
    /// The guest trapped, stack exhaustion excepted.
    Trap,
    /// The call stack is exhausted.
    Exhaustion,
    /// A limit of the profile is exceeded.
    Limit,
    /// The backend cannot do this at all: listed, never counted as passed.
    Unsupported,
    /// Anything else, such as a missing export or gas that ran out.
    Other,
}

/// Why the backend could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The kind, which assertions check.
    pub kind: FailureKind,
    /// The text, which must begin with the assertion's.
    pub text: String,
    /// The byte offset in the module, where there is one.
    pub offset: Option<u64>,
    /// The whole message, if a proposal that is off would allow the module. Kind and text are then what the
    /// specification says without the proposal, which an assertion may expect; any other directive that fails
    /// so is unsupported.
    pub unsupported: Option<String>,
}

impl Failure {
    /// A failure without an offset.
    pub fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), offset: None, unsupported: None }
    }

    /// An engine's error about a module. Its kind and text are those of the specification.
    pub(crate) fn of_module(kind: FailureKind, error: &ghost_wasm::Error) -> Self {
        let (text, unsupported) = match error.proposal() {
            Some(_) => {
                let operand = error.operand().map(|operand| format!(" {operand}")).unwrap_or_default();
                (format!("{}{operand}", error.spec_code().text()), Some(error.to_string()))
            }
            None => (error.to_string(), None),
        };
        Self { kind, text, offset: error.offset(), unsupported }
    }

    /// A failure at a byte of the module.
    pub fn at(kind: FailureKind, text: impl Into<String>, offset: u64) -> Self {
        Self { kind, text: text.into(), offset: Some(offset), unsupported: None }
    }
}

/// An engine under test.
pub trait Backend {
    /// Forgets every module and instance, and sets up the [`spectest`](crate::spectest) module. The runner
    /// calls it at the start of each script.
    fn begin(&mut self, options: &Options) -> Result<(), Failure>;

    /// Decodes and validates a module that arrives in pieces.
    fn compile(&mut self, wasm: &[u8], chunking: Chunking) -> Result<ModuleId, Failure>;

    /// Links a module to what is registered, and runs its segments and its start function.
    fn instantiate(&mut self, module: ModuleId) -> Result<InstanceId, Failure>;

    /// Makes the exports of an instance importable under a module name.
    fn register(&mut self, name: &str, instance: InstanceId) -> Result<(), Failure>;

    /// Calls an exported function.
    fn invoke(
        &mut self,
        instance: InstanceId,
        export: &str,
        args: &[WastVal],
    ) -> Result<Vec<WastVal>, Failure>;

    /// Reads an exported global.
    fn global(&mut self, instance: InstanceId, export: &str) -> Result<WastVal, Failure>;
}
