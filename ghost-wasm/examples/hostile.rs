//! How long hostile modules take to load, as ratios to straight-line code: by unit of work and by byte, for
//! validation alone and with translation. `cargo run --release -p ghost-wasm --features internals --example
//! hostile`

#![expect(clippy::disallowed_types, reason = "the engine has no clock; this measures it")]

#[path = "../tests/common/hostile.rs"]
mod hostile;

use std::hint::black_box;
use std::time::Instant;

use ghost_wasm::internals::{NoSink, Stream};
use ghost_wasm::{Config, Engine, Error, Module, Profile};

/// The fastest of several runs, in nanoseconds.
fn fastest(mut run: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
    let mut best = f64::MAX;
    for _ in 0..7 {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed().as_secs_f64() * 1e9);
    }
    Ok(best)
}

fn main() -> Result<(), Error> {
    println!("{:32} {:>22}   {:>22}", "", "validate: work, byte", "with translation");
    let mut first = None;
    for case in hostile::all() {
        let profile = if case.name.starts_with("wide") { Profile::WASM_2_EXT } else { Profile::CONTRACT_V1 };
        let engine = Engine::new(&Config::new(profile));
        let work = Module::new(&engine, &case.bytes)?.work() as f64;
        let validate = fastest(|| {
            let mut stream = Stream::new(&engine, NoSink);
            stream.feed(&case.bytes)?;
            stream.finish().map(|done| drop(black_box(done)))
        })?;
        let load = fastest(|| Module::new(&engine, &case.bytes).map(|module| drop(black_box(module))))?;
        let len = case.bytes.len() as f64;
        let now = [validate / work, validate / len, load / work, load / len];
        let [a, b, c, d] = *first.get_or_insert(now);
        println!(
            "{:32} {:>10.2} {:>10.2}   {:>10.2} {:>10.2}",
            case.name,
            now[0] / a,
            now[1] / b,
            now[2] / c,
            now[3] / d
        );
    }
    Ok(())
}
