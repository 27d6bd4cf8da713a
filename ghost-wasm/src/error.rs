//! The engine's error: one word, with a code of the table, the place and the operands. Texts are made only
//! when somebody looks.

use alloc::boxed::Box;
use alloc::string::String;
use core::any::Any;
use core::fmt;

use crate::backtrace::{Backtrace, EMPTY, FrameInfo};
use crate::table::errors::{ErrorCode, ErrorKind, TrapCode};
use crate::table::features::Feature;
use crate::table::limits::Limit;
use crate::types::ValType;

/// A trap and where it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    code: TrapCode,
    backtrace: Backtrace,
}

impl Trap {
    /// A trap where nothing is running.
    pub fn new(code: TrapCode) -> Trap {
        Trap { code, backtrace: Backtrace::default() }
    }

    /// Why.
    pub fn code(&self) -> TrapCode {
        self.code
    }

    /// The functions that were running, the innermost first; of a deep stack not all
    /// ([`Error::backtrace`]).
    pub fn frames(&self) -> &[FrameInfo] {
        self.backtrace.frames()
    }
}

/// What a host function failed with: an error type of the embedder's.
trait HostError: core::error::Error + Any + Send + Sync {}
impl<E: core::error::Error + Any + Send + Sync> HostError for E {}

#[derive(Debug)]
enum Cause {
    None,
    Trap(Trap),
    Host(Box<dyn HostError>),
    /// A host function's yield that has suspended a call; the types of the values that this waits for.
    Yield(Option<Box<dyn HostError>>, Box<[ValType]>),
    Limit {
        limit: Limit,
        most: u64,
    },
    /// A proposal that is off, and the row of the error without it.
    Proposal(Feature, ErrorCode),
}

#[derive(Debug)]
struct Inner {
    code: ErrorCode,
    offset: Option<u64>,
    operand: Option<u32>,
    detail: Option<Box<str>>,
    cause: Cause,
    /// Of errors that are no trap and ended a call.
    backtrace: Option<Box<Backtrace>>,
}

/// An error: a code, the byte offset in the module where there is one, an operand (an index, a count) and
/// details for people.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, ErrorCode, ErrorKind, Module};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let error = Module::new(&Engine::default(), b"\0asm\x01\0\0\0\x7f").unwrap_err();
/// assert_eq!((error.kind(), error.code()), (ErrorKind::Malformed, ErrorCode::BadSectionId));
/// assert_eq!((error.offset(), error.operand()), (Some(8), Some(0x7f)));
/// assert_eq!(error.to_string(), "malformed section id 127 (at offset 0x8)");
/// assert_eq!(error.code().help(), "No section has this id.");
/// # Ok(())
/// # }
/// ```
pub struct Error(Box<Inner>);

impl Error {
    /// An error without a place.
    #[cold]
    #[inline(never)]
    pub fn new(code: ErrorCode) -> Error {
        let (offset, operand, detail, backtrace) = (None, None, None, None);
        Error(Box::new(Inner { code, offset, operand, detail, cause: Cause::None, backtrace }))
    }

    /// An error at a byte of the module.
    #[cold]
    #[inline(never)]
    pub fn at(code: ErrorCode, offset: u64) -> Error {
        Error::new(code).with_offset(offset)
    }

    /// An error of a host function.
    #[cold]
    #[inline(never)]
    pub fn host<E: core::error::Error + Send + Sync + 'static>(error: E) -> Error {
        let mut this = Error::new(ErrorCode::HostError);
        this.0.cause = Cause::Host(Box::new(error));
        this
    }

    /// The error with which a host function interrupts the call instead of returning: the call that the host
    /// has made ends with it, and goes on when it gets the function's results (`Store::resume_with`). `request`
    /// tells the host what for ([`downcast_ref`](Error::downcast_ref)).
    ///
    /// # Example
    /// ```
    /// use ghost_wasm::{Engine, Error, Instance, Linker, Module, Store};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// #[derive(Debug)]
    /// struct Ask;
    /// impl std::fmt::Display for Ask {
    ///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    ///         f.write_str("a number is asked for")
    ///     }
    /// }
    /// impl std::error::Error for Ask {}
    ///
    /// let bytes = wat::parse_str(
    ///     r#"(module (import "env" "ask" (func $ask (result i32)))
    ///         (func (export "run") (result i32) (i32.mul (call $ask) (i32.const 2))))"#,
    /// )?;
    /// let engine = Engine::default();
    /// let mut linker = Linker::new(&engine);
    /// linker.func_wrap("env", "ask", || -> Result<i32, Error> { Err(Error::yield_with(Ask)) })?;
    /// let mut store = Store::new(&engine, ());
    /// let instance: Instance = linker.instantiate(&mut store, &Module::new(&engine, &bytes)?)?;
    /// let run = instance.get_typed_func::<(), i32>(&store, "run")?;
    /// let error = run.call(&mut store, ()).unwrap_err();
    /// assert!(error.is_yield() && error.downcast_ref::<Ask>().is_some());
    /// // Later, wherever the answer came from:
    /// assert_eq!(run.resume_with(&mut store, 21)?, 42);
    /// # Ok(())
    /// # }
    /// ```
    #[cold]
    #[inline(never)]
    pub fn yield_with<E: core::error::Error + Send + Sync + 'static>(request: E) -> Error {
        let mut this = Error::new(ErrorCode::Yielded);
        this.0.cause = Cause::Host(Box::new(request));
        this
    }

    /// The yield has suspended a call, which waits for values of these types.
    pub(crate) fn awaiting(mut self, types: &[ValType]) -> Error {
        let request = self.take_request();
        self.0.cause = Cause::Yield(request, types.into());
        self
    }

    fn take_request(&mut self) -> Option<Box<dyn HostError>> {
        match core::mem::replace(&mut self.0.cause, Cause::None) {
            Cause::Host(request) | Cause::Yield(Some(request), _) => Some(request),
            _ => None,
        }
    }

    /// A yield that nobody can resume is a host function's error like any other.
    pub(crate) fn not_resumable(mut self) -> Error {
        if self.is_yield() {
            self.0.code = ErrorCode::YieldLost;
            self.0.cause = self.take_request().map_or(Cause::None, Cause::Host);
        }
        self
    }

    /// The same under another code.
    pub(crate) fn recoded(mut self, code: ErrorCode) -> Error {
        self.0.code = code;
        self
    }

    /// A trap.
    #[cold]
    #[inline(never)]
    pub fn from_trap(trap: Trap) -> Error {
        let mut this = Error::new(trap.code.error_code());
        this.0.cause = Cause::Trap(trap);
        this
    }

    /// A limit of the profile that allows `most`.
    #[cold]
    #[inline(never)]
    pub fn limit(limit: Limit, most: u64) -> Error {
        let mut this = Error::new(ErrorCode::LimitExceeded);
        this.0.cause = Cause::Limit { limit, most };
        this
    }

    /// The module was refused for what a proposal that is off would allow. The error becomes
    /// [`ErrorCode::UnsupportedProposal`]; its row so far stays as [`spec_code`](Error::spec_code).
    #[cold]
    #[inline(never)]
    pub(crate) fn needs(mut self, feature: Feature) -> Error {
        self.0.cause = Cause::Proposal(feature, self.0.code);
        self.0.code = ErrorCode::UnsupportedProposal;
        self
    }

    /// Puts the error at a byte of the module.
    #[cold]
    pub fn with_offset(mut self, offset: u64) -> Error {
        self.0.offset = Some(offset);
        self
    }

    /// Adds the operand at fault: an index, a byte, a count.
    #[cold]
    pub fn with_operand(mut self, operand: u32) -> Error {
        self.0.operand = Some(operand);
        self
    }

    /// Adds a text for people.
    #[cold]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Error {
        self.0.detail = Some(detail.into().into_boxed_str());
        self
    }

    /// The row of the error table.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The kind of the code.
    pub fn kind(&self) -> ErrorKind {
        self.0.code.kind()
    }

    /// The proposal that the module needs and the profile does not have, for [`ErrorCode::UnsupportedProposal`].
    /// [`Feature::profiles`] names the profiles that have it.
    ///
    /// # Example
    /// ```
    /// use ghost_wasm::table::features::Feature;
    /// use ghost_wasm::{Engine, ErrorCode, ErrorKind, Module};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bytes = wat::parse_str("(module (func $f return_call $f))")?;
    /// let error = Module::new(&Engine::default(), &bytes).unwrap_err();
    /// assert_eq!((error.kind(), error.proposal()), (ErrorKind::Unsupported, Some(Feature::TailCall)));
    /// assert_eq!(Feature::TailCall.profiles().collect::<Vec<_>>(), ["latest"]);
    /// assert_eq!(error.spec_code(), ErrorCode::IllegalOpcode);
    /// # Ok(())
    /// # }
    /// ```
    pub fn proposal(&self) -> Option<Feature> {
        match self.0.cause {
            Cause::Proposal(feature, _) => Some(feature),
            _ => None,
        }
    }

    /// The row that the specification gives the module without the proposal that it needs: `code` of any other
    /// error. Official scripts expect the text of this row.
    pub fn spec_code(&self) -> ErrorCode {
        match self.0.cause {
            Cause::Proposal(_, code) => code,
            _ => self.0.code,
        }
    }

    /// The offset in the module, in bytes, of the first byte of the item at fault.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// The operand at fault: an index, a byte, a count; for [`ErrorCode::Refused`] the refusal's code.
    pub fn operand(&self) -> Option<u32> {
        self.0.operand
    }

    /// The text for people.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The trap, if it is one.
    pub fn trap(&self) -> Option<&Trap> {
        match &self.0.cause {
            Cause::Trap(trap) => Some(trap),
            _ => None,
        }
    }

    /// The functions that were running when the call ended: of traps, errors of host functions (those come first), calls
    /// that ran out of gas or were interrupted. Empty if nothing ran. Not part of what the error says otherwise: it differs
    /// where the error is the same.
    pub fn backtrace(&self) -> &Backtrace {
        match &self.0.cause {
            Cause::Trap(trap) => &trap.backtrace,
            _ => self.0.backtrace.as_deref().unwrap_or(&EMPTY),
        }
    }

    pub(crate) fn backtrace_mut(&mut self) -> &mut Backtrace {
        match &mut self.0.cause {
            Cause::Trap(trap) => &mut trap.backtrace,
            _ => self.0.backtrace.get_or_insert_default(),
        }
    }

    /// The limit that was exceeded, and the most it allows.
    pub fn exceeded_limit(&self) -> Option<(Limit, u64)> {
        match self.0.cause {
            Cause::Limit { limit, most } => Some((limit, most)),
            _ => None,
        }
    }

    /// The host function's error, or what it yielded with, if it has this type.
    pub fn downcast_ref<E: core::error::Error + Send + Sync + 'static>(&self) -> Option<&E> {
        match &self.0.cause {
            Cause::Host(error) | Cause::Yield(Some(error), _) => {
                let any: &dyn Any = &**error;
                any.downcast_ref()
            }
            _ => None,
        }
    }

    /// Whether a host function has interrupted the call, which can go on.
    pub fn is_yield(&self) -> bool {
        self.kind() == ErrorKind::Yield
    }

    /// Of a yield that has suspended a call: the types of the values with which it goes on, the results of the
    /// host function.
    pub fn awaited(&self) -> Option<&[ValType]> {
        match &self.0.cause {
            Cause::Yield(_, types) => Some(types),
            _ => None,
        }
    }

    /// Whether the embedder has ended the call ([`Interrupt`](crate::Interrupt)).
    pub fn is_interrupted(&self) -> bool {
        self.kind() == ErrorKind::Interrupted
    }

    /// Whether the gas is used up.
    pub fn is_out_of_gas(&self) -> bool {
        self.kind() == ErrorKind::OutOfGas
    }
}

/// Names a proposal, the profiles that have it, and what is wrong without it. A byte of a proposal may be damage, a
/// broken rule is not.
fn write_proposal(f: &mut fmt::Formatter<'_>, feature: Feature, code: ErrorCode) -> fmt::Result {
    write!(f, " {}: ", feature.text())?;
    let last = feature.profiles().count().saturating_sub(1);
    for (index, name) in feature.profiles().enumerate() {
        f.write_str(match index {
            0 if last == 0 => "profile ",
            0 => "profiles ",
            _ if index == last => " and ",
            _ => ", ",
        })?;
        f.write_str(name)?;
    }
    if feature.profiles().next().is_none() {
        f.write_str("in no profile of this version")?;
    }
    let otherwise =
        if code.kind() == ErrorKind::Malformed { "or the module is corrupt" } else { "without it" };
    write!(f, "; {otherwise}: {}", code.text())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.write_str(inner.code.text())?;
        if let Cause::Proposal(feature, code) = inner.cause {
            write_proposal(f, feature, code)?;
        }
        if let Some(operand) = inner.operand {
            write!(f, " {operand}")?;
        }
        match &inner.cause {
            Cause::Host(error) | Cause::Yield(Some(error), _) => write!(f, ": {error}")?,
            Cause::Limit { limit, most } => write!(f, ": {}: at most {most} {}", limit.name(), limit.unit())?,
            Cause::None | Cause::Trap(_) | Cause::Yield(None, _) | Cause::Proposal(..) => {}
        }
        if let Some(detail) = &inner.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(offset) = inner.offset {
            write!(f, " (at offset {offset:#x})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.0.cause {
            Cause::Host(error) | Cause::Yield(Some(error), _) => Some(&**error),
            _ => None,
        }
    }
}

const _: () = assert!(size_of::<Error>() == size_of::<usize>());
const _: () = {
    const fn send_sync<T: Send + Sync>() {}
    send_sync::<Error>();
};
