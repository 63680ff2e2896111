//! The witness: what a stateless validator needs beyond the payload, no more (EIP-8025, canonical form).
//!
//! Which keys a block touches is what the EVM's journal held whenever something was committed; so a refused transaction, which
//! commits nothing, leaves nothing here. Must not know: how blocks are validated.

mod nodes;
mod siblings;
mod sizes;
#[cfg(test)]
mod tests;
mod tracker;

use crate::{
    block::SealedHeader,
    evm::{Log, Reads},
    roots::{self, Applied},
    state::{ChainState, StateDiff, StateError},
    trie::{Place, StateTree, TrieChanges},
};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use revm::state::EvmState;
pub use sizes::Sizes;
use std::collections::{BTreeMap, BTreeSet};
pub(crate) use tracker::Tracker;

/// What a stateless validator needs beyond the payload, in the canonical order of EIP-8025.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Witness {
    /// Trie nodes, RLP, sorted as byte strings, unique.
    pub state: Vec<Bytes>,
    /// Codes read that existed before the block, sorted as byte strings, unique.
    pub codes: Vec<Bytes>,
    /// Headers, RLP, ascending by number, ending with the parent; as far back as BLOCKHASH reached.
    pub headers: Vec<Bytes>,
}

/// What a block, or one of its transactions, touched of the state before it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Keys {
    pub(crate) accounts: BTreeMap<Address, BTreeSet<U256>>,
    pub(crate) codes: BTreeMap<B256, Bytes>,
    /// Lowest block whose hash was read.
    pub(crate) oldest: Option<u64>,
}

impl Keys {
    /// The keys of one committed state and of the reads that led to it.
    pub(crate) fn of(state: &EvmState, reads: Reads, log: &Log) -> Self {
        let mut keys = Self { accounts: BTreeMap::new(), codes: reads.codes, oldest: reads.oldest };
        for (address, account) in state {
            keys.accounts.insert(*address, account.storage.keys().copied().collect());
            // A code that an earlier transaction loaded, or deployed elsewhere, is not fetched again, but it is read.
            let Some(code) = &account.info.code else { continue };
            let hash = account.info.code_hash;
            if hash != KECCAK256_EMPTY && log.code_hash_before(*address) == Some(hash) {
                keys.codes.entry(hash).or_insert_with(|| code.original_bytes());
            }
        }
        keys
    }

    /// Whether all accounts and slots of `other` are among these.
    pub(crate) fn cover(&self, other: &Self) -> bool {
        other
            .accounts
            .iter()
            .all(|(address, slots)| self.accounts.get(address).is_some_and(|known| slots.is_subset(known)))
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (address, slots) in other.accounts {
            self.accounts.entry(address).or_default().extend(slots);
        }
        self.codes.extend(other.codes);
        self.oldest = [self.oldest, other.oldest].into_iter().flatten().min();
    }
}

/// What follows from a block's changes.
pub(crate) struct Built {
    pub(crate) tree: StateTree,
    pub(crate) changes: TrieChanges,
    pub(crate) witness: Witness,
}

/// The tries and the witness of a block that touched `keys` and changed `diff`.
pub(crate) fn build(
    state: &dyn ChainState,
    parent: &SealedHeader,
    keys: &Keys,
    diff: &StateDiff,
) -> Result<Built, StateError> {
    complete(state, parent, keys, diff, tracker::paths(state, keys)?)
}

/// As [`build`], with the nodes on the paths of `keys` collected before.
pub(crate) fn complete(
    state: &dyn ChainState,
    parent: &SealedHeader,
    keys: &Keys,
    diff: &StateDiff,
    paths: Vec<(B256, Bytes)>,
) -> Result<Built, StateError> {
    let Applied { tree, changes, mut siblings } = roots::apply(state.tree(), &state, diff)?;
    let mut nodes = Vec::with_capacity(paths.len() + siblings.len());
    for (hash, raw) in paths {
        siblings.remove(&hash);
        nodes.push(raw);
    }
    nodes.extend(siblings.into_values());
    // A validator looks the root up even when nothing is below it (an empty state has no node to show).
    if nodes.is_empty() && state.root() != alloy_trie::EMPTY_ROOT_HASH {
        let root = Place { owner: None, path: Default::default() };
        nodes.push(state.node(&root, state.root())?);
    }
    nodes.sort_unstable();
    let mut codes: Vec<Bytes> = keys.codes.values().cloned().collect();
    codes.sort_unstable();
    let oldest = keys.oldest.unwrap_or(parent.number).min(parent.number);
    let mut headers = (oldest..parent.number).map(|number| state.header(number)).collect::<Result<Vec<_>, _>>()?;
    headers.push(alloy_rlp::encode(parent.header()).into());
    Ok(Built { tree, changes, witness: Witness { state: nodes, codes, headers } })
}
