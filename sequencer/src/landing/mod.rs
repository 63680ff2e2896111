//! The landing of one sealed block: one L1 nonce, one `Hub.advance` transaction at a time, until L1 says how
//! it ended.
//!
//! ```text
//!   Idle ─Sealed─► Ready ─Sent─► Sent ─L1Head(ours)─► Landed ─L1Head(finalised)─► Final
//!                    │ ▲▲         │                     │
//!                    │ │└──bump───┘                     │
//!                    │ └───────────L1Head(open)─────────┘  a reorg took it back
//!                    ├─────► Lost       another block landed at this height
//!                    ├─────► Reverted   L1 included the transaction, Hub refused it
//!                    ├─────► Displaced  the nonce went to a transaction that is not ours
//!                    └─────► Refused    the L1 node will never take the transaction
//! ```
//! `Final`, `Lost`, `Reverted`, `Displaced` and `Refused` are terminal: what to do next (requeue, build on the
//! winner, land again under the next nonce) is [`lane`]'s to decide, which keeps several landings in flight.
//!
//! The machine is moved by value and returns effects, to be performed in order, each finished before the next.
//! **Order hazard: [`Effect::Persist`] is fsynced before the [`Effect::Send`] behind it.** A crash between the
//! two sends nothing; a crash after both finds the record and sends the same bytes again. The other way round,
//! a restart would not know of a transaction that L1 may still include, and would take another nonce for the
//! same block.
//!
//! Must not know: keys, signatures, blobs, L1 URLs, clocks (L1 blocks are its time), what is in the block.
//!
//! Invariants:
//! - one landing uses one nonce: every replacement has the nonce of the first attempt;
//! - what is sent was persisted before; an attempt on record may be on L1's wires, so its hash is watched;
//! - the content of the transaction never changes, only its fees (DESIGN §1.3);
//! - Hub, as L1's canonical head shows it, decides; receipts only explain.

mod event;
mod fees;
pub mod lane;
mod record;
mod step;
#[cfg(test)]
mod tests;

pub use event::{Effect, Event, Height, L1Head, Report, SendFailure, Target};
pub use fees::{Fees, Market, Policy};
pub use record::{Attempt, Outcome, Record, RecordError, Reverted};

/// See the module. Start with [`Landing::default`] and [`Event::Sealed`], or with [`Landing::resume`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Landing {
    /// Nothing to land yet.
    #[default]
    Idle,
    /// The transaction is on record and was handed out; whether an L1 node has it is not known, so it is handed
    /// out again with every L1 head.
    Ready(Record),
    /// An L1 node has the transaction.
    Sent(Record),
    /// The block is on the L1 head chain.
    Landed(Record),
    /// Over, see [`Record::outcome`].
    Over(Record),
}

/// The next state and what is to be done.
pub type Step = (Landing, Vec<Effect>);

impl Landing {
    /// After a restart: what the journal holds is sent again as it was. L1 may have it already; nodes answer
    /// `already known` then.
    pub fn resume(record: Record) -> Step {
        match record.outcome {
            Outcome::Open => {
                let send = record.send();
                (Self::Ready(record), vec![send])
            }
            // It may have been taken back while we were away; the next head says so, and then it is sent.
            Outcome::Landed { .. } => (Self::Landed(record), Vec::new()),
            Outcome::Final { .. }
            | Outcome::Lost { .. }
            | Outcome::Reverted(_)
            | Outcome::Displaced
            | Outcome::Refused => (Self::Over(record), Vec::new()),
        }
    }

    /// The record, once there is one.
    pub const fn record(&self) -> Option<&Record> {
        match self {
            Self::Idle => None,
            Self::Ready(record) | Self::Sent(record) | Self::Landed(record) | Self::Over(record) => Some(record),
        }
    }

    /// Whether nothing can happen any more.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Over(_))
    }

    /// One step.
    pub fn handle(self, event: Event, policy: &Policy) -> Step {
        match (self, event) {
            (Self::Idle, Event::Sealed { target, l1_number, market }) => {
                step::begin(target, l1_number, &market, policy)
            }
            // Nothing was sent, so these are about another landing.
            (
                Self::Idle,
                Event::Sent { .. }
                | Event::SendFailed { .. }
                | Event::L1Head(_)
                | Event::Receipt { .. }
                | Event::Reorged { .. },
            ) => (Self::Idle, Vec::new()),

            // A second block in a landing would be a second content under one nonce.
            (state @ (Self::Ready(_) | Self::Sent(_) | Self::Landed(_)), Event::Sealed { .. }) => {
                (state, vec![Effect::Report(Report::Unexpected)])
            }

            (Self::Ready(record) | Self::Sent(record), Event::Sent { hash }) => step::taken(record, hash),
            // The answer of a slow node, after the block landed.
            (state @ Self::Landed(_), Event::Sent { .. }) => (state, Vec::new()),

            (Self::Ready(record) | Self::Sent(record), Event::SendFailed { why }) => step::failed(record, why, policy),
            // Landed all the same: an earlier attempt, or another node passed it on.
            (state @ Self::Landed(_), Event::SendFailed { .. }) => (state, Vec::new()),

            (state @ (Self::Ready(_) | Self::Sent(_)), Event::L1Head(head)) => step::on_head(state, head, policy),
            (Self::Landed(record), Event::L1Head(head)) => step::on_head_landed(record, head, policy),

            (Self::Ready(record) | Self::Sent(record), Event::Receipt { hash, l1_number, reverted }) => {
                step::on_receipt(record, Reverted { hash, l1_number }, reverted)
            }
            // Hub said that the block landed, so a receipt of success is no news; one of failure is of an L1 chain
            // that is no more, one nonce being used once.
            (state @ Self::Landed(_), Event::Receipt { .. }) => (state, Vec::new()),

            (Self::Ready(mut record) | Self::Sent(mut record), Event::Reorged { to }) => {
                if record.reverted.is_some_and(|reverted| reverted.l1_number > to) {
                    record.reverted = None;
                }
                // Pools lose transactions in a reorg at times, and sending twice is harmless.
                let send = record.send();
                (Self::Ready(record), vec![send])
            }
            // Whether the block is still landed the head that follows says; to send it now could be into a chain
            // where another block won.
            (state @ Self::Landed(_), Event::Reorged { .. }) => (state, Vec::new()),

            // Terminal: a reorg may bring our transaction back to life, but its content is unchanged and Hub
            // takes a block once, so at worst it lands after all, which followers see like any landing.
            (state @ Self::Over(_), _) => (state, Vec::new()),
        }
    }
}
