//! Imports, several instances, references across them, and what a failed instantiation leaves behind.

mod common;

use common::*;
use ghost_wasm::{FuncType, GlobalType, MemoryType, Profile, TableType, TrapCode, ValType};
use ghost_wasm_oracle::{Error, Extern, FuncAddr, Linker, Store, Val};

const PROFILE: &Profile = &Profile::WASM_2;

#[test]
fn imports_match_or_do_not() {
    let mut store = Store::new(PROFILE);
    let func = store.new_func(FuncType::new([ValType::I32], []), |_, _, _| Ok(Vec::new()));
    let memory = store.new_memory(MemoryType { min: 2, max: Some(4) }).expect("small");
    let table = TableType { element: ValType::FuncRef, min: 10, max: None };
    let table = store.new_table(table, Val::FuncRef(None)).expect("small");
    let global = GlobalType { content: ValType::I64, mutable: false };
    let global = store.new_global(global, Val::I64(1)).expect("of its type");
    let linker = linker(&[
        ("h", "f", Extern::Func(func)),
        ("h", "m", Extern::Memory(memory)),
        ("h", "t", Extern::Table(table)),
        ("h", "g", Extern::Global(global)),
    ]);
    let other = Err("incompatible import type");
    let cases = [
        (r#""f" (func (param i32))"#, Ok(())),
        (r#""f" (func (param i64))"#, other),
        (r#""f" (func (param i32) (result i32))"#, other),
        (r#""f" (memory 1)"#, other),
        (r#""m" (memory 2)"#, Ok(())),
        (r#""m" (memory 0 4)"#, Ok(())),
        (r#""m" (memory 0 9)"#, Ok(())),
        (r#""m" (memory 3)"#, other),
        (r#""m" (memory 0 3)"#, other),
        (r#""t" (table 10 funcref)"#, Ok(())),
        (r#""t" (table 10 externref)"#, other),
        (r#""t" (table 11 funcref)"#, other),
        (r#""t" (table 0 100 funcref)"#, other),
        (r#""g" (global i64)"#, Ok(())),
        (r#""g" (global i32)"#, other),
        (r#""g" (global (mut i64))"#, other),
        (r#""nobody" (global i64)"#, Err("unknown import")),
    ];
    for (import, expected) in cases {
        let (name, ty) = import.split_once(' ').expect("a name and a type");
        let text = format!(r#"(module (import "h" {name} {ty}))"#);
        let outcome = linker.instantiate(&mut store, &module(PROFILE, &text));
        match (expected, outcome) {
            (Ok(()), Ok(_)) => {}
            (Err(expected), Err(Error::Link { text, .. })) => assert_eq!(text, expected, "{import}"),
            (_, outcome) => panic!("{import}: {outcome:?}"),
        }
    }
}

#[test]
fn a_memory_matches_with_the_size_it_has_grown_to() {
    let mut store = Store::new(PROFILE);
    let text = r#"(module (memory (export "m") 1 5)
        (func (export "grow") i32.const 2 memory.grow drop))"#;
    let a = store.instantiate(&module(PROFILE, text), &[]).expect("it instantiates");
    let mut linker = Linker::new();
    linker.define_instance(&store, "a", a);
    let b = module(PROFILE, r#"(module (import "a" "m" (memory 3)))"#);
    assert!(matches!(linker.instantiate(&mut store, &b), Err(Error::Link { .. })));
    call(&mut store, a, "grow", &[]);
    assert!(linker.instantiate(&mut store, &b).is_ok());
}

#[test]
fn instances_share_what_they_import() {
    let mut store = Store::new(PROFILE);
    let a = r#"(module
        (memory (export "m") 1)
        (global (export "g") (mut i32) (i32.const 1))
        (table (export "t") 4 funcref)
        (func (export "call") (param i32) (result i32) local.get 0 call_indirect (result i32))
        (func (export "load") (result i32) i32.const 0 i32.load)
        (func (export "get") (result i32) global.get 0))"#;
    let a = store.instantiate(&module(PROFILE, a), &[]).expect("it instantiates");
    let mut linker = Linker::new();
    linker.define_instance(&store, "a", a);
    let b = r#"(module
        (import "a" "m" (memory 1))
        (import "a" "g" (global (mut i32)))
        (import "a" "t" (table 1 funcref))
        (import "a" "get" (func $get (result i32)))
        (global $own i32 (i32.const 40))
        (elem (i32.const 2) $add $get)
        (data (i32.const 1) "\01")
        (func $add (result i32) global.get $own global.get 0 i32.add)
        (func (export "set") (param i32) local.get 0 global.set 0))"#;
    let b = linker.instantiate(&mut store, &module(PROFILE, b)).expect("it links");
    assert_eq!(call(&mut store, a, "load", &[]).0, i32s(&[256]));
    assert_eq!(call(&mut store, b, "set", &[Val::I32(2)]).0, End::Values(vec![]));
    assert_eq!(call(&mut store, a, "get", &[]).0, i32s(&[2]));
    assert_eq!(call(&mut store, a, "call", &[Val::I32(2)]).0, i32s(&[42]), "runs with its own globals");
    assert_eq!(call(&mut store, a, "call", &[Val::I32(3)]).0, i32s(&[2]));
    assert_eq!(call(&mut store, a, "call", &[Val::I32(1)]).0, End::Trap(TrapCode::IndirectCallToNull));
}

#[test]
fn function_references_keep_their_identity() {
    let mut store = Store::new(PROFILE);
    let a = r#"(module (func $f (export "f") (result i32) i32.const 7) (elem declare func $f)
        (func (export "ref") (result funcref) ref.func $f))"#;
    let a = store.instantiate(&module(PROFILE, a), &[]).expect("it instantiates");
    let mut linker = Linker::new();
    linker.define_instance(&store, "a", a);
    let b = r#"(module (import "a" "f" (func $f (result i32))) (elem declare func $f)
        (table 1 funcref)
        (func (export "ref") (result funcref) ref.func $f)
        (func (export "call") (param funcref) (result i32)
            i32.const 0 local.get 0 table.set
            i32.const 0 call_indirect (result i32)))"#;
    let b = linker.instantiate(&mut store, &module(PROFILE, b)).expect("it links");
    let (from_a, _) = call(&mut store, a, "ref", &[]);
    let (from_b, _) = call(&mut store, b, "ref", &[]);
    assert_eq!(from_a, from_b);
    let f: FuncAddr = func(&store, a, "f");
    assert_eq!(from_a, End::Values(vec![Val::FuncRef(Some(f))]));
    assert_eq!(call(&mut store, b, "call", &[Val::FuncRef(Some(f))]).0, i32s(&[7]));
    assert_eq!(call(&mut store, b, "call", &[Val::FuncRef(None)]).0, End::Trap(TrapCode::IndirectCallToNull));
}

#[test]
fn segments_before_the_one_that_traps_stay() {
    let mut store = Store::new(PROFILE);
    let memory = store.new_memory(MemoryType { min: 1, max: None }).expect("small");
    let table = TableType { element: ValType::FuncRef, min: 2, max: None };
    let table = store.new_table(table, Val::FuncRef(None)).expect("small");
    let linker = linker(&[("h", "m", Extern::Memory(memory)), ("h", "t", Extern::Table(table))]);
    let text = r#"(module (import "h" "m" (memory 1)) (import "h" "t" (table 2 funcref))
        (func $f (result i32) i32.const 5)
        (elem (i32.const 1) $f)
        (data (i32.const 3) "abc")
        (data (i32.const 65535) "de")
        (data (i32.const 6) "f"))"#;
    let outcome = linker.instantiate(&mut store, &module(PROFILE, text));
    assert_eq!(outcome.err().and_then(|error| error.trap_code()), Some(TrapCode::MemoryOutOfBounds));
    let bytes = store.memory(memory).expect("it is still there").to_vec();
    assert_eq!(&bytes[..8], b"\0\0\0abc\0\0");
    assert_eq!(bytes[65_535], 0, "the segment that traps writes nothing");

    let user = r#"(module (import "h" "t" (table 2 funcref))
        (func (export "f") (result i32) i32.const 1 call_indirect (result i32)))"#;
    let user = linker.instantiate(&mut store, &module(PROFILE, user)).expect("it links");
    assert_eq!(call(&mut store, user, "f", &[]).0, i32s(&[5]), "the failed instance's function lives");
}

#[test]
fn a_start_function_may_trap_after_all_else_is_done() {
    let mut store = Store::new(PROFILE);
    let memory = store.new_memory(MemoryType { min: 1, max: None }).expect("small");
    let linker = linker(&[("h", "m", Extern::Memory(memory))]);
    let text = r#"(module (import "h" "m" (memory 1)) (data (i32.const 0) "x")
        (func $s unreachable) (start $s))"#;
    let outcome = linker.instantiate(&mut store, &module(PROFILE, text));
    let Err(Error::Trap(trap)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(trap.code, TrapCode::Unreachable);
    assert_eq!(trap.frames.len(), 1);
    assert_eq!(store.memory(memory).map(|memory| memory.to_vec()[0]), Some(b'x'));
}

#[test]
fn memories_and_tables_beyond_the_profile_do_not_come_into_being() {
    let small = profile(|limits| {
        limits.memory_pages = 3;
        limits.table_entries = 10;
    });
    let cases = [("(memory 4)", false), ("(memory 3 9)", true), ("(table 11 funcref)", false)];
    for (field, fine) in cases {
        let mut store = Store::new(&small);
        let bytes = wat::parse_str(format!("(module {field})")).expect("the test's text is a module");
        let outcome = ghost_wasm_oracle::Module::new(&small, &bytes)
            .and_then(|module| store.instantiate(&module, &[]).map(drop));
        match outcome {
            Ok(()) => assert!(fine, "{field}"),
            Err(error) => {
                assert!(!fine, "{field}");
                assert_eq!(error.kind(), Some(ghost_wasm::ErrorKind::Limit), "{field}");
            }
        }
    }
}

#[test]
fn growth_stops_at_the_profile() {
    let small = profile(|limits| {
        limits.memory_pages = 3;
        limits.table_entries = 10;
    });
    let text = r#"(module (memory 1) (table 1 externref)
        (func (export "pages") (param i32) (result i32) local.get 0 memory.grow)
        (func (export "entries") (param i32) (result i32) ref.null extern local.get 0 table.grow))"#;
    let (mut store, instance) = instance_under(&small, text);
    let steps = [("pages", 3, -1), ("pages", 2, 1), ("pages", 1, -1), ("pages", 0, 3), ("pages", -1, -1)];
    let entries = [("entries", 10, -1), ("entries", 9, 1), ("entries", 1, -1), ("entries", -1, -1)];
    for (name, by, answer) in steps.into_iter().chain(entries) {
        assert_eq!(call(&mut store, instance, name, &[Val::I32(by)]).0, i32s(&[answer]), "{name} {by}");
    }
}

#[test]
fn misuse_is_told_from_failure() {
    let (mut store, instance) = instance(r#"(module (func (export "f") (param i32 funcref)))"#);
    let f = func(&store, instance, "f");
    let beyond = {
        let (mut other, _) = common::instance(r#"(module (func) (func) (func))"#);
        other.new_func(FuncType::new([], []), |_, _, _| Ok(Vec::new()))
    };
    let cases: [&[Val]; 4] = [
        &[],
        &[Val::I64(1), Val::FuncRef(None)],
        &[Val::I32(1), Val::ExternRef(None)],
        &[Val::I32(1), Val::FuncRef(Some(beyond))],
    ];
    for args in cases {
        assert!(matches!(store.invoke(f, args), Err(Error::Usage(_))), "{args:?}");
    }
    let liar = store.new_func(FuncType::new([], [ValType::I32]), |_, _, _| Ok(vec![Val::I64(1)]));
    assert!(matches!(store.invoke(liar, &[]), Err(Error::Usage(_))));
}
