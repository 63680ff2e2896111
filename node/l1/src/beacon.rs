//! The beacon endpoint: which slot an L1 block has, and the blobs of a slot, each checked against its hash.

use crate::{L1Error, rpc::without_credentials};
use alloy_eips::eip4844::Blob;
use alloy_primitives::B256;
use bridge::opening::Kzg;
use serde::{Deserialize, de::DeserializeOwned};
use std::time::Duration;
use url::Url;

/// Longest wait for one answer. Blobs are 128 KiB each, hex doubles that.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Most bytes of one answer: 72 blobs (more than any fork plans) in hex, with room for the JSON around them.
const ANSWER_LIMIT: usize = 72 * 2 * 131_072 + 65_536;

/// A client of one beacon endpoint.
#[derive(Clone, Debug)]
pub struct Beacon {
    client: reqwest::Client,
    base: Url,
    shown: String,
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
    /// Connects, and reads genesis time and slot length.
    pub async fn connect(url: &Url) -> Result<Self, L1Error> {
        let shown = without_credentials(url);
        let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build();
        let client = client.map_err(|error| L1Error::Unreachable { url: shown.clone(), reason: error.to_string() })?;
        let mut beacon = Self { client, base: url.clone(), shown, genesis_time: 0, seconds_per_slot: 1 };
        let genesis: Data<Genesis> = beacon.required("eth/v1/beacon/genesis").await?;
        let spec: Data<Spec> = beacon.required("eth/v1/config/spec").await?;
        beacon.genesis_time = beacon.number("genesis_time", &genesis.data.genesis_time)?;
        beacon.seconds_per_slot = beacon.number("SECONDS_PER_SLOT", &spec.data.seconds_per_slot)?.max(1);
        Ok(beacon)
    }

    /// The slot of the L1 block with this timestamp (seconds).
    pub const fn slot_at(&self, l1_timestamp: u64) -> u64 {
        l1_timestamp.saturating_sub(self.genesis_time) / self.seconds_per_slot
    }

    /// The blobs with these versioned hashes, in their order, from the block at `l1_timestamp`. `None` when the endpoint
    /// does not have all of them (yet, or any more), or has others: a wrong blob is as good as none.
    pub async fn blobs(&self, l1_timestamp: u64, hashes: &[B256], kzg: Kzg) -> Result<Option<Vec<Box<Blob>>>, L1Error> {
        let wanted: Vec<String> = hashes.iter().map(B256::to_string).collect();
        let path = format!("eth/v1/beacon/blobs/{}?versioned_hashes={}", self.slot_at(l1_timestamp), wanted.join(","));
        let Some(answer) = self.get::<Data<Vec<Box<Blob>>>>(&path).await? else { return Ok(None) };
        let mut found: Vec<(B256, Box<Blob>)> = Vec::with_capacity(answer.data.len());
        for blob in answer.data {
            match bridge::opening::versioned_hash(kzg, &blob) {
                Ok(hash) => found.push((hash, blob)),
                Err(error) => tracing::warn!(url = %self.shown, %error, "beacon endpoint served a blob that is none"),
            }
        }
        let in_order: Option<Vec<_>> = hashes
            .iter()
            .map(|wanted| found.iter().find(|(hash, _)| hash == wanted).map(|(_, blob)| blob.clone()))
            .collect();
        if in_order.is_none() && !found.is_empty() {
            tracing::warn!(url = %self.shown, asked = hashes.len(), "beacon endpoint served other blobs than asked");
        }
        Ok(in_order)
    }

    async fn required<T: DeserializeOwned>(&self, path: &str) -> Result<T, L1Error> {
        let missing = || L1Error::Malformed { url: self.shown.clone(), what: format!("{path}: not found") };
        self.get(path).await?.ok_or_else(missing)
    }

    /// `None` on 404: the endpoint does not have it.
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, L1Error> {
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
        serde_json::from_slice(&body).map(Some).map_err(|error| malformed(format!("{path}: {error}")))
    }

    fn number(&self, name: &str, text: &str) -> Result<u64, L1Error> {
        let malformed = || L1Error::Malformed { url: self.shown.clone(), what: format!("{name} is {text:?}") };
        text.parse().map_err(|_| malformed())
    }
}
