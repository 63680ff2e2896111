//! A signer behind HTTP, with the `eth1` interface of Web3Signer: `GET /api/v1/eth1/publicKeys` lists public keys (64 bytes,
//! hexadecimal), `POST /api/v1/eth1/sign/{public key}` with `{"data": "0x…"}` hashes the data with keccak256 and answers
//! r ‖ s ‖ v in hexadecimal, as text. It is not believed: a signature counts when it is our account's, over exactly what was asked.

use super::SignError;
use crate::{get::body, rpc::without_credentials};
use alloy_primitives::{Address, B256, Signature, hex};
use std::{sync::OnceLock, time::Duration};
use url::Url;

/// Longest wait for an answer: a signature later than that misses its slot, and the next one asks again.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// Most bytes of an answer that is a signature.
pub const ANSWER_BYTES_MAX: usize = 1_024;

/// Most bytes of the list of keys: 7,000 of them.
const KEYS_BYTES_MAX: usize = 1 << 20;

/// See the module.
pub(super) struct Remote {
    client: reqwest::Client,
    base: Url,
    shown: String,
    address: Address,
    /// What the signer calls our key, once it has told.
    identifier: OnceLock<String>,
}

impl Remote {
    pub(super) fn new(url: &Url, address: Address) -> Result<Self, SignError> {
        let shown = without_credentials(url);
        let mut base = url.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build();
        let client =
            client.map_err(|error| SignError::Unreachable { url: shown.clone(), reason: error.to_string() })?;
        Ok(Self { client, base, shown, address, identifier: OnceLock::new() })
    }

    pub(super) const fn address(&self) -> Address {
        self.address
    }

    /// Looks for our key among those that the signer has.
    pub(super) async fn find_key(&self) -> Result<(), SignError> {
        self.identifier().await.map(drop)
    }

    async fn identifier(&self) -> Result<&str, SignError> {
        if let Some(identifier) = self.identifier.get() {
            return Ok(identifier);
        }
        let answer = self.client.get(self.path("api/v1/eth1/publicKeys")?).send().await;
        let text = self.answer(answer, KEYS_BYTES_MAX).await?;
        let keys: Vec<String> =
            serde_json::from_str(&text).map_err(|error| self.malformed(format!("its list of keys: {error}")))?;
        let ours = keys.into_iter().find(|key| public_key_address(key) == Some(self.address));
        let ours = ours.ok_or_else(|| SignError::NoSuchKey { url: self.shown.clone(), address: self.address })?;
        Ok(self.identifier.get_or_init(|| ours))
    }

    /// Signs `data`, whose keccak256 is `hash`.
    pub(super) async fn sign(&self, data: Vec<u8>, hash: B256) -> Result<Signature, SignError> {
        // One deadline for the key and the signature together.
        let signed = tokio::time::timeout(TIMEOUT, self.ask(data)).await;
        let text = signed.map_err(|_| self.unreachable(format!("no answer within {TIMEOUT:?}")))??;
        let text = text.trim().trim_matches('"');
        let bytes: [u8; 65] = hex::decode_to_array(text)
            .map_err(|_| self.malformed("its answer is not 65 bytes in hexadecimal".to_owned()))?;
        let signature = Signature::from_raw_array(&bytes)
            .map_err(|_| self.malformed("the last byte of its signature is no v".to_owned()))?;
        if signature.normalize_s().is_some() {
            return Err(SignError::UpperS { url: self.shown.clone() });
        }
        let found = signature
            .recover_address_from_prehash(&hash)
            .map_err(|_| self.malformed("its signature is that of no key".to_owned()))?;
        if found == self.address {
            Ok(signature)
        } else {
            Err(SignError::NotOurs { url: self.shown.clone(), address: self.address, found })
        }
    }

    async fn ask(&self, data: Vec<u8>) -> Result<String, SignError> {
        let path = format!("api/v1/eth1/sign/{}", self.identifier().await?);
        let request = serde_json::json!({ "data": hex::encode_prefixed(data) });
        let answer = self.client.post(self.path(&path)?).json(&request).send().await;
        self.answer(answer, ANSWER_BYTES_MAX).await
    }

    async fn answer(
        &self,
        answer: Result<reqwest::Response, reqwest::Error>,
        limit: usize,
    ) -> Result<String, SignError> {
        let failed = |error: reqwest::Error| self.unreachable(error.without_url().to_string());
        let answer = answer.map_err(failed)?;
        if answer.status() == reqwest::StatusCode::NOT_FOUND {
            return Err(SignError::NoSuchKey { url: self.shown.clone(), address: self.address });
        }
        if !answer.status().is_success() {
            return Err(self.unreachable(format!("HTTP {}", answer.status())));
        }
        let body = body(answer, limit).await.map_err(failed)?;
        let body = body.ok_or_else(|| self.malformed(format!("an answer of more than {limit} bytes")))?;
        String::from_utf8(body).map_err(|_| self.malformed("its answer is no text".to_owned()))
    }

    fn path(&self, path: &str) -> Result<Url, SignError> {
        self.base.join(path).map_err(|error| self.malformed(error.to_string()))
    }

    pub(super) fn unreachable(&self, reason: String) -> SignError {
        SignError::Unreachable { url: self.shown.clone(), reason }
    }

    fn malformed(&self, what: String) -> SignError {
        SignError::Malformed { url: self.shown.clone(), what }
    }
}

/// Account of an uncompressed public key in hexadecimal, with or without the leading 04. `None` for anything else, also for text that
/// has no place in a path.
fn public_key_address(key: &str) -> Option<Address> {
    let bytes = hex::decode(key).ok()?;
    let point = match bytes.len() {
        64 => &bytes[..],
        65 if bytes[0] == 4 => &bytes[1..],
        _ => return None,
    };
    Some(Address::from_raw_public_key(point))
}
