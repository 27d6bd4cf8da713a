//! Where a store's bytes lie: a file that one process has locked, or whatever a test puts there.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::backend::StoreError;
use super::entry::FILE;

/// Bytes that can be read, written at any place, and made durable. A medium has no state but its bytes: what
/// could not be written may be tried again.
pub trait Medium: Debug + Send + Sync + 'static {
    /// How many bytes there are.
    fn len_bytes(&self) -> io::Result<u64>;
    /// Fills `out` from `offset` on; all of it is there.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;
    /// Writes all of `bytes`; on an error, any part of them.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts, or lengthens with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Returns when what was written is durable.
    fn sync(&self) -> io::Result<()>;
    /// Fails if there is no room for so many bytes more; changes nothing.
    fn probe(&self, len: usize) -> io::Result<()>;
    /// Called when a new store is whole: it may be seen from now on.
    fn publish(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A locked file. A new store is made beside its place and put there when it is whole, so that a start that
/// fails leaves nothing that looks like a store.
#[derive(Debug)]
pub struct FileMedium {
    file: File,
    place: PathBuf,
    /// What is at the store's place until the store is whole: an empty file, locked like the store.
    unpublished: Mutex<Option<Unpublished>>,
}

#[derive(Debug)]
struct Unpublished {
    beside: PathBuf,
    /// Holds the lock of the place.
    _empty: File,
}

impl FileMedium {
    /// Opens and locks the file of a store; without one, makes an empty one and locks it first of all.
    ///
    /// # Errors
    /// `Medium`: another process has it open, or the file system refuses; `Full`.
    pub fn open(path: &Path) -> Result<FileMedium, StoreError> {
        let file = locked(path)?;
        if file.metadata().map_err(|error| refused(&error))?.len() > 0 {
            return Ok(FileMedium { file, place: path.to_owned(), unpublished: Mutex::new(None) });
        }
        let beside = with_suffix(path, ".new");
        // Whoever holds the lock of the place is alone here, so what lies beside it was left by a crash.
        let unpublished = Unpublished { beside: beside.clone(), _empty: file };
        let unpublished = Mutex::new(Some(unpublished));
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&beside);
        match open().and_then(|file| file.try_lock().map(|()| file).map_err(io::Error::from)) {
            Ok(file) => Ok(FileMedium { file, place: path.to_owned(), unpublished }),
            Err(error) => {
                let _ = fs::remove_file(path);
                Err(refused(&error))
            }
        }
    }
}

impl Medium for FileMedium {
    fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, out, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.file, bytes, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
        use std::os::windows::fs::FileExt;
        while !out.is_empty() {
            match self.file.seek_read(out, offset)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => {
                    out = out.get_mut(count..).unwrap_or_default();
                    offset = offset.saturating_add(count as u64);
                }
            }
        }
        Ok(())
    }

    #[cfg(windows)]
    fn write_at(&self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        use std::os::windows::fs::FileExt;
        while !bytes.is_empty() {
            match self.file.seek_write(bytes, offset)? {
                0 => return Err(ErrorKind::WriteZero.into()),
                count => {
                    bytes = bytes.get(count..).unwrap_or_default();
                    offset = offset.saturating_add(count as u64);
                }
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn probe(&self, len: usize) -> io::Result<()> {
        let path = with_suffix(&self.place, ".room");
        // As far from its beginning as the store is long: a limit on the length of files counts, too. The
        // part before is a hole, which takes no room.
        let fill = || {
            let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
            let mut file = &file;
            file.seek(SeekFrom::Start(self.len_bytes()?))?;
            let zeros = [0; 64 * 1024];
            for _ in 0..len.div_ceil(zeros.len()) {
                file.write_all(&zeros)?;
            }
            file.sync_data()
        };
        let filled = fill();
        let _ = fs::remove_file(&path);
        filled
    }

    fn publish(&self) -> io::Result<()> {
        let mut unpublished = self.unpublished.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Unpublished { beside, .. }) = &*unpublished else { return Ok(()) };
        fs::rename(beside, &self.place)?;
        // The name is durable when its folder is.
        #[cfg(unix)]
        if let Some(folder) = self.place.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder)?.sync_all()?;
        }
        *unpublished = None;
        Ok(())
    }
}

impl Drop for FileMedium {
    fn drop(&mut self) {
        let unpublished = self.unpublished.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(Unpublished { beside, .. }) = unpublished {
            // Both are still locked: nobody has put anything there. What cannot be removed does no harm.
            let _ = fs::remove_file(beside);
            let _ = fs::remove_file(&self.place);
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The file at this place, made if it is not there, and locked.
fn locked(path: &Path) -> Result<File, StoreError> {
    loop {
        // Never cut: it is not known yet what it holds.
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = open.map_err(|error| refused(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Medium("another process has it open".into()));
            }
            Err(TryLockError::Error(error)) => return Err(refused(&error)),
        }
        if is_at(&file, path) {
            return Ok(file);
        }
        // Between opening and locking it, somebody put another file there, or removed it.
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |metadata: std::io::Result<fs::Metadata>| metadata.ok().map(|found| (found.dev(), found.ino()));
    let held = id(file.metadata());
    held.is_some() && held == id(fs::metadata(path))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// What the medium said, as an error of the store.
pub fn refused(error: &io::Error) -> StoreError {
    match error.kind() {
        // A limit on the length of files is a disk of that size.
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            StoreError::Full(error.to_string())
        }
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => FILE.corrupt(&error.to_string()),
        _ => StoreError::Medium(error.to_string()),
    }
}
