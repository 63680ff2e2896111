//! Signs and sends L1 transactions with blobs: `Hub.advance`, and what goes between. Which nonce, which fees and when is decided by
//! `sequencer::landing`.

use crate::{L1Error, L1Rpc, SignError, Signer};
use alloy_consensus::{EthereumTxEnvelope, TxEip4844, TxEip4844WithSidecar};
use alloy_eips::{eip2718::Encodable2718, eip7594::BlobTransactionSidecarEip7594};
use alloy_primitives::{Address, B256, Bytes};
use sequencer::landing::{Fees, SendFailure};

/// What an L1 node answered to a transaction.
#[derive(Debug)]
pub enum Sent {
    /// Taken, now or before.
    Taken(B256),
    /// Not taken; with the hash that it has.
    Failed(SendFailure, L1Error, B256),
    /// Nothing was sent: there is no signature.
    Unsigned(SignError),
}

/// One transaction to Hub, but for nonce and fees.
#[derive(Clone, Debug)]
pub struct HubCall {
    /// Hub's address.
    pub hub: Address,
    /// Encoded call.
    pub input: Bytes,
    /// Blobs with commitments and cell proofs (EIP-7594).
    pub sidecar: BlobTransactionSidecarEip7594,
}

/// Sends transactions of one account to one endpoint.
#[derive(Clone, Debug)]
pub struct Hands {
    rpc: L1Rpc,
    signer: Signer,
    chain_id: u64,
}

impl Hands {
    /// Signs with `signer` for the L1 with `chain_id`.
    pub const fn new(rpc: L1Rpc, signer: Signer, chain_id: u64) -> Self {
        Self { rpc, signer, chain_id }
    }

    /// The account that signs.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Signs `call` with these fees (wei per gas), gas limit and nonce, and sends it. The same arguments make the same
    /// transaction, so sending again is harmless.
    pub async fn call(&self, call: &HubCall, nonce: u64, gas_limit: u64, fees: Fees) -> Sent {
        self.send(call.hub, call.input.clone(), &call.sidecar, nonce, gas_limit, fees).await
    }

    /// As [`Self::call`], with a transfer of nothing to the account itself, whose blobs nobody needs: only a blob
    /// transaction takes the place of one in L1's pools.
    pub async fn cancel(
        &self,
        sidecar: &BlobTransactionSidecarEip7594,
        nonce: u64,
        gas_limit: u64,
        fees: Fees,
    ) -> Sent {
        self.send(self.address(), Bytes::new(), sidecar, nonce, gas_limit, fees).await
    }

    async fn send(
        &self,
        to: Address,
        input: Bytes,
        sidecar: &BlobTransactionSidecarEip7594,
        nonce: u64,
        gas_limit: u64,
        fees: Fees,
    ) -> Sent {
        let transaction = TxEip4844 {
            chain_id: self.chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: fees.max_fee,
            max_priority_fee_per_gas: fees.tip,
            max_fee_per_blob_gas: fees.max_blob_fee,
            to,
            input,
            blob_versioned_hashes: sidecar.versioned_hashes().collect(),
            ..Default::default()
        };
        let signed = match self.signer.sign(transaction).await {
            Ok(signed) => signed,
            Err(error) => return Sent::Unsigned(error),
        };
        let hash = *signed.hash();
        let with_sidecar = signed.map(|tx| TxEip4844WithSidecar::from_tx_and_sidecar(tx, sidecar.clone()));
        let envelope = EthereumTxEnvelope::Eip4844(with_sidecar);
        match self.rpc.send_raw(&envelope.encoded_2718()).await {
            Ok(_) => Sent::Taken(hash),
            Err(error) => match classify(&error) {
                // These very bytes.
                SendFailure::AlreadyKnown => Sent::Taken(hash),
                why => Sent::Failed(why, error, hash),
            },
        }
    }
}

/// What a node's refusal means for the landing. Texts are those of geth, reth and ethrex; what is unknown is treated
/// as "nothing is known", which only delays.
fn classify(error: &L1Error) -> SendFailure {
    let L1Error::Answer { message, .. } = error else { return SendFailure::Unreachable };
    let text = message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["already known", "already imported"]) {
        SendFailure::AlreadyKnown
    } else if has(&["nonce too low"]) {
        SendFailure::NonceTooLow
    } else if has(&["insufficient funds"]) {
        SendFailure::InsufficientFunds
    } else if has(&["underpriced", "fee too low", "less than block base fee", "fee cap"]) {
        SendFailure::Underpriced
    } else if has(&["txpool is full", "rate limit", "timeout", "not synced"])
        // The transactions before it are not there yet, or too many of them.
        || has(&["nonce too high", "nonce gap", "account limit exceeded"])
    {
        SendFailure::Unreachable
    } else {
        SendFailure::Invalid
    }
}

#[cfg(test)]
mod tests;
