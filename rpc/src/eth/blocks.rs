//! Blocks and headers.

use alloy_eips::BlockId;
use alloy_primitives::{Address, U64, U256};
use alloy_rlp::Encodable;
use alloy_rpc_types_eth::BlockTransactions;
use execution::block::RecoveredBlock;

use super::transactions;
use crate::{
    Backend, RpcError,
    api::{RpcBlock, RpcHeader},
};

impl Backend {
    pub(crate) fn rpc_block(&self, id: BlockId, full: bool) -> Result<Option<RpcBlock>, RpcError> {
        Ok(self.find_block(id)?.map(|block| to_rpc(block, full)))
    }

    pub(crate) fn rpc_header(&self, id: BlockId) -> Result<Option<RpcHeader>, RpcError> {
        Ok(self.find_header(id)?.map(|header| {
            let hash = header.hash();
            RpcHeader { hash, inner: header.into_header(), total_difficulty: None, size: None }
        }))
    }

    pub(crate) fn block_transaction_count(&self, id: BlockId) -> Result<Option<U64>, RpcError> {
        Ok(self.find_block(id)?.map(|block| U64::from(block.senders().len())))
    }

    pub(crate) fn uncle_count(&self, id: BlockId) -> Result<Option<U64>, RpcError> {
        Ok(self.find_header(id)?.map(|_| U64::ZERO))
    }

    pub(crate) fn coinbase(&self) -> Result<Address, RpcError> {
        Ok(self.latest_header()?.beneficiary)
    }

    /// Canonical blocks only: the open block's list is not complete before it is sealed.
    pub(crate) fn block_access_list(&self, id: BlockId) -> Result<Option<serde_json::Value>, RpcError> {
        let super::locate::At::Canonical(at) = self.locate(id)? else { return Err(RpcError::PendingUnavailable) };
        let Some(rlp) = self.chain.bal(at)? else {
            let earliest = self.chain.oldest_bal()?;
            let requested = self.chain.resolve(at)?.map(|block| block.number).filter(|number| *number < earliest);
            return requested.map_or(Ok(None), |requested| Err(RpcError::Pruned { requested, earliest }));
        };
        if rlp.is_empty() {
            return Ok(None);
        }
        let list: Vec<alloy_eip7928::AccountChanges> = alloy_rlp::decode_exact(&rlp).map_err(RpcError::internal)?;
        serde_json::to_value(list).map(Some).map_err(RpcError::internal)
    }
}

fn to_rpc(block: RecoveredBlock, full: bool) -> RpcBlock {
    let hash = block.hash();
    let place = transactions::Place::of(&block);
    let (block, senders) = block.split();
    let size = U256::from(block.length());
    let transactions = if full {
        let indexed = block.body.transactions.into_iter().zip(senders).enumerate();
        let rpc = indexed.map(|(index, (transaction, sender))| place.rpc(transaction, sender, index));
        BlockTransactions::Full(rpc.collect())
    } else {
        BlockTransactions::Hashes(block.body.transactions.iter().map(|transaction| *transaction.tx_hash()).collect())
    };
    RpcBlock {
        header: RpcHeader { hash, inner: block.header, total_difficulty: None, size: Some(size) },
        uncles: Vec::new(),
        transactions,
        withdrawals: block.body.withdrawals,
    }
}
