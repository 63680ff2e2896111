//! Bindings of the contracts, from `bridge/abi/*.json`: calls, events, errors, bytecode.
//!
//! Generated types stay near here; what the rest of the workspace handles are [`crate::message::Message`],
//! [`crate::anchor::Anchor`] and [`crate::landed::Landed`], into which the conversions below lead. It must not know how
//! a call is sent, nor to which address.

// The generated half comes from JSON, which carries no docs.
#![allow(missing_docs)]

use crate::{anchor::Anchor, landed::Landed, message::Message, opening::Opening, outbox::Path};
use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::{SolCall, sol};

#[cfg(test)]
mod tests;

sol!(
    #[sol(all_derives)]
    Hub,
    "abi/Hub.json"
);
sol!(
    #[sol(all_derives)]
    ExecuteVerifier,
    "abi/ExecuteVerifier.json"
);
sol!(
    #[sol(all_derives)]
    OpenSchedule,
    "abi/OpenSchedule.json"
);
sol!(
    #[sol(all_derives)]
    Messenger,
    "abi/Messenger.json"
);
sol!(
    #[sol(all_derives)]
    TokenBridge,
    "abi/TokenBridge.json"
);
sol!(
    #[sol(all_derives)]
    L2TokenBridge,
    "abi/L2TokenBridge.json"
);
sol!(
    #[sol(all_derives)]
    BridgedToken,
    "abi/BridgedToken.json"
);
sol!(
    #[sol(all_derives)]
    L1Reader,
    "abi/L1Reader.json"
);
sol!(
    #[sol(all_derives)]
    L1Gateway,
    "abi/L1Gateway.json"
);
sol!(
    #[sol(all_derives)]
    L2Gateway,
    "abi/L2Gateway.json"
);
sol!(
    #[sol(all_derives)]
    Keystore,
    "abi/Keystore.json"
);
sol!(
    #[sol(all_derives)]
    KeystoreWallet,
    "abi/KeystoreWallet.json"
);
sol!(
    #[sol(all_derives)]
    Counter,
    "abi/Counter.json"
);

sol!(
    #[sol(all_derives)]
    TestToken,
    "abi/TestToken.json"
);

sol!(
    #[sol(all_derives)]
    Pinger,
    "abi/Pinger.json"
);
sol!(
    #[sol(all_derives)]
    Ponger,
    "abi/Ponger.json"
);

/// Both contracts have a `Message` of their own in the generated code; ours is the one to pass around.
macro_rules! message {
    ($generated:ty) => {
        impl From<Message> for $generated {
            fn from(m: Message) -> Self {
                Self {
                    srcChainId: m.src_chain_id,
                    dstChainId: m.dst_chain_id,
                    index: m.index,
                    sender: m.sender,
                    to: m.to,
                    value: m.value,
                    fee: m.fee,
                    gasLimit: m.gas_limit,
                    data: m.data,
                }
            }
        }
        impl From<$generated> for Message {
            fn from(m: $generated) -> Self {
                Self {
                    src_chain_id: m.srcChainId,
                    dst_chain_id: m.dstChainId,
                    index: m.index,
                    sender: m.sender,
                    to: m.to,
                    value: m.value,
                    fee: m.fee,
                    gas_limit: m.gasLimit,
                    data: m.data,
                }
            }
        }
    };
}
message!(Hub::Message);
message!(Messenger::Message);

impl From<Anchor> for Messenger::Anchor {
    /// The chain id stays behind: the Messenger puts its own in.
    fn from(a: Anchor) -> Self {
        Self {
            originNumber: a.origin_number,
            originHash: a.origin_hash,
            inboxCount: a.inbox_count,
            inboxHash: a.inbox_hash,
        }
    }
}

impl From<Hub::BlockLanded> for Landed {
    fn from(event: Hub::BlockLanded) -> Self {
        let landed = event.landed;
        Self {
            chain_id: event.chainId,
            number: event.number,
            hash: event.blockHash,
            parent_hash: landed.parentHash,
            state_root: landed.stateRoot,
            timestamp: landed.timestamp,
            gas_limit: landed.gasLimit,
            fee_recipient: landed.feeRecipient,
            extra_data: landed.extraData,
            origin_number: landed.originNumber,
            origin_hash: landed.originHash,
            inbox_count: landed.inboxCount,
            inbox_hash: landed.inboxHash,
            proposer: landed.proposer,
            blob_hashes: landed.blobHashes,
        }
    }
}

/// Proof of the Messenger's slot 0 under the state root that an advance settles, to be brought along with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxProof {
    /// Account proof of the Messenger, root first.
    pub account: Vec<Bytes>,
    /// Storage proof of slot 0, root first.
    pub storage: Vec<Bytes>,
}

/// Calldata of `Hub.advance`. `openings` are those of the transaction's blobs, in order.
pub fn advance(anchor: &Anchor, openings: &[Opening], outbox: OutboxProof, execute_input: Bytes) -> Bytes {
    Hub::advanceCall {
        a: Hub::Advance {
            originNumber: anchor.origin_number,
            inboxCount: anchor.inbox_count,
            openings: openings.iter().flat_map(Opening::to_bytes).collect::<Vec<u8>>().into(),
            outboxAccountProof: outbox.account,
            outboxStorageProof: outbox.storage,
        },
        executeInput: execute_input,
    }
    .abi_encode()
    .into()
}

/// Calldata of `Messenger.relay`: consumes `messages`, which with the leaves `tail` behind them end at the anchor's inbox
/// point; those whose bit in `deferred` is set are not called. `anchor_timestamp` is that of the L2 block whose anchor it is.
pub fn relay(messages: Vec<Message>, deferred: U256, tail: Vec<B256>, anchor: Anchor, anchor_timestamp: u64) -> Bytes {
    Messenger::relayCall {
        messages: messages.into_iter().map(Into::into).collect(),
        deferred,
        tail,
        anchor: anchor.into(),
        anchorTimestamp: U256::from(anchor_timestamp),
    }
    .abi_encode()
    .into()
}

/// Calldata of `Hub.claim`: delivers an outbox message on L1 under the root of `epoch`.
pub fn claim(message: Message, epoch: u64, path: &Path) -> Bytes {
    Hub::claimCall { m: message.into(), epoch, path: path.to_vec() }.abi_encode().into()
}

/// Calldata of `Hub.returnMessage`: sends an outbox message that can never be taken at its destination back to its sender.
pub fn return_message(message: Message, epoch: u64, path: &Path) -> Bytes {
    Hub::returnMessageCall { m: message.into(), epoch, path: path.to_vec() }.abi_encode().into()
}

/// Calldata of `Hub.recordFailure`: claims an outbox message or, when its call fails, has that noted.
pub fn record_failure(message: Message, epoch: u64, path: &Path) -> Bytes {
    Hub::recordFailureCall { m: message.into(), epoch, path: path.to_vec() }.abi_encode().into()
}

/// Calldata of `Hub.forward`: takes outbox messages of one rollup under the root of `epoch` into the inboxes of their destinations. A value sent along
/// raises the fee, of a single message only.
pub fn forward(messages: Vec<(Message, Path)>, epoch: u64) -> Bytes {
    let (ms, paths) = messages.into_iter().map(|(message, path)| (message.into(), path.to_vec())).unzip();
    Hub::forwardCall { ms, epoch, paths }.abi_encode().into()
}

/// Calldata of `Hub.proveOutbox`, under the state root of landed block `number`.
pub fn prove_outbox(chain_id: u64, number: u64, proof: OutboxProof) -> Bytes {
    let OutboxProof { account, storage } = proof;
    Hub::proveOutboxCall { chainId: chain_id, blockNumber: number, accountProof: account, storageProof: storage }
        .abi_encode()
        .into()
}
