//! The log on standard error: never in the way of what is logged. Lines go through a bounded queue to a thread
//! of their own; when nobody reads them, or they cannot be written, they are dropped and the work goes on.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal};

use tracing::field::Field;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use crate::failure::Failure;
use crate::foreign;

/// Lines that wait to be written; beyond them lines are dropped.
const LINES_WAITING_MAX: usize = 4_096;

/// Writes what waits when dropped, for a second at most.
#[derive(Debug)]
pub struct Log(#[expect(dead_code, reason = "held for its drop")] WorkerGuard);

/// Begins to log what the filter lets through.
pub fn start(filter: &str) -> Result<Log, Failure> {
    let filter =
        EnvFilter::try_new(filter).map_err(|error| Failure::usage(format!("--log {filter}: {error}")))?;
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES_WAITING_MAX)
        .thread_name("zvm-log")
        .finish(io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .fmt_fields(debug_fn(field))
        .with_ansi(io::stderr().is_terminal())
        .init();
    Ok(Log(guard))
}

/// A field as text on one line: values come from peers and modules, and must not forge lines of the log.
fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let mut text = String::new();
    write!(text, "{value:?}")?;
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|c| foreign::push(&mut shown, c));
    match field.name() {
        "message" => writer.write_str(&shown),
        name => write!(writer, " {name}={shown}"),
    }
}
