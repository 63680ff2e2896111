use super::*;
use crate::{
    execute::Witness,
    opening::{self, Kzg},
};
use alloy_primitives::keccak256;

/// A block, how it landed, and what execution would tell.
fn landed() -> (Landed, StatelessInput, Vec<Blob>, Outcome) {
    let transactions: Vec<Bytes> = vec![vec![0x02; 120].into(), vec![0xf8; 3_000].into()];
    let bal = Bytes::from(vec![0xc1, 0x80]);
    let blobs = blob::to_blobs(&blob::encode(&bal, &transactions));
    let mut landed = Landed {
        chain_id: 8_079,
        number: 77,
        parent_hash: B256::repeat_byte(1),
        state_root: B256::repeat_byte(2),
        timestamp: 1_800_000_000,
        gas_limit: 10_000_000,
        fee_recipient: Address::repeat_byte(3),
        extra_data: Bytes::from_static(b"basalt"),
        origin_number: 500,
        origin_hash: keccak256("origin"),
        inbox_count: 4,
        inbox_hash: keccak256("inbox"),
        proposer: Address::repeat_byte(5),
        blob_hashes: blobs.iter().map(|b| opening::versioned_hash(Kzg::load(), b).unwrap()).collect(),
        ..Landed::default()
    };
    let outcome = Outcome {
        base_fee_per_gas: 7,
        gas_used: 21_000,
        receipts_root: B256::repeat_byte(6),
        logs_bloom: Bloom::repeat_byte(8),
    };
    let content = Content { bal: bal.clone(), transactions: transactions.clone() };
    let Err(LandedError::BlockHash { given, .. }) = landed.header(&content, &outcome) else {
        panic!("the hash was not set yet")
    };
    landed.hash = given;
    let header = landed.header(&content, &outcome).unwrap();
    let input = StatelessInput::from_block(landed.chain_id, &header, transactions, bal, Witness::default()).unwrap();
    (landed, input, blobs, outcome)
}

#[test]
fn blobs_and_calldata_carry_the_same_block() {
    let (landed, input, blobs, outcome) = landed();
    let candidates = [Box::new(Blob::ZERO), Box::new(blobs[0])];
    let found = landed.blobs_among(&Kzg::load(), &candidates).unwrap();
    assert_eq!(found, blobs);
    let from_blobs = landed.content_from_blobs(&found).unwrap();
    let from_input = landed.content_from_input(&input.encode()).unwrap();
    assert_eq!(from_blobs, from_input);
    let data = blob::encode(&from_blobs.bal, &from_blobs.transactions);
    assert_eq!(landed.content_from_data(&Kzg::load(), &data).unwrap(), from_blobs);
    let (longer, long) = ([&data[..], &[1]].concat(), [&data[..], &[1; blob::DATA_PER_BLOB]].concat());
    for wrong in [&data[1..], &[][..], &longer[..], &long[..]] {
        let error = landed.content_from_data(&Kzg::load(), wrong).unwrap_err();
        assert!(matches!(error, LandedError::MissingBlob { .. }), "{error}");
    }
    let header = landed.header(&from_blobs, &outcome).unwrap();
    assert_eq!(header.hash_slow(), landed.hash);
    assert_eq!(header.parent_beacon_block_root, Some(landed.anchor().hash()));
    assert_eq!(header.slot_number, Some(77));
}

#[test]
fn a_carrier_of_anything_else_is_refused() {
    let (landed, input, blobs, outcome) = landed();
    let kzg = Kzg::load();
    // Blobs under the right hashes that do not decode are a fault of their own, not a wrong carrier.
    let zero = Landed { blob_hashes: vec![opening::versioned_hash(kzg, &Blob::ZERO).unwrap()], ..Landed::default() };
    let found = zero.blobs_among(&kzg, &[Box::new(Blob::ZERO)]).unwrap();
    assert!(matches!(zero.content_from_blobs(&found), Err(LandedError::Content(_))));

    assert!(matches!(landed.blobs_among(&kzg, &[]), Err(LandedError::MissingBlob { blob: 0, given: 0, .. })));
    let mut other = Box::new(blobs[0]);
    other.0[1_000] ^= 1;
    let mut garbage = Box::new(blobs[0]);
    garbage.0.fill(0xff);
    let wrong = landed.blobs_among(&kzg, &[other, garbage]);
    assert!(matches!(wrong, Err(LandedError::MissingBlob { blob: 0, given: 2, .. })));

    let mut moved = input.clone();
    moved.payload.gas_used += 1;
    assert!(matches!(landed.content_from_input(&moved.encode()), Err(LandedError::BlockHash { .. })));
    // The claimed hash in the bytes is not believed: the header is hashed again.
    moved = input.clone();
    moved.payload.transactions.pop();
    assert_eq!(moved.payload.block_hash, landed.hash);
    assert!(matches!(landed.content_from_input(&moved.encode()), Err(LandedError::BlockHash { .. })));
    assert!(matches!(landed.content_from_input(b"\x15\x01"), Err(LandedError::Input(_))));

    let content = landed.content_from_input(&input.encode()).unwrap();
    assert!(matches!(landed.header(&content, &Outcome { gas_used: 1, ..outcome }), Err(LandedError::BlockHash { .. })));
}
