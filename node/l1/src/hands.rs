//! Signs and sends L1 transactions: `Hub.advance` with its blobs. Which nonce, which fees and when is decided by
//! `sequencer::landing`.

use crate::{L1Error, L1Rpc};
use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip4844, TxEip4844WithSidecar};
use alloy_eips::{eip2718::Encodable2718, eip7594::BlobTransactionSidecarEip7594};
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, B256, Bytes};
use alloy_signer_local::PrivateKeySigner;
use sequencer::landing::{Fees, SendFailure};
use std::path::{Path, PathBuf};

/// The key that signs. It is never printed: `Debug` shows the address only.
#[derive(Clone)]
pub struct Signer(PrivateKeySigner);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.0.address())
    }
}

/// Why there is no signer.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The file can't be read.
    #[error("key file {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file holds something else than one hexadecimal secp256k1 key. Its content is not repeated.
    #[error("key file {}: expected one line with 64 hexadecimal digits", path.display())]
    NotAKey {
        /// Which file.
        path: PathBuf,
    },
}

impl From<PrivateKeySigner> for Signer {
    fn from(signer: PrivateKeySigner) -> Self {
        Self(signer)
    }
}

impl Signer {
    /// Reads a key from a file with one line of 64 hexadecimal digits.
    pub fn from_file(path: &Path) -> Result<Self, SignerError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SignerError::Unreadable { path: path.to_owned(), source })?;
        let signer = text.trim().parse().map_err(|_| SignerError::NotAKey { path: path.to_owned() })?;
        Ok(Self(signer))
    }

    /// The account that signs.
    pub const fn address(&self) -> Address {
        self.0.address()
    }

    /// Signs `transaction`.
    pub fn sign<T>(&self, mut transaction: T) -> alloy_consensus::Signed<T>
    where
        T: SignableTransaction<alloy_primitives::Signature>,
    {
        let signature = self.0.sign_transaction_sync(&mut transaction);
        transaction.into_signed(signature.expect("a local key signs every transaction of its own chain"))
    }
}

/// What an L1 node answered to a transaction.
#[derive(Debug)]
pub enum Sent {
    /// Taken.
    Taken(B256),
    /// Not taken.
    Failed(SendFailure, L1Error),
}

/// One `Hub.advance` transaction, but for nonce and fees.
#[derive(Clone, Debug)]
pub struct AdvanceCall {
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
    pub const fn address(&self) -> Address {
        self.signer.address()
    }

    /// Signs `call` with these fees (wei per gas), gas limit and nonce, and sends it. The same arguments make the same
    /// transaction, so sending again is harmless.
    pub async fn advance(&self, call: &AdvanceCall, nonce: u64, gas_limit: u64, fees: Fees) -> Sent {
        let transaction = TxEip4844 {
            chain_id: self.chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: fees.max_fee,
            max_priority_fee_per_gas: fees.tip,
            max_fee_per_blob_gas: fees.max_blob_fee,
            to: call.hub,
            input: call.input.clone(),
            blob_versioned_hashes: call.sidecar.versioned_hashes().collect(),
            ..Default::default()
        };
        let signed = self.signer.sign(transaction);
        let hash = *signed.hash();
        let with_sidecar = signed.map(|tx| TxEip4844WithSidecar::from_tx_and_sidecar(tx, call.sidecar.clone()));
        let envelope = EthereumTxEnvelope::Eip4844(with_sidecar);
        match self.rpc.send_raw(&envelope.encoded_2718()).await {
            Ok(_) => Sent::Taken(hash),
            Err(error) => Sent::Failed(classify(&error), error),
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
    } else if has(&["txpool is full", "rate limit", "timeout", "not synced"]) {
        SendFailure::Unreachable
    } else {
        SendFailure::Invalid
    }
}

#[cfg(test)]
mod tests;
