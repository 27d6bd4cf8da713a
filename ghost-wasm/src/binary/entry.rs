//! Readers of the short entries of sections: types of values, tables, memories and globals, descriptions of
//! imports and exports, segment headers.

use super::cursor::{Cursor, Fault, Read};
use crate::table::errors::ErrorCode;
use crate::table::features::{Feature, FeatureSet};
use crate::types::{GlobalType, MemoryType, TableType, ValType};

const FUNC_TYPE: u8 = 0x60;
const ELEM_KIND_FUNC: u8 = 0;
/// Flags of an active segment that names its table or memory.
const EXPLICIT_INDEX: u32 = 2;

/// What an import describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportDesc {
    /// A function of a type index.
    Func(u32),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
}

/// Which index space an import or export belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ExternKind {
    /// Functions.
    Func = 0,
    /// Tables.
    Table = 1,
    /// Memories.
    Memory = 2,
    /// Globals.
    Global = 3,
}

/// When and where a segment is used, before its offset is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    /// By `memory.init` or `table.init`.
    Passive,
    /// Never.
    Declarative,
    /// At instantiation, in this memory or table.
    Active(u32),
}

/// The header of an element segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElemHeader {
    /// When and where.
    pub kind: SegmentKind,
    /// The elements are expressions, not function indices.
    pub exprs: bool,
    /// The elements' kind or type is written; it is `funcref` otherwise.
    pub typed: bool,
}

fn bad<T>(code: ErrorCode) -> Read<T> {
    Err(Fault::Bad(code))
}

/// The value type of a byte, if the features have it.
pub fn val_type_of(byte: u8, features: FeatureSet) -> Option<ValType> {
    ValType::from_byte(byte).filter(|ty| ty.is_num() || features.has(Feature::ReferenceTypes))
}

/// A value type.
pub fn val_type(c: &mut Cursor<'_>, features: FeatureSet) -> Read<ValType> {
    val_type_of(c.u8()?, features).ok_or(Fault::Bad(ErrorCode::BadValType))
}

/// A reference type.
pub fn ref_type(c: &mut Cursor<'_>, features: FeatureSet) -> Read<ValType> {
    match ValType::from_byte(c.u8()?) {
        Some(ValType::FuncRef) => Ok(ValType::FuncRef),
        Some(ValType::ExternRef) if features.has(Feature::ReferenceTypes) => Ok(ValType::ExternRef),
        _ => bad(ErrorCode::BadRefType),
    }
}

/// The head of a function type: how many parameters follow.
pub fn func_type_head(c: &mut Cursor<'_>) -> Read<u32> {
    match c.u8()? {
        FUNC_TYPE => c.u32(),
        // The byte is a one-byte LEB128 number in the specification's eyes.
        byte if byte & 0x80 != 0 => bad(ErrorCode::IntegerTooLong),
        _ => bad(ErrorCode::BadFuncType),
    }
}

fn limits(c: &mut Cursor<'_>) -> Read<(u32, Option<u32>)> {
    let has_max = c.u1()?;
    let min = c.u32()?;
    let max = if has_max { Some(c.u32()?) } else { None };
    Ok((min, max))
}

/// A table type.
pub fn table_type(c: &mut Cursor<'_>, features: FeatureSet) -> Read<TableType> {
    let element = ref_type(c, features)?;
    let (min, max) = limits(c)?;
    Ok(TableType { element, min, max })
}

/// A memory type.
pub fn memory_type(c: &mut Cursor<'_>) -> Read<MemoryType> {
    let (min, max) = limits(c)?;
    Ok(MemoryType { min, max })
}

/// A global type.
pub fn global_type(c: &mut Cursor<'_>, features: FeatureSet) -> Read<GlobalType> {
    let content = val_type(c, features)?;
    let mutable = match c.u8()? {
        0 => false,
        1 => true,
        _ => return bad(ErrorCode::BadMutability),
    };
    Ok(GlobalType { content, mutable })
}

/// What an import is.
pub fn import_desc(c: &mut Cursor<'_>, features: FeatureSet) -> Read<ImportDesc> {
    Ok(match c.u8()? {
        0 => ImportDesc::Func(c.u32()?),
        1 => ImportDesc::Table(table_type(c, features)?),
        2 => ImportDesc::Memory(memory_type(c)?),
        3 => ImportDesc::Global(global_type(c, features)?),
        _ => return bad(ErrorCode::BadImportKind),
    })
}

/// What an export is: a kind and an index.
pub fn export_desc(c: &mut Cursor<'_>) -> Read<(ExternKind, u32)> {
    let kind = match c.u8()? {
        0 => ExternKind::Func,
        1 => ExternKind::Table,
        2 => ExternKind::Memory,
        3 => ExternKind::Global,
        _ => return bad(ErrorCode::BadExportKind),
    };
    Ok((kind, c.u32()?))
}

/// The header of an element segment: bit 0 not active, bit 1 explicit table or declarative, bit 2
/// expressions. In 1.0 the field was a table index, of which 0 alone could be valid; today's tools write
/// active segments of 1.0 with bit 1, too, so that encoding is accepted, and others are read as an index.
pub fn elem_header(c: &mut Cursor<'_>, features: FeatureSet) -> Read<ElemHeader> {
    let flags = c.u32()?;
    if !features.has(Feature::BulkMemory) && flags != EXPLICIT_INDEX {
        return Ok(ElemHeader { kind: SegmentKind::Active(flags), exprs: false, typed: false });
    }
    let kind = match flags & 3 {
        _ if flags > 7 => return bad(ErrorCode::BadSegmentFlags),
        0 => SegmentKind::Active(0),
        2 => SegmentKind::Active(c.u32()?),
        1 => SegmentKind::Passive,
        _ => SegmentKind::Declarative,
    };
    Ok(ElemHeader { kind, exprs: flags & 4 != 0, typed: flags & 3 != 0 })
}

/// The kind byte of element segments that list functions, the type of others.
pub fn elem_type(c: &mut Cursor<'_>, exprs: bool, features: FeatureSet) -> Read<ValType> {
    if exprs {
        return ref_type(c, features);
    }
    match c.u8()? {
        ELEM_KIND_FUNC => Ok(ValType::FuncRef),
        _ => bad(ErrorCode::BadElemKind),
    }
}

/// The header of a data segment. For 1.0 see [`elem_header`].
pub fn data_header(c: &mut Cursor<'_>, features: FeatureSet) -> Read<SegmentKind> {
    let flags = c.u32()?;
    if !features.has(Feature::BulkMemory) && flags != EXPLICIT_INDEX {
        return Ok(SegmentKind::Active(flags));
    }
    Ok(match flags {
        0 => SegmentKind::Active(0),
        1 => SegmentKind::Passive,
        2 => SegmentKind::Active(c.u32()?),
        _ => return bad(ErrorCode::BadSegmentFlags),
    })
}
