//! Carries out what the engine decides: one task that owns the engine and writes the chain. Read [`Driver::run`].

use crate::{
    derive::{self, ApplyError},
    host::{self, Host, Interrupted},
    node::SequencerConfig,
    orders::Orders,
    payloads::Payloads,
    pool::{NodeStateError, TxPool},
    production::{Order, consumed},
    shutdown::Shutdown,
    view::View,
};
use alloy_eips::{BlockNumHash, eip2718::Encodable2718};
use alloy_primitives::{B256, Bytes};
use engine::{
    BlockRef, Effect, Engine, Event, Executed, Fetched, Final, Heads, L1Ref, Landed, Landing, Refused, Resume,
    Settings, Status,
};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use storage::{Chain, Durability, StorageError};
use tokio::sync::mpsc;

/// Journal key of the L1 position.
const CURSOR: &str = "l1/cursor";

/// How often the engine hears the time.
const TICK: Duration = Duration::from_millis(50);

/// Events waiting for the driver before their senders wait too.
pub const EVENT_QUEUE: usize = 64;

/// Why the driver ended before it was asked to. All of these are ours or the machine's: the node stops.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The pool could not read the state.
    #[error(transparent)]
    State(#[from] NodeStateError),
    /// A thread of ours panicked.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// The driver's parts.
pub struct Driver {
    /// The time, and who runs tasks.
    pub host: Arc<dyn Host>,
    /// The state machine.
    pub engine: Engine,
    /// The chain; this task is its only writer.
    pub chain: Chain,
    /// Transactions of removed blocks go back there.
    pub pool: Option<Arc<TxPool>>,
    /// What RPC sees.
    pub view: Arc<View>,
    /// The sequencer's task.
    pub production: Option<Orders>,
    /// How long what landed blocks' blobs carried is kept; `None` for ever.
    pub blob_retention: Option<Duration>,
    /// Payloads of landed blocks until they are executed.
    pub payloads: Payloads,
    /// Where catching up with L1 began; `None` once that is done.
    pub catching_up: Option<CatchingUp>,
}

/// Where a start found the chain.
#[derive(Clone, Copy, Debug)]
pub struct CatchingUp {
    /// The host's uptime.
    pub since: Duration,
    /// Number of the applied head.
    pub applied: u64,
    /// The L1 position.
    pub l1: u64,
}

impl Driver {
    /// Runs until `shutdown`, or until something of ours fails.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<Event>, mut shutdown: Shutdown) -> Result<(), DriverError> {
        let mut tick = self.host.sleep(TICK);
        loop {
            let event = tokio::select! {
                biased;
                () = shutdown.wait() => return Ok(()),
                () = &mut tick => {
                    tick = self.host.sleep(TICK);
                    Event::Tick
                }
                event = inbox.recv() => match event {
                    Some(event) => event,
                    None => return Ok(()),
                },
            };
            self.step(event).await?;
        }
    }

    /// One event and everything that follows from it at once. Executions finish before the next event is looked at, so
    /// no rewind can come between a block and its storage.
    async fn step(&mut self, event: Event) -> Result<(), DriverError> {
        let heard = matches!(event, Event::L1Block(_));
        let quiet = matches!(event, Event::Tick);
        let rewound = if let Event::L1Rewind { to } = &event { Some(to.number) } else { None };
        let mut events = VecDeque::from([event]);
        let mut acted = false;
        while let Some(event) = events.pop_front() {
            let is_rewind = matches!(event, Event::L1Rewind { .. });
            let effects = self.engine.handle(event, self.host.now());
            let unwinds = effects.iter().any(|effect| matches!(effect, Effect::Unwind { .. }));
            if let Some(to) = rewound.filter(|_| is_rewind && !unwinds) {
                // No block of ours goes, but one on its way to L1 may name an origin that does.
                self.order(Order::Rewound { to });
            }
            for effect in effects {
                acted = true;
                self.carry_out(effect, &mut events).await?;
            }
        }
        if rewound.is_some() {
            self.payloads.keep_only(&self.engine.landings().map(|landing| landing.block.hash).collect());
        }
        // The first is the engine's to ask for.
        self.payloads.look_ahead(self.engine.landings().skip(1));
        if acted || !quiet {
            let status = self.engine.status();
            self.caught_up(&status);
            self.view.update(status, heard);
        }
        Ok(())
    }

    /// Says once how fast catching up was.
    fn caught_up(&mut self, status: &Status) {
        if !status.caught_up || status.pending > 0 {
            return;
        }
        let Some(start) = self.catching_up.take() else { return };
        let blocks = self.engine.heads().applied.0.number.saturating_sub(start.applied);
        let took = self.host.uptime().saturating_sub(start.since);
        let per_second = blocks as f64 / took.as_secs_f64().max(0.001);
        tracing::info!(
            blocks,
            seconds = format!("{:.3}", took.as_secs_f64()),
            blocks_per_s = format!("{per_second:.1}"),
            l1_from = start.l1,
            l1_to = status.l1_head.number,
            "caught up with L1"
        );
    }

    async fn carry_out(&mut self, effect: Effect, events: &mut VecDeque<Event>) -> Result<(), DriverError> {
        match effect {
            Effect::Fetch { landing, attempt } => {
                let hash = landing.block.hash;
                if self.payloads.want(*landing, attempt) {
                    events.push_back(Event::Fetched(Fetched { hash, found: true }));
                }
            }
            Effect::Execute { landing } => events.push_back(self.execute(*landing).await?),
            Effect::Unwind { to, because, is_reset } => self.unwind(to, because, is_reset).await?,
            Effect::Heads(heads) => self.publish(heads)?,
            Effect::Cursor(at) => self.settle(at).await?,
            Effect::Build(on) => self.order(Order::Build { on: *on, inbox: self.engine.inbox().cloned().collect() }),
            Effect::Halt(halt) => {
                tracing::error!(?halt, "following has stopped; reads of the last agreed head go on");
            }
        }
        Ok(())
    }

    async fn execute(&mut self, landing: Landing) -> Result<Event, DriverError> {
        let (hash, parent_hash) = (landing.block.hash, landing.block.parent_hash);
        let payload = self.payloads.take(hash);
        // Carriers bring the next ones meanwhile.
        self.payloads.look_ahead(self.engine.landings().skip(1));
        let (chain, number) = (self.chain.clone(), landing.block.number);
        let work = move || match payload {
            Some(payload) => derive::apply(&chain, &landing, payload),
            None => Err(ApplyError::Refused(Refused::NotThisBlock("its payload was dropped".into()))),
        };
        let applied = host::blocking(&*self.host, "execution", work).await?;
        let result = match applied {
            Ok(()) => {
                self.follow_head(number).await?;
                Ok(())
            }
            Err(ApplyError::Refused(refused)) => Err(refused),
            Err(ApplyError::Storage(error)) => return Err(error.into()),
        };
        Ok(Event::Executed(Executed { hash, parent_hash, result }))
    }

    async fn follow_head(&self, number: u64) -> Result<(), DriverError> {
        let block = self.chain.block(number)?;
        let included = block.as_ref().map(derive::transaction_hashes).unwrap_or_default();
        if let Some(pool) = &self.pool {
            pool.on_head(included)?;
        }
        if let Some(block) = block {
            tracing::info!(number, hash = %block.hash(), txs = block.body().transactions.len(), gas = block.gas_used, "block landed");
        }
        Ok(())
    }

    async fn unwind(&mut self, to: BlockRef, because: L1Ref, is_reset: bool) -> Result<(), DriverError> {
        let chain = self.chain.clone();
        let from = chain.heads().applied.number;
        // Order hazards: the transactions are on disk again before their blocks go, or a crash between the two loses them;
        // and the L1 position goes first, or a crash leaves one that lies above what is applied, and what landed between
        // would never be derived.
        if self.pool.is_some() {
            keep_transactions(&chain, to.number)?;
        }
        if let Some(record) = chain.journal(CURSOR)?
            && parse_cursor(&record)?.number > because.number
        {
            chain.journal_put(&[(CURSOR, Some(cursor_record(because)))], Durability::Buffered)?;
        }
        let removed = host::blocking(&*self.host, "unwinding", move || chain.unwind(to.number)).await??;
        let (to, l1) = (to.number, because.number);
        if is_reset {
            tracing::warn!(from, to, l1, "L1 reorg deeper than is remembered: reset to the finalised block");
        } else {
            tracing::warn!(from, to, l1, "L1 reorg: blocks unwound");
        }
        if let Some(pool) = &self.pool {
            pool.on_head(Vec::new())?;
            for block in removed.iter().rev() {
                pool.put_back(derive::transactions(block))?;
            }
        }
        self.order(Order::Rewound { to: because.number });
        Ok(())
    }

    fn publish(&mut self, heads: Heads) -> Result<(), DriverError> {
        let finalised = num_hash(heads.finalised.0);
        let moved = self.chain.heads().finalised != finalised;
        self.chain.put_heads(num_hash(heads.landed.0), finalised)?;
        self.view.announce();
        if moved {
            self.forget_below(finalised.number)?;
        }
        Ok(())
    }

    /// What is final can't come back: blocks that did not land below it, and messages that it consumed, are forgotten.
    fn forget_below(&mut self, finalised: u64) -> Result<(), DriverError> {
        self.chain.prune_side_blocks(finalised)?;
        self.forget_blobs(finalised)?;
        if self.engine.inbox().next().is_some() {
            let state = self.chain.state_at(finalised)?;
            self.engine.prune_inbox(consumed(&*state).map_err(NodeStateError::from)?.count);
        }
        Ok(())
    }

    /// Time is that of the chain: a clock that jumps forgets nothing.
    fn forget_blobs(&self, finalised: u64) -> Result<(), DriverError> {
        let Some(retention) = self.blob_retention else { return Ok(()) };
        let Some(header) = self.chain.header(finalised)? else { return Ok(()) };
        self.chain.forget_bals(header.timestamp.saturating_sub(retention.as_secs()), finalised)?;
        Ok(())
    }

    /// Everything up to this L1 block is applied.
    async fn settle(&mut self, at: L1Ref) -> Result<(), DriverError> {
        self.chain.journal_put(&[(CURSOR, Some(cursor_record(at)))], Durability::Buffered)?;
        let finalised = self.engine.status().l1_finalised.map_or(0, |at| at.number);
        self.order(Order::L1Head { at, finalised });
        Ok(())
    }

    fn order(&self, order: Order) {
        if let Some(production) = &self.production {
            production.post(order);
        }
    }
}

/// Reads where the chain stands, and takes back what was applied after the L1 position was last written: those blocks
/// are derived again. To be called before the pool is opened, which takes up their transactions with `has_pool`: L1 may
/// have dropped those blocks meanwhile.
pub fn resume(chain: &Chain, registered: L1Ref, has_pool: bool) -> Result<Resume, StorageError> {
    let cursor = match chain.journal(CURSOR)? {
        Some(record) => parse_cursor(&record)?,
        None => registered,
    };
    let mut heads = chain.heads();
    let mut keep = heads.applied.number;
    while keep > heads.finalised.number && chain.landing(keep)?.is_none_or(|landed| landed.l1_number > cursor.number) {
        keep -= 1;
    }
    if keep < heads.applied.number {
        tracing::info!(from = heads.applied.number, to = keep, "blocks above the L1 position are derived again");
        if has_pool {
            keep_transactions(chain, keep)?;
        }
        chain.unwind(keep)?;
        heads = chain.heads();
    }
    let mut landed = Vec::new();
    for number in heads.finalised.number + 1..=heads.applied.number {
        if let Some(record) = chain.landing(number)? {
            let l1 = L1Ref { number: record.l1_number, hash: record.l1_hash };
            landed.push((BlockRef { number, hash: record.block_hash }, l1));
        }
    }
    let finalised_in = match chain.landing(heads.finalised.number)? {
        Some(record) => L1Ref { number: record.l1_number, hash: record.l1_hash },
        None => registered,
    };
    let block_ref = |block: BlockNumHash| BlockRef { number: block.number, hash: block.hash };
    let applied = block_ref(heads.applied);
    Ok(Resume {
        heads: Heads {
            applied: engine::Applied(applied),
            landed: Landed(applied),
            finalised: Final(block_ref(heads.finalised)),
        },
        cursor,
        cursor_timestamp: 0,
        landed,
        finalised_in,
        inbox: Vec::new(),
    })
}

fn cursor_record(at: L1Ref) -> Bytes {
    [&at.number.to_be_bytes()[..], at.hash.as_slice()].concat().into()
}

/// Writes the transactions of the blocks above `to` where the pool finds them at its next start.
fn keep_transactions(chain: &Chain, to: u64) -> Result<(), StorageError> {
    for number in to + 1..=chain.heads().applied.number {
        let Some(block) = chain.block(number)? else { continue };
        let kept: Vec<(B256, Bytes)> =
            block.body().transactions.iter().map(|tx| (*tx.tx_hash(), tx.encoded_2718().into())).collect();
        chain.pool_update(&[], &kept, Durability::Buffered)?;
    }
    Ok(())
}

fn parse_cursor(record: &[u8]) -> Result<L1Ref, StorageError> {
    let corrupt = || StorageError::Corrupt {
        table: "Journal",
        key: CURSOR.into(),
        reason: format!("{} bytes, not 40", record.len()),
    };
    let (number, hash) = record.split_first_chunk::<8>().ok_or_else(corrupt)?;
    let hash = B256::try_from(hash).map_err(|_| corrupt())?;
    Ok(L1Ref { number: u64::from_be_bytes(*number), hash })
}

fn num_hash(block: BlockRef) -> BlockNumHash {
    BlockNumHash { number: block.number, hash: block.hash }
}

/// Engine settings of a node on an L1 with this slot time. Each block of a slot gets its lead. All are built after the L1 block before
/// their slot came, so that is at most three quarters of a slot together.
pub fn settings(slot_ms: u64, sequencer: Option<&SequencerConfig>) -> Settings {
    let lead = |sequencer: &SequencerConfig| sequencer.lead_ms.saturating_mul(sequencer.blocks_per_slot as u64);
    Settings {
        sequencing: sequencer.is_some(),
        slot_ms,
        lead_ms: sequencer.map_or(0, lead).min(slot_ms / 4 * 3),
        stale_after_ms: slot_ms.saturating_mul(3),
        blocks_per_slot: sequencer.map_or(1, |sequencer| sequencer.blocks_per_slot),
    }
}
