//! A file in memory that can have no more room, from any call and any byte on.

use std::io::{Error, ErrorKind, Result};
use std::sync::{Mutex, MutexGuard};

use zvm_host::state::Medium;

#[derive(Debug)]
pub struct Image(Mutex<Bytes>);

#[derive(Debug)]
struct Bytes {
    file: Vec<u8>,
    /// How many bytes may still be written.
    room: usize,
    /// How many calls that write may still be made; the next one fails, and all after it.
    calls: usize,
}

impl Image {
    pub fn new(file: Vec<u8>) -> Image {
        Image(Mutex::new(Bytes { file, room: usize::MAX, calls: usize::MAX }))
    }

    fn bytes(&self) -> MutexGuard<'_, Bytes> {
        self.0.lock().unwrap()
    }

    /// What a process that starts now would find.
    pub fn file(&self) -> Vec<u8> {
        self.bytes().file.clone()
    }

    pub fn damage(&self, change: impl FnOnce(&mut Vec<u8>)) {
        change(&mut self.bytes().file);
    }

    /// From now on: room for so many bytes, and so many calls that write or make durable.
    pub fn limit(&self, room: usize, calls: usize) {
        let mut bytes = self.bytes();
        (bytes.room, bytes.calls) = (room, calls);
    }

    /// How many bytes and calls of the limit are left.
    pub fn left(&self) -> (usize, usize) {
        let bytes = self.bytes();
        (bytes.room, bytes.calls)
    }
}

impl Bytes {
    fn call(&mut self) -> Result<()> {
        self.calls = self.calls.checked_sub(1).ok_or_else(full)?;
        Ok(())
    }
}

fn full() -> Error {
    Error::new(ErrorKind::StorageFull, "no room in the image")
}

impl Medium for Image {
    fn len_bytes(&self) -> Result<u64> {
        Ok(self.bytes().file.len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let (offset, bytes) = (offset as usize, self.bytes());
        out.copy_from_slice(&bytes.file[offset..offset + out.len()]);
        Ok(())
    }

    fn write_at(&self, offset: u64, new: &[u8]) -> Result<()> {
        let (offset, mut bytes) = (offset as usize, self.bytes());
        bytes.call()?;
        // As a disk does: what there is room for is written.
        let count = new.len().min(bytes.room);
        bytes.room -= count;
        let len = bytes.file.len().max(offset + count);
        bytes.file.resize(len, 0);
        bytes.file[offset..offset + count].copy_from_slice(&new[..count]);
        if count == new.len() { Ok(()) } else { Err(full()) }
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut bytes = self.bytes();
        if len as usize > bytes.file.len() {
            bytes.call()?;
        }
        bytes.file.resize(len as usize, 0);
        Ok(())
    }

    fn probe(&self, len: usize) -> Result<()> {
        let bytes = self.bytes();
        if len > bytes.room || bytes.calls == 0 { Err(full()) } else { Ok(()) }
    }

    fn sync(&self) -> Result<()> {
        self.bytes().call()
    }
}
