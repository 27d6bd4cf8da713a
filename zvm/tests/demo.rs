//! The demo: as a person sees it in a pipe, and as a program reads it.

mod common;

use common::zvm;
use serde_json::json;
use tempfile::tempdir;

#[test]
fn every_receipt_is_the_expected_one() {
    let ended = zvm(["demo", "--pace", "1"]).expect_code(0);
    assert_eq!(ended.err, "", "nothing but the answer in a pipe");
    assert!(!ended.out.contains('\x1b'), "no colours in a pipe");
    for part in [
        "36 of 36 functions before the last bytes arrived",
        "status_code   0 success",
        "status_code   8 reverted with code 5: token: insufficient balance",
        "status_code   1 out_of_gas",
        "status_code   7 authentication_failed",
        "The node, restarted on the same store",
        "✓ Every outcome is the expected one.",
    ] {
        assert!(ended.out.contains(part), "{part}: {}", ended.out);
    }
}

#[test]
fn its_json_is_the_same_in_every_run() {
    let dir = tempdir().expect("a folder");
    let chain = dir.path().join("chain");
    let args = ["demo", "--json", "--pace", "1", "--dir", chain.to_str().expect("UTF-8")];
    let first = zvm(args).expect_code(0).json()["result"].clone();
    let second = zvm(["demo", "--json", "--pace", "1"]).expect_code(0).json()["result"].clone();
    // Block hashes hold the time; roots do not.
    for name in ["state_root_before", "state_root_after", "balances", "contract", "code_hash"] {
        assert_eq!(first[name], second[name], "{name}");
    }
    assert_eq!(first["balances"], json!({"alice": "999700", "bob": "180", "carol": "120"}));
    assert_eq!(first["restart"]["state_root"], first["state_root_after"]);
    let statuses: Vec<_> = first["steps"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|step| (step["expected"].as_str().unwrap_or_default(), step["as_expected"].as_bool()))
        .collect();
    let right = |name| (name, Some(true));
    assert_eq!(
        statuses,
        [
            right("success"),
            right("success"),
            right("success"),
            right("reverted"),
            right("out_of_gas"),
            right("authentication_failed")
        ]
    );
    // A chain that is there is not played over.
    let ended = zvm(args).expect_code(2);
    assert_eq!(ended.json()["error"]["kind"], "usage");
}
