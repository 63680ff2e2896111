//! `GET` requests with a limit on time and on size: what the beacon endpoint and archives are asked by.
//! Must not know what the answers mean.

use crate::{L1Error, rpc::without_credentials};
use futures::future::BoxFuture;
use std::time::Duration;
use url::Url;

/// Longest wait for one answer. Blobs are 128 KiB each, hex doubles that.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What answers `GET` requests for a path below a base, with a limit on the bytes of an answer that is its maker's choice.
pub trait Get: std::fmt::Debug + Send + Sync {
    /// The answer's body; `None` when there is none (404).
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, L1Error>>;
}

/// An endpoint over HTTP.
#[derive(Debug)]
pub struct HttpGet {
    client: reqwest::Client,
    base: Url,
    shown: String,
    limit: usize,
}

impl HttpGet {
    /// The endpoint at `base`, whose answers have at most `limit` bytes. Does not connect yet.
    ///
    /// # Errors
    /// No HTTP client could be made.
    pub fn new(base: &Url, limit: usize) -> Result<Self, L1Error> {
        let shown = without_credentials(base);
        let mut base = base.clone();
        // Or else the last part of the path would be replaced, not followed.
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build();
        let client = client.map_err(|error| L1Error::Unreachable { url: shown.clone(), reason: error.to_string() })?;
        Ok(Self { client, base, shown, limit })
    }

    /// The endpoint, as it may be shown in logs.
    pub fn url(&self) -> &str {
        &self.shown
    }
}

impl Get for HttpGet {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, L1Error>> {
        Box::pin(async move {
            let malformed = |what: String| L1Error::Malformed { url: self.shown.clone(), what };
            let url = self.base.join(path).map_err(|error| malformed(format!("{path}: {error}")))?;
            let answer = self.client.get(url).send().await.map_err(|error| self.unreachable(path, error))?;
            if answer.status() == reqwest::StatusCode::NOT_FOUND {
                return Ok(None);
            }
            if !answer.status().is_success() {
                return Err(malformed(format!("{path}: HTTP {}", answer.status())));
            }
            match body(answer, self.limit).await {
                Ok(Some(body)) => Ok(Some(body)),
                Ok(None) => Err(malformed(format!("{path}: answer of more than {} bytes", self.limit))),
                Err(error) => Err(self.unreachable(path, error)),
            }
        })
    }
}

impl HttpGet {
    fn unreachable(&self, path: &str, error: reqwest::Error) -> L1Error {
        L1Error::Unreachable { url: self.shown.clone(), reason: format!("{path}: {}", error.without_url()) }
    }
}

/// The whole body of `answer`; `None` when it has more than `limit` bytes.
pub(crate) async fn body(mut answer: reqwest::Response, limit: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}
