//! Slots and time. The arithmetic ([`Slots`]) is pure; [`Clock`] is the only place of this crate that reads the time.
//! Must not know what happens in a slot.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// When slots are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// Start of slot 0, seconds since 1970.
    pub genesis_time: u64,
    /// Length of a slot, seconds, not 0.
    pub slot_s: u64,
}

impl Slots {
    /// The slot that `now_ms` lies in; 0 also for everything before slot 0.
    pub const fn at(&self, now_ms: u64) -> u64 {
        (now_ms / 1_000).saturating_sub(self.genesis_time) / self.slot_s
    }

    /// Start of a slot in seconds since 1970: the timestamp of its block. Saturates.
    pub const fn timestamp(&self, slot: u64) -> u64 {
        self.genesis_time.saturating_add(slot.saturating_mul(self.slot_s))
    }

    /// Time from `now_ms` until `slot` begins; zero if it has begun.
    pub const fn until(&self, slot: u64, now_ms: u64) -> Duration {
        Duration::from_millis(self.timestamp(slot).saturating_mul(1_000).saturating_sub(now_ms))
    }
}

/// Slots, the time of day, and how far the chain's time was moved ahead of it.
#[derive(Debug)]
pub(crate) struct Clock {
    pub(crate) slots: Slots,
    offset_s: AtomicU64,
}

impl Clock {
    pub(crate) const fn new(slots: Slots, offset_s: u64) -> Self {
        Self { slots, offset_s: AtomicU64::new(offset_s) }
    }

    /// Milliseconds since 1970 in the chain's time.
    pub(crate) fn now_ms(&self) -> u64 {
        unix_ms().saturating_add(self.offset_s().saturating_mul(1_000))
    }

    /// The slot of this instant.
    pub(crate) fn slot(&self) -> u64 {
        self.slots.at(self.now_ms())
    }

    /// Seconds that the chain's time is ahead.
    pub(crate) fn offset_s(&self) -> u64 {
        self.offset_s.load(Ordering::Relaxed)
    }

    pub(crate) fn set_offset_s(&self, seconds: u64) {
        self.offset_s.store(seconds, Ordering::Relaxed);
    }
}

/// Milliseconds since 1970 by the machine's clock.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_lasts_from_its_start_until_just_before_the_next() {
        let slots = Slots { genesis_time: 1_000, slot_s: 4 };
        for (now_ms, slot) in [(0, 0), (999_999, 0), (1_000_000, 0), (1_003_999, 0), (1_004_000, 1), (1_040_001, 10)] {
            assert_eq!(slots.at(now_ms), slot, "{now_ms}");
        }
        assert_eq!(slots.timestamp(10), 1_040);
        assert_eq!(slots.until(1, 1_003_250), Duration::from_millis(750));
        assert_eq!(slots.until(1, 1_004_001), Duration::ZERO);
    }

    #[test]
    fn slots_beyond_all_time_saturate() {
        let slots = Slots { genesis_time: 1_000, slot_s: 4 };
        assert_eq!(slots.timestamp(u64::MAX), u64::MAX);
        assert_eq!(slots.at(u64::MAX), (u64::MAX / 1_000 - 1_000) / 4);
    }
}
