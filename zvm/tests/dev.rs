//! The way of somebody who tries it out: `zvm node --dev`, its keys, a line for each call, values of every kind.

mod common;

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use common::{Ended, contract, program, write, zvm};
use serde_json::{Value, json};
use tempfile::tempdir;

/// A development node with what it prints; killed when dropped.
struct DevNode {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl DevNode {
    fn start(args: &[&str]) -> DevNode {
        let mut command = program();
        command.args(["node", "--dev", "--listen", "127.0.0.1:0"]).args(args);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        DevNode { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("a line").expect("UTF-8")
    }

    /// Ends it as Ctrl-C does.
    #[cfg(unix)]
    fn stop(&mut self) {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
        assert_eq!(self.child.wait().expect("reaped").code(), Some(0));
    }
}

impl Drop for DevNode {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command as in a shell that took over what the node prints.
fn after(exports: &[(String, String)], args: &[&str]) -> Ended {
    let mut command = program();
    command.args(args).envs(exports.iter().cloned());
    command.output().expect("runs").into()
}

#[cfg(unix)]
#[test]
fn a_development_node_is_used_at_once() {
    let mut node = DevNode::start(&[]);
    let (listening, _) = (node.line(), node.line());
    let address = listening.strip_prefix("listening    ").expect("an address").to_string();
    assert!(node.line().contains("PUBLIC"));
    let keys: Vec<String> = (0..3).map(|_| node.line()).collect();
    let parts: Vec<Vec<&str>> = keys.iter().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(parts.iter().map(|line| line[0]).collect::<Vec<_>>(), ["alice", "bob", "carol"]);
    let exports = node.line();
    let exports: Vec<_> = exports.trim().strip_prefix("export ").expect("a command").split(' ').collect();
    let exports: Vec<(String, String)> = exports
        .iter()
        .map(|part| part.split_once('=').expect("a name"))
        .map(|(name, value)| (name.to_string(), value.trim_matches('\'').to_string()))
        .collect();
    assert_eq!(exports[0], ("ZVM_NODE".into(), address));
    assert_eq!(exports[2], ("ZVM_KEY".into(), parts[0][2].into()));
    let (_, height) = (node.line(), node.line());
    assert!(height.starts_with("height       0 "), "{height}");

    // No password is asked for, and each call is a block and a line.
    let deployed = after(&exports, &["deploy", contract("counter").to_str().expect("UTF-8"), "--json"]);
    let deployed = deployed.expect_code(0).json()["result"].clone();
    let at = deployed["receipt"]["created"].as_str().expect("an address");
    let gas = deployed["receipt"]["gas_used"].as_str().expect("gas");
    let line = node.line();
    assert!(line.starts_with(&format!("deploy   {at}  success  gas {gas}  ")), "{line}");
    assert!(line.contains(" ms  block 1  "), "{line}");
    after(&exports, &["call", at, "increment()", "--key", parts[1][2]]).expect_code(0);
    let line = node.line();
    assert!(
        line.starts_with(&format!("call     {at}  success  gas ")) && line.contains("  block 2  "),
        "{line}"
    );
    after(&exports, &["call", at, "increment()", "--value", "1"]).expect_code(1);
    let line = node.line();
    assert!(
        line.contains("  reverted  ") && line.ends_with("counter: native coins are not accepted"),
        "{line}"
    );
    after(&exports, &["query", at, "get()"]).expect_code(0);
    assert!(node.line().starts_with(&format!("query    {at}  success  gas ")));
    after(&exports, &["call", at, "get()", "--nonce", "0"]).expect_code(1);
    let line = node.line();
    assert!(line.starts_with(&format!("call     {at}  refused  ")), "{line}");

    // The folder was for this run only.
    let folder = Path::new(parts[0][2]).parent().expect("a folder").to_path_buf();
    assert!(folder.join("chain.redb").exists());
    node.stop();
    assert!(!folder.exists());
}

#[test]
fn a_development_chain_that_is_kept_starts_again() {
    let dir = tempdir().expect("a folder");
    let chain = dir.path().join("chain");
    let path = chain.to_str().expect("UTF-8");
    let start = || {
        let node = common::Node::start(&chain, &["--dev"]);
        node.started.clone()
    };
    let (first, second) = (start(), start());
    assert_eq!((&first["dev"], &first["genesis_hash"]), (&second["dev"], &second["genesis_hash"]));
    assert_eq!(first["dev"].as_array().map(Vec::len), Some(3));
    // The same chain without --dev, and not with --dev a chain that was made without it.
    drop(common::Node::start(&chain, &[]));
    let plain = dir.path().join("plain");
    drop(common::Node::start(&plain, &[]));
    let ended = zvm(["node", "--dev", "--listen", "127.0.0.1:0", "--dir", plain.to_str().expect("UTF-8")]);
    assert!(ended.expect_code(2).err.contains("another genesis"));
    assert!(!plain.join("alice.key").exists());
    // A file of another key is neither used nor touched.
    let alice = Path::new(path).join("alice.key");
    std::fs::write(&alice, "mine").expect("written");
    let ended = zvm(["node", "--dev", "--listen", "127.0.0.1:0", "--dir", path]);
    assert_ne!(ended.code, 0, "{ended:?}");
    assert_eq!(std::fs::read(&alice).expect("still there"), b"mine");
    // Without --dev there must be a folder.
    zvm(["node"]).expect_code(2);
}

#[test]
fn what_is_public_about_a_key_needs_no_password() {
    let dir = tempdir().expect("a folder");
    let (file, password) = (dir.path().join("key"), write(dir.path(), "password", "right\n"));
    let wrong = write(dir.path(), "wrong", "wrong\n");
    let path = |path: &Path| path.to_str().expect("UTF-8").to_string();
    let (file, password, wrong) = (path(&file), path(&password), path(&wrong));
    let made = zvm(["key", "new", "--json", &file, "--password-file", &password]).expect_code(0);
    let shown = zvm(["key", "show", "--json", &file]).expect_code(0);
    assert_eq!(shown.json()["result"], made.json()["result"]);
    let shown = zvm(["key", "show", "--json", &file, "--password-file", &password]).expect_code(0);
    assert_eq!(shown.json()["result"], made.json()["result"]);
    zvm(["key", "show", &file, "--password-file", &wrong]).expect_code(1);
    // Another key's name in it is found out by whoever has the password.
    let mut bytes = std::fs::read(&file).expect("the file");
    bytes[8] ^= 1;
    std::fs::write(&file, bytes).expect("written");
    zvm(["key", "show", &file, "--password-file", &password]).expect_code(1);
}

#[test]
fn help_and_errors_list_every_profile() {
    for command in ["run", "validate", "inspect", "wast"] {
        let help = zvm(["help", command]).expect_code(0).out;
        let wrong = zvm([command, "file", "--profile", "none"]).expect_code(2).err;
        for profile in ghost_wasm::Profile::ALL {
            assert!(
                help.contains(profile.name()) && wrong.contains(profile.name()),
                "{command}: {help}{wrong}"
            );
        }
    }
}

/// A contract that returns its arguments: what goes in comes out, in the codec's bytes.
#[test]
fn values_of_every_kind_go_to_a_contract_and_come_back() {
    let dir = tempdir().expect("a folder");
    let echo = write(
        dir.path(),
        "echo.wat",
        r#"(module
            (import "env" "input_len" (func $len (result i32)))
            (import "env" "input_read" (func $read (param i32 i32) (result i32)))
            (import "env" "return_data" (func $return (param i32 i32)))
            (memory (export "memory") 1)
            (func (export "init") (result i32) i32.const 0)
            (func $echo (export "invoke") (export "query") (result i32)
                (drop (call $read (i32.const 0) (i32.const 65536)))
                (call $return (i32.const 4) (i32.sub (call $len) (i32.const 4)))
                i32.const 0))"#,
    );
    let node = common::Node::start(&dir.path().join("chain"), &["--dev"]);
    let key = node.started["dev"][0]["key_file"].as_str().expect("a file").to_string();
    let deployed =
        node.zvm(&["deploy", echo.to_str().expect("UTF-8"), "--key", &key, "--json"]).expect_code(0);
    let at = deployed.json()["result"]["receipt"]["created"].as_str().expect("an address").to_string();
    let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    let least = "-57896044618658097711785492504343953926634992332820282019728792003956564819968";
    let asked = node.zvm(&[
        "query",
        &at,
        "f(int64,int256,uint256,(uint8,string)[],bool[2])",
        "-5",
        least,
        most,
        r#"[(1,"a,b"),(2,"")]"#,
        "[true,false]",
        "--returns",
        "int64,int256,uint256,(uint8,string)[],bool[2]",
        "--json",
    ]);
    let returned: Value = asked.expect_code(0).json()["result"]["returned"].clone();
    assert_eq!(returned, json!(["-5", least, most, [["1", "a,b"], ["2", ""]], ["true", "false"]]));
    let called = node.zvm(&["call", &at, "f(int8[])", "[-1, 0x7f]", "--returns", "int8[]", "--key", &key]);
    assert!(called.expect_code(0).out.contains("  returned      [-1,127]\n"));
    node.zvm(&["query", &at, "f(int8)", "-129"]).expect_code(2);
}

/// Whoever reads that it listens may stop it at once.
#[cfg(unix)]
#[test]
fn a_node_that_has_just_said_that_it_listens_is_stopped_not_killed() {
    let dir = tempdir().expect("a folder");
    for _ in 0..20 {
        let mut command = program();
        command.args(["node", "--json", "--listen", "127.0.0.1:0", "--dir"]).arg(dir.path().join("chain"));
        let mut child = command.stdout(Stdio::piped()).spawn().expect("starts");
        let id = rustix::process::Pid::from_child(&child);
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        assert!(lines.next().expect("a line").expect("UTF-8").contains("listening"));
        // At once, without another process in between.
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it runs");
        assert_eq!(child.wait().expect("reaped").code(), Some(0));
    }
}

/// What a shell is to take over names the file, whatever is in its path.
#[cfg(unix)]
#[test]
fn the_export_line_names_the_key_file() {
    let home = tempdir().expect("a folder");
    let dir = home.path().join(r"it's a \back\slash");
    let mut node = DevNode::start(&["--dir", dir.to_str().expect("UTF-8")]);
    let export = (0..9).map(|_| node.line()).find(|line| line.contains("export ")).expect("a line");
    let shell = ["-c", &format!("{} && cat \"$ZVM_KEY\"", export.trim())];
    let shown = std::process::Command::new("sh").args(shell).output().expect("runs");
    assert!(shown.status.success(), "{export}: {shown:?}");
    node.stop();
}
