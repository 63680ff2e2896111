//! Checks of the state: its root recomputed from accounts and slots alone, every node reached from that root, and the history of every
//! state that can still be read.
//! Must not know: blocks.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, TrieAccount, nodes::RlpNode, nodes::TrieNode};
use execution::{NodeSource, trie::Place};

use super::{Checked, corrupt, count, each};
use crate::{
    Key, StorageError,
    chain::{Now, history::ROOT, view::State},
    codec::encode_rlp,
    kv::Rows,
    schema::{self, Read, Table, decode_key, decode_value},
};

/// The head's state: rows, root, nodes.
pub(super) fn check_head(state: &State, checked: &mut Checked) -> Result<(), StorageError> {
    let rows = &*state.rows;
    let mut root = HashBuilder::default();
    each(rows, schema::Accounts::ID, &[], |key, value| {
        let owner = decode_key::<schema::Accounts>(key)?;
        let account = decode_value::<schema::Accounts>(key, value)?;
        let (found, slots) =
            if account.storage_root == EMPTY_ROOT_HASH { (EMPTY_ROOT_HASH, 0) } else { storage_root(rows, owner)? };
        if found != account.storage_root {
            let reason = format!("storage root {}, its slots have {found}", account.storage_root);
            return Err(corrupt::<schema::Accounts>(&owner, reason));
        }
        if account.code_hash != alloy_primitives::KECCAK256_EMPTY {
            let code = rows.must_read::<schema::Codes>(&account.code_hash)?;
            if keccak256(&code) != account.code_hash {
                return Err(corrupt::<schema::Codes>(&account.code_hash, "the code has another hash".into()));
            }
        }
        root.add_leaf(Nibbles::unpack(owner), &encode_rlp(&account));
        checked.accounts += 1;
        checked.slots += slots;
        Ok(())
    })?;
    count::<schema::Slots>(rows, checked.slots)?;
    let found = root.root();
    if found != state.header.state_root {
        let reason = format!("the state has root {found}, the header says {}", state.header.state_root);
        return Err(corrupt::<schema::Headers>(&state.header.hash(), reason));
    }
    let mut walk = Walk { state, nodes: 0 };
    walk.trie(None, state.header.state_root)?;
    checked.nodes = walk.nodes;
    count::<schema::Nodes>(rows, checked.nodes)
}

/// Root and number of the slots of `owner`.
fn storage_root(rows: &dyn Rows, owner: B256) -> Result<(B256, u64), StorageError> {
    let (mut root, mut slots) = (HashBuilder::default(), 0);
    each(rows, schema::Slots::ID, owner.as_slice(), |key, value| {
        let (_, slot) = decode_key::<schema::Slots>(key)?;
        root.add_leaf(Nibbles::unpack(slot), &encode_rlp(&decode_value::<schema::Slots>(key, value)?));
        slots += 1;
        Ok(())
    })?;
    Ok((root.root(), slots))
}

/// Goes through every node; `State::node` compares each with the hash that the one above it has.
struct Walk<'a> {
    state: &'a State,
    /// Nodes that have a row of their own.
    nodes: u64,
}

impl Walk<'_> {
    fn trie(&mut self, owner: Option<B256>, root: B256) -> Result<(), StorageError> {
        if root == EMPTY_ROOT_HASH { Ok(()) } else { self.node(Place { owner, path: Nibbles::new() }, root) }
    }

    fn node(&mut self, place: Place, hash: B256) -> Result<(), StorageError> {
        let rlp = self.state.node(&place, hash)?;
        self.within(place, &rlp, true)
    }

    /// `own`: whether these bytes are a node with a hash of its own, and not part of another.
    fn within(&mut self, place: Place, rlp: &Bytes, own: bool) -> Result<(), StorageError> {
        let node = TrieNode::decode(&mut &rlp[..])
            .map_err(|error| corrupt::<schema::Nodes>(&place, format!("no node: {error}")))?;
        if own && !matches!(node, TrieNode::Leaf(_)) {
            self.nodes += 1;
        }
        match node {
            TrieNode::EmptyRoot => Err(corrupt::<schema::Nodes>(&place, "an empty node".into())),
            TrieNode::Branch(branch) => {
                for (nibble, child) in branch.as_ref().children() {
                    if let Some(child) = child {
                        self.child(place, &Nibbles::from_nibbles([nibble]), child)?;
                    }
                }
                Ok(())
            }
            TrieNode::Extension(extension) => self.child(place, &extension.key, &extension.child),
            TrieNode::Leaf(leaf) if place.owner.is_none() => {
                let owner = B256::from_slice(&place.path.join(&leaf.key).pack());
                let account = TrieAccount::decode(&mut &leaf.value[..])
                    .map_err(|error| corrupt::<schema::Accounts>(&owner, error.to_string()))?;
                self.trie(Some(owner), account.storage_root)
            }
            TrieNode::Leaf(_) => Ok(()),
        }
    }

    fn child(&mut self, Place { owner, path }: Place, below: &Nibbles, child: &RlpNode) -> Result<(), StorageError> {
        let place = Place { owner, path: path.join(below) };
        match child.as_hash() {
            Some(hash) => self.node(place, hash),
            None => self.within(place, &Bytes::copy_from_slice(child), false),
        }
    }
}

/// What is needed to read and to go back to each older state is there, and nothing else.
pub(super) fn check_history(now: &Now, checked: &mut Checked) -> Result<(), StorageError> {
    let rows = &*now.rows;
    let (mut accounts, mut slots, mut nodes) = (0, 0, 0);
    for number in now.oldest + 1..=now.head.number {
        let undo = rows.must_read::<schema::Undo>(&number)?;
        present::<schema::AccountHistory>(rows, undo.accounts.iter().map(|key| (*key, number)))?;
        present::<schema::SlotHistory>(rows, undo.slots.iter().map(|key| (*key, number)))?;
        present::<schema::NodeHistory>(rows, undo.nodes.iter().map(|key| (*key, number)))?;
        accounts += undo.accounts.len() as u64;
        slots += undo.slots.len() as u64;
        nodes += undo.nodes.len() as u64;
        let parent = now.at((number - 1).into())?;
        if parent.header.state_root != EMPTY_ROOT_HASH {
            parent.node(&ROOT, parent.header.state_root)?;
        }
    }
    checked.old_states = now.head.number - now.oldest;
    count::<schema::Undo>(rows, checked.old_states)?;
    count::<schema::AccountHistory>(rows, accounts)?;
    count::<schema::SlotHistory>(rows, slots)?;
    count::<schema::NodeHistory>(rows, nodes)
}

fn present<T: Table>(rows: &dyn Rows, keys: impl Iterator<Item = T::Key>) -> Result<(), StorageError> {
    for key in keys {
        if rows.get(T::ID, &key.encode())?.is_none() {
            return Err(corrupt::<T>(&key, "missing, though its block touched it".into()));
        }
    }
    Ok(())
}
