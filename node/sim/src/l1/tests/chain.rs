//! Blocks, branches and finality.

use super::*;

#[test]
fn headers_hash_to_their_hash_and_stand_on_each_other() {
    let bed = Bed::new(1, |_| {});
    bed.land(0);
    let mut parent = B256::ZERO;
    for number in 0..=5u64 {
        let block = bed.ask("eth_getBlockByNumber", json!([format!("{number:#x}"), false]));
        let block: alloy_rpc_types_eth::Block = serde_json::from_value(block).unwrap();
        assert_eq!(block.header.inner.hash_slow(), block.header.hash);
        assert_eq!((block.header.number, block.header.parent_hash), (number, parent));
        parent = block.header.hash;
    }
    assert_eq!(parent, bed.l1.head().hash);
    assert_eq!(bed.ask("eth_getBlockByNumber", json!(["0x6", false])), Value::Null);
    assert_eq!(bed.ask("eth_blockNumber", json!([])), "0x5");
}

#[test]
fn a_missed_slot_leaves_a_gap_in_time_and_none_in_numbers() {
    let bed = Bed::new(1, |_| {});
    let before = bed.l1.header(4).unwrap();
    bed.mine(9);
    let after = bed.l1.header(5).unwrap();
    assert_eq!((after.number, after.timestamp - before.timestamp), (5, 5 * 12));
    assert_eq!(bed.l1.mine(9, &Mine::default()), Err(ControlError::SlotTaken { slot: 9, head: 9 }));
}

#[test]
fn a_reorg_takes_landings_and_messages_back_and_they_come_again() {
    let bed = Bed::new(1, |_| {});
    let (landing, deposit) = (bed.land(0), bed.deposit());
    bed.mine(6);
    let (old, rollup) = (bed.l1.head(), bed.l1.rollup(ROLLUP).unwrap());
    let head = bed.l1.reorg(&Reorg { depth: 2, ..Reorg::default() }).unwrap();
    assert_eq!((head.number, bed.l1.rollup(ROLLUP).unwrap().number), (4, 0));
    assert_eq!(bed.receipt(landing), Value::Null);
    assert_eq!(bed.l1.waiting().len(), 2);
    bed.mine(5);
    bed.mine(6);
    assert_ne!(bed.l1.head(), old);
    let again = bed.l1.rollup(ROLLUP).unwrap();
    assert_eq!((again.headHash, again.inboxHash), (rollup.headHash, rollup.inboxHash));
    assert_ne!(bed.receipt(deposit), Value::Null);
}

#[test]
fn a_reorg_may_drop_what_it_takes_back() {
    let left = |loses| {
        let bed = Bed::new(1, |_| {});
        bed.land(0);
        bed.deposit();
        bed.mine(6);
        let reorg = Reorg { depth: 2, loses, rebuild: true, ..Reorg::default() };
        assert_eq!(bed.l1.reorg(&reorg).unwrap().number, 6);
        (bed.l1.landings(ROLLUP).len(), bed.l1.messages(ROLLUP).len())
    };
    assert_eq!(left(Losses::Nothing), (1, 1));
    assert_eq!(left(Losses::Deposits), (1, 0));
    assert_eq!(left(Losses::Landings), (0, 1));
    assert_eq!(left(Losses::Everything), (0, 0));
    assert_eq!(left(Losses::Some { percent: 100 }), (0, 0));
    assert_eq!(left(Losses::Some { percent: 0 }), (1, 1));
}

#[test]
fn l1_can_flip_back_to_a_branch_that_it_left_and_forth_again() {
    let bed = Bed::new(1, |_| {});
    bed.land(0);
    let first = bed.l1.head();
    bed.l1.reorg(&Reorg { depth: 1, loses: Losses::Everything, rebuild: true, ..Reorg::default() }).unwrap();
    bed.mine(6);
    let second = bed.l1.head();
    assert_eq!((bed.l1.left(), bed.l1.landings(ROLLUP).len()), (vec![first.hash], 0));
    bed.l1.switch_to(first.hash).unwrap();
    assert_eq!((bed.l1.head(), bed.l1.landings(ROLLUP).len()), (first, 1));
    bed.l1.switch_to(second.hash).unwrap();
    assert_eq!((bed.l1.head(), bed.l1.left()), (second, vec![first.hash]));
    // The landing waits again: it was in the branch that was left.
    assert_eq!(bed.l1.waiting().len(), 1);
    bed.mine(7);
    assert_eq!(bed.l1.landings(ROLLUP).len(), 1, "its origin is on both branches");
    assert_eq!(bed.l1.switch_to(B256::ZERO), Err(ControlError::UnknownBlock(B256::ZERO)));
}

#[test]
fn what_is_final_stays_and_finality_can_stop() {
    let bed = Bed::new(1, |config| config.finality_slots = 4);
    bed.mine_all(5..=10);
    assert_eq!(bed.l1.finalised().number, 6);
    let finalised = bed.ask("eth_getBlockByNumber", json!(["finalized", false]));
    assert_eq!(finalised["number"], "0x6");
    let too_deep = bed.l1.reorg(&Reorg { depth: 5, ..Reorg::default() });
    assert_eq!(too_deep, Err(ControlError::Final { depth: 5, head: 10, finalised: 6 }));
    bed.l1.reorg(&Reorg { depth: 4, ..Reorg::default() }).unwrap();
    assert_eq!(bed.l1.finalised().number, 6, "it never goes back");
    bed.l1.stop_finality(true);
    bed.mine_all(7..=30);
    assert_eq!(bed.l1.finalised().number, 6);
    bed.l1.stop_finality(false);
    bed.mine(31);
    assert_eq!(bed.l1.finalised().number, 27);
}

#[test]
fn the_same_seed_and_calls_make_the_same_chain() {
    let head = |seed| {
        let bed = Bed::new(seed, |_| {});
        bed.land(0);
        for _ in 0..4 {
            bed.deposit();
            bed.l1
                .mine(bed.l1.head_slot() + 1, &Mine { left_out_percent: 50, shuffle: true, ..Mine::default() })
                .unwrap();
        }
        bed.l1
            .reorg(&Reorg { depth: 3, loses: Losses::Some { percent: 50 }, rebuild: true, ..Reorg::default() })
            .unwrap()
    };
    assert_eq!(head(1), head(1));
    let heads: std::collections::BTreeSet<B256> = (0..8).map(|seed| head(seed).hash).collect();
    assert!(heads.len() > 1);
}
