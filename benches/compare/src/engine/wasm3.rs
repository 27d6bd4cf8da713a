//! Wasm3, which is written in C and has no gas.

use wasm3x::{CompilationMode, Config, Engine, Linker, Module, Store, TypedFunc};

use super::{Entry, Failure, Peer, Questions, Returned, run_only};

struct Wasm3 {
    engine: Engine,
}

/// Translating at the first call, its default.
pub fn make() -> Result<Box<dyn Questions>, Failure> {
    let mut config = Config::new();
    config.compilation_mode(CompilationMode::Lazy);
    Ok(Box::new(Wasm3 { engine: Engine::new(&config) }))
}

impl Peer for Wasm3 {
    type Module = Module;
    type Live = (Store<()>, TypedFunc<i32, i64>);

    fn compile(&self, wasm: &[u8]) -> Result<Module, Failure> {
        Ok(Module::new(&self.engine, wasm)?)
    }

    fn instantiate(&self, module: &Module, entry: Entry) -> Result<Self::Live, Failure> {
        run_only(entry)?;
        let mut store = Store::new(&self.engine, ());
        let instance = Linker::new(&self.engine).instantiate_and_start(&mut store, module)?;
        let run = instance.get_typed_func(&store, "run")?;
        Ok((store, run))
    }

    fn call(&self, (store, run): &mut Self::Live, argument: i32) -> Result<Returned, Failure> {
        Ok(Returned { value: run.call(store, argument)?, gas_used: None })
    }

    fn translate(&self, _wasm: &[u8]) -> Result<(), Failure> {
        Err("translates at the first call".into())
    }
}
