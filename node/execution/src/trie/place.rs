//! Where a node hangs, and what a block did to the nodes that hang in a state: what a store by place has to write, and
//! what takes it back. Must not know: how a store keeps any of it.

use alloy_primitives::{B256, Bytes, U256};
use alloy_trie::{Nibbles, TrieAccount};
use std::collections::BTreeMap;

/// A place in a state's tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// `None`: the account trie; else keccak256 of the address whose storage trie it is.
    pub owner: Option<B256>,
    /// Nibbles above the node; empty for a root.
    pub path: Nibbles,
}

/// A value before and after a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<T> {
    /// In the parent's state.
    pub before: T,
    /// In the block's state.
    pub after: T,
}

/// A node with a hash of its own (32 bytes of RLP or more, or a root) that came, changed or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeChange {
    /// Where.
    pub place: Place,
    /// RLP of what stood there in the parent's state, a leaf included; `None` when there was nothing, or a node so short that its
    /// parent holds it.
    pub before: Option<Bytes>,
    /// RLP of the branch or extension that stands there now. `None` for everything else: a leaf follows from the account or slot it is of.
    pub after: Option<Bytes>,
}

/// How a block changed the tries. Only what differs is listed; a place that had no node before and has a leaf now is not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrieChanges {
    /// By keccak256 of the address.
    pub accounts: BTreeMap<B256, Change<Option<TrieAccount>>>,
    /// By keccak256 of the address and of the slot; zero is absence. Complete also for an account that lost its storage wholesale.
    pub slots: BTreeMap<(B256, B256), Change<U256>>,
    /// Sorted by place, each place once.
    pub nodes: Vec<NodeChange>,
}
