//! An instance in a store of a pool, used before by guest and embedder, against one in a new store.

use ghost_wasm::{ExternType, InstancePool, InstancePre, Linker};

use crate::machine::{EngineMachine, Machine, Program, engine_host};
use crate::{Call, Counts, Rng, UNLIMITED};

/// Its imports looked up, if they are functions that a linker can tell apart.
fn resolved(program: &Program<'_>) -> Option<InstancePre<()>> {
    let mut linker = Linker::new(program.module.engine());
    for import in program.module.imports() {
        let ExternType::Func(ty) = import.ty().clone() else { return None };
        linker.func_new(import.module(), import.name(), ty.clone(), engine_host(ty)).ok()?;
    }
    linker.instantiate_pre(program.module).ok()
}

/// Instances one after the other, each used by several calls.
pub fn compare(program: &Program<'_>, calls: &[Call], rng: &mut Rng, what: &str, counts: &mut Counts) {
    let Some(pre) = resolved(program) else { return };
    let mut pool = InstancePool::new(pre, 1);
    let start_gas = EngineMachine::start(program, UNLIMITED).0.gas;
    for round in 0..5 {
        let gas = if rng.chance(80) { UNLIMITED } else { rng.draw() % (start_gas + 1) };
        counts.reused += pool.idle() as u64;
        let (by_new, new) = EngineMachine::start(program, gas);
        let mut store = pool.take(());
        store.fix_gas_slice(program.slice);
        store.set_gas(gas);
        let instance = pool.pre().instantiate(&mut store);
        let (by_pooled, pooled) = EngineMachine::of(program, store, instance);
        assert_eq!(by_new, by_pooled, "{what}: instantiation {round} with gas {gas}, new and pooled");
        let store = match (new, pooled) {
            (Some(mut new), Ok(mut pooled)) => {
                assert!(new.state() == pooled.state(), "{what}: the state of instance {round} differs");
                use_both(&mut new, &mut pooled, calls, rng, &format!("{what}: instance {round}"));
                pooled.into_store()
            }
            (None, Err(store)) => store,
            _ => panic!("{what}: instantiation {round} differs"),
        };
        pool.put(store);
    }
}

fn use_both(new: &mut EngineMachine, pooled: &mut EngineMachine, calls: &[Call], rng: &mut Rng, what: &str) {
    for _ in 0..4 {
        if rng.chance(30) {
            let seed = rng.draw();
            new.meddle(&mut Rng(seed));
            pooled.meddle(&mut Rng(seed));
        }
        let Some(call) = calls.get(rng.below(calls.len())) else { return };
        let gas = if rng.chance(80) { UNLIMITED } else { rng.draw() % 200 };
        let seen = new.call(&call.name, &call.args, gas);
        assert_eq!(seen, pooled.call(&call.name, &call.args, gas), "{what}: {}{:x?}", call.name, call.args);
        if seen.out_of_gas() {
            return;
        }
        assert!(new.state() == pooled.state(), "{what}: the state after {} differs", call.name);
    }
}
