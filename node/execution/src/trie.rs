//! The Merkle tries of one state, in memory as far as somebody looked.
//!
//! A [`StateTree`] never changes. A new version shares with the old one what both have in common, so the tree of the head can be held across
//! blocks, and old versions stay good for readers, rebuilds and unwinds. Keys are 32 bytes (hashes, in Ethereum's two tries), so no branch ever
//! holds a value. Must not know: where nodes live, or what made a state change.
//!
//! ```text
//!   StateTree ── account trie ── account leaf ── storage trie ── slot leaf
//!      │  a child is a hash until Loader asks a NodeSource for it, once
//!      └─ roots::apply ──► Forge (many keys, one recursion; then hashes, level by level) ──► the next StateTree, TrieChanges
//! ```

mod decode;
mod forge;
mod node;
mod place;
mod proof;
mod read;
#[cfg(test)]
pub(crate) mod tests;

mod trim;
mod value;

use crate::state::{NodeSource, StateError};
use alloy_primitives::{B256, Bytes, U256};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
pub(crate) use forge::{Forge, Outcome, Replaced, Sealed, Write};
use node::Name;
pub(crate) use node::{Branch, Child, Node, nibble, with_nibble};
pub use place::{Change, NodeChange, Place, TrieChanges};
pub use proof::{AccountProof, StorageProof, account_proof};
pub(crate) use read::Loader;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
pub(crate) use value::{Account, Value, Word};

/// The tries of one state: its accounts, and below each contract its storage. Cheap to clone; clones share what they load.
#[derive(Clone)]
pub struct StateTree {
    root: Option<Arc<Child<Account>>>,
    /// Shared by the versions that came from one another.
    count: Arc<AtomicUsize>,
}

impl StateTree {
    /// The state below `root`. Nothing is loaded yet.
    pub fn new(root: B256) -> Self {
        let root = (root != EMPTY_ROOT_HASH).then(|| Child::unloaded(Name::of_hash(&root)));
        Self::of(root, Arc::default())
    }

    pub(crate) fn of(root: Option<Child<Account>>, count: Arc<AtomicUsize>) -> Self {
        Self { root: root.map(Arc::new), count }
    }

    /// State root.
    pub fn root(&self) -> B256 {
        self.top().map_or(EMPTY_ROOT_HASH, Child::root_hash)
    }

    pub(crate) fn top(&self) -> Option<&Child<Account>> {
        self.root.as_deref()
    }

    pub(crate) fn counter(&self) -> &Arc<AtomicUsize> {
        &self.count
    }

    pub(crate) fn loader<'a>(&'a self, source: &'a dyn NodeSource) -> Loader<'a> {
        Loader::new(source, &self.count)
    }

    /// The account under a hashed address, with what is missing on the way loaded from `source`. `None`: there is no such account.
    pub fn account(&self, source: &dyn NodeSource, key: B256) -> Result<Option<TrieAccount>, StateError> {
        Ok(self.loader(source).get(self.top(), &key)?.map(Account::to_trie))
    }

    /// The value of a hashed slot of the account under the hashed address `owner`; zero when either does not exist.
    pub fn storage(&self, source: &dyn NodeSource, owner: B256, key: B256) -> Result<U256, StateError> {
        let loader = self.loader(source);
        let account = loader.get(self.top(), &owner)?;
        let value = loader.of(owner).get(account.and_then(Account::storage), &key)?;
        Ok(value.map_or(U256::ZERO, |word| word.0))
    }

    /// As [`Self::account`], from memory alone: `None` when memory does not know.
    pub fn peek(&self, key: B256) -> Option<Option<TrieAccount>> {
        read::peek(self.top(), &key).map(|account| account.map(Account::to_trie))
    }

    /// As [`Self::storage`], from memory alone: `None` when memory does not know.
    pub fn peek_storage(&self, owner: B256, key: B256) -> Option<U256> {
        let storage = read::peek(self.top(), &owner)?.and_then(Account::storage);
        read::peek(storage, &key).map(|word| word.map_or(U256::ZERO, |word| word.0))
    }

    /// About how many nodes this version, and those it shares nodes with, hold in memory.
    pub fn loaded(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for StateTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateTree").field("root", &self.root()).field("loaded", &self.loaded()).finish()
    }
}

/// The source of a tree that is in memory as a whole, and of one that is empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl NodeSource for Nowhere {
    fn node(&self, _: &Place, hash: B256) -> Result<Bytes, StateError> {
        Err(StateError::missing_node(hash))
    }
}
