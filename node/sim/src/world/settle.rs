//! After the faults: the world has to come to rest, with everything that was promised, and a node that starts from nothing
//! has to find the same chain.

use super::{
    check::{Checker, Violation, unsettled},
    machine::Machine,
    plan::SLOT_MS,
    run::{Report, World},
};
use crate::l1::{LandedState, Offer};
use alloy_eips::BlockNumHash;
use alloy_primitives::{Address, B256};
use std::collections::BTreeMap;

/// Slots in which everything has to settle: the longest pause after refused landings, and some.
const SETTLE_SLOTS: u64 = 90;

/// Slots in which a fresh node has to find the chain.
const FRESH_SLOTS: u64 = 12;

/// Lets L1 go on in calm weather until nothing is left to do, and checks what can only be said at the end.
pub(super) fn settle(world: &mut World, checker: &mut Checker) -> Result<Report, Violation> {
    let (from, mut reasons) = (world.slot(), Vec::new());
    for slot in from + 1..=from + SETTLE_SLOTS {
        next_slot(world, checker, slot)?;
        reasons = open_ends(world);
        if reasons.is_empty() {
            break;
        }
    }
    if !reasons.is_empty() {
        return Err(Violation::NotSettled { slots: SETTLE_SLOTS, reasons });
    }
    let settled_in = world.slot() - from;
    check_landings(world)?;
    fresh(world, checker)?;
    for machine in &world.machines {
        if let Some(running) = machine.running() {
            running.chain.check()?;
        }
    }
    Ok(report(world, settled_in))
}

fn next_slot(world: &mut World, checker: &mut Checker, slot: u64) -> Result<(), Violation> {
    world.come_up(slot * SLOT_MS)?;
    world.mine(slot);
    if slot.is_multiple_of(2) {
        world.users.resend(&world.machines);
    }
    for part in 1..=2 {
        world.come_up(slot * SLOT_MS + part * SLOT_MS / 3)?;
        checker.check(world)?;
    }
    Ok(())
}

/// What is not done yet.
fn open_ends(world: &World) -> Vec<String> {
    let mut reasons: Vec<String> = world.machines.iter().flat_map(|machine| unsettled(world, machine)).collect();
    if let Some(truth) = world.l1.rollup(world.rollup.spec.chain_id)
        && truth.inboxConsumed != truth.inboxCount
    {
        reasons.push(format!("{} of {} messages are consumed", truth.inboxConsumed, truth.inboxCount));
    }
    let Some(running) = world.machines.iter().find_map(Machine::running) else { return reasons };
    let open = |hash: &B256| !running.chain.transaction(*hash).is_ok_and(|found| found.is_some());
    let open: Vec<B256> = world.users.signed().filter(open).collect();
    if let Some(first) = open.first() {
        reasons.push(format!("{} transactions have not landed, {first} for one", open.len()));
    }
    reasons
}

/// One key pays once for a block, and offers one block on a parent as long as L1 stands still.
fn check_landings(world: &World) -> Result<(), Violation> {
    let mut paid: BTreeMap<(Address, B256), B256> = BTreeMap::new();
    let mut refused = BTreeMap::new();
    for (offer, state) in world.l1.included_landings() {
        let Offer { from, block, transaction, .. } = offer;
        if let Some(first) = paid.insert((from, block.hash), transaction) {
            return Err(Violation::LandedTwice { from, block: block.number, first, second: transaction });
        }
        if state == LandedState::Reverted {
            refused.insert(block.hash, ());
        }
    }
    let mut offered: BTreeMap<(Address, B256), B256> = BTreeMap::new();
    for (offer, reorgs) in world.l1.offered_landings() {
        let Offer { from, block: BlockNumHash { number, hash }, parent, .. } = offer;
        let before = offered.insert((from, parent), hash);
        let Some(first) = before.filter(|first| *first != hash) else { continue };
        let is_new_disk = world.machines.iter().any(|machine| machine.address() == Some(from) && machine.disks > 0);
        // After a reorg an origin may be gone, and a node hears of it later than L1 does.
        if reorgs == 0 && !refused.contains_key(&first) && !is_new_disk {
            return Err(Violation::TwoBlocks { from, number, first, second: hash });
        }
    }
    Ok(())
}

/// A node with an empty disk derives the same chain, from L1 alone.
fn fresh(world: &mut World, checker: &mut Checker) -> Result<(), Violation> {
    let endpoints = vec![world.l1.endpoint()];
    // Where followers have archives, this one's endpoint gives as little as theirs.
    world.l1.set_faults(endpoints[0], world.followers_endpoint());
    let mut machine = Machine::new("fresh", endpoints, None);
    if world.plan.shape.has_archives {
        machine.archives = world.machines[..world.plan.shape.sequencers].iter().map(|at| at.shelf.clone()).collect();
    }
    machine.start(&world.executor, &world.l1, &world.rollup)?;
    world.machines.push(machine);
    let from = world.slot();
    let at = world.machines.len() - 1;
    let mut reasons = Vec::new();
    for slot in from + 1..=from + FRESH_SLOTS {
        next_slot(world, checker, slot)?;
        reasons = world.machines.iter().flat_map(|machine| unsettled(world, machine)).collect();
        if reasons.is_empty() {
            break;
        }
    }
    let Some(fresh) = world.machines[at].running().filter(|_| reasons.is_empty()) else {
        return Err(Violation::NotSettled { slots: FRESH_SLOTS, reasons });
    };
    for machine in &world.machines[..at] {
        let Some(running) = machine.running() else { continue };
        for number in 0..=fresh.chain.heads().landed.number {
            let both = (fresh.chain.canonical_hash(number)?, running.chain.canonical_hash(number)?);
            if both.0 != both.1 || fresh.chain.landing(number)? != running.chain.landing(number)? {
                let machine = machine.name.clone();
                return Err(Violation::FreshDiffers { machine, number, fresh: both.0, found: both.1 });
            }
        }
    }
    Ok(())
}

fn report(world: &World, settled_in: u64) -> Report {
    let chain_id = world.rollup.spec.chain_id;
    let included = world.l1.included_landings();
    Report {
        trace: world.executor.trace(),
        polls: world.executor.polls(),
        slots: world.slot(),
        settled_in,
        landed: world.l1.rollup(chain_id).map_or(0, |rollup| rollup.number),
        transactions: world.users.signed().count(),
        messages: world.l1.messages(chain_id).len(),
        reverted: included.iter().filter(|(_, state)| *state == LandedState::Reverted).count(),
    }
}
