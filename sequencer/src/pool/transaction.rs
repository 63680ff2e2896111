//! One transaction in the pool, with everything about it that is asked more than once.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_eips::{eip2718::Encodable2718, eip7594::BlobTransactionSidecarEip7594};
use alloy_primitives::{Address, B256, U256};
use execution::block::RecoveredTx;

/// A transaction in the pool. Shared by [`Arc`], since blocks, subscriptions and RPC answers hold it too.
#[derive(Debug)]
pub struct Pooled {
    /// The transaction and its sender.
    pub tx: RecoveredTx,
    /// The blobs of a type 3 transaction.
    pub sidecar: Option<Arc<BlobTransactionSidecarEip7594>>,
    /// Its hash.
    pub hash: B256,
    /// Bytes it holds in memory: the EIP-2718 encoding and the sidecar.
    pub bytes: usize,
    /// The most it can cost its sender: gas, blobs and value, wei.
    pub cost: U256,
    /// Place in the order of arrival.
    pub arrival: u64,
    /// When it came, milliseconds.
    pub added_ms: u64,
}

impl Pooled {
    pub(super) fn new(
        tx: RecoveredTx,
        sidecar: Option<Arc<BlobTransactionSidecarEip7594>>,
        arrival: u64,
        added_ms: u64,
    ) -> Self {
        let hash = *tx.tx_hash();
        let bytes = tx.encode_2718_len() + sidecar.as_ref().map_or(0, |sidecar| sidecar.size());
        let cost = max_cost(&tx);
        Self { tx, sidecar, hash, bytes, cost, arrival, added_ms }
    }

    /// Who signed it.
    pub fn sender(&self) -> Address {
        self.tx.signer()
    }

    /// Its nonce.
    pub fn nonce(&self) -> u64 {
        self.tx.nonce()
    }

    /// Whether it carries blobs.
    pub fn has_blobs(&self) -> bool {
        self.tx.blob_versioned_hashes().is_some()
    }

    /// Wei per gas that the proposer would get under `base_fee`; below zero when the transaction cannot be
    /// included at all. Bounded to what fits, which no real fee reaches.
    pub fn tip(&self, base_fee: u64) -> i128 {
        let max_fee = i128::try_from(self.tx.max_fee_per_gas()).unwrap_or(i128::MAX);
        // Legacy transactions have no tip field: all above the base fee is tip.
        let tip = self.tx.max_priority_fee_per_gas().map_or(i128::MAX, |tip| i128::try_from(tip).unwrap_or(i128::MAX));
        (max_fee - i128::from(base_fee)).min(tip)
    }

    /// Whether its price limits allow a block with these base fees.
    pub fn is_ready(&self, base_fee: u64, blob_base_fee: u128) -> bool {
        self.tx.max_fee_per_gas() >= u128::from(base_fee)
            && self.tx.max_fee_per_blob_gas().is_none_or(|fee| fee >= blob_base_fee)
    }

    /// Whether every fee of this one is at least `percent` above that of `old`.
    pub(super) fn outbids(&self, old: &Self, percent: u32) -> bool {
        let tip = |tx: &RecoveredTx| tx.max_priority_fee_per_gas().unwrap_or_else(|| tx.max_fee_per_gas());
        // Without a rise of the whole price a sender could churn the pool for nothing; a tip or blob fee of zero,
        // which no percentage raises, may stay.
        self.tx.max_fee_per_gas() > old.tx.max_fee_per_gas()
            && is_raised(old.tx.max_fee_per_gas(), self.tx.max_fee_per_gas(), percent)
            && is_raised(tip(&old.tx), tip(&self.tx), percent)
            // A blob transaction may be replaced by one without blobs, which then has no blob fee to raise.
            && match (old.tx.max_fee_per_blob_gas(), self.tx.max_fee_per_blob_gas()) {
                (Some(old), Some(new)) => is_raised(old, new, percent),
                (None, _) | (_, None) => true,
            }
    }
}

/// Whether `new >= old * (100 + percent) / 100`.
fn is_raised(old: u128, new: u128, percent: u32) -> bool {
    U256::from(new) * U256::from(100) >= U256::from(old) * U256::from(100 + u64::from(percent))
}

/// gas limit * max fee + blob gas * max blob fee + value; saturates, and so exceeds every balance.
fn max_cost(tx: &RecoveredTx) -> U256 {
    let gas = U256::from(tx.gas_limit()).saturating_mul(U256::from(tx.max_fee_per_gas()));
    let blob_gas = U256::from(tx.blob_gas_used().unwrap_or_default())
        .saturating_mul(U256::from(tx.max_fee_per_blob_gas().unwrap_or_default()));
    gas.saturating_add(blob_gas).saturating_add(tx.value())
}
