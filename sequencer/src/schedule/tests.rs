use super::*;
use DutiesError::{NoEpoch, OtherEpoch, Twice};

const SLOTS: Slots = Slots { genesis_time: 1_000, seconds: 12, per_epoch: 4 };
const ROOT: B256 = B256::repeat_byte(1);

fn wait(silent: u64, place: u64) -> Wait {
    Wait { silent, place }
}

fn serving(served: &str, proposers: [u64; 4]) -> ByDuties {
    let mut schedule = ByDuties::new(served.parse().unwrap(), 3);
    assert!(!schedule.learn(SLOTS, EpochDuties::new(2, 4, ROOT, (8..).zip(proposers)).unwrap()));
    schedule
}

/// Which of the slots 8 to 11 a node with this schedule takes at once.
fn taken(schedule: &ByDuties) -> Vec<u64> {
    (8..12).filter(|slot| schedule.may_advance(1_000 + slot * 12, Address::ZERO, Wait::default())).collect()
}

#[test]
fn under_the_open_schedule_anyone_may_advance_and_nobody_can_promise() {
    for slot_time in [0, 1, u64::MAX] {
        assert!(Open.may_advance(slot_time, Address::ZERO, Wait::default()));
        assert!(!Open.is_exclusive(slot_time, Address::ZERO));
    }
}

#[test]
fn a_node_builds_for_the_slots_of_the_validators_it_serves() {
    assert_eq!(taken(&serving("0-1,7", [0, 5, 7, 1])), [8, 10, 11]);
    assert_eq!(taken(&serving("5", [0, 5, 7, 1])), [9]);
    assert_eq!(taken(&serving("6", [0, 5, 7, 1])), [0u64; 0]);
}

#[test]
fn a_slot_lasts_until_the_next_begins() {
    let schedule = serving("5", [0, 5, 7, 1]);
    for (time, proposer) in [(0, None), (1_107, Some(0)), (1_108, Some(5)), (1_119, Some(5)), (u64::MAX, None)] {
        assert_eq!(schedule.proposer(time), proposer, "{time}");
    }
}

#[test]
fn where_nothing_lands_for_the_fallback_those_who_wait_step_in_one_after_the_other() {
    let schedule = serving("6", [0, 5, 7, 1]);
    for (silent, place, expected) in [(0, 0, false), (2, 0, false), (3, 0, true), (3, 1, false), (4, 1, true)] {
        assert_eq!(schedule.may_advance(1_096, Address::ZERO, wait(silent, place)), expected, "{silent} {place}");
    }
    assert!(!schedule.may_advance(1_096, Address::ZERO, wait(u64::MAX - 1, u64::MAX)));
}

#[test]
fn unknown_duties_leave_the_fallback() {
    let schedule = ByDuties::new("0-9".parse().unwrap(), 3);
    assert!(!schedule.may_advance(1_096, Address::ZERO, wait(2, 0)));
    assert!(schedule.may_advance(1_096, Address::ZERO, wait(3, 0)));
    let known = serving("0-9", [0, 5, 7, 1]);
    assert!(!known.may_advance(1_096 + 4 * 12, Address::ZERO, wait(2, 0)), "the epoch after");
}

#[test]
fn duties_of_another_epoch_or_with_two_proposers_for_a_slot_are_refused_whole() {
    let new = |epoch, per_epoch, duties: &[(u64, u64)]| {
        EpochDuties::new(epoch, per_epoch, ROOT, duties.iter().copied()).map(|duties| duties.proposers.len())
    };
    assert_eq!(new(2, 4, &[]), Ok(0));
    assert_eq!(new(2, 4, &[(11, 1), (8, 1)]), Ok(2));
    assert_eq!(new(2, 4, &[(8, 1), (12, 1)]), Err(OtherEpoch { slot: 12, epoch: 2 }));
    assert_eq!(new(2, 4, &[(7, 1)]), Err(OtherEpoch { slot: 7, epoch: 2 }));
    assert_eq!(new(2, 4, &[(8, 1), (8, 1)]), Err(Twice { slot: 8 }));
    for (epoch, per_epoch) in [(0, 0), (0, SLOTS_PER_EPOCH_MAX + 1), (u64::MAX, 32), (u64::MAX / 32 + 1, 32)] {
        assert_eq!(new(epoch, per_epoch, &[]), Err(NoEpoch { epoch, per_epoch }));
    }
    assert_eq!(new(u64::MAX / 32, 32, &[(u64::MAX, 1)]), Ok(1));
}

#[test]
fn a_missing_slot_is_nobodys() {
    let mut schedule = ByDuties::new("0-9".parse().unwrap(), 3);
    schedule.learn(SLOTS, EpochDuties::new(2, 4, ROOT, [(8, 1), (11, 2)]).unwrap());
    assert_eq!(taken(&schedule), [8, 11]);
}

#[test]
fn an_l1_reorg_replaces_the_duties_of_an_epoch() {
    let mut schedule = serving("5", [0, 5, 7, 1]);
    let same = EpochDuties::new(2, 4, ROOT, (8..).zip([0, 5, 7, 1])).unwrap();
    assert!(!schedule.learn(SLOTS, same));
    let other = EpochDuties::new(2, 4, B256::repeat_byte(2), (8..).zip([5, 0, 7, 1])).unwrap();
    assert!(schedule.learn(SLOTS, other));
    assert_eq!(taken(&schedule), [8]);
}

#[test]
fn only_a_few_epochs_are_remembered_and_none_of_other_slots() {
    let mut schedule = serving("5", [5; 4]);
    for epoch in 3..7 {
        schedule.learn(SLOTS, EpochDuties::new(epoch, 4, ROOT, [(epoch * 4, 5)]).unwrap());
    }
    assert_eq!(schedule.epochs.keys().copied().collect::<Vec<_>>(), [3, 4, 5, 6]);
    let other = Slots { genesis_time: 1_001, ..SLOTS };
    schedule.learn(other, EpochDuties::new(6, 4, ROOT, []).unwrap());
    assert_eq!(schedule.epochs.len(), 1);
}

#[test]
fn validators_are_named_by_index_and_range() {
    let served: Served = "0-9,12, 40 - 41".parse().unwrap();
    let members: Vec<u64> = (0..100).filter(|index| served.contains(*index)).collect();
    assert_eq!(members, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 40, 41]);
    assert_eq!(served.to_string(), "0-9,12,40-41");
    for wrong in ["", ",", "a", "1-", "-1", "3-2", "1,,2", "1-2-3", "18446744073709551616"] {
        assert!(wrong.parse::<Served>().is_err(), "{wrong:?}");
    }
    assert_eq!(vec!["1"; RANGES_TOO_MANY].join(",").parse::<Served>(), Err(ServedError::TooMany));
}

const RANGES_TOO_MANY: usize = 4_097;

#[test]
fn those_who_wait_have_different_places_and_others_on_another_parent() {
    let all: BTreeSet<Address> = (1..=4).map(Address::repeat_byte).collect();
    let places = |parent: B256| all.iter().map(|own| place(parent, *own, &all)).collect::<Vec<_>>();
    let mut orders = BTreeSet::new();
    for parent in (0..20).map(B256::repeat_byte) {
        let order = places(parent);
        assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), (0..4).collect(), "{order:?}");
        orders.insert(order);
    }
    assert!(orders.len() > 5, "{}", orders.len());
    assert_eq!(place(ROOT, Address::ZERO, &BTreeSet::new()), 0);
    assert!(place(ROOT, Address::ZERO, &all) <= 4);
}

#[test]
fn silence_is_counted_on_one_parent_while_something_waits() {
    let (a, b) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let mut silence = Silence::default();
    let mut slots = |parent, time| silence.slots(parent, time, 2_000);
    assert_eq!([slots(a, 100), slots(a, 102), slots(a, 102), slots(a, 110)], [0, 1, 1, 5]);
    assert_eq!([slots(b, 112), slots(b, 114)], [0, 1]);
    assert_eq!(slots(b, 108), 0, "time that goes back begins anew");
    silence.end();
    assert_eq!(silence.slots(b, 120, 2_000), 0);
    assert_eq!(silence.slots(b, u64::MAX, 0), u64::MAX, "no slot time is no division by zero");
}
