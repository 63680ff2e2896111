//! The store in memory, for tests and the simulator. It remembers which batches were not yet synced, so that a power loss can be played.
//! Must not know: what the bytes mean.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use alloy_primitives::Bytes;
use parking_lot::RwLock;

use crate::{
    StorageError,
    kv::{Batch, Change, Direction, Durability, Kv, Visit},
    schema::TableId,
};

/// A [`Kv`] of B-trees. Cloning shares the contents, as two handles of one disk would.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    inner: Arc<RwLock<Inner>>,
}

#[derive(Debug, Clone, Default)]
struct Inner {
    live: BTreeMap<(TableId, Vec<u8>), Bytes>,
    /// For every batch since the last sync, in order: the changes that would take it back.
    unsynced: Vec<Vec<Change>>,
}

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
            for change in undo.into_iter().rev() {
                inner.apply(change);
            }
        }
        inner.unsynced.clear();
        Self { inner: Arc::new(RwLock::new(inner)) }
    }

    /// Batches that a crash would lose.
    pub fn unsynced(&self) -> usize {
        self.inner.read().unsynced.len()
    }
}

impl Inner {
    /// Applies one change and returns the one that takes it back.
    fn apply(&mut self, Change { table, key, value }: Change) -> Change {
        let slot = (table, key);
        let before = match value {
            Some(value) => self.live.insert(slot.clone(), value),
            None => self.live.remove(&slot),
        };
        Change { table, key: slot.1, value: before }
    }
}

impl Kv for Memory {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        Ok(self.inner.read().live.get(&(table, key.to_vec())).cloned())
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
        // Copied out, so that `visit` runs without the lock.
        let pairs: Vec<(Vec<u8>, Bytes)> = {
            let inner = self.inner.read();
            let to = match end {
                Some(end) => Bound::Excluded((table, end.to_vec())),
                None => table.next().map_or(Bound::Unbounded, |next| Bound::Excluded((next, Vec::new()))),
            };
            let range = inner.live.range((Bound::Included((table, start.to_vec())), to));
            range.map(|((_, key), value)| (key.clone(), value.clone())).collect()
        };
        let mut forward = pairs.iter();
        let mut backward = pairs.iter().rev();
        let mut next = || match direction {
            Direction::Forward => forward.next(),
            Direction::Backward => backward.next(),
        };
        while let Some((key, value)) = next() {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StorageError> {
        let mut inner = self.inner.write();
        let undo = batch.into_changes().into_iter().map(|change| inner.apply(change)).collect();
        match durability {
            Durability::Synced => inner.unsynced.clear(),
            Durability::Buffered => inner.unsynced.push(undo),
        }
        Ok(())
    }
}
