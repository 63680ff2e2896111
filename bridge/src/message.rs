//! Messages between chains: one format in every direction (SPEC "Messages").
//!
//! Holds the message itself, its leaf, and the rolling hash of a rollup's L1 inbox. It must not know how a
//! message gets anywhere: the outbox tree is in [`crate::outbox`], delivery is the contracts' business.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// Domain of a message leaf, the first field of its encoding: a leaf can never be taken for an anchor or a tree node.
pub const MESSAGE_DOMAIN: &str = "basalt.message.v1";

/// Most bytes a message may carry. Hub and Messenger refuse more at the door, so that one message always fits a block.
pub const MAX_MESSAGE_DATA: usize = 16_384;

/// Most bytes of a message whose sender is the Messenger: one that goes back to its sender, and carries all of the one that failed.
pub const MAX_RETURN_DATA: usize = MAX_MESSAGE_DATA + 1_024;

/// Most inbox messages that one block may newly name; Hub refuses a larger step (`InboxStepTooLarge`).
pub const MAX_INBOX_STEP: u64 = 256;

/// A call from one chain to another, with value. The same on L1, on a rollup and between rollups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// EIP-155 id of the chain on which `sender` called `sendMessage`.
    pub src_chain_id: u64,
    /// EIP-155 id of the chain on which `to` is called.
    pub dst_chain_id: u64,
    /// Running number, from zero, within the inbox (into a rollup) or the outbox (out of it) that holds the message.
    pub index: u64,
    /// Who sent it; `messageSender()` on the destination.
    pub sender: Address,
    /// Who is called.
    pub to: Address,
    /// Wei handed to `to`.
    pub value: U256,
    /// Wei paid to whoever delivers the message.
    pub fee: U256,
    /// Gas of the call to `to`: exactly so much on a rollup, at least so much in a claim on L1.
    pub gas_limit: u64,
    /// Call data, at most [`MAX_MESSAGE_DATA`] bytes, or [`MAX_RETURN_DATA`] of a message that goes back.
    pub data: Bytes,
}

impl Message {
    /// What `Hub.forward` makes of a message that came out of one rollup for another: the same, as number `index` of the inbox there. `top_up` wei that came with the call
    /// raise its fee; `None` where that is more than there are.
    #[must_use]
    pub fn forwarded(self, index: u64, top_up: U256) -> Option<Self> {
        Some(Self { index, fee: self.fee.checked_add(top_up)?, ..self })
    }

    /// The 32 bytes that stand for this message in an inbox hash chain or an outbox tree:
    /// `keccak256(abi.encode("basalt.message.v1", srcChainId, dstChainId, index, sender, to, value, fee, gasLimit, keccak256(data)))`.
    pub fn leaf(&self) -> B256 {
        keccak256(
            (
                MESSAGE_DOMAIN,
                self.src_chain_id,
                self.dst_chain_id,
                self.index,
                self.sender,
                self.to,
                self.value,
                self.fee,
                self.gas_limit,
                keccak256(&self.data),
            )
                .abi_encode_params(),
        )
    }
}

/// A point of a rollup's inbox: how many messages there are so far, and the rolling hash over their leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboxChain {
    /// Messages so far; also the index of the next one.
    pub count: u64,
    /// `inboxHash' = keccak256(inboxHash ‖ leaf)`, zero before the first message.
    pub hash: B256,
}

impl InboxChain {
    /// Appends one leaf.
    pub fn push(&mut self, leaf: B256) {
        self.hash = keccak256([self.hash, leaf].concat());
        self.count += 1;
    }

    /// The point reached by appending `leaves` in order.
    #[must_use]
    pub fn extend<'a>(mut self, leaves: impl IntoIterator<Item = &'a B256>) -> Self {
        for leaf in leaves {
            self.push(*leaf);
        }
        self
    }
}
