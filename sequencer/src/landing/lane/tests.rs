use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::landing::SendFailure;

/// An L1 that plays by the rules of Hub and of public pools, and everything that happened to the lane on it.
struct World {
    lane: Lane,
    journal: BTreeMap<u64, Slot>,
    policy: Policy,
    l1: Vec<L1Block>,
    pool: BTreeMap<u64, Waiting>,
    blocks: BTreeMap<B256, Block>,
    errands: BTreeMap<B256, Errand>,
    /// Chains whose node has not heard of the newest L1 blocks, and how far L1 went back meanwhile.
    late: BTreeMap<u64, u64>,
    /// Nonces that each block or errand, and fees that each nonce, was ever sent with.
    sent: BTreeMap<B256, BTreeSet<u64>>,
    offered: BTreeMap<u64, Vec<(What, Fees)>>,
    requeued: Vec<B256>,
    fails: Vec<SendFailure>,
    crash_after: Option<usize>,
    salt: u64,
}

#[derive(Clone, Debug)]
struct L1Block {
    nonce: u64,
    /// What landed up to here of each chain, with the L1 blocks.
    landed: BTreeMap<u64, Vec<(B256, u64)>>,
    /// Errands that did their work up to here.
    done: BTreeSet<B256>,
    /// What was included here.
    included: Vec<(u64, Waiting, bool)>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    what: What,
    fees: Fees,
}

const RIVAL: u8 = 0xee;

fn hash_of(waiting: &Waiting) -> B256 {
    let content = match waiting.what {
        What::Advance { block_hash, .. } => block_hash,
        What::Errand { id } => id,
        What::Cancel => B256::ZERO,
    };
    alloy_primitives::keccak256([content.as_slice(), &waiting.fees.max_fee.to_be_bytes()].concat())
}

fn policy() -> Policy {
    let endless = u128::MAX / 4;
    Policy {
        base_fee_factor: 2,
        blob_fee_factor: 2,
        tip: 1,
        patience: 3,
        cap: Fees { max_fee: endless, tip: endless, max_blob_fee: endless },
    }
}

/// The rollups of one lane.
const CHAINS: [u64; 2] = [1, 2];

const MARKET: Market = Market { base_fee: 5, blob_base_fee: 1 };

impl World {
    fn new() -> Self {
        let landed = CHAINS.map(|chain_id| (chain_id, vec![(B256::ZERO, 0)]));
        let genesis = L1Block { nonce: 7, landed: BTreeMap::from(landed), done: BTreeSet::new(), included: Vec::new() };
        Self {
            lane: Lane::new(policy()),
            journal: BTreeMap::new(),
            policy: policy(),
            l1: vec![genesis],
            pool: BTreeMap::new(),
            blocks: BTreeMap::new(),
            errands: BTreeMap::new(),
            late: BTreeMap::new(),
            sent: BTreeMap::new(),
            offered: BTreeMap::new(),
            requeued: Vec::new(),
            fails: Vec::new(),
            crash_after: None,
            salt: 0,
        }
    }

    fn head(&self) -> &L1Block {
        self.l1.last().unwrap()
    }

    fn number(&self) -> u64 {
        self.l1.len() as u64 - 1
    }

    fn view(&self) -> View {
        View { l1_number: self.number(), account_nonce: self.head().nonce, market: MARKET }
    }

    fn feed(&mut self, event: Event) {
        let effects = self.lane.handle(event);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for (at, effect) in effects.into_iter().enumerate() {
            if self.crash_after.is_some_and(|left| left == 0) {
                return self.restart();
            }
            self.crash_after = self.crash_after.map(|left| left - 1);
            assert!(at == 0 || !matches!(effect, Effect::Persist(_)), "one batch, before all else");
            match effect {
                Effect::Persist(changes) => {
                    for (nonce, slot) in changes {
                        // Through the form on disk.
                        let slot = slot
                            .map(|slot| serde_json::from_str::<Slot>(&serde_json::to_string(&slot).unwrap()).unwrap());
                        match slot {
                            Some(slot) => self.journal.insert(nonce, slot),
                            None => self.journal.remove(&nonce),
                        };
                    }
                }
                Effect::Send { nonce, what, fees, .. } if !self.lane.is_wanted(nonce, what, fees) => {}
                Effect::Send { nonce, what, fees, .. } => {
                    self.check_send(nonce, what, fees);
                    let event = self.deliver(nonce, Waiting { what, fees });
                    let effects = self.lane.handle(event);
                    self.carry_out(effects);
                    if self.crash_after == Some(0) {
                        return self.restart();
                    }
                }
                Effect::Requeue { block_hash, .. } => self.requeued.push(block_hash),
                Effect::Report { .. } => {}
            }
        }
    }

    /// What is on disk is all there is.
    fn restart(&mut self) {
        self.crash_after = None;
        let (lane, effects) = Lane::resume(&BTreeSet::from(CHAINS), self.policy, self.journal.clone());
        self.lane = lane;
        self.carry_out(effects);
    }

    fn check_send(&mut self, nonce: u64, what: What, fees: Fees) {
        let record = self.journal[&nonce].record().expect("what is sent is on disk");
        assert_eq!((record.nonce, record.last().fees), (nonce, fees));
        assert_eq!(self.journal[&nonce].what(), what);
        if let What::Advance { block_hash: name, .. } | What::Errand { id: name } = what {
            let nonces = self.sent.entry(name).or_default();
            nonces.insert(nonce);
            assert_eq!(nonces.len(), 1, "a block or errand under two nonces: {nonces:?}");
        }
        let offered = self.offered.entry(nonce).or_default();
        if offered.iter().all(|known| *known != (what, fees)) {
            offered.push((what, fees));
        }
    }

    /// To the L1 node: its pool takes it, or says why not.
    fn deliver(&mut self, nonce: u64, tx: Waiting) -> Event {
        if let Some(why) = self.fails.pop() {
            return Event::SendFailed { nonce, why };
        }
        let next = self.pool.keys().last().map_or(0, |last| last + 1).max(self.head().nonce);
        let failed = |why| Event::SendFailed { nonce, why };
        match self.pool.get(&nonce) {
            _ if nonce < self.head().nonce => failed(SendFailure::NonceTooLow),
            _ if nonce > next => failed(SendFailure::Unreachable),
            Some(old) if old.what == tx.what && old.fees == tx.fees => failed(SendFailure::AlreadyKnown),
            Some(old) if old.fees.replacement().max(tx.fees) != tx.fees => failed(SendFailure::Underpriced),
            _ => {
                self.pool.insert(nonce, tx);
                Event::Sent { nonce, hash: hash_of(&tx) }
            }
        }
    }

    /// Blocks of `chain_id` on their way.
    fn flying(&self, chain_id: u64) -> impl DoubleEndedIterator<Item = &Flight> {
        self.lane.in_flight().filter(move |flight| flight.block.chain_id == chain_id)
    }

    /// Landed blocks of the first chain, the genesis among them.
    fn landed(&self) -> usize {
        self.head().landed[&CHAINS[0]].len()
    }

    /// Seals a block of the first chain on what there is, as a sequencer would.
    fn seal(&mut self) {
        self.seal_of(CHAINS[0], false);
    }

    /// The same for any chain; `bundled`, the block counts on the newest errand that is not done.
    fn seal_of(&mut self, chain_id: u64, bundled: bool) {
        if self.flying(chain_id).count() >= 3 {
            return;
        }
        self.salt += 1;
        let landed = &self.head().landed[&chain_id];
        let tip = (landed.len() as u64 - 1, landed.last().unwrap().0);
        let (number, parent_hash) =
            self.flying(chain_id).next_back().map_or(tip, |flight| (flight.block.number, flight.block.hash));
        let hash = alloy_primitives::keccak256(self.salt.to_be_bytes());
        let after = self.lane.errands().rfind(|run| bundled && !run.is_done()).map(|run| run.errand.id);
        let block = Block {
            chain_id,
            number: number + 1,
            hash,
            parent_hash,
            timestamp: 0,
            origin: self.number(),
            inbox_count: 0,
            gas_limit: 1_000_000,
            after,
        };
        self.blocks.insert(hash, block);
        self.feed(Event::Sealed { block, view: self.view() });
    }

    /// An errand; for a chain, one that needs its newest block to land first.
    fn errand(&mut self, chain_id: Option<u64>) {
        if self.lane.errands().count() >= 4 {
            return;
        }
        self.salt += 1;
        let after = chain_id.and_then(|chain_id| Some(self.flying(chain_id).next_back()?.block.hash));
        let errand = Errand { id: alloy_primitives::keccak256(self.salt.to_le_bytes()), after, gas_limit: 500_000 };
        self.errands.insert(errand.id, errand);
        self.feed(Event::Errand { errand, view: self.view() });
    }

    /// Whether L1 lets a transaction do its work behind `at`.
    fn is_good(&self, at: &L1Block, what: What) -> bool {
        let has_landed = |name: B256| at.landed.values().flatten().any(|(hash, _)| *hash == name);
        match what {
            What::Advance { chain_id, block_hash, .. } => {
                let block = self.blocks[&block_hash];
                let tip = at.landed[&chain_id].last().unwrap().0;
                let is_fed = block.after.is_none_or(|errand| at.done.contains(&errand));
                block.parent_hash == tip && !has_landed(block_hash) && is_fed
            }
            What::Errand { id } => !at.done.contains(&id) && self.errands[&id].after.is_none_or(has_landed),
            What::Cancel => true,
        }
    }

    /// The next L1 block: a rival's block of the first chain first, if one comes, then up to `room` of ours in nonce order.
    fn mine(&mut self, room: usize, rival: bool) {
        let mut next = L1Block { included: Vec::new(), ..self.head().clone() };
        let number = self.number() + 1;
        if rival {
            self.salt += 1;
            let mut hash = alloy_primitives::keccak256(self.salt.to_be_bytes());
            hash[0] = RIVAL;
            next.landed.get_mut(&CHAINS[0]).unwrap().push((hash, number));
        }
        for _ in 0..room {
            let Some(tx) = self.pool.remove(&next.nonce) else { break };
            let is_good = self.is_good(&next, tx.what);
            match tx.what {
                What::Advance { chain_id, block_hash, .. } if is_good => {
                    next.landed.get_mut(&chain_id).unwrap().push((block_hash, number));
                }
                What::Errand { id } if is_good => drop(next.done.insert(id)),
                What::Advance { .. } | What::Errand { .. } | What::Cancel => {}
            }
            next.included.push((next.nonce, tx, is_good));
            next.nonce += 1;
        }
        self.l1.push(next);
        self.announce();
    }

    fn announce(&mut self) {
        for chain_id in CHAINS {
            if !self.late.contains_key(&chain_id) {
                self.announce_to(chain_id);
            }
        }
    }

    /// The node of a chain that was late hears of everything.
    fn catch_up(&mut self) {
        for (chain_id, to) in std::mem::take(&mut self.late) {
            if to < u64::MAX {
                self.feed(Event::Reorged { chain_id, to });
            }
            self.announce_to(chain_id);
        }
    }

    fn announce_to(&mut self, chain_id: u64) {
        let number = self.number();
        for at in 0..self.l1.len() {
            for (nonce, tx, is_good) in self.l1[at].included.clone() {
                if matches!(tx.what, What::Advance { chain_id: of, .. } if of != chain_id) {
                    continue;
                }
                let hash = hash_of(&tx);
                self.feed(Event::Receipt { nonce, hash, l1_number: at as u64, reverted: !is_good });
            }
        }
        let landed = self.head().landed[&chain_id].clone();
        let heights = landed.iter().enumerate().map(|(number, at)| (number as u64, *at)).skip(1);
        let head = Head {
            chain_id,
            number,
            finalized: number.saturating_sub(6),
            account_nonce: self.head().nonce,
            market: MARKET,
            landed: Place { number: landed.len() as u64 - 1, hash: landed.last().unwrap().0 },
            heights: heights.collect(),
        };
        self.feed(Event::L1Head(head));
        self.check();
    }

    fn reorg(&mut self, depth: usize, returns: bool) {
        let depth = depth.min(self.l1.len() - 1).min(5);
        for _ in 0..depth {
            for (nonce, tx, _) in self.l1.pop().unwrap().included {
                if returns {
                    self.pool.entry(nonce).or_insert(tx);
                }
            }
        }
        if !returns {
            // What stood behind the lost ones has a gap before it.
            let nonce = self.head().nonce;
            if !self.pool.contains_key(&nonce) {
                self.pool.clear();
            }
        }
        let to = self.number();
        for chain_id in CHAINS {
            match self.late.get_mut(&chain_id) {
                Some(deepest) => *deepest = to.min(*deepest),
                None => {
                    self.feed(Event::Reorged { chain_id, to });
                    self.announce_to(chain_id);
                }
            }
        }
    }

    fn check(&self) {
        for chain_id in CHAINS {
            let flights: Vec<&Flight> = self.flying(chain_id).collect();
            for pair in flights.windows(2) {
                assert!(pair[0].is_parent_of(&pair[1].block), "each is the child of the one before");
            }
        }
        let nonce_of = |name: B256| self.lane.slots().iter().find(|(_, slot)| slot.name() == name).map(|(at, _)| *at);
        for (nonce, slot) in self.lane.slots() {
            let needs = match slot {
                Slot::Landing(flight) if flight.is_open() => flight.block.after,
                Slot::Errand(run) if slot.is_open() => run.errand.after,
                _ => None,
            };
            let Some(before) = needs.and_then(nonce_of) else { continue };
            assert!(before < *nonce, "what a transaction needs comes before it");
            assert!(!matches!(self.lane.slots()[&before], Slot::Dead(_) | Slot::Cancel(_)), "and is alive");
        }
        for (nonce, slot) in self.lane.slots() {
            assert_eq!(slot.record().map_or(*nonce, |record| record.nonce), *nonce);
        }
    }

    /// Nothing fails any more: whatever is under way comes to its end.
    fn calm(&mut self) {
        self.fails.clear();
        self.crash_after = None;
        self.catch_up();
        for _ in 0..40 {
            self.feed(Event::Quiet);
            self.mine(usize::MAX, false);
        }
        let waiting: Vec<_> = self.lane.slots().iter().filter(|(_, slot)| slot.is_open()).collect();
        assert!(waiting.is_empty(), "for ever: {waiting:?} at {}", self.head().nonce);
        assert!(self.pool.is_empty(), "dead or waiting in the pool for ever: {:?}", self.pool);
        assert!(self.lane.slots().is_empty(), "kept for ever: {:?}", self.lane.slots());
        assert!(self.journal.is_empty(), "{:?}", self.journal);
    }
}

#[derive(Clone, Debug)]
enum Act {
    Seal { chain_id: u64, bundled: bool },
    Errand { chain_id: Option<u64> },
    Late { chain_id: u64 },
    CatchUp,
    Quiet,
    Mine { room: usize, rival: bool },
    Reorg { depth: usize, returns: bool },
    PoolLoses { from: u64 },
    Fail(SendFailure),
    CrashAfter(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let failure = prop_oneof![
        Just(SendFailure::Unreachable),
        Just(SendFailure::Invalid),
        Just(SendFailure::Underpriced),
        Just(SendFailure::InsufficientFunds),
        Just(SendFailure::NotYet),
        Just(SendFailure::WouldRevert),
    ];
    prop_oneof![
        6 => (prop::sample::select(&CHAINS[..]), any::<bool>())
            .prop_map(|(chain_id, bundled)| Act::Seal { chain_id, bundled }),
        3 => prop::option::weighted(0.8, prop::sample::select(&CHAINS[..])).prop_map(|chain_id| Act::Errand { chain_id }),
        1 => prop::sample::select(&CHAINS[..]).prop_map(|chain_id| Act::Late { chain_id }),
        2 => Just(Act::CatchUp),
        2 => Just(Act::Quiet),
        6 => (0..5usize, prop::bool::weighted(0.2)).prop_map(|(room, rival)| Act::Mine { room, rival }),
        1 => (1..5usize, any::<bool>()).prop_map(|(depth, returns)| Act::Reorg { depth, returns }),
        1 => (0..6u64).prop_map(|from| Act::PoolLoses { from }),
        2 => failure.prop_map(Act::Fail),
        1 => (0..12usize).prop_map(Act::CrashAfter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_doubled_or_left_behind_whatever_happens(acts in prop::collection::vec(act(), 0..60)) {
        let mut world = World::new();
        for act in acts {
            match act {
                Act::Seal { chain_id, bundled } => world.seal_of(chain_id, bundled),
                Act::Errand { chain_id } => world.errand(chain_id),
                Act::Late { chain_id } => drop(world.late.entry(chain_id).or_insert(u64::MAX)),
                Act::CatchUp => world.catch_up(),
                Act::Quiet => world.feed(Event::Quiet),
                Act::Mine { room, rival } => world.mine(room, rival),
                Act::Reorg { depth, returns } => world.reorg(depth, returns),
                Act::PoolLoses { from } => {
                    let from = world.head().nonce + from;
                    world.pool.split_off(&from);
                }
                Act::Fail(why) => world.fails.push(why),
                Act::CrashAfter(effects) => world.crash_after = Some(effects),
            }
        }
        world.calm();
    }
}

fn advances(world: &World) -> Vec<(u64, u64)> {
    let tx = |(nonce, tx): (&u64, &Waiting)| match tx.what {
        What::Advance { number, .. } => (*nonce, number),
        What::Errand { .. } | What::Cancel => (*nonce, 0),
    };
    world.pool.iter().map(tx).collect()
}

#[test]
fn blocks_of_one_slot_take_nonces_in_their_order_and_land_together() {
    let mut world = World::new();
    for _ in 0..3 {
        world.seal();
    }
    assert_eq!(advances(&world), [(7, 1), (8, 2), (9, 3)]);
    assert!(world.lane.is_ready(7) && !world.lane.is_ready(8));
    world.mine(3, false);
    assert_eq!(world.landed(), 4);
    assert_eq!(world.lane.in_flight().count(), 0);
    world.seal();
    assert_eq!(advances(&world), [(10, 4)]);
    world.calm();
}

#[test]
fn a_lost_race_unwinds_its_successors_and_their_nonces_are_taken_again_in_order() {
    let mut world = World::new();
    for _ in 0..3 {
        world.seal();
    }
    let blocks: Vec<B256> = world.lane.in_flight().map(|flight| flight.block.hash).collect();
    world.mine(0, true);
    assert_eq!(world.requeued, blocks, "in nonce order");
    let first = world.pool[&7].fees;
    world.seal();
    assert_eq!(advances(&world), [(7, 2), (8, 2), (9, 3)], "the dead ones wait for their nonces to be taken");
    assert_eq!(world.pool[&7].fees, first.replacement());
    world.seal();
    world.feed(Event::Quiet);
    assert_eq!(advances(&world), [(7, 2), (8, 3), (9, 0)], "what no block took is cancelled, because it would burn");
    world.calm();
}

#[test]
fn a_dead_transaction_that_nothing_replaces_is_cancelled_after_a_few_l1_blocks() {
    let mut world = World::new();
    world.seal();
    world.mine(0, true);
    world.feed(Event::Quiet);
    assert_eq!(advances(&world), [(7, 1)], "a new landing may come");
    for _ in 0..CANCEL_AFTER {
        world.mine(0, false);
    }
    assert_eq!(advances(&world), [(7, 0)]);
    // After a crash it is sent again, not begun anew.
    world.pool.clear();
    world.restart();
    assert_eq!(advances(&world), [(7, 0)]);
    assert_eq!(world.offered[&7].len(), 2);
    world.calm();
}

#[test]
fn a_refused_middle_block_takes_only_those_behind_it_along() {
    let mut world = World::new();
    world.seal();
    world.fails.push(SendFailure::Invalid);
    world.seal();
    assert_eq!(world.lane.in_flight().count(), 1);
    assert_eq!(world.lane.slots().len(), 1, "nothing was sent with its nonce, which is simply free");
    world.seal();
    assert_eq!(advances(&world), [(7, 1), (8, 2)]);
    world.calm();
}

#[test]
fn a_reorg_that_drops_an_origin_gives_up_the_blocks_that_name_it_or_a_later_one() {
    let mut world = World::new();
    world.mine(0, false);
    world.seal();
    world.mine(0, false);
    world.seal();
    world.seal();
    let blocks: Vec<B256> = world.lane.in_flight().map(|flight| flight.block.hash).collect();
    world.reorg(1, true);
    assert_eq!(world.requeued, blocks[1..]);
    assert_eq!(world.lane.in_flight().count(), 1);
    world.calm();
}

#[test]
fn landed_blocks_that_a_reorg_takes_back_land_again_under_their_nonces() {
    let mut world = World::new();
    world.mine(0, false);
    world.seal();
    world.seal();
    world.mine(2, false);
    assert_eq!(world.landed(), 3);
    world.reorg(1, false);
    assert_eq!(advances(&world), [(7, 1), (8, 2)]);
    world.mine(2, false);
    assert_eq!(world.landed(), 3);
    world.calm();
}

#[test]
fn a_block_on_a_parent_that_was_unwound_meanwhile_is_not_taken() {
    let mut world = World::new();
    world.seal();
    let stranger = Block {
        chain_id: CHAINS[0],
        number: 2,
        hash: B256::repeat_byte(9),
        parent_hash: B256::repeat_byte(8),
        timestamp: 0,
        origin: 0,
        inbox_count: 0,
        gas_limit: 1,
        after: None,
    };
    world.feed(Event::Sealed { block: stranger, view: world.view() });
    assert_eq!(world.requeued, [stranger.hash]);
    assert_eq!(advances(&world), [(7, 1)]);
}

#[test]
fn above_the_cap_nothing_is_begun_and_the_nonce_stays_free() {
    let mut world = World::new();
    world.lane = Lane::new(Policy { cap: Fees { max_fee: 1, tip: 1, max_blob_fee: 1 }, ..policy() });
    world.seal();
    assert_eq!((world.requeued.len(), world.pool.len(), world.lane.slots().len()), (1, 0, 0));
}

/// The pool, a word for each nonce.
fn lanes(world: &World) -> String {
    let word = |(nonce, tx): (&u64, &Waiting)| match tx.what {
        What::Advance { chain_id, number, .. } => format!("{nonce}:{chain_id}/{number} "),
        What::Errand { .. } => format!("{nonce}:errand "),
        What::Cancel => format!("{nonce}:cancel "),
    };
    world.pool.iter().map(word).collect()
}

fn bundle() -> World {
    let mut world = World::new();
    world.seal_of(1, false);
    world.errand(Some(1));
    world.seal_of(2, true);
    assert_eq!(lanes(&world), "7:1/1 8:errand 9:2/1 ");
    world
}

#[test]
fn two_rollups_and_what_passes_between_them_land_in_one_l1_block() {
    let mut world = bundle();
    assert!(world.lane.is_ready(7) && !world.lane.is_ready(8) && !world.lane.is_ready(9));
    world.mine(3, false);
    assert_eq!(world.head().landed.values().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(world.head().done.len(), 1);
    assert!(world.requeued.is_empty());
    world.calm();
}

#[test]
fn a_lost_race_of_one_rollup_takes_the_errand_and_the_block_that_counts_on_it_along_and_nothing_else() {
    let mut world = World::new();
    world.seal_of(2, false);
    world.seal_of(1, false);
    world.errand(Some(1));
    world.seal_of(2, true);
    assert_eq!(lanes(&world), "7:2/1 8:1/1 9:errand 10:2/2 ");
    let blocks: Vec<B256> = world.lane.in_flight().map(|flight| flight.block.hash).collect();
    world.mine(0, true);
    assert_eq!(world.requeued, blocks[1..], "the first block of the other rollup goes on");
    assert_eq!(world.flying(2).count(), 1);
    world.mine(1, false);
    assert_eq!(world.head().landed[&2].len(), 2);
    world.calm();
}

#[test]
fn an_errand_that_l1_refuses_takes_the_block_that_counts_on_it_along_but_not_the_one_before() {
    let mut world = World::new();
    world.seal_of(1, false);
    world.errand(None);
    world.seal_of(2, true);
    let counting = world.flying(2).next().unwrap().block.hash;
    // Somebody else did its work.
    world.l1.last_mut().unwrap().done.extend(world.errands.keys());
    world.mine(2, false);
    assert_eq!(world.requeued, [counting]);
    assert_eq!((world.head().landed[&1].len(), world.flying(2).count()), (2, 0));
    world.calm();
}

#[test]
fn an_errand_that_a_reorg_takes_back_is_run_again_under_its_nonce() {
    let mut world = bundle();
    world.mine(3, false);
    world.reorg(1, false);
    assert_eq!(lanes(&world), "7:1/1 8:errand 9:2/1 ");
    world.mine(3, false);
    assert_eq!(world.head().done.len(), 1);
    assert!(world.requeued.is_empty());
    world.calm();
}

#[test]
fn a_rollup_whose_node_is_late_holds_up_no_other() {
    let mut world = World::new();
    world.late.insert(2, u64::MAX);
    world.seal_of(1, false);
    world.seal_of(2, false);
    world.mine(2, false);
    assert_eq!((world.flying(1).count(), world.flying(2).count()), (0, 1), "only what its own node has heard counts");
    world.seal_of(1, false);
    world.catch_up();
    assert_eq!(world.flying(2).count(), 0);
    assert_eq!(lanes(&world), "9:1/2 ");
    world.calm();
}

#[test]
fn a_lane_that_no_longer_serves_a_rollup_gives_its_blocks_up() {
    let mut world = bundle();
    let (lane, effects) = Lane::resume(&BTreeSet::from([2]), world.policy, world.journal.clone());
    assert_eq!(lane.in_flight().count() + lane.errands().count(), 0, "what needs them goes along");
    assert!(matches!(&effects[0], Effect::Persist(changes) if changes.len() == 3));
    world.lane = lane;
    world.carry_out(effects);
    world.calm();
}

#[test]
fn a_record_of_a_lane_that_served_one_rollup_is_read() {
    let mut world = World::new();
    world.seal();
    let mut json = serde_json::to_value(&world.journal[&7]).unwrap();
    let block = json["Landing"]["block"].as_object_mut().unwrap();
    block.remove("chain_id");
    block.remove("after");
    let slot: Slot = serde_json::from_str(&json.to_string()).unwrap();
    assert_eq!(slot.block().unwrap().chain_id, CHAINS[0]);
}
