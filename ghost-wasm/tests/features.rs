//! Proposals that are off: a module that needs one is told so, with the proposal's name and the profiles that
//! have it, however its bytes are cut; and bytes that belong to no proposal stay malformed. Which bytes belong to
//! which proposal is compared with `wasmparser`.

mod common;
#[path = "common/proposals.rs"]
mod proposals;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{HEADER, engine, function, leb, module};
use ghost_wasm::internals::Op;
use ghost_wasm::table::features::{Feature, Since};
use ghost_wasm::{Error, ErrorCode, ErrorKind, Module, ModuleStream, Profile};
use proposals::samples;
use wasmparser::{BinaryReader, Operator, OperatorsReader, Parser, WasmFeatures};

fn fed(profile: &Profile, bytes: &[u8], chunk: usize) -> Result<Module, Error> {
    let mut stream = ModuleStream::new(&engine(profile));
    for piece in bytes.chunks(chunk) {
        stream.feed(piece)?;
    }
    stream.finish()
}

#[test]
fn a_proposal_that_is_off_is_named_with_the_profiles_that_have_it() {
    let mut shown = BTreeSet::new();
    for (feature, bytes, words) in samples() {
        let having: Vec<_> = feature.profiles().collect();
        for profile in Profile::ALL {
            let what = format!("{} under {}: {words}", feature.text(), profile.name());
            let whole = fed(profile, &bytes, bytes.len());
            if profile.features().has(feature) {
                assert!(having.contains(&profile.name()), "{what}");
                let within = |error: &Error| error.kind() == ErrorKind::Limit;
                assert!(whole.as_ref().err().is_none_or(within), "{what}: {whole:?}");
                continue;
            }
            let Err(error) = whole else { panic!("{what}: valid") };
            // A module may need more than one proposal that 1.0 lacks, and meets the other one first.
            if profile.features().has(Feature::BulkMemory) || error.proposal() == Some(feature) {
                assert_eq!(error.proposal(), Some(feature), "{what}: {error}");
                assert!(error.to_string().contains(words), "{what}: {error}");
                shown.insert(feature.text());
            }
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{what}: {error}");
            assert_eq!(error.code(), ErrorCode::UnsupportedProposal, "{what}");
            assert!(
                matches!(error.spec_code().kind(), ErrorKind::Malformed | ErrorKind::Invalid),
                "{what}: {error}"
            );
            let text = error.to_string();
            let named = error.proposal().expect("a proposal");
            assert!(text.starts_with(&format!("unsupported proposal {}: ", named.text())), "{text}");
            for name in named.profiles() {
                assert!(text.contains(name), "{text}");
            }
            assert_eq!(
                text.contains("in no profile of this version"),
                named.since() == Since::Nowhere,
                "{text}"
            );
            let corrupt = error.spec_code().kind() == ErrorKind::Malformed;
            assert_eq!(text.contains("or the module is corrupt"), corrupt, "{text}");
            for chunk in 1..bytes.len() {
                let cut = fed(profile, &bytes, chunk).expect_err("refused");
                assert_eq!(cut.to_string(), text, "{what}, {chunk} bytes at a time");
                assert_eq!((cut.code(), cut.proposal()), (error.code(), error.proposal()), "{what}, {chunk}");
            }
        }
    }
    // Each proposal that some profile lacks is shown by a module.
    let lacked = Feature::ALL.iter().filter(|feature| feature.since() != Since::Wasm1);
    let lacked: BTreeSet<_> = lacked.map(|feature| feature.text()).collect();
    assert_eq!(shown, lacked);
}

/// The modules above are modules of their proposals, as far as the peer knows these.
#[test]
fn the_peer_takes_what_is_told_as_a_proposal() {
    for (feature, bytes, words) in samples() {
        if feature == Feature::Stringref {
            continue;
        }
        let read = Parser::new(0).parse_all(&bytes).try_for_each(|payload| payload.map(drop));
        assert!(read.is_ok(), "{} {words}: {read:?}", feature.text());
    }
}

fn their_operator(bytes: &[u8]) -> Option<String> {
    // Enough bytes for the immediates of any operator, each zero.
    let bytes = [bytes, &[0; 40]].concat();
    let mut data = BinaryReader::new(&bytes, 0);
    data.set_features(WasmFeatures::all());
    // Their reader wants an open block for some operators.
    let read = catch_unwind(AssertUnwindSafe(|| OperatorsReader::new(data).read()));
    macro_rules! proposal {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
            match read {
                $(Ok(Ok(Operator::$op { .. })) => Some(stringify!($proposal).to_string()),)*
                _ => None,
            }
        };
    }
    wasmparser::for_each_operator!(proposal)
}

/// The peer's name for a proposal, as ours.
fn our_name(theirs: &str) -> String {
    match theirs {
        "saturating_float_to_int" => "nontrapping-fptoint".into(),
        "exceptions" => "exception-handling".into(),
        "acquire_release_atomics" => "shared-everything-threads".into(),
        other => other.replace('_', "-"),
    }
}

/// The proposal that our error about a function of these bytes names, if it is about the opcode.
fn our_operator(bytes: &[u8]) -> Option<&'static str> {
    let body = function(&[&[0][..], bytes, &[0; 40], &[0x0b]].concat());
    let error = fed(&Profile::WASM_1, &body, 64).err()?;
    (error.spec_code() == ErrorCode::IllegalOpcode).then(|| error.proposal().map_or("none", Feature::text))
}

#[test]
fn opcodes_belong_to_the_proposals_that_the_peer_says() {
    let mut compared = 0;
    let single = (0..=0xff_u8).filter(|byte| !(0xfb..=0xfe).contains(byte)).map(|byte| vec![byte]);
    let prefixed = (0xfb..=0xfe_u8)
        .flat_map(|prefix| (0..0x300_u64).map(move |sub| [&[prefix][..], &leb(sub)].concat()));
    for bytes in single.chain(prefixed) {
        let ours = our_operator(&bytes);
        // The peer does not know these.
        let stringref =
            bytes[0] == 0xfb && bytes.len() == 3 && (0x80..=0xb7).contains(&bytes[1]) && bytes[2] == 1;
        match their_operator(&bytes).map(|name| our_name(&name)) {
            _ if stringref => assert_eq!(ours, Some("stringref"), "{bytes:x?}"),
            Some(name) if name == "mvp" => assert_eq!(ours, None, "{bytes:x?}"),
            // `else`, `catch`, `delegate` need a block of theirs around them.
            None if ours == Some("legacy-exceptions") || ours.is_none() => {
                assert!(matches!(bytes[0], 0x05 | 0x07 | 0x0b | 0x18 | 0x19), "{bytes:x?}");
            }
            None => assert_eq!(ours, Some("none"), "{bytes:x?}"),
            Some(name) => {
                // Table operators moved from bulk memory to reference types; the table says which.
                let code = u16::from_be_bytes([bytes[0], bytes.get(1).copied().unwrap_or(0)]);
                let row = Op::ALL.iter().find(|op| op.code() == code).map(|op| op.feature().text());
                assert_eq!(ours, row.or(Some(&*name)), "{bytes:x?}");
            }
        }
        compared += 1;
    }
    assert_eq!(compared, 252 + 4 * 0x300);
}

/// Whether the peer reads one of these modules to its end with every proposal on.
fn peer_reads(modules: &[Vec<u8>]) -> bool {
    modules.iter().any(|bytes| {
        let mut parser = Parser::new(0);
        parser.set_features(WasmFeatures::all());
        parser.parse_all(bytes).all(|payload| match payload {
            Ok(wasmparser::Payload::TypeSection(section)) => section.into_iter().all(|item| item.is_ok()),
            Ok(wasmparser::Payload::TableSection(section)) => section.into_iter().all(|item| item.is_ok()),
            Ok(wasmparser::Payload::MemorySection(section)) => section.into_iter().all(|item| item.is_ok()),
            Ok(wasmparser::Payload::GlobalSection(section)) => section.into_iter().all(|item| item.is_ok()),
            Ok(wasmparser::Payload::ImportSection(section)) => section.into_iter().all(|item| item.is_ok()),
            Ok(wasmparser::Payload::ExportSection(section)) => section.into_iter().all(|item| item.is_ok()),
            Ok(_) => true,
            Err(_) => false,
        })
    })
}

/// For each byte at a place: we take it, call it a proposal's, or call it malformed, as the peer with all
/// proposals takes it or not. `tails` are what may stand behind it.
fn compare(what: &str, known_to_us_alone: &[u8], section: u8, head: &[u8], tails: &[&[u8]]) {
    let profile = &Profile::LATEST;
    let (mut proposals, mut malformed) = (0, 0);
    for byte in 0..=0xff_u8 {
        let with = |tail: &[u8]| module(&[(section, &[head, &[byte], tail].concat())]);
        let modules: Vec<_> = tails.iter().map(|tail| with(tail)).collect();
        let ours: Vec<_> = modules.iter().map(|bytes| fed(profile, bytes, bytes.len())).collect();
        // Valid, or refused for what it means and not for its bytes.
        let understood = |result: &Result<Module, Error>| match result {
            Ok(_) => true,
            Err(error) => error.spec_code().kind() == ErrorKind::Invalid,
        };
        if ours.iter().any(understood) {
            continue;
        }
        let named = ours.iter().filter_map(|ours| ours.as_ref().err()?.proposal()).next();
        let theirs = peer_reads(&modules) || known_to_us_alone.contains(&byte);
        assert_eq!(named.is_some(), theirs, "{what} {byte:#04x}: {named:?}, {ours:?}");
        proposals += u32::from(named.is_some());
        malformed += u32::from(named.is_none());
    }
    assert!(proposals > 0, "{what}");
    assert!(malformed > 100, "{what}: {malformed}");
}

#[test]
fn bytes_of_no_proposal_stay_malformed() {
    // Behind a type: nothing, a heap type, a shared heap type.
    let types: &[&[u8]] = &[b"\x00", b"\x70\x00", b"\x6e\x00"];
    compare("value type", &[0x67], 1, b"\x01\x60\x01", types);
    compare(
        "type form",
        &[],
        1,
        b"\x01",
        &[
            b"\x00",
            b"\x00\x00",
            b"\x01\x60\x00\x00",
            b"\x00\x60\x00\x00",
            b"\x60\x00\x00",
            b"\x7f\x00",
            b"\x00\x5f\x00",
            b"\x00\x4d\x01\x5f\x00",
        ],
    );
    compare(
        "table type",
        &[0x67],
        4,
        b"\x01",
        &[b"\x00\x01", b"\x70\x00\x01", b"\x6e\x00\x01", b"\x00\x70\x00\x01\xd0\x70\x0b"],
    );
    compare("table flags", &[], 4, b"\x01\x70", &[b"\x01", b"\x01\x01"]);
    compare("memory flags", &[], 5, b"\x01", &[b"\x01", b"\x01\x01", b"\x01\x00", b"\x01\x01\x00"]);
    compare("global flags", &[], 6, b"\x01\x7f", &[b"\x41\x00\x0b"]);
    compare(
        "import kind",
        &[],
        2,
        b"\x01\x01a\x00",
        &[
            b"\x00",
            b"\x00\x00",
            b"\x70\x00\x01",
            b"\x00\x01",
            b"\x7f\x00",
            b"\x01\x01b\x00\x00",
            b"\x00\x00\x01\x01b",
        ],
    );
}

#[test]
fn section_ids_of_no_proposal_stay_malformed() {
    for id in 0..=0xff_u8 {
        let bytes = module(&[(id, b"\x00")]);
        let error = fed(&Profile::LATEST, &bytes, bytes.len()).err();
        let named = error.and_then(|error| error.proposal());
        let expected = match id {
            13 => Some(Feature::ExceptionHandling),
            14 => Some(Feature::Stringref),
            _ => None,
        };
        assert_eq!(named, expected, "{id}");
    }
}

#[test]
fn headers_of_no_proposal_stay_malformed() {
    for at in 4..8 {
        for byte in 0..=0xff_u8 {
            let mut bytes = HEADER.to_vec();
            bytes[at] = byte;
            let error = fed(&Profile::LATEST, &bytes, 8).err();
            let component = at == 6 && byte == 1;
            let named = error.and_then(|error| error.proposal());
            assert_eq!(named, component.then_some(Feature::ComponentModel), "{at} {byte:#x}");
        }
    }
    // Damage that no proposal explains: a longer opcode than any, a heap type that is no type's index, flags
    // of which one bit is nobody's.
    let none = |bytes: &[u8]| {
        let error = fed(&Profile::LATEST, bytes, bytes.len()).expect_err("refused");
        assert_eq!((error.proposal(), error.kind()), (None, ErrorKind::Malformed), "{error}");
    };
    none(&function(b"\x00\xfd\xff\xff\xff\xff\xff\x0b"));
    none(&function(b"\x00\xd0\x05\x1a\x0b"));
    none(&module(&[(5, b"\x01\x14\x01")]));
    none(&module(&[(5, b"\x01\x85\x00\x01")]));
}
