//! EIP-1186 proofs: the nodes from the root to a key, or to where its absence shows.

use super::{Accounts, Storage, Trie, node::Slot};
use crate::state::{NodeSource, StateError};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use std::sync::{Mutex, PoisonError};

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

/// Keeps nodes in the order in which they were asked for; on one path, that is from the root down.
struct Path<'a, S> {
    source: &'a S,
    nodes: Mutex<Vec<Bytes>>,
}

impl<S: NodeSource> NodeSource for Path<'_, S> {
    fn node(&self, hash: B256) -> Result<Bytes, StateError> {
        let node = self.source.node(hash)?;
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).push(node.clone());
        Ok(node)
    }
}

/// Value of `key` in the trie at `root`, and the nodes that prove it (short nodes stay inside their parents). The proof of an empty trie is empty.
pub fn prove<S: NodeSource>(source: &S, root: B256, key: B256) -> Result<(Option<Bytes>, Vec<Bytes>), StateError> {
    let path = Path { source, nodes: Mutex::default() };
    let mut trie = Trie::new(&path, root);
    debug_assert!(root != EMPTY_ROOT_HASH || matches!(trie.root, Slot::Empty));
    let value = trie.get(key)?.cloned();
    drop(trie);
    Ok((value, path.nodes.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

/// Proves `address` and `slots` under the state root `root`.
pub fn account_proof<S: NodeSource>(
    source: &S,
    root: B256,
    address: Address,
    slots: &[U256],
) -> Result<AccountProof, StateError> {
    let (value, proof) = prove(source, root, keccak256(address))?;
    let account = value.map(|v| Accounts::<S>::decode(address, &v)).transpose()?;
    let storage_root = account.as_ref().map_or(EMPTY_ROOT_HASH, |a| a.storage_root);
    let prove_slot = |slot: &U256| {
        let (value, proof) = prove(source, storage_root, keccak256(slot.to_be_bytes::<32>()))?;
        let value = value.map_or(Ok(U256::ZERO), |v| Storage::<S>::decode(*slot, &v))?;
        Ok(StorageProof { slot: *slot, value, proof })
    };
    let storage = slots.iter().map(prove_slot).collect::<Result<_, StateError>>()?;
    Ok(AccountProof { address, account, proof, storage })
}
