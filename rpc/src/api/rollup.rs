//! `rollup_*`: what a rollup's users, explorers and operators ask beyond Ethereum's methods.

use alloy_eips::BlockId;
use alloy_primitives::B256;
use chainspec::RollupConfig;
use jsonrpsee::{
    core::{RpcResult, async_trait},
    proc_macros::rpc,
};

use super::Api;
use crate::rollup::{BlockOrigin, Contracts, SyncStatus, TransactionStatus};

/// The rollup.
#[rpc(server, namespace = "rollup")]
pub trait Rollup {
    /// Heads on both layers, and whether the node is ready.
    #[method(name = "syncStatus")]
    async fn sync_status(&self) -> RpcResult<SyncStatus>;
    /// The chain file.
    #[method(name = "config")]
    async fn config(&self) -> RpcResult<RollupConfig>;
    /// Addresses of the rollup's contracts on both layers.
    #[method(name = "contracts")]
    async fn contracts(&self) -> RpcResult<Contracts>;
    /// How a block landed on L1; `null` for a block that does not exist.
    #[method(name = "getBlockOrigin")]
    async fn block_origin(&self, block: BlockId) -> RpcResult<Option<BlockOrigin>>;
    /// Where a transaction stands between pool and finality.
    #[method(name = "getTransactionStatus")]
    async fn transaction_status(&self, hash: B256) -> RpcResult<TransactionStatus>;
}

#[async_trait]
impl RollupServer for Api {
    async fn sync_status(&self) -> RpcResult<SyncStatus> {
        Ok(self.0.rollup()?.sync_status())
    }
    async fn config(&self) -> RpcResult<RollupConfig> {
        Ok(self.0.rollup()?.config().clone())
    }
    async fn contracts(&self) -> RpcResult<Contracts> {
        Ok(Contracts::of(self.0.rollup()?.config()))
    }
    async fn block_origin(&self, block: BlockId) -> RpcResult<Option<BlockOrigin>> {
        self.0.read(move |backend| backend.block_origin(block)).await
    }
    async fn transaction_status(&self, hash: B256) -> RpcResult<TransactionStatus> {
        self.0.read(move |backend| backend.transaction_status(hash)).await
    }
}
