//! The database schema on one page: every table, its key, its value, its shape on disk. A change here is a change of
//! [`SCHEMA_VERSION`] and comes with a migration note.
//! Must not know: RocksDB, or who reads and writes a table.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::TrieAccount;
use execution::{Receipt, trie::Place};

use crate::{
    StorageError,
    codec::{Key, Name, Value},
    kv::{Batch, Rows},
};
pub use crate::{
    message_records::{Delivery, LogPosition},
    records::{Blob, Body, Head, Identity as IdentityRecord, Landed, TxPosition},
    state_records::{OutboxProof, Undo as UndoRecord},
    versions::NodeVersion,
};

/// Version of everything below. A database of another version is refused.
pub const SCHEMA_VERSION: u32 = 4;

/// A typed table.
pub trait Table {
    /// Its place among all tables.
    const ID: TableId;
    /// Key; its encoding sorts as the key does.
    type Key: Key;
    /// Value.
    type Value: Value;
}

/// How a table's data looks, so that the disk can treat it well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Small values under random keys, read one by one.
    Point,
    /// Versions: keys end in a block number, and are looked for by what is before it.
    History,
    /// Values that compress, or that are read in order.
    Bulk,
    /// Values of 100 KiB and more.
    Large,
}

macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident($name:literal, $shape:ident): $key:ty => $value:ty;)*) => {
        /// All tables, in the order of their declaration.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum TableId { $($(#[$doc])* $table,)* }

        impl TableId {
            /// All tables.
            pub const ALL: &[Self] = &[$(Self::$table,)*];

            /// Name on disk and in error messages.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$table => $name,)* }
            }

            /// How its data looks.
            pub const fn shape(self) -> Shape {
                match self { $(Self::$table => Shape::$shape,)* }
            }

            /// Whether these bytes are a record of this table: decodes them and drops the result.
            pub fn check(self, key: &[u8], value: &Bytes) -> Result<(), StorageError> {
                match self { $(Self::$table => {
                    decode_key::<$table>(key)?;
                    decode_value::<$table>(key, value).map(drop)
                })* }
            }
        }

        $($(#[$doc])* #[derive(Debug, Clone, Copy)] pub struct $table;
        impl Table for $table {
            const ID: TableId = TableId::$table;
            type Key = $key;
            type Value = $value;
        })*
    };
}

tables! {
    /// One record: schema version, chain id, genesis hash. Written last of all when a database is made.
    Identity("identity", Point): () => IdentityRecord;
    /// The three heads.
    Heads("heads", Point): Head => alloy_eips::BlockNumHash;

    // --- blocks by hash: canonical ones, those unwound, and those sealed but not yet appended ---
    /// Header.
    Headers("headers", Bulk): B256 => Header;
    /// Transactions (and, on an L1, withdrawals).
    Bodies("bodies", Bulk): B256 => Body;
    /// Senders of the body's transactions, in order: recovering costs 40 us each.
    Senders("senders", Bulk): B256 => Vec<Address>;
    /// Receipts, without their blooms.
    Receipts("receipts", Bulk): B256 => Vec<Receipt>;
    /// Block access list (EIP-7928), RLP.
    Bals("bals", Bulk): B256 => Bytes;
    /// Blocks above whose data is kept though they are not canonical, by number.
    SideBlocks("side_blocks", Point): (u64, B256) => ();

    // --- the canonical chain ---
    /// Hash of the canonical block.
    Canonical("canonical", Bulk): u64 => B256;
    /// Where a canonical transaction stands.
    Transactions("transactions", Point): B256 => TxPosition;

    // --- the state at the head; keys are keccak256 of the address, or of address and slot ---
    /// Account with its storage root.
    Accounts("accounts", Point): B256 => TrieAccount;
    /// Storage slot; zero is never stored.
    Slots("slots", Point): (B256, B256) => U256;
    /// Branch or extension of a trie, RLP, by its place. A leaf follows from the one account or slot below its path.
    Nodes("nodes", Point): Place => Bytes;
    /// Code by keccak256; of all blocks, for ever.
    Codes("codes", Bulk): B256 => Bytes;

    // --- older states: what stood there before that block; the first row with a number above N, or else the head's, is that of block N ---
    /// Account before the block; `None`: there was none.
    AccountHistory("account_history", History): (B256, u64) => Option<TrieAccount>;
    /// Slot before the block; `None`: zero.
    SlotHistory("slot_history", History): ((B256, B256), u64) => Option<U256>;
    /// Node before the block, by what the block left there. None where a leaf kept its place and got another value: that is in the two tables above.
    NodeHistory("node_history", History): (Place, u64) => NodeVersion;
    /// Which rows of the three tables above the block has: for going back, and for forgetting them.
    Undo("undo", Bulk): u64 => UndoRecord;
    /// Proof of the Messenger's outbox after the block, kept where its state is forgotten; of the last block with each outbox.
    OutboxProofs("outbox_proofs", Bulk): u64 => OutboxProof;

    // --- the border to L1 ---
    /// How and where the block landed, by L2 number.
    Landings("landings", Bulk): u64 => Landed;
    /// Where a message out of the rollup was sent, by its index in the outbox.
    OutboxMessages("outbox_messages", Bulk): u64 => LogPosition;
    /// The same by who sent it and by whom it is for: address, index.
    OutboxParties("outbox_parties", Bulk): (Address, u64) => ();
    /// Complete nodes of the outbox tree, by level and place in the level; level 0 holds the leaves.
    OutboxNodes("outbox_nodes", Bulk): (u64, u64) => B256;
    /// What became of a message into the rollup, by its index in the inbox.
    InboxMessages("inbox_messages", Bulk): u64 => Delivery;
    /// Blob by versioned hash, with the number of the block that last needed it.
    Blobs("blobs", Large): B256 => Blob;
    /// The same by number, for expiry.
    BlobExpiry("blob_expiry", Point): (u64, B256) => ();

    // --- what must survive a restart ---
    /// Pool transactions, as they were sent (EIP-2718, with sidecar where there is one).
    Pool("pool", Bulk): B256 => Bytes;
    /// Small records of state machines, by name.
    Journal("journal", Bulk): Name => Bytes;
}

impl TableId {
    /// The table with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|table| table.name() == name)
    }

    /// The table after this one.
    pub fn next(self) -> Option<Self> {
        Self::ALL.get(self as usize + 1).copied()
    }
}

pub(crate) fn corrupt(table: TableId, key: &[u8], reason: String) -> StorageError {
    StorageError::Corrupt { table: table.name(), key: Bytes::copy_from_slice(key), reason }
}

/// Decodes a key of table `T`.
pub fn decode_key<T: Table>(key: &[u8]) -> Result<T::Key, StorageError> {
    T::Key::decode(key).ok_or_else(|| corrupt(T::ID, key, format!("a key of {} bytes", key.len())))
}

/// Decodes a value of table `T`, found under `key`.
pub fn decode_value<T: Table>(key: &[u8], value: &Bytes) -> Result<T::Value, StorageError> {
    T::Value::decode(value).map_err(|error| corrupt(T::ID, key, error.0))
}

/// Typed reads.
pub trait Read: Rows {
    /// The value under `key`.
    fn read<T: Table>(&self, key: &T::Key) -> Result<Option<T::Value>, StorageError> {
        let key = key.encode();
        self.get(T::ID, &key)?.map(|value| decode_value::<T>(&key, &value)).transpose()
    }

    /// The value under `key`, which another record says must be there.
    fn must_read<T: Table>(&self, key: &T::Key) -> Result<T::Value, StorageError> {
        self.read::<T>(key)?
            .ok_or_else(|| corrupt(T::ID, &key.encode(), "missing, though another record names it".into()))
    }

    /// The version of `key` in the history table `T` with the lowest number above `number`.
    fn first_after<T: Table<Key = (K, u64)>, K: Key>(
        &self,
        key: K,
        number: u64,
    ) -> Result<Option<T::Value>, StorageError> {
        let Some(next) = number.checked_add(1) else { return Ok(None) };
        let start = (key, next).encode();
        let found = self.seek(T::ID, &start, start.len() - size_of::<u64>())?;
        found.map(|(key, value)| decode_value::<T>(&key, &value)).transpose()
    }
}

impl<R: Rows + ?Sized> Read for R {}

/// Typed writes into a [`Batch`].
impl Batch {
    /// Sets `key` to `value`.
    pub fn put<T: Table>(&mut self, key: &T::Key, value: &T::Value) {
        self.put_with(T::ID, |out| key.write(out), |out| value.write(out));
    }

    /// Removes `key`.
    pub fn delete<T: Table>(&mut self, key: &T::Key) {
        self.delete_with(T::ID, |out| key.write(out));
    }
}

#[cfg(test)]
mod tests;
