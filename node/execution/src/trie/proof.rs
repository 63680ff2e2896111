//! EIP-1186 proofs: the nodes from the root to a key, or to where its absence shows.

use super::{Account, Child, Loader, StateTree, node, value::Value};
use crate::state::{NodeSource, StateError};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::TrieAccount;

/// Proof of one storage slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageProof {
    /// Slot, not hashed.
    pub slot: U256,
    /// Zero when absent.
    pub value: U256,
    /// Nodes from the storage root; empty when the account has no storage.
    pub proof: Vec<Bytes>,
}

/// Proof of an account and of some of its slots (`eth_getProof`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountProof {
    /// The account.
    pub address: Address,
    /// `None`: proven absent.
    pub account: Option<TrieAccount>,
    /// Nodes from the state root.
    pub proof: Vec<Bytes>,
    /// One for each slot asked for, in that order.
    pub storage: Vec<StorageProof>,
}

/// Proves `address` and `slots` in the state of `tree`, whose nodes come from `source` where they are not in memory. Short nodes stay inside their
/// parents; the proof of an empty trie is empty.
pub fn account_proof(
    tree: &StateTree,
    source: &dyn NodeSource,
    address: Address,
    slots: &[U256],
) -> Result<AccountProof, StateError> {
    let loader = tree.loader(source);
    let owner = keccak256(address);
    let (account, proof) = prove(loader, tree.top(), &owner)?;
    let (loader, storage_root) = (loader.of(owner), account.and_then(Account::storage));
    let prove_slot = |slot: &U256| {
        let (value, proof) = prove(loader, storage_root, &keccak256(slot.to_be_bytes::<32>()))?;
        Ok(StorageProof { slot: *slot, value: value.map_or(U256::ZERO, |word| word.0), proof })
    };
    let storage = slots.iter().map(prove_slot).collect::<Result<_, StateError>>()?;
    Ok(AccountProof { address, account: account.map(Account::to_trie), proof, storage })
}

/// Value of `key`, and the nodes that prove it.
fn prove<'t, V: Value>(
    loader: Loader<'_>,
    root: Option<&'t Child<V>>,
    key: &B256,
) -> Result<(Option<&'t V>, Vec<Bytes>), StateError> {
    let mut proof = Vec::new();
    let value = loader.walk(root, key, |child, node, depth| {
        if child.hash().is_some() {
            proof.push(node::bytes(node, depth));
        }
    })?;
    Ok((value, proof))
}
