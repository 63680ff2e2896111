//! `net_*`: what tools ask to see whether a node is alive.

use alloy_primitives::U64;
use jsonrpsee::{
    core::{RpcResult, async_trait},
    proc_macros::rpc,
};

use super::Api;

/// The network.
#[rpc(server, namespace = "net")]
pub trait Net {
    /// Chain id as a decimal string.
    #[method(name = "version")]
    async fn version(&self) -> RpcResult<String>;
    /// True: the server that answers is listening.
    #[method(name = "listening")]
    async fn listening(&self) -> RpcResult<bool>;
    /// Number of peers.
    #[method(name = "peerCount")]
    async fn peer_count(&self) -> RpcResult<U64>;
}

#[async_trait]
impl NetServer for Api {
    async fn version(&self) -> RpcResult<String> {
        Ok(self.0.spec.chain_id.to_string())
    }
    async fn listening(&self) -> RpcResult<bool> {
        Ok(true)
    }
    async fn peer_count(&self) -> RpcResult<U64> {
        Ok(U64::from(self.0.heads.peers()))
    }
}
