//! `zvm selector`: the hashes by which contracts know methods and events, for languages that cannot compute them
//! while they compile.

use serde_json::json;
use zvm_host::{crypto, hex};

use crate::abi;
use crate::failure::{Exit, Failure};
use crate::output::{DIM, Done, Output, styled};

/// Compute the selectors of methods and the topics of events
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Signatures such as `transfer(address,uint128)`
    #[arg(required = true, value_name = "SIGNATURE")]
    signatures: Vec<String>,
}

/// Runs the command. A line is `selector  topic  signature`: keccak-256 of the text, cut and whole.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let hashed: Result<Vec<_>, _> = args.signatures.iter().map(|text| abi::hashed(text)).collect();
    let hashed = hashed.map_err(|error| Failure::new(Exit::Usage, "abi", error))?;
    let mut signatures = Vec::new();
    for text in hashed {
        let (selector, topic) = (hex(&crypto::selector(&text)), hex(&crypto::keccak256(text.as_bytes())));
        out.line(format_args!("0x{selector}  0x{topic}  {}", styled(DIM, &text)));
        let (selector, topic) = (format!("0x{selector}"), format!("0x{topic}"));
        signatures.push(json!({ "signature": text, "selector": selector, "topic": topic }));
    }
    Ok(Done::ok(json!({ "signatures": signatures })))
}
