//! Small hostile inputs do not make the program large: each command has 64 MiB of address space, and what it
//! writes is bounded, too.
#![cfg(target_os = "linux")]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use common::{Ended, program, write};
use serde_json::{Value, json};
use tempfile::tempdir;

/// What a command may take, in KiB. Address space is never less than what is resident.
const ADDRESS_SPACE_KIB: usize = 64 << 10;
/// Bytes that a command may write about an input of about 80 KB.
const WRITTEN_BYTES_MAX: usize = 2 << 20;

#[track_caller]
fn bounded(args: &[&str], code: i32) -> Ended {
    let mut command = Command::new("sh");
    command.args(["-c", &format!(r#"ulimit -v {ADDRESS_SPACE_KIB} && exec "$0" "$@""#)]);
    command.arg(program().get_program()).args(args).stdin(Stdio::null()).env_remove("ZVM_LOG");
    let ended = Ended::from(command.output().expect("starts"));
    let written = ended.out.len() + ended.err.len();
    assert!(written <= WRITTEN_BYTES_MAX, "{args:?}: {written} bytes");
    assert_eq!(ended.code, code, "{args:?}: {}", ended.err.chars().take(1000).collect::<String>());
    ended
}

fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A section of items.
fn section(id: u8, items: &[Vec<u8>]) -> Vec<u8> {
    let content = [leb(items.len()), items.concat()].concat();
    [vec![id], leb(content.len()), content].concat()
}

fn module(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat()
}

/// 1,000 parameters of type i32.
fn large_type() -> Vec<u8> {
    section(1, &[[vec![0x60], leb(1000), vec![0x7f; 1000], vec![0]].concat()])
}

/// Locals and operators with their length.
fn code(bodies: &[&[u8]]) -> Vec<u8> {
    let body = |body: &&[u8]| [leb(body.len()), body.to_vec()].concat();
    section(10, &bodies.iter().map(body).collect::<Vec<_>>())
}

fn path(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    write(dir, name, bytes).to_str().expect("UTF-8").to_string()
}

/// 20,000 functions of one large type in 81 KB: their types written out would be 122 MB.
#[test]
fn functions_of_one_large_type() {
    let dir = tempdir().expect("a folder");
    let count = 20_000;
    let bytes =
        module(&[large_type(), section(3, &vec![vec![0]; count]), code(&vec![&[0, 0x0b][..]; count])]);
    let file = path(dir.path(), "m.wasm", bytes);
    let ended = bounded(&["inspect", &file, "--functions"], 0);
    let whole = format!("type 0  [{}i32] -> []", "i32 ".repeat(999));
    assert_eq!(ended.out.matches(&whole).count(), 1);
    assert_eq!(ended.out.matches("bytes  type 0\n").count(), count);
    let object = bounded(&["inspect", &file, "--json"], 0).json();
    assert_eq!(object["zvm"], 2);
    assert_eq!(object["result"]["types"], json!([{"params": vec!["i32"; 1000], "results": []}]));
    let list = object["result"]["functions"]["list"].as_array().expect("a list");
    assert_eq!(list.len(), count);
    assert!(list.iter().all(|function| function["type"] == 0));
    bounded(&["validate", &file, "--json"], 0);
    bounded(&["run", &file, "--json"], 0);
}

/// Thousands of imports and exports of it; `run` lists those that are closest to a name.
#[test]
fn imports_and_exports_of_one_large_type() {
    let dir = tempdir().expect("a folder");
    let imports = module(&[large_type(), section(2, &vec![vec![0, 0, 0, 0]; 20_000])]);
    let imports = path(dir.path(), "imports.wasm", imports);
    bounded(&["inspect", &imports], 0);
    let object = bounded(&["inspect", &imports, "--json"], 0).json();
    assert_eq!(object["result"]["imports"][19_999]["type"], json!({"kind": "func", "type": 0}));

    let export = |index: usize| {
        let name = format!("{index:x}");
        [leb(name.len()), name.into_bytes(), vec![0, 0]].concat()
    };
    let exports: Vec<_> = (0..10_000).map(export).collect();
    let exports = module(&[large_type(), section(3, &[vec![0]]), section(7, &exports), code(&[&[0, 0x0b]])]);
    let exports = path(dir.path(), "exports.wasm", exports);
    bounded(&["inspect", &exports], 0);
    let object = bounded(&["inspect", &exports, "--json"], 0).json();
    assert_eq!(object["result"]["exports"][9_999]["type"], json!({"kind": "func", "type": 0}));
    let ended = bounded(&["run", &exports, "--invoke", "zz"], 1);
    assert!(ended.err.contains("i32 … 984 more] -> [])") && ended.err.len() < 2000, "{}", ended.err);
    let ended = bounded(&["run", &exports, "--invoke", "0", "1"], 2);
    assert!(ended.err.contains("1000 arguments, 1 given") && ended.err.len() < 500, "{}", ended.err);
}

/// An operator with 80,000 types, in the excerpt of an error.
#[test]
fn a_long_operator_beside_an_error() {
    let dir = tempdir().expect("a folder");
    let body = [vec![0, 0x1c], leb(80_000), vec![0x6f; 80_000], vec![0x0b]].concat();
    let bytes = module(&[section(1, &[vec![0x60, 0, 0]]), section(3, &[vec![0]]), code(&[&body])]);
    let file = path(dir.path(), "m.wasm", bytes);
    let ended = bounded(&["validate", &file], 1);
    assert!(ended.err.contains("select") && ended.err.len() < 2000, "{}", ended.err.len());
    bounded(&["validate", &file, "--json"], 1);
}

/// A module that fails with a text of 90 KB, and 1,000 directives that need it.
#[test]
fn directives_that_fail_for_one_long_reason() {
    let dir = tempdir().expect("a folder");
    let name = "é".repeat(45_000);
    let script = format!("(module (import \"{name}\" \"f\" (func)))\n{}", "(invoke \"f\")\n".repeat(1_000));
    let file = path(dir.path(), "m.wast", script);
    let ended = bounded(&["wast", &file], 1);
    assert_eq!(ended.out.matches("its module failed: ").count(), 1_000);
    let object = bounded(&["wast", &file, "--json"], 1).json();
    let findings = object["result"]["findings"].as_array().expect("a list");
    assert_eq!(findings.len(), 1_001);
    let cut = |finding: &Value| finding["text"].as_str().is_some_and(|text| text.ends_with('…'));
    assert!(findings.iter().all(cut));
}
