//! A WebSocket to an execution endpoint, as a transport that mends itself: whoever asks while it is down gets an error at once, and the next
//! try waits longer after each failure. Where the endpoint tells of new heads (`eth_subscribe`), a [`Notify`] wakes whoever follows; what
//! the head is is asked for as over HTTP, so a socket that tells nothing, or lies, costs nothing but time.
//!
//! Messages have at most 64 MiB, the library's limit. Must not know what is asked.

use crate::rpc::without_credentials;
use alloy_json_rpc::{RequestPacket, ResponsePacket};
use alloy_network::Ethereum;
use alloy_provider::{Provider, RootProvider, WsConnect};
use alloy_rpc_client::{ClientBuilder, RpcClient};
use alloy_transport::{TransportError, TransportErrorKind, TransportFut};
use std::{
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, Notify};
use url::Url;

/// Longest wait for a connection, the subscription included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause after a connection that failed, doubled for each in a row up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(250);

/// Longest pause between two tries.
const BACKOFF_MAX: Duration = Duration::from_secs(8);

/// A ping is sent, and the last one must have been answered, this often: a peer that went without a word is noticed.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// See the module. Cheap to clone; all clones share one connection.
#[derive(Clone, Debug)]
pub(crate) struct Socket(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    url: Url,
    timeout: Duration,
    news: Arc<Notify>,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    client: Option<RpcClient>,
    failures: u32,
    not_before: Option<Instant>,
}

impl Socket {
    /// To the endpoint at `url` (`ws` or `wss`), whose answers are waited for `timeout`; `news` is told of new heads. Connects with the first
    /// request.
    pub(crate) fn new(url: Url, timeout: Duration, news: Arc<Notify>) -> Self {
        Self(Arc::new(Shared { url, timeout, news, line: Mutex::default() }))
    }
}

impl Shared {
    /// The connection; made if there is none and the last failure is long enough ago.
    async fn client(&self) -> Result<RpcClient, TransportError> {
        let mut line = self.line.lock().await;
        if let Some(client) = &line.client {
            return Ok(client.clone());
        }
        if let Some(not_before) = line.not_before.filter(|not_before| *not_before > Instant::now()) {
            let left = not_before.saturating_duration_since(Instant::now());
            return Err(TransportErrorKind::custom_str(&format!("not connected; the next try is in {left:?}")));
        }
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, self.connect()).await;
        let connected = connected.unwrap_or_else(|_| Err(TransportErrorKind::custom_str("connecting timed out")));
        match connected {
            Ok(client) => {
                *line = Line { client: Some(client.clone()), ..Line::default() };
                Ok(client)
            }
            Err(error) => {
                line.failures = line.failures.saturating_add(1);
                let pause = BACKOFF_MIN.saturating_mul(1 << (line.failures - 1).min(8)).min(BACKOFF_MAX);
                line.not_before = Some(Instant::now() + pause);
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<RpcClient, TransportError> {
        // The library tries once by itself when a connection breaks, and gives up then: the rest is ours.
        let connect = WsConnect::new(self.url.as_str()).with_max_retries(1).with_keepalive_interval(KEEPALIVE);
        let client = ClientBuilder::default().ws(connect).await?;
        let provider = RootProvider::<Ethereum>::new(client.clone());
        match provider.subscribe_blocks().await {
            Ok(heads) => {
                let mut heads = heads.into_raw();
                let news = Arc::clone(&self.news);
                // Ends with the connection.
                tokio::spawn(async move {
                    use tokio::sync::broadcast::error::RecvError;
                    while !matches!(heads.recv().await, Err(RecvError::Closed)) {
                        news.notify_one();
                    }
                });
            }
            Err(error) => {
                let url = without_credentials(&self.url);
                tracing::warn!(url, %error, "an L1 endpoint tells of no new heads; it is polled");
            }
        }
        Ok(client)
    }

    async fn ask(&self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let client = self.client().await?;
        let line = client.pubsub_frontend().ok_or_else(TransportErrorKind::pubsub_unavailable)?;
        let answer = tokio::time::timeout(self.timeout, line.send_packet(request)).await;
        let answer = answer.unwrap_or_else(|_| Err(TransportErrorKind::custom_str("operation timed out")));
        if let Err(error) = &answer
            && error.is_transport_error()
        {
            // Dead, or as good as dead. The next request makes another one.
            let mut line = self.line.lock().await;
            if line.client.as_ref().is_some_and(|current| std::ptr::eq(current.inner(), client.inner())) {
                line.client = None;
            }
        }
        answer
    }
}

impl tower::Service<RequestPacket> for Socket {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.ask(request).await })
    }
}
