//! How transactions of a lane end: what a failure takes along, and what becomes of a nonce that nothing useful holds.

use std::collections::BTreeSet;

use super::{
    CANCEL_GAS, Cancel, Dead, Effect, Fees, LandingEffect, LandingEvent, Lane, NO_ROLLUP, Outcome, Record, Report,
    Slot, Target, View, What, io,
};

impl Lane {
    /// Hands `event` to the machine at `nonce`, and unwinds what it ended.
    pub(super) fn step(&mut self, nonce: u64, event: LandingEvent, effects: &mut Vec<Effect>) {
        let Some(slot) = self.slots.get_mut(&nonce) else { return };
        let what = slot.what();
        let is_second = match slot {
            Slot::Landing(flight) => flight.outbid.is_some(),
            Slot::Errand(run) => run.outbid.is_some(),
            Slot::Dead(_) | Slot::Cancel(_) => false,
        };
        let Some(landing) = slot.landing_mut() else { return };
        let (next, todo) = std::mem::take(landing).handle(event, &self.policy);
        let ended = next.is_over();
        *landing = next;
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

    /// The machine at `nonce` is over: its nonce is final, spent or dead, and what needs it, if it failed, is unwound.
    fn end(&mut self, nonce: u64, effects: &mut Vec<Effect>) {
        match self.slots.get(&nonce) {
            Some(slot @ (Slot::Landing(_) | Slot::Errand(_))) => {
                if matches!(slot.record().map(|record| record.outcome), Some(Outcome::Final { .. })) {
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

    /// Gives up what `nonce` holds and all behind it that can't do its work without.
    pub(super) fn unwind(&mut self, nonce: u64, effects: &mut Vec<Effect>) {
        let mut gone = BTreeSet::new();
        for at in self.slots.range(nonce..).map(|(at, _)| *at).collect::<Vec<_>>() {
            let Some(slot) = self.slots.get(&at) else { continue };
            let needs_gone = match slot {
                // A block that has landed, for all that is known, needed no errand.
                Slot::Landing(flight) => {
                    gone.contains(&flight.block.parent_hash)
                        || (flight.is_open() && flight.block.after.is_some_and(|errand| gone.contains(&errand)))
                }
                Slot::Errand(run) => !run.is_done() && run.errand.after.is_some_and(|after| gone.contains(&after)),
                Slot::Dead(_) | Slot::Cancel(_) => false,
            };
            if at != nonce && !needs_gone {
                continue;
            }
            let (Some(record), what) = (slot.record(), slot.what()) else { continue };
            let dead = match slot {
                Slot::Landing(flight) => {
                    let (chain_id, block_hash) = (flight.block.chain_id, flight.block.hash);
                    effects.push(Effect::Requeue { chain_id, block_hash });
                    self.dead(record, flight.outbid)
                }
                Slot::Errand(run) => self.dead(record, run.outbid),
                Slot::Dead(_) | Slot::Cancel(_) => continue,
            };
            if at != nonce {
                effects.push(Effect::Report { what, report: Report::Unwound });
            }
            gone.insert(dead.block_hash);
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

    /// Whether a transaction is under way before or behind `nonce`, so that what `nonce` holds would be included with it,
    /// or is waited for.
    pub(super) fn is_between(&self, nonce: u64) -> bool {
        let is_open = |(_, slot): (&u64, &Slot)| slot.is_open();
        self.slots.range(self.account_nonce.min(nonce)..nonce).any(is_open) || self.slots.range(nonce..).any(is_open)
    }

    /// Begins to cancel the dead transactions that `is_due`.
    pub(super) fn cancel(&mut self, is_due: impl Fn(&Self, u64, &Dead) -> bool, effects: &mut Vec<Effect>) {
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
                chain_id: NO_ROLLUP,
                number: dead.number,
                block_hash: dead.block_hash,
                nonce,
                gas_limit: CANCEL_GAS,
                outbid: dead.outbid,
            };
            let view = View { l1_number, account_nonce: self.account_nonce, market };
            let slot = match self.begin(target, view, What::Cancel, effects) {
                Some(landing) => {
                    effects.push(Effect::Report { what: What::Cancel, report: Report::Cancelling { nonce } });
                    Slot::Cancel(Cancel { dead, landing })
                }
                // Above the cap: the alarm is out, and the next try comes later.
                None => Slot::Dead(Dead { since: l1_number, ..dead }),
            };
            self.slots.insert(nonce, slot);
        }
    }

    /// Forgets nonces at the end that nothing was ever sent with: the next landing begins there anyway.
    pub(super) fn drop_free_end(&mut self) {
        while let Some((nonce, Slot::Dead(dead))) = self.slots.last_key_value() {
            if dead.outbid.is_some() || dead.spent_at.is_some() {
                return;
            }
            let nonce = *nonce;
            self.slots.remove(&nonce);
        }
    }
}
