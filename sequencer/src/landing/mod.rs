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
//! winner, land again under the next nonce) is the engine's to decide, with a new landing.
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

mod fees;
mod record;
#[cfg(test)]
mod tests;

use alloy_primitives::B256;

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

/// The block to land, and what is fixed about its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// L2 chain id.
    pub chain_id: u64,
    /// L2 block number.
    pub number: u64,
    /// L2 block hash.
    pub block_hash: B256,
    /// The account's next nonce on L1; one lane, owned by the caller.
    pub nonce: u64,
    /// Gas limit of the L1 transaction.
    pub gas_limit: u64,
    /// Fees of a dead transaction that may still occupy this nonce in public pools, to be outbid
    /// ([`Effect::Release`] of the landing before).
    pub outbid: Option<Fees>,
}

/// What Hub says about the height of our block, on the L1 chain in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Height {
    /// Nothing landed there.
    Open,
    /// Our block did.
    Ours {
        /// In which L1 block.
        l1_number: u64,
    },
    /// Another block did.
    Other {
        /// Which one.
        block_hash: B256,
        /// In which L1 block.
        l1_number: u64,
    },
}

/// A new L1 head. All facts are of this one canonical chain, and the receipts of our transactions in its blocks
/// are delivered *before* it: a used nonce without a receipt therefore belongs to someone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct L1Head {
    /// Its number.
    pub number: u64,
    /// Number of the last finalised L1 block.
    pub finalized: u64,
    /// Our height in Hub.
    pub height: Height,
    /// Nonce of our account after this block.
    pub account_nonce: u64,
    /// What L1 charges in the next block.
    pub market: Market,
}

/// Why an L1 node did not take a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendFailure {
    /// `already known`: it has it.
    AlreadyKnown,
    /// `replacement transaction underpriced`, or the fee is below what the node takes.
    Underpriced,
    /// `nonce too low`: some transaction with this nonce was included.
    NonceTooLow,
    /// `insufficient funds`.
    InsufficientFunds,
    /// No answer, time-out, rate limit, `txpool is full`: nothing is known of the transaction.
    Unreachable,
    /// The node says it will never take this transaction (invalid blob, gas limit, type).
    Invalid,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A block is sealed, checked and stored: land it. Where the first fees would exceed the cap the landing
    /// stays idle, with an alarm, and the event may come again when L1 is cheaper.
    Sealed {
        /// The block and its nonce.
        target: Target,
        /// Number of the L1 head.
        l1_number: u64,
        /// What L1 charges in the next block.
        market: Market,
    },
    /// An L1 node took the transaction of the last [`Effect::Send`].
    Sent {
        /// Its hash.
        hash: B256,
    },
    /// An L1 node did not take it.
    SendFailed {
        /// Why.
        why: SendFailure,
    },
    /// L1 has a new head.
    L1Head(L1Head),
    /// L1 included one of our transactions.
    Receipt {
        /// Which one.
        hash: B256,
        /// In which L1 block.
        l1_number: u64,
        /// Whether it reverted.
        reverted: bool,
    },
    /// L1 dropped all blocks above this number; a new [`Event::L1Head`] follows.
    Reorged {
        /// The last common block.
        to: u64,
    },
}

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write the record and fsync, *before* anything behind it in the list.
    Persist(Record),
    /// Build (or build again, byte for byte), sign and send the `advance` transaction of this block.
    Send {
        /// L1 nonce.
        nonce: u64,
        /// Gas limit.
        gas_limit: u64,
        /// Fees.
        fees: Fees,
        /// How many transactions with lower fees and this nonce came before: zero for a first one.
        replaces: usize,
    },
    /// The transactions of our block are free again: put them back into the pool.
    Requeue {
        /// Our block.
        block_hash: B256,
    },
    /// The nonce is free for another landing, but pools may hold our dead transaction: outbid it.
    Release {
        /// The nonce.
        nonce: u64,
        /// The highest fees it was sent with; pools ask for twice as much.
        outbid: Fees,
    },
    /// Tell the engine and the operator.
    Report(Report),
}

/// News for the engine and the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The block landed.
    Landed {
        /// In which L1 block.
        l1_number: u64,
    },
    /// An L1 reorg took the block back; it is sent again.
    TakenBack,
    /// The block landed in a finalised L1 block.
    Final {
        /// In which L1 block.
        l1_number: u64,
    },
    /// Another block landed at this height.
    Lost {
        /// The winner.
        winner: B256,
    },
    /// L1 included the transaction and Hub refused it, though the height is still open.
    Reverted(Reverted),
    /// Fees were raised because L1 did not include the transaction in time.
    Bumped {
        /// The new ones.
        fees: Fees,
    },
    /// Alarm: the transaction is late and the next fees would exceed the operator's cap.
    FeeCapReached {
        /// What would be needed.
        needed: Fees,
        /// [`Policy::cap`].
        cap: Fees,
    },
    /// Alarm: the account cannot pay.
    WalletEmpty,
    /// Alarm: the nonce was used by a transaction that is not ours. Someone else holds the key, or two nodes do.
    Displaced {
        /// The nonce.
        nonce: u64,
    },
    /// Alarm: the L1 node refuses the transaction for good.
    Refused,
    /// An event that cannot be, given the state: a defect of the caller, without harm.
    Unexpected,
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
            Outcome::Final { .. } | Outcome::Lost { .. } | Outcome::Reverted(_) | Outcome::Displaced | Outcome::Refused => {
                (Self::Over(record), Vec::new())
            }
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
            (Self::Idle, Event::Sealed { target, l1_number, market }) => begin(target, l1_number, &market, policy),
            // Nothing was sent, so these are about another landing.
            (
                Self::Idle,
                Event::Sent { .. } | Event::SendFailed { .. } | Event::L1Head(_) | Event::Receipt { .. } | Event::Reorged { .. },
            ) => (Self::Idle, Vec::new()),

            // A second block in a landing would be a second content under one nonce.
            (state @ (Self::Ready(_) | Self::Sent(_) | Self::Landed(_)), Event::Sealed { .. }) => {
                (state, vec![Effect::Report(Report::Unexpected)])
            }

            (Self::Ready(record) | Self::Sent(record), Event::Sent { hash }) => taken(record, hash),
            // The answer of a slow node, after the block landed.
            (state @ Self::Landed(_), Event::Sent { .. }) => (state, Vec::new()),

            (Self::Ready(record) | Self::Sent(record), Event::SendFailed { why }) => failed(record, why, policy),
            // Landed all the same: an earlier attempt, or another node passed it on.
            (state @ Self::Landed(_), Event::SendFailed { .. }) => (state, Vec::new()),

            (state @ (Self::Ready(_) | Self::Sent(_)), Event::L1Head(head)) => on_head(state, head, policy),
            (Self::Landed(record), Event::L1Head(head)) => on_head_landed(record, head, policy),

            (Self::Ready(record) | Self::Sent(record), Event::Receipt { hash, l1_number, reverted }) => {
                on_receipt(record, Reverted { hash, l1_number }, reverted)
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

fn begin(target: Target, l1_number: u64, market: &Market, policy: &Policy) -> Step {
    let wanted = policy.opening(market);
    let fees = target.outbid.map_or(wanted, |dead| wanted.max(dead.replacement()));
    if !fees.is_within(&policy.cap) {
        // Waiting helps where the market is too dear: nothing is on record, so the nonce is not taken yet.
        return (Landing::Idle, vec![Effect::Report(Report::FeeCapReached { needed: fees, cap: policy.cap })]);
    }
    let record = Record::new(target, Attempt { fees, hash: None, l1_number, is_out: true });
    // Order hazard: on disk before on the wire, see the module.
    let effects = vec![Effect::Persist(record.clone()), record.send()];
    (Landing::Ready(record), effects)
}

fn taken(mut record: Record, hash: B256) -> Step {
    // A slow answer about an earlier attempt, or the same one sent twice: nothing new to write down.
    if record.hashes().any(|known| known == hash) {
        return (Landing::Sent(record), Vec::new());
    }
    record.last_mut().hash = Some(hash);
    let persist = Effect::Persist(record.clone());
    (Landing::Sent(record), vec![persist])
}

fn failed(mut record: Record, why: SendFailure, policy: &Policy) -> Step {
    match why {
        // It is where it should be. The hash is not in the answer; signing is deterministic, so a watcher that
        // needs it signs again.
        SendFailure::AlreadyKnown => (Landing::Sent(record), Vec::new()),
        SendFailure::Underpriced => {
            record.last_mut().is_out = false;
            let (fees, l1_number) = (record.last().fees.replacement(), record.last().l1_number);
            match raise(record, fees, l1_number, policy) {
                Ok(step) => step,
                // Sent again at once it would be refused again at once: wait for patience to end.
                Err((record, alarm)) => (Landing::Sent(record), vec![alarm]),
            }
        }
        // Which transaction took it, the next head and the receipts before it say.
        SendFailure::NonceTooLow => (Landing::Ready(record), Vec::new()),
        SendFailure::InsufficientFunds => (Landing::Ready(record), vec![Effect::Report(Report::WalletEmpty)]),
        // It may or may not have arrived.
        SendFailure::Unreachable => (Landing::Ready(record), Vec::new()),
        SendFailure::Invalid => {
            record.last_mut().is_out = false;
            let refused = vec![Effect::Report(Report::Refused)];
            if record.attempts.iter().any(|attempt| attempt.is_out) {
                // An earlier attempt may be on the wire and land; it stays watched.
                return (Landing::Sent(record), refused);
            }
            over(record, Outcome::Refused, refused)
        }
    }
}

fn on_head(state: Landing, head: L1Head, policy: &Policy) -> Step {
    let (mut record, is_sent) = match state {
        Landing::Ready(record) => (record, false),
        Landing::Sent(record) => (record, true),
        state @ (Landing::Idle | Landing::Landed(_) | Landing::Over(_)) => return (state, Vec::new()),
    };
    match head.height {
        Height::Ours { l1_number } => landed(record, l1_number, head.finalized),
        Height::Other { .. } => lost(record, head),
        Height::Open if head.account_nonce > record.nonce => spent(record),
        Height::Open if !is_sent => {
            let send = record.send();
            (Landing::Ready(record), vec![send])
        }
        Height::Open => {
            // After an L1 reorg the head may be lower than where we sent: patience counts from there.
            let since = record.last().l1_number.min(head.number);
            record.last_mut().l1_number = since;
            if head.number - since < policy.patience {
                return (Landing::Sent(record), Vec::new());
            }
            let fees = record.last().fees.replacement().max(policy.opening(&head.market));
            match raise(record, fees, head.number, policy) {
                Ok(step) => step,
                Err((mut record, alarm)) => {
                    record.last_mut().l1_number = head.number;
                    let send = record.send();
                    (Landing::Ready(record), vec![send, alarm])
                }
            }
        }
    }
}

/// Replaces the last attempt; if cap or count forbid it, gives the record back with the alarm.
#[allow(clippy::result_large_err)] // two arms of one decision, used on the spot
fn raise(mut record: Record, fees: Fees, l1_number: u64, policy: &Policy) -> Result<Step, (Record, Effect)> {
    if !fees.is_within(&policy.cap) || record.attempts.len() >= Record::MAX_ATTEMPTS {
        let alarm = Effect::Report(Report::FeeCapReached { needed: fees, cap: policy.cap });
        return Err((record, alarm));
    }
    record.attempts.push(Attempt { fees, hash: None, l1_number, is_out: true });
    // Order hazard: on disk before on the wire, see the module.
    let effects = vec![Effect::Persist(record.clone()), record.send(), Effect::Report(Report::Bumped { fees })];
    Ok((Landing::Ready(record), effects))
}

fn landed(mut record: Record, l1_number: u64, finalized: u64) -> Step {
    let report = Effect::Report(Report::Landed { l1_number });
    if l1_number <= finalized {
        return over(record, Outcome::Final { l1_number }, vec![report, Effect::Report(Report::Final { l1_number })]);
    }
    record.outcome = Outcome::Landed { l1_number };
    let persist = Effect::Persist(record.clone());
    (Landing::Landed(record), vec![persist, report])
}

fn lost(record: Record, head: L1Head) -> Step {
    let Height::Other { block_hash: winner, .. } = head.height else { return (Landing::Sent(record), Vec::new()) };
    let (nonce, block_hash) = (record.nonce, record.block_hash);
    let mut effects = vec![Effect::Report(Report::Lost { winner }), Effect::Requeue { block_hash }];
    if head.account_nonce <= nonce {
        effects.push(Effect::Release { nonce, outbid: record.highest_fees() });
    }
    over(record, Outcome::Lost { winner }, effects)
}

/// The nonce is used, the height is open.
fn spent(record: Record) -> Step {
    match record.reverted {
        Some(reverted) => over(record, Outcome::Reverted(reverted), vec![Effect::Report(Report::Reverted(reverted))]),
        None => {
            let nonce = record.nonce;
            over(record, Outcome::Displaced, vec![Effect::Report(Report::Displaced { nonce })])
        }
    }
}

fn on_head_landed(mut record: Record, head: L1Head, policy: &Policy) -> Step {
    match (head.height, record.outcome) {
        (Height::Ours { l1_number }, Outcome::Landed { l1_number: before }) if l1_number == before => {
            if l1_number > head.finalized {
                return (Landing::Landed(record), Vec::new());
            }
            over(record, Outcome::Final { l1_number }, vec![Effect::Report(Report::Final { l1_number })])
        }
        // A reorg moved it to another L1 block.
        (Height::Ours { l1_number }, _) => landed(record, l1_number, head.finalized),
        // A reorg took it back.
        (Height::Open | Height::Other { .. }, _) => {
            record.outcome = Outcome::Open;
            record.reverted = None;
            record.last_mut().l1_number = head.number;
            let persist = Effect::Persist(record.clone());
            // From here on it is an ordinary head: sent again if the nonce is free, lost if another block won.
            let (state, mut effects) = on_head(Landing::Ready(record), head, policy);
            effects.splice(0..0, [persist, Effect::Report(Report::TakenBack)]);
            (state, effects)
        }
    }
}

fn on_receipt(mut record: Record, receipt: Reverted, reverted: bool) -> Step {
    // Success is not enough to say that the block landed: Hub's event in the canonical chain is, and the head
    // that follows brings it. Nor does failure say what became of the height.
    if !reverted {
        return (Landing::Sent(record), Vec::new());
    }
    record.reverted = Some(receipt);
    let persist = Effect::Persist(record.clone());
    (Landing::Sent(record), vec![persist])
}

/// Ends the landing; the end is on disk before anyone acts on it.
fn over(mut record: Record, outcome: Outcome, mut effects: Vec<Effect>) -> Step {
    record.outcome = outcome;
    effects.insert(0, Effect::Persist(record.clone()));
    (Landing::Over(record), effects)
}
