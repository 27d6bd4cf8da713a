//! `zvm account`: what a node knows of an address.

use serde_json::json;
use zvm_host::{Address, hex};

use crate::client::{Remote, Session};
use crate::failure::Failure;
use crate::output::{DIM, Done, Output, styled};

/// Show an account
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The address of a key or a contract
    address: Address,

    #[command(flatten)]
    remote: Remote,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let session = Session::open(&args.remote)?;
    let account = session.account(&args.address)?;
    session.close();
    let code_hash = (account.code_hash != [0; 32]).then(|| hex(&account.code_hash));
    out.line(format_args!("address  {}", args.address));
    out.line(format_args!("nonce    {}", account.nonce));
    out.line(format_args!("balance  {}", account.balance));
    out.line(format_args!("code     {}", code_hash.clone().unwrap_or_else(|| styled(DIM, "none"))));
    Ok(Done::ok(json!({
        "address": args.address.to_string(),
        "nonce": account.nonce.to_string(),
        "balance": account.balance.to_string(),
        "code_hash": code_hash,
    })))
}
