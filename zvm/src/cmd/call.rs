//! `zvm call`: signs a call of a contract, or a transfer of the native coin, and shows its receipt.

use serde_json::json;
use zvm_host::{Address, Body, Status};

use crate::abi::{self, Value};
use crate::client::{Offer, Remote, Session};
use crate::failure::Failure;
use crate::foreign::foreign;
use crate::output::{BAD, Done, Output, styled};
use crate::receipt;
use crate::secret::Signer;

/// Sign and send a call
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The contract, or the address that gets native coins
    target: Address,

    /// The method, such as 'transfer(address,uint128)'
    #[arg(conflicts_with = "input")]
    method: Option<String>,

    /// Its arguments
    #[arg(allow_negative_numbers = true)]
    args: Vec<String>,

    /// The input as it is, instead of method and arguments: 0x and hex digits
    #[arg(long, value_name = "HEX")]
    input: Option<String>,

    /// Read the return data as these types, such as 'uint64,string'
    #[arg(long, value_name = "TYPES")]
    returns: Option<String>,

    /// Show what the call would lead to, and send nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    offer: Offer,

    #[command(flatten)]
    signer: Signer,

    #[command(flatten)]
    remote: Remote,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let input = input(args.method.as_deref(), &args.args, args.input.as_deref())?;
    let returns = args.returns.as_deref().map(abi::types).transpose().map_err(Failure::usage)?;
    let signer = args.signer.open()?;
    let session = Session::open(&args.remote)?;
    let body = Body::call(0, args.target, &input);
    if args.dry_run {
        let (record, cold_gas) = session.simulate(body, &args.offer, &signer)?;
        session.close();
        out.line("this is what the call would lead to now; nothing was sent");
        receipt::show(out, &record);
        out.line(format_args!("  cold_gas      {cold_gas}"));
        return Ok(Done::new(
            receipt::exit(record.receipt.status),
            json!({ "receipt": receipt::to_json(&record), "dry_run": true, "cold_gas": cold_gas.to_string() }),
        ));
    }
    let sent = session.call(body, &args.offer, &signer)?;
    session.close();
    let record = &sent.record;
    receipt::show_sent(out, &sent);
    let values = returns.and_then(|types| abi::decode(&types, &record.return_data));
    for value in values.iter().flatten() {
        out.line(format_args!("  returned      {}", foreign(&value.to_string())));
    }
    // The call is in a block: that its answer is read wrongly here must not look as if it had failed.
    if let (Some(types), None, Status::Success) = (&args.returns, &values, record.receipt.status) {
        out.line(format_args!(
            "  returned      {}",
            styled(BAD, format_args!("not of the types {}", foreign(types)))
        ));
    }
    Ok(Done::new(
        receipt::exit_of(&sent),
        json!({
            "receipt": receipt::to_json(record),
            "duplicate": sent.duplicate,
            "returned": values.map(|values| values.iter().map(Value::json).collect::<serde_json::Value>()),
        }),
    ))
}

/// The input of a method with arguments, or as given; neither: empty.
pub fn input(method: Option<&str>, args: &[String], raw: Option<&str>) -> Result<Vec<u8>, Failure> {
    match (method, raw) {
        (Some(method), _) => abi::encode_call(method, args).map_err(Failure::usage),
        (None, Some(raw)) => {
            abi::bytes(raw).ok_or_else(|| Failure::usage("--input: 0x and an even number of hex digits"))
        }
        (None, None) => Ok(Vec::new()),
    }
}
