//! The witness while its block is being built: the nodes that included transactions touched, and how long the EXECUTE input will be.
//!
//! Exact but for the system calls after the transactions, which are counted as if they ran now, and but for what those unmake. A transaction is
//! first tried ([`Tracker::attempt`]) and then included or forgotten.

use super::{
    Keys,
    nodes::Nodes,
    siblings::{Effect, Key, Siblings},
    sizes::Sizes,
};
use crate::{
    bal, keccak,
    state::{ChainState, StateError},
    trie::{Account, Child, Loader, Node, StateTree, Value, Word},
};
use alloy_primitives::{
    Address, B256, Bytes, U256,
    map::{AddressMap, HashMap},
};
use revm::state::EvmState;
use std::collections::BTreeMap;

/// A key that was touched.
#[derive(Debug, Clone, Copy)]
struct Touched {
    /// In the parent's state.
    existed: bool,
    effect: Effect,
}

/// Follows what has been included.
pub(crate) struct Tracker<'a> {
    state: &'a dyn ChainState,
    tree: &'a StateTree,
    parent: u64,
    bal: bal::Length,
    hashes: Hashes,
    nodes: Nodes,
    siblings: Siblings,
    touched: HashMap<Key, Touched>,
    /// Keys as they were before the attempt.
    undo: Vec<(Key, Option<Touched>)>,
    codes: BTreeMap<B256, usize>,
    headers: BTreeMap<u64, usize>,
    sizes: Sizes,
    pending: Option<Pending>,
}

/// What the attempt would add, tries apart.
#[derive(Debug, Default)]
struct Pending {
    bal: bal::Growth,
    codes: BTreeMap<B256, usize>,
    headers: BTreeMap<u64, usize>,
    transaction: Option<usize>,
}

impl<'a> Tracker<'a> {
    pub(crate) fn new(state: &'a dyn ChainState, parent_number: u64, parent_len: usize) -> Self {
        let sizes = Sizes { headers: parent_len, header_count: 1, ..Default::default() };
        Self {
            state,
            tree: state.tree(),
            parent: parent_number,
            bal: bal::Length::default(),
            hashes: Hashes::default(),
            nodes: Nodes::default(),
            siblings: Siblings::default(),
            touched: HashMap::default(),
            undo: Vec::new(),
            codes: BTreeMap::new(),
            headers: BTreeMap::new(),
            sizes,
            pending: None,
        }
    }

    /// Adds what committing `state` at BAL index `index` needs, until [`Self::include`] or [`Self::forget`]; `transaction` is the length of the
    /// transaction that does it. After an error nothing is added.
    pub(crate) fn attempt(
        &mut self,
        index: u64,
        state: &EvmState,
        keys: &Keys,
        transaction: Option<usize>,
    ) -> Result<(), StateError> {
        let mut pending = Pending { bal: self.bal.growth(index, state), transaction, ..Default::default() };
        for (hash, code) in keys.codes.iter().filter(|(hash, _)| !self.codes.contains_key(*hash)) {
            pending.codes.insert(*hash, code.len());
        }
        for number in keys.oldest.unwrap_or(self.parent)..self.parent {
            if self.headers.contains_key(&number) {
                break;
            }
            pending.headers.insert(number, self.state.header(number)?.len());
        }
        self.pending = Some(pending);
        self.touch(state, keys).inspect_err(|_| self.forget())
    }

    fn touch(&mut self, state: &EvmState, keys: &Keys) -> Result<(), StateError> {
        self.hashes.learn(keys);
        let (tree, source) = (self.tree, self.state);
        let loader = tree.loader(&source);
        for (address, slots) in &keys.accounts {
            let owner = self.hashes.addresses[address];
            let account = state.get(address);
            // Untouched (EIP-161) means loaded only; an account touched while it is empty goes.
            let present = account
                .filter(|account| account.is_touched())
                .map(|account| !account.is_selfdestructed() && !account.info.is_empty());
            self.follow((None, owner), loader, tree.top(), present)?;
            if slots.is_empty() {
                continue;
            }
            let storage = loader.get(tree.top(), &owner)?.and_then(Account::storage);
            for slot in slots {
                let value = account.and_then(|account| account.storage.get(slot));
                let destroyed = account.is_some_and(|account| account.is_selfdestructed());
                let present = value.map(|value| !destroyed && !value.present_value.is_zero());
                self.follow((Some(owner), self.hashes.slots[slot]), loader.of(owner), storage, present)?;
            }
        }
        Ok(())
    }

    /// Adds the path of a key, and what follows from the key being `present` now (unchanged, if unknown).
    fn follow<V: Value>(
        &mut self,
        key: Key,
        loader: Loader<'_>,
        root: Option<&Child<V>>,
        present: Option<bool>,
    ) -> Result<(), StateError> {
        let old = self.touched.get(&key).copied();
        let effect = |existed: bool, old: Effect| match (existed, present) {
            (true, Some(false)) => Effect::Goes,
            (false, Some(true)) => Effect::Comes,
            (_, Some(_)) => Effect::Stays,
            (_, None) => old,
        };
        if old.is_some_and(|old| effect(old.existed, old.effect) == old.effect) {
            return Ok(());
        }
        let mut branches = Vec::with_capacity(8);
        let value = loader.walk(root, &key.1, |child, node, depth| {
            if let Some(hash) = child.hash() {
                self.nodes.add(hash, |out| node.write(depth, out));
            }
            if let Node::Branch(branch) = node {
                branches.push((depth, branch));
            }
        })?;
        let existed = value.is_some();
        let was = old.map_or(Effect::Stays, |old| old.effect);
        let effect = effect(existed, was);
        self.undo.push((key, old));
        self.touched.insert(key, Touched { existed, effect });
        if effect != was {
            self.siblings.change(key, (was, effect), &branches, loader, &mut self.nodes)?;
        }
        Ok(())
    }

    /// Sizes with the attempt included, if there is one.
    pub(crate) fn sizes(&self) -> Sizes {
        let total = self.nodes.total();
        let mut sizes = Sizes { nodes: total.bytes, node_count: total.count, ..self.sizes };
        let Some(pending) = &self.pending else { return sizes };
        if let Some(len) = pending.transaction {
            sizes.transactions += len;
            sizes.transaction_count += 1;
        }
        sizes.bal = self.bal.bytes(&pending.bal);
        sizes.codes += pending.codes.values().sum::<usize>();
        sizes.code_count += pending.codes.len();
        sizes.headers += pending.headers.values().sum::<usize>();
        sizes.header_count += pending.headers.len();
        sizes
    }

    /// Accounts and slots in the BAL with the attempt included.
    pub(crate) fn bal_items(&self) -> u64 {
        match &self.pending {
            Some(pending) => self.bal.items(&pending.bal),
            None => self.bal.items(&Default::default()),
        }
    }

    /// Makes the attempt part of the block.
    pub(crate) fn include(&mut self) {
        self.sizes = self.sizes();
        if let Some(pending) = self.pending.take() {
            self.bal.grow(pending.bal);
            self.codes.extend(pending.codes);
            self.headers.extend(pending.headers);
        }
        self.nodes.keep();
        self.siblings.keep();
        self.undo.clear();
    }

    /// Takes the attempt back.
    pub(crate) fn forget(&mut self) {
        self.pending = None;
        self.nodes.revert();
        self.siblings.revert();
        while let Some((key, old)) = self.undo.pop() {
            match old {
                Some(old) => self.touched.insert(key, old),
                None => self.touched.remove(&key),
            };
        }
    }

    /// The nodes on the paths of all that was included.
    pub(crate) fn into_paths(self) -> Vec<(B256, Bytes)> {
        self.nodes.into_paths()
    }
}

/// The nodes on the paths of `keys` in the tries of `state`.
pub(crate) fn paths(state: &dyn ChainState, keys: &Keys) -> Result<Vec<(B256, Bytes)>, StateError> {
    let (tree, mut hashes, mut nodes) = (state.tree(), Hashes::default(), Nodes::default());
    hashes.learn(keys);
    let loader = tree.loader(&state);
    for (address, slots) in &keys.accounts {
        let owner = hashes.addresses[address];
        let account = collect(loader, tree.top(), &owner, &mut nodes)?;
        for slot in slots {
            let storage = account.and_then(Account::storage);
            collect::<Word>(loader.of(owner), storage, &hashes.slots[slot], &mut nodes)?;
        }
    }
    Ok(nodes.into_paths())
}

fn collect<'t, V: Value>(
    loader: Loader<'_>,
    root: Option<&'t Child<V>>,
    key: &B256,
    nodes: &mut Nodes,
) -> Result<Option<&'t V>, StateError> {
    loader.walk(root, key, |child, node, depth| {
        if let Some(hash) = child.hash() {
            nodes.add(hash, |out| node.write(depth, out));
        }
    })
}

/// Hashes of addresses and slots, each computed once.
#[derive(Debug, Default)]
struct Hashes {
    addresses: AddressMap<B256>,
    slots: HashMap<U256, B256>,
}

impl Hashes {
    fn learn(&mut self, keys: &Keys) {
        let addresses: Vec<Address> =
            keys.accounts.keys().filter(|address| !self.addresses.contains_key(*address)).copied().collect();
        let mut slots: Vec<U256> =
            keys.accounts.values().flatten().filter(|slot| !self.slots.contains_key(*slot)).copied().collect();
        slots.sort_unstable();
        slots.dedup();
        let words: Vec<[u8; 32]> = slots.iter().map(|slot| slot.to_be_bytes()).collect();
        let inputs: Vec<&[u8]> = addresses
            .iter()
            .map(|address| address.as_slice())
            .chain(words.iter().map(|word| word.as_slice()))
            .collect();
        let mut hashes = keccak::batch(&inputs).into_iter();
        self.addresses.extend(addresses.into_iter().zip(hashes.by_ref()));
        self.slots.extend(slots.into_iter().zip(hashes));
    }
}
