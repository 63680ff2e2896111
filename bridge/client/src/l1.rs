//! The bridge on L1: into a rollup, and the last step out of it.

use crate::{
    Bridge, BridgeError, Layer, Outgoing, Patience,
    send::{Call, On},
};
use alloy_primitives::{Address, B256, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_sol_types::{SolCall, SolEvent};
use bridge::{
    abi::{self, Hub},
    message::Message,
    outbox::{self, Path},
    status::{Claim, Prove, WithdrawalProof, WithdrawalState},
};

/// Minimum fees are offered this many times over: the rollup's base fee may rise until Hub sees the message.
const FEE_HEADROOM: u64 = 2;

const fn on(bridge: &Bridge) -> On {
    On { layer: Layer::L1, chain_id: bridge.l1_chain_id }
}

/// Extends every provider of the L1. `from` must be an account whose key the provider's wallet has.
pub trait BridgeL1: Provider {
    /// Sends a message into the rollup; returns the transaction's hash. [`Self::deposited`] tells the message.
    ///
    /// # Errors
    /// Hub's refusals ([`BridgeError::Hub`]), a wrong network, too little ether: nothing was sent then.
    fn deposit(
        &self,
        bridge: &Bridge,
        from: Address,
        message: Outgoing,
    ) -> impl Future<Output = Result<B256, BridgeError>> + Send {
        async move {
            let Outgoing { to, value, fee, gas_limit, data } = message;
            let fee = match fee {
                Some(fee) => fee,
                None => self.fee_min(bridge, gas_limit, data.len()).await?.saturating_mul(U256::from(FEE_HEADROOM)),
            };
            let send = Hub::sendMessageCall { dstChainId: bridge.l2_chain_id, to, fee, gasLimit: gas_limit, data };
            let value = value.saturating_add(fee);
            on(bridge).send(self, Call { from, to: bridge.hub, value, input: send.abi_encode().into() }).await
        }
    }

    /// The least fee that Hub takes now for a message into the rollup with so much gas and so many bytes of data, wei.
    fn fee_min(
        &self,
        bridge: &Bridge,
        gas_limit: u64,
        data_length: usize,
    ) -> impl Future<Output = Result<U256, BridgeError>> + Send {
        async move {
            on(bridge).check(self).await?;
            let dst = bridge.l2_chain_id;
            let call = Hub::minFeeCall { dstChainId: dst, gasLimit: gas_limit, dataLength: U256::from(data_length) };
            on(bridge).view(self, bridge.hub, call).await
        }
    }

    /// Waits until the transaction is in a block; returns the messages into the rollup that it sent, at least one.
    ///
    /// # Errors
    /// [`BridgeError::NoMessage`] for another transaction, [`BridgeError::Failed`], [`BridgeError::TimedOut`].
    fn deposited(
        &self,
        bridge: &Bridge,
        hash: B256,
        patience: Patience,
    ) -> impl Future<Output = Result<Vec<Message>, BridgeError>> + Send {
        async move {
            let receipt = self.included(bridge, hash, patience).await?;
            let logs = receipt.inner.logs().iter().filter(|log| log.address() == bridge.hub);
            let events = logs.filter_map(|log| Hub::MessageSent::decode_log(&log.inner).ok());
            let ours = events.filter(|event| event.dstChainId == bridge.l2_chain_id);
            let messages: Vec<Message> = ours.map(|event| event.data.message.into()).collect();
            if messages.is_empty() { Err(BridgeError::NoMessage { layer: Layer::L1, hash }) } else { Ok(messages) }
        }
    }

    /// Waits for the receipt of an L1 transaction that succeeded.
    ///
    /// # Errors
    /// [`BridgeError::Failed`], [`BridgeError::TimedOut`].
    fn included(
        &self,
        bridge: &Bridge,
        hash: B256,
        patience: Patience,
    ) -> impl Future<Output = Result<TransactionReceipt, BridgeError>> + Send {
        async move { on(bridge).included(self, hash, patience).await }
    }

    /// Proves the rollup's outbox to Hub, for all messages so far; returns the transaction's hash.
    ///
    /// # Errors
    /// `OutboxProofStale` and `OutboxUnchanged` of [`BridgeError::Hub`] when somebody else was faster: as good as done.
    fn prove(
        &self,
        bridge: &Bridge,
        from: Address,
        proof: &Prove,
    ) -> impl Future<Output = Result<B256, BridgeError>> + Send {
        async move {
            let prove = Hub::proveOutboxCall {
                chainId: bridge.l2_chain_id,
                blockNumber: proof.block_number,
                accountProof: proof.account_proof.clone(),
                storageProof: proof.storage_proof.clone(),
            };
            let input = prove.abi_encode().into();
            on(bridge).send(self, Call { from, to: bridge.hub, value: U256::ZERO, input }).await
        }
    }

    /// Delivers a message to L1, once; `from` gets its fee. Returns the transaction's hash.
    ///
    /// # Errors
    /// [`BridgeError::NotLanded`], [`BridgeError::NotProven`], [`BridgeError::AlreadyClaimed`] by the proof's own word; [`BridgeError::WrongProof`]
    /// when the node's path does not lead to Hub's root; Hub's refusals.
    fn claim(
        &self,
        bridge: &Bridge,
        from: Address,
        proof: &WithdrawalProof,
    ) -> impl Future<Output = Result<B256, BridgeError>> + Send {
        async move {
            let (message, epoch, path) = checked(self, bridge, proof).await?;
            let (destination, expected) = (message.dst_chain_id, bridge.l1_chain_id);
            if destination != expected {
                return Err(BridgeError::WrongDestination { destination, expected });
            }
            let input = abi::claim(message, epoch, &path);
            on(bridge).send(self, Call { from, to: bridge.hub, value: U256::ZERO, input }).await
        }
    }

    /// Takes a message on to the rollup that it is for; `top_up` wei are added to its fee. Returns the transaction's hash.
    ///
    /// # Errors
    /// As of [`Self::claim`]; and Hub's refusals at the door of the other rollup, `FeeTooLow` above all.
    fn forward(
        &self,
        bridge: &Bridge,
        from: Address,
        proof: &WithdrawalProof,
        top_up: U256,
    ) -> impl Future<Output = Result<B256, BridgeError>> + Send {
        async move {
            let (message, epoch, path) = checked(self, bridge, proof).await?;
            let destination = message.dst_chain_id;
            if destination == bridge.l1_chain_id {
                return Err(BridgeError::ForL1 { index: message.index });
            }
            let input = abi::forward(vec![(message, path)], epoch);
            on(bridge).send(self, Call { from, to: bridge.hub, value: top_up, input }).await
        }
    }

    /// What Hub holds for the rollup.
    fn rollup(&self, bridge: &Bridge) -> impl Future<Output = Result<Hub::RollupState, BridgeError>> + Send {
        async move { on(bridge).view(self, bridge.hub, Hub::rollupCall { chainId: bridge.l2_chain_id }).await }
    }
}

impl<P: Provider + ?Sized> BridgeL1 for P {}

/// The message, and the path that leads from it to the root that Hub holds.
async fn checked<P: Provider + ?Sized>(
    provider: &P,
    bridge: &Bridge,
    proof: &WithdrawalProof,
) -> Result<(Message, u64, Path), BridgeError> {
    let message = Message::from(proof.withdrawal.message.clone());
    let index = message.index;
    match proof.status {
        WithdrawalState::Sent => {
            return Err(BridgeError::NotLanded { index, block: proof.withdrawal.sent.block_number });
        }
        WithdrawalState::Claimed => return Err(BridgeError::AlreadyClaimed { index }),
        WithdrawalState::Landed | WithdrawalState::Proven => {}
    }
    let Some(Claim { epoch, path, .. }) = &proof.claim else { return Err(BridgeError::NotProven { index }) };
    on(bridge).check(provider).await?;
    let call = Hub::outboxRootCall { chainId: bridge.l2_chain_id, epoch: *epoch };
    let root = on(bridge).view(provider, bridge.hub, call).await?;
    let path = Path::try_from(path.as_slice()).ok();
    let path = path.filter(|path| outbox::verify(root, message.leaf(), index, path));
    Ok((message, *epoch, path.ok_or(BridgeError::WrongProof { index, root })?))
}
