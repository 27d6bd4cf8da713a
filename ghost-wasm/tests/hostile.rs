//! What hostile modules are counted for. Work is what a deployment pays, so that this table is consensus; the
//! time that a unit of it takes is printed by `cargo run --release -p ghost-wasm --example hostile`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "common/hostile.rs"]
mod hostile;

use ghost_wasm::{Config, Engine, Module, Profile, Translation};

/// Name, bytes, work.
const TABLE: &[(&str, usize, u64)] = &[
    ("straight", 200_042, 320_058),
    ("loads", 200_039, 200_055),
    ("stores", 200_039, 200_055),
    ("constants", 200_040, 266_722),
    ("functions", 40_037, 430_009),
    ("parameters", 40_100, 430_324),
    ("locals", 70_037, 490_009),
    ("high local", 110_037, 530_009),
    ("runs of locals", 840_037, 2_830_009),
    ("blocks", 200_040, 333_388),
    ("nesting", 198_042, 330_058),
    ("loops behind loads", 200_040, 266_722),
    ("ifs behind loads", 200_032, 257_188),
    ("branches to one label", 200_045, 350_063),
    ("br_table", 196_483, 980_744),
    ("br_table with a value", 196_728, 1_177_185),
    ("br_table with values", 197_688, 12_994_734),
    ("br_table of dead code with values", 197_594, 12_994_828),
    ("br_if with values", 200_439, 6_751_412),
    ("blocks with values", 200_431, 17_401_102),
    ("ifs with values", 200_431, 13_134_478),
    ("ends of dead blocks with values", 200_433, 13_101_276),
    ("dead blocks", 200_043, 360_059),
    ("ends of dead code with values", 200_229, 771_562),
    ("readers", 198_306, 264_322),
    ("selects", 200_045, 360_062),
    ("calls", 200_043, 297_201),
    ("calls with values", 200_296, 12_900_943),
    ("indirect calls", 200_045, 440_067),
    ("types", 268_039, 1_284_052),
    ("wide parameters", 41_038, 435_004),
    ("wide locals", 80_037, 490_009),
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
