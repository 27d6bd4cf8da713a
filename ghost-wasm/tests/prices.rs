//! Gas schedules of one's own: which are refused, and that the gas of any other is the sum of its prices.

use ghost_wasm::table::gas::{GasClass, PER_VALUE_MAX, PRICE_MAX, Schedule, WAITING_PRICE_MAX};
use ghost_wasm::{Config, Engine, Error, ErrorKind, Linker, Module, Profile, Store, Val};

/// Loops, calls, values that labels take along, memory, all in one function of one argument.
const TEXT: &str = r#"(module
  (memory 1)
  (func $f (param i32 i32) (result i32) (local i64) local.get 0 local.get 1 i32.mul)
  (func (export "run") (param $n i32) (result i32) (local $sum i32)
    (block $out (result i32)
      (loop $again
        (local.set $sum (i32.add (local.get $sum) (call $f (local.get $n) (i32.const 3))))
        (i32.store (i32.const 8) (local.get $sum))
        (drop (br_if $out (local.get $sum) (i32.eqz (local.get $n))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (loop $inner
          (local.set $sum (i32.rotl (local.get $sum) (i32.const 3)))
          (br_if $inner (i32.gt_u (local.get $sum) (i32.const 0x40000000))))
        (br $again))
      (i32.load (i32.const 8)))))"#;

fn run(schedule: Schedule, limit: u64) -> (Result<i32, Error>, u64) {
    run_module(&wat::parse_str(TEXT).expect("a text"), schedule, limit)
}

fn run_module(bytes: &[u8], schedule: Schedule, limit: u64) -> (Result<i32, Error>, u64) {
    let profile = Profile::LATEST.with_schedule(schedule).expect("a sound schedule");
    let engine = Engine::new(&Config::new(profile));
    let module = Module::new(&engine, bytes).expect("a program that runs");
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module).expect("a program that runs");
    let func = instance.get_func(&store, "run").expect("a program that runs");
    store.set_gas(limit);
    let mut results = [Val::I32(0)];
    let result = func.call(&mut store, &[Val::I32(9)], &mut results);
    (result.map(|()| if let Val::I32(value) = results[0] { value } else { -1 }), store.gas_used())
}

/// The highest prices.
const HIGHEST: [u32; GasClass::ALL.len()] = {
    let mut prices = [PRICE_MAX; GasClass::ALL.len()];
    prices[GasClass::Structure as usize] = 0;
    prices[GasClass::Const as usize] = WAITING_PRICE_MAX;
    prices[GasClass::Local as usize] = WAITING_PRICE_MAX;
    prices
};

fn times(factor: u32) -> Schedule {
    let mut schedule = Schedule::V1;
    schedule.classes = schedule.classes.map(|price| price * factor);
    schedule.per_value *= factor;
    schedule.enter *= factor;
    schedule.locals_per_gas = u32::MAX;
    schedule
}

#[test]
fn gas_is_the_sum_of_prices_up_to_the_highest() {
    let (value, once) = run(times(1), 1 << 40);
    let value = value.expect("a program that runs");
    assert!(once > 500, "{once}");
    for factor in [2, 77, PER_VALUE_MAX] {
        let (result, used) = run(times(factor), 1 << 50);
        assert_eq!((result.expect("a program that runs"), used), (value, once * u64::from(factor)));
    }
    let mut dear = Schedule { per_value: PER_VALUE_MAX, enter: PRICE_MAX, ..Schedule::V1 };
    dear.classes = HIGHEST;
    let (result, used) = run(dear.clone(), 1 << 50);
    assert_eq!(result.expect("a program that runs"), value);
    // The last gas decides.
    assert_eq!(run(dear.clone(), used).0.expect("a program that runs"), value);
    for less in [used - 1, used - u64::from(PRICE_MAX), used / 2, 1, 0] {
        let (result, used) = run(dear.clone(), less);
        assert_eq!((result.unwrap_err().kind(), used), (ErrorKind::OutOfGas, less));
    }
}

/// A function of an `i32` with memory: `before`, so many reads of a local that are dropped, `after`.
fn module_that_waits(before: &[u8], reads: usize, after: &[u8]) -> Vec<u8> {
    let mut body = [&[0], before].concat();
    body.extend([0x20, 0, 0x1a].repeat(reads));
    body.extend([after, &[0x20, 0, 0x0b]].concat());
    let sized = |bytes: &[u8]| {
        let mut len = bytes.len();
        let mut out = Vec::new();
        while len > 0x7f {
            out.push(len as u8 | 0x80);
            len >>= 7;
        }
        out.push(len as u8);
        out.extend(bytes);
        out
    };
    let section = |id: u8, bytes: &[u8]| [&[id], &*sized(bytes)].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, b"\x01\x60\x01\x7f\x01\x7f"),
        section(3, &[1, 0]),
        section(5, &[1, 0, 1]),
        section(7, b"\x01\x03run\0\0"),
        section(10, &[&[1], &*sized(&body)].concat()),
    ]
    .concat()
}

#[test]
fn what_only_waits_is_paid_whatever_it_sums_up_to() {
    const LOCAL: usize = GasClass::Local as usize;
    let priced = |price: u32| {
        let mut schedule = Schedule::V1;
        schedule.classes[LOCAL] = price;
        schedule
    };
    // Straight; before a label that edges pay for; in a loop; between a load and the branch that compares it.
    let shapes: [(&[u8], &[u8]); 4] = [
        (&[], &[]),
        (&[0x20, 0, 0x04, 0x40], &[0x0b]),
        (&[0x20, 0, 0x04, 0x40, 0x03, 0x40], &[0x41, 0, 0x04, 0x40, 0x0b, 0x41, 0, 0x0d, 0, 0x0b, 0x0b]),
        (&[0x02, 0x40, 0x41, 0, 0x28, 2, 0], &[0x41, 1, 0x46, 0x0d, 0, 0x0b]),
    ];
    for (before, after) in shapes {
        for reads in [10, 4_200, 530_000, 1_050_000] {
            let module = module_that_waits(before, reads, after);
            let used = |price| {
                let (result, used) = run_module(&module, priced(price), 1 << 50);
                assert_eq!(result.expect("a program that runs"), 9);
                used
            };
            let each = used(2) - used(1);
            assert!(each > reads as u64);
            let all = used(1) + each * u64::from(WAITING_PRICE_MAX - 1);
            assert_eq!(used(WAITING_PRICE_MAX), all, "{before:x?} {reads}");
            let (result, left) = run_module(&module, priced(WAITING_PRICE_MAX), all - 1);
            assert_eq!((result.unwrap_err().kind(), left), (ErrorKind::OutOfGas, all - 1));
        }
    }
}

#[test]
fn what_the_engine_cannot_keep_to_is_refused() {
    let refused = |change: &dyn Fn(&mut Schedule)| {
        let mut schedule = Schedule::V1;
        change(&mut schedule);
        assert!(!schedule.is_sound());
        assert!(Profile::CONTRACT_V1.with_schedule(schedule).is_none());
    };
    for class in 0..GasClass::ALL.len() {
        refused(&|schedule| schedule.classes[class] = PRICE_MAX + 1);
        if class != GasClass::Structure as usize {
            refused(&|schedule| schedule.classes[class] = 0);
        }
    }
    // Of `Structure` not all operators pay.
    refused(&|schedule| schedule.classes[GasClass::Structure as usize] = 1);
    for class in [GasClass::Const, GasClass::Local] {
        refused(&|schedule| schedule.classes[class as usize] = WAITING_PRICE_MAX + 1);
    }
    refused(&|schedule| schedule.enter = 0);
    refused(&|schedule| schedule.enter = PRICE_MAX + 1);
    refused(&|schedule| schedule.per_value = PER_VALUE_MAX + 1);
    refused(&|schedule| schedule.locals_per_gas = 0);
    refused(&|schedule| schedule.bulk_bytes_per_gas = 0);
}
