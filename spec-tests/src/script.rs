//! Runs one script, directive by directive, in order. A directive that goes wrong does not end the script;
//! one that needs a module which is missing goes wrong for that reason, and says so.

use crate::report::{Kind, Outcome, Report, cut};
use crate::{Backend, Chunking, Failure, FailureKind, InstanceId, ModuleId, WastVal, compare, wording};
use std::collections::BTreeMap;
use wast::core::{AbstractHeapType, HeapType, WastArgCore};
use wast::lexer::Lexer;
use wast::parser::ParseBuffer;
use wast::token::Id;
use wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, Wat};

/// How a script is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How the bytes of each module reach the engine.
    pub chunking: Chunking,
    /// The gas handed out at a time, where the backend works in slices; `None` leaves it to the backend.
    pub gas_slice: Option<u64>,
    /// The gas of one call or instantiation. A script that would not end fails instead of hanging.
    pub gas_max: u64,
    /// Whether `nan:canonical` accepts the positive one only, as this engine promises; the specification
    /// leaves the sign open.
    pub strict_nan: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { chunking: Chunking::Whole, gas_slice: None, gas_max: 1 << 32, strict_nan: true }
    }
}

/// Runs a script and counts its directives.
pub fn run_script(name: &str, source: &str, backend: &mut dyn Backend, options: &Options) -> Report {
    let mut report = Report { files: 1, ..Report::default() };
    let mut lexer = Lexer::new(source);
    lexer.allow_confusing_unicode(true);
    let buffer = match ParseBuffer::new_with_lexer(lexer) {
        Ok(buffer) => buffer,
        Err(error) => {
            unparsed(&mut report, name, source, &error);
            return report;
        }
    };
    let script = match wast::parser::parse::<Wast<'_>>(&buffer) {
        Ok(script) => script,
        Err(error) => {
            unparsed(&mut report, name, source, &error);
            return report;
        }
    };
    if let Err(failure) = backend.begin(options) {
        report.record(name, 1, Kind::File, Outcome::Failed(describe(&failure)));
        return report;
    }
    let mut runner = Runner {
        backend,
        options,
        current: Err(Stop::Failed("no module yet".to_owned())),
        instances: BTreeMap::new(),
        definition: None,
        definitions: BTreeMap::new(),
    };
    for directive in script.directives {
        let line = directive.span().linecol_in(source).0 + 1;
        let (kind, result) = runner.directive(directive);
        let outcome = match result {
            Ok(()) if kind == Kind::AssertMalformedQuote => Outcome::TextOnly,
            Ok(()) => Outcome::Passed,
            Err(Stop::Failed(text)) => Outcome::Failed(text),
            Err(Stop::Unsupported(text)) => Outcome::Unsupported(text),
        };
        report.record(name, line, kind, outcome);
    }
    report
}

/// A script that does not parse has failed: nothing in it was run.
fn unparsed(report: &mut Report, name: &str, source: &str, error: &wast::Error) {
    let (line, column) = error.span().linecol_in(source);
    let text = format!("column {}: {}", column + 1, error.message());
    report.record(name, line + 1, Kind::File, Outcome::Failed(text));
}

/// Why a directive did not pass.
#[derive(Clone, Debug)]
enum Stop {
    Failed(String),
    Unsupported(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure { unsupported: Some(text), .. } => Stop::Unsupported(cut(text)),
            Failure { kind: FailureKind::Unsupported, text, .. } => Stop::Unsupported(cut(text)),
            failure => Stop::Failed(cut(describe(&failure))),
        }
    }
}

fn describe(failure: &Failure) -> String {
    match failure.offset {
        Some(offset) => format!("{:?}: {} (at {offset:#x})", failure.kind, failure.text),
        None => format!("{:?}: {}", failure.kind, failure.text),
    }
}

fn failed(text: impl Into<String>) -> Stop {
    Stop::Failed(text.into())
}

struct Runner<'a> {
    backend: &'a mut dyn Backend,
    options: &'a Options,
    /// The last module's instance, or why there is none.
    current: Result<InstanceId, Stop>,
    instances: BTreeMap<String, Result<InstanceId, Stop>>,
    definition: Option<Result<ModuleId, Stop>>,
    definitions: BTreeMap<String, Result<ModuleId, Stop>>,
}

impl Runner<'_> {
    fn directive(&mut self, directive: WastDirective<'_>) -> (Kind, Result<(), Stop>) {
        match directive {
            WastDirective::Module(module) => (Kind::Module, self.module(module)),
            WastDirective::ModuleDefinition(module) => (Kind::ModuleDefinition, self.define(module)),
            WastDirective::ModuleInstance { instance, module, .. } => {
                (Kind::ModuleInstance, self.instance_of(instance, module))
            }
            WastDirective::Register { name, module, .. } => (Kind::Register, self.register(name, module)),
            WastDirective::Invoke(invoke) => {
                (Kind::Invoke, self.invoke(&invoke).and_then(|result| Ok(result.map(|_| ())?)))
            }
            WastDirective::AssertReturn { exec, results, .. } => {
                let result = self.execute(exec).and_then(|got| {
                    match compare::results(&results, &got?, self.options) {
                        Ok(true) => Ok(()),
                        Ok(false) => Err(Stop::Unsupported("a value of an unknown type is expected".into())),
                        Err(text) => Err(failed(text)),
                    }
                });
                (Kind::AssertReturn, result)
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                let kind = match exec {
                    WastExecute::Wat(_) => Kind::AssertTrapModule,
                    _ => Kind::AssertTrap,
                };
                (kind, self.execute(exec).and_then(|got| expect(got, FailureKind::Trap, message)))
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                let result = self.invoke(&call).and_then(|got| expect(got, FailureKind::Exhaustion, message));
                (Kind::AssertExhaustion, result)
            }
            WastDirective::AssertInvalid { module, message, .. } => {
                (Kind::AssertInvalid, self.reject(module, FailureKind::Invalid, message))
            }
            WastDirective::AssertMalformed {
                module: QuoteWat::QuoteModule(..) | QuoteWat::QuoteComponent(..),
                ..
            } => (Kind::AssertMalformedQuote, Ok(())),
            WastDirective::AssertMalformed { module, message, .. } => {
                (Kind::AssertMalformedBinary, self.reject(module, FailureKind::Malformed, message))
            }
            WastDirective::AssertUnlinkable { module, message, .. } => {
                let result = self
                    .compile(QuoteWat::Wat(module))
                    .and_then(|module| Ok(module?))
                    .and_then(|module| expect(self.backend.instantiate(module), FailureKind::Link, message));
                (Kind::AssertUnlinkable, result)
            }
            WastDirective::AssertException { .. }
            | WastDirective::AssertSuspension { .. }
            | WastDirective::AssertInvalidCustom { .. }
            | WastDirective::AssertMalformedCustom { .. } => {
                (Kind::AssertOther, Err(Stop::Unsupported("an assertion of a proposal".into())))
            }
            WastDirective::Thread(_) | WastDirective::Wait { .. } => {
                (Kind::Other, Err(Stop::Unsupported("threads".into())))
            }
        }
    }

    fn module(&mut self, module: QuoteWat<'_>) -> Result<(), Stop> {
        let name = module.name();
        let instance = self
            .compile(module)
            .and_then(|module| Ok(module?))
            .and_then(|module| Ok(self.backend.instantiate(module)?));
        self.enter(name, instance)
    }

    fn define(&mut self, module: QuoteWat<'_>) -> Result<(), Stop> {
        let name = module.name();
        let module = self.compile(module).and_then(|module| Ok(module?));
        if let Some(name) = name {
            self.definitions.insert(name.name().to_owned(), module.clone());
        }
        let result = module.clone().map(|_| ());
        self.definition = Some(module);
        result
    }

    fn instance_of(&mut self, instance: Option<Id<'_>>, module: Option<Id<'_>>) -> Result<(), Stop> {
        let found = match module {
            Some(id) => self.definitions.get(id.name()).cloned(),
            None => self.definition.clone(),
        };
        let result = found
            .unwrap_or_else(|| Err(failed("no such module definition")))
            .and_then(|module| Ok(self.backend.instantiate(module)?));
        self.enter(instance, result)
    }

    fn enter(&mut self, name: Option<Id<'_>>, instance: Result<InstanceId, Stop>) -> Result<(), Stop> {
        if let Some(name) = name {
            self.instances.insert(name.name().to_owned(), instance.clone());
        }
        let result = instance.clone().map(|_| ());
        self.current = instance.map_err(|stop| match stop {
            Stop::Failed(text) => failed(format!("its module failed: {text}")),
            Stop::Unsupported(text) => Stop::Unsupported(format!("its module is unsupported: {text}")),
        });
        result
    }

    fn register(&mut self, name: &str, module: Option<Id<'_>>) -> Result<(), Stop> {
        let instance = self.lookup(module)?;
        Ok(self.backend.register(name, instance)?)
    }

    fn lookup(&self, module: Option<Id<'_>>) -> Result<InstanceId, Stop> {
        match module {
            None => self.current.clone(),
            Some(id) => match self.instances.get(id.name()) {
                Some(instance) => instance.clone(),
                None => Err(failed(format!("no instance ${}", id.name()))),
            },
        }
    }

    /// The outer error: the runner could not ask the backend. The inner one: what the backend answered.
    fn compile(&mut self, mut module: QuoteWat<'_>) -> Result<Result<ModuleId, Failure>, Stop> {
        if let QuoteWat::Wat(Wat::Component(_)) | QuoteWat::QuoteComponent(..) = module {
            return Err(Stop::Unsupported("components".into()));
        }
        let wasm = module
            .encode()
            .map_err(|error| failed(format!("the text is not encodable: {}", error.message())))?;
        Ok(self.backend.compile(&wasm, self.options.chunking))
    }

    fn reject(&mut self, module: QuoteWat<'_>, kind: FailureKind, message: &str) -> Result<(), Stop> {
        self.compile(module).and_then(|result| expect(result, kind, message))
    }

    fn execute(&mut self, exec: WastExecute<'_>) -> Result<Result<Vec<WastVal>, Failure>, Stop> {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Get { module, global, .. } => {
                let instance = self.lookup(module)?;
                Ok(self.backend.global(instance, global).map(|value| vec![value]))
            }
            WastExecute::Wat(module) => {
                let module = self.compile(QuoteWat::Wat(module))??;
                Ok(self.backend.instantiate(module).map(|_| Vec::new()))
            }
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Result<Vec<WastVal>, Failure>, Stop> {
        let instance = self.lookup(invoke.module)?;
        let args = invoke.args.iter().map(argument).collect::<Result<Vec<_>, _>>()?;
        Ok(self.backend.invoke(instance, invoke.name, &args))
    }
}

/// Both the kind and the text must be the expected ones.
fn expect<T>(got: Result<T, Failure>, kind: FailureKind, message: &str) -> Result<(), Stop> {
    match got {
        Ok(_) => Err(failed(format!("nothing went wrong, expected {kind:?}: {message}"))),
        Err(failure) if failure.kind == kind && wording::answers(message, &failure.text) => Ok(()),
        Err(failure) => Err(match Stop::from(failure) {
            Stop::Failed(text) => failed(format!("{text}, expected {kind:?}: {message}")),
            unsupported @ Stop::Unsupported(_) => unsupported,
        }),
    }
}

fn argument(arg: &WastArg<'_>) -> Result<WastVal, Stop> {
    let unknown = || Stop::Unsupported("an argument of an unknown type".into());
    let WastArg::Core(arg) = arg else { return Err(unknown()) };
    Ok(match arg {
        WastArgCore::I32(value) => WastVal::I32(*value),
        WastArgCore::I64(value) => WastVal::I64(*value),
        WastArgCore::F32(value) => WastVal::F32(value.bits),
        WastArgCore::F64(value) => WastVal::F64(value.bits),
        WastArgCore::RefNull(HeapType::Abstract { ty: AbstractHeapType::Func, .. }) => {
            WastVal::FuncRef { null: true }
        }
        WastArgCore::RefNull(HeapType::Abstract { ty: AbstractHeapType::Extern, .. }) => {
            WastVal::ExternRef(None)
        }
        WastArgCore::RefExtern(value) => WastVal::ExternRef(Some(*value)),
        _ => return Err(unknown()),
    })
}
