//! One loop for each price: how much time the gas of an operator, a host function or an access to the state buys.
//!
//! 10 gas should be about 1 ns. `x` is the CPU time of a loop in nanoseconds by a tenth of its gas; an add loop has
//! the x that all others are compared with. What a call costs besides its loop is taken off both. CPU time is that
//! of the whole process, so that the commit of a block counts, too.
//!
//! Exits with 1 if a row is above 5 times the add loop's x, or above 3 times the median of its class.

mod loops;
mod run;

use std::fmt::Write as _;

use crate::loops::{Loop, loops};
use crate::run::Bench;

/// How far above the add loop's x a row may be.
const ADD_RATIO_MAX: f64 = 5.0;
/// How far above the median of its class.
const CLASS_RATIO_MAX: f64 = 3.0;

/// A measured loop.
struct Row {
    of: Loop,
    /// CPU time of one turn, in nanoseconds.
    ns: f64,
    /// Gas of one turn.
    gas: f64,
}

impl Row {
    fn x(&self) -> f64 {
        self.ns / (self.gas / 10.0)
    }
}

fn median(mut list: Vec<f64>) -> f64 {
    list.sort_by(f64::total_cmp);
    list.get(list.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let json = args.iter().any(|arg| arg == "--json");
    let only = args.iter().find(|arg| !arg.starts_with("--"));
    let samples = if args.iter().any(|arg| arg == "--quick") { 3 } else { 9 };
    let mut bench = Bench::new();
    let wanted: Vec<Loop> = loops()
        .into_iter()
        .filter(|of| of.name == "i32.add" || only.is_none_or(|only| of.name.contains(only.as_str())))
        .collect();
    let rows: Vec<Row> = wanted
        .into_iter()
        .map(|of| {
            let (ns, gas) = bench.measure(&of, samples);
            Row { of, ns, gas }
        })
        .collect();
    let add = rows.iter().find(|row| row.of.name == "i32.add").map_or(f64::NAN, Row::x);
    let class_x = |class: &str| median(rows.iter().filter(|row| row.of.class == class).map(Row::x).collect());
    let (mut text, mut objects, mut failed) = (String::new(), Vec::new(), 0_usize);
    for row in &rows {
        let (to_add, to_class) = (row.x() / add, row.x() / class_x(row.of.class));
        let bad = to_add > ADD_RATIO_MAX || to_class > CLASS_RATIO_MAX;
        failed += usize::from(bad);
        let mark = if bad { "  <-- too cheap" } else { "" };
        let _ = writeln!(
            text,
            "{:<34} {:<8} {:>12.2} {:>12.1} {:>8.2} {:>8.2} {:>8.2}{mark}",
            row.of.name,
            row.of.class,
            row.ns,
            row.gas,
            row.x(),
            to_add,
            to_class
        );
        objects.push(format!(
            r#"{{"name":"{}","class":"{}","ns":{:.3},"gas":{:.2},"x":{:.3},"to_add":{to_add:.3},"to_class":{to_class:.3}}}"#,
            row.of.name, row.of.class, row.ns, row.gas, row.x()
        ));
    }
    if json {
        println!(r#"{{"cpu":"{}","samples":{samples},"rows":[{}]}}"#, run::cpu(), objects.join(","));
    } else {
        println!("{}; CPU time, least of {samples} samples", run::cpu());
        println!(
            "{:<34} {:<8} {:>12} {:>12} {:>8} {:>8} {:>8}",
            "loop", "class", "ns", "gas", "x", "by add", "by class"
        );
        print!("{text}");
        println!("{} rows, {failed} too cheap", rows.len());
    }
    std::process::ExitCode::from(u8::from(failed > 0))
}
