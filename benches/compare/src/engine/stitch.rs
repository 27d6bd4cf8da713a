//! Stitch. It has no gas; it panics on some valid modules.

use makepad_stitch::{Engine, Func, Linker, Module, Store, Val};

use super::{Entry, Failure, Peer, Questions, Returned, run_only};

struct Stitch {
    engine: Engine,
    linker: Linker,
}

pub fn make() -> Result<Box<dyn Questions>, Failure> {
    Ok(Box::new(Stitch { engine: Engine::new(), linker: Linker::new() }))
}

impl Peer for Stitch {
    type Module = Module;
    type Live = (Store, Func);

    fn compile(&self, wasm: &[u8]) -> Result<Module, Failure> {
        Ok(Module::new(&self.engine, wasm)?)
    }

    fn instantiate(&self, module: &Module, entry: Entry) -> Result<Self::Live, Failure> {
        run_only(entry)?;
        let mut store = Store::new(self.engine.clone());
        let instance = self.linker.instantiate(&mut store, module)?;
        let run = instance.exported_func("run").ok_or("no function `run`")?;
        Ok((store, run))
    }

    fn call(&self, (store, run): &mut Self::Live, argument: i32) -> Result<Returned, Failure> {
        let mut results = [Val::I64(0)];
        run.call(store, &[Val::I32(argument)], &mut results)?;
        let value = results[0].to_i64().ok_or("not an i64")?;
        Ok(Returned { value, gas_used: None })
    }

    fn translate(&self, _wasm: &[u8]) -> Result<(), Failure> {
        Err("translates at the first call".into())
    }
}
