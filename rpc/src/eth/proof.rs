//! `eth_getProof` (EIP-1186), at any block whose state is kept. Of the Messenger's outbox also at older ones, the last with each outbox:
//! withdrawals depend on it.

use alloy_eips::BlockId;
use alloy_primitives::{Address, U256};
use alloy_rpc_types_eth::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy_serde::storage::JsonStorageKey;
use execution::trie::account_proof;
use storage::StorageError;

use super::locate::At;
use crate::{Backend, RpcError};

impl Backend {
    pub(crate) fn proof(
        &self,
        address: Address,
        keys: Vec<JsonStorageKey>,
        id: BlockId,
    ) -> Result<EIP1186AccountProofResponse, RpcError> {
        let limit = self.limits.proof_slots;
        if keys.len() > limit {
            return Err(RpcError::TooMany { what: "storage keys", got: keys.len(), limit });
        }
        // The open block has no root yet, so nothing to prove against.
        let At::Canonical(at) = self.locate(id)? else { return Err(RpcError::PendingUnavailable) };
        let header = self.chain.header(at)?.ok_or_else(|| self.unknown(id))?;
        let slots: Vec<U256> = keys.iter().map(|key| key.as_b256().into()).collect();
        let proof = match self.chain.state_at(header.hash()) {
            Ok(state) => account_proof(state.tree(), &state, address, &slots)?,
            Err(forgotten @ StorageError::StateForgotten { .. }) => {
                let kept = self.chain.kept_outbox_proof(header.number, address, &slots)?;
                kept.ok_or(forgotten)?
            }
            Err(error) => return Err(error.into()),
        };
        let account = proof.account.unwrap_or_default();
        let storage_proof = keys
            .into_iter()
            .zip(proof.storage)
            .map(|(key, slot)| EIP1186StorageProof { key, value: slot.value, proof: slot.proof })
            .collect();
        Ok(EIP1186AccountProofResponse {
            address,
            balance: account.balance,
            code_hash: account.code_hash,
            nonce: account.nonce,
            storage_hash: account.storage_root,
            account_proof: proof.proof,
            storage_proof,
        })
    }
}
