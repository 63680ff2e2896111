//! The records of messages in and out of a rollup: where a log stands, and what became of a message.
//! Must not know: which table they are in, or what the Messenger is.

use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Encodable, RlpDecodable, RlpEncodable};

use crate::codec::{DecodeError, Value, decode_rlp, end, take};

/// Where a log stands: `number u64 ‖ transaction u32 ‖ log u32`, big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    /// Canonical block number.
    pub number: u64,
    /// Index of the transaction in the block.
    pub transaction: u32,
    /// Index of the log in the transaction's receipt.
    pub log: u32,
}

impl Value for LogPosition {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.transaction.to_be_bytes());
        out.extend_from_slice(&self.log.to_be_bytes());
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut rest = &bytes[..];
        let number = u64::from_be_bytes(take(&mut rest)?);
        let transaction = u32::from_be_bytes(take(&mut rest)?);
        let log = u32::from_be_bytes(take(&mut rest)?);
        end(rest)?;
        Ok(Self { number, transaction, log })
    }
}

/// How the delivery of a message went, or what was done about one that had failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Called, with success.
    Delivered = 0,
    /// Called, without, or deferred: it is kept.
    Failed = 1,
    /// Kept after a failure, then called again with success.
    Retried = 2,
    /// Kept, then sent back to its sender.
    Refunded = 3,
}

/// A step of a message: how it went, and the log that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// How it went.
    pub outcome: Outcome,
    /// The Messenger's log.
    pub at: LogPosition,
}

/// What became of a message into the rollup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its leaf.
    pub leaf: B256,
    /// When it was taken from the inbox.
    pub relayed: Step,
    /// What ended its being kept.
    pub ended: Option<Step>,
}

impl Delivery {
    /// The newest step.
    pub fn last(&self) -> Step {
        self.ended.unwrap_or(self.relayed)
    }
}

/// [`Delivery`] as RLP: leaf, then `[outcome, number, transaction, log]` of each step.
#[derive(RlpEncodable, RlpDecodable)]
struct DeliveryRecord {
    leaf: B256,
    steps: Vec<StepRecord>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct StepRecord {
    outcome: u8,
    number: u64,
    transaction: u32,
    log: u32,
}

impl From<Step> for StepRecord {
    fn from(Step { outcome, at: LogPosition { number, transaction, log } }: Step) -> Self {
        Self { outcome: outcome as u8, number, transaction, log }
    }
}

impl TryFrom<StepRecord> for Step {
    type Error = DecodeError;

    fn try_from(StepRecord { outcome, number, transaction, log }: StepRecord) -> Result<Self, DecodeError> {
        let outcome = match outcome {
            0 => Outcome::Delivered,
            1 => Outcome::Failed,
            2 => Outcome::Retried,
            3 => Outcome::Refunded,
            unknown => return Err(DecodeError(format!("outcome {unknown}"))),
        };
        Ok(Self { outcome, at: LogPosition { number, transaction, log } })
    }
}

impl Value for Delivery {
    fn write(&self, out: &mut Vec<u8>) {
        let steps = std::iter::once(self.relayed).chain(self.ended).map(Into::into).collect();
        DeliveryRecord { leaf: self.leaf, steps }.encode(out);
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let DeliveryRecord { leaf, steps } = decode_rlp(bytes)?;
        let mut steps = steps.into_iter().map(Step::try_from);
        let relayed = steps.next().ok_or_else(|| DecodeError("no step".into()))??;
        let ended = steps.next().transpose()?;
        match steps.next() {
            None => Ok(Self { leaf, relayed, ended }),
            Some(_) => Err(DecodeError("more than two steps".into())),
        }
    }
}
