//! A schedule from L1's proposer duties: this node serves some validators and builds for their slots; where the server of a
//! slot stays silent, anyone builds, which `OpenSchedule` lets them.
//!
//! Duties come from a beacon endpoint, so they are a stranger's word: an epoch is taken whole or not at all, and the worst
//! that a lie does is a race for a slot or a wait of [`ByDuties`]' fallback.
//!
//! Must not know: endpoints, JSON, clocks.

use super::{ProposerSchedule, Wait};
use alloy_primitives::{Address, B256};
use std::{collections::BTreeMap, fmt, ops::RangeInclusive, str::FromStr};

/// Most slots of an epoch: mainnet has 32.
pub const SLOTS_PER_EPOCH_MAX: u64 = 1_024;

/// Epochs that are remembered: the one before, this one, the next, and one to spare where clocks differ.
const EPOCHS_KEPT: usize = 4;

/// Ranges in one list of validators.
const RANGES_MAX: usize = 4_096;

/// When L1's slots are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// Start of slot 0, seconds since 1970.
    pub genesis_time: u64,
    /// Length of a slot, seconds, at least 1.
    pub seconds: u64,
    /// Slots of an epoch, 1 to [`SLOTS_PER_EPOCH_MAX`].
    pub per_epoch: u64,
}

impl Slots {
    /// The slot that `time` (seconds) lies in; `None` before slot 0.
    pub fn at(&self, time: u64) -> Option<u64> {
        Some(time.checked_sub(self.genesis_time)? / self.seconds.max(1))
    }

    /// The epoch of a slot.
    pub fn epoch(&self, slot: u64) -> u64 {
        slot / self.per_epoch.max(1)
    }
}

/// Why an answer is no epoch's duties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DutiesError {
    /// There is no such epoch, or no epoch is that long.
    #[error("there is no epoch {epoch} of {per_epoch} slots")]
    NoEpoch {
        /// Asked for.
        epoch: u64,
        /// Slots of an epoch.
        per_epoch: u64,
    },
    /// A duty of another epoch.
    #[error("slot {slot} is not in epoch {epoch}")]
    OtherEpoch {
        /// The duty's slot.
        slot: u64,
        /// Asked for.
        epoch: u64,
    },
    /// One slot with two proposers.
    #[error("slot {slot} has two proposers")]
    Twice {
        /// The slot.
        slot: u64,
    },
}

/// Who proposes in the slots of one epoch. A slot without a proposer (the genesis has none) is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochDuties {
    epoch: u64,
    dependent_root: B256,
    pub(super) proposers: BTreeMap<u64, u64>,
}

impl EpochDuties {
    /// `duties` are slots with the index of their validator. `dependent_root` is the beacon block that decided them: where
    /// an L1 reorg replaces it, they may be others.
    ///
    /// # Errors
    /// The first duty that can't be one of this epoch. No more duties are taken than the epoch has slots.
    pub fn new(
        epoch: u64,
        per_epoch: u64,
        dependent_root: B256,
        duties: impl IntoIterator<Item = (u64, u64)>,
    ) -> Result<Self, DutiesError> {
        let no_epoch = DutiesError::NoEpoch { epoch, per_epoch };
        if !(1..=SLOTS_PER_EPOCH_MAX).contains(&per_epoch) {
            return Err(no_epoch);
        }
        let first = epoch.checked_mul(per_epoch).ok_or(no_epoch)?;
        let last = first.checked_add(per_epoch - 1).ok_or(no_epoch)?;
        let mut proposers = BTreeMap::new();
        for (slot, validator) in duties {
            if !(first..=last).contains(&slot) {
                return Err(DutiesError::OtherEpoch { slot, epoch });
            }
            if proposers.insert(slot, validator).is_some() {
                return Err(DutiesError::Twice { slot });
            }
        }
        Ok(Self { epoch, dependent_root, proposers })
    }

    /// Which epoch.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The beacon block that decided them.
    pub const fn dependent_root(&self) -> B256 {
        self.dependent_root
    }
}

/// Validators by index, as an operator names them: `0-9,12`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served(Vec<RangeInclusive<u64>>);

/// Why a text names no validators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServedError {
    /// Not an index and not a range of them.
    #[error("{0:?} is neither the index of a validator nor a range such as 0-9")]
    NoIndex(String),
    /// Too long a list.
    #[error("more than {RANGES_MAX} ranges of validators")]
    TooMany,
}

impl Served {
    /// Whether `validator` is one of them.
    pub fn contains(&self, validator: u64) -> bool {
        self.0.iter().any(|range| range.contains(&validator))
    }
}

impl FromStr for Served {
    type Err = ServedError;

    fn from_str(text: &str) -> Result<Self, ServedError> {
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let index = |text: &str| text.trim().parse::<u64>().ok();
            let range = index(first).zip(index(last)).filter(|(first, last)| first <= last);
            range.map(|(first, last)| first..=last).ok_or_else(|| ServedError::NoIndex(part.to_owned()))
        };
        if text.split(',').count() > RANGES_MAX {
            return Err(ServedError::TooMany);
        }
        Ok(Self(text.split(',').map(range).collect::<Result<_, _>>()?))
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, last) => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct ByDuties {
    served: Served,
    fallback: u64,
    slots: Option<Slots>,
    pub(super) epochs: BTreeMap<u64, EpochDuties>,
}

impl ByDuties {
    /// A node that serves `served`, and steps in for anyone else after `fallback` slots without a block.
    pub const fn new(served: Served, fallback: u64) -> Self {
        Self { served, fallback, slots: None, epochs: BTreeMap::new() }
    }

    /// Takes over what an endpoint says of one epoch, in place of what was known of it. Returns whether it was another answer
    /// before: an L1 reorg replaced the block that decides, or two endpoints differ.
    pub fn learn(&mut self, slots: Slots, duties: EpochDuties) -> bool {
        if self.slots.is_some_and(|known| known != slots) {
            self.epochs.clear(); // Numbers of slots mean something else now.
        }
        self.slots = Some(slots);
        let before = self.epochs.insert(duties.epoch, duties.clone());
        while self.epochs.len() > EPOCHS_KEPT {
            self.epochs.pop_first();
        }
        before.is_some_and(|before| before != duties)
    }

    /// The validator that proposes in the slot that begins at `slot_time` (seconds), if that is known.
    pub fn proposer(&self, slot_time: u64) -> Option<u64> {
        let slots = self.slots?;
        let slot = slots.at(slot_time)?;
        self.epochs.get(&slots.epoch(slot))?.proposers.get(&slot).copied()
    }
}

impl ProposerSchedule for ByDuties {
    fn may_advance(&self, slot_time: u64, _proposer: Address, wait: Wait) -> bool {
        let is_served = self.proposer(slot_time).is_some_and(|validator| self.served.contains(validator));
        is_served || wait.silent >= self.fallback.saturating_add(wait.place)
    }

    /// Never: under `OpenSchedule` whoever wants can land in any slot.
    fn is_exclusive(&self, _slot_time: u64, _proposer: Address) -> bool {
        false
    }
}
