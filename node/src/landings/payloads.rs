//! What landing transactions carry: calldata and blobs, in memory while a block is on its way, in the journal and as the
//! block itself, in the store of its rollup, for as long as an L1 reorg may want it again.

use super::{LandingError, Rollups};
use crate::host::{self, Host};
use alloy_eips::{eip2718::Encodable2718, eip4844::Blob, eip7594::BlobTransactionSidecarEip7594};
use alloy_primitives::{Address, B256, Bytes};
use bridge::opening::Commitments;
use l1::HubCall;
use sequencer::landing::lane::{Lane, Slot};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use storage::Durability;

/// Journal keys: one calldata for each block, and each errand, in the lane.
const CALLDATA: &str = "landing/calldata/";

pub(super) struct Payloads {
    host: Arc<dyn Host>,
    kzg: Arc<dyn Commitments>,
    rollups: Rollups,
    hub: Address,
    /// Of blocks and errands on their way.
    calls: BTreeMap<B256, HubCall>,
    /// Blocks and errands whose calldata is in a journal, and the chain in whose store.
    kept: BTreeMap<B256, u64>,
    /// One empty blob.
    empty: Option<BlobTransactionSidecarEip7594>,
}

fn key(name: B256) -> String {
    format!("{CALLDATA}{name}")
}

impl Payloads {
    pub(super) const fn new(host: Arc<dyn Host>, kzg: Arc<dyn Commitments>, rollups: Rollups, hub: Address) -> Self {
        Self { host, kzg, rollups, hub, calls: BTreeMap::new(), kept: BTreeMap::new(), empty: None }
    }

    /// Keeps the payload of a block. Order hazard: it, and the block that was written before it, are on disk before the lane's record.
    /// In the store that keeps the lane that record, which is written before anything is sent, syncs them too; another store is
    /// synced here.
    pub(super) fn keep(&mut self, chain_id: u64, block_hash: B256, call: HubCall) -> Result<(), LandingError> {
        let is_home = chain_id == self.rollups.home.spec().chain_id;
        let durability = if is_home { Durability::Buffered } else { Durability::Synced };
        let record = (key(block_hash), call.input.clone());
        self.rollups.get(chain_id)?.journal_put(&[(&record.0, Some(record.1))], durability)?;
        self.kept.insert(block_hash, chain_id);
        self.calls.insert(block_hash, call);
        Ok(())
    }

    /// Keeps the calldata of an errand.
    pub(super) async fn keep_errand(&mut self, id: B256, input: Bytes) -> Result<(), LandingError> {
        let call = HubCall { hub: self.hub, input, sidecar: self.empty().await? };
        self.keep(self.rollups.home.spec().chain_id, id, call)
    }

    /// The calldata of a block or errand.
    pub(super) fn input(&self, name: B256) -> Result<Bytes, LandingError> {
        if let Some(call) = self.calls.get(&name) {
            return Ok(call.input.clone());
        }
        let missing = LandingError::Missing("the calldata of a landing is not in the journal");
        let Some(chain_id) = self.kept.get(&name) else { return Err(missing) };
        self.rollups.get(*chain_id)?.journal(&key(name))?.ok_or(missing)
    }

    /// The payload of a block; after a restart, or when a landed block is to land again, made anew from what is stored.
    pub(super) async fn of_block(&mut self, chain_id: u64, block_hash: B256) -> Result<HubCall, LandingError> {
        if let Some(call) = self.calls.get(&block_hash) {
            return Ok(call.clone());
        }
        let input = self.input(block_hash)?;
        let block = self.rollups.get(chain_id)?.side_block(block_hash)?;
        let (block, bal) = block.ok_or(LandingError::Missing("the block of a landing is not stored"))?;
        let raw: Vec<Bytes> = block.body().transactions.iter().map(|tx| tx.encoded_2718().into()).collect();
        let kzg = Arc::clone(&self.kzg);
        let sidecar = host::blocking(&*self.host, "making blobs again", move || {
            kzg.sidecar(bridge::blob::to_blobs(&bridge::blob::encode(&bal, &raw)))
        })
        .await??;
        let call = HubCall { hub: self.hub, input, sidecar };
        self.calls.insert(block_hash, call.clone());
        Ok(call)
    }

    /// The payload of an errand: an empty blob goes along, because L1's pools want all transactions of an account to have some, or none.
    pub(super) async fn of_errand(&mut self, id: B256) -> Result<HubCall, LandingError> {
        if let Some(call) = self.calls.get(&id) {
            return Ok(call.clone());
        }
        let call = HubCall { hub: self.hub, input: self.input(id)?, sidecar: self.empty().await? };
        self.calls.insert(id, call.clone());
        Ok(call)
    }

    /// One empty blob, for transactions whose blobs nobody needs.
    pub(super) async fn empty(&mut self) -> Result<BlobTransactionSidecarEip7594, LandingError> {
        if let Some(sidecar) = &self.empty {
            return Ok(sidecar.clone());
        }
        let kzg = Arc::clone(&self.kzg);
        let make = move || kzg.sidecar(vec![Blob::ZERO]);
        let sidecar = host::blocking(&*self.host, "making an empty blob", make).await??;
        self.empty = Some(sidecar.clone());
        Ok(sidecar)
    }

    /// After a restart: what an earlier run kept.
    pub(super) fn found(&mut self) -> Result<(), LandingError> {
        for (chain_id, chain) in &self.rollups.by_id {
            for (key, _) in chain.journal_with_prefix(CALLDATA)? {
                if let Some(name) = key.strip_prefix(CALLDATA).and_then(|name| name.parse().ok()) {
                    self.kept.insert(name, *chain_id);
                }
            }
        }
        Ok(())
    }

    /// Forgets what nothing in `lane` needs: of what has landed the blobs, of what is given up everything.
    pub(super) fn retain(&mut self, lane: &Lane) {
        let alive = |slot: &Slot| match slot {
            Slot::Landing(flight) => Some(flight.block.hash),
            Slot::Errand(run) => Some(run.errand.id),
            Slot::Dead(_) | Slot::Cancel(_) => None,
        };
        let slots = lane.slots().values();
        let open: BTreeSet<B256> = slots.clone().filter(|slot| slot.is_open()).filter_map(alive).collect();
        self.calls.retain(|name, _| open.contains(name));
        let alive: BTreeSet<B256> = slots.filter_map(alive).collect();
        for (chain_id, chain) in &self.rollups.by_id {
            let gone = self.kept.iter().filter(|(name, of)| *of == chain_id && !alive.contains(*name));
            let keys: Vec<String> = gone.map(|(name, _)| key(*name)).collect();
            if keys.is_empty() {
                continue;
            }
            let removals: Vec<(&str, Option<Bytes>)> = keys.iter().map(|key| (key.as_str(), None)).collect();
            match chain.journal_put(&removals, Durability::Buffered) {
                Ok(()) => self.kept.retain(|name, of| of != chain_id || alive.contains(name)),
                Err(error) => tracing::error!(%error, "calldata of finished landings stays in the journal"),
            }
        }
    }
}
