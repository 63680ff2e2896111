//! Consensus encodings for `debug_getRaw*`, and the witness of a block.

use alloy_eips::{BlockId, eip2718::Encodable2718};
use alloy_primitives::Bytes;
use serde::Serialize;

use super::locate::At;
use crate::{Backend, RpcError};

/// Answer of `debug_executionWitness`: what a stateless validator needs beyond the block.
#[derive(Debug, Clone, Serialize)]
pub struct WitnessAnswer {
    state: Vec<Bytes>,
    codes: Vec<Bytes>,
    headers: Vec<Bytes>,
    /// Always empty: who validates finds the keys by executing. Named because clients of other nodes expect the field.
    keys: Vec<Bytes>,
}

impl Backend {
    pub(crate) fn raw_header(&self, id: BlockId) -> Result<Bytes, RpcError> {
        let header = self.find_header(id)?.ok_or_else(|| self.unknown(id))?;
        Ok(alloy_rlp::encode(header.header()).into())
    }

    pub(crate) fn raw_block(&self, id: BlockId) -> Result<Bytes, RpcError> {
        let block = self.find_block(id)?.ok_or_else(|| self.unknown(id))?;
        Ok(alloy_rlp::encode(block.into_block()).into())
    }

    pub(crate) fn raw_receipts(&self, id: BlockId) -> Result<Vec<Bytes>, RpcError> {
        let (_, receipts) = self.find_receipts(id)?.ok_or_else(|| self.unknown(id))?;
        Ok(receipts.iter().map(|receipt| receipt.encoded_2718().into()).collect())
    }

    /// Executes the block again on its parent's state.
    pub(crate) fn execution_witness(&self, id: BlockId) -> Result<WitnessAnswer, RpcError> {
        let At::Canonical(at) = self.locate(id)? else { return Err(RpcError::PendingUnavailable) };
        let block = self.chain.block(at)?.ok_or_else(|| self.unknown(id))?;
        if block.header().number == self.spec.genesis_header().number {
            return Err(RpcError::params("genesis was not executed, it has no witness"));
        }
        let parent_hash = block.header().parent_hash;
        let parent = self.chain.header(parent_hash)?.ok_or_else(|| self.unknown(parent_hash.into()))?;
        let state = self.chain.state_at(parent_hash)?;
        let done = execution::execute(&self.spec, &parent, &block, None, &state).map_err(RpcError::internal)?;
        let execution::Witness { state, codes, headers } = done.witness;
        Ok(WitnessAnswer { state, codes, headers, keys: Vec::new() })
    }
}
