//! What an instantiation costs: the constant expressions in it, operator by operator.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ghost_wasm::{Config, Engine, Linker, Module, Profile, Store};

/// Gas of instantiating a module with these element segments, whose global 0 is an imported reference.
fn gas(elements: &str) -> u64 {
    let engine = Engine::new(&Config::new(Profile::WASM_2));
    let compile = |text: &str| Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let provider = compile(r#"(module (func $f) (global (export "g") funcref (ref.func $f)))"#);
    let text =
        format!(r#"(module (import "m" "g" (global funcref)) (table 8 funcref) (func $f) {elements})"#);
    let module = compile(&text);

    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let instance = linker.instantiate(&mut store, &provider).unwrap();
    linker.instance(&mut store, "m", instance).unwrap();
    store.set_gas(1_000_000);
    linker.instantiate(&mut store, &module).unwrap();
    store.gas_used()
}

#[test]
fn items_of_element_segments_cost_what_constants_and_globals_cost() {
    let class = |op: ghost_wasm::internals::Op| u64::from(Profile::WASM_2.schedule().class(op.class()));
    let (get, constant) =
        (class(ghost_wasm::internals::Op::GlobalGet), class(ghost_wasm::internals::Op::I32Const));
    assert!(get > constant && constant > 0, "or the test shows nothing");
    let dearer = get - constant;
    let passive = |items: &str| gas(&format!("(elem funcref {items})"));
    assert_eq!(
        passive("(global.get 0) (global.get 0)"),
        passive("(ref.func $f) (ref.null func)") + 2 * dearer
    );
    assert_eq!(passive("(ref.func $f) (ref.func $f)"), passive("(ref.func $f)") + constant);
    let active = |items: &str| gas(&format!("(elem (i32.const 0) funcref {items})"));
    assert_eq!(active("(global.get 0) (ref.func $f)"), active("(ref.func $f) (ref.func $f)") + dearer);
    assert_eq!(
        gas("(elem declare funcref (global.get 0))"),
        gas("(elem declare funcref (ref.func $f))") + dearer
    );
}
