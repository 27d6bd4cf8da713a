//! What hostile modules are counted for. Work is what a deployment pays, so that this table is consensus; the
//! time that a unit of it takes is printed by `cargo run --release -p ghost-wasm --example hostile`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "common/hostile.rs"]
mod hostile;

use ghost_wasm::{Config, Engine, Module, Profile, Translation};

/// Name, bytes, work.
const TABLE: &[(&str, usize, u64)] = &[
    ("straight", 200_042, 320_010),
    ("loads", 200_039, 200_007),
    ("stores", 200_039, 200_007),
    ("constants", 200_040, 266_674),
    ("functions", 40_037, 30_005),
    ("parameters", 40_100, 30_068),
    ("locals", 70_037, 50_005),
    ("high local", 110_037, 90_005),
    ("runs of locals", 840_037, 830_005),
    ("blocks", 200_040, 133_342),
    ("nesting", 198_042, 132_010),
    ("loops behind loads", 200_040, 200_008),
    ("ifs behind loads", 200_032, 214_285),
    ("branches to one label", 200_045, 200_012),
    ("br_table", 196_483, 196_353),
    ("br_table with a value", 196_728, 392_794),
    ("br_if with values", 200_439, 6_600_593),
    ("blocks with values", 200_431, 17_200_288),
    ("ifs with values", 200_431, 13_000_330),
    ("dead blocks", 200_043, 120_011),
    ("ends of dead code with values", 200_229, 761_923),
    ("readers", 198_306, 264_274),
    ("selects", 200_045, 360_014),
    ("calls", 200_043, 296_905),
    ("indirect calls", 200_045, 240_015),
    ("types", 268_039, 260_008),
    ("wide parameters", 41_038, 31_004),
    ("wide locals", 80_037, 50_005),
];

#[test]
fn work_is_what_it_was() {
    let mut found = Vec::new();
    for case in hostile::all() {
        let profile = if case.name.starts_with("wide") { Profile::WASM_2_EXT } else { Profile::CONTRACT_V1 };
        let [eager, lazy] = [Translation::Eager, Translation::Lazy].map(|when| {
            let engine = Engine::new(Config::new(profile.clone()).translation(when));
            Module::new(&engine, &case.bytes).unwrap_or_else(|error| panic!("{}: {error}", case.name)).work()
        });
        assert_eq!(eager, lazy, "{}", case.name);
        found.push((case.name, case.bytes.len(), eager));
    }
    assert_eq!(found, TABLE);
}
