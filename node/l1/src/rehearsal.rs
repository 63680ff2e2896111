//! What L1 would say to a landing in the block after its head: an `eth_call` with blobs, that block's number and its time.

use crate::{HubCall, L1Error, L1Head, L1Rpc};
use alloy_eips::{
    BlockId,
    eip2935::{HISTORY_SERVE_WINDOW, HISTORY_STORAGE_ADDRESS},
};
use alloy_primitives::{Address, B256, Bytes, U256, map::B256HashMap};
use alloy_rpc_types_eth::{
    BlockOverrides, TransactionInput, TransactionRequest,
    state::{AccountOverride, StateOverride},
};

/// A landing to be rehearsed.
#[derive(Clone, Copy, Debug)]
pub struct Rehearsal<'a> {
    /// Who would send it.
    pub from: Address,
    /// Its content.
    pub call: &'a HubCall,
    /// Its gas limit.
    pub gas_limit: u64,
    /// Its `maxFeePerBlobGas`, wei.
    pub max_blob_fee: u128,
    /// Timestamp of the L1 block that it aims at, seconds.
    pub timestamp: u64,
}

impl L1Rpc {
    /// The answer of `eth_call` at `pending`, as the child of `head`.
    ///
    /// # Errors
    /// The endpoint's, with the revert data where it is a revert.
    pub async fn rehearse(&self, head: &L1Head, rehearsal: Rehearsal<'_>) -> Result<Bytes, L1Error> {
        let Rehearsal { from, call, gas_limit, max_blob_fee, timestamp } = rehearsal;
        let request = TransactionRequest {
            from: Some(from),
            gas: Some(gas_limit),
            input: TransactionInput::new(call.input.clone()),
            max_fee_per_blob_gas: Some(max_blob_fee),
            blob_versioned_hashes: Some(call.sidecar.versioned_hashes().collect()),
            ..Default::default()
        }
        .to(call.hub);
        // EIP-2935: the block will know its parent's hash, but a pending block that nobody has begun does not yet.
        let slot = B256::from(U256::from(head.at.number % HISTORY_SERVE_WINDOW as u64));
        let parent: B256HashMap<B256> = [(slot, head.at.hash)].into_iter().collect();
        let history = AccountOverride { state_diff: Some(parent), ..Default::default() };
        let state: StateOverride = [(HISTORY_STORAGE_ADDRESS, history)].into_iter().collect();
        let block = BlockOverrides {
            number: Some(U256::from(head.at.number.saturating_add(1))),
            time: Some(timestamp),
            ..Default::default()
        };
        self.call_as_if(request, BlockId::pending(), state, block).await
    }
}
