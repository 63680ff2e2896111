//! What happens in a world, drawn from its seed: its size, how much is done in it, and its faults with their instants. A plan
//! prints as text, one line a fault.

use super::{library::ArchiveFault, rollup::SEQUENCERS_MAX};
use crate::{
    l1::{BlobFault, Losses},
    seed::{Rng, Seed},
};

/// Most faults of a plan.
const STRIKES_MAX: u64 = 8;

/// Length of a slot, milliseconds.
pub(super) const SLOT_MS: u64 = 12_000;

/// How large a world is, and how busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Machines that build, 1 to [`SEQUENCERS_MAX`].
    pub sequencers: usize,
    /// Machines that only follow.
    pub followers: usize,
    /// L1 endpoints of each machine, its own.
    pub endpoints: usize,
    /// L1 slots until a block is final.
    pub finality_slots: u64,
    /// Slots in which users and faults act.
    pub slots: u64,
    /// Of a hundred landings, how many L1 executes itself.
    pub executed_percent: u64,
    /// L2 transactions in ten slots, about.
    pub transactions: u64,
    /// Messages into the rollup in ten slots, about.
    pub deposits: u64,
    /// Blocks that a machine may have in flight. With more than one, bursts are so large that they fill several.
    pub blocks_per_slot: usize,
    /// Whether each sequencer serves some of L1's validators and waits for the others' servers. Some have none.
    pub has_duties: bool,
    /// Whether followers' endpoints have neither blobs nor the inputs of transactions: only the sequencers' archives do.
    pub has_archives: bool,
}

/// One fault and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strike {
    /// When it begins, milliseconds after slot 0.
    pub at_ms: u64,
    /// How long it lasts, for those that last.
    pub slots: u64,
    /// What.
    pub fault: Fault,
}

/// A machine's L1 endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which machine.
    pub machine: usize,
    /// Which of its endpoints.
    pub endpoint: usize,
}

/// What a crash leaves on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// Everything: only the process died.
    Kept,
    /// What was synced, and the first so many writes after it: power loss.
    Torn {
        /// Writes that were not synced and are there all the same.
        writes: usize,
    },
    /// What was there some slots ago: a backup, put back.
    Older {
        /// Slots.
        slots: u64,
    },
    /// Nothing.
    Empty,
}

/// What can go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// L1 takes blocks back. With `flips`, the old branch returns when the fault ends.
    Reorg {
        /// Blocks.
        depth: u64,
        /// What becomes of their transactions.
        loses: Losses,
        /// Whether the new branch is as long at once.
        rebuild: bool,
        /// Whether the old branch comes back.
        flips: bool,
    },
    /// L1 makes no blocks: missed slots, or a stall.
    NoBlocks,
    /// L1 blocks are full of other people's transactions.
    FullBlocks,
    /// L1 blocks have another gas limit, which may be too low for a landing.
    GasLimit {
        /// Gas.
        gas_limit: u64,
    },
    /// L1 proposers leave out so many of a hundred transactions, and shuffle the others.
    LeaveOut {
        /// 0 to 100.
        percent: u64,
    },
    /// L1 is dear.
    Fees {
        /// Wei per gas.
        base_fee: u64,
        /// Excess blob gas.
        excess_blob_gas: u64,
    },
    /// Nothing becomes final.
    NoFinality,
    /// L1's mempools forget what waits.
    MempoolLoss,
    /// An endpoint is so many blocks late.
    Behind {
        /// Whose.
        at: Place,
        /// Blocks.
        blocks: u64,
    },
    /// An endpoint stays where it is, and keeps to its branch.
    Stuck {
        /// Whose.
        at: Place,
    },
    /// An endpoint does not answer, or only with errors, so often of a hundred.
    Silent {
        /// Whose.
        at: Place,
        /// 0 to 100.
        silent_percent: u64,
        /// 0 to 100.
        error_percent: u64,
    },
    /// An endpoint gives forged headers, receipts or logs, so often of a hundred.
    Lies {
        /// Whose.
        at: Place,
        /// 0 to 100.
        header_percent: u64,
        /// 0 to 100.
        receipts_percent: u64,
        /// 0 to 100.
        logs_percent: u64,
    },
    /// An endpoint has no receipts or transactions, so often of a hundred, and drops what it is sent.
    Forgets {
        /// Whose.
        at: Place,
        /// 0 to 100.
        forgets_percent: u64,
        /// 0 to 100.
        swallow_percent: u64,
    },
    /// Something is wrong with an endpoint's blobs.
    Blobs {
        /// Whose.
        at: Place,
        /// What.
        fault: BlobFault,
    },
    /// A machine's archive gives other bytes, or does not answer.
    Archive {
        /// Whose.
        machine: usize,
        /// What.
        fault: ArchiveFault,
    },
    /// The way between a machine and L1 is long and lossy.
    Line {
        /// Whose.
        machine: usize,
        /// Longest way, milliseconds.
        one_way_ms: u64,
        /// Messages lost, of a hundred.
        loss_percent: u64,
    },
    /// A machine's clock is wrong.
    Clock {
        /// Whose.
        machine: usize,
        /// By how much, milliseconds.
        offset_ms: i64,
    },
    /// A machine stands still.
    Pause {
        /// Which.
        machine: usize,
    },
    /// A machine dies between two steps of its tasks and starts again when the fault ends.
    Crash {
        /// Which.
        machine: usize,
        /// So many polls after the fault's time.
        polls: u64,
        /// What is left.
        disk: Disk,
    },
    /// Users send what no block can take.
    Poison {
        /// To whom.
        machine: usize,
    },
    /// So many good transactions at once.
    Burst {
        /// How many.
        transactions: u64,
    },
}

/// A seed's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What everything else follows from.
    pub seed: Seed,
    /// Size.
    pub shape: Shape,
    /// Faults by time.
    pub strikes: Vec<Strike>,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: Seed) -> Self {
        let mut rng = seed.stream("plan");
        let shape = Shape::draw(&mut rng, &mut seed.stream("lanes"), &mut seed.stream("nodes"));
        let count = rng.within(0..=STRIKES_MAX);
        let mut strikes: Vec<Strike> = Vec::new();
        for _ in 0..count {
            let mut strike = Strike::draw(&mut rng, &shape);
            // Bad things come together, and what is half done when they do is where defects hide.
            if rng.chance(1, 3)
                && let Some(other) = strikes.last()
            {
                strike.at_ms = other.at_ms + rng.within(0..=3_000);
                if let Fault::Crash { polls, .. } = &mut strike.fault {
                    *polls = rng.within(1..=60);
                }
            }
            strikes.push(strike);
        }
        // From a stream of their own, or every seed would have another plan than before they were thought of.
        let mut more = seed.stream("more faults");
        for _ in 0..more.below(3) {
            let fault = Fault::draw_more(&mut more, &shape);
            strikes.push(Strike { fault, ..Strike::draw(&mut more, &shape) });
        }
        strikes.sort_by_key(|strike| strike.at_ms);
        Self { seed, shape, strikes }
    }

    /// The same with these faults only, by their places in the list.
    #[must_use]
    pub fn with_only(&self, kept: &[usize]) -> Self {
        let strikes = kept.iter().filter_map(|at| self.strikes.get(*at).cloned()).collect();
        Self { strikes, ..self.clone() }
    }
}

impl Shape {
    fn draw(rng: &mut Rng, lanes: &mut Rng, nodes: &mut Rng) -> Self {
        let sequencers = usize::try_from(rng.within(1..=SEQUENCERS_MAX as u64)).expect("a few");
        Self {
            sequencers,
            followers: usize::try_from(rng.within(0..=2)).expect("a few"),
            endpoints: usize::try_from(rng.within(1..=3)).expect("a few"),
            finality_slots: *rng.pick(&[4, 8, 16, 32, 70]),
            slots: rng.within(12..=36),
            executed_percent: *rng.pick(&[0, 0, 10, 100]),
            transactions: rng.within(0..=25),
            deposits: rng.within(0..=10),
            blocks_per_slot: *lanes.pick(&[1, 1, 1, 2, 3]),
            has_duties: nodes.chance(1, 3),
            has_archives: nodes.chance(1, 3),
        }
    }

    /// Machines in all.
    pub const fn machines(&self) -> usize {
        self.sequencers + self.followers
    }
}

impl Strike {
    fn draw(rng: &mut Rng, shape: &Shape) -> Self {
        let at_ms = rng.within(3 * SLOT_MS..=shape.slots * SLOT_MS);
        let slots = if rng.chance(1, 5) { rng.within(8..=20) } else { rng.within(1..=6) };
        Self { at_ms, slots, fault: Fault::draw(rng, shape) }
    }

    /// When it is over.
    pub const fn end_ms(&self) -> u64 {
        self.at_ms + self.slots * SLOT_MS
    }
}

impl Fault {
    fn draw(rng: &mut Rng, shape: &Shape) -> Self {
        let index = |rng: &mut Rng, count: usize| usize::try_from(rng.below(count as u64)).expect("below a length");
        let machine = index(rng, shape.machines());
        let at = Place { machine, endpoint: index(rng, shape.endpoints) };
        match rng.below(26) {
            0..=4 => Self::Reorg {
                depth: if rng.chance(1, 4) { rng.within(8..=64) } else { rng.within(1..=4) },
                loses: *rng.pick(&[
                    Losses::Nothing,
                    Losses::Nothing,
                    Losses::Deposits,
                    Losses::Landings,
                    Losses::Some { percent: 50 },
                    Losses::Everything,
                ]),
                rebuild: rng.chance(1, 2),
                flips: rng.chance(1, 3),
            },
            5 => Self::NoBlocks,
            6 => Self::FullBlocks,
            7 => Self::LeaveOut { percent: rng.within(20..=95) },
            8 => Self::Fees {
                base_fee: *rng.pick(&[1, 50_000_000_000, 400_000_000_000, 2_000_000_000_000]),
                excess_blob_gas: *rng.pick(&[0, 200_000_000, 330_000_000]),
            },
            9 => Self::NoFinality,
            10 => Self::MempoolLoss,
            11 => Self::Behind { at, blocks: rng.within(1..=12) },
            12 => Self::Stuck { at },
            13 => {
                Self::Silent { at, silent_percent: *rng.pick(&[0, 20, 100]), error_percent: *rng.pick(&[0, 30, 100]) }
            }
            14 | 15 => Self::Lies {
                at,
                header_percent: *rng.pick(&[0, 20, 100]),
                receipts_percent: *rng.pick(&[0, 20, 100]),
                logs_percent: *rng.pick(&[0, 50, 100]),
            },
            16 => Self::Forgets {
                at,
                forgets_percent: *rng.pick(&[0, 50, 100]),
                swallow_percent: *rng.pick(&[0, 50, 100]),
            },
            17 => Self::Blobs {
                at,
                fault: *rng.pick(&[
                    BlobFault::Missing,
                    BlobFault::Late { slots: 3 },
                    BlobFault::Wrong,
                    BlobFault::Fewer,
                    BlobFault::NoField,
                ]),
            },
            18 => Self::Line { machine, one_way_ms: rng.within(100..=4_000), loss_percent: *rng.pick(&[0, 10, 40]) },
            19 => {
                let step = i64::try_from(rng.within(500..=60_000)).expect("small");
                Self::Clock { machine, offset_ms: if rng.chance(1, 2) { step } else { -step } }
            }
            20 => Self::Pause { machine },
            21..=23 => Self::Crash { machine, polls: rng.within(1..=600), disk: Disk::draw(rng) },
            24 => Self::Poison { machine },
            _ => Self::Burst { transactions: rng.within(10..=80) },
        }
    }
}

impl Fault {
    fn draw_more(rng: &mut Rng, shape: &Shape) -> Self {
        if rng.chance(1, 2) {
            Self::GasLimit { gas_limit: *rng.pick(&[10_000_000, 20_000_000, 36_000_000]) }
        } else {
            let machine = usize::try_from(rng.below(shape.sequencers as u64)).expect("below a length");
            Self::Archive { machine, fault: *rng.pick(&[ArchiveFault::Lies, ArchiveFault::Silent]) }
        }
    }
}

impl Disk {
    fn draw(rng: &mut Rng) -> Self {
        match rng.below(8) {
            0..=3 => Self::Kept,
            4 | 5 => Self::Torn { writes: usize::try_from(rng.below(20)).expect("small") },
            6 => Self::Older { slots: rng.within(1..=10) },
            _ => Self::Empty,
        }
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "seed {}: {:?}", self.seed.0, self.shape)?;
        for (at, strike) in self.strikes.iter().enumerate() {
            writeln!(f, "  {at}: {strike}")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Strike {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (slot, ms) = (self.at_ms / SLOT_MS, self.at_ms % SLOT_MS);
        write!(f, "slot {slot} + {ms} ms, for {} slots: {:?}", self.slots, self.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_has_one_plan_and_seeds_together_have_every_kind_of_fault() {
        assert_eq!(Plan::of(Seed(7)), Plan::of(Seed(7)));
        let kind = |strike: Strike| format!("{:?}", strike.fault).split([' ', '{']).next().unwrap().to_owned();
        let kinds: BTreeSet<String> = (0..400).flat_map(|seed| Plan::of(Seed(seed)).strikes).map(kind).collect();
        assert_eq!(kinds.len(), 21, "{kinds:?}");
    }

    #[test]
    fn a_plan_without_some_faults_keeps_the_others_and_prints_them() {
        let plan = (0..).map(|seed| Plan::of(Seed(seed))).find(|plan| plan.strikes.len() == 3).unwrap();
        let fewer = plan.with_only(&[0, 2, 9]);
        assert_eq!(fewer.strikes, [plan.strikes[0].clone(), plan.strikes[2].clone()]);
        assert_eq!(fewer.to_string().lines().count(), 3);
    }
}
