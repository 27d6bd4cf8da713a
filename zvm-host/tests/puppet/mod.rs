//! A contract that does what it is told: for tests of contracts that call contracts.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use zvm_host::Address;

/// A contract that does what its input says, step by step; `docs` of the steps stand at their numbers.
///
/// The input is read to 1024. A step is an op byte and its operands:
/// 0 end with success · 1 end with code 7 · 2 trap · 3 key u8, value u8: store · 4 to 20, value 16, gas 8, flags 1,
/// len u32, input: call, and append the status to the output · 5 code 32, value 16, gas 8, len u32, input: create, append
/// status and address · 6 contract 20, code 32: migrate, append status · 7 what was returned last: append its length and
/// itself · 8 log one byte · 9 key u8, value u8: transient write · 10 key u8: transient read, append value or 0xff ·
/// 11 contract 20, admin 20: `set_admin`, append status · 12 caller, value: append 36 bytes · 13 spin for ever ·
/// 14 key u8: read, append value or 0xff
const PUPPET: &str = r#"(module
    (import "env" "input_read" (func $input (param i32 i32) (result i32)))
    (import "env" "return_data" (func $return (param i32 i32)))
    (import "env" "storage_write" (func $write (param i32 i32 i32 i32)))
    (import "env" "storage_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "env" "transient_write" (func $twrite (param i32 i32 i32 i32)))
    (import "env" "transient_read" (func $tread (param i32 i32 i32 i32) (result i32)))
    (import "env" "call" (func $call (param i32 i32 i64 i32 i32 i32) (result i32)))
    (import "env" "create" (func $create (param i32 i32 i64 i32 i32 i32) (result i32)))
    (import "env" "migrate" (func $migrate (param i32 i32 i32 i32) (result i32)))
    (import "env" "set_admin" (func $set_admin (param i32 i32) (result i32)))
    (import "env" "returned_len" (func $returned_len (result i32)))
    (import "env" "returned_read" (func $returned_read (param i32 i32) (result i32)))
    (import "env" "log" (func $log (param i32 i32)))
    (import "env" "caller" (func $caller (param i32)))
    (import "env" "value" (func $value (param i32)))
    (memory (export "memory") 4)
    REENTRANT
    (global $at (mut i32) (i32.const 1024))
    (global $out (mut i32) (i32.const 131072))
    (func $skip (param i32) (result i32)
        (global.get $at)
        (global.set $at (i32.add (global.get $at) (local.get 0))))
    (func $put (param i32)
        (i32.store8 (global.get $out) (local.get 0))
        (global.set $out (i32.add (global.get $out) (i32.const 1))))
    (func $grow (param i32) (result i32)
        (global.get $out)
        (global.set $out (i32.add (global.get $out) (local.get 0))))
    (func $done (param i32) (result i32)
        (call $return (i32.const 131072) (i32.sub (global.get $out) (i32.const 131072)))
        (local.get 0))
    (func $run (result i32) (local $op i32) (local $a i32) (local $len i32)
        (drop (call $input (i32.const 1024) (i32.const 65536)))
        (loop $next
            (local.set $op (i32.load8_u (call $skip (i32.const 1))))
            (if (i32.eq (local.get $op) (i32.const 0)) (then (return (call $done (i32.const 0)))))
            (if (i32.eq (local.get $op) (i32.const 1)) (then (return (call $done (i32.const 7)))))
            (if (i32.eq (local.get $op) (i32.const 2)) (then unreachable))
            (if (i32.eq (local.get $op) (i32.const 3)) (then
                (local.set $a (call $skip (i32.const 2)))
                (call $write (local.get $a) (i32.const 1) (i32.add (local.get $a) (i32.const 1)) (i32.const 1))))
            (if (i32.eq (local.get $op) (i32.const 4)) (then
                (local.set $a (call $skip (i32.const 49)))
                (local.set $len (i32.load (i32.add (local.get $a) (i32.const 45))))
                (call $put (call $call (local.get $a) (i32.add (local.get $a) (i32.const 20))
                    (i64.load (i32.add (local.get $a) (i32.const 36)))
                    (call $skip (local.get $len)) (local.get $len)
                    (i32.load8_u (i32.add (local.get $a) (i32.const 44)))))))
            (if (i32.eq (local.get $op) (i32.const 5)) (then
                (local.set $a (call $skip (i32.const 60)))
                (local.set $len (i32.load (i32.add (local.get $a) (i32.const 56))))
                (call $put (call $create (local.get $a) (i32.add (local.get $a) (i32.const 32))
                    (i64.load (i32.add (local.get $a) (i32.const 48)))
                    (call $skip (local.get $len)) (local.get $len)
                    (i32.add (global.get $out) (i32.const 1))))
                (drop (call $grow (i32.const 20)))))
            (if (i32.eq (local.get $op) (i32.const 6)) (then
                (local.set $a (call $skip (i32.const 52)))
                (call $put (call $migrate (local.get $a) (i32.add (local.get $a) (i32.const 20)) (i32.const 0) (i32.const 0)))))
            (if (i32.eq (local.get $op) (i32.const 7)) (then
                (call $put (call $returned_len))
                (drop (call $returned_read (call $grow (call $returned_len)) (i32.const 1000)))))
            (if (i32.eq (local.get $op) (i32.const 8)) (then (call $log (call $skip (i32.const 1)) (i32.const 1))))
            (if (i32.eq (local.get $op) (i32.const 9)) (then
                (local.set $a (call $skip (i32.const 2)))
                (call $twrite (local.get $a) (i32.const 1) (i32.add (local.get $a) (i32.const 1)) (i32.const 1))))
            (if (i32.eq (local.get $op) (i32.const 10)) (then
                (i32.store8 (global.get $out) (i32.const 255))
                (drop (call $tread (call $skip (i32.const 1)) (i32.const 1) (call $grow (i32.const 1)) (i32.const 1)))))
            (if (i32.eq (local.get $op) (i32.const 11)) (then
                (local.set $a (call $skip (i32.const 40)))
                (call $put (call $set_admin (local.get $a) (i32.add (local.get $a) (i32.const 20))))))
            (if (i32.eq (local.get $op) (i32.const 12)) (then
                (call $caller (call $grow (i32.const 20)))
                (call $value (call $grow (i32.const 16)))))
            (if (i32.eq (local.get $op) (i32.const 13)) (then (loop $ever (br $ever))))
            (if (i32.eq (local.get $op) (i32.const 14)) (then
                (i32.store8 (global.get $out) (i32.const 255))
                (drop (call $read (call $skip (i32.const 1)) (i32.const 1) (call $grow (i32.const 1)) (i32.const 1)))))
            (br $next))
        unreachable)
    (func (export "init") (result i32) (call $run))
    (func (export "invoke") (result i32) (call $run))
    (func (export "query") (result i32) (call $run))
    (func (export "migrate") (result i32) (call $twrite (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))
        (call $write (i32.const 512) (i32.const 1) (i32.const 512) (i32.const 1)) (i32.const 0))
    CHECK)"#;

/// With `check_auth`: agrees if the proof's first byte is 1, and counts under key 200; 2 spins.
const CHECK: &str = r#"(func (export "check_auth") (result i32)
    (drop (call $input (i32.const 1024) (i32.const 65536)))
    (i32.store8 (i32.const 100) (i32.const 200))
    (if (i32.eq (call $read (i32.const 100) (i32.const 1) (i32.const 101) (i32.const 1)) (i32.const -1))
        (then (i32.store8 (i32.const 101) (i32.const 0))))
    (i32.store8 (i32.const 101) (i32.add (i32.load8_u (i32.const 101)) (i32.const 1)))
    (call $write (i32.const 100) (i32.const 1) (i32.const 101) (i32.const 1))
    (if (i32.eq (i32.load8_u (i32.const 1056)) (i32.const 2)) (then (loop $ever (br $ever))))
    (i32.ne (i32.load8_u (i32.const 1056)) (i32.const 1)))"#;

pub fn puppet(reentrant: bool) -> Vec<u8> {
    let global = if reentrant { r#"(global (export "zvm_reentrant") i32 (i32.const 1))"# } else { "" };
    wat::parse_str(PUPPET.replace("REENTRANT", global).replace("CHECK", CHECK)).unwrap()
}

/// The steps of a puppet.
#[derive(Clone, Debug, Default)]
pub struct Script(pub Vec<u8>);

impl Script {
    pub fn op(mut self, op: u8, operands: &[&[u8]]) -> Script {
        self.0.push(op);
        operands.iter().for_each(|operand| self.0.extend_from_slice(operand));
        self
    }
    pub fn store(self, key: u8, value: u8) -> Script {
        self.op(3, &[&[key, value]])
    }
    pub fn call(self, to: Address, input: &Script) -> Script {
        self.call_with(to, 0, u64::MAX, 0, &input.clone().end())
    }
    pub fn call_with(self, to: Address, value: u128, gas: u64, flags: u8, input: &[u8]) -> Script {
        let len = (input.len() as u32).to_le_bytes();
        self.op(4, &[&to.0, &value.to_le_bytes(), &gas.to_le_bytes(), &[flags], &len, input])
    }
    pub fn create(self, code_hash: &[u8; 32], value: u128, input: &[u8]) -> Script {
        let len = (input.len() as u32).to_le_bytes();
        self.op(5, &[code_hash, &value.to_le_bytes(), &u64::MAX.to_le_bytes(), &len, input])
    }
    pub fn end(self) -> Vec<u8> {
        self.op(0, &[]).0
    }
    pub fn revert(self) -> Vec<u8> {
        self.op(1, &[]).0
    }
    pub fn trap(self) -> Vec<u8> {
        self.op(2, &[]).0
    }
}

pub fn script() -> Script {
    Script::default()
}
