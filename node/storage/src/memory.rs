//! The store in memory, for tests and the simulator. It remembers which batches were not yet synced, so that a power loss can be played.
//! Must not know: what the bytes mean.

use std::{ops::Bound, sync::Arc};

use alloy_primitives::Bytes;
use imbl::OrdMap;
use parking_lot::RwLock;

use crate::{
    StorageError,
    kv::{Batch, Change, Direction, Durability, Kv, Pair, Rows, Visit, after_prefix},
    schema::TableId,
};

/// A [`Kv`] of persistent B-trees. Cloning shares the contents, as two handles of one disk would.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    inner: Arc<RwLock<Inner>>,
}

#[derive(Debug, Clone, Default)]
struct Inner {
    live: Contents,
    /// For every batch since the last sync, in order: what was there before its changes.
    unsynced: Vec<Vec<Before>>,
}

/// A key, and what was there.
type Before = ((TableId, Vec<u8>), Option<Bytes>);

/// Everything at one instant; cloning shares it.
#[derive(Debug, Clone, Default)]
struct Contents(OrdMap<(TableId, Vec<u8>), Bytes>);

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The disk after a power loss now: a new store with the synced batches only. `self` is left as it is.
    pub fn crash(&self) -> Self {
        self.crash_keeping(0)
    }

    /// As [`Self::crash`], but the first `kept` unsynced batches made it to the disk.
    pub fn crash_keeping(&self, kept: usize) -> Self {
        let mut inner = self.inner.read().clone();
        let lost = inner.unsynced.split_off(kept.min(inner.unsynced.len()));
        for undo in lost.into_iter().rev() {
            for (key, value) in undo.into_iter().rev() {
                inner.live.set(key, value);
            }
        }
        inner.unsynced.clear();
        Self { inner: Arc::new(RwLock::new(inner)) }
    }

    /// Batches that a crash would lose.
    pub fn unsynced(&self) -> usize {
        self.inner.read().unsynced.len()
    }

    fn now(&self) -> Contents {
        self.inner.read().live.clone()
    }
}

impl Contents {
    /// Sets or removes, and returns what was there.
    fn set(&mut self, key: (TableId, Vec<u8>), value: Option<Bytes>) -> Option<Bytes> {
        match value {
            Some(value) => self.0.insert(key, value),
            None => self.0.remove(&key),
        }
    }
}

impl Rows for Contents {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        Ok(self.0.get(&(table, key.to_vec())).cloned())
    }

    fn seek(&self, table: TableId, start: &[u8], shared: usize) -> Result<Option<Pair>, StorageError> {
        let mut found = None;
        let end = after_prefix(&start[..shared]);
        self.scan(table, start, end.as_deref(), Direction::Forward, &mut |key, value| {
            found = Some((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
            std::ops::ControlFlow::Break(())
        })?;
        Ok(found)
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
        let to = match end {
            Some(end) => Bound::Excluded((table, end.to_vec())),
            None => table.next().map_or(Bound::Unbounded, |next| Bound::Excluded((next, Vec::new()))),
        };
        let mut pairs = self.0.range((Bound::Included((table, start.to_vec())), to));
        let mut next = || match direction {
            Direction::Forward => pairs.next(),
            Direction::Backward => pairs.next_back(),
        };
        while let Some(((_, key), value)) = next() {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Rows for Memory {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        self.now().get(table, key)
    }

    fn seek(&self, table: TableId, start: &[u8], shared: usize) -> Result<Option<Pair>, StorageError> {
        self.now().seek(table, start, shared)
    }

    fn scan(
        &self,
        table: TableId,
        start: &[u8],
        end: Option<&[u8]>,
        direction: Direction,
        visit: Visit<'_>,
    ) -> Result<(), StorageError> {
        self.now().scan(table, start, end, direction, visit)
    }
}

impl Kv for Memory {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StorageError> {
        let mut inner = self.inner.write();
        let undo = batch.changes().map(|Change { table, key, value }| {
            let key = (table, key.to_vec());
            let before = inner.live.set(key.clone(), value.map(Bytes::copy_from_slice));
            (key, before)
        });
        let undo = undo.collect();
        match durability {
            Durability::Synced => inner.unsynced.clear(),
            Durability::Buffered => inner.unsynced.push(undo),
        }
        Ok(())
    }

    fn snapshot(&self) -> Arc<dyn Rows> {
        Arc::new(self.now())
    }

    fn rows_estimate(&self, table: TableId) -> Result<u64, StorageError> {
        let mut rows = 0;
        self.scan(table, &[], None, Direction::Forward, &mut |_, _| {
            rows += 1;
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(rows)
    }

    fn has_snapshots(&self) -> bool {
        // They are copies.
        false
    }

    fn settle(&self) -> Result<(), StorageError> {
        Ok(())
    }
}
