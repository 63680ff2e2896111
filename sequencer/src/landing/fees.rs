//! What an L1 blob transaction offers to pay, and how that grows.
//!
//! Public pools replace a blob transaction only by one that offers twice as much in *every* fee field
//! (notes of go-ethereum's and reth's blob pools), so each replacement doubles all three.

use serde::{Deserialize, Serialize};

/// Fee fields of a type 3 transaction, wei per gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fees {
    /// `maxFeePerGas`.
    pub max_fee: u128,
    /// `maxPriorityFeePerGas`, not above `max_fee`.
    pub tip: u128,
    /// `maxFeePerBlobGas`.
    pub max_blob_fee: u128,
}

/// What L1 charges in its next block, wei per gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Market {
    /// Base fee.
    pub base_fee: u128,
    /// Blob base fee.
    pub blob_base_fee: u128,
}

/// How fees are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Multiple of the base fee offered at first: 2 outlasts six full L1 blocks.
    pub base_fee_factor: u32,
    /// Multiple of the blob base fee offered at first.
    pub blob_fee_factor: u32,
    /// Tip offered at first, wei per gas.
    pub tip: u128,
    /// L1 blocks without inclusion before the fees are doubled, at least 1.
    pub patience: u64,
    /// What is never exceeded; reaching it raises an alarm.
    pub cap: Fees,
}

impl Default for Policy {
    fn default() -> Self {
        const GWEI: u128 = 1_000_000_000;
        Self {
            base_fee_factor: 2,
            blob_fee_factor: 2,
            tip: GWEI,
            patience: 3,
            cap: Fees { max_fee: 1_000 * GWEI, tip: 128 * GWEI, max_blob_fee: 1_000 * GWEI },
        }
    }
}

impl Policy {
    /// Fees of a first attempt in this market.
    pub fn opening(&self, market: &Market) -> Fees {
        let base = market.base_fee.saturating_mul(u128::from(self.base_fee_factor));
        // No pool takes a zero, and one wei is EIP-4844's least blob fee.
        let blob = market.blob_base_fee.saturating_mul(u128::from(self.blob_fee_factor)).max(1);
        let tip = self.tip.max(1);
        Fees { max_fee: base.saturating_add(tip), tip, max_blob_fee: blob }
    }
}

impl Fees {
    /// The least fees that pools accept in place of these.
    pub const fn replacement(&self) -> Self {
        Self {
            max_fee: self.max_fee.saturating_mul(2),
            tip: self.tip.saturating_mul(2),
            max_blob_fee: self.max_blob_fee.saturating_mul(2),
        }
    }

    /// The larger of each field.
    pub fn max(self, other: Self) -> Self {
        Self {
            max_fee: self.max_fee.max(other.max_fee),
            tip: self.tip.max(other.tip),
            max_blob_fee: self.max_blob_fee.max(other.max_blob_fee),
        }
    }

    /// The smaller of each field.
    pub fn min(self, other: Self) -> Self {
        Self {
            max_fee: self.max_fee.min(other.max_fee),
            tip: self.tip.min(other.tip),
            max_blob_fee: self.max_blob_fee.min(other.max_blob_fee),
        }
    }

    /// Whether no field is above that of `cap`.
    pub const fn is_within(&self, cap: &Self) -> bool {
        self.max_fee <= cap.max_fee && self.tip <= cap.tip && self.max_blob_fee <= cap.max_blob_fee
    }
}
