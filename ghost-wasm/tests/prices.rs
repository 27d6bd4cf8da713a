//! Gas schedules of one's own: which are refused, and that the gas of any other is the sum of its prices.

use ghost_wasm::table::gas::{GasClass, PER_VALUE_MAX, PRICE_MAX, Schedule};
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
    let profile = Profile::CONTRACT_V1.with_schedule(schedule).expect("a sound schedule");
    let engine = Engine::new(&Config::new(profile));
    let module = Module::new(&engine, &wat::parse_str(TEXT).expect("a text")).expect("a program that runs");
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module).expect("a program that runs");
    let func = instance.get_func(&store, "run").expect("a program that runs");
    store.set_gas(limit);
    let mut results = [Val::I32(0)];
    let result = func.call(&mut store, &[Val::I32(9)], &mut results);
    (result.map(|()| if let Val::I32(value) = results[0] { value } else { -1 }), store.gas_used())
}

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
    dear.classes = dear.classes.map(|_| PRICE_MAX);
    let (result, used) = run(dear.clone(), 1 << 50);
    assert_eq!(result.expect("a program that runs"), value);
    // The last gas decides.
    assert_eq!(run(dear.clone(), used).0.expect("a program that runs"), value);
    for less in [used - 1, used - u64::from(PRICE_MAX), used / 2, 1, 0] {
        let (result, used) = run(dear.clone(), less);
        assert_eq!((result.unwrap_err().kind(), used), (ErrorKind::OutOfGas, less));
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
    refused(&|schedule| schedule.enter = 0);
    refused(&|schedule| schedule.enter = PRICE_MAX + 1);
    refused(&|schedule| schedule.per_value = PER_VALUE_MAX + 1);
    refused(&|schedule| schedule.locals_per_gas = 0);
    refused(&|schedule| schedule.bulk_bytes_per_gas = 0);
}
