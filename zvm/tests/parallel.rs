//! Many calls of one key at the same time: each is executed, or told otherwise.

mod common;

use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::common::{Ended, Node, contract, program, write, zvm};

/// As many as a test has time for: each opens its key file, which is meant to be slow.
const CALLS: usize = 24;

struct Home {
    dir: tempfile::TempDir,
    address: String,
}

impl Home {
    fn new() -> Home {
        let dir = tempfile::tempdir().expect("a folder");
        write(dir.path(), "password", "secret");
        let (key, password) = (path(dir.path(), "key"), path(dir.path(), "password"));
        let made = zvm(["--json", "key", "new", &key, "--password-file", &password]).expect_code(0).json();
        let address = made["result"]["address"].as_str().expect("an address").to_string();
        Home { dir, address }
    }

    fn signed(&self, node: &Node, command: &str, args: &[&str]) -> Vec<String> {
        let (key, password) = (path(self.dir.path(), "key"), path(self.dir.path(), "password"));
        let signed = ["--json", command, "--node", &node.address, "--pin", &node.pin, "--key", &key];
        let args = [&signed[..], &["--password-file", &password], args].concat();
        args.into_iter().map(String::from).collect()
    }
}

fn path(dir: &Path, name: &str) -> String {
    dir.join(name).to_str().expect("UTF-8").into()
}

fn receipt(ended: &Ended) -> Value {
    ended.json()["result"]["receipt"].clone()
}

/// Starts all before it waits for one.
fn at_once(args: &[String], count: usize) -> Vec<Ended> {
    let start =
        |_| program().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let children: Vec<Child> = (0..count).map(start).collect();
    children.into_iter().map(|child| child.wait_with_output().expect("ends").into()).collect()
}

#[test]
fn equal_calls_of_one_key_are_all_executed() {
    let home = Home::new();
    let fund = format!("{}=1000000000000000", home.address);
    let node = Node::start(&home.dir.path().join("chain"), &["--fund", &fund]);
    let counter = contract("counter");
    let deployed = zvm(home.signed(&node, "deploy", &[counter.to_str().expect("UTF-8")])).expect_code(0);
    let made = receipt(&deployed)["created"].as_str().expect("a contract").to_string();

    let call = home.signed(&node, "call", &[&made, "increment_by(uint64)", "1"]);
    let ended = at_once(&call, CALLS);
    let mut ids: Vec<String> = ended
        .into_iter()
        .map(|ended| {
            let ended = ended.expect_code(0);
            let json = ended.json();
            assert_eq!(json["result"]["duplicate"], false, "{json}");
            assert_eq!(json["result"]["receipt"]["status"], "success", "{json}");
            json["result"]["receipt"]["call_id"].as_str().expect("an id").to_string()
        })
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), CALLS, "each is a call of its own");
    let count = node.zvm(&["query", &made, "get()", "--returns", "uint64"]).expect_code(0);
    assert_eq!(count.out.trim(), CALLS.to_string());
}

/// A call that its sender numbered is sent once: the second of two equal ones is none, and says so.
#[test]
fn a_numbered_call_is_never_numbered_again() {
    let home = Home::new();
    let fund = format!("{}=1000000000000000", home.address);
    let node = Node::start(&home.dir.path().join("chain"), &["--fund", &fund]);
    let send = |nonce: &str, value: &str| {
        let to = format!("0x{}", "11".repeat(20));
        let fixed = ["--gas", "400000", "--valid-until", "1000"];
        zvm(home.signed(&node, "call", &[&[&*to, "--value", value, "--nonce", nonce], &fixed[..]].concat()))
    };
    let first = send("0", "1").expect_code(0);
    assert_eq!(first.json()["result"]["duplicate"], false);
    let again = send("0", "1").expect_code(6);
    assert_eq!(again.json()["result"]["duplicate"], true);
    assert_eq!(receipt(&again), receipt(&first));
    // Another call with its number: refused.
    let other = send("0", "2").expect_code(1).json();
    assert_eq!(other["error"]["code"], "call_refused", "{other}");
    // One that is ahead waits, and says so.
    let ahead = send("2", "1").expect_code(1).json();
    assert_eq!(ahead["error"]["kind"], "waiting", "{ahead}");
}
