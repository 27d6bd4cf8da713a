//! Standard output and standard error: text for people, one JSON object for programs, colours and progress
//! only where a terminal shows them. Owns no command's words.
//!
//! Nothing unseen leaves the program: every character that is not seen is escaped here, so that a text that was
//! not passed through [`foreign()`] can at worst be ambiguous. Colours and line breaks of our own are marks, code
//! points that no text has a use for and that `foreign` escapes.

use std::fmt::{Debug, Display, Write as _};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::sync::mpsc::channel;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter};

use crate::failure::{Exit, Failure};
use crate::foreign::{self, foreign};
use crate::trace::Trace;

/// How a text looks on a terminal: the mark that begins it, and its style.
#[derive(Clone, Copy, Debug)]
pub struct Look(char, Style);

/// Emphasis.
pub const BOLD: Look = Look('\u{fdd0}', Style::new().bold());
/// What matters less.
pub const DIM: Look = Look('\u{fdd1}', Style::new().dimmed());
/// What went well.
pub const GOOD: Look = Look('\u{fdd2}', AnsiColor::Green.on_default().bold());
/// What went wrong.
pub const BAD: Look = Look('\u{fdd3}', AnsiColor::Red.on_default().bold());
/// Hints.
pub const HINT: Look = Look('\u{fdd4}', AnsiColor::Cyan.on_default());

const LOOKS: [Look; 5] = [BOLD, DIM, GOOD, BAD, HINT];
/// Ends a look.
const PLAIN: char = '\u{fdde}';
/// A line break of our own.
pub const BREAK: char = '\u{fddf}';

/// Gives a text a look; a stream that is no terminal drops it again.
pub fn styled(look: Look, text: impl Display) -> String {
    format!("{}{text}{PLAIN}", look.0)
}

/// The version of the JSON shapes, unless a command has its own.
pub const SHAPE: u32 = 1;
/// Bytes of JSON that are gathered before they are written.
const JSON_BUFFER_BYTES: usize = 64 << 10;

/// A part of the JSON object. It is written piece by piece: a long answer is never in memory as a whole.
pub trait Part: Debug {
    /// Writes it.
    fn write(&self, to: &mut JsonWriter<'_>) -> serde_json::Result<()>;
}

impl<T: Serialize + Debug> Part for T {
    fn write(&self, to: &mut JsonWriter<'_>) -> serde_json::Result<()> {
        self.serialize(to)
    }
}

/// A list whose items are made when they are written, one at a time.
pub struct Each<F>(pub F);

impl<F: Fn() -> I, I: Iterator<Item = Value>> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// Writes JSON on one line. What a terminal would act on is escaped there, too: readers of JSON see the same
/// value.
pub type JsonWriter<'a> = serde_json::Serializer<&'a mut dyn Write, Seen>;

/// What a command that came to its end leaves.
#[derive(Debug)]
pub struct Done {
    /// What the program exits with.
    exit: Exit,
    /// The `result` of the JSON object.
    result: Box<dyn Part>,
    /// How long it may take to write it.
    patience: Option<Duration>,
}

impl Done {
    /// The exit code, and the `result` of the JSON object.
    pub fn new(exit: Exit, result: impl Part + 'static) -> Done {
        Done { exit, result: Box::new(result), patience: None }
    }

    /// The same of a command that must end whether or not its reader reads.
    pub fn within(self, patience: Duration) -> Done {
        Done { patience: Some(patience), ..self }
    }

    /// Everything asked for was done.
    pub fn ok(result: impl Part + 'static) -> Done {
        Done::new(Exit::Ok, result)
    }
}

/// Where a command writes.
#[derive(Clone, Debug)]
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
            write_line(&mut anstream::stdout().lock(), Text(&text.to_string()));
        }
    }

    /// A line of a command that goes on whether or not anybody can read it: as [`line`](Output::line), but a reader
    /// that is gone or a full disk ends nothing.
    pub fn tell(&self, text: impl Display) {
        if !self.json {
            let _ = try_write(&mut anstream::stdout().lock(), &Text(&text.to_string()));
        }
    }

    /// A line beside the answer: standard error, only on a terminal and unless a program reads.
    pub fn note(&self, text: impl Display) {
        if !self.json && io::stderr().is_terminal() {
            write_line(&mut anstream::stderr().lock(), Text(&text.to_string()));
        }
    }

    /// An object of a command that has more to tell before it ends, on a line of its own.
    pub fn event(&self, command: &str, event: &str, result: Value) {
        if self.json {
            let object: [(&str, &dyn Part); 4] =
                [("zvm", &SHAPE), ("command", &command), ("event", &event), ("result", &result)];
            // What goes on must not end because nobody hears of it.
            let _ = try_write_object(&mut io::stdout().lock(), &object);
        }
    }

    /// Shows a failure to people, on standard error.
    pub fn failure(&self, failure: &Failure) {
        if !self.json {
            let _ = try_write(&mut anstream::stderr().lock(), &Text(&failure_text(failure)));
        }
    }

    /// A bar that counts bytes; hidden where no terminal shows it.
    pub fn byte_bar(&self, len_bytes: u64, what: &str) -> ProgressBar {
        self.bar(len_bytes, what, "  {msg}  {bar:32.cyan/dim}  {bytes:>10} of {total_bytes}  {prefix}")
    }

    /// A bar that counts things; hidden where no terminal shows it.
    pub fn count_bar(&self, count: u64, what: &str) -> ProgressBar {
        self.bar(count, what, "  {msg}  {bar:32.cyan/dim}  {pos:>10} of {len}")
    }

    fn bar(&self, len: u64, what: &str, template: &str) -> ProgressBar {
        let shown = !self.json && io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(len), target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.set_message(what.to_string());
        bar
    }

    /// Writes the end of a command, in this version of its shape, and gives the exit code.
    pub fn end(&self, command: &str, shape: u32, ended: Result<Done, Failure>) -> Exit {
        let (exit, name, part, patience): (_, _, Box<dyn Part>, _) = match ended {
            Ok(done) => (done.exit, "result", done.result, done.patience),
            Err(failure) => {
                self.failure(&failure);
                (failure.exit, "error", Box::new(failure.json()), None)
            }
        };
        if self.json {
            let code = exit as u8;
            let object: [(&str, &dyn Part); 4] =
                [("zvm", &shape), ("command", &command), ("exit", &code), (name, &*part)];
            written(match patience {
                None => try_write_object(&mut io::stdout().lock(), &object),
                Some(patience) => write_within(patience, &object),
            });
        }
        exit
    }
}

/// A reader that went away does not end the work: a call that is half on its way is worse than an answer that
/// nobody reads, and the exit code must stay true. A full disk ends it.
fn written(ended: io::Result<()>) {
    if let Err(error) = ended {
        let _ = writeln!(io::stderr(), "error: cannot write the answer: {error}");
        std::process::exit(Exit::Usage as i32);
    }
}

fn write_line(to: &mut impl Write, line: impl Display) {
    written(try_write(to, &line));
}

fn try_write(to: &mut impl Write, line: &dyn Display) -> io::Result<()> {
    unless_nobody_reads(writeln!(to, "{line}").and_then(|()| to.flush()))
}

/// Writes an object of these parts on a line of its own.
fn try_write_object(to: &mut impl Write, parts: &[(&str, &dyn Part)]) -> io::Result<()> {
    let mut to = BufWriter::with_capacity(JSON_BUFFER_BYTES, to);
    let whole = write_object(&mut to, parts).map_err(io::Error::from);
    unless_nobody_reads(whole.and_then(|()| to.flush()))
}

/// The same on standard output, if its reader reads: whoever writes to a full pipe waits and holds its lock.
fn write_within(patience: Duration, parts: &[(&str, &dyn Part)]) -> io::Result<()> {
    let mut whole = Vec::new();
    write_object(&mut whole, parts)?;
    let (send, ended) = channel();
    std::thread::spawn(move || {
        let mut to = io::stdout().lock();
        send.send(unless_nobody_reads(to.write_all(&whole).and_then(|()| to.flush())))
    });
    ended
        .recv_timeout(patience)
        .unwrap_or_else(|_| Err(io::Error::new(ErrorKind::TimedOut, "nobody reads it")))
}

fn write_object(to: &mut dyn Write, parts: &[(&str, &dyn Part)]) -> serde_json::Result<()> {
    let mut before = '{';
    for (name, part) in parts {
        write!(to, "{before}\"{name}\":").map_err(serde_json::Error::io)?;
        part.write(&mut JsonWriter::with_formatter(&mut *to, Seen(CompactFormatter)))?;
        before = ',';
    }
    to.write_all(b"}\n").map_err(serde_json::Error::io)
}

fn unless_nobody_reads(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Shows what is wrong with the arguments; the text has lines of its own.
pub fn usage(text: &str) {
    let text = text.trim_end().replace('\n', &BREAK.to_string());
    // The exit code tells it, too.
    let _ = try_write(&mut anstream::stderr().lock(), &Text(&text));
}

/// A text for people: marks become colours and line breaks, what is not seen is escaped.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = String::with_capacity(self.0.len());
        let mut now = Style::new();
        for c in self.0.chars() {
            match LOOKS.iter().find(|look| look.0 == c) {
                Some(look) => {
                    now = look.1;
                    write!(shown, "{now}")?;
                }
                None if c == PLAIN => write!(shown, "{now:#}")?,
                None if c == BREAK => shown.push('\n'),
                None => foreign::push(&mut shown, c),
            }
        }
        f.write_str(&shown)
    }
}

/// Escapes in strings what is not seen.
pub struct Seen(CompactFormatter);

impl Formatter for Seen {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut from = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| foreign::is_unseen(*c)) {
            writer.write_all(fragment.get(from..at).unwrap_or_default().as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            from = at.saturating_add(c.len_utf8());
        }
        writer.write_all(fragment.get(from..).unwrap_or_default().as_bytes())
    }
}

fn failure_text(failure: &Failure) -> String {
    let mut text = match &failure.code {
        Some(code) => styled(BAD, format_args!("error[{} {:#06x}]", code.name, code.number)),
        None => styled(BAD, "error"),
    };
    text += &format!(": {}", styled(BOLD, foreign(&failure.text)));
    let function = failure.excerpt.as_ref().map(|excerpt| format!("function {}", excerpt.function()));
    let place: Vec<String> =
        failure.file.iter().cloned().chain(function).map(|part| foreign(&part)).collect();
    if !place.is_empty() {
        text += &format!("{BREAK}  {} {}", styled(HINT, "-->"), place.join(", "));
    }
    if let Some(excerpt) = &failure.excerpt {
        for line in excerpt.lines() {
            let row = format!("{:#08x}  {}", line.offset, foreign(&line.text));
            text += &if line.here {
                format!("{BREAK}    {}", styled(BAD, format_args!("> {row}")))
            } else {
                format!("{BREAK}      {row}")
            };
        }
    }
    text += &backtrace(&failure.backtrace);
    if let Some(help) = &failure.help {
        text += &format!("{BREAK}  {} {}", styled(HINT, "= help:"), foreign(help));
    }
    text
}

fn backtrace(trace: &Trace) -> String {
    let line = |(depth, text): (Option<usize>, String)| match depth {
        Some(depth) => format!("{BREAK}  {depth:>3}: {text}"),
        None => styled(DIM, format_args!("{BREAK}       {text}")),
    };
    trace.lines().into_iter().map(line).collect()
}
