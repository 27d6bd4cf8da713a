//! What is known about a module when function bodies arrive, and who listens to them.

use alloc::vec::Vec;

use super::kind::Kind;
use crate::binary::instr::{BlockType, Instr};
use crate::heap;
use crate::table::ops::Op;
use crate::types::{FuncType, GlobalType, MemoryType, TableType, ValType};

/// The index spaces of a module. Filled section by section; complete before the first body.
#[derive(Clone, Debug, Default)]
pub struct ModuleEnv {
    /// Function types, by type index.
    pub types: Vec<FuncType>,
    /// For each type index the first type index with an equal type: equal ids, equal types.
    pub type_ids: Vec<u32>,
    /// Type index of each function, imported ones first.
    pub funcs: Vec<u32>,
    /// Tables, imported ones first.
    pub tables: Vec<TableType>,
    /// Memories, imported ones first.
    pub memories: Vec<MemoryType>,
    /// Globals, imported ones first.
    pub globals: Vec<GlobalType>,
    /// How many of `funcs` are imported.
    pub imported_funcs: u32,
    /// How many of `tables` are imported.
    pub imported_tables: u32,
    /// How many of `memories` are imported.
    pub imported_memories: u32,
    /// How many of `globals` are imported.
    pub imported_globals: u32,
    /// Types of the element segments.
    pub elems: Vec<ValType>,
    /// Number of data segments that the DataCount section declares.
    pub data_count: Option<u32>,
    /// By function index: may be the operand of `ref.func` (exported, or in an element segment or a
    /// global's initialiser).
    pub declared_refs: Vec<bool>,
}

impl ModuleEnv {
    /// The type of a function.
    pub fn func_type(&self, func: u32) -> Option<&FuncType> {
        self.types.get(*self.funcs.get(func as usize)? as usize)
    }

    /// Bytes of memory that it has allocated. Equal types share theirs.
    pub fn heap_bytes(&self) -> u64 {
        let first = |(index, _): &(usize, &FuncType)| {
            self.type_ids.get(*index).is_none_or(|&id| id as usize == *index)
        };
        let types = self.types.iter().enumerate().filter(first).map(|(_, ty)| ty.heap_bytes());
        let lists = [
            heap::list(&self.types),
            heap::list(&self.type_ids),
            heap::list(&self.funcs),
            heap::list(&self.tables),
            heap::list(&self.memories),
            heap::list(&self.globals),
            heap::list(&self.elems),
            heap::list(&self.declared_refs),
        ];
        types.chain(lists).sum()
    }

    /// How many functions are not imported: so many bodies there must be.
    pub fn functions_declared(&self) -> usize {
        self.funcs.len().saturating_sub(self.imported_funcs as usize)
    }

    /// A block's parameters and results.
    pub fn block_type(&self, ty: BlockType) -> Option<(&[ValType], &[ValType])> {
        Some(match ty {
            BlockType::Empty => (&[], &[]),
            BlockType::Value(ty) => (&[], single(ty)),
            BlockType::Type(index) => {
                let ty = self.types.get(index as usize)?;
                (ty.params(), ty.results())
            }
        })
    }
}

/// The list that holds just `ty`.
pub const fn single(ty: ValType) -> &'static [ValType] {
    match ty {
        ValType::I32 => &[ValType::I32],
        ValType::I64 => &[ValType::I64],
        ValType::F32 => &[ValType::F32],
        ValType::F64 => &[ValType::F64],
        ValType::FuncRef => &[ValType::FuncRef],
        ValType::ExternRef => &[ValType::ExternRef],
    }
}

/// So many operators are announced at once, or as many as there are bytes: see `BodySink::ahead`.
pub const OPERATORS_AT_ONCE: usize = 256;

/// Receives function bodies, operator by operator, each *after* it was validated. Calls come in order
/// of the bytes: [`begin`](BodySink::begin), the runs of locals, the operators (for `br_table` the
/// operator, then its targets, the default last), and after the final `end` [`finish`](BodySink::finish).
pub trait BodySink {
    /// Whether the usual operators may be taken in one step (`valid/quick.rs`). Nothing that can be heard depends
    /// on it; tests compare both.
    const QUICK: bool = true;
    /// The code section's entries are bytes `start` to below `end` of the module, as declared: they need not all
    /// come.
    #[inline]
    fn code(&mut self, start: u64, end: u64) {
        let _ = (start, end);
    }
    /// A body starts. `func` counts imported functions. `offset` is the body's first byte in the module.
    fn begin(&mut self, env: &ModuleEnv, func: u32, offset: u32) -> Result<(), crate::Error>;
    /// `count` more locals of type `ty`.
    fn locals(&mut self, env: &ModuleEnv, count: u32, ty: ValType) -> Result<(), crate::Error>;
    /// At most so many operators (`OPERATORS_AT_ONCE` or less) follow before the next call of this.
    #[inline(always)]
    fn ahead(&mut self, operators: usize) -> Result<(), crate::Error> {
        let _ = operators;
        Ok(())
    }
    /// An operator at `offset`. Called for unreachable operators, too. A sink may find a limit of its own
    /// exceeded (a frame too large); everything else was checked before.
    fn instr(&mut self, env: &ModuleEnv, instr: &Instr, offset: u32) -> Result<(), crate::Error>;
    /// `local.get` of a local of a type, if that is known. [`instr`](BodySink::instr) is told of it, unless a sink has
    /// fewer steps for it.
    #[inline(always)]
    fn local_get(
        &mut self,
        env: &ModuleEnv,
        local: u32,
        ty: Option<ValType>,
        offset: u32,
    ) -> Result<(), crate::Error> {
        let _ = ty;
        self.instr(env, &Instr { x: local, ..Instr::plain(Op::LocalGet) }, offset)
    }
    /// `i32.const` or `i64.const` of a sign-extended value, likewise.
    #[inline(always)]
    fn constant(
        &mut self,
        env: &ModuleEnv,
        ty: ValType,
        value: u64,
        offset: u32,
    ) -> Result<(), crate::Error> {
        let op = if ty == ValType::I32 { Op::I32Const } else { Op::I64Const };
        self.instr(env, &Instr { z: value, ..Instr::plain(op) }, offset)
    }
    /// An operator of a kind, likewise. Every kind has a call of its own.
    #[inline(always)]
    fn of_kind(
        &mut self,
        env: &ModuleEnv,
        kind: Kind,
        instr: &Instr,
        offset: u32,
    ) -> Result<(), crate::Error> {
        let _ = kind;
        self.instr(env, instr, offset)
    }
    /// A target of the `br_table` that was announced last; `default` marks the last one.
    fn br_table_target(
        &mut self,
        env: &ModuleEnv,
        label: u32,
        default: bool,
        offset: u32,
    ) -> Result<(), crate::Error>;
    /// The operand stack has this height after the operator that was announced last. In unreachable code the
    /// number means nothing.
    #[inline(always)]
    fn height(&mut self, height: u32) -> Result<(), crate::Error> {
        let _ = height;
        Ok(())
    }
    /// Bytes of the body that were taken, from the count of its locals on. Those that end a body come after
    /// [`finish`](BodySink::finish).
    #[inline(always)]
    fn bytes(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }
    /// The body is complete; its final `end` has been passed to [`instr`](BodySink::instr).
    fn finish(&mut self, env: &ModuleEnv) -> Result<(), crate::Error>;
}
