//! Stores that are used again: nothing of an earlier use is left, whatever it was.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ghost_wasm::{
    Caller, Config, Engine, Error, ErrorCode, FuncType, Instance, InstancePool, Linker, Memory, MemoryType,
    Module, Profile, ResourceLimiter, Store, Val,
};

const EVERYTHING: &str = r#"(module
    (import "env" "note" (func $note (param i32)))
    (memory (export "memory") 2 40)
    (data (i32.const 4090) "across two parts of the memory")
    (data (i32.const 4100) "over the first")
    (data $passive "passive")
    (table (export "table") 4 20 funcref)
    (elem (i32.const 1) $note $started)
    (elem $late funcref (ref.func $note))
    (global (export "count") (mut i32) (i32.const 7))
    (global (export "wide") (mut i64) (i64.const -1))
    (global (export "fixed") i32 (i32.const 3))
    (start $started)
    (func $started
        (global.set 0 (i32.add (global.get 0) (i32.const 1)))
        (i32.store (i32.const 60000) (i32.const 0x12345678)))
    (func (export "store8") (param i32) (i32.store8 (local.get 0) (i32.const -1)))
    (func (export "store16") (param i32) (i32.store16 (local.get 0) (i32.const -1)))
    (func (export "store32") (param i32) (i32.store (local.get 0) (i32.const -1)))
    (func (export "store64") (param i32) (i64.store (local.get 0) (i64.const -1)))
    (func (export "store_value") (param i32)
        (i64.store (local.get 0) (i64.extend_i32_u (i32.xor (local.get 0) (i32.const -1)))))
    (func (export "store_f64") (param i32) (f64.store (local.get 0) (f64.const 1.1)))
    (func (export "fill") (param i32) (memory.fill (local.get 0) (i32.const 0xee) (i32.const 9000)))
    (func (export "copy") (param i32) (memory.copy (local.get 0) (i32.const 4000) (i32.const 9000)))
    (func (export "init") (param i32)
        (memory.init $passive (local.get 0) (i32.const 0) (i32.const 7)) (data.drop $passive))
    (func (export "grow") (param i32)
        (drop (memory.grow (i32.const 3)))
        (i64.store offset=131068 (local.get 0) (i64.const -1)))
    (func (export "tables") (param i32)
        (table.init $late (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $late)
        (drop (table.grow (ref.null func) (i32.const 5)))
        (table.set (i32.const 2) (ref.null func)))
    (func (export "table_set") (param i32) (table.set (i32.const 2) (ref.null func)))
    (func (export "table_fill") (param i32)
        (table.fill (i32.const 0) (ref.func $note) (i32.const 1))
        (table.copy (i32.const 3) (i32.const 0) (i32.const 1)))
    (func (export "globals") (param i32) (global.set 0 (local.get 0)) (global.set 1 (i64.const 5)))
    (func (export "calls") (param i32) (call $note (local.get 0)))
    (func $deep (export "deep") (param i32) (call $deep (local.get 0)))
    (func (export "forever") (param i32) (loop (br 0)))
    (func (export "trap") (param i32) (i64.store (local.get 0) (i64.const -1)) unreachable))"#;

const CALLS: &[&str] = &[
    "store8",
    "store16",
    "store32",
    "store64",
    "store_value",
    "store_f64",
    "fill",
    "copy",
    "init",
    "grow",
    "tables",
    "table_set",
    "table_fill",
    "globals",
    "calls",
    "deep",
    "forever",
    "trap",
];

fn engine() -> Engine {
    Engine::new(&Config::new(Profile::WASM_2_EXT))
}

fn linker(engine: &Engine) -> Linker<u32> {
    let mut linker = Linker::new(engine);
    linker
        .func_wrap("env", "note", |mut caller: Caller<'_, u32>, by: i32| *caller.data_mut() += by as u32)
        .unwrap();
    linker
}

fn pool(text: &str) -> InstancePool<u32> {
    let engine = engine();
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    InstancePool::new(linker(&engine).instantiate_pre(&module).unwrap(), 1)
}

/// All that can be seen of an instance of [`EVERYTHING`].
#[derive(Debug, PartialEq)]
struct Seen {
    gas: u64,
    memory: Vec<u8>,
    /// Whether there is a function.
    table: Vec<bool>,
    globals: Vec<Val>,
}

fn seen(store: &Store<u32>, instance: Instance) -> Seen {
    let table = instance.get_table(store, "table").unwrap();
    let entries = (0..table.size(store)).map(|at| table.get(store, at).unwrap());
    Seen {
        gas: store.gas_used(),
        memory: instance.get_memory(store, "memory").unwrap().data(&store).to_vec(),
        table: entries.map(|entry| !matches!(entry, Val::FuncRef(None))).collect(),
        globals: ["count", "wide", "fixed"]
            .map(|name| instance.get_global(store, name).unwrap().get(store))
            .into(),
    }
}

const GAS: u64 = 100_000;

fn taken(pool: &mut InstancePool<u32>) -> (Store<u32>, Instance) {
    let mut store = pool.take(0);
    store.set_gas(GAS);
    let instance = pool.pre().instantiate(&mut store).unwrap();
    (store, instance)
}

fn new(pool: &InstancePool<u32>) -> Seen {
    let mut store = Store::new(pool.pre().module().engine(), 0);
    store.set_gas(GAS);
    let instance = pool.pre().instantiate(&mut store).unwrap();
    seen(&store, instance)
}

fn call(store: &mut Store<u32>, instance: Instance, name: &str, argument: i32) -> Result<(), Error> {
    instance.get_typed_func::<(i32,), ()>(&*store, name)?.call(store, (argument,))
}

/// Uses an instance by `what`, puts it back, and compares the next one with a new one.
fn leaves_nothing(pool: &mut InstancePool<u32>, what: &str, f: impl FnOnce(&mut Store<u32>, Instance)) {
    let fresh = new(pool);
    let (mut store, instance) = taken(pool);
    assert!(seen(&store, instance) == fresh, "before {what}");
    f(&mut store, instance);
    pool.put(store);
    assert_eq!(pool.idle(), 1, "{what}: the store was kept");
    let (mut store, instance) = taken(pool);
    assert!(seen(&store, instance) == fresh, "after {what}");
    // And what it can do is all there: the passive segments, for one.
    call(&mut store, instance, "init", 100).unwrap();
    call(&mut store, instance, "tables", 0).unwrap();
    assert_eq!(&instance.get_memory(&store, "memory").unwrap().data(&store)[100..107], b"passive");
    pool.put(store);
}

#[test]
fn whatever_a_guest_writes_is_gone() {
    let mut pool = pool(EVERYTHING);
    let mut failed = 0;
    for name in CALLS {
        for at in
            [0, 1, 4081, 4088, 4089, 4092, 4093, 4095, 4096, 8191, 60_000, 65_535, 120_000, 131_064, 131_072]
        {
            leaves_nothing(&mut pool, &format!("{name}({at})"), |store, instance| {
                failed += u32::from(call(store, instance, name, at).is_err());
            });
        }
    }
    // Out of gas, deep recursion, traps, out of bounds: all of them happened.
    assert!((40..80).contains(&failed), "{failed}");
}

#[test]
fn whatever_a_host_writes_is_gone() {
    let mut pool = pool(EVERYTHING);
    leaves_nothing(&mut pool, "write", |store, instance| {
        let memory = instance.get_memory(&*store, "memory").unwrap();
        memory.write(&mut *store, 8185, &[1; 5000]).unwrap();
        assert_eq!(memory.write(&mut *store, 131_070, &[1; 3]).unwrap_err().code(), ErrorCode::OutOfBounds);
    });
    leaves_nothing(&mut pool, "data_mut", |store, instance| {
        instance.get_memory(&*store, "memory").unwrap().data_mut(store).fill(9);
    });
    leaves_nothing(&mut pool, "try_data_and_store_mut", |store, instance| {
        let memory = instance.get_memory(&*store, "memory").unwrap();
        let (bytes, data) = memory.try_data_and_store_mut(store).unwrap();
        bytes[77_777] = 1;
        *data = 5;
    });
    leaves_nothing(&mut pool, "growth", |store, instance| {
        let memory = instance.get_memory(&*store, "memory").unwrap();
        for _ in 0..38 {
            memory.grow(&mut *store, 1).unwrap();
            let last = memory.data(&*store).len() - 1;
            memory.write(&mut *store, last, &[3]).unwrap();
        }
        assert_eq!(memory.grow(&mut *store, 1).unwrap_err().code(), ErrorCode::GrowRefused);
    });
    leaves_nothing(&mut pool, "tables and globals", |store, instance| {
        let table = instance.get_table(&*store, "table").unwrap();
        let func = instance.get_func(&*store, "grow").unwrap();
        table.set(&mut *store, 3, Val::FuncRef(Some(func))).unwrap();
        table.grow(&mut *store, 3, Val::FuncRef(Some(func))).unwrap();
        instance.get_global(&*store, "count").unwrap().set(&mut *store, Val::I32(1)).unwrap();
    });
    leaves_nothing(&mut pool, "one entry", |store, instance| {
        instance.get_table(&*store, "table").unwrap().set(store, 2, Val::FuncRef(None)).unwrap();
    });
    leaves_nothing(&mut pool, "a limiter", |store, instance| {
        store.limiter(Nothing);
        let memory = instance.get_memory(&*store, "memory").unwrap();
        assert_eq!(memory.grow(store, 1).unwrap_err().code(), ErrorCode::GrowRefused);
    });
}

struct Nothing;
impl ResourceLimiter for Nothing {
    fn memory(&mut self, _: u32, _: u32) -> bool {
        false
    }
    fn table(&mut self, _: u32, _: u32) -> bool {
        false
    }
}

#[test]
fn growing_keeps_what_was_written() {
    let mut pool = pool(EVERYTHING);
    let (mut store, instance) = taken(&mut pool);
    let memory = instance.get_memory(&store, "memory").unwrap();
    let mut expected = memory.data(&store).to_vec();
    for (at, name, len) in [(4095, "store64", 8), (20_475, "store32", 4), (131_064, "store64", 8)] {
        call(&mut store, instance, name, at).unwrap();
        expected[at as usize..at as usize + len].fill(0xff);
    }
    for pages in [1, 1, 5, 20] {
        memory.grow(&mut store, pages).unwrap();
        expected.resize(expected.len() + pages as usize * 65_536, 0);
        assert!(memory.data(&store) == expected, "{pages} more");
        let last = expected.len() - 8;
        call(&mut store, instance, "store64", last as i32).unwrap();
        expected[last..].fill(0xff);
    }
}

#[test]
fn instantiation_costs_the_same_and_fails_the_same() {
    let mut pool = pool(EVERYTHING);
    let (store, _) = taken(&mut pool);
    let all = store.gas_used();
    pool.put(store);
    for gas in 0..=all {
        let mut outcomes = Vec::new();
        for mut store in [Store::new(pool.pre().module().engine(), 0), pool.take(0)] {
            store.set_gas(gas);
            let code = pool.pre().instantiate(&mut store).map(|_| ()).map_err(|error| error.code());
            let resumed = store.resume(1, &mut []).map_err(|error| error.code());
            outcomes.push((code, store.gas_used(), resumed));
            pool.put(store);
        }
        assert_eq!(outcomes[0], outcomes[1], "gas {gas}");
        assert_eq!(pool.idle(), 1);
    }
    let mut store = pool.take(0);
    store.limiter(Nothing);
    assert_eq!(pool.pre().instantiate(&mut store).unwrap_err().code(), ErrorCode::GrowRefused);
}

#[test]
fn handles_of_an_earlier_use_are_void() {
    let mut pool = pool(EVERYTHING);
    let (store, instance) = taken(&mut pool);
    let memory = instance.get_memory(&store, "memory").unwrap();
    let func = instance.get_func(&store, "grow").unwrap();
    pool.put(store);
    let (mut store, again) = taken(&mut pool);
    assert_eq!(pool.idle(), 0);
    assert_ne!(instance, again);
    assert_eq!(memory.try_data(&store).unwrap_err().code(), ErrorCode::WrongStore);
    assert_eq!(func.call(&mut store, &[Val::I32(0)], &mut []).unwrap_err().code(), ErrorCode::WrongStore);
    let table = again.get_table(&store, "table").unwrap();
    assert_eq!(table.set(&mut store, 0, Val::FuncRef(Some(func))).unwrap_err().code(), ErrorCode::WrongStore);
}

#[test]
fn what_ran_out_of_gas_is_not_resumed_in_the_next_use() {
    let mut pool = pool(EVERYTHING);
    let (mut store, instance) = taken(&mut pool);
    let error = call(&mut store, instance, "forever", 0).unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutOfGas);
    pool.put(store);
    let (mut store, instance) = taken(&mut pool);
    assert_eq!(store.resume(1000, &mut []).unwrap_err().code(), ErrorCode::NothingToResume);
    call(&mut store, instance, "calls", 4).unwrap();
    assert_eq!(pool.put(store), 4);
}

#[test]
fn stores_that_cannot_be_reset_are_dropped() {
    let mut pool = pool(EVERYTHING);
    let (mut store, _) = taken(&mut pool);
    Memory::new(&mut store, MemoryType { min: 1, max: None }).unwrap();
    pool.put(store);
    assert_eq!(pool.idle(), 0, "a memory of the host's");

    let (mut store, _) = taken(&mut pool);
    pool.pre().instantiate(&mut store).unwrap();
    pool.put(store);
    assert_eq!(pool.idle(), 0, "a second instance");

    let mut store = pool.take(0);
    ghost_wasm::Func::new(&mut store, FuncType::new([], []), |_, _, _| Ok(())).unwrap();
    pool.pre().instantiate(&mut store).unwrap();
    pool.put(store);
    assert_eq!(pool.idle(), 0, "a function before the instance");

    let store = pool.take(0);
    pool.put(store);
    assert_eq!(pool.idle(), 0, "nothing in it");

    let mut other = self::pool(EVERYTHING);
    let (store, _) = taken(&mut other);
    pool.put(store);
    assert_eq!(pool.idle(), 0, "of another pool");

    let (first, second) = (taken(&mut pool).0, taken(&mut pool).0);
    pool.put(first);
    pool.put(second);
    assert_eq!(pool.idle(), 1, "one is kept");
}

#[test]
fn a_store_that_runs_is_not_reset() {
    let engine = engine();
    let text = r#"(module (import "env" "steal" (func $steal))
        (memory (export "memory") 1) (func (export "run") (call $steal) (i32.store (i32.const 0) (i32.const 1))))"#;
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let stolen = std::sync::Arc::new(std::sync::Mutex::new(None));
    let mut linker: Linker<()> = Linker::new(&engine);
    let into = stolen.clone();
    linker
        .func_wrap("env", "steal", move |mut caller: Caller<'_, ()>| {
            let empty = Store::new(caller.as_store().engine(), ());
            *into.lock().unwrap() = Some(std::mem::replace(caller.as_store(), empty));
        })
        .unwrap();
    let mut pool = InstancePool::new(linker.instantiate_pre(&module).unwrap(), 4);
    let mut store = pool.take(());
    let instance = pool.pre().instantiate(&mut store).unwrap();
    let run = instance.get_typed_func::<(), ()>(&store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap_err().code(), ErrorCode::WrongStore);
    pool.put(store);
    pool.put(stolen.lock().unwrap().take().unwrap());
    assert_eq!(pool.idle(), 0);
}

trait AsStore {
    fn as_store(&mut self) -> &mut Store<()>;
}
impl AsStore for Caller<'_, ()> {
    fn as_store(&mut self) -> &mut Store<()> {
        ghost_wasm::AsContextMut::as_context_mut(self)
    }
}

#[test]
fn imports_are_checked_when_they_are_looked_up() {
    let engine = engine();
    let linker = linker(&engine);
    let code = |text: &str| {
        let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
        linker.instantiate_pre(&module).map(|_| ()).map_err(|error| (error.code(), error.to_string()))
    };
    assert_eq!(code(r#"(module (import "env" "note" (func (param i32))))"#), Ok(()));
    let (unknown, text) = code(r#"(module (import "env" "other" (func)))"#).unwrap_err();
    assert_eq!(unknown, ErrorCode::UnknownImport);
    assert!(text.contains("env.other"), "{text}");
    let wrong = [r#"(module (import "env" "note" (func)))"#, r#"(module (import "env" "note" (memory 1)))"#];
    for text in wrong {
        assert_eq!(code(text).unwrap_err().0, ErrorCode::IncompatibleImport);
    }
    let module = Module::new(&self::engine(), &wat::parse_str("(module)").unwrap()).unwrap();
    assert_eq!(linker.instantiate_pre(&module).unwrap_err().code(), ErrorCode::WrongStore);
}

#[test]
fn instances_that_share_something_of_a_store_are_not_used_again() {
    let engine = engine();
    let module =
        Module::new(&engine, &wat::parse_str(r#"(module (import "env" "memory" (memory 1)))"#).unwrap());
    let mut store = Store::new(&engine, 0);
    let memory = Memory::new(&mut store, MemoryType { min: 1, max: None }).unwrap();
    let mut linker = linker(&engine);
    linker.define("env", "memory", memory).unwrap();
    let pre = linker.instantiate_pre(&module.unwrap()).unwrap();
    pre.instantiate(&mut store).unwrap();
    let mut pool = InstancePool::new(pre, 4);
    let mut other = pool.take(0);
    assert_eq!(pool.pre().instantiate(&mut other).unwrap_err().code(), ErrorCode::WrongStore);
    pool.put(store);
    assert_eq!(pool.idle(), 0);
}
