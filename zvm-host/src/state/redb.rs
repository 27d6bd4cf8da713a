//! The store on disk: one `redb` file. Values, records, blocks and head commit in one transaction. Every
//! entry of every table ends with a checksum (`entry.rs`), which every read compares.

use std::fmt;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTableMetadata, TableDefinition,
    TableHandle, WriteTransaction,
};

use super::backend::{
    Commit, FORMAT_NOW, Head, Pair, StateBackend, StateView, StoreError, Value, ValueView, Visit,
};
use super::entry::{self, FILE, Place};
use super::guard::{Held, guarded};
use super::medium::{FileMedium, Medium, refused};
use super::paged::Paged;
use crate::codec::{CodecError, Reader, Writer};
use crate::types::Hash;

type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;
/// A key and its value.
type Entry = (Vec<u8>, Vec<u8>);
type Entries = redb::Range<'static, &'static [u8], &'static [u8]>;
type Opened<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

const VALUES: Table = TableDefinition::new("values");
/// Bytes of modules that are in the state, by their hashes.
const CODES: Table = TableDefinition::new("codes");
/// By height and place in the block, big-endian, so that a block adds them at the end.
const RECORDS: Table = TableDefinition::new("records");
/// The keys of `RECORDS` by call id.
const PLACES: Table = TableDefinition::new("places");
const STAGED: Table = TableDefinition::new("staged");
/// Who staged what is in `STAGED`.
const NOTES: Table = TableDefinition::new("staged_notes");
const META: Table = TableDefinition::new("meta");
/// Heights are big-endian, so that blocks lie in order.
const HEADERS: Table = TableDefinition::new("headers");
const CALLS: Table = TableDefinition::new("calls");
const TABLES: [Table; 9] = [VALUES, CODES, RECORDS, PLACES, STAGED, NOTES, META, HEADERS, CALLS];

/// Bytes of the file that the library keeps in memory at most: enough for the upper levels of large trees.
const CACHE_LEN_MAX: usize = 128 * 1024 * 1024;

/// Bytes that opening the file again may write beside what was refused.
const ROOM_LEN: usize = 256 * 1024;

const FORMAT: &[u8] = b"format";
/// The only format whose entries had no checksums.
const FIRST_FORMAT: &[u8] = b"zvm-store-1";
const HEAD: &[u8] = b"head";
const GENESIS: &[u8] = b"genesis";
const RECORDS_FROM: &[u8] = b"records_from";

/// A store in a file.
pub struct RedbBackend {
    medium: Arc<dyn Medium>,
    /// The library's database; whoever writes holds it. Another one takes its place after trouble.
    session: Mutex<Arc<Session>>,
    /// What readers get: the newest block that is durable. Nothing after a fault that only opening the store
    /// again can mend.
    newest: RwLock<Option<Arc<RedbView>>>,
    /// Damage is logged already, or need not be.
    told: Arc<AtomicBool>,
}

impl fmt::Debug for RedbBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbBackend").field("medium", &self.medium).finish_non_exhaustive()
    }
}

/// One opening of the file by the library.
struct Session {
    database: Held<Database>,
    paged: Paged,
    /// Views with a smaller number have lost their pages to a later session.
    views_from: AtomicU64,
    /// How many views were taken.
    views: AtomicU64,
}

impl Session {
    /// With `hold`, nothing reaches the medium until the pages are released.
    fn open(medium: &Arc<dyn Medium>, hold: bool) -> Result<Arc<Session>, StoreError> {
        let paged = Paged::new(Arc::clone(medium)).map_err(|error| refused(&error))?;
        if hold {
            paged.hold();
        }
        // The library asserts some properties of its pages; what a damaged page breaks is our error.
        let database = guarded(FILE, || {
            let mut builder = Database::builder();
            builder.set_cache_size(CACHE_LEN_MAX);
            builder.create_with_backend(paged.clone()).map_err(database_error)
        })?;
        let (views_from, views) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Arc::new(Session { database: Held::new(database), paged, views_from, views }))
    }

    /// Runs one transaction. It is durable when this returns, or nothing of it happened.
    fn edit(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let headers = self.paged.headers();
        guarded(FILE, || {
            let write = self.database.get()?.begin_write().map_err(medium)?;
            change(&write)?;
            if let Some(trouble) = self.paged.trouble() {
                write.abort().map_err(medium)?;
                return Err(trouble);
            }
            write.commit().map_err(medium)
        })?;
        match self.paged.trouble() {
            // What the library does after the commit may fail: the next writer deals with that.
            Some(trouble) if self.paged.headers() == headers => Err(trouble),
            _ => Ok(()),
        }
    }
}

impl RedbBackend {
    /// Opens the file, or makes a new one. A file that is something else is left as it is. Everything but
    /// values and staged modules is read and its checksums compared; the chain reads those.
    ///
    /// # Errors
    /// `Medium`: it cannot be opened, or another process has it open. `Format`, `Corrupt`, `Full`.
    pub fn open(path: &Path) -> Result<RedbBackend, StoreError> {
        RedbBackend::over(Arc::new(FileMedium::open(path)?))
    }

    /// Opens the store on a medium, as [`RedbBackend::open`] does.
    ///
    /// # Errors
    /// As `open`.
    pub fn over(medium: Arc<dyn Medium>) -> Result<RedbBackend, StoreError> {
        let is_new = medium.len_bytes().map_err(|error| refused(&error))? == 0;
        let session = Session::open(&medium, !is_new)?;
        // Whoever opens it gets the error itself.
        let told = Arc::new(AtomicBool::new(true));
        if is_new {
            session.edit(|write| {
                for table in TABLES {
                    write.open_table(table).map_err(self::medium)?;
                }
                insert(&mut open_table(write, META)?, META, FORMAT, FORMAT_NOW.as_bytes())
            })?;
        }
        let view = RedbView::new(&session, &told)?;
        if !is_new {
            view.check()?;
            session.paged.release();
        }
        let newest = RwLock::new(Some(Arc::new(view)));
        Ok(RedbBackend { medium, session: Mutex::new(session), newest, told })
    }

    /// From now on, damage that somebody meets is logged, once: for programs that serve the store and do not
    /// end with its errors.
    pub fn log_damage(&self) {
        self.told.store(false, Ordering::Relaxed);
    }

    /// The session of whoever writes, in order: after trouble the medium is opened again, if it can be.
    fn writer(&self) -> Result<MutexGuard<'_, Arc<Session>>, StoreError> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(trouble) = session.paged.trouble()
            && !session.paged.thaw()
        {
            self.open_again(&mut session, trouble)?;
        }
        Ok(session)
    }

    fn open_again(&self, session: &mut Arc<Session>, trouble: StoreError) -> Result<(), StoreError> {
        let newest = self.newest()?;
        // Opening reads the whole file: first see whether there is room for what could not be written.
        if self.medium.probe(session.paged.pending_len().saturating_add(ROOM_LEN)).is_err() {
            return Err(trouble);
        }
        session.paged.take_header_back().map_err(|error| refused(&error))?;
        // The new session may write where older views read. The newest view's pages are those of the newest
        // block, which it keeps.
        session.views_from.store(newest.number, Ordering::Release);
        let next = Session::open(&self.medium, false)?;
        if let Some(trouble) = next.paged.trouble() {
            return Err(trouble);
        }
        let view = RedbView::new(&next, &self.told)?;
        view.check_format()?;
        if view.get(META, HEAD)? != newest.get(META, HEAD)? {
            return Err(StoreError::Medium(
                "the medium stored a block that it had refused; start the node again".into(),
            ));
        }
        // Whoever holds the newest view goes on with this one.
        let view = Arc::new(view);
        let _ = newest.next.set(Arc::clone(&view));
        self.set_newest(Some(view));
        session.views_from.store(u64::MAX, Ordering::Release);
        *session = next;
        tracing::warn!("the store can be written again");
        Ok(())
    }

    fn newest(&self) -> Result<Arc<RedbView>, StoreError> {
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner);
        newest.clone().ok_or_else(|| StoreError::Medium("it has to be opened again".into()))
    }

    fn set_newest(&self, view: Option<Arc<RedbView>>) {
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *newest, view);
        drop(newest);
        // Outside the lock: the last one to let go of a session closes it.
        drop(old);
    }

    fn edit(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let session = self.writer().inspect_err(|error| tell(&self.told, error))?;
        session.edit(change).inspect_err(|error| tell(&self.told, error))?;
        self.medium.publish().map_err(|error| refused(&error))?;
        // It is stored. If it cannot be read, readers are told, not whoever stored it.
        let view = RedbView::new(&session, &self.told);
        self.set_newest(view.inspect_err(|error| tell(&self.told, error)).ok().map(Arc::new));
        Ok(())
    }
}

impl StateBackend for RedbBackend {
    fn snapshot(&self) -> Result<Arc<dyn StateView>, StoreError> {
        Ok(self.newest()?)
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        self.edit(|write| {
            let mut values = open_table(write, VALUES)?;
            for (key, value) in &commit.values {
                match value {
                    Some(value) => insert(&mut values, VALUES, key, value)?,
                    None => drop(values.remove(&key[..]).map_err(medium)?),
                };
            }
            if !commit.codes.is_empty() {
                let mut codes = open_table(write, CODES)?;
                commit.codes.iter().try_for_each(|(hash, bytes)| insert(&mut codes, CODES, hash, bytes))?;
            }
            let (mut records, mut places) = (open_table(write, RECORDS)?, open_table(write, PLACES)?);
            for ((call_id, record), index) in commit.records.iter().zip(0..) {
                let place = place_key(commit.height, index);
                insert(&mut records, RECORDS, &place, record)?;
                insert(&mut places, PLACES, call_id, &place)?;
            }
            for (height, calls) in &commit.prune {
                for (call_id, index) in calls.iter().zip(0..) {
                    records.remove(&place_key(*height, index)[..]).map_err(medium)?;
                    places.remove(&call_id[..]).map_err(medium)?;
                }
            }
            commit.unstage.iter().try_for_each(|hash| unstage(write, hash))?;
            let height = commit.height.to_be_bytes();
            insert(&mut open_table(write, HEADERS)?, HEADERS, &height, &commit.head.header)?;
            insert(&mut open_table(write, CALLS)?, CALLS, &height, &encode_calls(&commit.calls))?;
            let mut meta = open_table(write, META)?;
            let head = [&commit.head.genesis_hash[..], &commit.head.header].concat();
            insert(&mut meta, META, HEAD, &head)?;
            if commit.records_from > 0 {
                insert(&mut meta, META, RECORDS_FROM, &commit.records_from.to_be_bytes())?;
            }
            match &commit.genesis {
                Some(genesis) => insert(&mut meta, META, GENESIS, genesis),
                None => Ok(()),
            }
        })
    }

    fn stage(&self, code_hash: &Hash, bytes: &[u8], note: &[u8]) -> Result<(), StoreError> {
        self.edit(|write| {
            insert(&mut open_table(write, STAGED)?, STAGED, code_hash, bytes)?;
            insert(&mut open_table(write, NOTES)?, NOTES, code_hash, note)
        })
    }

    fn note_staged(&self, code_hash: &Hash, note: &[u8]) -> Result<(), StoreError> {
        self.edit(|write| insert(&mut open_table(write, NOTES)?, NOTES, code_hash, note))
    }

    fn unstage(&self, code_hash: &Hash) -> Result<(), StoreError> {
        self.edit(|write| unstage(write, code_hash))
    }
}

/// The store at one height: a read transaction that is held. Its pages are not used again meanwhile.
struct RedbView {
    read: Held<ReadTransaction>,
    session: Arc<Session>,
    /// Counts the session's views.
    number: u64,
    /// The same height in the session after this one.
    next: OnceLock<Arc<RedbView>>,
    told: Arc<AtomicBool>,
}

impl RedbView {
    fn new(session: &Arc<Session>, told: &Arc<AtomicBool>) -> Result<RedbView, StoreError> {
        let read = guarded(FILE, || session.database.get()?.begin_read().map_err(medium))?;
        let number = session.views.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let (read, session) = (Held::new(read), Arc::clone(session));
        Ok(RedbView { read, session, number, next: OnceLock::new(), told: Arc::clone(told) })
    }

    fn table(&self, table: Table) -> Result<ReadOnlyTable<&'static [u8], &'static [u8]>, StoreError> {
        self.read.get()?.open_table(table).map_err(|error| match error {
            redb::TableError::Storage(error) => medium(error),
            // It was made with the store, of the type that is asked for.
            other => Place { table: table.name(), key: None }.corrupt(&other.to_string()),
        })
    }

    /// Whether what was read just now is the view's: its pages may have been used again by a later session.
    fn is_current(&self) -> bool {
        self.number >= self.session.views_from.load(Ordering::Acquire)
    }

    /// Reads, in this session or in the one that has this height now.
    fn read<T>(&self, read: impl Fn(&RedbView) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut view = self;
        loop {
            let found = read(view);
            if view.is_current() {
                return found.inspect_err(|error| tell(&view.told, error));
            }
            view = view.next()?;
        }
    }

    fn next(&self) -> Result<&RedbView, StoreError> {
        let text = "the view is older than the last time the disk was full; ask again";
        self.next.get().map(|next| &**next).ok_or_else(|| StoreError::Medium(text.into()))
    }

    /// The bytes that stand in a table, with their checksum.
    fn raw(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        guarded(Place { table: table.name(), key: Some(key) }, || {
            let table = self.table(table)?;
            Ok(table.get(key).map_err(medium)?.map(|stored| stored.value().to_vec()))
        })
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|view| {
            guarded(Place { table: table.name(), key: Some(key) }, || {
                let opened = view.table(table)?;
                match opened.get(key).map_err(medium)? {
                    Some(stored) => {
                        entry::open(table.name(), key, stored.value()).map(|value| Some(value.to_vec()))
                    }
                    None => check_absent(&opened, table.name(), key).map(|()| None),
                }
            })
        })
    }

    fn each(&self, table: Table, visit: Visit<'_>, may_be_damaged: bool) -> Result<(), StoreError> {
        let place = Place { table: table.name(), key: None };
        let mut view = self;
        let (mut seen, mut last): (u64, Option<Vec<u8>>) = (0, None);
        let mut visited = Ok(());
        loop {
            let opened = view.entries(table, last.as_deref());
            let done = opened.and_then(|(count, mut entries)| {
                // What is called for each entry is the caller's, and not guarded.
                while let Some((key, value)) =
                    next_entry(table, &mut entries, last.as_deref(), may_be_damaged)?
                {
                    if !view.is_current() {
                        return Ok(());
                    }
                    visited = visit(&key, &value);
                    if visited.is_err() {
                        return Ok(());
                    }
                    seen = seen.saturating_add(1);
                    last = Some(key);
                }
                if seen == count { Ok(()) } else { Err(place.corrupt("entries of it are missing")) }
            });
            visited?;
            visited = Ok(());
            if view.is_current() {
                return done.inspect_err(|error| tell(&self.told, error));
            }
            view = view.next()?;
        }
    }

    /// How many entries a table has, and those after a key.
    fn entries(&self, table: Table, after: Option<&[u8]>) -> Result<(u64, Held<Entries>), StoreError> {
        guarded(Place { table: table.name(), key: None }, || {
            let table = self.table(table)?;
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            let entries = table.range::<&[u8]>((from, Bound::Unbounded)).map_err(medium)?;
            Ok((table.len().map_err(medium)?, Held::new(entries)))
        })
    }

    fn check_format(&self) -> Result<(), StoreError> {
        let stored = self.raw(META, FORMAT)?.ok_or_else(|| FILE.corrupt("it has lost its format"))?;
        if stored == FIRST_FORMAT {
            return Err(StoreError::Format(String::from_utf8_lossy(FIRST_FORMAT).into()));
        }
        match entry::open(META.name(), FORMAT, &stored)? {
            name if name == FORMAT_NOW.as_bytes() => Ok(()),
            name => Err(StoreError::Format(String::from_utf8_lossy(name).into())),
        }
    }

    /// Reads all entries that a chain does not read when it is opened.
    fn check(&self) -> Result<(), StoreError> {
        self.check_format()?;
        for table in [META, RECORDS, PLACES, HEADERS, CALLS] {
            self.each(table, &mut |_, _| Ok(()), false)?;
        }
        Ok(())
    }
}

impl ValueView for RedbView {
    fn value(&self, full_key: &[u8]) -> Result<Value, StoreError> {
        Ok(self.get(VALUES, full_key)?.map(Into::into))
    }

    fn next(&self, after: &[u8]) -> Result<Option<Pair>, StoreError> {
        self.read(|view| {
            let (_, mut entries) = view.entries(VALUES, Some(after))?;
            let next = next_entry(VALUES, &mut entries, Some(after), false)?;
            Ok(next.map(|(key, value)| (key, value.into())))
        })
    }

    fn code(&self, code_hash: &Hash) -> Result<Value, StoreError> {
        Ok(self.get(CODES, code_hash)?.map(Into::into))
    }

    fn staged(&self, code_hash: &Hash) -> Result<Value, StoreError> {
        Ok(self.get(STAGED, code_hash)?.map(Into::into))
    }
}

impl StateView for RedbView {
    fn values(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.each(VALUES, visit, false)
    }

    fn genesis(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(META, GENESIS)
    }

    fn records_from(&self) -> Result<u64, StoreError> {
        let Some(bytes) = self.get(META, RECORDS_FROM)? else { return Ok(0) };
        let height = <[u8; 8]>::try_from(&bytes[..]);
        height
            .map(u64::from_be_bytes)
            .map_err(|_| StoreError::Corrupt("the height of its records is cut".into()))
    }

    fn head(&self) -> Result<Option<Head>, StoreError> {
        let Some(bytes) = self.get(META, HEAD)? else { return Ok(None) };
        let (genesis_hash, header) = bytes
            .split_first_chunk::<32>()
            .ok_or_else(|| StoreError::Corrupt("the entry of the newest block is cut".into()))?;
        Ok(Some(Head { genesis_hash: *genesis_hash, header: header.to_vec() }))
    }

    fn place(&self, call_id: &Hash) -> Result<Option<(u64, u32)>, StoreError> {
        let Some(bytes) = self.get(PLACES, call_id)? else { return Ok(None) };
        let place = bytes.split_first_chunk::<8>().and_then(|(height, index)| {
            Some((u64::from_be_bytes(*height), u32::from_be_bytes(index.try_into().ok()?)))
        });
        place.map(Some).ok_or_else(|| StoreError::Corrupt("the place of a call is cut".into()))
    }

    fn record(&self, height: u64, index: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(RECORDS, &place_key(height, index))
    }

    fn codes(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.each(CODES, visit, false)
    }

    fn header(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(HEADERS, &height.to_be_bytes())
    }

    fn calls(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let Some(bytes) = self.get(CALLS, &height.to_be_bytes())? else { return Ok(Vec::new()) };
        decode_calls(&bytes).map_err(|error| StoreError::Corrupt(format!("calls of block {height}: {error}")))
    }

    fn staged_note(&self, code_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(NOTES, code_hash)
    }

    fn all_staged(&self, visit: Visit<'_>) -> Result<(), StoreError> {
        self.each(STAGED, visit, true)
    }
}

/// The next entry of a table, which must come after the last one.
fn next_entry(
    table: Table,
    entries: &mut Held<Entries>,
    last: Option<&[u8]>,
    may_be_damaged: bool,
) -> Result<Option<Entry>, StoreError> {
    let name = table.name();
    guarded(Place { table: name, key: last }, || {
        let Some(entry) = entries.get_mut()?.next() else { return Ok(None) };
        let (key, stored) = entry.map_err(medium)?;
        let key = key.value();
        if last.is_some_and(|last| last >= key) {
            return Err(Place { table: name, key: Some(key) }.corrupt("it is not in its place"));
        }
        let value = match entry::open(name, key, stored.value()) {
            Err(_) if may_be_damaged => Vec::new(),
            other => other?.to_vec(),
        };
        Ok(Some((key.to_vec(), value)))
    })
}

/// A key that is not found must lie between its neighbours, and they must be what was written: a damaged key,
/// or a search that a damaged page sent astray, is not an absent entry.
fn check_absent(
    table: &ReadOnlyTable<&'static [u8], &'static [u8]>,
    name: &str,
    key: &[u8],
) -> Result<(), StoreError> {
    let before = table.range::<&[u8]>((Bound::Unbounded, Bound::Excluded(key))).map_err(medium)?.next_back();
    let after = table.range::<&[u8]>((Bound::Included(key), Bound::Unbounded)).map_err(medium)?.next();
    for (neighbour, is_before) in [(before, true), (after, false)] {
        let Some(neighbour) = neighbour else { continue };
        let (found, stored) = neighbour.map_err(medium)?;
        let found = found.value();
        entry::open(name, found, stored.value())?;
        if if is_before { found >= key } else { found <= key } {
            return Err(Place { table: name, key: Some(found) }.corrupt("it is not in its place"));
        }
    }
    Ok(())
}

/// The key of a record.
fn place_key(height: u64, index: u32) -> [u8; 12] {
    let mut key = [0; 12];
    let (high, low) = key.split_at_mut(8);
    high.copy_from_slice(&height.to_be_bytes());
    low.copy_from_slice(&index.to_be_bytes());
    key
}

fn unstage(write: &WriteTransaction, code_hash: &Hash) -> Result<(), StoreError> {
    for table in [STAGED, NOTES] {
        open_table(write, table)?.remove(&code_hash[..]).map_err(medium)?;
    }
    Ok(())
}

fn open_table<'t>(write: &'t WriteTransaction, table: Table) -> Result<Opened<'t>, StoreError> {
    write.open_table(table).map_err(medium)
}

fn insert(opened: &mut Opened<'_>, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    opened.insert(key, &entry::seal(table.name(), key, value)[..]).map(drop).map_err(medium)
}

/// Says once that the store is damaged, and where.
fn tell(told: &AtomicBool, error: &StoreError) {
    if matches!(error, StoreError::Corrupt(_)) && !told.swap(true, Ordering::Relaxed) {
        tracing::error!("{error}");
    }
}

fn encode_calls(calls: &[Arc<[u8]>]) -> Vec<u8> {
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
        redb::Error::Corrupted(text) => FILE.corrupt(&text),
        redb::Error::Io(error) => refused(&error),
        other => StoreError::Medium(other.to_string()),
    }
}

fn database_error(error: redb::DatabaseError) -> StoreError {
    match redb::Error::from(error) {
        redb::Error::DatabaseAlreadyOpen => StoreError::Medium("another process has it open".into()),
        other => medium(other),
    }
}
