//! The beacon block of an execution block. There is no consensus client, so a beacon block is a pure function of the
//! execution header: its slot, its proposer, its parent's root (that is what EIP-4788 stored), and the state root and the
//! block hash in the place of the roots of a beacon state and body. Nothing of it has to be stored.

use alloy_consensus::Header;
use alloy_primitives::B256;
use alloy_rpc_types_beacon::header::BeaconBlockHeader;
use execution::block::SealedHeader;
use sha2::{Digest, Sha256};

use crate::validators;

/// The beacon block header.
pub fn beacon_header(header: &SealedHeader) -> BeaconBlockHeader {
    let slot = slot(header.header());
    BeaconBlockHeader {
        slot,
        proposer_index: validators::proposer(slot).index,
        parent_root: header.parent_beacon_block_root.unwrap_or_default(),
        state_root: header.state_root,
        body_root: header.hash(),
    }
}

/// Root of the beacon block: what the next block's `parent_beacon_block_root` is.
pub fn beacon_root(header: &SealedHeader) -> B256 {
    hash_tree_root(&beacon_header(header))
}

/// The slot of a block (EIP-7843).
pub fn slot(header: &Header) -> u64 {
    header.slot_number.unwrap_or_default()
}

/// SSZ `hash_tree_root` of a `BeaconBlockHeader`: five leaves, padded to eight.
fn hash_tree_root(header: &BeaconBlockHeader) -> B256 {
    let number = |number: u64| {
        let mut leaf = B256::ZERO;
        leaf[..8].copy_from_slice(&number.to_le_bytes());
        leaf
    };
    let mut layer = vec![
        number(header.slot),
        number(header.proposer_index),
        header.parent_root,
        header.state_root,
        header.body_root,
        B256::ZERO,
        B256::ZERO,
        B256::ZERO,
    ];
    while layer.len() > 1 {
        layer = layer
            .chunks(2)
            .map(|pair| Sha256::new().chain_update(pair[0]).chain_update(pair[1]))
            .map(|hash| B256::from_slice(&hash.finalize()))
            .collect();
    }
    layer[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::b256;

    #[test]
    fn the_root_is_the_one_of_the_consensus_specification() {
        // The empty header's root: the sha256 tree of eight zero leaves.
        let empty = BeaconBlockHeader::default();
        let root = b256!("0xc78009fdf07fc56a11f122370658a353aaa542ed63e44c4bc15ff4cd105ab33c");
        assert_eq!(hash_tree_root(&empty), root);
    }

    #[test]
    fn every_field_counts() {
        let base = SealedHeader::seal_slow(Header { slot_number: Some(7), ..Default::default() });
        let other_slot = SealedHeader::new(Header { slot_number: Some(8), ..Default::default() }, base.hash());
        let other_hash = SealedHeader::new(base.header().clone(), B256::repeat_byte(1));
        assert_ne!(beacon_root(&base), beacon_root(&other_slot));
        assert_ne!(beacon_root(&base), beacon_root(&other_hash));
        assert_eq!(beacon_header(&base).proposer_index, validators::proposer(7).index);
    }
}
