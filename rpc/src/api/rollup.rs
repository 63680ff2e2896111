//! `rollup_*`: what a rollup's users, explorers and operators ask beyond Ethereum's methods.

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256};
use bridge::status::{
    DepositStatus, MessageFilter, MessageKey, MessageProof, MessageProofRequest, Messages, WithdrawalFilter,
    WithdrawalProof, Withdrawals,
};
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
    /// Where messages into the rollup stand, by the L1 transaction that sent them or by index; `null` as long as L1 has no receipt of it.
    #[method(name = "getDepositStatus")]
    async fn deposit_status(&self, message: MessageKey) -> RpcResult<Option<Vec<DepositStatus>>>;
    /// Messages out of the rollup that an account sent or that are for it, newest first.
    #[method(name = "getWithdrawals")]
    async fn withdrawals(&self, account: Address, filter: Option<WithdrawalFilter>) -> RpcResult<Withdrawals>;
    /// What L1 wants to see of messages out of the rollup, ready to be sent; `null` as long as there is no such message.
    #[method(name = "getWithdrawalProof")]
    async fn withdrawal_proof(&self, message: MessageKey) -> RpcResult<Option<Vec<WithdrawalProof>>>;
    /// Messages by filter.
    #[method(name = "getMessages")]
    async fn messages(&self, filter: MessageFilter) -> RpcResult<Messages>;
    /// Proof of a message out of the rollup under the state root of a block; `null` when it was not sent.
    #[method(name = "getMessageProof")]
    async fn message_proof(&self, request: MessageProofRequest) -> RpcResult<Option<MessageProof>>;
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
    async fn deposit_status(&self, message: MessageKey) -> RpcResult<Option<Vec<DepositStatus>>> {
        self.deposit_status_of(message).await
    }
    async fn withdrawals(&self, account: Address, filter: Option<WithdrawalFilter>) -> RpcResult<Withdrawals> {
        let filter = filter.unwrap_or_default();
        self.0.heavy(move |backend| backend.withdrawals(account, &filter)).await
    }
    async fn withdrawal_proof(&self, message: MessageKey) -> RpcResult<Option<Vec<WithdrawalProof>>> {
        self.withdrawal_proof_of(message).await
    }
    async fn messages(&self, filter: MessageFilter) -> RpcResult<Messages> {
        self.0.heavy(move |backend| backend.messages(&filter)).await
    }
    async fn message_proof(&self, request: MessageProofRequest) -> RpcResult<Option<MessageProof>> {
        self.0.read(move |backend| backend.message_proof(request)).await
    }
}
