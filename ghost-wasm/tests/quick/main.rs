//! The quick path (`valid/quick.rs`) gives what the general one gives, for any bytes: the same events for the sink,
//! the same work, the same stops, the same error. `Slowly` has everything taken by the general path; the rest of
//! the stream is the same for both.

#[path = "../common/mod.rs"]
mod common;
mod ear;
mod made;

use common::{Rng, cases, engine, mutate, smith, wat};
use ear::{both, cuts};
use ghost_wasm::internals::{disassemble, disassemble_slowly};
use ghost_wasm::table::limits::Limits;
use ghost_wasm::{Engine, Profile};
use wasmparser::{Validator, WasmFeatures};

/// Everything off, most on with small limits, everything on.
const PROFILES: [Profile; 3] = [Profile::WASM_1, Profile::CONTRACT_V1, Profile::LATEST];

/// How many modules were valid, and how many were not.
#[derive(Default)]
struct Tally {
    valid: usize,
    refused: usize,
}

impl Tally {
    fn add(&mut self, valid: bool) {
        *(if valid { &mut self.valid } else { &mut self.refused }) += 1;
    }
}

/// Both paths make the same code, or the same error; says whether it is code.
fn same_code(engine: &Engine, bytes: &[u8]) -> bool {
    let quick = disassemble(engine, bytes).map_err(|error| error.to_string());
    let slow = disassemble_slowly(engine, bytes).map_err(|error| error.to_string());
    assert!(quick == slow, "the code differs: {bytes:02x?}\n{quick:?}\n{slow:?}");
    quick.is_ok()
}

/// What both paths share is checked by somebody else: whether a module is valid with every proposal on.
fn is_valid_elsewhere(bytes: &[u8]) -> bool {
    let features = WasmFeatures::WASM2 & !WasmFeatures::SIMD
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::WIDE_ARITHMETIC;
    Validator::new_with_features(features).validate_all(bytes).is_ok()
}

/// The bodies' bytes, from the last byte of the first one's size on.
fn bodies(bytes: &[u8]) -> core::ops::Range<usize> {
    let sections = wasmparser::Parser::new(0).parse_all(bytes);
    let bodies = sections.filter_map(|payload| match payload.expect("a module") {
        wasmparser::Payload::CodeSectionEntry(body) => Some(body.range()),
        _ => None,
    });
    let all = bodies.reduce(|all, body| all.start..body.end).expect("a module with code");
    all.start as usize - 1..all.end as usize
}

#[test]
fn every_byte_of_a_body_replaced_by_every_other() {
    let engines = PROFILES.map(|profile| engine(&profile));
    let mut tally = Tally::default();
    for text in made::BODIES {
        let mut bytes = wat(text);
        let seen = both(&engine(&Profile::LATEST), &bytes);
        assert!(seen.is_valid(), "{seen:?}");
        for at in bodies(&bytes) {
            let old = bytes[at];
            for new in 0..=u8::MAX {
                bytes[at] = new;
                engines.iter().for_each(|engine| tally.add(both(engine, &bytes).is_valid()));
            }
            bytes[at] = old;
        }
    }
    assert!(tally.valid > 4_000 && tally.refused > 50_000, "{} {}", tally.valid, tally.refused);
}

#[test]
fn bodies_that_end_too_early() {
    for text in made::BODIES {
        let bytes = wat(text);
        for profile in PROFILES {
            let engine = engine(&profile);
            for end in bodies(&bytes) {
                both(&engine, &bytes[..end]);
            }
        }
    }
    // With a size to match, where the body's end is the section's, and where another one follows.
    let whole = made::LONG_IMMEDIATES;
    for profile in PROFILES {
        let engine = engine(&profile);
        for end in 0..=whole.len() {
            for behind in [&[][..], &[0x0b], &[0x0b, 0x0b], &[0x41], &[0x41, 0x80], &[0x42, 0x80, 0x80]] {
                let body = [&[0], &whole[..end], behind].concat();
                both(&engine, &common::function(&body));
                both(&engine, &made::two_functions(&body));
            }
        }
    }
}

#[test]
fn operators_across_cuts() {
    for profile in PROFILES {
        let engine = engine(&profile);
        for text in made::BODIES {
            let bytes = wat(text);
            for at in bodies(&bytes) {
                cuts(&engine, &bytes, || (at, u64::MAX));
            }
            for size in 1..40 {
                cuts(&engine, &bytes, || (size, u64::MAX));
            }
            for work in 0..40 {
                cuts(&engine, &bytes, || (usize::MAX, work));
            }
        }
    }
}

#[test]
fn every_operator_on_every_stack() {
    let mut rng = Rng(0x5eed);
    let mut tally = Tally::default();
    let engines = PROFILES.map(|profile| engine(&profile));
    let with_memory = [false, true].map(made::Env::new);
    let stacks = made::stacks();
    // By opcode first: each meets each kind of place.
    for opcode in 0..=u8::MAX {
        for place in made::PLACES {
            for _ in 0..cases(24) {
                let stack = match rng.below(2) {
                    0 => made::FITTING[rng.below(made::FITTING.len())],
                    _ => &stacks[rng.below(stacks.len())],
                };
                let immediate = match opcode {
                    // These have none: mostly no other operator follows.
                    0x45..0xc5 if rng.below(8) != 0 => &[],
                    _ => made::IMMEDIATES[rng.below(made::IMMEDIATES.len())],
                };
                let body = made::body(place, stack, opcode, immediate, rng.below(2) == 0);
                let bytes = with_memory[usize::from(rng.below(8) != 0)].module(&body);
                let profile = rng.below(PROFILES.len());
                let valid = both(&engines[profile], &bytes).is_valid();
                if PROFILES[profile] == Profile::LATEST {
                    assert_eq!(valid, is_valid_elsewhere(&bytes), "{bytes:02x?}");
                }
                tally.add(valid);
            }
        }
    }
    // By stack and immediate: operators that take what is there.
    for stack in &stacks {
        for &opcode in made::QUICK {
            for place in [&made::PLACES[0], &made::PLACES[rng.below(made::PLACES.len())]] {
                let immediate = made::IMMEDIATES[rng.below(made::IMMEDIATES.len())];
                let bytes = with_memory[1].module(&made::body(place, stack, opcode, immediate, true));
                let valid = both(&engines[2], &bytes).is_valid();
                assert_eq!(valid, is_valid_elsewhere(&bytes), "{bytes:02x?}");
                tally.add(valid);
            }
        }
    }
    assert!(tally.valid > 4_000 && tally.refused > 50_000, "{} {}", tally.valid, tally.refused);
}

#[test]
fn every_immediate() {
    let mut tally = Tally::default();
    let env = made::Env::new(true);
    for profile in PROFILES {
        let engine = engine(&profile);
        for &opcode in made::QUICK {
            for immediate in made::IMMEDIATES {
                // The immediate's bytes, some of them, and many more.
                for stack in made::FITTING {
                    for place in &made::PLACES[..2] {
                        let body = made::body(place, stack, opcode, immediate, true);
                        tally.add(both(&engine, &env.module(&body)).is_valid());
                    }
                }
            }
        }
    }
    assert!(tally.valid > 2_000 && tally.refused > 20_000, "{} {}", tally.valid, tally.refused);
}

#[test]
fn limits_are_found_at_the_same_operator() {
    let mut tally = Tally::default();
    let heights = (0..12).chain(56..76).chain(120..140);
    for operand_height in heights {
        for profile in [Profile::LATEST, Profile::CONTRACT_V1] {
            let limits = Limits { operand_height, ..profile.limits().clone() };
            let engine = engine(&profile.with_limits(limits));
            for bytes in made::high_stacks(operand_height as usize) {
                tally.add(both(&engine, &bytes).is_valid());
            }
        }
    }
    for nesting in 0..8 {
        let limits = Limits { nesting, ..Limits::JS_API };
        let engine = engine(&Profile::LATEST.with_limits(limits));
        for bytes in made::deep_blocks(nesting as usize) {
            tally.add(both(&engine, &bytes).is_valid());
        }
    }
    assert!(tally.valid > 500 && tally.refused > 500, "{} {}", tally.valid, tally.refused);
}

#[test]
fn generated_modules_and_their_mutations() {
    let mut rng = Rng(0xc0de);
    let engines: Vec<Engine> = Profile::ALL.iter().map(engine).collect();
    let mut tally = Tally::default();
    for case in 0..cases(600) {
        let bytes = smith(&mut rng, case % 3 != 0);
        let latest = &engines[3];
        assert_eq!(latest.profile(), &Profile::LATEST);
        if both(latest, &bytes).is_valid() {
            tally.add(true);
            assert!(same_code(latest, &bytes));
        }
        cuts(latest, &bytes, || (1 + rng.below(40), rng.next() % 100));
        for _ in 0..20 {
            let mutant = mutate(&mut rng, &bytes);
            tally.add(both(&engines[rng.below(engines.len())], &mutant).is_valid());
        }
        let mutant = mutate(&mut rng, &bytes);
        cuts(latest, &mutant, || (1 + rng.below(400), rng.next() % 1_000));
    }
    assert!(tally.valid > 300 && tally.refused > 1_000, "{} {}", tally.valid, tally.refused);
}

#[test]
fn the_same_code_up_to_the_same_limit() {
    let mut tally = Tally::default();
    for frame_slots in 0..200 {
        let limits = Limits { frame_slots, ..Limits::JS_API };
        let engine = engine(&Profile::LATEST.with_limits(limits));
        made::BODIES.iter().for_each(|text| tally.add(same_code(&engine, &wat(text))));
    }
    assert!(tally.valid > 200 && tally.refused > 50, "{} {}", tally.valid, tally.refused);
}
