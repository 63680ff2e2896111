//! Blobs from one beacon endpoint, by versioned hash; each is committed to again.

use super::{Carrier, CarrierError};
use crate::{
    derive::Payload,
    host::{self, Host},
};
use bridge::opening::Commitments;
use engine::Landing;
use futures::future::BoxFuture;
use l1::Beacon;
use std::sync::Arc;

/// See the module.
#[derive(Debug)]
pub(super) struct Blobs {
    host: Arc<dyn Host>,
    kzg: Arc<dyn Commitments>,
    beacon: Beacon,
    name: String,
}

impl Blobs {
    pub(super) fn new(host: Arc<dyn Host>, kzg: Arc<dyn Commitments>, beacon: Beacon) -> Self {
        let name = format!("blobs of {}", beacon.url());
        Self { host, kzg, beacon, name }
    }
}

impl Carrier for Blobs {
    fn name(&self) -> &str {
        &self.name
    }

    fn fetch<'a>(&'a self, landing: &'a Landing) -> BoxFuture<'a, Result<Option<Payload>, CarrierError>> {
        Box::pin(async move {
            let hashes = &landing.block.blob_hashes;
            let Some(served) = self.beacon.blobs(landing.l1_timestamp, hashes).await? else { return Ok(None) };
            if served.len() < hashes.len() {
                return Ok(None); // It has not seen all of them yet, or not any more.
            }
            let (kzg, block) = (Arc::clone(&self.kzg), landing.block.clone());
            let check = move || block.content_from_blobs(&block.blobs_among(&*kzg, &served)?);
            let content = host::blocking(&*self.host, "checking blobs", check).await??;
            Ok(Some(Payload::Content(content)))
        })
    }
}
