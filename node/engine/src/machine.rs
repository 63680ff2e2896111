//! The state machine itself. Read [`Engine::handle`] first: one arm for each event.

use crate::{Applied, BlockRef, Final, Heads, InboxEntry, L1Block, L1Ref, Landed, Landing, Millis};
use alloy_primitives::B256;
use std::collections::VecDeque;

/// How many L1 blocks are remembered for undoing: twice the deepest origin lag. A deeper L1 reorg resets to the
/// finalised block; a watcher that remembers no more blocks than these, and besides them the finalised one, never asks for
/// anything between.
pub const JOURNAL_LIMIT: usize = 128;

/// First pause after a carrier had nothing, in milliseconds; it doubles up to [`RETRY_MAX_MS`].
const RETRY_MIN_MS: u64 = 250;

/// Longest pause between two attempts to get a payload, in milliseconds.
const RETRY_MAX_MS: u64 = 8_000;

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Event {
    /// The next canonical L1 block; its parent is the L1 head that the engine knows.
    L1Block(L1Block),
    /// The L1 chain no longer holds what came after `to`.
    L1Rewind {
        /// The highest L1 block that is still canonical.
        to: L1Ref,
    },
    /// L1 finalised everything up to this block.
    L1Finalised {
        /// The newest finalised L1 block.
        at: L1Ref,
    },
    /// The watcher has handed over everything up to the L1 head.
    L1CaughtUp,
    /// L1 endpoints keep to different branches and nothing tells which of them is wrong, or no longer do.
    L1Contested(bool),
    /// A carrier answered, or all of them had nothing.
    Fetched(Fetched),
    /// A block was executed and stored, or refused.
    Executed(Executed),
    /// The blocks that the sequencer has sealed and L1 has not taken yet, ascending, each the child of the one before.
    InFlight(Vec<BlockRef>),
    /// Time passed.
    Tick,
}

/// The answer to [`Effect::Fetch`].
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The L2 block that was asked for.
    pub hash: B256,
    /// Whether the payload is here now; the bytes themselves stay with the caller, keyed by the hash.
    pub found: bool,
}

/// The answer to [`Effect::Execute`].
#[derive(Clone, Debug)]
pub struct Executed {
    /// The L2 block that was executed.
    pub hash: B256,
    /// The parent it was executed on; an answer for another parent is stale.
    pub parent_hash: B256,
    /// Applied and stored, or why not.
    pub result: Result<(), Refused>,
}

/// Why a payload did not become a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The carrier's bytes do not make the block with the landed hash: another carrier may do better.
    NotThisBlock(String),
    /// The bytes are the landed block and our rules refuse it. L1 and we disagree: never skip.
    Invalid(String),
}

/// Something to be done outside, in the order given.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Get the payload of this block from the next carrier, then answer with [`Event::Fetched`].
    Fetch {
        /// What landed.
        landing: Box<Landing>,
        /// 0 for the first try; carriers are tried in another order, or after a pause, with each.
        attempt: u32,
    },
    /// Rebuild the block from its payload, execute it on its parent, store it, answer with [`Event::Executed`].
    Execute {
        /// What landed.
        landing: Box<Landing>,
    },
    /// Remove applied blocks above `to`, newest first, and put their transactions back.
    Unwind {
        /// The block that stays.
        to: BlockRef,
        /// The L1 block that the unwinding follows.
        because: L1Ref,
        /// L1 went back further than is remembered ([`JOURNAL_LIMIT`]): to the finalised block.
        is_reset: bool,
    },
    /// Persist and publish.
    Heads(Heads),
    /// Persist the L1 position, after everything before it in this list.
    Cursor(L1Ref),
    /// Build the next block now.
    Build(Box<BuildOn>),
    /// Stop following, keep serving reads, say so.
    Halt(Halt),
}

/// Where and for when to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildOn {
    /// The parent: the newest block in flight, or the landed head, which is applied.
    pub parent: BlockRef,
    /// The L1 head, which becomes the origin candidate.
    pub l1_head: L1Ref,
    /// Timestamp of the L1 slot that is aimed at, seconds.
    pub slot_timestamp: u64,
}

/// Following has stopped for good. A person has to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// L1 accepted a block that our execution refuses.
    Split {
        /// The block.
        block: BlockRef,
        /// What our rules say.
        reason: String,
    },
    /// A landed block does not extend the landed chain: L1 or its endpoint contradicts itself.
    BrokenChain {
        /// What landed.
        landed: BlockRef,
        /// The parent that it should have.
        expected_parent: B256,
    },
    /// L1 gave up a block that it had called final.
    FinalityBroken {
        /// The highest L1 block that is still canonical.
        to: L1Ref,
        /// The L1 block that holds the finalised head.
        finalised_in: L1Ref,
    },
}

/// What does not change while the engine runs.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether this node builds blocks.
    pub sequencing: bool,
    /// L1 slot time, milliseconds.
    pub slot_ms: u64,
    /// How long before a slot a block is built, milliseconds.
    pub lead_ms: u64,
    /// Most blocks in flight, at least 1: with more, several can land in one L1 block.
    pub blocks_per_slot: usize,
    /// The L1 view is stale, and sequencing stops, when its head is older than this, milliseconds.
    pub stale_after_ms: u64,
}

/// What a stored chain says at start.
#[derive(Clone, Debug)]
pub struct Resume {
    /// Heads as persisted.
    pub heads: Heads,
    /// The L1 position as persisted: the registration block on a fresh node. Every applied block landed at or below.
    pub cursor: L1Ref,
    /// Timestamp of the cursor's block, seconds; 0 when it is not known. Where it is the L1 head, no block would tell.
    pub cursor_timestamp: u64,
    /// Landed blocks above the finalised one, ascending, each with the L1 block it landed in.
    pub landed: Vec<(BlockRef, L1Ref)>,
    /// The L1 block that the finalised head landed in; the registration block while that is the genesis.
    pub finalised_in: L1Ref,
    /// Messages into the rollup that the applied chain has not consumed, ascending.
    pub inbox: Vec<(L1Ref, InboxEntry)>,
}

/// Where following stands, for people and load balancers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The L1 head as followed.
    pub l1_head: L1Ref,
    /// Its timestamp, seconds; 0 when it is not known.
    pub l1_timestamp: u64,
    /// The newest L1 block that L1 finalised, as far as it was heard of.
    pub l1_finalised: Option<L1Ref>,
    /// Landed blocks not yet applied.
    pub pending: usize,
    /// Every L1 block up to its head was seen.
    pub caught_up: bool,
    /// L1 endpoints keep to different branches: nothing is built meanwhile.
    pub contested: bool,
    /// Set when following has stopped.
    pub halted: Option<Halt>,
}

/// The engine: one value, moved by events.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    heads: Heads,
    /// The L1 block that the finalised head landed in: the last place to rewind to.
    finalised_in: L1Ref,
    /// The landed head below everything that the journal holds.
    base: (BlockRef, L1Ref),
    l1_head: L1Ref,
    l1_timestamp: u64,
    l1_finalised: Option<L1Ref>,
    caught_up: bool,
    contested: bool,
    /// L1 blocks that may still be undone, ascending, each with the landed blocks it holds.
    journal: VecDeque<Entry>,
    /// Landed, not applied yet, in order.
    queue: VecDeque<Landing>,
    inbox: VecDeque<(L1Ref, InboxEntry)>,
    work: Work,
    in_flight: Vec<BlockRef>,
    /// What the last building was asked for, so that it is asked once for each slot, L1 head and parent.
    built_on: Option<BuildOn>,
}

#[derive(Debug)]
struct Entry {
    at: L1Ref,
    landed: Vec<BlockRef>,
}

/// The one thing under way.
#[derive(Debug)]
enum Work {
    Idle,
    Fetching { hash: B256, attempt: u32 },
    Waiting { attempt: u32, until: Millis },
    Executing { hash: B256, parent_hash: B256 },
    Halted(Halt),
}

impl Engine {
    /// Takes up where a stored chain left off.
    ///
    /// # Panics
    /// If a landed block lies above the cursor: the caller unwinds those before it resumes.
    pub fn new(settings: Settings, resume: Resume) -> Self {
        let mut journal: VecDeque<Entry> = VecDeque::new();
        for (block, at) in resume.landed {
            assert!(at.number <= resume.cursor.number, "block {block:?} landed in {at:?}, above the cursor");
            match journal.back_mut().filter(|entry| entry.at == at) {
                Some(entry) => entry.landed.push(block),
                None => journal.push_back(Entry { at, landed: vec![block] }),
            }
        }
        if journal.back().is_none_or(|entry| entry.at != resume.cursor) {
            journal.push_back(Entry { at: resume.cursor, landed: Vec::new() });
        }
        Self {
            settings,
            heads: resume.heads,
            finalised_in: resume.finalised_in,
            base: (resume.heads.finalised.0, resume.finalised_in),
            l1_head: resume.cursor,
            l1_timestamp: resume.cursor_timestamp,
            l1_finalised: None,
            caught_up: false,
            contested: false,
            journal,
            queue: VecDeque::new(),
            inbox: resume.inbox.into(),
            work: Work::Idle,
            in_flight: Vec::new(),
            built_on: None,
        }
    }

    /// The heads as they stand.
    pub const fn heads(&self) -> &Heads {
        &self.heads
    }

    /// L1 blocks that may be canonical still, ascending: where a watcher looks for the common ancestor. The first is
    /// the one that holds the finalised head; when even that is gone, L1 broke its finality or is another chain.
    pub fn known_l1(&self) -> impl DoubleEndedIterator<Item = L1Ref> + '_ {
        std::iter::once(self.finalised_in).chain(self.journal.iter().map(|entry| entry.at))
    }

    /// Landed blocks that are not applied yet, in order.
    pub fn landings(&self) -> impl Iterator<Item = &Landing> {
        self.queue.iter()
    }

    /// Messages into the rollup that were seen, ascending. The sequencer skips what the L2 has consumed.
    pub fn inbox(&self) -> impl Iterator<Item = &InboxEntry> {
        self.inbox.iter().map(|(_, entry)| entry)
    }

    /// Forgets messages below `consumed`, the L2's cursor in a finalised state.
    pub fn prune_inbox(&mut self, consumed: u64) {
        while self.inbox.front().is_some_and(|(_, entry)| entry.message.index < consumed) {
            self.inbox.pop_front();
        }
    }

    /// Where following stands.
    pub fn status(&self) -> Status {
        let halted = if let Work::Halted(halt) = &self.work { Some(halt.clone()) } else { None };
        Status {
            l1_head: self.l1_head,
            l1_timestamp: self.l1_timestamp,
            l1_finalised: self.l1_finalised,
            pending: self.queue.len(),
            caught_up: self.caught_up,
            contested: self.contested,
            halted,
        }
    }

    /// Moves on by one event. Effects are to be carried out in order.
    pub fn handle(&mut self, event: Event, now: Millis) -> Vec<Effect> {
        let mut effects = Vec::new();
        if matches!(self.work, Work::Halted(_)) {
            return effects; // What L1 does from here on is no longer followed: the reads stay as they are.
        }
        match event {
            Event::L1Block(block) => self.on_l1_block(block, &mut effects),
            Event::L1Rewind { to } => self.on_rewind(to, &mut effects),
            Event::L1Finalised { at } => self.on_finalised(at, &mut effects),
            Event::L1CaughtUp => self.caught_up = true,
            Event::L1Contested(contested) => self.contested = contested,
            Event::Fetched(fetched) => self.on_fetched(fetched, now, &mut effects),
            Event::Executed(executed) => self.on_executed(executed, now, &mut effects),
            Event::InFlight(blocks) => self.in_flight = blocks,
            Event::Tick => {}
        }
        self.next_work(now, &mut effects);
        self.maybe_build(now, &mut effects);
        effects
    }

    fn on_l1_block(&mut self, block: L1Block, effects: &mut Vec<Effect>) {
        assert_eq!(block.parent_hash, self.l1_head.hash, "the watcher hands over L1 blocks parent by parent");
        let mut tip = self.queue.back().map_or(self.heads.landed.0, Landing::block_ref);
        let mut landed = Vec::with_capacity(block.landings.len());
        for landing in block.landings {
            let this = landing.block_ref();
            if landing.block.parent_hash != tip.hash || landing.block.number != tip.number + 1 {
                let halt = Halt::BrokenChain { landed: this, expected_parent: tip.hash };
                self.halt(halt, effects);
                return;
            }
            tip = this;
            landed.push(this);
            self.queue.push_back(landing);
        }
        self.inbox.extend(block.messages.into_iter().map(|message| (block.at, message)));
        self.l1_head = block.at;
        self.l1_timestamp = block.timestamp;
        self.journal.push_back(Entry { at: block.at, landed });
        if self.journal.len() > JOURNAL_LIMIT {
            // A reorg below the limit can't be undone block by block any more; `on_rewind` then resets to finality.
            self.forget_oldest();
        }
        if self.queue.is_empty() {
            effects.push(Effect::Cursor(block.at));
        }
    }

    fn on_rewind(&mut self, to: L1Ref, effects: &mut Vec<Effect>) {
        self.caught_up = false;
        if to.number < self.finalised_in.number {
            let halt = Halt::FinalityBroken { to, finalised_in: self.finalised_in };
            return self.halt(halt, effects);
        }
        while self.journal.back().is_some_and(|entry| entry.at.number >= to.number && entry.at != to) {
            self.journal.pop_back();
        }
        let is_reset = self.journal.is_empty() && self.base.1.number > to.number;
        if is_reset {
            // Deeper than the journal: of what landed, only the finalised block is known to have survived.
            self.base = (self.heads.finalised.0, self.finalised_in);
        }
        if self.journal.back().is_none_or(|entry| entry.at != to) {
            // A block in which nothing landed, from before a restart or from before the journal.
            self.journal.push_back(Entry { at: to, landed: Vec::new() });
        }
        self.queue.retain(|landing| landing.l1.number <= to.number);
        while self.inbox.back().is_some_and(|(at, _)| at.number > to.number) {
            self.inbox.pop_back();
        }
        self.l1_head = to;
        let landed = self.journal.iter().rev().find_map(|entry| entry.landed.last()).copied().unwrap_or(self.base.0);
        if landed.number < self.heads.applied.0.number {
            self.heads.applied = Applied(landed);
            self.heads.landed = Landed(landed);
            if self.heads.finalised.0.number > landed.number {
                self.heads.finalised = Final(landed);
            }
            effects.push(Effect::Unwind { to: landed, because: to, is_reset });
            effects.push(Effect::Heads(self.heads));
        }
        // Whatever was under way may belong to the abandoned branch; `next_work` starts again from the queue, and a late
        // answer names a block that nobody waits for.
        self.work = Work::Idle;
        if self.queue.is_empty() {
            effects.push(Effect::Cursor(to));
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(entry) = self.journal.pop_front()
            && let Some(last) = entry.landed.last()
        {
            self.base = (*last, entry.at);
        }
    }

    fn on_finalised(&mut self, at: L1Ref, effects: &mut Vec<Effect>) {
        if self.l1_finalised.is_some_and(|known| at.number <= known.number) {
            return; // An endpoint behind a load balancer may answer with an older checkpoint; finality never moves back.
        }
        if self.journal.iter().any(|entry| entry.at.number == at.number && entry.at.hash != at.hash) {
            return; // Of a branch that is not followed (yet): L1 changed between two questions, and says it again.
        }
        self.l1_finalised = Some(at);
        if self.finalise() {
            effects.push(Effect::Heads(self.heads));
        }
    }

    /// The newest applied block that landed in a finalised L1 block is final. Returns whether that is another one now.
    fn finalise(&mut self) -> bool {
        let Some(L1Ref { number, .. }) = self.l1_finalised else { return false };
        let applied = self.heads.applied.0.number;
        let below = self.journal.iter().rev().filter(|entry| entry.at.number <= number);
        // While catching up, the journal and what it forgot are ahead of what is applied.
        let newest = below
            .filter_map(|entry| Some((*entry.landed.iter().rev().find(|block| block.number <= applied)?, entry.at)))
            .next()
            .or_else(|| Some(self.base).filter(|(block, at)| block.number <= applied && at.number <= number));
        let Some((block, at)) = newest.filter(|(block, _)| block.number > self.heads.finalised.0.number) else {
            return false;
        };
        self.heads.finalised = Final(block);
        self.finalised_in = at;
        true
    }

    fn on_fetched(&mut self, fetched: Fetched, now: Millis, effects: &mut Vec<Effect>) {
        let Work::Fetching { hash, attempt } = self.work else {
            return; // Nobody waits: the block was rewound, or a second carrier answered late.
        };
        if hash != fetched.hash {
            return; // An answer for a block of an abandoned branch.
        }
        let Some(landing) = self.queue.front().filter(|landing| landing.block.hash == hash).cloned() else {
            self.work = Work::Idle;
            return; // The queue moved on with a rewind.
        };
        if fetched.found {
            self.work = Work::Executing { hash, parent_hash: landing.block.parent_hash };
            effects.push(Effect::Execute { landing: Box::new(landing) });
        } else {
            self.wait(attempt, now);
        }
    }

    fn on_executed(&mut self, executed: Executed, now: Millis, effects: &mut Vec<Effect>) {
        let Work::Executing { hash, parent_hash } = self.work else {
            return; // Rewound while it ran; `Effect::Unwind` came after it in storage order.
        };
        if (hash, parent_hash) != (executed.hash, executed.parent_hash) {
            return; // A stale result, dropped by name.
        }
        let Some(landing) = self.queue.front().filter(|landing| landing.block.hash == hash) else {
            self.work = Work::Idle;
            return;
        };
        let block = landing.block_ref();
        match executed.result {
            Ok(()) => {
                self.queue.pop_front();
                self.heads.applied = Applied(block);
                self.heads.landed = Landed(block);
                self.work = Work::Idle;
                self.finalise();
                effects.push(Effect::Heads(self.heads));
                if self.queue.is_empty() {
                    effects.push(Effect::Cursor(self.l1_head));
                }
            }
            Err(Refused::NotThisBlock(_)) => self.wait(0, now),
            Err(Refused::Invalid(reason)) => self.halt(Halt::Split { block, reason }, effects),
        }
    }

    fn wait(&mut self, attempt: u32, now: Millis) {
        let pause = RETRY_MIN_MS.saturating_mul(1 << attempt.min(16)).min(RETRY_MAX_MS);
        self.work = Work::Waiting { attempt: attempt + 1, until: now.plus(pause) };
    }

    fn halt(&mut self, halt: Halt, effects: &mut Vec<Effect>) {
        self.work = Work::Halted(halt.clone());
        effects.push(Effect::Halt(halt));
    }

    /// Starts the next fetch when nothing is under way.
    fn next_work(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        let attempt = match self.work {
            Work::Idle => 0,
            Work::Waiting { attempt, until } if until <= now => attempt,
            Work::Waiting { .. } | Work::Fetching { .. } | Work::Executing { .. } | Work::Halted(_) => return,
        };
        match self.queue.front() {
            Some(landing) => {
                self.work = Work::Fetching { hash: landing.block.hash, attempt };
                effects.push(Effect::Fetch { landing: Box::new(landing.clone()), attempt });
            }
            None => self.work = Work::Idle,
        }
    }

    /// Asks for a block when one is due: once for each slot, L1 head and parent, from `lead_ms` before the slot on. The
    /// sequencer declines when the block before was not full.
    fn maybe_build(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        if !self.settings.sequencing || !self.may_sequence(now) {
            return;
        }
        let slot_timestamp = self.next_slot(now);
        let parent = self.in_flight.last().copied().unwrap_or(self.heads.landed.0);
        let due = now.plus(self.settings.lead_ms) >= Millis::from_secs(slot_timestamp);
        let build = BuildOn { parent, l1_head: self.l1_head, slot_timestamp };
        if due && self.built_on.as_ref() != Some(&build) {
            self.built_on = Some(build.clone());
            effects.push(Effect::Build(Box::new(build)));
        }
    }

    /// DESIGN §10: the L1 view is fresh and one, derivation has nothing pending, not too many of ours wait to land.
    fn may_sequence(&self, now: Millis) -> bool {
        let fresh = Millis::from_secs(self.l1_timestamp).plus(self.settings.stale_after_ms) >= now;
        let idle = matches!(self.work, Work::Idle) && self.queue.is_empty();
        self.caught_up
            && !self.contested
            && fresh
            && idle
            && self.in_flight.len() < self.settings.blocks_per_slot
            && self.heads.applied.0 == self.heads.landed.0
    }

    /// Timestamp of the first L1 slot that begins after `now`, seconds.
    fn next_slot(&self, now: Millis) -> u64 {
        let head = Millis::from_secs(self.l1_timestamp);
        let slots = now.0.saturating_sub(head.0) / self.settings.slot_ms + 1;
        head.plus(slots * self.settings.slot_ms).0 / 1_000
    }
}

#[cfg(test)]
mod tests;
