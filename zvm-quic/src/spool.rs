//! Uploads under way on disk: one file each, so that memory holds a group of each and not the whole. A file
//! lives as long as its upload; what is whole is handed to the node, which keeps it. Blocking; knows no
//! network and does not validate.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SUFFIX: &str = ".part";

/// What a peer is told when the node's disk has no room.
pub const DISK_FULL: &str = "the disk of the node is full: nothing was kept; try again when there is room";

/// What is wrong with the spool.
#[derive(Debug)]
pub enum SpoolError {
    /// The file system refused.
    Io {
        /// Doing what.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Its words.
        source: io::Error,
    },
    /// The quota is used up by uploads under way, or less than this module.
    Full,
    /// The disk has no room, whatever the quota says.
    DiskFull {
        /// Where.
        path: PathBuf,
        /// Its words.
        source: io::Error,
    },
    /// The disk gave another number of bytes than it was given.
    Damaged(PathBuf),
}

impl std::fmt::Display for SpoolError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SpoolError::Io { doing, path, source } => {
                write!(f, "cannot {doing} {}: {source}", path.display())
            }
            SpoolError::DiskFull { path, source } => {
                write!(f, "the disk is full, cannot write {}: {source}", path.display())
            }
            SpoolError::Full => f.write_str("no room for the upload"),
            SpoolError::Damaged(path) => write!(f, "{} is damaged", path.display()),
        }
    }
}

impl std::error::Error for SpoolError {}

fn io_error<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> SpoolError + 'a {
    move |source| match source.kind() {
        // A limit on the length of files is a disk of that size.
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            SpoolError::DiskFull { path: path.to_owned(), source }
        }
        _ => SpoolError::Io { doing, path: path.to_owned(), source },
    }
}

#[derive(Debug, Default)]
struct Counts {
    /// Bytes in all files.
    bytes: u64,
    /// The number of the newest file.
    newest: u64,
}

/// The folder of the uploads under way.
#[derive(Clone, Debug)]
pub struct SpoolDir {
    dir: Arc<PathBuf>,
    bytes_max: u64,
    counts: Arc<Mutex<Counts>>,
}

impl SpoolDir {
    /// Opens or makes the folder. Uploads that a former run left unfinished are removed.
    ///
    /// # Errors
    /// `Io`.
    pub fn open(dir: impl Into<PathBuf>, bytes_max: u64) -> Result<SpoolDir, SpoolError> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(io_error("make", &dir))?;
        for entry in fs::read_dir(&dir).map_err(io_error("list", &dir))? {
            let path = entry.map_err(io_error("list", &dir))?.path();
            if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(SUFFIX)) {
                fs::remove_file(&path).map_err(io_error("remove", &path))?;
            }
        }
        Ok(SpoolDir { dir: Arc::new(dir), bytes_max, counts: Arc::default() })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Each change is made whole under the lock: a panic elsewhere leaves them sound.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file for an upload.
    ///
    /// # Errors
    /// `Io`; `Full` when a module of this length can never fit.
    pub fn begin(&self, bytes: u64) -> Result<Spool, SpoolError> {
        if bytes > self.bytes_max {
            return Err(SpoolError::Full);
        }
        let number = {
            let mut counts = self.counts();
            counts.newest = counts.newest.saturating_add(1);
            counts.newest
        };
        let path = self.dir.join(format!("{number}{SUFFIX}"));
        let mut options = OpenOptions::new();
        let file =
            options.read(true).write(true).create_new(true).open(&path).map_err(io_error("write", &path))?;
        Ok(Spool { spools: self.clone(), path, file, bytes: 0 })
    }
}

/// The file of an upload; gone when dropped.
#[derive(Debug)]
pub struct Spool {
    spools: SpoolDir,
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Spool {
    /// Appends bytes.
    ///
    /// # Errors
    /// `Io`; `Full` when all uploads under way are more than the folder may hold.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        {
            let mut counts = self.spools.counts();
            let sum = counts.bytes.saturating_add(count);
            if sum > self.spools.bytes_max {
                return Err(SpoolError::Full);
            }
            counts.bytes = sum;
            self.bytes = self.bytes.saturating_add(count);
        }
        self.file.write_all(bytes).map_err(io_error("write", &self.path))
    }

    /// All bytes, as the disk gives them: as many as were written, and whoever keeps them hashes them.
    ///
    /// # Errors
    /// `Io`, `Damaged`.
    pub fn read(mut self) -> Result<Vec<u8>, SpoolError> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0)).map_err(io_error("read", &self.path))?;
        // One byte more than was written shows that somebody else writes, without reading all of it.
        (&self.file)
            .take(self.bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(io_error("read", &self.path))?;
        if u64::try_from(bytes.len()).ok() != Some(self.bytes) {
            return Err(SpoolError::Damaged(self.path.clone()));
        }
        Ok(bytes)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        let mut counts = self.spools.counts();
        counts.bytes = counts.bytes.saturating_sub(self.bytes);
        drop(counts);
        // Nothing to tell anybody: what stays is removed at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lives_as_long_as_its_upload() {
        let dir = tempfile::tempdir().unwrap();
        let files = || fs::read_dir(dir.path()).unwrap().count();
        fs::write(dir.path().join("9.part"), b"left by a crash").unwrap();
        let spools = SpoolDir::open(dir.path(), 100).unwrap();
        assert_eq!(files(), 0);
        let mut whole = spools.begin(8).unwrap();
        whole.write(b"modu").unwrap();
        whole.write(b"le a").unwrap();
        let cut = spools.begin(4).unwrap();
        assert_eq!(files(), 2);
        drop(cut);
        assert_eq!(whole.read().unwrap(), b"module a");
        assert_eq!(files(), 0);
    }

    #[test]
    fn damage_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let spools = SpoolDir::open(dir.path(), 100).unwrap();
        for damage in [&b""[..], b"module", &[0; 4096]] {
            let mut spool = spools.begin(8).unwrap();
            spool.write(b"module a").unwrap();
            fs::write(&spool.path, damage).unwrap();
            assert!(matches!(spool.read(), Err(SpoolError::Damaged(_))));
        }
    }

    #[test]
    fn the_quota_holds() {
        let dir = tempfile::tempdir().unwrap();
        let spools = SpoolDir::open(dir.path(), 20).unwrap();
        assert!(matches!(spools.begin(21), Err(SpoolError::Full)));
        let mut one = spools.begin(15).unwrap();
        one.write(&[0; 15]).unwrap();
        let mut two = spools.begin(15).unwrap();
        assert!(matches!(two.write(&[0; 15]), Err(SpoolError::Full)));
        drop(one);
        two.write(&[0; 15]).unwrap();
    }
}
