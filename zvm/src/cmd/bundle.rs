//! `zvm bundle`: writes a block of a folder's chain to a file, with all that is needed to run it again.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use zvm_host::chain::stored_genesis;
use zvm_host::replay::Bundle;
use zvm_host::state::StateBackend;
use zvm_host::{ChainConfig, RedbBackend, hex};

use crate::cmd::node::{STORE_FILE, chain_failure};
use crate::failure::{Exit, Failure};
use crate::foreign::foreign;
use crate::output::{Done, Output};

/// Write a block to a file, to be run again anywhere
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The block
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    height: u64,

    /// The folder of the chain; no node may serve it meanwhile
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,

    /// Where to write it; default: `block-HEIGHT.zvmr`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let path = args.dir.join(STORE_FILE);
    if !path.exists() {
        return Err(Failure::usage(format_args!("{} holds no chain", args.dir.display())));
    }
    let store = RedbBackend::open(&path).map_err(|error| chain_failure(&error.into()))?;
    let genesis = stored_genesis(&store).map_err(|error| chain_failure(&error))?;
    let genesis =
        genesis.ok_or_else(|| Failure::usage(format_args!("{} holds no chain", args.dir.display())))?;
    let view = store.snapshot().map_err(|error| chain_failure(&error.into()))?;
    // The state before a block is had by running all blocks before it.
    let bar = out.count_bar(args.height, "blocks");
    let made = Bundle::make(&*view, &genesis, ChainConfig::default(), args.height, &mut |height| {
        bar.set_position(height);
    });
    bar.finish_and_clear();
    let bundle = made.map_err(|error| chain_failure(&error))?;
    let bytes = bundle.encode();
    let file = args.out.unwrap_or_else(|| format!("block-{}.zvmr", args.height).into());
    fs::write(&file, &bytes).map_err(|error| Failure::io(&file, &error))?;
    out.line(format_args!("block       {}  {}", args.height, hex(&bundle.header.hash())));
    out.line(format_args!("calls       {}", bundle.calls.len()));
    out.line(format_args!("keys        {}", bundle.witness.values.len()));
    out.line(format_args!("file        {}  {} bytes", foreign(&file.display().to_string()), bytes.len()));
    Ok(Done::new(
        Exit::Ok,
        json!({
            "height": args.height.to_string(),
            "block_hash": hex(&bundle.header.hash()),
            "calls": bundle.calls.len(),
            "keys": bundle.witness.values.len(),
            "file": file.display().to_string(),
            "bytes": bytes.len(),
        }),
    ))
}
