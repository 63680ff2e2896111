//! What a block does to the rows of the state, the way back, and how its traces are forgotten when nobody may go back any more.
//! Must not know: blocks, heads, or when any of it is done.

use alloy_primitives::{B256, Bytes, U256};
use alloy_rlp::Decodable;
use alloy_trie::{TrieAccount, nodes::TrieNode};
use execution::trie::{Place, TrieChanges};

use crate::{
    StorageError,
    codec::Key,
    kv::{Batch, Rows},
    schema::{self, Read, Table, UndoRecord, corrupt, decode_key},
};

/// How many old states can be read, counted in blocks below the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Every state since the database was made.
    All,
    /// So many, and in any case those of all blocks that L1 has not finalised.
    Blocks(u64),
}

impl Default for History {
    fn default() -> Self {
        Self::Blocks(10_000)
    }
}

impl History {
    /// The oldest state that has to stay readable.
    pub(super) fn oldest(self, head: u64, finalised: u64) -> u64 {
        match self {
            Self::All => 0,
            Self::Blocks(blocks) => head.saturating_sub(blocks).min(finalised),
        }
    }
}

/// Makes the state of block `number` of its parent's, and remembers what was there.
pub(super) fn advance(batch: &mut Batch, number: u64, changes: &TrieChanges) {
    for (key, change) in &changes.accounts {
        put_account(batch, *key, change.after.as_ref());
        batch.put::<schema::AccountHistory>(&(*key, number), &change.before);
    }
    for (key, change) in &changes.slots {
        put_slot(batch, *key, change.after);
        batch.put::<schema::SlotHistory>(&(*key, number), &Some(change.before).filter(|value| !value.is_zero()));
    }
    for change in &changes.nodes {
        put_node(batch, change.place, change.after.as_ref());
        batch.put::<schema::NodeHistory>(&(change.place, number), &change.before);
    }
    let undo = UndoRecord {
        accounts: changes.accounts.keys().copied().collect(),
        slots: changes.slots.keys().copied().collect(),
        nodes: changes.nodes.iter().map(|change| change.place).collect(),
    };
    batch.put::<schema::Undo>(&number, &undo);
}

/// Makes the parent's state of that of block `number`, whose parent has the state root `root`.
pub(super) fn go_back(rows: &dyn Rows, batch: &mut Batch, number: u64, root: B256) -> Result<(), StorageError> {
    let undo = rows.must_read::<schema::Undo>(&number)?;
    for key in undo.accounts {
        let before = rows.must_read::<schema::AccountHistory>(&(key, number))?;
        put_account(batch, key, before.as_ref());
        batch.delete::<schema::AccountHistory>(&(key, number));
    }
    for key in undo.slots {
        let before = rows.must_read::<schema::SlotHistory>(&(key, number))?;
        put_slot(batch, key, before.unwrap_or_default());
        batch.delete::<schema::SlotHistory>(&(key, number));
    }
    for place in undo.nodes {
        let before = rows.must_read::<schema::NodeHistory>(&(place, number))?;
        if place == ROOT && before.as_ref().map_or(alloy_trie::EMPTY_ROOT_HASH, alloy_primitives::keccak256) != root {
            // Going on would make a state that never was.
            let reason = format!("not the root node of state {root}");
            return Err(corrupt(schema::NodeHistory::ID, &(place, number).encode(), reason));
        }
        let stored = match &before {
            Some(rlp) => Some(rlp).filter(|rlp| !is_leaf(rlp)),
            None => None,
        };
        put_node(batch, place, stored);
        batch.delete::<schema::NodeHistory>(&(place, number));
    }
    batch.delete::<schema::Undo>(&number);
    Ok(())
}

/// Drops what was there before block `number`: the states of its ancestors can't be read any more.
pub(super) fn forget(batch: &mut Batch, number: u64, undo: &UndoRecord) {
    for key in &undo.accounts {
        batch.delete::<schema::AccountHistory>(&(*key, number));
    }
    for key in &undo.slots {
        batch.delete::<schema::SlotHistory>(&(*key, number));
    }
    for place in &undo.nodes {
        batch.delete::<schema::NodeHistory>(&(*place, number));
    }
    batch.delete::<schema::Undo>(&number);
}

/// The lowest block whose state can be read; `None`: no older one than the head's.
pub(super) fn oldest_kept(rows: &dyn Rows) -> Result<Option<u64>, StorageError> {
    let Some((key, _)) = rows.seek(schema::Undo::ID, &[], 0)? else { return Ok(None) };
    // With the parent of the first block that can be taken back.
    Ok(Some(decode_key::<schema::Undo>(&key)?.saturating_sub(1)))
}

/// Place of the state's root node.
pub(super) const ROOT: Place = Place { owner: None, path: alloy_trie::Nibbles::new() };

pub(super) fn put_account(batch: &mut Batch, key: B256, account: Option<&TrieAccount>) {
    match account {
        Some(account) => batch.put::<schema::Accounts>(&key, account),
        None => batch.delete::<schema::Accounts>(&key),
    }
}

pub(super) fn put_slot(batch: &mut Batch, key: (B256, B256), value: U256) {
    if value.is_zero() {
        batch.delete::<schema::Slots>(&key);
    } else {
        batch.put::<schema::Slots>(&key, &value);
    }
}

pub(super) fn put_node(batch: &mut Batch, place: Place, node: Option<&Bytes>) {
    match node {
        Some(rlp) => batch.put::<schema::Nodes>(&place, rlp),
        None => batch.delete::<schema::Nodes>(&place),
    }
}

/// Leaves have no row of their own.
fn is_leaf(rlp: &Bytes) -> bool {
    matches!(TrieNode::decode(&mut &rlp[..]), Ok(TrieNode::Leaf(_)))
}
