//! A state read through its trie: a witness, or an old state whose flat values are gone.

use super::{Account, ChainState, CodeSource, Lookup, NodeSource, StateError, StateView};
use crate::trie::{Accounts, Storage};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::EMPTY_ROOT_HASH;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

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

/// State at a root. Every node is decoded once and kept, so an instance serves one block or one request, not a node's lifetime.
pub struct TrieState<S, C> {
    root: B256,
    nodes: Arc<S>,
    rest: C,
    tries: Mutex<Tries<S>>,
}

struct Tries<S> {
    accounts: Accounts<Arc<S>>,
    storage: BTreeMap<Address, Storage<Arc<S>>>,
}

impl<S: NodeSource, C: CodeSource + BlockHashes> TrieState<S, C> {
    /// The state below `root`, with codes and ancestors from `rest`. Fetches nothing yet.
    pub fn new(root: B256, nodes: S, rest: C) -> Self {
        let nodes = Arc::new(nodes);
        let tries = Tries { accounts: Accounts::new(Arc::clone(&nodes), root), storage: BTreeMap::new() };
        Self { root, nodes, rest, tries: Mutex::new(tries) }
    }
}

impl<S, C> fmt::Debug for TrieState<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrieState").field("root", &self.root).finish_non_exhaustive()
    }
}

impl<S: NodeSource, C: CodeSource + BlockHashes> StateView for TrieState<S, C> {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        // A reader that panicked leaves decoded nodes behind, nothing inconsistent.
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let account = tries.accounts.get(address)?;
        Ok(account.map(|a| Account { nonce: a.nonce, balance: a.balance, code_hash: a.code_hash }))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(trie) = tries.storage.get_mut(&address) {
            return trie.get(slot);
        }
        let root = tries.accounts.get(address)?.map_or(EMPTY_ROOT_HASH, |a| a.storage_root);
        let trie = Storage::new(Arc::clone(&self.nodes), root);
        tries.storage.entry(address).or_insert(trie).get(slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.rest.code_bytes(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.rest.hash_of(number)
    }
}

impl<S: NodeSource, C: Send + Sync> NodeSource for TrieState<S, C> {
    fn node(&self, hash: B256) -> Result<Bytes, StateError> {
        self.nodes.node(hash)
    }
}

impl<S: NodeSource, C: CodeSource + BlockHashes> ChainState for TrieState<S, C> {
    fn root(&self) -> B256 {
        self.root
    }

    fn header(&self, number: u64) -> Result<Bytes, StateError> {
        self.rest.header_of(number)
    }

    fn ommers(&self, number: u64) -> Result<Vec<Header>, StateError> {
        self.rest.ommers_of(number)
    }
}
