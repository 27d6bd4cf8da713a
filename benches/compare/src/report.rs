//! Medians, ratios and geometric means, as a table for people and as JSON.

use std::fmt::Write;

use serde::Serialize;

use crate::engine::{BASELINE, ENGINES};
use crate::measure::Samples;

/// What the JSON file holds. `schema` grows when a field changes its meaning.
#[derive(Debug, Serialize)]
pub struct Report {
    pub schema: u32,
    pub baseline: &'static str,
    pub samples: usize,
    /// The core everything ran on, when it could be fixed.
    pub core: Option<usize>,
    pub engines: Vec<EngineRow>,
    pub kernels: Vec<KernelRow>,
}

#[derive(Debug, Serialize)]
pub struct EngineRow {
    pub name: &'static str,
    pub about: &'static str,
    /// Geometric mean over the kernels of this engine's time by the baseline's.
    pub geomean: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct KernelRow {
    pub name: &'static str,
    pub argument: i32,
    pub engines: Vec<Cell>,
}

#[derive(Debug, Serialize)]
pub struct Cell {
    pub engine: &'static str,
    pub median_ms: f64,
    pub fastest_ms: f64,
    pub samples_ms: Vec<f64>,
    /// This engine's median by the baseline's.
    pub ratio: Option<f64>,
    pub gas_used: Option<u64>,
}

impl KernelRow {
    pub fn new(name: &'static str, argument: i32, samples: &[Samples]) -> Self {
        let base = samples.iter().find(|s| s.engine == BASELINE).map(|s| s.median().as_secs_f64());
        let cell = |s: &Samples| {
            let median = s.median().as_secs_f64();
            Cell {
                engine: s.engine,
                median_ms: median * 1e3,
                fastest_ms: s.fastest().as_secs_f64() * 1e3,
                samples_ms: s.times.iter().map(|t| t.as_secs_f64() * 1e3).collect(),
                ratio: base.map(|base| median / base),
                gas_used: s.gas_used,
            }
        };
        KernelRow { name, argument, engines: samples.iter().map(cell).collect() }
    }
}

impl Report {
    pub fn new(samples: usize, core: Option<usize>, names: &[&'static str], kernels: Vec<KernelRow>) -> Self {
        let engines = ENGINES
            .iter()
            .filter(|engine| names.contains(&engine.name))
            .map(|engine| {
                let cells = kernels.iter().flat_map(|row| &row.engines).filter(|c| c.engine == engine.name);
                let ratios: Option<Vec<f64>> = cells.map(|cell| cell.ratio).collect();
                EngineRow {
                    name: engine.name,
                    about: engine.about,
                    geomean: ratios.and_then(|all| geomean(&all)),
                }
            })
            .collect();
        Report { schema: 1, baseline: BASELINE, samples, core, engines, kernels }
    }

    /// A Markdown table: medians in ms, and beside each the ratio to the baseline.
    pub fn table(&self) -> String {
        let mut out = String::from("| kernel |");
        for engine in &self.engines {
            let _ = write!(out, " {} ms | × |", engine.name);
        }
        out.push_str("\n|---|");
        out.push_str(&"---:|---:|".repeat(self.engines.len()));
        for row in &self.kernels {
            let _ = write!(out, "\n| {} |", row.name);
            for cell in &row.engines {
                let _ = write!(out, " {:.2} | {} |", cell.median_ms, ratio(cell.ratio));
            }
        }
        out.push_str("\n| **geomean** |");
        for engine in &self.engines {
            let _ = write!(out, " | **{}** |", ratio(engine.geomean));
        }
        out.push('\n');
        out
    }
}

fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.2}"))
}

/// None for no values.
fn geomean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let logs: f64 = values.iter().map(|value| value.ln()).sum();
    Some((logs / values.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_geometric_mean_of_a_ratio_and_its_inverse_is_one() {
        assert_eq!(geomean(&[]), None);
        let mean = geomean(&[0.25, 4.0]).unwrap_or_default();
        assert!((mean - 1.0).abs() < 1e-12);
    }

    #[test]
    fn ratios_are_to_the_baseline() {
        let of = |engine, ms| Samples { engine, times: vec![Duration::from_millis(ms)], gas_used: None };
        let row = KernelRow::new("k", 1, &[of("other", 30), of(BASELINE, 20)]);
        let ratios: Vec<_> = row.engines.iter().map(|cell| cell.ratio).collect();
        assert_eq!(ratios, [Some(1.5), Some(1.0)]);
        let alone = KernelRow::new("k", 1, &[of("other", 30)]);
        assert_eq!(alone.engines.first().and_then(|cell| cell.ratio), None);
    }
}
