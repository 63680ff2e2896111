//! `GET /archive/v1/blocks/{hash}`: what a landed block's blobs carry, for nodes that L1 gives its bytes to no more. Told in
//! METHODS.md. Refusing costs one look at the path; an answer is read on a blocking thread, few at a time.
//! Must not know JSON-RPC.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::B256;
use jsonrpsee::{
    core::BoxError,
    server::{HttpBody, HttpRequest, HttpResponse},
};
use storage::StorageError;
use tokio::sync::Semaphore;

use crate::Backend;

/// Where blocks are, each under its hash.
const PATH: &str = "/archive/v1/blocks/";

/// Puts an [`Archive`] in front of the service.
#[derive(Clone)]
pub(super) struct ArchiveLayer {
    backend: Arc<Backend>,
    slots: Arc<Semaphore>,
}

impl ArchiveLayer {
    pub(super) fn new(backend: Arc<Backend>) -> Self {
        let slots = Arc::new(Semaphore::new(backend.limits.concurrent_archive));
        Self { backend, slots }
    }

    /// The answer to a request for what follows [`PATH`].
    async fn answer(self, hash: Option<B256>) -> HttpResponse {
        let Some(hash) = hash else { return response(400, "text/plain", "no block hash\n") };
        let Ok(slot) = self.slots.try_acquire_owned() else {
            let mut busy = response(503, "text/plain", "busy\n");
            header(&mut busy, "retry-after", "1");
            return busy;
        };
        let backend = self.backend;
        let read = tokio::task::spawn_blocking(move || {
            // Held by the work, which goes on when nobody waits for it any more.
            let _slot = slot;
            backend.payload_data(hash)
        });
        match read.await {
            Ok(Ok(Some(data))) => {
                let mut found = response(200, "application/octet-stream", data);
                // The hash says which bytes: they never change.
                header(&mut found, "cache-control", "public, max-age=31536000, immutable");
                found
            }
            Ok(Ok(None)) => response(404, "text/plain", "not a landed block of this node, or forgotten\n"),
            Ok(Err(error)) => {
                tracing::error!(target: "rpc", %error, %hash, "an archive answer failed by our own fault");
                response(500, "text/plain", "internal error\n")
            }
            Err(error) => {
                tracing::error!(target: "rpc", %error, %hash, "an archive answer was interrupted");
                response(500, "text/plain", "internal error\n")
            }
        }
    }
}

impl Backend {
    /// Payload data (EIP-8142, bridge/SPEC.md §8) of the landed block `hash`; `None` when it has not landed here, or its block access list
    /// is forgotten.
    fn payload_data(&self, hash: B256) -> Result<Option<Vec<u8>>, StorageError> {
        let Some(header) = self.chain.header(hash)? else { return Ok(None) };
        if header.number == 0 || header.number > self.heads.safe() {
            return Ok(None);
        }
        let (Some(bal), Some(body)) = (self.chain.bal(hash)?, self.chain.body(hash)?) else { return Ok(None) };
        let transactions: Vec<Vec<u8>> = body.transactions.iter().map(Encodable2718::encoded_2718).collect();
        Ok(Some(bridge::blob::encode(&bal, &transactions)))
    }
}

impl<S> tower::Layer<S> for ArchiveLayer {
    type Service = Archive<S>;

    fn layer(&self, inner: S) -> Archive<S> {
        Archive { inner, layer: self.clone() }
    }
}

/// The service with the archive in front of it.
#[derive(Clone)]
pub(super) struct Archive<S> {
    inner: S,
    layer: ArchiveLayer,
}

impl<S, B> tower::Service<HttpRequest<B>> for Archive<S>
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

    fn call(&mut self, request: HttpRequest<B>) -> Self::Future {
        let Some(hash) = request.uri().path().strip_prefix(PATH) else { return Box::pin(self.inner.call(request)) };
        if request.method().as_str() != "GET" {
            return Box::pin(async { Ok(response(405, "text/plain", "the archive is read by GET\n")) });
        }
        let answer = self.layer.clone().answer(hash.parse().ok());
        Box::pin(async { Ok(answer.await) })
    }
}

fn response(status: u16, content: &'static str, body: impl Into<HttpBody>) -> HttpResponse {
    let mut response = HttpResponse::new(body.into());
    if let Ok(status) = status.try_into() {
        *response.status_mut() = status;
    }
    header(&mut response, "content-type", content);
    response
}

/// Sets a header to a text that HTTP allows, which all of ours are.
fn header(response: &mut HttpResponse, name: &'static str, value: &'static str) {
    if let Ok(value) = value.try_into() {
        response.headers_mut().insert(name, value);
    }
}
