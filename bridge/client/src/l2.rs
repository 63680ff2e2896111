//! The bridge on the rollup: out of it, what became of messages into it, and what a claim on L1 needs.

use crate::{
    Bridge, BridgeError, Layer, Outgoing, Patience,
    send::{Call, On},
};
use alloy_primitives::{Address, B256, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_sol_types::SolCall;
use bridge::{
    abi::Messenger,
    message::Message,
    messenger::{self, Event},
    status::{DepositState, DepositStatus, MessageKey, WithdrawalProof, WithdrawalState},
};
use chainspec::predeploys::MESSENGER;
use serde::{Deserialize, de::DeserializeOwned};

const fn on(bridge: &Bridge) -> On {
    On { layer: Layer::L2, chain_id: bridge.l2_chain_id }
}

/// Part of the answer of `rollup_contracts`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Contracts {
    l1_chain_id: U256,
    l2_chain_id: U256,
    hub: Address,
}

/// Extends every provider of a rollup's node. `from` must be an account whose key the provider's wallet has.
pub trait BridgeL2: Provider {
    /// Where this rollup's bridge is, by its node's word (`rollup_contracts`). Who moves much takes it from a chain file instead.
    fn bridge(&self) -> impl Future<Output = Result<Bridge, BridgeError>> + Send {
        async move {
            let Contracts { l1_chain_id, l2_chain_id, hub } = ask(self, "rollup_contracts", ()).await?;
            let number = |id: U256| {
                let what = || format!("rollup_contracts: chain id {id}");
                u64::try_from(id).map_err(|_| BridgeError::Malformed { layer: Layer::L2, what: what() })
            };
            Ok(Bridge { hub, l1_chain_id: number(l1_chain_id)?, l2_chain_id: number(l2_chain_id)? })
        }
    }

    /// Sends a message out of the rollup to the chain `destination`; returns the transaction's hash. [`Self::withdrawn`] tells the message.
    ///
    /// # Errors
    /// The Messenger's refusals ([`BridgeError::Messenger`]), a wrong network, too little ether: nothing was sent then.
    fn withdraw(
        &self,
        bridge: &Bridge,
        from: Address,
        destination: u64,
        message: Outgoing,
    ) -> impl Future<Output = Result<B256, BridgeError>> + Send {
        async move {
            let Outgoing { to, value, fee, gas_limit, data } = message;
            let fee = fee.unwrap_or_default();
            let send = Messenger::sendMessageCall { dstChainId: destination, to, fee, gasLimit: gas_limit, data };
            let value = value.saturating_add(fee);
            on(bridge).send(self, Call { from, to: MESSENGER, value, input: send.abi_encode().into() }).await
        }
    }

    /// Waits until the transaction is in a block; returns the messages out of the rollup that it sent, at least one.
    ///
    /// # Errors
    /// [`BridgeError::NoMessage`] for another transaction, [`BridgeError::Failed`], [`BridgeError::TimedOut`].
    fn withdrawn(
        &self,
        bridge: &Bridge,
        hash: B256,
        patience: Patience,
    ) -> impl Future<Output = Result<Vec<Message>, BridgeError>> + Send {
        async move {
            let receipt = self.included_on_l2(bridge, hash, patience).await?;
            let logs = receipt.inner.logs().iter().filter(|log| log.address() == MESSENGER);
            let events = logs.filter_map(|log| messenger::event(&log.inner));
            let sent = |event| if let Event::Sent { message, .. } = event { Some(message) } else { None };
            let messages: Vec<Message> = events.filter_map(sent).collect();
            if messages.is_empty() { Err(BridgeError::NoMessage { layer: Layer::L2, hash }) } else { Ok(messages) }
        }
    }

    /// Waits for the receipt of an L2 transaction that succeeded.
    ///
    /// # Errors
    /// [`BridgeError::Failed`], [`BridgeError::TimedOut`].
    fn included_on_l2(
        &self,
        bridge: &Bridge,
        hash: B256,
        patience: Patience,
    ) -> impl Future<Output = Result<TransactionReceipt, BridgeError>> + Send {
        async move { on(bridge).included(self, hash, patience).await }
    }

    /// Where messages into the rollup stand; `None` as long as L1 does not have the transaction (`rollup_getDepositStatus`).
    fn deposit_status(
        &self,
        key: MessageKey,
    ) -> impl Future<Output = Result<Option<Vec<DepositStatus>>, BridgeError>> + Send {
        ask(self, "rollup_getDepositStatus", (key,))
    }

    /// Where messages out of the rollup stand, and what L1 wants to see of them; `None` as long as no block has the transaction
    /// (`rollup_getWithdrawalProof`).
    fn withdrawal_proof(
        &self,
        key: MessageKey,
    ) -> impl Future<Output = Result<Option<Vec<WithdrawalProof>>, BridgeError>> + Send {
        ask(self, "rollup_getWithdrawalProof", (key,))
    }

    /// Waits until all messages of a deposit were called, with success or without.
    ///
    /// # Errors
    /// [`BridgeError::TimedOut`], and the node's refusals.
    fn delivered(
        &self,
        key: MessageKey,
        patience: Patience,
    ) -> impl Future<Output = Result<Vec<DepositStatus>, BridgeError>> + Send {
        async move {
            let called = |status: &DepositStatus| !matches!(status.status, DepositState::Waiting | DepositState::Named);
            let look = || async move {
                let found = self.deposit_status(key).await?;
                Ok(found.filter(|found| found.iter().all(called)))
            };
            patience.wait("the messages to be called on L2", look).await
        }
    }

    /// Waits until the block of a withdrawal has landed, so that it can be proven, or claimed already.
    ///
    /// # Errors
    /// [`BridgeError::TimedOut`], and the node's refusals.
    fn claimable(
        &self,
        key: MessageKey,
        patience: Patience,
    ) -> impl Future<Output = Result<Vec<WithdrawalProof>, BridgeError>> + Send {
        beyond(self, key, WithdrawalState::Sent, patience, "the withdrawal's block to land")
    }

    /// Waits until Hub knows an outbox root with the messages of a withdrawal, by whoever proves it.
    ///
    /// # Errors
    /// [`BridgeError::TimedOut`], and the node's refusals.
    fn proven(
        &self,
        key: MessageKey,
        patience: Patience,
    ) -> impl Future<Output = Result<Vec<WithdrawalProof>, BridgeError>> + Send {
        beyond(self, key, WithdrawalState::Landed, patience, "the withdrawal to be proven")
    }

    /// Calls a message again that had failed, with all gas there is; returns the transaction's hash.
    ///
    /// # Errors
    /// `NotFailed` and `CallFailed` of [`BridgeError::Messenger`].
    fn retry(
        &self,
        bridge: &Bridge,
        from: Address,
        message: Message,
    ) -> impl Future<Output = Result<B256, BridgeError>> + Send {
        async move {
            let input = Messenger::retryCall { m: message.into() }.abi_encode().into();
            on(bridge).send(self, Call { from, to: MESSENGER, value: U256::ZERO, input }).await
        }
    }

    /// Sends a message that is kept back to its sender on its source chain; `fee` wei pay whoever delivers it there, nothing is needed for L1.
    /// Returns the transaction's hash.
    ///
    /// # Errors
    /// `NotFailed`, `RefundTooEarly` and `NotRefundable` of [`BridgeError::Messenger`].
    fn refund(
        &self,
        bridge: &Bridge,
        from: Address,
        message: Message,
        fee: U256,
    ) -> impl Future<Output = Result<B256, BridgeError>> + Send {
        async move {
            let input = Messenger::refundCall { m: message.into() }.abi_encode().into();
            on(bridge).send(self, Call { from, to: MESSENGER, value: fee, input }).await
        }
    }
}

impl<P: Provider + ?Sized> BridgeL2 for P {}

/// Waits until all messages out of the rollup that `key` names are further than `state`.
async fn beyond<P: BridgeL2 + ?Sized>(
    provider: &P,
    key: MessageKey,
    state: WithdrawalState,
    patience: Patience,
    what: &'static str,
) -> Result<Vec<WithdrawalProof>, BridgeError> {
    let look = || async move {
        let found = provider.withdrawal_proof(key).await?;
        Ok(found.filter(|found| found.iter().all(|proof| proof.status > state)))
    };
    patience.wait(what, look).await
}

async fn ask<P: Provider + ?Sized, T: DeserializeOwned + Send + Sync + Unpin + std::fmt::Debug + 'static>(
    provider: &P,
    method: &'static str,
    params: impl serde::Serialize + Clone + std::fmt::Debug + Send + Sync + Unpin,
) -> Result<T, BridgeError> {
    provider.client().request(method, params).await.map_err(|error| BridgeError::of(Layer::L2, error))
}
