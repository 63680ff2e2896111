//! The floor under the schema: an ordered key-value store with tables, atomic batches and snapshots. RocksDB and memory implement it.
//! Must not know: what the bytes mean.

use std::{
    fmt::Debug,
    ops::{ControlFlow, Range},
    sync::Arc,
};

use alloy_primitives::Bytes;

use crate::{StorageError, schema::TableId};

/// How far a write has gone when the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Survives power loss: the log was fsynced, and with it every earlier batch.
    Synced,
    /// Survives the death of the process; power loss may take a *suffix* of such batches, never one from the middle.
    Buffered,
}

/// Order of a [`Rows::scan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// What a [`Rows::scan`] calls for every pair.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// An encoded key and its value.
pub type Pair = (Bytes, Bytes);

/// Reading. Every call answers as of one instant; those of a [`Kv`] of the instant of the call, those of a snapshot all of the same one.
/// Calls come from any thread at any moment.
pub trait Rows: Send + Sync + Debug {
    /// The value under `key`, or `None`.
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>, StorageError>;

    /// The first pair with `start <= key` whose key begins with the first `shared` bytes of `start` (`shared <= start.len()`).
    fn seek(&self, table: TableId, start: &[u8], shared: usize) -> Result<Option<Pair>, StorageError>;

    /// Visits the pairs with `start <= key < end` (no `end`: to the last key), until `visit` breaks. `visit` may not write to the store.
    fn scan(
        &self,
        table: TableId,
        start: &[u8],
        end: Option<&[u8]>,
        direction: Direction,
        visit: Visit<'_>,
    ) -> Result<(), StorageError>;
}

/// An ordered key-value store with tables.
///
/// For the implementer: `write` is atomic over all tables and becomes visible to every reader at one instant, before it returns.
/// Batches become durable in the order in which they were written: a synced one makes all before it durable.
/// An implementation may never lose a batch from the middle, nor invent a value after a failed write.
pub trait Kv: Rows {
    /// Applies the whole batch, or nothing of it and an error. An empty synced batch makes everything before it durable.
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StorageError>;

    /// Everything as it is now, for as long as it is held. Cheap to take; what is overwritten meanwhile stays on disk until it is dropped.
    fn snapshot(&self) -> Arc<dyn Rows>;

    /// About how many rows a table has; cheap.
    fn rows_estimate(&self, table: TableId) -> Result<u64, StorageError>;

    /// Whether a snapshot would hold the store open after this is dropped.
    fn has_snapshots(&self) -> bool;

    /// After a bulk load: puts the tables into the order in which they are read and stored best. Changes no content.
    fn settle(&self) -> Result<(), StorageError>;
}

/// The least key above all keys that begin with `prefix`; `None` when there is none.
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// One change of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// Where.
    pub table: TableId,
    /// Encoded key.
    pub key: &'a [u8],
    /// New value; `None` deletes.
    pub value: Option<&'a [u8]>,
}

/// Changes that become visible together. A later change of the same key wins.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Keys and values, one after the other.
    bytes: Vec<u8>,
    changes: Vec<Extent>,
}

/// Where a change is among the bytes of a batch: its key, and behind it its value.
#[derive(Debug, Clone)]
struct Extent {
    table: TableId,
    key: Range<usize>,
    /// Where the value ends.
    value: Option<usize>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for so many changes more, and so many bytes of their keys and values.
    pub(crate) fn reserve(&mut self, changes: usize, bytes: usize) {
        self.changes.reserve(changes);
        self.bytes.reserve(bytes);
    }

    /// Sets `key` to `value`, both encoded.
    pub fn put_raw(&mut self, table: TableId, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.put_with(table, |out| out.extend_from_slice(key.as_ref()), |out| out.extend_from_slice(value.as_ref()));
    }

    /// Removes `key`; removing what is not there is no error.
    pub fn delete_raw(&mut self, table: TableId, key: impl AsRef<[u8]>) {
        self.delete_with(table, |out| out.extend_from_slice(key.as_ref()));
    }

    /// Sets the key that `key` appends to the value that `value` appends.
    pub(crate) fn put_with(
        &mut self,
        table: TableId,
        key: impl FnOnce(&mut Vec<u8>),
        value: impl FnOnce(&mut Vec<u8>),
    ) {
        self.delete_with(table, key);
        value(&mut self.bytes);
        let end = self.bytes.len();
        self.changes.last_mut().expect("just added").value = Some(end);
    }

    /// Removes the key that `key` appends.
    pub(crate) fn delete_with(&mut self, table: TableId, key: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        key(&mut self.bytes);
        self.changes.push(Extent { table, key: start..self.bytes.len(), value: None });
    }

    /// The changes in order.
    pub fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        self.changes.iter().map(|Extent { table, key, value }| {
            let value = value.map(|end| &self.bytes[key.end..end]);
            Change { table: *table, key: &self.bytes[key.clone()], value }
        })
    }

    /// Bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Number of changes.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

#[cfg(test)]
mod tests;
