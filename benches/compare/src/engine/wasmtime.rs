//! wasmtime: native code by Cranelift, and Pulley, its interpreter of portable code that Cranelift makes.

use ::wasmtime::{Caller, Config, Engine, Extern, Instance, Linker, Module, Store, TypedFunc};

use super::host::{define_contract_host, input_of, typed_entry};
use super::{Entry, Failure, GAS, Input, Peer, Questions, Returned};

struct Wasmtime {
    engine: Engine,
    linker: Linker<Input>,
    metered: bool,
}

typed_entry!();

pub fn cranelift() -> Result<Box<dyn Questions>, Failure> {
    make(None, false)
}

pub fn cranelift_metered() -> Result<Box<dyn Questions>, Failure> {
    make(None, true)
}

pub fn pulley_metered() -> Result<Box<dyn Questions>, Failure> {
    make(Some("pulley64"), true)
}

fn make(target: Option<&str>, metered: bool) -> Result<Box<dyn Questions>, Failure> {
    let mut config = Config::new();
    config.consume_fuel(metered);
    if let Some(target) = target {
        config.target(target)?;
    }
    let engine = Engine::new(&config)?;
    let mut linker = Linker::new(&engine);
    define_contract_host!(linker, Caller, Extern::Memory);
    Ok(Box::new(Wasmtime { engine, linker, metered }))
}

impl Peer for Wasmtime {
    type Module = Module;
    type Live = (Store<Input>, Typed);

    fn compile(&self, wasm: &[u8]) -> Result<Module, Failure> {
        Ok(Module::new(&self.engine, wasm)?)
    }

    fn instantiate(&self, module: &Module, entry: Entry) -> Result<Self::Live, Failure> {
        let mut store = Store::new(&self.engine, input_of(entry));
        if self.metered {
            store.set_fuel(GAS)?;
        }
        let instance = self.linker.instantiate(&mut store, module)?;
        let entry = Typed::find(&mut store, instance, entry)?;
        Ok((store, entry))
    }

    fn call(&self, (store, entry): &mut Self::Live, argument: i32) -> Result<Returned, Failure> {
        if self.metered {
            store.set_fuel(GAS)?;
        }
        let value = entry.call(store, argument)?;
        Ok(Returned { value, gas_used: store.get_fuel().ok().map(|left| GAS.saturating_sub(left)) })
    }

    fn validate(&self, wasm: &[u8]) -> Result<(), Failure> {
        Ok(Module::validate(&self.engine, wasm)?)
    }
}
