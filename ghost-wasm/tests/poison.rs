//! What guest code has written when its gas runs out is not defined, so nobody gets to see it: not the host, not
//! a guest below, under a cap or not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use ghost_wasm::{
    Caller, Engine, Error, ErrorCode, Extern, Func, FuncType, Global, GlobalType, Instance, Linker, Memory,
    MemoryType, Module, Store, Table, TableType, TypedFunc, Val, ValType,
};

/// `spin` writes for ever; `run` calls the host, then tells what `spin` has written.
const GUEST: &str = r#"(module
    (import "h" "f" (func $f))
    (memory (export "m") 1)
    (table (export "t") 4 funcref)
    (global $g (export "g") (mut i32) (i32.const 0))
    (func (export "spin")
        (loop $l
            (global.set $g (i32.add (global.get $g) (i32.const 1)))
            (i32.store (i32.const 0) (global.get $g))
            (br $l)))
    (func (export "run") (result i32) (call $f) (i32.load (i32.const 0)))
    (func (export "careless") (call $f) unreachable))"#;

type F = fn(Caller<'_, ()>) -> Result<(), Error>;

fn guest(f: F) -> (Store<()>, Instance) {
    let engine = Engine::default();
    let module = Module::new(&engine, &wat::parse_str(GUEST).unwrap()).unwrap();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("h", "f", f).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance)
}

fn spin(caller: &Caller<'_, ()>) -> TypedFunc<(), ()> {
    caller.get_export("spin").and_then(Extern::into_func).unwrap().typed(caller).unwrap()
}

#[track_caller]
fn poisoned<V: core::fmt::Debug>(result: Result<V, Error>) {
    assert_eq!(result.unwrap_err().code(), ErrorCode::Poisoned);
}

/// Everything that could show or change what the store holds.
#[track_caller]
fn nothing_answers(store: &mut Store<()>, instance: Instance) {
    let memory = instance.get_memory(&*store, "m").unwrap();
    let table = instance.get_table(&*store, "t").unwrap();
    let global = instance.get_global(&*store, "g").unwrap();
    let spin = instance.get_func(&*store, "spin").unwrap();
    poisoned(memory.try_ty(&*store));
    poisoned(memory.try_size(&*store));
    poisoned(memory.try_data(&*store).map(<[u8]>::len));
    poisoned(memory.try_data_mut(store).map(|bytes| bytes.len()));
    poisoned(memory.try_data_and_store_mut(store).map(|(bytes, ())| bytes.len()));
    poisoned(memory.read(&*store, 0, &mut [0]));
    poisoned(memory.write(&mut *store, 0, &[0]));
    poisoned(memory.grow(&mut *store, 0));
    poisoned(table.try_ty(&*store));
    poisoned(table.try_size(&*store));
    poisoned(table.get(&*store, 0));
    poisoned(table.set(&mut *store, 0, Val::FuncRef(None)));
    poisoned(table.grow(&mut *store, 0, Val::FuncRef(None)));
    poisoned(global.try_ty(&*store));
    poisoned(global.try_get(&*store));
    poisoned(global.set(&mut *store, Val::I32(1)));
    poisoned(spin.call(&mut *store, &[], &mut []));
    poisoned(Memory::new(&mut *store, MemoryType { min: 0, max: None }));
    poisoned(Table::new(
        &mut *store,
        TableType { element: ValType::FuncRef, min: 0, max: None },
        Val::FuncRef(None),
    ));
    poisoned(Global::new(&mut *store, GlobalType { content: ValType::I32, mutable: true }, Val::I32(0)));
    poisoned(Func::wrap(&mut *store, || ()));
    poisoned(Func::new(&mut *store, FuncType::new([], []), |_, _, _| Ok(())));
    let empty = Module::new(store.engine(), b"\0asm\x01\0\0\0").unwrap();
    poisoned(Instance::new(&mut *store, &empty, &[]));
    poisoned(Linker::new(store.engine()).instantiate(&mut *store, &empty));
}

/// An accessor without an error panics, with the error's text.
#[track_caller]
fn panics(access: impl FnOnce()) {
    let text = catch_unwind(AssertUnwindSafe(access)).unwrap_err();
    assert!(text.downcast_ref::<String>().unwrap().contains("poisoned store"), "{text:?}");
}

#[test]
fn after_out_of_gas_nothing_answers() {
    let (mut store, instance) = guest(|_| Ok(()));
    let memory = instance.get_memory(&store, "m").unwrap();
    let table = instance.get_table(&store, "t").unwrap();
    let global = instance.get_global(&store, "g").unwrap();
    store.set_gas(1_000);
    let spin = instance.get_typed_func::<(), ()>(&store, "spin").unwrap();
    assert!(spin.call(&mut store, ()).unwrap_err().is_out_of_gas());
    nothing_answers(&mut store, instance);
    panics(|| _ = memory.ty(&store));
    panics(|| _ = memory.size(&store));
    panics(|| _ = memory.data(&store).len());
    panics(|| _ = memory.data_mut(&mut store).len());
    panics(|| _ = table.ty(&store));
    panics(|| _ = table.size(&store));
    panics(|| _ = global.ty(&store));
    panics(|| _ = global.get(&store));
    // What is not content stays: gas, data, and that the call can go on.
    assert_eq!((store.gas_used(), store.gas_left()), (1_000, 0));
    assert!(store.resume(1_000, &mut []).unwrap_err().is_out_of_gas());
    nothing_answers(&mut store, instance);
}

/// Out of a cap alone: the host function knows it and may return; the guest below must not see what is left.
#[test]
fn a_capped_call_that_runs_out() {
    let (mut store, instance) = guest(|mut caller| {
        let (spin, memory) = (spin(&caller), caller.get_export("m").and_then(Extern::into_memory).unwrap());
        let error = caller.with_gas_cap(1_000, |caller| spin.call(caller, ())).unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutOfGasCap);
        poisoned(memory.read(&caller, 0, &mut [0]));
        poisoned(spin.call(&mut caller, ()));
        Ok(())
    });
    store.set_gas(10_000);
    let run = instance.get_typed_func::<(), i32>(&store, "run").unwrap();
    let error = run.call(&mut store, ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Poisoned);
    // Entering, the call, the cap: the rest has come back.
    assert_eq!(store.gas_used(), 4 + 56 + 1_000);
    nothing_answers(&mut store, instance);
    assert_eq!(store.resume(1, &mut [Val::I32(0)]).unwrap_err().code(), ErrorCode::NothingToResume);
}

/// All gas is gone in an inner call, and the host function keeps that to itself: the guest below ends the same
/// way, also where it would not have needed gas any more.
#[test]
fn an_inner_call_that_runs_out() {
    for name in ["run", "careless"] {
        let (mut store, instance) = guest(|mut caller| {
            let spin = spin(&caller);
            assert_eq!(spin.call(&mut caller, ()).unwrap_err().code(), ErrorCode::OutOfGas);
            Ok(())
        });
        store.set_gas(10_000);
        let run = instance.get_func(&store, name).unwrap();
        let mut results = vec![Val::I32(0); run.ty(&store).results().len()];
        assert_eq!(run.call(&mut store, &[], &mut results).unwrap_err().code(), ErrorCode::OutOfGas);
        assert_eq!(store.gas_used(), 10_000);
        nothing_answers(&mut store, instance);
    }
}

/// What the host itself cannot pay under a cap stops exactly there: the store is as good as before.
#[test]
fn a_charge_that_fails_under_a_cap() {
    let (mut store, instance) = guest(|mut caller| {
        let error = caller.with_gas_cap(100, |caller| caller.charge(101)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutOfGasCap);
        Ok(())
    });
    store.set_gas(10_000);
    let run = instance.get_typed_func::<(), i32>(&store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 0);
    // Entering, the call, the cap, a constant, the load, the return of one value.
    assert_eq!(store.gas_used(), 4 + 56 + 100 + 1 + 4 + 3);
}
