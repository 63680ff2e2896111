//! What is remembered of a carrier: how its answers were, and until when it is asked after others. Pure.

use rpc::rollup::{CarrierStatus, Standing};
use std::time::Duration;

/// How long a carrier that failed is asked after the others, doubled for each failure in a row.
const FAILED_PENALTY: Duration = Duration::from_secs(15);

/// How long one that lied is asked last, doubled for each lie in a row.
const LIED_PENALTY: Duration = Duration::from_secs(300);

/// Doublings at most: 16 minutes for a failing carrier, five hours for a lying one.
const DOUBLINGS_MAX: u32 = 6;

/// How a carrier answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// With a payload that was checked.
    Given,
    /// That it does not have it.
    Absent,
    /// Not at all, or not as it should.
    Failed,
    /// With other bytes.
    Lied,
}

/// See the module. Times are those of a clock that never goes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    given: u64,
    absent: u64,
    failed: u64,
    lied: u64,
    /// Of the last fault; [`Standing::Good`] when an answer came since.
    last: Standing,
    faults_in_a_row: u32,
    until: Duration,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            given: 0,
            absent: 0,
            failed: 0,
            lied: 0,
            last: Standing::Good,
            faults_in_a_row: 0,
            until: Duration::ZERO,
        }
    }
}

impl Record {
    /// Counts an answer at `now`; whether the carrier is seen differently for it.
    pub(super) fn answered(&mut self, answer: Answer, now: Duration) -> bool {
        let (count, standing, penalty) = match answer {
            Answer::Given => (&mut self.given, Standing::Good, Duration::ZERO),
            Answer::Absent => (&mut self.absent, Standing::Good, Duration::ZERO),
            Answer::Failed => (&mut self.failed, Standing::Failing, FAILED_PENALTY),
            Answer::Lied => (&mut self.lied, Standing::Lying, LIED_PENALTY),
        };
        *count += 1;
        if answer == Answer::Absent && self.last == Standing::Lying {
            return false; // Who has nothing to say is not believed again for it.
        }
        let changed = standing != self.last;
        self.faults_in_a_row = if standing == Standing::Good { 0 } else { self.faults_in_a_row + 1 };
        let doublings = self.faults_in_a_row.saturating_sub(1).min(DOUBLINGS_MAX);
        self.until = now.saturating_add(penalty * (1 << doublings));
        self.last = standing;
        changed
    }

    /// When it is asked: the lower, the earlier.
    pub(super) fn standing(&self, now: Duration) -> Standing {
        if now < self.until { self.last } else { Standing::Good }
    }

    pub(super) fn status(&self, name: &str, now: Duration) -> CarrierStatus {
        let Self { given, absent, failed, lied, .. } = *self;
        CarrierStatus { name: name.to_owned(), standing: self.standing(now), given, absent, failed, lied }
    }
}
