//! The execution endpoints: headers, receipts, calls. Every answer that can be checked is checked here; which endpoint is
//! believed is [`Panel`]'s to say.

use crate::{
    L1Error,
    panel::{Change, Panel, Patience, Said},
    socket::Socket,
};
use alloy_consensus::{Header, ReceiptEnvelope, Transaction, proofs::calculate_receipt_root};
use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_network::Ethereum;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_provider::{Provider, RootProvider};
use alloy_rpc_types_eth::{
    BlockOverrides, Filter, Log, TransactionInput, TransactionReceipt, TransactionRequest, state::StateOverride,
};
use alloy_transport::{BoxTransport, RpcError, TransportErrorKind};
use engine::L1Ref;
use futures::stream::{FuturesUnordered, StreamExt};
use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;
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

/// A client of one or more L1 execution endpoints, one of which is believed at a time ([`Panel`]). Cheap to clone; all
/// clones follow the same one.
#[derive(Clone, Debug)]
pub struct L1Rpc {
    endpoints: Arc<[Endpoint]>,
    panel: Arc<Mutex<Panel>>,
    /// Told by endpoints that speak by themselves when they have a new head.
    news: Arc<Notify>,
}

#[derive(Clone, Debug)]
struct Endpoint {
    provider: RootProvider<Ethereum>,
    url: String,
}

impl L1Rpc {
    /// A client of the endpoint at `url` (HTTP or WebSocket). Does not connect yet.
    pub fn new(url: &Url) -> Result<Self, L1Error> {
        Self::of(std::slice::from_ref(url), Patience::default())
    }

    /// A client of the endpoints at `urls` (HTTP or WebSocket), in the order of preference. Does not connect yet.
    ///
    /// # Errors
    /// A URL of another kind.
    ///
    /// # Panics
    /// Without any.
    pub fn of(urls: &[Url], patience: Patience) -> Result<Self, L1Error> {
        let news: Arc<Notify> = Arc::default();
        let transport = |url: &Url| {
            let shown = without_credentials(url);
            let transport = match url.scheme() {
                "ws" | "wss" => BoxTransport::new(Socket::new(url.clone(), REQUEST_TIMEOUT, Arc::clone(&news))),
                "http" | "https" => {
                    let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build();
                    let client = client
                        .map_err(|error| L1Error::Unreachable { url: shown.clone(), reason: error.to_string() })?;
                    BoxTransport::new(alloy_transport_http::Http::with_client(client, url.clone()))
                }
                _ => return Err(L1Error::Malformed { url: shown, what: "not http, https, ws or wss".to_owned() }),
            };
            Ok((transport, shown))
        };
        let transports = urls.iter().map(transport).collect::<Result<_, _>>()?;
        Ok(Self { news, ..Self::on(transports, patience) })
    }

    /// A client of the endpoints behind `transports`, which logs and errors call by the names beside them.
    ///
    /// # Panics
    /// Without any.
    pub fn on(transports: Vec<(BoxTransport, String)>, patience: Patience) -> Self {
        let panel = Panel::new(transports.len(), patience);
        let endpoint = |(transport, url)| {
            let provider = RootProvider::new(alloy_rpc_client::RpcClient::new(transport, false));
            Endpoint { provider, url }
        };
        let endpoints = transports.into_iter().map(endpoint).collect();
        Self { endpoints, panel: Arc::new(Mutex::new(panel)), news: Arc::default() }
    }

    /// Clients of each endpoint alone, in the order of preference.
    pub fn each(&self) -> Vec<Self> {
        let alone = |endpoint: &Endpoint| Self {
            endpoints: [endpoint.clone()].into(),
            panel: Arc::new(Mutex::new(Panel::new(1, Patience::default()))),
            news: Arc::clone(&self.news),
        };
        self.endpoints.iter().map(alone).collect()
    }

    /// Done when an endpoint with a WebSocket says that it has a new head: a reason to look, and nothing more. For one listener; never done
    /// where all endpoints are polled.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// The endpoint that is believed now, as it may be shown in logs.
    pub fn url(&self) -> &str {
        &self.endpoint().url
    }

    /// Whether the endpoints keep to different branches and no majority tells which of them is wrong.
    pub fn is_contested(&self) -> bool {
        self.panel().is_contested()
    }

    /// Asks every endpoint that is worth it for its head, decides whom to believe, and gives that one's head, if it was
    /// heard. `known` is the hash of the followed chain at a number, as far as it is remembered, `tip` its end; `now`
    /// never goes back. Once one head has come, the others are waited for until `patience` is over.
    ///
    /// # Errors
    /// What went wrong with the endpoint that is believed.
    pub async fn survey(
        &self,
        tip: L1Ref,
        known: impl Fn(u64) -> Option<B256>,
        now: Duration,
        patience: impl Future<Output = ()>,
    ) -> Result<Option<L1Head>, L1Error> {
        let (asked, current): (Vec<usize>, usize) = {
            let panel = self.panel();
            ((0..self.endpoints.len()).filter(|member| panel.may_ask(*member, now)).collect(), panel.current())
        };
        let known = &known;
        let ask = asked.iter().map(|member| async move {
            (*member, self.endpoints[*member].survey(tip, *member == current, known).await)
        });
        let mut ask: FuturesUnordered<_> = ask.collect();
        let mut patience = pin!(patience);
        let (mut answers, mut is_over, mut is_heard) = (Vec::new(), false, false);
        while !(is_over && is_heard) {
            tokio::select! {
                biased;
                answer = ask.next() => {
                    let Some(answer) = answer else { break };
                    is_heard |= matches!(answer.1, Ok(Some(_)));
                    answers.push(answer);
                }
                () = &mut patience, if !is_over => is_over = true,
            }
        }
        drop(ask);
        let said = |member: &usize| {
            let answer = answers.iter().find(|(answered, _)| answered == member);
            (*member, answer.map_or(Said::Nothing, |(_, answer)| said(answer)))
        };
        let said: Vec<(usize, Said)> = asked.iter().map(said).collect();
        let changes = self.panel().round(&said, now);
        self.log(&changes);
        let believed = self.panel().current();
        match answers.into_iter().find(|(member, _)| *member == believed) {
            Some((_, answer)) => Ok(answer?.map(|(head, _)| head)),
            None => Ok(None),
        }
    }

    /// The endpoint that is believed contradicted itself at `now`: the next survey believes another one.
    pub fn lied(&self, now: Duration) {
        let mut panel = self.panel();
        let current = panel.current();
        let changes = panel.round(&[(current, Said::Lied)], now);
        drop(panel);
        self.log(&changes);
    }

    fn log(&self, changes: &[Change]) {
        for change in changes {
            match *change {
                Change::Follows { from, to, why } => {
                    let (from, to) = (&self.endpoints[from].url, &self.endpoints[to].url);
                    tracing::warn!(from, to, why, "another L1 endpoint is followed");
                }
                Change::Quarantined { member, why, .. } => {
                    tracing::error!(
                        url = self.endpoints[member].url,
                        why,
                        "an L1 endpoint is not believed for a while"
                    );
                }
            }
        }
    }

    fn panel(&self) -> MutexGuard<'_, Panel> {
        // Nothing panics while it is held; a poisoned panel would still be a whole one.
        self.panel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoints[self.panel().current()]
    }

    /// `eth_chainId` of every endpoint that answers, in their order. The first of them is believed from now on.
    ///
    /// # Errors
    /// None answers; the first one's reason.
    pub async fn connect(&self) -> Result<Vec<u64>, L1Error> {
        let ask = self.endpoints.iter().map(|endpoint| async {
            let id = endpoint.provider.get_chain_id().await;
            id.map_err(|error| endpoint.error("eth_chainId", error))
        });
        let (mut ids, mut first_error) = (Vec::new(), None);
        for (member, answer) in futures::future::join_all(ask).await.into_iter().enumerate() {
            match answer {
                Ok(id) => {
                    if ids.is_empty() {
                        self.panel().prefer(member);
                    }
                    ids.push(id);
                }
                Err(error) => {
                    tracing::warn!(%error, "an L1 endpoint does not answer");
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) if ids.is_empty() => Err(error),
            _ => Ok(ids),
        }
    }

    /// `eth_chainId`.
    pub async fn chain_id(&self) -> Result<u64, L1Error> {
        let endpoint = self.endpoint();
        endpoint.provider.get_chain_id().await.map_err(|error| endpoint.error("eth_chainId", error))
    }

    /// The header at `number` on the endpoint's canonical chain, checked against its hash; `None` when there is none.
    pub async fn header(&self, number: BlockNumberOrTag) -> Result<Option<L1Head>, L1Error> {
        self.endpoint().header(number).await
    }

    /// The receipts of the block of `head`, checked against its receipts root; `None` when the endpoint does not have
    /// them (any more).
    pub async fn receipts(&self, head: &L1Head) -> Result<Option<Vec<TransactionReceipt>>, L1Error> {
        let endpoint = self.endpoint();
        let receipts = endpoint.provider.get_block_receipts(BlockId::hash(head.at.hash)).await;
        let receipts = receipts.map_err(|error| endpoint.error("eth_getBlockReceipts", error))?;
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
        let endpoint = self.endpoint();
        endpoint.provider.get_logs(filter).await.map_err(|error| endpoint.error("eth_getLogs", error))
    }

    /// `eth_call` to `to` at `block`.
    pub async fn call(&self, to: Address, input: Bytes, block: BlockId) -> Result<Bytes, L1Error> {
        let request = TransactionRequest { input: TransactionInput::both(input), ..Default::default() }.to(to);
        self.call_request(request, block).await
    }

    /// `eth_call` of a whole transaction request at `block`.
    pub async fn call_request(&self, request: TransactionRequest, block: BlockId) -> Result<Bytes, L1Error> {
        let endpoint = self.endpoint();
        endpoint.provider.call(request).block(block).await.map_err(|error| endpoint.error("eth_call", error))
    }

    /// As [`Self::call_request`], as if states and block were as overridden.
    pub async fn call_as_if(
        &self,
        request: TransactionRequest,
        block: BlockId,
        states: StateOverride,
        blocks: BlockOverrides,
    ) -> Result<Bytes, L1Error> {
        let endpoint = self.endpoint();
        let call = endpoint.provider.call(request).block(block).overrides(states).with_block_overrides(blocks);
        call.await.map_err(|error| endpoint.error("eth_call", error))
    }

    /// `eth_getCode` at the head.
    pub async fn code(&self, address: Address) -> Result<Bytes, L1Error> {
        let endpoint = self.endpoint();
        endpoint.provider.get_code_at(address).await.map_err(|error| endpoint.error("eth_getCode", error))
    }

    /// `eth_getBalance` at the head, wei.
    pub async fn balance(&self, address: Address) -> Result<U256, L1Error> {
        let endpoint = self.endpoint();
        endpoint.provider.get_balance(address).await.map_err(|error| endpoint.error("eth_getBalance", error))
    }

    /// Number of transactions of `address` in the chain at `block`.
    pub async fn nonce(&self, address: Address, block: BlockId) -> Result<u64, L1Error> {
        let endpoint = self.endpoint();
        let count = endpoint.provider.get_transaction_count(address).block_id(block).await;
        count.map_err(|error| endpoint.error("eth_getTransactionCount", error))
    }

    /// `eth_estimateGas` at the head.
    pub async fn estimate_gas(&self, request: TransactionRequest) -> Result<u64, L1Error> {
        let endpoint = self.endpoint();
        endpoint.provider.estimate_gas(request).await.map_err(|error| endpoint.error("eth_estimateGas", error))
    }

    /// `eth_blobBaseFee`, wei a blob gas.
    pub async fn blob_base_fee(&self) -> Result<u128, L1Error> {
        let endpoint = self.endpoint();
        endpoint.provider.get_blob_base_fee().await.map_err(|error| endpoint.error("eth_blobBaseFee", error))
    }

    /// `eth_sendRawTransaction`; returns the hash.
    pub async fn send_raw(&self, raw: &[u8]) -> Result<B256, L1Error> {
        let endpoint = self.endpoint();
        let sent = endpoint.provider.send_raw_transaction(raw).await;
        Ok(*sent.map_err(|error| endpoint.error("eth_sendRawTransaction", error))?.tx_hash())
    }

    /// `eth_getTransactionReceipt`.
    pub async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, L1Error> {
        let endpoint = self.endpoint();
        let receipt = endpoint.provider.get_transaction_receipt(hash).await;
        receipt.map_err(|error| endpoint.error("eth_getTransactionReceipt", error))
    }

    /// Input of the transaction, which is checked against its hash; `None` when the endpoint does not have it.
    pub async fn input(&self, hash: B256) -> Result<Option<Bytes>, L1Error> {
        let endpoint = self.endpoint();
        let transaction = endpoint.provider.get_transaction_by_hash(hash).await;
        let transaction = transaction.map_err(|error| endpoint.error("eth_getTransactionByHash", error))?;
        let Some(transaction) = transaction else { return Ok(None) };
        let envelope = transaction.inner.into_inner();
        let computed = keccak256(envelope.encoded_2718());
        if computed != hash {
            return Err(L1Error::ForgedTransaction { url: endpoint.url.clone(), hash, computed });
        }
        Ok(Some(envelope.input().clone()))
    }

    /// Whether the endpoint still knows the transaction, in a block or in its pool.
    pub async fn knows_transaction(&self, hash: B256) -> Result<bool, L1Error> {
        let endpoint = self.endpoint();
        let transaction = endpoint.provider.get_transaction_by_hash(hash).await;
        Ok(transaction.map_err(|error| endpoint.error("eth_getTransactionByHash", error))?.is_some())
    }
}

/// What an endpoint's answer to a survey says of it.
fn said(answer: &Result<Option<(L1Head, bool)>, L1Error>) -> Said {
    match answer {
        Ok(Some((head, true))) => Said::Agrees { timestamp: head.header.timestamp },
        Ok(Some((head, false))) => Said::Differs { timestamp: head.header.timestamp },
        Ok(None) => Said::Nothing,
        Err(error) if error.is_lie() => Said::Lied,
        Err(_) => Said::Nothing,
    }
}

impl Endpoint {
    async fn header(&self, number: BlockNumberOrTag) -> Result<Option<L1Head>, L1Error> {
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

    /// Its head, and whether that is on the followed branch; what the followed one says defines the branch.
    async fn survey(
        &self,
        tip: L1Ref,
        is_followed: bool,
        known: impl Fn(u64) -> Option<B256>,
    ) -> Result<Option<(L1Head, bool)>, L1Error> {
        let Some(head) = self.header(BlockNumberOrTag::Latest).await? else { return Ok(None) };
        let agrees = if is_followed {
            true
        } else if head.at.number <= tip.number {
            known(head.at.number).is_none_or(|hash| hash == head.at.hash)
        } else {
            let below = self.header(BlockNumberOrTag::Number(tip.number)).await?;
            below.is_some_and(|block| block.at == tip)
        };
        Ok(Some((head, agrees)))
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
            other => L1Error::Unreachable { url, reason: format!("{method}: {}", without_url(other)) },
        }
    }
}

/// What a transport says, without the URL that HTTP clients put into their errors, credentials and all.
fn without_url(error: RpcError<TransportErrorKind>) -> String {
    match error {
        RpcError::Transport(TransportErrorKind::Custom(error)) => match error.downcast::<reqwest::Error>() {
            Ok(error) => error.without_url().to_string(),
            Err(error) => error.to_string(),
        },
        other => other.to_string(),
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
    use super::L1Rpc;

    #[test]
    fn a_url_in_a_log_line_has_no_key() {
        let url = url::Url::parse("https://user:secret@host:8545/path?apikey=1").unwrap();
        assert_eq!(super::without_credentials(&url), "https://host:8545/path");
    }

    #[tokio::test]
    async fn an_endpoint_that_is_not_there_is_named_without_its_key() {
        let nowhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        for scheme in ["http", "ws"] {
            let url = format!("{scheme}://user:secret@{nowhere}/path?apikey=hidden").parse().unwrap();
            let error = L1Rpc::new(&url).unwrap().connect().await.unwrap_err().to_string();
            assert!(error.contains(&nowhere.to_string()), "{error}");
            assert!(!error.contains("secret") && !error.contains("hidden"), "{error}");
        }
    }

    #[test]
    fn other_protocols_are_refused() {
        let error = L1Rpc::new(&"ftp://host".parse().unwrap()).unwrap_err().to_string();
        assert_eq!(error, "ftp://host/: not http, https, ws or wss");
    }
}
