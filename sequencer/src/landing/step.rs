//! The transitions of a landing, one function for each pair of state and event that does something.
//!
//! They take a state apart and give the next one with its effects; [`Landing::handle`] is the table that
//! calls them, and says which pairs are ignored and why.

use alloy_primitives::B256;

use super::{
    Attempt, Effect, Fees, Height, L1Head, Landing, Market, Outcome, Policy, Record, Report, Reverted, SendFailure,
    Step, Target,
};

pub(super) fn begin(target: Target, l1_number: u64, market: &Market, policy: &Policy) -> Step {
    let wanted = policy.opening(market);
    if !wanted.is_within(&policy.cap) {
        // Waiting helps where the market is too dear: nothing is on record, so the nonce is not taken yet.
        return (Landing::Idle, vec![Effect::Report(Report::FeeCapReached { needed: wanted, cap: policy.cap })]);
    }
    // Twice what a dead transaction offered may be more than the cap, and may be more than it takes: the market has moved since,
    // and not each of its attempts reached a pool.
    let fees = target.outbid.map_or(wanted, |dead| wanted.max(dead.replacement())).min(policy.cap);
    let record = Record::new(target, Attempt { fees, hash: None, l1_number, is_out: true });
    // Order hazard: on disk before on the wire, see the module.
    let effects = vec![Effect::Persist(record.clone()), record.send()];
    (Landing::Ready(record), effects)
}

pub(super) fn taken(mut record: Record, hash: B256) -> Step {
    // A slow answer about an earlier attempt, or the same one sent twice: nothing new to write down.
    if record.hashes().any(|known| known == hash) {
        return (Landing::Sent(record), Vec::new());
    }
    record.last_mut().hash = Some(hash);
    let persist = Effect::Persist(record.clone());
    (Landing::Sent(record), vec![persist])
}

pub(super) fn failed(mut record: Record, why: SendFailure, policy: &Policy) -> Step {
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
        // Asked again with the next head, which may also say that the race is lost.
        SendFailure::NotYet => (Landing::Ready(record), Vec::new()),
        SendFailure::Invalid | SendFailure::WouldRevert => {
            record.last_mut().is_out = false;
            let refused = vec![Effect::Report(Report::Refused)];
            if record.is_out() {
                // An earlier attempt may be on the wire and land; it stays watched.
                return (Landing::Sent(record), refused);
            }
            over(record, Outcome::Refused, refused)
        }
    }
}

pub(super) fn on_head(state: Landing, head: L1Head, policy: &Policy) -> Step {
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

/// Replaces the last attempt, by as much as the cap allows; where it allows no more, or the count none, gives the record
/// back with the alarm. Less than twice as much helps when the last attempt did not reach a pool, because what waits there
/// offers less than it did.
#[allow(clippy::result_large_err)] // two arms of one decision, used on the spot
fn raise(mut record: Record, needed: Fees, l1_number: u64, policy: &Policy) -> Result<Step, (Record, Effect)> {
    let fees = if record.last().is_out { needed } else { needed.min(policy.cap) };
    let is_more = fees != record.last().fees;
    if !fees.is_within(&policy.cap) || !is_more || record.attempts.len() >= Record::MAX_ATTEMPTS {
        let alarm = Effect::Report(Report::FeeCapReached { needed, cap: policy.cap });
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

pub(super) fn on_head_landed(mut record: Record, head: L1Head, policy: &Policy) -> Step {
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

pub(super) fn on_receipt(mut record: Record, receipt: Reverted, reverted: bool) -> Step {
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
