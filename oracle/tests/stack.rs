//! The stack's limits: frames, slots, nesting of the host; and that exceeding them leaves a usable store.

mod common;

use common::*;
use ghost_wasm::{FuncType, TrapCode};
use ghost_wasm_oracle::{Error, Extern, Linker, Store, Val};

const EXHAUSTED: End = End::Trap(TrapCode::StackExhausted);

/// `f n` calls itself until `n` is 0; it needs n + 1 frames.
const DEEP: &str = r#"(module (func $f (export "f") (param i32)
    local.get 0 if local.get 0 i32.const 1 i32.sub call $f end))"#;

#[test]
fn frames() {
    let profile = profile(|limits| limits.frames = 10);
    let (mut store, instance) = instance_under(&profile, DEEP);
    assert_eq!(call(&mut store, instance, "f", &[Val::I32(9)]).0, End::Values(vec![]));
    assert_eq!(call(&mut store, instance, "f", &[Val::I32(10)]).0, EXHAUSTED);
    assert_eq!(call(&mut store, instance, "f", &[Val::I32(9)]).0, End::Values(vec![]), "nothing was leaked");
}

#[test]
fn slots() {
    // A frame: one parameter, no local, two operands at most. A caller keeps its parameter, and lends its
    // operand as the callee's: n of those, and one whole frame.
    let profile = profile(|limits| limits.value_stack_slots = 30);
    let (mut store, instance) = instance_under(&profile, DEEP);
    assert_eq!(call(&mut store, instance, "f", &[Val::I32(27)]).0, End::Values(vec![]));
    assert_eq!(call(&mut store, instance, "f", &[Val::I32(28)]).0, EXHAUSTED);
    assert_eq!(call(&mut store, instance, "f", &[Val::I32(27)]).0, End::Values(vec![]));
}

#[test]
fn the_host_needs_room_for_results() {
    let text = r#"(module (func $f (export "f") (result i32 i32 i32) unreachable)
        (func (export "g") call $f drop drop drop))"#;
    for (slots, outcome) in [(3, End::Trap(TrapCode::Unreachable)), (2, EXHAUSTED)] {
        let profile = profile(|limits| limits.value_stack_slots = slots);
        let (mut store, instance) = instance_under(&profile, text);
        assert_eq!(call(&mut store, instance, "f", &[]), (outcome, 4));
    }
}

#[test]
fn host_functions_count_the_larger_of_parameters_and_results() {
    use ghost_wasm::ValType::I32;
    // f: one operand below, two arguments, three results.
    for (slots, outcome) in [(4, i32s(&[9, 1, 2, 3])), (3, EXHAUSTED)] {
        let profile = profile(|limits| limits.value_stack_slots = slots);
        let mut store = Store::new(&profile);
        let three = store.new_func(FuncType::new([I32, I32], [I32, I32, I32]), |_, _, _| {
            Ok(vec![Val::I32(1), Val::I32(2), Val::I32(3)])
        });
        let linker = linker(&[("host", "three", Extern::Func(three))]);
        let text = r#"(module (import "host" "three" (func $three (param i32 i32) (result i32 i32 i32)))
            (func (export "f") (result i32 i32 i32 i32) i32.const 9 i32.const 0 i32.const 0 call $three))"#;
        let instance = linker.instantiate(&mut store, &module(&profile, text)).expect("it links");
        assert_eq!(call(&mut store, instance, "f", &[]).0, outcome, "{slots} slots");
    }
}

#[test]
fn enter_is_paid_before_the_stack_is_checked() {
    let profile = profile(|limits| limits.value_stack_slots = 10);
    // Ten locals and one operand are one slot too many.
    let text = r#"(module (func (export "f")
        (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) i32.const 0 drop))"#;
    let (mut store, instance) = instance_under(&profile, text);
    assert_eq!(call(&mut store, instance, "f", &[]), (EXHAUSTED, 6));
    assert_eq!(call_with(&mut store, instance, "f", &[], 6), (EXHAUSTED, 6));
    assert_eq!(call_with(&mut store, instance, "f", &[], 5), (End::OutOfGas, 5));
}

#[test]
fn unreachable_operands_take_no_slots() {
    let profile = profile(|limits| limits.value_stack_slots = 2);
    let text = r#"(module (func (export "f") (result i32)
        i32.const 1 i32.const 1 i32.add return
        i32.const 1 i32.const 2 i32.const 3 drop drop))"#;
    let (mut store, instance) = instance_under(&profile, text);
    assert_eq!(call(&mut store, instance, "f", &[]).0, i32s(&[2]));
}

#[test]
fn host_functions_count_frames() {
    for (frames, outcome) in [(3, End::Values(vec![])), (2, EXHAUSTED), (1, EXHAUSTED)] {
        // f, back, inner: three
        let profile = profile(|limits| limits.frames = frames);
        let mut store = Store::new(&profile);
        let back = calls_back(&mut store, "inner");
        let text = r#"(module (import "host" "back" (func $back))
            (func (export "inner")) (func (export "f") call $back))"#;
        let linker = linker(&[("host", "back", Extern::Func(back))]);
        let instance = linker.instantiate(&mut store, &module(&profile, text)).expect("it links");
        assert_eq!(call(&mut store, instance, "f", &[]).0, outcome, "{frames} frames");
    }
}

#[test]
fn host_nesting() {
    let profile = profile(|limits| limits.host_nesting = 5);
    let mut store = Store::new(&profile);
    let back = calls_back(&mut store, "f");
    let text = r#"(module (import "host" "back" (func $back))
        (global $left (mut i32) (i32.const 0))
        (func (export "set") (param i32) local.get 0 global.set $left)
        (func (export "f")
            global.get $left if
                global.get $left i32.const 1 i32.sub global.set $left
                call $back
            end))"#;
    let linker = linker(&[("host", "back", Extern::Func(back))]);
    let instance = linker.instantiate(&mut store, &module(&profile, text)).expect("it links");
    for (again, outcome) in
        [(4, End::Values(vec![])), (5, EXHAUSTED), (1000, EXHAUSTED), (4, End::Values(vec![]))]
    {
        assert_eq!(call(&mut store, instance, "set", &[Val::I32(again)]).0, End::Values(vec![]));
        assert_eq!(call(&mut store, instance, "f", &[]).0, outcome, "{again} times");
    }
}

#[test]
fn a_host_may_survive_the_trap_of_an_inner_call() {
    let profile = profile(|limits| limits.frames = 100);
    let mut store = Store::new(&profile);
    let swallow = store.new_func(FuncType::new([], [ghost_wasm::ValType::I32]), |store, caller, _| {
        let func = func(store, caller.expect("WebAssembly calls it"), "forever");
        let trapped = matches!(store.invoke(func, &[]), Err(Error::Trap(_)));
        Ok(vec![Val::I32(i32::from(trapped))])
    });
    let text = r#"(module (import "host" "swallow" (func $swallow (result i32)))
        (func $forever (export "forever") call $forever)
        (func (export "f") (result i32) (local i32 i32)
            i32.const 20 call $swallow i32.add call $swallow i32.add))"#;
    let mut linker = Linker::new();
    linker.define("host", "swallow", Extern::Func(swallow));
    let instance = linker.instantiate(&mut store, &module(&profile, text)).expect("it links");
    assert_eq!(call(&mut store, instance, "f", &[]).0, i32s(&[22]));
}

#[test]
fn recursion_without_end_needs_no_native_stack() {
    let run = || {
        let (mut store, instance) = instance(r#"(module (func $f (export "f") call $f))"#);
        call(&mut store, instance, "f", &[]).0
    };
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(run).expect("a thread starts");
    assert_eq!(thread.join().expect("it ends"), EXHAUSTED);
}
