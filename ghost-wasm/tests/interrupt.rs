//! Calls that another thread ends: wherever they are, with an error of their own, and nothing of them is used after.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ghost_wasm::{
    Caller, Config, Engine, Error, ErrorCode, ErrorKind, Extern, Instance, InstancePool, Interrupt, Linker,
    Module, Profile, Store, Translation, Val,
};

/// Each export runs on for ever, each in its own way, or calls something that does.
const GUEST: &str = r#"(module
    (import "h" "nothing" (func $nothing))
    (import "h" "call" (func $call (param i32) (result i32)))
    (import "h" "swallow" (func $swallow (param i32) (result i32)))
    (import "h" "looks" (func $looks))
    (import "o" "step" (func $step (param i32) (result i32)))
    (type $stepping (func (param i32) (result i32)))
    (memory (export "memory") 33)
    (table funcref (elem $step $own))
    (global $g (mut i32) (i32.const 0))
    (func $own (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func $body (param i32) (result i32) (global.set $g (call $own (local.get 0))) (global.get $g))
    (func (export "loop") (loop (br 0)))
    (func (export "wide") (loop (global.set $g (i32.add (global.get $g) (i32.const 1))) (br 0)))
    (func (export "calls") (loop (drop (call $body (i32.const 1))) (br 0)))
    (func (export "host") (loop (call $nothing) (br 0)))
    (func (export "across") (loop (drop (call $step (i32.const 1))) (br 0)))
    (func (export "indirect") (local i32)
        (loop
            (drop (call_indirect (type $stepping) (i32.const 1) (local.get 0)))
            (local.set 0 (i32.xor (local.get 0) (i32.const 1)))
            (br 0)))
    (func (export "fill") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x210000)) (br 0)))
    (func (export "copy") (loop (memory.copy (i32.const 0) (i32.const 0) (i32.const 0x210000)) (br 0)))
    (func (export "grow") (loop (drop (memory.grow (i32.const -1))) (br 0)))
    (func $nested (export "nested") (drop (call $call (i32.const 0))) unreachable)
    (func (export "deeper") (drop (call $call (i32.const 1))) unreachable)
    (func (export "swallowed") (drop (call $swallow (i32.const 0))) unreachable)
    (func (export "looked") (call $looks)))"#;

const OTHER: &str =
    r#"(module (func (export "step") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))"#;

const ENDLESS: &[&str] = &[
    "loop",
    "wide",
    "calls",
    "host",
    "across",
    "indirect",
    "fill",
    "copy",
    "grow",
    "nested",
    "deeper",
    "swallowed",
    "looked",
];

/// So much that a call which is not interrupted ends, and the test fails.
const GAS: u64 = 1 << 35;

fn engines() -> [Engine; 2] {
    [Translation::Eager, Translation::Lazy]
        .map(|translation| Engine::new(Config::new(Profile::LATEST).translation(translation)))
}

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, &wat::parse_str(text).unwrap()).unwrap()
}

/// Calls an export of the guest's.
fn inner(caller: &mut Caller<'_, ()>, which: i32) -> Result<(), Error> {
    let name = if which == 0 { "loop" } else { "nested" };
    let func = caller.get_export(name).and_then(Extern::into_func).unwrap();
    func.call(caller, &[], &mut [])
}

fn linker(engine: &Engine) -> Linker<()> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("h", "nothing", || ()).unwrap();
    linker
        .func_wrap("h", "call", |mut caller: Caller<'_, ()>, which: i32| {
            inner(&mut caller, which).map(|()| 0)
        })
        .unwrap();
    // A careless one, which takes whatever happens for an answer.
    linker
        .func_wrap("h", "swallow", |mut caller: Caller<'_, ()>, which: i32| {
            i32::from(inner(&mut caller, which).is_ok())
        })
        .unwrap();
    linker
        .func_wrap("h", "looks", |mut caller: Caller<'_, ()>| -> Result<(), Error> {
            loop {
                caller.check_interrupt()?;
                thread::yield_now();
            }
        })
        .unwrap();
    linker
}

fn guest(engine: &Engine) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let mut linker = linker(engine);
    let other = linker.instantiate(&mut store, &module(engine, OTHER)).unwrap();
    linker.define("o", "step", other.get_func(&store, "step").unwrap()).unwrap();
    let instance = linker.instantiate(&mut store, &module(engine, GUEST)).unwrap();
    (store, instance)
}

/// Runs something under an interrupt that comes from another thread while it runs.
fn interrupted_later<R>(interrupt: &Interrupt, run: impl FnOnce() -> R) -> R {
    let interrupt = interrupt.clone();
    let other = thread::spawn(move || {
        thread::sleep(Duration::from_millis(5));
        interrupt.interrupt();
    });
    let result = run();
    other.join().unwrap();
    result
}

#[track_caller]
fn assert_interrupted(error: &Error, what: &str) {
    assert_eq!(
        (error.code(), error.kind()),
        (ErrorCode::Interrupted, ErrorKind::Interrupted),
        "{what}: {error}"
    );
    assert!(error.is_interrupted(), "{what}");
    assert!(!error.is_out_of_gas(), "{what}");
    assert!(error.trap().is_none(), "{what}");
}

#[test]
fn every_endless_call_ends() {
    for engine in engines() {
        for &name in ENDLESS {
            let (mut store, instance) = guest(&engine);
            store.set_gas(GAS);
            let interrupt = Interrupt::new();
            store.set_interrupt(Some(interrupt.clone()));
            let func = instance.get_func(&store, name).unwrap();
            let error = interrupted_later(&interrupt, || func.call(&mut store, &[], &mut []).unwrap_err());
            assert_interrupted(&error, name);
            // Nobody sees what it has left, and it cannot go on.
            assert_eq!(
                func.call(&mut store, &[], &mut []).unwrap_err().code(),
                ErrorCode::Poisoned,
                "{name}"
            );
            let memory = instance.get_memory(&store, "memory").unwrap();
            assert_eq!(memory.try_data(&store).unwrap_err().code(), ErrorCode::Poisoned, "{name}");
            assert_eq!(store.resume(GAS, &mut []).unwrap_err().code(), ErrorCode::NothingToResume, "{name}");
        }
    }
}

#[test]
fn a_start_function_ends() {
    for engine in engines() {
        let module = module(&engine, "(module (func $spin (loop (br 0))) (start $spin))");
        let mut store = Store::new(&engine, ());
        store.set_gas(GAS);
        let interrupt = Interrupt::new();
        store.set_interrupt(Some(interrupt.clone()));
        let error = interrupted_later(&interrupt, || Instance::new(&mut store, &module, &[]).unwrap_err());
        assert_interrupted(&error, "start");
        assert_eq!(Instance::resume(&mut store, GAS).unwrap_err().code(), ErrorCode::NothingToResume);
    }
}

/// A flag that is set before: nothing runs, neither code nor host functions nor segments.
#[test]
fn what_begins_too_late_does_not_run() {
    static CALLED: AtomicBool = AtomicBool::new(false);
    for engine in engines() {
        for name in ["loop", "host", "import"] {
            let (mut store, instance) = guest(&engine);
            let set = Interrupt::new();
            set.interrupt();
            store.set_interrupt(Some(set));
            let func = match name {
                "import" => {
                    ghost_wasm::Func::wrap(&mut store, || CALLED.store(true, Ordering::Relaxed)).unwrap()
                }
                name => instance.get_func(&store, name).unwrap(),
            };
            assert_interrupted(&func.call(&mut store, &[], &mut []).unwrap_err(), name);
            assert_eq!(store.gas_used(), guest(&engine).0.gas_used(), "{name}");
        }
        assert!(!CALLED.load(Ordering::Relaxed));
        let mut store = Store::new(&engine, ());
        let set = Interrupt::new();
        set.interrupt();
        store.set_interrupt(Some(set));
        let module = module(&engine, r#"(module (memory 1) (data (i32.const 0) "x"))"#);
        assert_interrupted(&Instance::new(&mut store, &module, &[]).unwrap_err(), "segments");
    }
}

/// A call that waits for gas or results ends instead of going on.
#[test]
fn a_suspended_call_ends() {
    let text = r#"(module (import "h" "ask" (func $ask (result i32)))
        (func (export "asks") (result i32) (call $ask))
        (func (export "spin") (loop (br 0))))"#;
    for engine in engines() {
        let mut linker = Linker::new(&engine);
        linker.func_wrap("h", "ask", || Err::<i32, Error>(Error::yield_with(std::fmt::Error))).unwrap();
        let interrupt = Interrupt::new();
        interrupt.interrupt();
        for name in ["asks", "spin"] {
            let mut store = Store::new(&engine, ());
            let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
            store.set_gas(1_000);
            let mut results = [Val::I32(0)];
            let results = if name == "asks" { &mut results[..] } else { &mut [] };
            let func = instance.get_func(&store, name).unwrap();
            func.call(&mut store, &[], results).unwrap_err();
            store.set_interrupt(Some(interrupt.clone()));
            let error = match name {
                "asks" => store.resume_with(&[Val::I32(1)], results),
                _ => store.resume(GAS, results),
            };
            assert_interrupted(&error.unwrap_err(), name);
            let again = store.resume(GAS, results).unwrap_err();
            assert_eq!(again.code(), ErrorCode::NothingToResume, "{name}");
        }
    }
}

/// An interrupted store of a pool is as good as new, and the flag is gone.
#[test]
fn a_pool_uses_an_interrupted_store_again() {
    let text = r#"(module (memory (export "memory") 1) (global $g (mut i32) (i32.const 7))
        (data (i32.const 8) "kept")
        (func (export "spin") (loop
            (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
            (global.set $g (i32.const 9)) (br 0)))
        (func (export "read") (result i32) (i32.add (i32.load (i32.const 8)) (global.get $g))))"#;
    for engine in engines() {
        let pre = Linker::new(&engine).instantiate_pre(&module(&engine, text)).unwrap();
        let mut pool = InstancePool::new(pre.clone(), 1);
        let mut outcomes = Vec::new();
        for _ in 0..3 {
            let mut store = pool.take(());
            store.set_gas(GAS);
            let instance = pre.instantiate(&mut store).unwrap();
            let read = instance.get_typed_func::<(), i32>(&store, "read").unwrap();
            // The flag of the use before is set by now.
            outcomes.push((read.call(&mut store, ()).unwrap(), store.gas_used()));
            let interrupt = Interrupt::new();
            store.set_interrupt(Some(interrupt.clone()));
            let spin = instance.get_func(&store, "spin").unwrap();
            let error = interrupted_later(&interrupt, || spin.call(&mut store, &[], &mut []).unwrap_err());
            assert_interrupted(&error, "spin");
            pool.put(store);
            assert_eq!(pool.idle(), 1);
        }
        assert_eq!(outcomes[0].0, i32::from_le_bytes(*b"kept").wrapping_add(7));
        assert!(outcomes.iter().all(|outcome| outcome == &outcomes[0]), "{outcomes:?}");
    }
}

/// A flag that nobody sets changes nothing: results, gas, where gas runs out.
#[test]
fn calls_that_are_not_ended_are_as_before() {
    let text = r#"(module (memory 1)
        (func (export "work") (param i32) (result i32) (local i32)
            (loop
                (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 31)) (local.get 0)))
                (memory.fill (i32.const 0) (local.get 1) (i32.const 999))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))"#;
    for engine in engines() {
        let module = module(&engine, text);
        let run = |interrupt: Option<Interrupt>, gas: u64| {
            let mut store = Store::new(&engine, ());
            store.set_interrupt(interrupt);
            store.set_gas(gas);
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            let work = instance.get_typed_func::<(i32,), i32>(&store, "work").unwrap();
            (work.call(&mut store, (1_000,)).map_err(|error| error.code()), store.gas_used())
        };
        for gas in [0, 10, 5_000, 100_000, GAS] {
            assert_eq!(run(None, gas), run(Some(Interrupt::new()), gas), "{gas}");
        }
        assert!(run(None, GAS).0.is_ok());
    }
}

/// Bulk operators that are done in pieces do what they did in one.
#[test]
fn large_bulk_operators_are_whole() {
    const LEN: usize = 64 * 65_536;
    let text = r#"(module (memory (export "memory") 64)
        (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
        (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2))))"#;
    let engine = Engine::default();
    let module = module(&engine, text);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let memory = instance.get_memory(&store, "memory").unwrap();
    let mut seed = 1_u32;
    let mut want: Vec<u8> = (0..LEN)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        })
        .collect();
    memory.write(&mut store, 0, &want).unwrap();
    let copy = instance.get_typed_func::<(i32, i32, i32), ()>(&store, "copy").unwrap();
    let fill = instance.get_typed_func::<(i32, i32, i32), ()>(&store, "fill").unwrap();
    for (to, from, len) in [
        (0, 0, LEN),
        (1, 0, LEN - 1),
        (0, 1, LEN - 1),
        (5_000, 77, 3 << 20),
        (77, 5_000, 3 << 20),
        (1 << 20, 0, 3 << 20),
        (0, 1 << 20, 3 << 20),
        (LEN - (1 << 20), 3, 1 << 20),
        (9, 8, (1 << 20) + 1),
    ] {
        copy.call(&mut store, (to as i32, from as i32, len as i32)).unwrap();
        want.copy_within(from..from + len, to);
        assert!(memory.data(&store) == want, "copy {to} {from} {len}");
    }
    for (to, value, len) in [(3, 0xab, (2 << 20) + 1), (0, 0xcd, 1 << 20), (LEN - 1, 0xef, 1)] {
        fill.call(&mut store, (to as i32, value, len as i32)).unwrap();
        want[to..to + len].fill(value as u8);
        assert!(memory.data(&store) == want, "fill {to} {len}");
    }
}
