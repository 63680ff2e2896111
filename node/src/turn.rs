//! Whether this node builds for a slot: the schedule, asked with how long something has waited and who else may be waiting.
//! It must not know what waits.

use alloy_primitives::Address;
use engine::{BuildOn, Millis};
use parking_lot::Mutex;
use sequencer::schedule::{ProposerSchedule, Silence, Wait, place};
use std::{collections::BTreeSet, sync::Arc};
use storage::{Chain, StorageError};

/// Blocks whose proposers count as those who may be waiting.
const RECENT_BLOCKS: u64 = 32;

/// Asks the schedule for one proposer.
pub struct Turn {
    schedule: Arc<dyn ProposerSchedule>,
    chain: Chain,
    own: Address,
    slot_ms: u64,
    silence: Mutex<Silence>,
}

impl Turn {
    /// `own` lands blocks on `chain`, whose L1 has slots of `slot_ms`.
    pub fn new(schedule: Arc<dyn ProposerSchedule>, chain: Chain, own: Address, slot_ms: u64) -> Self {
        Self { schedule, chain, own, slot_ms, silence: Mutex::default() }
    }

    /// Whether to build on `on` now that something waits for a block.
    pub fn is_ours(&self, on: &BuildOn) -> Result<bool, StorageError> {
        let steps_in = self.ask(on)?;
        if steps_in && !self.schedule.may_advance(on.slot_timestamp, self.own, Wait::default()) {
            tracing::info!(slot = on.slot_timestamp, "nobody lands a block; building in another's slot");
        }
        Ok(steps_in)
    }

    /// Whether the block that was built on `on` may be sent at `now`. Its slot's L1 block may come late, and so may it, by less
    /// than a slot; a block that took longer is for a later slot, which may be another's.
    pub fn may_send(&self, on: &BuildOn, now: Millis) -> Result<bool, StorageError> {
        let late = now.0.saturating_sub(Millis::from_secs(on.slot_timestamp).0);
        let slots = if late < self.slot_ms { 0 } else { late / self.slot_ms + 1 };
        let slot_timestamp = on.slot_timestamp.saturating_add(slots.saturating_mul(self.slot_ms) / 1_000);
        self.ask(&BuildOn { slot_timestamp, ..on.clone() })
    }

    fn ask(&self, on: &BuildOn) -> Result<bool, StorageError> {
        let silent = self.silence.lock().slots(on.parent.hash, on.slot_timestamp, self.slot_ms);
        let at_once = self.schedule.may_advance(on.slot_timestamp, self.own, Wait::default());
        if at_once || silent == 0 {
            return Ok(at_once);
        }
        let wait = Wait { silent, place: place(on.parent.hash, self.own, &self.recent(on.parent.number)?) };
        Ok(self.schedule.may_advance(on.slot_timestamp, self.own, wait))
    }

    /// Nothing waits for a block.
    pub fn nothing_waits(&self) {
        self.silence.lock().end();
    }

    fn recent(&self, head: u64) -> Result<BTreeSet<Address>, StorageError> {
        let mut proposers = BTreeSet::new();
        for number in head.saturating_sub(RECENT_BLOCKS - 1)..=head {
            proposers.extend(self.chain.landing(number)?.map(|landing| landing.proposer));
        }
        Ok(proposers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::B256;
    use chainspec::{ChainSpec, Layer, dev};
    use engine::{BlockRef, L1Ref};

    /// Slots that begin at multiples of four are ours; the others after five silent ones.
    struct EveryOther;

    impl ProposerSchedule for EveryOther {
        fn may_advance(&self, slot_time: u64, _proposer: Address, wait: Wait) -> bool {
            slot_time.is_multiple_of(4) || wait.silent >= 5 + wait.place
        }

        fn is_exclusive(&self, _slot_time: u64, _proposer: Address) -> bool {
            false
        }
    }

    fn turn() -> Turn {
        let genesis = dev::l2_genesis(1_000, alloy_primitives::Bytes::from_static(&[0]));
        let spec = ChainSpec::from_genesis(genesis, Layer::Rollup).unwrap();
        Turn::new(Arc::new(EveryOther), Chain::in_memory(Arc::new(spec)).unwrap(), Address::ZERO, 2_000)
    }

    fn on(slot_timestamp: u64) -> BuildOn {
        let parent = BlockRef { number: 0, hash: B256::ZERO };
        BuildOn { parent, l1_head: L1Ref { number: 1, hash: B256::ZERO }, slot_timestamp }
    }

    #[test]
    fn a_block_that_took_longer_than_its_slot_is_sent_only_where_the_coming_slot_is_ours() {
        let turn = turn();
        assert!(turn.is_ours(&on(1_200)).unwrap());
        for (now_ms, expected) in [
            (1_199_000, true),
            (1_200_500, true),
            (1_201_999, true),
            (1_202_000, true), // For the slot at 1,204.
            (1_204_000, false),
        ] {
            assert_eq!(turn.may_send(&on(1_200), Millis(now_ms)).unwrap(), expected, "{now_ms}");
        }
    }

    #[test]
    fn after_silent_slots_another_ones_slot_is_taken_too_unless_nothing_waited() {
        let turn = turn();
        assert!(!turn.is_ours(&on(1_202)).unwrap());
        assert!(!turn.is_ours(&on(1_206)).unwrap());
        assert!(!turn.is_ours(&on(1_210)).unwrap());
        assert!(turn.is_ours(&on(1_214)).unwrap(), "six silent slots");
        turn.nothing_waits();
        assert!(!turn.is_ours(&on(1_218)).unwrap());
    }
}
