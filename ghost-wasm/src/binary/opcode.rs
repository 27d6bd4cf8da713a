//! Reads one operator with its immediates.
//!
//! <https://www.w3.org/TR/wasm-core-2/#instructions%E2%91%A6>

use super::cursor::{Cursor, Fault, Read};
use super::entry;
use super::instr::{BlockType, Instr};
use crate::table::errors::ErrorCode;
use crate::table::features::{Feature, FeatureSet};
use crate::table::ops::{Imm, Op};

const BLOCK_EMPTY_BYTE: u8 = 0x40;

/// What the reader must know of an opcode, in four bytes; `NONE` for bytes that are none.
#[derive(Clone, Copy)]
struct Entry {
    op: Op,
    imm: Imm,
    feature: u8,
}

const NONE: Entry = Entry { op: Op::Unreachable, imm: Imm::Nil, feature: 63 };

const fn entry_of(op: Option<Op>) -> Entry {
    match op {
        Some(op) => Entry { op, imm: op.imm(), feature: op.feature() as u8 },
        None => NONE,
    }
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
static BYTES: [Entry; 256] = {
    let mut table = [NONE; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let op = Op::from_byte(byte as u8);
        table[byte] = entry_of(op);
        byte += 1;
    }
    table
};

#[cold]
#[inline(never)]
fn prefixed(c: &mut Cursor<'_>, prefix: u8) -> Read<Entry> {
    let sub = c.u32()?;
    Ok(entry_of(Op::from_prefixed(prefix, sub)))
}

/// The fault of an opcode that the profile does not have. The sub-opcode behind a prefix tells which proposal it
/// belongs to, so it is waited for.
#[cold]
#[inline(never)]
fn illegal(c: &mut Cursor<'_>, byte: u8) -> Fault {
    let foreign = !Op::is_prefix(byte) && Feature::is_prefix(byte);
    match if foreign { c.u32() } else { Ok(0) } {
        Err(Fault::More) => Fault::More,
        Ok(_) | Err(Fault::Bad(_)) => Fault::Bad(ErrorCode::IllegalOpcode),
    }
}

/// An operator with its immediates; of `br_table` only the number of its targets.
pub fn instr(c: &mut Cursor<'_>, features: FeatureSet) -> Read<Instr> {
    let mut i = Instr::plain(Op::Nop);
    instr_into(c, features, &mut i)?;
    Ok(i)
}

/// As [`instr`], into a place that is used again and again. Returned by value, an operator would be copied
/// in pieces of other sizes than it was written in, and the processor waits for that at each one: half of
/// the time that validation takes.
#[inline(always)]
pub fn instr_into(c: &mut Cursor<'_>, features: FeatureSet, i: &mut Instr) -> Read<Op> {
    let byte = c.u8()?;
    #[expect(clippy::indexing_slicing, reason = "a byte is an index below 256")]
    let mut entry = BYTES[byte as usize];
    if Op::is_prefix(byte) {
        entry = prefixed(c, byte)?;
    }
    if features.bits() >> entry.feature & 1 == 0 {
        return Err(illegal(c, byte));
    }
    let op = entry.op;
    *i = Instr::plain(op);
    match entry.imm {
        Imm::Nil => {}
        Imm::Local
        | Imm::Global
        | Imm::Label
        | Imm::Func
        | Imm::Table
        | Imm::Data
        | Imm::Elem
        | Imm::BrTable => {
            i.x = c.u32()?;
        }
        Imm::I32 => i.z = c.s32()?.cast_unsigned(),
        Imm::I64 => i.z = c.s64()?.cast_unsigned(),
        Imm::MemArg(_) => {
            let align = c.u32()?;
            if align >= 32 {
                return Err(Fault::Bad(ErrorCode::BadMemArgFlags));
            }
            i.y = align;
            i.z = u64::from(c.u32()?);
        }
        Imm::Block => *i = block(c, op, features)?,
        imm => rare(c, imm, features, i)?,
    }
    Ok(op)
}

/// A block type of one byte: nothing, or a value type.
#[inline(always)]
pub fn short_block_type(byte: u8, features: FeatureSet) -> Option<BlockType> {
    if byte == BLOCK_EMPTY_BYTE {
        return Some(BlockType::Empty);
    }
    entry::val_type_of(byte, features).map(BlockType::Value)
}

/// A block type: one byte, or a type index as a non-negative `s33`.
fn block(c: &mut Cursor<'_>, op: Op, features: FeatureSet) -> Read<Instr> {
    let ty = if let Some(ty) = short_block_type(c.peek()?, features) {
        c.u8()?;
        ty
    } else {
        let index = u32::try_from(c.s33()?).map_err(|_| Fault::Bad(ErrorCode::BadBlockType))?;
        if !features.has(Feature::MultiValue) {
            return Err(Fault::Bad(ErrorCode::BadBlockType));
        }
        BlockType::Type(index)
    };
    Ok(Instr::block(op, ty))
}

#[cold]
#[inline(never)]
fn rare(c: &mut Cursor<'_>, imm: Imm, features: FeatureSet, i: &mut Instr) -> Read<()> {
    match imm {
        Imm::F32 => i.z = u64::from(u32::from_le_bytes(c.array()?)),
        Imm::F64 => i.z = u64::from_le_bytes(c.array()?),
        Imm::Memory => c.zero_byte()?,
        Imm::CallIndirect => {
            i.x = c.u32()?;
            if features.has(Feature::ReferenceTypes) {
                i.y = c.u32()?;
            } else {
                c.zero_byte()?;
            }
        }
        Imm::RefType => i.x = u32::from(entry::ref_type(c, features)? as u8),
        Imm::SelectTypes => {
            if c.u32()? != 1 {
                return Err(Fault::Bad(ErrorCode::BadResultArity));
            }
            i.x = u32::from(entry::val_type(c, features)? as u8);
        }
        Imm::MemoryInit => {
            i.x = c.u32()?;
            c.zero_byte()?;
        }
        Imm::MemoryCopy => {
            c.zero_byte()?;
            c.zero_byte()?;
        }
        Imm::TableInit | Imm::TableCopy => {
            i.x = c.u32()?;
            i.y = c.u32()?;
        }
        // Read by the caller.
        _ => {}
    }
    Ok(())
}
