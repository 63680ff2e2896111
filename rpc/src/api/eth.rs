//! `eth_*`: the chain, its state and the way in.

use std::collections::BTreeMap;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::{
    AccessListResult, AccountInfo, EIP1186AccountProofResponse, FeeHistory, Filter, FilterChanges, FilterId, Index,
    PendingTransactionFilterKind, TransactionRequest, state::StateOverride,
};
use jsonrpsee::{
    core::{RpcResult, async_trait},
    proc_macros::rpc,
};

use super::{
    Api, RpcBlock, RpcHeader, RpcLog, RpcReceipt, RpcTransaction,
    params::{Prefixed, StorageKey},
};
use crate::eth::{
    BlockOverridesParam, ConfigAnswer, FilledTransaction, StateCapabilities, SyncingAnswer, TimeoutParam,
};

/// The standard methods.
#[rpc(server, namespace = "eth")]
pub trait Eth {
    /// EIP-155 chain id.
    #[method(name = "chainId")]
    async fn chain_id(&self) -> RpcResult<U64>;
    /// The rules of now, of the next fork and of the last one scheduled (EIP-7910).
    #[method(name = "config")]
    async fn config(&self) -> RpcResult<ConfigAnswer>;
    /// Number of `latest`.
    #[method(name = "blockNumber")]
    async fn block_number(&self) -> RpcResult<U64>;
    /// `false`, or how far behind the node is.
    #[method(name = "syncing")]
    async fn syncing(&self) -> RpcResult<SyncingAnswer>;
    /// Development accounts, else none.
    #[method(name = "accounts")]
    async fn accounts(&self) -> RpcResult<Vec<Address>>;
    /// Fee recipient of the newest block.
    #[method(name = "coinbase")]
    async fn coinbase(&self) -> RpcResult<Address>;

    /// Block by number or tag; `null` if there is none.
    #[method(name = "getBlockByNumber")]
    async fn block_by_number(&self, block: BlockNumberOrTag, full: Option<bool>) -> RpcResult<Option<RpcBlock>>;
    /// Canonical block by hash; `null` if there is none.
    #[method(name = "getBlockByHash")]
    async fn block_by_hash(&self, hash: Prefixed<B256>, full: Option<bool>) -> RpcResult<Option<RpcBlock>>;
    /// Header by number or tag.
    #[method(name = "getHeaderByNumber")]
    async fn header_by_number(&self, block: BlockNumberOrTag) -> RpcResult<Option<RpcHeader>>;
    /// Header by hash.
    #[method(name = "getHeaderByHash")]
    async fn header_by_hash(&self, hash: Prefixed<B256>) -> RpcResult<Option<RpcHeader>>;
    /// Number of transactions of a block.
    #[method(name = "getBlockTransactionCountByNumber")]
    async fn transaction_count_by_number(&self, block: BlockNumberOrTag) -> RpcResult<Option<U64>>;
    /// Number of transactions of a block.
    #[method(name = "getBlockTransactionCountByHash")]
    async fn transaction_count_by_hash(&self, hash: Prefixed<B256>) -> RpcResult<Option<U64>>;
    /// Block access list (EIP-7928); `null` without one.
    #[method(name = "getBlockAccessList")]
    async fn block_access_list(&self, block: BlockId) -> RpcResult<Option<serde_json::Value>>;
    /// All receipts of a block.
    #[method(name = "getBlockReceipts")]
    async fn block_receipts(&self, block: BlockId) -> RpcResult<Option<Vec<RpcReceipt>>>;
    /// 0: there are no uncles since the merge.
    #[method(name = "getUncleCountByBlockNumber")]
    async fn uncle_count_by_number(&self, block: BlockNumberOrTag) -> RpcResult<Option<U64>>;
    /// 0: there are no uncles since the merge.
    #[method(name = "getUncleCountByBlockHash")]
    async fn uncle_count_by_hash(&self, hash: Prefixed<B256>) -> RpcResult<Option<U64>>;
    /// `null`: there are no uncles since the merge.
    #[method(name = "getUncleByBlockNumberAndIndex")]
    async fn uncle_by_number(&self, block: BlockNumberOrTag, index: Index) -> RpcResult<Option<RpcBlock>>;
    /// `null`: there are no uncles since the merge.
    #[method(name = "getUncleByBlockHashAndIndex")]
    async fn uncle_by_hash(&self, hash: Prefixed<B256>, index: Index) -> RpcResult<Option<RpcBlock>>;

    /// Transaction of the chain, of the open block or of the pool.
    #[method(name = "getTransactionByHash")]
    async fn transaction_by_hash(&self, hash: Prefixed<B256>) -> RpcResult<Option<RpcTransaction>>;
    /// Transaction by place.
    #[method(name = "getTransactionByBlockNumberAndIndex")]
    async fn transaction_by_number_and_index(
        &self,
        block: BlockNumberOrTag,
        index: Index,
    ) -> RpcResult<Option<RpcTransaction>>;
    /// Transaction by place.
    #[method(name = "getTransactionByBlockHashAndIndex")]
    async fn transaction_by_hash_and_index(
        &self,
        hash: Prefixed<B256>,
        index: Index,
    ) -> RpcResult<Option<RpcTransaction>>;
    /// EIP-2718 bytes of a transaction.
    #[method(name = "getRawTransactionByHash")]
    async fn raw_transaction_by_hash(&self, hash: Prefixed<B256>) -> RpcResult<Option<Bytes>>;
    /// EIP-2718 bytes by place.
    #[method(name = "getRawTransactionByBlockNumberAndIndex")]
    async fn raw_transaction_by_number_and_index(
        &self,
        block: BlockNumberOrTag,
        index: Index,
    ) -> RpcResult<Option<Bytes>>;
    /// EIP-2718 bytes by place.
    #[method(name = "getRawTransactionByBlockHashAndIndex")]
    async fn raw_transaction_by_hash_and_index(&self, hash: Prefixed<B256>, index: Index) -> RpcResult<Option<Bytes>>;
    /// Receipt; `null` as long as the transaction is in no block.
    #[method(name = "getTransactionReceipt")]
    async fn transaction_receipt(&self, hash: Prefixed<B256>) -> RpcResult<Option<RpcReceipt>>;

    /// Balance in wei.
    #[method(name = "getBalance")]
    async fn balance(&self, address: Address, block: Option<BlockId>) -> RpcResult<U256>;
    /// Code, a delegation (EIP-7702) as it stands.
    #[method(name = "getCode")]
    async fn code(&self, address: Address, block: Option<BlockId>) -> RpcResult<Bytes>;
    /// One storage word.
    #[method(name = "getStorageAt")]
    async fn storage_at(&self, address: Address, slot: StorageKey, block: Option<BlockId>) -> RpcResult<B256>;
    /// Storage words of several accounts, in the order in which they are asked for.
    #[method(name = "getStorageValues")]
    async fn storage_values(
        &self,
        slots: BTreeMap<Address, Vec<StorageKey>>,
        block: Option<BlockId>,
    ) -> RpcResult<BTreeMap<Address, Vec<B256>>>;
    /// Nonce; at `pending` the next one to use, the pool's transactions counted.
    #[method(name = "getTransactionCount")]
    async fn transaction_count(&self, address: Address, block: Option<BlockId>) -> RpcResult<U64>;
    /// Balance, nonce and code in one answer.
    #[method(name = "getAccountInfo")]
    async fn account_info(&self, address: Address, block: Option<BlockId>) -> RpcResult<AccountInfo>;
    /// Account and storage proofs (EIP-1186) against the state root of a canonical block.
    #[method(name = "getProof")]
    async fn proof(
        &self,
        address: Address,
        slots: Vec<StorageKey>,
        block: Option<BlockId>,
    ) -> RpcResult<EIP1186AccountProofResponse>;

    /// Runs a call on a block's state, with state and block overrides.
    #[method(name = "call")]
    async fn call(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<BlockOverridesParam>,
    ) -> RpcResult<Bytes>;
    /// The least gas limit found with which the call succeeds.
    #[method(name = "estimateGas")]
    async fn estimate_gas(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<BlockOverridesParam>,
    ) -> RpcResult<U64>;
    /// The accounts and slots that a call touches (EIP-2930).
    #[method(name = "createAccessList")]
    async fn create_access_list(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
    ) -> RpcResult<AccessListResult>;
    /// Completes a request into an unsigned transaction: nonce, gas, fees, chain id.
    #[method(name = "fillTransaction")]
    async fn fill_transaction(&self, request: TransactionRequest) -> RpcResult<FilledTransaction>;

    /// Base fee of the next block plus a tip.
    #[method(name = "gasPrice")]
    async fn gas_price(&self) -> RpcResult<U256>;
    /// A tip that recent blocks took.
    #[method(name = "maxPriorityFeePerGas")]
    async fn max_priority_fee_per_gas(&self) -> RpcResult<U256>;
    /// Base fee of the next block.
    #[method(name = "baseFee")]
    async fn base_fee(&self) -> RpcResult<U256>;
    /// Blob base fee of the next block.
    #[method(name = "blobBaseFee")]
    async fn blob_base_fee(&self) -> RpcResult<U256>;
    /// Base fees, fullness and tips of a range of blocks.
    #[method(name = "feeHistory")]
    async fn fee_history(
        &self,
        block_count: U64,
        newest: BlockNumberOrTag,
        percentiles: Option<Vec<f64>>,
    ) -> RpcResult<FeeHistory>;
    /// The history that this node keeps, by kind.
    #[method(name = "capabilities")]
    async fn capabilities(&self) -> RpcResult<StateCapabilities>;

    /// Logs of a range of blocks or of one block.
    #[method(name = "getLogs")]
    async fn logs(&self, filter: Filter) -> RpcResult<Vec<RpcLog>>;
    /// Starts a log filter.
    #[method(name = "newFilter")]
    async fn new_filter(&self, filter: Filter) -> RpcResult<FilterId>;
    /// Starts a filter of block hashes.
    #[method(name = "newBlockFilter")]
    async fn new_block_filter(&self) -> RpcResult<FilterId>;
    /// Starts a filter of pool transactions.
    #[method(name = "newPendingTransactionFilter")]
    async fn new_pending_transaction_filter(&self, kind: Option<PendingTransactionFilterKind>) -> RpcResult<FilterId>;
    /// What came since the last call.
    #[method(name = "getFilterChanges")]
    async fn filter_changes(&self, id: FilterId) -> RpcResult<FilterChanges<RpcTransaction>>;
    /// All logs of a log filter's range.
    #[method(name = "getFilterLogs")]
    async fn filter_logs(&self, id: FilterId) -> RpcResult<Vec<RpcLog>>;
    /// Ends a filter; tells whether it existed.
    #[method(name = "uninstallFilter")]
    async fn uninstall_filter(&self, id: FilterId) -> RpcResult<bool>;

    /// Hands a signed transaction to the pool.
    #[method(name = "sendRawTransaction")]
    async fn send_raw_transaction(&self, raw: Bytes) -> RpcResult<B256>;
    /// The same, and waits for the receipt (EIP-7966).
    #[method(name = "sendRawTransactionSync")]
    async fn send_raw_transaction_sync(&self, raw: Bytes, timeout_ms: Option<TimeoutParam>) -> RpcResult<RpcReceipt>;
}

#[async_trait]
impl EthServer for Api {
    async fn chain_id(&self) -> RpcResult<U64> {
        Ok(U64::from(self.0.spec.chain_id))
    }
    async fn config(&self) -> RpcResult<ConfigAnswer> {
        self.0.read(|backend| backend.config()).await
    }
    async fn block_number(&self) -> RpcResult<U64> {
        Ok(U64::from(self.0.heads.latest()))
    }
    async fn syncing(&self) -> RpcResult<SyncingAnswer> {
        Ok(self.0.heads.sync().into())
    }
    async fn accounts(&self) -> RpcResult<Vec<Address>> {
        Ok(self.0.dev.as_ref().map(|dev| dev.accounts()).unwrap_or_default())
    }
    async fn coinbase(&self) -> RpcResult<Address> {
        self.0.read(|backend| backend.coinbase()).await
    }

    async fn block_by_number(&self, block: BlockNumberOrTag, full: Option<bool>) -> RpcResult<Option<RpcBlock>> {
        self.0.read(move |backend| backend.rpc_block(block.into(), full.unwrap_or(false))).await
    }
    async fn block_by_hash(&self, Prefixed(hash): Prefixed<B256>, full: Option<bool>) -> RpcResult<Option<RpcBlock>> {
        self.0.read(move |backend| backend.rpc_block(hash.into(), full.unwrap_or(false))).await
    }
    async fn header_by_number(&self, block: BlockNumberOrTag) -> RpcResult<Option<RpcHeader>> {
        self.0.read(move |backend| backend.rpc_header(block.into())).await
    }
    async fn header_by_hash(&self, Prefixed(hash): Prefixed<B256>) -> RpcResult<Option<RpcHeader>> {
        self.0.read(move |backend| backend.rpc_header(hash.into())).await
    }
    async fn transaction_count_by_number(&self, block: BlockNumberOrTag) -> RpcResult<Option<U64>> {
        self.0.read(move |backend| backend.block_transaction_count(block.into())).await
    }
    async fn transaction_count_by_hash(&self, Prefixed(hash): Prefixed<B256>) -> RpcResult<Option<U64>> {
        self.0.read(move |backend| backend.block_transaction_count(hash.into())).await
    }
    async fn block_access_list(&self, block: BlockId) -> RpcResult<Option<serde_json::Value>> {
        self.0.read(move |backend| backend.block_access_list(block)).await
    }
    async fn block_receipts(&self, block: BlockId) -> RpcResult<Option<Vec<RpcReceipt>>> {
        self.0.read(move |backend| backend.rpc_block_receipts(block)).await
    }
    async fn uncle_count_by_number(&self, block: BlockNumberOrTag) -> RpcResult<Option<U64>> {
        self.0.read(move |backend| backend.uncle_count(block.into())).await
    }
    async fn uncle_count_by_hash(&self, Prefixed(hash): Prefixed<B256>) -> RpcResult<Option<U64>> {
        self.0.read(move |backend| backend.uncle_count(hash.into())).await
    }
    async fn uncle_by_number(&self, _block: BlockNumberOrTag, _index: Index) -> RpcResult<Option<RpcBlock>> {
        Ok(None)
    }
    async fn uncle_by_hash(&self, _hash: Prefixed<B256>, _index: Index) -> RpcResult<Option<RpcBlock>> {
        Ok(None)
    }

    async fn transaction_by_hash(&self, Prefixed(hash): Prefixed<B256>) -> RpcResult<Option<RpcTransaction>> {
        self.0.read(move |backend| backend.transaction(hash)).await
    }
    async fn transaction_by_number_and_index(
        &self,
        block: BlockNumberOrTag,
        index: Index,
    ) -> RpcResult<Option<RpcTransaction>> {
        self.0.read(move |backend| backend.transaction_at(block.into(), index.0)).await
    }
    async fn transaction_by_hash_and_index(
        &self,
        Prefixed(hash): Prefixed<B256>,
        index: Index,
    ) -> RpcResult<Option<RpcTransaction>> {
        self.0.read(move |backend| backend.transaction_at(hash.into(), index.0)).await
    }
    async fn raw_transaction_by_hash(&self, Prefixed(hash): Prefixed<B256>) -> RpcResult<Option<Bytes>> {
        self.0.read(move |backend| backend.raw_transaction(hash)).await
    }
    async fn raw_transaction_by_number_and_index(
        &self,
        block: BlockNumberOrTag,
        index: Index,
    ) -> RpcResult<Option<Bytes>> {
        self.0.read(move |backend| backend.raw_transaction_at(block.into(), index.0)).await
    }
    async fn raw_transaction_by_hash_and_index(
        &self,
        Prefixed(hash): Prefixed<B256>,
        index: Index,
    ) -> RpcResult<Option<Bytes>> {
        self.0.read(move |backend| backend.raw_transaction_at(hash.into(), index.0)).await
    }
    async fn transaction_receipt(&self, Prefixed(hash): Prefixed<B256>) -> RpcResult<Option<RpcReceipt>> {
        self.0.read(move |backend| backend.receipt(hash)).await
    }

    async fn balance(&self, address: Address, block: Option<BlockId>) -> RpcResult<U256> {
        self.0.read(move |backend| backend.balance(address, block.unwrap_or_default())).await
    }
    async fn code(&self, address: Address, block: Option<BlockId>) -> RpcResult<Bytes> {
        self.0.read(move |backend| backend.code(address, block.unwrap_or_default())).await
    }
    async fn storage_at(&self, address: Address, slot: StorageKey, block: Option<BlockId>) -> RpcResult<B256> {
        self.0.read(move |backend| backend.storage_at(address, slot.0.as_b256(), block.unwrap_or_default())).await
    }
    async fn storage_values(
        &self,
        slots: BTreeMap<Address, Vec<StorageKey>>,
        block: Option<BlockId>,
    ) -> RpcResult<BTreeMap<Address, Vec<B256>>> {
        self.0.read(move |backend| backend.storage_values(&slots, block.unwrap_or_default())).await
    }
    async fn transaction_count(&self, address: Address, block: Option<BlockId>) -> RpcResult<U64> {
        self.0.read(move |backend| backend.nonce(address, block.unwrap_or_default())).await
    }
    async fn account_info(&self, address: Address, block: Option<BlockId>) -> RpcResult<AccountInfo> {
        self.0.read(move |backend| backend.account_info(address, block.unwrap_or_default())).await
    }
    async fn proof(
        &self,
        address: Address,
        slots: Vec<StorageKey>,
        block: Option<BlockId>,
    ) -> RpcResult<EIP1186AccountProofResponse> {
        self.0
            .heavy(move |backend| {
                backend.proof(address, slots.into_iter().map(|slot| slot.0).collect(), block.unwrap_or_default())
            })
            .await
    }

    async fn call(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<BlockOverridesParam>,
    ) -> RpcResult<Bytes> {
        self.0
            .heavy(move |backend| backend.call(request, block.unwrap_or_default(), state_overrides, block_overrides))
            .await
    }
    async fn estimate_gas(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<BlockOverridesParam>,
    ) -> RpcResult<U64> {
        // Like geth, an estimate is for the next transaction, so it looks at the newest state including the open block.
        let block = block.unwrap_or(BlockId::pending());
        self.0
            .heavy(move |backend| backend.estimate(request, block, state_overrides, block_overrides))
            .await
            .map(U64::from)
    }
    async fn create_access_list(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
    ) -> RpcResult<AccessListResult> {
        let block = block.unwrap_or(BlockId::pending());
        self.0.heavy(move |backend| backend.access_list(request, block, state_overrides)).await
    }
    async fn fill_transaction(&self, request: TransactionRequest) -> RpcResult<FilledTransaction> {
        self.0.heavy(move |backend| backend.fill(request)).await
    }

    async fn gas_price(&self) -> RpcResult<U256> {
        self.0.read(|backend| backend.gas_price()).await.map(U256::from)
    }
    async fn max_priority_fee_per_gas(&self) -> RpcResult<U256> {
        self.0.read(|backend| backend.suggested_tip()).await.map(U256::from)
    }
    async fn base_fee(&self) -> RpcResult<U256> {
        self.0.read(|backend| backend.next_base_fee()).await.map(U256::from)
    }
    async fn blob_base_fee(&self) -> RpcResult<U256> {
        self.0.read(|backend| backend.next_blob_base_fee()).await.map(U256::from)
    }
    async fn fee_history(
        &self,
        block_count: U64,
        newest: BlockNumberOrTag,
        percentiles: Option<Vec<f64>>,
    ) -> RpcResult<FeeHistory> {
        let percentiles = percentiles.unwrap_or_default();
        self.0.heavy(move |backend| backend.fee_history(block_count.to(), newest, &percentiles)).await
    }
    async fn capabilities(&self) -> RpcResult<StateCapabilities> {
        self.0.read(|backend| backend.capabilities()).await
    }

    async fn logs(&self, filter: Filter) -> RpcResult<Vec<RpcLog>> {
        self.0.heavy(move |backend| backend.logs(&filter)).await
    }
    async fn new_filter(&self, filter: Filter) -> RpcResult<FilterId> {
        Ok(self.0.new_log_filter(filter)?)
    }
    async fn new_block_filter(&self) -> RpcResult<FilterId> {
        Ok(self.0.new_block_filter()?)
    }
    async fn new_pending_transaction_filter(&self, kind: Option<PendingTransactionFilterKind>) -> RpcResult<FilterId> {
        Ok(self.0.new_pending_filter(kind.unwrap_or_default())?)
    }
    async fn filter_changes(&self, id: FilterId) -> RpcResult<FilterChanges<RpcTransaction>> {
        self.0.read(move |backend| backend.filter_changes(&id)).await
    }
    async fn filter_logs(&self, id: FilterId) -> RpcResult<Vec<RpcLog>> {
        self.0.heavy(move |backend| backend.filter_logs(&id)).await
    }
    async fn uninstall_filter(&self, id: FilterId) -> RpcResult<bool> {
        Ok(self.0.uninstall_filter(&id))
    }

    async fn send_raw_transaction(&self, raw: Bytes) -> RpcResult<B256> {
        Ok(self.0.send_raw(raw).await?)
    }
    async fn send_raw_transaction_sync(&self, raw: Bytes, timeout_ms: Option<TimeoutParam>) -> RpcResult<RpcReceipt> {
        Ok(self.0.send_raw_sync(raw, timeout_ms).await?)
    }
}
