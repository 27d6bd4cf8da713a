//! Modules: what decoding and validation leave, and the public handle.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::bodies::Bodies;
use super::datas::DataSegments;
use super::engine::Engine;
use super::stream::ModuleStream;
use crate::Error;
pub use crate::binary::entry::ExternKind;
pub use crate::binary::names::Names;
use crate::code::module::ModuleCode;
use crate::heap;
use crate::table::ops::Op;
use crate::types::{ExternType, ValType};
pub use crate::valid::const_expr::ConstExpr;
use crate::valid::env::ModuleEnv;

/// An import; the n-th import of a kind has index n in that kind's index space.
#[derive(Clone, Debug)]
pub struct Import {
    /// The module it asks for.
    pub module: Box<str>,
    /// The name in that module.
    pub name: Box<str>,
    /// What it is.
    pub kind: ExternKind,
    /// Its index in its index space.
    pub index: u32,
}

/// An export.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name.
    pub name: Box<str>,
    /// What it is.
    pub kind: ExternKind,
    /// Its index in its index space.
    pub index: u32,
}

/// When a segment is used.
#[derive(Clone, Debug)]
pub enum SegmentMode {
    /// By `memory.init` or `table.init`.
    Passive,
    /// Never: it declares references.
    Declarative,
    /// At instantiation.
    Active {
        /// The memory or table.
        target: u32,
        /// Where in it.
        offset: ConstExpr,
    },
}

impl SegmentMode {
    /// Bytes of memory that it has allocated.
    pub(crate) fn heap_bytes(&self) -> u64 {
        match self {
            SegmentMode::Passive | SegmentMode::Declarative => 0,
            SegmentMode::Active { offset, .. } => offset.heap_bytes(),
        }
    }
}

/// An element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElemItem {
    /// A function.
    Func(u32),
    /// Null.
    Null,
    /// What a global holds.
    Global(u32),
}

/// An element segment.
#[derive(Clone, Debug)]
pub struct ElemSegment {
    /// The type of its elements.
    pub ty: ValType,
    /// When it is used.
    pub mode: SegmentMode,
    /// Its elements.
    pub items: Vec<ElemItem>,
}

/// A custom section.
#[derive(Clone, Debug)]
pub struct CustomSection {
    /// Its name.
    pub name: Box<str>,
    /// What follows the name.
    pub bytes: Vec<u8>,
}

/// Everything but the code: what the decoder read and the validator accepted.
#[derive(Clone, Debug, Default)]
pub struct ModuleData {
    /// The index spaces.
    pub env: ModuleEnv,
    /// Imports in order.
    pub imports: Vec<Import>,
    /// Exports in order.
    pub exports: Vec<Export>,
    /// The initial values of the globals that are not imported.
    pub global_inits: Vec<ConstExpr>,
    /// The start function.
    pub start: Option<u32>,
    /// Element segments.
    pub elems: Vec<ElemSegment>,
    /// Data segments.
    pub datas: DataSegments,
    /// Custom sections in order, the name section too.
    pub customs: Vec<CustomSection>,
    /// Names for diagnostics.
    pub names: Names,
    /// What validation counted as work.
    pub work: u64,
    /// The module's length in bytes.
    pub byte_len: u64,
}

impl ModuleData {
    /// Bytes of memory that it has allocated.
    pub fn heap_bytes(&self) -> u64 {
        let imports =
            self.imports.iter().map(|import| heap::boxed(&*import.module) + heap::boxed(&*import.name));
        let exports = self.exports.iter().map(|export| heap::boxed(&*export.name));
        let globals = self.global_inits.iter().map(ConstExpr::heap_bytes);
        let elems = self.elems.iter().map(|elem| heap::list(&elem.items) + elem.mode.heap_bytes());
        let customs =
            self.customs.iter().map(|custom| heap::boxed(&*custom.name) + heap::list(&custom.bytes));
        imports.chain(exports).chain(globals).chain(elems).chain(customs).sum::<u64>()
            + heap::list(&self.imports)
            + heap::list(&self.exports)
            + heap::list(&self.global_inits)
            + heap::list(&self.elems)
            + heap::list(&self.customs)
            + self.env.heap_bytes()
            + self.datas.heap_bytes()
            + self.names.heap_bytes()
    }

    /// The type of something in an index space.
    pub fn extern_type(&self, kind: ExternKind, index: u32) -> Option<ExternType> {
        let at = index as usize;
        Some(match kind {
            ExternKind::Func => ExternType::Func(self.env.func_type(index)?.clone()),
            ExternKind::Table => ExternType::Table(*self.env.tables.get(at)?),
            ExternKind::Memory => ExternType::Memory(*self.env.memories.get(at)?),
            ExternKind::Global => ExternType::Global(*self.env.globals.get(at)?),
        })
    }
}

/// An import of a module, with its type.
#[derive(Clone, Debug)]
pub struct ImportType<'a> {
    module: &'a str,
    name: &'a str,
    ty: ExternType,
}

impl<'a> ImportType<'a> {
    /// The module it asks for.
    pub fn module(&self) -> &'a str {
        self.module
    }

    /// The name in that module.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The type it must have.
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}

/// An export of a module, with its type.
#[derive(Clone, Debug)]
pub struct ExportType<'a> {
    name: &'a str,
    ty: ExternType,
}

impl<'a> ExportType<'a> {
    /// Its name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Its type.
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}

#[derive(Debug)]
pub(crate) struct ModuleInner {
    pub(crate) engine: Engine,
    pub(crate) data: ModuleData,
    pub(crate) code: Code,
}

/// What becomes of the bodies.
#[derive(Debug)]
pub(crate) enum Code {
    /// They are translated.
    Eager(ModuleCode),
    /// They are kept; each store translates what it calls.
    Lazy(Bodies),
}

/// A valid module. Cheap to clone.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, ExternType, Module};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bytes = wat::parse_str(r#"(module (import "env" "log" (func (param i32))) (memory (export "memory") 1))"#)?;
/// let module = Module::new(&Engine::default(), &bytes)?;
/// let imports: Vec<_> = module.imports().map(|import| format!("{}.{}", import.module(), import.name())).collect();
/// assert_eq!(imports, ["env.log"]);
/// let exports: Vec<_> = module.exports().map(|export| export.ty().clone()).collect();
/// assert!(matches!(exports[..], [ExternType::Memory(memory)] if memory.min == 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Module {
    pub(crate) inner: Arc<ModuleInner>,
}

impl Module {
    /// Decodes and validates a module that is there as a whole.
    ///
    /// # Errors
    /// Kinds `Malformed`, `Invalid`, `Limit`, with the offset.
    pub fn new(engine: &Engine, bytes: &[u8]) -> Result<Module, Error> {
        let mut stream = ModuleStream::new(engine);
        stream.feed(bytes)?;
        stream.finish()
    }

    /// Whether both are clones of one module.
    pub(crate) fn same(a: &Module, b: &Module) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    /// The engine it was made for.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Its imports, in order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        let data = &self.inner.data;
        data.imports.iter().map(|import| ImportType {
            module: &import.module,
            name: &import.name,
            ty: known(data.extern_type(import.kind, import.index)),
        })
    }

    /// Its exports, in order.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        let data = &self.inner.data;
        data.exports.iter().map(|export| ExportType {
            name: &export.name,
            ty: known(data.extern_type(export.kind, export.index)),
        })
    }

    /// The value of an exported global of type `i32` that the module defines, never changes, and initialises with a
    /// plain `i32.const`: a constant that can be read without an instance.
    pub fn exported_i32(&self, name: &str) -> Option<i32> {
        let data = &self.inner.data;
        let is_it = |export: &&Export| &*export.name == name && export.kind == ExternKind::Global;
        let index = data.exports.iter().find(is_it)?.index as usize;
        let ty = data.env.globals.get(index)?;
        let imported = data.env.globals.len().checked_sub(data.global_inits.len())?;
        match data.global_inits.get(index.checked_sub(imported)?)?.instrs() {
            [only] if only.op == Op::I32Const && !ty.mutable => Some(only.z as u32 as i32),
            _ => None,
        }
    }

    /// The first custom section of that name.
    pub fn custom_section(&self, name: &str) -> Option<&[u8]> {
        self.inner.data.customs.iter().find(|custom| &*custom.name == name).map(|custom| &*custom.bytes)
    }

    /// How many types, imports, functions, globals, exports, segments and custom sections it has.
    pub fn item_count(&self) -> u64 {
        let data = &self.inner.data;
        let defined = data.env.funcs.len().saturating_sub(data.env.imported_funcs as usize);
        let counts = [
            data.env.types.len(),
            data.imports.len(),
            defined,
            data.global_inits.len(),
            data.exports.len(),
            data.elems.len(),
            data.datas.count(),
            data.customs.len(),
        ];
        counts.iter().map(|count| *count as u64).sum()
    }

    /// The work that decoding and validating it took, as the profile counts it.
    pub fn work(&self) -> u64 {
        self.inner.data.work
    }

    /// Bytes of memory that the module takes: code, or the bodies of which code is made later, the map from code to
    /// the module's bytes, types, names, segments, custom sections. Lists count by their capacity, small allocations
    /// with what allocators add to them. Clones of the module share this memory. The engine's own is not in it.
    ///
    /// Time: linear in the number of types, imports, exports and segments.
    pub fn resident_bytes(&self) -> u64 {
        let code = match &self.inner.code {
            Code::Eager(code) => code.heap_bytes(),
            Code::Lazy(bodies) => bodies.heap_bytes(),
        };
        heap::shared(size_of::<ModuleInner>()) + self.inner.data.heap_bytes() + code
    }

    /// A function's name in the name section.
    pub fn function_name(&self, index: u32) -> Option<&str> {
        self.inner.data.names.function(index)
    }
}

/// The type of an import or export of a module that was validated: its index is in range.
#[expect(clippy::expect_used, reason = "validation checked the index of every import and export")]
fn known(ty: Option<ExternType>) -> ExternType {
    ty.expect("an index that validation checked")
}

const _: () = {
    const fn send_sync<T: Send + Sync>() {}
    send_sync::<Module>();
};
