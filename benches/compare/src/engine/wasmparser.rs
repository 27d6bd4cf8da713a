//! wasmparser, which validates and does nothing else: the rate that validation is measured by.

use ::wasmparser::{Validator, WasmFeatures};

use super::{Entry, Failure, Peer, Questions, Returned};

struct Wasmparser;

pub fn make() -> Result<Box<dyn Questions>, Failure> {
    Ok(Box::new(Wasmparser))
}

impl Peer for Wasmparser {
    type Module = ();
    type Live = ();

    fn compile(&self, _: &[u8]) -> Result<(), Failure> {
        Err("only validates".into())
    }

    fn instantiate(&self, (): &(), _: Entry) -> Result<(), Failure> {
        Err("only validates".into())
    }

    fn call(&self, (): &mut (), _: i32) -> Result<Returned, Failure> {
        Err("only validates".into())
    }

    fn validate(&self, wasm: &[u8]) -> Result<(), Failure> {
        Validator::new_with_features(WasmFeatures::WASM2).validate_all(wasm)?;
        Ok(())
    }
}
