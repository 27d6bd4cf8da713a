//! Translation at the first call: what is refused, what traps, what is used is as with eager translation;
//! and nothing is translated that is not called.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use common::{Rng, cases, smith};
use ghost_wasm::{
    Config, Engine, Error, ErrorCode, Extern, Instance, Linker, Module, ModuleStream, Profile, Store,
    Translation, Trap, TrapCode,
};

fn engine(profile: &Profile, when: Translation) -> Engine {
    Engine::new(Config::new(profile.clone()).translation(when))
}

/// The same text under both.
fn both(text: &str) -> [Module; 2] {
    let bytes = wat::parse_str(text).unwrap();
    [Translation::Eager, Translation::Lazy]
        .map(|when| Module::new(&engine(&Profile::WASM_2_EXT, when), &bytes).unwrap())
}

/// Code, trap, offset, text with frames.
type Failed = (ErrorCode, Option<TrapCode>, Option<u64>, String);

/// All of an error that an embedder can see.
fn seen(error: &Error) -> Failed {
    (
        error.code(),
        error.trap().map(Trap::code),
        error.offset(),
        format!("{error} {:?}", error.trap().map(|trap| trap.frames().to_vec())),
    )
}

const CHAIN: &str = r#"(module
    (table 4 funcref)
    (elem (i32.const 0) $leaf $deep $never)
    (type $unary (func (param i32) (result i32)))
    (func $leaf (param i32) (result i32)
        (i32.div_s (i32.const 100) (local.get 0)))
    (func $middle (param i32) (result i32) (local i64 i64)
        (i32.add (call $leaf (local.get 0)) (i32.const 1)))
    (func $deep (param i32) (result i32) (local i64 i64 i64)
        (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
    (func $never (param i32) (result i32)
        (i32.const 7))
    (func (export "direct") (param i32) (result i32)
        (call $middle (local.get 0)))
    (func (export "indirect") (param i32 i32) (result i32)
        (call_indirect (type $unary) (local.get 1) (local.get 0)))
)"#;

/// Result or error, gas used, functions translated.
type Outcome = (Result<i32, Failed>, u64, usize);

fn start(module: &Module, gas: u64) -> (Store<()>, Instance) {
    let mut store = Store::new(module.engine(), ());
    store.set_gas(gas);
    let instance = Linker::new(module.engine()).instantiate(&mut store, module).unwrap();
    (store, instance)
}

fn direct(module: &Module, argument: i32, gas: u64) -> Outcome {
    let (mut store, instance) = start(module, gas);
    let func = instance.get_typed_func::<(i32,), i32>(&store, "direct").unwrap();
    let result = func.call(&mut store, (argument,)).map_err(|error| seen(&error));
    (result, store.gas_used(), store.functions_translated())
}

fn indirect(module: &Module, which: i32) -> Outcome {
    let (mut store, instance) = start(module, 1 << 40);
    let func = instance.get_typed_func::<(i32, i32), i32>(&store, "indirect").unwrap();
    let result = func.call(&mut store, (which, 5)).map_err(|error| seen(&error));
    (result, store.gas_used(), store.functions_translated())
}

#[test]
fn what_is_called_is_translated_and_nothing_else() {
    let [eager, lazy] = both(CHAIN);
    assert_eq!(start(&lazy, 1_000).0.functions_translated(), 0);
    let (result, gas, translated) = direct(&lazy, 5, 1 << 40);
    assert_eq!((result.clone(), translated), (Ok(21), 3));
    assert_eq!(direct(&eager, 5, 1 << 40), (result, gas, 0));

    let (mut store, instance) = start(&lazy, 1 << 40);
    let func = instance.get_typed_func::<(i32,), i32>(&store, "direct").unwrap();
    for _ in 0..3 {
        assert_eq!(func.call(&mut store, (5,)).unwrap(), 21);
        assert_eq!(store.functions_translated(), 3);
    }
}

#[test]
fn traps_have_the_same_frames_and_gas() {
    let [eager, lazy] = both(CHAIN);
    let (by_eager, by_lazy) = (direct(&eager, 0, 1 << 40), direct(&lazy, 0, 1 << 40));
    let (_, code, _, text) = by_lazy.0.clone().unwrap_err();
    assert_eq!(code, Some(TrapCode::IntegerDivisionByZero), "{text}");
    assert_eq!(text.matches("func_index").count(), 3, "{text}");
    assert_eq!((by_eager.0, by_eager.1), (by_lazy.0, by_lazy.1));
    // The stack ends in a function that was translated on the way down.
    let (by_eager, by_lazy) = (indirect(&eager, 1), indirect(&lazy, 1));
    assert_eq!(by_lazy.0.clone().unwrap_err().1, Some(TrapCode::StackExhausted));
    assert_eq!((by_eager.0, by_eager.1), (by_lazy.0, by_lazy.1));
    assert_eq!(by_lazy.2, 2);
}

#[test]
fn gas_ends_at_the_same_operator() {
    let [eager, lazy] = both(CHAIN);
    let needed = direct(&eager, 5, 1 << 40).1;
    for gas in 0..=needed {
        // Instantiation pays for the table's segment.
        let modules = [&eager, &lazy].map(|module| {
            let mut store = Store::new(module.engine(), ());
            store.set_gas(gas);
            let instance = Linker::new(module.engine()).instantiate(&mut store, module);
            let result = instance.and_then(|instance| {
                let func = instance.get_typed_func::<(i32,), i32>(&store, "direct")?;
                func.call(&mut store, (5,))
            });
            (result.map_err(|error| seen(&error)), store.gas_used())
        });
        assert_eq!(modules[0], modules[1], "gas {gas}");
    }
}

/// Two instances of one module share a store's code; a call into another instance translates there, too.
#[test]
fn instances_of_a_store() {
    let [_, lazy] = both(CHAIN);
    let (mut store, first) = start(&lazy, 1 << 40);
    let second = Linker::new(lazy.engine()).instantiate(&mut store, &lazy).unwrap();
    for (instance, translated) in [(first, 3), (second, 3)] {
        let func = instance.get_typed_func::<(i32,), i32>(&store, "direct").unwrap();
        assert_eq!(func.call(&mut store, (5,)).unwrap(), 21);
        assert_eq!(store.functions_translated(), translated);
    }
    let bytes = wat::parse_str(
        r#"(module
            (import "a" "indirect" (func $other (param i32 i32) (result i32)))
            (func $own (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
            (func (export "f") (result i32) (call $own (call $other (i32.const 2) (i32.const 5)))))"#,
    );
    let third = Module::new(lazy.engine(), &bytes.unwrap()).unwrap();
    let indirect = Extern::Func(first.get_func(&store, "indirect").unwrap());
    let third = Instance::new(&mut store, &third, &[indirect]).unwrap();
    let func = third.get_typed_func::<(), i32>(&store, "f").unwrap();
    assert_eq!(func.call(&mut store, ()).unwrap(), 8);
    assert_eq!(store.functions_translated(), 3 + 4);
}

/// Frames that are too large are refused at load, at the operator that makes them so.
#[test]
fn the_same_modules_are_refused() {
    let mut rng = Rng(0x1a2);
    let (mut refused, mut taken) = (0, 0);
    for case in 0..cases(400) {
        let bytes = smith(&mut rng, true);
        let mut limits = Profile::WASM_2_EXT.limits().clone();
        limits.frame_slots = 1 + rng.below(8) as u32;
        let profile = Profile::WASM_2_EXT.with_limits(limits);
        let outcomes = [Translation::Eager, Translation::Lazy].map(|when| {
            let mut stream = ModuleStream::new(&engine(&profile, when));
            let pieces = bytes.chunks(if case % 2 == 0 { 7 } else { bytes.len() });
            pieces.into_iter().try_for_each(|piece| stream.feed(piece)).and_then(|()| stream.finish())
        });
        let [eager, lazy] = outcomes.each_ref().map(|outcome| outcome.as_ref().err().map(seen));
        assert_eq!(eager, lazy, "case {case}, {} slots", profile.limits().frame_slots);
        refused += usize::from(eager.is_some());
        taken += usize::from(eager.is_none());
    }
    assert!(refused > 20 && taken > 20, "{refused} refused, {taken} taken");
}

/// Bodies that begin with many blocks: their frames need room before any other operator comes.
#[test]
fn a_body_of_many_blocks() {
    for blocks in [250, 255, 256, 257, 511, 512, 513] {
        let text = format!(
            r#"(module (func (export "f") (result i32) {} {} i32.const 7))"#,
            "block ".repeat(blocks),
            "end ".repeat(blocks)
        );
        for module in both(&text) {
            let mut store = Store::new(module.engine(), ());
            let instance = Linker::new(module.engine()).instantiate(&mut store, &module).unwrap();
            let func = instance.get_typed_func::<(), i32>(&store, "f").unwrap();
            assert_eq!(func.call(&mut store, ()).unwrap(), 7);
        }
    }
}
