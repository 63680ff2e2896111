//! A full check of the store against itself: every record decodes, the chain links up, indices and heads agree, and the state and its history
//! are whole (`state`). Takes time in proportion to the store; writers wait meanwhile.
//! Must not know: how to mend anything.

mod state;

use std::ops::ControlFlow;

use alloy_eips::BlockNumHash;
use alloy_primitives::Bytes;

use super::{Chain, header_by_hash, messages};
use crate::{
    Key, StorageError,
    kv::{Direction, Rows, after_prefix},
    schema::{self, Head, Read, Table, TableId},
};

/// What a check has gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checked {
    /// Canonical blocks, genesis included.
    pub blocks: u64,
    /// Their transactions.
    pub transactions: u64,
    /// Accounts at the head.
    pub accounts: u64,
    /// Storage slots at the head.
    pub slots: u64,
    /// Branches and extensions at the head.
    pub nodes: u64,
    /// Old states that can be read.
    pub old_states: u64,
}

impl Chain {
    /// Checks everything.
    ///
    /// # Errors
    /// `Corrupt` names the first contradiction; `Io` when reading failed.
    pub fn check(&self) -> Result<Checked, StorageError> {
        let _writer = self.inner.writer.lock();
        for table in TableId::ALL {
            each(&*self.inner.store, *table, &[], |key, value| table.check(key, value))?;
        }
        let mut checked = self.check_blocks()?;
        self.check_heads()?;
        let now = self.inner.now.read().clone();
        state::check_head(&now.at_head(), &mut checked)?;
        state::check_history(&now, &mut checked)?;
        Ok(checked)
    }

    fn check_blocks(&self) -> Result<Checked, StorageError> {
        let store = &*self.inner.store;
        let genesis = self.inner.spec.genesis_header().number;
        let mut checked = Checked::default();
        let (mut sent, mut relayed) = (0, 0);
        let mut hash = self.head().hash();
        for number in (genesis..=self.head().number).rev() {
            if self.canonical_hash(number)? != Some(hash) {
                return Err(corrupt::<schema::Canonical>(&number, format!("the head descends from {hash}")));
            }
            let header = header_by_hash(store, hash)?;
            let parent = header.parent_hash;
            if header.number != number {
                return Err(corrupt::<schema::Headers>(&hash, format!("number {}, expected {number}", header.number)));
            }
            let block = self.inner.block_of(header)?;
            let transactions = &block.body().transactions;
            for (index, transaction) in transactions.iter().enumerate() {
                let found = store.read::<schema::Transactions>(transaction.tx_hash())?;
                if found.map(|position| (position.number, position.index as usize)) != Some((number, index)) {
                    let reason = format!("{found:?}, but it is in block {number} at {index}");
                    return Err(corrupt::<schema::Transactions>(transaction.tx_hash(), reason));
                }
            }
            let receipts = store.must_read::<schema::Receipts>(&hash)?;
            if receipts.len() != transactions.len() {
                return Err(corrupt::<schema::Receipts>(
                    &hash,
                    format!("block has {} transactions", transactions.len()),
                ));
            }
            if self.inner.spec.is_rollup() {
                let (out, into) = messages::check(store, number, &receipts)?;
                (sent, relayed) = (sent + out, relayed + into);
            }
            self.inner.bal_of(BlockNumHash { number, hash })?;
            if store.read::<schema::SideBlocks>(&(number, hash))?.is_some() {
                return Err(corrupt::<schema::SideBlocks>(&(number, hash), "a canonical block".into()));
            }
            checked.blocks += 1;
            checked.transactions += transactions.len() as u64;
            hash = parent;
        }
        count::<schema::Canonical>(store, checked.blocks)?;
        count::<schema::Transactions>(store, checked.transactions)?;
        count::<schema::OutboxMessages>(store, sent)?;
        count::<schema::OutboxNodes>(store, messages::complete_nodes(sent))?;
        count::<schema::InboxMessages>(store, relayed)?;
        messages::check_tree(store, sent)?;
        Ok(checked)
    }

    fn check_heads(&self) -> Result<(), StorageError> {
        let heads = self.heads();
        for (head, here) in
            [(Head::Applied, heads.applied), (Head::Landed, heads.landed), (Head::Finalised, heads.finalised)]
        {
            let stored = self.inner.store.must_read::<schema::Heads>(&head)?;
            if stored != here {
                return Err(corrupt::<schema::Heads>(&head, format!("{stored:?} on disk, {here:?} in memory")));
            }
            if self.canonical_hash(here.number)? != Some(here.hash) {
                return Err(corrupt::<schema::Heads>(&head, format!("{here:?} is not canonical")));
            }
        }
        if heads.finalised.number > heads.landed.number || heads.landed.number > heads.applied.number {
            return Err(corrupt::<schema::Heads>(&Head::Landed, format!("{heads:?} are out of order")));
        }
        Ok(())
    }
}

fn count<T: Table>(rows: &dyn Rows, expected: u64) -> Result<(), StorageError> {
    let mut found = 0u64;
    let mut last = Vec::new();
    each(rows, T::ID, &[], |key, _| {
        found += 1;
        last = key.to_vec();
        Ok(())
    })?;
    if found == expected {
        return Ok(());
    }
    let reason = format!("{found} records up to this one, expected {expected}");
    Err(StorageError::Corrupt { table: T::ID.name(), key: last.into(), reason })
}

/// Visits the pairs whose keys begin with `prefix`, ascending.
fn each(
    rows: &dyn Rows,
    table: TableId,
    prefix: &[u8],
    mut visit: impl FnMut(&[u8], &Bytes) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let mut result = Ok(());
    rows.scan(table, prefix, after_prefix(prefix).as_deref(), Direction::Forward, &mut |key, value| {
        result = visit(key, &Bytes::copy_from_slice(value));
        if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    result
}

fn corrupt<T: Table>(key: &T::Key, reason: String) -> StorageError {
    StorageError::Corrupt { table: T::ID.name(), key: key.encode().into(), reason }
}
