//! Several landings in flight on one key, of one rollup or of several: which nonce each block gets, and what becomes of nonces whose
//! block failed.
//!
//! ```text
//!   nonce   40      41      42      43      44      45
//!         landed  landing errand  landing  dead   cancel  landing: a block on its way, one [`Landing`] machine
//!         A, n-1   A, n           B, m                    errand:  a call of Hub between landings, such as `forward`
//!                                                         dead:    pools may hold a transaction that can't succeed
//!                                                         cancel:  a transfer to ourselves in its place
//! ```
//! A rollup's blocks take nonces in their order. An errand may name what has to land before it ([`Errand::after`]), and a block the
//! errand whose messages it consumes already ([`Block::after`]). When one of them ends without success, what needs it is unwound, a
//! block's children among it, and nothing else: transactions are free again, and nonces dead, until something new takes them or, after
//! [`CANCEL_AFTER`] L1 blocks, a transfer to ourselves does. A dead transaction behind one that is under way would be included right after
//! it, and burn its gas, so it is cancelled as soon as the slot's blocks are sealed ([`Event::Quiet`]).
//!
//! Each step is one [`Effect::Persist`] with every nonce that changed, atomically, and then what it allows. **Order hazard:
//! it is fsynced before what stands behind it is done.** So a crash between any two effects loses nothing that was sent.
//!
//! Each rollup has a node of its own, which hears of L1 in its own time: a head is about one rollup's landings, and the newest of all
//! about the account.
//!
//! Must not know: what a block or an errand holds, keys, L1 endpoints, how long an L1 block takes.
//!
//! Invariants (tested over random events with crashes):
//! - one nonce has one owner, one block one nonce: no block is landed twice;
//! - the nonces of a rollup's blocks in flight ascend with their numbers, and each is the child of the one before;
//! - what a transaction needs has a lower nonce;
//! - what shares a nonce with an earlier transaction outbids it;
//! - below a transaction under way no nonce stays empty: L1 would wait for it for ever.

mod ends;
mod heads;
mod io;
mod slot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;

use super::{
    Effect as LandingEffect, Event as LandingEvent, Fees, Height, L1Head, Landing, Market, Outcome, Policy, Record,
    Report, Target,
};
pub use io::{Block, Effect, Errand, Event, Head, Place, View, What};
pub use slot::{Cancel, Dead, Flight, Run, Slot};

/// L1 blocks that a dead transaction may wait for a new landing to take its nonce before it is cancelled.
pub const CANCEL_AFTER: u64 = 2;

/// Gas limit of a cancelling transaction: a transfer without data.
pub const CANCEL_GAS: u64 = 21_000;

/// A landing this many L1 blocks deep is no longer kept ready, final or not, so that an L1 which does not finalise does
/// not fill the lane: twice the deepest L1 reorg that is undone block by block.
pub const KEPT_L1_BLOCKS: u64 = 128;

/// The chain id in the record of a transaction that lands no block.
const NO_ROLLUP: u64 = 0;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    policy: Policy,
    slots: BTreeMap<u64, Slot>,
    /// The account's next nonce on L1, as last heard.
    account_nonce: u64,
    /// The L1 head and its prices, as last heard.
    l1: Option<(u64, Market)>,
    /// The newest L1 head that the account was looked at: the nodes of other rollups may be behind it.
    heard: u64,
}

impl Lane {
    /// An empty one.
    pub const fn new(policy: Policy) -> Self {
        Self { policy, slots: BTreeMap::new(), account_nonce: 0, l1: None, heard: 0 }
    }

    /// After a restart, from what [`Effect::Persist`] wrote: what may be on L1's wires is sent again as it was. Blocks of rollups
    /// other than `served` are given up: nobody would hear of their landing.
    pub fn resume(served: &BTreeSet<u64>, policy: Policy, slots: BTreeMap<u64, Slot>) -> (Self, Vec<Effect>) {
        let before = slots.clone();
        let mut lane = Self { slots, ..Self::new(policy) };
        let mut effects = Vec::new();
        let is_strange = |flight: &Flight| !served.contains(&flight.block.chain_id);
        let strange = |lane: &Self| lane.flights().find(|(_, flight)| is_strange(flight)).map(|(nonce, _)| nonce);
        while let Some(nonce) = strange(&lane) {
            lane.unwind(nonce, &mut effects);
        }
        for (nonce, slot) in &mut lane.slots {
            let what = slot.what();
            let Some(landing) = slot.landing_mut() else { continue };
            let Some(record) = landing.record().cloned() else { continue };
            let (resumed, todo) = Landing::resume(record);
            *landing = resumed;
            effects.extend(todo.into_iter().filter_map(|effect| io::outward(*nonce, what, effect)));
        }
        persist(&before, &lane.slots, &mut effects);
        (lane, effects)
    }

    /// What holds each nonce.
    pub const fn slots(&self) -> &BTreeMap<u64, Slot> {
        &self.slots
    }

    /// Blocks on their way that have not landed, by nonce: a rollup's are ascending.
    pub fn in_flight(&self) -> impl DoubleEndedIterator<Item = &Flight> {
        self.flights().map(|(_, flight)| flight).filter(|flight| flight.is_open())
    }

    /// Errands that are not final, by nonce.
    pub fn errands(&self) -> impl DoubleEndedIterator<Item = &Run> {
        self.slots.values().filter_map(Slot::errand)
    }

    /// Whether what `nonce` holds waits for nothing else that is on its way: L1 can say what would become of it.
    pub fn is_ready(&self, nonce: u64) -> bool {
        let needs = match self.slots.get(&nonce) {
            Some(Slot::Landing(flight)) => [Some(flight.block.parent_hash), flight.block.after],
            Some(Slot::Errand(run)) => [run.errand.after, None],
            Some(Slot::Dead(_) | Slot::Cancel(_)) | None => return true,
        };
        let below = self.slots.range(..nonce).filter(|(_, slot)| slot.is_open());
        !below.map(|(_, slot)| Some(slot.name())).any(|name| needs.contains(&name))
    }

    /// Whether an [`Effect::Send`] is still to be done: the answer to one before it in the list may have unwound it.
    pub fn is_wanted(&self, nonce: u64, what: What, fees: Fees) -> bool {
        self.slots.get(&nonce).is_some_and(|slot| {
            slot.is_open() && slot.what() == what && slot.record().is_some_and(|record| record.last().fees == fees)
        })
    }

    fn flights(&self) -> impl DoubleEndedIterator<Item = (u64, &Flight)> {
        self.slots.iter().filter_map(|(nonce, slot)| match slot {
            Slot::Landing(flight) => Some((*nonce, flight)),
            Slot::Errand(_) | Slot::Dead(_) | Slot::Cancel(_) => None,
        })
    }

    /// One step.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        let before = self.slots.clone();
        let mut effects = Vec::new();
        match event {
            Event::Sealed { block, view } => self.on_sealed(block, view, &mut effects),
            Event::Errand { errand, view } => self.on_errand(errand, view, &mut effects),
            Event::Sent { nonce, hash } => self.step(nonce, LandingEvent::Sent { hash }, &mut effects),
            Event::SendFailed { nonce, why } => self.step(nonce, LandingEvent::SendFailed { why }, &mut effects),
            Event::Receipt { nonce, hash, l1_number, reverted } => {
                if let Some(Slot::Errand(run)) = self.slots.get_mut(&nonce) {
                    run.done_in = (!reverted).then_some(l1_number);
                }
                self.step(nonce, LandingEvent::Receipt { hash, l1_number, reverted }, &mut effects);
            }
            Event::L1Head(head) => self.on_head(&head, &mut effects),
            Event::Reorged { chain_id, to } => self.on_reorg(chain_id, to, &mut effects),
            Event::Quiet => self.cancel(|lane, nonce, _| lane.is_between(nonce), &mut effects),
        }
        self.drop_free_end();
        persist(&before, &self.slots, &mut effects);
        effects
    }

    fn on_sealed(&mut self, block: Block, view: View, effects: &mut Vec<Effect>) {
        let newest = self.flights().rfind(|(_, flight)| flight.block.chain_id == block.chain_id);
        let extends = newest.is_none_or(|(_, flight)| {
            if flight.is_open() { flight.is_parent_of(&block) } else { flight.block.number < block.number }
        });
        let newest = newest.map(|(nonce, _)| nonce);
        let needed = block.after.map(|errand| self.nonce_of_errand(errand));
        if !extends || needed == Some(None) || self.slots.values().any(|slot| slot.name() == block.hash) {
            // Its parent, or the errand it counts on, was unwound while it was built.
            effects.push(Effect::Requeue { chain_id: block.chain_id, block_hash: block.hash });
            return;
        }
        let place = self.place(newest.max(needed.flatten()), view);
        let target = Target {
            chain_id: block.chain_id,
            number: block.number,
            block_hash: block.hash,
            nonce: place.0,
            gas_limit: block.gas_limit,
            outbid: place.1,
        };
        let Block { chain_id, number, hash: block_hash, after, .. } = block;
        let what = What::Advance { chain_id, number, block_hash, is_bundled: after.is_some() };
        match self.begin(target, view, what, effects) {
            Some(landing) => {
                self.slots.insert(place.0, Slot::Landing(Flight { block, outbid: place.1, landing }));
            }
            None => effects.push(Effect::Requeue { chain_id: block.chain_id, block_hash: block.hash }),
        }
    }

    fn on_errand(&mut self, errand: Errand, view: View, effects: &mut Vec<Effect>) {
        let is_alive = |(_, slot): &(&u64, &Slot)| !matches!(slot, Slot::Dead(_) | Slot::Cancel(_));
        let named = |name: B256| self.slots.iter().filter(is_alive).find(|(_, slot)| slot.name() == name);
        let needed = errand.after.map(|after| named(after).map(|(nonce, _)| *nonce));
        if needed == Some(None) || self.slots.values().any(|slot| slot.name() == errand.id) {
            return; // What it needs was unwound; or it is known.
        }
        let (nonce, outbid) = self.place(needed.flatten(), view);
        let Errand { id, gas_limit, .. } = errand;
        let target = Target { chain_id: NO_ROLLUP, number: 0, block_hash: id, nonce, gas_limit, outbid };
        if let Some(landing) = self.begin(target, view, What::Errand { id }, effects) {
            self.slots.insert(nonce, Slot::Errand(Run { errand, outbid, done_in: None, landing }));
        }
    }

    fn nonce_of_errand(&self, id: B256) -> Option<u64> {
        self.slots
            .iter()
            .find(|(_, slot)| slot.errand().is_some_and(|run| run.errand.id == id))
            .map(|(nonce, _)| *nonce)
    }

    /// The first free nonce behind `after`, and what a dead transaction there has to be outbid by.
    fn place(&mut self, after: Option<u64>, view: View) -> (u64, Option<Fees>) {
        self.account_nonce = view.account_nonce;
        self.l1 = Some((view.l1_number, view.market));
        let from = after.map_or(0, |nonce| nonce + 1).max(view.account_nonce);
        let is_free = |nonce: &u64| self.slots.get(nonce).is_none_or(|slot| matches!(slot, Slot::Dead(_)));
        let nonce = (from..).find(is_free).expect("fewer slots than nonces");
        let outbid = match self.slots.get(&nonce) {
            Some(Slot::Dead(dead)) => dead.outbid,
            Some(Slot::Landing(_) | Slot::Errand(_) | Slot::Cancel(_)) | None => None,
        };
        (nonce, outbid)
    }

    /// Begins with a transaction; `None` when L1 is dearer than the cap, of which the alarm is out.
    fn begin(&mut self, target: Target, view: View, what: What, effects: &mut Vec<Effect>) -> Option<Landing> {
        let nonce = target.nonce;
        let event = LandingEvent::Sealed { target, l1_number: view.l1_number, market: view.market };
        let (landing, todo) = Landing::default().handle(event, &self.policy);
        let begun = landing.record().is_some().then_some(landing);
        effects.extend(todo.into_iter().filter_map(|effect| io::outward(nonce, what, effect)));
        begun
    }
}

/// Puts what the journal has to be told first. Order hazard: on disk before on the wire, see the module.
fn persist(before: &BTreeMap<u64, Slot>, after: &BTreeMap<u64, Slot>, effects: &mut Vec<Effect>) {
    let changed = slot::changes(before, after);
    if !changed.is_empty() {
        effects.insert(0, Effect::Persist(changed));
    }
}
