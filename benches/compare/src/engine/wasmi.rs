//! wasmi with and without fuel.

use std::error::Error;

use wasmi::{Config, Engine, Linker, Module, Store, TypedFunc};

use super::{GAS, Instance};

struct Loaded {
    store: Store<()>,
    run: TypedFunc<i32, i64>,
    metered: bool,
}

pub fn metered(wasm: &[u8]) -> Result<Box<dyn Instance>, Box<dyn Error>> {
    load(wasm, true)
}

pub fn unmetered(wasm: &[u8]) -> Result<Box<dyn Instance>, Box<dyn Error>> {
    load(wasm, false)
}

fn load(wasm: &[u8], metered: bool) -> Result<Box<dyn Instance>, Box<dyn Error>> {
    let mut config = Config::default();
    config.consume_fuel(metered);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, wasm)?;
    let mut store = Store::new(&engine, ());
    if metered {
        store.set_fuel(GAS)?;
    }
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
    let run = instance.get_typed_func(&store, "run")?;
    Ok(Box::new(Loaded { store, run, metered }))
}

impl Instance for Loaded {
    fn run(&mut self, argument: i32) -> Result<i64, Box<dyn Error>> {
        if self.metered {
            self.store.set_fuel(GAS)?;
        }
        Ok(self.run.call(&mut self.store, argument)?)
    }

    fn gas_used(&self) -> Option<u64> {
        self.store.get_fuel().ok().map(|left| GAS.saturating_sub(left))
    }
}
