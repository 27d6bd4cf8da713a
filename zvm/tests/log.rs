//! A node goes on whatever becomes of its standard error and standard output.
#![cfg(unix)]

mod common;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Node, contract, program, write, zvm};

/// Where a node's log goes, or cannot go.
#[derive(Clone, Copy, Debug)]
enum Log {
    Closed,
    Full,
    ReaderGone,
    ReaderStalled,
}

/// The program with a standard error that cannot be written. What is returned keeps it that way.
fn node(log: Log, args: &[&str]) -> (Command, Option<std::io::PipeReader>) {
    let mut command = program();
    let mut held = None;
    match log {
        Log::Closed => {
            let zvm = command.get_program().to_owned();
            command = Command::new("sh");
            command.args(["-c", r#"exec "$0" "$@" 2>&-"#]).arg(zvm);
        }
        Log::Full => {
            command.stderr(File::options().write(true).open("/dev/full").expect("opens"));
        }
        Log::ReaderGone | Log::ReaderStalled => {
            let (reader, writer) = std::io::pipe().expect("a pipe");
            command.stderr(writer);
            held = matches!(log, Log::ReaderStalled).then_some(reader);
        }
    }
    command.args(args).stdin(Stdio::null());
    (command, held)
}

fn key(dir: &Path) -> (String, Vec<String>) {
    let path = |name: &str| dir.join(name).to_str().expect("UTF-8").to_string();
    write(dir, "password", "secret");
    let made = zvm(["--json", "key", "new", &path("key"), "--password-file", &path("password")]);
    let address = made.expect_code(0).json()["result"]["address"].as_str().expect("an address").to_string();
    (address, ["--key".into(), path("key"), "--password-file".into(), path("password")].into())
}

/// Uploads, calls and queries work.
fn use_it(node: &Node, signer: &[String]) {
    let signer: Vec<&str> = signer.iter().map(String::as_str).collect();
    let counter = contract("counter");
    let deploy = [&["deploy", "--json"], &signer[..], &[counter.to_str().expect("UTF-8")]].concat();
    let deployed = node.zvm(&deploy).expect_code(0).json();
    let made = deployed["result"]["receipt"]["created"].as_str().expect("a contract").to_string();
    node.zvm(&[&["call"], &signer[..], &[&made, "increment_by(uint64)", "5"]].concat()).expect_code(0);
    let asked = node.zvm(&["query", &made, "get()", "--returns", "uint64"]).expect_code(0);
    assert_eq!(asked.out, "5\n");
    // A refused module is told in the log.
    let bad = [&["deploy"], &signer[..], &["-"]].concat();
    node.zvm(&bad).expect_code(1);
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    for log in [Log::Closed, Log::Full, Log::ReaderGone, Log::ReaderStalled] {
        let dir = tempfile::tempdir().expect("a folder");
        let (address, signer) = key(dir.path());
        let chain = dir.path().join("chain");
        let fund = format!("{address}=1000000000000");
        // The most that can be logged: the stalled reader's pipe is full at once.
        let args = ["--json", "--log", "trace", "node", "--listen", "127.0.0.1:0", "--fund", &fund, "--dir"];
        let args = [&args[..], &[chain.to_str().expect("UTF-8")]].concat();
        let (mut command, held) = node(log, &args);
        let node = Node::spawned(&mut command);
        use_it(&node, &signer);
        assert_eq!(node.terminate(), 0, "{log:?}");
        drop(held);
    }
}

#[test]
fn a_node_serves_when_nobody_can_be_told_that_it_does() {
    let dir = tempfile::tempdir().expect("a folder");
    let (address, signer) = key(dir.path());
    let chain = dir.path().join("chain");
    let first = Node::start(&chain, &["--fund", &format!("{address}=1000000000000")]);
    let (at, pin) = (first.address.clone(), first.pin.clone());
    assert_eq!(first.terminate(), 0);
    let full = || File::options().write(true).open("/dev/full").expect("opens");
    let mut child = program()
        .args(["--json", "--log", "debug", "node", "--listen", &at, "--dir"])
        .arg(&chain)
        .stdout(full())
        .stderr(full())
        .spawn()
        .expect("starts");
    let to = ["--node", &at, "--pin", &pin, "--timeout", "30"];
    // It cannot say when it listens, and nobody who listens is told at once.
    let began = Instant::now();
    while zvm([&["health"][..], &to].concat()).code != 0 {
        assert!(began.elapsed() < Duration::from_secs(120), "no node");
        std::thread::sleep(Duration::from_millis(50));
    }
    let counter = contract("counter");
    let deploy = ["deploy", counter.to_str().expect("UTF-8")];
    let signer: Vec<&str> = signer.iter().map(String::as_str).collect();
    zvm([&deploy[..], &to, &signer].concat()).expect_code(0);
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
    // It ends by itself; that its last words could not be written is told by the exit code.
    assert_eq!(child.wait().expect("ends").code(), Some(2));
}

/// A contract whose every answer to a query is nearly what a pipe holds.
const TALKER: &str = r#"(module
    (import "env" "revert" (func $revert (param i32 i32 i32)))
    (memory (export "memory") 2)
    (data (i32.const 0) "\08\c3\79\a0\40\f0\00\00")
    (func (export "init") (result i32) (i32.const 0))
    (func (export "invoke") (result i32) (i32.const 0))
    (func (export "query") (result i32)
        (memory.fill (i32.const 8) (i32.const 0x78) (i32.const 61504))
        (call $revert (i32.const 7) (i32.const 0) (i32.const 61512))
        (i32.const 0)))"#;

/// Whoever watches a development node and stops reading neither holds calls up nor the end of the node.
#[test]
fn a_reader_that_stalls_does_not_keep_a_node_from_ending() {
    let dir = tempfile::tempdir().expect("a folder");
    let chain = dir.path().join("chain");
    let mut node = program();
    let node =
        Node::spawn(node.args(["--json", "node", "--dev", "--listen", "127.0.0.1:0", "--dir"]).arg(&chain));
    let talker = write(dir.path(), "talker.wat", TALKER);
    let key = chain.join("alice.key");
    let (talker, key) = (talker.to_str().expect("UTF-8"), key.to_str().expect("UTF-8"));
    let deployed = node.zvm(&["deploy", "--json", "--key", key, talker]).expect_code(0).json();
    let made = deployed["result"]["receipt"]["created"].as_str().expect("a contract").to_string();
    for _ in 0..8 {
        assert!(node.zvm(&["query", &made]).expect_code(1).err.contains("xxx"));
    }
    let began = Instant::now();
    assert_eq!(node.terminate(), 2, "its last words were not read");
    assert!(began.elapsed() < Duration::from_secs(60));
}
