//! Several blocks of one slot, on the modelled L1.

use super::{
    machine::Machine,
    rollup::{self, L1Shape, Rollup},
    tests::{run_to, transfer},
};
use crate::{
    executor::{Config, Executor},
    l1::{Execution, L1, Mine, Reorg},
    seed::Seed,
};
use alloy_primitives::Address;
use execution::StateView as _;
use rpc::Submit as _;
use std::collections::BTreeSet;

/// Transactions that fill more than two blocks: each makes an account.
const USERS: usize = 4;
const EACH: u64 = 60;

struct World {
    executor: Executor,
    rollup: Rollup,
    l1: L1,
    sequencer: Machine,
}

impl World {
    /// A sequencer that may land three blocks in a slot, running at slot 3.
    fn new(seed: u64) -> Self {
        let executor = Executor::new(Seed(seed), Config::default());
        let shape = L1Shape { finality_slots: 8, execution: Execution::Always };
        let (rollup, l1) = Rollup::registered(Seed(seed), shape);
        let mut sequencer = Machine::new("sequencer", vec![l1.endpoint()], Some(rollup::sequencer(0)));
        sequencer.blocks_per_slot = 3;
        let mut world = Self { executor, rollup, l1, sequencer };
        world.run_to(2);
        world.start();
        world.run_to(3);
        world
    }

    fn start(&mut self) {
        self.sequencer.start(&self.executor, &self.l1, &self.rollup).unwrap();
    }

    fn run_to(&self, slot: u64) {
        run_to(&self.executor, &self.l1, slot);
    }

    fn load(&self) {
        let pool = self.sequencer.running().expect("it has started").pool.expect("it is a sequencer");
        for nonce in 0..EACH {
            for user in 0..USERS {
                futures::executor::block_on(pool.submit(transfer(user, nonce, paid(user, nonce)))).unwrap();
            }
        }
    }

    fn landed(&self) -> u64 {
        self.l1.rollup(self.rollup.spec.chain_id).unwrap().number
    }

    /// All transactions landed once, and the sequencer's chain is what L1 says.
    fn check(&self) {
        let chain = self.sequencer.running().unwrap().chain;
        assert_eq!(chain.head().hash(), self.l1.rollup(self.rollup.spec.chain_id).unwrap().headHash);
        let state = chain.state_at_head();
        for user in rollup::users().iter().take(USERS) {
            assert_eq!(state.account(user.address).unwrap().unwrap().nonce, EACH);
        }
    }
}

fn paid(user: usize, nonce: u64) -> Address {
    let mut address = Address::repeat_byte(0xa0 + user as u8);
    address[19] = nonce as u8;
    address
}

#[test]
fn several_full_blocks_of_one_slot_land_in_one_l1_block() {
    let world = World::new(1);
    world.load();
    let mut most = 0;
    for slot in 4..10 {
        let before = world.landed();
        world.run_to(slot);
        most = most.max(world.landed() - before);
    }
    assert!((2..=3).contains(&most), "{most}");
    world.check();
    let chain = world.sequencer.running().unwrap().chain;
    let times: Vec<u64> = (0..=world.landed()).map(|number| chain.header(number).unwrap().unwrap().timestamp).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[test]
fn an_l1_reorg_takes_them_all_back_and_they_land_again() {
    for depth in 1..4 {
        let world = World::new(10 + depth);
        world.load();
        world.run_to(6);
        assert!(world.landed() >= 2);
        world.l1.reorg(&Reorg { depth, ..Reorg::default() }).unwrap();
        world.run_to(16);
        world.check();
    }
}

#[test]
fn a_crash_between_sealing_and_landing_loses_nothing() {
    for seed in 20..24 {
        let mut world = World::new(seed);
        world.load();
        // Sealed for slot 5 and sent, not landed.
        let slot = world.l1.head_slot() + 1;
        world.l1.mine(slot, &Mine { is_empty: true, ..Mine::default() }).unwrap();
        world.executor.run_until(world.l1.timestamp(slot + 1) * 1_000 - 200 * (seed - 19)).unwrap();
        world.sequencer.kill(&world.executor);
        world.sequencer.disk = world.sequencer.disk.crash();
        world.start();
        world.run_to(14);
        world.check();
    }
}

#[test]
fn the_gas_limit_rises_while_blocks_are_full_and_falls_when_they_are_not() {
    let world = World::new(30);
    world.load();
    world.run_to(8);
    let full = world.landed();
    let pool = world.sequencer.running().unwrap().pool.unwrap();
    for slot in 9..15 {
        let nonce = EACH + slot - 9;
        futures::executor::block_on(pool.submit(transfer(0, nonce, paid(0, 0)))).unwrap();
        world.run_to(slot);
    }
    let chain = world.sequencer.running().unwrap().chain;
    let headers: Vec<_> = (0..=world.landed()).map(|number| chain.header(number).unwrap().unwrap()).collect();
    let (mut rises, mut falls) = (0, 0);
    for pair in headers.windows(2) {
        let (parent, child) = (&pair[0], &pair[1]);
        let is_wanted = 2 * parent.gas_used;
        // As near to twice what the parent used as a block may move; the first one has no use before it.
        if is_wanted > parent.gas_limit {
            assert!(child.gas_limit > parent.gas_limit, "block {} of {full}", child.number);
            rises += 1;
        } else if is_wanted + parent.gas_limit / 1_024 < parent.gas_limit {
            assert!(child.gas_limit < parent.gas_limit, "block {}", child.number);
            falls += 1;
        }
    }
    assert!(rises >= 2 && falls >= 4, "{rises} rises, {falls} falls");
}

#[test]
fn two_sequencers_that_race_for_every_height_lose_no_transaction_and_leave_no_dead_landing() {
    for seed in 40..44 {
        let mut world = World::new(seed);
        let mut rival = Machine::new("rival", vec![world.l1.endpoint()], Some(rollup::sequencer(1)));
        rival.blocks_per_slot = 3;
        rival.start(&world.executor, &world.l1, &world.rollup).unwrap();
        world.run_to(4);
        let pools = [&world.sequencer, &rival].map(|machine| machine.running().unwrap().pool.unwrap());
        for nonce in 0..EACH {
            for user in 0..USERS {
                let pool = &pools[user % 2];
                futures::executor::block_on(pool.submit(transfer(user, nonce, paid(user, nonce)))).unwrap();
            }
        }
        // A proposer orders landings as it likes, and leaves some out.
        for slot in 5..30 {
            world.executor.run_until(world.l1.timestamp(slot) * 1_000).unwrap();
            let mine = Mine { shuffle: true, left_out_percent: 20, ..Mine::default() };
            world.l1.mine(slot, &mine).unwrap();
        }
        world.run_to(44);
        world.check();
        let proposers: BTreeSet<Address> =
            world.l1.landings(world.rollup.spec.chain_id).into_iter().map(|landed| landed.landed.proposer).collect();
        assert_eq!(proposers.len(), 2, "both land");
        assert!(world.l1.waiting().is_empty(), "no dead landing is left to burn");
        let own = rival.running().unwrap().chain.head().hash();
        assert_eq!(own, world.sequencer.running().unwrap().chain.head().hash());
        world.sequencer.kill(&world.executor);
    }
}
