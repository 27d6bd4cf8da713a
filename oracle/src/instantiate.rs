//! Instantiation, in the order of the specification 2.0: imports are matched, tables and memories are
//! allocated (too large for the profile: an error, and no gas used), globals and then the references of all
//! element segments are evaluated, active element segments are applied in
//! order, then active data segments, then the start function is called. What was written stays when a
//! later step traps, under every profile: the suite for 1.0 expects the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use ghost_wasm::ExternType;
use ghost_wasm::internals::{Import, Op, SegmentMode};

use crate::constant::Scope;
use crate::error::Error;
use crate::instance::Instance;
use crate::module::Module;
use crate::store::{Func, FuncKind, Global, Store};
use crate::value::{Extern, GlobalAddr, InstanceAddr, Val};

/// Definitions by module and name.
#[derive(Clone, Debug, Default)]
pub struct Linker {
    definitions: BTreeMap<(String, String), Extern>,
}

impl Linker {
    /// A linker without definitions.
    pub fn new() -> Linker {
        Linker::default()
    }

    /// Defines, or defines anew.
    pub fn define(&mut self, module: &str, name: &str, item: Extern) {
        self.definitions.insert((module.to_owned(), name.to_owned()), item);
    }

    /// Defines all exports of an instance.
    pub fn define_instance(&mut self, store: &Store, module: &str, instance: InstanceAddr) {
        for (name, item) in store.exports(instance) {
            self.define(module, &name, item);
        }
    }

    /// What each import of a module means, in order.
    pub fn resolve(&self, module: &Module) -> Result<Vec<Extern>, Error> {
        let find = |import: &Import| {
            let key = (import.module.to_string(), import.name.to_string());
            self.definitions.get(&key).copied().ok_or_else(|| link_error("unknown import", import))
        };
        module.data().imports.iter().map(find).collect()
    }

    /// Resolves the imports and instantiates.
    pub fn instantiate(&self, store: &mut Store, module: &Arc<Module>) -> Result<InstanceAddr, Error> {
        let imports = self.resolve(module)?;
        store.instantiate(module, &imports)
    }
}

fn link_error(text: &'static str, import: &Import) -> Error {
    Error::Link { text, module: import.module.to_string(), name: import.name.to_string() }
}

impl Store {
    /// Instantiates a module, `imports` in its order, and runs its start function.
    pub fn instantiate(&mut self, module: &Arc<Module>, imports: &[Extern]) -> Result<InstanceAddr, Error> {
        let mut instance = self.match_imports(module, imports)?;
        self.evaluate_and_allocate(module, &mut instance)?;
        let (funcs, globals) = (instance.funcs.clone(), instance.globals.clone());
        let scope = Scope { funcs: &funcs, globals: &globals };
        self.instances.push(instance);
        let addr = InstanceAddr(self.instances.len() as u32 - 1);
        self.apply_elems(module, addr, scope)?;
        self.apply_datas(module, addr, scope)?;
        if let Some(start) = module.data().start {
            let func = self.instance(addr)?.func(start)?;
            self.invoke(func, &[])?;
        }
        Ok(addr)
    }

    fn match_imports(&self, module: &Arc<Module>, imports: &[Extern]) -> Result<Instance, Error> {
        let mut instance = Instance {
            module: module.clone(),
            funcs: Vec::new(),
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            elems: Vec::new(),
            dropped_datas: Vec::new(),
        };
        let wanted = &module.data().imports;
        if wanted.len() != imports.len() {
            return Err(Error::Usage("not as many imports as the module names"));
        }
        for (import, given) in wanted.iter().zip(imports) {
            let ty = module.data().extern_type(import.kind, import.index);
            let ty = ty.ok_or(Error::Bug("an import without a type"))?;
            if !self.matches(*given, &ty)? {
                return Err(link_error("incompatible import type", import));
            }
            match *given {
                Extern::Func(addr) => instance.funcs.push(addr),
                Extern::Table(addr) => instance.tables.push(addr),
                Extern::Memory(addr) => instance.memories.push(addr),
                Extern::Global(addr) => instance.globals.push(addr),
            }
        }
        Ok(instance)
    }

    /// Whether something may stand for an import. Tables and memories count with the size they have now.
    fn matches(&self, given: Extern, wanted: &ExternType) -> Result<bool, Error> {
        Ok(match (given, wanted) {
            (Extern::Func(func), ExternType::Func(wanted)) => self.func(func)?.ty == *wanted,
            (Extern::Table(table), ExternType::Table(wanted)) => {
                let ty = self.table_inst(table)?.ty();
                ty.element == wanted.element && limits_match((ty.min, ty.max), (wanted.min, wanted.max))
            }
            (Extern::Memory(memory), ExternType::Memory(wanted)) => {
                let ty = self.memory_inst(memory)?.ty();
                limits_match((ty.min, ty.max), (wanted.min, wanted.max))
            }
            (Extern::Global(global), ExternType::Global(wanted)) => self.global_inst(global)?.ty == *wanted,
            _ => false,
        })
    }

    /// Gives the instance what it does not import. Functions come first, because references name them.
    fn evaluate_and_allocate(&mut self, module: &Arc<Module>, instance: &mut Instance) -> Result<(), Error> {
        let data = module.data();
        let env = &data.env;
        let addr = InstanceAddr(self.instances.len() as u32);
        for index in env.imported_funcs..env.funcs.len() as u32 {
            let kind = FuncKind::Wasm(addr, index);
            let func = self.add_func(Func { ty: module.func_type(index)?.clone(), kind });
            instance.funcs.push(func);
        }
        for ty in env.tables.iter().skip(env.imported_tables as usize) {
            let table = self.new_table(*ty, Val::zero(ty.element))?;
            instance.tables.push(table);
        }
        for ty in env.memories.iter().skip(env.imported_memories as usize) {
            let memory = self.new_memory(*ty)?;
            instance.memories.push(memory);
        }
        let own_globals = env.globals.iter().skip(env.imported_globals as usize);
        for (ty, init) in own_globals.zip(&data.global_inits) {
            let raw = self.evaluate(instance.scope(), init)?;
            self.globals.push(Global { ty: *ty, raw });
            instance.globals.push(GlobalAddr(self.globals.len() as u32 - 1));
        }
        for segment in &data.elems {
            let mut references = Vec::new();
            for item in &segment.items {
                references.push(self.evaluate_item(instance.scope(), *item)?);
            }
            instance.elems.push(references);
        }
        instance.dropped_datas = vec![false; data.datas.count()];
        Ok(())
    }

    /// Active: offset, `i32.const 0`, `i32.const n`, `table.init`, `elem.drop`. Declarative: `elem.drop`.
    fn apply_elems(&mut self, module: &Module, addr: InstanceAddr, scope: Scope<'_>) -> Result<(), Error> {
        for index in 0..module.data().elems.len() as u32 {
            let segment = module.elem(index)?;
            match &segment.mode {
                SegmentMode::Passive => continue,
                SegmentMode::Declarative => {}
                SegmentMode::Active { target, offset } => {
                    let at = self.evaluate(scope, offset)? as u32;
                    self.charge_segment(Op::TableInit)?;
                    let len = segment.items.len() as u32;
                    self.table_init(addr, (*target, at), (index, 0), len)?;
                }
            }
            self.charge_op(Op::ElemDrop)?;
            self.elem_drop(addr, index)?;
        }
        Ok(())
    }

    /// Active: offset, `i32.const 0`, `i32.const n`, `memory.init`, `data.drop`.
    fn apply_datas(&mut self, module: &Module, addr: InstanceAddr, scope: Scope<'_>) -> Result<(), Error> {
        for index in 0..module.data().datas.count() as u32 {
            let SegmentMode::Active { target, offset } = module.data_mode(index)? else { continue };
            let at = self.evaluate(scope, offset)? as u32;
            self.charge_segment(Op::MemoryInit)?;
            let len = module.data_bytes(index)?.len() as u32;
            self.memory_init(addr, (*target, at), (index, 0), len)?;
            self.charge_op(Op::DataDrop)?;
            self.data_drop(addr, index)?;
        }
        Ok(())
    }

    fn charge_segment(&mut self, init: Op) -> Result<(), Error> {
        self.charge_op(Op::I32Const)?;
        self.charge_op(Op::I32Const)?;
        self.charge_op(init)
    }
}

/// Whether limits that something has satisfy the limits that are asked for.
fn limits_match(has: (u32, Option<u32>), wanted: (u32, Option<u32>)) -> bool {
    has.0 >= wanted.0
        && match (has.1, wanted.1) {
            (_, None) => true,
            (Some(has), Some(wanted)) => has <= wanted,
            (None, Some(_)) => false,
        }
}
