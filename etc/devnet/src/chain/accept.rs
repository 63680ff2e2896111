//! Transactions on their way into the pool: decoding, sidecars, proofs; and the pool across a restart.
//!
//! Since EIP-7594 a blob transaction travels as `[tx, 1, blobs, commitments, cell proofs]`. The older form with one proof
//! for each blob is recognised, only to be refused with a text that says what to do.

use std::sync::Arc;

use alloy_consensus::{
    EthereumTxEnvelope, Signed, TxEip4844WithSidecar,
    transaction::{PooledTransaction, SignerRecoverable as _},
};
use alloy_eips::{
    eip2718::{Decodable2718 as _, Encodable2718 as _},
    eip7594::{BlobTransactionSidecarEip7594, BlobTransactionSidecarVariant},
};
use alloy_primitives::{B256, Bytes};
use bridge::opening::Kzg;
use execution::{RecoveredTx, Transaction};
use sequencer::pool::{Added, PoolError, Pooled};
use storage::{
    Durability, POOL_TX_MAX_BYTES,
    schema::{self, Read as _},
};

use super::{ChainError, Devnet, account_view, is_lost};

/// Any transaction as it comes from the network, with either kind of sidecar.
type Incoming = EthereumTxEnvelope<TxEip4844WithSidecar<BlobTransactionSidecarVariant>>;

/// Most pool transactions that are taken up again at a start.
const RESTORE_MAX: usize = 100_000;

/// Why a transaction is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("failed to decode signed transaction: {0}")]
    Decode(String),
    #[error("invalid sender")]
    Signature,
    #[error("oversized data: {size} bytes with blobs, limit {POOL_TX_MAX_BYTES}")]
    Oversized { size: usize },
    #[error("missing: send the transaction in its network form, with blobs, commitments and cell proofs (EIP-7594)")]
    NoSidecar,
    #[error(
        "it has one KZG proof for each blob (EIP-4844); since Osaka cell proofs are needed (EIP-7594): \
         128 for each blob, wrapper version 1"
    )]
    OldSidecar,
    #[error("{0}")]
    Proof(String),
    #[error(transparent)]
    Pool(#[from] PoolError),
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl Devnet {
    /// Checks a transaction in its network form and takes it into the pool.
    pub(crate) async fn accept(self: &Arc<Self>, raw: Bytes) -> Result<B256, Refusal> {
        let (tx, sidecar) = decode(&raw)?;
        // A permit for each check of proofs, and none for the rest: blobs must not hold up other transactions.
        let permit = match &sidecar {
            Some(_) => self.verifications.acquire().await.ok(),
            None => None,
        };
        let devnet = Arc::clone(self);
        let outcome = tokio::task::spawn_blocking(move || devnet.accept_decoded(tx, sidecar, Some(raw))).await;
        drop(permit);
        let added = outcome.map_err(|error| Refusal::Decode(error.to_string()))??;
        for hash in &added.promoted {
            // Nobody listening is fine.
            let _ = self.executable.send(*hash);
        }
        Ok(added.hash)
    }

    /// `raw` is what to keep across a restart; `None` for a transaction that comes from there, whose proofs were verified.
    fn accept_decoded(
        &self,
        tx: Transaction,
        sidecar: Option<BlobTransactionSidecarEip7594>,
        raw: Option<Bytes>,
    ) -> Result<Added, Refusal> {
        let hash = *tx.tx_hash();
        let sender = tx.recover_signer().map_err(|_| Refusal::Signature)?;
        let tx = RecoveredTx::new_unchecked(tx, sender);
        if let (Some(sidecar), Some(_)) = (&sidecar, &raw) {
            self.check_proofs(&tx, sidecar)?;
        }
        let added = {
            let mut pool = self.pool.lock();
            let account = account_view(&*self.chain.state_at_head(), sender).map_err(ChainError::from)?;
            pool.add(tx, sidecar, account, self.pool_ms())?
        };
        let gone: Vec<B256> = added.evicted.iter().chain(&added.replaced).copied().collect();
        let kept: Vec<(B256, Bytes)> = raw.map(|raw| (hash, raw)).into_iter().collect();
        self.chain.pool_update(&gone, &kept, Durability::Buffered).map_err(ChainError::from)?;
        Ok(added)
    }

    fn check_proofs(&self, tx: &RecoveredTx, sidecar: &BlobTransactionSidecarEip7594) -> Result<(), Refusal> {
        use alloy_consensus::Transaction as _;
        let hashes = tx.blob_versioned_hashes().unwrap_or_default();
        // Before the work, not after it.
        {
            let pool = self.pool.lock();
            if pool.by_hash(tx.tx_hash()).is_some() {
                return Err(PoolError::AlreadyKnown { hash: *tx.tx_hash() }.into());
            }
            let limit = pool.config().rules.blobs_per_transaction.unwrap_or_default();
            if hashes.len() > limit || sidecar.blobs.len() > limit {
                return Err(PoolError::TooManyBlobs { have: hashes.len().max(sidecar.blobs.len()), limit }.into());
            }
        }
        // Waits for the setup on the first use after a start.
        sidecar.validate(hashes, Kzg::load().settings()).map_err(|error| Refusal::Proof(error.to_string()))
    }

    /// The sidecar of a transaction that was included and is not final yet.
    pub(super) fn kept_sidecar(&self, hash: B256) -> Result<Option<Arc<BlobTransactionSidecarEip7594>>, ChainError> {
        let Some(raw) = self.chain.store().read::<schema::Pool>(&hash)? else { return Ok(None) };
        Ok(decode(&raw).ok().and_then(|(_, sidecar)| sidecar).map(Arc::new))
    }

    /// Takes up the transactions that were in the pool when the last run ended.
    pub(super) fn restore_pool(&self) -> Result<(), ChainError> {
        let mut kept: Vec<_> = Vec::new();
        let mut gone = Vec::new();
        let finalised = self.chain.heads().finalised.number;
        for (hash, raw) in self.chain.pool_transactions(RESTORE_MAX)? {
            // Included ones wait here for their finality, which may have come just before the last run ended.
            if let Some(position) = self.chain.transaction(hash)? {
                if position.number <= finalised {
                    gone.push(hash);
                }
                continue;
            }
            match decode(&raw) {
                Ok(decoded) => kept.push((hash, decoded)),
                Err(error) => {
                    tracing::warn!(target: "devnet", %hash, %error, "a kept pool transaction does not decode");
                    gone.push(hash);
                }
            }
        }
        use alloy_consensus::Transaction as _;
        kept.sort_by_key(|(_, (tx, _))| tx.nonce());
        let found = kept.len();
        for (hash, (tx, sidecar)) in kept {
            match self.accept_decoded(tx, sidecar, None) {
                Ok(_) => {}
                Err(Refusal::Pool(error)) if !is_lost(&error) => {}
                Err(Refusal::Chain(error)) => return Err(error),
                Err(error) => {
                    tracing::warn!(target: "devnet", %hash, %error, "a kept pool transaction is no longer valid");
                    gone.push(hash);
                }
            }
        }
        if found > 0 {
            tracing::info!(target: "devnet", found, lost = gone.len(), "pool transactions of the last run");
        }
        self.chain.pool_update(&gone, &[], Durability::Buffered)?;
        Ok(())
    }
}

/// The transaction and its cell-proof sidecar.
fn decode(raw: &[u8]) -> Result<(Transaction, Option<BlobTransactionSidecarEip7594>), Refusal> {
    if raw.len() > POOL_TX_MAX_BYTES {
        return Err(Refusal::Oversized { size: raw.len() });
    }
    let incoming = match Incoming::decode_2718_exact(raw) {
        Ok(incoming) => incoming,
        Err(error) => {
            let bare = Transaction::decode_2718_exact(raw).is_ok_and(|tx| tx.is_eip4844());
            return Err(if bare { Refusal::NoSidecar } else { Refusal::Decode(error.to_string()) });
        }
    };
    Ok(match incoming {
        Incoming::Legacy(tx) => (Transaction::Legacy(tx), None),
        Incoming::Eip2930(tx) => (Transaction::Eip2930(tx), None),
        Incoming::Eip1559(tx) => (Transaction::Eip1559(tx), None),
        Incoming::Eip7702(tx) => (Transaction::Eip7702(tx), None),
        Incoming::Eip4844(tx) => {
            let (tx, signature, hash) = tx.into_parts();
            let sidecar = match tx.sidecar {
                BlobTransactionSidecarVariant::Eip7594(sidecar) => sidecar,
                BlobTransactionSidecarVariant::Eip4844(_) => return Err(Refusal::OldSidecar),
            };
            (Transaction::Eip4844(Signed::new_unchecked(tx.tx, signature, hash)), Some(sidecar))
        }
    })
}

/// A pool transaction as the network carries it, blobs included.
pub(crate) fn network_encoding(pooled: &Pooled) -> Bytes {
    match (pooled.tx.inner(), &pooled.sidecar) {
        (Transaction::Eip4844(tx), Some(sidecar)) => {
            let (tx, signature, hash) = tx.clone().into_parts();
            let tx = TxEip4844WithSidecar::from_tx_and_sidecar(tx, BlobTransactionSidecarEip7594::clone(sidecar));
            PooledTransaction::Eip4844(Signed::new_unchecked(tx, signature, hash)).encoded_2718().into()
        }
        (tx, _) => tx.encoded_2718().into(),
    }
}
