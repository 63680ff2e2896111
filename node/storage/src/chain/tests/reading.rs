//! Lookups, refusals, and readers beside a writer.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use super::*;

#[test]
fn a_new_chain_has_its_genesis() {
    let chain = Chain::in_memory(spec()).unwrap();
    let genesis = BlockNumHash { number: 0, hash: spec().genesis_hash() };
    assert_eq!(chain.heads(), Heads { applied: genesis, landed: genesis, finalised: genesis });
    assert_eq!(chain.block(0).unwrap().unwrap().hash(), genesis.hash);
    assert_eq!(chain.receipts(genesis.hash).unwrap(), Some(Vec::new()));
    Model::genesis(&spec()).assert_is(&*chain.state_at_head());
    let code = chain.state_at_head().account(address(0)).unwrap().unwrap().code_hash;
    assert_eq!(chain.state_at_head().code(code).unwrap(), Bytes::from_static(&[0x60, 0x00]));
    assert_eq!(chain.check().unwrap(), Checked { blocks: 1, transactions: 0, accounts: 2, slots: 1 });
}

#[test]
fn transactions_are_found_until_their_block_is_unwound() {
    let chain = Chain::in_memory(spec()).unwrap();
    let block = child(&chain.head(), &*chain.state_at_head(), StateDiff::default(), 3, 1);
    chain.append(&block).unwrap();
    let hash = *block.block.body().transactions[2].tx_hash();
    assert_eq!(chain.transaction(hash).unwrap(), Some(TxPosition { number: 1, index: 2 }));
    chain.unwind(0).unwrap();
    assert_eq!(chain.transaction(hash).unwrap(), None);
}

#[test]
fn a_block_that_is_no_child_of_the_head_is_refused() {
    let chain = Chain::in_memory(spec()).unwrap();
    let first = child(&chain.head(), &*chain.state_at_head(), StateDiff::default(), 0, 1);
    let rival = child(&chain.head(), &*chain.state_at_head(), StateDiff::default(), 0, 2);
    chain.append(&first).unwrap();
    let head = chain.head().num_hash();
    for refused in [&first, &rival] {
        let error = chain.append(refused).unwrap_err();
        assert!(matches!(error, StorageError::DoesNotExtend { number: 1, head: at, .. } if at == head), "{error}");
    }
    assert_eq!(chain.head().num_hash(), head);
}

#[test]
fn an_unwound_block_is_not_canonical_but_not_lost() {
    let chain = Chain::in_memory(spec()).unwrap();
    let blocks = grow(&chain, &mut Model::genesis(&spec()), &mut rng(1), 3);
    let last = &blocks[2];
    assert!(matches!(chain.unwind(4), Err(StorageError::UnwindAboveHead { to: 4, head: 3 })));
    assert_eq!(chain.unwind(3).unwrap(), Vec::new());
    chain.unwind(2).unwrap();
    assert!(chain.block(last.block.hash()).unwrap().is_none());
    assert!(chain.receipts(last.block.hash()).unwrap().is_none());
    assert!(matches!(chain.state_at(3), Err(StorageError::UnknownBlock(_))));
    let (block, bal) = chain.side_block(last.block.hash()).unwrap().unwrap();
    assert_eq!((&block, &bal), (&last.block, &last.bal));
    assert_eq!(chain.side_blocks().unwrap(), vec![block.num_hash()]);
    chain.append(last).unwrap();
    assert_eq!(chain.side_blocks().unwrap(), Vec::new());
    chain.check().unwrap();
}

#[test]
fn flat_state_that_is_not_what_the_block_left_stops_an_unwind() {
    let memory = Memory::new();
    let chain = Chain::on(Arc::new(memory.clone()), spec()).unwrap();
    let blocks = grow(&chain, &mut Model::genesis(&spec()), &mut rng(3), 2);
    let (victim, _) = blocks[1].diff.accounts.iter().find(|(_, change)| change.after.is_some()).unwrap();
    let mut batch = crate::kv::Batch::new();
    batch.put::<schema::Accounts>(victim, &Account { nonce: 999, ..Default::default() });
    memory.write(batch, crate::Durability::Synced).unwrap();
    let error = chain.unwind(1).unwrap_err();
    assert!(matches!(error, StorageError::Corrupt { table: "accounts", .. }), "{error}");
    assert_eq!(chain.head().number, 2);
    assert!(matches!(chain.check(), Err(StorageError::Corrupt { table: "headers", .. })));
}

#[test]
fn readers_never_see_two_heads_at_once() {
    let chain = Chain::in_memory(spec()).unwrap();
    // In block n all three values are n, on whatever fork; a torn read would mix two numbers.
    let diff = |chain: &Chain, value: u64| {
        let state = chain.state_at_head();
        let mut diff = StateDiff::default();
        for n in [10, 11] {
            let before = state.account(address(n)).unwrap();
            let after = Some(Account { nonce: value, balance: U256::from(value), ..Default::default() });
            let slot = state.storage(address(n), U256::ZERO).unwrap();
            let storage = [(U256::ZERO, (slot, U256::from(value)))].into();
            diff.accounts.insert(address(n), AccountDiff { before, after, wiped: false, storage });
        }
        diff
    };
    let extend = |salt| {
        let executed = child(&chain.head(), &*chain.state_at_head(), diff(&chain, chain.head().number + 1), 1, salt);
        chain.append(&executed).unwrap();
    };
    (0..5).for_each(extend);
    let (stop, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let state = chain.state_at_head();
                    let first = state.account(address(10)).unwrap().unwrap();
                    std::thread::yield_now();
                    let last = state.account(address(11)).unwrap().unwrap();
                    let slot = state.storage(address(11), U256::ZERO).unwrap();
                    assert_eq!((first.nonce, U256::from(first.nonce)), (last.nonce, slot));
                    // The parent's header, and from its number the state's own: ancestors are those of this very fork.
                    let number = first.nonce;
                    let own = state.block_hash(number).unwrap();
                    let parent = state.block_hash(number - 1).unwrap();
                    let rlp = state.header(number).unwrap();
                    let header: Header = crate::codec::decode_rlp(&rlp).unwrap();
                    assert_eq!((keccak256(&rlp), header.parent_hash), (own, parent));
                    assert_eq!(header.state_root, state.root());
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut rng = rng(9);
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut salt = 10;
        while rounds.load(Ordering::Relaxed) < 3_000 && Instant::now() < deadline {
            salt += 1;
            let head = chain.head().number;
            if head > 8 && rng.random_ratio(1, 3) {
                chain.unwind(head - rng.random_range(1..4)).unwrap();
            } else {
                extend(salt);
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(rounds.into_inner() >= 3_000, "the readers hardly read");
    chain.check().unwrap();
}
