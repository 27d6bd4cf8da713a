//! What the README and docs/figures show: the reports of several builds, merged, as JSON, SVG and Markdown.
//!
//! Owns the merging; `svg` draws, `markdown` writes, `cost` works out what gas costs. Measures nothing.

mod cost;
mod markdown;
mod svg;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::cost::Cost;
use crate::engine::Failure;
use crate::report::{EngineRow, Report};
use crate::what::What;

/// The reports of several builds as one: what `docs/figures/compare.json` holds.
#[derive(Debug, Serialize, Deserialize)]
struct Merged {
    schema: u32,
    date: String,
    cpu: String,
    rustc: String,
    commit: String,
    builds: Vec<String>,
    /// Samples of each engine on each case in each build.
    samples: usize,
    engines: Vec<EngineRow>,
    groups: Vec<MergedGroup>,
}

#[derive(Debug, Serialize, Deserialize)]
struct MergedGroup {
    what: What,
    title: String,
    unit: String,
    more_is_better: bool,
    baselines: Vec<String>,
    cases: Vec<MergedCase>,
    /// The geometric means of the ratios, taken inside each build.
    means: Vec<MergedCell>,
}

#[derive(Debug, Serialize, Deserialize)]
struct MergedCase {
    name: String,
    about: String,
    cells: Vec<MergedCell>,
}

#[derive(Debug, Serialize, Deserialize)]
struct MergedCell {
    engine: String,
    value: Option<Spread>,
    /// By each baseline, inside each build.
    ratios: Vec<Option<Spread>>,
    /// In how many cases there is a figure.
    cases: usize,
    failure: Option<String>,
}

/// One figure of several builds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// None when a build has no figure: the rest would be another figure.
    fn of(values: impl Iterator<Item = Option<f64>>) -> Option<Spread> {
        let mut values = values.collect::<Option<Vec<f64>>>()?;
        values.sort_unstable_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        Some(Spread { median: *values.get(values.len() / 2)?, least, most })
    }
}

/// Reads the reports, writes `docs/figures/` and the section of the README between its marks.
pub fn write(files: &[PathBuf], root: &Path) -> Result<(), Failure> {
    let reports = reports(files)?;
    if reports.iter().any(|report| report.unmetered) {
        return Err("a report is of a build without charges; `gas` reads those".into());
    }
    let merged = merge(&reports)?;
    let folder = folder(root)?;
    std::fs::write(folder.join("compare.json"), serde_json::to_string_pretty(&merged)? + "\n")?;
    for (name, drawing) in svg::drawings(&merged) {
        std::fs::write(folder.join(name).with_extension("svg"), drawing)?;
    }
    tell(root, &merged, stored(&folder.join("gas.json"))?.as_ref())
}

/// Reads reports of builds with and without charges, writes `docs/figures/gas.json`, and tells what gas costs
/// beside the figures there are.
pub fn write_cost(files: &[PathBuf], root: &Path) -> Result<(), Failure> {
    let cost = Cost::of(&reports(files)?)?;
    println!("### What gas costs\n\n{}\n{}.", cost.table(), cost.source());
    let folder = folder(root)?;
    std::fs::write(folder.join("gas.json"), serde_json::to_string_pretty(&cost)? + "\n")?;
    match stored(&folder.join("compare.json"))? {
        Some(merged) => tell(root, &merged, Some(&cost)),
        None => {
            eprintln!("the README will tell it with the other figures, which benches/compare/run writes");
            Ok(())
        }
    }
}

fn folder(root: &Path) -> Result<PathBuf, Failure> {
    let folder = root.join("docs/figures");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn reports(files: &[PathBuf]) -> Result<Vec<Report>, Failure> {
    let mut reports = Vec::new();
    for file in files {
        let report: Report = stored(file)?.ok_or_else(|| format!("{}: no such file", file.display()))?;
        if report.schema != Report::SCHEMA {
            return Err(format!("{}: another schema", file.display()).into());
        }
        reports.push(report);
    }
    if let Some(fault) = reports.iter().flat_map(Report::faults).next() {
        return Err(format!("a report has a wrong result: {fault}").into());
    }
    Ok(reports)
}

/// What an earlier run has left in a file; none if there is no file.
fn stored<T: DeserializeOwned>(file: &Path) -> Result<Option<T>, Failure> {
    let at = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(serde_json::from_str(&text).map_err(|why| at(&why))?)),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(at(&why).into()),
    }
}

fn tell(root: &Path, merged: &Merged, cost: Option<&Cost>) -> Result<(), Failure> {
    std::fs::write(root.join("docs/figures/README.md"), markdown::page(merged, cost))?;
    let readme = root.join("README.md");
    let text = std::fs::read_to_string(&readme)?;
    std::fs::write(&readme, markdown::with_section(&text, merged, cost)?)?;
    Ok(())
}

fn merge(reports: &[Report]) -> Result<Merged, Failure> {
    let first = reports.first().ok_or("no report")?;
    for other in reports {
        let same = other.commit == first.commit && other.cpu == first.cpu && other.rustc == first.rustc;
        if !same || other.groups.len() != first.groups.len() {
            return Err("the reports are not of one source, machine, compiler and question".into());
        }
    }
    let group = |index: usize| {
        let groups: Vec<_> = reports.iter().filter_map(|report| report.groups.get(index)).collect();
        let row = groups[0];
        let cell = |engine: &str, case: usize| {
            let cells = || groups.iter().map(move |group| group.cell(group.cases.get(case)?, engine));
            MergedCell {
                engine: engine.to_string(),
                value: Spread::of(cells().map(|cell| cell?.value)),
                ratios: (0..row.baselines.len())
                    .map(|by| Spread::of(cells().map(|cell| cell?.ratios.get(by).copied().flatten())))
                    .collect(),
                cases: 1,
                failure: cells().find_map(|cell| cell?.failure.clone()),
            }
        };
        let mean = |engine: &String| {
            let means = || groups.iter().map(|group| group.means.iter().find(|mean| mean.engine == *engine));
            MergedCell {
                engine: engine.clone(),
                value: None,
                ratios: (0..row.baselines.len())
                    .map(|by| Spread::of(means().map(|mean| mean?.geomeans.get(by).copied().flatten())))
                    .collect(),
                cases: means().filter_map(|mean| Some(mean?.cases)).min().unwrap_or(0),
                failure: None,
            }
        };
        let engines = row.engines();
        MergedGroup {
            what: row.what,
            title: row.title.clone(),
            unit: row.unit.clone(),
            more_is_better: row.more_is_better,
            baselines: row.baselines.clone(),
            cases: (0..row.cases.len())
                .map(|case| MergedCase {
                    name: row.cases[case].name.clone(),
                    about: row.cases[case].about.clone(),
                    cells: engines.iter().map(|engine| cell(engine, case)).collect(),
                })
                .collect(),
            means: engines.iter().map(mean).collect(),
        }
    };
    Ok(Merged {
        schema: Report::SCHEMA,
        date: first.date.clone(),
        cpu: first.cpu.clone(),
        rustc: first.rustc.clone(),
        commit: first.commit.clone(),
        builds: reports.iter().map(|report| report.build.clone()).collect(),
        samples: first.samples,
        engines: first.engines.clone(),
        groups: (0..first.groups.len()).map(group).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_needs_every_build() {
        let of = |values: &[Option<f64>]| Spread::of(values.iter().copied());
        assert_eq!(
            of(&[Some(3.0), Some(1.0), Some(2.0)]),
            Some(Spread { median: 2.0, least: 1.0, most: 3.0 })
        );
        assert_eq!(of(&[Some(3.0), None]), None);
        assert_eq!(of(&[]), None);
    }
}
