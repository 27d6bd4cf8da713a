//! `zvm chain`: a node's chain and what it asks for.

use serde_json::json;
use zvm_host::natives::Natives;
use zvm_host::{contract, hex, rules};

use crate::client::{Remote, Session};
use crate::failure::Failure;
use crate::output::{BAD, DIM, Done, Output, styled};

/// Show the chain of a node
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let session = Session::open(&args.remote)?;
    let chain = session.chain()?;
    session.close();
    // Those of a plain chain: native modules and policies are not told.
    let plain = rules::profile_hash(&contract::engine(), chain.block_gas_limit, Natives::NONE, None);
    let same_rules = plain == chain.profile;
    let rules = match same_rules {
        true => styled(DIM, "as this program's"),
        false => styled(BAD, "not those of this program: gas and outcomes may differ"),
    };
    out.line(format_args!("chain id    {}", chain.chain_id));
    out.line(format_args!("genesis     {}", hex(&chain.genesis_hash)));
    out.line(format_args!("height      {}", chain.height));
    out.line(format_args!("block       {}", hex(&chain.block_hash)));
    out.line(format_args!("state root  {}", hex(&chain.state_root)));
    out.line(format_args!("timestamp   {} ms", chain.timestamp));
    out.line(format_args!("gas price   {} at least", chain.gas_price_floor));
    out.line(format_args!("block gas   {}", chain.block_gas_limit));
    out.line(format_args!("rules       {}  {rules}", hex(&chain.profile)));
    out.line(format_args!(
        "sizes       modules {} bytes, calls {} bytes at most",
        chain.module_bytes_max, chain.envelope_bytes_max
    ));
    Ok(Done::ok(json!({
        "chain_id": chain.chain_id.to_string(),
        "genesis_hash": hex(&chain.genesis_hash),
        "height": chain.height.to_string(),
        "block_hash": hex(&chain.block_hash),
        "state_root": hex(&chain.state_root),
        "timestamp": chain.timestamp.to_string(),
        "gas_price_floor": chain.gas_price_floor.to_string(),
        "block_gas_limit": chain.block_gas_limit.to_string(),
        "profile_hash": hex(&chain.profile),
        "same_rules": same_rules,
        "module_bytes_max": chain.module_bytes_max.to_string(),
        "envelope_bytes_max": chain.envelope_bytes_max,
    })))
}
