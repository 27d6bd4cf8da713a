//! Backtraces: of traps, of errors of host functions, of gas that runs out; with names, bounded, and the same however a
//! module is translated.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ghost_wasm::{
    Caller, Config, Engine, Error, ErrorCode, Extern, FrameInfo, Func, Instance, Interrupt, Linker, Module,
    Profile, Store, Translation, Val,
};

fn engines() -> [Engine; 2] {
    [Translation::Eager, Translation::Lazy]
        .map(|translation| Engine::new(Config::new(Profile::LATEST).translation(translation)))
}

/// A frame in short: its index, its name, whether it has an offset.
fn short(frame: &FrameInfo) -> String {
    let index = frame.func_index.map_or("?".into(), |index| index.to_string());
    let name = frame.name.as_deref().unwrap_or("-");
    let kind = if frame.host { " host" } else { "" };
    let offset = if frame.offset.is_some() { " at" } else { "" };
    format!("{index} {name}{kind}{offset}")
}

fn shown(error: &Error) -> Vec<String> {
    error.backtrace().frames().iter().map(short).collect()
}

#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

const GUEST: &str = r#"(module
    (import "env" "revert" (func $_mangled_revert (param i32)))
    (import "env" "charge" (func $charge (param i64)))
    (import "env" "call" (func $call (param i32)))
    (table (export "table") 4 funcref)
    (elem (i32.const 0) $_mangled_revert)
    (memory 1)
    (type $code (func (param i32)))
    (func $fails (export "fails") (call $middle (i32.const 7)))
    (func $middle (param i32) (call $_mangled_revert (local.get 0)))
    (func $through (export "through_table") (param i32)
        (call_indirect (type $code) (i32.const 1) (local.get 0)))
    (func $charges (export "charges") (call $charge (i64.const 1000000)))
    (func $nested (export "nested") (call $call (i32.const 0)))
    (func $tail (export "tail") (return_call $_mangled_revert (i32.const 7)))
    (func $spins (export "spins") (local i32)
        (drop (i32.load (i32.const 0)))
        (loop (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br 0)))
    (func $conditional (export "conditional") (local i32)
        (loop (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br_if 0 (i32.const 1))))
    (func $tabled (export "tabled") (loop (br_table 0 0 (i32.const 0))))
    (func $straight (export "straight") (result i64) (i64.mul (i64.const 3) (i64.const 4)))
    (func $bulk (export "bulk") (memory.fill (i32.const 0) (i32.const 0) (i32.const 65536)))
    (func $deep (export "deep") (param i32)
        (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else unreachable)))
    (func $last (export "last") unreachable))"#;

fn linker(engine: &Engine) -> Linker<()> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("env", "revert", |_: i32| Err::<(), Error>(Error::host(Refused))).unwrap();
    linker
        .func_wrap("env", "charge", |mut caller: Caller<'_, ()>, gas: i64| caller.charge(gas as u64))
        .unwrap();
    linker
        .func_wrap("env", "call", |mut caller: Caller<'_, ()>, _: i32| {
            let func = caller.get_export("fails").and_then(Extern::into_func).unwrap();
            func.call(&mut caller, &[], &mut [])
        })
        .unwrap();
    linker
}

fn guest(engine: &Engine, text: &str) -> (Store<()>, Instance) {
    let linker = linker(engine);
    let module = Module::new(engine, &wat::parse_str(text).unwrap()).unwrap();
    let mut store = Store::new(engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance)
}

fn fails(engine: &Engine, name: &str, args: &[Val], gas: u64) -> Error {
    let (mut store, instance) = guest(engine, GUEST);
    store.set_gas(gas);
    let func = instance.get_func(&store, name).unwrap();
    let mut results = vec![Val::I32(0); func.ty(&store).results().len()];
    func.call(&mut store, args, &mut results).unwrap_err()
}

#[test]
fn errors_of_host_functions_have_one() {
    for engine in engines() {
        let error = fails(&engine, "fails", &[], 10_000);
        assert!(error.downcast_ref::<Refused>().is_some());
        assert_eq!(shown(&error), ["0 env.revert host", "4 middle at", "3 fails at"]);
        let error = fails(&engine, "nested", &[], 10_000);
        assert!(error.downcast_ref::<Refused>().is_some());
        assert_eq!(
            shown(&error),
            ["0 env.revert host", "4 middle at", "3 fails at", "2 env.call host", "7 nested at"]
        );
        let error = fails(&engine, "charges", &[], 10_000);
        assert_eq!(error.code(), ErrorCode::OutOfGas);
        assert_eq!(shown(&error), ["1 env.charge host", "6 charges at"]);
        let error = fails(&engine, "through_table", &[Val::I32(0)], 10_000);
        assert_eq!(shown(&error), ["0 env.revert host", "5 through at"]);
        let error = fails(&engine, "tail", &[], 10_000);
        assert_eq!(shown(&error), ["0 env.revert host", "8 tail at"]);
    }
}

/// A yield that cannot be resumed is an error of the function that has yielded; one that can is no end.
#[test]
fn yields_that_are_lost() {
    let text = r#"(module
        (import "env" "ask" (func $ask))
        (import "env" "call" (func $call (param i32)))
        (func $asks (export "fails") (call $ask))
        (func $nested (export "nested") (call $call (i32.const 0))))"#;
    for engine in engines() {
        let mut linker = linker(&engine);
        linker.func_wrap("env", "ask", || Err::<(), Error>(Error::yield_with(Refused))).unwrap();
        let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let mut call = |name: &str| {
            let func = instance.get_func(&store, name).unwrap();
            func.call(&mut store, &[], &mut []).unwrap_err()
        };
        let error = call("nested");
        assert_eq!(error.code(), ErrorCode::YieldLost);
        assert_eq!(shown(&error), ["0 env.ask host", "2 asks at", "1 env.call host", "3 nested at"]);
        let error = call("fails");
        assert!(error.is_yield());
        assert_eq!(error.backtrace().depth(), 0);
    }
}

/// A host function that the host itself has put into a table: nobody has a name for it.
#[test]
fn a_host_function_without_a_name() {
    for engine in engines() {
        let (mut store, instance) = guest(&engine, GUEST);
        let func = Func::wrap(&mut store, |_: i32| Err::<(), Error>(Error::host(Refused))).unwrap();
        let table = instance.get_table(&store, "table").unwrap();
        table.set(&mut store, 1, Val::FuncRef(Some(func))).unwrap();
        let through = instance.get_func(&store, "through_table").unwrap();
        let error = through.call(&mut store, &[Val::I32(1)], &mut []).unwrap_err();
        assert_eq!(shown(&error), ["? - host", "5 through at"]);
    }
}

/// Where gas runs out: the function always, and the offset of an operator in it that is near.
#[test]
fn gas_that_runs_out_has_a_place() {
    let binary = wat::parse_str(GUEST).unwrap();
    for engine in engines() {
        for (name, gas, frame) in [
            ("spins", 5_000, "9 spins at"),
            ("conditional", 5_000, "10 conditional at"),
            ("tabled", 5_000, "11 tabled at"),
            ("bulk", 700, "13 bulk at"),
            ("straight", 1, "12 straight"),
        ] {
            let error = fails(&engine, name, &[], gas);
            assert_eq!(error.code(), ErrorCode::OutOfGas, "{name}");
            assert_eq!(shown(&error), [frame], "{name}");
        }
        // The jump that closes the loop.
        let opcode = |name| {
            let error = fails(&engine, name, &[], 5_000);
            binary[error.backtrace().frames()[0].offset.unwrap() as usize]
        };
        assert_eq!([opcode("spins"), opcode("conditional"), opcode("tabled")], [0x0c, 0x0d, 0x0e]);
    }
}

#[test]
fn a_call_that_is_interrupted_has_a_place() {
    for engine in engines() {
        let (mut store, instance) = guest(&engine, GUEST);
        let interrupt = Interrupt::new();
        store.set_interrupt(Some(interrupt.clone()));
        // Set while it runs: by a host function.
        let func = Func::wrap(&mut store, move |_: i32| interrupt.interrupt()).unwrap();
        let table = instance.get_table(&store, "table").unwrap();
        table.set(&mut store, 1, Val::FuncRef(Some(func))).unwrap();
        let through = instance.get_func(&store, "through_table").unwrap();
        let error = through.call(&mut store, &[Val::I32(1)], &mut []).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Interrupted);
        assert_eq!(shown(&error), ["5 through at"]);
    }
}

/// The ends are kept and the rest is counted, however deep it was.
#[test]
fn a_deep_stack_is_cut() {
    for engine in engines() {
        for depth in [0, 1, 47, 62, 63, 64, 65, 500, 900] {
            let error = fails(&engine, "deep", &[Val::I32(depth)], 1_000_000);
            let trace = error.backtrace();
            let total = depth as usize + 1;
            assert_eq!(trace.depth(), total);
            assert_eq!(trace.frames().len(), total.min(64));
            assert_eq!(trace.left_out(), total.saturating_sub(64));
            assert_eq!(trace.frames(), error.trap().unwrap().frames());
            assert!(trace.frames().iter().all(|frame| short(frame) == "14 deep at"));
            // The innermost one stands elsewhere than those that called it.
            let offsets: Vec<_> = trace.frames().iter().map(|frame| frame.offset).collect();
            assert!(offsets[1..].iter().all(|offset| offset != &offsets[0]), "{depth}");
            let (inner, outer) = trace.parts();
            assert_eq!((inner.len(), outer.len()), if total > 64 { (48, 16) } else { (total, 0) });
        }
        let error = fails(&engine, "deep", &[Val::I32(i32::MAX)], 1 << 40);
        assert_eq!(error.code(), ErrorCode::StackExhausted);
        let most = engine.profile().limits().frames as usize;
        assert!((most - 1..=most).contains(&error.backtrace().depth()), "{}", error.backtrace().depth());
    }
}

/// Through other instances and back: every frame has the names of its own module.
#[test]
fn frames_of_several_instances() {
    let other = r#"(module (import "g" "last" (func $to)) (func $other (export "other") (call $to)))"#;
    let third = r#"(module (import "o" "other" (func $to)) (func (export "outer") (call $inner)) (func $inner (call $to)))"#;
    for engine in engines() {
        let (mut store, instance) = guest(&engine, GUEST);
        let mut linker = Linker::new(&engine);
        let module = |text: &str| Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
        linker.define("g", "last", instance.get_func(&store, "last").unwrap()).unwrap();
        let other = linker.instantiate(&mut store, &module(other)).unwrap();
        linker.define("o", "other", other.get_func(&store, "other").unwrap()).unwrap();
        let third = linker.instantiate(&mut store, &module(third)).unwrap();
        let outer = third.get_func(&store, "outer").unwrap();
        let error = outer.call(&mut store, &[], &mut []).unwrap_err();
        assert_eq!(shown(&error), ["15 last at", "1 other at", "2 inner at", "1 outer at"]);
    }
}

/// Where there is no name section the first export of a function is its name.
#[test]
fn exports_name_functions() {
    let text = r#"(module
        (func (export "last") (export "again") unreachable)
        (func (call 0))
        (func (export "m") (export "first") (call 1)))"#;
    for engine in engines() {
        let (mut store, instance) = guest(&engine, text);
        let func = instance.get_func(&store, "first").unwrap();
        let error = func.call(&mut store, &[], &mut []).unwrap_err();
        assert_eq!(shown(&error), ["0 last at", "1 - at", "2 m at"]);
    }
}

/// Names may be as long as a module; a backtrace keeps little of them.
#[test]
fn long_names_are_cut() {
    let long = "x".repeat(50_000);
    for text in [
        format!("(module (func ${long} (export \"f\") unreachable))"),
        format!("(module (func (export \"f\") (call 1)) (func (export \"{long}\") unreachable))"),
    ] {
        for engine in engines() {
            let (mut store, instance) = guest(&engine, &text);
            let func = instance.get_func(&store, "f").unwrap();
            let error = func.call(&mut store, &[], &mut []).unwrap_err();
            assert_eq!(error.backtrace().frames()[0].name.as_deref(), Some(&long[..1_024]));
        }
    }
}

/// A start function has one, and what instantiation does itself has none.
#[test]
fn instantiation() {
    for engine in engines() {
        let module = |text: &str| Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
        let mut store = Store::new(&engine, ());
        let starts = module("(module (func $starts unreachable) (start $starts))");
        let error = Instance::new(&mut store, &starts, &[]).unwrap_err();
        assert_eq!(shown(&error), ["0 starts at"]);
        let segment = module(r#"(module (memory 1) (data (i32.const 65536) "x"))"#);
        let error = Instance::new(&mut store, &segment, &[]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MemoryOutOfBounds);
        assert_eq!(error.backtrace().depth(), 0);
    }
}
