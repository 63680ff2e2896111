//! Completing a transaction request: one answer instead of the four questions that wallets ask.

use alloy_consensus::{SignableTransaction, TypedTransaction};
use alloy_eips::{BlockId, eip2718::Encodable2718};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use serde::Serialize;

use crate::{Backend, RpcError};

/// Answer of `eth_fillTransaction`.
#[derive(Debug, Clone, Serialize)]
pub struct FilledTransaction {
    /// EIP-2718 bytes with an empty signature.
    pub raw: Bytes,
    /// The transaction, unsigned.
    pub tx: TypedTransaction,
}

impl Backend {
    pub(crate) fn fill(&self, request: TransactionRequest) -> Result<FilledTransaction, RpcError> {
        let (tx, _) = self.complete(request)?;
        let unsigned = Signature::new(U256::ZERO, U256::ZERO, false);
        let raw = encode_signed(tx.clone(), unsigned);
        Ok(FilledTransaction { raw, tx })
    }

    /// Fills in what is missing: chain id, nonce, fees, gas. Returns the sender, too.
    pub(crate) fn complete(&self, mut request: TransactionRequest) -> Result<(TypedTransaction, Address), RpcError> {
        if request.blob_versioned_hashes.is_some() || request.sidecar.is_some() {
            return Err(RpcError::params("blob transactions must be completed and signed by the client"));
        }
        let from = request.from.ok_or_else(|| RpcError::params("'from' is missing"))?;
        // Errors of the request itself come before errors of its execution.
        self.to_call(request.clone())?;
        request.chain_id = Some(self.spec.chain_id);
        request.to = Some(request.to.unwrap_or(TxKind::Create));
        if request.nonce.is_none() {
            request.nonce = Some(self.nonce(from, BlockId::pending())?.to());
        }
        self.fill_fees(&mut request)?;
        if request.gas.is_none() {
            request.gas = Some(self.estimate(request.clone(), BlockId::pending(), None, None)?);
        }
        let tx = request
            .build_typed_tx()
            .map_err(|request| RpcError::params(format!("fields do not make a transaction: {request:?}")))?;
        Ok((tx, from))
    }

    fn fill_fees(&self, request: &mut TransactionRequest) -> Result<(), RpcError> {
        if request.gas_price.is_some() {
            return Ok(());
        }
        let tip = match (request.max_priority_fee_per_gas, request.max_fee_per_gas) {
            (Some(tip), _) => tip,
            (None, Some(fee_cap)) => self.suggested_tip()?.min(fee_cap),
            (None, None) => self.suggested_tip()?,
        };
        request.max_priority_fee_per_gas = Some(tip);
        if request.max_fee_per_gas.is_none() {
            // Room for the base fee to double, as geth and the libraries leave.
            request.max_fee_per_gas = Some(u128::from(self.next_base_fee()?).saturating_mul(2).saturating_add(tip));
        }
        Ok(())
    }
}

/// EIP-2718 bytes of a signed transaction.
pub(crate) fn encode_signed(tx: TypedTransaction, signature: Signature) -> Bytes {
    let signed: alloy_consensus::TxEnvelope = match tx {
        TypedTransaction::Legacy(tx) => tx.into_signed(signature).into(),
        TypedTransaction::Eip2930(tx) => tx.into_signed(signature).into(),
        TypedTransaction::Eip1559(tx) => tx.into_signed(signature).into(),
        TypedTransaction::Eip4844(tx) => tx.into_signed(signature).into(),
        TypedTransaction::Eip7702(tx) => tx.into_signed(signature).into(),
    };
    signed.encoded_2718().into()
}
