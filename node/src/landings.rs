//! All landings under way, each a `sequencer::landing` machine, and their effects: journal, signing, sending.
//!
//! Order hazard: a landing's record is fsynced before its transaction is sent, and the calldata before the record.

use crate::host::{self, Host, Interrupted};
use alloy_eips::{BlockId, BlockNumberOrTag, eip1559::BaseFeeParams, eip7594::BlobTransactionSidecarEip7594};
use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolCall;
use bridge::{
    abi::Hub,
    opening::{Commitments, OpeningError},
};
use engine::{BlockRef, L1Ref};
use l1::{AdvanceCall, Hands, L1Error, L1Rpc, Sent};
use sequencer::landing::{
    Effect, Event, Fees, Height, L1Head, Landing, Market, Policy, Record, Report, SendFailure, Target,
};
use std::{collections::BTreeMap, sync::Arc};
use storage::{Chain, Durability, StorageError};

/// Journal keys: one record and one calldata for each landing that is not over.
const RECORD: &str = "landing/record/";
const CALLDATA: &str = "landing/calldata/";

/// A block to be landed, with all that its transaction carries.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The block.
    pub block: BlockRef,
    /// Its parent's hash.
    pub parent: B256,
    /// Number of the L1 block that it names.
    pub origin: u64,
    /// `Hub.advance`, encoded.
    pub calldata: Bytes,
    /// Gas limit of the L1 transaction.
    pub gas_limit: u64,
    /// Its blobs.
    pub sidecar: BlobTransactionSidecarEip7594,
    /// Bytes of the EXECUTE input, for the log.
    pub input_bytes: usize,
}

/// Longest pause after refused landings, in L1 blocks.
const PAUSE_MAX_BLOCKS: u64 = 64;

/// Each refusal in a row doubles the pause: a defect of ours must not burn an `advance` in every slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pause {
    in_a_row: u32,
    until: u64,
}

impl Pause {
    /// Hub refused a landing in L1 block `l1_number`.
    fn refused(&mut self, l1_number: u64) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.until =
            l1_number.saturating_add(1u64.checked_shl(self.in_a_row).unwrap_or(u64::MAX).min(PAUSE_MAX_BLOCKS));
    }
}

#[derive(Debug)]
struct Active {
    machine: Landing,
    parent: B256,
    /// L1 block that the L2 block names: when L1 drops it, the block can never land again.
    origin: u64,
    call: AdvanceCall,
}

/// The landings of one account on one L1.
pub struct Landings {
    host: Arc<dyn Host>,
    kzg: Arc<dyn Commitments>,
    chain: Chain,
    rpc: L1Rpc,
    hands: Hands,
    hub: Address,
    policy: Policy,
    active: BTreeMap<u64, Active>,
    freed: Vec<B256>,
    /// A nonce that a dead transaction may still occupy in public pools, and what it offered.
    outbid: Option<(u64, Fees)>,
    pause: Pause,
}

/// Something about a landing could not be done now; it is tried again with the next L1 head.
#[derive(Debug, thiserror::Error)]
enum LandingError {
    #[error(transparent)]
    L1(#[from] L1Error),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("landing record: {0}")]
    Record(#[from] serde_json::Error),
    #[error(transparent)]
    Blobs(#[from] OpeningError),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    #[error("{0}")]
    Missing(&'static str),
}

impl Landings {
    /// None under way yet.
    pub fn new(
        host: Arc<dyn Host>,
        kzg: Arc<dyn Commitments>,
        chain: Chain,
        rpc: L1Rpc,
        hands: Hands,
        hub: Address,
    ) -> Self {
        Self {
            host,
            kzg,
            chain,
            rpc,
            hands,
            hub,
            policy: Policy::default(),
            active: BTreeMap::new(),
            freed: Vec::new(),
            outbid: None,
            pause: Pause::default(),
        }
    }

    /// The block that is on its way to L1, if one is.
    pub fn in_flight(&self) -> Option<BlockRef> {
        self.active.values().find_map(|active| match &active.machine {
            Landing::Ready(record) | Landing::Sent(record) => {
                Some(BlockRef { number: record.number, hash: record.block_hash })
            }
            Landing::Idle | Landing::Landed(_) | Landing::Over(_) => None,
        })
    }

    /// Hash of L1 block `number`; `None` when the endpoint has no such block.
    pub async fn l1_hash(&self, number: u64) -> Result<Option<B256>, L1Error> {
        Ok(self.rpc.header(BlockNumberOrTag::Number(number)).await?.map(|head| head.at.hash))
    }

    /// Whether a landing may be begun on this L1 head, or a refusal was too recent.
    pub const fn may_begin(&self, l1_number: u64) -> bool {
        l1_number >= self.pause.until
    }

    /// Hashes of blocks that will not land, whose transactions are free again.
    pub fn take_freed(&mut self) -> Vec<B256> {
        std::mem::take(&mut self.freed)
    }

    /// Starts to land `sealed`.
    pub async fn begin(&mut self, sealed: Sealed) {
        let hash = sealed.block.hash;
        if let Err(error) = self.try_begin(sealed).await {
            tracing::error!(%error, %hash, "a sealed block is not landed");
            self.freed.push(hash);
        }
    }

    async fn try_begin(&mut self, sealed: Sealed) -> Result<(), LandingError> {
        let (head, market) = self.market().await?;
        let nonce = self.rpc.nonce(self.hands.address(), BlockId::latest()).await?;
        let outbid = self.outbid.filter(|(at, _)| *at == nonce).map(|(_, fees)| fees);
        let key = format!("{CALLDATA}{}", sealed.block.hash);
        // The record that is persisted before anything is sent syncs this too, and the block itself.
        self.chain.journal_put(&[(&key, Some(sealed.calldata.clone()))], Durability::Buffered)?;
        let target = Target {
            chain_id: self.chain.spec().chain_id,
            number: sealed.block.number,
            block_hash: sealed.block.hash,
            nonce,
            gas_limit: sealed.gas_limit,
            outbid,
        };
        let call = AdvanceCall { hub: self.hub, input: sealed.calldata, sidecar: sealed.sidecar };
        let number = sealed.block.number;
        let origin = sealed.origin;
        self.active.insert(number, Active { machine: Landing::default(), parent: sealed.parent, origin, call });
        self.feed(number, Event::Sealed { target, l1_number: head.number, market }).await
    }

    /// Takes up the landings of the last run.
    pub async fn resume(&mut self) {
        if let Err(error) = self.try_resume().await {
            tracing::error!(%error, "landings of the last run are not taken up");
        }
    }

    async fn try_resume(&mut self) -> Result<(), LandingError> {
        for (key, bytes) in self.chain.journal_with_prefix(RECORD)? {
            let record: Record = serde_json::from_slice(&bytes)?;
            let hash = record.block_hash;
            let calldata = self.chain.journal(&format!("{CALLDATA}{hash}"))?;
            let calldata = calldata.ok_or(LandingError::Missing("the calldata of a landing is not in the journal"))?;
            let block = self.chain.side_block(hash)?;
            let (block, bal) = block.ok_or(LandingError::Missing("the block of a landing is not stored"))?;
            let raw: Vec<Bytes> = block
                .body()
                .transactions
                .iter()
                .map(|tx| alloy_eips::eip2718::Encodable2718::encoded_2718(tx).into())
                .collect();
            let kzg = Arc::clone(&self.kzg);
            let sidecar = host::blocking(&*self.host, "making blobs again", move || {
                kzg.sidecar(bridge::blob::to_blobs(&bridge::blob::encode(&bal, &raw)))
            })
            .await??;
            tracing::info!(number = record.number, %hash, %key, "landing of the last run");
            let advance = Hub::advanceCall::abi_decode(&calldata);
            let origin =
                advance.map_err(|_| LandingError::Missing("the calldata of a landing does not decode"))?.a.originNumber;
            let call = AdvanceCall { hub: self.hub, input: calldata, sidecar };
            let number = record.number;
            let (machine, effects) = Landing::resume(record);
            self.active.insert(number, Active { machine, parent: block.parent_hash, origin, call });
            self.carry_out(number, effects).await?;
        }
        Ok(())
    }

    /// L1 has a new head, and the chain is applied up to it.
    pub async fn on_head(&mut self, at: L1Ref, finalised: u64) {
        for number in self.active.keys().copied().collect::<Vec<_>>() {
            if let Err(error) = self.try_head(number, at, finalised).await {
                tracing::warn!(%error, number, "a landing could not be looked after; again with the next L1 head");
            }
        }
        self.forget_finished();
    }

    async fn try_head(&mut self, number: u64, at: L1Ref, finalised: u64) -> Result<(), LandingError> {
        let Some(active) = self.active.get(&number) else { return Ok(()) };
        let hashes: Vec<B256> = active.machine.record().map(|record| record.hashes().collect()).unwrap_or_default();
        for hash in hashes {
            let Some(receipt) = self.rpc.receipt(hash).await? else { continue };
            let Some(l1_number) = receipt.block_number.filter(|l1_number| *l1_number <= at.number) else { continue };
            self.feed(number, Event::Receipt { hash, l1_number, reverted: !receipt.inner.status() }).await?;
        }
        let height = self.height(number)?;
        let account_nonce = self.rpc.nonce(self.hands.address(), BlockId::hash(at.hash)).await?;
        let (_, market) = self.market().await?;
        let head = L1Head { number: at.number, finalized: finalised, height, account_nonce, market };
        self.feed(number, Event::L1Head(head)).await
    }

    /// What landed at the height of landing `number`, or made it impossible.
    fn height(&self, number: u64) -> Result<Height, StorageError> {
        let Some(active) = self.active.get(&number) else { return Ok(Height::Open) };
        let ours = active.machine.record().map(|record| record.block_hash);
        if let (Some(hash), Some(landed)) = (self.chain.canonical_hash(number)?, self.chain.landing(number)?) {
            let l1_number = landed.l1_number;
            return Ok(if Some(hash) == ours {
                Height::Ours { l1_number }
            } else {
                Height::Other { block_hash: hash, l1_number }
            });
        }
        // Another block where our parent should be: ours can't land on top of it.
        if let (Some(below), Some(landed)) = (self.chain.canonical_hash(number - 1)?, self.chain.landing(number - 1)?)
            && below != active.parent
        {
            return Ok(Height::Other { block_hash: below, l1_number: landed.l1_number });
        }
        Ok(Height::Open)
    }

    /// L1 dropped everything above block `to`.
    pub async fn on_rewind(&mut self, to: u64) {
        for number in self.active.keys().copied().collect::<Vec<_>>() {
            if self.active.get(&number).is_some_and(|active| active.origin > to) {
                self.abandon(number);
                continue;
            }
            if let Err(error) = self.feed(number, Event::Reorged { to }).await {
                tracing::warn!(%error, number, "a landing could not follow the L1 reorg; again with the next L1 head");
            }
        }
    }

    /// Gives up a block whose L1 origin is gone: Hub would refuse it. Its transactions are free, and so is its nonce, which
    /// the next landing takes, outbidding what pools may still hold.
    fn abandon(&mut self, number: u64) {
        let Some(active) = self.active.remove(&number) else { return };
        let Some(record) = active.machine.record() else { return };
        tracing::warn!(number, hash = %record.block_hash, origin = active.origin, "the L1 origin is gone; the block is built anew");
        self.freed.push(record.block_hash);
        self.outbid = Some((record.nonce, record.highest_fees()));
        self.forget(record);
    }

    fn forget(&self, record: &Record) {
        let record_key = format!("{RECORD}{:020}", record.number);
        let calldata_key = format!("{CALLDATA}{}", record.block_hash);
        let forgotten = [(record_key.as_str(), None), (calldata_key.as_str(), None)];
        if let Err(error) = self.chain.journal_put(&forgotten, Durability::Buffered) {
            tracing::error!(%error, number = record.number, "a finished landing stays in the journal");
        }
    }

    async fn feed(&mut self, number: u64, event: Event) -> Result<(), LandingError> {
        let Some(active) = self.active.get_mut(&number) else { return Ok(()) };
        let (machine, effects) = std::mem::take(&mut active.machine).handle(event, &self.policy);
        active.machine = machine;
        Box::pin(self.carry_out(number, effects)).await
    }

    async fn carry_out(&mut self, number: u64, effects: Vec<Effect>) -> Result<(), LandingError> {
        for effect in effects {
            match effect {
                Effect::Persist(record) => {
                    let key = format!("{RECORD}{:020}", record.number);
                    let bytes = serde_json::to_vec(&record)?;
                    self.chain.journal_put(&[(&key, Some(bytes.into()))], Durability::Synced)?;
                }
                Effect::Send { nonce, gas_limit, fees, replaces } => {
                    let Some(active) = self.active.get(&number) else { continue };
                    let call = active.call.clone();
                    let event = match self.hands.advance(&call, nonce, gas_limit, fees).await {
                        Sent::Taken(hash) => {
                            tracing::info!(number, %hash, nonce, replaces, "landing sent");
                            Event::Sent { hash }
                        }
                        Sent::Failed(why, error) => {
                            tracing::warn!(number, ?why, %error, "landing not taken by the L1 node");
                            Event::SendFailed { why }
                        }
                        Sent::Unsigned(error) => {
                            tracing::warn!(number, %error, "landing not signed; it is asked for again with the next L1 head");
                            Event::SendFailed { why: SendFailure::Unreachable }
                        }
                    };
                    self.feed(number, event).await?;
                }
                Effect::Requeue { block_hash } => self.freed.push(block_hash),
                Effect::Release { nonce, outbid } => self.outbid = Some((nonce, outbid)),
                Effect::Report(report) => {
                    match &report {
                        Report::Reverted(reverted) => self.pause.refused(reverted.l1_number),
                        Report::Landed { .. } => self.pause = Pause::default(),
                        _ => {}
                    }
                    log(number, &report);
                }
            }
        }
        Ok(())
    }

    fn forget_finished(&mut self) {
        let over: Vec<u64> =
            self.active.iter().filter(|(_, active)| active.machine.is_over()).map(|(number, _)| *number).collect();
        for number in over {
            let Some(active) = self.active.remove(&number) else { continue };
            let Some(record) = active.machine.record() else { continue };
            self.forget(record);
        }
    }

    async fn market(&self) -> Result<(L1Ref, Market), LandingError> {
        let head = self.rpc.header(BlockNumberOrTag::Latest).await?;
        let head = head.ok_or(LandingError::Missing("the L1 node has no head"))?;
        let base_fee = head.header.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default();
        let blob_base_fee = self.rpc.blob_base_fee().await?;
        Ok((head.at, Market { base_fee: u128::from(base_fee), blob_base_fee }))
    }
}

fn log(number: u64, report: &Report) {
    match report {
        Report::Landed { l1_number } => tracing::info!(number, l1_number, "landed"),
        Report::Final { .. } => tracing::debug!(number, "final"),
        Report::TakenBack => tracing::warn!(number, "an L1 reorg took the block back; landing it again"),
        Report::Lost { winner } => tracing::warn!(number, %winner, "another block landed first"),
        Report::Bumped { fees } => tracing::warn!(number, ?fees, "landing is late; fees raised"),
        Report::Reverted(reverted) => tracing::error!(number, ?reverted, "Hub refused the landing"),
        Report::FeeCapReached { needed, cap } => {
            tracing::error!(number, ?needed, ?cap, "landing is late and the fee cap is reached")
        }
        Report::WalletEmpty => tracing::error!(number, "the landing account can't pay"),
        Report::Displaced { nonce } => {
            tracing::error!(number, nonce, "the landing's nonce was used by a transaction that is not ours")
        }
        Report::Refused => tracing::error!(number, "the L1 node refuses the landing for good"),
        Report::Unexpected => tracing::error!(number, "an event that can't be: a defect"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_in_a_row_doubles_the_pause_up_to_its_limit() {
        let mut pause = Pause::default();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            pause.refused(100);
            pauses.push(pause.until - 100);
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 64, 64]);
        pause = Pause { in_a_row: u32::MAX, until: 0 };
        pause.refused(u64::MAX);
        assert_eq!(pause.until, u64::MAX);
    }
}
