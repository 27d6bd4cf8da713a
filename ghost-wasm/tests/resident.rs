//! What modules and pools say of their memory is what the allocator has given them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;

use ghost_wasm::{Config, Engine, InstancePool, Linker, Module, Profile, Translation};

thread_local! {
    /// Bytes that this thread has got and not given back.
    static TAKEN: Cell<i64> = const { Cell::new(0) };
}

/// Counts what an allocation really takes, where that can be known.
struct Counting;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator is asked about its own allocation")]
fn taken(pointer: *mut u8, _: Layout) -> i64 {
    unsafe extern "C" {
        fn malloc_usable_size(pointer: *mut u8) -> usize;
    }
    // SAFETY: the system's allocator gives what `malloc` has given, and this is alive. Before it stands its size.
    (unsafe { malloc_usable_size(pointer) } + 8) as i64
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn taken(_: *mut u8, layout: Layout) -> i64 {
    ((layout.size() + 8).div_ceil(16) * 16).max(32) as i64
}

fn count(bytes: i64) {
    // A thread that ends has no counter any more.
    let _ = TAKEN.try_with(|taken| taken.set(taken.get() + bytes));
}

// SAFETY: everything is the system allocator's; the counter allocates nothing.
#[expect(unsafe_code, reason = "an allocator that counts")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let pointer = unsafe { System.alloc(layout) };
        count(if pointer.is_null() { 0 } else { taken(pointer, layout) });
        pointer
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let pointer = unsafe { System.alloc_zeroed(layout) };
        count(if pointer.is_null() { 0 } else { taken(pointer, layout) });
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-taken(pointer, layout));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What is made, and what it takes by the allocator.
fn measured<R>(make: impl FnOnce() -> R) -> (R, i64) {
    let before = TAKEN.get();
    let made = make();
    (made, TAKEN.get() - before)
}

/// At least 0.9 times, at most 1.5 times what the allocator says.
#[track_caller]
fn close(what: &str, said: u64, taken: i64) {
    let ratio = said as f64 / taken as f64;
    println!("{what}: {said} bytes said, {taken} taken, ratio {ratio:.3}");
    assert!((0.9..=1.5).contains(&ratio), "{what}: {said} bytes said, {taken} taken");
}

fn engine(translation: Translation) -> Engine {
    Engine::new(Config::new(Profile::LATEST).translation(translation))
}

/// A text for each number, joined.
fn many(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

/// A module's text, with much of one thing.
fn modules() -> Vec<(&'static str, Vec<u8>)> {
    let mut usual = String::from("(module (memory 2) (table 10 funcref) (global (mut i32) (i32.const 0))");
    for n in 0..500 {
        let next = (n + 1) % 500;
        write!(
            usual,
            r#"(func $function_{n} (param i32 i64) (result i64) (local i32 i32)
                (local.set 2 (i32.load offset={n} (local.get 0)))
                (loop $again
                    (i32.store (local.get 2) (i32.add (local.get 3) (i32.const {n})))
                    (br_if $again (local.tee 3 (i32.sub (local.get 3) (i32.const 1)))))
                (if (result i64) (local.get 2)
                    (then (call $function_{next} (local.get 2) (local.get 1)))
                    (else (i64.mul (local.get 1) (i64.const {n})))))"#
        )
        .unwrap();
        if n % 20 == 0 {
            write!(usual, r#"(data (i32.const {n}) "{}")"#, "some text ".repeat(30)).unwrap();
        }
    }
    usual.push_str(r#"(elem (i32.const 0) $function_0 $function_1) (export "run" (func $function_0)))"#);
    let func = "(func (result i32) (i32.const 1))";
    let text = |text: String| wat::parse_str(format!("(module {text})")).unwrap();
    vec![
        ("usual", wat::parse_str(usual).unwrap()),
        ("nothing", text(String::new())),
        ("passive data segments", text(many(100_000, |_| r#"(data "")"#.into()))),
        (
            "active data segments",
            text(format!("(memory 1) {}", many(50_000, |n| format!(r#"(data (i32.const {n}) "x")"#)))),
        ),
        ("one data segment", text(format!(r#"(memory 10) (data (i32.const 0) "{}")"#, "x".repeat(400_000)))),
        (
            "offsets that are computed",
            text(format!(
                "(memory 1) {}",
                many(10_000, |_| {
                    r#"(data (offset (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3)))) "")"#
                        .into()
                })
            )),
        ),
        (
            "types",
            text(many(20_000, |n| {
                let bits = many(16, |bit| (if n >> bit & 1 == 0 { "i32 " } else { "i64 " }).into());
                format!("(type (func (param {bits})))")
            })),
        ),
        ("equal types", text(many(20_000, |_| format!("(type (func (param {})))", "i32 ".repeat(100))))),
        ("functions", text(many(20_000, |_| func.into()))),
        ("named functions", text(many(20_000, |n| format!("(func $f{n})")))),
        (
            "long names",
            text(many(5_000, |n| {
                format!("(func $a_name_that_somebody_has_thought_about_for_very_long_{n})")
            })),
        ),
        ("exports", text(format!("{func}{}", many(20_000, |n| format!(r#"(export "e{n}" (func 0))"#))))),
        ("imports", text(many(20_000, |n| format!(r#"(import "module" "i{n}" (func))"#)))),
        ("globals", text(many(20_000, |n| format!("(global i32 (i32.const {n}))")))),
        (
            "element segments",
            text(format!("(table 10 funcref) {func} {}", many(50_000, |_| "(elem (i32.const 0) 0)".into()))),
        ),
        ("one element segment", text(format!("{func} (elem func {})", "0 ".repeat(100_000)))),
        ("custom sections", text(many(10_000, |n| format!(r#"(@custom "c{n}" "some bytes")"#)))),
        ("one custom section", text(format!(r#"(@custom "c" "{}")"#, "some bytes ".repeat(50_000)))),
        (
            "targets of br_table",
            text(format!("(func (block (br_table {} (i32.const 0))))", "0 ".repeat(50_000))),
        ),
    ]
}

#[test]
fn modules_tell_what_they_take() {
    let modules = modules();
    for translation in [Translation::Eager, Translation::Lazy] {
        let engine = engine(translation);
        for (what, bytes) in &modules {
            let (module, taken) = measured(|| Module::new(&engine, bytes).unwrap());
            let wasm = bytes.len();
            close(&format!("{what}, {translation:?}, {wasm} bytes"), module.resident_bytes(), taken);
            let (clone, more) = measured(|| module.clone());
            assert_eq!((clone.resident_bytes(), more), (module.resident_bytes(), 0), "{what}");
        }
    }
}

#[test]
fn pools_tell_what_they_take() {
    for translation in [Translation::Eager, Translation::Lazy] {
        let engine = engine(translation);
        let small = r#"(module (memory 1) (func (export "run")))"#.to_owned();
        let large = format!(
            r#"(module (import "h" "f" (func $f (param i32))) (memory 40) (data (i32.const 70000) "{}")
                (table 5000 funcref) (elem (i32.const 0) $f) (global (mut i32) (i32.const 1))
                (func (export "run") (local i32)
                    (drop (memory.grow (i32.const 3)))
                    (drop (table.grow (ref.null func) (i32.const 100)))
                    {} (call $f (i32.const 1)) (drop (call $deep (i32.const 200))))
                (func $deep (param i32) (result i32)
                    (if (result i32) (local.get 0)
                        (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0))))
                {})"#,
            "x".repeat(20_000),
            many(300, |n| format!("(call $g{n})")),
            many(300, |n| format!("(func $g{n} (i32.store (i32.const {n}) (i32.const 1)))")),
        );
        for (what, text, uses) in [("small", small, 1), ("large", large, 3)] {
            let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
            let mut linker = Linker::new(&engine);
            linker.func_wrap("h", "f", |_: i32| ()).unwrap();
            let (pool, taken) = measured(|| {
                let mut pool = InstancePool::new(linker.instantiate_pre(&module).unwrap(), uses);
                assert!(pool.resident_bytes() < 1_000, "nothing is idle");
                let stores: Vec<_> = (0..uses).map(|_| pool.take(())).collect();
                for mut store in stores {
                    let instance = pool.pre().clone().instantiate(&mut store).unwrap();
                    let run = instance.get_typed_func::<(), ()>(&store, "run").unwrap();
                    run.call(&mut store, ()).unwrap();
                    pool.put(store);
                }
                assert_eq!(pool.idle(), uses);
                pool
            });
            close(&format!("pool, {what}, {translation:?}"), pool.resident_bytes(), taken);
        }
    }
}
