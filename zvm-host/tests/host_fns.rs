//! Every row of the table of host functions, as a contract meets it: types, bad pointers, charges,
//! legality. The cases are made from the rows, so a new row is tested the day it is added.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use ghost_wasm::ValType;
use zvm_host::table::host_fns::{HOST_FNS, HostFn, Place, Role};
use zvm_host::table::host_gas;
use zvm_host::{Address, Body, ContractModule, Record, Status};

const PAGE: u64 = 65_536;

fn declaration(row: &HostFn) -> String {
    let params: String = row.params.iter().map(|(_, role)| format!(" (param {})", role.val_type())).collect();
    let result = row.result.map_or(String::new(), |ty| format!(" (result {ty})"));
    format!(r#"(import "env" "{}" (func $f{params}{result}))"#, row.name)
}

/// A contract whose `invoke` and `query` call the function once with these arguments.
fn calling(row: &HostFn, arguments: &[i64]) -> Vec<u8> {
    let call = format!("(call $f{})", pushed(row, arguments));
    let call = if row.result.is_some() { format!("(drop {call})") } else { call };
    let (more, before) = match row.name {
        // An iterator to take the next of.
        "storage_next" => (
            r#"(import "env" "storage_iter" (func $iter (param i32 i32) (result i32)))"#,
            "(drop (call $iter (i32.const 0) (i32.const 0)))",
        ),
        _ => ("", ""),
    };
    let body = format!("{before} {call} (i32.const 0)");
    contract(&(declaration(row) + more), "(i32.const 0)", &body, &body)
}

fn pushed(row: &HostFn, arguments: &[i64]) -> String {
    let push = |((_, role), value): (&(&str, Role), &i64)| match role {
        Role::I64 => format!(" (i64.const {value})"),
        _ => format!(" (i32.const {})", *value as i32),
    };
    row.params.iter().zip(arguments).map(push).collect()
}

/// Arguments that are all in bounds: pointers 64 apart, lengths 1, one topic.
fn good(row: &HostFn) -> Vec<i64> {
    let value = |(at, (_, role)): (usize, &(&str, Role))| match role {
        Role::Ptr | Role::In(_) | Role::Out(_) | Role::Topics => 64 * at as i64,
        Role::Len | Role::Count => 1,
        Role::I32 | Role::I64 => 0,
    };
    row.params.iter().enumerate().map(value).collect()
}

fn call_once(net: &mut Net, wasm: &[u8]) -> Record {
    let at = net.deployed(wasm, &[]);
    net.call(&bob(), at, &[])
}

/// How it ends where the function may be called: status, trap, gas of the call without its envelope.
fn ends(net: &mut Net, row: &HostFn, wasm: &[u8]) -> (Status, u8) {
    if row.legal.allows(Place::Changing) {
        let record = call_once(net, wasm);
        return (record.receipt.status, record.receipt.trap_code);
    }
    let at = net.deployed(wasm, &[]);
    let answer = net.query(at, &[]);
    (answer.status, answer.trap_code)
}

#[test]
fn a_wrong_type_is_refused_as_an_import() {
    let engine = zvm_host::contract::engine();
    for row in HOST_FNS {
        let mut declared: Vec<String> =
            row.params.iter().map(|(_, role)| role.val_type().to_string()).collect();
        declared.push("i64".into());
        let result = row.result.map_or(String::new(), |ty: ValType| format!("(result {ty})"));
        let import =
            format!(r#"(import "env" "{}" (func (param {}) {result}))"#, row.name, declared.join(" "));
        let wasm = contract(&import, "(i32.const 0)", "(i32.const 0)", "(i32.const 0)");
        let error = ContractModule::new(&engine, &wasm).unwrap_err().to_string();
        assert!(error.contains(row.name) && error.contains("the host's has"), "{error}");
    }
}

/// The host's part of the gas: the same call without the function costs that much less.
#[test]
fn each_function_costs_what_its_row_says() {
    let mut net = Net::new();
    let ends = |row: &&HostFn| ["revert", "abort"].contains(&row.name);
    for row in HOST_FNS.iter().filter(|row| !ends(row) && row.legal.allows(Place::Changing)) {
        let arguments = good(row);
        let with = call_once(&mut net, &calling(row, &arguments));
        assert_eq!(with.receipt.status, Status::Success, "{}: {:?}", row.name, with.diagnostics);
        // The same body around a function of the module that does nothing.
        let text = declaration(row).replace(&format!(r#"(import "env" "{}" "#, row.name), "");
        let empty = match row.result {
            None => "",
            Some(ValType::I64) => "(i64.const 0)",
            Some(_) => "(i32.const 0)",
        };
        let stand_in = format!("{} {empty})", text.strip_suffix("))").unwrap());
        let call = format!("(call $f{})", pushed(row, &arguments));
        let call = if row.result.is_some() { format!("(drop {call})") } else { call };
        let body = format!("{call} (i32.const 0)");
        let without = call_once(&mut net, &contract(&stand_in, "(i32.const 0)", &body, &body));
        // What the stand-in itself costs: entering, and making and returning its value.
        let schedule = ghost_wasm::Profile::CONTRACT_V1.schedule().clone();
        let own = u64::from(schedule.enter_cost(0))
            + u64::from(schedule.class(ghost_wasm::table::gas::GasClass::Return))
            + u64::from(row.result.is_some())
                * u64::from(schedule.per_value + schedule.class(ghost_wasm::table::gas::GasClass::Const));
        let host = with.receipt.gas_used + own - without.receipt.gas_used;
        // Lengths of the case: input 0 bytes, key and value 1 byte, 32 bytes of topics.
        let by_len = match row.name {
            "input_read" | "returned_read" => row.price.by_len(0),
            "caller_key" => row.price.by_len(1),
            "emit" => row.price.by_len(33),
            "storage_write" => row.price.by_len(2) + host_gas::GROWTH_BYTE * (21 + 1 + 1),
            "balance" | "self_balance" => 0,
            _ => row.price.by_len(row.params.iter().filter(|(_, role)| *role == Role::Len).count() as u64),
        };
        assert_eq!(host, row.price.base + by_len, "{}", row.name);
    }
}

/// One byte beyond the end, for each range; at the very end is fine. And sums beyond 2^32.
#[test]
fn ranges_end_with_the_memory() {
    let mut net = Net::new();
    for row in HOST_FNS.iter().filter(|row| !["revert", "abort"].contains(&row.name)) {
        for (at, (name, role)) in row.params.iter().enumerate() {
            let len = match role {
                Role::Ptr => 1,
                Role::Topics => 32,
                Role::In(len) | Role::Out(len) => i64::from(*len),
                Role::Len | Role::Count | Role::I32 | Role::I64 => continue,
            };
            let mut arguments = good(row);
            for (pointer, status) in [
                (PAGE as i64 - len, Status::Success),
                (PAGE as i64 - len + 1, Status::RuntimeError),
                (u32::MAX.into(), Status::RuntimeError),
            ] {
                arguments[at] = pointer;
                let (found, trap) = ends(&mut net, row, &calling(row, &arguments));
                assert_eq!(found, status, "{}({name} = {pointer})", row.name);
                if status == Status::RuntimeError {
                    assert_eq!(trap, 129, "{}", row.name);
                }
            }
            if *role == Role::Ptr {
                arguments[at] = 8;
                arguments[at + 1] = u32::MAX.into();
                let (_, trap) = ends(&mut net, row, &calling(row, &arguments));
                assert_eq!(trap, 129, "{}: pointer + length wraps", row.name);
            }
        }
    }
}

#[test]
fn a_function_is_reached_where_its_row_says() {
    let mut net = Net::new();
    for row in HOST_FNS.iter().filter(|row| !["revert", "abort"].contains(&row.name)) {
        let at = net.deployed(&calling(row, &good(row)), &[]);
        for (place, found) in [
            (Place::Query, net.query(at, &[]).status),
            (Place::Changing, net.call(&bob(), at, &[]).receipt.status),
        ] {
            let want = if row.legal.allows(place) { Status::Success } else { Status::PolicyDenied };
            assert_eq!(found, want, "{} in {place:?}", row.name);
        }
    }
}

/// What the context functions say, in a call and in a query.
#[test]
fn the_context_is_the_call() {
    let imports = r#"
        (import "env" "self_address" (func $self (param i32)))
        (import "env" "caller" (func $caller (param i32)))
        (import "env" "origin" (func $origin (param i32)))
        (import "env" "caller_key" (func $key (param i32 i32) (result i32)))
        (import "env" "chain_id" (func $chain (result i64)))
        (import "env" "block_height" (func $height (result i64)))
        (import "env" "block_timestamp" (func $time (result i64)))
        (import "env" "input_read" (func $input (param i32 i32) (result i32)))
        (import "env" "return_data" (func $return (param i32 i32)))"#;
    let body = "(call $self (i32.const 0)) (call $caller (i32.const 20)) (call $origin (i32.const 40))
        (i32.store (i32.const 60) (call $key (i32.const 64) (i32.const 32)))
        (i64.store (i32.const 96) (call $chain)) (i64.store (i32.const 104) (call $height))
        (i64.store (i32.const 112) (call $time))
        (i32.store (i32.const 120) (call $input (i32.const 124) (i32.const 2)))
        (call $return (i32.const 0) (i32.const 128)) (i32.const 0)";
    let mut net = Net::new();
    let at = net.deployed(&contract(imports, "(i32.const 0)", body, body), &[]);
    let wire = net.sign(&bob(), Body::call(0, at, b"abc"));
    let zvm_host::Answer::Included(record) = net.chain.submit(&wire, 77_000).unwrap() else { panic!() };
    let expected = |caller: Address, key: &[u8], height: u64, time: u64| {
        let mut want = [&at.0[..], &caller.0, &caller.0, &(key.len() as u32).to_le_bytes()].concat();
        want.extend_from_slice(key);
        want.resize(96, 0);
        want.extend([7, height, time].iter().flat_map(|word| word.to_le_bytes()));
        want.extend(3u32.to_le_bytes());
        want.extend(b"ab\0\0");
        want
    };
    assert_eq!(record.return_data, expected(address(&bob()), &bob().public(), 2, 77_000));
    assert_eq!(net.query(at, b"abc").return_data, expected(Address::ZERO, &[], 2, 77_000));
}

#[test]
fn storage_tells_empty_from_absent() {
    let imports = r#"
        (import "env" "storage_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "env" "storage_write" (func $write (param i32 i32 i32 i32)))
        (import "env" "storage_remove" (func $remove (param i32 i32) (result i32)))
        (import "env" "storage_has" (func $has (param i32 i32) (result i32)))
        (import "env" "storage_len" (func $len (param i32 i32) (result i32)))
        (import "env" "return_data" (func $return (param i32 i32)))
        (global $at (mut i32) (i32.const 100))
        (func $note (param i32)
            (i32.store8 (global.get $at) (local.get 0))
            (global.set $at (i32.add (global.get $at) (i32.const 1))))
        (func $look
            (call $note (call $has (i32.const 0) (i32.const 1)))
            (call $note (call $len (i32.const 0) (i32.const 1)))
            (call $note (call $read (i32.const 0) (i32.const 1) (i32.const 200) (i32.const 2))))"#;
    let body = "(call $look)
        (call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0)) (call $look)
        (call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 5)) (call $look)
        (call $note (call $remove (i32.const 0) (i32.const 1)))
        (call $note (call $remove (i32.const 0) (i32.const 1))) (call $look)
        (call $return (i32.const 100) (i32.const 14)) (i32.const 0)";
    let mut net = Net::new();
    let at = net.deployed(&contract(imports, "(i32.const 0)", body, "(i32.const 0)"), &[]);
    let record = net.call(&bob(), at, &[]);
    assert_eq!(record.return_data, [0, 255, 255, 1, 0, 0, 1, 5, 5, 1, 0, 0, 255, 255]);
    assert_eq!(record.diagnostics.writes, 3);
}

/// Growth is paid when it is written: overwriting with as much or less is free of it.
#[test]
fn growth_is_paid_once() {
    let imports = r#"(import "env" "storage_write" (func $write (param i32 i32 i32 i32)))
        (import "env" "input_len" (func $len (result i32)))"#;
    let body = "(call $write (i32.const 0) (i32.const 1) (i32.const 8) (call $len)) (i32.const 0)";
    let mut net = Net::new();
    let at = net.deployed(&contract(imports, "(i32.const 0)", body, "(i32.const 0)"), &[]);
    // Less the envelope's own bytes and the copying.
    let mut gas = |len: usize| {
        let record = net.call(&bob(), at, &vec![0; len]);
        record.receipt.gas_used
            - host_gas::ENVELOPE_BYTE * len as u64
            - host_gas::WRITE.by_len(1 + len as u64)
    };
    let (first, same, less, more) = (gas(100), gas(100), gas(10), gas(30));
    assert_eq!(first - same, host_gas::GROWTH_BYTE * (21 + 1 + 100));
    assert_eq!(same, less);
    assert_eq!(more - less, host_gas::GROWTH_BYTE * 20);
}

/// What a node keeps is paid by the byte, whichever way it comes to be kept; what is read of a text, not what was
/// offered.
#[test]
fn what_is_kept_is_paid() {
    let imports = r#"(import "env" "input_len" (func $len (result i32)))
        (import "env" "return_data" (func $return (param i32 i32)))
        (import "env" "revert" (func $revert (param i32 i32 i32)))
        (import "env" "log" (func $log (param i32 i32)))
        (import "env" "emit" (func $emit (param i32 i32 i32 i32)))
        (import "env" "debug" (func $debug (param i32 i32)))"#;
    // Twice as much of each as a call with half the input; the input is told from what it puts out.
    let ways = [
        ("(call $return (i32.const 0) (i32.mul (call $len) (i32.const 100)))", 100),
        ("(call $revert (i32.const 1) (i32.const 0) (i32.mul (call $len) (i32.const 100)))", 100),
        ("(call $log (i32.const 0) (i32.mul (call $len) (i32.const 100)))", 100),
        ("(call $emit (i32.const 0) (i32.const 4) (i32.const 0) (i32.mul (call $len) (i32.const 100)))", 100),
        ("(call $debug (i32.const 0) (i32.mul (call $len) (i32.const 100)))", 100),
    ];
    for (way, per_input) in ways {
        let mut net = Net::new();
        let body = format!("{way} (i32.const 0)");
        let at = net.deployed(&contract(imports, "(i32.const 0)", &body, "(i32.const 0)"), &[]);
        let mut gas = |len: u64| {
            let record = net.call(&bob(), at, &vec![0; len as usize]);
            record.receipt.gas_used - host_gas::ENVELOPE_BYTE * len
        };
        let (little, much) = (gas(1), gas(9));
        assert_eq!(much - little, 8 * per_input * (host_gas::KEPT_BYTE + 1), "{way}");
        // All that can be kept: 64 KiB, and 1 KiB of a text.
        let most = if way.contains("$debug") { gas(600) } else { continue };
        assert_eq!(most - little, (1024 - per_input) * (host_gas::KEPT_BYTE + 1), "{way}");
    }
    // A log entry pays for its topics and its address, too.
    let mut net = Net::new();
    let body = "(call $emit (i32.const 0) (call $len) (i32.const 0) (i32.const 0)) (i32.const 0)";
    let at = net.deployed(&contract(imports, "(i32.const 0)", body, "(i32.const 0)"), &[]);
    let mut gas = |len: u64| {
        net.call(&bob(), at, &vec![0; len as usize]).receipt.gas_used - host_gas::ENVELOPE_BYTE * len
    };
    assert_eq!(gas(4) - gas(0), 4 * 32 * (host_gas::KEPT_BYTE + 1));
    const { assert!(host_gas::LOG.base >= 25 * host_gas::KEPT_BYTE) };
}
