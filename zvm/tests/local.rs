//! The commands that need no node: what they print, their JSON, their exit codes.

mod common;

use std::io::Write;
use std::process::Stdio;

use common::{contract, program, write, zvm};
use serde_json::json;
use tempfile::tempdir;

const MODULE: &str = r#"(module
    (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
    (func $deep (param i32) (result i32) local.get 0 i32.const 0 i32.div_u)
    (func (export "trap") (result i32) i32.const 1 call $deep)
    (func (export "spin") (loop br 0))
    (func (export "floats") (param f32 f64) (result f64 f32) local.get 1 local.get 0)
    (memory (export "memory") 1 2))"#;
const INVALID: &str = r#"(module (func $sum (param i64) (local i32)
    nop nop local.get 0 i32.const 7 i32.add drop nop))"#;

#[test]
fn run_prints_results_and_nothing_else_in_a_pipe() {
    let dir = tempdir().expect("a folder");
    let file = write(dir.path(), "m.wat", MODULE);
    let file = file.to_str().expect("UTF-8");
    let ended = zvm(["run", file, "--invoke", "add", "1", "-3"]).expect_code(0);
    assert_eq!((&*ended.out, &*ended.err), ("-2\n", ""));
    let ended = zvm(["run", file, "--invoke", "floats", "1.5", "--", "-nan:0x7"]).expect_code(0);
    assert_eq!(ended.out, "-nan:0x7\n1.5\n");
    let ended = zvm(["run", file]).expect_code(0);
    assert_eq!((&*ended.out, &*ended.err), ("", ""));
    let ended = zvm(["run", "--json", file, "--invoke", "floats", "1.5", "nan"]).expect_code(0);
    let result = ended.json()["result"].clone();
    assert_eq!(
        result["results"][0],
        json!({"type": "f64", "value": "nan:0x8000000000000", "bits": "0x7ff8000000000000"})
    );
    assert_eq!(result["results"][1], json!({"type": "f32", "value": "1.5", "bits": "0x3fc00000"}));
    assert!(result["gas_used"].is_string(), "{result}");
}

#[test]
fn run_tells_traps_gas_and_mistakes_apart() {
    let dir = tempdir().expect("a folder");
    let file = write(dir.path(), "m.wat", MODULE);
    let file = file.to_str().expect("UTF-8");

    let ended = zvm(["run", file, "--invoke", "trap"]).expect_code(3);
    assert!(
        ended.err.starts_with("error[IntegerDivisionByZero 0x0708]: integer divide by zero"),
        "{ended:?}"
    );
    assert!(ended.err.contains("0: function 1 <deep> at offset 0x"), "{ended:?}");
    assert!(ended.err.contains("1: function 2 <trap> at offset 0x"), "{ended:?}");
    let error = zvm(["--json", "run", file, "--invoke", "trap"]).expect_code(3).json()["error"].clone();
    assert_eq!((&error["kind"], &error["code"]), (&json!("trap"), &json!("IntegerDivisionByZero")));
    assert_eq!(error["backtrace"][0]["name"], "deep");

    let ended = zvm(["run", file, "--gas", "5000", "--invoke", "spin", "--json"]).expect_code(4);
    let error = ended.json()["error"].clone();
    assert_eq!((&error["code"], &error["gas_used"]), (&json!("OutOfGas"), &json!("5000")));

    let ended = zvm(["run", file, "--invoke", "nothing"]).expect_code(1);
    for name in
        ["\"add\" (func [i32 i32] -> [i32])", "trap", "spin", "floats", "\"memory\" (memory 1..2 pages)"]
    {
        assert!(ended.err.contains(name), "{name}: {ended:?}");
    }
    zvm(["run", file, "--invoke", "memory"]).expect_code(1);
    zvm(["run", file, "--invoke", "add", "1"]).expect_code(2);
    zvm(["run", file, "--invoke", "add", "1", "x"]).expect_code(2);
    zvm(["run", file, "--invoke", "add", "1", "4294967296"]).expect_code(2);
    zvm(["run", file, "stray"]).expect_code(2);
    zvm(["run", "/does/not/exist.wasm"]).expect_code(2);
    let ended = zvm(["run", contract("counter").to_str().expect("UTF-8")]).expect_code(1);
    assert!(ended.err.starts_with("error[UnknownImport 0x0601]: unknown import"), "{ended:?}");
}

/// Where gas ran out, names of Rust functions and of exports, both ends of a deep stack.
#[test]
fn run_tells_where_a_call_ended() {
    let dir = tempdir().expect("a folder");
    let text = r#"(module
        (func $_ZN5token4spin17h0123456789abcdefE (loop (br 0)))
        (func (export "out") (call $_ZN5token4spin17h0123456789abcdefE))
        (func $even (param i32)
            (if (local.get 0) (then (call $odd (i32.sub (local.get 0) (i32.const 1)))) (else unreachable)))
        (func $odd (param i32) (call $even (local.get 0)))
        (func (export "deep") (call $even (i32.const 400))))"#;
    let file = write(dir.path(), "m.wat", text);
    let file = file.to_str().expect("UTF-8");

    let ended = zvm(["run", file, "--gas", "5000", "--invoke", "out"]).expect_code(4);
    assert!(ended.err.contains("\n    0: function 0 <token::spin> near offset 0x"), "{ended:?}");
    assert!(ended.err.contains("\n    1: function 1 <out> at offset 0x"), "{ended:?}");
    let error = zvm(["--json", "run", file, "--gas", "5000", "--invoke", "out"]).json()["error"].clone();
    let frame = &error["backtrace"][0];
    let mangled = "_ZN5token4spin17h0123456789abcdefE";
    assert_eq!(
        (&frame["function"], &frame["name"], &frame["demangled"], &frame["host"]),
        (&json!(0), &json!(mangled), &json!("token::spin"), &json!(false))
    );
    assert!(frame["offset"].is_number(), "{error}");
    assert!(error.get("backtrace_left_out").is_none(), "{error}");

    let ended = zvm(["run", file, "--invoke", "deep"]).expect_code(3);
    assert!(ended.err.contains("\n       … 738 frames left out\n  786: function "), "{ended:?}");
    assert!(ended.err.contains("\n  801: function 4 <deep> at offset 0x"), "{ended:?}");
    let error = zvm(["--json", "run", file, "--invoke", "deep"]).json()["error"].clone();
    assert_eq!(error["backtrace"].as_array().map(Vec::len), Some(64));
    assert_eq!(error["backtrace_left_out"], json!({"frames": 738, "at": 48}));
}

#[test]
fn validate_shows_the_operators_around_the_error() {
    let dir = tempdir().expect("a folder");
    let good = write(dir.path(), "good.wat", MODULE);
    let bad = write(dir.path(), "bad.wat", INVALID);
    let (good, bad) = (good.to_str().expect("UTF-8"), bad.to_str().expect("UTF-8"));
    let shown = |ended: &common::Ended| ended.err.replace(bad, "bad.wat");

    let whole = zvm(["validate", good, bad]).expect_code(1);
    assert_eq!(
        shown(&whole),
        "error[TypeMismatch 0x0201]: type mismatch: expected i32, found i64 (at offset 0x20)\n  \
           --> bad.wat, function 0 <sum>\n      \
               0x00001b  nop\n      \
               0x00001c  local.get 0\n      \
               0x00001e  i32.const 7\n    \
             > 0x000020  i32.add\n      \
               0x000021  drop\n      \
               0x000022  nop\n  \
           = help: An operand or result has another type than it must have here.\n"
    );
    assert!(whole.out.starts_with(&format!("{good}: valid")), "{whole:?}");
    for chunk in ["1", "7", "1000"] {
        let cut = zvm(["validate", "--chunk", chunk, good, bad]).expect_code(1);
        assert_eq!((cut.out, cut.err), (whole.out.clone(), whole.err.clone()), "chunks of {chunk}");
    }

    let result = zvm(["validate", "--json", good, bad]).expect_code(1).json()["result"].clone();
    assert_eq!(result["profile"], "wasm-2-ext");
    assert_eq!(result["files"][0]["valid"], true);
    let error = &result["files"][1]["error"];
    assert_eq!(
        (&error["code"], &error["number"], &error["offset"]),
        (&json!("TypeMismatch"), &json!(0x201), &json!(0x20))
    );
    assert_eq!(error["function"], json!({"index": 0, "name": "sum"}));
    assert_eq!(error["operators"][3], json!({"offset": 0x20, "text": "i32.add", "here": true}));
}

#[test]
fn validate_takes_profiles_and_refuses_what_is_no_module() {
    let dir = tempdir().expect("a folder");
    let tables = write(dir.path(), "tables.wat", "(module (table 0 funcref) (table 0 funcref))");
    let tables = tables.to_str().expect("UTF-8");
    zvm(["validate", tables]).expect_code(0);
    let ended = zvm(["validate", "--profile", "contract-v1", tables]).expect_code(1);
    assert!(ended.err.contains("limit exceeded"), "{ended:?}");
    let ended = zvm(["validate", "--profile", "wasm-9", tables]).expect_code(2);
    assert!(ended.err.contains("wasm-2-ext"), "{ended:?}");
    zvm(["validate", "--chunk", "0", tables]).expect_code(2);

    for (name, content) in
        [("empty.wasm", &b""[..]), ("text.wasm", b"(module)"), ("cut.wasm", b"\0asm\x01\0\0\0\x01\x05")]
    {
        let file = write(dir.path(), name, content);
        let ended = zvm(["validate".as_ref(), file.as_os_str()]).expect_code(1);
        assert!(ended.err.starts_with("error["), "{name}: {ended:?}");
    }
    let text = write(dir.path(), "broken.wat", "(module (func i32.nonsense))");
    let ended = zvm(["validate".as_ref(), text.as_os_str()]).expect_code(1);
    assert!(ended.err.contains("broken.wat") && ended.err.contains("i32.nonsense"), "{ended:?}");
    // A file that cannot be read outweighs one that is invalid.
    zvm(["validate", "/does/not/exist.wasm", tables]).expect_code(2);
}

#[test]
fn every_prefix_and_every_flip_of_a_contract_ends_with_an_answer() {
    let dir = tempdir().expect("a folder");
    let whole = std::fs::read(contract("counter")).expect("the contract");
    let files: Vec<_> = (0..40)
        .flat_map(|part| {
            let at = whole.len() * part / 40;
            let mut flipped = whole.clone();
            flipped[at] ^= 0x55;
            [
                write(dir.path(), &format!("cut{part}.wasm"), &whole[..at]),
                write(dir.path(), &format!("flip{part}.wasm"), flipped),
            ]
        })
        .collect();
    let mut args = vec!["validate".into(), "--json".into()];
    args.extend(files.iter().map(|file| file.as_os_str().to_owned()));
    let ended = zvm(args).expect_code(1);
    assert_eq!(ended.json()["result"]["files"].as_array().map(Vec::len), Some(80));
    assert_eq!(ended.err, "");
}

#[test]
fn wast_counts_every_directive() {
    let dir = tempdir().expect("a folder");
    let good = r#"
        (module (func (export "f") (result i32) i32.const 1) (func (export "t") unreachable))
        (assert_return (invoke "f") (i32.const 1))
        (assert_trap (invoke "t") "unreachable")
        (assert_invalid (module (func (result i32))) "type mismatch")
        (assert_malformed (module binary "\00asm") "unexpected end")
        (assert_malformed (module quote "(func") "unexpected token")"#;
    write(dir.path(), "good.wast", good);
    let folder = dir.path().to_str().expect("UTF-8");
    for chunk in ["1", "7", "4096"] {
        let result =
            zvm(["wast", "--json", "--chunk", chunk, folder]).expect_code(0).json()["result"].clone();
        assert_eq!(
            result["engine_assertions"],
            json!({"total": 4, "passed": 4, "failed": 0, "unsupported": 0})
        );
        assert_eq!((&result["files"], &result["findings"]), (&json!(1), &json!([])));
    }
    let ended = zvm(["wast", folder]).expect_code(0);
    assert!(ended.out.contains("text only)") && ended.out.contains("counted apart"), "{ended:?}");

    write(
        dir.path(),
        "wrong.wast",
        r#"(module (func (export "f") (result i32) i32.const 1))
        (assert_return (invoke "f") (i32.const 2))"#,
    );
    let ended = zvm(["wast", folder]).expect_code(1);
    assert!(ended.out.contains("wrong.wast:2: assert_return: failed"), "{ended:?}");
    zvm(["wast", "/does/not/exist"]).expect_code(2);
}

#[test]
fn inspect_shows_what_a_contract_is_made_of() {
    let file = contract("counter");
    let ended = zvm(["inspect".as_ref(), file.as_os_str()]).expect_code(0);
    for part in
        ["env.storage_write  func [i32 i32 i32 i32] -> []", "invoke  func [] -> [i32]", "memory_pages"]
    {
        assert!(ended.out.contains(part), "{part}: {}", ended.out);
    }
    let result =
        zvm(["inspect".as_ref(), "--json".as_ref(), file.as_os_str()]).expect_code(0).json()["result"]
            .clone();
    assert_eq!(result["bytes"].as_u64(), std::fs::metadata(&file).ok().map(|meta| meta.len()));
    assert!(result["work"].as_u64().is_some_and(|work| work > 0));
    let names: Vec<_> =
        result["sections"].as_array().expect("a list").iter().map(|section| &section["name"]).collect();
    assert_eq!(names[..3], ["type", "import", "function"]);
    assert_eq!(
        result["functions"]["imported"],
        result["imports"].as_array().map(Vec::len).map_or(json!(null), |n| json!(n))
    );
    let list = result["functions"]["list"].as_array().expect("a list");
    assert_eq!(json!(list.len()), result["functions"]["defined"]);
    let types = result["types"].as_array().expect("a list");
    assert!(types.iter().all(|ty| ty["params"].is_array() && ty["results"].is_array()));
    let type_of = |item: &serde_json::Value| item["type"].as_u64().and_then(|at| types.get(at as usize));
    assert!(list.iter().all(|function| type_of(function).is_some()));
    let invoke =
        result["exports"].as_array().expect("a list").iter().find(|export| export["name"] == "invoke");
    let ty = &invoke.expect("an export")["type"];
    assert_eq!(
        (&ty["kind"], type_of(ty)),
        (&json!("func"), Some(&json!({"params": [], "results": ["i32"]})))
    );
}

#[test]
fn keys_are_made_shown_and_never_given_away() {
    let dir = tempdir().expect("a folder");
    let password = write(dir.path(), "password", "correct horse\nsecond line\n");
    let wrong = write(dir.path(), "wrong", "battery staple\n");
    let ghost = write(dir.path(), "ghost", "ghost");
    let key = dir.path().join("key");
    let path = |path: &std::path::Path| path.to_str().expect("UTF-8").to_string();
    let with = |args: &[&str], password: &std::path::Path| {
        zvm(args.iter().map(ToString::to_string).chain(["--password-file".into(), path(password)]))
    };

    let made = with(&["key", "new", &path(&key)], &password).expect_code(0);
    assert_eq!(with(&["key", "show", &path(&key)], &password).expect_code(0).out, made.out);
    let ended = with(&["key", "show", &path(&key)], &wrong).expect_code(1);
    assert!(ended.err.contains("wrong password"), "{ended:?}");
    let ended = with(&["key", "new", &path(&key)], &password).expect_code(2);
    assert!(ended.err.contains("exists"), "{ended:?}");
    // What is public needs no password; what is secret has no terminal to ask on, and no file is named.
    assert_eq!(zvm(["key", "show", &path(&key)]).expect_code(0).out, made.out);
    zvm(["key", "new", &format!("{}2", path(&key))]).expect_code(2);

    let args = ["key", "show", "--json", "--real-id", "--passphrase-file", &path(&ghost)];
    let result = zvm(args).expect_code(0).json()["result"].clone();
    assert_eq!(
        result,
        json!({
            "address": "0x9c949ba1bc36b62185b5a3cf399b20a1bcad6cc9",
            "key": "5eca5a32724cf1baf9dcb6611d39769c2bd7963aec39eec7bcedbfca6ba4272a",
            "qid": "fd00:763d:2f43:fe27:67f6:e076:70bc:b68b",
        })
    );
}

#[test]
fn usage_and_unwritable_answers() {
    zvm(["nonsense"]).expect_code(2);
    zvm(["run"]).expect_code(2);
    zvm(["--help"]).expect_code(0);
    assert!(zvm(["--version"]).expect_code(0).out.starts_with("zvm "));
    zvm(["--log", "=!=", "inspect", "x"]).expect_code(2);

    #[cfg(target_os = "linux")]
    {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a full disk");
        let output = program().arg("inspect").arg(contract("counter")).stdout(Stdio::from(full)).output();
        let ended = common::Ended::from(output.expect("runs")).expect_code(2);
        assert!(ended.err.contains("cannot write the answer"), "{ended:?}");
    }
}

#[test]
fn modules_come_through_pipes_in_both_forms() {
    let piped = |args: &[&str], input: &[u8]| -> common::Ended {
        let mut command = program();
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("starts");
        child.stdin.take().expect("piped").write_all(input).expect("written");
        child.wait_with_output().expect("output").into()
    };
    let ended = piped(&["run", "-", "--invoke", "add", "2", "3"], MODULE.as_bytes()).expect_code(0);
    assert_eq!(ended.out, "5\n");
    let binary = std::fs::read(contract("counter")).expect("the contract");
    let ended = piped(&["validate", "-"], &binary).expect_code(0);
    assert!(ended.out.starts_with("-: valid"), "{ended:?}");
    piped(&["validate", "-"], &binary[..100]).expect_code(1);
    let ended = piped(&["validate", "-"], b"(module (func i32.nonsense))").expect_code(1);
    assert!(ended.err.contains("i32.nonsense"), "{ended:?}");
    piped(&["inspect", "-"], b"").expect_code(1);
}

#[test]
fn mistakes_are_answered_with_what_helps() {
    let dir = tempdir().expect("a folder");
    let text = write(dir.path(), "text.wasm", MODULE);
    let ended = zvm(["validate".as_ref(), text.as_os_str()]).expect_code(1);
    assert!(ended.err.contains("must end in .wat"), "{ended:?}");

    let ended = zvm(["run", contract("counter").to_str().expect("UTF-8")]).expect_code(1);
    assert!(ended.err.contains("zvm deploy"), "{ended:?}");

    let deep = write(
        dir.path(),
        "deep.wat",
        r#"(module (func $r (call $r)) (func (export "deep") (call $r)) (func (export "spin") (loop br 0)))"#,
    );
    let deep = deep.to_str().expect("UTF-8");
    let ended = zvm(["run", deep, "--invoke", "spin", "--gas", "77"]).expect_code(4);
    assert!(ended.err.contains("77 gas was not enough; give more with --gas"), "{ended:?}");
    // Thousands of equal frames are one line.
    let ended = zvm(["run", deep, "--invoke", "deep"]).expect_code(3);
    assert!(ended.err.contains("0: function 0 <r> at offset 0x"), "{ended:?}");
    assert!(ended.err.contains(" times"), "{ended:?}");
    assert!(ended.err.lines().count() < 8, "{ended:?}");
    let error = zvm(["run", "--json", deep, "--invoke", "deep"]).expect_code(3).json()["error"].clone();
    assert!(error["backtrace"].as_array().is_some_and(|frames| frames.len() > 8), "{error}");

    let target = format!("0x{}", "11".repeat(20));
    let pin = "0".repeat(64);
    let ended = zvm(["query", &target, "get()", "--pin", &pin, "--node", "localhost"]).expect_code(2);
    assert!(ended.err.contains("such as 127.0.0.1:4433"), "{ended:?}");
    let ended = zvm(["query", &target, "get(uint64)", "x", "--pin", &pin]).expect_code(2);
    assert!(ended.err.contains("0 to 2^64 - 1"), "{ended:?}");
    let ended = zvm(["query", &target, "get(uint64)", "--pin", &pin]).expect_code(2);
    assert!(ended.err.contains("1 argument expected: (uint64), 0 given"), "{ended:?}");
}

/// The end of a pipe that nobody reads must not change what is done or how it is told.
#[test]
fn a_reader_that_leaves_does_not_change_the_exit_code() {
    let dir = tempdir().expect("a folder");
    let good = write(dir.path(), "good.wat", MODULE);
    let bad = write(dir.path(), "bad.wat", INVALID);
    for (files, code) in [([&good, &good], 0), ([&good, &bad], 1)] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = program();
        command.arg("validate").args(files).stdout(writer).stderr(Stdio::null());
        assert_eq!(command.status().expect("runs").code(), Some(code));
    }
}

#[test]
fn scripts_that_run_nothing_are_no_success() {
    let dir = tempdir().expect("a folder");
    let folder = dir.path().to_str().expect("UTF-8");
    let ended = zvm(["wast", folder]).expect_code(2);
    assert!(ended.err.contains("no .wast file"), "{ended:?}");
    write(dir.path(), "broken.wast", "(modul");
    let ended = zvm(["wast", folder]).expect_code(1);
    assert!(ended.out.contains("broken.wast"), "{ended:?}");
}

/// A script that does not parse has failed, also where another one passes; the place is told.
#[test]
fn a_script_that_does_not_parse_fails() {
    for (broken, place) in [
        ("(module) )", "broken.wast:1: file not parsed: failed: column 10: "),
        ("(module)\n  (assert_what 1)", "broken.wast:2: file not parsed: failed: column 4: "),
        ("(module)\n\u{1b}[31m", "broken.wast:2: file not parsed: failed: column 1: "),
        ("(module \"open", "broken.wast:1: file not parsed: failed: column 14: "),
    ] {
        let dir = tempdir().expect("a folder");
        write(dir.path(), "good.wast", r#"(module (func (export "a"))) (assert_return (invoke "a"))"#);
        write(dir.path(), "broken.wast", broken);
        let folder = dir.path().to_str().expect("UTF-8");
        let ended = zvm(["wast", folder]).expect_code(1);
        assert!(ended.out.contains(place), "{ended:?}");
        assert!(!ended.out.contains('\u{1b}'), "{ended:?}");
        let result = zvm(["wast", "--json", folder]).expect_code(1).json()["result"].take();
        assert_eq!(result["findings"][0]["outcome"], "failed", "{result}");
        assert_eq!(result["engine_assertions"]["passed"], 1, "{result}");
    }
}

/// The exports there are stand beside a name that is none of them, the closest first; no operator is shown.
#[test]
fn an_export_that_is_missing_is_told_with_those_there_are() {
    let dir = tempdir().expect("a folder");
    let text =
        r#"(module (memory (export "mem") 1) (func (export "mint")) (func (export "transfer") (param i64)))"#;
    let file = write(dir.path(), "token.wat", text);
    let file = file.to_str().expect("UTF-8");
    let ended = zvm(["run", file, "--invoke", "transfre"]).expect_code(1);
    let expected = "error: no export is called \"transfre\"\n  = help: the exports are \"transfer\" (func [i64] -> []), ";
    assert_eq!(
        ended.err.strip_prefix(expected).map(|rest| rest.contains("\"mem\"")),
        Some(true),
        "{ended:?}"
    );
    let error = zvm(["run", "--json", file, "--invoke", "mem"]).expect_code(1).json()["error"].take();
    assert_eq!(error["kind"], "unknown export");
    assert!(error["operators"].is_null() && error["offset"].is_null(), "{error}");

    let script = format!(
        "{text}\n(invoke \"transfre\")\n(assert_return (get \"mint\") (i32.const 1))\n(invoke \"mem\")"
    );
    write(dir.path(), "token.wast", script);
    let ended = zvm(["wast", dir.path().to_str().expect("UTF-8")]).expect_code(1);
    for expected in [
        "token.wast:2: invoke: failed: Other: no export is called \"transfre\"; the exports are \"transfer\" (function), ",
        "token.wast:3: assert_return: failed: Other: the export \"mint\" is no global but a function; the exports are \"mint\"",
        "token.wast:4: invoke: failed: Other: the export \"mem\" is no function but a memory; the exports are \"mem\"",
    ] {
        assert!(ended.out.contains(expected), "{ended:?}");
    }
    // 1,000 exports do not fill the screen.
    let many: String =
        (0..1000).map(|index| format!("(export \"{}{index}\" (func 0))", "long".repeat(50))).collect();
    let file = write(dir.path(), "many.wat", format!("(module (func) {many})"));
    let ended = zvm(["run", file.to_str().expect("UTF-8"), "--invoke", "x"]).expect_code(1);
    assert!(ended.err.len() < 1500 && ended.err.ends_with(" and 992 more\n"), "{ended:?}");
}

/// An error about what follows the last function is not shown as one of that function.
#[test]
fn errors_behind_the_code_show_no_operators() {
    let dir = tempdir().expect("a folder");
    let section = |id: u8, content: &[u8]| [&[id, content.len() as u8][..], content].concat();
    let head = b"\0asm\x01\0\0\0".to_vec();
    let (types, funcs) = (section(1, b"\x01\x60\x00\x00"), section(3, b"\x01\x00"));
    let code = section(10, b"\x01\x04\x00\x01\x01\x0b");
    let after = |rest: &[u8]| [&head[..], &types, &funcs, &code, rest].concat();
    for (name, bytes, code) in [
        ("late", after(&section(3, b"\x01\x00")), "UnexpectedContent"),
        ("unknown", after(&section(15, b"\x00")), "BadSectionId"),
        ("cut", after(b"\x0b"), "UnexpectedEnd"),
        ("short", after(b"\x0b\x05\x01"), "LengthOutOfBounds"),
        ("memory", after(&section(11, b"\x01\x00\x41\x00\x0b\x01a")), "UnknownMemory"),
        (
            "count",
            [&head[..], &types, &funcs, &section(12, b"\x01"), &section(10, b"\x01\x04\x00\x01\x01\x0b")]
                .concat(),
            "DataCountMismatch",
        ),
        (
            "bodies",
            [&head[..], &types, &section(3, b"\x02\x00\x00"), &section(10, b"\x01\x04\x00\x01\x01\x0b")]
                .concat(),
            "CodeCountMismatch",
        ),
    ] {
        let file = write(dir.path(), &format!("{name}.wasm"), bytes);
        let result =
            zvm(["validate", "--json", file.to_str().expect("UTF-8")]).expect_code(1).json()["result"].take();
        let error = &result["files"][0]["error"];
        assert_eq!(error["code"], code, "{error}");
        assert!(error["operators"].is_null() && error["function"].is_null(), "{error}");
    }
    // One in the last function is.
    let inside = [&head[..], &types, &funcs, &section(10, b"\x01\x04\x00\x01\x1a\x0b")].concat();
    let file = write(dir.path(), "inside.wasm", inside);
    let result =
        zvm(["validate", "--json", file.to_str().expect("UTF-8")]).expect_code(1).json()["result"].take();
    assert_eq!(result["files"][0]["error"]["operators"][1]["text"], "drop", "{result}");
}

#[test]
fn selectors_are_those_of_solidity() {
    let ended = zvm(["selector", "transfer(address, uint256)", "f()"]).expect_code(0);
    let first = "0xa9059cbb  0xa9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b  ";
    assert!(ended.out.starts_with(&format!("{first}transfer(address,uint256)\n")), "{ended:?}");
    let ended = zvm(["selector", "--json", "get()"]).expect_code(0);
    let row = &ended.json()["result"]["signatures"][0];
    assert_eq!((&row["signature"], &row["selector"]), (&json!("get()"), &json!("0x6d4ce63c")));
    // A type that is no type would give a selector that nobody calls.
    for wrong in ["get", "get(", "(uint8)", "get(uint9)", "get(uint)", "a b()"] {
        let ended = zvm(["selector", wrong]).expect_code(2);
        assert!(ended.err.starts_with("error"), "{ended:?}");
    }
}
