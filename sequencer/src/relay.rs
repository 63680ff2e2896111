//! The relay: how much of the L1 inbox the next block consumes, and the call that does it.
//!
//! Messages are consumed strictly in order, so the choice is a prefix; the block names an inbox count (Hub checks it)
//! and its first transaction calls `Messenger.relay` with the messages. Usually the count named is the count consumed.
//! Should an earlier block have named more than was consumed, the count cannot go back, and the leaves in between
//! go along as the *tail*.
//!
//! Must not know: who signs the call, how L1 messages are found.

use alloy_primitives::{B256, Bytes, U256};
use bridge::{
    anchor::Anchor,
    message::{InboxChain, MAX_INBOX_STEP, MAX_MESSAGE_DATA, MAX_RETURN_DATA, Message},
};
use chainspec::predeploys::MESSENGER;

#[cfg(test)]
mod tests;

/// Gas of a relay beside its messages: the transaction itself, the anchor's opening, the cursor, the fee.
const FIXED_GAS: u64 = 100_000;

/// The first relay of a chain makes the cursor's two storage slots (EIP-8037: 97,920 state gas each).
const FIRST_GAS: u64 = 200_000;

/// Gas of one message beside its own call and data. The Messenger wants 210,000 to be left when it calls (value to a
/// new account costs 183,600 state gas); the mark of a failed message (97,920 and a write) fits into the same, since
/// a call that failed made no account; hashing, log and loop come on top.
const MESSAGE_GAS: u64 = 250_000;

/// What a message that came back to its sender takes beside: three questions about interfaces (ERC-165) of 30,000 gas, to a cold account.
const RETURN_GAS: u64 = 100_000;

/// Intrinsic gas of a byte of calldata, taking each to be nonzero.
const BYTE_GAS: u64 = 16;

/// EIP-7976: what a byte of calldata costs at least, and EIP-2780: the base that comes on top for a call without value.
const FLOOR_BYTE_GAS: u64 = 64;
const FLOOR_BASE_GAS: u64 = 15_000;

/// Calldata of a relay without messages and tail: selector, two offsets, deferred, anchor, its timestamp, two lengths.
const FIXED_BYTES: usize = 4 + 32 * (2 + 1 + 4 + 1 + 2);

/// Calldata of a message without data: its offset, nine fields, the data's length.
const MESSAGE_BYTES: usize = 32 * (1 + 9 + 1);

/// What a relay may take of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Gas limit of the relay transaction, at most that of the block and 2^24.
    pub gas: u64,
    /// Bytes of calldata. They are paid for on L1 twice: as calldata and inside EXECUTE.
    pub bytes: usize,
    /// Messages, at most [`MAX_INBOX_STEP`].
    pub messages: usize,
}

/// The inbox as far as this node knows it.
#[derive(Debug, Clone, Copy)]
pub struct Inbox<'a> {
    /// The rollup's chain id.
    pub chain_id: u64,
    /// What the Messenger has consumed, in the state of the parent block.
    pub consumed: InboxChain,
    /// The count that the parent block named; at least `consumed.count`.
    pub named: u64,
    /// Messages from `consumed.count` on, without a gap, as recorded up to an L1 block that the landing will follow.
    pub pending: &'a [Message],
}

/// A decision, see the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The inbox point for the anchor.
    pub inbox: InboxChain,
    /// What to consume; `None` if nothing waits or nothing fits.
    pub relay: Option<Relay>,
    /// Gas that all pending messages would take together: part of the demand that the gas limit follows. Above the
    /// budget it says that a message waits for a larger block.
    pub wanted_gas: u64,
}

/// What the relay transaction does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Messages to consume, in order; never empty.
    pub messages: Vec<Message>,
    /// Leaves between the last one consumed and the count named.
    pub tail: Vec<B256>,
    /// Gas limit of the transaction. All of it is execution gas where it is below 2^24, and state gas is taken out of
    /// it, so it covers both (EIP-8037).
    pub gas_limit: u64,
}

/// Why nothing can be planned: the node's view of L1 is wrong or incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// A message is missing or out of place.
    #[error("inbox message {have} stands where {want} belongs")]
    Gap {
        /// Its index.
        have: u64,
        /// The index expected.
        want: u64,
    },
    /// A message for another chain.
    #[error("inbox message {index} is for chain {chain_id}")]
    WrongChain {
        /// Its index.
        index: u64,
        /// Its destination.
        chain_id: u64,
    },
    /// A message that Hub would not have taken.
    #[error(
        "inbox message {index} has {len} bytes of data, at most {MAX_MESSAGE_DATA} or {MAX_RETURN_DATA} of one that came back are allowed"
    )]
    TooLong {
        /// Its index.
        index: u64,
        /// Bytes.
        len: usize,
    },
    /// The parent named messages that this node has not seen: wait for L1.
    #[error("the parent named {named} inbox messages, only {known} are known")]
    Behind {
        /// Named by the parent.
        named: u64,
        /// Known here.
        known: u64,
    },
    /// The Messenger consumed more than any block named: ours, or Hub's, to explain.
    #[error("{consumed} inbox messages are consumed, though only {named} were named")]
    CursorAhead {
        /// By the Messenger.
        consumed: u64,
        /// By the parent.
        named: u64,
    },
}

/// Chooses the longest prefix of the pending messages that fits the budget.
pub fn plan(inbox: &Inbox<'_>, budget: &Budget) -> Result<Plan, RelayError> {
    check(inbox)?;
    let Inbox { consumed, named, pending, .. } = *inbox;
    let leaves: Vec<B256> = pending.iter().map(Message::leaf).collect();
    let count_of = |taken: usize| consumed.count + taken as u64;

    let mut taken = 0;
    let mut fitting = None;
    let mut wanted_gas = 0;
    let mut messages_cost = Cost::default();
    for (i, message) in pending.iter().enumerate() {
        messages_cost.add(message);
        let tail = named.saturating_sub(count_of(i + 1)) as usize;
        let whole = messages_cost.whole(consumed.count == 0, tail);
        wanted_gas = whole.gas;
        let fits = whole.gas <= budget.gas
            && whole.bytes <= budget.bytes
            && i < budget.messages
            && count_of(i + 1).saturating_sub(named) <= MAX_INBOX_STEP;
        // Costs only grow with the prefix, except for the tail, which shrinks by less than a message takes.
        if fits && taken == i {
            (taken, fitting) = (i + 1, Some(whole.gas));
        }
    }
    // The count named never goes back, so what is named but not consumed goes along as leaves.
    let until = named.max(count_of(taken));
    let named_leaves = &leaves[..(until - consumed.count) as usize];
    let relay = fitting.map(|gas_limit| Relay {
        messages: pending[..taken].to_vec(),
        tail: named_leaves[taken..].to_vec(),
        gas_limit,
    });
    Ok(Plan { inbox: consumed.extend(named_leaves), relay, wanted_gas })
}

impl Relay {
    /// Calldata of the transaction to the Messenger, in a block with this anchor and timestamp (seconds): EIP-4788 has
    /// stored the anchor before the first transaction runs.
    pub fn calldata(&self, anchor: &Anchor, timestamp: u64) -> Bytes {
        bridge::abi::relay(self.messages.clone(), U256::ZERO, self.tail.clone(), *anchor, timestamp)
    }
}

fn check(inbox: &Inbox<'_>) -> Result<(), RelayError> {
    let Inbox { chain_id, consumed, named, pending } = *inbox;
    for (want, message) in (consumed.count..).zip(pending) {
        let Message { index, dst_chain_id, sender, ref data, .. } = *message;
        if index != want {
            return Err(RelayError::Gap { have: index, want });
        }
        if dst_chain_id != chain_id {
            return Err(RelayError::WrongChain { index, chain_id: dst_chain_id });
        }
        if data.len() > if sender == MESSENGER { MAX_RETURN_DATA } else { MAX_MESSAGE_DATA } {
            return Err(RelayError::TooLong { index, len: data.len() });
        }
    }
    let known = consumed.count + pending.len() as u64;
    if consumed.count > named {
        return Err(RelayError::CursorAhead { consumed: consumed.count, named });
    }
    if named > known {
        return Err(RelayError::Behind { named, known });
    }
    Ok(())
}

/// What a prefix of messages costs. Saturates: a gas limit near 2^64 fits no budget.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    gas: u64,
    bytes: usize,
}

impl Cost {
    fn add(&mut self, message: &Message) {
        // EIP-150: a call gets at most 63/64 of what is left.
        let call = message.gas_limit.saturating_add(message.gas_limit / 63).saturating_add(2);
        let question = if message.sender == MESSENGER { RETURN_GAS } else { 0 };
        self.gas = self.gas.saturating_add(call).saturating_add(MESSAGE_GAS + question);
        self.bytes = self.bytes.saturating_add(MESSAGE_BYTES + message.data.len().next_multiple_of(32));
    }

    fn whole(&self, is_first: bool, tail: usize) -> Self {
        let bytes = self.bytes.saturating_add(FIXED_BYTES + 32 * tail);
        let first = if is_first { FIRST_GAS } else { 0 };
        // Hashing a tail leaf into the chain costs less than its bytes.
        let gas = self.gas.saturating_add(FIXED_GAS + first).saturating_add(2 * BYTE_GAS * (32 * tail) as u64);
        let gas = gas.saturating_add(BYTE_GAS.saturating_mul(bytes as u64));
        let floor = FLOOR_BYTE_GAS.saturating_mul(bytes as u64).saturating_add(FLOOR_BASE_GAS);
        Self { gas: gas.max(floor), bytes }
    }
}
