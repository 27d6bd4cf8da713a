//! silverfir-nano's interpreter. It has no gas of any kind.

use std::error::Error;

use sf_nano_core::{Config, Engine, Func, Instance as Live, Tier, Value};

use super::Instance;

struct Loaded {
    instance: Live,
    run: Func,
}

pub fn load(wasm: &[u8]) -> Result<Box<dyn Instance>, Box<dyn Error>> {
    let engine = Engine::new(Config::new().tier(Tier::Interp)).map_err(|why| format!("{why:?}"))?;
    let instance = Live::new(&engine, wasm, &[]).map_err(|why| format!("{why:?}"))?;
    let run = instance.get_func("run").ok_or("no function `run`")?;
    Ok(Box::new(Loaded { instance, run }))
}

impl Instance for Loaded {
    fn run(&mut self, argument: i32) -> Result<i64, Box<dyn Error>> {
        let mut results = [Value::I64(0)];
        let called = self.instance.call(&self.run, &[Value::I32(argument)], &mut results);
        called.map_err(|why| format!("{why:?}"))?;
        match results {
            [Value::I64(result)] => Ok(result),
            [other] => Err(format!("not an i64: {other:?}").into()),
        }
    }

    fn gas_used(&self) -> Option<u64> {
        None
    }
}
