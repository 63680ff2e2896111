//! What landing transactions carry: calldata and blobs, in memory while a block is on its way, in the journal and as the
//! block itself for as long as an L1 reorg may want it again.

use super::LandingError;
use crate::host::{self, Host};
use alloy_eips::{eip2718::Encodable2718, eip4844::Blob, eip7594::BlobTransactionSidecarEip7594};
use alloy_primitives::{Address, B256, Bytes};
use bridge::opening::Commitments;
use l1::AdvanceCall;
use sequencer::landing::lane::{Lane, Slot};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use storage::{Chain, Durability};

/// Journal keys: one calldata for each block in the lane.
const CALLDATA: &str = "landing/calldata/";

pub(super) struct Payloads {
    host: Arc<dyn Host>,
    kzg: Arc<dyn Commitments>,
    chain: Chain,
    hub: Address,
    /// Of blocks on their way.
    calls: BTreeMap<B256, AdvanceCall>,
    /// Blocks whose calldata is in the journal.
    kept: BTreeSet<B256>,
    /// One empty blob.
    empty: Option<BlobTransactionSidecarEip7594>,
}

fn key(block_hash: B256) -> String {
    format!("{CALLDATA}{block_hash}")
}

impl Payloads {
    pub(super) fn new(host: Arc<dyn Host>, kzg: Arc<dyn Commitments>, chain: Chain, hub: Address) -> Self {
        Self { host, kzg, chain, hub, calls: BTreeMap::new(), kept: BTreeSet::new(), empty: None }
    }

    /// Keeps the payload of a block. Not synced: the lane's record, which is written before anything is sent, syncs this
    /// too, and the block itself.
    pub(super) fn keep(&mut self, block_hash: B256, call: AdvanceCall) -> Result<(), LandingError> {
        self.chain.journal_put(&[(&key(block_hash), Some(call.input.clone()))], Durability::Buffered)?;
        self.kept.insert(block_hash);
        self.calls.insert(block_hash, call);
        Ok(())
    }

    /// The payload of a block; after a restart, or when a landed block is to land again, made anew from what is stored.
    pub(super) async fn get(&mut self, block_hash: B256) -> Result<AdvanceCall, LandingError> {
        if let Some(call) = self.calls.get(&block_hash) {
            return Ok(call.clone());
        }
        let input = self.chain.journal(&key(block_hash))?;
        let input = input.ok_or(LandingError::Missing("the calldata of a landing is not in the journal"))?;
        let block = self.chain.side_block(block_hash)?;
        let (block, bal) = block.ok_or(LandingError::Missing("the block of a landing is not stored"))?;
        let raw: Vec<Bytes> = block.body().transactions.iter().map(|tx| tx.encoded_2718().into()).collect();
        let kzg = Arc::clone(&self.kzg);
        let sidecar = host::blocking(&*self.host, "making blobs again", move || {
            kzg.sidecar(bridge::blob::to_blobs(&bridge::blob::encode(&bal, &raw)))
        })
        .await??;
        let call = AdvanceCall { hub: self.hub, input, sidecar };
        self.kept.insert(block_hash);
        self.calls.insert(block_hash, call.clone());
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
        for (key, _) in self.chain.journal_with_prefix(CALLDATA)? {
            if let Some(hash) = key.strip_prefix(CALLDATA).and_then(|hash| hash.parse().ok()) {
                self.kept.insert(hash);
            }
        }
        Ok(())
    }

    /// Forgets what no landing of `lane` needs: of landed blocks the blobs, of blocks that are given up everything.
    pub(super) fn retain(&mut self, lane: &Lane) {
        let open: BTreeSet<B256> = lane.in_flight().map(|flight| flight.block.hash).collect();
        self.calls.retain(|hash, _| open.contains(hash));
        let landings: BTreeSet<B256> = lane
            .slots()
            .values()
            .filter_map(|slot| match slot {
                Slot::Landing(flight) => Some(flight.block.hash),
                Slot::Dead(_) | Slot::Cancel(_) => None,
            })
            .collect();
        let gone: Vec<B256> = self.kept.difference(&landings).copied().collect();
        let keys: Vec<String> = gone.iter().map(|hash| key(*hash)).collect();
        let removals: Vec<(&str, Option<Bytes>)> = keys.iter().map(|key| (key.as_str(), None)).collect();
        match self.chain.journal_put(&removals, Durability::Buffered) {
            Ok(()) => self.kept.retain(|hash| landings.contains(hash)),
            Err(error) => tracing::error!(%error, "calldata of finished landings stays in the journal"),
        }
    }
}
