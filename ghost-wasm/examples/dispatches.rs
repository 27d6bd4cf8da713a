//! Counts the internal instructions that a call runs, and shows which follow which:
//! `cargo run -p ghost-wasm --features internals --example dispatches FILE.wasm EXPORT [ARGUMENT]`.
//! The export takes one i32 or nothing.

use std::collections::BTreeMap;

use ghost_wasm::{Config, Engine, Linker, Module, Profile, Store, Val, internals::instruction_name};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const USAGE: &str = "usage: dispatches FILE.wasm EXPORT [ARGUMENT]";
    let mut args = std::env::args().skip(1);
    let (path, export) = (args.next().ok_or(USAGE)?, args.next().ok_or(USAGE)?);
    let argument: Option<i32> = args.next().map(|text| text.parse()).transpose()?;

    let engine = Engine::new(Config::new(Profile::WASM_2_EXT).stepping(true));
    let module = Module::new(&engine, &std::fs::read(path)?)?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module)?;
    let func = instance.get_func(&store, &export).ok_or("no such function is exported")?;
    let mut results = vec![Val::I32(0); func.ty(&store).results().len()];
    func.call(&mut store, &argument.map(Val::I32).into_iter().collect::<Vec<_>>(), &mut results)?;

    let (steps, total) = (store.steps(), store.steps().total());
    println!("{total} instructions, result {results:?}");
    let mut singles = BTreeMap::<u16, u64>::new();
    for (&(_, inst), count) in &steps.pairs {
        *singles.entry(inst).or_default() += count;
    }
    let share = |count: u64| 100.0 * count as f64 / total as f64;
    let mut singles: Vec<_> = singles.into_iter().collect();
    singles.sort_by_key(|&(inst, count)| (core::cmp::Reverse(count), inst));
    for (inst, count) in singles.into_iter().take(30) {
        println!("{:5.1} %  {}", share(count), instruction_name(inst));
    }
    println!();
    let mut pairs: Vec<_> = steps.pairs.iter().collect();
    pairs.sort_by_key(|&(pair, count)| (core::cmp::Reverse(count), pair));
    for (&(before, inst), &count) in pairs.into_iter().take(40) {
        println!("{:5.1} %  {}  ->  {}", share(count), instruction_name(before), instruction_name(inst));
    }
    Ok(())
}
