//! Whether this node builds for a slot: the schedule, asked with how long something has waited and who else may be waiting.
//! It must not know what waits.

use alloy_primitives::Address;
use engine::BuildOn;
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

    /// Whether to build on `on` now that something waits for a block. The answer for one slot may become another one while
    /// a block is built, so ask again before sending.
    pub fn is_ours(&self, on: &BuildOn) -> Result<bool, StorageError> {
        let silent = self.silence.lock().slots(on.parent.hash, on.slot_timestamp, self.slot_ms);
        let at_once = self.schedule.may_advance(on.slot_timestamp, self.own, Wait::default());
        if at_once || silent == 0 {
            return Ok(at_once);
        }
        let wait = Wait { silent, place: place(on.parent.hash, self.own, &self.recent(on.parent.number)?) };
        let steps_in = self.schedule.may_advance(on.slot_timestamp, self.own, wait);
        if steps_in {
            tracing::info!(slot = on.slot_timestamp, silent, "nobody lands a block; building in another's slot");
        }
        Ok(steps_in)
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
