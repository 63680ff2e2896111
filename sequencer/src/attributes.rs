//! What the builder chooses before the first transaction: origin, anchor, time and gas limit (DESIGN §3, §5), and
//! whether a block is worth building at all.
//!
//! Must not know: what is in the block; where L1 facts come from.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes};
use bridge::{
    anchor::{Anchor, MAX_ORIGIN_LAG, prev_randao},
    message::InboxChain,
};
use execution::header::{Attributes, EXTRA_DATA_MAX};

#[cfg(test)]
mod tests;

/// Ethereum's gas limit moves by less than `parent / 1024` a block.
const GAS_LIMIT_BOUND_DIVISOR: u64 = 1_024;

/// The L1 block that an L2 block names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// How far a block looked at L1: what its child may not fall behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Named {
    /// Number of its origin; 0 before the first landing.
    pub origin_number: u64,
    /// Its inbox count.
    pub inbox_count: u64,
}

impl From<&Anchor> for Named {
    fn from(anchor: &Anchor) -> Self {
        Self { origin_number: anchor.origin_number, inbox_count: anchor.inbox_count }
    }
}

/// What the proposer wants of the next block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aim {
    /// L2 chain id.
    pub chain_id: u64,
    /// Seconds, see [`timestamp`]. Hub refuses a block from the future of the L1 block that includes it; in a later slot
    /// it may land all the same.
    pub timestamp: u64,
    /// The L1 origin.
    pub origin: Origin,
    /// Up to where the block may consume the inbox ([`crate::relay::Plan::inbox`]).
    pub inbox: InboxChain,
    /// Gas limit ([`gas_limit`]).
    pub gas_limit: u64,
    /// Who gets the tips.
    pub fee_recipient: Address,
    /// At most 32 bytes.
    pub extra_data: Bytes,
}

/// Why there can be no such block now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttributesError {
    /// Time only moves forward.
    #[error("timestamp {timestamp} is not after the parent's {parent}")]
    TimeStandsStill {
        /// Seconds.
        parent: u64,
        /// Seconds.
        timestamp: u64,
    },
    /// An origin never decreases.
    #[error("origin {origin} is below the parent's {parent}")]
    OriginMovedBack {
        /// L1 number.
        origin: u64,
        /// L1 number.
        parent: u64,
    },
    /// The inbox count never decreases.
    #[error("inbox count {count} is below the parent's {parent}")]
    InboxMovedBack {
        /// Named now.
        count: u64,
        /// Named by the parent.
        parent: u64,
    },
    /// More extra data than a header holds.
    #[error("{0} bytes of extra data, at most {EXTRA_DATA_MAX} fit")]
    ExtraDataTooLong(usize),
    /// The parent has the last number there is.
    #[error("block numbers are used up")]
    NumbersUsedUp,
}

/// Attributes of the child of `parent`, which named `named`, and the anchor it commits to. Everything follows
/// from the arguments, so the same content gives the same header whenever it lands.
pub fn attributes(parent: &Header, named: Named, aim: Aim) -> Result<(Attributes, Anchor), AttributesError> {
    let Aim { chain_id, timestamp, origin, inbox, gas_limit, fee_recipient, extra_data } = aim;
    let number = parent.number.checked_add(1).ok_or(AttributesError::NumbersUsedUp)?;
    if timestamp <= parent.timestamp {
        return Err(AttributesError::TimeStandsStill { parent: parent.timestamp, timestamp });
    }
    if origin.number < named.origin_number {
        return Err(AttributesError::OriginMovedBack { origin: origin.number, parent: named.origin_number });
    }
    if inbox.count < named.inbox_count {
        return Err(AttributesError::InboxMovedBack { count: inbox.count, parent: named.inbox_count });
    }
    if extra_data.len() > EXTRA_DATA_MAX {
        return Err(AttributesError::ExtraDataTooLong(extra_data.len()));
    }
    let anchor = Anchor {
        chain_id,
        origin_number: origin.number,
        origin_hash: origin.hash,
        inbox_count: inbox.count,
        inbox_hash: inbox.hash,
    };
    let attributes = Attributes {
        timestamp,
        fee_recipient,
        prev_randao: prev_randao(origin.hash, number),
        gas_limit,
        parent_beacon_block_root: anchor.hash(),
        extra_data,
        slot_number: number,
    };
    Ok((attributes, anchor))
}

/// Timestamp of the child of a block of time `parent`, so that `room` more blocks have a second each up to `slot_time`, the
/// start of the L1 slot aimed at: Hub takes nothing from the future of an L1 block, and one slot may take several blocks.
/// `None` when the parent is as late as the slot: wait for a later one.
pub fn timestamp(parent: u64, slot_time: u64, room: u64) -> Option<u64> {
    let earliest = parent.checked_add(1)?;
    (earliest <= slot_time).then(|| slot_time.saturating_sub(room).max(earliest))
}

/// Which L1 block to name, if the landing is to be in L1 block `including`: `lag` behind it (between the rollup's
/// `min_origin_lag` and [`MAX_ORIGIN_LAG`]; a larger lag survives deeper L1 reorgs, a smaller one lives longer
/// when the landing is late), but never below the parent's. `None` if the parent's is too new for that L1 block,
/// or there is no such block yet.
pub fn origin_number(including: u64, lag: u64, min_origin_lag: u64, parent_origin: u64) -> Option<u64> {
    let newest = including.checked_sub(min_origin_lag.max(1))?;
    let lag = lag.clamp(min_origin_lag.max(1), MAX_ORIGIN_LAG.max(min_origin_lag));
    let number = including.checked_sub(lag)?.max(parent_origin);
    (number <= newest).then_some(number)
}

/// The rollup's bounds of the gas limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasBounds {
    /// Least.
    pub min: u64,
    /// Greatest.
    pub max: u64,
}

/// Gas limit of the child of a block with `parent_limit`: as near as the 1/1024 rule allows to twice the `demand` (gas
/// of what waits, or of what the parent used, whichever is more), within the bounds.
///
/// EXECUTE charges the limit, not the use, so L1 gas asks for a tight limit. Twice the demand is where EIP-1559's base
/// fee rests: a tighter one would price users out for no reason but that blocks are full. Should the parent lie
/// outside the bounds, the limit moves towards them.
pub fn gas_limit(parent_limit: u64, demand: u64, bounds: GasBounds) -> u64 {
    let wanted = demand.saturating_mul(2).clamp(bounds.min, bounds.max.max(bounds.min));
    let step = (parent_limit / GAS_LIMIT_BOUND_DIVISOR).saturating_sub(1);
    wanted.clamp(parent_limit.saturating_sub(step), parent_limit.saturating_add(step))
}

/// What there is to build for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Pending transactions that pay the base fee.
    pub has_transactions: bool,
    /// Inbox messages that a block may consume.
    pub has_messages: bool,
    /// Timestamp of the parent, seconds.
    pub parent_time: u64,
    /// Start of the L1 slot aimed at, seconds.
    pub slot_time: u64,
}

/// Longest pause between blocks by default, seconds.
pub const MAX_IDLE_DEFAULT: u64 = 600;

impl Need {
    /// Whether a block is worth its L1 gas: something waits, or the heartbeat is due. A heartbeat keeps origin and
    /// anchor fresh for those who prove L1 facts on L2.
    pub const fn is_due(&self, max_idle: u64) -> bool {
        self.has_transactions || self.has_messages || self.is_heartbeat_due(max_idle)
    }

    /// Whether even an empty block is due.
    pub const fn is_heartbeat_due(&self, max_idle: u64) -> bool {
        self.slot_time.saturating_sub(self.parent_time) >= max_idle
    }
}
