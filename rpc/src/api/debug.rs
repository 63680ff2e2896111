//! `debug_*`: consensus encodings and witnesses.

use alloy_eips::BlockId;
use alloy_primitives::{B256, Bytes};
use jsonrpsee::{
    core::{RpcResult, async_trait},
    proc_macros::rpc,
};

use super::{Api, params::Prefixed};
use crate::eth::WitnessAnswer;

/// Raw bytes of the chain.
#[rpc(server, namespace = "debug")]
pub trait Debug {
    /// RLP of a header.
    #[method(name = "getRawHeader")]
    async fn raw_header(&self, block: BlockId) -> RpcResult<Bytes>;
    /// RLP of a block.
    #[method(name = "getRawBlock")]
    async fn raw_block(&self, block: BlockId) -> RpcResult<Bytes>;
    /// EIP-2718 bytes of a transaction of the chain or of the pool.
    #[method(name = "getRawTransaction")]
    async fn raw_transaction(&self, hash: Prefixed<B256>) -> RpcResult<Option<Bytes>>;
    /// EIP-2718 bytes of each receipt, with bloom.
    #[method(name = "getRawReceipts")]
    async fn raw_receipts(&self, block: BlockId) -> RpcResult<Vec<Bytes>>;
    /// Trie nodes, codes and headers with which the block can be executed without a state.
    #[method(name = "executionWitness")]
    async fn execution_witness(&self, block: BlockId) -> RpcResult<WitnessAnswer>;
}

#[async_trait]
impl DebugServer for Api {
    async fn raw_header(&self, block: BlockId) -> RpcResult<Bytes> {
        self.0.read(move |backend| backend.raw_header(block)).await
    }
    async fn raw_block(&self, block: BlockId) -> RpcResult<Bytes> {
        self.0.read(move |backend| backend.raw_block(block)).await
    }
    async fn raw_transaction(&self, Prefixed(hash): Prefixed<B256>) -> RpcResult<Option<Bytes>> {
        self.0.read(move |backend| backend.raw_transaction(hash)).await
    }
    async fn raw_receipts(&self, block: BlockId) -> RpcResult<Vec<Bytes>> {
        self.0.read(move |backend| backend.raw_receipts(block)).await
    }
    async fn execution_witness(&self, block: BlockId) -> RpcResult<WitnessAnswer> {
        self.0.heavy(move |backend| backend.execution_witness(block)).await
    }
}
