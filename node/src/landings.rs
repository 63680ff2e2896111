//! Carries out the lane of landings of one account: journal, signing, sending, and what L1 says of it.
//!
//! Order hazard: a step of the lane is fsynced before the transactions that it allows are sent, and their calldata before
//! the step. Must not know: which nonce, which fees, and when; that is `sequencer::landing`'s.

mod alarms;
mod delivery;
mod news;
mod pause;
mod payloads;
mod purse;
mod rehearsal;

use crate::host::{Host, Interrupted};
use alarms::{Alarm, Alarms};
use alloy_eips::{BlockId, BlockNumberOrTag, eip1559::BaseFeeParams, eip7594::BlobTransactionSidecarEip7594};
use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolEvent;
use bridge::{
    abi::Hub,
    opening::{Commitments, OpeningError},
};
use engine::L1Ref;
use l1::{AdvanceCall, Hands, L1Error, L1Head, L1Rpc};
use pause::Pause;
use payloads::Payloads;
use purse::Purse;
use rpc::rollup::LandingStatus;
use sequencer::landing::{
    Market, Policy, Report,
    lane::{Block, Effect, Event, Head, Lane, Place, Slot, View},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use storage::{Chain, Durability, StorageError};

/// Journal keys: one record for each nonce of the lane, by nonce.
const LANE: &str = "landing/lane/";

/// A block to be landed, with all that its transaction carries.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The block, as far as its landing goes.
    pub block: Block,
    /// `Hub.advance`, encoded.
    pub calldata: Bytes,
    /// Its blobs.
    pub sidecar: BlobTransactionSidecarEip7594,
    /// Bytes of the EXECUTE input, for the log.
    pub input_bytes: usize,
}

/// What an operator allows, and wants to hear of.
#[derive(Clone, Copy, Debug)]
pub struct LandingLimits {
    /// How fees are chosen, with their cap.
    pub policy: Policy,
    /// The alarm sounds when the account pays for fewer landings than this, at present fees.
    pub min_landings: u64,
}

/// [`LandingLimits::min_landings`] when nothing else is said: an hour and a half of a landing in every slot.
pub const MIN_LANDINGS: u64 = 450;

impl Default for LandingLimits {
    fn default() -> Self {
        Self { policy: Policy::default(), min_landings: MIN_LANDINGS }
    }
}

/// The landings of one account on one L1.
pub struct Landings {
    chain: Chain,
    rpc: L1Rpc,
    hands: Hands,
    hub: Address,
    limits: LandingLimits,
    payloads: Payloads,
    /// `None` until the journal is read, and again when it could not be written: what is on disk is what counts.
    lane: Option<Lane>,
    freed: Vec<B256>,
    pause: Pause,
    purse: Purse,
    alarms: Alarms,
    /// The endpoint could not say whether a landing would succeed, and the operator was told.
    is_unsure: bool,
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
    #[error("landing record {0:?} has no nonce")]
    Key(String),
    #[error(transparent)]
    Blobs(#[from] OpeningError),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    #[error("{0}")]
    Missing(&'static str),
}

impl Landings {
    /// None under way yet; [`Self::resume`] takes up those of the last run.
    pub fn new(
        host: Arc<dyn Host>,
        kzg: Arc<dyn Commitments>,
        chain: Chain,
        rpc: L1Rpc,
        hands: Hands,
        hub: Address,
        limits: LandingLimits,
    ) -> Self {
        Self {
            payloads: Payloads::new(host, kzg, chain.clone(), hub),
            chain,
            rpc,
            hands,
            hub,
            limits,
            lane: None,
            freed: Vec::new(),
            pause: Pause::default(),
            purse: Purse::default(),
            alarms: Alarms::default(),
            is_unsure: false,
        }
    }

    /// How landings stand, for people.
    pub fn status(&self) -> LandingStatus {
        let block = |block: Block| rpc::rollup::BlockRef { number: block.number, hash: block.hash };
        LandingStatus {
            account: self.hands.address(),
            balance_wei: self.purse.held.map(|(balance, _)| balance),
            landings_left: self.purse.held.map(|(_, landings)| landings),
            in_flight: self.in_flight().into_iter().map(block).collect(),
            alarms: self.alarms.texts(),
        }
    }

    /// The blocks that are on their way to L1, ascending, each the child of the one before.
    pub fn in_flight(&self) -> Vec<Block> {
        self.lane.iter().flat_map(Lane::in_flight).map(|flight| flight.block).collect()
    }

    /// Hash of L1 block `number`; `None` when the endpoint has no such block.
    pub async fn l1_hash(&self, number: u64) -> Result<Option<B256>, L1Error> {
        Ok(self.rpc.header(BlockNumberOrTag::Number(number)).await?.map(|head| head.at.hash))
    }

    /// Whether a landing may be begun on this L1 head, or a refusal was too recent.
    pub const fn may_begin(&self, l1_number: u64) -> bool {
        self.pause.is_over(l1_number)
    }

    /// Hashes of blocks that will not land, in their order, whose transactions are free again.
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
        let account_nonce = self.rpc.nonce(self.hands.address(), BlockId::latest()).await?;
        let Sealed { block, calldata, sidecar, .. } = sealed;
        self.purse.sealed(block.gas_limit, sidecar.blobs.len() as u64);
        self.payloads.keep(block.hash, AdvanceCall { hub: self.hub, input: calldata, sidecar })?;
        let view = View { l1_number: head.at.number, account_nonce, market };
        self.feed(Event::Sealed { block, view }).await
    }

    /// No more blocks come for this slot: what is dead behind them must not burn with them.
    pub async fn quiet(&mut self) {
        if let Err(error) = self.feed(Event::Quiet).await {
            tracing::warn!(%error, "dead landings could not be cancelled; again with the next L1 head");
        }
    }

    /// Takes up the landings of the last run.
    pub async fn resume(&mut self) {
        if let Err(error) = self.ready().await {
            tracing::error!(%error, "landings of the last run are not taken up");
        }
    }

    /// Reads the lane from the journal where it is not in memory.
    async fn ready(&mut self) -> Result<(), LandingError> {
        if self.lane.is_some() {
            return Ok(());
        }
        let mut slots = BTreeMap::new();
        for (key, bytes) in self.chain.journal_with_prefix(LANE)? {
            let nonce = key.strip_prefix(LANE).and_then(|nonce| nonce.parse().ok());
            let nonce: u64 = nonce.ok_or_else(|| LandingError::Key(key.clone()))?;
            let slot: Slot = serde_json::from_slice(&bytes)?;
            slots.insert(nonce, slot);
        }
        self.payloads.found()?;
        let (lane, effects) = Lane::resume(self.chain.spec().chain_id, self.limits.policy, slots);
        for flight in lane.in_flight() {
            tracing::info!(number = flight.block.number, hash = %flight.block.hash, "landing of the last run");
        }
        self.lane = Some(lane);
        self.carry_out(effects).await
    }

    /// L1 has a new head, and the chain is applied up to it.
    pub async fn on_head(&mut self, at: L1Ref, finalised: u64) {
        if let Err(error) = self.look_after_account().await {
            tracing::warn!(%error, "the landing account could not be looked at");
        }
        if self.pause.is_over(at.number) {
            self.alarms.clear(Alarm::Paused);
        }
        if let Err(error) = self.try_head(at, finalised).await {
            tracing::warn!(%error, "landings could not be looked after; again with the next L1 head");
        }
        if let Some(lane) = &self.lane {
            self.payloads.retain(lane);
        }
    }

    async fn look_after_account(&mut self) -> Result<(), LandingError> {
        let balance = self.rpc.balance(self.hands.address()).await?;
        let (_, market) = self.market().await?;
        let landings = self.purse.look(balance, &market, &self.limits.policy);
        let min = self.limits.min_landings;
        if landings < min {
            let text = format!(
                "the landing account holds {balance} wei, which pays for {landings} landings at present fees \
                 (--sequencer.min-landings {min})"
            );
            self.alarms.raise(Alarm::AccountLow, text);
        } else {
            self.alarms.clear(Alarm::AccountLow);
            self.alarms.clear(Alarm::AccountEmpty);
        }
        Ok(())
    }

    async fn try_head(&mut self, at: L1Ref, finalised: u64) -> Result<(), LandingError> {
        self.ready().await?;
        let Some(lane) = &self.lane else { return Ok(()) };
        if lane.slots().is_empty() {
            return Ok(());
        }
        let landed = self.chain.heads().landed;
        let mut heights = BTreeMap::new();
        for number in lane.slots().values().filter_map(Slot::number).filter(|number| *number <= landed.number) {
            if let (Some(hash), Some(record)) = (self.chain.canonical_hash(number)?, self.chain.landing(number)?) {
                heights.insert(number, (hash, record.l1_number));
            }
        }
        let open: Vec<(u64, Vec<B256>, Option<B256>)> = lane
            .slots()
            .iter()
            .filter(|(_, slot)| slot.is_open())
            .map(|(nonce, slot)| {
                let hashes = slot.record().map(|record| record.hashes().collect()).unwrap_or_default();
                let block = if let Slot::Landing(flight) = slot { Some(flight.block.hash) } else { None };
                (*nonce, hashes, block)
            })
            .collect();
        let mut receipts = Vec::new();
        for (nonce, hashes, block) in open {
            for hash in hashes {
                receipts.extend(self.receipt(nonce, hash, block, at.number).await?);
            }
        }
        let account_nonce = self.rpc.nonce(self.hands.address(), BlockId::hash(at.hash)).await?;
        let (_, market) = self.market().await?;
        // Asked last: if this head is canonical still, so was it while the chain was read.
        if self.l1_hash(at.number).await? != Some(at.hash) {
            tracing::debug!(number = at.number, "an L1 head was abandoned before landings were looked after");
            return Ok(());
        }
        for receipt in receipts {
            self.feed(receipt).await?;
        }
        let landed = Place { number: landed.number, hash: landed.hash };
        let head = Head { number: at.number, finalized: finalised, account_nonce, market, landed, heights };
        self.feed(Event::L1Head(head)).await
    }

    /// The receipt of one of our transactions up to L1 block `until`. A landing has not done its work unless Hub says so:
    /// a status alone also comes from an address without code.
    async fn receipt(
        &self,
        nonce: u64,
        hash: B256,
        block: Option<B256>,
        until: u64,
    ) -> Result<Option<Event>, LandingError> {
        let Some(receipt) = self.rpc.receipt(hash).await? else { return Ok(None) };
        let Some(l1_number) = receipt.block_number.filter(|l1_number| *l1_number <= until) else { return Ok(None) };
        let landed = |block: B256| {
            receipt
                .inner
                .logs()
                .iter()
                .filter(|log| log.address() == self.hub)
                .any(|log| Hub::BlockLanded::decode_log(&log.inner).is_ok_and(|event| event.blockHash == block))
        };
        let is_done = receipt.inner.status() && block.is_none_or(landed);
        Ok(Some(Event::Receipt { nonce, hash, l1_number, reverted: !is_done }))
    }

    /// L1 dropped everything above block `to`.
    pub async fn on_rewind(&mut self, to: u64) {
        if let Err(error) = self.feed(Event::Reorged { to }).await {
            tracing::warn!(%error, "landings could not follow the L1 reorg; again with the next L1 head");
        }
    }

    async fn feed(&mut self, event: Event) -> Result<(), LandingError> {
        self.ready().await?;
        let effects = self.lane.as_mut().map(|lane| lane.handle(event)).unwrap_or_default();
        self.carry_out(effects).await
    }

    async fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), LandingError> {
        let mut todo = VecDeque::from(effects);
        while let Some(effect) = todo.pop_front() {
            match effect {
                Effect::Persist(changes) => {
                    if let Err(error) = self.write(&changes) {
                        // Nothing behind it may be done, and the next step starts from what is on disk.
                        self.lane = None;
                        return Err(error);
                    }
                }
                Effect::Send { nonce, what, gas_limit, fees, replaces } => {
                    if !self.lane.as_ref().is_some_and(|lane| lane.is_wanted(nonce, what, fees)) {
                        continue;
                    }
                    let event = self.deliver(nonce, what, gas_limit, fees, replaces).await;
                    let next = self.lane.as_mut().map(|lane| lane.handle(event)).unwrap_or_default();
                    for effect in next.into_iter().rev() {
                        todo.push_front(effect);
                    }
                }
                Effect::Requeue { block_hash } => self.freed.push(block_hash),
                Effect::Report { number, report } => {
                    self.sound(&report);
                    news::log(number, &report);
                }
            }
        }
        Ok(())
    }

    fn sound(&mut self, report: &Report) {
        match report {
            Report::Reverted(reverted) => self.pause_from(reverted.l1_number),
            Report::Landed { .. } => {
                self.pause = Pause::default();
                for alarm in [Alarm::Paused, Alarm::FeeCap, Alarm::AccountEmpty] {
                    self.alarms.clear(alarm);
                }
            }
            Report::FeeCapReached { needed, cap } => {
                let text = format!(
                    "a landing needs {needed:?} and may offer {cap:?} wei a gas (--sequencer.max-fee-gwei, \
                     --sequencer.max-blob-fee-gwei)"
                );
                self.alarms.raise(Alarm::FeeCap, text);
            }
            Report::WalletEmpty => {
                self.alarms.raise(Alarm::AccountEmpty, "an L1 node says that the landing account can't pay".into());
            }
            _ => {}
        }
    }

    /// L1 refused a landing, or would have, at L1 block `l1_number`.
    fn pause_from(&mut self, l1_number: u64) {
        self.pause.refused(l1_number);
        let until = self.pause.until();
        self.alarms.raise(Alarm::Paused, format!("L1 refuses landings; nothing is landed before L1 block {until}"));
    }

    /// One step of the lane, in one synced batch.
    fn write(&self, changes: &[(u64, Option<Slot>)]) -> Result<(), LandingError> {
        let mut records = Vec::with_capacity(changes.len());
        for (nonce, slot) in changes {
            let bytes = slot.as_ref().map(serde_json::to_vec).transpose()?;
            records.push((format!("{LANE}{nonce:020}"), bytes.map(Bytes::from)));
        }
        let records: Vec<(&str, Option<Bytes>)> =
            records.iter().map(|(key, bytes)| (key.as_str(), bytes.clone())).collect();
        Ok(self.chain.journal_put(&records, Durability::Synced)?)
    }

    async fn market(&self) -> Result<(L1Head, Market), LandingError> {
        let head = self.rpc.header(BlockNumberOrTag::Latest).await?;
        let head = head.ok_or(LandingError::Missing("the L1 node has no head"))?;
        let base_fee = head.header.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default();
        let blob_base_fee = self.rpc.blob_base_fee().await?;
        Ok((head, Market { base_fee: u128::from(base_fee), blob_base_fee }))
    }
}
