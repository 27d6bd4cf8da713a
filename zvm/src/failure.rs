//! What went wrong, with the exit code it leads to. Made from the errors of the crates below; shown by
//! `output`.

use std::fmt::Display;
use std::ops::{Deref, DerefMut};
use std::path::Path;

use ghost_wasm::table::features::Feature;
use ghost_wasm::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::disasm::Excerpt;
use crate::trace::Trace;

/// How the program ends. The numbers are a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for was done.
    Ok = 0,
    /// An invalid module, a link error, a failed assertion, a call without success.
    Failed = 1,
    /// Arguments that make no sense, or a file that cannot be read or written.
    Usage = 2,
    /// The guest trapped.
    Trap = 3,
    /// The gas was used up.
    OutOfGas = 4,
    /// The other side cannot be reached, is not who it should be, or the port is taken.
    Network = 5,
    /// The call was executed before, and was not executed again.
    Duplicate = 6,
}

/// The number and name of an error in its own catalogue.
#[derive(Clone, Debug)]
pub struct Code {
    /// The stable name.
    pub name: String,
    /// The stable number.
    pub number: u32,
}

/// Why a command ended before its end. One word, because it travels through every result.
#[derive(Clone, Debug)]
pub struct Failure(Box<Details>);

impl Deref for Failure {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

/// What is known about a failure.
#[derive(Clone, Debug)]
pub struct Details {
    /// What the program exits with.
    pub exit: Exit,
    /// One word: `invalid`, `trap`, `io`, `network`, …
    pub kind: String,
    /// The row of a catalogue, where there is one.
    pub code: Option<Code>,
    /// The message.
    pub text: String,
    /// The node's own number for it.
    pub detail: Option<u32>,
    /// The byte of the module.
    pub offset: Option<u64>,
    /// The file it is about.
    pub file: Option<String>,
    /// The operators around the place.
    pub excerpt: Option<Excerpt>,
    /// The functions that were running, the innermost first.
    pub backtrace: Trace,
    /// Gas used up to then, where something ran.
    pub gas_used: Option<u64>,
    /// What could be done about it.
    pub help: Option<String>,
    /// The proposal that the module needs and the profile does not have.
    pub proposal: Option<Feature>,
}

impl Failure {
    /// A failure with a kind and a message.
    pub fn new(exit: Exit, kind: impl Into<String>, text: impl Display) -> Failure {
        Failure(Box::new(Details {
            exit,
            kind: kind.into(),
            code: None,
            text: text.to_string(),
            detail: None,
            offset: None,
            file: None,
            excerpt: None,
            backtrace: Trace::default(),
            gas_used: None,
            help: None,
            proposal: None,
        }))
    }

    /// A command line that makes no sense.
    pub fn usage(text: impl Display) -> Failure {
        Failure::new(Exit::Usage, "usage", text)
    }

    /// A file that cannot be read or written.
    pub fn io(path: &Path, error: &std::io::Error) -> Failure {
        Failure::new(Exit::Usage, "io", format_args!("{}: {error}", path.display()))
    }

    /// An error of the engine.
    pub fn engine(error: &Error) -> Failure {
        let exit = match error.kind() {
            ErrorKind::Trap => Exit::Trap,
            ErrorKind::OutOfGas => Exit::OutOfGas,
            ErrorKind::Usage => Exit::Usage,
            _ => Exit::Failed,
        };
        let mut failure = Failure::new(exit, error.kind().text(), error);
        failure.code =
            Some(Code { name: error.code().name().into(), number: u32::from(error.code().number()) });
        failure.offset = error.offset();
        failure.help = Some(error.code().help().into());
        failure.proposal = error.proposal();
        failure.backtrace = Trace::of_error(error);
        failure
    }

    /// Adds what could be done about it.
    pub fn with_help(mut self, help: impl Display) -> Failure {
        self.help = Some(help.to_string());
        self
    }

    /// Names the file it is about.
    pub fn in_file(mut self, path: &Path) -> Failure {
        self.file = Some(path.display().to_string());
        self
    }

    /// The shape in `docs/cli.md`.
    pub fn json(&self) -> Value {
        let mut object = json!({ "kind": self.kind, "text": self.text });
        let mut put = |key: &str, value: Option<Value>| {
            if let (Some(value), Some(object)) = (value, object.as_object_mut()) {
                object.insert(key.into(), value);
            }
        };
        put("code", self.code.as_ref().map(|code| json!(code.name)));
        put("number", self.code.as_ref().map(|code| json!(code.number)));
        put("offset", self.offset.map(|offset| json!(offset)));
        put("file", self.file.as_ref().map(|file| json!(file)));
        put("gas_used", self.gas_used.map(|gas| json!(gas.to_string())));
        put("proposal", self.proposal.map(proposal_json));
        put("help", self.help.as_ref().map(|help| json!(help)));
        put("function", self.excerpt.as_ref().map(Excerpt::function_json));
        put("operators", self.excerpt.as_ref().map(Excerpt::operators_json));
        let trace = (!self.backtrace.is_empty()).then_some(&self.backtrace);
        put("backtrace", trace.map(Trace::json));
        put("backtrace_left_out", trace.map(Trace::left_out_json).filter(|left_out| !left_out.is_null()));
        object
    }
}

fn proposal_json(proposal: Feature) -> Value {
    json!({
        "name": proposal.text(),
        "specification": proposal.link().trim_matches(['<', '>']),
        "profiles": proposal.profiles().collect::<Value>(),
    })
}
