//! Several landings in flight on one key: which nonce each block gets, and what becomes of nonces whose block failed.
//!
//! ```text
//!   nonce   40      41      42      43      44
//!         landed  landing landing  dead   cancel          landing: a block on its way, one [`Landing`] machine
//!          n-1      n      n+1                            dead:    pools may hold a transaction that can't succeed
//!                                                         cancel:  a transfer to ourselves in its place
//! ```
//! Blocks take nonces in their order. When one of them ends without having landed, everything built on it is unwound:
//! their transactions are free again, and their nonces dead, until a new landing takes them or, after [`CANCEL_AFTER`]
//! L1 blocks, a transfer to ourselves does. A dead transaction behind one that is under way would be included right after
//! it, and burn its gas, so it is cancelled as soon as the slot's blocks are sealed ([`Event::Quiet`]).
//!
//! Each step is one [`Effect::Persist`] with every nonce that changed, atomically, and then what it allows. **Order hazard:
//! it is fsynced before what stands behind it is done.** So a crash between any two effects loses nothing that was sent.
//!
//! Must not know: what a block holds, keys, L1 endpoints, how long an L1 block takes.
//!
//! Invariants (tested over random events with crashes):
//! - one nonce has one owner, one block one nonce: no block is landed twice;
//! - the nonces of blocks in flight ascend with their numbers, and each is the child of the one before;
//! - what shares a nonce with an earlier transaction outbids it;
//! - below a transaction under way no nonce stays empty: L1 would wait for it for ever.

mod io;
mod slot;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use alloy_primitives::B256;

use super::{
    Effect as LandingEffect, Event as LandingEvent, Fees, Height, L1Head, Landing, Market, Outcome, Policy, Record,
    Report, Target,
};
pub use io::{Block, Effect, Event, Head, Place, View, What};
pub use slot::{Cancel, Dead, Flight, Slot};

/// L1 blocks that a dead transaction may wait for a new landing to take its nonce before it is cancelled.
pub const CANCEL_AFTER: u64 = 2;

/// Gas limit of a cancelling transaction: a transfer without data.
pub const CANCEL_GAS: u64 = 21_000;

/// A landing this many L1 blocks deep is no longer kept ready, final or not, so that an L1 which does not finalise does
/// not fill the lane: twice the deepest L1 reorg that is undone block by block.
pub const KEPT_L1_BLOCKS: u64 = 128;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// L2 chain id.
    chain_id: u64,
    policy: Policy,
    slots: BTreeMap<u64, Slot>,
    /// The account's next nonce on L1, as last heard.
    account_nonce: u64,
    /// The L1 head and its prices, as last heard.
    l1: Option<(u64, Market)>,
}

impl Lane {
    /// An empty one, for blocks of the rollup with `chain_id`.
    pub const fn new(chain_id: u64, policy: Policy) -> Self {
        Self { chain_id, policy, slots: BTreeMap::new(), account_nonce: 0, l1: None }
    }

    /// After a restart, from what [`Effect::Persist`] wrote: what may be on L1's wires is sent again as it was.
    pub fn resume(chain_id: u64, policy: Policy, slots: BTreeMap<u64, Slot>) -> (Self, Vec<Effect>) {
        let mut lane = Self { slots, ..Self::new(chain_id, policy) };
        let mut effects = Vec::new();
        for (nonce, slot) in &mut lane.slots {
            let Some(landing) = slot.landing_mut() else { continue };
            let Some(record) = landing.record().cloned() else { continue };
            let (resumed, todo) = Landing::resume(record);
            *landing = resumed;
            let what = slot.what();
            effects.extend(todo.into_iter().filter_map(|effect| io::outward(*nonce, what, effect)));
        }
        (lane, effects)
    }

    /// What holds each nonce.
    pub const fn slots(&self) -> &BTreeMap<u64, Slot> {
        &self.slots
    }

    /// Blocks on their way that have not landed, ascending.
    pub fn in_flight(&self) -> impl DoubleEndedIterator<Item = &Flight> {
        self.flights().map(|(_, flight)| flight).filter(|flight| flight.is_open())
    }

    /// Whether `nonce` holds the first block of those on their way: its parent has landed, so L1 can say whether it would.
    pub fn is_first(&self, nonce: u64) -> bool {
        self.flights().find(|(_, flight)| flight.is_open()).is_some_and(|(first, _)| first == nonce)
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
            Slot::Dead(_) | Slot::Cancel(_) => None,
        })
    }

    /// One step.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        let before = self.slots.clone();
        let mut effects = Vec::new();
        match event {
            Event::Sealed { block, view } => self.on_sealed(block, view, &mut effects),
            Event::Sent { nonce, hash } => self.step(nonce, LandingEvent::Sent { hash }, &mut effects),
            Event::SendFailed { nonce, why } => self.step(nonce, LandingEvent::SendFailed { why }, &mut effects),
            Event::Receipt { nonce, hash, l1_number, reverted } => {
                self.step(nonce, LandingEvent::Receipt { hash, l1_number, reverted }, &mut effects);
            }
            Event::L1Head(head) => self.on_head(&head, &mut effects),
            Event::Reorged { to } => self.on_reorg(to, &mut effects),
            Event::Quiet => self.cancel(|lane, nonce, _| lane.is_between(nonce), &mut effects),
        }
        self.drop_free_end();
        let changed = slot::changes(&before, &self.slots);
        if !changed.is_empty() {
            // Order hazard: on disk before on the wire, see the module.
            effects.insert(0, Effect::Persist(changed));
        }
        effects
    }

    fn on_sealed(&mut self, block: Block, view: View, effects: &mut Vec<Effect>) {
        self.account_nonce = view.account_nonce;
        self.l1 = Some((view.l1_number, view.market));
        let newest = self.flights().next_back();
        let extends = newest.is_none_or(|(_, flight)| {
            if flight.is_open() { flight.is_parent_of(&block) } else { flight.block.number < block.number }
        });
        let is_known = |slot: &Slot| slot.block_hash() == block.hash;
        if !extends || self.slots.values().any(is_known) {
            // Its parent was unwound while it was built.
            effects.push(Effect::Requeue { block_hash: block.hash });
            return;
        }
        let from = newest.map_or(0, |(nonce, _)| nonce + 1).max(view.account_nonce);
        let is_free = |nonce: &u64| self.slots.get(nonce).is_none_or(|slot| matches!(slot, Slot::Dead(_)));
        let nonce = (from..).find(is_free).expect("fewer slots than nonces");
        let outbid = match self.slots.get(&nonce) {
            Some(Slot::Dead(dead)) => dead.outbid,
            Some(Slot::Landing(_) | Slot::Cancel(_)) | None => None,
        };
        let target = Target {
            chain_id: self.chain_id,
            number: block.number,
            block_hash: block.hash,
            nonce,
            gas_limit: block.gas_limit,
            outbid,
        };
        let event = LandingEvent::Sealed { target, l1_number: view.l1_number, market: view.market };
        let (landing, todo) = Landing::default().handle(event, &self.policy);
        if landing.record().is_none() {
            effects.push(Effect::Requeue { block_hash: block.hash });
        }
        let what = What::Advance { number: block.number, block_hash: block.hash };
        effects.extend(todo.into_iter().filter_map(|effect| io::outward(nonce, what, effect)));
        if landing.record().is_some() {
            self.slots.insert(nonce, Slot::Landing(Flight { block, outbid, landing }));
        }
    }

    /// Hands `event` to the machine at `nonce`, and unwinds what it ended.
    fn step(&mut self, nonce: u64, event: LandingEvent, effects: &mut Vec<Effect>) {
        let Some(slot) = self.slots.get_mut(&nonce) else { return };
        let what = slot.what();
        let Some(landing) = slot.landing_mut() else { return };
        let (next, todo) = std::mem::take(landing).handle(event, &self.policy);
        let ended = next.is_over();
        *landing = next;
        let is_second = matches!(slot, Slot::Landing(flight) if flight.outbid.is_some());
        let named = |effect| match effect {
            // Not a stranger's transaction: the one of ours that was to be outbid.
            LandingEffect::Report(Report::Displaced { nonce }) if is_second => {
                LandingEffect::Report(Report::Overtaken { nonce })
            }
            effect => effect,
        };
        effects.extend(todo.into_iter().filter_map(|effect| io::outward(nonce, what, named(effect))));
        if ended {
            self.end(nonce, effects);
        }
    }

    /// The machine at `nonce` is over: its nonce is final, spent or dead, and what was built on a failed block is unwound.
    fn end(&mut self, nonce: u64, effects: &mut Vec<Effect>) {
        match self.slots.get(&nonce) {
            Some(Slot::Landing(flight)) => {
                if matches!(flight.landing.record().map(|record| record.outcome), Some(Outcome::Final { .. })) {
                    self.slots.remove(&nonce);
                } else {
                    self.unwind(nonce, effects);
                }
            }
            Some(Slot::Cancel(cancel)) => {
                let dead = cancel.landing.record().map(|record| self.dead(record, cancel.dead.outbid));
                self.slots.insert(nonce, Slot::Dead(dead.unwrap_or(cancel.dead)));
            }
            Some(Slot::Dead(_)) | None => {}
        }
    }

    /// Gives up the block at `nonce` and all behind it: no later one can land without it.
    fn unwind(&mut self, nonce: u64, effects: &mut Vec<Effect>) {
        let mut is_first = true;
        for at in self.slots.range(nonce..).map(|(at, _)| *at).collect::<Vec<_>>() {
            let Some(Slot::Landing(flight)) = self.slots.get(&at) else { continue };
            let Some(record) = flight.landing.record() else { continue };
            let (number, block_hash) = (record.number, record.block_hash);
            let dead = self.dead(record, flight.outbid);
            effects.push(Effect::Requeue { block_hash });
            if !is_first {
                effects.push(Effect::Report { number, report: Report::Unwound });
            }
            is_first = false;
            self.slots.insert(at, Slot::Dead(dead));
        }
    }

    /// What is left of a transaction that can't do its work any more, in whose place `earlier` ones may still be.
    fn dead(&self, record: &Record, earlier: Option<Fees>) -> Dead {
        let l1_number = self.l1.map_or(0, |(number, _)| number);
        Dead {
            number: record.number,
            block_hash: record.block_hash,
            outbid: if record.is_out() { Some(record.highest_fees()) } else { earlier },
            since: l1_number,
            spent_at: (self.account_nonce > record.nonce).then_some(l1_number),
        }
    }

    fn on_head(&mut self, head: &Head, effects: &mut Vec<Effect>) {
        self.account_nonce = head.account_nonce;
        self.l1 = Some((head.number, head.market));
        let finalized = head.finalized.max(head.number.saturating_sub(KEPT_L1_BLOCKS));
        let fact = |height| {
            let Head { number, account_nonce, market, .. } = *head;
            LandingEvent::L1Head(L1Head { number, finalized, height, account_nonce, market })
        };
        for nonce in self.slots.keys().copied().collect::<Vec<_>>() {
            match self.slots.get_mut(&nonce) {
                Some(Slot::Landing(flight)) => {
                    let height = head.height(&flight.block);
                    self.step(nonce, fact(height), effects);
                }
                Some(Slot::Cancel(_)) => self.step(nonce, fact(Height::Open), effects),
                Some(Slot::Dead(dead)) => {
                    let is_forgotten = dead.on_head(nonce, head.number, head.account_nonce, finalized);
                    if is_forgotten {
                        self.slots.remove(&nonce);
                    }
                }
                None => {}
            }
        }
        self.unwind_orphans(head, effects);
        self.close_gaps(head.number);
        self.cancel(|_, _, dead| head.number.saturating_sub(dead.since) >= CANCEL_AFTER, effects);
    }

    /// A block whose parent neither landed nor is on its way can't land. (One whose parent lost has lost itself, see
    /// [`Head::height`].)
    fn unwind_orphans(&mut self, head: &Head, effects: &mut Vec<Effect>) {
        let mut tip = head.landed.hash;
        let mut orphan = None;
        for (nonce, flight) in self.flights().filter(|(_, flight)| flight.block.number > head.landed.number) {
            if flight.block.parent_hash != tip {
                orphan = Some((nonce, flight.block.number));
                break;
            }
            tip = flight.block.hash;
        }
        if let Some((nonce, number)) = orphan {
            effects.push(Effect::Report { number, report: Report::Unwound });
            self.unwind(nonce, effects);
        }
    }

    fn on_reorg(&mut self, to: u64, effects: &mut Vec<Effect>) {
        let orphaned = self.flights().find(|(_, flight)| flight.block.origin > to).map(|(nonce, flight)| {
            // Hub would refuse it, and all behind it name the same origin or a later one.
            let report = Report::OriginGone { origin: flight.block.origin };
            (nonce, Effect::Report { number: flight.block.number, report })
        });
        if let Some((nonce, report)) = orphaned {
            effects.push(report);
            self.unwind(nonce, effects);
        }
        for nonce in self.slots.keys().copied().collect::<Vec<_>>() {
            if let Some(Slot::Dead(dead)) = self.slots.get_mut(&nonce) {
                dead.on_reorg(to);
            } else if self.slots.contains_key(&nonce) {
                self.step(nonce, LandingEvent::Reorged { to }, effects);
            }
        }
    }

    /// An L1 that has gone back may want nonces again that nobody owns any more.
    fn close_gaps(&mut self, l1_number: u64) {
        let is_live = |slot: &Slot| !matches!(slot, Slot::Dead(_));
        let Some(last) = self.slots.iter().rev().find(|(_, slot)| is_live(slot)).map(|(nonce, _)| *nonce) else {
            return;
        };
        // A used nonce can be far below; a gap can't be wide, its nonces were ours. The bound is for a lying endpoint.
        let from = self.account_nonce.max(last.saturating_sub(KEPT_L1_BLOCKS));
        for nonce in from..last {
            self.slots.entry(nonce).or_insert(Slot::Dead(Dead {
                number: 0,
                block_hash: B256::ZERO,
                outbid: None,
                since: l1_number,
                spent_at: None,
            }));
        }
    }

    /// Whether a transaction is under way before or behind `nonce`, so that what `nonce` holds would be included with it,
    /// or is waited for.
    fn is_between(&self, nonce: u64) -> bool {
        let is_open = |(_, slot): (&u64, &Slot)| slot.is_open();
        self.slots.range(self.account_nonce.min(nonce)..nonce).any(is_open) || self.slots.range(nonce..).any(is_open)
    }

    /// Begins to cancel the dead transactions that `is_due`.
    fn cancel(&mut self, is_due: impl Fn(&Self, u64, &Dead) -> bool, effects: &mut Vec<Effect>) {
        let Some((l1_number, market)) = self.l1 else { return };
        for nonce in self.slots.keys().copied().collect::<Vec<_>>() {
            let Some(Slot::Dead(dead)) = self.slots.get(&nonce) else { continue };
            if dead.spent_at.is_some() || nonce < self.account_nonce || !is_due(self, nonce, dead) {
                continue;
            }
            if dead.outbid.is_none() && !self.slots.range(nonce + 1..).any(|(_, slot)| slot.is_used()) {
                continue; // Pools hold nothing at this nonce nor behind it: nothing waits and nothing burns.
            }
            let dead = *dead;
            let target = Target {
                chain_id: self.chain_id,
                number: dead.number,
                block_hash: dead.block_hash,
                nonce,
                gas_limit: CANCEL_GAS,
                outbid: dead.outbid,
            };
            let event = LandingEvent::Sealed { target, l1_number, market };
            let (landing, todo) = Landing::default().handle(event, &self.policy);
            effects.extend(todo.into_iter().filter_map(|effect| io::outward(nonce, What::Cancel, effect)));
            let slot = if landing.record().is_some() {
                effects.push(Effect::Report { number: dead.number, report: Report::Cancelling { nonce } });
                Slot::Cancel(Cancel { dead, landing })
            } else {
                // Above the cap: the alarm is out, and the next try comes later.
                Slot::Dead(Dead { since: l1_number, ..dead })
            };
            self.slots.insert(nonce, slot);
        }
    }

    /// Forgets nonces at the end that nothing was ever sent with: the next landing begins there anyway.
    fn drop_free_end(&mut self) {
        while let Some((nonce, Slot::Dead(dead))) = self.slots.last_key_value() {
            if dead.outbid.is_some() || dead.spent_at.is_some() {
                return;
            }
            let nonce = *nonce;
            self.slots.remove(&nonce);
        }
    }
}
