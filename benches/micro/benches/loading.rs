//! Decoding, validating and translating, per byte of module.
#![allow(clippy::expect_used, reason = "a benchmark that cannot go on has failed")]

use bench_micro::{CONTRACTS, engine, many_functions};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ghost_wasm::internals::{Cursor, NoSink, Stream, read_instr};
use ghost_wasm::{Module, ModuleStream};

fn modules() -> Vec<(&'static str, Vec<u8>)> {
    let contracts = CONTRACTS.iter().map(|(name, wasm)| (*name, wasm.to_vec()));
    contracts.chain([("many functions", many_functions())]).collect()
}

/// A body of operators, decoded one by one.
fn operators() -> Vec<u8> {
    // local.get 0; i32.const 5; i32.add; i32.load offset=300; local.tee 2; i32.eqz; br_if 1; i64.const -300; drop
    let some = [0x20, 0, 0x41, 5, 0x6a, 0x28, 2, 0xac, 2, 0x22, 2, 0x45, 0x0d, 1, 0x42, 0xd4, 0x7d, 0x1a];
    some.repeat(1000)
}

fn loading(c: &mut Criterion) {
    let engine = engine();
    let bytes = operators();
    let mut group = c.benchmark_group("decode operators");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("one by one", |b| {
        b.iter(|| {
            let mut cursor = Cursor::new(&bytes);
            let mut count = 0;
            while read_instr(&mut cursor, engine.profile().features()).is_ok() {
                count += 1;
            }
            count
        });
    });
    group.finish();

    for (what, chunk) in [("validate", usize::MAX), ("validate in chunks of 1200", 1200)] {
        let mut group = c.benchmark_group(what);
        for (name, wasm) in modules() {
            group.throughput(Throughput::Bytes(wasm.len() as u64));
            group.bench_function(BenchmarkId::from_parameter(name), |b| {
                b.iter(|| {
                    let mut stream = Stream::new(&engine, NoSink);
                    for part in wasm.chunks(chunk) {
                        stream.feed(part).expect("a valid module");
                    }
                    stream.finish().expect("a valid module").0.byte_len
                });
            });
        }
        group.finish();
    }

    let mut group = c.benchmark_group("validate and translate");
    for (name, wasm) in modules() {
        group.throughput(Throughput::Bytes(wasm.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| Module::new(&engine, &wasm).expect("a valid module"));
        });
    }
    group.finish();

    let mut group = c.benchmark_group("validate and translate in chunks of 1200");
    for (name, wasm) in modules() {
        group.throughput(Throughput::Bytes(wasm.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                let mut stream = ModuleStream::new(&engine);
                for part in wasm.chunks(1200) {
                    stream.feed(part).expect("a valid module");
                }
                stream.finish().expect("a valid module")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, loading);
criterion_main!(benches);
