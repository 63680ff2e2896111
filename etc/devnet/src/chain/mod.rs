//! The chain and everything that changes it. One lock, `production`, is held by whoever makes or unmakes blocks; readers
//! never take it. All functions here may block (disk, EVM, KZG) and belong on blocking threads.
//! Must not know HTTP or JSON-RPC.

mod accept;
mod produce;
mod records;
mod rewind;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_eips::{BlockNumHash, eip7840::BlobParams};
use alloy_primitives::{Address, B256, Bytes};
use chainspec::ChainSpec;
use execution::{ChainState, StateError, executor::ExecutionError};
use parking_lot::Mutex;
use sequencer::pool::{self, AccountView, Pool, PoolError};
use storage::{Chain, StorageError};
use tokio::sync::{Notify, Semaphore, broadcast, watch};

pub(crate) use accept::{Refusal, network_encoding};
pub use rewind::{MINE_BLOCKS_MAX, Reorg};

use crate::{
    Config,
    clock::{Clock, Slots},
    control::Control,
    fees::FeeOverride,
};

/// Slots that the head may be ahead of time, through reorgs (each makes one block more than it takes) and `dev_mine`.
pub const LEAD_SLOTS_MAX: u64 = 64;

/// Transaction hashes that a slow subscriber may be behind.
const EXECUTABLE_BACKLOG: usize = 1_024;

/// Sidecars whose proofs are verified at the same time: each takes a core.
const KZG_AT_ONCE: usize = 2;

/// Why the chain did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// Nothing to take back, or what is final.
    #[error(
        "a reorg of depth {depth} is not possible: 1 to {possible} blocks above the finalised block {finalised} can go"
    )]
    ReorgDepth {
        /// Asked for.
        depth: u64,
        /// The greatest that can be.
        possible: u64,
        /// Number of the finalised block.
        finalised: u64,
    },
    /// The head is already as far ahead of time as it may be.
    #[error(
        "slot {slot} is {ahead} slots ahead of time, at most {LEAD_SLOTS_MAX} are allowed: wait, or move time with evm_increaseTime"
    )]
    TooFarAhead {
        /// The next block's slot.
        slot: u64,
        /// Slots until it would begin.
        ahead: u64,
    },
    /// More blocks in one call than there may be.
    #[error("{blocks} blocks in one call, at most {MINE_BLOCKS_MAX} are allowed")]
    TooManyBlocks {
        /// Asked for.
        blocks: u64,
    },
    /// A record of ours in the journal is not what we write.
    #[error("the journal record {name} of the devnet does not decode: {reason}")]
    Record {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The disk, or a fault of ours.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The EVM or the state.
    #[error("block building: {0}")]
    Execution(#[from] ExecutionError),
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The devnet's L1.
pub(crate) struct Devnet {
    pub(crate) config: Config,
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) chain: Arc<Chain>,
    pub(crate) clock: Clock,
    pub(crate) pool: Mutex<Pool>,
    pub(crate) control: Mutex<Control>,
    /// Wakes the slot loop when the clock was moved.
    pub(crate) clock_moved: Notify,
    /// The head, once everything that belongs to it is stored.
    pub(crate) news: watch::Sender<BlockNumHash>,
    /// Hashes of transactions that became executable.
    pub(crate) executable: broadcast::Sender<B256>,
    production: Mutex<Production>,
    verifications: Semaphore,
    started: Instant,
}

/// What only makers of blocks need.
#[derive(Debug, Default)]
struct Production {
    /// Raised by every reorg and part of every `prev_randao`, so that a new block never equals the one it replaces.
    salt: u64,
    /// Canonical blocks whose fees do not follow from their parents, by number.
    overridden: BTreeMap<u64, FeeOverride>,
}

impl Devnet {
    /// Continues the chain, or starts it: records of the journal, pool transactions, heads.
    pub(crate) fn open(config: Config, chain: Chain, slots: Slots) -> Result<Self, ChainError> {
        let spec = chain.spec().clone();
        let records = records::Records(&chain);
        let production = Production { salt: records.salt()?, overridden: records.overridden(chain.head().number)? };
        let clock = Clock::new(slots, records.offset_s()?);
        let blobs = blob_params(&spec, slots.genesis_time);
        let blobs_per_transaction = usize::try_from(blobs.max_blobs_per_tx).unwrap_or(usize::MAX);
        let pool = Pool::new(pool::Config {
            rules: pool::Rules::l1(spec.chain_id, config.gas_limit, blobs_per_transaction),
            limits: pool::Limits::default(),
        });
        let head = chain.head().num_hash();
        let devnet = Self {
            config,
            spec,
            chain: Arc::new(chain),
            clock,
            pool: Mutex::new(pool),
            control: Mutex::default(),
            clock_moved: Notify::new(),
            news: watch::channel(head).0,
            executable: broadcast::channel(EXECUTABLE_BACKLOG).0,
            production: Mutex::new(production),
            verifications: Semaphore::new(KZG_AT_ONCE),
            started: Instant::now(),
        };
        devnet.restore_pool()?;
        devnet.advance_heads()?;
        Ok(devnet)
    }

    /// Milliseconds on the pool's clock, which never goes back.
    pub(crate) fn pool_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Blob limits at a time in seconds.
    pub(crate) fn blob_params(&self, timestamp: u64) -> BlobParams {
        blob_params(&self.spec, timestamp)
    }

    /// Moves the chain's time forward; returns the whole offset in seconds.
    pub(crate) fn increase_time(&self, seconds: u64) -> Result<u64, ChainError> {
        let _production = self.production.lock();
        let offset = self.clock.offset_s().saturating_add(seconds).min(OFFSET_S_MAX);
        records::Records(&self.chain).set_offset_s(offset)?;
        self.clock.set_offset_s(offset);
        self.clock_moved.notify_one();
        tracing::info!(target: "devnet", offset_s = offset, "time was moved forward");
        Ok(offset)
    }

    /// Blocks whose fees were set by an admin call.
    pub(crate) fn overridden(&self) -> BTreeMap<u64, FeeOverride> {
        self.production.lock().overridden.clone()
    }

    /// Tells everyone of the head. After a reorg once, when all of it is done.
    fn announce(&self) {
        self.news.send_replace(self.chain.head().num_hash());
    }
}

/// Most seconds that time can be moved in all: a century keeps timestamps far from their bound.
const OFFSET_S_MAX: u64 = 3_155_760_000;

fn blob_params(spec: &ChainSpec, timestamp: u64) -> BlobParams {
    spec.blob_params_at(timestamp).unwrap_or_else(BlobParams::bpo2)
}

/// A sender as `state` has it.
fn account_view(state: &dyn ChainState, address: Address) -> Result<AccountView, StateError> {
    let Some(account) = state.account(address)? else { return Ok(AccountView::default()) };
    let code = if account.code_hash == KECCAK_EMPTY { Bytes::new() } else { state.code(account.code_hash)? };
    Ok(AccountView::new(account.nonce, account.balance, &code))
}

/// Whether a pool that refused this transaction at a restart or after a reorg may forget it.
const fn is_lost(error: &PoolError) -> bool {
    !matches!(error, PoolError::AlreadyKnown { .. })
}
