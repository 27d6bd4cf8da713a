//! Where things lie in a module's bytes, for diagnostics: sections, bodies, names. Reads whatever is
//! readable of a module that may be broken, and decides nothing.

use std::ops::Range;

/// The id of custom sections.
pub const CUSTOM: u8 = 0;
const IMPORT: u8 = 2;
const EXPORT: u8 = 7;
const CODE: u8 = 10;
const NAMES: [&str; 13] = [
    "custom",
    "type",
    "import",
    "function",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "element",
    "code",
    "data",
    "data count",
];

/// A section, as its header says.
#[derive(Clone, Debug)]
pub struct Section {
    /// The id.
    pub id: u8,
    /// Offset of the id in the module.
    pub offset: usize,
    /// The content, cut to the module.
    pub content: Range<usize>,
    /// The name of a custom section.
    pub custom: Option<String>,
}

impl Section {
    /// The specification's name.
    pub fn name(&self) -> &'static str {
        NAMES.get(usize::from(self.id)).copied().unwrap_or("unknown")
    }
}

/// Reads bytes from the front; nothing once they run out.
#[derive(Clone, Debug)]
pub struct Bytes<'a> {
    all: &'a [u8],
    /// The offset of the next byte.
    pub at: usize,
    end: usize,
}

impl<'a> Bytes<'a> {
    /// The bytes of a range of `all`.
    pub fn new(all: &'a [u8], range: Range<usize>) -> Bytes<'a> {
        Bytes { all, at: range.start, end: range.end.min(all.len()) }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    /// The next byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.end)?;
        let bytes = self.all.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    /// An unsigned LEB128 number of at most 32 bits.
    pub fn u32(&mut self) -> Option<u32> {
        u32::try_from(self.leb(35)?.0).ok()
    }

    /// An unsigned LEB128 number of at most 64 bits.
    pub fn u64(&mut self) -> Option<u64> {
        Some(self.leb(70)?.0)
    }

    /// A signed LEB128 number of at most 64 bits.
    pub fn signed(&mut self) -> Option<i64> {
        let (value, bits) = self.leb(70)?;
        let unused = 64u32.saturating_sub(bits);
        // Shifted up, the number's own sign bit is the word's.
        Some((value.wrapping_shl(unused) as i64).wrapping_shr(unused))
    }

    /// A name: its length, then UTF-8.
    pub fn name(&mut self) -> Option<&'a str> {
        let len = self.u32()? as usize;
        std::str::from_utf8(self.take(len)?).ok()
    }

    /// The value and how many bits of it were written, at most 64.
    fn leb(&mut self, bits_max: u32) -> Option<(u64, u32)> {
        let (mut value, mut bits) = (0u64, 0u32);
        loop {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(bits).unwrap_or(0);
            bits = bits.checked_add(7).filter(|&bits| bits <= bits_max)?;
            if byte & 0x80 == 0 {
                return Some((value, bits.min(64)));
            }
        }
    }
}

/// The sections that can be found, up to the first header that makes no sense.
pub fn sections(module: &[u8]) -> Vec<Section> {
    let mut bytes = Bytes::new(module, 8..module.len());
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let offset = bytes.at;
        let (Some(id), Some(len)) = (bytes.byte(), bytes.u32()) else { break };
        let start = bytes.at;
        let end = start.saturating_add(len as usize).min(module.len());
        let custom = (id == CUSTOM).then(|| Bytes::new(module, start..end).name().map(str::to_string));
        found.push(Section { id, offset, content: start..end, custom: custom.flatten() });
        bytes.at = end;
    }
    found
}

/// A function body that can be found.
#[derive(Clone, Debug)]
pub struct Body {
    /// The function's index, imported functions first.
    pub function: u32,
    /// Its name in the name section, else that of its export.
    pub name: Option<String>,
    /// Locals and operators.
    pub range: Range<usize>,
}

/// The bodies of the code section, without names.
pub fn bodies(module: &[u8], sections: &[Section]) -> Vec<Body> {
    let Some(code) = sections.iter().find(|section| section.id == CODE) else { return Vec::new() };
    let mut bytes = Bytes::new(module, code.content.clone());
    let mut function = imported_functions(module, sections);
    let mut found = Vec::new();
    let Some(count) = bytes.u32() else { return found };
    for _ in 0..count {
        let Some(len) = bytes.u32() else { break };
        let start = bytes.at;
        let end = start.saturating_add(len as usize).min(code.content.end);
        found.push(Body { function, name: None, range: start..end });
        if bytes.take(len as usize).is_none() {
            break;
        }
        function = function.saturating_add(1);
    }
    found
}

/// The body that holds `offset` (its size field included), with its name.
pub fn body_at(module: &[u8], offset: usize) -> Option<Body> {
    let sections = sections(module);
    let mut body = bodies(module, &sections)
        .into_iter()
        .rfind(|body| body.range.start <= offset && offset <= body.range.end)?;
    body.name = name_of(module, &sections, body.function);
    Some(body)
}

/// A function's name in the name section, else that of its export.
fn name_of(module: &[u8], sections: &[Section], function: u32) -> Option<String> {
    named(module, sections, function).or_else(|| exported(module, sections, function))
}

fn imported_functions(module: &[u8], sections: &[Section]) -> u32 {
    let Some(imports) = sections.iter().find(|section| section.id == IMPORT) else { return 0 };
    let mut bytes = Bytes::new(module, imports.content.clone());
    let mut functions = 0u32;
    let mut import = |bytes: &mut Bytes<'_>| {
        bytes.name()?;
        bytes.name()?;
        match bytes.byte()? {
            0 => {
                bytes.u32()?;
                functions = functions.saturating_add(1);
            }
            1 => {
                bytes.byte()?;
                limits(bytes)?;
            }
            2 => limits(bytes)?,
            _ => {
                bytes.take(2)?;
            }
        }
        Some(())
    };
    let count = bytes.u32().unwrap_or(0);
    for _ in 0..count {
        if import(&mut bytes).is_none() {
            break;
        }
    }
    functions
}

fn limits(bytes: &mut Bytes<'_>) -> Option<()> {
    let has_max = bytes.byte()? & 1 != 0;
    bytes.u32()?;
    if has_max {
        bytes.u32()?;
    }
    Some(())
}

fn exported(module: &[u8], sections: &[Section], function: u32) -> Option<String> {
    let exports = sections.iter().find(|section| section.id == EXPORT)?;
    let mut bytes = Bytes::new(module, exports.content.clone());
    for _ in 0..bytes.u32()? {
        let (name, kind, index) = (bytes.name()?, bytes.byte()?, bytes.u32()?);
        if kind == 0 && index == function {
            return Some(name.into());
        }
    }
    None
}

fn named(module: &[u8], sections: &[Section], function: u32) -> Option<String> {
    let section = sections.iter().find(|section| section.custom.as_deref() == Some("name"))?;
    let mut bytes = Bytes::new(module, section.content.clone());
    bytes.name()?;
    while !bytes.is_empty() {
        let (id, len) = (bytes.byte()?, bytes.u32()? as usize);
        let start = bytes.at;
        bytes.take(len)?;
        if id == 1 {
            let mut names = Bytes::new(module, start..bytes.at);
            for _ in 0..names.u32()? {
                let (index, name) = (names.u32()?, names.name()?);
                if index == function {
                    return Some(name.into());
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_leb128() {
        let all = [0xe5, 0x8e, 0x26, 0x7f, 0xc0, 0xbb, 0x78, 0x80];
        let mut bytes = Bytes::new(&all, 0..all.len());
        assert_eq!(bytes.u32(), Some(624_485));
        assert_eq!(bytes.signed(), Some(-1));
        assert_eq!(bytes.signed(), Some(-123_456));
        assert_eq!(bytes.u32(), None, "cut");
        let min = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f];
        assert_eq!(Bytes::new(&min, 0..10).signed(), Some(i64::MIN));
    }

    #[test]
    fn bodies_know_their_function_and_name() {
        let module = wat::parse_str(
            r#"(module (import "m" "t" (table 1 2 funcref)) (import "m" "f" (func)) (import "m" "m" (memory 1))
                 (import "m" "g" (global i32)) (import "m" "h" (func (param i32)))
                 (func $first nop) (func (export "second") nop nop) (func nop))"#,
        )
        .expect("valid text");
        let sections = sections(&module);
        assert_eq!(
            sections.iter().map(Section::name).collect::<Vec<_>>(),
            ["type", "import", "function", "export", "code", "custom"]
        );
        let bodies = bodies(&module, &sections);
        let found: Vec<_> = bodies.iter().filter_map(|body| body_at(&module, body.range.start)).collect();
        assert_eq!(found.iter().map(|body| body.function).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(
            found.iter().map(|body| body.name.as_deref()).collect::<Vec<_>>(),
            [Some("first"), Some("second"), None]
        );
    }

    #[test]
    fn any_prefix_and_any_flipped_byte_is_survived() {
        let module = include_bytes!("../../contracts/counter/counter.wasm");
        for cut in 0..module.len().min(600) {
            let _ = body_at(&module[..cut], cut);
        }
        for at in 8..module.len().min(2_000) {
            let mut broken = module.to_vec();
            broken[at] ^= 0xff;
            let _ = body_at(&broken, at);
        }
    }
}
