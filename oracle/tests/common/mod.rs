//! What the tests of the oracle share: modules from text, calls by name, outcomes with their gas.
#![allow(dead_code, reason = "each test file uses a part")]

use std::sync::Arc;

use ghost_wasm::table::gas::{GasClass, Schedule};
use ghost_wasm::table::limits::Limits;
use ghost_wasm::{FuncType, Profile, TrapCode, ValType};
use ghost_wasm_oracle::{Error, Extern, FuncAddr, InstanceAddr, Linker, Module, Store, Val};

/// How something ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Values(Vec<Val>),
    Trap(TrapCode),
    OutOfGas,
    Other(String),
}

pub fn end(outcome: Result<Vec<Val>, Error>) -> End {
    match outcome {
        Ok(values) => End::Values(values),
        Err(Error::Trap(trap)) => End::Trap(trap.code),
        Err(Error::OutOfGas) => End::OutOfGas,
        Err(other) => End::Other(other.to_string()),
    }
}

pub fn i32s(values: &[i32]) -> End {
    End::Values(values.iter().map(|value| Val::I32(*value)).collect())
}

pub fn module(profile: &Profile, text: &str) -> Arc<Module> {
    let bytes = wat::parse_str(text).expect("the test's text is a module");
    Module::new(profile, &bytes).expect("the test's module is valid")
}

/// The prices that the sums of the tests are made of. They test how gas adds up; what things cost is the first
/// schedule's business, and may change.
pub fn by_hand() -> Profile {
    let mut schedule = Schedule { locals_per_gas: 4, ..Schedule::V1 };
    for (class, price) in [
        (GasClass::Br, 2),
        (GasClass::BulkMemory, 40),
        (GasClass::BulkTable, 40),
        (GasClass::MemoryGrow, 40),
        (GasClass::Drop, 4),
        (GasClass::FloatConvert, 2),
    ] {
        schedule.classes[class as usize] = price;
    }
    Profile::WASM_2_EXT.with_schedule(schedule).expect("a schedule that can be kept to")
}

/// A profile for tests: all proposals, limits that a test changes.
pub fn profile(change: impl FnOnce(&mut Limits)) -> Profile {
    let mut limits = Limits::CONTRACT_V1;
    change(&mut limits);
    by_hand().with_limits(limits)
}

pub fn instance(text: &str) -> (Store, InstanceAddr) {
    instance_under(&by_hand(), text)
}

pub fn instance_under(profile: &Profile, text: &str) -> (Store, InstanceAddr) {
    let mut store = Store::new(profile);
    let module = module(profile, text);
    let instance = store.instantiate(&module, &[]).expect("the test's module instantiates");
    (store, instance)
}

pub fn func(store: &Store, instance: InstanceAddr, name: &str) -> FuncAddr {
    match store.export(instance, name) {
        Some(Extern::Func(func)) => func,
        other => panic!("{name} is {other:?}"),
    }
}

/// Calls an export with enough gas; also says how much it used.
pub fn call(store: &mut Store, instance: InstanceAddr, name: &str, args: &[Val]) -> (End, u64) {
    call_with(store, instance, name, args, u64::MAX)
}

/// Calls an export with a gas limit; also says how much it used.
pub fn call_with(
    store: &mut Store,
    instance: InstanceAddr,
    name: &str,
    args: &[Val],
    gas: u64,
) -> (End, u64) {
    let func = func(store, instance, name);
    store.set_gas(gas);
    let outcome = end(store.invoke(func, args));
    (outcome, store.gas_used())
}

/// A host function `[] -> []` that calls `name` of the instance that called it.
pub fn calls_back(store: &mut Store, name: &'static str) -> FuncAddr {
    store.new_func(FuncType::new([], []), move |store, caller, _| {
        let caller = caller.expect("WebAssembly calls it");
        let func = func(store, caller, name);
        store.invoke(func, &[])
    })
}

pub fn types(types: &[ValType]) -> Vec<ValType> {
    types.to_vec()
}

pub fn linker(definitions: &[(&str, &str, Extern)]) -> Linker {
    let mut linker = Linker::new();
    for (module, name, item) in definitions {
        linker.define(module, name, *item);
    }
    linker
}
