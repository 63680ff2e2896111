//! A devnet on free ports and the calls that tests make.

use std::time::Duration;

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEip4844, TxEip4844WithSidecar};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use bridge::opening::{Kzg, sidecar};
use chainspec::dev::ACCOUNTS;
use serde_json::{Value, json};

use crate::{Config, Handle, start};

/// How long anything may take before a test fails.
const DEADLINE: Duration = Duration::from_secs(60);

pub(super) const GWEI: u128 = 1_000_000_000;

pub(super) struct Net {
    pub(super) handle: Handle,
    client: reqwest::Client,
}

pub(super) fn config() -> Config {
    Config { http_port: 0, beacon_port: 0, slot_ms: 1_000, ..Config::default() }
}

/// Blocks come only when asked for, so that tests need no luck. Slots are long, so that none begins by itself.
pub(super) async fn stopped() -> Net {
    let net = Net::new(Config { slot_ms: 60_000, ..config() }).await;
    net.rpc("dev_stop", json!([])).await;
    net
}

impl Net {
    pub(super) async fn new(config: Config) -> Self {
        let handle = start(config).await.unwrap();
        Self { handle, client: reqwest::Client::new() }
    }

    pub(super) async fn try_rpc(&self, method: &str, params: Value) -> Result<Value, Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let response = self.client.post(self.handle.http_url()).timeout(DEADLINE).json(&body).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["result"].clone()),
        }
    }

    pub(super) async fn rpc(&self, method: &str, params: Value) -> Value {
        match self.try_rpc(method, params.clone()).await {
            Ok(result) => result,
            Err(error) => panic!("{method} {params}: {error}"),
        }
    }

    pub(super) async fn beacon(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.handle.beacon_url());
        let response = self.client.get(url).timeout(DEADLINE).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
    }

    pub(super) async fn beacon_ok(&self, path: &str) -> Value {
        let (status, body) = self.beacon(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(super) async fn block(&self, id: impl Into<Value>) -> Value {
        self.rpc("eth_getBlockByNumber", json!([id.into(), false])).await
    }

    pub(super) async fn status(&self) -> crate::Status {
        serde_json::from_value(self.rpc("dev_status", json!([])).await).unwrap()
    }

    pub(super) async fn mine(&self, blocks: u64) {
        self.rpc("dev_mine", json!([blocks])).await;
    }

    pub(super) async fn balance(&self, account: Address) -> U256 {
        serde_json::from_value(self.rpc("eth_getBalance", json!([account, "latest"])).await).unwrap()
    }

    pub(super) async fn send(&self, raw: &Bytes) -> B256 {
        serde_json::from_value(self.rpc("eth_sendRawTransaction", json!([raw])).await).unwrap()
    }

    pub(super) async fn receipt(&self, hash: B256) -> Option<Value> {
        let receipt = self.rpc("eth_getTransactionReceipt", json!([hash])).await;
        (!receipt.is_null()).then_some(receipt)
    }

    /// Waits until `condition` holds.
    pub(super) async fn until<T>(&self, what: &str, mut condition: impl AsyncFnMut(&Self) -> Option<T>) -> T {
        let begun = std::time::Instant::now();
        loop {
            if let Some(value) = condition(self).await {
                return value;
            }
            assert!(begun.elapsed() < DEADLINE, "waited too long until {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A quantity in an answer.
pub(super) fn number(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no quantity"));
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
}

pub(super) fn signer(account: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&ACCOUNTS[account].key).unwrap()
}

/// A transfer of `wei` to `to`.
pub(super) fn transfer(account: usize, nonce: u64, to: Address, wei: u64) -> Bytes {
    let tx = TxEip1559 {
        chain_id: chainspec::dev::L1_CHAIN_ID,
        nonce,
        gas_limit: 400_000,
        max_fee_per_gas: 100 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: TxKind::Call(to),
        value: U256::from(wei),
        ..Default::default()
    };
    let signature = signer(account).sign_hash_sync(&tx.signature_hash()).unwrap();
    alloy_consensus::TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

/// A deployment with this init code.
pub(super) fn deployment(account: usize, nonce: u64, gas_limit: u64, init: &str) -> Bytes {
    let tx = TxEip1559 {
        chain_id: chainspec::dev::L1_CHAIN_ID,
        nonce,
        gas_limit,
        max_fee_per_gas: 100 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: TxKind::Create,
        input: init.parse().unwrap(),
        ..Default::default()
    };
    let signature = signer(account).sign_hash_sync(&tx.signature_hash()).unwrap();
    alloy_consensus::TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

/// Blobs with something in them.
pub(super) fn blobs(count: u8) -> Vec<alloy_eips::eip4844::Blob> {
    (0..count).flat_map(|index| bridge::blob::to_blobs(&[index + 1; 1_000])).collect()
}

/// A blob transaction around any sidecar, and its versioned hashes.
pub(super) fn blob_transaction<S>(account: usize, nonce: u64, hashes: Vec<B256>, sidecar: S) -> Bytes
where
    TxEip4844WithSidecar<S>: alloy_consensus::SignableTransaction<alloy_primitives::Signature>,
    alloy_consensus::EthereumTxEnvelope<TxEip4844WithSidecar<S>>:
        alloy_eips::eip2718::Encodable2718 + From<alloy_consensus::Signed<TxEip4844WithSidecar<S>>>,
{
    let tx = TxEip4844 {
        chain_id: chainspec::dev::L1_CHAIN_ID,
        nonce,
        gas_limit: 400_000,
        max_fee_per_gas: 100 * GWEI,
        max_priority_fee_per_gas: GWEI,
        max_fee_per_blob_gas: 100 * GWEI,
        to: Address::repeat_byte(0xb1),
        blob_versioned_hashes: hashes,
        ..Default::default()
    };
    let signature = signer(account).sign_hash_sync(&tx.signature_hash()).unwrap();
    let tx = TxEip4844WithSidecar::from_tx_and_sidecar(tx, sidecar);
    alloy_consensus::EthereumTxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

/// A blob transaction as it should be, with its versioned hashes and blobs.
pub(super) fn good_blob_transaction(
    account: usize,
    nonce: u64,
    count: u8,
) -> (Bytes, Vec<B256>, Vec<alloy_eips::eip4844::Blob>) {
    let blobs = blobs(count);
    let sidecar = sidecar(Kzg::load(), blobs.clone()).unwrap();
    let hashes: Vec<B256> = sidecar.versioned_hashes().collect();
    (blob_transaction(account, nonce, hashes.clone(), sidecar), hashes, blobs)
}

/// A blob as the beacon API writes it.
pub(super) fn blob_text(blob: &alloy_eips::eip4844::Blob) -> Value {
    json!(hex::encode_prefixed(blob))
}
