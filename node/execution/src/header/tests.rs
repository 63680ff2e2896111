use super::*;
use chainspec::{Layer, dev};

fn setup() -> (ChainSpec, SealedHeader) {
    let spec = ChainSpec::from_genesis(dev::l1_genesis(1_000), Layer::L1 { execute: true }).unwrap();
    let parent = SealedHeader::new(spec.genesis_header().clone(), spec.genesis_hash());
    (spec, parent)
}

fn attributes(parent: &Header) -> Attributes {
    Attributes {
        timestamp: parent.timestamp + 1,
        fee_recipient: Address::ZERO,
        prev_randao: B256::ZERO,
        gas_limit: parent.gas_limit,
        parent_beacon_block_root: B256::ZERO,
        extra_data: Bytes::new(),
        slot_number: 1,
    }
}

#[test]
fn the_gas_limit_moves_by_less_than_a_1024th() {
    let (spec, parent) = setup();
    let step = parent.gas_limit / 1_024;
    let with = |gas_limit| next(&spec, &parent, &Attributes { gas_limit, ..attributes(&parent) });
    assert!(with(parent.gas_limit + step - 1).is_ok() && with(parent.gas_limit - step + 1).is_ok());
    assert!(matches!(with(parent.gas_limit + step), Err(HeaderError::GasLimitStep { .. })));
    assert!(matches!(with(parent.gas_limit - step), Err(HeaderError::GasLimitStep { .. })));
    assert!(matches!(with(u64::MAX), Err(HeaderError::GasLimitRange(_))));
}

#[test]
fn the_base_fee_follows_the_parents_use_of_gas() {
    let (spec, parent) = setup();
    let fee = |gas_used: u64| {
        let header = Header { gas_used, base_fee_per_gas: Some(1_000_000_000), ..parent.header().clone() };
        let parent = SealedHeader::seal_slow(header);
        next(&spec, &parent, &attributes(&parent)).unwrap().base_fee_per_gas.unwrap()
    };
    assert_eq!((fee(0), fee(parent.gas_limit / 2), fee(parent.gas_limit)), (875_000_000, 1_000_000_000, 1_125_000_000));
}

#[test]
fn excess_blob_gas_follows_the_parents_blobs() {
    let (spec, parent) = setup();
    let params = spec.blob_params_at(1_000).unwrap();
    let full = Header {
        blob_gas_used: Some(params.max_blob_gas_per_block()),
        base_fee_per_gas: Some(7),
        ..parent.header().clone()
    };
    let parent = SealedHeader::seal_slow(full);
    let header = next(&spec, &parent, &attributes(&parent)).unwrap();
    let expected = params.max_blob_gas_per_block() - params.target_blob_gas_per_block();
    assert_eq!(header.excess_blob_gas, Some(expected));
}

#[test]
fn the_last_block_number_has_no_child() {
    let (spec, parent) = setup();
    let parent = SealedHeader::seal_slow(Header { number: u64::MAX, ..parent.header().clone() });
    assert!(matches!(next(&spec, &parent, &attributes(&parent)), Err(HeaderError::Number { .. })));
}
