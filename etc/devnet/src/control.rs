//! What the admin calls have asked for and what follows from it for the next slot, block or blob. Pure: no time, no chain.

use crate::fees::FeeOverride;

/// Most slots that one call may skip: a day of 1 s slots.
pub const SKIP_MAX: u64 = 86_400;

/// Most blocks that one fee override may last.
pub const OVERRIDE_BLOCKS_MAX: u64 = 10_000;

/// What to do at a slot boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtSlot {
    /// Make a block.
    Build,
    /// `dev_stop` is in force.
    Stopped,
    /// One of the slots of `dev_skipSlot`.
    Skipped,
}

/// A fault that the beacon API is asked to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fault {
    /// None.
    #[default]
    Off,
    /// In every answer.
    Always,
    /// In this many answers yet.
    Times(u64),
}

impl Fault {
    /// Whether this answer has the fault; counts it.
    pub(crate) const fn strikes(&mut self) -> bool {
        match *self {
            Self::Off => false,
            Self::Always => true,
            Self::Times(0 | 1) => {
                let struck = matches!(*self, Self::Times(1));
                *self = Self::Off;
                struck
            }
            Self::Times(times) => {
                *self = Self::Times(times - 1);
                true
            }
        }
    }
}

/// A value for the next `blocks` blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    value: u64,
    blocks: u64,
}

/// The state of all controls. Gone with the process, except for what blocks have recorded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Control {
    stopped: bool,
    skip: u64,
    pub(crate) withhold: Fault,
    pub(crate) corrupt: Fault,
    base_fee: Option<Plan>,
    excess_blob_gas: Option<Plan>,
}

impl Control {
    pub(crate) const fn stop(&mut self) {
        self.stopped = true;
    }

    pub(crate) const fn resume(&mut self) {
        self.stopped = false;
    }

    pub(crate) const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Slots yet to be skipped.
    pub(crate) const fn skips(&self) -> u64 {
        self.skip
    }

    /// Skips the next `slots` boundaries, after those that wait to be skipped; zero forgets all of them.
    pub(crate) fn skip(&mut self, slots: u64) {
        self.skip = if slots == 0 { 0 } else { self.skip.saturating_add(slots).min(SKIP_MAX) };
    }

    /// A slot has begun. A stopped chain uses up no skips: nothing was going to happen anyway.
    pub(crate) const fn at_slot(&mut self) -> AtSlot {
        if self.stopped {
            return AtSlot::Stopped;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return AtSlot::Skipped;
        }
        AtSlot::Build
    }

    pub(crate) fn set_base_fee(&mut self, wei: u64, blocks: u64) {
        self.base_fee = (blocks > 0).then_some(Plan { value: wei, blocks });
    }

    pub(crate) fn set_excess_blob_gas(&mut self, gas: u64, blocks: u64) {
        self.excess_blob_gas = (blocks > 0).then_some(Plan { value: gas, blocks });
    }

    /// What the next block overrides, without using it up: a block may fail to be made.
    pub(crate) fn next_fees(&self) -> FeeOverride {
        FeeOverride {
            base_fee: self.base_fee.map(|plan| plan.value),
            excess_blob_gas: self.excess_blob_gas.map(|plan| plan.value),
        }
    }

    /// A block was made with [`Self::next_fees`].
    pub(crate) fn fees_used(&mut self) {
        for plan in [&mut self.base_fee, &mut self.excess_blob_gas] {
            *plan = plan.and_then(|Plan { value, blocks }| (blocks > 1).then(|| Plan { value, blocks: blocks - 1 }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_are_used_up_one_by_one_and_wait_while_stopped() {
        let mut control = Control::default();
        assert_eq!(control.at_slot(), AtSlot::Build);
        control.skip(1);
        control.skip(1);
        control.stop();
        assert_eq!(control.at_slot(), AtSlot::Stopped);
        control.resume();
        assert_eq!(
            [control.at_slot(), control.at_slot(), control.at_slot()],
            [AtSlot::Skipped, AtSlot::Skipped, AtSlot::Build]
        );
        control.skip(5);
        control.skip(0);
        assert_eq!(control.at_slot(), AtSlot::Build);
        control.skip(u64::MAX);
        control.skip(u64::MAX);
        assert_eq!(control.skips(), SKIP_MAX);
    }

    #[test]
    fn a_fault_strikes_as_often_as_asked() {
        let mut fault = Fault::Times(2);
        assert_eq!([fault.strikes(), fault.strikes(), fault.strikes()], [true, true, false]);
        let mut fault = Fault::Always;
        assert!((0..100).all(|_| fault.strikes()));
        let mut fault = Fault::Times(0);
        assert!(!fault.strikes());
        assert_eq!(fault, Fault::Off);
    }

    #[test]
    fn an_override_lasts_for_the_blocks_it_was_given() {
        let mut control = Control::default();
        control.set_base_fee(7, 2);
        control.set_excess_blob_gas(9, 1);
        assert_eq!(control.next_fees(), FeeOverride { base_fee: Some(7), excess_blob_gas: Some(9) });
        control.fees_used();
        assert_eq!(control.next_fees(), FeeOverride { base_fee: Some(7), excess_blob_gas: None });
        control.fees_used();
        assert_eq!(control.next_fees(), FeeOverride::default());
        control.fees_used();
        control.set_base_fee(7, 2);
        control.set_base_fee(7, 0);
        assert_eq!(control.next_fees(), FeeOverride::default());
    }
}
