//! Transactions for tests: unsigned, with a made-up sender, so that thousands of them cost nothing.

use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip4844, TxLegacy, transaction::Recovered};
use alloy_eips::{eip4844::kzg_to_versioned_hash, eip7594::BlobTransactionSidecarEip7594};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use execution::block::{RecoveredTx, Transaction};

pub(crate) const CHAIN_ID: u64 = 1337;
pub(crate) const GWEI: u128 = 1_000_000_000;

/// The address of test sender `n`.
pub(crate) fn sender(n: u8) -> Address {
    Address::repeat_byte(n)
}

/// A plain transfer of type 2 that costs 21,000 gas.
pub(crate) fn transfer(from: u8, nonce: u64, max_fee: u128, tip: u128) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: max_fee,
        max_priority_fee_per_gas: tip,
        to: TxKind::Call(Address::repeat_byte(0xaa)),
        value: U256::from(u64::from(from)),
        ..Default::default()
    }
}

/// The transaction with a signature that names, rather than proves, its sender: hashes differ between senders.
pub(crate) fn sign<T>(from: u8, tx: T) -> RecoveredTx
where
    T: SignableTransaction<Signature>,
    Transaction: From<alloy_consensus::Signed<T>>,
{
    let signature = Signature::new(U256::from(u64::from(from) + 1), U256::from(1), false);
    Recovered::new_unchecked(tx.into_signed(signature).into(), sender(from))
}

pub(crate) fn legacy(from: u8, nonce: u64, gas_price: u128) -> TxLegacy {
    let to = TxKind::Call(Address::repeat_byte(0xaa));
    TxLegacy { chain_id: Some(CHAIN_ID), nonce, gas_price, gas_limit: 21_000, to, value: U256::from(from), input: Bytes::new() }
}

/// A sidecar of `n` empty blobs with made-up commitments and proofs: the pool does not check KZG.
pub(crate) fn sidecar(n: usize, seed: u8) -> BlobTransactionSidecarEip7594 {
    let commitment = |i: usize| {
        let mut bytes = [seed; 48];
        bytes[0] = u8::try_from(i).unwrap();
        bytes.into()
    };
    BlobTransactionSidecarEip7594::new(
        vec![Default::default(); n],
        (0..n).map(commitment).collect(),
        vec![Default::default(); n * 128],
    )
}

/// A blob transaction that belongs to `sidecar`.
pub(crate) fn blobs(nonce: u64, fee: u128, sidecar: &BlobTransactionSidecarEip7594) -> TxEip4844 {
    TxEip4844 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 100_000,
        max_fee_per_gas: 10 * fee,
        max_priority_fee_per_gas: fee,
        max_fee_per_blob_gas: fee,
        to: Address::repeat_byte(0xaa),
        blob_versioned_hashes: sidecar.commitments.iter().map(|c| kzg_to_versioned_hash(c.as_slice())).collect(),
        ..Default::default()
    }
}

pub(crate) fn arc<T>(value: T) -> Arc<T> {
    Arc::new(value)
}
