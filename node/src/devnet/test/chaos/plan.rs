//! The faults of one run, all from one seed. Pure: what happens between two faults is the machine's.

use alloy_primitives::keccak256;

/// Longest wait before a kill, milliseconds: long enough for a node to be at anything.
const KILL_PAUSE_MS: u64 = 6_000;

/// Longest wait before and after a reorg, in L1 slots.
const REORG_PAUSE_SLOTS: u64 = 4;

/// Numbers that follow from a seed.
#[derive(Debug, Clone)]
struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    /// 0 to `sides - 1`.
    fn throw(&mut self, sides: u64) -> u64 {
        let hash = keccak256([self.seed.to_be_bytes(), self.thrown.to_be_bytes()].concat());
        self.thrown += 1;
        u64::from_be_bytes(*hash.first_chunk().expect("32 bytes")) % sides.max(1)
    }
}

/// `kill -9`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kill {
    /// Place among the L2 nodes.
    pub(super) victim: usize,
    /// Wait before it, milliseconds.
    pub(super) pause_ms: u64,
}

/// A reorg of L1 with a deposit before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reorg {
    /// Wait between the deposit and the reorg, milliseconds.
    pub(super) pause_ms: u64,
    /// L1 blocks that are replaced, 1 or more.
    pub(super) depth: u64,
    /// Whether their transactions are gone as if never sent.
    pub(super) drop: bool,
    /// Whether a deposit that is gone is sent again.
    pub(super) resend: bool,
    /// Wait after it, milliseconds.
    pub(super) settle_ms: u64,
}

/// All faults in their order: first the kills, then the reorgs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) kills: Vec<Kill>,
    pub(super) reorgs: Vec<Reorg>,
}

/// How many faults there are to be, and of what size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) kills: usize,
    /// L2 nodes that may be killed.
    pub(super) nodes: usize,
    pub(super) reorgs: usize,
    pub(super) depth_max: u64,
    pub(super) slot_ms: u64,
}

impl Plan {
    pub(super) fn new(seed: u64, scale: Scale) -> Self {
        let mut dice = Dice { seed, thrown: 0 };
        // Each node is killed as often as the others; when is what the dice say.
        let kills =
            (0..scale.kills).map(|index| Kill { victim: index % scale.nodes, pause_ms: dice.throw(KILL_PAUSE_MS) });
        let kills = kills.collect();
        let pause = |dice: &mut Dice| dice.throw(REORG_PAUSE_SLOTS * scale.slot_ms);
        let reorgs = (0..scale.reorgs).map(|_| Reorg {
            pause_ms: pause(&mut dice),
            depth: 1 + dice.throw(scale.depth_max),
            drop: dice.throw(3) == 0,
            resend: dice.throw(2) == 0,
            settle_ms: pause(&mut dice),
        });
        Self { kills, reorgs: reorgs.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale = Scale { kills: 30, nodes: 3, reorgs: 50, depth_max: 32, slot_ms: 1_000 };

    #[test]
    fn a_seed_gives_the_same_faults_again_and_another_seed_others() {
        assert_eq!(Plan::new(7, SCALE), Plan::new(7, SCALE));
        assert_ne!(Plan::new(7, SCALE), Plan::new(8, SCALE));
    }

    #[test]
    fn every_node_is_killed_and_reorgs_have_all_depths_and_kinds() {
        let plan = Plan::new(1, SCALE);
        for victim in 0..3 {
            assert_eq!(plan.kills.iter().filter(|kill| kill.victim == victim).count(), 10);
        }
        assert!(plan.reorgs.iter().all(|reorg| (1..=32).contains(&reorg.depth)));
        assert!(plan.reorgs.iter().any(|reorg| reorg.depth > 24) && plan.reorgs.iter().any(|reorg| reorg.depth < 8));
        for (drop, resend) in [(false, false), (true, false), (true, true)] {
            assert!(plan.reorgs.iter().any(|reorg| (reorg.drop, reorg.resend) == (drop, resend)), "{drop} {resend}");
        }
    }
}
