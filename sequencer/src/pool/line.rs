//! The transactions of one sender, by nonce, and how many of them could run now.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::U256;

use super::{config::AccountView, transaction::Pooled};

/// One sender's transactions. Those with nonces in `account.nonce..pending_until` follow on each other without
/// a gap and are paid for together by the balance: they are *pending*; the rest is *queued*.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) account: AccountView,
    txs: BTreeMap<u64, Arc<Pooled>>,
    pending_until: u64,
    /// When this sender was last heard of, as long as anything is queued.
    queued_since_ms: Option<u64>,
}

/// How much the last transaction of a line is worth keeping; the least of all lines is evicted first.
/// Field order is the order of comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Worth {
    /// Queued ones go before pending ones.
    is_pending: bool,
    /// The least tip among it and the pending ones before it, since it cannot be included before them.
    tip: i128,
    /// Among equals the latest goes first.
    arrival: std::cmp::Reverse<u64>,
}

impl Line {
    pub(super) fn new(account: AccountView) -> Self {
        Self { account, txs: BTreeMap::new(), pending_until: account.nonce, queued_since_ms: None }
    }

    pub(super) fn len(&self) -> usize {
        self.txs.len()
    }

    pub(super) fn get(&self, nonce: u64) -> Option<&Arc<Pooled>> {
        self.txs.get(&nonce)
    }

    /// The next nonce that is free without leaving a gap, whether or not the balance reaches that far.
    pub(super) fn next_nonce(&self) -> u64 {
        let mut next = self.account.nonce;
        while self.txs.contains_key(&next) {
            next += 1;
        }
        next
    }

    /// The first nonce that is not pending.
    pub(super) fn pending_until(&self) -> u64 {
        self.pending_until
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = &Arc<Pooled>> {
        self.txs.range(self.account.nonce..self.pending_until).map(|(_, tx)| tx)
    }

    pub(super) fn queued(&self) -> impl Iterator<Item = &Arc<Pooled>> {
        self.txs.range(self.pending_until..).map(|(_, tx)| tx)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Pooled>> {
        self.txs.values()
    }

    pub(super) fn last(&self) -> Option<&Arc<Pooled>> {
        self.txs.last_key_value().map(|(_, tx)| tx)
    }

    pub(super) fn insert(&mut self, tx: Arc<Pooled>) {
        self.txs.insert(tx.nonce(), tx);
    }

    pub(super) fn remove(&mut self, nonce: u64) -> Option<Arc<Pooled>> {
        self.txs.remove(&nonce)
    }

    /// Takes out everything below the account's nonce.
    pub(super) fn take_used(&mut self) -> Vec<Arc<Pooled>> {
        let kept = self.txs.split_off(&self.account.nonce);
        std::mem::replace(&mut self.txs, kept).into_values().collect()
    }

    /// Takes out everything queued, if nothing was heard of the sender since `before_ms`.
    pub(super) fn take_expired(&mut self, before_ms: u64) -> Vec<Arc<Pooled>> {
        match self.queued_since_ms {
            Some(since) if since < before_ms => {
                self.queued_since_ms = None;
                self.txs.split_off(&self.pending_until).into_values().collect()
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// Starts the waiting time of queued transactions anew: the sender is alive.
    pub(super) fn heard_of(&mut self, now_ms: u64) {
        self.queued_since_ms = self.queued_since_ms.map(|_| now_ms);
    }

    /// Counts again how far the pending ones reach; to be called after every change.
    pub(super) fn settle(&mut self, now_ms: u64) {
        let mut next = self.account.nonce;
        let mut spent = U256::ZERO;
        for (nonce, tx) in self.txs.range(self.account.nonce..) {
            spent = spent.saturating_add(tx.cost);
            if *nonce != next || spent > self.account.balance {
                break;
            }
            // Nonces of u64::MAX are refused at the door, so there is always a next one.
            next += 1;
        }
        self.pending_until = next;
        let has_queued = self.last().is_some_and(|tx| tx.nonce() >= next);
        self.queued_since_ms = has_queued.then(|| self.queued_since_ms.unwrap_or(now_ms));
    }

    /// What the last transaction is worth under `base_fee`; `None` for an empty line.
    pub(super) fn worth(&self, base_fee: u64) -> Option<Worth> {
        let last = self.last()?;
        let is_pending = last.nonce() < self.pending_until;
        let tip = if is_pending {
            self.pending().map(|tx| tx.tip(base_fee)).min().unwrap_or(i128::MIN)
        } else {
            last.tip(base_fee)
        };
        Some(Worth { is_pending, tip, arrival: std::cmp::Reverse(last.arrival) })
    }
}
