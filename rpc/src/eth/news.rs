//! News of the chain: one task compares what was announced with what is canonical, and tells filters and
//! subscriptions the difference.
//!
//! The comparison, rather than a stream of events from the node, makes it impossible to announce a block that storage
//! does not hold, to lose one, or to announce one twice.

use std::{collections::VecDeque, sync::Arc};

use alloy_eips::BlockNumHash;
use alloy_primitives::B256;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    watch,
};

use super::receipts::logs_of;
use crate::{
    Backend, RpcError,
    api::{RpcHeader, RpcLog},
};

/// Blocks loaded at the start, so that a reorg soon after it can be told with its removed logs.
const START_BLOCKS: u64 = 64;
/// Blocks remembered for a later reorg; one that goes deeper announces its new blocks only.
const REMEMBERED_BLOCKS: usize = 512;
/// Blocks announced at once. After a longer jump (initial sync) the older ones are left out.
const ANNOUNCED_BLOCKS: u64 = 256;

/// A block as it is announced.
#[derive(Debug)]
pub(crate) struct BlockNews {
    pub(crate) header: RpcHeader,
    pub(crate) logs: Vec<RpcLog>,
}

/// One change of the canonical chain.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Newest first.
    pub(crate) removed: Vec<Arc<BlockNews>>,
    /// Oldest first.
    pub(crate) added: Vec<Arc<BlockNews>>,
}

impl News {
    /// All logs, removed ones marked so, in the order in which a client should apply them.
    pub(crate) fn logs(&self) -> impl Iterator<Item = RpcLog> + '_ {
        let removed = self.removed.iter().flat_map(|block| block.logs.iter().rev());
        let removed = removed.map(|log| RpcLog { removed: true, ..log.clone() });
        removed.chain(self.added.iter().flat_map(|block| block.logs.iter().cloned()))
    }
}

/// What was announced, oldest first: a piece of a chain without gaps.
#[derive(Debug, Default)]
pub(crate) struct Announced(VecDeque<Arc<BlockNews>>);

impl Announced {
    fn tip(&self) -> Option<BlockNumHash> {
        self.0.back().map(|block| BlockNumHash { number: block.header.inner.number, hash: block.header.hash })
    }
}

/// The task, ready to run: from its making on, no change is missed.
pub(crate) struct Follower {
    backend: Arc<Backend>,
    heads: watch::Receiver<BlockNumHash>,
    pool: Option<broadcast::Receiver<B256>>,
    announced: Announced,
}

impl Follower {
    /// Starts listening, then takes the newest blocks as announced.
    pub(crate) async fn new(backend: Arc<Backend>) -> Self {
        let heads = backend.heads.watch();
        let pool = Some(backend.submit.subscribe());
        let loaded = blocking(&backend, |backend| {
            let latest = backend.heads.latest();
            let oldest = latest.saturating_sub(START_BLOCKS - 1).max(backend.spec.genesis_header().number);
            let mut blocks = VecDeque::new();
            for number in oldest..=latest {
                blocks.extend(load(backend, number)?);
            }
            Ok(Announced(blocks))
        });
        let announced = loaded.await.unwrap_or_default();
        Self { backend, heads, pool, announced }
    }

    /// Watches the heads and the pool until `stop` changes or the heads are gone.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let backend = self.backend;
        loop {
            let transactions = async {
                match &mut self.pool {
                    Some(pool) => pool.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = stop.changed() => return,
                changed = self.heads.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.announced = step(&backend, self.announced).await;
                }
                hash = transactions => match hash {
                    Ok(hash) => backend.filters.transaction(hash),
                    Err(RecvError::Lagged(missed)) => {
                        tracing::debug!(target: "rpc", missed, "pending transaction filters miss transactions");
                    }
                    Err(RecvError::Closed) => self.pool = None,
                },
            }
        }
    }
}

async fn step(backend: &Arc<Backend>, announced: Announced) -> Announced {
    let known = Announced(announced.0.clone());
    let Some((next, news)) = blocking(backend, move |backend| compare(backend, announced)).await else {
        // Logged by `blocking`. The next change of the head compares again with what is known.
        return known;
    };
    if !news.removed.is_empty() || !news.added.is_empty() {
        let news = Arc::new(news);
        backend.filters.news(Arc::clone(&news));
        // No subscriber is no error.
        let _ = backend.news.send(news);
    }
    next
}

async fn blocking<T: Send + 'static>(
    backend: &Arc<Backend>,
    work: impl FnOnce(&Backend) -> Result<T, RpcError> + Send + 'static,
) -> Option<T> {
    let backend = Arc::clone(backend);
    match tokio::task::spawn_blocking(move || work(&backend)).await {
        Ok(Ok(done)) => Some(done),
        Ok(Err(error)) => {
            tracing::error!(target: "rpc", %error, "subscribers miss a change of the head until the next one");
            None
        }
        Err(error) => {
            tracing::error!(target: "rpc", %error, "subscribers miss a change of the head until the next one");
            None
        }
    }
}

fn compare(backend: &Backend, mut announced: Announced) -> Result<(Announced, News), RpcError> {
    let mut news = News::default();
    while let Some(tip) = announced.tip() {
        if backend.chain.canonical_hash(tip.number)? == Some(tip.hash) && tip.number <= backend.heads.latest() {
            break;
        }
        news.removed.extend(announced.0.pop_back());
    }
    let latest = backend.heads.latest();
    let first = match (announced.tip(), news.removed.last()) {
        (Some(tip), _) => tip.number + 1,
        (None, Some(oldest)) => oldest.header.inner.number,
        (None, None) => latest,
    };
    let first = if latest.saturating_sub(first) >= ANNOUNCED_BLOCKS {
        // The remembered piece must have no gap.
        announced.0.clear();
        latest - (ANNOUNCED_BLOCKS - 1)
    } else {
        first
    };
    for number in first..=latest {
        let Some(block) = load(backend, number)? else { break };
        let follows = announced.tip().is_none_or(|tip| tip.hash == block.header.inner.parent_hash);
        if !follows {
            // The chain moved while it was read; the head's next change tells the rest.
            break;
        }
        announced.0.push_back(Arc::clone(&block));
        news.added.push(block);
    }
    while announced.0.len() > REMEMBERED_BLOCKS {
        announced.0.pop_front();
    }
    Ok((announced, news))
}

fn load(backend: &Backend, number: u64) -> Result<Option<Arc<BlockNews>>, RpcError> {
    let Some((block, receipts)) = backend.find_receipts(number.into())? else { return Ok(None) };
    let logs = logs_of(&block, receipts);
    let header = RpcHeader { hash: block.hash(), inner: block.into_header(), total_difficulty: None, size: None };
    Ok(Some(Arc::new(BlockNews { header, logs })))
}
