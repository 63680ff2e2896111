//! The store on disk: one RocksDB, one column family per table, one write-ahead log, small caches.
//! Must not know: what the bytes mean.

use std::{fs, path::Path};

use alloy_primitives::Bytes;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode,
    DEFAULT_COLUMN_FAMILY_NAME, IteratorMode, LogLevel, ReadOptions, WriteBatch, WriteOptions,
};

use crate::{
    StorageError,
    kv::{Batch, Direction, Durability, Kv, Visit},
    schema::{Identity, SCHEMA_VERSION, Shape, Table, TableId},
};

const MIB: usize = 1 << 20;

/// Bytes of write-ahead log that may pile up before the oldest tables are flushed: bounds the replay after a crash.
const WAL_MAX_BYTES: u64 = 64 << 20;
/// Bytes of RocksDB's own text log per file; two files are kept.
const LOG_MAX_BYTES: usize = 2 * MIB;
/// Bits per key of the bloom filters: one false positive in a hundred lookups.
const BLOOM_BITS: f64 = 10.0;

/// Memory and file limits of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Cache of uncompressed blocks, indexes and filters included, MiB.
    pub block_cache_mib: usize,
    /// All write buffers together, MiB.
    pub write_buffer_mib: usize,
    /// Files that RocksDB may hold open.
    pub open_files: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self { block_cache_mib: 32, write_buffer_mib: 32, open_files: 256 }
    }
}

/// A [`Kv`] on disk. Dropping it closes the database.
#[derive(Debug)]
pub struct Rocks {
    db: DB,
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
                ColumnFamilyDescriptor::new(name, table_options(shape, &cache, limits))
            });
            DB::open_cf_descriptors(&database_options(limits), path, families).map_err(|error| opening(path, &error))
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
        let present = DB::list_cf(&database_options(limits), path).map_err(|error| opening(path, &error))?;
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

    fn family(&self, table: TableId) -> &ColumnFamily {
        self.db.cf_handle(table.name()).expect("open() leaves no table of the schema out")
    }
}

impl Kv for Rocks {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        match self.db.get_cf(self.family(table), key) {
            Ok(value) => Ok(value.map(Bytes::from)),
            Err(error) => Err(reading(table, key, &error)),
        }
    }

    fn scan(
        &self,
        table: TableId,
        start: &[u8],
        end: Option<&[u8]>,
        direction: Direction,
        visit: Visit<'_>,
    ) -> Result<(), StorageError> {
        if end.is_some_and(|end| end <= start) {
            return Ok(());
        }
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(start);
        if let Some(end) = end {
            options.set_iterate_upper_bound(end);
        }
        let mode = match direction {
            Direction::Forward => IteratorMode::Start,
            Direction::Backward => IteratorMode::End,
        };
        for pair in self.db.iterator_cf_opt(self.family(table), options, mode) {
            let (key, value) = pair.map_err(|error| reading(table, start, &error))?;
            if visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StorageError> {
        let mut raw = WriteBatch::default();
        for change in batch.changes() {
            let family = self.family(change.table);
            match &change.value {
                Some(value) => raw.put_cf(family, &change.key, value),
                None => raw.delete_cf(family, &change.key),
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(durability == Durability::Synced);
        self.db
            .write_opt(raw, &options)
            .map_err(|error| StorageError::Io { action: "write", reason: error.into_string() })
    }
}

fn database_options(limits: Limits) -> rocksdb::Options {
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_max_open_files(i32::from(limits.open_files));
    options.set_db_write_buffer_size(limits.write_buffer_mib * MIB);
    options.set_max_total_wal_size(WAL_MAX_BYTES);
    // A torn tail is cut off, a hole in the middle is an error: what is left is always a prefix of what was written.
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    options.set_paranoid_checks(true);
    options.set_max_background_jobs(2);
    options.set_bytes_per_sync(MIB as u64);
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(LOG_MAX_BYTES);
    options.set_keep_log_file_num(2);
    options.set_stats_dump_period_sec(0);
    options
}

fn table_options(shape: Shape, cache: &Cache, limits: Limits) -> rocksdb::Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    // In the cache, so that memory has one bound.
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    let mut options = rocksdb::Options::default();
    options.set_write_buffer_size(limits.write_buffer_mib * MIB / 2);
    options.set_level_compaction_dynamic_level_bytes(true);
    match shape {
        Shape::Point => {
            // Hashes and random keys do not compress.
            options.set_compression_type(DBCompressionType::None);
            blocks.set_bloom_filter(BLOOM_BITS, false);
            blocks.set_block_size(4 << 10);
        }
        Shape::Bulk => {
            options.set_compression_type(DBCompressionType::Lz4);
            blocks.set_bloom_filter(BLOOM_BITS, false);
            blocks.set_block_size(16 << 10);
        }
        Shape::Large => {
            // Values live beside the tree, so that compaction does not move 128 KiB about.
            options.set_enable_blob_files(true);
            options.set_min_blob_size(4 << 10);
            options.set_blob_compression_type(DBCompressionType::Lz4);
            options.set_enable_blob_gc(true);
            options.set_compression_type(DBCompressionType::Lz4);
        }
    }
    options.set_block_based_table_factory(&blocks);
    options
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
