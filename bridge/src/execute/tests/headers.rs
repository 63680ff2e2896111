//! Payload to header and back.

use super::*;
use alloy_consensus::Header;
use alloy_consensus::constants::EMPTY_WITHDRAWALS;

#[test]
fn a_block_comes_back_from_its_payload() {
    for seed in 0..8 {
        let input = rollup_sample(seed);
        let header = input.header();
        assert_eq!(header.hash_slow(), input.payload.block_hash);
        let again = StatelessInput::from_block(
            input.chain_id,
            &header,
            input.payload.transactions.clone(),
            input.payload.block_access_list.clone(),
            input.witness.clone(),
        )
        .unwrap();
        assert_eq!(again, input, "seed {seed}");
    }
}

#[test]
fn a_header_of_a_rollup_block_has_the_empty_roots() {
    let header = StatelessInput {
        payload: Payload { block_access_list: Bytes::from_static(&[0xc0]), ..Payload::default() },
        ..StatelessInput::default()
    }
    .header();
    assert_eq!(header.withdrawals_root, Some(EMPTY_WITHDRAWALS));
    assert_eq!(header.transactions_root, alloy_consensus::EMPTY_ROOT_HASH);
    assert_eq!(
        header.requests_hash,
        Some(hex!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855").into())
    );
    assert_eq!(
        header.block_access_list_hash,
        Some(hex!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347").into())
    );
    assert_eq!(header.ommers_hash, alloy_consensus::EMPTY_OMMER_ROOT_HASH);
    let mut rlp = Vec::new();
    alloy_rlp::Encodable::encode(&header, &mut rlp);
    let mut list = rlp.as_slice();
    let items = alloy_rlp::Header::decode_raw(&mut list).map(|view| match view {
        alloy_rlp::PayloadView::List(items) => items.len(),
        alloy_rlp::PayloadView::String(_) => 0,
    });
    assert_eq!(items, Ok(23), "an Amsterdam header has 23 items");
}

#[test]
fn a_header_that_does_not_follow_from_its_parts_is_refused() {
    let input = rollup_sample(5);
    let (header, txs, bal) =
        (input.header(), input.payload.transactions.clone(), input.payload.block_access_list.clone());
    let refused = |header: &Header, txs: Vec<Bytes>, bal: Bytes| Payload::from_block(header, txs, bal).unwrap_err();

    assert!(matches!(refused(&header, vec![Bytes::from_static(b"other")], bal.clone()), HeaderError::Mismatch { .. }));
    assert!(matches!(refused(&header, txs.clone(), Bytes::from_static(&[0xc1, 0x80])), HeaderError::Mismatch { .. }));
    let changes: [fn(&mut Header); 5] = [
        |h| h.withdrawals_root = Some(B256::ZERO),
        |h| h.requests_hash = Some(B256::ZERO),
        |h| h.difficulty = alloy_primitives::U256::from(1),
        |h| h.ommers_hash = B256::ZERO,
        |h| h.nonce = alloy_primitives::B64::repeat_byte(1),
    ];
    for change in changes {
        let mut bad = header.clone();
        change(&mut bad);
        assert!(matches!(refused(&bad, txs.clone(), bal.clone()), HeaderError::Mismatch { .. }));
    }
    type Change = fn(&mut Header);
    let missing: [(&str, Change); 5] = [
        ("parent_beacon_block_root", |h| h.parent_beacon_block_root = None),
        ("base_fee_per_gas", |h| h.base_fee_per_gas = None),
        ("blob_gas_used", |h| h.blob_gas_used = None),
        ("excess_blob_gas", |h| h.excess_blob_gas = None),
        ("slot_number", |h| h.slot_number = None),
    ];
    for (name, change) in missing {
        let mut bad = header.clone();
        change(&mut bad);
        assert_eq!(refused(&bad, txs.clone(), bal.clone()), HeaderError::Missing(name));
    }
}

#[test]
fn requests_hash_is_alloys() {
    for seed in 0..20 {
        let input = sample(seed);
        let bytes = input.encode();
        let mut theirs = alloy_eips::eip7685::Requests::default();
        let r = StatelessInput::decode(&bytes).unwrap().requests;
        let mut push = |kind: u8, data: Vec<u8>| {
            if !data.is_empty() {
                theirs.push_request([vec![kind], data].concat().into())
            }
        };
        push(
            0,
            r.deposits
                .iter()
                .flat_map(|d| {
                    [
                        d.pubkey.as_slice(),
                        d.withdrawal_credentials.as_slice(),
                        &d.amount.to_le_bytes(),
                        d.signature.as_slice(),
                        &d.index.to_le_bytes(),
                    ]
                    .concat()
                })
                .collect(),
        );
        push(
            1,
            r.withdrawals
                .iter()
                .flat_map(|w| {
                    [w.source_address.as_slice(), w.validator_pubkey.as_slice(), &w.amount.to_le_bytes()].concat()
                })
                .collect(),
        );
        push(
            2,
            r.consolidations
                .iter()
                .flat_map(|c| {
                    [c.source_address.as_slice(), c.source_pubkey.as_slice(), c.target_pubkey.as_slice()].concat()
                })
                .collect(),
        );
        push(
            3,
            r.builder_deposits
                .iter()
                .flat_map(|d| {
                    [
                        d.pubkey.as_slice(),
                        d.withdrawal_credentials.as_slice(),
                        &d.amount.to_le_bytes(),
                        d.signature.as_slice(),
                    ]
                    .concat()
                })
                .collect(),
        );
        push(
            4,
            r.builder_exits.iter().flat_map(|e| [e.source_address.as_slice(), e.pubkey.as_slice()].concat()).collect(),
        );
        assert_eq!(input.requests.hash(), theirs.requests_hash(), "seed {seed}");
    }
}
