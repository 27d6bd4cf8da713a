//! A decoded operator with its immediates, as the validator, the translator and the oracle see it.

use crate::table::ops::Op;
use crate::types::ValType;

/// A block's type as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockType {
    /// No parameters, no results.
    Empty,
    /// No parameters, one result.
    Value(ValType),
    /// A function type of the module.
    Type(u32),
}

/// A decoded operator. What `x`, `y` and `z` hold follows from [`Op::imm`]:
///
/// | immediates | `x` | `y` | `z` |
/// |---|---|---|---|
/// | `Block` | see [`Instr::block_type`] | | |
/// | `Label`, `Func`, `Local`, `Global`, `Table`, `Memory`, `Data`, `Elem` | index | | |
/// | `BrTable` | count of targets without the default | | |
/// | `CallIndirect` | type index | table index | |
/// | `MemArg` | memory index | alignment exponent | offset |
/// | `I32`, `I64` | | | the constant, sign-extended |
/// | `F32`, `F64` | | | the bits, zero-extended |
/// | `RefType`, `SelectTypes` | [`ValType`] byte | | |
/// | `MemoryInit`, `TableInit` | segment index | memory or table index | |
/// | `MemoryCopy`, `TableCopy` | destination index | source index | |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instr {
    /// The operator.
    pub op: Op,
    /// First immediate.
    pub x: u32,
    /// Second immediate.
    pub y: u32,
    /// Wide immediate.
    pub z: u64,
}

const BLOCK_EMPTY: u32 = 0;
const BLOCK_VALUE: u32 = 1;
const BLOCK_TYPE: u32 = 2;

/// The type whose byte an immediate holds.
const fn byte_type(immediate: u32) -> Option<ValType> {
    ValType::from_byte(immediate.to_le_bytes()[0])
}

impl Instr {
    /// An operator without immediates.
    pub const fn plain(op: Op) -> Instr {
        Instr { op, x: 0, y: 0, z: 0 }
    }

    /// An operator with a block type.
    pub const fn block(op: Op, ty: BlockType) -> Instr {
        let (x, y) = match ty {
            BlockType::Empty => (BLOCK_EMPTY, 0),
            BlockType::Value(ty) => (BLOCK_VALUE, ty as u32),
            BlockType::Type(index) => (BLOCK_TYPE, index),
        };
        Instr { op, x, y, z: 0 }
    }

    /// The block type of `block`, `loop` and `if`.
    pub const fn block_type(&self) -> BlockType {
        match (self.x, byte_type(self.y)) {
            (BLOCK_TYPE, _) => BlockType::Type(self.y),
            (BLOCK_VALUE, Some(ty)) => BlockType::Value(ty),
            _ => BlockType::Empty,
        }
    }

    /// The type that `ref.null` and typed `select` name.
    pub const fn ref_type(&self) -> Option<ValType> {
        byte_type(self.x)
    }
}
