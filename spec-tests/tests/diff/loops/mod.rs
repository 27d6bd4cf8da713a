//! Programs that loop: counted loops in the shapes that compilers make, with moves and sums directly before branches and
//! calls, and values that labels carry. Each is run with one gas more, and one more, until it ends: engine and oracle
//! agree on the outcome, and gas runs out at every number below its sum.

mod jumps;
mod text;

use ghost_wasm::{Config, Engine, Module, Translation};

use crate::machine::{Ended, EngineMachine, Machine, OracleMachine, Program, Seen, Value};
use crate::{Rng, each_program, profile};

#[derive(Debug, Default)]
struct Counts {
    programs: u64,
    returned: u64,
    trapped: u64,
    unended: u64,
    gas: u64,
}

/// More gas than this, and a program is not run with every limit.
const GAS_MAX: u64 = 3_000;

fn check(bytes: &[u8], seed: u64, counts: &mut Counts) {
    let mut rng = Rng(seed ^ 0x11_1175);
    let args: [Value; 3] = {
        let mut arg = |ty| Value(ty, [0, 1, 2, 7, 100, rng.draw() & 0x7fff_ffff][rng.below(6)]);
        [arg(ghost_wasm::ValType::I32), arg(ghost_wasm::ValType::I32), arg(ghost_wasm::ValType::I64)]
    };
    let modules = [Translation::Eager, Translation::Lazy].map(|when| {
        let engine = Engine::new(Config::new(profile()).translation(when));
        Module::new(&engine, bytes).unwrap_or_else(|error| panic!("seed {seed}: {error}"))
    });
    let programs =
        modules.each_ref().map(|module| Program { bytes, module, profile: profile(), slice: None });
    let start =
        |program: &Program<'_>| EngineMachine::start(program, 1 << 40).1.expect("it can be instantiated");
    let mut oracle = OracleMachine::start(&programs[0], 1 << 40).1.expect("it can be instantiated");
    let whole = oracle.call("f0", &args, GAS_MAX);
    counts.programs += 1;
    counts.gas += whole.gas;
    match whole.ended {
        Ended::Values(_) => counts.returned += 1,
        Ended::Trap(..) => counts.trapped += 1,
        _ => counts.unended += 1,
    }
    let out = |gas| Seen { ended: Ended::OutOfGas, gas };
    for (program, slice) in [
        (&programs[0], None),
        (&programs[1], None),
        (&programs[0], Some(1)),
        (&programs[1], Some(1 + rng.draw() % 40)),
    ] {
        let program = Program { slice, ..program.clone() };
        let mut machine = start(&program);
        let seen = machine.call("f0", &args, GAS_MAX);
        assert_eq!(seen, whole, "seed {seed}, slice {slice:?}");
        if !whole.out_of_gas() {
            assert!(machine.state() == oracle.state(), "seed {seed}, slice {slice:?}: the state differs");
        }
        // One gas after the other: it runs out at every number.
        let mut machine = start(&program);
        let most = if slice.is_none() { 1 } else { 1 + rng.draw() % 30 };
        let mut limit = 0;
        let mut draw = Rng(seed);
        let seen = machine.in_pieces("f0", &args, |so_far| {
            if let Some(seen) = so_far {
                assert_eq!(*seen, out(limit), "seed {seed}, slice {slice:?}");
            }
            let piece = (1 + draw.draw() % most).min(GAS_MAX - limit);
            limit += piece;
            piece
        });
        assert_eq!(seen, whole, "seed {seed}, slice {slice:?}, in pieces of {most}");
        if !whole.out_of_gas() {
            assert!(machine.state() == oracle.state(), "seed {seed}, slice {slice:?}: the state differs");
        }
        let mut limits: Vec<u64> = (0..4).map(|_| rng.draw() % (whole.gas + 1)).collect();
        limits.extend([whole.gas.saturating_sub(1), whole.gas]);
        for gas in limits {
            let seen = start(&program).call("f0", &args, gas);
            let expected = if gas < whole.gas { out(gas) } else { whole.clone() };
            assert_eq!(seen, expected, "seed {seed}, slice {slice:?}, with gas {gas}");
        }
    }
}

#[test]
fn loops() {
    let mut counts = Counts::default();
    let many =
        each_program(text::program, |bytes, seed| check(bytes, seed, &mut counts), |text, _| text.to_owned());
    println!("{counts:?}");
    if many {
        assert!(counts.returned > counts.programs / 2, "{counts:?}");
        assert!(counts.trapped > 0 && counts.unended < counts.programs / 4, "{counts:?}");
    }
}
