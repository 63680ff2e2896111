//! Making blocks: one at a time, from the pool, for a slot.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::Transaction as _;
use alloy_eips::{BlockNumHash, eip4844::Blob};
use alloy_primitives::{B256, Bytes, keccak256};
use execution::{Attributes, Building, Executed, block::SealedHeader, executor::Verdict};
use sequencer::pool::{Departure, Head, Pooled};
use storage::{Durability, StorageError};

use super::{ChainError, Devnet, Production, account_view, records::Records};
use crate::{
    beacon::{beacon_root, slot},
    control::AtSlot,
    fees::{self, FeeOverride, NextFees},
    validators,
};

/// `extra_data` of every block.
const EXTRA_DATA: &[u8] = b"basalt devnet";

/// The least gas that any transaction uses.
const TRANSACTION_GAS_MIN: u64 = 21_000;

/// A sealed block, and what was found out about transactions that are not in it.
pub(super) struct Made {
    pub(super) executed: Executed,
    /// Can never be included.
    pub(super) invalid: Vec<B256>,
}

impl Devnet {
    /// A slot has begun: makes its block, unless a control says no or the head is there already.
    pub(crate) fn on_slot(&self, now_slot: u64) -> Result<Option<BlockNumHash>, ChainError> {
        let mut production = self.production.lock();
        let head_slot = slot(self.chain.head().header());
        if head_slot >= now_slot {
            tracing::debug!(target: "devnet", slot = now_slot, head_slot, "the head is ahead of time, no block");
            return Ok(None);
        }
        let at_slot = self.control.lock().at_slot();
        match at_slot {
            AtSlot::Build => {
                let block = self.make_next(&mut production, now_slot)?;
                self.announce();
                Ok(Some(block))
            }
            AtSlot::Stopped => {
                tracing::debug!(target: "devnet", slot = now_slot, "stopped, no block");
                Ok(None)
            }
            AtSlot::Skipped => {
                tracing::info!(target: "devnet", slot = now_slot, "slot skipped as asked");
                Ok(None)
            }
        }
    }

    /// Builds and adopts a block for `slot` with the fees that are set, if any; the caller announces it.
    pub(super) fn make_next(&self, production: &mut Production, slot: u64) -> Result<BlockNumHash, ChainError> {
        let fees = self.control.lock().next_fees();
        let block = self.make(production, slot, fees)?;
        self.control.lock().fees_used();
        Ok(block)
    }

    /// Builds and adopts a block for `slot`; the caller announces it.
    pub(super) fn make(
        &self,
        production: &mut Production,
        slot: u64,
        fees: FeeOverride,
    ) -> Result<BlockNumHash, ChainError> {
        let made = self.build(production.salt, slot, fees)?;
        self.adopt(production, made, fees)
    }

    fn build(&self, salt: u64, slot: u64, fees: FeeOverride) -> Result<Made, ChainError> {
        let parent = self.chain.head();
        let state = self.chain.state_at_head();
        let timestamp = self.clock.slots.timestamp(slot);
        let blobs = self.blob_params(timestamp);
        let shown = fees::shown_parent(&parent, blobs, fees);
        let next = NextFees::after(shown.header(), blobs);
        let candidates: Vec<Arc<Pooled>> = {
            let pool = self.pool.lock();
            pool.best(next.base_fee, blobs.calc_blob_fee(next.excess_blob_gas)).cloned().collect()
        };

        let mut building = Building::start(&self.spec, &shown, self.attributes(&parent, salt, slot), &*state)?;
        let deadline = Instant::now() + Duration::from_millis(self.config.slot_ms / 2);
        let mut passed_over = BTreeSet::new();
        let mut invalid = Vec::new();
        for tx in candidates {
            if building.gas_left() < TRANSACTION_GAS_MIN || Instant::now() > deadline {
                break;
            }
            if passed_over.contains(&tx.sender()) {
                continue;
            }
            let Err(refused) = building.push(&tx.tx) else { continue };
            match refused.verdict() {
                Verdict::Later => tracing::debug!(target: "devnet", hash = %tx.hash, %refused, "not in this block"),
                Verdict::Never => {
                    tracing::warn!(target: "devnet", hash = %tx.hash, %refused, "dropped from the pool");
                    invalid.push(tx.hash);
                }
                // Not the transaction's fault, and the block would be as wrong without it.
                Verdict::Broken => {
                    return Err(execution::executor::ExecutionError::Evm(refused.to_string()).into());
                }
            }
            passed_over.insert(tx.sender());
        }
        Ok(Made { executed: building.seal()?, invalid })
    }

    fn attributes(&self, parent: &SealedHeader, salt: u64, slot: u64) -> Attributes {
        let mut randao = b"basalt.devnet.randao.".to_vec();
        randao.extend(parent.hash());
        randao.extend(slot.to_be_bytes());
        randao.extend(salt.to_be_bytes());
        Attributes {
            timestamp: self.clock.slots.timestamp(slot),
            fee_recipient: validators::proposer(slot).fee_recipient,
            prev_randao: keccak256(randao),
            gas_limit: self.config.gas_limit,
            parent_beacon_block_root: beacon_root(parent),
            extra_data: Bytes::from_static(EXTRA_DATA),
            slot_number: slot,
        }
    }

    /// Stores a block as the new head and lets pool and heads follow.
    fn adopt(&self, production: &mut Production, made: Made, fees: FeeOverride) -> Result<BlockNumHash, ChainError> {
        let Made { executed, invalid } = made;
        let block = executed.block.num_hash();
        let hashes: Vec<B256> = executed.block.body().transactions.iter().map(|tx| *tx.tx_hash()).collect();

        // Blobs and fee records first: whoever sees the block must find them.
        let blobs = self.blobs_of(&hashes);
        if !blobs.is_empty() {
            self.chain.put_blobs(block.number, &blobs, Durability::Buffered)?;
        }
        if !fees.is_empty() {
            Records(&self.chain).set_fees(block.number, fees)?;
            production.overridden.insert(block.number, fees);
        }
        self.chain.append(&executed)?;

        self.pool_follows(&executed, &hashes, &invalid)?;
        self.advance_heads()?;
        self.chain.prune_blobs(block.number.saturating_sub(self.config.blob_retention))?;
        tracing::info!(
            target: "devnet",
            number = block.number,
            hash = %block.hash,
            slot = slot(executed.block.header()),
            transactions = hashes.len(),
            blobs = blobs.len(),
            gas_used = executed.block.gas_used,
            base_fee_wei = executed.block.base_fee_per_gas,
            "block"
        );
        Ok(block)
    }

    /// Blobs of pool transactions by versioned hash.
    fn blobs_of(&self, transactions: &[B256]) -> Vec<(B256, Box<Blob>)> {
        let pool = self.pool.lock();
        let mut blobs = Vec::new();
        for tx in transactions.iter().filter_map(|hash| pool.by_hash(hash)) {
            let hashes = tx.tx.blob_versioned_hashes().unwrap_or_default();
            let sidecar = tx.sidecar.iter().flat_map(|sidecar| &sidecar.blobs);
            blobs.extend(hashes.iter().zip(sidecar).map(|(hash, blob)| (*hash, Box::new(*blob))));
        }
        blobs
    }

    fn pool_follows(&self, executed: &Executed, included: &[B256], invalid: &[B256]) -> Result<(), ChainError> {
        let next = NextFees::after(executed.block.header(), self.blob_params(executed.block.timestamp));
        let now_ms = self.pool_ms();
        let mut pool = self.pool.lock();
        // Read under the lock, as everyone does who tells the pool of an account: what it hears last is the newest.
        let state = self.chain.state_at_head();
        let changed: Vec<_> = executed.diff.accounts.keys().filter(|address| pool.knows(**address)).collect();
        let accounts = changed
            .into_iter()
            .map(|address| Ok((*address, account_view(&*state, *address)?)))
            .collect::<Result<_, ChainError>>()?;
        let removed = pool.on_head(Head { base_fee: next.base_fee, included: included.to_vec(), accounts, now_ms });
        let invalid = invalid.iter().filter_map(|hash| pool.remove(hash, now_ms));
        // Those that were included are kept until their block is final: a reorg may want them back, with their blobs.
        let gone: Vec<B256> = removed
            .into_iter()
            .filter(|gone| gone.why != Departure::Included)
            .chain(invalid)
            .map(|gone| gone.tx.hash)
            .collect();
        drop(pool);
        self.forget_transactions(&gone)
    }

    /// Moves the safe and the final head to where the head's slot puts them, and forgets what a reorg can no longer want back.
    pub(super) fn advance_heads(&self) -> Result<(), ChainError> {
        let head_slot = slot(self.chain.head().header());
        let heads = self.chain.heads();
        let finalised = self.walk(heads.finalised, head_slot, self.config.finality_slots)?;
        let safe = if heads.landed.number < finalised.number { finalised } else { heads.landed };
        let safe = self.walk(safe, head_slot, self.config.safe_slots)?;
        if (safe, finalised) == (heads.landed, heads.finalised) {
            return Ok(());
        }
        self.chain.put_heads(safe, finalised)?;
        for number in heads.finalised.number + 1..=finalised.number {
            let Some(body) = self.chain.body(number)? else { continue };
            let hashes: Vec<B256> = body.transactions.iter().map(|tx| *tx.tx_hash()).collect();
            self.forget_transactions(&hashes)?;
        }
        self.chain.prune_side_blocks(finalised.number + 1)?;
        Ok(())
    }

    /// The highest canonical block from `from` on that is at least `lag` slots below `head_slot`.
    fn walk(&self, from: BlockNumHash, head_slot: u64, lag: u64) -> Result<BlockNumHash, StorageError> {
        let mut at = from;
        while let Some(header) = self.chain.header(at.number + 1)? {
            if slot(header.header()).saturating_add(lag) > head_slot {
                break;
            }
            at = header.num_hash();
        }
        Ok(at)
    }

    fn forget_transactions(&self, hashes: &[B256]) -> Result<(), ChainError> {
        if !hashes.is_empty() {
            self.chain.pool_update(hashes, &[], Durability::Buffered)?;
        }
        Ok(())
    }
}
