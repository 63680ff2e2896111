//! From a state difference to a state root: the only path there is.
//!
//! The order of changes is part of the protocol, because it decides which siblings a minimal witness holds (notes on
//! EIP-8025): within each account slots are written first and cleared second, then accounts are written first and
//! removed second, each in the order of addresses and slots.

use crate::{
    state::{NodeSource, StateDiff, StateError},
    trie::{Accounts, Parent, Storage},
};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use std::{collections::BTreeMap, sync::Arc};

/// The account trie and the storage tries below it, fetched as far as they were asked for.
pub(crate) struct Tries<S> {
    source: Arc<S>,
    accounts: Accounts<Arc<S>>,
    storage: BTreeMap<Address, Storage<Arc<S>>>,
}

impl<S: NodeSource> Tries<S> {
    pub(crate) fn new(source: Arc<S>, root: B256) -> Self {
        let accounts = Accounts::new(Arc::clone(&source), root);
        Self { source, accounts, storage: BTreeMap::new() }
    }

    /// Fetches the paths of an account and of its slots.
    pub(crate) fn touch(&mut self, address: Address, slots: impl IntoIterator<Item = U256>) -> Result<(), StateError> {
        self.accounts.get(address)?;
        for slot in slots {
            self.storage(address)?.get(slot)?;
        }
        Ok(())
    }

    /// Visits the hashed nodes on the path of an account.
    pub(crate) fn visit_account(
        &mut self,
        address: Address,
        visit: &mut dyn FnMut(B256, usize),
    ) -> Result<(), StateError> {
        self.accounts.visit(address, visit)
    }

    /// Visits the hashed nodes on the path of a slot, and says what hangs there.
    pub(crate) fn visit_slot(
        &mut self,
        address: Address,
        slot: U256,
        visit: &mut dyn FnMut(B256, usize),
    ) -> Result<Option<Parent>, StateError> {
        let trie = self.storage(address)?;
        trie.visit(slot, visit)?;
        trie.parent(slot)
    }

    fn storage(&mut self, address: Address) -> Result<&mut Storage<Arc<S>>, StateError> {
        if !self.storage.contains_key(&address) {
            let root = self.accounts.get(address)?.map_or(EMPTY_ROOT_HASH, |a| a.storage_root);
            self.storage.insert(address, Storage::new(Arc::clone(&self.source), root));
        }
        Ok(self.storage.get_mut(&address).expect("inserted above"))
    }

    /// Applies `diff` and names the new root and the new nodes.
    pub(crate) fn apply(&mut self, diff: &StateDiff) -> Result<(B256, Vec<(B256, Bytes)>), StateError> {
        let mut nodes = Vec::new();
        let mut storage_roots = BTreeMap::new();
        for (address, account) in &diff.accounts {
            if account.storage.is_empty() && !account.wiped {
                continue;
            }
            if account.wiped {
                self.storage.insert(*address, Storage::new(Arc::clone(&self.source), EMPTY_ROOT_HASH));
            }
            let trie = self.storage(*address)?;
            for writes in [true, false] {
                for (slot, (_, after)) in account.storage.iter().filter(|(_, (_, after))| after.is_zero() != writes) {
                    trie.set(*slot, *after)?;
                }
            }
            let (root, made) = trie.commit();
            nodes.extend(made);
            storage_roots.insert(*address, root);
        }
        for (address, account) in &diff.accounts {
            let Some(after) = account.after else { continue };
            let storage_root = match storage_roots.get(address) {
                Some(root) => *root,
                None => self.accounts.get(*address)?.map_or(EMPTY_ROOT_HASH, |a| a.storage_root),
            };
            let (nonce, balance, code_hash) = (after.nonce, after.balance, after.code_hash);
            self.accounts.insert(*address, &TrieAccount { nonce, balance, storage_root, code_hash })?;
        }
        for (address, _) in diff.accounts.iter().filter(|(_, account)| account.after.is_none()) {
            self.accounts.remove(*address)?;
        }
        let (root, made) = self.accounts.commit();
        nodes.extend(made);
        Ok((root, nodes))
    }
}

/// Root and new nodes of the state that `diff` makes of the state at `root`. The nodes come children before parents.
pub fn apply<S: NodeSource>(source: S, root: B256, diff: &StateDiff) -> Result<(B256, Vec<(B256, Bytes)>), StateError> {
    Tries::new(Arc::new(source), root).apply(diff)
}
