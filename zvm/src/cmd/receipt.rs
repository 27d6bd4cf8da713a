//! `zvm receipt`: how a call ended that was executed before.

use serde_json::json;
use zvm_host::{Hash, parse_hash};

use crate::client::{Remote, Session};
use crate::failure::Failure;
use crate::output::{Done, Output};
use crate::receipt;

/// Show how a call ended
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The call's id, as its receipt has it
    #[arg(value_parser = parse_hash)]
    id: Hash,

    #[command(flatten)]
    remote: Remote,
}

/// Runs the command. It ends as the call did.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let session = Session::open(&args.remote)?;
    let record = session.receipt(&args.id)?;
    session.close();
    receipt::show(out, &record);
    Ok(Done::new(receipt::exit(record.receipt.status), json!({ "receipt": receipt::to_json(&record) })))
}
