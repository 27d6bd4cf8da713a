//! Compares ghost-wasm with other engines: execution, start, instances, memory, validation, translation.
//!
//! One process, one core, engines in turn; see `README.md` for how to read the figures.

mod clock;
mod engine;
mod figures;
mod kernels;
mod lock;
mod measure;
mod probe;
mod report;
mod system;
mod what;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use engine::{ENGINES, Engine, Failure, METERED};
use measure::{Effort, Failed, Subject, interleave};
use report::{CaseRow, Cell, GroupRow, Report};
use what::{Case, Group, What};

/// Times every engine on every case, interleaved, and compares every result.
#[derive(Debug, Parser)]
#[command(name = "bench-compare", args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// What to measure; `all` for everything.
    #[arg(long, value_delimiter = ',', default_value = "kernels")]
    what: Vec<Asked>,
    /// Kernels or other cases to run, by name; all when not given.
    #[arg(long, alias = "kernels", value_delimiter = ',')]
    cases: Vec<String>,
    /// Engines to run, by name; all that are compiled in when not given.
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Timed samples of each engine on each case; the median counts.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u16).range(1..))]
    samples: u16,
    /// The core to stay on (Linux).
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// Where `modules/fetch` put the real modules.
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/modules"))]
    modules: PathBuf,
    /// Writes everything measured to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What the report calls this build.
    #[arg(long, default_value = "one")]
    build: String,
    /// Exits with 1 when ghost's geometric mean on the kernels, by the first baseline, is above this.
    #[arg(long, value_name = "RATIO")]
    bar: Option<f64>,
    /// Lists cases and engines, and runs nothing.
    #[arg(long)]
    list: bool,
    /// Answers one question for another process of this program.
    #[arg(long, hide = true)]
    probe: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Merges the reports of several builds into docs/figures and the README.
    Figures {
        /// Reports, one a build.
        #[arg(required = true)]
        reports: Vec<PathBuf>,
        /// The project's root.
        #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))]
        root: PathBuf,
    },
    /// Works out what gas costs, for docs/figures and the README, from reports of builds with and without
    /// charges.
    Gas {
        /// Reports of the kernels, as many with charges as without.
        #[arg(required = true)]
        reports: Vec<PathBuf>,
        /// The project's root.
        #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))]
        root: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Asked {
    Kernels,
    Start,
    Instances,
    Memory,
    Validate,
    Translate,
    All,
}

impl Asked {
    fn groups(self) -> &'static [What] {
        match self {
            Asked::Kernels => &[What::Kernels],
            Asked::Start => &[What::Start],
            Asked::Instances => &[What::Instances],
            Asked::Memory => &[What::Memory],
            Asked::Validate => &[What::Validate],
            Asked::Translate => &[What::Translate],
            Asked::All => What::value_variants(),
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.command {
        Some(Command::Figures { reports, root }) => figures::write(reports, root).map(|()| true),
        Some(Command::Gas { reports, root }) => figures::write_cost(reports, root).map(|()| true),
        None if args.list => list(&args).map(|()| true),
        None if args.probe => return probe(&args),
        None => compare(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn groups(args: &Args) -> Vec<&'static Group> {
    let mut asked: Vec<_> = args.what.iter().flat_map(|asked| asked.groups()).copied().collect();
    asked.sort_unstable();
    asked.dedup();
    asked.into_iter().filter_map(What::group).collect()
}

fn list(args: &Args) -> Result<(), Failure> {
    for group in groups(args) {
        println!("{:?}: {}, {}", group.what, group.title, group.unit.name());
        for case in group.what.cases(&args.modules)? {
            println!("  case {:16} {}", case.name, case.about);
        }
        for engine in ENGINES.iter().filter(|engine| engine.groups.contains(&group.what)) {
            println!("  engine {:14} {}", engine.name, engine.about());
        }
    }
    Ok(())
}

/// Whether no engine was wrong and the bar, if there is one, was met.
fn compare(args: &Args) -> Result<bool, Failure> {
    if let Some(unknown) =
        args.engines.iter().find(|name| !ENGINES.iter().any(|engine| engine.name == **name))
    {
        let known: Vec<_> = ENGINES.iter().map(|engine| engine.name).collect();
        return Err(format!("no engine `{unknown}`; there are {}", known.join(", ")).into());
    }
    let core = clock::pin(args.core);
    if core.is_none() {
        eprintln!("warning: not pinned to core {}; figures will be noisier", args.core);
    }
    if !METERED {
        eprintln!("warning: ghost's charges are compiled out; nothing is said of its gas");
    }
    let mut report = Report {
        schema: Report::SCHEMA,
        date: system::date(),
        cpu: system::cpu(),
        rustc: system::rustc(),
        commit: system::commit(),
        build: args.build.clone(),
        unmetered: !METERED,
        samples: args.samples.into(),
        core,
        engines: Vec::new(),
        groups: Vec::new(),
    };
    let mut known = Vec::new();
    for group in groups(args) {
        let cases = group.what.cases(&args.modules)?;
        known.extend(cases.iter().map(|case| case.name));
        let mut rows = Vec::new();
        for case in cases.iter().filter(|case| chosen(&args.cases, case.name)) {
            eprintln!("{:?} {} …", group.what, case.name);
            rows.push(CaseRow {
                name: case.name.into(),
                about: case.about.clone(),
                cells: cells(args, group, case),
            });
        }
        if rows.is_empty() {
            continue;
        }
        let row = GroupRow::new(group, rows);
        println!("{}", row.table());
        report.groups.push(row);
    }
    if let Some(unknown) = args.cases.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("no case `{unknown}`; there are {}", known.join(", ")).into());
    }
    report.name_engines();
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_string_pretty(&report)? + "\n")
            .map_err(|why| format!("{}: {why}", file.display()))?;
    }
    let faults = report.faults();
    faults.iter().for_each(|fault| eprintln!("WRONG: {fault}"));
    Ok(bar_met(args, &report) && faults.is_empty())
}

fn bar_met(args: &Args, report: &Report) -> bool {
    let Some(bar) = args.bar else { return true };
    let kernels = report.groups.iter().find(|group| group.what == What::Kernels);
    let mean = kernels.and_then(|group| group.means.iter().find(|mean| mean.engine == "ghost"));
    let reached = mean.and_then(|mean| mean.geomeans.first().copied().flatten());
    let met = reached.is_some_and(|reached| reached <= bar);
    eprintln!("bar: geomean ≤ {bar:.2}: {}", if met { "met" } else { "missed" });
    met
}

/// Whether a name is among those given, or none were given.
fn chosen(given: &[String], name: &str) -> bool {
    given.is_empty() || given.iter().any(|other| other == name)
}

fn cells(args: &Args, group: &'static Group, case: &Case) -> Vec<Cell> {
    let asked = ENGINES.iter().filter(|engine| engine.groups.contains(&group.what));
    let engines = asked.filter(|engine| chosen(&args.engines, engine.name));
    if group.what == What::Memory {
        let bytes = |engine: &'static Engine| {
            let said = probe::ask(engine, group, case)?;
            said.parse::<f64>().map_err(|why| Failed::Unable(format!("said `{said}`: {why}")))
        };
        return engines.map(|engine| Cell::counted(engine.name, bytes(engine))).collect();
    }
    let subject = |engine: &'static Engine| match engine.fragile.then(|| probe::ask(engine, group, case)) {
        Some(Err(why)) => Subject { engine: engine.name, work: Err(why) },
        _ => Subject::new(engine, group, case),
    };
    let effort = Effort { rounds: args.samples.into(), sample: Duration::from_millis(group.sample_ms) };
    let all = interleave(engines.map(subject).collect(), case.expected, effort);
    all.iter().map(|samples| Cell::timed(group, case, samples)).collect()
}

/// Answers another process of this program: one engine, one case.
fn probe(args: &Args) -> ExitCode {
    let group = groups(args).into_iter().next();
    let engine = ENGINES.iter().find(|engine| args.engines.first().is_some_and(|name| name == engine.name));
    let answer = group.zip(engine).ok_or_else(|| Failed::Unable("nothing was asked".into()));
    let answer = answer.and_then(|(group, engine)| {
        let cases = group.what.cases(&args.modules).map_err(|why| Failed::Unable(why.to_string()))?;
        let case = cases.iter().find(|case| args.cases.first().is_some_and(|name| name == case.name));
        probe::answer(engine, group, case.ok_or_else(|| Failed::Unable("no such case".into()))?)
    });
    match answer {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(Failed::Unable(why)) => {
            eprintln!("unable: {why}");
            ExitCode::FAILURE
        }
        Err(Failed::Wrong(why)) => {
            eprintln!("wrong: {why}");
            ExitCode::FAILURE
        }
    }
}
