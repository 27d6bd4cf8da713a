//! Which proposal an item needs that the reader has refused: the marks of `table/features.rs`, applied to the
//! item's bytes. Only the bytes that the reader took are looked at, so the answer does not depend on how a
//! module was cut. Asked when a module is refused, never on the way of a valid one.

use super::cursor::Cursor;
use super::section::SectionId;
use crate::table::errors::ErrorCode;
use crate::table::features::{Feature, FeatureSet, Mark};
use crate::table::ops::Op;
use crate::types::ValType;

const REF_NULL: u8 = Op::RefNull.code().to_le_bytes()[0];
/// The largest alignment exponent that an access of any proposal has: 16 bytes.
const ALIGN_MAX: u8 = 4;
const TABLE_KIND: u8 = 1;
const MEMORY_KIND: u8 = 2;

/// Where an item stands.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The section, if it is in one.
    pub section: Option<SectionId>,
    /// How many types the module has declared so far.
    pub types: usize,
    /// The proposals that are on.
    pub features: FeatureSet,
}

/// The proposal that is off and would make something of an item of which the reader has taken `taken`, the byte
/// at fault the last. None: the item is malformed by everything that the table knows.
#[cold]
pub fn proposal(code: ErrorCode, taken: &[u8], site: Site) -> Option<Feature> {
    let (&first, rest) = taken.split_first()?;
    let &last = taken.last()?;
    match code {
        ErrorCode::IllegalOpcode => operator(first, rest),
        ErrorCode::BadSectionId => marked(Mark::SectionId(first)),
        ErrorCode::BadFuncType => {
            Feature::marked(|mark| matches!(mark, Mark::TypeForm(low, high) if (low..=high).contains(&first)))
        }
        ErrorCode::BadValType => value_type(last),
        ErrorCode::BadRefType if first == REF_NULL && taken.len() == 2 => heap_type(last, site),
        ErrorCode::BadRefType if site.section == Some(SectionId::Table) && taken.len() == 1 => {
            marked(Mark::TableInit(first)).or_else(|| marked(Mark::RefType(first)))
        }
        ErrorCode::BadRefType => marked(Mark::RefType(last)),
        ErrorCode::BadBlockType => block_type(rest, site),
        ErrorCode::BadMemArgFlags => bit(*rest.first()? & !7, Mark::MemArgFlag)
            .filter(|_| rest.first().is_some_and(|flags| flags & 7 <= ALIGN_MAX)),
        ErrorCode::BadMutability => bit(last & !1, Mark::GlobalFlag),
        ErrorCode::BadImportKind => {
            marked(Mark::ExternKind(first)).or_else(|| marked(Mark::ImportKind(first)))
        }
        ErrorCode::BadExportKind => marked(Mark::ExternKind(first)),
        ErrorCode::UnknownVersion => match taken {
            [version, 0, layer, 0] if *version != 0 => marked(Mark::Layer(*layer)),
            _ => None,
        },
        ErrorCode::IntegerTooLarge => limits(taken, site),
        _ => None,
    }
}

fn marked(wanted: Mark) -> Option<Feature> {
    Feature::marked(|mark| mark == wanted)
}

fn value_type(byte: u8) -> Option<Feature> {
    marked(Mark::ValType(byte)).or_else(|| marked(Mark::RefType(byte)))
}

/// The first proposal of flags that all are a proposal's.
fn bit(flags: u8, of: impl Fn(u8) -> Mark) -> Option<Feature> {
    let mut first = None;
    for bit in (0..8).map(|shift| 1_u8 << shift).filter(|bit| flags & bit != 0) {
        let feature = marked(of(bit))?;
        first = first.or(Some(feature));
    }
    first
}

fn operator(byte: u8, rest: &[u8]) -> Option<Feature> {
    if !Op::is_prefix(byte) && !Feature::is_prefix(byte) {
        let marked = || {
            Feature::marked(|mark| matches!(mark, Mark::Opcode(low, high) if (low..=high).contains(&byte)))
        };
        return Op::from_byte(byte).map(Op::feature).or_else(marked);
    }
    let sub = Cursor::new(rest).u32().ok()?;
    let marked = || {
        Feature::marked(
            |mark| matches!(mark, Mark::Sub(prefix, low, high) if prefix == byte && (low..=high).contains(&sub)),
        )
    };
    Op::from_prefixed(byte, sub).map(Op::feature).or_else(marked)
}

/// A heap type is a byte of a reference type, or the index of a type.
fn heap_type(byte: u8, site: Site) -> Option<Feature> {
    if usize::from(byte) < site.types && byte < 0x40 {
        return Some(Feature::FunctionReferences);
    }
    // These two stand before a heap type.
    marked(Mark::RefType(byte)).filter(|_| !matches!(byte, 0x63 | 0x64))
}

/// What stands behind `block`, `loop` or `if`.
fn block_type(ty: &[u8], site: Site) -> Option<Feature> {
    let off = !site.features.has(Feature::MultiValue);
    match Cursor::new(ty).s33() {
        Ok(index) if usize::try_from(index).is_ok_and(|index| index < site.types) => {
            Some(Feature::MultiValue).filter(|_| off)
        }
        _ => match ty {
            [byte] => value_type(*byte),
            _ => None,
        },
    }
}

/// Flags of limits that are no single bit: a memory's stand first in their entry, a table's behind the type.
fn limits(taken: &[u8], site: Site) -> Option<Feature> {
    let (table, flags) = match (site.section?, taken) {
        (SectionId::Memory, &[flags]) => (false, flags),
        (SectionId::Import, &[MEMORY_KIND, flags]) => (false, flags),
        (SectionId::Table, &[element, flags]) | (SectionId::Import, &[TABLE_KIND, element, flags]) => {
            ValType::from_byte(element)?;
            (true, flags)
        }
        _ => return None,
    };
    bit(flags & !1, if table { Mark::TableFlag } else { Mark::MemoryFlag })
}
