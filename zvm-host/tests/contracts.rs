//! The committed example contracts on a chain, and contracts in text form for each way a call can end.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use zvm_host::crypto::selector;
use zvm_host::{Address, Body, ContractModule, Owner, RefusalCode, Status};

const COUNTER: &[u8] = include_bytes!("../../contracts/counter/counter.wasm");
const TOKEN: &[u8] = include_bytes!("../../contracts/token/token.wasm");

fn counter(method: &str) -> Vec<u8> {
    selector(method).to_vec()
}

#[test]
fn the_counter_counts() {
    let mut net = Net::new();
    let counter_at = net.deployed(COUNTER, &[]);
    for want in 1..4u64 {
        let record = net.call(&bob(), counter_at, &counter("increment()"));
        assert_eq!(record.receipt.status, Status::Success);
        assert_eq!(record.return_data, want.to_le_bytes());
        assert_eq!(record.logs.len(), 1);
        assert_eq!(record.logs[0].address, counter_at);
        assert_eq!(record.logs[0].data, want.to_le_bytes());
    }
    let asked = net.query(counter_at, &counter("get()"));
    assert_eq!((asked.status, &asked.return_data[..]), (Status::Success, &3u64.to_le_bytes()[..]));

    // Only the deployer may reset.
    let record = net.call(&bob(), counter_at, &counter("reset()"));
    assert_eq!((record.receipt.status, record.receipt.revert_code), (Status::Reverted, 4));
    assert_eq!(&record.return_data[8..], b"counter: caller is not the admin");
    assert_eq!(net.call(&alice(), counter_at, &counter("reset()")).receipt.status, Status::Success);
    assert_eq!(net.query(counter_at, &counter("get()")).return_data, 0u64.to_le_bytes());
}

/// A contract that pays nothing out takes nothing: coins would lie in it for ever. Whatever is called, and in the
/// deploy.
#[test]
fn contracts_that_take_no_coins_refuse_them() {
    let view = |method: &str| with_address(method, &address(&alice()), None);
    let counter =
        (COUNTER, vec![], 6, "counter", vec![counter("increment()"), counter("get()"), vec![], vec![1]]);
    let transfer = with_address("transfer(address,uint128)", &address(&bob()), Some(1));
    let token =
        (TOKEN, token_init(9), 9, "token", vec![transfer, view("balance_of(address)"), vec![], vec![1; 200]]);
    for (wasm, init, code, name, inputs) in [counter, token] {
        let mut net = Net::new();
        let at = net.deployed(wasm, &init);
        let hash = net.stage(wasm);
        let deploy = Body::deploy(net.nonce(&alice()), &hash, &init);
        let calls = inputs.into_iter().map(|input| Body::call(0, at, &input));
        for mut body in std::iter::once(deploy).chain(calls) {
            body.nonce = net.nonce(&alice());
            body.value = 5;
            let record = net.included(&alice(), body);
            assert_eq!((record.receipt.status, record.receipt.revert_code), (Status::Reverted, code));
            assert_eq!(&record.return_data[8..], format!("{name}: native coins are not accepted").as_bytes());
        }
        assert_eq!(net.balance(&at), 0);
        assert_eq!(net.all_balances(), 2 * SUPPLY);
    }
}

/// What is said before a deploy is what the executor charges: only `init` comes on top.
#[test]
fn what_a_deploy_costs_is_known_before() {
    let texts = [
        r#"(module (memory (export "memory") 1)
            (func (export "init") (result i32) i32.const 0) (func (export "invoke") (result i32) i32.const 0))"#,
        r#"(module (memory (export "memory") 60) (func (param i32 i64) nop nop nop)
            (func (export "init") (result i32) i32.const 0) (func (export "invoke") (result i32) i32.const 0))"#,
    ];
    for wat in texts {
        let wasm = wat::parse_str(wat).unwrap();
        let mut net = Net::new();
        let module = ContractModule::new(net.chain.engine(), &wasm).unwrap();
        let hash = net.stage(&wasm);
        let body = Body::deploy(net.nonce(&alice()), &hash, &[]);
        let envelope_len = net.sign(&alice(), body.clone()).len();
        let least = zvm_host::exec::deploy::least_gas(envelope_len, &module);
        let record = net.included(&alice(), body);
        assert_eq!(record.receipt.status, Status::Success);
        let init = record.receipt.gas_used.checked_sub(least).expect("at least");
        assert!((1..1_000).contains(&init), "{init} gas for a function of one operator");
    }
}

/// A memory above the limit is valid, and no instance can have it: the deploy is paid and fails, as `zvm check` says.
#[test]
fn a_memory_that_begins_above_the_limit_deploys_nothing() {
    let wat = r#"(module (memory (export "memory") 65)
        (func (export "init") (result i32) i32.const 0) (func (export "invoke") (result i32) i32.const 0))"#;
    let mut net = Net::new();
    let record = net.deploy(&alice(), &wat::parse_str(wat).unwrap(), &[]);
    assert_eq!((record.receipt.status, record.receipt.created), (Status::RuntimeError, Address::ZERO));
}

#[test]
fn running_out_of_gas_takes_all_of_it_and_undoes_the_rest() {
    let mut net = Net::new();
    let counter_at = net.deployed(COUNTER, &[]);
    let mut body = Body::call(net.nonce(&bob()), counter_at, &counter("spin()"));
    body.gas_limit = 2_000_000;
    let before = net.balance(&address(&bob()));
    let record = net.included(&bob(), body);
    assert_eq!((record.receipt.status, record.receipt.gas_used), (Status::OutOfGas, 2_000_000));
    assert_eq!(net.balance(&address(&bob())), before - 2_000_000);
    assert_eq!(net.query(counter_at, &counter("get()")).return_data, 0u64.to_le_bytes());
}

/// `init(string name, string symbol, uint8 decimals, uint128 supply)`.
fn token_init(supply: u128) -> Vec<u8> {
    let mut input = Vec::new();
    for text in ["Ghost", "GST"] {
        input.extend_from_slice(&(text.len() as u32).to_le_bytes());
        input.extend_from_slice(text.as_bytes());
    }
    input.push(18);
    input.extend_from_slice(&supply.to_le_bytes());
    input
}

fn with_address(method: &str, to: &Address, amount: Option<u128>) -> Vec<u8> {
    let mut input = selector(method).to_vec();
    input.extend_from_slice(&to.0);
    input.extend(amount.into_iter().flat_map(u128::to_le_bytes));
    input
}

#[test]
fn the_token_moves_balances_and_reverts_with_a_text() {
    let mut net = Net::new();
    let token = net.deployed(TOKEN, &token_init(1_000));
    let (alice_at, bob_at) = (address(&alice()), address(&bob()));
    let balance = |net: &Net, of: &Address| {
        let asked = net.query(token, &with_address("balance_of(address)", of, None));
        assert_eq!(asked.status, Status::Success, "{:?}", asked.diagnostics);
        u128::from_le_bytes(asked.return_data.try_into().unwrap())
    };
    assert_eq!((balance(&net, &alice_at), balance(&net, &bob_at)), (1_000, 0));
    let transfer = |to: &Address, amount| with_address("transfer(address,uint128)", to, Some(amount));
    let record = net.call(&alice(), token, &transfer(&bob_at, 300));
    assert_eq!(record.receipt.status, Status::Success, "{:?}", record.diagnostics);
    assert_eq!((record.logs.len(), record.logs[0].topics.len()), (1, 3));
    assert_eq!((balance(&net, &alice_at), balance(&net, &bob_at)), (700, 300));

    let record = net.call(&bob(), token, &transfer(&alice_at, 301));
    assert_eq!((record.receipt.status, record.receipt.revert_code), (Status::Reverted, 5));
    assert_eq!(&record.return_data[8..], b"token: insufficient balance");
    assert!(record.logs.is_empty());
    assert_eq!((balance(&net, &alice_at), balance(&net, &bob_at)), (700, 300));
}

#[test]
fn every_end_has_its_status() {
    let imports = r#"
        (import "env" "revert" (func $revert (param i32 i32 i32)))
        (import "env" "return_data" (func $return (param i32 i32)))
        (import "env" "storage_write" (func $write (param i32 i32 i32 i32)))
        (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
        (import "env" "input_read" (func $input (param i32 i32) (result i32)))
        (func $deep (call $deep))
        (func $run (param i32) (result i32)
            (call $write (i32.const 16) (i32.const 1) (i32.const 0) (i32.const 4))
            (call $return (i32.const 0) (i32.const 2))
            (block $ok (block $trap (block $abort (block $oob (block $deep (block $code (block $revert
                (br_table $ok $revert $code $deep $oob $abort $trap (local.get 0)))
                (call $revert (i32.const -7) (i32.const 0) (i32.const 3)))
                (return (i32.const 9)))
                (call $deep))
                (call $return (i32.const 65530) (i32.const 100)))
                (call $abort (i32.const 0) (i32.const 0) (i32.const 3) (i32.const 4)))
                (unreachable))
            (i32.const 0))"#;
    let body = "(drop (call $input (i32.const 16) (i32.const 1))) (call $run (i32.load8_u (i32.const 16)))";
    let wasm = contract(imports, "(i32.const 0)", body, body);
    let mut net = Net::new();
    let at = net.deployed(&wasm, &[]);
    let cases: [(u8, Status, i32, u8, usize); 7] = [
        (0, Status::Success, 0, 0, 2),
        (1, Status::Reverted, -7, 0, 3),
        (2, Status::Reverted, 9, 0, 2),
        (3, Status::RuntimeError, 0, ghost_wasm::TrapCode::StackExhausted as u8, 0),
        (4, Status::RuntimeError, 0, 129, 0),
        (5, Status::RuntimeError, 0, 128, 0),
        (6, Status::RuntimeError, 0, ghost_wasm::TrapCode::Unreachable as u8, 0),
    ];
    for (input, status, revert_code, trap_code, returned) in cases {
        let before = net.all_balances();
        let record = net.call(&bob(), at, &[input]);
        let receipt = &record.receipt;
        assert_eq!((receipt.status, receipt.revert_code), (status, revert_code), "{input}: {record:?}");
        assert_eq!((receipt.trap_code, record.return_data.len()), (trap_code, returned), "{input}");
        assert_eq!(receipt.return_data_hash, zvm_host::crypto::sha256(&record.return_data));
        // Each call writes under its own key before it ends; only a success leaves it.
        let stored =
            net.store.snapshot().unwrap().value(&zvm_host::state::storage_key(&at, &[input])).unwrap();
        assert_eq!(stored.is_some(), status == Status::Success, "{input}");
        assert_eq!(net.all_balances(), before);
        assert_eq!(net.chain.receipt(&receipt.call_id).unwrap().unwrap(), record);
        // A query may not write.
        assert_eq!(net.query(at, &[input]).status, Status::PolicyDenied);
    }
}

#[test]
fn a_failed_init_leaves_no_contract() {
    let imports = r#"(import "env" "storage_write" (func $write (param i32 i32 i32 i32)))"#;
    let init = "(call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 4)) (i32.const 5)";
    let wasm = contract(imports, init, "(i32.const 0)", "(i32.const 0)");
    let mut net = Net::new();
    let root_keys = |net: &Net| {
        let mut keys = Vec::new();
        let mut add = |key: &[u8], _: &[u8]| {
            keys.push(key.to_vec());
            Ok(())
        };
        net.store.snapshot().unwrap().values(&mut add).unwrap();
        keys
    };
    let hash = net.stage(&wasm);
    let mut body = Body::deploy(0, &hash, &[]);
    body.value = 77;
    let record = net.included(&alice(), body);
    assert_eq!((record.receipt.status, record.receipt.revert_code), (Status::Reverted, 5));
    assert!(record.receipt.created.is_zero());
    // Accounts only: alice, bob, the sealer; and the hot set, which stays.
    let keys = root_keys(&net);
    assert_eq!(keys.iter().filter(|key| key[0] == 1).count(), 3);
    assert_eq!(keys.iter().filter(|key| key[0] == 5).count(), 2);
    assert_eq!(keys.len(), 5);
    assert_eq!(net.all_balances(), 2 * SUPPLY);
    // Still staged: the deploy can be tried again.
    assert!(net.chain.has_module(&hash).unwrap());
}

#[test]
fn value_goes_with_the_call_and_comes_back_with_a_revert() {
    let imports = r#"
        (import "env" "value" (func $value (param i32)))
        (import "env" "self_balance" (func $balance (param i32)))
        (import "env" "return_data" (func $return (param i32 i32)))
        (import "env" "input_len" (func $len (result i32)))"#;
    let invoke = "(call $value (i32.const 0)) (call $balance (i32.const 16))
        (call $return (i32.const 0) (i32.const 32)) (call $len)";
    let wasm = contract(imports, "(i32.const 0)", invoke, invoke);
    let mut net = Net::new();
    let at = net.deployed(&wasm, &[]);
    let mut body = Body::call(0, at, &[]);
    body.value = 1_000;
    let record = net.included(&bob(), body);
    assert_eq!(record.receipt.status, Status::Success);
    assert_eq!(record.return_data, [1_000u128.to_le_bytes(), 1_000u128.to_le_bytes()].concat());
    assert_eq!(net.balance(&at), 1_000);
    let mut body = Body::call(1, at, &[1]);
    body.value = 5;
    let record = net.included(&bob(), body);
    assert_eq!(record.receipt.status, Status::Reverted);
    assert_eq!(record.return_data, [5u128.to_le_bytes(), 1_005u128.to_le_bytes()].concat());
    assert_eq!(net.balance(&at), 1_000);
    assert_eq!(net.all_balances(), 2 * SUPPLY);
}

#[test]
fn an_address_without_code_takes_value_and_no_payload() {
    let mut net = Net::new();
    let nobody = Address([0x77; 20]);
    let mut body = Body::call(0, nobody, &[]);
    body.value = 10;
    assert_eq!(net.included(&bob(), body).receipt.status, Status::Success);
    assert_eq!(net.balance(&nobody), 10);
    let mut body = Body::call(1, nobody, &[1]);
    body.value = 10;
    assert_eq!(net.included(&bob(), body).receipt.status, Status::InvalidFunction);
    assert_eq!(net.balance(&nobody), 10);
    assert_eq!(net.query(nobody, &[]).status, Status::InvalidFunction);
}

#[test]
fn a_contract_without_query_cannot_be_asked() {
    let wasm = wat::parse_str(
        r#"(module (memory (export "memory") 1)
            (func (export "init") (result i32) (i32.const 0))
            (func (export "invoke") (result i32) (i32.const 0)))"#,
    )
    .unwrap();
    let mut net = Net::new();
    let at = net.deployed(&wasm, &[]);
    assert_eq!(net.query(at, &[]).status, Status::InvalidFunction);
    assert_eq!(net.call(&bob(), at, &[]).receipt.status, Status::Success);
}

/// What a module lacks is told when its last byte is in; what it has too much of, when that arrives.
#[test]
fn what_is_not_a_contract_is_refused() {
    let engine = zvm_host::contract::engine();
    let entry = |name: &str| format!(r#"(func (export "{name}") (result i32) (i32.const 0))"#);
    let memory = r#"(memory (export "memory") 1)"#;
    let cases = [
        (format!("(module {}{})", entry("init"), entry("invoke")), 0x0505, "`memory`"),
        (format!("(module {memory}{})", entry("init")), 0x0505, "`invoke`"),
        (format!("(module {memory}{})", entry("invoke")), 0x0505, "`init`"),
        (format!(r#"(module (import "env" "nope" (func)) {memory})"#), 0x0502, "env.nope"),
        (format!(r#"(module (import "wasi" "exit" (func)) {memory})"#), 0x0501, "wasi.exit"),
        (format!(r#"(module {memory} (func (export "init")))"#), 0x0504, "`init`"),
    ];
    for (text, code, says) in cases {
        let error = zvm_host::ContractModule::new(&engine, &wat::parse_str(&text).unwrap()).unwrap_err();
        assert_eq!(error.code(), code, "{text}: {error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

/// Staged modules survive a restart, are hashed again, and leave when they become state.
#[test]
fn modules_are_staged_until_a_deploy_names_them() {
    let mut net = Net::new();
    let hash = net.stage(COUNTER);
    assert!(net.chain.has_module(&hash).unwrap());
    assert_eq!(net.chain.module_bytes(&hash).unwrap().unwrap()[..], *COUNTER);
    let other = zvm_host::ContractModule::new(net.chain.engine(), COUNTER).unwrap();
    assert!(net.chain.stage_module(Owner::default(), other, TOKEN, 0).is_err(), "bytes of another module");

    let mut net = Net::over(net.store.clone());
    assert!(net.chain.has_module(&hash).unwrap());
    let record = net.included(&alice(), Body::deploy(0, &hash, &[]));
    assert_eq!(record.receipt.status, Status::Success, "{:?}", record.diagnostics);
    assert!(net.store.snapshot().unwrap().staged(&hash).unwrap().is_none());
    assert!(net.chain.has_module(&hash).unwrap());
    assert_eq!(net.store.snapshot().unwrap().code(&hash).unwrap().unwrap()[..], *COUNTER);

    // A second contract of the same code pays for it again, and is another contract.
    let again = net.included(&alice(), Body::deploy(1, &hash, &[]));
    assert_ne!(again.receipt.created, record.receipt.created);
    assert_eq!(again.receipt.gas_used, record.receipt.gas_used);

    // A damaged staged module is dropped at open.
    net.store.stage(&[9; 32], b"not its bytes", &[]).unwrap();
    let net = Net::over(net.store.clone());
    assert!(!net.chain.has_module(&[9; 32]).unwrap());
    assert!(net.store.snapshot().unwrap().staged(&[9; 32]).unwrap().is_none());
}

/// A staged module outside the profile costs all gas and makes nothing.
#[test]
fn a_deploy_of_an_invalid_module_is_status_6() {
    let mut net = Net::new();
    let bytes = wat::parse_str("(module)").unwrap();
    let hash = zvm_host::crypto::blake3(&bytes);
    net.store.stage(&hash, &bytes, &[]).unwrap();
    let record = net.included(&alice(), Body::deploy(0, &hash, &[]));
    assert_eq!((record.receipt.status, record.receipt.gas_used), (Status::InvalidModule, GAS));
    assert!(record.receipt.created.is_zero());
    // The bytes are kept with the block: who runs it again needs them. Who cannot pay for them is in no block.
    assert_eq!(net.store.snapshot().unwrap().code(&hash).unwrap().unwrap()[..], bytes);
    let gas_limit =
        zvm_host::table::host_gas::intrinsic(zvm_host::envelope::FIXED_LEN + 32) + 200 * (33 + 8) - 1;
    let refused = net.submit(&alice(), Body { gas_limit, ..Body::deploy(1, &hash, &[]) });
    assert_eq!(refusal(refused), RefusalCode::GasLimit);
    let record = net.included(&alice(), Body { gas_limit: gas_limit + 1, ..Body::deploy(1, &hash, &[]) });
    assert_eq!(record.receipt.status, Status::InvalidModule);
    assert_eq!(net.all_balances(), 2 * SUPPLY);
}

/// Limits of a signed call: a trap at one more than allowed, and everything undone.
#[test]
fn limits_of_a_call() {
    let loops = |call: &str| {
        let imports = r#"
            (import "env" "log" (func $log (param i32 i32)))
            (import "env" "return_data" (func $return (param i32 i32)))
            (import "env" "storage_write" (func $write (param i32 i32 i32 i32)))
            (import "env" "emit" (func $emit (param i32 i32 i32 i32)))
            (import "env" "input_read" (func $input (param i32 i32) (result i32)))
            (global $n (mut i32) (i32.const 0))"#;
        let body = format!(
            "(drop (call $input (i32.const 0) (i32.const 4)))
             (loop $again {call}
                (global.set $n (i32.add (global.get $n) (i32.const 1)))
                (br_if $again (i32.lt_u (global.get $n) (i32.load (i32.const 0)))))
             (i32.const 0)"
        );
        contract(imports, "(i32.const 0)", &body, &body).to_vec()
    };
    let cases = [
        ("(call $log (i32.const 0) (i32.const 1))", 256),
        ("(call $log (i32.const 0) (i32.const 16384))", 16),
        ("(call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 65500))", 63),
    ];
    let mut net = Net::new();
    for (call, most) in cases {
        let at = net.deployed(&loops(call), &[]);
        let record = net.call(&bob(), at, &u32::to_le_bytes(most));
        assert_eq!(record.receipt.status, Status::Success, "{call}: {:?}", record.diagnostics);
        let record = net.call(&bob(), at, &u32::to_le_bytes(most + 2));
        assert_eq!((record.receipt.status, record.receipt.trap_code), (Status::RuntimeError, 130), "{call}");
        assert!(record.logs.is_empty());
    }
    for call in [
        "(call $log (i32.const 0) (i32.const 16385))",
        "(call $emit (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 0))",
        "(call $write (i32.const 0) (i32.const 257) (i32.const 0) (i32.const 0))",
    ] {
        let at = net.deployed(&loops(call), &[]);
        assert_eq!(net.call(&bob(), at, &[1, 0, 0, 0]).receipt.trap_code, 130, "{call}");
    }
}

/// Gas is exact at every limit: what suffices gives the same receipt, one less is out of gas.
#[test]
fn gas_used_is_just_enough() {
    let mut net = Net::new();
    let at = net.deployed(COUNTER, &[]);
    let enough = net.call(&bob(), at, &counter("increment_by(uint64)")).receipt.gas_used;
    let again = |net: &mut Net, gas_limit| {
        let body = Body { gas_limit, ..Body::call(net.nonce(&bob()), at, &counter("increment_by(uint64)")) };
        net.included(&bob(), body).receipt
    };
    let exact = again(&mut net, enough);
    assert_eq!((exact.status, exact.gas_used), (Status::Reverted, enough));
    let short = again(&mut net, enough - 1);
    assert_eq!((short.status, short.gas_used), (Status::OutOfGas, enough - 1));
}

/// Returns 0 only in an instance that nobody has used, and leaves traces of every kind; then ends by `then`.
fn leaves_traces(number: usize, then: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (import "env" "self_address" (func $self_address (param i32)))
            (memory (export "memory") 1 3)
            (data (i32.const 8190) "fresh")
            (data $once "{number}")
            (global $used (mut i32) (i32.const 0))
            (func $fresh (result i32)
                (memory.init $once (i32.const 100) (i32.const 0) (i32.const 1))
                (i32.or
                    (i32.or (global.get $used) (i32.ne (memory.size) (i32.const 1)))
                    (i32.or
                        (i64.ne (i64.load (i32.const 70)) (i64.const 0))
                        (i32.or (i64.ne (i64.load (i32.const 4092)) (i64.const 0))
                            (i32.ne (i32.load (i32.const 8190)) (i32.const 0x73657266))))))
            (func $use (result i32)
                (local $answer i32)
                (local.set $answer (call $fresh))
                (global.set $used (i32.const 1))
                (data.drop $once)
                (call $self_address (i32.const 65))
                (i64.store (i32.const 4092) (i64.const -1))
                (i64.store8 (i32.const 8190) (i64.const 7))
                (drop (memory.grow (i32.const 2)))
                (i64.store (i32.const 131068) (i64.const -1))
                {then}
                (local.get $answer))
            (func (export "init") (result i32) (i32.const 0))
            (func (export "invoke") (result i32) (call $use))
            (func (export "query") (result i32) (call $fresh)))"#
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn every_call_has_an_instance_of_its_own() {
    let mut net = Net::new();
    let ends = [
        ("", Status::Success),
        ("unreachable", Status::RuntimeError),
        ("(i32.store (i32.const -1) (i32.const 0))", Status::RuntimeError),
        ("(loop (br 0))", Status::OutOfGas),
    ];
    // More contracts than instances are kept of.
    let contracts: Vec<_> = (0..36)
        .map(|number| {
            let (then, status) = ends[number % ends.len()];
            (net.deployed(&leaves_traces(number, then), &[]), status)
        })
        .collect();
    for &(at, status) in &contracts {
        for _ in 0..2 {
            let mut body = Body::call(net.nonce(&bob()), at, &[]);
            body.gas_limit = 500_000;
            let record = net.included(&bob(), body);
            assert_eq!(record.receipt.status, status, "{:?}", record.diagnostics);
            assert_eq!(net.query(at, &[]).status, Status::Success);
        }
    }
    let gas = |net: &mut Net| net.call(&bob(), contracts[0].0, &[]).receipt.gas_used;
    let first = gas(&mut net);
    for &(at, _) in contracts.iter().skip(1) {
        net.query(at, &[]);
    }
    assert_eq!(gas(&mut net), first);
}
