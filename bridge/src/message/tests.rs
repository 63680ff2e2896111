use super::*;
use crate::vectors::{self, hex0x};
use alloy_primitives::{address, hex};
use proptest::prelude::*;
use serde_json::json;

fn samples() -> Vec<Message> {
    vec![
        Message::default(),
        Message {
            src_chain_id: 1,
            dst_chain_id: 8_079,
            index: 7,
            sender: address!("0x00000000000000000000000000000000000a11ce"),
            to: address!("0x00000000000000000000000000000000c0ffee00"),
            value: U256::from(1_000_000_000_000_000_000_u64),
            fee: U256::from(12_345_u64),
            gas_limit: 100_000,
            data: Bytes::from_static(&[0xde, 0xad, 0xbe, 0xef]),
        },
        Message {
            src_chain_id: u64::MAX,
            dst_chain_id: u64::MAX,
            index: u64::MAX,
            sender: Address::repeat_byte(0xff),
            to: Address::repeat_byte(0xff),
            value: U256::MAX,
            fee: U256::MAX,
            gas_limit: u64::MAX,
            data: Bytes::from(vec![0x5a; 1_000]),
        },
    ]
}

#[test]
fn leaves_and_inbox_chain_agree_with_the_vectors() {
    let mut chain = InboxChain::default();
    let cases: Vec<_> = samples()
        .iter()
        .map(|m| {
            chain.push(m.leaf());
            json!({
                "srcChainId": m.src_chain_id.to_string(), "dstChainId": m.dst_chain_id.to_string(), "index": m.index.to_string(),
                "sender": m.sender.to_string(), "to": m.to.to_string(), "value": hex0x(m.value.to_be_bytes::<32>()), "fee": hex0x(m.fee.to_be_bytes::<32>()),
                "gasLimit": m.gas_limit.to_string(), "data": m.data, "leaf": m.leaf(), "inboxHash": chain.hash, "inboxCount": chain.count,
            })
        })
        .collect();
    vectors::golden("message", json!({ "domain": MESSAGE_DOMAIN, "messages": cases }));
}

/// The preimage spelled out by hand, so that a change of the encoder library cannot move it.
#[test]
fn leaf_preimage_is_ten_words_and_the_domain_string() {
    let m = &samples()[1];
    let mut words = Vec::new();
    let word = |v: &[u8]| {
        let mut w = [0u8; 32];
        w[32 - v.len()..].copy_from_slice(v);
        w
    };
    words.extend(word(&[0x01, 0x40]));
    words.extend(word(&1u64.to_be_bytes()));
    words.extend(word(&8_079u64.to_be_bytes()));
    words.extend(word(&7u64.to_be_bytes()));
    words.extend(word(m.sender.as_slice()));
    words.extend(word(m.to.as_slice()));
    words.extend(m.value.to_be_bytes::<32>());
    words.extend(m.fee.to_be_bytes::<32>());
    words.extend(word(&100_000u64.to_be_bytes()));
    words.extend(keccak256(hex!("deadbeef")));
    words.extend(word(&[17]));
    let mut domain = [0u8; 32];
    domain[..17].copy_from_slice(b"basalt.message.v1");
    words.extend(domain);
    assert_eq!(m.leaf(), keccak256(words));
}

/// `test/Forward.t.sol` shows that Hub does the same.
#[test]
fn a_forwarded_message_differs_by_its_index_and_what_was_added_to_the_fee() {
    let m = samples().remove(1);
    let there = m.clone().forwarded(3, U256::from(5)).unwrap();
    assert_eq!(there, Message { index: 3, fee: U256::from(12_350), ..m.clone() });
    assert_eq!(m.clone().forwarded(m.index, U256::ZERO).unwrap().leaf(), m.leaf());
    assert_eq!(m.forwarded(3, U256::MAX), None);
}

proptest! {
    #[test]
    fn every_field_moves_the_leaf(which in 0usize..9, by in 1u64..u64::MAX) {
        let base = samples().remove(1);
        let mut m = base.clone();
        match which {
            0 => m.src_chain_id = m.src_chain_id.wrapping_add(by),
            1 => m.dst_chain_id = m.dst_chain_id.wrapping_add(by),
            2 => m.index = m.index.wrapping_add(by),
            3 => m.sender.0[19] ^= (by % 255 + 1) as u8,
            4 => m.to.0[0] ^= (by % 255 + 1) as u8,
            5 => m.value = m.value.wrapping_add(U256::from(by)),
            6 => m.fee = m.fee.wrapping_add(U256::from(by)),
            7 => m.gas_limit = m.gas_limit.wrapping_add(by),
            _ => m.data = Bytes::from(by.to_be_bytes().to_vec()),
        }
        prop_assert_ne!(m.leaf(), base.leaf());
    }

    #[test]
    fn extending_in_pieces_is_extending_at_once(leaves in proptest::collection::vec(any::<[u8; 32]>(), 0..20), at in 0usize..20) {
        let leaves: Vec<B256> = leaves.into_iter().map(B256::from).collect();
        let at = at.min(leaves.len());
        let whole = InboxChain::default().extend(&leaves);
        prop_assert_eq!(InboxChain::default().extend(&leaves[..at]).extend(&leaves[at..]), whole);
        prop_assert_eq!(whole.count, leaves.len() as u64);
    }
}
