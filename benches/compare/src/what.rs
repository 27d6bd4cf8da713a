//! The groups of questions: what each asks, of which modules, in which unit, and beside whom.

mod modules;

use std::path::Path;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::engine::{Entry, Failure, Questions, Work};
use crate::kernels::KERNELS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Calls of one instance, 14 programs.
    Kernels,
    /// From bytes to the first return.
    Start,
    /// Instantiate, call and drop.
    Instances,
    /// Resident memory of an instance that stays.
    Memory,
    /// Validation alone, on real modules.
    Validate,
    /// Validation and translation of everything, on real modules.
    Translate,
}

/// How a time becomes a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Milliseconds,
    Microseconds,
    /// A million bytes of module a second.
    MegabytesPerSecond,
    /// Not a time at all.
    Bytes,
}

impl Unit {
    pub fn name(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "µs",
            Unit::MegabytesPerSecond => "MB/s",
            Unit::Bytes => "bytes",
        }
    }

    pub fn more_is_better(self) -> bool {
        self == Unit::MegabytesPerSecond
    }
}

type Ask = fn(Box<dyn Questions>, &Case) -> Result<Work, Failure>;

/// One group.
pub struct Group {
    pub what: What,
    pub title: &'static str,
    pub unit: Unit,
    /// What the ratios are taken to; the first is the one of the table.
    pub baselines: &'static [&'static str],
    /// How long a sample lasts at least, in milliseconds; zero for one call.
    pub sample_ms: u64,
    pub ask: Ask,
}

/// One module and what is done with it.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: &'static str,
    pub about: String,
    pub wasm: &'static [u8],
    pub entry: Entry,
    pub argument: i32,
    pub expected: i64,
    /// Bytes of its memory that a call touches, in whole pages of 4 KiB.
    pub touched_bytes: u64,
}

pub const GROUPS: &[Group] = &[
    Group {
        what: What::Kernels,
        title: "Execution: one call of each kernel",
        unit: Unit::Milliseconds,
        baselines: &["wasmi+fuel", "silverfir"],
        sample_ms: 0,
        ask: |engine, case| engine.calls(case.wasm, case.entry, case.argument),
    },
    Group {
        what: What::Start,
        title: "Start: bytes to first return, all dropped",
        unit: Unit::Microseconds,
        baselines: &["wasmi"],
        sample_ms: 5,
        ask: |engine, case| engine.starts(case.wasm, case.entry, case.argument),
    },
    Group {
        what: What::Instances,
        title: "Instances: instantiate, call, drop",
        unit: Unit::Microseconds,
        baselines: &["wasmi"],
        sample_ms: 5,
        ask: |engine, case| engine.instances(case.wasm, case.entry, case.argument),
    },
    Group {
        what: What::Memory,
        title: "Memory: resident bytes of a live instance beyond the pages it touched",
        unit: Unit::Bytes,
        baselines: &["wasmi"],
        sample_ms: 0,
        ask: |engine, case| engine.keeps(case.wasm, case.entry, case.argument),
    },
    Group {
        what: What::Validate,
        title: "Validation of real modules",
        unit: Unit::MegabytesPerSecond,
        baselines: &["wasmparser", "ghost"],
        sample_ms: 20,
        ask: |engine, case| engine.validates(case.wasm),
    },
    Group {
        what: What::Translate,
        title: "Validation and translation of real modules",
        unit: Unit::MegabytesPerSecond,
        baselines: &["wasmi1-eager", "ghost"],
        sample_ms: 20,
        ask: |engine, case| engine.translates(case.wasm),
    },
];

impl What {
    pub fn group(self) -> Option<&'static Group> {
        GROUPS.iter().find(|group| group.what == self)
    }

    /// The cases; the real modules are read from the folder that `modules/fetch` fills.
    pub fn cases(self, modules: &Path) -> Result<Vec<Case>, Failure> {
        match self {
            What::Kernels => Ok(KERNELS.iter().map(kernel).collect()),
            What::Start => modules::starting(),
            What::Instances | What::Memory => modules::small(),
            What::Validate | What::Translate => modules::real(modules),
        }
    }
}

fn kernel(kernel: &'static crate::kernels::Kernel) -> Case {
    Case {
        name: kernel.name,
        about: format!("run({})", kernel.argument),
        wasm: kernel.wasm,
        entry: Entry::Run,
        argument: kernel.argument,
        expected: kernel.expected,
        touched_bytes: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ENGINES;
    use crate::measure::{Effort, Subject, interleave};

    /// One call of everything that needs no fetched module. Peers may be unable, never wrong; ghost must.
    #[test]
    fn every_engine_answers_what_it_is_asked() {
        for group in GROUPS.iter().filter(|group| group.sample_ms < 20) {
            for mut case in group.what.cases(Path::new("")).expect("cases that need no file") {
                if let Some(kernel) = KERNELS.iter().find(|kernel| kernel.name == case.name) {
                    (case.argument, case.expected) = kernel.smoke;
                }
                let asked =
                    ENGINES.iter().filter(|engine| engine.groups.contains(&group.what) && !engine.fragile);
                let subjects = asked.map(|engine| Subject::new(engine, group, &case)).collect();
                let effort = Effort { rounds: 1, sample: std::time::Duration::ZERO };
                for samples in interleave(subjects, case.expected, effort) {
                    let needed = samples.engine == "ghost" || !matches!(case.entry, Entry::Query(_));
                    assert!(!needed || samples.failure.is_none(), "{} {samples:?}", case.name);
                }
            }
        }
    }

    #[test]
    fn each_group_stands_once() {
        for what in What::value_variants() {
            assert_eq!(GROUPS.iter().filter(|group| group.what == *what).count(), 1, "{what:?}");
        }
    }
}
