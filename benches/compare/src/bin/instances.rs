//! What an instance costs: instantiate, call once, drop; and how much memory a live one holds.
//!
//! Interleaved like the kernels: one process, one core, the candidates in turn; a figure is the median of
//! many short batches.

use std::error::Error;
use std::time::Instant;

/// A one-page contract: an import, a global, a table of one, a few bytes of data; writes one word.
const SMALL: &str = r#"(module
    (import "env" "log" (func $log (param i32)))
    (memory (export "memory") 1)
    (table 1 funcref) (elem (i32.const 0) $run)
    (global $sp (mut i32) (i32.const 65536))
    (data (i32.const 1024) "a greeting of some length")
    (func $run (export "run") (param i32) (result i32)
        (i32.store (i32.const 2048) (local.get 0))
        (call $log (i32.const 1024))
        (i32.add (i32.load8_u (i32.const 1024)) (i32.load (i32.const 2048)))))"#;

/// What rustc makes by default: a stack of 1 MiB, data above, 17 pages. Touches stack, data and heap.
const RUSTC: &str = r#"(module
    (import "env" "log" (func $log (param i32)))
    (memory (export "memory") 17)
    (table 4 4 funcref) (elem (i32.const 1) $run $run)
    (global $sp (mut i32) (i32.const 1048576))
    (global (export "__data_end") i32 (i32.const 1048620))
    (global (export "__heap_base") i32 (i32.const 1048624))
    (data (i32.const 1048576) "called `Option::unwrap()` on a `None` value")
    (func $run (export "run") (param i32) (result i32)
        (i32.store (i32.sub (global.get $sp) (i32.const 16)) (local.get 0))
        (i32.store (i32.const 1048580) (local.get 0))
        (i32.store (i32.const 1056768) (local.get 0))
        (call $log (i32.const 1048576))
        (i32.add (i32.load8_u (i32.const 1048576)) (i32.load (i32.const 1056768)))))"#;

const BATCH: u32 = 200;
const GAS: u64 = 1 << 40;
type Result<T> = core::result::Result<T, Box<dyn Error>>;
/// Runs instances, and says the sum of the results.
type Candidate = (&'static str, Box<dyn FnMut(u32) -> Result<i64>>);

fn ghost(wasm: &[u8]) -> Result<Vec<Candidate>> {
    use ghost_wasm::{Config, Engine, Instance, InstancePool, Linker, Module, Profile, Store};
    let engine = Engine::new(&Config::new(Profile::WASM_2_EXT));
    let module = Module::new(&engine, wasm)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("env", "log", |_: i32| {})?;
    let pre = linker.instantiate_pre(&module)?;
    let mut pool = InstancePool::new(pre.clone(), 1);
    fn call(mut store: &mut Store<()>, instance: Instance) -> Result<i64> {
        let run = instance.get_typed_func::<(i32,), i32>(&store, "run")?;
        Ok(i64::from(run.call(&mut store, (1,))?))
    }
    let by_name = {
        let engine = engine.clone();
        move |times| {
            let mut sum = 0;
            for _ in 0..times {
                let mut store = Store::new(&engine, ());
                store.set_gas(GAS);
                let instance = linker.instantiate(&mut store, &module)?;
                sum += call(&mut store, instance)?;
            }
            Ok(sum)
        }
    };
    let resolved = move |times| {
        let mut sum = 0;
        for _ in 0..times {
            let mut store = Store::new(&engine, ());
            store.set_gas(GAS);
            let instance = pre.instantiate(&mut store)?;
            sum += call(&mut store, instance)?;
        }
        Ok(sum)
    };
    let pooled = move |times| {
        let mut sum = 0;
        for _ in 0..times {
            let mut store = pool.take(());
            store.set_gas(GAS);
            let instance = pool.pre().instantiate(&mut store)?;
            sum += call(&mut store, instance)?;
            pool.put(store);
        }
        Ok(sum)
    };
    Ok(vec![
        ("ghost, linker", Box::new(by_name)),
        ("ghost, pre", Box::new(resolved)),
        ("ghost, pool", Box::new(pooled)),
    ])
}

fn wasmi(wasm: &[u8]) -> Result<Candidate> {
    use wasmi::{Config, Engine, Linker, Module, Store};
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, wasm)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("env", "log", |_: i32| {})?;
    let run = move |times| {
        let mut sum = 0;
        for _ in 0..times {
            let mut store = Store::new(&engine, ());
            store.set_fuel(GAS)?;
            let instance = linker.instantiate_and_start(&mut store, &module)?;
            let run = instance.get_typed_func::<i32, i32>(&store, "run")?;
            sum += i64::from(run.call(&mut store, 1)?);
        }
        Ok(sum)
    };
    Ok(("wasmi+fuel", Box::new(run)))
}

/// Live instances whose memory is measured at once.
const LIVE: usize = 2000;

/// Bytes of this process that are resident.
fn resident() -> Option<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(statm.split(' ').nth(1)?.parse::<f64>().ok()? * 4096.0)
}

/// Resident KiB of a live instance of [`SMALL`], which has written to one page of 4 KiB.
fn live_ghost(wasm: &[u8]) -> Result<Option<f64>> {
    use ghost_wasm::{Config, Engine, Linker, Module, Profile, Store};
    let engine = Engine::new(&Config::new(Profile::WASM_2_EXT));
    let mut linker = Linker::new(&engine);
    linker.func_wrap("env", "log", |_: i32| {})?;
    let pre = linker.instantiate_pre(&Module::new(&engine, wasm)?)?;
    let mut live = Vec::with_capacity(LIVE);
    let before = resident();
    for _ in 0..LIVE {
        let mut store = Store::new(&engine, ());
        let instance = pre.instantiate(&mut store)?;
        instance.get_typed_func::<(i32,), i32>(&store, "run")?.call(&mut store, (1,))?;
        live.push(store);
    }
    Ok(before.zip(resident()).map(|(before, after)| (after - before) / LIVE as f64 / 1024.0))
}

fn live_wasmi(wasm: &[u8]) -> Result<Option<f64>> {
    use wasmi::{Config, Engine, Linker, Module, Store};
    let engine = Engine::new(Config::default().consume_fuel(true));
    let mut linker = Linker::new(&engine);
    linker.func_wrap("env", "log", |_: i32| {})?;
    let module = Module::new(&engine, wasm)?;
    let mut live = Vec::with_capacity(LIVE);
    let before = resident();
    for _ in 0..LIVE {
        let mut store = Store::new(&engine, ());
        store.set_fuel(GAS)?;
        let instance = linker.instantiate_and_start(&mut store, &module)?;
        instance.get_typed_func::<i32, i32>(&store, "run")?.call(&mut store, 1)?;
        live.push(store);
    }
    Ok(before.zip(resident()).map(|(before, after)| (after - before) / LIVE as f64 / 1024.0))
}

fn main() -> Result<()> {
    let small = wat::parse_str(SMALL)?;
    println!("{LIVE} live instances of one page, of which 4 KiB were written");
    // First, in memory that nobody has used.
    for (what, kib) in [("ghost", live_ghost(&small)?), ("wasmi+fuel", live_wasmi(&small)?)] {
        match kib {
            Some(kib) => println!("  {what:16} {kib:9.1} KiB each"),
            None => println!("  {what:16} not known on this system"),
        }
    }
    for (name, text) in [("one page", SMALL), ("17 pages", RUSTC)] {
        let wasm = wat::parse_str(text)?;
        let mut candidates = vec![wasmi(&wasm)?];
        candidates.extend(ghost(&wasm)?);
        let mut times = vec![Vec::new(); candidates.len()];
        let expected = (candidates[0].1)(BATCH)?;
        for _ in 0..200 {
            for ((what, run), times) in candidates.iter_mut().zip(&mut times) {
                let start = Instant::now();
                let sum = run(BATCH)?;
                times.push(start.elapsed().as_nanos() as f64 / f64::from(BATCH));
                if sum != expected {
                    return Err(format!("{what} computed {sum}, expected {expected}").into());
                }
            }
        }
        let medians = times.iter_mut().map(|times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        });
        let medians: Vec<f64> = medians.collect();
        println!("{name}: instantiate, call, drop");
        for ((what, _), median) in candidates.iter().zip(&medians) {
            println!("  {what:16} {median:9.0} ns  {:6.3}", median / medians[0]);
        }
    }
    Ok(())
}
