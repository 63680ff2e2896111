//! `eth_subscribe`. A subscription that cannot keep up is closed with a reason; it never skips in silence.

use std::{sync::Arc, time::Duration};

use alloy_primitives::B256;
use alloy_rpc_types_eth::{
    Filter,
    pubsub::{PubSubSyncStatus, SubscriptionKind, SyncStatusMetadata, TransactionReceiptsParams},
};
use jsonrpsee::{
    PendingSubscriptionSink, SubscriptionMessage, SubscriptionSink,
    core::{SubscriptionError, SubscriptionResult},
    types::ErrorObjectOwned,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::broadcast::{self, error::RecvError};

use super::{filters::wants, news::News, transactions::pooled};
use crate::{Backend, RpcError, seams::SyncState};

/// How often a `syncing` subscription looks.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// A parsed subscription.
enum Kind {
    Heads,
    Logs(Box<Filter>),
    Transactions { full: bool },
    Syncing,
    Receipts(Option<Vec<B256>>),
}

/// Checks the parameters, accepts, and sends until the client leaves.
pub(crate) async fn run(
    backend: Arc<Backend>,
    pending: PendingSubscriptionSink,
    kind: SubscriptionKind,
    params: Option<Value>,
) -> SubscriptionResult {
    let kind = match parse(&backend, kind, params) {
        Ok(kind) => kind,
        Err(error) => {
            pending.reject(ErrorObjectOwned::from(error)).await;
            return Ok(());
        }
    };
    // Listen before the client knows that it is subscribed: what happens from then on must reach it.
    let news = backend.news.subscribe();
    let pool = backend.submit.subscribe();
    let sink = pending.accept().await?;
    match kind {
        Kind::Heads => {
            let each = |news: &News| news.added.iter().map(|block| block.header.clone()).collect();
            from_news(&sink, news, each).await
        }
        Kind::Logs(filter) => {
            let each = |news: &News| news.logs().filter(|log| wants(&filter, log)).collect();
            from_news(&sink, news, each).await
        }
        Kind::Receipts(hashes) => receipts(&backend, &sink, news, hashes).await,
        Kind::Transactions { full } => transactions(&backend, &sink, pool, full).await,
        Kind::Syncing => syncing(&backend, &sink).await,
    }
}

fn parse(backend: &Backend, kind: SubscriptionKind, params: Option<Value>) -> Result<Kind, RpcError> {
    fn read<T: DeserializeOwned + Default>(params: Option<Value>) -> Result<T, RpcError> {
        match params {
            None | Some(Value::Null) => Ok(T::default()),
            Some(value) => serde_json::from_value(value).map_err(RpcError::params),
        }
    }
    Ok(match kind {
        SubscriptionKind::NewHeads => Kind::Heads,
        SubscriptionKind::Logs => {
            let filter: Filter = read(params)?;
            backend.check_filter(&filter)?;
            Kind::Logs(Box::new(filter))
        }
        SubscriptionKind::NewPendingTransactions => Kind::Transactions { full: read(params)? },
        SubscriptionKind::Syncing => Kind::Syncing,
        SubscriptionKind::TransactionReceipts => {
            let TransactionReceiptsParams { transaction_hashes } = read(params)?;
            let hashes = transaction_hashes.filter(|hashes| !hashes.is_empty());
            let (got, limit) = (hashes.as_ref().map_or(0, Vec::len), backend.limits.filter_topics);
            if got > limit {
                return Err(RpcError::TooMany { what: "transaction hashes", got, limit });
            }
            Kind::Receipts(hashes)
        }
    })
}

/// Sends one message; `false` when the client is gone. Waits for a slow client: its lag shows at the next receive.
async fn send<T: Serialize>(sink: &SubscriptionSink, item: &T) -> Result<bool, SubscriptionError> {
    let raw = serde_json::value::to_raw_value(item)?;
    Ok(sink.send(SubscriptionMessage::from(raw)).await.is_ok())
}

/// The next thing to tell, `None` when the client left or the server stops.
async fn next<T: Clone>(
    sink: &SubscriptionSink,
    receiver: &mut broadcast::Receiver<T>,
) -> Result<Option<T>, SubscriptionError> {
    tokio::select! {
        () = sink.closed() => Ok(None),
        received = receiver.recv() => match received {
            Ok(item) => Ok(Some(item)),
            Err(RecvError::Closed) => Ok(None),
            Err(RecvError::Lagged(missed)) => {
                Err(SubscriptionError::from(format!("subscription closed: {missed} messages behind, subscribe again")))
            }
        },
    }
}

async fn from_news<T: Serialize>(
    sink: &SubscriptionSink,
    mut receiver: broadcast::Receiver<Arc<News>>,
    each: impl Fn(&News) -> Vec<T>,
) -> SubscriptionResult {
    while let Some(news) = next(sink, &mut receiver).await? {
        for item in each(&news) {
            if !send(sink, &item).await? {
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn receipts(
    backend: &Arc<Backend>,
    sink: &SubscriptionSink,
    mut receiver: broadcast::Receiver<Arc<News>>,
    hashes: Option<Vec<B256>>,
) -> SubscriptionResult {
    while let Some(news) = next(sink, &mut receiver).await? {
        for block in &news.added {
            let id = block.header.hash.into();
            let found = backend.read(move |backend| backend.rpc_block_receipts(id)).await;
            let mut found = found.map_err(|error| SubscriptionError::from(error.message()))?.unwrap_or_default();
            if let Some(hashes) = &hashes {
                found.retain(|receipt| hashes.contains(&receipt.transaction_hash));
            }
            if !found.is_empty() && !send(sink, &found).await? {
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn transactions(
    backend: &Arc<Backend>,
    sink: &SubscriptionSink,
    mut receiver: broadcast::Receiver<B256>,
    full: bool,
) -> SubscriptionResult {
    while let Some(hash) = next(sink, &mut receiver).await? {
        let open = if full {
            // Gone from the pool again: there is nothing left to show.
            let Some(transaction) = backend.submit.transaction(hash) else { continue };
            send(sink, &pooled(&transaction)).await?
        } else {
            send(sink, &hash).await?
        };
        if !open {
            return Ok(());
        }
    }
    Ok(())
}

async fn syncing(backend: &Arc<Backend>, sink: &SubscriptionSink) -> SubscriptionResult {
    let mut told = None;
    let mut interval = tokio::time::interval(SYNC_INTERVAL);
    loop {
        tokio::select! {
            () = sink.closed() => return Ok(()),
            _ = interval.tick() => {}
        }
        let (syncing, status) = match backend.heads.sync() {
            SyncState::Synced => (false, PubSubSyncStatus::Simple(false)),
            SyncState::Syncing { starting, current, highest } => {
                let (starting_block, current_block, highest_block) = (starting, current, Some(highest));
                let detail = SyncStatusMetadata { syncing: true, starting_block, current_block, highest_block };
                (true, PubSubSyncStatus::Detailed(detail))
            }
        };
        if told.replace(syncing) != Some(syncing) && !send(sink, &status).await? {
            return Ok(());
        }
    }
}
