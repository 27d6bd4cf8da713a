//! ghost-wasm with gas on. There is no other way to run it but a build without charges, which only the
//! measurement of their cost makes.

use ghost_wasm::internals::{NoSink, Stream};
use ghost_wasm::{
    Caller, Config, Engine, Extern, Instance, Linker, Module, ModuleStream, Profile, Store, Translation,
    TypedFunc,
};

use super::host::{define_contract_host, input_of, typed_entry};
use super::{Entry, Failure, GAS, Input, Peer, Questions, Returned, ghost_used};

/// What a datagram of the loader carries.
const CHUNK_BYTES: usize = 1200;

struct Ghost {
    engine: Engine,
    linker: Linker<Input>,
    chunk_bytes: usize,
}

typed_entry!();

/// Modules are fed as a whole.
pub fn whole() -> Result<Box<dyn Questions>, Failure> {
    make(usize::MAX, Translation::Eager)
}

/// Modules are fed as they arrive from the network.
pub fn chunks() -> Result<Box<dyn Questions>, Failure> {
    make(CHUNK_BYTES, Translation::Eager)
}

/// Functions are translated when they are first called.
pub fn lazy() -> Result<Box<dyn Questions>, Failure> {
    make(usize::MAX, Translation::Lazy)
}

fn make(chunk_bytes: usize, translation: Translation) -> Result<Box<dyn Questions>, Failure> {
    let engine = Engine::new(Config::new(Profile::WASM_2_EXT).translation(translation));
    let mut linker = Linker::new(&engine);
    define_contract_host!(linker, Caller, Extern::Memory);
    Ok(Box::new(Ghost { engine, linker, chunk_bytes }))
}

impl Peer for Ghost {
    type Module = Module;
    type Live = (Store<Input>, Typed);

    fn compile(&self, wasm: &[u8]) -> Result<Module, Failure> {
        if wasm.len() <= self.chunk_bytes {
            return Ok(Module::new(&self.engine, wasm)?);
        }
        let mut stream = ModuleStream::new(&self.engine);
        for chunk in wasm.chunks(self.chunk_bytes) {
            stream.feed(chunk)?;
        }
        Ok(stream.finish()?)
    }

    fn instantiate(&self, module: &Module, entry: Entry) -> Result<Self::Live, Failure> {
        let mut store = Store::new(&self.engine, input_of(entry));
        store.set_gas(GAS);
        let instance = self.linker.instantiate(&mut store, module)?;
        let entry = Typed::find(&mut store, instance, entry)?;
        Ok((store, entry))
    }

    fn call(&self, (store, entry): &mut Self::Live, argument: i32) -> Result<Returned, Failure> {
        store.set_gas(GAS);
        let value = entry.call(store, argument)?;
        Ok(Returned { value, gas_used: ghost_used(store.gas_left()) })
    }

    fn validate(&self, wasm: &[u8]) -> Result<(), Failure> {
        let mut stream = Stream::new(&self.engine, NoSink);
        for chunk in wasm.chunks(self.chunk_bytes) {
            stream.feed(chunk)?;
        }
        stream.finish()?;
        Ok(())
    }
}
