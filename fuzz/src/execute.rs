//! The same program on the engine, on the oracle and on wasmi: the same results, traps and memories; on the
//! engine and the oracle the same gas, too, whatever the limit.

use std::sync::{Arc, OnceLock};

use arbitrary::Unstructured;
use ghost_wasm as g;
use ghost_wasm::{TrapCode, ValType};
use ghost_wasm_oracle as o;

use crate::outcome::{End, MIX_GAS, Outcome, Value, argument, mix};
use crate::program::{Program, program};

/// What a run may use at most; programs that loop for ever end here.
const GAS_MOST: u64 = 40_000;
/// Fuel of the peer: more than it can need for what costs the engine `GAS_MOST`.
const PEER_FUEL: u64 = 4_000_000;
/// Lower limits tried for each program.
const LIMITS: u64 = 10;

fn profile() -> &'static g::Profile {
    static PROFILE: OnceLock<g::Profile> = OnceLock::new();
    PROFILE.get_or_init(|| {
        let mut limits = g::Profile::CONTRACT_V1.limits().clone();
        limits.frames = 100;
        limits.memory_pages = 8;
        limits.table_entries = 200;
        g::Profile::CONTRACT_V1.with_limits(limits)
    })
}

/// The property.
pub fn check(data: &[u8]) {
    if let Some((program, seed, chunk)) = program_of(data) {
        check_program(&program, seed, chunk);
    }
}

/// The program that an input stands for, the seed of its arguments, the size of the pieces it is fed in.
pub fn program_of(data: &[u8]) -> Option<(Program, u64, usize)> {
    let mut u = Unstructured::new(data);
    let (seed, chunk) = (u.arbitrary().ok()?, u.int_in_range(1..=300).ok()?);
    Some((program(&mut u).ok()?, seed, chunk))
}

/// The property for a module, its arguments made from `seed`, fed in pieces of `chunk` bytes.
pub fn check_program(program: &Program, seed: u64, chunk: usize) {
    let bytes = &program.bytes;
    let module = match load(bytes, chunk) {
        Ok(module) => module,
        Err(error) => {
            assert_eq!(error.kind(), g::ErrorKind::Limit, "a valid module was refused: {error}");
            return;
        }
    };
    let judge = match o::Module::new(profile(), bytes) {
        Ok(judge) => judge,
        Err(error) => panic!("the oracle refuses what the engine takes: {error:?}"),
    };
    let expected = on_oracle(&judge, GAS_MOST, seed);
    let found = on_engine(&module, GAS_MOST, seed);
    same(&expected, &found, "the oracle", GAS_MOST);
    let used = expected.gas_used();
    let mut state = seed | 1;
    for step in 0..LIMITS.min(used) {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let limit = match step {
            0 => used - 1,
            1 => used,
            2..=4 => (state >> 33) % used.min(60),
            _ => (state >> 20) % used,
        };
        let expected = on_oracle(&judge, limit, seed);
        let found = on_engine(&module, limit, seed);
        same(&expected, &found, "the oracle", limit);
    }
    if program.ask_peer
        && program.nan_free
        && !expected.is_out_of_gas()
        && let Some(peer) = on_wasmi(bytes, &export_names(&module), seed)
    {
        same(&without_nan_bits(peer), &without_nan_bits(found_at_peer(found)), "wasmi", GAS_MOST);
    }
}

fn same(expected: &Outcome, found: &Outcome, whose: &str, limit: u64) {
    for (step, (expected, found)) in expected.ends.iter().zip(&found.ends).enumerate() {
        assert_eq!(expected, found, "step {step}, limit {limit}: left is {whose}, right the engine");
    }
    assert_eq!(expected.globals, found.globals, "globals, limit {limit}: left is {whose}, right the engine");
    assert_eq!(expected.tables, found.tables, "tables, limit {limit}: left is {whose}, right the engine");
    for (expected, found) in expected.memories.iter().zip(&found.memories) {
        assert_eq!(
            expected.len(),
            found.len(),
            "memory size, limit {limit}: left is {whose}, right the engine"
        );
        let differ = expected.iter().zip(found).position(|(expected, found)| expected != found);
        assert_eq!(differ, None, "limit {limit}: the first byte of memory that differs from {whose}");
    }
    assert!(expected == found, "limit {limit}: a part of the outcome is compared nowhere else");
}

/// What the engine found as far as the peer can say it: no gas, no places.
fn found_at_peer(mut outcome: Outcome) -> Outcome {
    for (end, gas) in &mut outcome.ends {
        *gas = 0;
        match end {
            // The peer has one code for an index beyond a table, whatever wanted the entry.
            End::Trap(code, place) => {
                if *code == TrapCode::UndefinedElement {
                    *code = TrapCode::TableOutOfBounds;
                }
                *place = None;
            }
            End::Refused(text) => text.clear(),
            End::Done(_) | End::OutOfGas => {}
        }
    }
    outcome
}

fn without_nan_bits(mut outcome: Outcome) -> Outcome {
    for (end, _) in &mut outcome.ends {
        if let End::Done(values) = end {
            for value in values {
                *value = value.without_nan_bits();
            }
        }
    }
    for value in &mut outcome.globals {
        *value = value.without_nan_bits();
    }
    outcome
}

fn engine() -> &'static g::Engine {
    static ENGINE: OnceLock<g::Engine> = OnceLock::new();
    ENGINE.get_or_init(|| g::Engine::new(&g::Config::new(profile().clone())))
}

fn load(bytes: &[u8], chunk: usize) -> Result<g::Module, g::Error> {
    let mut stream = g::ModuleStream::new(engine());
    for piece in bytes.chunks(chunk) {
        stream.feed(piece)?;
    }
    stream.finish()
}

fn engine_value(value: g::Val) -> Value {
    match value {
        g::Val::I32(v) => Value::Bits(ValType::I32, u64::from(v as u32)),
        g::Val::I64(v) => Value::Bits(ValType::I64, v as u64),
        g::Val::F32(v) => Value::Bits(ValType::F32, u64::from(v)),
        g::Val::F64(v) => Value::Bits(ValType::F64, v),
        g::Val::FuncRef(v) => Value::Null(ValType::FuncRef, v.is_none()),
        g::Val::ExternRef(v) => Value::Null(ValType::ExternRef, v.is_none()),
    }
}

fn engine_argument(ty: ValType, bits: u64) -> g::Val {
    match ty {
        ValType::I32 => g::Val::I32(bits as i32),
        ValType::I64 => g::Val::I64(bits as i64),
        ValType::F32 => g::Val::F32(bits as u32),
        ValType::F64 => g::Val::F64(bits),
        ValType::FuncRef => g::Val::FuncRef(None),
        ValType::ExternRef => g::Val::ExternRef(None),
    }
}

fn engine_end(error: &g::Error) -> End {
    match error.trap() {
        Some(trap) => {
            End::Trap(trap.code(), trap.frames().first().and_then(|frame| frame.func_index.zip(frame.offset)))
        }
        None if error.is_out_of_gas() => End::OutOfGas,
        None => End::Refused(format!("{:?}", error.kind())),
    }
}

/// The names in the module's order; the peer has its own.
fn export_names(module: &g::Module) -> Vec<String> {
    module.exports().map(|export| export.name().to_owned()).collect()
}

fn on_engine(module: &g::Module, gas: u64, seed: u64) -> Outcome {
    let mut store = g::Store::new(engine(), ());
    let mut out = Outcome::default();
    let mut imports = Vec::new();
    if module.imports().next().is_some() {
        let host = g::Func::wrap(&mut store, |mut caller: g::Caller<'_, ()>, a: i32, b: i64| {
            caller.charge(MIX_GAS)?;
            Ok::<i64, g::Error>(mix(a, b))
        });
        imports.push(g::Extern::Func(host.expect("a host function can be made")));
    }
    store.set_gas(gas);
    let instance = match g::Instance::new(&mut store, module, &imports) {
        Ok(instance) => instance,
        Err(error) => {
            out.ends.push((engine_end(&error), store.gas_used()));
            return out;
        }
    };
    out.ends.push((End::Done(vec![]), store.gas_used()));
    let names = export_names(module);
    for name in &names {
        let Some(func) = instance.get_func(&store, name) else { continue };
        let ty = func.ty(&store);
        let args: Vec<g::Val> = ty
            .params()
            .iter()
            .enumerate()
            .map(|(at, &ty)| engine_argument(ty, argument(ty, seed, at)))
            .collect();
        let mut results = vec![g::Val::I32(0); ty.results().len()];
        let end = match func.call(&mut store, &args, &mut results) {
            Ok(()) => End::Done(results.into_iter().map(engine_value).collect()),
            Err(error) => engine_end(&error),
        };
        out.ends.push((end, store.gas_used()));
        if out.is_out_of_gas() {
            return out;
        }
    }
    for name in &names {
        match instance.get_export(&store, name) {
            Some(g::Extern::Memory(memory)) => out.memories.push(memory.data(&store).to_vec()),
            Some(g::Extern::Global(global)) => out.globals.push(engine_value(global.get(&store))),
            Some(g::Extern::Table(table)) => {
                let entries = (0..table.size(&store)).map(|at| match table.get(&store, at) {
                    Ok(g::Val::FuncRef(entry)) => entry.is_none(),
                    Ok(g::Val::ExternRef(entry)) => entry.is_none(),
                    other => panic!("a table holds {other:?}"),
                });
                out.tables.push(entries.collect());
            }
            _ => {}
        }
    }
    out
}

fn oracle_value(value: o::Val) -> Value {
    match value {
        o::Val::I32(v) => Value::Bits(ValType::I32, u64::from(v as u32)),
        o::Val::I64(v) => Value::Bits(ValType::I64, v as u64),
        o::Val::F32(v) => Value::Bits(ValType::F32, u64::from(v)),
        o::Val::F64(v) => Value::Bits(ValType::F64, v),
        o::Val::FuncRef(v) => Value::Null(ValType::FuncRef, v.is_none()),
        o::Val::ExternRef(v) => Value::Null(ValType::ExternRef, v.is_none()),
    }
}

fn oracle_end(error: &o::Error) -> End {
    match error {
        o::Error::Trap(trap) => {
            let place = trap.frames.first().and_then(|frame| Some((frame.func_index, frame.offset?)));
            End::Trap(trap.code, place)
        }
        o::Error::OutOfGas => End::OutOfGas,
        o::Error::Bug(text) => panic!("the oracle is wrong: {text}"),
        error => End::Refused(error.kind().map_or_else(String::new, |kind| format!("{kind:?}"))),
    }
}

fn on_oracle(module: &Arc<o::Module>, gas: u64, seed: u64) -> Outcome {
    let mut store = o::Store::new(profile());
    let mut out = Outcome::default();
    let mut imports = Vec::new();
    if !module.data().imports.is_empty() {
        let ty = g::FuncType::new([ValType::I32, ValType::I64], [ValType::I64]);
        let host = store.new_func(ty, |store: &mut o::Store, _, args: &[o::Val]| {
            store.charge(MIX_GAS)?;
            match *args {
                [o::Val::I32(a), o::Val::I64(b)] => Ok(vec![o::Val::I64(mix(a, b))]),
                _ => panic!("the host function got {args:?}"),
            }
        });
        imports.push(o::Extern::Func(host));
    }
    store.set_gas(gas);
    let instance = match store.instantiate(module, &imports) {
        Ok(instance) => instance,
        Err(error) => {
            out.ends.push((oracle_end(&error), store.gas_used()));
            return out;
        }
    };
    out.ends.push((End::Done(vec![]), store.gas_used()));
    let exports = store.exports(instance);
    for (_, export) in &exports {
        let o::Extern::Func(func) = *export else { continue };
        let params = store.func_type(func).map(|ty| ty.params().to_vec()).unwrap_or_default();
        let args: Vec<o::Val> =
            params.iter().enumerate().map(|(at, &ty)| o::Val::from_raw(ty, argument(ty, seed, at))).collect();
        let end = match store.invoke(func, &args) {
            Ok(results) => End::Done(results.into_iter().map(oracle_value).collect()),
            Err(error) => oracle_end(&error),
        };
        out.ends.push((end, store.gas_used()));
        if out.is_out_of_gas() {
            return out;
        }
    }
    for (_, export) in &exports {
        match *export {
            o::Extern::Memory(memory) => {
                out.memories.push(store.memory(memory).map(o::Memory::to_vec).unwrap_or_default());
            }
            o::Extern::Global(global) => out.globals.extend(store.global(global).map(oracle_value)),
            o::Extern::Table(table) => {
                let entries = store.table(table).map(o::Table::entries).unwrap_or_default();
                out.tables.push(entries.iter().map(|&entry| entry == 0).collect());
            }
            o::Extern::Func(_) => {}
        }
    }
    out
}

fn peer_value(value: &wasmi::Val) -> Value {
    match value {
        wasmi::Val::I32(v) => Value::Bits(ValType::I32, u64::from(*v as u32)),
        wasmi::Val::I64(v) => Value::Bits(ValType::I64, *v as u64),
        wasmi::Val::F32(v) => Value::Bits(ValType::F32, u64::from(v.to_bits())),
        wasmi::Val::F64(v) => Value::Bits(ValType::F64, v.to_bits()),
        wasmi::Val::FuncRef(v) => Value::Null(ValType::FuncRef, v.is_null()),
        wasmi::Val::ExternRef(v) => Value::Null(ValType::ExternRef, v.is_null()),
        wasmi::Val::V128(v) => panic!("no program has vectors: {v:?}"),
    }
}

fn peer_argument(ty: wasmi::ValType, at: usize, seed: u64) -> wasmi::Val {
    match ty {
        wasmi::ValType::I32 => wasmi::Val::I32(argument(ValType::I32, seed, at) as i32),
        wasmi::ValType::I64 => wasmi::Val::I64(argument(ValType::I64, seed, at) as i64),
        wasmi::ValType::F32 => {
            wasmi::Val::F32(wasmi::F32::from_bits(argument(ValType::F32, seed, at) as u32))
        }
        wasmi::ValType::F64 => wasmi::Val::F64(wasmi::F64::from_bits(argument(ValType::F64, seed, at))),
        ty => wasmi::Val::default_for_ty(ty),
    }
}

/// How a call ended at the peer; `None`: by a limit of its own, so that there is nothing to compare.
fn peer_end(error: &wasmi::Error) -> Option<End> {
    let code = match error.as_trap_code()? {
        wasmi::TrapCode::UnreachableCodeReached => TrapCode::Unreachable,
        wasmi::TrapCode::MemoryOutOfBounds => TrapCode::MemoryOutOfBounds,
        wasmi::TrapCode::TableOutOfBounds => TrapCode::TableOutOfBounds,
        wasmi::TrapCode::IndirectCallToNull => TrapCode::IndirectCallToNull,
        wasmi::TrapCode::IntegerDivisionByZero => TrapCode::IntegerDivisionByZero,
        wasmi::TrapCode::IntegerOverflow => TrapCode::IntegerOverflow,
        wasmi::TrapCode::BadConversionToInteger => TrapCode::BadConversionToInteger,
        wasmi::TrapCode::BadSignature => TrapCode::BadSignature,
        _ => return None,
    };
    Some(End::Trap(code, None))
}

fn peer_engine() -> &'static wasmi::Engine {
    static ENGINE: OnceLock<wasmi::Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut config = wasmi::Config::default();
        config.consume_fuel(true).wasm_extended_const(true).set_max_recursion_depth(1_000);
        wasmi::Engine::new(&config)
    })
}

/// `None` where the peer stopped for reasons of its own.
fn on_wasmi(bytes: &[u8], names: &[String], seed: u64) -> Option<Outcome> {
    let engine = peer_engine();
    let module = wasmi::Module::new(engine, bytes).ok()?;
    let limits = profile().limits();
    let limiter = wasmi::StoreLimitsBuilder::new()
        .memory_size((limits.memory_pages as usize) << 16)
        .table_elements(limits.table_entries as usize)
        .build();
    let mut store = wasmi::Store::new(engine, limiter);
    store.limiter(|limiter| limiter);
    store.set_fuel(PEER_FUEL).ok()?;
    let mut out = Outcome::default();
    let mut imports = Vec::new();
    if module.imports().next().is_some() {
        imports.push(wasmi::Extern::Func(wasmi::Func::wrap(&mut store, mix)));
    }
    let instance = match wasmi::Instance::new(&mut store, &module, &imports) {
        Ok(instance) => instance,
        Err(error) => {
            out.ends.push((peer_end(&error)?, 0));
            return Some(out);
        }
    };
    out.ends.push((End::Done(vec![]), 0));
    for name in names {
        let Some(func) = instance.get_func(&store, name) else { continue };
        let ty = func.ty(&store);
        let args: Vec<wasmi::Val> =
            ty.params().iter().enumerate().map(|(at, &ty)| peer_argument(ty, at, seed)).collect();
        let mut results: Vec<wasmi::Val> =
            ty.results().iter().map(|&ty| wasmi::Val::default_for_ty(ty)).collect();
        let end = match func.call(&mut store, &args, &mut results) {
            Ok(()) => End::Done(results.iter().map(peer_value).collect()),
            Err(error) => peer_end(&error)?,
        };
        out.ends.push((end, 0));
    }
    for name in names {
        match instance.get_export(&store, name) {
            Some(wasmi::Extern::Memory(memory)) => out.memories.push(memory.data(&store).to_vec()),
            Some(wasmi::Extern::Global(global)) => out.globals.push(peer_value(&global.get(&store))),
            Some(wasmi::Extern::Table(table)) => {
                let entries = (0..table.size(&store)).map(|at| match table.get(&store, at) {
                    Some(wasmi::Ref::Func(entry)) => entry.is_null(),
                    Some(wasmi::Ref::Extern(entry)) => entry.is_null(),
                    None => panic!("a table has no entry below its size"),
                });
                out.tables.push(entries.collect());
            }
            _ => {}
        }
    }
    Some(out)
}
