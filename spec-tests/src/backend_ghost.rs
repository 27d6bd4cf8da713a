//! The engine under test: ghost-wasm as a [`Backend`], one store and one linker a script.

use ghost_wasm::{
    Config, Engine, Error, ErrorKind, Extern, Func, FuncType, Global, GlobalType, Instance, Linker, Memory,
    MemoryType, Module, ModuleStream, Profile, Store, Table, TableType, Translation, TrapCode, Val, ValType,
};

use crate::nearest::{self, quoted};
use crate::spectest;
use crate::{Backend, Chunking, Failure, FailureKind, InstanceId, ModuleId, Options, WastVal};

/// The engine, under one profile.
#[derive(Debug)]
pub struct GhostBackend {
    engine: Engine,
    store: Store<()>,
    linker: Linker<()>,
    modules: Vec<Module>,
    instances: Vec<Instance>,
    gas_max: u64,
}

impl GhostBackend {
    /// The engine under a profile.
    pub fn new(profile: Profile) -> GhostBackend {
        GhostBackend::with_translation(profile, Translation::default())
    }

    /// The engine under a profile, with bodies translated then.
    pub fn with_translation(profile: Profile, when: Translation) -> GhostBackend {
        let engine = Engine::new(Config::new(profile).translation(when));
        GhostBackend {
            store: Store::new(&engine, ()),
            linker: Linker::new(&engine),
            modules: Vec::new(),
            instances: Vec::new(),
            gas_max: u64::MAX,
            engine,
        }
    }

    fn set_up_spectest(&mut self) -> Result<(), Error> {
        for (name, params) in spectest::FUNCTIONS {
            let ty = FuncType::new(params.iter().map(|param| param.val_type()), []);
            // Defined in the store, so that every module that imports it gets the same function.
            let func = Func::new(&mut self.store, ty, |_, _, _| Ok(()))?;
            self.linker.define(spectest::MODULE, name, func)?;
        }
        for (name, value) in spectest::GLOBALS {
            let value = from_script(*value).unwrap_or(Val::I32(0));
            let ty = GlobalType { content: value.ty(), mutable: false };
            let global = Global::new(&mut self.store, ty, value)?;
            self.linker.define(spectest::MODULE, name, global)?;
        }
        let (name, min, max) = spectest::TABLE;
        let ty = TableType { element: ValType::FuncRef, min, max: Some(max) };
        let table = Table::new(&mut self.store, ty, Val::FuncRef(None))?;
        self.linker.define(spectest::MODULE, name, table)?;
        let (name, min, max) = spectest::MEMORY;
        let memory = Memory::new(&mut self.store, MemoryType { min, max: Some(max) })?;
        self.linker.define(spectest::MODULE, name, memory)?;
        Ok(())
    }

    fn export(&self, instance: InstanceId, name: &str) -> Result<Extern, Failure> {
        let found = self.instances.get(instance.0);
        let instance = found.ok_or_else(|| Failure::new(FailureKind::Other, "no such instance"))?;
        match instance.try_get_export(&self.store, name).map_err(failure)? {
            Some(export) => Ok(export),
            None => {
                let text = format!("no export is called {}; {}", quoted(name), self.exports(instance, name)?);
                Err(Failure::new(FailureKind::Other, text))
            }
        }
    }

    /// What an instance exports, for a message about `wanted`.
    fn exports(&self, instance: &Instance, wanted: &str) -> Result<String, Failure> {
        let exports = instance.exports(&self.store).map_err(failure)?;
        Ok(nearest::exports(wanted, exports.map(|(name, export)| (name.to_owned(), kind(export)))))
    }

    /// The error about an export that is not what a script takes it for.
    fn other_kind(&self, instance: InstanceId, name: &str, found: Extern, wanted: &str) -> Failure {
        let exports = self.instances.get(instance.0).map(|instance| self.exports(instance, name));
        let exports = match exports {
            Some(Ok(exports)) => format!("; {exports}"),
            _ => String::new(),
        };
        let text = format!("the export {} is no {wanted} but a {}{exports}", quoted(name), kind(found));
        Failure::new(FailureKind::Other, text)
    }
}

impl Backend for GhostBackend {
    fn begin(&mut self, options: &Options) -> Result<(), Failure> {
        self.store = Store::new(&self.engine, ());
        self.store.fix_gas_slice(options.gas_slice);
        self.linker = Linker::new(&self.engine);
        self.modules.clear();
        self.instances.clear();
        self.gas_max = options.gas_max;
        self.set_up_spectest().map_err(failure)
    }

    fn compile(&mut self, wasm: &[u8], chunking: Chunking) -> Result<ModuleId, Failure> {
        let mut stream = ModuleStream::new(&self.engine);
        for piece in chunking.pieces(wasm) {
            stream.feed(piece).map_err(failure)?;
        }
        self.modules.push(stream.finish().map_err(failure)?);
        Ok(ModuleId(self.modules.len() - 1))
    }

    fn instantiate(&mut self, module: ModuleId) -> Result<InstanceId, Failure> {
        let module = self.modules.get(module.0);
        let module = module.ok_or_else(|| Failure::new(FailureKind::Other, "no such module"))?;
        self.store.set_gas(self.gas_max);
        let instance = self.linker.instantiate(&mut self.store, module).map_err(failure)?;
        self.instances.push(instance);
        Ok(InstanceId(self.instances.len() - 1))
    }

    fn register(&mut self, name: &str, instance: InstanceId) -> Result<(), Failure> {
        let found = self.instances.get(instance.0).copied();
        let instance = found.ok_or_else(|| Failure::new(FailureKind::Other, "no such instance"))?;
        self.linker.instance(&mut self.store, name, instance).map(|_| ()).map_err(failure)
    }

    fn invoke(
        &mut self,
        instance: InstanceId,
        export: &str,
        args: &[WastVal],
    ) -> Result<Vec<WastVal>, Failure> {
        let func = match self.export(instance, export)? {
            Extern::Func(func) => func,
            other => return Err(self.other_kind(instance, export, other, "function")),
        };
        let args: Option<Vec<Val>> = args.iter().map(|arg| from_script(*arg)).collect();
        let unknown = || Failure::new(FailureKind::Unsupported, "a function reference that is not null");
        let args = args.ok_or_else(unknown)?;
        let ty = func.try_ty(&self.store).map_err(failure)?;
        let mut results: Vec<Val> = ty.results().iter().map(|&ty| Val::default_for(ty)).collect();
        self.store.set_gas(self.gas_max);
        func.call(&mut self.store, &args, &mut results).map_err(failure)?;
        Ok(results.into_iter().map(to_script).collect())
    }

    fn global(&mut self, instance: InstanceId, export: &str) -> Result<WastVal, Failure> {
        match self.export(instance, export)? {
            Extern::Global(global) => global.try_get(&self.store).map(to_script).map_err(failure),
            other => Err(self.other_kind(instance, export, other, "global")),
        }
    }
}

fn kind(export: Extern) -> &'static str {
    match export {
        Extern::Func(_) => "function",
        Extern::Table(_) => "table",
        Extern::Memory(_) => "memory",
        Extern::Global(_) => "global",
    }
}

fn failure(error: Error) -> Failure {
    let kind = match error.spec_code().kind() {
        ErrorKind::Malformed => FailureKind::Malformed,
        ErrorKind::Invalid => FailureKind::Invalid,
        ErrorKind::Link => FailureKind::Link,
        ErrorKind::Trap if error.trap().is_some_and(|trap| trap.code() == TrapCode::StackExhausted) => {
            FailureKind::Exhaustion
        }
        ErrorKind::Trap => FailureKind::Trap,
        ErrorKind::Limit => FailureKind::Limit,
        ErrorKind::Unsupported => FailureKind::Unsupported,
        _ => FailureKind::Other,
    };
    Failure::of_module(kind, &error)
}

/// `None` for a function that only the script knows.
fn from_script(value: WastVal) -> Option<Val> {
    Some(match value {
        WastVal::I32(value) => Val::I32(value),
        WastVal::I64(value) => Val::I64(value),
        WastVal::F32(bits) => Val::F32(bits),
        WastVal::F64(bits) => Val::F64(bits),
        WastVal::FuncRef { null: true } => Val::FuncRef(None),
        WastVal::FuncRef { null: false } => return None,
        WastVal::ExternRef(host) => Val::ExternRef(host),
    })
}

fn to_script(value: Val) -> WastVal {
    match value {
        Val::I32(value) => WastVal::I32(value),
        Val::I64(value) => WastVal::I64(value),
        Val::F32(bits) => WastVal::F32(bits),
        Val::F64(bits) => WastVal::F64(bits),
        Val::FuncRef(func) => WastVal::FuncRef { null: func.is_none() },
        Val::ExternRef(host) => WastVal::ExternRef(host),
    }
}
