//! Programs that the engine once ran wrongly, found by fuzzing against the oracle and another engine. Each
//! is cut down to what matters; a row is one call of `f`.

use ghost_wasm::{Config, Engine, Error, Instance, Module, Profile, Store, Val};

struct Found {
    what: &'static str,
    /// The module's fields.
    wat: &'static str,
    args: &'static [Val],
    results: &'static [Val],
}

const FOUND: &[Found] = &[
    Found {
        what: "a comparison of the accumulator with a constant of more than 32 bits",
        wat: r#"(func (export "f") (param i64) (result i32)
            (i64.lt_u (i64.add (local.get 0) (i64.const 1)) (i64.const 4294967296)))"#,
        args: &[Val::I64(4_294_967_296)],
        results: &[Val::I32(0)],
    },
    Found {
        what: "the same, exchanged",
        wat: r#"(func (export "f") (param i64) (result i32)
            (i64.lt_u (i64.const 4294967296) (i64.add (local.get 0) (i64.const 1))))"#,
        args: &[Val::I64(4_294_967_296)],
        results: &[Val::I32(1)],
    },
    Found {
        what: "the same, in a branch",
        wat: r#"(func (export "f") (param i64) (result i32)
            (block
                (br_if 0 (i64.eq (i64.mul (local.get 0) (i64.const 4)) (i64.const 0x400000000)))
                (return (i32.const 1)))
            (i32.const 2))"#,
        args: &[Val::I64(0x1_0000_0000)],
        results: &[Val::I32(2)],
    },
    Found {
        what: "a label that takes the high half of a product to where the low one was",
        wat: r#"(func (export "f") (param i64 i64) (result i64)
            (block (result i64) (i64.mul_wide_u (local.get 0) (local.get 1)) (br 0)))"#,
        args: &[Val::I64(-1), Val::I64(5)],
        results: &[Val::I64(4)],
    },
    Found {
        what: "the same of a sum",
        wat: r#"(func (export "f") (param i64 i64) (result i64)
            (block (result i64)
                (i64.add128 (local.get 0) (i64.const 7) (local.get 1) (i64.const 0)) (br 0)))"#,
        args: &[Val::I64(-1), Val::I64(5)],
        results: &[Val::I64(8)],
    },
];

fn run(found: &Found) -> Result<Vec<Val>, Error> {
    let bytes = wat::parse_str(format!("(module {})", found.wat)).expect("the table's text is well-formed");
    let engine = Engine::new(&Config::new(Profile::LATEST));
    let module = Module::new(&engine, &bytes)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let func = instance.get_func(&store, "f").expect("each row exports `f`");
    let mut results = vec![Val::I32(0); func.ty(&store).results().len()];
    func.call(&mut store, found.args, &mut results)?;
    Ok(results)
}

#[test]
fn found_programs_run_right() {
    for found in FOUND {
        match run(found) {
            Ok(results) => assert_eq!(results, found.results, "{}", found.what),
            Err(error) => panic!("{}: {error}", found.what),
        }
    }
}
