//! silverfir-nano's interpreter. It has no gas of any kind, and a module of it serves one instance: each
//! instantiation starts from the bytes.

use sf_nano_core::{Config, Engine, Func, Instance, Module, Tier, Value};

use super::{Entry, Failure, Peer, Questions, Returned, run_only};

struct Silverfir {
    engine: Engine,
}

pub fn make() -> Result<Box<dyn Questions>, Failure> {
    let config = Config::new().tier(Tier::Interp);
    let engine = Engine::new(config).map_err(|why| format!("{why:?}"))?;
    Ok(Box::new(Silverfir { engine }))
}

impl Peer for Silverfir {
    type Module = Vec<u8>;
    type Live = (Instance, Func);

    fn compile(&self, wasm: &[u8]) -> Result<Vec<u8>, Failure> {
        Ok(wasm.to_vec())
    }

    fn instantiate(&self, module: &Vec<u8>, entry: Entry) -> Result<Self::Live, Failure> {
        run_only(entry)?;
        let instance = Instance::new(&self.engine, module, &[]).map_err(|why| format!("{why:?}"))?;
        let run = instance.get_func("run").ok_or("no function `run`")?;
        Ok((instance, run))
    }

    fn call(&self, (instance, run): &mut Self::Live, argument: i32) -> Result<Returned, Failure> {
        let mut results = [Value::I64(0)];
        let called = instance.call(run, &[Value::I32(argument)], &mut results);
        called.map_err(|why| format!("{why:?}"))?;
        match results {
            [Value::I64(value)] => Ok(Returned { value, gas_used: None }),
            [other] => Err(format!("not an i64: {other:?}").into()),
        }
    }

    fn validate(&self, wasm: &[u8]) -> Result<(), Failure> {
        Module::new("main", wasm).map(drop).map_err(|why| format!("{why:?}").into())
    }

    fn translate(&self, _wasm: &[u8]) -> Result<(), Failure> {
        Err("translates only what it instantiates, with every import given".into())
    }
}
