//! `txpool_*`: the pool as explorers read it.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use jsonrpsee::{
    core::{RpcResult, async_trait},
    proc_macros::rpc,
};
use serde::Serialize;

use super::{Api, RpcTransaction};

/// Answer of `txpool_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Executable transactions.
    #[serde(with = "alloy_serde::quantity")]
    pub pending: u64,
    /// Transactions behind a missing nonce.
    #[serde(with = "alloy_serde::quantity")]
    pub queued: u64,
}

/// Transactions by decimal nonce.
pub type ByNonce<T> = BTreeMap<String, T>;

/// Answer of `txpool_content` (`T` a transaction) and `txpool_inspect` (`T` a line of text).
#[derive(Debug, Clone, Serialize)]
pub struct Content<T> {
    /// Executable transactions by sender.
    pub pending: BTreeMap<Address, ByNonce<T>>,
    /// Transactions behind a missing nonce, by sender.
    pub queued: BTreeMap<Address, ByNonce<T>>,
}

/// Answer of `txpool_contentFrom`.
#[derive(Debug, Clone, Serialize)]
pub struct ContentFrom {
    /// Executable transactions.
    pub pending: ByNonce<RpcTransaction>,
    /// Transactions behind a missing nonce.
    pub queued: ByNonce<RpcTransaction>,
}

/// The pool.
#[rpc(server, namespace = "txpool")]
pub trait Txpool {
    /// Number of transactions.
    #[method(name = "status")]
    async fn status(&self) -> RpcResult<Status>;
    /// All transactions.
    #[method(name = "content")]
    async fn content(&self) -> RpcResult<Content<RpcTransaction>>;
    /// Transactions of one sender.
    #[method(name = "contentFrom")]
    async fn content_from(&self, sender: Address) -> RpcResult<ContentFrom>;
    /// All transactions, one line each.
    #[method(name = "inspect")]
    async fn inspect(&self) -> RpcResult<Content<String>>;
}

#[async_trait]
impl TxpoolServer for Api {
    async fn status(&self) -> RpcResult<Status> {
        let status = self.0.submit.status();
        Ok(Status { pending: status.pending, queued: status.queued })
    }
    async fn content(&self) -> RpcResult<Content<RpcTransaction>> {
        self.0.heavy(|backend| Ok(backend.pool_content())).await
    }
    async fn content_from(&self, sender: Address) -> RpcResult<ContentFrom> {
        self.0.read(move |backend| Ok(backend.pool_content_from(sender))).await
    }
    async fn inspect(&self) -> RpcResult<Content<String>> {
        self.0.heavy(|backend| Ok(backend.pool_inspect())).await
    }
}
