//! Who may advance the rollup, and when (DESIGN §7): the off-chain twin of Hub's `IProposerSchedule`.

use alloy_primitives::{Address, B256, keccak256};
use std::collections::BTreeSet;

mod duties;
#[cfg(test)]
mod tests;

pub use duties::{ByDuties, DutiesError, EpochDuties, SLOTS_PER_EPOCH_MAX, Served, ServedError, Slots};

/// Who may land blocks in a given L1 slot.
///
/// For implementers: the sequencer asks before it builds ([`Self::may_advance`] for the slot it aims at) and again
/// before it sends, always with the schedule's own view of L1, which is refreshed outside (an implementation
/// is plain data and does no IO). An answer has to agree with what Hub's schedule contract would say in that
/// slot: a wrong yes costs the gas of a reverted transaction, a wrong no costs the slot. Answers for one slot may
/// change only with an L1 reorg, a newer L1 view or a longer wait; they never depend on the order of questions.
pub trait ProposerSchedule: Send + Sync {
    /// Whether `proposer`, who has something to land, may land it in the L1 block of the slot that begins at `slot_time`
    /// (seconds).
    fn may_advance(&self, slot_time: u64, proposer: Address, wait: Wait) -> bool;

    /// Whether that slot belongs to `proposer` alone, so that what it promises about the open block can be kept.
    /// Preconfirmations are given only in such slots.
    fn is_exclusive(&self, slot_time: u64, proposer: Address) -> bool;
}

/// How long a proposer has waited for others to land a block, and who else may be waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wait {
    /// L1 slots in which something waited for a block and none landed.
    pub silent: u64,
    /// Place among those who wait, 0 for the first ([`place`]).
    pub place: u64,
}

/// `OpenSchedule`: anyone, L1 orders. Nobody can promise anything, so `pending` stays local.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Open;

impl ProposerSchedule for Open {
    fn may_advance(&self, _slot_time: u64, _proposer: Address, _wait: Wait) -> bool {
        true
    }

    fn is_exclusive(&self, _slot_time: u64, _proposer: Address) -> bool {
        false
    }
}

/// The place of `own` among those who wait to land on `parent`, as far as they are known by what they landed lately. Everyone
/// with the same chain gets another place, and another one on the next parent.
pub fn place(parent: B256, own: Address, recent: &BTreeSet<Address>) -> u64 {
    let rank = |address: &Address| (keccak256([parent.as_slice(), address.as_slice()].concat()), *address);
    let before = recent.iter().filter(|address| **address != own && rank(address) < rank(&own));
    before.count() as u64
}

/// Since when something waits for a block on one parent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Silence(Option<(B256, u64)>);

impl Silence {
    /// Something waits for a block on `parent` in the slot that begins at `slot_time` (seconds): how many slots of `slot_ms`
    /// have gone by like that. A block that lands is another parent, and the count begins anew.
    pub fn slots(&mut self, parent: B256, slot_time: u64, slot_ms: u64) -> u64 {
        let since = match self.0 {
            Some((known, since)) if known == parent => since.min(slot_time),
            _ => slot_time,
        };
        self.0 = Some((parent, since));
        (slot_time - since).saturating_mul(1_000) / slot_ms.max(1)
    }

    /// Nothing waits.
    pub const fn end(&mut self) {
        self.0 = None;
    }
}
