//! `web3_*`.

use alloy_primitives::{B256, Bytes, keccak256};
use jsonrpsee::{
    core::{RpcResult, async_trait},
    proc_macros::rpc,
};

use super::Api;

/// The client itself.
#[rpc(server, namespace = "web3")]
pub trait Web3 {
    /// Name, version and platform of this client.
    #[method(name = "clientVersion")]
    async fn client_version(&self) -> RpcResult<String>;
    /// Keccak-256 of the given bytes.
    #[method(name = "sha3")]
    async fn sha3(&self, data: Bytes) -> RpcResult<B256>;
}

#[async_trait]
impl Web3Server for Api {
    async fn client_version(&self) -> RpcResult<String> {
        Ok(self.0.client_version.clone())
    }
    async fn sha3(&self, data: Bytes) -> RpcResult<B256> {
        Ok(keccak256(data))
    }
}
