//! How RocksDB is set up: memory and file limits, and one set of options for each shape of table.
//! Must not know: tables.

use rocksdb::{
    BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, DataBlockIndexType, LogLevel, Options, SliceTransform,
};

use crate::{Limits, schema::Shape};

pub(super) const MIB: usize = 1 << 20;

/// Bytes of write-ahead log that may pile up before the oldest tables are flushed: bounds the replay after a crash.
const WAL_MAX_BYTES: u64 = 32 << 20;
/// Bytes of RocksDB's own text log per file; two files are kept.
const LOG_MAX_BYTES: usize = 2 * MIB;
/// Bits per key of the bloom filters: one false positive in a hundred lookups.
const BLOOM_BITS: f64 = 10.0;
/// Block for values read one by one: a cold read fetches and checks one of these.
const POINT_BLOCK: usize = 4 << 10;
/// Block for values read in order, or that compress better with neighbours.
const BULK_BLOCK: usize = 16 << 10;
/// Keys per bucket of the hash index inside a point block.
const HASH_INDEX_RATIO: f64 = 0.75;
/// Values from this size on live beside the tree, so that compaction does not move 128 KiB about.
const LARGE_MIN_BYTES: u64 = 4 << 10;
/// Newest layout of table files that this RocksDB writes (better checksums and filters than its default).
const FORMAT: i32 = 6;

/// Of the whole database.
pub(super) fn database(limits: Limits) -> Options {
    let mut options = Options::default();
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

/// Of a table.
pub(super) fn table(shape: Shape, cache: &Cache, limits: Limits) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    // In the cache, so that memory has one bound.
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    blocks.set_format_version(FORMAT);
    blocks.set_bloom_filter(BLOOM_BITS, false);
    let mut options = Options::default();
    options.set_write_buffer_size(limits.write_buffer_mib * MIB / 2);
    options.set_level_compaction_dynamic_level_bytes(true);
    match shape {
        Shape::Point => {
            // Hashes and random keys do not compress.
            options.set_compression_type(DBCompressionType::None);
            blocks.set_block_size(POINT_BLOCK);
            blocks.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
            blocks.set_data_block_hash_ratio(HASH_INDEX_RATIO);
        }
        Shape::History => {
            // Versions of one value stand together and are much alike. They are looked for by the key without the number.
            options.set_compression_type(DBCompressionType::Lz4);
            blocks.set_block_size(BULK_BLOCK);
            blocks.set_whole_key_filtering(false);
            options.set_prefix_extractor(SliceTransform::create(
                "without block number",
                without_number,
                Some(|key| key.len() >= NUMBER_BYTES),
            ));
        }
        Shape::Bulk => {
            options.set_compression_type(DBCompressionType::Lz4);
            blocks.set_block_size(BULK_BLOCK);
        }
        Shape::Large => {
            options.set_enable_blob_files(true);
            options.set_min_blob_size(LARGE_MIN_BYTES);
            options.set_blob_compression_type(DBCompressionType::Lz4);
            options.set_enable_blob_gc(true);
            options.set_compression_type(DBCompressionType::Lz4);
        }
    }
    options.set_block_based_table_factory(&blocks);
    options
}

/// Bytes of the block number that ends the keys of a history table.
pub(super) const NUMBER_BYTES: usize = 8;

fn without_number(key: &[u8]) -> &[u8] {
    &key[..key.len() - NUMBER_BYTES]
}
