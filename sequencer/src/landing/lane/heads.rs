//! What L1 says, taken up by the lane: heads of each rollup's node, and reorgs.

use alloy_primitives::B256;

use super::{
    CANCEL_AFTER, Dead, Effect, Head, Height, KEPT_L1_BLOCKS, L1Head, LandingEvent, Lane, Report, Slot, io::Facts,
};

impl Lane {
    pub(super) fn on_head(&mut self, head: &Head, effects: &mut Vec<Effect>) {
        let is_newest = head.number >= self.heard;
        if is_newest {
            self.heard = head.number;
            self.account_nonce = head.account_nonce;
            self.l1 = Some((head.number, head.market));
        }
        let facts = Facts::of(head);
        // Landings before errands: what has landed needs no errand any more.
        for nonce in self.nonces() {
            if let Some(Slot::Landing(flight)) = self.slots.get(&nonce)
                && flight.block.chain_id == head.chain_id
            {
                let height = head.height(&flight.block);
                self.step(nonce, facts.event(height), effects);
            }
        }
        if is_newest {
            self.on_account(&facts, effects);
        }
        self.unwind_orphans(head, effects);
        self.unwind_bereft(effects);
        if is_newest {
            self.close_gaps(head.number);
            self.cancel(|_, _, dead| head.number.saturating_sub(dead.since) >= CANCEL_AFTER, effects);
        }
    }

    /// What belongs to no rollup.
    fn on_account(&mut self, facts: &Facts, effects: &mut Vec<Effect>) {
        for nonce in self.nonces() {
            match self.slots.get_mut(&nonce) {
                Some(Slot::Errand(run)) => {
                    let height = run.done_in.map_or(Height::Open, |l1_number| Height::Ours { l1_number });
                    self.step(nonce, facts.event(height), effects);
                }
                Some(Slot::Cancel(_)) => self.step(nonce, facts.event(Height::Open), effects),
                Some(Slot::Dead(dead)) => {
                    if dead.on_head(nonce, facts.number, facts.account_nonce, facts.finalized) {
                        self.slots.remove(&nonce);
                    }
                }
                Some(Slot::Landing(_)) | None => {}
            }
        }
    }

    /// A block whose parent neither landed nor is on its way can't land. (One whose parent lost has lost itself, see
    /// [`Head::height`].)
    fn unwind_orphans(&mut self, head: &Head, effects: &mut Vec<Effect>) {
        let mut tip = head.landed.hash;
        let mut orphan = None;
        let is_above = |block: &super::Block| block.chain_id == head.chain_id && block.number > head.landed.number;
        for (nonce, flight) in self.flights().filter(|(_, flight)| is_above(&flight.block)) {
            if flight.block.parent_hash != tip {
                orphan = Some((nonce, self.slots[&nonce].what()));
                break;
            }
            tip = flight.block.hash;
        }
        if let Some((nonce, what)) = orphan {
            effects.push(Effect::Report { what, report: Report::Unwound });
            self.unwind(nonce, effects);
        }
    }

    /// What a reorg brought back, but not what it needs.
    fn unwind_bereft(&mut self, effects: &mut Vec<Effect>) {
        let is_dead = |name: B256| {
            let mut named = self.slots.values().filter(|slot| slot.name() == name);
            named.any(|slot| matches!(slot, Slot::Dead(_) | Slot::Cancel(_)))
        };
        let needs = |slot: &Slot| match slot {
            Slot::Landing(flight) => flight.block.after,
            Slot::Errand(run) => run.errand.after,
            Slot::Dead(_) | Slot::Cancel(_) => None,
        };
        let is_bereft = |slot: &Slot| slot.is_open() && needs(slot).is_some_and(is_dead);
        let bereft: Vec<u64> = self.slots.iter().filter(|(_, slot)| is_bereft(slot)).map(|(nonce, _)| *nonce).collect();
        for nonce in bereft {
            effects.push(Effect::Report { what: self.slots[&nonce].what(), report: Report::Unwound });
            self.unwind(nonce, effects);
        }
    }

    pub(super) fn on_reorg(&mut self, chain_id: u64, to: u64, effects: &mut Vec<Effect>) {
        self.heard = self.heard.min(to);
        for slot in self.slots.values_mut() {
            if let Slot::Errand(run) = slot {
                // Where it is now, if anywhere, the receipts before the next head say.
                run.done_in = run.done_in.filter(|l1_number| *l1_number <= to);
            }
        }
        let is_gone = |block: &super::Block| block.chain_id == chain_id && block.origin > to;
        let orphaned = self.flights().find(|(_, flight)| is_gone(&flight.block)).map(|(nonce, flight)| {
            // Hub would refuse it, and all behind it name the same origin or a later one.
            let report = Report::OriginGone { origin: flight.block.origin };
            (nonce, Effect::Report { what: self.slots[&nonce].what(), report })
        });
        if let Some((nonce, report)) = orphaned {
            effects.push(report);
            self.unwind(nonce, effects);
        }
        for nonce in self.nonces() {
            match self.slots.get_mut(&nonce) {
                Some(Slot::Dead(dead)) => dead.on_reorg(to),
                Some(Slot::Landing(flight)) if flight.block.chain_id != chain_id => {}
                Some(Slot::Landing(_) | Slot::Errand(_) | Slot::Cancel(_)) => {
                    self.step(nonce, LandingEvent::Reorged { to }, effects)
                }
                None => {}
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

    fn nonces(&self) -> Vec<u64> {
        self.slots.keys().copied().collect()
    }
}

impl Facts {
    fn event(&self, height: Height) -> LandingEvent {
        let Self { number, finalized, account_nonce, market } = *self;
        LandingEvent::L1Head(L1Head { number, finalized, height, account_nonce, market })
    }
}
