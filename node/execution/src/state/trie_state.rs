//! A state read through its trie: a witness, or an old state whose flat values are gone.

use super::{Account, ChainState, CodeSource, Keys, Lookup, NodeSource, StateError, StateView};
use crate::trie::{Place, StateTree};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256};
use std::{fmt, sync::Arc};

/// Ancestors of a block.
pub trait BlockHashes: Send + Sync {
    /// Hash of block `number`; `Missing` when unknown.
    fn hash_of(&self, number: u64) -> Result<B256, StateError>;
    /// RLP of that block's header.
    fn header_of(&self, number: u64) -> Result<Bytes, StateError>;
    /// See [`ChainState::ommers`].
    fn ommers_of(&self, number: u64) -> Result<Vec<Header>, StateError> {
        Err(StateError::Missing(Lookup::Ommers(number)))
    }
}

macro_rules! forward {
    ($($wrapper:ty),*) => {$(
        impl<T: BlockHashes + ?Sized> BlockHashes for $wrapper {
            fn hash_of(&self, number: u64) -> Result<B256, StateError> { (**self).hash_of(number) }
            fn header_of(&self, number: u64) -> Result<Bytes, StateError> { (**self).header_of(number) }
            fn ommers_of(&self, number: u64) -> Result<Vec<Header>, StateError> { (**self).ommers_of(number) }
        }
    )*};
}
forward!(&T, Box<T>, Arc<T>);

/// A state read through its tries. Every node is loaded once and kept, so an instance serves one block or one request, not a node's lifetime.
pub struct TrieState<S, C> {
    tree: StateTree,
    nodes: S,
    rest: C,
    keys: Keys,
}

impl<S: NodeSource, C: CodeSource + BlockHashes> TrieState<S, C> {
    /// The state of `tree`, with what it has not loaded from `nodes`, and with codes and ancestors from `rest`.
    pub fn new(tree: StateTree, nodes: S, rest: C) -> Self {
        Self { tree, nodes, rest, keys: Keys::default() }
    }

    /// With the hashes of addresses and slots that will be asked for.
    pub fn with_keys(self, keys: Keys) -> Self {
        Self { keys, ..self }
    }
}

impl<S, C> fmt::Debug for TrieState<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrieState").field("tree", &self.tree).finish_non_exhaustive()
    }
}

impl<S: NodeSource, C: CodeSource + BlockHashes> StateView for TrieState<S, C> {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        Ok(self.tree.account(&self.nodes, self.keys.address(address))?.map(Account::from))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.tree.storage(&self.nodes, self.keys.address(address), self.keys.slot(slot))
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.rest.code_bytes(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.rest.hash_of(number)
    }
}

impl<S: NodeSource, C: Send + Sync> NodeSource for TrieState<S, C> {
    fn node(&self, place: &Place, hash: B256) -> Result<Bytes, StateError> {
        self.nodes.node(place, hash)
    }
}

impl<S: NodeSource, C: CodeSource + BlockHashes> ChainState for TrieState<S, C> {
    fn tree(&self) -> &StateTree {
        &self.tree
    }

    fn account_and_storage(&self, address: Address) -> Result<Option<(Account, bool)>, StateError> {
        Ok(self.tree.account(&self.nodes, self.keys.address(address))?.map(Account::with_storage))
    }

    fn header(&self, number: u64) -> Result<Bytes, StateError> {
        self.rest.header_of(number)
    }

    fn ommers(&self, number: u64) -> Result<Vec<Header>, StateError> {
        self.rest.ommers_of(number)
    }
}
