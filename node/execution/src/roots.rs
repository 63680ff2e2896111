//! From a state difference to the next state's tries and root: the only path there is.
//!
//! Which nodes this fetches is part of the protocol, because it decides what a minimal witness holds (notes on EIP-8025): those that a
//! validator fetches who, within each account, writes slots first and clears second, and then writes accounts first and removes second.

use crate::{
    keccak,
    state::{AccountDiff, NodeSource, StateDiff, StateError},
    trie::{
        Account, Change, Child, Forge, Loader, NodeChange, Outcome, Place, Replaced, Sealed, StateTree, TrieChanges,
        Word, Write,
    },
};
use alloy_primitives::{B256, Bytes, U256, map::B256Map};
use std::{collections::BTreeMap, sync::atomic::Ordering};

/// What a difference makes of a state.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The new state's tries. They share unchanged nodes with the old ones.
    pub tree: StateTree,
    /// What came, changed and went.
    pub changes: TrieChanges,
    /// Nodes that were looked at though no key passes them, by hash.
    pub(crate) siblings: B256Map<Bytes>,
}

/// Applies `diff` to the state of `tree`, whose nodes come from `source` where they are not in memory.
pub fn apply(tree: &StateTree, source: &dyn NodeSource, diff: &StateDiff) -> Result<Applied, StateError> {
    run(tree, source, diff, true)
}

/// As [`apply`], for the new state alone.
pub(crate) fn next(tree: &StateTree, source: &dyn NodeSource, diff: &StateDiff) -> Result<StateTree, StateError> {
    run(tree, source, diff, false).map(|applied| applied.tree)
}

/// An account that changes.
struct Changed<'a> {
    key: B256,
    diff: &'a AccountDiff,
    old: Option<&'a Account>,
    /// By hashed slot, sorted: before and after. Those of a storage that is lost as a whole are added when its trie has been razed.
    slots: Vec<(B256, Change<U256>)>,
    /// What became of the storage trie.
    storage: Outcome,
}

fn run(tree: &StateTree, source: &dyn NodeSource, diff: &StateDiff, keep: bool) -> Result<Applied, StateError> {
    let loader = tree.loader(source);
    let mut changed = hashed(diff);
    let keys: Vec<B256> = changed.iter().map(|account| account.key).collect();
    for (account, old) in changed.iter_mut().zip(loader.gather(tree.top(), &keys)?) {
        account.old = old;
    }
    let mut siblings = B256Map::default();
    let mut storage = change_storage(loader, &mut changed, &mut siblings, keep)?;
    let mut changes = TrieChanges::default();
    if keep {
        changes.slots = changed
            .iter()
            .flat_map(|account| account.slots.iter().map(|(slot, change)| ((account.key, *slot), *change)))
            .collect();
    }
    let writes: Vec<Write<Account>> =
        changed.iter().map(|account| Write { key: account.key, value: account.after(&mut storage) }).collect();
    if keep {
        changes.accounts = account_changes(&changed, &writes);
    }
    let mut forge = Forge::new(loader, &mut siblings, keep);
    let outcome = forge.update((0, None), tree.top(), &writes)?;
    let mut accounts = forge.seal();
    let root = match outcome {
        Outcome::Same => tree.top().cloned(),
        Outcome::Gone => None,
        Outcome::Fresh(fresh) => Some(accounts.take(fresh)),
    };
    let count = tree.counter();
    count.fetch_add(accounts.made + storage.made, Ordering::Relaxed);
    if keep {
        changes.nodes = node_changes(accounts, |_| None).collect();
        changes.nodes.extend(node_changes(storage, |number| Some(changed[number as usize].key)));
    }
    Ok(Applied { tree: StateTree::of(root, count.clone()), changes, siblings })
}

/// Changed accounts and slots by their hashes, sorted.
fn hashed(diff: &StateDiff) -> Vec<Changed<'_>> {
    let addresses: Vec<&[u8]> = diff.accounts.keys().map(|address| address.as_slice()).collect();
    let slots: Vec<[u8; 32]> =
        diff.accounts.values().flat_map(|account| account.storage.keys().map(|slot| slot.to_be_bytes())).collect();
    let slots: Vec<&[u8]> = slots.iter().map(|slot| slot.as_slice()).collect();
    let mut slots = keccak::batch(&slots).into_iter();
    let mut changed: Vec<Changed<'_>> = diff
        .accounts
        .values()
        .zip(keccak::batch(&addresses))
        .map(|(diff, key)| {
            let values = diff.storage.values().map(|(before, after)| Change { before: *before, after: *after });
            let mut slots: Vec<_> = slots.by_ref().take(diff.storage.len()).zip(values).collect();
            slots.sort_unstable_by_key(|(key, _)| *key);
            Changed { key, diff, old: None, slots, storage: Outcome::Same }
        })
        .collect();
    changed.sort_unstable_by_key(|account| account.key);
    changed
}

/// Changes the storage tries, all in one go so that their nodes are hashed together.
fn change_storage(
    loader: Loader<'_>,
    changed: &mut [Changed<'_>],
    siblings: &mut B256Map<Bytes>,
    keep: bool,
) -> Result<Sealed<Word>, StateError> {
    let mut forge = Forge::new(loader, siblings, keep);
    for (number, account) in (0u32..).zip(changed) {
        let owner = (number, Some(account.key));
        let writes: Vec<_> = account
            .slots
            .iter()
            .map(|(key, change)| Write { key: *key, value: (!change.after.is_zero()).then_some(Word(change.after)) })
            .collect();
        let old = account.old.and_then(Account::storage);
        if !account.loses_storage() {
            account.storage = forge.update(owner, old, &writes)?;
            continue;
        }
        account.storage = match forge.update(owner, None, &writes)? {
            Outcome::Same => Outcome::Gone,
            outcome => outcome,
        };
        if let Some(old) = old.filter(|_| keep) {
            let mut lost = Vec::new();
            forge.raze(owner, old, |key, word| lost.push((key, word.0)))?;
            account.lose(lost);
        }
    }
    Ok(forge.seal())
}

impl Changed<'_> {
    /// An account that goes takes its storage along.
    fn loses_storage(&self) -> bool {
        self.diff.wiped || self.diff.after.is_none()
    }

    /// Adds the old slots to those that were written since.
    fn lose(&mut self, lost: Vec<(B256, U256)>) {
        let mut slots: BTreeMap<B256, Change<U256>> = std::mem::take(&mut self.slots).into_iter().collect();
        for (key, before) in lost {
            slots.entry(key).or_insert(Change { before, after: U256::ZERO }).before = before;
        }
        self.slots = slots.into_iter().filter(|(_, change)| change.before != change.after).collect();
    }

    /// The account after the change, with its storage trie.
    fn after(&self, sealed: &mut Sealed<Word>) -> Option<Account> {
        let after = self.diff.after?;
        let storage: Option<Child<Word>> = match self.storage {
            Outcome::Same => self.old.and_then(Account::storage).cloned(),
            Outcome::Gone => None,
            Outcome::Fresh(fresh) => Some(sealed.take(fresh)),
        };
        Some(Account::new(after.nonce, after.balance, after.code_hash, storage))
    }
}

fn account_changes(
    changed: &[Changed<'_>],
    writes: &[Write<Account>],
) -> BTreeMap<B256, Change<Option<alloy_trie::TrieAccount>>> {
    let changes = changed.iter().zip(writes).map(|(account, write)| {
        let before = account.old.map(Account::to_trie);
        (account.key, Change { before, after: write.value.as_ref().map(Account::to_trie) })
    });
    let mut all = Vec::with_capacity(changed.len());
    all.extend(changes.filter(|(_, change)| change.before != change.after));
    all.into_iter().collect()
}

/// Old and new nodes, place by place.
fn node_changes<V>(sealed: Sealed<V>, owner: impl Fn(u32) -> Option<B256>) -> impl Iterator<Item = NodeChange> {
    let replaced = sealed.marks.map(|marks| marks.finish()).unwrap_or_default();
    replaced.into_iter().map(move |Replaced { owner: number, path, before, after }| {
        let place = Place { owner: owner(number), path };
        NodeChange { place, before, after }
    })
}
