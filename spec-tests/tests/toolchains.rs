//! What today's compilers emit at their default settings loads and runs; see `toolchains/README.md`.

use ghost_wasm::{Engine, Linker, Module, Store};

const MODULES: &[(&str, &[u8], i64, i64)] = &[
    ("rustc", include_bytes!("toolchains/from_rust.wasm"), 86, 4_118_336_090_785_416_398),
    ("clang", include_bytes!("toolchains/from_clang.wasm"), -8, 3_616_541_640_751_062_494),
    ("Zig", include_bytes!("toolchains/from_zig.wasm"), 86, -4_804_426_532_547_829_200),
];

#[test]
fn modules_of_real_toolchains_run() {
    let engine = Engine::default();
    for (compiler, bytes, of_1, of_1000) in MODULES {
        let module = Module::new(&engine, bytes).unwrap_or_else(|error| panic!("{compiler}: {error}"));
        assert_eq!(module.imports().len(), 0, "{compiler}");
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine)
            .instantiate(&mut store, &module)
            .unwrap_or_else(|error| panic!("{compiler}: {error}"));
        let run = instance
            .get_typed_func::<(i32,), i64>(&store, "run")
            .unwrap_or_else(|error| panic!("{compiler}: {error}"));
        // The answer does not depend on what was called before.
        for (argument, expected) in [(1, *of_1), (1000, *of_1000), (1, *of_1)] {
            let got = run.call(&mut store, (argument,));
            let got = got.unwrap_or_else(|error| panic!("{compiler}: run({argument}): {error}"));
            assert_eq!(got, expected, "{compiler}: run({argument})");
        }
    }
}
