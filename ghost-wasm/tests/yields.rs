//! A host function that yields instead of returning: the call goes on when it gets the function's results, and
//! then ends as if the function had returned them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ghost_wasm::{
    AsContextMut, Caller, Engine, Error, ErrorCode, ErrorKind, Extern, Func, FuncType, Instance,
    InstancePool, Linker, MemoryType, Module, Store, TrapCode, Val, ValType,
};

/// Host functions of several shapes, reached by `call`, by `call_indirect`, and from another instance.
const INNER: &str = r#"(module
    (import "h" "mix" (func $mix (param i32 i64) (result i64)))
    (import "h" "pair" (func $pair (param i32) (result i32 i64)))
    (memory (export "m") 1)
    (func (export "step") (param i32) (result i64) (local i64)
        (call $pair (local.get 0))
        (local.set 1)
        (i32.store (i32.const 8))
        (i64.add (local.get 1) (call $mix (local.get 0) (i64.const 3)))))"#;

const OUTER: &str = r#"(module
    (type $mix (func (param i32 i64) (result i64)))
    (import "h" "mix" (func $mix (param i32 i64) (result i64)))
    (import "h" "pair" (func $pair (param i32) (result i32 i64)))
    (import "h" "nothing" (func $nothing))
    (import "h" "many" (func $many (param i32) (result
        i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "h" "pick" (func $pick (param i32) (result funcref)))
    (import "inner" "step" (func $step (param i32) (result i64)))
    (memory (export "m") 1 4)
    (table 2 funcref)
    (elem (i32.const 0) $mix)
    (global $g (export "g") (mut i64) (i64.const 0))
    (func $fib (param i32) (result i32)
        (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
            (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func (export "add") (param i32 i64) (result i64)
        (i64.add (local.get 1) (i64.extend_i32_u (call $fib (i32.and (local.get 0) (i32.const 7))))))
    (func $sum (param i32) (result i32)
        local.get 0 call $many
        i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add
        i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add)
    (func (export "run") (param i32) (result i32 i64) (local $i i32)
        (loop $l
            (call $nothing)
            (global.set $g (i64.add (global.get $g)
                (call $mix (local.get $i) (i64.extend_i32_u (call $fib (i32.and (local.get $i) (i32.const 7)))))))
            (i32.store (i32.shl (local.get $i) (i32.const 2)) (call $sum (local.get $i)))
            (global.set $g (i64.xor (global.get $g)
                (call_indirect (type $mix) (local.get $i) (i64.const 5) (i32.const 0))))
            (table.set (i32.const 1) (call $pick (local.get $i)))
            (global.set $g (i64.sub (global.get $g)
                (call_indirect (type $mix) (local.get $i) (call $step (local.get $i)) (i32.const 1))))
            (drop (memory.grow (i32.const 1)))
            (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))
        (call $pair (local.get $i))))"#;

/// What a host function asks the embedder for, with its arguments.
#[derive(Debug)]
struct Request(&'static str, Vec<Val>);

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is asked for", self.0)
    }
}

impl std::error::Error for Request {}

/// The embedder's data: whether host functions yield, what they charge, and what `pick` hands out.
#[derive(Default)]
struct Data {
    yields: bool,
    price: u64,
    picked: Option<Func>,
}

/// The answers of the host functions.
fn answer(name: &str, args: &[Val], picked: Option<Func>) -> Vec<Val> {
    match (name, args) {
        ("mix", [Val::I32(a), Val::I64(b)]) => {
            vec![Val::I64(b.wrapping_mul(31).wrapping_add(i64::from(*a)) ^ 0x55)]
        }
        ("pair", [Val::I32(a)]) => vec![Val::I32(a.wrapping_mul(7)), Val::I64(i64::from(*a) - 9)],
        ("nothing", []) => vec![],
        ("many", [Val::I32(a)]) => (0..20).map(|at| Val::I32(a.wrapping_mul(at + 3))).collect(),
        ("pick", [Val::I32(_)]) => vec![Val::FuncRef(picked)],
        _ => panic!("{name} with {args:?}"),
    }
}

fn types(name: &str) -> FuncType {
    use ValType::{FuncRef, I32, I64};
    match name {
        "mix" => FuncType::new([I32, I64], [I64]),
        "pair" => FuncType::new([I32], [I32, I64]),
        "nothing" => FuncType::new([], []),
        "many" => FuncType::new([I32], [I32; 20]),
        _ => FuncType::new([I32], [FuncRef]),
    }
}

const NAMES: [&str; 5] = ["mix", "pair", "nothing", "many", "pick"];

fn linker(engine: &Engine) -> Linker<Data> {
    let mut linker = Linker::new(engine);
    for name in NAMES {
        let host = move |mut caller: Caller<'_, Data>, args: &[Val], results: &mut [Val]| {
            caller.charge(caller.data().price)?;
            if caller.data().yields {
                return Err(Error::yield_with(Request(name, args.to_vec())));
            }
            results.copy_from_slice(&answer(name, args, caller.data().picked));
            Ok(())
        };
        linker.func_new("h", name, types(name), host).unwrap();
    }
    linker
}

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, &wat::parse_str(text).unwrap()).unwrap()
}

fn start(yields: bool, price: u64) -> (Store<Data>, Instance) {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Data::default());
    let mut linker = linker(&engine);
    let inner = linker.instantiate(&mut store, &module(&engine, INNER)).unwrap();
    linker.instance(&mut store, "inner", inner).unwrap();
    let outer = linker.instantiate(&mut store, &module(&engine, OUTER)).unwrap();
    let add = outer.get_func(&store, "add");
    *store.data_mut() = Data { yields, price, picked: add };
    (store, outer)
}

/// Results or trap, gas, the memory, a global.
type Seen = (Result<Vec<Val>, Option<TrapCode>>, u64, Vec<u8>, Val);

fn seen(store: &Store<Data>, instance: Instance, result: Result<(), Error>, results: Vec<Val>) -> Seen {
    let memory = instance.get_memory(store, "m").unwrap().data(store).to_vec();
    let global = instance.get_global(store, "g").unwrap().get(store);
    (
        result.map(|()| results).map_err(|error| error.trap().map(|trap| trap.code())),
        store.gas_used(),
        memory,
        global,
    )
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

const ARG: [Val; 1] = [Val::I32(3)];

fn without_yields(price: u64) -> Seen {
    let (mut store, instance) = start(false, price);
    let run = instance.get_func(&store, "run").unwrap();
    let mut results = vec![Val::I32(0); 2];
    store.set_gas(1 << 40);
    let ended = run.call(&mut store, &ARG, &mut results);
    seen(&store, instance, ended, results)
}

#[test]
fn a_yield_at_every_host_call() {
    let whole = without_yields(11);
    assert!(whole.0.is_ok());
    let (mut store, instance) = start(true, 11);
    let run = instance.get_func(&store, "run").unwrap();
    let mut results = vec![Val::I32(0); 2];
    store.set_gas(1 << 40);
    let mut ended = run.call(&mut store, &ARG, &mut results);
    let mut asked = Vec::new();
    while let Err(error) = &ended {
        assert_eq!((error.code(), error.kind()), (ErrorCode::Yielded, ErrorKind::Yield));
        let request = error.downcast_ref::<Request>().unwrap();
        let values = answer(request.0, &request.1, store.data().picked);
        assert_eq!(error.awaited().unwrap(), types(request.0).results());
        asked.push(request.0);
        // Nothing else runs meanwhile, and what the store holds is defined.
        let other = run.call(&mut store, &ARG, &mut results);
        assert_eq!(other.unwrap_err().code(), ErrorCode::Suspended);
        assert!(instance.get_global(&store, "g").unwrap().try_get(&store).is_ok());
        ended = store.resume_with(&values, &mut results);
    }
    // Per round: nothing, mix, many, mix by reference, pick, and pair and mix of the other instance.
    assert_eq!(asked[..7], ["nothing", "mix", "many", "mix", "pick", "pair", "mix"]);
    assert_eq!(asked.len(), 3 * 7 + 1);
    assert_eq!(seen(&store, instance, ended, results), whole);
    assert_eq!(store.resume_with(&[], &mut []).unwrap_err().code(), ErrorCode::NothingToResume);
}

/// Out of gas and yields in any order, at any slice.
#[test]
fn yields_and_refills() {
    let whole = without_yields(0);
    let mut state = 88_172_645_463_325_252_u64;
    for most in [20, 60, 300, 5_000] {
        for slice in [None, Some(1)] {
            let (mut store, instance) = start(true, 0);
            store.fix_gas_slice(slice);
            let run = instance.get_func(&store, "run").unwrap();
            let mut results = vec![Val::I32(0); 2];
            let (mut refills, mut yields) = (0, 0);
            store.set_gas(random(&mut state) % most);
            let mut ended = run.call(&mut store, &ARG, &mut results);
            while let Err(error) = &ended {
                ended = match error.kind() {
                    ErrorKind::OutOfGas => {
                        refills += 1;
                        let wrong = store.resume_with(&[], &mut results);
                        assert_eq!(wrong.unwrap_err().code(), ErrorCode::NothingToResume);
                        store.resume(random(&mut state) % most, &mut results)
                    }
                    ErrorKind::Yield => {
                        yields += 1;
                        let wrong = store.resume(1_000, &mut results);
                        assert_eq!(wrong.unwrap_err().code(), ErrorCode::NothingToResume);
                        let request = error.downcast_ref::<Request>().unwrap();
                        let values = answer(request.0, &request.1, store.data().picked);
                        store.resume_with(&values, &mut results)
                    }
                    kind => panic!("{kind:?}"),
                };
            }
            assert_eq!((seen(&store, instance, ended, results), yields), (whole.clone(), 22));
            assert!(refills >= 1 && refills as u64 >= whole.1 / most, "{refills} of at most {most}");
        }
    }
}

/// A guest that asks once: `f` yields, and `run` tells what it got.
const ASKS: &str = r#"(module
    (import "h" "f" (func $f (param i32) (result i32)))
    (memory (export "m") 1 4)
    (func (export "run") (param i32) (result i32)
        (i32.store8 (i32.const 7) (i32.const 1))
        (i32.add (call $f (local.get 0)) (i32.load8_u (i32.const 0))))
    (func (export "twice") (result i32) (i32.sub (call $f (i32.const 1)) (call $f (i32.const 2))))
    (func $deep (export "deep") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (call $f (i32.const 5))))))"#;

/// Says how its argument is to be answered.
#[derive(Debug, PartialEq)]
struct Ask(i32);

impl std::fmt::Display for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "what is {}?", self.0)
    }
}

impl std::error::Error for Ask {}

fn asks() -> (Store<()>, Instance) {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("h", "f", |ask: i32| -> Result<i32, Error> { Err(Error::yield_with(Ask(ask))) })
        .unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module(&engine, ASKS)).unwrap();
    (store, instance)
}

#[track_caller]
fn code<V: core::fmt::Debug>(result: Result<V, Error>) -> ErrorCode {
    result.unwrap_err().code()
}

#[test]
fn with_types_that_are_known() {
    let (mut store, instance) = asks();
    let twice = instance.get_typed_func::<(), i32>(&store, "twice").unwrap();
    let run = instance.get_typed_func::<(i32,), i32>(&store, "run").unwrap();
    let mut ended = twice.call(&mut store, ());
    let mut given = 100;
    let value = loop {
        match ended {
            Ok(value) => break value,
            Err(error) => {
                assert!(error.is_yield());
                assert_eq!(
                    error.to_string(),
                    format!("yield: what is {}?", error.downcast_ref::<Ask>().unwrap().0)
                );
                assert_eq!(
                    code(run.resume_with(&mut store, 1_i32)),
                    ErrorCode::NothingToResume,
                    "another function"
                );
                assert_eq!(code(twice.resume_with(&mut store, 1_i64)), ErrorCode::WrongArguments);
                assert_eq!(code(twice.resume_with(&mut store, ())), ErrorCode::WrongArguments);
                assert_eq!(
                    code(twice.resume(&mut store, 1)),
                    ErrorCode::NothingToResume,
                    "it waits for no gas"
                );
                given -= 30;
                ended = twice.resume_with(&mut store, given);
            }
        }
    };
    assert_eq!(value, 70 - 40);
    assert_eq!(code(twice.resume_with(&mut store, 1_i32)), ErrorCode::NothingToResume);
    // The same for gas.
    store.set_gas(10);
    assert_eq!(code(twice.call(&mut store, ())), ErrorCode::OutOfGas);
    assert_eq!(code(run.resume(&mut store, 1)), ErrorCode::NothingToResume);
    assert_eq!(code(twice.resume(&mut store, 1_000)), ErrorCode::Yielded);
}

#[test]
fn what_does_not_fit_leaves_it_waiting() {
    let (mut store, instance) = asks();
    let (mut other, _) = asks();
    let foreign = Func::wrap(&mut other, || ()).unwrap();
    let run = instance.get_func(&store, "run").unwrap();
    let mut result = [Val::I32(0)];
    assert_eq!(code(run.call(&mut store, &[Val::I32(3)], &mut result)), ErrorCode::Yielded);
    assert_eq!(code(other.resume_with(&[Val::I32(1)], &mut result)), ErrorCode::NothingToResume);
    assert_eq!(
        code(run.typed::<(i32,), i32>(&store).unwrap().resume_with(&mut other, 1)),
        ErrorCode::WrongStore
    );
    for wrong in [&[][..], &[Val::I64(1)], &[Val::I32(1), Val::I32(1)], &[Val::FuncRef(Some(foreign))]] {
        assert_eq!(code(store.resume_with(wrong, &mut result)), ErrorCode::WrongArguments);
    }
    assert_eq!(code(store.resume_with(&[Val::I32(1)], &mut [])), ErrorCode::WrongArguments);
    assert_eq!(code(Instance::resume_with(&mut store, &[Val::I32(1)])), ErrorCode::NothingToResume);
    store.resume_with(&[Val::I32(40)], &mut result).unwrap();
    assert_eq!(result, [Val::I32(40)]);
}

/// A reference that is given must be of the store.
#[test]
fn a_reference_of_another_store() {
    let (mut store, instance) = start(true, 0);
    let (mut other, _) = asks();
    let foreign = Func::wrap(&mut other, || ()).unwrap();
    let mut results = [Val::I32(0); 2];
    let run = instance.get_func(&store, "run").unwrap();
    let mut ended = run.call(&mut store, &ARG, &mut results);
    loop {
        let error = ended.unwrap_err();
        let request = error.downcast_ref::<Request>().unwrap();
        if request.0 == "pick" {
            break;
        }
        ended = store.resume_with(&answer(request.0, &request.1, None), &mut results);
    }
    let given = store.resume_with(&[Val::FuncRef(Some(foreign))], &mut results);
    assert_eq!(code(given), ErrorCode::WrongStore);
    let given = store.resume_with(&[Val::FuncRef(None)], &mut results);
    assert_eq!(given.unwrap_err().awaited(), Some(&[ValType::I32, ValType::I64][..]), "it went on");
}

/// Between a yield and its answer the embedder may write the guest's memory, let it grow, and make things.
#[test]
fn the_embedder_works_on_the_store_meanwhile() {
    let (mut store, instance) = asks();
    let memory = instance.get_memory(&store, "m").unwrap();
    let run = instance.get_func(&store, "run").unwrap();
    let mut result = [Val::I32(0)];
    assert_eq!(code(run.call(&mut store, &[Val::I32(3)], &mut result)), ErrorCode::Yielded);
    assert_eq!(memory.data(&store)[7], 1, "what came before the call is there");
    memory.write(&mut store, 0, &[50]).unwrap();
    memory.grow(&mut store, 2).unwrap();
    for _ in 0..1_000 {
        Func::wrap(&mut store, || ()).unwrap();
    }
    ghost_wasm::Memory::new(&mut store, MemoryType { min: 1, max: None }).unwrap();
    let engine = store.engine().clone();
    let empty = Module::new(&engine, b"\0asm\x01\0\0\0").unwrap();
    assert_eq!(code(Instance::new(&mut store, &empty, &[])), ErrorCode::Suspended);
    store.set_gas(1_000);
    store.resume_with(&[Val::I32(4)], &mut result).unwrap();
    assert_eq!(result, [Val::I32(54)]);
    // A constant, the load, the addition, the return of a value.
    assert_eq!(store.gas_used(), 1 + 4 + 4 + 3);
}

/// A call that is given up leaves its store as a failed host function does; a dropped store takes it along.
#[test]
fn a_call_that_is_given_up() {
    let (mut store, instance) = asks();
    let deep = instance.get_typed_func::<(i32,), i32>(&store, "deep").unwrap();
    assert_eq!(code(store.abandon()), ErrorCode::NothingToResume);
    // A leak of frames would exhaust the stack.
    let frames = store.engine().profile().limits().frames as i32;
    for _ in 0..3 {
        assert_eq!(code(deep.call(&mut store, (frames - 2 - 1,))), ErrorCode::Yielded);
        store.abandon().unwrap();
        assert_eq!(code(store.abandon()), ErrorCode::NothingToResume);
        assert_eq!(code(store.resume_with(&[Val::I32(1)], &mut [Val::I32(0)])), ErrorCode::NothingToResume);
    }
    assert_eq!(code(deep.call(&mut store, (9,))), ErrorCode::Yielded);
    assert_eq!(deep.resume_with(&mut store, 77).unwrap(), 77);
    store.set_gas(5);
    assert_eq!(code(deep.call(&mut store, (9,))), ErrorCode::OutOfGas);
    assert_eq!(code(store.abandon()), ErrorCode::NothingToResume, "what it has written is not defined");
    let (mut store, instance) = asks();
    let deep = instance.get_typed_func::<(i32,), i32>(&store, "deep").unwrap();
    assert_eq!(code(deep.call(&mut store, (9,))), ErrorCode::Yielded);
    drop(store);
}

/// With a host function in between nobody can go on: it is that inner call's error, for the host function to
/// hand on or to keep.
#[test]
fn a_yield_below_a_host_function() {
    let engine = Engine::default();
    let text = r#"(module (import "h" "call" (func $call (result i32))) (import "h" "f" (func $f (result i32)))
        (func (export "inner") (result i32) (call $f))
        (func (export "run") (result i32) (i32.add (call $call) (call $f))))"#;
    for keeps in [false, true] {
        let mut linker: Linker<bool> = Linker::new(&engine);
        linker.func_wrap("h", "f", || -> Result<i32, Error> { Err(Error::yield_with(Ask(8))) }).unwrap();
        let call = |mut caller: Caller<'_, bool>| -> Result<i32, Error> {
            let inner = caller.get_export("inner").and_then(Extern::into_func).unwrap();
            let error = inner.call(&mut caller, &[], &mut [Val::I32(0)]).unwrap_err();
            assert_eq!((error.code(), error.kind()), (ErrorCode::YieldLost, ErrorKind::Host));
            assert_eq!((error.downcast_ref(), error.awaited()), (Some(&Ask(8)), None));
            assert_eq!(
                code(caller.as_context_mut().resume_with(&[Val::I32(1)], &mut [])),
                ErrorCode::NothingToResume
            );
            if *caller.data() { Ok(5) } else { Err(error) }
        };
        linker.func_wrap("h", "call", call).unwrap();
        let mut store = Store::new(&engine, keeps);
        let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
        let run = instance.get_typed_func::<(), i32>(&store, "run").unwrap();
        let ended = run.call(&mut store, ());
        if keeps {
            assert_eq!(code(ended), ErrorCode::Yielded, "the guest's own, after the inner one");
            assert_eq!(run.resume_with(&mut store, 30).unwrap(), 35);
        } else {
            assert_eq!(code(ended), ErrorCode::YieldLost);
            assert_eq!(code(run.resume_with(&mut store, 30)), ErrorCode::NothingToResume);
            assert_eq!(
                code(run.call(&mut store, ())),
                ErrorCode::YieldLost,
                "the store is as good as before"
            );
        }
    }
}

/// A host function that the host calls itself has nothing to go on with.
#[test]
fn a_yield_of_a_function_that_the_host_calls() {
    let mut store = Store::new(&Engine::default(), ());
    let f = Func::wrap(&mut store, || -> Result<i32, Error> { Err(Error::yield_with(Ask(1))) }).unwrap();
    assert_eq!(code(f.call(&mut store, &[], &mut [Val::I32(0)])), ErrorCode::YieldLost);
    assert_eq!(code(store.resume_with(&[Val::I32(1)], &mut [Val::I32(0)])), ErrorCode::NothingToResume);
}

/// A host function yields after an inner call has run out of a cap: no guest goes on over what that has left.
#[test]
fn a_yield_over_what_is_not_defined() {
    let engine = Engine::default();
    let text = r#"(module (import "h" "f" (func $f))
        (func (export "spin") (loop $l (br $l))) (func (export "run") (call $f)))"#;
    let mut linker: Linker<()> = Linker::new(&engine);
    let f = |mut caller: Caller<'_, ()>| -> Result<(), Error> {
        let spin = caller.get_export("spin").and_then(Extern::into_func).unwrap();
        assert_eq!(
            code(caller.with_gas_cap(100, |caller| spin.call(caller, &[], &mut []))),
            ErrorCode::OutOfGasCap
        );
        Err(Error::yield_with(Ask(1)))
    };
    linker.func_wrap("h", "f", f).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    let run = instance.get_typed_func::<(), ()>(&store, "run").unwrap();
    assert_eq!(code(run.call(&mut store, ())), ErrorCode::YieldLost);
    assert_eq!(code(run.resume_with(&mut store, ())), ErrorCode::NothingToResume);
    assert_eq!(code(run.call(&mut store, ())), ErrorCode::Poisoned);
}

/// A start function may be interrupted like any other; the instance is there when it has ended.
#[test]
fn a_start_function() {
    let engine = Engine::default();
    let text = r#"(module (import "h" "f" (func $f (param i32) (result i32)))
        (global $g (export "g") (mut i32) (i32.const 0))
        (func $start (local $i i32)
            (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 50))))
            (global.set $g (i32.add (call $f (i32.const 1)) (call $f (i32.const 2)))))
        (start $start))"#;
    let module = module(&engine, text);
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("h", "f", |ask: i32| -> Result<i32, Error> { Err(Error::yield_with(Ask(ask))) })
        .unwrap();
    let mut store = Store::new(&engine, ());
    store.set_gas(30);
    let mut ended = linker.instantiate(&mut store, &module);
    let (mut refills, mut asked) = (0, 0);
    let instance = loop {
        match ended {
            Ok(instance) => break instance,
            Err(error) if error.is_yield() => {
                asked += error.downcast_ref::<Ask>().unwrap().0;
                assert_eq!(code(linker.instantiate(&mut store, &module)), ErrorCode::Suspended);
                assert_eq!(code(Instance::resume(&mut store, 1)), ErrorCode::NothingToResume);
                ended = Instance::resume_with(&mut store, &[Val::I32(20)]);
            }
            Err(error) => {
                assert!(error.is_out_of_gas());
                refills += 1;
                ended = Instance::resume(&mut store, 60);
            }
        }
    };
    assert_eq!(instance.get_global(&store, "g").unwrap().get(&store), Val::I32(40));
    assert!(refills > 5 && asked == 3, "{refills} {asked}");
    assert_eq!(code(Instance::resume(&mut store, 1)), ErrorCode::NothingToResume);
}

/// A store that is given back to its pool takes no suspended call along.
#[test]
fn a_pool_takes_a_waiting_store() {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("h", "f", |ask: i32| -> Result<i32, Error> { Err(Error::yield_with(Ask(ask))) })
        .unwrap();
    let mut pool = InstancePool::new(linker.instantiate_pre(&module(&engine, ASKS)).unwrap(), 1);
    for round in 0..3 {
        let mut store = pool.take(());
        let instance = pool.pre().instantiate(&mut store).unwrap();
        let deep = instance.get_typed_func::<(i32,), i32>(&store, "deep").unwrap();
        assert_eq!(code(deep.call(&mut store, (9,))), ErrorCode::Yielded, "round {round}");
        assert_eq!(code(pool.pre().instantiate(&mut store)), ErrorCode::Suspended);
        pool.put(store);
        assert_eq!(pool.idle(), 1, "it is used again");
    }
}
