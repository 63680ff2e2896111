//! The beacon API, and what can be wrong with blobs.

use super::*;
use alloy_eips::eip4844::Blob;
use serde::Deserialize;

fn get(bed: &Bed, path: &str) -> (u16, Value) {
    let reply = bed.l1.beacon(bed.at, path).unwrap();
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

/// The blobs of the head's slot; a blob of the landing in it.
fn blobs(bed: &Bed) -> (u16, Vec<Blob>) {
    let hashes = &bed.l1.landings(ROLLUP)[0].landed.blob_hashes;
    let (status, body) = get(bed, &format!("/eth/v1/beacon/blobs/5?versioned_hashes={}", hashes[0]));
    let found = Vec::<Box<Blob>>::deserialize(&body["data"]).unwrap_or_default();
    (status, found.into_iter().map(|blob| *blob).collect())
}

fn landed(fault: BlobFault) -> Bed {
    let bed = Bed::new(1, |_| {});
    bed.land(0);
    bed.l1.set_faults(bed.at, Faults { blobs: fault, blobs_percent: 100, ..Faults::default() });
    bed
}

#[test]
fn the_blobs_of_a_landing_are_found_by_slot_and_hash() {
    let bed = landed(BlobFault::None);
    let hashes = bed.l1.landings(ROLLUP)[0].landed.blob_hashes.clone();
    let (status, found) = blobs(&bed);
    assert_eq!((status, found.len()), (200, 1));
    assert_eq!(Keccak.versioned_hash(&found[0]), hashes[0]);
    let content = bridge::blob::decode(&found).unwrap();
    assert_eq!(content.transactions, [Bytes::from(vec![0x02; 500])]);
    let count = |path: &str| get(&bed, path).1["data"].as_array().map(Vec::len);
    assert_eq!(count("eth/v1/beacon/blobs/5"), Some(1), "all of the slot");
    assert_eq!(count("eth/v1/beacon/blobs/head"), Some(1));
    assert_eq!(count(&format!("eth/v1/beacon/blobs/5?versioned_hashes={}", B256::ZERO)), Some(0));
    assert_eq!(count("eth/v1/beacon/blobs/4"), Some(0), "a block without");
    bed.mine(7);
    for (path, status) in [("6", 404), ("8", 404), ("x", 400), ("5?versioned_hashes=0x12", 400)] {
        assert_eq!(get(&bed, &format!("eth/v1/beacon/blobs/{path}")).0, status, "{path}");
    }
    assert_eq!(get(&bed, "eth/v1/node/version").0, 404);
}

#[test]
fn blobs_may_be_missing_late_wrong_or_fewer() {
    assert_eq!(blobs(&landed(BlobFault::Missing)), (404, vec![]));
    let wrong = blobs(&landed(BlobFault::Wrong)).1;
    let right = blobs(&landed(BlobFault::None)).1;
    assert_ne!(Keccak.versioned_hash(&wrong[0]), Keccak.versioned_hash(&right[0]));
    assert!(blobs(&landed(BlobFault::NoField)).1[0].starts_with(&[0xff; 32]));
    assert_eq!(blobs(&landed(BlobFault::Fewer)), (200, vec![]));
    let bed = landed(BlobFault::Late { slots: 3 });
    assert_eq!(blobs(&bed).0, 404);
    bed.mine(7);
    assert_eq!(blobs(&bed).0, 404);
    bed.mine(8);
    assert_eq!(blobs(&bed).0, 200);
}

#[test]
fn blobs_expire() {
    let bed = Bed::new(1, |config| config.blob_retention_slots = 10);
    bed.land(0);
    bed.mine(15);
    assert_eq!(blobs(&bed).0, 200);
    bed.mine(16);
    assert_eq!(blobs(&bed).0, 404);
}

#[test]
fn blobs_are_those_of_the_branch_that_the_endpoint_sees() {
    let bed = landed(BlobFault::None);
    let hash = bed.l1.landings(ROLLUP)[0].landed.blob_hashes[0];
    let old = bed.l1.head().hash;
    bed.l1.reorg(&Reorg { depth: 1, loses: Losses::Everything, rebuild: true, ..Reorg::default() }).unwrap();
    let path = format!("eth/v1/beacon/blobs/5?versioned_hashes={hash}");
    assert_eq!(get(&bed, &path).1["data"], json!([]));
    bed.l1.set_faults(bed.at, Faults { sight: Sight::EndsAt(old), ..Faults::default() });
    assert_eq!(get(&bed, &path).1["data"].as_array().unwrap().len(), 1);
}

#[test]
fn genesis_and_spec_tell_the_slots_and_duties_tell_whose_they_are() {
    let bed = Bed::new(1, |_| {});
    assert_eq!(get(&bed, "eth/v1/beacon/genesis").1["data"]["genesis_time"], "1800000000");
    assert_eq!(get(&bed, "eth/v1/config/spec").1["data"]["SECONDS_PER_SLOT"], "12");
    let duties = get(&bed, "eth/v1/validator/duties/proposer/1").1;
    let duties = duties["data"].as_array().unwrap();
    assert_eq!(duties.len(), 32);
    for (slot, duty) in (32u64..).zip(duties) {
        assert_eq!(duty["slot"], slot.to_string());
        assert_eq!(duty["validator_index"], proposer(slot, 8).to_string());
    }
    let seen: std::collections::BTreeSet<u64> = (0..200).map(|slot| proposer(slot, 8)).collect();
    assert_eq!(seen.len(), 8);
    assert_eq!(get(&bed, "eth/v1/validator/duties/proposer/2").0, 400, "beyond the lookahead");
}
