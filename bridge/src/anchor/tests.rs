use super::*;
use crate::vectors;
use serde_json::json;

fn samples() -> Vec<Anchor> {
    vec![
        Anchor::default(),
        Anchor {
            chain_id: 8_079,
            origin_number: 21_000_000,
            origin_hash: B256::repeat_byte(0xab),
            inbox_count: 3,
            inbox_hash: B256::repeat_byte(0xcd),
        },
        Anchor {
            chain_id: u64::MAX,
            origin_number: u64::MAX,
            origin_hash: B256::repeat_byte(0xff),
            inbox_count: u64::MAX,
            inbox_hash: B256::repeat_byte(0xff),
        },
    ]
}

#[test]
fn anchors_and_randao_agree_with_the_vectors() {
    let cases: Vec<_> = samples()
        .iter()
        .map(|a| {
            json!({
                "chainId": a.chain_id.to_string(), "originNumber": a.origin_number.to_string(), "originHash": a.origin_hash,
                "inboxCount": a.inbox_count.to_string(), "inboxHash": a.inbox_hash, "anchor": a.hash(),
                "number": a.inbox_count.to_string(), "prevRandao": prev_randao(a.origin_hash, a.inbox_count),
            })
        })
        .collect();
    vectors::golden("anchor", json!({ "domain": ANCHOR_DOMAIN, "anchors": cases }));
}

#[test]
fn anchor_preimage_is_six_words_and_the_domain_string() {
    let a = samples()[1];
    let mut bytes = Vec::new();
    let number = |v: u64| [[0u8; 24].as_slice(), &v.to_be_bytes()].concat();
    bytes.extend(number(0xc0));
    bytes.extend(number(8_079));
    bytes.extend(number(21_000_000));
    bytes.extend([0xab; 32]);
    bytes.extend(number(3));
    bytes.extend([0xcd; 32]);
    bytes.extend(number(16));
    bytes.extend(b"basalt.anchor.v1");
    bytes.extend([0u8; 16]);
    assert_eq!(a.hash(), keccak256(bytes));
}

#[test]
fn every_field_moves_the_anchor() {
    let base = samples()[1];
    let moved = [
        Anchor { chain_id: 1, ..base },
        Anchor { origin_number: 1, ..base },
        Anchor { origin_hash: B256::ZERO, ..base },
        Anchor { inbox_count: 1, ..base },
        Anchor { inbox_hash: B256::ZERO, ..base },
    ];
    for (i, a) in moved.iter().enumerate() {
        assert_ne!(a.hash(), base.hash(), "field {i}");
    }
}

#[test]
fn blocks_that_share_an_origin_have_different_randao() {
    assert_ne!(prev_randao(B256::repeat_byte(1), 1), prev_randao(B256::repeat_byte(1), 2));
}
