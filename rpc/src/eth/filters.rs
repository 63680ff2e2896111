//! Polled filters. A filter is a position in a shared, bounded journal, so a forgotten one costs a few bytes.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use alloy_rpc_types_eth::{Filter, FilterBlockOption, FilterChanges, FilterId, PendingTransactionFilterKind};
use parking_lot::Mutex;

use super::{news::News, transactions::pooled};
use crate::{
    Backend, Limits, RpcError,
    api::{RpcLog, RpcTransaction},
};

/// All filters, and the journals they read.
pub(crate) struct Filters {
    limit: usize,
    idle: Duration,
    inner: Mutex<Inner>,
}

struct Inner {
    // Never iterated for output, so its order does not show.
    filters: HashMap<String, Entry>,
    news: Journal<Arc<News>>,
    transactions: Journal<B256>,
}

struct Entry {
    kind: Kind,
    /// Next position to read in the kind's journal.
    next: u64,
    asked: Instant,
}

#[derive(Clone)]
enum Kind {
    Logs(Arc<Filter>),
    Blocks,
    Transactions(PendingTransactionFilterKind),
}

/// The last entries of an endless sequence, by position.
struct Journal<T> {
    first: u64,
    entries: VecDeque<T>,
    limit: usize,
}

impl<T: Clone> Journal<T> {
    fn new(limit: usize) -> Self {
        Self { first: 0, entries: VecDeque::new(), limit }
    }

    fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    fn push(&mut self, entry: T) {
        self.entries.push_back(entry);
        while self.entries.len() > self.limit {
            self.entries.pop_front();
            self.first += 1;
        }
    }

    /// Everything from `next` on; `None` when some of it is forgotten.
    fn since(&self, next: u64) -> Option<Vec<T>> {
        let skip = usize::try_from(next.checked_sub(self.first)?).ok()?;
        Some(self.entries.iter().skip(skip).cloned().collect())
    }
}

impl Filters {
    pub(crate) fn new(limits: &Limits) -> Self {
        let inner = Inner {
            filters: HashMap::new(),
            news: Journal::new(limits.filter_journal),
            transactions: Journal::new(limits.filter_transactions),
        };
        Self { limit: limits.filters, idle: limits.filter_idle, inner: Mutex::new(inner) }
    }

    /// Called by the news task only, in order.
    pub(crate) fn news(&self, news: Arc<News>) {
        self.inner.lock().news.push(news);
    }

    /// Called by the news task only.
    pub(crate) fn transaction(&self, hash: B256) {
        self.inner.lock().transactions.push(hash);
    }

    fn add(&self, kind: Kind) -> Result<FilterId, RpcError> {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        if inner.filters.len() >= self.limit {
            let idle = self.idle;
            inner.filters.retain(|_, entry| now.duration_since(entry.asked) < idle);
        }
        if inner.filters.len() >= self.limit {
            return Err(RpcError::FiltersFull { limit: self.limit });
        }
        let next = match kind {
            Kind::Logs(_) | Kind::Blocks => inner.news.end(),
            Kind::Transactions(_) => inner.transactions.end(),
        };
        // Random, so that a client cannot read or end a stranger's filter by counting.
        let id = format!("{:#x}", rand::random::<u128>());
        inner.filters.insert(id.clone(), Entry { kind, next, asked: now });
        Ok(FilterId::Str(id))
    }

    fn remove(&self, id: &FilterId) -> bool {
        self.inner.lock().filters.remove(&key(id)).is_some()
    }

    fn log_filter(&self, id: &FilterId) -> Result<Arc<Filter>, RpcError> {
        let mut inner = self.inner.lock();
        match inner.filters.get_mut(&key(id)) {
            Some(Entry { kind: Kind::Logs(filter), asked, .. }) => {
                *asked = Instant::now();
                Ok(Arc::clone(filter))
            }
            _ => Err(RpcError::FilterNotFound),
        }
    }

    fn changes(&self, id: &FilterId) -> Result<Changes, RpcError> {
        let now = Instant::now();
        let id = key(id);
        let mut guard = self.inner.lock();
        let Inner { filters, news, transactions } = &mut *guard;
        let entry = filters.get_mut(&id).ok_or(RpcError::FilterNotFound)?;
        let idle = now.duration_since(entry.asked) >= self.idle;
        entry.asked = now;
        let changes = match &entry.kind {
            _ if idle => None,
            Kind::Logs(filter) => {
                let read = news.since(entry.next).map(|news| Changes::Logs(Arc::clone(filter), news));
                entry.next = news.end();
                read
            }
            Kind::Blocks => {
                let read = news.since(entry.next).map(Changes::Blocks);
                entry.next = news.end();
                read
            }
            Kind::Transactions(kind) => {
                // A missed pending transaction is no loss of truth: go on with those that are remembered.
                let from = entry.next.max(transactions.first);
                let read = transactions.since(from).map(|hashes| Changes::Transactions(*kind, hashes));
                entry.next = transactions.end();
                read
            }
        };
        if changes.is_none() {
            // Half an answer would look whole. Clients make a new filter when they are told that this one is gone.
            filters.remove(&id);
        }
        changes.ok_or(RpcError::FilterNotFound)
    }
}

fn key(id: &FilterId) -> String {
    match id {
        FilterId::Str(id) => id.clone(),
        FilterId::Num(id) => format!("{id:#x}"),
    }
}

enum Changes {
    Logs(Arc<Filter>, Vec<Arc<News>>),
    Blocks(Vec<Arc<News>>),
    Transactions(PendingTransactionFilterKind, Vec<B256>),
}

impl Backend {
    pub(crate) fn new_log_filter(&self, filter: Filter) -> Result<FilterId, RpcError> {
        self.check_filter(&filter)?;
        self.filters.add(Kind::Logs(Arc::new(filter)))
    }

    pub(crate) fn new_block_filter(&self) -> Result<FilterId, RpcError> {
        self.filters.add(Kind::Blocks)
    }

    pub(crate) fn new_pending_filter(&self, kind: PendingTransactionFilterKind) -> Result<FilterId, RpcError> {
        self.filters.add(Kind::Transactions(kind))
    }

    pub(crate) fn uninstall_filter(&self, id: &FilterId) -> bool {
        self.filters.remove(id)
    }

    pub(crate) fn filter_changes(&self, id: &FilterId) -> Result<FilterChanges<RpcTransaction>, RpcError> {
        Ok(match self.filters.changes(id)? {
            Changes::Logs(filter, news) => {
                let logs = news.iter().flat_map(|news| news.logs());
                FilterChanges::Logs(logs.filter(|log| wants(&filter, log)).collect())
            }
            Changes::Blocks(news) => {
                let added = news.iter().flat_map(|news| &news.added);
                FilterChanges::Hashes(added.map(|block| block.header.hash).collect())
            }
            Changes::Transactions(PendingTransactionFilterKind::Hashes, hashes) => FilterChanges::Hashes(hashes),
            Changes::Transactions(PendingTransactionFilterKind::Full, hashes) => {
                let known = hashes.into_iter().filter_map(|hash| self.submit.transaction(hash));
                FilterChanges::Transactions(known.map(|transaction| pooled(&transaction)).collect())
            }
        })
    }

    pub(crate) fn filter_logs(&self, id: &FilterId) -> Result<Vec<RpcLog>, RpcError> {
        let filter = self.filters.log_filter(id)?;
        self.logs(&filter)
    }
}

/// Whether a log filter or subscription wants a log of a new block. A lower bound of blocks already past and a tag are
/// no reason to leave it out.
pub(crate) fn wants(filter: &Filter, log: &RpcLog) -> bool {
    let in_range = match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => log.block_hash == Some(hash),
        FilterBlockOption::Range { from_block, to_block } => {
            let number = log.block_number.unwrap_or_default();
            let above = from_block.and_then(|from| from.as_number()).is_none_or(|from| number >= from);
            above && to_block.and_then(|to| to.as_number()).is_none_or(|to| number <= to)
        }
    };
    in_range && filter.matches(&log.inner)
}
