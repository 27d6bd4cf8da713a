//! The program `zvm`: runs and checks WebAssembly, serves contracts over QUIC, and calls them.
//!
//! Owns arguments, what people and programs see, and exit codes. Every rule of WebAssembly, contracts and
//! the protocol belongs to the crates below; nothing depends on this one.
#![forbid(unsafe_code)]

mod abi;
mod client;
mod cmd;
mod dev;
mod disasm;
mod endpoint;
mod failure;
mod foreign;
mod log;
mod module;
mod output;
mod probe;
mod receipt;
mod review;
mod scan;
mod secret;
mod trace;
mod types;
mod values;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cmd::Command;
use crate::output::Output;

/// A WebAssembly engine with exact gas, and contracts streamed to it over QUIC.
///
/// Exit codes: 0 ok · 1 invalid module, link error, failed assertion or failed call · 2 usage, or a file that
/// cannot be read or written · 3 trap · 4 out of gas · 5 network · 6 duplicate: the call was executed before.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    /// Print one JSON object on standard output instead of text (docs/cli.md).
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,

    /// Write a log to standard error: a level, or a filter such as `zvm_quic=debug`; `node` logs warnings.
    #[arg(
        long,
        global = true,
        help_heading = "Output",
        value_name = "FILTER",
        env = "ZVM_LOG",
        hide_env_values = true
    )]
    log: Option<String>,

    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let out = Output::new(cli.json);
    let (name, shape) = (cli.command.name(), cli.command.shape());
    let log = cli.log.as_deref().or(cli.command.log()).map(log::start).transpose();
    let ended = log.and_then(|log| {
        let ended = cli.command.run(&out);
        drop(log);
        ended
    });
    ExitCode::from(out.end(name, shape, ended) as u8)
}

/// Wrong arguments, and the texts of `--help` and `--version`. The message quotes arguments, and those may be
/// names of files that somebody else chose: it is made again from arguments that are all seen.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A reader that is gone: there is nobody to tell.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let shown = std::env::args_os().map(|argument| foreign::foreign(&argument.to_string_lossy()));
    let text = match Cli::try_parse_from(shown) {
        Err(mut error) => {
            // A value of the environment is not among the arguments.
            if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
                && value.chars().any(foreign::is_unseen)
            {
                let seen = ContextValue::String(foreign::foreign(value));
                error.insert(ContextKind::InvalidValue, seen);
            }
            error.render().to_string()
        }
        Ok(_) => "error: an argument has characters that are not seen".into(),
    };
    output::usage(&text);
    ExitCode::from(failure::Exit::Usage as u8)
}
