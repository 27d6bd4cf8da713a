//! The program `zvm`: runs and checks WebAssembly, serves contracts over QUIC, and calls them.
//!
//! Owns arguments, what people and programs see, and exit codes. Every rule of WebAssembly, contracts and
//! the protocol belongs to the crates below; nothing depends on this one.
#![forbid(unsafe_code)]

mod abi;
mod client;
mod cmd;
mod disasm;
mod failure;
mod module;
mod output;
mod receipt;
mod scan;
mod secret;
mod trace;
mod values;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

use crate::cmd::Command;
use crate::output::Output;

/// A WebAssembly engine with exact gas, and contracts streamed to it over QUIC.
///
/// Exit codes: 0 ok · 1 invalid module, link error, failed assertion or failed call · 2 usage, or a file that
/// cannot be read or written · 3 trap · 4 out of gas · 5 network.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    /// Print one JSON object on standard output instead of text (docs/cli.md).
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,

    /// Write a log to standard error: a level, or a filter such as `zvm_quic=debug`; `node` logs warnings.
    #[arg(long, global = true, help_heading = "Output", value_name = "FILTER", env = "ZVM_LOG")]
    log: Option<String>,

    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let out = Output::new(cli.json);
    let name = cli.command.name();
    let ended = start_log(cli.log.as_deref().or(cli.command.log())).and_then(|()| cli.command.run(&out));
    ExitCode::from(out.end(name, ended) as u8)
}

fn start_log(filter: Option<&str>) -> Result<(), failure::Failure> {
    let Some(filter) = filter else { return Ok(()) };
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .map_err(|error| failure::Failure::usage(format!("--log {filter}: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    Ok(())
}
