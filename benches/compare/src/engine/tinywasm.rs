//! tinywasm, with and without fuel.

use ::tinywasm::{ExecProgress, FunctionTyped, Module, ModuleInstance, Store, parse_bytes};

use super::{Entry, Failure, Peer, Questions, Returned, run_only};

struct Tinywasm {
    metered: bool,
}

pub fn metered() -> Result<Box<dyn Questions>, Failure> {
    Ok(Box::new(Tinywasm { metered: true }))
}

pub fn unmetered() -> Result<Box<dyn Questions>, Failure> {
    Ok(Box::new(Tinywasm { metered: false }))
}

impl Peer for Tinywasm {
    type Module = Module;
    type Live = (Store, FunctionTyped<i32, i64>);

    fn compile(&self, wasm: &[u8]) -> Result<Module, Failure> {
        Ok(parse_bytes(wasm)?)
    }

    fn instantiate(&self, module: &Module, entry: Entry) -> Result<Self::Live, Failure> {
        run_only(entry)?;
        let mut store = Store::default();
        let instance = ModuleInstance::instantiate(&mut store, module, None)?;
        let run = instance.func(&store, "run")?;
        Ok((store, run))
    }

    fn call(&self, (store, run): &mut Self::Live, argument: i32) -> Result<Returned, Failure> {
        if !self.metered {
            return Ok(Returned { value: run.call(store, argument)?, gas_used: None });
        }
        let mut running = run.call_resumable(store, argument)?;
        loop {
            // Its fuel is 32 bits wide and counted while it runs out; what was used is not told.
            if let ExecProgress::Completed(value) = running.resume_with_fuel(u32::MAX)? {
                return Ok(Returned { value, gas_used: None });
            }
        }
    }
}
