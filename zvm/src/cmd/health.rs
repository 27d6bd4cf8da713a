//! `zvm health`: whether a node answers.

use serde_json::json;

use crate::client::{Remote, Session};
use crate::failure::Failure;
use crate::output::{Done, GOOD, Output, styled};

/// Ask whether a node answers
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let session = Session::open(&args.remote)?;
    let health = session.health()?;
    session.close();
    out.line(styled(GOOD, "the node answers"));
    out.line(format_args!("height   {}", health.height));
    out.line(format_args!("uploads  {} under way", health.uploads));
    out.line(format_args!("staged   {} modules", health.staged));
    Ok(Done::ok(json!({
        "height": health.height.to_string(),
        "uploads": health.uploads,
        "staged": health.staged,
    })))
}
