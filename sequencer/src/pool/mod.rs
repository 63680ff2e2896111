//! The transaction pool: what users sent and no block holds yet.
//!
//! One pool for both layers: a rollup takes types 0, 1, 2 and 4, an L1 also type 3 with its blobs
//! ([`Rules::blobs_per_transaction`]). Everything is an argument: the account of a sender comes with the
//! transaction, the accounts that a block changed come with the new head, and so does `now`.
//!
//! ```text
//!   add ──► admission (the transaction alone, then its account) ──► line of the sender ──► limits
//!                                                                    pending | queued
//!   on_head(accounts, included) ──► every line that changed settles anew      │
//!   best(base fees) ◄─────────────────────────────────────────────────────────┘
//! ```
//!
//! Must not know: how a block is built, where transactions come from, who is told of them; KZG.
//!
//! Invariants (tested over random operations):
//! - no two transactions of one sender have one nonce;
//! - pending nonces are contiguous from the account's nonce, and the balance covers them together;
//! - counts and bytes are those of the transactions held, and never above [`Limits`].

mod admission;
mod best;
mod config;
mod error;
mod line;
mod report;
#[cfg(test)]
mod tests;
mod transaction;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_eips::eip7594::BlobTransactionSidecarEip7594;
use alloy_primitives::{Address, B256};
use execution::block::RecoveredTx;

pub use best::Best;
pub use config::{AccountView, Config, Limits, Rules, SenderCode};
pub use error::{Departure, PoolError, SidecarFault};
pub use report::{Added, Head, Removed, Returned, SenderContent, Stats};
pub use transaction::Pooled;

use line::{Line, Worth};

/// See the module.
#[derive(Debug, Clone)]
pub struct Pool {
    config: Config,
    lines: BTreeMap<Address, Line>,
    by_hash: BTreeMap<B256, (Address, u64)>,
    /// Every line by the worth of its last transaction; the first one is evicted first.
    tails: BTreeSet<(Worth, Address)>,
    bytes: usize,
    base_fee: u64,
    arrivals: u64,
}

impl Pool {
    /// An empty pool.
    pub const fn new(config: Config) -> Self {
        Self {
            config,
            lines: BTreeMap::new(),
            by_hash: BTreeMap::new(),
            tails: BTreeSet::new(),
            bytes: 0,
            base_fee: 0,
            arrivals: 0,
        }
    }

    /// Rules and limits.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Changes the rules (fork, gas limit of the next block). What is in the pool stays: a transaction that a
    /// lower gas limit shuts out may fit again, and a builder skips what it cannot include.
    pub fn set_rules(&mut self, rules: Rules) {
        self.config.rules = rules;
    }

    /// Takes a transaction. `account` is its sender at the head; `now_ms` never goes back. The KZG proofs of
    /// `sidecar` are checked by the caller, everything else about it here. On an error the pool is unchanged.
    pub fn add(
        &mut self,
        tx: RecoveredTx,
        sidecar: Option<BlobTransactionSidecarEip7594>,
        account: AccountView,
        now_ms: u64,
    ) -> Result<Added, PoolError> {
        self.arrivals += 1;
        self.admit(Pooled::new(tx, sidecar.map(Arc::new), self.arrivals, now_ms), account)
    }

    /// Puts back transactions whose block lost its race or its L1 block, in the order of that block. To be
    /// called after [`Pool::on_head`] has seen the accounts without that block; `account` gives them once
    /// more. Those that are no longer valid are returned with the reason; nothing is lost silently.
    pub fn reinsert(
        &mut self,
        returned: Vec<Returned>,
        account: impl Fn(Address) -> AccountView,
        now_ms: u64,
    ) -> Vec<(B256, PoolError)> {
        let mut txs = Vec::with_capacity(returned.len());
        for Returned { tx, sidecar } in returned {
            self.arrivals += 1;
            txs.push(Pooled::new(tx, sidecar, self.arrivals, now_ms));
        }
        // By nonce, so that blobs are not refused for a gap that the next one would close; the order of
        // arrival above stays that of the block.
        txs.sort_by_key(Pooled::nonce);
        let mut refused = Vec::new();
        for tx in txs {
            let (hash, account) = (tx.hash, account(tx.sender()));
            match self.admit(tx, account) {
                // A copy that came back by gossip meanwhile is no loss.
                Ok(_) | Err(PoolError::AlreadyKnown { .. }) => {}
                Err(error) => refused.push((hash, error)),
            }
        }
        refused
    }

    /// Follows the chain: drops what was included or has become stale, moves others between pending and queued,
    /// lets the forgotten expire.
    pub fn on_head(&mut self, head: Head) -> Vec<Removed> {
        let Head { base_fee, included, accounts, now_ms } = head;
        let mut removed = Vec::new();
        for hash in included {
            removed.extend(self.take(&hash, Departure::Included, now_ms));
        }
        for (sender, account) in accounts {
            self.change(
                sender,
                now_ms,
                |line| {
                    line.account = account;
                    let is_contract = account.code == SenderCode::Contract;
                    let why = if is_contract { Departure::SenderHasCode } else { Departure::Stale };
                    let gone = if is_contract { line.iter().cloned().collect() } else { line.take_used() };
                    gone.into_iter().map(|tx| Removed { tx, why }).collect()
                },
                &mut removed,
            );
        }
        let before_ms = now_ms.saturating_sub(self.config.limits.queued_lifetime_ms);
        let senders: Vec<Address> = self.lines.keys().copied().collect();
        self.base_fee = base_fee;
        // The worth of every line depends on the base fee, so the index is made anew.
        self.tails.clear();
        for sender in senders {
            self.change(
                sender,
                now_ms,
                |line| {
                    line.take_expired(before_ms).into_iter().map(|tx| Removed { tx, why: Departure::Expired }).collect()
                },
                &mut removed,
            );
        }
        removed
    }

    /// Takes one transaction out. Those behind it become queued.
    pub fn remove(&mut self, hash: &B256, now_ms: u64) -> Option<Removed> {
        self.take(hash, Departure::Dropped, now_ms)
    }

    /// Takes everything out.
    pub fn clear(&mut self) -> Vec<Removed> {
        self.by_hash.clear();
        self.tails.clear();
        self.bytes = 0;
        let lines = std::mem::take(&mut self.lines);
        let txs = lines.values().flat_map(Line::iter).cloned();
        txs.map(|tx| Removed { tx, why: Departure::Dropped }).collect()
    }

    /// The pending transactions in the order a builder should try them, for a block with these base fees.
    pub fn best(&self, base_fee: u64, blob_base_fee: u128) -> Best<'_> {
        Best::new(self, base_fee, blob_base_fee)
    }

    /// A transaction by its hash.
    pub fn by_hash(&self, hash: &B256) -> Option<&Arc<Pooled>> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        self.lines.get(sender)?.get(*nonce)
    }

    /// A transaction by its sender and nonce.
    pub fn by_sender_and_nonce(&self, sender: Address, nonce: u64) -> Option<&Arc<Pooled>> {
        self.lines.get(&sender)?.get(nonce)
    }

    /// The transactions of one sender, or `None` if there are none.
    pub fn by_sender(&self, sender: Address) -> Option<SenderContent> {
        let line = self.lines.get(&sender)?;
        Some(SenderContent {
            sender,
            pending: line.pending().cloned().collect(),
            queued: line.queued().cloned().collect(),
        })
    }

    /// All transactions by sender, for `txpool_content`.
    pub fn content(&self) -> impl Iterator<Item = SenderContent> + '_ {
        self.lines.keys().filter_map(|sender| self.by_sender(*sender))
    }

    /// All transactions, by sender and nonce.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Pooled>> {
        self.lines.values().flat_map(Line::iter)
    }

    /// The next nonce `sender` can use without a gap: `eth_getTransactionCount(_, "pending")`. `None` if the
    /// sender is unknown here, and the account's nonce is the answer.
    pub fn pending_nonce(&self, sender: Address) -> Option<u64> {
        Some(self.lines.get(&sender)?.next_nonce())
    }

    /// Whether `sender` has transactions here, so that a new head must bring its account.
    pub fn knows(&self, sender: Address) -> bool {
        self.lines.contains_key(&sender)
    }

    /// All senders.
    pub fn senders(&self) -> impl Iterator<Item = Address> + '_ {
        self.lines.keys().copied()
    }

    /// Counts.
    pub fn stats(&self) -> Stats {
        let pending = self.lines.values().map(|line| line.pending().count()).sum();
        Stats { pending, queued: self.by_hash.len() - pending, bytes: self.bytes, senders: self.lines.len() }
    }

    fn admit(&mut self, tx: Pooled, account: AccountView) -> Result<Added, PoolError> {
        if self.by_hash.contains_key(&tx.hash) {
            return Err(PoolError::AlreadyKnown { hash: tx.hash });
        }
        admission::check_transaction(&self.config, &tx.tx, tx.sidecar.as_deref())?;
        admission::check_account(&tx.tx, tx.cost, &account)?;
        let Pooled { hash, added_ms: now_ms, .. } = tx;
        let (sender, nonce) = (tx.sender(), tx.nonce());
        let (replaced, pushed_out) = self.check_line(&tx, &account)?;

        // From here on the pool changes; `gone` holds what left, in case the newcomer turns out to be the worst
        // of a full pool and everything has to be as before.
        let mut gone = Vec::new();
        let before = self.lines.get(&sender).map(|line| (line.account, line.pending_until()));
        let line = self.lines.entry(sender).or_insert_with(|| Line::new(account));
        if let Some(worth) = line.worth(self.base_fee) {
            self.tails.remove(&(worth, sender));
        }
        // The account that comes with the newcomer is the freshest there is. Should its nonce have moved before
        // `on_head` said so, the used-up ones are simply not pending; `on_head` takes them out.
        line.account = account;
        for nonce in [replaced, pushed_out].into_iter().flatten() {
            if let Some(old) = line.remove(nonce) {
                self.by_hash.remove(&old.hash);
                self.bytes -= old.bytes;
                gone.push((old, account));
            }
        }
        self.bytes += tx.bytes;
        self.by_hash.insert(hash, (sender, nonce));
        line.insert(Arc::new(tx));
        line.heard_of(now_ms);
        line.settle(now_ms);
        self.index(sender);

        while self.is_over_limits() {
            let Some((victim, its_account)) = self.evict_worst(now_ms) else { break };
            if victim.hash == hash {
                self.restore(gone, now_ms);
                return Err(PoolError::Full);
            }
            gone.push((victim, its_account));
        }
        let gone: Vec<Arc<Pooled>> = gone.into_iter().map(|(tx, _)| tx).collect();

        let pending_from = before.map_or(account.nonce, |(_, until)| until.max(account.nonce));
        let line = self.lines.get(&sender);
        let is_pending = line.is_some_and(|line| nonce < line.pending_until());
        let promoted = line.map_or_else(Vec::new, |line| {
            line.pending().filter(|tx| tx.nonce() >= pending_from || tx.hash == hash).map(|tx| tx.hash).collect()
        });
        let replaced = gone.iter().find(|old| old.sender() == sender && old.nonce() == nonce).map(|old| old.hash);
        let evicted = gone.iter().map(|old| old.hash).filter(|old| Some(*old) != replaced).collect();
        Ok(Added { hash, is_pending, promoted, replaced, evicted })
    }

    /// What has to leave the sender's own line for `tx`: the nonce it replaces, the nonce that a full line gives up.
    fn check_line(&self, tx: &Pooled, account: &AccountView) -> Result<(Option<u64>, Option<u64>), PoolError> {
        let limits = &self.config.limits;
        let line = self.lines.get(&tx.sender());
        if let Some(old) = line.and_then(|line| line.get(tx.nonce())) {
            let has_blobs = old.has_blobs() || tx.has_blobs();
            let percent = if has_blobs { limits.blob_bump_percent } else { limits.bump_percent };
            if !tx.outbids(old, percent) {
                return Err(PoolError::ReplacementUnderpriced { existing: old.hash, bump_percent: percent });
            }
            return Ok((Some(tx.nonce()), None));
        }
        let next = line.map_or(account.nonce, |line| line.next_nonce().max(account.nonce));
        if tx.has_blobs() && tx.nonce() > next {
            return Err(PoolError::NonceTooHigh { next, have: tx.nonce() });
        }
        let limit = match account.code {
            SenderCode::Delegated => limits.per_delegated_sender,
            SenderCode::None | SenderCode::Contract => limits.per_sender,
        };
        if line.map_or(0, Line::len) < limit {
            return Ok((None, None));
        }
        // A full line still takes what comes before its end: that is what closes gaps.
        match line.and_then(Line::last) {
            Some(last) if tx.nonce() < last.nonce() => Ok((None, Some(last.nonce()))),
            Some(_) | None => Err(PoolError::SenderLimit { sender: tx.sender(), limit }),
        }
    }

    fn is_over_limits(&self) -> bool {
        self.by_hash.len() > self.config.limits.transactions || self.bytes > self.config.limits.bytes
    }

    /// The victim comes with its sender's account, without which it could not be restored.
    fn evict_worst(&mut self, now_ms: u64) -> Option<(Arc<Pooled>, AccountView)> {
        let (_, sender) = *self.tails.first()?;
        let line = self.lines.get(&sender)?;
        let (hash, account) = (line.last()?.hash, line.account);
        self.take(&hash, Departure::Evicted, now_ms).map(|removed| (removed.tx, account))
    }

    /// Undoes removals of [`Pool::admit`]: they all fitted together before.
    fn restore(&mut self, gone: Vec<(Arc<Pooled>, AccountView)>, now_ms: u64) {
        for (tx, account) in gone {
            let sender = tx.sender();
            let line = self.lines.entry(sender).or_insert_with(|| Line::new(account));
            if let Some(worth) = line.worth(self.base_fee) {
                self.tails.remove(&(worth, sender));
            }
            self.bytes += tx.bytes;
            self.by_hash.insert(tx.hash, (sender, tx.nonce()));
            line.insert(tx);
            line.settle(now_ms);
            self.index(sender);
        }
    }

    fn take(&mut self, hash: &B256, why: Departure, now_ms: u64) -> Option<Removed> {
        let (sender, nonce) = *self.by_hash.get(hash)?;
        let mut removed = Vec::with_capacity(1);
        self.change(
            sender,
            now_ms,
            |line| line.remove(nonce).map(|tx| Removed { tx, why }).into_iter().collect(),
            &mut removed,
        );
        removed.pop()
    }

    /// Runs `f` on a line, keeps index, counts and the set of lines in step with what it took out.
    fn change(
        &mut self,
        sender: Address,
        now_ms: u64,
        f: impl FnOnce(&mut Line) -> Vec<Removed>,
        removed: &mut Vec<Removed>,
    ) {
        let Some(line) = self.lines.get_mut(&sender) else { return };
        if let Some(worth) = line.worth(self.base_fee) {
            self.tails.remove(&(worth, sender));
        }
        for gone in f(line) {
            line.remove(gone.tx.nonce());
            self.by_hash.remove(&gone.tx.hash);
            self.bytes -= gone.tx.bytes;
            removed.push(gone);
        }
        line.settle(now_ms);
        self.index(sender);
    }

    /// Enters a line into the eviction index, or removes it when it is empty.
    fn index(&mut self, sender: Address) {
        let Some(line) = self.lines.get(&sender) else { return };
        match line.worth(self.base_fee) {
            Some(worth) => {
                self.tails.insert((worth, sender));
            }
            None => {
                self.lines.remove(&sender);
            }
        }
    }
}
