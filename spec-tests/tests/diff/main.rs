//! The engine against the oracle on generated programs: outcome, gas, memories, tables and globals are equal
//! under every gas limit.
//!
//! `DIFF_PROGRAMS=100000` runs more programs than the usual few hundred, `DIFF_FROM` starts at another seed.
//! A failure prints the seed; `DIFF_FROM=seed DIFF_PROGRAMS=1` repeats it.

mod dispatches;
mod fused;
mod loops;
mod machine;
mod pooled;
mod reentry;
mod smith;
mod structured;
mod tail;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};

use ghost_wasm::table::limits::Limits;
use ghost_wasm::{Engine, FuncType, Module, Profile, Translation};
use machine::{EngineMachine, Machine, OracleMachine, Seen, State, arguments};

/// Numbers that are the same in each run.
#[derive(Debug)]
pub struct Rng(pub u64);

impl Rng {
    pub fn draw(&mut self) -> u64 {
        // Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.draw() % end.max(1) as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// Small limits on stacks, so that programs reach them.
fn profile() -> Profile {
    let mut limits: Limits = Profile::CONTRACT_V1.limits().clone();
    limits.frames = 200;
    limits.tables = 10;
    limits.value_stack_slots = 70_000;
    Profile::LATEST.with_limits(limits)
}

/// Enough for programs that end by themselves.
const UNLIMITED: u64 = 200_000;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// One exported function with arguments.
struct Call {
    name: String,
    args: Vec<machine::Value>,
}

/// What happens on a fresh instance: instantiation, then one call. What a run out of gas has written is not
/// defined.
fn once<M: Machine>(program: &machine::Program<'_>, call: &Call, gas: u64) -> (Seen, Option<State>) {
    let (seen, machine) = M::start(program, UNLIMITED);
    let Some(mut machine) = machine else { return (seen, None) };
    let seen = machine.call(&call.name, &call.args, gas);
    let state = (!seen.out_of_gas()).then(|| machine.state());
    (seen, state)
}

fn same_once(program: &machine::Program<'_>, call: &Call, gas: u64, what: &str) -> Seen {
    let (engine, engine_state) = once::<EngineMachine>(program, call, gas);
    let (oracle, oracle_state) = once::<OracleMachine>(program, call, gas);
    assert_eq!(engine, oracle, "{what}: {}{:x?} with gas {gas}, engine and oracle", call.name, call.args);
    assert!(engine_state == oracle_state, "{what}: {} with gas {gas}: the state differs", call.name);
    engine
}

/// All that is compared of one program.
fn compare(bytes: &[u8], seed: u64, what: &str, counts: &mut Counts) {
    let mut rng = Rng(seed ^ 0xd1ff);
    let modules = [Translation::Eager, Translation::Lazy]
        .map(|when| Module::new(&Engine::new(ghost_wasm::Config::new(profile()).translation(when)), bytes));
    let [eager, lazy] = modules;
    assert_eq!(
        eager.as_ref().err().map(|error| (error.code(), error.offset())),
        lazy.as_ref().err().map(|error| (error.code(), error.offset())),
        "{what}: translated eagerly and lazily"
    );
    // Half of the programs run each way; a run compares with the oracle.
    let module = match if seed.is_multiple_of(2) { eager } else { lazy } {
        Ok(module) => module,
        Err(error) => {
            assert_eq!(error.kind(), ghost_wasm::ErrorKind::Limit, "{what}: {error}");
            counts.too_large += 1;
            return;
        }
    };
    let program = machine::Program { bytes, module: &module, profile: profile(), slice: None };
    let sliced = machine::Program { slice: Some(1), ..program.clone() };
    let calls: Vec<Call> = module
        .exports()
        .filter_map(|export| match export.ty() {
            ghost_wasm::ExternType::Func(ty) => Some((export.name().to_owned(), ty.clone())),
            _ => None,
        })
        .flat_map(|(name, ty): (String, FuncType)| {
            [0, 1].map(|_| Call { name: name.clone(), args: arguments(&ty, &mut rng) })
        })
        .take(24)
        .collect();
    counts.programs += 1;

    // Instantiation under limits.
    let (started, _) = EngineMachine::start(&program, UNLIMITED);
    let start_limits = [UNLIMITED, rng.draw() % (started.gas + 1), rng.draw() % (started.gas + 1)];
    for gas in start_limits {
        let (by_engine, engine) = EngineMachine::start(&program, gas);
        let (by_oracle, oracle) = OracleMachine::start(&program, gas);
        assert_eq!(by_engine, by_oracle, "{what}: instantiation with gas {gas}, engine and oracle");
        assert_eq!(engine.is_some(), oracle.is_some(), "{what}");
        let states = (engine.map(|machine| machine.state()), oracle.map(|machine| machine.state()));
        assert!(states.0 == states.1, "{what}: the state after instantiation differs");
    }

    pooled::compare(&program, &calls, &mut Rng(seed ^ 0x9001), what, counts);

    // One call after the other on the same instance; the next instance begins where one ran out of gas.
    let mut pair: Option<(EngineMachine, OracleMachine)> = None;
    let mut used = Vec::new();
    for call in &calls {
        if pair.is_none() {
            pair =
                EngineMachine::start(&program, UNLIMITED).1.zip(OracleMachine::start(&program, UNLIMITED).1);
        }
        let Some((engine, oracle)) = &mut pair else { break };
        let by_engine = engine.call(&call.name, &call.args, UNLIMITED);
        let by_oracle = oracle.call(&call.name, &call.args, UNLIMITED);
        assert_eq!(by_engine, by_oracle, "{what}: {}{:x?}, engine and oracle", call.name, call.args);
        counts.add(&by_engine);
        used.push(by_engine.gas);
        if by_engine.out_of_gas() {
            pair = None;
        } else {
            assert!(engine.state() == oracle.state(), "{what}: the state after {} differs", call.name);
        }
    }

    // Limits: one call of each program under random ones, of some programs under each.
    if calls.is_empty() || used.is_empty() {
        return;
    }
    let call = &calls[rng.below(used.len())];
    let all = same_once(&program, call, UNLIMITED, what);
    assert_eq!(once::<EngineMachine>(&sliced, call, UNLIMITED).0, all, "{what}: a gas slice of one");
    for index in 0..if seed.is_multiple_of(16) { 50 } else { 3 } {
        let gas = rng.draw() % (all.gas + 1);
        let limited = same_once(&program, call, gas, what);
        counts.limits += 1;
        if index == 0 {
            assert_eq!(once::<EngineMachine>(&sliced, call, gas).0, limited, "{what}: a gas slice of one");
        }
    }
    if seed.is_multiple_of(64) {
        for gas in 0..all.gas.min(500) {
            same_once(&program, call, gas, what);
            counts.limits += 1;
        }
    }
}

/// What the programs did: a test whose programs do nothing proves nothing.
#[derive(Debug, Default)]
struct Counts {
    programs: u64,
    too_large: u64,
    returned: u64,
    trapped: u64,
    out_of_gas: u64,
    host_errors: u64,
    limits: u64,
    gas: u64,
    /// Instances in a store that was used before.
    reused: u64,
}

impl Counts {
    fn add(&mut self, seen: &Seen) {
        self.gas += seen.gas;
        match seen.ended {
            machine::Ended::Values(_) => self.returned += 1,
            machine::Ended::Trap(..) => self.trapped += 1,
            machine::Ended::OutOfGas => self.out_of_gas += 1,
            machine::Ended::Other(_) => self.host_errors += 1,
        }
    }
}

#[test]
fn programs_of_wasm_smith() {
    let mut counts = Counts::default();
    let from = setting("DIFF_FROM", 0);
    for seed in from..from + setting("DIFF_PROGRAMS", 400) {
        if let Some(bytes) = smith::program(seed) {
            compare(&bytes, seed, &format!("seed {seed}"), &mut counts);
        }
    }
    println!("{counts:?}");
    if setting("DIFF_PROGRAMS", 400) >= 400 {
        assert!(counts.too_large < counts.programs / 10, "{counts:?}");
        assert!(counts.returned > counts.programs / 3, "{counts:?}");
        assert!(counts.trapped > 0 && counts.out_of_gas > 0 && counts.host_errors > 0, "{counts:?}");
        assert!(counts.reused > counts.programs, "{counts:?}");
    }
}

/// What is left of a program when every run of lines is taken away without which it still fails.
fn shrunk(text: &str, seed: u64) -> String {
    let quiet = take_hook();
    set_hook(Box::new(|_| {}));
    let engine = Engine::new(&ghost_wasm::Config::new(profile()));
    let fails = |lines: &[&str]| {
        let Ok(bytes) = wat::parse_str(lines.join("\n")) else { return false };
        Module::new(&engine, &bytes).is_ok()
            && catch_unwind(|| compare(&bytes, seed, "", &mut Counts::default())).is_err()
    };
    let mut lines: Vec<&str> = text.lines().collect();
    for _ in 0..4 {
        let before = lines.len();
        for length in [64, 32, 16, 8, 6, 5, 4, 3, 2, 1] {
            let mut at = 0;
            while at + length <= lines.len() {
                let without = [&lines[..at], &lines[at + length..]].concat();
                if fails(&without) {
                    lines = without;
                } else {
                    at += 1;
                }
            }
        }
        if lines.len() == before {
            break;
        }
    }
    set_hook(quiet);
    let text = lines.join("\n");
    // Once more, for the message.
    if let Ok(bytes) = wat::parse_str(&text) {
        let _ = catch_unwind(|| compare(&bytes, seed, "shrunk", &mut Counts::default()));
    }
    text
}

/// Checks the program of each seed that is asked for. One that fails is printed, after `shrunk` has made it small.
/// Whether they were as many as are checked by default, or more.
fn each_program(
    program: impl Fn(u64) -> String,
    mut check: impl FnMut(&[u8], u64),
    shrunk: impl Fn(&str, u64) -> String,
) -> bool {
    let (from, programs) = (setting("DIFF_FROM", 0), setting("DIFF_PROGRAMS", 400));
    for seed in from..from + programs {
        let text = program(seed);
        let bytes = wat::parse_str(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(&bytes, seed))) {
            println!("{}", shrunk(&text, seed));
            resume_unwind(panic);
        }
    }
    programs >= 400
}

#[test]
fn structured_programs() {
    let mut counts = Counts::default();
    let check = |bytes: &[u8], seed| compare(bytes, seed, &format!("seed {seed}"), &mut counts);
    let many = each_program(structured::program, check, shrunk);
    println!("{counts:?}");
    if many {
        assert_eq!(counts.too_large, 0, "{counts:?}");
        assert!(counts.returned > counts.programs, "{counts:?}");
        assert!(counts.trapped > 0 && counts.out_of_gas > 0, "{counts:?}");
        assert!(counts.reused > counts.programs, "{counts:?}");
    }
}
