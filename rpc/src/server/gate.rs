//! What happens around every call: unknown methods get the words that libraries look for, and time is limited.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc, time::Duration};

use jsonrpsee::{
    BatchResponseBuilder, MethodResponse,
    core::middleware::{Batch, BatchEntry, Notification, RpcServiceT},
    types::{ErrorObject, Id, Request},
};

use serde::Deserialize;

use super::guard::Transport;
use crate::{
    catalogue::METHODS,
    errors::{INVALID_PARAMS, Remedy, TIMED_OUT, method_not_found},
};

/// Puts a [`Gate`] around the service.
#[derive(Clone)]
pub(super) struct GateLayer {
    served: Arc<BTreeSet<&'static str>>,
    time: Duration,
    batch_bytes: usize,
}

impl GateLayer {
    /// `time` for each call, `batch_bytes` for the answers to a batch together.
    pub(super) fn new(served: impl Iterator<Item = &'static str>, time: Duration, batch_bytes: usize) -> Self {
        Self { served: Arc::new(served.collect()), time, batch_bytes }
    }
}

impl<S> tower::Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, layer: self.clone() }
    }
}

/// The service with the checks around it.
#[derive(Clone)]
pub(super) struct Gate<S> {
    inner: S,
    layer: GateLayer,
}

impl GateLayer {
    /// The answer to a call that never reaches a method.
    fn refuse(&self, request: &Request<'_>) -> Option<MethodResponse> {
        let name = request.method_name();
        let remedy = if !self.served.contains(name) {
            let known = METHODS.iter().find(|method| method.name == name);
            known.map(|method| Remedy::Enable(method.namespace.name()))
        } else if matches!(name, "eth_subscribe" | "eth_unsubscribe")
            && request.extensions().get::<Transport>() != Some(&Transport::WebSocket)
        {
            Some(Remedy::WebSocket)
        } else {
            return None;
        };
        let error = method_not_found(name, remedy);
        Some(MethodResponse::error(request.id().into_owned(), error))
    }
}

fn timed_out(id: Id<'_>, time: Duration) -> MethodResponse {
    let text = format!("request timed out after {} s", time.as_secs());
    MethodResponse::error(id, ErrorObject::owned(TIMED_OUT, text, None::<()>))
}

/// What is wrong with a parameter belongs into the text: libraries show that, and take `data` for a revert's.
fn in_the_text(id: Id<'_>, answer: MethodResponse) -> MethodResponse {
    let read = serde_json::from_str::<Failure<'_>>(answer.as_json().get()).ok().map(|failure| failure.error);
    let Some(ErrorBody { message, data: Some(data) }) = read else { return answer };
    let text = format!("{}: {data}", message.to_lowercase());
    MethodResponse::error(id, ErrorObject::owned(INVALID_PARAMS, text, None::<()>))
}

#[derive(Deserialize)]
struct Failure<'a> {
    #[serde(borrow)]
    error: ErrorBody<'a>,
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
    /// A text where a parameter did not parse; our own errors of this code have none.
    data: Option<String>,
}

impl<S> RpcServiceT for Gate<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            NotificationResponse = MethodResponse,
            BatchResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Self { inner, layer } = self.clone();
        async move {
            if let Some(refusal) = layer.refuse(&request) {
                return refusal;
            }
            // A subscription's call ends when it is accepted, so it may be timed like any other.
            let id = request.id().into_owned();
            let answer = tokio::time::timeout(layer.time, inner.call(request)).await;
            let answer = answer.unwrap_or_else(|_| timed_out(id.clone(), layer.time));
            if answer.as_error_code() == Some(INVALID_PARAMS) { in_the_text(id, answer) } else { answer }
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let gate = self.clone();
        async move {
            let mut responses = BatchResponseBuilder::new_with_limit(gate.layer.batch_bytes);
            let mut notified = false;
            // One after another: a batch must not take more slots than a call.
            for entry in batch {
                let response = match entry {
                    Ok(BatchEntry::Call(request)) => gate.call(request).await,
                    Ok(BatchEntry::Notification(notification)) => {
                        notified = true;
                        gate.notification(notification).await;
                        continue;
                    }
                    Err(error) => {
                        let (error, id) = error.into_parts();
                        MethodResponse::error(id, error)
                    }
                };
                if let Err(too_large) = responses.append(response) {
                    return too_large;
                }
            }
            if responses.is_empty() && notified {
                MethodResponse::notification()
            } else {
                MethodResponse::from_batch(responses.finish())
            }
        }
    }

    fn notification<'a>(&self, notification: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}
