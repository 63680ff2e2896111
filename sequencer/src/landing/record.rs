//! What the journal keeps of a landing: enough to send the same transaction again after a crash.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use super::{Effect, Fees, Target};

/// One landing, as it stands on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Versioned", into = "Versioned")]
pub struct Record {
    /// L2 chain id.
    pub chain_id: u64,
    /// L2 block number.
    pub number: u64,
    /// L2 block hash.
    pub block_hash: B256,
    /// L1 nonce of every attempt.
    pub nonce: u64,
    /// Gas limit of every attempt.
    pub gas_limit: u64,
    /// Attempts, the last one is current; never empty, at most [`Record::MAX_ATTEMPTS`].
    pub attempts: Vec<Attempt>,
    /// A receipt of failure, until the head after it says what that means.
    pub reverted: Option<Reverted>,
    /// How it ended, or [`Outcome::Open`].
    pub outcome: Outcome,
}

/// One of our transactions, included by L1 and refused by Hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reverted {
    /// The transaction.
    pub hash: B256,
    /// L1 block.
    pub l1_number: u64,
}

/// One transaction that was, or was about to be, sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its fees.
    pub fees: Fees,
    /// Its hash, once an L1 node answered with it.
    pub hash: Option<B256>,
    /// L1 head from which its patience counts.
    pub l1_number: u64,
    /// Whether an L1 node may have it: true until one refuses it.
    pub is_out: bool,
}

/// Where a landing stands for good, or for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// In flight.
    Open,
    /// On the L1 head chain; a reorg can take it back.
    Landed {
        /// L1 block.
        l1_number: u64,
    },
    /// In a finalised L1 block.
    Final {
        /// L1 block.
        l1_number: u64,
    },
    /// Another block landed at this height.
    Lost {
        /// Its hash.
        winner: B256,
    },
    /// Included and reverted.
    Reverted(Reverted),
    /// The nonce was used by a transaction that is not ours.
    Displaced,
    /// The L1 node will not take it.
    Refused,
}

/// Why a record is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by another version of this program.
    #[error("landing record has version {have}, this program reads {}", Record::VERSION)]
    Version {
        /// What the record says.
        have: u8,
    },
    /// The count of attempts is outside 1..=[`Record::MAX_ATTEMPTS`].
    #[error("landing record with {0} attempts")]
    Attempts(usize),
}

impl Record {
    /// The version byte that is written first.
    pub const VERSION: u8 = 1;
    /// Fees double with every attempt: sixteen of them exceed any cap that means something.
    pub const MAX_ATTEMPTS: usize = 16;

    pub(super) fn new(target: Target, attempt: Attempt) -> Self {
        let Target { chain_id, number, block_hash, nonce, gas_limit, outbid: _ } = target;
        Self {
            chain_id,
            number,
            block_hash,
            nonce,
            gas_limit,
            attempts: vec![attempt],
            reverted: None,
            outcome: Outcome::Open,
        }
    }

    /// The current attempt.
    pub fn last(&self) -> &Attempt {
        self.attempts.last().expect("a record is made with one attempt, read with at least one, and loses none")
    }

    pub(super) fn last_mut(&mut self) -> &mut Attempt {
        self.attempts.last_mut().expect("a record is made with one attempt, read with at least one, and loses none")
    }

    /// Hashes of all attempts known: whichever L1 includes, it is ours.
    pub fn hashes(&self) -> impl Iterator<Item = B256> + '_ {
        self.attempts.iter().filter_map(|attempt| attempt.hash)
    }

    /// Whether an L1 node may have any of the attempts.
    pub fn is_out(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.is_out)
    }

    /// The highest fees of any attempt, field by field.
    pub fn highest_fees(&self) -> Fees {
        self.attempts.iter().fold(self.last().fees, |high, attempt| high.max(attempt.fees))
    }

    pub(super) fn send(&self) -> Effect {
        Effect::Send {
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            fees: self.last().fees,
            replaces: self.attempts.len() - 1,
        }
    }
}

/// The form on disk: the version comes first, whatever follows.
#[derive(Serialize, Deserialize)]
struct Versioned {
    version: u8,
    chain_id: u64,
    number: u64,
    block_hash: B256,
    nonce: u64,
    gas_limit: u64,
    attempts: Vec<Attempt>,
    reverted: Option<Reverted>,
    outcome: Outcome,
}

impl From<Record> for Versioned {
    fn from(record: Record) -> Self {
        let Record { chain_id, number, block_hash, nonce, gas_limit, attempts, reverted, outcome } = record;
        Self { version: Record::VERSION, chain_id, number, block_hash, nonce, gas_limit, attempts, reverted, outcome }
    }
}

impl TryFrom<Versioned> for Record {
    type Error = RecordError;

    fn try_from(raw: Versioned) -> Result<Self, RecordError> {
        let Versioned { version, chain_id, number, block_hash, nonce, gas_limit, attempts, reverted, outcome } = raw;
        if version != Self::VERSION {
            return Err(RecordError::Version { have: version });
        }
        if attempts.is_empty() || attempts.len() > Self::MAX_ATTEMPTS {
            return Err(RecordError::Attempts(attempts.len()));
        }
        Ok(Self { chain_id, number, block_hash, nonce, gas_limit, attempts, reverted, outcome })
    }
}
