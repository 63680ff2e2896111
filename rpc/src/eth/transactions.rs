//! Transactions: of the chain, of the open block, of the pool.

use alloy_consensus::{BlockHeader, transaction::Recovered};
use alloy_eips::{BlockId, eip2718::Encodable2718};
use alloy_primitives::{Address, B256, Bytes};
use alloy_rpc_types_eth::TransactionInfo;
use execution::block::{RecoveredBlock, Transaction};

use crate::{Backend, RpcError, api::RpcTransaction, seams::Pooled};

/// What all transactions of a block have in common.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    hash: B256,
    number: u64,
    timestamp: u64,
    base_fee: Option<u64>,
}

impl Place {
    pub(crate) fn of(block: &RecoveredBlock) -> Self {
        let header = block.header();
        Self {
            hash: block.hash(),
            number: header.number(),
            timestamp: header.timestamp(),
            base_fee: header.base_fee_per_gas(),
        }
    }

    pub(crate) fn rpc(&self, transaction: Transaction, sender: Address, index: usize) -> RpcTransaction {
        let info = TransactionInfo {
            hash: Some(*transaction.tx_hash()),
            index: Some(index as u64),
            block_hash: Some(self.hash),
            block_number: Some(self.number),
            base_fee: self.base_fee,
            block_timestamp: Some(self.timestamp),
        };
        RpcTransaction::from_transaction(Recovered::new_unchecked(transaction, sender), info)
    }
}

/// A transaction in no block: the fields that name one are null.
pub(crate) fn pooled(pooled: &Pooled) -> RpcTransaction {
    RpcTransaction::from_transaction(pooled.transaction.clone(), TransactionInfo::default())
}

impl Backend {
    /// The block of a transaction and its index there: canonical, else the open one.
    pub(crate) fn find_transaction(&self, hash: B256) -> Result<Option<(RecoveredBlock, usize)>, RpcError> {
        if let Some(position) = self.chain.transaction(hash)?
            && let Some(block) = self.chain.block(position.number)?
        {
            let index = position.index as usize;
            // A reorg between the two reads may have put another block there; the transaction is then unknown.
            let same = block.body().transactions.get(index).is_some_and(|transaction| *transaction.tx_hash() == hash);
            return Ok(same.then_some((block, index)));
        }
        let Some(open) = self.pending.pending() else { return Ok(None) };
        let index = open.block.body().transactions.iter().position(|transaction| *transaction.tx_hash() == hash);
        Ok(index.map(|index| (open.block.clone(), index)))
    }

    pub(crate) fn transaction(&self, hash: B256) -> Result<Option<RpcTransaction>, RpcError> {
        if let Some((block, index)) = self.find_transaction(hash)? {
            return Ok(at_index(&block, index));
        }
        Ok(self.submit.transaction(hash).map(|transaction| pooled(&transaction)))
    }

    pub(crate) fn transaction_at(&self, id: BlockId, index: usize) -> Result<Option<RpcTransaction>, RpcError> {
        Ok(self.find_block(id)?.and_then(|block| at_index(&block, index)))
    }

    pub(crate) fn raw_transaction(&self, hash: B256) -> Result<Option<Bytes>, RpcError> {
        if let Some((block, index)) = self.find_transaction(hash)? {
            return Ok(raw_at(&block, index));
        }
        Ok(self.submit.raw_transaction(hash))
    }

    pub(crate) fn raw_transaction_at(&self, id: BlockId, index: usize) -> Result<Option<Bytes>, RpcError> {
        Ok(self.find_block(id)?.and_then(|block| raw_at(&block, index)))
    }
}

fn at_index(block: &RecoveredBlock, index: usize) -> Option<RpcTransaction> {
    let transaction = block.body().transactions.get(index)?.clone();
    let sender = *block.senders().get(index)?;
    Some(Place::of(block).rpc(transaction, sender, index))
}

fn raw_at(block: &RecoveredBlock, index: usize) -> Option<Bytes> {
    Some(block.body().transactions.get(index)?.encoded_2718().into())
}
