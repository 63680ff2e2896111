use super::*;

#[test]
fn under_the_open_schedule_anyone_may_advance_and_nobody_can_promise() {
    for slot in [0, 1, u64::MAX] {
        assert!(Open.may_advance(slot, Address::ZERO));
        assert!(!Open.is_exclusive(slot, Address::ZERO));
    }
}
