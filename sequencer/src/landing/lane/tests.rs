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
    /// Nonces that each block, and fees that each nonce, was ever sent with.
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
    /// What landed up to here, with the L1 blocks.
    landed: Vec<(B256, u64)>,
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

const MARKET: Market = Market { base_fee: 5, blob_base_fee: 1 };

impl World {
    fn new() -> Self {
        let genesis = L1Block { nonce: 7, landed: vec![(B256::ZERO, 0)], included: Vec::new() };
        Self {
            lane: Lane::new(1, policy()),
            journal: BTreeMap::new(),
            policy: policy(),
            l1: vec![genesis],
            pool: BTreeMap::new(),
            blocks: BTreeMap::new(),
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
                Effect::Requeue { block_hash } => self.requeued.push(block_hash),
                Effect::Report { .. } => {}
            }
        }
    }

    /// What is on disk is all there is.
    fn restart(&mut self) {
        self.crash_after = None;
        let (lane, effects) = Lane::resume(1, self.policy, self.journal.clone());
        self.lane = lane;
        self.carry_out(effects);
    }

    fn check_send(&mut self, nonce: u64, what: What, fees: Fees) {
        let record = self.journal[&nonce].record().expect("what is sent is on disk");
        assert_eq!((record.nonce, record.last().fees), (nonce, fees));
        assert_eq!(self.journal[&nonce].what(), what);
        if let What::Advance { block_hash, .. } = what {
            let nonces = self.sent.entry(block_hash).or_default();
            nonces.insert(nonce);
            assert_eq!(nonces.len(), 1, "a block under two nonces: {nonces:?}");
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

    /// Seals a block on what there is, as a sequencer would.
    fn seal(&mut self) {
        if self.lane.in_flight().count() >= 3 {
            return;
        }
        self.salt += 1;
        let landed = self.head().landed.clone();
        let tip = (landed.len() as u64 - 1, landed.last().unwrap().0);
        let (number, parent_hash) =
            self.lane.in_flight().next_back().map_or(tip, |flight| (flight.block.number, flight.block.hash));
        let hash = alloy_primitives::keccak256(self.salt.to_be_bytes());
        let origin = self.number();
        let block =
            Block { number: number + 1, hash, parent_hash, timestamp: 0, origin, inbox_count: 0, gas_limit: 1_000_000 };
        self.blocks.insert(hash, block);
        self.feed(Event::Sealed { block, view: self.view() });
    }

    /// The next L1 block: a rival's block first, if one comes, then up to `room` of ours in nonce order.
    fn mine(&mut self, room: usize, rival: bool) {
        let mut next = L1Block { included: Vec::new(), ..self.head().clone() };
        let number = self.number() + 1;
        if rival {
            self.salt += 1;
            let mut hash = alloy_primitives::keccak256(self.salt.to_be_bytes());
            hash[0] = RIVAL;
            next.landed.push((hash, number));
        }
        for _ in 0..room {
            let Some(tx) = self.pool.remove(&next.nonce) else { break };
            let mut is_good = true;
            if let What::Advance { block_hash, .. } = tx.what {
                let block = self.blocks[&block_hash];
                let tip = next.landed.last().unwrap().0;
                let known = |(hash, _): &(B256, u64)| *hash == block_hash;
                is_good = block.parent_hash == tip && !next.landed.iter().any(known);
                if is_good {
                    next.landed.push((block_hash, number));
                }
            }
            next.included.push((next.nonce, tx, is_good));
            next.nonce += 1;
        }
        self.l1.push(next);
        self.announce();
    }

    fn announce(&mut self) {
        let number = self.number();
        for at in 0..self.l1.len() {
            for (nonce, tx, is_good) in self.l1[at].included.clone() {
                let hash = hash_of(&tx);
                self.feed(Event::Receipt { nonce, hash, l1_number: at as u64, reverted: !is_good });
            }
        }
        let landed = self.head().landed.clone();
        let heights = landed.iter().enumerate().map(|(number, at)| (number as u64, *at)).skip(1);
        let head = Head {
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
        self.feed(Event::Reorged { to: self.number() });
        self.announce();
    }

    fn check(&self) {
        let flights: Vec<&Flight> = self.lane.in_flight().collect();
        for pair in flights.windows(2) {
            assert!(pair[0].is_parent_of(&pair[1].block), "each is the child of the one before");
        }
        let nonces: Vec<u64> = self.lane.flights().map(|(_, flight)| flight.landing.record().unwrap().nonce).collect();
        assert!(nonces.is_sorted());
        for (nonce, slot) in self.lane.slots() {
            assert_eq!(slot.record().map_or(*nonce, |record| record.nonce), *nonce);
        }
    }

    /// Nothing fails any more: whatever is under way comes to its end.
    fn calm(&mut self) {
        self.fails.clear();
        self.crash_after = None;
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
    Seal,
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
        6 => Just(Act::Seal),
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
                Act::Seal => world.seal(),
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
        What::Cancel => (*nonce, 0),
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
    assert!(world.lane.is_first(7) && !world.lane.is_first(8));
    world.mine(3, false);
    assert_eq!(world.head().landed.len(), 4);
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
    assert_eq!(world.head().landed.len(), 3);
    world.reorg(1, false);
    assert_eq!(advances(&world), [(7, 1), (8, 2)]);
    world.mine(2, false);
    assert_eq!(world.head().landed.len(), 3);
    world.calm();
}

#[test]
fn a_block_on_a_parent_that_was_unwound_meanwhile_is_not_taken() {
    let mut world = World::new();
    world.seal();
    let stranger = Block {
        number: 2,
        hash: B256::repeat_byte(9),
        parent_hash: B256::repeat_byte(8),
        timestamp: 0,
        origin: 0,
        inbox_count: 0,
        gas_limit: 1,
    };
    world.feed(Event::Sealed { block: stranger, view: world.view() });
    assert_eq!(world.requeued, [stranger.hash]);
    assert_eq!(advances(&world), [(7, 1)]);
}

#[test]
fn above_the_cap_nothing_is_begun_and_the_nonce_stays_free() {
    let mut world = World::new();
    world.lane = Lane::new(1, Policy { cap: Fees { max_fee: 1, tip: 1, max_blob_fee: 1 }, ..policy() });
    world.seal();
    assert_eq!((world.requeued.len(), world.pool.len(), world.lane.slots().len()), (1, 0, 0));
}
