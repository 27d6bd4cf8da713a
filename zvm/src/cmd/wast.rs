//! `zvm wast`: runs official script files (`.wast`) on the engine and counts every directive.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use ghost_wasm::Profile;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use wast_runner::{Chunking, Count, Finding, GhostBackend, Kind, Options, Outcome, Report, run_paths};

use crate::failure::{Exit, Failure};
use crate::foreign::foreign;
use crate::module;
use crate::output::{BAD, BOLD, DIM, Done, Each, GOOD, Output, styled};

/// Run official scripts
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scripts, and folders that are searched for them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Feed the decoder this many bytes at a time
    #[arg(long, value_name = "BYTES")]
    chunk: Option<NonZeroUsize>,

    /// Features, limits and gas schedule
    #[arg(long, default_value = Profile::WASM_2_EXT.name(), value_parser = module::profiles())]
    profile: Profile,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let options = Options {
        chunking: args.chunk.map_or(Chunking::Whole, |bytes| Chunking::Bytes(bytes.get())),
        ..Options::default()
    };
    let mut backend = GhostBackend::new(args.profile.clone());
    let report = run_paths(&args.paths, &mut backend, &options)
        .map_err(|error| Failure::io(&error.path, &error.source))?;
    if report.files == 0 {
        return Err(Failure::usage("no .wast file is there"));
    }
    show(out, &report);
    // What is not supported is listed and counted, but it is no failure of the engine; that nothing at all
    // could be run is one of the scripts. A script that does not parse has failed.
    let all = report.directives();
    let good = all.failed == 0 && all.passed > 0 && report.count(Kind::File).failed == 0;
    let exit = if good { Exit::Ok } else { Exit::Failed };
    Ok(Done::new(exit, Ran { profile: args.profile, report }))
}

/// Scripts that were run.
#[derive(Debug)]
struct Ran {
    profile: Profile,
    report: Report,
}

/// The shape in `docs/cli.md`.
impl Serialize for Ran {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = &self.report;
        let kind_json = |(kind, count): (&Kind, &Count)| {
            let mut row = count_json(count);
            row["kind"] = json!(kind.name());
            row
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("profile", self.profile.name())?;
        map.serialize_entry("files", &report.files)?;
        map.serialize_entry("kinds", &Each(|| report.counts.iter().map(kind_json)))?;
        map.serialize_entry("engine_assertions", &count_json(&report.engine_assertions()))?;
        map.serialize_entry("findings", &Each(|| report.findings.iter().map(finding_json)))?;
        map.end()
    }
}

fn finding_json(finding: &Finding) -> Value {
    let (outcome, text) = match &finding.outcome {
        Outcome::Failed(text) => ("failed", &**text),
        Outcome::Unsupported(text) => ("unsupported", &**text),
        Outcome::Passed => ("passed", ""),
        Outcome::TextOnly => ("text only", ""),
    };
    json!({
        "file": finding.file,
        "line": finding.line,
        "kind": finding.kind.name(),
        "outcome": outcome,
        "text": text,
    })
}

fn show(out: &Output, report: &Report) {
    for finding in &report.findings {
        let style = if matches!(finding.outcome, Outcome::Failed(_)) { BAD } else { DIM };
        out.line(styled(style, foreign(&finding.to_string())));
    }
    for (kind, count) in &report.counts {
        if *kind == Kind::AssertMalformedQuote {
            out.line(styled(DIM, format_args!("{:36} {:>7} counted apart", kind.name(), count.total)));
        } else {
            out.line(format_args!("{:36} {:>7} {}", kind.name(), count.total, words(count)));
        }
    }
    let all = report.engine_assertions();
    let name = format!("engine assertions in {} files", report.files);
    out.line(format_args!("{} {:>7} {}", styled(BOLD, format_args!("{name:36}")), all.total, words(&all)));
}

fn words(count: &Count) -> String {
    let mut text = format!("{} passed", styled(GOOD, count.passed));
    if count.failed > 0 {
        text += &format!(", {}", styled(BAD, format_args!("{} failed", count.failed)));
    }
    if count.unsupported > 0 {
        text += &format!(", {} unsupported", count.unsupported);
    }
    text
}

fn count_json(count: &Count) -> Value {
    json!({
        "total": count.total,
        "passed": count.passed,
        "failed": count.failed,
        "unsupported": count.unsupported,
    })
}
