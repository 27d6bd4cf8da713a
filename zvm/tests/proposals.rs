//! Modules that need a proposal which the profile does not have: told as `unsupported`, with the proposal's name
//! and the profiles that have it, by each command that takes a module.

mod common;
#[path = "../../ghost-wasm/tests/common/proposals.rs"]
mod proposals;

use common::{write, zvm};
use ghost_wasm::Profile;
use ghost_wasm::table::features::Feature;
use serde_json::{Value, json};

/// Chunk sizes in bytes: one, an odd one, and more than any of the modules.
const CHUNKS: [&str; 3] = ["1", "7", "1000"];

/// What is told of an error, offsets and excerpts aside.
fn check(error: &Value, feature: Feature, words: &str) {
    let text = error["text"].as_str().expect("text");
    let what = format!("{} {error}", feature.text());
    assert_eq!(error["kind"], "unsupported", "{what}");
    assert_eq!(error["code"], "UnsupportedProposal", "{what}");
    let profiles: Vec<_> = feature.profiles().collect();
    assert_eq!(error["proposal"]["name"], feature.text(), "{what}");
    assert_eq!(error["proposal"]["profiles"], json!(profiles), "{what}");
    assert!(text.starts_with(&format!("unsupported proposal {}: ", feature.text())), "{what}");
    assert!(text.contains(words), "{what}");
    assert_eq!(text.contains("in no profile of this version"), profiles.is_empty(), "{what}");
    let help = error["help"].as_str().expect("help");
    match profiles.first() {
        Some(profile) => assert!(help.contains(&format!("--profile {profile}")), "{what}"),
        None => assert!(help.contains("https://github.com/WebAssembly/"), "{what}"),
    }
}

#[test]
fn validate_and_run_name_the_proposal_and_its_profiles() {
    let dir = tempfile::tempdir().expect("a folder");
    let profile = Profile::WASM_2_EXT;
    let samples: Vec<_> = proposals::samples()
        .into_iter()
        .filter(|(feature, ..)| !profile.features().has(*feature))
        .enumerate()
        .map(|(index, (feature, bytes, words))| {
            (feature, write(dir.path(), &format!("{index}.wasm"), bytes), words)
        })
        .collect();
    assert!(samples.len() > 40);
    let files: Vec<_> = samples.iter().map(|(_, path, _)| path.to_str().expect("UTF-8")).collect();
    let mut whole = None;
    for chunk in CHUNKS {
        let args = ["validate", "--json", "--chunk", chunk, "--profile", profile.name()];
        let result = zvm(args.iter().chain(&files)).expect_code(1).json()["result"].take();
        for ((feature, _, words), file) in samples.iter().zip(result["files"].as_array().expect("a list")) {
            check(&file["error"], *feature, words);
        }
        assert_eq!(whole.get_or_insert_with(|| result.clone()), &result, "{chunk} bytes at a time");
    }
    for (feature, path, words) in &samples {
        let run = zvm(["run", "--json", "--profile", profile.name(), path.to_str().expect("UTF-8")]);
        check(&run.expect_code(1).json()["error"], *feature, words);
    }
}

#[test]
fn people_are_told_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let tail = write(dir.path(), "tail.wat", "(module (func $f return_call $f))");
    let told = zvm(["validate", tail.to_str().expect("UTF-8")]).expect_code(1).err;
    let expected = "error[UnsupportedProposal 0x0402]: unsupported proposal tail-call: profile latest; or the module \
                    is corrupt: illegal opcode (at offset 0x17)";
    assert!(told.starts_with(expected), "{told}");
    assert!(told.contains("= help: `--profile latest` has it"), "{told}");
    zvm(["validate", "--profile", "latest", tail.to_str().expect("UTF-8")]).expect_code(0);
}

/// What a script needs and the profile does not have is unsupported, no failure; what it expects to be refused
/// is refused with the words that it expects.
#[test]
fn scripts_that_need_a_proposal_are_unsupported_and_still_get_their_words() {
    let dir = tempfile::tempdir().expect("a folder");
    let script = r#"
        (module (func (export "f") (result i32) (i32x4.extract_lane 1 (i32x4.splat (i32.const 3)))))
        (assert_return (invoke "f") (i32.const 3))
        (assert_invalid (module (memory 1) (memory 1)) "multiple memories")
        (assert_malformed (module binary "\00asm\01\00\00\00\0e\01\00") "malformed section id")
        (assert_invalid (module (memory 1) (memory 1)) "unknown memory")
    "#;
    write(dir.path(), "simd.wast", script);
    let folder = dir.path().to_str().expect("UTF-8");
    let result = zvm(["wast", "--json", folder]).expect_code(0).json()["result"].take();
    let counts = json!({ "total": 4, "passed": 2, "failed": 0, "unsupported": 2 });
    assert_eq!(result["engine_assertions"], counts, "{result}");
    let text = result["findings"][0]["text"].as_str().expect("text");
    assert!(text.starts_with("unsupported proposal simd"), "{result}");
}
