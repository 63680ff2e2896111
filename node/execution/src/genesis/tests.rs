use super::*;
use alloy_primitives::Bytes;
use chainspec::{Layer, dev};

#[test]
fn both_dev_chains_have_the_state_root_that_chainspec_computed() {
    for (genesis, layer) in [
        (dev::l1_genesis(1_000), Layer::L1 { execute: true }),
        (dev::l2_genesis(1_000, Bytes::from_static(&[0xfe])), Layer::Rollup),
    ] {
        let spec = ChainSpec::from_genesis(genesis, layer).unwrap();
        let block = super::genesis(&spec).unwrap();
        assert_eq!(block.header.state_root, spec.genesis_header().state_root);
        assert!(block.changes.nodes.iter().all(|change| change.before.is_none()));
        assert_eq!(block.changes.accounts.len(), block.diff.accounts.len());
        assert_eq!(block.diff.accounts.len(), spec.genesis().alloc.len());
    }
}
