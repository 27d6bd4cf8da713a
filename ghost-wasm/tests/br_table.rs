//! Tables of branches: what many targets of few labels become.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ghost_wasm::{Config, Engine, Linker, Module, Profile, Store, internals};

/// Targets that need moves: to a block, to the function, and to a block where the value is in place.
fn text(targets: &str) -> String {
    format!(
        r#"(module (func (export "f") (param i32) (result i32)
            (i32.add (i32.const 1000)
                (block (result i32)
                    (i32.const 7)
                    (i32.add (i32.const 100)
                        (block (result i32)
                            (br_table {targets} (i32.const 5) (local.get 0))))
                    (return)))))"#
    )
}

fn ops(targets: &str) -> usize {
    let engine = Engine::new(&Config::new(Profile::WASM_2));
    let listing = internals::disassemble(&engine, &wat::parse_str(text(targets)).unwrap()).unwrap();
    listing.lines().count()
}

#[test]
fn a_label_has_one_stub_however_many_targets_name_it() {
    assert_eq!(ops("0 1 2 0"), ops(&format!("{} 0", "0 1 2 ".repeat(50))));
    assert_eq!(ops("0 1 2 0"), ops("2 1 1 0 2 0 2"));
    assert!(ops("0 0 0 0") < ops("0 1 0 0"), "but each label has its own");
}

#[test]
fn targets_that_share_a_stub_arrive() {
    let engine = Engine::new(&Config::new(Profile::WASM_2));
    let mut store = Store::new(&engine, ());
    let targets = "2 1 1 0 2 0 2";
    let module = Module::new(&engine, &wat::parse_str(text(targets)).unwrap()).unwrap();
    let instance = Linker::new(&engine).instantiate(&mut store, &module).unwrap();
    let func = instance.get_typed_func::<i32, i32>(&store, "f").unwrap();
    for (index, depth) in targets.split(' ').map(|depth| depth.parse::<usize>().unwrap()).enumerate() {
        let expected = [105, 1005, 5][depth];
        assert_eq!(func.call(&mut store, index as i32).unwrap(), expected, "target {index}");
    }
}

/// Nested blocks, all of which a table names with a value that lies above another.
#[test]
fn a_table_of_many_labels_that_need_moves() {
    let labels = 700;
    let names: Vec<String> = (0..labels).map(|label| label.to_string()).collect();
    let text = format!(
        r#"(module (func (export "f") (param i32) (result i32) {} i32.const 1 i32.const 2 local.get 0 br_table {} {}))"#,
        "block (result i32) ".repeat(labels),
        names.join(" "),
        "end ".repeat(labels),
    );
    let engine = Engine::new(&Config::new(Profile::WASM_2));
    let mut store = Store::new(&engine, ());
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let instance = Linker::new(&engine).instantiate(&mut store, &module).unwrap();
    let func = instance.get_typed_func::<i32, i32>(&store, "f").unwrap();
    for index in [0, 1, labels as i32 / 2, labels as i32 - 1, -1] {
        assert_eq!(func.call(&mut store, index).unwrap(), 2, "target {index}");
    }
}
