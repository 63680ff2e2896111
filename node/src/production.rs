//! The sequencer's task: builds a block when the engine asks for one, checks it with two EVMs, and lands it.
//!
//! ```text
//!  Order::Build ─► plan the relay ─► build (pool, budget) ─► EXECUTE here and in the second EVM ─► blobs, openings
//!                                                                                                     │
//!  Order::L1Head ─► landings ─► persist ─► send, bump, give up ◄──────────────────────────────────────┘
//! ```
//! It must not decide what the chain is: a sealed block becomes one only when the driver hears from L1 that it landed.

use crate::{
    carriers::Carriers,
    derive,
    host::{self, Host, Interrupted},
    landings::{Landings, Sealed},
    pool::TxPool,
    shutdown::Shutdown,
    turn::Turn,
    view::View,
};
use alloy_consensus::{TxEip1559, transaction::SignerRecoverable};
use alloy_eips::eip1559::BaseFeeParams;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use bridge::{
    abi::OutboxProof,
    anchor::Anchor,
    gas::{Items, Sizes as LandingSizes},
    message::{InboxChain, Message},
    opening::Commitments,
};
use chainspec::{RollupConfig, predeploys};
use engine::{BlockRef, BuildOn, Event, InboxEntry, L1Ref};
use execution::{
    Account, ChainState, Executed, RecoveredTx, Sizes, StateDiff, StateError, StateView, Transaction,
    block::SealedHeader, second, stateless,
};
use l1::Signer;
use rpc::PendingBlock;
use sequencer::{
    attributes::{self, Aim, GasBounds, Need, Origin},
    budget::Settlement,
    builder::{self, BuildError, Built, Task},
    pool::Best,
    relay::{self, Budget, Inbox, Plan},
};
use std::sync::Arc;
use storage::{Chain, Durability, StorageError};
use tokio::sync::mpsc;

/// Storage slots of the Messenger (bridge/SPEC.md): messages consumed so far, and the rolling hash at that count.
const CONSUMED_COUNT_SLOT: U256 = U256::from_limbs([34, 0, 0, 0]);
const CONSUMED_HASH_SLOT: U256 = U256::from_limbs([35, 0, 0, 0]);

/// Transactions in one block; more would not fit the settlement budget.
const MAX_TRANSACTIONS: usize = 2_000;

/// A relay may take this much of a block's gas limit, as a fraction: users' transactions get the rest.
const RELAY_SHARE: u64 = 2;

/// Calldata of one relay, bytes: a third of what a landing can carry.
const RELAY_BYTES: usize = 40_000;

/// Messages in one relay.
const RELAY_MESSAGES: usize = 64;

/// Orders waiting for the sequencer before the driver waits too.
pub const ORDER_QUEUE: usize = 64;

/// What the driver tells the sequencer.
#[derive(Clone, Debug)]
pub enum Order {
    /// Build a block now.
    Build {
        /// Where and for when.
        on: BuildOn,
        /// Messages into the rollup that are known, ascending.
        inbox: Vec<InboxEntry>,
    },
    /// The chain is applied up to this L1 head.
    L1Head {
        /// The L1 head.
        at: L1Ref,
        /// Highest finalised L1 block number.
        finalised: u64,
    },
    /// L1 dropped everything above this block number.
    Rewound {
        /// L1 block number.
        to: u64,
    },
}

/// The sequencer's parts.
pub struct Production {
    /// The time, and who runs tasks.
    pub host: Arc<dyn Host>,
    /// Commits to blobs.
    pub kzg: Arc<dyn Commitments>,
    /// The chain, read only here.
    pub chain: Chain,
    /// The chain file.
    pub config: RollupConfig,
    /// Users' transactions.
    pub pool: Arc<TxPool>,
    /// Where sealed blocks wait for their landing.
    pub carriers: Carriers,
    /// Whose slot it is.
    pub turn: Arc<Turn>,
    /// Signs relays on L2.
    pub signer: Signer,
    /// Gets the tips.
    pub fee_recipient: Address,
    /// What RPC sees.
    pub view: Arc<View>,
    /// Landings under way.
    pub landings: Landings,
    /// To the engine.
    pub events: mpsc::Sender<Event>,
}

/// Why a block was not made. The next L1 block brings another try.
#[derive(Debug, thiserror::Error)]
pub enum ProductionError {
    /// The engine asked for a block on a parent that is not the head (any more).
    #[error("parent {0:?} is not the head")]
    NotHead(BlockRef),
    /// The database.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The inbox as known does not continue what was consumed.
    #[error(transparent)]
    Relay(#[from] relay::RelayError),
    /// No valid header for this slot.
    #[error(transparent)]
    Attributes(#[from] attributes::AttributesError),
    /// Building.
    #[error(transparent)]
    Build(#[from] builder::BuildError),
    /// The block has no EXECUTE input: a fault of ours.
    #[error("EXECUTE input: {0}")]
    Input(String),
    /// EXECUTE would refuse the block: a fault of ours, found before it cost anything.
    #[error("self-check: {0}")]
    Refused(#[from] stateless::Refusal),
    /// Another client would refuse the block.
    #[error("second opinion: {0}")]
    SecondOpinion(#[from] second::SecondOpinion),
    /// L1 does not answer.
    #[error(transparent)]
    L1(#[from] l1::L1Error),
    /// The relay of L1 messages could not be signed.
    #[error("relay: {0}")]
    Unsigned(#[from] l1::SignError),
    /// KZG.
    #[error(transparent)]
    Kzg(#[from] bridge::opening::OpeningError),
    /// A thread of ours panicked.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl Production {
    /// Runs until the driver is gone or `shutdown`.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>, mut shutdown: Shutdown) {
        self.resume().await;
        loop {
            let order = tokio::select! {
                biased;
                () = shutdown.wait() => return,
                order = orders.recv() => match order {
                    Some(order) => order,
                    None => return,
                },
            };
            match order {
                Order::Build { on, inbox } => {
                    if let Err(error) = self.build(on, inbox).await {
                        tracing::error!(%error, "no block for this slot");
                    }
                }
                Order::L1Head { at, finalised } => self.landings.on_head(at, finalised).await,
                Order::Rewound { to } => self.landings.on_rewind(to).await,
            }
            self.report().await;
        }
    }

    /// After a restart: landings go on, and the block in flight is known again.
    async fn resume(&mut self) {
        self.landings.resume().await;
        self.report().await;
    }

    /// Tells the engine what is in flight, and puts the transactions of blocks that will not land back.
    async fn report(&mut self) {
        for hash in self.landings.take_freed() {
            match self.chain.side_block(hash) {
                Ok(Some((block, _))) if self.chain.canonical_hash(block.number).ok().flatten() != Some(hash) => {
                    if let Err(error) = self.pool.put_back(derive::transactions(&block)) {
                        tracing::error!(%error, "transactions of a lost block could not be put back");
                    }
                }
                Ok(_) => {}
                Err(error) => tracing::error!(%error, %hash, "a lost block could not be read"),
            }
        }
        let in_flight = self.landings.in_flight();
        if in_flight.is_none() {
            self.view.set_pending(None);
        }
        // The driver is gone only when the node stops.
        let _ = self.events.send(Event::InFlight(in_flight)).await;
    }

    async fn build(&mut self, on: BuildOn, inbox: Vec<InboxEntry>) -> Result<(), ProductionError> {
        if self.landings.in_flight().is_some() {
            return Ok(()); // The engine had not heard of it yet.
        }
        if !self.landings.may_begin(on.l1_head.number) {
            return Ok(()); // Hub refused the last landing; its reason is in the log.
        }
        let started = self.host.uptime();
        let Some(origin) = self.origin(&on).await? else { return Ok(()) };
        let work = Work {
            origin,
            kzg: self.kzg.clone(),
            chain: self.chain.clone(),
            pool: self.pool.clone(),
            turn: self.turn.clone(),
            signer: self.signer.clone(),
            config: self.config.clone(),
            fee_recipient: self.fee_recipient,
            on: on.clone(),
            inbox,
        };
        let Some(block) = host::blocking(&*self.host, "building", move || work.run()).await?? else { return Ok(()) };
        let number = block.executed.block.number;
        if !self.turn.is_ours(&on)? {
            tracing::info!(number, "the slot is no longer ours; the block is dropped");
            return Ok(());
        }
        tracing::info!(
            number,
            hash = %block.executed.block.hash(),
            txs = block.executed.block.body().transactions.len(),
            gas = block.executed.block.gas_used,
            input_bytes = block.sealed.input_bytes,
            blobs = block.sealed.sidecar.blobs.len(),
            ms = (self.host.uptime() - started).as_millis(),
            "sealed"
        );
        self.pool.drop_for_good(&block.dropped).unwrap_or_else(|error| tracing::error!(%error, "pool"));
        // Synced before anything is sent, by the landing's own record that is written later: after a crash the same block is landed, never
        // another one in its place.
        self.chain.store_side_block(&block.executed.block, &block.executed.bal, Durability::Buffered)?;
        self.view.set_pending(Some(Arc::new(PendingBlock {
            block: block.executed.block.clone(),
            receipts: block.executed.receipts.clone(),
            state: block.state,
        })));
        self.carriers.keep(block.executed);
        self.landings.begin(block.sealed).await;
        Ok(())
    }

    /// The newest L1 block that the landing may name, if the next L1 block includes it; `None` when there is none yet.
    async fn origin(&self, on: &BuildOn) -> Result<Option<Origin>, ProductionError> {
        let parent_origin = parent_anchor(&self.chain, on.parent.number)?.origin_number;
        let lag = self.config.min_origin_lag;
        let number = attributes::origin_number(on.l1_head.number + 1, lag, lag, parent_origin);
        Ok(match number {
            None => None,
            Some(number) if number == on.l1_head.number => Some(Origin { number, hash: on.l1_head.hash }),
            Some(number) => self.landings.l1_hash(number).await?.map(|hash| Origin { number, hash }),
        })
    }
}

/// One block's work, on a blocking thread: see [`Work::run`].
struct Work {
    kzg: Arc<dyn Commitments>,
    chain: Chain,
    pool: Arc<TxPool>,
    turn: Arc<Turn>,
    signer: Signer,
    config: RollupConfig,
    fee_recipient: Address,
    on: BuildOn,
    origin: Origin,
    inbox: Vec<InboxEntry>,
}

/// A block ready to be landed.
struct Block {
    executed: Arc<Executed>,
    sealed: Sealed,
    /// Pool transactions that no block will ever take.
    dropped: Vec<B256>,
    state: Arc<dyn StateView>,
}

impl Work {
    fn run(self) -> Result<Option<Block>, ProductionError> {
        let parent = (*self.chain.head()).clone();
        if (parent.number, parent.hash()) != (self.on.parent.number, self.on.parent.hash) {
            return Err(ProductionError::NotHead(self.on.parent));
        }
        let state = self.chain.state_at_head();
        let parent_anchor = parent_anchor(&self.chain, parent.number)?;
        let consumed = consumed(&*state)?;
        let pending: Vec<Message> = self
            .inbox
            .iter()
            .map(|entry| entry.message.clone())
            .filter(|message| message.index >= consumed.count)
            .collect();
        let base_fee = parent.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default();
        let need = Need {
            has_transactions: self.pool.with(|pool| pool.best(base_fee, 1).next().is_some()),
            has_messages: !pending.is_empty(),
            parent_time: parent.timestamp,
            slot_time: self.on.slot_timestamp,
        };
        if !need.is_due(attributes::MAX_IDLE_DEFAULT) {
            self.turn.nothing_waits();
            return Ok(None);
        }
        if !self.turn.is_ours(&self.on)? {
            return Ok(None);
        }

        let snapshot = self.pool.with(|pool| pool.clone()); // A copy, so that RPC does not wait behind the block.
        let inbox = Inbox {
            chain_id: self.chain.spec().chain_id,
            consumed,
            named: parent_anchor.inbox_count,
            pending: &pending,
        };
        let base = Base { parent: &parent, parent_anchor, state: &*state, base_fee, need };
        let mut is_signed = true;
        for budget in relay_budgets(parent.gas_limit) {
            let plan = relay::plan(&inbox, &budget)?;
            let is_last = budget.messages == 0;
            if !is_signed && !is_last {
                continue; // The signer was waited for once; there is no time for more.
            }
            if plan.relay.is_none() && need.has_messages && !is_last {
                continue; // The first message needs more room than this.
            }
            match self.attempt(&base, plan, &mut snapshot.best(base_fee, 1)) {
                Err(ProductionError::Build(
                    error @ (BuildError::RelayRefused { .. } | BuildError::RelayFailed { .. }),
                )) if !is_last => {
                    // A stranger's message must not stop everyone's transactions.
                    tracing::warn!(%error, messages = budget.messages, "a relay does not fit; trying with fewer messages");
                }
                Err(ProductionError::Unsigned(error)) if !is_last => {
                    // The messages wait for a later block, the users' transactions do not.
                    tracing::warn!(%error, "the relay of L1 messages is not signed; this block goes without it");
                    is_signed = false;
                }
                done => return done,
            }
        }
        unreachable!("the last budget relays nothing, and its outcome is returned")
    }

    /// Builds with the messages of `plan`, checks and seals.
    fn attempt(&self, base: &Base<'_>, plan: Plan, best: &mut Best<'_>) -> Result<Option<Block>, ProductionError> {
        let Base { parent, parent_anchor, state, base_fee, need } = *base;
        let bounds = GasBounds { min: self.config.gas_limit_min, max: self.config.gas_limit_max };
        let demand = parent.gas_used.max(plan.wanted_gas);
        let aim = Aim {
            chain_id: self.chain.spec().chain_id,
            slot_time: self.on.slot_timestamp,
            origin: self.origin,
            inbox: plan.inbox,
            gas_limit: attributes::gas_limit(parent.gas_limit, demand, bounds),
            fee_recipient: self.fee_recipient,
            extra_data: Bytes::from_static(b"basalt"),
        };
        let (attributes, anchor) = attributes::attributes(parent, &parent_anchor, aim)?;
        let relay = match plan.relay {
            Some(relay) => {
                let input = relay.calldata(&anchor, attributes.timestamp);
                vec![self.relay_transaction(state, input, relay.gas_limit, base_fee)?]
            }
            None => Vec::new(),
        };
        let settlement = Settlement {
            gas_limit: attributes.gas_limit,
            extra_data: attributes.extra_data.len(),
            outbox_proof: Items::default(),
        };
        let fits = |sizes: &Sizes| settlement.fits(sizes);
        let task = Task {
            spec: self.chain.spec(),
            parent,
            attributes,
            state,
            relay: &relay,
            fits: &fits,
            max_transactions: MAX_TRANSACTIONS,
            is_heartbeat: need.is_heartbeat_due(attributes::MAX_IDLE_DEFAULT),
        };
        let built = builder::build(task, best)?;
        let dropped: Vec<B256> = built.dropped().collect();
        for rejection in built.refused.iter().filter(|rejection| rejection.is_final) {
            tracing::info!(hash = %rejection.hash, reason = %rejection.reason, "dropped from the pool");
        }
        let Built { executed, .. } = built;
        let Some(executed) = executed else { return Ok(None) };
        let sealed = self.seal(&executed, &anchor)?;
        let after = AfterBlock { parent: self.chain.state_at(parent.hash())?, diff: executed.diff.clone() };
        Ok(Some(Block { executed: Arc::new(executed), sealed, dropped, state: Arc::new(after) }))
    }

    fn relay_transaction(
        &self,
        state: &dyn StateView,
        input: Bytes,
        gas_limit: u64,
        base_fee: u64,
    ) -> Result<RecoveredTx, ProductionError> {
        let nonce = state.account(self.signer.address())?.map_or(0, |account| account.nonce);
        let transaction = TxEip1559 {
            chain_id: self.chain.spec().chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: u128::from(base_fee),
            max_priority_fee_per_gas: 0,
            to: TxKind::Call(predeploys::MESSENGER),
            input,
            ..Default::default()
        };
        let signed = Transaction::Eip1559(self.signer.sign_blocking(transaction)?);
        let sender = signed.recover_signer().expect("what was just signed recovers its signer");
        Ok(RecoveredTx::new_unchecked(signed, sender))
    }

    /// Checks the block as L1 will, twice, and makes everything that its landing carries.
    fn seal(&self, executed: &Executed, anchor: &Anchor) -> Result<Sealed, ProductionError> {
        let input = stateless::input(self.chain.spec().chain_id, executed)
            .map_err(|error| ProductionError::Input(error.to_string()))?;
        let bytes: Bytes = input.encode().into();
        stateless::validate(&bytes)?;
        second::check(&bytes)?;
        let cost = bridge::gas::advance_gas(&LandingSizes::of(&input));
        let data = bridge::blob::encode(&input.payload.block_access_list, &input.payload.transactions);
        let openings = self.kzg.open(&data)?;
        let sidecar = self.kzg.sidecar(bridge::blob::to_blobs(&data))?;
        let input_bytes = bytes.len();
        Ok(Sealed {
            block: BlockRef { number: executed.block.number, hash: executed.block.hash() },
            parent: executed.block.parent_hash,
            origin: anchor.origin_number,
            calldata: bridge::abi::advance(anchor, &openings, OutboxProof::default(), bytes),
            gas_limit: cost.gas_limit(),
            sidecar,
            input_bytes,
        })
    }
}

/// The state after a block that is not canonical yet: its difference over its parent's state.
struct AfterBlock {
    parent: Arc<dyn ChainState>,
    diff: StateDiff,
}

impl StateView for AfterBlock {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        match self.diff.accounts.get(&address) {
            Some(diff) => Ok(diff.after),
            None => self.parent.account(address),
        }
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        match self.diff.accounts.get(&address).and_then(|diff| diff.storage.get(&slot)) {
            Some((_, after)) => Ok(*after),
            None => self.parent.storage(address, slot),
        }
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        match self.diff.codes.get(&hash) {
            Some(code) => Ok(code.clone()),
            None => self.parent.code(hash),
        }
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.parent.block_hash(number)
    }
}

/// What every attempt at one block shares.
#[derive(Clone, Copy)]
struct Base<'a> {
    parent: &'a SealedHeader,
    parent_anchor: Anchor,
    state: &'a dyn ChainState,
    base_fee: u64,
    need: Need,
}

/// What to try, in order: many messages in half a block; one, with all of it, because Hub admits messages that large;
/// none.
fn relay_budgets(gas_limit: u64) -> [Budget; 3] {
    let budget = |gas, messages| Budget { gas, bytes: RELAY_BYTES, messages };
    [budget(gas_limit / RELAY_SHARE, RELAY_MESSAGES), budget(gas_limit, 1), budget(0, 0)]
}

/// The anchor that block `number` named; before the first landing there is none and everything starts at zero.
fn parent_anchor(chain: &Chain, number: u64) -> Result<Anchor, StorageError> {
    let chain_id = chain.spec().chain_id;
    Ok(match chain.landing(number)? {
        Some(landed) => Anchor {
            chain_id,
            origin_number: landed.origin_number,
            origin_hash: landed.origin_hash,
            inbox_count: landed.inbox_count,
            inbox_hash: landed.inbox_hash,
        },
        None => Anchor { chain_id, origin_number: 0, origin_hash: B256::ZERO, inbox_count: 0, inbox_hash: B256::ZERO },
    })
}

/// What the Messenger has consumed in `state`.
pub fn consumed(state: &dyn StateView) -> Result<InboxChain, StateError> {
    let count = state.storage(predeploys::MESSENGER, CONSUMED_COUNT_SLOT)?;
    let hash = state.storage(predeploys::MESSENGER, CONSUMED_HASH_SLOT)?;
    Ok(InboxChain { count: count.saturating_to(), hash: hash.into() })
}
