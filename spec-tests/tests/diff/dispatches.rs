//! How many internal instructions the kernels of the comparison run: a lost fusion shows here as a number,
//! without a clock. `BLESS=1` writes the golden file anew.

use std::fmt::Write as _;
use std::path::Path;

use ghost_wasm::{Config, Engine, Linker, Module, Profile, Store, Val};

/// Lines of the kernels' table: name, small argument, its result.
fn kernels(table: &str) -> Vec<(&str, i32, i64)> {
    fn row(line: &str) -> Option<(&str, i32, i64)> {
        let (name, rest) = line.trim().split_once(" => run(")?;
        let (_, smoke) = rest.split_once("smoke(")?;
        let (argument, result) = smoke.trim_end_matches(';').split_once(") == ")?;
        let number = |text: &str| text.replace('_', "").parse::<i64>().ok();
        Some((name, number(argument)? as i32, number(result)?))
    }
    table.lines().filter_map(row).filter(|(name, ..)| !name.contains('$')).collect()
}

/// The counts of instructions by name, with how they differ from those of the golden file.
fn difference(golden: &str, now: &str) -> String {
    let count = |line: &str| line.split_once(' ').and_then(|(_, count)| count.parse::<i64>().ok());
    let mut out = String::new();
    for line in now.lines().filter(|line| !golden.lines().any(|old| old == *line)) {
        let name = line.split(' ').next().unwrap_or_default();
        let before = golden.lines().find(|old| old.split(' ').next() == Some(name)).and_then(count);
        let after = count(line).unwrap_or(0);
        let _ = match before {
            Some(before) => {
                let share = 100.0 * (after - before) as f64 / before as f64;
                writeln!(out, "{name}: {before} -> {after} ({:+}, {share:+.2} %)", after - before)
            }
            None => writeln!(out, "{name}: new, {after}"),
        };
    }
    for line in golden.lines() {
        let name = line.split(' ').next();
        if !now.lines().any(|new| new.split(' ').next() == name) {
            let _ = writeln!(out, "{line}: gone");
        }
    }
    out
}

#[test]
fn dispatches_of_kernels_are_as_blessed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compare = root.join("../benches/compare");
    let table = std::fs::read_to_string(compare.join("src/kernels.rs")).expect("the table of kernels");
    let engine = Engine::new(Config::new(Profile::WASM_2_EXT).stepping(true));
    let mut now = String::new();
    for (name, argument, expected) in kernels(&table) {
        let bytes = std::fs::read(compare.join(format!("kernels/{name}.wasm"))).expect("a kernel");
        let module = Module::new(&engine, &bytes).expect("a module");
        let mut store = Store::new(&engine, ());
        // An op is counted again where a slice of gas has ended, and how large slices are is a build's own affair.
        store.fix_gas_slice(Some(u64::MAX));
        let instance = Linker::new(&engine).instantiate(&mut store, &module).expect("an instance");
        let run = instance.get_func(&store, "run").expect("its export");
        let before = store.steps().total();
        let mut results = [Val::I64(0)];
        run.call(&mut store, &[Val::I32(argument)], &mut results).expect("a result");
        assert_eq!(results, [Val::I64(expected)], "{name}");
        let _ = writeln!(now, "{name} {}", store.steps().total() - before);
    }
    assert!(now.lines().count() >= 14, "kernels were not found: {now}");
    let path = root.join("tests/diff/dispatches.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &now).expect("the golden file can be written");
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = difference(&golden, &now);
    assert!(
        difference.is_empty(),
        "instructions per call have changed; if on purpose, BLESS=1 writes them anew:\n{difference}"
    );
}
