//! Staged modules on disk: one file each, named by content and profile, written aside and moved into place
//! when whole. What is read is hashed again. Blocking; knows no network and does not validate.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::proto::message::Hash;

const SPOOL_SUFFIX: &str = ".part";
const MODULE_SUFFIX: &str = ".wasm";
const DAMAGED_SUFFIX: &str = ".damaged";

/// What is wrong with the store.
#[derive(Debug)]
pub enum StoreError {
    /// The file system refused.
    Io {
        /// Doing what.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Its words.
        source: io::Error,
    },
    /// The store's quota is used up by uploads under way, or less than this module.
    Full,
    /// A file's content is not what its name says.
    Damaged(PathBuf),
    /// No such module.
    Absent,
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StoreError::Io { doing, path, source } => {
                write!(f, "cannot {doing} {}: {source}", path.display())
            }
            StoreError::Full => f.write_str("no room in the staging store"),
            StoreError::Damaged(path) => write!(f, "{} is damaged", path.display()),
            StoreError::Absent => f.write_str("no such module"),
        }
    }
}

impl std::error::Error for StoreError {}

fn io_error<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { doing, path: path.to_owned(), source }
}

/// A staged module's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staged {
    /// BLAKE3 of its bytes.
    pub code_hash: Hash,
    /// Hash of the profile it was validated by.
    pub profile: Hash,
    /// Its length.
    pub bytes: u64,
}

impl Staged {
    fn file_name(&self) -> String {
        format!(
            "{}-{}{MODULE_SUFFIX}",
            blake3::Hash::from(self.code_hash).to_hex(),
            blake3::Hash::from(self.profile).to_hex()
        )
    }

    fn from_file_name(name: &str, bytes: u64) -> Option<Staged> {
        let (code, profile) = name.strip_suffix(MODULE_SUFFIX)?.split_once('-')?;
        let hash = |text: &str| blake3::Hash::from_hex(text).ok().map(Hash::from);
        let staged = Staged { code_hash: hash(code)?, profile: hash(profile)?, bytes };
        // One name a module: upper-case digits are somebody else's file.
        (staged.file_name() == name).then_some(staged)
    }
}

#[derive(Debug, Default)]
struct Index {
    /// By age: the smallest number was staged first.
    staged: BTreeMap<u64, Staged>,
    next: u64,
    bytes: u64,
    spooled: u64,
    spool_next: u64,
}

impl Index {
    fn insert(&mut self, staged: Staged) {
        self.bytes = self.bytes.saturating_add(staged.bytes);
        self.staged.insert(self.next, staged);
        self.next = self.next.saturating_add(1);
    }

    fn remove(&mut self, code_hash: &Hash) -> Option<Staged> {
        let (&age, _) = self.staged.iter().find(|(_, staged)| staged.code_hash == *code_hash)?;
        let staged = self.staged.remove(&age)?;
        self.bytes = self.bytes.saturating_sub(staged.bytes);
        Some(staged)
    }
}

/// The staging store.
#[derive(Clone, Debug)]
pub struct Staging {
    dir: Arc<PathBuf>,
    bytes_max: u64,
    index: Arc<Mutex<Index>>,
}

impl Staging {
    /// Opens or makes the store in `dir`. Uploads that a former run left unfinished are removed; files are
    /// listed, not read: see [`load`](Staging::load).
    ///
    /// # Errors
    /// `Io`.
    pub fn open(dir: impl Into<PathBuf>, bytes_max: u64) -> Result<Staging, StoreError> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(io_error("make", &dir))?;
        let mut found = Vec::new();
        for entry in fs::read_dir(&dir).map_err(io_error("list", &dir))? {
            let entry = entry.map_err(io_error("list", &dir))?;
            let path = entry.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if name.ends_with(SPOOL_SUFFIX) {
                fs::remove_file(&path).map_err(io_error("remove", &path))?;
                continue;
            }
            let meta = entry.metadata().map_err(io_error("look at", &path))?;
            if let Some(staged) = Staged::from_file_name(name, meta.len()) {
                // The clock only orders what gives way first.
                found.push((meta.modified().ok(), staged.code_hash, staged));
            }
        }
        found.sort_by_key(|(modified, code_hash, _)| (*modified, *code_hash));
        let mut index = Index::default();
        for (_, _, staged) in found {
            index.insert(staged);
        }
        Ok(Staging { dir: Arc::new(dir), bytes_max, index: Arc::new(Mutex::new(index)) })
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        // Each change of the index is made whole under the lock: a panic elsewhere leaves it sound.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The staged modules, the first staged first.
    pub fn list(&self) -> Vec<Staged> {
        self.index().staged.values().copied().collect()
    }

    /// A file for an upload under way.
    ///
    /// # Errors
    /// `Io`; `Full` when a module of this length can never fit.
    pub fn begin(&self, bytes: u64) -> Result<Spool, StoreError> {
        if bytes > self.bytes_max {
            return Err(StoreError::Full);
        }
        let number = {
            let mut index = self.index();
            index.spool_next = index.spool_next.saturating_add(1);
            index.spool_next
        };
        let path = self.dir.join(format!("{number}{SPOOL_SUFFIX}"));
        let file =
            OpenOptions::new().write(true).create_new(true).open(&path).map_err(io_error("write", &path))?;
        Ok(Spool { store: self.clone(), path, file, bytes: 0, published: false })
    }

    /// Moves a whole upload into place, durably. Older modules give way if there is no room: their names.
    ///
    /// # Errors
    /// `Io`: the module is not staged, the others are.
    pub fn publish(
        &self,
        mut spool: Spool,
        code_hash: Hash,
        profile: Hash,
    ) -> Result<Vec<Staged>, StoreError> {
        let staged = Staged { code_hash, profile, bytes: spool.bytes };
        let path = self.dir.join(staged.file_name());
        spool.file.sync_all().map_err(io_error("write", &spool.path))?;
        let mut index = self.index();
        fs::rename(&spool.path, &path).map_err(io_error("publish", &path))?;
        spool.published = true;
        sync_dir(&self.dir)?;
        index.remove(&code_hash);
        let mut evicted = Vec::new();
        while index.bytes.saturating_add(staged.bytes) > self.bytes_max {
            let Some((_, oldest)) = index.staged.pop_first() else { break };
            index.bytes = index.bytes.saturating_sub(oldest.bytes);
            let old = self.dir.join(oldest.file_name());
            fs::remove_file(&old).map_err(io_error("remove", &old))?;
            evicted.push(oldest);
        }
        index.insert(staged);
        Ok(evicted)
    }

    /// A staged module's bytes, hashed again.
    ///
    /// # Errors
    /// `Absent`, `Io`, `Damaged`.
    pub fn load(&self, code_hash: &Hash) -> Result<Vec<u8>, StoreError> {
        let staged = self.find(code_hash)?;
        let path = self.dir.join(staged.file_name());
        let file = File::open(&path).map_err(io_error("read", &path))?;
        let mut bytes = Vec::new();
        // One byte more than fits shows that the file grew, without reading all of it.
        file.take(self.bytes_max.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(io_error("read", &path))?;
        if blake3::hash(&bytes) != blake3::Hash::from(*code_hash) {
            return Err(StoreError::Damaged(path));
        }
        Ok(bytes)
    }

    /// Puts a module that turned out unusable aside, for people to look at: its new name.
    ///
    /// # Errors
    /// `Absent`, `Io`.
    pub fn set_aside(&self, code_hash: &Hash) -> Result<PathBuf, StoreError> {
        let staged = self.find(code_hash)?;
        let path = self.dir.join(staged.file_name());
        let aside = self.dir.join(format!("{}{DAMAGED_SUFFIX}", staged.file_name()));
        fs::rename(&path, &aside).map_err(io_error("set aside", &path))?;
        self.index().remove(code_hash);
        sync_dir(&self.dir)?;
        Ok(aside)
    }

    fn find(&self, code_hash: &Hash) -> Result<Staged, StoreError> {
        let index = self.index();
        index.staged.values().find(|staged| staged.code_hash == *code_hash).copied().ok_or(StoreError::Absent)
    }
}

/// Makes renames in `dir` durable.
fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_error("write", dir))
}

/// The file of an upload under way; dropped unpublished, it is gone.
#[derive(Debug)]
pub struct Spool {
    store: Staging,
    path: PathBuf,
    file: File,
    bytes: u64,
    published: bool,
}

impl Spool {
    /// Appends bytes.
    ///
    /// # Errors
    /// `Io`; `Full` when all uploads under way are more than the store may hold.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        {
            let mut index = self.store.index();
            let spooled = index.spooled.saturating_add(count);
            if spooled > self.store.bytes_max {
                return Err(StoreError::Full);
            }
            index.spooled = spooled;
            self.bytes = self.bytes.saturating_add(count);
        }
        self.file.write_all(bytes).map_err(io_error("write", &self.path))
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        let mut index = self.store.index();
        index.spooled = index.spooled.saturating_sub(self.bytes);
        drop(index);
        if !self.published {
            // Nothing to tell anybody: what stays is removed at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(store: &Staging, bytes: &[u8]) -> (Hash, Vec<Staged>) {
        let hash = Hash::from(blake3::hash(bytes));
        let mut spool = store.begin(bytes.len() as u64).unwrap();
        spool.write(bytes).unwrap();
        (hash, store.publish(spool, hash, [7; 32]).unwrap())
    }

    #[test]
    fn what_is_published_survives_and_what_is_not_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Staging::open(dir.path(), 100).unwrap();
        let (a, _) = put(&store, b"module a");
        let mut cut = store.begin(4).unwrap();
        cut.write(b"half").unwrap();
        drop(cut);
        fs::write(dir.path().join("9.part"), b"left by a crash").unwrap();
        drop(store);
        let store = Staging::open(dir.path(), 100).unwrap();
        assert_eq!(store.list(), vec![Staged { code_hash: a, profile: [7; 32], bytes: 8 }]);
        assert_eq!(store.load(&a).unwrap(), b"module a");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn damage_is_seen_and_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let store = Staging::open(dir.path(), 100).unwrap();
        let (a, _) = put(&store, b"module a");
        let (b, _) = put(&store, b"module b");
        let path = dir.path().join(store.find(&a).unwrap().file_name());
        for damage in [&b"module c"[..], b"", b"module", &[0; 4096]] {
            fs::write(&path, damage).unwrap();
            assert!(matches!(store.load(&a), Err(StoreError::Damaged(_))));
        }
        let aside = store.set_aside(&a).unwrap();
        assert!(aside.exists());
        assert!(matches!(store.load(&a), Err(StoreError::Absent)));
        assert_eq!(store.load(&b).unwrap(), b"module b");
    }

    #[test]
    fn the_quota_holds() {
        let dir = tempfile::tempdir().unwrap();
        let store = Staging::open(dir.path(), 20).unwrap();
        assert!(matches!(store.begin(21), Err(StoreError::Full)));
        let (a, _) = put(&store, b"12345678");
        let (_, gone) = put(&store, b"abcdefgh");
        assert_eq!(gone, vec![]);
        let (c, gone) = put(&store, b"ABCDEFGH");
        assert_eq!(gone.iter().map(|staged| staged.code_hash).collect::<Vec<_>>(), vec![a]);
        assert!(store.load(&c).is_ok());
        let mut one = store.begin(15).unwrap();
        one.write(&[0; 15]).unwrap();
        let mut two = store.begin(15).unwrap();
        assert!(matches!(two.write(&[0; 15]), Err(StoreError::Full)));
        drop(one);
        two.write(&[0; 15]).unwrap();
    }
}
