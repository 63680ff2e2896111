//! The sequencer's task: builds a block when the engine asks for one, checks it with two EVMs, and lands it.
//!
//! ```text
//!  Order::Build ─► plan the relay ─► build (pool, budget) ─► EXECUTE here and in the second EVM ─► blobs, openings
//!                                                                                                     │
//!  Order::L1Head ─► landings ─► persist ─► send, bump, give up ◄──────────────────────────────────────┘
//! ```
//! The parent is the newest block in flight, or the landed head: several blocks of one slot are sealed one on the other, each
//! with a landing of its own. It must not decide what the chain is: a sealed block becomes one only when the driver hears from L1 that it landed.

mod tips;
mod work;

use crate::{
    carriers::Carriers,
    crossing::{self, Bundle, Proven},
    derive,
    host::{self, Host, Interrupted},
    landings,
    orders::OrderInbox,
    pool::TxPool,
    shutdown::Shutdown,
    turn::Turn,
    view::View,
};
use alloy_primitives::{Address, U256};
use bridge::{message::InboxChain, opening::Commitments};
use chainspec::{RollupConfig, predeploys};
use engine::{BlockRef, BuildOn, Event, InboxEntry, L1Ref};
use execution::{StateError, StateView, second, stateless};
use l1::Signer;
use sequencer::{
    attributes::{self, Named, Origin},
    builder, relay,
};
use std::{collections::BTreeSet, sync::Arc};
use storage::{Chain, Durability, StorageError};
use tokio::sync::{Notify, mpsc};
use work::Work;

pub use tips::Tips;

/// Storage slots of the Messenger (bridge/SPEC.md): messages consumed so far, and the rolling hash at that count.
const CONSUMED_COUNT_SLOT: U256 = U256::from_limbs([34, 0, 0, 0]);
const CONSUMED_HASH_SLOT: U256 = U256::from_limbs([35, 0, 0, 0]);

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
    /// Landings under way, of this rollup and of others that the same account lands.
    pub landings: landings::Shared,
    /// Messages to other rollups of this process; `None` when there are none.
    pub crossing: Option<crossing::Shared>,
    /// The last order to build for which there was nothing to build: what another rollup of this process sends may change that.
    pub declined: Option<(BuildOn, Vec<InboxEntry>)>,
    /// Most blocks in flight.
    pub blocks_per_slot: usize,
    /// Sealed and not landed.
    pub tips: Tips,
    /// The last slot that a block was sealed for, and whether that block left something over.
    pub sealed_for: Option<(u64, bool)>,
    /// To the engine.
    pub events: mpsc::Sender<Event>,
}

/// Why a block was not made. The next L1 block brings another try.
#[derive(Debug, thiserror::Error)]
pub enum ProductionError {
    /// The engine asked for a block on a parent that is not the head (any more).
    #[error("parent {0:?} is not the head")]
    NotHead(BlockRef),
    /// A block that an earlier run sealed does not execute any more.
    #[error("sealed block {number}: {reason}")]
    Again {
        /// Its number.
        number: u64,
        /// What the executor says.
        reason: String,
    },
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
    pub async fn run(mut self, mut orders: OrderInbox, mut shutdown: Shutdown) {
        self.resume().await;
        let bundles = match &self.crossing {
            Some(crossing) => crossing.lock().await.wake(self.chain_id()),
            None => None,
        };
        loop {
            let order = tokio::select! {
                biased;
                () = shutdown.wait() => return,
                order = orders.recv() => match order {
                    Some(order) => order,
                    None => return,
                },
                () = told(bundles.as_deref()) => match self.declined.take() {
                    Some((on, inbox)) => Order::Build { on, inbox },
                    None => continue,
                },
            };
            match order {
                Order::Build { on, inbox } => self.on_build(on, inbox).await,
                Order::L1Head { at, finalised } => {
                    self.declined = None;
                    self.landings.lock().await.on_head(self.chain_id(), at, finalised).await;
                }
                Order::Rewound { to } => {
                    self.declined = None;
                    self.landings.lock().await.on_rewind(self.chain_id(), to).await;
                    if let Some(crossing) = &self.crossing {
                        crossing.lock().await.rewound(self.chain_id());
                    }
                }
            }
            self.report().await;
        }
    }

    /// The rollup's turn: builds, and forwards what it has sent to the others. One rollup of the process after the other.
    async fn on_build(&mut self, on: BuildOn, inbox: Vec<InboxEntry>) {
        let crossing = self.crossing.clone();
        let mut crossing = match &crossing {
            Some(crossing) => Some(crossing.lock().await),
            None => None,
        };
        let may_bundle = self.landings.lock().await.may_bundle(self.chain_id(), on.l1_head.number);
        let neighbours = crossing.as_ref().map(|crossing| Neighbours {
            served: crossing.rollups(),
            bundle: crossing.bundle(self.chain_id(), on.l1_head).filter(|_| may_bundle),
        });
        self.declined = None;
        let done = self.build(on.clone(), inbox.clone(), neighbours.unwrap_or_default()).await;
        let done = done.unwrap_or_else(|error| {
            tracing::error!(%error, "no block for this slot");
            Done::default()
        });
        if done.is_declined {
            self.declined = Some((on.clone(), inbox));
        }
        // In another's slot the messages are another's to forward.
        let is_ours = self.turn.may_send(&on, self.host.now()).unwrap_or_else(|error| {
            tracing::error!(%error, "whose slot it is can't be told");
            false
        });
        let is_ours = is_ours || done.proven.is_some();
        if let Some(crossing) = crossing.as_mut().filter(|_| is_ours)
            && let Err(error) = crossing.forward(&self.landings, self.chain_id(), &on, done.proven).await
        {
            tracing::warn!(%error, "messages to other rollups wait for the next slot");
        }
        if !done.may_follow {
            self.landings.lock().await.quiet().await;
        }
    }

    /// After a restart: landings go on, and the block in flight is known again.
    async fn resume(&mut self) {
        self.landings.lock().await.resume().await;
        self.report().await;
    }

    fn chain_id(&self) -> u64 {
        self.chain.spec().chain_id
    }

    /// Tells the engine what is in flight, and puts the transactions of blocks that will not land back.
    async fn report(&mut self) {
        let (freed, status, in_flight) = {
            let mut landings = self.landings.lock().await;
            let chain_id = self.chain_id();
            (landings.take_freed(chain_id), landings.status(chain_id), landings.in_flight(chain_id))
        };
        for hash in freed {
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
        self.view.set_landings(status);
        self.tips.retain(&in_flight);
        self.view.keep_pending(in_flight.last().map(|block| block.hash));
        let in_flight = in_flight.iter().map(|block| BlockRef { number: block.number, hash: block.hash }).collect();
        // The driver is gone only when the node stops.
        let _ = self.events.send(Event::InFlight(in_flight)).await;
    }

    /// Builds one block.
    async fn build(
        &mut self,
        on: BuildOn,
        inbox: Vec<InboxEntry>,
        neighbours: Neighbours,
    ) -> Result<Done, ProductionError> {
        let later = Done::default();
        let (in_flight, may_begin) = {
            let landings = self.landings.lock().await;
            (landings.in_flight(self.chain_id()), landings.may_begin(self.chain_id(), on.l1_head.number))
        };
        let newest = in_flight.last().map(|block| BlockRef { number: block.number, hash: block.hash });
        if in_flight.len() >= self.blocks_per_slot || newest.is_some_and(|newest| newest != on.parent) {
            return Ok(Done { may_follow: true, ..later }); // The engine had not heard of it yet, and asks again.
        }
        if newest.is_some() && self.sealed_for == Some((on.slot_timestamp, false)) {
            return Ok(later); // One block a slot until it is full: what came since can wait for the next.
        }
        if !may_begin {
            return Ok(later); // Hub refused the last landing; its reason is in the log.
        }
        let started = self.host.uptime();
        let named = match in_flight.last() {
            Some(block) => Named { origin_number: block.origin, inbox_count: block.inbox_count },
            None => named_by(&self.chain, on.parent.number)?,
        };
        let Some(origin) = self.origin(&on, named).await? else { return Ok(later) };
        let slot_timestamp = on.slot_timestamp;
        let work = Work {
            origin,
            named,
            kzg: self.kzg.clone(),
            chain: self.chain.clone(),
            pool: self.pool.clone(),
            turn: self.turn.clone(),
            signer: self.signer.clone(),
            config: self.config.clone(),
            fee_recipient: self.fee_recipient,
            tips: self.tips.clone(),
            room: self.blocks_per_slot - in_flight.len() - 1,
            in_flight,
            on: on.clone(),
            inbox,
            neighbours,
        };
        let Some(block) = host::blocking(&*self.host, "building", move || work.run()).await?? else {
            return Ok(Done { is_declined: true, ..later });
        };
        let number = block.executed.block.number;
        if !self.turn.may_send(&on, self.host.now())? {
            tracing::info!(number, "the slot is no longer ours; the block is dropped");
            return Ok(later);
        }
        tracing::info!(
            chain = self.chain_id(),
            number,
            hash = %block.executed.block.hash(),
            txs = block.executed.block.body().transactions.len(),
            gas = block.executed.block.gas_used,
            gas_limit = block.executed.block.gas_limit,
            input_bytes = block.sealed.input_bytes,
            blobs = block.sealed.sidecar.blobs.len(),
            sealed_by = ?block.sealed_by,
            ms = (self.host.uptime() - started).as_millis(),
            "sealed"
        );
        self.pool.drop_for_good(&block.dropped).unwrap_or_else(|error| tracing::error!(%error, "pool"));
        // Synced before anything is sent, by the landing's own record that is written later: after a crash the same block is landed, never
        // another one in its place.
        self.chain.store_side_block(&block.executed.block, &block.executed.bal, Durability::Buffered)?;
        self.view.set_pending(Some(Arc::new(block.pending)));
        self.tips.keep(block.executed.clone());
        self.carriers.keep(block.executed);
        self.sealed_for = Some((slot_timestamp, block.leaves_more));
        let mut landings = self.landings.lock().await;
        landings.begin(block.sealed).await;
        let may_follow = block.leaves_more && landings.in_flight(self.chain_id()).len() < self.blocks_per_slot;
        Ok(Done { may_follow, is_declined: false, proven: block.proven })
    }

    /// The newest L1 block that the landing may name, if the next L1 block includes it; `None` when there is none yet.
    async fn origin(&self, on: &BuildOn, named: Named) -> Result<Option<Origin>, ProductionError> {
        let parent_origin = named.origin_number;
        let lag = self.config.min_origin_lag;
        let number = attributes::origin_number(on.l1_head.number + 1, lag, lag, parent_origin);
        Ok(match number {
            None => None,
            Some(number) if number == on.l1_head.number => Some(Origin { number, hash: on.l1_head.hash }),
            Some(number) => self.landings.lock().await.l1_hash(number).await?.map(|hash| Origin { number, hash }),
        })
    }
}

/// What the other rollups of the process mean for a block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Neighbours {
    /// Chain ids of all: messages to them leave with the landing that proves them.
    served: BTreeSet<u64>,
    /// Messages that come into the inbox before the block lands.
    bundle: Option<Bundle>,
}

/// What came of a turn to build.
#[derive(Debug, Default)]
struct Done {
    /// Whether another block may follow for the same slot.
    may_follow: bool,
    /// Whether there was nothing to build for, or it was somebody else's turn.
    is_declined: bool,
    /// The new block, where its landing proves the outbox.
    proven: Option<Proven>,
}

/// Waits for news; without anybody to tell some, for ever.
async fn told(news: Option<&Notify>) {
    match news {
        Some(news) => news.notified().await,
        None => std::future::pending().await,
    }
}

/// What landed block `number` named; before the first landing everything starts at zero.
fn named_by(chain: &Chain, number: u64) -> Result<Named, StorageError> {
    Ok(chain.landing(number)?.map_or(Named::default(), |landed| Named {
        origin_number: landed.origin_number,
        inbox_count: landed.inbox_count,
    }))
}

/// What the Messenger has consumed in `state`.
pub fn consumed(state: &dyn StateView) -> Result<InboxChain, StateError> {
    let count = state.storage(predeploys::MESSENGER, CONSUMED_COUNT_SLOT)?;
    let hash = state.storage(predeploys::MESSENGER, CONSUMED_HASH_SLOT)?;
    Ok(InboxChain { count: count.saturating_to(), hash: hash.into() })
}
