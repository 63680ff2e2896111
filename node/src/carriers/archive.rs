//! Another node's archive: `GET archive/v1/blocks/{hash}` (rpc/METHODS.md, bridge/SPEC.md §8) gives the payload data of a landed block. It
//! is packed into blobs again, which must commit to the hashes that L1 recorded.

use super::{Carrier, CarrierError};
use crate::{
    derive::Payload,
    host::{self, Host},
};
use bridge::{
    blob::{DATA_PER_BLOB, MAX_BLOBS},
    opening::Commitments,
};
use engine::Landing;
use futures::future::BoxFuture;
use l1::{Get, HttpGet, L1Error};
use std::sync::Arc;
use url::Url;

/// Most bytes of one answer: what the blobs of a landing hold.
const ANSWER_LIMIT: usize = MAX_BLOBS * DATA_PER_BLOB;

/// An archive. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Archive {
    source: Arc<dyn Get>,
    shown: String,
}

impl Archive {
    /// The archive of the node whose JSON-RPC is at `url`. Does not connect yet.
    ///
    /// # Errors
    /// No HTTP client could be made.
    pub fn new(url: &Url) -> Result<Self, L1Error> {
        let http = HttpGet::new(url, ANSWER_LIMIT)?;
        let shown = http.url().to_owned();
        Ok(Self::on(Arc::new(http), shown))
    }

    /// The archive behind `source`, which logs and status call `shown`.
    pub fn on(source: Arc<dyn Get>, shown: String) -> Self {
        Self { source, shown }
    }
}

/// An archive whose answers are checked.
#[derive(Debug)]
pub(super) struct Checked {
    host: Arc<dyn Host>,
    kzg: Arc<dyn Commitments>,
    archive: Archive,
    name: String,
}

impl Checked {
    pub(super) fn new(host: Arc<dyn Host>, kzg: Arc<dyn Commitments>, archive: Archive) -> Self {
        let name = format!("archive of {}", archive.shown);
        Self { host, kzg, archive, name }
    }
}

impl Carrier for Checked {
    fn name(&self) -> &str {
        &self.name
    }

    fn fetch<'a>(&'a self, landing: &'a Landing) -> BoxFuture<'a, Result<Option<Payload>, CarrierError>> {
        Box::pin(async move {
            let path = format!("archive/v1/blocks/{}", landing.block.hash);
            let Some(data) = self.archive.source.get(&path).await? else { return Ok(None) };
            let (kzg, block) = (Arc::clone(&self.kzg), landing.block.clone());
            let check = move || block.content_from_data(&*kzg, &data);
            let content = host::blocking(&*self.host, "checking an archive's answer", check).await??;
            Ok(Some(Payload::Content(content)))
        })
    }
}
