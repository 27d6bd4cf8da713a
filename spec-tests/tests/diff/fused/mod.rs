//! Every fused op against what it is made of: functions that the translator turns into each form of each
//! fused family run as they are, as twins in which nothing can be fused, and in the oracle. Outcome, gas,
//! globals and memory are equal, under every gas limit; each form must have run.

mod cases;
mod text;

use std::collections::BTreeSet;
use std::panic::catch_unwind;

use ghost_wasm::internals::{
    FLOAT_SECOND_OF, Family, InstId, LOAD_FLOAT_SECOND_OF, Op, SECOND_OF, instruction_name,
};
use ghost_wasm::{Config, Engine, Module, Profile, ValType};

use crate::Rng;
use crate::machine::{EngineMachine, Machine, OracleMachine, Program, Value};
use text::Case;

/// Enough for each of the functions.
const GAS: u64 = 10_000;

/// Of so many functions one runs under every gas limit. (No divisor of how many forms a row has.)
const LIMITED_EACH: usize = 29;

/// Why no program reaches a form, of those that none does.
fn unreached(inst: InstId) -> Option<&'static str> {
    let (family, row, variant) = inst.parts();
    let row = usize::from(row);
    let first = family.rows()[row];
    let commutes = |op: Op| ["add", "mul", "and", "or", "xor"].contains(&&op.text()[4..]);
    match (family, variant) {
        (Family::Store, 7 | 9) => Some("a value in the accumulator was made after the sum"),
        (Family::LoadOp, 6 | 7) if !first.text().starts_with('f') => {
            Some("one accumulator holds no two integers")
        }
        (Family::Pair, 4 | 5 | 10 | 11) if !commutes(SECOND_OF[row]) => {
            Some("what is in the accumulator was made first, so that it is the left operand")
        }
        (Family::FloatPair, 2 | 3) | (Family::LoadFloatPair, 2 | 3 | 8 | 9) => {
            Some("what is in the accumulator was made first, so that it is the left operand")
        }
        (Family::FloatPair, 0..6) if commutes(FLOAT_SECOND_OF[row]) => Some("the operands change places"),
        (Family::LoadFloatPair, 0..12) if commutes(LOAD_FLOAT_SECOND_OF[row]) => {
            Some("the operands change places")
        }
        _ => None,
    }
}

/// The families that are fused in part: of which variants on.
fn is_fused(inst: InstId) -> bool {
    let (family, _, variant) = inst.parts();
    match family {
        Family::Load | Family::Store => variant >= 6,
        Family::StoreConst => variant >= 3,
        Family::Moves => variant >= 15,
        Family::Pair
        | Family::FloatPair
        | Family::Latch
        | Family::Test
        | Family::LoadBranch
        | Family::CompareSelect
        | Family::LoadFloatPair
        | Family::LoadOp
        | Family::WideBinary
        | Family::CallWith
        | Family::BrWith
        | Family::CopyBranch
        | Family::LatchTwo
        | Family::LoadStep
        | Family::StoreStep
        | Family::WideFirst
        | Family::WideSecond
        | Family::WideBoth => true,
        _ => false,
    }
}

fn argument(ty: ValType, rng: &mut Rng) -> Value {
    let ints =
        [0, 1, u64::MAX, 2, 31, 32, 63, 0x7fff, 0x8000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 63];
    let bits = match ty {
        ValType::I32 | ValType::I64 if rng.chance(70) => ints[rng.below(ints.len())],
        ValType::I32 | ValType::I64 => rng.draw(),
        ValType::F32 if rng.chance(70) => {
            let edges =
                [0.0, -0.0, 1.5, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE, -3.25];
            u64::from(edges[rng.below(edges.len())].to_bits())
        }
        ValType::F32 => [0x7fc0_0000, 0x7fa0_0001, 0xffc0_0001, rng.draw() & 0xffff_ffff][rng.below(4)],
        _ if rng.chance(70) => {
            let edges =
                [0.0, -0.0, 1.5, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, -3.25];
            edges[rng.below(edges.len())].to_bits()
        }
        _ => [0x7ff8 << 48, 0x7ff4 << 48 | 1, 0xfff8 << 48 | 1, rng.draw()][rng.below(4)],
    };
    Value(ty, if ty == ValType::I32 { bits & 0xffff_ffff } else { bits })
}

/// Addresses of which many, alone or added up, are at the last byte of the memory or wrap around.
fn address(rng: &mut Rng) -> Value {
    let edges = [
        0,
        1,
        8,
        100,
        65_520,
        65_527,
        65_528,
        65_529,
        65_531,
        65_532,
        65_533,
        65_534,
        65_535,
        65_536,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_fff8,
        0xffff_ffff,
        0xffff_0000,
    ];
    Value(ValType::I32, edges[rng.below(edges.len())])
}

fn arguments(case: &Case, rng: &mut Rng) -> Vec<Value> {
    let mut args: Vec<Value> = (0..3).map(|_| argument(case.ty, rng)).collect();
    args.push(address(rng));
    args.push(if rng.chance(50) { Value(ValType::I32, rng.draw() & 15) } else { address(rng) });
    args
}

fn start<M: Machine>(program: &Program<'_>) -> M {
    M::start(program, 100_000).1.expect("an instance")
}

/// Runs the cases; the forms that ran.
fn run(cases: &[Case], memory: bool, seed: u64) -> BTreeSet<u16> {
    let bytes = wat::parse_str(text::module(cases, memory)).expect("a module's text");
    let profile = Profile::LATEST;
    let module = |stepping| {
        let engine = Engine::new(Config::new(profile.clone()).stepping(stepping));
        Module::new(&engine, &bytes).expect("a module")
    };
    let (plain, stepping) = (module(false), module(true));
    let program = Program { bytes: &bytes, module: &plain, profile: profile.clone(), slice: None };
    let sliced = Program { slice: Some(1), ..program.clone() };
    let stepped = Program { module: &stepping, ..program.clone() };
    let mut rng = Rng(seed);

    let mut engine: EngineMachine = start(&program);
    let mut by_slices: EngineMachine = start(&sliced);
    let mut oracle: OracleMachine = start(&program);
    let mut limited: OracleMachine = start(&program);
    let mut steps: EngineMachine = start(&stepped);
    let mut twins: EngineMachine = start(&stepped);
    for (index, case) in cases.iter().enumerate() {
        let name = format!("f{index}");
        let mut longest = (0, Vec::new());
        for _ in 0..3 {
            let args = arguments(case, &mut rng);
            let said = || format!("{args:x?}\n{case:?}");
            let expected = oracle.call(&name, &args, GAS);
            assert_eq!(engine.call(&name, &args, GAS), expected, "engine and oracle: {}", said());
            assert_eq!(by_slices.call(&name, &args, GAS), expected, "sliced and oracle: {}", said());
            assert_eq!(steps.call(&name, &args, GAS), expected, "stepped and oracle: {}", said());
            // The twin has other operators, so that offsets and gas differ; results and effects do not.
            let twin = twins.call(&format!("t{index}"), &args, GAS);
            assert_eq!(twin.ended.outline(), expected.ended.outline(), "twin and oracle: {}", said());
            if memory || case.fused.contains("global.set") {
                let state = oracle.state();
                assert!(engine.state() == state, "state after {}", said());
                assert!(by_slices.state() == state, "state after {}, sliced", said());
                assert!(twins.state() == state, "state of the twin after {}", said());
            }
            if expected.gas >= longest.0 {
                longest = (expected.gas, args);
            }
        }
        if index % LIMITED_EACH != 0 {
            continue;
        }
        // What a run out of gas has written is not defined, and it leaves its instance unusable.
        for gas in 0..longest.0 {
            let expected = limited.call(&name, &longest.1, gas);
            for program in [&program, &sliced] {
                let seen = start::<EngineMachine>(program).call(&name, &longest.1, gas);
                assert_eq!(
                    seen, expected,
                    "gas {gas}, slice {:?}: {:x?}\n{case:?}",
                    program.slice, longest.1
                );
            }
        }
    }
    if let Some(fused) = twins.steps().find(|&inst| is_fused(InstId(inst)) && !is_move(inst)) {
        panic!("a twin has run {}", instruction_name(fused));
    }
    steps.steps().collect()
}

/// Moves in one op, or before a branch or a call: an arrangement of operands, which twins have as well.
fn is_move(inst: u16) -> bool {
    matches!(
        InstId(inst).parts(),
        (Family::Moves | Family::CopyBranch, ..) | (Family::CallWith | Family::BrWith, _, 0)
    )
}

#[test]
fn every_fused_op_does_what_its_parts_do() {
    let (mut ran, mut failed) = (BTreeSet::new(), Vec::new());
    for (number, &family) in Family::ALL.iter().enumerate() {
        let is_store = matches!(family, Family::Store | Family::StoreConst | Family::StoreStep);
        let cases = cases::of(family);
        let before = std::time::Instant::now();
        if !cases.is_empty() {
            for (part, chunk) in cases.chunks(40).enumerate() {
                let seed = (number * 1000 + part) as u64;
                match catch_unwind(|| run(chunk, is_store, seed)) {
                    Ok(forms) => ran.extend(forms),
                    Err(_) => failed.push(format!("{family:?}, functions from {}", part * 40)),
                }
            }
            println!("{family:?}: {} functions, {:?}", cases.len(), before.elapsed());
        }
    }
    let mut missing = String::new();
    let last = Family::ALL[Family::ALL.len() - 1];
    let end = last.base() + last.rows().len() as u16 * last.variants();
    for inst in (0..end).filter(|&inst| is_fused(InstId(inst))) {
        let why = unreached(InstId(inst));
        assert!(
            why.is_none() || !ran.contains(&inst),
            "{} ran, but is said not to: {why:?}",
            instruction_name(inst)
        );
        let listed = why.is_some();
        if !listed && !ran.contains(&inst) {
            missing.push_str(&instruction_name(inst));
            missing.push('\n');
        }
    }
    // Each has said by itself what is wrong.
    assert!(failed.is_empty(), "{failed:#?}\n{missing}");
    assert!(missing.is_empty(), "forms that never ran:\n{missing}");
}
