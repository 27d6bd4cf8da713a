//! `zvm check`: a module for each reason why it would not be deployed, one with five of them, warnings, and
//! what the node says to the same modules.

mod common;

use std::path::Path;

use common::{contract, write, zvm};
use serde_json::{Value, json};
use tempfile::tempdir;

/// The entry points that a contract must have, for texts that are about something else.
const ENTRIES: &str = r#"(memory (export "memory") 1)
    (func (export "init") (result i32) i32.const 0) (func (export "invoke") (result i32) i32.const 0)"#;

fn check(dir: &Path, module: &str) -> (i32, Value) {
    let file = write(dir, "module.wat", module);
    checked(&file)
}

fn checked(file: &Path) -> (i32, Value) {
    let ended = zvm(["check", "--json", file.to_str().expect("UTF-8")]);
    let result = ended.json()["result"].clone();
    let errors = result["errors"].as_array().expect("a list").len();
    assert_eq!(ended.code, i32::from(errors > 0), "{result}");
    assert_eq!(result["deployable"], json!(errors == 0), "{result}");
    assert_eq!(result["deploy_gas"].is_string(), errors == 0, "{result}");
    (ended.code, result)
}

#[track_caller]
fn expect_error(result: &Value, code: &str, text: &str, help: &str, has_place: bool) {
    let found = result["errors"].as_array().expect("a list").iter().any(|error| {
        let holds = |key: &str, part: &str| error[key].as_str().is_some_and(|text| text.contains(part));
        error["code"] == code
            && holds("text", text)
            && holds("help", help)
            && error["offset"].is_u64() == has_place
    });
    assert!(found, "{code}, {text:?}, {help:?}: {result:#}");
}

#[test]
fn each_reason_alone() {
    let dir = tempdir().expect("a folder");
    let big_body = "nop ".repeat(270_000);
    let locals = "i32 ".repeat(3_000);
    let imports: String = (0..300).map(|_| r#"(import "env" "caller" (func (param i32)))"#).collect();
    // Text, code, part of the message, part of what to do, whether it has a place.
    let cases: &[(&str, &str, &str, &str, bool)] = &[
        (
            r#"(import "env" "storage_rea" (func (param i32 i32 i32 i32) (result i32)))"#,
            "Refused",
            "import `env.storage_rea`: there is no such host function",
            "is `storage_read` meant?",
            true,
        ),
        (
            r#"(import "env" "storage_read" (func (param i32) (result i32)))"#,
            "Refused",
            "import `env.storage_read` has type [i32] -> [i32]",
            "type [i32 i32 i32 i32] -> [i32]",
            true,
        ),
        (
            r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#,
            "Refused",
            "contracts import from `env` only",
            "built for WASI",
            true,
        ),
        (
            r#"(import "host" "caller" (func (param i32)))"#,
            "Refused",
            "from `env` only",
            "import it from `env`",
            true,
        ),
        (
            r#"(func (export "query") (param i32) (result i32) i32.const 0)"#,
            "Refused",
            "export `query` must be",
            "return an i32",
            true,
        ),
        ("(func v128.const i64x2 0 0 drop)", "UnsupportedProposal", "simd", "compile without it", true),
        ("(func (result i32) return_call 0)", "UnsupportedProposal", "tail-call", "compile without it", true),
        ("(func (result i32) i64.const 0)", "TypeMismatch", "expected i32, found i64", "", true),
        (
            &format!("(func {big_body})"),
            "LimitExceeded",
            "body_bytes: at most 262144 bytes",
            "split the function",
            true,
        ),
        (
            &format!("(func (local {locals}))"),
            "LimitExceeded",
            "locals: at most 2048",
            "locals of a function",
            true,
        ),
        ("(table 20000 funcref)", "LimitExceeded", "table_entries", "begin smaller", false),
        (&imports, "LimitExceeded", "imports: at most 256", "host functions", true),
        (r#"(data (i32.const 65535) "ab")"#, "MemoryOutOfBounds", "no call can begin", "", false),
        ("(func unreachable) (start 2)", "Unreachable", "no call can begin", "", false),
    ];
    for (text, code, message, help, has_place) in cases {
        // Imports stand before everything else.
        let module = if text.contains("(import") {
            format!("(module {text} {ENTRIES})")
        } else {
            format!("(module {ENTRIES} {text})")
        };
        let (_, result) = check(dir.path(), &module);
        expect_error(&result, code, message, help, *has_place);
        assert_eq!(result["errors"].as_array().map(Vec::len), Some(1), "{result:#}");
        assert_eq!(result["complete"], true, "{result:#}");
    }
}

#[test]
fn a_memory_that_is_imported_is_told_how_not_to_be() {
    let dir = tempdir().expect("a folder");
    let own = r#"(memory (export "memory") 1)"#;
    let module = format!(
        r#"(module (import "env" "memory" (memory 1)) {} (export "memory" (memory 0)))"#,
        ENTRIES.replace(own, "")
    );
    let (_, result) = check(dir.path(), &module);
    expect_error(&result, "Refused", "there is no such host function", "--import-memory", true);
    assert_eq!(result["errors"].as_array().map(Vec::len), Some(1), "{result:#}");
}

#[test]
fn what_is_missing_is_told_with_what_was_meant() {
    let dir = tempdir().expect("a folder");
    let module = r#"(module (memory (export "mem") 1) (func (export "init") (result i32) i32.const 0)
        (func (export "invok") (result i32) i32.const 0))"#;
    let (_, result) = check(dir.path(), module);
    expect_error(&result, "Refused", "a contract must export `memory`", "\"mem\"", false);
    expect_error(&result, "Refused", "a contract must export `invoke`", "is \"invok\" meant?", false);
    assert_eq!(result["errors"].as_array().map(Vec::len), Some(2), "{result:#}");
}

/// Imports, exports, two functions, a limit, a proposal, and what is missing: all at once, in the module's order.
#[test]
fn five_reasons_at_once() {
    let dir = tempdir().expect("a folder");
    let module = r#"(module
        (import "env" "launch_missiles" (func))
        (import "env" "caller" (func (param i64)))
        (memory (export "memory") 1)
        (func (export "query") (result i64) i64.const 0)
        (func $one (result i32) i64.const 5)
        (func $two v128.const i64x2 0 0 drop)
        (func $three v128.const i64x2 0 0 drop)
        (func $four (result i32) return_call $one)
        (func (export "init") (result i32) f32.const 0))"#;
    let (_, result) = check(dir.path(), module);
    let parts = [
        "launch_missiles",
        "`env.caller` has type",
        "export `query` must be",
        "expected i32, found i64",
        "simd",
        "tail-call",
        "expected i32, found f32",
        "must export `invoke`",
    ];
    let errors = result["errors"].as_array().expect("a list");
    let texts: Vec<_> = errors.iter().map(|error| error["text"].as_str().expect("text")).collect();
    assert_eq!(texts.len(), parts.len(), "{texts:#?}");
    for (text, part) in texts.iter().zip(parts) {
        assert!(text.contains(part), "{part}: {texts:#?}");
    }
    assert!(texts[4].ends_with("and in 1 more function"), "{texts:#?}");
    let names: Vec<_> = errors.iter().map(|error| error["function"]["name"].as_str()).collect();
    assert_eq!(names, [None, None, None, Some("one"), Some("two"), Some("four"), Some("init"), None]);
    // The same to people: errors apart, then what it adds up to.
    let file = dir.path().join("module.wat");
    let ended = zvm(["check", file.to_str().expect("UTF-8")]).expect_code(1);
    assert_eq!(ended.err.lines().filter(|line| line.starts_with("error")).count(), 8, "{}", ended.err);
    assert!(ended.out.contains("not deployable, 8 errors, 0 warnings"), "{}", ended.out);
}

#[test]
fn what_makes_a_contract_dear_is_a_warning_with_its_price() {
    let dir = tempdir().expect("a folder");
    let (code, result) =
        check(dir.path(), &format!("(module {})", ENTRIES.replace("\"memory\") 1", "\"memory\") 60")));
    let warning = &result["warnings"][0];
    assert_eq!(
        (code, &warning["kind"], &warning["gas"]),
        (0, &json!("memory"), &json!("270160")),
        "{result:#}"
    );

    let (code, result) = check(dir.path(), &format!("(module {ENTRIES} (func) (start 2))"));
    assert_eq!((code, &result["warnings"][0]["kind"]), (0, &json!("start")), "{result:#}");
    // It may call the host, which is not here.
    let (code, _) = check(
        dir.path(),
        &format!(
            r#"(module (import "env" "gas_left" (func $f (result i64))) {ENTRIES} (func (drop (call $f))) (start 3))"#
        ),
    );
    assert_eq!(code, 0);

    // What no call needs, and how large the module is without it.
    let small = std::fs::read(contract("counter")).expect("the contract");
    let section = |name: &str, len: usize| {
        let content = [&[name.len() as u8], name.as_bytes(), &vec![7; len]].concat();
        let mut section = vec![0];
        let mut left = content.len();
        loop {
            section.push((left & 0x7f) as u8 | if left > 0x7f { 0x80 } else { 0 });
            left >>= 7;
            if left == 0 {
                break;
            }
        }
        [section, content].concat()
    };
    let (_, plain) = checked(&contract("counter"));
    assert_eq!((&plain["warnings"], &plain["complete"]), (&json!([]), &json!(true)));
    let file = write(dir.path(), "debug.wasm", [small.clone(), section(".debug_info", 50_000)].concat());
    let (code, result) = checked(&file);
    let warning = &result["warnings"][0];
    assert_eq!((code, &warning["kind"]), (0, &json!("custom sections")), "{result:#}");
    assert!(warning["help"].as_str().is_some_and(|help| help.contains("-C strip=symbols")), "{result:#}");
    assert_eq!(result["stripped_bytes"], plain["stripped_bytes"]);
    // As large as a debug build: too large, and told how large it is without.
    let file = write(dir.path(), "large.wasm", [small, section(".debug_str", 5_000_000)].concat());
    let (_, result) = checked(&file);
    expect_error(
        &result,
        "LimitExceeded",
        "module_bytes: at most 2097152",
        "bytes without custom sections: strip it",
        true,
    );
    assert_eq!(result["complete"], true, "{result:#}");
}

/// The memory that a node takes and that no call can begin with.
#[test]
fn a_start_that_no_instance_can_have_is_an_error() {
    let dir = tempdir().expect("a folder");
    let (_, result) =
        check(dir.path(), &format!("(module {})", ENTRIES.replace("\"memory\") 1", "\"memory\") 100")));
    expect_error(
        &result,
        "LimitExceeded",
        "no call can begin, the deploy included",
        "at most 64 pages",
        false,
    );
    assert_eq!(result["warnings"][0]["gas"], "515760", "{result:#}");
}

#[test]
fn what_cannot_be_read_ends_the_check_and_says_so() {
    let dir = tempdir().expect("a folder");
    for bytes in [&b""[..], b"\0asm", b"\0asm\x0d\0\x01\0", b"\0asm\x01\0\0\0\x01\xff", b"text"] {
        let (_, result) = checked(&write(dir.path(), "broken.wasm", bytes));
        assert_eq!(
            (result["errors"].as_array().map(Vec::len), &result["complete"]),
            (Some(1), &json!(false))
        );
    }
    zvm(["check", dir.path().join("none.wasm").to_str().expect("UTF-8")]).expect_code(2);
    // Many reasons: the list has an end.
    let imports: String = (0..200).map(|n| format!(r#"(import "env" "f{n}" (func))"#)).collect();
    let (_, result) = check(dir.path(), &format!("(module {imports} {ENTRIES})"));
    assert_eq!((result["errors"].as_array().map(Vec::len), &result["complete"]), (Some(64), &json!(false)));
    // Every prefix and every flipped byte of a contract: an answer, and an end.
    let good = std::fs::read(contract("counter")).expect("the contract");
    for at in (0..good.len()).step_by(97) {
        checked(&write(dir.path(), "broken.wasm", &good[..at]));
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        checked(&write(dir.path(), "broken.wasm", &bad));
    }
}
