//! Bar charts, written by hand: one bar an engine or a case, its figure beside it, a line from the least to the
//! most of the builds.

use std::fmt::Write;

use super::{Merged, MergedCell, MergedGroup, Spread};
use crate::report::{figure, ratio};
use crate::what::What;

const WIDTH: f64 = 860.0;
/// Where the bars begin, and how long the longest is.
const LEFT: f64 = 210.0;
const LONGEST: f64 = 520.0;
const ROW: f64 = 20.0;

/// Legible on white and on black.
const OURS: &str = "#2f81f7";
const OTHERS: &str = "#8b949e";
const TEXT: &str = "#7d8590";

struct Bar {
    label: String,
    spread: Spread,
    text: String,
    ours: bool,
}

/// Name and drawing of each figure.
pub fn drawings(merged: &Merged) -> Vec<(String, String)> {
    let mut drawings = Vec::new();
    for group in &merged.groups {
        let name = format!("{:?}", group.what).to_lowercase();
        if group.what == What::Kernels {
            drawings.push((name.clone(), means(merged, group)));
            drawings.push((format!("{name}-each"), each_ratio(merged, group)));
        } else {
            drawings.push((name, each_value(merged, group)));
        }
    }
    drawings
}

fn ours(engine: &str) -> bool {
    engine.starts_with("ghost")
}

/// One bar an engine: the mean by the first baseline.
fn means(merged: &Merged, group: &MergedGroup) -> String {
    let mut bars: Vec<_> = group
        .means
        .iter()
        .filter_map(|mean| {
            let spread = mean.ratios.first().copied().flatten()?;
            let all = mean.cases == group.cases.len();
            let note =
                if all { String::new() } else { format!(" ({} of {})", mean.cases, group.cases.len()) };
            let text = ratio(Some(spread.median)) + &note;
            Some(Bar { label: mean.engine.clone(), spread, text, ours: ours(&mean.engine) })
        })
        .collect();
    bars.sort_by(|a, b| a.spread.median.total_cmp(&b.spread.median));
    let baseline = group.baselines.first().map_or("", String::as_str);
    let title =
        format!("Time on {} kernels by {baseline}'s, geometric mean; less is better", group.cases.len());
    draw(merged, &title, &[(String::new(), bars)])
}

/// One bar a kernel and baseline: ghost's time by the baseline's.
fn each_ratio(merged: &Merged, group: &MergedGroup) -> String {
    let sections = group.baselines.iter().enumerate().map(|(index, baseline)| {
        let bars = group.cases.iter().filter_map(|case| {
            let cell = case.cells.iter().find(|cell| cell.engine == "ghost")?;
            let spread = cell.ratios.get(index).copied().flatten()?;
            Some(Bar { label: case.name.clone(), spread, text: ratio(Some(spread.median)), ours: true })
        });
        (format!("by {baseline}'s"), bars.collect())
    });
    draw(merged, "Time of ghost on each kernel; less is better", &sections.collect::<Vec<_>>())
}

/// One bar a case and engine, in the group's unit.
fn each_value(merged: &Merged, group: &MergedGroup) -> String {
    let bar = |cell: &MergedCell| {
        let spread = cell.value?;
        let text = figure(Some(spread.median));
        Some(Bar { label: cell.engine.clone(), spread, text, ours: ours(&cell.engine) })
    };
    let sections = group
        .cases
        .iter()
        .map(|case| (format!("{} ({})", case.name, case.about), case.cells.iter().filter_map(bar).collect()));
    let better = if group.more_is_better { "more" } else { "less" };
    let title = format!("{}, {}; {better} is better", group.title, group.unit);
    draw(merged, &title, &sections.collect::<Vec<_>>())
}

/// Each section has its own scale: its longest bar is the longest there is.
fn draw(merged: &Merged, title: &str, sections: &[(String, Vec<Bar>)]) -> String {
    let rows: usize = sections.iter().map(|(name, bars)| bars.len() + usize::from(!name.is_empty())).sum();
    let height = ROW * (rows as f64 + 3.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"{TEXT}\">\n"
    );
    let mut y = ROW;
    let _ = writeln!(
        out,
        "<text x=\"8\" y=\"{y}\" font-size=\"14\" font-weight=\"bold\">{}</text>",
        escaped(title)
    );
    y += ROW * 0.5;
    for (name, bars) in sections {
        if !name.is_empty() {
            y += ROW;
            let _ = writeln!(
                out,
                "<text x=\"8\" y=\"{}\" font-weight=\"bold\">{}</text>",
                y - 6.0,
                escaped(name)
            );
        }
        let most = bars.iter().map(|bar| bar.spread.most).fold(f64::MIN_POSITIVE, f64::max);
        for bar in bars {
            bar_at(&mut out, bar, y, LONGEST / most);
            y += ROW;
        }
    }
    let builds = merged.builds.len();
    let foot = format!(
        "{}, {}, {}; median of {builds} builds, the line from the least to the most; commit {}",
        merged.date, merged.cpu, merged.rustc, merged.commit
    );
    let _ = writeln!(
        out,
        "<text x=\"8\" y=\"{}\" font-size=\"10\">{}</text>\n</svg>",
        y + ROW * 0.8,
        escaped(&foot)
    );
    out
}

fn bar_at(out: &mut String, bar: &Bar, y: f64, scale: f64) {
    let colour = if bar.ours { OURS } else { OTHERS };
    let (length, middle) = (bar.spread.median * scale, y + 7.0);
    let (from, to) = (LEFT + bar.spread.least * scale, LEFT + bar.spread.most * scale);
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
         <rect x=\"{LEFT}\" y=\"{y:.0}\" width=\"{length:.1}\" height=\"14\" fill=\"{colour}\"/>\
         <path d=\"M{from:.1} {middle:.0}H{to:.1}\" stroke=\"#f0883e\" stroke-width=\"2\"/>\
         <text x=\"{:.1}\" y=\"{}\">{}</text>",
        LEFT - 8.0,
        y + 11.0,
        escaped(&bar.label),
        LEFT + length.max(bar.spread.most * scale) + 8.0,
        y + 11.0,
        escaped(&bar.text),
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
