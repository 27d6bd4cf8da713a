//! A call that runs out of gas can go on with more, and then ends as one call with all of it would.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ghost_wasm::{Engine, Error, ErrorCode, Instance, Linker, Module, ResourceLimiter, Store, TrapCode, Val};

const PROGRAM: &str = r#"(module
    (memory 1 3)
    (func $fib (export "fib") (param i32) (result i32)
        local.get 0 i32.const 2 i32.lt_s
        if (result i32) local.get 0
        else
            local.get 0 i32.const 1 i32.sub call $fib
            local.get 0 i32.const 2 i32.sub call $fib i32.add
        end)
    (func (export "bulk") (param i32) (result i32)
        i32.const 0 i32.const 7 i32.const 60000 memory.fill
        i32.const 1 memory.grow drop
        i32.const 65000 i32.const 0 i32.const 60000 memory.copy
        local.get 0 if i32.const 131072 i32.load drop end
        i32.const 124999 i32.load8_u)
    (func $deep (export "deep") (param i32) (result i32)
        local.get 0 if (result i32) local.get 0 i32.const 1 i32.sub call $deep else i32.const 5 end)
    (func (export "ends") (param i32) (result i32)
        (local $i i32)
        loop $l
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (block (br_if 0 (i32.and (local.get $i) (i32.const 1))) (drop (i32.load (i32.mul (local.get $i) (i32.const 900)))))
            (br_if $l (i32.lt_u (local.get $i) (local.get 0)))
        end
        local.get $i))"#;

fn store() -> (Store<()>, Instance) {
    let engine = Engine::default();
    let module = Module::new(&engine, &wat::parse_str(PROGRAM).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module).unwrap();
    (store, instance)
}

type Outcome = (Result<Val, Option<TrapCode>>, u64);

fn outcome(store: &Store<()>, result: Result<(), Error>, value: Val) -> Outcome {
    let result = result.map(|()| value).map_err(|error| error.trap().map(|trap| trap.code()));
    (result, store.gas_used())
}

fn at_once(name: &str, arg: i32) -> Outcome {
    let (mut store, instance) = store();
    let mut result = [Val::I32(0)];
    let func = instance.get_func(&store, name).unwrap();
    store.set_gas(1 << 40);
    let ended = func.call(&mut store, &[Val::I32(arg)], &mut result);
    outcome(&store, ended, result[0])
}

fn in_pieces(name: &str, arg: i32, mut piece: impl FnMut() -> u64) -> Outcome {
    let (mut store, instance) = store();
    let mut result = [Val::I32(0)];
    let func = instance.get_func(&store, name).unwrap();
    store.set_gas(piece());
    let mut ended = func.call(&mut store, &[Val::I32(arg)], &mut result);
    while ended.as_ref().is_err_and(Error::is_out_of_gas) {
        let poisoned = func.call(&mut store, &[Val::I32(arg)], &mut [Val::I32(0)]);
        assert_eq!(poisoned.unwrap_err().code(), ErrorCode::Poisoned);
        ended = store.resume(piece(), &mut result);
    }
    let (result, _) = outcome(&store, ended, result[0]);
    (result, store.gas_used())
}

#[test]
fn the_outcome_is_that_of_one_call() {
    let mut random = 88_172_645_463_325_252_u64;
    let programs = [("fib", 12), ("bulk", 0), ("bulk", 1), ("ends", 10), ("ends", 200), ("deep", 300)];
    for (name, arg) in programs {
        let whole = at_once(name, arg);
        for most in [7, 60, 1_000, 100_000] {
            let pieces = in_pieces(name, arg, || {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random % most + 1
            });
            assert_eq!(pieces, whole, "{name}({arg}) in pieces of at most {most}");
        }
    }
}

#[test]
fn nothing_to_resume() {
    let (mut store, instance) = store();
    let code = |result: Result<(), Error>| result.unwrap_err().code();
    assert_eq!(code(store.resume(1, &mut [])), ErrorCode::NothingToResume);
    let func = instance.get_func(&store, "fib").unwrap();
    store.set_gas(10);
    assert_eq!(code(func.call(&mut store, &[Val::I32(9)], &mut [Val::I32(0)])), ErrorCode::OutOfGas);
    assert_eq!(store.gas_used(), 10);
    assert_eq!(code(store.resume(1, &mut [])), ErrorCode::WrongArguments);
    assert!(store.resume(1 << 30, &mut [Val::I32(0)]).is_ok());
    assert_eq!(code(store.resume(1, &mut [])), ErrorCode::NothingToResume);
}

struct Pages(u32);

impl ResourceLimiter for Pages {
    fn memory(&mut self, _: u32, after: u32) -> bool {
        after <= self.0
    }
    fn table(&mut self, _: u32, _: u32) -> bool {
        true
    }
}

#[test]
fn a_limiter_refuses() {
    let (mut store, instance) = store();
    store.limiter(Pages(1));
    let bulk = instance.get_typed_func::<(i32,), i32>(&store, "bulk").unwrap();
    let error = bulk.call(&mut store, (0,)).unwrap_err();
    assert_eq!(error.trap().map(|trap| trap.code()), Some(TrapCode::MemoryOutOfBounds));
    let (mut store, _) = self::store();
    store.limiter(Pages(0));
    let engine = store.engine().clone();
    let module = Module::new(&engine, &wat::parse_str("(module (memory 1))").unwrap()).unwrap();
    let error = Instance::new(&mut store, &module, &[]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::GrowRefused);
}
