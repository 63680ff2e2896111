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
    assert_eq!(chain.check().unwrap(), Checked { blocks: 1, accounts: 2, slots: 1, nodes: 1, ..Default::default() });
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
fn states_stand_still_while_the_chain_moves_is_unwound_and_forgets() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [Chain; 2] = [
        Chain::on(Arc::new(Memory::new()), spec(), keeping(2)).unwrap(),
        Chain::open(folder.path(), spec(), keeping(2)).unwrap(),
    ];
    for chain in stores {
        let mut model = Model::genesis(&spec());
        let mut models = vec![model.clone()];
        for _ in 0..4 {
            grow(&chain, &mut model, &mut rng(models.len() as u64), 1);
            models.push(model.clone());
        }
        let held: Vec<_> = (0..5u64).map(|number| chain.state_at(number).unwrap()).collect();
        chain.unwind(2).unwrap();
        let mut model = models[2].clone();
        grow(&chain, &mut model, &mut rng(77), 6);
        finalise(&chain, 8);
        grow(&chain, &mut model, &mut rng(78), 3);
        assert!(matches!(chain.state_at(1), Err(StorageError::StateForgotten { number: 1, oldest: 8 })));
        assert!(matches!(chain.unwind(7), Err(StorageError::UnwindBelowFinalised { .. })));
        for (number, (state, model)) in (0u64..).zip(held.iter().zip(&models)) {
            model.assert_is(&**state);
            model.assert_proven_by(&**state);
            assert_eq!(keccak256(state.header(number).unwrap()), state.block_hash(number).unwrap());
            assert!(state.block_hash(number + 1).is_err());
        }
        chain.check().unwrap();
    }
}

#[test]
fn a_window_that_becomes_shorter_is_caught_up_with_a_few_states_at_a_time() {
    let memory = Memory::new();
    let open = |limits| Chain::on(Arc::new(memory.clone()), spec(), limits).unwrap();
    let chain = open(Limits { history: History::All, ..Limits::default() });
    let mut model = Model::genesis(&spec());
    grow(&chain, &mut model, &mut rng(1), 20);
    finalise(&chain, 20);
    assert_eq!(chain.oldest_state(), 0);
    let chain = open(keeping(3));
    assert_eq!(chain.oldest_state(), 0, "opening forgets nothing");
    for expected in [4, 8, 12, 16, 20, 23, 24] {
        let before = chain.oldest_state();
        grow(&chain, &mut model, &mut rng(expected), 1);
        finalise(&chain, chain.head().number);
        let wanted = chain.head().number - 3;
        assert_eq!(chain.oldest_state(), expected.min(wanted).max(before));
    }
    chain.check().unwrap();
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
            diff.accounts.insert(address(n), AccountDiff { before, after, storage, ..Default::default() });
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
                    assert_eq!(header.state_root, state.tree().root());
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
