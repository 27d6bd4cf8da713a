//! `zvm replay`: runs the block of a file again, without its chain.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use zvm_host::chain::machine;
use zvm_host::replay::{Bundle, ReplayError};
use zvm_host::{ChainConfig, hex};

use crate::failure::{Exit, Failure};
use crate::output::{Done, Output};
use crate::receipt;

/// Bytes of a file at most.
const FILE_LEN_MAX: u64 = 1 << 30;

/// Run the block of a file again, and compare all of it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file, as `zvm bundle` writes it
    file: PathBuf,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let io = |error| Failure::io(&args.file, &error);
    if fs::metadata(&args.file).map_err(io)?.len() > FILE_LEN_MAX {
        return Err(Failure::usage("the file is larger than 1 GiB").in_file(&args.file));
    }
    let bytes = fs::read(&args.file).map_err(io)?;
    let bundle = Bundle::decode(&bytes)
        .map_err(|error| Failure::new(Exit::Usage, "bundle", error).in_file(&args.file))?;
    let machine =
        machine(&ChainConfig::default()).map_err(|error| Failure::new(Exit::Failed, "fault", error))?;
    let built = bundle.replay(&machine).map_err(|error| {
        let kind = match error {
            ReplayError::Witness(_) => "witness",
            ReplayError::Block(_) => "block",
            ReplayError::Malformed(_) => "bundle",
            ReplayError::Fault(_) => "fault",
        };
        Failure::new(Exit::Failed, kind, error).in_file(&args.file)
    })?;
    out.line(format_args!("block       {}  {}", built.header.height, hex(&built.hash)));
    out.line(format_args!("state root  {}", hex(&built.header.state_root)));
    for record in &built.records {
        let status = record.receipt.status;
        out.line(format_args!(
            "  {}  {status}  {} gas",
            receipt::short(&record.receipt.call_id),
            record.receipt.gas_used
        ));
    }
    out.line("the block is what it says");
    let calls: Vec<_> = built.records.iter().map(receipt::to_json).collect();
    Ok(Done::new(
        Exit::Ok,
        json!({
            "height": built.header.height.to_string(),
            "block_hash": hex(&built.hash),
            "state_root": hex(&built.header.state_root),
            "receipts": calls,
        }),
    ))
}
