//! Tail calls within an instance, between two, and to a host function that calls back, entered from the host and
//! from a function that goes on: engine and oracle agree on outcome and gas under every limit of gas, frames and
//! slots.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use ghost_wasm as g;
use ghost_wasm::{ErrorKind, Profile, TrapCode, ValType};
use ghost_wasm_oracle as o;

/// Entries of the table are of this module and of the other one.
const FIRST: &str = r#"(module
    (import "h" "f" (func $f (param i64) (result i64)))
    (type $step (func (param i64) (result i64)))
    (table (export "t") 10 10 funcref)
    (global $own (mut i64) (i64.const 3))
    (elem (i32.const 0) $f $next $wide $deep)
    (elem (i32.const 8) $other)
    ;; The next step is an entry of the table: the last digit of the path.
    (func $next (export "next") (type $step)
        (return_call_indirect (type $step)
            (i64.div_u (local.get 0) (i64.const 10))
            (i32.wrap_i64 (i64.rem_u (local.get 0) (i64.const 10)))))
    (func $wide (type $step) (local i64 i64 f64 f64 i32)
        (local.set 1 (i64.mul (local.get 0) (local.get 0)))
        (return_call $next (local.get 0)))
    (func $deep (export "deep") (type $step)
        (i64.add (i64.mul (call $next (local.get 0)) (i64.const 5)) (global.get $own)))
    (func $other))"#;
const SECOND: &str = r#"(module
    (import "h" "f" (func $f (param i64) (result i64)))
    (import "a" "next" (func $next (param i64) (result i64)))
    (import "a" "t" (table 10 10 funcref))
    (type $step (func (param i64) (result i64)))
    (global $own (mut i64) (i64.const 7))
    (elem (i32.const 4) $over $host $deep $many)
    (func $over (type $step) (return_call $next (local.get 0)))
    (func $host (type $step) (local i64) (i64.const 1) (i64.const 2) (i64.const 4) (drop) (drop) (drop)
        (return_call $f (local.get 0)))
    (func $deep (type $step)
        (i64.add (i64.mul (call $next (local.get 0)) (i64.const 3)) (global.get $own)))
    (func $six (param i64 i64 i64 i64 i64 i64) (result i64) (return_call $next (local.get 4)))
    (func $many (type $step)
        (return_call $six (i64.const 0) (i64.const 1) (i64.const 2) (i64.const 3) (local.get 0) (i64.const 5))))"#;

const PRICE: u64 = 5;

/// How it ended, where a trap happened, and the gas.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Value(i64),
    Trap(TrapCode, Option<u32>),
    Kind(ErrorKind),
}
type Seen = (Ended, u64);

fn profile(frames: u32, slots: u32) -> Profile {
    let mut limits = Profile::LATEST.limits().clone();
    limits.host_nesting = 3;
    limits.frames = frames;
    limits.value_stack_slots = slots;
    Profile::LATEST.with_limits(limits)
}

/// Both implementations of one program.
struct Pair {
    profile: Profile,
    engine: [g::Module; 2],
    oracle: [Arc<o::Module>; 2],
}

impl Pair {
    fn new(profile: Profile) -> Pair {
        let bytes = [FIRST, SECOND].map(|text| wat::parse_str(text).expect("it is text"));
        let engine = g::Engine::new(&g::Config::new(profile.clone()));
        Pair {
            engine: [0, 1].map(|at| g::Module::new(&engine, &bytes[at]).expect("it is valid")),
            oracle: [0, 1].map(|at| o::Module::new(&profile, &bytes[at]).expect("it is valid")),
            profile,
        }
    }

    fn on_engine(&self, entry: &str, path: i64, gas: u64, slice: Option<u64>) -> Seen {
        let mut store: g::Store<Option<g::Func>> = g::Store::new(self.engine[0].engine(), None);
        store.fix_gas_slice(slice);
        let mut linker = g::Linker::new(self.engine[0].engine());
        let f = |mut caller: g::Caller<'_, Option<g::Func>>, path: i64| -> Result<i64, g::Error> {
            caller.charge(PRICE)?;
            let Some(next) = caller.data().filter(|_| path != 0) else { return Ok(path + 1) };
            next.typed::<(i64,), i64>(&caller)?.call(&mut caller, (path,))
        };
        linker.func_wrap("h", "f", f).expect("defined once");
        let first = linker.instantiate(&mut store, &self.engine[0]).expect("it links");
        linker.instance(&mut store, "a", first).expect("defined once");
        linker.instantiate(&mut store, &self.engine[1]).expect("it links");
        *store.data_mut() = first.get_func(&store, "next");
        let func = first.get_typed_func::<(i64,), i64>(&store, entry).expect("it is exported");
        store.set_gas(gas);
        let ended = match func.call(&mut store, (path,)) {
            Ok(value) => Ended::Value(value),
            Err(error) => error.trap().map_or(Ended::Kind(error.kind()), |trap| {
                Ended::Trap(trap.code(), trap.frames().first().and_then(|frame| frame.offset))
            }),
        };
        (ended, store.gas_used())
    }

    fn on_oracle(&self, entry: &str, path: i64, gas: u64) -> Seen {
        let mut store = o::Store::new(&self.profile);
        let next = Rc::new(OnceCell::new());
        let inner = next.clone();
        let f = move |store: &mut o::Store, _, args: &[o::Val]| {
            store.charge(PRICE)?;
            let [o::Val::I64(path)] = args else { panic!("one argument") };
            match inner.get().filter(|_| *path != 0) {
                Some(&next) => store.invoke(next, args),
                None => Ok(vec![o::Val::I64(path + 1)]),
            }
        };
        let f = store.new_func(g::FuncType::new([ValType::I64], [ValType::I64]), f);
        let first = store.instantiate(&self.oracle[0], &[o::Extern::Func(f)]).expect("it links");
        let export = |store: &o::Store, name| store.export(first, name).expect("it is exported");
        let imports = [o::Extern::Func(f), export(&store, "next"), export(&store, "t")];
        store.instantiate(&self.oracle[1], &imports).expect("it links");
        let func = |store: &o::Store, name| match export(store, name) {
            o::Extern::Func(func) => func,
            other => panic!("{other:?}"),
        };
        next.set(func(&store, "next")).expect("set once");
        let func = func(&store, entry);
        store.set_gas(gas);
        let ended = match store.invoke(func, &[o::Val::I64(path)]) {
            Ok(values) => match values[..] {
                [o::Val::I64(value)] => Ended::Value(value),
                _ => panic!("one result"),
            },
            Err(o::Error::Trap(trap)) => {
                Ended::Trap(trap.code, trap.frames.first().and_then(|frame| frame.offset))
            }
            Err(error) => Ended::Kind(error.kind().expect("a kind")),
        };
        (ended, store.gas_used())
    }

    fn same(&self, entry: &str, path: i64, gas: u64) -> Seen {
        let mut oracle = self.on_oracle(entry, path, gas);
        for slice in [None, Some(1)] {
            let engine = self.on_engine(entry, path, gas, slice);
            if let (Ended::Trap(TrapCode::StackExhausted, None), Ended::Trap(_, place)) =
                (&engine.0, &mut oracle.0)
            {
                // A call by a host function had no room; for the oracle that happened where the host was called.
                *place = None;
            }
            assert_eq!(engine, oracle, "{entry} {path}, gas {gas}, slice {slice:?}: engine and oracle");
        }
        oracle
    }
}

/// Digits, the last one first: 0 and 5 the host (which goes on with what is left of the path), 1, 2 and 4, 7 tail calls
/// within and between the instances, 3 and 6 calls; 8 is of another type, 9 is null.
const PATHS: &[i64] = &[
    0, 1, 21, 44_121, 2_415, 3_535, 36_363, 634_163, 5_445, 8_421, 941, 58, 7_171, 4_747_474, 65_656, 50_503,
    777_736, 935_245, 80_646, 555, 5_555,
];

#[test]
fn under_every_limit_of_gas() {
    let pair = Pair::new(profile(50, 400));
    let (mut values, mut traps) = (0, 0);
    for &path in PATHS {
        for entry in ["next", "deep"] {
            let (ended, used) = pair.same(entry, path, 1 << 40);
            values += usize::from(matches!(ended, Ended::Value(_)));
            traps += usize::from(matches!(ended, Ended::Trap(..)));
            for gas in (0..used).step_by(if path < 1000 { 1 } else { 7 }) {
                assert_eq!(pair.same(entry, path, gas).0, Ended::Kind(ErrorKind::OutOfGas));
            }
        }
    }
    assert!(values > 20 && traps > 10, "{values} {traps}");
}

#[test]
fn under_every_limit_of_the_stack() {
    let mut exhausted = 0;
    for limit in 1..40 {
        for profile in [profile(limit, 400), profile(50, limit)] {
            let pair = Pair::new(profile);
            for &path in PATHS {
                for entry in ["next", "deep"] {
                    let (ended, _) = pair.same(entry, path, 1 << 40);
                    exhausted += usize::from(matches!(ended, Ended::Trap(TrapCode::StackExhausted, _)));
                }
            }
        }
    }
    assert!(exhausted > 100, "{exhausted}");
}

/// Two activations at most, wherever the calls go.
#[test]
fn tail_calls_add_no_activation() {
    let pair = Pair::new(profile(1, 20));
    for path in [111_111_111, 444_444_444_444, 414_242_417_747] {
        assert_eq!(pair.same("next", path, 1 << 40).0, Ended::Value(1));
        let ended = pair.same("deep", path, 1 << 40).0;
        assert!(matches!(ended, Ended::Trap(TrapCode::StackExhausted, _)), "{ended:?}");
    }
}
