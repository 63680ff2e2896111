//! Carries out the lane of landings of one account: journal, signing, sending, and what L1 says of it. One account may land the
//! blocks of several rollups: their nodes share these landings, each under its chain id.
//!
//! Order hazard: a step of the lane is fsynced before the transactions that it allows are sent, and their calldata and blocks, in the
//! store of each rollup, before the step. Must not know: which nonce, which fees, and when; that is `sequencer::landing`'s.

mod alarms;
mod delivery;
mod heads;
mod journal;
mod news;
mod pause;
mod payloads;
mod purse;
mod rehearsal;

use crate::host::{Host, Interrupted};
use alarms::{Alarm, Alarms};
use alloy_eips::{BlockId, BlockNumberOrTag, eip1559::BaseFeeParams, eip7594::BlobTransactionSidecarEip7594};
use alloy_primitives::{Address, B256, Bytes};
use bridge::opening::{Commitments, OpeningError};
use l1::{Hands, HubCall, L1Error, L1Head, L1Rpc};
use pause::Pause;
use payloads::Payloads;
use purse::Purse;
use rpc::rollup::LandingStatus;
use sequencer::landing::{
    Market, Policy, Report,
    lane::{Block, Effect, Errand, Event, Lane, Run, View, What},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use storage::{Chain, StorageError};
use tokio::sync::Mutex;

/// The landings as the nodes of their rollups share them.
pub type Shared = Arc<Mutex<Landings>>;

/// Whose refusals are counted where no rollup's are: no chain has this id.
const ERRANDS: u64 = 0;

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
    /// The stores of the rollups, by chain id.
    rollups: Rollups,
    rpc: L1Rpc,
    hands: Hands,
    hub: Address,
    limits: LandingLimits,
    payloads: Payloads,
    /// `None` until the journal is read, and again when it could not be written: what is on disk is what counts.
    lane: Option<Lane>,
    /// With chain ids.
    freed: Vec<(u64, B256)>,
    /// By chain id.
    pauses: BTreeMap<u64, Pause>,
    /// The same for blocks that counted on what was on its way: only those are refused where a stranger's message came first.
    bundle_pauses: BTreeMap<u64, Pause>,
    purse: Purse,
    alarms: Alarms,
    /// The endpoint could not say whether a landing would succeed, and the operator was told.
    is_unsure: bool,
}

/// The stores of the rollups that one account lands.
#[derive(Clone, Debug)]
struct Rollups {
    /// The first, which keeps the lane's journal.
    home: Chain,
    by_id: BTreeMap<u64, Chain>,
}

impl Rollups {
    fn get(&self, chain_id: u64) -> Result<&Chain, LandingError> {
        self.by_id.get(&chain_id).ok_or(LandingError::Missing("a landing is of a rollup that is not served"))
    }
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
    /// None under way yet; [`Self::resume`] takes up those of the last run. `rollups`, at least one, are what the account lands in Hub at
    /// `hub`; the first keeps the journal.
    pub fn new(
        host: Arc<dyn Host>,
        kzg: Arc<dyn Commitments>,
        rollups: (Chain, Vec<Chain>),
        rpc: L1Rpc,
        hands: Hands,
        hub: Address,
        limits: LandingLimits,
    ) -> Shared {
        let (home, more) = rollups;
        let by_id = std::iter::once(&home).chain(&more).map(|chain| (chain.spec().chain_id, chain.clone())).collect();
        let rollups = Rollups { home, by_id };
        Arc::new(Mutex::new(Self {
            payloads: Payloads::new(host, kzg, rollups.clone(), hub),
            rollups,
            rpc,
            hands,
            hub,
            limits,
            lane: None,
            freed: Vec::new(),
            pauses: BTreeMap::new(),
            bundle_pauses: BTreeMap::new(),
            purse: Purse::default(),
            alarms: Alarms::default(),
            is_unsure: false,
        }))
    }

    /// How landings of a rollup stand, for people.
    pub fn status(&self, chain_id: u64) -> LandingStatus {
        let block = |block: Block| rpc::rollup::BlockRef { number: block.number, hash: block.hash };
        LandingStatus {
            account: self.hands.address(),
            balance_wei: self.purse.held.map(|(balance, _)| balance),
            landings_left: self.purse.held.map(|(_, landings)| landings),
            in_flight: self.in_flight(chain_id).into_iter().map(block).collect(),
            alarms: self.alarms.texts(),
        }
    }

    /// The blocks of a rollup that are on their way to L1, ascending, each the child of the one before.
    pub fn in_flight(&self, chain_id: u64) -> Vec<Block> {
        let blocks = self.lane.iter().flat_map(Lane::in_flight).map(|flight| flight.block);
        blocks.filter(|block| block.chain_id == chain_id).collect()
    }

    /// Errands that are not final, by nonce.
    pub fn errands(&self) -> impl Iterator<Item = &Run> {
        self.lane.iter().flat_map(Lane::errands)
    }

    /// Hash of L1 block `number`; `None` when the endpoint has no such block.
    pub async fn l1_hash(&self, number: u64) -> Result<Option<B256>, L1Error> {
        Ok(self.rpc.header(BlockNumberOrTag::Number(number)).await?.map(|head| head.at.hash))
    }

    /// Whether a landing of a rollup may be begun on this L1 head, or a refusal was too recent.
    pub fn may_begin(&self, chain_id: u64, l1_number: u64) -> bool {
        self.pauses.get(&chain_id).is_none_or(|pause| pause.is_over(l1_number))
    }

    /// Whether a block of a rollup may count on messages on their way, or one that did was refused too recently.
    pub fn may_bundle(&self, chain_id: u64, l1_number: u64) -> bool {
        self.bundle_pauses.get(&chain_id).is_none_or(|pause| pause.is_over(l1_number))
    }

    /// Whether an errand may be run on this L1 head, or a refusal was too recent.
    pub fn may_run_errands(&self, l1_number: u64) -> bool {
        self.may_begin(ERRANDS, l1_number)
    }

    /// Hashes of a rollup's blocks that will not land, in their order, whose transactions are free again.
    pub fn take_freed(&mut self, chain_id: u64) -> Vec<B256> {
        self.freed.extract_if(.., |(of, _)| *of == chain_id).map(|(_, hash)| hash).collect()
    }

    /// Starts to land `sealed`.
    pub async fn begin(&mut self, sealed: Sealed) {
        let Block { chain_id, hash, .. } = sealed.block;
        if let Err(error) = self.try_begin(sealed).await {
            tracing::error!(%error, chain_id, %hash, "a sealed block is not landed");
            self.freed.push((chain_id, hash));
        }
    }

    async fn try_begin(&mut self, sealed: Sealed) -> Result<(), LandingError> {
        let view = self.view().await?;
        let Sealed { block, calldata, sidecar, .. } = sealed;
        self.purse.sealed(block.gas_limit, sidecar.blobs.len() as u64);
        let call = HubCall { hub: self.hub, input: calldata, sidecar };
        self.payloads.keep(block.chain_id, block.hash, call)?;
        self.feed(Event::Sealed { block, view }).await
    }

    /// Runs an errand: calls Hub with `input`.
    pub async fn run(&mut self, errand: Errand, input: Bytes) {
        if let Err(error) = self.try_run(errand, input).await {
            tracing::error!(%error, id = %errand.id, "an errand is not run");
        }
    }

    async fn try_run(&mut self, errand: Errand, input: Bytes) -> Result<(), LandingError> {
        let view = self.view().await?;
        self.payloads.keep_errand(errand.id, input).await?;
        self.feed(Event::Errand { errand, view }).await
    }

    /// What the transaction of a block, or of an errand, calls Hub with.
    pub fn input(&self, name: B256) -> Option<Bytes> {
        match self.payloads.input(name) {
            Ok(input) => Some(input),
            Err(error) => {
                tracing::error!(%error, %name, "calldata can't be read");
                None
            }
        }
    }

    async fn view(&self) -> Result<View, LandingError> {
        let (head, market) = self.market().await?;
        let account_nonce = self.rpc.nonce(self.hands.address(), BlockId::latest()).await?;
        Ok(View { l1_number: head.at.number, account_nonce, market })
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
                Effect::Requeue { chain_id, block_hash } => self.freed.push((chain_id, block_hash)),
                Effect::Report { what, report } => {
                    self.sound(what, &report);
                    news::log(what, &report);
                }
            }
        }
        Ok(())
    }

    fn sound(&mut self, what: What, report: &Report) {
        let whose = if let What::Advance { chain_id, .. } = what { chain_id } else { ERRANDS };
        let is_bundled = matches!(what, What::Advance { is_bundled: true, .. });
        match report {
            Report::Reverted(reverted) => self.pause_from(whose, is_bundled, reverted.l1_number),
            Report::Landed { .. } => {
                self.pauses.remove(&whose);
                if is_bundled {
                    self.bundle_pauses.remove(&whose);
                }
                if self.pauses.is_empty() {
                    self.alarms.clear(Alarm::Paused);
                }
                for alarm in [Alarm::FeeCap, Alarm::AccountEmpty] {
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

    /// L1 refused a rollup's landing, or would have, at L1 block `l1_number`.
    fn pause_from(&mut self, whose: u64, is_bundled: bool, l1_number: u64) {
        if is_bundled {
            return self.bundle_pauses.entry(whose).or_default().refused(l1_number);
        }
        let pause = self.pauses.entry(whose).or_default();
        pause.refused(l1_number);
        let until = pause.until();
        let what = if whose == ERRANDS { "calls of Hub".to_owned() } else { format!("landings of rollup {whose}") };
        self.alarms.raise(Alarm::Paused, format!("L1 refuses {what}; there are none before L1 block {until}"));
    }

    async fn market(&self) -> Result<(L1Head, Market), LandingError> {
        let head = self.rpc.header(BlockNumberOrTag::Latest).await?;
        let head = head.ok_or(LandingError::Missing("the L1 node has no head"))?;
        let base_fee = head.header.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default();
        let blob_base_fee = self.rpc.blob_base_fee().await?;
        Ok((head, Market { base_fee: u128::from(base_fee), blob_base_fee }))
    }
}
