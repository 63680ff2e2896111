//! `eth_sendRawTransaction`: from bytes to the pool. A blob transaction travels with its sidecar (EIP-7594).

use super::{
    ledger::Sent,
    rpc::{JsonRpcError, refusal},
    world::World,
};
use alloy_consensus::{
    EthereumTxEnvelope, Signed, Transaction as _, TxEip4844WithSidecar, transaction::SignerRecoverable as _,
};
use alloy_eips::{
    eip2718::{Decodable2718 as _, Encodable2718 as _},
    eip7594::BlobTransactionSidecarEip7594,
};
use alloy_primitives::B256;
use execution::block::Transaction;
use std::sync::Arc;

/// A transaction as it comes from the network.
type Incoming = EthereumTxEnvelope<TxEip4844WithSidecar<BlobTransactionSidecarEip7594>>;

/// Takes a transaction in its network form into the pool, or only says so.
pub(super) fn send(world: &mut World, raw: &[u8], is_swallowed: bool) -> Result<B256, JsonRpcError> {
    let (tx, sidecar) = decode(raw)?;
    let hash = *tx.tx_hash();
    let from = tx.recover_signer().map_err(|_| refusal("invalid sender"))?;
    if let Some(sidecar) = &sidecar {
        let named = tx.blob_versioned_hashes().unwrap_or_default();
        if named.is_empty() || !sidecar.versioned_hashes().eq(named.iter().copied()) || !world.binding.holds(sidecar) {
            return Err(refusal("invalid blob proof: commitments, proofs and hashes do not fit the blobs"));
        }
    }
    if is_swallowed {
        return Ok(hash);
    }
    let bytes = tx.encode_2718_len();
    let sent = Sent { tx, hash, from, sidecar: sidecar.map(Arc::new) };
    world.accept(sent, bytes).map_err(refusal)
}

/// The transaction and its sidecar.
fn decode(raw: &[u8]) -> Result<(Transaction, Option<BlobTransactionSidecarEip7594>), JsonRpcError> {
    let incoming = Incoming::decode_2718_exact(raw).map_err(|error| refusal(format!("rlp: {error}")))?;
    Ok(match incoming {
        Incoming::Legacy(tx) => (Transaction::Legacy(tx), None),
        Incoming::Eip2930(tx) => (Transaction::Eip2930(tx), None),
        Incoming::Eip1559(tx) => (Transaction::Eip1559(tx), None),
        Incoming::Eip7702(tx) => (Transaction::Eip7702(tx), None),
        Incoming::Eip4844(tx) => {
            let (tx, signature, hash) = tx.into_parts();
            (Transaction::Eip4844(Signed::new_unchecked(tx.tx, signature, hash)), Some(tx.sidecar))
        }
    })
}
