//! Where payloads of landed blocks come from, in order: what this node sealed, its own store, then each [`Carrier`]: blobs from each beacon
//! endpoint, calldata from each execution endpoint, archives. Each answer is checked against what L1 recorded before it counts; absence is
//! a value. A carrier that fails or lies is asked after the others for a while, never not at all.
//!
//! A new kind of carrier is a type with [`Carrier`] and a line in [`all`].

mod archive;
mod blobs;
mod calldata;
mod standing;

use crate::{
    derive::Payload,
    host::{Host, Interrupted},
};
use alloy_primitives::B256;
use bridge::{landed::LandedError, opening::Commitments};
use engine::Landing;
use execution::Executed;
use futures::future::BoxFuture;
use l1::{Beacon, L1Error, L1Rpc};
use parking_lot::Mutex;
use rpc::rollup::CarrierStatus;
use standing::{Answer, Record};
use std::{collections::BTreeMap, fmt::Debug, sync::Arc};
use storage::Chain;

pub use archive::Archive;

/// Blocks sealed here and not landed yet are few: one for each L1 slot of an outage, at most this many.
const SEALED_LIMIT: usize = 16;

/// Somebody who may have the bytes of landed blocks.
pub trait Carrier: Debug + Send + Sync {
    /// Kind and endpoint, as logs and status show them; no credentials.
    fn name(&self) -> &str;

    /// The payload of `landing`, *checked*: bound to the hashes that L1 recorded, so that whoever executes it to another block than L1's has
    /// found a split. `None` when the carrier does not have it (yet, or any more). Called by several tasks at once, again and again for
    /// one landing, and dropped at any time. It must have limits of its own on time and size.
    fn fetch<'a>(&'a self, landing: &'a Landing) -> BoxFuture<'a, Result<Option<Payload>, CarrierError>>;
}

/// Why a carrier gave nothing, though it may have it.
#[derive(Debug, thiserror::Error)]
pub enum CarrierError {
    /// It did not answer, or not as it should.
    #[error(transparent)]
    Endpoint(#[from] L1Error),
    /// It answered with other bytes than landed.
    #[error(transparent)]
    OtherBytes(#[from] LandedError),
    /// A thread of ours ended.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl CarrierError {
    const fn is_lie(&self) -> bool {
        match self {
            Self::Endpoint(error) => error.is_lie(),
            Self::OtherBytes(_) => true,
            Self::Interrupted(_) => false,
        }
    }
}

/// The carriers of a node, in order.
pub fn all(
    host: &Arc<dyn Host>,
    kzg: &Arc<dyn Commitments>,
    beacons: &[Beacon],
    rpc: &L1Rpc,
    archives: &[Archive],
) -> Vec<Arc<dyn Carrier>> {
    let mut all: Vec<Arc<dyn Carrier>> = Vec::new();
    for beacon in beacons {
        all.push(Arc::new(blobs::Blobs::new(host.clone(), kzg.clone(), beacon.clone())));
    }
    for endpoint in rpc.each() {
        all.push(Arc::new(calldata::Calldata::new(endpoint)));
    }
    for archive in archives {
        all.push(Arc::new(archive::Checked::new(host.clone(), kzg.clone(), archive.clone())));
    }
    all
}

/// All carriers of one node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Carriers {
    host: Arc<dyn Host>,
    chain: Chain,
    sealed: Arc<Mutex<BTreeMap<B256, Arc<Executed>>>>,
    others: Arc<[Other]>,
}

#[derive(Debug)]
struct Other {
    carrier: Arc<dyn Carrier>,
    record: Mutex<Record>,
}

impl Carriers {
    /// Own store, then `others`.
    pub fn new(host: Arc<dyn Host>, chain: Chain, others: Vec<Arc<dyn Carrier>>) -> Self {
        let others = others.into_iter().map(|carrier| Other { carrier, record: Mutex::default() }).collect();
        Self { host, chain, sealed: Arc::default(), others }
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

    /// How much each carrier is worth, in their order.
    pub fn status(&self) -> Vec<CarrierStatus> {
        let now = self.host.uptime();
        self.others.iter().map(|other| other.record.lock().status(other.carrier.name(), now)).collect()
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
            Err(error) => tracing::error!(%error, %hash, "own store could not be read; asking others"),
        }
        for Other { carrier, record } in self.in_turn() {
            let fetched = carrier.fetch(landing).await;
            let answer = match &fetched {
                Ok(Some(_)) => Answer::Given,
                Ok(None) => Answer::Absent,
                Err(error) if error.is_lie() => Answer::Lied,
                Err(_) => Answer::Failed,
            };
            let changed = record.lock().answered(answer, self.host.uptime());
            let (name, number) = (carrier.name(), landing.block.number);
            match fetched {
                Err(error) if changed && error.is_lie() => {
                    tracing::error!(carrier = name, number, %error, "a carrier of blocks gives other bytes than landed; it is asked last");
                }
                Err(error) if changed => {
                    tracing::warn!(carrier = name, number, %error, "a carrier of blocks fails; it is asked later");
                }
                Err(error) => tracing::debug!(carrier = name, number, %error, "carrier"),
                Ok(found) => {
                    if changed {
                        tracing::info!(carrier = name, number, "a carrier of blocks is well again");
                    }
                    if found.is_some() {
                        return found;
                    }
                }
            }
        }
        None
    }

    /// The best first; among equals in their order.
    fn in_turn(&self) -> Vec<&Other> {
        let now = self.host.uptime();
        let mut turn: Vec<_> = self.others.iter().collect();
        turn.sort_by_cached_key(|other| other.record.lock().standing(now) as u8);
        turn
    }
}

#[cfg(test)]
mod tests;
