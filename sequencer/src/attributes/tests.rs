use super::*;

fn parent() -> Header {
    Header { number: 6, timestamp: 1_000, gas_limit: 12_000_000, ..Header::default() }
}

const NAMED: Named = Named { origin_number: 40, inbox_count: 3 };

fn aim() -> Aim {
    Aim {
        chain_id: 7901,
        timestamp: 1_012,
        origin: Origin { number: 41, hash: B256::repeat_byte(5) },
        inbox: InboxChain { count: 4, hash: B256::repeat_byte(6) },
        gas_limit: 12_000_000,
        fee_recipient: Address::repeat_byte(7),
        extra_data: Bytes::from_static(b"basalt"),
    }
}

#[test]
fn header_fields_follow_from_origin_inbox_and_slot() {
    let (attributes, anchor) = attributes(&parent(), NAMED, aim()).unwrap();
    assert_eq!(attributes.timestamp, 1_012);
    assert_eq!(attributes.slot_number, 7);
    assert_eq!(attributes.prev_randao, prev_randao(B256::repeat_byte(5), 7));
    assert_eq!(attributes.parent_beacon_block_root, anchor.hash());
    assert_eq!((anchor.origin_number, anchor.inbox_count, anchor.chain_id), (41, 4, 7901));
    // Decision 3: nothing else goes in, so the same aim gives the same attributes.
    assert_eq!(super::attributes(&parent(), NAMED, aim()).unwrap().0, attributes);
}

#[test]
fn what_hub_would_refuse_is_refused_before_building() {
    let check = |change: &dyn Fn(&mut Aim), expected: AttributesError| {
        let mut aim = aim();
        change(&mut aim);
        assert_eq!(attributes(&parent(), NAMED, aim).unwrap_err(), expected);
    };
    check(&|aim| aim.timestamp = 1_000, AttributesError::TimeStandsStill { parent: 1_000, timestamp: 1_000 });
    check(&|aim| aim.origin.number = 39, AttributesError::OriginMovedBack { origin: 39, parent: 40 });
    check(&|aim| aim.inbox.count = 2, AttributesError::InboxMovedBack { count: 2, parent: 3 });
    check(&|aim| aim.extra_data = Bytes::from(vec![0; 33]), AttributesError::ExtraDataTooLong(33));
    let last = Header { number: u64::MAX, ..parent() };
    assert_eq!(attributes(&last, NAMED, aim()).unwrap_err(), AttributesError::NumbersUsedUp);
}

#[test]
fn blocks_of_one_slot_get_a_second_each_and_the_last_one_its_start() {
    let times = |parent, rooms: &[u64]| -> Vec<Option<u64>> {
        let mut parent = parent;
        let next = |room: &u64| {
            let time = timestamp(parent, 1_012, *room);
            parent = time.unwrap_or(parent);
            time
        };
        rooms.iter().map(next).collect()
    };
    assert_eq!(times(1_000, &[0]), [Some(1_012)]);
    assert_eq!(times(1_000, &[2, 1, 0]), [Some(1_010), Some(1_011), Some(1_012)]);
    assert_eq!(times(1_010, &[2, 1, 0]), [Some(1_011), Some(1_012), None], "the slot has no more seconds");
    assert_eq!(times(1_012, &[0]), [None]);
    assert_eq!(timestamp(u64::MAX, u64::MAX, 0), None);
}

#[test]
fn origins_stay_within_their_lags_and_never_go_back() {
    assert_eq!(origin_number(100, 4, 2, 0), Some(96));
    assert_eq!(origin_number(100, 1, 2, 0), Some(98));
    assert_eq!(origin_number(100, 99, 2, 0), Some(36));
    assert_eq!(origin_number(100, 4, 2, 97), Some(97));
    assert_eq!(origin_number(100, 4, 2, 98), Some(98));
    assert_eq!(origin_number(100, 4, 2, 99), None);
    assert_eq!(origin_number(1, 1, 2, 0), None);
    assert_eq!(origin_number(100, 0, 0, 0), Some(99));
}

#[test]
fn the_gas_limit_follows_demand_by_less_than_a_1024th() {
    let bounds = GasBounds { min: 5_000_000, max: 15_000_000 };
    assert_eq!(gas_limit(12_000_000, 6_000_000, bounds), 12_000_000);
    assert_eq!(gas_limit(12_000_000, 6_001_000, bounds), 12_002_000);
    assert_eq!(gas_limit(12_000_000, u64::MAX, bounds), 12_000_000 + 12_000_000 / 1_024 - 1);
    assert_eq!(gas_limit(12_000_000, 0, bounds), 12_000_000 - 12_000_000 / 1_024 + 1);
    assert_eq!(gas_limit(5_000_000, 0, bounds), 5_000_000);
    assert_eq!(gas_limit(15_000_000, u64::MAX, bounds), 15_000_000);
    let mut limit = 15_000_000;
    for _ in 0..5_000 {
        let next = gas_limit(limit, 1_000_000, bounds);
        assert!(next.abs_diff(limit) < limit / 1_024 && next <= limit);
        limit = next;
    }
    assert_eq!(limit, bounds.min);
}

#[test]
fn a_block_is_due_for_work_or_a_heartbeat() {
    let idle = Need { has_transactions: false, has_messages: false, parent_time: 1_000, slot_time: 1_599 };
    assert!(!idle.is_due(MAX_IDLE_DEFAULT));
    assert!(Need { slot_time: 1_600, ..idle }.is_due(MAX_IDLE_DEFAULT));
    assert!(Need { has_transactions: true, ..idle }.is_due(MAX_IDLE_DEFAULT));
    assert!(Need { has_messages: true, ..idle }.is_due(MAX_IDLE_DEFAULT));
    assert!(!Need { slot_time: 0, ..idle }.is_due(MAX_IDLE_DEFAULT));
}
