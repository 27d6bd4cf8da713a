//! The name section, read while it arrives. It is for diagnostics only: one that is malformed is dropped.
//!
//! <https://www.w3.org/TR/wasm-core-2/#name-section%E2%91%A0>

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::cursor::Cursor;
use crate::heap;

const MODULE_NAME: u8 = 0;
const FUNCTION_NAMES: u8 = 1;

/// What the name section says.
#[derive(Clone, Default)]
pub struct Names {
    /// The module's name.
    pub module: Option<Box<str>>,
    /// Ascending by function index.
    functions: Vec<Named>,
    /// The functions' names, one after the other: a section may have a million short ones.
    text: String,
}

#[derive(Clone, Copy, Debug)]
struct Named {
    func: u32,
    /// Where its name ends in the text.
    end: u32,
}

impl Names {
    /// The name of a function.
    pub fn function(&self, index: u32) -> Option<&str> {
        let at = self.functions.binary_search_by_key(&index, |named| named.func).ok()?;
        let before = at.checked_sub(1).and_then(|before| self.functions.get(before));
        let start = before.map_or(0, |named| named.end as usize);
        self.text.get(start..self.functions.get(at)?.end as usize)
    }

    /// All functions that have a name, ascending.
    fn functions(&self) -> impl Iterator<Item = (u32, &str)> {
        self.functions.iter().filter_map(|named| Some((named.func, self.function(named.func)?)))
    }

    fn push(&mut self, func: u32, name: &str) {
        self.text.push_str(name);
        // A module is much shorter.
        let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.functions.push(Named { func, end });
    }

    /// Bytes of memory that they have allocated.
    pub fn heap_bytes(&self) -> u64 {
        let module = self.module.as_ref().map_or(0, |name| heap::boxed(&**name));
        [module, heap::list(&self.functions), heap::block(self.text.capacity())].iter().sum()
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions: Vec<_> = self.functions().collect();
        f.debug_struct("Names").field("module", &self.module).field("functions", &functions).finish()
    }
}

#[derive(Clone, Copy, Debug)]
enum Part {
    /// Between subsections.
    Header,
    /// The module's name, up to here.
    Module { end: usize },
    /// The number of function names.
    Count { end: usize },
    /// So many more function names.
    Functions { end: usize, left: u32 },
    /// Something that is not kept.
    Skip { end: usize },
}

/// Follows the content of a name section as it grows.
#[derive(Debug)]
pub struct NameReader {
    names: Names,
    at: usize,
    part: Part,
    last_id: Option<u8>,
    broken: bool,
}

impl NameReader {
    /// At the first subsection.
    pub fn new() -> NameReader {
        NameReader { names: Names::default(), at: 0, part: Part::Header, last_id: None, broken: false }
    }

    /// Reads what `content` has gained.
    pub fn advance(&mut self, content: &[u8]) {
        while !self.broken {
            match self.step(content) {
                Ok(true) => {}
                Ok(false) => break,
                Err(()) => self.broken = true,
            }
        }
    }

    /// The names, if the section was well-formed to its end.
    pub fn finish(mut self, content: &[u8]) -> Option<Names> {
        self.advance(content);
        let whole = self.at == content.len() && matches!(self.part, Part::Header);
        (whole && !self.broken).then_some(self.names)
    }

    /// One item; `false` if it is not there as a whole.
    fn step(&mut self, content: &[u8]) -> Result<bool, ()> {
        match self.part {
            Part::Header => {
                let Some((id, size)) = self.read(content, None, |c| Ok((c.u8()?, c.u32()?)))? else {
                    return Ok(false);
                };
                if self.last_id.is_some_and(|last| last >= id) {
                    return Err(());
                }
                self.last_id = Some(id);
                let end = self.at.checked_add(size as usize).ok_or(())?;
                self.part = match id {
                    MODULE_NAME => Part::Module { end },
                    FUNCTION_NAMES => Part::Count { end },
                    _ => Part::Skip { end },
                };
            }
            Part::Module { end } => {
                let Some(name) = self.name(content, end, |_| Ok(()))? else { return Ok(false) };
                self.names.module = Some(name.1.into());
                self.close(end)?;
            }
            Part::Count { end } => {
                let Some(left) = self.read(content, Some(end), |c| c.u32())? else { return Ok(false) };
                self.part = Part::Functions { end, left };
            }
            Part::Functions { end, left: 0 } => self.close(end)?,
            Part::Functions { end, left } => {
                let Some((index, name)) = self.name(content, end, |c| c.u32())? else { return Ok(false) };
                if self.names.functions.last().is_some_and(|last| last.func >= index) {
                    return Err(());
                }
                self.names.push(index, name);
                self.part = Part::Functions { end, left: left.saturating_sub(1) };
            }
            Part::Skip { end } => {
                if content.len() < end {
                    return Ok(false);
                }
                self.at = end;
                self.part = Part::Header;
            }
        }
        Ok(true)
    }

    fn close(&mut self, end: usize) -> Result<(), ()> {
        self.part = Part::Header;
        if self.at == end { Ok(()) } else { Err(()) }
    }

    fn read<T>(
        &mut self,
        content: &[u8],
        end: Option<usize>,
        read: impl FnOnce(&mut Cursor<'_>) -> super::cursor::Read<T>,
    ) -> Result<Option<T>, ()> {
        let end = end.unwrap_or(usize::MAX);
        let rest = content.get(self.at..end.min(content.len())).ok_or(())?;
        let mut c = Cursor::new(rest);
        match read(&mut c) {
            Ok(value) => {
                self.at = self.at.saturating_add(c.consumed());
                Ok(Some(value))
            }
            Err(super::cursor::Fault::More) if content.len() < end => Ok(None),
            Err(_) => Err(()),
        }
    }

    /// Something short and a name, as one item.
    fn name<'c, T>(
        &mut self,
        content: &'c [u8],
        end: usize,
        head: impl FnOnce(&mut Cursor<'_>) -> super::cursor::Read<T>,
    ) -> Result<Option<(T, &'c str)>, ()> {
        let start = self.at;
        let Some((head, len)) = self.read(content, Some(end), |c| Ok((head(c)?, c.u32()?)))? else {
            return Ok(None);
        };
        let stop = self.at.checked_add(len as usize).filter(|&stop| stop <= end).ok_or(())?;
        let Some(bytes) = content.get(self.at..stop) else {
            self.at = start;
            return Ok(None);
        };
        let text = core::str::from_utf8(bytes).map_err(|_| ())?;
        self.at = stop;
        Ok(Some((head, text)))
    }
}
