//! The store on disk: one `redb` file. Values, records, blocks and head commit in one transaction.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError};

use super::backend::{Commit, Head, StateBackend, StateView, StoreError, Visit};
use crate::codec::{CodecError, Reader, Writer};
use crate::types::Hash;

type Bytes = TableDefinition<'static, &'static [u8], &'static [u8]>;
type StagedTable<'a> = redb::Table<'a, &'static [u8], &'static [u8]>;
type Heights = TableDefinition<'static, u64, &'static [u8]>;

const VALUES: Bytes = TableDefinition::new("values");
const RECORDS: Bytes = TableDefinition::new("records");
const STAGED: Bytes = TableDefinition::new("staged");
/// Who staged what is in `STAGED`.
const NOTES: Bytes = TableDefinition::new("staged_notes");
const META: Bytes = TableDefinition::new("meta");
const HEADERS: Heights = TableDefinition::new("headers");
const CALLS: Heights = TableDefinition::new("calls");

const FORMAT: &[u8] = b"format";
const FORMAT_NOW: &[u8] = b"zvm-store-1";
const HEAD: &[u8] = b"head";

/// A store in a file.
pub struct RedbBackend(Option<Database>);

impl fmt::Debug for RedbBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedbBackend(..)")
    }
}

impl RedbBackend {
    /// Opens the file, or makes a new one. A file that is something else is left as it is.
    pub fn open(path: &Path) -> Result<RedbBackend, StoreError> {
        // The library asserts some properties of its pages; what a damaged page breaks is our error.
        let opened = guarded(|| Database::create(path).map_err(database_error))?;
        let store = RedbBackend(Some(opened));
        guarded(|| store.check_format())?;
        Ok(store)
    }

    fn check_format(&self) -> Result<(), StoreError> {
        let view = self.view()?;
        match view.get(META, FORMAT)? {
            Some(found) if found == FORMAT_NOW => Ok(()),
            Some(_) => Err(StoreError::Corrupt("it has another format than this program knows".into())),
            None => {
                // A new file, or one whose first transaction was cut: all tables are made at once.
                if view.read()?.list_tables().map_err(medium)?.next().is_some() {
                    return Err(StoreError::Corrupt("it has lost its format".into()));
                }
                let write = self.database()?.begin_write().map_err(medium)?;
                {
                    write.open_table(VALUES).map_err(medium)?;
                    write.open_table(RECORDS).map_err(medium)?;
                    write.open_table(STAGED).map_err(medium)?;
                    write.open_table(NOTES).map_err(medium)?;
                    write.open_table(HEADERS).map_err(medium)?;
                    write.open_table(CALLS).map_err(medium)?;
                    let mut meta = write.open_table(META).map_err(medium)?;
                    meta.insert(FORMAT, FORMAT_NOW).map_err(medium)?;
                }
                write.commit().map_err(medium)
            }
        }
    }

    fn database(&self) -> Result<&Database, StoreError> {
        self.0.as_ref().ok_or_else(|| StoreError::Medium("it is closed".into()))
    }

    fn view(&self) -> Result<RedbView, StoreError> {
        guarded(|| Ok(RedbView(Some(self.database()?.begin_read().map_err(medium)?))))
    }

    /// Changes the staged modules and their notes.
    fn edit(
        &self,
        change: impl FnOnce(&mut StagedTable<'_>, &mut StagedTable<'_>) -> Result<(), redb::StorageError>,
    ) -> Result<(), StoreError> {
        guarded(|| {
            let write = self.database()?.begin_write().map_err(medium)?;
            {
                let mut staged = write.open_table(STAGED).map_err(medium)?;
                let mut notes = write.open_table(NOTES).map_err(medium)?;
                change(&mut staged, &mut notes).map_err(medium)?;
            }
            write.commit().map_err(medium)
        })
    }
}

impl Drop for RedbBackend {
    fn drop(&mut self) {
        // Closing writes, and so may meet a damaged page as any access may.
        let database = self.0.take();
        if let Err(error) = guarded(|| {
            drop(database);
            Ok(())
        }) {
            tracing::warn!(%error, "closing the store");
        }
    }
}

impl StateBackend for RedbBackend {
    fn snapshot(&self) -> Result<Arc<dyn StateView>, StoreError> {
        Ok(Arc::new(self.view()?))
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        guarded(|| {
            let write = self.database()?.begin_write().map_err(medium)?;
            {
                let mut values = write.open_table(VALUES).map_err(medium)?;
                for (key, value) in &commit.values {
                    match value {
                        Some(value) => values.insert(&key[..], &value[..]).map_err(medium)?,
                        None => values.remove(&key[..]).map_err(medium)?,
                    };
                }
                let mut records = write.open_table(RECORDS).map_err(medium)?;
                for (call_id, record) in &commit.records {
                    records.insert(&call_id[..], &record[..]).map_err(medium)?;
                }
                let mut staged = write.open_table(STAGED).map_err(medium)?;
                let mut notes = write.open_table(NOTES).map_err(medium)?;
                for hash in &commit.unstage {
                    staged.remove(&hash[..]).map_err(medium)?;
                    notes.remove(&hash[..]).map_err(medium)?;
                }
                let mut headers = write.open_table(HEADERS).map_err(medium)?;
                headers.insert(commit.height, &commit.head.header[..]).map_err(medium)?;
                let mut calls = write.open_table(CALLS).map_err(medium)?;
                calls.insert(commit.height, &encode_calls(&commit.calls)[..]).map_err(medium)?;
                let head = [&commit.head.genesis_hash[..], &commit.head.header].concat();
                let mut meta = write.open_table(META).map_err(medium)?;
                meta.insert(HEAD, &head[..]).map_err(medium)?;
            }
            write.commit().map_err(medium)
        })
    }

    fn stage(&self, code_hash: &Hash, bytes: &[u8], note: &[u8]) -> Result<(), StoreError> {
        self.edit(|staged, notes| {
            staged.insert(&code_hash[..], bytes)?;
            notes.insert(&code_hash[..], note).map(drop)
        })
    }

    fn note_staged(&self, code_hash: &Hash, note: &[u8]) -> Result<(), StoreError> {
        self.edit(|_, notes| notes.insert(&code_hash[..], note).map(drop))
    }

    fn unstage(&self, code_hash: &Hash) -> Result<(), StoreError> {
        self.edit(|staged, notes| {
            staged.remove(&code_hash[..])?;
            notes.remove(&code_hash[..]).map(drop)
        })
    }
}

/// The store at one height: a read transaction that is held. Its pages are not used again meanwhile.
struct RedbView(Option<ReadTransaction>);

impl Drop for RedbView {
    fn drop(&mut self) {
        // Letting go takes the library's locks, which an earlier panic over a damaged page has poisoned.
        let read = self.0.take();
        let _ = guarded(|| {
            drop(read);
            Ok(())
        });
    }
}

impl RedbView {
    fn read(&self) -> Result<&ReadTransaction, StoreError> {
        self.0.as_ref().ok_or_else(|| StoreError::Medium("it is closed".into()))
    }

    fn get(&self, table: Bytes, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        guarded(|| {
            let table = match self.read()?.open_table(table) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(None),
                other => other.map_err(medium)?,
            };
            Ok(table.get(key).map_err(medium)?.map(|value| value.value().to_vec()))
        })
    }

    fn get_at(&self, table: Heights, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        guarded(|| {
            let table = self.read()?.open_table(table).map_err(medium)?;
            Ok(table.get(height).map_err(medium)?.map(|value| value.value().to_vec()))
        })
    }

    fn each(&self, table: Bytes, visit: Visit<'_>) -> Result<(), StoreError> {
        guarded(|| {
            let table = self.read()?.open_table(table).map_err(medium)?;
            for entry in table.iter().map_err(medium)? {
                let (key, value) = entry.map_err(medium)?;
                visit(key.value(), value.value())?;
            }
            Ok(())
        })
    }
}

impl StateView for RedbView {
    fn value(&self, full_key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(VALUES, full_key)
    }

    fn values(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.each(VALUES, visit)
    }

    fn head(&self) -> Result<Option<Head>, StoreError> {
        let Some(bytes) = self.get(META, HEAD)? else { return Ok(None) };
        let (genesis_hash, header) = bytes
            .split_first_chunk::<32>()
            .ok_or_else(|| StoreError::Corrupt("the entry of the newest block is cut".into()))?;
        Ok(Some(Head { genesis_hash: *genesis_hash, header: header.to_vec() }))
    }

    fn record(&self, call_id: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(RECORDS, call_id)
    }

    fn header(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.get_at(HEADERS, height)
    }

    fn calls(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let Some(bytes) = self.get_at(CALLS, height)? else { return Ok(Vec::new()) };
        decode_calls(&bytes).map_err(|error| StoreError::Corrupt(format!("calls of block {height}: {error}")))
    }

    fn staged(&self, code_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(STAGED, code_hash)
    }

    fn staged_note(&self, code_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(NOTES, code_hash)
    }

    fn all_staged(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.each(STAGED, visit)
    }
}

fn encode_calls(calls: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Writer::default();
    for call in calls {
        out.sized(call);
    }
    out.finish()
}

fn decode_calls(bytes: &[u8]) -> Result<Vec<Vec<u8>>, CodecError> {
    let mut reader = Reader::new(bytes);
    let mut calls = Vec::new();
    while reader.end().is_err() {
        calls.push(reader.sized(crate::envelope::WIRE_LEN_MAX, "signed call")?.to_vec());
    }
    Ok(calls)
}

/// Any of the library's errors, sorted into a medium that refuses and a file that is damaged.
fn medium(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Corrupted(text) => StoreError::Corrupt(text),
        other => StoreError::Medium(other.to_string()),
    }
}

fn database_error(error: redb::DatabaseError) -> StoreError {
    use std::io::ErrorKind;
    match redb::Error::from(error) {
        redb::Error::Io(io) if matches!(io.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => {
            StoreError::Corrupt(io.to_string())
        }
        redb::Error::DatabaseAlreadyOpen => StoreError::Medium("another process has it open".into()),
        other => medium(other),
    }
}

/// Runs an access to the file; a panic of the library is a corrupt store, not the end of the node.
fn guarded<T>(access: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(access))
        .unwrap_or_else(|_| Err(StoreError::Corrupt("a page of the file does not hold what it must".into())))
}
