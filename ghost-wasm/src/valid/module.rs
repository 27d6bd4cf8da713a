//! Module rules: what each entry of a section must fulfil, and how it extends the index spaces.
//!
//! <https://www.w3.org/TR/wasm-core-2/#modules%E2%91%A2>

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use super::env::ModuleEnv;
use super::rules::Rules;
use crate::Error;
use crate::binary::entry::{ExternKind, ImportDesc};
use crate::table::errors::ErrorCode;
use crate::table::features::Feature;
use crate::table::limits::Limit;
use crate::types::{FuncType, GlobalType, MemoryType, TableType, ValType};

const PAGES_MAX: u32 = 65_536;

fn unknown(code: ErrorCode, index: u32, at: u64) -> Error {
    Error::at(code, at).with_operand(index)
}

/// The number of one more entry.
fn one_more(count: usize) -> u64 {
    (count as u64).saturating_add(1)
}

impl ModuleEnv {
    /// Adds a function type; `seen` finds equal ones, by their bytes, which are compared many at a time.
    pub fn add_type(&mut self, seen: &mut BTreeMap<Box<[u8]>, u32>, ty: FuncType) {
        let index = u32::try_from(self.types.len()).unwrap_or(u32::MAX);
        let byte = |&ty: &ValType| ty as u8;
        // No type is zero.
        let key = ty.params().iter().map(byte).chain([0]).chain(ty.results().iter().map(byte));
        let id = *seen.entry(key.collect()).or_insert(index);
        // Equal types share their lists: a module may repeat a long one many times.
        self.types.push(self.types.get(id as usize).cloned().unwrap_or(ty));
        self.type_ids.push(id);
    }

    /// Adds a function of a type.
    pub fn add_func(&mut self, rules: &Rules, ty: u32, at: u64) -> Result<(), Error> {
        rules.check(Limit::Functions, one_more(self.funcs.len()), at)?;
        if ty as usize >= self.types.len() {
            return Err(unknown(ErrorCode::UnknownType, ty, at));
        }
        self.funcs.push(ty);
        Ok(())
    }

    /// Adds a table.
    pub fn add_table(&mut self, rules: &Rules, ty: TableType, at: u64) -> Result<(), Error> {
        if !self.tables.is_empty() && !rules.has(Feature::ReferenceTypes) {
            return Err(Error::at(ErrorCode::MultipleTables, at).needs(Feature::ReferenceTypes));
        }
        rules.check(Limit::Tables, one_more(self.tables.len()), at)?;
        if ty.max.is_some_and(|max| ty.min > max) {
            return Err(Error::at(ErrorCode::LimitsMinAboveMax, at));
        }
        self.tables.push(ty);
        Ok(())
    }

    /// Adds a memory.
    pub fn add_memory(&mut self, rules: &Rules, ty: MemoryType, at: u64) -> Result<(), Error> {
        if !self.memories.is_empty() {
            return Err(Error::at(ErrorCode::MultipleMemories, at).needs(Feature::MultiMemory));
        }
        rules.check(Limit::Memories, one_more(self.memories.len()), at)?;
        if ty.min > PAGES_MAX || ty.max.is_some_and(|max| max > PAGES_MAX) {
            return Err(Error::at(ErrorCode::MemoryTooLarge, at));
        }
        if ty.max.is_some_and(|max| ty.min > max) {
            return Err(Error::at(ErrorCode::LimitsMinAboveMax, at));
        }
        self.memories.push(ty);
        Ok(())
    }

    /// Adds a global.
    pub fn add_global(&mut self, rules: &Rules, ty: GlobalType, at: u64) -> Result<(), Error> {
        rules.check(Limit::Globals, one_more(self.globals.len()), at)?;
        self.globals.push(ty);
        Ok(())
    }

    /// Adds what an import describes; returns its kind and index.
    pub fn add_import(
        &mut self,
        rules: &Rules,
        desc: ImportDesc,
        at: u64,
    ) -> Result<(ExternKind, u32), Error> {
        let (kind, count) = match desc {
            ImportDesc::Func(ty) => {
                self.add_func(rules, ty, at)?;
                (ExternKind::Func, &mut self.imported_funcs)
            }
            ImportDesc::Table(ty) => {
                self.add_table(rules, ty, at)?;
                (ExternKind::Table, &mut self.imported_tables)
            }
            ImportDesc::Memory(ty) => {
                self.add_memory(rules, ty, at)?;
                (ExternKind::Memory, &mut self.imported_memories)
            }
            ImportDesc::Global(ty) => {
                self.add_global(rules, ty, at)?;
                (ExternKind::Global, &mut self.imported_globals)
            }
        };
        let index = *count;
        *count = index.saturating_add(1);
        Ok((kind, index))
    }

    /// Whether something exists in an index space; exported functions become declared.
    pub fn check_export(&mut self, kind: ExternKind, index: u32, at: u64) -> Result<(), Error> {
        let (count, code) = match kind {
            ExternKind::Func => (self.funcs.len(), ErrorCode::UnknownFunction),
            ExternKind::Table => (self.tables.len(), ErrorCode::UnknownTable),
            ExternKind::Memory => (self.memories.len(), ErrorCode::UnknownMemory),
            ExternKind::Global => (self.globals.len(), ErrorCode::UnknownGlobal),
        };
        if index as usize >= count {
            return Err(unknown(code, index, at));
        }
        if kind == ExternKind::Func {
            self.declare(index);
        }
        Ok(())
    }

    /// A start function must exist and take and give nothing.
    pub fn check_start(&self, func: u32, at: u64) -> Result<(), Error> {
        let ty = self.func_type(func).ok_or_else(|| unknown(ErrorCode::UnknownFunction, func, at))?;
        if ty.params().is_empty() && ty.results().is_empty() {
            return Ok(());
        }
        Err(Error::at(ErrorCode::BadStart, at))
    }

    /// The table of an active element segment.
    pub fn check_elem_table(&self, table: u32, at: u64) -> Result<TableType, Error> {
        let ty = self.tables.get(table as usize).copied();
        ty.ok_or_else(|| unknown(ErrorCode::UnknownTable, table, at))
    }

    /// The memory of an active data segment.
    pub fn check_data_memory(&self, memory: u32, at: u64) -> Result<(), Error> {
        if (memory as usize) < self.memories.len() {
            return Ok(());
        }
        Err(unknown(ErrorCode::UnknownMemory, memory, at))
    }

    /// A function that an element segment names; it becomes declared.
    pub fn check_elem_func(&mut self, func: u32, at: u64) -> Result<(), Error> {
        if func as usize >= self.funcs.len() {
            return Err(unknown(ErrorCode::UnknownFunction, func, at));
        }
        self.declare(func);
        Ok(())
    }

    /// `ref.func` may name the function in bodies.
    pub fn declare(&mut self, func: u32) {
        if self.declared_refs.len() < self.funcs.len() {
            self.declared_refs.resize(self.funcs.len(), false);
        }
        if let Some(declared) = self.declared_refs.get_mut(func as usize) {
            *declared = true;
        }
    }
}

/// An active element segment's type must be its table's.
pub fn check_elem_type(table: &TableType, elem: ValType, at: u64) -> Result<(), Error> {
    if table.element == elem {
        return Ok(());
    }
    Err(Error::at(ErrorCode::TypeMismatch, at).with_detail("element segment and table differ"))
}
