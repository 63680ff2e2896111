//! Landings, blobs, pool, journals, side blocks.

use alloy_eips::eip4844;

use super::*;
use crate::{Durability, Landed};

fn landed(block: &Executed) -> Landed {
    Landed {
        block_hash: block.block.hash(),
        l1_number: 100,
        l1_hash: B256::with_last_byte(1),
        l1_tx_hash: B256::with_last_byte(2),
        l1_log_index: 3,
        origin_number: 99,
        origin_hash: B256::with_last_byte(4),
        inbox_count: 5,
        inbox_hash: B256::with_last_byte(6),
        proposer: address(7),
        blob_hashes: vec![B256::with_last_byte(8)],
    }
}

fn chain_of(count: usize) -> (Chain, Vec<Executed>) {
    let chain = Chain::in_memory(spec()).unwrap();
    let blocks = grow(&chain, &mut Model::genesis(&spec()), &mut rng(5), count);
    (chain, blocks)
}

#[test]
fn landing_moves_the_landed_head_and_unlanding_takes_it_back() {
    let (chain, blocks) = chain_of(4);
    for block in &blocks[..3] {
        chain.land(block.block.number, &landed(block)).unwrap();
    }
    assert_eq!(chain.heads().landed.number, 3);
    assert_eq!(chain.landing(2).unwrap(), Some(landed(&blocks[1])));
    chain.unland(1).unwrap();
    assert_eq!(chain.heads().landed.number, 1);
    assert_eq!((chain.landing(1).unwrap().is_some(), chain.landing(2).unwrap()), (true, None));
    assert_eq!(chain.head().number, 4);
    chain.check().unwrap();
}

#[test]
fn a_landing_of_another_block_is_refused() {
    let (chain, blocks) = chain_of(2);
    let error = chain.land(1, &landed(&blocks[1])).unwrap_err();
    assert!(matches!(error, StorageError::NotCanonical { number: 1, .. }), "{error}");
    assert_eq!(chain.landing(1).unwrap(), None);
}

#[test]
fn relanding_replaces_the_record_and_keeps_the_head() {
    let (chain, blocks) = chain_of(2);
    chain.land(1, &landed(&blocks[0])).unwrap();
    chain.land(2, &landed(&blocks[1])).unwrap();
    let again = Landed { l1_number: 200, ..landed(&blocks[0]) };
    chain.land(1, &again).unwrap();
    assert_eq!(chain.landing(1).unwrap(), Some(again));
    assert_eq!(chain.heads().landed.number, 2);
}

#[test]
fn unwinding_forgets_landings_and_lowers_the_landed_head() {
    let (chain, blocks) = chain_of(3);
    for block in &blocks {
        chain.land(block.block.number, &landed(block)).unwrap();
    }
    chain.unwind(1).unwrap();
    assert_eq!(chain.heads().landed.number, 1);
    assert_eq!((chain.landing(2).unwrap(), chain.landing(3).unwrap()), (None, None));
}

#[test]
fn heads_out_of_order_or_off_the_chain_are_refused() {
    let (chain, blocks) = chain_of(3);
    let at = |n: usize| blocks[n - 1].block.num_hash();
    chain.put_heads(at(3), at(2)).unwrap();
    assert!(matches!(chain.put_heads(at(1), at(2)), Err(StorageError::HeadsOutOfOrder { .. })));
    let above = BlockNumHash { number: 4, hash: B256::ZERO };
    assert!(matches!(chain.put_heads(above, at(2)), Err(StorageError::HeadsOutOfOrder { .. })));
    let stranger = BlockNumHash { number: 3, hash: B256::ZERO };
    assert!(matches!(chain.put_heads(stranger, at(2)), Err(StorageError::NotCanonical { number: 3, .. })));
    assert!(matches!(chain.unwind(1), Err(StorageError::UnwindBelowFinalised { to: 1, finalised: 2 })));
    assert!(matches!(chain.unland(1), Err(StorageError::HeadsOutOfOrder { .. })));
    assert_eq!((chain.heads().landed, chain.heads().finalised), (at(3), at(2)));
}

#[test]
fn a_sealed_block_waits_beside_the_chain_until_it_is_appended_or_pruned() {
    let (chain, _) = chain_of(1);
    let ours = child(&chain.head(), &*chain.state_at_head(), StateDiff::default(), 2, 1);
    let rival = child(&chain.head(), &*chain.state_at_head(), StateDiff::default(), 2, 2);
    for block in [&ours, &rival] {
        chain.store_side_block(&block.block, &block.bal, Durability::Synced).unwrap();
    }
    assert!(chain.block(ours.block.hash()).unwrap().is_none());
    assert_eq!(chain.side_block(ours.block.hash()).unwrap(), Some((ours.block.clone(), ours.bal.clone())));
    chain.append(&ours).unwrap();
    assert_eq!(chain.side_blocks().unwrap(), vec![rival.block.num_hash()]);
    assert_eq!(chain.prune_side_blocks(2).unwrap(), 0);
    assert_eq!(chain.prune_side_blocks(3).unwrap(), 1);
    assert_eq!(chain.side_block(rival.block.hash()).unwrap(), None);
    assert_eq!(chain.block(2).unwrap(), Some(ours.block.clone()));
    // Storing what is canonical already must not make it prunable.
    chain.store_side_block(&ours.block, &ours.bal, Durability::Synced).unwrap();
    assert_eq!(chain.prune_side_blocks(u64::MAX).unwrap(), 0);
    chain.check().unwrap();
}

#[test]
fn block_access_lists_are_forgotten_by_age_and_their_blocks_stay() {
    let (chain, blocks) = chain_of(5);
    let kept = || -> Vec<u64> { (0..=5).filter(|number| chain.bal(*number).unwrap().is_some()).collect() };
    let timestamp = |number: usize| blocks[number - 1].block.timestamp;
    assert_eq!(chain.forget_bals(timestamp(3), 0).unwrap(), 0);
    assert_eq!(kept(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(chain.forget_bals(timestamp(3), 2).unwrap(), 2);
    assert_eq!(kept(), [2, 3, 4, 5]);
    assert_eq!(chain.forget_bals(timestamp(3), 5).unwrap(), 1);
    assert_eq!(chain.forget_bals(timestamp(3), 5).unwrap(), 0);
    assert_eq!(kept(), [3, 4, 5]);
    assert_eq!(chain.block(1).unwrap(), Some(blocks[0].block.clone()));
    assert_eq!(chain.side_block(blocks[0].block.hash()).unwrap(), None);
    assert_eq!(
        chain.side_block(blocks[2].block.hash()).unwrap(),
        Some((blocks[2].block.clone(), blocks[2].bal.clone()))
    );
    chain.check().unwrap();
}

#[test]
fn a_blob_lives_as_long_as_its_latest_block() {
    let (chain, _) = chain_of(0);
    let blob = |byte| Box::new(eip4844::Blob::repeat_byte(byte));
    let hash = B256::with_last_byte;
    chain.put_blobs(1, &[(hash(1), blob(1)), (hash(2), blob(2))], Durability::Buffered).unwrap();
    chain.put_blobs(5, &[(hash(1), blob(1))], Durability::Buffered).unwrap();
    chain.put_blobs(3, &[(hash(1), blob(1))], Durability::Buffered).unwrap();
    assert_eq!(chain.prune_blobs(1).unwrap(), 0);
    assert_eq!(chain.prune_blobs(5).unwrap(), 1);
    assert_eq!((chain.blob(hash(1)).unwrap(), chain.blob(hash(2)).unwrap()), (Some(blob(1)), None));
    assert_eq!(chain.prune_blobs(6).unwrap(), 1);
    assert_eq!(chain.blob(hash(1)).unwrap(), None);
}

#[test]
fn pool_transactions_come_and_go_in_one_batch() {
    let (chain, _) = chain_of(0);
    let (a, b, c) = (B256::with_last_byte(1), B256::with_last_byte(2), B256::with_last_byte(3));
    let raw = Bytes::from_static(b"raw");
    chain.pool_update(&[], &[(a, raw.clone()), (b, raw.clone())], Durability::Buffered).unwrap();
    chain.pool_update(&[a], &[(c, raw.clone())], Durability::Buffered).unwrap();
    assert_eq!(chain.pool_transactions(10).unwrap(), vec![(b, raw.clone()), (c, raw.clone())]);
    assert_eq!(chain.pool_transactions(1).unwrap().len(), 1);
    let long = Bytes::from(vec![0; POOL_TX_MAX_BYTES + 1]);
    let error = chain.pool_update(&[b], &[(a, long)], Durability::Buffered).unwrap_err();
    assert!(matches!(error, StorageError::TooLong { table: "pool", .. }), "{error}");
    assert_eq!(chain.pool_transactions(10).unwrap().len(), 2);
}

#[test]
fn journal_records_are_found_by_name_and_by_prefix() {
    let (chain, _) = chain_of(0);
    let value = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    let records =
        [("landing/1", value("a")), ("landing/2", value("b")), ("landings", value("c")), ("nonce", value("d"))];
    chain.journal_put(&records, Durability::Synced).unwrap();
    let names = |prefix| -> Vec<String> {
        chain.journal_with_prefix(prefix).unwrap().into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names("landing/"), ["landing/1", "landing/2"]);
    assert_eq!(names("").len(), 4);
    chain.journal_put(&[("landing/1", None), ("landing/2", value("e"))], Durability::Synced).unwrap();
    assert_eq!(chain.journal("landing/1").unwrap(), None);
    assert_eq!(chain.journal("landing/2").unwrap(), value("e"));
}
