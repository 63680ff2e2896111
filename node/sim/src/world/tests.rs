//! Whole nodes on the modelled L1.

use super::{
    machine::{Machine, Stage},
    rollup::{self, L1Shape, Rollup},
};
use crate::{
    executor::{Config, Executor, Stop},
    l1::{Deposit, Execution, L1, Mine},
    seed::Seed,
    wire::Latency,
};
use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_network::TxSignerSync as _;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use execution::StateView as _;
use rpc::Submit as _;

const ETHER: u128 = 1_000_000_000_000_000_000;

pub(super) fn transfer(user: usize, nonce: u64, to: Address) -> Bytes {
    let signer = rollup::signer(rollup::users()[user].key);
    let mut tx = TxEip1559 {
        chain_id: chainspec::dev::L2_CHAIN_ID,
        nonce,
        gas_limit: 300_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(to),
        value: U256::from(ETHER),
        ..Default::default()
    };
    let signature = signer.sign_transaction_sync(&mut tx).unwrap();
    tx.into_signed(signature).encoded_2718().into()
}

/// Mines every slot in turn until the head is at `slot`, and lets the nodes see it for half a slot.
pub(super) fn run_to(executor: &Executor, l1: &L1, slot: u64) {
    for slot in l1.head_slot() + 1..=slot {
        assert_eq!(executor.run_until(l1.timestamp(slot) * 1_000), Ok(Stop::Done));
        l1.mine(slot, &Mine::default()).unwrap();
    }
    assert_eq!(executor.run_until(l1.timestamp(slot) * 1_000 + 6_000), Ok(Stop::Done));
}

fn world(seed: u64) -> (u64, u64) {
    let executor = Executor::new(Seed(seed), Config::default());
    let shape = L1Shape { finality_slots: 4, execution: Execution::Always };
    let (rollup, l1) = Rollup::registered(Seed(seed), shape);
    let mut sequencer = Machine::new("sequencer", vec![l1.endpoint()], Some(rollup::sequencer(0)));
    let mut follower = Machine::new("follower", vec![l1.endpoint()], None);
    run_to(&executor, &l1, 2);
    for machine in [&mut sequencer, &mut follower] {
        machine.start(&executor, &l1, &rollup, &Latency::default()).unwrap();
    }
    run_to(&executor, &l1, 3);
    let pool = sequencer.running().expect("it has started").pool.expect("it is a sequencer");
    let (paid, bridged) = (Address::repeat_byte(0xa1), Address::repeat_byte(0xa2));
    for nonce in 0..3 {
        futures::executor::block_on(pool.submit(transfer(0, nonce, paid))).unwrap();
    }
    let deposit = Deposit {
        chain_id: rollup.spec.chain_id,
        to: bridged,
        value: U256::from(2 * ETHER),
        fee: U256::from(ETHER),
        gas_limit: 50_000,
        data: Bytes::new(),
    };
    l1.deposit(rollup::users()[1].address, deposit).unwrap();
    run_to(&executor, &l1, 12);
    let truth = l1.rollup(rollup.spec.chain_id).unwrap();
    assert!(truth.number >= 2, "{truth:?}");
    assert_eq!(truth.inboxConsumed, 1);
    for machine in [&sequencer, &follower] {
        let chain = machine.running().unwrap().chain;
        let head = chain.head();
        assert_eq!((head.number, head.hash()), (truth.number, truth.headHash), "{}", machine.name);
        let state = chain.state_at_head();
        let balance = |address| state.account(address).unwrap().unwrap_or_default().balance;
        assert_eq!(balance(paid), U256::from(3 * ETHER));
        assert_eq!(balance(bridged), U256::from(2 * ETHER));
        assert!(chain.heads().finalised.number >= 2);
    }

    // A crash takes what was not synced; the next life derives it again.
    follower.kill(&executor);
    follower.disk = follower.disk.crash();
    follower.start(&executor, &l1, &rollup, &Latency::default()).unwrap();
    run_to(&executor, &l1, 14);
    let running = follower.running().unwrap_or_else(|| panic!("{:?}", follower.stage()));
    assert_eq!(running.chain.head().hash(), l1.rollup(rollup.spec.chain_id).unwrap().headHash);
    assert!(matches!(follower.stage(), Some(Stage::Running(_))));
    (executor.trace(), executor.polls())
}

#[test]
fn a_sequencer_lands_deposits_and_transactions_and_a_follower_has_the_same_chain() {
    let (trace, polls) = world(1);
    assert_eq!((trace, polls), world(1), "the same seed makes the same run");
    assert_ne!(trace, world(2).0);
}
