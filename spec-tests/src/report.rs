//! What a run found: every directive counted by kind, and every one that did not pass named.

use std::collections::BTreeMap;
use std::fmt;

/// The kinds of directives that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `module`: decode, validate, instantiate.
    Module,
    /// `module definition`: decode and validate.
    ModuleDefinition,
    /// `module instance`: instantiate a definition.
    ModuleInstance,
    /// `register`.
    Register,
    /// `invoke` on its own.
    Invoke,
    /// `assert_return`.
    AssertReturn,
    /// `assert_trap` on a call.
    AssertTrap,
    /// `assert_trap` on a module whose instantiation traps.
    AssertTrapModule,
    /// `assert_exhaustion`.
    AssertExhaustion,
    /// `assert_invalid`.
    AssertInvalid,
    /// `assert_malformed` on bytes.
    AssertMalformedBinary,
    /// `assert_malformed` on quoted text: it tests a text parser, not the engine.
    AssertMalformedQuote,
    /// `assert_unlinkable`.
    AssertUnlinkable,
    /// An assertion of a proposal that the runner does not know.
    AssertOther,
    /// Any other directive of a proposal.
    Other,
    /// A whole file that could not be parsed.
    File,
}

impl Kind {
    /// All kinds, in the order of the report.
    pub const ALL: &'static [Kind] = &[
        Kind::Module,
        Kind::ModuleDefinition,
        Kind::ModuleInstance,
        Kind::Register,
        Kind::Invoke,
        Kind::AssertReturn,
        Kind::AssertTrap,
        Kind::AssertTrapModule,
        Kind::AssertExhaustion,
        Kind::AssertInvalid,
        Kind::AssertMalformedBinary,
        Kind::AssertMalformedQuote,
        Kind::AssertUnlinkable,
        Kind::AssertOther,
        Kind::Other,
        Kind::File,
    ];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Module => "module",
            Kind::ModuleDefinition => "module definition",
            Kind::ModuleInstance => "module instance",
            Kind::Register => "register",
            Kind::Invoke => "invoke",
            Kind::AssertReturn => "assert_return",
            Kind::AssertTrap => "assert_trap",
            Kind::AssertTrapModule => "assert_trap (module)",
            Kind::AssertExhaustion => "assert_exhaustion",
            Kind::AssertInvalid => "assert_invalid",
            Kind::AssertMalformedBinary => "assert_malformed (binary)",
            Kind::AssertMalformedQuote => "assert_malformed (quote, text only)",
            Kind::AssertUnlinkable => "assert_unlinkable",
            Kind::AssertOther => "other assertion",
            Kind::Other => "other directive",
            Kind::File => "file not parsed",
        }
    }

    /// Whether the directive asserts something about the engine.
    pub const fn is_engine_assertion(self) -> bool {
        matches!(
            self,
            Kind::AssertReturn
                | Kind::AssertTrap
                | Kind::AssertTrapModule
                | Kind::AssertExhaustion
                | Kind::AssertInvalid
                | Kind::AssertMalformedBinary
                | Kind::AssertUnlinkable
                | Kind::AssertOther
        )
    }
}

/// What became of a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As the script says.
    Passed,
    /// Not as the script says, and how.
    Failed(String),
    /// The engine or the runner does not support it, and what.
    Unsupported(String),
    /// Counted, but nothing about the engine: quoted text.
    TextOnly,
}

/// Bytes of a text that a finding keeps: many directives of a script can fail for the same reason, and that may
/// quote a name of 100,000 bytes.
const TEXT_BYTES_MAX: usize = 1024;

/// A text for a finding, cut.
pub(crate) fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate((0..=TEXT_BYTES_MAX).rfind(|&at| text.is_char_boundary(at)).unwrap_or(0));
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

/// How many directives of one kind met which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All of them.
    pub total: u64,
    /// As the script says.
    pub passed: u64,
    /// Not as the script says.
    pub failed: u64,
    /// Not supported.
    pub unsupported: u64,
}

impl Count {
    fn add(&mut self, other: Count) {
        self.total += other.total;
        self.passed += other.passed;
        self.failed += other.failed;
        self.unsupported += other.unsupported;
    }
}

/// A directive that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The kind of directive.
    pub kind: Kind,
    /// Failed or unsupported, and why.
    pub outcome: Outcome,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, text) = match &self.outcome {
            Outcome::Passed => ("passed", ""),
            Outcome::Failed(text) => ("failed", text.as_str()),
            Outcome::Unsupported(text) => ("unsupported", text.as_str()),
            Outcome::TextOnly => ("text only", ""),
        };
        write!(f, "{}:{}: {}: {word}: {text}", self.file, self.line, self.kind.name())
    }
}

/// The result of running one script or many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Counts by kind; a kind that did not occur is absent.
    pub counts: BTreeMap<Kind, Count>,
    /// Every directive that failed or is unsupported, in the order of the run.
    pub findings: Vec<Finding>,
    /// How many files were run.
    pub files: u64,
}

impl Report {
    pub(crate) fn record(&mut self, file: &str, line: usize, kind: Kind, outcome: Outcome) {
        let count = self.counts.entry(kind).or_default();
        count.total += 1;
        match outcome {
            Outcome::Passed => count.passed += 1,
            Outcome::TextOnly => {}
            Outcome::Failed(_) => count.failed += 1,
            Outcome::Unsupported(_) => count.unsupported += 1,
        }
        let outcome = match outcome {
            Outcome::Passed | Outcome::TextOnly => return,
            Outcome::Failed(text) => Outcome::Failed(cut(text)),
            Outcome::Unsupported(text) => Outcome::Unsupported(cut(text)),
        };
        self.findings.push(Finding { file: file.to_owned(), line, kind, outcome });
    }

    /// Adds another report's counts and findings.
    pub fn merge(&mut self, other: Report) {
        for (kind, count) in other.counts {
            self.counts.entry(kind).or_default().add(count);
        }
        self.findings.extend(other.findings);
        self.files += other.files;
    }

    /// The counts of one kind.
    pub fn count(&self, kind: Kind) -> Count {
        self.counts.get(&kind).copied().unwrap_or_default()
    }

    /// The sum over all assertions that reach the engine.
    pub fn engine_assertions(&self) -> Count {
        self.sum(Kind::is_engine_assertion)
    }

    /// The sum over everything counted.
    pub fn directives(&self) -> Count {
        self.sum(|_| true)
    }

    /// Whether nothing failed and nothing was unsupported.
    pub fn is_clean(&self) -> bool {
        let all = self.directives();
        all.failed == 0 && all.unsupported == 0
    }

    fn sum(&self, wanted: impl Fn(Kind) -> bool) -> Count {
        let mut sum = Count::default();
        for (kind, count) in &self.counts {
            if wanted(*kind) {
                sum.add(*count);
            }
        }
        sum
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        for (kind, count) in &self.counts {
            let Count { total, passed, failed, unsupported } = count;
            match kind {
                Kind::AssertMalformedQuote => writeln!(f, "{:36} {total:6} counted apart", kind.name())?,
                _ => writeln!(
                    f,
                    "{:36} {total:6}: {passed} passed, {failed} failed, {unsupported} unsupported",
                    kind.name()
                )?,
            }
        }
        let Count { total, passed, failed, unsupported } = self.engine_assertions();
        write!(
            f,
            "{} files, {total} engine assertions: {passed} passed, {failed} failed, {unsupported} unsupported",
            self.files
        )
    }
}
