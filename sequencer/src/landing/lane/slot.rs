//! What one nonce holds, in memory and in the journal.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use super::{Block, Errand, Fees, Landing, Record, What};

/// What one nonce holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Slot {
    /// A block on its way, or landed and not final.
    Landing(Flight),
    /// An errand on its way, or done and not final.
    Errand(Run),
    /// Nothing of use.
    Dead(Dead),
    /// A transfer to ourselves.
    Cancel(Cancel),
}

/// A block and its landing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flight {
    /// The block.
    pub block: Block,
    /// Fees of a dead transaction that had this nonce before, and may still be in pools.
    pub outbid: Option<Fees>,
    /// Its machine; never idle.
    pub landing: Landing,
}

/// An errand and its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The errand.
    pub errand: Errand,
    /// Fees of a dead transaction that had this nonce before, and may still be in pools.
    pub outbid: Option<Fees>,
    /// The L1 block in which it did its work, by the receipts of the branch that is followed. Not written: it is asked for
    /// with every L1 head.
    pub done_in: Option<u64>,
    /// The machine of a landing; never idle. Its record names the errand where a landing's names the block.
    pub landing: Landing,
}

/// A transfer to ourselves in place of a dead transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// What it replaces.
    pub dead: Dead,
    /// The machine of a landing; never idle, and over when the nonce is used.
    pub landing: Landing,
}

/// A nonce whose transaction can't succeed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    /// Number of the block that it was to land, for the log; 0 for an errand.
    pub number: u64,
    /// Its hash, or the name of the errand.
    pub block_hash: B256,
    /// The highest fees it was sent with: pools ask twice as much. `None` when it was never sent.
    pub outbid: Option<Fees>,
    /// L1 head from which it waits.
    pub since: u64,
    /// First L1 head after which the nonce was used, until that is final: a reorg may want it again.
    pub spent_at: Option<u64>,
}

impl Slot {
    /// The machine, where there is one.
    pub const fn landing(&self) -> Option<&Landing> {
        match self {
            Self::Landing(flight) => Some(&flight.landing),
            Self::Errand(run) => Some(&run.landing),
            Self::Cancel(cancel) => Some(&cancel.landing),
            Self::Dead(_) => None,
        }
    }

    pub(super) const fn landing_mut(&mut self) -> Option<&mut Landing> {
        match self {
            Self::Landing(flight) => Some(&mut flight.landing),
            Self::Errand(run) => Some(&mut run.landing),
            Self::Cancel(cancel) => Some(&mut cancel.landing),
            Self::Dead(_) => None,
        }
    }

    /// The machine's record.
    pub const fn record(&self) -> Option<&Record> {
        match self.landing() {
            Some(landing) => landing.record(),
            None => None,
        }
    }

    /// The block to land, where there is one.
    pub const fn block(&self) -> Option<&Block> {
        match self {
            Self::Landing(flight) => Some(&flight.block),
            Self::Errand(_) | Self::Dead(_) | Self::Cancel(_) => None,
        }
    }

    /// The errand to run, where there is one.
    pub const fn errand(&self) -> Option<&Run> {
        match self {
            Self::Errand(run) => Some(run),
            Self::Landing(_) | Self::Dead(_) | Self::Cancel(_) => None,
        }
    }

    /// Whether a transaction is under way that L1 has not included, as far as is known.
    pub const fn is_open(&self) -> bool {
        matches!(self.landing(), Some(Landing::Ready(_) | Landing::Sent(_)))
    }

    /// Whether L1's pools may hold a transaction with this nonce.
    pub(super) const fn is_used(&self) -> bool {
        match self {
            Self::Landing(_) | Self::Errand(_) | Self::Cancel(_) => true,
            Self::Dead(dead) => dead.outbid.is_some() && dead.spent_at.is_none(),
        }
    }

    /// The block, or the errand, that the nonce was given to last.
    pub(super) const fn name(&self) -> B256 {
        match self {
            Self::Landing(flight) => flight.block.hash,
            Self::Errand(run) => run.errand.id,
            Self::Cancel(cancel) => cancel.dead.block_hash,
            Self::Dead(dead) => dead.block_hash,
        }
    }

    /// What its transaction is to do.
    pub const fn what(&self) -> What {
        match self {
            Self::Landing(Flight { block, .. }) => {
                let Block { chain_id, number, hash: block_hash, after, .. } = *block;
                What::Advance { chain_id, number, block_hash, is_bundled: after.is_some() }
            }
            Self::Errand(run) => What::Errand { id: run.errand.id },
            Self::Cancel(_) | Self::Dead(_) => What::Cancel,
        }
    }
}

impl Flight {
    /// Whether the block has not landed.
    pub const fn is_open(&self) -> bool {
        matches!(self.landing, Landing::Ready(_) | Landing::Sent(_))
    }

    pub(super) fn is_parent_of(&self, block: &Block) -> bool {
        self.block.hash == block.parent_hash && self.block.number.checked_add(1) == Some(block.number)
    }
}

impl Run {
    /// Whether it has done its work, as far as L1 was heard of.
    pub const fn is_done(&self) -> bool {
        matches!(self.landing, Landing::Landed(_)) && self.done_in.is_some()
    }
}

impl Dead {
    /// Takes note of an L1 head; whether nothing is left to remember.
    pub(super) fn on_head(&mut self, nonce: u64, l1_number: u64, account_nonce: u64, finalized: u64) -> bool {
        if account_nonce <= nonce {
            if self.spent_at.take().is_some() {
                self.since = l1_number;
            }
            // After an L1 reorg the head may be lower than where it died: patience counts from there.
            self.since = self.since.min(l1_number);
            return false;
        }
        *self.spent_at.get_or_insert(l1_number) <= finalized
    }

    pub(super) fn on_reorg(&mut self, to: u64) {
        if self.spent_at.is_some_and(|at| at > to) {
            self.spent_at = None;
            self.since = to;
        }
    }
}

/// What the journal has to be told to go from `before` to `after`.
pub(super) fn changes(before: &BTreeMap<u64, Slot>, after: &BTreeMap<u64, Slot>) -> Vec<(u64, Option<Slot>)> {
    let gone = before.keys().filter(|nonce| !after.contains_key(nonce)).map(|nonce| (*nonce, None));
    let is_new = |nonce: &u64, slot: &Slot| before.get(nonce).is_none_or(|old| !old.is_written_as(slot));
    let new =
        after.iter().filter(|(nonce, slot)| is_new(nonce, slot)).map(|(nonce, slot)| (*nonce, Some(slot.clone())));
    gone.chain(new).collect()
}

impl Slot {
    /// Whether both look alike on disk: whether an L1 node has a transaction is asked again after a crash.
    fn is_written_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Landing(one), Self::Landing(two)) => {
                (one.block, one.outbid, one.landing.record()) == (two.block, two.outbid, two.landing.record())
            }
            (Self::Errand(one), Self::Errand(two)) => {
                (one.errand, one.outbid, one.landing.record()) == (two.errand, two.outbid, two.landing.record())
            }
            (Self::Cancel(one), Self::Cancel(two)) => {
                (one.dead, one.landing.record()) == (two.dead, two.landing.record())
            }
            (Self::Dead(one), Self::Dead(two)) => one == two,
            (Self::Landing(_) | Self::Errand(_) | Self::Cancel(_) | Self::Dead(_), _) => false,
        }
    }
}

/// The form on disk. Externally tagged: other tags can't carry fees, which are 128 bits.
#[derive(Serialize, Deserialize)]
enum Written {
    Landing { block: Block, outbid: Option<Fees>, record: Record },
    Errand { errand: Errand, outbid: Option<Fees>, record: Record },
    Dead(Dead),
    Cancel { dead: Dead, record: Record },
    Empty,
}

impl From<Slot> for Written {
    fn from(slot: Slot) -> Self {
        match slot {
            Slot::Landing(Flight { block, outbid, landing }) => {
                landing.record().cloned().map_or(Self::Empty, |record| Self::Landing { block, outbid, record })
            }
            Slot::Errand(Run { errand, outbid, done_in: _, landing }) => {
                landing.record().cloned().map_or(Self::Empty, |record| Self::Errand { errand, outbid, record })
            }
            Slot::Dead(dead) => Self::Dead(dead),
            Slot::Cancel(Cancel { dead, landing }) => {
                landing.record().cloned().map_or(Self::Empty, |record| Self::Cancel { dead, record })
            }
        }
    }
}

/// A record that no lane writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a lane's record of an idle landing")]
struct EmptySlot;

impl TryFrom<Written> for Slot {
    type Error = EmptySlot;

    fn try_from(written: Written) -> Result<Self, EmptySlot> {
        Ok(match written {
            Written::Landing { block, outbid, record } => {
                let block = Block { chain_id: record.chain_id, ..block };
                Self::Landing(Flight { block, outbid, landing: Landing::resume(record).0 })
            }
            Written::Errand { errand, outbid, record } => {
                Self::Errand(Run { errand, outbid, done_in: None, landing: Landing::resume(record).0 })
            }
            Written::Dead(dead) => Self::Dead(dead),
            Written::Cancel { dead, record } => Self::Cancel(Cancel { dead, landing: Landing::resume(record).0 }),
            Written::Empty => return Err(EmptySlot),
        })
    }
}
