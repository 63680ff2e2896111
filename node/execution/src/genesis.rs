//! The state of block 0, from a genesis allocation.
//!
//! Must not know: how a genesis header is made; `chainspec` made it, and its state root has to agree.

#[cfg(test)]
mod tests;

use crate::{
    block::SealedHeader,
    roots::{self, Applied},
    state::{Account, AccountDiff, StateDiff, StateError},
    trie::{Nowhere, StateTree, TrieChanges},
};
use alloy_primitives::{B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use chainspec::ChainSpec;

/// Block 0: its header and its whole state.
#[derive(Debug, Clone)]
pub struct Genesis {
    /// From `chainspec`.
    pub header: SealedHeader,
    /// Every account as a change from nothing.
    pub diff: StateDiff,
    /// Its tries, all of them in memory.
    pub tree: StateTree,
    /// Every node, account and slot as a change from nothing.
    pub changes: TrieChanges,
}

/// Why a genesis can't be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GenesisError {
    /// `chainspec` and this crate disagree about the state: a bug in one of them.
    #[error("genesis state root is {computed}, the header says {header}")]
    StateRoot {
        /// From the allocation, here.
        computed: B256,
        /// In the header.
        header: B256,
    },
    /// The trie failed, which an empty one can't.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The state of `spec`'s block 0.
pub fn genesis(spec: &ChainSpec) -> Result<Genesis, GenesisError> {
    let mut diff = StateDiff::default();
    for (address, alloc) in &spec.genesis().alloc {
        let code = alloc.code.clone().unwrap_or_default();
        let code_hash = if code.is_empty() { KECCAK256_EMPTY } else { keccak256(&code) };
        if !code.is_empty() {
            diff.codes.insert(code_hash, code);
        }
        let after = Some(Account { nonce: alloc.nonce.unwrap_or(0), balance: alloc.balance, code_hash });
        let slots = alloc.storage.iter().flatten().map(|(slot, value)| (U256::from_be_bytes(slot.0), *value));
        let storage = slots
            .filter(|(_, value)| !value.is_zero())
            .map(|(slot, value)| (slot, (U256::ZERO, U256::from_be_bytes(value.0))))
            .collect();
        diff.accounts.insert(*address, AccountDiff { before: None, after, wiped: false, storage });
    }
    let Applied { tree, changes, .. } = roots::apply(&StateTree::new(EMPTY_ROOT_HASH), &Nowhere, &diff)?;
    let computed = tree.root();
    let header = SealedHeader::new(spec.genesis_header().clone(), spec.genesis_hash());
    if computed != header.state_root {
        return Err(GenesisError::StateRoot { computed, header: header.state_root });
    }
    Ok(Genesis { header, diff, tree, changes })
}
