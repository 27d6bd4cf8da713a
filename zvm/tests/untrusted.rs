//! Text from outside never reaches a terminal, a pipe or a log as it is: each kind of it through each command,
//! on a pseudo-terminal.
#![cfg(unix)]

mod common;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::common::{Node, contract, program, write};

/// Colours and a title by escape sequences, a bell, a forged line, text turned round, a line by C1 and by
/// Unicode. In a `.wat` string.
const EVIL_WAT: &str = r"a\1b[35;45m\1b]0;title\07b\0d\0aFORGED\u{202e}\u{85}\u{2028}z";
const EVIL: &str = "a\u{1b}[35;45m\u{1b}]0;title\u{7}b\r\nFORGED\u{202e}\u{85}\u{2028}z";
/// How it is shown.
const SHOWN: &str = r"a\u{1b}[35;45m\u{1b}]0;title\u{7}b\r\nFORGED\u{202e}\u{85}\u{2028}z";

/// Runs a command on a terminal of its own and gives all that it wrote there.
fn on_terminal(command: &mut Command) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).expect("granted");
    unlockpt(&master).expect("unlocked");
    let name = ptsname(&master, Vec::new()).expect("a name");
    let path = Path::new(name.to_str().expect("UTF-8"));
    let open = || Stdio::from(File::options().read(true).write(true).open(path).expect("opens"));
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
    let mut child = command.stdin(Stdio::null()).stdout(open()).stderr(open()).spawn().expect("starts");
    // The command holds the terminal's other end; it was replaced in `command`, which must not.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut bytes = Vec::new();
    // Ends with an error once nobody holds the other end.
    let _ = File::from(master).read_to_end(&mut bytes);
    child.wait().expect("ends");
    String::from_utf8(bytes).expect("UTF-8")
}

/// Takes away the sequences that the program writes itself: its colours, and those of a progress bar.
fn without_ours(text: &str) -> String {
    const COLOURS: [&str; 8] = ["0", "1", "2", "31", "32", "36", "1;31", "1;32"];
    let mut rest = String::new();
    let mut parts = text.split("\u{1b}[");
    rest.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        let (sequence, after) = part.split_at(end);
        let is_colour = sequence.strip_suffix('m').is_some_and(|codes| COLOURS.contains(&codes));
        let is_bar = matches!(sequence, "2K" | "?25l" | "?25h") || sequence.strip_suffix('A').is_some();
        let is_bar = is_bar || matches!(sequence, "36;2m" | "39m" | "22m" | "36m" | "2m");
        if !is_colour && !is_bar {
            rest.push_str("\u{1b}[");
            rest.push_str(sequence);
        }
        rest.push_str(after);
    }
    rest
}

#[track_caller]
fn expect_clean(what: &str, text: &str) {
    let text = without_ours(text);
    let bad = |c: char| {
        let turns = ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
        turns || matches!(c, '\u{2028}' | '\u{2029}') || (c.is_control() && !matches!(c, '\n' | '\r'))
    };
    assert!(!text.contains(bad), "{what}: {text:?}");
    assert!(
        !text.split(['\n', '\r']).any(|line| line.trim_start().starts_with("FORGED")),
        "{what}: {text:?}"
    );
}

/// A command on a terminal, in a pipe and as JSON; it must show the text, escaped.
#[track_caller]
fn expect_shown(args: &[&str]) {
    let what = args.join(" ");
    let text = on_terminal(program().args(args));
    expect_clean(&what, &text);
    assert!(text.contains(SHOWN), "{what}: {text:?}");
    let ended = common::zvm(args);
    for text in [&ended.out, &ended.err] {
        expect_clean(&what, text);
        assert!(!text.contains('\u{1b}'), "{what}: colours in a pipe");
    }
    expect_json(args);
}

/// The JSON has it as an escape; a parser sees the text itself.
#[track_caller]
fn expect_json(args: &[&str]) {
    let what = args.join(" ");
    let text = on_terminal(program().arg("--json").args(args));
    expect_clean(&what, &text);
    let object: serde_json::Value = serde_json::from_str(text.trim()).expect("JSON");
    assert!(holds(&object), "{what}: {object}");
}

fn holds(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains(EVIL),
        serde_json::Value::Array(list) => list.iter().any(holds),
        serde_json::Value::Object(object) => {
            object.iter().any(|(key, value)| key.contains(EVIL) || holds(value))
        }
        _ => false,
    }
}

fn wat(dir: &Path, name: &str, text: &str) -> PathBuf {
    write(dir, name, text.replace("EVIL", EVIL_WAT))
}

#[test]
fn names_in_modules() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |path: &Path| path.to_str().expect("UTF-8").to_string();
    let traps = path(&wat(
        dir.path(),
        "traps.wat",
        r#"(module (func $f (@name "EVIL") (export "EVIL") unreachable) (func (export "go") (call $f))
            (@custom "EVIL" "x"))"#,
    ));
    expect_shown(&["run", &traps, "--invoke", "go"]);
    expect_shown(&["run", &traps, "--invoke", "nothing"]);
    expect_shown(&["run", &traps, "--invoke", EVIL]);
    expect_shown(&["inspect", &traps, "--functions"]);
    let imports = path(&wat(dir.path(), "imports.wat", r#"(module (import "EVIL" "EVIL" (func)))"#));
    expect_shown(&["inspect", &imports]);
    expect_shown(&["run", &imports]);
    expect_shown(&["check", &imports]);
    expect_shown(&["check", &traps]);
    let invalid =
        path(&wat(dir.path(), "invalid.wat", r#"(module (func (@name "EVIL") (result i32) i64.const 0))"#));
    expect_shown(&["validate", &invalid]);
    expect_shown(&["run", &invalid]);
}

#[test]
fn names_of_files_and_arguments() {
    let dir = tempfile::tempdir().expect("a folder");
    let evil = dir.path().join(EVIL);
    let path = evil.to_str().expect("UTF-8");
    for args in [
        &["validate", path][..],
        &["inspect", path],
        &["run", path],
        &["wast", path],
        &["key", "show", path],
        &["validate", "--profile", EVIL, "x.wasm"],
        &["call", EVIL],
        &[EVIL],
    ] {
        let text = on_terminal(program().args(args));
        expect_clean(&args.join(" "), &text);
        assert!(text.contains("FORGED"), "{args:?}: {text:?}");
    }
    write(dir.path(), EVIL, b"\0asm\x01\0\0\0");
    expect_shown(&["validate", path]);
    expect_shown(&["inspect", path]);
}

#[test]
fn values_of_the_environment() {
    for args in [&["health"][..], &["call", "--help"], &["key", "new", "--help"]] {
        for name in ["ZVM_NODE", "ZVM_PIN", "ZVM_KEY", "ZVM_PASSWORD_FILE", "ZVM_LOG"] {
            let text = on_terminal(program().args(args).env(name, EVIL));
            expect_clean(&format!("{name} {}", args.join(" ")), &text.replace("\u{1b}[4m", ""));
        }
    }
}

#[test]
fn scripts() {
    let dir = tempfile::tempdir().expect("a folder");
    let script = wat(
        dir.path(),
        "script.wast",
        r#"(module (func (export "EVIL") (result i32) (i32.const 1)))
           (assert_return (invoke "EVIL") (i32.const 2))
           (assert_return (invoke "not EVIL") (i32.const 2))
           (assert_invalid (module (func (result i32))) "EVIL")"#,
    );
    expect_shown(&["wast", script.to_str().expect("UTF-8")]);
}

/// A contract whose every text is hostile: `debug`, revert, the name of the function that traps, what a query
/// returns, and an import that makes a node refuse it.
#[test]
fn contracts_and_the_log_of_a_node() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |path: &Path| path.to_str().expect("UTF-8").to_string();
    let password = path(&write(dir.path(), "password", "secret"));
    let key = path(&dir.path().join("a.key"));
    let made =
        common::zvm(["--json", "key", "new", &key, "--password-file", &password]).expect_code(0).json();
    let address = made["result"]["address"].as_str().expect("an address");
    let len = EVIL.len();
    let text = wat(
        dir.path(),
        "evil.wat",
        &format!(
            r#"(module
            (import "env" "debug" (func $debug (param i32 i32)))
            (import "env" "revert" (func $revert (param i32 i32 i32)))
            (import "env" "return_data" (func $return_data (param i32 i32)))
            (import "env" "input_len" (func $input_len (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "\08\c3\79\a0\{len:02x}\00\00\00EVIL")
            (func $f (@name "EVIL") unreachable)
            (func (export "init") (result i32) (i32.const 0))
            (func (export "invoke") (result i32)
                (call $debug (i32.const 8) (i32.const {len}))
                (if (call $input_len) (then (call $f)))
                (call $revert (i32.const 7) (i32.const 0) (i32.const {whole}))
                (i32.const 0))
            (func (export "query") (result i32)
                (if (call $input_len) (then (call $revert (i32.const 7) (i32.const 0) (i32.const {whole}))))
                (call $return_data (i32.const 4) (i32.const {string}))
                (i32.const 0)))"#,
            whole = len + 8,
            string = len + 4,
        ),
    );
    let refused = wat(dir.path(), "refused.wat", r#"(module (import "env" "EVIL" (func)))"#);
    let chain = dir.path().join("chain");
    let log = dir.path().join("log");
    let node = Node::spawn_logging(
        program()
            .args([
                "node",
                "--json",
                "--listen",
                "127.0.0.1:0",
                "--fund",
                &format!("{address}=1000000000000"),
                "--log",
            ])
            .args(["debug", "--dir"])
            .arg(&chain),
        &log,
    );
    let to = ["--node", &node.address, "--pin", &node.pin];
    let signed = [&to[..], &["--key", &key, "--password-file", &password]].concat();
    let deployed =
        common::zvm([&["--json", "deploy"][..], &signed, &[&path(&text)]].concat()).expect_code(0).json();
    let made = deployed["result"]["receipt"]["created"].as_str().expect("a contract").to_string();
    expect_shown(&[&["call"], &signed[..], &[&made]].concat());
    expect_shown(&[&["call"], &signed[..], &[&made, "--input", "0x01"]].concat());
    expect_shown(&[&["query"], &to[..], &[&made, "--returns", "string"]].concat());
    expect_shown(&[&["query"], &to[..], &[&made, "--input", "0x01"]].concat());
    expect_shown(&[&["deploy"], &signed[..], &[&path(&refused)]].concat());
    // Progress is drawn, too.
    let token = path(&contract("token"));
    expect_clean("deploy", &on_terminal(program().arg("deploy").args(&signed).arg(token)));
    drop(node);
    let log = std::fs::read_to_string(log).expect("a log");
    expect_clean("the log", &log);
    assert!(log.contains(&SHOWN.replace(r"\\", r"\")), "{log}");
}
