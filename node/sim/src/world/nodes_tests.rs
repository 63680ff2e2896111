//! Nodes that are set up otherwise than most: behind archives, and with duties.

use super::{
    check::Checker,
    plan::{Plan, Shape},
    rollup,
    run::World,
    settle::settle,
};
use crate::{l1::proposer, seed::Seed};

/// A calm world of two sequencers and a follower.
fn plan(seed: u64, has_duties: bool, has_archives: bool) -> Plan {
    let shape = Shape {
        sequencers: 2,
        followers: 1,
        endpoints: 1,
        finality_slots: 8,
        slots: 30,
        executed_percent: 0,
        transactions: 30,
        deposits: 5,
        blocks_per_slot: 1,
        has_duties,
        has_archives,
    };
    Plan { seed: Seed(seed), shape, strikes: Vec::new() }
}

fn settles(world: &mut World) -> bool {
    let mut checker = Checker::default();
    world.act(&mut checker).unwrap();
    settle(world, &mut checker).is_ok()
}

#[test]
fn where_l1_gives_neither_blobs_nor_inputs_followers_live_on_archives() {
    let plan = plan(3, false, true);
    assert!(settles(&mut World::new(&plan)));
    let mut world = World::new(&plan);
    for machine in &mut world.machines {
        machine.archives.clear();
    }
    assert!(!settles(&mut world), "a follower has found its blocks elsewhere");
}

#[test]
fn a_sequencer_lands_in_the_slots_that_it_serves_and_where_nobody_else_does() {
    let sequencers: Vec<_> = (0..2).map(|at| (rollup::sequencer(at).address(), rollup::duties(at, 2).served)).collect();
    let (mut served, mut stepped_in) = (0, 0);
    for seed in 4..=9 {
        let mut world = World::new(&plan(seed, true, false));
        assert!(settles(&mut world));
        let first = world.l1.timestamp(0);
        let mut last = 0;
        for landed in world.l1.landings(world.rollup.spec.chain_id) {
            let slot = (world.l1.header(landed.l1.number).unwrap().timestamp - first) / 12;
            let (_, own) = sequencers.iter().find(|(address, _)| *address == landed.landed.proposer).unwrap();
            if own.contains(proposer(slot, 8)) {
                served += 1;
            } else {
                stepped_in += 1;
                assert!(
                    slot > last + 3,
                    "seed {seed}: slot {slot} is another's, and the last landing is of slot {last}"
                );
            }
            last = slot;
        }
    }
    assert!(served >= 30 && stepped_in >= 1, "{served} in served slots, {stepped_in} in others");
}
