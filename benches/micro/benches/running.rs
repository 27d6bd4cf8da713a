//! Calls, host calls, instances and gas slices, per operation.
#![allow(clippy::expect_used, reason = "a benchmark that cannot go on has failed")]

use bench_micro::{engine, function, linker, small_instance};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ghost_wasm::{Instance, InstancePool, Module, Store};

/// Elements are calls (or rounds of the loop): what a function is called with is how many it makes.
fn calls(c: &mut Criterion) {
    let mut group = c.benchmark_group("call");
    // fib(15) makes 1,973 calls.
    for (name, argument, count) in
        [("nothing", 1, 1), ("fib", 15, 1973), ("host_calls", 1000, 1000), ("loop", 10_000, 10_000)]
    {
        let (mut store, func) = function(name).expect("an exported function");
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                store.set_gas(1 << 40);
                func.call(&mut store, (argument,)).expect("a result")
            });
        });
    }
    group.finish();

    let mut group = c.benchmark_group("gas slices of");
    for slice in [Some(64), Some(1024), Some(16_384), None] {
        let (mut store, func) = function("loop").expect("an exported function");
        store.fix_gas_slice(slice);
        group.throughput(Throughput::Elements(10_000));
        let name = slice.map_or_else(|| "as it learns".to_owned(), |slice| slice.to_string());
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                store.set_gas(1 << 40);
                func.call(&mut store, (10_000,)).expect("a result")
            });
        });
    }
    group.finish();
}

fn use_once(store: &mut Store<()>, instance: Instance) -> i32 {
    let run = instance.get_typed_func::<(i32,), i32>(&*store, "run").expect("an exported function");
    run.call(store, (1,)).expect("a result")
}

/// Instantiate, call once, drop; a call writes to three parts of the memory.
fn instances(c: &mut Criterion) {
    let engine = engine();
    let linker = linker(&engine).expect("a linker");
    let mut group = c.benchmark_group("instantiate, call, drop");
    for pages in [1, 17, 256] {
        let module = Module::new(&engine, &small_instance(pages)).expect("a valid module");
        group.bench_function(BenchmarkId::new("linker", pages), |b| {
            b.iter(|| {
                let mut store = Store::new(&engine, ());
                let instance = linker.instantiate(&mut store, &module).expect("an instance");
                use_once(&mut store, instance)
            });
        });
        let pre = linker.instantiate_pre(&module).expect("known imports");
        group.bench_function(BenchmarkId::new("imports looked up", pages), |b| {
            b.iter(|| {
                let mut store = Store::new(&engine, ());
                let instance = pre.instantiate(&mut store).expect("an instance");
                use_once(&mut store, instance)
            });
        });
        let mut pool = InstancePool::new(pre, 1);
        group.bench_function(BenchmarkId::new("pool", pages), |b| {
            b.iter(|| {
                let mut store = pool.take(());
                let instance = pool.pre().instantiate(&mut store).expect("an instance");
                let result = use_once(&mut store, instance);
                pool.put(store);
                result
            });
        });
        group.bench_function(BenchmarkId::new("reset alone", pages), |b| {
            b.iter(|| {
                let mut store = pool.take(());
                let _ = pool.pre().instantiate(&mut store).expect("an instance");
                pool.put(store);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, calls, instances);
criterion_main!(benches);
