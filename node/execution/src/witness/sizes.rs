//! How long the EXECUTE input will be, kept up to date while a block is being built.
//!
//! Reads and writes are counted exactly. A cleared slot may need a sibling that nobody has looked at; such siblings are counted at their
//! greatest length, so the sum is an upper bound of what the sealed block has.

use super::{Keys, Witness};
use crate::{
    bal,
    roots::Tries,
    state::{ChainState, StateError},
    trie::Recorder,
};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::Nibbles;
use revm::state::EvmState;
use std::{collections::BTreeMap, sync::Arc};

/// Longest node that a collapse can ask for: a branch with sixteen hashes.
const NODE_MAX: usize = 3 + 16 * 33 + 1;

/// Sizes in bytes of the parts of an EXECUTE input: exact when taken from a sealed block, upper bounds while building.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    /// Transactions, EIP-2718 bytes together.
    pub transactions: usize,
    /// How many.
    pub transaction_count: usize,
    /// RLP of the block access list.
    pub bal: usize,
    /// Witness nodes together.
    pub nodes: usize,
    /// How many.
    pub node_count: usize,
    /// Witness codes together.
    pub codes: usize,
    /// How many.
    pub code_count: usize,
    /// Witness headers together.
    pub headers: usize,
    /// How many.
    pub header_count: usize,
}

impl Sizes {
    /// Sizes of a finished block.
    pub fn of(transactions: impl IntoIterator<Item = usize>, bal: &[u8], witness: &Witness) -> Self {
        let mut sizes = Self { bal: bal.len(), ..Default::default() };
        let sum = |items: &[Bytes]| (items.iter().map(|i| i.len()).sum(), items.len());
        (sizes.nodes, sizes.node_count) = sum(&witness.state);
        (sizes.codes, sizes.code_count) = sum(&witness.codes);
        (sizes.headers, sizes.header_count) = sum(&witness.headers);
        for len in transactions {
            sizes.transactions += len;
            sizes.transaction_count += 1;
        }
        sizes
    }

    /// Length of the whole EXECUTE input: two bytes of prefix, then SSZ. Longest extra data assumed.
    pub const fn input_len(&self) -> usize {
        // StatelessInput 16, NewPayloadRequest 44, ExecutionPayload 540, ExecutionRequests 20, ExecutionWitness 12.
        const FIXED: usize = 2 + 16 + 44 + 540 + 20 + 12;
        let items = self.transaction_count + self.node_count + self.code_count + self.header_count;
        FIXED + 32 + self.transactions + self.bal + self.nodes + self.codes + self.headers + 4 * items
    }
}

/// Cleared slots below one branch.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    children: usize,
    cleared: usize,
}

impl Group {
    /// Nodes that may be needed beyond the paths of the keys.
    ///
    /// A branch fetches a sibling only when its last but one child goes, and an unknown one only when the child that stays has no cleared slot below.
    /// Either that branch's own group is down to one child, or one of its children has been emptied, and then the lowest branch below that
    /// child has a group of none. No group stands for two branches so, which makes one node for each such group an upper bound.
    fn siblings(self) -> usize {
        usize::from(self.children.saturating_sub(self.cleared) < 2)
    }
}

type GroupKey = (Address, Nibbles);

/// Counts what has been included so far.
pub(crate) struct Tracker<'a> {
    state: &'a dyn ChainState,
    parent: (u64, usize),
    tries: Tries<Recorder<&'a dyn ChainState>>,
    bal: bal::Length,
    nodes: BTreeMap<B256, usize>,
    codes: BTreeMap<B256, usize>,
    headers: BTreeMap<u64, usize>,
    cleared: BTreeMap<(Address, U256), GroupKey>,
    groups: BTreeMap<GroupKey, Group>,
    sizes: Sizes,
    siblings: usize,
}

/// What one more transaction would add.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    bal: bal::Growth,
    nodes: BTreeMap<B256, usize>,
    codes: BTreeMap<B256, usize>,
    headers: BTreeMap<u64, usize>,
    /// Slots that become cleared, or are so no longer.
    cleared: BTreeMap<(Address, U256), Option<GroupKey>>,
    groups: BTreeMap<GroupKey, Group>,
    transaction: Option<usize>,
}

impl<'a> Tracker<'a> {
    pub(crate) fn new(state: &'a dyn ChainState, parent_number: u64, parent_len: usize) -> Self {
        // Only to fetch each node once: what belongs to the witness is decided by `nodes`.
        let tries = Tries::new(Arc::new(Recorder::new(state)), state.root());
        let sizes = Sizes { headers: parent_len, header_count: 1, ..Default::default() };
        Self {
            state,
            parent: (parent_number, parent_len),
            tries,
            bal: bal::Length::default(),
            nodes: BTreeMap::new(),
            codes: BTreeMap::new(),
            headers: BTreeMap::new(),
            cleared: BTreeMap::new(),
            groups: BTreeMap::new(),
            sizes,
            siblings: 0,
        }
    }

    /// What committing `state` at BAL index `index` adds; `transaction` is the length of the transaction that does it.
    pub(crate) fn delta(
        &mut self,
        index: u64,
        state: &EvmState,
        keys: &Keys,
        transaction: Option<usize>,
    ) -> Result<Delta, StateError> {
        let mut delta = Delta { bal: self.bal.growth(index, state), transaction, ..Default::default() };
        for (hash, code) in keys.codes.iter().filter(|(hash, _)| !self.codes.contains_key(*hash)) {
            delta.codes.insert(*hash, code.len());
        }
        for number in keys.oldest.unwrap_or(self.parent.0)..self.parent.0 {
            if self.headers.contains_key(&number) {
                break;
            }
            delta.headers.insert(number, self.state.header(number)?.len());
        }
        for (address, slots) in &keys.accounts {
            let mut visit = |hash: B256, len: usize| {
                if !self.nodes.contains_key(&hash) {
                    delta.nodes.insert(hash, len);
                }
            };
            self.tries.visit_account(*address, &mut visit)?;
            for slot in slots {
                let hangs = self.tries.visit_slot(*address, *slot, &mut visit)?;
                let clears = state
                    .get(address)
                    .and_then(|a| a.storage.get(slot))
                    .is_some_and(|value| value.present_value.is_zero());
                let group = hangs.filter(|_| clears).map(|parent| {
                    let key = (*address, parent.path);
                    delta.groups.entry(key).or_insert_with(|| {
                        let none = Group { children: parent.children, cleared: 0 };
                        self.groups.get(&key).copied().unwrap_or(none)
                    });
                    key
                });
                let old = self.cleared.get(&(*address, *slot)).copied();
                if group.is_some() == old.is_some() {
                    continue;
                }
                match (group, old) {
                    (Some(key), _) => delta.groups.entry(key).or_default().cleared += 1,
                    (None, Some(key)) => {
                        let known = self.groups.get(&key).copied().unwrap_or_default();
                        let group = delta.groups.entry(key).or_insert(known);
                        group.cleared = group.cleared.saturating_sub(1);
                    }
                    (None, None) => {}
                }
                delta.cleared.insert((*address, *slot), group);
            }
        }
        Ok(delta)
    }

    /// Sizes with `delta` included.
    pub(crate) fn sizes(&self, delta: &Delta) -> Sizes {
        let mut sizes = self.sizes;
        if let Some(len) = delta.transaction {
            sizes.transactions += len;
            sizes.transaction_count += 1;
        }
        sizes.bal = self.bal.bytes(&delta.bal);
        let siblings = self.siblings + siblings(delta.groups.values())
            - siblings(delta.groups.keys().filter_map(|key| self.groups.get(key)));
        sizes.nodes += delta.nodes.values().sum::<usize>() + siblings * NODE_MAX;
        sizes.node_count += delta.nodes.len() + siblings;
        sizes.codes += delta.codes.values().sum::<usize>();
        sizes.code_count += delta.codes.len();
        sizes.headers += delta.headers.values().sum::<usize>();
        sizes.header_count += delta.headers.len();
        sizes
    }

    /// Accounts and slots in the BAL with `delta` included.
    pub(crate) fn bal_items(&self, delta: &Delta) -> u64 {
        self.bal.items(&delta.bal)
    }

    /// Includes `delta`, which was made from this very state of the tracker.
    pub(crate) fn include(&mut self, delta: Delta) {
        let mut sizes = self.sizes(&delta);
        self.siblings = self.siblings + siblings(delta.groups.values())
            - siblings(delta.groups.keys().filter_map(|key| self.groups.get(key)));
        sizes.nodes -= self.siblings * NODE_MAX;
        sizes.node_count -= self.siblings;
        self.sizes = sizes;
        self.bal.grow(delta.bal);
        self.nodes.extend(delta.nodes);
        self.codes.extend(delta.codes);
        self.headers.extend(delta.headers);
        self.groups.extend(delta.groups);
        for (slot, group) in delta.cleared {
            match group {
                Some(key) => self.cleared.insert(slot, key),
                None => self.cleared.remove(&slot),
            };
        }
    }
}

fn siblings<'g>(groups: impl Iterator<Item = &'g Group>) -> usize {
    groups.map(|group| group.siblings()).sum()
}
