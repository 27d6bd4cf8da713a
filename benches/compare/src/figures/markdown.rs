//! The README's section and the page of docs/figures, from the merged reports.

use std::fmt::Write;

use super::cost::{Cost, percent};
use super::{Merged, MergedGroup, Spread};
use crate::engine::Failure;
use crate::report::{figure, ratio};
use crate::what::What;

const BEGIN: &str = "<!-- figures:begin";
const END: &str = "<!-- figures:end -->";

/// The text with what stands between the marks replaced.
pub fn with_section(text: &str, merged: &Merged, cost: Option<&Cost>) -> Result<String, Failure> {
    let (before, rest) = text.split_once(BEGIN).ok_or("the README has no mark `figures:begin`")?;
    let (mark, rest) = rest.split_once("-->\n").ok_or("the mark `figures:begin` is not closed")?;
    let (_, after) = rest.split_once(END).ok_or("the README has no mark `figures:end`")?;
    Ok(format!("{before}{BEGIN}{mark}-->\n{}{END}{after}", section(merged, cost)))
}

fn section(merged: &Merged, cost: Option<&Cost>) -> String {
    let mut out = String::from("| ghost-wasm, gas on | figure | least – most |\n|---|---:|---:|\n");
    let mut row = |text: String, spread: Option<Spread>, digits: fn(f64) -> String| {
        if let Some(Spread { median, least, most }) = spread {
            let range = format!("{} – {}", digits(least), digits(most));
            let _ = writeln!(out, "| {text} | **{}** | {range} |", digits(median));
        }
    };
    for group in &merged.groups {
        for (index, baseline) in group.baselines.iter().enumerate() {
            let by = about(merged, baseline);
            if let Some(mean) = group.means.iter().find(|mean| mean.engine == engine_of(group, baseline)) {
                let spread = mean.ratios.get(index).copied().flatten();
                row(claim(group, baseline, &by), spread, |value| ratio(Some(value)));
            }
        }
    }
    if let Some(cost) = cost {
        let count = cost.cases.len();
        let text = format!("what gas costs on {count} kernels: time on top of that without charges");
        row(text, Some(cost.geomean), percent);
    }
    if merged.groups.iter().any(|group| group.what == What::Kernels) {
        out.push_str("\n![Time on the kernels](docs/figures/kernels.svg)\n");
    }
    let _ = writeln!(
        out,
        "\n{}, {}, {}, one core, commit {}: medians of {} builds with different symbol order, each of {} interleaved \
         samples, every result compared. Rerun with `benches/compare/run`; every figure, plot and version is in \
         [docs/figures](docs/figures/README.md).",
        merged.date,
        merged.cpu,
        merged.rustc,
        merged.commit,
        merged.builds.len(),
        merged.samples,
    );
    if let Some(cost) = cost {
        let _ = writeln!(out, "\nWhat gas costs: {}. Rerun with `benches/compare/gas`.", cost.source());
    }
    out
}

/// Beside itself as a whole, ghost is the one that is fed in chunks; instances come from a pool.
fn engine_of(group: &MergedGroup, baseline: &str) -> &'static str {
    match group.what {
        What::Validate | What::Translate if baseline == "ghost" => "ghost-chunks",
        What::Instances | What::Memory => "ghost-pool",
        // As the peer does by default: functions are translated at their first call.
        What::Start => "ghost-lazy",
        _ => "ghost",
    }
}

fn claim(group: &MergedGroup, baseline: &str, by: &str) -> String {
    let count = group.cases.len();
    if baseline == "ghost" {
        return match group.what {
            What::Validate => "rate of validation in chunks of 1,200 bytes by that of the whole".into(),
            _ => "rate of validation and translation in chunks of 1,200 bytes by that of the whole".into(),
        };
    }
    match group.what {
        What::Kernels => format!("time on {count} kernels by that of {by}"),
        What::Start => format!("time from bytes to first return, {count} small modules, by that of {by}"),
        What::Instances => format!("time to instantiate, call and drop, with a pool, by that of {by}"),
        What::Memory => format!("resident memory of a small instance by that of {by}"),
        What::Validate => {
            format!("rate of validation of {count} real modules by that of {by} (more is better)")
        }
        What::Translate => {
            format!(
                "rate of validation and translation of {count} real modules by that of {by} (more is better)"
            )
        }
    }
}

fn about(merged: &Merged, engine: &str) -> String {
    let row = merged.engines.iter().find(|row| row.name == engine);
    row.map_or_else(|| engine.to_string(), |row| row.about.clone())
}

/// Every figure.
pub fn page(merged: &Merged, cost: Option<&Cost>) -> String {
    let mut out = String::from(
        "# Figures\n\nWritten by `benches/compare/run`; how it measures is told in `benches/compare/README.md`, \
         everything in numbers stands in `compare.json`. In each table: the median of the builds, and × its ratio \
         to the first baseline inside each build.\n\n",
    );
    let _ = writeln!(
        out,
        "{}, {}, {}, commit {}, builds {}, {} samples each.\n\n| engine | what it is |\n|---|---|",
        merged.date,
        merged.cpu,
        merged.rustc,
        merged.commit,
        merged.builds.join(", "),
        merged.samples
    );
    for engine in &merged.engines {
        let _ = writeln!(out, "| {} | {} |", engine.name, engine.about);
    }
    for group in &merged.groups {
        table(&mut out, group);
    }
    if let Some(cost) = cost {
        let _ = writeln!(
            out,
            "\n## What gas costs\nWritten by `benches/compare/gas`, in numbers in `gas.json`. {}.\n\n{}",
            cost.source(),
            cost.table()
        );
    }
    out
}

fn table(out: &mut String, group: &MergedGroup) {
    let name = format!("{:?}", group.what).to_lowercase();
    let better = if group.more_is_better { "more" } else { "less" };
    let _ = writeln!(out, "\n## {}\nIn {}; {better} is better.\n", group.title, group.unit);
    let _ = writeln!(out, "![{}]({name}.svg)\n", group.title);
    if group.what == What::Kernels {
        let _ = writeln!(out, "![Each kernel]({name}-each.svg)\n");
    }
    out.push_str("| |");
    for mean in &group.means {
        let _ = write!(out, " {} | × |", mean.engine);
    }
    out.push_str("\n|---|");
    out.push_str(&"---:|---:|".repeat(group.means.len()));
    for case in &group.cases {
        let _ = write!(out, "\n| {} |", case.name);
        for cell in &case.cells {
            let by = cell.ratios.first().copied().flatten();
            let _ =
                write!(out, " {} | {} |", figure(cell.value.map(|s| s.median)), ratio(by.map(|s| s.median)));
        }
    }
    for (index, baseline) in group.baselines.iter().enumerate() {
        let _ = write!(out, "\n| **geomean** by {baseline} |");
        for mean in &group.means {
            let note =
                if mean.cases < group.cases.len() { format!("{} cases", mean.cases) } else { String::new() };
            let spread = mean.ratios.get(index).copied().flatten();
            let _ = write!(out, " {note} | **{}** |", ratio(spread.map(|s| s.median)));
        }
    }
    out.push('\n');
    for case in &group.cases {
        for cell in &case.cells {
            if let Some(why) = &cell.failure {
                let _ = write!(out, "\n- no figure of {} on {}: {why}", cell.engine, case.name);
            }
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_changes() {
        let merged = Merged {
            schema: 2,
            date: "2026-01-02".into(),
            cpu: "a core".into(),
            rustc: "rustc 1".into(),
            commit: "abc".into(),
            builds: vec!["a".into()],
            samples: 9,
            engines: vec![],
            groups: vec![],
        };
        let text = "before\n<!-- figures:begin: by itself -->\nold\n<!-- figures:end -->\nafter\n";
        let new = with_section(text, &merged, None).expect("marks");
        assert!(new.starts_with("before\n<!-- figures:begin: by itself -->\n| ghost"), "{new}");
        assert!(new.ends_with("<!-- figures:end -->\nafter\n"), "{new}");
        assert!(!new.contains("old"));
        assert!(new.contains("2026-01-02, a core"));
        assert!(!new.contains("gas costs"), "{new}");
        assert!(with_section("no marks", &merged, None).is_err());
        let spread = Spread { median: 1.017, least: 0.995, most: 1.02 };
        let cost = Cost {
            schema: Cost::SCHEMA,
            date: "2026-01-03".into(),
            cpu: "a core".into(),
            rustc: "rustc 1".into(),
            commit: "abd".into(),
            builds: vec!["a".into(), "b".into(), "c".into()],
            rounds: 5,
            samples: 5,
            yardsticks: vec![],
            cases: vec![],
            geomean: spread,
            others: vec![],
        };
        let new = with_section(text, &merged, Some(&cost)).expect("marks");
        assert!(new.contains("without charges | **+1.7 %** | -0.5 % – +2.0 % |"), "{new}");
        assert!(new.contains("2026-01-03, a core, rustc 1, commit abd"), "{new}");
    }
}
