//! Everything a method needs in one place, and the threads that methods run on.
//!
//! Must not know any method: those are `impl Backend` blocks in the modules `eth` and `rollup`, by topic.

use std::sync::Arc;

use chainspec::ChainSpec;
use futures::future::BoxFuture;
use jsonrpsee::core::RpcResult;
use storage::Chain;
use tokio::sync::{Semaphore, broadcast};

use crate::{
    Limits,
    errors::RpcError,
    eth::{filters::Filters, news::News},
    rollup::{BridgeOnL1, L1Fault, RollupStatus},
    seams::{Dev, Heads, Pending, Submit},
};

/// What the caller provides.
#[derive(Clone)]
pub struct Parts {
    /// The chain's data.
    pub chain: Arc<Chain>,
    /// The chain's rules.
    pub spec: Arc<ChainSpec>,
    /// The pool.
    pub submit: Arc<dyn Submit>,
    /// The heads.
    pub heads: Arc<dyn Heads>,
    /// The open block; [`NoPending`](crate::NoPending) where there is none.
    pub pending: Arc<dyn Pending>,
    /// On a rollup: its status. `None` on L1, where `rollup_*` does not exist.
    pub rollup: Option<Arc<dyn RollupStatus>>,
    /// On a rollup: what it asks L1 about messages. `None` on L1.
    pub on_l1: Option<Arc<dyn BridgeOnL1>>,
    /// On a development chain: its keys and clock.
    pub dev: Option<Arc<dyn Dev>>,
    /// Answer of `web3_clientVersion`, such as `basalt/v0.1.0-abcdef/linux-x86_64/rustc1.95`.
    pub client_version: String,
    /// The server's limits.
    pub limits: Limits,
}

/// The parts, and what the server itself remembers: filters and the recent news of the chain.
pub struct Backend {
    pub(crate) chain: Arc<Chain>,
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) submit: Arc<dyn Submit>,
    pub(crate) heads: Arc<dyn Heads>,
    pub(crate) pending: Arc<dyn Pending>,
    pub(crate) rollup: Option<Arc<dyn RollupStatus>>,
    on_l1: Option<Arc<dyn BridgeOnL1>>,
    pub(crate) dev: Option<Arc<dyn Dev>>,
    pub(crate) client_version: String,
    pub(crate) limits: Limits,
    pub(crate) filters: Filters,
    /// Chain news in the form that subscriptions want. The `follow` task is the only sender.
    pub(crate) news: broadcast::Sender<Arc<News>>,
    reads: Arc<Semaphore>,
    heavy: Arc<Semaphore>,
    l1_calls: Semaphore,
}

impl Backend {
    /// Puts the parts together. Nothing runs yet; see [`serve`](crate::serve).
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { chain, spec, submit, heads, pending, rollup, on_l1, dev, client_version, limits } = parts;
        let (news, _) = broadcast::channel(limits.subscription_backlog);
        Arc::new(Self {
            filters: Filters::new(&limits),
            reads: Arc::new(Semaphore::new(limits.concurrent_reads)),
            heavy: Arc::new(Semaphore::new(limits.concurrent_heavy)),
            l1_calls: Semaphore::new(limits.concurrent_l1),
            chain,
            spec,
            submit,
            heads,
            pending,
            rollup,
            on_l1,
            dev,
            client_version,
            limits,
            news,
        })
    }

    /// Runs a method that reads a bounded amount of data.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        method: impl FnOnce(&Self) -> Result<T, RpcError> + Send + 'static,
    ) -> RpcResult<T> {
        self.run(&self.reads, self.limits.concurrent_reads, method).await
    }

    /// Runs a method that executes code or reads many blocks.
    pub(crate) async fn heavy<T: Send + 'static>(
        self: &Arc<Self>,
        method: impl FnOnce(&Self) -> Result<T, RpcError> + Send + 'static,
    ) -> RpcResult<T> {
        self.run(&self.heavy, self.limits.concurrent_heavy, method).await
    }

    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        slots: &Arc<Semaphore>,
        limit: usize,
        method: impl FnOnce(&Self) -> Result<T, RpcError> + Send + 'static,
    ) -> RpcResult<T> {
        let waiting = tokio::time::timeout(self.limits.queue_time, Arc::clone(slots).acquire_owned());
        let Ok(Ok(permit)) = waiting.await else {
            return Err(RpcError::Busy { limit }.into());
        };
        let backend = Arc::clone(self);
        // The permit goes with the work: when the caller gives up, the thread is still busy, and so is its slot.
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            method(&backend)
        });
        match work.await {
            Ok(result) => Ok(result?),
            Err(panicked) => Err(RpcError::internal(panicked).into()),
        }
    }

    /// Asks L1 something, when a slot for that is free.
    pub(crate) async fn ask_l1<'a, T>(
        &'a self,
        question: impl FnOnce(&'a dyn BridgeOnL1) -> BoxFuture<'a, Result<T, L1Fault>>,
    ) -> Result<T, RpcError> {
        let on_l1 = self.on_l1.as_deref();
        let on_l1 = on_l1.ok_or_else(|| RpcError::internal("a rollup method is served without an L1"))?;
        let waiting = tokio::time::timeout(self.limits.queue_time, self.l1_calls.acquire());
        let Ok(Ok(_permit)) = waiting.await else {
            return Err(RpcError::Busy { limit: self.limits.concurrent_l1 });
        };
        question(on_l1).await.map_err(RpcError::L1)
    }

    /// The rollup's part. Its methods are registered only where it exists.
    pub(crate) fn rollup(&self) -> Result<&Arc<dyn RollupStatus>, RpcError> {
        self.rollup.as_ref().ok_or_else(|| RpcError::internal("a rollup method is served without a rollup"))
    }
}
