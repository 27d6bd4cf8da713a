//! `zvm deploy`: streams a contract to a node, which validates it meanwhile, and signs the call that makes
//! the contract.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use zvm_host::table::host_gas;
use zvm_host::{Body, ContractModule, Hash, Status, contract, exec, hex};
use zvm_quic::UploadOptions;

use crate::abi;
use crate::client::{Offer, Remote, Session, show_upload};
use crate::failure::Failure;
use crate::module;
use crate::output::{BOLD, Done, Output, styled};
use crate::receipt;
use crate::secret::Signer;

/// Stream a contract to a node and initialise it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The contract: .wasm or .wat; - is standard input
    file: PathBuf,

    /// The types of the arguments of `init`, such as 'string,string,uint8,uint128'
    #[arg(long, value_name = "TYPES", default_value = "", conflicts_with = "input")]
    init: String,

    /// The arguments of `init`
    #[arg(allow_negative_numbers = true)]
    args: Vec<String>,

    /// The input of `init` as it is: 0x and hex digits
    #[arg(long, value_name = "HEX")]
    input: Option<String>,

    /// Have the node compare the SHA-256, too
    #[arg(long)]
    sha256: bool,

    /// Bytes handed to the connection at once
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 10)]
    chunk: usize,

    #[command(flatten)]
    offer: Offer,

    #[command(flatten)]
    signer: Signer,

    #[command(flatten)]
    remote: Remote,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let init = match args.input.as_deref() {
        Some(raw) if args.args.is_empty() => {
            abi::bytes(raw).ok_or_else(|| Failure::usage("--input: 0x and an even number of hex digits"))?
        }
        Some(_) => return Err(Failure::usage("--input and arguments cannot be given together")),
        None => abi::types(&args.init)
            .and_then(|types| abi::encode_args(&types, &args.args))
            .map_err(|error| Failure::usage(format!("init: {error}")))?,
    };
    let module = module::read(&args.file)?;
    let signer = args.signer.open()?;
    let session = Session::open(&args.remote)?;
    let body = |code_hash: &Hash| Body::deploy(0, code_hash, &init);
    session
        .check_money(body(&[0; 32]), &args.offer, &signer, |envelope_len| least_gas(envelope_len, &module))?;

    let options = UploadOptions { sha256: args.sha256, chunk_bytes: args.chunk, ..UploadOptions::default() };
    let upload = session.upload(&module, options, Duration::ZERO, &args.file, out)?;
    show_upload(out, &upload);

    let sent = session.call(body(&upload.code_hash), &args.offer, &signer)?;
    session.close();
    let record = &sent.record;
    receipt::show_sent(out, &sent);
    if record.receipt.status == Status::Success {
        out.line(format_args!("contract {}", styled(BOLD, record.receipt.created)));
    }
    Ok(Done::new(
        receipt::exit_of(&sent),
        json!({
            "code_hash": hex(&upload.code_hash),
            "upload": {
                "known": upload.known != 0,
                "bytes": upload.bytes,
                "work": upload.work.to_string(),
                "functions_total": upload.functions_total,
                "functions_valid_before_last_chunk": upload.functions_valid_before_last_chunk,
            },
            "duplicate": sent.duplicate,
            "receipt": receipt::to_json(record),
        }),
    ))
}

/// Gas that the deploy takes at least. What is wrong with a module is for the node to say: its rules count.
fn least_gas(envelope_len: usize, module: &[u8]) -> u64 {
    match ContractModule::new(&contract::engine(), module) {
        Ok(module) => exec::deploy::least_gas(envelope_len, &module),
        Err(_) => host_gas::intrinsic(envelope_len),
    }
}
