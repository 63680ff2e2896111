//! The beacon endpoint: which slot an L1 block has, and what it serves as the blobs of a slot.

use crate::{L1Error, rpc::without_credentials};
use alloy_eips::eip4844::Blob;
use alloy_primitives::B256;
use futures::future::BoxFuture;
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use url::Url;

/// Longest wait for one answer. Blobs are 128 KiB each, hex doubles that.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Most bytes of one answer: 72 blobs (more than any fork plans) in hex, with room for the JSON around them.
pub const ANSWER_LIMIT: usize = 72 * 2 * 131_072 + 65_536;

/// What answers `GET` requests for a path below a base, at most [`ANSWER_LIMIT`] bytes each.
pub trait Get: std::fmt::Debug + Send + Sync {
    /// The answer's body; `None` when there is none (404).
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, L1Error>>;
}

/// A client of one beacon endpoint. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Beacon {
    source: Arc<dyn Get>,
    shown: String,
    timing: Arc<OnceLock<Timing>>,
}

/// Which slot a time is in.
#[derive(Clone, Copy, Debug)]
struct Timing {
    genesis_time: u64,
    seconds_per_slot: u64,
}

/// A beacon endpoint over HTTP.
#[derive(Debug)]
struct Http {
    client: reqwest::Client,
    base: Url,
    shown: String,
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Genesis {
    genesis_time: String,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(rename = "SECONDS_PER_SLOT")]
    seconds_per_slot: String,
}

impl Beacon {
    /// The endpoint at `url`, over HTTP. Does not connect yet.
    pub fn new(url: &Url) -> Result<Self, L1Error> {
        let shown = without_credentials(url);
        let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build();
        let client = client.map_err(|error| L1Error::Unreachable { url: shown.clone(), reason: error.to_string() })?;
        Ok(Self::on(Arc::new(Http { client, base: url.clone(), shown: shown.clone() }), shown))
    }

    /// The endpoint behind `source`, which logs and errors call `shown`.
    pub fn on(source: Arc<dyn Get>, shown: String) -> Self {
        Self { source, shown, timing: Arc::default() }
    }

    /// Whether the endpoint is there: reads genesis time and slot length, unless that was done before.
    pub async fn connect(&self) -> Result<(), L1Error> {
        self.timing().await.map(drop)
    }

    async fn timing(&self) -> Result<Timing, L1Error> {
        if let Some(timing) = self.timing.get() {
            return Ok(*timing);
        }
        let genesis: Data<Genesis> = self.required("eth/v1/beacon/genesis").await?;
        let spec: Data<Spec> = self.required("eth/v1/config/spec").await?;
        let timing = Timing {
            genesis_time: self.number("genesis_time", &genesis.data.genesis_time)?,
            seconds_per_slot: self.number("SECONDS_PER_SLOT", &spec.data.seconds_per_slot)?.max(1),
        };
        // Whoever was faster read the same.
        Ok(*self.timing.get_or_init(|| timing))
    }

    /// The endpoint, as it may be shown in logs.
    pub fn url(&self) -> &str {
        &self.shown
    }

    /// What the endpoint serves for these versioned hashes from the block at `l1_timestamp`, unchecked: the caller commits
    /// to each. `None` when it has no such block or none of its blobs (yet, or any more).
    pub async fn blobs(&self, l1_timestamp: u64, hashes: &[B256]) -> Result<Option<Vec<Box<Blob>>>, L1Error> {
        let wanted: Vec<String> = hashes.iter().map(B256::to_string).collect();
        let timing = self.timing().await?;
        let slot = l1_timestamp.saturating_sub(timing.genesis_time) / timing.seconds_per_slot;
        let path = format!("eth/v1/beacon/blobs/{slot}?versioned_hashes={}", wanted.join(","));
        let answer = self.get::<Data<Vec<Box<Blob>>>>(&path).await?;
        Ok(answer.map(|answer| answer.data).filter(|blobs| !blobs.is_empty()))
    }

    async fn required<T: DeserializeOwned>(&self, path: &str) -> Result<T, L1Error> {
        let missing = || L1Error::Malformed { url: self.shown.clone(), what: format!("{path}: not found") };
        self.get(path).await?.ok_or_else(missing)
    }

    /// `None` on 404: the endpoint does not have it.
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, L1Error> {
        let Some(body) = self.source.get(path).await? else { return Ok(None) };
        let malformed = |error| L1Error::Malformed { url: self.shown.clone(), what: format!("{path}: {error}") };
        serde_json::from_slice(&body).map(Some).map_err(malformed)
    }

    fn number(&self, name: &str, text: &str) -> Result<u64, L1Error> {
        let malformed = || L1Error::Malformed { url: self.shown.clone(), what: format!("{name} is {text:?}") };
        text.parse().map_err(|_| malformed())
    }
}

impl Get for Http {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, L1Error>> {
        Box::pin(async move {
            let unreachable = |error: reqwest::Error| L1Error::Unreachable {
                url: self.shown.clone(),
                reason: format!("{path}: {}", error.without_url()),
            };
            let malformed = |what: String| L1Error::Malformed { url: self.shown.clone(), what };
            let url = self.base.join(path).map_err(|error| malformed(format!("{path}: {error}")))?;
            let mut answer = self.client.get(url).send().await.map_err(unreachable)?;
            if answer.status() == reqwest::StatusCode::NOT_FOUND {
                return Ok(None);
            }
            if !answer.status().is_success() {
                return Err(malformed(format!("{path}: HTTP {}", answer.status())));
            }
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
                if body.len() + chunk.len() > ANSWER_LIMIT {
                    return Err(malformed(format!("{path}: answer of more than {ANSWER_LIMIT} bytes")));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Some(body))
        })
    }
}
