//! `zvm validate`: feeds modules to the decoder, in chunks if asked to, and shows the first error of each.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use ghost_wasm::table::features::Feature;
use ghost_wasm::{Config, Engine, ErrorCode, Module, ModuleStream, Profile};
use serde_json::{Value, json};

use crate::disasm::Excerpt;
use crate::failure::{Exit, Failure};
use crate::foreign::foreign;
use crate::module;
use crate::output::{DIM, Done, GOOD, Output, styled};

/// Decode and validate modules
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Modules: .wasm or .wat; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Feed the decoder this many bytes at a time
    #[arg(long, value_name = "BYTES")]
    chunk: Option<NonZeroUsize>,

    /// Features, limits and gas schedule
    #[arg(long, default_value = Profile::WASM_2_EXT.name(), value_parser = module::profiles())]
    profile: Profile,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let engine = Engine::new(&Config::new(args.profile));
    let mut exit = Exit::Ok;
    let mut files = Vec::new();
    for path in &args.files {
        match validate(&engine, path, args.chunk) {
            Ok((module, bytes)) => {
                out.line(format_args!(
                    "{}: {}{}",
                    foreign(&path.display().to_string()),
                    styled(GOOD, "valid"),
                    styled(DIM, format_args!("  {bytes} bytes, work {}", module.work()))
                ));
                files.push(valid_json(path, &module, bytes));
            }
            Err(failure) => {
                // A file that cannot be read outweighs one that is invalid.
                exit = if exit == Exit::Usage { exit } else { failure.exit };
                out.failure(&failure);
                files.push(json!({
                    "file": path.display().to_string(), "valid": false, "error": failure.json()
                }));
            }
        }
    }
    Ok(Done::new(exit, json!({ "profile": engine.profile().name(), "files": files })))
}

fn validate(engine: &Engine, path: &Path, chunk: Option<NonZeroUsize>) -> Result<(Module, usize), Failure> {
    let bytes = module::read(path)?;
    let module = feed(engine, &bytes, chunk).map_err(|error| invalid(&error, path, &bytes))?;
    Ok((module, bytes.len()))
}

/// Decodes and validates `bytes` in chunks.
fn feed(engine: &Engine, bytes: &[u8], chunk: Option<NonZeroUsize>) -> Result<Module, ghost_wasm::Error> {
    let mut stream = ModuleStream::new(engine);
    for piece in bytes.chunks(chunk.map_or(bytes.len().max(1), NonZeroUsize::get)) {
        stream.feed(piece)?;
    }
    stream.finish()
}

/// An engine's error about a module, with the operators around the place.
pub fn invalid(error: &ghost_wasm::Error, path: &Path, bytes: &[u8]) -> Failure {
    let mut failure = Failure::engine(error).in_file(path);
    failure.excerpt = error.offset().and_then(|offset| Excerpt::at(bytes, offset));
    if let Some(proposal) = error.proposal() {
        failure.help = Some(proposal_help(proposal));
    }
    if error.code() == ErrorCode::MagicMissing && module::looks_like_text(bytes) {
        failure.help = Some("this looks like the text format: the file's name must end in .wat".into());
    }
    failure
}

/// What to do about a proposal that is off.
fn proposal_help(proposal: Feature) -> String {
    let link = proposal.link().trim_matches(['<', '>']);
    match proposal.profiles().next() {
        Some(profile) => format!("`--profile {profile}` has it: {link}"),
        None => format!("compile the module without it: {link}"),
    }
}

fn valid_json(path: &Path, module: &Module, bytes: usize) -> Value {
    json!({
        "file": path.display().to_string(),
        "valid": true,
        "bytes": bytes,
        "work": module.work(),
    })
}
