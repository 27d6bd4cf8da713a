//! Host functions that call back: into the guest, into each other, with errors handed on or kept. Engine and
//! oracle agree on the outcome and the gas under every limit.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use ghost_wasm as g;
use ghost_wasm::{ErrorKind, Profile, TrapCode, ValType};
use ghost_wasm_oracle as o;

use crate::Rng;

/// `f` is the host's: it takes the next step of a path, four bits a step. Functions in the table have its type.
const GUEST: &str = r#"(module
    (import "h" "f" (func $f (param i64) (result i64)))
    (memory (export "m") 1)
    (table (export "t") 8 8 funcref)
    (elem (i32.const 0) $f $keep $more $spin $f $sharp $f $deep)
    (func $keep (export "keep") (param i64) (result i64)
        (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get 0)))
        (i64.add (call $f (local.get 0)) (i64.const 1)))
    (func $more (param i64) (result i64) (local i64)
        (local.set 1 (call $f (local.get 0)))
        (i64.store (i32.const 8) (local.get 1))
        (i64.add (call $f (i64.shr_u (local.get 0) (i64.const 4))) (local.get 1)))
    (func $spin (param i64) (result i64) (local i32)
        (loop $l
            (i64.store (i32.const 16) (i64.add (i64.load (i32.const 16)) (i64.const 1)))
            (br_if $l (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 9))))
        (call $f (local.get 0)))
    (func $sharp (param i64) (result i64) (drop (call $f (local.get 0))) unreachable)
    (func $deep (param i64) (result i64)
        (if (i64.eqz (i64.and (local.get 0) (i64.const 15)))
            (then (return (call $f (i64.shr_u (local.get 0) (i64.const 4))))))
        (i64.add (call $deep (i64.sub (local.get 0) (i64.const 1))) (call $f (i64.const 0)))))"#;

/// What `f` does with its argument: which entry of the table it calls, with what, and whether it keeps an
/// error to itself; `None`: it does nothing.
fn step(path: i64) -> Option<(u32, i64, bool)> {
    let path = path as u64;
    (path != 0).then_some(((path & 7) as u32, (path >> 4) as i64, path & 8 != 0))
}

/// What `f` charges.
const PRICE: u64 = 5;
/// What it answers in place of an error.
const KEPT: i64 = -9;

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Value(i64),
    Trap(TrapCode),
    Kind(ErrorKind),
}

/// How it ended, the gas, and the memory's start where it is defined.
type Seen = (Ended, u64, Option<Vec<u8>>);

fn profile() -> Profile {
    let mut limits = Profile::CONTRACT_V1.limits().clone();
    limits.host_nesting = 4;
    limits.frames = 19;
    Profile::WASM_2_EXT.with_limits(limits)
}

fn on_engine(module: &g::Module, path: i64, gas: u64) -> Seen {
    let mut linker: g::Linker<Option<g::Table>> = g::Linker::new(module.engine());
    let f = |mut caller: g::Caller<'_, Option<g::Table>>, path: i64| -> Result<i64, g::Error> {
        caller.charge(PRICE)?;
        let (Some((entry, path, keeps)), Some(table)) = (step(path), *caller.data()) else { return Ok(0) };
        let func = table.get(&caller, entry);
        let call = func.and_then(|func| match func {
            g::Val::FuncRef(Some(func)) => func.typed::<(i64,), i64>(&caller)?.call(&mut caller, (path,)),
            _ => Ok(0),
        });
        call.or_else(|error| if keeps { Ok(KEPT) } else { Err(error) })
    };
    linker.func_wrap("h", "f", f).expect("defined once");
    let mut store = g::Store::new(module.engine(), None);
    let instance = linker.instantiate(&mut store, module).expect("it links");
    *store.data_mut() = instance.get_table(&store, "t");
    // The path's first step is the host's own.
    let table = store.data().expect("a table");
    let (entry, path, _) = step(path).expect("a path");
    let Ok(g::Val::FuncRef(Some(func))) = table.get(&store, entry) else { panic!("the table is full") };
    let func = func.typed::<(i64,), i64>(&store).expect("of this type");
    store.set_gas(gas);
    let ended = match func.call(&mut store, (path,)) {
        Ok(value) => Ended::Value(value),
        Err(error) => error.trap().map_or(Ended::Kind(error.kind()), |trap| Ended::Trap(trap.code())),
    };
    let memory = instance.get_memory(&store, "m").expect("a memory");
    (ended, store.gas_used(), memory.try_data(&store).ok().map(|bytes| bytes[..24].to_vec()))
}

fn on_oracle(module: &Arc<o::Module>, path: i64, gas: u64) -> Seen {
    let mut store = o::Store::new(&profile());
    let table = Rc::new(OnceCell::new());
    let inner = table.clone();
    let ty = g::FuncType::new([ValType::I64], [ValType::I64]);
    let entry_of = |store: &o::Store, table: o::TableAddr, entry: u32| {
        let raw = store.table(table).and_then(|table| table.entries().get(entry as usize).copied());
        match o::Val::from_raw(ValType::FuncRef, raw.expect("an entry")) {
            o::Val::FuncRef(Some(func)) => func,
            _ => panic!("the table is full"),
        }
    };
    let f = move |store: &mut o::Store, _, args: &[o::Val]| {
        store.charge(PRICE)?;
        let [o::Val::I64(path)] = args else { panic!("one argument") };
        let (Some((entry, path, keeps)), Some(&table)) = (step(*path), inner.get()) else {
            return Ok(vec![o::Val::I64(0)]);
        };
        let func = entry_of(store, table, entry);
        let call = store.invoke(func, &[o::Val::I64(path)]);
        call.or_else(|error| if keeps { Ok(vec![o::Val::I64(KEPT)]) } else { Err(error) })
    };
    let f = store.new_func(ty, f);
    let instance = store.instantiate(module, &[o::Extern::Func(f)]).expect("it links");
    let (Some(o::Extern::Table(of)), Some(o::Extern::Memory(memory))) =
        (store.export(instance, "t"), store.export(instance, "m"))
    else {
        panic!("both are exported")
    };
    table.set(of).expect("set once");
    let (entry, path, _) = step(path).expect("a path");
    let func = entry_of(&store, of, entry);
    store.set_gas(gas);
    let ended = match store.invoke(func, &[o::Val::I64(path)]) {
        Ok(values) => match values[..] {
            [o::Val::I64(value)] => Ended::Value(value),
            _ => panic!("one result"),
        },
        Err(o::Error::Trap(trap)) => Ended::Trap(trap.code),
        Err(error) => Ended::Kind(error.kind().expect("a kind")),
    };
    let bytes = store.memory(memory).expect("a memory").to_vec();
    (ended, store.gas_used(), Some(bytes[..24].to_vec()))
}

fn same(engines: &[g::Module; 2], oracle: &Arc<o::Module>, path: i64, gas: u64) -> Seen {
    let [by_engine, lazily] = engines.each_ref().map(|engine| on_engine(engine, path, gas));
    assert_eq!(by_engine, lazily, "path {path:#x}, gas {gas}: translated eagerly and lazily");
    let by_oracle = on_oracle(oracle, path, gas);
    assert_eq!(by_engine.0, by_oracle.0, "path {path:#x}, gas {gas}: engine and oracle");
    assert_eq!(by_engine.1, by_oracle.1, "gas used of path {path:#x}, gas {gas}: engine and oracle");
    if by_engine.2.is_some() {
        assert_eq!(by_engine.2, by_oracle.2, "memory, path {path:#x}, gas {gas}: engine and oracle");
    }
    by_engine
}

/// The guest, translated eagerly and lazily.
fn modules() -> &'static ([g::Module; 2], Vec<u8>) {
    static MODULES: OnceLock<([g::Module; 2], Vec<u8>)> = OnceLock::new();
    MODULES.get_or_init(|| {
        let bytes = wat::parse_str(GUEST).expect("it is text");
        let modules = [g::Translation::Eager, g::Translation::Lazy].map(|when| {
            let engine = g::Engine::new(g::Config::new(profile()).translation(when));
            g::Module::new(&engine, &bytes).expect("it is valid")
        });
        (modules, bytes)
    })
}

#[test]
fn host_functions_that_call_back() {
    let (engine, bytes) = modules();
    let oracle = o::Module::new(&profile(), bytes).expect("it is valid");
    let mut rng = Rng(7);
    let (mut values, mut exhausted, mut outlived) = (0, 0, 0);
    for _ in 0..400 {
        let length = 4 * (1 + rng.below(15));
        // A zero would end the path.
        let path = (rng.draw() & ((1_u64 << length) - 1) | 1 << length) as i64;
        let (ended, used, memory) = same(engine, &oracle, path, 100_000);
        values += usize::from(matches!(ended, Ended::Value(_)));
        exhausted += usize::from(ended == Ended::Trap(TrapCode::StackExhausted));
        assert!(memory.is_some(), "gas does not run out");
        for step in 0..60 {
            let gas = if used < 60 { step } else { rng.draw() % used };
            let (ended, _, memory) = same(engine, &oracle, path, gas.min(used));
            // The host has kept the end of the gas to itself, and no guest was below it.
            outlived += usize::from(memory.is_none() && matches!(ended, Ended::Value(_)));
        }
    }
    assert!(values > 50 && exhausted > 20 && outlived > 20, "{values} {exhausted} {outlived}");
}

/// Where the last frame is taken a function cannot be entered; what `enter` costs comes first, and may be the
/// last of the gas. `$sharp` would trap for nothing then.
#[test]
fn entering_may_be_too_deep_and_too_dear() {
    let (engine, bytes) = modules();
    let oracle = o::Module::new(&profile(), bytes).expect("it is valid");
    let path = 0x95f7;
    let (ended, used, _) = same(engine, &oracle, path, 10_000);
    assert_eq!(ended, Ended::Trap(TrapCode::Unreachable));
    for gas in 0..used {
        assert_eq!(same(engine, &oracle, path, gas).0, Ended::Kind(ErrorKind::OutOfGas));
    }
}

/// A host function that calls itself uses native stack as much as one that calls a guest that calls it.
#[test]
fn nesting_counts_calls_from_host_to_host() {
    let (engine, bytes) = modules();
    let oracle = o::Module::new(&profile(), bytes).expect("it is valid");
    // Every step is entry 0: the host function itself.
    for (path, ended) in [
        (0x4000, Ended::Value(0)),
        (0x4_0000, Ended::Trap(TrapCode::StackExhausted)),
        (0x4000_0000, Ended::Trap(TrapCode::StackExhausted)),
    ] {
        assert_eq!(same(engine, &oracle, path, 10_000).0, ended, "{path:#x}");
    }
}
