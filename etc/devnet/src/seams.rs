//! The devnet as the JSON-RPC server sees it: pool, heads, keys and clock. Must not know how blocks are made.

use std::{collections::BTreeMap, sync::Arc};

use alloy_eips::BlockNumHash;
use alloy_primitives::{Address, B256, Bytes, Signature, U256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use futures::{FutureExt as _, future::BoxFuture};
use rpc::{Dev, DevError, Heads, PoolContent, PoolStatus, Submit, SubmitError, SyncState};
use sequencer::pool::{PoolError, Pooled, SenderContent};
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
        let pool = self.0.pool.lock();
        let pooled = pool.by_hash(&hash)?;
        let content = pool.by_sender(pooled.sender())?;
        let executable = content.pending.iter().any(|tx| tx.hash == hash);
        Some(shown(pooled, executable))
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
        let stats = self.0.pool.lock().stats();
        PoolStatus { pending: stats.pending as u64, queued: stats.queued as u64 }
    }

    fn content(&self, sender: Option<Address>) -> PoolContent {
        let pool = self.0.pool.lock();
        let senders: Vec<SenderContent> = match sender {
            Some(sender) => pool.by_sender(sender).into_iter().collect(),
            None => pool.content().collect(),
        };
        drop(pool);
        let by_nonce = |line: &[Arc<Pooled>], executable| -> BTreeMap<u64, Arc<rpc::Pooled>> {
            line.iter().map(|tx| (tx.nonce(), shown(tx, executable))).collect()
        };
        let mut content = PoolContent::default();
        for SenderContent { sender, pending, queued } in &senders {
            for (line, executable, part) in
                [(pending, true, &mut content.pending), (queued, false, &mut content.queued)]
            {
                if !line.is_empty() {
                    part.insert(*sender, by_nonce(line, executable));
                }
            }
        }
        content
    }

    fn subscribe(&self) -> broadcast::Receiver<B256> {
        self.0.executable.subscribe()
    }
}

fn shown(pooled: &Pooled, executable: bool) -> Arc<rpc::Pooled> {
    Arc::new(rpc::Pooled { transaction: pooled.tx.clone(), executable })
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
        Refusal::Pool(error) => pool_error(error),
        Refusal::Chain(error) => internal(error),
    }
}

fn internal(error: ChainError) -> SubmitError {
    SubmitError::Internal(Box::new(error))
}

fn pool_error(error: PoolError) -> SubmitError {
    match error {
        PoolError::TypeNotValid { tx_type } => SubmitError::TypeNotValid { ty: tx_type },
        PoolError::Oversized { size, limit } => SubmitError::Oversized { size, limit },
        PoolError::AlreadyKnown { .. } => SubmitError::AlreadyKnown,
        PoolError::WrongChainId { have: Some(have), want } => SubmitError::WrongChain { have, want },
        PoolError::WrongChainId { have: None, .. } => SubmitError::Unprotected,
        PoolError::NonceTooLow { next, have } => SubmitError::NonceTooLow { next, got: have },
        PoolError::NonceTooHigh { next, have } => SubmitError::NonceTooHigh { next, got: have },
        PoolError::ExceedsBlockGasLimit { have, limit } => SubmitError::GasLimitTooHigh { gas_limit: have, max: limit },
        PoolError::GasLimitTooHigh { have, cap } => SubmitError::GasLimitTooHigh { gas_limit: have, max: cap },
        PoolError::InitCodeTooLong { have, limit } => SubmitError::InitCodeTooLarge { size: have, limit },
        PoolError::IntrinsicGasTooLow { have, want } => SubmitError::IntrinsicGasTooLow { have, want },
        PoolError::TipAboveMaxFee { tip, max_fee } => {
            SubmitError::TipAboveFeeCap { tip_wei: tip, fee_cap_wei: max_fee }
        }
        PoolError::TipTooLow { have, want } => SubmitError::Underpriced { tip_wei: have, min_wei: want },
        PoolError::ReplacementUnderpriced { .. } => SubmitError::ReplacementUnderpriced,
        PoolError::InsufficientFunds { have, want } => SubmitError::InsufficientFunds { have, want },
        PoolError::SenderHasCode { sender } => SubmitError::SenderHasCode { sender },
        PoolError::EmptyAuthorizationList { .. } => SubmitError::EmptyAuthorizations,
        PoolError::Sidecar(fault) => SubmitError::InvalidSidecar(fault.to_string()),
        PoolError::SenderLimit { limit, .. } => SubmitError::SenderFull { limit },
        PoolError::NonceAtMaximum { .. } | PoolError::NoBlobs | PoolError::TooManyBlobs { .. } | PoolError::Full => {
            SubmitError::Rejected { reason: error.to_string() }
        }
    }
}
