//! The lane's records, in the journal of the first rollup's store.

use super::{LandingError, Landings};
use alloy_primitives::Bytes;
use sequencer::landing::lane::{Lane, Slot};
use std::collections::{BTreeMap, BTreeSet};
use storage::{Chain, Durability};

/// Journal keys: one record for each nonce of the lane, by nonce.
const LANE: &str = "landing/lane/";

fn key(nonce: u64) -> String {
    format!("{LANE}{nonce:020}")
}

impl Landings {
    /// Reads the lane from the journal where it is not in memory.
    pub(super) async fn ready(&mut self) -> Result<(), LandingError> {
        if self.lane.is_some() {
            return Ok(());
        }
        self.move_home()?;
        self.payloads.found()?;
        let served: BTreeSet<u64> = self.rollups.by_id.keys().copied().collect();
        let (lane, effects) = Lane::resume(&served, self.limits.policy, read(&self.rollups.home)?);
        for flight in lane.in_flight() {
            let block = flight.block;
            tracing::info!(chain = block.chain_id, number = block.number, hash = %block.hash, "landing of the last run");
        }
        self.lane = Some(lane);
        self.carry_out(effects).await
    }

    /// A run that served other rollups, or these in another order, kept the journal elsewhere. Order hazard: here before it is gone
    /// there; a crash between the two leaves both, alike.
    fn move_home(&self) -> Result<(), LandingError> {
        let home = &self.rollups.home;
        for chain in self.rollups.by_id.values().filter(|chain| chain.spec().chain_id != home.spec().chain_id) {
            let strays = read(chain)?;
            if strays.is_empty() {
                continue;
            }
            let known = read(home)?;
            let (clashing, moved): (Vec<_>, Vec<_>) = strays.into_iter().partition(|(at, _)| known.contains_key(at));
            for (nonce, _) in clashing.iter().filter(|(nonce, slot)| known.get(nonce) != Some(slot)) {
                // Two processes used the key. L1 knows which of the transactions counts; the lane follows the one of its own store.
                tracing::error!(nonce, "two stores hold a landing with this nonce");
            }
            let here: Vec<(u64, Option<Slot>)> =
                moved.iter().map(|(nonce, slot)| (*nonce, Some(slot.clone()))).collect();
            write(home, &here)?;
            let there: Vec<(u64, Option<Slot>)> =
                moved.iter().chain(&clashing).map(|(nonce, _)| (*nonce, None)).collect();
            write(chain, &there)?;
        }
        Ok(())
    }

    /// One step of the lane, in one synced batch.
    pub(super) fn write(&self, changes: &[(u64, Option<Slot>)]) -> Result<(), LandingError> {
        write(&self.rollups.home, changes)
    }
}

fn read(chain: &Chain) -> Result<BTreeMap<u64, Slot>, LandingError> {
    let mut slots = BTreeMap::new();
    for (key, bytes) in chain.journal_with_prefix(LANE)? {
        let nonce = key.strip_prefix(LANE).and_then(|nonce| nonce.parse().ok());
        let nonce: u64 = nonce.ok_or_else(|| LandingError::Key(key.clone()))?;
        slots.insert(nonce, serde_json::from_slice(&bytes)?);
    }
    Ok(slots)
}

fn write(chain: &Chain, changes: &[(u64, Option<Slot>)]) -> Result<(), LandingError> {
    let mut records = Vec::with_capacity(changes.len());
    for (nonce, slot) in changes {
        let bytes = slot.as_ref().map(serde_json::to_vec).transpose()?;
        records.push((key(*nonce), bytes.map(Bytes::from)));
    }
    let records: Vec<(&str, Option<Bytes>)> =
        records.iter().map(|(key, bytes)| (key.as_str(), bytes.clone())).collect();
    Ok(chain.journal_put(&records, Durability::Synced)?)
}
