//! What nodes answer about messages (`rollup_*`), as both the server and its clients write it: JSON in camel case, numbers as hexadecimal
//! quantities.
//!
//! Nothing in it is to be believed by who moves money: a client checks leaf, path and root against Hub. It must not know who asks.

use crate::message::Message;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_serde::quantity;
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// A [`Message`] on the wire of JSON-RPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireMessage {
    /// See [`Message::src_chain_id`].
    #[serde(with = "quantity")]
    pub src_chain_id: u64,
    /// See [`Message::dst_chain_id`].
    #[serde(with = "quantity")]
    pub dst_chain_id: u64,
    /// See [`Message::index`].
    #[serde(with = "quantity")]
    pub index: u64,
    /// See [`Message::sender`].
    pub sender: Address,
    /// See [`Message::to`].
    pub to: Address,
    /// Wei.
    pub value: U256,
    /// Wei.
    pub fee: U256,
    /// See [`Message::gas_limit`].
    #[serde(with = "quantity")]
    pub gas_limit: u64,
    /// Call data.
    pub data: Bytes,
}

impl From<Message> for WireMessage {
    fn from(message: Message) -> Self {
        let Message { src_chain_id, dst_chain_id, index, sender, to, value, fee, gas_limit, data } = message;
        Self { src_chain_id, dst_chain_id, index, sender, to, value, fee, gas_limit, data }
    }
}

impl From<WireMessage> for Message {
    fn from(message: WireMessage) -> Self {
        let WireMessage { src_chain_id, dst_chain_id, index, sender, to, value, fee, gas_limit, data } = message;
        Self { src_chain_id, dst_chain_id, index, sender, to, value, fee, gas_limit, data }
    }
}

/// How far a block of the rollup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// Executed here, not on L1 yet.
    Preconfirmed,
    /// Recorded by Hub: settled.
    Landed,
    /// Landed in a finalised L1 block.
    Finalized,
}

/// Which message: by the transaction that sent it (on L1 for one into the rollup, on L2 for one out of it), or by its index in inbox or outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MessageKey {
    /// All messages that this transaction sent.
    Transaction(B256),
    /// One message.
    Index {
        /// Its index.
        #[serde(with = "quantity")]
        index: u64,
    },
}

/// A transaction of the rollup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L2Place {
    /// Block number.
    #[serde(with = "quantity")]
    pub block_number: u64,
    /// Its hash.
    pub block_hash: B256,
    /// Its timestamp, seconds.
    #[serde(with = "quantity")]
    pub timestamp: u64,
    /// The transaction.
    pub transaction_hash: B256,
    /// How far the block is.
    pub stage: Stage,
}

/// A transaction on L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L1Place {
    /// Block number.
    #[serde(with = "quantity")]
    pub block_number: u64,
    /// Its hash.
    pub block_hash: B256,
    /// The transaction.
    pub transaction_hash: B256,
}

/// The first landed block whose anchor names a message: from then on a relay can take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedBy {
    /// L2 block number.
    #[serde(with = "quantity")]
    pub block_number: u64,
    /// Its hash.
    pub block_hash: B256,
    /// The `advance` transaction on L1.
    pub l1_transaction: B256,
}

/// Where a message into the rollup stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DepositState {
    /// Sent on L1; no block names it yet.
    Waiting,
    /// A landed block names it; no relay has taken it yet.
    Named,
    /// Called, with success.
    Delivered,
    /// Called, without success, or too large to be called: it is kept, and anyone may retry it, or later send it back.
    Failed,
    /// Called again, with success.
    Retried,
    /// Sent back to its sender, after it had failed.
    Refunded,
}

/// Answer of `rollup_getDepositStatus`, one for each message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DepositStatus {
    /// Place in the inbox.
    #[serde(with = "quantity")]
    pub index: u64,
    /// Where it stands.
    pub status: DepositState,
    /// The message; `null` where neither the relay's calldata nor a recent log of L1 has it.
    pub message: Option<WireMessage>,
    /// Its leaf; as the message.
    pub leaf: Option<B256>,
    /// The L1 transaction that sent it; `null` where it was asked for by index and was relayed.
    pub sent: Option<L1Place>,
    /// The first landed block that names it; `null` before.
    pub named: Option<NamedBy>,
    /// The transaction that took it from the inbox; `null` before.
    pub relayed: Option<L2Place>,
    /// The transaction that ended its being kept as failed; `null` unless one did.
    pub ended: Option<L2Place>,
}

/// A message out of the rollup and where it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Withdrawal {
    /// The message; its index is its place in the outbox.
    pub message: WireMessage,
    /// Its leaf.
    pub leaf: B256,
    /// Where it was sent.
    pub sent: L2Place,
}

/// Where a message out of the rollup stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WithdrawalState {
    /// Its block has not landed.
    Sent,
    /// Its block has landed; the outbox has to be proven to Hub first.
    Landed,
    /// Hub knows an outbox root that holds it: it can be claimed.
    Proven,
    /// Delivered; nothing is left to do.
    Claimed,
}

/// A transaction to Hub, ready to be sent by anyone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HubCall {
    /// Hub.
    pub to: Address,
    /// Calldata.
    pub data: Bytes,
}

/// `Hub.proveOutbox`, ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prove {
    /// The landed block under whose state root the outbox is proven. Hub takes it for its next 63 landings.
    #[serde(with = "quantity")]
    pub block_number: u64,
    /// Account proof of the Messenger, root first.
    pub account_proof: Vec<Bytes>,
    /// Storage proof of slot 0, root first.
    pub storage_proof: Vec<Bytes>,
    /// The call.
    pub call: HubCall,
}

/// `Hub.claim`, ready: the message under an outbox root that Hub holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// Number of the outbox root at Hub, which keeps the last 64.
    #[serde(with = "quantity")]
    pub epoch: u64,
    /// The outbox root.
    pub root: B256,
    /// The 32 siblings from the leaf up.
    pub path: Vec<B256>,
    /// The call.
    pub call: HubCall,
}

/// Answer of `rollup_getWithdrawalProof`, one for each message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WithdrawalProof {
    /// The message and where it was sent.
    #[serde(flatten)]
    pub withdrawal: Withdrawal,
    /// Where it stands.
    pub status: WithdrawalState,
    /// What comes first, when its block has landed and Hub does not know the outbox yet; `null` else.
    pub prove: Option<Prove>,
    /// The claim, once it is proven; `null` before, and when it is claimed.
    pub claim: Option<Claim>,
}

/// Answer of `rollup_getMessageProof`: a message under the state root of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageProof {
    /// The message and where it was sent.
    #[serde(flatten)]
    pub withdrawal: Withdrawal,
    /// The block: the one asked for, or where its state is forgotten the last one with the same outbox.
    #[serde(with = "quantity")]
    pub block_number: u64,
    /// Its hash.
    pub block_hash: B256,
    /// Its state root.
    pub state_root: B256,
    /// Messages in its outbox.
    #[serde(with = "quantity")]
    pub outbox_count: u64,
    /// Root of its outbox: slot 0 of the Messenger.
    pub outbox_root: B256,
    /// The 32 siblings from the leaf up to that root.
    pub path: Vec<B256>,
    /// Account proof of the Messenger under the state root, root first.
    pub account_proof: Vec<Bytes>,
    /// Storage proof of slot 0 under that account, root first.
    pub storage_proof: Vec<Bytes>,
}

/// Which way a message goes, seen from the rollup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// Out of it: the outbox.
    #[default]
    Out,
    /// Into it: the inbox, as far as it was relayed.
    In,
}

/// Filter of `rollup_getMessages`. All that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct MessageFilter {
    /// Which way.
    pub direction: Direction,
    /// Lowest index; `next` of the answer before goes here.
    #[serde(with = "quantity::opt")]
    pub from_index: Option<u64>,
    /// Lowest L2 block, where it was sent or relayed.
    #[serde(with = "quantity::opt")]
    pub from_block: Option<u64>,
    /// Highest such block.
    #[serde(with = "quantity::opt")]
    pub to_block: Option<u64>,
    /// Who sent it.
    pub sender: Option<Address>,
    /// Whom it is for.
    pub to: Option<Address>,
    /// The other chain: where it goes, or comes from.
    #[serde(with = "quantity::opt")]
    pub chain_id: Option<u64>,
    /// Most messages in the answer.
    #[serde(with = "quantity::opt")]
    pub limit: Option<u64>,
}

/// One message in an answer of `rollup_getMessages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedMessage {
    /// Its index in outbox or inbox.
    #[serde(with = "quantity")]
    pub index: u64,
    /// The message; `null` for one that was relayed by another contract than the Messenger itself, whose calldata says nothing.
    pub message: Option<WireMessage>,
    /// Its leaf.
    pub leaf: B256,
    /// Where it was sent, or relayed.
    pub at: L2Place,
    /// What became of one into the rollup; `null` for one out of it.
    pub status: Option<DepositState>,
}

/// Answer of `rollup_getMessages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Messages {
    /// Ascending by index.
    pub messages: Vec<ListedMessage>,
    /// `fromIndex` of the next call; `null` when all were looked at.
    #[serde(with = "quantity::opt")]
    pub next: Option<u64>,
}

/// Options of `rollup_getWithdrawals`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct WithdrawalFilter {
    /// Lowest L2 block.
    #[serde(with = "quantity::opt")]
    pub from_block: Option<u64>,
    /// Highest L2 block.
    #[serde(with = "quantity::opt")]
    pub to_block: Option<u64>,
    /// Only indices below it; `next` of the answer before goes here.
    #[serde(with = "quantity::opt")]
    pub cursor: Option<u64>,
    /// Most withdrawals in the answer.
    #[serde(with = "quantity::opt")]
    pub limit: Option<u64>,
}

/// Answer of `rollup_getWithdrawals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Withdrawals {
    /// Newest first.
    pub withdrawals: Vec<Withdrawal>,
    /// `cursor` of the next call; `null` when there is no older one.
    #[serde(with = "quantity::opt")]
    pub next: Option<u64>,
}

/// Which proof `rollup_getMessageProof` is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MessageProofRequest {
    /// Index in the outbox.
    #[serde(with = "quantity")]
    pub index: u64,
    /// Block under whose state root it is proven; the newest when absent.
    #[serde(default, with = "quantity::opt")]
    pub block_number: Option<u64>,
}
