//! The store on disk: one RocksDB, one column family per table, one write-ahead log, small caches.
//! Must not know: what the bytes mean.

mod options;

use std::{fs, path::Path, sync::Arc};

use alloy_primitives::Bytes;
use rocksdb::{
    Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DEFAULT_COLUMN_FAMILY_NAME, FlushOptions, IteratorMode,
    ReadOptions, WriteBatch, WriteOptions,
};

use crate::{
    History, StorageError,
    kv::{Batch, Change, Direction, Durability, Kv, Pair, Rows, Visit, after_prefix},
    schema::{Identity, SCHEMA_VERSION, Shape, Table, TableId},
};
use options::{MIB, NUMBER_BYTES};

/// What a chain may take of memory, files and disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Cache of uncompressed blocks, indexes and filters included, MiB.
    pub block_cache_mib: usize,
    /// All write buffers together, MiB.
    pub write_buffer_mib: usize,
    /// Files that RocksDB may hold open.
    pub open_files: u16,
    /// Nodes of the head's state tree that stay in memory from block to block; the rest is read again when it is needed.
    pub tree_nodes: usize,
    /// How many old states can be read.
    pub history: History,
}

impl Default for Limits {
    fn default() -> Self {
        let history = History::default();
        Self { block_cache_mib: 32, write_buffer_mib: 32, open_files: 256, tree_nodes: 1 << 20, history }
    }
}

/// Bytes of a record in RocksDB's batch beside key and value, about.
const RECORD_BYTES: usize = 8;

/// A [`Kv`] on disk. Dropping it closes the database, once the last snapshot is gone.
#[derive(Debug)]
pub struct Rocks {
    db: Arc<DB>,
}

type Snapshot<'a> = rocksdb::Snapshot<'a>;

self_cell::self_cell!(
    /// A snapshot and the database that it is of.
    struct Held {
        owner: Arc<DB>,
        #[covariant]
        dependent: Snapshot,
    }
);

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("sequence", &self.borrow_dependent().sequence_number()).finish_non_exhaustive()
    }
}

impl Rocks {
    /// Opens the database in `path`, or makes one in a folder that is absent or empty.
    ///
    /// # Errors
    /// `Locked`, `Folder`, `NotADatabase`, `SchemaOlder`, `SchemaNewer`; nothing was changed in the last three cases.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, StorageError> {
        let folder = |reason: std::io::Error| StorageError::Folder { path: path.into(), reason: reason.to_string() };
        fs::create_dir_all(path).map_err(folder)?;
        let cache = Cache::new_lru_cache(limits.block_cache_mib * MIB);
        let open = |tables: Vec<String>| {
            let families = tables.into_iter().map(|name| {
                let shape = TableId::named(&name).map_or(Shape::Bulk, TableId::shape);
                ColumnFamilyDescriptor::new(name, options::table(shape, &cache, limits))
            });
            let db = DB::open_cf_descriptors(&options::database(limits), path, families);
            db.map(Arc::new).map_err(|error| opening(path, &error))
        };
        let known = || TableId::ALL.iter().map(|table| table.name().to_owned());

        if !path.join("CURRENT").try_exists().map_err(folder)? {
            // RocksDB writes CURRENT last, so its other files without it are a creation that was cut short.
            for entry in fs::read_dir(path).map_err(folder)? {
                let found = entry.map_err(folder)?.file_name().to_string_lossy().into_owned();
                if !is_rocksdb_file(&found) {
                    return Err(StorageError::NotADatabase { path: path.into(), found });
                }
            }
            return Ok(Self { db: open(known().collect())? });
        }

        // First only what is there: an older or newer schema must be refused before a table is added to it.
        let present = DB::list_cf(&options::database(limits), path).map_err(|error| opening(path, &error))?;
        let rocks = Self { db: open(present.clone())? };
        if let Some(found) = rocks.version(&present)? {
            if found > SCHEMA_VERSION {
                return Err(StorageError::SchemaNewer { path: path.into(), found, supported: SCHEMA_VERSION });
            }
            if found < SCHEMA_VERSION {
                return Err(StorageError::SchemaOlder { path: path.into(), found, supported: SCHEMA_VERSION });
            }
        }
        if let Some(found) =
            present.iter().find(|name| *name != DEFAULT_COLUMN_FAMILY_NAME && TableId::named(name).is_none())
        {
            return Err(StorageError::NotADatabase { path: path.into(), found: found.clone() });
        }
        if known().all(|name| present.contains(&name)) {
            return Ok(rocks);
        }
        // The first start was cut short between two tables.
        drop(rocks);
        Ok(Self { db: open(known().collect())? })
    }

    fn version(&self, present: &[String]) -> Result<Option<u32>, StorageError> {
        if !present.iter().any(|name| name == Identity::ID.name()) {
            return Ok(None);
        }
        // Only the first four bytes: the rest of the record may look different in another version.
        Ok(self.get(Identity::ID, &[])?.and_then(|value| value.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))))
    }
}

fn family(db: &DB, table: TableId) -> &ColumnFamily {
    db.cf_handle(table.name()).expect("open() leaves no table of the schema out")
}

fn get(db: &DB, options: &ReadOptions, table: TableId, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
    match db.get_cf_opt(family(db, table), key, options) {
        Ok(value) => Ok(value.map(Bytes::from)),
        Err(error) => Err(reading(table, key, &error)),
    }
}

fn seek(
    db: &DB,
    mut options: ReadOptions,
    table: TableId,
    start: &[u8],
    shared: usize,
) -> Result<Option<Pair>, StorageError> {
    if table.shape() == Shape::History && shared + NUMBER_BYTES == start.len() {
        // The filter says of most files that they hold no version of this value.
        options.set_prefix_same_as_start(true);
    } else {
        options.set_total_order_seek(true);
    }
    if let Some(end) = after_prefix(&start[..shared]) {
        options.set_iterate_upper_bound(end);
    }
    let mut rows = db.raw_iterator_cf_opt(family(db, table), options);
    rows.seek(start);
    let found = rows.item().map(|(key, value)| (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
    rows.status().map_err(|error| reading(table, start, &error))?;
    Ok(found)
}

fn scan(
    db: &DB,
    mut options: ReadOptions,
    table: TableId,
    (start, end): (&[u8], Option<&[u8]>),
    direction: Direction,
    visit: Visit<'_>,
) -> Result<(), StorageError> {
    if end.is_some_and(|end| end <= start) {
        return Ok(());
    }
    options.set_total_order_seek(true);
    options.set_iterate_lower_bound(start);
    if let Some(end) = end {
        options.set_iterate_upper_bound(end);
    }
    let mode = match direction {
        Direction::Forward => IteratorMode::Start,
        Direction::Backward => IteratorMode::End,
    };
    for pair in db.iterator_cf_opt(family(db, table), options, mode) {
        let (key, value) = pair.map_err(|error| reading(table, start, &error))?;
        if visit(&key, &value).is_break() {
            break;
        }
    }
    Ok(())
}

impl Rows for Rocks {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        get(&self.db, &ReadOptions::default(), table, key)
    }

    fn seek(&self, table: TableId, start: &[u8], shared: usize) -> Result<Option<Pair>, StorageError> {
        seek(&self.db, ReadOptions::default(), table, start, shared)
    }

    fn scan(
        &self,
        table: TableId,
        start: &[u8],
        end: Option<&[u8]>,
        direction: Direction,
        visit: Visit<'_>,
    ) -> Result<(), StorageError> {
        scan(&self.db, ReadOptions::default(), table, (start, end), direction, visit)
    }
}

impl Held {
    fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.set_snapshot(self.borrow_dependent());
        options
    }
}

impl Rows for Held {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        get(self.borrow_owner(), &self.options(), table, key)
    }

    fn seek(&self, table: TableId, start: &[u8], shared: usize) -> Result<Option<Pair>, StorageError> {
        seek(self.borrow_owner(), self.options(), table, start, shared)
    }

    fn scan(
        &self,
        table: TableId,
        start: &[u8],
        end: Option<&[u8]>,
        direction: Direction,
        visit: Visit<'_>,
    ) -> Result<(), StorageError> {
        scan(self.borrow_owner(), self.options(), table, (start, end), direction, visit)
    }
}

impl Drop for Rocks {
    /// Leaves no log behind to be replayed: the next start is quick. When this fails, nothing is lost, the log has it all.
    fn drop(&mut self) {
        let families: Vec<&ColumnFamily> =
            TableId::ALL.iter().filter_map(|table| self.db.cf_handle(table.name())).collect();
        // The next start says what is wrong with the disk; a close has nobody to tell.
        let _ = self.db.flush_cfs_opt(&families, &FlushOptions::default());
    }
}

impl Kv for Rocks {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StorageError> {
        let writing = |error: rocksdb::Error| StorageError::Io { action: "write", reason: error.into_string() };
        if batch.is_empty() {
            return match durability {
                Durability::Synced => self.db.flush_wal(true).map_err(writing),
                Durability::Buffered => Ok(()),
            };
        }
        let mut raw = WriteBatch::with_capacity_bytes(batch.bytes() + batch.len() * RECORD_BYTES);
        let mut last = None;
        for Change { table, key, value } in batch.changes() {
            let family = match last {
                Some((same, family)) if same == table => family,
                _ => last.insert((table, family(&self.db, table))).1,
            };
            match value {
                Some(value) => raw.put_cf(family, key, value),
                None => raw.delete_cf(family, key),
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(durability == Durability::Synced);
        self.db.write_opt(raw, &options).map_err(writing)
    }

    fn snapshot(&self) -> Arc<dyn Rows> {
        Arc::new(Held::new(Arc::clone(&self.db), |db| db.snapshot()))
    }

    fn rows_estimate(&self, table: TableId) -> Result<u64, StorageError> {
        let rows = self.db.property_int_value_cf(family(&self.db, table), rocksdb::properties::ESTIMATE_NUM_KEYS);
        let rows = rows.map_err(|error| StorageError::Io { action: "estimate rows", reason: error.into_string() })?;
        Ok(rows.unwrap_or(0))
    }

    fn has_snapshots(&self) -> bool {
        Arc::strong_count(&self.db) > 1
    }

    fn settle(&self) -> Result<(), StorageError> {
        for table in TableId::ALL {
            let family = family(&self.db, *table);
            self.db
                .flush_cf(family)
                .map_err(|error| StorageError::Io { action: "flush", reason: error.into_string() })?;
            self.db.compact_range_cf(family, None::<&[u8]>, None::<&[u8]>);
        }
        Ok(())
    }
}

/// Files that RocksDB makes before it has a database.
fn is_rocksdb_file(name: &str) -> bool {
    matches!(name, "LOCK" | "LOG" | "IDENTITY")
        || ["MANIFEST-", "OPTIONS-", "LOG.old."].iter().any(|start| name.starts_with(start))
        || [".log", ".dbtmp"].iter().any(|end| name.ends_with(end))
}

fn opening(path: &Path, error: &rocksdb::Error) -> StorageError {
    let reason = error.to_string();
    let busy = reason.contains("/LOCK") && !reason.contains("ermission");
    match error.kind() {
        rocksdb::ErrorKind::IOError if busy => StorageError::Locked { path: path.into() },
        rocksdb::ErrorKind::Corruption => {
            StorageError::Corrupt { table: "(database files)", key: Bytes::new(), reason }
        }
        _ => StorageError::Folder { path: path.into(), reason },
    }
}

fn reading(table: TableId, key: &[u8], error: &rocksdb::Error) -> StorageError {
    let reason = error.to_string();
    match error.kind() {
        rocksdb::ErrorKind::Corruption => {
            StorageError::Corrupt { table: table.name(), key: Bytes::copy_from_slice(key), reason }
        }
        _ => StorageError::Io { action: "read", reason },
    }
}
