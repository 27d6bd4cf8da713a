//! Value types, function types and the types of what modules import and export.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// A value type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ValType {
    /// A 32-bit integer.
    I32 = 0x7f,
    /// A 64-bit integer.
    I64 = 0x7e,
    /// A 32-bit float.
    F32 = 0x7d,
    /// A 64-bit float.
    F64 = 0x7c,
    /// A reference to a function, or null.
    FuncRef = 0x70,
    /// A reference to something of the host's, or null.
    ExternRef = 0x6f,
}

impl ValType {
    /// The type of an encoding.
    pub const fn from_byte(byte: u8) -> Option<ValType> {
        Some(match byte {
            0x7f => ValType::I32,
            0x7e => ValType::I64,
            0x7d => ValType::F32,
            0x7c => ValType::F64,
            0x70 => ValType::FuncRef,
            0x6f => ValType::ExternRef,
            _ => return None,
        })
    }

    /// Whether values of the type are references.
    pub const fn is_ref(self) -> bool {
        matches!(self, ValType::FuncRef | ValType::ExternRef)
    }

    /// Whether values of the type are numbers.
    pub const fn is_num(self) -> bool {
        !self.is_ref()
    }

    /// Whether values of the type are floats.
    pub const fn is_float(self) -> bool {
        matches!(self, ValType::F32 | ValType::F64)
    }

    /// The name in the text format.
    pub const fn text(self) -> &'static str {
        match self {
            ValType::I32 => "i32",
            ValType::I64 => "i64",
            ValType::F32 => "f32",
            ValType::F64 => "f64",
            ValType::FuncRef => "funcref",
            ValType::ExternRef => "externref",
        }
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A function type. Cheap to clone.
///
/// # Example
/// ```
/// use ghost_wasm::{FuncType, ValType};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ty = FuncType::new([ValType::I32, ValType::F64], [ValType::I64]);
/// assert_eq!((ty.params().len(), ty.results()), (2, &[ValType::I64][..]));
/// assert_eq!(ty.to_string(), "[i32 f64] -> [i64]");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FuncType {
    types: Arc<[ValType]>,
    param_count: u32,
}

impl FuncType {
    /// A function type from its parameters and results.
    pub fn new(
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> FuncType {
        let mut types: Vec<ValType> = params.into_iter().collect();
        let param_count = u32::try_from(types.len()).unwrap_or(u32::MAX);
        types.extend(results);
        FuncType { types: types.into(), param_count }
    }

    /// Bytes of memory that the type and its clones share.
    pub(crate) fn heap_bytes(&self) -> u64 {
        crate::heap::shared(size_of_val(&*self.types))
    }

    /// The parameter types.
    pub fn params(&self) -> &[ValType] {
        self.types.get(..self.param_count as usize).unwrap_or_default()
    }

    /// The result types.
    pub fn results(&self) -> &[ValType] {
        self.types.get(self.param_count as usize..).unwrap_or_default()
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, types: &[ValType]| {
            f.write_str("[")?;
            for (index, ty) in types.iter().enumerate() {
                write!(f, "{}{ty}", if index == 0 { "" } else { " " })?;
            }
            f.write_str("]")
        };
        list(f, self.params())?;
        f.write_str(" -> ")?;
        list(f, self.results())
    }
}

impl fmt::Debug for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalType {
    /// The type of its value.
    pub content: ValType,
    /// Whether `global.set` may change it.
    pub mutable: bool,
}

/// The type of a table; sizes in entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableType {
    /// The reference type of its entries.
    pub element: ValType,
    /// The size at first.
    pub min: u32,
    /// The size it may grow to.
    pub max: Option<u32>,
}

/// The type of a memory; sizes in pages of 64 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryType {
    /// The size at first.
    pub min: u32,
    /// The size it may grow to.
    pub max: Option<u32>,
}

/// The type of an import or export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
}
