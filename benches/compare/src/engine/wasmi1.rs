//! wasmi 1, translating everything at once: of the well-known interpreters the fastest at that.

use ::wasmi1::{Caller, CompilationMode, Config, Engine, Extern, Instance, Linker, Module, Store, TypedFunc};

use super::host::{define_contract_host, input_of, typed_entry};
use super::{Entry, Failure, GAS, Input, Peer, Questions, Returned};

struct Wasmi {
    engine: Engine,
    linker: Linker<Input>,
    metered: bool,
}

typed_entry!();

pub fn eager() -> Result<Box<dyn Questions>, Failure> {
    make(false, CompilationMode::Eager)
}

fn make(metered: bool, mode: CompilationMode) -> Result<Box<dyn Questions>, Failure> {
    let mut config = Config::default();
    config.consume_fuel(metered).compilation_mode(mode);
    let engine = Engine::new(&config);
    let mut linker = Linker::new(&engine);
    define_contract_host!(linker, Caller, Extern::Memory);
    Ok(Box::new(Wasmi { engine, linker, metered }))
}

impl Peer for Wasmi {
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
        let instance = self.linker.instantiate_and_start(&mut store, module)?;
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
