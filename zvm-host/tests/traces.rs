//! What people are told of a call that ended badly: where it was, by which functions; a record keeps little of it, and
//! nothing of it decides anything.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use zvm_host::codec::Writer;
use zvm_host::diagnostics::KEPT_LEN_MAX;
use zvm_host::{Record, Status, TraceFrame};

const IMPORTS: &str = r#"
    (import "env" "revert" (func $long_mangled_name (param i32 i32 i32)))
    (import "env" "storage_write" (func $write (param i32 i32 i32 i32)))
    (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
    (import "env" "debug" (func $debug (param i32 i32)))"#;

/// A contract whose `invoke` does something; with names, or without.
fn contract_that(functions: &str, invoke: &str, names: bool) -> Vec<u8> {
    let text = format!(
        r#"(module {IMPORTS} {functions}
            (memory (export "memory") 1)
            (func (export "init") (result i32) (i32.const 0))
            (func $entry (export "invoke") (result i32) {invoke} (i32.const 0)))"#
    );
    let text = if names { text } else { without_names(&text) };
    wat::parse_str(text).unwrap()
}

/// The same with numbers instead of names, which leaves no name section.
fn without_names(text: &str) -> String {
    let mut text = text.to_string();
    let functions =
        ["$long_mangled_name", "$write", "$abort", "$debug", "$deep", "$inner", "$outer", "$entry"];
    for name in functions {
        let declared = format!("(func {name}");
        if !text.contains(&declared) {
            continue;
        }
        let before = text.find(&declared).unwrap();
        let number = text[..before].matches("(func ").count();
        text = text.replace(&declared, "(func").replace(&format!("call {name}"), &format!("call {number}"));
    }
    assert!(!text.contains('$'), "{text}");
    text
}

fn call(wasm: &[u8]) -> Record {
    let mut net = Net::new();
    let to = net.deployed(wasm, b"");
    let record = net.call(&alice(), to, b"");
    let stored = net.chain.receipt(&record.receipt.call_id).unwrap().unwrap();
    assert_eq!(stored, record);
    record
}

fn short(frame: &TraceFrame) -> String {
    let name = frame.name.as_deref().unwrap_or("-");
    let offset = if frame.offset.is_some() { " at" } else { "" };
    format!("{} {name}{}{offset}", frame.function.unwrap(), if frame.host { " host" } else { "" })
}

fn shown(record: &Record) -> Vec<String> {
    record.diagnostics.backtrace.iter().map(short).collect()
}

const NESTED: &str = "(func $inner DOES) (func $outer (call $inner))";

#[test]
fn every_bad_end_has_a_place() {
    let cases = [
        (
            "(call $long_mangled_name (i32.const 4) (i32.const 0) (i32.const 0))",
            Status::Reverted,
            Some("0 env.revert host"),
        ),
        (
            "(call $write (i32.const -1) (i32.const 8) (i32.const 0) (i32.const 0))",
            Status::RuntimeError,
            Some("1 env.storage_write host"),
        ),
        (
            "(call $abort (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
            Status::RuntimeError,
            Some("2 env.abort host"),
        ),
        ("unreachable", Status::RuntimeError, None),
        ("(loop (br 0))", Status::OutOfGas, None),
    ];
    for (does, status, host) in cases {
        let functions = NESTED.replace("DOES", does);
        let named = call(&contract_that(&functions, "(call $outer)", true));
        let nameless = call(&contract_that(&functions, "(call $outer)", false));
        assert_eq!(named.receipt.status, status, "{does}");
        let guest = |names: [&str; 3]| {
            let frames = names.iter().zip([4, 5, 7]).map(|(name, index)| format!("{index} {name} at"));
            host.iter().map(|host| (*host).to_string()).chain(frames).collect::<Vec<_>>()
        };
        assert_eq!(shown(&named), guest(["inner", "outer", "entry"]), "{does}");
        assert_eq!(shown(&nameless), guest(["-", "-", "invoke"]), "{does}");
        // Names change nothing that is hashed but what depends on the module's bytes.
        let hashed = |record: &Record| {
            let receipt = &record.receipt;
            (
                receipt.status,
                receipt.revert_code,
                receipt.trap_code,
                receipt.gas_used,
                receipt.return_data_hash,
            )
        };
        assert_eq!(hashed(&named), hashed(&nameless), "{does}");
        assert_eq!(named.receipt.encode().len(), nameless.receipt.encode().len());
    }
}

/// As much as a contract can make of it: deep recursion with long names, and `debug` texts.
#[test]
fn a_record_is_small_whatever_a_contract_does() {
    let long = "n".repeat(2_000);
    let text = format!(
        r#"(module {IMPORTS}
            (memory (export "memory") 1)
            (func ${long} (param i32)
                (if (local.get 0) (then (call ${long} (i32.sub (local.get 0) (i32.const 1)))) (else unreachable)))
            (func (export "init") (result i32) (i32.const 0))
            (func (export "invoke") (result i32)
                (local i32)
                (loop
                    (call $debug (i32.const 0) (i32.const 1024))
                    (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 40))))
                (call ${long} (i32.const 500))
                (i32.const 0)))"#
    );
    let record = call(&wat::parse_str(text).unwrap());
    let diagnostics = &record.diagnostics;
    let mut out = Writer::default();
    diagnostics.write(&mut out);
    let len = out.finish().len();
    assert!(len <= KEPT_LEN_MAX, "{len} bytes");
    assert_eq!(diagnostics.texts[0], "unreachable");
    // 16 texts of 1 KiB are read, and the reason is one more.
    assert_eq!(diagnostics.texts.len() + diagnostics.texts_left_out as usize, 17);
    assert_eq!(diagnostics.backtrace.len() + diagnostics.frames_left_out as usize, 502);
    assert!(diagnostics.frames_left_out_at > 0);
    let deep = diagnostics.backtrace.first().unwrap();
    assert_eq!((deep.function, deep.name.as_deref().map(str::len)), (Some(4), Some(1_024)));
}
