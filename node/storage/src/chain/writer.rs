//! Changing the chain: genesis, append, unwind, heads. Each is one atomic batch (unwind: one a block).
//! Must not know: how a block was executed, or why it goes.

use std::sync::Arc;

use alloy_eips::BlockNumHash;
use alloy_primitives::Bytes;
use execution::{Executed, RecoveredBlock, trie::StateTree};

use super::{Chain, Inner, Now, header_by_hash, history, messages, outbox};
use crate::{
    Durability, StorageError, TxPosition,
    kv::Batch,
    schema::{self, Head, Read},
};

/// Most old states that one append forgets, and most rows of history after which it stops: an append costs a bounded amount more, and catches up
/// when the window has become shorter.
pub(super) const FORGET_STATES: u64 = 4;
const FORGET_ROWS: usize = 16 << 10;

impl Chain {
    /// Makes `executed` the new head: block, receipts, indices, state, codes and history become visible together,
    /// and have survived a power loss when this returns. States that have left the window are forgotten in the same batch.
    ///
    /// # Errors
    /// `DoesNotExtend` unless the block is a child of the head; `Io` when the disk refuses, in which case nothing has changed.
    pub fn append(&self, executed: &Executed) -> Result<(), StorageError> {
        self.append_with(executed, Durability::Synced)
    }

    /// As [`Self::append`]. `Buffered` is for blocks that can be had again (syncing from L1): power loss may take the last of them, in order.
    pub fn append_with(&self, executed: &Executed, durability: Durability) -> Result<(), StorageError> {
        let inner = &*self.inner;
        let _writer = inner.writer.lock();
        let now = inner.now.read().clone();
        let block = &executed.block;
        let head = now.head.num_hash();
        if block.parent_hash != head.hash || Some(block.number) != head.number.checked_add(1) {
            return Err(StorageError::DoesNotExtend { number: block.number, parent: block.parent_hash, head });
        }

        let BlockNumHash { number, hash } = block.num_hash();
        let mut batch = Batch::new();
        put_block(&mut batch, block, &executed.bal);
        batch.put::<schema::Receipts>(&hash, &executed.receipts);
        batch.delete::<schema::SideBlocks>(&(number, hash));
        batch.put::<schema::Canonical>(&number, &hash);
        for (index, transaction) in (0u32..).zip(&block.body().transactions) {
            batch.put::<schema::Transactions>(transaction.tx_hash(), &TxPosition { number, index });
        }
        history::advance(&mut batch, number, &executed.changes);
        if inner.spec.is_rollup() {
            messages::advance(&*now.rows, &mut batch, number, &executed.receipts)?;
        }
        for (hash, code) in &executed.diff.codes {
            batch.put::<schema::Codes>(hash, code);
        }
        batch.put::<schema::Heads>(&Head::Applied, &block.num_hash());
        let oldest = inner.forget_states(&mut batch, &now, number)?;
        let tree = executed.tree.trimmed(inner.limits.tree_nodes);
        inner.publish(batch, durability, Now { head: Arc::new(block.clone_sealed_header()), oldest, tree, ..now })
    }

    /// Takes blocks back until `to` is the head, and returns them, newest first. They stay readable by [`Self::side_block`], so that they
    /// can be landed again. Landings above `to` are forgotten, and a landed head above `to` moves to `to`.
    /// Each block goes in one batch; when this returns, all of it has survived a power loss.
    ///
    /// # Errors
    /// `UnwindAboveHead`, `UnwindBelowFinalised`, `StateForgotten`: nothing has changed. `Corrupt`, `Io`: the head stands where the fault was met.
    pub fn unwind(&self, to: u64) -> Result<Vec<RecoveredBlock>, StorageError> {
        let inner = &*self.inner;
        let _writer = inner.writer.lock();
        let start = inner.now.read().clone();
        if to > start.head.number {
            return Err(StorageError::UnwindAboveHead { to, head: start.head.number });
        }
        if to < start.finalised.number {
            return Err(StorageError::UnwindBelowFinalised { to, finalised: start.finalised.number });
        }
        if to < start.oldest {
            return Err(StorageError::StateForgotten { number: to, oldest: start.oldest });
        }
        let mut removed = Vec::new();
        for number in (to + 1..=start.head.number).rev() {
            // The log is synced with the last batch, and with it all before.
            let durability = if number == to + 1 { Durability::Synced } else { Durability::Buffered };
            removed.push(inner.unwind_head(durability)?);
        }
        Ok(removed)
    }

    /// Sets the landed and the finalised head; synced when the finalised one moves. Power loss may take a move of the landed head alone, which L1
    /// tells again.
    ///
    /// # Errors
    /// `HeadsOutOfOrder` unless `finalised <= landed <= head`; `NotCanonical` when one is not on this chain.
    pub fn put_heads(&self, landed: BlockNumHash, finalised: BlockNumHash) -> Result<(), StorageError> {
        let inner = &*self.inner;
        let _writer = inner.writer.lock();
        let moves = inner.now.read().finalised != finalised;
        inner.put_heads(Batch::new(), landed, finalised, if moves { Durability::Synced } else { Durability::Buffered })
    }
}

impl Inner {
    /// Writes a batch that changes state and head, and shows it to readers. The writer lock is held.
    fn publish(&self, batch: Batch, durability: Durability, next: Now) -> Result<(), StorageError> {
        self.store.write(batch, durability)?;
        let rows = self.store.snapshot();
        *self.now.write() = Now { rows, ..next };
        Ok(())
    }

    /// Adds to a batch that makes `head` the head what forgets states below the window, and returns the oldest one that is left.
    fn forget_states(&self, batch: &mut Batch, now: &Now, head: u64) -> Result<u64, StorageError> {
        let wanted = self.limits.history.oldest(head, now.finalised.number);
        let (mut oldest, mut rows) = (now.oldest, 0);
        while oldest < wanted.min(now.oldest + FORGET_STATES) && rows < FORGET_ROWS {
            let undo = now.rows.must_read::<schema::Undo>(&(oldest + 1))?;
            outbox::keep(batch, &self.spec, now, oldest, &undo)?;
            history::forget(batch, oldest + 1, &undo);
            rows += undo.rows();
            oldest += 1;
        }
        Ok(oldest)
    }

    /// Removes the head block. The writer lock is held.
    fn unwind_head(&self, durability: Durability) -> Result<RecoveredBlock, StorageError> {
        let store = &*self.store;
        let now = self.now.read().clone();
        let block = self.block_of((*now.head).clone())?;
        let BlockNumHash { number, hash } = block.num_hash();
        let parent = header_by_hash(store, block.parent_hash)?;

        let mut batch = Batch::new();
        for transaction in &block.body().transactions {
            batch.delete::<schema::Transactions>(transaction.tx_hash());
        }
        batch.delete::<schema::Canonical>(&number);
        batch.delete::<schema::Landings>(&number);
        batch.put::<schema::SideBlocks>(&(number, hash), &());
        if self.spec.is_rollup() {
            messages::go_back(store, &mut batch, number, &store.must_read::<schema::Receipts>(&hash)?)?;
        }
        history::go_back(store, &mut batch, number, parent.state_root)?;
        batch.put::<schema::Heads>(&Head::Applied, &parent.num_hash());
        let landed = if now.landed.number >= number { parent.num_hash() } else { now.landed };
        batch.put::<schema::Heads>(&Head::Landed, &landed);
        let tree = StateTree::new(parent.state_root);
        self.publish(batch, durability, Now { head: Arc::new(parent), landed, tree, ..now })?;
        Ok(block)
    }

    /// Writes `batch` together with the two heads. The writer lock is held.
    pub(super) fn put_heads(
        &self,
        mut batch: Batch,
        landed: BlockNumHash,
        finalised: BlockNumHash,
        durability: Durability,
    ) -> Result<(), StorageError> {
        let head = self.now.read().head.number;
        if finalised.number > landed.number || landed.number > head {
            return Err(StorageError::HeadsOutOfOrder { finalised: finalised.number, landed: landed.number, head });
        }
        for BlockNumHash { number, hash } in [landed, finalised] {
            if self.store.read::<schema::Canonical>(&number)? != Some(hash) {
                return Err(StorageError::NotCanonical { number, hash });
            }
        }
        batch.put::<schema::Heads>(&Head::Landed, &landed);
        batch.put::<schema::Heads>(&Head::Finalised, &finalised);
        self.store.write(batch, durability)?;
        let mut now = self.now.write();
        (now.landed, now.finalised) = (landed, finalised);
        Ok(())
    }
}

/// The records of a block that do not depend on executing it.
pub(super) fn put_block(batch: &mut Batch, block: &RecoveredBlock, bal: &Bytes) {
    let hash = block.hash();
    batch.put::<schema::Headers>(&hash, block.header());
    batch.put::<schema::Bodies>(&hash, block.body());
    batch.put::<schema::Senders>(&hash, &block.senders().to_vec());
    batch.put::<schema::Bals>(&hash, bal);
}
