//! The commands that talk to a node, against one in its own process: what works, and what a wrong
//! fingerprint, a taken port, a bad module, a corrupt store and a full disk lead to.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Ended, Node, contract, program, write, zvm};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

/// A folder with a key file and its password.
struct Home {
    dir: TempDir,
    address: String,
}

impl Home {
    fn new() -> Home {
        let dir = tempdir().expect("a folder");
        write(dir.path(), "password", "a password for tests\n");
        let made = zvm([
            "key".as_ref(),
            "new".as_ref(),
            "--json".as_ref(),
            dir.path().join("key").as_os_str(),
            "--password-file".as_ref(),
            dir.path().join("password").as_os_str(),
        ])
        .expect_code(0);
        let address = made.json()["result"]["address"].as_str().expect("an address").to_string();
        Home { dir, address }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().expect("UTF-8").into()
    }

    fn chain(&self) -> PathBuf {
        self.dir.path().join("chain")
    }

    /// The node of a new chain on which this key has coins.
    fn node(&self) -> Node {
        Node::start(&self.chain(), &["--fund", &format!("{}=1_000_000_000_000_000", self.address)])
    }

    /// A command that signs.
    fn signed(&self, node: &Node, args: &[&str]) -> Ended {
        let (key, password) = (self.path("key"), self.path("password"));
        node.zvm(&[args, &["--json", "--key", &key, "--password-file", &password]].concat())
    }
}

fn counter() -> String {
    contract("counter").to_str().expect("UTF-8").into()
}

fn result(ended: &Ended) -> Value {
    ended.json()["result"].clone()
}

fn deploy(home: &Home, node: &Node) -> String {
    let ended = home.signed(node, &["deploy", &counter()]).expect_code(0);
    result(&ended)["receipt"]["created"].as_str().expect("an address").into()
}

#[test]
fn a_contract_is_deployed_called_and_asked() {
    let home = Home::new();
    let node = home.node();
    let ended = home.signed(&node, &["deploy", &counter(), "--sha256", "--chunk", "100"]).expect_code(0);
    let deployed = result(&ended);
    let upload = &deployed["upload"];
    assert_eq!(
        (&upload["known"], &upload["bytes"]),
        (&json!(false), &json!(fs::metadata(counter()).expect("there").len()))
    );
    assert_eq!(deployed["receipt"]["status"], "success");
    let contract = deployed["receipt"]["created"].as_str().expect("an address");

    let called = home.signed(&node, &["call", contract, "increment_by(uint64)", "41", "--returns", "uint64"]);
    assert_eq!(result(&called.expect_code(0))["returned"], json!(["41"]));
    home.signed(&node, &["call", contract, "increment()"]).expect_code(0);
    let asked = node.zvm(&["query", contract, "get()", "--returns", "uint64"]).expect_code(0);
    assert_eq!(asked.out, "42\n");
    let asked = node.zvm(&["query", contract, "--input", "0x6d4ce63c"]).expect_code(0);
    assert_eq!(asked.out, "0x2a00000000000000\n");

    // Every way a call can end, and its exit code.
    let ended = home.signed(&node, &["call", contract, "no_such_method()"]).expect_code(1);
    let receipt = result(&ended)["receipt"].clone();
    assert_eq!((&receipt["status"], &receipt["revert_code"]), (&json!("reverted"), &json!(1)));
    assert_eq!(receipt["revert_text"], "counter: unknown method");
    let innermost = &receipt["backtrace"][0];
    assert_eq!((&innermost["name"], &innermost["host"]), (&json!("env.revert"), &json!(true)), "{receipt}");
    assert!(receipt["backtrace"].as_array().is_some_and(|frames| frames.len() > 1), "{receipt}");
    assert_eq!((&receipt["backtrace_left_out"], &receipt["notes_left_out"]), (&Value::Null, &json!(0)));
    let ended = home.signed(&node, &["call", contract, "spin()", "--gas", "2000000"]).expect_code(4);
    let receipt = result(&ended)["receipt"].clone();
    assert!(receipt["backtrace"][0]["offset"].is_number(), "where the gas ran out: {receipt}");
    assert_eq!((&receipt["status"], &receipt["gas_used"]), (&json!("out_of_gas"), &json!("2000000")));
    let ended = node.zvm(&["query", contract, "increment()"]).expect_code(1);
    assert!(ended.err.contains("policy_denied") || ended.err.contains("reverted"), "{ended:?}");
    let asked = node.zvm(&["query", contract, "get()", "--returns", "uint64"]).expect_code(0);
    assert_eq!(asked.out, "42\n", "calls without success leave nothing");

    // A module that the node knows is not sent again; a nonce that is used is refused.
    let again = result(&home.signed(&node, &["deploy", &counter()]).expect_code(0));
    assert_eq!(again["upload"]["known"], true);
    assert_ne!(again["receipt"]["created"], json!(contract));
    let ended = home.signed(&node, &["call", contract, "increment()", "--nonce", "0"]).expect_code(1);
    assert_eq!(ended.json()["error"]["code"], "call_refused");
    // The native coin goes to an address without code.
    let to = format!("0x{}", "77".repeat(20));
    home.signed(&node, &["call", &to, "--value", "12345"]).expect_code(0);
    let ended = home.signed(&node, &["call", &to, "--value", "1000000000000000000000"]).expect_code(1);
    assert_eq!(ended.json()["error"]["code"], "call_refused");
    assert!(ended.json()["error"]["text"].as_str().is_some_and(|text| text.contains("balance")), "{ended:?}");

    // A question that goes wrong has a backtrace, too.
    let asked = node.zvm(&["query", contract, "increment()"]).expect_code(1);
    assert!(asked.err.contains("\n    0: host function env."), "{asked:?}");
    let asked = node.zvm(&["query", contract, "increment()", "--json"]).expect_code(1);
    assert_eq!(result(&asked)["backtrace"][0]["host"], true, "{asked:?}");

    // Gas that is missing is told as such; an answer of other types does not undo the call.
    let ended = node.zvm(&["query", contract, "get()", "--gas", "10"]).expect_code(4);
    assert!(ended.err.starts_with("error: out_of_gas\n"), "{ended:?}");
    assert!(ended.err.contains("give more with --gas"), "{ended:?}");
    let (key, password) = (home.path("key"), home.path("password"));
    let args =
        ["call", contract, "increment()", "--returns", "string", "--key", &key, "--password-file", &password];
    let ended = node.zvm(&args).expect_code(0);
    assert!(ended.out.contains("not of the types string"), "{ended:?}");
    let args = ["call", contract, "no_such_method()", "--key", &key, "--password-file", &password];
    let ended = node.zvm(&args).expect_code(1);
    assert!(ended.out.contains("  at            host function env.revert\n"), "{ended:?}");
    let args = ["call", contract, "spin()", "--gas", "2000000", "--key", &key, "--password-file", &password];
    let ended = node.zvm(&args).expect_code(4);
    assert!(ended.out.contains("  at            function "), "{ended:?}");
    assert!(ended.out.contains(" near offset 0x"), "{ended:?}");
}

#[test]
fn a_bad_module_is_refused_where_it_is_bad() {
    let home = Home::new();
    let node = home.node();
    let invalid = write(
        home.dir.path(),
        "invalid.wat",
        r#"(module (memory (export "memory") 1) (func (export "init") (result i32) i32.const 0)
            (func (export "invoke") (result i32) i64.const 5))"#,
    );
    let (key, password) = (home.path("key"), home.path("password"));
    let args = ["deploy", invalid.to_str().expect("UTF-8"), "--key", &key, "--password-file", &password];
    let ended = node.zvm(&args).expect_code(1);
    for part in ["error[TypeMismatch 0x0201]", "function 1 <invoke>", "> 0x", "i64.const 5"] {
        assert!(ended.err.contains(part), "{part}: {ended:#?}");
    }
    let imports = write(
        home.dir.path(),
        "imports.wat",
        r#"(module (import "env" "launch_missiles" (func)) (memory (export "memory") 1)
            (func (export "init") (result i32) i32.const 0) (func (export "invoke") (result i32) i32.const 0))"#,
    );
    let args = ["deploy", imports.to_str().expect("UTF-8"), "--key", &key, "--password-file", &password];
    let ended = node.zvm(&args).expect_code(1);
    assert!(ended.err.contains("env.launch_missiles"), "{ended:#?}");
    let bare = write(home.dir.path(), "bare.wat", r#"(module (memory (export "memory") 1) (func nop))"#);
    let args = ["deploy", bare.to_str().expect("UTF-8"), "--key", &key, "--password-file", &password];
    let ended = node.zvm(&args).expect_code(1);
    assert!(ended.err.contains("a contract must export `init`"), "{ended:#?}");
    // No operator has to do with it.
    for part in ["> 0x", "function 0", "end of the body"] {
        assert!(!ended.err.contains(part), "{part}: {ended:#?}");
    }
    // Nothing of it stayed.
    assert_eq!(result(&home.signed(&node, &["deploy", &counter()]).expect_code(0))["receipt"]["height"], "1");
}

#[test]
fn a_chain_survives_a_stop_and_a_kill() {
    let home = Home::new();
    let node = home.node();
    let contract = deploy(&home, &node);
    home.signed(&node, &["call", &contract, "increment()"]).expect_code(0);
    let pin = node.pin.clone();
    #[cfg(unix)]
    assert_eq!(node.terminate(), 0);
    #[cfg(not(unix))]
    node.kill();

    let node = Node::start(&home.chain(), &[]);
    assert_eq!((&node.pin, &node.started["height"]), (&pin, &json!("2")));
    home.signed(&node, &["call", &contract, "increment()"]).expect_code(0);
    node.kill();

    let node = Node::start(&home.chain(), &[]);
    assert_eq!(node.started["height"], "3");
    let asked = node.zvm(&["query", &contract, "get()", "--returns", "uint64"]).expect_code(0);
    assert_eq!(asked.out, "2\n");
    // The folder is in use; then its genesis cannot be changed.
    let second = zvm(["node", "--listen", "127.0.0.1:0", "--dir", &home.path("chain")]).expect_code(1);
    assert!(second.err.contains("the store cannot be used"), "{second:?}");
    assert!(second.err.contains("another node"), "{second:?}");
    node.kill();
    let fund = format!("{}=1", home.address);
    let ended = zvm(["node", "--fund", &fund, "--dir", &home.path("chain")]).expect_code(2);
    assert!(ended.err.contains("genesis cannot be changed"), "{ended:?}");
    let ended = zvm(["node", "--chain-id", "2", "--dir", &home.path("chain")]).expect_code(2);
    assert!(ended.err.contains("genesis cannot be changed"), "{ended:?}");
    // The command that made the chain starts it again.
    assert_eq!(home.node().started["height"], "3");
}

#[test]
fn the_wrong_fingerprint_a_taken_port_and_nobody_there() {
    let home = Home::new();
    let node = home.node();
    let target = format!("0x{}", "11".repeat(20));
    let pin = format!("{}{}", if node.pin.starts_with('0') { "1" } else { "0" }, &node.pin[1..]);
    let ended = zvm(["query", &target, "get()", "--node", &node.address, "--pin", &pin]).expect_code(5);
    assert!(ended.err.contains("not the one expected"), "{ended:?}");
    let ended = zvm(["--json", "query", &target, "get()", "--node", &node.address, "--pin", &pin]);
    assert_eq!(ended.expect_code(5).json()["error"]["kind"], "untrusted");
    zvm(["query", &target, "get()", "--node", &node.address, "--pin", "12"]).expect_code(2);

    let other = home.path("other");
    let ended = zvm(["node", "--listen", &node.address, "--dir", &other]).expect_code(5);
    assert!(ended.err.contains("is in use"), "{ended:?}");

    let (address, pin) = (node.address.clone(), node.pin.clone());
    node.kill();
    let nobody = ["query", &target, "get()", "--node", &address, "--pin", &pin, "--timeout", "10"];
    let ended = zvm(nobody).expect_code(5);
    assert!(ended.err.contains(&address), "{ended:?}");
}

#[test]
fn accounts_receipts_the_chain_and_health_are_told() {
    let home = Home::new();
    let node = home.node();
    let deployed = result(&home.signed(&node, &["deploy", &counter()]).expect_code(0));
    let contract = deployed["receipt"]["created"].as_str().expect("an address");

    let account = result(&node.zvm(&["account", contract, "--json"]).expect_code(0));
    assert_eq!((&account["code_hash"], &account["balance"]), (&deployed["code_hash"], &json!("0")));
    let account = result(&node.zvm(&["account", &home.address, "--json"]).expect_code(0));
    assert_eq!((&account["nonce"], &account["code_hash"]), (&json!("1"), &Value::Null));
    let nobody = format!("0x{}", "44".repeat(20));
    let text = node.zvm(&["account", &nobody]).expect_code(0).out;
    assert_eq!(text, format!("address  {nobody}\nnonce    0\nbalance  0\ncode     none\n"));
    node.zvm(&["account", "0x44"]).expect_code(2);

    // A receipt is what the call told, and ends as the call did.
    let id = deployed["receipt"]["call_id"].as_str().expect("an id");
    let told = result(&node.zvm(&["receipt", id, "--json"]).expect_code(0));
    assert_eq!(told["receipt"], deployed["receipt"]);
    assert!(node.zvm(&["receipt", &format!("0x{id}")]).expect_code(0).out.contains(contract));
    let failed = home.signed(&node, &["call", contract, "spin()", "--gas", "2000000"]).expect_code(4);
    let id = result(&failed)["receipt"]["call_id"].as_str().expect("an id").to_string();
    node.zvm(&["receipt", &id]).expect_code(4);
    let none = node.zvm(&["receipt", &"0".repeat(64), "--json"]).expect_code(1);
    assert_eq!(none.json()["error"]["code"], "not_found");
    node.zvm(&["receipt", "12"]).expect_code(2);

    let chain = result(&node.zvm(&["chain", "--json"]).expect_code(0));
    assert_eq!((&chain["height"], &chain["same_rules"]), (&json!("2"), &json!(true)), "{chain}");
    assert_eq!(chain["genesis_hash"], node.started["genesis_hash"]);
    let text = node.zvm(&["chain"]).expect_code(0).out;
    assert!(text.contains("\nheight      2\n") && text.contains("as this program's"), "{text}");

    let health = result(&node.zvm(&["health", "--json"]).expect_code(0));
    assert_eq!(health, json!({ "height": "2", "uploads": 0, "staged": 0 }));
    assert!(node.zvm(&["health"]).expect_code(0).out.starts_with("the node answers\n"));
}

#[test]
fn names_are_looked_up_and_every_address_is_tried() {
    let home = Home::new();
    let node =
        Node::spawn(program().args(["node", "--json", "--listen", "localhost:0", "--dir"]).arg(home.chain()));
    // Whichever addresses the name has here, and wherever the node listens of them.
    let (_, port) = node.address.rsplit_once(':').expect("a port");
    let pin = &node.pin;
    zvm(["health", "--node", &format!("localhost:{port}"), "--pin", pin]).expect_code(0);
    zvm(["health", "--node", &node.address, "--pin", pin]).expect_code(0);

    let ended = zvm(["health", "--json", "--node", "nobody.invalid:1", "--pin", pin]).expect_code(5);
    let error = ended.json()["error"].clone();
    assert_eq!(error["kind"], "network");
    assert!(
        error["text"].as_str().is_some_and(|text| text.contains("`nobody.invalid` has no address")),
        "{error}"
    );
    let ended = zvm(["node", "--listen", "nobody.invalid:1", "--dir", &home.path("none")]).expect_code(5);
    assert!(ended.err.contains("`nobody.invalid` has no address"), "{ended:?}");
    assert!(!home.dir.path().join("none").exists());
    for bad in ["nobody", "no body:1", "nobody:x", "1.2.3.4"] {
        let ended = zvm(["health", "--node", bad, "--pin", pin]).expect_code(2);
        assert!(ended.err.contains("an address or a host name, and a port"), "{ended:?}");
    }
}

/// Today's patience is 10 s: a closed port of this machine is told long before.
#[test]
fn a_closed_port_is_told_at_once() {
    let free = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("bound").to_string();
    drop(free);
    let began = std::time::Instant::now();
    let ended =
        zvm(["health", "--node", &address, "--pin", &"0".repeat(64), "--timeout", "60"]).expect_code(5);
    assert!(ended.err.contains(&format!("nobody listens at {address}")), "{ended:?}");
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
    let (_, port) = address.rsplit_once(':').expect("a port");
    let ended =
        zvm(["health", "--node", &format!("localhost:{port}"), "--pin", &"0".repeat(64), "--timeout", "60"]);
    assert!(ended.expect_code(5).err.contains("nobody listens at"));
}

#[test]
fn a_deploy_without_the_coins_uploads_nothing() {
    let home = Home::new();
    // Enough for an envelope and far too little for the module.
    let node = Node::start(&home.chain(), &["--fund", &format!("{}=1_000_000", home.address)]);
    let refused = |args: &[&str]| {
        let ended = home.signed(&node, &[&["deploy", &counter()], args].concat()).expect_code(1);
        let error = ended.json()["error"].clone();
        assert_eq!(error["kind"], "balance", "{error}");
        assert!(
            error["text"].as_str().is_some_and(|text| text.contains("has 1000000 base units")),
            "{error}"
        );
        let health = result(&node.zvm(&["health", "--json"]).expect_code(0));
        assert_eq!((&health["staged"], &health["height"]), (&json!(0), &json!("0")), "{args:?}");
    };
    refused(&[]);
    refused(&["--gas", "999999", "--value", "2"]);
    refused(&["--gas", "500000", "--price", "3"]);
}

/// What a call would do, without doing it; and what the state holds, with a proof.
#[test]
fn a_dry_run_changes_nothing_and_the_state_is_proven() {
    let home = Home::new();
    let node = home.node();
    let counter = deploy(&home, &node);
    let before = node.zvm(&["chain", "--json"]).expect_code(0).json()["result"]["state_root"].clone();
    let dry = result(&home.signed(&node, &["call", &counter, "increment()", "--dry-run"]).expect_code(0));
    assert_eq!((&dry["dry_run"], &dry["cold_gas"]), (&json!(true), &json!("0")));
    assert_eq!(dry["receipt"]["status"], "success");
    assert_eq!(node.zvm(&["chain", "--json"]).expect_code(0).json()["result"]["state_root"], before);
    let real = result(&home.signed(&node, &["call", &counter, "increment()"]).expect_code(0));
    for field in ["gas_used", "return_data", "status"] {
        assert_eq!(real["receipt"][field], dry["receipt"][field], "{field}");
    }
    let account = result(&node.zvm(&["state", &counter, "--json"]).expect_code(0));
    assert_eq!(account["state"], "present");
    assert_eq!(account["state_root"], result(&node.zvm(&["chain", "--json"]).expect_code(0))["state_root"]);
    let absent = result(&node.zvm(&["state", &counter, "0x0011", "--json"]).expect_code(0));
    assert_eq!((&absent["state"], &absent["value"]), (&json!("absent"), &Value::Null));
    let older = result(&node.zvm(&["state", &counter, "--height", "1", "--json"]).expect_code(0));
    assert_eq!((&older["state"], &older["height"]), (&json!("unknown"), &json!("1")));
    node.zvm(&["state", &counter, "--height", "99"]).expect_code(1);
}

/// A block of a stopped node's folder, run again from its file; and a file that lies.
#[test]
fn a_block_is_run_again_from_its_file() {
    let home = Home::new();
    let node = home.node();
    deploy(&home, &node);
    assert_eq!(node.terminate(), 0);
    let file = home.path("block.zvmr");
    let made = zvm(["bundle", "1", "--dir", &home.path("chain"), "--out", &file, "--json"]).expect_code(0);
    let hash = made.json()["result"]["block_hash"].as_str().expect("a hash").to_string();
    let again = zvm(["replay", &file, "--json"]).expect_code(0);
    assert_eq!(again.json()["result"]["block_hash"], hash.as_str());
    assert_eq!(again.json()["result"]["receipts"].as_array().expect("a list").len(), 1);
    let mut bytes = fs::read(&file).expect("the file");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, bytes).expect("written");
    let refused = zvm(["replay", &file]).expect_code(1);
    assert!(refused.err.contains("the witness is not that of the block"), "{refused:?}");
    zvm(["replay", &home.path("chain")]).expect_code(2);
    zvm(["bundle", "9", "--dir", &home.path("chain")]).expect_code(1);
}

#[test]
fn a_corrupt_store_is_named_and_left_alone() {
    let home = Home::new();
    let node = home.node();
    deploy(&home, &node);
    let genesis_hash =
        zvm_host::parse_hash(node.started["genesis_hash"].as_str().expect("text")).expect("a hash");
    #[cfg(unix)]
    assert_eq!(node.terminate(), 0);
    #[cfg(not(unix))]
    node.kill();
    let store = home.chain().join("chain.redb");
    let good = fs::read(&store).expect("the store");

    let refused = |bytes: &[u8]| {
        fs::write(&store, bytes).expect("written");
        let ended = zvm(["node", "--listen", "127.0.0.1:0", "--dir", &home.path("chain")]).expect_code(1);
        assert!(ended.err.starts_with("error: the store "), "{ended:?}");
        assert!(!ended.err.contains("panicked"), "{ended:?}");
    };
    refused(b"this is no store");
    assert_eq!(fs::read(&store).expect("still there"), b"this is no store", "it was changed");
    // Another format: the name is changed in every page that holds a copy of it.
    let mut other = good.clone();
    let name = b"zvm-store-3";
    let mut copies = 0;
    for at in 0..other.len() - name.len() {
        if other[at..].starts_with(name) {
            other[at + name.len() - 1] = b'9';
            copies += 1;
        }
    }
    assert!(copies > 0);
    refused(&other);
    assert!(fs::read(&store).expect("still there") == other, "it was changed");
    // One bit of an entry: the place is said, once.
    let mut bad = good.clone();
    let places: Vec<_> = (0..good.len()).filter(|at| good[*at..].starts_with(&genesis_hash)).collect();
    places.iter().for_each(|at| bad[at + 40] ^= 4);
    fs::write(&store, &bad).expect("written");
    let ended = zvm(["node", "--listen", "127.0.0.1:0", "--dir", &home.path("chain")]).expect_code(1);
    assert!(ended.err.starts_with("error: the store is corrupt: table `"), "{ended:?}");
    assert!(ended.err.contains("key 0x") && ended.err.matches("corrupt").count() == 1, "{ended:?}");
    assert!(fs::read(&store).expect("still there") == bad, "it was changed");

    fs::write(&store, &good).expect("written");
    let node = Node::start(&home.chain(), &[]);
    assert_eq!(node.started["height"], "1");
}

/// The counter with a custom section of so many bytes.
fn counter_of(len: u32, fill: u8) -> Vec<u8> {
    let mut module = fs::read(counter()).expect("the contract");
    module.push(0);
    module.extend([(len & 0x7f) as u8 | 0x80, (len >> 7 & 0x7f) as u8 | 0x80, (len >> 14) as u8]);
    module.extend([1, b'p']);
    module.resize(module.len() + len as usize - 2, fill);
    module
}

/// Files may not grow beyond a little more than the store, which is what a full disk does, without filling
/// one; a process that exceeds such a limit is killed unless it cares.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_ends_with_room() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    let home = Home::new();
    let node = home.node();
    let contract = deploy(&home, &node);
    home.signed(&node, &["call", &contract, "increment()"]).expect_code(0);
    node.kill();

    let kib = fs::metadata(home.chain().join("chain.redb")).expect("the store").len().div_ceil(1024) + 256;
    let limited = format!("ulimit -S -f {kib}; exec \"$0\" node --json --listen 127.0.0.1:0 --dir \"$1\"");
    let mut command = std::process::Command::new("bash");
    command.args(["-c", &limited, env!("CARGO_BIN_EXE_zvm")]).arg(home.chain());
    let node = Node::spawn(&mut command);
    let send = |len: u32, fill: u8| {
        let file = write(home.dir.path(), "large.wasm", counter_of(len, fill));
        home.signed(&node, &["deploy", file.to_str().expect("UTF-8")])
    };
    let is_told = |ended: &Ended| {
        let error = &ended.json()["error"];
        assert_eq!(error["kind"], "refused", "{ended:?}");
        assert!(error["text"].as_str().expect("text").contains("the disk of the node is full"), "{ended:?}");
    };
    // One that is too long for the file of an upload, then ones that are too many for the store.
    is_told(&send(1_000_000, 0).expect_code(1));
    let full = (1u8..40).find(|fill| {
        let ended = send(50_000, *fill);
        if ended.code != 0 {
            is_told(&ended);
        }
        ended.code != 0
    });
    assert!(full.is_some(), "the limit is not reached");

    // Everything can be read, and it is told again.
    let asked = node.zvm(&["query", &contract, "get()", "--returns", "uint64"]).expect_code(0);
    assert_eq!(asked.out, "1\n");
    is_told(&send(50_000, 40).expect_code(1));
    let asked = node.zvm(&["query", &contract, "get()", "--returns", "uint64"]).expect_code(0);
    assert_eq!(asked.out, "1\n");

    // Room: the same node goes on.
    let process = Pid::from_raw(node.process() as i32);
    prlimit(process, Resource::Fsize, Rlimit { current: None, maximum: None }).expect("raised");
    send(50_000, 40).expect_code(0);
    send(1_000_000, 0).expect_code(0);
    home.signed(&node, &["call", &contract, "increment()"]).expect_code(0);
    let asked = node.zvm(&["query", &contract, "get()", "--returns", "uint64"]).expect_code(0);
    assert_eq!(asked.out, "2\n");
    let chain = node.started.clone();
    node.kill();

    let node = Node::start(&home.chain(), &[]);
    assert_eq!(node.started["genesis_hash"], chain["genesis_hash"]);
    home.signed(&node, &["call", &contract, "increment()"]).expect_code(0);
    let asked = node.zvm(&["query", &contract, "get()", "--returns", "uint64"]).expect_code(0);
    assert_eq!(asked.out, "3\n");
}
