//! `sequencer`'s pool in the words of this crate, for everyone who implements [`Submit`](crate::Submit) on it.
//!
//! Must not know: how a transaction gets into the pool.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256};
use sequencer::pool::{Pool, PoolError, SenderContent, Stats};

use crate::{PoolContent, PoolStatus, Pooled, SubmitError};

/// The pool's transaction of this hash.
pub fn transaction(pool: &Pool, hash: B256) -> Option<Arc<Pooled>> {
    let pooled = pool.by_hash(&hash)?;
    let content = pool.by_sender(pooled.sender())?;
    let executable = content.pending.iter().any(|tx| tx.hash == hash);
    Some(shown(pooled, executable))
}

/// Everything in the pool, or everything of one sender.
pub fn content(pool: &Pool, sender: Option<Address>) -> PoolContent {
    let senders: Vec<SenderContent> = match sender {
        Some(sender) => pool.by_sender(sender).into_iter().collect(),
        None => pool.content().collect(),
    };
    let mut content = PoolContent::default();
    for SenderContent { sender, pending, queued } in &senders {
        for (line, executable, part) in [(pending, true, &mut content.pending), (queued, false, &mut content.queued)] {
            if !line.is_empty() {
                let by_nonce: BTreeMap<_, _> = line.iter().map(|tx| (tx.nonce(), shown(tx, executable))).collect();
                part.insert(*sender, by_nonce);
            }
        }
    }
    content
}

impl From<Stats> for PoolStatus {
    fn from(stats: Stats) -> Self {
        Self { pending: stats.pending as u64, queued: stats.queued as u64 }
    }
}

impl From<PoolError> for SubmitError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::TypeNotValid { tx_type } => Self::TypeNotValid { ty: tx_type },
            PoolError::Oversized { size, limit } => Self::Oversized { size, limit },
            PoolError::AlreadyKnown { .. } => Self::AlreadyKnown,
            PoolError::WrongChainId { have: Some(have), want } => Self::WrongChain { have, want },
            PoolError::WrongChainId { have: None, .. } => Self::Unprotected,
            PoolError::NonceTooLow { next, have } => Self::NonceTooLow { next, got: have },
            PoolError::NonceTooHigh { next, have } => Self::NonceTooHigh { next, got: have },
            PoolError::ExceedsBlockGasLimit { have, limit } => Self::GasLimitTooHigh { gas_limit: have, max: limit },
            PoolError::GasLimitTooHigh { have, cap } => Self::GasLimitTooHigh { gas_limit: have, max: cap },
            PoolError::InitCodeTooLong { have, limit } => Self::InitCodeTooLarge { size: have, limit },
            PoolError::IntrinsicGasTooLow { have, want } => Self::IntrinsicGasTooLow { have, want },
            PoolError::TipAboveMaxFee { tip, max_fee } => Self::TipAboveFeeCap { tip_wei: tip, fee_cap_wei: max_fee },
            PoolError::TipTooLow { have, want } => Self::Underpriced { tip_wei: have, min_wei: want },
            PoolError::ReplacementUnderpriced { .. } => Self::ReplacementUnderpriced,
            PoolError::InsufficientFunds { have, want } => Self::InsufficientFunds { have, want },
            PoolError::SenderHasCode { sender } => Self::SenderHasCode { sender },
            PoolError::EmptyAuthorizationList { .. } => Self::EmptyAuthorizations,
            PoolError::Sidecar(fault) => Self::InvalidSidecar(fault.to_string()),
            PoolError::SenderLimit { limit, .. } => Self::SenderFull { limit },
            PoolError::NonceAtMaximum { .. }
            | PoolError::NoBlobs
            | PoolError::TooManyBlobs { .. }
            | PoolError::Full => Self::Rejected { reason: error.to_string() },
        }
    }
}

fn shown(pooled: &sequencer::pool::Pooled, executable: bool) -> Arc<Pooled> {
    Arc::new(Pooled { transaction: pooled.tx.clone(), executable })
}
