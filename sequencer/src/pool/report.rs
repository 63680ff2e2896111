//! What the pool is handed and hands out: plain data.

use std::sync::Arc;

use alloy_eips::eip7594::BlobTransactionSidecarEip7594;
use alloy_primitives::{Address, B256};
use execution::block::RecoveredTx;

use super::{config::AccountView, error::Departure, transaction::Pooled};

/// What [`Pool::add`](super::Pool::add) did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Hash of the transaction.
    pub hash: B256,
    /// Whether it could run now; otherwise it waits for a nonce or for funds.
    pub is_pending: bool,
    /// Transactions that became pending by this one, itself included, in nonce order.
    pub promoted: Vec<B256>,
    /// The transaction whose nonce it took.
    pub replaced: Option<B256>,
    /// Transactions that had to make room.
    pub evicted: Vec<B256>,
}

/// A transaction that left the pool.
#[derive(Debug, Clone)]
pub struct Removed {
    /// The transaction, blobs and all: a reorg may want it back.
    pub tx: Arc<Pooled>,
    /// Why it left.
    pub why: Departure,
}

/// A new head, seen from the pool.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// Base fee of the *next* block, wei per gas.
    pub base_fee: u64,
    /// Transactions that the new blocks hold. Those of other nodes' making may be unknown here.
    pub included: Vec<B256>,
    /// Accounts at the new head, for at least every sender in the pool that the new (or undone) blocks changed.
    pub accounts: Vec<(Address, AccountView)>,
    /// Milliseconds, on the clock of [`Pool::add`](super::Pool::add).
    pub now_ms: u64,
}

/// A transaction to put back, see [`Pool::reinsert`](super::Pool::reinsert).
#[derive(Debug, Clone)]
pub struct Returned {
    /// The transaction.
    pub tx: RecoveredTx,
    /// Its blobs, if it has any.
    pub sidecar: Option<Arc<BlobTransactionSidecarEip7594>>,
}

/// Counts for `txpool_status` and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Transactions that could run now.
    pub pending: usize,
    /// Transactions that wait for a nonce or for funds.
    pub queued: usize,
    /// Bytes of all, with blobs.
    pub bytes: usize,
    /// Senders.
    pub senders: usize,
}

/// The transactions of one sender, in nonce order.
#[derive(Debug, Clone)]
pub struct SenderContent {
    /// Who signed.
    pub sender: Address,
    /// Those that could run now.
    pub pending: Vec<Arc<Pooled>>,
    /// Those that wait.
    pub queued: Vec<Arc<Pooled>>,
}
