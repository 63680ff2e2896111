//! What can go wrong in the store. A variant is a place where someone branches; start-up faults name the flag to change.
//! Must not know: any caller, any recovery policy.

use std::path::PathBuf;

use alloy_eips::{BlockHashOrNumber, BlockNumHash};
use alloy_primitives::{B256, Bytes};
use execution::{StateError, state::Lookup};

/// Any failure of the store. The first group stops a start, the second refuses a caller's request, the third is the
/// disk's or our own fault and nothing above may guess around it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageError {
    /// Another process holds the folder.
    #[error("{} is in use by another process; stop it, or choose another folder with --datadir", path.display())]
    Locked {
        /// The database folder.
        path: PathBuf,
    },
    /// The folder cannot be created, read or written.
    #[error("cannot use {} as a database folder ({reason}); choose another with --datadir", path.display())]
    Folder {
        /// The database folder.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The folder holds something that is no database of ours.
    #[error("{} holds other files (first: {found}) and no database; choose an empty folder with --datadir", path.display())]
    NotADatabase {
        /// The database folder.
        path: PathBuf,
        /// One of the files or tables that were found.
        found: String,
    },
    /// Written by an older Basalt whose format this one cannot read.
    #[error("the database in {} has schema {found}, older than {supported} which this version reads; \
             start from an empty folder with --datadir: the chain is derived from L1 or imported again", path.display())]
    SchemaOlder {
        /// The database folder.
        path: PathBuf,
        /// Version in the database.
        found: u32,
        /// The only version this build reads.
        supported: u32,
    },
    /// Written by a newer Basalt.
    #[error("the database in {} has schema {found}, newer than {supported} which this version reads; \
             start the newer version, or use a new folder with --datadir", path.display())]
    SchemaNewer {
        /// The database folder.
        path: PathBuf,
        /// Version in the database.
        found: u32,
        /// The only version this build reads.
        supported: u32,
    },
    /// The database belongs to another chain.
    #[error(
        "the database holds chain {stored_chain_id} with genesis {stored}, the configuration names chain \
             {given_chain_id} with genesis {given}; choose the right folder with --datadir"
    )]
    OtherGenesis {
        /// Genesis hash in the database.
        stored: B256,
        /// Chain id in the database.
        stored_chain_id: u64,
        /// Genesis hash of the chain specification.
        given: B256,
        /// Chain id of the chain specification.
        given_chain_id: u64,
    },
    /// The genesis block of the specification cannot be made.
    #[error("genesis cannot be executed: {0}")]
    Genesis(String),

    /// The block to append is no child of the head.
    #[error("block {number} (parent {parent}) does not extend head {} {}", head.number, head.hash)]
    DoesNotExtend {
        /// Number of the refused block.
        number: u64,
        /// Its parent hash.
        parent: B256,
        /// The head it should have extended.
        head: BlockNumHash,
    },
    /// An unwind must name a block at or below the head.
    #[error("cannot unwind to {to}: head is {head}")]
    UnwindAboveHead {
        /// Requested new head.
        to: u64,
        /// Present head.
        head: u64,
    },
    /// Finalised blocks never go away.
    #[error("cannot unwind to {to}: block {finalised} is finalised")]
    UnwindBelowFinalised {
        /// Requested new head.
        to: u64,
        /// Highest finalised block.
        finalised: u64,
    },
    /// A head must be a block of the canonical chain.
    #[error("block {number} {hash} is not on the canonical chain")]
    NotCanonical {
        /// Number of the named block.
        number: u64,
        /// Hash of the named block.
        hash: B256,
    },
    /// `finalised <= landed <= head` would not hold.
    #[error("heads out of order: finalised {finalised} <= landed {landed} <= head {head} must hold")]
    HeadsOutOfOrder {
        /// Proposed finalised number.
        finalised: u64,
        /// Proposed landed number.
        landed: u64,
        /// Present head number.
        head: u64,
    },
    /// No canonical block has this number or hash.
    #[error("no canonical block {0}")]
    UnknownBlock(BlockHashOrNumber),
    /// The state after this block is no longer kept. Blocks, receipts and codes are.
    #[error(
        "the state after block {number} is no longer kept; the oldest one is that of block {oldest} (--prune.history, --prune.archive)"
    )]
    StateForgotten {
        /// Number of the block.
        number: u64,
        /// The lowest block whose state can be read.
        oldest: u64,
    },
    /// A value is longer than its table allows.
    #[error("{table}: {found} bytes, the limit is {limit}")]
    TooLong {
        /// Table name.
        table: &'static str,
        /// Length of the refused value, bytes.
        found: usize,
        /// The limit, bytes.
        limit: usize,
    },

    /// Stored bytes do not decode, or records contradict each other: bit rot or a bug. Never guessed around.
    #[error(
        "corrupt record in table {table}, key {key}: {reason}; restore a backup or sync into a new folder with --datadir"
    )]
    Corrupt {
        /// Table name.
        table: &'static str,
        /// Encoded key.
        key: Bytes,
        /// What does not fit.
        reason: String,
    },
    /// The disk or RocksDB refused (no space, I/O error, fsync failed).
    #[error("database {action} failed: {reason}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// RocksDB's words.
        reason: String,
    },
}

/// A state of ours that can't answer: the store's own error back again, or a hole in it.
impl From<StateError> for StorageError {
    fn from(error: StateError) -> Self {
        let corrupt =
            |key: &[u8], reason: String| Self::Corrupt { table: "nodes", key: Bytes::copy_from_slice(key), reason };
        match &error {
            StateError::Io(inner) => match inner.downcast_ref::<Self>() {
                Some(storage) => storage.clone(),
                None => Self::Io { action: "read", reason: error.to_string() },
            },
            StateError::Missing(Lookup::Node(hash) | Lookup::Code(hash) | Lookup::State(hash)) => {
                corrupt(hash.as_slice(), error.to_string())
            }
            StateError::Missing(Lookup::BlockHash(number) | Lookup::Ommers(number)) => {
                corrupt(&number.to_be_bytes(), error.to_string())
            }
            StateError::Corrupt { hash, .. } => corrupt(hash.as_slice(), error.to_string()),
        }
    }
}
