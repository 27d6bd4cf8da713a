//! `zvm state`: what the state of a node holds under a key, and the check of its proof.

use serde_json::json;
use zvm_host::receipt::Header;
use zvm_host::state::{account_key, storage_key};
use zvm_host::{Address, hex};
use zvm_proof::StateProof;

use crate::abi;
use crate::client::{Remote, Session};
use crate::failure::{Exit, Failure};
use crate::output::{Done, Output};

/// Show what the state holds under a key, with its proof checked
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The contract; without a key: the account itself
    address: Address,

    /// The contract's own key: 0x and hex digits
    key: Option<String>,

    /// The block whose state is asked; one of the last 64. Only the newest has the value, too
    #[arg(long, value_name = "HEIGHT")]
    height: Option<u64>,

    #[command(flatten)]
    remote: Remote,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let full_key = match &args.key {
        None => account_key(&args.address),
        Some(text) => {
            let key =
                abi::bytes(text).ok_or_else(|| Failure::usage("KEY: 0x and an even number of hex digits"))?;
            storage_key(&args.address, &key)
        }
    };
    let session = Session::open(&args.remote)?;
    let answer = session.proof(args.height.unwrap_or(u64::MAX), &full_key)?;
    session.close();
    let wrong =
        |what: &str| Failure::new(Exit::Failed, "proof", format!("the node's answer does not hold: {what}"));
    let header = Header::decode(answer.header.as_slice()).map_err(|_| wrong("its header cannot be read"))?;
    let proof = StateProof::decode(answer.proof.as_slice()).map_err(|error| wrong(&error.to_string()))?;
    let value = (answer.has_value == 1).then(|| answer.value.as_slice());
    if args.height.is_some_and(|height| height != header.height) {
        return Err(wrong("it is of another block"));
    }
    // Of an older state the value is not told: there may be one, which the proof alone does not give.
    let checked = match (value, args.height) {
        (None, Some(_)) => proof.verify(&header.state_root, &full_key, None).is_ok().then_some("absent"),
        _ => {
            proof.verify(&header.state_root, &full_key, value).map_err(|error| wrong(&error.to_string()))?;
            Some(if value.is_some() { "present" } else { "absent" })
        }
    };
    out.line(format_args!("block       {}  {}", header.height, hex(&header.hash())));
    out.line(format_args!("state root  {}", hex(&header.state_root)));
    out.line(format_args!("key         0x{}", hex(&full_key)));
    match (value, checked) {
        (Some(value), _) => out.line(format_args!("value       0x{}", hex(value))),
        (None, Some(_)) => out.line("value       absent"),
        (None, None) => out.line("value       there is one, which only the newest state tells"),
    }
    out.line("the proof holds under this state root; whether the block is the chain's is for you to know");
    Ok(Done::ok(json!({
        "height": header.height.to_string(),
        "block_hash": hex(&header.hash()),
        "state_root": hex(&header.state_root),
        "key": hex(&full_key),
        "value": value.map(hex),
        "state": checked.unwrap_or("unknown"),
        "proof": hex(answer.proof.as_slice()),
    })))
}
