//! The data segments of a module. Some have a hundred thousand, most of a few bytes, some one of megabytes: segments and
//! bytes are kept in parts that allocators keep for the next one who asks, as code is (`code/module.rs`).

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::mem;

use super::module::SegmentMode;
use crate::code::module::give_back;
use crate::heap;

/// A part with so many bytes is complete when the next segment begins.
const PART_BYTES: usize = 64 << 10;
/// Segments of a part.
const PART_SEGMENTS: usize = 1 << 10;

/// A data segment; its mode is never declarative.
#[derive(Clone, Debug)]
pub struct DataSegment {
    /// When it is used.
    pub mode: SegmentMode,
    /// Where its bytes are: part, first byte there, how many. All are counts of bytes of a module.
    part: u32,
    start: u32,
    len: u32,
}

impl DataSegment {
    /// How many bytes it has.
    pub fn byte_len(&self) -> u32 {
        self.len
    }
}

/// All data segments of a module, with their bytes.
#[derive(Clone, Debug, Default)]
pub struct DataSegments {
    /// [`PART_SEGMENTS`] each, and the rest.
    segments: Vec<Vec<DataSegment>>,
    bytes: Vec<Vec<u8>>,
    /// What the last part has when its last segment is complete, if that says the truth.
    expected: usize,
}

/// The part for what comes next: the last one, or a new one that is as large as parts are, because there is much.
fn part_for<T>(parts: &mut Vec<Vec<T>>, complete: bool, size: usize) -> Result<&mut Vec<T>, TryReserveError> {
    if complete || parts.is_empty() {
        let mut part = Vec::new();
        if let Some(last) = parts.last_mut() {
            give_back(last);
            part.try_reserve_exact(size)?;
        }
        parts.try_reserve(1)?;
        parts.push(part);
    }
    // There is one now.
    let last = parts.len() - 1;
    Ok(&mut parts[last])
}

impl DataSegments {
    /// Begins a segment that says it has `len` bytes.
    pub(crate) fn open(&mut self, mode: SegmentMode, len: u32) -> Result<(), TryReserveError> {
        let complete = self.bytes.last().is_some_and(|last| {
            let after = last.len().saturating_add(len as usize);
            last.len() >= PART_BYTES || (last.len() >= PART_BYTES / 2 && after > PART_BYTES)
        });
        let start = part_for(&mut self.bytes, complete, PART_BYTES)?.len() as u32;
        self.expected = (start as usize).saturating_add(len as usize);
        let part = self.bytes.len() as u32 - 1;
        let complete = self.segments.last().is_some_and(|last| last.len() >= PART_SEGMENTS);
        let segments = part_for(&mut self.segments, complete, PART_SEGMENTS)?;
        segments.try_reserve(1)?;
        segments.push(DataSegment { mode, part, start, len: 0 });
        Ok(())
    }

    /// Adds bytes to the last segment; how many it had.
    pub(crate) fn extend(&mut self, piece: &[u8]) -> Result<u32, TryReserveError> {
        let (Some(segment), Some(bytes)) =
            (self.segments.last_mut().and_then(|part| part.last_mut()), self.bytes.last_mut())
        else {
            return Ok(0);
        };
        let needed = bytes.len().saturating_add(piece.len());
        if needed > bytes.capacity() {
            // Twice as much, but for a long segment no more than it says it has.
            let twice = bytes.capacity().saturating_mul(2).min(self.expected.max(PART_BYTES));
            bytes.try_reserve_exact(twice.max(needed) - bytes.len())?;
        }
        bytes.extend_from_slice(piece);
        let after = segment.len + piece.len() as u32;
        Ok(mem::replace(&mut segment.len, after))
    }

    /// All are there.
    pub(crate) fn complete(&mut self) {
        self.bytes.last_mut().into_iter().for_each(give_back);
        self.segments.last_mut().into_iter().for_each(give_back);
    }

    /// Bytes of memory that they have allocated.
    pub fn heap_bytes(&self) -> u64 {
        let lists = self.segments.iter().map(heap::list).chain(self.bytes.iter().map(heap::list));
        let exprs = self.iter().map(|segment| segment.mode.heap_bytes());
        heap::list(&self.segments) + heap::list(&self.bytes) + lists.sum::<u64>() + exprs.sum::<u64>()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        let before = self.segments.len().saturating_sub(1);
        before * PART_SEGMENTS + self.segments.last().map_or(0, Vec::len)
    }

    /// The segment with this index.
    pub fn get(&self, index: usize) -> Option<&DataSegment> {
        self.segments.get(index / PART_SEGMENTS)?.get(index % PART_SEGMENTS)
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &DataSegment> {
        self.segments.iter().flatten()
    }

    /// The bytes of one of these segments.
    pub fn bytes_of(&self, segment: &DataSegment) -> &[u8] {
        let (start, len) = (segment.start as usize, segment.len as usize);
        let part = self.bytes.get(segment.part as usize).map_or(&[][..], Vec::as_slice);
        part.get(start..).and_then(|rest| rest.get(..len)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn open(segments: &mut DataSegments, len: u32) {
        segments.open(SegmentMode::Passive, len).expect("memory");
    }

    /// How often the part grows while it gets pieces of a size.
    fn growths(segments: &mut DataSegments, len: usize, piece: usize) -> usize {
        let mut growths = 0;
        for piece in vec![7; len].chunks(piece) {
            let before = segments.bytes.last().map(Vec::capacity);
            segments.extend(piece).expect("memory");
            growths += usize::from(segments.bytes.last().map(Vec::capacity) != before);
        }
        growths
    }

    #[test]
    fn a_long_segment_in_pieces_gets_the_room_it_says() {
        let mut segments = DataSegments::default();
        open(&mut segments, 1_000_000);
        assert!(growths(&mut segments, 1_000_000, 1_200) < 15);
        assert_eq!(segments.bytes[0].capacity(), 1_000_000);
    }

    #[test]
    fn a_segment_that_says_too_much_gets_no_more_than_twice_what_came() {
        let mut segments = DataSegments::default();
        open(&mut segments, u32::MAX);
        growths(&mut segments, 100_000, 1_200);
        assert!(segments.bytes[0].capacity() <= 200_000);
    }

    #[test]
    fn short_segments_grow_together() {
        let mut segments = DataSegments::default();
        let mut all = 0;
        for _ in 0..10_000 {
            open(&mut segments, 3);
            all += growths(&mut segments, 3, 3);
        }
        assert!(all < 20, "{all}");
    }

    /// Segments of many lengths, given in pieces.
    #[test]
    fn bytes_are_found_again() {
        let mut datas = DataSegments::default();
        let len = |index: usize| match index % 701 {
            0 => 0,
            300 => 40_000,
            301 => 30_000,
            700 => 300_000,
            small => small * 7 % 90,
        };
        let byte = |index: usize, at: usize| (index * 31 + at * 7) as u8;
        let count = 5_000;
        for index in 0..count {
            assert_eq!(datas.count(), index);
            datas.open(SegmentMode::Passive, len(index) as u32).expect("memory");
            let bytes: Vec<u8> = (0..len(index)).map(|at| byte(index, at)).collect();
            let mut had = 0;
            for piece in bytes.chunks(1_200) {
                assert_eq!(datas.extend(piece).expect("memory"), had);
                had += piece.len() as u32;
            }
        }
        datas.complete();
        assert_eq!((datas.count(), datas.iter().count(), datas.get(count).is_none()), (count, count, true));
        for (index, segment) in datas.iter().enumerate() {
            assert_eq!(
                datas.get(index).map(|segment| (segment.part, segment.start)),
                Some((segment.part, segment.start))
            );
            assert_eq!(segment.byte_len() as usize, len(index));
            let bytes = datas.bytes_of(segment);
            assert!(
                bytes.len() == len(index)
                    && bytes.iter().enumerate().all(|(at, &found)| found == byte(index, at))
            );
        }
        // Little is left over, and no part is much longer than its segments ask for.
        let all: usize = (0..count).map(len).sum();
        let room: usize = datas.bytes.iter().map(Vec::capacity).sum();
        assert!(room < all + all / 4, "{room} for {all}");
        assert!(datas.bytes.iter().all(|part| part.len() < PART_BYTES + 300_000));
    }
}
