//! Fees at will. Base fee and excess blob gas of a block follow from its parent (EIP-1559, EIP-4844, EIP-7918), and the
//! block builder knows no exception. So an override shows the builder a parent whose fields lead to the wanted values;
//! everything else about it, its hash above all, is the real parent's. Such a block breaks the header rules for anyone who
//! checks them, which is why the chain keeps a list of these blocks. Pure.

use alloy_consensus::Header;
use alloy_eips::{eip1559::BaseFeeParams, eip7840::BlobParams};
use execution::block::SealedHeader;
use serde::{Deserialize, Serialize};

/// What a block has instead of what follows from its parent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FeeOverride {
    /// Base fee, wei per gas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_fee: Option<u64>,
    /// Excess blob gas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excess_blob_gas: Option<u64>,
}

/// Greatest excess blob gas that can be asked for: the blob base fee is about e^45 wei (35 ether) there, and the 128-bit
/// arithmetic of EIP-4844's exponential still holds.
pub const EXCESS_BLOB_GAS_MAX: u64 = 45 * 11_684_671;

impl FeeOverride {
    /// Whether it overrides nothing.
    pub const fn is_empty(&self) -> bool {
        self.base_fee.is_none() && self.excess_blob_gas.is_none()
    }
}

/// Base fee (wei per gas) and excess blob gas that the next block gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NextFees {
    pub(crate) base_fee: u64,
    pub(crate) excess_blob_gas: u64,
}

impl NextFees {
    /// What the rules say after `parent`.
    pub(crate) fn after(parent: &Header, blobs: BlobParams) -> Self {
        Self {
            base_fee: parent.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default(),
            excess_blob_gas: parent.next_block_excess_blob_gas(blobs).unwrap_or_default(),
        }
    }
}

/// The parent that a builder has to be shown for its block to have the fees of `wanted`.
///
/// An excess below a third of the blob target cannot be reached while the base fee is so high that EIP-7918 applies; it
/// becomes zero then. The blob base fee is 1 wei for both.
pub(crate) fn shown_parent(parent: &SealedHeader, blobs: BlobParams, wanted: FeeOverride) -> SealedHeader {
    if wanted.is_empty() {
        return parent.clone();
    }
    let next = NextFees::after(parent.header(), blobs);
    let base_fee = wanted.base_fee.unwrap_or(next.base_fee);
    let mut shown = parent.header().clone();
    // A block that used exactly its gas target leaves the base fee as it is.
    shown.base_fee_per_gas = Some(base_fee);
    shown.gas_used = shown.gas_limit / BaseFeeParams::ethereum().elasticity_multiplier as u64;
    let excess = wanted.excess_blob_gas.unwrap_or(next.excess_blob_gas);
    let (parent_excess, blob_gas_used) = leading_to(excess, base_fee, blobs);
    shown.excess_blob_gas = Some(parent_excess);
    shown.blob_gas_used = Some(blob_gas_used);
    SealedHeader::new(shown, parent.hash())
}

/// A parent's excess blob gas and blob gas used after which the next excess is `excess`.
fn leading_to(excess: u64, base_fee: u64, blobs: BlobParams) -> (u64, u64) {
    let target = blobs.target_blob_gas_per_block();
    // With EIP-7918 in force the excess grows by a share of the used gas, without it it shrinks by the target. Which of
    // the two holds depends on the parent's excess, so both are tried.
    let share = |used: u64| used * (blobs.max_blob_count - blobs.target_blob_count) / blobs.max_blob_count.max(1);
    let candidates = [(excess, target), (excess, 0), (excess.saturating_sub(share(target)), target)];
    candidates
        .into_iter()
        .find(|(parent, used)| blobs.next_block_excess_blob_gas_osaka(*parent, *used, base_fee) == excess)
        .unwrap_or((0, 0))
}

/// The least excess blob gas whose blob base fee is at least `wei`; `None` above [`EXCESS_BLOB_GAS_MAX`].
pub(crate) fn excess_for_blob_fee(wei: u128, blobs: BlobParams) -> Option<u64> {
    if blobs.calc_blob_fee(EXCESS_BLOB_GAS_MAX) < wei {
        return None;
    }
    let (mut low, mut high) = (0, EXCESS_BLOB_GAS_MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        if blobs.calc_blob_fee(middle) >= wei { high = middle } else { low = middle + 1 }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn blob_gas(blobs: u64) -> u64 {
        blobs * alloy_eips::eip4844::DATA_GAS_PER_BLOB
    }

    fn parent() -> SealedHeader {
        let header = Header {
            gas_limit: 200_000_000,
            gas_used: 190_000_001,
            base_fee_per_gas: Some(1_000_000_000),
            blob_gas_used: Some(blob_gas(3)),
            excess_blob_gas: Some(blob_gas(20)),
            ..Default::default()
        };
        SealedHeader::seal_slow(header)
    }

    #[test]
    fn the_next_block_has_exactly_the_wanted_fees() {
        let blobs = BlobParams::bpo2();
        for base_fee in [0, 1, 7, 1_000_000_000, 500_000_000_000, u64::from(u32::MAX) * 1_000] {
            for excess in [0, blob_gas(5), blob_gas(14), 50_000_000, 200_000_000, EXCESS_BLOB_GAS_MAX] {
                let wanted = FeeOverride { base_fee: Some(base_fee), excess_blob_gas: Some(excess) };
                let shown = shown_parent(&parent(), blobs, wanted);
                assert_eq!(NextFees::after(shown.header(), blobs), NextFees { base_fee, excess_blob_gas: excess });
                assert_eq!(shown.hash(), parent().hash());
            }
        }
    }

    #[test]
    fn what_is_not_overridden_stays_as_the_rules_say() {
        let blobs = BlobParams::bpo2();
        let rules = NextFees::after(parent().header(), blobs);
        assert_eq!(shown_parent(&parent(), blobs, FeeOverride::default()), parent());
        let only_base = FeeOverride { base_fee: Some(5), excess_blob_gas: None };
        let shown = shown_parent(&parent(), blobs, only_base);
        assert_eq!(NextFees::after(shown.header(), blobs), NextFees { base_fee: 5, ..rules });
        let only_excess = FeeOverride { base_fee: None, excess_blob_gas: Some(blob_gas(100)) };
        let shown = shown_parent(&parent(), blobs, only_excess);
        assert_eq!(NextFees::after(shown.header(), blobs), NextFees { excess_blob_gas: blob_gas(100), ..rules });
    }

    #[test]
    fn a_blob_fee_is_turned_into_the_least_excess_that_reaches_it() {
        let blobs = BlobParams::bpo2();
        assert_eq!(excess_for_blob_fee(1, blobs), Some(0));
        for wei in [2, 1_000, 1_000_000_000, 1_000_000_000_000] {
            let excess = excess_for_blob_fee(wei, blobs).unwrap();
            assert!(blobs.calc_blob_fee(excess) >= wei && blobs.calc_blob_fee(excess - 1) < wei);
        }
        assert_eq!(excess_for_blob_fee(u128::MAX, blobs), None);
    }
}
