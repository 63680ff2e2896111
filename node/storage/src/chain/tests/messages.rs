//! The index of a rollup's messages says what its blocks' receipts say, at every height, and goes back with them.

use std::time::{Duration, Instant};

use alloy_sol_types::SolEvent;
use bridge::{abi::Messenger, message::Message, outbox::Outbox};
use chainspec::{dev, predeploys::MESSENGER};

use super::*;
use crate::Outcome;

fn rollup() -> Arc<ChainSpec> {
    Arc::new(ChainSpec::from_genesis(dev::l2_genesis(1_000, Bytes::from_static(&[0x00])), Layer::Rollup).unwrap())
}

fn message(index: u64) -> Message {
    Message { index, sender: address(index % 3), to: address(100 + index % 2), gas_limit: index, ..Default::default() }
}

fn log<E: SolEvent>(event: &E) -> Log {
    Log { address: MESSENGER, data: event.encode_log_data() }
}

fn sent(index: u64) -> Log {
    let message = message(index);
    let (leaf, sender) = (message.leaf(), message.sender);
    log(&Messenger::MessageSent { dstChainId: 1, index, sender, message: message.into(), leaf })
}

fn relayed(index: u64, success: bool) -> Log {
    log(&Messenger::MessageRelayed { srcChainId: 1, index, leaf: B256::with_last_byte(index as u8), success })
}

fn retried(index: u64) -> Log {
    log(&Messenger::MessageRetried { srcChainId: 1, index, leaf: B256::with_last_byte(index as u8) })
}

/// A block with one transaction for each list of logs.
fn append(chain: &Chain, logs: Vec<Vec<Log>>) {
    let salt = chain.head().number;
    let mut block = child(&chain.head(), &*chain.state_at_head(), StateDiff::default(), logs.len() as u64, salt);
    for (receipt, logs) in block.receipts.iter_mut().zip(logs) {
        let gas = receipt.cumulative_gas_used();
        let bare = BareReceipt { status: true.into(), cumulative_gas_used: gas, logs };
        *receipt = Receipt::from_typed(TxType::Legacy, bare);
    }
    chain.append(&block).unwrap();
}

#[test]
fn messages_are_found_by_index_party_and_height_and_go_back_with_their_blocks() {
    let chain = Chain::in_memory(rollup()).unwrap();
    let foreign = Log { address: address(5), ..sent(0) };
    append(&chain, vec![vec![sent(0), relayed(0, true)], vec![foreign, sent(1)]]);
    append(&chain, vec![]);
    append(&chain, vec![vec![sent(2), sent(3), sent(4)], vec![relayed(1, false), retried(1), relayed(2, false)]]);
    append(&chain, vec![vec![sent(5), retried(2)]]);
    chain.check().unwrap();

    let mut tree = Outbox::default();
    for index in 0..6 {
        tree.push(message(index).leaf()).unwrap();
    }
    let heights: Vec<u64> = (0..=4).map(|number| chain.outbox_count_at(number).unwrap()).collect();
    assert_eq!(heights, [0, 2, 2, 5, 6]);
    assert_eq!([0, 1, 2, 3, 4].map(|number| chain.delivered_at(number).unwrap()), [0, 1, 1, 3, 3]);
    assert!(matches!(chain.outbox_count_at(5), Err(StorageError::UnknownBlock(_))));
    for count in 1..=6 {
        for index in 0..count {
            let expected = (tree.path(index, count).unwrap(), tree.root_at(count).unwrap());
            assert_eq!(chain.outbox_path(index, count).unwrap(), Some(expected));
        }
        assert_eq!(chain.outbox_path(count, count).unwrap(), None);
    }
    assert_eq!(chain.outbox_path(0, 7).unwrap(), None);

    let found = chain.sent([4, 9, 0, 5]).unwrap();
    assert_eq!(found.iter().map(|sent| sent.message.clone()).collect::<Vec<_>>(), [4, 0, 5].map(message));
    assert_eq!((found[0].at.number, found[0].at.transaction, found[0].at.log), (3, 0, 2));
    assert_eq!(chain.outbox_of(address(0), u64::MAX, 9).unwrap(), [3, 0]);
    assert_eq!(chain.outbox_of(address(100), 4, 9).unwrap(), [2, 0], "recipients, below a cursor");
    assert_eq!(chain.outbox_of(address(101), u64::MAX, 2).unwrap(), [5, 3], "at most so many");

    let outcome = |index| chain.delivery(index).unwrap().map(|delivery| delivery.last().outcome);
    assert_eq!(
        [0, 1, 2, 3].map(outcome),
        [Some(Outcome::Delivered), Some(Outcome::Retried), Some(Outcome::Retried), None]
    );
    chain.unwind(3).unwrap();
    chain.check().unwrap();
    assert_eq!(outcome(2), Some(Outcome::Failed), "not retried any more");
    assert_eq!(chain.outbox_count().unwrap(), 5);
    chain.unwind(1).unwrap();
    chain.check().unwrap();
    assert_eq!((outcome(1), chain.outbox_count().unwrap()), (None, 2));
    append(&chain, vec![vec![sent(2)]]);
    chain.check().unwrap();
    assert_eq!(chain.outbox_path(2, 3).unwrap().unwrap().1, tree.root_at(3).unwrap());
    assert_eq!(chain.deliveries(0, 5).unwrap().len(), 1);
}

#[test]
fn an_l1_keeps_no_index_of_messages() {
    let chain = Chain::in_memory(spec()).unwrap();
    append(&chain, vec![vec![sent(0)]]);
    assert_eq!(chain.outbox_count().unwrap(), 0);
    chain.check().unwrap();
}

#[test]
fn of_a_hundred_thousand_messages_each_is_proven_in_a_moment() {
    const MESSAGES: u64 = 100_000;
    const BLOCK: u64 = 500;
    const ASKED: u64 = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let chain = Chain::open(folder.path(), rollup(), keeping(10)).unwrap();
    let started = Instant::now();
    for first in (0..MESSAGES).step_by(BLOCK as usize) {
        append(&chain, vec![(first..first + BLOCK).map(sent).collect()]);
    }
    let filled = started.elapsed();
    let started = Instant::now();
    for index in (0..MESSAGES).step_by((MESSAGES / ASKED) as usize) {
        let count = chain.outbox_count_at(chain.head().number).unwrap();
        let (path, root) = chain.outbox_path(index, count).unwrap().unwrap();
        assert!(bridge::outbox::verify(root, message(index).leaf(), index, &path));
    }
    let each = started.elapsed() / ASKED as u32;
    println!("{MESSAGES} messages in {filled:?}; a count at a height, a path and a root in {each:?}");
    assert!(each < Duration::from_millis(5), "{each:?}");
}
