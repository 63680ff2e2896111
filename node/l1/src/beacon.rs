//! The beacon endpoint: which slot an L1 block has, what it serves as the blobs of a slot, and who proposes in the slots of an
//! epoch.

use crate::{Get, HttpGet, L1Error};
use alloy_eips::eip4844::Blob;
use alloy_primitives::B256;
use sequencer::schedule::{EpochDuties, SLOTS_PER_EPOCH_MAX, Slots};
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
    slots: Arc<OnceLock<Slots>>,
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
    #[serde(rename = "SLOTS_PER_EPOCH")]
    slots_per_epoch: String,
}

#[derive(Deserialize)]
struct Duties {
    dependent_root: B256,
    data: Vec<Duty>,
}

#[derive(Deserialize)]
struct Duty {
    slot: String,
    validator_index: String,
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
        Self { source, shown, slots: Arc::default() }
    }

    /// Whether the endpoint is there: reads genesis time and slot length, unless that was done before.
    pub async fn connect(&self) -> Result<(), L1Error> {
        self.slots().await.map(drop)
    }

    /// When L1's slots are; read once.
    pub async fn slots(&self) -> Result<Slots, L1Error> {
        if let Some(slots) = self.slots.get() {
            return Ok(*slots);
        }
        let genesis: Data<Genesis> = self.required("eth/v1/beacon/genesis").await?;
        let spec: Data<Spec> = self.required("eth/v1/config/spec").await?;
        let slots = Slots {
            genesis_time: self.number("genesis_time", &genesis.data.genesis_time)?,
            seconds: self.number("SECONDS_PER_SLOT", &spec.data.seconds_per_slot)?.max(1),
            per_epoch: self.number("SLOTS_PER_EPOCH", &spec.data.slots_per_epoch)?.clamp(1, SLOTS_PER_EPOCH_MAX),
        };
        // Whoever was faster read the same.
        Ok(*self.slots.get_or_init(|| slots))
    }

    /// Who proposes in the slots of `epoch`; `None` when the endpoint does not know (yet).
    pub async fn proposer_duties(&self, epoch: u64) -> Result<Option<EpochDuties>, L1Error> {
        let path = format!("eth/v1/validator/duties/proposer/{epoch}");
        let Some(answer) = self.get::<Duties>(&path).await? else { return Ok(None) };
        let number = |name, text: &String| self.number(name, text);
        let duties = answer
            .data
            .iter()
            .map(|duty| Ok((number("slot", &duty.slot)?, number("validator_index", &duty.validator_index)?)));
        let duties: Vec<(u64, u64)> = duties.collect::<Result<_, L1Error>>()?;
        let duties = EpochDuties::new(epoch, self.slots().await?.per_epoch, answer.dependent_root, duties);
        duties.map(Some).map_err(|error| L1Error::Malformed {
            url: self.shown.clone(),
            what: format!("proposer duties of epoch {epoch}: {error}"),
        })
    }

    /// The endpoint, as it may be shown in logs.
    pub fn url(&self) -> &str {
        &self.shown
    }

    /// What the endpoint serves for these versioned hashes from the block at `l1_timestamp`, unchecked: the caller commits
    /// to each. `None` when it has no such block or none of its blobs (yet, or any more).
    pub async fn blobs(&self, l1_timestamp: u64, hashes: &[B256]) -> Result<Option<Vec<Box<Blob>>>, L1Error> {
        let wanted: Vec<String> = hashes.iter().map(B256::to_string).collect();
        let slot = self.slots().await?.at(l1_timestamp).unwrap_or_default();
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

#[cfg(test)]
mod tests;
