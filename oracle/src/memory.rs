//! A linear memory: pages that come into being when they are first written, so that a memory of four
//! gigabytes costs nothing until it is used. Knows bounds and sizes, not who asks.

use ghost_wasm::MemoryType;

/// Bytes in a page.
pub const PAGE_BYTES: usize = 65_536;

/// A memory.
#[derive(Clone, Debug)]
pub struct Memory {
    pages: Vec<Option<Box<[u8]>>>,
    max: Option<u32>,
}

impl Memory {
    pub(crate) fn new(ty: MemoryType) -> Memory {
        Memory { pages: vec![None; ty.min as usize], max: ty.max }
    }

    /// The type: the size of now, and the declared maximum.
    pub fn ty(&self) -> MemoryType {
        MemoryType { min: self.size_pages(), max: self.max }
    }

    /// The size in pages.
    pub fn size_pages(&self) -> u32 {
        self.pages.len() as u32
    }

    /// The size in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.pages.len() as u64 * PAGE_BYTES as u64
    }

    /// Whether `len` bytes at `at` lie inside.
    pub fn holds(&self, at: u64, len: u64) -> bool {
        at.checked_add(len).is_some_and(|end| end <= self.size_bytes())
    }

    /// Whether it may have `pages` more: the declared maximum, else `pages_max`, decides.
    pub(crate) fn may_grow(&self, pages: u32, pages_max: u32) -> bool {
        let max = self.max.map_or(pages_max, |max| max.min(pages_max));
        u64::from(self.size_pages()) + u64::from(pages) <= u64::from(max)
    }

    /// Adds zeroed pages. The caller has asked [`may_grow`](Memory::may_grow).
    pub(crate) fn grow(&mut self, pages: u32) {
        self.pages.resize(self.pages.len() + pages as usize, None);
    }

    fn byte(&self, at: u64) -> u8 {
        let (page, offset) = place(at);
        self.pages
            .get(page)
            .and_then(Option::as_deref)
            .and_then(|page| page.get(offset))
            .copied()
            .unwrap_or(0)
    }

    fn page_mut(&mut self, page: usize) -> Option<&mut Box<[u8]>> {
        Some(self.pages.get_mut(page)?.get_or_insert_with(|| vec![0; PAGE_BYTES].into_boxed_slice()))
    }

    /// Reads bytes; `None` if they do not lie inside.
    pub fn read(&self, at: u64, out: &mut [u8]) -> Option<()> {
        if !self.holds(at, out.len() as u64) {
            return None;
        }
        for (index, byte) in out.iter_mut().enumerate() {
            *byte = self.byte(at + index as u64);
        }
        Some(())
    }

    /// Writes bytes; `None`, and nothing written, if they would not lie inside.
    pub fn write(&mut self, at: u64, bytes: &[u8]) -> Option<()> {
        if !self.holds(at, bytes.len() as u64) {
            return None;
        }
        for (index, byte) in bytes.iter().enumerate() {
            let (page, offset) = place(at + index as u64);
            *self.page_mut(page)?.get_mut(offset)? = *byte;
        }
        Some(())
    }

    /// Writes `len` times the same byte; `None`, and nothing written, if they would not lie inside.
    pub fn fill(&mut self, at: u64, value: u8, len: u64) -> Option<()> {
        if !self.holds(at, len) {
            return None;
        }
        let end = at + len;
        let mut at = at;
        while at < end {
            let (page, offset) = place(at);
            let piece = (PAGE_BYTES - offset).min((end - at) as usize);
            self.page_mut(page)?.get_mut(offset..offset + piece)?.fill(value);
            at += piece as u64;
        }
        Some(())
    }

    /// All bytes, one after the other.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for page in &self.pages {
            match page {
                Some(page) => bytes.extend_from_slice(page),
                None => bytes.resize(bytes.len() + PAGE_BYTES, 0),
            }
        }
        bytes
    }

    /// Whether the bytes are exactly `bytes`. Untouched pages cost nothing to compare but reading the
    /// other side.
    pub fn equals(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == self.size_bytes()
            && self.pages.iter().zip(bytes.chunks(PAGE_BYTES)).all(|(page, other)| match page {
                Some(page) => page.as_ref() == other,
                None => other.iter().all(|byte| *byte == 0),
            })
    }
}

fn place(at: u64) -> (usize, usize) {
    ((at / PAGE_BYTES as u64) as usize, (at % PAGE_BYTES as u64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(min: u32, max: Option<u32>) -> Memory {
        Memory::new(MemoryType { min, max })
    }

    #[test]
    fn reads_and_writes_across_pages_and_not_past_the_end() {
        let mut m = memory(2, None);
        assert!(m.write(65_534, &[1, 2, 3, 4]).is_some());
        let mut out = [9; 6];
        assert!(m.read(65_533, &mut out).is_some());
        assert_eq!(out, [0, 1, 2, 3, 4, 0]);
        assert!(m.write(131_071, &[7]).is_some());
        assert!(m.write(131_071, &[7, 7]).is_none());
        assert!(m.read(131_072, &mut []).is_some(), "nothing at the very end is inside");
        assert!(m.read(131_073, &mut []).is_none());
        assert!(!m.holds(u64::MAX, 2));
    }

    #[test]
    fn fills_across_pages() {
        let mut m = memory(2, None);
        assert!(m.fill(65_530, 5, 10).is_some());
        let bytes = m.to_vec();
        assert_eq!(bytes.iter().filter(|b| **b == 5).count(), 10);
        assert_eq!(bytes.get(65_529..65_531), Some(&[0, 5][..]));
        assert!(m.fill(131_072, 1, 1).is_none());
        assert!(m.equals(&bytes));
        assert!(!m.equals(bytes.get(1..).unwrap_or_default()));
    }

    #[test]
    fn grows_to_the_smaller_of_the_two_limits() {
        let mut m = memory(1, Some(3));
        assert!(m.may_grow(2, 100));
        assert!(!m.may_grow(3, 100));
        assert!(!m.may_grow(2, 2));
        assert!(!m.may_grow(u32::MAX, 100));
        m.grow(2);
        assert_eq!(m.ty(), MemoryType { min: 3, max: Some(3) });
    }
}
