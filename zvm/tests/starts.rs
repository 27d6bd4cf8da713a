//! First starts: two at once, one that is killed, and ones that fail. No folder may end up with a chain that
//! cannot be opened, or with half of one.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use common::*;
use zvm_host::chain::stored_genesis;
use zvm_host::{Chain, ChainConfig, RedbBackend, hex};

fn start(dir: &Path) -> Child {
    let mut command = program();
    command.args(["node", "--json", "--listen", "127.0.0.1:0", "--dir"]).arg(dir);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")
}

/// The genesis hash of the node if it serves, its words if it does not.
fn first_line(child: &mut Child) -> Result<String, String> {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
    let told: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    if told["event"] == "listening" {
        return Ok(told["result"]["genesis_hash"].as_str().expect("text").into());
    }
    assert_eq!(child.wait().expect("ends").code(), Some(1), "{told}");
    Err(told["error"]["text"].as_str().expect("text").into())
}

/// Opens the chain of a folder as a start does, and gives its genesis hash.
fn open(dir: &Path) -> String {
    let store = RedbBackend::open(&dir.join("chain.redb")).expect("the store opens");
    let genesis = stored_genesis(&store).expect("readable").expect("it has a genesis");
    let chain = Chain::open(Arc::new(store), &genesis, ChainConfig::default()).expect("the chain opens");
    hex(&chain.info().genesis_hash)
}

fn names(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).expect("readable");
    entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8")).collect()
}

fn race(dir: &Path) {
    let mut pair = [start(dir), start(dir)];
    let told: Vec<_> = pair.iter_mut().map(first_line).collect();
    for child in &mut pair {
        let _ = child.kill();
        let _ = child.wait();
    }
    let (serving, refused): (Vec<_>, Vec<_>) = told.into_iter().partition(Result::is_ok);
    let [Ok(genesis_hash)] = &serving[..] else { panic!("{serving:?} {refused:?}") };
    let [Err(text)] = &refused[..] else { panic!("{refused:?}") };
    assert!(text.contains("another process has it open"), "{text}");
    assert_eq!(&open(dir), genesis_hash, "another chain than the one that was served");
    assert!(names(dir).is_subset(&["chain.redb", "tls.key", "uploads"].map(String::from).into()), "{dir:?}");
}

/// 200 races of two processes on a new folder: exactly one serves, and every folder opens again.
#[test]
fn of_two_first_starts_one_serves() {
    let home = tempfile::tempdir().expect("a folder");
    for round in 0..200 {
        race(&home.path().join(format!("{round}")));
    }
}

/// Killed at any moment of its first start: the next one serves.
#[test]
fn a_first_start_that_is_killed_harms_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let (mut before, mut after) = (0, 0);
    for round in 0..60u64 {
        let dir = home.path().join(format!("{round}"));
        let mut child = start(&dir);
        std::thread::sleep(Duration::from_micros(round * 700));
        child.kill().expect("killed");
        child.wait().expect("reaped");
        match fs::metadata(dir.join("chain.redb")).map(|found| found.len()) {
            Ok(len) if len > 0 => after += 1,
            _ => before += 1,
        }
        let mut again = start(&dir);
        let genesis_hash = first_line(&mut again).expect("it serves");
        again.kill().expect("killed");
        again.wait().expect("reaped");
        assert_eq!(open(&dir), genesis_hash);
    }
    println!("killed before the chain was there: {before}, after: {after}");
    assert!(before > 0, "no start was killed early enough");
}

/// A start that fails leaves a new folder as if it had not been.
#[test]
fn a_failed_start_leaves_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().map(|address| (taken, address.to_string())).expect("an address");
    let address = format!("0x{}", "11".repeat(20));
    let most = u128::MAX.to_string();
    let sum = [format!("{address}={most}"), format!("0x{}=1", "22".repeat(20))];
    let cases: [(&[&str], i32); 3] = [
        (&["--listen", &taken.1], 5),
        (&["--listen", "127.0.0.1:0", "--fund", &sum[0], "--fund", &sum[1]], 2),
        (&["--listen", "127.0.0.1:0", "--fund", "no address"], 2),
    ];
    for (index, (args, code)) in cases.into_iter().enumerate() {
        let new = home.path().join(format!("new-{index}"));
        let there = home.path().join(format!("there-{index}"));
        fs::create_dir(&there).expect("made");
        for dir in [&new, &there] {
            let dir = dir.to_str().expect("UTF-8");
            zvm(["node", "--dir", dir].iter().chain(args)).expect_code(code);
        }
        assert!(!new.exists());
        assert_eq!(names(&there), BTreeSet::new());
        // Another genesis is still free to choose.
        let node = Node::start(&new, &["--chain-id", "9"]);
        assert_eq!((&node.started["chain_id"], &node.started["height"]), (&"9".into(), &"0".into()));
    }
    // A folder with a chain keeps it, whatever fails.
    let dir = home.path().join("new-0");
    let genesis_hash = open(&dir);
    let ended = zvm(["node", "--listen", &taken.1, "--dir", dir.to_str().expect("UTF-8")]).expect_code(5);
    assert!(ended.err.contains("is in use"), "{ended:?}");
    assert_eq!(open(&dir), genesis_hash);
}

/// What the program wrote before the genesis was in the store is not read any more, and not needed.
#[test]
fn a_store_is_all_that_a_chain_needs() {
    let home = tempfile::tempdir().expect("a folder");
    let dir = home.path().join("chain");
    let node = Node::start(&dir, &["--chain-id", "7"]);
    let genesis_hash = node.started["genesis_hash"].clone();
    node.kill();
    assert!(!dir.join("genesis").exists());
    let other = home.path().join("other");
    fs::create_dir(&other).expect("made");
    fs::copy(dir.join("chain.redb"), other.join("chain.redb")).expect("copied");
    fs::write(other.join("genesis"), b"of something else").expect("written");
    let node = Node::start(&other, &[]);
    assert_eq!(node.started["genesis_hash"], genesis_hash);
    assert_eq!(node.started["chain_id"], "7");
}

/// A store that is damaged is not begun anew, and nothing is written beside it.
#[test]
fn nothing_is_written_before_the_store_is_read() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("chain.redb"), vec![0; 100_000]).expect("written");
    let dir = home.path().to_str().expect("UTF-8");
    let ended = zvm(["node", "--listen", "127.0.0.1:0", "--dir", dir]).expect_code(1);
    assert!(ended.err.starts_with("error: the store is corrupt"), "{ended:?}");
    assert_eq!(names(home.path()), ["chain.redb".to_string()].into());
    let mut bytes = Vec::new();
    fs::File::open(home.path().join("chain.redb")).expect("there").read_to_end(&mut bytes).expect("read");
    assert_eq!(bytes, vec![0; 100_000]);
}
