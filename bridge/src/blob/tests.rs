use super::*;
use crate::vectors::{self, hex0x};
use proptest::prelude::*;
use serde_json::json;

fn contents() -> Vec<(Vec<u8>, Vec<Vec<u8>>)> {
    vec![
        (vec![], vec![]),
        (vec![0xc0], vec![]),
        (vec![0xc0], vec![vec![0x05]]),
        (vec![0xc0], vec![vec![0x80]]),
        (vec![0xc1, 0x80], vec![vec![0x02; 110], vec![0x01; 55], vec![0x7f; 56]]),
        ((0..=255).collect(), vec![(0..200).collect(); 7]),
        (vec![0xaa; 500], vec![vec![0x02; 256], vec![], vec![0x04; 300]]),
    ]
}

#[test]
fn payload_data_agrees_with_the_vectors() {
    let cases: Vec<_> = contents()
        .iter()
        .map(|(bal, txs)| {
            let data = encode(bal, txs);
            assert_eq!(decode(&to_blobs(&data)).unwrap(), content(bal, txs));
            json!({ "bal": hex0x(bal), "transactions": txs.iter().map(hex0x).collect::<Vec<_>>(), "data": hex0x(&data), "blobs": blob_count(data.len()) })
        })
        .collect();
    vectors::golden("blob", json!({ "contents": cases }));
}

fn content(bal: &[u8], txs: &[Vec<u8>]) -> Content {
    Content { bal: bal.to_vec().into(), transactions: txs.iter().map(|tx| tx.clone().into()).collect() }
}

#[test]
fn a_block_that_fills_its_blob_to_the_last_byte_needs_no_second() {
    let frame = encode(&vec![1; 100_000], &[[2u8; 0].as_slice()]).len() - 100_000;
    let full = encode(&vec![1; DATA_PER_BLOB - frame], &[[2u8; 0].as_slice()]);
    assert_eq!((full.len(), to_blobs(&full).len()), (DATA_PER_BLOB, 1));
    let more = encode(&vec![1; DATA_PER_BLOB - frame + 1], &[[2u8; 0].as_slice()]);
    assert_eq!((more.len(), to_blobs(&more).len()), (DATA_PER_BLOB + 1, 2));
    for data in [full, more] {
        let back = decode(&to_blobs(&data)).unwrap();
        assert_eq!(encode(&back.bal, &back.transactions), data);
    }
}

#[test]
fn every_deviation_is_refused_by_name() {
    let good = to_blobs(&encode(&[0xc0], &[vec![0x02; 100]]));
    let with = |at: usize, byte: u8| {
        let mut blobs = good.clone();
        blobs[0].0[at] = byte;
        decode(&blobs)
    };
    assert_eq!(decode(&[]), Err(BlobError::Empty));
    assert_eq!(decode(&vec![Blob::ZERO; 7]), Err(BlobError::TooMany { blobs: 7 }));
    assert_eq!(with(32 * 9, 1), Err(BlobError::HighByte { blob: 0, element: 9 }));
    assert_eq!(with(BYTES_PER_BLOB - 1, 1), Err(BlobError::Padding { at: DATA_PER_BLOB - 1 }));
    assert_eq!(with(1, 1), Err(BlobError::WrongCount { data: (1 << 24) + 8 + 1 + 104, needed: 133, blobs: 1 }));
    let mut two = good.clone();
    two.push(Blob::ZERO);
    assert_eq!(decode(&two), Err(BlobError::WrongCount { data: 113, needed: 1, blobs: 2 }));
    // All-ones lengths must not overflow or allocate.
    let mut huge = vec![Blob::ZERO];
    huge[0].0[1..9].fill(0xff);
    assert!(matches!(decode(&huge), Err(BlobError::WrongCount { .. })));
    // An all-zero blob announces an empty transaction list of no bytes: not even a list.
    assert!(matches!(decode(&[Blob::ZERO]), Err(BlobError::Transactions(_))));
}

#[test]
fn rlp_that_is_not_canonical_is_refused() {
    let data = |txs: &[u8]| {
        let mut d = vec![0, 0, 0, 0, 0, 0, 0, txs.len() as u8];
        d.extend_from_slice(txs);
        decode(&to_blobs(&d))
    };
    assert!(data(&[0xc2, 0x81, 0x80]).is_ok());
    assert!(matches!(data(&[0xc2, 0x81, 0x05]), Err(BlobError::Transactions(_))), "single byte behind a length");
    assert!(matches!(data(&[0xc1, 0xc0]), Err(BlobError::Transactions(_))), "a list inside");
    assert!(matches!(data(&[0xc0, 0xc0]), Err(BlobError::Transactions(_))), "bytes behind the list");
    assert!(matches!(data(&[0xf8, 0x01, 0x05]), Err(BlobError::Transactions(_))), "long form of a short list");
    assert!(matches!(data(&[0x83, 1, 2, 3]), Err(BlobError::Transactions(_))), "a string, no list");
    assert!(matches!(data(&[0xc2, 0x83, 1]), Err(BlobError::Transactions(_))), "a string that ends behind the list");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn decode_of_encode_is_the_content(bal in proptest::collection::vec(any::<u8>(), 0..3_000), txs in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 0..20)) {
        let data = encode(&bal, &txs);
        prop_assert_eq!(decode(&to_blobs(&data)).unwrap(), content(&bal, &txs));
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same_blobs(bal in proptest::collection::vec(any::<u8>(), 0..60), txs in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..70), 0..5), at in 0usize..300, byte in any::<u8>()) {
        let mut blobs = to_blobs(&encode(&bal, &txs));
        blobs[0].0[at] = byte;
        if let Ok(back) = decode(&blobs) {
            prop_assert_eq!(to_blobs(&encode(&back.bal, &back.transactions)), blobs);
        }
    }
}
