//! The anchor: what an L2 block knows of L1, in one hash (SPEC "Origin and anchor").
//!
//! The hash stands in the block's `parent_beacon_block_root`; EIP-4788 keeps it on L2 by timestamp and the Messenger
//! opens it. This module must not know which origins are allowed: Hub and the builder judge that.

use crate::message::InboxChain;
use alloy_primitives::{B256, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// Domain of an anchor, the first field of its encoding.
pub const ANCHOR_DOMAIN: &str = "basalt.anchor.v1";

/// Farthest an origin may lie behind the L1 block that includes the landing, in L1 blocks (`OriginTooOld` beyond).
pub const MAX_ORIGIN_LAG: u64 = 64;

/// The L1 view that a block commits to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Anchor {
    /// EIP-155 id of the rollup.
    pub chain_id: u64,
    /// Number of the L1 origin block.
    pub origin_number: u64,
    /// Hash of the L1 origin block, as EIP-2935 on L1 confirms it.
    pub origin_hash: B256,
    /// How many messages of the rollup's inbox the block may consume.
    pub inbox_count: u64,
    /// Rolling hash of the inbox at `inbox_count`.
    pub inbox_hash: B256,
}

impl Anchor {
    /// `keccak256(abi.encode("basalt.anchor.v1", chainId, originNumber, originHash, inboxCount, inboxHash))`.
    pub fn hash(&self) -> B256 {
        keccak256(
            (ANCHOR_DOMAIN, self.chain_id, self.origin_number, self.origin_hash, self.inbox_count, self.inbox_hash)
                .abi_encode_params(),
        )
    }

    /// The inbox point that this anchor names.
    pub const fn inbox(&self) -> InboxChain {
        InboxChain { count: self.inbox_count, hash: self.inbox_hash }
    }
}

/// The `prev_randao` of L2 block `number` with this origin: `keccak256(origin hash ‖ number as u64 big-endian)`, 40 bytes
/// packed. Several blocks may share an origin, hence the number.
pub fn prev_randao(origin_hash: B256, number: u64) -> B256 {
    let mut preimage = [0u8; 40];
    preimage[..32].copy_from_slice(origin_hash.as_slice());
    preimage[32..].copy_from_slice(&number.to_be_bytes());
    keccak256(preimage)
}
