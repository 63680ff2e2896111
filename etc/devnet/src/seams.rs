//! The devnet as the JSON-RPC server sees it: pool, heads, keys and clock. Must not know how blocks are made.

use std::sync::Arc;

use alloy_eips::BlockNumHash;
use alloy_primitives::{Address, B256, Bytes, Signature, U256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use futures::{FutureExt as _, future::BoxFuture};
use rpc::{Dev, DevError, Heads, PoolContent, PoolStatus, Submit, SubmitError, SyncState};
use tokio::sync::{broadcast, watch};

use crate::chain::{ChainError, Devnet, Refusal, network_encoding};

/// The devnet behind an [`Arc`], so that methods can take it to another thread.
#[derive(Clone)]
pub(crate) struct Seam(pub(crate) Arc<Devnet>);

impl Submit for Seam {
    fn submit(&self, raw: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        async move { self.0.accept(raw).await.map_err(submit_error) }.boxed()
    }

    fn transaction(&self, hash: B256) -> Option<Arc<rpc::Pooled>> {
        rpc::pool::transaction(&self.0.pool.lock(), hash)
    }

    fn raw_transaction(&self, hash: B256) -> Option<Bytes> {
        let pooled = self.0.pool.lock().by_hash(&hash).cloned()?;
        Some(network_encoding(&pooled))
    }

    fn next_nonce(&self, sender: Address, account_nonce: u64) -> u64 {
        self.0.pool.lock().pending_nonce(sender).map_or(account_nonce, |nonce| nonce.max(account_nonce))
    }

    fn tip_min_wei(&self) -> u128 {
        self.0.pool.lock().config().limits.min_tip
    }

    fn status(&self) -> PoolStatus {
        self.0.pool.lock().stats().into()
    }

    fn content(&self, sender: Option<Address>) -> PoolContent {
        rpc::pool::content(&self.0.pool.lock(), sender)
    }

    fn subscribe(&self) -> broadcast::Receiver<B256> {
        self.0.executable.subscribe()
    }
}

impl Heads for Seam {
    fn latest(&self) -> u64 {
        self.0.chain.head().number
    }

    fn safe(&self) -> u64 {
        self.0.chain.heads().landed.number
    }

    fn finalized(&self) -> u64 {
        self.0.chain.heads().finalised.number
    }

    fn sync(&self) -> SyncState {
        SyncState::Synced
    }

    fn peers(&self) -> u64 {
        0
    }

    fn watch(&self) -> watch::Receiver<BlockNumHash> {
        self.0.news.subscribe()
    }
}

impl Dev for Seam {
    fn accounts(&self) -> Vec<Address> {
        chainspec::dev::ACCOUNTS.iter().map(|account| account.address).collect()
    }

    fn sign(&self, account: Address, hash: B256) -> Option<Signature> {
        let account = chainspec::dev::ACCOUNTS.iter().find(|known| known.address == account)?;
        let signer = PrivateKeySigner::from_bytes(&account.key).ok()?;
        signer.sign_hash_sync(&hash).ok()
    }

    fn mine(&self, blocks: u64) -> BoxFuture<'_, Result<(), DevError>> {
        let devnet = Arc::clone(&self.0);
        async move {
            let mined = tokio::task::spawn_blocking(move || devnet.mine(blocks)).await;
            let mined = mined.map_err(|error| DevError::Failed(error.to_string()))?;
            mined.map(drop).map_err(|error| DevError::Failed(error.to_string()))
        }
        .boxed()
    }

    fn increase_time(&self, seconds: u64) -> Result<u64, DevError> {
        self.0.increase_time(seconds).map_err(|error| DevError::Failed(error.to_string()))
    }

    fn set_balance(&self, _account: Address, _wei: U256) -> Result<(), DevError> {
        Err(DevError::Unsupported("a balance changes by transactions only: send ether from one of eth_accounts"))
    }
}

fn submit_error(refusal: Refusal) -> SubmitError {
    match refusal {
        Refusal::Decode(reason) => SubmitError::Decode(reason),
        Refusal::Signature => SubmitError::InvalidSignature,
        Refusal::Oversized { size } => SubmitError::Oversized { size, limit: storage::POOL_TX_MAX_BYTES },
        Refusal::NoSidecar | Refusal::OldSidecar | Refusal::Proof(_) => {
            SubmitError::InvalidSidecar(refusal.to_string())
        }
        Refusal::Pool(error) => error.into(),
        Refusal::Chain(error) => internal(error),
    }
}

fn internal(error: ChainError) -> SubmitError {
    SubmitError::Internal(Box::new(error))
}
