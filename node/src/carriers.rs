//! Where payloads come from, in order: what this node sealed, its own store, blobs. Each answer is checked against what
//! L1 recorded before it counts; absence is a value.

use crate::{
    derive::Payload,
    host::{self, Host},
};
use alloy_primitives::B256;
use bridge::opening::Commitments;
use engine::Landing;
use execution::Executed;
use l1::Beacon;
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc};
use storage::{Chain, Durability};

/// Blocks sealed here and not landed yet are few: one for each L1 slot of an outage, at most this many.
const SEALED_LIMIT: usize = 16;

/// All carriers of one node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Carriers {
    host: Arc<dyn Host>,
    kzg: Arc<dyn Commitments>,
    chain: Chain,
    beacons: Vec<Beacon>,
    sealed: Arc<Mutex<BTreeMap<B256, Arc<Executed>>>>,
}

impl Carriers {
    /// Own store, then blobs from each of `beacons`.
    pub fn new(host: Arc<dyn Host>, kzg: Arc<dyn Commitments>, chain: Chain, beacons: Vec<Beacon>) -> Self {
        Self { host, kzg, chain, beacons, sealed: Arc::default() }
    }

    /// Remembers a block that was sealed here, executed as it is.
    pub fn keep(&self, executed: Arc<Executed>) {
        let mut sealed = self.sealed.lock();
        sealed.insert(executed.block.hash(), executed);
        if sealed.len() > SEALED_LIMIT
            && let Some(oldest) = sealed.iter().min_by_key(|(_, executed)| executed.block.number).map(|(hash, _)| *hash)
        {
            sealed.remove(&oldest);
        }
    }

    /// The payload of a landed block; `None` when no carrier has it now.
    pub async fn fetch(&self, landing: &Landing) -> Option<Payload> {
        let hash = landing.block.hash;
        if let Some(executed) = self.sealed.lock().remove(&hash) {
            // Its state root was computed on its parent, and its parent's hash is in its own.
            return Some(Payload::Sealed(executed));
        }
        match self.chain.side_block(hash) {
            Ok(Some((block, bal))) => return Some(Payload::Block(Box::new(block), bal)),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, %hash, "own store could not be read; trying blobs"),
        }
        for beacon in &self.beacons {
            if let Some(payload) = self.blobs(beacon, landing).await {
                return Some(payload);
            }
        }
        None
    }

    async fn blobs(&self, beacon: &Beacon, landing: &Landing) -> Option<Payload> {
        let served = match beacon.blobs(landing.l1_timestamp, &landing.block.blob_hashes).await {
            Ok(served) => served?,
            Err(error) => {
                tracing::warn!(%error, number = landing.block.number, "blobs");
                return None;
            }
        };
        let (kzg, chain, block) = (Arc::clone(&self.kzg), self.chain.clone(), landing.block.clone());
        let check = move || {
            let blobs = block.blobs_among(&*kzg, &served)?;
            let kept: Vec<_> = block.blob_hashes.iter().copied().zip(blobs.iter().copied().map(Box::new)).collect();
            if let Err(error) = chain.put_blobs(block.number, &kept, Durability::Buffered) {
                tracing::error!(%error, "blobs could not be kept");
            }
            block.content_from_blobs(&blobs)
        };
        match host::blocking(&*self.host, "checking blobs", check).await {
            Ok(Ok(content)) => Some(Payload::Content(content)),
            Ok(Err(error)) => {
                tracing::error!(%error, url = beacon.url(), "a beacon endpoint serves other blobs than landed");
                None
            }
            Err(error) => {
                tracing::error!(%error, number = landing.block.number, "blobs");
                None
            }
        }
    }
}
