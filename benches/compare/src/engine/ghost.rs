//! ghost-wasm with gas on: there is no other way to run it.

use std::error::Error;

use ghost_wasm::{Config, Engine, Linker, Module, Profile, Store, TypedFunc};

use super::{GAS, Instance};

struct Loaded {
    store: Store<()>,
    run: TypedFunc<(i32,), i64>,
}

pub fn load(wasm: &[u8]) -> Result<Box<dyn Instance>, Box<dyn Error>> {
    let engine = Engine::new(&Config::new(Profile::WASM_2_EXT));
    let module = Module::new(&engine, wasm)?;
    let mut store = Store::new(&engine, ());
    store.set_gas(GAS);
    let instance = Linker::new(&engine).instantiate(&mut store, &module)?;
    let run = instance.get_typed_func(&store, "run")?;
    Ok(Box::new(Loaded { store, run }))
}

impl Instance for Loaded {
    fn run(&mut self, argument: i32) -> Result<i64, Box<dyn Error>> {
        self.store.set_gas(GAS);
        Ok(self.run.call(&mut self.store, (argument,))?)
    }

    fn gas_used(&self) -> Option<u64> {
        Some(GAS.saturating_sub(self.store.gas_left()))
    }
}
