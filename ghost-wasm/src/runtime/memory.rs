//! Linear memories, and which of their parts were written. The only file of this folder where `unsafe` is
//! allowed: zeroed memory is asked of the allocator, whose refusal must be an error and not an abort.
//!
//! A memory's allocation, from low to high addresses: the marks, one byte for each part of 4 KiB, **the last
//! part's first**; the bytes, beginning at a multiple of 4 KiB. So the mark of part `p` is the byte at
//! `base - 1 - p`, which a store finds without another pointer. A store marks the part of its first byte
//! alone: what it writes reaches at most [`STORE_REACH`] bytes into the next part, and whoever reads the marks
//! counts these as written too.
#![allow(unsafe_code)]

use alloc::alloc::{Layout, alloc_zeroed};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::context::{AsContext, AsContextMut};
use crate::Error;
use crate::exec::view::{MARKED, MemoryView, PART_SHIFT, STORE_REACH};
use crate::heap;
use crate::table::errors::ErrorCode;
use crate::types::MemoryType;

/// Bytes of a page.
pub(crate) const PAGE_BYTES: u64 = 65_536;
/// Pages that 32-bit addresses reach.
const PAGES_MAX: u32 = 65_536;
/// Bytes that one mark stands for.
const PART_BYTES: usize = 1 << PART_SHIFT;
/// The mark of a part that holds what a [`Image`] says; [`MARKED`] is that of one written since.
const INITIAL: u8 = 2;

/// A memory of a store. Boxed, so that its view stays in place.
#[derive(Debug)]
pub(crate) struct LinearMemory {
    /// Marks and bytes.
    space: Vec<u8>,
    /// Where the bytes begin.
    base: usize,
    /// Bytes in use; what is above them is zero.
    len: usize,
    view: MemoryView,
    max: Option<u32>,
    /// The profile's limit.
    pages_max: u32,
}

/// Parts that are not zero when a memory is new, and their bytes: what instantiation has written.
#[derive(Debug, Default)]
pub(crate) struct Image {
    /// In order.
    parts: Vec<usize>,
    /// As many times [`PART_BYTES`].
    bytes: Vec<u8>,
    /// The memory's length.
    len: usize,
}

impl Image {
    /// Bytes of memory that it has allocated.
    pub fn heap_bytes(&self) -> u64 {
        heap::list(&self.parts) + heap::list(&self.bytes)
    }

    /// The bytes of part `part` that stores have not touched; nothing if all are zero.
    fn part(&self, part: usize) -> Option<&[u8]> {
        let at = self.parts.binary_search(&part).ok()?;
        self.bytes.chunks_exact(PART_BYTES).nth(at)
    }
}

fn refused() -> Error {
    Error::new(ErrorCode::OutOfMemory)
}

/// Zeroed bytes, or the allocator's refusal.
fn zeroed(len: usize) -> Result<Vec<u8>, Error> {
    if len == 0 {
        return Ok(Vec::new());
    }
    // No alignment is asked for: the system's allocator gets zeroed memory for free only without.
    let layout = Layout::array::<u8>(len).map_err(|_| refused())?;
    // SAFETY: the layout's size is not zero, as just checked.
    let pointer = unsafe { alloc_zeroed(layout) };
    if pointer.is_null() {
        return Err(refused());
    }
    // SAFETY: allocated by the global allocator with the layout of `len` bytes, all of them initialised.
    Ok(unsafe { Vec::from_raw_parts(pointer, len, len) })
}

/// Room for at least this many bytes is asked for at once. From 128 KiB on the usual allocators take fresh
/// memory from the system, which is zero without being touched; where memory is scarce nothing is wasted.
const ROOM_BYTES_MIN: usize = if cfg!(feature = "std") { 2 * PAGE_BYTES as usize } else { 0 };

/// Zeroed marks and bytes for a memory of `len` bytes or more, and where the bytes begin.
fn space(len: usize) -> Result<(Vec<u8>, usize), Error> {
    if len == 0 {
        return Ok((Vec::new(), 0));
    }
    let len = len.max(ROOM_BYTES_MIN);
    let marks = len.div_ceil(PART_BYTES);
    let size = len.checked_add(marks + PART_BYTES).ok_or_else(refused)?;
    let space = zeroed(size)?;
    let base = marks + (space.as_ptr() as usize + marks).wrapping_neg() % PART_BYTES;
    debug_assert!(base >= marks && base + len <= space.len());
    Ok((space, base))
}

fn bytes_of(pages: u32) -> Result<usize, Error> {
    usize::try_from(u64::from(pages) * PAGE_BYTES).map_err(|_| refused())
}

/// Spaces that memories have left, for the next ones: all zero, a few, none large. Instances that come and go
/// then cost what they write, although the allocator zeroes what it gives a second time.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    /// Each null or a box's own pointer: who swaps it out owns it.
    slots: [AtomicPtr<(Vec<u8>, usize)>; SPARE_MAX],
}

/// Spaces that an engine keeps.
const SPARE_MAX: usize = 4;
/// The largest of them: 31 pages.
const SPARE_BYTES_MAX: usize = 2 << 20;

impl Spare {
    /// A space with room for `len` bytes.
    fn take(&self, len: usize) -> Option<(Vec<u8>, usize)> {
        self.slots.iter().find_map(|slot| {
            let pointer = slot.swap(ptr::null_mut(), Ordering::Acquire);
            if pointer.is_null() {
                return None;
            }
            // SAFETY: made by `Box::into_raw` in `put`, and no longer in a slot: owned here alone.
            let space = unsafe { Box::from_raw(pointer) };
            if space.0.len() - space.1 >= len {
                return Some(*space);
            }
            self.put(space);
            None
        })
    }

    fn put(&self, space: Box<(Vec<u8>, usize)>) {
        debug_assert!(space.0.iter().all(|&byte| byte == 0));
        let pointer = Box::into_raw(space);
        let free = |slot: &AtomicPtr<_>| {
            slot.compare_exchange(ptr::null_mut(), pointer, Ordering::Release, Ordering::Relaxed).is_ok()
        };
        if !self.slots.iter().any(free) {
            // SAFETY: made just above, and in no slot.
            drop(unsafe { Box::from_raw(pointer) });
        }
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        for slot in &mut self.slots {
            let pointer = core::mem::replace(slot.get_mut(), ptr::null_mut());
            if !pointer.is_null() {
                // SAFETY: made by `Box::into_raw` in `put`, and no longer in a slot.
                drop(unsafe { Box::from_raw(pointer) });
            }
        }
    }
}

impl LinearMemory {
    /// A memory of a type. `pages_max` is the profile's limit, which the type keeps.
    pub fn new(ty: MemoryType, pages_max: u32, spare: &Spare) -> Result<LinearMemory, Error> {
        let len = bytes_of(ty.min)?;
        let (space, base) = match (len > 0).then(|| spare.take(len)).flatten() {
            Some(space) => space,
            None => space(len)?,
        };
        let mut memory = LinearMemory {
            space,
            base,
            len,
            view: MemoryView { base: Cell::new(core::ptr::null_mut()), len: Cell::new(0) },
            max: ty.max,
            pages_max: pages_max.min(PAGES_MAX),
        };
        memory.refresh();
        Ok(memory)
    }

    fn refresh(&mut self) {
        self.view.base.set(self.space.as_mut_ptr().wrapping_add(self.base));
        self.view.len.set(self.len as u64);
    }

    pub fn view(&self) -> *const MemoryView {
        &raw const self.view
    }

    /// The size in pages.
    pub fn pages(&self) -> u32 {
        (self.len as u64 / PAGE_BYTES) as u32
    }

    /// The current type, for linking.
    pub fn ty(&self) -> MemoryType {
        MemoryType { min: self.pages(), max: self.max }
    }

    /// The size after growing, if declared maximum and profile allow it.
    pub fn grown(&self, pages: u32) -> Option<u32> {
        self.pages().checked_add(pages).filter(|&size| size <= self.most())
    }

    fn most(&self) -> u32 {
        self.max.unwrap_or(PAGES_MAX).min(self.pages_max)
    }

    /// Grows to a size that [`grown`](LinearMemory::grown) has allowed. What was never written is not copied,
    /// and there is room for the next times, which costs nothing until it is written.
    pub fn grow_to(&mut self, pages: u32) -> Result<(), Error> {
        let len = bytes_of(pages)?;
        if len > self.space.len().saturating_sub(self.base) {
            let room = pages.max(self.pages().saturating_mul(2)).min(self.most().max(pages));
            // Where there is no room to spare, what is needed may still be there.
            let (mut space, base) = bytes_of(room).and_then(space).or_else(|_| space(len))?;
            for part in 0..self.parts() {
                let mark = self.mark(part);
                if mark == 0 {
                    continue;
                }
                let range = self.written_by(part);
                let from = self.bytes().get(range.clone());
                if let (Some(to), Some(from)) = (space.get_mut(base + range.start..base + range.end), from) {
                    to.copy_from_slice(from);
                }
                if let Some(to) = base.checked_sub(part + 1).and_then(|at| space.get_mut(at)) {
                    *to = mark;
                }
            }
            (self.space, self.base) = (space, base);
        }
        self.len = self.len.max(len);
        self.refresh();
        Ok(())
    }

    /// The number of parts in use.
    fn parts(&self) -> usize {
        self.len / PART_BYTES
    }

    /// The bytes that stores which mark `part` may have written.
    fn written_by(&self, part: usize) -> Range<usize> {
        let start = part * PART_BYTES;
        start..(start + PART_BYTES + STORE_REACH).min(self.len)
    }

    /// Bytes of memory that it has allocated, whether they were written or not.
    pub fn heap_bytes(&self) -> u64 {
        heap::list(&self.space)
    }

    pub fn bytes(&self) -> &[u8] {
        self.space.get(self.base..self.base + self.len).unwrap_or_default()
    }

    /// Bytes to be written: counts them as written.
    pub fn range_mut(&mut self, range: Range<usize>) -> Option<&mut [u8]> {
        if range.start > range.end || range.end > self.len {
            return None;
        }
        if !range.is_empty() {
            let (first, last) = (range.start >> PART_SHIFT, (range.end - 1) >> PART_SHIFT);
            // All parts in use have marks below the bytes.
            self.space.get_mut(self.base - 1 - last..self.base - first)?.fill(MARKED);
        }
        self.space.get_mut(self.base + range.start..self.base + range.end)
    }

    /// All bytes, to be written: counts all of them as written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.range_mut(0..self.len).unwrap_or_default()
    }

    /// Copies bytes within the memory; both ranges are inside it.
    pub fn copy_within(&mut self, from: Range<usize>, to: usize) {
        if self.range_mut(to..to + from.len()).is_some() {
            self.space.copy_within(self.base + from.start..self.base + from.end, self.base + to);
        }
    }
}

/// A memory that is kept for its next use holds at most this many bytes more than it had at first: what a
/// single call has grown it to may stay, unless it is much.
const KEPT_BEYOND_BYTES_MAX: usize = 4 << 20;
/// Makes eight marks of one.
const EIGHT: u64 = 0x0101_0101_0101_0101;
const _: () = assert!(MARKED != 0 && INITIAL != 0 && MARKED & INITIAL == 0);

/// What a new memory holds after instantiation, and how it gets there again.
impl LinearMemory {
    fn mark(&self, part: usize) -> u8 {
        self.base.checked_sub(part + 1).and_then(|at| self.space.get(at)).copied().unwrap_or(0)
    }

    fn set_mark(&mut self, part: usize, mark: u8) {
        if let Some(at) = self.base.checked_sub(part + 1).and_then(|at| self.space.get_mut(at)) {
            *at = mark;
        }
    }

    /// What is there now is what [`reset`](LinearMemory::reset) brings back. So far only whole ranges were
    /// written, each part of them marked.
    pub fn image(&self) -> Result<Image, Error> {
        let mut image = Image { len: self.len, ..Image::default() };
        for part in (0..self.parts()).filter(|&part| self.mark(part) != 0) {
            let bytes = self.bytes().get(part * PART_BYTES..(part + 1) * PART_BYTES).unwrap_or_default();
            image.parts.try_reserve(1).map_err(|_| refused())?;
            image.bytes.try_reserve(bytes.len()).map_err(|_| refused())?;
            image.parts.push(part);
            image.bytes.extend_from_slice(bytes);
        }
        Ok(image)
    }

    /// The memory holds `image`: from now on marks tell what differs from it.
    pub fn begin(&mut self, image: &Image) {
        for &part in &image.parts {
            self.set_mark(part, INITIAL);
        }
    }

    /// Makes the memory hold `image` and have its length. Time: that of the parts written since, and of a look
    /// at the marks, eight at a time.
    pub fn reset(&mut self, image: &Image) -> Result<(), Error> {
        if self.space.len() > image.len.saturating_add(KEPT_BEYOND_BYTES_MAX) {
            (self.space, self.base) = space(image.len)?;
            self.len = image.len;
            for &part in &image.parts {
                self.restore(part, image);
            }
        } else {
            self.restore_marked(image, MARKED);
            self.len = image.len;
        }
        self.refresh();
        Ok(())
    }

    /// Leaves the memory's space to the next one.
    pub fn retire(mut self, spare: &Spare) {
        if self.space.is_empty() || self.space.len() > SPARE_BYTES_MAX {
            return;
        }
        // Nothing but zeros: whatever has a mark goes.
        self.restore_marked(&Image::default(), MARKED | INITIAL);
        spare.put(Box::new((core::mem::take(&mut self.space), self.base)));
    }

    /// Brings back all parts whose mark has one of `bits`.
    fn restore_marked(&mut self, image: &Image, bits: u8) {
        let mut part = 0;
        while let Some(top) = self.base.checked_sub(part).filter(|_| part < self.parts()) {
            let eight = top.checked_sub(8).and_then(|low| self.space.get(low..top)?.first_chunk());
            if eight.is_none_or(|eight| u64::from_ne_bytes(*eight) & (EIGHT * u64::from(bits)) != 0) {
                for part in part..part + 8 {
                    if self.mark(part) & bits != 0 {
                        self.restore(part, image);
                    }
                }
            }
            part += 8;
        }
    }

    /// Brings back what stores that mark `part` may have written.
    fn restore(&mut self, part: usize, image: &Image) {
        let range = self.written_by(part);
        let middle = range.end.min((part + 1) * PART_BYTES);
        for (part, range) in [(part, range.start..middle), (part + 1, middle..range.end)] {
            let range = self.base + range.start..self.base + range.end;
            let Some(to) = self.space.get_mut(range) else { continue };
            match image.part(part).and_then(|bytes| bytes.get(..to.len())) {
                Some(from) => to.copy_from_slice(from),
                None => to.fill(0),
            }
        }
        let initial = image.parts.binary_search(&part).is_ok();
        self.set_mark(part, if initial { INITIAL } else { 0 });
    }
}

/// A handle to a memory.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, ErrorCode, Memory, MemoryType, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut store = Store::new(&Engine::default(), ());
/// let memory = Memory::new(&mut store, MemoryType { min: 1, max: Some(2) })?;
/// memory.write(&mut store, 65_532, &[1, 2, 3, 4])?;
/// assert_eq!(memory.write(&mut store, 65_533, &[1, 2, 3, 4]).unwrap_err().code(), ErrorCode::OutOfBounds);
/// assert_eq!(memory.grow(&mut store, 1)?, 1);
/// assert_eq!(memory.data(&store)[65_532..65_537], [1, 2, 3, 4, 0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    pub(crate) store: u64,
    pub(crate) index: u32,
}

impl Memory {
    /// A new memory.
    ///
    /// # Errors
    /// `Limit` beyond the profile's pages, `HostFault` if the allocator refuses, `Poisoned`.
    pub fn new(mut store: impl AsContextMut, ty: MemoryType) -> Result<Memory, Error> {
        let store = &mut store.as_context_mut().inner;
        let index = store.add_memory(ty)?;
        Ok(Memory { store: store.id, index })
    }

    /// Its type, with the current size as minimum.
    ///
    /// # Panics
    /// With a handle of another store, or of a poisoned one; see [`try_ty`](Memory::try_ty).
    pub fn ty(&self, store: impl AsContext) -> MemoryType {
        super::store::own(self.try_ty(store))
    }

    /// Its type, with the current size as minimum.
    ///
    /// # Errors
    /// `WrongStore`, `Poisoned`.
    pub fn try_ty(&self, store: impl AsContext) -> Result<MemoryType, Error> {
        Ok(store.as_context().inner.memory(*self)?.ty())
    }

    /// The size in pages of 64 KiB.
    ///
    /// # Panics
    /// With a handle of another store, or of a poisoned one; see [`try_size`](Memory::try_size).
    pub fn size(&self, store: impl AsContext) -> u32 {
        super::store::own(self.try_size(store))
    }

    /// The size in pages of 64 KiB.
    ///
    /// # Errors
    /// `WrongStore`, `Poisoned`.
    pub fn try_size(&self, store: impl AsContext) -> Result<u32, Error> {
        Ok(store.as_context().inner.memory(*self)?.pages())
    }

    /// All bytes.
    ///
    /// # Panics
    /// With a handle of another store, or of a poisoned one; see [`try_data`](Memory::try_data).
    pub fn data<'a, T: 'a>(&self, store: &'a impl AsContext<Data = T>) -> &'a [u8] {
        super::store::own(self.try_data(store))
    }

    /// All bytes.
    ///
    /// # Errors
    /// `WrongStore`, `Poisoned`.
    pub fn try_data<'a, T: 'a>(&self, store: &'a impl AsContext<Data = T>) -> Result<&'a [u8], Error> {
        Ok(store.as_context().inner.memory(*self)?.bytes())
    }

    /// All bytes, to be changed.
    ///
    /// # Panics
    /// With a handle of another store, or of a poisoned one; see [`try_data_mut`](Memory::try_data_mut).
    pub fn data_mut<'a, T: 'a>(&self, store: &'a mut impl AsContextMut<Data = T>) -> &'a mut [u8] {
        super::store::own(self.try_data_mut(store))
    }

    /// All bytes, to be changed.
    ///
    /// # Errors
    /// `WrongStore`, `Poisoned`.
    pub fn try_data_mut<'a, T: 'a>(
        &self,
        store: &'a mut impl AsContextMut<Data = T>,
    ) -> Result<&'a mut [u8], Error> {
        Ok(store.as_context_mut().inner.memory_mut(*self)?.bytes_mut())
    }

    /// Bytes and the store's data at once.
    ///
    /// # Errors
    /// `WrongStore`, `Poisoned`.
    pub fn try_data_and_store_mut<'a, T: 'a>(
        &self,
        store: &'a mut impl AsContextMut<Data = T>,
    ) -> Result<(&'a mut [u8], &'a mut T), Error> {
        let store = store.as_context_mut();
        Ok((store.inner.memory_mut(*self)?.bytes_mut(), &mut store.data))
    }

    /// Copies bytes out.
    ///
    /// # Errors
    /// `OutOfBounds`, `WrongStore`, `Poisoned`.
    pub fn read(&self, store: impl AsContext, offset: usize, into: &mut [u8]) -> Result<(), Error> {
        let bytes = store.as_context().inner.memory(*self)?.bytes();
        let end = offset.checked_add(into.len());
        let from = end.and_then(|end| bytes.get(offset..end));
        into.copy_from_slice(from.ok_or_else(|| Error::new(ErrorCode::OutOfBounds))?);
        Ok(())
    }

    /// Copies bytes in.
    ///
    /// # Errors
    /// `OutOfBounds`, `WrongStore`, `Poisoned`.
    pub fn write(&self, mut store: impl AsContextMut, offset: usize, from: &[u8]) -> Result<(), Error> {
        let memory = store.as_context_mut().inner.memory_mut(*self)?;
        let end = offset.checked_add(from.len());
        let into = end.and_then(|end| memory.range_mut(offset..end));
        into.ok_or_else(|| Error::new(ErrorCode::OutOfBounds))?.copy_from_slice(from);
        Ok(())
    }

    /// Grows by pages; says the size before.
    ///
    /// # Errors
    /// `GrowRefused` by the declared maximum or the profile, `WrongStore`, `Poisoned`, `HostFault`.
    pub fn grow(&self, mut store: impl AsContextMut, pages: u32) -> Result<u32, Error> {
        let store = &mut store.as_context_mut().inner;
        let memory = store.memory_mut(*self)?;
        let before = memory.pages();
        let size = memory.grown(pages).ok_or_else(|| Error::new(ErrorCode::GrowRefused))?;
        store.allow_memory(before, size)?;
        store.memory_mut(*self)?.grow_to(size)?;
        store.cx.refresh();
        Ok(before)
    }
}
