//! Difficulty while blocks were mined (Yellow Paper, section 4.4.4): how it follows from the parent, and how the forks put the "bomb" off.
//!
//! Seals are not checked here or anywhere: nothing says that anybody did the work. A chain of mined blocks is imported because its reader trusts
//! where it came from. Must not know: when the merge was.

#[cfg(test)]
mod tests;

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_hardforks::{EthereumHardfork as Fork, EthereumHardforks};
use alloy_primitives::U256;
use chainspec::ChainSpec;

/// Least difficulty of a block.
pub const DIFFICULTY_MIN: u64 = 131_072;
/// A step of difficulty is this fraction of the parent's.
const STEP_DIVISOR: u64 = 2_048;
/// Most steps down at once (EIP-2).
const STEPS_DOWN_MAX: u64 = 99;
/// The bomb doubles once in so many blocks.
const BOMB_PERIOD: u64 = 100_000;
/// By how many blocks each fork put the bomb off, counted from Frontier: EIP-5133, EIP-4345, EIP-3554, EIP-2384, EIP-1234, EIP-649.
const BOMB_DELAYS: [(Fork, u64); 6] = [
    (Fork::GrayGlacier, 11_400_000),
    (Fork::ArrowGlacier, 10_700_000),
    (Fork::London, 9_700_000),
    (Fork::MuirGlacier, 9_000_000),
    (Fork::Constantinople, 5_000_000),
    (Fork::Byzantium, 3_000_000),
];

/// The difficulty that a child of `parent` with this timestamp (seconds, above the parent's) has to have.
pub(super) fn expected(spec: &ChainSpec, parent: &Header, timestamp: u64) -> U256 {
    let number = parent.number.saturating_add(1);
    let step = parent.difficulty / U256::from(STEP_DIVISOR);
    let passed = timestamp.saturating_sub(parent.timestamp);
    let steps = |up: u64, periods: u64| match up.checked_sub(periods) {
        Some(up) => parent.difficulty.saturating_add(step.saturating_mul(U256::from(up))),
        None => parent.difficulty.saturating_sub(step.saturating_mul(U256::from((periods - up).min(STEPS_DOWN_MAX)))),
    };
    let moved = if spec.is_byzantium_active_at_block(number) {
        // EIP-100: a block with ommers counts for more.
        steps(if parent.ommers_hash == EMPTY_OMMER_ROOT_HASH { 1 } else { 2 }, passed / 9)
    } else if spec.is_homestead_active_at_block(number) {
        steps(1, passed / 10)
    } else {
        steps(1, if passed < 13 { 0 } else { 2 })
    };
    moved.max(U256::from(DIFFICULTY_MIN)).saturating_add(bomb(number.saturating_sub(bomb_delay(spec, number))))
}

/// By how many blocks the bomb is late.
fn bomb_delay(spec: &ChainSpec, number: u64) -> u64 {
    let active = |(fork, _): &&(Fork, u64)| spec.is_ethereum_fork_active_at_block(*fork, number);
    BOMB_DELAYS.iter().find(active).map_or(0, |(_, delay)| *delay)
}

/// 2^(periods - 2), from the second period on.
fn bomb(number: u64) -> U256 {
    match (number / BOMB_PERIOD).checked_sub(2) {
        None => U256::ZERO,
        Some(power) => U256::ONE.checked_shl(usize::try_from(power).unwrap_or(usize::MAX)).unwrap_or(U256::MAX),
    }
}
