//! The engine and the oracle behind one interface. Both get the same host: functions that mix their arguments,
//! charge a little and sometimes fail.

use std::sync::Arc;

use ghost_wasm as engine;
use ghost_wasm::{ErrorKind, ExternType, FuncType, Module, Profile, TrapCode, ValType};
use ghost_wasm_oracle as oracle;

use crate::Rng;

/// A program, and how the engine is to run it.
#[derive(Clone)]
pub struct Program<'a> {
    pub bytes: &'a [u8],
    pub module: &'a Module,
    pub profile: Profile,
    pub slice: Option<u64>,
}

/// A value with its bits; of a function, whether it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value(pub ValType, pub u64);

/// How a call or an instantiation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Values(Vec<Value>),
    /// With the innermost function and the place in it.
    Trap(TrapCode, Option<(u32, Option<u32>)>),
    OutOfGas,
    Other(ErrorKind),
}

impl Ended {
    /// The same without the place.
    pub fn outline(&self) -> Ended {
        match *self {
            Ended::Trap(code, _) => Ended::Trap(code, None),
            ref other => other.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub ended: Ended,
    pub gas: u64,
}

impl Seen {
    pub fn out_of_gas(&self) -> bool {
        self.ended == Ended::OutOfGas
    }
}

/// What is exported but functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    memories: Vec<Vec<u8>>,
    tables: Vec<Vec<Value>>,
    globals: Vec<Value>,
}

pub trait Machine: Sized {
    /// Instantiates; nothing to go on with unless that ends well.
    fn start(program: &Program<'_>, gas: u64) -> (Seen, Option<Self>);
    fn call(&mut self, name: &str, args: &[Value], gas: u64) -> Seen;
    fn state(&self) -> State;
}

/// Arguments that are often at the edges.
pub fn arguments(ty: &FuncType, rng: &mut Rng) -> Vec<Value> {
    let edges =
        [0, 1, 2, 3, 7, 16, 0x7f, 0x8000_0000, 0x7fff_ffff, 0xffff_ffff, 1 << 63, u64::MAX, 0x3f80_0000];
    ty.params()
        .iter()
        .map(|&ty| {
            let bits = if rng.chance(60) { edges[rng.below(edges.len())] } else { rng.draw() };
            Value(ty, cut(ty, bits))
        })
        .collect()
}

fn cut(ty: ValType, bits: u64) -> u64 {
    match ty {
        ValType::I32 | ValType::F32 => bits & 0xffff_ffff,
        ValType::I64 | ValType::F64 => bits,
        ValType::FuncRef => 0,
        ValType::ExternRef => bits & 0xffff,
    }
}

/// What every host function does, whichever machine calls it: how much to charge, whether to fail, results.
fn host(args: impl Iterator<Item = u64>, ty: &FuncType) -> (u64, bool, Vec<Value>) {
    let mixed =
        args.fold(0x9e37, |mixed: u64, arg| (mixed.rotate_left(7) ^ arg).wrapping_mul(0x0100_0000_01b3));
    let results = ty.results().iter().enumerate();
    let results = results.map(|(at, &ty)| Value(ty, cut(ty, mixed.rotate_left(at as u32 * 11)))).collect();
    (mixed & 15, mixed & 0x30 == 0x30, results)
}

#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the host refuses")
    }
}

impl std::error::Error for Refused {}

/// Begins an imported global.
const GLOBAL: u64 = 0x0123_4567_89ab_cdef;

pub struct EngineMachine {
    store: engine::Store<()>,
    instance: engine::Instance,
    names: Arc<[String]>,
}

fn to_engine(Value(ty, bits): Value) -> engine::Val {
    match ty {
        ValType::I32 => engine::Val::I32(bits as i32),
        ValType::I64 => engine::Val::I64(bits as i64),
        ValType::F32 => engine::Val::F32(bits as u32),
        ValType::F64 => engine::Val::F64(bits),
        ValType::FuncRef => engine::Val::FuncRef(None),
        ValType::ExternRef => engine::Val::ExternRef((bits as u32).checked_sub(1)),
    }
}

fn of_engine(value: &engine::Val) -> Value {
    let bits = match *value {
        engine::Val::I32(value) => u64::from(value as u32),
        engine::Val::I64(value) => value as u64,
        engine::Val::F32(bits) => u64::from(bits),
        engine::Val::F64(bits) => bits,
        engine::Val::FuncRef(func) => u64::from(func.is_some()),
        engine::Val::ExternRef(value) => value.map_or(0, |value| u64::from(value) + 1),
    };
    Value(value.ty(), bits)
}

fn engine_ended(error: &engine::Error) -> Ended {
    match error.kind() {
        ErrorKind::OutOfGas => Ended::OutOfGas,
        ErrorKind::Trap => match error.trap() {
            Some(trap) => {
                let innermost = trap.frames().first().filter(|frame| !frame.host);
                let place = innermost.and_then(|frame| Some((frame.func_index?, frame.offset)));
                Ended::Trap(trap.code(), place)
            }
            None => Ended::Other(ErrorKind::Trap),
        },
        kind => Ended::Other(kind),
    }
}

/// The host function of a type.
pub fn engine_host(
    ty: FuncType,
) -> impl Fn(engine::Caller<'_, ()>, &[engine::Val], &mut [engine::Val]) -> Result<(), engine::Error>
+ Send
+ Sync
+ 'static {
    move |mut caller, args, results| {
        let (gas, fails, values) = host(args.iter().map(|arg| of_engine(arg).1), &ty);
        caller.charge(gas)?;
        if fails {
            return Err(engine::Error::host(Refused));
        }
        for (result, value) in results.iter_mut().zip(values) {
            *result = to_engine(value);
        }
        Ok(())
    }
}

impl EngineMachine {
    /// What an instantiation in `store` has led to.
    pub fn of(
        program: &Program<'_>,
        store: engine::Store<()>,
        instance: Result<engine::Instance, engine::Error>,
    ) -> (Seen, Result<EngineMachine, engine::Store<()>>) {
        let gas = store.gas_used();
        match instance {
            Ok(instance) => {
                let names = program.module.exports().map(|export| export.name().to_owned()).collect();
                let seen = Seen { ended: Ended::Values(Vec::new()), gas };
                (seen, Ok(EngineMachine { store, instance, names }))
            }
            Err(error) => (Seen { ended: engine_ended(&error), gas }, Err(store)),
        }
    }

    /// The ops that it has run, if the engine steps.
    pub fn steps(&self) -> impl Iterator<Item = u16> {
        self.store.steps().pairs.keys().map(|&(_, inst)| inst)
    }

    /// A call whose gas comes in pieces: the outcome of the last one. `piece` sees how the one before has ended.
    pub fn in_pieces(
        &mut self,
        name: &str,
        args: &[Value],
        mut piece: impl FnMut(Option<&Seen>) -> u64,
    ) -> Seen {
        let (_, mut results) = self.func(name);
        let mut seen = self.call(name, args, piece(None));
        while seen.out_of_gas() {
            let more = piece(Some(&seen));
            if more == 0 {
                break;
            }
            let ended = self.store.resume(more, &mut results);
            seen = self.seen(ended, &results);
        }
        seen
    }

    /// An exported function, and room for its results.
    fn func(&self, name: &str) -> (engine::Func, Vec<engine::Val>) {
        let func = self.instance.get_func(&self.store, name).expect("an exported function");
        let ty = func.ty(&self.store);
        (func, ty.results().iter().map(|ty| engine::Val::default_for(*ty)).collect())
    }

    /// How a call has ended.
    fn seen(&self, ended: Result<(), engine::Error>, results: &[engine::Val]) -> Seen {
        let ended = match ended {
            Ok(()) => Ended::Values(results.iter().map(of_engine).collect()),
            Err(error) => engine_ended(&error),
        };
        Seen { ended, gas: self.store.gas_used() }
    }

    pub fn into_store(self) -> engine::Store<()> {
        self.store
    }

    /// Writes to everything exported, as an embedder can.
    pub fn meddle(&mut self, rng: &mut Rng) {
        for name in self.names.clone().iter() {
            let store = &mut self.store;
            match self.instance.get_export(&*store, name) {
                Some(engine::Extern::Memory(memory)) => {
                    let len = memory.data(&*store).len();
                    // Often across the boundary of two parts.
                    let at = (rng.below(len) & !4095).wrapping_sub(rng.below(16));
                    let _ = memory.write(&mut *store, at, &[0xa5; 16]);
                    if rng.chance(10) {
                        memory.data_mut(store).iter_mut().step_by(1000).for_each(|byte| *byte ^= 0x5a);
                    }
                    if rng.chance(20) {
                        let _ = memory.grow(store, 1);
                    }
                }
                Some(engine::Extern::Table(table)) => {
                    let null = to_engine(Value(table.ty(&*store).element, 0));
                    let at = rng.below(table.size(&*store) as usize) as u32;
                    let _ = table.set(&mut *store, at, null);
                    if rng.chance(20) {
                        let _ = table.grow(store, 1, null);
                    }
                }
                Some(engine::Extern::Global(global)) => {
                    let ty = global.ty(&*store).content;
                    let _ = global.set(store, to_engine(Value(ty, cut(ty, 0x77))));
                }
                Some(engine::Extern::Func(_)) | None => {}
            }
        }
    }
}

impl Machine for EngineMachine {
    fn start(program: &Program<'_>, gas: u64) -> (Seen, Option<EngineMachine>) {
        let mut store = engine::Store::new(program.module.engine(), ());
        store.fix_gas_slice(program.slice);
        let mut imports = Vec::new();
        for import in program.module.imports() {
            let made: Result<engine::Extern, engine::Error> = match import.ty().clone() {
                ExternType::Func(ty) => {
                    engine::Func::new(&mut store, ty.clone(), engine_host(ty)).map(Into::into)
                }
                ExternType::Table(ty) => {
                    let null = to_engine(Value(ty.element, 0));
                    engine::Table::new(&mut store, ty, null).map(Into::into)
                }
                ExternType::Memory(ty) => engine::Memory::new(&mut store, ty).map(Into::into),
                ExternType::Global(ty) => {
                    let value = to_engine(Value(ty.content, cut(ty.content, GLOBAL)));
                    engine::Global::new(&mut store, ty, value).map(Into::into)
                }
            };
            imports.push(made.expect("the host's items are within the limits"));
        }
        store.set_gas(gas);
        let instance = engine::Instance::new(&mut store, program.module, &imports);
        let (seen, machine) = EngineMachine::of(program, store, instance);
        (seen, machine.ok())
    }

    fn call(&mut self, name: &str, args: &[Value], gas: u64) -> Seen {
        let (func, mut results) = self.func(name);
        let args: Vec<engine::Val> = args.iter().map(|arg| to_engine(*arg)).collect();
        self.store.set_gas(gas);
        let ended = func.call(&mut self.store, &args, &mut results);
        self.seen(ended, &results)
    }

    fn state(&self) -> State {
        let mut state = State::default();
        for name in self.names.iter() {
            match self.instance.get_export(&self.store, name) {
                Some(engine::Extern::Memory(memory)) => {
                    state.memories.push(memory.data(&self.store).to_vec());
                }
                Some(engine::Extern::Table(table)) => {
                    let entries = (0..table.size(&self.store)).map(|at| table.get(&self.store, at));
                    let entries = entries.map(|entry| of_engine(&entry.expect("an entry")));
                    state.tables.push(entries.collect());
                }
                Some(engine::Extern::Global(global)) => {
                    state.globals.push(of_engine(&global.get(&self.store)))
                }
                Some(engine::Extern::Func(_)) | None => {}
            }
        }
        state
    }
}

pub struct OracleMachine {
    store: oracle::Store,
    instance: oracle::InstanceAddr,
}

fn to_oracle(Value(ty, bits): Value) -> oracle::Val {
    oracle::Val::from_raw(ty, bits)
}

fn of_oracle(value: oracle::Val) -> Value {
    match value {
        oracle::Val::FuncRef(func) => Value(ValType::FuncRef, u64::from(func.is_some())),
        value => Value(value.ty(), value.to_raw()),
    }
}

fn oracle_ended(error: &oracle::Error) -> Ended {
    match error {
        oracle::Error::OutOfGas => Ended::OutOfGas,
        oracle::Error::Trap(trap) => {
            Ended::Trap(trap.code, trap.frames.first().map(|frame| (frame.func_index, frame.offset)))
        }
        error => Ended::Other(error.kind().unwrap_or_else(|| panic!("{error}"))),
    }
}

impl Machine for OracleMachine {
    fn start(program: &Program<'_>, gas: u64) -> (Seen, Option<OracleMachine>) {
        let module = oracle::Module::new(&program.profile, program.bytes).expect("the engine has taken it");
        let mut store = oracle::Store::new(&program.profile);
        let mut imports = Vec::new();
        for import in program.module.imports() {
            let made: Result<oracle::Extern, oracle::Error> = match import.ty().clone() {
                ExternType::Func(ty) => {
                    let inner = ty.clone();
                    let host = move |store: &mut oracle::Store, _, args: &[oracle::Val]| {
                        let (gas, fails, values) = host(args.iter().map(|arg| of_oracle(*arg).1), &inner);
                        store.charge(gas)?;
                        if fails {
                            return Err(oracle::Error::host(Refused));
                        }
                        Ok(values.into_iter().map(to_oracle).collect())
                    };
                    Ok(oracle::Extern::Func(store.new_func(ty, host)))
                }
                ExternType::Table(ty) => {
                    store.new_table(ty, to_oracle(Value(ty.element, 0))).map(oracle::Extern::Table)
                }
                ExternType::Memory(ty) => store.new_memory(ty).map(oracle::Extern::Memory),
                ExternType::Global(ty) => {
                    let value = to_oracle(Value(ty.content, cut(ty.content, GLOBAL)));
                    store.new_global(ty, value).map(oracle::Extern::Global)
                }
            };
            imports.push(made.expect("the host's items are within the limits"));
        }
        store.set_gas(gas);
        match store.instantiate(&module, &imports) {
            Ok(instance) => {
                let seen = Seen { ended: Ended::Values(Vec::new()), gas: store.gas_used() };
                (seen, Some(OracleMachine { store, instance }))
            }
            Err(error) => (Seen { ended: oracle_ended(&error), gas: store.gas_used() }, None),
        }
    }

    fn call(&mut self, name: &str, args: &[Value], gas: u64) -> Seen {
        let Some(oracle::Extern::Func(func)) = self.store.export(self.instance, name) else {
            panic!("{name} is an exported function")
        };
        let args: Vec<oracle::Val> = args.iter().map(|arg| to_oracle(*arg)).collect();
        self.store.set_gas(gas);
        let ended = match self.store.invoke(func, &args) {
            Ok(results) => Ended::Values(results.into_iter().map(of_oracle).collect()),
            Err(error) => oracle_ended(&error),
        };
        Seen { ended, gas: self.store.gas_used() }
    }

    fn state(&self) -> State {
        let mut state = State::default();
        for (_, item) in self.store.exports(self.instance) {
            match item {
                oracle::Extern::Memory(memory) => {
                    state.memories.push(self.store.memory(memory).expect("a memory").to_vec());
                }
                oracle::Extern::Table(table) => {
                    let table = self.store.table(table).expect("a table");
                    let element = table.ty().element;
                    let entries = table.entries().iter();
                    let entries = entries.map(|raw| of_oracle(oracle::Val::from_raw(element, *raw)));
                    state.tables.push(entries.collect());
                }
                oracle::Extern::Global(global) => {
                    state.globals.push(of_oracle(self.store.global(global).expect("a global")));
                }
                oracle::Extern::Func(_) => {}
            }
        }
        state
    }
}
