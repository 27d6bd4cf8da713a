//! Linear memories. The only file of this folder where `unsafe` is allowed: zeroed memory is asked of the
//! allocator, whose refusal must be an error and not an abort.
#![allow(unsafe_code)]

use alloc::alloc::{Layout, alloc_zeroed};
use alloc::vec::Vec;
use core::cell::Cell;

use super::context::{AsContext, AsContextMut};
use crate::Error;
use crate::exec::view::MemoryView;
use crate::table::errors::ErrorCode;
use crate::types::MemoryType;

/// Bytes of a page.
pub(crate) const PAGE_BYTES: u64 = 65_536;
/// Pages that 32-bit addresses reach.
const PAGES_MAX: u32 = 65_536;

/// A memory of a store. Boxed, so that its view stays in place.
#[derive(Debug)]
pub(crate) struct LinearMemory {
    bytes: Vec<u8>,
    view: MemoryView,
    max: Option<u32>,
    /// The profile's limit.
    pages_max: u32,
}

/// Zeroed bytes, or the allocator's refusal.
fn zeroed(len: usize) -> Result<Vec<u8>, Error> {
    let refused = || Error::new(ErrorCode::OutOfMemory);
    if len == 0 {
        return Ok(Vec::new());
    }
    let layout = Layout::array::<u8>(len).map_err(|_| refused())?;
    // SAFETY: the layout's size is not zero, as just checked.
    let pointer = unsafe { alloc_zeroed(layout) };
    if pointer.is_null() {
        return Err(refused());
    }
    // SAFETY: allocated by the global allocator with the layout of `len` bytes, all of them initialised.
    Ok(unsafe { Vec::from_raw_parts(pointer, len, len) })
}

impl LinearMemory {
    /// A memory of a type. `pages_max` is the profile's limit, which the type keeps.
    pub fn new(ty: MemoryType, pages_max: u32) -> Result<LinearMemory, Error> {
        let len = usize::try_from(u64::from(ty.min) * PAGE_BYTES)
            .map_err(|_| Error::new(ErrorCode::OutOfMemory))?;
        let mut memory = LinearMemory {
            bytes: zeroed(len)?,
            view: MemoryView { base: Cell::new(core::ptr::null_mut()), len: Cell::new(0) },
            max: ty.max,
            pages_max: pages_max.min(PAGES_MAX),
        };
        memory.refresh();
        Ok(memory)
    }

    fn refresh(&mut self) {
        self.view.base.set(self.bytes.as_mut_ptr());
        self.view.len.set(self.bytes.len() as u64);
    }

    pub fn view(&self) -> *const MemoryView {
        &raw const self.view
    }

    /// The size in pages.
    pub fn pages(&self) -> u32 {
        (self.bytes.len() as u64 / PAGE_BYTES) as u32
    }

    /// The current type, for linking.
    pub fn ty(&self) -> MemoryType {
        MemoryType { min: self.pages(), max: self.max }
    }

    /// The size after growing, if declared maximum and profile allow it.
    pub fn grown(&self, pages: u32) -> Option<u32> {
        let most = self.max.unwrap_or(PAGES_MAX).min(self.pages_max);
        self.pages().checked_add(pages).filter(|&size| size <= most)
    }

    /// Grows to a size that [`grown`](LinearMemory::grown) has allowed.
    pub fn grow_to(&mut self, pages: u32) -> Result<(), Error> {
        let len =
            usize::try_from(u64::from(pages) * PAGE_BYTES).map_err(|_| Error::new(ErrorCode::OutOfMemory))?;
        if len > self.bytes.len() {
            let mut bytes = zeroed(len)?;
            if let Some(start) = bytes.get_mut(..self.bytes.len()) {
                start.copy_from_slice(&self.bytes);
            }
            self.bytes = bytes;
            self.refresh();
        }
        Ok(())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

/// A handle to a memory.
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
        let bytes = store.as_context_mut().inner.memory_mut(*self)?.bytes_mut();
        let end = offset.checked_add(from.len());
        let into = end.and_then(|end| bytes.get_mut(offset..end));
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
