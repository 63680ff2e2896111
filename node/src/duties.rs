//! Keeps L1's proposer duties fresh: one task that asks the beacon endpoints, and the schedule that follows from what they said.
//! What duties mean is `sequencer::schedule`'s to say.

use crate::{host::Host, shutdown::Shutdown};
use alloy_primitives::Address;
use l1::{Beacon, L1Error};
use parking_lot::Mutex;
use sequencer::schedule::{ByDuties, ProposerSchedule, Served, Wait};
use std::{sync::Arc, time::Duration};

/// For whose slots a sequencer builds.
#[derive(Clone, Debug)]
pub struct DutiesConfig {
    /// The validators it serves.
    pub served: Served,
    /// L1 slots in which something waits and nothing lands before it builds for other slots too.
    pub fallback_slots: u64,
}

/// The schedule as the beacon endpoints have it. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Duties(Arc<Mutex<ByDuties>>);

impl ProposerSchedule for Duties {
    fn may_advance(&self, slot_time: u64, proposer: Address, wait: Wait) -> bool {
        self.0.lock().may_advance(slot_time, proposer, wait)
    }

    fn is_exclusive(&self, slot_time: u64, proposer: Address) -> bool {
        self.0.lock().is_exclusive(slot_time, proposer)
    }
}

/// Asks the endpoints once a slot, since an L1 reorg may change the answer.
pub(crate) struct DutiesTask {
    pub(crate) host: Arc<dyn Host>,
    /// In the order in which they are asked; the first that answers is believed.
    pub(crate) beacons: Vec<Beacon>,
    pub(crate) duties: Duties,
    pub(crate) slot_ms: u64,
}

impl Duties {
    /// Nothing known yet.
    pub fn new(config: &DutiesConfig) -> Self {
        Self(Arc::new(Mutex::new(ByDuties::new(config.served.clone(), config.fallback_slots))))
    }
}

impl DutiesTask {
    /// Runs until `shutdown`.
    pub(crate) async fn run(self, mut shutdown: Shutdown) {
        let mut is_known = None;
        loop {
            let read = tokio::select! {
                biased;
                () = shutdown.wait() => return,
                read = self.refresh() => read,
            };
            let error = read.err();
            if is_known != Some(error.is_none()) {
                is_known = Some(error.is_none());
                match error {
                    None => tracing::info!("L1 proposer duties are known"),
                    Some(error) => {
                        tracing::warn!(%error, "no L1 proposer duties: building where nobody else does (--sequencer.fallback-slots)")
                    }
                }
            }
            tokio::select! {
                biased;
                () = shutdown.wait() => return,
                () = self.host.sleep(Duration::from_millis(self.slot_ms)) => {}
            }
        }
    }

    /// This epoch and the next, from the first endpoint that has them.
    async fn refresh(&self) -> Result<(), L1Error> {
        let mut failed = None;
        for beacon in &self.beacons {
            match self.read(beacon).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn read(&self, beacon: &Beacon) -> Result<(), L1Error> {
        let slots = beacon.slots().await?;
        let malformed = |what: String| L1Error::Malformed { url: beacon.url().to_owned(), what };
        if slots.seconds.saturating_mul(1_000) != self.slot_ms {
            return Err(malformed(format!(
                "its slots last {} s, the chain file says {} ms",
                slots.seconds, self.slot_ms
            )));
        }
        let now = slots.at(self.host.now().0 / 1_000).unwrap_or_default();
        let epoch = slots.epoch(now);
        let this = beacon.proposer_duties(epoch).await?;
        let this = this.ok_or_else(|| malformed(format!("no proposer duties of epoch {epoch}")))?;
        self.learn(slots, this);
        // The next epoch's may not be decided yet.
        if let Some(next) = beacon.proposer_duties(epoch.saturating_add(1)).await? {
            self.learn(slots, next);
        }
        Ok(())
    }

    fn learn(&self, slots: sequencer::schedule::Slots, duties: sequencer::schedule::EpochDuties) {
        let (epoch, dependent_root) = (duties.epoch(), duties.dependent_root());
        if self.duties.0.lock().learn(slots, duties) {
            tracing::info!(epoch, %dependent_root, "the L1 proposer duties changed");
        }
    }
}
