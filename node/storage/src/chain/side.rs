//! What is kept beside the canonical chain: sealed blocks, landings, blobs, pool transactions, journals.
//! Must not know: when any of it is needed, or whether it is right.

use std::ops::ControlFlow;

use alloy_eips::{BlockNumHash, eip4844};
use alloy_primitives::{B256, Bytes};
use execution::RecoveredBlock;

use super::{Chain, find_header, writer::put_block};
use crate::{
    Blob, Durability, Landed, Name, StorageError,
    kv::{Batch, Direction},
    schema::{self, Read, Table, decode_key, decode_value},
};

/// Longest pool transaction that is kept, bytes: 128 KiB, and a sidecar of nine blobs with cell proofs.
pub const POOL_TX_MAX_BYTES: usize = 2 << 20;
/// Keys removed in one batch when pruning, so that a batch stays small however long nobody pruned.
const PRUNE_BATCH: usize = 1_024;

/// Block access lists forgotten in one call, so that it is soon over however long nobody called.
pub const FORGET_BALS_MAX: u64 = 1_024;
/// Journal key: the lowest number whose block access list is kept.
const OLDEST_BAL: &str = "bals/oldest";

/// Sealed blocks that are not canonical (yet, or any more).
impl Chain {
    /// Keeps a sealed block and its block access list by hash, so that it can be executed or landed again after a crash.
    pub fn store_side_block(
        &self,
        block: &RecoveredBlock,
        bal: &Bytes,
        durability: Durability,
    ) -> Result<(), StorageError> {
        let _writer = self.inner.writer.lock();
        let BlockNumHash { number, hash } = block.num_hash();
        let mut batch = Batch::new();
        put_block(&mut batch, block, bal);
        if self.canonical_hash(number)? != Some(hash) {
            batch.put::<schema::SideBlocks>(&(number, hash), &());
        }
        self.inner.store.write(batch, durability)
    }

    /// Any block that is kept under this hash, canonical or not, with its block access list.
    pub fn side_block(&self, hash: B256) -> Result<Option<(RecoveredBlock, Bytes)>, StorageError> {
        let Some(header) = find_header(&*self.inner.store, hash)? else { return Ok(None) };
        let Some(bal) = self.inner.bal_of(header.num_hash())? else { return Ok(None) };
        Ok(Some((self.inner.block_of(header)?, bal)))
    }

    /// Numbers and hashes of all side blocks, ascending.
    pub fn side_blocks(&self) -> Result<Vec<BlockNumHash>, StorageError> {
        let keys = self.inner.keys::<schema::SideBlocks>(&[], None, usize::MAX)?;
        Ok(keys.into_iter().map(|(number, hash)| BlockNumHash { number, hash }).collect())
    }

    /// Forgets side blocks with numbers below `below`; returns how many. Their headers go too: BLOCKHASH of a state on top of one ends there.
    pub fn prune_side_blocks(&self, below: u64) -> Result<usize, StorageError> {
        let _writer = self.inner.writer.lock();
        self.inner.prune::<schema::SideBlocks>(below, |batch, number, hash| {
            batch.delete::<schema::Headers>(&hash);
            batch.delete::<schema::Bodies>(&hash);
            batch.delete::<schema::Senders>(&hash);
            batch.delete::<schema::Receipts>(&hash);
            batch.delete::<schema::Bals>(&hash);
            batch.delete::<schema::SideBlocks>(&(number, hash));
            Ok(())
        })
    }
}

/// Landings on L1.
impl Chain {
    /// How and where block `number` landed.
    pub fn landing(&self, number: u64) -> Result<Option<Landed>, StorageError> {
        self.inner.store.read::<schema::Landings>(&number)
    }

    /// Records a landing and moves the landed head to it, in one batch, which power loss may take: L1 tells it again. Recording it again with another L1 block (it was
    /// re-landed) replaces it; the landed head never moves back here.
    ///
    /// # Errors
    /// `NotCanonical` unless block `number` has the hash that landed.
    pub fn land(&self, number: u64, landed: &Landed) -> Result<(), StorageError> {
        let _writer = self.inner.writer.lock();
        let heads = self.heads();
        let block = BlockNumHash { number, hash: landed.block_hash };
        if self.canonical_hash(number)? != Some(block.hash) {
            return Err(StorageError::NotCanonical { number, hash: block.hash });
        }
        let mut batch = Batch::new();
        batch.put::<schema::Landings>(&number, landed);
        let head = if block.number > heads.landed.number { block } else { heads.landed };
        self.inner.put_heads(batch, head, heads.finalised, Durability::Buffered)
    }

    /// Takes landings above `to` back after an L1 reorg, in one synced batch: their records go, and the landed head moves to `to`
    /// when it was above. The blocks stay applied.
    ///
    /// # Errors
    /// `HeadsOutOfOrder` when `to` is below the finalised head, `UnknownBlock` when it is above the head.
    pub fn unland(&self, to: u64) -> Result<(), StorageError> {
        let _writer = self.inner.writer.lock();
        let heads = self.heads();
        let hash = self.canonical_hash(to)?.ok_or(StorageError::UnknownBlock(to.into()))?;
        let mut batch = Batch::new();
        for number in to + 1..=heads.applied.number.min(heads.landed.number) {
            batch.delete::<schema::Landings>(&number);
        }
        let landed = if heads.landed.number > to { BlockNumHash { number: to, hash } } else { heads.landed };
        self.inner.put_heads(batch, landed, heads.finalised, Durability::Synced)
    }
}

/// Blobs, while anyone may ask for them.
impl Chain {
    /// Keeps the blobs of block `number` by versioned hash. A blob that is already there is kept as long as its latest block.
    pub fn put_blobs(
        &self,
        number: u64,
        blobs: &[(B256, Box<eip4844::Blob>)],
        durability: Durability,
    ) -> Result<(), StorageError> {
        let _writer = self.inner.writer.lock();
        let mut batch = Batch::new();
        for (hash, data) in blobs {
            let before = self.inner.store.read::<schema::Blobs>(hash)?.map(|blob| blob.number);
            if before.is_some_and(|before| before >= number) {
                continue;
            }
            if let Some(before) = before {
                batch.delete::<schema::BlobExpiry>(&(before, *hash));
            }
            batch.put::<schema::Blobs>(hash, &Blob { number, data: data.clone() });
            batch.put::<schema::BlobExpiry>(&(number, *hash), &());
        }
        self.inner.store.write(batch, durability)
    }

    /// A blob by versioned hash.
    pub fn blob(&self, versioned_hash: B256) -> Result<Option<Box<eip4844::Blob>>, StorageError> {
        Ok(self.inner.store.read::<schema::Blobs>(&versioned_hash)?.map(|blob| blob.data))
    }

    /// Forgets blobs whose latest block is below `below`; returns how many.
    pub fn prune_blobs(&self, below: u64) -> Result<usize, StorageError> {
        let _writer = self.inner.writer.lock();
        self.inner.prune::<schema::BlobExpiry>(below, |batch, number, hash| {
            batch.delete::<schema::Blobs>(&hash);
            batch.delete::<schema::BlobExpiry>(&(number, hash));
            Ok(())
        })
    }
}

/// Block access lists, while anyone may ask for what landed blocks' blobs carried. The blocks themselves stay.
impl Chain {
    /// Forgets the block access lists of blocks below `below` that are older than `before` (seconds), at most
    /// [`FORGET_BALS_MAX`] at a time; returns how many. To be called with final blocks only.
    pub fn forget_bals(&self, before: u64, below: u64) -> Result<usize, StorageError> {
        let _writer = self.inner.writer.lock();
        let first = self.inner.oldest_bal()?;
        let mut batch = Batch::new();
        let mut number = first;
        while number < below && number - first < FORGET_BALS_MAX {
            let hash = self.inner.store.must_read::<schema::Canonical>(&number)?;
            if find_header(&*self.inner.store, hash)?.is_none_or(|header| header.timestamp >= before) {
                break;
            }
            batch.delete::<schema::Bals>(&hash);
            number += 1;
        }
        if number > first {
            let oldest = Bytes::copy_from_slice(&number.to_be_bytes());
            batch.put::<schema::Journal>(&Name(OLDEST_BAL.into()), &oldest);
            self.inner.store.write(batch, Durability::Buffered)?;
        }
        Ok((number - first) as usize)
    }

    /// The lowest number whose block access list is kept.
    pub fn oldest_bal(&self) -> Result<u64, StorageError> {
        self.inner.oldest_bal()
    }
}

impl super::Inner {
    fn oldest_bal(&self) -> Result<u64, StorageError> {
        let name = Name(OLDEST_BAL.into());
        let Some(record) = self.store.read::<schema::Journal>(&name)? else { return Ok(0) };
        let number = <[u8; 8]>::try_from(&record[..]).map_err(|_| StorageError::Corrupt {
            table: schema::Journal::ID.name(),
            key: OLDEST_BAL.into(),
            reason: format!("{} bytes, not 8", record.len()),
        })?;
        Ok(u64::from_be_bytes(number))
    }

    /// Block access list of a block whose header is stored; `None` when it is forgotten.
    pub(super) fn bal_of(&self, block: BlockNumHash) -> Result<Option<Bytes>, StorageError> {
        if let Some(bal) = self.store.read::<schema::Bals>(&block.hash)? {
            return Ok(Some(bal));
        }
        if block.number < self.oldest_bal()? {
            return Ok(None);
        }
        self.store.must_read::<schema::Bals>(&block.hash).map(Some)
    }
}

/// Pool transactions across a restart.
impl Chain {
    /// Adds and removes pool transactions in one batch, by transaction hash. Removal comes first.
    ///
    /// # Errors
    /// `TooLong` beyond [`POOL_TX_MAX_BYTES`]; nothing has changed then.
    pub fn pool_update(
        &self,
        remove: &[B256],
        add: &[(B256, Bytes)],
        durability: Durability,
    ) -> Result<(), StorageError> {
        let mut batch = Batch::new();
        for hash in remove {
            batch.delete::<schema::Pool>(hash);
        }
        for (hash, raw) in add {
            if raw.len() > POOL_TX_MAX_BYTES {
                let table = schema::Pool::ID.name();
                return Err(StorageError::TooLong { table, found: raw.len(), limit: POOL_TX_MAX_BYTES });
            }
            batch.put::<schema::Pool>(hash, raw);
        }
        self.inner.store.write(batch, durability)
    }

    /// All pool transactions by hash, at most `limit`.
    pub fn pool_transactions(&self, limit: usize) -> Result<Vec<(B256, Bytes)>, StorageError> {
        self.inner.pairs::<schema::Pool>(&[], None, limit)
    }
}

/// Journals: small records of state machines.
impl Chain {
    /// The record `name`.
    pub fn journal(&self, name: &str) -> Result<Option<Bytes>, StorageError> {
        self.inner.store.read::<schema::Journal>(&Name(name.into()))
    }

    /// Sets (`Some`) or removes (`None`) records in one batch. `Synced` before anyone acts upon it.
    pub fn journal_put(&self, records: &[(&str, Option<Bytes>)], durability: Durability) -> Result<(), StorageError> {
        let mut batch = Batch::new();
        for (name, value) in records {
            let name = Name((*name).into());
            match value {
                Some(value) => batch.put::<schema::Journal>(&name, value),
                None => batch.delete::<schema::Journal>(&name),
            }
        }
        self.inner.store.write(batch, durability)
    }

    /// Records whose name begins with `prefix`, ascending by name.
    pub fn journal_with_prefix(&self, prefix: &str) -> Result<Vec<(String, Bytes)>, StorageError> {
        // UTF-8 has no 0xff, so this is above every name with the prefix.
        let end = [prefix.as_bytes(), &[0xff]].concat();
        let pairs = self.inner.pairs::<schema::Journal>(prefix.as_bytes(), Some(&end), usize::MAX)?;
        Ok(pairs.into_iter().map(|(name, value)| (name.0, value)).collect())
    }
}

/// Decoded pairs of table `T`.
pub(super) type Pairs<T> = Vec<(<T as Table>::Key, <T as Table>::Value)>;

impl super::Inner {
    /// Decoded pairs of a table, ascending, at most `limit`.
    fn pairs<T: Table>(&self, start: &[u8], end: Option<&[u8]>, limit: usize) -> Result<Pairs<T>, StorageError> {
        let mut pairs = Vec::new();
        let mut fault = None;
        self.store.scan(T::ID, start, end, Direction::Forward, &mut |key, value| {
            if pairs.len() >= limit {
                return ControlFlow::Break(());
            }
            let pair = decode_key::<T>(key)
                .and_then(|decoded| Ok((decoded, decode_value::<T>(key, &Bytes::copy_from_slice(value))?)));
            match pair {
                Ok(pair) => {
                    pairs.push(pair);
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    fault = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        fault.map_or(Ok(pairs), Err)
    }

    fn keys<T: Table>(&self, start: &[u8], end: Option<&[u8]>, limit: usize) -> Result<Vec<T::Key>, StorageError> {
        Ok(self.pairs::<T>(start, end, limit)?.into_iter().map(|(key, _)| key).collect())
    }

    /// Removes everything that an index by number names below `below`, in bounded batches.
    fn prune<T: Table<Key = (u64, B256)>>(
        &self,
        below: u64,
        mut remove: impl FnMut(&mut Batch, u64, B256) -> Result<(), StorageError>,
    ) -> Result<usize, StorageError> {
        let mut pruned = 0;
        loop {
            let keys = self.keys::<T>(&[], Some(&below.to_be_bytes()), PRUNE_BATCH)?;
            if keys.is_empty() {
                return Ok(pruned);
            }
            let mut batch = Batch::new();
            pruned += keys.len();
            for (number, hash) in keys {
                remove(&mut batch, number, hash)?;
            }
            self.store.write(batch, Durability::Buffered)?;
        }
    }
}
