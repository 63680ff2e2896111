use super::*;
use crate::abi;

fn named(origin_hash: B256) -> Named {
    let anchor =
        Anchor { chain_id: 7, origin_number: 5, origin_hash, inbox_count: 3, inbox_hash: B256::repeat_byte(2) };
    Named { anchor, timestamp: 1_000 }
}

#[test]
fn a_relay_and_a_landed_block_name_the_same() {
    let expected = named(B256::repeat_byte(1));
    let calldata = abi::relay(Vec::new(), U256::ZERO, Vec::new(), expected.anchor, expected.timestamp);
    assert_eq!(Named::in_relay(7, &calldata), Some(expected));
    let landed = Landed {
        chain_id: 7,
        timestamp: 1_000,
        origin_number: 5,
        origin_hash: B256::repeat_byte(1),
        inbox_count: 3,
        inbox_hash: B256::repeat_byte(2),
        ..Default::default()
    };
    assert_eq!(Named::from(&landed), expected);
    assert_eq!(Named::in_relay(7, &calldata[1..]), None);
    assert_eq!(Named::in_relay(7, &[]), None);
}

#[test]
fn only_the_header_that_is_named_makes_a_call() {
    let header = Header { number: 5, ..Default::default() };
    let call = named(header.hash_slow()).prove(&header).unwrap();
    assert_eq!(keccak256(&call.header), header.hash_slow());
    assert_eq!(call.anchorTimestamp, U256::from(1_000));
    let other = Header { number: 6, ..Default::default() };
    let error = named(header.hash_slow()).prove(&other).unwrap_err();
    assert_eq!(error, WrongHeader { found: other.hash_slow(), named: header.hash_slow() });
}

#[test]
fn the_slot_of_a_key_is_that_of_a_solidity_mapping_in_slot_zero() {
    assert_eq!(keystore_slot(B256::repeat_byte(1)), keccak256([[1u8; 32], [0u8; 32]].concat()));
}
