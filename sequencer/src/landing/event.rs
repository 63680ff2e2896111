//! What a landing is told, and what it asks for: plain data.

use alloy_primitives::B256;

use super::{Fees, Market, Record, Reverted};

/// The block to land, and what is fixed about its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// L2 chain id.
    pub chain_id: u64,
    /// L2 block number.
    pub number: u64,
    /// L2 block hash.
    pub block_hash: B256,
    /// The account's next nonce on L1; one lane, owned by the caller.
    pub nonce: u64,
    /// Gas limit of the L1 transaction.
    pub gas_limit: u64,
    /// Fees of a dead transaction that may still occupy this nonce in public pools, to be outbid
    /// ([`Effect::Release`] of the landing before).
    pub outbid: Option<Fees>,
}

/// What Hub says about the height of our block, on the L1 chain in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Height {
    /// Nothing landed there.
    Open,
    /// Our block did.
    Ours {
        /// In which L1 block.
        l1_number: u64,
    },
    /// Another block did.
    Other {
        /// Which one.
        block_hash: B256,
        /// In which L1 block.
        l1_number: u64,
    },
}

/// A new L1 head. All facts are of this one canonical chain, and the receipts of our transactions in its blocks
/// are delivered *before* it: a used nonce without a receipt therefore belongs to someone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct L1Head {
    /// Its number.
    pub number: u64,
    /// Number of the last finalised L1 block.
    pub finalized: u64,
    /// Our height in Hub.
    pub height: Height,
    /// Nonce of our account after this block.
    pub account_nonce: u64,
    /// What L1 charges in the next block.
    pub market: Market,
}

/// Why an L1 node did not take a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendFailure {
    /// `already known`: it has it.
    AlreadyKnown,
    /// `replacement transaction underpriced`, or the fee is below what the node takes.
    Underpriced,
    /// `nonce too low`: some transaction with this nonce was included.
    NonceTooLow,
    /// `insufficient funds`.
    InsufficientFunds,
    /// No answer, time-out, rate limit, `txpool is full`: nothing is known of the transaction.
    Unreachable,
    /// The node says it will never take this transaction (invalid blob, gas limit, type).
    Invalid,
    /// It was not sent: L1 would refuse it on this head, though perhaps not on the next one.
    NotYet,
    /// It was not sent: L1 would refuse it, and charge for that.
    WouldRevert,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A block is sealed, checked and stored: land it. Where the first fees would exceed the cap the landing
    /// stays idle, with an alarm, and the event may come again when L1 is cheaper.
    Sealed {
        /// The block and its nonce.
        target: Target,
        /// Number of the L1 head.
        l1_number: u64,
        /// What L1 charges in the next block.
        market: Market,
    },
    /// An L1 node took the transaction of the last [`Effect::Send`].
    Sent {
        /// Its hash.
        hash: B256,
    },
    /// An L1 node did not take it.
    SendFailed {
        /// Why.
        why: SendFailure,
    },
    /// L1 has a new head.
    L1Head(L1Head),
    /// L1 included one of our transactions.
    Receipt {
        /// Which one.
        hash: B256,
        /// In which L1 block.
        l1_number: u64,
        /// Whether it reverted.
        reverted: bool,
    },
    /// L1 dropped all blocks above this number; a new [`Event::L1Head`] follows.
    Reorged {
        /// The last common block.
        to: u64,
    },
}

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write the record and fsync, *before* anything behind it in the list.
    Persist(Record),
    /// Build (or build again, byte for byte), sign and send the `advance` transaction of this block.
    Send {
        /// L1 nonce.
        nonce: u64,
        /// Gas limit.
        gas_limit: u64,
        /// Fees.
        fees: Fees,
        /// How many transactions with lower fees and this nonce came before: zero for a first one.
        replaces: usize,
    },
    /// The transactions of our block are free again: put them back into the pool.
    Requeue {
        /// Our block.
        block_hash: B256,
    },
    /// The nonce is free for another landing, but pools may hold our dead transaction: outbid it.
    Release {
        /// The nonce.
        nonce: u64,
        /// The highest fees it was sent with; pools ask for twice as much.
        outbid: Fees,
    },
    /// Tell the engine and the operator.
    Report(Report),
}

/// News for the engine and the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The block landed.
    Landed {
        /// In which L1 block.
        l1_number: u64,
    },
    /// An L1 reorg took the block back; it is sent again.
    TakenBack,
    /// The block landed in a finalised L1 block.
    Final {
        /// In which L1 block.
        l1_number: u64,
    },
    /// Another block landed at this height.
    Lost {
        /// The winner.
        winner: B256,
    },
    /// L1 included the transaction and Hub refused it, though the height is still open.
    Reverted(Reverted),
    /// Fees were raised because L1 did not include the transaction in time.
    Bumped {
        /// The new ones.
        fees: Fees,
    },
    /// Alarm: the transaction is late and the next fees would exceed the operator's cap.
    FeeCapReached {
        /// What would be needed.
        needed: Fees,
        /// [`Policy::cap`](super::Policy::cap).
        cap: Fees,
    },
    /// Alarm: the account cannot pay.
    WalletEmpty,
    /// Alarm: the nonce was used by a transaction that is not ours. Someone else holds the key, or two nodes do.
    Displaced {
        /// The nonce.
        nonce: u64,
    },
    /// A dead transaction of ours was included in place of the one that was to outbid it.
    Overtaken {
        /// The nonce.
        nonce: u64,
    },
    /// The block it was built on did not land.
    Unwound,
    /// An L1 reorg dropped the L1 block that it names.
    OriginGone {
        /// Number of that L1 block.
        origin: u64,
    },
    /// A dead transaction is replaced by a transfer to ourselves.
    Cancelling {
        /// The nonce.
        nonce: u64,
    },
    /// Alarm: the L1 node refuses the transaction for good.
    Refused,
    /// An event that cannot be, given the state: a defect of the caller, without harm.
    Unexpected,
}
