//! The oracle under test: the naive interpreter as a [`Backend`]. It has no gas slices, and it also counts
//! which operators the scripts executed.

use std::sync::Arc;

use ghost_wasm::internals::Op;
use ghost_wasm::{ErrorKind, FuncType, GlobalType, MemoryType, Profile, TableType, TrapCode, ValType};
use ghost_wasm_oracle::{Error, Extern, InstanceAddr, Linker, Module, ModuleStream, Store, Val};

use crate::spectest;
use crate::{Backend, Chunking, Failure, FailureKind, InstanceId, ModuleId, Options, WastVal};

/// The oracle, under one profile.
#[derive(Debug)]
pub struct OracleBackend {
    profile: Profile,
    store: Store,
    linker: Linker,
    modules: Vec<Arc<Module>>,
    instances: Vec<InstanceAddr>,
    gas_max: u64,
    op_counts: Vec<u64>,
}

impl OracleBackend {
    /// The oracle under a profile.
    pub fn new(profile: Profile) -> OracleBackend {
        OracleBackend {
            store: Store::new(&profile),
            profile,
            linker: Linker::new(),
            modules: Vec::new(),
            instances: Vec::new(),
            gas_max: u64::MAX,
            op_counts: vec![0; Op::ALL.len()],
        }
    }

    /// How often each operator was executed in all scripts so far, in the order of [`Op::ALL`].
    pub fn op_counts(&self) -> Vec<(Op, u64)> {
        let now = self.op_counts.iter().zip(self.store.op_counts()).map(|(before, now)| before + now);
        Op::ALL.iter().copied().zip(now).collect()
    }

    fn set_up_spectest(&mut self) -> Result<(), Error> {
        let mut define = |name, item| self.linker.define(spectest::MODULE, name, item);
        for (name, params) in spectest::FUNCTIONS {
            let ty = FuncType::new(params.iter().map(|param| param.val_type()), []);
            define(name, Extern::Func(self.store.new_func(ty, |_, _, _| Ok(Vec::new()))));
        }
        for (name, value) in spectest::GLOBALS {
            let value = from_script(*value).ok_or(Error::Usage("a global of no type"))?;
            let ty = GlobalType { content: value.ty(), mutable: false };
            define(name, Extern::Global(self.store.new_global(ty, value)?));
        }
        let (name, min, max) = spectest::TABLE;
        let ty = TableType { element: ValType::FuncRef, min, max: Some(max) };
        define(name, Extern::Table(self.store.new_table(ty, Val::FuncRef(None))?));
        let (name, min, max) = spectest::MEMORY;
        define(name, Extern::Memory(self.store.new_memory(MemoryType { min, max: Some(max) })?));
        Ok(())
    }

    fn export(&self, instance: InstanceId, name: &str) -> Result<Extern, Failure> {
        let addr = self.instances.get(instance.0).copied();
        addr.and_then(|addr| self.store.export(addr, name))
            .ok_or_else(|| Failure::new(FailureKind::Other, format!("no export {name:?}")))
    }
}

impl Backend for OracleBackend {
    fn begin(&mut self, options: &Options) -> Result<(), Failure> {
        for (sum, count) in self.op_counts.iter_mut().zip(self.store.op_counts()) {
            *sum += count;
        }
        self.store = Store::new(&self.profile);
        self.linker = Linker::new();
        self.modules.clear();
        self.instances.clear();
        self.gas_max = options.gas_max;
        self.set_up_spectest().map_err(failure)
    }

    fn compile(&mut self, wasm: &[u8], chunking: Chunking) -> Result<ModuleId, Failure> {
        let mut stream = ModuleStream::new(&self.profile);
        for piece in chunking.pieces(wasm) {
            stream.feed(piece).map_err(failure)?;
        }
        self.modules.push(stream.finish().map_err(failure)?);
        Ok(ModuleId(self.modules.len() - 1))
    }

    fn instantiate(&mut self, module: ModuleId) -> Result<InstanceId, Failure> {
        let module = self.modules.get(module.0).cloned();
        let module = module.ok_or_else(|| Failure::new(FailureKind::Other, "no such module"))?;
        self.store.set_gas(self.gas_max);
        let instance = self.linker.instantiate(&mut self.store, &module).map_err(failure)?;
        self.instances.push(instance);
        Ok(InstanceId(self.instances.len() - 1))
    }

    fn register(&mut self, name: &str, instance: InstanceId) -> Result<(), Failure> {
        let addr = self.instances.get(instance.0).copied();
        let addr = addr.ok_or_else(|| Failure::new(FailureKind::Other, "no such instance"))?;
        self.linker.define_instance(&self.store, name, addr);
        Ok(())
    }

    fn invoke(
        &mut self,
        instance: InstanceId,
        export: &str,
        args: &[WastVal],
    ) -> Result<Vec<WastVal>, Failure> {
        let Extern::Func(func) = self.export(instance, export)? else {
            return Err(Failure::new(FailureKind::Other, format!("{export:?} is no function")));
        };
        let args: Option<Vec<Val>> = args.iter().map(|arg| from_script(*arg)).collect();
        let unknown = || Failure::new(FailureKind::Unsupported, "a function reference that is not null");
        self.store.set_gas(self.gas_max);
        let results = self.store.invoke(func, &args.ok_or_else(unknown)?).map_err(failure)?;
        Ok(results.into_iter().map(to_script).collect())
    }

    fn global(&mut self, instance: InstanceId, export: &str) -> Result<WastVal, Failure> {
        let value = match self.export(instance, export)? {
            Extern::Global(global) => self.store.global(global),
            _ => None,
        };
        let none = || Failure::new(FailureKind::Other, format!("{export:?} is no global"));
        value.map(to_script).ok_or_else(none)
    }
}

fn failure(error: Error) -> Failure {
    let spec_kind = match &error {
        Error::Module(error) => Some(error.spec_code().kind()),
        other => other.kind(),
    };
    let kind = match spec_kind {
        Some(ErrorKind::Malformed) => FailureKind::Malformed,
        Some(ErrorKind::Invalid) => FailureKind::Invalid,
        Some(ErrorKind::Link) => FailureKind::Link,
        Some(ErrorKind::Trap) if error.trap_code() == Some(TrapCode::StackExhausted) => {
            FailureKind::Exhaustion
        }
        Some(ErrorKind::Trap) => FailureKind::Trap,
        Some(ErrorKind::Limit) => FailureKind::Limit,
        Some(ErrorKind::Unsupported) => FailureKind::Unsupported,
        _ => FailureKind::Other,
    };
    match &error {
        Error::Module(error) => Failure::of_module(kind, error),
        other => Failure::new(kind, other.to_string()),
    }
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
