//! What a lane is told, and what it asks for: plain data.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use super::{Fees, Height, KEPT_L1_BLOCKS, LandingEffect, Market, Report, Slot};
use crate::landing::SendFailure;

/// A sealed block, as far as its landing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// L2 chain id. Records of lanes that served one rollup lack it: it is that of the landing.
    #[serde(default)]
    pub chain_id: u64,
    /// L2 block number.
    pub number: u64,
    /// L2 block hash.
    pub hash: B256,
    /// Its parent's.
    pub parent_hash: B256,
    /// Its timestamp, seconds: no L1 block before that takes it.
    pub timestamp: u64,
    /// Number of the L1 block that it names: when L1 drops that, the block can never land.
    pub origin: u64,
    /// How far into the inbox it consumes.
    pub inbox_count: u64,
    /// Gas limit of the L1 transaction.
    pub gas_limit: u64,
    /// The errand that puts messages into the inbox which the block consumes already: without it the block can't land.
    #[serde(default)]
    pub after: Option<B256>,
}

/// A transaction between landings that lands no block: a call of Hub, as far as its nonce goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// Its name; no two are alike.
    pub id: B256,
    /// The block, or the errand, on its way without which it can't do its work.
    pub after: Option<B256>,
    /// Gas limit of the L1 transaction.
    pub gas_limit: u64,
}

/// L1 as it stands when a block is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Number of the L1 head.
    pub l1_number: u64,
    /// The account's next nonce there.
    pub account_nonce: u64,
    /// What L1 charges in the next block.
    pub market: Market,
}

/// An L2 block on the landed chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// A new L1 head, as the node of one rollup has it. All facts are of this one canonical chain, and the receipts in its blocks
/// of that rollup's landings, and of what belongs to none, are delivered before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// L2 chain id of the rollup.
    pub chain_id: u64,
    /// Its number.
    pub number: u64,
    /// Number of the last finalised L1 block.
    pub finalized: u64,
    /// Nonce of our account after this block.
    pub account_nonce: u64,
    /// What L1 charges in the next block.
    pub market: Market,
    /// The highest block that landed.
    pub landed: Place,
    /// By L2 number, for every landing of this rollup at or below `landed`: which block landed, in which L1 block.
    pub heights: BTreeMap<u64, (B256, u64)>,
}

/// What of a head is true of the account, whichever rollup it is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) number: u64,
    pub(super) finalized: u64,
    pub(super) account_nonce: u64,
    pub(super) market: Market,
}

impl Facts {
    pub(super) fn of(head: &Head) -> Self {
        let Head { number, account_nonce, market, .. } = *head;
        // Final or not, what is so deep is no longer kept ready.
        let finalized = head.finalized.max(number.saturating_sub(KEPT_L1_BLOCKS));
        Self { number, finalized, account_nonce, market }
    }
}

impl Head {
    /// What Hub says about the height of `block`.
    pub(super) fn height(&self, block: &Block) -> Height {
        match self.heights.get(&block.number) {
            Some((hash, l1_number)) if *hash == block.hash => Height::Ours { l1_number: *l1_number },
            Some((hash, l1_number)) => Height::Other { block_hash: *hash, l1_number: *l1_number },
            // Another block where our parent should be: ours can't land on top of it.
            None if block.number == self.landed.number + 1 && block.parent_hash != self.landed.hash => {
                Height::Other { block_hash: self.landed.hash, l1_number: self.number }
            }
            None => Height::Open,
        }
    }
}

/// What happened. Where there is a nonce, it names the slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A block is sealed, checked and stored: land it. It is the child of its rollup's newest block on its way, if there is one.
    Sealed {
        /// The block.
        block: Block,
        /// L1 at this moment.
        view: View,
    },
    /// Run an errand, whose content is stored.
    Errand {
        /// The errand.
        errand: Errand,
        /// L1 at this moment.
        view: View,
    },
    /// An L1 node took the transaction of the last [`Effect::Send`] with this nonce.
    Sent {
        /// Nonce.
        nonce: u64,
        /// Its hash.
        hash: B256,
    },
    /// An L1 node did not take it.
    SendFailed {
        /// Nonce.
        nonce: u64,
        /// Why.
        why: SendFailure,
    },
    /// L1 included one of our transactions.
    Receipt {
        /// Nonce.
        nonce: u64,
        /// Which one.
        hash: B256,
        /// In which L1 block.
        l1_number: u64,
        /// Whether it did not do what it was sent for.
        reverted: bool,
    },
    /// L1 has a new head.
    L1Head(Head),
    /// L1 dropped all blocks above this number, as the node of one rollup has heard; a new [`Event::L1Head`] follows.
    Reorged {
        /// L2 chain id of the rollup.
        chain_id: u64,
        /// The last common block.
        to: u64,
    },
    /// No block is sealed any more before the next L1 slot.
    Quiet,
}

/// What a transaction is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// `Hub.advance` with this block.
    Advance {
        /// L2 chain id.
        chain_id: u64,
        /// L2 block number.
        number: u64,
        /// L2 block hash.
        block_hash: B256,
        /// Whether it counts on an errand before it ([`Block::after`]).
        is_bundled: bool,
    },
    /// An errand.
    Errand {
        /// Which.
        id: B256,
    },
    /// Nothing but take the nonce: a transfer of nothing to ourselves with one empty blob, because pools replace a blob
    /// transaction only by another one.
    Cancel,
}

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write these slots (`None`: remove) in one atomic batch and fsync, *before* anything behind it in the list.
    Persist(Vec<(u64, Option<Slot>)>),
    /// Build (or build again, byte for byte), sign and send, if [`Lane::is_wanted`](super::Lane::is_wanted) says so still.
    Send {
        /// L1 nonce.
        nonce: u64,
        /// What it carries.
        what: What,
        /// Gas limit.
        gas_limit: u64,
        /// Fees.
        fees: Fees,
        /// How many transactions with lower fees, this nonce and this content came before.
        replaces: usize,
    },
    /// The transactions of this block are free again: put them back into the pool. A block's come before its child's.
    Requeue {
        /// L2 chain id.
        chain_id: u64,
        /// Our block.
        block_hash: B256,
    },
    /// Tell the operator.
    Report {
        /// About which transaction.
        what: What,
        /// What.
        report: Report,
    },
}

/// A machine's effect as the lane's. What is written, freed and released the lane sees from the machine's state.
pub(super) fn outward(nonce: u64, what: What, effect: LandingEffect) -> Option<Effect> {
    match (effect, what) {
        (LandingEffect::Send { nonce: of, gas_limit, fees, replaces }, _) => {
            debug_assert_eq!(of, nonce, "a machine keeps its nonce");
            Some(Effect::Send { nonce, what, gas_limit, fees, replaces })
        }
        (LandingEffect::Report(report), What::Advance { .. } | What::Errand { .. }) => {
            Some(Effect::Report { what, report })
        }
        // That a cancelling transaction did its work is no news; that it can't be paid for is.
        (
            LandingEffect::Report(
                report @ (Report::FeeCapReached { .. } | Report::WalletEmpty | Report::Refused | Report::Bumped { .. }),
            ),
            What::Cancel,
        ) => Some(Effect::Report { what, report }),
        (LandingEffect::Report(_), What::Cancel)
        | (LandingEffect::Persist(_) | LandingEffect::Requeue { .. } | LandingEffect::Release { .. }, _) => None,
    }
}
