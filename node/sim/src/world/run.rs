//! One world from its plan: what happens when, who is on, and how a fault begins and ends.

use super::{
    check::{Checker, Violation},
    library::Shelf,
    machine::{Machine, Stage},
    plan::{Disk, Fault, Place, Plan, SLOT_MS, Strike},
    rollup::{self, L1Shape, Rollup},
    settle,
    users::Users,
};
use crate::{
    executor::{self, Executor, Group, Stop},
    l1::{BlobFault, Execution, Faults, L1, Mine, Reorg, Sight},
    seed::Rng,
    wire::Latency,
};
use alloy_primitives::B256;
use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
};
use storage::Memory;

/// A node that could not start is started again after so long, milliseconds: as systemd would.
const RESTART_MS: u64 = 5_000;

/// A burst that shall fill blocks is so many times as large: a block holds somewhat over a hundred transfers to new accounts.
const FULL_BURST: u64 = 5;

/// Slots whose disks are remembered as backups.
const BACKUPS: usize = 12;

/// Every so often the world is looked at although nothing was done to it, milliseconds.
const LOOK_MS: u64 = 3_000;

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Hash of everything that happened.
    pub trace: u64,
    /// Polls.
    pub polls: u64,
    /// Slots, with those that it took to settle.
    pub slots: u64,
    /// Slots that it took to settle.
    pub settled_in: u64,
    /// L2 blocks on L1 at the end.
    pub landed: u64,
    /// L2 transactions that users signed.
    pub transactions: usize,
    /// Messages into the rollup on L1 at the end.
    pub messages: usize,
    /// Landings that L1 included and Hub refused.
    pub reverted: usize,
}

/// A run that broke a promise.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Which promise.
    pub violation: Violation,
    /// When, milliseconds after slot 0.
    pub at_ms: u64,
    /// What the executor did last.
    pub recent: Vec<String>,
}

/// Something that the world does.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Slot(u64),
    Begin(usize),
    End(usize),
    PowerOn(usize),
    Transact,
    Deposit,
    Resend,
    Look,
}

/// A crash that was ordered and has not come yet.
#[derive(Clone, Copy, Debug)]
struct Fuse {
    disk: Disk,
    up_ms: u64,
}

/// Everything there is.
pub struct World {
    /// What is to happen.
    pub plan: Plan,
    /// Time and tasks.
    pub executor: Executor,
    /// The L1.
    pub l1: L1,
    /// The rollup.
    pub rollup: Rollup,
    /// Everyone's computers, sequencers first.
    pub machines: Vec<Machine>,
    /// Everyone else.
    pub users: Users,
    rng: Rng,
    timeline: BTreeMap<(u64, u64), Happening>,
    sequence: u64,
    start_ms: u64,
    slot: u64,
    active: BTreeMap<usize, Option<B256>>,
    fuses: BTreeMap<usize, Fuse>,
    backups: Vec<VecDeque<Memory>>,
    fees_were_forced: bool,
}

/// Runs a plan from its first slot until everything has settled, and checks it all the way.
///
/// # Errors
/// The first promise that is broken.
pub fn run(plan: &Plan) -> Result<Report, Box<Failed>> {
    let mut world = World::new(plan);
    let mut checker = Checker::default();
    // A panic of the world itself must name its seed like every other failure.
    let all = AssertUnwindSafe(|| world.act(&mut checker).and_then(|()| settle::settle(&mut world, &mut checker)));
    let outcome = catch_unwind(all).unwrap_or_else(|panic| Err(Violation::World(executor::message(&*panic))));
    outcome.map_err(|violation| {
        let (at_ms, recent) = (world.now_ms(), world.executor.recent());
        Box::new(Failed { violation, at_ms, recent })
    })
}

impl World {
    /// A world at slot 1, with the rollup registered and every machine about to be switched on.
    pub fn new(plan: &Plan) -> Self {
        let executor = Executor::new(plan.seed, executor::Config::default());
        let start_ms = executor.now_ms();
        let percent = plan.shape.executed_percent;
        let l1_shape = L1Shape { finality_slots: plan.shape.finality_slots, execution: Execution::Sampled { percent } };
        let (rollup, l1) = Rollup::registered(plan.seed, l1_shape);
        let mut machines: Vec<Machine> = (0..plan.shape.machines())
            .map(|at| {
                let endpoints = (0..plan.shape.endpoints).map(|_| l1.endpoint()).collect();
                let is_sequencer = at < plan.shape.sequencers;
                let name = if is_sequencer { format!("sequencer{at}") } else { format!("follower{at}") };
                let mut machine = Machine::new(name, endpoints, is_sequencer.then(|| rollup::sequencer(at)));
                machine.blocks_per_slot = plan.shape.blocks_per_slot;
                if is_sequencer && plan.shape.has_duties {
                    machine.duties = Some(rollup::duties(at, plan.shape.sequencers));
                }
                machine
            })
            .collect();
        let shelves: Vec<Shelf> = machines.iter().map(|machine| machine.shelf.clone()).collect();
        for machine in machines.iter_mut().filter(|_| plan.shape.has_archives) {
            machine.archives = shelves[..plan.shape.sequencers].to_vec();
            machine.archives.retain(|shelf| shelf.name() != machine.name);
        }
        let backups = machines.iter().map(|_| VecDeque::new()).collect();
        let mut world = Self {
            users: Users::new(plan.seed.stream("users")),
            rng: plan.seed.stream("world"),
            plan: plan.clone(),
            executor,
            l1,
            rollup,
            machines,
            timeline: BTreeMap::new(),
            sequence: 0,
            start_ms,
            slot: 1,
            active: BTreeMap::new(),
            fuses: BTreeMap::new(),
            backups,
            fees_were_forced: false,
        };
        for machine in 0..world.machines.len() {
            (0..plan.shape.endpoints).for_each(|endpoint| world.set_endpoint(Place { machine, endpoint }));
        }
        world.schedule();
        world
    }

    /// Milliseconds after slot 0.
    pub fn now_ms(&self) -> u64 {
        self.executor.now_ms() - self.start_ms
    }

    /// The last slot that was reached, with a block or without.
    pub const fn slot(&self) -> u64 {
        self.slot
    }

    fn schedule(&mut self) {
        let end_ms = self.plan.shape.slots * SLOT_MS;
        self.at(2 * SLOT_MS, Happening::Slot(2));
        for at in 0..self.machines.len() {
            let ms = SLOT_MS + self.rng.within(1..=2 * SLOT_MS);
            self.at(ms, Happening::PowerOn(at));
        }
        for (at, strike) in self.plan.strikes.clone().iter().enumerate() {
            self.at(strike.at_ms, Happening::Begin(at));
            self.at(strike.end_ms().min(end_ms), Happening::End(at));
        }
        let (transactions, deposits) = (self.plan.shape.transactions, self.plan.shape.deposits);
        let slots = self.plan.shape.slots;
        for _ in 0..transactions * slots / 10 {
            let ms = self.rng.within(3 * SLOT_MS..=end_ms);
            self.at(ms, Happening::Transact);
        }
        for _ in 0..deposits * slots / 10 {
            let ms = self.rng.within(3 * SLOT_MS..=end_ms);
            self.at(ms, Happening::Deposit);
        }
        for slot in (4..slots).step_by(2) {
            self.at(slot * SLOT_MS + SLOT_MS / 2, Happening::Resend);
        }
        for ms in (SLOT_MS..end_ms).step_by(usize::try_from(LOOK_MS).expect("small")) {
            self.at(ms + 1_500, Happening::Look);
        }
    }

    fn at(&mut self, ms: u64, happening: Happening) {
        self.sequence += 1;
        self.timeline.insert((ms, self.sequence), happening);
    }

    /// Everything that was planned.
    pub(super) fn act(&mut self, checker: &mut Checker) -> Result<(), Violation> {
        while let Some(((ms, _), happening)) = self.timeline.pop_first() {
            self.run_to(ms)?;
            tracing::debug!(?happening, "world");
            self.happen(happening)?;
            self.supervise();
            checker.check(self)?;
            if matches!(happening, Happening::Slot(slot) if slot >= self.plan.shape.slots) {
                break;
            }
        }
        self.calm();
        Ok(())
    }

    /// Lets time pass up to `ms` after slot 0.
    pub(super) fn run_to(&mut self, ms: u64) -> Result<(), Violation> {
        loop {
            match self.executor.run_until(self.start_ms + ms)? {
                Stop::Done => return Ok(()),
                Stop::Killed(group) => self.crashed(group),
            }
        }
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Violation> {
        match happening {
            Happening::Slot(slot) => {
                self.mine(slot);
                self.at((slot + 1) * SLOT_MS, Happening::Slot(slot + 1));
            }
            Happening::Begin(at) => self.begin(at),
            Happening::End(at) => self.end(at),
            Happening::PowerOn(at) => self.power_on(at)?,
            Happening::Transact => self.users.transact(&self.machines),
            Happening::Deposit => self.users.deposit(&self.l1, self.rollup.spec.chain_id),
            Happening::Resend => self.users.resend(&self.machines),
            Happening::Look => {}
        }
        Ok(())
    }

    /// The block of `slot`, or none when L1 misses it.
    pub(super) fn mine(&mut self, slot: u64) {
        self.slot = slot;
        for (machine, backups) in self.machines.iter().zip(&mut self.backups) {
            backups.push_back(machine.disk.crash_keeping(usize::MAX));
            if backups.len() > BACKUPS {
                backups.pop_front();
            }
        }
        let mut mine = Mine::default();
        for fault in self.active.keys().map(|at| &self.plan.strikes[*at].fault) {
            match fault {
                Fault::NoBlocks => return,
                Fault::FullBlocks => (mine.others_gas, mine.others_blobs) = (59_000_000, 20),
                Fault::GasLimit { gas_limit } => mine.gas_limit = Some(*gas_limit),
                Fault::LeaveOut { percent } => (mine.left_out_percent, mine.shuffle) = (*percent, true),
                Fault::Fees { base_fee, excess_blob_gas } => {
                    (mine.base_fee, mine.excess_blob_gas) = (Some(*base_fee), Some(*excess_blob_gas));
                }
                _ => {}
            }
        }
        if mine.base_fee.is_none() && std::mem::take(&mut self.fees_were_forced) {
            // A spike ends as suddenly as it came, or it would outlast every run.
            (mine.base_fee, mine.excess_blob_gas) = (Some(1_000_000_000), Some(0));
        }
        self.l1.mine(slot, &mine).expect("slots are mined in their order");
        self.executor.record(self.l1.head().hash.as_slice());
    }

    fn begin(&mut self, at: usize) {
        self.active.insert(at, None);
        let Strike { fault, .. } = self.plan.strikes[at].clone();
        match fault {
            Fault::Reorg { depth, loses, rebuild, flips } => {
                let head = self.l1.head();
                // The registration stays, and what is final.
                let depth = depth.min(head.number - 1).min(head.number - self.l1.finalised().number);
                if depth > 0 {
                    let reorg = Reorg { depth, loses, rebuild, mine: Mine { shuffle: true, ..Mine::default() } };
                    self.l1.reorg(&reorg).expect("it is above what is final");
                    self.active.insert(at, flips.then_some(head.hash));
                }
            }
            Fault::NoFinality => self.l1.stop_finality(true),
            Fault::MempoolLoss => {
                for hash in self.l1.waiting() {
                    self.l1.lose(hash);
                }
            }
            Fault::Line { machine, one_way_ms, loss_percent } => {
                let latency = Latency { one_way_ms: 1..=one_way_ms, loss_percent, ..Latency::default() };
                self.machines[machine].line.set(latency);
            }
            Fault::Clock { machine, offset_ms } => self.machines[machine].set_clock(&self.executor, offset_ms),
            Fault::Pause { machine } => {
                if let Some(group) = self.machines[machine].group() {
                    self.executor.pause(group);
                }
            }
            Fault::Crash { machine, polls, disk } => {
                if let Some(group) = self.machines[machine].group() {
                    let up_ms = self.plan.strikes[at].end_ms();
                    self.fuses.insert(machine, Fuse { disk, up_ms });
                    self.executor.kill_after(group, polls);
                }
            }
            Fault::Poison { machine } => {
                if let Some(running) = self.machines[machine].running() {
                    self.users.poison(&running);
                }
            }
            Fault::Burst { transactions } => {
                if self.plan.shape.blocks_per_slot > 1 {
                    self.users.burst(&self.machines, transactions * FULL_BURST);
                } else {
                    (0..transactions).for_each(|_| self.users.transact(&self.machines));
                }
            }
            Fault::Fees { .. } => self.fees_were_forced = true,
            Fault::Archive { machine, fault } => self.machines[machine].shelf.set_fault(Some(fault)),
            Fault::NoBlocks | Fault::FullBlocks | Fault::GasLimit { .. } | Fault::LeaveOut { .. } => {}
            Fault::Behind { at, .. }
            | Fault::Stuck { at }
            | Fault::Silent { at, .. }
            | Fault::Lies { at, .. }
            | Fault::Forgets { at, .. }
            | Fault::Blobs { at, .. } => self.set_endpoint(at),
        }
    }

    fn end(&mut self, at: usize) {
        let Some(left) = self.active.remove(&at) else { return };
        match self.plan.strikes[at].fault.clone() {
            Fault::Reorg { .. } => {
                if let Some(branch) = left {
                    // What has become final since stays: then the branch is gone for good.
                    let _ = self.l1.switch_to(branch);
                }
            }
            Fault::NoFinality => self.l1.stop_finality(self.is_active(|fault| matches!(fault, Fault::NoFinality))),
            Fault::Line { machine, .. } => self.machines[machine].line.set(Latency::default()),
            Fault::Clock { machine, .. } => self.machines[machine].set_clock(&self.executor, 0),
            Fault::Pause { machine } => {
                if let Some(group) = self.machines[machine].group() {
                    self.executor.resume(group);
                }
            }
            Fault::Crash { machine, .. } => {
                if let (true, Some(group)) = (self.fuses.contains_key(&machine), self.machines[machine].group()) {
                    // It did not take as many steps as it was given.
                    self.machines[machine].kill(&self.executor);
                    self.crashed(group);
                }
            }
            Fault::Archive { machine, .. } => self.machines[machine].shelf.set_fault(None),
            Fault::Behind { at, .. }
            | Fault::Stuck { at }
            | Fault::Silent { at, .. }
            | Fault::Lies { at, .. }
            | Fault::Forgets { at, .. }
            | Fault::Blobs { at, .. } => self.set_endpoint(at),
            Fault::Fees { .. }
            | Fault::MempoolLoss
            | Fault::NoBlocks
            | Fault::FullBlocks
            | Fault::GasLimit { .. }
            | Fault::LeaveOut { .. }
            | Fault::Poison { .. }
            | Fault::Burst { .. } => {}
        }
    }

    fn is_active(&self, is_it: impl Fn(&Fault) -> bool) -> bool {
        self.active.keys().any(|at| is_it(&self.plan.strikes[*at].fault))
    }

    /// Whether the machine is made to stand still.
    pub(super) fn is_paused(&self, at: usize) -> bool {
        self.is_active(|fault| matches!(fault, Fault::Pause { machine } if *machine == at))
    }

    /// Whether a head that landed in the L1 block `l1` may be left: that block is off the chain, or was within memory, or
    /// an endpoint shows another chain.
    pub(super) fn had_cause(&self, l1: B256) -> bool {
        let shows_another = |fault: &Fault| matches!(fault, Fault::Stuck { .. });
        !self.l1.is_canonical(l1)
            || self.l1.was_left(l1)
            || self.plan.strikes.iter().any(|strike| shows_another(&strike.fault))
    }

    /// All faults that strike an endpoint now, together.
    fn set_endpoint(&self, place: Place) {
        let is_sequencer = self.machines[place.machine].is_sequencer();
        let mut faults = if is_sequencer { Faults::default() } else { self.followers_endpoint() };
        for fault in self.active.keys().map(|at| &self.plan.strikes[*at].fault) {
            match fault {
                Fault::Behind { at, blocks } if *at == place => faults.sight = Sight::Behind { blocks: *blocks },
                Fault::Stuck { at } if *at == place => faults.sight = Sight::EndsAt(self.l1.head().hash),
                Fault::Silent { at, silent_percent, error_percent } if *at == place => {
                    (faults.silent_percent, faults.error_percent) = (*silent_percent, *error_percent);
                }
                Fault::Lies { at, header_percent, receipts_percent, logs_percent } if *at == place => {
                    faults.header_percent = *header_percent;
                    faults.receipts_percent = *receipts_percent;
                    faults.logs_percent = *logs_percent;
                }
                Fault::Forgets { at, forgets_percent, swallow_percent } if *at == place => {
                    (faults.forgets_percent, faults.swallow_percent) = (*forgets_percent, *swallow_percent);
                }
                Fault::Blobs { at, fault } if *at == place && is_sequencer => {
                    (faults.blobs, faults.blobs_percent) = (*fault, 100);
                }
                _ => {}
            }
        }
        self.l1.set_faults(self.machines[place.machine].endpoints[place.endpoint], faults);
    }

    /// What is wrong with the endpoints of a machine that only follows, whatever happens.
    pub(super) fn followers_endpoint(&self) -> Faults {
        if !self.plan.shape.has_archives {
            return Faults::default();
        }
        Faults { hides_inputs: true, blobs: BlobFault::Missing, blobs_percent: 100, ..Faults::default() }
    }

    /// The group died of its fuse: its disk becomes what the plan says, and it will be back.
    fn crashed(&mut self, group: Group) {
        let Some(at) = self.machines.iter().position(|machine| machine.last_group() == Some(group)) else { return };
        let Some(Fuse { disk, up_ms }) = self.fuses.remove(&at) else { return };
        let (machine, backups) = (&mut self.machines[at], &self.backups[at]);
        machine.kill(&self.executor);
        match disk {
            Disk::Kept => {}
            Disk::Torn { writes } => machine.replace_disk(machine.disk.crash_keeping(writes)),
            Disk::Older { slots } => {
                let back = usize::try_from(slots).expect("small").min(backups.len() - 1);
                machine.replace_disk(backups[backups.len() - 1 - back].clone());
            }
            Disk::Empty => machine.replace_disk(Memory::new()),
        }
        let now_ms = self.now_ms();
        self.at(up_ms.clamp(now_ms + 1, now_ms + 20 * SLOT_MS), Happening::PowerOn(at));
    }

    fn power_on(&mut self, at: usize) -> Result<(), Violation> {
        if self.machines[at].group().is_some() {
            return Ok(());
        }
        self.machines[at].start(&self.executor, &self.l1, &self.rollup)?;
        Ok(())
    }

    /// Nodes that could not start are started again in a moment.
    pub(super) fn supervise(&mut self) {
        for at in 0..self.machines.len() {
            if let Some(Stage::Refused(why)) = self.machines[at].stage() {
                tracing::debug!(machine = self.machines[at].name, why, "does not start");
                self.machines[at].kill(&self.executor);
                let ms = self.now_ms() + RESTART_MS;
                self.at(ms, Happening::PowerOn(at));
            }
        }
    }

    /// All faults end, and every machine is on or comes on.
    fn calm(&mut self) {
        for at in self.active.keys().copied().collect::<Vec<_>>() {
            self.end(at);
        }
        self.timeline.retain(|_, happening| matches!(happening, Happening::PowerOn(_)));
    }

    /// In calm weather: what is still to come up, up to `ms`.
    pub(super) fn come_up(&mut self, ms: u64) -> Result<(), Violation> {
        while let Some(entry) = self.timeline.first_entry().filter(|entry| entry.key().0 <= ms) {
            let ((at_ms, _), happening) = entry.remove_entry();
            self.run_to(at_ms.max(self.now_ms()))?;
            self.happen(happening)?;
        }
        self.run_to(ms)?;
        self.supervise();
        Ok(())
    }
}
