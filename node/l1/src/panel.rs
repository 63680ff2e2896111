//! Which of several L1 endpoints is believed: the pure part. It is told what each endpoint said and answers whom to follow.
//!
//! An endpoint may be down, behind, on a branch that will be reorged away in a moment, or lying. Falling behind and
//! silence cost an endpoint its turn; a lie, or a branch that it keeps to while most keep to another one, costs it
//! [`QUARANTINE_MIN`], doubled each time. Where no majority is, nobody is believed more than before, and
//! [`Panel::is_contested`] says so: a sequencer waits then.
//!
//! Must not know: URLs, requests, clocks. `now` is any time that does not go back.

use std::time::Duration;

/// First quarantine; it doubles up to [`QUARANTINE_MAX`].
pub const QUARANTINE_MIN: Duration = Duration::from_secs(60);

/// Longest quarantine.
pub const QUARANTINE_MAX: Duration = Duration::from_secs(3_600);

/// Failures in a row before the turn goes to another endpoint.
const FAILURES_MAX: u32 = 3;

/// How long an endpoint that lost its turn by silence is not asked.
const SILENCE: Duration = Duration::from_secs(30);

/// What one endpoint said in one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It has a head, on the branch that is followed: the followed tip is on its chain, or its head on ours.
    Agrees {
        /// Timestamp of its head, seconds.
        timestamp: u64,
    },
    /// It has a head on another branch.
    Differs {
        /// Timestamp of its head, seconds.
        timestamp: u64,
    },
    /// It did not answer, or has no head.
    Nothing,
    /// What it said contradicts itself: a header that is not its hash, receipts that are not their root.
    Lied,
}

#[derive(Clone, Copy, Debug, Default)]
struct Member {
    quarantined_until: Option<Duration>,
    quarantines: u32,
    failures: u32,
    /// Not worth asking before.
    silent_until: Option<Duration>,
    /// Since when it keeps to another branch.
    differs_since: Option<Duration>,
    timestamp: u64,
    answered: bool,
}

/// How patient the panel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long two branches may stand beside each other before somebody is wrong: longer than ordinary reorgs take.
    pub branch: Duration,
    /// How far a head may be behind the newest one, seconds, before its endpoint loses its turn.
    pub behind_s: u64,
}

impl Default for Patience {
    /// Two slots of Ethereum for a branch, three for falling behind.
    fn default() -> Self {
        Self::of_slots(12_000)
    }
}

impl Patience {
    /// Two slots of this length (milliseconds) for a branch, three for falling behind.
    pub const fn of_slots(slot_ms: u64) -> Self {
        Self { branch: Duration::from_millis(slot_ms.saturating_mul(2)), behind_s: slot_ms.saturating_mul(3) / 1_000 }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Panel {
    members: Vec<Member>,
    current: usize,
    patience: Patience,
    contested: bool,
}

/// What a round changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Another endpoint is followed now.
    Follows {
        /// Which was.
        from: usize,
        /// Which is.
        to: usize,
        /// Why.
        why: &'static str,
    },
    /// An endpoint is not asked for a while.
    Quarantined {
        /// Which.
        member: usize,
        /// Until when.
        until: Duration,
        /// Why.
        why: &'static str,
    },
}

impl Panel {
    /// Follows the first of `members` endpoints to begin with.
    ///
    /// # Panics
    /// Without any.
    pub fn new(members: usize, patience: Patience) -> Self {
        assert!(members > 0, "a panel has at least one endpoint");
        Self { members: vec![Member::default(); members], current: 0, patience, contested: false }
    }

    /// The endpoint that is followed.
    pub const fn current(&self) -> usize {
        self.current
    }

    /// Follows `member` from now on: at the start, when the first of the list is not there.
    ///
    /// # Panics
    /// If there is no such member.
    pub fn prefer(&mut self, member: usize) {
        assert!(member < self.members.len(), "endpoint {member} of {}", self.members.len());
        self.current = member;
    }

    /// Whether endpoints keep to different branches and no majority tells which is wrong.
    pub const fn is_contested(&self) -> bool {
        self.contested
    }

    /// Whether it is worth asking `member` now. The followed one always is: someone has to be.
    pub fn may_ask(&self, member: usize, now: Duration) -> bool {
        let Member { quarantined_until, silent_until, .. } = self.members[member];
        member == self.current || [quarantined_until, silent_until].into_iter().flatten().all(|until| until <= now)
    }

    /// Takes in what the endpoints said in a round; those that were not asked are absent.
    pub fn round(&mut self, said: &[(usize, Said)], now: Duration) -> Vec<Change> {
        let mut changes = Vec::new();
        for (member, said) in said {
            self.hear(*member, *said, now, &mut changes);
        }
        self.judge_branches(now, &mut changes);
        if let Some((to, why)) = self.better() {
            changes.push(Change::Follows { from: self.current, to, why });
            self.current = to;
        }
        changes
    }

    fn hear(&mut self, at: usize, said: Said, now: Duration, changes: &mut Vec<Change>) {
        let member = &mut self.members[at];
        if member.quarantined_until.is_some_and(|until| until <= now) {
            member.quarantined_until = None;
        }
        member.answered = matches!(said, Said::Agrees { .. } | Said::Differs { .. });
        match said {
            Said::Agrees { timestamp } => {
                (member.failures, member.differs_since, member.timestamp) = (0, None, timestamp);
            }
            Said::Differs { timestamp } => {
                (member.failures, member.timestamp) = (0, timestamp);
                member.differs_since.get_or_insert(now);
            }
            Said::Nothing => {
                member.failures = member.failures.saturating_add(1);
                member.silent_until = (member.failures >= FAILURES_MAX).then_some(now + SILENCE);
            }
            Said::Lied => {
                member.failures = member.failures.saturating_add(1);
                self.quarantine(at, now, "it contradicts itself", changes);
            }
        }
    }

    /// Where branches have stood beside each other for long, the minority is wrong.
    fn judge_branches(&mut self, now: Duration, changes: &mut Vec<Change>) {
        let patience = self.patience.branch;
        let live = |member: &Member| member.answered && member.quarantined_until.is_none();
        let differs = |member: &Member| member.differs_since.is_some_and(|since| now.saturating_sub(since) >= patience);
        let against: Vec<usize> =
            (0..self.members.len()).filter(|at| live(&self.members[*at]) && differs(&self.members[*at])).collect();
        let with = self.members.iter().filter(|member| live(member) && member.differs_since.is_none()).count();
        self.contested = !against.is_empty() && against.len() == with;
        if against.len() < with {
            for member in against {
                self.quarantine(member, now, "it keeps to another branch than most", changes);
            }
        } else if against.len() > with {
            let ours: Vec<usize> = (0..self.members.len())
                .filter(|at| live(&self.members[*at]) && self.members[*at].differs_since.is_none())
                .collect();
            for member in ours {
                self.quarantine(member, now, "it keeps to another branch than most", changes);
            }
            // From here on the branch of the others is the one that is followed.
            for member in against {
                self.members[member].differs_since = None;
            }
        }
    }

    fn quarantine(&mut self, at: usize, now: Duration, why: &'static str, changes: &mut Vec<Change>) {
        let member = &mut self.members[at];
        let pause = QUARANTINE_MIN.saturating_mul(1 << member.quarantines.min(16)).min(QUARANTINE_MAX);
        member.quarantines = member.quarantines.saturating_add(1);
        member.differs_since = None;
        let until = now + pause;
        member.quarantined_until = Some(until);
        changes.push(Change::Quarantined { member: at, until, why });
    }

    /// Who should be followed in place of the current one, if anyone.
    fn better(&self) -> Option<(usize, &'static str)> {
        let current = &self.members[self.current];
        let usable = |at: &usize| {
            let member = &self.members[*at];
            *at != self.current
                && member.answered
                && member.quarantined_until.is_none()
                && member.differs_since.is_none()
        };
        // The newest head; the first of equals, so that a list's order is the order of preference.
        let newest = (0..self.members.len()).filter(usable).rev().max_by_key(|at| self.members[*at].timestamp)?;
        if current.quarantined_until.is_some() {
            return Some((newest, "the other is quarantined"));
        }
        if current.failures >= FAILURES_MAX {
            return Some((newest, "the other does not answer"));
        }
        let behind = self.members[newest].timestamp.saturating_sub(current.timestamp);
        (behind > self.patience.behind_s).then_some((newest, "the other is behind"))
    }
}

#[cfg(test)]
mod tests;
