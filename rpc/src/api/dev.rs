//! Methods of development chains: keys in the node, blocks on demand. Never served without [`Dev`](crate::Dev).

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::TransactionRequest;
use jsonrpsee::{
    core::{RpcResult, async_trait},
    proc_macros::rpc,
};

use super::Api;

/// Signing and time travel.
#[rpc(server)]
pub trait Dev {
    /// Completes, signs with a development key and sends a transaction.
    #[method(name = "eth_sendTransaction")]
    async fn send_transaction(&self, request: TransactionRequest) -> RpcResult<B256>;
    /// Signs a message with a development key (EIP-191).
    #[method(name = "eth_sign")]
    async fn sign(&self, account: Address, message: Bytes) -> RpcResult<Bytes>;
    /// The same with parameters in the other order.
    #[method(name = "personal_sign")]
    async fn personal_sign(&self, message: Bytes, account: Address) -> RpcResult<Bytes>;
    /// Completes and signs a transaction with a development key.
    #[method(name = "eth_signTransaction")]
    async fn sign_transaction(&self, request: TransactionRequest) -> RpcResult<Bytes>;
    /// Makes blocks now.
    #[method(name = "anvil_mine", aliases = ["hardhat_mine"])]
    async fn mine(&self, blocks: Option<U64>) -> RpcResult<()>;
    /// Makes one block now; answers "0x0" as ganache did.
    #[method(name = "evm_mine")]
    async fn evm_mine(&self) -> RpcResult<String>;
    /// Moves the chain's clock forward by seconds; answers the whole offset.
    #[method(name = "evm_increaseTime", aliases = ["anvil_increaseTime"])]
    async fn increase_time(&self, seconds: U64) -> RpcResult<u64>;
    /// Sets a balance.
    #[method(name = "anvil_setBalance", aliases = ["hardhat_setBalance"])]
    async fn set_balance(&self, account: Address, wei: U256) -> RpcResult<()>;
}

#[async_trait]
impl DevServer for Api {
    async fn send_transaction(&self, request: TransactionRequest) -> RpcResult<B256> {
        let raw = self.sign_transaction(request).await?;
        Ok(self.0.send_raw(raw).await?)
    }
    async fn sign(&self, account: Address, message: Bytes) -> RpcResult<Bytes> {
        Ok(self.0.dev_sign_message(account, &message)?)
    }
    async fn personal_sign(&self, message: Bytes, account: Address) -> RpcResult<Bytes> {
        Ok(self.0.dev_sign_message(account, &message)?)
    }
    async fn sign_transaction(&self, request: TransactionRequest) -> RpcResult<Bytes> {
        self.0.heavy(move |backend| backend.dev_sign_transaction(request)).await
    }
    async fn mine(&self, blocks: Option<U64>) -> RpcResult<()> {
        Ok(self.0.dev_mine(blocks.map_or(1, |blocks| blocks.to())).await?)
    }
    async fn evm_mine(&self) -> RpcResult<String> {
        self.0.dev_mine(1).await?;
        Ok("0x0".to_owned())
    }
    async fn increase_time(&self, seconds: U64) -> RpcResult<u64> {
        Ok(self.0.dev_increase_time(seconds.to())?)
    }
    async fn set_balance(&self, account: Address, wei: U256) -> RpcResult<()> {
        Ok(self.0.dev_set_balance(account, wei)?)
    }
}
