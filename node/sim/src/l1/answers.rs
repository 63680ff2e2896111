//! Blocks, receipts, logs and transactions as execution endpoints write them (alloy's RPC types).

use super::{
    block::{Block, Included, next_blob_fee},
    ledger::Sent,
};
use alloy_consensus::{Sealed, Transaction as _, TxEnvelope, transaction::Recovered};
use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::{Block as RpcBlock, BlockTransactions, Filter, Header, Log, Transaction, TransactionReceipt};
use serde::Serialize;
use serde_json::Value;

/// A JSON value of something that always is one.
pub(super) fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).expect("RPC types are JSON")
}

/// A block with the hashes of its transactions.
pub(super) fn block(block: &Block) -> RpcBlock {
    let hashes: Vec<B256> = block.included.iter().map(|included| included.sent.hash).collect();
    let header = Sealed::new_unchecked(block.header.clone(), block.hash);
    // What the bodies weigh is not modelled.
    let header = Header::from_consensus(header, Some(U256::ZERO), Some(U256::from(1_000)));
    let block = RpcBlock::new(header, BlockTransactions::Hashes(hashes));
    block.with_withdrawals(Some(Vec::new().into()))
}

/// The receipts of a block.
pub(super) fn receipts(block: &Block) -> Vec<TransactionReceipt> {
    (0..block.included.len()).map(|at| receipt(block, at)).collect()
}

/// The receipt of the transaction at `at`.
pub(super) fn receipt(block: &Block, at: usize) -> TransactionReceipt {
    let Included { sent, receipt, gas_used, gas_price } = &block.included[at];
    let logs = logs(block).into_iter().filter(|log| log.transaction_hash == Some(sent.hash));
    let mut logs = logs.collect::<Vec<_>>().into_iter();
    let blobs = sent.blobs();
    TransactionReceipt {
        // Each log in its place, with what an endpoint says around it.
        inner: receipt.clone().map_logs(|log| logs.next().unwrap_or(Log { inner: log, ..Log::default() })),
        transaction_hash: sent.hash,
        transaction_index: Some(at as u64),
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        gas_used: *gas_used,
        effective_gas_price: *gas_price,
        blob_gas_used: (blobs > 0).then_some(blobs * DATA_GAS_PER_BLOB),
        blob_gas_price: (blobs > 0).then(|| blob_fee(block)),
        from: sent.from,
        to: sent.tx.to(),
        contract_address: None,
    }
}

fn blob_fee(block: &Block) -> u128 {
    super::block::blob_params().calc_blob_fee(block.header.excess_blob_gas.unwrap_or_default())
}

/// The blob fee of the next block after `head`: `eth_blobBaseFee`.
pub(super) fn blob_base_fee(head: &Block) -> u128 {
    next_blob_fee(&head.header)
}

/// All logs of a block.
pub(super) fn logs(block: &Block) -> Vec<Log> {
    let each = (0u64..).zip(&block.included).flat_map(|(at, included)| {
        included.receipt.logs().iter().map(move |log| (at, included.sent.hash, log.clone()))
    });
    let log = |(index, (at, hash, inner)): (u64, (u64, B256, alloy_primitives::Log))| Log {
        inner,
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        block_timestamp: Some(block.header.timestamp),
        transaction_hash: Some(hash),
        transaction_index: Some(at),
        log_index: Some(index),
        removed: false,
    };
    (0u64..).zip(each).map(log).collect()
}

/// The logs of a block that a filter asks for, its blocks aside.
pub(super) fn matching(block: &Block, filter: &Filter) -> Vec<Log> {
    let wanted = |log: &Log| filter.matches_address(log.inner.address) && filter.matches_topics(log.inner.topics());
    if !filter.matches_bloom(block.header.logs_bloom) {
        return Vec::new();
    }
    logs(block).into_iter().filter(wanted).collect()
}

/// A transaction, in a block or waiting.
pub(super) fn transaction(sent: &Sent, place: Option<(&Block, usize)>) -> Transaction {
    let inner: TxEnvelope = sent.tx.clone().into();
    Transaction {
        inner: Recovered::new_unchecked(inner, sent.from),
        block_hash: place.map(|(block, _)| block.hash),
        block_number: place.map(|(block, _)| block.number()),
        transaction_index: place.map(|(_, at)| at as u64),
        effective_gas_price: place.map(|(block, at)| block.included[at].gas_price),
        block_timestamp: place.map(|(block, _)| block.header.timestamp),
    }
}

/// Makes a receipt say what the block did not do: a log less (a message or a landing that is hidden), or where there is
/// none another status. What is no receipt stays as it is.
pub(super) fn forge_receipt(receipt: &mut Value) {
    if let Some(logs) = receipt.get_mut("logs").and_then(Value::as_array_mut)
        && logs.pop().is_some()
    {
        return;
    }
    if let Some(status) = receipt.get_mut("status") {
        *status = if *status == "0x1" { "0x0".into() } else { "0x1".into() };
    }
}
