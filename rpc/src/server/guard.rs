//! What happens around every HTTP request: which host it names, how long it may take, and whether it is a WebSocket.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use jsonrpsee::{
    core::BoxError,
    server::{HttpBody, HttpRequest, HttpResponse},
};

/// How a call came, in the extensions of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// One request, one answer.
    Http,
    /// The server can write by itself.
    WebSocket,
}

/// Puts a [`Guard`] around the service.
#[derive(Clone)]
pub(super) struct GuardLayer {
    hosts: Arc<[String]>,
    time: Duration,
}

impl GuardLayer {
    pub(super) fn new(hosts: Vec<String>, time: Duration) -> Self {
        Self { hosts: hosts.into(), time }
    }

    fn allows<B>(&self, request: &HttpRequest<B>) -> bool {
        if self.hosts.is_empty() {
            return true;
        }
        let header = request.headers().get("host").and_then(|host| host.to_str().ok());
        let Some(authority) = header.or_else(|| request.uri().host()) else { return false };
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<std::net::IpAddr>().is_ok() || self.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(bare))
    }
}

impl<S> tower::Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard { inner, layer: self.clone() }
    }
}

/// The service with the checks around it.
#[derive(Clone)]
pub(super) struct Guard<S> {
    inner: S,
    layer: GuardLayer,
}

impl<S, B> tower::Service<HttpRequest<B>> for Guard<S>
where
    S: tower::Service<HttpRequest<B>, Response = HttpResponse, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = HttpResponse;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: HttpRequest<B>) -> Self::Future {
        if !self.layer.allows(&request) {
            return Box::pin(async { Ok(text(403, "Host not allowed: see --http.vhosts\n")) });
        }
        let upgrade = request.headers().get("upgrade").and_then(|value| value.to_str().ok());
        let websocket = upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
        request.extensions_mut().insert(if websocket { Transport::WebSocket } else { Transport::Http });
        let time = self.layer.time;
        let answer = self.inner.call(request);
        // Body and all calls of a batch: a client that sends a byte a minute is cut off here. A WebSocket's answer is
        // the handshake, so the limit does not touch its life.
        Box::pin(async move {
            tokio::time::timeout(time, answer).await.unwrap_or_else(|_| Ok(text(408, "Request Timeout\n")))
        })
    }
}

fn text(status: u16, body: &'static str) -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::from(body));
    if let Ok(status) = status.try_into() {
        *response.status_mut() = status;
    }
    response
}
