//! `zvm check`: every reason why a module would not be deployed, and what would make it dear.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::foreign::foreign;
use crate::module;
use crate::output::{BAD, BOLD, BREAK, DIM, Done, GOOD, HINT, Output, styled};
use crate::review::{REASONS_MAX, Review, Warning, review};

/// Tell every reason why a module would not be deployed
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A contract: .wasm or .wat; - is standard input
    file: PathBuf,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let bytes = module::read(&args.file)?;
    let review = review(&bytes, &args.file);
    for failure in &review.errors {
        out.failure(failure);
    }
    for warning in &review.warnings {
        show_warning(out, warning);
    }
    show_sum(out, &args, bytes.len(), &review);
    Ok(Done::new(
        if review.errors.is_empty() { Exit::Ok } else { Exit::Failed },
        json!({
            "file": args.file.display().to_string(),
            "bytes": bytes.len(),
            "stripped_bytes": review.stripped_len,
            "deployable": review.errors.is_empty(),
            "complete": review.complete,
            "errors": review.errors.iter().map(Failure::json).collect::<Value>(),
            "warnings": review.warnings.iter().map(Warning::json).collect::<Value>(),
            "deploy_gas": review.deploy_gas.map(|gas| gas.to_string()),
        }),
    ))
}

fn show_warning(out: &Output, warning: &Warning) {
    out.line(format_args!(
        "{}: {}{BREAK}  {} {}",
        styled(HINT, "warning"),
        styled(BOLD, foreign(&warning.text)),
        styled(HINT, "= help:"),
        foreign(&warning.help)
    ));
}

fn show_sum(out: &Output, args: &Args, len: usize, review: &Review) {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let verdict = match review.errors.len() {
        0 => styled(GOOD, "deployable"),
        n => styled(BAD, format_args!("not deployable, {}", count(n, "error"))),
    };
    let gas = review.deploy_gas.map(|gas| format!(", a deploy takes {gas} gas and what `init` uses"));
    out.line(format_args!(
        "{}: {verdict}, {}{}",
        foreign(&args.file.display().to_string()),
        count(review.warnings.len(), "warning"),
        styled(DIM, format_args!("  {len} bytes{}", gas.unwrap_or_default()))
    ));
    if !review.complete {
        let why = match review.errors.len() {
            REASONS_MAX.. => "more errors are not shown",
            _ => "what lies behind the last error was not looked at",
        };
        out.line(styled(DIM, format_args!("  {why}")));
    }
}
