//! Blocks taken back and blocks made at will.

use std::collections::BTreeMap;

use alloy_consensus::{Typed2718 as _, transaction::Recovered};
use alloy_eips::BlockNumHash;
use alloy_primitives::{Address, B256};
use execution::{RecoveredBlock, StateError};
use sequencer::pool::{AccountView, Head, Returned};
use serde::Serialize;
use storage::Durability;

use super::{ChainError, Devnet, LEAD_SLOTS_MAX, Production, account_view, is_lost, records::Records};
use crate::{
    beacon::slot,
    fees::{FeeOverride, NextFees},
};

/// Most blocks that one call makes.
pub const MINE_BLOCKS_MAX: u64 = LEAD_SLOTS_MAX;

/// EIP-4844's transaction type.
const BLOB_TRANSACTION: u8 = 3;

/// What a reorg did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reorg {
    /// The highest block that stayed.
    pub ancestor: BlockNumHash,
    /// Blocks that are gone, descending.
    pub removed: Vec<BlockNumHash>,
    /// Blocks that are there instead, ascending; one more than were removed.
    pub added: Vec<BlockNumHash>,
    /// Transactions of the removed blocks that went back to the pool.
    pub returned: Vec<B256>,
    /// Transactions of the removed blocks that are gone.
    pub dropped: Vec<B256>,
}

impl Devnet {
    /// Replaces the last `depth` blocks by `depth + 1` new ones: for the same slots, then for the next.
    ///
    /// With `drop` the transactions are gone as if never sent, their blobs with them; without it they return to the pool
    /// and so, as a rule, into the first of the new blocks. Subscribers hear of all of it as one change.
    pub(crate) fn reorg(&self, depth: u64, drop: bool) -> Result<Reorg, ChainError> {
        let mut production = self.production.lock();
        let head = self.chain.head();
        let finalised = self.chain.heads().finalised.number;
        let possible = head.number - finalised;
        if !(1..=possible).contains(&depth) {
            return Err(ChainError::ReorgDepth { depth, possible, finalised });
        }
        self.check_lead(slot(head.header()) + 1)?;

        // First: a crash between unwinding and building must not lead to the same blocks again.
        production.salt += 1;
        Records(&self.chain).set_salt(production.salt)?;
        let mut fees = production.overridden.split_off(&(head.number - depth + 1));
        Records(&self.chain).forget_fees(fees.keys().copied())?;

        let removed = self.chain.unwind(head.number - depth)?;
        let ancestor = self.chain.head().num_hash();
        let outcome = self.take_back(&removed, drop).and_then(|(returned, dropped)| {
            let slots: Vec<u64> = removed.iter().rev().map(|block| slot(block.header())).collect();
            let added = self.rebuild(&mut production, &slots, &mut fees);
            added.map(|added| (returned, dropped, added))
        });
        // Also after an error: the blocks are gone in any case.
        self.announce();
        let (returned, dropped, added) = outcome?;
        tracing::info!(target: "devnet", depth, drop, from = head.number, ancestor = ancestor.number, "reorg as asked");
        Ok(Reorg {
            ancestor,
            removed: removed.iter().map(RecoveredBlock::num_hash).collect(),
            added,
            returned,
            dropped,
        })
    }

    /// Makes `blocks` blocks now, each for the next slot there is; returns them in ascending order.
    pub(crate) fn mine(&self, blocks: u64) -> Result<Vec<BlockNumHash>, ChainError> {
        if blocks > MINE_BLOCKS_MAX {
            return Err(ChainError::TooManyBlocks { blocks });
        }
        let mut production = self.production.lock();
        let mut made = Vec::new();
        for _ in 0..blocks {
            let next = (slot(self.chain.head().header()) + 1).max(self.clock.slot());
            self.check_lead(next)?;
            let block = self.make_next(&mut production, next)?;
            self.announce();
            made.push(block);
        }
        Ok(made)
    }

    fn check_lead(&self, slot: u64) -> Result<(), ChainError> {
        let ahead = slot.saturating_sub(self.clock.slot());
        if ahead > LEAD_SLOTS_MAX { Err(ChainError::TooFarAhead { slot, ahead }) } else { Ok(()) }
    }

    fn rebuild(
        &self,
        production: &mut Production,
        slots: &[u64],
        fees: &mut BTreeMap<u64, FeeOverride>,
    ) -> Result<Vec<BlockNumHash>, ChainError> {
        let mut added = Vec::with_capacity(slots.len() + 1);
        for slot in slots {
            // Fees that were set for a height stay set for it: the reorg is about the transactions.
            let fees = fees.remove(&(self.chain.head().number + 1)).unwrap_or_default();
            added.push(self.make(production, *slot, fees)?);
        }
        added.push(self.make_next(production, slot(self.chain.head().header()) + 1)?);
        Ok(added)
    }

    /// Tells the pool of the state without the `removed` blocks (newest first) and gives their transactions back to it, or
    /// drops them. Returns the hashes of those given back and of those lost.
    fn take_back(&self, removed: &[RecoveredBlock], drop: bool) -> Result<(Vec<B256>, Vec<B256>), ChainError> {
        let mut transactions = Vec::new();
        let mut dropped = Vec::new();
        for block in removed.iter().rev() {
            for tx in block.transactions_recovered() {
                let tx: Recovered<execution::Transaction> = tx.cloned();
                let sidecar = if tx.ty() == BLOB_TRANSACTION { self.kept_sidecar(*tx.tx_hash())? } else { None };
                if drop || (tx.ty() == BLOB_TRANSACTION && sidecar.is_none()) {
                    dropped.push(*tx.tx_hash());
                } else {
                    transactions.push(Returned { tx, sidecar });
                }
            }
        }

        let head = self.chain.head();
        let now_ms = self.pool_ms();
        let mut pool = self.pool.lock();
        let state = self.chain.state_at_head();
        let senders: Vec<Address> =
            pool.senders().chain(transactions.iter().map(|returned| returned.tx.signer())).collect();
        let accounts = senders
            .into_iter()
            .map(|sender| Ok((sender, account_view(&*state, sender)?)))
            .collect::<Result<BTreeMap<Address, AccountView>, StateError>>()?;
        let base_fee = NextFees::after(head.header(), self.blob_params(head.timestamp)).base_fee;
        let gone = pool.on_head(Head {
            base_fee,
            included: Vec::new(),
            accounts: accounts.iter().map(|(sender, account)| (*sender, *account)).collect(),
            now_ms,
        });
        let mut returned: Vec<B256> = transactions.iter().map(|returned| *returned.tx.tx_hash()).collect();
        let refused = pool.reinsert(transactions, |sender| accounts.get(&sender).copied().unwrap_or_default(), now_ms);
        std::mem::drop(pool);
        for (hash, error) in refused.into_iter().filter(|(_, error)| is_lost(error)) {
            tracing::warn!(target: "devnet", %hash, %error, "a transaction of a removed block is lost");
            returned.retain(|returned| *returned != hash);
            dropped.push(hash);
        }
        let forgotten: Vec<B256> = dropped.iter().copied().chain(gone.into_iter().map(|gone| gone.tx.hash)).collect();
        self.chain.pool_update(&forgotten, &[], Durability::Buffered)?;
        Ok((returned, dropped))
    }
}
