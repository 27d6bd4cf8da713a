//! Instances: linking, instantiation, exports.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::context::{AsContext, AsContextMut};
use super::driver;
use super::func::{Func, TypedFunc};
use super::global::Global;
use super::memory::Memory;
use super::module::{Code, ConstExpr, ElemItem, ExternKind, Module, SegmentMode};
use super::services::{Segment, TableInit, apply};
use super::store::{FuncEntity, FuncKind, Store, StoreInner};
use super::table::Table;
use super::typed::{WasmParams, WasmResults};
use super::undo::all_or_nothing;
use crate::Error;
use crate::exec::view::{FuncView, OwnedView, TableView};
use crate::heap;
use crate::table::errors::ErrorCode;
use crate::table::gas::GasClass;
use crate::table::ops::Op;
use crate::types::{ExternType, MemoryType, TableType};

/// Something that an instance exports or imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A global.
    Global(Global),
}

impl Extern {
    /// The function, if it is one.
    pub fn into_func(self) -> Option<Func> {
        if let Extern::Func(func) = self { Some(func) } else { None }
    }

    /// The table, if it is one.
    pub fn into_table(self) -> Option<Table> {
        if let Extern::Table(table) = self { Some(table) } else { None }
    }

    /// The memory, if it is one.
    pub fn into_memory(self) -> Option<Memory> {
        if let Extern::Memory(memory) = self { Some(memory) } else { None }
    }

    /// The global, if it is one.
    pub fn into_global(self) -> Option<Global> {
        if let Extern::Global(global) = self { Some(global) } else { None }
    }
}

macro_rules! into_extern {
    ($($t:ident)*) => { $(impl From<$t> for Extern {
        fn from(value: $t) -> Extern {
            Extern::$t(value)
        }
    })* };
}
into_extern!(Func Table Memory Global);

/// An instance in its store.
#[derive(Debug)]
pub(crate) struct InstanceEntity {
    pub module: Module,
    /// Store numbers by index space.
    pub funcs: Vec<u32>,
    pub tables: Vec<u32>,
    pub memories: Vec<u32>,
    pub globals: Vec<u32>,
    pub dropped_elems: Vec<bool>,
    pub dropped_datas: Vec<bool>,
    pub view: OwnedView,
    /// Which of the store's lazily made codes is the module's, if it has one.
    pub lazy: Option<u32>,
}

/// A handle to an instance.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, Func, Instance, Module, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bytes = wat::parse_str(
///     r#"(module (import "env" "seven" (func $seven (result i32))) (export "also" (func $seven)) (memory (export "memory") 1))"#,
/// )?;
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, ());
/// let seven = Func::wrap(&mut store, || 7)?;
/// // Imports in the order of the module; a linker finds them by name.
/// let instance = Instance::new(&mut store, &Module::new(&engine, &bytes)?, &[seven.into()])?;
/// assert_eq!(instance.get_typed_func::<(), i32>(&store, "also")?.call(&mut store, ())?, 7);
/// let names: Vec<_> = instance.exports(&store)?.map(|(name, _)| name.to_string()).collect();
/// assert_eq!(names, ["also", "memory"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance {
    pub(crate) store: u64,
    pub(crate) index: u32,
}

fn internal() -> Error {
    Error::new(ErrorCode::Internal)
}

impl Instance {
    /// Instantiates a module with imports in the order in which it declares them, and runs its start
    /// function.
    ///
    /// # Errors
    /// `Link`; `Trap`, `OutOfGas` of initialisation and start; `Limit`, `HostFault`, `Usage`.
    pub fn new(mut store: impl AsContextMut, module: &Module, imports: &[Extern]) -> Result<Instance, Error> {
        let store = store.as_context_mut();
        store.inner.idle()?;
        if !super::engine::Engine::same(module.engine(), store.engine()) {
            return Err(
                Error::new(ErrorCode::WrongStore).with_detail("module and store have different engines")
            );
        }
        check_imports(&store.inner, module, imports)?;
        let index = all_or_nothing(store, |store| prepare(&mut store.inner, module, imports))?;
        start(store, index)
    }

    fn entity<'a>(&self, store: &'a StoreInner) -> Result<&'a InstanceEntity, Error> {
        if self.store != store.id {
            return Err(Error::new(ErrorCode::WrongStore));
        }
        store.instance(self.index)
    }

    /// An export.
    ///
    /// # Panics
    /// With a handle of another store; see [`try_get_export`](Instance::try_get_export).
    pub fn get_export(&self, store: impl AsContext, name: &str) -> Option<Extern> {
        super::store::own(self.try_get_export(store, name))
    }

    /// An export.
    ///
    /// # Errors
    /// `WrongStore`.
    pub fn try_get_export(&self, store: impl AsContext, name: &str) -> Result<Option<Extern>, Error> {
        let store = &store.as_context().inner;
        let entity = self.entity(store)?;
        let export = entity.module.inner.data.exports.iter().find(|export| &*export.name == name);
        Ok(export.and_then(|export| entity.item(store.id, export.kind, export.index)))
    }

    /// All exports, in the module's order.
    ///
    /// # Errors
    /// `WrongStore`.
    pub fn exports<'a, T: 'a>(
        &self,
        store: &'a impl AsContext<Data = T>,
    ) -> Result<impl Iterator<Item = (&'a str, Extern)>, Error> {
        let store = &store.as_context().inner;
        let entity = self.entity(store)?;
        let exports = entity.module.inner.data.exports.iter();
        Ok(exports.filter_map(move |export| {
            Some((&*export.name, entity.item(store.id, export.kind, export.index)?))
        }))
    }

    /// An exported function.
    pub fn get_func(&self, store: impl AsContext, name: &str) -> Option<Func> {
        self.try_get_export(store, name).ok().flatten().and_then(Extern::into_func)
    }

    /// An exported memory.
    pub fn get_memory(&self, store: impl AsContext, name: &str) -> Option<Memory> {
        self.try_get_export(store, name).ok().flatten().and_then(Extern::into_memory)
    }

    /// An exported table.
    pub fn get_table(&self, store: impl AsContext, name: &str) -> Option<Table> {
        self.try_get_export(store, name).ok().flatten().and_then(Extern::into_table)
    }

    /// An exported global.
    pub fn get_global(&self, store: impl AsContext, name: &str) -> Option<Global> {
        self.try_get_export(store, name).ok().flatten().and_then(Extern::into_global)
    }

    /// An exported function with its types checked once.
    ///
    /// # Errors
    /// `UnknownExport`, `WrongType`, `WrongStore`.
    pub fn get_typed_func<P: WasmParams, R: WasmResults>(
        &self,
        store: impl AsContext,
        name: &str,
    ) -> Result<TypedFunc<P, R>, Error> {
        let export = self.try_get_export(&store, name)?;
        let func = export.and_then(Extern::into_func);
        func.ok_or_else(|| Error::new(ErrorCode::UnknownExport).with_detail(name))?.typed(store)
    }
}

impl InstanceEntity {
    /// Bytes of memory that it has allocated; the module is shared.
    pub fn heap_bytes(&self) -> u64 {
        let lists = [&self.funcs, &self.tables, &self.memories, &self.globals].map(heap::list);
        let dropped = [&self.dropped_elems, &self.dropped_datas].map(heap::list);
        lists.iter().chain(&dropped).sum::<u64>() + self.view.heap_bytes()
    }

    fn item(&self, store: u64, kind: ExternKind, index: u32) -> Option<Extern> {
        let find = |list: &[u32]| list.get(index as usize).copied();
        Some(match kind {
            ExternKind::Func => Extern::Func(Func { store, index: find(&self.funcs)? }),
            ExternKind::Table => Extern::Table(Table { store, index: find(&self.tables)? }),
            ExternKind::Memory => Extern::Memory(Memory { store, index: find(&self.memories)? }),
            ExternKind::Global => Extern::Global(Global { store, index: find(&self.globals)? }),
        })
    }
}

/// Limits of what is there against limits that are asked for (specification, "Import Matching").
fn limits_match(min: u32, max: Option<u32>, want_min: u32, want_max: Option<u32>) -> bool {
    min >= want_min
        && match (max, want_max) {
            (_, None) => true,
            (Some(max), Some(want)) => max <= want,
            (None, Some(_)) => false,
        }
}

fn memory_matches(have: MemoryType, want: MemoryType) -> bool {
    limits_match(have.min, have.max, want.min, want.max)
}

fn table_matches(have: TableType, want: TableType) -> bool {
    have.element == want.element && limits_match(have.min, have.max, want.min, want.max)
}

fn check_imports(store: &StoreInner, module: &Module, imports: &[Extern]) -> Result<(), Error> {
    let data = &module.inner.data;
    for (at, import) in data.imports.iter().enumerate() {
        let name = || alloc::format!("{}.{}", import.module, import.name);
        let Some(&given) = imports.get(at) else {
            return Err(Error::new(ErrorCode::UnknownImport).with_detail(name()));
        };
        let want = data.extern_type(import.kind, import.index).ok_or_else(internal)?;
        if !fits(store, given, &want)? {
            return Err(Error::new(ErrorCode::IncompatibleImport).with_detail(name()));
        }
    }
    Ok(())
}

/// Whether something of the store can be what an import asks for.
pub(crate) fn fits(store: &StoreInner, given: Extern, want: &ExternType) -> Result<bool, Error> {
    Ok(match (given, want) {
        (Extern::Func(func), ExternType::Func(ty)) => store.type_of(store.func(func)?.ty)? == ty,
        (Extern::Table(table), ExternType::Table(ty)) => table_matches(store.table(table)?.current_ty(), *ty),
        (Extern::Memory(memory), ExternType::Memory(ty)) => memory_matches(store.memory(memory)?.ty(), *ty),
        (Extern::Global(global), ExternType::Global(ty)) => store.global(global)?.ty == *ty,
        _ => false,
    })
}

/// Makes the instance, with its segments applied.
pub(crate) fn prepare(store: &mut StoreInner, module: &Module, imports: &[Extern]) -> Result<u32, Error> {
    let index = allocate(store, module, imports)?;
    initialise(store, index, module)?;
    Ok(index)
}

/// Runs the start function of a prepared instance, if it has one.
pub(crate) fn start<T>(store: &mut Store<T>, index: u32) -> Result<Instance, Error> {
    let instance = Instance { store: store.inner.id, index };
    let entity = store.inner.instance(index)?;
    if let Some(start) = entity.module.inner.data.start {
        let func = entity.funcs.get(start as usize).copied();
        let started = driver::call(store, func.ok_or_else(internal)?, &mut []);
        if let Some(suspended) = &mut store.inner.suspended
            && store.inner.id == instance.store
        {
            suspended.entry.start_of = Some(index);
        }
        started?;
    }
    Ok(instance)
}

/// Makes the instance and what its module defines. Globals have their values, segments are not applied.
fn allocate(store: &mut StoreInner, module: &Module, imports: &[Extern]) -> Result<u32, Error> {
    let data = &module.inner.data;
    let env = &data.env;
    let index = store.instances.len() as u32;
    let (mut funcs, mut tables, mut memories, mut globals) = (vec![], vec![], vec![], vec![]);
    for import in imports.iter().take(data.imports.len()) {
        match *import {
            Extern::Func(func) => funcs.push(func.index),
            Extern::Table(table) => tables.push(table.index),
            Extern::Memory(memory) => memories.push(memory.index),
            Extern::Global(global) => globals.push(global.index),
        }
    }
    for &ty in env.tables.iter().skip(env.imported_tables as usize) {
        tables.push(store.add_table(ty, 0)?);
    }
    for &ty in env.memories.iter().skip(env.imported_memories as usize) {
        memories.push(store.add_memory(ty)?);
    }
    let type_ids: Box<[u32]> = env.types.iter().map(|ty| store.type_id(ty)).collect();
    // The view's address is fixed first: functions name it.
    let (records, lazy) = match &module.inner.code {
        Code::Eager(code) => (code.records().as_ptr(), None),
        Code::Lazy(bodies) => {
            let (records, number) = store.lazy.of_module(module, bodies)?;
            (records, Some(number))
        }
    };
    let mut view = OwnedView::new(index, records, type_ids);
    let own = env.funcs.iter().skip(env.imported_funcs as usize);
    for (defined, &ty) in own.enumerate() {
        let ty = view.type_id(ty).ok_or_else(internal)?;
        let kind = FuncKind::Wasm { instance: index, defined: defined as u32 };
        let record = records.wrapping_add(defined);
        funcs.push(
            store.add_func(
                FuncEntity { kind, ty },
                FuncView { record, instance: view.address(), type_id: ty },
            )?,
        );
    }
    for (ty, init) in env.globals.iter().skip(env.imported_globals as usize).zip(&data.global_inits) {
        let value = evaluate(store, &funcs, &globals, init)?;
        globals.push(store.add_global(*ty, value));
    }
    let cells: Box<[*mut u64]> = globals
        .iter()
        .filter_map(|&global| store.globals.get(global as usize).map(|global| global.value.as_ptr()))
        .collect();
    let table_views: Box<[*const TableView]> = tables
        .iter()
        .filter_map(|&table| store.tables.get(table as usize).map(|table| table.view()))
        .collect();
    let memory = memories.first().and_then(|&memory| store.memories.get(memory as usize));
    view.fill(memory.map_or(core::ptr::null(), |memory| memory.view()), cells, table_views);
    store.instances.push(InstanceEntity {
        module: module.clone(),
        funcs,
        tables,
        memories,
        globals,
        dropped_elems: vec![false; data.elems.len()],
        dropped_datas: vec![false; data.datas.count()],
        view,
        lazy,
    });
    Ok(index)
}

/// A constant expression, operator by operator, each paid for.
fn evaluate(store: &mut StoreInner, funcs: &[u32], globals: &[u32], expr: &ConstExpr) -> Result<u64, Error> {
    // The topmost value, and those under it: mostly there are none.
    let (mut top, mut under): (Option<u64>, Vec<u64>) = (None, Vec::new());
    for instr in expr.instrs() {
        let cost = store.engine.profile().schedule().class(instr.op.class());
        store.meter.charge(u64::from(cost)).map_err(|_| Error::new(ErrorCode::OutOfGas))?;
        let value = match instr.op {
            Op::I32Const => u64::from(instr.z as u32),
            Op::I64Const | Op::F32Const | Op::F64Const => instr.z,
            Op::RefNull => 0,
            Op::RefFunc => u64::from(*funcs.get(instr.x as usize).ok_or_else(internal)?) + 1,
            Op::GlobalGet => {
                let global = *globals.get(instr.x as usize).ok_or_else(internal)?;
                store.globals.get(global as usize).ok_or_else(internal)?.value.get()
            }
            op => {
                let (b, a) = (top.take().ok_or_else(internal)?, under.pop().ok_or_else(internal)?);
                match op {
                    Op::I32Add => u64::from((a as u32).wrapping_add(b as u32)),
                    Op::I32Sub => u64::from((a as u32).wrapping_sub(b as u32)),
                    Op::I32Mul => u64::from((a as u32).wrapping_mul(b as u32)),
                    Op::I64Add => a.wrapping_add(b),
                    Op::I64Sub => a.wrapping_sub(b),
                    Op::I64Mul => a.wrapping_mul(b),
                    _ => return Err(internal()),
                }
            }
        };
        under.extend(top.replace(value));
    }
    top.ok_or_else(internal)
}

impl StoreInner {
    /// An element of a segment, as a table entry.
    pub(crate) fn element(&self, instance: u32, item: ElemItem) -> Result<u32, Error> {
        let entity = self.instance(instance)?;
        Ok(match item {
            ElemItem::Null => 0,
            ElemItem::Func(func) => entity.funcs.get(func as usize).copied().ok_or_else(internal)? + 1,
            ElemItem::Global(global) => {
                let global = entity.globals.get(global as usize).copied().ok_or_else(internal)?;
                self.globals.get(global as usize).ok_or_else(internal)?.value.get() as u32
            }
        })
    }

    /// What applying a segment costs before its length: two constants (where it begins and ends) and the operator.
    fn charge_init(&mut self, class: GasClass) -> Result<(), Error> {
        self.charge_class(GasClass::Const)?;
        self.charge_class(GasClass::Const)?;
        self.charge_class(class)
    }

    fn charge_class(&mut self, class: GasClass) -> Result<(), Error> {
        let cost = self.engine.profile().schedule().class(class);
        self.meter.charge(u64::from(cost)).map_err(|_| Error::new(ErrorCode::OutOfGas))
    }
}

/// Applies the active segments in order; each pays as the operators that would do it.
fn initialise(store: &mut StoreInner, index: u32, module: &Module) -> Result<(), Error> {
    let data = &module.inner.data;
    store.check_interrupt()?;
    let entity = store.instance(index)?;
    let (funcs, globals) = (entity.funcs.clone(), entity.globals.clone());
    // The items are constant expressions, evaluated before any segment is applied.
    for item in data.elems.iter().flat_map(|segment| &segment.items) {
        let class = match item {
            // A reference is known when the module is: a constant, not what the operator in a body costs.
            ElemItem::Func(_) | ElemItem::Null => GasClass::Const,
            ElemItem::Global(_) => Op::GlobalGet.class(),
        };
        store.charge_class(class)?;
    }
    for (number, segment) in data.elems.iter().enumerate() {
        match &segment.mode {
            SegmentMode::Passive => continue,
            SegmentMode::Declarative => {}
            SegmentMode::Active { target, offset } => {
                let to = evaluate(store, &funcs, &globals, offset)? as u32;
                store.charge_init(GasClass::BulkTable)?;
                let len = segment.items.len() as u32;
                let init = TableInit { segment: number as u32, table: *target, to, from: 0, len };
                store.check_interrupt()?;
                apply(store, index, &Segment::Elem(init))?;
            }
        }
        store.charge_class(GasClass::Drop)?;
        let entity = store.instances.get_mut(index as usize).ok_or_else(internal)?;
        if let Some(dropped) = entity.dropped_elems.get_mut(number) {
            *dropped = true;
        }
    }
    for (number, segment) in data.datas.iter().enumerate() {
        let SegmentMode::Active { offset, .. } = &segment.mode else { continue };
        let to = evaluate(store, &funcs, &globals, offset)? as u32;
        store.charge_init(GasClass::BulkMemory)?;
        let len = segment.byte_len();
        store.check_interrupt()?;
        apply(store, index, &Segment::Data { segment: number as u32, to, len })?;
        store.charge_class(GasClass::Drop)?;
        let entity = store.instances.get_mut(index as usize).ok_or_else(internal)?;
        if let Some(dropped) = entity.dropped_datas.get_mut(number) {
            *dropped = true;
        }
    }
    Ok(())
}
