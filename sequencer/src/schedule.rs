//! Who may advance the rollup, and when (DESIGN §7): the off-chain twin of Hub's `IProposerSchedule`.

use alloy_primitives::Address;

#[cfg(test)]
mod tests;

/// Who may land blocks in a given L1 slot.
///
/// For implementers: the engine asks before it builds ([`Self::may_advance`] for the slot it aims at) and again
/// before it sends, always with the schedule's own view of L1, which is refreshed outside (an implementation
/// is plain data and does no IO). An answer has to agree with what Hub's schedule contract would say in that
/// slot: a wrong yes costs the gas of a reverted transaction, a wrong no costs the slot. Answers for one slot may
/// change only with an L1 reorg or a newer L1 view; they never depend on the order of questions.
pub trait ProposerSchedule: Send + Sync {
    /// Whether `proposer` may land a block in the L1 block of `slot`.
    fn may_advance(&self, slot: u64, proposer: Address) -> bool;

    /// Whether `slot` belongs to `proposer` alone, so that what it promises about the open block can be kept.
    /// Preconfirmations are given only in such slots.
    fn is_exclusive(&self, slot: u64, proposer: Address) -> bool;
}

/// `OpenSchedule`: anyone, L1 orders. Nobody can promise anything, so `pending` stays local.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Open;

impl ProposerSchedule for Open {
    fn may_advance(&self, _slot: u64, _proposer: Address) -> bool {
        true
    }

    fn is_exclusive(&self, _slot: u64, _proposer: Address) -> bool {
        false
    }
}
