//! The beacon endpoint: which slot an L1 block has, and what it serves as the blobs of a slot.

use crate::{Get, HttpGet, L1Error};
use alloy_eips::eip4844::Blob;
use alloy_primitives::B256;
use serde::{Deserialize, de::DeserializeOwned};
use std::sync::{Arc, OnceLock};
use url::Url;

/// Most bytes of one answer: 72 blobs (more than any fork plans) in hex, with room for the JSON around them.
pub const ANSWER_LIMIT: usize = 72 * 2 * 131_072 + 65_536;

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
        let http = HttpGet::new(url, ANSWER_LIMIT)?;
        let shown = http.url().to_owned();
        Ok(Self::on(Arc::new(http), shown))
    }

    /// The endpoint behind `source` (answers of at most [`ANSWER_LIMIT`] bytes), which logs and errors call `shown`.
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
