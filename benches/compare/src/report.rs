//! What one run measured: figures, ratios and geometric means, as tables for people and as JSON.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::engine::ENGINES;
use crate::measure::{Failed, Samples};
use crate::what::{Case, Group, Unit, What};

/// What the JSON file holds. `schema` grows when a field changes its meaning.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub schema: u32,
    /// UTC.
    pub date: String,
    pub cpu: String,
    pub rustc: String,
    pub commit: String,
    /// Which of several builds of the same source this is.
    pub build: String,
    /// The charges of ghost-wasm were compiled out.
    #[serde(default)]
    pub unmetered: bool,
    pub samples: usize,
    /// The core everything ran on, when it could be fixed.
    pub core: Option<usize>,
    pub engines: Vec<EngineRow>,
    pub groups: Vec<GroupRow>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EngineRow {
    pub name: String,
    /// Package, version and settings.
    pub about: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GroupRow {
    pub what: What,
    pub title: String,
    pub unit: String,
    pub more_is_better: bool,
    pub baselines: Vec<String>,
    pub cases: Vec<CaseRow>,
    pub means: Vec<Mean>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaseRow {
    pub name: String,
    pub about: String,
    pub cells: Vec<Cell>,
}

/// One engine on one case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cell {
    pub engine: String,
    /// The median, in the group's unit.
    pub value: Option<f64>,
    /// In the order they were taken.
    pub samples: Vec<f64>,
    /// The value by each baseline's, in the order of the group's baselines.
    pub ratios: Vec<Option<f64>>,
    pub gas_used: Option<u64>,
    /// Why there is no value.
    pub failure: Option<String>,
    /// Whether it came to something else than expected.
    pub wrong: bool,
}

/// Of one engine over the cases of a group, by each baseline.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mean {
    pub engine: String,
    pub geomeans: Vec<Option<f64>>,
    /// Cases that went into it.
    pub cases: usize,
}

impl Cell {
    pub fn timed(group: &Group, case: &Case, samples: &Samples) -> Cell {
        let figure = |seconds: f64| match group.unit {
            Unit::Milliseconds => seconds * 1e3,
            Unit::Microseconds => seconds * 1e6,
            Unit::MegabytesPerSecond => case.wasm.len() as f64 / 1e6 / seconds,
            Unit::Bytes => seconds,
        };
        let all = samples.times.iter().map(|time| figure(time.as_secs_f64())).collect();
        let median = samples.failure.is_none().then(|| figure(samples.median().as_secs_f64()));
        Cell::new(samples.engine, median, all, samples.failure.as_ref(), samples.gas_used)
    }

    pub fn counted(engine: &str, value: Result<f64, Failed>) -> Cell {
        let (value, failure) = match value {
            Ok(value) => (Some(value), None),
            Err(why) => (None, Some(why)),
        };
        Cell::new(engine, value, value.into_iter().collect(), failure.as_ref(), None)
    }

    fn new(
        engine: &str,
        value: Option<f64>,
        samples: Vec<f64>,
        failure: Option<&Failed>,
        gas_used: Option<u64>,
    ) -> Cell {
        let wrong = matches!(failure, Some(Failed::Wrong(_)));
        let failure = failure.map(|(Failed::Unable(why) | Failed::Wrong(why))| why.clone());
        Cell { engine: engine.to_string(), value, samples, ratios: Vec::new(), gas_used, failure, wrong }
    }
}

impl GroupRow {
    pub fn new(group: &Group, cases: Vec<CaseRow>) -> GroupRow {
        let baselines: Vec<_> = group.baselines.iter().map(|name| (*name).to_string()).collect();
        let mut row = GroupRow {
            what: group.what,
            title: group.title.to_string(),
            unit: group.unit.name().to_string(),
            more_is_better: group.unit.more_is_better(),
            baselines,
            cases,
            means: Vec::new(),
        };
        for case in &mut row.cases {
            let base = |name: &String| case.cells.iter().find(|cell| cell.engine == *name)?.value;
            let bases: Vec<_> = row.baselines.iter().map(base).collect();
            for cell in &mut case.cells {
                let value = cell.value;
                cell.ratios = bases.iter().map(|base| Some(value? / (*base)?)).collect();
            }
        }
        row.means = row.engines().iter().map(|engine| row.mean(engine)).collect();
        row
    }

    /// In the order of the columns.
    pub fn engines(&self) -> Vec<String> {
        let first = self.cases.first().map(|case| case.cells.as_slice()).unwrap_or_default();
        first.iter().map(|cell| cell.engine.clone()).collect()
    }

    pub fn cell<'r>(&self, case: &'r CaseRow, engine: &str) -> Option<&'r Cell> {
        case.cells.iter().find(|cell| cell.engine == engine)
    }

    fn mean(&self, engine: &str) -> Mean {
        let cells: Vec<_> = self.cases.iter().filter_map(|case| self.cell(case, engine)).collect();
        let by = |index: usize| {
            let ratios: Vec<f64> = cells.iter().filter_map(|cell| *cell.ratios.get(index)?).collect();
            geomean(&ratios)
        };
        Mean {
            engine: engine.to_string(),
            geomeans: (0..self.baselines.len()).map(by).collect(),
            cases: cells.iter().filter(|cell| cell.value.is_some()).count(),
        }
    }

    /// A Markdown table: figures, and beside each the ratio to the first baseline.
    pub fn table(&self) -> String {
        let mut out = format!("### {}\n\n| |", self.title);
        for mean in &self.means {
            let _ = write!(out, " {} {} | × |", mean.engine, self.unit);
        }
        out.push_str("\n|---|");
        out.push_str(&"---:|---:|".repeat(self.means.len()));
        for case in &self.cases {
            let _ = write!(out, "\n| {} |", case.name);
            for cell in &case.cells {
                let _ = write!(
                    out,
                    " {} | {} |",
                    figure(cell.value),
                    ratio(cell.ratios.first().copied().flatten())
                );
            }
        }
        for (index, baseline) in self.baselines.iter().enumerate() {
            let _ = write!(out, "\n| **geomean** by {baseline} |");
            for mean in &self.means {
                let note = if mean.cases < self.cases.len() {
                    format!("{} cases", mean.cases)
                } else {
                    String::new()
                };
                let _ = write!(out, " {note} | **{}** |", ratio(mean.geomeans.get(index).copied().flatten()));
            }
        }
        out.push('\n');
        for case in &self.cases {
            for cell in &case.cells {
                if let Some(why) = &cell.failure {
                    let kind = if cell.wrong { "WRONG" } else { "no figure" };
                    let _ = write!(out, "\n- {kind}: {} on {}: {why}", cell.engine, case.name);
                }
            }
        }
        out.push('\n');
        out
    }
}

impl Report {
    pub const SCHEMA: u32 = 2;

    /// About each engine that is in some group.
    pub fn name_engines(&mut self) {
        let named =
            |name: &str| self.groups.iter().any(|group| group.engines().iter().any(|other| other == name));
        let rows = ENGINES.iter().filter(|engine| named(engine.name));
        self.engines =
            rows.map(|engine| EngineRow { name: engine.name.into(), about: engine.about() }).collect();
    }

    /// The engines that were wrong, and ghost-wasm where it could not.
    pub fn faults(&self) -> Vec<String> {
        let cells = self.groups.iter().flat_map(|group| &group.cases).flat_map(|case| {
            let of = |cell: &Cell| (cell.wrong || cell.engine == "ghost") && cell.failure.is_some();
            case.cells.iter().filter(move |cell| of(cell)).map(move |cell| (case, cell))
        });
        let text = |(case, cell): (&CaseRow, &Cell)| {
            format!("{} on {}: {}", cell.engine, case.name, cell.failure.as_deref().unwrap_or_default())
        };
        cells.map(text).collect()
    }
}

/// Three digits that say something.
pub fn figure(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(value) if value.abs() < 1.0 => format!("{value:.3}"),
        Some(value) if value.abs() < 100.0 => format!("{value:.2}"),
        Some(value) => format!("{value:.0}"),
    }
}

pub fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.2}"))
}

/// None for no values.
pub fn geomean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let logs: f64 = values.iter().map(|value| value.ln()).sum();
    Some((logs / values.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_geometric_mean_of_a_ratio_and_its_inverse_is_one() {
        assert_eq!(geomean(&[]), None);
        let mean = geomean(&[0.25, 4.0]).unwrap_or_default();
        assert!((mean - 1.0).abs() < 1e-12);
    }

    fn case(values: &[(&str, Option<f64>)]) -> CaseRow {
        let cell = |&(engine, value): &(&str, Option<f64>)| {
            Cell::counted(engine, value.ok_or_else(|| Failed::Unable("too hot".into())))
        };
        CaseRow { name: "k".into(), about: String::new(), cells: values.iter().map(cell).collect() }
    }

    #[test]
    fn ratios_are_to_each_baseline_and_a_gap_shows() {
        let group = What::Kernels.group().expect("a group");
        let rows = vec![
            case(&[("ghost", Some(30.0)), ("silverfir", Some(60.0)), ("wasmi+fuel", Some(20.0))]),
            case(&[("ghost", Some(10.0)), ("silverfir", None), ("wasmi+fuel", Some(20.0))]),
        ];
        let group = GroupRow::new(group, rows);
        assert_eq!(group.cases[0].cells[0].ratios, [Some(1.5), Some(0.5)]);
        assert_eq!(group.cases[1].cells[0].ratios, [Some(0.5), None]);
        assert_eq!(group.means[1].cases, 1);
        assert_eq!(group.means[0].geomeans[1], Some(0.5));
        assert!(group.table().contains("no figure: silverfir on k: too hot"), "{}", group.table());
    }
}
