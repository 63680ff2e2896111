//! Where blocks and transactions stand between pool and finality.

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256};
use chainspec::{RollupConfig, predeploys};
use serde::Serialize;

use super::{Landing, Stage};
use crate::{Backend, RpcError};

/// Addresses of the rollup's contracts: the answer of `rollup_contracts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contracts {
    /// Chain id of the L1.
    #[serde(with = "alloy_serde::quantity")]
    pub l1_chain_id: u64,
    /// Chain id of the rollup.
    #[serde(with = "alloy_serde::quantity")]
    pub l2_chain_id: u64,
    /// Hub, on L1.
    pub hub: Address,
    /// L1 block in which the rollup was registered.
    #[serde(with = "alloy_serde::quantity")]
    pub hub_block: u64,
    /// Messenger, on L2.
    pub messenger: Address,
    /// Multicall3, on L2.
    pub multicall3: Address,
    /// Permit2, on L2.
    pub permit2: Address,
}

impl Contracts {
    /// Those of a chain file.
    pub fn of(config: &RollupConfig) -> Self {
        Self {
            l1_chain_id: config.l1_chain_id,
            l2_chain_id: config.genesis.config.chain_id,
            hub: config.hub,
            hub_block: config.hub_block,
            messenger: predeploys::MESSENGER,
            multicall3: predeploys::MULTICALL3,
            permit2: predeploys::PERMIT2,
        }
    }
}

/// Answer of `rollup_getBlockOrigin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockOrigin {
    /// Block number.
    #[serde(with = "alloy_serde::quantity")]
    pub number: u64,
    /// Block hash.
    pub hash: B256,
    /// How far it is.
    pub stage: Stage,
    /// How it landed; `null` before, and for genesis.
    pub landing: Option<Landing>,
}

/// Answer of `rollup_getTransactionStatus`, told apart by `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TransactionStatus {
    /// Neither in the chain nor in the pool.
    Unknown,
    /// In the pool, waiting for an earlier nonce.
    Queued {
        /// The nonce that is missing.
        #[serde(with = "alloy_serde::quantity")]
        missing_nonce: u64,
    },
    /// In the pool, or in the open block.
    Pending,
    /// In a block.
    Included {
        /// How far the block is.
        stage: Stage,
        /// The block.
        #[serde(with = "alloy_serde::quantity")]
        block_number: u64,
        /// Its hash.
        block_hash: B256,
        /// The `advance` transaction on L1; `null` before.
        l1_transaction: Option<B256>,
    },
}

impl Backend {
    pub(super) fn stage(&self, number: u64) -> Stage {
        if number <= self.heads.finalized() {
            Stage::Finalized
        } else if number <= self.heads.safe() {
            Stage::Landed
        } else {
            Stage::Preconfirmed
        }
    }

    pub(crate) fn block_origin(&self, id: BlockId) -> Result<Option<BlockOrigin>, RpcError> {
        let rollup = self.rollup()?;
        if id.is_pending() {
            return Err(RpcError::PendingUnavailable);
        }
        let Some(header) = self.find_header(id)? else { return Ok(None) };
        let stage = self.stage(header.number);
        let landing = rollup.landing(header.number);
        Ok(Some(BlockOrigin { number: header.number, hash: header.hash(), stage, landing }))
    }

    pub(crate) fn transaction_status(&self, hash: B256) -> Result<TransactionStatus, RpcError> {
        let rollup = self.rollup()?;
        if let Some(receipt) = self.receipt(hash)? {
            let block_number = receipt.block_number.unwrap_or_default();
            return Ok(TransactionStatus::Included {
                stage: self.stage(block_number),
                block_number,
                block_hash: receipt.block_hash.unwrap_or_default(),
                l1_transaction: rollup.landing(block_number).map(|landing| landing.l1_transaction),
            });
        }
        if self.find_transaction(hash)?.is_some() {
            return Ok(TransactionStatus::Pending);
        }
        let Some(pooled) = self.submit.transaction(hash) else { return Ok(TransactionStatus::Unknown) };
        if pooled.executable {
            return Ok(TransactionStatus::Pending);
        }
        let (_, state) = self.state_of(BlockId::pending())?;
        let sender = pooled.transaction.signer();
        let nonce = state.account(sender)?.unwrap_or_default().nonce;
        Ok(TransactionStatus::Queued { missing_nonce: self.submit.next_nonce(sender, nonce) })
    }
}
