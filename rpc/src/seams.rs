//! What the server needs from the program around it, as traits: the pool, the heads, the open block.
//!
//! A node and a devnet implement these; this crate implements none of them outside its tests. All methods are called
//! from many threads at once, and the synchronous ones must answer from memory: no disk, no network, no waiting
//! behind a block that is being built.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::transaction::Recovered;
use alloy_eips::BlockNumHash;
use alloy_primitives::{Address, B256, Bytes, Signature, U256};
use execution::{
    block::{Receipt, RecoveredBlock, Transaction},
    state::StateView,
};
use futures::future::BoxFuture;
use tokio::sync::{broadcast, watch};

use crate::errors::SubmitError;

/// A transaction of the pool.
#[derive(Debug, Clone)]
pub struct Pooled {
    /// The transaction, without its blobs.
    pub transaction: Recovered<Transaction>,
    /// False while an earlier nonce of its sender is missing.
    pub executable: bool,
}

/// The pool's transactions by sender and nonce.
#[derive(Debug, Clone, Default)]
pub struct PoolContent {
    /// Those that could go into the next block, fees aside.
    pub pending: BTreeMap<Address, BTreeMap<u64, Arc<Pooled>>>,
    /// Those that wait for an earlier nonce.
    pub queued: BTreeMap<Address, BTreeMap<u64, Arc<Pooled>>>,
}

/// How many transactions the pool holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// Those that could go into the next block, fees aside.
    pub pending: u64,
    /// Those that wait for an earlier nonce.
    pub queued: u64,
}

/// The way into the transaction pool, and the view of it.
pub trait Submit: Send + Sync + 'static {
    /// Takes a signed transaction in its network encoding (EIP-2718; a blob transaction with its sidecar).
    ///
    /// The server checked its size, chain id and fee cap; validity is the implementer's to check. `Ok` promises that
    /// the transaction is in the pool, and nothing more. A refusal must be a variant that names the reason: clients
    /// decide by its text. The future may be dropped when the client's time is up.
    fn submit(&self, raw: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>>;

    /// The pool's transaction of this hash.
    fn transaction(&self, hash: B256) -> Option<Arc<Pooled>>;

    /// The network encoding of the pool's transaction of this hash, blobs included.
    fn raw_transaction(&self, hash: B256) -> Option<Bytes>;

    /// The next nonce that `sender` can use: `account_nonce` (of the pending view) plus the pool's transactions that
    /// follow it without a gap.
    fn next_nonce(&self, sender: Address, account_nonce: u64) -> u64;

    /// The lowest tip that is accepted, wei per gas: the floor of what `eth_maxPriorityFeePerGas` suggests.
    fn tip_min_wei(&self) -> u128;

    /// Numbers only.
    fn status(&self) -> PoolStatus;

    /// Everything, or everything of one sender.
    fn content(&self, sender: Option<Address>) -> PoolContent;

    /// Hashes of transactions as they become executable. A slow receiver may miss some.
    fn subscribe(&self) -> broadcast::Receiver<B256>;
}

/// Where a node stands against what it knows to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncState {
    /// At the newest block known, and the source of that knowledge is fresh.
    Synced,
    /// Behind, or unable to tell. A node that does not know is syncing (it must never call itself synced by default).
    Syncing {
        /// Block number at which this run started.
        starting: u64,
        /// Newest block executed here.
        current: u64,
        /// Newest block known to exist.
        highest: u64,
    },
}

/// The heads behind the block tags, and their movements.
pub trait Heads: Send + Sync + 'static {
    /// Number of the highest executed block (`latest`). The storage has it and all its ancestors.
    fn latest(&self) -> u64;

    /// Number of the highest settled block (`safe`), at most `latest`; 0 as long as there is none.
    fn safe(&self) -> u64;

    /// Number of the highest final block (`finalized`), at most `safe`; 0 as long as there is none.
    fn finalized(&self) -> u64;

    /// Whether the node keeps up.
    fn sync(&self) -> SyncState;

    /// Number of connected peers; 0 for a chain without a network.
    fn peers(&self) -> u64;

    /// The newest head, set after storage holds it. Several changes may be seen as one: the server compares what it
    /// announced with the canonical chain, so a reorg needs no further word, and nothing is lost by a slow reader.
    fn watch(&self) -> watch::Receiver<BlockNumHash>;
}

/// The open block as executed so far.
#[derive(Clone)]
pub struct PendingBlock {
    /// Header (its roots and hash are those of the block if it were sealed now), transactions and senders.
    pub block: RecoveredBlock,
    /// One receipt for each transaction.
    pub receipts: Vec<Receipt>,
    /// The state after them. It has no root, so no proofs.
    pub state: Arc<dyn StateView>,
}

/// The open block, if there is one.
pub trait Pending: Send + Sync + 'static {
    /// A snapshot; `None` lets the server answer `pending` as `latest` plus an empty block.
    fn pending(&self) -> Option<Arc<PendingBlock>>;
}

/// For nodes without an open block.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPending;

impl Pending for NoPending {
    fn pending(&self) -> Option<Arc<PendingBlock>> {
        None
    }
}

/// Accounts whose keys the node holds, and control over time: development chains only.
pub trait Dev: Send + Sync + 'static {
    /// The accounts, in the order of `eth_accounts`.
    fn accounts(&self) -> Vec<Address>;

    /// Signs a 32-byte hash with the key of `account`; `None` when it is not one of [`Dev::accounts`].
    fn sign(&self, account: Address, hash: B256) -> Option<Signature>;

    /// Makes `blocks` blocks now and returns when they are canonical. The server limits `blocks`.
    fn mine(&self, blocks: u64) -> BoxFuture<'_, Result<(), DevError>>;

    /// Moves the clock of the chain forward by `seconds`; returns the whole offset in seconds.
    fn increase_time(&self, seconds: u64) -> Result<u64, DevError>;

    /// Sets an account's balance in the next block's pre-state.
    fn set_balance(&self, account: Address, wei: U256) -> Result<(), DevError>;
}

/// Why a development chain does not do what it is asked to.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// This chain cannot do that, such as moving the clock of a rollup whose timestamps L1 bounds.
    #[error("not supported on this chain: {0}")]
    Unsupported(&'static str),
    /// It was tried and failed.
    #[error("failed: {0}")]
    Failed(String),
}
