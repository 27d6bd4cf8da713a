//! ghost-wasm as a host of many short calls uses it: host functions resolved once, stores used again.

use std::cell::RefCell;
use std::rc::Rc;

use ghost_wasm::{
    Caller, Config, Engine, Extern, Instance, InstancePool, Linker, Module, Profile, Store, TypedFunc,
};

use super::host::{define_contract_host, input_of, typed_entry};
use super::{Entry, Failure, GAS, Input, Peer, Questions, Returned, ghost_used};

/// Stores that wait to be used again.
const IDLE_COUNT: usize = 4;

struct GhostPool {
    engine: Engine,
    linker: Linker<Input>,
}

typed_entry!();

type Pool = Rc<RefCell<InstancePool<Input>>>;

/// An instance whose store goes back to where it came from.
struct Lent {
    store: Option<Store<Input>>,
    entry: Typed,
    pool: Pool,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(store) = self.store.take() {
            self.pool.borrow_mut().put(store);
        }
    }
}

pub fn make() -> Result<Box<dyn Questions>, Failure> {
    let engine = Engine::new(&Config::new(Profile::WASM_2_EXT));
    let mut linker = Linker::new(&engine);
    define_contract_host!(linker, Caller, Extern::Memory);
    Ok(Box::new(GhostPool { engine, linker }))
}

impl Peer for GhostPool {
    type Module = Pool;
    type Live = Lent;

    fn compile(&self, wasm: &[u8]) -> Result<Pool, Failure> {
        let module = Module::new(&self.engine, wasm)?;
        let pre = self.linker.instantiate_pre(&module)?;
        Ok(Rc::new(RefCell::new(InstancePool::new(pre, IDLE_COUNT))))
    }

    fn instantiate(&self, pool: &Pool, entry: Entry) -> Result<Lent, Failure> {
        let mut store = pool.borrow_mut().take(input_of(entry));
        store.set_gas(GAS);
        let instance = pool.borrow().pre().instantiate(&mut store)?;
        let entry = Typed::find(&mut store, instance, entry)?;
        Ok(Lent { store: Some(store), entry, pool: Rc::clone(pool) })
    }

    fn call(&self, live: &mut Lent, argument: i32) -> Result<Returned, Failure> {
        let store = live.store.as_mut().ok_or("the store is gone")?;
        store.set_gas(GAS);
        let value = live.entry.call(store, argument)?;
        Ok(Returned { value, gas_used: ghost_used(store.gas_left()) })
    }
}
