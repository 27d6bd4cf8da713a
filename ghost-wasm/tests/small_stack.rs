//! The native stack stays small whatever a guest does, at every optimisation level: each operator of the
//! table runs in a long loop on a thread whose stack would overflow if handlers nested.
//!
//! `STACK_LOOPS` sets the number of iterations (default 20,000; the full measure is 10,000,000), and
//! `cargo test --profile` the optimisation level.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write;

use ghost_wasm::internals::{Imm, Op, Signature};
use ghost_wasm::{Config, Engine, Module, Profile, Store, ValType};

const STACK_BYTES: usize = 256 << 10;

fn operand(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "local.get $i32",
        ValType::I64 => "local.get $i64",
        ValType::F32 => "local.get $f32",
        ValType::F64 => "local.get $f64",
        ValType::FuncRef => "ref.null func",
        ValType::ExternRef => "ref.null extern",
    }
}

/// What runs in each iteration; leaves the stack as it was.
fn body(op: Op) -> Option<String> {
    let text = op.text();
    let fixed = |immediates: &str| {
        let Signature::Fixed { params, results } = op.signature() else { unreachable!() };
        let mut out = String::new();
        params.iter().for_each(|&ty| writeln!(out, "{}", operand(ty)).unwrap());
        writeln!(out, "{text} {immediates}").unwrap();
        results.iter().for_each(|_| out.push_str("drop\n"));
        out
    };
    Some(match (op, op.imm()) {
        (Op::Unreachable | Op::Else | Op::End, _) => return None,
        (Op::Block, _) => "block (result i32) i32.const 1 end drop".into(),
        (Op::Loop, _) => "loop (result i32) i32.const 1 end drop".into(),
        (Op::If, _) => "local.get $i32 if (result i32) local.get $i32 else i32.const 2 end drop".into(),
        (Op::Br, _) => "block br 0 end".into(),
        (Op::BrIf, _) => "block local.get $i32 br_if 0 end block (result i32) i32.const 1 local.get $i32 br_if 0 end drop".into(),
        (Op::BrTable, _) => "block block local.get $i32 br_table 0 1 0 end end block (result i32) i32.const 0 i32.const 7 local.get $i32 br_table 0 0 end drop".into(),
        (Op::Return, _) => "local.get $i32 call $returns drop".into(),
        (Op::Call, _) => "call $nothing".into(),
        (Op::CallIndirect, _) => "i32.const 0 call_indirect $t (type $void)".into(),
        (Op::ReturnCall, _) => "local.get $i64 local.get $f64 call $tail drop".into(),
        (Op::ReturnCallIndirect, _) => "local.get $i64 call $tail_indirect drop".into(),
        (Op::Drop, _) => "local.get $i64 drop".into(),
        (Op::Select, _) => "local.get $f64 local.get $f64 local.get $i32 select drop".into(),
        (Op::SelectT, _) => "local.get $i64 local.get $i64 local.get $i32 select (result i64) drop".into(),
        (Op::LocalGet, _) => "local.get $i64 drop".into(),
        (Op::LocalSet, _) => "local.get $i64 local.set $x".into(),
        (Op::LocalTee, _) => "local.get $i64 local.tee $x drop".into(),
        (Op::GlobalGet, _) => "global.get $g drop".into(),
        (Op::GlobalSet, _) => "local.get $i64 global.set $g".into(),
        (Op::TableGet, _) => "i32.const 0 table.get $t drop".into(),
        (Op::TableSet, _) => "i32.const 1 ref.null func table.set $t".into(),
        (Op::TableGrow, _) => "ref.null func i32.const 0 table.grow $t drop".into(),
        (Op::TableFill, _) => "i32.const 1 ref.null func i32.const 1 table.fill $t".into(),
        (Op::TableSize, _) => "table.size $t drop".into(),
        (Op::TableInit, _) => "i32.const 0 i32.const 0 i32.const 0 table.init $t $e".into(),
        (Op::TableCopy, _) => "i32.const 1 i32.const 1 i32.const 1 table.copy $t $t".into(),
        (Op::ElemDrop, _) => "elem.drop $e".into(),
        (Op::MemoryInit, _) => "i32.const 0 i32.const 0 i32.const 0 memory.init $d".into(),
        (Op::DataDrop, _) => "data.drop $d".into(),
        // A growth that fails was where another engine lost the jump.
        (Op::MemoryGrow, _) => "i32.const 0 memory.grow drop i32.const 70000 memory.grow drop".into(),
        (Op::RefNull, _) => "ref.null extern drop".into(),
        (Op::RefIsNull, _) => "ref.null func ref.is_null drop".into(),
        (Op::RefFunc, _) => "ref.func $nothing drop".into(),
        (_, Imm::I32 | Imm::I64) => fixed("-7"),
        (_, Imm::F32 | Imm::F64) => fixed("1.25"),
        (_, Imm::MemArg(_)) => fixed("offset=3"),
        (_, Imm::Nil | Imm::Memory | Imm::MemoryCopy) => fixed(""),
        other => panic!("no loop for {other:?}"),
    })
}

fn module(body: &str) -> String {
    format!(
        r#"(module
        (type $void (func))
        (memory 1 2) (table $t 4 4 funcref) (global $g (mut i64) (i64.const 0))
        (elem (i32.const 0) $nothing $same) (elem $e func $nothing) (data $d "x")
        (func $nothing)
        (func $returns (param i32) (result i32) local.get 0 if i32.const 1 return end i32.const 2)
        (func $swapped (param f64 i64) (result i64) local.get 1)
        (func $tail (param i64 f64) (result i64) local.get 1 local.get 0 return_call $swapped)
        (func $same (param i64) (result i64) local.get 0)
        (func $tail_indirect (param i64) (result i64)
            local.get 0 i32.const 1 return_call_indirect $t (param i64) (result i64))
        (func (export "grow") (param $n i32)
            loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))) end)
        (func (export "run") (param $n i32)
            (local $i32 i32) (local $i64 i64) (local $f32 f32) (local $f64 f64) (local $x i64)
            (local.set $i32 (i32.const 1)) (local.set $i64 (i64.const 3))
            (local.set $f32 (f32.const 1.5)) (local.set $f64 (f64.const 2.5))
            loop $l
                {body}
                (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))
            end))"#
    )
}

fn run(text: &str, loops: i32, slice: Option<u64>) {
    let engine = Engine::new(&Config::new(Profile::LATEST));
    let bytes = wat::parse_str(text).unwrap();
    let module = Module::new(&engine, &bytes).unwrap();
    let mut store = Store::new(&engine, ());
    store.fix_gas_slice(slice);
    let instance = ghost_wasm::Instance::new(&mut store, &module, &[]).unwrap();
    // Slices of gas are as large as they become before the operator comes for the first time.
    if let Ok(grow) = instance.get_typed_func::<(i32,), ()>(&store, "grow") {
        grow.call(&mut store, (if cfg!(debug_assertions) { 4_000 } else { 100_000 },)).unwrap();
    }
    let run = instance.get_typed_func::<(i32,), ()>(&store, "run").unwrap();
    run.call(&mut store, (loops,)).unwrap();
}

fn loops() -> i32 {
    std::env::var("STACK_LOOPS").ok().map_or(20_000, |text| text.parse().unwrap())
}

fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).unwrap().join().unwrap();
}

#[test]
fn every_operator_in_a_loop() {
    for &op in Op::ALL {
        let Some(body) = body(op) else { continue };
        on_small_stack(move || run(&module(&body), loops(), None));
    }
}

/// A body much longer than what may lie between two charges.
#[test]
fn a_body_without_branches() {
    let line = "local.get $i64 i64.const 1000000007 i64.mul local.get $x i64.xor local.set $x\n";
    on_small_stack(move || run(&module(&line.repeat(20_000)), 10, None));
}

/// Values that wait until a block begins go to their slots there, all at once; what they cost was paid at the
/// first of them.
#[test]
fn many_values_at_once() {
    let text =
        format!("{}block end\n{}", "i32.const 1 local.get $i64\n".repeat(10_000), "drop\n".repeat(20_000));
    for slice in [None, Some(1)] {
        let text = text.clone();
        on_small_stack(move || run(&module(&text), 10, slice));
    }
}

/// Recursion nests guest frames, not native ones.
#[test]
fn recursion() {
    let text = r#"(module (func $f (export "run") (param i32)
        local.get 0 if local.get 0 i32.const 1 i32.sub call $f end))"#;
    on_small_stack(|| run(text, 40_000, None));
}

/// Tail calls nest nothing at all: neither native frames nor guest ones, whose number the limits bound.
#[test]
fn tail_calls() {
    let texts = [
        r#"(module (func $f (export "run") (param i32)
            local.get 0 if local.get 0 i32.const 1 i32.sub return_call $g end)
        (func $g (param i32) (local i64 i64 f64) local.get 0 return_call $f))"#,
        r#"(module (table funcref (elem $f $g)) (func $f (export "run") (param i32)
            local.get 0 if local.get 0 i32.const 1 i32.sub i32.const 1 return_call_indirect (param i32) end)
        (func $g (param i32) (local i64 i64 f64)
            local.get 0 i32.const 0 return_call_indirect (param i32)))"#,
    ];
    for text in texts {
        for slice in [None, Some(1)] {
            // More than the limit of frames.
            on_small_stack(move || run(text, loops().max(60_000), slice));
        }
    }
}

/// The smallest slices: every charge leaves to the driver.
#[test]
fn slices_of_one() {
    for &op in Op::ALL {
        let Some(body) = body(op) else { continue };
        on_small_stack(move || run(&module(&body), 200, Some(1)));
    }
}
