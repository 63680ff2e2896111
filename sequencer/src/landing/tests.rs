use std::collections::BTreeSet;

use alloy_primitives::B256;
use proptest::prelude::*;

use super::*;

const WINNER: B256 = B256::repeat_byte(0xee);
const OURS: B256 = B256::repeat_byte(0x11);

fn policy() -> Policy {
    Policy {
        base_fee_factor: 2,
        blob_fee_factor: 2,
        tip: 1,
        patience: 3,
        cap: Fees { max_fee: 100, tip: 100, max_blob_fee: 100 },
    }
}

fn market(base_fee: u128) -> Market {
    Market { base_fee, blob_base_fee: 1 }
}

fn target(outbid: Option<Fees>) -> Target {
    Target { chain_id: 7, number: 5, block_hash: OURS, nonce: 9, gas_limit: 16_000_000, outbid }
}

fn sealed() -> Event {
    Event::Sealed { target: target(None), l1_number: 100, market: market(5) }
}

fn head(number: u64, height: Height, account_nonce: u64) -> Event {
    Event::L1Head(L1Head { number, finalized: number.saturating_sub(10), height, account_nonce, market: market(5) })
}

fn open(number: u64) -> Event {
    head(number, Height::Open, 9)
}

fn ours(number: u64, l1_number: u64) -> Event {
    head(number, Height::Ours { l1_number }, 10)
}

fn sent(n: u8) -> Event {
    Event::Sent { hash: B256::repeat_byte(n) }
}

fn failed(why: SendFailure) -> Event {
    Event::SendFailed { why }
}

/// One word for a state, as little as a reader needs of an effect.
fn show(state: &Landing, effects: &[Effect]) -> String {
    let state = match state {
        Landing::Idle => "idle".to_owned(),
        Landing::Ready(_) => "ready".to_owned(),
        Landing::Sent(_) => "sent".to_owned(),
        Landing::Landed(_) => "landed".to_owned(),
        Landing::Over(record) => match record.outcome {
            Outcome::Final { .. } => "final",
            Outcome::Lost { .. } => "lost",
            Outcome::Reverted(_) => "reverted",
            Outcome::Displaced => "displaced",
            Outcome::Refused => "refused",
            Outcome::Open | Outcome::Landed { .. } => "over?",
        }
        .to_owned(),
    };
    let effects = effects.iter().map(|effect| match effect {
        Effect::Persist(record) => {
            assert!(!record.attempts.is_empty());
            "persist".to_owned()
        }
        Effect::Send { nonce, fees, replaces, .. } => {
            format!("send#{nonce}({}/{}/{} replaces {replaces})", fees.max_fee, fees.tip, fees.max_blob_fee)
        }
        Effect::Requeue { .. } => "requeue".to_owned(),
        Effect::Release { nonce, .. } => format!("release#{nonce}"),
        Effect::Report(report) => format!("{report:?}").split([' ', '(']).next().unwrap().to_owned(),
    });
    let effects: Vec<String> = effects.collect();
    format!("{state}: {}", effects.join(", ")).trim_end().to_owned()
}

/// Runs events from the start and compares the trace, line by line.
fn check(events: impl IntoIterator<Item = Event>, expected: &[&str]) -> Landing {
    let mut state = Landing::default();
    let mut trace = Vec::new();
    for event in events {
        let (next, effects) = state.handle(event, &policy());
        trace.push(show(&next, &effects));
        state = next;
    }
    assert_eq!(trace, expected);
    state
}

const START: &str = "ready: persist, send#9(11/1/2 replaces 0)";

#[test]
fn a_block_lands_and_becomes_final() {
    check(
        [sealed(), sent(1), open(101), ours(102, 102), ours(103, 102), ours(112, 102), open(113)],
        &[START, "sent: persist", "sent:", "landed: persist, Landed", "landed:", "final: persist, Final", "final:"],
    );
}

#[test]
fn a_late_transaction_doubles_every_fee() {
    check(
        [sealed(), sent(1), open(102), open(103), sent(2), open(105), open(106)],
        &[
            START,
            "sent: persist",
            "sent:",
            "ready: persist, send#9(22/2/4 replaces 1), Bumped",
            "sent: persist",
            "sent:",
            "ready: persist, send#9(44/4/8 replaces 2), Bumped",
        ],
    );
}

#[test]
fn the_cap_stops_the_doubling_with_an_alarm_and_the_last_one_is_sent_again() {
    let late = |n: u64| [open(100 + 3 * n), sent(n as u8 + 1)];
    let events = [sealed(), sent(1)].into_iter().chain((1..=4).flat_map(late)).chain([open(116)]);
    let state = check(
        events,
        &[
            START,
            "sent: persist",
            "ready: persist, send#9(22/2/4 replaces 1), Bumped",
            "sent: persist",
            "ready: persist, send#9(44/4/8 replaces 2), Bumped",
            "sent: persist",
            "ready: persist, send#9(88/8/16 replaces 3), Bumped",
            "sent: persist",
            "ready: send#9(88/8/16 replaces 3), FeeCapReached",
            "sent: persist",
            "ready: send#9(88/8/16 replaces 3), FeeCapReached",
        ],
    );
    assert_eq!(state.record().unwrap().hashes().count(), 4);
}

#[test]
fn a_dear_market_raises_fees_beyond_the_doubling() {
    let mut state = Landing::default();
    for event in [sealed(), sent(1)] {
        state = state.handle(event, &policy()).0;
    }
    let dear = L1Head { number: 103, finalized: 90, height: Height::Open, account_nonce: 9, market: market(40) };
    let (state, effects) = state.handle(Event::L1Head(dear), &policy());
    assert_eq!(show(&state, &effects), "ready: persist, send#9(81/2/4 replaces 1), Bumped");
}

#[test]
fn nothing_is_begun_above_the_cap() {
    let event = Event::Sealed { target: target(None), l1_number: 100, market: market(50) };
    check([event, sealed()], &["idle: FeeCapReached", START]);
}

#[test]
fn a_dead_transaction_in_the_lane_is_outbid() {
    let dead = Fees { max_fee: 30, tip: 4, max_blob_fee: 10 };
    let event = Event::Sealed { target: target(Some(dead)), l1_number: 100, market: market(5) };
    check([event], &["ready: persist, send#9(60/8/20 replaces 0)"]);
}

#[test]
fn a_lost_race_requeues_and_releases_the_nonce() {
    let other = |nonce| head(101, Height::Other { block_hash: WINNER, l1_number: 101 }, nonce);
    check([sealed(), sent(1), other(9)], &[START, "sent: persist", "lost: persist, Lost, requeue, release#9"]);
    // Included and reverted: the nonce is used.
    check([sealed(), sent(1), other(10)], &[START, "sent: persist", "lost: persist, Lost, requeue"]);
}

#[test]
fn a_revert_is_judged_by_the_head_that_follows() {
    let receipt = |reverted| Event::Receipt { hash: B256::repeat_byte(1), l1_number: 101, reverted };
    let mut expected = vec![START, "sent: persist", "sent: persist"];
    expected.push("reverted: persist, Reverted");
    check([sealed(), sent(1), receipt(true), head(101, Height::Open, 10)], &expected);
    let other = head(101, Height::Other { block_hash: WINNER, l1_number: 101 }, 10);
    *expected.last_mut().unwrap() = "lost: persist, Lost, requeue";
    check([sealed(), sent(1), receipt(true), other], &expected);
    // The L1 block that held the revert is gone: it may yet land.
    check(
        [sealed(), sent(1), receipt(true), Event::Reorged { to: 100 }, sent(1), ours(101, 101)],
        &[
            START,
            "sent: persist",
            "sent: persist",
            "ready: send#9(11/1/2 replaces 0)",
            "sent:",
            "landed: persist, Landed",
        ],
    );
    check(
        [sealed(), sent(1), receipt(false), ours(101, 101)],
        &[START, "sent: persist", "sent:", "landed: persist, Landed"],
    );
}

#[test]
fn a_nonce_used_by_someone_else_ends_the_landing() {
    check([sealed(), sent(1), head(101, Height::Open, 10)], &[START, "sent: persist", "displaced: persist, Displaced"]);
}

#[test]
fn a_reorg_that_takes_the_block_back_sends_it_again_under_the_same_nonce() {
    check(
        [
            sealed(),
            sent(1),
            ours(101, 101),
            Event::Reorged { to: 100 },
            open(101),
            sent(1),
            ours(102, 102),
            ours(103, 103),
        ],
        &[
            START,
            "sent: persist",
            "landed: persist, Landed",
            "landed:",
            "ready: persist, TakenBack, send#9(11/1/2 replaces 0)",
            "sent:",
            "landed: persist, Landed",
            "landed: persist, Landed",
        ],
    );
}

#[test]
fn a_reorg_in_which_another_block_won_loses_the_race() {
    let other = head(102, Height::Other { block_hash: WINNER, l1_number: 101 }, 9);
    check(
        [sealed(), sent(1), ours(101, 101), other],
        &[
            START,
            "sent: persist",
            "landed: persist, Landed",
            "lost: persist, TakenBack, persist, Lost, requeue, release#9",
        ],
    );
}

#[test]
fn failures_to_send_are_retried_raised_or_reported() {
    let trace = |why, then: Event, expected: [&str; 2]| {
        check([sealed(), failed(why), then], &[START, expected[0], expected[1]]);
    };
    trace(SendFailure::AlreadyKnown, open(101), ["sent:", "sent:"]);
    trace(SendFailure::Unreachable, open(101), ["ready:", "ready: send#9(11/1/2 replaces 0)"]);
    trace(SendFailure::NonceTooLow, ours(101, 101), ["ready:", "landed: persist, Landed"]);
    trace(SendFailure::InsufficientFunds, open(101), ["ready: WalletEmpty", "ready: send#9(11/1/2 replaces 0)"]);
    trace(SendFailure::Underpriced, sent(2), ["ready: persist, send#9(22/2/4 replaces 1), Bumped", "sent: persist"]);
    trace(SendFailure::Invalid, open(101), ["refused: persist, Refused", "refused:"]);
    trace(SendFailure::NotYet, open(101), ["ready:", "ready: send#9(11/1/2 replaces 0)"]);
    trace(SendFailure::WouldRevert, open(101), ["refused: persist, Refused", "refused:"]);
}

#[test]
fn underpriced_at_the_cap_waits_instead_of_looping() {
    let underpriced = || failed(SendFailure::Underpriced);
    check(
        [sealed()].into_iter().chain((0..8).map(|_| underpriced())).chain([open(101)]),
        &[
            START,
            "ready: persist, send#9(22/2/4 replaces 1), Bumped",
            "ready: persist, send#9(44/4/8 replaces 2), Bumped",
            "ready: persist, send#9(88/8/16 replaces 3), Bumped",
            "ready: persist, send#9(100/16/32 replaces 4), Bumped",
            "ready: persist, send#9(100/32/64 replaces 5), Bumped",
            "ready: persist, send#9(100/64/100 replaces 6), Bumped",
            "ready: persist, send#9(100/100/100 replaces 7), Bumped",
            "sent: FeeCapReached",
            "sent:",
        ],
    );
}

#[test]
fn a_dead_transaction_is_outbid_within_the_cap_even_where_twice_its_offer_is_above_it() {
    // It was offered when L1 was dear, and may have reached no pool: it must not hold the lane up for ever.
    let event = Event::Sealed {
        target: target(Some(Fees { max_fee: 60, tip: 2, max_blob_fee: 3 })),
        l1_number: 100,
        market: market(5),
    };
    check([event], &["ready: persist, send#9(100/4/6 replaces 0)"]);
}

#[test]
fn an_earlier_attempt_stays_watched_when_a_later_one_is_refused() {
    check(
        [sealed(), sent(1), open(103), failed(SendFailure::Invalid), ours(104, 104)],
        &[
            START,
            "sent: persist",
            "ready: persist, send#9(22/2/4 replaces 1), Bumped",
            "sent: Refused",
            "landed: persist, Landed",
        ],
    );
}

#[test]
fn a_second_block_is_not_taken() {
    check([sealed(), sealed()], &[START, "ready: Unexpected"]);
}

#[test]
fn after_a_restart_the_same_transaction_is_sent_again() {
    let (state, effects) = Landing::default().handle(sealed(), &policy());
    let record = state.record().unwrap().clone();
    let (resumed, again) = Landing::resume(record);
    assert_eq!(resumed, state);
    assert_eq!(again, effects[1..]);
    let (landed, _) = resumed.handle(ours(101, 101), &policy());
    assert_eq!(Landing::resume(landed.record().unwrap().clone()), (landed, Vec::new()));
}

#[test]
fn a_record_survives_the_journal_and_other_versions_are_refused() {
    let mut state = Landing::default();
    for event in [sealed(), sent(1), open(103), Event::Receipt { hash: WINNER, l1_number: 103, reverted: true }] {
        state = state.handle(event, &policy()).0;
    }
    let record = state.record().unwrap();
    let json = serde_json::to_string(record).unwrap();
    assert!(json.starts_with(r#"{"version":1,"#), "{json}");
    assert_eq!(&serde_json::from_str::<Record>(&json).unwrap(), record);
    let error = |json: &str| serde_json::from_str::<Record>(json).unwrap_err().to_string();
    assert_eq!(
        error(&json.replacen(r#""version":1"#, r#""version":2"#, 1)),
        "landing record has version 2, this program reads 1"
    );
    let none = Record { attempts: Vec::new(), ..record.clone() };
    assert_eq!(error(&serde_json::to_string(&none).unwrap()), "landing record with 0 attempts");
}

#[test]
fn attempts_are_bounded_even_without_a_cap() {
    let policy = Policy { cap: Fees { max_fee: u128::MAX, tip: u128::MAX, max_blob_fee: u128::MAX }, ..policy() };
    let mut state = Landing::default().handle(sealed(), &policy).0;
    for _ in 0..100 {
        state = state.handle(failed(SendFailure::Underpriced), &policy).0;
    }
    assert_eq!(state.record().unwrap().attempts.len(), Record::MAX_ATTEMPTS);
}

fn event() -> impl Strategy<Value = Event> {
    let height = prop_oneof![
        4 => Just(Height::Open),
        1 => (95..115u64).prop_map(|l1_number| Height::Ours { l1_number }),
        1 => Just(Height::Other { block_hash: WINNER, l1_number: 101 }),
    ];
    let failure = prop_oneof![
        Just(SendFailure::AlreadyKnown),
        Just(SendFailure::Underpriced),
        Just(SendFailure::NonceTooLow),
        Just(SendFailure::InsufficientFunds),
        Just(SendFailure::Unreachable),
        Just(SendFailure::Invalid),
        Just(SendFailure::NotYet),
        Just(SendFailure::WouldRevert),
    ];
    prop_oneof![
        1 => (0..20u64, 0..60u128).prop_map(|(nonce, base_fee)| Event::Sealed {
            target: Target { nonce, ..target(None) },
            l1_number: 100,
            market: market(base_fee),
        }),
        3 => any::<u8>().prop_map(sent),
        2 => failure.prop_map(failed),
        6 => (90..130u64, 0..120u64, height, 0..20u64, 0..200u128).prop_map(|(number, finalized, height, account_nonce, base_fee)| {
            Event::L1Head(L1Head { number, finalized, height, account_nonce, market: market(base_fee) })
        }),
        2 => (any::<u8>(), 90..130u64, any::<bool>())
            .prop_map(|(n, l1_number, reverted)| Event::Receipt { hash: B256::repeat_byte(n), l1_number, reverted }),
        1 => (90..130u64).prop_map(|to| Event::Reorged { to }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_landing_uses_one_nonce_persists_before_it_sends_and_ends_once(
        events in prop::collection::vec(event(), 0..60),
        crash_at in 0..60usize,
    ) {
        let policy = policy();
        let (mut state, mut journal, mut nonces) = (Landing::default(), None::<Record>, BTreeSet::new());
        for (i, event) in events.into_iter().enumerate() {
            if i == crash_at && let Some(record) = journal.clone() {
                // What was not on disk is forgotten; nothing that was sent is.
                let (resumed, effects) = Landing::resume(record);
                for effect in &effects {
                    if let Effect::Send { nonce, .. } = effect {
                        nonces.insert(*nonce);
                    }
                }
                state = resumed;
            }
            let before = state.clone();
            let (next, effects) = state.handle(event, &policy);
            if before.is_over() {
                prop_assert_eq!(&next, &before, "terminal states are terminal");
                prop_assert!(effects.is_empty());
            }
            for effect in effects {
                match effect {
                    Effect::Persist(record) => journal = Some(record),
                    Effect::Send { nonce, fees, replaces, .. } => {
                        nonces.insert(nonce);
                        let on_disk = journal.as_ref().expect("persisted before it is sent");
                        prop_assert_eq!(on_disk.nonce, nonce);
                        prop_assert_eq!(on_disk.last().fees, fees, "the attempt that is sent is on disk");
                        prop_assert_eq!(on_disk.attempts.len(), replaces + 1);
                        prop_assert!(fees.is_within(&policy.cap));
                        prop_assert!(fees.tip <= fees.max_fee);
                    }
                    Effect::Requeue { block_hash } => prop_assert_eq!(block_hash, OURS),
                    Effect::Release { .. } | Effect::Report(_) => {}
                }
            }
            prop_assert!(nonces.len() <= 1, "never two nonces for one block: {:?}", nonces);
            if let Some(record) = next.record() {
                prop_assert!((1..=Record::MAX_ATTEMPTS).contains(&record.attempts.len()));
                for pair in record.attempts.windows(2) {
                    let twice = pair[0].fees.replacement();
                    // What reached no pool need not be doubled to be replaced.
                    let least = if pair[0].is_out { twice } else { twice.min(policy.cap) };
                    prop_assert_eq!(least.max(pair[1].fees), pair[1].fees, "every field doubles");
                }
                let over = matches!(record.outcome, Outcome::Open | Outcome::Landed { .. });
                prop_assert_eq!(next.is_over(), !over);
            }
            state = next;
        }
    }
}
