//! The order in which transactions are offered to a block: by what they tip, within a sender by nonce.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use alloy_primitives::Address;

use super::{Pool, transaction::Pooled};

/// Pending transactions in the order a builder should try them: the highest tip first, the earlier arrival
/// first among equals, and for each sender strictly by nonce. A transaction whose price limits are below the
/// base fees, or whose tip is below the pool's minimum, ends its sender's turn.
#[derive(Debug)]
pub struct Best<'a> {
    pool: &'a Pool,
    base_fee: u64,
    blob_base_fee: u128,
    heads: BinaryHeap<Head>,
    /// The transaction given out last: its successor is offered only when it was not refused.
    last: Option<(Address, u64)>,
}

/// A sender's next transaction. Field order is the order of comparison; sender and nonce come last and only
/// make it total.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    tip: i128,
    arrival: Reverse<u64>,
    sender: Address,
    nonce: u64,
}

impl<'a> Best<'a> {
    pub(super) fn new(pool: &'a Pool, base_fee: u64, blob_base_fee: u128) -> Self {
        let mut best = Self { pool, base_fee, blob_base_fee, heads: BinaryHeap::new(), last: None };
        for (sender, line) in &pool.lines {
            best.offer(*sender, line.account.nonce);
        }
        best
    }

    /// Leaves out what remains of the sender whose transaction was given out last. To be called when that
    /// transaction was not included: the ones behind it have no valid nonce then.
    pub fn skip_sender(&mut self) {
        self.last = None;
    }

    fn offer(&mut self, sender: Address, nonce: u64) {
        let Some(line) = self.pool.lines.get(&sender) else { return };
        let Some(tx) = line.get(nonce).filter(|_| nonce < line.pending_until()) else { return };
        let tip = tx.tip(self.base_fee);
        let is_wanted = i128::try_from(self.pool.config.limits.min_tip).is_ok_and(|min| tip >= min);
        if is_wanted && tx.is_ready(self.base_fee, self.blob_base_fee) {
            self.heads.push(Head { tip, arrival: Reverse(tx.arrival), sender, nonce });
        }
    }
}

impl<'a> Iterator for Best<'a> {
    type Item = &'a Arc<Pooled>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some((sender, nonce)) = self.last.take() {
            self.offer(sender, nonce + 1);
        }
        let head = self.heads.pop()?;
        self.last = Some((head.sender, head.nonce));
        self.pool.lines.get(&head.sender)?.get(head.nonce)
    }
}
