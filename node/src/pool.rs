//! The node's transaction pool: `sequencer`'s pure pool, fed by RPC, kept across restarts, moved by heads.

use crate::{derive, host::Host};
use alloy_consensus::{Typed2718, transaction::SignerRecoverable};
use alloy_eips::{
    eip1559::BaseFeeParams,
    eip2718::{Decodable2718, Encodable2718},
};
use alloy_primitives::{Address, B256, Bytes};
use execution::{ChainState, Executed, RecoveredTx, StateError, Transaction};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use rpc::{PoolContent, PoolStatus, Submit, SubmitError};
use sequencer::pool::{self, AccountView, Pool, PoolError, Removed, Returned, Rules};
use std::sync::Arc;
use storage::{Chain, Durability, StorageError};
use tokio::sync::broadcast;

/// Most transactions taken up again at a start; the pool's own limit is lower.
const RESTORE_LIMIT: usize = 100_000;

/// Hashes announced to subscribers before a slow one misses some.
const ANNOUNCE_BACKLOG: usize = 4_096;

/// The pool behind a lock, with its shadow on disk. A transaction that was answered for over RPC survives kill -9.
#[derive(Debug)]
pub struct TxPool {
    pool: Mutex<Pool>,
    chain: Chain,
    announce: broadcast::Sender<B256>,
    host: Arc<dyn Host>,
}

/// A follower's pool: there is none, and it says where to go instead.
#[derive(Debug)]
pub struct NoPool {
    announce: broadcast::Sender<B256>,
}

impl TxPool {
    /// An empty pool for `chain`, with what an earlier run kept.
    pub fn open(host: Arc<dyn Host>, chain: Chain) -> Result<Arc<Self>, NodeStateError> {
        let rules = Rules::rollup(chain.spec().chain_id, chain.head().gas_limit);
        let pool = Pool::new(pool::Config { rules, limits: pool::Limits::default() });
        let (announce, _) = broadcast::channel(ANNOUNCE_BACKLOG);
        let this = Self { pool: Mutex::new(pool), chain, announce, host };
        this.restore()?;
        Ok(Arc::new(this))
    }

    /// Runs `f` on the pool. Keep it short: RPC waits.
    pub fn with<T>(&self, f: impl FnOnce(&mut Pool) -> T) -> T {
        f(&mut self.pool.lock())
    }

    /// The head moved forward by a block with these transactions, or back.
    pub fn on_head(&self, included: Vec<B256>) -> Result<(), NodeStateError> {
        let head = self.chain.head();
        let state = self.chain.state_at_head();
        let mut pool = self.pool.lock();
        let senders: Vec<Address> = pool.senders().collect();
        let mut accounts = Vec::with_capacity(senders.len());
        for sender in senders {
            accounts.push((sender, account_view(&*state, sender)?));
        }
        let base_fee = head.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default();
        pool.set_rules(Rules::rollup(self.chain.spec().chain_id, head.gas_limit));
        let removed = pool.on_head(pool::Head { base_fee, included, accounts, now_ms: self.now_ms() });
        drop(pool);
        self.forget(&removed)
    }

    /// A copy of the pool as it will be when `blocks` have landed, ascending, after which `state` is.
    pub fn after(&self, blocks: &[Arc<Executed>], state: &dyn ChainState, base_fee: u64) -> Result<Pool, StateError> {
        let mut pool = self.pool.lock().clone();
        if blocks.is_empty() {
            return Ok(pool);
        }
        let changed = |sender: &Address| blocks.iter().any(|block| block.diff.accounts.contains_key(sender));
        let senders: Vec<Address> = pool.senders().filter(changed).collect();
        let accounts = senders.into_iter().map(|sender| Ok((sender, account_view(state, sender)?)));
        let accounts = accounts.collect::<Result<Vec<_>, StateError>>()?;
        let included = blocks.iter().flat_map(|executed| derive::transaction_hashes(&executed.block)).collect();
        pool.on_head(pool::Head { base_fee, included, accounts, now_ms: self.now_ms() });
        Ok(pool)
    }

    /// Puts transactions of a block that is no more back, in their order.
    pub fn put_back(&self, transactions: Vec<RecoveredTx>) -> Result<(), NodeStateError> {
        let state = self.chain.state_at_head();
        let views: std::collections::BTreeMap<Address, AccountView> = transactions
            .iter()
            .map(|tx| tx.signer())
            .map(|sender| Ok((sender, account_view(&*state, sender)?)))
            .collect::<Result<_, StateError>>()?;
        let kept: Vec<(B256, Bytes)> =
            transactions.iter().map(|tx| (*tx.tx_hash(), tx.encoded_2718().into())).collect();
        let returned = transactions.into_iter().map(|tx| Returned { tx, sidecar: None }).collect();
        let now_ms = self.now_ms();
        let refused =
            self.pool.lock().reinsert(returned, |sender| views.get(&sender).copied().unwrap_or_default(), now_ms);
        for (hash, why) in &refused {
            // Mostly because another block has it by now.
            tracing::debug!(%hash, %why, "a transaction of an abandoned block does not go back into the pool");
        }
        self.chain.pool_update(&[], &kept, Durability::Buffered)?;
        Ok(())
    }

    /// Removes transactions that no block will ever take.
    pub fn drop_for_good(&self, hashes: &[B256]) -> Result<(), NodeStateError> {
        let now_ms = self.now_ms();
        let mut pool = self.pool.lock();
        let removed: Vec<Removed> = hashes.iter().filter_map(|hash| pool.remove(hash, now_ms)).collect();
        drop(pool);
        self.forget(&removed)
    }

    fn add(&self, raw: Bytes) -> Result<B256, SubmitError> {
        let tx = decode(&raw)?;
        let sender = tx.recover_signer().map_err(|_| SubmitError::InvalidSignature)?;
        let tx = RecoveredTx::new_unchecked(tx, sender);
        let internal = |error: NodeStateError| SubmitError::Internal(Box::new(error));
        let added = {
            let mut pool = self.pool.lock();
            let account = account_view(&*self.chain.state_at_head(), sender).map_err(|error| internal(error.into()))?;
            pool.add(tx, None, account, self.now_ms())?
        };
        let gone: Vec<B256> = added.evicted.iter().chain(&added.replaced).copied().collect();
        // The answer promises that the transaction is here; it is on disk before it is given.
        let kept = self.chain.pool_update(&gone, &[(added.hash, raw)], Durability::Buffered);
        kept.map_err(|error| internal(error.into()))?;
        for hash in &added.promoted {
            // Nobody listening is fine.
            let _ = self.announce.send(*hash);
        }
        Ok(added.hash)
    }

    fn restore(&self) -> Result<(), NodeStateError> {
        let mut gone = Vec::new();
        let mut kept = Vec::new();
        for (hash, raw) in self.chain.pool_transactions(RESTORE_LIMIT)? {
            match decode(&raw) {
                Ok(tx) if self.chain.transaction(hash)?.is_none() => kept.push((hash, tx)),
                // Included by now, or written by a version that took other transactions.
                Ok(_) | Err(_) => gone.push(hash),
            }
        }
        kept.sort_by_key(|(_, tx)| alloy_consensus::Transaction::nonce(tx));
        let found = kept.len();
        let state = self.chain.state_at_head();
        for (hash, tx) in kept {
            let Ok(sender) = tx.recover_signer() else {
                gone.push(hash);
                continue;
            };
            let account = account_view(&*state, sender)?;
            let added = self.pool.lock().add(RecoveredTx::new_unchecked(tx, sender), None, account, self.now_ms());
            if let Err(error) = added
                && error != (PoolError::AlreadyKnown { hash })
            {
                tracing::info!(%hash, %error, "a pool transaction of the last run is no longer valid");
                gone.push(hash);
            }
        }
        if found > 0 {
            tracing::info!(found, gone = gone.len(), "pool transactions of the last run");
        }
        Ok(self.chain.pool_update(&gone, &[], Durability::Buffered)?)
    }

    fn forget(&self, removed: &[Removed]) -> Result<(), NodeStateError> {
        let hashes: Vec<B256> = removed.iter().map(|removed| removed.tx.hash).collect();
        Ok(self.chain.pool_update(&hashes, &[], Durability::Buffered)?)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.host.uptime().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The database, or the state in it, could not be read.
#[derive(Debug, thiserror::Error)]
pub enum NodeStateError {
    /// The database.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
}

fn account_view(state: &dyn ChainState, address: Address) -> Result<AccountView, StateError> {
    let Some(account) = state.account(address)? else { return Ok(AccountView::default()) };
    let code = if account.has_code() { state.code(account.code_hash)? } else { Bytes::new() };
    Ok(AccountView::new(account.nonce, account.balance, &code))
}

/// A transaction in its network encoding, of any type that a rollup takes.
fn decode(raw: &[u8]) -> Result<Transaction, SubmitError> {
    // A blob transaction in its network form carries a sidecar, which does not decode as the bare transaction.
    if raw.first() == Some(&alloy_consensus::TxType::Eip4844.ty()) {
        return Err(SubmitError::TypeNotValid { ty: 3 });
    }
    Transaction::decode_2718_exact(raw).map_err(|error| SubmitError::Decode(error.to_string()))
}

impl Submit for TxPool {
    fn submit(&self, raw: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        // A signature recovery and two reads: tens of microseconds.
        async move { self.add(raw) }.boxed()
    }

    fn transaction(&self, hash: B256) -> Option<Arc<rpc::Pooled>> {
        rpc::pool::transaction(&self.pool.lock(), hash)
    }

    fn raw_transaction(&self, hash: B256) -> Option<Bytes> {
        self.pool.lock().by_hash(&hash).map(|pooled| pooled.tx.encoded_2718().into())
    }

    fn next_nonce(&self, sender: Address, account_nonce: u64) -> u64 {
        self.pool.lock().pending_nonce(sender).map_or(account_nonce, |nonce| nonce.max(account_nonce))
    }

    fn tip_min_wei(&self) -> u128 {
        self.pool.lock().config().limits.min_tip
    }

    fn status(&self) -> PoolStatus {
        self.pool.lock().stats().into()
    }

    fn content(&self, sender: Option<Address>) -> PoolContent {
        rpc::pool::content(&self.pool.lock(), sender)
    }

    fn subscribe(&self) -> broadcast::Receiver<B256> {
        self.announce.subscribe()
    }
}

impl Default for NoPool {
    fn default() -> Self {
        Self { announce: broadcast::channel(1).0 }
    }
}

impl Submit for NoPool {
    fn submit(&self, _raw: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        let reason = "this node follows L1 and builds no blocks: send to a sequencer (basalt node --sequencer)";
        async move { Err(SubmitError::Rejected { reason: reason.into() }) }.boxed()
    }

    fn transaction(&self, _hash: B256) -> Option<Arc<rpc::Pooled>> {
        None
    }

    fn raw_transaction(&self, _hash: B256) -> Option<Bytes> {
        None
    }

    fn next_nonce(&self, _sender: Address, account_nonce: u64) -> u64 {
        account_nonce
    }

    fn tip_min_wei(&self) -> u128 {
        0
    }

    fn status(&self) -> PoolStatus {
        PoolStatus::default()
    }

    fn content(&self, _sender: Option<Address>) -> PoolContent {
        PoolContent::default()
    }

    fn subscribe(&self) -> broadcast::Receiver<B256> {
        self.announce.subscribe()
    }
}
