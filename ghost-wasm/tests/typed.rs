//! Functions whose types are Rust's.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ghost_wasm::{Engine, ErrorCode, Linker, Module, Store};

const TEXT: &str = r#"(module
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "half") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5)))
    (func (export "both") (param i64) (result i64 i32) (local.get 0) (i32.const 7)))"#;

/// One parameter needs no tuple, and the results' type can be left to be found out.
#[test]
fn one_parameter_stands_for_itself() {
    let engine = Engine::default();
    let module = Module::new(&engine, &wat::parse_str(TEXT).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module).unwrap();
    let half = instance.get_typed_func::<f64, _>(&store, "half").unwrap();
    let value: f64 = half.call(&mut store, 5.0).unwrap();
    assert_eq!(value, 2.5);
    let both = instance.get_typed_func::<u64, (u64, i32)>(&store, "both").unwrap();
    assert_eq!(both.call(&mut store, u64::MAX).unwrap(), (u64::MAX, 7));
    let both = instance.get_typed_func::<(u64,), (u64, i32)>(&store, "both").unwrap();
    assert_eq!(both.call(&mut store, (3,)).unwrap(), (3, 7));
    let wrong =
        |result: Result<(), ghost_wasm::Error>| assert_eq!(result.unwrap_err().code(), ErrorCode::WrongType);
    wrong(instance.get_typed_func::<i32, i32>(&store, "add").map(drop));
    wrong(instance.get_typed_func::<f32, f64>(&store, "half").map(drop));
    wrong(instance.get_typed_func::<(), f64>(&store, "half").map(drop));
}
