use super::*;
use alloy_primitives::{Bytes, U256};
use bridge::message::Message;
use proptest::prelude::*;
use std::collections::BTreeMap;

const SETTINGS: Settings =
    Settings { sequencing: true, slot_ms: 4_000, lead_ms: 1_000, stale_after_ms: 12_000, blocks_per_slot: 1 };

fn hash(kind: u8, number: u64, branch: u8) -> B256 {
    let mut bytes = [0; 32];
    (bytes[0], bytes[1]) = (kind, branch);
    bytes[24..].copy_from_slice(&number.to_be_bytes());
    B256::from(bytes)
}

fn l1(number: u64, branch: u8) -> L1Ref {
    L1Ref { number, hash: hash(1, number, branch) }
}

fn l2(number: u64, branch: u8) -> BlockRef {
    BlockRef { number, hash: hash(2, number, branch) }
}

fn landing(block: BlockRef, parent: BlockRef, at: L1Ref) -> Landing {
    let block = bridge::landed::Landed {
        number: block.number,
        hash: block.hash,
        parent_hash: parent.hash,
        ..Default::default()
    };
    Landing { block, l1: at, l1_timestamp: at.number * 4, l1_transaction: B256::ZERO, l1_log_index: 0 }
}

fn block(at: L1Ref, parent: L1Ref, landings: Vec<Landing>) -> Event {
    let timestamp = at.number * 4;
    Event::L1Block(L1Block { at, parent_hash: parent.hash, timestamp, landings, messages: Vec::new() })
}

fn engine() -> Engine {
    let genesis = l2(0, 0);
    let cursor = l1(10, 0);
    Engine::new(SETTINGS, resume_at(genesis, cursor))
}

fn resume_at(genesis: BlockRef, cursor: L1Ref) -> Resume {
    Resume {
        heads: Heads::all_at(genesis),
        cursor,
        cursor_timestamp: 0,
        landed: Vec::new(),
        finalised_in: cursor,
        inbox: Vec::new(),
    }
}

/// Answers every fetch and execution with success, as a healthy node does, and returns what else happened.
fn run(engine: &mut Engine, event: Event, now: Millis) -> Vec<Effect> {
    let mut seen = Vec::new();
    let mut events = VecDeque::from([event]);
    while let Some(event) = events.pop_front() {
        for effect in engine.handle(event, now) {
            match &effect {
                Effect::Fetch { landing, .. } => {
                    events.push_back(Event::Fetched(Fetched { hash: landing.block.hash, found: true }));
                }
                Effect::Execute { landing } => events.push_back(Event::Executed(Executed {
                    hash: landing.block.hash,
                    parent_hash: landing.block.parent_hash,
                    result: Ok(()),
                })),
                _ => {}
            }
            seen.push(effect);
        }
    }
    seen
}

#[test]
fn a_landed_block_is_fetched_executed_and_becomes_every_head_but_final() {
    let mut engine = engine();
    let seen = run(&mut engine, block(l1(11, 0), l1(10, 0), vec![landing(l2(1, 0), l2(0, 0), l1(11, 0))]), Millis(0));
    let names: Vec<_> =
        seen.iter().map(|effect| format!("{effect:?}").split([' ', '(']).next().unwrap().to_owned()).collect();
    assert_eq!(names, ["Fetch", "Execute", "Heads", "Cursor"]);
    assert_eq!(engine.heads().landed, Landed(l2(1, 0)));
    assert_eq!(engine.heads().finalised, Final(l2(0, 0)));
    run(&mut engine, Event::L1Finalised { at: l1(11, 0) }, Millis(0));
    assert_eq!(engine.heads().finalised, Final(l2(1, 0)));
}

#[test]
fn a_missing_payload_is_waited_for_and_never_skipped() {
    let mut engine = engine();
    let at = l1(11, 0);
    let effects = engine.handle(block(at, l1(10, 0), vec![landing(l2(1, 0), l2(0, 0), at)]), Millis(0));
    assert!(matches!(effects[..], [Effect::Fetch { attempt: 0, .. }]));
    let missing = || Event::Fetched(Fetched { hash: l2(1, 0).hash, found: false });
    assert_eq!(engine.handle(missing(), Millis(0)), []);
    assert_eq!(engine.handle(Event::Tick, Millis(RETRY_MIN_MS - 1)), []);
    let again = engine.handle(Event::Tick, Millis(RETRY_MIN_MS));
    assert!(matches!(again[..], [Effect::Fetch { attempt: 1, .. }]));
    assert_eq!(engine.heads().applied, Applied(l2(0, 0)));
}

#[test]
fn a_block_that_l1_accepted_and_we_refuse_halts_following_for_good() {
    let mut engine = engine();
    let at = l1(11, 0);
    engine.handle(block(at, l1(10, 0), vec![landing(l2(1, 0), l2(0, 0), at)]), Millis(0));
    engine.handle(Event::Fetched(Fetched { hash: l2(1, 0).hash, found: true }), Millis(0));
    let result = Err(Refused::Invalid("state root".into()));
    let executed = Executed { hash: l2(1, 0).hash, parent_hash: l2(0, 0).hash, result };
    let effects = engine.handle(Event::Executed(executed), Millis(0));
    let halt = Halt::Split { block: l2(1, 0), reason: "state root".into() };
    assert_eq!(effects, [Effect::Halt(halt.clone())]);
    assert_eq!(
        run(&mut engine, block(l1(12, 0), l1(11, 0), vec![landing(l2(2, 0), l2(1, 0), l1(12, 0))]), Millis(0)),
        []
    );
    assert_eq!(engine.status().halted, Some(halt));
}

#[test]
fn an_l1_rewind_unwinds_to_what_had_landed_there() {
    let mut engine = engine();
    for n in 11..=15u64 {
        run(
            &mut engine,
            block(l1(n, 0), l1(n - 1, 0), vec![landing(l2(n - 10, 0), l2(n - 11, 0), l1(n, 0))]),
            Millis(0),
        );
    }
    let seen = run(&mut engine, Event::L1Rewind { to: l1(12, 0) }, Millis(0));
    assert_eq!(seen[0], Effect::Unwind { to: l2(2, 0), because: l1(12, 0), is_reset: false });
    assert_eq!(seen.last(), Some(&Effect::Cursor(l1(12, 0))));
    run(&mut engine, block(l1(13, 1), l1(12, 0), vec![landing(l2(3, 1), l2(2, 0), l1(13, 1))]), Millis(0));
    assert_eq!(engine.heads().applied, Applied(l2(3, 1)));
}

#[test]
fn an_answer_for_an_abandoned_branch_is_dropped_by_name() {
    let mut engine = engine();
    engine.handle(block(l1(11, 0), l1(10, 0), vec![landing(l2(1, 0), l2(0, 0), l1(11, 0))]), Millis(0));
    engine.handle(Event::L1Rewind { to: l1(10, 0) }, Millis(0));
    engine.handle(block(l1(11, 1), l1(10, 0), vec![landing(l2(1, 1), l2(0, 0), l1(11, 1))]), Millis(0));
    assert_eq!(engine.handle(Event::Fetched(Fetched { hash: l2(1, 0).hash, found: true }), Millis(0)), []);
    let effects = engine.handle(Event::Fetched(Fetched { hash: l2(1, 1).hash, found: true }), Millis(0));
    assert!(matches!(&effects[..], [Effect::Execute { landing }] if landing.block.hash == l2(1, 1).hash));
}

#[test]
fn building_is_asked_for_once_a_slot_and_only_when_synced() {
    let mut engine = engine();
    let at = l1(11, 0);
    let slot = Millis::from_secs(44);
    run(&mut engine, block(at, l1(10, 0), Vec::new()), slot);
    let due = slot.plus(3_000);
    assert_eq!(engine.handle(Event::Tick, due), [], "the watcher has not caught up");
    assert_eq!(engine.handle(Event::L1CaughtUp, slot.plus(2_999)), [], "a second too early");
    let build = BuildOn { parent: l2(0, 0), l1_head: at, slot_timestamp: 48 };
    assert_eq!(engine.handle(Event::Tick, due), [Effect::Build(Box::new(build))]);
    assert_eq!(engine.handle(Event::Tick, due), [], "once");
    engine.handle(Event::InFlight(vec![l2(1, 0)]), due);
    run(&mut engine, block(l1(12, 0), at, Vec::new()), due);
    engine.handle(Event::L1CaughtUp, due);
    assert_eq!(engine.handle(Event::Tick, slot.plus(7_500)), [], "a block of ours is in flight");
    engine.handle(Event::InFlight(Vec::new()), due);
    assert_eq!(engine.handle(Event::Tick, slot.plus(30_000)), [], "the L1 view is stale");
}

#[test]
fn finality_that_is_heard_of_before_the_blocks_are_applied_never_passes_them() {
    let mut engine = engine();
    let blocks = JOURNAL_LIMIT as u64 + 50;
    for n in 1..=blocks {
        let landed = landing(l2(n, 0), l2(n - 1, 0), l1(10 + n, 0));
        engine.handle(block(l1(10 + n, 0), l1(9 + n, 0), vec![landed]), Millis(0));
    }
    engine.handle(Event::L1Finalised { at: l1(10 + blocks - 5, 0) }, Millis(0));
    for n in 1..=blocks {
        let (hash, parent_hash) = (l2(n, 0).hash, l2(n - 1, 0).hash);
        engine.handle(Event::Fetched(Fetched { hash, found: true }), Millis(0));
        engine.handle(Event::Executed(Executed { hash, parent_hash, result: Ok(()) }), Millis(0));
        let heads = engine.heads();
        assert_eq!(heads.applied.0, l2(n, 0));
        assert!(heads.finalised.0.number <= n, "{heads:?}");
    }
    assert_eq!(engine.heads().finalised.0, l2(blocks - 5, 0));
}

#[test]
fn where_l1_misses_a_slot_building_is_asked_for_the_next_one() {
    let mut engine = engine();
    let at = l1(11, 0);
    run(&mut engine, block(at, l1(10, 0), Vec::new()), Millis::from_secs(44));
    let mut asked = Vec::new();
    for tick in 0..100 {
        let event = if tick == 0 { Event::L1CaughtUp } else { Event::Tick };
        let effects = engine.handle(event, Millis::from_secs(44).plus(tick * 100));
        asked.extend(effects.into_iter().map(|effect| match effect {
            Effect::Build(on) => (on.l1_head, on.slot_timestamp),
            other => panic!("{other:?}"),
        }));
    }
    assert_eq!(asked, [(at, 48), (at, 52)]);
}

#[test]
fn a_slot_gets_blocks_one_on_the_other_until_enough_are_in_flight() {
    let settings = Settings { blocks_per_slot: 3, ..SETTINGS };
    let mut engine = Engine::new(settings, resume_at(l2(0, 0), l1(10, 0)));
    let at = l1(11, 0);
    run(&mut engine, block(at, l1(10, 0), Vec::new()), Millis::from_secs(44));
    let due = Millis::from_secs(47);
    let build = |parent| vec![Effect::Build(Box::new(BuildOn { parent, l1_head: at, slot_timestamp: 48 }))];
    assert_eq!(engine.handle(Event::L1CaughtUp, due), build(l2(0, 0)));
    let chain = [l2(1, 0), l2(2, 0), l2(3, 0)];
    assert_eq!(engine.handle(Event::InFlight(chain[..1].to_vec()), due), build(chain[0]));
    assert_eq!(engine.handle(Event::InFlight(chain[..1].to_vec()), due), [], "once");
    assert_eq!(engine.handle(Event::InFlight(chain[..2].to_vec()), due), build(chain[1]));
    assert_eq!(engine.handle(Event::InFlight(chain.to_vec()), due), [], "enough");
    // The race is lost: what is built on the landed chain is asked for again.
    assert_eq!(engine.handle(Event::InFlight(Vec::new()), due), build(l2(0, 0)));
}

#[test]
fn a_start_on_the_l1_head_needs_no_new_l1_block_to_build() {
    let resume = Resume { cursor_timestamp: 40, ..resume_at(l2(0, 0), l1(10, 0)) };
    let mut engine = Engine::new(SETTINGS, resume);
    let effects = engine.handle(Event::L1CaughtUp, Millis::from_secs(43));
    let build = BuildOn { parent: l2(0, 0), l1_head: l1(10, 0), slot_timestamp: 44 };
    assert_eq!(effects, [Effect::Build(Box::new(build))]);
}

#[test]
fn a_landing_that_does_not_extend_the_landed_chain_halts() {
    let mut engine = engine();
    let at = l1(11, 0);
    let effects = engine.handle(block(at, l1(10, 0), vec![landing(l2(1, 0), l2(0, 7), at)]), Millis(0));
    let halt = Halt::BrokenChain { landed: l2(1, 0), expected_parent: l2(0, 0).hash };
    assert_eq!(effects, [Effect::Halt(halt)]);
}

#[test]
fn a_reorg_takes_unconsumed_messages_of_the_abandoned_branch_along() {
    let mut engine = engine();
    let message = |index| InboxEntry {
        message: Message {
            src_chain_id: 1,
            dst_chain_id: 2,
            index,
            sender: Default::default(),
            to: Default::default(),
            value: U256::ZERO,
            fee: U256::ZERO,
            gas_limit: 0,
            data: Bytes::new(),
        },
        inbox_hash: B256::ZERO,
    };
    for n in 11..=12u64 {
        let Event::L1Block(mut with) = block(l1(n, 0), l1(n - 1, 0), Vec::new()) else { unreachable!() };
        with.messages.push(message(n - 11));
        engine.handle(Event::L1Block(with), Millis(0));
    }
    engine.handle(Event::L1Rewind { to: l1(11, 0) }, Millis(0));
    assert_eq!(engine.inbox().map(|entry| entry.message.index).collect::<Vec<_>>(), [0]);
    engine.prune_inbox(1);
    assert_eq!(engine.inbox().count(), 0);
}

#[test]
fn what_is_final_on_another_branch_is_not_final_here() {
    let mut engine = engine();
    run(&mut engine, block(l1(11, 0), l1(10, 0), vec![landing(l2(1, 0), l2(0, 0), l1(11, 0))]), Millis(0));
    run(&mut engine, Event::L1Finalised { at: l1(11, 1) }, Millis(0));
    assert_eq!(engine.heads().finalised, Final(l2(0, 0)));
    run(&mut engine, Event::L1Rewind { to: l1(10, 0) }, Millis(0));
    run(&mut engine, block(l1(11, 1), l1(10, 0), vec![landing(l2(1, 1), l2(0, 0), l1(11, 1))]), Millis(0));
    run(&mut engine, Event::L1Finalised { at: l1(11, 1) }, Millis(0));
    assert_eq!(engine.heads().finalised, Final(l2(1, 1)));
}

#[test]
fn a_halted_engine_ignores_what_l1_does_next() {
    let mut engine = engine();
    run(&mut engine, block(l1(11, 0), l1(10, 0), vec![landing(l2(1, 0), l2(0, 0), l1(11, 0))]), Millis(0));
    run(&mut engine, Event::L1Finalised { at: l1(11, 0) }, Millis(0));
    let seen = run(&mut engine, Event::L1Rewind { to: l1(9, 0) }, Millis(0));
    assert!(matches!(seen[..], [Effect::Halt(Halt::FinalityBroken { .. })]), "{seen:?}");
    assert_eq!(run(&mut engine, block(l1(10, 1), l1(9, 0), Vec::new()), Millis(0)), []);
    assert_eq!(engine.heads().applied, Applied(l2(1, 0)));
}

#[test]
fn a_reorg_deeper_than_the_journal_resets_to_the_finalised_block_and_says_so() {
    let mut engine = engine();
    let end = 12 + 2 * JOURNAL_LIMIT as u64;
    for n in 11..=end {
        run(
            &mut engine,
            block(l1(n, 0), l1(n - 1, 0), vec![landing(l2(n - 10, 0), l2(n - 11, 0), l1(n, 0))]),
            Millis(0),
        );
        if n == 20 {
            run(&mut engine, Event::L1Finalised { at: l1(20, 0) }, Millis(0));
        }
    }
    let seen = run(&mut engine, Event::L1Rewind { to: l1(20, 0) }, Millis(0));
    assert_eq!(seen[0], Effect::Unwind { to: l2(10, 0), because: l1(20, 0), is_reset: true });
    assert_eq!(engine.heads().applied, Applied(l2(10, 0)));
    run(&mut engine, block(l1(21, 1), l1(20, 0), vec![landing(l2(11, 1), l2(10, 0), l1(21, 1))]), Millis(0));
    assert_eq!(engine.heads().applied, Applied(l2(11, 1)));
}

#[test]
fn what_lands_before_finality_and_is_applied_after_it_is_final_then() {
    let mut engine = engine();
    engine.handle(block(l1(11, 0), l1(10, 0), vec![landing(l2(1, 0), l2(0, 0), l1(11, 0))]), Millis(0));
    assert_eq!(engine.handle(Event::L1Finalised { at: l1(11, 0) }, Millis(0)), []);
    run(&mut engine, Event::Fetched(Fetched { hash: l2(1, 0).hash, found: true }), Millis(0));
    assert_eq!(engine.heads().finalised, Final(l2(1, 0)));
}

#[test]
fn a_rewind_after_a_restart_to_a_block_without_landings_keeps_what_landed_below_it() {
    let heads = Heads { applied: Applied(l2(3, 0)), landed: Landed(l2(3, 0)), finalised: Final(l2(1, 0)) };
    let landed = vec![(l2(2, 0), l1(12, 0)), (l2(3, 0), l1(15, 0))];
    let mut engine =
        Engine::new(SETTINGS, Resume { heads, landed, finalised_in: l1(11, 0), ..resume_at(l2(0, 0), l1(16, 0)) });
    let seen = run(&mut engine, Event::L1Rewind { to: l1(13, 0) }, Millis(0));
    assert_eq!(seen[0], Effect::Unwind { to: l2(2, 0), because: l1(13, 0), is_reset: false });
    assert_eq!(engine.known_l1().collect::<Vec<_>>(), [l1(11, 0), l1(12, 0), l1(13, 0)]);
}

#[test]
fn heads_resume_where_they_were_stored() {
    let heads = Heads { applied: Applied(l2(3, 0)), landed: Landed(l2(3, 0)), finalised: Final(l2(1, 0)) };
    let landed = vec![(l2(2, 0), l1(12, 0)), (l2(3, 0), l1(12, 0))];
    let resume = Resume { heads, landed, finalised_in: l1(11, 0), ..resume_at(l2(0, 0), l1(14, 0)) };
    let mut engine = Engine::new(SETTINGS, resume);
    assert_eq!(engine.known_l1().collect::<Vec<_>>(), [l1(11, 0), l1(12, 0), l1(14, 0)]);
    let seen = run(&mut engine, Event::L1Rewind { to: l1(11, 0) }, Millis(0));
    assert_eq!(seen[0], Effect::Unwind { to: l2(1, 0), because: l1(11, 0), is_reset: false });
}

proptest! {
    /// Whatever L1 does, the applied chain is what a fresh walk over the canonical L1 blocks gives, and the heads are
    /// ordered. A rewind goes to a block that a watcher remembers: one of the last, or the finalised one, however deep.
    #[test]
    fn the_applied_chain_equals_a_fresh_derivation(
        steps in prop::collection::vec((0u8..10, 0u64..8, 0usize..3, prop::bool::weighted(0.1)), 1..400)
    ) {
        let mut engine = engine();
        let mut chain: Vec<(L1Ref, Vec<Landing>)> = vec![(l1(10, 0), Vec::new())];
        let mut branch = 0u8;
        let mut finalised = 10;
        let mut applied: BTreeMap<u64, B256> = BTreeMap::from([(0, l2(0, 0).hash)]);
        for (kind, depth, landings, is_deep) in steps {
            let event = match kind {
                0 => {
                    let keep = chain.len().saturating_sub(depth as usize).max(1);
                    let last_final = chain.iter().position(|(at, _)| at.number == finalised).unwrap_or(0) + 1;
                    let keep = if is_deep { last_final } else { keep.max(last_final) };
                    chain.truncate(keep);
                    branch = branch.wrapping_add(1);
                    Event::L1Rewind { to: chain.last().unwrap().0 }
                }
                1 if chain.len() < 3 || is_deep => {
                    finalised = finalised.max(chain.last().unwrap().0.number.saturating_sub(depth));
                    Event::L1Finalised { at: chain.iter().find(|(at, _)| at.number == finalised).unwrap().0 }
                }
                _ => {
                    let parent = chain.last().unwrap().0;
                    let at = l1(parent.number + 1, branch);
                    let mut tip = chain.iter().flat_map(|(_, landed)| landed).last().map_or(l2(0, 0), Landing::block_ref);
                    let landings: Vec<_> = (0..landings).map(|_| {
                        let next = l2(tip.number + 1, branch);
                        let landing = landing(next, tip, at);
                        tip = next;
                        landing
                    }).collect();
                    chain.push((at, landings.clone()));
                    block(at, parent, landings)
                }
            };
            for effect in run(&mut engine, event, Millis(0)) {
                match effect {
                    Effect::Execute { landing } => { applied.insert(landing.block.number, landing.block.hash); }
                    Effect::Unwind { to, .. } => { applied.split_off(&(to.number + 1)); }
                    Effect::Halt(halt) => prop_assert!(false, "halted: {halt:?}"),
                    _ => {}
                }
            }
            let mut fresh = BTreeMap::from([(0, l2(0, 0).hash)]);
            fresh.extend(chain.iter().flat_map(|(_, landed)| landed).map(|landing| (landing.block.number, landing.block.hash)));
            prop_assert_eq!(&applied, &fresh);
            let heads = engine.heads();
            prop_assert_eq!(heads.applied.0.number, *fresh.keys().last().unwrap());
            prop_assert!(heads.finalised.0.number <= heads.landed.0.number);
            prop_assert!(heads.landed.0.number <= heads.applied.0.number);
        }
    }
}
