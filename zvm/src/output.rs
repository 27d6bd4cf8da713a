//! Standard output and standard error: text for people, one JSON object for programs, colours and progress
//! only where a terminal shows them. Owns no command's words.

use std::fmt::{Arguments, Display};
use std::io::{self, ErrorKind, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::trace::Trace;

/// Emphasis.
pub const BOLD: Style = Style::new().bold();
/// What matters less.
pub const DIM: Style = Style::new().dimmed();
/// What went well.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What went wrong.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Hints.
pub const HINT: Style = AnsiColor::Cyan.on_default();

/// Wraps `text` in a style; a stream that is no terminal drops it again.
pub fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The version of the JSON shapes.
const SHAPE: u32 = 1;

/// What a command that came to its end leaves.
#[derive(Debug)]
pub struct Done {
    /// What the program exits with.
    pub exit: Exit,
    /// The `result` of the JSON object.
    pub result: Value,
}

impl Done {
    /// Everything asked for was done.
    pub fn ok(result: Value) -> Done {
        Done { exit: Exit::Ok, result }
    }
}

/// Where a command writes.
#[derive(Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    /// Text, or JSON.
    pub fn new(json: bool) -> Output {
        Output { json }
    }

    /// A line of the answer: standard output, unless a program reads.
    pub fn line(&self, text: impl Display) {
        if !self.json {
            write_line(&mut anstream::stdout().lock(), format_args!("{text}"));
        }
    }

    /// A line beside the answer: standard error, only on a terminal and unless a program reads.
    pub fn note(&self, text: impl Display) {
        if !self.json && io::stderr().is_terminal() {
            write_line(&mut anstream::stderr().lock(), format_args!("{text}"));
        }
    }

    /// An object of a command that has more to tell before it ends, on a line of its own.
    pub fn event(&self, command: &str, event: &str, result: Value) {
        if self.json {
            let object = json!({ "zvm": SHAPE, "command": command, "event": event, "result": result });
            write_line(&mut io::stdout().lock(), format_args!("{object}"));
        }
    }

    /// Shows a failure to people, on standard error.
    pub fn failure(&self, failure: &Failure) {
        if !self.json {
            write_line(&mut anstream::stderr().lock(), format_args!("{}", failure_text(failure)));
        }
    }

    /// A bar that counts bytes; hidden where no terminal shows it.
    pub fn byte_bar(&self, len_bytes: u64, what: &str) -> ProgressBar {
        let shown = !self.json && io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(len_bytes), target);
        let template = "  {msg}  {bar:32.cyan/dim}  {bytes:>10} of {total_bytes}  {prefix}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.set_message(what.to_string());
        bar
    }

    /// Writes the end of a command and gives the exit code.
    pub fn end(&self, command: &str, ended: Result<Done, Failure>) -> Exit {
        let (exit, object) = match ended {
            Ok(done) => {
                let exit = done.exit;
                let object =
                    json!({ "zvm": SHAPE, "command": command, "exit": exit as u8, "result": done.result });
                (exit, object)
            }
            Err(failure) => {
                self.failure(&failure);
                let exit = failure.exit;
                let object =
                    json!({ "zvm": SHAPE, "command": command, "exit": exit as u8, "error": failure.json() });
                (exit, object)
            }
        };
        if self.json {
            write_line(&mut io::stdout().lock(), format_args!("{object}"));
        }
        exit
    }
}

/// A reader that went away does not end the work: a call that is half on its way is worse than an answer that
/// nobody reads, and the exit code must stay true. A full disk ends it.
fn write_line(to: &mut impl Write, text: Arguments<'_>) {
    let written = to.write_fmt(format_args!("{text}\n")).and_then(|()| to.flush());
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: cannot write the answer: {error}");
            std::process::exit(Exit::Usage as i32);
        }
    }
}

fn failure_text(failure: &Failure) -> String {
    let mut text = match &failure.code {
        Some(code) => format!("{BAD}error[{} {:#06x}]{BAD:#}", code.name, code.number),
        None => styled(BAD, "error"),
    };
    text += &format!(": {}", styled(BOLD, &failure.text));
    let function = failure.excerpt.as_ref().map(|excerpt| format!("function {}", excerpt.function()));
    let place: Vec<String> = failure.file.iter().cloned().chain(function).collect();
    if !place.is_empty() {
        text += &format!("\n  {} {}", styled(HINT, "-->"), place.join(", "));
    }
    if let Some(excerpt) = &failure.excerpt {
        for line in excerpt.lines() {
            let row = format!("{:#08x}  {}", line.offset, line.text);
            text += &if line.here {
                format!("\n    {}", styled(BAD, format_args!("> {row}")))
            } else {
                format!("\n      {row}")
            };
        }
    }
    text += &backtrace(&failure.backtrace);
    if let Some(help) = &failure.help {
        text += &format!("\n  {} {help}", styled(HINT, "= help:"));
    }
    text
}

fn backtrace(trace: &Trace) -> String {
    let line = |(depth, text): (Option<usize>, String)| match depth {
        Some(depth) => format!("\n  {depth:>3}: {text}"),
        None => styled(DIM, format_args!("\n       {text}")),
    };
    trace.lines().into_iter().map(line).collect()
}
