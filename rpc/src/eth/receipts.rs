//! Receipts, with what the wire wants beyond the consensus ones: gas of one transaction, places of logs, blob fees.

use alloy_consensus::{BlockHeader, Transaction as _};
use alloy_eips::BlockId;
use alloy_primitives::B256;
use execution::block::{Receipt, RecoveredBlock};

use super::locate::At;
use crate::{
    Backend, RpcError,
    api::{RpcLog, RpcReceipt},
};

impl Backend {
    /// Block and receipts; `None` when there is no such block.
    pub(crate) fn find_receipts(&self, id: BlockId) -> Result<Option<(RecoveredBlock, Vec<Receipt>)>, RpcError> {
        match self.locate(id)? {
            At::Open(open) => Ok(Some((open.block.clone(), open.receipts.clone()))),
            At::Canonical(at) => {
                let Some(block) = self.chain.block(at)? else { return Ok(None) };
                // By hash: see `state_of`. A block unwound in between is as good as unknown.
                Ok(self.chain.receipts(block.hash())?.map(|receipts| (block, receipts)))
            }
        }
    }

    pub(crate) fn rpc_block_receipts(&self, id: BlockId) -> Result<Option<Vec<RpcReceipt>>, RpcError> {
        let Some((block, receipts)) = self.find_receipts(id)? else { return Ok(None) };
        self.to_rpc_receipts(&block, receipts).map(Some)
    }

    /// Sealed blocks only: the hash of an open block is not a block's hash yet, and clients take a receipt as final.
    pub(crate) fn receipt(&self, hash: B256) -> Result<Option<RpcReceipt>, RpcError> {
        let Some(position) = self.chain.transaction(hash)? else { return Ok(None) };
        let Some((block, receipts)) = self.find_receipts(position.number.into())? else { return Ok(None) };
        let receipt = self.to_rpc_receipts(&block, receipts)?.into_iter().nth(position.index as usize);
        Ok(receipt.filter(|receipt| receipt.transaction_hash == hash))
    }

    pub(crate) fn to_rpc_receipts(
        &self,
        block: &RecoveredBlock,
        receipts: Vec<Receipt>,
    ) -> Result<Vec<RpcReceipt>, RpcError> {
        let header = block.header();
        let transactions = &block.body().transactions;
        if receipts.len() != transactions.len() {
            let (have, want) = (receipts.len(), transactions.len());
            return Err(RpcError::internal(format!("block {}: {have} receipts of {want} transactions", header.number)));
        }
        let blob_params = self.spec.blob_params_at(header.timestamp());
        let blob_price = blob_params.and_then(|params| header.blob_fee(params));
        let mut cumulative = 0;
        let mut log_index = 0;
        let with_senders = transactions.iter().zip(block.senders()).zip(receipts).enumerate();
        let rpc = with_senders.map(|(index, ((transaction, sender), receipt))| {
            let before = std::mem::replace(&mut cumulative, receipt.cumulative_gas_used());
            let blob_gas_used = transaction.blob_gas_used();
            let hash = *transaction.tx_hash();
            RpcReceipt {
                transaction_hash: hash,
                transaction_index: Some(index as u64),
                block_hash: Some(block.hash()),
                block_number: Some(header.number()),
                gas_used: cumulative.saturating_sub(before),
                effective_gas_price: transaction.effective_gas_price(header.base_fee_per_gas()),
                blob_gas_used,
                blob_gas_price: blob_gas_used.and(blob_price),
                from: *sender,
                to: transaction.to(),
                contract_address: transaction.is_create().then(|| sender.create(transaction.nonce())),
                inner: receipt.map_logs(|log| {
                    let place = log_index;
                    log_index += 1;
                    RpcLog {
                        inner: log,
                        block_hash: Some(block.hash()),
                        block_number: Some(header.number()),
                        block_timestamp: Some(header.timestamp()),
                        transaction_hash: Some(hash),
                        transaction_index: Some(index as u64),
                        log_index: Some(place),
                        removed: false,
                    }
                }),
            }
        });
        Ok(rpc.collect())
    }
}

/// The logs of a block in order, with their places. Hashes come from `block`, so the receipts must be its own.
pub(crate) fn logs_of(block: &RecoveredBlock, receipts: Vec<Receipt>) -> Vec<RpcLog> {
    let mut log_index = 0;
    let transactions = block.body().transactions.iter().zip(receipts).enumerate();
    transactions
        .flat_map(|(index, (transaction, receipt))| {
            let hash = *transaction.tx_hash();
            receipt.into_logs().into_iter().map(move |log| (index, hash, log))
        })
        .map(|(index, hash, log)| {
            let place = log_index;
            log_index += 1;
            RpcLog {
                inner: log,
                block_hash: Some(block.hash()),
                block_number: Some(block.header().number()),
                block_timestamp: Some(block.header().timestamp()),
                transaction_hash: Some(hash),
                transaction_index: Some(index as u64),
                log_index: Some(place),
                removed: false,
            }
        })
        .collect()
}
