//! 256-bit numbers and recovered keys as a contract meets them: byte order, overlapping operands, what is written
//! and what is charged. Whether the numbers are right is tested beside the code (`crypto/u256/tests.rs`).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use zvm_host::table::host_fns::{HostFn, Role, host_fn};
use zvm_host::{Address, Status};

/// What `out` holds before the call.
const BEFORE: u8 = 0x99;
/// Where the operands begin, 64 bytes apart, and the result.
const OPERANDS: usize = 1024;
const OUT: usize = 2048;

fn row(name: &str) -> &'static HostFn {
    host_fn(name).unwrap()
}

/// A contract that copies its input to the operands, calls the function, and returns result and `out`.
fn calling(row: &HostFn, out: usize) -> Vec<u8> {
    let params: String = row.params.iter().map(|(_, role)| format!(" (param {})", role.val_type())).collect();
    let result = if row.result.is_some() { "(result i32)" } else { "" };
    let imports = format!(
        r#"(import "env" "input_read" (func $input (param i32 i32) (result i32)))
        (import "env" "return_data" (func $return (param i32 i32)))
        (import "env" "{}" (func $f{params} {result}))"#,
        row.name
    );
    let arguments: String = row
        .params
        .iter()
        .enumerate()
        .map(|(at, (_, role))| match role {
            Role::Out(_) => format!("(i32.const {out})"),
            Role::I32 => format!("(i32.load (i32.const {}))", OPERANDS + 64 * at),
            _ => format!("(i32.const {})", OPERANDS + 64 * at),
        })
        .collect();
    let call = format!("(call $f {arguments})");
    let call = match row.result {
        Some(_) => format!("(i32.store (i32.const {}) {call})", OUT - 4),
        None => call,
    };
    let body = format!(
        "(drop (call $input (i32.const {OPERANDS}) (i32.const 512)))
        (memory.fill (i32.const {OUT}) (i32.const {BEFORE}) (i32.const 64))
        {call}
        (memory.copy (i32.const {OUT}) (i32.const {out}) (i32.const 64))
        (call $return (i32.const {}) (i32.const 68)) (i32.const 0)",
        OUT - 4
    );
    contract(&imports, "(i32.const 0)", &body, &body)
}

/// Operands as the contract finds them.
fn input(operands: &[&[u8]]) -> Vec<u8> {
    let mut input = vec![0; 64 * operands.len()];
    for (to, from) in input.chunks_mut(64).zip(operands) {
        to[..from.len()].copy_from_slice(from);
    }
    input
}

/// The function's result and the bytes of `out`, asked by a query.
fn asked(net: &Net, at: Address, operands: &[&[u8]]) -> (i32, [u8; 64]) {
    let answer = net.query(at, &input(operands));
    assert_eq!(answer.status, Status::Success, "{:?}", answer.diagnostics);
    let (result, out) = answer.return_data.split_first_chunk().unwrap();
    (i32::from_le_bytes(*result), out.try_into().unwrap())
}

const fn number(value: u128) -> [u8; 32] {
    let mut bytes = [0; 32];
    *bytes.first_chunk_mut().unwrap() = value.to_le_bytes();
    bytes
}

const MAX: [u8; 32] = [0xff; 32];

/// A function, its operands, what it returns if anything, and what it writes.
type Case = (&'static str, &'static [[u8; 32]], i32, [u8; 32]);

/// 2^126 + 2^128.
const TWO_BITS: [u8; 32] = {
    let mut bytes = number(1 << 126);
    bytes[16] = 1;
    bytes
};

/// 2^255.
const TOP: [u8; 32] = {
    let mut bytes = [0; 32];
    bytes[31] = 0x80;
    bytes
};

/// Each function once, with numbers that tell its operands apart.
const CASES: &[Case] = &[
    ("u256_add", &[number(1 << 127), number(3 << 126)], 0, TWO_BITS),
    ("u256_add", &[MAX, number(2)], 1, number(1)),
    ("u256_sub", &[number(7), number(5)], 0, number(2)),
    ("u256_sub", &[number(5), number(6)], 1, MAX),
    ("u256_mul", &[number(7), number(6)], 0, number(42)),
    ("u256_mul", &[TOP, number(2)], 1, number(0)),
    ("u256_div", &[number(47), number(5)], 0, number(9)),
    ("u256_div", &[number(47), number(0)], 0, number(0)),
    ("u256_rem", &[number(47), number(6)], 0, number(5)),
    ("u256_rem", &[number(47), number(0)], 0, number(0)),
    ("u256_addmod", &[MAX, number(4), number(100)], 0, number(39)),
    ("u256_addmod", &[MAX, number(4), number(0)], 0, number(0)),
    ("u256_mulmod", &[MAX, number(3), number(100)], 0, number(5)),
    ("u256_mulmod", &[MAX, number(3), number(1)], 0, number(0)),
    ("u256_pow", &[number(3), number(4)], 0, number(81)),
    ("u256_pow", &[number(2), number(256)], 0, number(0)),
    ("u256_powmod", &[number(3), number(4), number(7)], 0, number(4)),
    ("u256_powmod", &[number(3), MAX, number(0)], 0, number(0)),
];

/// Into a place of its own, and onto each operand and between two.
#[test]
fn each_function_on_numbers() {
    let mut net = Net::new();
    for (name, operands, result, out) in CASES {
        let operands: Vec<&[u8]> = operands.iter().map(|word| &word[..]).collect();
        let result = if row(name).result.is_some() { *result } else { 0 };
        for place in [OUT, OPERANDS, OPERANDS + 64, OPERANDS + 24] {
            let at = net.deployed(&calling(row(name), place), &[]);
            let (found, bytes) = asked(&net, at, &operands);
            assert_eq!((found, &bytes[..32]), (result, &out[..]), "{name} into {place}");
            if place == OUT {
                assert_eq!(bytes[32..], [BEFORE; 32], "{name} writes 32 bytes");
            }
        }
    }
    let at = net.deployed(&calling(row("u256_cmp"), OUT), &[]);
    for (a, b, result) in [(number(5), TOP, -1), (TOP, TOP, 0), (TOP, number(5), 1)] {
        assert_eq!(asked(&net, at, &[&a, &b]).0, result);
    }
    // All functions of the chapter are in the list.
    for row in zvm_host::table::host_fns::HOST_FNS.iter().filter(|row| row.chapter == "u256") {
        assert!(row.name == "u256_cmp" || CASES.iter().any(|(name, ..)| *name == row.name), "{}", row.name);
    }
}

/// The part by length is that of the exponent without its leading zeros, whatever base and modulus are.
#[test]
fn powers_are_paid_by_the_byte_of_the_exponent() {
    let mut net = Net::new();
    for name in ["u256_pow", "u256_powmod"] {
        let row = row(name);
        let at = net.deployed(&calling(row, OUT), &[]);
        let mut gas = |exponent: &[u8; 32], other: &[u8; 32]| {
            let mut operands = vec![&other[..], exponent];
            if name == "u256_powmod" {
                operands.push(other);
            }
            net.call(&bob(), at, &input(&operands)).receipt.gas_used
        };
        let none = gas(&number(0), &MAX);
        for (exponent, bytes) in [
            (number(1), 1),
            (number(0xff), 1),
            (number(0x100), 2),
            (number(u128::MAX), 16),
            (MAX, 32),
            ([&[0; 31][..], &[1]].concat().try_into().unwrap(), 32),
        ] {
            for other in [number(0), number(1), number(2), MAX] {
                assert_eq!(gas(&exponent, &other) - none, row.price.by_len(bytes), "{name} {exponent:?}");
            }
        }
    }
    // What is not paid is not done: with gas for the base alone, the call ends out of gas.
    let at = net.deployed(&calling(row("u256_powmod"), OUT), &[]);
    let mut body = zvm_host::Body::call(net.nonce(&bob()), at, &input(&[&MAX, &MAX, &MAX]));
    let paid = net.included(&bob(), body.clone()).receipt.gas_used;
    (body.nonce, body.gas_limit) = (body.nonce + 1, paid - 1);
    let record = net.included(&bob(), body);
    assert_eq!((record.receipt.status, record.receipt.gas_used), (Status::OutOfGas, paid - 1));
}

#[test]
fn a_recovered_key_is_an_address() {
    use secp256k1::ecdsa::RecoverableSignature;
    use secp256k1::{Message, SecretKey};
    let key = SecretKey::from_secret_bytes([0x46; 32]).unwrap();
    let hash = zvm_host::crypto::keccak256(b"a message");
    let (id, signature) =
        RecoverableSignature::sign_ecdsa_recoverable(Message::from_digest(hash), &key).serialize_compact();
    let id = u32::from(id.to_u8());
    let mut net = Net::new();
    let at = net.deployed(&calling(row("secp256k1_recover"), OUT), &[]);
    let ask = |signature: &[u8; 64], id: u32| asked(&net, at, &[&hash, signature, &id.to_le_bytes()]);
    let public = key.public_key().serialize_uncompressed();
    assert_eq!(ask(&signature, id), (1, public[1..].try_into().unwrap()));
    // The address that Ethereum derives from the key.
    let address = zvm_host::crypto::keccak256(&ask(&signature, id).1);
    assert_eq!(address[12..], zvm_host::crypto::keccak256(&public[1..])[12..]);
    // Nothing is written when there is no key: Ethereum's v, an id beyond a byte, a negative one, r = 0.
    for wrong in [4, id + 27, id + 256, u32::MAX, 1 << 31] {
        assert_eq!(ask(&signature, wrong), (0, [BEFORE; 64]), "{wrong}");
    }
    assert_eq!(ask(&[0; 64], 0), (0, [BEFORE; 64]));
    // It costs the same, be there a key or not.
    let mut gas =
        |id: u32| net.call(&bob(), at, &input(&[&hash, &signature, &id.to_le_bytes()])).receipt.gas_used;
    assert_eq!(gas(id), gas(4));
}
