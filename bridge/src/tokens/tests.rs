use super::*;
use crate::vectors;
use alloy_primitives::{U256, address};
use chainspec::predeploys::{self, L1_SIDE_SLOT, L1Side};
use serde_json::json;

#[test]
fn the_address_of_a_bridged_token_agrees_with_the_vectors() {
    let tokens = [
        Address::ZERO,
        Address::repeat_byte(0xff),
        address!("0x6B175474E89094C44Da98b954EedeAC495271d0F"),
        address!("0x00000000000000000000000000000000000000aa"),
    ];
    let cases: Vec<_> =
        tokens.iter().map(|token| json!({ "token": token, "bridged": bridged_token(*token) })).collect();
    vectors::golden("tokens", json!({ "tokens": cases }));
}

#[test]
fn genesis_holds_the_code_and_names_the_l1_side() {
    let l1_bridge = Address::repeat_byte(0x42);
    let gateway = Address::repeat_byte(0x43);
    let alloc = predeploys::bridge(code(), L1Side { chain_id: 7, token_bridge: l1_bridge, gateway });
    assert_eq!(predeploys::l1_side(&alloc[&predeploys::GATEWAY]), Some(gateway));
    assert!(alloc.values().all(|account| account.code.as_ref().is_some_and(|code| code.len() > 1_000)));
    let bridge = &alloc[&L2_TOKEN_BRIDGE];
    assert_eq!(predeploys::l1_side(bridge), Some(l1_bridge));
    let word = U256::from_be_bytes(bridge.storage.as_ref().unwrap()[&L1_SIDE_SLOT].0);
    assert_eq!(word >> 160, U256::from(7));
    assert_eq!(predeploys::l1_side(&alloc[&BRIDGED_TOKEN]), None);
}
