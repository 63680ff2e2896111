//! The execution endpoint: headers, receipts, calls. Every answer that can be checked is checked here.

use crate::L1Error;
use alloy_consensus::{Header, ReceiptEnvelope, proofs::calculate_receipt_root};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_network::Ethereum;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_provider::{Provider, RootProvider};
use alloy_rpc_types_eth::{Filter, Log, TransactionInput, TransactionReceipt, TransactionRequest};
use alloy_transport::{IntoBoxTransport, RpcError, TransportErrorKind};
use engine::L1Ref;
use std::time::Duration;
use url::Url;

/// Longest wait for one answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A verified L1 header.
#[derive(Clone, Debug)]
pub struct L1Head {
    /// Number and hash.
    pub at: L1Ref,
    /// The header, which hashes to `at.hash`.
    pub header: Header,
}

/// A client of one L1 execution endpoint. Cheap to clone.
#[derive(Clone, Debug)]
pub struct L1Rpc {
    provider: RootProvider<Ethereum>,
    url: String,
}

impl L1Rpc {
    /// A client of the endpoint at `url` (HTTP). Does not connect yet.
    pub fn new(url: &Url) -> Result<Self, L1Error> {
        let shown = without_credentials(url);
        let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build();
        let client = client.map_err(|error| L1Error::Unreachable { url: shown.clone(), reason: error.to_string() })?;
        Ok(Self::on(alloy_transport_http::Http::with_client(client, url.clone()), shown))
    }

    /// A client of the endpoint behind `transport`, which logs and errors call `url`.
    pub fn on(transport: impl IntoBoxTransport, url: String) -> Self {
        Self { provider: RootProvider::new(alloy_rpc_client::RpcClient::new(transport, false)), url }
    }

    /// The endpoint, as it may be shown in logs.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `eth_chainId`.
    pub async fn chain_id(&self) -> Result<u64, L1Error> {
        self.provider.get_chain_id().await.map_err(|error| self.error("eth_chainId", error))
    }

    /// The header at `number` on the endpoint's canonical chain, checked against its hash; `None` when there is none.
    pub async fn header(&self, number: BlockNumberOrTag) -> Result<Option<L1Head>, L1Error> {
        let block = self.provider.get_block_by_number(number).await;
        let block = block.map_err(|error| self.error("eth_getBlockByNumber", error))?;
        let Some(block) = block else { return Ok(None) };
        let (claimed, header) = (block.header.hash, block.header.inner);
        let computed = header.hash_slow();
        if computed != claimed {
            return Err(L1Error::ForgedHeader { number: header.number, claimed, computed });
        }
        Ok(Some(L1Head { at: L1Ref { number: header.number, hash: claimed }, header }))
    }

    /// The receipts of the block of `head`, checked against its receipts root; `None` when the endpoint does not have
    /// them (any more).
    pub async fn receipts(&self, head: &L1Head) -> Result<Option<Vec<TransactionReceipt>>, L1Error> {
        let receipts = self.provider.get_block_receipts(BlockId::hash(head.at.hash)).await;
        let receipts = receipts.map_err(|error| self.error("eth_getBlockReceipts", error))?;
        let Some(receipts) = receipts else { return Ok(None) };
        let consensus: Vec<ReceiptEnvelope> =
            receipts.iter().map(|receipt| receipt.inner.clone().map_logs(|log: Log| log.inner)).collect();
        let computed = calculate_receipt_root(&consensus);
        let claimed = head.header.receipts_root;
        if computed != claimed {
            return Err(L1Error::ForgedReceipts { number: head.at.number, claimed, computed });
        }
        Ok(Some(receipts))
    }

    /// `eth_getLogs` with `filter`. Not checked against receipts: for finding, not for believing.
    pub async fn logs(&self, filter: &Filter) -> Result<Vec<Log>, L1Error> {
        self.provider.get_logs(filter).await.map_err(|error| self.error("eth_getLogs", error))
    }

    /// `eth_call` to `to` at `block`.
    pub async fn call(&self, to: Address, input: Bytes, block: BlockId) -> Result<Bytes, L1Error> {
        let request = TransactionRequest { input: TransactionInput::both(input), ..Default::default() }.to(to);
        self.call_request(request, block).await
    }

    /// `eth_call` of a whole transaction request at `block`.
    pub async fn call_request(&self, request: TransactionRequest, block: BlockId) -> Result<Bytes, L1Error> {
        self.provider.call(request).block(block).await.map_err(|error| self.error("eth_call", error))
    }

    /// `eth_getCode` at the head.
    pub async fn code(&self, address: Address) -> Result<Bytes, L1Error> {
        self.provider.get_code_at(address).await.map_err(|error| self.error("eth_getCode", error))
    }

    /// `eth_getBalance` at the head, wei.
    pub async fn balance(&self, address: Address) -> Result<U256, L1Error> {
        self.provider.get_balance(address).await.map_err(|error| self.error("eth_getBalance", error))
    }

    /// Number of transactions of `address` in the chain at `block`.
    pub async fn nonce(&self, address: Address, block: BlockId) -> Result<u64, L1Error> {
        let count = self.provider.get_transaction_count(address).block_id(block).await;
        count.map_err(|error| self.error("eth_getTransactionCount", error))
    }

    /// `eth_estimateGas` at the head.
    pub async fn estimate_gas(&self, request: TransactionRequest) -> Result<u64, L1Error> {
        self.provider.estimate_gas(request).await.map_err(|error| self.error("eth_estimateGas", error))
    }

    /// `eth_blobBaseFee`, wei a blob gas.
    pub async fn blob_base_fee(&self) -> Result<u128, L1Error> {
        self.provider.get_blob_base_fee().await.map_err(|error| self.error("eth_blobBaseFee", error))
    }

    /// `eth_sendRawTransaction`; returns the hash.
    pub async fn send_raw(&self, raw: &[u8]) -> Result<B256, L1Error> {
        let sent = self.provider.send_raw_transaction(raw).await;
        Ok(*sent.map_err(|error| self.error("eth_sendRawTransaction", error))?.tx_hash())
    }

    /// `eth_getTransactionReceipt`.
    pub async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, L1Error> {
        let receipt = self.provider.get_transaction_receipt(hash).await;
        receipt.map_err(|error| self.error("eth_getTransactionReceipt", error))
    }

    /// Whether the endpoint still knows the transaction, in a block or in its pool.
    pub async fn knows_transaction(&self, hash: B256) -> Result<bool, L1Error> {
        let transaction = self.provider.get_transaction_by_hash(hash).await;
        Ok(transaction.map_err(|error| self.error("eth_getTransactionByHash", error))?.is_some())
    }

    fn error(&self, method: &'static str, error: RpcError<TransportErrorKind>) -> L1Error {
        let url = self.url.clone();
        match error {
            RpcError::ErrorResp(payload) => L1Error::Answer {
                url,
                method,
                code: payload.code,
                message: payload.message.to_string(),
                data: payload.as_revert_data(),
            },
            RpcError::DeserError { err, .. } => L1Error::Malformed { url, what: format!("{method}: {err}") },
            other => L1Error::Unreachable { url, reason: format!("{method}: {other}") },
        }
    }
}

/// The URL without user, password and query, where providers put their keys.
pub(crate) fn without_credentials(url: &Url) -> String {
    let mut shown = url.clone();
    // A URL that can't carry credentials has none to remove.
    let _ = shown.set_username("").and_then(|()| shown.set_password(None));
    shown.set_query(None);
    shown.to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_url_in_a_log_line_has_no_key() {
        let url = url::Url::parse("https://user:secret@host:8545/path?apikey=1").unwrap();
        assert_eq!(super::without_credentials(&url), "https://host:8545/path");
    }
}
