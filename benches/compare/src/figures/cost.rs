//! What gas costs: builds with charges beside builds whose charges are compiled out (`--cfg ghost_unmetered`).
//!
//! Two builds are two processes, so each is timed beside the same peers: a ratio of ratios. Owns that
//! arithmetic and what `docs/figures/gas.json` holds. Knows nothing of where the reports came from.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::Spread;
use crate::engine::Failure;
use crate::report::{EngineRow, Report, geomean};
use crate::what::What;

/// The engine whose two builds are compared.
const OURS: &str = "ghost";

/// Costs are times with charges by times without.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cost {
    pub schema: u32,
    pub date: String,
    pub cpu: String,
    pub rustc: String,
    pub commit: String,
    /// Each was built with charges and without.
    pub builds: Vec<String>,
    /// How often each of these two was run, in turn with all others.
    pub rounds: usize,
    /// Samples of each engine on each kernel in each round.
    pub samples: usize,
    /// The peers beside which the time is taken: by the geometric mean of theirs.
    pub yardsticks: Vec<EngineRow>,
    pub cases: Vec<CostCase>,
    /// The geometric mean over the kernels, taken inside each build.
    pub geomean: Spread,
    /// The same by one peer alone, and by none, to show what the choice of yardstick does.
    pub others: Vec<CostBy>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct CostCase {
    pub name: String,
    pub cost: Spread,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct CostBy {
    /// `none`: times as they are.
    pub yardstick: String,
    pub geomean: Spread,
}

/// The runs of one build with or without charges.
type Side<'r> = Vec<&'r Report>;

impl Cost {
    pub const SCHEMA: u32 = 1;

    /// Of reports in any order; for each build as many with charges as without.
    pub fn of(reports: &[Report]) -> Result<Cost, Failure> {
        let first = reports.first().ok_or("no report")?;
        let names = names(first).ok_or("a report is not of kernels alone")?;
        for other in reports {
            let same = other.commit == first.commit && other.cpu == first.cpu && other.rustc == first.rustc;
            if !same || self::names(other).as_ref() != Some(&names) {
                return Err("the reports are not of one source, machine, compiler and question".into());
            }
        }
        let mut builds: Vec<&String> = reports.iter().map(|report| &report.build).collect();
        builds.sort_unstable();
        builds.dedup();
        let side = |build: &String, unmetered: bool| -> Side<'_> {
            let of = |report: &&Report| report.build == *build && report.unmetered == unmetered;
            reports.iter().filter(of).collect()
        };
        let pairs: Vec<_> = builds.iter().map(|build| (side(build, false), side(build, true))).collect();
        let rounds = pairs[0].0.len();
        if rounds == 0 || pairs.iter().any(|(with, without)| with.len() != rounds || without.len() != rounds)
        {
            return Err("not each build was run as often with charges as without".into());
        }
        let peers: Vec<_> = first.engines.iter().filter(|row| !row.name.starts_with(OURS)).cloned().collect();
        if peers.is_empty() {
            return Err("no peer stood beside".into());
        }
        let all: Vec<&str> = peers.iter().map(|row| row.name.as_str()).collect();
        let costs = costs(&pairs, names.len(), &all)?;
        let mut others = Vec::new();
        for peer in &all {
            let by = self::costs(&pairs, names.len(), &[peer])?;
            others.push(CostBy { yardstick: (*peer).to_string(), geomean: mean(&by)? });
        }
        let by = self::costs(&pairs, names.len(), &[])?;
        others.push(CostBy { yardstick: "none".into(), geomean: mean(&by)? });
        let case = |(index, name): (usize, &String)| {
            let cost = Spread::of(costs.iter().map(|build| build.get(index).copied()));
            Some(CostCase { name: name.clone(), cost: cost? })
        };
        Ok(Cost {
            schema: Cost::SCHEMA,
            date: first.date.clone(),
            cpu: first.cpu.clone(),
            rustc: first.rustc.clone(),
            commit: first.commit.clone(),
            builds: builds.into_iter().cloned().collect(),
            rounds,
            samples: first.samples,
            cases: names.iter().enumerate().filter_map(case).collect(),
            geomean: mean(&costs)?,
            yardsticks: peers,
            others,
        })
    }

    /// A Markdown table.
    pub fn table(&self) -> String {
        let mut out = String::from("| | cost of gas | least – most |\n|---|---:|---:|\n");
        let mut row = |name: &str, cost: Spread, mark: &str| {
            let (least, most) = (percent(cost.least), percent(cost.most));
            let _ = writeln!(out, "| {name} | {mark}{}{mark} | {least} – {most} |", percent(cost.median));
        };
        for case in &self.cases {
            row(&case.name, case.cost, "");
        }
        row("**geomean**", self.geomean, "**");
        for by in &self.others {
            let name = match by.yardstick.as_str() {
                "none" => "geomean of the times as they are".to_string(),
                peer => format!("geomean beside {peer} alone"),
            };
            row(&name, by.geomean, "");
        }
        out
    }

    /// Where the figures come from, as a sentence.
    pub fn source(&self) -> String {
        let peers: Vec<_> = self.yardsticks.iter().map(|row| row.about.as_str()).collect();
        format!(
            "{}, {}, {}, commit {}: time with charges by time with the charges compiled out, medians over {} pair(s) of \
             builds with different symbol order; each run {} times in turn, {} samples, beside {}",
            self.date,
            self.cpu,
            self.rustc,
            self.commit,
            self.builds.len(),
            self.rounds,
            self.samples,
            peers.join(" and "),
        )
    }
}

/// What is paid on top.
pub fn percent(cost: f64) -> String {
    format!("{:+.1} %", (cost - 1.0) * 100.0)
}

/// The kernels, if nothing else was asked.
fn names(report: &Report) -> Option<Vec<String>> {
    match report.groups.as_slice() {
        [group] if group.what == What::Kernels => {
            Some(group.cases.iter().map(|case| case.name.clone()).collect())
        }
        _ => None,
    }
}

/// For each build the cost on each kernel, beside these peers.
fn costs(pairs: &[(Side, Side)], cases: usize, peers: &[&str]) -> Result<Vec<Vec<f64>>, Failure> {
    let cost = |(with, without): &(Side, Side), case: usize| -> Result<f64, Failure> {
        Ok(median(with, case, peers)? / median(without, case, peers)?)
    };
    pairs.iter().map(|pair| (0..cases).map(|case| cost(pair, case)).collect()).collect()
}

fn mean(costs: &[Vec<f64>]) -> Result<Spread, Failure> {
    Spread::of(costs.iter().map(|build| geomean(build))).ok_or_else(|| "no kernel".into())
}

/// Of the rounds of one side: our time on a case by that of the peers.
fn median(side: &Side, case: usize, peers: &[&str]) -> Result<f64, Failure> {
    let times = side.iter().map(|report| relative(report, case, peers));
    Spread::of(times).map(|times| times.median).ok_or_else(|| {
        let name = side.first().and_then(|report| Some(&report.groups.first()?.cases.get(case)?.name));
        format!("no figure of {OURS} or a peer on {}", name.map_or("a case", String::as_str)).into()
    })
}

fn relative(report: &Report, case: usize, peers: &[&str]) -> Option<f64> {
    let group = report.groups.first()?;
    let case = group.cases.get(case)?;
    let value = |engine: &str| group.cell(case, engine)?.value;
    let times = peers.iter().map(|peer| value(peer)).collect::<Option<Vec<_>>>()?;
    Some(value(OURS)? / geomean(&times).unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{CaseRow, Cell, GroupRow};

    /// One kernel and its times: ours, and those of two peers.
    fn report(build: &str, unmetered: bool, ours: f64, peers: [f64; 2]) -> Report {
        let cells = [("ghost", ours), ("silverfir", peers[0]), ("wasmi+fuel", peers[1])];
        let row = CaseRow {
            name: "k".into(),
            about: String::new(),
            cells: cells.map(|(engine, time)| Cell::counted(engine, Ok(time))).to_vec(),
        };
        let engine = |name: &str| EngineRow { name: name.into(), about: name.into() };
        Report {
            schema: Report::SCHEMA,
            date: String::new(),
            cpu: String::new(),
            rustc: String::new(),
            commit: String::new(),
            build: build.into(),
            unmetered,
            samples: 1,
            core: None,
            engines: ["ghost", "silverfir", "wasmi+fuel"].map(engine).to_vec(),
            groups: vec![GroupRow::new(What::Kernels.group().expect("a group"), vec![row])],
        }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn a_machine_that_slows_down_between_two_builds_costs_nothing() {
        // The second process is twice as slow as a whole; beside its peers the engine is as fast.
        let reports = [report("a", false, 10.0, [20.0, 5.0]), report("a", true, 20.0, [40.0, 10.0])];
        let cost = Cost::of(&reports).expect("a cost");
        assert!(close(cost.geomean.median, 1.0), "{cost:?}");
        let none = cost.others.iter().find(|by| by.yardstick == "none").expect("times as they are");
        assert!(close(none.geomean.median, 0.5), "{cost:?}");
    }

    #[test]
    fn rounds_and_builds_give_medians() {
        let peers = [10.0, 10.0];
        let mut reports = Vec::new();
        for (build, cost) in [("a", 1.1), ("b", 1.02), ("c", 0.9)] {
            for noise in [1.0, 1.0, 9.0] {
                reports.push(report(build, false, 10.0 * cost * noise, peers));
                reports.push(report(build, true, 10.0, peers));
            }
        }
        let cost = Cost::of(&reports).expect("a cost");
        assert_eq!((cost.rounds, cost.builds.len()), (3, 3));
        assert!(close(cost.geomean.median, 1.02) && close(cost.geomean.least, 0.9), "{cost:?}");
        assert!(close(cost.cases[0].cost.most, 1.1), "{cost:?}");
        assert!(
            cost.table().contains("| **geomean** | **+2.0 %** | -10.0 % – +10.0 % |"),
            "{}",
            cost.table()
        );
    }

    #[test]
    fn half_a_pair_is_refused() {
        let peers = [10.0, 10.0];
        assert!(Cost::of(&[report("a", false, 1.0, peers)]).is_err());
        let uneven =
            [report("a", false, 1.0, peers), report("a", true, 1.0, peers), report("b", false, 1.0, peers)];
        assert!(Cost::of(&uneven).is_err());
    }
}
