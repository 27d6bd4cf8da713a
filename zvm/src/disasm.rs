//! The operators around a byte of a module, as text. Derived from the engine's operator table; the module
//! may be broken at that very byte.

use ghost_wasm::ValType;
use ghost_wasm::internals::{Imm, Op};
use serde_json::{Value, json};

use crate::scan::{self, Body, Bytes};

/// Operators shown before and after the place.
const BEFORE: usize = 3;
const AFTER: usize = 2;
/// Targets of a `br_table` shown, and types of a `select`.
const TARGETS_SHOWN: u32 = 6;

/// One operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its offset in the module.
    pub offset: usize,
    /// Name and immediates, or the bytes that are no operator.
    pub text: String,
    /// Whether the place lies in it.
    pub here: bool,
}

/// The operators around a place, and the function they belong to.
#[derive(Clone, Debug)]
pub struct Excerpt {
    index: u32,
    name: Option<String>,
    lines: Vec<Line>,
}

impl Excerpt {
    /// What stands around `offset`, if that is in a function body. The place behind a body belongs to it only if
    /// the body lacks its `end`: an error about what follows has nothing to do with the last function.
    pub fn at(module: &[u8], offset: u64) -> Option<Excerpt> {
        let offset = usize::try_from(offset).ok()?;
        let body = scan::body_at(module, offset)?;
        let lines = around(module, &body, offset)?;
        Some(Excerpt { index: body.function, name: body.name, lines })
    }

    /// Index and name of the function.
    pub fn function(&self) -> String {
        match &self.name {
            Some(name) => format!("{} <{name}>", self.index),
            None => self.index.to_string(),
        }
    }

    /// The operators.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The function, for programs.
    pub fn function_json(&self) -> Value {
        json!({ "index": self.index, "name": self.name })
    }

    /// The operators, for programs.
    pub fn operators_json(&self) -> Value {
        let line = |line: &Line| json!({ "offset": line.offset, "text": line.text, "here": line.here });
        self.lines.iter().map(line).collect()
    }
}

/// The lines around a place; nothing if it is behind a body that is whole.
fn around(module: &[u8], body: &Body, offset: usize) -> Option<Vec<Line>> {
    let mut bytes = Bytes::new(module, body.range.clone());
    let mut lines: Vec<Line> = Vec::new();
    if skip_locals(&mut bytes).is_none() || offset < bytes.at {
        return Some(lines);
    }
    let mut found = None;
    // Blocks that are open, that of the body among them.
    let mut open = 1u32;
    while !bytes.is_empty() {
        let start = bytes.at;
        let (op, text) = operator(&mut bytes).unzip();
        open = match op {
            Some(Op::Block | Op::Loop | Op::If) => open.saturating_add(1),
            Some(Op::End) => open.saturating_sub(1),
            _ => open,
        };
        let here = found.is_none() && (offset < bytes.at || text.is_none());
        let broken = text.is_none();
        let raw = || {
            let shown = module.get(start..body.range.end.min(start.saturating_add(6))).unwrap_or_default();
            let hex: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("bytes {}", hex.join(" "))
        };
        lines.push(Line { offset: start, text: text.unwrap_or_else(raw), here });
        if here {
            found = Some(lines.len());
        }
        if found.is_none() && lines.len() > BEFORE {
            lines.remove(0);
        }
        if broken || found.is_some_and(|at| lines.len() >= at.saturating_add(AFTER)) {
            break;
        }
    }
    if found.is_none() {
        if open == 0 {
            return None;
        }
        lines.push(Line { offset, text: "end of the body".into(), here: true });
    }
    Some(lines)
}

fn skip_locals(bytes: &mut Bytes<'_>) -> Option<()> {
    for _ in 0..bytes.u32()? {
        bytes.u32()?;
        bytes.byte()?;
    }
    Some(())
}

/// The next operator and its text; nothing if the bytes are none.
fn operator(bytes: &mut Bytes<'_>) -> Option<(Op, String)> {
    let byte = bytes.byte()?;
    let op = if Op::is_prefix(byte) { Op::from_prefixed(byte, bytes.u32()?) } else { Op::from_byte(byte) }?;
    let immediates = immediates(op.imm(), bytes)?;
    Some((op, format!("{}{immediates}", op.text())))
}

/// The immediates as the text format writes them, each with a blank in front.
fn immediates(imm: Imm, bytes: &mut Bytes<'_>) -> Option<String> {
    Some(match imm {
        Imm::Nil => String::new(),
        Imm::Block => match bytes.signed()? {
            -64 => String::new(),
            index @ 0.. => format!(" (type {index})"),
            byte => format!(" (result {})", val_type(u8::try_from(byte & 0x7f).ok()?)),
        },
        Imm::Label | Imm::Func | Imm::Local | Imm::Global | Imm::Table | Imm::Data | Imm::Elem => {
            format!(" {}", bytes.u32()?)
        }
        Imm::BrTable => {
            let count = bytes.u32()?;
            let mut text = String::new();
            for target in 0..=count {
                let label = bytes.u32()?;
                if target < TARGETS_SHOWN || target == count {
                    text += &format!(" {label}");
                } else if target == TARGETS_SHOWN {
                    text += " …";
                }
            }
            text
        }
        Imm::CallIndirect => {
            let (ty, table) = (bytes.u32()?, bytes.u32()?);
            format!(" {table} (type {ty})")
        }
        Imm::MemArg(natural) => {
            let (align, offset) = (bytes.u32()?, bytes.u64()?);
            let offset = if offset == 0 { String::new() } else { format!(" offset={offset}") };
            let natural = align == u32::from(natural);
            let align = match 1u64.checked_shl(align) {
                _ if natural => String::new(),
                Some(bytes) => format!(" align={bytes}"),
                None => format!(" align=2^{align}"),
            };
            format!("{offset}{align}")
        }
        Imm::Memory => {
            bytes.byte()?;
            String::new()
        }
        Imm::I32 | Imm::I64 => format!(" {}", bytes.signed()?),
        Imm::F32 => format!(" {:?}", f32::from_le_bytes(bytes.take(4)?.try_into().ok()?)),
        Imm::F64 => format!(" {:?}", f64::from_le_bytes(bytes.take(8)?.try_into().ok()?)),
        Imm::RefType => format!(" {}", val_type(bytes.byte()?)),
        Imm::SelectTypes => {
            let count = bytes.u32()?;
            let mut text = String::new();
            for index in 0..count {
                let ty = val_type(bytes.byte()?);
                if index < TARGETS_SHOWN {
                    text += &format!(" (result {ty})");
                }
            }
            text + if count > TARGETS_SHOWN { " …" } else { "" }
        }
        Imm::MemoryInit => {
            let segment = bytes.u32()?;
            bytes.byte()?;
            format!(" {segment}")
        }
        Imm::MemoryCopy => {
            bytes.take(2)?;
            String::new()
        }
        Imm::TableInit => {
            let (segment, table) = (bytes.u32()?, bytes.u32()?);
            format!(" {table} {segment}")
        }
        Imm::TableCopy => format!(" {} {}", bytes.u32()?, bytes.u32()?),
    })
}

fn val_type(byte: u8) -> String {
    ValType::from_byte(byte).map_or_else(|| format!("{byte:#04x}"), |ty| ty.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes one operator with `immediates` behind the opcode.
    fn text(op: Op, immediates: &[u8]) -> Option<String> {
        let code = op.code().to_be_bytes();
        let opcode: &[u8] = if code[0] == 0 { &code[1..] } else { &code };
        let all = [opcode, immediates].concat();
        let mut bytes = Bytes::new(&all, 0..all.len());
        operator(&mut bytes).filter(|_| bytes.is_empty()).map(|(_, text)| text)
    }

    #[test]
    fn every_operator_of_the_table_has_a_text() {
        for &op in Op::ALL {
            let immediates: &[u8] = match op.imm() {
                Imm::Nil => &[],
                Imm::Block => &[0x40],
                Imm::BrTable => &[1, 0, 1],
                Imm::F32 => &[0; 4],
                Imm::F64 => &[0; 8],
                Imm::RefType => &[0x70],
                Imm::SelectTypes => &[1, 0x7f],
                Imm::CallIndirect
                | Imm::MemArg(_)
                | Imm::MemoryInit
                | Imm::MemoryCopy
                | Imm::TableInit
                | Imm::TableCopy => &[0, 0],
                _ => &[0],
            };
            let found = text(op, immediates);
            assert!(found.is_some_and(|text| text.starts_with(op.text())), "{}", op.text());
        }
    }

    #[test]
    fn immediates_are_written_as_in_the_text_format() {
        assert_eq!(text(Op::I32Const, &[0x7f]).as_deref(), Some("i32.const -1"));
        assert_eq!(text(Op::I32Load, &[2, 0]).as_deref(), Some("i32.load"));
        assert_eq!(text(Op::I32Load, &[0, 8]).as_deref(), Some("i32.load offset=8 align=1"));
        assert_eq!(text(Op::Block, &[0x7e]).as_deref(), Some("block (result i64)"));
        assert_eq!(text(Op::Block, &[3]).as_deref(), Some("block (type 3)"));
        assert_eq!(text(Op::BrTable, &[2, 1, 2, 0]).as_deref(), Some("br_table 1 2 0"));
        assert_eq!(text(Op::F64Const, &1.5f64.to_le_bytes()).as_deref(), Some("f64.const 1.5"));
        assert_eq!(text(Op::CallIndirect, &[4, 0]).as_deref(), Some("call_indirect 0 (type 4)"));
        assert_eq!(text(Op::I32Const, &[]), None);
        // Both may have as many as the body has bytes.
        let many = [&[20, 0x7f][..], &[0x7f; 19]].concat();
        assert_eq!(text(Op::SelectT, &many), Some(format!("select{} …", " (result i32)".repeat(6))));
        assert_eq!(
            text(Op::BrTable, &[&[20][..], &[1; 20], &[2]].concat()).as_deref(),
            Some("br_table 1 1 1 1 1 1 … 2")
        );
    }

    #[test]
    fn the_place_is_marked_among_its_neighbours() {
        let module = wat::parse_str(
            "(module (func $f (param i64) (local i32) nop nop local.get 0 i32.const 7 i32.add drop nop))",
        )
        .expect("valid text");
        let add = module.iter().rposition(|&byte| byte == 0x6a).expect("i32.add");
        let excerpt = Excerpt::at(&module, add as u64).expect("in a body");
        assert_eq!(excerpt.function(), "0 <f>");
        let lines: Vec<_> = excerpt.lines().iter().map(|line| (&*line.text, line.here)).collect();
        assert_eq!(
            lines,
            [
                ("nop", false),
                ("local.get 0", false),
                ("i32.const 7", false),
                ("i32.add", true),
                ("drop", false),
                ("nop", false)
            ]
        );
        assert!(Excerpt::at(&module, 3).is_none());
    }

    #[test]
    fn the_place_behind_a_whole_body_is_not_its() {
        let text = "(module (func (block (loop nop)) (if (i32.const 1) (then nop) (else nop))))";
        let module = wat::parse_str(text).expect("valid text");
        let end = module.len() as u64;
        assert!(Excerpt::at(&module, end - 1).is_some());
        assert!(Excerpt::at(&module, end).is_none());
        // Without its `end` it is.
        let mut cut = module.clone();
        let last = cut.len() - 1;
        cut[last] = 0x01;
        let excerpt = Excerpt::at(&cut, end).expect("the body goes on");
        assert_eq!(
            excerpt.lines().last().map(|line| (&*line.text, line.here)),
            Some(("end of the body", true))
        );
    }
}
