//! Which crate may use which, and inside the engine which floor may use which. An arrow that is not listed
//! here fails: adding one is a decision, not an accident.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Members of the workspace and the members they may use.
const CRATES: &[(&str, &[&str])] = &[
    ("ghost-wasm", &[]),
    ("ghost-wasm-oracle", &["ghost-wasm"]),
    ("zvm-proof", &[]),
    ("zvm-host", &["ghost-wasm", "zvm-proof"]),
    ("zvm-quic", &["ghost-wasm", "zvm-host"]),
    ("wast-runner", &["ghost-wasm", "ghost-wasm-oracle"]),
    ("zvm", &["ghost-wasm", "zvm-proof", "zvm-host", "zvm-quic", "wast-runner"]),
    ("bench-micro", &["ghost-wasm", "zvm-host"]),
];

/// What a crate may use of the outside at run time, where that is limited at all.
const OUTSIDE: &[(&str, &[&str])] =
    &[("ghost-wasm", &["libm"]), ("ghost-wasm-oracle", &[]), ("zvm-proof", &["sha2"])];

/// The floors of the engine, and those each may use.
const FLOORS: &[(&str, &[&str])] = &[
    ("heap", &[]),
    ("types", &["heap"]),
    ("table", &["types"]),
    ("backtrace", &[]),
    ("error", &["backtrace", "table", "types"]),
    ("code", &["heap", "table", "types", "error"]),
    ("binary", &["heap", "table", "types", "error"]),
    ("exec", &["heap", "table", "types", "error", "code"]),
    ("valid", &["heap", "table", "types", "error", "binary"]),
    ("translate", &["table", "types", "error", "code", "binary", "exec", "valid"]),
    (
        "runtime",
        &["heap", "backtrace", "table", "types", "error", "code", "binary", "exec", "valid", "translate"],
    ),
];

/// What the protocol must not know.
const NOT_IN_PROTO: &[&str] = &["tokio", "quinn", "std::net", "std::fs", "std::io", "std::time", "rustls"];

/// Arrows that should not be there and are on their way out; one that is gone must leave this list.
const OWED: &[(&str, &str)] = &[];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"].as_array().expect("a list").clone()
}

fn rows<'a>(table: &[(&'a str, &[&'a str])]) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    table.iter().map(|(name, list)| (*name, list.iter().copied().collect())).collect()
}

/// The arrows of a package: name, whether it is a member of the workspace, whether a test's only.
fn arrows(package: &Value) -> Vec<(String, bool, bool)> {
    let list = package["dependencies"].as_array().expect("a list");
    list.iter()
        .map(|dependency| {
            let name = dependency["name"].as_str().expect("a name").to_string();
            (name, dependency["path"].is_string(), dependency["kind"] == "dev")
        })
        .collect()
}

#[test]
fn crates_use_only_those_below() {
    let (crates, outside) = (rows(CRATES), rows(OUTSIDE));
    let mut seen = BTreeSet::new();
    for package in packages() {
        let name = package["name"].as_str().expect("a name");
        let allowed =
            crates.get(name).unwrap_or_else(|| panic!("{name} is not in the list of crates; add its row"));
        seen.insert(name.to_string());
        for (used, member, test_only) in arrows(&package) {
            if member {
                // Tests may look sideways, but nothing may look at the program, the benches, the runner.
                let everyday = test_only && ["ghost-wasm", "ghost-wasm-oracle"].contains(&&*used);
                assert!(allowed.contains(&*used) || everyday, "{name} must not use {used}");
            } else if !test_only && let Some(allowed) = outside.get(name) {
                assert!(allowed.contains(&*used), "{name} must not use {used} at run time");
            }
        }
    }
    for name in crates.keys() {
        assert!(seen.contains(*name), "{name} is listed but no member of the workspace");
    }
}

#[test]
fn floors_of_the_engine_use_only_those_below() {
    let floors = rows(FLOORS);
    let source = root().join("ghost-wasm/src");
    let mut arrows_found = 0;
    let mut owed: BTreeSet<_> = OWED.iter().copied().collect();
    let mut owed_found = BTreeSet::new();
    for (floor, allowed) in &floors {
        for file in sources(&source, floor) {
            let text = fs::read_to_string(&file).expect("readable");
            for used in text.split("crate::").skip(1).map(leading_word) {
                if used != *floor && floors.contains_key(used) {
                    arrows_found += 1;
                    if owed.contains(&(*floor, used)) {
                        owed_found.insert((*floor, used.to_string()));
                        continue;
                    }
                    assert!(allowed.contains(used), "{}: {floor} must not use {used}", file.display());
                }
            }
        }
    }
    owed.retain(|(floor, used)| !owed_found.contains(&(*floor, used.to_string())));
    assert!(owed.is_empty(), "no longer owed, take it off the list: {owed:?}");
    assert!(arrows_found > 20, "the search no longer finds the arrows that are there");
}

#[test]
fn the_protocol_knows_no_socket_and_no_clock() {
    let files = sources(&root().join("zvm-quic/src"), "proto");
    assert!(!files.is_empty(), "the protocol has moved");
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        // Tests, at the end of a file, may do more.
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for word in NOT_IN_PROTO {
                // `Duration` is a number, not a clock.
                let found = line.replace("time::Duration", "").contains(&format!("{word}::"));
                assert!(!found, "{}: {word} in {line}", file.display());
            }
        }
    }
}

/// `NAME.rs` and everything in the folder `NAME`.
fn sources(parent: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let single = parent.join(name).with_extension("rs");
    if single.is_file() {
        found.push(single);
    }
    let mut folders = vec![parent.join(name)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

fn leading_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}
