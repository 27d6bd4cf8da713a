//! Host functions that do what they may, but nobody expects: exchanging the store under a running guest,
//! calling each other without end, losing gas errors.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ghost_wasm::{
    AsContextMut, Caller, Engine, Error, ErrorCode, Extern, Func, Linker, Module, Store, Table, TrapCode, Val,
};

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, &wat::parse_str(text).unwrap()).unwrap()
}

const CALLS_HOST: &str = r#"(module
    (import "h" "f" (func $f))
    (memory (export "m") 1)
    (func (export "run") (result i32) (call $f) (i32.load (i32.const 0))))"#;

/// A guest whose store was replaced (and so dropped) by a host function that it called must not go on.
#[test]
fn a_host_function_replaces_the_store() {
    let engine = Engine::default();
    let mut linker: Linker<()> = Linker::new(&engine);
    let other = engine.clone();
    let f = move |mut caller: Caller<'_, ()>| *caller.as_context_mut() = Store::new(&other, ());
    linker.func_wrap("h", "f", f).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module(&engine, CALLS_HOST)).unwrap();
    let run = instance.get_typed_func::<(), i32>(&store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap_err().code(), ErrorCode::WrongStore);
    // What is in its place is an ordinary store.
    let text = r#"(module (func (export "one") (result i32) i32.const 1))"#;
    let instance = Linker::new(&engine).instantiate(&mut store, &module(&engine, text)).unwrap();
    let one = instance.get_typed_func::<(), i32>(&store, "one").unwrap();
    assert_eq!(one.call(&mut store, ()).unwrap(), 1);
}

/// The same under a gas cap, in a host function that the host itself calls.
#[test]
fn a_host_function_replaces_the_store_under_a_gas_cap() {
    let engine = Engine::default();
    let other = engine.clone();
    let mut store = Store::new(&engine, ());
    let f = Func::wrap(&mut store, move |mut caller: Caller<'_, ()>| {
        caller.with_gas_cap(10, |caller| {
            *caller.as_context_mut() = Store::new(&other, ());
            caller.as_context_mut().set_gas(100);
            Ok(())
        })
    });
    let error = f.unwrap().call(&mut store, &[], &mut []).unwrap_err();
    assert_eq!(error.code(), ErrorCode::WrongStore);
    assert_eq!(store.gas_left(), 100, "the cap was another store's");
}

/// A host function catches the panic of a deeper one: the call that it unwound was not ended, and the guest
/// below must not go on in that call's place.
#[test]
fn a_host_function_catches_a_panic() {
    let engine = Engine::default();
    let mut linker: Linker<u32> = Linker::new(&engine);
    let f = |mut caller: Caller<'_, u32>| -> Result<(), Error> {
        *caller.data_mut() += 1;
        assert_eq!(*caller.data(), 1, "the deeper one panics");
        let func = caller.get_export("deeper").and_then(Extern::into_func).unwrap();
        let call = core::panic::AssertUnwindSafe(|| func.call(&mut caller, &[], &mut []));
        assert!(std::panic::catch_unwind(call).is_err());
        Ok(())
    };
    linker.func_wrap("h", "f", f).unwrap();
    let text = r#"(module (import "h" "f" (func $f)) (global $g (export "g") (mut i32) (i32.const 0))
        (func (export "deeper") (call $f) (global.set $g (i32.const 1)))
        (func (export "run") (result i32) (call $f) (i32.const 5)))"#;
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    let run = instance.get_typed_func::<(), i32>(&store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap_err().code(), ErrorCode::WrongStore);
    assert_eq!(instance.get_global(&store, "g").unwrap().get(&store), Val::I32(0), "it did not go on");
}

/// A limit set under caps does not add up with what the caps keep.
#[test]
fn a_host_function_sets_the_gas_under_caps() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let f = Func::wrap(&mut store, |mut caller: Caller<'_, ()>| {
        caller.with_gas_cap(0, |caller| {
            caller.as_context_mut().set_gas(u64::MAX);
            caller.with_gas_cap(0, |caller| {
                caller.as_context_mut().set_gas(u64::MAX);
                Ok(())
            })
        })
    });
    f.unwrap().call(&mut store, &[], &mut []).unwrap();
    assert_eq!(store.gas_used(), 0);
    assert_eq!(store.gas_left(), 1 << 62);
}

/// A host function that calls what a table holds; the guest puts that very function there. It must not
/// overflow the native stack, and the trap must leave the store as it was.
#[test]
fn a_guest_makes_a_host_function_call_itself() {
    let engine = Engine::default();
    let mut linker: Linker<Option<Table>> = Linker::new(&engine);
    let call_entry = |mut caller: Caller<'_, Option<Table>>| -> Result<(), Error> {
        let Some(table) = *caller.data() else { return Ok(()) };
        let Ok(Val::FuncRef(Some(func))) = table.get(&caller, 0) else { return Ok(()) };
        func.call(&mut caller, &[], &mut [])
    };
    linker.func_wrap("h", "f", call_entry).unwrap();
    let mut store = Store::new(&engine, None);
    let text = r#"(module (import "h" "f" (func $f)) (table (export "t") 1 funcref)
        (elem (i32.const 0) $f) (func (export "run") (call $f)))"#;
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    *store.data_mut() = instance.get_table(&store, "t");
    let run = instance.get_typed_func::<(), ()>(&store, "run").unwrap();
    for _ in 0..3 {
        let error = run.call(&mut store, ()).unwrap_err();
        assert_eq!(error.trap().map(|trap| trap.code()), Some(TrapCode::StackExhausted));
    }
    let table = instance.get_table(&store, "t").unwrap();
    let Val::FuncRef(Some(host)) = table.get(&store, 0).unwrap() else { panic!("the host function") };
    let error = host.call(&mut store, &[], &mut []).unwrap_err();
    assert_eq!(error.trap().map(|trap| trap.code()), Some(TrapCode::StackExhausted));
    table.set(&mut store, 0, Val::FuncRef(None)).unwrap();
    run.call(&mut store, ()).unwrap();
}

/// A cap that a host function sets ends an inner call. The host function returns, but nobody sees what the
/// guest has left; and with a host's frame in between there is nothing to resume.
#[test]
fn a_cap_in_a_function_that_the_host_calls() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let text = r#"(module (func (export "run") (loop $l (br $l))))"#;
    let instance = Linker::new(&engine).instantiate(&mut store, &module(&engine, text)).unwrap();
    let run = instance.get_typed_func::<(), ()>(&store, "run").unwrap();
    let f = Func::wrap(&mut store, move |mut caller: Caller<'_, ()>| -> Result<i32, Error> {
        let error = caller.with_gas_cap(1_000, |caller| run.call(caller, ())).unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutOfGasCap);
        Ok(7)
    });
    let f = f.unwrap();
    store.set_gas(5_000);
    let mut result = [Val::I32(0)];
    f.call(&mut store, &[], &mut result).unwrap();
    assert_eq!((result[0], store.gas_left()), (Val::I32(7), 4_000));
    assert_eq!(f.call(&mut store, &[], &mut result).unwrap_err().code(), ErrorCode::Poisoned);
    assert_eq!(store.resume(1, &mut []).unwrap_err().code(), ErrorCode::NothingToResume);
}

/// A host function swallows that an inner call ran out of gas. With more gas that call would have ended
/// otherwise, so the outer one cannot go on as if it had had more from the start.
#[test]
fn a_host_function_swallows_the_end_of_the_gas() {
    let engine = Engine::default();
    let text = r#"(module (import "h" "f" (func $f))
        (func (export "spin") (local i32)
            (loop $l (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000)))))
        (func (export "run") (call $f)))"#;
    let module = module(&engine, text);
    let spin = |mut caller: Caller<'_, ()>| {
        let spin = caller.get_export("spin").and_then(Extern::into_func).unwrap();
        drop(spin.call(&mut caller, &[], &mut []));
    };
    let charge = |mut caller: Caller<'_, ()>| drop(caller.charge(5_000));
    let mut linkers = [Linker::new(&engine), Linker::new(&engine)];
    linkers[0].func_wrap("h", "f", spin).unwrap();
    linkers[1].func_wrap("h", "f", charge).unwrap();
    for linker in linkers {
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let run = instance.get_typed_func::<(), ()>(&store, "run").unwrap();
        store.set_gas(1_000);
        assert!(run.call(&mut store, ()).unwrap_err().is_out_of_gas());
        assert_eq!(store.resume(1 << 30, &mut []).unwrap_err().code(), ErrorCode::NothingToResume);
    }
}
