//! `eth_subscribe`: what the server tells by itself over a WebSocket.

use alloy_rpc_types_eth::pubsub::SubscriptionKind;
use jsonrpsee::{
    PendingSubscriptionSink,
    core::{SubscriptionResult, async_trait},
    proc_macros::rpc,
};
use serde_json::Value;

use super::Api;

/// Subscriptions.
#[rpc(server, namespace = "eth")]
pub trait Subscribe {
    /// Starts a subscription: `newHeads`, `logs` with a filter, `newPendingTransactions` with `true` for whole
    /// transactions, `syncing`, `transactionReceipts` with a list of hashes.
    #[subscription(name = "subscribe" => "subscription", unsubscribe = "unsubscribe", item = Value)]
    async fn subscribe(&self, kind: SubscriptionKind, params: Option<Value>) -> SubscriptionResult;
}

#[async_trait]
impl SubscribeServer for Api {
    async fn subscribe(
        &self,
        pending: PendingSubscriptionSink,
        kind: SubscriptionKind,
        params: Option<Value>,
    ) -> SubscriptionResult {
        crate::eth::subscribe::run(self.0.clone(), pending, kind, params).await
    }
}
