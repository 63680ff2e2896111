//! Filling an empty store with block 0, however large its state, in batches of bounded size. The identity comes last: without it a store
//! is not yet one, and the next start begins again.
//! Must not know: how the state follows from an allocation.

use std::ops::ControlFlow;

use alloy_primitives::Bytes;
use chainspec::ChainSpec;
use execution::{Block, RecoveredBlock};

use super::{history, writer::put_block};
use crate::{
    Body, Durability, Kv, StorageError,
    kv::{Batch, Direction},
    schema::{self, Head, IdentityRecord, SCHEMA_VERSION, TableId},
};

/// Rows in one batch.
const BATCH_ROWS: usize = 16 << 10;
/// Above so many rows the tables are put in order at once, so that the first reads don't pay for it.
const SETTLE_ROWS: usize = 100_000;
/// RLP of a block access list without entries (EIP-7928).
const EMPTY_BAL: Bytes = Bytes::from_static(&[0xc0]);

/// Writes in batches that stay small.
struct Writer<'a> {
    store: &'a dyn Kv,
    batch: Batch,
    rows: usize,
}

impl Writer<'_> {
    fn each<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut put: impl FnMut(&mut Batch, T),
    ) -> Result<(), StorageError> {
        for item in items {
            put(&mut self.batch, item);
            self.rows += 1;
            if self.batch.len() >= BATCH_ROWS {
                self.store.write(std::mem::take(&mut self.batch), Durability::Buffered)?;
            }
        }
        Ok(())
    }
}

/// Fills a store that has no identity.
pub(super) fn write(store: &dyn Kv, spec: &ChainSpec) -> Result<(), StorageError> {
    let genesis = execution::genesis::genesis(spec).map_err(|error| StorageError::Genesis(error.to_string()))?;
    let mut writer = Writer { store, batch: Batch::new(), rows: 0 };
    // What an earlier start that was cut short has left, maybe of another chain.
    for table in TableId::ALL {
        writer.each(keys(store, *table)?, |batch, key| batch.delete_raw(*table, key))?;
    }
    writer.each(&genesis.changes.accounts, |batch, (key, change)| {
        history::put_account(batch, *key, change.after.as_ref());
    })?;
    writer.each(&genesis.changes.slots, |batch, (key, change)| history::put_slot(batch, *key, change.after))?;
    writer.each(&genesis.changes.nodes, |batch, change| {
        history::put_node(batch, change.place, change.after.as_ref());
    })?;
    writer.each(&genesis.diff.codes, |batch, (hash, code)| batch.put::<schema::Codes>(hash, code))?;
    let Writer { mut batch, rows, .. } = writer;

    let (header, hash) = genesis.header.split();
    let withdrawals = header.withdrawals_root.map(|_| Default::default());
    let bal = if header.block_access_list_hash.is_some() { EMPTY_BAL } else { Bytes::new() };
    let body = Body { transactions: Vec::new(), ommers: Vec::new(), withdrawals };
    let block = RecoveredBlock::new(Block { header, body }, Vec::new(), hash);
    put_block(&mut batch, &block, &bal);
    batch.put::<schema::Receipts>(&hash, &Vec::new());
    batch.put::<schema::Canonical>(&block.number, &hash);
    for head in [Head::Applied, Head::Landed, Head::Finalised] {
        batch.put::<schema::Heads>(&head, &block.num_hash());
    }
    let identity = IdentityRecord { version: SCHEMA_VERSION, chain_id: spec.chain_id, genesis: hash };
    batch.put::<schema::Identity>(&(), &identity);
    store.write(batch, Durability::Synced)?;
    if rows > SETTLE_ROWS { store.settle() } else { Ok(()) }
}

/// Keys in `table`. After a start that was cut short there are at most as many as genesis has rows.
fn keys(store: &dyn Kv, table: TableId) -> Result<Vec<Vec<u8>>, StorageError> {
    let mut keys = Vec::new();
    store.scan(table, &[], None, Direction::Forward, &mut |key, _| {
        keys.push(key.to_vec());
        ControlFlow::Continue(())
    })?;
    Ok(keys)
}
