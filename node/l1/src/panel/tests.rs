use super::*;

const PATIENCE: Patience = Patience { branch: Duration::from_secs(24), behind_s: 36 };

fn agrees(timestamp: u64) -> Said {
    Said::Agrees { timestamp }
}

fn differs(timestamp: u64) -> Said {
    Said::Differs { timestamp }
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A round in which every endpoint is asked.
fn round(panel: &mut Panel, said: &[Said], seconds: u64) -> Vec<Change> {
    let said: Vec<_> = said.iter().copied().enumerate().collect();
    panel.round(&said, at(seconds))
}

#[test]
fn one_endpoint_is_followed_whatever_it_says() {
    let mut panel = Panel::new(1, PATIENCE);
    for said in [agrees(12), Said::Nothing, Said::Nothing, Said::Nothing, Said::Nothing, Said::Lied, agrees(24)] {
        let changes = round(&mut panel, &[said], 0);
        assert!(changes.iter().all(|change| matches!(change, Change::Quarantined { .. })), "{changes:?}");
        assert_eq!(panel.current(), 0);
        assert!(panel.may_ask(0, at(0)));
    }
}

#[test]
fn silence_and_falling_behind_cost_the_turn_and_nothing_else() {
    let mut panel = Panel::new(3, PATIENCE);
    assert_eq!(round(&mut panel, &[agrees(100), agrees(100), agrees(100)], 0), []);
    for n in 1..FAILURES_MAX {
        assert_eq!(round(&mut panel, &[Said::Nothing, agrees(100), agrees(100)], u64::from(n)), []);
    }
    let changes = round(&mut panel, &[Said::Nothing, agrees(100), agrees(100)], 9);
    assert_eq!(changes, [Change::Follows { from: 0, to: 1, why: "the other does not answer" }]);
    assert!(!panel.may_ask(0, at(38)) && panel.may_ask(0, at(39)));

    // Back again, it is no better than the one that is followed.
    assert_eq!(round(&mut panel, &[agrees(112), agrees(112), agrees(112)], 20), []);
    assert_eq!(round(&mut panel, &[agrees(148), agrees(112), agrees(112)], 50), []);
    let changes = round(&mut panel, &[agrees(149), agrees(112), agrees(149)], 51);
    assert_eq!(changes, [Change::Follows { from: 1, to: 0, why: "the other is behind" }]);
}

#[test]
fn a_lie_is_quarantined_longer_each_time_up_to_a_limit() {
    let mut panel = Panel::new(2, PATIENCE);
    let (mut now, mut pauses) = (0, Vec::new());
    for _ in 0..9 {
        let changes = round(&mut panel, &[agrees(1), Said::Lied], now);
        let [Change::Quarantined { member: 1, until, .. }] = changes[..] else { panic!("{changes:?}") };
        assert!(!panel.may_ask(1, until - Duration::from_millis(1)) && panel.may_ask(1, until));
        pauses.push((until - at(now)).as_secs());
        now = until.as_secs();
    }
    assert_eq!(pauses, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
    let changes = round(&mut Panel::new(2, PATIENCE), &[Said::Lied, agrees(1)], 0);
    assert!(
        matches!(changes[..], [Change::Quarantined { member: 0, .. }, Change::Follows { to: 1, .. }]),
        "{changes:?}"
    );
}

#[test]
fn a_branch_of_the_few_is_quarantined_when_it_lasts() {
    let mut panel = Panel::new(3, PATIENCE);
    // An ordinary reorg: seen by one before the others.
    assert_eq!(round(&mut panel, &[agrees(100), differs(101), agrees(100)], 0), []);
    assert_eq!(round(&mut panel, &[agrees(112), agrees(112), agrees(112)], 12), []);
    assert_eq!(round(&mut panel, &[agrees(124), differs(124), agrees(124)], 24), []);
    assert_eq!(round(&mut panel, &[agrees(136), differs(136), agrees(136)], 47), []);
    let changes = round(&mut panel, &[agrees(148), differs(148), agrees(148)], 48);
    assert!(matches!(changes[..], [Change::Quarantined { member: 1, .. }]), "{changes:?}");
    assert!(!panel.is_contested());
}

#[test]
fn the_branch_of_most_wins_over_the_followed_one() {
    let mut panel = Panel::new(3, PATIENCE);
    assert_eq!(round(&mut panel, &[agrees(100), differs(100), differs(100)], 0), []);
    let changes = round(&mut panel, &[agrees(124), differs(124), differs(124)], 24);
    let [Change::Quarantined { member: 0, .. }, Change::Follows { from: 0, to: 1, .. }] = changes[..] else {
        panic!("{changes:?}")
    };
    assert_eq!(round(&mut panel, &[Said::Nothing, agrees(136), agrees(136)], 36), []);
}

#[test]
fn two_branches_without_a_majority_are_contested_until_one_gives_way() {
    let mut panel = Panel::new(2, PATIENCE);
    round(&mut panel, &[agrees(100), differs(100)], 0);
    assert!(!panel.is_contested());
    assert_eq!(round(&mut panel, &[agrees(124), differs(124)], 24), []);
    assert!(panel.is_contested());
    assert_eq!(panel.current(), 0);
    round(&mut panel, &[agrees(136), agrees(136)], 36);
    assert!(!panel.is_contested());
}

#[test]
fn nobody_is_followed_who_is_quarantined_silent_or_on_another_branch() {
    let mut panel = Panel::new(4, PATIENCE);
    round(&mut panel, &[agrees(100), Said::Lied, differs(900), Said::Nothing], 0);
    for n in 1..10 {
        let changes = round(&mut panel, &[Said::Nothing, Said::Nothing, differs(900), Said::Nothing], n);
        assert_eq!(changes, []);
        assert_eq!(panel.current(), 0);
    }
}
