//! `zvm query`: asks a contract; unsigned, free, without effect.

use serde_json::json;
use zvm_host::{Address, Status, hex};

use crate::abi::{self, Value};
use crate::client::{Remote, Session};
use crate::cmd::call::input;
use crate::failure::{Exit, Failure};
use crate::foreign::foreign;
use crate::output::{Done, Output};
use crate::receipt;
use crate::trace::Trace;

/// Ask a contract
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The contract
    target: Address,

    /// The method, such as 'balance_of(address)'
    #[arg(conflicts_with = "input")]
    method: Option<String>,

    /// Its arguments
    #[arg(allow_negative_numbers = true)]
    args: Vec<String>,

    /// The input as it is, instead of method and arguments: 0x and hex digits
    #[arg(long, value_name = "HEX")]
    input: Option<String>,

    /// Read the answer as these types, such as 'uint64,string'
    #[arg(long, value_name = "TYPES")]
    returns: Option<String>,

    /// Gas at most; 0: what the node allows
    #[arg(long, value_name = "GAS", default_value_t = 0)]
    gas: u64,

    #[command(flatten)]
    remote: Remote,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let input = input(args.method.as_deref(), &args.args, args.input.as_deref())?;
    let returns = args.returns.as_deref().map(abi::types).transpose().map_err(Failure::usage)?;
    let session = Session::open(&args.remote)?;
    let asked = session.query(&args.target, args.gas, &input)?;
    session.close();

    let status = Status::from_u8(asked.status);
    let name = status.map_or("unknown", Status::name);
    let values = returns.as_ref().and_then(|types| abi::decode(types, &asked.return_data));
    let trace = Trace::of_diagnostics(&asked.diagnostics, status == Some(Status::OutOfGas));
    let exit = match status {
        Some(Status::Success) if returns.is_some() && values.is_none() => {
            let text = format!("the answer is not of these types: 0x{}", hex(&asked.return_data));
            return Err(Failure::new(Exit::Failed, "abi", text));
        }
        Some(status) => receipt::exit(status),
        None => Exit::Failed,
    };
    if exit == Exit::Ok {
        match &values {
            Some(values) => values.iter().for_each(|value| out.line(foreign(&value.to_string()))),
            None => out.line(format_args!("0x{}", hex(&asked.return_data))),
        }
    } else {
        let words = abi::revert_text(&asked.return_data).unwrap_or_else(|| asked.text.clone());
        let words = if words.is_empty() { words } else { format!(": {words}") };
        let code = if asked.code == 0 { String::new() } else { format!(" with code {}", asked.code) };
        let mut failure = Failure::new(exit, name, format!("{name}{code}{words}"));
        failure.backtrace = trace.clone();
        out.failure(&if exit == Exit::OutOfGas {
            failure.with_help(format_args!("{} gas was not enough; give more with --gas", asked.gas_used))
        } else {
            failure
        });
    }
    out.note(format_args!("gas used {}", asked.gas_used));
    Ok(Done::new(
        exit,
        json!({
            "status_code": asked.status,
            "status": name,
            "revert_code": asked.code,
            "revert_text": abi::revert_text(&asked.return_data),
            "gas_used": asked.gas_used.to_string(),
            "return_data": format!("0x{}", hex(&asked.return_data)),
            "returned": values.map(|values| values.iter().map(Value::json).collect::<serde_json::Value>()),
            "note": asked.text,
            "backtrace": trace.json(),
            "backtrace_left_out": trace.left_out_json(),
        }),
    ))
}
