use alloy_consensus::{Transaction as _, TxEip1559};
use alloy_primitives::{TxKind, U256, address};
use bridge::{
    abi::Messenger,
    message::{InboxChain, Message},
};
use chainspec::predeploys::MESSENGER;
use execution::state::StateView;

use super::*;
use crate::{
    attributes::{Aim, Named, Origin, attributes},
    budget::Settlement,
    pool::{AccountView, Config, Limits, Pool, Rules},
    relay,
    testing::{CHAIN_ID, GWEI, World, sender, sign, transfer},
};

const GAS_LIMIT: u64 = chainspec::dev::L2_GAS_LIMIT;

/// Reads as many storage slots as its calldata has bytes, each at a distance that no cache helps: a witness bomb.
const READER: Address = address!("00000000000000000000000000000000000bead5");
/// `for (i = calldatasize; i != 0; --i) sload(i)`
const READER_CODE: &[u8] = &[0x36, 0x5b, 0x80, 0x54, 0x50, 0x60, 0x01, 0x90, 0x03, 0x80, 0x60, 0x01, 0x57, 0x00];

/// Reads the code of a long contract.
const LONG: Address = address!("00000000000000000000000000000000000b16c0");

fn world() -> World {
    World::new(&[(READER, READER_CODE), (LONG, &vec![0x00; 60_000])])
}

fn pool(txs: impl IntoIterator<Item = RecoveredTx>) -> Pool {
    let mut pool = Pool::new(Config { rules: Rules::rollup(CHAIN_ID, GAS_LIMIT), limits: Limits::default() });
    for tx in txs {
        let balance = U256::from(1_000u128 * 1_000_000_000 * GWEI);
        pool.add(tx, None, AccountView { balance, ..AccountView::default() }, 0).unwrap();
    }
    pool
}

fn send(from: u8, nonce: u64, tip: u128) -> RecoveredTx {
    sign(from, transfer(from, nonce, 100 * GWEI, tip))
}

fn call(from: u8, to: Address, input: usize, gas_limit: u64) -> RecoveredTx {
    let tx = TxEip1559 {
        to: TxKind::Call(to),
        value: U256::ZERO,
        input: vec![1; input].into(),
        gas_limit,
        ..transfer(from, 0, 100 * GWEI, 9)
    };
    sign(from, tx)
}

fn aim(inbox: InboxChain) -> Aim {
    Aim {
        chain_id: CHAIN_ID,
        timestamp: 1_012,
        origin: Origin { number: 5, hash: B256::repeat_byte(5) },
        inbox,
        gas_limit: GAS_LIMIT,
        fee_recipient: sender(0xfe),
        extra_data: Bytes::new(),
    }
}

/// Builds on the head with a budget of that many input bytes, and checks that the block is what anyone else gets.
fn build_with(
    world: &World,
    pool: &Pool,
    bytes: usize,
    change: impl FnOnce(&mut Task<'_>),
) -> Result<Built, BuildError> {
    let state = world.state();
    let (attributes, _) = attributes(&world.head, Named::default(), aim(InboxChain::default())).unwrap();
    let settlement = Settlement { gas_limit: GAS_LIMIT, ..Settlement::default() };
    let fits = |sizes: &Sizes| settlement.fits(sizes) && sizes.input_len() <= bytes;
    let mut task = Task {
        spec: &world.spec,
        parent: &world.head,
        attributes,
        state: &state,
        relay: &[],
        fits: &fits,
        max_transactions: 1_000,
        is_heartbeat: false,
    };
    change(&mut task);
    let base_fee = 1_000_000_000;
    let built = build(task, &mut pool.best(base_fee, 1))?;
    if let Some(executed) = &built.executed {
        let again =
            execution::execute(&world.spec, &world.head, &executed.block, Some(&executed.bal), &world.state()).unwrap();
        assert_eq!(again.block.hash(), executed.block.hash());
        assert_eq!(again.witness, executed.witness);
        assert!(Sizes::of([], &executed.bal, &executed.witness).input_len() <= bytes);
    }
    Ok(built)
}

fn build_block(world: &World, pool: &Pool) -> Built {
    build_with(world, pool, usize::MAX, |_| {}).unwrap()
}

fn senders(built: &Built) -> Vec<u8> {
    built.executed.as_ref().unwrap().block.senders().iter().map(|sender| sender[0]).collect()
}

#[test]
fn the_best_go_first_until_the_pool_is_dry() {
    let (world, pool) = (world(), pool([send(1, 0, 1), send(2, 0, 3), send(3, 0, 2), send(3, 1, 9)]));
    let built = build_block(&world, &pool);
    assert_eq!(senders(&built), [2, 3, 3, 1]);
    assert_eq!(built.included.len(), 4);
    assert_eq!(built.sealed_by, SealedBy::Drained);
    assert!(built.refused.is_empty());
}

#[test]
fn nothing_to_include_gives_no_block_but_for_a_heartbeat() {
    let (world, pool) = (world(), pool([]));
    assert!(build_block(&world, &pool).executed.is_none());
    let built = build_with(&world, &pool, usize::MAX, |task| task.is_heartbeat = true).unwrap();
    assert_eq!(built.executed.unwrap().block.body().transactions.len(), 0);
}

#[test]
fn a_refused_transaction_takes_its_line_along_and_leaves_the_rest() {
    let world = world();
    // Nonce 5 in the pool's eyes is the next one; the chain knows better.
    let mut pool = pool([send(1, 0, 1)]);
    let ahead = AccountView { nonce: 5, balance: U256::from(u128::MAX), ..AccountView::default() };
    for nonce in [5, 6] {
        pool.add(send(2, nonce, 9), None, ahead, 0).unwrap();
    }
    let built = build_block(&world, &pool);
    assert_eq!(senders(&built), [1]);
    let [rejection] = built.refused.as_slice() else { panic!("{:?}", built.refused) };
    assert!(matches!(rejection.reason, Refused::NonceAhead { tx: 5, account: 0 }));
    assert!(!rejection.is_final);
    assert_eq!(built.dropped().count(), 0);
}

#[test]
fn what_can_never_be_valid_is_dropped() {
    let mut world = world();
    let used = pool([send(1, 0, 1)]);
    let built = build_block(&world, &used);
    world.append(built.executed.as_ref().unwrap());
    let state = world.state();
    let aim = Aim { timestamp: 1_024, ..aim(InboxChain::default()) };
    let (attributes, _) = attributes(&world.head, Named::default(), aim).unwrap();
    let task = Task {
        spec: &world.spec,
        parent: &world.head,
        attributes,
        state: &state,
        relay: &[],
        fits: &|_| true,
        max_transactions: 9,
        is_heartbeat: false,
    };
    let built = build(task, &mut used.best(1_000_000_000, 1)).unwrap();
    assert!(built.executed.is_none());
    assert_eq!(built.dropped().collect::<Vec<_>>(), [*send(1, 0, 1).tx_hash()]);
}

#[test]
fn the_budget_shuts_out_what_would_make_the_input_too_long() {
    let world = world();
    let empty = build_with(&world, &pool([]), usize::MAX, |task| task.is_heartbeat = true).unwrap().executed.unwrap();
    let base = Sizes::of([], &empty.bal, &empty.witness).input_len();
    let pool = pool([send(1, 0, 99), call(2, LONG, 0, 100_000), send(3, 0, 1)]);
    let built = build_with(&world, &pool, base + 20_000, |_| {}).unwrap();
    // The long contract does not fit; what comes after it does.
    assert_eq!(senders(&built), [1, 3]);
    let [rejection] = built.refused.as_slice() else { panic!("{:?}", built.refused) };
    assert!(matches!(rejection.reason, Refused::Budget));
    assert_eq!(rejection.sender, sender(2));
    // A block of its own might hold it.
    assert!(!rejection.is_final);
    assert_eq!(built.sealed_by, SealedBy::BudgetFull);
}

#[test]
fn what_exceeds_the_budget_all_alone_is_dropped() {
    let world = world();
    let pool = pool([call(2, LONG, 0, 100_000)]);
    let built = build_with(&world, &pool, 40_000, |_| {}).unwrap();
    assert!(built.executed.is_none());
    assert_eq!(built.dropped().count(), 1);
    assert_eq!(built.sealed_by, SealedBy::BudgetFull);
    assert!(build_block(&world, &pool).executed.is_some());
}

#[test]
fn a_budget_below_an_empty_block_is_an_error() {
    let result = build_with(&world(), &pool([]), 1_000, |_| {});
    assert!(matches!(result, Err(BuildError::BudgetTooSmall)), "{result:?}");
}

#[test]
fn storage_reads_count_as_much_as_bytes_of_calldata() {
    let world = world();
    let few = build_block(&world, &pool([call(1, READER, 1, 5_000_000)])).executed.unwrap();
    let many = build_block(&world, &pool([call(1, READER, 1_000, 5_000_000)])).executed.unwrap();
    assert!(many.bal.len() > few.bal.len() + 1_000);
}

#[test]
fn count_and_gas_end_a_block() {
    let world = world();
    let pool_of_three = pool([send(1, 0, 1), send(2, 0, 1), send(3, 0, 1)]);
    let built = build_with(&world, &pool_of_three, usize::MAX, |task| task.max_transactions = 2).unwrap();
    assert_eq!((senders(&built).len(), built.sealed_by), (2, SealedBy::CountFull));
    let hungry = pool([call(1, LONG, 0, GAS_LIMIT), call(2, LONG, 0, GAS_LIMIT)]);
    let built = build_block(&world, &hungry);
    assert_eq!((senders(&built).len(), built.sealed_by), (1, SealedBy::BlockFull));
    assert!(matches!(built.refused[0].reason, Refused::BlockFull { .. }));
    assert!(!built.refused[0].is_final);
}

fn message(index: u64, to: Address, gas_limit: u64) -> Message {
    let (src_chain_id, dst_chain_id) = (chainspec::dev::L1_CHAIN_ID, CHAIN_ID);
    let (value, fee) = (U256::from(3), U256::from(7));
    Message { src_chain_id, dst_chain_id, index, sender: sender(0x77), to, value, fee, gas_limit, data: Bytes::new() }
}

/// Plans and builds a relay of `messages` by sender 1 on a fresh world.
fn relay_block(world: &World, messages: &[Message], change: impl FnOnce(&mut TxEip1559)) -> Result<Built, BuildError> {
    let inbox = relay::Inbox { chain_id: CHAIN_ID, consumed: InboxChain::default(), named: 0, pending: messages };
    let budget = relay::Budget { gas: GAS_LIMIT, bytes: 50_000, messages: 256 };
    let plan = relay::plan(&inbox, &budget).unwrap();
    let relay = plan.relay.unwrap();
    assert_eq!(relay.messages.len(), messages.len());
    let (attributes, anchor) = attributes(&world.head, Named::default(), aim(plan.inbox)).unwrap();
    let mut tx = TxEip1559 {
        to: TxKind::Call(MESSENGER),
        value: U256::ZERO,
        input: relay.calldata(&anchor, attributes.timestamp),
        gas_limit: relay.gas_limit,
        ..transfer(1, 0, 100 * GWEI, 0)
    };
    change(&mut tx);
    build_with(world, &pool([send(2, 0, 1)]), usize::MAX, |task| {
        task.attributes = attributes;
        task.relay = Box::leak(Box::new([sign(1, tx)]));
    })
}

#[test]
fn inbox_messages_are_relayed_in_the_first_transaction() {
    let mut world = world();
    // New accounts and a contract.
    let messages: Vec<Message> = (0..6)
        .map(|i| message(i, if i == 5 { READER } else { Address::repeat_byte(0xc0 + i as u8) }, 50_000))
        .collect();
    let built = relay_block(&world, &messages, |_| {}).unwrap();
    assert_eq!(senders(&built), [1, 2]);
    assert_eq!(built.included, [*send(2, 0, 1).tx_hash()]);
    let executed = built.executed.unwrap();
    assert!(executed.receipts[0].status());
    world.append(&executed);
    let state = world.state();
    for i in 0..5 {
        assert_eq!(state.account(Address::repeat_byte(0xc0 + i)).unwrap().unwrap().balance, U256::from(3));
    }
    // Slot 34 is `consumedCount`.
    assert_eq!(state.storage(MESSENGER, U256::from(34)).unwrap(), U256::from(6));
    assert!(!Messenger::DEPLOYED_BYTECODE.is_empty());
}

#[test]
fn the_planned_gas_suffices_for_one_message_that_fails_and_one_to_a_new_account() {
    for to in [READER, Address::repeat_byte(0xc1), MESSENGER] {
        for gas_limit in [0, 1_000_000, 9_000_000] {
            let world = World::new(&[(READER, &[0x5b, 0x5f, 0x56])]); // loops until its gas is gone
            let executed = relay_block(&world, &[message(0, to, gas_limit)], |_| {}).unwrap().executed.unwrap();
            assert!(executed.receipts[0].status(), "{to} {gas_limit}");
        }
    }
}

#[test]
fn a_relay_that_fails_or_is_refused_is_an_error_of_the_build() {
    let world = world();
    let messages = [message(0, sender(0xc0), 50_000)];
    let failed = relay_block(&world, &messages, |tx| tx.gas_limit = 120_000);
    assert!(matches!(failed, Err(BuildError::RelayFailed { .. })), "{failed:?}");
    let refused = relay_block(&world, &messages, |tx| tx.nonce = 4);
    assert!(matches!(refused, Err(BuildError::RelayRefused { .. })), "{refused:?}");
}

#[test]
fn a_block_fills_up_within_what_one_landing_carries() {
    let world = world();
    let txs = (1..10u8).flat_map(|from| {
        (0..60).map(move |nonce| {
            let to = TxKind::Call(Address::left_padding_from(&[from, nonce as u8, 1]));
            sign(from, TxEip1559 { to, gas_limit: 250_000, ..transfer(from, nonce, 100 * GWEI, 1) })
        })
    });
    let pool = pool(txs);
    let built = build_block(&world, &pool);
    assert_ne!(built.sealed_by, SealedBy::Drained);
    let executed = built.executed.unwrap();
    let lens = executed.block.body().transactions.iter().map(alloy_eips::eip2718::Encodable2718::encode_2718_len);
    let sizes = Sizes::of(lens, &executed.bal, &executed.witness);
    let cost = Settlement { gas_limit: GAS_LIMIT, ..Settlement::default() }.cost(&sizes).unwrap();
    assert!(cost.execution <= 1 << 24);
    assert!(executed.block.body().transactions.iter().all(|tx| tx.nonce() < 60));
}
