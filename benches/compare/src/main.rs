//! Compares ghost-wasm with other interpreters on the kernels of `kernels/`.
//!
//! One process, one core, engines in turn; see `README.md` for how to read the figures.

mod engine;
mod kernels;
mod measure;
mod report;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use engine::{ENGINES, Engine};
use kernels::KERNELS;
use report::{KernelRow, Report};

/// Times every engine on every kernel, interleaved, and compares every result.
#[derive(Debug, Parser)]
#[command(name = "bench-compare")]
struct Args {
    /// Kernels to run, by name; all when not given.
    #[arg(long, value_delimiter = ',')]
    kernels: Vec<String>,
    /// Engines to run, by name; all that are compiled in when not given.
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Timed calls of each engine on each kernel; the median counts.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u16).range(1..))]
    samples: u16,
    /// The core to stay on (Linux).
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// Writes everything measured to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exits with 1 when the first engine's geometric mean is above this.
    #[arg(long, value_name = "RATIO")]
    bar: Option<f64>,
    /// Lists kernels and engines, and runs nothing.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match compare(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the bar, if there is one, was met.
fn compare(args: &Args) -> Result<bool, Box<dyn Error>> {
    if args.list {
        for kernel in KERNELS {
            println!("kernel {:10} run({})", kernel.name, kernel.argument);
        }
        for engine in ENGINES {
            println!("engine {:10} {}", engine.name, engine.about);
        }
        return Ok(true);
    }
    let kernels = chosen(KERNELS, &args.kernels, |kernel| kernel.name)?;
    let engines: Vec<&Engine> = chosen(ENGINES, &args.engines, |engine| engine.name)?;
    let core = pin(args.core);
    if core.is_none() {
        eprintln!("warning: not pinned to core {}; figures will be noisier", args.core);
    }
    let mut rows = Vec::new();
    for kernel in kernels {
        eprintln!("{} …", kernel.name);
        let samples = measure::kernel(kernel, &engines, args.samples.into())?;
        rows.push(KernelRow::new(kernel.name, kernel.argument, &samples));
    }
    let names: Vec<_> = engines.iter().map(|engine| engine.name).collect();
    let report = Report::new(args.samples.into(), core, &names, rows);
    print!("{}", report.table());
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_string_pretty(&report)? + "\n")
            .map_err(|why| format!("{}: {why}", file.display()))?;
    }
    let Some(bar) = args.bar else { return Ok(true) };
    let reached = report.engines.first().and_then(|engine| engine.geomean);
    let met = reached.is_some_and(|geomean| geomean <= bar);
    eprintln!("bar: geomean ≤ {bar:.2}: {}", if met { "met" } else { "missed" });
    Ok(met)
}

/// The rows with the given names, in the table's order; all for no names.
fn chosen<'t, T>(
    table: &'t [T],
    names: &[String],
    name_of: impl Fn(&T) -> &'static str,
) -> Result<Vec<&'t T>, String> {
    if let Some(unknown) = names.iter().find(|name| !table.iter().any(|row| name_of(row) == **name)) {
        let known: Vec<_> = table.iter().map(name_of).collect();
        return Err(format!("no `{unknown}`; there are {}", known.join(", ")));
    }
    Ok(table.iter().filter(|row| names.is_empty() || names.iter().any(|name| name == name_of(row))).collect())
}

/// Keeps this thread on one core. What it stays on, if the system allows that.
#[cfg(target_os = "linux")]
fn pin(core: usize) -> Option<usize> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    if core >= CpuSet::MAX_CPU {
        return None;
    }
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).ok().map(|()| core)
}

#[cfg(not(target_os = "linux"))]
fn pin(_: usize) -> Option<usize> {
    None
}
