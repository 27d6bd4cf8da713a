//! What the database library sees as its file. Writes stay in memory until they are to be made durable; then
//! they go to the medium, the header last. So a write that the medium refuses has destroyed nothing, and is
//! known before the library could take the block for stored.
//!
//! The library gives up all access after one failed write. It is therefore never told of one: the pages are
//! *frozen* instead. What it has written since is kept in memory and never goes to the medium; views that are
//! held go on reading, and whoever commits asks [`Paged::trouble`] and opens the medium again.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::backend::StoreError;
use super::medium::{Medium, refused};

/// Bytes that are kept together: the library's smallest page. Its header is the first of them.
const BLOCK_LEN: usize = 4096;

/// Bytes that go to the medium in one write at most.
const RUN_LEN_MAX: usize = 1024 * 1024;

type Block = Box<[u8; BLOCK_LEN]>;

/// A medium behind writes that are not durable yet.
#[derive(Clone, Debug)]
pub struct Paged(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Held by whoever changes the pages, also while they go to the medium. Readers do not wait for that.
    writer: Mutex<()>,
    pages: RwLock<Pages>,
}

#[derive(Debug)]
struct Pages {
    medium: Arc<dyn Medium>,
    /// Blocks that differ from the medium's, by number.
    pending: BTreeMap<u64, Block>,
    /// How long the library believes the file to be.
    len: u64,
    /// The medium's bytes from here on are not those of the file, which has zeros there.
    valid_len: u64,
    /// The header that is durable.
    header: Option<Block>,
    /// How often a header became durable.
    headers: u64,
    /// A later header may be on the medium, and was not taken back.
    unsure: bool,
    /// Writes do not reach the medium yet.
    held: bool,
    /// Why writes no longer reach the medium.
    frozen: Option<(ErrorKind, String)>,
}

impl Paged {
    /// Over what the medium holds.
    ///
    /// # Errors
    /// The medium's.
    pub fn new(medium: Arc<dyn Medium>) -> io::Result<Paged> {
        let len = medium.len_bytes()?;
        let mut pages = Pages {
            medium,
            pending: BTreeMap::new(),
            len,
            valid_len: len,
            header: None,
            headers: 0,
            unsure: false,
            held: false,
            frozen: None,
        };
        if len > 0 {
            pages.header = Some(pages.block(0)?);
        }
        Ok(Paged(Arc::new(Shared { writer: Mutex::new(()), pages: RwLock::new(pages) })))
    }

    /// Keeps writes from the medium until [`Paged::release`]: what opening a file writes must not change one
    /// that turns out to be damaged.
    pub fn hold(&self) {
        self.write().held = true;
    }

    /// Makes durable what was held back, from now on at once.
    pub fn release(&self) {
        self.write().held = false;
        // What the medium says to it is in `trouble`.
        let _ = redb::StorageBackend::sync_data(self);
    }

    /// Why what was written last is not durable; nothing while all is well.
    pub fn trouble(&self) -> Option<StoreError> {
        let error = |(kind, text): &(ErrorKind, String)| refused(&io::Error::new(*kind, text.clone()));
        self.read().frozen.as_ref().map(error)
    }

    /// Goes on after trouble if nothing was lost by it: the library gave up what could not be written.
    pub fn thaw(&self) -> bool {
        let _writer = self.writer();
        let mut pages = self.write();
        if pages.frozen.is_some() && pages.pending.is_empty() && pages.len == pages.valid_len {
            pages.frozen = None;
        }
        pages.frozen.is_none()
    }

    /// Makes the medium's header the durable one before somebody opens it again.
    ///
    /// # Errors
    /// The medium's.
    pub fn take_header_back(&self) -> io::Result<()> {
        let _writer = self.writer();
        if self.read().unsure {
            self.read().take_header_back()?;
            self.write().unsure = false;
        }
        Ok(())
    }

    /// Bytes that wait for the medium.
    pub fn pending_len(&self) -> usize {
        self.read().pending.len().saturating_mul(BLOCK_LEN)
    }

    /// How often a header has become durable: each commit makes one so, by which it is the newest.
    pub fn headers(&self) -> u64 {
        self.read().headers
    }

    fn writer(&self) -> MutexGuard<'_, ()> {
        self.0.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, Pages> {
        // A panic of the library cannot happen in here, and no change is half made.
        self.0.pages.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Pages> {
        self.0.pages.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Number of a block, and where it begins.
fn blocks(offset: u64, len: usize) -> impl Iterator<Item = (u64, u64)> {
    let first = offset / BLOCK_LEN as u64;
    let end = offset.saturating_add(len as u64).div_ceil(BLOCK_LEN as u64);
    (first..end).map(|number| (number, number.saturating_mul(BLOCK_LEN as u64)))
}

/// The part of `bytes`, which begin at `offset`, that lies in the block at `start`, and where in the block.
fn part(offset: u64, len: usize, start: u64) -> (std::ops::Range<usize>, usize) {
    let from = start.saturating_sub(offset);
    let within = offset.saturating_sub(start);
    let to = start.saturating_add(BLOCK_LEN as u64).saturating_sub(offset).min(len as u64);
    (usize::try_from(from).unwrap_or(len)..usize::try_from(to).unwrap_or(len), within as usize)
}

impl Pages {
    /// Reads what lies beneath the pending blocks.
    fn beneath(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = self.valid_len.saturating_sub(offset).min(out.len() as u64);
        let (there, zeros) = out.split_at_mut(usize::try_from(there).unwrap_or(usize::MAX));
        zeros.fill(0);
        if there.is_empty() { Ok(()) } else { self.medium.read_at(offset, there) }
    }

    fn block(&self, number: u64) -> io::Result<Block> {
        if let Some(block) = self.pending.get(&number) {
            return Ok(block.clone());
        }
        let mut block = Box::new([0; BLOCK_LEN]);
        self.beneath(number.saturating_mul(BLOCK_LEN as u64), &mut block[..])?;
        Ok(block)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset.saturating_add(out.len() as u64) > self.len {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.beneath(offset, out)?;
        if self.pending.is_empty() {
            return Ok(());
        }
        let len = out.len();
        for (number, start) in blocks(offset, len) {
            let Some(block) = self.pending.get(&number) else { continue };
            let (range, within) = part(offset, len, start);
            let into = out.get_mut(range).unwrap_or_default();
            let from = block.get(within..).and_then(|from| from.get(..into.len())).unwrap_or_default();
            into.copy_from_slice(from);
        }
        Ok(())
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.len = self.len.max(offset.saturating_add(bytes.len() as u64));
        for (number, start) in blocks(offset, bytes.len()) {
            let (range, within) = part(offset, bytes.len(), start);
            let from = bytes.get(range).unwrap_or_default();
            let mut block =
                if from.len() == BLOCK_LEN { Box::new([0; BLOCK_LEN]) } else { self.block(number)? };
            let into = block.get_mut(within..).and_then(|into| into.get_mut(..from.len()));
            into.unwrap_or_default().copy_from_slice(from);
            self.pending.insert(number, block);
        }
        Ok(())
    }

    fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.valid_len = self.valid_len.min(len);
            let kept = len.div_ceil(BLOCK_LEN as u64);
            self.pending.split_off(&kept);
        }
        self.len = len;
        // The library shortens only what no durable header names. If it does not work, the next flush does it.
        if !self.held && self.frozen.is_none() && self.pending.is_empty() {
            let _ = self.cut();
        }
    }

    /// Takes away the medium's bytes that are not the file's. Gives its length.
    fn cut(&self) -> io::Result<u64> {
        let len = self.medium.len_bytes()?;
        if self.valid_len < len {
            self.medium.set_len(self.valid_len)?;
        }
        Ok(len.min(self.valid_len))
    }

    /// Makes everything durable, or leaves the durable state as it was.
    fn flush(&self) -> io::Result<()> {
        let grows = self.cut()? < self.len;
        if grows {
            self.medium.set_len(self.len)?;
        }
        self.write_blocks()?;
        let Some(header) = self.pending.get(&0) else { return self.medium.sync() };
        // A header that names a longer file must not be durable before the length is. Pages may become durable
        // together with it: the library compares their checksums after a crash.
        if grows {
            self.medium.sync()?;
        }
        self.write_header(header)
    }

    /// Writes all pending blocks but the header.
    fn write_blocks(&self) -> io::Result<()> {
        let mut run: Vec<u8> = Vec::new();
        let mut run_start = 0u64;
        for (number, block) in self.pending.range(1..) {
            let start = number.saturating_mul(BLOCK_LEN as u64);
            let follows = run_start.saturating_add(run.len() as u64) == start;
            if !run.is_empty() && (!follows || run.len() >= RUN_LEN_MAX) {
                self.medium.write_at(run_start, &run)?;
                run.clear();
            }
            if run.is_empty() {
                run_start = start;
            }
            let len = self.len.saturating_sub(start).min(BLOCK_LEN as u64);
            run.extend(block.iter().take(usize::try_from(len).unwrap_or(BLOCK_LEN)));
        }
        if run.is_empty() { Ok(()) } else { self.medium.write_at(run_start, &run) }
    }

    /// After a flush that went well.
    fn settle(&mut self) {
        if let Some(header) = self.pending.remove(&0) {
            self.header = Some(header);
            self.headers = self.headers.saturating_add(1);
        }
        self.pending.clear();
        self.valid_len = self.len;
    }

    fn write_header(&self, header: &Block) -> io::Result<()> {
        let len = usize::try_from(self.len).unwrap_or(BLOCK_LEN).min(BLOCK_LEN);
        self.medium.write_at(0, header.get(..len).unwrap_or_default())?;
        self.medium.sync()
    }

    fn take_header_back(&self) -> io::Result<()> {
        self.header.as_ref().map_or(Ok(()), |header| self.write_header(header))
    }
}

impl redb::StorageBackend for Paged {
    fn len(&self) -> io::Result<u64> {
        Ok(Paged::read(self).len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        Paged::read(self).read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let _writer = self.writer();
        Paged::write(self).set_len(len);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let _writer = self.writer();
        if Paged::read(self).held || Paged::read(self).frozen.is_some() {
            return Ok(());
        }
        let flushed = Paged::read(self).flush();
        let Err(error) = flushed else {
            Paged::write(self).settle();
            return Ok(());
        };
        // The new header may have reached the medium, although it said that it did not.
        let taken_back = Paged::read(self).take_header_back();
        let mut pages = Paged::write(self);
        pages.frozen = Some((error.kind(), error.to_string()));
        if let Err(error) = taken_back {
            pages.unsure = true;
            tracing::error!(
                %error,
                "the store's medium refuses everything: whether it has the last block shows when it can be written"
            );
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let _writer = self.writer();
        Paged::write(self).write(offset, data)
    }
}
