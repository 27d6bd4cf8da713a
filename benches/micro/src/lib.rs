//! What the benchmarks run on: modules that are the same on each machine.

use std::fmt::Write as _;

use ghost_wasm::{Config, Engine, Linker, Module, Profile, Store, TypedFunc};

/// Contracts as compilers make them.
pub const CONTRACTS: &[(&str, &[u8])] = &[
    ("counter (Zig)", include_bytes!("../../../contracts/counter/counter.wasm")),
    ("token (Rust)", include_bytes!("../../../contracts/token/token.wasm")),
];

/// An engine for everything that is here.
pub fn engine() -> Engine {
    Engine::new(&Config::new(Profile::WASM_2_EXT))
}

/// A module from text.
///
/// # Panics
/// If it is not valid: the texts are this crate's own.
#[expect(clippy::expect_used, reason = "the texts are this crate's own")]
pub fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("text of a module")
}

/// Many functions of arithmetic, memory, branches and calls, some 100 KiB.
pub fn many_functions() -> Vec<u8> {
    let mut text = String::from("(module (memory 1) (func $f0 (param i32 i32) (result i32) local.get 0)\n");
    for number in 1..1500 {
        let callee = number / 2;
        let _ = writeln!(
            text,
            "(func $f{number} (param i32 i32) (result i32) (local i32 i64)
                (local.set 2 (i32.add (local.get 0) (i32.mul (local.get 1) (i32.const {number}))))
                (block (loop
                    (br_if 1 (i32.lt_s (local.get 2) (i32.const 10)))
                    (i32.store offset=16 (local.get 0) (local.get 2))
                    (local.set 3 (i64.xor (i64.load offset=8 (local.get 1)) (i64.extend_i32_u (local.get 2))))
                    (local.set 2 (i32.sub (local.get 2) (i32.shr_u (local.get 2) (i32.const 3))))
                    (br 0)))
                (if (result i32) (i32.eqz (local.get 2))
                    (then (i32.wrap_i64 (local.get 3)))
                    (else (call $f{callee} (local.get 2) (local.get 1)))))"
        );
    }
    text.push(')');
    binary(&text)
}

/// A module that writes to three parts of its memory of `pages` pages, and calls its host once.
pub fn small_instance(pages: u32) -> Vec<u8> {
    let top = pages * 65_536;
    let (stack, data) = (top / 2 - 16, top / 2);
    binary(&format!(
        r#"(module
            (import "env" "log" (func $log (param i32)))
            (memory (export "memory") {pages})
            (table 2 funcref) (elem (i32.const 0) $run)
            (global $sp (mut i32) (i32.const {data}))
            (data (i32.const {data}) "a greeting of some length")
            (func $run (export "run") (param i32) (result i32)
                (i32.store (i32.const {stack}) (local.get 0))
                (i32.store (i32.const {data}) (local.get 0))
                (i32.store (i32.const {heap}) (local.get 0))
                (call $log (i32.const {data}))
                (i32.load8_u (i32.const {data}))))"#,
        heap = top - 8192
    ))
}

/// Functions for calls: nothing, a chain of calls within, calls of the host, a loop.
pub const CALLS: &str = r#"(module
    (import "env" "host" (func $host (param i32) (result i32)))
    (func (export "nothing") (param i32) (result i32) local.get 0)
    (func $fib (export "fib") (param i32) (result i32)
        (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
            (then (local.get 0))
            (else (i32.add
                (call $fib (i32.sub (local.get 0) (i32.const 1)))
                (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func (export "host_calls") (param i32) (result i32)
        (loop $again
            (drop (call $host (local.get 0)))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 0))
    (func (export "loop") (param i32) (result i32) (local i32)
        (loop $again
            (local.set 1 (i32.add (i32.rotl (local.get 1) (i32.const 5)) (local.get 0)))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))"#;

/// A linker with the functions that the modules here import.
///
/// # Errors
/// None: the names differ.
pub fn linker(engine: &Engine) -> Result<Linker<()>, ghost_wasm::Error> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("env", "log", |_: i32| {})?;
    linker.func_wrap("env", "host", |value: i32| value)?;
    Ok(linker)
}

/// A function from a number to a number.
pub type Numbers = TypedFunc<(i32,), i32>;

/// A function of [`CALLS`], ready to be called.
///
/// # Errors
/// `UnknownExport`.
pub fn function(name: &str) -> Result<(Store<()>, Numbers), ghost_wasm::Error> {
    let engine = engine();
    let module = Module::new(&engine, &binary(CALLS))?;
    let mut store = Store::new(&engine, ());
    let instance = linker(&engine)?.instantiate(&mut store, &module)?;
    let func = instance.get_typed_func(&store, name)?;
    Ok((store, func))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_works() -> Result<(), ghost_wasm::Error> {
        let engine = engine();
        for (_, wasm) in CONTRACTS {
            Module::new(&engine, wasm)?;
        }
        assert!(many_functions().len() > 100_000);
        Module::new(&engine, &many_functions())?;
        for (name, argument, expected) in [("nothing", 7, 7), ("fib", 10, 55), ("host_calls", 5, 0)] {
            let (mut store, func) = function(name)?;
            assert_eq!(func.call(&mut store, (argument,))?, expected, "{name}");
        }
        for pages in [1, 17] {
            let module = Module::new(&engine, &small_instance(pages))?;
            let mut store = Store::new(&engine, ());
            let instance = linker(&engine)?.instantiate(&mut store, &module)?;
            let run = instance.get_typed_func::<(i32,), i32>(&store, "run")?;
            assert_eq!(run.call(&mut store, (9,))?, 9);
        }
        Ok(())
    }
}
