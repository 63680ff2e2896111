//! What lies between a node and an endpoint of the modelled L1: alloy's transport and the beacon's `GET`, with latency and
//! timeouts in virtual time.
//!
//! A request arrives after its way there, and is answered after its way back. Whoever is killed on the way there never
//! asked; on the way back L1 has done what was asked and nobody heard.

use crate::{
    executor::Handle,
    l1::{EndpointId, L1, Unanswered},
};
use ::l1::{Get, L1Error};
use alloy_json_rpc::{ErrorPayload, RequestPacket, Response, ResponsePacket, ResponsePayload, SerializedRequest};
use alloy_transport::{TransportError, TransportErrorKind, TransportFut};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::{Value, value::to_raw_value};
use std::{
    ops::RangeInclusive,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower::Service;

/// How long things take, and what gets lost.
#[derive(Clone, Debug)]
pub struct Latency {
    /// One way, virtual milliseconds.
    pub one_way_ms: RangeInclusive<u64>,
    /// When an answer is given up on, virtual milliseconds.
    pub timeout_ms: u64,
    /// Messages of a hundred that do not arrive, on either way.
    pub loss_percent: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self { one_way_ms: 1..=60, timeout_ms: 10_000, loss_percent: 0 }
    }
}

/// What a machine's wires have in common, and the world may change. Cheap to clone; all clones are one line.
#[derive(Clone, Debug, Default)]
pub struct Line(Arc<Mutex<Latency>>);

impl Line {
    /// From now on.
    pub fn set(&self, latency: Latency) {
        *self.0.lock() = latency;
    }

    fn now(&self) -> Latency {
        self.0.lock().clone()
    }

    /// Waits for one way of a message that `host` sends or is sent.
    pub(crate) async fn travel(&self, host: &Handle) -> Result<(), Lost> {
        let latency = self.now();
        let (from, to) = (*latency.one_way_ms.start(), *latency.one_way_ms.end());
        let ms = from + host.random() % (to.saturating_sub(from) + 1);
        host.sleep(Duration::from_millis(ms)).await;
        let is_lost = latency.loss_percent > 0 && host.random() % 100 < latency.loss_percent;
        if is_lost { Err(Lost) } else { Ok(()) }
    }

    /// Nobody answers `host`.
    pub(crate) async fn time_out(&self, host: &Handle) {
        host.sleep(Duration::from_millis(self.now().timeout_ms)).await;
    }
}

/// A node's connection to one endpoint. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Wire {
    l1: L1,
    endpoint: EndpointId,
    host: Handle,
    line: Line,
}

/// The message did not arrive.
pub(crate) struct Lost;

impl Wire {
    /// From the tasks of `host` to `endpoint`.
    pub const fn new(l1: L1, endpoint: EndpointId, host: Handle, line: Line) -> Self {
        Self { l1, endpoint, host, line }
    }

    async fn travel(&self) -> Result<(), Lost> {
        self.line.travel(&self.host).await
    }

    async fn time_out(&self) {
        self.line.time_out(&self.host).await;
    }

    /// Nobody answers: the caller gives up.
    async fn unanswered(&self) -> TransportError {
        self.time_out().await;
        TransportErrorKind::custom_str("operation timed out")
    }

    async fn ask(&self, request: SerializedRequest) -> Result<Response, TransportError> {
        let params = request.params().map_or("[]", |params| params.get());
        let params: Value = serde_json::from_str(params).map_err(|error| TransportError::deser_err(error, params))?;
        if self.travel().await.is_err() {
            return Err(self.unanswered().await);
        }
        let answer = self.l1.request(self.endpoint, request.method(), &params);
        self.host.record(request.method().as_bytes());
        let payload = match answer {
            Ok(value) => ResponsePayload::Success(raw(&value)),
            Err(Unanswered::Error(error)) => ResponsePayload::Failure(ErrorPayload {
                code: error.code,
                message: error.message.into(),
                data: error.data.map(|data| raw(&data)),
            }),
            Err(Unanswered::Silent) => return Err(self.unanswered().await),
        };
        if self.travel().await.is_err() {
            return Err(self.unanswered().await);
        }
        Ok(Response { id: request.id().clone(), payload })
    }
}

fn raw(value: &impl serde::Serialize) -> Box<serde_json::value::RawValue> {
    to_raw_value(value).expect("a JSON value is JSON")
}

impl Service<RequestPacket> for Wire {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let wire = self.clone();
        Box::pin(async move {
            Ok(match packet {
                RequestPacket::Single(request) => ResponsePacket::Single(wire.ask(request).await?),
                RequestPacket::Batch(requests) => {
                    let mut answers = Vec::with_capacity(requests.len());
                    for request in requests {
                        answers.push(wire.ask(request).await?);
                    }
                    ResponsePacket::Batch(answers)
                }
            })
        })
    }
}

impl Get for Wire {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, L1Error>> {
        Box::pin(async move {
            let url = format!("{:?}", self.endpoint);
            let asked = self.travel().await;
            let reply = asked.ok().and_then(|()| {
                self.host.record(path.as_bytes());
                self.l1.beacon(self.endpoint, path)
            });
            let arrived = if reply.is_some() { self.travel().await.ok() } else { None };
            let Some(reply) = reply.filter(|_| arrived.is_some()) else {
                self.time_out().await;
                return Err(L1Error::Unreachable { url, reason: format!("{path}: operation timed out") });
            };
            match reply.status {
                200 => Ok(Some(reply.body)),
                404 => Ok(None),
                status => Err(L1Error::Malformed { url, what: format!("{path}: HTTP {status}") }),
            }
        })
    }
}
